package churn

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"parcours/pipeline/event"
	"parcours/pipeline/journey"
	"parcours/pipeline/rules"
)

// words of the scripts below.
var words = map[string]What{
	"started": ContractStarted, "renewal": ContractRenewal, "valued": ContractValued, "asked": ContractAsked, "ported": ContractPorted,
	"kept": ContractKept, "ended": ContractEnded, "objected": RightObjected, "consented": RightConsented, "contact": ContactMade,
	"used": ServiceUsed, "broke": Broken,
}

// script reads facts, one a line: day, word, and what else is given. They are called e1, e2 ... in their order.
func script(t *testing.T, text string) (facts []Fact) {
	t.Helper()
	for i, line := range strings.Split(strings.TrimSpace(text), "\n") {
		parts := strings.Fields(line)
		f := Fact{At: at(t, parts[0]), What: words[parts[1]], ID: "e" + strconv.Itoa(i+1), Amount: math.NaN()}
		if f.What == NoFact {
			t.Fatalf("%q is no fact", parts[1])
		}
		for _, part := range parts[2:] {
			key, v, given := strings.Cut(part, "=")
			n, err := strconv.ParseFloat(v, 64)
			switch {
			case key == "captive" || key == "out":
				f.Flag = true
			case key == "name" || key == "by" || key == "to" || key == "product":
				f.Name = v
			case key == "severity" && err == nil:
				f.Weight = uint8(n)
			case key == "margin" || key == "value" && given && err == nil:
				f.Amount = n
			default:
				t.Fatalf("%q in line %d", part, i+1)
			}
		}
		facts = append(facts, f)
	}
	return facts
}

func (s *Signal) String() string {
	day := func(t event.Instant) string {
		if int64(t)%dayMillis != 0 {
			return t.Time().Format("2006-01-02T15:04")
		}
		return t.Time().Format(time.DateOnly)
	}
	text := s.Kind + " " + day(s.RaisedAt)
	if !s.Open() {
		text += " to " + day(s.ClearedAt) + " " + s.ClearedWhy
	}
	if !math.IsNaN(s.Value) || !math.IsNaN(s.Limit) {
		text += fmt.Sprintf(" %v/%v", math.Round(s.Value*100)/100, math.Round(s.Limit*100)/100)
	}
	return text + " " + strings.Join(s.Evidence, ",")
}

