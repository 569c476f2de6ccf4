package clickhouse_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"parcours/pipeline"
	"parcours/pipeline/clickhouse"
	"parcours/pipeline/event"
	"parcours/pipeline/rules"
)

const z95 = 1.959963984540054

// wilson is the interval of k out of n (Wilson 1927).
func wilson(k, n float64) (low, high float64) {
	p := k / n
	centre := (p + z95*z95/(2*n)) / (1 + z95*z95/n)
	half := z95 / (1 + z95*z95/n) * math.Sqrt(p*(1-p)/n+z95*z95/(4*n*n))
	return max(0, centre-half), min(1, centre+half)
}

// newcombe is the interval of p1 - p2 from the intervals of the two (Newcombe 1998, method 10).
func newcombe(p1, low1, high1, p2, low2, high2 float64) (low, high float64) {
	d := p1 - p2
	return d - math.Hypot(p1-low1, high2-p2), d + math.Hypot(high1-p1, p2-low2)
}

// ratio is the interval of a ratio of sums over pairs (Cochran 1977): from the mean and the residuals, pair by pair.
func ratio(parts, wholes []float64) (value, low, high float64) {
	part, whole, squares, n := 0.0, 0.0, 0.0, float64(len(parts))
	for i := range parts {
		part, whole = part+parts[i], whole+wholes[i]
	}
	value = part / whole
	for i := range parts {
		residual := parts[i] - value*wholes[i]
		squares += residual * residual
	}
	half := z95 * math.Sqrt(squares/(n-1)/n) / (whole / n)
	return value, max(0, value-half), value + half
}

func near(a, b float64) bool { return math.Abs(a-b) < 5e-7 }

// TestFormulasArePublished: the formulas as this file has them give the figures of the papers: 81 of 263, and 56 of 70 less 48 of
// 80.
func TestFormulasArePublished(t *testing.T) {
	if low, high := wilson(81, 263); math.Abs(low-0.2553) > 5e-5 || math.Abs(high-0.3662) > 5e-5 {
		t.Errorf("81 of 263: %f to %f", low, high)
	}
	l1, h1 := wilson(56, 70)
	l2, h2 := wilson(48, 80)
	if low, high := newcombe(56./70, l1, h1, 48./80, l2, h2); math.Abs(low-0.0524) > 5e-5 || math.Abs(high-0.3339) > 5e-5 {
		t.Errorf("56 of 70 less 48 of 80: %f to %f", low, high)
	}
}

// answers gives the rows of a query as JSON.
func answers[R any](t *testing.T, s *clickhouse.Store, sql string) (rows []R) {
	t.Helper()
	var answer strings.Builder
	if err := s.Query(t.Context(), sql+" SETTINGS output_format_json_quote_64bit_integers = 0", "JSONEachRow", &answer, true, nil); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	for line := range strings.Lines(answer.String()) {
		var r R
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		rows = append(rows, r)
	}
	return rows
}

func day2025(month, day int) event.Instant {
	return event.InstantOf(time.Date(2025, time.Month(month), day, 0, 0, 0, 0, time.UTC))
}

const noon = 12 * time.Hour

// timeline is a history of rule books: other targets in February, other rules from the 10th of April, other rates in June, and
// the rules of the beginning again on the 1st of July.
type timeline struct {
	from  []event.Instant
	books []*rules.Book
}

func changing(t *testing.T) (l timeline) {
	t.Helper()
	base, periods := "breakpoints: {repeat_contact: {within: 7d}}\n", "comparison: {months_before: [1, 2]}\n"
	other := "breakpoints: {repeat_contact: {within: 3d}}\n"
	for _, b := range []struct {
		from     event.Instant
		document string
	}{
		{rules.Beginning, base + periods},
		{day2025(2, 1), base + periods + "targets: {satisfaction: 55%, avoidable_cost: ~}\n"},
		{day2025(4, 10), other + periods},
		{day2025(6, 1), other + periods + "silos: {hourly_rates: {it: 99}}\n"},
		{day2025(7, 1), base + periods},
	} {
		book, err := rules.Parse("test", []byte(b.document))
		if err != nil {
			t.Fatal(err)
		}
		l.from, l.books = append(l.from, b.from), append(l.books, book)
	}
	return l
}

