package brief_test

import (
	"context"
	"errors"
	"html"
	"math"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"parcours/dashboards/brief"
	"parcours/dashboards/internal/filled"
	"parcours/dashboards/words"
	"parcours/pipeline/clickhouse"
)

func TestMain(m *testing.M) { os.Exit(filled.Main(m)) }

// tables are those of the made-up company.
func tables(t *testing.T) brief.Query { t.Helper(); return asked(filled.Full(t).Store) }

// asked reads a store as the brief is read.
func asked(store *clickhouse.Store) brief.Query {
	return func(ctx context.Context, statement string, row func(scan func(...any) error) error) error {
		rows, err := store.Conn().Query(ctx, strings.ReplaceAll(statement, "{db}", store.Database()))
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			if err := row(rows.Scan); err != nil {
				return err
			}
		}
		return rows.Err()
	}
}

// one reads one row.
func one(t *testing.T, query brief.Query, statement string, into ...any) {
	t.Helper()
	found := 0
	err := query(t.Context(), statement, func(scan func(...any) error) error { found++; return scan(into...) })
	if err != nil || found != 1 {
		t.Fatalf("%d rows, %v\n%s", found, err, statement)
	}
}

// parts are the texts between the ends of an element, without what is marked up in them.
func parts(page, begin, end string) (texts []string) {
	for _, m := range regexp.MustCompile("(?s)"+begin+"(.*?)"+end).FindAllStringSubmatch(page, -1) {
		text := html.UnescapeString(regexp.MustCompile("<[^>]*>").ReplaceAllString(m[1], " "))
		texts = append(texts, strings.Join(strings.Fields(text), " "))
	}
	return texts
}

// number is the first in a text, as the language writes it; k€ are thousands, M€ millions.
func number(t *testing.T, l words.Language, text string) float64 {
	t.Helper()
	m := regexp.MustCompile(`-?\d[\d.,\s\x{a0}\x{202f}]*`).FindString(text)
	plain := strings.NewReplacer(" ", "", "\u00a0", "", "\u202f", "", ",", "")
	if l == words.French {
		plain = strings.NewReplacer(" ", "", "\u00a0", "", "\u202f", "", ",", ".")
	}
	v, err := strconv.ParseFloat(plain.Replace(m), 64)
	if err != nil {
		t.Fatalf("no number in %q: %v", text, err)
	}
	switch {
	case strings.Contains(text, "k€"), strings.HasSuffix(text, "k"):
		v *= 1e3
	case strings.Contains(text, "M€"), strings.HasSuffix(text, "M"):
		v *= 1e6
	}
	return v
}

// TestBriefOfATable: of a company that went through the whole pipeline, each figure on the page is that of the view, in both languages.
func TestBriefOfATable(t *testing.T) {
	query := tables(t)
	for _, l := range words.Languages() {
		b, err := brief.Read(t.Context(), query, filled.Month, l)
		if err != nil {
			t.Fatal(err)
		}
		made, err := b.HTML(false)
		if err != nil {
			t.Fatal(err)
		}
		page := string(made)
		checkFigures(t, query, l, page)
		checkRanking(t, query, l, page)
		checkWords(t, query, l, page)
		for _, wrong := range []string{"NaN", "+Inf", "-Inf", "%!"} {
			if strings.Contains(page, wrong) {
				t.Errorf("%s: the page holds %q", l, wrong)
			}
		}
	}
}

// checkFigures: five tiles, each with value and n of the last complete month of its figure.
func checkFigures(t *testing.T, query brief.Query, l words.Language, page string) {
	t.Helper()
	texts, err := words.In(l)
	if err != nil {
		t.Fatal(err)
	}
	names, values, all := parts(page, "<h3>", "</h3>"), parts(page, "<h3>.*?</h3><b>", "</b>"), parts(page, `<div class="tile[^"]*">`, "</div>")
	if len(names) != 5 || len(values) != 5 {
		t.Fatalf("%s: %d tiles and %d values, not 5", l, len(names), len(values))
	}
	for i, figure := range []string{"journeys_without_serious_breakpoint", "first_contact_resolution", "satisfaction", "complaints_in_time", "avoidable_cost"} {
		var value, amount float64
		var n uint64
		one(t, query, "SELECT argMax(assumeNotNull(value), month), argMax(numerator, month), argMax(n, month) FROM {db}.figures_v WHERE figure = '"+figure+
			"' AND complete AND n > 0 AND month <= toDate32('"+filled.Month.Format(time.DateOnly)+"') GROUP BY figure", &value, &amount, &n)
		want, off := 100*value, 0.0501
		if beside := scaled.FindString(all[i]); figure == "avoidable_cost" && (beside == "" || math.Abs(number(t, l, beside)-amount) > rounded(amount)) {
			t.Errorf("%s: %s shows %q beside the share, and is %v in figures_v", l, names[i], all[i], amount)
		}
		if got := number(t, l, values[i]); names[i] != texts.Name("figure", figure) || math.Abs(got-want) > off {
			t.Errorf("%s: %s is %s on the page, and %v in figures_v for %s", l, names[i], values[i], want, figure)
		}
		if grouped := regexp.MustCompile(`(\d)[\s,](\d{3})`).ReplaceAllString(all[i], "$1$2"); !regexp.MustCompile(`\b` + strconv.FormatUint(n, 10) + `\b`).MatchString(grouped) {
			t.Errorf("%s: the n of %s is not %d on the page: %s", l, figure, n, all[i])
		}
	}
}

