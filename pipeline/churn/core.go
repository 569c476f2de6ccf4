package churn

import (
	"math"
	"math/bits"
	"slices"

	"parcours/pipeline/event"
	"parcours/pipeline/journey"
	"parcours/pipeline/rules"
)

// core is what facts in order have left behind. It moves by apply and by advance only, each to a later moment; every sum is
// decayed from one fact of its own to the next and at no other moment, so that it has the same bits whenever one looked.
type core struct {
	begun    bool          // false: all else is not set yet
	seen     event.Instant // time of the first fact
	contract contract
	objected []string // purposes, sorted
	sums     []sum    // by number, ascending
	use      use
	answers  [3]answer // NPS, CSAT, CES
	contacts []contactSeen
	recent   []Evidence // breakpoints, the oldest first
	weight   float64    // of breakpoints, by the severity weights of the rules, as of weighed
	weighed  event.Instant
	signals  []Signal // in the order in which they were raised

	borrowed borrowed // which of the lists above are another core's: copied before they are written to
}

// borrowed is a set of lists.
type borrowed uint8

const (
	theValues borrowed = 1 << iota
	theObjected
	theSums
	theContacts
	theRecent
	theSignals

	all = theValues | theObjected | theSums | theContacts | theRecent | theSignals
)

// lent gives a core that moves by itself, and copies of this one what it writes to.
func (c *core) lent() core {
	d := *c
	d.borrowed = all
	return d
}

// own makes a list one that may be written to.
func own[T any](c *core, which borrowed, list *[]T) {
	if c.borrowed&which != 0 {
		c.borrowed &^= which
		*list = slices.Clone(*list)
	}
}

// unset is no moment.
const unset = event.Instant(-1 << 63)

// contract is that of a customer, who stands for all of them: who ends one of two has left.
type contract struct {
	inForce bool          // one has started, or was spoken of, and none ended since
	started event.Instant // unset where nobody said when
	product string        // of the last that started
	margin  float64       // of the same; NaN where it stated none
	captive bool          // of the same
	values  []value       // of each product, since started
	high    float64       // the highest they were worth together; NaN where it is not known
	gone    event.Instant // when they will have been worth so little for so long that it is a loss; Never for not at all

	left   bool // the last one ended, or lost its value
	leftAt event.Instant
	lost   bool // of their own will

	renewing string        // the last contract.renewal_due that waits for contact, and
	renewal  event.Instant // its time; unset for none
	warn     event.Instant // when it is a signal
}

// value is what one contract is worth a year.
type value struct {
	product    string
	first, now float64 // NaN where it is not known
}

// Evidence is a breakpoint, as far as it is remembered.
type Evidence struct {
	ID       string
	At       event.Instant // detected_at
	Kind     string
	Family   string
	Severity uint8
}

// mostEvidence are remembered, none for longer than evidenceFor after the last of them.
const (
	mostEvidence = 16
	evidenceFor  = 365 * dayMillis
)

// sum is a number of facts of one sort, each halved in 7, 30 and 90 days, as of the last of them.
type sum struct {
	number uint8
	at     event.Instant
	halved [len(halvings)]float64
}

// halvings are in days.
var halvings = [...]int{7, 30, 90}

// What is summed beside the kinds of breakpoint, which come first by their number in rules.Kinds.
const (
	sumContacts = 32 + iota
	sumMoved
	sumAgain
	sumComplaints
	sumRaised
	sumLitigation
	sumUncivil
	sumNumbers
)

var (
	kindNames   = rules.Kinds()
	kindNumbers = func() map[string]uint8 {
		m := map[string]uint8{}
		for i, k := range kindNames {
			m[k] = uint8(i)
		}
		return m
	}()
)

// answer is the last one of a survey, 0 (worst) to 1.
type answer struct {
	given bool
	at    event.Instant
	score float64
}

// contactSeen remembers a contact, so that its later events are none of their own.
type contactSeen struct {
	hash  uint32
	first event.Instant
}

// sameContact is how long after its first event an event of a contact id is part of the contact.
const sameContact = 30 * dayMillis

// use are the days on which the customer used the service.
type use struct {
	count       int
	first, last day               // days; without meaning while count is 0
	year        [yearWords]uint64 // bit i: used i days before last
	ring        [ringDays]day     // the last of them, as many as there are, the oldest first
	lastFact    string            // the first fact of the last day; "" where too few gaps are known to say anything
	silent      event.Instant     // when the silence since will be beyond its limit; Never, or passed
	limit       float64           // that limit, in season-adjusted days
	spent       float64           // sum over days after the first on which a value was known
	spends      int               // how many those are
	spentToday  bool
}

const (
	yearDays  = 365
	yearWords = (yearDays + 63) / 64
	ringDays  = mostGaps + 1
)

