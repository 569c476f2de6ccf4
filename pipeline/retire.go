package pipeline

import (
	"fmt"
	"slices"

	"parcours/pipeline/breakpoint"
	"parcours/pipeline/event"
	"parcours/pipeline/journey"
)

// retire lets go of what is older than the horizon and settled: groups of journeys with a case are parked in the archive,
// the others are final. It gives the clock at which the unit must be looked at again.
func (p *Partition) retire(u *unit, h journey.History, due []event.Instant) (event.Instant, error) {
	next := p.nextLook(u, h, due)
	if p.holdAll {
		return next, nil
	}
	groups := journey.Retire(h, due, p.clock, p.Book)
	if len(groups) == 0 {
		return next, nil
	}
	leaving, past := make([]bool, len(u.events)), slices.Clone(u.past)
	for i := range groups {
		if err := p.leave(u, h, &groups[i], leaving); err != nil {
			return 0, err
		}
		past = append(past, journey.PastOf(groups[i].Journeys)...)
	}
	if err := p.settle(u, leaving); err != nil {
		return 0, err
	}
	u.past = journey.Prune(past, u.events, p.Book)
	return next, nil
}

// nextLook is the earliest of what is due and of the time at which a journey will be old enough to leave.
func (p *Partition) nextLook(u *unit, h journey.History, due []event.Instant) event.Instant {
	next := h.Next
	for i, j := range h.Journeys {
		next = min(next, due[i])
		if old := j.Last().Add(p.Book.Horizon()) + 1; old > p.clock {
			next = min(next, old)
		}
	}
	return min(next, p.looseLook(u, h))
}

// looseLook is when the next event that is in no journey will be old enough to leave; journey.Never for none.
func (p *Partition) looseLook(u *unit, h journey.History) event.Instant {
	placed := 0
	for _, j := range h.Journeys {
		placed += len(j.Steps)
	}
	if placed == len(u.events) {
		return journey.Never
	}
	inJourney := make([]bool, len(u.events))
	for _, j := range h.Journeys {
		for _, e := range j.Steps {
			inJourney[u.find(e)] = true
		}
	}
	for i, e := range u.events { // in order of time
		if old := e.At.Add(p.Book.Horizon()) + 1; !inJourney[i] && old > p.clock {
			return old
		}
	}
	return journey.Never
}

// leave moves a group of journeys out of the unit; its events are marked as leaving.
func (p *Partition) leave(u *unit, h journey.History, g *journey.Group, leaving []bool) error {
	group, ids := &unit{home: u.home}, make([]string, len(g.Journeys))
	for i, j := range g.Journeys {
		ids[i] = j.ID
	}
	for _, e := range g.Kept() {
		i := u.find(e)
		group.events, group.steps = append(group.events, e), append(group.steps, u.steps[i])
	}
	for _, e := range append(g.Events(), g.Loose...) {
		leaving[u.find(e)] = true
	}
	u.journeys, group.journeys = part(u.journeys, func(m *journeyMemo) bool { return slices.Contains(ids, m.id) })
	u.breakpoints, group.breakpoints = part(u.breakpoints, func(m *breakpointMemo) bool { return slices.Contains(ids, m.journeyID) })
	if len(g.Loose) > 0 {
		p.leaveIncidents(u)
	}
	if len(g.Cases) == 0 {
		p.counts.Retired++
		return nil
	}
	group.past = h.PastFor(g, u.past, p.Book)
	return p.park(u, group, g.Cases)
}

// leaveIncidents lets go of what was said of the incidents that are old: they are of no journey, and leave with their events.
func (p *Partition) leaveIncidents(u *unit) {
	old := p.clock.Add(-p.Book.Horizon())
	u.breakpoints, _ = part(u.breakpoints, func(m *breakpointMemo) bool { return m.journeyID == "" && m.occurredAt < old })
}

// part divides a list in two, keeping its order.
func part[M any](list []M, out func(*M) bool) (kept, gone []M) {
	for i := range list {
		if out(&list[i]) {
			gone = append(gone, list[i])
		} else {
			kept = append(kept, list[i])
		}
	}
	return kept, gone
}

