package churn

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/segmentio/encoding/json"

	"parcours/pipeline/event"
)

// shapeOfTold is a score as its JSON is said to be.
func shapeOfTold(s *Score) toldScore {
	given := func(v float64) *float64 {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil
		}
		v = shortByText(v)
		return &v
	}
	all := func(list [3]float64) []float64 {
		return []float64{shortByText(list[0]), shortByText(list[1]), shortByText(list[2])}
	}
	told := toldScore{
		Model: s.Model, Prior: s.Prior, Segment: s.Segment, Captive: s.Captive, Margin: given(s.Margin), ValueAtRisk: given(s.ValueAtRisk),
		ValueAtRiskBase: given(s.ValueAtRiskBase), VoiceRisk: given(s.VoiceRisk), ExpectedUses: given(s.ExpectedUses), RecentUses: s.RecentUses,
	}
	if s.Scored() {
		told.P, told.Low, told.High, told.Base, told.Projection = all(s.P), all(s.Low), all(s.High), all(s.Base), slices.Clone(s.Projection[:])
	}
	for _, r := range s.Reasons {
		told.Reasons = append(told.Reasons, Reason{r.Feature, shortByText(r.Value), shortByText(r.Weight)})
	}
	return told
}

// anyScore is drawn: figures of all sizes, some of which are not there, and now and then a text that must be escaped.
func anyScore(rng *rand.Rand) (s Score) {
	figure := func() float64 {
		switch rng.IntN(60) {
		case 0, 1, 2, 3:
			return math.NaN()
		case 4, 5, 6, 7:
			return 0
		case 8, 9, 10, 11:
			return float64(rng.IntN(2000))
		case 12:
			return rng.NormFloat64() * math.Pow(10, float64(rng.IntN(60)-30))
		}
		return rng.Float64()
	}
	text := func(usual string) string {
		if rng.IntN(10) == 0 {
			return usual + []string{` "x"`, "\\", "<b>&", "é", "\u2028", "\x7f", "\xff"}[rng.IntN(7)]
		}
		return usual
	}
	s = Score{Model: text("hazard-0011"), Segment: text("standard"), Prior: rng.IntN(2) == 0, Captive: rng.IntN(9) == 0, RecentUses: rng.IntN(40)}
	s.Margin, s.ValueAtRisk, s.ValueAtRiskBase, s.VoiceRisk, s.ExpectedUses = figure(), figure(), figure(), figure(), figure()
	for h := range s.P {
		s.P[h], s.Low[h], s.High[h], s.Base[h], s.Projection[h] = figure(), figure(), figure(), figure(), rng.IntN(2) == 0
	}
	for range rng.IntN(4) {
		s.Reasons = append(s.Reasons, Reason{text("long_wait:30d"), figure(), figure()})
	}
	return s
}

// TestToldByHand: what is written by hand is the JSON of what it is said to be, byte for byte; what is read by hand is what that
// JSON gives; and what is usual is read by hand.
func TestToldByHand(t *testing.T) {
	rng := rand.New(rand.NewPCG(12, 1))
	byHand := 0
	const n = 20_000
	for range n {
		s := anyScore(rng)
		want, err := json.Marshal(shapeOfTold(&s))
		if err != nil {
			t.Fatal(err)
		}
		got := s.append(nil)
		if string(got) != string(want) {
			t.Fatalf("written %s\nwant    %s", got, want)
		}
		var quick, slow Score
		var shape toldScore
		if err := json.Unmarshal(want, &shape); err != nil {
			t.Fatal(err)
		}
		if err := shape.read(&slow); err != nil {
			t.Fatal(err)
		}
		if readScore(string(want), &quick) {
			byHand++
			if sprint(quick) != sprint(slow) {
				t.Fatalf("read %s\ngot  %s\nwant %s", want, sprint(quick), sprint(slow))
			}
		}
	}
	if byHand < n/4 { // many have a figure or a text here that is read the other way
		t.Errorf("%d of %d were read by hand", byHand, n)
	}
}

// TestToldOtherwise: what nobody wrote by hand is read as its JSON says, or refused as that is.
func TestToldOtherwise(t *testing.T) {
	s := scoreOf(0.4, "tenure", "unused")
	text := string(s.append(nil))
	rng := rand.New(rand.NewPCG(13, 1))
	const with = `0123456789.-+eE",:[]{} tfn\u`
	read, refused := 0, 0
	for range 200_000 {
		b := []byte(text)
		for range 1 + rng.IntN(2) {
			at := rng.IntN(len(b))
			switch c := with[rng.IntN(len(with))]; rng.IntN(3) {
			case 0:
				b[at] = c
			case 1:
				b = slices.Insert(b, at, c)
			case 2:
				b = slices.Delete(b, at, at+1)
			}
		}
		var quick, slow Score
		if !readScore(string(b), &quick) {
			refused++
			continue
		}
		read++
		var shape toldScore
		if err := json.Unmarshal(b, &shape); err != nil {
			t.Fatalf("%s is read by hand, and no JSON of a score: %v", b, err)
		}
		if err := shape.read(&slow); err != nil || sprint(quick) != sprint(slow) {
			t.Fatalf("read %s\ngot  %s\nwant %s, %v", b, sprint(quick), sprint(slow), err)
		}
	}
	if read < 1000 || refused < 1000 {
		t.Errorf("%d read, %d refused", read, refused)
	}
	for _, c := range []struct{ was, is string }{{`"recent_uses":4`, `"recent_uses": 4`}, {`"model":"m"`, `"model":"\u006d"`}, {`0.004`, `4e-3`}} {
		e := (&Telling{Score: s}).Event()
		want, err := ReadTelling(&e)
		if err != nil {
			t.Fatal(err)
		}
		changed := e
		changed.Data.Extra = slices.Clone(e.Data.Extra)
		for i := range changed.Data.Extra {
			changed.Data.Extra[i].JSON = replaced(t, changed.Data.Extra[i], c.was, c.is)
		}
		if got, err := ReadTelling(&changed); err != nil || sprint(got) != sprint(want) {
			t.Errorf("%s: %s, %v; want %s", c.is, sprint(got), err, sprint(want))
		}
	}
}

// replaced is the JSON of a member, in that of the score with one text in the place of another.
func replaced(t *testing.T, f event.ExtraField, was, is string) string {
	t.Helper()
	if f.Name != memberScore {
		return f.JSON
	}
	for i := range f.JSON {
		if i+len(was) <= len(f.JSON) && f.JSON[i:i+len(was)] == was {
			return f.JSON[:i] + is + f.JSON[i+len(was):]
		}
	}
	t.Fatalf("no %s in %s", was, f.JSON)
	return ""
}
