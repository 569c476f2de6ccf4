package pipeline

import (
	"time"

	"parcours/pipeline/churn"
	"parcours/pipeline/event"
)

// Census is a copy of the customers of a partition as they were at one moment, to be read while the fold goes on.
type Census struct {
	packed []string
	dict   *dictionary
	due    *dueCensus // nil for everybody

	// Passed is how many customers Each passed over whose score stands as it was told.
	Passed int
}

// dueCensus says who is to be looked at as of a midnight. It follows from the log and the midnight alone, so that an attempt
// that is made again looks at the same customers.
type dueCensus struct {
	scored    event.Instant // the midnight that was scored last
	asOf      event.Instant
	unsettled time.Duration
}

// LookEvery is the number of days within which a customer is looked at again about whom nothing came: one day of each seven is
// theirs, by a hash of who they are.
const LookEvery = 7

// Census copies the customers: two words each, since what is packed is never changed.
func (p *Partition) Census() *Census {
	c := &Census{packed: make([]string, len(p.customers.slots)), dict: &dictionary{words: p.dict.words[:len(p.dict.words):len(p.dict.words)]}}
	for i := range p.customers.slots {
		c.packed[i] = p.customers.slots[i].packed
	}
	return c
}

// CensusDue is a census of those whose score may read otherwise as of a midnight than as of the last one that was scored: about
// whom something came since, or with whom something fell due; and of the others those whose day of seven has come since. Where
// none was scored yet, that is everybody.
func (p *Partition) CensusDue(asOf event.Instant) *Census {
	c := p.Census()
	if p.scored.any {
		c.due = &dueCensus{p.scored.asOf, asOf, p.unsettled()}
	}
	return c
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
	for _, packed := range c.packed {
		passed, err := c.passes(packed)
		if err != nil {
			return err
		}
		if passed {
			continue
		}
		one, err := unpackCustomer(packed, c.dict)
		if err != nil {
			return err
		}
		if one.closed || one.standing.Empty() && !one.last.Known {
			continue
		}
		if err := each(one.id, &one.standing, one.last); err != nil {
			return err
		}
	}
	return nil
}

// passes says whether a customer is passed over, and counts him where a score of him stands.
func (c *Census) passes(packed string) (bool, error) {
	if packed == "" || c.due == nil {
		return packed == "", nil
	}
	due, last, err := c.due.look(packed, c.dict)
	if !due && last.Known {
		c.Passed++
	}
	return !due, err
}

// look says whether a customer is due, without unpacking him, and what was told last. Whenever something comes or falls due, what
// is known of him is settled up to a time before the clock: so that says when it was. When a midnight is scored, clocks have reached it:
// what came until then came before them.
func (d *dueCensus) look(packed string, dict *dictionary) (due bool, last churn.Last, err error) {
	r := unpacker{s: packed, dict: dict}
	hash, closed := r.homeHash()
	if closed {
		return false, last, r.err
	}
	var signal signalMemo
	for range r.count() {
		r.signal(&signal)
	}
	last = r.last()
	if r.err != nil {
		return false, last, r.err
	}
	settled, any, err := churn.SettledIn(r.s)
	return !any || settled.Add(d.unsettled) >= d.scored || d.turn(hash), last, err
}

// turn says whether the day of seven of a customer has come since the midnight that was scored last.
func (d *dueCensus) turn(hash uint32) bool {
	since, now := churn.DayOf(d.scored), churn.DayOf(d.asOf)
	ago := (now%LookEvery + LookEvery + int32(hash%LookEvery)) % LookEvery // days since his last one
	return ago < now-since
}
