package churn

// ValueAtRisk is the margin that the next 12 months of 30 days may take away: the sum over these months of P(lost that month)
// times the margin of the months left. Who is lost in month k leaves, on average, in the middle of it: (12 - k + 1/2) / 12
// of the annual margin is lost. Hazards are those of a month in each group (1, 2 and 3, 4 to 12). NaN where the margin is.
func ValueAtRisk(hazards [3]float64, margin float64) float64 {
	stays, at := 1., 0.
	for g, months := range monthGroups {
		for k := months[0]; k <= months[1]; k++ {
			lost := stays * hazards[g]
			at += lost * (12 - float64(k) + 0.5) / 12
			stays -= lost
		}
	}
	return at * margin
}
