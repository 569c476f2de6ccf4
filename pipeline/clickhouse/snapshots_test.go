package clickhouse

import (
	"testing"

	"parcours/schemas"
)

// TestSnapshots: a copy has the columns, the comments and the rows of its view; it stays until the next one, which takes its place at once, and
// what nobody reads any more goes. One whose view has other columns now is thrown away.
func TestSnapshots(t *testing.T) {
	s := migrated(t)
	for _, name := range schemas.Snapshots {
		const columns = "SELECT groupArray((name, type, comment)) FROM (SELECT * FROM system.columns WHERE database = 'cx' AND table = "
		if view, latest := read(t, s, columns+"'"+name+"_v' ORDER BY position)"), read(t, s, columns+"'"+name+"_latest_v' ORDER BY position)"); view != latest {
			t.Errorf("%s: the copy has the columns\n%s\nnot\n%s", name, latest, view)
		}
	}
	insert(t, s, everyRow())
	same := func(name string) bool {
		return read(t, s, "SELECT count(), sum(cityHash64(*)) FROM "+name+"_v") == read(t, s, "SELECT count(), sum(cityHash64(*)) FROM "+name+"_latest_v")
	}
	if err := s.Snapshot(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := read(t, s, "SELECT count() FROM snapshots_v"); n != "0" || !same("variant_cells") {
		t.Fatalf("%s copies of next to nothing", n)
	}
	for range 4 {
		if err := s.snapshots(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range schemas.Snapshots {
		if !same(name) {
			t.Errorf("%s: the copy is another", name)
		}
		if n := read(t, s, "SELECT uniqExact(taken) <= 2 FROM "+name+"_kept"); n != "1" {
			t.Errorf("%s: older copies stay", name)
		}
	}
	if n := read(t, s, "SELECT count() FROM variant_cells_latest_v"); n == "0" {
		t.Fatal("no variant was copied: nothing was shown")
	}
	insert(t, s, odd())
	if same("variant_cells") {
		t.Error("the copy changes with its view: it is none")
	}
	if err := s.Snapshot(t.Context()); err != nil || !same("variant_cells") {
		t.Errorf("copies that are read are not taken anew, since there are few journeys: %v", err)
	}
	exec(t, s, "ALTER TABLE cx.variant_cells_kept DROP COLUMN journeys")
	exec(t, s, "DROP VIEW cx.variant_cells_latest_v")
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.snapshots(t.Context()); err != nil || !same("variant_cells") {
		t.Errorf("a copy of other columns is not replaced: %v", err)
	}
}

// TestLatest: a query reads copies where there are some, under its own names.
func TestLatest(t *testing.T) {
	for sql, want := range map[string]string{
		"SELECT 1 FROM figures_v JOIN events_v":          "SELECT 1 FROM figures_latest_v JOIN events_v",
		"FROM cx.rates_v, rates_daily_v":                 "FROM cx.rates_latest_v, rates_daily_latest_v",
		"FROM ranking_latest_v, alerts_v, my_figures_v2": "FROM ranking_latest_v, alerts_v, my_figures_v2",
		"FROM journeys_listed_v, churn_scores_history_v": "FROM journeys_listed_latest_v, churn_scores_history_v",
	} {
		if got := schemas.Latest(sql); got != want {
			t.Errorf("%s becomes %s, not %s", sql, got, want)
		}
	}
}
