package simulate_test

import (
	"cmp"
	"slices"
	"testing"
	"time"

	"parcours/pipeline/event"
	"parcours/pipeline/rules"
	"parcours/pipeline/simulate"
)

// TestTruthCanBeSeen recounts what is planted from the events of a company without noise, without semblances and whose
// systems say everything, by the sentence of the catalogue and the calendar of the rules: what is planted must be there, and
// nothing else of that kind. What two needs of one customer make together by chance is not planted: hence the few by which
// the kinds that look at all of a customer's contacts may differ. unresolved_end is what journeys make of a need, and
// channel_ping_pong of several contacts: they are compared where journeys are.
func TestTruthCanBeSeen(t *testing.T) {
	for seed := range uint64(5) {
		p := simulate.Default()
		p.Noise, p.Semblances, p.Systems = simulate.NoiseSettings{}, simulate.Semblances{}, nil
		p.Promises.PUntold = 0
		compareTruth(t, simulate.New(simulate.Config{Customers: 700, Days: 60, Seed: seed, Parameters: p}))
	}
}

func compareTruth(t *testing.T, s *simulate.Simulator) {
	planted := map[string]int{}
	for n := range s.Truth() {
		for _, x := range n.Failures {
			if !x.Hidden { // such as the return of a customer who was not even answered, so that nobody coded why
				planted[x.Kind]++
			}
		}
	}
	r := newRecount(slices.Collect(s.Events()), s.End())
	seen := map[string]int{
		simulate.RepeatContact:    r.repeats(),
		simulate.ChannelFailover:  r.failovers(),
		simulate.SiloHandoff:      r.handoffs(),
		simulate.LongWait:         r.longWaits(),
		simulate.RefusedContact:   r.types[event.ContactRefused],
		simulate.QueueAbandonment: r.types[event.ContactAbandoned],
		simulate.FormAbandonment:  r.formsLeft(),
		simulate.SLABreach: r.late(event.MessageReceived, r.replyDue, event.MessageReplied) + r.late(event.CaseOpened, r.fiveDays, event.CaseResolved) + r.late(event.ComplaintFiled, r.tenOuvrables, event.ComplaintAcknowledged) +
			r.late(event.ComplaintFiled, r.answerDue, event.ComplaintAnswered),
		simulate.BrokenPromise:       r.late(event.PromiseMade, due, event.PromiseKept),
		simulate.ReopenedCase:        r.types[event.CaseReopened],
		simulate.CoreFailure:         r.late(event.OrderPlaced, due, event.OrderDelivered) + r.ours(event.PaymentFailed) + r.ours(event.AppointmentMissed),
		simulate.ComplaintEscalation: r.types[event.ComplaintEscalated] + r.complainedAgain(),
		simulate.Detractor:           len(r.detractors()),
		simulate.UnansweredDetractor: r.silences(),
		simulate.StalledCase:         r.stalls(),
		simulate.ProcessLoop:         r.loops(),
		simulate.RepeatedInformation: r.saidAgain(),
		simulate.Tension:             r.outbursts(),
	}
	for _, kind := range simulate.Kinds {
		if kind == simulate.UnresolvedEnd || kind == simulate.ChannelPingPong {
			continue
		}
		apart := seen[kind] - planted[kind]
		if chance := planted[kind] / 50; apart < -1-chance || apart > 1+chance {
			t.Errorf("%s: planted %d, seen %d", kind, planted[kind], seen[kind])
		}
	}
	t.Logf("seen %v", seen)
}

// recount looks at events alone.
type recount struct {
	events   []event.Event // in order of time
	types    map[string]int
	calendar *rules.Calendar
	end      event.Instant
}

func newRecount(events []event.Event, end event.Instant) *recount {
	slices.SortFunc(events, func(a, b event.Event) int {
		if a.Before(&b) {
			return -1
		}
		return 1
	})
	r := &recount{events: events, types: map[string]int{}, calendar: rules.Default().Calendar(), end: end}
	for _, e := range events {
		r.types[e.Type]++
	}
	return r
}

func due(e *event.Event) event.Instant { return e.Data.Due }

func (r *recount) replyDue(e *event.Event) event.Instant {
	if e.Data.Channel == event.Messaging {
		return r.calendar.Due(e.At, rules.OpenTime{Time: time.Hour})
	}
	return r.calendar.Due(e.At, rules.OpenTime{Days: 1})
}

func (r *recount) fiveDays(e *event.Event) event.Instant {
	return r.calendar.Due(e.At, rules.OpenTime{Days: 5})
}

func (r *recount) tenOuvrables(e *event.Event) event.Instant {
	return r.calendar.EndOfJourOuvrable(e.At, 10)
}

// thing names what a clock runs for.
func thing(e *event.Event) string {
	d := &e.Data
	switch {
	case d.Promise != "":
		return d.Promise
	case e.Type == event.MessageReceived, e.Type == event.MessageReplied:
		return d.Contact
	}
	return d.Case
}

