// Package dashboards is what people see of Parcours in Grafana: a file a dashboard, panels in the order of the screen, one house
// style, in French and in English. Panels read documented views and decide nothing. gen writes them as JSON into json/fr and
// json/en, from where Grafana takes them.
package dashboards

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/grafana/grafana-foundation-sdk/go/dashboard"

	"parcours/dashboards/words"
)

//go:generate go run ./gen

// Dashboard is one screen.
type Dashboard struct {
	Name  string // of its file, of its texts, and of its address: comex
	panel func(*board)
}

// All are the dashboards, in the order of the menu.
func All() []Dashboard {
	return []Dashboard{
		{"comex", comex},
		{"breakpoints", breakpoints},
		{"journeys", journeys},
		{"journey", journey},
		{"churn", churn},
		{"complaints", complaints},
		{"channels", channels},
		{"pipeline", pipeline},
	}
}

// UID is the address of a dashboard in a language: parcours-fr-comex.
func UID(l words.Language, name string) string { return "parcours-" + string(l) + "-" + name }

// JSON is the dashboard as Grafana imports it. A text that is missing is an error that names its key.
func (d Dashboard) JSON(l words.Language) ([]byte, error) {
	texts, err := words.In(l)
	if err != nil {
		return nil, err
	}
	b := newBoard(d.Name, texts)
	d.panel(b)
	made, err := b.builder.Build()
	if err != nil {
		return nil, fmt.Errorf("dashboard %s in %s: %w", d.Name, l, errors.Join(append(b.missing, err)...))
	}
	text, err := json.MarshalIndent(made, "", "  ")
	text = b.localised(text)
	if err = errors.Join(append(b.missing, err)...); err != nil {
		return nil, fmt.Errorf("dashboard %s in %s: %w", d.Name, l, err)
	}
	return append(text, '\n'), nil
}

// menu links every dashboard to the others of its language, and keeps period and choices.
func menu(l words.Language, title string) *dashboard.DashboardLinkBuilder {
	return dashboard.NewDashboardLinkBuilder(title).Type(dashboard.DashboardLinkTypeDashboards).Tags([]string{"parcours-" + string(l)}).
		AsDropdown(true).IncludeVars(true).KeepTime(true)
}
