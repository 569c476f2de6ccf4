package churn

import (
	"math"
	"slices"

	"parcours/pipeline/event"
	"parcours/pipeline/journey"
	"parcours/pipeline/rules"
)

// Signal is evidence that a customer is leaving. What it says of how it was raised does not change any more; it ends once.
type Signal struct {
	Kind       string
	RaisedAt   event.Instant
	ClearedAt  event.Instant // journey.Never while it is open
	ClearedWhy string        // "" while it is open
	// Evidence are the facts behind it, in order: source and id of events, ids of breakpoints (experience). Of a renewal that
	// is contract.renewal_due; of a silence, the last use.
	Evidence []string
	// Value against Limit: days without contact, and how many were allowed (renewal); the new value, and the one before
	// (value_cut); season-adjusted days of silence, and how many the gaps explain (silence); weight of breakpoints, and its
	// limit (experience). NaN where there is none.
	Value, Limit float64

	due     event.Instant // when it will end by time alone; Never for not at all
	product string        // of a value cut
}

// Open says whether it has not ended.
func (s *Signal) Open() bool { return s.ClearedAt == journey.Never }

// open finds the open signal of a kind, of which there is one at most; nil for none.
func (c *core) open(kind string) *Signal {
	for i := range c.signals {
		if s := &c.signals[i]; s.Kind == kind && s.Open() {
			return s
		}
	}
	return nil
}

// raise opens a signal, unless one of its kind is open: then that is given more time. Of who objected, or has left, nothing is
// said; of who cannot leave, only what they asked for. One that ended at the moment at which it was raised goes on: kind and
// moment name a signal.
func (c *core) raise(s Signal) {
	asked := s.Kind == CancelRequested || s.Kind == PortabilityRequested
	if len(c.objected) > 0 || c.contract.left || c.contract.captive && !asked {
		return
	}
	own(c, theSignals, &c.signals)
	if open := c.open(s.Kind); open != nil {
		open.due = s.due
		return
	}
	if i := slices.IndexFunc(c.signals, func(old Signal) bool { return old.Kind == s.Kind && old.RaisedAt == s.RaisedAt }); i >= 0 {
		old := &c.signals[i]
		old.ClearedAt, old.ClearedWhy, old.due = journey.Never, "", s.due
		return
	}
	s.ClearedAt = journey.Never
	c.signals = append(c.signals, s)
}

// clear ends the open signal of a kind, if there is one.
func (c *core) clear(kind string, at event.Instant, why string) {
	if c.open(kind) == nil {
		return
	}
	own(c, theSignals, &c.signals)
	s := c.open(kind)
	s.ClearedAt, s.ClearedWhy, s.due = at, why, journey.Never
}

func (c *core) clearAll(at event.Instant, why string) {
	for i := range c.signals {
		if s := &c.signals[i]; s.Open() {
			c.clear(s.Kind, at, why)
		}
	}
}

var explicit = [...]string{CancelRequested, PortabilityRequested, RenewalDue, ValueCut}

func (c *core) clearExplicit(at event.Instant, why string) {
	for _, kind := range explicit {
		c.clear(kind, at, why)
	}
}

func (c *core) object(f *Fact) {
	own(c, theObjected, &c.objected)
	if i, found := slices.BinarySearch(c.objected, f.Name); !found {
		c.objected = slices.Insert(c.objected, i, f.Name)
	}
	c.clearAll(f.At, Objected)
}

// contractual takes in what happened to the contract.
func (c *core) contractual(f *Fact, p *Parameters) {
	asked := Signal{RaisedAt: f.At, Evidence: []string{f.ID}, Value: math.NaN(), Limit: math.NaN(), due: f.At.Add(p.LapseAfter)}
	k := &c.contract
	if f.What != ContractStarted && f.What != ContractEnded && !k.left {
		k.inForce = true // since nobody knows when
	}
	switch f.What {
	case ContractStarted:
		c.start(f, p)
	case ContractEnded:
		c.end(f, p)
	case ContractKept:
		k.answered()
		c.clearExplicit(f.At, Retained)
	case ContractAsked:
		asked.Kind = CancelRequested
		c.raise(asked)
	case ContractPorted:
		asked.Kind = PortabilityRequested
		c.raise(asked)
	case ContractRenewal:
		k.renewal, k.renewing, k.warn = f.At, f.ID, f.At.Add(p.RenewalAfter)
	case ContractValued:
		c.valued(f, p, asked)
	}
}

