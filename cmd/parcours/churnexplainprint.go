package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"parcours/pipeline/churn"
)

// scoreOf shows a score that was not told.
func (s *shownCustomer) scoreOf(score churn.Score) *shownScore {
	shown := &shownScore{AsOf: score.AsOf.String(), Model: score.Model, Prior: score.Prior, ValueAtRisk: stated(score.ValueAtRisk), Excess: stated(score.ValueAtRisk - score.ValueAtRiskBase),
		VoiceRisk: stated(score.VoiceRisk), Expected: stated(score.ExpectedUses)}
	if score.Scored() {
		for i, days := range churn.Horizons {
			shown.Within = append(shown.Within, shownWithin{days, stated(score.P[i]), stated(score.Low[i]), stated(score.High[i]), stated(score.Base[i]), score.Projection[i]})
		}
	}
	for _, r := range score.Reasons {
		shown.Reasons = append(shown.Reasons, shownReason{r, reasonWords(r, s.language)})
	}
	return shown
}

// reasonWords is a reason as a person reads it.
func reasonWords(r churn.Reason, language string) string {
	fr, en := r.Sentence(churn.AllFeatures())
	if language == french {
		return fr
	}
	return en
}

// inWords are what facts and signals are called.
var inWords = map[string][2]string{ // fr, en
	churn.CancelRequested:      {"a demandé la résiliation", "asked to cancel"},
	churn.PortabilityRequested: {"a demandé la portabilité", "asked for portability"},
	churn.RenewalDue:           {"échéance passée sans contact", "renewal due without contact"},
	churn.ValueCut:             {"a réduit son contrat", "cut the value of the contract"},
	churn.Silence:              {"silencieux au-delà de ses habitudes", "silent beyond their habits"},
	churn.Experience:           {"beaucoup d'incidents de parcours récents", "much broke for them lately"},
	churn.DecayOfUse:           {"usage en déclin", "use is fading"},
	churn.Risk:                 {"risque de départ élevé", "high risk of leaving"},
	churn.Voice:                {"risque d'expression élevé", "high voice risk"},
}

func signalWords(kind, language string) string {
	words, known := inWords[kind]
	if !known {
		return kind
	}
	if language == french {
		return words[0]
	}
	return words[1]
}

// factWords are what a fact is called.
var factWords = map[churn.What][2]string{
	churn.ContractStarted: {"contrat commencé", "contract started"}, churn.ContractRenewal: {"échéance du contrat", "renewal due"},
	churn.ContractValued: {"valeur du contrat", "value of the contract"}, churn.ContractAsked: {"résiliation demandée", "asked to cancel"},
	churn.ContractPorted: {"portabilité demandée", "asked for portability"}, churn.ContractKept: {"retenu", "retained"},
	churn.ContractEnded: {"contrat terminé par", "contract ended by"}, churn.RightObjected: {"opposition", "objected to"},
	churn.RightConsented: {"consentement", "consented to"}, churn.ContactMade: {"contact", "contact"}, churn.ContactMoved: {"transféré", "transferred"},
	churn.InformationAgain: {"information redemandée", "had to say it again"}, churn.SurveyNPS: {"réponse NPS", "NPS answer"}, churn.SurveyCSAT: {"réponse CSAT", "CSAT answer"},
	churn.SurveyCES: {"réponse CES", "CES answer"}, churn.ComplaintFiled: {"réclamation", "complaint"}, churn.ComplaintRaised: {"réclamation portée plus haut", "complaint taken to"},
	churn.Uncivil: {"incivilité", "incivility"}, churn.Broken: {"rupture :", "broke:"},
}

// timeline tells what counted, newest first: of uses only how many there were is said, and of a contact its beginning.
func (s *shownCustomer) timeline(facts []churn.Fact) {
	contacts := map[string]bool{}
	for i := range facts {
		f := &facts[i]
		words, told := factWords[f.What]
		if !told || f.What == churn.ContactMade && contacts[f.ID] {
			continue
		}
		contacts[f.ID] = contacts[f.ID] || f.What == churn.ContactMade
		s.Timeline = append(s.Timeline, shownFact{f.At.String(), s.factLine(f, words), f.ID, f.At})
	}
	slices.Reverse(s.Timeline)
}

