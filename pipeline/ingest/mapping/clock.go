package mapping

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"parcours/pipeline/event"
	"parcours/pipeline/rules"
)

// clock reads the times of a file. Local times of the hour that autumn repeats are read with one of its two offsets, always
// the same; those of the hour that spring skips are moved by an hour.
type clock struct {
	formats []timeFormat
	zone    *time.Location
	names   string // for errors
}

// timeFormat reads one way of writing a time.
type timeFormat func(cell string, zone *time.Location) (time.Time, error)

// The formats that have a name; any other is a layout of Go's package time, like 02/01/2006 15:04. Digits after the seconds
// are read without being in the layout.
const (
	formatRFC3339 = "rfc3339" // 2026-01-05T09:00:00Z, 2026-01-05 09:00:00.123+01:00
	formatUnix    = "unix"    // seconds since 1970, with or without a fraction
	formatMillis  = "unix_ms" // milliseconds since 1970
	formatDate    = "date"    // 2026-01-05: its first moment in the time zone
)

// Times outside of these years are a wrong format, not an old event (seconds read as milliseconds, or the reverse).
const firstYear, lastYear = 1900, 2199

func newClock(formats []string, timezone string) (*clock, error) {
	if len(formats) == 0 {
		formats = []string{formatRFC3339}
	}
	c := &clock{zone: time.UTC, names: strings.Join(formats, " or ")}
	if timezone != "" {
		zone, err := rules.LoadLocation(timezone)
		if err != nil {
			return nil, err
		}
		c.zone = zone
	}
	for _, name := range formats {
		f, local, err := formatOf(name)
		if err != nil {
			return nil, err
		}
		if local && timezone == "" {
			return nil, fmt.Errorf("format %q has no offset: give a timezone, like Europe/Paris", name)
		}
		c.formats = append(c.formats, f)
	}
	return c, nil
}

// formatOf finds a format, and says whether its times are local ones.
func formatOf(name string) (f timeFormat, local bool, err error) {
	switch name {
	case formatRFC3339:
		return readRFC3339, false, nil
	case formatUnix:
		return readUnix, false, nil
	case formatMillis:
		return readMillis, false, nil
	case formatDate:
		name = time.DateOnly
	}
	if err := checkLayout(name); err != nil {
		return nil, false, err
	}
	read := func(cell string, zone *time.Location) (time.Time, error) {
		return time.ParseInLocation(name, cell, zone)
	}
	return read, !strings.Contains(name, "07"), nil
}

// checkLayout refuses a layout that does not tell two days apart.
func checkLayout(layout string) error {
	sample := time.Date(2031, 11, 23, 0, 0, 0, 0, time.UTC)
	got, err := time.Parse(layout, sample.Format(layout))
	if err != nil || got.Year() != 2031 || got.Month() != 11 || got.Day() != 23 {
		return fmt.Errorf("format %q: expected rfc3339, unix, unix_ms, date, or a layout of the moment 2006-01-02 15:04:05", layout)
	}
	return nil
}

func readRFC3339(cell string, _ *time.Location) (time.Time, error) {
	if len(cell) > 10 && (cell[10] == ' ' || cell[10] == 't') {
		cell = cell[:10] + "T" + cell[11:]
	}
	return time.Parse(time.RFC3339, cell)
}

func readUnix(cell string, _ *time.Location) (time.Time, error) {
	whole, fraction, _ := strings.Cut(cell, ".")
	s, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || s < 0 {
		return time.Time{}, errNotATime
	}
	ms, err := strconv.Atoi((fraction + "000")[:3])
	if err != nil {
		return time.Time{}, errNotATime
	}
	return time.Unix(s, int64(ms)*int64(time.Millisecond)), nil
}

func readMillis(cell string, _ *time.Location) (time.Time, error) {
	ms, err := strconv.ParseInt(cell, 10, 64)
	return time.UnixMilli(ms), err
}

var errNotATime = errors.New("not a time") // never shown: it would quote nothing

// read gives the moment of a cell.
func (c *clock) read(cell string) (event.Instant, bool) {
	for _, f := range c.formats {
		t, err := f(cell, c.zone)
		if err == nil && t.UTC().Year() >= firstYear && t.UTC().Year() <= lastYear {
			return event.InstantOf(t), true
		}
	}
	return 0, false
}
