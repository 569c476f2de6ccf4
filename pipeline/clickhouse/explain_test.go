package clickhouse

import (
	"fmt"
	"testing"

	"parcours/pipeline"
	"parcours/pipeline/event"
)

// explained is a store of two journeys of one customer, a third that gave way, a breakpoint, and events.
func explained(t *testing.T) *Store {
	t.Helper()
	s := migrated(t)
	first, second := journey("aabbcc01", at(3, 1, 9), 3), journey("aabbcc02", at(3, 20, 9), 4)
	first.LastEventAt, first.Cases, first.CaseID = at(3, 2, 9), []string{"it's case-1", "case-2"}, "it's case-1"
	second.ReasonFamily, second.Reason = "delivery", "delivery.late"
	step := func(journeyID string, n uint32, id string, when event.Instant) pipeline.StepRow {
		return pipeline.StepRow{At: when, Source: "crm", EventID: id, Position: 3, JourneyID: journeyID, Placement: "journey", Step: n, Activity: "contact.ended",
			Type: "contact.ended", CustomerID: "c1", Partition: 2}
	}
	ended := contactEnded("e1", at(3, 1, 9))
	insert(t, s, &pipeline.Rows{
		Generation: 1,
		Events:     []pipeline.EventRow{{Position: 3, Partition: 2, StoredAt: at(3, 1, 10), Event: ended}},
		Journeys:   []pipeline.JourneyRow{first, second},
		Steps:      []pipeline.StepRow{step("aabbcc01", 2, "e2", at(3, 2, 9)), step("aabbcc01", 1, "e1", at(3, 1, 9)), step("aabbcc02", 1, "e3", at(3, 20, 9))},
		Breakpoints: []pipeline.BreakpointRow{{BreakpointID: "b1", Kind: "repeat_contact", Position: 3, Partition: 2, JourneyID: "aabbcc01", OccurredAt: at(3, 2, 9),
			DetectedAt: at(3, 2, 9), OpportunityAt: at(3, 1, 9), OriginStep: 1, OriginEvent: "crm e1", Evidence: []string{"e1", "e2"}, Severity: 3}},
		Aliases: []pipeline.AliasRow{{OldID: "aabbcc03", NewID: "aabbcc01", KeyTime: at(3, 2, 9), Position: 3}, {OldID: "aabbcc02", NewID: "aabbcc02", KeyTime: at(3, 20, 9), Position: 4}},
		Ledger:  []pipeline.LedgerRow{{Partition: 2, Range: 0, Position: 9, Copies: 0}, {Partition: 2, Range: 7, Position: 9, Copies: 2}},
	})
	// Another generation is never looked at.
	other := journey("aabbcc09", at(3, 1, 9), 9)
	insert(t, s, &pipeline.Rows{Generation: 2, Journeys: []pipeline.JourneyRow{other}})
	return s
}

func TestNamed(t *testing.T) {
	s := explained(t)
	for _, c := range []struct {
		id     string
		prefix bool
		want   string
	}{
		{"aabbcc01", false, "[{journey aabbcc01 aabbcc01}]"},
		{"aabbcc", false, "[]"},
		{"aabbcc", true, "[{journey aabbcc01 aabbcc01} {journey aabbcc02 aabbcc02} {alias aabbcc03 aabbcc01}]"},
		{"aabbcc02", false, "[{journey aabbcc02 aabbcc02}]"}, // back under its own name
		{"b1", false, "[{breakpoint b1 aabbcc01}]"},
		{"it's case-1", false, "[{case it's case-1 aabbcc01}]"},
		{"it's", true, "[]"},
		{"aabbcc09", false, "[]"},
	} {
		got, err := s.Named(t.Context(), c.id, c.prefix)
		if err != nil || fmt.Sprint(got) != c.want {
			t.Errorf("%q (prefix %t): %v, expected %s (%v)", c.id, c.prefix, got, c.want, err)
		}
	}
}

func TestJourneysWanted(t *testing.T) {
	s := explained(t)
	for want, wanted := range map[string][]JourneysWanted{
		"[aabbcc02 aabbcc01]": {{}, {Customer: "c1"}, {Customer: "c"}, {Since: at(3, 2, 9)}},
		"[aabbcc02]":          {{Limit: 1}, {Reason: "delivery"}, {Reason: "delivery.late"}, {Since: at(3, 2, 10)}},
		"[aabbcc01]":          {{ID: "aabbcc01"}, {Case: "case-2"}, {Kind: "repeat_contact"}, {Reason: "billing", Customer: "c1"}},
		"[]":                  {{Kind: "sla_breach"}, {Customer: "c2"}, {ID: "aabbcc09"}, {Reason: "billing.question"}},
	} {
		for _, w := range wanted {
			rows, err := s.Journeys(t.Context(), w)
			ids := []string{}
			for i := range rows {
				ids = append(ids, rows[i].JourneyID)
			}
			if err != nil || fmt.Sprint(ids) != want {
				t.Errorf("%+v: %v, expected %s (%v)", w, ids, want, err)
			}
		}
	}
}

