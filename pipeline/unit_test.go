package pipeline

import (
	"math"
	"reflect"
	"testing"

	"parcours/pipeline/breakpoint"
	"parcours/pipeline/event"
	"parcours/pipeline/journey"
)

// notHeld are the fields of an event that its state does without: they stand in the log.
var notHeld = map[string]bool{"Subject": true, "Identifiers": true, "Extra": true, "Mode": true, "Partitions": true}

// TestUnitKeeps: a packed unit gives back everything that the fold reads, every field of an event included: a field that is
// added to events must be packed, or be listed above.
func TestUnitKeeps(t *testing.T) {
	full := event.Event{Home: "c000102030405060708090a0b0c0d0e0f"}
	fill(reflect.ValueOf(&full).Elem(), 1)
	full.Home = "c000102030405060708090a0b0c0d0e0f"
	bare := event.Event{Home: full.Home, ID: "b", At: full.At + 1}
	own := event.Event{Home: full.Home, ID: "o", At: full.At + 2}
	own.Data.Customer = full.Home
	odd := -1.5
	own.Data.Value = &odd
	u := &unit{home: full.Home}
	for _, e := range []*event.Event{&full, &bare, &own} {
		u.insert(e, event.Fingerprint(e.Source, e.ID))
	}
	u.steps[1].said = said{7, 8}
	u.journeys = []journeyMemo{{said{1, 2}, journey.ID("x"), 5, "billing", []*event.Event{u.events[0], u.events[2]},
		journeyState{journey.Resolved, journey.ByCase, 9, journey.CutGap, 3, 1 << 63}}}
	b := breakpointMemo{said{3, 4}, journey.ID("b"), "sla_breach", "billing", journey.ID("x"), -6, -5, 3, KnownRow{}, false}
	u.breakpoints = []breakpointMemo{b, b, b}
	u.breakpoints[1].known = KnownRow{u.home, -5, "billing", 3}
	u.breakpoints[2].said, u.breakpoints[2].known, u.breakpoints[2].gone = said{}, KnownRow{u.home, -7, "delivery", 5}, true
	u.retired = []aliasMemo{{said{math.MaxUint64, 6}, "not a hash", 7, true}}
	u.past = []journey.Past{{CustomerID: u.home, Family: "f", Case: "k", Last: 3}, {CustomerID: "other", Last: -4}}
	dict := newDictionary(nil)
	p := packer{dict: dict}
	u.pack(&p)
	for _, size := range []int{0, 64} {
		got, err := unpackUnit(string(p.b), newDictionary(dict.words), make([]event.Event, size))
		if err != nil {
			t.Fatal(err)
		}
		again := packer{dict: dict}
		if got.pack(&again); string(again.b) != string(p.b) {
			t.Errorf("a unit is packed again as\n%x\nexpected\n%x", again.b, p.b)
		}
		for i := range got.steps {
			got.steps[i].written = written{} // says nothing of the unit
		}
		if !reflect.DeepEqual(got, u) {
			t.Errorf("a unit comes back as\n%+v\nexpected\n%+v", got, u)
			for i := range u.events {
				t.Logf("%+v\n%+v", *got.events[i], *u.events[i])
			}
		}
	}
	for cut := range p.b {
		if _, err := unpackUnit(string(p.b[:cut]), newDictionary(dict.words), nil); err == nil {
			t.Fatalf("a unit cut after %d of %d bytes is read without an error", cut, len(p.b))
		}
	}
}

// An event is copied as it was packed only while the one before it is of the same time.
func TestUnitPacksAnewAfterAnotherEvent(t *testing.T) {
	event1, event2 := event.Event{Home: "h", ID: "a", At: 1000}, event.Event{Home: "h", ID: "c", At: 5000}
	between := event.Event{Home: "h", ID: "b", At: 3000}
	u := &unit{home: "h"}
	for _, e := range []*event.Event{&event1, &event2} {
		u.insert(e, event.Fingerprint(e.Source, e.ID))
	}
	dict := newDictionary(nil)
	packed := packer{dict: dict}
	u.pack(&packed)
	got, err := unpackUnit(string(packed.b), dict, nil)
	if err != nil {
		t.Fatal(err)
	}
	print := event.Fingerprint(between.Source, between.ID)
	got.insert(&between, print)
	u.insert(&between, print)
	anew, copied := packer{dict: dict}, packer{dict: dict}
	u.pack(&anew)
	if got.pack(&copied); string(copied.b) != string(anew.b) {
		t.Errorf("packed with copies as\n%x\nexpected\n%x", copied.b, anew.b)
	}
}

