package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/rs/zerolog"

	"parcours/cmd/internal/service"
	"parcours/pipeline/aggregate"
	"parcours/pipeline/attribution"
	"parcours/pipeline/clickhouse"
)

// RankCommand says what costs most.
type RankCommand struct {
	DirectoryFlags
	Most int  `help:"Places to print of each order." default:"10" env:"-"`
	JSON bool `name:"json" help:"Print one JSON object on standard output."`
}

// Help is shown by --help.
func (*RankCommand) Help() string {
	return `Ranks what broke in the last 90 settled days, by avoidable cost and by customers touched, and estimates the losses associated with it
where another month has matured since the last time. It says beside it what the rules do not see. docs/ranking.md has the
formulas, and ranking_v each month.

  parcours rank --data DIR
  parcours rank --data DIR --json`
}

// ranking is what the command prints. Amounts are illustrative where it says so.
type ranking struct {
	Since        string           `json:"since,omitempty"`    // first of the 90 days; none where nothing is settled
	Until        string           `json:"until,omitempty"`    // the last of them
	Currency     string           `json:"currency,omitempty"` // of costs
	Illustrative bool             `json:"illustrative"`
	Ranking      []rankedRow      `json:"ranking"`
	Associated   []associatedRow  `json:"associated_loss"`
	TooFew       uint64           `json:"too_few_to_say"` // kinds and reasons of which too few exposed were lost
	Unseen       []unseenRow      `json:"unseen"`
	Gaps         []satisfactionOf `json:"satisfaction_gap"`
	AlertsOpen   uint64           `json:"alerts_open"` // change alerts that stand
}

type rankedRow struct {
	Kind         string   `json:"kind" ch:"kind"`
	Reason       string   `json:"reason_family" ch:"reason_family"`
	Silo         string   `json:"silo" ch:"silo"`
	Breakpoints  uint64   `json:"breakpoints" ch:"breakpoints"`
	Cost         float64  `json:"cost" ch:"cost"`
	Hours        float64  `json:"hours" ch:"hours"`
	Customers    uint64   `json:"customers" ch:"customers"`
	Unidentified uint64   `json:"unidentified" ch:"unidentified"`
	Reached      uint64   `json:"reached" ch:"reached"`
	Captive      uint64   `json:"captive_customers" ch:"captive_customers"`
	Severity     uint8    `json:"severity" ch:"severity"`
	Rate         *float64 `json:"rate" ch:"rate"`
	RateFits     bool     `json:"rate_fits" ch:"rate_fits"` // rate is of these breakpoints; else read that of the kind
	Change       *float64 `json:"change" ch:"change"`
	Exceeds      bool     `json:"exceeds_noise" ch:"exceeds_noise"`
	Withheld     string   `json:"withheld" ch:"withheld"`
	Complete     bool     `json:"complete" ch:"complete"` // all days may be drawn for the kind: else rates are of the first of them
	KindOf       uint64   `json:"kind_opportunities" ch:"kind_opportunities"`
	KindRate     *float64 `json:"kind_rate" ch:"kind_rate"`
	KindChange   *float64 `json:"kind_change" ch:"kind_change"`
	KindExceeds  bool     `json:"kind_exceeds_noise" ch:"kind_exceeds_noise"`
	KindWithheld string   `json:"kind_withheld" ch:"kind_withheld"`
	ByCost       *uint32  `json:"rank_by_cost" ch:"rank_by_cost"`
	ByCustomers  uint32   `json:"rank_by_customers" ch:"rank_by_customers"`
	Always       bool     `json:"always_listed" ch:"always_listed"`
	Says         string   `json:"says" ch:"says"`
	Ratio        *float64 `json:"risk_ratio" ch:"risk_ratio"`
	RatioLow     *float64 `json:"risk_ratio_low" ch:"risk_ratio_low"`
	RatioHigh    *float64 `json:"risk_ratio_high" ch:"risk_ratio_high"`
}

type associatedRow struct {
	Kind       string   `json:"kind" ch:"kind"`
	Reason     string   `json:"reason_family" ch:"reason_family"`
	Lost       uint64   `json:"exposed_losses" ch:"exposed_losses"`
	Ratio      *float64 `json:"risk_ratio" ch:"shrunk"`
	Low        *float64 `json:"low" ch:"shrunk_low"`
	High       *float64 `json:"high" ch:"shrunk_high"`
	Losses     *float64 `json:"associated_losses" ch:"associated_losses"`
	LossesLow  *float64 `json:"associated_losses_low" ch:"associated_losses_low"`
	LossesHigh *float64 `json:"associated_losses_high" ch:"associated_losses_high"`
}

