package evaluate

import (
	"slices"

	"parcours/pipeline/alert"
	"parcours/pipeline/event"
)

// Alerts is how far the alerts that were raised are the changes of a rate that were planted.
type Alerts struct {
	Shifts             []FoundShift  `json:"shifts"`
	Raised             []RaisedAlert `json:"raised"`
	Found              int           `json:"found"`        // shifts that an alert told
	Many               InTime        `json:"many"`         // shifts of a series with manyADay failures a day, in time within manyWithin days
	Some               InTime        `json:"some"`         // of one with someADay up to there, within someWithin
	FalseAlarms        int           `json:"false_alarms"` // alerts of no shift and no outage
	Weeks              float64       `json:"weeks"`        // that the company was watched
	FalseAlarmsPerWeek float64       `json:"false_alarms_per_week"`
}

// InTime counts shifts that were found in time.
type InTime struct {
	Shifts int `json:"shifts"`
	InTime int `json:"in_time"`
}

// FoundShift is a planted shift, and the first alert that told it.
type FoundShift struct {
	Shift
	FailuresPerDay float64 `json:"failures_per_day"` // breakpoints of its series detected a day in the 28 days before
	TrueFactor     float64 `json:"true_factor"`      // what the rate really rose by: breakpoints detected in the 28 days after it shows, as many times what is usual; 0 where nothing was
	Found          bool    `json:"found"`
	Alert          string  `json:"alert,omitempty"`  // its id
	DelayDays      int     `json:"delay_days"`       // from its day to the day whose figures raised it; 0 where it was not found
	Days           int     `json:"days"`             // of these, those after it shows on which its series usually has the failures for which a time is promised
	InTime         bool    `json:"in_time"`          // Days is what is promised, or less
	SinceErrorDays int     `json:"since_error_days"` // from its day to the date of origin that the alert gives
}

// RaisedAlert is an alert as the tables show it, and what it tells.
type RaisedAlert struct {
	ID string `json:"id"`
	alert.Key
	RaisedOn   string    `json:"raised_on"`
	Since      string    `json:"since"`
	Observed   uint64    `json:"observed"`
	Expected   float64   `json:"expected"`
	Factor     float64   `json:"factor"`
	Low        float64   `json:"low"`
	High       float64   `json:"high"`
	Where      alert.Key `json:"where"`
	ClearedOn  string    `json:"cleared_on,omitempty"`
	ClearedWhy string    `json:"cleared_why,omitempty"`
	Tells      string    `json:"tells"` // shift, incident or nothing: a false alarm
}

// What an alert tells.
const (
	tellsShift    = "shift"
	tellsIncident = "incident"
	tellsNothing  = "nothing"
)

// Raised is an alert as the tables show it.
type Raised struct {
	alert.Alert
	ClearedOn  string // its day; "" while it stands
	ClearedWhy string
}

func (r *Raised) shown(tells string) RaisedAlert {
	return RaisedAlert{ID: r.ID, Key: r.Key, RaisedOn: r.RaisedOn.String(), Since: r.Since.String(), Observed: r.Observed, Expected: r.Expected,
		Factor: r.Factor, Low: r.Low, High: r.High, Where: r.Where, ClearedOn: r.ClearedOn, ClearedWhy: r.ClearedWhy, Tells: tells}
}

// An alert tells a shift when it was raised within foundWithin days after it and says that it began no earlier than early days
// before it; it tells an outage when it began within soon days after it.
const (
	foundWithin = 28
	early       = 10
	soon        = 3
	daysBefore  = 28 // of which the failures a day of a series are the mean
)

// What is promised: a series with so many failures a day, and how many such days may pass until a rise by half is told.
const (
	manyADay, manyWithin = 60, 2
	someADay, someWithin = 10, 10
)

// alerts judges what was raised, oldest first.
func (t *Truth) alerts(raised []Raised, found []Found) Alerts {
	a := Alerts{Shifts: []FoundShift{}, Raised: []RaisedAlert{}, Weeks: float64(t.Company.Days) / 7}
	for _, s := range t.shifts {
		d := s.detections(found)
		a.Shifts = append(a.Shifts, FoundShift{Shift: s, FailuresPerDay: d.before(), TrueFactor: d.factor()})
	}
	for i := range raised {
		one := raised[i].shown(t.tells(&raised[i].Alert, a.Shifts))
		if one.Tells == tellsNothing {
			a.FalseAlarms++
		}
		a.Raised = append(a.Raised, one)
	}
	for i := range a.Shifts {
		a.timed(&a.Shifts[i], found)
	}
	if a.Weeks > 0 {
		a.FalseAlarmsPerWeek = float64(a.FalseAlarms) / a.Weeks
	}
	return a
}

// tells says what an alert is of, and notes it with each shift that it is the first to tell.
func (t *Truth) tells(a *alert.Alert, shifts []FoundShift) string {
	what := tellsNothing
	for i := range shifts {
		s := &shifts[i]
		delay, off := int(a.RaisedOn-s.day()), int(a.Since-s.day())
		if !s.about(a) || delay < 0 || delay > foundWithin || off < -early {
			continue
		}
		if what = tellsShift; !s.Found {
			s.Found, s.Alert, s.DelayDays, s.SinceErrorDays = true, a.ID, delay, off
		}
	}
	outage := func(in Incident) bool {
		began := alert.DateOf(event.Instant(in.At))
		return a.Kind == coreFailure && a.Since >= began-1 && a.Since <= began+soon
	}
	if what == tellsNothing && slices.ContainsFunc(t.incidents, outage) {
		return tellsIncident
	}
	return what
}

// day is the first day that is wholly shifted: it begins at midnight where the company is.
func (s *Shift) day() alert.Date {
	var at moment
	if at.UnmarshalJSON([]byte(s.At)) != nil {
		return 0
	}
	return alert.DateOf(event.Instant(at) + 12*60*60*1000)
}

// about says whether the series of an alert, or that in which most of it lies, holds the shifted series or lies in it.
func (s *Shift) about(a *alert.Alert) bool {
	shifted := alert.Key{Kind: s.Kind, ReasonFamily: event.ReasonFamily(s.Reason), Silo: s.Silo, Unit: s.Unit}
	return holds(a.Key, shifted) || lies(a.Key, shifted) || holds(a.Where, shifted) || lies(a.Where, shifted)
}

// holds: each part that the series names is that of the shift.
func holds(k, shifted alert.Key) bool {
	same := func(of, with string) bool { return of == "" || of == with }
	return k.Kind == shifted.Kind && same(k.ReasonFamily, shifted.ReasonFamily) && same(k.Silo, shifted.Silo) && same(k.Unit, shifted.Unit) &&
		k.Channel == ""
}

// lies: the series names what the shift names; a unit lies in its silo.
func lies(k, shifted alert.Key) bool {
	same := func(of, with string) bool { return with == "" || of == with }
	return k.Kind == shifted.Kind && same(k.ReasonFamily, shifted.ReasonFamily) && same(k.Unit, shifted.Unit) &&
		(shifted.Unit != "" || same(k.Silo, shifted.Silo))
}
