package aggregate_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"parcours/pipeline"
	"parcours/pipeline/aggregate"
	"parcours/pipeline/alert"
	"parcours/pipeline/event"
	"parcours/pipeline/nats"
)

// dawn is the first day of the lives that tests send, lastClosed the last one that is closed when their clocks stand ten
// days later.
var (
	dawn       = alert.DateOf(monday)
	lastClosed = dawn + 6
	later      = monday.Add(10 * 24 * time.Hour)
)

// script is a Watch that closes every day, raises an alert on the third and clears it on the sixth.
func script(name string) aggregate.Watch {
	return func(_ alert.Counts, open []alert.Alert, from alert.Date, _ alert.Parameters) (list []alert.Closing) {
		last := lastClosed
		for day := from; day <= last; day++ {
			c := alert.Closing{Day: day, Series: 7, Watched: 3}
			switch day {
			case dawn + 2:
				a := alert.Alert{ID: strings.Repeat("0a", 16), Key: alert.Key{Kind: "repeat_contact", ReasonFamily: "billing", Unit: name}}
				a.RaisedOn, a.Since, a.Observed, a.Expected, a.Factor, a.Low, a.High, a.Where = day, day-1, 9, 3, 3, 1.5, 6, a.Key
				c.Raised, open = []alert.Alert{a}, append(open, a)
			case dawn + 5:
				for _, a := range open {
					c.Cleared = append(c.Cleared, alert.Cleared{ID: a.ID, Why: "usual_again"})
				}
			}
			list = append(list, c)
		}
		return list
	}
}

// watching are dependencies that look at closed days.
func (s *site) watching(w aggregate.Watch) aggregate.Dependencies {
	d := s.deps()
	d.Analyst, d.Watch = s.store, w
	return d
}

// years is a site whose log holds some lives, and after them the time.
func years(t *testing.T) *site {
	t.Helper()
	s := newSite(t, nats.ModeLog)
	s.now.Store(time.Now().UnixMilli())
	for p := range 4 {
		s.send(p, fmt.Sprint("home", p), life(0, 10)...)
	}
	s.tell(aggregate.Tick(pipeline.All, later))
	return s
}

func (s *site) tell(e pipeline.Entry) uint64 {
	s.t.Helper()
	out := s.bus.Append(s.t.Context(), []pipeline.Entry{e})
	if out[0].Err != nil {
		s.t.Fatal(out[0].Err)
	}
	return out[0].Position
}

// closed runs a loop until all days are closed, and stops it.
func (s *site) closed(d aggregate.Dependencies) {
	s.t.Helper()
	_, stop, _ := s.startWith(d, nil)
	s.waitClosed()
	if err := stop(); err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) waitClosed() {
	s.t.Helper()
	eventually(s.t, "all days closed", func() bool {
		return s.count(fmt.Sprintf("SELECT count() FROM cx.closed_days_v WHERE day = '%s'", lastClosed)) == 1
	})
	s.settled()
}

// days are those that the log says are closed, as often as it says so.
func (s *site) days() (list []string) {
	s.t.Helper()
	messages, err := s.bus.Broadcasts(s.t.Context(), event.DayClosed)
	if err != nil {
		s.t.Fatal(err)
	}
	for i := range messages {
		e, err := event.DecodeLog(messages[i].Body)
		if err != nil {
			s.t.Fatal(err)
		}
		list = append(list, strings.TrimPrefix(e.ID, "day."))
	}
	return list
}

// week is dawn to lastClosed.
func week() (list []string) {
	for day := dawn; day <= lastClosed; day++ {
		list = append(list, day.String())
	}
	return list
}

// alerts is what the view shows of them.
func (s *site) alerts() string {
	s.t.Helper()
	rows, err := s.store.Conn().Query(s.t.Context(), "SELECT concat(kind, ' ', reason_family, ' ', unit, ' ', toString(raised_on), ' ', "+
		"ifNull(toString(cleared_on), '-'), ' ', cleared_why) FROM cx.alerts_v ORDER BY raised_on")
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	var lines []string
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			s.t.Fatal(err)
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "; ")
}

// heard are the messages about alerts in JOURNEYS.
func (s *site) heard() (list []string) {
	s.t.Helper()
	s.eachTold(func(m *pipeline.Message) {
		if strings.HasPrefix(m.Type, "alert.") {
			list = append(list, fmt.Sprint(m.Partition, " ", m.Type))
		}
	})
	return list
}

var (
	asAlpha   = fmt.Sprintf("repeat_contact billing alpha %s %s usual_again", dawn+2, dawn+5)
	heardOnce = []string{"0 alert.raised.repeat_contact.billing", "0 alert.cleared.repeat_contact.billing"}
)