func (s *shownCustomer) factLine(f *churn.Fact, words [2]string) string {
	line := words[1]
	if s.language == french {
		line = words[0]
	}
	line = joined(" ", line, printable(f.Name))
	switch {
	case f.What == churn.SurveyNPS || f.What == churn.SurveyCSAT || f.What == churn.SurveyCES:
		line += fmt.Sprintf(": %.0f / 100", 100*f.Amount)
	case !math.IsNaN(f.Amount):
		line += fmt.Sprintf(": %.2f %s", f.Amount, s.Currency)
	}
	if f.Weight > 0 {
		line += fmt.Sprintf(" (severity %d)", f.Weight)
	}
	return joined(", ", line, printable(f.Family))
}

// print shows the page of a customer.
func (s *shownCustomer) print(out io.Writer, x *explainer, most int) {
	p := paintFor(out)
	fmt.Fprintf(out, "Customer %s\n", p.with(s.Customer, text.Bold))
	if s.Objected {
		fmt.Fprintln(out, "This person objected: they are not scored, not learnt from and not listed.")
		return
	}
	printFacts(out, p, "  ", []fact{
		{"segment", s.Segment}, {"contract", s.contractWords(x)}, {"product", printable(s.Product)}, {"margin", s.amount(s.Margin, " a year")},
		{"captive", map[bool]string{true: "yes: cannot leave, so there is a voice risk and no probability"}[s.Captive]}, {"days used", fmt.Sprintf("%d in the last 12 months", s.Uses)},
	})
	s.printScore(out, p)
	for _, g := range s.Signals {
		fmt.Fprintf(out, "  %s %s, since %s\n", p.with("signal    ", text.Faint), g.Words, day(g.RaisedAt))
	}
	s.printTimeline(out, x, most)
	if len(s.History) > 0 {
		t := newTable(out, "Scores that were told", "as of", "365 days", "value at risk", "voice risk", "model")
		for _, h := range s.History {
			t.AppendRow(table.Row{day(h.AsOf), cmp.Or(h.Ended, share(h.P365, "%.2f %%")), s.amount(h.ValueAtRisk, ""), figureText(h.VoiceRisk, "%.0f"), h.Model})
		}
		t.Render()
	}
}

func (s *shownCustomer) contractWords(x *explainer) string {
	switch {
	case s.InForce && s.TenureDays == nil:
		return "in force, nobody says since when"
	case s.InForce:
		return fmt.Sprintf("in force since %s (%.1f years)", day(s.Started), *s.TenureDays/365.25)
	case s.Ended != "" && s.Lost:
		return "lost on " + day(s.Ended)
	case s.Ended != "":
		return "ended on " + day(s.Ended) + ", not by the customer"
	}
	return "none is known"
}

func (s *shownCustomer) amount(v *float64, per string) string {
	if v == nil {
		return ""
	}
	return fmt.Sprintf("%.2f %s%s", *v, s.Currency, per)
}

func (s *shownCustomer) printScore(out io.Writer, p paint) {
	if s.Score == nil {
		fmt.Fprintln(out, "  There is no score: no contract is in force.")
		return
	}
	c := s.Score
	note := ", told"
	if !c.Told {
		note = ", not told yet: as it would be said now"
	}
	if c.Prior {
		note += "; a prior score: nothing was learnt yet"
	}
	fmt.Fprintf(out, "\nAs of %s, by model %s%s\n", day(c.AsOf), c.Model, note)
	if c.VoiceRisk != nil {
		fmt.Fprintf(out, "  %s %.0f of 100\n", p.with("voice risk", text.Faint), *c.VoiceRisk)
	}
	for _, w := range c.Within {
		projection := ""
		if w.Projection {
			projection = ", a projection"
		}
		fmt.Fprintf(out, "  %s %s (%s to %s), segment %s%s\n", p.with(fmt.Sprintf("%3d days  ", w.Days), text.Faint), share(w.P, "%.2f %%"), share(w.Low, "%.2f"), share(w.High, "%.2f %%"),
			share(w.Base, "%.2f %%"), projection)
	}
	for i, r := range c.Reasons {
		fmt.Fprintf(out, "  %s %s\n", p.with(fmt.Sprintf("reason %d  ", i+1), text.Faint), r.Words)
	}
	if c.ValueAtRisk != nil {
		fmt.Fprintf(out, "  %s %s in 12 months, %s of it beyond that of the segment\n", p.with("at risk   ", text.Faint), s.amount(c.ValueAtRisk, ""), s.amount(c.Excess, ""))
	}
	for _, q := range s.Quality {
		fmt.Fprintf(out, "  %s %d days, %s: AUC %s, observed / expected %s, %d losses\n", p.with("how good  ", text.Faint), q.Horizon, cmp.Or(q.Segment, "all"), figureText(q.AUC, "%.3f"),
			figureText(q.Ratio, "%.2f"), q.Losses)
	}
	if len(s.Quality) == 0 && len(c.Within) > 0 {
		fmt.Fprintf(out, "  %s nobody knows: this model was not judged (parcours churn train, churn evaluate --store)\n", p.with("how good  ", text.Faint))
	}
}

