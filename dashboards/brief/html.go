package brief

import (
	"bytes"
	_ "embed" // the pages
	"fmt"
	"html/template"
	"math"
	"slices"
	"strings"

	"parcours/dashboards/words"
)

//go:embed brief.html
var pages string

var layout = template.Must(template.New("brief").Parse(pages))

// HTML writes the two pages. Live adds, on the screen only, a bar to choose month and language, and the address of the status page.
func (b *Brief) HTML(live bool) ([]byte, error) {
	s, err := newSayer(b.Language, b.Currency)
	if err != nil {
		return nil, err
	}
	v, err := s.view(b)
	if err != nil {
		return nil, err
	}
	v.Live = live
	var out bytes.Buffer
	if err := layout.Execute(&out, v); err != nil {
		return nil, err
	}
	if len(s.missing) > 0 {
		return nil, fmt.Errorf("brief in %s: no text for %s", b.Language, strings.Join(s.missing, ", "))
	}
	return out.Bytes(), nil
}

// view is what the pages show, in words.
type view struct {
	Live         bool
	Language     string
	Languages    []choice
	Months       []choice
	T            map[string]string
	Title, Month string
	Headline     string
	Tiles        []tile
	Top          []rankRow
	More         string
	Alerts       string
	Actions      string
	Messages     []messageChart
	Changes      []string
	Suggestions  []string
	Foot         string
	FootNext     string // of the second page
}

type choice struct {
	Value, Text string
	Chosen      bool
}

type tile struct {
	Name, Value, Beside, Target, Before, N, Month string
	Missed, Rises, Bad, Absent                    bool
}

type rankRow struct {
	Place                       int
	Name, Cost, Of, Owner, Note string
	Since                       string
	Width                       int // of its bar, in hundredths of the dearest
}

type messageChart struct {
	Says  string
	Chart template.HTML
	Note  string
}

func (s *sayer) view(b *Brief) (*view, error) {
	v := &view{
		Language: string(b.Language), Title: s.say("brief.title"), Month: s.capital(s.month(b.Month)), Headline: b.Headline,
		T: map[string]string{},
	}
	for _, key := range []string{"figures", "what", "cost", "owner", "since", "alerts", "actions", "changed", "look", "choose", "status", "print"} {
		v.T[key] = s.say("brief." + key)
	}
	v.T["breakpoints"] = s.say(fmt.Sprintf("brief.breakpoints.%d", min(told, len(b.Ranking))))
	for _, l := range words.Languages() {
		v.Languages = append(v.Languages, choice{string(l), strings.ToUpper(string(l)), l == b.Language})
	}
	for _, m := range b.Months {
		v.Months = append(v.Months, choice{m.Format("2006-01"), s.month(m), m.Equal(b.Month)})
	}
	v.Tiles = s.tiles(b)
	v.Top, v.More = s.ranking(b), s.listed(b)
	v.Alerts, v.Actions = s.alerts(b), s.actions(b)
	v.Changes, v.Suggestions = s.changes(b), s.suggestions(b)
	v.Foot, v.FootNext = s.foot(b), s.footNext(b)
	var err error
	v.Messages, err = s.messages(b)
	return v, err
}

// tiles are the five figures; one that is not known says why.
func (s *sayer) tiles(b *Brief) (list []tile) {
	for _, name := range figures {
		if i := slices.IndexFunc(b.Figures, func(f Figure) bool { return f.Name == name }); i >= 0 {
			list = append(list, s.tile(b, &b.Figures[i]))
		} else if i := slices.IndexFunc(b.Absent, func(a Absent) bool { return a.Name == name }); i >= 0 {
			list = append(list, s.absent(&b.Absent[i]))
		}
	}
	return list
}

// absent is a figure that is not known.
func (s *sayer) absent(a *Absent) tile {
	t := tile{Name: s.texts.Name("figure", a.Name), Value: s.say("brief.absent." + a.State + ".value"), Target: s.say("brief.no_target"), Absent: true}
	if !math.IsNaN(a.Target) {
		t.Target = s.sayf(aim(a.LowerIsBetter)+"_of", s.share(a.Target))
	}
	if t.N = s.say("brief.absent." + a.State + ".why"); a.State == "too early" && a.Name == "complaints_in_time" {
		t.N = s.say("brief.absent.complaints")
	}
	return t
}

