package ingest

import (
	"encoding/json"
	"regexp"
	"strings"
)

// shown gives an id or a source of a refused event if it may be repeated to whoever sent it, and kept in clear: not when
// it looks like an address or a telephone number, nor when an identifier of the event stands in it. The event was refused,
// so its identifiers are looked for wherever they could be.
func shown(name string, r *Raw) string {
	if name == "" || strings.Contains(name, "@") || likePhone(name) {
		return ""
	}
	var hidden raws
	for _, value := range suspects(r) {
		hidden = hidden.add("", value, "c")
	}
	if hidden.in(strings.ToLower(name)) || hidden.in(name) {
		return ""
	}
	return name
}

// likePhone: an international number, or a national one in pairs.
func likePhone(s string) bool {
	return phoneLike.MatchString(s)
}

var phoneLike = regexp.MustCompile(`\+[0-9][0-9 .()-]{7,}|(^|[^0-9])0[1-9]([ .-]?[0-9]{2}){4}($|[^0-9])`)

// suspects are the texts of a refused event that may be identifiers: everything in data but what is known to be none.
func suspects(r *Raw) []string {
	var data any
	if r.Attributes != nil {
		data = parsed(r.Body)
	} else if envelope, ok := parsed(r.Body).(map[string]any); ok {
		data = envelope["data"]
	}
	return texts(nil, data)
}

func parsed(body []byte) any {
	decoder := json.NewDecoder(strings.NewReader(string(body)))
	decoder.UseNumber()
	var v any
	if decoder.Decode(&v) != nil {
		return nil
	}
	return v
}

// harmless are fields that name no person, and of which an id is often made.
var harmless = map[string]bool{"contact": true, "case": true, "channel": true, "direction": true, "reason": true, "silo": true,
	"unit": true, "product": true, "place": true, "activity": true, "to_silo": true, "to_unit": true, "form": true, "kind": true,
	"promise": true, "due": true, "sent_at": true}

func texts(to []string, v any) []string {
	switch v := v.(type) {
	case string:
		to = append(to, v)
	case json.Number:
		to = append(to, v.String())
	case []any:
		for _, e := range v {
			to = texts(to, e)
		}
	case map[string]any:
		for name, e := range v {
			if _, isText := e.(string); !isText || !harmless[name] {
				to = texts(to, e)
			}
		}
	}
	return to
}
