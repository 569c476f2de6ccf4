package mapping_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"parcours/pipeline/event"
	"parcours/pipeline/ingest/mapping"
)

// dataVariable names the environment variable which holds the directory of the real logs.
const dataVariable = "PARCOURS_REAL_LOGS"

// published are figures of the real logs: an import that does not reproduce them is wrong.
type published struct {
	file, page                        string
	events, cases, activities, varied int
	unitChanges                       int // -1: not published
	customers, twoCustomers           int
	transitions, reworked, rework     int // directly-follows transitions, cases with rework, rework events; -1: not published
}

func TestRealLogs(t *testing.T) {
	for _, p := range []published{
		{"receipt_wabo/receipt.csv.gz", "receipt_wabo.yaml", 8577, 1434, 27, 116, -1, 0, 0, -1, -1, -1},
		{"bpic2013_incidents/events.csv.gz", "bpic2013_incidents.yaml", 65533, 7554, 13, 2278, 9454, 0, 0, -1, -1, -1},
		{"helpdesk_italian/events.csv.gz", "helpdesk_italian.yaml", 21348, 4580, 14, 226, -1, 397, 7, 16768, 1240, 1905},
	} {
		t.Run(p.page, func(t *testing.T) { recount(t, p) })
	}
}

func recount(t *testing.T, p published) {
	m, raw := loadExample(t, p.page), realLog(t, p.file)
	events := eventsOf(t, m, raw)
	c := count(events)
	equal(t, "events", len(events), p.events)
	equal(t, "distinct ids", c.ids, p.events)
	equal(t, "cases", len(c.byCase), p.cases)
	equal(t, "activities", c.activities, p.activities)
	equal(t, "variants", c.variants(), p.varied)
	equal(t, "customers", c.customers, p.customers)
	equal(t, "cases with two customers", c.twoCustomers(), p.twoCustomers)
	if p.unitChanges >= 0 {
		equal(t, "changes of unit", c.unitChanges(), p.unitChanges)
	}
	if p.rework >= 0 {
		reworked, rework := c.rework()
		equal(t, "cases with rework", reworked, p.reworked)
		equal(t, "rework events", rework, p.rework)
		equal(t, "directly-follows transitions", len(events)-len(c.byCase), p.transitions)
	}
	checkAgrees(t, m, raw, p)
}

// checkAgrees holds the dry run against the same figures.
func checkAgrees(t *testing.T, m *mapping.Mapping, raw string, p published) {
	t.Helper()
	report, err := m.Check(strings.NewReader(raw), 0)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "rows", report.Rows, p.events)
	equal(t, "mapped", report.Mapped, p.events)
	equal(t, "refused", len(report.Refused), 0)
	equal(t, "unknown values", len(report.Unknown), 0)
	equal(t, "cases checked", report.Cases, p.cases)
	equal(t, "activities checked", report.Activities, p.activities)
	equal(t, "customers checked", report.Customers, p.customers)
	t.Logf("%s to %s, %d out of order, %d of equal time, channels %v, not mapped %q",
		report.First, report.Last, report.OutOfOrder, report.EqualTimes, report.Channels, report.Unmapped)
}

func realLog(t *testing.T, file string) string {
	t.Helper()
	dir := os.Getenv(dataVariable)
	if dir == "" {
		t.Skipf("SKIPPED, NOT TESTED: the real logs are not here. Set %s to the directory that holds %s.", dataVariable, file)
	}
	f, err := os.Open(filepath.Join(dir, filepath.FromSlash(file)))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	return unpacked(t, f, file)
}

// counted is a recount of mapped events that knows nothing of how they were made.
type counted struct {
	ids, activities, customers int
	byCase                     map[string][]event.Event
}

func count(events []event.Event) counted {
	ids, activities, customers := map[string]bool{}, map[string]bool{}, map[string]bool{}
	c := counted{byCase: map[string][]event.Event{}}
	for _, e := range events {
		ids[e.Source+" "+e.ID] = true
		activities[e.Activity()] = true
		if who := e.Data.Identifiers.Get("customer"); who != "" {
			customers[who] = true
		}
		c.byCase[e.Data.Case] = append(c.byCase[e.Data.Case], e)
	}
	c.ids, c.activities, c.customers = len(ids), len(activities), len(customers)
	return c
}

// variants counts the distinct sequences of activities; events come in order of time, ties in file order.
func (c *counted) variants() int {
	seen := map[string]bool{}
	for _, events := range c.byCase {
		var path []string
		for _, e := range events {
			path = append(path, e.Activity())
		}
		seen[strings.Join(path, "\x00")] = true
	}
	return len(seen)
}

// rework counts the cases in which an activity came again, and how often one did, in a row or not.
func (c *counted) rework() (cases, events int) {
	for _, list := range c.byCase {
		seen := map[string]bool{}
		for _, e := range list {
			seen[e.Activity()] = true
		}
		if again := len(list) - len(seen); again > 0 {
			cases, events = cases+1, events+again
		}
	}
	return cases, events
}

// unitChanges counts neighbours of a case which both name a unit, and not the same.
func (c *counted) unitChanges() (n int) {
	for _, events := range c.byCase {
		last := ""
		for _, e := range events {
			if e.Data.Unit == "" {
				continue
			}
			if last != "" && last != e.Data.Unit {
				n++
			}
			last = e.Data.Unit
		}
	}
	return n
}

func (c *counted) twoCustomers() (n int) {
	for _, events := range c.byCase {
		who := map[string]bool{}
		for _, e := range events {
			if id := e.Data.Identifiers.Get("customer"); id != "" {
				who[id] = true
			}
		}
		if len(who) > 1 {
			n++
		}
	}
	return n
}

func equal[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}
