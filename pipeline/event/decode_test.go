package event_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"parcours/pipeline/event"
)

const now event.Instant = 1_791_104_400_000 // 2026-10-04T09:00:00Z

// body is an event with these raw members besides the four that never change.
func body(members string) []byte {
	return []byte(`{"specversion":"1.0","id":"1","source":"/s","time":"2026-10-03T09:14:22Z",` + members + `}`)
}

func accept(t *testing.T, raw []byte, lim event.Limits) (event.Event, event.Dropped) {
	t.Helper()
	lim.Now = now
	e, dropped, r := event.Decode(raw, lim)
	if r != nil {
		t.Fatalf("%s: %v", raw, r)
	}
	return e, dropped
}

func TestTypicalEvent(t *testing.T) {
	e, dropped := accept(t, []byte(typical), event.Limits{})
	resolved, wait := true, 95.0
	want := event.Event{
		ID: "01JD8Z6W3K9V5Q2M7T4R8X1C0B", Source: "/telephony/genesys", Type: event.ContactEnded,
		At:      event.InstantOf(time.Date(2026, 10, 3, 9, 14, 22, 123e6, time.UTC)),
		Subject: "CASE-884213",
		Data: event.Data{
			Identifiers: event.Identifiers{{"customer", "c_9f3a77b21c04"}, {"phone", "p_77aa10be93d1"}},
			Channel:     event.Phone, Reason: "billing.dispute", Silo: "customer_service", Unit: "lyon-2",
			Agent: "a_17", Case: "CASE-884213", Resolved: &resolved, WaitS: &wait,
		},
	}
	if !reflect.DeepEqual(e, want) || dropped != nil {
		t.Errorf("got %+v, dropped %v", e, dropped)
	}
}

func TestRefusals(t *testing.T) {
	lim := event.Limits{Now: now}
	refused := func(raw, field, reason string) {
		t.Helper()
		_, dropped, r := event.Decode([]byte(raw), lim)
		switch {
		case r == nil:
			t.Errorf("%s: accepted", raw)
		case r.Field != field || r.Reason != reason || r.Expected == "" || dropped != nil:
			t.Errorf("%s: %q %s, expected %s", raw, r.Field, r.Reason, r.Expected)
		}
	}
	whole := func(raw, reason string) { t.Helper(); refused(raw, "", reason) }
	whole(``, event.ReasonBrokenJSON)
	whole(`{`, event.ReasonBrokenJSON)
	whole(typical+`x`, event.ReasonBrokenJSON)
	whole(typical+typical, event.ReasonBrokenJSON)
	whole("\xef\xbb\xbf"+typical, event.ReasonBrokenJSON)
	whole("{\"id\":\"\xff\"}", event.ReasonBrokenJSON)
	whole(`[`+typical+`]`, event.ReasonNotCloudEvent)
	whole(`null`, event.ReasonNotCloudEvent)
	whole(`"{}"`, event.ReasonNotCloudEvent)
	whole(`{"x":"`+strings.Repeat("x", event.DefaultMaxBytes)+`"}`, event.ReasonTooBig)
	whole(strings.Repeat("[", 500_000), event.ReasonTooDeep)
	whole(strings.Repeat(`{"a":`, 33)+`1`+strings.Repeat("}", 33), event.ReasonTooDeep)
	refused(`{}`, "specversion", event.ReasonNotCloudEvent)
	refused(`{"specversion":1.0}`, "specversion", event.ReasonWrongType)

	usual := func(members, field, reason string) { t.Helper(); refused(string(body(members)), field, reason) }
	usual(`"x":1`, "type", event.ReasonMissingField)
	usual(`"type":7`, "type", event.ReasonWrongType)
	usual(`"Type":"a"`, "type", event.ReasonMissingField)
	usual(`"type":"a","id":null`, "id", event.ReasonMissingField)
	usual(`"type":"a","id":"`+strings.Repeat("x", 1025)+`"`, "id", event.ReasonBadValue)
	usual(`"type":"a\u0000"`, "type", event.ReasonBadValue)
	usual(`"type":"clock.ticked"`, "type", event.ReasonSystemType)
	usual(`"type":"customer.erased"`, "type", event.ReasonSystemType)
	usual(`"type":"a","data_base64":"e30="`, "data_base64", event.ReasonNotCloudEvent)
	usual(`"type":"a","datacontenttype":"text/xml"`, "datacontenttype", event.ReasonNotCloudEvent)
	usual(`"type":"a","data":[]`, "data", event.ReasonWrongType)

	at := func(value string) { t.Helper(); usual(`"type":"a","time":`+value, "time", event.ReasonBadTime) }
	at(`""`)
	at(`"yesterday"`)
	at(`"2026-10-03T09:14:22"`)
	at(`"2026-10-03 09:14:22Z"`)
	at(`"2026-10-03T9:14:22Z"`)
	at(`"2026-10-03T09:14:22,5Z"`)
	at(`"2026-10-03T23:59:60Z"`)
	at(`"2026-10-03T09:14:22.Z"`)
	at(`"2026-10-03T09:14:22+24:00"`)
	at(`"2026-10-03T09:14:22+02:60"`)
	at(`"2026-10-03T09:14:22+0200"`)
	at(`"2026-10-03T09:14:22z"`)
	at(`"2026-10-03T09:14:2Z"`)
	at(`"12026-10-03T09:14:22Z"`)
	at(`"2026-10-04T09:05:00.001Z"`)
	at(`"1899-12-31T23:59:59Z"`)
	usual(`"type":"a","time":null`, "time", event.ReasonMissingField)
	usual(`"type":"a","time":1790000000`, "time", event.ReasonWrongType)
}

