package alert_test

import (
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"

	"parcours/pipeline/alert"
	"parcours/pipeline/event"
)

const day = alert.Date(20_500) // 2026-02-16

// closing has every field set.
func closing() alert.Closing {
	phone := alert.Key{Kind: "long_wait", ReasonFamily: "billing", Silo: "customer_service", Unit: "lyon-2", Channel: "phone"}
	return alert.Closing{
		Day: day, Series: 120, Watched: 14,
		Raised: []alert.Alert{{
			ID: strings.Repeat("0a", 16), Key: alert.Key{Kind: "long_wait", Unit: "l'été \"2\""}, RaisedOn: day, Since: day - 3, Observed: 40,
			Expected: 21.1, Factor: 40 / 21.1, Low: 1.3, High: 2.6, Where: phone, Explains: []alert.Key{phone, {Kind: "long_wait"}},
		}, {ID: strings.Repeat("0b", 16), Key: alert.Key{Kind: "detractor"}, RaisedOn: day, Since: day, Explains: []alert.Key{}}},
		Cleared: []alert.Cleared{{ID: strings.Repeat("0c", 16), Why: "usual_again"}},
	}
}

// through writes an event as the log holds it and reads it back.
func through(t *testing.T, e event.Event) (event.Event, int) {
	t.Helper()
	body := event.AppendLog(nil, &e)
	back, err := event.DecodeLog(body)
	if err != nil {
		t.Fatal(err)
	}
	return back, len(body)
}

func TestClosingIsReadBack(t *testing.T) {
	c := closing()
	e, _ := through(t, c.Event())
	got, err := alert.ReadClosing(&e)
	if err != nil || !reflect.DeepEqual(got, c) {
		t.Errorf("got %+v, %v\nwant %+v", got, err, c)
	}
	if e.Type != event.DayClosed || e.ID != "day.2026-02-16" || e.At.String() != "2026-02-17T00:00:00.000Z" {
		t.Errorf("%s %s at %s", e.Type, e.ID, e.At)
	}
	for _, f := range e.Data.Extra {
		if f.Name == "cut" {
			t.Error("something was cut")
		}
	}
	other := alert.Closing{Day: day}
	if o := other.Event(); o.ID != e.ID || o.Source != e.Source {
		t.Error("another closing of the same day has another id")
	}
}

// A closing of what no day ever raised fits all the same: what an alert speaks for is cut first, and it is said.
func TestClosingIsBounded(t *testing.T) {
	c := closing()
	long := strings.Repeat("é", 256)
	for range 3000 {
		c.Raised[0].Explains = append(c.Raised[0].Explains, alert.Key{Kind: "long_wait", Unit: long})
	}
	e, size := through(t, c.Event())
	got, err := alert.ReadClosing(&e)
	if err != nil || size > event.DefaultMaxBytes || len(got.Raised) != 2 || len(got.Cleared) != 1 {
		t.Fatalf("%d bytes, %d raised, %d cleared, %v", size, len(got.Raised), len(got.Cleared), err)
	}
	if want := fmt.Sprintf(`{"raised":0,"cleared":0,"explains":%d}`, 3002-len(got.Raised[0].Explains)); e.Data.Extra[1].Name != "cut" || e.Data.Extra[1].JSON != want {
		t.Errorf("%+v, want %s", e.Data.Extra[1], want)
	}
	for i := range 5000 {
		c.Raised = append(c.Raised, c.Raised[0])
		c.Raised[i+2].ID = fmt.Sprintf("%032x", i)
	}
	e, size = through(t, c.Event())
	if got, err = alert.ReadClosing(&e); err != nil || size > event.DefaultMaxBytes || len(got.Raised) < 100 || len(got.Cleared) != 1 {
		t.Errorf("%d bytes, %d raised, %d cleared, %v", size, len(got.Raised), len(got.Cleared), err)
	}
	if want := fmt.Sprintf(`{"raised":%d,`, 5002-len(got.Raised)); !strings.HasPrefix(e.Data.Extra[1].JSON, want) {
		t.Errorf("%s, want %s", e.Data.Extra[1].JSON, want)
	}
}

func TestClosingOfNoNumber(t *testing.T) {
	c := closing()
	c.Raised[0].Factor, c.Raised[0].Low, c.Raised[0].High = math.Inf(1), math.NaN(), math.Inf(-1)
	e, _ := through(t, c.Event())
	got, err := alert.ReadClosing(&e)
	if err != nil || got.Raised[0].Factor != math.MaxFloat64 || got.Raised[0].Low != 0 || got.Raised[0].High != -math.MaxFloat64 {
		t.Errorf("%+v, %v", got.Raised, err)
	}
}

func TestReadClosingRefuses(t *testing.T) {
	for name, change := range map[string]struct{ field, json string }{
		"no day":                 {"day", `""`},
		"a day that is none":     {"day", `"2026-02-30"`},
		"a day of another type":  {"day", `7`},
		"a day of no table":      {"day", `"1899-12-31"`},
		"raised on another day":  {"raised", `[{"id":"x","kind":"k","raised_on":"2026-02-15","since":"2026-02-15"}]`},
		"raised twice":           {"raised", `[{"id":"x","kind":"k","raised_on":"2026-02-16","since":"2026-02-16"},{"id":"x","kind":"k","raised_on":"2026-02-16","since":"2026-02-16"}]`},
		"since no day":           {"raised", `[{"id":"x","kind":"k","raised_on":"2026-02-16","since":"x"}]`},
		"no id":                  {"raised", `[{"kind":"k","raised_on":"2026-02-16","since":"2026-02-16"}]`},
		"no kind":                {"raised", `[{"id":"x","raised_on":"2026-02-16","since":"2026-02-16"}]`},
		"a control character":    {"raised", `[{"id":"x","kind":"k","unit":"a\u001fb","raised_on":"2026-02-16","since":"2026-02-16"}]`},
		"a number that is huge":  {"raised", `[{"id":"x","kind":"k","factor":1e999,"raised_on":"2026-02-16","since":"2026-02-16"}]`},
		"cleared for no reason":  {"cleared", `[{"id":"x"}]`},
		"cleared twice":          {"cleared", `[{"id":"x","why":"rules"},{"id":"x","why":"rules"}]`},
		"series that are a text": {"series", `"many"`},
		"less than no series":    {"series", `-1`},
	} {
		c := closing()
		e := c.Event()
		for i := range e.Data.Extra {
			if e.Data.Extra[i].Name == change.field {
				e.Data.Extra[i].JSON = change.json
			}
		}
		e, _ = through(t, e)
		if _, err := alert.ReadClosing(&e); err == nil || strings.Contains(err.Error(), "2026-02-16") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := alert.ReadClosing(&event.Event{Type: event.DayClosed}); err == nil {
		t.Error("a closing of nothing was read")
	}
}
