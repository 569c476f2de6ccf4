package main

import "parcours/pipeline/event"

const (
	draft = "https://json-schema.org/draft/2020-12/schema"
	base  = "https://schemas.parcours.example/channel/" // names the schemas; nothing is fetched from it

	noControl = `^[^\x00-\x1f\x7f]*$`
	moment    = `^(19|2[0-2])[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-5][0-9](\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})$`
	jsonMedia = `^([ \t]*[A-Za-z0-9!#$&^_.+-]+/([A-Za-z0-9!#$&^_.+-]+\+)?[jJ][sS][oO][nN][ \t]*(;[\s\S]*)?)?$`
	dotted    = `^([A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*)?$`
)

// envelope is the schema of what every event has.
func envelope() object {
	return object{
		{"$schema", draft}, {"$id", base + "envelope.v1.json"},
		{"title", "The envelope of a channel event"},
		{"description", "CloudEvents 1.0 in its structured JSON form, with what Parcours asks of it. (source, id) is unique " +
			"for ever: the same pair seen twice counts once. null is the same as absent. An attribute that is not named here " +
			"is dropped and counted. The time may lie 5 minutes ahead of its receipt, and the whole body has at most 512 KiB."},
		{"type", "object"},
		{"required", []string{"specversion", "id", "source", "type", "time"}},
		{"properties", object{
			{"specversion", object{{"const", "1.0"}}},
			{"id", text("The event's id: unique for its source, the same when it is sent again.", 1, event.MaxIDBytes)},
			{"source", text("The system that sends, such as /telephony/lyon.", 1, event.MaxTextBytes)},
			{"type", text("What happened, in the past tense, such as contact.ended.", 1, event.MaxTextBytes)},
			{"time", object{{"description", "When it happened: RFC 3339 with an offset; kept to the millisecond."},
				{"type", "string"}, {"format", "date-time"}, {"pattern", moment}}},
			{"subject", text("The case or ticket; data.case takes it where it is not given.", 0, event.MaxTextBytes, "null")},
			{"sequence", text("Orders events of one source and time, as text.", 0, event.MaxTextBytes, "null")},
			{"datacontenttype", object{{"description", "JSON, or absent."}, {"type", []string{"string", "null"}},
				{"pattern", jsonMedia}}},
			{"dataschema", object{{"description", "Accepted and not looked at."}}},
			{"sequencetype", object{{"description", "Accepted and not looked at."}}},
			{"data", object{{"description", "What happened in detail; see data.v1.json."}, {"type", []string{"object", "null"}}}},
			{"data_base64", object{{"description", "Not accepted: data is a JSON object."}, {"type", "null"}}},
		}},
	}
}

// data is the schema of the data of every event, whatever its type.
func data() object {
	properties := object{}
	for _, f := range fields {
		properties = append(properties, member{f.name, f.schema})
	}
	return object{
		{"$schema", draft}, {"$id", base + "data.v1.json"},
		{"title", "The data of a channel event"},
		{"description", "Every field that Parcours knows; all are optional here, a type's own schema says what it needs. null " +
			"and an empty string are the same as absent. A field that is not named here is dropped and counted, unless the " +
			"source's allow-list keeps it; so are verbatim (until there are rules for it) and customer (written by Parcours)."},
		{"type", []string{"object", "null"}},
		{"properties", properties},
		{"allOf", []object{scaled("csat", 5), scaled("ces", 7)}},
		{"$defs", object{
			{"text", text("", 0, event.MaxTextBytes, "null")},
			{"time", object{{"type", []string{"string", "null"}}, {"format", "date-time"}, {"pattern", moment}}},
			{"seconds", number(0, 315576000)},
			{"texts", object{{"type", []string{"array", "null"}}, {"items", text("", 1, event.MaxTextBytes)}}},
		}},
	}
}

// scaled bounds a score where its scale is not given. That a score lies within a scale that is given, a schema cannot say.
func scaled(score string, scale int) object {
	return object{
		{"if", object{{"not", object{{"required", []string{score + "_scale"}},
			{"properties", object{{score + "_scale", object{{"type", "number"}}}}}}}}},
		{"then", object{{"properties", object{{score, object{{"maximum", scale}}}}}}},
	}
}

type field struct {
	name   string
	schema object
}

