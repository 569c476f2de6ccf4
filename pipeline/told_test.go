package pipeline_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"path"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"parcours/pipeline"
	"parcours/pipeline/breakpoint"
	"parcours/pipeline/event"
	"parcours/pipeline/rules"
	"parcours/pipeline/scenario"
	"parcours/schemas"
)

// toldTypes are all that the fold tells.
var toldTypes = []string{pipeline.JourneyOpened, pipeline.JourneyStepped, pipeline.JourneyClosed, pipeline.JourneyReopened,
	pipeline.JourneyRetracted, pipeline.BreakpointDetected, pipeline.BreakpointRetracted, pipeline.AlertRaised, pipeline.AlertCleared,
	pipeline.ChurnSignalled, pipeline.ChurnCleared}

// toldHistories are told in the order of their lines; `tick` moves the clock. Together they tell every type.
var toldHistories = []struct{ name, text, want string }{
	{"a journey closes and is reopened", `
2026-03-02 10:00 contact.started contact=k1 channel=phone reason=billing.dispute silo=customer_service unit=lyon
2026-03-02 10:10 contact.ended contact=k1 resolved=true unit=lyon
2026-03-05 10:00 contact.started contact=k2 channel=phone reason=billing.dispute silo=finance unit=paris
`, "opened.billing stepped.billing closed.billing stepped.billing reopened.billing detected.repeat_contact.billing"},
	{"a late event renames a journey", `
2026-03-02 10:00 contact.started contact=k1 channel=chat reason=delivery.late
2026-03-02 09:00 contact.started contact=k0 channel=phone reason=delivery.late
`, "opened.delivery opened.delivery retracted.delivery detected.repeat_contact.delivery"},
	{"a breakpoint is retracted", `
2026-03-02 10:00 message.received contact=m1 channel=email
2026-03-05 10:00 tick
2026-03-02 11:00 message.replied contact=m1 channel=email
`, "opened.unknown stepped.unknown detected.sla_breach.unknown stepped.unknown retracted.sla_breach.unknown"},
	{"the reason is coded at the end: who follows the old family hears that it is gone from there", `
2026-03-02 10:00 contact.started contact=k1 channel=phone reason=billing.dispute
2026-03-02 10:10 contact.ended contact=k1 reason=delivery.late
2026-03-02 10:20 contact.started contact=k2 channel=phone reason=zoology.owls
`, "opened.billing retracted.billing opened.delivery opened.other"},
	{"a case opens and closes in one", `
2026-03-02 10:00 case.resolved case=C-1 reason=other.thing customer=-
`, "opened.unknown closed.unknown"},
	{"an incident breaks no journey: it is told all the same, once", `
2026-03-02 10:00 incident.started customer=- reason=network.outage silo=it
2026-03-02 11:00 incident.ended customer=- reason=network.outage silo=it
`, "detected.core_failure.network"},
	{"somebody asks to leave, and stays", `
2026-03-02 10:00 contract.started product=gold
2026-03-03 10:00 contract.cancel_requested product=gold
2026-03-05 10:00 contract.retained product=gold
`, "opened.unknown signalled.cancel_requested.all cleared.cancel_requested.all"},
	{"a request to leave of a customer who had left already, as it turns out", `
2026-03-02 10:00 contract.started product=gold
2026-03-03 10:00 contract.cancel_requested product=gold
2026-03-03 09:00 contract.cancelled product=gold
`, "opened.unknown signalled.cancel_requested.all opened.unknown closed.unknown stepped.unknown cleared.cancel_requested.all"},
}

// TestToldTypes: each history tells what it should, on the subjects it should, and together they tell every type.
func TestToldTypes(t *testing.T) {
	seen := map[string]bool{}
	for _, h := range toldHistories {
		var got []string
		for _, m := range toldBy(t, h.text) {
			seen[m.Type] = true
			got = append(got, strings.Join(m.Tokens[1:], "."))
		}
		if s := strings.Join(got, " "); s != h.want {
			t.Errorf("%s: told\n%s\nexpected\n%s", h.name, s, h.want)
		}
	}
	for _, m := range toldOfAlerts(t) {
		seen[m.Type] = true
	}
	if got := slices.Sorted(maps.Keys(seen)); !slices.Equal(got, slices.Sorted(slices.Values(toldTypes))) {
		t.Errorf("the histories tell %v, expected every type", got)
	}
}

