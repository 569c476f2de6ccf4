package breakpoint_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"parcours/pipeline/breakpoint"
	"parcours/pipeline/event"
	"parcours/pipeline/journey"
	"parcours/pipeline/rules"
	"parcours/pipeline/scenario"
)

// detect folds a history as of a clock ("" for its last event) under a book.
func detect(t *testing.T, book *rules.Book, text, clock string) breakpoint.Findings {
	t.Helper()
	tests, err := scenario.New()
	if err != nil {
		t.Fatal(err)
	}
	events, at, err := tests.History(text, clock)
	if err != nil {
		t.Fatal(err)
	}
	return breakpoint.Detect(journey.Fold(events, nil, at, book), at, book)
}

// kinds are those of what broke, in order.
func kinds(f breakpoint.Findings) (list []string) {
	for i := range f.Breakpoints {
		list = append(list, f.Breakpoints[i].Kind)
	}
	return list
}

// chances are the opportunities of a kind.
func chances(f breakpoint.Findings, kind string) (list []breakpoint.Opportunity) {
	for _, of := range f.Opportunities {
		for i := range of {
			if of[i].Kind == kind {
				list = append(list, of[i])
			}
		}
	}
	return list
}

// TestRecorderIsBlameless: whoever records a complaint or an incivility is not named by what breaks for it, nor is what
// breaks counted under a unit at all.
func TestRecorderIsBlameless(t *testing.T) {
	const complaint = `
		2026-03-02 10:00 contact.answered contact=k1 channel=chat silo=customer_service unit=lyon reason=billing.dispute
		2026-03-02 10:05 incivility.reported contact=k1 silo=customer_service unit=lyon
		2026-03-03 11:00 complaint.filed silo=customer_service unit=lyon reason=billing.dispute
		2026-03-03 12:00 complaint.escalated silo=risk_compliance unit=legal to=court reason=billing.dispute`
	for name, c := range map[string]struct{ text, unit string }{
		"nobody else was there":      {complaint, ""},
		"another was there before":   {"2026-03-02 09:00 step.performed silo=finance unit=paris reason=billing.dispute" + complaint, "paris"},
		"another says it was unkind": {"2026-03-02 09:00 incivility.reported silo=finance unit=paris" + complaint, ""},
	} {
		f := detect(t, rules.Default(), c.text, "")
		for i := range f.Breakpoints {
			b := &f.Breakpoints[i]
			if b.Unit != c.unit || b.Silo != "finance" {
				t.Errorf("%s: %s is of unit %q and silo %s, expected %q and finance", name, b.Kind, b.Unit, b.Silo, c.unit)
			}
		}
		if got, want := kinds(f), []string{"tension", "complaint_escalation"}; !slices.Equal(got, want) {
			t.Errorf("%s: %v, expected %v", name, got, want)
		}
		for _, o := range append(chances(f, "tension"), chances(f, "complaint_escalation")...) {
			if o.Unit != "" {
				t.Errorf("%s: an opportunity of %s is counted under %s", name, o.Kind, o.Unit)
			}
		}
	}
}

// TestDetractorIsOfTheContactSurveyed: both the answer and what broke count for who was surveyed; silence after it for nobody's
// unit.
func TestDetractorIsOfTheContactSurveyed(t *testing.T) {
	f := detect(t, rules.Default(), `
		2026-03-02 10:00 contact.ended contact=k1 channel=chat silo=finance unit=paris reason=billing.dispute
		2026-03-02 11:00 survey.answered contact=k1 kind=transactional nps=2 channel=email silo=marketing unit=surveys`, "2026-03-12T00:00")
	if got, want := kinds(f), []string{"detractor", "unanswered_detractor"}; !slices.Equal(got, want) {
		t.Fatalf("%v, expected %v", got, want)
	}
	answer, silence := f.Breakpoints[0], f.Breakpoints[1]
	if answer.Silo != "finance" || answer.Unit != "paris" || answer.Channel != event.Chat {
		t.Errorf("the answer is of %s %s %s", answer.Silo, answer.Unit, answer.Channel)
	}
	if silence.Silo != "customer_service" || silence.Unit != "" {
		t.Errorf("the silence is of %s %q", silence.Silo, silence.Unit)
	}
	if o := chances(f, "detractor")[0]; o.Silo != "finance" || o.Unit != "paris" || o.Channel != event.Chat || !o.Broken {
		t.Errorf("the answer counts as %+v", o)
	}
	if o := chances(f, "unanswered_detractor")[0]; o.Silo != "customer_service" || o.Unit != "" || !o.Broken ||
		o.MaturesAt != o.At.Add(72*time.Hour) {
		t.Errorf("the silence counts as %+v", o)
	}
}

// owed is a history in which most of what is owed fails.
const owed = `
	2026-03-02 10:00 payment.failed by=company reason=payment.card
	2026-03-02 10:10 payment.failed by=customer reason=payment.card
	2026-03-02 10:20 transaction.completed reason=payment.card
	2026-03-02 10:30 appointment.made due=2026-03-05T10:00 reason=installation.fibre
	2026-03-02 10:40 order.placed product=sofa due=2026-03-04T10:00 reason=delivery.new
	2026-03-02 10:50 order.placed product=lamp reason=delivery.new
	2026-03-02 11:00 incident.started reason=network.outage
	2026-03-05 12:00 appointment.missed by=company reason=installation.fibre`

