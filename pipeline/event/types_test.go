package event_test

import (
	"testing"

	"parcours/pipeline/event"
)

func TestSpecOfFindsEveryType(t *testing.T) {
	for _, s := range event.Specs {
		if got := event.SpecOf(s.Type); got != s {
			t.Errorf("SpecOf(%q) = %+v, want %+v", s.Type, got, s)
		}
	}
	for _, typ := range []string{"", "a", "ab", "contact", "contact.startee", "xontact.started", "contact.started ", "Ticket closed", "é"} {
		if got, want := event.SpecOf(typ), (event.Spec{Type: typ, Family: event.FamilyOther, Role: event.Opens}); got != want {
			t.Errorf("SpecOf(%q) = %+v, want %+v", typ, got, want)
		}
	}
}

func TestTypesTellThoseOfJourneysApart(t *testing.T) {
	var before event.Types
	for _, s := range event.Specs {
		set := event.TypesOf(s.Type)
		if set != event.Types(0).With(&event.Event{Type: s.Type}) {
			t.Errorf("%s: TypesOf and With disagree", s.Type)
		}
		if s.Family != event.FamilySystem && before.Any(set) {
			t.Errorf("%s is one element with another type", s.Type)
		}
		before |= set
	}
	if strange := event.TypesOf("ticket.assigned"); strange != event.TypesOf(event.ClockTicked) {
		t.Errorf("a type from anywhere is element %x, want that of the system types", strange)
	}
}
