package clickhouse

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"parcours/pipeline"
	"parcours/pipeline/event"
)

// Dashboards, notebooks and `parcours verify` are written against these columns: a change here is a change of contract.
func TestViewsKeepTheirColumns(t *testing.T) {
	s := migrated(t)
	want, err := os.ReadFile("testdata/views.tsv")
	if err != nil {
		t.Fatal(err)
	}
	got := read(t, s, "SELECT table, column, type FROM data_dictionary_v WHERE kind = 'view' AND NOT endsWith(table, '_latest_v') ORDER BY table, ordinal FORMAT TSVRaw")
	if got != strings.TrimSpace(string(want)) {
		t.Errorf("views differ from testdata/views.tsv; if that is meant, its new content is:\n%s", got)
	}
}

// spread has events, journeys, steps and breakpoints over two years, then a second version of some of them, so that there
// are parts for FINAL to merge.
func spread(t *testing.T, s *Store) {
	t.Helper()
	for version := range 2 {
		rows := &pipeline.Rows{Generation: 1}
		for i := version; i < 60_000; i += 1 + version*9 {
			id := fmt.Sprintf("%08d", i)
			when := event.InstantOf(time.Date(2024, 1, 1, 0, i*17, 0, 0, time.UTC))
			position := uint64(i + version*100_000)
			j := journey(id, when, position)
			j.CustomerID = fmt.Sprint("c", i/3)
			rows.Events = append(rows.Events, pipeline.EventRow{Position: position, Event: contactEnded(id, when)})
			rows.Journeys = append(rows.Journeys, j)
			rows.Steps = append(rows.Steps, pipeline.StepRow{At: when, Source: "crm", EventID: id, Position: position, JourneyID: id, Placement: "journey"})
			rows.Breakpoints = append(rows.Breakpoints, pipeline.BreakpointRow{
				BreakpointID: id, Position: position, OccurredAt: when, OpportunityAt: when.Add(-time.Hour), DetectedAt: when.Add(time.Hour), JourneyID: id,
			})
		}
		insert(t, s, rows)
	}
}

func TestFiltersPrune(t *testing.T) {
	s := migrated(t)
	spread(t, s)
	check := func(view, where string, partsAtMost int) {
		t.Helper()
		plan := read(t, s, "EXPLAIN indexes = 1 SELECT * FROM "+view+" WHERE "+where+" FORMAT TSVRaw")
		parts := regexp.MustCompile(`Parts: (\d+) \|`).FindStringSubmatch(plan)
		if parts == nil {
			t.Fatalf("%s where %s: no parts in the plan:\n%s", view, where, plan)
		}
		if n, _ := strconv.Atoi(parts[1]); n == 0 || n > partsAtMost {
			t.Errorf("%s where %s: reads %d parts, want at most %d:\n%s", view, where, n, partsAtMost, plan)
		}
	}
	expect(t, s, "SELECT uniq(partition) FROM system.parts WHERE active AND table = 'journeys'", "24")
	check("events_v", "time >= '2025-12-01'", 2)
	check("events_v", "time >= '2024-12-03' AND time < '2024-12-05' AND channel = 'phone'", 2)
	check("journeys_v", "key_time >= '2025-12-01'", 2)
	check("journeys_v", "started_at >= '2025-12-01' AND outcome = 'open'", 2)
	check("journeys_v", "last_event_at BETWEEN '2024-03-02' AND '2024-03-03'", 2)
	check("journeys_v", "journey_id = '00000012'", 4) // a bloom filter may err on a part
	check("journey_steps_v", "time >= '2025-12-01'", 2)
	check("journey_steps_v", "journey_id = '00000012'", 4)
	check("breakpoints_v", "occurred_at >= '2025-12-01'", 2)
	check("breakpoints_v", "opportunity_at >= '2025-12-02'", 2)
	check("breakpoints_v", "detected_at >= '2025-12-02'", 2)
}

// What an index leaves out must not change an answer: FINAL has to see every version of a key.
func TestIndexesDoNotChangeAnswers(t *testing.T) {
	s := migrated(t)
	spread(t, s)
	moved := journey("00000012", event.InstantOf(time.Date(2024, 1, 1, 0, 12*17, 0, 0, time.UTC)), 900_000)
	moved.CustomerID, moved.StartedAt, moved.LastEventAt = "another", at(12, 24, 0), at(12, 24, 0)
	insert(t, s, &pipeline.Rows{Generation: 1, Journeys: []pipeline.JourneyRow{moved}})
	expect(t, s, "SELECT count() FROM journeys_v WHERE customer_id = 'c4'", "2")
	expect(t, s, "SELECT journey_id FROM journeys_v WHERE customer_id = 'another'", "00000012")
	expect(t, s, "SELECT count() FROM journeys_v WHERE started_at < '2024-01-01 12:00:00'", "42")
	for _, filter := range []string{"started_at >= '2025-12-20'", "last_event_at < '2024-02-01'", "customer_id = 'c4'", "journey_id = '00000012'"} {
		q := "SELECT count(), sum(cityHash64(journey_id, position)) FROM journeys_v WHERE " + filter
		expect(t, s, q, read(t, s, q+" SETTINGS use_skip_indexes = 0"))
	}
}

func TestWhatEmptyTablesShow(t *testing.T) {
	s := migrated(t)
	for view := range strings.FieldsSeq("events_v journeys_v journey_steps_v visits_v breakpoints_v aliases_v frontier_v rejected_v ledger_v late_v opportunities_v rates_daily_v rates_v incident_reach_v incident_customers_v rule_books_v targets_v rule_changes_v figures_daily_v figures_v journey_transitions_v journey_edges_v variants_v rework_v contacts_v alerts_v closed_days_v churn_scores_v churn_scores_history_v scored_days_v models_v churn_signals_v ranking_v ranking_90d_v always_listed_v comex_listed_v comex_costs_v comex_actions_v associated_loss_v landmarks_v known_breakpoints_v hourly_load_v contracts_v customers_v signals_v unseen_v unseen_journeys_v satisfaction_gap_v losses_v at_risk_v customers_to_call_v value_at_risk_v model_quality_v model_calibration_v model_predictions_v model_recomputed_v customer_segments_v breakpoint_cells_v breakpoint_places_v segment_rates_daily_v action_rates_v journeys_listed_v journey_cells_v variant_cells_v journey_flows_v journey_heads_v journey_path_v journey_breakpoints_v value_at_risk_by_tenure_v model_verdicts_v churn_model_v calibration_in_force_v complaints_v complaint_clocks_v inbound_contacts_v contact_load_v load_daily_v channel_mix_v channel_rates_v pipeline_lag_v throughput_v ledger_balance_v lateness_v") {
		expect(t, s, "SELECT count() FROM "+view, "0")
	}
}
