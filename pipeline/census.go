package pipeline

import (
	"parcours/pipeline/churn"
	"parcours/pipeline/event"
	"parcours/pipeline/journey"
)

// Census is a copy of the customers of a partition as they were at one moment, to be read while the fold goes on.
type Census struct {
	packed []string
	dict   *dictionary

	// Passed is how many customers were passed over whose score stands as it was told.
	Passed int
}

// glance is as much of a customer as it takes to say whether he is to be looked at: it lies beside what is packed, so that one who
// is passed over costs no more than that. It follows from what is packed.
type glance struct {
	settled event.Instant // up to where what is known is settled; journey.Never where nothing is yet
	turn    uint8         // his day of seven
	closed  bool
	stands  bool // a score of him stands
	objects bool // he may have objected: what is packed says whether he has
}

// LookEvery is the number of days within which a customer is looked at again about whom nothing came: one day of each seven is
// theirs, by a hash of who they are.
const LookEvery = 7

// Census copies the customers: two words each, since what is packed is never changed.
func (p *Partition) Census() *Census {
	c := p.census(len(p.customers.slots))
	for i := range p.customers.slots {
		c.packed = append(c.packed, p.customers.slots[i].packed)
	}
	return c
}

func (p *Partition) census(most int) *Census {
	return &Census{packed: make([]string, 0, most), dict: &dictionary{words: p.dict.words[:len(p.dict.words):len(p.dict.words)]}}
}

// CensusDue is a census of those whose score may read otherwise as of a midnight than as of the last one that was scored: about
// whom something came since, or with whom something fell due; and of the others those whose day of seven has come since. Where
// none was scored yet, that is everybody. Who that is follows from the log and the midnight alone, so that an attempt that is
// made again looks at the same customers.
func (p *Partition) CensusDue(asOf event.Instant) *Census {
	if !p.scored.any {
		return p.Census()
	}
	c := p.census(len(p.customers.slots) / LookEvery)
	unsettled, turns := p.unsettled(), turnsSince(p.scored.asOf, asOf)
	for i := range p.customers.glances {
		switch g := &p.customers.glances[i]; {
		case g.closed:
		case turns[g.turn] || g.settled == journey.Never || g.settled.Add(unsettled) >= p.scored.asOf:
			c.packed = append(c.packed, p.customers.slots[i].packed)
		case g.stands:
			c.Passed++
		}
	}
	return c
}

// turnsSince says of each day of seven whether it has come since a midnight.
func turnsSince(scored, asOf event.Instant) (turns [LookEvery]bool) {
	since, now := churn.DayOf(scored), churn.DayOf(asOf)
	for turn := range turns {
		ago := (now%LookEvery + LookEvery + int32(turn)) % LookEvery // days since the last one
		turns[turn] = ago < now-since
	}
	return turns
}

// JudgedOtherwise says whether another model or rule book is in force at a midnight than at the last one that was scored, so that
// everybody is to be looked at; or none was scored. Partition 0 alone knows.
func (p *Partition) JudgedOtherwise(asOf event.Instant) bool {
	then := p.scored.asOf
	return !p.scored.any || p.ModelAt(then) != p.ModelAt(asOf) || p.Book.At(then) != p.Book.At(asOf)
}

// Each gives every customer of the census of whom something is known, with what was told last, in an order that follows from the
// log alone. What is given is valid until the next one is. It stops at the first error.
func (c *Census) Each(each func(customer string, s *churn.Standing, last churn.Last) error) error {
	var room churn.Room
	for _, packed := range c.packed {
		id, standing, last, err := c.read(packed, &room)
		if err != nil {
			return err
		}
		if standing == nil || standing.Empty() && !last.Known {
			continue
		}
		if err := each(id, standing, last); err != nil {
			return err
		}
	}
	return nil
}

// read unpacks of a customer what a score is made from, the standing into room that is used again; nil of one who is closed.
func (c *Census) read(packed string, room *churn.Room) (id string, standing *churn.Standing, last churn.Last, err error) {
	r := unpacker{s: packed, dict: c.dict}
	id, closed := r.home()
	if closed || r.err != nil {
		return id, nil, last, r.err
	}
	if last = r.lastBehindSignals(); r.err != nil {
		return id, nil, last, r.err
	}
	standing, err = room.StandingIn(r.s)
	return id, standing, last, err
}

// glanceAt is a glance at a customer. Whenever something comes or falls due, what is known of him is settled up to a time before the
// clock: so that says when it was. When a midnight is scored, clocks have reached it: what came until then came before them.
func (c *customer) glanceAt(turn uint8) glance {
	g := glance{settled: journey.Never, turn: turn, closed: c.closed, stands: c.last.Known && !c.closed}
	if settled, any := c.standing.Settled(); any && !c.closed {
		g.settled = settled
	}
	g.objects = !c.closed && c.standing.MayObject()
	return g
}

// turnOf is the day of seven of a customer.
func turnOf(packed string) uint8 {
	u := unpacker{s: packed}
	hash, _ := u.homeHash()
	return uint8(hash % LookEvery)
}

// glanceIn is a glance at a customer who is not unpacked: no more of him is read.
func glanceIn(packed string, dict *dictionary) (glance, error) {
	g := glance{settled: journey.Never, turn: turnOf(packed)}
	r := unpacker{s: packed, dict: dict}
	if _, g.closed = r.homeHash(); g.closed || r.err != nil {
		return g, r.err
	}
	g.objects = true // for all that is read here
	if g.stands = r.lastBehindSignals().Known; r.err != nil {
		return g, r.err
	}
	settled, any, err := churn.SettledIn(r.s)
	if any {
		g.settled = settled
	}
	return g, err
}
