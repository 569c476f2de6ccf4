package journey

import "parcours/pipeline/event"

// The scales that hold where an answer gives none, and the range of NPS.
const (
	bestNPS  = 10.0
	bestCSAT = 5.0
	bestCES  = 7.0 // is easiest
)

// Sentiment is the mean of the journey's signals, from -1 to 1, and how many there are; where there is none it says nothing.
//
// A survey answered is one signal: the mean of its scores, each put linearly from its own scale onto -1 to 1 (NPS 0 to 10,
// CSAT and CES 1 to their scale, 5 and 7 where none is given). Tags are one each: praise.received 1, incivility.reported,
// complaint.filed and complaint.escalated -1. No text and no voice is ever read for it.
func (j *Journey) Sentiment() (mean float64, signals uint32) {
	for _, e := range j.Steps {
		if v, ok := signal(e); ok {
			mean += v
			signals++
		}
	}
	if signals > 0 {
		mean /= float64(signals)
	}
	return mean, signals
}

func signal(e *event.Event) (v float64, ok bool) {
	switch e.Type {
	case event.SurveyAnswered:
		return score(&e.Data)
	case event.PraiseReceived:
		return 1, true
	case event.IncivilityReported, event.ComplaintFiled, event.ComplaintEscalated:
		return -1, true
	}
	return 0, false
}

// score is the mean of the scores of an answer; false where it gives none.
func score(d *event.Data) (float64, bool) {
	sum, n := 0.0, 0
	for _, s := range [...]struct {
		given       *float64
		worst, best float64
	}{
		{d.NPS, 0, bestNPS}, {d.CSAT, 1, scale(d.CSATScale, bestCSAT)}, {d.CES, 1, scale(d.CESScale, bestCES)},
	} {
		if s.given != nil {
			sum += 2*(*s.given-s.worst)/(s.best-s.worst) - 1
			n++
		}
	}
	if n == 0 {
		return 0, false
	}
	return sum / float64(n), true
}

func scale(given *float64, otherwise float64) float64 {
	if given == nil {
		return otherwise
	}
	return *given
}
