package pipeline

import (
	"math"

	"parcours/pipeline/churn"
	"parcours/pipeline/event"
	"parcours/pipeline/journey"
)

// scoredDays is up to which midnight the log has said that all customers were scored.
type scoredDays struct {
	any  bool
	asOf event.Instant
}

// Scored says up to which midnight the log has said that all customers were scored; false of none. Nothing more is said as of
// it, or before.
func (p *Partition) Scored() (asOf event.Instant, any bool) { return p.scored.asOf, p.scored.any }

// score takes what was decided of a customer as it was decided: it is never computed again. The first message about a customer
// and a midnight stands, whatever a later one says; so does what was said as of a later midnight, and the word that all
// customers were scored as of one. Of who has objected by then nothing is kept but that it ended.
func (p *Partition) score(m *Message, e *event.Event, c *Changes) error {
	t, read := p.telling(m, e, c)
	if !read || p.scored.any && t.AsOf <= p.scored.asOf {
		return nil
	}
	if told, err := p.remember(&t); err != nil || !told {
		return err
	}
	row := scoreRow(&t, m.Position, p.Number)
	p.tally.add(tableScores, said{row.Content(), m.Position})
	c.Rows.Scores = append(c.Rows.Scores, row)
	w := writer{partition: p, position: m.Position, changes: c, cause: t.AsOf}
	return w.signalled(&t)
}

// telling reads a score; one that cannot be read is reported.
func (p *Partition) telling(m *Message, e *event.Event, c *Changes) (churn.Telling, bool) {
	t, err := churn.ReadTelling(e)
	if err != nil {
		p.reportHere(m, e, "data", "a score as Parcours tells it: "+err.Error(), c)
	}
	return t, err == nil
}

// remember notes what is told of a customer as what was told last; false where it counts for nothing. Of who is known already no more
// is read than what decides that, and no more written than what changes.
func (p *Partition) remember(t *churn.Telling) (told bool, err error) {
	i, known := p.customers.index[keyOf(t.Customer)]
	if !known {
		c := &customer{id: t.Customer, slot: -1}
		c.last = c.last.After(t)
		p.keep(c, p.packCustomer(c), journey.Never)
		return true, nil
	}
	slot, glance := &p.customers.slots[i], &p.customers.glances[i]
	before, last, behind, err := p.lastIn(slot.packed)
	if err != nil || glance.closed || last.Told() && churn.DayOf(t.AsOf) <= last.Day {
		return false, err
	}
	if glance.objects && t.Ended == "" {
		standing, err := p.room.StandingIn(behind)
		if err != nil || standing.Objected(p.clock) {
			return false, err // since the copy was taken that the score was made from
		}
		glance.objects = standing.MayObject()
	}
	last = last.After(t)
	w := packer{b: append(p.scratch[:0], before...), dict: p.dict}
	w.last(&last)
	w.b = append(w.b, behind...)
	p.scratch, slot.packed, glance.stands = w.b, string(w.b), last.Known
	return true, nil
}

// lastIn finds in what is packed of a customer what was told last, what lies before it, and the standing behind it.
func (p *Partition) lastIn(packed string) (before string, last churn.Last, behind string, err error) {
	r := unpacker{s: packed, dict: p.dict}
	if _, closed := r.homeHash(); closed || r.err != nil {
		return packed, last, "", r.err
	}
	r.passSignals()
	before = packed[:len(packed)-len(r.s)]
	if last = r.last(); r.err != nil {
		return "", last, "", r.err
	}
	return before, last, r.s, nil
}

// signalled says which signals a telling raised and cleared.
func (w *writer) signalled(t *churn.Telling) error {
	for _, cleared := range t.Cleared {
		s := churn.Signal{Kind: cleared.Kind, ClearedAt: t.AsOf, ClearedWhy: cleared.Why}
		if err := w.asKnown(t.Customer, &s, t.Segment); err != nil {
			return err
		}
	}
	for _, raised := range t.Raised {
		s := churn.Signal{Kind: raised.Kind, RaisedAt: t.AsOf, ClearedAt: journey.Never, Evidence: raised.Evidence, Value: raised.Value, Limit: raised.Limit}
		if err := w.asKnown(t.Customer, &s, t.Segment); err != nil {
			return err
		}
	}
	return nil
}