// TestToldKeepsItsContract: whatever is told is valid by the schema it names, stands on a subject that the AsyncAPI document
// describes, and has an id and a place of its own.
func TestToldKeepsItsContract(t *testing.T) {
	c := newContract(t)
	for _, h := range toldHistories {
		c.check(h.name, toldBy(t, h.text))
	}
	c.check("alerts", toldOfAlerts(t))
	for seed := uint64(1); seed <= 200; seed++ {
		r := rand.New(rand.NewPCG(seed, 11))
		events := history(r)
		jumble(r, events)
		c.check(fmt.Sprintf("seed %d", seed), toldOf(append(events, tick(1_800_000_000_000))))
	}
	t.Logf("%d messages", c.checked)
	if c.checked < 1000 {
		t.Errorf("a weak test: %d messages", c.checked)
	}
}

// TestDifferenceIsAnotherMessage: what is told when a generation takes over has other ids than what the fold told at that
// position, and than what another generation tells there.
func TestDifferenceIsAnotherMessage(t *testing.T) {
	w := newWorld()
	mail := call("mail", 0)
	mail.Type, mail.Data.Channel = event.MessageReceived, event.Email
	w.apply(mail)
	w.position++
	due := tick(event.Instant(100 * 3600_000))
	c := w.fold(&pipeline.Message{Position: w.position, StoredAt: due.At, Type: due.Type}, due)
	if len(c.Rows.Breakpoints) != 1 || len(c.Rows.Journeys) != 1 {
		t.Fatalf("%d breakpoints and %d journeys change, expected one of each", len(c.Rows.Breakpoints), len(c.Rows.Journeys))
	}
	dearer, longer := c.Rows.Breakpoints[0], c.Rows.Journeys[0]
	dearer.Cost += 5
	longer.Handoffs++
	for generation := uint32(2); generation <= 3; generation++ {
		first := uint32(len(c.Told))
		w.partition.TellDifference(&pipeline.Difference{OldBreakpoint: &c.Rows.Breakpoints[0], NewBreakpoint: &dearer}, generation, w.position, first, c)
		w.partition.TellDifference(&pipeline.Difference{OldJourney: &c.Rows.Journeys[0], NewJourney: &longer}, generation, w.position, first+1, c)
	}
	ids := map[string]bool{}
	for _, m := range c.Told {
		ids[m.ID] = true
	}
	if len(c.Told) != 6 || len(ids) != 6 {
		t.Errorf("%d messages with %d ids, expected 6 with an id each:\n%s", len(c.Told), len(ids), strings.Join(lines(c), "\n"))
	}
}

// toldBy tells a script, in the order of its lines.
func toldBy(t *testing.T, text string) []pipeline.Told {
	t.Helper()
	script, err := scenario.New()
	if err != nil {
		t.Fatal(err)
	}
	var events []*event.Event
	for line := range strings.Lines(text) {
		if at, ok := strings.CutSuffix(line, " tick\n"); ok {
			clock, err := script.Time(at)
			if err != nil {
				t.Fatal(err)
			}
			events = append(events, tick(clock))
			continue
		}
		list, err := script.Events(line)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range list {
			e.ID = fmt.Sprintf("e%d", len(events)+1)
			if e.Data.Customer != "" {
				e.Home = e.Data.Customer
			}
			events = append(events, e)
		}
	}
	return toldOf(events)
}

// toldOf folds events in the order given.
func toldOf(events []*event.Event) []pipeline.Told {
	partition := pipeline.NewPartition(pipeline.Setup{Book: rules.Default()})
	var c pipeline.Changes
	for i, e := range events {
		if err := partition.Apply(&pipeline.Message{Position: uint64(i + 1), StoredAt: e.At, Type: e.Type}, e, &c); err != nil {
			panic(err)
		}
	}
	return c.Told
}

// contract is what the schemas and the AsyncAPI document say of messages.
type contract struct {
	*testing.T
	schemas map[string]*jsonschema.Schema // type ->
	api     asyncAPI
	checked int
}

func newContract(t *testing.T) *contract {
	return &contract{T: t, schemas: journeySchemas(t), api: readAsyncAPI(t)}
}

// journeySchemas compiles the schema of each type, format asserted, under its own $id.
func journeySchemas(t *testing.T) map[string]*jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	all := map[string]*jsonschema.Schema{}
	for _, typ := range toldTypes {
		id := "parcours:journey/" + typ + ".v1"
		doc := journeyDocument(t, schemas.JourneyFor(typ))
		if doc["$id"] != id || doc["title"] != typ {
			t.Fatalf("the schema of %s calls itself %v, %v, expected $id %s", typ, doc["$id"], doc["title"], id)
		}
		if err := c.AddResource(id, doc); err != nil {
			t.Fatal(typ, err)
		}
		s, err := c.Compile(id)
		if err != nil {
			t.Fatal(typ, err)
		}
		all[typ] = s
	}
	return all
}

