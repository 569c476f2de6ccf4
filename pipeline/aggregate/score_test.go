package aggregate_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"parcours/pipeline"
	"parcours/pipeline/aggregate"
	"parcours/pipeline/alert"
	"parcours/pipeline/churn"
	"parcours/pipeline/event"
	"parcours/pipeline/ingest"
	"parcours/pipeline/nats"
)

// asOf is the last midnight that all clocks have passed when they stand at later.
var asOf = alert.DateOf(later).Start()

func quietWatch(alert.Counts, []alert.Alert, alert.Date, alert.Parameters) []alert.Closing {
	return nil
}

// customerNo is a pseudonym.
func customerNo(n int) string { return fmt.Sprintf("c%032x", n) }

// happened is an event of a customer.
func happened(n int, typ string, at event.Instant) *event.Event {
	e := &event.Event{ID: fmt.Sprint(typ, n, at), Source: "/test", Type: typ, At: at}
	e.Data.Customer = customerNo(n)
	return e
}

// contracts is a site whose log holds n customers with a contract, one of them captive, one who objected and one who left.
func contracts(t *testing.T, n int) *site {
	t.Helper()
	s := newSite(t, nats.ModeLog)
	s.now.Store(time.Now().UnixMilli())
	for i := range n {
		start := happened(i, event.ContractStarted, monday)
		margin := float64(100 + i)
		start.Data.AnnualMargin, start.Data.Captive = &margin, i == 1
		events := []*event.Event{start}
		switch i {
		case 2:
			objected := happened(i, event.CustomerObjected, monday.Add(time.Hour))
			objected.Data.To = "scoring"
			events = append(events, objected)
		case 3:
			events = append(events, happened(i, event.ContractCancelled, monday.Add(time.Hour)))
		}
		s.send(i%4, customerNo(i), events...)
	}
	s.tell(aggregate.Tick(pipeline.All, later))
	return s
}

// scored runs a loop until customers are scored as of a midnight, and stops it.
func (s *site) scored(d aggregate.Dependencies, at event.Instant) {
	s.t.Helper()
	_, stop, _ := s.startWith(d, func(c *aggregate.Config) { c.DailyLeast = 10 * time.Millisecond })
	s.waitScored(at)
	if err := stop(); err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) waitScored(at event.Instant) {
	s.t.Helper()
	eventually(s.t, "all customers scored", func() bool {
		return s.count(fmt.Sprintf("SELECT count() FROM cx.scored_days_v WHERE toUnixTimestamp64Milli(as_of) >= %d", int64(at))) == 1
	})
	s.settled()
}

