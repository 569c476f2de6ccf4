package aggregate

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync/atomic"
	"time"

	"parcours/pipeline"
	"parcours/pipeline/alert"
	"parcours/pipeline/event"
	"parcours/pipeline/rules"
)

// What is computed from days that are over is computed once, by the owner of the partitions: when all of them that have
// seen anything have closed a day, and the tables hold what they found. It is told to the log, and known from there: a
// restarted owner, or a rebuild, reads what was said and computes it no more.

// closed is what the duties of a day begin with: copies, since the fold goes on meanwhile.
type closed struct {
	until alert.Date    // the last day that all partitions have closed
	none  bool          // there is none
	told  alert.Date    // the last day that the log says is closed; without a meaning before the first
	any   bool          // there is such a day
	open  []alert.Alert // raised and not cleared by then
	book  *rules.Book   // with those published since

	scoring scoring
	copies  bool // copies of views are taken
}

// daily lists the duties of a day. Each finds out itself what of it is done already.
func (a *Aggregator) daily() []func(context.Context, *closed) error {
	return []func(context.Context, *closed) error{
		a.closeDays, a.associate, a.score, a.snapshots,
	}
}

const (
	// idleFor is how long nothing must have come where time moves with events alone, and the partitions have not all come to
	// one time, as they do at the end of an import: it is not slowed down by days that it closes on its way.
	idleFor = 5 * time.Second
	// busyFor is how long days wait to be closed while events keep coming there.
	busyFor = 30 * time.Second
	// failedMost is the longest time between two attempts that fail.
	failedMost = time.Hour
	// dailyWithin is how long the duties may take.
	dailyWithin = 10 * time.Minute
)

// duty is what the loop knows of the duties of a day.
type duty struct {
	came    time.Time     // when the last message came
	since   time.Time     // since when there are days to close; zero while there are none
	next    time.Time     // when the next attempt may begin; after one that did not fail, while events keep coming
	pause   time.Duration // after the last failure
	until   alert.Date
	witness <-chan struct{} // closed when the tables hold what closed the days up to until
	running chan error      // of the attempt under way; nil for none
	done    alert.Date      // up to which all is done
	any     bool            // something is

	closes    bool          // there are days to be closed up to until
	scores    bool          // customers are scored as of midnight
	midnight  event.Instant // by the attempt under way
	scored    event.Instant // as of which the last attempt that did it has scored them
	scoredAny bool          // one has
	toldAt    uint64        // up to which scores were told: the next attempt waits until they are folded
	telling   atomic.Uint64 // the same, of the attempt under way

	copies bool // the attempt under way takes copies
	stale  bool // days were closed since copies were taken

	failed bool // the last attempt did, and it was said
}

// lookAtDays begins the duties when there are days to close and the tables hold them, in a goroutine, so that the fold goes
// on. read is how many messages the turn has read.
func (a *Aggregator) lookAtDays(ctx context.Context, read int) {
	d := &a.duty
	if read > 0 {
		d.came = time.Now()
	}
	switch {
	case a.Analyst == nil || a.Appender == nil || !a.ready.Load():
		return
	case d.running != nil:
		a.ended()
		return
	case d.witness == nil && !a.overdue():
		return
	}
	if d.witness != nil {
		select {
		case <-d.witness:
		default:
			return
		}
	}
	d.witness, d.since = nil, time.Time{}
	a.begin(ctx)
}

// reach notes a position at which the log holds what was told.
func (d *duty) reach(position uint64) {
	for {
		if at := d.telling.Load(); at >= position || d.telling.CompareAndSwap(at, position) {
			return
		}
	}
}

// overdue says whether there are days to close, and notes which, and by what the tables are known to hold them.
func (a *Aggregator) overdue() bool {
	d := &a.duty
	until, any := a.closable()
	closes := any && (!d.any || until > d.done)
	if _, scores := a.unscored(); !closes && !scores && !a.rested() {
		d.since = time.Time{}
		return false
	}
	if d.since.IsZero() {
		d.since = time.Now()
	}
	idle := a.idle()
	if time.Now().Before(d.next) && (d.pause > 0 || !idle) || !idle && time.Since(d.since) < a.busyFor() {
		return false
	}
	d.until, d.closes = until, any
	if d.witness = a.handed; a.batch.position != 0 {
		d.witness = a.batch.done
	}
	return true
}

// idle says whether nothing is under way that closing days would slow down.
func (a *Aggregator) idle() bool {
	return a.batch.position == 0 && (a.wall() || a.inStep() || time.Since(a.duty.came) >= idleFor)
}

