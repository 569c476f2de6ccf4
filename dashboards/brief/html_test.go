package brief_test

import (
	"html"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"parcours/dashboards/brief"
	"parcours/dashboards/words"
)

func month(year, m int) time.Time { return time.Date(year, time.Month(m), 1, 0, 0, 0, 0, time.UTC) }

// sample is a brief with everything in it: the longest sentence and names that tables have led to, and as many alerts and actions as are told.
func sample(l words.Language) *brief.Brief {
	b := &brief.Brief{
		Language: l, Month: month(2026, 9), Months: []time.Time{month(2026, 9), month(2026, 8)}, Headline: "En septembre 2026, 70 % des parcours se sont terminés sans rupture grave (cible 90 %), moins bien qu'un an plus tôt ; trois points de rupture portent 20 % du coût évitable (montants illustratifs), à commencer par « Information redemandée » (motif : Renseignement ; responsable : Risques et conformité).",
		Cost: 214_000, Currency: "EUR", Illustrative: true, Rules: "0a1b2c3d4e5f", Settled: time.Date(2026, 10, 28, 21, 0, 0, 0, time.UTC),
		Ranking: []brief.Breakpoint{
			{Kind: "repeat_contact", Family: "billing", Silo: "customer_service", Cost: 48_200, Breakpoints: 3_120, Customers: 2_540, Severity: 3, Since: time.Date(2026, 9, 21, 0, 0, 0, 0, time.UTC), SinceBy: "alert", Says: "estimated", RiskRatio: 1.82},
			{Kind: "core_failure", Family: "delivery", Silo: "logistics", Cost: 31_000, Breakpoints: 1_020, Customers: 998, Captive: 3, Severity: 4, Since: month(2026, 9), SinceBy: "rules", Says: "estimated", RiskRatio: 1.21},
			{Kind: "broken_promise", Family: "technical", Silo: "risk_compliance", Cost: 22_500, Breakpoints: 640, Customers: 602, Severity: 4, Since: month(2024, 11), SinceBy: "fall", Says: "estimated", RiskRatio: 1.13},
			{Kind: "repeated_information", Family: "installation", Silo: "it", Cost: 9_000, Breakpoints: 312, Customers: 300, Severity: 2},
			{Kind: "silo_handoff", Silo: "sales", Cost: 4_200, Breakpoints: 101, Customers: 99, Severity: 3},
		},
		Listed: brief.Listed{Severe: 12, Captive: 2}, Compared: 14, Withheld: 3, Watch: brief.Watch{Closed: true, Series: 37},
		Changes: []brief.Change{{Kind: "repeat_contact", Rate: 0.24, Before: 0.18, N: 12_000}, {Kind: "queue_abandonment", Rate: 0.05, Before: 0.08, N: 9_100}},
		Alerts: []brief.Alert{{Kind: "repeat_contact", Family: "billing", Since: time.Date(2026, 6, 9, 0, 0, 0, 0, time.UTC), Factor: 1.46}, {Kind: "repeated_information", Family: "installation", Since: time.Date(2026, 9, 9, 0, 0, 0, 0, time.UTC), Factor: 2.1},
			{Kind: "queue_abandonment", Family: "subscription", Since: time.Date(2026, 9, 21, 0, 0, 0, 0, time.UTC), Factor: 1.9}, {Kind: "tension"}},
		Actions: []brief.Action{{At: month(2026, 7), What: "Rappel systématique après coupure", Verdict: "pas d'écart net"}, {At: month(2026, 8), What: "Formulaire de contact raccourci", Verdict: "pas encore mesuré"}},
		Risk:    []brief.Share{{Name: "household", Amount: 1_200_000}, {Name: "student", Amount: 310_000}},
		RiskOf:  brief.Risk{ValueAtRisk: 1_510_000, Customers: 15_212, ToCall: 1_950, Signalled: 240, Prior: true},
		Unseen:  []brief.Unseen{{Signal: "detractor", Total: 400, Unseen: 230}},
	}
	for i, name := range []string{"journeys_without_serious_breakpoint", "first_contact_resolution", "satisfaction", "complaints_in_time", "avoidable_cost"} {
		f := brief.Figure{
			Name: name, Month: b.Month, N: 12_345, Amount: 214_000, Target: 0.75, ResponseRate: math.NaN(), LowerIsBetter: name == "avoidable_cost",
			Before: brief.Comparison{Months: 12, Difference: -0.021, ExceedsNoise: i != 1},
		}
		for m := range 13 {
			v := 0.7 + 0.01*float64(i) + 0.02*math.Sin(float64(m))
			f.History = append(f.History, brief.Point{Month: month(2025, 9).AddDate(0, m, 0), Value: v, Low: v - 0.015, High: v + 0.015})
		}
		last := f.History[12]
		f.Value, f.Low, f.High = last.Value, last.Low, last.High
		b.Figures = append(b.Figures, f)
	}
	b.Figures[2].ResponseRate, b.Figures[3].Month = 0.21, month(2026, 8)
	return b
}

