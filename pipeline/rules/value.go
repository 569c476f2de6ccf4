package rules

import (
	"cmp"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"parcours/pipeline/event"
)

// codec reads and writes one kind of plain value.
type codec[T any] struct {
	expected string // in words
	parse    func(string) (T, bool)
	print    func(T) string
	short    string // what docs/rules.md calls it; "" for expected
}

// called gives it a short name.
func (c codec[T]) called(short string) codec[T] {
	c.short = short
	return c
}

func (c codec[T]) name() string { return cmp.Or(c.short, c.expected) }

func words[T ~string](expected string, fits func(T) bool) codec[T] {
	return codec[T]{expected: expected, parse: func(s string) (T, bool) { return T(s), fits(T(s)) }, print: func(v T) string { return string(v) }}
}

var (
	token      = regexp.MustCompile(`^[a-z0-9_-]+$`)
	reasonText = regexp.MustCompile(`^[a-z0-9_-]+(\.[a-z0-9_-]+)*$`)
	currency   = regexp.MustCompile(`^[A-Z]{3}$`)
)

var (
	currencies = words("a currency of three capitals (ISO 4217), such as EUR", currency.MatchString).called("three capitals")
	siloNames  = words("the name of a silo in lower case, such as customer_service", token.MatchString).called("a silo")
	names      = words("a name in lower case, such as first_contact_resolution", token.MatchString).called("a name")
	reasons    = words("a reason in lower case, such as billing or billing.dispute", isReason).called("a reason")
	families   = words("a reason family in lower case, such as billing", isFamily).called("a reason family")
	channels   = words(oneOf(channelNames()), event.Channel.Known).called("a channel")
	anyText    = words("a text that is not empty", isText).called("a text")
	kindNames  = words(oneOf(kinds), isKind).called("a kind of breakpoint")
	zones      = words("a time zone of IANA, such as Europe/Paris", isZone).called("a time zone of IANA")
	holidays   = words("FR or none", func(s string) bool { return s == "FR" || s == noneText })
	dates      = words("a date such as 2026-12-24", isDate)
	yesNo      = codec[bool]{expected: "true or false", parse: parseBool, print: strconv.FormatBool}
	minutes    = number("minutes, 0 or more", 0, 24*60).called("minutes")
	amounts    = number("an amount, 0 or more", 0, 1e9).called("an amount")
	scores     = number("a score, 0 to 10", 0, 10).called("a score")
	shifts     = number("a factor from 1.1 to 10", 1.1, 10).called("a factor")
	volumes    = number("breakpoints a day, 1 or more", 1, 1e6).called("breakpoints a day")
	alarms     = number("a number from 0.001 to 10", 0.001, 10).called("a number")
	shares     = codec[float64]{expected: "a share, 0% to 100%", parse: parseShare, print: printFigure, short: "a share"}
	counts     = whole("a whole number, 0 to 3660", 0, 3660)
	atLeastOne = whole("a whole number, 1 or more", 1, math.MaxInt32)
	periods    = whole("a number of months, 1 to 120", 1, 120)
	joursOuvr  = counted("jour ouvrable", "jours ouvrables").called("jours ouvrables")
	months     = counted("month", "months").called("months")
	durations  = codec[time.Duration]{expected: "a duration such as 7d, 24h, 3m, 5s or 1d12h", parse: parseDuration, print: printDuration, short: "a duration"}
	limits     = codec[time.Duration]{expected: "a duration such as 3m, or none", parse: orNone(parseDuration), print: noneOr(printDuration), short: "a duration, or none"}
	workTimes  = codec[OpenTime]{expected: "working time such as 1 working day, 5 working days, 1 opening hour or 30 opening minutes, or none",
		parse: orNone(parseOpenTime), print: noneOr(printOpenTime), short: "working time, or none"}
	figures = codec[float64]{expected: "a number, or a share such as 75%", parse: parseFigure, print: printFigure, short: "a number or a share"}
	days    = codec[Hours]{expected: "opening hours such as 09:00-18:00, or closed", parse: parseHours, print: printHours, short: "hours, or closed"}
)

func parseBool(s string) (v, ok bool) { return s == "true", s == "true" || s == "false" }

func isFamily(s string) bool { return isReason(s) && !strings.Contains(s, ".") }

func isText(s string) bool { return s != "" && s == strings.TrimSpace(s) }

func isKind(s string) bool { return slices.Contains(kinds, s) }

func isZone(s string) bool {
	_, err := LoadLocation(s)
	return err == nil
}

const noneText = "none"

func isReason(s string) bool { return reasonText.MatchString(s) && event.ReasonFamily(s) != "" }

func channelNames() (list []string) {
	for _, c := range event.Channels {
		list = append(list, string(c))
	}
	return list
}

func isDate(s string) bool {
	_, err := time.Parse(time.DateOnly, s)
	return err == nil
}

func number(expected string, least, most float64) codec[float64] {
	return codec[float64]{expected: expected, parse: func(s string) (float64, bool) {
		v, err := strconv.ParseFloat(s, 64)
		return v, err == nil && v >= least && v <= most
	}, print: printNumber}
}

