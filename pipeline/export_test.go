package pipeline

import (
	"fmt"

	"parcours/pipeline/churn"
	"parcours/pipeline/event"
	"parcours/pipeline/journey"
)

// HoldAll makes a partition hold everything for ever, whatever the horizon.
func HoldAll(p *Partition) { p.holdAll = true }

// FailOn makes folds fail as a defect would.
func FailOn(fail func([]*event.Event)) { failing = fail }

// FailLookAt makes the fold fail as a defect would when it looks at a customer.
func FailLookAt(fail func(customer string)) { failingLook = fail }

// EachDue is CensusDue and Each the long way: every customer is unpacked, and whether he is due follows from what was unpacked.
// passed is how many are passed over whose score stands.
func EachDue(p *Partition, asOf event.Instant, each func(customer string, s *churn.Standing, last churn.Last)) (passed int, err error) {
	for i := range p.customers.slots {
		packed := p.customers.slots[i].packed
		c, err := unpackCustomer(packed, p.dict)
		if err != nil {
			return 0, err
		}
		switch due := !p.scored.any || c.due(packed, p, asOf); {
		case c.closed:
		case due && (!c.standing.Empty() || c.last.Known):
			each(c.id, &c.standing, c.last)
		case !due && c.last.Known:
			passed++
		}
	}
	return passed, nil
}

func (c *customer) due(packed string, p *Partition, asOf event.Instant) bool {
	settled, any := c.standing.Settled()
	if !any || settled.Add(p.unsettled()) >= p.scored.asOf {
		return true
	}
	for day := churn.DayOf(p.scored.asOf) + 1; day <= churn.DayOf(asOf); day++ {
		if (day+int32(turnOf(packed)))%LookEvery == 0 {
			return true
		}
	}
	return false
}

// CheckCustomers says whether what is packed of each customer is what packing him again gives, and whether what is seen of him at a
// glance is so.
func CheckCustomers(p *Partition) error {
	for i := range p.customers.slots {
		packed, seen := p.customers.slots[i].packed, p.customers.glances[i]
		c, err := unpackCustomer(packed, p.dict)
		if err != nil {
			return err
		}
		if again := p.packCustomer(c); again != packed {
			return fmt.Errorf("%s is packed as %x, and again as %x", c.id, packed, again)
		}
		read, err := glanceIn(packed, p.dict)
		if err != nil {
			return err
		}
		read.objects = seen.objects
		settled, any := c.standing.Settled()
		want := glance{settled: journey.Never, turn: turnOf(packed), closed: c.closed, stands: c.last.Known, objects: seen.objects}
		if any {
			want.settled = settled
		}
		if seen != want || read != want {
			return fmt.Errorf("%s: %+v is seen, %+v read, want %+v", c.id, seen, read, want)
		}
		state := c.standing.State(p.clock, p.signalRules())
		if state.Objected() != c.standing.Objected(p.clock) || state.Objected() && !seen.objects {
			return fmt.Errorf("%s objected: %v, %v, %v", c.id, state.Objected(), c.standing.Objected(p.clock), seen.objects)
		}
	}
	return nil
}