func TestPreceding(t *testing.T) {
	s := explained(t)
	second := journey("aabbcc02", at(3, 20, 9), 4)
	id, last, found, err := s.Preceding(t.Context(), &second, "", 1)
	if id != "aabbcc01" || last != at(3, 2, 9) || !found || err != nil {
		t.Errorf("before the second: %s %s %t %v", id, last, found, err)
	}
	first, unknown := journey("aabbcc01", at(3, 1, 9), 3), second
	unknown.CustomerID = ""
	for _, c := range []struct {
		row    pipeline.JourneyRow
		family string
		since  event.Instant
	}{{first, "", 1}, {second, "delivery", 1}, {second, "", at(3, 2, 10)}, {unknown, "", 1}} {
		if id, _, found, err := s.Preceding(t.Context(), &c.row, c.family, c.since); found || err != nil {
			t.Errorf("before %s, family %q, since %s: %s (%v)", c.row.JourneyID, c.family, c.since, id, err)
		}
	}
}

func TestSingleThings(t *testing.T) {
	s := explained(t)
	steps, err := s.Steps(t.Context(), StepsWanted{Journey: "aabbcc01"})
	if err != nil || len(steps) != 2 || steps[0].EventID != "e1" || steps[1].Step != 2 || steps[1].At != at(3, 2, 9) || steps[1].Partition != 2 {
		t.Errorf("steps: %+v (%v)", steps, err)
	}
	if steps, err := s.Steps(t.Context(), StepsWanted{Events: []string{"e3", "e9"}, Source: "crm"}); err != nil || len(steps) != 1 || steps[0].JourneyID != "aabbcc02" {
		t.Errorf("steps of events: %+v (%v)", steps, err)
	}
	events, err := s.EventsNamed(t.Context(), "", "e1")
	if err != nil || len(events) != 1 || events[0].Event.Source != "crm" || events[0].Event.Data.Unit != "north" || events[0].StoredAt != at(3, 1, 10) || events[0].Event.Data.Agent != "" {
		t.Errorf("events: %+v (%v)", events, err)
	}
	if events, err := s.EventsNamed(t.Context(), "other", "e1"); err != nil || len(events) != 0 {
		t.Errorf("events of another source: %+v (%v)", events, err)
	}
	for _, c := range []struct {
		source, id string
		partition  int
		want       int
	}{{"crm", "e1", 2, 1}, {"crm", "e1", 5, 1}, {"crm", "e2", 2, 1}, {"crm", "e2", 5, 0}, {"crm", "e3", 2, 0}} {
		if list, err := s.BreakpointsBy(t.Context(), c.source, c.id, c.partition); err != nil || len(list) != c.want {
			t.Errorf("breakpoints by %+v: %d (%v)", c, len(list), err)
		}
	}
	if list, err := s.BreakpointsOf(t.Context(), "aabbcc01"); err != nil || len(list) != 1 || list[0].BreakpointID != "b1" || len(list[0].Evidence) != 2 {
		t.Errorf("breakpoints: %+v (%v)", list, err)
	}
	if clock, found, err := s.LargestTimeBefore(t.Context(), 2, 4); clock != at(3, 1, 9) || !found || err != nil {
		t.Errorf("clock: %s %t (%v)", clock, found, err)
	}
	if _, found, err := s.LargestTimeBefore(t.Context(), 2, 3); found || err != nil {
		t.Errorf("before the first event there is a clock (%v)", err)
	}
	for partition, want := range map[int]string{2: "[7]", -1: "[7]", 1: "[]"} {
		ranges, err := s.RangesWithCopies(t.Context(), partition)
		if err != nil || fmt.Sprint(ranges) != want {
			t.Errorf("ranges of %d: %v (%v)", partition, ranges, err)
		}
	}
	rejections := []RejectedRow{
		{Position: 1, SeenAt: at(3, 1, 9), Reason: "id_reused", Source: "crm", EventPosition: 8}, {Position: 2, SeenAt: at(3, 1, 9), Reason: "bad_time", Source: "crm"},
		{Position: 3, SeenAt: at(3, 1, 9), Reason: "undecodable", EventPosition: 9},
	}
	if err := s.InsertRejected(t.Context(), rejections); err != nil {
		t.Fatal(err)
	}
	if list, err := s.SetAside(t.Context(), "crm", "", 10); err != nil || len(list) != 1 || list[0].EventPosition != 8 {
		t.Errorf("set aside: %+v (%v)", list, err)
	}
	if list, err := s.SetAside(t.Context(), "", "", 10); err != nil || len(list) != 2 || list[0].Reason != "undecodable" {
		t.Errorf("set aside: %+v (%v)", list, err)
	}
}