func journeyDocument(t *testing.T, name string) map[string]any {
	t.Helper()
	b, err := fs.ReadFile(schemas.Journey, name)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		t.Fatal(name, err)
	}
	return doc.(map[string]any)
}

// body is what is read of a message to compare it with its place and subject.
type body struct {
	ID      string `json:"id"`
	Type    string `json:"type"`
	Subject string `json:"subject"`
	Schema  string `json:"dataschema"`
	Data    struct {
		AlertID      string  `json:"alert_id"`
		SignalID     string  `json:"signal_id"`
		JourneyID    string  `json:"journey_id"`
		BreakpointID string  `json:"breakpoint_id"`
		Kind         string  `json:"kind"`
		Family       *string `json:"reason_family"`
		Position     uint64  `json:"position"`
	} `json:"data"`
}

// check takes all messages of one partition.
func (c *contract) check(name string, told []pipeline.Told) {
	c.Helper()
	ids := map[string]bool{}
	subjects := map[string][]string{} // journey or breakpoint -> tokens behind the event, as told last
	for i, m := range told {
		c.checked++
		if i > 0 && (m.Position < told[i-1].Position || m.Position == told[i-1].Position && m.Ordinal <= told[i-1].Ordinal) {
			c.Errorf("%s: (%d, %d) comes behind (%d, %d)", name, m.Position, m.Ordinal, told[i-1].Position, told[i-1].Ordinal)
		}
		if ids[m.ID] {
			c.Errorf("%s: %s of %s has the id of another message", name, m.Type, m.About)
		}
		ids[m.ID] = true
		if err := c.message(&m, subjects[m.About]); err != nil {
			c.Errorf("%s: (%d, %d): %v\n%s", name, m.Position, m.Ordinal, err, m.Body)
		}
		subjects[m.About] = m.Tokens[2:]
	}
}

// message says what is wrong with one message; before are the tokens of what was told of the same thing before it.
func (c *contract) message(m *pipeline.Told, before []string) error {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(m.Body))
	if err != nil {
		return err
	}
	if err := c.schemas[m.Type].Validate(doc); err != nil {
		return err
	}
	var b body
	if err := json.Unmarshal(m.Body, &b); err != nil {
		return err
	}
	about := cmp.Or(b.Data.AlertID, b.Data.SignalID, b.Data.BreakpointID, b.Data.JourneyID)
	if b.ID != m.ID || b.Type != m.Type || b.Data.Position != m.Position || b.Subject != cmp.Or(b.Data.JourneyID, about) || about != m.About {
		return fmt.Errorf("the body says something else than %s %s at %d about %s", m.Type, m.ID, m.Position, m.About)
	}
	return c.subject(m, &b, before)
}

// subject: one address of the document fits, and its parameters say what the body says; a retraction goes where what it
// takes back went.
func (c *contract) subject(m *pipeline.Told, b *body, before []string) error {
	subject := "cx.journeys.0." + strings.Join(m.Tokens, ".")
	if fit := c.api.fitting(subject); !slices.Equal(fit, []string{m.Type}) {
		return fmt.Errorf("%s stands on %s, which fits the channels %v", m.Type, subject, fit)
	}
	want := []string{}
	if b.Data.Kind != "" {
		want = append(want, b.Data.Kind)
	}
	switch {
	case strings.HasSuffix(m.Type, ".retracted"):
		if len(before) == 0 {
			return fmt.Errorf("%s of what was never told", m.Type)
		}
		want = append(want, before[len(before)-1])
	case b.Data.Family == nil && b.Data.AlertID+b.Data.SignalID != "":
		want = append(want, "all")
	case b.Data.Family == nil:
		want = append(want, "unknown")
	default:
		want = append(want, rules.Default().FamilyToken(*b.Data.Family))
	}
	if !slices.Equal(m.Tokens[2:], want) {
		return fmt.Errorf("the subject ends with %v, expected %v", m.Tokens[2:], want)
	}
	return nil
}

// asyncAPI is what the tests read of schemas/asyncapi.yaml.
type asyncAPI struct {
	Version  string                 `yaml:"asyncapi"`
	Servers  map[string]any         `yaml:"servers"`
	Channels map[string]*apiChannel `yaml:"channels"`

	Operations map[string]struct {
		Action  string `yaml:"action"`
		Channel apiRef `yaml:"channel"`
	} `yaml:"operations"`

	Components struct {
		Parameters map[string]struct {
			Examples []string `yaml:"examples"`
		} `yaml:"parameters"`
		Messages map[string]struct {
			Name    string `yaml:"name"`
			Payload struct {
				Schema apiRef `yaml:"schema"`
			} `yaml:"payload"`
		} `yaml:"messages"`
	} `yaml:"components"`
}

