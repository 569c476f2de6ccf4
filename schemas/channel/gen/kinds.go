package main

import (
	"strings"

	"parcours/pipeline/event"
)

// kind is one event type: its schema and its examples come from this line.
type kind struct {
	Type   string
	About  string   // in plain English
	Fields []string // of data: those that this type is about
	Data   string   // data of the typical example
	Least  string   // data of the example with no more than is needed; "" for none
	Need   need     // what an event of this type means nothing without
	Wrong  map[string]string
}

// need is a condition on the whole event, and data that fails it.
type need struct {
	schema object
	fails  map[string]string // why -> data
}

var (
	needsCase = need{
		schema: object{{"anyOf", []object{
			{{"required", []string{"subject"}}, {"properties", object{{"subject", filled()}}}},
			inData("case", filled()),
		}}},
		fails: map[string]string{"without-case": `{"channel":"phone"}`, "null-case": `{"case":null}`},
	}
	needsPromise = need{
		schema: inData("promise", filled()),
		fails:  map[string]string{"without-promise": `{"case":"CASE-884213"}`},
	}
	needsPromiseAndDue = need{
		schema: object{{"allOf", []object{inData("promise", filled()), inData("due", object{{"type", "string"}})}}},
		fails: map[string]string{
			"without-promise": `{"due":"2026-10-07T18:00:00+02:00"}`,
			"without-due":     `{"promise":"P-77"}`,
			"due-a-day":       `{"promise":"P-77","due":"2026-10-07"}`,
		},
	}
	needsTarget = need{
		schema: object{{"anyOf", []object{inData("to_silo", filled()), inData("to_unit", filled())}}},
		fails:  map[string]string{"without-target": `{"contact":"I-5512","channel":"phone"}`},
	}
	needsAnswer = need{
		schema: object{{"anyOf", []object{
			inData("nps", object{{"type", "number"}}), inData("csat", object{{"type", "number"}}),
			inData("ces", object{{"type", "number"}}), inData("resolved", object{{"type", "boolean"}}),
		}}},
		fails: map[string]string{
			"without-answer":    `{"kind":"transactional","contact":"I-5512"}`,
			"nps-11":            `{"nps":11}`,
			"csat-of-10":        `{"csat":8}`,
			"ces-0":             `{"ces":0}`,
			"unknown-kind":      `{"nps":9,"kind":"quarterly"}`,
			"scale-of-1":        `{"csat":1,"csat_scale":1}`,
			"resolved-a-string": `{"resolved":"yes"}`,
		},
	}
	needsMode = need{
		schema: inData("mode", object{{"enum", []string{"wall", "log"}}}),
		fails:  map[string]string{"unknown-mode": `{"mode":"lunar"}`, "without-mode": `{}`},
	}
	needsOpening = need{
		schema: object{{"allOf", []object{
			inData("mode", object{{"enum", []string{"wall", "log"}}}),
			inData("partitions", object{{"type", "integer"}, {"minimum", 1}, {"maximum", 1e9}}),
		}}},
		fails: map[string]string{"unknown-mode": `{"mode":"lunar","partitions":16}`, "without-partitions": `{"mode":"wall"}`},
	}
)

// filled is a string that is not empty.
func filled() object { return object{{"type", "string"}, {"minLength", 1}} }

// inData asks for a field of data.
func inData(name string, schema object) object {
	return object{{"required", []string{"data"}}, {"properties", object{{"data", object{
		{"type", "object"}, {"required", []string{name}}, {"properties", object{{name, schema}}},
	}}}}}
}

func (k *kind) system() bool { return event.System(k.Type) }

func (k *kind) path() string {
	if k.system() {
		return "system/" + k.Type + ".v1.json"
	}
	return k.Type + ".v1.json"
}

// shared names a shared schema, from where this one stands.
func (k *kind) shared(name string) string {
	if k.system() {
		return "../" + name
	}
	return name
}

// schema builds on the shared envelope and data.
func (k *kind) schema() object {
	parts := []object{{{"$ref", k.shared("envelope.v1.json")}}}
	if k.Need.schema != nil {
		parts = append(parts, k.Need.schema)
	}
	return object{
		{"$schema", draft}, {"$id", base + k.path()}, {"title", k.Type}, {"description", k.About},
		{"allOf", parts},
		{"properties", object{{"type", k.typeSchema()}, {"data", k.dataSchema()}}},
	}
}

// typeSchema is the type itself; an activity may have any that no other schema has.
func (k *kind) typeSchema() object {
	if k.Type != activity {
		return object{{"const", k.Type}}
	}
	var named []string
	for _, s := range event.Specs {
		named = append(named, s.Type)
	}
	return object{{"not", object{{"enum", named}}}}
}

// dataSchema lists the fields that the type is about, besides those that any event may have.
func (k *kind) dataSchema() object {
	o := object{{"$ref", k.shared("data.v1.json")}}
	properties := object{}
	for _, name := range k.Fields {
		properties = append(properties, member{name, k.fieldSchema(name)})
	}
	if k.system() {
		properties = append(properties, member{"customer", object{
			{"description", "The pseudonym of the customer it is about."}, {"$ref", k.shared("data.v1.json#/$defs/text")},
		}})
	}
	if len(properties) == 0 {
		return o
	}
	return append(o, member{"properties", properties})
}

// fieldSchema is a field's own, narrowed where the type has a shorter list of words.
func (k *kind) fieldSchema(name string) object {
	switch {
	case name == "mode", name == "partitions":
		return object{{"description", "Of the log: its clock mode, how many partitions it has."}}
	case name == "kind" && strings.HasPrefix(k.Type, "form."):
		return oneOf("A form to be served, or one of a sales funnel.", "service", "sales")
	case name == "kind":
		return oneOf("About one contact, or about the relation as a whole.", "transactional", "relational")
	case name == "to" && k.Type == event.ComplaintEscalated:
		return oneOf("Where the complaint went.", "management", "mediator", "authority", "court")
	}
	return object{{"$ref", k.shared("data.v1.json#/properties/") + name}}
}
