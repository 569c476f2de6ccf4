package clickhouse

import (
	"fmt"
	"math"
	"testing"
	"time"

	"parcours/pipeline"
	"parcours/pipeline/alert"
	"parcours/pipeline/churn"
	"parcours/pipeline/event"
)

// odd has rows of every kind whose values are hard to write the same way twice: other alphabets, quotes and backslashes,
// nothing at all, the ends of every range, and times before 1970 and beyond what the tables keep.
func odd() *pipeline.Rows {
	rows := &pipeline.Rows{Generation: 1}
	for i, when := range oddTimes() {
		name, n := oddTexts[i%len(oddTexts)], uint64(i+1)
		e := &event.Event{ID: fmt.Sprint(name, i), Source: name, Type: event.ContactEnded, At: when, Sequence: name}
		e.Data = event.Data{Customer: name, Contact: name, Case: name, Channel: event.Phone, Reason: name, Silo: name, Unit: name, Product: name}
		rows.Events = append(rows.Events, pipeline.EventRow{Position: n, Partition: i % 2, StoredAt: when, Event: e})
		rows.Journeys = append(rows.Journeys, pipeline.JourneyRow{
			JourneyID: fmt.Sprint(name, i), KeyTime: when, Position: n, Partition: i % 2, CustomerID: name, CaseID: name,
			Cases: oddLists[i%len(oddLists)], Contacts: uint32(i), ReasonFamily: name, Reason: name, StartedAt: when, EndedAt: when,
			LastEventAt: when + 1, Outcome: []string{"open", "lost"}[i%2], ResolutionBasis: name, Escalated: i%3 == 0,
			Steps: math.MaxUint32, Variant: name, VariantCollapsed: name, Handoffs: 3, SiloHandoffs: 4, Channels: oddLists[i%len(oddLists)],
			Silos: oddLists[(i+1)%len(oddLists)], FirstUnit: name, LastUnit: name, Cost: oddFigures[i%len(oddFigures)], Breakpoints: 5,
			CutReason: name, RulesVersion: name, VariantRuns: oddCounts[i%len(oddCounts)], Repeats: uint32(i), Redos: 2,
			Value: oddFigures[i%len(oddFigures)], WorkingS: oddFigures[(i+1)%len(oddFigures)], WaitingCustomerS: 1, WaitingPartnerS: 2,
			WaitingCompanyS: oddFigures[(i+2)%len(oddFigures)], QueueWaitS: 3, Effort: 4, SentimentSignals: uint32(i % 3),
			Sentiment: oddFigures[i%len(oddFigures)] * float64(min(1, i%3)), Opportunities: oddOpportunities(i, name, when),
			ContactsEnded: oddContacts(i, name, when),
		})
		rows.Steps = append(rows.Steps, pipeline.StepRow{
			At: when, Source: name, EventID: fmt.Sprint(name, i), Position: n, Partition: i % 2, JourneyID: name,
			Placement: []string{"journey", "visit", "late"}[i%3], Step: uint32(i), Activity: name, Type: name, Channel: name, Silo: name,
			Unit: name, ContactID: name, CaseID: name, CustomerID: name, Reason: name, Cost: oddFigures[i%len(oddFigures)],
			FromActivity: name, FromChannel: name, FromSilo: name, DelayS: oddFigures[(i+3)%len(oddFigures)],
		})
		rows.Breakpoints = append(rows.Breakpoints, pipeline.BreakpointRow{
			BreakpointID: fmt.Sprint(name, i), Kind: name, Position: n, Partition: i % 2, JourneyID: name, CustomerID: name, CaseID: name,
			ReasonFamily: name, Reason: name, OccurredAt: when, DetectedAt: when, OpportunityAt: when, OriginStep: uint32(i),
			OriginEvent: name, Silo: name, Unit: name, Channel: name, Severity: uint8(i), Cost: oddFigures[i%len(oddFigures)],
			Evidence: oddLists[i%len(oddLists)], RulesVersion: name, Witness: i%2 == 0,
			Charged: oddLists[(i+2)%len(oddLists)], Known: pipeline.KnownRow{Of: name, At: when, Family: name, Severity: uint8(i)},
		})
		rows.Aliases = append(rows.Aliases, pipeline.AliasRow{OldID: fmt.Sprint(name, i), NewID: name, KeyTime: when, Position: n, Partition: i % 2})
		rows.Alerts = append(rows.Alerts, pipeline.AlertRow{
			AlertID: fmt.Sprint(name, i), Kind: name, ReasonFamily: name, Silo: name, Unit: name, Channel: name, RaisedOn: dayOf(when), Since: dayOf(when) + 1,
			Observed: math.MaxUint64, Expected: oddFigures[i%len(oddFigures)], Factor: oddFigures[(i+1)%len(oddFigures)], Low: 1, High: 2,
			WhereReasonFamily: name, WhereSilo: name, WhereUnit: name, WhereChannel: name, Explains: oddLists[i%len(oddLists)],
			ClearedOn: dayOf(when), ClearedWhy: name, Position: n, Partition: i % 2,
		})
		rows.Scores = append(rows.Scores, oddScore(i, name, when, n))
		rows.ScoredDays = append(rows.ScoredDays, pipeline.ScoredDayRow{
			AsOf: event.Instant(i * 86_400_000), Model: name, Scored: math.MaxUint32, Told: uint32(i), Position: n, Partition: i % 2,
		})
		rows.Models = append(rows.Models, pipeline.ModelRow{Position: n, EffectiveFrom: when, Version: name, Document: name, Partition: i % 2})
		rows.ClosedDays = append(rows.ClosedDays, pipeline.ClosedDayRow{
			Day: dayOf(0) + alert.Date(i*1000-10_000), Series: uint32(i), Watched: math.MaxUint32, Raised: 3, Position: n, Partition: i % 2,
		})
		rows.ChurnSignals = append(rows.ChurnSignals, pipeline.ChurnSignalRow{
			SignalID: fmt.Sprint(name, i), CustomerID: name, Kind: []string{"silence", "risk", name}[i/9%3], RaisedAt: when, ClearedAt: when + 1,
			ClearedWhy: []string{"", "faded"}[i%2], Evidence: oddLists[i%len(oddLists)], Value: oddMeasures[i%len(oddMeasures)],
			Limit: oddMeasures[(i+1)%len(oddMeasures)], RulesVersion: name, Segment: name, Position: n, Partition: i % 2,
		})
	}
	return rows
}