type apiRef struct {
	Ref string `yaml:"$ref"`
}

type apiChannel struct {
	Address    string            `yaml:"address"`
	Parameters map[string]apiRef `yaml:"parameters"`
	Messages   map[string]apiRef `yaml:"messages"`

	subjects *regexp.Regexp
}

var apiParameter = regexp.MustCompile(`\{([a-z_]+)\}`)

func readAsyncAPI(t *testing.T) asyncAPI {
	t.Helper()
	var a asyncAPI
	if err := yaml.Unmarshal(schemas.AsyncAPI, &a); err != nil {
		t.Fatal(err)
	}
	for _, c := range a.Channels {
		address := strings.ReplaceAll(c.Address, ".", `\.`)
		c.subjects = regexp.MustCompile("^" + apiParameter.ReplaceAllString(address, "[a-z0-9_-]+") + "$")
	}
	return a
}

// fitting lists the channels whose address fits a subject.
func (a *asyncAPI) fitting(subject string) []string {
	var names []string
	for name, c := range a.Channels {
		if c.subjects.MatchString(subject) {
			names = append(names, name)
		}
	}
	return names
}

// TestAsyncAPI: the document names exactly the types that are told, each with its channel, operation and schema, and every
// kind of breakpoint that it names.
func TestAsyncAPI(t *testing.T) {
	a := readAsyncAPI(t)
	if a.Version != "3.0.0" || len(a.Servers) == 0 {
		t.Errorf("AsyncAPI %s with %d servers", a.Version, len(a.Servers))
	}
	if len(a.Channels) != len(toldTypes) || len(a.Components.Messages) != len(toldTypes) || len(a.Operations) != len(toldTypes) {
		t.Errorf("%d channels, %d messages, %d operations, expected %d of each", len(a.Channels), len(a.Components.Messages),
			len(a.Operations), len(toldTypes))
	}
	for _, typ := range toldTypes {
		c, m, o := a.Channels[typ], a.Components.Messages[typ], a.Operations["tell."+typ]
		if c == nil || !reflect.DeepEqual(c.Messages, map[string]apiRef{typ: {"#/components/messages/" + typ}}) {
			t.Errorf("%s: no channel of its own", typ)
			continue
		}
		if m.Name != typ || m.Payload.Schema.Ref != schemas.JourneyFor(typ) {
			t.Errorf("%s: message %s with schema %s", typ, m.Name, m.Payload.Schema.Ref)
		}
		if o.Action != "send" || o.Channel.Ref != "#/channels/"+typ {
			t.Errorf("%s: operation %+v", typ, o)
		}
		var parameters []string
		for _, match := range apiParameter.FindAllStringSubmatch(c.Address, -1) {
			parameters = append(parameters, match[1])
			if want := "#/components/parameters/" + match[1]; c.Parameters[match[1]].Ref != want {
				t.Errorf("%s: parameter %s is %s", typ, match[1], c.Parameters[match[1]].Ref)
			}
		}
		if len(parameters) != len(c.Parameters) {
			t.Errorf("%s: the address has %v, the channel %d parameters", typ, parameters, len(c.Parameters))
		}
	}
	for _, kind := range a.Components.Parameters["kind"].Examples {
		if !slices.ContainsFunc(breakpoint.Catalogue(), func(k breakpoint.Kind) bool { return k.ID == kind }) {
			t.Errorf("the document names %s, which is no kind", kind)
		}
	}
}

// TestAsyncAPIFilters: every filter that the document recommends lets something through, and no owner.claimed.
func TestAsyncAPIFilters(t *testing.T) {
	var subjects []string
	for _, h := range toldHistories {
		for _, m := range toldBy(t, h.text) {
			subjects = append(subjects, "cx.journeys.3."+strings.Join(m.Tokens, "."))
		}
	}
	for _, m := range toldOfAlerts(t) {
		subjects = append(subjects, "cx.journeys.3."+strings.Join(m.Tokens, "."))
	}
	filters := regexp.MustCompile("(?m)^ *\\| `(cx[^`]+)` \\|").FindAllSubmatch(schemas.AsyncAPI, -1)
	if len(filters) < 5 {
		t.Fatalf("%d filters", len(filters))
	}
	for _, f := range filters {
		filter := string(f[1])
		pattern := strings.NewReplacer(".", `\.`, "*", `[^.]+`, ">", ".+").Replace(filter)
		lets := regexp.MustCompile("^" + pattern + "$").MatchString
		if !slices.ContainsFunc(subjects, lets) {
			t.Errorf("%s lets nothing through of %v", filter, subjects)
		}
		if lets("cx.journeys.3.owner.claimed") && filter != "cx.journeys.3.>" {
			t.Errorf("%s lets owner.claimed through", filter)
		}
	}
}

