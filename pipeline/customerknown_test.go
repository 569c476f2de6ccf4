package pipeline

import (
	"bytes"
	"math"
	"testing"

	"parcours/pipeline/churn"
	"parcours/pipeline/event"
	"parcours/pipeline/rules"
)

// TestSignalsAsKnown: what a message of the log says of a signal is said once, stands through a restart, and is never taken
// back by the fold; an objection ends it.
func TestSignalsAsKnown(t *testing.T) {
	p := NewPartition(Setup{Book: rules.Default()})
	var c Changes
	w := func(position uint64) *writer { return &writer{partition: p, position: position, changes: &c} }
	say := func(position uint64, s churn.Signal) {
		t.Helper()
		if err := w(position).asKnown("h", &s, "gold"); err != nil {
			t.Fatal(err)
		}
	}
	risk := churn.Signal{Kind: churn.Risk, RaisedAt: 1000, Value: 0.25, Limit: 0.1}
	say(1, risk)
	say(2, churn.Signal{Kind: churn.Risk, RaisedAt: 2000, Value: 0.5, Limit: 0.1}) // it stands already
	if len(c.Rows.ChurnSignals) != 1 || len(c.Told) != 1 {
		t.Fatalf("raised: %+v", c.Rows.ChurnSignals)
	}
	e := &event.Event{ID: "1", Source: "/a", Type: event.ContractCancelRequested, At: 5000, Home: "h"}
	e.Data.Customer = "h"
	if err := p.Apply(&Message{Position: 3, StoredAt: 5000}, e, &c); err != nil {
		t.Fatal(err)
	}
	if n := len(c.Rows.ChurnSignals); n != 2 || c.Rows.ChurnSignals[1].Kind != churn.CancelRequested {
		t.Fatalf("%d rows: %+v", n, c.Rows.ChurnSignals)
	}
	var state bytes.Buffer
	if err := p.Snapshot().Write(&state); err != nil {
		t.Fatal(err)
	}
	restored, err := Restore(Setup{Book: rules.Default()}, &state)
	if err != nil {
		t.Fatal(err)
	}
	p = restored
	say(4, churn.Signal{Kind: churn.Risk, ClearedAt: 6000, ClearedWhy: churn.Rescored})
	last := c.Rows.ChurnSignals[2]
	if last.RaisedAt != 1000 || last.Value != 0.25 || last.Segment != "gold" || last.ClearedAt != 6000 || last.ClearedWhy != churn.Rescored || last.CustomerID != "h" {
		t.Errorf("cleared: %+v", last)
	}
	say(5, churn.Signal{Kind: churn.Voice, RaisedAt: 7000, Value: math.NaN(), Limit: math.NaN()})
	objected := *e
	objected.ID, objected.Type, objected.At = "2", event.CustomerObjected, 8000
	if err := p.Apply(&Message{Position: 6, StoredAt: 8000}, &objected, &c); err != nil {
		t.Fatal(err)
	}
	say(7, risk) // of who objected nothing is said
	why := map[string]string{}
	for _, r := range c.Rows.ChurnSignals[3:] {
		why[r.Kind] = r.ClearedWhy
	}
	if len(c.Rows.ChurnSignals) != 6 || why[churn.Voice] != churn.Objected || why[churn.CancelRequested] != churn.Objected {
		t.Errorf("after an objection: %+v", c.Rows.ChurnSignals[3:])
	}
	if sum := p.tally[tableChurnSignals]; sum.rows != 3 {
		t.Errorf("%d rows are accounted for, expected 3", sum.rows)
	}
}
