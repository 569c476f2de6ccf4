package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"parcours/cmd/internal/service"
	"parcours/pipeline/churn"
)

// ran is a run of churn fit in this process.
type ran struct {
	out, err string
	code     int
}

func runFit(t *testing.T, table string, args ...string) ran {
	t.Helper()
	path := filepath.Join(t.TempDir(), "purchases.csv")
	if err := os.WriteFile(path, []byte(table), 0o600); err != nil {
		t.Fatal(err)
	}
	return fitFile(path, args...)
}

func fitFile(path string, args ...string) ran {
	var out, errOut bytes.Buffer
	code := run(append([]string{"churn", "fit", path}, args...), strings.NewReader(""), &out, &errOut)
	return ran{out.String(), errOut.String(), code}
}

// bought is a purchase of a made-up table.
type bought struct {
	customer int
	day      civilDay
	amount   float64
}

// madeUp are purchases of 400 customers over 70 weeks: some come back often, some leave, each has a spend of their own; some come
// twice on a day.
func madeUp() (list []bought) {
	random := rand.New(rand.NewPCG(11, 12))
	for customer := range 400 {
		rate, leave, spend := random.ExpFloat64()/60, random.Float64()/3, math.Exp(3+random.NormFloat64()/2)
		for at := 84 * random.Float64(); at < 490; at += random.ExpFloat64() / rate {
			list = append(list, bought{customer, civilDay(9862 + int(at)), math.Round(100*spend*math.Exp(random.NormFloat64()/3)) / 100})
			if random.Float64() < leave {
				break
			}
		}
	}
	return append(list, list[7], list[9])
}

func asTable(header string, row func(b bought) string) string {
	var text strings.Builder
	text.WriteString(header)
	for _, b := range madeUp() {
		text.WriteString(row(b) + "\n")
	}
	return text.String()
}

func compact(d civilDay) string { return strings.ReplaceAll(d.String(), "-", "") }

// TestChurnFitReadsAnyTable: the same purchases in every form give the same fit.
func TestChurnFitReadsAnyTable(t *testing.T) {
	forms := []struct {
		name, table string
		args        []string
	}{
		{"header, comma", asTable("customer_id,date,amount\n", func(b bought) string { return fmt.Sprintf("c%03d,%v,%.2f", b.customer, b.day, b.amount) }), nil},
		{"other names and order", asTable("\xef\xbb\xbfValue;Order Date;Note;Customer ID\n", func(b bought) string {
			return fmt.Sprintf(`%s;%v 14:05:00;"a;b, c";%d`, strings.Replace(fmt.Sprintf("%.2f", b.amount), ".", ",", 1), b.day, b.customer)
		}), nil},
		{"no header, tab", asTable("", func(b bought) string {
			return fmt.Sprintf("%d\t%vT23:30:00+02:00\t%.2f", b.customer, b.day, b.amount)
		}), nil},
		{"white space, as the CDNOW master file", asTable("", func(b bought) string {
			return fmt.Sprintf(" %05d %s %2d %7.2f", b.customer, compact(b.day), 3, b.amount)
		}), nil},
		{"white space, as the CDNOW sample", asTable("", func(b bought) string {
			return fmt.Sprintf(" %05d %04d %s %2d %7.2f", 7*b.customer, b.customer, compact(b.day), 3, b.amount)
		}), []string{"--columns", "_,customer,date,_,amount"}},
		{"columns by flags", asTable("a,b,c\n", func(b bought) string { return fmt.Sprintf("%.2f,%d,%v", b.amount, b.customer, b.day) }),
			[]string{"--customer", "B", "--date", "3", "--amount", "a"}},
		{"days first", asTable("id|day|spend\n", func(b bought) string {
			s := b.day.String()
			return fmt.Sprintf("%d|%s/%s/%s|$%.2f", b.customer, s[8:], s[5:7], s[:4], b.amount)
		}), []string{"--date-format", "DD/MM/YYYY"}},
	}
	if got := lastLine[churnFit](t, runFit(t, forms[0].table, "--json", "--amount", "none").out); got.GammaGamma != nil || got.Columns["amount"] != "" {
		t.Errorf("without amounts: %+v", got)
	}
	var first *churnFit
	for _, form := range forms {
		r := runFit(t, form.table, append(form.args, "--json", "--until", "1997-12-31")...)
		if r.code != 0 {
			t.Fatalf("%s: exit %d\n%s", form.name, r.code, r.err)
		}
		got := lastLine[churnFit](t, r.out)
		got.Columns, got.Header = nil, false
		if first == nil {
			first = &got
			continue
		}
		if !reflect.DeepEqual(*first, got) {
			t.Errorf("%s: %+v\nexpected %+v", form.name, got, *first)
		}
	}
	if first.Customers != 400 || first.Refused != 0 || first.Holdout == nil || first.GammaGamma == nil || !first.Convergence.Converged {
		t.Errorf("%+v", first)
	}
}