type unseenRow struct {
	Signal       string  `json:"signal" ch:"signal"`
	Total        uint64  `json:"total" ch:"total"`
	Unseen       uint64  `json:"unseen" ch:"unseen"`
	Unidentified uint64  `json:"unidentified" ch:"unidentified"`
	Share        float64 `json:"share" ch:"share"`
}

type satisfactionOf struct {
	Kind    string   `json:"kind" ch:"kind"`
	With    uint64   `json:"with_kind" ch:"with_kind"`
	Without uint64   `json:"without_kind" ch:"without_kind"`
	Gap     *float64 `json:"gap" ch:"gap"`
	Low     *float64 `json:"low" ch:"low"`
	High    *float64 `json:"high" ch:"high"`
}

// Run estimates if that is due, and prints.
func (c *RankCommand) Run(common *service.Common, s *streams) error {
	if c.Most < 1 {
		return misused("--most %d: expected 1 or more", c.Most)
	}
	ctx, stop := service.Interruptible()
	defer stop()
	d, err := openDirectory(c.DirectoryFlags, common.Logger(zerolog.WarnLevel))
	if err != nil {
		return err
	}
	defer d.close()
	store, err := d.readable(ctx)
	if err != nil {
		return err
	}
	book, err := bookInForce(ctx, d.bus, store)
	if err != nil {
		return err
	}
	settled, found, err := store.Settled(ctx)
	if err != nil {
		return err
	}
	if found {
		if _, err := aggregate.Associate(ctx, store, book, settled); err != nil {
			return err
		}
	}
	r, err := readRanking(ctx, store)
	if err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(s.out).Encode(r)
	}
	r.print(s.out, c.Most, c.Data)
	return nil
}

func readRanking(ctx context.Context, store *clickhouse.Store) (*ranking, error) {
	r := &ranking{Ranking: []rankedRow{}, Associated: []associatedRow{}, Unseen: []unseenRow{}, Gaps: []satisfactionOf{}}
	conn := store.Conn()
	for _, q := range []struct {
		to  any
		sql string
	}{
		{&r.Ranking, "SELECT * EXCEPT (since, witness, charged, currency, illustrative, opportunities, broken, low, high, rate_before, " +
			"change_low, change_high, rules_versions, kind_broken, kind_low, kind_high, kind_rate_before, kind_change_low, kind_change_high, associated_losses, associated_losses_low, associated_losses_high) FROM {db}.ranking_90d_v ORDER BY rank_by_cost NULLS LAST, rank_by_customers"},
		{&r.Associated, "SELECT kind, reason_family, exposed_losses, shrunk, shrunk_low, shrunk_high, associated_losses, associated_losses_low, associated_losses_high " +
			"FROM {db}.associated_loss_v WHERE says = '" + attribution.Estimated + "' ORDER BY shrunk DESC, kind, reason_family"},
		{&r.Unseen, "SELECT signal, sum(total) AS total, sum(unseen) AS unseen, sum(unidentified) AS unidentified, ifNotFinite(unseen / total, 0) AS share " +
			"FROM {db}.unseen_v WHERE complete GROUP BY signal ORDER BY signal"},
		{&r.Gaps, "SELECT kind, with_kind, without_kind, gap, low, high FROM {db}.satisfaction_gap_v WHERE all_reasons ORDER BY gap NULLS LAST, kind"},
	} {
		if err := conn.Select(ctx, q.to, strings.ReplaceAll(q.sql, "{db}", store.Database())); err != nil {
			return nil, fmt.Errorf("read the ranking: %w", err)
		}
	}
	return r, r.readFrame(ctx, store)
}