// late counts the clocks whose answer came after they were due, or not before the end.
func (r *recount) late(starts string, due func(*event.Event) event.Instant, stops string) (n int) {
	stopped := map[string]event.Instant{}
	for _, e := range r.events {
		if _, again := stopped[thing(&e)]; e.Type == stops && !again {
			stopped[thing(&e)] = e.At
		}
	}
	for _, e := range r.events {
		if e.Type != starts {
			continue
		}
		at, ok := stopped[thing(&e)]
		if d := due(&e); d < r.end && (!ok || at > d) {
			n++
		}
	}
	return n
}

// answerDue is when a complaint must be answered.
func (r *recount) answerDue(e *event.Event) event.Instant {
	if e.Data.Regime == "payment" {
		return r.calendar.EndOfJourOuvrable(e.At, 15)
	}
	return r.calendar.EndOfMonths(e.At, 2)
}

// contacts gives each inbound contact with a person or the bot: its reason as coded, its beginning and its end.
func (r *recount) contacts() (began []event.Event, reason map[string]string, ended map[string]event.Instant) {
	reason, ended = map[string]string{}, map[string]event.Instant{}
	for _, e := range r.events {
		if e.Data.Direction != event.In {
			continue
		}
		switch e.Type {
		case event.ContactStarted, event.MessageReceived:
			began = append(began, e)
		case event.BotAnswered, event.BotHandedOver:
			if _, again := ended[e.Data.Contact]; !again {
				began = append(began, e)
			}
			ended[e.Data.Contact] = e.At
		case event.ContactEnded, event.ContactRefused, event.ContactAbandoned, event.MessageReplied:
			ended[e.Data.Contact] = e.At
		}
		if e.Data.Reason != "" {
			reason[e.Data.Contact] = e.Data.Reason
		}
	}
	return began, reason, ended
}

func customer(e *event.Event) string { return e.Data.Identifiers.Get("customer") }

// repeats counts contacts of a customer within 7 days of the end of an earlier one which was about the same, unless the
// company had written in between.
func (r *recount) repeats() (n int) {
	began, reason, ended := r.contacts()
	for i, e := range began {
		end, over := ended[e.Data.Contact]
		about := reason[e.Data.Contact]
		if !over || about == "" {
			continue
		}
		for _, later := range began[i+1:] {
			if customer(&later) != customer(&e) || reason[later.Data.Contact] != about || later.At < end {
				continue
			}
			if later.At.Sub(end) < 7*24*time.Hour && !r.told(&e, end, later.At, event.OutreachSent) {
				n++
			}
			break
		}
	}
	return n
}

// told says whether the customer of an event heard of the company in between, by an event of a type.
func (r *recount) told(of *event.Event, from, to event.Instant, types ...string) bool {
	return slices.ContainsFunc(r.events, func(e event.Event) bool {
		began := e.Type != event.ContactStarted || e.Data.Direction != event.In
		return slices.Contains(types, e.Type) && began && customer(&e) == customer(of) && from < e.At && e.At <= to
	})
}

// failovers counts attempts followed within a day by a contact with a person about the same.
func (r *recount) failovers() (n int) {
	began, reason, _ := r.contacts()
	last := map[string]event.Event{} // the last step of each attempt
	var order []string
	for _, e := range r.events {
		key := e.Source + e.ID
		switch e.Type {
		case event.FormStarted, event.FormFailed, event.FormSubmitted:
			key = customer(&e) + e.Data.Form
		case event.BotAnswered:
			key = e.Data.Contact
		case event.SearchPerformed, event.TransactionCompleted:
		default:
			continue
		}
		if _, again := last[key]; !again {
			order = append(order, key)
		}
		last[key] = e
	}
	for _, key := range order {
		a := last[key]
		family := event.ReasonFamily(a.Data.Reason)
		if family != "" && slices.ContainsFunc(began, func(e event.Event) bool {
			return e.Data.Channel != event.Bot && customer(&e) == customer(&a) && event.ReasonFamily(reason[e.Data.Contact]) == family && a.At < e.At && e.At.Sub(a.At) <= 24*time.Hour
		}) {
			n++
		}
	}
	return n
}

// ours counts events that say the company did it.
func (r *recount) ours(typ string) (n int) {
	for _, e := range r.events {
		if e.Type == typ && e.Data.By == "company" {
			n++
		}
	}
	return n
}

// complainedAgain counts complaints filed again after their answer.
func (r *recount) complainedAgain() (n int) {
	answered := map[string]bool{}
	for _, e := range r.events {
		switch {
		case e.Type == event.ComplaintAnswered:
			answered[e.Data.Case] = true
		case e.Type == event.ComplaintFiled && answered[e.Data.Case]:
			n++
		}
	}
	return n
}

// silences counts detractors of whom the company took no notice in 72 hours.
func (r *recount) silences() (n int) {
	for _, e := range r.detractors() {
		until := e.At.Add(72 * time.Hour)
		if until < r.end && !r.told(&e, e.At, until, event.OutreachSent, event.MessageReplied, event.ContactStarted) {
			n++
		}
	}
	return n
}

