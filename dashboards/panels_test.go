package dashboards

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"parcours/dashboards/internal/filled"
	"parcours/dashboards/macro"
	"parcours/dashboards/words"
	"parcours/pipeline/clickhouse"
)

// mayBeEmpty are panels that have no row in the database of the tests, by dashboard and title key, and why that is right.
var mayBeEmpty = map[string]string{
	"churn/Variation en 30 jours":                          "an import scores on one day only: nobody was scored 30 days before",
	"churn/Change in 30 days":                              "an import scores on one day only: nobody was scored 30 days before",
	"churn/Qualité du modèle en service":                   "the prior is in force: nothing was learnt and nothing judged",
	"churn/Quality of the model in force":                  "the prior is in force: nothing was learnt and nothing judged",
	"churn/Prédit et observé à 90 jours, par dixième":      "the prior is in force: nothing was learnt and nothing judged",
	"churn/Foretold and observed within 90 days, by tenth": "the prior is in force: nothing was learnt and nothing judged",
	"pipeline/Débit":                                       "goes by when events came, which is the day of the test",
	"pipeline/Throughput":                                  "goes by when events came, which is the day of the test",
	"pipeline/Par source":                                  "goes by when events came, which is the day of the test",
	"pipeline/By source":                                   "goes by when events came, which is the day of the test",
	"pipeline/Refusés, par raison":                         "nothing of the company was refused",
	"pipeline/Refused, by reason":                          "nothing of the company was refused",
	"pipeline/Trop tard, par source":                       "goes by when events came, which is the day of the test",
	"pipeline/Too late, by source":                         "goes by when events came, which is the day of the test",
}

// given are values of variables that nobody can choose from a list: SQL that finds one.
var given = map[string]string{"journey": "SELECT journey_id FROM journeys_v ORDER BY breakpoints DESC, journey_id LIMIT 1"}

// offerable is what option gives.
var offerable = regexp.MustCompile(`^(` + unstated + `|[\w.~%-]+)$`)

// answer is what a query gave: names and types of its columns, and rows.
type answer struct {
	names, types []string
	rows         [][]any
}

// ask runs SQL as the data source would: readers only, in the database of the tables.
func ask(t testing.TB, store *clickhouse.Store, sql string) (a answer, err error) {
	t.Helper()
	var out strings.Builder
	if err := store.Query(t.Context(), sql, "JSONCompactEachRowWithNamesAndTypes", &out, true, nil); err != nil {
		return a, err
	}
	for i, line := range strings.Split(strings.TrimSpace(out.String()), "\n") {
		var row []any
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			return a, fmt.Errorf("%s: %w", line, err)
		}
		switch i {
		case 0:
			a.names = texts(row)
		case 1:
			a.types = texts(row)
		default:
			a.rows = append(a.rows, row)
		}
	}
	return a, nil
}

func texts(row []any) (all []string) {
	for _, v := range row {
		all = append(all, fmt.Sprint(v))
	}
	return all
}

// viewer is somebody in front of a dashboard.
type viewer struct {
	store  *clickhouse.Store
	screen screen
	narrow string // chooses one value of each variable, in place of all: what is not stated where it is offered, or what is
	in     macro.Context
}

// choose makes the choices that a dashboard opens with, from what its variables offer, each with those before it in force.
func (v *viewer) choose(t testing.TB) {
	t.Helper()
	v.in = macro.Context{From: filled.From, To: filled.To, Interval: 24 * time.Hour, Variables: map[string]macro.Variable{}}
	for _, o := range v.screen.Templating.List {
		v.in.Variables[o.Name] = v.chosen(t, o)
	}
}

func (v *viewer) chosen(t testing.TB, o offer) macro.Variable {
	t.Helper()
	sql := o.sql()
	if sql == "" {
		sql = given[o.Name]
	}
	if sql == "" {
		var text string
		_ = json.Unmarshal(o.Current.Value, &text) // a list is no text
		return macro.One(text)
	}
	a := v.run(t, "the variable "+o.Name, sql)
	if len(a.names) > 2 || slices.Contains(a.names, "__text") || slices.Contains(a.names, "__value") {
		t.Errorf("%s: the variable %s offers %v: expected values, or values and then their texts", v.screen, o.Name, a.names)
	}
	var values []string
	for _, row := range a.rows {
		values = append(values, fmt.Sprint(row[0]))
		if o.Hide == 0 && !offerable.MatchString(fmt.Sprint(row[0])) {
			t.Errorf("%s: the variable %s offers %q, which is no option", v.screen, o.Name, row[0])
		}
	}
	order := []bool{v.narrow == "not stated", v.narrow != "not stated"}
	switch {
	case o.Multi && v.narrow != "" && len(values) > 0:
		return macro.Some(slices.MinFunc(values, func(x, y string) int {
			return slices.Index(order, x == unstated) - slices.Index(order, y == unstated)
		}))
	case o.Multi:
		return macro.All(values...)
	case len(values) == 0:
		return macro.One("")
	}
	return macro.One(values[0])
}