// busyFor is how long days wait while the fold is at work.
func (a *Aggregator) busyFor() time.Duration {
	if a.wall() {
		return a.config.DailyLeast
	}
	return max(busyFor, a.config.DailyLeast)
}

// inStep says whether the clocks of all partitions stand at one time.
func (a *Aggregator) inStep() bool {
	for _, p := range a.lane.partitions {
		if _, seen := p.Settled(); !seen || p.Clock() != a.lane.partitions[0].Clock() {
			return false
		}
	}
	return true
}

// closable is the last day that every partition which has seen anything has closed; false for none.
func (a *Aggregator) closable() (until alert.Date, any bool) {
	var least event.Instant
	for _, p := range a.lane.partitions {
		if settled, seen := p.Settled(); seen && (!any || settled < least) {
			least, any = settled, true
		}
	}
	until = alert.DateOf(least) - 1
	return until, any && until >= alert.DateOf(earliest)
}

// begin runs the duties up to the day that was noted.
func (a *Aggregator) begin(ctx context.Context) {
	day := &closed{until: a.duty.until, none: !a.duty.closes, book: a.lane.partitions[0].Book, scoring: a.toScore(), copies: a.wall() || a.rested()}
	a.duty.copies = day.copies
	a.duty.midnight, a.duty.scores = day.scoring.asOf, day.scoring.due
	day.told, day.any, day.open = a.lane.partitions[0].Closed()
	running := make(chan error, 1)
	a.duty.running = running
	go func() {
		ctx, cancel := context.WithTimeout(ctx, dailyWithin)
		defer cancel()
		running <- a.attempt(ctx, day)
	}()
}

// attempt does the duties in their order. One that fails is no reason to leave out the others.
func (a *Aggregator) attempt(ctx context.Context, day *closed) (err error) {
	for _, do := range a.daily() {
		err = errors.Join(err, a.guarded(ctx, day, do))
	}
	return err
}

// guarded does one duty. A defect in what computes must not stop the fold.
func (a *Aggregator) guarded(ctx context.Context, day *closed, do func(context.Context, *closed) error) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("%v\n%s", cause, debug.Stack())
		}
	}()
	return do(ctx, day)
}

// ended sees whether the attempt has ended. A failure is said once, and tried again.
func (a *Aggregator) ended() {
	d := &a.duty
	select {
	case err := <-d.running:
		d.running = nil
		d.toldAt = max(d.toldAt, d.telling.Load())
		if err == nil {
			d.failed, d.pause, d.stale = false, 0, !d.copies
			if d.closes {
				d.done, d.any = d.until, true
			}
			if d.scores {
				d.scored, d.scoredAny = d.midnight, true
			}
			d.next = time.Now().Add(a.config.DailyLeast)
			return
		}
		d.pause = min(max(2*d.pause, a.config.DailyLeast), failedMost)
		d.next = time.Now().Add(d.pause)
		if !d.failed {
			a.Logger.Warn().Err(err).Dur("again_in", d.pause).Msg("what is due once a day was not done")
		}
		d.failed = true
	default:
	}
}

// restDays waits for an attempt that was told to end, as long as stopping may take. What it left the next start does again.
func (a *Aggregator) restDays() {
	if a.duty.running == nil {
		return
	}
	select {
	case err := <-a.duty.running:
		if err != nil {
			a.Logger.Debug().Err(err).Msg("days are left to be closed by the next start")
		}
	case <-time.After(a.config.StopWithin):
		a.Logger.Warn().Msg("what is computed once a day did not end when it was told to")
	}
}

// closeDays looks at the rates of the days that are closed, and tells the log which alerts each raised and cleared: one
// message a day, in order, so that what was told is always the first of them.
func (a *Aggregator) closeDays(ctx context.Context, day *closed) error {
	if day.none || day.any && day.told >= day.until {
		return nil
	}
	began := time.Now()
	counts, err := a.counts(ctx, day.until)
	if err != nil {
		return fmt.Errorf("close days: %w", err)
	}
	counts.Rules = judgedOtherwise(day.book)
	closings := a.watched(counts, day)
	if err := a.tellClosings(ctx, closings); err != nil {
		return fmt.Errorf("close days: %w", err)
	}
	a.Logger.Info().Stringer("until", day.until).Int("told", len(closings)).Dur("took", time.Since(began)).Msg("days closed")
	return nil
}

// errTurned means that the views went to another generation while they were read: what was read is of two.
var errTurned = errors.New("another generation came into force meanwhile")

