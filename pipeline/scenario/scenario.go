// Package scenario reads the scripts with which journeys and breakpoints are tested: a history in lines that a product
// person can read, and what is expected of it. It computes only, and only tests use it.
//
// A line of a script is one event: its time in Paris, its type, and fields by the names of the channel contract.
//
//	2026-03-02 10:00 contact.started contact=k1 channel=phone reason=billing.dispute
//
// `customer=` stands for identifiers.customer and defaults to "c1"; `customer=-` leaves it out. `id=` and `source=` have
// defaults. What is written after `#` is a comment.
package scenario

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/segmentio/encoding/json"

	"parcours/pipeline/event"
	"parcours/pipeline/rules"
)

// layouts of times in scripts, all in the script's zone.
var layouts = []string{"2006-01-02 15:04:05", "2006-01-02 15:04"}

// Script reads histories in one time zone.
type Script struct{ zone *time.Location }

// New makes a reader of scripts whose times are in Paris.
func New() (*Script, error) {
	zone, err := rules.LoadLocation("Europe/Paris")
	if err != nil {
		return nil, err
	}
	return &Script{zone}, nil
}

// Events reads a history, a line an event, in the order of the lines.
func (s *Script) Events(text string) ([]*event.Event, error) {
	var list []*event.Event
	for n, line := range strings.Split(text, "\n") {
		line, _, _ = strings.Cut(line, "#")
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		e, err := s.event(fields, len(list)+1)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n+1, err)
		}
		list = append(list, e)
	}
	return list, nil
}

// History reads a history in order, as of a clock: a time with a T, as 2026-03-20T00:00, or, where it is empty, the time of
// the last event.
func (s *Script) History(text, clock string) ([]*event.Event, event.Instant, error) {
	events, err := s.Events(text)
	if err != nil {
		return nil, 0, err
	}
	if len(events) == 0 {
		return nil, 0, errors.New("no event: expected one a line")
	}
	slices.SortFunc(events, func(a, b *event.Event) int {
		if a.Before(b) {
			return -1
		}
		return 1
	})
	at := events[len(events)-1].At
	if clock != "" {
		at, err = s.Time(strings.Replace(clock, "T", " ", 1))
	}
	return events, at, err
}

// Time reads a time of a script.
func (s *Script) Time(text string) (event.Instant, error) {
	for _, layout := range layouts {
		if t, err := time.ParseInLocation(layout, text, s.zone); err == nil {
			return event.InstantOf(t), nil
		}
	}
	return 0, fmt.Errorf("time %q: expected one like 2026-03-02 10:00", text)
}

// Text writes a time as scripts do.
func (s *Script) Text(at event.Instant) string {
	t := at.Time().In(s.zone)
	if t.Second() == 0 && t.Nanosecond() == 0 {
		return t.Format(layouts[1])
	}
	return t.Format("2006-01-02 15:04:05.999")
}

func (s *Script) event(fields []string, n int) (*event.Event, error) {
	if len(fields) < 3 {
		return nil, fmt.Errorf("%q: expected a date, a time, a type and fields", strings.Join(fields, " "))
	}
	at, err := s.Time(fields[0] + " " + fields[1])
	if err != nil {
		return nil, err
	}
	envelope, err := s.envelope(fields[2], at, fields[3:], n)
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(envelope)
	if err != nil {
		return nil, err
	}
	e, _, refusal := event.Decode(body, event.Limits{Now: at, Operator: true})
	if refusal != nil {
		return nil, refusal
	}
	e.Data.Customer = e.Data.Identifiers.Get("customer")
	e.Home = "home"
	return &e, nil
}

// envelope makes CloudEvents JSON of a line, so that scripts use the field names of the contract and pass its checks.
func (s *Script) envelope(typ string, at event.Instant, fields []string, n int) (map[string]any, error) {
	data := map[string]any{}
	e := map[string]any{"specversion": "1.0", "id": "e" + strconv.Itoa(n), "source": "/test", "type": typ, "time": at.String(), "data": data}
	customer := "c1"
	for _, field := range fields {
		key, value, ok := strings.Cut(field, "=")
		if !ok {
			return nil, fmt.Errorf("%q: expected field=value", field)
		}
		switch key {
		case "customer":
			customer = value
		case "id", "source", "sequence", "subject":
			e[key] = value
		case "due", "sent_at":
			due, err := s.Time(strings.Replace(value, "T", " ", 1))
			if err != nil {
				return nil, err
			}
			data[key] = due.String()
		default:
			data[key] = valueOf(key, value)
		}
	}
	if customer != "-" {
		data["identifiers"] = map[string]any{"customer": customer}
	}
	return e, nil
}

// valueOf gives numbers and truth values as such, all else as text.
func valueOf(key, value string) any {
	switch key {
	case "contact", "case", "promise", "unit", "form", "product", "place", "activity":
		return value
	}
	if v, err := strconv.ParseFloat(value, 64); err == nil {
		return v
	}
	if v, err := strconv.ParseBool(value); err == nil {
		return v
	}
	return value
}
