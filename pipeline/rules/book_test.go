package rules_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"parcours/pipeline/event"
	"parcours/pipeline/rules"
)

var update = flag.Bool("update", false, "write default.yaml as the book prints it")

// TestDefaultIsItsDocument: default.yaml is what `parcours rules show default` prints, comments included, and reads back.
func TestDefaultIsItsDocument(t *testing.T) {
	document := rules.Default().Document()
	if *update {
		if err := os.WriteFile("default.yaml", document, 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	file, err := os.ReadFile("default.yaml")
	if err != nil || !bytes.Equal(file, document) {
		t.Errorf("default.yaml is not what the default book prints (go test ./pipeline/rules -update writes it): %v\n%s", err, document)
	}
	again, err := rules.Parse("default.yaml", document)
	if err != nil || again.Version() != rules.Default().Version() {
		t.Errorf("read again: %v", err)
	}
}

// TestDefaults holds the default book to product.md.
func TestDefaults(t *testing.T) {
	b := rules.Default()
	on := func(c event.Channel) rules.Where { return rules.Where{Channel: c} }
	days := func(n int) rules.OpenTime { return rules.OpenTime{Days: n} }
	for _, figure := range []struct {
		what      string
		got, want any
	}{
		{"inactivity gap", b.InactivityGap.Of("billing"), 7 * rules.Day},
		{"a contact without a reason", b.NoReason, rules.Day},
		{"a case after a contact", b.CaseAfter, rules.Day},
		{"page views", b.Visit, rules.Day},
		{"repeat_contact", b.Repeat.Of(on(event.Phone)), 7 * rules.Day},
		{"channel_failover", b.Failover.Of(on(event.Phone)), rules.Day},
		{"channel_ping_pong", []any{b.Switches.Default, b.SentBack.Default}, []any{2, rules.Day}},
		{"silo_handoff", b.PathOf("billing.dispute").Handoffs, 2},
		{"long_wait", []any{b.WaitLimit.Of(on(event.Phone)), b.WaitLimit.Of(on(event.Chat)), b.WaitLimit.Of(on(event.Store)), b.WaitLimit.Of(on(event.Email))},
			[]any{3 * time.Minute, 2 * time.Minute, 15 * time.Minute, time.Duration(0)}},
		{"queue_abandonment", b.ShortAbandon.Default, 5 * time.Second},
		{"form_abandonment", b.FormWithin.Default, rules.Day},
		{"an e-mail", b.SLA.Message.Of(on(event.Email)), days(1)},
		{"a message", b.SLA.Message.Of(on(event.Messaging)), rules.OpenTime{Time: time.Hour}},
		{"a letter", b.SLA.Message.Of(on(event.Post)), rules.OpenTime{}},
		{"a case", b.CaseSpan(rules.Where{}), days(5)},
		{"complaints", []int{b.SLA.ComplaintAck, b.SLA.ComplaintMonths, b.SLA.PaymentAnswer, b.SLA.PaymentAfterReply}, []int{10, 2, 15, 35}},
		{"stalled_case", b.StalledAfter.Default, days(5)},
		{"process_loop", b.LoopTimes.Default, 3},
		{"repeated_information", b.RepeatedTimes.Default, 2},
		{"detractor", []float64{b.Detractor.NPS.Default, b.Detractor.CSAT.Default, b.Detractor.CES.Default}, []float64{6, 2, 3}},
		{"unanswered_detractor", b.AnswerWithin.Default, 72 * time.Hour},
		{"tension", b.TensionWithin.Default, rules.Day},
		{"lateness", b.Lateness, 72 * time.Hour},
		{"a quarantine", b.MostEvents, 2000},
		{"opening hours", []any{b.Opening[time.Monday], b.Opening[time.Saturday], b.Timezone, b.Holidays}, []any{rules.Hours{From: 540, To: 1080}, rules.Hours{}, "Europe/Paris", "FR"}},
		{"silos", strings.Join(b.Silos, " "), "customer_service operations it marketing sales branch_network product risk_compliance purchasing logistics finance hr partner"},
		{"rates", []any{b.RatesIllustrative, b.Currency, len(b.HourlyRate)}, []any{true, "EUR", len(b.Silos)}},
		{"kinds", len(b.Precedence), 20},
		{"attribution", b.Attribution, rules.Attribution{ExposedWithin: 90 * rules.Day, LostWithin: 90 * rules.Day, TooFew: 30, LeavingReasons: []string{"cancellation"}, Replicates: 1000, BeforeSignal: 90 * rules.Day}},
		{"segments", []any{len(b.Segments), b.Segments[0].Name, *b.Segments[0].Captive}, []any{1, "captive", true}},
		{"churn", b.Churn, rules.Churn{
			LapseAfter: 90 * rules.Day, RenewalAfter: 30 * rules.Day,
			Silence:    rules.Silence{Gaps: 8, Share: 0.005, Season: [12]float64{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}},
			Experience: rules.Experience{Limit: 12, Weights: [5]float64{0.5, 1, 2, 4, 6}},
			Told:       rules.Told{Moved: 0.1, MovedBy: 0.001, Risk: 0.2, DecayedTo: 0.5, Voice: 60, RiskTimes: 3, Cleared: 0.75},
		}},
		{"a loss", b.LossOf("", 0, false), rules.Loss{Cancelled: true, ValueDown: 0.8, For: 90 * rules.Day}},
		{"owed", []bool{b.Core("delivery.late"), b.Core("")}, []bool{true, true}},
	} {
		if !reflect.DeepEqual(figure.got, figure.want) {
			t.Errorf("%s: %v, expected %v", figure.what, figure.got, figure.want)
		}
	}
}

// TestFaults: everything that is wrong is said at once, with its line, the value and what was expected.
func TestFaults(t *testing.T) {
	const document = `currency: euro
silo: [a]
silos:
  list: [customer_service, it, it]
  hourly_rates: {finance: -1, IT: 3}
minutes:
  by_channel: {fax: 3}
  internal_step: long
reasons:
  default: {normal_path: {contacts: 0, steps: 3}}
  Billing: {silo: finance}
  billing: {silo: Finance, core: maybe}
  zoo.lion: {silo: finance}
breakpoints:
  repeat_contact:
    within: -3d
    except:
      - {channel: pigeon, within: 3d}
      - {within: 3d}
      - {reason: billing}
      - {reason: billing, within: 7 days}
      - {reason: card, limit: 3d}
  long_wait: 3m
  no_such_kind: {}
  stalled_case: {after: 3 days}
  sla_breach: {complaint: {answered_within: 2}}
precedence: [repeat_contact, no_such_kind]
not_measured:
  /crm: [repeat]
calendar:
  timezone: Europe/Paname
  open: {monday: 18:00-09:00, lundi: 09:00-18:00}
  holidays: DE
  closures: [2026-02-30]
technical: {most_events: 0, lateness: [3d]}
`
	_, err := rules.Parse("mine.yaml", []byte(document))
	want := []string{
		`mine.yaml:1: currency: "euro": expected a currency of three capitals (ISO 4217), such as EUR`,
		`mine.yaml:2: silo: there is no such key; expected one of currency, silos, minutes, reasons, breakpoints, precedence, maturity, not_measured, targets, journeys, calendar, calendars, units, `,
		`mine.yaml:4: silos.list: "it" stands there twice`,
		`mine.yaml:5: silos.hourly_rates.finance: "-1": expected an amount, 0 or more`,
		`mine.yaml:5: silos.hourly_rates.IT: "IT": expected the name of a silo in lower case, such as customer_service`,
		`mine.yaml:7: minutes.by_channel.fax: "fax": expected one of phone, email, chat, messaging, store, post, social, field, web, app, bot, ivr, faq, other`,
		`mine.yaml:8: minutes.internal_step: "long": expected minutes, 0 or more`,
		`mine.yaml:10: reasons.default.normal_path.contacts: "0": expected a whole number, 1 or more`,
		`mine.yaml:10: reasons.default.normal_path.steps: there is no such key; expected one of contacts, handoffs, loops, days`,
		`mine.yaml:11: reasons.Billing: "Billing": expected a reason in lower case, such as billing or billing.dispute, or default`,
		`mine.yaml:12: reasons.billing.silo: "Finance": expected the name of a silo in lower case, such as customer_service`,
		`mine.yaml:12: reasons.billing.core: "maybe": expected true or false`,
		`mine.yaml:13: reasons.zoo.lion.silo: there is no such key; expected one of core, normal_path`,
		`mine.yaml:16: breakpoints.repeat_contact.within: "-3d": expected a duration such as 7d, 24h, 3m, 5s or 1d12h`,
		`mine.yaml:18: breakpoints.repeat_contact.except.channel: "pigeon": expected one of phone, email, chat, messaging, store, post, social, field, web, app, bot, ivr, faq, other`,
		`mine.yaml:19: breakpoints.repeat_contact.except: expected what the exception is for: reason, channel, unit, or several of them`,
		`mine.yaml:20: breakpoints.repeat_contact.except: an exception that says no other figure; expected within`,
		`mine.yaml:21: breakpoints.repeat_contact.except.within: "7 days": expected a duration such as 7d, 24h, 3m, 5s or 1d12h`,
		`mine.yaml:22: breakpoints.repeat_contact.except.limit: there is no such key; expected one of reason, channel, unit, within`,
		`mine.yaml:23: breakpoints.long_wait: expected keys with values, not a plain value`,
		`mine.yaml:24: breakpoints.no_such_kind: there is no such key; expected one of repeat_contact, channel_failover, channel_ping_pong, long_wait, queue_abandonment, form_abandonment, sla_breach, stalled_case, process_loop, repeated_information, detractor, unanswered_detractor, tension`,
		`mine.yaml:25: breakpoints.stalled_case.after: "3 days": expected working time such as 1 working day, 5 working days, 1 opening hour or 30 opening minutes, or none`,
		`mine.yaml:26: breakpoints.sla_breach.complaint.answered_within: "2": expected a number of months, such as 2 months`,
		`mine.yaml:27: precedence: "no_such_kind": expected one of core_failure,`,
		`mine.yaml:29: not_measured./crm: "repeat": expected one of core_failure,`,
		`mine.yaml:31: calendar.timezone: "Europe/Paname": expected a time zone of IANA, such as Europe/Paris`,
		`mine.yaml:32: calendar.open.monday: "18:00-09:00": expected opening hours such as 09:00-18:00, or closed`,
		`mine.yaml:32: calendar.open.lundi: there is no such key; expected one of monday, tuesday, wednesday, thursday, friday, saturday, sunday`,
		`mine.yaml:33: calendar.holidays: "DE": expected FR or none`,
		`mine.yaml:34: calendar.closures: "2026-02-30": expected a date such as 2026-12-24`,
		`mine.yaml:35: technical.most_events: "0": expected a whole number, 1 or more`,
		`mine.yaml:35: technical.lateness: expected a duration such as 7d, 24h, 3m, 5s or 1d12h, not a list`,
	}
	agree(t, err, want)
}

// agree: the faults are those, each up to the end of what is expected of it.
func agree(t *testing.T, err error, want []string) {
	t.Helper()
	var faults rules.Faults
	if !errors.As(err, &faults) {
		t.Fatalf("no faults: %v", err)
	}
	for i := range max(len(want), len(faults)) {
		switch {
		case i >= len(want):
			t.Errorf("not expected: %s", faults[i].Error())
		case i >= len(faults):
			t.Errorf("not found: %s", want[i])
		case !strings.HasPrefix(faults[i].Error(), want[i]):
			t.Errorf("%s\nexpected: %s", faults[i].Error(), want[i])
		}
	}
}

// TestFaultsAcross: what keys say of one another.
func TestFaultsAcross(t *testing.T) {
	check := func(document string, want ...string) {
		t.Helper()
		_, err := rules.Parse("mine.yaml", []byte(document))
		agree(t, err, want)
	}
	check("precedence: [sla_breach, sla_breach]\n", `mine.yaml:1: precedence: `)
	check("silos:\n  hourly_rates:\n    zoo: 3\n  last_resort: customer_service\nreasons:\n  card: {silo: bank}\n",
		`mine.yaml:3: silos.hourly_rates.zoo: "zoo" is no silo of silos.list`, `mine.yaml:6: reasons.card.silo: "bank" is no silo of silos.list`)
	check("reasons:\n  zoo.lion: {}\n", `mine.yaml:2: reasons.zoo.lion: its family "zoo" is not in the taxonomy`)
	check("journeys:\n  inactivity_gap: {by_reason: {zoo: 3d}}\n", `mine.yaml:2: journeys.inactivity_gap.by_reason.zoo: "zoo" is no family of reasons`)
	check("breakpoints:\n  tension:\n    except:\n      - {reason: zoo.lion, within: 3d}\n", `mine.yaml:4: breakpoints.tension.except.reason: "zoo.lion" is of no family`)
	check("units: {lyon: shops}\n", `mine.yaml:1: units.lyon: "shops" is no calendar`)
	check("calendars:\n  shops:\n    open: {monday: closed, tuesday: closed, wednesday: closed, thursday: closed, friday: closed}\n",
		`mine.yaml:3: calendars.shops.open: closed all week`)
	check("technical: {held_for: 2d}\n", `mine.yaml:1: technical.held_for: 2d: expected more than the lateness allowed`)
	check("segments:\n  - {captive: maybe}\n  - {name: a, margin: 3}\n  - {name: a, annual_margin_from: -1}\n  - b\n",
		`mine.yaml:2: segments.captive: "maybe": expected true or false`, `mine.yaml:2: segments: a segment without a name`,
		`mine.yaml:3: segments.margin: there is no such key; expected one of name, captive, product, annual_margin_from`,
		`mine.yaml:4: segments.annual_margin_from: "-1": expected an amount, 0 or more`, `mine.yaml:4: segments: "a" stands there twice`,
		`mine.yaml:5: segments: expected keys with values, not a plain value`)
	check("attribution: {replicates: 99}\n", `mine.yaml:1: attribution.replicates: "99": expected a whole number, 100 to 100000`)
	check("currency: EUR\n  x: [\n", `mine.yaml:`)
	check("currency: &a EUR\n", `mine.yaml:1: expected plain YAML`)
	check("currency: EUR\ncurrency: USD\n", `mine.yaml:2: this is no YAML`)
	check("a: 1\n---\nb: 2\n", `mine.yaml:3: expected one document`)
}

// TestOverlay: what a document says is laid over the default, and what a book prints, whole or as the difference, is the book.
func TestOverlay(t *testing.T) {
	book := overlaid(t, someBook)
	for what, got := range map[string][2]any{
		"a family's window":        {book.Repeat.Of(rules.Where{Reason: "credit.mortgage"}), 30 * rules.Day},
		"a full reason's":          {book.Repeat.Of(rules.Where{Reason: "credit.card"}), 2 * rules.Day},
		"a unit's before a reason": {book.Repeat.Of(rules.Where{Reason: "credit.card", Unit: "lyon"}), 4 * rules.Day},
		"everyone else's":          {book.Repeat.Of(rules.Where{Reason: "billing.dispute"}), 7 * rules.Day},
		"a channel left alone":     {book.WaitLimit.Of(rules.Where{Channel: event.Chat}), 2 * time.Minute},
		"a channel changed":        {book.WaitLimit.Of(rules.Where{Channel: event.Phone}), 5 * time.Minute},
		"an exception taken back":  {book.WaitLimit.Of(rules.Where{Channel: event.Store}), time.Duration(0)},
		"a path":                   {book.PathOf("credit.mortgage"), rules.Path{Contacts: 8, Handoffs: 4, Loops: 5, Days: 40}},
		"its family's":             {book.PathOf("credit.other"), rules.Path{Contacts: 1, Handoffs: 4, Loops: 5, Days: 0}},
		"the default's":            {book.PathOf("card.lost"), rules.Path{Contacts: 1, Handoffs: 2, Loops: 5, Days: 0}},
		"periphery":                {[]bool{book.Core("loyalty.points"), book.Core("loyalty.card")}, []bool{false, true}},
		"a family gone":            {book.FamilyToken("moving"), "other"},
		"measured":                 {[]bool{book.Measured("sla_breach", "/crm"), book.Measured("tension", "/crm")}, []bool{false, true}},
		"a target":                 {book.Targets["satisfaction"], 0.855},
		"containers":               {book.Container("file 7"), true},
		"segments":                 {[]any{len(book.Segments), book.Segments[1].Name, book.Segments[1].Product, *book.Segments[1].AnnualMarginFrom}, []any{2, "premium", "fibre", 250.5}},
		"an attribution":           {[]any{book.Attribution.TooFew, book.Attribution.LostWithin, book.Attribution.LeavingReasons}, []any{20, 90 * rules.Day, []string{"cancellation", "moving.out"}}},
	} {
		if !reflect.DeepEqual(got[0], got[1]) {
			t.Errorf("%s: %v, expected %v", what, got[0], got[1])
		}
	}
	friday := event.InstantOf(time.Date(2026, 3, 6, 17, 0, 0, 0, time.UTC)) // 18:00 in Paris
	if a, b := book.CalendarOf("lyon").Due(friday, rules.OpenTime{Time: time.Hour}), book.CalendarOf("paris").Due(friday, rules.OpenTime{Time: time.Hour}); a.Sub(friday) != 17*time.Hour || b.Sub(friday) != 64*time.Hour {
		t.Errorf("an hour after %s ends at %s in lyon, and elsewhere at %s", friday, a, b)
	}
	for _, document := range [][]byte{book.Document(), book.Overlay(rules.Default())} {
		again, err := rules.Parse("again.yaml", document)
		if err != nil || again.Version() != book.Version() {
			t.Errorf("another book is read back: %v\n%s", err, document)
		}
	}
	if n := strings.Count(string(book.Overlay(rules.Default())), "\n"); n > 90 {
		t.Errorf("the difference has %d lines", n)
	}
	if list := rules.Diff(rules.Default(), book); len(list) < 20 || len(rules.Diff(book, book)) != 0 {
		t.Errorf("the difference: %v", list)
	}
}

// TestOverlayByHand: a book whose fields were changed prints what was changed, as `rules suggest` needs it.
func TestOverlayByHand(t *testing.T) {
	book := rules.Default()
	book.Paths["credit.mortgage"] = rules.Path{Contacts: 3, Handoffs: 2, Loops: 2}
	book.Containers = append(book.Containers, "F-1")
	book.NotMeasured = map[string][]string{"/crm": {"sla_breach"}}
	book.Repeat.Except = append(book.Repeat.Except, rules.Exception[time.Duration]{Where: rules.Where{Unit: "lyon"}, Value: rules.Day})
	const want = `reasons:
  credit.mortgage: {normal_path: {contacts: 3, handoffs: 2, loops: 2, days: 0}}
breakpoints:
  repeat_contact:
    except:
      - {unit: lyon, within: 24h}
not_measured:
  /crm: [sla_breach]
journeys:
  containers: [F-1]
`
	var got strings.Builder
	for line := range strings.Lines(string(book.Overlay(rules.Default()))) {
		line, _, _ = strings.Cut(line, "  # ")
		if text := strings.TrimSpace(line); text != "" && text[0] != '#' {
			got.WriteString(strings.TrimRight(line, "\n") + "\n")
		}
	}
	if got.String() != want {
		t.Errorf("printed:\n%s\nexpected:\n%s", got.String(), want)
	}
	if again := overlaid(t, string(book.Overlay(rules.Default()))); again.PathOf("credit.mortgage").Contacts != 3 || !again.Container("F-1") {
		t.Error("read back, it says something else")
	}
	if text := string(rules.Default().Overlay(rules.Default())); strings.Count(text, "\n") != 2 {
		t.Errorf("the default as a difference from itself: %q", text)
	}
}

const someBook = `
silos: {hourly_rates: {it: 70.5, partner: ~}}
reasons:
  default: {normal_path: {loops: 5}}
  moving: ~
  credit: {normal_path: {handoffs: 4}}
  credit.mortgage: {normal_path: {days: 40, contacts: 8}}
  loyalty: {core: false}
  loyalty.card: {core: true}
breakpoints:
  repeat_contact:
    except:
      - {reason: credit, within: 30d}
      - {reason: credit.card, within: 2d}
      - {unit: lyon, within: 4d}
  long_wait:
    except: [{channel: phone, limit: 5m}, {channel: store, limit: ~}]
  channel_ping_pong:
    except: [{channel: phone, switches: 3, within: 12h}]
not_measured: {/crm: [sla_breach]}
targets: {satisfaction: 85.5%, average_wait: 90}
journeys: {inactivity_gap: {by_reason: {credit: 30d}}, containers: ["file 7", "8"]}
calendars: {shops: {open: {saturday: 10:00-20:00}, closures: [2026-12-24]}}
units: {lyon: shops}
segments:
  - {name: captive, captive: true}
  - {name: premium, product: fibre, annual_margin_from: 250.5}
attribution: {too_few: 20, leaving_reasons: [cancellation, moving.out]}
`

func overlaid(t *testing.T, document string) *rules.Book {
	t.Helper()
	book, err := rules.Parse("mine.yaml", []byte(document))
	if err != nil {
		t.Fatal(err)
	}
	return book
}

// TestVersionIsContent: comments, the order of keys, and saying what the default says change nothing; every field of the book
// does.
func TestVersionIsContent(t *testing.T) {
	a := overlaid(t, "currency: CHF\nbreakpoints: {tension: {within: 12h}, process_loop: {times: 4}}\n")
	b := overlaid(t, "# francs\nbreakpoints:\n  process_loop: {times: 4}\n  tension: {within: 12h}\n  repeat_contact: {within: 168h}\ncurrency: CHF\n")
	if a.Version() != b.Version() || a.Version() == rules.Default().Version() {
		t.Errorf("versions %s, %s; of the default %s", a.Version(), b.Version(), rules.Default().Version())
	}
	if v := overlaid(t, "").Version(); v != rules.Default().Version() {
		t.Errorf("an empty document: %s", v)
	}
	typ := reflect.TypeFor[rules.Book]()
	for i := range typ.NumField() {
		if f := typ.Field(i); f.IsExported() {
			book := overlaid(t, someBook)
			before := string(book.Document())
			alter(reflect.ValueOf(book).Elem().Field(i))
			if string(book.Document()) == before {
				t.Errorf("%s is not in the document", f.Name)
			}
		}
	}
}

// alter changes the first figure in a value.
func alter(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.String:
		v.SetString(v.String() + "x")
	case reflect.Bool:
		v.SetBool(!v.Bool())
	case reflect.Int, reflect.Int64:
		v.SetInt(v.Int() + 1e9)
	case reflect.Float64:
		v.SetFloat(v.Float() + 1)
	case reflect.Slice:
		item := reflect.New(v.Type().Elem()).Elem()
		if item.Kind() == reflect.String {
			item.SetString("zebra")
		}
		v.Set(reflect.Append(v, item))
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
	case reflect.Struct:
		for i := range v.NumField() {
			if alter(v.Field(i)) {
				return true
			}
		}
		return false
	default:
		return false
	}
	return true
}

// TestAt: of the books in force at a moment the one published last holds, in whatever order they are put together.
func TestAt(t *testing.T) {
	base, list := rules.Default(), make([]*rules.Book, 4)
	for i := range list {
		list[i] = overlaid(t, fmt.Sprintf("minutes: {internal_step: %d}", i+10))
	}
	publications := []rules.Published{{list[0], 100, 1}, {list[1], 300, 2}, {list[2], 200, 3}, {list[3], 400, 4}}
	want := map[event.Instant]*rules.Book{99: base, 100: list[0], 199: list[0], 200: list[2], 300: list[2], 399: list[2], 400: list[3], 9999: list[3]}
	for _, order := range [][]int{{0, 1, 2, 3}, {3, 2, 1, 0}, {2, 0, 3, 1}, {1, 3, 0, 2}} {
		book := base
		for _, i := range order {
			book = book.With(publications[i].Book, publications[i].From, publications[i].Position)
		}
		for at, expected := range want {
			if got := book.At(at); got.Version() != expected.Version() {
				t.Errorf("order %v: at %d version %s, expected %s", order, at, got.Version(), expected.Version())
			}
		}
		if book.Version() != base.Version() || len(base.Later()) != 0 || len(book.Later()) != 3 {
			t.Errorf("order %v: %d later books, version %s", order, len(book.Later()), book.Version())
		}
	}
}

// TestCanFollow: a book that looks further than what a fold holds cannot be in force in it.
func TestCanFollow(t *testing.T) {
	for document, fits := range map[string]bool{
		"breakpoints: {repeat_contact: {within: 3d}}":               true,
		"silos: {hourly_rates: {it: 99}}":                           true,
		"breakpoints: {repeat_contact: {within: 8d}}":               false,
		"breakpoints: {tension: {except: [{unit: a, within: 9d}]}}": false,
		"reasons: {credit: {normal_path: {days: 300}}}":             false,
		"technical: {lateness: 1d}":                                 false,
		"technical: {held_for: 80d}":                                false,
	} {
		if err := overlaid(t, document).CanFollow(rules.Default()); (err == nil) != fits {
			t.Errorf("%s: %v", document, err)
		}
	}
}

const (
	docsPath  = "../../docs/rules.md"
	keysBegin = "<!-- keys: written by go test ./pipeline/rules -update -->\n"
	keysEnd   = "<!-- end of keys -->"
)

// TestDocs: docs/rules.md lists every key with its default, form and meaning.
func TestDocs(t *testing.T) {
	raw, err := os.ReadFile(docsPath)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, begun := strings.Cut(string(raw), keysBegin)
	old, after, ended := strings.Cut(rest, keysEnd)
	if !begun || !ended {
		t.Fatalf("%s has no place for the keys", docsPath)
	}
	var keys strings.Builder
	keys.WriteString("| key | default | value | meaning |\n| --- | --- | --- | --- |\n")
	for _, k := range rules.Keys() {
		if strings.HasSuffix(k.Name, ".except") {
			continue // said once, in words
		}
		value := k.Default
		if value != "" {
			value = "`" + value + "`"
		}
		fmt.Fprintf(&keys, "| `%s` | %s | %s | %s |\n", k.Name, value, k.Expected, k.Doc)
	}
	switch {
	case *update:
		if err := os.WriteFile(docsPath, []byte(before+keysBegin+keys.String()+keysEnd+after), 0o600); err != nil {
			t.Fatal(err)
		}
	case old != keys.String():
		t.Errorf("%s does not list the keys as they are (go test ./pipeline/rules -update writes them)", docsPath)
	}
	if _, err := rules.Parse("the example", []byte(example(t, string(raw)))); err != nil {
		t.Errorf("the example of %s: %v", docsPath, err)
	}
}

// example is the first YAML in a page.
func example(t *testing.T, page string) string {
	t.Helper()
	_, rest, _ := strings.Cut(page, "```yaml\n")
	text, _, found := strings.Cut(rest, "```")
	if !found {
		t.Fatal("no example")
	}
	return text
}

// TestDiffFilled: a key that is empty in one book and filled in the other is not said to be taken away.
func TestDiffFilled(t *testing.T) {
	filled, err := rules.Parse("filled", []byte("reasons: {credit: {core: false}}\ncalendars: {shops: {open: {saturday: 10:00-19:00}}}\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, list := range [][]rules.Difference{rules.Diff(rules.Default(), filled), rules.Diff(filled, rules.Default())} {
		if len(list) == 0 {
			t.Error("the two do not differ")
		}
		for _, d := range list {
			if d.A == "{}" || d.B == "{}" {
				t.Errorf("%+v", d)
			}
		}
	}
}