func (l timeline) at(at event.Instant) (book *rules.Book) {
	for i := range l.from {
		if l.from[i] <= at {
			book = l.books[i]
		}
	}
	return book
}

func (l timeline) rows() (rows []pipeline.RuleBookRow) {
	for i, b := range l.books {
		rows = append(rows, pipeline.RuleBookRow{Position: uint64(i), EffectiveFrom: l.from[i], Document: "x", Book: b})
	}
	return rows
}

// TestRatesSayHowSure: every rate has its interval and the rules it was judged by, and the day on which other rules began to
// judge is marked, not the day of other targets; over a weekend without opportunities, it is the next day that has some.
func TestRatesSayHowSure(t *testing.T) {
	s, l := store(t), changing(t)
	rows := &pipeline.Rows{RuleBooks: l.rows(), Frontier: []pipeline.FrontierRow{{Position: 1, Clock: day2025(12, 1), Settled: day2025(11, 1)}}}
	r := rand.New(rand.NewPCG(5, 1))
	type cell struct{ n, broken float64 }
	want, days := map[string]*cell{}, []event.Instant{day2025(1, 30), day2025(2, 3), day2025(4, 8), day2025(4, 9), day2025(4, 14), day2025(4, 15), day2025(6, 2), day2025(6, 30), day2025(7, 1), day2025(7, 2)}
	for _, day := range days {
		for range 30 {
			at := day.Add(noon)
			o := pipeline.OpportunityRow{Kind: []string{"a", "b"}[r.IntN(2)], At: at, MaturesAt: at, Silo: []string{"x", "y"}[r.IntN(2)], Broken: r.IntN(5) == 0, Rules: l.at(at).Version()}
			c := fmt.Sprint(day.Time().Format(time.DateOnly), " ", o.Kind, " ", o.Silo)
			if want[c] == nil {
				want[c] = &cell{}
			}
			want[c].n++
			if o.Broken {
				want[c].broken++
			}
			id := fmt.Sprint("j", len(rows.Journeys))
			rows.Journeys = append(rows.Journeys, pipeline.JourneyRow{JourneyID: id, KeyTime: at, Position: 1, StartedAt: at, LastEventAt: at, Outcome: "open",
				Opportunities: []pipeline.OpportunityRow{o}})
		}
	}
	insert(t, s, rows)
	type rate struct {
		Day, Month, Kind, Silo string
		Opportunities, Broken  float64
		Rate, Low, High        float64
		RulesVersions          []string `json:"rules_versions"`
		RulesChanged           bool     `json:"rules_changed"`
	}
	var changed []string
	daily := answers[rate](t, s, "SELECT * FROM cx.rates_daily_v ORDER BY day, kind, silo")
	for _, got := range daily {
		c, at := want[got.Day+" "+got.Kind+" "+got.Silo], got.Day
		if c == nil || got.Opportunities != c.n || got.Broken != c.broken {
			t.Fatalf("%+v, expected %+v", got, c)
		}
		low, high := wilson(c.broken, c.n)
		if !near(got.Rate, c.broken/c.n) || !near(got.Low, low) || !near(got.High, high) || got.Low > got.Rate || got.High < got.Rate {
			t.Errorf("%+v: expected %f to %f", got, low, high)
		}
		day, err := time.Parse(time.DateOnly, at)
		if err != nil {
			t.Fatal(err)
		}
		if v := l.at(event.InstantOf(day).Add(noon)).Version(); !slices.Equal(got.RulesVersions, []string{v}) {
			t.Errorf("%s: judged by %v, expected %s", at, got.RulesVersions, v)
		}
		if got.RulesChanged && !slices.Contains(changed, at) {
			changed = append(changed, at)
		}
	}
	if len(daily) != len(want) || !slices.Equal(changed, []string{"2025-04-14", "2025-07-01"}) {
		t.Errorf("%d rows, expected %d; changes on %v", len(daily), len(want), changed)
	}
	for _, got := range answers[rate](t, s, "SELECT * FROM cx.rates_v") {
		n, broken := 0.0, 0.0
		for at, c := range want {
			if at[:7] == got.Month[:7] && strings.Contains(at, " "+got.Kind+" ") {
				n, broken = n+c.n, broken+c.broken
			}
		}
		low, high := wilson(broken, n)
		if got.Opportunities != n || got.Broken != broken || !near(got.Low, low) || !near(got.High, high) {
			t.Errorf("%+v: expected %f of %f, %f to %f", got, broken, n, low, high)
		}
		if marked := strings.HasPrefix(got.Month, "2025-04") || strings.HasPrefix(got.Month, "2025-07"); got.RulesChanged != marked {
			t.Errorf("%+v: expected a mark: %v", got, marked)
		}
	}
	if got := lines(t, s, "SELECT concat(toString(toDate(effective_from)), ' ', toString(judges_changed), ' ', toString(costs_changed)) FROM cx.rule_changes_v ORDER BY effective_from"); !slices.Equal(got,
		[]string{"2025-02-01 false false", "2025-04-10 true false", "2025-06-01 false true", "2025-07-01 true true"}) {
		t.Errorf("changes: %q", got)
	}
	if got := lines(t, s, "SELECT value FROM cx.targets_v WHERE name = 'satisfaction' ORDER BY effective_from"); !slices.Equal(got, []string{"0.8", "0.55", "0.8", "0.8", "0.8"}) {
		t.Errorf("targets: %q", got)
	}
}

