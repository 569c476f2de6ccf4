package clickhouse_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"parcours/pipeline"
	"parcours/pipeline/aggregate"
	"parcours/pipeline/clickhouse"
	"parcours/pipeline/event"
	"parcours/pipeline/rules"
)

// history writes rows by hand: what happened to customers, and where it broke.
type history struct {
	rows pipeline.Rows
	next uint64
}

func on(day string) event.Instant {
	for _, layout := range []string{time.DateOnly, "2006-01-02 15:04:05.000"} {
		if at, err := time.Parse(layout, day); err == nil {
			return event.InstantOf(at)
		}
	}
	panic("no day: " + day)
}

func (h *history) number() uint64 { h.next++; return h.next }

// event adds an event, and gives its id.
func (h *history) event(typ, customer string, at event.Instant, d event.Data) string {
	n := h.number()
	d.Customer = customer
	e := &event.Event{ID: fmt.Sprint("e", n), Source: "s", Type: typ, At: at, Data: d}
	h.rows.Events = append(h.rows.Events, pipeline.EventRow{Position: n, StoredAt: at, Event: e})
	return e.ID
}

// journey adds a journey without a step.
func (h *history) journey(customer, reason string, at event.Instant) *pipeline.JourneyRow {
	n := h.number()
	h.rows.Journeys = append(h.rows.Journeys, pipeline.JourneyRow{
		JourneyID: fmt.Sprint("j", n), KeyTime: at, Position: n, CustomerID: customer, Reason: reason, ReasonFamily: event.ReasonFamily(reason), StartedAt: at, LastEventAt: at,
		Outcome: "resolved", EndedAt: at, Cost: 8, WorkingS: 720,
	})
	return &h.rows.Journeys[len(h.rows.Journeys)-1]
}

// chance adds a journey of one opportunity.
func (h *history) chance(kind, customer, reason string, at event.Instant, broken bool) string {
	j := h.journey(customer, reason, at)
	j.Opportunities = []pipeline.OpportunityRow{{Kind: kind, At: at, MaturesAt: at, Reason: reason, Silo: "it", Broken: broken}}
	return j.JourneyID
}

// step adds an event and its place in a journey; its reason is that of its contact.
func (h *history) step(journey, typ, customer string, at event.Instant, d event.Data) {
	id := h.event(typ, customer, at, d)
	h.rows.Steps = append(h.rows.Steps, pipeline.StepRow{At: at, Source: "s", EventID: id, Position: h.number(), JourneyID: journey, Placement: "journey",
		Step: 1, Type: typ, CustomerID: customer, ContactID: d.Contact, Reason: d.Reason})
}

// contact adds a journey of one inbound contact, of which no kind is measured.
func (h *history) contact(customer, reason string, at event.Instant) string {
	id := h.journey(customer, reason, at).JourneyID
	h.step(id, event.ContactStarted, customer, at, event.Data{Reason: reason})
	return id
}

func (h *history) broke(kind, customer, reason string, at, known event.Instant) *pipeline.BreakpointRow {
	n := h.number()
	h.rows.Breakpoints = append(h.rows.Breakpoints, pipeline.BreakpointRow{
		BreakpointID: fmt.Sprint("b", n), Kind: kind, Position: n, JourneyID: fmt.Sprint("of ", n), CustomerID: customer, Reason: reason, ReasonFamily: event.ReasonFamily(reason),
		OccurredAt: at, DetectedAt: known, OpportunityAt: at, Silo: "it", Severity: 3,
		Known: pipeline.KnownRow{Of: customer, At: known, Family: event.ReasonFamily(reason), Severity: 3},
	})
	return &h.rows.Breakpoints[len(h.rows.Breakpoints)-1]
}

// settled says up to when everything is in.
func (h *history) settled(at event.Instant) {
	h.rows.Frontier = []pipeline.FrontierRow{{Partition: 0, Position: h.number(), Clock: at.Add(72 * time.Hour), Settled: at}}
}

