package pipeline

import (
	"math"
	"strconv"

	"github.com/cespare/xxhash/v2"

	"parcours/pipeline/alert"
	"parcours/pipeline/churn"
	"parcours/pipeline/event"
)

// The canonical text of a row is what its view shows, in the order of the view, with a separator between the columns: what
// Content hashes, and what SQL builds in the same way from the table. Integers are decimal, instants decimal Unix
// milliseconds as the tables keep them (empty where the table has NULL), figures the decimal of their IEEE-754 bits, yes and
// no 1 and 0. No text of an event holds a control character: the door refuses it. An empty list and a list of one empty text
// look alike: no list has one, but those of opportunities and of contacts ended, whose kinds and times tell how long they are.
const (
	columnSeparator = 0x1f
	itemSeparator   = 0x1e
)

// Kept is an instant as the tables keep it, in Unix milliseconds: the range of ClickHouse and its driver, 1900 to 2261.
// What lies outside is kept as the nearest end.
func Kept(at event.Instant) int64 {
	const earliest, latest = -2_208_988_800_000, 9_214_646_399_999 // 1900-01-01T00:00:00.000Z, 2261-12-31T23:59:59.999Z
	return min(max(int64(at), earliest), latest)
}

// RowDigest is the digest of a row, from its content and its version. Digests of rows are added up, modulo 2^64: the sum
// does not depend on their order, and a row that is taken back is subtracted. A position of 0 stands for no version. In SQL
// it is intHash64(bitXor(content, position)): the finaliser of MurmurHash3 behind a constant.
func RowDigest(content, position uint64) uint64 {
	h := content ^ position ^ 0x4cf2d2baae6da887
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}

// Ended says whether the journey has an end: then EndedAt is one.
func (r *JourneyRow) Ended() bool { return r.Outcome != "open" && !r.Deleted }

// Content is XXH64 of what journeys_v shows of the row, without its position; the key time comes last. Two versions of a
// journey with one Content say the same.
func (r *JourneyRow) Content() uint64 {
	var room [canonicalRoom]byte
	t := canonical(room[:0])
	t = t.text(r.JourneyID).text(r.CustomerID).text(r.CaseID).list(r.Cases).text(r.ReasonFamily).text(r.Reason)
	t = t.at(r.StartedAt).atIf(r.EndedAt, r.Ended()).at(r.LastEventAt).text(r.Outcome).text(r.ResolutionBasis).flag(r.Escalated)
	t = t.count(r.Steps).text(r.Variant).text(r.VariantCollapsed).count(r.Handoffs).count(r.SiloHandoffs).count(r.Contacts)
	t = t.list(r.Channels).list(r.Silos).text(r.FirstUnit).text(r.LastUnit).figure(r.Cost).count(r.Breakpoints)
	t = t.text(r.CutReason).text(r.RulesVersion)
	t = t.counts(r.VariantRuns).count(r.Repeats).count(r.Redos).figure(r.Value).figure(r.WorkingS).figure(r.WaitingCustomerS)
	t = t.figure(r.WaitingPartnerS).figure(r.WaitingCompanyS).figure(r.QueueWaitS).figure(r.Effort)
	t = t.figureIf(r.Sentiment, r.SentimentSignals > 0).count(r.SentimentSignals).opportunities(r.Opportunities)
	t = t.contactsEnded(r.ContactsEnded)
	return t.at(r.KeyTime).sum()
}

// Content is XXH64 of the row's placement and of what journey_steps_v shows of it, without its position.
func (r *StepRow) Content() uint64 {
	var room [canonicalRoom]byte
	t := canonical(room[:0])
	t = t.text(r.Placement).text(r.JourneyID).count(r.Step).at(r.At).text(r.Activity).text(r.Type).text(r.Channel)
	t = t.text(r.Silo).text(r.Unit).text(r.ContactID).text(r.CaseID).text(r.CustomerID).text(r.Reason).figure(r.Cost)
	t = t.text(r.Source).text(r.EventID)
	return t.text(r.FromActivity).text(r.FromChannel).text(r.FromSilo).figureIf(r.DelayS, r.Follows()).sum()
}