// aim is what texts call a target: of what is to stay low it is a limit.
func aim(lowerIsBetter bool) string {
	if lowerIsBetter {
		return "brief.limit"
	}
	return "brief.target"
}

// tile is one figure.
func (s *sayer) tile(b *Brief, f *Figure) tile {
	t := tile{Name: s.texts.Name("figure", f.Name), Value: s.share(f.Value), N: s.n(f)}
	if f.Name == "avoidable_cost" {
		t.Beside = s.sayf("brief.of_cost", s.money(f.Amount))
		if b.Illustrative {
			t.Beside += ", " + s.say("house.illustrative")
		}
	}
	switch {
	case math.IsNaN(f.Target):
		t.Target = s.say("brief.no_target")
	case !f.Known():
		t.Target = s.sayf(aim(f.LowerIsBetter)+"_of", s.share(f.Target))
	case f.Missed():
		t.Missed, t.Target = true, s.sayf(aim(f.LowerIsBetter)+"_missed", s.share(f.Target))
	default:
		t.Target = s.sayf(aim(f.LowerIsBetter)+"_met", s.share(f.Target))
	}
	t.Before, t.Rises, t.Bad = s.before(f)
	if !f.Month.Equal(b.Month) {
		t.Month = s.sayf("brief.of_month", s.month(f.Month))
	}
	return t
}

// n is what a figure is out of, and how sure it is.
func (s *sayer) n(f *Figure) string {
	text := s.counted("brief.n."+f.Name, f.N)
	if !math.IsNaN(f.Low) {
		text += s.sayf("brief.interval", s.share(f.Low), s.share(f.High))
	}
	if f.Name == "satisfaction" && !math.IsNaN(f.ResponseRate) {
		text += s.sayf("brief.response", s.share(f.ResponseRate))
	}
	return text
}

// before compares; an arrow only beyond noise.
func (s *sayer) before(f *Figure) (text string, rises, isBad bool) {
	c := f.Before
	ago := s.ago(c.Months)
	switch {
	case c.Months == 0:
		return s.say("brief.not_compared"), false, false
	case c.Withheld != "" || math.IsNaN(c.Difference):
		return s.sayf("brief.withheld", ago), false, false
	case !c.ExceedsNoise:
		return s.sayf("brief.noise", ago), false, false
	}
	arrow := "▲ "
	if c.Difference < 0 {
		arrow = "▼ "
	}
	return arrow + s.sayf("brief.difference", s.points(c.Difference), ago), true, (c.Difference > 0) == f.LowerIsBetter
}

func (s *sayer) ago(months uint16) string {
	switch months {
	case 12:
		return s.say("brief.year_ago")
	case 1:
		return s.say("brief.month_ago")
	}
	return s.sayf("brief.months_ago", months)
}

// told is how many breakpoints stand on the first page.
const told = 3

func (s *sayer) ranking(b *Brief) (list []rankRow) {
	for i, r := range b.Ranking[:min(told, len(b.Ranking))] {
		row := rankRow{
			Place: i + 1, Name: s.where(r.Kind, r.Family), Cost: s.money(r.Cost), Of: s.sayf("brief.part", s.share(r.Cost/b.Cost)),
			Owner: s.texts.Name("silo", r.Silo), Since: s.since(&r), Width: int(math.Round(100 * r.Cost / b.Ranking[0].Cost)),
		}
		times, customers := s.counted("brief.times", r.Breakpoints), s.counted("brief.customers", r.Customers)
		row.Note = s.sayf("brief.note", times, customers)
		if r.associated() {
			row.Note = s.sayf("brief.note_loss", times, customers, s.decimal(r.RiskRatio))
		}
		list = append(list, row)
	}
	return list
}

