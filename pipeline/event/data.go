package event

import (
	"bytes"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/segmentio/encoding/json"
)

// ExtraField is a field of data that Parcours does not know and keeps, because the source's allow-list names it.
type ExtraField struct {
	Name string
	JSON string // its value, compact
}

const (
	expectFlag    = "true or false"
	expectNumber  = "a number"
	expectInteger = "a whole number of at most 1e9"
	expectSeconds = "a number of seconds, 0 or more, at most 10 years"
	expectTexts   = "an array of strings that are not empty"
	expectIDs     = "an object of kind (lower-case letters, digits and _) to a string that is not empty"
	expectData    = "a JSON object"
)

// data reads the data object at which the walk stands. A second one takes the place of the first.
func (p *parse) data() {
	p.e.Data, p.unknown = Data{}, p.unknown[:0]
	if !p.walk.at('{') {
		if !isNull(p.walk.value()) {
			p.wrong("data", expectData)
		}
		return
	}
	for p.walk.enter(); ; {
		key, more := p.walk.key()
		if !more {
			return
		}
		if string(key) == "identifiers" {
			p.identifiers()
			continue
		}
		value := p.walk.value()
		if !p.common(key, value) && !p.detail(key, value) {
			if p.unknown == nil {
				p.unknown = make([]member, 0, 4) // enough for what Parcours itself writes
			}
			p.unknown = append(p.unknown, member{key, value})
		}
	}
}

// common reads a field that any event may carry.
func (p *parse) common(key, v []byte) bool {
	d := &p.e.Data
	switch string(key) {
	case "contact":
		d.Contact = p.text("data.contact", v)
	case "direction":
		d.Direction = Direction(p.word("data.direction", v))
	case "channel":
		d.Channel = Channel(p.word("data.channel", v))
	case "reason":
		d.Reason = p.text("data.reason", v)
	case "silo":
		d.Silo = p.text("data.silo", v)
	case "unit":
		d.Unit = p.text("data.unit", v)
	case "agent":
		d.Agent = p.text("data.agent", v)
	case "case":
		d.Case = p.text("data.case", v)
	case "product":
		d.Product = p.text("data.product", v)
	case "place":
		d.Place = p.text("data.place", v)
	case "activity":
		d.Activity = p.text("data.activity", v)
	default:
		return false
	}
	return true
}

// detail reads a field that some types need.
func (p *parse) detail(key, v []byte) bool {
	d := &p.e.Data
	switch string(key) {
	case "to_silo":
		d.ToSilo = p.text("data.to_silo", v)
	case "to_unit":
		d.ToUnit = p.text("data.to_unit", v)
	case "why":
		d.Why = p.text("data.why", v)
	case "resolved":
		d.Resolved = p.flag("data.resolved", v)
	case "wait_s":
		d.WaitS = p.number("data.wait_s", v, expectSeconds)
	case "talk_s":
		d.TalkS = p.number("data.talk_s", v, expectSeconds)
	case "hold_s":
		d.HoldS = p.number("data.hold_s", v, expectSeconds)
	case "wrap_s":
		d.WrapS = p.number("data.wrap_s", v, expectSeconds)
	case "form":
		d.Form = p.text("data.form", v)
	case "kind":
		d.Kind = p.text("data.kind", v)
	case "on":
		d.On = p.text("data.on", v)
	case "regime":
		d.Regime = p.text("data.regime", v)
	case "to":
		d.To = p.text("data.to", v)
	case "holding":
		d.Holding = p.yes("data.holding", v)
	case "sent_at":
		d.SentAt = p.instant("data.sent_at", v)
	case "promise":
		d.Promise = p.text("data.promise", v)
	case "due":
		d.Due = p.instant("data.due", v)
	case "act":
		d.Act = p.text("data.act", v)
	case "by":
		d.By = p.text("data.by", v)
	case "products":
		d.Products = p.texts("data.products", v)
	case "places":
		d.Places = p.texts("data.places", v)
	default:
		return p.figure(key, v)
	}
	return true
}

