package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"

	"parcours/pipeline/churn"
	"parcours/pipeline/event"
)

// callsToMake are two customers with all that a line may hold.
func callsToMake() []shownCall {
	base, at, excess := 0.103, 12345.6, 11234.5
	list := make([]shownCall, 2)
	for i := range list {
		list[i] = shownCall{Rank: uint32(i + 99), Customer: fmt.Sprintf("c%031d%d", 0, i), Segment: "professionals", P30: 0.123, P365: 0.456, Base: &base, At: &at, Excess: &excess,
			Signals: []string{churn.Risk, churn.Experience, churn.CancelRequested}, Prior: true,
			Reasons: []string{"times back for the same reason lately: 2.9", "last NPS answer below the best mark", "recourses lately (mediator, authority, court): 0.5"}}
	}
	return list
}

// TestListFits: whom to call fits a line of 120 columns in both languages, and loses no reason; --wide is a line a customer.
func TestListFits(t *testing.T) {
	list := callsToMake()
	for _, lang := range []string{"en", "fr"} {
		var narrow, wide strings.Builder
		(&ChurnExplainCommand{Lang: lang}).printList(&narrow, list, "EUR", nil)
		(&ChurnExplainCommand{Lang: lang, Wide: true}).printList(&wide, list, "EUR", nil)
		for line := range strings.Lines(narrow.String()) {
			if n := text.StringWidthWithoutEscSequences(strings.TrimRight(line, "\n")); n > usualLine {
				t.Errorf("%s: a line of %d: %s", lang, n, line)
			}
		}
		for _, word := range append(strings.Fields(strings.Join(list[0].Reasons, " ")), strings.Fields(signalWords(churn.CancelRequested, language(lang)))...) {
			if !strings.Contains(narrow.String(), word) {
				t.Errorf("%s: %q is lost:\n%s", lang, word, narrow.String())
			}
		}
		one := strings.Join(list[1].Reasons, "; ")
		if !strings.Contains(wide.String(), one) || strings.Contains(narrow.String(), one) || !strings.Contains(wide.String(), "12346") || !strings.Contains(narrow.String(), "--wide") {
			t.Errorf("%s:\n%s\n%s", lang, wide.String(), narrow.String())
		}
	}
}

// TestCountsFade: a reason that is a fading count says in how many days it halves, in the language of the page, and the list says why counts
// have decimals; other reasons say nothing of it.
func TestCountsFade(t *testing.T) {
	for feature, want := range map[string]int{"repeat_contact:7d": 7, "complaints:30d": 30, "contacts:90d": 90, "nps:low": 0, "season:cos": 0, churn.CancelRequested: 0, "margin": 0, "nothing:30d": 0} {
		for l, says := range map[language]string{english: "halves every", french: "réduit de moitié tous les"} {
			r := shownReasonOf(churn.Reason{Feature: feature, Value: 0.9}, l)
			fading := r.fading(l)
			if r.HalvedEvery != want || (want > 0) != strings.Contains(fading, says) || want > 0 && !strings.Contains(fading, fmt.Sprintf("%d ", want)) {
				t.Errorf("%s in %s: %d days, %q", feature, l, r.HalvedEvery, fading)
			}
			if want > 0 {
				var out strings.Builder
				page := shownCustomer{language: l, Score: &shownScore{Reasons: []shownReason{r}}}
				page.printScore(&out, paint{})
				if !strings.Contains(out.String(), r.Words+fading) {
					t.Errorf("the page does not say %q:\n%s", fading, out.String())
				}
			}
		}
	}
	for lang, says := range map[string]string{"en": "Counts fade", "fr": "Les comptes s'estompent"} {
		list := callsToMake()
		var with, without strings.Builder
		(&ChurnExplainCommand{Lang: lang}).printList(&with, list, "EUR", nil)
		list[0].Reasons, list[1].Reasons = nil, nil
		(&ChurnExplainCommand{Lang: lang}).printList(&without, list, "EUR", nil)
		if !strings.Contains(with.String(), says) || strings.Contains(without.String(), says) {
			t.Errorf("%s:\n%s", lang, with.String())
		}
	}
}

// TestTimelineSaysWhen: the page names the zone of its times, and parts what came after the score from what it knew; where nothing came
// after it, or there is no score, there is nothing to part.
func TestTimelineSaysWhen(t *testing.T) {
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	midnight := event.InstantOf(time.Date(2026, 7, 2, 0, 0, 0, 0, time.UTC))
	facts := []churn.Fact{
		{At: midnight - 1000, What: churn.ContactMade, ID: "before"}, {At: midnight, What: churn.ContactMoved, ID: "at"}, {At: midnight + 1000, What: churn.ComplaintFiled, ID: "after"},
	}
	page := func(score *shownScore, l language, facts []churn.Fact, most int) (*shownCustomer, string) {
		s := &shownCustomer{language: l, Score: score}
		s.timeline(facts)
		var out strings.Builder
		s.printTimeline(&out, &explainer{zone: paris}, most)
		return s, out.String()
	}
	for l, parts := range map[language][2]string{english: {"later than the midnight of the score", "up to the score, as of 2026-07-02 02:00:00"}, french: {"après le minuit du score", "jusqu'au score, établi au 2026-07-02 02:00:00"}} {
		s, text := page(&shownScore{at: midnight}, l, facts, 20)
		if strings.Count(text, "Europe/Paris") != 1 || !s.Timeline[0].After || s.Timeline[1].After || s.Timeline[2].After {
			t.Errorf("%+v\n%s", s.Timeline, text)
		}
		since, after, upTo, at := strings.Index(text, parts[0]), strings.Index(text, "2026-07-02 02:00:01"), strings.Index(text, parts[1]), strings.LastIndex(text, "2026-07-02 02:00:00  ")
		if since < 0 || after < since || upTo < after || at < upTo {
			t.Errorf("in %s:\n%s", l, text)
		}
		_, none := page(nil, l, facts, 20)
		_, before := page(&shownScore{at: midnight}, l, facts[:2], 20)
		_, cut := page(&shownScore{at: midnight}, l, facts, 1)
		if strings.Contains(none+before, parts[0]) || strings.Contains(none+before+cut, parts[1]) || !strings.Contains(cut, parts[0]) {
			t.Errorf("in %s:\n%s%s%s", l, none, before, cut)
		}
	}
}

// TestWhatACustomerLooksLike: whoever asks for a customer in a wrong way is given an example, and told where there are some.
func TestWhatACustomerLooksLike(t *testing.T) {
	c := &ChurnExplainCommand{DirectoryFlags: DirectoryFlags{Data: "the-data"}}
	for _, asked := range []string{"4711", "c0", "C-1", "someone@example.org"} {
		_, err := c.find(t.Context(), nil, asked)
		if err == nil || !strings.Contains(err.Error(), "c41d8f") || !strings.Contains(err.Error(), "customer=4711") || !strings.Contains(err.Error(), "parcours churn explain --data the-data") {
			t.Errorf("%s: %v", asked, err)
		}
	}
}