// readFrame reads what holds for the whole ranking.
func (r *ranking) readFrame(ctx context.Context, store *clickhouse.Store) error {
	err := store.Conn().QueryRow(ctx, strings.ReplaceAll("WITH (SELECT if(count() = 0, ('', ''), (toString(max(since)), toString(addDays(max(since), 89)))) FROM {db}.ranking_90d_v) AS days "+
		"SELECT currency, illustrative, days.1, days.2, "+
		"(SELECT countIf(cleared_on IS NULL) FROM {db}.alerts_v), "+
		"(SELECT countIf(says != '"+attribution.Estimated+"') FROM {db}.associated_loss_v) FROM {db}.ranking_rules_v", "{db}", store.Database())).
		Scan(&r.Currency, &r.Illustrative, &r.Since, &r.Until, &r.AlertsOpen, &r.TooFew)
	if err != nil {
		return fmt.Errorf("read the ranking: %w", err)
	}
	return nil
}

// print shows the ranking to a person.
func (r *ranking) print(out io.Writer, most int, dir string) {
	defer r.printAlerts(out, dir)
	if len(r.Ranking) == 0 {
		fmt.Fprintln(out, "Nothing broke in the last 90 settled days.")
		return
	}
	m := money{r.Currency, r.Illustrative}
	rows := slices.Clone(r.Ranking)
	r.printOrder(out, fmt.Sprintf("The 90 settled days from %s to %s, by avoidable cost%s", r.Since, r.Until, m.note()), rows, most)
	slices.SortFunc(rows, func(a, b rankedRow) int { return cmp.Compare(a.ByCustomers, b.ByCustomers) })
	r.printOrder(out, "By customers touched", rows, most)
	rows = slices.DeleteFunc(rows, func(row rankedRow) bool { return !row.Always })
	slices.SortStableFunc(rows, func(a, b rankedRow) int {
		return cmp.Or(-cmp.Compare(a.Severity/5, b.Severity/5), -cmp.Compare(a.Captive, b.Captive))
	})
	r.printOrder(out, "Whatever the place: severity 5, and captive customers touched", rows, most)
	r.printMarks(out)
	r.printLosses(out)
	r.printUnseen(out)
}

func (r *ranking) printOrder(out io.Writer, title string, rows []rankedRow, most int) {
	if len(rows) == 0 {
		return
	}
	t := newTable(out, title, "breakpoint", "reason", "owner", "found", r.Currency, "hours", "customers", "captive", "severity", "rate of the kind", "change", "loss: risk ratio")
	rightAligned(t, 4, 5, 6, 7, 8, 9, 10, 11)
	for i := range rows[:min(most, len(rows))] {
		row := &rows[i]
		t.AppendRow(table.Row{row.Kind, cmp.Or(row.Reason, "unknown"), row.Silo, row.Breakpoints, fmt.Sprintf("%.0f", row.Cost), fmt.Sprintf("%.1f", row.Hours), row.touched(),
			row.Captive, row.Severity, row.rate(), row.trend(), row.loss()})
	}
	t.Render()
	if more := len(rows) - most; more > 0 {
		fmt.Fprintf(out, "%d more: --most %d, or ranking_90d_v.\n", more, len(rows))
	}
	fmt.Fprintln(out)
}

// touched are customers, and whom incidents reached; breakpoints of the unidentified stand behind a plus.
func (row *rankedRow) touched() string {
	text := fmt.Sprint(row.Customers + row.Reached)
	if row.Unidentified > 0 {
		text += fmt.Sprintf(" + %d?", row.Unidentified)
	}
	return text
}

// rate is that of the kind, and of how many; a star where not all days may be drawn.
func (row *rankedRow) rate() string {
	if row.KindRate == nil {
		return "-"
	}
	text := fmt.Sprintf("%s of %d", share(row.KindRate, "%.1f %%"), row.KindOf)
	if !row.Complete {
		text += " *"
	}
	return text
}

// Why views withhold a change, besides that rules changed.
const (
	nothingBefore = "nothing to compare with"
	notComplete   = "not complete"
)

// printMarks says what the marks in the tables of places mean, where they stand there.
func (r *ranking) printMarks(out io.Writer) {
	marks := map[string]string{}
	for i := range r.Ranking {
		row := &r.Ranking[i]
		switch {
		case row.KindRate == nil:
		case row.KindWithheld == nothingBefore:
			marks["none before"] = "of the 90 days before " + r.Since + " no rate of the kind is known"
		case row.KindWithheld == notComplete:
			marks["not yet"] = "no change is told before all days of the period may be drawn"
		case row.KindWithheld == "" && !row.KindExceeds:
			marks["(change)"] = "no more than what chance does"
		}
		if row.KindRate != nil && !row.Complete {
			marks["*"] = "of the first days of the period only: what began later may still break, and is among those found"
		}
	}
	for _, mark := range slices.Sorted(maps.Keys(marks)) {
		fmt.Fprintf(out, "%s: %s.\n", mark, marks[mark])
	}
	if len(marks) > 0 {
		fmt.Fprintln(out)
	}
}

