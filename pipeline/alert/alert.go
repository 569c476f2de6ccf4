// Package alert finds changes of the rates at which journeys break: which series rose, since when, and which one alert
// says it for all of them. It computes only: what was counted is handed to it, a day at a time.
package alert

import (
	"time"

	"parcours/pipeline/event"
)

// Date is a day, UTC: the number of days since 1970-01-01.
type Date int32

const millisecondsPerDay = 24 * 60 * 60 * 1000

// DateOf is the day in which an instant lies.
func DateOf(at event.Instant) Date {
	day := at / millisecondsPerDay
	if at%millisecondsPerDay < 0 {
		day--
	}
	return Date(day)
}

// Start is the instant with which a day begins.
func (d Date) Start() event.Instant { return event.Instant(d) * millisecondsPerDay }

// String writes a day as 2026-03-01.
func (d Date) String() string { return d.Start().Time().Format(time.DateOnly) }

// weekday counts from Thursday, which 1970-01-01 was.
func (d Date) weekday() int { return ((int(d) % 7) + 7) % 7 }

// Days of the week; baselines are renewed on Mondays.
const (
	saturday = 2
	sunday   = 3
	monday   = 4
)

// Key names a series: a kind of breakpoint, and of reason family, silo, unit and channel those that are not "" (which
// stands for all). In a Cell every field is what the tables say, where "" is not known.
type Key struct {
	Kind         string `json:"kind"`
	ReasonFamily string `json:"reason_family,omitempty"`
	Silo         string `json:"silo,omitempty"`
	Unit         string `json:"unit,omitempty"`
	Channel      string `json:"channel,omitempty"`
}

// Cell is what was counted of one finest series on one day.
type Cell struct {
	Key
	Day           Date
	Opportunities uint64 // that arose on the day
	Detected      uint64 // breakpoints by their date of detection (event time)
}

// Lag counts breakpoints of a kind detected on a day by how many days their opportunity lay before.
type Lag struct {
	Kind  string
	Day   Date // of detection
	Days  int32
	Count uint64
}

// Counts is everything that is known of the days up to Last, which are closed: nothing before their end changes any more.
type Counts struct {
	First, Last Date
	Cells       []Cell // any order
	Lags        []Lag  // any order
	Rules       []Date // days from which other rules judge: a series has no baseline across one
}

// Alert is one change of a rate.
type Alert struct {
	ID       string  `json:"id"` // deterministic: of the series and Since
	Key              // of the highest series that explains the others
	RaisedOn Date    `json:"raised_on"` // the day whose figures raised it
	Since    Date    `json:"since"`     // date of origin: the day of the opportunities with which it began
	Observed uint64  `json:"observed"`  // breakpoints detected from the onset to RaisedOn
	Expected float64 `json:"expected"`  // what the baseline had led to expect
	Factor   float64 `json:"factor"`    // Observed / Expected
	Low      float64 `json:"low"`       // of Factor, 95 %
	High     float64 `json:"high"`
	Where    Key     `json:"where"`    // the narrowest alarmed series that holds most of the excess; equal to Key where there is none
	Explains []Key   `json:"explains"` // series in alarm that it speaks for, itself left out
}

// Cleared ends an alert.
type Cleared struct {
	ID  string `json:"id"`
	Why string `json:"why"` // usual_again: the rate is back; new_usual: it has stood so long that it is the baseline now; rules: other rules judge or watch since
}

// Closing is what one closed day says: told to the log once, in one event, and never decided again.
type Closing struct {
	Day     Date      `json:"day"`
	Series  int       `json:"series"`  // that there are
	Watched int       `json:"watched"` // with enough volume and history
	Raised  []Alert   `json:"raised"`
	Cleared []Cleared `json:"cleared"`
}
