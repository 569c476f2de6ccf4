package aggregate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"parcours/pipeline"
	"parcours/pipeline/event"
	"parcours/pipeline/rules"
)

// Problem is one thing that is not as the log says.
type Problem struct {
	Table     string `json:"table"`
	Partition int    `json:"partition"`
	Key       string `json:"key"`                // of the row: "source id" of an event, id of a journey or breakpoint
	What      string `json:"what"`               // missing, unknown (the log does not lead to it), altered, reused
	Position  uint64 `json:"position,omitempty"` // of the row
	Detail    string `json:"detail,omitempty"`
}

// What may be wrong with a row.
const (
	RowMissing = "missing"
	RowUnknown = "unknown"
	RowAltered = "altered"
	IDReused   = "reused"
	Unbalanced = "unbalanced" // the ledger and the log do not add up
)

// String names it in one line.
func (p Problem) String() string {
	s := fmt.Sprintf("%s: %s %s", p.Table, p.What, p.Key)
	if p.Position != 0 {
		s += fmt.Sprintf(" (position %d)", p.Position)
	}
	if p.Detail != "" {
		s += ": " + p.Detail
	}
	return s
}

// Report is what Verify found.
type Report struct {
	Generation pipeline.Generation `json:"generation"`
	Position   uint64              `json:"position"` // as of which the tables were compared
	Stored     uint64              `json:"stored"`   // positions of the log up to there that hold a message
	Erased     uint64              `json:"erased"`
	Waiting    uint64              `json:"waiting"` // positions of the log behind Position: not folded yet
	First      uint64              `json:"first_copies"`
	Copies     uint64              `json:"copies"`
	Late       uint64              `json:"late"`
	SetAside   uint64              `json:"set_aside"`
	Forwarded  uint64              `json:"forwarded"`
	System     uint64              `json:"system"`
	Tables     []TableCount        `json:"tables"`
	Problems   []Problem           `json:"problems"`
}

// TableCount is how many rows a table shows, and how many it should.
type TableCount struct {
	Table    string `json:"table"`
	Rows     uint64 `json:"rows"`
	Expected uint64 `json:"expected"`
	OK       bool   `json:"ok"` // each of them as it should be
}

// VerifyOptions say how far a verification goes.
type VerifyOptions struct {
	IDs      bool // look for (source, id) with more than one time, however far apart
	Progress func(position, head uint64)
}

// ErrMoving means that rows kept coming in while they were compared.
var ErrMoving = errors.New("rows keep coming in, and tables can be compared only while nothing does; stop what sends events, or try again")

// quietTries is how often Verify waits for a moment in which nothing comes in.
const quietTries = 20

// Verify compares what the log says with what the tables hold: every position with the ledger, the ledger with cx.events,
// and the digests that the fold keeps of every other table with the same sums of their rows. Where they differ it folds
// the log again, beside all tables, to name each row. It repairs nothing.
func Verify(ctx context.Context, config Config, d Dependencies, o VerifyOptions) (*Report, error) {
	for range quietTries {
		a, err := readAudit(ctx, &d)
		if err != nil {
			return nil, fmt.Errorf("verify: %w", err)
		}
		if a == nil {
			continue
		}
		r, err := a.report(ctx, config, o)
		if err != nil {
			return nil, fmt.Errorf("verify: %w", err)
		}
		return r, nil
	}
	return nil, fmt.Errorf("verify: %w", ErrMoving)
}

// audit is everything that is compared, of one moment.
type audit struct {
	*Dependencies
	generation pipeline.Generation
	position   uint64
	log        pipeline.LogAccount
	ledger     []pipeline.LedgerRow
	digests    []pipeline.DigestRow
	sums       []pipeline.DigestRow
	events     []pipeline.EventSum
	books      map[uint64]string
}

