package macro_test

import (
	"strings"
	"testing"
	"time"

	"parcours/dashboards/macro"
)

func context() macro.Context {
	from := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	return macro.Context{
		From: from, To: from.Add(24*time.Hour + 250*time.Millisecond), Interval: 20 * time.Second,
		Variables: map[string]macro.Variable{
			"silo": macro.Some("it", "l'agence"), "unit": macro.All("a", "b"), "none": macro.Some(), "month": macro.One("2026-02-01"), "said": macro.One(`a "b" 'c'`), "back": macro.One(`\') OR 1=1 -- +é-._~!*`),
		},
	}
}

// TestExpand: what the data source makes of each macro and variable.
func TestExpand(t *testing.T) {
	for query, want := range map[string]string{
		"$__timeFilter(at)":                          "at >= toDateTime(1772323200) AND at <= toDateTime(1772409600)",
		"$__timeFilter( toDate(at) )":                "toDate(at) >= toDateTime(1772323200) AND toDate(at) <= toDateTime(1772409600)",
		"$__timeFilter_ms(at)":                       "at >= fromUnixTimestamp64Milli(1772323200000) AND at <= fromUnixTimestamp64Milli(1772409600250)",
		"$__dateFilter(day)":                         "day >= toDate('2026-03-01') AND day <= toDate('2026-03-02')",
		"$__dateTimeFilter(day, at)":                 "(day >= toDate('2026-03-01') AND day <= toDate('2026-03-02')) AND (at >= toDateTime(1772323200) AND at <= toDateTime(1772409600))",
		"at >= $__fromTime AND at < $__toTime":       "at >= toDateTime(1772323200) AND at < toDateTime(1772409600)",
		"[$__fromTime_ms, $__toTime_ms]":             "[fromUnixTimestamp64Milli(1772323200000), fromUnixTimestamp64Milli(1772409600250)]",
		"$__timeInterval(at) AS t":                   "toStartOfInterval(toDateTime(at), INTERVAL 20 second) AS t",
		"$__timeInterval_ms(f(a, b))":                "toStartOfInterval(toDateTime64(f(a, b), 3), INTERVAL 20000 millisecond)",
		"$__interval_s":                              "20",
		"$__interval_ms":                             "20000",
		"${__from} $__to ${__from:date}":             "1772323200000 1772409600250 2026-03-01T00:00:00.000Z",
		"silo IN (${silo:singlequote})":              `silo IN ('it','l\'agence')`,
		"silo IN (${silo:sqlstring})":                `silo IN ('it','l''agence')`,
		"${said:sqlstring} ${said:singlequote}":      `'a \"b\" ''c''' 'a "b" \'c\''`,
		"'${silo:percentencode}'":                    "'%7Bit%2Cl%27agence%7D'",
		"'${back:percentencode}'":                    "'%5C%27%29%20OR%201%3D1%20--%20%2B%C3%A9-._~%21%2A'",
		"silo IN ($silo), ${silo}":                   `silo IN ('it','l'agence'), 'it','l'agence'`, // it does not escape: use a format
		"${silo:csv} ${silo:raw} $month '${month}'":  "it,l'agence it,l'agence 2026-02-01 '2026-02-01'",
		"$__conditionalAll(unit IN ($unit), $unit)":  "1=1",
		"$__conditionalAll(x IN ($none), $none)":     "1=1",
		"$__conditionalAll(f(a, (silo)), ${silo}) b": "f(a, (silo)) b",
		"$__conditionalAll(silo = $__conditionalAll(u, $unit), $silo) AND $__conditionalAll(m, $month)": "silo = 1=1 AND m",
	} {
		got, err := macro.Expand(query, context())
		if err != nil || got != want {
			t.Errorf("%s\ngot  %s\nwant %s\n%v", query, got, want, err)
		}
	}
}

// TestShortInterval: an interval under a second counts as one.
func TestShortInterval(t *testing.T) {
	in := context()
	in.Interval = 200 * time.Millisecond
	if got, err := macro.Expand("$__interval_s $__timeInterval(at)", in); err != nil || got != "1 toStartOfInterval(toDateTime(at), INTERVAL 1 second)" {
		t.Errorf("%s: %v", got, err)
	}
}

// TestUnknown: what the data source would send on as it stands is an error here, and says what.
func TestUnknown(t *testing.T) {
	for query, want := range map[string]string{
		"$__timefilter(at)": "variable __timefilter", "SELECT $unknown": "variable unknown", "${silo:html}": "format html",
		"$__timeFilter": "0 arguments", "$__timeFilter(a, b)": "2 arguments", "$__dateTimeFilter(a)": "1 arguments",
		"$__conditionalAll(a)": "1 arguments", "$__conditionalAll(a, $unknown)": "variable unknown", "$__conditionalAll(a, $silo": "0 arguments",
		"${__from:week}": "format week",
	} {
		if got, err := macro.Expand(query, context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %s, %v; expected %s", query, got, err, want)
		}
	}
}
