package event_test

import (
	"bytes"
	"encoding/json"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/cespare/xxhash/v2"

	"parcours/pipeline/event"
)

func TestLogForm(t *testing.T) {
	e, _ := accept(t, []byte(typical), event.Limits{})
	e.Home, e.Data.Customer = "p_9f", "p_9f"
	const want = `{"specversion":"1.0","id":"01JD8Z6W3K9V5Q2M7T4R8X1C0B","source":"/telephony/genesys","type":"contact.ended",` +
		`"time":"2026-10-03T09:14:22.123Z","subject":"CASE-884213","home":"p_9f","datacontenttype":"application/json",` +
		`"data":{"identifiers":{"customer":"c_9f3a77b21c04","phone":"p_77aa10be93d1"},"customer":"p_9f","channel":"phone",` +
		`"reason":"billing.dispute","silo":"customer_service","unit":"lyon-2","agent":"a_17","case":"CASE-884213",` +
		`"resolved":true,"wait_s":95}}`
	if got := event.AppendLog([]byte("> "), &e); string(got) != "> "+want {
		t.Errorf("got %s", got)
	}
	bare := event.Event{ID: "1", Source: "/s", Type: "a"}
	const least = `{"specversion":"1.0","id":"1","source":"/s","type":"a","time":"1970-01-01T00:00:00.000Z"}`
	if got := event.AppendLog(nil, &bare); string(got) != least {
		t.Errorf("got %s", got)
	}
}

// Every field of Data, whatever it holds, comes back: a field that was added and forgotten here or there fails.
func TestEveryFieldComesBack(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		e := event.Event{ID: "1", Source: "/s", Type: "a", At: event.Instant(random.Int64N(4e12)), Home: "h", Sequence: "17"}
		fill(random, reflect.ValueOf(&e.Data).Elem())
		raw := event.AppendLog(nil, &e)
		if !json.Valid(raw) {
			t.Fatalf("not JSON: %s", raw)
		}
		got, err := event.DecodeLog(raw)
		if err != nil || !reflect.DeepEqual(got, e) {
			t.Fatalf("wrote %s\nread  %s\n%v", raw, event.AppendLog(nil, &got), err)
		}
		clear(raw)
		if !reflect.DeepEqual(got, e) {
			t.Fatal("the event aliases the body")
		}
	}
}

// fill sets about half of the fields.
func fill(random *rand.Rand, data reflect.Value) {
	words := []string{"x", "Évry", `a"b\c`, "\u2028", "</script>", strings.Repeat("long ", 20), "🏠"}
	numbers := []float64{0, 0.1, -2.5e-9, 1e21, math.MaxFloat64, 95, 1.0 / 3}
	for i := range data.NumField() {
		f := data.Field(i)
		if random.IntN(2) == 0 {
			continue
		}
		word, number, yes := words[random.IntN(len(words))], numbers[random.IntN(len(numbers))], random.IntN(2) == 0
		switch f.Interface().(type) {
		case event.Identifiers:
			f.Set(reflect.ValueOf(event.Identifiers{{"account", word}, {"x_1", "y"}}))
		case []event.ExtraField:
			f.Set(reflect.ValueOf([]event.ExtraField{{"", "1"}, {`a"b`, `{"c":[1,null]}`}}))
		case event.Instant:
			f.SetInt(random.Int64N(4e12))
		case string, event.Channel, event.Direction:
			f.SetString(word)
		case []string:
			f.Set(reflect.ValueOf([]string{word, "y"}))
		case *float64:
			f.Set(reflect.ValueOf(&number))
		case *bool:
			f.Set(reflect.ValueOf(&yes))
		case bool:
			f.SetBool(true)
		case int:
			f.SetInt(int64(random.IntN(100)))
		default:
			panic("a field of a type that this test does not know: " + f.Type().String())
		}
	}
}

// Door, log, door: what went through once goes through unchanged.
func TestIdempotent(t *testing.T) {
	e, _ := accept(t, []byte(typical), event.Limits{})
	once := event.AppendLog(nil, &e)
	f, dropped := accept(t, once, event.Limits{})
	if twice := event.AppendLog(nil, &f); !bytes.Equal(once, twice) || dropped != nil {
		t.Errorf("first %s\nthen  %s", once, twice)
	}
}

func TestDecodeLogErrors(t *testing.T) {
	refused := func(raw string) {
		t.Helper()
		if _, err := event.DecodeLog([]byte(raw)); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", raw, err)
		}
	}
	refused(``)
	refused(`null`)
	refused(`{"id":"secret"`)
	refused(`{"id":"secret"}`)
	refused(`{"specversion":"1.0","id":"1","time":"secret"}`)
	refused(`{"specversion":"1.0","id":"1","time":"2026-10-03T09:14:22Z","data":{"unit":["secret"]}}`)
	refused(`{"specversion":"1.0","id":"1","time":"2026-10-03T09:14:22Z","data":{"identifiers":{"secret":1}}}`)
	refused(strings.Repeat("[", 1<<20))
}

func TestNames(t *testing.T) {
	if a, b := event.Fingerprint("/s", "1"), event.Fingerprint("/s1", ""); a == b || a != xxhash.Sum64String("/s\x001") {
		t.Errorf("fingerprints %#x, %#x", a, b)
	}
	long := strings.Repeat("x", 1000)
	if a, b := event.MessageID("/s", "1"), event.MessageID("/s", long); len(a) != 32 || len(b) != 32 || a == b {
		t.Errorf("message ids %s, %s", a, b)
	}
	if got := event.MessageID("/s", "1"); got != "f8367ecadcd04ac0e0df60440a61004d" {
		t.Errorf("message id %s", got)
	}
}

func TestString(t *testing.T) {
	e, _ := accept(t, []byte(typical), event.Limits{})
	const want = "contact.ended 2026-10-03T09:14:22.123Z /telephony/genesys 01JD8Z6W3K9V5Q2M7T4R8X1C0B channel=phone " +
		"reason=billing.dispute silo=customer_service unit=lyon-2 case=CASE-884213"
	if got := e.String(); got != want {
		t.Errorf("got %s", got)
	}
}
