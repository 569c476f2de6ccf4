package main

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"parcours/dashboards"
	"parcours/dashboards/macro"
)

// screen is a dashboard as Grafana reads it: what it asks.
type screen struct {
	Panels     []panel
	Templating struct{ List []offer }
	Time       struct{ From string }

	name string
}

type panel struct {
	Type, Title string
	Targets     []dashboards.Query
	Panels      []panel
}

// offer is a variable.
type offer struct {
	Name    string
	Multi   bool
	Query   json.RawMessage
	Current struct{ Value json.RawMessage }
}

// screens are the dashboards that are asked for.
func (b *bench) screens() (all []screen, err error) {
	for _, d := range dashboards.All() {
		if b.dashboard != "" && b.dashboard != d.Name {
			continue
		}
		text, err := d.JSON(dashboards.Language(b.language))
		if err != nil {
			return nil, err
		}
		s := screen{name: d.Name}
		if err := json.Unmarshal(text, &s); err != nil {
			return nil, fmt.Errorf("read dashboard %s: %w", d.Name, err)
		}
		all = append(all, s)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("--dashboard %s: there is none of this name", b.dashboard)
	}
	return all, nil
}

// flat are all panels, those in rows too.
func (s screen) flat() (all []panel) {
	for _, p := range s.Panels {
		all = append(append(all, p), p.Panels...)
	}
	return all
}

var days = regexp.MustCompile(`^now-(\d+)d$`)

// period is what the screen opens with, on the day that the tables end: that is the day of whoever looks.
func (s screen) period(end time.Time) (from time.Time, err error) {
	m := days.FindStringSubmatch(s.Time.From)
	if m == nil {
		return from, fmt.Errorf("dashboard %s opens at %s: expected now-Nd", s.name, s.Time.From)
	}
	n, err := strconv.Atoi(m[1])
	return end.AddDate(0, 0, -n), err
}

// questions are the queries of a screen as they are when somebody opens it: those of its variables, each with those before it in force, and
// those of its panels, with everything chosen and of what offers one choice the first.
func (b *bench) questions(s screen, end time.Time) (list []*question, err error) {
	in := macro.Context{To: end, Interval: time.Hour, Variables: map[string]macro.Variable{}}
	if in.From, err = s.period(end); err != nil {
		return nil, err
	}
	add := func(what, raw string) (q *question, err error) {
		sql, err := macro.Expand(raw, in)
		if err != nil {
			return nil, fmt.Errorf("%s, %s: %w", s.name, what, err)
		}
		q = &question{dashboard: s.name, panel: what, sql: sql}
		list = append(list, q)
		return q, nil
	}
	for _, o := range s.Templating.List {
		if in.Variables[o.Name], err = b.chosen(o, add); err != nil {
			return nil, err
		}
	}
	for _, p := range s.flat() {
		for _, t := range p.Targets {
			what := p.Title
			if len(p.Targets) > 1 {
				what += ", " + t.RefID
			}
			if _, err := add(what, t.RawSQL); err != nil {
				return nil, err
			}
		}
	}
	return list, nil
}

// given are values of variables that are no choice from a list: a viewer comes with them from another screen.
var given = map[string]string{"journey": "SELECT journey_id FROM journeys_v ORDER BY breakpoints DESC, steps DESC, journey_id LIMIT 1"}

// chosen is what a variable is when the screen opens.
func (b *bench) chosen(o offer, add func(what, raw string) (*question, error)) (v macro.Variable, err error) {
	var query struct{ RawSQL string }
	_ = json.Unmarshal(o.Query, &query) // a text is no query
	sql := given[o.Name]
	if query.RawSQL != "" {
		q, err := add("variable "+o.Name, query.RawSQL)
		if err != nil {
			return v, err
		}
		sql = q.sql
	}
	if sql == "" {
		var text string
		_ = json.Unmarshal(o.Current.Value, &text) // a list is no text
		return macro.One(text), nil
	}
	rows, err := b.rows(sql)
	if err != nil {
		return v, fmt.Errorf("variable %s: %w", o.Name, err)
	}
	var values []string
	for _, r := range rows {
		values = append(values, r[0])
	}
	switch {
	case o.Multi:
		return macro.All(values...), nil
	case len(values) == 0:
		return macro.One(""), nil
	}
	return macro.One(values[0]), nil
}
