package churn

import (
	"math"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/segmentio/encoding/json"
)

// shortByText is what short says, through text.
func shortByText(v float64) float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return 0
	}
	v, _ = strconv.ParseFloat(strconv.FormatFloat(v, 'g', 6, 64), 64)
	return v
}

// TestFigures: a figure is rounded as its text is, to the bit, and written as the JSON of the float that it is.
func TestFigures(t *testing.T) {
	check := func(v float64) {
		t.Helper()
		want := shortByText(v)
		if got := short(v); math.Float64bits(got) != math.Float64bits(want) {
			t.Fatalf("%g is rounded to %g, want %g", v, got, want)
		}
		text, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		if got := decimalOf(v).append(nil); string(got) != string(text) {
			t.Fatalf("%g is written %s, want %s", v, got, text)
		}
	}
	for _, v := range []float64{0, math.Copysign(0, -1), 1, -1, 0.1, 999999.5, 1000000, 1e20, 1e21, 1e22, 9.999995e20, 1e-5, 1e-6, 9.999995e-7, 1e-7, 1.5e-9, 1.23e-10,
		1e-100, 1e100, 1e23, 5e-324, math.MaxFloat64, math.SmallestNonzeroFloat64, 123456.5, 0.0000123456, 100, 12345678, math.NaN(), math.Inf(1), math.Inf(-1)} {
		check(v)
		check(-v)
	}
	rng := rand.New(rand.NewPCG(4, 1))
	for range 300_000 {
		check(math.Float64frombits(rng.Uint64()))
		check(rng.NormFloat64() * math.Pow(10, float64(rng.IntN(30)-12)))
		check(float64(rng.IntN(1e7)) / 1e4)
		check((float64(rng.IntN(2e6)) + 0.5) / math.Pow(10, float64(rng.IntN(12)))) // between two
	}
}
