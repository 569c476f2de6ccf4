package simulate

import (
	"fmt"
	"math/rand/v2"
	"time"

	"parcours/pipeline/event"
)

// story is one occasion being played: the events of one need, or of one visit. Its clock only goes forward; what is told
// of a moment beyond the end is lost.
type story struct {
	*Simulator
	rng  *rand.Rand
	ids  counters
	kind *NeedKind // nil where there is no need
	customer
	from event.Instant
	now  event.Instant
	need Need
	told []*Happened // as it was
	sent []sent      // as the systems say it
	cut  bool        // something happened beyond the end

	who   event.Identifiers // customer
	phone event.Identifiers // customer and phone number
	mail  event.Identifiers // customer and e-mail address
	memory
}

// memory is what the customer, and so the truth, remembers of a need.
type memory struct {
	order    string          // case of the order the need is about
	attempts []attempt       // at self-service that came to nothing
	before   *contact        // the last assisted contact that ended
	shown    *contact        // the last of those that the events show, with nobody back after it yet
	trail    []*contact      // contacts of one errand, sent from channel to channel
	bounced  bool            // has been sent to and fro
	desk     string          // the silo that the customer was put through to: who calls again calls there
	said     int             // times that everything had to be said again
	saidIn   string          // contact in which that was a failure
	reached  []event.Instant // when the company turned to the customer of itself
	invited  []event.Instant // when it asked the customer to come back
	bad      []word          // bad words said: detractors, complaints
	owing    int             // what is still owed, as far as events say: promises, cases, orders, complaints
	unread   bool            // a message is still unanswered
	failed   bool            // the last contact or attempt came to nothing, and the events say so
	asked    event.Instant   // when the customer last answered whether it was solved
	unsolved bool            // which it was not
	last     *contact        // the last contact begun
}

// word is a bad one of the customer's: in a survey, in a complaint, or to somebody's face.
type word struct {
	at      event.Instant
	detract bool // in a survey
	rude    bool // reported as rude, which is an outburst by itself
	channel event.Channel
}

// play tells what came of an occasion.
func (s *Simulator) play(o occasion, ids counters) *story {
	number := int(o.customer)
	st := &story{Simulator: s, rng: s.chance(number, int(o.ordinal)), ids: ids, from: o.at, now: o.at}
	if o.kind == outage {
		st.rng = s.chance(0, ofIncidents-int(o.ordinal))
		st.outage(&s.incidents[o.ordinal-1])
		return st
	}
	st.customer = s.customer(number)
	st.who, st.phone, st.mail = st.names()
	st.need = Need{Customer: st.id(), Segment: st.segment.Name, At: o.at}
	switch o.kind {
	case visit:
		st.browse()
	case contract:
		st.begin()
	case contractual:
		st.rng = s.chance(number, ofSteps+int(o.ordinal))
		st.change(&s.fate[number-1].steps[o.ordinal])
	case use:
		st.tell(app, event.ServiceUsed, event.Data{Identifiers: st.who, Product: st.product})
	default:
		st.kind = &s.parameters.Needs[o.kind]
		st.need.ID = fmt.Sprintf("n-%06d", ids.next("need"))
		st.need.Reason, st.need.Core = st.kind.Reason, st.kind.Core
		st.live()
		st.settle()
	}
	return st
}

// begin tells of the contract, which began before the first day.
func (st *story) begin() {
	d := event.Data{Identifiers: st.who, Product: st.product, Place: st.place, AnnualMargin: &st.margin, Captive: st.segment.Captive}
	st.tell(contracts, event.ContractStarted, d)
}

// fail notes what went wrong, unless it would be after the end.
func (st *story) fail(kind string, at event.Instant, cause string, by event.Data, hidden bool) {
	if at >= st.end {
		return
	}
	st.need.Failures = append(st.need.Failures, Failure{
		At: at, Kind: kind, Cause: cause, Silo: by.Silo, Unit: by.Unit, Channel: by.Channel,
		Hurts: kind != ProcessLoop && !st.by(st.segment.PForgiving), Hidden: hidden,
	})
}

// seem notes what only looks as if it had gone wrong.
func (st *story) seem(kind string, at event.Instant, cause string) {
	if at < st.end {
		st.need.Semblances = append(st.need.Semblances, Semblance{At: at, Kind: kind, Cause: cause})
	}
}

// fails says whether a unit fails the customer in some way: by chance, by its quality, and by what has shifted since.
func (st *story) fails(kind, unit string, p float64) bool {
	p *= st.quality(unit) * st.lures(kind)
	return st.by(min(p*st.shifted(kind, unit), mostLikely))
}

// shifted is how many times as likely a failure is as it was at first.
func (st *story) shifted(kind, unit string) float64 {
	factor := 1.
	for i := range st.parameters.Shifts {
		s := &st.parameters.Shifts[i]
		if s.Kind == kind && (s.Unit == "" || s.Unit == unit) && (s.Reason == "" || s.Reason == st.need.Reason) && st.now >= st.shifts(s) {
			factor *= s.Factor
		}
	}
	return factor
}

// mostLikely is how probable a failure can become: nobody always fails.
const mostLikely = 0.95

// shifts is the moment of a shift: the midnight with which its day begins.
func (s *Simulator) shifts(x *Shift) event.Instant { return s.hours.clock(s.date(x.Day), 0) }

func (st *story) quality(unit string) float64 {
	for i := range st.parameters.Silos {
		for j := range st.parameters.Silos[i].Units {
			if u := &st.parameters.Silos[i].Units[j]; u.Name == unit {
				return u.Quality
			}
		}
	}
	return 1
}

// by says yes with a probability.
func (st *story) by(p float64) bool { return st.rng.Float64() < p }

// span is a duration out of a range.
func (st *story) span(s Span) time.Duration { return spanOf(st.rng, s) }

// spanOf is a duration of whole seconds, the short ones more frequent: uniform below a uniform bound.
func spanOf(rng *rand.Rand, s Span) time.Duration {
	bound := rng.Int64N(int64((s.To-s.From)/time.Second) + 1)
	return s.From + time.Duration(rng.Int64N(bound+1))*time.Second
}

// pass lets time go by.
func (st *story) pass(d time.Duration) { st.now = st.now.Add(d) }

// work lets open time go by.
func (st *story) work(d time.Duration) { st.now = st.hours.after(st.now, d) }

// number names the next thing of a kind, like call-00000012.
func (st *story) number(kind string) string { return fmt.Sprintf("%s-%08d", kind, st.ids.next(kind)) }

// unit is one of a silo's, by their shares of its work.
func (st *story) unit(silo string) string {
	units := st.parameters.unitsOf(silo)
	if len(units) == 0 {
		return silo
	}
	return units[pick(st.rng, len(units), func(i int) float64 { return units[i].Share })].Name
}

// agent is somebody of a unit.
func (st *story) agent(unit string) string {
	return fmt.Sprintf("%s-agent-%d", unit, 1+st.rng.IntN(agentsOfUnit))
}

const agentsOfUnit = 8

// beside plays a scene that runs beside this one, and comes back to now. What it tells is no reason for the need to be open.
func (st *story) beside(scene func()) {
	now, cut := st.now, st.cut
	scene()
	st.now, st.cut = now, cut
}
