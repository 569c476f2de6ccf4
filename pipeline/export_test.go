package pipeline

import "parcours/pipeline/event"

// HoldAll makes a partition hold everything for ever, whatever the horizon.
func HoldAll(p *Partition) { p.holdAll = true }

// FailOn makes folds fail as a defect would.
func FailOn(fail func([]*event.Event)) { failing = fail }

// FailLookAt makes the fold fail as a defect would when it looks at a customer.
func FailLookAt(fail func(customer string)) { failingLook = fail }
