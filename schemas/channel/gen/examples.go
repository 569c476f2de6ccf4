package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"parcours/pipeline/event"
)

// attributes are those of an example, raw, in order.
type attributes []struct{ name, raw string }

// head is the envelope of a typical example.
func (k *kind) head() attributes {
	typ := k.Type
	if typ == activity {
		typ = "Take in charge ticket"
	}
	return attributes{
		{"specversion", `"1.0"`}, {"id", `"01JD8Z6W3K9V5Q2M7T4R8X1C0B"`}, {"source", `"/example/crm"`},
		{"type", quote(typ)}, {"time", `"2026-10-03T09:14:22.123Z"`},
	}
}

// with gives the attributes with one of them replaced, added, or (raw "") left out.
func (a attributes) with(name, raw string) attributes {
	var out attributes
	found := false
	for _, m := range a {
		if m.name == name {
			m.raw, found = raw, true
		}
		if m.raw != "" {
			out = append(out, m)
		}
	}
	if !found && raw != "" {
		out = append(out, struct{ name, raw string }{name, raw})
	}
	return out
}

// encode writes an example, indented.
func (a attributes) encode() []byte {
	var b bytes.Buffer
	for i, m := range a {
		fmt.Fprintf(&b, "%s%s:%s", map[bool]string{true: "{", false: ","}[i == 0], quote(m.name), m.raw)
	}
	b.WriteByte('}')
	var out bytes.Buffer
	if err := json.Indent(&out, b.Bytes(), "", "  "); err != nil {
		panic(fmt.Sprintf("example %s: %v", b.Bytes(), err))
	}
	out.WriteByte('\n')
	return out.Bytes()
}

func quote(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func braces(members string) string { return "{" + members + "}" }

// examples gives name -> content: valid-... is accepted, invalid-... is refused for the one mistake in its name.
func (k *kind) examples() map[string][]byte {
	all := map[string][]byte{"valid-least": k.least().encode()}
	typical := k.head()
	if k.Data != "" {
		typical = typical.with("data", braces(k.Data))
		all["valid-typical"] = typical.encode()
	}
	all["invalid-missing-id"] = typical.with("id", "").encode()
	all["invalid-unknown-channel"] = k.head().with("subject", `"CASE-884213"`).with("data", k.changed(`"channel":"fax"`)).encode()
	for why, members := range k.Wrong {
		all["invalid-"+why] = k.head().with("subject", `"CASE-884213"`).with("data", k.changed(members)).encode()
	}
	for why, data := range k.Need.fails {
		all["invalid-"+why] = k.head().with("data", data).encode()
	}
	if k.Type == event.ContactEnded || k.Type == activity {
		typical.mistakes(all)
	}
	if k.Type == activity {
		typical.alternatives(all)
	}
	return all
}

// least is an event with no more than it needs.
func (k *kind) least() attributes {
	if k.Least == "" {
		return k.head()
	}
	return k.head().with("data", braces(k.Least))
}

// changed is the least data with other members: nothing else may be wrong with it.
func (k *kind) changed(members string) string {
	if k.Least == "" {
		return braces(members)
	}
	return braces(k.Least + "," + members)
}

// mistakes adds what may be wrong with the envelope of any event.
func (a attributes) mistakes(all map[string][]byte) {
	for why, change := range map[string][2]string{
		"missing-source":      {"source", ""},
		"missing-type":        {"type", ""},
		"missing-time":        {"time", ""},
		"empty-id":            {"id", `""`},
		"id-a-number":         {"id", `4711`},
		"id-too-long":         {"id", quote(strings.Repeat("x", event.MaxIDBytes+1))},
		"source-with-newline": {"source", `"/example\ncrm"`},
		"specversion-0-3":     {"specversion", `"0.3"`},
		"missing-specversion": {"specversion", ""},
		"time-without-offset": {"time", `"2026-10-03T09:14:22"`},
		"time-a-day":          {"time", `"2026-10-03"`},
		"time-30-february":    {"time", `"2026-02-30T09:14:22Z"`},
		"time-short-hour":     {"time", `"2026-10-03T9:14:22Z"`},
		"time-comma":          {"time", `"2026-10-03T09:14:22,5Z"`},
		"time-leap-second":    {"time", `"2016-12-31T23:59:60Z"`},
		"time-offset-24":      {"time", `"2026-10-03T09:14:22+24:00"`},
		"time-lower-case":     {"time", `"2026-10-03t09:14:22z"`},
		"time-in-french":      {"time", `"03/10/2026 09:14:22"`},
		"time-a-number":       {"time", `1790000000`},
		"time-1815":           {"time", `"1815-06-18T11:30:00Z"`},
		"time-far-ahead":      {"time", `"2310-01-01T00:00:00Z"`},
		"data-a-list":         {"data", `[1,2]`},
		"data-a-string":       {"data", `"call ended"`},
		"data-base64":         {"data_base64", `"eyJjaGFubmVsIjoicGhvbmUifQ=="`},
		"datacontenttype-xml": {"datacontenttype", `"application/xml"`},
		"subject-a-number":    {"subject", `884213`},
		"sequence-a-number":   {"sequence", `17`},
	} {
		all["invalid-"+why] = a.with(change[0], change[1]).encode()
	}
}

// alternatives adds what looks odd and is right.
func (a attributes) alternatives(all map[string][]byte) {
	for what, change := range map[string][2]string{
		"offset":            {"time", `"2026-10-03T11:14:22.123456789+02:00"`},
		"long-ago":          {"time", `"1987-05-04T00:00:00Z"`},
		"null-subject":      {"subject", `null`},
		"null-data":         {"data", `null`},
		"sequence":          {"sequence", `"00000017"`},
		"json-content":      {"datacontenttype", `"application/vnd.crm+JSON; charset=utf-8"`},
		"extensions":        {"traceparent", `"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"`},
		"known-extensions":  {"dataschema", `"https://crm.example/ticket.json"`},
		"unicode":           {"data", `{"unit":"Évry \u2013 été","place":"\ud83c\udfe0"}`},
		"empty-optional":    {"data", `{"channel":"","reason":"","unit":null,"identifiers":{"email":null}}`},
		"unknown-fields":    {"data", `{"escalation_level":3,"verbatim":"dropped","nested":{"a":[1,{"b":null}]}}`},
		"reason-upper-case": {"data", `{"reason":"Billing.Dispute-2"}`},
		"scales":            {"data", `{"csat":8,"csat_scale":10,"ces":4.5,"ces_scale":5}`},
	} {
		all["valid-"+what] = a.with(change[0], change[1]).encode()
	}
}
