package churn

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"parcours/pipeline/event"
	"parcours/pipeline/rules"
)

var midnight = event.InstantOf(time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC))

// scoreOf is that of a customer with a contract.
func scoreOf(p float64, features ...string) Score {
	s := Score{Customer: "c1", AsOf: midnight, Model: "m", Segment: "standard", Margin: 120.5, P: [3]float64{p / 10, p / 4, p}, Low: [3]float64{0, p / 5, p / 2},
		High: [3]float64{p, p, min(1, 2*p)}, Base: [3]float64{0.004, 0.012, 0.05}, ValueAtRisk: 60 * p, ValueAtRiskBase: 3, VoiceRisk: math.NaN(), ExpectedUses: math.NaN(),
		RecentUses: 4, Projection: [3]bool{false, false, true}}
	for _, f := range features {
		s.Reasons = append(s.Reasons, Reason{f, 2, 0.5})
	}
	return s
}

// weighing is a score that a, b, c and so on raise by these weights.
func weighing(weights ...float64) Score {
	s := scoreOf(0.1)
	for i, sum := range weights {
		name := string(rune('a' + i))
		if sum > 0 {
			s.weights = append(s.weights, familyWeight{familyHash(name), sum})
		}
		if sum > leastReason {
			s.Reasons = append(s.Reasons, Reason{name + ":30d", 2, sum})
		}
	}
	slices.SortStableFunc(s.Reasons, func(a, b Reason) int { return cmp.Compare(b.Weight, a.Weight) })
	s.Reasons = s.Reasons[:min(len(s.Reasons), mostReasons)]
	return s
}

// overLog writes an event as it stands in the log, and reads it back.
func overLog(t *testing.T, e event.Event) *event.Event {
	t.Helper()
	back, err := event.DecodeLog(event.AppendLog(nil, &e))
	if err != nil {
		t.Fatal(err)
	}
	return &back
}

// sprint writes also what is no number.
func sprint(v any) string { return fmt.Sprintf("%+v", v) }

func TestTellingsReadBack(t *testing.T) {
	raised := Telling{Score: scoreOf(0.4, "long_wait:30d", "tenure")}
	raised.Raised = []Raising{{Risk, 0.4, 0.2, []string{"long_wait:30d"}}}
	captive := Telling{Score: Score{Customer: "c2", AsOf: midnight, Model: PriorVersion, Prior: true, Segment: "captive", Captive: true, VoiceRisk: 61.5}}
	captive.P, captive.Margin, captive.ExpectedUses = [3]float64{math.NaN(), math.NaN(), math.NaN()}, math.NaN(), math.NaN()
	captive.Low, captive.High, captive.Base = captive.P, captive.P, captive.P
	captive.ValueAtRisk, captive.ValueAtRiskBase = math.NaN(), math.NaN()
	captive.Cleared = []Clearing{{Risk, Rescored}}
	ended := Telling{Ended: EndedObjected, Cleared: []Clearing{{Voice, Objected}}}
	ended.Customer, ended.AsOf = "c3", midnight
	for _, want := range []Telling{raised, captive, ended} {
		got, err := ReadTelling(overLog(t, want.Event()))
		if err != nil || sprint(got) != sprint(want) {
			t.Errorf("%v\ngot  %s\nwant %s", err, sprint(got), sprint(want))
		}
	}
	day := ScoredDay{AsOf: midnight, Model: "m", Scored: 3, Told: 2}
	e := day.Event()
	if got, err := ReadScoredDay(overLog(t, e)); err != nil || got != day {
		t.Errorf("%+v, %v", got, err)
	}
	one := raised.Event()
	if !one.Before(&e) {
		t.Error("in order of time a day is over before its scores are told")
	}
	again := raised
	again.P[2] = 0.9
	if other := again.Event(); other.ID != one.ID {
		t.Error("the id depends on what is said")
	}
}