// counts is one thing that a figure counts, with its part of numerator and denominator.
type counts struct {
	figure, version string
	at, matures     event.Instant
	part, whole     float64
}

const (
	withoutSerious = "journeys_without_serious_breakpoint"
	avoidable      = "avoidable_cost"
	satisfaction   = "satisfaction"
	inTime         = "complaints_in_time"
	firstContact   = "first_contact_resolution"
)

// year is half a year of a company, and what its figures count, said apart from the rows.
func year(l timeline) (*pipeline.Rows, []counts) {
	settled := day2025(8, 20)
	rows := &pipeline.Rows{RuleBooks: l.rows(), Frontier: []pipeline.FrontierRow{{Position: 1, Clock: settled.Add(72 * time.Hour), Settled: settled}}}
	var all []counts
	r := rand.New(rand.NewPCG(8, 2))
	for month := 1; month <= 8; month++ {
		for range 60 + r.IntN(40) {
			at := day2025(month, 1+r.IntN(28)).Add(time.Duration(1+r.IntN(20)) * time.Hour)
			if at >= settled {
				continue
			}
			version := l.at(at).Version()
			j := pipeline.JourneyRow{JourneyID: fmt.Sprint("j", len(rows.Journeys)), KeyTime: at, Position: 1, StartedAt: at, LastEventAt: at, EndedAt: at,
				Outcome: "resolved", RulesVersion: version, Cost: float64(r.IntN(1000)) / 7}
			add := func(figure string, matures event.Instant, part, whole float64) {
				all = append(all, counts{figure, version, at, matures, part, whole})
			}
			chance := func(kind, clock string, matures event.Instant, broken bool) {
				j.Opportunities = append(j.Opportunities, pipeline.OpportunityRow{Kind: kind, Clock: clock, At: at, MaturesAt: matures, Broken: broken, Rules: version})
			}
			broke := func(severity uint8, after time.Duration, cost float64) {
				rows.Breakpoints = append(rows.Breakpoints, pipeline.BreakpointRow{BreakpointID: fmt.Sprint("b", len(rows.Breakpoints)), Kind: "k", Position: 1,
					JourneyID: j.JourneyID, OccurredAt: at.Add(after), OpportunityAt: at, DetectedAt: at, Severity: severity, Cost: cost})
			}
			chance("unresolved_end", "", at, false)
			switch kind := r.IntN(6); kind {
			case 0: // it never ended, so that it counts nowhere
				j.Outcome = "open"
				broke(5, 0, 3)
			case 1, 2, 3:
				good, cost := 1., 0.
				if r.IntN(3) == 0 {
					cost = j.Cost / float64(2+r.IntN(9))
					broke(2, 0, cost) // not serious
				}
				switch r.IntN(4) {
				case 0:
					good = 0
					broke(3+uint8(r.IntN(3)), 28*24*time.Hour, 0) // just in time to count
					broke(4, 0, 0)                                // and again: the journey counts once
				case 1:
					broke(5, 28*24*time.Hour+time.Millisecond, 0) // what breaks later changes no figure that was drawn
				}
				add(withoutSerious, at.Add(28*24*time.Hour), good, 1)
				add(avoidable, at.Add(28*24*time.Hour), cost, j.Cost)
			default:
				j.Outcome = "open"
				detracts, late := r.IntN(3) == 0, r.IntN(4)
				chance("detractor", "", at, detracts)
				add(satisfaction, at, map[bool]float64{true: 0, false: 1}[detracts], 1)
				if kind == 5 {
					due := at.Add(40 * 24 * time.Hour)
					chance("sla_breach", "acknowledgement", at.Add(24*time.Hour), late == 1)
					chance("sla_breach", "answer", due, late == 2 || late == 1)
					chance("sla_breach", "reply", at, true) // a message's, which is no complaint's
					add(inTime, due, map[bool]float64{true: 0, false: 1}[late == 1 || late == 2], 1)
				}
			}
			rows.Journeys = append(rows.Journeys, j)
		}
	}
	return rows, all
}