// TestChurnFitSaysWhatTheModelSays: the figures are those of the package, for the customers that the table holds.
func TestChurnFitSaysWhatTheModelSays(t *testing.T) {
	table := asTable("", func(b bought) string { return fmt.Sprintf("%d,%v", b.customer, b.day) })
	for unit, days := range map[string]float64{"day": 1, "week": 7} {
		got := lastLine[churnFit](t, runFit(t, table, "--json", "--unit", unit).out)
		p := purchases{}
		for _, b := range madeUp() {
			p.list = append(p.list, purchase{int32(b.customer), b.day, math.NaN()})
			p.last = max(p.last, b.day)
		}
		f, err := churn.FitBGNBD(t.Context(), p.observe(p.last, days).uses, false)
		if err != nil {
			t.Fatal(err)
		}
		if float64(got.R) != f.R || float64(got.Alpha) != f.Alpha || float64(got.A) != f.A || float64(got.B) != f.B || float64(got.LogLikelihood) != f.LogLikelihood ||
			float64(got.StandardErrors["alpha"]) != f.Errors[1] || float64(got.Intervals["b"][1]) != f.Intervals[3][1] {
			t.Errorf("%s: %+v, expected %+v", unit, got, f)
		}
		if got.Unit != unit || got.Until != p.last.String() || got.GammaGamma != nil || got.Holdout != nil {
			t.Errorf("%s: %+v", unit, got)
		}
	}
}

// TestChurnFitPacked: a file packed with gzip is read as it is.
func TestChurnFitPacked(t *testing.T) {
	path := filepath.Join(t.TempDir(), "purchases.csv.gz")
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	fmt.Fprint(w, asTable("customer,date,amount\n", func(b bought) string { return fmt.Sprintf("%d,%v,%.2f", b.customer, b.day, b.amount) }))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, packed.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	r := fitFile(path)
	if r.code != 0 {
		t.Fatalf("exit %d\n%s", r.code, r.err)
	}
	for _, words := range []string{"│ alpha ", "Log likelihood -", "Gamma-gamma", "3 of 3 starts agree", "customer is column customer"} {
		if !strings.Contains(r.out, words) {
			t.Errorf("%q is missing in\n%s", words, r.out)
		}
	}
}

// TestObserve: what the model is told of customers, by hand.
func TestObserve(t *testing.T) {
	day := func(text string) civilDay {
		d, ok := dayOf(text, "")
		if !ok {
			t.Fatal(text)
		}
		return d
	}
	p := purchases{list: []purchase{
		{0, day("1997-01-18"), 20}, {0, day("1997-01-01"), 100}, {0, day("1997-01-18"), 10}, {0, day("1997-08-02"), 60}, // twice on one day
		{0, day("1997-10-01"), 1}, {0, day("1997-10-01"), 1}, {0, day("1997-12-01"), 1}, // after
		{1, day("1997-09-30"), 5},                            // on the last day
		{2, day("1997-10-01"), 5},                            // first seen after
		{3, day("1997-01-01"), 5}, {3, day("1997-01-01"), 7}, // one day is one purchase
		{4, day("1997-02-01"), 5}, {4, day("1997-03-01"), math.NaN()}, // a spend that is not known
	}, last: day("1997-12-01")}
	o := p.observe(day("1997-09-30"), 7)
	expected := []churn.Uses{
		{Frequency: 2, Recency: 213.0 / 7, Age: 272.0 / 7, Spend: 45}, // 30.43 and 38.86 weeks, as customer 1 of the paper
		{Spend: math.NaN()}, {Age: 272.0 / 7, Spend: math.NaN()}, {Frequency: 1, Recency: 4, Age: 241.0 / 7, Spend: math.NaN()},
	}
	if fmt.Sprint(o.uses) != fmt.Sprint(expected) {
		t.Errorf("%+v\nexpected %+v", o.uses, expected)
	}
	if fmt.Sprint(o.later) != "[2 0 0 0]" || o.after != 4 {
		t.Errorf("after: %v, %d rows", o.later, o.after)
	}
}

// TestChurnFitNamesBadRows by line, column and what was expected, never by what stands there; they are counted, and the rest is
// fitted.
func TestChurnFitNamesBadRows(t *testing.T) {
	bad := "secret,1997-02-30,3\n" + "secret,sometime,3\n" + ",1997-01-05,3\n" + "secret\n" + "secret,1997-01-05,dear\n" + `se"cret",1997-01-05,3` + "\n" +
		"secret,1997-01-05,1,234\n" + "back,1997-01-05,-3\n"
	good := asTable("customer,date,amount\n", func(b bought) string { return fmt.Sprintf("%d,%v,%.2f", b.customer, b.day, b.amount) })
	lines := strings.Count(good, "\n")
	r := runFit(t, good+bad, "--json")
	got := lastLine[churnFit](t, r.out)
	if r.code != 0 || got.Refused != 6 || got.Returns != 1 || got.Rows != lines-1+8 || got.Customers != 401 {
		t.Errorf("exit %d, %+v", r.code, got)
	}
	for i, words := range []string{"date: expected a date such as", "date: expected a date such as", "customer: expected an identifier", "date: expected 2 cells or more, and there are 1",
		"amount: expected an amount such as", "row: expected quotes around a whole cell"} {
		if line := fmt.Sprintf("line %d: %s", lines+1+i, words); !strings.Contains(r.err, line) {
			t.Errorf("%q is missing in\n%s", line, r.err)
		}
	}
	if strings.Contains(r.err, "secret") || strings.Contains(r.err, "dear") {
		t.Errorf("a value is told:\n%s", r.err)
	}
	many := runFit(t, good+strings.Repeat("x,never,1\n", 30))
	if strings.Count(many.err, "the row is left out") != 10 || !strings.Contains(many.err, "20 more rows could not be read") {
		t.Errorf("of 30:\n%s", many.err)
	}
}

