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

// TestTruthCanBeSeen recounts each planted kind from the events of a company without noise, by the sentence of the
// catalogue and the calendar of the rules: what is planted must be there, and nothing else of that kind.
func TestTruthCanBeSeen(t *testing.T) {
	for seed := range uint64(5) {
		p := simulate.Default()
		p.Noise = simulate.NoiseSettings{}
		compareTruth(t, simulate.New(simulate.Config{Customers: 700, Days: 60, Seed: seed, Parameters: p}))
	}
}

func compareTruth(t *testing.T, s *simulate.Simulator) {
	planted := map[string]int{}
	for n := range s.Truth() {
		for _, x := range n.Planted {
			if !x.Hidden { // such as the return of a customer who was not even answered, so that nobody coded why
				planted[x.Kind]++
			}
		}
	}
	r := newRecount(slices.Collect(s.Events()), s.End())
	seen := map[string]int{
		simulate.RepeatContact:       r.repeats(),
		simulate.ChannelFailover:     r.failovers(),
		simulate.SiloHandoff:         r.handoffs(),
		simulate.LongWait:            r.longWaits(),
		simulate.RefusedContact:      r.types[event.ContactRefused],
		simulate.QueueAbandonment:    r.types[event.ContactAbandoned],
		simulate.FormAbandonment:     r.formsLeft(),
		simulate.SLABreach:           r.late(event.MessageReceived, r.day, event.MessageReplied) + r.late(event.CaseOpened, r.fiveDays, event.CaseResolved) + r.late(event.ComplaintFiled, r.tenOuvrables, event.ComplaintAcknowledged),
		simulate.BrokenPromise:       r.late(event.PromiseMade, due, event.PromiseKept),
		simulate.ReopenedCase:        r.types[event.CaseReopened],
		simulate.CoreFailure:         r.late(event.OrderPlaced, due, event.OrderDelivered),
		simulate.ComplaintEscalation: r.types[event.ComplaintEscalated],
		simulate.Detractor:           r.detractors(),
	}
	for _, kind := range simulate.Kinds {
		if seen[kind] != planted[kind] {
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

func (r *recount) day(e *event.Event) event.Instant {
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

// contacts gives each inbound assisted contact: its reason as coded, its beginning and its end.
func (r *recount) contacts() (began []event.Event, reason map[string]string, ended map[string]event.Instant) {
	reason, ended = map[string]string{}, map[string]event.Instant{}
	for _, e := range r.events {
		switch {
		case e.Data.Direction != event.In || !e.Data.Channel.Assisted():
			continue
		case e.Type == event.ContactStarted, e.Type == event.MessageReceived:
			began = append(began, e)
		case e.Type == event.ContactEnded:
			ended[e.Data.Contact] = e.At
		}
		if e.Data.Reason != "" {
			reason[e.Data.Contact] = e.Data.Reason
		}
	}
	return began, reason, ended
}

func customer(e *event.Event) string { return e.Data.Identifiers.Get("customer") }

// repeats counts contacts of a customer within 7 days of the end of an earlier one which was about the same.
func (r *recount) repeats() (n int) {
	began, reason, ended := r.contacts()
	last := map[string]event.Instant{} // end of the last contact of a customer about something
	for _, e := range began {
		about := reason[e.Data.Contact]
		mine := customer(&e) + " " + about
		if at, ok := last[mine]; ok && about != "" && e.At.Sub(at) < 7*24*time.Hour {
			n++
		}
		if at, over := ended[e.Data.Contact]; over {
			last[mine] = at
		}
	}
	return n
}

// failovers counts attempts followed within a day by a contact about the same; a contact of which nobody said what it was
// about is taken for the one that followed the customer's last attempt, and not counted.
func (r *recount) failovers() (n int) {
	_, reason, _ := r.contacts()
	attempt := map[string]event.Instant{} // by customer and reason
	last := map[string]string{}           // by customer: the reason of the last attempt
	for _, e := range r.events {
		who := customer(&e)
		switch {
		case e.Type == event.FormFailed || e.Type == event.BotHandedOver:
			last[who], attempt[who+e.Data.Reason] = e.Data.Reason, e.At
		case e.Data.Direction == event.In && (e.Type == event.ContactStarted || e.Type == event.MessageReceived):
			about := reason[e.Data.Contact]
			if at, tried := attempt[who+about]; tried && about != "" && e.At.Sub(at) < 24*time.Hour {
				n++
			}
			delete(attempt, who+cmp.Or(about, last[who]))
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

func (r *recount) left(form event.Event, after []event.Event) bool {
	for _, e := range after {
		if customer(&e) == customer(&form) && e.Data.Form == form.Data.Form {
			return e.Type != event.FormSubmitted
		}
	}
	return true
}

func (r *recount) detractors() (n int) {
	for _, e := range r.events {
		d := &e.Data
		if e.Type == event.SurveyAnswered && (*d.NPS <= 6 || *d.CSAT <= 2 || *d.CES <= 3) {
			n++
		}
	}
	return n
}
