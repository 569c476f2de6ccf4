package event

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/cespare/xxhash/v2"
)

// Fingerprint is the xxHash64 of source, a zero byte and id: 8 bytes by which a fold knows a copy.
func Fingerprint(source, id string) uint64 {
	var room [256]byte
	return xxhash.Sum64(appendName(room[:0], source, id))
}

// MessageID is the Nats-Msg-Id of an event: the first 16 bytes of the SHA-256 of source, a zero byte and id, in hexadecimal.
func MessageID(source, id string) string {
	var room [256]byte
	sum := sha256.Sum256(appendName(room[:0], source, id))
	return hex.EncodeToString(sum[:16])
}

// appendName writes what names an event for ever: no source holds a zero byte.
func appendName(b []byte, source, id string) []byte {
	b = append(append(b, source...), 0)
	return append(b, id...)
}

// String tells the event in one line, for tests and logs: type, time, name, and the fields that place it. It leaves out
// identifiers and the agent, which may be raw.
func (e *Event) String() string {
	var b strings.Builder
	b.WriteString(e.Type + " " + e.At.String() + " " + e.Source + " " + e.ID)
	d := &e.Data
	for _, f := range [...]struct{ name, value string }{
		{"activity", d.Activity}, {"channel", string(d.Channel)}, {"direction", string(d.Direction)}, {"reason", d.Reason},
		{"silo", d.Silo}, {"unit", d.Unit}, {"to_silo", d.ToSilo}, {"to_unit", d.ToUnit}, {"contact", d.Contact},
		{"case", d.Case}, {"promise", d.Promise}, {"customer", d.Customer}, {"home", e.Home},
	} {
		if f.value != "" {
			b.WriteString(" " + f.name + "=" + f.value)
		}
	}
	return b.String()
}