// figure reads a field of surveys and contracts.
func (p *parse) figure(key, v []byte) bool {
	d := &p.e.Data
	switch string(key) {
	case "nps":
		d.NPS = p.number("data.nps", v, expectNumber)
	case "csat":
		d.CSAT = p.number("data.csat", v, expectNumber)
	case "csat_scale":
		d.CSATScale = p.number("data.csat_scale", v, expectNumber)
	case "ces":
		d.CES = p.number("data.ces", v, expectNumber)
	case "ces_scale":
		d.CESScale = p.number("data.ces_scale", v, expectNumber)
	case "annual_margin":
		d.AnnualMargin = p.number("data.annual_margin", v, expectNumber)
	case "captive":
		d.Captive = p.yes("data.captive", v)
	case "value":
		d.Value = p.number("data.value", v, expectNumber)
	case "initiated_by":
		d.InitiatedBy = p.text("data.initiated_by", v)
	case "cause":
		d.Cause = p.text("data.cause", v)
	default:
		return false
	}
	return true
}

// settle deals with the fields of data that no channel event has, now that source and type are known.
func (p *parse) settle() {
	for _, m := range p.unknown {
		if ourField(string(m.key)) {
			p.ours(m.key, m.value)
		} else {
			p.extra(m.key, m.value)
		}
	}
}

// ourField says whether a field of data is kept for Parcours.
func ourField(name string) bool {
	switch name {
	case "verbatim", "customer", "mode", "partitions":
		return true
	}
	return false
}

// knownField says whether a field of data has a place of its own in Data, or none at all.
func knownField(name string) bool {
	var p parse
	key, null := []byte(name), []byte("null")
	return name == "identifiers" || ourField(name) || p.common(key, null) || p.detail(key, null)
}

// ours reads a field that only Parcours and its operators write. A channel's own is dropped, whatever its allow-list says:
// it could name any customer. verbatim is dropped from everybody until rules for it exist.
func (p *parse) ours(key, v []byte) {
	if p.door && (string(key) == "verbatim" || !p.operated()) {
		p.dropped.add("data.", key)
		return
	}
	switch string(key) {
	case "customer":
		p.e.Data.Customer = p.text("data.customer", v)
	case "mode":
		p.e.Data.Mode = p.text("data.mode", v)
	case "partitions":
		p.e.Data.Partitions = p.integer("data.partitions", v)
	}
}

// operated says whether this is a system event from an operator, whose data is the operator's own affair.
func (p *parse) operated() bool { return p.lim.Operator && System(p.e.Type) }

// extra keeps an unknown field, or drops it and says so.
func (p *parse) extra(key, v []byte) {
	if p.door && !p.operated() && !p.allowed(key) {
		p.dropped.add("data.", key)
		return
	}
	d := &p.e.Data
	at, found := slices.BinarySearchFunc(d.Extra, string(key), func(f ExtraField, name string) int {
		return strings.Compare(f.Name, name)
	})
	if found {
		d.Extra = slices.Delete(d.Extra, at, at+1)
	}
	switch {
	case isNull(v):
	case p.door && len(d.Extra) >= MaxExtra:
		p.fail(ReasonBadValue, "data", "at most "+itoa(MaxExtra)+" fields that Parcours does not know")
	default:
		if d.Extra == nil {
			d.Extra = make([]ExtraField, 0, min(len(p.unknown), MaxExtra))
		}
		d.Extra = slices.Insert(d.Extra, at, ExtraField{string(key), compact(v)})
	}
	if len(d.Extra) == 0 {
		d.Extra = nil
	}
}

func (p *parse) allowed(key []byte) bool {
	return p.lim.Allow != nil && p.lim.Allow(p.e.Source)[string(key)]
}

// compact takes the white space out of a raw value; most have none.
func compact(raw []byte) string {
	if !spaced(raw) {
		return string(raw)
	}
	var b bytes.Buffer
	if json.Compact(&b, raw) != nil {
		return string(raw)
	}
	return b.String()
}

