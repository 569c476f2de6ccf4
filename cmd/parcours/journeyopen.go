package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"parcours/pipeline/event"
	"parcours/pipeline/journey"
)

// shownOpen is what keeps a journey open.
type shownOpen struct {
	Owed  []string `json:"owed"`            // in words; empty where only a repeat could still come
	Until string   `json:"until,omitempty"` // the clock up to which it stays open when nothing comes; absent for an open case
	until event.Instant
}

// openMost is how many steps of a journey are read from the log to say what keeps it open.
const openMost = 1000

// open reads the events of an open journey from the log, and says what keeps it open as of the clock of its partition; nil
// where the log does not say the same as the tables, or the journey is too long.
func (x *explainer) open(ctx context.Context, s *shownJourney) (*shownOpen, error) {
	positions, err := x.store.PositionsOf(ctx, s.row.JourneyID, openMost+1)
	if err != nil || len(positions) != len(s.Steps) || len(positions) > openMost || !s.Right.known {
		return nil, err
	}
	var steps []*event.Event
	for _, position := range positions {
		m, found, err := x.bus.At(ctx, position)
		if err != nil {
			return nil, err
		}
		if !found {
			return nil, nil
		}
		e, err := event.DecodeLog(m.Body)
		if err != nil {
			return nil, fmt.Errorf("read position %d of the log: %w", position, err)
		}
		steps = append(steps, &e)
	}
	slices.SortFunc(steps, event.Compare)
	standing, open := journey.Stands(steps, s.Right.clock, s.row.ReasonFamily, x.book)
	if !open {
		return nil, nil
	}
	return x.shownOpen(&standing), nil
}

// shownOpen puts what keeps a journey open into words.
func (x *explainer) shownOpen(s *journey.Standing) *shownOpen {
	o := &shownOpen{Owed: []string{}, until: s.Until}
	if s.Until != journey.Never {
		o.Until = s.Until.String()
	}
	say := func(format string, args ...any) { o.Owed = append(o.Owed, printable(fmt.Sprintf(format, args...))) }
	for _, id := range s.Cases {
		say("case %s is open", id)
	}
	if s.Complaints > 0 {
		say("%s not answered", plural(uint32(s.Complaints), "complaint"))
	}
	for _, made := range s.Promises {
		say("promise %s is not kept%s", made.Data.Promise, x.dueWords(made))
	}
	for _, contact := range s.Messages {
		say("a message%s is not answered", prefixed(" of ", contact))
	}
	for _, placed := range s.Orders {
		say("an order%s is not delivered%s", prefixed(" of ", placed.Data.Product), x.dueWords(placed))
	}
	for _, due := range s.Appointments {
		say("an appointment on %s", x.clock(due))
	}
	return o
}

func (x *explainer) dueWords(e *event.Event) string {
	if e.Data.Due == 0 {
		return ""
	}
	return " (due " + x.clock(e.Data.Due) + ")"
}

// openWords says what keeps a journey open, and until when.
func (x *explainer) openWords(o *shownOpen) string {
	switch {
	case o == nil:
		return outcomeReasons["open "]
	case len(o.Owed) == 0 && o.until != journey.Never:
		return "nothing is owed, and a repeat could still come until " + x.clock(o.until)
	case o.until != journey.Never:
		return strings.Join(o.Owed, "; ") + "; if nothing comes, until " + x.clock(o.until)
	}
	return strings.Join(o.Owed, "; ")
}
