package evaluate_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"parcours/pipeline/alert"
	"parcours/pipeline/evaluate"
	"parcours/pipeline/event"
	"parcours/pipeline/rules"
)

// TestShiftsInTime: the days until a shift is told are those on which it shows and its series has the failures for which a
// time is promised; and what the rate became is counted, whatever factor was planted.
func TestShiftsInTime(t *testing.T) {
	truth := `{"record":"company","seed":1,"start":"2026-01-05T00:00:00.000Z","days":120,"customers":9,"company":"default"}` + "\n" +
		call("k1", hours(0), "10000001", "")
	for _, kind := range []string{"long_wait", "refused_contact", "tension", "process_loop"} {
		truth += fmt.Sprintf(`{"record":"shift","at":"2026-04-02T22:00:00.000Z","kind":%q,"factor":3}`+"\n", kind)
	}
	friday := alert.DateOf(event.InstantOf(time.Date(2026, 4, 3, 0, 0, 0, 0, time.UTC)))
	var found []evaluate.Found
	broke := func(kind string, each, lag int) {
		for on := friday - 70; on < friday+28; on++ {
			n := each
			if weekday := (on - friday + 70) % 7; weekday == 1 || weekday == 2 {
				n = each / 4 // a weekend
			}
			if on >= friday+alert.Date(lag) {
				n += n / 2
			}
			for range n {
				found = append(found, evaluate.Found{Kind: kind, Origin: "/sim k1", OpportunityAt: (on - alert.Date(lag)).Start(), DetectedAt: on.Start()})
			}
		}
	}
	broke("long_wait", 80, 0)
	broke("refused_contact", 80, 2)
	broke("tension", 16, 0)
	broke("process_loop", 4, 0)
	raised := func(kind string, after alert.Date) evaluate.Raised {
		key := alert.Key{Kind: kind}
		return evaluate.Raised{Alert: alert.Alert{ID: kind, Key: key, Where: key, RaisedOn: friday + after, Since: friday}}
	}
	read, err := evaluate.ReadTruth(strings.NewReader(truth), found, nil)
	if err != nil {
		t.Fatal(err)
	}
	r, err := evaluate.Evaluate(read, found, evaluate.Options{Book: rules.Default(), Clock: hours(2000), Raised: []evaluate.Raised{
		raised("long_wait", 3), raised("refused_contact", 6), raised("tension", 15), raised("process_loop", 1),
	}})
	if err != nil {
		t.Fatal(err)
	}
	want := []struct {
		days   int
		inTime bool
	}{
		{1, true},   // Friday passes until Monday: the weekend has 20 a day
		{3, false},  // it shows on Sunday; Monday to Wednesday pass
		{11, false}, // 16 a day on working days: Friday to the Friday in two weeks
		{0, false},  // nothing is promised of so few
	}
	for i, s := range r.Alerts.Shifts {
		if s.Days != want[i].days || s.InTime != want[i].inTime || s.TrueFactor < 1.45 || s.TrueFactor > 1.55 {
			t.Errorf("%s: %+v, expected %+v and a factor of about 1.5", s.Kind, s, want[i])
		}
	}
	if a := r.Alerts; a.Many != (evaluate.InTime{Shifts: 2, InTime: 1}) || a.Some != (evaluate.InTime{Shifts: 1}) {
		t.Errorf("%+v", a)
	}
}
