package simulate

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"parcours/pipeline/event"
)

// Loss is the end of a customer's contract.
type Loss struct {
	Customer    string
	Segment     string
	At          event.Instant
	By          string        // customer, company or third_party
	Cause       string        // as contract.cancelled says
	DecidedAt   event.Instant // when a customer decided to leave; 0 where somebody else did
	AnnouncedAt event.Instant // when they said so; 0 for never
}

// fate is what becomes of a customer's contract.
type fate struct {
	loss     Loss // By is "" for a contract that is in force when the days are over
	suffered []blow
	quiet    event.Instant // when the customer decided to leave in silence; 0 for never
	steps    []step
	used     []event.Instant // up to the end
}

// blow is a failure of a kind that drives customers away.
type blow struct {
	at    event.Instant
	cause int
}

// step is something that happens to a contract.
type step struct {
	at     event.Instant
	what   string  // event type
	amount float64 // of contract.value_changed
}

// risk is the true probability of a voluntary loss as of the first of a month, within each of horizons.
type risk struct {
	at event.Instant
	p  [3]float32
}

// leaving is a customer's way to the end, gone through day by day. The truth knows the state; what can be known of it from
// the events alone are its beliefs.
type leaving struct {
	*Simulator
	customer
	churn    *Churn
	rng      *rand.Rand
	blows    []blow // to come
	fate     fate
	outlook  *outlook // nil where nobody asks for risks
	risks    []risk
	exposure []float64 // by cause
	margin   float64   // now
	state    state
	uses     []event.Instant
	passed   int     // uses that are over
	idle     int     // days since the last use; 0 before the first, and for those who use nothing
	belief   float64 // that one who said nothing has decided nothing
	next     event.Instant
}

// state is where a customer is.
type state int

const (
	staying state = iota
	announced
	quiet
	ended
)

// fates gives what becomes of each customer, computed once; nil where nobody leaves but by a need.
func (s *Simulator) fates() []fate {
	if s.parameters.Churn == nil {
		return nil
	}
	s.planned.Do(func() {
		for n := 1; n <= s.config.Customers; n++ {
			s.fate = append(s.fate, s.goThrough(n, s.suffered(n), nil).fate)
		}
	})
	return s.fate
}

// goThrough sees when a customer leaves, who suffers what one who stays would suffer: what comes later never was.
func (s *Simulator) goThrough(number int, blows []blow, o *outlook) *leaving {
	l := &leaving{Simulator: s, customer: s.customer(number), churn: s.parameters.Churn, rng: s.chance(number, ofFate), outlook: o}
	l.blows, l.fate.suffered = blows, blows
	l.exposure = make([]float64, len(l.churn.Causes))
	l.margin, l.belief = l.customer.margin, 1
	l.renewals()
	l.habit()
	l.next = firstOfMonth(max(s.start, l.began))
	for d := range s.config.Days {
		if at := s.start.Add(time.Duration(d) * day); at >= l.began && l.state != ended {
			l.day(at)
		}
	}
	l.finish()
	return l
}

