// Package evaluate says how good the breakpoints of a data directory are where the truth is known: it compares them with a
// slow reference of every rule over the true histories (agreement with the rule), and with what the made-up company did
// wrong to its customers (agreement with the need). It computes only: truth and breakpoints are handed to it.
package evaluate

import (
	"fmt"

	"parcours/pipeline/evaluate/reference"
	"parcours/pipeline/event"
	"parcours/pipeline/rules"
)

// Found is a breakpoint as the tables show it.
type Found struct {
	Kind       string
	Origin     string // "source id" of the origin event
	Unit       string
	Reason     string
	OccurredAt event.Instant
	DetectedAt event.Instant

	OpportunityAt event.Instant
}

// Options say what to compare with.
type Options struct {
	Book   *rules.Book
	Clock  event.Instant // as of which moment the tables say what they say
	Show   string        // a kind whose disagreements are told with the events around them; "" for none
	Raised []Raised      // alerts, oldest first
	// Progress, if given, is called now and then: how many parts of the company are judged, of how many.
	Progress func(done, of int)
}

// Report is what an evaluation says.
type Report struct {
	Kinds           map[string]Agreement `json:"kinds"`             // with what was sent
	KindsAsHappened map[string]Agreement `json:"kinds_as_happened"` // with what truly happened: no rule can see more
	Need            Need                 `json:"need"`
	Alerts          Alerts               `json:"alerts"`
	Events          int                  `json:"events"`
	Unsent          int                  `json:"unsent"`
	Clock           string               `json:"clock"`

	Disagreements []Disagreement `json:"-"` // of Options.Show, by time
}

// Evaluate compares breakpoints with a truth that was read to its end for them.
func Evaluate(truth *Truth, found []Found, o Options) (*Report, error) {
	if o.Progress == nil {
		o.Progress = func(int, int) {}
	}
	judge, err := reference.New(o.Book, truth.first, truth.last)
	if err != nil {
		return nil, fmt.Errorf("evaluate: %w", err)
	}
	verdict, err := truth.judge(judge, found, o)
	if err != nil {
		return nil, fmt.Errorf("evaluate: %w", err)
	}
	r := &Report{
		Kinds:           agreements(verdict.sent, found),
		KindsAsHappened: agreements(verdict.happened, found),
		Need:            truth.need(found),
		Alerts:          truth.alerts(o.Raised, found),
		Events:          truth.events,
		Unsent:          truth.unsent,
		Clock:           o.Clock.String(),
		Disagreements:   verdict.disagreements,
	}
	return r, nil
}