// TestSignals shows each kind: when it is raised, what ends it, and when something is due next.
func TestSignals(t *testing.T) {
	uses := func(from string, gaps ...int) (text string) {
		day := at(t, from)
		text = from + " used\n"
		for _, g := range gaps {
			day += event.Instant(g) * oneDay
			text += day.Time().Format(time.DateOnly) + " used\n"
		}
		return text
	}
	regular := uses("2026-01-01", 10, 10, 10, 10, 10, 10, 10, 10) // the last on 2026-03-22
	for name, c := range map[string]struct{ facts, as, want, due string }{
		"a cancellation that was asked for": {"2026-01-01 started\n2026-02-01 asked", "2026-03-01", "cancel_requested 2026-02-01 e2", "2026-05-02"},
		"nothing came of it in 90 days":     {"2026-01-01 started\n2026-02-01 asked", "2026-05-02", "cancel_requested 2026-02-01 to 2026-05-02 lapsed e2", ""},
		"not a moment earlier":              {"2026-01-01 started\n2026-02-01 asked", "2026-05-01", "cancel_requested 2026-02-01 e2", "2026-05-02"},
		"asked again, it has more time":     {"2026-02-01 asked\n2026-03-01 asked", "2026-05-05", "cancel_requested 2026-02-01 e1", "2026-05-30"},
		"retained":                          {"2026-02-01 asked\n2026-03-01 kept", "2026-03-05", "cancel_requested 2026-02-01 to 2026-03-01 retained e1", ""},
		"a new contract":                    {"2026-02-01 asked\n2026-03-01 started", "2026-03-05", "cancel_requested 2026-02-01 to 2026-03-01 retained e1", ""},
		"lost":                              {"2026-02-01 asked\n2026-03-01 ended by=customer", "2026-03-05", "cancel_requested 2026-02-01 to 2026-03-01 lost e1", ""},
		"who has left asks for nothing":     {"2026-02-01 ended by=customer\n2026-03-01 asked", "2026-03-05", "", ""},
		"back, they may":                    {"2026-02-01 ended by=customer\n2026-02-03 started\n2026-03-01 asked", "2026-03-05", "cancel_requested 2026-03-01 e3", "2026-05-30"},
		"portability":                       {"2026-02-01 ported\n2026-02-01 asked", "2026-02-01", "cancel_requested 2026-02-01 e2\nportability_requested 2026-02-01 e1", "2026-05-02"},
		"an objection":                      {"2026-02-01 asked\n2026-02-03 objected to=profiling", "2026-03-01", "cancel_requested 2026-02-01 to 2026-02-03 objected e1", ""},
		"an objector has none":              {"2026-02-01 objected to=profiling\n2026-02-03 asked", "2026-03-01", "", ""},
		"consent to something else":         {"2026-02-01 objected to=profiling\n2026-02-02 consented to=mail\n2026-02-03 asked", "2026-03-01", "", ""},
		"consent again":                     {"2026-02-01 objected to=profiling\n2026-02-02 consented to=profiling\n2026-02-03 asked", "2026-03-01", "cancel_requested 2026-02-03 e3", "2026-05-04"},

		"a renewal is due":              {"2026-02-01 renewal", "2026-02-20", "", "2026-03-03"},
		"and nobody called":             {"2026-02-01 renewal", "2026-03-03", "renewal_without_contact 2026-03-03 30/30 e1", "2026-06-01"},
		"somebody called in time":       {"2026-02-01 renewal\n2026-03-03 contact", "2026-04-03", "", ""},
		"the company reached them":      {"2026-02-01 renewal\n2026-02-10 contact out", "2026-04-03", "", ""},
		"somebody called late":          {"2026-02-01 renewal\n2026-03-04 contact", "2026-04-03", "renewal_without_contact 2026-03-03 to 2026-03-04 returned 30/30 e1", ""},
		"a contact before it is none":   {"2026-01-31 contact\n2026-02-01 renewal", "2026-03-05", "renewal_without_contact 2026-03-03 30/30 e2", "2026-06-01"},
		"a renewal of who left":         {"2026-02-01 renewal\n2026-02-05 ended by=company", "2026-03-05", "", ""},
		"a renewal of who cannot leave": {"2026-01-01 started captive\n2026-02-01 renewal", "2026-03-05", "", ""},

		"a cut":                         {"2026-01-01 started margin=100\n2026-02-01 valued value=99", "2026-02-02", "value_cut 2026-02-01 99/100 e2", "2026-05-02"},
		"a rise":                        {"2026-01-01 started margin=100\n2026-02-01 valued value=101", "2026-02-02", "", ""},
		"the same":                      {"2026-01-01 started margin=100\n2026-02-01 valued value=100", "2026-02-02", "", ""},
		"to nothing, from nobody knows": {"2026-02-01 valued value=0", "2026-02-02", "value_cut 2026-02-01 0/NaN e1", "2026-05-02"},
		"of another product":            {"2026-01-01 started margin=100 product=a\n2026-01-02 started margin=50 product=b\n2026-02-01 valued product=a value=60", "2026-02-02", "value_cut 2026-02-01 60/100 e3", "2026-05-02"},
		"back where it was":             {"2026-01-01 started margin=100\n2026-02-01 valued value=60\n2026-02-05 valued value=80\n2026-02-09 valued value=100", "2026-02-10", "value_cut 2026-02-01 to 2026-02-09 restored 60/100 e2", ""},
		"not yet":                       {"2026-01-01 started margin=100\n2026-02-01 valued value=60\n2026-02-05 valued value=80", "2026-02-10", "value_cut 2026-02-01 60/100 e2", "2026-05-02"},
		"down by four fifths":           {"2026-01-01 started margin=100\n2026-02-01 valued value=20", "2026-03-01", "value_cut 2026-02-01 20/100 e2", "2026-05-02"},
		"for so long that it is a loss": {"2026-01-01 started margin=100\n2026-02-01 valued value=20", "2026-05-02", "value_cut 2026-02-01 to 2026-05-02 lost 20/100 e2", ""},
		"silence of who cannot leave":   {"2026-01-01 started captive\n" + regular, "2026-06-01", "", ""},
		"silence":                       {regular, "2026-04-23", "silence 2026-04-23 32/31.09 e9", ""},
		"not yet silence":               {regular, "2026-04-22", "", "2026-04-23"},
		"too few gaps":                  {uses("2026-01-01", 10, 10, 10, 10, 10, 10, 10), "2026-06-23", "", ""},
		"a day with many uses is one":   {uses("2026-01-01", 10, 10, 10, 0, 0, 0, 10, 10, 10, 10), "2026-06-23", "", ""},
		"back after a silence":          {regular + "2026-05-01 used", "2026-05-02", "silence 2026-04-23 to 2026-05-01 returned 32/31.09 e9", "2026-08-06"},
		"back on the day it is raised":  {regular + "2026-04-23 used", "2026-05-02", "", "2026-07-22"},
		"objected while silent":         {regular + "2026-04-24 objected", "2026-05-02", "silence 2026-04-23 to 2026-04-24 objected 32/31.09 e9", ""},
		"silent while objected":         {"2026-01-01 objected\n" + regular + "2026-04-26 consented", "2026-05-02", "", ""},
		"silent and gone":               {"2026-01-01 started\n" + regular + "2026-03-26 ended by=customer", "2026-05-02", "", ""},

		"what broke weighs 12":            {"2026-02-01 broke severity=5\n2026-02-01 broke severity=5", "2026-02-02", "", ""},
		"what broke weighs more":          {"2026-02-01 broke severity=5\n2026-02-01 broke severity=5\n2026-02-01 broke severity=1", "2026-02-02", "experience 2026-02-01 12.5/12 e1,e2,e3", "2026-03-04T18:24"},
		"it fades":                        {"2026-02-01 broke severity=5\n2026-02-01 broke severity=5\n2026-02-01 broke severity=2", "2026-04-02", "experience 2026-02-01 to 2026-03-06T11:08 faded 13/12 e1,e2,e3", ""},
		"half of it is a month old":       {"2026-01-02 broke severity=5\n2026-02-01 broke severity=5\n2026-02-01 broke severity=4", "2026-02-02", "experience 2026-02-01 13/12 e1,e2,e3", "2026-03-06T11:08"},
		"what broke for who cannot leave": {"2026-01-01 started captive\n2026-02-01 broke severity=5\n2026-02-01 broke severity=5\n2026-02-01 broke severity=1", "2026-02-02", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := ParametersOf(rules.Default())
			var s Standing
			for _, f := range script(t, c.facts) {
				s.Add(f)
			}
			state := s.State(at(t, c.as), p)
			var got []string
			for _, g := range state.Signals() {
				got = append(got, g.String())
			}
			if text := strings.Join(got, "\n"); text != c.want {
				t.Errorf("as of %s:\n%s\nexpected\n%s", c.as, text, c.want)
			}
			due := ""
			if d := state.NextDue(); d != journey.Never {
				due = strings.TrimSuffix(d.Time().Format("2006-01-02T15:04"), "T00:00")
			}
			if due != c.due {
				t.Errorf("next due %q, expected %q", due, c.due)
			}
		})
	}
}