// suffered plays the needs of a customer who stays and lists the failures that count, in order of time.
func (s *Simulator) suffered(number int) (all []blow) {
	ids := counters{}
	for _, o := range s.occasionsOf(number, nil) {
		if o.kind < 0 {
			continue
		}
		for _, f := range s.play(o, ids).need.Failures {
			if i := s.parameters.Churn.cause(f.Kind); f.Hurts && i >= 0 {
				all = append(all, blow{f.At, i})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b blow) int { return cmp.Compare(a.at, b.at) })
	return slices.Clip(all)
}

// day goes through the day that begins at a moment. The same random numbers are drawn on each, whatever happens.
func (l *leaving) day(at event.Instant) {
	decides, kind, cuts, others := l.rng.Float64(), l.rng.Float64(), l.rng.Float64(), l.rng.Float64()
	moment := at.Add(time.Duration(l.rng.Int64N(int64(day/time.Second))) * time.Second)
	l.expose(at)
	chance := l.chanceOf(at)
	if at >= l.next && l.outlook != nil {
		l.assess(at)
		l.next = firstOfMonth(at + 1)
	}
	before := l.state
	cut := l.changed(moment, cuts, l.decide(moment, decides, kind, chance))
	if l.outlook != nil {
		l.believe(at, before, chance, cut)
	}
	if others < l.churn.Others/daysPerYear && l.state != ended {
		l.end(moment.Add(time.Second), [...]string{"third_party", "third_party", "company"}[int(kind*3)], [...]string{"death", "moved", "unpaid"}[int(kind*3)])
	}
}

// expose lets a day's forgetting pass, and adds what has happened on it.
func (l *leaving) expose(at event.Instant) {
	for i := range l.exposure {
		l.exposure[i] *= math.Exp2(-1 / l.churn.Causes[i].Decay)
	}
	for len(l.blows) > 0 && l.blows[0].at < at {
		x := l.blows[0]
		l.exposure[x.cause] += math.Exp2(-at.Sub(x.at).Hours() / 24 / l.churn.Causes[x.cause].Decay)
		l.blows = l.blows[1:]
	}
}

// chanceOf is the probability of deciding to leave on the day that begins at a moment.
func (l *leaving) chanceOf(at event.Instant) float64 {
	if l.segment.Captive {
		return 0
	}
	return -math.Expm1(-math.Exp(l.logHazard(at)))
}

// logHazard is that of a day.
func (l *leaving) logHazard(at event.Instant) float64 {
	sum := l.logBase(at)
	for i := range l.exposure {
		sum += float64(l.churn.Causes[i].Strength * l.exposure[i])
	}
	return sum
}

// logBase is the part of it that no failure has a share in.
func (l *leaving) logBase(at event.Instant) float64 {
	base := math.Log(l.segment.Leaves / daysPerYear * l.churn.Season[at.Time().Month()-1])
	return base + float64(l.churn.Price*l.segment.dearness(l.margin)) - float64(l.churn.Tenure*math.Log1p(l.years(at)))
}

// decide moves the state on, and says whether the customer decided to leave today.
func (l *leaving) decide(at event.Instant, x, kind, chance float64) (decided bool) {
	c := l.churn
	switch {
	case l.state == staying && x < chance && kind < c.PAnnounced:
		l.state, l.fate.loss.DecidedAt, l.fate.loss.AnnouncedAt = announced, at, at
		what := event.ContractCancelRequested
		if kind < c.PAnnounced*c.PPorted {
			what = event.PortabilityRequested
		}
		l.step(at, what, 0)
		return true
	case l.state == staying && x < chance:
		l.state, l.fate.loss.DecidedAt, l.fate.quiet = quiet, at, at
		return true
	case l.state == announced && x < 1/c.Notice && kind < c.PRetained:
		l.state, l.fate.loss.DecidedAt, l.fate.loss.AnnouncedAt = staying, 0, 0
		l.step(at, event.ContractRetained, 0)
	case l.state == announced && x < 1/c.Notice, l.state == quiet && x < 1/c.Quiet:
		l.end(at, "customer", "price")
	}
	return false
}

// changed changes the value of the contract, and says whether that is a cut.
func (l *leaving) changed(at event.Instant, x float64, decided bool) (cut bool) {
	usual := l.churn.Values / daysPerYear / 2
	least := usual
	if decided {
		least = l.churn.PCut
	}
	var factor float64
	switch {
	case l.state == ended:
		return false
	case x < least:
		factor = 0.65 + float64(0.25*x/least)
	case x > 1-usual:
		factor = 1.05 + float64(0.15*(1-x)/usual)
	default:
		return false
	}
	l.margin = math.Round(l.margin * factor)
	l.step(at, event.ContractValueChanged, l.margin)
	return factor < 1
}

func (l *leaving) end(at event.Instant, by, cause string) {
	l.state, l.fate.loss.At, l.fate.loss.By, l.fate.loss.Cause = ended, at, by, cause
	if by != "customer" {
		l.fate.loss.DecidedAt = 0
	}
	l.step(at, event.ContractCancelled, 0)
}

func (l *leaving) step(at event.Instant, what string, amount float64) {
	l.fate.steps = append(l.fate.steps, step{at, what, amount})
}

// renewals notes when a contract is due for one, within the days.
func (l *leaving) renewals() {
	every := time.Duration(l.churn.Renewal) * day
	for at := l.began.Add(every); at < l.end0(); at = at.Add(every) {
		if due := at.Add(-time.Duration(l.churn.Ahead) * day); due >= l.start {
			l.step(due, event.ContractRenewalDue, 0)
		}
	}
}

// end0 is the moment up to which renewals are looked for: those whose notice lies within the days.
func (l *leaving) end0() event.Instant {
	return l.Simulator.end.Add(time.Duration(l.churn.Ahead) * day)
}

// finish puts the steps in order and takes away what lies beyond the end.
func (l *leaving) finish() {
	f := &l.fate
	f.loss.Customer, f.loss.Segment = l.id(), l.segment.Name
	until := l.Simulator.end
	if f.loss.By != "" {
		until = f.loss.At
	}
	f.steps = slices.DeleteFunc(f.steps, func(x step) bool {
		return x.at > until || x.at == until && x.what != event.ContractCancelled || x.at < l.began
	})
	slices.SortStableFunc(f.steps, func(a, b step) int { return cmp.Compare(a.at, b.at) })
	for _, at := range l.uses {
		if at < until && (f.quiet == 0 || at < nextDay(l.start, f.quiet)) {
			f.used = append(f.used, at)
		}
	}
}

// nextDay is the end of the day of a moment.
func nextDay(start, at event.Instant) event.Instant {
	return start.Add((at.Sub(start)/day + 1) * day)
}

// firstOfMonth is the next first of a month, 00:00 UTC, or the moment itself.
func firstOfMonth(at event.Instant) event.Instant {
	t := at.Time()
	first := time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC)
	if first.Before(t) {
		first = first.AddDate(0, 1, 0)
	}
	return event.InstantOf(first)
}