// figure is a row of figures_v.
type figure struct {
	Month, Figure, Better  string
	Numerator, Denominator float64
	N                      float64
	Value, Low, High       *float64
	Target                 *float64
	MeetsTarget            *bool `json:"meets_target"`
	Complete               bool
	MaturedUntil           string     `json:"matured_until"`
	RulesVersions          []string   `json:"rules_versions"`
	ResponseRate           *float64   `json:"response_rate"`
	MonthsBefore           []int      `json:"compared.months_before"`
	Then                   []*float64 `json:"compared.value"`
	Difference             []*float64 `json:"compared.difference"`
	DifferenceLow          []*float64 `json:"compared.difference_low"`
	DifferenceHigh         []*float64 `json:"compared.difference_high"`
	ExceedsNoise           []*bool    `json:"compared.exceeds_noise"`
	Withheld               []string   `json:"compared.withheld"`
}

// expected is a figure of one month, from what it counts, one by one.
type expected struct {
	value, low, high, n, numerator, denominator float64
	complete                                    bool
	versions                                    []string
}

func figuresOf(all []counts, settled event.Instant) map[string]expected {
	until := map[string]event.Instant{}
	for _, c := range all {
		if until[c.figure] == 0 {
			until[c.figure] = settled
		}
		if c.matures >= settled {
			until[c.figure] = min(until[c.figure], c.at)
		}
	}
	parts, wholes, want := map[string][]float64{}, map[string][]float64{}, map[string]expected{}
	for _, c := range all {
		day := c.at.Time().Truncate(24 * time.Hour)
		if event.InstantOf(day.AddDate(0, 0, 1)) > until[c.figure] {
			continue
		}
		first := day.AddDate(0, 0, 1-day.Day())
		key := first.Format(time.DateOnly) + " " + c.figure
		parts[key], wholes[key] = append(parts[key], c.part), append(wholes[key], c.whole)
		e := want[key]
		e.n, e.numerator, e.denominator = e.n+1, e.numerator+c.part, e.denominator+c.whole
		e.complete = event.InstantOf(first.AddDate(0, 1, 0)) <= until[c.figure]
		if !slices.Contains(e.versions, c.version) {
			e.versions = append(e.versions, c.version)
			slices.Sort(e.versions)
		}
		want[key] = e
	}
	for key, e := range want {
		if e.value = e.numerator / e.n; strings.HasSuffix(key, avoidable) {
			e.value, e.low, e.high = ratio(parts[key], wholes[key])
		} else {
			e.low, e.high = wilson(e.numerator, e.n)
		}
		want[key] = e
	}
	return want
}