func (s *shownCustomer) printTimeline(out io.Writer, x *explainer, most int) {
	fmt.Fprintln(out, "\nWhat counted, newest first")
	for i := range s.Timeline[:min(most, len(s.Timeline))] {
		f := &s.Timeline[i]
		fmt.Fprintf(out, "  %s  %s\n", x.clock(f.at), f.Words)
	}
	if more := len(s.Timeline) - most; more > 0 {
		fmt.Fprintf(out, "  and %d more (--most %d)\n", more, len(s.Timeline))
	}
	fmt.Fprintln(out)
}

// shownCall is a customer to call.
type shownCall struct {
	Rank     uint32   `json:"rank" ch:"rank"`
	Customer string   `json:"customer_id" ch:"customer_id"`
	Segment  string   `json:"segment" ch:"segment"`
	P30      float64  `json:"p30" ch:"p30"`
	P365     float64  `json:"p365" ch:"p365"`
	Base     *float64 `json:"base365" ch:"base365"`
	At       *float64 `json:"value_at_risk" ch:"value_at_risk"`
	Excess   *float64 `json:"value_at_risk_excess" ch:"value_at_risk_excess"`
	Signals  []string `json:"signals" ch:"signals"`
	Reasons  []string `json:"reasons" ch:"reasons"`
	Prior    bool     `json:"prior" ch:"prior"`
}

// list prints whom to call first.
func (c *ChurnExplainCommand) list(ctx context.Context, x *explainer, s *streams) error {
	list := []shownCall{}
	err := x.store.Conn().Select(ctx, &list, "SELECT rank, customer_id, segment, p30, p365, base365, value_at_risk, value_at_risk_excess, signals, reasons_"+c.Lang+
		" AS reasons, prior FROM "+x.store.Database()+".customers_to_call_v ORDER BY rank LIMIT ?", c.Most)
	if err != nil {
		return fmt.Errorf("list whom to call: %w", err)
	}
	if c.JSON {
		return json.NewEncoder(s.out).Encode(struct {
			Customers []shownCall `json:"customers"`
			Currency  string      `json:"currency"`
		}{list, x.now.Currency})
	}
	if len(list) == 0 {
		fmt.Fprintln(s.out, "Nobody is scored yet: customers with a contract in force are, once a day, when a midnight has passed.")
		return nil
	}
	t := newTable(s.out, "Whom to call first: by value at risk beyond that of the segment", "", "customer", "segment", "30 days", "365 days", "segment's", "at risk "+x.now.Currency, "beyond", "signals", "why")
	prior := false
	for _, r := range list {
		prior = prior || r.Prior
		t.AppendRow(table.Row{r.Rank, short(r.Customer), r.Segment, share(&r.P30, "%.1f %%"), share(&r.P365, "%.1f %%"), share(r.Base, "%.1f %%"), figureText(r.At, "%.0f"), figureText(r.Excess, "%.0f"),
			strings.Join(r.Signals, ", "), strings.Join(r.Reasons, "; ")})
	}
	t.Render()
	if prior {
		fmt.Fprintln(s.out, "These are prior scores: nothing was learnt yet (parcours churn train).")
	}
	fmt.Fprintln(s.out, "A score ranks human attention; it never decides price, access or closure. Customers who objected or cannot leave are not here.")
	return nil
}