func TestTellingsThatAreNone(t *testing.T) {
	for name, change := range map[string]func(e *event.Event){
		"no customer": func(e *event.Event) { e.Data.Customer = "" },
		"no midnight": func(e *event.Event) { e.Data.Extra[0].JSON = `"2026-03-02T01:00:00Z"` },
		"score and ended": func(e *event.Event) {
			e.Data.Extra = append(e.Data.Extra, event.ExtraField{Name: "ended", JSON: `"objected"`})
		},
		"two horizons": func(e *event.Event) { e.Data.Extra[1].JSON = `{"model":"m","segment":"s","p":[0.1,0.2]}` },
		"a list":       func(e *event.Event) { e.Data.Extra[1].JSON = `[]` },
		"control":      func(e *event.Event) { e.Data.Extra[1].JSON = `{"model":"m\u0007","segment":"s"}` },
		"not as known": func(e *event.Event) {
			e.Data.Extra = append(e.Data.Extra, event.ExtraField{Name: "raised", JSON: `[{"kind":"silence"}]`})
		},
	} {
		telling := Telling{Score: scoreOf(0.1)}
		e := telling.Event()
		change(&e)
		if got, err := ReadTelling(&e); err == nil {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// TestDecide: what is new, what has moved by more than a share and by more than so many points, what has other reasons, and
// signals, which stay until they are well below what raised them.
func TestDecide(t *testing.T) {
	th := &rules.Default().Churn.Told
	told := func(scores ...Score) (last Last, n int, signals string) {
		for i := range scores {
			telling, tell := Decide(&scores[i], last, th)
			if !tell {
				continue
			}
			n++
			last = last.After(&telling)
			for _, r := range telling.Raised {
				signals += "+" + r.Kind
			}
			for _, c := range telling.Cleared {
				signals += "-" + c.Kind
			}
		}
		return last, n, signals
	}
	captive := func(voice float64, features ...string) Score {
		s := Score{Captive: true, VoiceRisk: voice, ExpectedUses: math.NaN(), Margin: math.NaN()}
		s.P = [3]float64{math.NaN(), math.NaN(), math.NaN()}
		for _, f := range features {
			s.Reasons = append(s.Reasons, Reason{f, 2, 4})
		}
		return s
	}
	uses := func(expected float64, recent int) Score {
		s := captive(math.NaN())
		s.Captive, s.ExpectedUses, s.RecentUses = false, expected, recent
		return s
	}
	margin, prior := scoreOf(0.1, "a"), scoreOf(0.1, "a")
	margin.Margin, prior.Prior = 90, true
	for name, c := range map[string]struct {
		scores  []Score
		told    int
		signals string
	}{
		"the same":                    {[]Score{scoreOf(0.1, "a"), scoreOf(0.1, "a")}, 1, ""},
		"a little":                    {[]Score{scoreOf(0.1, "a"), scoreOf(0.109, "a"), scoreOf(0.0901, "a")}, 1, ""},
		"much":                        {[]Score{scoreOf(0.1, "a"), scoreOf(0.112, "a"), scoreOf(0.1, "a")}, 3, ""},
		"creeping":                    {[]Score{scoreOf(0.1, "a"), scoreOf(0.108, "a"), scoreOf(0.116, "a")}, 2, ""},
		"much of next to nothing":     {[]Score{scoreOf(0.001, "a"), scoreOf(0.0018, "a")}, 1, ""},
		"another reason":              {[]Score{weighing(0.5, 0.4), weighing(0, 0.4, 0.5)}, 2, ""},
		"the same in another order":   {[]Score{weighing(0.5, 0.3), weighing(0.3, 0.5)}, 1, ""},
		"two take turns":              {[]Score{weighing(0.5, 0.4, 0.31, 0.3), weighing(0.5, 0.4, 0.3, 0.31), weighing(0.5, 0.4, 0.3, 0.39)}, 1, ""},
		"one outweighs another":       {[]Score{weighing(0.5, 0.4, 0.31, 0.3), weighing(0.5, 0.4, 0.3, 0.4)}, 2, ""},
		"creeping reason":             {[]Score{weighing(0.5), weighing(0.5, 0.05), weighing(0.5, 0.09), weighing(0.5, 0.1), weighing(0.5, 0.005)}, 2, ""},
		"a reason nearly gone":        {[]Score{weighing(0.5, 0.4, 0.1), weighing(0.5, 0.4, 0.005), weighing(0.5, 0.4, 0.005, 0.09)}, 1, ""},
		"a reason gone":               {[]Score{weighing(0.5, 0.4, 0.3), weighing(0.5, 0.4, 0)}, 2, ""},
		"gone, others weigh more":     {[]Score{weighing(3.5, 0.4, 0.3), weighing(0, 3.9, 0.3)}, 2, ""},
		"the only reason gone":        {[]Score{weighing(0.05), weighing(0), weighing(0.05)}, 2, ""},
		"another in its place":        {[]Score{weighing(0.5, 0.4, 0.3), weighing(0.5, 0.4, 0, 0.1)}, 2, ""},
		"captive, another reason":     {[]Score{captive(20, "complaints:90d"), captive(20, "nps:low"), captive(20, "nps:low")}, 2, ""},
		"another margin":              {[]Score{scoreOf(0.1, "a"), margin}, 2, ""},
		"no more prior":               {[]Score{prior, scoreOf(0.1, "a")}, 2, ""},
		"risk":                        {[]Score{scoreOf(0.1, "a"), scoreOf(0.21, "a"), scoreOf(0.17, "a"), scoreOf(0.149, "a")}, 4, "+risk-risk"},
		"risk that is the segment's":  {[]Score{func() Score { s := scoreOf(0.3, "a"); s.Base[2] = 0.11; return s }()}, 1, ""},
		"captive":                     {[]Score{scoreOf(0.5, "a"), captive(20)}, 2, "+risk-risk"},
		"voice":                       {[]Score{captive(20), captive(24), captive(70), captive(50), captive(44)}, 4, "+voice_risk-voice_risk"},
		"uses go down":                {[]Score{uses(10, 12), uses(9.8, 12), uses(5, 12), uses(7, 12), uses(9, 12)}, 4, "+decay_of_use-decay_of_use"},
		"nothing left that can decay": {[]Score{uses(1, 12), uses(0.9, 2)}, 2, "+decay_of_use-decay_of_use"},
	} {
		if _, n, signals := told(c.scores...); n != c.told || signals != c.signals {
			t.Errorf("%s: told %d times%s; want %d%s", name, n, signals, c.told, c.signals)
		}
	}
	last, _, _ := told(scoreOf(0.5, "a"))
	end, tell := End("c1", midnight, EndedNoContract, last)
	if !tell || sprint(end.Cleared) != sprint([]Clearing{{Risk, Lost}}) {
		t.Errorf("%v %+v", tell, end)
	}
	if after := last.After(&end); after.Known || !after.Told() || after.Open != 0 {
		t.Errorf("%+v", after)
	}
	if _, tell := End("c1", midnight, EndedObjected, last.After(&end)); tell {
		t.Error("an end is told twice")
	}
}

// TestFamilyHashes: what is told last tells families of features apart.
func TestFamilyHashes(t *testing.T) {
	names := map[uint16]string{}
	for _, f := range AllFeatures().Names() {
		hash, family := familyHash(FamilyOf(f)), FamilyOf(f)
		if other, taken := names[hash]; hash == 0 || taken && other != family {
			t.Errorf("%s and %s are both %d", family, other, hash)
		}
		names[hash] = family
	}
}

func TestDayOf(t *testing.T) {
	for at, want := range map[event.Instant]int32{0: 0, midnight: 20514, -1: -1, -24 * 60 * 60 * 1000: -1, midnight + 5: 20514} {
		if got := DayOf(at); got != want {
			t.Errorf("%s: %d", at, got)
		}
	}
}