// tellings are the messages of the log about customers, by their ids, and how many there are.
func (s *site) tellings() (list map[string]int, n int) {
	s.t.Helper()
	list = map[string]int{}
	head, err := s.bus.Head(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	reader, err := s.bus.Read(s.t.Context(), 1)
	if err != nil {
		s.t.Fatal(err)
	}
	defer reader.Close()
	for at := uint64(0); at < head; {
		messages, err := reader.Next(s.t.Context(), time.Second)
		if err != nil {
			s.t.Fatal(err)
		}
		for i := range messages {
			at = messages[i].Position
			if e, err := event.DecodeLog(messages[i].Body); err == nil && e.Type == event.ChurnScored {
				list[e.ID]++
				n++
			}
		}
	}
	return list, n
}

func (s *site) publish(m *churn.Model, from, clock event.Instant) {
	s.t.Helper()
	if _, err := aggregate.PublishModel(s.t.Context(), s.bus, m, from, clock, event.InstantOf(time.Now())); err != nil {
		s.t.Fatal(err)
	}
}

// gloomy is a model by which everybody is about to leave.
func gloomy() *churn.Model {
	m := churn.Prior(churn.AllFeatures())
	m.Prior = false
	for g := range m.Months {
		m.Months[g].Intercept += 4
	}
	return m.Versioned()
}

// TestScores: customers with a contract are scored once, as of the last midnight that all clocks have passed, by the model of that
// day; what was said and the signals it raised are kept, to the byte, by a fold of the log from its start and by a rebuild, though
// another model is in force by then.
func TestScores(t *testing.T) {
	s := contracts(t, 12)
	d := s.watching(quietWatch)
	s.scored(d, asOf)
	if _, n := s.tellings(); n != 10 {
		t.Errorf("%d were told", n)
	}
	if got := s.count("SELECT count() FROM cx.churn_scores_v WHERE prior AND as_of = toDateTime64(" + fmt.Sprint(int64(asOf)/1000) + ", 3, 'UTC')"); got != 10 {
		t.Errorf("%d prior scores", got)
	}
	if got := s.count("SELECT countIf(p365 IS NULL AND voice_risk IS NOT NULL AND captive) * 100 + countIf(p365 > 0 AND value_at_risk > 0) FROM cx.churn_scores_v"); got != 109 {
		t.Errorf("%d", got)
	}
	if got := s.count("SELECT scored * 100 + told FROM cx.scored_days_v"); got != 1010 {
		t.Errorf("scored and told: %d", got)
	}

	next := asOf.Add(24 * time.Hour)
	s.publish(gloomy(), next, later)
	s.tell(aggregate.Tick(pipeline.All, next.Add(time.Hour)))
	s.scored(d, next)
	if got := s.count("SELECT count() FROM cx.churn_scores_v WHERE NOT prior AND NOT captive AND model = (SELECT version FROM cx.models_v)"); got != 9 {
		t.Errorf("%d scores by the model", got)
	}
	if got := s.count("SELECT count() FROM cx.churn_signals_v WHERE kind = 'risk' AND cleared_at IS NULL"); got != 9 {
		t.Errorf("%d signals of risk", got)
	}
	_, told := s.tellings()
	s.verify()
	exact, net := s.checksum(false), s.checksum(true)
	if !strings.Contains(exact, "{churn_scores ") || !strings.Contains(exact, "{models 1 ") || strings.Contains(net, "churn_scores") || strings.Contains(net, "models") {
		t.Errorf("exact %s\nnet %s", exact, net)
	}

	s.loseTables()
	s.scored(d, next)
	if got := s.checksum(false); got != exact {
		t.Errorf("after a fold from the start\n%s\nbefore\n%s", got, exact)
	}
	before := s.current()
	_, stop, _ := s.startWith(d, nil)
	s.rebuilt(d, aggregate.RebuildOptions{})
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if got := s.checksum(false); got != exact || s.current() == before {
		t.Errorf("after a rebuild\n%s\nbefore\n%s", got, exact)
	}
	if _, now := s.tellings(); now != told {
		t.Errorf("%d were told before, %d after", told, now)
	}
}

// TestScoresEnd: of who leaves, and of who objects, a last message is told, and nothing is shown from the event on.
func TestScoresEnd(t *testing.T) {
	s := contracts(t, 8)
	d := s.watching(quietWatch)
	s.scored(d, asOf)
	next := asOf.Add(24 * time.Hour)
	objected := happened(5, event.CustomerObjected, later.Add(time.Hour))
	objected.Data.To = "scoring"
	s.send(5%4, customerNo(5), objected)
	s.send(6%4, customerNo(6), happened(6, event.ContractCancelled, later.Add(time.Hour)))
	s.tell(aggregate.Tick(pipeline.All, next.Add(time.Hour)))
	s.scored(d, next)
	for n, why := range map[int]string{5: "objected", 6: "no_contract"} {
		if got := s.count(fmt.Sprintf("SELECT count() FROM cx.churn_scores WHERE customer_id = '%s' AND ended = '%s' AND p365 IS NULL", customerNo(n), why)); got != 1 {
			t.Errorf("%d: %d", n, got)
		}
		if got := s.count(fmt.Sprintf("SELECT count() FROM cx.churn_scores_v WHERE customer_id = '%s'", customerNo(n))); got != 0 {
			t.Errorf("%d is shown", n)
		}
	}
	s.verify()
}

// TestObjectionInSomebodyElsesCase: ingest gives an objection to the customer who objects, whosever case it lies in, so that nobody
// scores them.
func TestObjectionInSomebodyElsesCase(t *testing.T) {
	s := newSite(t, nats.ModeLog)
	s.now.Store(time.Now().UnixMilli())
	homes := ingest.NewHomes()
	tell := func(n int, typ string, after time.Duration, d event.Data) {
		e := happened(n, typ, monday.Add(after))
		d.Customer = customerNo(n)
		e.Data = d
		e.Home = homes.Of(e)
		s.tell(pipeline.Entry{
			MsgID: event.MessageID(e.Source, e.ID), Partition: ingest.PartitionOf(e.Home, 4), Channel: "web", Family: event.SpecOf(typ).Family, Type: typ, Body: event.AppendLog(nil, e),
		})
	}
	for n := range 3 {
		tell(n, event.ContractStarted, 0, event.Data{})
	}
	tell(0, event.CaseOpened, time.Hour, event.Data{Case: "A", Reason: "billing.dispute"})
	tell(1, event.CustomerObjected, 2*time.Hour, event.Data{Case: "A", To: "scoring"})
	tell(2, event.ComplaintFiled, 2*time.Hour, event.Data{Case: "A"})
	s.tell(aggregate.Tick(pipeline.All, later))
	s.scored(s.watching(quietWatch), asOf)
	for n, scores := range []uint64{1, 0, 1} {
		if got := s.count(fmt.Sprintf("SELECT count() FROM cx.churn_scores WHERE customer_id = '%s'", customerNo(n))); got != scores {
			t.Errorf("customer %d has %d scores", n, got)
		}
	}
	s.verify()
}

// cutAppender lets so many messages about customers through, and then nothing until ctx ends.
type cutAppender struct {
	pipeline.Appender
	most    int
	reached chan struct{}
	cut     atomic.Bool
}

func (a *cutAppender) Append(ctx context.Context, entries []pipeline.Entry) []pipeline.Outcome {
	if len(entries) == 0 || entries[0].Type != event.ChurnScored {
		return a.Appender.Append(ctx, entries)
	}
	out := a.Appender.Append(ctx, entries[:a.most])
	if a.cut.CompareAndSwap(false, true) {
		close(a.reached)
	}
	<-ctx.Done()
	for range entries[a.most:] {
		out = append(out, pipeline.Outcome{Err: ctx.Err()})
	}
	return out
}

// TestScoringCutShort: what was told before stands, the next start tells of the others, and of nobody twice.
func TestScoringCutShort(t *testing.T) {
	s := contracts(t, 12)
	d := s.watching(quietWatch)
	cut := &cutAppender{Appender: d.Appender, most: 4, reached: make(chan struct{})}
	d.Appender = cut
	_, stop, _ := s.startWith(d, nil)
	<-cut.reached
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if _, n := s.tellings(); n != 4 {
		t.Errorf("%d were told before", n)
	}
	s.scored(s.watching(quietWatch), asOf)
	list, n := s.tellings()
	if len(list) != 10 || n != 10 {
		t.Errorf("%d messages about %d customers", n, len(list))
	}
	if got := s.count("SELECT count() * 10000 + (SELECT scored * 100 + told FROM cx.scored_days_v) FROM cx.churn_scores_v"); got != 101_010 {
		t.Errorf("shown, scored and told: %d", got)
	}
	s.verify()
}

// TestModelsRefused: one that scores what was scored, is too large, or does not read back.
func TestModelsRefused(t *testing.T) {
	changed := gloomy()
	changed.Rows++
	large := gloomy()
	large.Segments = nil
	for i := range 200_000 {
		large.Segments = append(large.Segments, fmt.Sprintf("segment-%09d", i))
	}
	for name, c := range map[string]struct {
		model *churn.Model
		from  event.Instant
		want  string
	}{
		"in the past": {gloomy(), later, "what was scored stays"},
		"too large":   {large.Versioned(), later + 1, "bytes; expected"},
		"another":     {changed, later + 1, "its content is that of"},
		"the prior":   {churn.Prior(churn.AllFeatures()), later + 1, "expected one that was trained"},
	} {
		if _, err := aggregate.PublishModel(t.Context(), nil, c.model, c.from, later, later); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