// oddScore has every figure, some, or none.
func oddScore(i int, name string, when event.Instant, n uint64) pipeline.ChurnScoreRow {
	figure := func(k int) float64 {
		if (i+k)%3 == 0 {
			return math.NaN()
		}
		return oddFigures[(i+k)%len(oddFigures)]
	}
	row := pipeline.ChurnScoreRow{
		AsOf: when, CustomerID: fmt.Sprint(name, i), Position: n, Partition: i % 2, Model: name, Prior: i%2 == 0, Segment: name, Captive: i%3 == 0, Margin: figure(0),
		ValueAtRisk: figure(1), ValueAtRiskBase: figure(2), VoiceRisk: figure(3), ExpectedUses: figure(4), RecentUses: math.MaxUint32, Ended: name,
		Reasons: []churn.Reason{{Feature: "a", Value: oddFigures[i%len(oddFigures)], Weight: 1}, {Feature: name + "b", Value: 2, Weight: oddFigures[(i+1)%len(oddFigures)]}}[:i%3],
	}
	for h := range row.P {
		row.P[h], row.Low[h], row.High[h], row.Base[h], row.Projection[h] = figure(h), figure(h+1), figure(h+2), figure(h+3), (i+h)%2 == 0
	}
	return row
}

// dayOf is the day of an instant, or the nearest that the tables can hold.
func dayOf(at event.Instant) alert.Date {
	const earliest, latest = -25_567, 120_529 // 1900-01-01, 2299-12-30
	return min(max(alert.DateOf(at), earliest), latest)
}

