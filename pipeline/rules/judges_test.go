package rules_test

import (
	"slices"
	"strings"
	"testing"

	"parcours/pipeline/rules"
)

// TestJudges: a change of targets, periods, money or minutes judges nothing otherwise; a change of any rule does.
func TestJudges(t *testing.T) {
	base := rules.Default()
	for document, want := range map[string]struct{ judges, costs bool }{
		"targets: {satisfaction: 90%}":                                            {},
		"comparison: {months_before: [3]}":                                        {},
		"silos: {rates_are_illustrative: false}":                                  {},
		"currency: USD":                                                           {costs: true},
		"silos: {hourly_rates: {it: 99}}":                                         {costs: true},
		"minutes: {by_channel: {phone: 9}}":                                       {costs: true},
		"minutes: {internal_step: 9}":                                             {costs: true},
		"churn: {explicit: {lapse_after: 60d}}":                                   {},
		"segments: [{name: a, loss: {cancelled: false}}]":                         {},
		"breakpoints: {repeat_contact: {within: 5d}}":                             {judges: true},
		"breakpoints: {repeat_contact: {except: [{unit: a, within: 5d}]}}":        {judges: true},
		"reasons: {billing: {silo: sales}}":                                       {judges: true},
		"silos: {last_resort: it}":                                                {judges: true},
		"calendar: {open: {saturday: 09:00-12:00}}":                               {judges: true},
		"maturity: {journeys: 20d}":                                               {judges: true},
		"not_measured: {/crm: [long_wait]}":                                       {judges: true},
		"targets: {a: 1}\nbreakpoints: {process_loop: {times: 4}}\ncurrency: USD": {judges: true, costs: true},
	} {
		b, err := rules.Parse("t", []byte(document+"\n"))
		if err != nil {
			t.Fatal(err)
		}
		if b.Version() == base.Version() {
			t.Errorf("%s: the same version", document)
		}
		if judges, costs := b.Judges() != base.Judges(), b.Costs() != base.Costs(); judges != want.judges || costs != want.costs {
			t.Errorf("%s: judges otherwise: %v, costs otherwise: %v", document, judges, costs)
		}
	}
}

// TestMonthsBefore: periods of comparison are whole months, each once; none is none.
func TestMonthsBefore(t *testing.T) {
	if got := rules.Default().MonthsBefore; !slices.Equal(got, []int{1, 12}) {
		t.Errorf("the default compares with %v", got)
	}
	for document, fault := range map[string]string{
		"[]": "", "[3]": "", "[1, 1]": "stands there twice", "[0]": "1 to 120", "[121]": "1 to 120", "12": "expected a list", "[1.5]": "1 to 120",
	} {
		b, err := rules.Parse("t", []byte("comparison: {months_before: "+document+"}\n"))
		switch {
		case fault == "" && (err != nil || len(b.MonthsBefore) > 1):
			t.Errorf("%s: %v", document, err)
		case fault != "" && (err == nil || !strings.Contains(err.Error(), fault)):
			t.Errorf("%s: %v, expected %q", document, err, fault)
		}
	}
}
