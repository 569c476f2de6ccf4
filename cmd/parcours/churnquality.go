package main

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"

	"parcours/pipeline/churn"
	"parcours/pipeline/event"
)

// shownMeasure is a figure and its 95 % interval; null where there is none.
type shownMeasure struct {
	Value *float64 `json:"value"`
	Low   *float64 `json:"low,omitempty"`
	High  *float64 `json:"high,omitempty"`
}

// shownQuality is how good predictions were at one horizon, of one segment or of all.
type shownQuality struct {
	Horizon   int          `json:"horizon_days"`
	Segment   string       `json:"segment"` // "" for all
	Rows      int          `json:"rows"`
	Customers int          `json:"customers"`
	Losses    int          `json:"losses"`
	Expected  *float64     `json:"expected"`
	Observed  *float64     `json:"observed"` // weighted
	AUC       shownMeasure `json:"auc"`
	Best      *float64     `json:"best_auc,omitempty"` // of somebody who knew how the company was made
	PRAUC     shownMeasure `json:"pr_auc"`
	Ratio     shownMeasure `json:"observed_expected"`
	Slope     shownMeasure `json:"slope"`
	Level     shownMeasure `json:"level"`
	Brier     shownMeasure `json:"brier"`
	BrierBase *float64     `json:"brier_base"`
	ECE       shownMeasure `json:"ece"`
	Lift      shownMeasure `json:"lift"` // of the tenth foretold highest
	Tenths    []shownTenth `json:"tenths"`
}

// shownTenth is a tenth of the rows, from the highest probability on.
type shownTenth struct {
	Rows      *float64     `json:"rows"`
	Predicted *float64     `json:"predicted"`
	Observed  shownMeasure `json:"observed"`
	Lift      shownMeasure `json:"lift"`
}

// stated is nil for what is no number.
func stated(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}

func measureOf(m churn.Measured) shownMeasure {
	return shownMeasure{stated(m.Value), stated(m.Low), stated(m.High)}
}

func shownQualityOf(q *churn.Quality) shownQuality {
	s := shownQuality{
		Horizon: q.Horizon, Segment: q.Segment, Rows: q.N, Customers: q.Customers, Losses: q.Lost, Expected: stated(q.Expected), Observed: stated(q.Observed),
		AUC: measureOf(q.AUC), PRAUC: measureOf(q.PRAUC), Ratio: measureOf(q.Ratio), Slope: measureOf(q.Slope), Level: measureOf(q.Level),
		Brier: measureOf(q.Brier), BrierBase: stated(q.BrierBase.Value), ECE: measureOf(q.ECE), Lift: measureOf(q.Bins[0].Lift),
	}
	for i := range q.Bins {
		b := &q.Bins[i]
		s.Tenths = append(s.Tenths, shownTenth{stated(b.N), stated(b.Predicted), measureOf(b.Observed), measureOf(b.Lift)})
	}
	return s
}

func shownQualities(list []churn.Quality) []shownQuality {
	shown := make([]shownQuality, len(list))
	for i := range list {
		shown[i] = shownQualityOf(&list[i])
	}
	return shown
}

// String writes a figure with its interval; a dash for none.
func (m shownMeasure) String() string { return m.with("%.3f") }

func (m shownMeasure) with(format string) string {
	switch {
	case m.Value == nil:
		return "-"
	case m.Low == nil || m.High == nil:
		return fmt.Sprintf(format, *m.Value)
	}
	return fmt.Sprintf(format+" ("+format+" to "+format+")", *m.Value, *m.Low, *m.High)
}

func figureText(v *float64, format string) string { return shownMeasure{Value: v}.with(format) }

// printQuality shows how good predictions were, a table of all horizons and segments, and the tenths of each horizon.
func printQuality(out io.Writer, title string, list []shownQuality) {
	t := newTable(out, title, "days", "segment", "rows", "lost", "AUC", "best", "precision", "observed / expected", "slope", "Brier", "of the base rate", "ECE", "lift of the top tenth")
	for i := range list {
		q := &list[i]
		t.AppendRow(table.Row{q.Horizon, cmp.Or(q.Segment, "all"), q.Rows, q.Losses, q.AUC, figureText(q.Best, "%.3f"), figureText(q.PRAUC.Value, "%.3f"), q.Ratio.with("%.2f"),
			q.Slope.with("%.2f"), figureText(q.Brier.Value, "%.5f"), figureText(q.BrierBase, "%.5f"), figureText(q.ECE.Value, "%.4f"), q.Lift.with("%.1f")})
	}
	t.Render()
}

// printTenths shows what was foretold against what came, of all segments.
func printTenths(out io.Writer, list []shownQuality) {
	for i := range list {
		q := &list[i]
		if q.Segment != "" {
			continue
		}
		t := newTable(out, fmt.Sprintf("Foretold and come within %d days, by tenths from the highest probability on", q.Horizon), "tenth", "rows", "foretold", "lost", "lift")
		for n, b := range q.Tenths {
			t.AppendRow(table.Row{n + 1, figureText(b.Rows, "%.0f"), share(b.Predicted, "%.2f %%"), b.Observed.percent(), b.Lift.with("%.2f")})
		}
		t.Render()
	}
}

func (m shownMeasure) percent() string {
	p := func(v *float64) *float64 {
		if v == nil {
			return nil
		}
		return stated(*v * 100)
	}
	return shownMeasure{p(m.Value), p(m.Low), p(m.High)}.with("%.2f %%")
}