// TestJourneyExamples: <type>.json is valid and <type>.invalid-*.json are not; every type has one and two of them.
func TestJourneyExamples(t *testing.T) {
	all := journeySchemas(t)
	names, err := fs.Glob(schemas.Journey, "journey/examples/*.json")
	if err != nil {
		t.Fatal(err)
	}
	valid, invalid := map[string]int{}, map[string]int{}
	for _, name := range names {
		typ, why, wrong := strings.Cut(strings.TrimSuffix(path.Base(name), ".json"), ".invalid-")
		s, known := all[typ]
		if !known {
			t.Errorf("%s is of no type that is told", name)
			continue
		}
		err := s.Validate(journeyDocument(t, name))
		if wrong {
			invalid[typ]++
		} else {
			valid[typ]++
		}
		if (err != nil) != wrong {
			t.Errorf("%s (%s): the schema says %v", name, why, err)
		}
	}
	for _, typ := range toldTypes {
		if valid[typ] != 1 || invalid[typ] < 2 {
			t.Errorf("%s has %d valid and %d invalid examples, expected 1 and 2", typ, valid[typ], invalid[typ])
		}
	}
}

// TestJourneySchemas: there is a schema for each type and for nothing else, what they share is the same in each, every
// property is described, and data is closed.
func TestJourneySchemas(t *testing.T) {
	names, err := fs.Glob(schemas.Journey, "journey/*.json")
	if err != nil || len(names) != len(toldTypes) {
		t.Fatalf("schemas %v (%v), expected one for each of %v", names, err, toldTypes)
	}
	for _, typ := range []string{"", "journey", "journey.unknown", "owner.claimed", "../channel/case.opened"} {
		if got := schemas.JourneyFor(typ); got != "" {
			t.Errorf("JourneyFor(%q) is %s", typ, got)
		}
	}
	shared := map[string]any{}
	for _, name := range names {
		doc := journeyDocument(t, name)
		defs := doc["$defs"].(map[string]any)
		for def, s := range defs {
			if first, seen := shared[def]; seen && !reflect.DeepEqual(first, s) {
				t.Errorf("%s: $defs/%s differs from that of another schema: they share it", name, def)
			}
			shared[def] = s
		}
		described(t, name, doc, defs)
		data := doc["properties"].(map[string]any)["data"].(map[string]any)
		if target, ok := data["$ref"].(string); ok {
			data = defs[path.Base(target)].(map[string]any)
		}
		if data["additionalProperties"] != false {
			t.Errorf("%s: data is open", name)
		}
	}
}

// described walks a schema: every property says what it is, itself or where it refers to.
func described(t *testing.T, where string, node any, defs map[string]any) {
	switch v := node.(type) {
	case []any:
		for _, child := range v {
			described(t, where, child, defs)
		}
	case map[string]any:
		for key, child := range v {
			if key != "properties" {
				described(t, where, child, defs)
				continue
			}
			for name, p := range child.(map[string]any) {
				property, ok := p.(map[string]any)
				if !ok || property["const"] != nil && property["description"] == nil && len(property) == 1 {
					continue // forbids or compares, inside if and then
				}
				target, _ := property["$ref"].(string)
				referred, _ := defs[path.Base(target)].(map[string]any)
				if property["description"] == nil && referred["description"] == nil {
					t.Errorf("%s: property %s is not described", where, name)
				}
				described(t, where, property, defs)
			}
		}
	}
}

// TestToldIsBounded: however many silos a journey names, its message stays far below what any server takes.
func TestToldIsBounded(t *testing.T) {
	var events []*event.Event
	for i := range 600 {
		e := &event.Event{ID: fmt.Sprint(i), Source: "/s", Type: event.StepPerformed, At: event.Instant(i * 1000), Home: "h"}
		e.Data.Case, e.Data.Silo = "A", fmt.Sprintf("%03d%s", i, strings.Repeat("<", 500))
		events = append(events, e)
	}
	for _, m := range toldOf(events) {
		if len(m.Body) > 512<<10 {
			t.Fatalf("a message of %d bytes", len(m.Body))
		}
	}
}
