package brief

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"parcours/dashboards/words"
	"parcours/schemas"
)

// Query runs a statement in which {db} stands for the database, and hands on its rows.
type Query func(ctx context.Context, statement string, row func(scan func(...any) error) error) error

// ErrMonth says that the month asked for cannot be told: it is not over, not settled yet, or before the first.
var ErrMonth = errors.New("expected one that is complete")

// Read takes the brief of a month from the views, and from the last copies of those that have some: the latest that is complete where month is
// zero. A month that has no complete figure is ErrMonth, with those that have; where there is none at all, a *NoMonthError says why.
func Read(ctx context.Context, query Query, month time.Time, l words.Language) (*Brief, error) {
	b := &Brief{Language: l, Month: month}
	r := reader{ctx: ctx, query: query, brief: b}
	if err := r.months(); err != nil {
		return nil, err
	}
	if b.Month.IsZero() {
		b.Month = b.Months[0]
	}
	if !slices.ContainsFunc(b.Months, b.Month.Equal) {
		return nil, fmt.Errorf("month %s: %w, %s to %s", b.Month.Format("2006-01"), ErrMonth, b.Months[len(b.Months)-1].Format("2006-01"), b.Months[0].Format("2006-01"))
	}
	for _, read := range []func() error{r.rules, r.figures, r.absent, r.ranking, r.listed, r.since, r.changes, r.alerts, r.watch, r.actions, r.risk, r.unseen, r.headline} {
		if err := read(); err != nil {
			return nil, fmt.Errorf("read the brief of %s: %w", b.Month.Format("2006-01"), err)
		}
	}
	return b, nil
}

// reader fills a brief, view by view.
type reader struct {
	ctx   context.Context
	query Query
	brief *Brief
}

// each runs a statement on the last copies of views; $month stands for the month of the brief.
func (r *reader) each(statement string, row func(scan func(...any) error) error) error {
	return r.query(r.ctx, schemas.Latest(replaceMonth(statement, r.brief.Month)), row)
}

// months are those in which journeys may be told, the latest first: complete for the figure of journeys.
func (r *reader) months() error {
	err := r.each(`SELECT month FROM {db}.comex_months_v ORDER BY month DESC`, func(scan func(...any) error) error {
		var m time.Time
		err := scan(&m)
		r.brief.Months = append(r.brief.Months, m)
		return err
	})
	if err == nil && len(r.brief.Months) == 0 {
		err = r.noMonth()
	}
	return err
}

func (r *reader) rules() error {
	return r.each(`SELECT (SELECT toString(argMax(version, effective_from)) FROM {db}.rule_books_v WHERE effective_from < $after),
			toString(currency), illustrative, (SELECT min(settled) FROM {db}.frontier_v WHERE clock > '1900-01-01 00:00:00')
		FROM {db}.ranking_rules_v`, func(scan func(...any) error) error {
		b := r.brief
		return scan(&b.Rules, &b.Currency, &b.Illustrative, &b.Settled)
	})
}

// figures takes each in the last month up to the brief's in which it is complete, and its months before.
func (r *reader) figures() error {
	return r.each(`SELECT toString(figure), month, ifNull(value, nan), ifNull(low, nan), ifNull(high, nan), n, numerator, ifNull(target, nan),
			CAST(better = 'lower', 'Bool'), ifNull(response_rate, nan), compared.months_before, arrayMap(d -> ifNull(d, nan), compared.difference),
			arrayMap(e -> ifNull(e, false), compared.exceeds_noise), compared.withheld
		FROM {db}.figures_v WHERE complete AND n > 0 AND month <= $month AND month > $month - INTERVAL 13 MONTH
		ORDER BY indexOf(['`+strings.Join(figures, "', '")+`'], figure), month`, r.figure)
}

// absent says why those of the five are not there that figures did not find.
func (r *reader) absent() error {
	b := r.brief
	if len(b.Figures) == len(figures) {
		return nil
	}
	return r.each(`SELECT figure, state, ifNull(target, nan), CAST(better = 'lower', 'Bool') FROM {db}.comex_figures_v WHERE month = $month AND state != 'known' ORDER BY place`, func(scan func(...any) error) error {
		var a Absent
		err := scan(&a.Name, &a.State, &a.Target, &a.LowerIsBetter)
		if !slices.ContainsFunc(b.Figures, func(f Figure) bool { return f.Name == a.Name }) {
			b.Absent = append(b.Absent, a)
		}
		return err
	})
}