// identifiers reads the object of kind -> value at which the walk stands, sorted by kind.
func (p *parse) identifiers() {
	p.e.Data.Identifiers = nil
	if !p.walk.at('{') {
		if !isNull(p.walk.value()) {
			p.wrong("data.identifiers", expectIDs)
		}
		return
	}
	var room [8]Identifier
	ids := Identifiers(room[:0])
	for p.walk.enter(); ; {
		key, more := p.walk.key()
		if !more {
			break
		}
		ids = p.identifier(ids, key, p.walk.value())
	}
	if len(ids) > 0 {
		slices.SortFunc(ids, byKind)
		p.e.Data.Identifiers = slices.Clone(ids)
	}
}

// identifier adds one; a later one of the same kind takes the place of the earlier.
func (p *parse) identifier(ids Identifiers, key, value []byte) Identifiers {
	kind := kindName(key)
	if at := slices.IndexFunc(ids, func(id Identifier) bool { return id.Kind == kind }); at >= 0 {
		ids = slices.Delete(ids, at, at+1)
	}
	switch {
	case p.door && !kindToken(kind):
		p.fail(ReasonBadValue, "data.identifiers", expectIDs)
	case isNull(value):
	case !isString(value):
		p.wrong(kindField(kind), expectIDs)
	case p.door && len(ids) >= MaxIdentifiers:
		p.fail(ReasonBadValue, "data.identifiers", "at most "+itoa(MaxIdentifiers)+" identifiers")
	default:
		return append(ids, Identifier{Kind: kind, Value: string(p.walk.unquote(value))})
	}
	return ids
}

func byKind(a, b Identifier) int { return strings.Compare(a.Kind, b.Kind) }

// kinds are those product.md names; they are not copied, and a refusal may name them. Any other kind is input.
var kinds = [...]string{"account", "contract", "cookie", "customer", "device", "email", "loyalty", "phone"}

func kindName(key []byte) string {
	for _, k := range kinds[:] {
		if string(key) == k {
			return k
		}
	}
	return string(key)
}

func kindField(kind string) string {
	if slices.Contains(kinds[:], kind) {
		return "data.identifiers." + kind
	}
	return "data.identifiers"
}

// word is text for a closed list of short words, which are not copied.
func (p *parse) word(field string, raw []byte) string {
	for _, c := range Channels[:] {
		if len(raw) == len(c)+2 && string(raw[1:len(raw)-1]) == string(c) && raw[0] == '"' {
			return string(c)
		}
	}
	return p.text(field, raw)
}

func (p *parse) flag(field string, raw []byte) *bool {
	if isNull(raw) {
		return nil
	}
	v := raw[0] == 't'
	if !v && raw[0] != 'f' {
		p.wrong(field, expectFlag)
	}
	return &v
}

func (p *parse) yes(field string, raw []byte) bool {
	v := p.flag(field, raw)
	return v != nil && *v
}

func (p *parse) number(field string, raw []byte, expected string) *float64 {
	if isNull(raw) {
		return nil
	}
	if !isNumber(raw) {
		p.wrong(field, expected)
		return nil
	}
	v, err := strconv.ParseFloat(string(raw), 64)
	if err != nil {
		p.fail(ReasonBadValue, field, expected)
	}
	v += 0 // -0 is 0
	return &v
}

func (p *parse) integer(field string, raw []byte) int {
	v := p.number(field, raw, expectInteger)
	if v == nil {
		return 0
	}
	if *v != math.Trunc(*v) || math.Abs(*v) > maxWhole {
		p.fail(ReasonBadValue, field, expectInteger)
		return 0
	}
	return int(*v)
}

func (p *parse) texts(field string, raw []byte) []string {
	if isNull(raw) {
		return nil
	}
	if raw[0] != '[' {
		p.wrong(field, expectTexts)
		return nil
	}
	var all []string
	for w := (walk{raw, 1, p.walk.escapes}); ; {
		value, more := w.element()
		if !more {
			return all
		}
		if !isString(value) {
			p.wrong(field, expectTexts)
			return nil
		}
		all = append(all, string(w.unquote(value)))
	}
}

// spaced says whether a raw value may hold white space, be it in a text.
func spaced(raw []byte) bool {
	for _, space := range [...]byte{' ', '\t', '\n', '\r'} {
		if bytes.IndexByte(raw, space) >= 0 {
			return true
		}
	}
	return false
}
