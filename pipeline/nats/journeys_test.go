package nats_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"parcours/pipeline"
	"parcours/pipeline/nats"
)

// tale is what one deployment tells, message by message.
type tale struct {
	t       *testing.T
	s       *site
	b       *nats.Bus
	ordinal uint32
}

func newTale(t *testing.T) *tale {
	s := newSite(t)
	l := &tale{t: t, s: s, b: s.provisioned()}
	for p := range 4 {
		claim(t, l.b, p)
	}
	return l
}

// tell tells a message of a partition, such as "journey.stepped" of a family about an id.
func (l *tale) tell(partition int, typ, kind, family, id, data string) {
	l.t.Helper()
	group, _, _ := strings.Cut(typ, ".")
	tokens := strings.Split(typ, ".")
	if kind != "" {
		tokens = append(tokens, kind)
	}
	if group == "churn" {
		group = "signal"
	}
	body := fmt.Sprintf(`{"specversion":"1.0","id":"%d","type":%q,"data":{"%s_id":%q,%s}}`, l.ordinal, typ, group, id, data)
	if !json.Valid([]byte(body)) {
		l.t.Fatal(body)
	}
	l.ordinal++
	m := pipeline.Told{Place: pipeline.Place{Generation: 1, Position: 1, Ordinal: l.ordinal}, ID: fmt.Sprint(l.ordinal), Type: typ, About: id,
		Tokens: append(tokens, family), Body: []byte(body)}
	if err := l.b.Tell(l.t.Context(), partition, []pipeline.Told{m}); err != nil {
		l.t.Fatal(err)
	}
}

func (l *tale) digest() (d struct{ facts, held, exact, net uint64 }) {
	l.t.Helper()
	var err error
	if d.facts, d.exact, err = l.b.JourneysDigest(l.t.Context(), false); err != nil {
		l.t.Fatal(err)
	}
	if d.held, d.net, err = l.b.JourneysDigest(l.t.Context(), true); err != nil {
		l.t.Fatal(err)
	}
	return d
}

// How often, in which order and in which partition the same was told does not matter, nor who claimed in between.
func TestJourneysDigestOfTheSame(t *testing.T) {
	long, short := newTale(t), newTale(t)
	long.tell(0, "journey.opened", "", "billing", "j1", `"steps":1,"position":3`)
	long.tell(0, "journey.stepped", "", "billing", "j1", `"steps":2,"position":4`)
	long.tell(3, "journey.opened", "", "billing", "j2", `"steps":1,"position":5`)
	claim(t, long.b, 0)
	long.tell(0, "breakpoint.detected", "repeat_contact", "billing", "b1", `"cost":1.50,"evidence":[1,{"b":2,"a":1}],"position":9`)
	long.tell(0, "journey.closed", "", "billing", "j1", `"steps":3,"position":9`)

	short.tell(1, "journey.stepped", "", "billing", "j2", `"position":5,"steps":1`)
	short.tell(0, "journey.opened", "", "billing", "j1", `"steps":3,"position":9`)
	short.tell(0, "breakpoint.detected", "repeat_contact", "billing", "b1", `"position":9,"evidence":[1,{"a":1,"b":2}],"cost":1.50`)

	a, b := long.digest(), short.digest()
	if a != b || a.facts != 3 || a.held != 3 || a.exact == 0 || a.net == 0 || a.exact == a.net {
		t.Errorf("%+v, %+v", a, b)
	}
}

// Each of these is another tale, exactly or also net.
func TestJourneysDigestOfAnother(t *testing.T) {
	l := newTale(t)
	if d := l.digest(); d.facts+d.held+d.exact+d.net != 0 {
		t.Errorf("nothing was told: %+v", d)
	}
	l.tell(0, "journey.opened", "", "billing", "j1", `"steps":1,"position":3`)
	l.tell(2, "breakpoint.detected", "repeat_contact", "billing", "b1", `"cost":1,"position":3`)
	before := l.digest()
	step := func(what string, exact, net bool, facts, held uint64) {
		t.Helper()
		after := l.digest()
		if (after.exact != before.exact) != exact || (after.net != before.net) != net || after.facts != facts || after.held != held {
			t.Errorf("%s: %+v, before %+v", what, after, before)
		}
		before = after
	}
	l.tell(0, "journey.stepped", "", "billing", "j1", `"steps":1,"position":3`)
	step("the same again", false, false, 2, 2)
	l.tell(0, "journey.stepped", "", "billing", "j1", `"steps":1,"position":4`)
	step("a position", true, false, 2, 2)
	l.tell(0, "journey.stepped", "", "billing", "j1", `"steps":2,"position":4`)
	step("what it says", true, true, 2, 2)
	l.tell(2, "breakpoint.detected", "silo_bounce", "billing", "b1", `"cost":1,"position":3`)
	step("another kind", true, true, 3, 3)
	l.tell(2, "breakpoint.retracted", "silo_bounce", "billing", "b1", `"position":5`)
	step("a retraction", true, true, 3, 2)
	l.tell(1, "breakpoint.retracted", "silo_bounce", "sales", "b9", `"position":5`)
	step("a retraction of nothing", true, false, 4, 2)
	l.tell(2, "breakpoint.detected", "silo_bounce", "billing", "b1", `"cost":1,"position":7`)
	step("found again", true, true, 4, 3)
	l.tell(0, "journey.retracted", "", "billing", "j1", `"position":8`)
	l.tell(0, "journey.opened", "", "sales", "j1", `"steps":2,"position":8`)
	step("another family", true, true, 5, 3)
	l.tell(0, "journey.retracted", "", "sales", "j1", `"position":9`)
	l.tell(3, "journey.opened", "", "sales", "j1", `"steps":2,"position":10`)
	step("another home", true, false, 6, 3)
}

