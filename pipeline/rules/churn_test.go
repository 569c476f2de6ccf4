package rules_test

import (
	"math"
	"strings"
	"testing"

	"parcours/pipeline/rules"
)

// TestSegmentOf: the first segment that fits holds, as in the views of ranking; what it loses is what it says, else the usual.
func TestSegmentOf(t *testing.T) {
	b, err := rules.Parse("t", []byte(`
segments:
  - {name: captive, captive: true}
  - {name: premium, product: fibre, annual_margin_from: 200, loss: {value_down: 50%}}
  - {name: rent, product: rent, loss: {cancelled: false, for: 30d}}
  - {name: standard, captive: false, loss: {value_down: 0}}
`))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		product string
		margin  float64
		captive bool
		segment string
		loss    rules.Loss
	}{
		{"fibre", 300, true, "captive", rules.UsualLoss},
		{"fibre", 200, false, "premium", rules.Loss{Cancelled: true, ValueDown: 0.5, For: 90 * rules.Day}},
		{"fibre", 199, false, "standard", rules.Loss{Cancelled: true, For: 90 * rules.Day}},
		{"fibre", math.NaN(), false, "standard", rules.Loss{Cancelled: true, For: 90 * rules.Day}},
		{"rent", math.NaN(), false, "rent", rules.Loss{ValueDown: 0.8, For: 30 * rules.Day}},
	} {
		if got, loss := b.SegmentOf(c.product, c.margin, c.captive), b.LossOf(c.product, c.margin, c.captive); got != c.segment || loss != c.loss {
			t.Errorf("%+v: %s, %+v", c, got, loss)
		}
	}
	if got := rules.Default().SegmentOf("", math.NaN(), false); got != rules.StandardSegment {
		t.Errorf("a customer without a contract: %s", got)
	}
	again, err := rules.Parse("again", b.Document())
	if err != nil || again.Version() != b.Version() {
		t.Errorf("written and read again: %v", err)
	}
}

// TestChurnFaults: figures that cannot be are refused, with what was expected.
func TestChurnFaults(t *testing.T) {
	for document, want := range map[string]string{
		"segments: [{name: a, loss: {cancelled: false, value_down: 0}}]": "nobody could ever be lost",
		"segments: [{name: a, loss: {value_down: 120%}}]":                "a share",
		"segments: [{name: a, loss: {lost: true}}]":                      "cancelled, value_down, for",
		"segments: [{name: a, loss: 3d}]":                                "expected",
		"churn: {silence: {gaps: 5}}":                                    "8 to 12",
		"churn: {silence: {share: 20%}}":                                 "0.01% to 10%",
		"churn: {silence: {season: {august: 0}}}":                        "0.1 to 10",
		"churn: {experience: {limit: 0}}":                                "0.1 to 1000",
		"churn: {experience: {weights: {felt: -1}}}":                     "0 to 100",
		"churn: {scores: {voice: 200}}":                                  "0 to 100",
		"churn: {explicit: {value_cut_by: 2}}":                           "0% to 100%",
	} {
		if _, err := rules.Parse("t", []byte(document+"\n")); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, expected %q", document, err, want)
		}
	}
}
