package evaluate_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"parcours/pipeline/alert"
	"parcours/pipeline/evaluate"
	"parcours/pipeline/evaluate/reference"
	"parcours/pipeline/event"
	"parcours/pipeline/rules"
)

var start = event.InstantOf(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC))

func hours(n int) event.Instant { return start.Add(time.Duration(n) * time.Hour) }

// happened is a line of a truth file.
func happened(id, typ string, at event.Instant, customer, data string, lost string, unsent bool) string {
	return fmt.Sprintf(`{"record":"event","event":{"specversion":"1.0","id":%q,"source":"/sim","type":%q,"time":%q,"data":{"identifiers":{"customer":%q}%s}},"lost":[%s],"unsent":%t}`+"\n",
		id, typ, at, customer, data, lost, unsent)
}

// call is a call with a reason.
func call(id string, at event.Instant, customer, lost string) string {
	return happened(id, "contact.ended", at, customer, `,"contact":"`+id+`","direction":"in","channel":"phone","reason":"billing.dispute"`, lost, false)
}

func evaluated(t *testing.T, truth string, found []evaluate.Found, show string) *evaluate.Report {
	t.Helper()
	read, err := evaluate.ReadTruth(strings.NewReader(truth), found, nil)
	if err != nil {
		t.Fatal(err)
	}
	r, err := evaluate.Evaluate(read, found, evaluate.Options{Book: rules.Default(), Clock: hours(1000), Show: show})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestSentAndHappened: what was lost on the way is there only as it happened; without identifiers a call is nobody's.
func TestSentAndHappened(t *testing.T) {
	truth := call("k1", hours(0), "10000001", "") + call("k2", hours(24), "10000001", "") +
		call("k3", hours(0), "10000002", "") + call("k4", hours(24), "10000002", `"reason"`) +
		call("k5", hours(0), "10000003", "") + call("k6", hours(24), "10000003", `"customer"`)
	found := []evaluate.Found{{Kind: "repeat_contact", Origin: "/sim k1", OccurredAt: hours(24), DetectedAt: hours(26)}}
	r := evaluated(t, truth, found, "")
	if a := r.Kinds["repeat_contact"]; a.Truth != 1 || a.Found != 1 || a.Precision != 1 || a.Recall != 1 || a.MedianDelay != 7200 {
		t.Errorf("as sent: %+v", a)
	}
	if a := r.KindsAsHappened["repeat_contact"]; a.Truth != 3 || a.Precision != 1 || a.Recall < 0.33 || a.Recall > 0.34 {
		t.Errorf("as it happened: %+v", a)
	}
	if len(r.Kinds) != 20 || r.Kinds["tension"] != (evaluate.Agreement{Precision: 1, Recall: 1}) {
		t.Errorf("a kind of which nothing is there: %+v", r.Kinds["tension"])
	}
}

// TestUnsent: an event that no system ever sends is there only as it happened.
func TestUnsent(t *testing.T) {
	truth := happened("c1", "case.opened", hours(0), "10000001", `,"case":"C1"`, "", false) +
		happened("c2", "case.resolved", hours(24), "10000001", `,"case":"C1"`, "", true)
	r := evaluated(t, truth, nil, "")
	if r.Kinds["sla_breach"].Truth != 1 || r.KindsAsHappened["sla_breach"].Truth != 0 || r.Unsent != 1 || r.Events != 2 {
		t.Errorf("%+v, %+v, %d of %d unsent", r.Kinds["sla_breach"], r.KindsAsHappened["sla_breach"], r.Unsent, r.Events)
	}
}

// TestWrong: what is not there lowers precision; a breakpoint at another second or origin is another; each matches once.
func TestWrong(t *testing.T) {
	truth := call("k1", hours(0), "10000001", "") + call("k2", hours(24), "10000001", "")
	right := evaluate.Found{Kind: "repeat_contact", Origin: "/sim k1", OccurredAt: hours(24) + 999, DetectedAt: hours(24)}
	other, elsewhere := right, right
	other.OccurredAt += 1
	elsewhere.Origin = "/sim k2"
	r := evaluated(t, truth, []evaluate.Found{right, right, other, elsewhere}, "repeat_contact")
	if a := r.Kinds["repeat_contact"]; a.Precision != 0.25 || a.Recall != 1 {
		t.Errorf("%+v", a)
	}
	if len(r.Disagreements) != 2 || r.Disagreements[0].Missed || len(r.Disagreements[0].Around) != 2 {
		t.Errorf("shown: %+v", r.Disagreements)
	}
	r = evaluated(t, truth, nil, "repeat_contact")
	if a := r.Kinds["repeat_contact"]; a.Recall != 0 || len(r.Disagreements) != 1 || !r.Disagreements[0].Missed {
		t.Errorf("nothing was found: %+v, %+v", a, r.Disagreements)
	}
}

// TestNeed: failures are found by kind, customer and time; outages by their one breakpoint; semblances are cried over.
func TestNeed(t *testing.T) {
	need := func(customer, kind string, at event.Instant, hurts, hidden bool) string {
		return fmt.Sprintf(`{"record":"need","customer":%q,"need":"n","at":%q,"failures":[{"at":%q,"kind":%q,"hurts":%t,"hidden":%t}]}`+"\n",
			customer, at, at, kind, hurts, hidden)
	}
	truth := call("k1", hours(0), "10000001", "") + call("k2", hours(24), "10000001", "") + call("k3", hours(0), "10000002", `"customer"`) +
		happened("o1", "incident.started", hours(50), "", "", "", false) +
		need("10000001", "repeat_contact", hours(24), true, false) + need("10000001", "repeat_contact", hours(500), true, true) +
		need("10000002", "repeat_contact", hours(24), false, true) + need("10000003", "core_failure", hours(51), true, false) +
		fmt.Sprintf(`{"record":"incident","at":%q,"ended_at":%q,"products":["fibre"],"places":[],"customers":9}`+"\n", hours(50), hours(60)) +
		fmt.Sprintf(`{"record":"semblance","customer":"10000002","need":"n","at":%q,"kind":"long_wait","cause":"chosen"}`+"\n", hours(1)) +
		fmt.Sprintf(`{"record":"shift","at":%q,"kind":"long_wait","silo":"it","factor":1.5}`+"\n", hours(1))
	truth = strings.Replace(truth, `"data":{"identifiers":{"customer":""}}`, `"data":{"product":"fibre"}`, 1)
	found := []evaluate.Found{
		{Kind: "repeat_contact", Origin: "/sim k1", OccurredAt: hours(24)},
		{Kind: "core_failure", Origin: "/sim o1", OccurredAt: hours(50)},
		{Kind: "long_wait", Origin: "/sim k3", OccurredAt: hours(0)},
	}
	r := evaluated(t, truth, found, "")
	n := r.Need
	want := evaluate.NeedCount{Failures: 4, Hurting: 3, Found: 2, FoundHurting: 2, RecallOfHurting: 2. / 3,
		Visible: 2, FoundVisible: 2, RecallOfVisible: 1, Breakpoints: 3, Cried: 1, Crying: 1. / 3}
	if n.NeedCount != want || n.Hidden != 2 || n.Semblances != (evaluate.Semblances{Planted: 1, Cried: 1}) {
		t.Errorf("%+v", n)
	}
	if k := n.ByKind["core_failure"]; k.Found != 1 || k.Crying != 0 || k.RecallOfHurting != 1 {
		t.Errorf("the outage: %+v", k)
	}
	if len(r.Alerts.Shifts) != 1 || r.Alerts.Shifts[0].Factor != 1.5 || len(r.Alerts.Raised) != 0 {
		t.Errorf("alerts: %+v", r.Alerts)
	}
}

// TestHomes: a case lives with the customer of its earliest event, and a contact with the one its first event named.
func TestHomes(t *testing.T) {
	message := func(id, typ string, at event.Instant, customer, lost string) string {
		return happened(id, typ, at, customer, `,"contact":"m1","channel":"email","case":"C1"`, lost, false)
	}
	truth := message("e1", "message.received", hours(0), "10000001", "") + message("e2", "message.replied", hours(1), "10000001", `"customer"`) +
		happened("e3", "message.replied", hours(2), "10000002", `,"case":"C1","channel":"email"`, "", false)
	if a := evaluated(t, truth, nil, "").Kinds["sla_breach"]; a.Truth != 0 {
		t.Errorf("the answer was told apart from the question: %+v", a)
	}
}

// TestBrokenTruth: what cannot be read is named by its line, and nothing of it is quoted.
func TestBrokenTruth(t *testing.T) {
	for want, truth := range map[string]string{
		"no line":                     "\n",
		"line 2: not the JSON":        call("k1", hours(0), "1", "") + `{"record":"need","customer":7`,
		"line 1: record \"nonsense\"": `{"record":"nonsense"}`,
		"lost field \"colour\"":       call("k1", hours(0), "1", `"colour"`),
		"line 1: id: missing_field":   strings.Replace(call("k1", hours(0), "1", ""), `"id":"k1"`, `"id":""`, 1),
	} {
		_, err := evaluate.ReadTruth(strings.NewReader(truth), nil, nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("expected %q, got %v", want, err)
		}
	}
	if len(reference.Kinds()) != 20 {
		t.Error("not twenty kinds")
	}
}

// TestAlerts: an alert tells a shift by kind, place and time; the others are outages, or false alarms.
func TestAlerts(t *testing.T) {
	const day = 24
	truth := `{"record":"company","seed":1,"start":"2026-03-02T00:00:00.000Z","days":70,"customers":9,"company":"default"}` + "\n" +
		call("k1", hours(0), "10000001", "") +
		fmt.Sprintf(`{"record":"incident","at":%q,"ended_at":%q,"products":[],"places":[],"customers":1}`+"\n", hours(10*day), hours(10*day+3)) +
		`{"record":"shift","at":"2026-03-31T22:00:00.000Z","kind":"long_wait","silo":"it","unit":"it-1","factor":1.5}` + "\n" +
		`{"record":"shift","at":"2026-04-09T22:00:00.000Z","kind":"tension","reason":"billing.dispute","factor":2}` + "\n"
	shifted := alert.DateOf(event.InstantOf(time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)))
	raised := func(id string, after, since alert.Date, key alert.Key) evaluate.Raised {
		return evaluate.Raised{Alert: alert.Alert{ID: id, Key: key, Where: key, RaisedOn: shifted + after, Since: shifted + since}}
	}
	all := []evaluate.Raised{
		raised("outage", -18, -20, alert.Key{Kind: "core_failure"}),
		raised("before", -1, -2, alert.Key{Kind: "long_wait", Unit: "it-1"}),
		raised("elsewhere", 1, 0, alert.Key{Kind: "long_wait", Unit: "it-2"}),
		raised("channel", 1, 0, alert.Key{Kind: "long_wait", Channel: "phone"}),
		raised("found", 2, -1, alert.Key{Kind: "long_wait", Silo: "it"}),
		raised("again", 20, 0, alert.Key{Kind: "long_wait"}),
		raised("late", 29, 0, alert.Key{Kind: "long_wait"}),
		raised("other", 40, 39, alert.Key{Kind: "tension", ReasonFamily: "access"}),
	}
	var found []evaluate.Found
	for n := range 56 {
		found = append(found, evaluate.Found{Kind: "long_wait", Unit: "it-1", Origin: "/sim k1", DetectedAt: (shifted - 28 + alert.Date(n/2)).Start()},
			evaluate.Found{Kind: "long_wait", Unit: "it-2", Origin: "/sim k1", DetectedAt: (shifted - 1).Start()})
	}
	read, err := evaluate.ReadTruth(strings.NewReader(truth), found, nil)
	if err != nil {
		t.Fatal(err)
	}
	r, err := evaluate.Evaluate(read, found, evaluate.Options{Book: rules.Default(), Clock: hours(2000), Raised: all})
	if err != nil {
		t.Fatal(err)
	}
	a := r.Alerts
	if a.Found != 1 || a.FalseAlarms != 5 || a.Weeks != 10 || a.FalseAlarmsPerWeek != 0.5 {
		t.Errorf("%+v", a)
	}
	if s := a.Shifts[0]; !s.Found || s.Alert != "found" || s.DelayDays != 2 || s.SinceErrorDays != -1 || s.FailuresPerDay != 2 {
		t.Errorf("%+v", s)
	}
	tells := ""
	for _, one := range a.Raised {
		tells += one.ID + " " + one.Tells + ", "
	}
	if tells != "outage incident, before nothing, elsewhere nothing, channel nothing, found shift, again shift, late nothing, other nothing, " {
		t.Error(tells)
	}
}
