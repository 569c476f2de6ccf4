package pipeline

import (
	"math"
	"slices"

	"parcours/pipeline/churn"
	"parcours/pipeline/event"
	"parcours/pipeline/journey"
)

// SignalRetracted is why a churn signal was cleared that no longer holds: an event came late, or went.
const SignalRetracted = "retracted"

// broken notes a breakpoint of the customer whose home the unit is, new or changed, and gives what is known of it. What an event
// says of breakpoints that were detected, or should have been, long before it comes too late.
func (w *writer) broken(u *unit, row *BreakpointRow, content uint64, before *breakpointMemo) KnownRow {
	his, was, detectedAt := row.CustomerID == u.home, KnownRow{}, row.DetectedAt
	if before != nil {
		was, detectedAt = before.known, before.detectedAt
	}
	if was.Of != "" {
		detectedAt = was.At
	}
	if i := slices.IndexFunc(w.known.stay, func(r BreakpointRow) bool { return r.BreakpointID == row.BreakpointID }); i >= 0 {
		return w.known.stay[i].Known
	}
	switch {
	case !w.young(detectedAt) && (before != nil || w.event):
		return was
	case his && (was.Of == "" || before.gone || before.content != content):
		now := knownOf(row)
		w.known.facts = append(w.known.facts, now.fact(row))
		return now
	case was.Of != "" && !his:
		w.known.gone = append(w.known.gone, row.BreakpointID)
		return KnownRow{}
	}
	return was
}

// mended notes that a breakpoint holds no more, and gives what is known of it all the same: all, where it was detected long
// before what takes it back, for then that comes too late.
func (w *writer) mended(old *breakpointMemo) KnownRow {
	if old.known.Of != "" && w.young(old.known.At) {
		w.known.gone = append(w.known.gone, old.id)
		return KnownRow{}
	}
	return old.known
}

// knownOf is what becomes known of the customer of a breakpoint.
func knownOf(row *BreakpointRow) KnownRow {
	return KnownRow{Of: row.CustomerID, At: row.DetectedAt, Family: row.ReasonFamily, Severity: row.Severity}
}

// fact is what a Standing is told of it.
func (k KnownRow) fact(row *BreakpointRow) churn.Fact {
	return churn.Fact{At: k.At, What: churn.Broken, ID: row.BreakpointID, Name: row.Kind, Family: k.Family, Amount: math.NaN(), Weight: k.Severity}
}

// young says whether what happens now may still change what is known of a breakpoint that was detected then. It goes by the time
// of what happens, not by the clock, so that it does not depend on the order of arrival.
func (w *writer) young(detectedAt event.Instant) bool {
	return detectedAt >= w.cause.Add(-w.partition.Book.Near())
}

// idOf names a signal.
func (c *customer) idOf(kind string, raisedAt event.Instant) string {
	return journey.ID("signal", c.id, kind, raisedAt.String())
}

// signals says what has changed of a customer's signals that the fold finds: all that stand, and those that ended and are not
// settled. Signals as known are not touched.
func (w *writer) signals(c *customer, found []churn.Signal) {
	before := c.signals
	c.signals = make([]signalMemo, 0, len(before)+len(found))
	for i := range before {
		if before[i].known != nil {
			c.signals = append(c.signals, before[i])
		}
	}
	for i := range found {
		s := &found[i]
		was := memoOfSignal(before, s.Kind, s.RaisedAt)
		row := w.signalRow(c, s, w.segmentThen(c, s.RaisedAt, was))
		c.signals = append(c.signals, signalMemo{
			said: w.signal(&row, was), kind: s.Kind, segment: row.Segment, raisedAt: s.RaisedAt, clearedAt: row.ClearedAt, why: s.ClearedWhy,
		})
	}
	for i := range before {
		if before[i].known == nil && memoOfSignal(c.signals, before[i].kind, before[i].raisedAt) == nil {
			w.retractSignal(c, &before[i])
		}
	}
}