// scoreDay takes the word that all customers were scored as of a midnight.
func (p *Partition) scoreDay(m *Message, e *event.Event, c *Changes) {
	day, err := churn.ReadScoredDay(e)
	if err != nil {
		p.report(m, e, "data", "a day that was scored: "+err.Error(), c)
		return
	}
	if p.scored.any && day.AsOf <= p.scored.asOf {
		return
	}
	p.scored = scoredDays{true, day.AsOf}
	if p.Number != 0 {
		return
	}
	p.forgetModels(day.AsOf)
	row := ScoredDayRow{AsOf: day.AsOf, Model: day.Model, Scored: uint32(day.Scored), Told: uint32(day.Told), Position: m.Position, Partition: p.Number}
	p.tally.add(tableScoredDays, said{row.Content(), m.Position})
	c.Rows.ScoredDays = append(c.Rows.ScoredDays, row)
}

func scoreRow(t *churn.Telling, position uint64, partition int) ChurnScoreRow {
	row := ChurnScoreRow{
		AsOf: t.AsOf, CustomerID: t.Customer, Position: position, Partition: partition, Model: t.Model, Prior: t.Prior, Segment: t.Segment,
		Captive: t.Captive, Margin: t.Margin, P: t.P, Low: t.Low, High: t.High, Base: t.Base, Projection: t.Projection, ValueAtRisk: t.ValueAtRisk,
		ValueAtRiskBase: t.ValueAtRiskBase, VoiceRisk: t.VoiceRisk, ExpectedUses: t.ExpectedUses, RecentUses: uint32(max(0, t.RecentUses)),
		Reasons: t.Reasons, Ended: t.Ended,
	}
	if t.Ended != "" {
		none := math.NaN()
		nones := [3]float64{none, none, none}
		row.Margin, row.P, row.Low, row.High, row.Base = none, nones, nones, nones, nones
		row.ValueAtRisk, row.ValueAtRiskBase, row.VoiceRisk, row.ExpectedUses = none, none, none, none
	}
	return row
}

// last writes what was told last of a customer: some 25 bytes.
func (p *packer) last(l *churn.Last) {
	flags := byte(0)
	for i, v := range [...]bool{l.Told(), l.Known, l.P == l.P, l.Voice == l.Voice, l.Uses == l.Uses} { // the last three: is no NaN
		if v {
			flags |= 1 << i
		}
	}
	if !l.Told() {
		p.byte(0)
		return
	}
	p.byte(flags)
	p.int(int64(l.Day))
	if !l.Known {
		return
	}
	for _, v := range [...]float32{l.P, l.Voice, l.Uses} {
		if v == v {
			p.uint(uint64(math.Float32bits(v)))
		}
	}
	p.uint(uint64(l.Says))
	p.byte(byte(l.Open))
	for _, family := range l.Reasons {
		p.byte(byte(family))
		p.byte(byte(family >> 8))
	}
}

// passSignals passes over the signals of a customer.
func (u *unpacker) passSignals() {
	var signal signalMemo
	for range u.count() {
		u.signal(&signal)
	}
}

// lastBehindSignals is what was told last of a customer.
func (u *unpacker) lastBehindSignals() churn.Last {
	u.passSignals()
	return u.last()
}

func (u *unpacker) last() (l churn.Last) {
	flags := u.byte()
	if flags == 0 {
		return l
	}
	l.Day, l.Known = int32(u.int()), flags&2 != 0
	if !l.Known {
		return l
	}
	for i, v := range [...]*float32{&l.P, &l.Voice, &l.Uses} {
		if *v = float32(math.NaN()); flags&(4<<i) != 0 {
			*v = math.Float32frombits(uint32(u.uint()))
		}
	}
	l.Says, l.Open = uint32(u.uint()), churn.Open(u.byte())
	for i := range l.Reasons {
		l.Reasons[i] = uint16(u.byte()) | uint16(u.byte())<<8
	}
	return l
}
