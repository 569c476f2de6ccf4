package churn

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"parcours/pipeline/event"
)

// everything is a company seen through all features: breakpoints that come and fade, contacts, a contract. Its customers change
// from landmark to landmark, and leave by a hazard of some of it.
func everything(customers, landmarks int, seed uint64) (rows []Row, columns *Features) {
	columns = AllFeatures()
	random := rand.New(rand.NewPCG(seed, 1))
	kinds := kindColumns(columns)
	dense := []int{columns.Number("tenure"), columns.Number("margin"), columns.Number("uses"), columns.Number("unused"), columns.Number("season:cos")}
	weight := []float64{0.4, 0, 0.3, 0, 0.2}
	for c := range customers {
		ends, lost := float64(landmarks*monthDays), false
		first := len(rows)
		sums := make([][3]float64, len(kinds))
		base := []float64{random.Float64() * 2, 5, random.Float64() * 3, 0, 0}
		for l := range landmarks {
			x := make([]float64, columns.Len())
			odds := -6.2 - 0.3*base[0]
			for k, places := range kinds {
				for d, half := range []float64{0.05, 0.5, 0.79} {
					sums[k][d] *= half
				}
				if random.Float64() < 0.03 {
					for d := range sums[k] {
						sums[k][d] += 0.8
					}
				}
				for d, place := range places {
					x[place] = float64(int(sums[k][d]*1e4)) / 1e4
				}
				odds += weight[k%len(weight)] * sums[k][1]
			}
			for i, place := range dense {
				x[place] = base[i]
			}
			x[columns.Number("tenure_known")], x[columns.Number("margin_known")] = 1, 1
			if c%6 == 0 { // nobody says since when they are customers
				x[columns.Number("tenure")], x[columns.Number("tenure_known")] = 0, 0
			}
			rows = append(rows, Row{Customer: fmt.Sprintf("c%06d", c), At: testStart + testDay*monthDays*event.Instant(l), Segment: []string{"home", "pro", "standard"}[c%3], X: x, Margin: 240})
			if random.Float64() < logistic(odds) {
				ends, lost = (float64(l)+random.Float64())*monthDays, true
				break
			}
		}
		for i := first; i < len(rows); i++ {
			rows[i].FollowUp, rows[i].Lost = ends-float64((i-first)*monthDays), lost
		}
	}
	return rows, columns
}

// kindColumns are the places of the three decays of each kind.
func kindColumns(columns *Features) (kinds [][3]int) {
	for i, name := range columns.Names() {
		if n := len(name); n > 3 && name[n-3:] == ":7d" {
			kinds = append(kinds, [3]int{i, i + 1, i + 2})
		}
	}
	return kinds
}

// BenchmarkTrain trains on 20,000 customers at 18 landmarks (PARCOURS_TRAIN_CUSTOMERS changes the number).
func BenchmarkTrain(b *testing.B) {
	customers, err := strconv.Atoi(os.Getenv("PARCOURS_TRAIN_CUSTOMERS"))
	if err != nil {
		customers = 20_000
	}
	rows, columns := everything(customers, 18, 1)
	for b.Loop() {
		m, _, err := Train(rows, columns, testStart+testDay*monthDays*18, Options{})
		if err != nil {
			b.Fatal(err)
		}
		bytes, _ := MarshalModel(m)
		b.ReportMetric(float64(len(bytes))/1024, "KiB")
		b.ReportMetric(float64(len(rows)), "rows")
		b.ReportMetric(float64(m.Customers), "customers")
		b.ReportMetric(float64(m.Losses), "losses")
	}
}

// BenchmarkScore scores rows of all features; BenchmarkDotProduct is the bare product of one of them with coefficients.
func BenchmarkScore(b *testing.B) {
	rows, columns := everything(2000, 18, 1)
	m, _, err := Train(rows, columns, testStart+testDay*monthDays*18, Options{Strengths: []float64{30}})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		m.Score(&rows[i%len(rows)])
		i++
	}
}

func BenchmarkDotProduct(b *testing.B) {
	rows, columns := everything(2000, 18, 1)
	coefficients := make([]float64, columns.Len())
	for i := range coefficients {
		coefficients[i] = float64(i)
	}
	i, sum := 0, 0.
	for b.Loop() {
		for k, v := range rows[i%len(rows)].X {
			sum += v * coefficients[k]
		}
		i++
	}
	b.ReportMetric(sum*0, "of")
}