// counts reads all days: the same history, the same answer.
func (a *Aggregator) counts(ctx context.Context, until alert.Date) (alert.Counts, error) {
	before, err := a.Store.Current(ctx)
	if err != nil {
		return alert.Counts{}, err
	}
	counts, err := a.Analyst.Counts(ctx, alert.DateOf(earliest), until)
	if err != nil {
		return counts, err
	}
	after, err := a.Store.Current(ctx)
	if err == nil && after.Number != before.Number {
		err = errTurned
	}
	return counts, err
}

// judgedOtherwise are the days from which other rules judge. A book of other targets, costs or alerts alone is none.
func judgedOtherwise(book *rules.Book) (days []alert.Date) {
	judges := book.Judges()
	for _, p := range book.Later() {
		if p.Book.Judges() != judges && p.From > earliest {
			days = append(days, alert.DateOf(p.From))
		}
		judges = p.Book.Judges()
	}
	return days
}

// associate estimates the losses associated with breakpoints, when another month has matured.
func (a *Aggregator) associate(ctx context.Context, day *closed) error {
	if a.Losses == nil || day.none {
		return nil
	}
	_, err := Associate(ctx, a.Losses, day.book, day.until.Start())
	return err
}

// snapshots takes copies of the views that screens read.
func (a *Aggregator) snapshots(ctx context.Context, day *closed) error {
	if a.Snapshots == nil || !day.copies {
		return nil
	}
	return a.Snapshots.Snapshot(ctx)
}

// rested says whether copies are due where time moves with events alone: days were closed since the last ones, or another generation came into
// force, and nothing has come for a while. What brings many events, such as an import, takes them itself at its end.
func (a *Aggregator) rested() bool {
	return a.Snapshots != nil && a.duty.stale && !a.wall() && time.Since(a.duty.came) >= a.config.CopiesAfter
}

// earliest is before every day that the tables hold.
const earliest = event.Instant(-2_208_988_800_000) // 1900-01-01

// watched are the closings to be told. Of days in a row on which nothing was watched only the last is told, and of those in
// front of the first that was none: years of nothing would be told day by day.
func (a *Aggregator) watched(counts alert.Counts, day *closed) []alert.Closing {
	from := counts.First
	if day.any {
		from = day.told + 1
	}
	watch := a.Watch
	if watch == nil {
		watch = alert.Watch
	}
	closings := watch(counts, day.open, from, alert.ParametersOf(day.book.At(day.until.Start())))
	if n := len(closings); n == 0 || closings[n-1].Day < day.until {
		closings = append(closings, alert.Closing{Day: day.until})
	}
	told, begun := closings[:0], day.any
	for i := range closings {
		empty := nothing(&closings[i])
		begun = begun || !empty
		if i == len(closings)-1 || !empty || begun && !nothing(&closings[i+1]) {
			told = append(told, closings[i])
		}
	}
	return told
}

func nothing(c *alert.Closing) bool {
	return c.Watched == 0 && len(c.Raised) == 0 && len(c.Cleared) == 0
}

// tellClosings stores them in order. One that the log has already is a copy, whatever it says.
func (a *Aggregator) tellClosings(ctx context.Context, closings []alert.Closing) error {
	for len(closings) > 0 {
		n := together(closings)
		entries := make([]pipeline.Entry, n)
		for i := range entries {
			entries[i] = ClosingEntry(&closings[i])
		}
		for i, out := range a.Appender.Append(ctx, entries) {
			if out.Err != nil {
				return fmt.Errorf("tell the log of %s: %w", closings[i].Day, out.Err)
			}
		}
		closings = closings[n:]
	}
	return nil
}

// mostTogether is how many closed days are told at once.
const mostTogether = 500

// together is how many of the first closings may be on their way at once: days that raise and clear nothing. Where one of these
// fails and a later one is stored, a row of closed_days is missing and nothing else. A day that says something goes alone: it
// is stored before the next is told, and after all before it.
func together(closings []alert.Closing) int {
	n := 0
	for n < min(len(closings), mostTogether) && len(closings[n].Raised)+len(closings[n].Cleared) == 0 {
		n++
	}
	return max(n, 1)
}

// ClosingEntry is a closed day on its way into the log, where every partition sees it.
func ClosingEntry(c *alert.Closing) pipeline.Entry {
	e := c.Event()
	return pipeline.Entry{MsgID: event.MessageID(e.Source, e.ID), Partition: pipeline.All, Family: e.Type, Type: e.Type, Body: event.AppendLog(nil, &e)}
}
