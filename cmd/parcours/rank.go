package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
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
	Currency     string           `json:"currency,omitempty"` // of costs
	Illustrative bool             `json:"illustrative"`
	Ranking      []rankedRow      `json:"ranking"`
	Associated   []associatedRow  `json:"associated_loss"`
	TooFew       uint64           `json:"too_few_to_say"` // kinds and reasons of which too few exposed were lost
	Unseen       []unseenRow      `json:"unseen"`
	Gaps         []satisfactionOf `json:"satisfaction_gap"`
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
	if c.Most < 0 {
		return misused("--most %d: expected 0 or more", c.Most)
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
	r.print(s.out, c.Most)
	return nil
}

func readRanking(ctx context.Context, store *clickhouse.Store) (*ranking, error) {
	r := &ranking{Ranking: []rankedRow{}, Associated: []associatedRow{}, Unseen: []unseenRow{}, Gaps: []satisfactionOf{}}
	conn := store.Conn()
	for _, q := range []struct {
		to  any
		sql string
	}{
		{&r.Ranking, "SELECT * EXCEPT (since, witness, charged, currency, illustrative, opportunities, broken, low, high, complete, rate_before, " +
			"change_low, change_high, rules_versions, kind_opportunities, kind_broken, kind_low, kind_high, kind_rate_before, kind_change_low, kind_change_high, associated_losses, associated_losses_low, associated_losses_high) FROM {db}.ranking_90d_v ORDER BY rank_by_cost NULLS LAST, rank_by_customers"},
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
	err := store.Conn().QueryRow(ctx, strings.ReplaceAll("SELECT currency, illustrative, (SELECT ifNull(toString(max(toNullable(since))), '') FROM {db}.ranking_90d_v), "+
		"(SELECT countIf(says != '"+attribution.Estimated+"') FROM {db}.associated_loss_v) FROM {db}.ranking_rules_v", "{db}", store.Database())).
		Scan(&r.Currency, &r.Illustrative, &r.Since, &r.TooFew)
	if err != nil {
		return fmt.Errorf("read the ranking: %w", err)
	}
	return nil
}

// print shows the ranking to a person.
func (r *ranking) print(out io.Writer, most int) {
	if len(r.Ranking) == 0 {
		fmt.Fprintln(out, "Nothing broke in the last 90 settled days.")
		return
	}
	m := money{r.Currency, r.Illustrative}
	rows := slices.Clone(r.Ranking)
	r.printOrder(out, fmt.Sprintf("The 90 settled days from %s on, by avoidable cost%s", r.Since, m.note()), rows, most)
	slices.SortFunc(rows, func(a, b rankedRow) int { return cmp.Compare(a.ByCustomers, b.ByCustomers) })
	r.printOrder(out, "By customers touched", rows, most)
	rows = slices.DeleteFunc(rows, func(row rankedRow) bool { return !row.Always })
	slices.SortStableFunc(rows, func(a, b rankedRow) int {
		return cmp.Or(-cmp.Compare(a.Severity/5, b.Severity/5), -cmp.Compare(a.Captive, b.Captive))
	})
	r.printOrder(out, "Whatever the place: severity 5, and captive customers touched", rows, most)
	r.printLosses(out)
	r.printUnseen(out)
}

func (r *ranking) printOrder(out io.Writer, title string, rows []rankedRow, most int) {
	if len(rows) == 0 {
		return
	}
	t := newTable(out, title, "breakpoint", "reason", "owner", "found", r.Currency, "hours", "customers", "captive", "severity", "rate of the kind", "change", "loss: risk ratio")
	for i := range rows[:min(most, len(rows))] {
		row := &rows[i]
		t.AppendRow(table.Row{row.Kind, cmp.Or(row.Reason, "unknown"), row.Silo, row.Breakpoints, fmt.Sprintf("%.0f", row.Cost), fmt.Sprintf("%.1f", row.Hours), row.touched(),
			row.Captive, row.Severity, share(row.KindRate, "%.1f %%"), row.trend(), row.loss()})
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

func (row *rankedRow) trend() string {
	switch {
	case row.KindWithheld == "rules changed":
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
		fmt.Fprint(out, "Associated loss: nobody was exposed on the first of a month after which 90 days have been settled.\n\n")
		return
	}
	t := newTable(out, "Losses associated with breakpoints (never caused by, and never added up)", "breakpoint", "reason", "exposed and lost", "risk ratio", "95 %", "associated", "95 %")
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
		for _, u := range r.Unseen {
			t.AppendRow(table.Row{u.Signal, u.Total, u.Unseen, fmt.Sprintf("%.1f %%", 100*u.Share), u.Unidentified})
		}
		t.Render()
	}
	if len(r.Gaps) == 0 {
		return
	}
	t := newTable(out, "Satisfaction, -1 to 1, in journeys with the kind less that without it", "breakpoint", "with", "without", "gap", "95 %")
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
