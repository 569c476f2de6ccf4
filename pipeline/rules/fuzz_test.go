package rules_test

import (
	"errors"
	"testing"

	"parcours/pipeline/rules"
)

// FuzzParse: whatever stands in a file, it is a book that prints and reads back as itself, or faults with lines.
func FuzzParse(f *testing.F) {
	f.Add(rules.Default().Document())
	f.Add([]byte(someBook))
	f.Add([]byte("currency: *a\nreasons: {billing: ~, default: ~}\n- x"))
	f.Add([]byte("silos: {list: [customer_service], hourly_rates: ~}\ntargets: {a: 1e300, b: 1%}\n"))
	f.Add([]byte("journeys: {containers: [\"a # b\", 'x: y', \"tab\\t\", \"007\"]}\nunits: {\"~\": a}\ncalendars: {a: ~, b: {closures: []}}"))
	f.Fuzz(func(t *testing.T, document []byte) {
		book, err := rules.Parse("fuzzed", document)
		var faults rules.Faults
		switch {
		case errors.As(err, &faults):
			for _, fault := range faults {
				if fault.Line < 1 {
					t.Errorf("a fault without a line: %s", fault.Error())
				}
			}
			return
		case err != nil:
			t.Fatalf("an error that is no fault: %v", err)
		}
		for _, printed := range [][]byte{book.Document(), book.Overlay(rules.Default())} {
			again, err := rules.Parse("printed", printed)
			if err != nil || again.Version() != book.Version() {
				t.Errorf("read back: %v\n%s", err, printed)
			}
		}
	})
}
