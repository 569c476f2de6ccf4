package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"

	"parcours/pipeline/churn"
)

// figure is a number that JSON writes as null where there is none.
type figure float64

// MarshalJSON writes null for what is no number.
func (f figure) MarshalJSON() ([]byte, error) {
	if math.IsNaN(float64(f)) || math.IsInf(float64(f), 0) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(f))
}

func (f figure) String() string {
	if math.IsNaN(float64(f)) {
		return "-"
	}
	return strconv.FormatFloat(float64(f), 'g', 5, 64)
}

// figures are numbers by the names of parameters, and ranges intervals.
type (
	figures map[string]figure
	ranges  map[string][2]figure
)

var (
	comeBackNames = []string{"r", "alpha", "a", "b"}
	spendNames    = []string{"p", "q", "gamma"}
	notANumber    = figure(math.NaN())
)

// churnFit is what is printed.
type churnFit struct {
	R              figure            `json:"r"`
	Alpha          figure            `json:"alpha"`
	A              figure            `json:"a"`
	B              figure            `json:"b"`
	LogLikelihood  figure            `json:"log_likelihood"`
	StandardErrors figures           `json:"standard_errors"`
	Intervals      ranges            `json:"intervals"`
	Convergence    churn.Convergence `json:"convergence"`
	Customers      int               `json:"customers"` // seen by until
	Returned       int               `json:"returned"`  // of them, came a second time
	Purchases      int               `json:"purchases"` // by until, those of a customer on one day once
	Unit           string            `json:"unit"`
	Until          string            `json:"until"`
	Rows           int               `json:"rows"`
	Refused        int               `json:"refused"`     // rows that cannot be read
	Returns        int               `json:"returns"`     // rows with an amount below 0
	AfterUntil     int               `json:"after_until"` // rows
	Header         bool              `json:"header"`
	Columns        map[string]string `json:"columns"`
	Alternative    *alternativeFit   `json:"alternative,omitempty"`
	SeenOnce       string            `json:"seen_once,omitempty"` // the model that foretells those seen once
	Frequencies    []timesFit        `json:"frequencies,omitempty"`
	Holdout        *holdoutFit       `json:"holdout,omitempty"`
	GammaGamma     *spendFit         `json:"gamma_gamma,omitempty"`
	file           string
}

// alternativeFit is the MBG/NBD.
type alternativeFit struct {
	Model         string `json:"model"`
	R             figure `json:"r"`
	Alpha         figure `json:"alpha"`
	A             figure `json:"a"`
	B             figure `json:"b"`
	LogLikelihood figure `json:"log_likelihood"`
	Converged     bool   `json:"converged"`
}

// timesFit is a row of churn.TimesRow.
type timesFit struct {
	Times     int    `json:"times"`
	Customers int    `json:"customers"`
	Observed  int    `json:"observed"`
	Expected  figure `json:"expected"`
}

// holdoutFit compares what came after until with what was expected.
type holdoutFit struct {
	Days     int        `json:"days"`
	Until    string     `json:"until"`
	Observed int        `json:"observed"` // purchases after until by the customers seen before it, those on one day once
	Expected figure     `json:"expected"`
	Ratio    figure     `json:"ratio"` // expected / observed
	Rows     []timesFit `json:"by_frequency"`
}

// spendFit is the gamma-gamma model.
type spendFit struct {
	P              figure            `json:"p"`
	Q              figure            `json:"q"`
	Gamma          figure            `json:"gamma"`
	V              figure            `json:"v"` // gamma by another name
	LogLikelihood  figure            `json:"log_likelihood"`
	StandardErrors figures           `json:"standard_errors"`
	Intervals      ranges            `json:"intervals"`
	Convergence    churn.Convergence `json:"convergence"`
	Customers      int               `json:"customers"`
	LeftOut        int               `json:"left_out"`
	Correlation    figure            `json:"correlation"`
	MeanSpend      figure            `json:"mean_spend"` // expected of a customer of whom nothing is known
}

// The models by name.
const (
	plainModel    = "bg_nbd"
	modifiedModel = "mbg_nbd"
)

// mostTimes is the last row of tables by frequency.
const mostTimes = 7

