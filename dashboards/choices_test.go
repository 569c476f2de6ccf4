package dashboards

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"parcours/dashboards/internal/filled"
	"parcours/dashboards/macro"
)

// inOneForm is a variable in a query as the server decodes it: see option.
var inOneForm = regexp.MustCompile(`\$\{\w+:percentencode\}`)

// replaced is what Grafana or the data source would replace.
var replaced = regexp.MustCompile(`\$\w+|\$\{|\[\[`)

// ofPeriod are the macros that hold nothing of what a viewer chose.
var ofPeriod = []string{"$__timeFilter", "$__dateFilter", "$__fromTime", "$__toTime", "$__timeInterval", "$__interval_s"}

// conditions finds within(column, variable) in a query, and the column.
func conditions(variable string) *regexp.Regexp {
	return regexp.MustCompile(strings.Replace(regexp.QuoteMeta(within("COLUMN", variable)), "COLUMN", `(\w+)`, 1))
}

// writtenWrongly are the references in a query that are neither within, nor in a text in the one form, nor a macro of time.
func writtenWrongly(s screen, sql string) (wrong []string) {
	for _, o := range s.Templating.List {
		sql = conditions(o.Name).ReplaceAllString(sql, "1")
	}
	sql = quoted.ReplaceAllStringFunc(sql, func(text string) string {
		wrong = append(wrong, replaced.FindAllString(inOneForm.ReplaceAllString(text, ""), -1)...)
		return "''"
	})
	for _, found := range replaced.FindAllString(sql, -1) {
		if !slices.Contains(ofPeriod, found) {
			wrong = append(wrong, found)
		}
	}
	return wrong
}

// TestChoicesComeInOneForm: no query has a variable but in the form that no text can break out of; and the test would see one.
func TestChoicesComeInOneForm(t *testing.T) {
	seen := 0
	all := screens(t)
	for _, s := range all {
		s.texts(t, func(key, sql string) {
			if key != "rawSql" {
				return
			}
			if seen += strings.Count(sql, ":percentencode}"); len(writtenWrongly(s, sql)) > 0 {
				t.Errorf("%s: %v in\n%s", s, writtenWrongly(s, sql), sql)
			}
		})
	}
	if seen < 100 {
		t.Errorf("only %d variables seen", seen)
	}
	for _, sql := range []string{
		"unit IN (${unit:singlequote})", "unit = '${unit}'", "unit = '$unit'", "unit = '${unit:sqlstring}'", "days = ${days}", "days = ${days:percentencode}", "days = [[days]]",
		"$__conditionalAll(unit IN (${unit:singlequote}), $unit)", "$__conditionalAll(unit = typed, $unit)", "'${unit:percentencode}' = $unit",
	} {
		if len(writtenWrongly(all[0], sql)) == 0 {
			t.Errorf("nothing wrong is seen in %s", sql)
		}
	}
}

// TestAddressesSetNoSentence: what nobody chooses is in no address, and nothing is chosen but what is offered.
func TestAddressesSetNoSentence(t *testing.T) {
	hidden := 0
	for _, s := range screens(t) {
		for _, o := range s.Templating.List {
			if o.Hide != 0 {
				hidden++
			}
			if (o.Hide != 0) != o.SkipURLSync {
				t.Errorf("%s: %s is hidden: %v, and kept out of addresses: %v", s, o.Name, o.Hide != 0, o.SkipURLSync)
			}
			if o.Hide == 0 && o.Type != "textbox" && o.AllowCustomValue {
				t.Errorf("%s: %s takes what it does not offer", s, o.Name)
			}
		}
	}
	if hidden == 0 {
		t.Error("no variable is hidden: the test looks at nothing")
	}
}

