package rules

import (
	"slices"
	"strings"
	"time"
)

// StandardSegment is that of a customer whom no segment of the book fits.
const StandardSegment = "standard"

// Segment is a part of the customers, by what their contract says. A condition that is not stated fits everybody.
type Segment struct {
	Name             string
	Captive          *bool    // who cannot leave, or who can
	Product          string   // "" for any
	AnnualMarginFrom *float64 // that much or more a year, Currency; a contract that states none is below
}

// Attribution says how breakpoints are set beside the losses that follow them.
type Attribution struct {
	ExposedWithin  time.Duration // before a landmark
	LostWithin     time.Duration // after it
	TooFew         int           // fewer exposed losses say nothing
	LeavingReasons []string      // reasons and families about leaving: they count in nothing
	Replicates     int           // of the bootstrap
	BeforeSignal   time.Duration // how long before a signal a breakpoint may lie to have been seen
}

const segmentsExpected = "a list; each {name: ..., captive: true or false, product: ..., annual_margin_from: ...}, of which all but the name may be left out"

// segmentsField is the list of segments.
func segmentsField() field {
	return field{
		key: "segments",
		doc: "Parts of the customers, by what their contract says (contract.started); the first that fits holds, and who fits none is " +
			StandardSegment + ".",
		expected: segmentsExpected,
		read: func(r *reader, at string, n *node, b *Book) {
			if r.expect(at, n, list) {
				b.Segments = r.segments(at, n)
			}
		},
		show: func(b *Book) *node {
			n := &node{form: list}
			for i := range b.Segments {
				n.list = append(n.list, b.Segments[i].shown())
			}
			return n
		},
	}
}

func (r *reader) segments(at string, n *node) (all []Segment) {
	for _, item := range n.list {
		if !r.expect(at, item, mapping) {
			continue
		}
		s := r.segment(at, item)
		switch {
		case item.get("name") == nil:
			r.fault(item.line, at, "a segment without a name")
		case slices.ContainsFunc(all, func(t Segment) bool { return t.Name == s.Name }):
			r.fault(item.line, at, "%q stands there twice", s.Name)
		}
		all = append(all, s)
	}
	return all
}

func (r *reader) segment(at string, item *node) (s Segment) {
	for _, e := range item.entries {
		key := join(at, e.key)
		switch e.key {
		case "name":
			s.Name, _ = value(r, key, e.value, names)
		case "captive":
			s.Captive = stated(value(r, key, e.value, yesNo))
		case "product":
			s.Product, _ = value(r, key, e.value, anyText)
		case "annual_margin_from":
			s.AnnualMarginFrom = stated(value(r, key, e.value, amounts))
		default:
			r.fault(e.line, key, "there is no such key; expected %s", oneOf(strings.Fields("name captive product annual_margin_from")))
		}
	}
	return s
}

func stated[T any](v T, _ bool) *T { return &v }

func (s *Segment) shown() *node {
	n := &node{form: mapping, flow: true}
	n.add("name", "", plainNode(s.Name))
	if s.Captive != nil {
		n.add("captive", "", plainNode(yesNo.print(*s.Captive)))
	}
	if s.Product != "" {
		n.add("product", "", plainNode(s.Product))
	}
	if s.AnnualMarginFrom != nil {
		n.add("annual_margin_from", "", plainNode(amounts.print(*s.AnnualMarginFrom)))
	}
	return n
}

func attributionGroup() field {
	return group("attribution", "How breakpoints are set beside the losses that follow them; docs/ranking.md.",
		single("exposed_within", "A customer is exposed to what broke so long before the first of a month.", durations,
			func(b *Book) *time.Duration { return &b.Attribution.ExposedWithin }),
		single("lost_within", "And lost who left so long after it.", durations, func(b *Book) *time.Duration { return &b.Attribution.LostWithin }),
		single("too_few", "Fewer exposed losses, or answers to a survey, say nothing.", atLeastOne, func(b *Book) *int { return &b.Attribution.TooFew }),
		many("leaving_reasons", "Reasons and families about leaving: they count in nothing.", reasons,
			func(b *Book) *[]string { return &b.Attribution.LeavingReasons }),
		single("replicates", "Of the bootstrap over customers.", replicates, func(b *Book) *int { return &b.Attribution.Replicates }),
		single("before_signal", "A complaint, a detractor or a leaver with no breakpoint so long before it is what the rules do not see.", durations,
			func(b *Book) *time.Duration { return &b.Attribution.BeforeSignal }))
}

var replicates = whole("a whole number, 100 to 100000", 100, 100_000)