// readAudit reads all of it; nil when something came in meanwhile.
func readAudit(ctx context.Context, d *Dependencies) (*audit, error) {
	a := &audit{Dependencies: d}
	var err error
	if a.generation, err = d.Store.Current(ctx); err != nil {
		return nil, err
	}
	g := a.generation.Number
	before, err := d.Store.Frontier(ctx, g)
	if err != nil {
		return nil, err
	}
	for _, read := range []func() error{
		func() (err error) { a.ledger, err = d.Auditor.Ledger(ctx, g); return err },
		func() (err error) { a.digests, err = d.Auditor.Digests(ctx, g); return err },
		func() (err error) { a.sums, err = d.Auditor.Sums(ctx, g); return err },
		func() (err error) { a.events, err = d.Auditor.EventSums(ctx); return err },
		func() (err error) { a.books, err = d.Auditor.RuleBooks(ctx, g); return err },
		func() (err error) { a.log, err = d.Log.Account(ctx); return err },
	} {
		if err := read(); err != nil {
			return nil, err
		}
	}
	after, err := d.Store.Frontier(ctx, g)
	if err != nil || !maps.Equal(before, after) {
		return nil, err
	}
	now, err := d.Store.Current(ctx)
	if err != nil || now != a.generation {
		return nil, err
	}
	for _, at := range after {
		a.position = max(a.position, at.Position)
	}
	for p, at := range after {
		if at.Position != a.position {
			return nil, fmt.Errorf("partition %d has come to position %d, others to %d: an aggregator is at work, or was cut short", p, at.Position, a.position)
		}
	}
	return a, nil
}

