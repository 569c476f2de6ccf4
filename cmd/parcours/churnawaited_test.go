package main

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"parcours/pipeline/churn"
	"parcours/pipeline/event"
	"parcours/pipeline/nats"
)

// TestAwaitedModelIsNamed: where a model is published that has scored nothing yet, the list and the page name it, say as of which
// midnight it scores first and what that waits for, and never that nothing was learnt; where none is, they say that.
func TestAwaitedModelIsNamed(t *testing.T) {
	from := event.InstantOf(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
	nothing := map[language]string{english: "nothing was learnt yet", french: "rien n'a encore été appris"}
	later := map[string]map[language]string{
		nats.ModeLog:  {english: "come with events that are later", french: "viendront avec des événements postérieurs"},
		nats.ModeWall: {english: "when the clocks have passed that midnight", french: "quand les horloges auront passé ce minuit"},
	}
	say := func(l language, awaited *awaitedModel) [2]string {
		var list, page strings.Builder
		(&ChurnExplainCommand{Lang: string(l)}).printList(&list, callsToMake(), "EUR", awaited)
		(&shownCustomer{language: l, awaited: awaited, Score: &shownScore{Prior: true, Model: churn.PriorVersion}}).printScore(&page, paint{})
		return [2]string{list.String(), page.String()}
	}
	for l, none := range nothing {
		for _, text := range say(l, nil) {
			if !strings.Contains(text, none) || strings.Contains(text, "hazard-1") {
				t.Errorf("nothing is published, in %s:\n%s", l, text)
			}
		}
		for mode, waits := range later {
			for _, text := range say(l, &awaitedModel{"hazard-1", *publishedAs(7, from, mode)}) {
				if strings.Contains(text, none) || !strings.Contains(text, "hazard-1") || !strings.Contains(text, "2026-03-02T00:00:00") || !strings.Contains(text, waits[l]) {
					t.Errorf("a model waits, mode %s, in %s:\n%s", mode, l, text)
				}
			}
		}
	}
}

// TestAwaitedModelIsFound: a model is found in the log, where it waits for somebody who folds on, and then in the tables.
func TestAwaitedModelIsFound(t *testing.T) {
	dir := dataDir(t)
	began := eventLine("began", "contract.started", "2026-01-05T09:00:00Z", `"identifiers":{"customer":"A-1"}`)
	used := eventLine("used", "service.used", "2026-03-10T12:00:00Z", `"identifiers":{"customer":"A-1"}`)
	must(t, "import", "--data", dir, tempFile(t, "before.ndjson", began+"\n"+used))
	if text := must(t, "churn", "explain", "--data", dir); !strings.Contains(text, "nothing was learnt yet") {
		t.Fatalf("before:\n%s", text)
	}
	learnt := publishLearnt(t, dir)
	for _, customer := range [][]string{nil, {"customer=A-1"}} {
		text := must(t, slices.Concat([]string{"churn", "explain", "--data", dir}, customer)...)
		if !strings.Contains(text, "model "+learnt+" is published") || strings.Contains(text, "nothing was learnt") {
			t.Errorf("in the log, %v:\n%s", customer, text)
		}
	}
	must(t, "import", "--data", dir, tempFile(t, "same-day.ndjson", eventLine("again", "service.used", "2026-03-10T13:00:00Z", `"identifiers":{"customer":"A-1"}`)))
	if n := sqlCSV(t, dir, "SELECT count() FROM cx.models_v"); n != "1" {
		t.Fatalf("%s models in the tables", n)
	}
	if text := must(t, "churn", "explain", "--data", dir); !strings.Contains(text, "model "+learnt+" is published") {
		t.Errorf("in the tables:\n%s", text)
	}
}

// TestSaidOnce: what a signal says is no reason beside it, in either language; other reasons stand, in their order.
func TestSaidOnce(t *testing.T) {
	for _, kind := range []string{churn.CancelRequested, churn.PortabilityRequested, churn.RenewalDue, churn.ValueCut, churn.Silence} {
		fr, en := churn.Reason{Feature: kind, Value: 1}.Sentence(churn.AllFeatures())
		for l, reason := range map[language]string{french: fr, english: en} {
			list := []shownCall{{Customer: "c0", Signals: []string{churn.Risk, kind}, Reasons: []string{"another", reason, "a third"}}}
			_, rows := l.calls(list, "EUR", false)
			want := strings.Join([]string{signalWords(churn.Risk, l), reason, "another", "a third"}, "; ")
			if got := fmt.Sprint(rows[0][len(rows[0])-1]); got != want {
				t.Errorf("%s in %s: %q, expected %q", kind, l, got, want)
			}
			if _, wide := l.calls(list, "EUR", true); fmt.Sprint(wide[0][len(wide[0])-1]) != "another; "+reason+"; a third" {
				t.Errorf("%s in %s, wide: %v", kind, l, wide[0])
			}
		}
	}
}

// TestRenewalIsANotice: contract.renewal_due says that a renewal comes, and when it is due may lie ahead: no words of it say that it is past.
func TestRenewalIsANotice(t *testing.T) {
	for _, l := range []language{english, french} {
		fr, en := churn.Reason{Feature: churn.RenewalDue, Value: 1}.Sentence(churn.AllFeatures())
		freshFr, freshEn := churn.Reason{Feature: "renewal", Value: 1}.Sentence(churn.AllFeatures())
		s := &shownCustomer{language: l}
		s.timeline([]churn.Fact{{At: 5, What: churn.ContractRenewal}})
		for _, text := range []string{l.say(en, fr), l.say(freshEn, freshFr), signalWords(churn.RenewalDue, l), s.Timeline[0].Words, l.name("signal", churn.RenewalDue)} {
			if strings.Contains(text, "passée") || strings.Contains(text, "renewal due") || !strings.Contains(text, l.say("renewal", "annoncée")) {
				t.Errorf("in %s: %q", l, text)
			}
		}
	}
}

// TestTimelineInWords: the timeline says kinds, reason families and parties in the language of the page; the codes are in JSON. An NPS is
// on its own scale.
func TestTimelineInWords(t *testing.T) {
	none := math.NaN()
	facts := []churn.Fact{
		{At: 1, What: churn.Broken, Name: "long_wait", Family: "billing", Weight: 2, Amount: none},
		{At: 2, What: churn.ContractEnded, Name: "third_party", Amount: none}, {At: 3, What: churn.ComplaintRaised, Name: "mediator", Amount: none},
		{At: 4, What: churn.SurveyNPS, Amount: 0.4}, {At: 5, What: churn.SurveyCSAT, Amount: 0.25}, {At: 6, What: churn.SurveyCES, Amount: 1}, {At: 7, What: churn.Broken, Name: "of_another_version", Amount: none},
	}
	for l, want := range map[language][]string{
		french:  {"Attente trop longue", "Facturation", "un tiers", "médiateur", "réponse NPS : 4 sur 10", "satisfaction : 25 sur 100 (réponse CSAT)", "facilité : 100 sur 100 (réponse CES)", "of another version"},
		english: {"Waited too long", "Billing", "a third party", "mediator", "NPS answer: 4 of 10", "satisfaction: 25 of 100 (from CSAT)", "ease: 100 of 100 (from CES)", "of another version"},
	} {
		s := &shownCustomer{language: l}
		s.timeline(facts)
		var all []string
		for _, f := range s.Timeline {
			all = append(all, f.Words)
		}
		text := strings.Join(all, "\n")
		for _, says := range want {
			if !strings.Contains(text, says) {
				t.Errorf("%q is not in\n%s", says, text)
			}
		}
		if strings.Contains(text, "_") || strings.Contains(text, "billing") {
			t.Errorf("codes in\n%s", text)
		}
		if first := s.Timeline[len(facts)-1]; first.Name != "long_wait" || first.Family != "billing" {
			t.Errorf("%+v", first)
		}
	}
	if fr, en := french.model(churn.PriorVersion), english.model(churn.PriorVersion); fr != "a priori" || en != "prior" || french.model("hazard-1") != "hazard-1" {
		t.Errorf("the prior is %q, %q", fr, en)
	}
}

// TestCausesSayWhy: below the kinds stands what a dash means, with the number of the rule book.
func TestCausesSayWhy(t *testing.T) {
	var out strings.Builder
	r := churnEvaluation{Causes: []shownCause{{Kind: "long_wait", Planted: "confounded", Losses: 3}}, TooFew: 17}
	r.print(&out)
	if !strings.Contains(out.String(), "- : fewer than 17 exposed and lost") {
		t.Errorf("%s", out.String())
	}
}