// decayed is what is left of a number after a time, if it halves in so many days.
func decayed(v float64, age event.Instant, days int) float64 {
	if v == 0 || age <= 0 {
		return v
	}
	return float64(v * math.Exp2(-float64(age)/float64(int64(days)*dayMillis))) // rounded, on every machine, before anything is added
}

// begin sets what is not known and not due.
func (c *core) begin() {
	if c.begun {
		return
	}
	c.begun, c.seen, c.contract, c.use.silent = true, unset, newContract(), journey.Never
}

func newContract() contract {
	return contract{started: unset, margin: math.NaN(), high: math.NaN(), gone: journey.Never, renewal: unset, warn: journey.Never}
}

// apply takes a fact in, not before any that was taken.
func (c *core) apply(f *Fact, p *Parameters) {
	c.begin()
	c.advance(f.At-1, p)
	if c.seen == unset {
		c.seen = f.At
	}
	p = p.At(f.At)
	switch f.What {
	case ContractStarted, ContractRenewal, ContractValued, ContractAsked, ContractPorted, ContractKept, ContractEnded:
		c.contractual(f, p)
	case RightObjected:
		c.object(f)
	case RightConsented:
		own(c, theObjected, &c.objected)
		c.objected = slices.DeleteFunc(c.objected, func(s string) bool { return s == f.Name })
	case ContactMade:
		c.contactMade(f)
	case ContactMoved:
		c.count(sumMoved, f.At)
	case InformationAgain:
		c.count(sumAgain, f.At)
	case ServiceUsed:
		c.used(f, p)
	case SurveyNPS, SurveyCSAT, SurveyCES:
		c.answers[f.What-SurveyNPS] = answer{true, f.At, f.Amount}
	case ComplaintFiled:
		c.count(sumComplaints, f.At)
	case ComplaintRaised:
		c.count(sumRaised, f.At)
		if f.Name == "mediator" || f.Name == "authority" || f.Name == "court" {
			c.count(sumLitigation, f.At)
		}
	case Uncivil:
		c.count(sumUncivil, f.At)
	case Broken:
		c.broke(f, p)
	}
}

// count adds one to a sum.
func (c *core) count(number uint8, at event.Instant) {
	own(c, theSums, &c.sums)
	i, found := slices.BinarySearchFunc(c.sums, number, func(s sum, n uint8) int { return int(s.number) - int(n) })
	if !found {
		c.sums = slices.Insert(c.sums, i, sum{number: number, at: at})
	}
	s := &c.sums[i]
	for d, days := range halvings {
		s.halved[d] = decayed(s.halved[d], at-s.at, days) + 1
	}
	s.at = at
}

// as is what is left of a sum as of a moment, to a few units of the last place. One power gives all three: what is left of a number
// that halves in so many days, of one that halves in common days. After whole days, which may be halvings to the bit, each has its own.
func (s *sum) as(at event.Instant) (left [len(halvings)]float64) {
	const common = 630 // 90 x 7, 21 x 30, 7 x 90
	left = s.halved
	age := at - s.at
	switch {
	case age <= 0:
		return left
	case int64(age)%dayMillis == 0:
		for d, days := range halvings {
			left[d] = decayed(left[d], age, days)
		}
		return left
	}
	once := math.Exp2(-float64(age) / float64(common*dayMillis))
	twice := once * once
	times6 := twice * twice * twice
	times7 := times6 * once
	times21 := times7 * times7 * times7
	times42 := times21 * times21
	left[0] *= times42 * times42 * times6
	left[1] *= times21
	left[2] *= times7
	return left
}

// of reads a sum as of a moment.
func (c *core) of(number uint8, d int, at event.Instant) float64 {
	for i := range c.sums {
		if s := &c.sums[i]; s.number == number {
			return decayed(s.halved[d], at-s.at, halvings[d])
		}
	}
	return 0
}

func (c *core) contactMade(f *Fact) {
	if c.inContact(f) {
		return
	}
	c.contract.answered()
	c.clear(RenewalDue, f.At, Returned)
	own(c, theContacts, &c.contacts)
	c.contacts = append(slices.DeleteFunc(c.contacts, func(s contactSeen) bool { return int64(f.At-s.first) > sameContact }), contactSeen{hashOf(f.ID), f.At})
	if !f.Flag {
		c.count(sumContacts, f.At)
	}
}

// inContact says whether an event is part of a contact that was counted.
func (c *core) inContact(f *Fact) bool {
	hash := hashOf(f.ID)
	return slices.ContainsFunc(c.contacts, func(s contactSeen) bool { return s.hash == hash && int64(f.At-s.first) <= sameContact })
}

