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
	Loss             *Loss    // what counts as one of them having left; nil for UsualLoss
}

// Loss is what counts as a customer having left of their own will. Other endings only end what is known of them.
type Loss struct {
	Cancelled bool          // the contract was cancelled by the customer, or nobody said by whom
	ValueDown float64       // its value fell by this share of the highest it had; 0 where that is no loss
	For       time.Duration // and stayed there so long: then it is one
}

// UsualLoss holds where a segment says nothing else.
var UsualLoss = Loss{Cancelled: true, ValueDown: 0.8, For: 90 * Day}

// SegmentOf is the part of the customers to which one belongs by the last contract that started: its product, its annual
// margin (NaN where it stated none) and whether the customer is captive. Of a customer without a contract they are "", NaN, false.
func (b *Book) SegmentOf(product string, margin float64, captive bool) string {
	if i := b.segmentOf(product, margin, captive); i >= 0 {
		return b.Segments[i].Name
	}
	return StandardSegment
}

// LossOf is what counts as having left, of a customer of such a contract.
func (b *Book) LossOf(product string, margin float64, captive bool) Loss {
	if i := b.segmentOf(product, margin, captive); i >= 0 && b.Segments[i].Loss != nil {
		return *b.Segments[i].Loss
	}
	return UsualLoss
}

func (b *Book) segmentOf(product string, margin float64, captive bool) int {
	for i := range b.Segments {
		s := &b.Segments[i]
		if (s.Captive == nil || *s.Captive == captive) && (s.Product == "" || s.Product == product) &&
			(s.AnnualMarginFrom == nil || margin >= *s.AnnualMarginFrom) {
			return i
		}
	}
	return -1
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

const segmentsExpected = "a list; each {name: ..., captive: true or false, product: ..., annual_margin_from: ..., loss: {cancelled: ..., value_down: ..., for: ...}}, of which all but the name may be left out"

// segmentsField is the list of segments.
func segmentsField() field {
	return field{
		key: "segments",
		doc: "Parts of the customers, by what their contract says (contract.started); the first that fits holds, and who fits none is " +
			StandardSegment + ". loss says what counts as one of them having left: cancelled: the contract was cancelled by the customer (true " +
			"unless it says false); value_down: its value fell by that share of the highest it had (80% unless it says otherwise; 0 for never), and stayed there for so long (90d).",
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
		case "loss":
			if r.expect(key, e.value, mapping) {
				s.Loss = r.loss(key, e.value)
			}
		default:
			r.fault(e.line, key, "there is no such key; expected %s", oneOf(strings.Fields("name captive product annual_margin_from loss")))
		}
	}
	return s
}

// loss reads what a segment loses; what it leaves out is as usual.
func (r *reader) loss(at string, item *node) *Loss {
	l := UsualLoss
	for _, e := range item.entries {
		key := join(at, e.key)
		switch e.key {
		case "cancelled":
			l.Cancelled, _ = value(r, key, e.value, yesNo)
		case "value_down":
			l.ValueDown, _ = value(r, key, e.value, shares)
		case "for":
			l.For, _ = value(r, key, e.value, durations)
		default:
			r.fault(e.line, key, "there is no such key; expected %s", oneOf(strings.Fields("cancelled value_down for")))
		}
	}
	if !l.Cancelled && l.ValueDown == 0 {
		r.fault(item.line, at, "nobody could ever be lost; expected cancelled: true, or a value_down")
	}
	return &l
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
	if s.Loss != nil {
		n.add("loss", "", s.Loss.shown())
	}
	return n
}

func (l *Loss) shown() *node {
	n := &node{form: mapping, flow: true}
	n.add("cancelled", "", plainNode(yesNo.print(l.Cancelled)))
	n.add("value_down", "", plainNode(shares.print(l.ValueDown)))
	n.add("for", "", plainNode(durations.print(l.For)))
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
