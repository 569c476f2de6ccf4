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
func (i Instant) String() string {
	var room [len(TimeLayout)]byte
	return string(i.Append(room[:0]))
}

// Append is String, at the end of b: by hand, since every message of the log says a time or two, and a layout takes seven times as long.
func (i Instant) Append(b []byte) []byte {
	t := i.Time()
	year, month, day := t.Date()
	if year < 0 || year > 9999 {
		return t.AppendFormat(b, TimeLayout)
	}
	const perDay = 24 * 60 * 60 * 1000
	ms := int((i%perDay + perDay) % perDay)
	b = append(appendTwo(appendTwo(b, year/100), year%100), '-')
	b = append(appendTwo(b, int(month)), '-')
	b = append(appendTwo(b, day), 'T')
	b = append(appendTwo(b, ms/3_600_000), ':')
	b = append(appendTwo(b, ms/60_000%60), ':')
	b = append(appendTwo(b, ms/1000%60), '.', byte('0'+ms/100%10))
	return append(appendTwo(b, ms%100), 'Z')
}

// appendTwo writes a number below 100 with two digits.
func appendTwo(b []byte, n int) []byte { return append(b, byte('0'+n/10), byte('0'+n%10)) }

// TimeLayout is how times are written in the log and in JOURNEYS: RFC 3339, milliseconds, UTC.
const TimeLayout = "2006-01-02T15:04:05.000Z07:00"
