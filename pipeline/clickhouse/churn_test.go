package clickhouse

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"parcours/pipeline"
	"parcours/pipeline/event"
)

func signal(id, customer string, raisedAt event.Instant, position uint64) pipeline.ChurnSignalRow {
	return pipeline.ChurnSignalRow{SignalID: id, CustomerID: customer, Kind: "silence", RaisedAt: raisedAt, Evidence: []string{"shop e1"}, Value: 61,
		Limit: math.NaN(), RulesVersion: "r1", Segment: "standard", Position: position, Partition: int(position % 2)}
}

// Nobody who objected to some purpose is listed, unless they consented to it again.
func TestObjectorsAreNotListed(t *testing.T) {
	s := migrated(t)
	rows := &pipeline.Rows{Generation: 1}
	said := func(customer, typ, to string, when event.Instant) {
		e := &event.Event{ID: fmt.Sprint(len(rows.Events)), Source: "crm", Type: typ, At: when, Data: event.Data{Customer: customer, To: to}}
		rows.Events = append(rows.Events, pipeline.EventRow{Position: uint64(len(rows.Events) + 1), Event: e})
	}
	said("objected", event.CustomerObjected, "scoring", at(3, 1, 0))
	said("other purpose", event.CustomerObjected, "scoring", at(3, 1, 0))
	said("other purpose", event.CustomerConsented, "analytics", at(3, 2, 0))
	said("both at once", event.CustomerObjected, "scoring", at(3, 1, 0))
	said("both at once", event.CustomerConsented, "scoring", at(3, 1, 0))
	said("consented", event.CustomerObjected, "scoring", at(3, 1, 0))
	said("consented", event.CustomerConsented, "scoring", at(3, 2, 0))
	said("again", event.CustomerConsented, "scoring", at(3, 1, 0))
	said("again", event.CustomerObjected, "scoring", at(3, 2, 0))
	for i, customer := range []string{"objected", "other purpose", "both at once", "consented", "again", "silent"} {
		rows.ChurnSignals = append(rows.ChurnSignals, signal(fmt.Sprint("s", i), customer, at(2, 1, 0), uint64(i+1)))
	}
	insert(t, s, rows)
	expect(t, s, "SELECT groupArray(customer_id) FROM (SELECT customer_id FROM churn_signals_v ORDER BY customer_id)", "['consented','silent']")
}

// What is taken back is not shown, and of one signal the highest position.
func TestChurnSignalsAreVersions(t *testing.T) {
	s := migrated(t)
	gone, cleared := signal("gone", "a", at(1, 1, 0), 1), signal("cleared", "b", at(1, 2, 0), 2)
	insert(t, s, &pipeline.Rows{Generation: 1, ChurnSignals: []pipeline.ChurnSignalRow{gone, cleared}})
	gone.Deleted, gone.Position = true, 3
	cleared.ClearedAt, cleared.ClearedWhy, cleared.Position = at(1, 5, 0), "returned", 4
	insert(t, s, &pipeline.Rows{Generation: 1, ChurnSignals: []pipeline.ChurnSignalRow{gone, cleared}})
	expect(t, s, "SELECT signal_id, cleared_why, position FROM churn_signals_v", "cleared\treturned\t4")
}

// Of two generations the signals that only one shows, or that say something else, come behind journeys and breakpoints.
func TestDifferenceOfChurnSignals(t *testing.T) {
	s := migrated(t)
	same, changed, gone, fresh := signal("same", "a", at(1, 1, 0), 2), signal("changed", "b", at(1, 2, 0), 4), signal("gone", "c", at(1, 3, 0), 6), signal("fresh", "d", at(1, 4, 0), 8)
	insert(t, s, &pipeline.Rows{Generation: 1, ChurnSignals: []pipeline.ChurnSignalRow{same, changed, gone}, Journeys: []pipeline.JourneyRow{journey("j", at(5, 1, 0), 2)}})
	same.Position, changed.Position, changed.ClearedAt, changed.ClearedWhy = 12, 14, at(2, 1, 0), "lapsed"
	insert(t, s, &pipeline.Rows{Generation: 2, ChurnSignals: []pipeline.ChurnSignalRow{same, changed, fresh}})
	var got []string
	err := s.Difference(t.Context(), 1, 2, func(d pipeline.Difference) error {
		switch {
		case d.OldJourney != nil:
			got = append(got, "journey "+d.OldJourney.JourneyID)
		case d.NewSignal == nil:
			got = append(got, "gone "+d.OldSignal.SignalID)
		case d.OldSignal == nil:
			got = append(got, "new "+d.NewSignal.SignalID)
		default:
			got = append(got, "changed "+d.NewSignal.SignalID)
			if d.NewSignal.ClearedWhy != "lapsed" || d.NewSignal.ClearedAt != at(2, 1, 0) || d.NewSignal.Value != 61 || !math.IsNaN(d.NewSignal.Limit) ||
				!slices.Equal(d.NewSignal.Evidence, []string{"shop e1"}) || d.NewSignal.CustomerID != "b" || d.OldSignal.ClearedWhy != "" {
				t.Errorf("changed: %+v, before %+v", d.NewSignal, d.OldSignal)
			}
		}
		return nil
	})
	if want := []string{"journey j", "changed changed", "gone gone", "new fresh"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
}
