package dashboards

import (
	"fmt"
	"strings"
	"testing"

	"parcours/dashboards/internal/filled"
)

// TestOneWhole: what the three breakpoints cost is out of the very amount on the card: all rows of a month add up to it, and the sentence says
// the share that a reader gets who divides the three by it.
func TestOneWhole(t *testing.T) {
	store := filled.Full(t).Store
	a, err := ask(t, store, `SELECT formatDateTime(f.month, '%Y-%m'), assumeNotNull(f.amount), c.whole, c.three, c.shares, h.fr, h.en FROM comex_figures_v AS f
		INNER JOIN (SELECT month, sum(cost) AS whole, sumIf(cost, place <= 3) AS three, sumIf(share, place <= 3) AS shares FROM comex_costs_v GROUP BY month) AS c ON c.month = f.month
		INNER JOIN comex_headline_v AS h ON h.month = f.month WHERE f.figure = 'avoidable_cost' AND f.amount > 0`)
	if err != nil {
		t.Fatal(err)
	}
	if len(a.rows) < 8 {
		t.Fatalf("%d months only", len(a.rows))
	}
	for _, r := range a.rows {
		amount, whole, three, shares := r[1].(float64), r[2].(float64), r[3].(float64), r[4].(float64)
		if !near(whole, amount, 1e-6) || !near(three/amount, shares, 1e-9) {
			t.Errorf("%v: the card says %v, all breakpoints cost %v; the three cost %v, and are said to be %v of it", r[0], amount, whole, three, shares)
		}
		for i, want := range []string{fmt.Sprintf(" %.0f\u00a0%% du coût évitable", 100*three/amount), fmt.Sprintf(" %.0f%% of the avoidable cost", 100*three/amount)} {
			if said := r[5+i].(string); !strings.Contains(said, want) {
				t.Errorf("%v: expected %q in %q", r[0], want, said)
			}
		}
	}
}

// TestActionsSayWhatWasMeasured: of the made-up company's two actions one is old enough: the screen says its rates before and after, with n.
func TestActionsSayWhatWasMeasured(t *testing.T) {
	store := filled.Full(t).Store
	a, err := ask(t, store, `SELECT a.action, a.effect, a.kind, a.measure_en, r.before_rate, r.after_rate, toString(r.before_n), toString(r.after_n), a.verdict_en, r.exceeds_noise FROM comex_actions_v AS a
		INNER JOIN action_rates_v AS r ON r.launched_at = a.launched_at AND r.kind = a.kind AND r.scope = a.scope AND r.days = 28 ORDER BY a.launched_at`)
	if err != nil {
		t.Fatal(err)
	}
	if len(a.rows) != 2 || a.rows[0][1] != "measured" {
		t.Fatalf("expected two actions, the first measured: %v", a.rows)
	}
	r := a.rows[0]
	for _, want := range []string{fmt.Sprintf("%.1f%% before (n = %v)", 100*r[4].(float64), r[6]), fmt.Sprintf("%.1f%% after (n = %v)", 100*r[5].(float64), r[7])} {
		if said := r[3].(string); !strings.Contains(said, want) {
			t.Errorf("expected %q in %q", want, said)
		}
	}
	if directed := r[8] != "no clear change"; directed != r[9].(bool) {
		t.Errorf("a direction is said beyond noise only: %q, and beyond noise is %v", r[8], r[9])
	}
}
