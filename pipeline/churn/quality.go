package churn

import (
	"cmp"
	"math"
	"slices"

	"parcours/pipeline/event"
)

// Prediction is what was foretold of one customer at one landmark, and what came of it.
type Prediction struct {
	Customer string
	At       event.Instant
	Segment  string
	P        [3]float64 // by Horizons

	Lost     bool
	FollowUp float64 // days, as in Row
}

// PredictionOf is what a score foretold of a row whose outcome is known.
func PredictionOf(s Score, row *Row) Prediction {
	return Prediction{Customer: row.Customer, At: row.At, Segment: row.Segment, P: s.P, Lost: row.Lost, FollowUp: row.FollowUp}
}

// Judged is one prediction at one horizon that its outcome can judge: a row of the table model_predictions.
type Judged struct {
	Customer string
	At       event.Instant
	Segment  string
	P        float64
	Lost     bool    // within the horizon
	Weight   float64 // 1; more for those who stand for customers that another ending took away
}

// Judge takes the predictions whose horizon had passed by a moment, in the order given. A customer whom another ending (a
// death, a move of the company's) took away before the horizon, unlost, could not show what the prediction says: the
// probability of a loss if nothing else ends the contract first. Such a row is left out, and each row that is judged weighs
// 1/G(t), G the Kaplan-Meier estimate that no other ending came by its time t: by its loss, or by the horizon (inverse
// probability of censoring, as Graf et al. 1999 do it). Where nothing else ends contracts, every weight is 1.
// Predictions that are no number (captive customers, objectors) are left out.
func Judge(predictions []Prediction, horizon int, until event.Instant) []Judged {
	days := float64(Horizons[horizon])
	matured := slices.DeleteFunc(slices.Clone(predictions), func(p Prediction) bool {
		return math.IsNaN(p.P[horizon]) || float64(until-p.At) < days*millisecondsPerDay
	})
	stays := otherEndings(matured, days)
	var judged []Judged
	for i := range matured {
		p := &matured[i]
		j := Judged{Customer: p.Customer, At: p.At, Segment: p.Segment, P: p.P[horizon], Lost: p.Lost && p.FollowUp <= days}
		switch {
		case j.Lost:
			j.Weight = 1 / stays(p.FollowUp)
		case p.FollowUp >= days:
			j.Weight = 1 / stays(days)
		default:
			continue
		}
		judged = append(judged, j)
	}
	return judged
}

const millisecondsPerDay = 24 * 60 * 60 * 1000

// otherEndings gives the probability that no ending but a loss came before a time, by Kaplan and Meier (1958).
func otherEndings(predictions []Prediction, days float64) func(t float64) float64 {
	ends := make([]*Prediction, len(predictions))
	for i := range predictions {
		ends[i] = &predictions[i]
	}
	slices.SortFunc(ends, func(a, b *Prediction) int { return cmp.Compare(a.FollowUp, b.FollowUp) })
	var times, stays []float64
	stay := 1.
	for i := 0; i < len(ends) && ends[i].FollowUp < days; {
		at, left, others := ends[i].FollowUp, float64(len(ends)-i), 0.
		for ; i < len(ends) && ends[i].FollowUp == at; i++ {
			if ends[i].Lost {
				left-- // a loss at the same moment came first
			} else {
				others++
			}
		}
		if others > 0 {
			stay *= 1 - others/left
			times, stays = append(times, at), append(stays, stay)
		}
	}
	return func(t float64) float64 {
		i, _ := slices.BinarySearch(times, t) // those strictly before t
		if i == 0 {
			return 1
		}
		return stays[i-1]
	}
}

// Measured is a figure and its 95 % interval; NaN where there is none.
type Measured struct{ Value, Low, High float64 }

// Bins is in how many equal parts of the customers, by score, calibration and lift are shown.
const Bins = 10

// Bin is one of them. Customers of one score that lie on an edge count in both parts, in shares.
type Bin struct {
	N         float64  // rows
	Predicted float64  // mean probability
	Observed  Measured // share lost; by Wilson (1927), of as many rows as would be independent
	Lift      Measured // share lost, in those of everybody
}

// Quality is how good predictions at one horizon were, of one segment or ("") of all. Rows of one customer at several
// landmarks are no independent proof: intervals are over customers (bootstrap, or clustered standard errors).
type Quality struct {
	Horizon   int // days
	Segment   string
	N         int // rows judged
	Customers int
	Lost      int // rows lost

	Observed, Expected float64 // losses, weighted; those foretold

	AUC       Measured // of a row lost and one not lost, the share in which the former has the higher score; ties are half (Mann and Whitney 1947)
	PRAUC     Measured // average precision: what share of those with at least a score is lost, mean over the lost
	Brier     Measured // mean square of probability less outcome
	BrierBase Measured // of somebody who gives each customer the share lost of its segment, as it came out
	Skill     Measured // 1 - Brier / BrierBase
	Ratio     Measured // Observed / Expected
	Slope     Measured // of the log odds of the outcome on those foretold (Cox 1958): below 1, extremes are too extreme
	Intercept Measured // of the same regression
	Level     Measured // of the log odds with a slope of 1: above 0, too little is foretold
	ECE       Measured // mean distance of Predicted and Observed over Bins, by rows
	Bins      [Bins]Bin
}

// QualityOf judges predictions at each horizon for which there are outcomes, of all and of each segment, by a moment up to
// which they are known.
func QualityOf(predictions []Prediction, until event.Instant) []Quality {
	return qualityOf(predictions, until, replicates)
}

func qualityOf(predictions []Prediction, until event.Instant, replicates int) (all []Quality) {
	for h := range Horizons {
		judged := Judge(predictions, h, until)
		if len(judged) == 0 {
			continue
		}
		for _, segment := range append([]string{""}, segmentsOf(judged)...) {
			all = append(all, qualityOfJudged(judged, Horizons[h], segment, replicates))
		}
	}
	return all
}

func segmentsOf(judged []Judged) (list []string) {
	for i := range judged {
		if at, found := slices.BinarySearch(list, judged[i].Segment); !found {
			list = slices.Insert(list, at, judged[i].Segment)
		}
	}
	return list
}

// QualityOfJudged is the quality of rows of one segment among those judged, or ("") of all. The order of rows does not matter.
func QualityOfJudged(judged []Judged, days int, segment string) Quality {
	return qualityOfJudged(judged, days, segment, replicates)
}

func qualityOfJudged(judged []Judged, days int, segment string, replicates int) Quality {
	r := ranked(judged, segment)
	q := Quality{Horizon: days, Segment: segment, N: len(r.rows), Customers: r.customers}
	for i := range r.rows {
		if r.rows[i].Lost {
			q.Lost++
		}
	}
	q.measure(r)
	q.bootstrap(r, replicates)
	q.recalibrate(r)
	return q
}