func TestRefusalsOfData(t *testing.T) {
	refused := func(typ, data, field, reason string) {
		t.Helper()
		raw := body(`"type":"` + typ + `","data":` + data)
		_, _, r := event.Decode(raw, event.Limits{Now: now})
		if r == nil || r.Field != field || r.Reason != reason || r.ID != "1" || r.Source != "/s" {
			t.Errorf("%s: %+v", raw, r)
		}
	}
	wrong := func(data, field string) { t.Helper(); refused("a", data, field, event.ReasonWrongType) }
	bad := func(data, field string) { t.Helper(); refused("a", data, field, event.ReasonBadValue) }
	unknown := func(data, field string) { t.Helper(); refused("a", data, field, event.ReasonUnknownValue) }
	missing := func(typ, data, field string) { t.Helper(); refused(typ, data, field, event.ReasonMissingField) }

	wrong(`{"wait_s":"95"}`, "data.wait_s")
	wrong(`{"wait_s":true}`, "data.wait_s")
	wrong(`{"resolved":"yes"}`, "data.resolved")
	wrong(`{"captive":1}`, "data.captive")
	wrong(`{"unit":{"a":["}"]},"silo":"x"}`, "data.unit")
	wrong(`{"channel":5}`, "data.channel")
	wrong(`{"identifiers":["x"]}`, "data.identifiers")
	wrong(`{"identifiers":{"phone":5}}`, "data.identifiers.phone")
	wrong(`{"identifiers":{"c40017":5}}`, "data.identifiers")
	wrong(`{"products":"x"}`, "data.products")
	wrong(`{"products":[1]}`, "data.products")
	wrong(`{"due":17}`, "data.due")
	bad(`{"wait_s":-0.1}`, "data.wait_s")
	bad(`{"wait_s":1e999}`, "data.wait_s")
	bad(`{"talk_s":315576001}`, "data.talk_s")
	bad(`{"reason":"a b"}`, "data.reason")
	bad(`{"reason":".a"}`, "data.reason")
	bad(`{"reason":"a."}`, "data.reason")
	bad(`{"identifiers":{"phone":""}}`, "data.identifiers.phone")
	bad(`{"identifiers":{"phone":"\n"}}`, "data.identifiers.phone")
	bad(`{"identifiers":{"Phone":"1"}}`, "data.identifiers")
	bad(`{"identifiers":{"_x":null}}`, "data.identifiers")
	bad(`{"unit":"`+strings.Repeat("x", 513)+`"}`, "data.unit")
	bad(`{"places":["a",""]}`, "data.places")
	bad(`{"nps":10.5}`, "data.nps")
	bad(`{"csat":6}`, "data.csat")
	bad(`{"csat":8,"csat_scale":7}`, "data.csat")
	bad(`{"ces_scale":1}`, "data.ces_scale")
	bad(`{"value":-1e13}`, "data.value")
	unknown(`{"channel":"fax"}`, "data.channel")
	unknown(`{"channel":"PHONE"}`, "data.channel")
	unknown(`{"direction":"inbound"}`, "data.direction")
	unknown(`{"why":"x"}`, "data.why")
	unknown(`{"kind":"x"}`, "data.kind")
	unknown(`{"by":"x"}`, "data.by")
	refused(event.FormStarted, `{"kind":"relational"}`, "data.kind", event.ReasonUnknownValue)
	refused(event.SurveySent, `{"kind":"sales"}`, "data.kind", event.ReasonUnknownValue)
	refused(event.ComplaintEscalated, `{"to":"press"}`, "data.to", event.ReasonUnknownValue)
	refused(event.PromiseMade, `{"promise":"p","due":"2026-10-07"}`, "data.due", event.ReasonBadTime)
	refused("a", `{"sent_at":"2300-01-01T00:00:00Z"}`, "data.sent_at", event.ReasonBadTime)
	missing(event.CaseClosed, `{}`, "data.case")
	missing(event.PromiseKept, `{}`, "data.promise")
	missing(event.PromiseMade, `{"promise":"p"}`, "data.due")
	missing(event.ContactTransferred, `{"to_unit":""}`, "data.to_unit")
	missing(event.SurveyAnswered, `{"kind":"relational"}`, "data")
}

