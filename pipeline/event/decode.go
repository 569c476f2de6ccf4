package event

import (
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/segmentio/encoding/json"
)

// What a channel may send, unless Limits say otherwise.
const (
	DefaultMaxBytes = 512 << 10       // of a body
	DefaultAhead    = 5 * time.Minute // an event's time ahead of ours
	MaxIDBytes      = 1024
	MaxTextBytes    = 512 // of any other text
	MaxIdentifiers  = 64
	MaxExtra        = 256 // fields of data that Parcours does not know and keeps
)

// Limits are what the door allows.
type Limits struct {
	MaxBytes int           // bytes of a body; 0 for DefaultMaxBytes
	Ahead    time.Duration // how far the time of an event may lie ahead of Now; 0 for DefaultAhead
	Age      time.Duration // how far it may lie back; 0 for any time in the past
	Now      Instant       // when the event was received
	// Operator allows system types, and in them data.customer and every field of data (unknown ones in Data.Extra).
	Operator bool
	// Allow gives the names of the unknown data fields that a source may send and that are kept in Data.Extra; nil for none.
	Allow func(source string) map[string]bool
}

func (l *Limits) maxBytes() int {
	if l.MaxBytes <= 0 {
		return DefaultMaxBytes
	}
	return l.MaxBytes
}

func (l *Limits) ahead() time.Duration {
	if l.Ahead <= 0 {
		return DefaultAhead
	}
	return l.Ahead
}

// Attributes are the CloudEvents context attributes of binary mode, as text; "" for one that is absent.
type Attributes struct {
	SpecVersion     string
	ID              string
	Source          string
	Type            string
	Time            string
	Subject         string
	Sequence        string
	DataContentType string
	Unknown         []string // names of the extension attributes that are none of these: reported as dropped
}

// Dropped names what was left out of an event: "traceparent", "data.verbatim". A name that is not a letter
// or "_" and up to 63 letters, digits, "_" and "-" stands as "?": somebody's e-mail address or number may be in its place.
type Dropped []string

// maxDropped ends the list: what follows is dropped all the same.
const maxDropped = 64

func (d *Dropped) add(prefix string, name []byte) {
	if len(*d) >= maxDropped {
		return
	}
	if !plainName(name) {
		name = []byte{'?'}
	}
	*d = append(*d, prefix+string(name))
}

// Decode reads one structured CloudEvents JSON object from a channel, with raw identifiers, and applies every rule of
// product.md (see Check). null is the same as absent. Of a repeated key the last one wins, but each must be right. Names
// are case-sensitive. Bytes after the object are refused. Unknown fields are dropped and named, unless the source's
// allow-list keeps them. Nothing in the event aliases body.
func Decode(body []byte, lim Limits) (Event, Dropped, *Refusal) {
	if r := checkBody(body, &lim); r != nil {
		return Event{}, nil, r
	}
	p := parse{walk: walkOf(body), door: true, lim: lim}
	if !p.walk.at('{') {
		return Event{}, nil, refuse(ReasonNotCloudEvent, "", "one JSON object, a CloudEvents 1.0 envelope")
	}
	p.envelope()
	p.done()
	if p.bad != nil {
		return Event{}, nil, p.bad
	}
	return p.e, p.dropped, nil
}

// DecodeData is Decode for binary mode: the attributes come apart, data is the body; empty for no data.
func DecodeData(a Attributes, data []byte, lim Limits) (Event, Dropped, *Refusal) {
	p := parse{door: true, lim: lim}
	p.attributes(&a)
	if len(data) > 0 && p.bad == nil {
		if p.bad = checkBody(data, &lim); p.bad == nil {
			p.walk = walkOf(data)
			p.data()
		}
	}
	p.done()
	if p.bad != nil {
		return Event{}, nil, p.bad
	}
	return p.e, p.dropped, nil
}

// DecodeLog reads what AppendLog wrote. Types are checked, the rules of the door are not: they may have changed since.
// Data fields that this version does not know are kept in Data.Extra. Nothing in the event aliases body, and the error
// quotes nothing of it.
func DecodeLog(body []byte) (Event, error) {
	p := parse{walk: walkOf(body)}
	if tooDeep(body) || !utf8.Valid(body) || !json.Valid(body) || !p.walk.at('{') {
		return Event{}, errors.New("decode an event of the log: not a JSON object")
	}
	p.envelope()
	p.settle()
	if p.bad != nil {
		return Event{}, fmt.Errorf("decode an event of the log: %w", p.bad)
	}
	return p.e, nil
}

// checkBody refuses what is too big, too deep or not JSON, before anything is read from it.
func checkBody(body []byte, lim *Limits) *Refusal {
	switch {
	case len(body) > lim.maxBytes():
		return refuse(ReasonTooBig, "", "at most "+itoa(lim.maxBytes())+" bytes")
	case tooDeep(body):
		return refuse(ReasonTooDeep, "", "at most "+itoa(maxDepth)+" levels of objects and arrays")
	case !utf8.Valid(body) || !json.Valid(body):
		return refuse(ReasonBrokenJSON, "", "one JSON object in UTF-8 and nothing after it")
	}
	return nil
}

// parse is one decoding under way; bad is the first thing that was wrong.
type parse struct {
	walk    walk
	e       Event
	unknown []member // of data: settled when the envelope is known
	dropped Dropped
	bad     *Refusal
	lim     Limits
	door    bool // what comes is from outside: what only Parcours writes is dropped
}

// member is a member of an object; it aliases the body.
type member struct{ key, value []byte }

// done settles what hung on the envelope, applies the rules and names the event in the refusal.
func (p *parse) done() {
	p.settle()
	if p.bad == nil {
		normalise(&p.e)
		p.bad = check(&p.e, &p.lim)
	}
	if p.bad != nil {
		p.bad = p.bad.of(p.e.ID, p.e.Source)
	}
}

// wrong notes that a field is not of the type it should be, and lets the first such note stand.
func (p *parse) wrong(field, expected string) {
	p.fail(ReasonWrongType, field, expected)
}

func (p *parse) fail(reason, field, expected string) {
	if p.bad == nil {
		p.bad = refuse(reason, field, expected)
	}
}