// TestFiguresByHand: each figure of each month is what Go makes of the things it counts, one by one, to six digits: value,
// interval, target, and its comparison with one and two months before.
func TestFiguresByHand(t *testing.T) {
	s, l := store(t), changing(t)
	rows, all := year(l)
	for i := range 81 { // 80 surveys sent in March, of which 60 are known to be transactional, and one in April, fewer than were answered
		e := &event.Event{ID: fmt.Sprint(i), Source: "s", Type: event.SurveySent, At: day2025(3+i/80, 1+i%20), Data: event.Data{Kind: []string{"relational", "transactional", "", "transactional"}[i%4]}}
		rows.Events = append(rows.Events, pipeline.EventRow{Position: uint64(i + 1), Event: e})
	}
	insert(t, s, rows)
	exec := "CREATE OR REPLACE VIEW cx.first_contact_resolution_v AS SELECT toDate32(concat('2025-0', toString(number + 1), '-01')) AS month, 'same_reason' AS way, " +
		"toUInt64(70 + 10 * number) AS n, toUInt64(56 - 8 * number) AS resolved, resolved / n AS rate, rate - 0.1 AS low, least(1, rate + 0.1) AS high, true AS complete, " +
		"toDateTime64('2025-08-20 00:00:00', 3, 'UTC') AS matured_until, [" + quoted(l.books[0].Version(), l.books[1].Version()) + "] AS rules_versions FROM numbers(2)"
	if err := s.Conn().Exec(t.Context(), exec); err != nil {
		t.Fatal(err)
	}
	want := figuresOf(all, day2025(8, 20))
	for i, n := range []float64{70, 80} {
		k := []float64{56, 48}[i]
		want[fmt.Sprintf("2025-0%d-01 %s", i+1, firstContact)] = expected{k / n, k/n - 0.1, k/n + 0.1, n, k, n, true,
			slices.Sorted(slices.Values([]string{l.books[0].Version(), l.books[1].Version()}))}
	}
	rowsOf := answers[figure](t, s, "SELECT * FROM cx.figures_v ORDER BY figure, month")
	reasons := map[string]int{}
	for _, got := range rowsOf {
		e, known := want[got.Month+" "+got.Figure]
		if !known {
			t.Fatalf("%s %s is not expected", got.Month, got.Figure)
		}
		if got.N != e.n || !near(got.Numerator, e.numerator) || !near(got.Denominator, e.denominator) || !near(*got.Value, e.value) || !near(*got.Low, e.low) ||
			!near(*got.High, e.high) || got.Complete != e.complete || !slices.Equal(slices.Sorted(slices.Values(got.RulesVersions)), e.versions) {
			t.Errorf("%s %s: %+v, %f %f %f, expected %+v", got.Month, got.Figure, got, *got.Value, *got.Low, *got.High, e)
		}
		checkTarget(t, l, got)
		checkComparisons(t, l, got, want, reasons)
		switch {
		case got.Figure == satisfaction && got.Month == "2025-03-01":
			if got.ResponseRate == nil || !near(*got.ResponseRate, e.n/60) {
				t.Errorf("response rate of %+v", got)
			}
		case got.ResponseRate != nil:
			t.Errorf("%s %s has a response rate", got.Month, got.Figure)
		}
	}
	if len(rowsOf) != len(want) {
		t.Errorf("%d rows, expected %d", len(rowsOf), len(want))
	}
	if !slices.ContainsFunc(rowsOf, func(f figure) bool { return f.Target != nil && !f.Complete }) {
		t.Error("no month with a target is incomplete")
	}
	for _, why := range []string{"", "no such month", "not complete", "rules changed", "rates changed"} {
		if reasons[why] == 0 {
			t.Errorf("no comparison says %q", why)
		}
	}
}

