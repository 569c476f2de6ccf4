package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
)

// object is a JSON object whose members keep their order, so that a schema reads from its title down.
type object []member

type member struct {
	name  string
	value any
}

// MarshalJSON writes the members in their order; a name that stands twice is a mistake of the table.
func (o object) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for i, m := range o {
		if slices.ContainsFunc(o[:i], func(earlier member) bool { return earlier.name == m.name }) {
			return nil, fmt.Errorf("%q stands twice in an object", m.name)
		}
		if i > 0 {
			b = append(b, ',')
		}
		name, err := plainJSON(m.name)
		if err != nil {
			return nil, err
		}
		value, err := plainJSON(m.value)
		if err != nil {
			return nil, err
		}
		b = append(append(append(b, name...), ':'), value...)
	}
	return append(b, '}'), nil
}

// plainJSON is json.Marshal without \u003c and the like.
func plainJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSpace(b.Bytes()), err
}

// encode writes a value of the table, indented. What does not encode is a mistake of the table.
func encode(v any) []byte {
	raw, err := plainJSON(v)
	if err != nil {
		panic(err)
	}
	var b bytes.Buffer
	if err := json.Indent(&b, raw, "", "  "); err != nil {
		panic(err)
	}
	b.WriteByte('\n')
	return b.Bytes()
}
