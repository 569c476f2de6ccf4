package alert

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"
	"unicode"
	"unicode/utf8"

	"parcours/pipeline/event"
)

// closingSource is the CloudEvents source of closings.
const closingSource = "/parcours/alerts"

// closingBytes bounds what a closing says of its alerts: an event of the log holds 512 KiB at most.
const closingBytes = 384 << 10

// The members of the data of day.closed, in the order of their names.
const (
	memberCleared = "cleared"
	memberCut     = "cut" // only where something was cut
	memberDay     = "day"
	memberRaised  = "raised"
	memberSeries  = "series"
	memberWatched = "watched"
)

// toldAlert is an alert as day.closed tells it: days are written as 2026-03-01.
type toldAlert struct {
	ID string `json:"id"`
	Key
	RaisedOn string  `json:"raised_on"`
	Since    string  `json:"since"`
	Observed uint64  `json:"observed"`
	Expected float64 `json:"expected"`
	Factor   float64 `json:"factor"`
	Low      float64 `json:"low"`
	High     float64 `json:"high"`
	Where    Key     `json:"where"`
	Explains []Key   `json:"explains"`
}

// cut counts what a closing had no room for.
type cut struct {
	Raised   int `json:"raised"`
	Cleared  int `json:"cleared"`
	Explains int `json:"explains"`
}

// Event writes the closing as an event: one message is the whole decision of a day. Its id follows from the day alone, so
// that where two owners close a day at once the second message is a copy; its time is the end of the day. What would make
// it larger than an event may be is cut, series that an alert speaks for first, and the event says how many.
func (c *Closing) Event() event.Event {
	e := event.Event{Source: closingSource, ID: "day." + c.Day.String(), Type: event.DayClosed, At: (c.Day + 1).Start()}
	raised, cleared, left := c.bounded()
	field := func(name string, v any) {
		raw, err := json.Marshal(v)
		if err != nil { // texts and finite numbers: cannot happen, and must not be silent if it does
			panic("write " + event.DayClosed + ": " + err.Error())
		}
		e.Data.Extra = append(e.Data.Extra, event.ExtraField{Name: name, JSON: string(raw)})
	}
	field(memberCleared, cleared)
	if left != (cut{}) {
		field(memberCut, left)
	}
	field(memberDay, c.Day.String())
	field(memberRaised, raised)
	field(memberSeries, c.Series)
	field(memberWatched, c.Watched)
	return e
}

// bounded gives what there is room for: what was cleared, then the alerts, then the series that they speak for.
func (c *Closing) bounded() (raised []toldAlert, cleared []Cleared, left cut) {
	raised, cleared = []toldAlert{}, []Cleared{}
	room := closingBytes
	fits := func(v any) bool {
		raw, err := json.Marshal(v)
		if err != nil || len(raw)+1 > room {
			return false
		}
		room -= len(raw) + 1
		return true
	}
	for _, ended := range c.Cleared {
		if fits(ended) {
			cleared = append(cleared, ended)
		}
	}
	var explains [][]Key // of those raised
	for i := range c.Raised {
		if a := told(&c.Raised[i]); fits(a) {
			raised, explains = append(raised, a), append(explains, c.Raised[i].Explains)
		}
	}
	left = cut{Raised: len(c.Raised) - len(raised), Cleared: len(c.Cleared) - len(cleared)}
	for i := range raised {
		for _, k := range explains[i] {
			if !fits(k) {
				break
			}
			raised[i].Explains = append(raised[i].Explains, k)
		}
		left.Explains += len(explains[i]) - len(raised[i].Explains)
	}
	return raised, cleared, left
}

// told leaves out what the alert explains.
func told(a *Alert) toldAlert {
	return toldAlert{
		ID: a.ID, Key: a.Key, RaisedOn: a.RaisedOn.String(), Since: a.Since.String(), Observed: a.Observed, Expected: finite(a.Expected),
		Factor: finite(a.Factor), Low: finite(a.Low), High: finite(a.High), Where: a.Where, Explains: []Key{},
	}
}

// finite is the nearest number that JSON has: 0 for none at all.
func finite(v float64) float64 {
	if math.IsNaN(v) {
		return 0
	}
	return max(-math.MaxFloat64, min(v, math.MaxFloat64))
}

// ReadClosing reads what Event wrote: its day, and alerts raised on that day, each with an id of its own.
func ReadClosing(e *event.Event) (c Closing, err error) {
	var day string
	var raised []toldAlert
	members := map[string]any{memberCleared: &c.Cleared, memberDay: &day, memberRaised: &raised, memberSeries: &c.Series, memberWatched: &c.Watched}
	for _, f := range e.Data.Extra {
		if to := members[f.Name]; to != nil && json.Unmarshal([]byte(f.JSON), to) != nil {
			return c, fmt.Errorf("data.%s: not of the type that it should be", f.Name)
		}
	}
	if c.Day, err = readDay(memberDay, day); err != nil {
		return c, err
	}
	if c.Series < 0 || c.Watched < 0 {
		return c, errors.New("data.series, data.watched: expected 0 or more")
	}
	ids := map[string]bool{}
	for i := range raised {
		a, err := raised[i].read()
		if err == nil && (a.RaisedOn != c.Day || ids[a.ID]) {
			err = errors.New("data.raised: expected alerts of that day, each with an id of its own")
		}
		if err != nil {
			return c, err
		}
		ids[a.ID] = true
		c.Raised = append(c.Raised, a)
	}
	return c, checkCleared(c.Cleared)
}

func (t *toldAlert) read() (a Alert, err error) {
	a = Alert{
		ID: t.ID, Key: t.Key, Observed: t.Observed, Expected: t.Expected, Factor: t.Factor, Low: t.Low, High: t.High, Where: t.Where,
		Explains: t.Explains,
	}
	if a.RaisedOn, err = readDay(memberRaised, t.RaisedOn); err != nil {
		return a, err
	}
	if a.Since, err = readDay(memberRaised, t.Since); err != nil {
		return a, err
	}
	texts := append(append([]string{a.ID}, t.texts()...), t.Where.texts()...)
	for _, k := range a.Explains {
		texts = append(texts, k.texts()...)
	}
	switch {
	case a.ID == "" || a.Kind == "":
		return a, errors.New("data.raised: expected an id and a kind of each alert")
	case slices.ContainsFunc(texts, unfit):
		return a, errors.New("data.raised: expected texts without control characters")
	}
	return a, nil
}

func (k Key) texts() []string { return []string{k.Kind, k.ReasonFamily, k.Silo, k.Unit, k.Channel} }

func checkCleared(list []Cleared) error {
	for i, c := range list {
		if c.ID == "" || c.Why == "" || unfit(c.ID) || unfit(c.Why) {
			return errors.New("data.cleared: expected an id and a reason of each alert, without control characters")
		}
		if slices.ContainsFunc(list[:i], func(other Cleared) bool { return other.ID == c.ID }) {
			return errors.New("data.cleared: expected an alert once")
		}
	}
	return nil
}

// unfit says whether a text cannot be one of the log's: too long, or with a control character.
func unfit(s string) bool {
	const most = 1024
	if len(s) > most || !utf8.ValidString(s) {
		return true
	}
	for _, r := range s {
		if unicode.IsControl(r) {
			return true
		}
	}
	return false
}

// readDay reads a day that the tables can hold.
func readDay(member, text string) (Date, error) {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil || t.Year() < 1900 || t.Year() > 2299 {
		return 0, fmt.Errorf("data.%s: expected days such as 2026-03-01", member)
	}
	return DateOf(event.InstantOf(t)), nil
}
