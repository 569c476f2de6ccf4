package simulate

import (
	"slices"
	"time"

	"parcours/pipeline/event"
)

// transfers moves the customer on, once in a need: to the silo that can solve it, or around.
func (st *story) transfers(c *contact) {
	p := &st.parameters.Moves
	if st.desk != "" || c.data.Silo == branches || !st.by(p.POwner) {
		return
	}
	if !st.fails(SiloHandoff, c.data.Unit, p.PWander) {
		st.move(c, st.kind.Silo)
		st.desk = c.data.Silo
		return
	}
	st.wander(c)
	st.desk = c.data.Silo
}

// wander is a way through three or more silos, or there and back. It is a failure when it is longer than anybody likes, or
// as soon as it comes back to where the customer was.
func (st *story) wander(c *contact) {
	been, told := []string{c.data.Silo}, false
	for _, to := range st.path(c.data.Silo) {
		if to == c.data.Silo {
			continue
		}
		sender := c.data
		at := st.now
		st.move(c, to)
		if !told && (len(been) > st.parameters.Moves.Most || slices.Contains(been, to)) {
			st.fail(SiloHandoff, at, "sent from desk to desk", sender, c.unknown)
			told = true
		}
		been = append(been, to)
	}
}

// path is where the customer is sent.
func (st *story) path(from string) (path []string) {
	through := st.parameters.Moves.Through
	if st.by(0.3) {
		return []string{through[0], from}
	}
	for _, silo := range through {
		if silo != st.kind.Silo {
			path = append(path, silo)
		}
	}
	return append(path, st.kind.Silo)
}

// move hands the customer to another silo, where somebody answers after a while, and sometimes asks everything again.
func (st *story) move(c *contact, to string) {
	if to == c.data.Silo {
		return
	}
	unit := st.unit(to)
	st.say(c, event.ContactTransferred, func(d *event.Data) { d.ToSilo, d.ToUnit = to, unit })
	c.data.Silo, c.data.Unit = to, unit
	st.answer(c, time.Duration(5+st.rng.IntN(80))*time.Second)
	st.sayAgain(c)
	st.pass(time.Duration(60+st.rng.IntN(300)) * time.Second)
}

// sayAgain: the customer must say everything again, which is borne once.
func (st *story) sayAgain(c *contact) {
	p := &st.parameters.Moves
	if !st.fails(RepeatedInformation, c.data.Unit, p.PRepeat) {
		return
	}
	st.pass(40 * time.Second)
	d := c.data
	d.WaitS = nil
	st.tell(crm, event.InformationRepeated, d)
	if st.said++; st.said > p.MostSaid && st.saidIn != c.id {
		st.fail(RepeatedInformation, st.now, "had to say everything again", c.data, c.unknown)
		st.saidIn = c.id
	}
}

// bounce sends the customer of a contact that solved nothing to another channel, where nobody can help and which sends
// back; it says whether that solved it.
func (st *story) bounce(channel *event.Channel, contacts *int) (solved bool) {
	p := &st.parameters.Moves
	first := st.last
	if first.ended == 0 || first.vain || st.bounced || !st.fails(ChannelPingPong, first.data.Unit, p.PBounce) || st.cut {
		return false
	}
	home := *channel
	for _, away := range [...]event.Channel{event.Phone, event.Store, event.Chat} {
		if away != home && st.kind.Channel.of(away) > 0 {
			st.pass(st.span(p.After))
			st.goTo(away, true)
			st.pass(st.span(p.After))
			*contacts += 2
			return st.contact(home)
		}
	}
	return false
}

// errand follows the customer from channel to channel, as long as it is one and the same errand.
func (st *story) errand(c *contact) {
	last := len(st.trail) - 1
	if last < 0 || st.trail[last].ended == 0 || c.began.Sub(st.trail[last].ended) >= st.parameters.Moves.Same.To || c.began < st.trail[last].ended {
		st.trail = []*contact{c}
		return
	}
	st.trail = append(st.trail, c)
	if st.bounced || st.trail[last].data.Channel == c.data.Channel {
		return
	}
	hidden := false
	back := false
	for _, x := range st.trail {
		hidden = hidden || x.hidden()
		back = back || x != c && x.data.Channel == c.data.Channel
	}
	if back {
		st.bounced = true
		st.fail(ChannelPingPong, c.began, "sent from one channel to another and back", st.trail[last].data, hidden)
	}
}
