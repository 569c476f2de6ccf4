package clickhouse

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"parcours/pipeline"
	"parcours/pipeline/event"
	"parcours/pipeline/readiness"
)

// TestProfileCountsAsTallyDoes: the tables and a file give the same profile of the same events, feature by feature.
func TestProfileCountsAsTallyDoes(t *testing.T) {
	s := migrated(t)
	tally := readiness.NewTally()
	rows := &pipeline.Rows{Generation: 1}
	r := rand.New(rand.NewPCG(5, 7))
	for i := range 6000 {
		e := randomEvent(r, i)
		tally.Add(e)
		rows.Events = append(rows.Events, pipeline.EventRow{Position: uint64(i + 1), StoredAt: e.At, Event: e})
	}
	insert(t, s, rows)
	got, err := s.Profile(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := tally.Profile()
	sameCounts(t, "all", got.All, want.All)
	if len(got.Sources) != len(want.Sources) {
		t.Errorf("sources %v, expected %v", got.Names(), want.Names())
	}
	for name, c := range want.Sources {
		sameCounts(t, name, got.Sources[name], c)
	}
	var seen readiness.Features
	for sort := range want.All.Events {
		seen |= sort.Has
	}
	for i, name := range readiness.FeatureNames {
		if seen&(1<<i) == 0 {
			t.Errorf("no event of the test has the feature %s", name)
		}
		if featureSQL[name] == "" {
			t.Errorf("feature %s has no SQL", name)
		}
	}
	if len(featureSQL) != len(readiness.FeatureNames) {
		t.Errorf("%d features in SQL, %d in all", len(featureSQL), len(readiness.FeatureNames))
	}
}

func sameCounts(t *testing.T, name string, got, want *readiness.Counts) {
	t.Helper()
	if got == nil || reflect.DeepEqual(got, want) {
		if got == nil {
			t.Errorf("%s: not counted", name)
		}
		return
	}
	for sort, n := range want.Events {
		if got.Events[sort] != n {
			t.Errorf("%s: %d events of %s with %b, expected %d", name, got.Events[sort], sort.Type, sort.Has, n)
			break
		}
	}
	g, w := *got, *want
	for _, c := range []*readiness.Counts{&g, &w} {
		c.Events, c.Contacts, c.Cases, c.Customers = nil, nil, nil, nil
	}
	t.Errorf("%s: contacts alike: %t, cases: %t, customers: %t; %+v, expected %+v", name, reflect.DeepEqual(got.Contacts, want.Contacts),
		reflect.DeepEqual(got.Cases, want.Cases), reflect.DeepEqual(got.Customers, want.Customers), g, w)
}

// randomEvent fills fields at random, also where they make no sense.
func randomEvent(r *rand.Rand, i int) *event.Event {
	one := func(list ...string) string { return list[r.IntN(len(list))] }
	number := func() *float64 {
		if r.IntN(2) == 0 {
			return nil
		}
		v := float64(r.IntN(3))
		return &v
	}
	yes := func() *bool {
		if r.IntN(2) == 0 {
			return nil
		}
		v := r.IntN(2) == 0
		return &v
	}
	typ := event.Specs[r.IntN(len(event.Specs))].Type
	for event.System(typ) {
		typ = event.Specs[r.IntN(len(event.Specs))].Type
	}
	if r.IntN(20) == 0 {
		typ = one("invoice.created", "invoice.paid")
	}
	e := &event.Event{ID: fmt.Sprint(i), Source: one("/a", "/b", "/c"), Type: typ,
		At: at(3, 1, 0).Add(time.Duration(r.IntN(500)) * 37 * time.Minute)}
	e.Data = event.Data{
		Customer: one("", "c1", "c2", "c3", "c4", "c5"), Contact: one("", "k1", "k2", "k3", fmt.Sprint("k", i%200)), Case: one("", "", "A", "B", "C"),
		Direction: event.Direction(one("", "in", "out", "callback")), Channel: event.Channel(one("", string(event.Channels[r.IntN(len(event.Channels))]))),
		Reason: one("", "unknown", "other.thing", "billing.dispute", "delivery"), Silo: one("", "it", "sales"), Unit: one("", "u1", "u2"),
		Product: one("", "p"), Place: one("", "here"), Activity: one("", "look", "ask", typ), Kind: one("", "service", "sales", "transactional", "relational"),
		ToSilo: one("", "it"), On: one("", "customer"), To: one("", "management", "mediator", "authority", "court"), By: one("", "customer", "company"),
		Act: one("", "callback", "reply", "delivery", "resolution", "else"), InitiatedBy: one("", "customer", "company"),
		Resolved: yes(), WaitS: number(), TalkS: number(), HoldS: number(), WrapS: number(), NPS: number(), CSAT: number(), CES: number(), AnnualMargin: number(),
	}
	if r.IntN(2) == 0 {
		e.Data.Due = e.At.Add(time.Hour)
	}
	if r.IntN(5) == 0 {
		e.Data.Products = []string{"p"}
	}
	return e
}

func TestUnfit(t *testing.T) {
	s := migrated(t)
	if err := s.InsertRejected(t.Context(), []RejectedRow{
		{Position: 1, SeenAt: at(3, 1, 0), Reason: "bad_time", Source: "/a", Field: "time", Expected: "a time"},
		{Position: 2, SeenAt: at(3, 1, 0), Reason: "bad_time", Source: "/a", Field: "time", Expected: "a time"},
	}); err != nil {
		t.Fatal(err)
	}
	got, err := s.Unfit(t.Context())
	if want := []readiness.Refusal{{Source: "/a", Reason: "bad_time", Field: "time", Expected: "a time", Rows: 2}}; err != nil ||
		!reflect.DeepEqual(got.Refused, want) || got.Late != 0 {
		t.Errorf("unfit %+v, %v", got, err)
	}
}