// TestCoreFailuresAreOutOf: what is owed counts once, at its own date, whether it failed or not; an incident is no opportunity.
func TestCoreFailuresAreOutOf(t *testing.T) {
	f := detect(t, rules.Default(), owed, "2026-03-06T00:00")
	broken := 0
	for _, o := range chances(f, "core_failure") {
		if o.Broken {
			broken++
		}
	}
	if n := len(chances(f, "core_failure")); n != 5 || broken != 3 {
		t.Errorf("%d of %d opportunities broke, expected 3 of 5", broken, n)
	}
	incidents := 0
	for i := range f.Breakpoints {
		if b := &f.Breakpoints[i]; b.Journey == nil {
			incidents++
			if b.OpportunityAt != b.Origin.At || b.Cost != 0 || b.Reason != "network.outage" {
				t.Errorf("the incident is %+v", b)
			}
		}
	}
	if len(f.Breakpoints) != 4 || incidents != 1 {
		t.Errorf("found %v, of which %d incidents; expected 4 and 1", kinds(f), incidents)
	}
}

// TestPeripheryIsNotOwed: a reason that is periphery is neither broken nor counted, an incident included.
func TestPeripheryIsNotOwed(t *testing.T) {
	book := rules.Default()
	book.Periphery = []string{"payment", "network", "delivery.new"}
	f := detect(t, book, owed, "2026-03-06T00:00")
	if got := kinds(f); !slices.Equal(got, []string{"core_failure"}) || f.Breakpoints[0].Reason != "installation.fibre" {
		t.Errorf("found %v, expected the appointment only", got)
	}
	if n := len(chances(f, "core_failure")); n != 1 {
		t.Errorf("%d opportunities, expected that of the appointment", n)
	}
}

// TestNotMeasured: where a source cannot support a kind it is neither zero nor broken.
func TestNotMeasured(t *testing.T) {
	mine := []string{"process_loop", "repeated_information", "core_failure", "complaint_escalation", "detractor",
		"unanswered_detractor", "tension", "unresolved_end"}
	measured, blind := rules.Default(), rules.Default()
	blind.NotMeasured = map[string][]string{"/a": mine, "/b": mine}
	found := map[string]int{}
	for seed := uint64(1); seed <= 100; seed++ {
		events := years(rand.New(rand.NewPCG(seed, 12)))
		end := events[len(events)-1].At.Add(100 * rules.Day)
		for _, k := range kinds(breakpoint.Detect(journey.Fold(events, nil, end, measured), end, measured)) {
			found[k]++
		}
		f := breakpoint.Detect(journey.Fold(events, nil, end, blind), end, blind)
		for _, k := range mine {
			if n := len(chances(f, k)); n > 0 || slices.Contains(kinds(f), k) {
				t.Fatalf("seed %d: %s has %d opportunities", seed, k, n)
			}
		}
	}
	for _, k := range mine {
		if found[k] == 0 {
			t.Errorf("%s is never found where it is measured", k)
		}
	}
}

// TestLimitsAreTheRules: what the scripts test with the defaults follows the book, exceptions and normal paths included.
func TestLimitsAreTheRules(t *testing.T) {
	const loop = `
		2026-03-02 10:00 step.performed activity=check silo=finance reason=billing.dispute
		2026-03-02 11:00 step.performed activity=pay silo=finance reason=billing.dispute
		2026-03-02 12:00 step.performed activity=check silo=finance reason=billing.dispute
		2026-03-02 13:00 step.performed activity=pay silo=finance reason=billing.dispute
		2026-03-02 14:00 step.performed activity=check silo=finance reason=billing.dispute`
	const voices = `
		2026-03-02 10:00 contact.answered contact=k1 channel=chat unit=paris reason=billing.dispute
		2026-03-02 10:05 information.repeated contact=k1
		2026-03-02 11:00 survey.answered contact=k1 kind=transactional nps=6
		2026-03-02 12:00 complaint.filed reason=billing.dispute
		2026-03-03 12:00 complaint.answered reason=billing.dispute
		2026-03-04 11:00 outreach.sent contact=k1`
	billing := rules.Where{Reason: "billing"}
	for name, c := range map[string]struct {
		text   string
		change func(*rules.Book)
		want   []string
	}{
		"the defaults": {loop, func(*rules.Book) {}, []string{"process_loop"}},
		"a path with three loops is normal": {loop, func(b *rules.Book) {
			b.Paths = map[string]rules.Path{"billing": {Loops: 3}, "": {Loops: 2}}
		}, nil},
		"four times for billing": {loop, func(b *rules.Book) {
			b.LoopTimes.Except = []rules.Exception[int]{{Where: billing, Value: 4}}
		}, nil},
		"the defaults for what is said": {voices, func(*rules.Book) {}, []string{"detractor", "tension"}},
		"once is too often for billing": {voices, func(b *rules.Book) {
			b.RepeatedTimes.Except = []rules.Exception[int]{{Where: billing, Value: 1}}
		}, []string{"repeated_information", "detractor", "tension"}},
		"a detractor gives 5": {voices, func(b *rules.Book) { b.Detractor.NPS.Default = 5 }, nil},
		"two signals within 59 minutes for billing": {voices, func(b *rules.Book) {
			b.TensionWithin.Except = []rules.Exception[time.Duration]{{Where: billing, Value: 59 * time.Minute}}
		}, []string{"detractor"}},
		"an answer within a day for billing": {voices, func(b *rules.Book) {
			b.AnswerWithin.Except = []rules.Exception[time.Duration]{{Where: billing, Value: 24 * time.Hour}}
		}, []string{"detractor", "tension", "unanswered_detractor"}},
	} {
		book := rules.Default()
		c.change(book)
		if got := kinds(detect(t, book, c.text, "")); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, expected %v", name, got, c.want)
		}
	}
}