// fields are those of data, in the order of the log.
var fields = []field{
	{"identifiers", object{
		{"description", "By which names the customer is known: kind -> value, such as customer, account, contract, email, " +
			"phone, cookie, device, loyalty. Raw here; pseudonyms from the door on."},
		{"type", []string{"object", "null"}}, {"maxProperties", event.MaxIdentifiers},
		{"propertyNames", object{{"pattern", "^[a-z][a-z0-9_]*$"}, {"maxLength", 64}}},
		{"additionalProperties", text("", 1, event.MaxTextBytes, "null")},
	}},
	{"contact", optional("Id of the interaction, the same through every transfer.")},
	{"direction", oneOf("Who began the contact; callback is a call that the company owed.", "in", "out", "callback")},
	{"channel", oneOf("Where customer and company met.", channels()...)},
	{"reason", object{{"description", "Why the customer came: tokens with dots between, such as billing.dispute; kept in " +
		"lower case. unknown and other match nothing."}, {"type", []string{"string", "null"}},
		{"maxLength", event.MaxTextBytes}, {"pattern", dotted}}},
	{"silo", optional("The function that holds the customer at that moment, such as customer_service.")},
	{"unit", optional("Shop, agency, site or team inside the silo.")},
	{"agent", optional("Who served; pseudonymised at the door, in no table, view or stream.")},
	{"case", optional("The case or ticket.")},
	{"product", optional("The product it is about.")},
	{"place", optional("The place it is about.")},
	{"activity", optional("The name of the step, as process mining has it; the type where it is not given.")},
	{"to_silo", optional("The function that the customer is sent to.")},
	{"to_unit", optional("The unit that the customer is sent to.")},
	{"why", oneOf("Why the contact was refused.", "closed", "busy", "deflected", "cut_off")},
	{"resolved", object{{"description", "Whether the matter is settled."}, {"type", []string{"boolean", "null"}}}},
	{"wait_s", seconds("Seconds that the customer waited for an answer.")},
	{"talk_s", seconds("Seconds of talk, or of work in the customer's presence.")},
	{"hold_s", seconds("Seconds on hold.")},
	{"wrap_s", seconds("Seconds of work after the contact.")},
	{"form", optional("Which form.")},
	{"kind", oneOf("Of a form: service or sales. Of a survey: transactional or relational.",
		"service", "sales", "transactional", "relational")},
	{"on", oneOf("Whom the case waits for.", "customer", "partner", "company")},
	{"regime", optional("The legal regime of a complaint, such as payment.")},
	{"to", optional("Where a complaint went (management, mediator, authority, court), or the purpose of a consent or objection.")},
	{"holding", object{{"description", "A holding reply: more time is needed."}, {"type", []string{"boolean", "null"}}}},
	{"sent_at", when("When the customer sent it, if that is known.")},
	{"promise", optional("What names a promise: the same when it is made and when it is kept.")},
	{"due", when("When it falls due.")},
	{"act", optional("What was promised: callback, reply, delivery, resolution.")},
	{"by", oneOf("By whose fault.", "customer", "company")},
	{"products", list("The products that are touched.")},
	{"places", list("The places that are touched.")},
	{"nps", figure("Likelihood to recommend, 0 to 10.", 0, 10)},
	{"csat", figure("Satisfaction, from 1 to csat_scale.", 1, 100)},
	{"csat_scale", figure("The best csat; 5 where it is not given.", 2, 100)},
	{"ces", figure("Ease, from 1 to ces_scale; the highest is easiest.", 1, 100)},
	{"ces_scale", figure("The best ces; 7 where it is not given.", 2, 100)},
	{"annual_margin", figure("Margin of a year, in the currency of the rules.", -1e12, 1e12)},
	{"captive", object{{"description", "The customer cannot leave: a tenant, a sole supplier."}, {"type", []string{"boolean", "null"}}}},
	{"value", figure("Value, in the currency of the rules.", -1e12, 1e12)},
	{"initiated_by", oneOf("Who ended it.", "customer", "company", "third_party")},
	{"cause", optional("Why it ended.")},
}

func channels() []string {
	var all []string
	for _, c := range event.Channels {
		all = append(all, string(c))
	}
	return all
}

// text is a string of so many characters (the decoder counts bytes: of ASCII the same) without control characters.
func text(description string, least, most int, orTypes ...string) object {
	o := object{}
	if description != "" {
		o = append(o, member{"description", description})
	}
	if orTypes == nil {
		o = append(o, member{"type", "string"})
	} else {
		o = append(o, member{"type", append([]string{"string"}, orTypes...)})
	}
	if least > 0 {
		o = append(o, member{"minLength", least})
	}
	return append(o, member{"maxLength", most}, member{"pattern", noControl})
}

func optional(description string) object { return defined("text", description) }
func when(description string) object     { return defined("time", description) }
func seconds(description string) object  { return defined("seconds", description) }
func list(description string) object     { return defined("texts", description) }

func defined(name, description string) object {
	return object{{"description", description}, {"$ref", "#/$defs/" + name}}
}

func oneOf(description string, words ...string) object {
	var all []any
	for _, w := range words {
		all = append(all, w)
	}
	return object{{"description", description}, {"enum", append(all, "", nil)}}
}

func number(least, most float64) object {
	return object{{"type", []string{"number", "null"}}, {"minimum", least}, {"maximum", most}}
}

func figure(description string, least, most float64) object {
	return append(object{{"description", description}}, number(least, most)...)
}