// TestPagesSayEverything: both languages, no text missing, each chart drawn, no number that is none.
func TestPagesSayEverything(t *testing.T) {
	for _, l := range words.Languages() {
		page, err := sample(l).HTML(true)
		if err != nil {
			t.Fatal(err)
		}
		if dir := os.Getenv("PARCOURS_PAGES"); dir != "" { // to look at them
			if err := os.WriteFile(filepath.Join(dir, "brief-"+string(l)+".html"), page, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		text := string(page)
		if n := strings.Count(text, "<svg"); n != 6 {
			t.Errorf("%s: %d charts, not 6", l, n)
		}
		for _, wrong := range []string{"NaN", ">+Inf", ">-Inf", "%!", "http://", "https://", "<script"} {
			if strings.Contains(strings.ReplaceAll(text, "http://www.w3.org/", ""), wrong) {
				t.Errorf("%s: the page holds %q", l, wrong)
			}
		}
	}
}

// pageOf is the page of a brief, as it is read.
func pageOf(t *testing.T, b *brief.Brief) string {
	t.Helper()
	page, err := b.HTML(false)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(html.UnescapeString(string(page)), "\u00a0", " ")
	if strings.Contains(text, "NaN") || strings.Contains(text, "%!") {
		t.Errorf("a number that is none stands on the page")
	}
	return text
}

func holds(t *testing.T, page string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(page, text) {
			t.Errorf("the page does not say %q", text)
		}
	}
}

// TestChartsOfFew: a month without a value, one of a single journey, and months that are missing keep no chart from being drawn; a figure
// that has no value neither meets its target nor misses it.
func TestChartsOfFew(t *testing.T) {
	for _, l := range words.Languages() {
		b, none := sample(l), math.NaN()
		b.Figures[0].History[0].Low, b.Figures[0].History[0].High = none, none
		b.Figures[1].History[3] = brief.Point{Month: b.Figures[1].History[3].Month, Value: none, Low: none, High: none}
		b.Figures[2].History = slices.Delete(b.Figures[2].History, 4, 7)
		cost := &b.Figures[4]
		cost.Value, cost.Low, cost.High = none, none, none
		cost.History[12] = brief.Point{Month: b.Month, Value: none, Low: none, High: none}
		page := pageOf(t, b)
		if n := strings.Count(page, "<svg"); n != 6 {
			t.Errorf("%s: %d charts, not 6", l, n)
		}
		if n := strings.Count(page, `class="tile missed"`); n != 4 {
			t.Errorf("%s: %d figures miss their target, not 4", l, n)
		}
		holds(t, page, map[words.Language]string{words.French: "Coût évitable : aucune valeur en septembre 2026", words.English: "Avoidable cost: no value in September 2026"}[l])
		for i := range cost.History {
			cost.History[i].Value = none
		}
		if n := strings.Count(pageOf(t, b), "<svg"); n != 5 {
			t.Errorf("%s: %d charts without any value of one figure, not 5", l, n)
		}
	}
}

// TestNoAlertAndNoChange: that there is none says what was looked at.
func TestNoAlertAndNoChange(t *testing.T) {
	b := sample(words.French)
	b.Alerts, b.Changes = nil, nil
	holds(t, pageOf(t, b), "aucune des 37 séries", "Aucun des 14 taux comparés", "3 types de rupture ne se comparent pas")
	b.Watch.Series, b.Compared, b.Withheld = 1, 1, 1
	holds(t, pageOf(t, b), "la seule série", "Le seul taux comparé au mois précédent (1)", "1 type de rupture ne se compare pas")
	b.Watch.Series, b.Compared, b.Withheld = 0, 0, 0
	page := pageOf(t, b)
	holds(t, page, "Aucune série n'avait assez de volume", "Aucun taux n'a pu être comparé")
	if strings.Contains(page, "ne se compare") {
		t.Error("no kind is withheld")
	}
	b.Watch.Closed = false
	holds(t, pageOf(t, b), "n'a pas encore été examinée")
}

// TestOneAndMany: numbers ask for the form of their words, and a ranking of two is not one of three.
func TestOneAndMany(t *testing.T) {
	b := sample(words.French)
	b.Ranking = b.Ranking[:1]
	b.Ranking[0].Breakpoints, b.Ranking[0].Customers, b.Ranking[0].RiskRatio = 1, 0, 0.82
	b.Listed = brief.Listed{Severe: 1}
	b.Changes = []brief.Change{{Kind: "long_wait", Rate: 1, N: 1}}
	b.Figures[0].Before.Difference, b.RiskOf.Signalled, b.RiskOf.Customers, b.Figures[0].N = 0.0194, 1, 1, 1
	b.Settled = month(2026, 10)
	holds(t, pageOf(t, b), "1 fois, 0 client ; associé à un risque de départ multiplié par 0,8<", "1 rupture de gravité 5 (délai légal, médiateur, autorité ou justice).", "Un point de rupture fait ", "(1 occasion)",
		"(1 rupture ce mois-ci)", "+1,9 point par", "À ce jour, 1 client montre un signal de départ.", "pour 1 client sous contrat", "1 parcours terminé,", "jusqu'au 1er octobre 2026", "Le point de rupture qui a un coût évitable")
	b.Ranking, b.Listed = nil, brief.Listed{Captive: 2}
	b.Figures[0].Before.Difference = 0.02
	page := pageOf(t, b)
	holds(t, page, "Aucun point de rupture n'a de coût évitable", "leur coût : 2 clients sans alternative touchés.", "+2,0 points par")
	if strings.Contains(page, "<table") {
		t.Error("a table without a row")
	}
	b = sample(words.English)
	b.Ranking[0].Customers, b.Ranking[1].Breakpoints, b.Figures[0].Before.Difference = 1, 1, 0.01
	holds(t, pageOf(t, b), "3,120 times, 1 customer; associated with 1.8 times the risk", "1 time, 998", "+1.0 points against")
}

// inBoth are what a page of the sample says, in both languages.
type inBoth map[words.Language][]string

// says holds the pages of the sample, changed, to what they say.
func (in inBoth) says(t *testing.T, change func(*brief.Brief)) {
	t.Helper()
	for _, l := range words.Languages() {
		b := sample(l)
		change(b)
		holds(t, pageOf(t, b), in[l]...)
	}
}

// never are texts that the page of the sample, changed, does not hold.
func (in inBoth) never(t *testing.T, change func(*brief.Brief)) {
	t.Helper()
	for _, l := range words.Languages() {
		b := sample(l)
		change(b)
		page := pageOf(t, b)
		for _, text := range in[l] {
			if strings.Contains(page, text) {
				t.Errorf("the page says %q", text)
			}
		}
	}
}

// TestWhomToCall: how many show a signal is one thing, whom to call first another, which is ranked by what they have at risk.
func TestWhomToCall(t *testing.T) {
	signals := inBoth{words.French: {"À ce jour, 240 clients montrent un signal de départ.</li>"}, words.English: {"As of now, 240 customers show a signal of leaving.</li>"}}
	call := inBoth{
		words.French:  {"<li>Les clients à rappeler d'abord sont dans le tableau de bord Départs et valeur, classés par marge menacée"},
		words.English: {"<li>Whom to call first is on the dashboard Churn and value, ranked by margin at risk"},
	}
	signals.says(t, func(*brief.Brief) {})
	call.says(t, func(*brief.Brief) {})
	call.says(t, func(b *brief.Brief) { b.RiskOf.Signalled = 0 })
	call.never(t, func(b *brief.Brief) { b.RiskOf.Signalled, b.RiskOf.ToCall = 0, 0 })
}

// TestFiguresOfAnotherMonth: a figure says its month wherever it is not that of the page.
func TestFiguresOfAnotherMonth(t *testing.T) {
	inBoth{words.French: {"En août 2026, 28,2 % des réclamations étaient hors délai"}, words.English: {"In August 2026, 28.2% of complaints were not in time"}}.says(t, func(b *brief.Brief) { b.Figures[3].Value = 0.718 })
	inBoth{words.French: {"<figcaption>Satisfaction, juillet 2026 : 70"}, words.English: {"<figcaption>Satisfaction, July 2026: 70"}}.says(t, func(b *brief.Brief) { b.Figures[2].Month, b.Figures[2].Value = month(2026, 7), 0.7 })
	inBoth{words.French: {"Satisfaction, septembre"}, words.English: {"Satisfaction, September"}}.never(t, func(*brief.Brief) {})
}

// TestFiguresNotKnown: a figure that is not known has a tile that says why, and nothing says that there are five.
func TestFiguresNotKnown(t *testing.T) {
	absent := func(state string) func(*brief.Brief) {
		return func(b *brief.Brief) {
			b.Figures = slices.Delete(b.Figures, 3, 4)
			b.Absent = []brief.Absent{{Name: "complaints_in_time", State: state, Target: 0.95}}
		}
	}
	inBoth{
		words.French:  {`<div class="tile absent"><h3>Réclamations traitées dans les délais</h3><b>trop tôt</b>`, "<p>cible 95,0 %</p>", "<p>les réclamations d'un mois sont connues deux mois plus tard"},
		words.English: {`<div class="tile absent"><h3>Complaints handled in time</h3><b>too early</b>`, "target 95.0%", "<p>complaints of a month are known two months later"},
	}.says(t, absent("too early"))
	inBoth{words.French: {"<b>aucun cas</b>", "<p>aucun cas sur treize mois"}, words.English: {"<b>none</b>", "<p>none in thirteen months"}}.says(t, absent("none"))
	inBoth{words.French: {"<b>non mesuré</b>"}, words.English: {"<b>not measured</b>"}}.says(t, absent("not measured"))
	inBoth{words.French: {"Cinq chiffres"}, words.English: {"Five figures"}}.never(t, absent("too early"))
	for _, l := range words.Languages() {
		b := sample(l)
		absent("too early")(b)
		if n := strings.Count(pageOf(t, b), "<h3>"); n != 5 {
			t.Errorf("%s: %d tiles, not 5", l, n)
		}
	}
}

// TestFootIsTrue: the foot says by which month each is counted, and speaks of what is associated only where that stands on the pages.
func TestFootIsTrue(t *testing.T) {
	plain := func(*brief.Brief) {}
	inBoth{
		words.French: {"points de rupture les plus coûteux : des parcours terminés dans le mois", "Règles en vigueur à la fin du mois (version 0a1b2c3d4e5f)", "« Associé à » ne veut pas dire « cause ».",
			"Satisfaction : part des réponses aux enquêtes à chaud qui ne viennent pas d'un détracteur."},
		words.English: {"breakpoints that cost most: of journeys that ended in the month", "Rules in force at the end of the month (version 0a1b2c3d4e5f)", "“Associated with” does not mean “causes”.",
			"Satisfaction: share of the answers to transactional surveys that are no detractor's."},
	}.says(t, plain)
	inBoth{words.French: {"docs/", "date d'occasion"}, words.English: {"docs/", "by date of opportunity"}}.never(t, plain)
	inBoth{words.French: {"ssocié à"}, words.English: {"ssociated with"}}.never(t, func(b *brief.Brief) {
		b.Ranking[0].RiskRatio, b.Ranking[1].Says, b.Ranking[2].Says = math.NaN(), "too few", ""
		b.Ranking[3].Says, b.Ranking[3].RiskRatio = "estimated", 2 // not among those of the first page
	})
	inBoth{words.French: {"Satisfaction : part"}, words.English: {"Satisfaction: share"}}.never(t, func(b *brief.Brief) { b.Figures = b.Figures[:2] })
}

// TestLimits: what is to stay low has a limit, which is exceeded or kept; what is to be high a target. Both words stand on the charts too.
func TestLimits(t *testing.T) {
	inBoth{
		words.French:  {"plafond 75,0 % non"},
		words.English: {"limit of 75.0% missed"},
	}.never(t, func(*brief.Brief) {})
	inBoth{
		words.French:  {`<p class="bad">plafond 10,0 % dépassé</p>`, "Coût évitable : 74,0 %, au-dessus du plafond de 10,0 %", ">plafond 10,0 %<", "cible 75,0 % non atteinte", ">cible 75,0 %<"},
		words.English: {`<p class="bad">limit of 10.0% exceeded</p>`, "Avoidable cost: 74.0%, above the limit of 10.0%", ">limit 10.0%<", "target 75.0% missed", ">target 75.0%<"},
	}.says(t, func(b *brief.Brief) { b.Figures[4].Value, b.Figures[4].Target = 0.74, 0.1 })
	inBoth{
		words.French:  {"<p>plafond 10,0 % respecté</p>", ", sous le plafond de 10,0 %", "<p>cible 60,0 % atteinte</p>"},
		words.English: {"<p>limit of 10.0% kept</p>", ", below the limit of 10.0%", "<p>target 60.0% met</p>"},
	}.says(t, func(b *brief.Brief) { b.Figures[4].Value, b.Figures[4].Target, b.Figures[0].Target = 0.04, 0.1, 0.6 })
	inBoth{words.French: {"bjectif"}}.never(t, func(*brief.Brief) {})
}

// TestIntervalsAreNamed: the page says what its intervals are, and what of the surveys was answered.
func TestIntervalsAreNamed(t *testing.T) {
	inBoth{
		words.French:  {"son intervalle de confiance à 95 %</h2>", ", taux de réponse 21,0 %</p>"},
		words.English: {"its 95% confidence interval</h2>", ", response rate 21.0%</p>"},
	}.says(t, func(*brief.Brief) {})
}

// TestSince: the page says which way a rate went when it came to its level.
func TestSince(t *testing.T) {
	for by, said := range map[string]inBoth{
		"alert": {words.French: {"<td class=\"since\">niveau plus haut depuis le 1er juin 2026 (alerte)</td>"}, words.English: {"<td class=\"since\">higher since 1 June 2026 (alert)</td>"}},
		"rise":  {words.French: {"<td class=\"since\">niveau plus haut depuis juin 2026</td>"}, words.English: {"<td class=\"since\">higher since June 2026</td>"}},
		"fall":  {words.French: {"<td class=\"since\">niveau plus bas depuis juin 2026</td>"}, words.English: {"<td class=\"since\">lower since June 2026</td>"}},
		"rules": {words.French: {"<td class=\"since\">depuis juin 2026 (règles modifiées)</td>"}, words.English: {"<td class=\"since\">since June 2026 (rules changed)</td>"}},
		"start": {words.French: {"<td class=\"since\">le début des données</td>"}, words.English: {"<td class=\"since\">the start of the data</td>"}},
		"":      {words.French: {"<td class=\"since\">non connu</td>"}, words.English: {"<td class=\"since\">not known</td>"}},
	} {
		said.says(t, func(b *brief.Brief) { b.Ranking[0].Since, b.Ranking[0].SinceBy = month(2026, 6), by })
	}
}

// TestNoMonthBefore: where the data begin with the month, that is why nothing is compared, and nothing else is said to be.
func TestNoMonthBefore(t *testing.T) {
	begins := func(b *brief.Brief) {
		b.Months, b.Changes, b.Compared, b.Withheld, b.Alone = []time.Time{month(2026, 10), b.Month}, nil, 0, 20, 20
	}
	inBoth{words.French: {"les données n'ont pas de mois avant septembre 2026."}, words.English: {"the data have no month before September 2026."}}.says(t, begins)
	others := inBoth{words.French: {"20 types de rupture ne se comparent pas"}, words.English: {"20 kinds of breakpoint are not compared"}}
	others.never(t, begins)
	others.says(t, func(b *brief.Brief) { begins(b); b.Alone = 19 })
	others.says(t, func(b *brief.Brief) { begins(b); b.Months = []time.Time{b.Month, month(2026, 8)} })
}
