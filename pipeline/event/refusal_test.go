package event_test

import (
	"strings"
	"testing"

	"parcours/pipeline/event"
)

// TestReasons: each reason once, with one sentence, fit for a token of a subject.
func TestReasons(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range event.Reasons() {
		if seen[r.Name] || r.Name == "" || strings.Trim(r.Name, "abcdefghijklmnopqrstuvwxyz_") != "" {
			t.Errorf("%q is no reason, or stands twice", r.Name)
		}
		if seen[r.Name] = true; !strings.HasSuffix(r.Meaning, ".") || strings.Count(r.Meaning, ". ") != 0 {
			t.Errorf("%s: %q is not one sentence", r.Name, r.Meaning)
		}
	}
	if len(seen) != 17 {
		t.Errorf("%d reasons", len(seen))
	}
}