// shownEffect is what one standard deviation of a feature does to the odds of a loss.
type shownEffect struct {
	Feature string       `json:"feature"`
	Words   string       `json:"words"`
	Months  string       `json:"months"` // 1, 2 to 3, 4 to 12
	Odds    shownMeasure `json:"odds_ratio"`
}

// monthsWords are the groups of months that have a hazard of their own.
var monthsWords = [...]string{"1", "2 to 3", "4 to 12"}

// mostEffects are shown.
const mostEffects = 12

// effects are the features that do most, strongest first; of one that does much in several groups of months the strongest.
func effects(report *churn.Report) []shownEffect {
	list := slices.Clone(report.Coefficients)
	slices.SortStableFunc(list, func(a, b churn.Coefficient) int {
		return cmp.Or(cmp.Compare(math.Abs(math.Log(b.OddsRatio.Value)), math.Abs(math.Log(a.OddsRatio.Value))), strings.Compare(a.Feature, b.Feature), cmp.Compare(a.Months, b.Months))
	})
	shown, families := []shownEffect{}, map[string]bool{}
	for _, c := range list {
		family := churn.FamilyOf(c.Feature)
		if families[family] || len(shown) == mostEffects {
			continue
		}
		families[family] = true
		shown = append(shown, shownEffect{c.Feature, featureWords(c.Feature, english), monthsWords[c.Months], measureOf(c.OddsRatio)})
	}
	return shown
}

// featureWords is how a feature reads, without a value.
func featureWords(name string, l language) string {
	features := churn.AllFeatures()
	i := features.Number(name)
	if i < 0 {
		return name
	}
	fr, en := features.Words(i)
	words := l.say(en, fr)
	return strings.Join(strings.Fields(strings.NewReplacer("%s ", "", "{value} ", "", "%s", "", "{value}", "").Replace(words)), " ")
}

func (r *trained) warn(format string, args ...any) {
	r.Warnings = append(r.Warnings, fmt.Sprintf(format, args...))
}

// of notes what was learnt.
func (r *trained) of(m *churn.Model, report *churn.Report) {
	r.Trained, r.Model, r.Customers, r.Losses = true, m.Version, m.Customers, m.Losses
	r.Coefficients = effects(report)
	for i, days := range churn.Horizons {
		if m.Projection[i] {
			r.Projection = append(r.Projection, days)
			r.warn("nobody has been watched for %d days after a landmark yet: probabilities within %d days are projections", days, days)
		}
	}
	for i := range report.Months {
		months := &report.Months[i]
		if months.Borrowed {
			r.warn("only few left in months %s after a landmark: their hazard is learnt from all months", monthsWords[i])
		}
		if !months.Converged {
			r.warn("the fit of months %s did not converge", monthsWords[i])
		}
	}
}

// judged notes how good the twin of the model was.
func (r *trained) judged(tested *judged, known event.Instant) {
	if tested == nil {
		return
	}
	r.Quality = shownQualities(tested.quality)
	r.Drift = stated(tested.model.Drift(0, "", scored(tested.predictions())).Value)
	for _, f := range churn.Accept(tested.quality, nil) {
		r.warn("out of bounds: %s", f)
	}
	for _, u := range churn.UnjudgedOf(tested.predictions(), known) {
		r.warn("nobody knows how good probabilities within %d days are: %s", u.Horizon, u.Why)
	}
}

// print shows a training to a person.
func (r *trained) print(out io.Writer, dry bool) {
	if !r.Trained {
		r.printUntrained(out, dry)
		return
	}
	fmt.Fprintf(out, "Model %s, learnt from what is known until %s: %d rows of %d customers, %d of them lost.\n\n", r.Model, day(r.Known), r.Rows, r.Customers, r.Losses)
	printQuality(out, "How good it is: a model of the same making that knew nothing after "+day(r.Split)+", judged by what came", r.Quality)
	printTenths(out, r.Quality)
	t := newTable(out, "What it looks at most (odds of a loss, for one standard deviation more)", "feature", "in words", "months ahead", "odds x", "95 %")
	for _, e := range r.Coefficients {
		t.AppendRow(table.Row{e.Feature, e.Words, e.Months, figureText(e.Odds.Value, "%.2f"), fmt.Sprintf("%s to %s", figureText(e.Odds.Low, "%.2f"), figureText(e.Odds.High, "%.2f"))})
	}
	t.Render()
	r.printEnd(out, dry)
}

// printUntrained shows what was made of a log in which too few leave.
func (r *trained) printUntrained(out io.Writer, dry bool) {
	if r.Uses == 0 {
		fmt.Fprintf(out, "Nothing was learnt: %s.\n", r.Why)
	} else {
		fmt.Fprintf(out, "Nothing was learnt about who leaves: %s.\nModel %s, learnt from the uses of %d customers without a contract until %s, says how many more to expect.\n", r.Why, r.Model, r.Uses, day(r.Known))
	}
	r.printEnd(out, dry && r.Uses > 0)
}

// printEnd shows what to mind, and what was published.
func (r *trained) printEnd(out io.Writer, dry bool) {
	for _, w := range r.Warnings {
		fmt.Fprintf(out, "Mind: %s.\n", w)
	}
	switch {
	case r.Published != nil:
		r.Published.print(out)
	case dry:
		fmt.Fprintln(out, "Nothing was stored or published (--dry-run).")
	}
}

// day is the date of a moment that was written out.
func day(moment string) string { return moment[:min(len(moment), len(time.DateOnly))] }
