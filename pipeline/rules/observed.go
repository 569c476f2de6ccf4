package rules

import (
	"slices"
	"time"

	"parcours/pipeline/event"
)

// Observed is what a log shows of the company's normal life: what Suggest goes by.
type Observed struct {
	Paths      []ObservedPath
	Gaps       []ObservedGap
	Silences   []ObservedSilence
	Containers []ObservedCase
	Begun      []ObservedBeginning
}

// ObservedPath says what journeys of a reason stay within: those that were resolved, or all where none was.
type ObservedPath struct {
	Reason   string // full reason, or a family, or "" for journeys without a reason
	Journeys uint64
	Closed   uint64        // of those with a case: resolved
	Contacts uint64        // half have no more: what the others take may be the failure
	Handoffs uint64        // moves across silos: half have no more
	Loops    uint64        // how often one internal step comes in one silo: nine of ten have no more
	Took     time.Duration // from the first step to the last, of those closed: nine of ten
}

// ObservedGap says after how many days customers come back for one reason family.
type ObservedGap struct {
	Family  string
	Returns [GapDays]uint64 // pairs of consecutive contacts, by whole days between them
}

// GapDays is how far apart two contacts are looked at: in its second half they have nothing to do with one another.
const GapDays = 60

// ObservedSilence says how long open cases of a reason family lie still, waiting on nobody outside.
type ObservedSilence struct {
	Family  string        // "" for cases without a reason
	Cases   uint64        // that were resolved or closed
	Longest time.Duration // nine of ten were never silent for longer
}

// ObservedCase is a case that looks like a customer file.
type ObservedCase struct {
	Case     string
	Lived    time.Duration
	Families uint64
	Contacts uint64
}

// ObservedBeginning says of a kind how many journeys have in them what begins an opportunity, sent by a source, and in how
// many of those anything came that would clear it, from whomever.
type ObservedBeginning struct {
	Clearing
	Source   string
	Journeys uint64
	Cleared  uint64
}

// mostlyWithoutReason says whether more than half of all journeys have no reason: only they say what is normal for all.
func (o *Observed) mostlyWithoutReason() bool {
	var without, all uint64
	for _, p := range o.Paths {
		if isFull(p.Reason) {
			continue // its family counts it
		}
		if all += p.Journeys; p.Reason == "" {
			without += p.Journeys
		}
	}
	return 2*without > all
}

// mostCasesWithoutReason says the same of cases.
func (o *Observed) mostCasesWithoutReason() bool {
	var without, all uint64
	for _, s := range o.Silences {
		if all += s.Cases; s.Family == "" {
			without += s.Cases
		}
	}
	return 2*without > all
}

// clears says whether any clock of a kind that a source begins was ever cleared.
func (o *Observed) clears(kind, source string) bool {
	return slices.ContainsFunc(o.Begun, func(n ObservedBeginning) bool { return n.Kind == kind && n.Source == source && n.Cleared > 0 })
}

// Clearing says of a kind which event types begin an opportunity, and which would clear it.
type Clearing struct {
	Kind   string
	Begins []string // none: any work inside the company
	Clears []string
	OfCase bool // what begins it names a case
}

// InternalTypes are the event types of work inside the company that product.md names.
func InternalTypes() []string {
	return []string{event.StepPerformed, event.ApprovalRequested, event.ApprovalGiven}
}

// NamedTypes are all event types that product.md names.
func NamedTypes() []string {
	list := make([]string, 0, len(event.Specs))
	for _, s := range event.Specs {
		list = append(list, s.Type)
	}
	return list
}
