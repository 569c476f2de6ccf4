package simulate_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"parcours/pipeline/event"
	"parcours/pipeline/simulate"
)

// line is any record of the truth file.
type line struct {
	Record    string           `json:"record"`
	Event     json.RawMessage  `json:"event"`
	Lost      []string         `json:"lost"`
	Unsent    bool             `json:"unsent"`
	Customer  string           `json:"customer"`
	Need      string           `json:"need"`
	At        time.Time        `json:"at"`
	EndedAt   time.Time        `json:"ended_at"`
	Kind      string           `json:"kind"`
	Customers int              `json:"customers"`
	Factor    float64          `json:"factor"`
	Failures  []map[string]any `json:"failures"`
}

func truthOf(t *testing.T, c simulate.Config) (text []byte, lines []line) {
	t.Helper()
	var b bytes.Buffer
	if err := simulate.New(c).WriteTruth(&b); err != nil {
		t.Fatal(err)
	}
	scan := bufio.NewScanner(bytes.NewReader(b.Bytes()))
	scan.Buffer(nil, 1<<20)
	for scan.Scan() {
		var l line
		if err := json.Unmarshal(scan.Bytes(), &l); err != nil {
			t.Fatalf("%v: %s", err, scan.Text())
		}
		lines = append(lines, l)
	}
	return b.Bytes(), lines
}

func TestSameSeedSameTruth(t *testing.T) {
	c := simulate.Config{Customers: 300, Days: 60, Seed: 1}
	a, _ := truthOf(t, c)
	if b, _ := truthOf(t, c); !bytes.Equal(a, b) {
		t.Error("the same seed gave two truths")
	}
	c.Seed = 2
	if b, _ := truthOf(t, c); bytes.Equal(a, b) {
		t.Error("another seed gave the same truth")
	}
}

// TestTruthIsWhatWasSent: what happened, less what was lost and what no system sends, is what the file of events holds, each
// event once; and it stands in order.
func TestTruthIsWhatWasSent(t *testing.T) {
	for _, name := range simulate.Companies() {
		c := simulate.Config{Customers: 600, Days: 75, Seed: 3, Parameters: company(t, name)}
		_, lines := truthOf(t, c)
		truth := map[string]event.Event{}
		lostAny, unsent := map[string]int{}, 0
		var before event.Event
		for _, l := range lines {
			if l.Record != "event" {
				continue
			}
			e := decode(t, l.Event)
			if before.ID != "" && !before.Before(&e) {
				t.Fatalf("%s comes after %s", e.String(), before.String())
			}
			before = e
			if e.Data.Identifiers.Get("customer") == "" && e.Type != event.IncidentStarted && e.Type != event.IncidentEnded {
				t.Fatalf("whose is %s?", l.Event)
			}
			if l.Unsent {
				unsent++
				continue
			}
			for _, field := range l.Lost {
				lostAny[field]++
				lose(t, &e, field)
			}
			truth[e.Source+" "+e.ID] = e
		}
		if unsent == 0 || lostAny["reason"] == 0 || lostAny["customer"] == 0 || lostAny["channel"] == 0 || lostAny["unit"] == 0 || lostAny["resolved"] == 0 {
			t.Errorf("%s: unsent %d, lost %v", name, unsent, lostAny)
		}
		seen := map[string]bool{}
		for e := range simulate.New(c).Events() {
			id := e.Source + " " + e.ID
			want, ok := truth[id]
			if vague := e.Data.Reason; vague == "unknown" || vague == "other" {
				e.Data.Reason = "" // says as little
			}
			if got, want := event.AppendLog(nil, &e), event.AppendLog(nil, &want); !ok || !bytes.Equal(got, want) {
				t.Fatalf("%s: sent\n%s\nthe truth says\n%s", name, got, want)
			}
			seen[id] = true
		}
		if len(seen) != len(truth) {
			t.Errorf("%s: %d events were sent, the truth knows %d", name, len(seen), len(truth))
		}
	}
}

