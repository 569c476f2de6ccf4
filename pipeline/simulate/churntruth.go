package simulate

import (
	"math"

	"parcours/pipeline/event"
)

// The records of a company whose customers come and go; docs/simulator.md describes them.
type (
	churnRecord struct {
		Record     string             `json:"record"`
		Causes     []causeRecord      `json:"causes"`
		Confounded []string           `json:"confounded"`
		Harmless   []string           `json:"harmless"`
		Tenure     float64            `json:"tenure"`
		Price      float64            `json:"price"`
		Season     [12]float64        `json:"season"`
		Leaves     map[string]float64 `json:"leaves"`
	}
	causeRecord struct {
		Kind      string  `json:"kind"`
		Strength  float64 `json:"strength"`
		DecayDays float64 `json:"decay_days"`
	}
	lossRecord struct {
		Record      string `json:"record"`
		Customer    string `json:"customer"`
		At          stamp  `json:"at"`
		By          string `json:"by"`
		Cause       string `json:"cause"`
		Segment     string `json:"segment"`
		DecidedAt   *stamp `json:"decided_at"`
		AnnouncedAt *stamp `json:"announced_at"`
	}
	riskRecord struct {
		Record   string  `json:"record"`
		Customer string  `json:"customer"`
		At       stamp   `json:"at"`
		Segment  string  `json:"segment"`
		P        chances `json:"p"`
	}
	chances struct {
		D30  float64 `json:"30"`
		D90  float64 `json:"90"`
		D365 float64 `json:"365"`
	}
)

// writeChurn writes what was planted, who left, and how probable it was; nothing where nobody comes and goes.
func (s *Simulator) writeChurn(out *truthWriter) {
	if s.parameters.Churn == nil {
		return
	}
	out.line(s.planted())
	for _, l := range s.Losses() {
		out.line(lossRecord{"loss", l.Customer, stamp(l.At), l.By, l.Cause, l.Segment, stampOf(l.DecidedAt), stampOf(l.AnnouncedAt)})
	}
	for r := range s.Risks() {
		out.line(riskRecord{"risk", r.Customer, stamp(r.At), r.Segment, chances{millionths(r.P[0]), millionths(r.P[1]), millionths(r.P[2])}})
		if out.err != nil {
			return
		}
	}
}

// planted says which kinds drive customers away, which only seem to, and which do nothing.
func (s *Simulator) planted() churnRecord {
	c := s.parameters.Churn
	r := churnRecord{Record: "churn", Confounded: []string{}, Harmless: []string{}, Tenure: c.Tenure, Price: c.Price, Season: c.Season, Leaves: map[string]float64{}}
	for _, x := range c.Causes {
		r.Causes = append(r.Causes, causeRecord{x.Kind, x.Strength, x.Decay})
	}
	for _, kind := range Kinds {
		switch {
		case c.confounds(kind):
			r.Confounded = append(r.Confounded, kind)
		case c.cause(kind) < 0:
			r.Harmless = append(r.Harmless, kind)
		}
	}
	for _, x := range s.parameters.Segments {
		if !x.Captive {
			r.Leaves[x.Name] = x.Leaves
		}
	}
	return r
}

func stampOf(at event.Instant) *stamp {
	if at == 0 {
		return nil
	}
	s := stamp(at)
	return &s
}

// millionths cuts what machines may differ by.
func millionths(p float64) float64 { return math.Round(p*1e6) / 1e6 }
