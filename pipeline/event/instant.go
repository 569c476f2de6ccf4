package event

import "time"

// Instant is a moment in Unix milliseconds, UTC: the precision of every time in Parcours. It is a plain number so that a
// fold never meets a location, a monotonic reading or a nanosecond that a table cannot hold.
type Instant int64

// InstantOf cuts t to the millisecond.
func InstantOf(t time.Time) Instant { return Instant(t.UnixMilli()) }

// Time gives the instant in UTC.
func (i Instant) Time() time.Time { return time.UnixMilli(int64(i)).UTC() }

// Add moves the instant by d, cut to the millisecond.
func (i Instant) Add(d time.Duration) Instant { return i + Instant(d.Milliseconds()) }

// Sub gives the time from j to i.
func (i Instant) Sub(j Instant) time.Duration { return time.Duration(i-j) * time.Millisecond }

// String gives RFC 3339 with milliseconds, as in the log.
func (i Instant) String() string { return i.Time().Format(TimeLayout) }

// TimeLayout is how times are written in the log and in JOURNEYS: RFC 3339, milliseconds, UTC.
const TimeLayout = "2006-01-02T15:04:05.000Z07:00"