func decode(t *testing.T, body []byte) event.Event {
	t.Helper()
	e, dropped, refusal := event.Decode(body, event.Limits{Now: math.MaxInt64 / 2})
	if refusal != nil || len(dropped) > 0 {
		t.Fatalf("%v, dropped %v: %s", refusal, dropped, body)
	}
	return e
}

func lose(t *testing.T, e *event.Event, field string) {
	t.Helper()
	switch d := &e.Data; field {
	case "customer":
		d.Identifiers = nil
	case "reason":
		d.Reason = ""
	case "channel":
		d.Channel = ""
	case "unit":
		d.Unit = ""
	case "resolved":
		d.Resolved = nil
	case "wait_s":
		d.WaitS = nil
	default:
		t.Fatalf("lost %s", field)
	}
}

// TestTruthRecords: the kinds of records stand in their order, and each says what it must.
func TestTruthRecords(t *testing.T) {
	_, lines := truthOf(t, simulate.Config{Customers: 1000, Days: 75, Seed: 1})
	order := []string{"company", "event", "need", "semblance", "incident", "shift"}
	last, count := 0, map[string]int{}
	for _, l := range lines {
		at := slices.Index(order, l.Record)
		if at < last {
			t.Fatalf("%s comes after %s", l.Record, order[last])
		}
		last = at
		count[l.Record]++
		switch {
		case l.Record == "need" && (l.Need == "" || l.Customer == "" || l.EndedAt.Before(l.At)),
			l.Record == "semblance" && (l.Customer == "" || l.Kind == ""),
			l.Record == "incident" && (l.Customers == 0 || !l.EndedAt.After(l.At)),
			l.Record == "shift" && (l.Factor == 0 || l.Kind == ""):
			t.Errorf("%+v", l)
		}
		for _, f := range l.Failures {
			for _, field := range []string{"at", "kind", "cause", "silo", "unit", "channel", "hurts", "hidden"} {
				if _, ok := f[field]; !ok {
					t.Fatalf("a failure without %s: %v", field, f)
				}
			}
		}
	}
	for _, kind := range order {
		if count[kind] == 0 {
			t.Errorf("no record %s: %v", kind, count)
		}
	}
}

func TestTruthWriteErrorsComeBack(t *testing.T) {
	full := errors.New("disk full")
	if err := simulate.New(simulate.Config{Customers: 1500, Seed: 1}).WriteTruth(fails{full}); !errors.Is(err, full) {
		t.Errorf("error %v", err)
	}
}

// TestShiftsShow: from its day on, the failures of a shift are about so many times more frequent as the parameters say.
func TestShiftsShow(t *testing.T) {
	p := simulate.Default()
	p.Shifts = []simulate.Shift{{Day: 45, Kind: simulate.LongWait, Unit: "service-lyon", Factor: 3}}
	for i := range p.Season {
		p.Season[i] = 1
	}
	s := simulate.New(simulate.Config{Customers: 4000, Days: 90, Seed: 1, Parameters: p})
	at := event.InstantOf(simulate.DefaultStart).Add(45 * 24 * time.Hour)
	count := map[string]*[2]float64{"service-lyon": {}, "service-lille": {}}
	for n := range s.Truth() {
		for _, f := range n.Failures {
			c := count[f.Unit]
			if c == nil || f.Kind != simulate.LongWait && f.Kind != simulate.QueueAbandonment {
				continue // who waits long waits, or leaves
			}
			if f.At < at {
				c[0]++
			} else {
				c[1]++
			}
		}
	}
	shifted, other := count["service-lyon"][1]/count["service-lyon"][0], count["service-lille"][1]/count["service-lille"][0]
	t.Logf("from the day on %.2f times as many at the unit, %.2f times at another", shifted, other)
	if ratio := shifted / other; ratio < 2 || ratio > 4 {
		t.Errorf("a factor of 3 shows as %.2f: %v %v", ratio, count["service-lyon"], count["service-lille"])
	}
}

