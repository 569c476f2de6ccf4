package clickhouse_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"parcours/pipeline"
	"parcours/pipeline/clickhouse"
	"parcours/pipeline/event"
	"parcours/pipeline/ingest"
	"parcours/pipeline/rules"
	"parcours/pipeline/simulate"
)

// drawn are the days that a view draws, each with what it says, but for how far it is drawn.
var drawn = map[string]string{
	"rates_daily_v":                    "SELECT kind, * EXCEPT (kind, matured_until) FROM cx.rates_daily_v ORDER BY ALL",
	"first_contact_resolution_daily_v": "SELECT 'contacts', * EXCEPT (matured_until) FROM cx.first_contact_resolution_daily_v ORDER BY ALL",
}

// TestADrawnDayNeverChanges: whatever comes later, a day of a rate that was drawn once says the same for good.
func TestADrawnDayNeverChanges(t *testing.T) {
	for _, company := range simulate.Companies() {
		for seed := range uint64(2) {
			t.Run(fmt.Sprint(company, seed), func(t *testing.T) { drawnDaysStay(t, company, seed+1) })
		}
	}
}

// pages is how many times the days are drawn while a company lives.
const pages = 6

func drawnDaysStay(t *testing.T, company string, seed uint64) {
	parameters, err := simulate.Company(company)
	if err != nil {
		t.Fatal(err)
	}
	s, before, days := store(t), map[string][]string{}, 0
	for _, rows := range lived(t, simulate.Config{Customers: 400, Days: 150, Seed: seed, Parameters: parameters}) {
		insert(t, s, rows)
		for view, sql := range drawn {
			now := lines(t, s, sql)
			compareDrawn(t, s, view, before[view], now)
			before[view], days = now, days+len(now)
		}
	}
	if days < 1000 {
		t.Errorf("%d rows were drawn: too few to say anything", days)
	}
}

// compareDrawn: what was drawn is drawn again, and no row is new on a day of its series that was.
func compareDrawn(t *testing.T, s *clickhouse.Store, view string, before, now []string) {
	t.Helper()
	until := map[string]string{} // of each series, the last day drawn
	for _, l := range before {
		f := strings.Split(l, "\t")
		until[f[0]] = max(until[f[0]], f[1])
	}
	now = slices.DeleteFunc(slices.Clone(now), func(l string) bool {
		f := strings.Split(l, "\t")
		return f[1] > until[f[0]]
	})
	missing, extra := map[string]int{}, map[string]int{}
	for _, l := range before {
		if _, is := slices.BinarySearch(now, l); !is {
			missing[l[:strings.Index(l, "\t")]]++
			t.Logf("%s: was drawn %s", view, l)
		}
	}
	for _, l := range now {
		if _, is := slices.BinarySearch(before, l); !is {
			extra[l[:strings.Index(l, "\t")]]++
			t.Logf("%s: now says %s", view, l)
		}
	}
	if len(missing)+len(extra) > 0 {
		t.Errorf("%s: rows of drawn days that are gone: %v, that are new: %v", view, missing, extra)
	}
}

// lived gives the rows of a company's life in so many parts, each up to where the log had come by then.
func lived(t *testing.T, c simulate.Config) (parts []*pipeline.Rows) {
	t.Helper()
	p := pipeline.NewPartition(pipeline.Setup{Book: rules.Default()})
	pseudonyms, homes := ingest.NewPseudonymiser(ingest.KeyFromSeed("settled")), ingest.NewHomes()
	var events []*event.Event
	for e := range simulate.New(c).Events() {
		e.Data.Identifiers = slices.Clone(e.Data.Identifiers) // events of one customer share them
		pseudonyms.Apply(&e)
		e.Home = homes.Of(&e)
		events = append(events, &e)
	}
	for n := range pages {
		rows := &pipeline.Rows{}
		for i := len(events) * n / pages; i < len(events)*(n+1)/pages; i++ {
			e, changes := events[i], pipeline.Changes{}
			if err := p.Apply(&pipeline.Message{Position: uint64(i + 1), StoredAt: e.At}, e, &changes); err != nil {
				t.Fatal(err)
			}
			rows.Journeys = append(rows.Journeys, changes.Rows.Journeys...)
		}
		p.Account(rows)
		parts = append(parts, rows)
	}
	return parts
}