// since says from when on its rate has been at its present level, and which way it went then.
func (s *sayer) since(r *Breakpoint) string {
	switch r.SinceBy {
	case "":
		return s.say("brief.since_by.unknown")
	case "start":
		return s.say("brief.since_by.start")
	case "alert":
		return s.sayf("brief.since_by.alert", s.day(r.Since))
	}
	return s.sayf("brief.since_by."+r.SinceBy, s.month(r.Since))
}

// listed are those that a ranking by cost would hide.
func (s *sayer) listed(b *Brief) string {
	severe, captive := s.counted("brief.severe", b.Listed.Severe), s.counted("brief.captive", b.Listed.Captive)
	switch {
	case b.Listed.Severe > 0 && b.Listed.Captive > 0:
		return s.sayf("brief.listed_both", severe, captive)
	case b.Listed.Severe > 0:
		return s.sayf("brief.listed", severe)
	case b.Listed.Captive > 0:
		return s.sayf("brief.listed", captive)
	}
	return ""
}

// alerts are the last raised; that there is none says something only where somebody looked.
func (s *sayer) alerts(b *Brief) string {
	switch {
	case len(b.Alerts) > 0:
	case !b.Watch.Closed:
		return s.say("brief.not_watched")
	case b.Watch.Series == 0:
		return s.say("brief.none_watched")
	default:
		return s.counted("brief.no_alert", b.Watch.Series)
	}
	var list []string
	for i := range b.Alerts[:min(3, len(b.Alerts))] {
		a := &b.Alerts[i]
		list = append(list, s.sayf("brief.alert", s.series(a), s.decimal(a.Factor), s.day(a.Since)))
	}
	if n := len(b.Alerts) - len(list); n > 0 {
		list = append(list, s.sayf("brief.more_alerts", n))
	}
	return s.joined(list)
}

func (s *sayer) actions(b *Brief) string {
	if len(b.Actions) == 0 {
		return s.say("brief.no_action")
	}
	var list []string
	for _, a := range b.Actions[:min(3, len(b.Actions))] {
		list = append(list, a.What+" ("+s.month(a.At)+", "+a.Verdict+")")
	}
	return s.joined(list)
}

// messages are one chart each, under the sentence that it proves.
func (s *sayer) messages(b *Brief) (list []messageChart, err error) {
	for i := range b.Figures {
		f := &b.Figures[i]
		if f.Name == "complaints_in_time" || f.drawn() < 2 {
			continue
		}
		drawn, err := s.trend(f)
		if err != nil {
			return nil, err
		}
		list = append(list, messageChart{s.message(b, f), drawn, s.say("brief.band")})
	}
	costs, err := s.costs(b)
	if err != nil {
		return nil, err
	}
	risk, err := s.risk(b)
	return append(append(list, costs...), risk...), err
}

// message says in words what the trend of a figure shows, and of which month it is where that is another than the page's.
func (s *sayer) message(b *Brief, f *Figure) string {
	if !f.Known() {
		return s.sayf("brief.is_not", s.texts.Name("figure", f.Name), s.month(f.Month))
	}
	name := s.texts.Name("figure", f.Name)
	if !f.Month.Equal(b.Month) {
		name += ", " + s.month(f.Month)
	}
	text := s.sayf("brief.is", name, s.share(f.Value))
	if !math.IsNaN(f.Target) {
		side := "_above"
		if f.Value < f.Target {
			side = "_below"
		}
		text += s.sayf(aim(f.LowerIsBetter)+side, s.share(f.Target))
	}
	return text
}

func (s *sayer) costs(b *Brief) ([]messageChart, error) {
	if len(b.Ranking) == 0 {
		return nil, nil
	}
	list := make([]bar, 0, len(b.Ranking))
	top := 0.0
	for i, r := range b.Ranking {
		if i < told {
			top += r.Cost
		}
		list = append(list, bar{s.where(r.Kind, r.Family), r.Cost, s.money(r.Cost), i < told})
	}
	drawn, err := bars(list)
	note := ""
	if b.Illustrative {
		note = s.capital(s.say("house.illustrative"))
	}
	return []messageChart{{s.sayf(fmt.Sprintf("brief.costs.%d", min(told, len(b.Ranking))), s.share(top/b.Cost)), drawn, note}}, err
}

