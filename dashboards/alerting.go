package dashboards

import (
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"

	"parcours/dashboards/words"
	"parcours/schemas"
)

// AlertRules are rules of Grafana, as the YAML that it is provisioned with: one for each figure of the executive committee, which fires
// while the last month that is known misses its target. A rule has one text for all who read it, so that each is in every language.
// What changes from day to day is watched by Parcours itself (alerts_v), not here.
func AlertRules() ([]byte, error) {
	rules := make([]alertRule, len(figures))
	for i, f := range figures {
		rule, err := missedTarget(f.key, f.figure)
		if err != nil {
			return nil, err
		}
		rules[i] = rule
	}
	text, err := yaml.Marshal(map[string]any{"apiVersion": 1, "groups": []alertGroup{{OrgID: 1, Name: "COMEX", Folder: "Parcours", Interval: "1h", Rules: rules}}})
	return append([]byte("# What the executive committee wants to reach, as alert rules. Written by go generate ./dashboards.\n"), text...), err
}

type alertGroup struct {
	OrgID    int         `yaml:"orgId"`
	Name     string      `yaml:"name"`
	Folder   string      `yaml:"folder"`
	Interval string      `yaml:"interval"`
	Rules    []alertRule `yaml:"rules"`
}

type alertRule struct {
	UID          string            `yaml:"uid"`
	Title        string            `yaml:"title"`
	Condition    string            `yaml:"condition"`
	Data         []alertStep       `yaml:"data"`
	NoDataState  string            `yaml:"noDataState"`
	ExecErrState string            `yaml:"execErrState"`
	For          string            `yaml:"for"`
	Annotations  map[string]string `yaml:"annotations"`
	Labels       map[string]string `yaml:"labels"`
}

// alertStep is a query, or an expression on another step.
type alertStep struct {
	RefID         string         `yaml:"refId"`
	Range         alertRange     `yaml:"relativeTimeRange"`
	DatasourceUID string         `yaml:"datasourceUid"`
	Model         map[string]any `yaml:"model"`
}

type alertRange struct {
	From int `yaml:"from"` // seconds before now; the query does not look at it
	To   int `yaml:"to"`
}

// beyondTarget asks by how many points a figure misses its target in the last month of which both are known; below 0 where it is met.
func beyondTarget(figure string) string {
	return schemas.Latest("SELECT 100 * if(better = 'lower', assumeNotNull(value) - assumeNotNull(target), assumeNotNull(target) - assumeNotNull(value)) AS points " +
		"FROM comex_figures_v WHERE figure = " + quote(figure) + " AND meets_target IS NOT NULL ORDER BY month DESC LIMIT 1")
}

func missedTarget(key, figure string) (alertRule, error) {
	rule := alertRule{
		UID: "parcours-comex-" + key, Condition: "missed", NoDataState: "OK", ExecErrState: "Error", For: "0s",
		Labels: map[string]string{"figure": figure}, Annotations: map[string]string{},
		Data: []alertStep{
			{RefID: "points", Range: alertRange{From: 600}, DatasourceUID: SourceUID, Model: map[string]any{
				"refId": "points", "editorType": "sql", "queryType": "table", "format": 1, "pluginVersion": pluginVersion, "rawSql": beyondTarget(figure)}},
			{RefID: "missed", Range: alertRange{From: 600}, DatasourceUID: "__expr__", Model: map[string]any{
				"refId": "missed", "type": "threshold", "expression": "points",
				"conditions": []map[string]any{{"evaluator": map[string]any{"type": "gt", "params": []float64{0}}}}}},
		},
	}
	var titles []string
	for _, l := range words.Languages() {
		texts, err := words.In(l)
		if err != nil {
			return rule, err
		}
		b := &board{name: "alerting", texts: texts}
		name := texts.Name("figure", figure)
		titles = append(titles, fmt.Sprintf(b.say("title"), name))
		rule.Annotations["summary_"+string(l)] = fmt.Sprintf(b.say("missed"), name, `{{ printf "%.1f" .Values.points.Value }}`)
		rule.Annotations["leads_to_"+string(l)] = "/d/" + UID(l, "comex")
		if len(b.missing) > 0 {
			return rule, b.missing[0]
		}
	}
	rule.Title = strings.Join(titles, " / ")
	return rule, nil
}