// A number is the number that was written, however large.
func TestJourneysDigestOfNumbers(t *testing.T) {
	l := newTale(t)
	l.tell(0, "journey.opened", "", "billing", "j1", `"steps":9007199254740993`)
	one := l.digest()
	l.tell(0, "journey.stepped", "", "billing", "j1", `"steps":9007199254740992`)
	if two := l.digest(); one.net == two.net || one.exact == two.exact {
		t.Errorf("%+v, %+v", one, two)
	}
}

// The stream may begin late, have gaps, and end before its last sequence.
func TestJourneysDigestOfWhatIsLeft(t *testing.T) {
	l := newTale(t)
	for n := range 10 {
		l.tell(0, "journey.opened", "", "billing", fmt.Sprint("j", n), `"steps":1`)
	}
	own := stream(t, l.s, "JOURNEYS_0")
	for _, sequence := range []uint64{1, 2, 5, 11} {
		if err := own.DeleteMsg(t.Context(), sequence); err != nil {
			t.Fatal(err)
		}
	}
	if d := l.digest(); d.facts != 7 || d.held != 7 {
		t.Errorf("%+v", d)
	}
}

// No digest is given of what cannot be read to its end, or understood.
func TestJourneysDigestFaults(t *testing.T) {
	s := newSite(t)
	b := s.bus(func(c *nats.Config) { c.AckTimeout = time.Second })
	fails := func(what string, away bool) {
		t.Helper()
		if n, digest, err := b.JourneysDigest(t.Context(), true); err == nil || n+digest != 0 || errors.Is(err, pipeline.ErrLogAway) != away {
			t.Errorf("%s: %d, %d, %v", what, n, digest, err)
		}
	}
	fails("no streams", false)
	s.provisioned()
	for _, bad := range [][2]string{{"journey.opened.billing", `{"data":{}}`}, {"journey.opened.billing", "{"}, {"something", "{}"}} {
		ack, err := jetStream(t, s).Publish(t.Context(), "cx.journeys.2."+bad[0], []byte(bad[1]))
		if err != nil {
			t.Fatal(err)
		}
		fails(bad[0]+" "+bad[1], false)
		if err := stream(t, s, "JOURNEYS_2").DeleteMsg(t.Context(), ack.Sequence); err != nil {
			t.Fatal(err)
		}
	}
	s.stop()
	fails("no server", true)
}

// A churn signal that is cleared is a fact, one that was retracted is none, and one as known is in no net digest.
func TestJourneysDigestOfChurnSignals(t *testing.T) {
	l := newTale(t)
	l.tell(0, "churn.signalled", "silence", "all", "s1", `"value":61,"position":3`)
	one := l.digest()
	l.tell(1, "churn.signalled", "risk", "all", "s2", `"value":0.2,"position":4`)
	if d := l.digest(); d.facts != 2 || d.held != 1 || d.net != one.net || d.exact == one.exact {
		t.Errorf("a signal as known: %+v, before %+v", d, one)
	}
	l.tell(0, "churn.cleared", "silence", "all", "s1", `"why":"returned","position":5`)
	if d := l.digest(); d.held != 1 || d.net == one.net {
		t.Errorf("cleared: %+v, before %+v", d, one)
	}
	l.tell(0, "churn.cleared", "silence", "all", "s1", `"why":"retracted","position":6`)
	if d := l.digest(); d.facts != 2 || d.held != 0 || d.net != 0 {
		t.Errorf("retracted: %+v", d)
	}
}
