package pipeline

import (
	"parcours/pipeline/event"
)

// What state keeps of an event: all that the fold and its rows read. Identifiers, the subject and what an allow-list kept
// stay in the log.
//
// The order of these lists is part of the format of checkpoints: add at the end, and count stateFormat up.

// eventTexts are its texts. Those that come again and again are words of the dictionary.
var eventTexts = [...]struct {
	of   func(*event.Event) *string
	word bool
}{
	{func(e *event.Event) *string { return &e.Data.Contact }, false},
	{func(e *event.Event) *string { return (*string)(&e.Data.Channel) }, true},
	{func(e *event.Event) *string { return &e.Data.Reason }, true},
	{func(e *event.Event) *string { return &e.Data.Silo }, true},
	{func(e *event.Event) *string { return &e.Data.Unit }, true},
	{func(e *event.Event) *string { return &e.Data.Agent }, true},
	{func(e *event.Event) *string { return &e.Data.Case }, false},
	{func(e *event.Event) *string { return &e.Data.Activity }, true},
	{func(e *event.Event) *string { return (*string)(&e.Data.Direction) }, true},
	{func(e *event.Event) *string { return &e.Sequence }, false},
	{func(e *event.Event) *string { return &e.Data.Product }, true},
	{func(e *event.Event) *string { return &e.Data.Promise }, false},
	{func(e *event.Event) *string { return &e.Data.Place }, true},
	{func(e *event.Event) *string { return &e.Data.ToSilo }, true},
	{func(e *event.Event) *string { return &e.Data.ToUnit }, true},
	{func(e *event.Event) *string { return &e.Data.Why }, true},
	{func(e *event.Event) *string { return &e.Data.Form }, true},
	{func(e *event.Event) *string { return &e.Data.Kind }, true},
	{func(e *event.Event) *string { return &e.Data.On }, true},
	{func(e *event.Event) *string { return &e.Data.Regime }, true},
	{func(e *event.Event) *string { return &e.Data.To }, true},
	{func(e *event.Event) *string { return &e.Data.Act }, true},
	{func(e *event.Event) *string { return &e.Data.By }, true},
	{func(e *event.Event) *string { return &e.Data.InitiatedBy }, true},
	{func(e *event.Event) *string { return &e.Data.Cause }, true},
}

// eventNumbers are its measures.
var eventNumbers = [...]func(*event.Event) **float64{
	func(e *event.Event) **float64 { return &e.Data.WaitS },
	func(e *event.Event) **float64 { return &e.Data.TalkS },
	func(e *event.Event) **float64 { return &e.Data.HoldS },
	func(e *event.Event) **float64 { return &e.Data.WrapS },
	func(e *event.Event) **float64 { return &e.Data.NPS },
	func(e *event.Event) **float64 { return &e.Data.CSAT },
	func(e *event.Event) **float64 { return &e.Data.CSATScale },
	func(e *event.Event) **float64 { return &e.Data.CES },
	func(e *event.Event) **float64 { return &e.Data.CESScale },
	func(e *event.Event) **float64 { return &e.Data.AnnualMargin },
	func(e *event.Event) **float64 { return &e.Data.Value },
}

// The bits of an event's mask, the commonest first: a mask is written in as few bytes as its highest bit needs.
const (
	homeCustomer = 1 << 0 // the customer is the home
	hasCustomer  = 1 << 1 // the customer is another
	maskTexts    = 2
	maskNumbers  = maskTexts + len(eventTexts)
	maskRest     = maskNumbers + len(eventNumbers)
	hasResolved  = 1 << (maskRest + 0)
	isResolved   = 1 << (maskRest + 1)
	isHolding    = 1 << (maskRest + 2)
	isCaptive    = 1 << (maskRest + 3)
	hasSentAt    = 1 << (maskRest + 4)
	hasDue       = 1 << (maskRest + 5)
	hasProducts  = 1 << (maskRest + 6)
	hasPlaces    = 1 << (maskRest + 7)
)

