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

// StepCost is working minutes x the silo's loaded hourly rate (product.md, Money). A contact is charged where it ends, a
// reply where it is sent; a source that sends no durations gets the book's default minutes for the channel.
func StepCost(e *event.Event, book *rules.Book) float64 {
	if e.Type != event.ContactEnded && e.Type != event.MessageReplied {
		return 0
	}
	d := &e.Data
	minutes := (seconds(d.TalkS) + seconds(d.HoldS) + seconds(d.WrapS)) / 60
	if d.TalkS == nil && d.HoldS == nil && d.WrapS == nil {
		minutes = book.DefaultMinutes[d.Channel]
	}
	return minutes / 60 * book.Rate(book.OwnerOf(d.Silo, event.ReasonFamily(d.Reason)))
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
