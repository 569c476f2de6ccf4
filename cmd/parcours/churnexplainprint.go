package main

import (
	"cmp"
	"fmt"
	"io"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"parcours/pipeline/churn"
)

// scoreOf shows a score that was not told.
func (s *shownCustomer) scoreOf(score churn.Score) *shownScore {
	shown := &shownScore{at: score.AsOf, AsOf: score.AsOf.String(), Model: score.Model, Prior: score.Prior, ValueAtRisk: stated(score.ValueAtRisk), Excess: stated(score.ValueAtRisk - score.ValueAtRiskBase),
		VoiceRisk: stated(score.VoiceRisk), Expected: stated(score.ExpectedUses)}
	if score.Scored() {
		for i, days := range churn.Horizons {
			shown.Within = append(shown.Within, shownWithin{days, stated(score.P[i]), stated(score.Low[i]), stated(score.High[i]), stated(score.Base[i]), score.Projection[i]})
		}
	}
	for _, r := range score.Reasons {
		shown.Reasons = append(shown.Reasons, shownReasonOf(r, s.language))
	}
	return shown
}

// shownReasonOf is a reason as a person reads it.
func shownReasonOf(r churn.Reason, l language) shownReason {
	fr, en := r.Sentence(churn.AllFeatures())
	return shownReason{r, l.say(en, fr), churn.HalvedEvery(r.Feature)}
}

// fading says why a count has decimals.
func (r *shownReason) fading(l language) string {
	if r.HalvedEvery == 0 {
		return ""
	}
	return fmt.Sprintf(l.say(" (a count that halves every %d days)", " (compte réduit de moitié tous les %d jours)"), r.HalvedEvery)
}

// inWords are what facts and signals are called.
var inWords = map[string][2]string{ // fr, en
	churn.CancelRequested:      {"a demandé la résiliation", "asked to cancel"},
	churn.PortabilityRequested: {"a demandé la portabilité", "asked for portability"},
	churn.RenewalDue:           {"échéance annoncée, sans contact depuis", "renewal notice without contact since"},
	churn.ValueCut:             {"a réduit son contrat", "cut the contract's value"},
	churn.Silence:              {"silencieux au-delà de ses habitudes", "silent beyond their habits"},
	churn.Experience:           {"beaucoup d'incidents de parcours récents", "much broke for them lately"},
	churn.DecayOfUse:           {"usage en déclin", "use is fading"},
	churn.Risk:                 {"risque de départ élevé", "high risk of leaving"},
	churn.Voice:                {"risque d'expression élevé", "high voice risk"},
}

func signalWords(kind string, l language) string {
	words, known := inWords[kind]
	if !known {
		return kind
	}
	return l.say(words[1], words[0])
}

// print shows the page of a customer, in the language that was asked for.
func (s *shownCustomer) print(out io.Writer, x *explainer, most int) {
	p, l := paintFor(out), s.language
	fmt.Fprintf(out, "%s %s\n", l.say("Customer", "Client"), p.with(s.Customer, text.Bold))
	if s.Objected {
		fmt.Fprintln(out, l.say("This person objected: they are not scored, not learnt from and not listed.",
			"Cette personne s'est opposée : elle n'a pas de score, rien n'est appris d'elle et elle n'est dans aucune liste."))
		return
	}
	captive := ""
	if s.Captive {
		captive = l.say("yes: cannot leave, so there is a voice risk and no probability", "oui : ne peut pas partir, donc un risque d'expression et aucune probabilité")
	}
	printFacts(out, p, "  ", []fact{
		{l.say("segment", "segment"), s.Segment}, {l.say("contract", "contrat"), s.contractWords()}, {l.say("product", "produit"), printable(s.Product)},
		{l.say("margin", "marge"), s.amount(s.Margin, l.say(" a year", " par an"))}, {l.say("captive", "captif"), captive},
		{l.say("days used", "usage"), fmt.Sprintf(l.say("%d in the last 12 months", l.days(s.Uses)+" sur les 12 derniers mois"), s.Uses)},
	})
	s.printScore(out, p)
	for _, g := range s.Signals {
		fmt.Fprintf(out, "  %s %s\n", p.with("signal    ", text.Faint), fmt.Sprintf(l.say("%s (raised on %s)", "%s (déclenché le %s)"), g.Words, day(g.RaisedAt)))
	}
	s.printTimeline(out, x, most)
	s.printHistory(out)
}

// days is the pattern of a number of days in French, of which there is one below two.
func (l language) days(n int) string {
	if n < 2 {
		return "%d jour"
	}
	return "%d jours"
}

func (s *shownCustomer) printHistory(out io.Writer) {
	if len(s.History) == 0 {
		return
	}
	l := s.language
	t := newTable(out, l.say("Scores that were told", "Scores communiqués"), l.say("as of", "au"), l.say("365 days", "365 jours"), l.say("value at risk", "valeur en jeu"),
		l.say("voice risk", "risque d'expression"), l.say("model", "modèle"))
	for _, h := range s.History {
		t.AppendRow(table.Row{day(h.AsOf), cmp.Or(l.ending(h.Ended), l.number(share(h.P365, "%.2f %%"))), s.amount(h.ValueAtRisk, ""), figureText(h.VoiceRisk, "%.0f"), l.model(h.Model)})
	}
	t.Render()
}