// segmentThen is the segment of a customer at the moment of a signal: while that is not settled it may still change.
func (w *writer) segmentThen(c *customer, at event.Instant, before *signalMemo) string {
	if settled, any := c.standing.Settled(); before != nil && any && at < settled {
		return before.segment
	}
	then := c.standing.State(at, w.partition.signalRules())
	return then.Segment(w.partition.Book.At(at))
}

func memoOfSignal(list []signalMemo, kind string, raisedAt event.Instant) *signalMemo {
	for i := range list {
		if list[i].raisedAt == raisedAt && list[i].kind == kind && list[i].known == nil {
			return &list[i]
		}
	}
	return nil
}

func (w *writer) signalRow(c *customer, s *churn.Signal, segment string) ChurnSignalRow {
	row := ChurnSignalRow{
		SignalID: c.idOf(s.Kind, s.RaisedAt), CustomerID: c.id, Kind: s.Kind, RaisedAt: s.RaisedAt, ClearedWhy: s.ClearedWhy,
		Evidence: s.Evidence, Value: s.Value, Limit: s.Limit, RulesVersion: w.partition.Book.At(s.RaisedAt).Version(), Segment: segment,
		Position: w.position, Partition: w.partition.Number,
	}
	if s.ClearedWhy != "" {
		row.ClearedAt = s.ClearedAt
	}
	return row
}

// signal writes the row of a signal if it reads differently, and tells of it.
func (w *writer) signal(row *ChurnSignalRow, before *signalMemo) said {
	now := said{row.Content(), w.position}
	if before != nil {
		if before.content == now.content {
			return before.said
		}
		w.partition.tally.remove(tableChurnSignals, before.said)
	}
	w.partition.tally.add(tableChurnSignals, now)
	w.changes.Rows.ChurnSignals = append(w.changes.Rows.ChurnSignals, *row)
	w.tellSignal(row, before)
	return now
}

func (w *writer) retractSignal(c *customer, m *signalMemo) {
	row := ChurnSignalRow{
		SignalID: c.idOf(m.kind, m.raisedAt), CustomerID: c.id, Kind: m.kind, RaisedAt: m.raisedAt, Value: math.NaN(), Limit: math.NaN(),
		Position: w.position, Deleted: true, Partition: w.partition.Number,
	}
	w.partition.tally.remove(tableChurnSignals, m.said)
	w.changes.Rows.ChurnSignals = append(w.changes.Rows.ChurnSignals, row)
	w.tellSignalRetracted(&row)
}

// asKnown takes what a message of the log says of a signal of a customer (SignalsAsKnown): that it is raised, or, with a
// ClearedWhy, that the one of its kind that stands is cleared, whenever that was raised. One that stands is not raised again,
// and nothing is said of a customer who objected, or who is quarantined. segment is that of the customer.
func (w *writer) asKnown(customerID string, s *churn.Signal, segment string) error {
	p := w.partition
	c, err := p.customerOf(customerID)
	if err != nil || c.closed {
		return err
	}
	i := c.standingKnown(s.Kind)
	switch {
	case s.ClearedWhy != "" && i >= 0:
		w.clearKnown(c, i, s.ClearedAt, s.ClearedWhy)
	case s.ClearedWhy == "" && i < 0 && !c.standing.Objected(p.clock):
		row := w.signalRow(c, s, segment)
		c.signals = append(c.signals, signalMemo{said: w.signal(&row, nil), kind: s.Kind, segment: segment, raisedAt: s.RaisedAt,
			known: &signalAsKnown{s.Evidence, s.Value, s.Limit, row.RulesVersion}})
	default:
		return nil
	}
	due := event.Instant(journey.Never)
	if c.slot >= 0 {
		due = p.customers.slots[c.slot].due
	}
	p.keep(c, p.packCustomer(c), due)
	return nil
}

// standingKnown is the place of the signal as known of a kind that stands, -1 for none.
func (c *customer) standingKnown(kind string) int {
	for i := range c.signals {
		if m := &c.signals[i]; m.known != nil && m.kind == kind {
			return i
		}
	}
	return -1
}

