package dashboards

import (
	"os"
	"testing"

	"github.com/goccy/go-yaml"

	"parcours/dashboards/internal/filled"
	"parcours/dashboards/words"
)

// TestAlertRulesAreCurrent: the file that Grafana is provisioned with is what gen writes.
func TestAlertRulesAreCurrent(t *testing.T) {
	want, err := AlertRules()
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("provisioning/alerting/comex.yaml")
	if err != nil || string(got) != string(want) {
		t.Errorf("provisioning/alerting/comex.yaml is not current: run go generate ./dashboards (%v)", err)
	}
}

// TestAlertRulesFollowTargets: a rule for each figure; on an empty database it has nothing to say, on that of a company it is beyond 0 where
// the committee sees that the target of the last known month is missed, and only there.
func TestAlertRulesFollowTargets(t *testing.T) {
	text, err := AlertRules()
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Groups []alertGroup }
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Groups) != 1 || len(file.Groups[0].Rules) != len(figures) {
		t.Fatalf("expected one group of %d rules: %s", len(figures), text)
	}
	missed := 0
	for i, rule := range file.Groups[0].Rules {
		sql, _ := rule.Data[0].Model["rawSql"].(string)
		if read := views(sql); len(read) != 1 || rule.Data[0].DatasourceUID != SourceUID {
			t.Errorf("%s reads %v of %s, expected one view", rule.UID, read, rule.Data[0].DatasourceUID)
		}
		if a, err := ask(t, filled.Empty(t), sql); err != nil || len(a.rows) > 0 {
			t.Errorf("%s on an empty database: %v, %v", rule.UID, a.rows, err)
		}
		missed += checkRule(t, rule, sql, figures[i].figure)
	}
	if missed == 0 || missed == len(figures) {
		t.Errorf("%d figures of the company miss their target: nothing is told apart", missed)
	}
}

func checkRule(t *testing.T, rule alertRule, sql, figure string) (missed int) {
	t.Helper()
	a, err := ask(t, filled.Full(t).Store, sql)
	if err != nil || len(a.rows) != 1 || len(a.names) != 1 {
		t.Fatalf("%s: %v, %v: expected one number", rule.UID, a.rows, err)
	}
	b, err := ask(t, filled.Full(t).Store, "SELECT toUInt8(assumeNotNull(argMax(meets_target, month))) FROM comex_figures_v WHERE meets_target IS NOT NULL AND figure = "+quote(figure))
	if err != nil {
		t.Fatal(err)
	}
	beyond := a.rows[0][0].(float64) > 0
	if meets := b.rows[0][0] == float64(1); beyond == meets {
		t.Errorf("%s: %v points beyond the target, which is met: %v", rule.UID, a.rows[0][0], meets)
	}
	for _, l := range words.Languages() {
		if rule.Annotations["summary_"+string(l)] == "" {
			t.Errorf("%s says nothing in %s", rule.UID, l)
		}
	}
	if beyond {
		return 1
	}
	return 0
}