func (s *shownCustomer) contractWords() string {
	l := s.language
	switch {
	case s.InForce && s.TenureDays == nil:
		return l.say("in force, nobody says since when", "en cours, nul ne dit depuis quand")
	case s.InForce:
		return fmt.Sprintf(l.say("in force since %s (%s years)", "en cours depuis le %s (%s ans)"), day(s.Started), l.number(fmt.Sprintf("%.1f", *s.TenureDays/365.25)))
	case s.Ended != "" && s.Lost:
		return l.say("lost on ", "perdu le ") + day(s.Ended)
	case s.Ended != "":
		return fmt.Sprintf(l.say("ended on %s, not by the customer", "terminé le %s, pas par le client"), day(s.Ended))
	}
	return l.say("none is known", "aucun n'est connu")
}

func (s *shownCustomer) amount(v *float64, per string) string {
	if v == nil {
		return ""
	}
	return s.language.number(fmt.Sprintf("%.2f", *v)) + " " + s.Currency + per
}

func (s *shownCustomer) printScore(out io.Writer, p paint) {
	l := s.language
	if s.Score == nil {
		fmt.Fprintln(out, l.say("  There is no score: no contract is in force.", "  Il n'y a pas de score : aucun contrat n'est en cours."))
		return
	}
	c := s.Score
	note := l.say(", told", ", communiqué")
	if !c.Told {
		note = l.say(", not told yet: as it would be said now", ", pas encore communiqué : tel qu'il serait dit maintenant")
	}
	if c.Prior {
		note += l.say("; a prior score", " ; un score a priori")
	}
	fmt.Fprintf(out, l.say("\nAs of %s, by model %s%s\n", "\nAu %s, par le modèle %s%s\n"), day(c.AsOf), l.model(c.Model), note)
	label := func(en, fr string) string { return p.with(fmt.Sprintf("%-10s", l.say(en, fr)), text.Faint) }
	if c.Prior {
		fmt.Fprintf(out, "  %s %s\n", label("prior", "a priori"), l.priorWords(s.awaited))
	}
	if c.VoiceRisk != nil {
		fmt.Fprintf(out, "  %s %s\n", label("voice risk", "expression"), fmt.Sprintf(l.say("%.0f of 100", "risque de %.0f sur 100"), *c.VoiceRisk))
	}
	if c.Expected != nil {
		fmt.Fprintf(out, "  %s %s\n", label("uses", "usages"), fmt.Sprintf(l.say("%s expected in the next 12 months", "%s attendus dans les 12 prochains mois"), l.number(fmt.Sprintf("%.1f", *c.Expected))))
	}
	for _, w := range c.Within {
		fmt.Fprintf(out, "  %s %s\n", label(fmt.Sprintf("%3d days", w.Days), fmt.Sprintf("%3d jours", w.Days)), l.within(&w))
	}
	for i, r := range c.Reasons {
		fmt.Fprintf(out, "  %s %s\n", label(fmt.Sprintf("reason %d", i+1), fmt.Sprintf("raison %d", i+1)), r.Words+p.with(r.fading(l), text.Faint))
	}
	if c.ValueAtRisk != nil {
		fmt.Fprintf(out, "  %s %s\n", label("at risk", "en jeu"), fmt.Sprintf(l.say("%s in 12 months, %s of it beyond that of the segment", "%s en 12 mois, dont %s de plus que le segment"),
			s.amount(c.ValueAtRisk, ""), s.amount(c.Excess, "")))
	}
	s.printJudged(out, label)
}

// within is a probability with its interval, beside that of the segment.
func (l language) within(w *shownWithin) string {
	projection := ""
	if w.Projection {
		projection = l.say(", a projection", ", une projection")
	}
	return fmt.Sprintf(l.say("%s (%s to %s), segment %s%s", "%s (%s à %s), segment %s%s"), l.number(share(w.P, "%.2f %%")), l.number(share(w.Low, "%.2f")), l.number(share(w.High, "%.2f %%")),
		l.number(share(w.Base, "%.2f %%")), projection)
}

// printJudged says how good the model of the score is.
func (s *shownCustomer) printJudged(out io.Writer, label func(en, fr string) string) {
	l := s.language
	for _, q := range s.Quality {
		fmt.Fprintf(out, "  %s %s\n", label("how good", "fiabilité"), fmt.Sprintf(l.say("%d days, %s: AUC %s, observed / expected %s, %d losses", "%d jours, %s : AUC %s, observé / attendu %s, %d pertes"),
			q.Horizon, cmp.Or(q.Segment, l.say("all", "tous")), l.number(figureText(q.AUC, "%.3f")), l.number(figureText(q.Ratio, "%.2f")), q.Losses))
	}
	switch {
	case len(s.Quality) > 0 || len(s.Score.Within) == 0:
	case s.Score.Prior:
		fmt.Fprintf(out, "  %s %s\n", label("how good", "fiabilité"), l.say("unknown: the prior is judgement, not learnt (parcours churn train learns a model, and judges it)",
			"inconnue : le score a priori est un jugement, rien n'est appris (parcours churn train apprend un modèle et l'évalue)"))
	default:
		fmt.Fprintf(out, "  %s %s\n", label("how good", "fiabilité"), l.say("unknown: this model was not judged (parcours churn evaluate --store)",
			"inconnue : ce modèle n'a pas été évalué (parcours churn evaluate --store)"))
	}
}