// checkRanking: the three dearest of the month, with what they cost.
func checkRanking(t *testing.T, query brief.Query, l words.Language, page string) {
	t.Helper()
	texts, err := words.In(l)
	if err != nil {
		t.Fatal(err)
	}
	costs := parts(page, `<td class="cost">`, "<small>")
	place := 0
	err = query(t.Context(), "SELECT toString(kind), toString(reason_family), toString(silo), cost FROM {db}.comex_breakpoints_v WHERE month = toDate32('"+filled.Month.Format(time.DateOnly)+
		"') ORDER BY cost DESC LIMIT 3", func(scan func(...any) error) error {
		var kind, family, silo string
		var cost float64
		if err := scan(&kind, &family, &silo, &cost); err != nil {
			return err
		}
		place++
		row := parts(page, `<td class="place">`+strconv.Itoa(place)+"</td>", "</tr>")
		if len(row) != 1 || !strings.Contains(row[0], texts.Name("kind", kind)) || !strings.Contains(row[0], texts.Name("silo", silo)) || family != "" && !strings.Contains(row[0], texts.Name("family", family)) {
			t.Errorf("%s: place %d reads %q, and is %s, %s, %s in comex_breakpoints_v", l, place, row, kind, family, silo)
		}
		if place > len(costs) || math.Abs(number(t, l, costs[place-1])-cost) > rounded(cost) {
			t.Errorf("%s: place %d costs %q on the page, and %v in comex_breakpoints_v", l, place, costs, cost)
		}
		return nil
	})
	if err != nil || place != 3 || len(costs) != 3 {
		t.Errorf("%s: %d rows in comex_breakpoints_v, %d on the page, %v", l, place, len(costs), err)
	}
}

// checkWords: the sentence is that of the screen, actions of the month are named, what is at risk is the sum of the segments, and each chart is drawn.
func checkWords(t *testing.T, query brief.Query, l words.Language, page string) {
	t.Helper()
	var headline string
	one(t, query, "SELECT "+string(l)+" FROM {db}.comex_headline_v WHERE month = toDate32('"+filled.Month.Format(time.DateOnly)+"')", &headline)
	if said := parts(page, "<h1>", "</h1>"); len(said) != 1 || headline == "" || said[0] != strings.Join(strings.Fields(headline), " ") {
		t.Errorf("%s: the page is headed %q, and the view says %q", l, said, headline)
	}
	for _, action := range []string{"callback within the hour", "line test rewritten"} {
		var verdict string
		one(t, query, "SELECT verdict_"+string(l)+" FROM {db}.comex_actions_v WHERE action = '"+action+"'", &verdict)
		if at := strings.Index(page, action); at < 0 || verdict == "" || !strings.Contains(html.UnescapeString(page[at:min(len(page), at+200)]), verdict) {
			t.Errorf("%s: the action %q is not on the page with %q", l, action, verdict)
		}
	}
	var atRisk float64
	var customers uint64
	one(t, query, "SELECT sum(value_at_risk), sum(customers) FROM {db}.value_at_risk_by_tenure_v", &atRisk, &customers)
	said := parts(page, "<figcaption>", "</figcaption>")
	if len(said) != 6 || strings.Count(page, "<svg") != 6 {
		t.Fatalf("%s: %d captions and %d charts, not 6: %q", l, len(said), strings.Count(page, "<svg"), said)
	}
	if got := number(t, l, scaled.FindString(said[5])); math.Abs(got-atRisk) > rounded(atRisk) || !strings.Contains(strings.Join(strings.Fields(said[5]), " "), strconv.FormatUint(customers, 10)) {
		t.Errorf("%s: %q, and the views have %v of %d customers", l, said[5], atRisk, customers)
	}
}

// rounded is how far an amount on the page may be from what it is: from ten thousand on it is in thousands.
func rounded(amount float64) float64 {
	if amount >= 9_950 {
		return 501
	}
	return 0.501
}

// scaled is an amount with its unit.
var scaled = regexp.MustCompile(`€[\d.,]+[kM]?|[\d\s,]+\s[kM]?€`)

// TestBriefOfAnotherMonth: a month that has no complete figure is said to be so.
func TestBriefOfAnotherMonth(t *testing.T) {
	_, err := brief.Read(t.Context(), tables(t), filled.Month.AddDate(0, 2, 0), words.English)
	if !errors.Is(err, brief.ErrMonth) || !strings.Contains(err.Error(), filled.Month.Format("2006-01")) {
		t.Errorf("the brief of a month that is not over: %v", err)
	}
}