// TestDaysAreClosed: when all partitions have closed a day, what its rates say is told to the log, once, and is known from
// there: in the tables, to who follows JOURNEYS, to a fold of the same log from its start, and to a rebuild, though whoever
// watches would say something else by then.
func TestDaysAreClosed(t *testing.T) {
	s := years(t)
	var asked alert.Counts
	s.closed(s.watching(func(c alert.Counts, open []alert.Alert, from alert.Date, p alert.Parameters) []alert.Closing {
		asked = c
		if from != dawn || len(open) != 0 {
			t.Errorf("from %s with %+v", from, open)
		}
		return script("alpha")(c, open, from, p)
	}))
	if asked.First != dawn || asked.Last != lastClosed {
		t.Errorf("counted %s to %s", asked.First, asked.Last)
	}
	var opportunities, detected uint64
	for _, c := range asked.Cells {
		if c.Kind == "repeat_contact" {
			opportunities, detected = opportunities+c.Opportunities, detected+c.Detected
		}
	}
	if opportunities != 40 || detected == 0 || detected != s.count("SELECT count() FROM cx.breakpoints_v WHERE kind = 'repeat_contact'") {
		t.Errorf("%d opportunities and %d breakpoints were counted", opportunities, detected)
	}
	if got := s.days(); !slices.Equal(got, week()) {
		t.Errorf("closed %v", got)
	}
	if got := s.alerts(); got != asAlpha {
		t.Error(got)
	}
	if got := s.heard(); !slices.Equal(got, heardOnce) {
		t.Errorf("heard %v", got)
	}
	s.verify()
	exact, net := s.checksum(false), s.checksum(true)
	if !strings.Contains(exact, "{alerts 1 ") || !strings.Contains(exact, "{closed_days 7 ") || strings.Contains(net, "alerts") || strings.Contains(net, "closed_days") {
		t.Errorf("exact %s\nnet %s", exact, net)
	}

	other := s.watching(script("another"))
	s.loseTables()
	s.closed(other)
	if got := s.checksum(false); got != exact {
		t.Errorf("after a fold from the start\n%s\nbefore\n%s", got, exact)
	}
	before := s.current()
	_, stop, _ := s.startWith(other, nil)
	s.rebuilt(other, aggregate.RebuildOptions{})
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if s.current() == before {
		t.Error("there is no other generation")
	}
	if got := s.checksum(false); got != exact {
		t.Errorf("after a rebuild\n%s\nbefore\n%s", got, exact)
	}
	if got := s.heard(); !slices.Equal(got, heardOnce) {
		t.Errorf("after a rebuild heard %v", got)
	}
	if got := s.days(); len(got) != 7 {
		t.Errorf("after a rebuild closed %v", got)
	}
}