func equal(t *testing.T, s *clickhouse.Store, sql string, want ...string) {
	t.Helper()
	if got := lines(t, s, sql); !slices.Equal(got, want) {
		t.Errorf("%s\ngot\n%s\nwant\n%s", sql, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestLandmarks: who is at risk on 1 July 2025, exposed to what, and who left by 28 September. Its 90 days begin on 2 April.
func TestLandmarks(t *testing.T) {
	s, h := store(t), &history{}
	margin := 300.0
	start := func(customer, day string, d event.Data) { h.event(event.ContractStarted, customer, on(day), d) }
	end := func(customer, at, by string) {
		h.event(event.ContractCancelled, customer, on(at), event.Data{InitiatedBy: by})
	}
	seen := func(customers ...string) {
		for _, c := range customers {
			h.contact(c, "billing.dispute", on("2025-06-10"))
		}
	}
	broke := func(customer, at, known string) {
		h.broke("long_wait", customer, "billing.invoice", on(at), on(known))
	}
	seen("eight", "edge", "early", "late", "plain", "asked", "moved", "cut", "raised", "ended", "censored", "lost", "stayed", "back", "gone", "captive", "objected", "agreed", "new", "old", "unsaid", "taken", "about", "unknown")
	for day := range 8 {
		broke("eight", fmt.Sprintf("2025-05-%02d", day+1), "2025-05-20")
	}
	broke("edge", "2025-04-02 00:00:00.000", "2025-04-02")
	broke("early", "2025-04-01 23:59:59.999", "2025-04-02")
	broke("late", "2025-06-01", "2025-07-01")
	taken := h.broke("long_wait", "taken", "billing.invoice", on("2025-06-01"), on("2025-06-01")) // what came in September took it back
	back := *taken
	back.Position, back.Deleted, back.RetractedAt = h.number(), true, on("2025-09-10")
	h.rows.Breakpoints = append(h.rows.Breakpoints, back)
	h.broke("long_wait", "about", "billing.invoice", on("2025-06-01"), on("2025-06-01")).Known.Family = "delivery" // as it was taken for in July
	h.broke("long_wait", "unknown", "billing.invoice", on("2025-06-01"), on("2025-06-01")).Known.Of = ""           // said to have been known, and found only later
	h.event(event.ContractCancelRequested, "asked", on("2025-06-30 23:59:59.999"), event.Data{})
	h.event(event.PortabilityRequested, "moved", on("2025-03-01"), event.Data{})
	value := func(customer, day string, v float64) {
		h.event(event.ContractValueChanged, customer, on(day), event.Data{Value: &v, Product: "fibre"})
	}
	value("cut", "2025-02-01", 40)
	value("cut", "2025-06-01", 30)
	value("raised", "2025-02-01", 30)
	value("raised", "2025-06-01", 40)
	end("ended", "2025-06-20", "company")
	end("unsaid", "2025-08-02", "") // as in journeys: their own wish, unless somebody says otherwise
	end("censored", "2025-08-01", "third_party")
	end("censored", "2025-09-01", "customer")
	end("lost", "2025-09-28 23:59:59.999", "customer")
	end("stayed", "2025-09-29 00:00:00.000", "customer")
	start("back", "2024-01-01", event.Data{})
	end("back", "2025-04-20", "customer")
	start("back", "2025-05-10", event.Data{})
	broke("back", "2025-04-10", "2025-04-10") // before they came back
	h.contact("back", "billing.dispute", on("2025-04-15"))
	start("gone", "2024-01-01", event.Data{})
	end("gone", "2025-04-20", "customer")
	start("captive", "2024-01-01", event.Data{Captive: true})
	h.event(event.CustomerObjected, "objected", on("2025-09-01"), event.Data{To: "scoring"})
	h.event(event.CustomerObjected, "agreed", on("2025-01-01"), event.Data{To: "scoring"})
	h.event(event.CustomerConsented, "agreed", on("2025-02-01"), event.Data{To: "scoring"})
	start("new", "2024-07-02", event.Data{})
	start("old", "2022-07-01", event.Data{Product: "fibre", AnnualMargin: &margin})
	broke("silent", "2025-06-01", "2025-06-01")
	h.broke("long_wait", "unclear", "other", on("2025-06-01"), on("2025-06-01"))
	h.broke("long_wait", "", "billing", on("2025-06-01"), on("2025-06-01"))
	h.contact("leaver", "cancellation.request", on("2025-06-01"))
	h.broke("tension", "leaver", "cancellation.request", on("2025-06-01"), on("2025-06-01"))
	for range 5 {
		h.contact("plain", "delivery.late", on("2025-06-15"))
	}
	h.contact("plain", "delivery.late", on("2025-07-01")) // the landmark itself lies after its days
	h.settled(on("2025-09-29"))
	insert(t, s, &h.rows)
	book, err := rules.Parse("mine.yaml", []byte("segments: [{name: captive, captive: true}, {name: premium, product: fibre, annual_margin_from: 300}, {name: free, captive: false, product: none}]"))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.RankBy(t.Context(), book); err != nil {
		t.Fatal(err)
	}
	equal(t, s, "SELECT customer_id, reason_family, reason, known_at, severity, retracted FROM cx.known_breakpoints_v WHERE customer_id IN ('taken', 'about', 'unknown') ORDER BY ALL",
		"about\tdelivery\tbilling.invoice\t2025-06-01 00:00:00.000\t3\tfalse", "taken\tbilling\t\t2025-06-01 00:00:00.000\t3\ttrue")
	july := "SELECT customer_id, reason_family, arrayStringConcat(kinds, '+'), contacts, segment, tenure, lost FROM cx.landmarks_v WHERE landmark = '2025-07-01' ORDER BY ALL"
	equal(t, s, july,
		"about\tbilling\t\t1\tstandard\tunknown\tfalse",
		"about\tdelivery\tlong_wait\t0\tstandard\tunknown\tfalse",
		"agreed\tbilling\t\t1\tstandard\tunknown\tfalse",
		"back\tbilling\t\t1\tstandard\tunder 1 year\tfalse",
		"early\tbilling\t\t1\tstandard\tunknown\tfalse",
		"edge\tbilling\tlong_wait\t1\tstandard\tunknown\tfalse",
		"eight\tbilling\tlong_wait\t1\tstandard\tunknown\tfalse",
		"late\tbilling\t\t1\tstandard\tunknown\tfalse",
		"lost\tbilling\t\t1\tstandard\tunknown\ttrue",
		"new\tbilling\t\t1\tstandard\tunder 1 year\tfalse",
		"old\tbilling\t\t1\tpremium\t3 years and more\tfalse",
		"plain\tbilling\t\t1\tstandard\tunknown\tfalse",
		"plain\tdelivery\t\t5\tstandard\tunknown\tfalse",
		"raised\tbilling\t\t1\tstandard\tunknown\tfalse",
		"silent\tbilling\tlong_wait\t0\tstandard\tunknown\tfalse",
		"stayed\tbilling\t\t1\tstandard\tunknown\tfalse",
		"taken\tbilling\tlong_wait\t1\tstandard\tunknown\tfalse",
		"unknown\tbilling\t\t1\tstandard\tunknown\tfalse",
		"unsaid\tbilling\t\t1\tstandard\tunknown\ttrue")
	equal(t, s, "SELECT DISTINCT landmark FROM cx.landmarks_v ORDER BY landmark", "2025-05-01", "2025-06-01", "2025-07-01")
	equal(t, s, "SELECT lost_at FROM cx.landmarks_v WHERE lost AND customer_id = 'lost'", "2025-09-28 23:59:59.999")
	equal(t, s, "SELECT customer_id, contract_started_at, segment, captive, first_leaving_signal_at, lost_at, ended_at, objected FROM cx.customers_v "+
		"WHERE customer_id IN ('back', 'gone', 'censored', 'captive', 'cut', 'objected', 'old') ORDER BY customer_id",
		`back	2025-05-10 00:00:00.000	standard	false	\N	\N	\N	false`,
		`captive	2024-01-01 00:00:00.000	captive	true	\N	\N	\N	false`,
		`censored	\N	standard	false	2025-09-01 00:00:00.000	2025-09-01 00:00:00.000	2025-09-01 00:00:00.000	false`,
		`cut	\N	standard	false	2025-06-01 00:00:00.000	\N	\N	false`,
		`gone	\N	standard	false	2025-04-20 00:00:00.000	2025-04-20 00:00:00.000	2025-04-20 00:00:00.000	false`,
		`objected	\N	standard	false	\N	\N	\N	true`,
		`old	2022-07-01 00:00:00.000	premium	false	\N	\N	\N	false`)
	// A millisecond less, and the 90 days of July are not over.
	h.rows = pipeline.Rows{}
	h.settled(on("2025-09-28 23:59:59.999"))
	insert(t, s, &h.rows)
	equal(t, s, july)
}

// TestLandmarkContacts: which contacts make a customer unexposed. Kinds play no part in it: none is measured here.
func TestLandmarkContacts(t *testing.T) {
	s, h := store(t), &history{}
	day, later := on("2025-06-10"), on("2025-06-12")
	journey := func(customer string) string { return h.journey(customer, "billing.dispute", day).JourneyID }
	billing := func(d event.Data) event.Data { d.Reason = "billing.invoice"; return d }
	id := journey("twice") // one call of two events, one message without an id
	h.step(id, event.ContactStarted, "twice", day, billing(event.Data{Contact: "1", Direction: event.In}))
	h.step(id, event.ContactAnswered, "twice", day+1, billing(event.Data{Contact: "1"}))
	h.step(id, event.MessageReceived, "twice", later, billing(event.Data{}))
	h.step(journey("called"), event.ContactStarted, "called", day, billing(event.Data{Contact: "1", Direction: "out"})) // an id of another customer
	h.step(journey("replied"), event.MessageReplied, "replied", day, billing(event.Data{}))
	id = journey("thread") // begun by the customer, who says so only then
	h.step(id, event.MessageReplied, "thread", day, billing(event.Data{Contact: "2"}))
	h.step(id, event.MessageReceived, "thread", day+1, billing(event.Data{Contact: "2", Direction: event.In}))
	h.step(journey("searched"), event.SearchPerformed, "searched", day, billing(event.Data{Contact: "3"}))
	h.step(journey("bot"), event.BotAnswered, "bot", day, billing(event.Data{Contact: "4"}))
	id = journey("silent") // states no reason: that of its journey counts
	h.step(id, event.ContactStarted, "silent", day, event.Data{})
	h.step(id, event.CaseOpened, "silent", later, billing(event.Data{}))
	id = journey("late") // which in July nobody knew
	h.step(id, event.ContactStarted, "late", day, event.Data{})
	h.step(id, event.CaseOpened, "late", on("2025-07-01"), billing(event.Data{}))
	h.step(journey("unknown"), event.ContactStarted, "unknown", day, event.Data{Reason: "unknown"})
	h.settled(on("2025-10-30"))
	insert(t, s, &h.rows)
	equal(t, s, "SELECT landmark, customer_id, reason_family, contacts FROM cx.landmarks_v WHERE landmark <= '2025-08-01' ORDER BY ALL",
		"2025-07-01\tbot\tbilling\t1", "2025-07-01\tsilent\tbilling\t1", "2025-07-01\tthread\tbilling\t1", "2025-07-01\ttwice\tbilling\t2",
		"2025-08-01\tbot\tbilling\t1", "2025-08-01\tlate\tbilling\t1", "2025-08-01\tsilent\tbilling\t1", "2025-08-01\tthread\tbilling\t1", "2025-08-01\ttwice\tbilling\t2")
}

// TestLeavingByValue: a value below what the contract started with is a signal; one below that of a contract before it is none.
func TestLeavingByValue(t *testing.T) {
	s, h := store(t), &history{}
	start := func(customer, day, product string, margin *float64) {
		h.event(event.ContractStarted, customer, on(day), event.Data{Product: product, AnnualMargin: margin})
	}
	value := func(customer, day, product string, v *float64) {
		h.event(event.ContractValueChanged, customer, on(day), event.Data{Product: product, Value: v})
	}
	much, less, least := 500.0, 300.0, 100.0
	start("first", "2025-01-01", "fibre", &much)
	value("first", "2025-02-01", "fibre", &less)
	start("raised", "2025-01-01", "fibre", &less)
	value("raised", "2025-02-01", "fibre", nil)
	value("raised", "2025-03-01", "fibre", &much)
	value("raised", "2025-04-01", "fibre", nil)
	value("raised", "2025-05-01", "fibre", &less) // below the last that was stated
	start("anew", "2024-01-01", "fibre", nil)
	value("anew", "2024-02-01", "fibre", &much)
	start("anew", "2025-01-01", "fibre", nil)
	value("anew", "2025-02-01", "fibre", &less)
	start("other", "2025-01-01", "fibre", &much)
	value("other", "2025-02-01", "mobile", &least)
	insert(t, s, &h.rows)
	equal(t, s, "SELECT customer_id, signals FROM cx.contracts_v ORDER BY customer_id",
		"anew\t[]", "first\t['2025-02-01 00:00:00.000']", "other\t[]", "raised\t['2025-05-01 00:00:00.000']")
}

// TestRankingRules: without any the views go by the default book; a book is written once.
func TestRankingRules(t *testing.T) {
	s := store(t)
	const shown = "SELECT * EXCEPT (rules_version) FROM cx.ranking_rules_v"
	before := lines(t, s, shown)
	for range 2 {
		if err := s.RankBy(t.Context(), rules.Default()); err != nil {
			t.Fatal(err)
		}
	}
	equal(t, s, shown, before...)
	equal(t, s, "SELECT count() FROM cx.ranking_rules", "1")
	book, err := rules.Parse("mine.yaml", []byte("segments: [{name: a, captive: false, product: \"it's\", annual_margin_from: 1.5}]\nattribution: {lost_within: 30d, leaving_reasons: []}\ncurrency: CHF"))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.RankBy(t.Context(), book); err != nil {
		t.Fatal(err)
	}
	equal(t, s, "SELECT rules_version, currency, lost_s, leaving_reasons, segments FROM cx.ranking_rules_v", book.Version()+"\tCHF\t2592000\t[]\t[('a',false,'it\\'s',1.5)]")
}

// loyal is a year of customers of whom those who waited leave sooner.
func loyal() *pipeline.Rows {
	h, r := &history{}, rand.New(rand.NewPCG(7, 7))
	start := on("2025-01-01")
	at := func(days float64) event.Instant { return start.Add(time.Duration(days * 24 * float64(time.Hour))) }
	for n := range 1500 {
		customer, hazard := fmt.Sprint("c", n), 0.0012
		if n%3 == 0 {
			h.event(event.ContractStarted, customer, start, event.Data{Product: "fibre"})
		}
		for day := r.ExpFloat64() * 60; day < 365; day += r.ExpFloat64() * 60 {
			reason := []string{"billing.dispute", "delivery.late"}[r.IntN(2)]
			h.contact(customer, reason, at(day))
			for i, kind := range []string{"long_wait", "repeat_contact"} {
				if r.Float64() < 0.3 {
					h.broke(kind, customer, reason, at(day), at(day+0.1))
					hazard *= 1 + 0.4*float64(i)
				}
			}
			if r.Float64() < 1-math.Exp(-hazard*60) {
				h.event(event.ContractCancelled, customer, at(day+r.Float64()*60), event.Data{InitiatedBy: "customer"})
				break
			}
		}
	}
	h.settled(at(365))
	return &h.rows
}

// TestAssociatedLoss: what is estimated in Go from landmarks_v is what the documented query says, to six digits; it is
// estimated once, and again only when there is something new.
func TestAssociatedLoss(t *testing.T) {
	s := store(t)
	insert(t, s, loyal())
	day := on("2026-01-01")
	book, err := rules.Parse("mine.yaml", []byte("attribution: {replicates: 200}\nsegments: [{name: fibre, product: fibre}]"))
	if err != nil {
		t.Fatal(err)
	}
	associate := func(book *rules.Book, want bool) {
		t.Helper()
		if got, err := aggregate.Associate(t.Context(), s, book, day.Add(5*time.Hour)); err != nil || got != want {
			t.Fatalf("estimated: %v, %v, expected %v", got, err, want)
		}
	}
	associate(book, true)
	associate(book, false)
	equal(t, s, "SELECT DISTINCT as_of, last_landmark, landmarks, replicates, rules_version FROM cx.associated_loss_v", "2026-01-01\t2025-10-01\t9\t200\t"+book.Version())
	equal(t, s, "SELECT countIf(says = 'estimated'), countIf(shrunk_low <= low AND shrunk_high >= high), countIf(kind = 'repeat_contact' AND shrunk_low > 1) > 0 FROM cx.associated_loss_v", "4\t4\t1")
	equal(t, s, "SELECT countIf(exposed = u.1 AND exposed_losses = u.2 AND unexposed = u.3) FROM cx.associated_loss_v AS a INNER JOIN (SELECT kind, reason_family, "+
		"(uniqExactIf(customer_id, has(kinds, kind)), uniqExactIf(customer_id, has(kinds, kind) AND lost), uniqExactIf(customer_id, NOT has(kinds, kind) AND contacts > 0)) AS u "+
		"FROM cx.landmarks_v CROSS JOIN (SELECT toString(kind) AS kind FROM cx.breakpoint_kinds_v) AS k GROUP BY kind, reason_family) AS b USING (kind, reason_family)", "4")
	compared := 0
	for _, line := range lines(t, s, documented(t, "WITH strata")) {
		fields := strings.Split(line, "\t")
		ours, _ := strconv.ParseFloat(fields[2], 64)
		theirs, _ := strconv.ParseFloat(fields[3], 64)
		compared++
		if theirs == 0 || math.Abs(ours-theirs) > 1e-6 {
			t.Errorf("%s: the query gives %v, the table has %v", line, ours, theirs)
		}
	}
	if compared != 4 {
		t.Errorf("%d ratios compared", compared)
	}
	before := lines(t, s, "SELECT * EXCEPT (computed_at, rules_version) FROM cx.associated_loss_v ORDER BY kind, reason_family")
	other, err := rules.Parse("mine.yaml", []byte("attribution: {replicates: 200}\nsegments: [{name: fibre, product: fibre}]\ncurrency: CHF"))
	if err != nil {
		t.Fatal(err)
	}
	associate(other, true) // by other rules, which say the same of losses
	equal(t, s, "SELECT * EXCEPT (computed_at, rules_version) FROM cx.associated_loss_v ORDER BY kind, reason_family", before...)
	if err := s.Switch(t.Context(), pipeline.Generation{Number: 2}); err != nil {
		t.Fatal(err)
	}
	equal(t, s, "SELECT count() FROM cx.associated_loss_v", "0")
	associate(other, false) // the new generation has no landmark
	if err := s.Drop(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	equal(t, s, "SELECT count() FROM cx.associated_loss", "0")
}

// TestAssociatedLossOfNothing: an estimate that finds nobody exposed takes the place of one that did, and is not made again.
func TestAssociatedLossOfNothing(t *testing.T) {
	s, h := store(t), &history{}
	h.contact("a", "billing.dispute", on("2025-04-15"))
	h.broke("long_wait", "a", "billing.dispute", on("2025-04-15"), on("2025-04-15"))
	h.settled(on("2025-09-01"))
	insert(t, s, &h.rows)
	associate := func(document, want string, found bool) {
		t.Helper()
		book, err := rules.Parse("mine.yaml", []byte(document))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := aggregate.Associate(t.Context(), s, book, on("2025-09-01")); err != nil || got != found {
			t.Fatalf("estimated: %v, %v, expected %v", got, err, found)
		}
		equal(t, s, "SELECT count() FROM cx.associated_loss_v", want)
		if last, err := s.LastEstimate(t.Context()); err != nil || last.Rules != book.Version() || last.LastLandmark != on("2025-06-01") {
			t.Errorf("the last estimate is %+v, %v", last, err)
		}
	}
	associate("currency: EUR", "1", true)
	const leaving = "attribution: {leaving_reasons: [billing]}"
	associate(leaving, "0", false)
	associate(leaving, "0", false)
	equal(t, s, "SELECT count() FROM cx.associated_loss WHERE kind = ''", "2")
}

// documented is the query of docs/ranking.md that begins so.
func documented(t *testing.T, begins string) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/ranking.md")
	if err != nil {
		t.Fatal(err)
	}
	for part := range strings.SplitSeq(string(text), "```sql\n") {
		if sql, _, is := strings.Cut(part, "\n```"); is && strings.HasPrefix(sql, begins) {
			return sql
		}
	}
	t.Fatalf("docs/ranking.md has no query that begins with %q", begins)
	return ""
}

// TestRankingDocs: every query of docs/ranking.md can be asked.
func TestRankingDocs(t *testing.T) {
	text, err := os.ReadFile("../../docs/ranking.md")
	if err != nil {
		t.Fatal(err)
	}
	s, asked := store(t), 0
	insert(t, s, loyal())
	for part := range strings.SplitSeq(string(text), "```sql\n") {
		if sql, _, is := strings.Cut(part, "\n```"); is {
			asked++
			lines(t, s, sql)
		}
	}
	if asked < 5 {
		t.Errorf("%d queries found", asked)
	}
}

// TestRanking is a case by hand: places, costs, whom it touched, and the change of a rate.
func TestRanking(t *testing.T) {
	s, h := store(t), &history{}
	h.event(event.ContractStarted, "c1", on("2025-01-01"), event.Data{Captive: true})
	chances := func(day string, broken, of int) {
		for n := range of {
			customer := fmt.Sprint("c", n%20)
			h.chance("repeat_contact", customer, "billing.dispute", on(day), n < broken)
			if n < broken {
				h.broke("repeat_contact", customer, "billing.dispute", on(day), on(day)).Cost = 5
			}
		}
	}
	chances("2025-03-10", 20, 100)
	chances("2025-04-10", 40, 100)
	h.broke("broken_promise", "c30", "delivery.late", on("2025-04-12"), on("2025-04-12")).Cost = 300
	h.broke("broken_promise", "", "delivery.late", on("2025-04-13"), on("2025-04-13")).Cost = 1
	*h.broke("complaint_escalation", "c31", "delivery.late", on("2025-04-14"), on("2025-04-14")) = func(b pipeline.BreakpointRow) pipeline.BreakpointRow {
		b.Witness, b.Severity = true, 5
		return b
	}(h.rows.Breakpoints[len(h.rows.Breakpoints)-1])
	incident := h.broke("core_failure", "", "", on("2025-04-15"), on("2025-04-15"))
	incident.JourneyID, incident.OriginEvent = "", "s "+h.event(event.IncidentStarted, "", on("2025-04-15"), event.Data{Products: []string{"fibre"}})
	for n := range 60 {
		h.event(event.ContactStarted, fmt.Sprint("f", n), on("2025-04-16"), event.Data{Product: "fibre"})
	}
	h.settled(on("2025-05-02"))
	insert(t, s, &h.rows)
	equal(t, s, "SELECT kind, reason_family, rank_by_cost, rank_by_customers, breakpoints, charged, cost, round(hours, 6), customers, unidentified, reached, captive_customers, severity, always_listed "+
		"FROM cx.ranking_v WHERE month = '2025-04-01' ORDER BY rank_by_customers",
		`core_failure		3	1	1	0	0	0	0	0	60	0	3	false`,
		`repeat_contact	billing	2	2	40	40	200	5	20	0	0	1	3	true`,
		`broken_promise	delivery	1	3	2	2	301	7.525	1	1	0	0	3	false`,
		`complaint_escalation	delivery	\N	4	1	0	0	0	1	0	0	0	5	true`)
	// By hand: Wilson of 40 in 100 is 0.3094013 to 0.4979974, of 20 in 100 0.1333669 to 0.2888292; Newcombe for 0.2.
	equal(t, s, "SELECT month, rate, round(low, 6), round(high, 6), complete, rate_before, round(change, 6), round(change_low, 6), round(change_high, 6), exceeds_noise, opportunities, broken "+
		"FROM cx.ranking_v WHERE kind = 'repeat_contact' ORDER BY month",
		"2025-03-01\t0.2\t0.133367\t0.288829\ttrue\t\\N\t\\N\t\\N\t\\N\tfalse\t100\t20",
		"2025-04-01\t0.4\t0.309401\t0.497997\ttrue\t0.2\t0.2\t0.073119\t0.318505\ttrue\t100\t40")
	equal(t, s, "SELECT (SELECT sum(cost) FROM cx.ranking_v) = (SELECT sum(cost) FROM cx.breakpoints_v)", "1")
	equal(t, s, "SELECT since, kind, breakpoints, cost, opportunities, rate FROM cx.ranking_90d_v WHERE rank_by_cost <= 2 ORDER BY rank_by_cost",
		"2025-02-01\tbroken_promise\t2\t301\t0\t\\N", "2025-02-01\trepeat_contact\t60\t300\t200\t0.3")
}

// TestRanking90Days: the period is the 90 days before the settled day, to the day: the settled day and what follows are out of
// it, and so are the days before it.
func TestRanking90Days(t *testing.T) {
	s, h := store(t), &history{}
	for i, day := range []string{"2025-01-31 23:59:59.999", "2025-02-01", "2025-05-01 23:59:59.999", "2025-05-02", "2025-05-20", "2025-07-30"} {
		h.chance("repeat_contact", "c", "billing.dispute", on(day), true)
		h.broke("repeat_contact", "c", "billing.dispute", on(day), on(day)).Cost = math.Pow(10, float64(i))
	}
	h.settled(on("2025-05-02 12:00:00.000"))
	insert(t, s, &h.rows)
	equal(t, s, "SELECT since, breakpoints, cost, opportunities, broken FROM cx.ranking_90d_v", "2025-02-01\t2\t110\t2\t2")
}

// TestRankingAcrossRules: no rate is compared across a change of what judges, of the family or of the kind; across one that
// only costs otherwise it is.
func TestRankingAcrossRules(t *testing.T) {
	var books []*rules.Book
	for _, document := range []string{"breakpoints: {repeat_contact: {within: 7d}}", "breakpoints: {repeat_contact: {within: 7d}}\nsilos: {hourly_rates: {it: 99}}", "breakpoints: {repeat_contact: {within: 14d}}"} {
		book, err := rules.Parse("test", []byte(document))
		if err != nil {
			t.Fatal(err)
		}
		books = append(books, book)
	}
	s, h := store(t), &history{}
	put := func(day, reason string, broken int, book *rules.Book) {
		for n := range 100 {
			h.chance("repeat_contact", fmt.Sprint("c", n), reason, on(day), n < broken)
			h.rows.Journeys[len(h.rows.Journeys)-1].Opportunities[0].Rules = book.Version()
			if n < broken {
				h.broke("repeat_contact", fmt.Sprint("c", n), reason, on(day), on(day))
			}
		}
	}
	for i, day := range []string{"2025-02-10", "2025-03-10", "2025-04-10", "2025-05-10"} {
		put(day, "billing.dispute", 20+10*i, books[min(i, 2)])
		h.rows.RuleBooks = append(h.rows.RuleBooks, pipeline.RuleBookRow{Position: h.number(), EffectiveFrom: on(day[:8] + "01"), Document: "x", Book: books[min(i, 2)]})
	}
	put("2025-04-20", "delivery.late", 10, books[1]) // still by the old one
	put("2025-05-20", "delivery.late", 50, books[2])
	h.settled(on("2025-06-02"))
	insert(t, s, &h.rows)
	equal(t, s, "SELECT month, reason_family, rate, round(change, 6), exceeds_noise, withheld, length(rules_versions), kind_rate, round(kind_change, 6), kind_exceeds_noise, kind_withheld FROM cx.ranking_v ORDER BY ALL",
		`2025-02-01	billing	0.2	\N	false	nothing to compare with	1	0.2	\N	false	nothing to compare with`,
		`2025-03-01	billing	0.3	0.1	false		1	0.3	0.1	false	`,
		`2025-04-01	billing	0.4	\N	false	rules changed	2	0.25	\N	false	rules changed`,
		`2025-04-01	delivery	0.1	\N	false	nothing to compare with	2	0.25	\N	false	rules changed`,
		`2025-05-01	billing	0.5	0.1	false		1	0.5	\N	false	rules changed`,
		`2025-05-01	delivery	0.5	\N	false	rules changed	1	0.5	\N	false	rules changed`)
	equal(t, s, "SELECT since, reason_family, kind_change, kind_withheld FROM cx.ranking_90d_v ORDER BY ALL",
		`2025-03-04	billing	\N	rules changed`, `2025-03-04	delivery	\N	rules changed`)
}

// TestRankingOfKind: of what was only said later what it was about, the breakpoints have a family and the opportunities none.
// The kind has both.
func TestRankingOfKind(t *testing.T) {
	s, h := store(t), &history{}
	put := func(day string, of, broken int) {
		for n := range of {
			h.chance("core_failure", fmt.Sprint("c", n), "", on(day), n < broken)
			if n < broken {
				h.broke("core_failure", fmt.Sprint("c", n), "delivery.late", on(day), on(day)).Cost = 5
			}
		}
	}
	put("2025-03-10", 100, 10)
	put("2025-04-10", 100, 60)
	h.chance("core_failure", "c", "billing.dispute", on("2025-04-11"), true)
	h.broke("core_failure", "c", "billing.dispute", on("2025-04-11"), on("2025-04-11"))
	h.settled(on("2025-05-02"))
	insert(t, s, &h.rows)
	equal(t, s, "SELECT month, reason_family, breakpoints, opportunities, rate, rate_fits, kind_opportunities, kind_broken, round(kind_change, 6), kind_exceeds_noise, kind_withheld FROM cx.ranking_v ORDER BY ALL",
		`2025-03-01	delivery	10	0	\N	false	100	10	\N	false	nothing to compare with`,
		`2025-04-01	billing	1	1	1	true	101	61	0.50396	true	`,
		`2025-04-01	delivery	60	0	\N	false	101	61	0.50396	true	`)
}

// TestRankingAddsUp: on a made-up company each amount is in one row, and so is each breakpoint.
func TestRankingAddsUp(t *testing.T) {
	s := store(t)
	insert(t, s, simulatedRows(t))
	got := lines(t, s, "SELECT abs(sum(r.cost) - b.cost) < 1e-6, sum(r.breakpoints) = b.n, b.n > 500 AND b.cost > 0 FROM cx.ranking_v AS r "+
		"CROSS JOIN (SELECT sum(cost) AS cost, count() AS n FROM cx.breakpoints_v) AS b GROUP BY b.cost, b.n")
	if !slices.Equal(got, []string{"1\t1\t1"}) {
		t.Errorf("got %q", got)
	}
	for _, wrong := range []string{
		"SELECT * FROM cx.ranking_v WHERE witness AND (cost > 0 OR rank_by_cost IS NOT NULL)",
		"SELECT month, count(), uniqExact(rank_by_customers), max(rank_by_customers) FROM cx.ranking_v GROUP BY month HAVING count() != uniqExact(rank_by_customers) OR max(rank_by_customers) != count()",
		"SELECT * FROM cx.ranking_v AS a INNER JOIN cx.ranking_v AS b USING (month) WHERE a.cost > b.cost AND a.rank_by_cost > b.rank_by_cost",
		"SELECT month, kind FROM cx.ranking_v WHERE complete AND kind != 'core_failure' GROUP BY month, kind, kind_broken HAVING sum(breakpoints) != kind_broken",
		"SELECT month, kind FROM cx.ranking_v WHERE rate_fits GROUP BY month, kind, reason_family, broken HAVING sum(breakpoints) != broken",
		"SELECT month, kind FROM cx.ranking_v GROUP BY month, kind HAVING uniqExact(kind_rate) > 1",
	} {
		if found := lines(t, s, wrong); len(found) > 0 {
			t.Errorf("%s:\n%s", wrong, found[0])
		}
	}
}

// TestUnseen: signals with no breakpoint before them, in the 90 days and beyond, of witnesses only, and of nobody.
func TestUnseen(t *testing.T) {
	s, h := store(t), &history{}
	file := func(customer, day string) {
		id := h.event(event.ComplaintFiled, customer, on(day), event.Data{})
		h.rows.Steps = append(h.rows.Steps, pipeline.StepRow{At: on(day), Source: "s", EventID: id, Position: h.number(), JourneyID: "journey of " + customer,
			Placement: "journey", Step: 1, Type: event.ComplaintFiled, CustomerID: customer})
	}
	broke := func(customer, day string) { h.broke("long_wait", customer, "billing", on(day), on(day)) }
	broke("within", "2025-03-03")
	broke("beyond", "2025-03-02 23:59:59.999")
	broke("after", "2025-06-02")
	broke("same", "2025-06-01")
	h.broke("tension", "witness", "billing", on("2025-05-01"), on("2025-05-01")).Witness = true
	h.broke("long_wait", "", "billing", on("2025-05-01"), on("2025-05-01"))
	for _, c := range []string{"within", "beyond", "after", "same", "witness", "", "objected"} {
		file(c, "2025-06-01")
	}
	h.event(event.CustomerObjected, "objected", on("2025-07-01"), event.Data{To: "scoring"})
	d := h.broke("detractor", "within", "billing", on("2025-05-02"), on("2025-05-02"))
	d.Witness, d.JourneyID = true, "journey of detractor"
	h.event(event.ContractCancelled, "within", on("2025-08-01"), event.Data{InitiatedBy: "customer"})
	h.event(event.ContractCancelled, "beyond", on("2025-08-01"), event.Data{InitiatedBy: "company"})
	h.event(event.ContractCancelled, "unsaid", on("2025-09-01"), event.Data{})
	h.settled(on("2025-07-15"))
	insert(t, s, &h.rows)
	// Wilson of 5 in 6: 0.4364972 to 0.9699466; of 0 in 1: 0 to 0.7934507; of 1 in 1: 0.2065493 to 1.
	equal(t, s, "SELECT month, signal, total, unseen, round(share, 6), round(low, 6), round(high, 6), unidentified, complete FROM cx.unseen_v ORDER BY ALL",
		"2025-05-01\tdetractor\t1\t0\t0\t0\t0.793451\t0\ttrue",
		"2025-06-01\tcomplaint\t6\t5\t0.833333\t0.436497\t0.969947\t1\ttrue",
		"2025-08-01\tleaver\t1\t1\t1\t0.206549\t1\t0\tfalse", "2025-09-01\tleaver\t1\t1\t1\t0.206549\t1\t0\tfalse")
	equal(t, s, "SELECT signal, customer_id, journey_id FROM cx.unseen_journeys_v ORDER BY ALL",
		"complaint\tafter\tjourney of after", "complaint\tbeyond\tjourney of beyond", "complaint\tsame\tjourney of same", "complaint\twitness\tjourney of witness", "leaver\tunsaid\t", "leaver\twithin\t")
}

// TestUnseenLeavers: what broke while they were leaving, or about leaving, is not what made them leave; what broke before is.
func TestUnseenLeavers(t *testing.T) {
	s, h := store(t), &history{}
	leaver := func(customer, reason, broke string, asked ...string) {
		for _, day := range asked {
			h.event(event.ContractCancelRequested, customer, on(day), event.Data{})
		}
		h.broke("long_wait", customer, reason, on(broke), on(broke))
		h.event(event.ContractCancelled, customer, on("2025-06-01"), event.Data{InitiatedBy: "customer"})
	}
	leaver("before", "billing", "2025-02-20", "2025-05-01") // 70 days before they asked to leave
	leaver("during", "billing", "2025-05-02", "2025-05-01")
	leaver("about", "cancellation.request", "2025-04-20", "2025-05-01")
	leaver("at once", "billing", "2025-05-31")
	h.event(event.ContractStarted, "back", on("2024-01-01"), event.Data{}) // who left before, and came back
	h.event(event.ContractCancelled, "back", on("2024-06-01"), event.Data{InitiatedBy: "customer"})
	h.event(event.ContractStarted, "back", on("2024-07-01"), event.Data{})
	leaver("back", "billing", "2025-05-20")
	h.settled(on("2025-07-15"))
	insert(t, s, &h.rows)
	equal(t, s, "SELECT customer_id, before_at, unseen FROM cx.signals_v WHERE at > '2025-01-01' ORDER BY customer_id",
		`about	\N	true`, `at once	2025-05-31 00:00:00.000	false`, `back	2025-05-20 00:00:00.000	false`, `before	2025-02-20 00:00:00.000	false`, `during	\N	true`)
}

// TestIncidentsTouchCustomers: an incident has no customer, and those whom it reached have met it all the same.
func TestIncidentsTouchCustomers(t *testing.T) {
	s, h := store(t), &history{}
	incident := h.broke("core_failure", "", "network.outage", on("2025-04-15"), on("2025-04-15"))
	incident.JourneyID, incident.OriginEvent = "", "s "+h.event(event.IncidentStarted, "", on("2025-04-15"), event.Data{Products: []string{"fibre"}, Places: []string{"here"}})
	for _, d := range []event.Data{{Customer: "reached", Product: "fibre", Place: "here"}, {Customer: "anywhere", Product: "fibre"},
		{Customer: "elsewhere", Product: "fibre", Place: "there"}, {Customer: "mobile", Product: "mobile"}, {Customer: "", Product: "fibre"}} {
		h.event(event.ContactStarted, d.Customer, on("2025-04-16"), d)
		h.event(event.ComplaintFiled, d.Customer, on("2025-04-17"), event.Data{})
	}
	h.settled(on("2025-08-02"))
	insert(t, s, &h.rows)
	equal(t, s, "SELECT customer_id, before_at, unseen FROM cx.signals_v WHERE customer_id != '' ORDER BY ALL",
		`anywhere	2025-04-16 00:00:00.000	false`, `elsewhere	\N	true`, `mobile	\N	true`, `reached	2025-04-16 00:00:00.000	false`)
	equal(t, s, "SELECT customer_id, reason_family, kinds FROM cx.landmarks_v WHERE landmark = '2025-05-01' ORDER BY ALL",
		"anywhere\tnetwork\t['core_failure']", "reached\tnetwork\t['core_failure']")
	equal(t, s, "SELECT r.customers, count() FROM cx.incident_customers_v AS c INNER JOIN cx.incident_reach_v AS r USING (origin_event) GROUP BY r.customers", "2\t2")
}

// TestSatisfactionGap by hand: 30 journeys with a long wait, half of which say 0 and half 5 of 10, and 41 without, of which 20
// say 5, 20 say 10 and one, a detractor's, says 0. Means -0.5 and 19/41; variances 0.2586207 and 0.3048780; standard error
// sqrt(0.2586207/30 + 0.3048780/41) = 0.1267152; 65.35 degrees of freedom, Student's t 1.996933.
func TestSatisfactionGap(t *testing.T) {
	s, h := store(t), &history{}
	answer := func(nps float64, kind, reason string) {
		at := on("2025-06-01")
		id, n := h.contact("c", reason, at), h.number()
		e := h.event(event.SurveyAnswered, "c", at, event.Data{NPS: &nps})
		h.rows.Steps = append(h.rows.Steps, pipeline.StepRow{At: at, Source: "s", EventID: e, Position: n, JourneyID: id, Placement: "journey", Step: 1, Type: event.SurveyAnswered})
		if kind != "" {
			b := h.broke(kind, "c", reason, at, at)
			b.JourneyID, b.Witness = id, kind == "detractor"
		}
	}
	for n := range 30 {
		answer(float64(n%2)*5, "long_wait", "billing")
	}
	for n := range 40 {
		answer(5+float64(n%2)*5, "", "billing")
	}
	answer(0, "detractor", "billing")
	answer(10, "long_wait", "delivery")
	insert(t, s, &h.rows)
	equal(t, s, "SELECT kind, reason_family, all_reasons, with_kind, without_kind, round(satisfaction_with, 6), round(satisfaction_without, 6), round(gap, 6), says FROM cx.satisfaction_gap_v ORDER BY ALL",
		`long_wait		true	31	41	-0.451613	0.463415	-0.915028	estimated`,
		`long_wait	billing	false	30	41	-0.5	0.463415	-0.963415	estimated`,
		`long_wait	delivery	false	1	0	1	\N	\N	too few to say`)
	equal(t, s, "SELECT round(low, 6), round(high, 6) FROM cx.satisfaction_gap_v WHERE reason_family = 'billing'", "-1.216456\t-0.710373")
}