// loss is what counts as this customer having left.
func (c *core) loss(p *Parameters) rules.Loss {
	return p.Book.LossOf(c.contract.product, c.contract.margin, c.contract.captive)
}

// start begins a contract, or another one.
func (c *core) start(f *Fact, p *Parameters) {
	k := &c.contract
	if k.left {
		*k = newContract()
	}
	if k.started == unset {
		k.started = f.At
	}
	k.inForce, k.product, k.margin, k.captive = true, f.Name, f.Amount, f.Flag
	k.answered()
	c.set(value{f.Name, f.Amount, f.Amount})
	c.worth(f.At, p)
	c.clearExplicit(f.At, Retained)
	if k.captive {
		c.clear(Silence, f.At, Faded)
		c.clear(Experience, f.At, Faded)
	}
}

// end ends the contract. Who had lost its value has left already, and now keeps nothing of it.
func (c *core) end(f *Fact, p *Parameters) {
	if c.contract.left {
		c.contract.values = nil
		return
	}
	lost := f.Name == byCustomer && c.loss(p).Cancelled
	c.leave(f.At, lost)
	c.contract.values, c.contract.high = nil, math.NaN()
}

// leave notes that the customer has left; the terms of the last contract still say of which segment they were.
func (c *core) leave(at event.Instant, lost bool) {
	c.clearAll(at, Lost)
	k := &c.contract
	k.inForce, k.left, k.leftAt, k.lost = false, true, at, lost
	k.started, k.gone = unset, journey.Never
	k.answered()
}

// answered notes that a renewal asks for nothing more.
func (k *contract) answered() { k.renewing, k.renewal, k.warn = "", unset, journey.Never }

// set notes what a contract is worth; of more products than anybody has, the first is forgotten.
func (c *core) set(v value) {
	own(c, theValues, &c.contract.values)
	k := &c.contract
	if i := slices.IndexFunc(k.values, func(w value) bool { return w.product == v.product }); i >= 0 {
		k.values[i] = v
		return
	}
	if len(k.values) == mostProducts {
		k.values = slices.Delete(k.values, 0, 1)
	}
	k.values = append(k.values, v)
}

const mostProducts = 16

// total is what the contracts are worth together; NaN where none says.
func (k *contract) total() float64 {
	sum, known := 0.0, false
	for _, v := range k.values {
		if !math.IsNaN(v.now) {
			sum, known = sum+v.now, true
		}
	}
	if !known {
		return math.NaN()
	}
	return sum
}

// valued takes in another value of a contract: of its product; of the last that started where it names none.
func (c *core) valued(f *Fact, p *Parameters, cut Signal) {
	k := &c.contract
	if math.IsNaN(f.Amount) || k.left && k.values == nil {
		return
	}
	product := f.Name
	if product == "" {
		product = k.product
	}
	v := value{product, f.Amount, math.NaN()}
	if i := slices.IndexFunc(k.values, func(w value) bool { return w.product == product }); i >= 0 {
		v = k.values[i]
	}
	before := v.now
	v.now = f.Amount
	if math.IsNaN(v.first) {
		v.first = f.Amount
	}
	c.set(v)
	cut.Kind, cut.product, cut.Value, cut.Limit = ValueCut, product, f.Amount, before
	if f.Amount <= 0 || f.Amount < before && f.Amount <= before-float64(before*p.ValueCutBy) {
		c.raise(cut)
	} else if s := c.open(ValueCut); s != nil && s.product == product && f.Amount >= s.Limit {
		c.clear(ValueCut, f.At, Restored)
	}
	c.worth(f.At, p)
}

