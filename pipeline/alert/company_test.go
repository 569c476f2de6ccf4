package alert_test

import (
	"testing"

	"parcours/pipeline/alert"
	"parcours/pipeline/breakpoint"
	"parcours/pipeline/event"
	"parcours/pipeline/journey"
	"parcours/pipeline/rules"
	"parcours/pipeline/simulate"
)

// countsOf folds a made-up company, a customer at a time, and counts as the tables are counted.
func countsOf(t *testing.T, c simulate.Config, shifts string) alert.Counts {
	t.Helper()
	planted, err := simulate.ParseShifts(shifts)
	if err != nil {
		t.Fatal(err)
	}
	c.Parameters = simulate.Default()
	if err := c.Parameters.Plant(planted); err != nil {
		t.Fatal(err)
	}
	sim := simulate.New(c)
	customers := map[string][]*event.Event{}
	for h := range sim.Happened() {
		if id := h.Event.Data.Identifiers.Get("customer"); id != "" && !h.Unsent {
			e := h.Event
			customers[id] = append(customers[id], &e)
		}
	}
	cells, lags := map[alert.Cell]*alert.Cell{}, map[alert.Lag]uint64{}
	cell := func(o *breakpoint.Opportunity, at event.Instant) *alert.Cell {
		key := alert.Cell{Day: alert.DateOf(at), Key: alert.Key{Kind: o.Kind, ReasonFamily: event.ReasonFamily(o.Reason), Silo: o.Silo,
			Unit: o.Unit, Channel: string(o.Channel)}}
		if cells[key] == nil {
			one := key
			cells[key] = &one
		}
		return cells[key]
	}
	book, clock := rules.Default(), sim.End()-1
	for _, events := range customers {
		h := journey.Fold(events, nil, clock, book)
		f := breakpoint.Detect(h, clock, book)
		type at struct {
			journey *journey.Journey
			kind    string
			at      event.Instant
		}
		detected := map[at][]event.Instant{}
		for i := range f.Breakpoints {
			b := &f.Breakpoints[i]
			detected[at{b.Journey, b.Kind, b.OpportunityAt}] = append(detected[at{b.Journey, b.Kind, b.OpportunityAt}], b.DetectedAt)
		}
		for i, list := range f.Opportunities {
			for j := range list {
				o := &list[j]
				cell(o, o.At).Opportunities++
				key := at{h.Journeys[i], o.Kind, o.At}
				if known := detected[key]; o.Broken && len(known) > 0 {
					cell(o, known[0]).Detected++
					lags[alert.Lag{Kind: o.Kind, Day: alert.DateOf(known[0]), Days: int32(alert.DateOf(known[0]) - alert.DateOf(o.At))}]++
					detected[key] = known[1:]
				}
			}
		}
	}
	counts := alert.Counts{First: alert.DateOf(event.InstantOf(simulate.DefaultStart)), Last: alert.DateOf(clock)}
	for _, one := range cells {
		counts.Cells = append(counts.Cells, *one)
	}
	for l, n := range lags {
		l.Count = n
		counts.Lags = append(counts.Lags, l)
	}
	return counts
}

// TestMadeUpCompany: in events that were made up and folded, a rise by half is told, and before it nothing is.
func TestMadeUpCompany(t *testing.T) {
	counts := countsOf(t, simulate.Config{Customers: 4000, Days: 110, Seed: 3}, "90:repeat_contact:1.5")
	closings := alert.Watch(counts, nil, counts.First, parameters())
	raised, _ := told(closings)
	if closings[60].Watched == 0 || len(raised) == 0 || raised[0].Kind != "repeat_contact" || raised[0].RaisedOn < counts.First+90 {
		t.Errorf("%d series watched, %+v", closings[60].Watched, raised)
	}
}
