package churn

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"parcours/pipeline/event"
)

// stood are customers, each at so many landmarks with the same outcome and nearly the same score.
func stood(customers, landmarks int, seed uint64) (rows []Judged) {
	random := rand.New(rand.NewPCG(seed, 6))
	for c := range customers {
		p := 0.05 + 0.4*float64(c)/float64(customers)
		lost := random.Float64() < p
		for l := range landmarks {
			rows = append(rows, Judged{Customer: fmt.Sprintf("c%05d", c), At: testStart + event.Instant(l)*30*testDay, P: p + 1e-9*float64(l), Lost: lost, Weight: 1})
		}
	}
	return rows
}

// TestBinsOfCustomers: the interval of the share lost in a tenth is as wide for customers at six landmarks as at one.
func TestBinsOfCustomers(t *testing.T) {
	once, often := QualityOfJudged(stood(600, 1, 3), 90, ""), QualityOfJudged(stood(600, 6, 3), 90, "")
	for i := range once.Bins {
		a, b := once.Bins[i].Observed, often.Bins[i].Observed
		if !near64(a.Value, b.Value, 1e-9) || !near64(a.Low, b.Low, 1e-6) || !near64(a.High, b.High, 1e-6) {
			t.Errorf("tenth %d: once %+v, at six landmarks %+v", i+1, a, b)
		}
	}
}

// TestBinsHold: the intervals hold the share that is true about as often as they say.
func TestBinsHold(t *testing.T) {
	held, all := 0, 0
	for seed := range uint64(60) {
		const customers = 600
		r := ranked(stood(customers, 4, 100+seed), "")
		var q Quality
		q.measure(r)
		for _, b := range q.Bins {
			if all++; b.Observed.Low <= b.Predicted && b.Predicted <= b.Observed.High {
				held++
			}
		}
	}
	if share := float64(held) / float64(all); share < 0.92 || share > 0.98 {
		t.Errorf("the intervals hold the truth in %.1f %% of cases", 100*share)
	}
}

// TestBinsOfOne: rows on an edge count in both parts in shares, and a tenth of which none was lost has the interval of its customers.
func TestBinsOfOne(t *testing.T) {
	rows := stood(25, 2, 1)
	for i := range rows {
		rows[i].P, rows[i].Lost = 0.5, false
	}
	q := QualityOfJudged(rows, 30, "")
	for i, b := range q.Bins {
		if want := wilson(0, 5); !near64(b.N, 5, 1e-9) || b.Observed != want {
			t.Errorf("tenth %d: %+v, want %+v", i+1, b, want)
		}
	}
	rows = stood(20, 2, 1)
	for i := range rows {
		rows[i].P, rows[i].Lost = float64(i/2), false
	}
	for i, b := range QualityOfJudged(rows, 30, "").Bins {
		if want := wilson(0, 2); b.Observed != want {
			t.Errorf("tenth %d of two customers: %+v, want %+v", i+1, b.Observed, want)
		}
	}
}