// fill sets every field that is held to something of its own.
func fill(v reflect.Value, n int64) int64 {
	for i := range v.NumField() {
		if f := v.Field(i); !notHeld[v.Type().Field(i).Name] {
			n = fillOne(f, n+1)
		}
	}
	return n
}

func fillOne(f reflect.Value, n int64) int64 {
	switch f.Kind() {
	case reflect.String:
		f.SetString(string(rune('a'+n%26)) + reflect.TypeOf(n).String())
	case reflect.Int64:
		f.SetInt(1000 + n)
	case reflect.Bool:
		f.SetBool(true)
	case reflect.Struct:
		return fill(f, n)
	case reflect.Slice:
		f.Set(reflect.MakeSlice(f.Type(), 2, 2))
		for i := range 2 {
			n = fillOne(f.Index(i), n+1)
		}
	case reflect.Pointer:
		f.Set(reflect.New(f.Type().Elem()))
		if f.Elem().Kind() == reflect.Float64 {
			f.Elem().SetFloat(float64(n) + 0.25*float64(n%2))
		} else {
			n = fillOne(f.Elem(), n)
		}
	default:
		panic("fill a " + f.Kind().String())
	}
	return n
}

// A journey of the same steps in the same state is passed over by the writer: its opportunities are part of the state.
func TestStateKnowsItsOpportunities(t *testing.T) {
	j := &journey.Journey{}
	chances := []breakpoint.Opportunity{{Kind: "a"}, {Kind: "b"}}
	seen := map[journeyState]bool{stateOf(j, 0, nil, nil): true, stateOf(j, 0, chances, nil): true}
	for i, change := range []func(*breakpoint.Opportunity){
		func(o *breakpoint.Opportunity) { o.Kind = "c" }, func(o *breakpoint.Opportunity) { o.At = 1 },
		func(o *breakpoint.Opportunity) { o.MaturesAt = 1 }, func(o *breakpoint.Opportunity) { o.Reason = "r" },
		func(o *breakpoint.Opportunity) { o.Silo = "r" }, func(o *breakpoint.Opportunity) { o.Unit = "r" },
		func(o *breakpoint.Opportunity) { o.Channel = "r" }, func(o *breakpoint.Opportunity) { o.Broken = true },
	} {
		before := chances[1]
		change(&chances[1])
		if s := stateOf(j, 0, chances, nil); seen[s] {
			t.Errorf("change %d of an opportunity is not seen", i)
		} else {
			seen[s] = true
		}
		chances[1] = before
	}
}

// Nor is one passed over of which only a contact that ended reads otherwise.
func TestStateKnowsItsContactsEnded(t *testing.T) {
	j, yes, no := &journey.Journey{}, true, false
	ended := []breakpoint.ContactEnded{{At: 1}, {At: 2}}
	seen := map[journeyState]bool{stateOf(j, 0, nil, nil): true, stateOf(j, 0, nil, ended): true}
	type contact = breakpoint.ContactEnded
	for i, change := range []func(*contact){
		func(c *contact) { c.At = 3 }, func(c *contact) { c.MaturesAt = 1 }, func(c *contact) { c.Reason = "r" },
		func(c *contact) { c.Silo = "r" }, func(c *contact) { c.Unit = "r" }, func(c *contact) { c.Channel = "r" },
		func(c *contact) { c.First = true }, func(c *contact) { c.BackSame = true }, func(c *contact) { c.BackAny = true },
		func(c *contact) { c.Surveyed = true }, func(c *contact) { c.Resolved = &yes }, func(c *contact) { c.Resolved = &no },
		func(c *contact) { c.Rules = "r" },
	} {
		before := ended[1]
		change(&ended[1])
		if s := stateOf(j, 0, nil, ended); seen[s] {
			t.Errorf("change %d of a contact is not seen", i)
		} else {
			seen[s] = true
		}
		ended[1] = before
	}
}
