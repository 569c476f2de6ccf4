package churn

import (
	"fmt"
	"math"
	"math/rand/v2"

	"parcours/pipeline/event"
)

// plain are columns of a test.
type plain struct {
	names []string
	signs []int
}

func (p plain) Names() []string { return p.names }
func (p plain) Sign(i int) int {
	if p.signs == nil {
		return 0
	}
	return p.signs[i]
}
func (p plain) Words(i int) (fr, en string) { return "%s " + p.names[i], "%s " + p.names[i] }

const (
	testDay   = event.Instant(millisecondsPerDay)
	testStart = event.Instant(1_700_006_400_000) // a midnight
)

// world is a company whose hazards are known: by segment and feature, in each group of months.
type world struct {
	columns   plain
	segments  []string
	intercept [3]float64
	offsets   []float64
	slopes    [3][]float64
	drift     float64 // of the log odds from landmark to landmark, a year
	others    float64 // hazard of another ending, a month
	landmarks int     // one a month from testStart on
	static    bool    // every customer is seen at all landmarks until it is lost, its features never change
	random    *rand.Rand
}

// simple is a world of six features: two dense, three sparse, one that does nothing.
func simple(seed uint64) *world {
	return &world{
		columns:   plain{names: []string{"dense", "down", "broken:30d", "broken:90d", "rare", "nothing"}, signs: []int{0, -1, 1, 1, 1, 0}},
		segments:  []string{"home", "pro"},
		intercept: [3]float64{-5, -5.2, -5.4},
		offsets:   []float64{0, 0.4},
		slopes: [3][]float64{
			{0.3, -0.5, 0.6, 0.2, 1.2, 0},
			{0.3, -0.5, 0.4, 0.25, 0.9, 0},
			{0.25, -0.4, 0.1, 0.25, 0.6, 0},
		},
		landmarks: 18,
		random:    rand.New(rand.NewPCG(seed, 7)),
	}
}

func (w *world) until() event.Instant {
	return testStart + event.Instant(w.landmarks)*monthDays*testDay
}

func (w *world) draw() []float64 {
	x := make([]float64, len(w.columns.names))
	for i := range x {
		x[i] = w.random.NormFloat64()
	}
	for i := 2; i < 5 && i < len(x); i++ {
		if x[i] = 0; w.random.Float64() < 0.2 {
			x[i] = w.random.ExpFloat64() * 1.5
		}
	}
	return x
}

// hazards are the true ones of a row.
func (w *world) hazards(segment int, x []float64, at event.Instant) (h [3]float64) {
	for g := range h {
		odds := w.intercept[g] + w.offsets[segment] + w.drift*float64(at-testStart)/float64(365*testDay)
		for i, v := range x {
			odds += w.slopes[g][i] * v
		}
		h[g] = logistic(odds)
	}
	return h
}

// outcome draws the end of a row: days to it, and whether it is a loss.
func (w *world) outcome(h [3]float64) (days float64, lost bool) {
	months := 14
	if w.static {
		months = 40
	}
	for month := range months {
		hazard := h[2]
		switch {
		case month == 0:
			hazard = h[0]
		case month < 3:
			hazard = h[1]
		}
		within := float64(month) + w.random.Float64()
		switch u := w.random.Float64(); {
		case u < hazard:
			return within * monthDays, true
		case u < hazard+w.others:
			return within * monthDays, false
		}
	}
	return float64(months * monthDays), false
}

// rows are those of so many customers, known up to a moment, and what was truly to be expected of each.
func (w *world) rows(customers int, first int, until event.Instant) (rows []Row, truth [][3]float64) {
	for c := range customers {
		segment, x := w.random.IntN(len(w.segments)), w.draw()
		landmark := first + w.random.IntN(w.landmarks)
		if w.static {
			landmark = first
		}
		h := w.hazards(segment, x, testStart+event.Instant(landmark)*monthDays*testDay)
		ends, lost := w.outcome(h)
		for ; landmark < first+w.landmarks; landmark++ {
			at := testStart + event.Instant(landmark)*monthDays*testDay
			r := Row{Customer: fmt.Sprintf("c%06d", c), At: at, Segment: w.segments[segment], X: x, Margin: 120, Lost: lost, FollowUp: ends}
			if w.static {
				r.FollowUp -= float64((landmark - first) * monthDays)
			}
			if r.FollowUp < 0 {
				break
			}
			if known := float64(until-at) / float64(testDay); r.FollowUp > known {
				r.FollowUp, r.Lost = known, false
			}
			rows, truth = append(rows, r), append(truth, probabilities(h))
			if !w.static {
				break
			}
		}
	}
	return rows, truth
}

// predictions of rows, by whatever says the probabilities.
func predictions(rows []Row, of func(i int) [3]float64) []Prediction {
	all := make([]Prediction, len(rows))
	for i := range rows {
		all[i] = PredictionOf(Score{P: of(i)}, &rows[i])
	}
	return all
}

func near64(a, b, within float64) bool { return math.Abs(a-b) <= within }