// TestQualityShows: a bad unit fails its customers more often than a good one.
func TestQualityShows(t *testing.T) {
	p := simulate.Default()
	share := func(quality float64) float64 {
		p.Silos[0].Units = []simulate.Unit{{Name: "one", Share: 1, Quality: quality}}
		p.Shifts = nil
		broken := 0.0
		for n := range simulate.New(simulate.Config{Customers: 1500, Days: 60, Seed: 1, Parameters: p}).Truth() {
			for _, f := range n.Failures {
				if f.Unit == "one" && f.Kind == simulate.LongWait {
					broken++
				}
			}
		}
		return broken
	}
	if good, bad := share(0.5), share(2); bad < 2.5*good {
		t.Errorf("%v long waits at a good unit, %v at a bad one", good, bad)
	}
}

// TestCompanies: those that ship are different companies.
func TestCompanies(t *testing.T) {
	families := map[string]map[string]bool{}
	for _, name := range simulate.Companies() {
		p := company(t, name)
		families[name] = map[string]bool{}
		for _, k := range p.Needs {
			families[name][event.ReasonFamily(k.Reason)] = true
		}
		if p.Name != name || len(families[name]) < 8 {
			t.Errorf("company %s calls itself %s and has the reason families %v", name, p.Name, families[name])
		}
	}
	if len(families) < 2 || families[simulate.DefaultCompany] == nil {
		t.Errorf("companies %v", simulate.Companies())
	}
	if _, err := simulate.Company("nobody"); err == nil || !strings.Contains(err.Error(), "bank, default") {
		t.Errorf("an unknown company: %v", err)
	}
}

// TestPagesAreStrict: what a page says that nobody reads, or that cannot be, is refused with its place.
func TestPagesAreStrict(t *testing.T) {
	raw, err := os.ReadFile("companies/default.yaml")
	if err != nil {
		t.Fatal(err)
	}
	good := string(raw)
	for _, c := range []struct{ name, old, changed, want string }{
		{"unknown key", "awake:", "awoke: 3\nawake:", "awoke"},
		{"a key below that is unknown", "p_attempt: 0.62", "p_plenty: 0.62", "p_plenty"},
		{"probability", "p_attempt: 0.62", "p_attempt: 1.62", "p_attempt"},
		{"negative", "needs_per_year: 14", "needs_per_year: -1", "needs_per_year"},
		{"duration", "late_reply: 14h..40h", "late_reply: 14 hours", "14 hours"},
		{"order of durations", "late_reply: 14h..40h", "late_reply: 40h..14h", "shorter"},
		{"zone", "Europe/Paris", "Europe/Atlantis", "Atlantis"},
		{"silo of a need", "silo: it,", "silo: moon,", "no silo moon"},
		{"unit of a shift", "unit: hub-south", "unit: hub-west", "shifts"},
		{"kind of a shift", "kind: long_wait", "kind: short_wait", "short_wait"},
		{"system", "name: backoffice", "name: basement", "basement"},
		{"holiday", "[01-01,", "[13-01,", "13-01"},
		{"beginning", "begins: payment", "begins: badly", "badly"},
		{"no hours", "open: [[0, 0], [9, 18], [9, 18], [9, 18], [9, 18], [9, 18], [0, 0]]", "open: [[0, 0], [0, 0], [0, 0], [0, 0], [0, 0], [0, 0], [0, 0]]", "open"},
	} {
		t.Run(c.name, func(t *testing.T) {
			bad := strings.Replace(good, c.old, c.changed, 1)
			if bad == good {
				t.Fatalf("the page has no %q", c.old)
			}
			if _, err := simulate.ParseCompany([]byte(bad)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, expected one about %q", err, c.want)
			}
		})
	}
	if _, err := simulate.ParseCompany(nil); err == nil {
		t.Error("an empty page is a company")
	}
}
