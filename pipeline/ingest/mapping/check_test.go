package mapping_test

import (
	"fmt"
	"strings"
	"testing"

	"parcours/pipeline/event"
	"parcours/pipeline/ingest/mapping"
)

func TestCheckCounts(t *testing.T) {
	m := load(t, page("  channel: {column: ch, values: {Tel: phone}}\n  identifiers:\n    customer: {column: who}\n"))
	r, err := m.Check(strings.NewReader(`at,case,act,ch,who,colour
2026-01-05T09:00:02Z,1,a,Tel,7,red
2026-01-05T09:00:00Z,1,b,Tel,7,red
2026-01-05T09:00:00Z,2,b,,8,red
2026-01-05T09:00:03Z,2,b,Fax,8,red
2026-01-05T09:00:03Z,2,b,Fax,8,red
nonsense,3,c,Tel,9,red
`), 0)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "rows", r.Rows, 6)
	equal(t, "mapped", r.Mapped, 3)
	equal(t, "cases", r.Cases, 2)
	equal(t, "customers", r.Customers, 2)
	equal(t, "activities", r.Activities, 2)
	equal(t, "first", r.First.String(), "2026-01-05T09:00:00.000Z")
	equal(t, "last", r.Last.String(), "2026-01-05T09:00:02.000Z")
	equal(t, "out of order", r.OutOfOrder, 1)
	equal(t, "equal times", r.EqualTimes, 1)
	equal(t, "not mapped", strings.Join(r.Unmapped, ","), "colour")
	equal(t, "unknown", fmt.Sprint(r.Unknown), "[{data.channel Fax 2}]")
	equal(t, "channels", fmt.Sprint(r.Channels), "[{phone 2} { 1}]")
	equal(t, "fields refused", len(r.Refused), 2)
	equal(t, "refused first", r.Refused[0].Field, "data.channel")
	equal(t, "refused rows", r.Refused[0].Rows, 2)
	equal(t, "refused first row", r.Refused[0].FirstRow, 4)
	equal(t, "refused second", r.Refused[1].Field, "time")
}

// TestCheckAsksTheDoor: what the door will refuse is refused in the dry run.
func TestCheckAsksTheDoor(t *testing.T) {
	now := event.Instant(1767603600000) // 2026-01-05T09:00:00Z
	for _, c := range []struct{ name, more, row, field string }{
		{"future", "", "2026-02-05T09:00:00Z,1,a", "time"},
		{"system type", "type: log.opened\n", "2026-01-05T09:00:00Z,1,a", "type"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := load(t, page(c.more)).Check(strings.NewReader("at,case,act\n"+c.row+"\n"), now)
			if err != nil {
				t.Fatal(err)
			}
			if r.Mapped != 0 || len(r.Refused) != 1 || r.Refused[0].Field != c.field {
				t.Errorf("mapped %d, refused %+v", r.Mapped, r.Refused)
			}
		})
	}
}

func TestCheckBoundsUnknownValues(t *testing.T) {
	var file strings.Builder
	file.WriteString("at,case,act,x\n")
	for i := range 100 {
		fmt.Fprintf(&file, "2026-01-05T09:00:00Z,1,a,free text %d\n", i)
	}
	r, err := load(t, page("  unit: {column: x, values: {a: b}}")).Check(strings.NewReader(file.String()), 0)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "unknown", len(r.Unknown), mapping.MaxUnknown)
	equal(t, "mapped", r.Mapped, 100)
}

// TestCheckKnowsItsIDs: an id that came before in the file is a copy where its time is the same, else reused; silos and
// families are counted where they are named.
func TestCheckKnowsItsIDs(t *testing.T) {
	m := load(t, page("  silo: {column: silo}\n  reason: {column: why}\n")+"id: {column: no}\n")
	r, err := m.Check(strings.NewReader(`no,at,case,act,silo,why
x,2026-01-05T09:00:00Z,1,a,it,billing.dispute
x,2026-01-05T09:00:00Z,1,a,it,billing.dispute
x,2026-01-05T09:00:01Z,1,a,back office,unknown
y,2026-01-05T09:00:01Z,1,a,,
`), 0)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "mapped", r.Mapped, 4)
	equal(t, "copies and reused", fmt.Sprint(r.Copies, r.Reused), "1 1")
	equal(t, "silos", fmt.Sprint(r.Silos), "[{it 2} {back office 1}]")
	equal(t, "families", fmt.Sprint(r.Families), "[{billing 2}]")
}