// Content is XXH64 of what breakpoints_v shows of the row, without its position.
func (r *BreakpointRow) Content() uint64 {
	var room [canonicalRoom]byte
	t := canonical(room[:0])
	t = t.text(r.BreakpointID).text(r.Kind).text(r.JourneyID).text(r.CustomerID).text(r.CaseID).text(r.ReasonFamily)
	t = t.text(r.Reason).at(r.OccurredAt).at(r.DetectedAt).at(r.OpportunityAt).count(r.OriginStep).text(r.OriginEvent)
	t = t.text(r.Silo).text(r.Unit).text(r.Channel).count(uint32(r.Severity)).figure(r.Cost).list(r.Evidence)
	return t.text(r.RulesVersion).flag(r.Witness).list(r.Charged).sum()
}

// Content is XXH64 of what aliases_v shows of the row, without its position.
func (r *AliasRow) Content() uint64 {
	var room [canonicalRoom]byte
	return canonical(room[:0]).text(r.OldID).text(r.NewID).at(r.KeyTime).sum()
}

// Content is XXH64 of what the table says of the row, without its position.
func (r *AlertRow) Content() uint64 {
	var room [canonicalRoom]byte
	t := canonical(room[:0])
	t = t.text(r.AlertID).text(r.Kind).text(r.ReasonFamily).text(r.Silo).text(r.Unit).text(r.Channel).day(r.RaisedOn).day(r.Since)
	t = t.count64(r.Observed).figure(r.Expected).figure(r.Factor).figure(r.Low).figure(r.High)
	t = t.text(r.WhereReasonFamily).text(r.WhereSilo).text(r.WhereUnit).text(r.WhereChannel).list(r.Explains)
	if r.ClearedWhy == "" {
		return t.text("").text("").sum()
	}
	return t.day(r.ClearedOn).text(r.ClearedWhy).sum()
}

// Content is XXH64 of what the table says of the row, without its position.
func (r *ClosedDayRow) Content() uint64 {
	var room [canonicalRoom]byte
	return canonical(room[:0]).day(r.Day).count(r.Series).count(r.Watched).count(r.Raised).count(r.Cleared).sum()
}

// Content is XXH64 of what churn_signals_v shows of the row, without its position.
func (r *ChurnSignalRow) Content() uint64 {
	var room [canonicalRoom]byte
	t := canonical(room[:0])
	t = t.text(r.SignalID).text(r.CustomerID).text(r.Kind).at(r.RaisedAt).atIf(r.ClearedAt, r.ClearedWhy != "").text(r.ClearedWhy)
	t = t.list(r.Evidence).figureIf(r.Value, !math.IsNaN(r.Value)).figureIf(r.Limit, !math.IsNaN(r.Limit))
	return t.text(r.RulesVersion).text(r.Segment).sum()
}

// Content is XXH64 of what the table says of the row, without its position.
func (r *ChurnScoreRow) Content() uint64 {
	var room [canonicalRoom]byte
	t := canonical(room[:0])
	t = t.at(r.AsOf).text(r.CustomerID).text(r.Model).flag(r.Prior).text(r.Segment).flag(r.Captive).known(r.Margin)
	for i := range r.P {
		t = t.known(r.P[i]).known(r.Low[i]).known(r.High[i]).known(r.Base[i]).flag(r.Projection[i])
	}
	t = t.known(r.ValueAtRisk).known(r.ValueAtRiskBase).known(r.VoiceRisk).known(r.ExpectedUses).count(r.RecentUses)
	return t.reasons(r.Reasons).text(r.Ended).sum()
}