// clearKnown ends a signal as known, and forgets it: what was decided is never taken back.
func (w *writer) clearKnown(c *customer, i int, at event.Instant, why string) {
	m := c.signals[i]
	row := ChurnSignalRow{
		SignalID: c.idOf(m.kind, m.raisedAt), CustomerID: c.id, Kind: m.kind, RaisedAt: m.raisedAt, ClearedAt: at, ClearedWhy: why,
		Evidence: m.known.evidence, Value: m.known.value, Limit: m.known.limit, RulesVersion: m.known.rules, Segment: m.segment,
		Position: w.position, Partition: w.partition.Number,
	}
	w.signal(&row, &m)
	c.signals = append(c.signals[:i:i], c.signals[i+1:]...)
}

// objected ends the signals as known of a customer who objects to being watched; those of the fold end by themselves. None is
// remembered as told: who consents again before the next midnight is told of one that is raised then.
func (w *writer) objected(c *customer) {
	c.last.Open = 0
	for i := len(c.signals) - 1; i >= 0; i-- {
		if c.signals[i].known != nil {
			w.clearKnown(c, i, w.partition.clock, churn.Objected)
		}
	}
}

// allReasons is the last token of the subject of what is told of churn signals: they are about every reason.
const allReasons = allFamilies

type signalData struct {
	SignalID     string   `json:"signal_id"`
	CustomerID   string   `json:"customer_id"`
	Kind         string   `json:"kind"`
	RaisedAt     string   `json:"raised_at"`
	Evidence     []string `json:"evidence"`
	Value        *float64 `json:"value,omitempty"`
	Limit        *float64 `json:"limit,omitempty"`
	Segment      string   `json:"segment,omitempty"`
	RulesVersion string   `json:"rules_version"`
	Position     uint64   `json:"position"`
}

type clearedSignalData struct {
	SignalID   string `json:"signal_id"`
	CustomerID string `json:"customer_id"`
	Kind       string `json:"kind"`
	RaisedAt   string `json:"raised_at"`
	ClearedAt  string `json:"cleared_at"`
	Why        string `json:"why"`
	Position   uint64 `json:"position"`
}

// tellSignal says what became of a signal: it is there, or reads differently, or stands again; or it is over. One that is
// over before it was told is told as both.
func (w *writer) tellSignal(r *ChurnSignalRow, before *signalMemo) {
	if r.ClearedWhy == "" || before == nil {
		w.tellUnder(allReasons, ChurnSignalled, r.SignalID, "", []string{r.Kind}, r.RaisedAt, signalData{
			SignalID: r.SignalID, CustomerID: r.CustomerID, Kind: r.Kind, RaisedAt: r.RaisedAt.String(), Evidence: some(r.Evidence),
			Value: figure(r.Value), Limit: figure(r.Limit), Segment: r.Segment, RulesVersion: r.RulesVersion, Position: w.position,
		})
	}
	if r.ClearedWhy != "" {
		w.tellCleared(r, r.ClearedAt, r.ClearedWhy)
	}
}

func (w *writer) tellSignalRetracted(r *ChurnSignalRow) {
	w.tellCleared(r, w.partition.clock, SignalRetracted)
}

func (w *writer) tellCleared(r *ChurnSignalRow, at event.Instant, why string) {
	w.tellUnder(allReasons, ChurnCleared, r.SignalID, "", []string{r.Kind}, at, clearedSignalData{
		SignalID: r.SignalID, CustomerID: r.CustomerID, Kind: r.Kind, RaisedAt: r.RaisedAt.String(), ClearedAt: at.String(), Why: why, Position: w.position,
	})
}

// figure is nil for what JSON cannot say: where nothing was measured.
func figure(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}

// tellSignalDifference tells a signal as it is in the generation that takes over, or that it is gone.
func (w *writer) tellSignalDifference(before, now *ChurnSignalRow) {
	switch {
	case now == nil && before == nil:
	case now == nil:
		w.tellSignalRetracted(before)
	case before == nil:
		w.tellSignal(now, nil)
	default:
		w.tellSignal(now, &signalMemo{})
	}
}