// TestSignalsAreLetGo: a signal that ended is there until what it ended by is settled.
func TestSignalsAreLetGo(t *testing.T) {
	p := ParametersOf(rules.Default())
	var s Standing
	for _, f := range script(t, "2026-02-01 asked\n2026-03-01 kept\n2026-03-02 ported") {
		s.Add(f)
	}
	for _, c := range []struct {
		until string
		left  int
	}{{"2026-02-15", 2}, {"2026-03-01", 2}, {"2026-03-02", 1}, {"2026-05-31", 1}, {"2026-06-01", 0}} {
		s.Settle(at(t, c.until), p)
		state := s.State(max(at(t, c.until), at(t, "2026-03-05")), p)
		if got := len(state.Signals()); got != c.left {
			t.Errorf("settled until %s: %d signals, expected %d", c.until, got, c.left)
		}
	}
}

// TestEndings: what counts as a loss is what the segment says; other endings are none; who comes back can be lost again.
func TestEndings(t *testing.T) {
	book, err := rules.Parse("t", []byte(`
segments:
  - {name: rent, product: rent, loss: {cancelled: false}}
  - {name: light, product: light, loss: {value_down: 50%, for: 30d}}
`))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ facts, until, want string }{
		"cancelled":                     {"2026-01-01 started\n2026-02-01 ended by=customer", "2026-03-01", "2026-02-01 lost"},
		"not known yet":                 {"2026-01-01 started\n2026-02-01 ended by=customer", "2026-01-31", ""},
		"by the company":                {"2026-01-01 started\n2026-02-01 ended by=company", "2026-03-01", "2026-02-01"},
		"twice":                         {"2026-02-01 ended by=customer\n2026-02-02 ended by=customer\n2026-02-03 started\n2026-02-04 ended by=third_party", "2026-03-01", "2026-02-01 lost, 2026-02-04"},
		"another the same day":          {"2026-01-01 started\n2026-02-01 started\n2026-02-01 ended by=customer\n2026-04-01 ended by=customer", "2026-05-01", "2026-02-01 lost, 2026-04-01 lost"},
		"of a segment that loses none":  {"2026-01-01 started product=rent margin=100\n2026-02-01 ended by=customer", "2026-03-01", "2026-02-01"},
		"value down":                    {"2026-01-01 started margin=100\n2026-02-01 valued value=20", "2026-05-02", "2026-05-02 lost"},
		"not for long enough":           {"2026-01-01 started margin=100\n2026-02-01 valued value=20\n2026-04-01 valued value=21", "2026-06-02", ""},
		"down further":                  {"2026-01-01 started margin=100\n2026-02-01 valued value=20\n2026-04-01 valued value=10", "2026-05-02", "2026-05-02 lost"},
		"from the highest":              {"2026-01-01 started margin=10\n2026-01-11 valued value=100\n2026-02-01 valued value=20", "2026-05-02", "2026-05-02 lost"},
		"in steps":                      {"2026-01-01 started margin=100\n2026-02-01 valued value=50\n2026-03-01 valued value=15", "2026-05-30", "2026-05-30 lost"},
		"back, and down again":          {"2026-01-01 started margin=100\n2026-02-01 valued value=0\n2026-06-01 valued value=90\n2026-07-01 valued value=1", "2026-12-01", "2026-05-02 lost, 2026-09-29 lost"},
		"down, then cancelled":          {"2026-01-01 started margin=100\n2026-02-01 valued value=0\n2026-06-01 ended by=customer\n2026-06-02 valued value=100", "2026-12-01", "2026-05-02 lost"},
		"of a segment that says half":   {"2026-01-01 started product=light margin=100\n2026-02-01 valued value=50", "2026-12-01", "2026-03-03 lost"},
		"of two contracts the smaller":  {"2026-01-01 started product=a margin=90\n2026-01-01 started product=b margin=10\n2026-02-01 valued product=b value=0", "2026-12-01", ""},
		"nobody knows what it is worth": {"2026-01-01 started\n2026-02-01 valued value=10\n2026-03-01 valued value=1", "2026-12-01", "2026-05-30 lost"},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, e := range Endings(script(t, c.facts), at(t, c.until), ParametersOf(book)) {
				text := e.At.Time().Format(time.DateOnly)
				if e.Lost {
					text += " lost"
				}
				got = append(got, text)
			}
			if text := strings.Join(got, ", "); text != c.want {
				t.Errorf("%q, expected %q", text, c.want)
			}
		})
	}
}
