package dashboards

import (
	"encoding/json"
	"testing"

	"parcours/dashboards/internal/filled"
	"parcours/pipeline/clickhouse"
)

// TestLinesOnChartsAnswer: what draws lines where rules changed, alerts were raised and actions launched runs on an empty database and on
// that of a company, which launched actions; each reads one documented view, and gives a time, a title and a text.
func TestLinesOnChartsAnswer(t *testing.T) {
	drawn := 0
	for i, store := range []*clickhouse.Store{filled.Empty(t), filled.Full(t).Store} {
		for _, s := range screens(t) {
			var lines struct {
				Annotations struct {
					List []struct {
						Name   string
						Target Query
					}
				}
			}
			if err := json.Unmarshal([]byte(s.text), &lines); err != nil {
				t.Fatal(err)
			}
			v := viewer{store: store, screen: s}
			v.choose(t)
			for _, line := range lines.Annotations.List {
				if line.Target.RawSQL == "" {
					continue
				}
				checkQuery(t, s, panel{Title: line.Name}, line.Target)
				a := v.run(t, line.Name, line.Target.RawSQL)
				if len(a.names) != 3 || a.names[0] != "time" || a.names[1] != "title" || a.names[2] != "text" {
					t.Errorf("%s: %s gives %v", s, line.Name, a.names)
				}
				drawn += i * len(a.rows)
			}
		}
	}
	if drawn == 0 {
		t.Error("no line on any chart of the company")
	}
}
