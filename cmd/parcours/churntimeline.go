package main

import (
	"fmt"
	"io"
	"math"
	"slices"

	"parcours/pipeline/churn"
	"parcours/pipeline/event"
)

// shownFact is one thing that counted.
type shownFact struct {
	At     string `json:"at"`
	Words  string `json:"words"`
	Name   string `json:"name,omitempty"`   // what the words name, as the fact has it: the code of a kind of breakpoint, of who ended the contract, a product
	Family string `json:"family,omitempty"` // of the reason, as a code
	ID     string `json:"id"`
	After  bool   `json:"after_score"` // it came later than what the score looks at
	at     event.Instant
}

// factWords are what a fact is called.
var factWords = map[churn.What][2]string{
	churn.ContractStarted: {"contrat commencé", "contract started"}, churn.ContractRenewal: {"échéance annoncée", "renewal announced"},
	churn.ContractValued: {"valeur du contrat", "value of the contract"}, churn.ContractAsked: {"résiliation demandée", "asked to cancel"},
	churn.ContractPorted: {"portabilité demandée", "asked for portability"}, churn.ContractKept: {"retenu", "retained"},
	churn.ContractEnded: {"contrat terminé par", "contract ended by"}, churn.RightObjected: {"opposition", "objected to"},
	churn.RightConsented: {"consentement", "consented to"}, churn.ContactMade: {"contact", "contact"}, churn.ContactMoved: {"transféré", "transferred"},
	churn.InformationAgain: {"information redemandée", "had to say it again"}, churn.SurveyNPS: {"réponse NPS", "NPS answer"}, churn.SurveyCSAT: {"satisfaction", "satisfaction"},
	churn.SurveyCES: {"facilité", "ease"}, churn.ComplaintFiled: {"réclamation", "complaint"}, churn.ComplaintRaised: {"réclamation portée devant", "complaint taken to"},
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
		s.Timeline = append(s.Timeline, shownFact{f.At.String(), s.factLine(f, words), f.Name, f.Family, f.ID, s.Score != nil && f.At > s.Score.at, f.At})
	}
	slices.Reverse(s.Timeline)
}

func (s *shownCustomer) factLine(f *churn.Fact, words [2]string) string {
	l := s.language
	line := joined(" ", l.say(words[1], words[0]), l.named(f))
	switch {
	case answerOf[f.What] != "":
		line += l.answer(f)
	case !math.IsNaN(f.Amount):
		line += l.say(": ", " : ") + s.amount(&f.Amount, "")
	}
	if f.Weight > 0 {
		line += fmt.Sprintf(l.say(" (severity %d)", " (gravité %d)"), f.Weight)
	}
	return joined(", ", line, l.name("family", f.Family))
}

// named says the code that a fact names.
func (l language) named(f *churn.Fact) string {
	switch f.What {
	case churn.Broken:
		return l.name("kind", f.Name)
	case churn.ContractEnded, churn.ComplaintRaised:
		if words, known := partyWords[f.Name]; known {
			return l.say(words[1], words[0])
		}
	}
	return printable(f.Name)
}

// partyWords are who ends contracts, and to whom complaints go.
var partyWords = map[string][2]string{ // fr, en
	"customer": {"le client", "the customer"}, "company": {"l'entreprise", "the company"}, "third_party": {"un tiers", "a third party"},
	"management": {"la direction générale", "management"}, "mediator": {"le médiateur", "the mediator"}, "authority": {"l'autorité", "the authority"}, "court": {"le tribunal", "the court"},
}

// answerOf are the questions whose answers are facts.
var answerOf = map[churn.What]string{churn.SurveyNPS: "NPS", churn.SurveyCSAT: "CSAT", churn.SurveyCES: "CES"}

// answer says an answer to a survey: an NPS on its own scale, which is the same everywhere; of the others the fact has the share of the
// way from the worst answer to the best.
func (l language) answer(f *churn.Fact) string {
	if f.What == churn.SurveyNPS {
		return fmt.Sprintf(l.say(": %.0f of 10", " : %.0f sur 10"), 10*f.Amount)
	}
	return fmt.Sprintf(l.say(": %.0f of 100 (from %s)", " : %.0f sur 100 (réponse %s)"), 100*f.Amount, answerOf[f.What])
}

func (s *shownCustomer) printTimeline(out io.Writer, x *explainer, most int) {
	l := s.language
	fmt.Fprintf(out, l.say("\nWhat counted, newest first (times of %s; the other dates here are UTC)\n",
		"\nCe qui a compté, du plus récent au plus ancien (heures de %s ; les autres dates sont en UTC)\n"), x.zone)
	for i := range s.Timeline[:min(most, len(s.Timeline))] {
		f := &s.Timeline[i]
		if part := s.part(x, i); part != "" {
			fmt.Fprintln(out, part)
		}
		fmt.Fprintf(out, "  %s  %s\n", x.clock(f.at), f.Words)
	}
	if more := len(s.Timeline) - most; more > 0 {
		fmt.Fprintf(out, l.say("  and %d more (--most %d)\n", "  et %d de plus (--most %d)\n"), more, len(s.Timeline))
	}
	fmt.Fprintln(out)
}

// part is the heading above a line of the timeline: what came after the score could not count for it. Nothing where the line stands with
// the one above it, or where nothing came after.
func (s *shownCustomer) part(x *explainer, line int) string {
	l, after := s.language, s.Timeline[line].After
	switch {
	case line == 0 && after:
		return l.say(" later than the midnight of the score:", " après le minuit du score :")
	case line > 0 && !after && s.Timeline[line-1].After:
		return fmt.Sprintf(l.say(" up to the score, as of %s:", " jusqu'au score, établi au %s :"), x.clock(s.Score.at))
	}
	return ""
}
