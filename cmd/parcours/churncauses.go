package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/jedib0t/go-pretty/v6/table"

	"parcours/pipeline/attribution"
	"parcours/pipeline/churn"
	"parcours/pipeline/evaluate"
	"parcours/pipeline/rules"
)

// shownCause is a kind of breakpoint: how often those leave whom it met, against others, beside what was planted.
type shownCause struct {
	Kind       string       `json:"kind"`
	Planted    string       `json:"planted"`  // cause, confounded or harmless
	Strength   float64      `json:"strength"` // of a fresh one: log of the factor on the hazard
	Losses     uint64       `json:"exposed_losses"`
	Raw        shownMeasure `json:"raw"`        // risk ratio with no strata
	Stratified shownMeasure `json:"stratified"` // Mantel-Haenszel, over landmark, segment, tenure and contacts
	Margin     shownMeasure `json:"stratified_by_margin_too"`
	Beside     shownMeasure `json:"beside_the_others"` // of one breakpoint more, all kinds at once
}

// together are the landmarks of ranking with all reason families of a customer in one row: exposed to a kind is whom it met for
// whatever reason, and contacts are all that there were.
func (l *learning) together(ctx context.Context) (map[evaluate.At]attribution.Row, error) {
	rows := map[evaluate.At]attribution.Row{}
	err := l.store.Landmarks(ctx, func(r attribution.Row) error {
		at := evaluate.At{Customer: r.Customer, Landmark: r.Landmark}
		if all, is := rows[at]; is {
			r.Contacts += all.Contacts
			r.Kinds = append(slices.Clone(all.Kinds), r.Kinds...)
			slices.Sort(r.Kinds)
			r.Kinds = slices.Compact(r.Kinds)
		}
		r.Family = "all"
		rows[at] = r
		return nil
	})
	return rows, err
}

// causes estimates the losses associated with each kind, whatever the reason.
func (l *learning) causes(ctx context.Context, truth *evaluate.Leaving, rows []churn.Row) ([]shownCause, error) {
	if err := l.store.RankBy(ctx, l.now); err != nil {
		return nil, err
	}
	together, err := l.together(ctx)
	if err != nil {
		return nil, err
	}
	b := newBlame(rows)
	for at, r := range together {
		if err := b.add(at, r); err != nil {
			return nil, err
		}
	}
	return b.list(attribution.Options{TooFew: l.now.Attribution.TooFew, Replicates: l.now.Attribution.Replicates}, truth)
}

// blame gathers landmark rows for each way of setting kinds beside losses.
type blame struct {
	marks                 map[evaluate.At]*churn.Row
	raw, stratified, dear *attribution.Cohort
	beside                *attribution.Together
}

func newBlame(rows []churn.Row) *blame {
	b := &blame{
		marks: map[evaluate.At]*churn.Row{}, raw: attribution.NewCohort(), stratified: attribution.NewCohort(), dear: attribution.NewCohort(),
		beside: attribution.NewTogether(rules.Kinds()),
	}
	for i := range rows {
		b.marks[evaluate.At{Customer: rows[i].Customer, Landmark: rows[i].At}] = &rows[i]
	}
	return b
}

// add takes in one row. Whose burden nobody knows, since no contract of theirs was in force, is beside nobody.
func (b *blame) add(at evaluate.At, r attribution.Row) error {
	mark, margin := b.marks[at], 0.
	if mark != nil {
		margin = mark.Margin
		if err := b.beside.Add(r, churn.AllFeatures().Burden(mark), churn.AllFeatures().HeldAlike(mark)); err != nil {
			return err
		}
	}
	if err := b.stratified.Add(r); err != nil {
		return err
	}
	if r.Contacts > 0 {
		if err := b.raw.Add(attribution.Row{Customer: r.Customer, Family: r.Family, Kinds: r.Kinds, Contacts: 1, Lost: r.Lost}); err != nil {
			return err
		}
	}
	r.Segment += band(margin)
	return b.dear.Add(r)
}