// hostile are texts that senders may send, or that an address may bring.
var hostile = []string{
	"", "plain", "'", `\`, `a\`, `\'`, `\') OR 1=1 -- `, `') OR 1=1 -- `, `"`, "`", "a,b", "{a,b}", "}", unstated, "100 %", "%27", "%E2%88%85", "$__all", "$__timeFilter(x)", "${x}", "[[x]]",
	"a b+c&d=e#f?g/h;i", "Équipe de l'été", "漢字 ☎", "\n\t", "-._~!*()",
}

// column is the texts in the first column of an answer.
func column(t *testing.T, sql string, in macro.Context) (all []string) {
	t.Helper()
	expanded, err := macro.Expand(sql, in)
	if err != nil {
		t.Fatalf("%v\n%s", err, sql)
	}
	a, err := ask(t, filled.Empty(t), expanded)
	if err != nil {
		t.Fatalf("%v\n%s", err, expanded)
	}
	for _, row := range a.rows {
		all = append(all, fmt.Sprint(row[0]))
	}
	return all
}

// fromHostile is a table of the hostile texts: FROM it.
func fromHostile() string {
	var all []string
	for _, h := range hostile {
		all = append(all, fmt.Sprintf("unhex('%x')", h)) // as they are, past variables
	}
	return " FROM (SELECT arrayJoin([" + strings.Join(all, ", ") + "]) AS x)"
}

func choice(v macro.Variable) macro.Context {
	return macro.Context{Variables: map[string]macro.Variable{"unit": v}}
}

// TestAnyTextCanBeChosen: of what is offered, each value keeps its own rows, alone and with another; all keeps every row.
func TestAnyTextCanBeChosen(t *testing.T) {
	offered := column(t, "SELECT "+option("x")+fromHostile(), macro.Context{})
	if len(offered) != len(hostile) {
		t.Fatalf("%d options of %d texts", len(offered), len(hostile))
	}
	kept := "SELECT x" + fromHostile() + " WHERE " + within("x", "unit")
	for i, h := range hostile {
		if got := column(t, kept, choice(macro.Some(offered[i]))); !slices.Equal(got, []string{h}) {
			t.Errorf("%q, offered as %q, keeps %q", h, offered[i], got)
		}
		if got := column(t, "SELECT "+chosen("unit"), choice(macro.One(offered[i]))); !slices.Equal(got, []string{h}) {
			t.Errorf("%q, offered as %q, is read as %q", h, offered[i], got)
		}
		if j := (i + 1) % len(hostile); j > i {
			if got := column(t, kept, choice(macro.Some(offered[j], offered[i]))); !slices.Equal(got, []string{h, hostile[j]}) {
				t.Errorf("%q and %q keep %q", h, hostile[j], got)
			}
		}
	}
	if got := column(t, kept, choice(macro.All(offered...))); !slices.Equal(got, hostile) {
		t.Errorf("all keeps %q", got)
	}
}

// TestAnyAddressIsHarmless: a link may say what it likes. As text it is that text; as a choice it keeps at most the rows of what it names.
func TestAnyAddressIsHarmless(t *testing.T) {
	for _, h := range hostile {
		for _, v := range []macro.Variable{macro.One(h), macro.Some(h)} {
			if got := column(t, "SELECT "+chosen("unit"), choice(v)); len(got) != 1 {
				t.Errorf("%q is read as %q", h, got)
			}
			got := column(t, "SELECT x"+fromHostile()+" WHERE "+within("x", "unit"), choice(v))
			if names := strings.FieldsFunc(h, func(r rune) bool { return strings.ContainsRune("{},", r) }); h != "" && h != "$__all" && len(got) > len(names) {
				t.Errorf("%q keeps %q", h, got)
			}
		}
		if got := column(t, "SELECT "+typed("unit"), choice(macro.One(h))); !slices.Equal(got, []string{h}) {
			t.Errorf("%q, typed, is read as %q", h, got)
		}
	}
}

// TestLinksChooseWhatTheirRowHas: a link in HTML, followed, keeps the rows of its row.
func TestLinksChooseWhatTheirRowHas(t *testing.T) {
	links := column(t, "SELECT "+written("unit", "x")+fromHostile(), macro.Context{})
	for i, link := range links {
		q, err := url.ParseQuery(strings.ReplaceAll(link, "&amp;", "&"))
		if err != nil || len(q["var-unit"]) != 1 {
			t.Fatalf("%q makes the link %s: %v", hostile[i], link, err)
		}
		if got := column(t, "SELECT x"+fromHostile()+" WHERE "+within("x", "unit"), choice(macro.Some(q.Get("var-unit")))); !slices.Equal(got, []string{hostile[i]}) {
			t.Errorf("the link %s of %q keeps %q", link, hostile[i], got)
		}
	}
}

// decoded is the value that an option stands for.
func decoded(t testing.TB, offered string) string {
	t.Helper()
	if offered == unstated {
		return ""
	}
	value, err := url.PathUnescape(offered)
	if err != nil {
		t.Errorf("%q is no option: %v", offered, err)
	}
	return value
}

// rowsKept holds choices against the view: each condition of a query that a choice is in keeps as many rows as the view has of that value.
type rowsKept struct {
	checked map[string]bool
	told    int // conditions of what is not stated that keep some rows, and not all
}

// check counts the rows of a view that a condition keeps, and that it should by hand.
func (k *rowsKept) check(t *testing.T, v *viewer, p panel, view, column, condition, value string) {
	t.Helper()
	if key := fmt.Sprint(view, column, condition, value); k.checked[key] {
		return
	} else if k.checked == nil {
		k.checked = map[string]bool{key: true}
	} else {
		k.checked[key] = true
	}
	a := v.run(t, p.Title, fmt.Sprintf("SELECT toFloat64(countIf(%s)), toFloat64(countIf(toString(%s) = %s)), toFloat64(count()) FROM %s", condition, column, quote(value), view))
	if len(a.rows) != 1 {
		return
	}
	kept, has, all := a.rows[0][0].(float64), a.rows[0][1].(float64), a.rows[0][2].(float64)
	if kept != has {
		problem(t, v.screen, p, "%s = %q keeps %v of %v rows of %s, of which %v have it", column, value, kept, all, view, has)
	}
	if value == "" && has > 0 && has < all {
		k.told++
	}
}

// query checks every choice of a query.
func (k *rowsKept) query(t *testing.T, v *viewer, p panel, q Query) {
	t.Helper()
	for _, o := range v.screen.Templating.List {
		c := v.in.Variables[o.Name]
		if c.All || len(c.Values) != 1 {
			continue
		}
		for _, m := range conditions(o.Name).FindAllStringSubmatch(q.RawSQL, -1) {
			k.check(t, v, p, views(q.RawSQL)[0], m[1], m[0], decoded(t, c.Values[0]))
		}
		one := regexp.MustCompile(`(\w+) = ` + regexp.QuoteMeta(chosen(o.Name)))
		for _, m := range one.FindAllStringSubmatch(q.RawSQL, -1) {
			k.check(t, v, p, views(q.RawSQL)[0], m[1], m[0], decoded(t, c.Values[0]))
		}
	}
}