// stalls counts the times that a resolved case was taken up again and then lay for more than five working days.
func (r *recount) stalls() (n int) {
	steps := map[string][]event.Event{}
	var cases []string
	for _, e := range r.events {
		if family := event.SpecOf(e.Type).Family; e.Data.Case != "" && (family == "case" || family == "work") {
			if steps[e.Data.Case] == nil {
				cases = append(cases, e.Data.Case)
			}
			steps[e.Data.Case] = append(steps[e.Data.Case], e)
		}
	}
	for _, id := range cases {
		list := steps[id]
		for i, e := range list {
			next := r.end
			if i+1 < len(list) {
				next = list[i+1].At
			}
			resolved := slices.ContainsFunc(list[:i], func(x event.Event) bool { return x.Type == event.CaseResolved })
			if due := r.fiveDays(&e); resolved && e.Type == event.StepPerformed && next > due && due < r.end {
				n++
			}
		}
	}
	return n
}

// loops counts cases in which a step came three times.
func (r *recount) loops() (n int) {
	times := map[string]int{}
	for _, e := range r.events {
		if e.Type == event.StepPerformed {
			key := e.Data.Case + e.Data.Activity
			if times[key]++; times[key] == 3 {
				n++
			}
		}
	}
	return n
}

// saidAgain counts contacts in which a customer had to say everything again who had done so before, about the same matter.
func (r *recount) saidAgain() (n int) {
	_, reason, _ := r.contacts()
	type matter struct {
		last  event.Instant
		times int
		in    string
	}
	matters := map[string]*matter{}
	for _, e := range r.events {
		if e.Type != event.InformationRepeated {
			continue
		}
		key := customer(&e) + reason[e.Data.Contact]
		m := matters[key]
		if m == nil || e.At.Sub(m.last) > 18*24*time.Hour {
			m = &matter{}
			matters[key] = m
		}
		m.last = e.At
		if m.times++; m.times >= 2 && m.in != e.Data.Contact {
			m.in = e.Data.Contact
			n++
		}
	}
	return n
}

// outbursts counts reports of rudeness, and bad words within a day of another, each for one pair.
func (r *recount) outbursts() (n int) {
	bad := r.detractors()
	for _, e := range r.events {
		switch e.Type {
		case event.IncivilityReported, event.ComplaintFiled, event.ComplaintEscalated:
			bad = append(bad, e)
		}
	}
	slices.SortFunc(bad, func(a, b event.Event) int {
		return cmp.Or(cmp.Compare(customer(&a), customer(&b)), cmp.Compare(a.At, b.At))
	})
	paired := false
	for i, e := range bad {
		near := i > 0 && !paired && customer(&bad[i-1]) == customer(&e) && e.At.Sub(bad[i-1].At) <= 24*time.Hour
		paired = near && e.Type != event.IncivilityReported
		if paired || e.Type == event.IncivilityReported {
			n++
		}
	}
	return n
}

// handoffs counts contacts moved more than twice, or back.
func (r *recount) handoffs() (n int) {
	path := map[string][]string{}
	for _, e := range r.events {
		if e.Type == event.ContactTransferred {
			if path[e.Data.Contact] == nil {
				path[e.Data.Contact] = []string{e.Data.Silo}
			}
			path[e.Data.Contact] = append(path[e.Data.Contact], e.Data.ToSilo)
		}
	}
	for _, silos := range path {
		last := len(silos) - 1
		if last > 2 || slices.Contains(silos[:last], silos[last]) {
			n++
		}
	}
	return n
}

func (r *recount) longWaits() (n int) {
	limit := map[event.Channel]float64{event.Phone: 180, event.Chat: 120, event.Store: 900}
	for _, e := range r.events {
		if e.Type == event.ContactAnswered && e.Data.WaitS != nil && *e.Data.WaitS > limit[e.Data.Channel] {
			n++
		}
	}
	return n
}

func (r *recount) formsLeft() (n int) {
	for i, e := range r.events {
		if e.Type == event.FormStarted && e.At.Add(24*time.Hour) < r.end && r.left(e, r.events[i+1:]) {
			n++
		}
	}
	return n
}

// left says whether a form was neither sent nor begun again within a day.
func (r *recount) left(form event.Event, after []event.Event) bool {
	return !slices.ContainsFunc(after, func(e event.Event) bool {
		return customer(&e) == customer(&form) && e.Data.Form == form.Data.Form && e.At.Sub(form.At) <= 24*time.Hour &&
			(e.Type == event.FormSubmitted || e.Type == event.FormStarted)
	})
}

func (r *recount) detractors() (list []event.Event) {
	for _, e := range r.events {
		d := &e.Data
		if e.Type == event.SurveyAnswered && (*d.NPS <= 6 || *d.CSAT <= 2 || *d.CES <= 3) {
			list = append(list, e)
		}
	}
	return list
}
