package pipeline

import (
	"encoding/binary"
	"math"

	"github.com/cespare/xxhash/v2"

	"parcours/pipeline/event"
)

// hash of a row's content without its position: two versions of a key with one hash say the same.
func (r *JourneyRow) hash() uint64 {
	var h hasher
	h.text(r.JourneyID, r.CustomerID, r.CaseID, r.ReasonFamily, r.Reason, r.Outcome, r.ResolutionBasis, r.Variant,
		r.FirstUnit, r.LastUnit, r.CutReason, r.RulesVersion)
	h.list(r.Cases)
	h.list(r.Channels)
	h.list(r.Silos)
	h.at(r.KeyTime, r.StartedAt, r.EndedAt, r.LastEventAt)
	h.number(uint64(r.Contacts), uint64(r.Steps), uint64(r.Handoffs), uint64(r.SiloHandoffs), uint64(r.Breakpoints),
		flag(r.Escalated), math.Float64bits(r.Cost))
	return h.sum()
}

func (r *StepRow) hash() uint64 {
	var h hasher
	h.text(r.JourneyID, r.Placement, r.Activity, r.Type, r.Channel, r.Silo, r.Unit, r.ContactID, r.CaseID, r.CustomerID, r.Reason)
	h.number(uint64(r.Step), math.Float64bits(r.Cost))
	return h.sum()
}

func (r *BreakpointRow) hash() uint64 {
	var h hasher
	h.text(r.BreakpointID, r.JourneyID, r.CustomerID, r.CaseID, r.Reason, r.OriginEvent, r.Silo, r.Unit, r.Channel,
		r.RulesVersion)
	h.list(r.Evidence)
	h.at(r.DetectedAt, r.OpportunityAt)
	h.number(uint64(r.OriginStep), uint64(r.Severity), math.Float64bits(r.Cost))
	return h.sum()
}

// hasher writes values with their lengths, so that no two sequences look alike.
type hasher struct{ b []byte }

func (h *hasher) text(values ...string) {
	for _, v := range values {
		h.b = binary.AppendUvarint(h.b, uint64(len(v)))
		h.b = append(h.b, v...)
	}
}

func (h *hasher) list(values []string) {
	h.number(uint64(len(values)))
	h.text(values...)
}

func (h *hasher) at(values ...event.Instant) {
	for _, v := range values {
		h.number(uint64(v))
	}
}

func (h *hasher) number(values ...uint64) {
	for _, v := range values {
		h.b = binary.LittleEndian.AppendUint64(h.b, v)
	}
}

func (h *hasher) sum() uint64 { return xxhash.Sum64(h.b) }

func flag(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}