// Content is XXH64 of what the table says of the row, without its position.
func (r *ScoredDayRow) Content() uint64 {
	var room [canonicalRoom]byte
	return canonical(room[:0]).at(r.AsOf).text(r.Model).count(r.Scored).count(r.Told).sum()
}

// Content is XXH64 of what the table says of the row, without its position.
func (r *ModelRow) Content() uint64 {
	var room [canonicalRoom]byte
	return canonical(room[:0]).at(r.EffectiveFrom).text(r.Version).text(r.Document).sum()
}

// Content is XXH64 of what tells events apart: time, source, id, type, customer, contact, case, channel, reason, silo, unit,
// product and sequence.
func (r *EventRow) Content() uint64 {
	e, d := r.Event, &r.Event.Data
	var room [canonicalRoom]byte
	t := canonical(room[:0])
	t = t.at(e.At).text(e.Source).text(e.ID).text(e.Type).text(d.Customer).text(d.Contact).text(d.Case)
	t = t.text(string(d.Channel)).text(d.Reason).text(d.Silo).text(d.Unit).text(d.Product).text(e.Sequence)
	return t.sum()
}

const canonicalRoom = 1024 // bytes on the stack: enough for nearly every row

// canonical is a canonical text under way: each column is followed by its separator, the last one's is cut off by sum.
type canonical []byte

func (t canonical) text(v string) canonical { return append(append(t, v...), columnSeparator) }

func (t canonical) count(v uint32) canonical {
	return append(strconv.AppendUint(t, uint64(v), 10), columnSeparator)
}

func (t canonical) count64(v uint64) canonical {
	return append(strconv.AppendUint(t, v, 10), columnSeparator)
}

// day is the number of days since 1970-01-01.
func (t canonical) day(v alert.Date) canonical {
	return append(strconv.AppendInt(t, int64(v), 10), columnSeparator)
}

func (t canonical) figure(v float64) canonical {
	return append(strconv.AppendUint(t, math.Float64bits(v), 10), columnSeparator)
}

func (t canonical) figureIf(v float64, known bool) canonical {
	if !known {
		return append(t, columnSeparator)
	}
	return t.figure(v)
}

// known is empty for a figure that is not there.
func (t canonical) known(v float64) canonical { return t.figureIf(v, !math.IsNaN(v)) }

// reasons are three lists.
func (t canonical) reasons(list []churn.Reason) canonical {
	for i, r := range list {
		if i > 0 {
			t = append(t, itemSeparator)
		}
		t = append(t, r.Feature...)
	}
	t = append(t, columnSeparator)
	for i, r := range list {
		if i > 0 {
			t = append(t, itemSeparator)
		}
		t = strconv.AppendUint(t, math.Float64bits(r.Value), 10)
	}
	t = append(t, columnSeparator)
	for i, r := range list {
		if i > 0 {
			t = append(t, itemSeparator)
		}
		t = strconv.AppendUint(t, math.Float64bits(r.Weight), 10)
	}
	return append(t, columnSeparator)
}

func (t canonical) counts(values []uint32) canonical {
	for i, v := range values {
		if i > 0 {
			t = append(t, itemSeparator)
		}
		t = strconv.AppendUint(t, uint64(v), 10)
	}
	return append(t, columnSeparator)
}

func (t canonical) flag(v bool) canonical {
	if v {
		return append(t, '1', columnSeparator)
	}
	return append(t, '0', columnSeparator)
}

func (t canonical) at(v event.Instant) canonical {
	return append(strconv.AppendInt(t, Kept(v), 10), columnSeparator)
}

func (t canonical) atIf(v event.Instant, known bool) canonical {
	if !known {
		return append(t, columnSeparator)
	}
	return t.at(v)
}

func (t canonical) list(values []string) canonical {
	for i, v := range values {
		if i > 0 {
			t = append(t, itemSeparator)
		}
		t = append(t, v...)
	}
	return append(t, columnSeparator)
}

func (t canonical) sum() uint64 { return xxhash.Sum64(t[:len(t)-1]) }
