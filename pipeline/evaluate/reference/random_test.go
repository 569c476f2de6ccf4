package reference_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"parcours/pipeline/event"
	"parcours/pipeline/scenario"
)

// chance makes random histories of one home that are full of edges: few cases, contacts and reasons, and times that are
// whole hours, days or a millisecond off.
type chance struct {
	*rand.Rand
	opened map[string]bool // cases
}

func (c chance) of(list ...string) string { return list[c.IntN(len(list))] }

// maybe is a field with one of the values, or none.
func (c chance) maybe(share float64, name string, values ...string) string {
	if c.Float64() > share {
		return ""
	}
	return " " + name + "=" + c.of(values...)
}

func (c chance) history(events int) string {
	zone := time.FixedZone("", 0)
	at := time.Date(2026, 3, 2, 9, 0, 0, 0, zone).Add(time.Duration(c.IntN(14)) * 24 * time.Hour)
	var b strings.Builder
	for range events {
		switch c.IntN(4) {
		case 0:
			at = at.Add(time.Duration(c.IntN(10)) * time.Minute)
		case 1:
			at = at.Add(time.Duration(c.IntN(10)) * time.Hour)
		case 2:
			at = at.Add(time.Duration(c.IntN(3)) * 24 * time.Hour)
		case 3:
			at = at.Add(time.Duration(c.IntN(8)) * 24 * time.Hour / 4)
		}
		b.WriteString(at.Format("2006-01-02 15:04 ") + c.event(at) + "\n")
	}
	return b.String()
}

func (c chance) event(at time.Time) string {
	reason := c.maybe(0.6, "reason", "billing.dispute", "billing.dispute", "billing.question", "delivery.late", "unknown")
	silo := c.maybe(0.7, "silo", "customer_service", "finance", "it", "logistics") + c.maybe(0.5, "unit", "u1", "u2")
	inCase := c.maybe(0.25, "case", "C1", "C2")
	common := reason + silo + c.maybe(0.1, "customer", "c2", "-")
	meeting := c.of("", " contact=k1 channel=phone", " contact=k2 channel=phone direction=in", " contact=k3 channel=store", " contact=k4 channel=chat",
		" contact=k5 channel=phone direction=callback")
	contact := c.maybe(0.9, "contact", "k1", "k2", "k3", "k4", "k5")
	due := " due=" + at.Add(time.Duration(c.IntN(100))*time.Hour).Format("2006-01-02T15:04")
	switch c.IntN(12) {
	case 0, 1, 2, 3:
		typ := c.of("started", "queued", "answered", "ended", "ended", "abandoned", "refused", "transferred")
		line := "contact." + typ + meeting + inCase + common
		if typ == "transferred" {
			line += " to_silo=" + c.of("finance", "it", "logistics", "customer_service")
		}
		return line + c.maybe(0.2, "wait_s", "3", "100", "200", "1000") + c.maybe(0.2, "talk_s", "0", "60") + c.maybe(0.2, "resolved", "true", "false")
	case 4, 5:
		return c.of("message.received", "message.replied") + c.of("", " channel=email", " contact=m1 channel=email", " contact=m2 channel=messaging") + inCase + common
	case 6, 7:
		id := c.of("C1", "C2", "C3")
		typ := c.of("waiting", "resumed", "escalated", "resolved", "reopened", "closed")
		if !c.opened[id] && c.IntN(10) > 0 {
			typ = "opened"
		}
		c.opened[id] = true
		line := "case." + typ + " case=" + id + common + c.maybe(0.2, "contact", "k1", "k2")
		if typ == "waiting" {
			line += c.maybe(0.9, "on", "customer", "partner", "company")
		}
		return line
	case 8:
		return c.of("form.started", "form.failed", "form.submitted") + " form=" + c.of("f", "g") + " kind=service channel=web" + reason
	case 9:
		return c.of("bot.answered", "search.performed", "page.viewed", "transaction.completed") + c.maybe(0.5, "contact", "b1", "k1") + reason
	case 10:
		typ := c.of("filed", "acknowledged", "answered", "escalated", "closed")
		line := "complaint." + typ + c.maybe(0.7, "case", "P1", "P1", "P2", "C1") + common
		if typ == "escalated" {
			line += " to=" + c.of("management", "mediator")
		}
		return line + c.maybe(0.2, "regime", "payment")
	}
	switch c.IntN(8) {
	case 0:
		return "survey.answered nps=" + c.of("2", "9") + c.maybe(0.7, "contact", "k1", "k2") + " kind=transactional"
	case 1:
		return "outreach.sent" + reason
	case 2:
		return "information.repeated" + contact
	case 3:
		return "step.performed activity=" + c.of("check", "ask") + silo + inCase
	case 4:
		return "promise.made promise=" + c.of("p1", "p2") + due + c.maybe(0.6, "act", "callback", "reply", "delivery", "resolution") + contact
	case 5:
		return "promise.kept promise=" + c.of("p1", "p2") + contact
	case 6:
		return c.of("order.placed"+due, "order.delivered", "appointment.made"+due, "appointment.missed by=company") +
			c.maybe(0.5, "case", "O1") + c.maybe(0.5, "product", "box")
	}
	return c.of("incivility.reported", "praise.received", "payment.failed by=company", "contract.cancelled") + contact
}

// How many of the random histories may differ: as many as do, so that it can only become fewer.
const (
	mostOtherJourneys = 28
	mostOtherEnds     = 0
	mostDifferent     = 11
)

// TestAgreesOnRandomHistories: both sides make the same journeys of a random history, end them alike, and find the same in it, as
// severe and charged the same steps; in all but a few: such histories are full of what the rules leave open (docs/evaluate.md).
func TestAgreesOnRandomHistories(t *testing.T) {
	script, err := scenario.New()
	if err != nil {
		t.Fatal(err)
	}
	failed, journeyed, endings := 0, 0, 0
	for seed := range uint64(2000) {
		c := chance{rand.New(rand.NewPCG(seed, 1)), map[string]bool{}}
		text := c.history(3 + c.IntN(15))
		events, clock, err := script.History(text, "")
		if err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, text)
		}
		clock += event.Instant(c.IntN(20)) * 24 * 3600 * 1000
		fold, reference := journeys(t, events, clock)
		if !alike(fold, reference) {
			journeyed++
			continue
		}
		if !maps.Equal(fold, reference) {
			if endings++; endings < 5 {
				t.Logf("seed %d:\n%sthe fold: %v\nthe reference: %v", seed, text, fold, reference)
			}
		}
		if lines := difference(t, events, clock, agreed); len(lines) > 0 {
			if failed++; failed < 5 {
				t.Logf("seed %d:\n%s%s", seed, text, fmt.Sprint(strings.Join(lines, "\n")))
			}
		}
	}
	t.Logf("%d of 2000 histories have other journeys; of those with the same, %d end otherwise, and %d differ in what broke", journeyed, endings, failed)
	if journeyed > mostOtherJourneys || endings > mostOtherEnds || failed > mostDifferent {
		t.Errorf("expected at most %d, %d and %d", mostOtherJourneys, mostOtherEnds, mostDifferent)
	}
}