func (r *reader) figure(scan func(...any) error) error {
	f := Figure{}
	var months []uint16
	var differences []float64
	var exceeds []bool
	var withheld []string
	err := scan(&f.Name, &f.Month, &f.Value, &f.Low, &f.High, &f.N, &f.Amount, &f.Target, &f.LowerIsBetter, &f.ResponseRate, &months, &differences, &exceeds, &withheld)
	if err != nil {
		return err
	}
	f.Before = compared(months, differences, exceeds, withheld)
	point := Point{f.Month, f.Value, f.Low, f.High}
	list := r.brief.Figures
	if n := len(list); n > 0 && list[n-1].Name == f.Name {
		f.History = append(list[n-1].History, point)
		list[n-1] = f
		return nil
	}
	f.History = []Point{point}
	r.brief.Figures = append(list, f)
	return nil
}

// compared is the comparison with a year ago; with the first month there is where the rules do not ask for a year.
func compared(months []uint16, differences []float64, exceeds []bool, withheld []string) Comparison {
	if len(months) == 0 {
		return Comparison{Difference: math.NaN()}
	}
	i := max(slices.Index(months, 12), 0)
	return Comparison{months[i], differences[i], exceeds[i], withheld[i]}
}

// ranked are how many places of the ranking are told.
const ranked = 8

func (r *reader) ranking() error {
	b := r.brief
	return r.each(`SELECT c.kind, c.reason_family, c.silo, c.cost, c.breakpoints, c.customers, c.captive_customers, c.severity, toString(a.says),
			ifNull(a.shrunk, nan), c.place, sum(c.cost) OVER ()
		FROM {db}.comex_costs_v AS c LEFT JOIN {db}.associated_loss_v AS a ON a.kind = c.kind AND a.reason_family = c.reason_family
		WHERE c.month = $month ORDER BY c.place`, func(scan func(...any) error) error {
		var row Breakpoint
		var rank uint32
		err := scan(&row.Kind, &row.Family, &row.Silo, &row.Cost, &row.Breakpoints, &row.Customers, &row.Captive, &row.Severity, &row.Says, &row.RiskRatio, &rank, &b.Cost)
		if err == nil && rank <= ranked {
			b.Ranking = append(b.Ranking, row)
		}
		return err
	})
}

func (r *reader) listed() error {
	l := &r.brief.Listed
	return r.each(`SELECT severe_breakpoints, captive_customers FROM {db}.always_listed_v WHERE month = $month AND whole`, func(scan func(...any) error) error {
		return scan(&l.Severe, &l.Captive)
	})
}

// since says of each breakpoint on the first page from when on its present level stands, as the committee's screen does.
func (r *reader) since() error {
	b := r.brief
	return r.each(`SELECT kind, reason_family, silo, since_by, ifNull(since, toDate32('1970-01-01')) FROM {db}.comex_breakpoints_v WHERE month = $month`, func(scan func(...any) error) error {
		var kind, family, silo, by string
		var since time.Time
		err := scan(&kind, &family, &silo, &by, &since)
		for i := range b.Ranking {
			if row := &b.Ranking[i]; row.Kind == kind && row.Family == family && row.Silo == silo {
				row.SinceBy, row.Since = by, since
			}
		}
		return err
	})
}

// changesTold are how many of them stand on the page.
const changesTold = 4

