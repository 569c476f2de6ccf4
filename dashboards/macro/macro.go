// Package macro turns the query of a panel into the SQL that ClickHouse gets, as the official ClickHouse data source of Grafana does it:
// tests and benchmarks run by it what people see. First comes what happens in the browser ($__conditionalAll, then variables), then
// what happens in the server (macros of time). Where the data source would send on what it does not know, it is an error here.
package macro

import (
	"fmt"
	"math"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Context is what a dashboard knows when it asks.
type Context struct {
	From, To  time.Time     // the period chosen
	Interval  time.Duration // between two points of a chart; under a second counts as one where seconds are asked for
	Variables map[string]Variable
}

// Variable is what a viewer chose.
type Variable struct {
	Values []string // chosen; of All, every value that is offered
	All    bool     // all of them: then $__conditionalAll filters nothing
	Multi  bool     // several may be chosen: then the plain form, without a format, is a list in quotes
}

// One is a choice of one value.
func One(value string) Variable { return Variable{Values: []string{value}} }

// All is the choice of everything offered.
func All(offered ...string) Variable { return Variable{Values: offered, All: true, Multi: true} }

// Some is a choice among several.
func Some(values ...string) Variable { return Variable{Values: values, Multi: true} }

// Expand gives the SQL that the server gets. The error names what is not known: a macro, a variable or a format.
func Expand(sql string, in Context) (string, error) {
	for _, step := range []func(string, Context) (string, error){conditions, variables, times} {
		var err error
		if sql, err = step(sql, in); err != nil {
			return "", err
		}
	}
	return sql, nil
}

const conditional = "$__conditionalAll"

// conditions replaces $__conditionalAll(condition, $variable): the condition, or 1=1 where all are chosen or nothing. The last comes
// first, so that one may stand within another.
func conditions(sql string, in Context) (string, error) {
	for {
		at := strings.LastIndex(sql, conditional)
		if at < 0 {
			return sql, nil
		}
		args, end := arguments(sql, at+len(conditional))
		if len(args) != 2 {
			return "", fmt.Errorf("%s with %d arguments: expected a condition and a variable", conditional, len(args))
		}
		name := strings.Trim(strings.TrimSpace(args[1]), "${}")
		v, known := in.Variables[name]
		if !known {
			return "", fmt.Errorf("%s: there is no variable %s", conditional, name)
		}
		condition := args[0]
		if values := strings.Join(v.Values, ","); v.All || values == "" || values == "$__all" {
			condition = "1=1"
		}
		sql = sql[:at] + condition + sql[end:]
	}
}

// arguments are what stands in the brackets that open at a place, cut at the commas of the outermost, and where they end. Quotes
// are not looked at, as the data source does not: a bracket in a text counts.
func arguments(sql string, open int) (args []string, end int) {
	if open >= len(sql) || sql[open] != '(' {
		return nil, open
	}
	depth, begin := 0, open+1
	for i := open; i < len(sql); i++ {
		switch sql[i] {
		case '(':
			depth++
		case ')':
			depth--
		}
		if depth == 0 || depth == 1 && sql[i] == ',' {
			args = append(args, sql[begin:i])
			begin = i + 1
		}
		if depth == 0 {
			return args, i + 1
		}
	}
	return nil, open
}

var (
	variable = regexp.MustCompile(`\$\{(\w+)(?::(\w+))?\}|\$(\w+)`)
	timed    = regexp.MustCompile(`\$__(\w+)`)
)

// variables replaces $name, ${name} and ${name:format}. Macros of time look the same and are left to times.
func variables(sql string, in Context) (out string, err error) {
	out = variable.ReplaceAllStringFunc(sql, func(found string) string {
		m := variable.FindStringSubmatch(found)
		name, format := m[1]+m[3], m[2]
		if macroOfTime[strings.TrimPrefix(name, "__")] != nil && m[3] != "" {
			return found
		}
		text, e := in.value(name, format)
		if e != nil && err == nil {
			err = e
		}
		return text
	})
	return out, err
}

// value of a variable in a format.
func (in Context) value(name, format string) (string, error) {
	switch name {
	case "__from":
		return moment(in.From, format)
	case "__to":
		return moment(in.To, format)
	case "__interval_ms":
		return strconv.FormatInt(in.Interval.Milliseconds(), 10), nil
	}
	v, known := in.Variables[name]
	if !known {
		return "", fmt.Errorf("there is no variable %s", name)
	}
	return v.in(format)
}

// moment is a time in milliseconds, or in a format of dates.
func moment(t time.Time, format string) (string, error) {
	switch format {
	case "", "raw":
		return strconv.FormatInt(t.UnixMilli(), 10), nil
	case "date": // with no more said, ISO 8601
		return t.UTC().Format("2006-01-02T15:04:05.000Z"), nil
	}
	return "", fmt.Errorf("a time in the format %s", format)
}

// in is the text of what was chosen.
func (v Variable) in(format string) (string, error) {
	switch format {
	case "": // of the data source: a list in quotes, which it does not escape
		if v.Multi {
			return "'" + strings.Join(v.Values, "','") + "'", nil
		}
		return strings.Join(v.Values, ","), nil
	case "singlequote":
		return v.quoted(strings.NewReplacer("'", `\'`)), nil
	case "sqlstring":
		return v.quoted(strings.NewReplacer("'", "''", `"`, `\"`)), nil
	case "percentencode": // what several may be chosen of has braces around it
		text := strings.Join(v.Values, ",")
		if v.Multi {
			text = "{" + text + "}"
		}
		return strings.ReplaceAll(url.QueryEscape(text), "+", "%20"), nil
	case "csv", "raw":
		return strings.Join(v.Values, ","), nil
	}
	return "", fmt.Errorf("format %s of a variable", format)
}

// quoted is a list in quotes.
func (v Variable) quoted(escape *strings.Replacer) string {
	texts := make([]string, len(v.Values))
	for i, value := range v.Values {
		texts[i] = "'" + escape.Replace(value) + "'"
	}
	return strings.Join(texts, ",")
}

// macroOfTime are the macros of the server, by their name without $__, and what they take.
var macroOfTime = map[string]func(in Context, args []string) (string, error){
	"fromTime":       none(func(in Context) string { return seconds(in.From) }),
	"toTime":         none(func(in Context) string { return seconds(in.To) }),
	"fromTime_ms":    none(func(in Context) string { return millis(in.From) }),
	"toTime_ms":      none(func(in Context) string { return millis(in.To) }),
	"timeFilter":     one(func(in Context, c string) string { return between(c, seconds(in.From), seconds(in.To)) }),
	"timeFilter_ms":  one(func(in Context, c string) string { return between(c, millis(in.From), millis(in.To)) }),
	"dateFilter":     one(func(in Context, c string) string { return between(c, date(in.From), date(in.To)) }),
	"dateTimeFilter": dateTime,
	"dt":             dateTime,
	"interval_s":     none(func(in Context) string { return strconv.Itoa(in.step()) }),
	"timeInterval": one(func(in Context, c string) string {
		return fmt.Sprintf("toStartOfInterval(toDateTime(%s), INTERVAL %d second)", c, in.step())
	}),
	"timeInterval_ms": one(func(in Context, c string) string {
		return fmt.Sprintf("toStartOfInterval(toDateTime64(%s, 3), INTERVAL %d millisecond)", c, max(in.Interval.Milliseconds(), 1))
	}),
}

// times replaces the macros of time, with their brackets where there are any.
func times(sql string, in Context) (string, error) {
	var out strings.Builder
	for {
		m := timed.FindStringSubmatchIndex(sql)
		if m == nil {
			return out.String() + sql, nil
		}
		name := sql[m[2]:m[3]]
		expand := macroOfTime[name]
		if expand == nil {
			return "", fmt.Errorf("there is no macro $__%s", name)
		}
		args, end := arguments(sql, m[1])
		text, err := expand(in, args)
		if err != nil {
			return "", fmt.Errorf("$__%s: %w", name, err)
		}
		out.WriteString(sql[:m[0]] + text)
		sql = sql[end:]
	}
}

func (in Context) step() int { return int(math.Max(in.Interval.Seconds(), 1)) }

func seconds(t time.Time) string { return fmt.Sprintf("toDateTime(%d)", t.Unix()) }

func millis(t time.Time) string { return fmt.Sprintf("fromUnixTimestamp64Milli(%d)", t.UnixMilli()) }

func date(t time.Time) string { return "toDate('" + t.Format(time.DateOnly) + "')" }

func between(column, from, to string) string {
	return column + " >= " + from + " AND " + column + " <= " + to
}

// none is a macro without arguments; those given are passed over.
func none(text func(Context) string) func(Context, []string) (string, error) {
	return func(in Context, _ []string) (string, error) { return text(in), nil }
}

// one is a macro of one column.
func one(text func(Context, string) string) func(Context, []string) (string, error) {
	return func(in Context, args []string) (string, error) {
		if len(args) != 1 {
			return "", fmt.Errorf("%d arguments, expected one", len(args))
		}
		return text(in, strings.TrimSpace(args[0])), nil
	}
}

// dateTime is $__dateTimeFilter(date, time), for a table that is ordered by a date beside the time.
func dateTime(in Context, args []string) (string, error) {
	if len(args) != 2 {
		return "", fmt.Errorf("%d arguments, expected two", len(args))
	}
	day, at := strings.TrimSpace(args[0]), strings.TrimSpace(args[1])
	return "(" + between(day, date(in.From), date(in.To)) + ") AND (" + between(at, seconds(in.From), seconds(in.To)) + ")", nil
}
