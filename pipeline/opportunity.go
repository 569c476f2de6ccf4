package pipeline

import (
	"encoding/binary"

	"github.com/cespare/xxhash/v2"

	"parcours/pipeline/breakpoint"
	"parcours/pipeline/event"
)

// OpportunityRow is one chance that a kind of breakpoint had in a journey: what its rate is out of.
type OpportunityRow struct {
	Kind      string
	At        event.Instant // the date at which rates count it
	MaturesAt event.Instant // the clock from which it is settled whether it broke, late events apart
	Reason    string
	Silo      string
	Unit      string
	Channel   string
	Broken    bool
	Clock     string // of sla_breach: what was due, a reply, resolution, acknowledgement or answer; else ""
	Rules     string // version of the rules it was judged by
}

func opportunityRows(found []breakpoint.Opportunity) []OpportunityRow {
	if len(found) == 0 {
		return nil
	}
	rows := make([]OpportunityRow, len(found))
	for i := range found {
		o := &found[i]
		rows[i] = OpportunityRow{o.Kind, o.At, o.MaturesAt, o.Reason, o.Silo, o.Unit, string(o.Channel), o.Broken, o.Clock, o.Rules}
	}
	return rows
}

// opportunitiesHash is by what a journey's memo notices that only its opportunities have changed; 0 for none.
func opportunitiesHash(found []breakpoint.Opportunity) uint64 {
	if len(found) == 0 {
		return 0
	}
	var room [canonicalRoom]byte
	t := canonical(room[:0])
	for i := range found {
		o := &found[i]
		t = binary.LittleEndian.AppendUint64(t, uint64(o.At))
		t = binary.LittleEndian.AppendUint64(t, uint64(o.MaturesAt))
		t = t.text(o.Kind).text(o.Reason).text(o.Silo).text(o.Unit).text(string(o.Channel)).flag(o.Broken).text(o.Clock).text(o.Rules)
	}
	return xxhash.Sum64(t)
}

// opportunitiesOf are those of the i-th journey of a history.
func opportunitiesOf(found breakpoint.Findings, i int) []breakpoint.Opportunity {
	if i < len(found.Opportunities) {
		return found.Opportunities[i]
	}
	return nil
}

// opportunities writes them column by column, as the table keeps them.
func (t canonical) opportunities(rows []OpportunityRow) canonical {
	column := func(write func(canonical, *OpportunityRow) canonical) {
		for i := range rows {
			t = write(t, &rows[i])
			t[len(t)-1] = itemSeparator
		}
		if len(rows) > 0 {
			t = t[:len(t)-1]
		}
		t = append(t, columnSeparator)
	}
	column(func(t canonical, r *OpportunityRow) canonical { return t.text(r.Kind) })
	column(func(t canonical, r *OpportunityRow) canonical { return t.at(r.At) })
	column(func(t canonical, r *OpportunityRow) canonical { return t.at(r.MaturesAt) })
	column(func(t canonical, r *OpportunityRow) canonical { return t.text(r.Reason) })
	column(func(t canonical, r *OpportunityRow) canonical { return t.text(r.Silo) })
	column(func(t canonical, r *OpportunityRow) canonical { return t.text(r.Unit) })
	column(func(t canonical, r *OpportunityRow) canonical { return t.text(r.Channel) })
	column(func(t canonical, r *OpportunityRow) canonical { return t.flag(r.Broken) })
	column(func(t canonical, r *OpportunityRow) canonical { return t.text(r.Clock) })
	column(func(t canonical, r *OpportunityRow) canonical { return t.text(r.Rules) })
	return t
}