// worth looks whether the contracts have lost so much of their value that it is a loss if it lasts. Who left by that, and is
// worth more again, is back.
func (c *core) worth(at event.Instant, p *Parameters) {
	k := &c.contract
	now := k.total()
	if math.IsNaN(k.high) || now > k.high {
		k.high = now
	}
	loss := c.loss(p)
	down := loss.ValueDown > 0 && k.high > 0 && now <= k.high-float64(k.high*loss.ValueDown)
	switch {
	case !down && k.left:
		k.inForce, k.left, k.started = true, false, at
	case !down:
		k.gone = journey.Never
	case k.gone == journey.Never && !k.left:
		k.gone = at.Add(loss.For)
	}
}

// experienced weighs a breakpoint.
func (c *core) experienced(f *Fact, p *Parameters) {
	c.weight = decayed(c.weight, f.At-c.weighed, experienceDays)
	if s := int(f.Weight); s >= 1 && s <= len(p.Experience.Weights) {
		c.weight += p.Experience.Weights[s-1]
	}
	c.weighed = f.At
	if c.weight <= p.Experience.Limit && c.open(Experience) == nil {
		return
	}
	s := Signal{Kind: Experience, RaisedAt: f.At, Value: math.Round(c.weight*1e6) / 1e6, Limit: p.Experience.Limit}
	s.due = f.At + fades(c.weight, p.Experience.Limit/2)
	if c.open(Experience) == nil {
		s.Evidence = c.evidence(f.At)
	}
	c.raise(s)
}

// experienceDays are those in which the weight of breakpoints halves.
const experienceDays = 30

// fades is how long it takes a weight to come down to another.
func fades(weight, to float64) event.Instant {
	if weight <= to {
		return 0
	}
	return event.Instant(math.Ceil(math.Log2(weight/to) * float64(experienceDays*dayMillis)))
}

// evidence names the breakpoints of the last 90 days, the last 8 at most.
func (c *core) evidence(at event.Instant) (ids []string) {
	const most, days = 8, 90
	for _, e := range c.recent[max(0, len(c.recent)-most):] {
		if int64(at-e.At) <= days*dayMillis {
			ids = append(ids, e.ID)
		}
	}
	return ids
}

// advance lets happen what is due until a moment, that one included, in order of time.
func (c *core) advance(until event.Instant, p *Parameters) {
	c.begin()
	for {
		at := c.next()
		if at > until {
			return
		}
		c.expire(at, p.At(at))
	}
}

// next is when something is due; journey.Never for nothing.
func (c *core) next() event.Instant {
	if !c.begun {
		return journey.Never
	}
	at := min(c.contract.warn, c.contract.gone, c.use.silent)
	for i := range c.signals {
		at = min(at, c.signals[i].due)
	}
	return at
}

// expire lets happen what is due at a moment.
func (c *core) expire(at event.Instant, p *Parameters) {
	k := &c.contract
	if k.gone == at {
		c.leave(at, true)
	}
	for i := range c.signals {
		if s := &c.signals[i]; s.due == at {
			why := Lapsed
			if s.Kind == Experience {
				why = Faded
			}
			c.clear(s.Kind, at, why)
		}
	}
	if k.warn == at {
		days := daysIn(at - k.renewal)
		c.raise(Signal{Kind: RenewalDue, RaisedAt: at, Evidence: []string{k.renewing}, Value: days, Limit: days, due: at.Add(p.LapseAfter)})
		k.answered()
	}
	if u := &c.use; u.silent == at {
		u.silent = journey.Never
		c.raise(Signal{Kind: Silence, RaisedAt: at, Evidence: []string{u.lastFact}, Value: p.elapsed(u.last, dayOf(at)), Limit: u.limit, due: journey.Never})
	}
}

func daysIn(d event.Instant) float64 { return float64(d) / float64(dayMillis) }