// changes are of kinds, against the month before; those beyond noise are told, and of how many nothing can be told is counted.
func (r *reader) changes() error {
	b := r.brief
	return r.each(`SELECT toString(kind), any(kind_rate), any(kind_rate_before), any(kind_change_low), any(kind_change_high), any(kind_opportunities),
			any(kind_exceeds_noise), CAST(any(kind_withheld) = '' AND any(kind_rate_before) IS NOT NULL, 'Bool'),
			CAST(any(kind_withheld) = 'nothing to compare with', 'Bool')
		FROM {db}.ranking_v WHERE month = $month GROUP BY kind ORDER BY abs(any(kind_change)) / any(kind_rate_before) DESC NULLS LAST, kind`, func(scan func(...any) error) error {
		var c Change
		var rate, before, low, high *float64
		var exceeds, compared, alone bool
		err := scan(&c.Kind, &rate, &before, &low, &high, &c.N, &exceeds, &compared, &alone)
		switch c.Rate, c.Before, c.Low, c.High = orNaN(rate), orNaN(before), orNaN(low), orNaN(high); {
		case err != nil:
		case !compared:
			if b.Withheld++; alone {
				b.Alone++
			}
		default:
			b.Compared++
			if exceeds && len(b.Changes) < changesTold {
				b.Changes = append(b.Changes, c)
			}
		}
		return err
	})
}

func orNaN(v *float64) float64 {
	if v == nil {
		return math.NaN()
	}
	return *v
}

func (r *reader) alerts() error {
	return r.each(`SELECT toString(kind), toString(reason_family), toString(silo), toString(unit), toString(channel), since, factor FROM {db}.alerts_v
		WHERE raised_on < toDate32($after) AND (cleared_on IS NULL OR cleared_on >= toDate32($after)) ORDER BY raised_at DESC`, func(scan func(...any) error) error {
		var a Alert
		err := scan(&a.Kind, &a.Family, &a.Silo, &a.Unit, &a.Channel, &a.Since, &a.Factor)
		r.brief.Alerts = append(r.brief.Alerts, a)
		return err
	})
}

// watch is of the last day of the month. A day on which nothing was watched may have no row: then a later one says that it was closed.
func (r *reader) watch() error {
	w := &r.brief.Watch
	return r.each(`SELECT CAST(max(day) >= $last, 'Bool'), sumIf(watched, day = $last) FROM {db}.closed_days_v`, func(scan func(...any) error) error {
		return scan(&w.Closed, &w.Series)
	})
}

func (r *reader) actions() error {
	return r.each(`SELECT launched_at, action, verdict_`+string(r.brief.Language)+` FROM {db}.comex_actions_v
		WHERE action != '' AND launched_at >= $month - INTERVAL 11 MONTH AND launched_at < $after ORDER BY launched_at DESC LIMIT 5`, func(scan func(...any) error) error {
		var a Action
		err := scan(&a.At, &a.What, &a.Verdict)
		r.brief.Actions = append(r.brief.Actions, a)
		return err
	})
}

func (r *reader) risk() error {
	b := r.brief
	err := r.each(`SELECT name, value_at_risk, value_at_risk_excess, customers, prior FROM {db}.value_at_risk_v
		WHERE by = 'segment' ORDER BY value_at_risk DESC`, func(scan func(...any) error) error {
		var s Share
		var customers, prior uint64
		err := scan(&s.Name, &s.Amount, &s.Excess, &customers, &prior)
		b.Risk = append(b.Risk, s)
		b.RiskOf.ValueAtRisk += s.Amount
		b.RiskOf.Customers += customers
		b.RiskOf.Prior = b.RiskOf.Prior || prior > 0
		return err
	})
	if err != nil {
		return err
	}
	return r.each(`SELECT count(), countIf(notEmpty(signals)) FROM {db}.customers_to_call_v`, func(scan func(...any) error) error {
		return scan(&b.RiskOf.ToCall, &b.RiskOf.Signalled)
	})
}

func (r *reader) unseen() error {
	return r.each(`SELECT toString(signal), total, unseen FROM {db}.unseen_v WHERE month = $month AND total > 0 ORDER BY signal`, func(scan func(...any) error) error {
		var u Unseen
		err := scan(&u.Signal, &u.Total, &u.Unseen)
		r.brief.Unseen = append(r.brief.Unseen, u)
		return err
	})
}

// headline is the sentence of the screen of the executive committee.
func (r *reader) headline() error {
	return r.each(`SELECT `+string(r.brief.Language)+` FROM {db}.comex_headline_v WHERE month = $month`, func(scan func(...any) error) error {
		return scan(&r.brief.Headline)
	})
}
