package mapping_test

import (
	"fmt"
	"testing"
)

func TestTimeFormats(t *testing.T) {
	for _, c := range []struct{ name, formats, zone, cell, want string }{
		{"default", "", "", "2026-01-05T09:00:00Z", "2026-01-05T09:00:00.000Z"},
		{"rfc3339 with a blank", "rfc3339", "", "2026-01-05 09:00:00.1234+01:00", "2026-01-05T08:00:00.123Z"},
		{"microseconds and offset", `"2006-01-02 15:04:05.000000-07:00"`, "", "2011-10-11 13:45:40.276000+02:00", "2011-10-11T11:45:40.276Z"},
		{"layout without the fraction", `"2006-01-02 15:04:05-07:00"`, "", "2011-10-11 13:45:40.276000+02:00", "2011-10-11T11:45:40.276Z"},
		{"seconds", "unix", "", "1767603600", "2026-01-05T09:00:00.000Z"},
		{"seconds with a fraction", "unix", "", "1767603600.5", "2026-01-05T09:00:00.500Z"},
		{"milliseconds", "unix_ms", "", "1767603600123", "2026-01-05T09:00:00.123Z"},
		{"date", "date", "Europe/Paris", "2026-01-05", "2026-01-04T23:00:00.000Z"},
		{"local in winter", `"02/01/2006 15:04"`, "Europe/Paris", "05/01/2026 10:00", "2026-01-05T09:00:00.000Z"},
		{"local in summer", `"02/01/2006 15:04"`, "Europe/Paris", "05/07/2026 10:00", "2026-07-05T08:00:00.000Z"},
		{"the second of two", `"02/01/2006 15:04", rfc3339`, "Europe/Paris", "2026-01-05T09:00:00Z", "2026-01-05T09:00:00.000Z"},
		{"blanks around", "rfc3339", "", " 2026-01-05T09:00:00Z ", "2026-01-05T09:00:00.000Z"},
	} {
		t.Run(c.name, func(t *testing.T) {
			document := fmt.Sprintf("source: /t\ntime:\n  column: at\n  formats: [%s]\n  timezone: %s\n", c.formats, c.zone)
			equal(t, "time", one(t, document, "at,x\n"+c.cell+",\n").At.String(), c.want)
		})
	}
}

func TestTimesOfTheWrongFormatAreRefused(t *testing.T) {
	for _, c := range []struct{ name, format, cell string }{
		{"milliseconds as seconds", "unix", "1767603600123"},
		{"not a number", "unix", "12h"},
		{"fraction that is none", "unix", "12.xyz"},
		{"day and month swapped", `"2006-01-02"`, "2026-13-01"},
		{"far", "rfc3339", "3026-01-05T09:00:00Z"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := refusal(t, "source: /t\ntime: {column: at, formats: ["+c.format+"], timezone: UTC}\n", "at,x\n"+c.cell+",\n")
			equal(t, "field", r.Field, "time")
		})
	}
}