func (s *sayer) risk(b *Brief) ([]messageChart, error) {
	var list []bar
	for _, r := range b.Risk {
		if r.Amount > 0 {
			list = append(list, bar{s.texts.Name("segment", r.Name), r.Amount, s.money(r.Amount), false})
		}
	}
	if len(list) == 0 {
		return nil, nil
	}
	drawn, err := bars(list[:min(6, len(list))])
	note := s.say("brief.risk_now")
	if b.RiskOf.Prior {
		note += " " + s.say("brief.risk_prior")
	}
	return []messageChart{{s.sayf("brief.risk", s.money(b.RiskOf.ValueAtRisk), s.counted("brief.under_contract", b.RiskOf.Customers)), drawn, note}}, err
}

func (s *sayer) changes(b *Brief) (list []string) {
	for _, c := range b.Changes {
		key := "brief.rose"
		if c.Rate < c.Before {
			key = "brief.fell"
		}
		list = append(list, s.sayf(key, s.texts.Name("kind", c.Kind), s.share(c.Before), s.share(c.Rate), s.counted("brief.opportunities", c.N)))
	}
	switch {
	case len(list) > 0:
	case b.Compared == 0 && b.Alone == b.Withheld && b.first():
		return []string{s.sayf("brief.nothing_before", s.month(b.Month))}
	case b.Compared > 0:
		list = append(list, s.counted("brief.nothing_changed", b.Compared))
	default:
		list = append(list, s.say("brief.nothing_compared"))
	}
	if b.Withheld > 0 {
		list = append(list, s.counted("brief.not_compared_kinds", b.Withheld))
	}
	return list
}

// suggestions say where to look, out of what stands on the pages; never what to decide.
func (s *sayer) suggestions(b *Brief) (list []string) {
	if len(b.Ranking) > 0 {
		r := b.Ranking[0]
		list = append(list, s.sayf("brief.look_first", s.where(r.Kind, r.Family), s.texts.Name("silo", r.Silo), s.counted("brief.broken", r.Breakpoints)))
	}
	for i := range b.Figures {
		if f := &b.Figures[i]; f.Name == "complaints_in_time" && !math.IsNaN(f.Target) && f.Missed() {
			list = append(list, s.sayf("brief.look_complaints", s.month(f.Month), s.share(1-f.Value), s.count(f.N)))
		}
	}
	if b.RiskOf.Signalled > 0 {
		list = append(list, s.counted("brief.look_signals", b.RiskOf.Signalled))
	}
	if b.RiskOf.ToCall > 0 {
		list = append(list, s.say("brief.look_call"))
	}
	for _, u := range b.Unseen {
		if share := float64(u.Unseen) / float64(u.Total); u.Total >= 30 && share >= 0.5 {
			list = append(list, s.sayf("brief.look_unseen."+u.Signal, s.share(share), s.count(u.Total)))
		}
	}
	return list
}

// foot says how to read the first page.
func (s *sayer) foot(b *Brief) string {
	list := []string{s.sayf("brief.foot", s.day(b.Settled), b.Rules)}
	if slices.ContainsFunc(b.Figures, func(f Figure) bool { return f.Name == "satisfaction" }) {
		list = append(list, s.say("brief.foot_satisfaction"))
	}
	if b.Illustrative {
		list = append(list, s.say("brief.foot_illustrative"))
	}
	if slices.ContainsFunc(b.Ranking[:min(told, len(b.Ranking))], func(r Breakpoint) bool { return r.associated() }) {
		list = append(list, s.say("brief.foot_loss"))
	}
	return strings.Join(list, " ")
}

// footNext says it of the second.
func (s *sayer) footNext(b *Brief) string {
	text := s.sayf("brief.foot_next", s.day(b.Settled), b.Rules)
	if b.Illustrative {
		text += " " + s.say("brief.foot_illustrative")
	}
	return text
}