// list estimates, and puts first whose ratio beside the others is at least the highest.
func (b *blame) list(o attribution.Options, truth *evaluate.Leaving) ([]shownCause, error) {
	byKind := map[string]*shownCause{}
	of := func(kind string) *shownCause {
		if byKind[kind] == nil {
			byKind[kind] = &shownCause{Kind: kind}
			byKind[kind].Planted, byKind[kind].Strength = truth.Role(kind)
		}
		return byKind[kind]
	}
	for i, cohort := range []*attribution.Cohort{b.raw, b.stratified, b.dear} {
		for _, a := range cohort.Estimate(o) {
			c := of(a.Kind)
			c.Losses = max(c.Losses, a.ExposedLosses)
			*[]*shownMeasure{&c.Raw, &c.Stratified, &c.Margin}[i] = ratioOf(a.Says, a.RiskRatio)
		}
	}
	beside, err := b.beside.Estimate(o, attribution.Ridge)
	if err != nil {
		return nil, err
	}
	for _, a := range beside {
		if a.Exposed > 0 {
			of(a.Kind).Beside = ratioOf(a.Says, a.RiskRatio)
		}
	}
	var list []shownCause
	for _, c := range byKind {
		list = append(list, *c)
	}
	slices.SortFunc(list, func(a, b shownCause) int {
		return cmp.Or(cmp.Compare(figureOr0(b.Beside.Low), figureOr0(a.Beside.Low)), cmp.Compare(figureOr0(b.Stratified.Value), figureOr0(a.Stratified.Value)),
			cmp.Compare(a.Kind, b.Kind))
	})
	return list, nil
}

// ratioOf is nothing where too few were lost to say.
func ratioOf(says string, e attribution.Estimate) shownMeasure {
	if says != attribution.Estimated {
		return shownMeasure{}
	}
	return shownMeasure{&e.Value, &e.Low, &e.High}
}

// band is a range of margins within a factor of the square root of 2.
func band(margin float64) string {
	if math.IsNaN(margin) || margin <= 0 {
		return " ?"
	}
	return fmt.Sprintf(" %d", int(math.Round(2*math.Log2(margin))))
}

func figureOr0(v *float64) float64 {
	if v == nil {
		return 0
	}
	return *v
}

func printCauses(out io.Writer, list []shownCause, tooFew int) {
	t := newTable(out, "What goes with losses (risk ratio of those whom it met in the 90 days before), beside what was planted",
		"breakpoint", "planted", "strength", "exposed and lost", "raw", "stratified", "and by margin", "beside the others")
	for i := range list {
		c := &list[i]
		t.AppendRow(table.Row{c.Kind, c.Planted, c.Strength, c.Losses, c.Raw.with("%.2f"), c.Stratified.with("%.2f"), c.Margin.with("%.2f"), c.Beside.with("%.2f")})
	}
	t.Render()
	fmt.Fprintln(out, `Raw: against everybody else with a contact. Stratified: among alike customers, with all that the kind brings along. Beside the others: all kinds
at once, what one of a kind goes with by itself; sorted by the least it may be. All are associated with losses; none says what causes them.`)
	fmt.Fprintf(out, "- : fewer than %d exposed and lost among those whom the column compares (attribution.too_few of the rule book), or nobody to compare them with.\n", tooFew)
}

// print shows an evaluation to a person.
func (r *churnEvaluation) print(out io.Writer) {
	what := "Model " + r.Model
	if r.Prior {
		what = "The prior score: " + r.Why
	}
	fmt.Fprintf(out, "%s. It knew nothing after %s (%d rows, %d customers lost), and is judged by what is known until %s.\n\n", what, day(r.Split), r.Rows, r.Losses, day(r.Known))
	printQuality(out, "How good it is, by horizon and segment", r.Quality)
	printTenths(out, r.Quality)
	if r.WithoutTrue > 0 {
		fmt.Fprintf(out, "Of %d rows the truth says nothing; they are left out.\n", r.WithoutTrue)
	}
	if len(r.Causes) > 0 {
		printCauses(out, r.Causes, r.TooFew)
	}
	for _, w := range r.Warnings {
		fmt.Fprintf(out, "Mind: %s.\n", w)
	}
	for _, f := range r.Failures {
		fmt.Fprintf(out, "Out of bounds: %s.\n", f)
	}
	for _, u := range r.NotJudged {
		fmt.Fprintf(out, "Not judged: %d days, since %s.\n", u.Horizon, u.Why)
	}
	switch {
	case r.Passed:
		fmt.Fprintln(out, "All figures are within their bounds.")
	case len(r.Failures) == 0:
		fmt.Fprintf(out, "The figures of the other horizons are within their bounds; of %s nobody knows how good they are.\n", horizonsWords(r.NotJudged))
	}
	if !r.stored {
		fmt.Fprintln(out, "Nothing of it was stored: --store keeps it in model_quality_v.")
	}
	for _, c := range r.Controls {
		fmt.Fprintf(out, "Control, %s: %s broken.\n", c.Name, plural(uint64(len(c.Failures)), "bound"))
	}
}