func printNumber(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

func whole(expected string, least, most int) codec[int] {
	return codec[int]{expected: expected, parse: func(s string) (int, bool) {
		v, err := strconv.Atoi(s)
		return v, err == nil && v >= least && v <= most
	}, print: strconv.Itoa}
}

// counted is a whole number with its unit, singular and plural.
func counted(one, many string) codec[int] {
	return codec[int]{expected: "a number of " + many + ", such as 2 " + many, parse: func(s string) (int, bool) {
		digits, unit, _ := strings.Cut(s, " ")
		v, err := strconv.Atoi(digits)
		return v, err == nil && v >= 1 && v <= 1000 && (unit == one || unit == many)
	}, print: func(v int) string { return count(v, one, many) }}
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

func orNone[T any](parse func(string) (T, bool)) func(string) (T, bool) {
	return func(s string) (v T, ok bool) {
		if s == noneText {
			return v, true
		}
		return parse(s)
	}
}

func noneOr[T comparable](print func(T) string) func(T) string {
	return func(v T) string {
		var zero T
		if v == zero {
			return noneText
		}
		return print(v)
	}
}

// longestDuration is ten years: a longer window is a slip of the pen.
const longestDuration = 3660 * Day

var durationText = regexp.MustCompile(`^(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$`)

func parseDuration(s string) (time.Duration, bool) {
	parts := durationText.FindStringSubmatch(s)
	if parts == nil || s == "" {
		return 0, false
	}
	var sum time.Duration
	for i, unit := range []time.Duration{Day, time.Hour, time.Minute, time.Second} {
		n, err := strconv.Atoi("0" + parts[i+1])
		if err != nil || n > int(longestDuration/unit) {
			return 0, false
		}
		sum += time.Duration(n) * unit
	}
	return sum, sum > 0 && sum <= longestDuration
}

// printDuration writes whole days from two days on, and hours below.
func printDuration(d time.Duration) string {
	if d%Day == 0 && d >= 2*Day {
		return strconv.Itoa(int(d/Day)) + "d"
	}
	text := ""
	for _, u := range []struct {
		name string
		unit time.Duration
	}{{"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}} {
		if n := d / u.unit; n > 0 {
			text, d = text+strconv.Itoa(int(n))+u.name, d%u.unit
		}
	}
	return text
}

var openTimeText = regexp.MustCompile(`^(?:(\d+) working days? ?)?(?:(\d+) opening hours? ?)?(?:(\d+) opening minutes?)?$`)

func parseOpenTime(s string) (OpenTime, bool) {
	parts := openTimeText.FindStringSubmatch(s)
	if parts == nil || s == "" || strings.HasSuffix(s, " ") {
		return OpenTime{}, false
	}
	var n [3]int
	for i := range n {
		var err error
		if n[i], err = strconv.Atoi("0" + parts[i+1]); err != nil || n[i] > 100_000 {
			return OpenTime{}, false
		}
	}
	span := OpenTime{Days: n[0], Time: time.Duration(n[1])*time.Hour + time.Duration(n[2])*time.Minute}
	return span, span != OpenTime{} && span.Days <= 1000 && span.Time <= longestDuration
}

func printOpenTime(span OpenTime) string {
	var parts []string
	if span.Days > 0 {
		parts = append(parts, count(span.Days, "working day", "working days"))
	}
	if h := int(span.Time / time.Hour); h > 0 {
		parts = append(parts, count(h, "opening hour", "opening hours"))
	}
	if m := int(span.Time % time.Hour / time.Minute); m > 0 {
		parts = append(parts, count(m, "opening minute", "opening minutes"))
	}
	return strings.Join(parts, " ")
}

// parseFigure reads a number; of a share in per cent, the hundredth.
func parseFigure(s string) (float64, bool) {
	digits, percent := strings.CutSuffix(s, "%")
	v, err := strconv.ParseFloat(digits, 64)
	if percent {
		v /= 100
	}
	return v, err == nil && !math.IsNaN(v) && !math.IsInf(v, 0) && v >= 0
}

func parseShare(s string) (float64, bool) {
	v, ok := parseFigure(s)
	return v, ok && v <= 1
}

func printFigure(v float64) string {
	if percent := printNumber(v * 100); v > 0 && v <= 1 {
		if back, ok := parseFigure(percent + "%"); ok && back == v {
			return percent + "%"
		}
	}
	return printNumber(v)
}

func parseHours(s string) (Hours, bool) {
	if s == "closed" {
		return Hours{}, true
	}
	from, to, _ := strings.Cut(s, "-")
	a, okA := parseClock(from)
	b, okB := parseClock(to)
	return Hours{a, b}, okA && okB && a < b
}

var clockText = regexp.MustCompile(`^(\d\d?):(\d\d)$`)

func parseClock(s string) (minute int, ok bool) {
	parts := clockText.FindStringSubmatch(s)
	if parts == nil {
		return 0, false
	}
	h, _ := strconv.Atoi(parts[1])
	m, _ := strconv.Atoi(parts[2])
	return h*60 + m, m < 60 && h*60+m <= 24*60
}

func printHours(h Hours) string {
	if h.From >= h.To {
		return "closed"
	}
	return fmt.Sprintf("%02d:%02d-%02d:%02d", h.From/60, h.From%60, h.To/60, h.To%60)
}