// printAlerts says where to read what rose.
func (r *ranking) printAlerts(out io.Writer, dir string) {
	if r.AlertsOpen == 0 {
		fmt.Fprintln(out, "No change alert stands.")
		return
	}
	fmt.Fprintf(out, "Change alerts that stand: %d. Which rate rose, since when, and where: parcours alerts --data %s --open\n", r.AlertsOpen, dir)
}

// trend is the change of the kind's rate in points of a per cent, or why there is none.
func (row *rankedRow) trend() string {
	switch {
	case row.KindRate == nil:
		return "-"
	case row.KindWithheld == nothingBefore:
		return "none before"
	case row.KindWithheld == notComplete:
		return "not yet"
	case row.KindWithheld != "":
		return row.KindWithheld
	case row.KindChange != nil && !row.KindExceeds:
		return "(" + share(row.KindChange, "%+.1f") + ")" // within what chance does
	}
	return share(row.KindChange, "%+.1f")
}

func (row *rankedRow) loss() string {
	if row.Ratio == nil {
		return row.Says
	}
	return fmt.Sprintf("%.2f (%.2f to %.2f)", *row.Ratio, *row.RatioLow, *row.RatioHigh)
}

// share is a share in per cent, a dash for none.
func share(v *float64, format string) string {
	if v == nil {
		return "-"
	}
	return fmt.Sprintf(format, *v*100)
}

func (r *ranking) printLosses(out io.Writer) {
	switch {
	case len(r.Associated) > 0:
	case r.TooFew > 0:
		fmt.Fprintf(out, "Associated loss: too few to say, of each of %d kinds and reasons.\n\n", r.TooFew)
		return
	default:
		fmt.Fprint(out, "Associated loss: nobody was exposed on the first of a month after which 90 days have been settled: it takes about 180 days of history.\n\n")
		return
	}
	t := newTable(out, "Losses associated with breakpoints (never caused by, and never added up)", "breakpoint", "reason", "exposed and lost", "risk ratio", "95 %", "associated", "95 %")
	rightAligned(t, 3, 4, 5, 6, 7)
	for _, a := range r.Associated {
		t.AppendRow(table.Row{a.Kind, a.Reason, a.Lost, fmt.Sprintf("%.2f", *a.Ratio), fmt.Sprintf("%.2f to %.2f", *a.Low, *a.High), fmt.Sprintf("%.0f", *a.Losses),
			fmt.Sprintf("%.0f to %.0f", *a.LossesLow, *a.LossesHigh)})
	}
	t.Render()
	fmt.Fprintf(out, "Of %d more kinds and reasons too few were lost to say.\n\n", r.TooFew)
}

func (r *ranking) printUnseen(out io.Writer) {
	if len(r.Unseen) > 0 {
		t := newTable(out, "Signals that no rule saw coming", "signal", "all", "unseen", "share", "unidentified")
		rightAligned(t, 2, 3, 4, 5)
		for _, u := range r.Unseen {
			t.AppendRow(table.Row{u.Signal, u.Total, u.Unseen, fmt.Sprintf("%.1f %%", 100*u.Share), u.Unidentified})
		}
		t.Render()
	}
	if len(r.Gaps) == 0 {
		return
	}
	t := newTable(out, "Satisfaction, -1 to 1, in journeys with the kind less that without it", "breakpoint", "with", "without", "gap", "95 %")
	rightAligned(t, 2, 3, 4, 5)
	for i := range r.Gaps {
		t.AppendRow(r.Gaps[i].row())
	}
	t.Render()
}

func (g *satisfactionOf) row() table.Row {
	gap, interval := attribution.TooFewToSay, ""
	if g.Gap != nil {
		gap = fmt.Sprintf("%+.2f", *g.Gap)
	}
	if g.Low != nil && g.High != nil {
		interval = fmt.Sprintf("%+.2f to %+.2f", *g.Low, *g.High)
	}
	return table.Row{g.Kind, g.With, g.Without, gap, interval}
}
