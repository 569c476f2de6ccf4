package breakpoint

import (
	"testing"

	"parcours/pipeline/event"
)

// TestFamiliesByName: what is told by the type's name, because it is asked often, is what the list of types says.
func TestFamiliesByName(t *testing.T) {
	for _, spec := range event.Specs {
		e := &event.Event{Type: spec.Type, Data: event.Data{Channel: event.Phone}}
		if ofContact(e) != (spec.Family == "contact") {
			t.Errorf("%s: of family contact: %t, but its family is %s", spec.Type, ofContact(e), spec.Family)
		}
		if isAssisted(e) != (spec.Family == "contact" || spec.Family == "message") {
			t.Errorf("%s by phone: assisted: %t, but its family is %s", spec.Type, isAssisted(e), spec.Family)
		}
	}
}