func TestLenient(t *testing.T) {
	take := func(members string, sees func(event.Event) bool) {
		t.Helper()
		if e, _ := accept(t, body(members), event.Limits{}); !sees(e) {
			t.Errorf("%s: %+v", members, e)
		}
	}
	bare := func(e event.Event) bool { return reflect.DeepEqual(e.Data, event.Data{}) }
	take(`"type":"Take in charge ticket"`, bare)
	take(`"type":"a","data":null`, bare)
	take(`"type":"a","data":{}`, bare)
	take(`"type":"a","data_base64":null,"datacontenttype":"application/cloudevents+JSON ; charset=utf-8"`, bare)
	take(`"type":"a","data":{"unit":null,"wait_s":null,"identifiers":null,"due":null,"products":null,"captive":null}`, bare)
	take(`"type":"a","data":{"identifiers":{"email":null},"products":[],"channel":"","Unit":"x"}`, bare)
	take("\"type\":\"a\",\n\t\"data\" : { } \r\n", bare)
	take(`"type":"case.closed","subject":"C-1"`, func(e event.Event) bool { return e.Data.Case == "C-1" && e.Subject == "C-1" })
	take(`"type":"case.closed","subject":"C-1","data":{"case":"C-2"}`, func(e event.Event) bool { return e.Data.Case == "C-2" })
	take(`"type":"a","data":{"reason":"Billing.Dispute"}`, func(e event.Event) bool { return e.Data.Reason == "billing.dispute" })
	take(`"type":"a","data":{"unit":"\u00c9vry \ud83c\udfe0 \"2\""}`, func(e event.Event) bool { return e.Data.Unit == `Évry 🏠 "2"` })
	take(`"type":"a","data":{"unit":"\ud83c"}`, func(e event.Event) bool { return e.Data.Unit == "\ufffd" })
	take(`"type":"a","data":{"\u0075nit":"x"}`, func(e event.Event) bool { return e.Data.Unit == "x" })
	take(`"type":"a","data":{"place":"a\\","unit":"b\\\""}`, func(e event.Event) bool { return e.Data.Place == `a\` && e.Data.Unit == `b\"` })
	take(`"type":"a","time":"2026-10-03T11:14:22.9999+02:00"`, func(e event.Event) bool { return e.At.String() == "2026-10-03T09:14:22.999Z" })
	take(`"type":"a","time":"2026-10-04T09:05:00Z"`, func(e event.Event) bool { return e.At == now.Add(5*time.Minute) })
	take(`"type":"a","time":"1900-01-01T00:00:00.0005Z"`, func(e event.Event) bool { return e.At.String() == "1900-01-01T00:00:00.000Z" })
	take(`"type":"customer.objected","data":{"to":"any purpose"}`, func(e event.Event) bool { return e.Data.To == "any purpose" })
	take(`"type":"survey.answered","data":{"csat":8,"csat_scale":10}`, func(e event.Event) bool { return *e.Data.CSAT == 8 })
}

// Of a repeated key the last one wins, whatever it holds.
func TestRepeatedKeys(t *testing.T) {
	last := func(members string, want event.Data) {
		t.Helper()
		if e, _ := accept(t, body(members), event.Limits{}); !reflect.DeepEqual(e.Data, want) {
			t.Errorf("%s: %+v", members, e.Data)
		}
	}
	last(`"type":"a","data":{"unit":"x","unit":"y"}`, event.Data{Unit: "y"})
	last(`"type":"a","data":{"unit":"x","unit":null}`, event.Data{})
	last(`"type":"a","data":{"resolved":true,"resolved":null}`, event.Data{})
	last(`"type":"a","data":{"unit":"x"},"data":{"silo":"y"}`, event.Data{Silo: "y"})
	last(`"type":"a","data":{"unit":"x","verbatim":1},"data":null`, event.Data{})
	last(`"type":"a","data":{"identifiers":{"email":"x","email":"y","phone":"1","phone":null}}`,
		event.Data{Identifiers: event.Identifiers{{"email", "y"}}})
	last(`"type":"a","data":{"identifiers":{"email":"x"},"identifiers":{"phone":"1"}}`,
		event.Data{Identifiers: event.Identifiers{{"phone", "1"}}})
}

func TestUnknownFields(t *testing.T) {
	raw := body(`"type":"a","home":"h","traceparent":"00-1","dataschema":"x","sequencetype":"Integer",
		"data":{"z": [1, {"b" : null}],"customer":5,"verbatim":"x","mode":1,"a":"b","jean@example.org":1,"33612345678":1,"n":null}`)
	drops := func(lim event.Limits, extra []event.ExtraField, want ...string) {
		t.Helper()
		e, dropped := accept(t, raw, lim)
		if !slices.Equal(dropped, want) || !slices.Equal(e.Data.Extra, extra) || e.Data.Customer != "" || e.Home != "" {
			t.Errorf("dropped %q, kept %q", dropped, e.Data.Extra)
		}
	}
	drops(event.Limits{}, nil, "home", "traceparent",
		"data.z", "data.customer", "data.verbatim", "data.mode", "data.a", "data.?", "data.?", "data.n")
	allow := func(source string) map[string]bool {
		return map[string]bool{"z": source == "/s", "a": true, "n": true, "customer": true, "verbatim": true, "mode": true}
	}
	drops(event.Limits{Allow: allow}, []event.ExtraField{{"a", `"b"`}, {"z", `[1,{"b":null}]`}},
		"home", "traceparent", "data.customer", "data.verbatim", "data.mode", "data.?", "data.?")

	many := body(`"type":"a","data":{` + strings.Repeat(`"x":1,`, 1000) + `"y":1}`)
	if _, dropped := accept(t, many, event.Limits{}); len(dropped) != 64 {
		t.Errorf("%d names of dropped fields", len(dropped))
	}
}

func TestOperator(t *testing.T) {
	raw := body(`"type":"rules.published","data":{"customer":"p_1","rules":{"lateness":"72h"},"verbatim":"x"}`)
	e, dropped := accept(t, raw, event.Limits{Operator: true})
	if e.Data.Customer != "p_1" || !slices.Equal(e.Data.Extra, []event.ExtraField{{"rules", `{"lateness":"72h"}`}}) ||
		!slices.Equal(dropped, event.Dropped{"data.verbatim"}) {
		t.Errorf("%+v, dropped %v", e, dropped)
	}
	e, dropped = accept(t, body(`"type":"contact.ended","data":{"customer":"p_1"}`), event.Limits{Operator: true})
	if e.Data.Customer != "" || len(dropped) != 1 {
		t.Errorf("an operator may not name the customer of a channel event: %+v", e)
	}
	e, _ = accept(t, body(`"type":"log.opened","data":{"mode":"log","partitions":16}`), event.Limits{Operator: true})
	if e.Data.Mode != "log" || e.Data.Partitions != 16 {
		t.Errorf("%+v", e)
	}
}

func TestBinaryMode(t *testing.T) {
	a := event.Attributes{SpecVersion: "1.0", ID: "1", Source: "/s", Type: "contact.ended", Time: "2026-10-03T09:14:22Z",
		Subject: "C-1", Sequence: "7", DataContentType: "application/json", Unknown: []string{"traceparent"}}
	e, dropped, r := event.DecodeData(a, []byte(` {"channel":"phone","x":1} `), event.Limits{Now: now})
	if r != nil || e.Data.Channel != event.Phone || e.Data.Case != "C-1" || e.Sequence != "7" ||
		!slices.Equal(dropped, event.Dropped{"traceparent", "data.x"}) {
		t.Errorf("%+v, %v, %v", e, dropped, r)
	}
	if _, _, r = event.DecodeData(a, nil, event.Limits{Now: now}); r != nil {
		t.Error(r)
	}
	refused := func(data, field, reason string, change func(*event.Attributes)) {
		t.Helper()
		b := a
		change(&b)
		_, _, r := event.DecodeData(b, []byte(data), event.Limits{Now: now})
		if r == nil || r.Field != field || r.Reason != reason || r.Source != "/s" {
			t.Errorf("%+v", r)
		}
	}
	same := func(*event.Attributes) {}
	refused(`{`, "", event.ReasonBrokenJSON, same)
	refused(`[]`, "data", event.ReasonWrongType, same)
	refused(`{"channel":"fax"}`, "data.channel", event.ReasonUnknownValue, same)
	refused(``, "id", event.ReasonMissingField, func(a *event.Attributes) { a.ID = "" })
	refused(``, "time", event.ReasonMissingField, func(a *event.Attributes) { a.Time = "" })
	refused(``, "time", event.ReasonBadTime, func(a *event.Attributes) { a.Time = "now" })
	refused(``, "specversion", event.ReasonNotCloudEvent, func(a *event.Attributes) { a.SpecVersion = "" })
	refused(``, "subject", event.ReasonBadValue, func(a *event.Attributes) { a.Subject = "\xff" })
	refused(``, "datacontenttype", event.ReasonNotCloudEvent, func(a *event.Attributes) { a.DataContentType = "text/plain" })
}

// Check takes events that an importer built, and puts them into the form that Decode gives.
func TestCheck(t *testing.T) {
	e := event.Event{ID: "1", Source: "/s", Type: "a", At: now, Subject: "C", Data: event.Data{Reason: "A.B",
		Identifiers: event.Identifiers{{"phone", "1"}, {"email", "x"}}, Products: []string{}}}
	if r := event.Check(&e, event.Limits{Now: now}); r != nil {
		t.Fatal(r)
	}
	if e.Data.Reason != "a.b" || e.Data.Case != "C" || e.Data.Identifiers[0].Kind != "email" || e.Data.Products != nil {
		t.Errorf("%+v", e)
	}
	refused := func(field string, change func(*event.Event)) {
		t.Helper()
		f := e
		change(&f)
		if r := event.Check(&f, event.Limits{Now: now}); r == nil || r.Field != field {
			t.Errorf("%+v", r)
		}
	}
	refused("data.identifiers", func(e *event.Event) { e.Data.Identifiers = event.Identifiers{{"a", "1"}, {"a", "2"}} })
	refused("data.identifiers", func(e *event.Event) { e.Data.Identifiers = make(event.Identifiers, 65) })
	refused("source", func(e *event.Event) { e.Source = "\xff" })
	refused("data", func(e *event.Event) { e.Data.Extra = []event.ExtraField{{"unit", "1"}} })
	refused("data", func(e *event.Event) { e.Data.Extra = []event.ExtraField{{"b", "1"}, {"a", "1"}} })
	refused("data", func(e *event.Event) { e.Data.Extra = []event.ExtraField{{"b", "{"}} })
	refused("time", func(e *event.Event) { e.At = now.Add(time.Hour) })
}

// TestAge: where a limit is set, an event that is older is refused; exactly as old is taken.
func TestAge(t *testing.T) {
	body := []byte(`{"specversion":"1.0","id":"1","source":"/s","type":"contact.started","time":"2026-03-02T10:00:00Z"}`)
	at := event.InstantOf(time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC))
	for age, taken := range map[time.Duration]bool{0: true, time.Hour: true, time.Hour - time.Millisecond: false} {
		_, _, refusal := event.Decode(body, event.Limits{Now: at.Add(time.Hour), Age: age})
		if taken != (refusal == nil) || refusal != nil && refusal.Field != "time" {
			t.Errorf("at most %s: %v", age, refusal)
		}
	}
}