func quoted(texts ...string) string {
	return "'" + strings.Join(texts, "', '") + "'"
}

// checkTarget: the target is that of the book in force at the end of the month.
func checkTarget(t *testing.T, l timeline, got figure) {
	t.Helper()
	month, err := time.Parse(time.DateOnly, got.Month)
	if err != nil {
		t.Fatal(err)
	}
	target, has := l.at(event.InstantOf(month.AddDate(0, 1, 0)) - 1).Targets[got.Figure]
	meets, better := *got.Value >= target, "higher"
	if got.Figure == avoidable {
		meets, better = *got.Value <= target, "lower"
	}
	judged := has && got.Complete // the first days of a month say nothing of it
	if (got.Target != nil) != has || (got.MeetsTarget != nil) != judged || has && *got.Target != target || judged && *got.MeetsTarget != meets || got.Better != better {
		t.Errorf("%s %s: target %v, met %v, %s is better; expected %v (%v), %v", got.Month, got.Figure, got.Target, got.MeetsTarget, got.Better, target, has, meets)
	}
}

// checkComparisons: one and two months before, or why not.
func checkComparisons(t *testing.T, l timeline, got figure, want map[string]expected, reasons map[string]int) {
	t.Helper()
	now := want[got.Month+" "+got.Figure]
	month, err := time.Parse(time.DateOnly, got.Month)
	if err != nil || !slices.Equal(got.MonthsBefore, []int{1, 2}) {
		t.Fatalf("compared with %v, %v", got.MonthsBefore, err)
	}
	for i, k := range got.MonthsBefore {
		then, there := want[month.AddDate(0, -k, 0).Format(time.DateOnly)+" "+got.Figure]
		judges, costs := map[string]bool{}, map[string]bool{}
		for _, b := range l.books {
			if slices.Contains(now.versions, b.Version()) || slices.Contains(then.versions, b.Version()) {
				judges[b.Judges()], costs[b.Costs()] = true, true
			}
		}
		why := ""
		switch {
		case !there:
			why = "no such month"
		case !now.complete || !then.complete:
			why = "not complete"
		case len(judges) > 1:
			why = "rules changed"
		case got.Figure == avoidable && len(costs) > 1:
			why = "rates changed"
		}
		reasons[got.Withheld[i]]++
		if got.Withheld[i] != why {
			t.Errorf("%s %s, %d months before: withheld %q, expected %q", got.Month, got.Figure, k, got.Withheld[i], why)
			continue
		}
		if why != "" {
			if got.Then[i] != nil || got.Difference[i] != nil || got.DifferenceLow[i] != nil || got.DifferenceHigh[i] != nil || got.ExceedsNoise[i] != nil {
				t.Errorf("%s %s, %d months before: something is shown that is withheld", got.Month, got.Figure, k)
			}
			continue
		}
		low, high := newcombe(now.value, now.low, now.high, then.value, then.low, then.high)
		if !near(*got.Then[i], then.value) || !near(*got.Difference[i], now.value-then.value) || !near(*got.DifferenceLow[i], low) ||
			!near(*got.DifferenceHigh[i], high) || *got.ExceedsNoise[i] != (low > 0 || high < 0) {
			t.Errorf("%s %s, %d months before: %f (%f to %f), expected %f (%f to %f)", got.Month, got.Figure, k, *got.Difference[i], *got.DifferenceLow[i],
				*got.DifferenceHigh[i], now.value-then.value, low, high)
		}
	}
}
