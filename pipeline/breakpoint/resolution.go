package breakpoint

import (
	"parcours/pipeline/event"
	"parcours/pipeline/rules"
)

// ContactEnded is an inbound contact of an identified customer that ended with somebody having handled it, and whether that
// resolved it, three ways: the customer did not come back for the same full reason, or for any, or says so himself. Whether
// he came back, was invited, and is the same customer is what repeat_contact says; the normal path plays no part.
type ContactEnded struct {
	At        event.Instant // it ended
	MaturesAt event.Instant // the repeat window has closed, late events apart
	Reason    string        // the last one stated in it; "" for none
	Silo      string        // of its last event, else the one that owns the reason
	Unit      string        // of its last event
	Channel   event.Channel
	First     bool   // it does not itself come back, for the same full reason, after another that was handled
	BackSame  bool   // the customer came back for the same full reason within the window, uninvited
	BackAny   bool   // he came back for whatever reason
	Surveyed  bool   // a survey about it was sent within the window
	Resolved  *bool  // what the last survey answered about it within the window says; nil where none says it
	Rules     string // version of those in force when it ended
}

// contactsEnded lists those of each journey, in the order of their first events.
func (s *scope) contactsEnded() {
	if len(s.visits) == 0 {
		return
	}
	s.visits = s.stretches()
	outreach, handled := s.outreach(), s.handled()
	for i, v := range s.visits {
		if handled[i].closes == 0 || !v.identified() {
			continue
		}
		c := s.contactEnded(v, handled[i].closes)
		c.First = !s.comesBackToOne(i, handled, outreach)
		c.BackSame, c.BackAny = s.comesBack(i, c.MaturesAt, outreach)
		n := s.numberOf(v.journey)
		s.found.Contacts[n] = append(s.found.Contacts[n], c)
	}
}

// stretches are the visits, each that was silent for longer than its window divided there: what it had ended with is settled by
// then, whatever becomes of its id.
func (s *scope) stretches() []visit {
	var list []visit
	for i, v := range s.visits {
		parts := v.Stretches(s.rules(v.Start).Repeat.Of(rules.Where{Reason: v.Reason, Channel: v.Channel}))
		if len(parts) > 1 && list == nil {
			list = append(make([]visit, 0, len(s.visits)+len(parts)), s.visits[:i]...)
		}
		for _, part := range parts {
			if list != nil && part.WithSomebody() {
				list = append(list, visit{part, v.journey})
			}
		}
	}
	if list == nil {
		return s.visits
	}
	sortVisits(list)
	return list
}

// window is when that of a visit closes, and the latest that one of it or of those before it does.
type window struct {
	closes event.Instant // 0 for a visit that did not end having been handled
	latest event.Instant
}

// handled gives the windows of the visits.
func (s *scope) handled() []window {
	list, latest := make([]window, len(s.visits)), event.Instant(0)
	for i, v := range s.visits {
		if v.Ended(v.End) && v.handled() {
			list[i].closes = v.End.Add(s.repeatWindow(v))
			latest = max(latest, list[i].closes)
		}
		list[i].latest = latest
	}
	return list
}

func (s *scope) contactEnded(v visit, closes event.Instant) ContactEnded {
	last := v.Last()
	c := ContactEnded{
		At: v.End, MaturesAt: closes, Reason: v.Reason, Unit: last.Data.Unit, Channel: v.Channel,
		Silo: owner(s.rules(v.End), last.Data.Silo, v.Reason), Rules: s.rules(v.End).Version(),
	}
	for _, e := range v.Steps {
		switch {
		case e.At > c.MaturesAt:
		case e.Type == event.SurveySent:
			c.Surveyed = true
		case e.Type == event.SurveyAnswered && e.Data.Resolved != nil:
			c.Resolved = e.Data.Resolved
		}
	}
	return c
}

// comesBack says whether a visit of the customer followed until an instant: for the same full reason, and for any.
func (s *scope) comesBack(i int, until event.Instant, outreach []*event.Event) (same, whatever bool) {
	earlier := s.visits[i]
	for _, later := range s.visits[i+1:] {
		if later.Start > until || same {
			break
		}
		if returns(earlier, later) && !invited(outreach, earlier, later) {
			whatever = true
			same = event.ReasonFamily(earlier.Reason) != "" && repeats(earlier, later)
		}
	}
	return same, whatever
}

// comesBackToOne says whether a visit comes back, for the same full reason, after one before it that was handled.
func (s *scope) comesBackToOne(i int, handled []window, outreach []*event.Event) bool {
	later := s.visits[i]
	if event.ReasonFamily(later.Reason) == "" {
		return false
	}
	for k := i - 1; k >= 0 && handled[k].latest >= later.Start; k-- {
		earlier := s.visits[k]
		if handled[k].closes >= later.Start && repeats(earlier, later) && !invited(outreach, earlier, later) {
			return true
		}
	}
	return false
}

// identified says whether an event of the contact names its customer.
func (v visit) identified() bool {
	for _, e := range v.Steps {
		if e.Data.Customer != "" {
			return true
		}
	}
	return false
}

// handled says whether somebody had dealt with the contact when it ended: it was answered, replied to or ended, or passed on
// by whoever had it. One that the customer gave up, that was refused, that a bot handed over or that nobody ever answered was
// not; and a contact.ended says that it was over, not that anybody spoke, where he had given up before.
func (v visit) handled() (handled bool) {
	failed := false
	for _, e := range v.Steps {
		switch e.Type {
		case event.ContactAnswered, event.ContactTransferred, event.MessageReplied, event.BotAnswered:
			handled, failed = true, false
		case event.ContactEnded:
			handled = handled || !failed || talked(e)
		case event.ContactAbandoned, event.ContactRefused, event.BotHandedOver:
			handled, failed = false, true
		}
	}
	return handled
}

// talked says whether a contact.ended shows that somebody spoke.
func talked(e *event.Event) bool { return e.Data.TalkS != nil && *e.Data.TalkS > 0 }
