package simulate

import (
	"math"
	"slices"
	"time"

	"parcours/pipeline/event"
)

// introduce tells of the contract: in the first night, or, where customers come and go, when it began, which may be years before.
func (l *life) introduce() {
	if l.parameters.Churn == nil {
		l.began = math.MinInt64
		l.add(l.dawn(l.rng), contract)
		return
	}
	l.ordinal++
	l.all = append(l.all, occasion{at: l.began, customer: uint32(l.number), ordinal: l.ordinal, kind: contract})
}

// allowed leaves out what comes after the end of a customer's contract, and adds what happens to the contract and the uses.
func (s *Simulator) allowed(all []occasion) []occasion {
	fates := s.fates()
	if fates == nil {
		return all
	}
	kept := all[:0]
	for _, o := range all {
		if o.customer == 0 || o.at < fates[o.customer-1].end(s) {
			kept = append(kept, o)
		}
	}
	for i := range fates {
		number := uint32(i + 1)
		for n, x := range fates[i].steps {
			kept = append(kept, occasion{at: x.at, customer: number, ordinal: uint16(n), kind: contractual})
		}
		for n, at := range fates[i].used {
			kept = append(kept, occasion{at: at, customer: number, ordinal: firstUse + uint16(n), kind: use})
		}
	}
	return kept
}

// firstUse is the ordinal of a customer's first use, beyond those of needs.
const firstUse = 1 << 15

// end is when nothing more comes of a customer.
func (f *fate) end(s *Simulator) event.Instant {
	if f.loss.By != "" {
		return f.loss.At
	}
	return s.end
}

// change tells what happens to a contract.
func (st *story) change(x *step) {
	d := event.Data{Identifiers: st.who, Product: st.product}
	switch x.what {
	case event.ContractRenewalDue:
		d.Due = x.at.Add(time.Duration(st.parameters.Churn.Ahead) * day)
	case event.ContractValueChanged:
		d.Value = &x.amount
	case event.ContractCancelled:
		loss := &st.fate[st.customer.number-1].loss
		d.InitiatedBy, d.Cause = loss.By, loss.Cause
	}
	if x.what != event.ContractRenewalDue && x.what != event.ContractValueChanged {
		d.Reason = leavingReason
	}
	st.tell(contracts, x.what, d)
}

// leavingReason is that of all steps of leaving: what is about leaving explains no loss.
const leavingReason = "cancellation.request"

// leaveOff takes away what would have come of a need after its customer's contract has ended. All of it was played, so that
// what came before is what it would have been for somebody who stays.
func (st *story) leaveOff(end event.Instant) {
	if end >= st.end {
		return
	}
	told := st.told[:0]
	st.need.EndedAt, st.need.Contacts = 0, 0
	for _, h := range st.told {
		if h.Event.At >= end {
			continue
		}
		told = append(told, h)
		st.need.EndedAt = max(st.need.EndedAt, h.Event.At)
		if d := &h.Event.Data; d.Direction == event.In && (h.Event.Type == event.ContactStarted || h.Event.Type == event.MessageReceived) {
			st.need.Contacts++
		}
	}
	if len(told) < len(st.told) && st.need.ID != "" {
		st.need.Ending = Lost
	}
	st.told, st.need.Events = told, len(told)
	st.sent = before(st.sent, end, func(x sent) event.Instant { return x.event.At })
	st.need.Failures = before(st.need.Failures, end, func(x Failure) event.Instant { return x.At })
	st.need.Semblances = before(st.need.Semblances, end, func(x Semblance) event.Instant { return x.At })
}

// before leaves out what is not before an end.
func before[T any](all []T, end event.Instant, at func(T) event.Instant) []T {
	return slices.DeleteFunc(all, func(x T) bool { return at(x) >= end })
}
