package clickhouse

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"parcours/pipeline"
	"parcours/pipeline/event"
	"parcours/pipeline/rules"
)

// TestObserved: the paths, gaps, container cases and missing ends that a few hand-made journeys have.
func TestObserved(t *testing.T) {
	s := migrated(t)
	rows := &pipeline.Rows{Generation: 1}
	start := event.InstantOf(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC))
	for i := range 10 { // ten journeys: nine come to the step once or twice, one four times; never in a row
		at, id := start.Add(time.Duration(i)*rules.Day), fmt.Sprintf("j%d", i)
		times := 1 + i%2
		if i == 9 {
			times = 4
		}
		j := pipeline.JourneyRow{JourneyID: id, KeyTime: at, StartedAt: at, LastEventAt: at.Add(time.Duration(i) * time.Hour), EndedAt: at.Add(time.Hour),
			CustomerID: "c1", CaseID: "case" + id, Cases: []string{"case" + id}, ReasonFamily: "billing", Reason: "billing.dispute",
			Outcome: "resolved", Contacts: 9, SiloHandoffs: uint32(i % 2), Steps: uint32(2*times + 1), Position: 1}
		for range 1 + i%3 { // of nine contacts, these are inbound and have ended
			j.Opportunities = append(j.Opportunities, pipeline.OpportunityRow{Kind: "repeat_contact", At: at, MaturesAt: at}, pipeline.OpportunityRow{Kind: "long_wait", At: at, MaturesAt: at})
		}
		rows.Journeys = append(rows.Journeys, j)
		for k := range 2 * times {
			activity := "examined"
			if k%2 == 1 {
				activity = "sent on"
			}
			rows.Steps = append(rows.Steps, step(id, uint32(k+1), at.Add(time.Duration(k)*time.Minute), event.StepPerformed, activity))
		}
		call := step(id, uint32(2*times+1), at.Add(time.Hour), event.ContactEnded, event.ContactEnded)
		call.ContactID, call.CustomerID, call.Reason = "k"+id, "c1", "billing.dispute"
		rows.Steps = append(rows.Steps, call)
	}
	for k, family := range []string{"billing", "delivery", "technical"} { // a customer file
		e := step("file", uint32(k+1), start.Add(time.Duration(k)*200*rules.Day), event.ContactEnded, event.ContactEnded)
		e.CaseID, e.ContactID, e.Reason = "file-1", "f"+family, family+".other"
		rows.Steps = append(rows.Steps, e)
	}
	insert(t, s, rows)
	stalls := rules.Clearing{Kind: "stalled_case", OfCase: true, Clears: []string{event.CaseResolved}}
	calls := rules.Clearing{Kind: "x", Begins: []string{event.StepPerformed}, Clears: []string{event.ContactEnded}}
	o, err := s.Observed(t.Context(), []rules.Clearing{stalls, calls})
	if err != nil {
		t.Fatal(err)
	}
	want := rules.ObservedPath{Reason: "billing", Journeys: 10, Closed: 10, Contacts: 2, Handoffs: 1, Loops: 4, Took: 9 * time.Hour}
	if len(o.Paths) != 2 || o.Paths[0] != want || o.Paths[1].Reason != "billing.dispute" {
		t.Errorf("paths %+v, expected %+v for the family and the same for the reason", o.Paths, want)
	}
	if len(o.Gaps) != 1 || o.Gaps[0].Family != "billing" || o.Gaps[0].Returns[1] != 9 {
		t.Errorf("gaps %+v, expected nine returns after a day", o.Gaps)
	}
	if len(o.Containers) != 1 || o.Containers[0] != (rules.ObservedCase{Case: "file-1", Lived: 400 * rules.Day, Families: 3, Contacts: 3}) {
		t.Errorf("containers %+v", o.Containers)
	}
	if len(o.Begun) != 2 || o.Begun[0].Journeys != 10 || o.Begun[0].Cleared != 0 || o.Begun[1].Cleared != 10 {
		t.Errorf("begun %+v, expected ten journeys that nobody ended, and ten with a call", o.Begun)
	}
}

// TestObservedSilences: a case that waits on the customer or a partner is not silent, one that waits on the company is.
func TestObservedSilences(t *testing.T) {
	s := migrated(t)
	rows := &pipeline.Rows{Generation: 1}
	start := event.InstantOf(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC))
	for on, family := range map[string]string{"customer": "billing", "partner": "delivery", "company": "technical", "": "contract"} {
		rows.Journeys = append(rows.Journeys, pipeline.JourneyRow{JourneyID: family, KeyTime: start, StartedAt: start, LastEventAt: start.Add(12 * rules.Day),
			ReasonFamily: family, Outcome: "resolved", Position: 1})
		for k, typ := range []string{event.CaseOpened, event.CaseWaiting, event.CaseResumed, event.CaseResolved} {
			at := start.Add([]time.Duration{0, rules.Day, 11 * rules.Day, 12 * rules.Day}[k])
			row := step(family, uint32(k+1), at, typ, typ)
			e := &event.Event{ID: row.EventID, Source: row.Source, Type: typ, At: at}
			if typ == event.CaseWaiting {
				e.Data.On = on
			}
			rows.Steps, rows.Events = append(rows.Steps, row), append(rows.Events, pipeline.EventRow{Position: 1, StoredAt: at, Event: e})
		}
	}
	insert(t, s, rows)
	o, err := s.Observed(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []rules.ObservedSilence{{Family: "billing", Cases: 1, Longest: rules.Day}, {Family: "contract", Cases: 1, Longest: 10 * rules.Day},
		{Family: "delivery", Cases: 1, Longest: rules.Day}, {Family: "technical", Cases: 1, Longest: 10 * rules.Day}}
	if !slices.Equal(o.Silences, want) {
		t.Errorf("silences %+v, expected %+v", o.Silences, want)
	}
}

func step(journey string, n uint32, at event.Instant, typ, activity string) pipeline.StepRow {
	return pipeline.StepRow{At: at, Source: "/t", EventID: fmt.Sprint(journey, "-", n), Position: 1, JourneyID: journey, Placement: "journey",
		Step: n, Type: typ, Activity: activity, CaseID: "case" + journey, Silo: "finance"}
}