var (
	oddTexts   = []string{"", "ç/日本語 🦊", `it's "\x1f" \`, "a\tb\nc", "{x:String} ? @p", "\xff\xfe not UTF-8", "0"}
	oddLists   = [][]string{nil, {"a"}, {"a", "", "ü"}, {"'", `\`}, {}}
	oddFigures = []float64{0, -1.25, 0.1, math.MaxFloat64, math.SmallestNonzeroFloat64, math.Inf(-1), math.Copysign(0, -1)}
)

var oddMeasures = append([]float64{math.NaN()}, oddFigures...)

var oddCounts = [][]uint32{nil, {0}, {1, math.MaxUint32}}

// oddOpportunities are none, one of nothing but its kind, or two.
func oddOpportunities(i int, name string, when event.Instant) []pipeline.OpportunityRow {
	return []pipeline.OpportunityRow{
		{Kind: "k"}, {Kind: name, At: when, MaturesAt: when + 1, Reason: name, Silo: name, Unit: name, Channel: name, Broken: i%2 == 0, Clock: name, Rules: name},
	}[:i%3]
}

// oddContacts are none, one that says nothing, or two, of which the second was answered in a survey or not.
func oddContacts(i int, name string, when event.Instant) []pipeline.ContactEndedRow {
	yes := i%2 == 0
	return []pipeline.ContactEndedRow{
		{At: when, Answer: pipeline.Answer{Given: true, Resolved: yes}}, {At: when, MaturesAt: when + 1, Reason: name, Silo: name, Unit: name, Channel: name, First: yes, BackSame: !yes,
			BackAny: yes, Surveyed: i%5 == 0, Rules: name},
	}[:(i+1)%3]
}

func oddTimes() (times []event.Instant) {
	for _, year := range []int{1, 1899, 1900, 1969, 1970, 2025, 2261, 2299} {
		for _, ms := range []int{0, 1, 999} {
			times = append(times, event.InstantOf(time.Date(year, 12, 31, 23, 59, 59, ms*1e6, time.UTC)))
		}
	}
	return append(times, 0, -1, 1)
}

func TestSQLHashesRowsAsGoDoes(t *testing.T) {
	s := migrated(t)
	rows := odd()
	insert(t, s, rows)
	check := func(table, content string, n int, row func(i int) (content, position uint64)) {
		t.Helper()
		got := read(t, s, fmt.Sprintf("SELECT position, %s, %s FROM %s FINAL ORDER BY position", content, rowDigest(content, "position"), table))
		want := ""
		for i := range n {
			content, position := row(i)
			want += fmt.Sprintf("\n%d\t%d\t%d", position, content, pipeline.RowDigest(content, position))
		}
		if got != want[1:] {
			t.Errorf("%s: SQL has\n%s\nwant%s", table, got, want)
		}
	}
	check("events", eventContent, len(rows.Events), func(i int) (uint64, uint64) { return rows.Events[i].Content(), rows.Events[i].Position })
	check("journeys", journeyContent, len(rows.Journeys), func(i int) (uint64, uint64) { return rows.Journeys[i].Content(), rows.Journeys[i].Position })
	check("journey_steps", stepContent, len(rows.Steps), func(i int) (uint64, uint64) { return rows.Steps[i].Content(), rows.Steps[i].Position })
	check("breakpoints", breakpointContent, len(rows.Breakpoints), func(i int) (uint64, uint64) { return rows.Breakpoints[i].Content(), rows.Breakpoints[i].Position })
	check("alerts", alertContent, len(rows.Alerts), func(i int) (uint64, uint64) { return rows.Alerts[i].Content(), rows.Alerts[i].Position })
	check("closed_days", closedDayContent, len(rows.ClosedDays), func(i int) (uint64, uint64) { return rows.ClosedDays[i].Content(), rows.ClosedDays[i].Position })
	check("churn_signals", churnSignalContent, len(rows.ChurnSignals), func(i int) (uint64, uint64) { return rows.ChurnSignals[i].Content(), rows.ChurnSignals[i].Position })
	check("churn_scores", scoreContent, len(rows.Scores), func(i int) (uint64, uint64) { return rows.Scores[i].Content(), rows.Scores[i].Position })
	check("scored_days", scoredDayContent, len(rows.ScoredDays), func(i int) (uint64, uint64) { return rows.ScoredDays[i].Content(), rows.ScoredDays[i].Position })
	check("models", modelContent, len(rows.Models), func(i int) (uint64, uint64) { return rows.Models[i].Content(), rows.Models[i].Position })
	check("aliases", aliasContent, len(rows.Aliases), func(i int) (uint64, uint64) { return rows.Aliases[i].Content(), rows.Aliases[i].Position })
}
