package evaluate

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/segmentio/encoding/json"

	"parcours/pipeline/event"
)

// Truth is a truth file that was read: what happened, what each customer wanted and what was done wrong. Events are kept
// compressed, in buckets of homes, so that some millions of them fit into memory.
type Truth struct {
	Company     Company
	buckets     []*bucket
	needs       []NeedRecord
	semblances  []Semblance
	incidents   []Incident
	shifts      []Shift
	causes      Planted
	losses      []Loss
	risks       risks
	origins     map[string]string // origin events asked for -> the customer they truly are of
	first, last event.Instant
	sample      sample
	events      int
	unsent      int
}

// Company says which made-up company it is.
type Company struct {
	Seed      uint64 `json:"seed"`
	Start     string `json:"start"`
	Days      int    `json:"days"`
	Customers int    `json:"customers"`
	Name      string `json:"company"`
}

// NeedRecord is what a customer wanted, and what the company did wrong on the way.
type NeedRecord struct {
	Customer string    `json:"customer"`
	Failures []Failure `json:"failures"`
}

// Failure is one thing done wrong.
type Failure struct {
	At     moment `json:"at"`
	Kind   string `json:"kind"`
	Hurts  bool   `json:"hurts"`
	Hidden bool   `json:"hidden"`
}

// Semblance looks like a breakpoint and is none.
type Semblance struct {
	Customer string `json:"customer"`
	At       moment `json:"at"`
	Kind     string `json:"kind"`
}

// Incident is an outage.
type Incident struct {
	At      moment `json:"at"`
	EndedAt moment `json:"ended_at"`
}

// Shift is a planted change of a rate, for change alerts to find.
type Shift struct {
	At     string  `json:"at"`
	Kind   string  `json:"kind"`
	Silo   string  `json:"silo,omitempty"`
	Unit   string  `json:"unit,omitempty"`
	Reason string  `json:"reason,omitempty"`
	Factor float64 `json:"factor"`
}

// moment is an instant written as RFC 3339.
type moment event.Instant

// UnmarshalJSON reads a time; null and "" are none.
func (m *moment) UnmarshalJSON(text []byte) error {
	text = bytes.Trim(text, `"`)
	if len(text) == 0 || string(text) == "null" {
		return nil
	}
	at, err := time.Parse(time.RFC3339Nano, string(text))
	if err != nil {
		return errors.New("expected a time of RFC 3339")
	}
	*m = moment(event.InstantOf(at))
	return nil
}

// eventRecord is a line that says what happened.
type eventRecord struct {
	Event  json.RawMessage `json:"event"`
	Lost   []string        `json:"lost"`
	Unsent bool            `json:"unsent"`
}

// reading is a truth file under way.
type reading struct {
	truth          *Truth
	sent, happened *homes
	body           []byte
}

// ReadTruth reads a truth file to its end. Found breakpoints are given so that the customer of each can be told. Progress,
// if given, is called with the lines read.
func ReadTruth(in io.Reader, found []Found, progress func(lines int)) (*Truth, error) {
	t := &Truth{origins: map[string]string{}, first: math.MaxInt64, last: math.MinInt64, buckets: newBuckets()}
	for i := range found {
		t.origins[found[i].Origin] = ""
	}
	r := reading{truth: t, sent: newHomes(), happened: newHomes()}
	lines := bufio.NewReaderSize(in, 1<<20)
	for n := 1; ; n++ {
		line, err := lines.ReadSlice('\n')
		if len(bytes.TrimSpace(line)) > 0 && (err == nil || errors.Is(err, io.EOF)) {
			if broken := r.line(line); broken != nil {
				return nil, fmt.Errorf("truth, line %d: %w", n, broken)
			}
		}
		if errors.Is(err, io.EOF) {
			return t, t.complete()
		}
		if err != nil {
			return nil, fmt.Errorf("truth, line %d: %w", n, err)
		}
		if progress != nil && n%1000 == 0 {
			progress(n)
		}
	}
}

// complete closes what was open, and refuses a file that holds no event.
func (t *Truth) complete() error {
	if t.events == 0 {
		return errors.New("truth: no line with \"record\":\"event\": expected what parcours simulate writes beside its events")
	}
	for _, b := range t.buckets {
		if err := b.close(); err != nil {
			return err
		}
	}
	return nil
}

// eventLine is how most lines begin.
var eventLine = []byte(`{"record":"event"`)

func (r *reading) line(line []byte) error {
	if bytes.HasPrefix(line, eventLine) {
		return r.event(line)
	}
	var head struct {
		Record string `json:"record"`
	}
	if err := parse(line, &head); err != nil {
		return err
	}
	t := r.truth
	switch head.Record {
	case "event":
		return r.event(line)
	case "company":
		return parse(line, &t.Company)
	case "need":
		return one(line, &t.needs)
	case "semblance":
		return one(line, &t.semblances)
	case "incident":
		return one(line, &t.incidents)
	case "shift":
		return one(line, &t.shifts)
	case "churn":
		return parse(line, &t.causes)
	case "loss":
		return one(line, &t.losses)
	case "risk":
		return t.risks.line(line)
	}
	return fmt.Errorf("record %q: expected company, event, need, semblance, incident, shift, churn, loss or risk", head.Record)
}

// parse reads JSON; what stands in it is never quoted in an error.
func parse(line []byte, into any) error {
	if err := json.Unmarshal(line, into); err != nil {
		return errors.New("not the JSON that a truth file is made of")
	}
	return nil
}

func one[T any](line []byte, list *[]T) error {
	var record T
	if err := parse(line, &record); err != nil {
		return err
	}
	*list = append(*list, record)
	return nil
}

// decoding admits every time: a made-up company may live in the future.
var decoding = event.Limits{Now: math.MaxInt64 / 4, Operator: true}

// event notes an event under the home in which it truly belongs, and the one in which it was sent.
func (r *reading) event(line []byte) error {
	var record eventRecord
	if err := parse(line, &record); err != nil {
		return err
	}
	e, _, refusal := event.Decode(record.Event, decoding)
	if refusal != nil {
		return refusal
	}
	t := r.truth
	t.events++
	t.first, t.last = min(t.first, e.At), max(t.last, e.At)
	if name := e.Source + " " + e.ID; len(t.origins) > 0 {
		if _, asked := t.origins[name]; asked {
			t.origins[name] = e.Data.Identifiers.Get("customer")
		}
	}
	e.Data.Customer = customerOf(e.Data.Identifiers)
	entry := entry{happened: r.happened.of(&e), lost: record.Lost}
	r.body = event.AppendLog(r.body[:0], &e)
	if record.Unsent {
		t.unsent++
		return r.keep(entry)
	}
	t.sample.add(&e)
	if err := forgetAll(&e, record.Lost); err != nil {
		return err
	}
	entry.sent = r.sent.of(&e)
	return r.keep(entry)
}

// forgetAll makes the copy that was sent.
func forgetAll(e *event.Event, lost []string) error {
	for _, field := range lost {
		if err := forget(e, field); err != nil {
			return err
		}
	}
	e.Data.Customer = customerOf(e.Data.Identifiers)
	return nil
}

// keep puts an event where its homes are; both are mostly one.
func (r *reading) keep(e entry) error {
	to := bucketOf(e.happened)
	if e.sent == "" || bucketOf(e.sent) == to {
		return r.truth.buckets[to].add(e, r.body)
	}
	apart := e
	e.sent, apart.happened = "", ""
	if err := r.truth.buckets[to].add(e, r.body); err != nil {
		return err
	}
	return r.truth.buckets[bucketOf(apart.sent)].add(apart, r.body)
}