// hashOf is FNV-1a: two contacts of one customer in a month hardly share it.
func hashOf(s string) uint32 {
	h := uint32(2166136261)
	for i := range len(s) {
		h = (h ^ uint32(s[i])) * 16777619
	}
	return h
}

// broke takes in a breakpoint.
func (c *core) broke(f *Fact, p *Parameters) {
	if slices.ContainsFunc(c.recent, func(e Evidence) bool { return e.ID == f.ID }) {
		return // said again under another date
	}
	if n, known := kindNumbers[f.Name]; known {
		c.count(n, f.At)
	}
	own(c, theRecent, &c.recent)
	c.recent = slices.DeleteFunc(c.recent, func(e Evidence) bool { return int64(f.At-e.At) > evidenceFor })
	if len(c.recent) == mostEvidence {
		c.recent = slices.Delete(c.recent, 0, 1)
	}
	c.recent = append(c.recent, Evidence{f.ID, f.At, f.Name, f.Family, f.Weight})
	c.experienced(f, p)
}

// used takes in a use of the service.
func (c *core) used(f *Fact, p *Parameters) {
	u, d := &c.use, dayOf(f.At)
	if u.count == 0 {
		u.first, u.last = d, d
		u.year[0] = 1
		u.begin(f, d)
		return
	}
	if d > u.last {
		c.clear(Silence, f.At, Returned)
		u.shift(int(d - u.last))
		u.last = d
		u.begin(f, d)
		u.foresee(p)
	}
	if !math.IsNaN(f.Amount) && d > u.first {
		u.spent += f.Amount
		if !u.spentToday {
			u.spends++
			u.spentToday = true
		}
	}
}

// begin notes another day with use.
func (u *use) begin(f *Fact, d day) {
	if u.count >= ringDays {
		copy(u.ring[:], u.ring[1:])
	}
	u.count++
	u.ring[u.ringed()-1] = d
	u.spentToday, u.silent, u.lastFact = false, journey.Never, ""
	if u.ringed() > leastGaps {
		u.lastFact = f.ID
	}
}

// ringed is how many days the ring holds.
func (u *use) ringed() int { return min(u.count, ringDays) }

// shift moves the year on by days, and marks the new last one.
func (u *use) shift(n int) {
	words, rest := n/64, n%64
	for i := yearWords - 1; i >= 0; i-- {
		var w uint64
		if i-words >= 0 {
			w = u.year[i-words] << rest
			if rest > 0 && i-words-1 >= 0 {
				w |= u.year[i-words-1] >> (64 - rest)
			}
		}
		u.year[i] = w
	}
	u.year[0] |= 1
	u.year[yearWords-1] &= 1<<(yearDays-64*(yearWords-1)) - 1
}

// within counts the days with use among the last n until a day, that one included; n is a year at most.
func (u *use) within(until day, n int) (days int) {
	if u.count == 0 {
		return 0
	}
	left := n - int(until-u.last) // bits that count
	for i := range u.year {
		switch {
		case left >= 64*(i+1):
			days += bits.OnesCount64(u.year[i])
		case left > 64*i:
			days += bits.OnesCount64(u.year[i] & (1<<(left-64*i) - 1))
		}
	}
	return days
}

// foresee says when the silence after the last use will be beyond what the gaps before explain.
func (u *use) foresee(p *Parameters) {
	n := u.ringed() - 1
	if n < p.Silence.Gaps {
		return
	}
	var gaps [mostGaps]float64
	sum := 0.0
	for i := range n {
		gaps[i] = p.elapsed(u.ring[i], u.ring[i+1])
		sum += gaps[i]
	}
	mean, squares := sum/float64(n), 0.0
	for _, g := range gaps[:n] {
		squares += float64((g - mean) * (g - mean))
	}
	u.limit = math.Round(mean*p.limits[shapeOf(mean, squares/float64(n-1))][n]*1e6) / 1e6
	if d, found := p.beyond(u.last, u.limit); found {
		u.silent = d.start()
	}
}

// shapeOf chooses the law of the gaps by their mean and variance.
func shapeOf(mean, variance float64) int {
	switch k := mean * mean; {
	case k >= regularFrom*variance:
		return 2
	case k >= evenFrom*variance:
		return 1
	}
	return 0
}

// From which ratio of squared mean to variance gaps are taken to be of shape 2 and 4. These lie above 2 and 4, since few gaps
// of pure chance look more regular than they are.
const (
	evenFrom    = 3.0
	regularFrom = 6.0
)

// first is what the contracts were worth together when they started; NaN where none says.
func (k *contract) first() float64 {
	sum, known := 0.0, false
	for _, v := range k.values {
		if !math.IsNaN(v.first) {
			sum, known = sum+v.first, true
		}
	}
	if !known {
		return math.NaN()
	}
	return sum
}
