package churn

import "math"

// voicePoints are what one of each counts in the voice risk of a captive customer; sums are those halved in so many days.
var voicePoints = []struct {
	feature string
	points  float64
}{
	{"complaints:90d", 4},
	{"escalations:90d", 6},
	{"litigation:90d", 10},
	{"tension:30d", 3},
	{"incivility:30d", 3},
	{"unresolved_end:90d", 2},
	{"nps:low", 4},
}

// voicePart is one line of that table in rows as columns say.
type voicePart struct {
	feature string
	place   int
	points  float64
}

func voiceOf(columns Columns) (parts []voicePart) {
	for i, name := range columns.Names() {
		for _, v := range voicePoints {
			if v.feature == name {
				parts = append(parts, voicePart{name, i, v.points})
			}
		}
	}
	return parts
}

// voiceRisk says how loudly a customer who cannot leave is likely to be heard: 100 (1 - exp(-points / 10)), as effort is counted.
// It is an index with documented weights, no probability. The reasons weigh in points.
func (m *Model) voiceRisk(row *Row) (risk float64, reasons []Reason) {
	var points float64
	for _, part := range m.bound.voice {
		v := finite(row.X[part.place])
		if v <= 0 {
			continue
		}
		points += part.points * v
		reasons = insertReason(reasons, Reason{part.feature, v, part.points * v})
	}
	return 100 * -math.Expm1(-points/10), reasons
}

// insertReason keeps the heaviest, of equal ones the first first.
func insertReason(list []Reason, r Reason) []Reason {
	at := len(list)
	for at > 0 && r.Weight > list[at-1].Weight {
		at--
	}
	if at == mostReasons {
		return list
	}
	list = append(list, Reason{})
	copy(list[at+1:], list[at:])
	list[at] = r
	return list[:min(len(list), mostReasons)]
}
