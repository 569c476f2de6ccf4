package pipeline

import (
	"encoding/binary"

	"github.com/cespare/xxhash/v2"

	"parcours/pipeline/breakpoint"
	"parcours/pipeline/event"
)

// ContactEndedRow is one inbound contact of an identified customer that ended having been handled, and what came of it: what
// first-contact resolution counts.
type ContactEndedRow struct {
	At        event.Instant // it ended
	MaturesAt event.Instant // the repeat window has closed, late events apart
	Reason    string        // "" for none stated
	Silo      string
	Unit      string
	Channel   string
	First     bool   // it does not itself come back, for the same full reason, after another
	BackSame  bool   // the customer came back for the same full reason within the window
	BackAny   bool   // he came back for whatever reason
	Surveyed  bool   // a survey about it was sent within the window
	Answer    Answer // of the survey
	Rules     string // version of those in force when it ended
}

// Answer is what a customer answered within the window, where he said whether it was resolved.
type Answer struct{ Given, Resolved bool }

func answerOf(resolved *bool) Answer {
	if resolved == nil {
		return Answer{}
	}
	return Answer{true, *resolved}
}

func contactEndedRows(found []breakpoint.ContactEnded) []ContactEndedRow {
	if len(found) == 0 {
		return nil
	}
	rows := make([]ContactEndedRow, len(found))
	for i := range found {
		c := &found[i]
		rows[i] = ContactEndedRow{
			c.At, c.MaturesAt, c.Reason, c.Silo, c.Unit, string(c.Channel), c.First, c.BackSame, c.BackAny, c.Surveyed, answerOf(c.Resolved), c.Rules,
		}
	}
	return rows
}

// chancesHash is by what a journey's memo notices that only its opportunities or its contacts ended have changed; 0 for none
// of either.
func chancesHash(chances []breakpoint.Opportunity, ended []breakpoint.ContactEnded) uint64 {
	if len(ended) == 0 {
		return opportunitiesHash(chances)
	}
	var room [canonicalRoom]byte
	t := canonical(room[:0])
	t = binary.LittleEndian.AppendUint64(t, opportunitiesHash(chances))
	for i := range ended {
		c := &ended[i]
		t = binary.LittleEndian.AppendUint64(t, uint64(c.At))
		t = binary.LittleEndian.AppendUint64(t, uint64(c.MaturesAt))
		t = t.text(c.Reason).text(c.Silo).text(c.Unit).text(string(c.Channel))
		t = t.flag(c.First).flag(c.BackSame).flag(c.BackAny).flag(c.Surveyed).answer(answerOf(c.Resolved)).text(c.Rules)
	}
	return xxhash.Sum64(t)
}

// contactsOf are those of the i-th journey of a history.
func contactsOf(found breakpoint.Findings, i int) []breakpoint.ContactEnded {
	if i < len(found.Contacts) {
		return found.Contacts[i]
	}
	return nil
}

// answer is a flag where there is one.
func (t canonical) answer(a Answer) canonical {
	if !a.Given {
		return append(t, columnSeparator)
	}
	return t.flag(a.Resolved)
}

// contactsEnded writes them column by column, as the table keeps them.
func (t canonical) contactsEnded(rows []ContactEndedRow) canonical {
	column := func(write func(canonical, *ContactEndedRow) canonical) {
		for i := range rows {
			t = write(t, &rows[i])
			t[len(t)-1] = itemSeparator
		}
		if len(rows) > 0 {
			t = t[:len(t)-1]
		}
		t = append(t, columnSeparator)
	}
	column(func(t canonical, r *ContactEndedRow) canonical { return t.at(r.At) })
	column(func(t canonical, r *ContactEndedRow) canonical { return t.at(r.MaturesAt) })
	column(func(t canonical, r *ContactEndedRow) canonical { return t.text(r.Reason) })
	column(func(t canonical, r *ContactEndedRow) canonical { return t.text(r.Silo) })
	column(func(t canonical, r *ContactEndedRow) canonical { return t.text(r.Unit) })
	column(func(t canonical, r *ContactEndedRow) canonical { return t.text(r.Channel) })
	column(func(t canonical, r *ContactEndedRow) canonical { return t.flag(r.First) })
	column(func(t canonical, r *ContactEndedRow) canonical { return t.flag(r.BackSame) })
	column(func(t canonical, r *ContactEndedRow) canonical { return t.flag(r.BackAny) })
	column(func(t canonical, r *ContactEndedRow) canonical { return t.flag(r.Surveyed) })
	column(func(t canonical, r *ContactEndedRow) canonical { return t.answer(r.Answer) })
	column(func(t canonical, r *ContactEndedRow) canonical { return t.text(r.Rules) })
	return t
}
