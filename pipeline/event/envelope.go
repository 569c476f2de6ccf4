package event

import (
	"strconv"
	"strings"
	"time"
)

// raws are the raw values of an envelope: read whole before any is judged, so that a refusal can name the event.
type raws struct {
	specversion, id, source, typ, time, subject, sequence, home, contentType, dataBase64 []byte
}

// envelope reads the structured CloudEvents object at which the walk stands. data is read in passing.
func (p *parse) envelope() {
	var r raws
	for p.walk.enter(); ; {
		key, more := p.walk.key()
		if !more {
			break
		}
		if string(key) == "data" {
			p.data()
		} else {
			p.attribute(&r, key, p.walk.value())
		}
	}
	p.head(&r)
}

// attribute files one member of the envelope.
func (p *parse) attribute(r *raws, key, value []byte) {
	switch string(key) {
	case "specversion":
		r.specversion = value
	case "id":
		r.id = value
	case "source":
		r.source = value
	case "type":
		r.typ = value
	case "time":
		r.time = value
	case "subject":
		r.subject = value
	case "sequence":
		r.sequence = value
	case "datacontenttype":
		r.contentType = value
	case "data_base64":
		r.dataBase64 = value
	case "dataschema", "sequencetype": // CloudEvents knows them, Parcours has no use for them
	default:
		p.extension(r, key, value)
	}
}

// extension files an attribute that CloudEvents does not name: home is ours, and only in the log.
func (p *parse) extension(r *raws, key, value []byte) {
	switch {
	case p.door:
		p.dropped.add("", key)
	case string(key) == "home":
		r.home = value
	}
}

// head turns the raw attributes into the event's.
func (p *parse) head(r *raws) {
	p.e.ID, p.e.Source = p.text("id", r.id), p.text("source", r.source)
	if string(r.specversion) != `"1.0"` && p.text("specversion", r.specversion) != "1.0" {
		p.fail(ReasonNotCloudEvent, "specversion", `"1.0"`)
	}
	if !isNull(r.dataBase64) {
		p.fail(ReasonNotCloudEvent, "data_base64", "no data_base64: data is a JSON object, in data")
	}
	if string(r.contentType) != `"application/json"` && !jsonContent(p.text("datacontenttype", r.contentType)) {
		p.fail(ReasonNotCloudEvent, "datacontenttype", expectJSONContent)
	}
	p.e.Type = p.typeName(r.typ)
	p.e.Subject = p.text("subject", r.subject)
	p.e.Sequence = p.text("sequence", r.sequence)
	p.e.Home = p.text("home", r.home)
	if isNull(r.time) {
		p.fail(ReasonMissingField, "time", expectTime)
		return
	}
	p.e.At = p.instant("time", r.time)
}

// attributes takes the head of a binary-mode event.
func (p *parse) attributes(a *Attributes) {
	p.e = Event{ID: a.ID, Source: a.Source, Type: a.Type, Subject: a.Subject, Sequence: a.Sequence}
	for _, name := range a.Unknown {
		p.dropped.add("", []byte(name))
	}
	if a.SpecVersion != "1.0" {
		p.fail(ReasonNotCloudEvent, "specversion", `"1.0"`)
	}
	if !jsonContent(a.DataContentType) {
		p.fail(ReasonNotCloudEvent, "datacontenttype", expectJSONContent)
	}
	if a.Time == "" {
		p.fail(ReasonMissingField, "time", expectTime)
		return
	}
	at, ok := parseTime([]byte(a.Time))
	if !ok {
		p.fail(ReasonBadTime, "time", expectTime)
	}
	p.e.At = at
}

const (
	expectTime        = "RFC 3339 with seconds and an offset, such as 2026-10-03T09:14:22.123Z"
	expectText        = "a string"
	expectJSONContent = "application/json, or nothing"
)

// text reads a string; null and absent give "".
func (p *parse) text(field string, raw []byte) string {
	if isNull(raw) {
		return ""
	}
	if !isString(raw) {
		p.wrong(field, expectText)
		return ""
	}
	return string(p.walk.unquote(raw))
}

// typeName is text for the type; a known one is not copied.
func (p *parse) typeName(raw []byte) string {
	if isString(raw) {
		if i := specs.find(string(raw[1 : len(raw)-1])); i >= 0 {
			return Specs[i].Type
		}
	}
	return p.text("type", raw)
}

// instant reads a time; null and absent give 0.
func (p *parse) instant(field string, raw []byte) Instant {
	if isNull(raw) {
		return 0
	}
	if !isString(raw) {
		p.wrong(field, expectTime)
		return 0
	}
	at, ok := parseTime(p.walk.unquote(raw))
	if !ok {
		p.fail(ReasonBadTime, field, expectTime)
	}
	return at
}

// parseTime reads RFC 3339, strictly, and cuts it to the millisecond.
func parseTime(text []byte) (Instant, bool) {
	var t time.Time
	if !timeShaped(text) || t.UnmarshalText(text) != nil {
		return 0, false
	}
	return InstantOf(t), true
}

// timeShaped makes sure of what package time lets pass (go.dev/issue/54580): one digit of an hour, a comma before the
// fraction, an offset of 24 hours.
func timeShaped(b []byte) bool {
	const shape = "2006-01-02T15:04:05Z"
	if len(b) < len(shape) || b[4] != '-' || b[7] != '-' || b[10] != 'T' || b[13] != ':' || b[16] != ':' || b[19] == ',' {
		return false
	}
	end := len(b)
	return b[end-1] == 'Z' || b[end-3] == ':' && string(b[end-5:end-3]) < "24" && string(b[end-2:]) < "60"
}

// jsonContent says whether a media type is JSON; "" is (the JSON format of CloudEvents takes it so).
func jsonContent(mediaType string) bool {
	if mediaType == "" || mediaType == "application/json" {
		return true
	}
	mediaType, _, _ = strings.Cut(mediaType, ";")
	kind, sub, _ := strings.Cut(strings.ToLower(strings.Trim(mediaType, " \t")), "/")
	return token(kind) && (sub == "json" || strings.HasSuffix(sub, "+json") && token(strings.TrimSuffix(sub, "+json")))
}

// token says whether s is a part of a media type (RFC 6838), in lower case.
func token(s string) bool {
	for _, c := range []byte(s) {
		if !('a' <= c && c <= 'z' || '0' <= c && c <= '9' || strings.IndexByte("!#$&-^_.+", c) >= 0) {
			return false
		}
	}
	return s != ""
}

func itoa(n int) string { return strconv.Itoa(n) }