// TestChurnFitRefuses what cannot be fitted, and says why.
func TestChurnFitRefuses(t *testing.T) {
	for _, c := range []struct {
		name, table string
		args        []string
		code        int
		words       string
	}{
		{"empty", "", nil, service.Impaired, "the file is empty"},
		{"header alone", "customer,date\n", nil, service.Wrong, "no purchase is left of 0 rows"},
		{"nothing but bad rows", "customer,date\na,never\n", nil, service.Wrong, "no purchase is left of 1 rows (1 cannot be read"},
		{"no date", "customer,place\na,b\n", nil, service.Misused, "no column for the date"},
		{"no such column", "a,1997-01-01\n", []string{"--customer", "7"}, service.Misused, "--customer 7: expected the name of a column, or its number from 1 to 2"},
		{"columns", "a,1997-01-01\n", []string{"--columns", "who,when"}, service.Misused, "--columns: expected"},
		{"columns without a date", "a,1997-01-01\n", []string{"--columns", "customer"}, service.Misused, "no column for the date"},
		{"until", "a,1997-01-01\n", []string{"--until", "soon"}, service.Misused, "--until: expected a date"},
		{"until before all", "a,1997-01-01\n", []string{"--until", "1996-12-31"}, service.Wrong, "every purchase is after --until 1996-12-31"},
		{"format", "a,1997-01-01\n", []string{"--date-format", "DD/YYYY"}, service.Misused, "--date-format DD/YYYY: expected"},
		{"nobody returned", "a,1997-01-01\nb,1997-02-01\n", nil, service.Wrong, "no customer came a second time"},
		{"unit", "a,1997-01-01\n", []string{"--unit", "month"}, service.Misused, "--unit"},
	} {
		if r := runFit(t, c.table, c.args...); r.code != c.code || !strings.Contains(r.err, c.words) {
			t.Errorf("%s: exit %d, %q; expected %d, %q", c.name, r.code, r.err, c.code, c.words)
		}
	}
}

// TestChurnFitHidesNothing: where the table does not determine the model there is an object all the same, which says so.
func TestChurnFitHidesNothing(t *testing.T) {
	for name, table := range map[string]string{
		"nobody returned": "a,1997-01-01,3\nb,1997-02-01,4\n",
		"one customer":    "a,1997-01-01,3\na,1997-02-01,4\n",
	} {
		r := runFit(t, table, "--json", "--until", "1997-06-01")
		got := lastLine[churnFit](t, r.out)
		if r.code != service.Wrong || got.Convergence.Converged || got.Convergence.Status == "" || len(got.Convergence.Problems) == 0 {
			t.Errorf("%s: exit %d, %+v", name, r.code, got)
		}
		if name == "nobody returned" && !strings.Contains(r.out, `"r":null`) {
			t.Errorf("%s: %s", name, r.out)
		}
	}
}

// TestAmountOf: a comma may be a decimal sign or none; what could be either is refused.
func TestAmountOf(t *testing.T) {
	for text, want := range map[string]float64{"12.50": 12.5, "12,50": 12.5, "1,234.50": 1234.5, "1.234,50": 1234.5, " $7 ": 7, "-3": -3, "1e3": 1000, "12 €": 12, "1234.567": 1234.567} {
		if got, ok := amountOf(text); !ok || got != want {
			t.Errorf("%q: %g, %v", text, got, ok)
		}
	}
	for _, text := range []string{"1,234", "dear", "", "0x10", "NaN", "Inf", "1,2,3", "--1"} {
		if got, ok := amountOf(text); ok {
			t.Errorf("%q: %g", text, got)
		}
	}
}

// TestDayOf: the day is the one that is written.
func TestDayOf(t *testing.T) {
	for _, text := range []string{"1997-03-09", "19970309", "1997/03/09", "1997-03-09 23:59", "1997-03-09T23:59:59.5Z", "1997-03-09T00:30:00+02:00", " 1997-03-09 23:59:59-0500 "} {
		if got, ok := dayOf(text, ""); !ok || got.String() != "1997-03-09" {
			t.Errorf("%q: %v, %v", text, got, ok)
		}
	}
	for _, text := range []string{"", "1997-02-29", "19971301", "1997-3-9", "09/03/1997", "1997-03-09x", "1997-03/09", "12345678", "9999-01-01", "1997-03-09T25:00"} {
		if got, ok := dayOf(text, ""); ok {
			t.Errorf("%q: %v", text, got)
		}
	}
}