func eventMask(e *event.Event) (mask uint64) {
	for i := range eventTexts {
		if *eventTexts[i].of(e) != "" {
			mask |= 1 << (maskTexts + i)
		}
	}
	for i := range eventNumbers {
		if *eventNumbers[i](e) != nil {
			mask |= 1 << (maskNumbers + i)
		}
	}
	d := &e.Data
	for _, f := range [...]struct {
		set bool
		bit uint64
	}{
		{d.Resolved != nil, hasResolved}, {d.Resolved != nil && *d.Resolved, isResolved}, {d.Holding, isHolding},
		{d.Captive, isCaptive}, {d.SentAt != 0, hasSentAt}, {d.Due != 0, hasDue}, {len(d.Products) > 0, hasProducts},
		{len(d.Places) > 0, hasPlaces}, {d.Customer != "" && d.Customer == e.Home, homeCustomer},
		{d.Customer != "" && d.Customer != e.Home, hasCustomer},
	} {
		if f.set {
			mask |= f.bit
		}
	}
	return mask
}

// event writes an event; times are told from a base.
func (p *packer) event(e *event.Event, base event.Instant) {
	mask := eventMask(e)
	p.uint(mask)
	p.at(e.At, base)
	p.word(e.Source)
	p.word(e.Type)
	p.text(e.ID)
	for i := range eventTexts {
		if mask&(1<<(maskTexts+i)) == 0 {
			continue
		}
		if t := &eventTexts[i]; t.word {
			p.word(*t.of(e))
		} else {
			p.text(*t.of(e))
		}
	}
	for i := range eventNumbers {
		if mask&(1<<(maskNumbers+i)) != 0 {
			p.number(**eventNumbers[i](e))
		}
	}
	p.eventRest(e, mask)
}

func (p *packer) eventRest(e *event.Event, mask uint64) {
	d := &e.Data
	if mask&hasSentAt != 0 {
		p.at(d.SentAt, e.At)
	}
	if mask&hasDue != 0 {
		p.at(d.Due, e.At)
	}
	if mask&hasProducts != 0 {
		p.words(d.Products)
	}
	if mask&hasPlaces != 0 {
		p.words(d.Places)
	}
	if mask&hasCustomer != 0 {
		p.text(d.Customer)
	}
}

// event reads one of a home into e, which is zero.
func (u *unpacker) event(e *event.Event, home string, base event.Instant) {
	mask := u.uint()
	e.At, e.Home = u.at(base), home
	e.Source, e.Type, e.ID = u.word(), u.word(), u.text()
	for i := range eventTexts {
		if mask&(1<<(maskTexts+i)) == 0 {
			continue
		}
		if t := &eventTexts[i]; t.word {
			*t.of(e) = u.word()
		} else {
			*t.of(e) = u.text()
		}
	}
	for i := range eventNumbers {
		if mask&(1<<(maskNumbers+i)) != 0 {
			v := u.number()
			*eventNumbers[i](e) = &v
		}
	}
	u.eventRest(e, mask)
}

func (u *unpacker) eventRest(e *event.Event, mask uint64) {
	d := &e.Data
	if mask&hasResolved != 0 {
		said := mask&isResolved != 0
		d.Resolved = &said
	}
	d.Holding, d.Captive = mask&isHolding != 0, mask&isCaptive != 0
	if mask&hasSentAt != 0 {
		d.SentAt = u.at(e.At)
	}
	if mask&hasDue != 0 {
		d.Due = u.at(e.At)
	}
	if mask&hasProducts != 0 {
		d.Products = u.words()
	}
	if mask&hasPlaces != 0 {
		d.Places = u.words()
	}
	switch {
	case mask&homeCustomer != 0:
		d.Customer = e.Home
	case mask&hasCustomer != 0:
		d.Customer = u.text()
	}
}