// TestVerifyFindsAnAlert that is gone from the tables, and a day.
func TestVerifyFindsAnAlert(t *testing.T) {
	s := years(t)
	s.closed(s.watching(script("alpha")))
	for table, key := range map[string]string{"alerts": fmt.Sprint(dawn+2, " ", strings.Repeat("0a", 16)), "closed_days": fmt.Sprint(dawn + 4)} {
		where := map[string]string{"alerts": "1", "closed_days": fmt.Sprintf("day = '%s'", dawn+4)}[table]
		if err := s.store.Conn().Exec(t.Context(), "ALTER TABLE cx."+table+" DELETE WHERE "+where+" SETTINGS mutations_sync = 2"); err != nil {
			t.Fatal(err)
		}
		r, err := aggregate.Verify(t.Context(), aggregate.Default(), s.deps(), aggregate.VerifyOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(r.Problems); !strings.Contains(got, table) || !strings.Contains(got, key) {
			t.Errorf("%s: %s", table, got)
		}
	}
}

// stoppingAppender stores so many closed days, and then nothing until ctx ends: as if the process were killed there.
type stoppingAppender struct {
	pipeline.Appender
	left    atomic.Int64
	reached chan struct{}
}

func (a *stoppingAppender) Append(ctx context.Context, entries []pipeline.Entry) []pipeline.Outcome {
	if entries[0].Type != event.DayClosed || a.left.Add(-int64(len(entries))) >= 0 {
		return a.Appender.Append(ctx, entries)
	}
	fit := max(0, a.left.Load()+int64(len(entries)))
	out := append(a.Appender.Append(ctx, entries[:fit]), make([]pipeline.Outcome, int64(len(entries))-fit)...)
	close(a.reached)
	<-ctx.Done()
	for i := fit; i < int64(len(out)); i++ {
		out[i].Err = ctx.Err()
	}
	return out
}

// TestKilledWhileTelling: whoever comes after one that was killed between computing and telling goes on behind what was told.
func TestKilledWhileTelling(t *testing.T) {
	for _, told := range []int64{0, 1, 3} {
		s := years(t)
		d := s.watching(script("alpha"))
		stopping := &stoppingAppender{Appender: d.Appender, reached: make(chan struct{})}
		stopping.left.Store(told)
		d.Appender = stopping
		_, stop, _ := s.startWith(d, nil)
		<-stopping.reached
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		if got := s.days(); len(got) != int(told) {
			t.Errorf("%v were told before", got)
		}
		s.closed(s.watching(script("beta")))
		if got := s.days(); !slices.Equal(got, week()) {
			t.Errorf("closed %v", got)
		}
		if got, want := s.alerts(), map[bool]string{false: strings.Replace(asAlpha, "alpha", "beta", 1), true: asAlpha}[told == 3]; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if got := s.heard(); !slices.Equal(got, heardOnce) {
			t.Errorf("heard %v", got)
		}
		s.verify()
	}
}

// sizesAppender notes how many closed days are told at once.
type sizesAppender struct {
	pipeline.Appender
	sizes []int
}

func (a *sizesAppender) Append(ctx context.Context, entries []pipeline.Entry) []pipeline.Outcome {
	if entries[0].Type == event.DayClosed {
		a.sizes = append(a.sizes, len(entries))
	}
	return a.Appender.Append(ctx, entries)
}

// TestQuietDaysAreToldTogether: one that raises or clears something is stored after all before it, and before all behind it.
func TestQuietDaysAreToldTogether(t *testing.T) {
	s := years(t)
	d := s.watching(script("alpha"))
	noting := &sizesAppender{Appender: d.Appender}
	d.Appender = noting
	s.closed(d)
	if want := []int{2, 1, 2, 1, 1}; !slices.Equal(noting.sizes, want) {
		t.Errorf("told %v at once, expected %v", noting.sizes, want)
	}
	if got := s.days(); !slices.Equal(got, week()) {
		t.Errorf("closed %v", got)
	}
}

// TestIdleClosesAtOnce: where nothing is under way, days need not wait for those before them to be long closed.
func TestIdleClosesAtOnce(t *testing.T) {
	s := years(t)
	_, stop, _ := s.startWith(s.watching(script("alpha")), func(c *aggregate.Config) { c.DailyLeast = time.Hour })
	s.waitClosed()
	s.tell(aggregate.Tick(pipeline.All, later.Add(24*time.Hour)))
	eventually(t, "the day behind them closed", func() bool {
		return s.count(fmt.Sprintf("SELECT count() FROM cx.closed_days_v WHERE day = '%s'", lastClosed+1)) == 1
	})
	if err := stop(); err != nil {
		t.Fatal(err)
	}
}

// TestTwoCloseTheSameDays: of two owners that close the same days the first one's words stand, whatever the other says.
func TestTwoCloseTheSameDays(t *testing.T) {
	s := years(t)
	quiet := func(series int) aggregate.Watch {
		return func(_ alert.Counts, _ []alert.Alert, from alert.Date, _ alert.Parameters) (list []alert.Closing) {
			for day := from; day <= lastClosed; day++ {
				list = append(list, alert.Closing{Day: day, Series: series, Watched: 1})
			}
			return list
		}
	}
	come, leave := make(chan struct{}), make(chan struct{})
	slow := s.watching(func(c alert.Counts, open []alert.Alert, from alert.Date, p alert.Parameters) []alert.Closing {
		close(come)
		<-leave
		return quiet(2)(c, open, from, p)
	})
	_, stopSlow, _ := s.startWith(slow, nil)
	<-come
	quick, bus := s.watching(quiet(1)), s.newBus()
	quick.Appender, quick.Teller, quick.Checkpoints = bus, bus, bus
	_, stop, _ := s.startWith(quick, nil)
	s.waitClosed()
	time.Sleep(150 * time.Millisecond) // the log drops no copies any more
	close(leave)
	eventually(t, "both have told", func() bool { return len(s.days()) == 14 })
	s.settled()
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if err := stopSlow(); err != nil && !errors.Is(err, pipeline.ErrFenced) {
		t.Fatal(err)
	}
	if got := s.count("SELECT countIf(series = 1) * 100 + count() FROM cx.closed_days_v"); got != 707 {
		t.Errorf("%d", got)
	}
	s.verify()
}

// TestYearsOfNothing are not told day by day: what stands in front of the first day that was watched is left out, but for
// the last day.
func TestYearsOfNothing(t *testing.T) {
	for name, c := range map[string]struct {
		watch aggregate.Watch
		want  []string
	}{
		"never watched": {func(_ alert.Counts, _ []alert.Alert, from alert.Date, _ alert.Parameters) (list []alert.Closing) {
			for day := from; day <= lastClosed; day++ {
				list = append(list, alert.Closing{Day: day, Series: 3})
			}
			return list
		}, week()[6:]},
		"nothing said": {func(alert.Counts, []alert.Alert, alert.Date, alert.Parameters) []alert.Closing { return nil }, week()[6:]},
		"watched late": {func(_ alert.Counts, _ []alert.Alert, from alert.Date, _ alert.Parameters) (list []alert.Closing) {
			for day := from; day <= lastClosed; day++ {
				list = append(list, alert.Closing{Day: day, Watched: max(0, int(day-dawn)-3)})
			}
			return list
		}, week()[4:]},
	} {
		s := years(t)
		s.closed(s.watching(c.watch))
		if got := s.days(); !slices.Equal(got, c.want) {
			t.Errorf("%s: closed %v, want %v", name, got, c.want)
		}
	}
}

// failingAnalyst fails so often.
type failingAnalyst struct {
	pipeline.Analyst
	fail atomic.Int64
}

func (a *failingAnalyst) Counts(ctx context.Context, first, last alert.Date) (alert.Counts, error) {
	if a.fail.Add(-1) >= 0 {
		return alert.Counts{}, errors.New("not now")
	}
	return a.Analyst.Counts(ctx, first, last)
}

// TestClosingDaysIsTriedAgain: that ClickHouse fails is no reason to stop, and the days are closed later.
func TestClosingDaysIsTriedAgain(t *testing.T) {
	s := years(t)
	d := s.watching(script("alpha"))
	failing := &failingAnalyst{Analyst: d.Analyst}
	failing.fail.Store(2)
	d.Analyst = failing
	_, stop, _ := s.startWith(d, func(c *aggregate.Config) { c.DailyLeast = 10 * time.Millisecond })
	s.waitClosed()
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if got := s.alerts(); got != asAlpha || failing.fail.Load() >= 0 {
		t.Error(got)
	}
}

// TestDayClosedUnreadable: one that nobody can read is set aside, and days are closed behind it.
func TestDayClosedUnreadable(t *testing.T) {
	s := years(t)
	e := event.Event{ID: "day.of-nobody", Source: "/somebody", Type: event.DayClosed, At: monday}
	s.tell(pipeline.Entry{MsgID: "x", Partition: pipeline.All, Family: e.Type, Type: e.Type, Body: event.AppendLog(nil, &e)})
	s.closed(s.watching(script("alpha")))
	if got := s.alerts(); got != asAlpha {
		t.Error(got)
	}
	if at, err := s.bus.LastSetAside(t.Context(), []string{event.ReasonUndecodable}); err != nil || at == 0 {
		t.Errorf("set aside at %d, %v", at, err)
	}
	s.verify()
}

// TestDaysCloseUnderTraffic: where ticks follow real time, days are closed while events keep coming.
func TestDaysCloseUnderTraffic(t *testing.T) {
	s := newSite(t, nats.ModeWall)
	s.now.Store(int64(later.Add(time.Minute)))
	s.send(1, "home1", life(0, 10)...)
	_, stop, _ := s.startWith(s.watching(script("alpha")), func(c *aggregate.Config) { c.DailyLeast = 50 * time.Millisecond })
	n := 0
	eventually(t, "all days closed", func() bool {
		for range 10 {
			n++
			e := mail(fmt.Sprint("m", n), later.Add(time.Duration(n)*time.Millisecond))
			s.send(n%4, fmt.Sprint("busy", n), e)
			time.Sleep(2 * time.Millisecond)
		}
		return s.count(fmt.Sprintf("SELECT count() FROM cx.closed_days_v WHERE day = '%s'", lastClosed)) == 1
	})
	s.settled()
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if got := s.heard(); !slices.Equal(got, heardOnce) {
		t.Errorf("heard %v", got)
	}
}

// TestClosingDaysFails: a defect in what watches does not stop the fold, and is no reason to close a day otherwise.
func TestClosingDaysFails(t *testing.T) {
	s := years(t)
	var tried atomic.Int64
	loop, stop, _ := s.startWith(s.watching(func(alert.Counts, []alert.Alert, alert.Date, alert.Parameters) []alert.Closing {
		tried.Add(1)
		panic("a defect")
	}), func(c *aggregate.Config) { c.DailyLeast = 10 * time.Millisecond })
	eventually(t, "tried again", func() bool { return tried.Load() > 2 })
	s.send(1, "home1", life(10, 1)...)
	s.settled()
	if err := errors.Join(loop.Ready(), stop()); err != nil {
		t.Error(err)
	}
	if got := s.days(); len(got) != 0 {
		t.Errorf("closed %v", got)
	}
}
