package aggregate_test

import (
	"fmt"
	"testing"
	"time"

	"parcours/pipeline"
	"parcours/pipeline/aggregate"
	"parcours/pipeline/event"
	"parcours/pipeline/nats"
)

const (
	crawlers = 100_000 // events of the bot, within a day
	people   = 200
)

// crawl is what a bot does in a part of its day: pages, and chats that it begins.
func crawl(from, to int) (list []*event.Event) {
	for i := from; i < to; i++ {
		e := &event.Event{ID: fmt.Sprint(i), Type: event.PageViewed, At: monday + event.Instant(int64(i)*(24*3600_000)/crawlers)}
		e.Data.Channel = event.Web
		if i%3 == 0 {
			e.Type, e.Data.Channel, e.Data.Contact = event.ContactStarted, event.Chat, fmt.Sprint("bot", i)
		}
		list = append(list, e)
	}
	return list
}

// visited is a site whose log holds a day and more of some people, and of a bot beside them if there is one.
func visited(t *testing.T, bot bool) *site {
	t.Helper()
	s := newSite(t, nats.ModeLog)
	const days = 5 // parts of a life
	for i := range days {
		for p := range people {
			s.send(p%4, fmt.Sprint("home", p), life(i, 1)...)
		}
		if bot {
			for part := range 10 {
				from := crawlers / 10 / days * (10*i + part)
				s.send(1, "bot", crawl(from, from+crawlers/10/days)...)
			}
		}
	}
	out := s.bus.Append(t.Context(), []pipeline.Entry{aggregate.Tick(pipeline.All, monday.Add(60*24*time.Hour))})
	if out[0].Err != nil {
		t.Fatal(out[0].Err)
	}
	return s
}

// others is the net digest of what the tables say of everybody but the bot.
func (s *site) others() (list []uint64) {
	for _, view := range []string{"journeys_v", "journey_steps_v", "breakpoints_v"} {
		except := "position"
		if view == "journeys_v" {
			except = "position, key_time"
		}
		from := fmt.Sprintf("FROM (SELECT * EXCEPT (%s) FROM cx.%s WHERE customer_id != 'bot')", except, view)
		list = append(list, s.count("SELECT count() "+from), s.count("SELECT sum(cityHash64(toString(tuple(*)))) "+from))
	}
	return list
}

// TestBot: one home with more events than any customer is quarantined: its events are kept and counted, it has no journeys,
// it is reported once, it costs no more than others, and nobody else's journeys change.
func TestBot(t *testing.T) {
	calm, busy := visited(t, false), visited(t, true)
	took := [2]time.Duration{}
	for i, s := range []*site{calm, busy} {
		began := time.Now()
		stop, _ := s.run(nil)
		s.settled()
		took[i] = time.Since(began)
		if err := stop(); err != nil {
			t.Fatal(err)
		}
	}
	const events = people * 5 * 3
	t.Logf("%d events in %s, %.0f/s; with the bot %d in %s, %.0f/s", events, took[0], events/took[0].Seconds(),
		events+crawlers, took[1], (events+crawlers)/took[1].Seconds())
	if each, others := took[1]/(events+crawlers), took[0]/events; each > 2*others { // a ratio: what a machine takes is its own
		t.Errorf("an event takes %s with the bot, and %s without it", each, others)
	}
	if got, want := fmt.Sprint(busy.others()), fmt.Sprint(calm.others()); got != want {
		t.Errorf("beside the bot, the others have %s; without it %s", got, want)
	}
	if r := busy.verify(); r.First != events+crawlers || r.SetAside != 0 || r.Copies != 0 {
		t.Errorf("%+v", r)
	}
	calm.verify()
	if n := busy.count("SELECT count() FROM cx.events_v WHERE customer_id = 'bot'"); n != crawlers {
		t.Errorf("%d events of the bot are kept", n)
	}
	for _, view := range []string{"journeys_v", "journey_steps_v", "visits_v", "breakpoints_v"} {
		if n := busy.count("SELECT count() FROM cx." + view + " WHERE customer_id = 'bot'"); n != 0 {
			t.Errorf("the bot has %d rows in %s", n, view)
		}
	}
	if rejected, err := busy.bus.RejectedCount(t.Context()); err != nil || rejected[event.ReasonExploded] != 1 || len(rejected) != 1 {
		t.Errorf("rejected: %v, %v", rejected, err)
	}
}
