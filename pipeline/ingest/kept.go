package ingest

import (
	"bytes"
	"encoding/json"

	"parcours/pipeline/event"
)

// whole is what REJECTED keeps of an event: its body; in binary mode a line with the attributes, then the data. Structured
// reads it again.
func (r *Raw) whole() []byte {
	if r.Attributes == nil {
		return r.Body
	}
	head, err := json.Marshal(r.Attributes)
	if err != nil {
		return r.Body
	}
	return append(append(head, '\n'), r.Body...)
}

// Structured gives what REJECTED kept of an event as one structured CloudEvents object, as far as it is one. What came in
// binary mode (attributes, then data) is put together again; names of attributes that were dropped stay dropped. What came
// structured is given as it is. Decoding it gives the event that came; what was no event stays none.
func Structured(opened []byte) []byte {
	head, data, ok := bytes.Cut(opened, []byte{'\n'})
	if !ok {
		return opened
	}
	var a event.Attributes
	if json.Unmarshal(head, &a) != nil {
		return opened
	}
	if again, err := json.Marshal(&a); err != nil || !bytes.Equal(again, head) {
		return opened // not written by whole: the first line of something that came so
	}
	return structured(&a, data)
}

// structured leaves out what is empty, as binary mode does. Data that is no JSON would not be data in its new place: it
// is given alone, to be refused as what it is.
func structured(a *event.Attributes, data []byte) []byte {
	if len(data) > 0 && !json.Valid(data) {
		return data
	}
	body := []byte{'{'}
	for _, m := range [...]struct{ name, value string }{
		{"specversion", a.SpecVersion}, {"id", a.ID}, {"source", a.Source}, {"type", a.Type}, {"time", a.Time},
		{"subject", a.Subject}, {"sequence", a.Sequence}, {"datacontenttype", a.DataContentType},
	} {
		if m.value != "" {
			body = appendMember(body, m.name, m.value)
		}
	}
	if len(data) > 0 {
		body = append(append(body, `"data":`...), data...)
	}
	return append(bytes.TrimSuffix(body, []byte{','}), '}')
}

func appendMember(b []byte, name, value string) []byte {
	text, _ := json.Marshal(value) // a string always can be
	b = append(append(b, '"'), name...)
	b = append(append(b, `":`...), text...)
	return append(b, ',')
}
