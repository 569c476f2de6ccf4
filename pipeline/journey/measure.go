package journey

import (
	"strings"

	"parcours/pipeline/event"
	"parcours/pipeline/rules"
)

// VariantSeparator stands between the activities of a variant.
const VariantSeparator = " > "

// Variant is the path in process-mining terms: the activities in order, each as often as it came.
func (j *Journey) Variant() string {
	names := make([]string, len(j.Steps))
	for i, e := range j.Steps {
		names[i] = e.Activity()
	}
	return strings.Join(names, VariantSeparator)
}

// VariantCollapsed is the variant with runs of one activity written once.
func (j *Journey) VariantCollapsed() string {
	var names []string
	for _, e := range j.Steps {
		if a := e.Activity(); len(names) == 0 || names[len(names)-1] != a {
			names = append(names, a)
		}
	}
	return strings.Join(names, VariantSeparator)
}

// Runs says how often each activity of the collapsed variant came in its run: together they give the variant again.
func (j *Journey) Runs() []uint32 {
	var runs []uint32
	for i, e := range j.Steps {
		if i == 0 || e.Activity() != j.Steps[i-1].Activity() {
			runs = append(runs, 0)
		}
		runs[len(runs)-1]++
	}
	return runs
}

// Again counts the runs of an activity that came before in the journey: a repeat where the same unit does it as the last
// time, a redo where another does. A step that names no unit is no other's.
func (j *Journey) Again() (repeats, redos uint32) {
	last := make(map[string]string, len(j.Steps)) // activity -> the unit that did it last
	before := ""
	for i, e := range j.Steps {
		activity := e.Activity()
		unit, known := last[activity]
		switch {
		case !known || i > 0 && activity == before:
		case unit != "" && e.Data.Unit != "" && e.Data.Unit != unit:
			redos++
		default:
			repeats++
		}
		if e.Data.Unit != "" || !known {
			unit = e.Data.Unit
		}
		last[activity], before = unit, activity
	}
	return repeats, redos
}

// Working is how long the company worked on the journey, in seconds.
func (j *Journey) Working(book *rules.Book) (sum float64) {
	for _, e := range j.Steps {
		sum += WorkingMinutes(e, book)
	}
	return sum * 60
}

// Value is what the customer bought in the journey, in the book's currency: the sum of what its orders and transactions say.
func (j *Journey) Value() (sum float64) {
	for _, e := range j.Steps {
		if v := e.Data.Value; v != nil && (e.Type == event.OrderPlaced || e.Type == event.TransactionCompleted) {
			sum += *v
		}
	}
	return sum
}

// Handoffs counts the changes of unit from one step to the next; a step that names no unit is passed over.
func (j *Journey) Handoffs() uint32 {
	return changes(j.Steps, func(e *event.Event) string { return e.Data.Unit })
}

// SiloHandoffs counts the changes of silo in the same way.
func (j *Journey) SiloHandoffs() uint32 {
	return changes(j.Steps, func(e *event.Event) string { return e.Data.Silo })
}

func changes(steps []*event.Event, of func(*event.Event) string) (n uint32) {
	last := ""
	for _, e := range steps {
		v := of(e)
		if v != "" && last != "" && v != last {
			n++
		}
		if v != "" {
			last = v
		}
	}
	return n
}

// Distinct lists the values of the steps, each once, in order of first appearance, without empty ones.
func (j *Journey) Distinct(of func(*event.Event) string) []string {
	list := []string{}
	for _, e := range j.Steps {
		if v := of(e); v != "" {
			list = with(list, v)
		}
	}
	return list
}

// Cost is the cost to serve: the sum of the costs of the steps, in the book's currency.
func (j *Journey) Cost(book *rules.Book) (sum float64) {
	for _, e := range j.Steps {
		sum += StepCost(e, book)
	}
	return sum
}

// StepCost is working minutes x the silo's loaded hourly rate (product.md, Money), by the rules of its moment.
func StepCost(e *event.Event, book *rules.Book) float64 {
	minutes := WorkingMinutes(e, book)
	if minutes == 0 {
		return 0
	}
	book = book.At(e.At)
	return minutes / 60 * book.Rate(book.OwnerOf(e.Data.Silo, event.ReasonFamily(e.Data.Reason)))
}

// WorkingMinutes are those that the company worked on a step. A contact is counted where it ends, a reply where it is sent;
// a source that sends no durations gets the book's default minutes for the channel. Internal steps and saying something
// again take what the book says.
func WorkingMinutes(e *event.Event, book *rules.Book) float64 {
	d := &e.Data
	book = book.At(e.At)
	switch {
	case e.Type == event.ContactEnded || e.Type == event.MessageReplied:
		if d.TalkS == nil && d.HoldS == nil && d.WrapS == nil {
			return book.DefaultMinutes[d.Channel]
		}
		return (seconds(d.TalkS) + seconds(d.HoldS) + seconds(d.WrapS)) / 60
	case e.Type == event.InformationRepeated:
		return book.RepeatMinutes
	case Internal(e):
		return book.WorkMinutes
	}
	return 0
}

// Internal says whether a step is work inside the company: a step, an approval, an activity of a log from anywhere.
func Internal(e *event.Event) bool {
	switch e.Type {
	case event.StepPerformed, event.ApprovalRequested, event.ApprovalGiven:
		return true
	}
	return event.SpecOf(e.Type).Family == event.FamilyOther
}

// CostOf is the cost of a contact.
func (c *Contact) CostOf(book *rules.Book) (sum float64) {
	for _, e := range c.Steps {
		sum += StepCost(e, book)
	}
	return sum
}

func seconds(s *float64) float64 {
	if s == nil {
		return 0
	}
	return *s
}
