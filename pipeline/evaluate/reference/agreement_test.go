package reference_test

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"parcours/pipeline"
	"parcours/pipeline/breakpoint"
	"parcours/pipeline/evaluate/reference"
	"parcours/pipeline/event"
	"parcours/pipeline/ingest"
	"parcours/pipeline/rules"
	"parcours/pipeline/simulate"
)

// told is what both sides must agree on: kind, moment and origin.
func told(kind string, at event.Instant, origin string) string {
	return fmt.Sprintf("%s %s %s", kind, at, origin)
}

// company is a made-up history as it lies in the log, in order of time, with the home of each event.
func company(t testing.TB, customers, days int, seed uint64) []*event.Event {
	t.Helper()
	pseudonyms, homes := ingest.NewPseudonymiser(ingest.KeyFromSeed("agreement")), ingest.NewHomes()
	var list []*event.Event
	for e := range simulate.New(simulate.Config{Customers: customers, Days: days, Seed: seed}).Events() {
		e.Data.Identifiers = slices.Clone(e.Data.Identifiers) // events of one customer share them
		pseudonyms.Apply(&e)
		list = append(list, &e)
	}
	slices.SortFunc(list, event.Compare)
	list = slices.CompactFunc(list, func(a, b *event.Event) bool { return a.Source == b.Source && a.ID == b.ID })
	for _, e := range list {
		e.Home = homes.Of(e)
	}
	return list
}

// detected folds a log and gives the breakpoints that stand at its end.
func detected(t testing.TB, events []*event.Event) map[string]pipeline.BreakpointRow {
	t.Helper()
	partition := pipeline.NewPartition(pipeline.Setup{Book: rules.Default()})
	rows := map[string]pipeline.BreakpointRow{}
	for i, e := range events {
		again := *e
		var c pipeline.Changes
		if err := partition.Apply(&pipeline.Message{Position: uint64(i + 1), StoredAt: e.At, Type: e.Type}, &again, &c); err != nil {
			t.Fatal(err)
		}
		for _, r := range c.Rows.Breakpoints {
			if r.Deleted {
				delete(rows, r.BreakpointID)
			} else {
				rows[r.BreakpointID] = r
			}
		}
	}
	found := map[string]pipeline.BreakpointRow{}
	for _, r := range rows {
		found[told(r.Kind, r.OccurredAt, r.OriginEvent)] = r
	}
	return found
}

// expected asks the reference, home by home.
func expected(t testing.TB, events []*event.Event) map[string]reference.Breakpoint {
	t.Helper()
	first, last := events[0].At, events[len(events)-1].At
	judge, err := reference.New(rules.Default(), first, last)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]reference.Breakpoint{}
	for _, home := range byHome(events) {
		for _, b := range judge.Breakpoints(home, last) {
			found[told(b.Kind, b.At, b.Source+" "+b.ID)] = b
		}
	}
	return found
}

func byHome(events []*event.Event) map[string][]*event.Event {
	homes := map[string][]*event.Event{}
	for _, e := range events {
		homes[e.Home] = append(homes[e.Home], e)
	}
	return homes
}

// TestAgreesWithTheFold: over made-up companies, the reference and the fold find the same, kind by kind, all twenty of
// them.
func TestAgreesWithTheFold(t *testing.T) {
	for seed := range uint64(3) {
		events := company(t, 400, 60, seed+1)
		found, truth := detected(t, events), expected(t, events)
		for _, k := range breakpoint.Catalogue() {
			both, missed, extra := 0, 0, 0
			for _, key := range slices.Sorted(maps.Keys(truth)) {
				if truth[key].Kind != k.ID {
					continue
				}
				if _, ok := found[key]; ok {
					both++
					continue
				}
				if missed++; missed < 4 {
					t.Logf("seed %d: missed %s (%s)\n%s", seed+1, key, truth[key].Why, around(events, key))
				}
			}
			for _, key := range slices.Sorted(maps.Keys(found)) {
				if _, ok := truth[key]; found[key].Kind != k.ID || ok {
					continue
				}
				if extra++; extra < 4 {
					t.Logf("seed %d: extra %s\n%s", seed+1, key, around(events, key))
				}
			}
			t.Logf("seed %d: %-18s both %d missed %d extra %d", seed+1, k.ID, both, missed, extra)
			if float64(both) < 0.98*float64(both+missed) || float64(both) < 0.98*float64(both+extra) {
				t.Errorf("seed %d: %s: %d agree, %d missed, %d extra", seed+1, k.ID, both, missed, extra)
			}
		}
	}
}

// around gives the history of the home in which something broke, ten days about its origin.
func around(events []*event.Event, key string) string {
	i := slices.IndexFunc(events, func(e *event.Event) bool { return strings.HasSuffix(key, " "+e.Source+" "+e.ID) })
	var b strings.Builder
	for _, e := range events {
		if i < 0 || e.Home != events[i].Home || max(e.At.Sub(events[i].At), events[i].At.Sub(e.At)) > 10*24*time.Hour {
			continue
		}
		d := &e.Data
		fmt.Fprintf(&b, "    %s %-20s %s contact=%s channel=%s dir=%s reason=%s silo=%s to=%s unit=%s case=%s customer=%.6s\n", e.At, e.Type, e.ID, d.Contact,
			d.Channel, d.Direction, d.Reason, d.Silo, d.ToSilo, d.Unit, cmp.Or(d.Case, d.Promise, d.Form), d.Customer)
	}
	return b.String()
}
