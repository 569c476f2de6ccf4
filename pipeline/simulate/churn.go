package simulate

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"parcours/pipeline/event"
)

// Churn says why customers leave, and how they are seen to. Without it nobody leaves but by a need that says so.
//
// On each day a customer who has not decided anything decides to leave with the hazard
//
//	leaves/365 x season x (1 + years)^-tenure x (margin/typical)^price x exp(sum of strength x exposure)
//
// where leaves is the segment's, years and margin are of the contract, typical is the segment's median margin, and the
// exposure to a kind is the sum of 2^(-age/decay) over its failures that hurt, up to the beginning of the day. Captive
// customers never do.
type Churn struct {
	Before   int         `yaml:"before"` // days: contracts of the first day began at any time within so many before it
	Joins    float64     `yaml:"joins"`  // new customers a year, for each one of the first day
	Causes   []Cause     `yaml:"causes"`
	Tenure   float64     `yaml:"tenure"`
	Price    float64     `yaml:"price"`
	Season   [12]float64 `yaml:"season"` // from January
	Confound []Confound  `yaml:"confounded"`

	PAnnounced float64 `yaml:"p_announced"` // says so at once, and is kept or gone after `notice` days on average
	Notice     float64 `yaml:"notice"`      // days, without memory: each day the same chance; 1 or more
	PPorted    float64 `yaml:"p_ported"`    // of those who say so: by taking the number elsewhere
	PRetained  float64 `yaml:"p_retained"`  // of those who say so: stays after all
	Quiet      float64 `yaml:"quiet"`       // days on average, without memory, that the others still stay: they use nothing more

	PCut   float64 `yaml:"p_cut"`  // of those who decide to leave: takes a cheaper contract on that day
	Values float64 `yaml:"values"` // changes of value a year and customer that mean nothing: half of them cuts
	Others float64 `yaml:"others"` // contracts a year and customer that the company or a third party ends

	Renewal int     `yaml:"renewal"` // days after which a contract is renewed, again and again
	Ahead   int     `yaml:"ahead"`   // days before, it is due
	PUses   float64 `yaml:"p_uses"`  // customers who use something every few days
	Every   [2]int  `yaml:"every"`   // days between two uses, from and to, each as probable
	PSkips  float64 `yaml:"p_skips"` // of these uses: left out
}

// Cause is a kind of failure that drives customers away.
type Cause struct {
	Kind     string  `yaml:"kind"`
	Strength float64 `yaml:"strength"` // of one that has just happened: log of the factor on the hazard
	Decay    float64 `yaml:"decay"`    // days after which half of it is forgotten
}

// Confound is a kind that drives nobody away, but meets those more who leave more: its chance is multiplied by
// (margin/typical)^dear, and in the first year of a contract by exp(young).
type Confound struct {
	Kind  string  `yaml:"kind"`
	Dear  float64 `yaml:"dear"`
	Young float64 `yaml:"young"`
}

// check says what is wrong with the churn of a company.
func (c *Churn) check(p *Parameters) error {
	if c == nil {
		return nil
	}
	for _, x := range c.Causes {
		if !slices.Contains(Kinds[:], x.Kind) || x.Decay <= 0 {
			return fmt.Errorf("churn.causes: %q: expected a kind of failure and a decay in days", x.Kind)
		}
	}
	for _, x := range c.Confound {
		if !slices.Contains(Kinds[:], x.Kind) || c.cause(x.Kind) >= 0 {
			return fmt.Errorf("churn.confounded: %q: expected a kind of failure that is no cause", x.Kind)
		}
	}
	for _, x := range c.Season {
		if x <= 0 {
			return errors.New("churn.season: expected twelve factors above 0")
		}
	}
	if slices.ContainsFunc(p.Needs, func(k NeedKind) bool { return k.Leaving }) {
		return errors.New("churn: a need that says leaving: expected one way to leave")
	}
	if c.Notice < 1 || c.Quiet < 1 || c.Renewal <= c.Ahead || c.Every[0] < 1 || c.Every[1] < c.Every[0] || c.PSkips > mostSkips {
		return fmt.Errorf("churn: notice, quiet, renewal, every: expected days, at least 1, a renewal after its notice, and skips of at most %v", mostSkips)
	}
	return nil
}

const mostSkips = 0.5

// cause is the number of a kind among the causes, -1 for none.
func (c *Churn) cause(kind string) int {
	return slices.IndexFunc(c.Causes, func(x Cause) bool { return x.Kind == kind })
}

// typical is the median margin of a segment's customers.
func (s *Segment) typical() float64 { return s.Margin[0] + (s.Margin[1]-s.Margin[0])/4 }

// dearness is how much more than typical a margin of the segment is, as a logarithm.
func (s *Segment) dearness(margin float64) float64 {
	if margin <= 0 || s.typical() <= 0 {
		return 0
	}
	return math.Log(margin / s.typical())
}

// ofContract and ofFate are ordinals beside those of occasions; ofSteps is followed by the number of a step.
const ofContract, ofFate, ofSteps = 1<<20 + 1, 1<<20 + 2, 1 << 19

// sign draws when the contract of a customer began, where customers come and go: before the first day, or on one of them.
func (s *Simulator) sign(c *customer) {
	churn := s.parameters.Churn
	if churn == nil {
		return
	}
	rng := s.chance(c.number, ofContract)
	joins := churn.Joins * float64(s.config.Days) / daysPerYear
	joined, when := rng.Float64() < joins/(1+joins), rng.Float64()
	if joined {
		c.began = s.start.Add(time.Duration(when * float64(s.config.Days) * float64(day)))
	} else {
		c.began = s.start.Add(-time.Duration((1 - when) * float64(churn.Before) * float64(day)))
	}
	c.began -= c.began % event.Instant(time.Second/time.Millisecond)
}

// years is how old the contract is.
func (c *customer) years(at event.Instant) float64 {
	return at.Sub(c.began).Hours() / (24 * daysPerYear)
}

// lures is the factor by which the chance of a confounded kind is higher for those who leave more.
func (st *story) lures(kind string) float64 {
	if st.parameters.Churn == nil {
		return 1
	}
	for _, x := range st.parameters.Churn.Confound {
		if x.Kind == kind {
			more := x.Dear * st.segment.dearness(st.margin)
			if st.years(st.now) < 1 {
				more += x.Young
			}
			return math.Exp(more)
		}
	}
	return 1
}

func (c *Churn) confounds(kind string) bool {
	return slices.ContainsFunc(c.Confound, func(x Confound) bool { return x.Kind == kind })
}