// park keeps a group in the archive under its cases, with what explains it: what came before it, and the ids that gave way.
func (p *Partition) park(u, group *unit, cases []string) error {
	old := p.clock.Add(-p.Book.Horizon())
	u.retired, group.retired = part(u.retired, func(a *aliasMemo) bool { return a.keyTime < old })
	keys := make([]uint64, len(cases))
	for i, c := range cases {
		keys[i] = caseKey(u.home, c)
	}
	w := packer{dict: p.dict}
	group.pack(&w)
	if err := p.Archive.Park(keys, string(w.b)); err != nil {
		return fmt.Errorf("park a case of partition %d: %w", p.Number, err)
	}
	p.counts.Parked++
	return nil
}

// settle takes the leaving events out of the unit; the archive keeps their fingerprints.
func (p *Partition) settle(u *unit, leaving []bool) error {
	kept := 0
	for i, e := range u.events {
		if !leaving[i] {
			u.events[kept], u.prints[kept], u.steps[kept] = e, u.prints[i], u.steps[i]
			kept++
			continue
		}
		if err := p.Archive.Settle(u.prints[i], e.At); err != nil {
			return fmt.Errorf("settle an event of partition %d: %w", p.Number, err)
		}
	}
	u.events, u.prints, u.steps = u.events[:kept], u.prints[:kept], u.steps[:kept]
	return nil
}

// reopen brings a parked case back into its unit, if an event names it and it is not there.
func (p *Partition) reopen(u *unit, e *event.Event) error {
	caseID := e.Data.Case
	if caseID == "" || p.Book.At(e.At).Container(caseID) || u.names(caseID) {
		return nil
	}
	packed, err := p.Archive.Parked(caseKey(u.home, caseID))
	if err != nil {
		return fmt.Errorf("look up a case of partition %d: %w", p.Number, err)
	}
	if packed == "" {
		return nil
	}
	group, err := unpackUnit(packed, p.dict, nil)
	if err != nil {
		return fmt.Errorf("reopen a case of partition %d: %w", p.Number, err)
	}
	if group.home == u.home && group.names(caseID) { // else another case of the same hash
		u.join(group)
		p.counts.Reopened++
	}
	return nil
}

// join takes a group back.
func (u *unit) join(group *unit) {
	for i, e := range group.events {
		if _, known := u.knows(group.prints[i]); known {
			continue
		}
		u.insert(e, group.prints[i])
		u.steps[u.find(e)] = group.steps[i]
	}
	u.journeys = append(u.journeys, group.journeys...)
	u.breakpoints = append(u.breakpoints, group.breakpoints...)
	for _, a := range group.retired {
		if u.alias(a.id) == nil {
			u.retired = append(u.retired, a)
		}
	}
	u.past = append(u.past, group.past...)
}

// within counts the events of a unit inside the horizon.
func (p *Partition) within(u *unit) (n int) {
	from := p.clock.Add(-p.Book.Horizon())
	for _, e := range u.events {
		if e.At >= from {
			n++
		}
	}
	return n
}

// quarantine withdraws all that was said of a unit and holds none of its events any more: what comes for it from now on is
// counted, stands in cx.events, and is not folded. It lasts as long as the generation. The archive keeps the fingerprints. So it
// goes with what was known and said of the customer whose home it is.
func (p *Partition) quarantine(w *writer, u *unit) error {
	p.counts.Quarantined++
	w.known.clear()
	for i := range u.breakpoints {
		u.breakpoints[i].known = KnownRow{}
	}
	w.breakpoints(u, nil)
	w.journeys(u, journey.History{}, breakpoint.Findings{})
	for i, e := range u.events {
		if !u.steps[i].nothing() {
			w.retractStep(u, i)
		}
		if err := p.Archive.Settle(u.prints[i], e.At); err != nil {
			return fmt.Errorf("settle an event of partition %d: %w", p.Number, err)
		}
	}
	if err := p.closeCustomer(w, u.home); err != nil {
		return err
	}
	p.close(&unit{home: u.home, slot: u.slot, quarantined: true}, journey.Never)
	u.quarantined = true
	return nil
}