func newChurnFit(c *ChurnFitCommand, got *purchases, seen *observed) *churnFit {
	f := &churnFit{R: notANumber, Alpha: notANumber, A: notANumber, B: notANumber, LogLikelihood: notANumber, Unit: c.Unit, Until: seen.until.String(),
		Customers: len(seen.uses), Rows: got.rows, Refused: got.refused, Returns: got.returns, AfterUntil: seen.after, Header: got.header, Columns: got.columns, file: c.File}
	f.StandardErrors, f.Intervals = uncertainty(comeBackNames, nil, nil)
	for _, u := range seen.uses {
		f.Purchases += 1 + u.Frequency
		f.Returned += count(u.Frequency > 0)
	}
	return f
}

// uncertainty names standard errors and intervals; without them there are none.
func uncertainty(names []string, errors []float64, intervals []churn.Interval) (figures, ranges) {
	se, in := figures{}, ranges{}
	for i, name := range names {
		se[name], in[name] = notANumber, [2]figure{notANumber, notANumber}
		if errors != nil {
			se[name], in[name] = figure(errors[i]), [2]figure{figure(intervals[i][0]), figure(intervals[i][1])}
		}
	}
	return se, in
}

// fitted fills in the BG/NBD, the MBG/NBD beside it, and how they do.
func (f *churnFit) fitted(fits [2]*churn.BGNBDFit, foretell churn.Comeback, got *purchases, seen *observed) {
	m, other := fits[0], fits[1]
	f.R, f.Alpha, f.A, f.B, f.LogLikelihood = figure(m.R), figure(m.Alpha), figure(m.A), figure(m.B), figure(m.LogLikelihood)
	f.StandardErrors, f.Intervals = uncertainty(comeBackNames, m.Errors[:], m.Intervals[:])
	f.Convergence = m.Convergence
	f.Alternative = &alternativeFit{modifiedModel, figure(other.R), figure(other.Alpha), figure(other.A), figure(other.B), figure(other.LogLikelihood), other.Convergence.Converged}
	f.SeenOnce = plainModel
	if foretell.Once.Modified {
		f.SeenOnce = modifiedModel
	}
	f.Frequencies = timesFits(m.Frequencies(seen.uses, mostTimes))
	if seen.after == 0 {
		return
	}
	days := int(got.last - seen.until)
	all, rows := m.Holdout(seen.uses, seen.later, float64(days)/seen.unit, mostTimes)
	f.Holdout = &holdoutFit{days, got.last.String(), int(all.Observed), figure(all.Expected), figure(all.Expected / all.Observed), timesFits(rows)}
}

func timesFits(rows []churn.TimesRow) (list []timesFit) {
	for _, r := range rows {
		list = append(list, timesFit{r.Times, r.Customers, int(r.Observed), figure(r.Expected)})
	}
	return list
}

// spend fills in the gamma-gamma model, or why there is none.
func (f *churnFit) spend(m *churn.GammaGammaFit, err error) {
	g := &spendFit{P: notANumber, Q: notANumber, Gamma: notANumber, V: notANumber, LogLikelihood: notANumber, Correlation: notANumber, MeanSpend: notANumber}
	f.GammaGamma = g
	g.StandardErrors, g.Intervals = uncertainty(spendNames, nil, nil)
	if err != nil {
		g.Convergence = churn.Convergence{Status: err.Error(), Problems: []string{err.Error()}}
		return
	}
	g.P, g.Q, g.Gamma, g.V, g.LogLikelihood = figure(m.P), figure(m.Q), figure(m.Gamma), figure(m.Gamma), figure(m.LogLikelihood)
	g.StandardErrors, g.Intervals = uncertainty(spendNames, m.Errors[:], m.Intervals[:])
	g.Convergence, g.Customers, g.LeftOut = m.Convergence, m.Customers, m.LeftOut
	g.Correlation, g.MeanSpend = figure(m.Correlation), figure(m.Mean())
}