func (a *audit) report(ctx context.Context, config Config, o VerifyOptions) (*Report, error) {
	r := &Report{Generation: a.generation, Position: a.position, Problems: []Problem{}}
	if a.log.Last < a.position {
		r.Problems = append(r.Problems, Problem{Table: "log", Partition: pipeline.All, Key: "its end", What: Unbalanced, Position: a.log.Last,
			Detail: fmt.Sprintf("the tables know it up to position %d", a.position)})
	} else {
		r.Waiting = a.log.Last - a.position
	}
	a.balance(r)
	if err := a.compareBooks(ctx, r); err != nil {
		return nil, err
	}
	wrong := a.compare(r)
	if !wrong.nothing() {
		problems, err := a.name(ctx, config, wrong, o.Progress)
		if err != nil {
			return nil, err
		}
		r.Problems = append(r.Problems, problems...)
	}
	for i := range r.Tables {
		r.Tables[i].OK = !slices.ContainsFunc(r.Problems, func(p Problem) bool { return p.Table == r.Tables[i].Table })
	}
	if o.IDs {
		err := a.Auditor.ReusedIDs(ctx, func(source, id string, times []event.Instant) error {
			r.Problems = append(r.Problems, Problem{Table: "events", Partition: pipeline.All, Key: source + " " + id, What: IDReused, Detail: fmt.Sprint(times)})
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return r, nil
}

// balance compares the ledger with the positions of the log, range by range: each position is accounted for once.
func (a *audit) balance(r *Report) {
	counted, broadcast := map[uint64]uint64{}, map[uint64]map[int]uint64{}
	for _, row := range a.ledger {
		counted[row.Range] += row.First + row.Copies + row.Late + row.SetAside + row.Forwarded + row.System
		if broadcast[row.Range] == nil {
			broadcast[row.Range] = map[int]uint64{}
		}
		broadcast[row.Range][row.Partition] = row.Broadcast
		r.First, r.Copies, r.Late = r.First+row.First, r.Copies+row.Copies, r.Late+row.Late
		r.SetAside, r.Forwarded, r.System = r.SetAside+row.SetAside, r.Forwarded+row.Forwarded, r.System+row.System
	}
	for n := uint64(0); a.position > 0 && n <= pipeline.RangeOf(a.position); n++ {
		stored, erased := a.stored(n)
		r.Stored, r.Erased = r.Stored+stored, r.Erased+erased
		all := broadcast[n][0]
		for p := range a.Partitions {
			if broadcast[n][p] != all {
				r.Problems = append(r.Problems, Problem{Table: "ledger", Partition: p, Key: fmt.Sprint("range ", n), What: Unbalanced,
					Detail: fmt.Sprintf("%d messages for all partitions, partition 0 has %d", broadcast[n][p], all)})
			}
		}
		r.System += all
		if sum := counted[n] + all; sum != stored {
			r.Problems = append(r.Problems, Problem{Table: "ledger", Partition: pipeline.All, Key: fmt.Sprint("range ", n), What: Unbalanced,
				Detail: fmt.Sprintf("the log holds %d messages there (%d erased), the ledger accounts for %d", stored, erased, sum)})
		}
	}
}

// compareBooks compares the rule books that SQL shows with those of the log. A generation that has folded nothing has none.
func (a *audit) compareBooks(ctx context.Context, r *Report) error {
	if a.position == 0 {
		return nil
	}
	base, err := baseOf(ctx, a.Dependencies, a.generation)
	if errors.Is(err, pipeline.ErrOtherFold) {
		return nil // another release folded it, with a book of its own
	}
	if err != nil {
		return err
	}
	want := map[uint64]string{base.Restated: base.Book.Version()}
	err = followers(ctx, a.Dependencies, base, func(position uint64, p *rules.Publication) {
		if position <= a.position {
			want[position] = p.Book.Version()
		}
	})
	problem := func(position uint64, version, what string) {
		r.Problems = append(r.Problems, Problem{Table: "rule_books", Partition: pipeline.All, Key: version, What: what, Position: position})
	}
	for _, position := range slices.Sorted(maps.Keys(want)) {
		switch version, there := a.books[position]; {
		case !there:
			problem(position, want[position], RowMissing)
		case version != want[position]:
			problem(position, version, RowAltered)
		}
	}
	for _, position := range slices.Sorted(maps.Keys(a.books)) {
		if _, led := want[position]; !led && position <= a.position {
			problem(position, a.books[position], RowUnknown)
		}
	}
	return err
}

// stored counts the positions of a range that the log holds and those that were erased.
func (a *audit) stored(n uint64) (stored, erased uint64) {
	from, to := n*pipeline.LedgerRange+1, min((n+1)*pipeline.LedgerRange, a.position)
	for _, e := range a.log.Erased {
		if e >= from && e <= to {
			erased++
		}
	}
	return to - from + 1 - erased, erased
}

// where is a range of cx.events, or a partition of another table.
type where struct {
	table     string
	partition int
	number    uint64 // of the range, for events
}

// wrongs are the places where sums differ.
type wrongs map[where]bool

func (w wrongs) nothing() bool { return len(w) == 0 }

// compare finds the places whose sums differ from what the fold says.
func (a *audit) compare(r *Report) wrongs {
	wrong := wrongs{}
	type sum struct{ rows, digest uint64 }
	said, found := map[where]sum{}, map[where]sum{}
	counts := map[string]*TableCount{}
	for _, name := range append([]string{"events"}, pipeline.FactTables[:]...) {
		counts[name] = &TableCount{Table: name}
	}
	for _, row := range a.ledger {
		said[where{"events", row.Partition, row.Range}] = sum{row.First + row.Late, row.Digest}
	}
	for _, row := range a.events {
		found[where{"events", row.Partition, row.Range}] = sum{row.Rows, row.Digest}
	}
	for _, row := range a.digests {
		said[where{row.Table, row.Partition, 0}] = sum{row.Rows, row.Digest}
	}
	for _, row := range a.sums {
		found[where{row.Table, row.Partition, 0}] = sum{row.Rows, row.Digest}
	}
	for at, s := range said {
		counts[at.table].Expected += s.rows
		if found[at] != s {
			wrong[at] = true
		}
	}
	for at, s := range found {
		counts[at.table].Rows += s.rows
		if said[at] != s {
			wrong[at] = true
		}
	}
	for _, name := range append([]string{"events"}, pipeline.FactTables[:]...) {
		r.Tables = append(r.Tables, *counts[name])
	}
	return wrong
}

// expected are the rows that the log leads to, at the places where something is wrong.
type expected map[where]map[string]row

// row is what is compared of one.
type row struct {
	position uint64
	content  uint64
}

// name folds the log again and compares row by row.
func (a *audit) name(ctx context.Context, config Config, wrong wrongs, progress func(position, head uint64)) ([]Problem, error) {
	want, err := a.refold(ctx, config, wrong, progress)
	if err != nil {
		return nil, err
	}
	var problems []Problem
	places := slices.SortedFunc(maps.Keys(wrong), func(x, y where) int {
		return cmp.Or(cmp.Compare(x.table, y.table), cmp.Compare(x.partition, y.partition), cmp.Compare(x.number, y.number))
	})
	for _, at := range places {
		found, err := a.nameAt(ctx, at, want[at])
		if err != nil {
			return nil, err
		}
		problems = append(problems, found...)
	}
	return problems, nil
}

// nameAt compares the rows of one place with those expected.
func (a *audit) nameAt(ctx context.Context, at where, want map[string]row) (problems []Problem, err error) {
	add := func(key, what string, position uint64) {
		problems = append(problems, Problem{Table: at.table, Partition: at.partition, Key: key, What: what, Position: position})
	}
	compare := func(key string, is row) {
		is2, known := want[key]
		delete(want, key)
		switch {
		case !known:
			add(key, RowUnknown, is.position)
		case is2 != is:
			add(key, RowAltered, is.position)
		}
	}
	if at.table == "events" {
		err = a.Auditor.EventRows(ctx, at.partition, at.number, func(k pipeline.EventKey) error {
			compare(eventKey(k.At, k.Source, k.ID), row{k.Position, k.Content})
			return nil
		})
	} else {
		err = a.Auditor.RowKeys(ctx, at.table, a.generation.Number, at.partition, func(key string, position, content uint64) error {
			compare(key, row{position, content})
			return nil
		})
	}
	for _, key := range slices.Sorted(maps.Keys(want)) {
		add(key, RowMissing, want[key].position)
	}
	return problems, err
}

func eventKey(at event.Instant, source, id string) string {
	return at.String() + " " + source + " " + id
}

// refold folds the log beside all tables, and keeps in memory which rows there should be in the places concerned.
func (a *audit) refold(ctx context.Context, config Config, wrong wrongs, progress func(position, head uint64)) (expected, error) {
	l, err := newLane(ctx, a.Dependencies, a.generation)
	if err != nil {
		return nil, err
	}
	defer l.close()
	want := expected{}
	for at := range wrong {
		want[at] = map[string]row{}
	}
	keep := &keeper{want: want}
	heard := func(_ context.Context, position, head uint64) error {
		if progress != nil {
			progress(position, head)
		}
		return nil
	}
	d := *a.Dependencies
	d.Store = keep
	if admitted := a.generation.Admitted; admitted > 0 {
		if err := foldInOrderOfTime(ctx, &d, config, l, min(admitted, a.position), nil, heard); err != nil {
			return nil, err
		}
	}
	return want, foldTo(ctx, &d, config, l, a.position, nil, heard)
}

// keeper is a Store that only notes which rows there should be.
type keeper struct {
	pipeline.Store
	want expected
}

// Insert implements pipeline.Store.
func (k *keeper) Insert(_ context.Context, rows *pipeline.Rows) error {
	for i := range rows.Events {
		r := &rows.Events[i]
		if m := k.want[where{"events", r.Partition, pipeline.RangeOf(r.Position)}]; m != nil {
			m[eventKey(r.Event.At, r.Event.Source, r.Event.ID)] = row{r.Position, r.Content()}
		}
	}
	for i := range rows.Journeys {
		r := &rows.Journeys[i]
		k.note(pipeline.FactTables[0], r.Partition, r.JourneyID, r.Deleted, row{r.Position, r.Content()})
	}
	for i := range rows.Steps {
		r := &rows.Steps[i]
		k.note(pipeline.FactTables[1], r.Partition, r.Source+" "+r.EventID, r.Deleted, row{r.Position, r.Content()})
	}
	for i := range rows.Breakpoints {
		r := &rows.Breakpoints[i]
		k.note(pipeline.FactTables[2], r.Partition, r.BreakpointID, r.Deleted, row{r.Position, r.Content()})
	}
	for i := range rows.Aliases {
		r := &rows.Aliases[i]
		k.note(pipeline.FactTables[3], r.Partition, r.OldID, false, row{r.Position, r.Content()})
	}
	for i := range rows.Alerts {
		r := &rows.Alerts[i]
		k.note(pipeline.FactTables[4], r.Partition, r.RaisedOn.String()+" "+r.AlertID, false, row{r.Position, r.Content()})
	}
	for i := range rows.ClosedDays {
		r := &rows.ClosedDays[i]
		k.note(pipeline.FactTables[5], r.Partition, r.Day.String(), false, row{r.Position, r.Content()})
	}
	for i := range rows.ChurnSignals {
		r := &rows.ChurnSignals[i]
		k.note(pipeline.FactTables[6], r.Partition, r.SignalID, r.Deleted, row{r.Position, r.Content()})
	}
	for i := range rows.Scores {
		r := &rows.Scores[i]
		k.note("churn_scores", r.Partition, scoreKey(r), false, row{r.Position, r.Content()})
	}
	for i := range rows.ScoredDays {
		r := &rows.ScoredDays[i]
		k.note("scored_days", r.Partition, dateOf(r.AsOf), false, row{r.Position, r.Content()})
	}
	for i := range rows.Models {
		r := &rows.Models[i]
		k.note("models", r.Partition, strconv.FormatUint(r.Position, 10), false, row{r.Position, r.Content()})
	}
	return nil
}

// scoreKey names a score as Auditor.RowKeys does.
func scoreKey(r *pipeline.ChurnScoreRow) string { return dateOf(r.AsOf) + " " + r.CustomerID }

func dateOf(at event.Instant) string { return at.Time().Format(time.DateOnly) }

func (k *keeper) note(table string, partition int, key string, deleted bool, r row) {
	m := k.want[where{table, partition, 0}]
	switch {
	case m == nil:
	case deleted:
		delete(m, key)
	default:
		m[key] = r
	}
}

// positions is a set of positions of the log.
type positions struct{ bits []uint64 }

func (s *positions) add(at uint64) {
	for uint64(len(s.bits)) <= at/64 {
		s.bits = append(s.bits, make([]uint64, 1+len(s.bits)/2)...)
	}
	s.bits[at/64] |= 1 << (at % 64)
}

func (s *positions) has(at uint64) bool {
	return at/64 < uint64(len(s.bits)) && s.bits[at/64]&(1<<(at%64)) != 0
}

// mendEvents makes cx.events what the fold of the log up to a position says: it has inserted all its rows anew (their
// positions are given), so what is left to do is to remove those that it did not, and those that were altered, which come
// back. Rows of messages that came behind that position meanwhile are left to whoever folds them.
func mendEvents(ctx context.Context, d *Dependencies, generation uint32, to uint64, folded *positions) error {
	ledger, err := d.Auditor.Ledger(ctx, generation)
	if err != nil {
		return err
	}
	sums, err := d.Auditor.EventSums(ctx)
	if err != nil {
		return err
	}
	m := mending{Dependencies: d, to: to, folded: folded}
	said := map[where]pipeline.LedgerRow{}
	for _, row := range ledger {
		said[where{"events", row.Partition, row.Range}] = row
	}
	for _, sum := range sums {
		row := said[where{"events", sum.Partition, sum.Range}]
		if row.First+row.Late == sum.Rows && row.Digest == sum.Digest {
			continue
		}
		if err := m.rangeOf(ctx, sum.Partition, sum.Range); err != nil {
			return err
		}
	}
	if err := m.judgeBehind(ctx); err != nil {
		return err
	}
	if len(m.wrong) == 0 {
		return nil
	}
	d.Logger.Info().Int("rows", len(m.wrong)).Msg("removing rows of cx.events that the log does not lead to")
	if err := d.Auditor.DeleteEvents(ctx, m.wrong); err != nil {
		return err
	}
	return d.Store.Insert(ctx, &pipeline.Rows{Generation: generation, Events: m.again})
}

// judgeBehind looks at the rows of positions that were not folded: a row stays if the log holds its event there by now.
func (m *mending) judgeBehind(ctx context.Context) error {
	if len(m.behind) == 0 {
		return nil
	}
	head, err := m.Log.Head(ctx) // read after the rows: whoever folds what comes meanwhile inserts rows up to it
	if err != nil {
		return err
	}
	reader, err := m.Log.Read(ctx, m.to+1)
	if err != nil {
		return err
	}
	defer reader.Close()
	held := map[uint64]string{}
	for _, k := range m.behind {
		held[k.Position] = ""
	}
	err = readTo(ctx, m.Log, reader, m.to, head, func(msg *pipeline.Message) error {
		if _, asked := held[msg.Position]; asked {
			if e, err := event.DecodeLog(msg.Body); err == nil {
				held[msg.Position] = eventKey(e.At, e.Source, e.ID)
			}
		}
		return nil
	}, nil)
	for _, k := range m.behind {
		if held[k.Position] != eventKey(k.At, k.Source, k.ID) {
			m.wrong = append(m.wrong, k)
		}
	}
	return err
}

// mending is one under way.
type mending struct {
	*Dependencies
	to     uint64
	folded *positions
	wrong  []pipeline.EventKey
	behind []pipeline.EventKey // at positions that were not folded
	again  []pipeline.EventRow
}

// rangeOf compares the rows of a range with the messages of the log at their positions.
func (m *mending) rangeOf(ctx context.Context, partition int, number uint64) error {
	logged, err := m.logged(ctx, partition, number)
	if err != nil {
		return err
	}
	return m.Auditor.EventRows(ctx, partition, number, func(k pipeline.EventKey) error {
		if k.Position > m.to {
			m.behind = append(m.behind, k)
			return nil
		}
		is, known := logged[k.Position]
		switch same := known && m.folded.has(k.Position) && is.Event.At == k.At && is.Event.Source == k.Source && is.Event.ID == k.ID; {
		case same && is.Content() == k.Content:
			return nil
		case same:
			m.again = append(m.again, is)
		}
		m.wrong = append(m.wrong, k)
		return nil
	})
}

// logged are the events of a partition in a range of the log.
func (m *mending) logged(ctx context.Context, partition int, number uint64) (map[uint64]pipeline.EventRow, error) {
	rows := map[uint64]pipeline.EventRow{}
	from, until := number*pipeline.LedgerRange, min((number+1)*pipeline.LedgerRange, m.to)
	if from >= until {
		return rows, nil
	}
	reader, err := m.Log.Read(ctx, from+1)
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	return rows, readTo(ctx, m.Log, reader, from, until, func(msg *pipeline.Message) error {
		if e, err := event.DecodeLog(msg.Body); err == nil && msg.Partition == partition && !event.System(e.Type) {
			rows[msg.Position] = pipeline.EventRow{Position: msg.Position, Partition: partition, StoredAt: msg.StoredAt, Event: &e}
		}
		return nil
	}, nil)
}