// run expands and asks; an error is one of the test.
func (v *viewer) run(t testing.TB, what, raw string) answer {
	t.Helper()
	sql, err := macro.Expand(raw, v.in)
	if err != nil {
		t.Errorf("%s, %s: %v\n%s", v.screen, what, err, raw)
		return answer{}
	}
	a, err := ask(t, v.store, sql)
	if err != nil {
		t.Errorf("%s, %s: %v\n%s", v.screen, what, err, sql)
	}
	return a
}

// look runs every query of the screen.
func (v *viewer) look(t *testing.T, each func(p panel, q Query, a answer)) {
	t.Helper()
	v.choose(t)
	for _, p := range v.screen.flat() {
		for _, q := range p.Targets {
			each(p, q, v.run(t, p.Title, q.RawSQL))
		}
	}
}

// TestPanelsOfAnEmptyDatabase: nothing fails where nothing is.
func TestPanelsOfAnEmptyDatabase(t *testing.T) {
	for _, s := range screens(t) {
		v := viewer{store: filled.Empty(t), screen: s}
		v.look(t, func(panel, Query, answer) {})
	}
}

// TestPanelsOfACompany: every panel answers, with rows where rows are due, whatever is chosen; and a chart over time is one.
func TestPanelsOfACompany(t *testing.T) {
	company := filled.Full(t)
	var kept rowsKept
	for _, s := range screens(t) {
		v := viewer{store: company.Store, screen: s}
		v.look(t, func(p panel, q Query, a answer) {
			reason, empty := mayBeEmpty[s.name+"/"+p.Title]
			if len(a.rows) == 0 && !empty {
				problem(t, s, p, "no row\n%s", q.RawSQL)
			}
			if len(a.rows) > 0 && empty {
				problem(t, s, p, "has rows, though mayBeEmpty says: %s", reason)
			}
			checkSeries(t, s, p, q, a)
			checkHeadings(t, s, p, a)
		})
		v.narrow = map[words.Language]string{words.French: "not stated", words.English: "stated"}[s.language] // the conditions are the same
		v.look(t, func(p panel, q Query, _ answer) { kept.query(t, &v, p, q) })
	}
	if kept.told < 20 {
		t.Errorf("only %d conditions of what is not stated keep some rows of several: the company shows nothing of it", kept.told)
	}
}

// checkSeries: a query of a time series gives a time first, in order, and a number.
func checkSeries(t *testing.T, s screen, p panel, q Query, a answer) {
	t.Helper()
	if q.QueryType != "timeseries" || len(a.types) == 0 {
		return
	}
	isTime := func(kind string) bool {
		return strings.HasPrefix(kind, "Date") || strings.HasPrefix(kind, "Nullable(Date")
	}
	isNumber := func(kind string) bool {
		kind = strings.TrimPrefix(kind, "Nullable(")
		return strings.HasPrefix(kind, "Float") || strings.HasPrefix(kind, "UInt") || strings.HasPrefix(kind, "Int") || strings.HasPrefix(kind, "Decimal")
	}
	if !isTime(a.types[0]) || !slices.ContainsFunc(a.types, isNumber) {
		problem(t, s, p, "no time series: %v %v", a.names, a.types)
	}
	if !slices.IsSortedFunc(a.rows, func(x, y []any) int { return strings.Compare(fmt.Sprint(x[0]), fmt.Sprint(y[0])) }) {
		problem(t, s, p, "not in the order of time")
	}
}

// checkHeadings: a column that people see has a name for people, not one of SQL.
func checkHeadings(t *testing.T, s screen, p panel, a answer) {
	t.Helper()
	if p.Type != "table" {
		return
	}
	for _, name := range a.names {
		if strings.ContainsAny(name, "(") {
			problem(t, s, p, "the column %s has no heading", name)
		}
	}
}