// printChurnFit shows it to a person.
func printChurnFit(out io.Writer, f *churnFit) {
	f.printSource(out)
	estimates := figures{"r": f.R, "alpha": f.Alpha, "a": f.A, "b": f.B}
	printParameters(out, "BG/NBD: how often they come, and when they leave ("+f.Unit+"s)", comeBackNames, estimates, f.StandardErrors, f.Intervals)
	printConvergence(out, f.LogLikelihood, &f.Convergence)
	f.printMeaning(out)
	if f.Frequencies != nil {
		printTimes(out, "How many came back so many times", f.Frequencies)
	}
	if h := f.Holdout; h != nil {
		printTimes(out, "Purchases after, by times back before", h.Rows)
		fmt.Fprintf(out, "In the %d days from %s to %s together %d, expected %.1f: %v of what came.\n", h.Days, f.Until, h.Until, h.Observed, float64(h.Expected), h.Ratio)
	}
	if f.GammaGamma != nil {
		f.GammaGamma.print(out)
	}
}

// printSource says what was read.
func (f *churnFit) printSource(out io.Writer) {
	var columns []string
	for _, name := range columnOrder {
		if at, has := f.Columns[name]; has {
			columns = append(columns, name+" is column "+at)
		}
	}
	header := "no header"
	if f.Header {
		header = "the first row is a header"
	}
	fmt.Fprintf(out, "\n%s: %s; %s.\n", f.file, strings.Join(columns, ", "), header)
	fmt.Fprintf(out, "%d rows: %d could not be read, %d are returns (an amount below 0), %d are after %s.\n", f.Rows, f.Refused, f.Returns, f.AfterUntil, f.Until)
	fmt.Fprintf(out, "%d customers with %d purchases until %s (those of one day count once); %d came back.\n\n", f.Customers, f.Purchases, f.Until, f.Returned)
}

func printParameters(out io.Writer, title string, names []string, estimates, errors figures, intervals ranges) {
	t := newTable(out, title, "parameter", "estimate", "standard error", "from", "to (95 %)")
	for _, name := range names {
		t.AppendRow(table.Row{name, estimates[name], errors[name], intervals[name][0], intervals[name][1]})
	}
	t.Render()
}

func printConvergence(out io.Writer, logLikelihood figure, v *churn.Convergence) {
	fmt.Fprintf(out, "Log likelihood %.1f. Search: %s (gradient %.1e, %d iterations, %d of %d starts agree).\n",
		float64(logLikelihood), v.Status, v.Gradient, v.Iterations, v.Agree, v.Starts)
	for _, problem := range v.Problems {
		fmt.Fprintf(out, "Beware: %s.\n", problem)
	}
}

// printMeaning says what the parameters mean.
func (f *churnFit) printMeaning(out io.Writer) {
	if f.Alternative == nil {
		return
	}
	fmt.Fprintf(out, "Who is there comes %.4g times a %s on average (r/alpha), and leaves after %.1f %% of the times (a/(a+b)).\n",
		float64(f.R/f.Alpha), f.Unit, 100*float64(f.A/(f.A+f.B)))
	which := "BG/NBD"
	if f.SeenOnce == modifiedModel {
		which = "MBG/NBD"
	}
	fmt.Fprintf(out, "The MBG/NBD, by which they may leave after the first time too, has log likelihood %.1f: those seen once are foretold by the %s.\n\n",
		float64(f.Alternative.LogLikelihood), which)
}

func printTimes(out io.Writer, title string, rows []timesFit) {
	t := newTable(out, title, "times", "customers", "observed", "expected")
	for i, r := range rows {
		times := strconv.Itoa(r.Times)
		if i == len(rows)-1 {
			times += " or more"
		}
		t.AppendRow(table.Row{times, r.Customers, r.Observed, fmt.Sprintf("%.1f", float64(r.Expected))})
	}
	t.Render()
}

func (g *spendFit) print(out io.Writer) {
	fmt.Fprintln(out)
	printParameters(out, "Gamma-gamma: what they spend each time", spendNames, figures{"p": g.P, "q": g.Q, "gamma": g.Gamma}, g.StandardErrors, g.Intervals)
	printConvergence(out, g.LogLikelihood, &g.Convergence)
	if g.Customers > 0 {
		fmt.Fprintf(out, "Of %d customers who came back and spent something (%d left out). Who came once is expected to spend %v. Correlation of frequency and spend: %v.\n",
			g.Customers, g.LeftOut, g.MeanSpend, g.Correlation)
	}
}
