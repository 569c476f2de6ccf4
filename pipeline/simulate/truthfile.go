package simulate

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"

	"parcours/pipeline/event"
)

// The records of the truth file, in its order of kinds; docs/simulator.md describes them.
type (
	companyRecord struct {
		Record    string `json:"record"`
		Seed      uint64 `json:"seed"`
		Start     stamp  `json:"start"`
		Days      int    `json:"days"`
		Customers int    `json:"customers"`
		Company   string `json:"company"`
	}
	needRecord struct {
		Record   string          `json:"record"`
		Customer string          `json:"customer"`
		Need     string          `json:"need"`
		At       stamp           `json:"at"`
		EndedAt  stamp           `json:"ended_at"`
		Reason   string          `json:"reason"`
		Segment  string          `json:"segment"`
		Core     bool            `json:"core"`
		Met      bool            `json:"met"`
		Ending   Ending          `json:"ending"`
		Contacts int             `json:"contacts"`
		Failures []failureRecord `json:"failures"`
	}
	failureRecord struct {
		At      stamp         `json:"at"`
		Kind    string        `json:"kind"`
		Cause   string        `json:"cause"`
		Silo    string        `json:"silo"`
		Unit    string        `json:"unit"`
		Channel event.Channel `json:"channel"`
		Hurts   bool          `json:"hurts"`
		Hidden  bool          `json:"hidden"`
	}
	semblanceRecord struct {
		Record   string `json:"record"`
		Customer string `json:"customer"`
		Need     string `json:"need"`
		At       stamp  `json:"at"`
		Kind     string `json:"kind"`
		Cause    string `json:"cause"`
	}
	incidentRecord struct {
		Record    string   `json:"record"`
		At        stamp    `json:"at"`
		EndedAt   stamp    `json:"ended_at"`
		Products  []string `json:"products"`
		Places    []string `json:"places"`
		Customers int      `json:"customers"`
	}
	shiftRecord struct {
		Record string  `json:"record"`
		At     stamp   `json:"at"`
		Kind   string  `json:"kind"`
		Silo   string  `json:"silo"`
		Unit   string  `json:"unit"`
		Reason string  `json:"reason"`
		Factor float64 `json:"factor"`
	}
)

// stamp is a time as the file has it: RFC 3339, UTC, with milliseconds.
type stamp event.Instant

// MarshalJSON is for package json.
func (s stamp) MarshalJSON() ([]byte, error) {
	return event.Instant(s).Time().AppendFormat([]byte{'"'}, event.TimeLayout+`"`), nil
}

// WriteTruth writes what truly happened, one JSON object a line: the company, every event, every need with what the company
// did wrong, what only looked like it, the outages, the shifts, and who left and why. The same configuration gives the same bytes. The story is
// told twice, for the events and for the needs, so that memory holds what is under way and the semblances.
func (s *Simulator) WriteTruth(w io.Writer) error {
	out := truthWriter{out: bufio.NewWriterSize(w, 1<<16)}
	out.line(companyRecord{"company", s.config.Seed, stamp(s.start), s.config.Days, s.config.Customers, s.parameters.Name})
	for h := range s.Happened() {
		out.happened(h)
		if out.err != nil {
			break
		}
	}
	for _, x := range s.writeNeeds(&out) {
		out.line(x)
	}
	for i := range s.incidents {
		in := &s.incidents[i]
		out.line(incidentRecord{"incident", stamp(in.At), stamp(in.EndedAt), in.Products, in.Places, in.Customers})
	}
	for i := range s.parameters.Shifts {
		if x := &s.parameters.Shifts[i]; x.Day < s.config.Days {
			out.line(shiftRecord{"shift", stamp(s.shifts(x)), x.Kind, s.parameters.siloOf(x.Unit), x.Unit, x.Reason, x.Factor})
		}
	}
	s.writeChurn(&out)
	if out.err == nil {
		out.err = out.out.Flush()
	}
	if out.err != nil {
		return fmt.Errorf("write the truth: %w", out.err)
	}
	return nil
}

// writeNeeds writes the needs, and gives the semblances, which are few.
func (s *Simulator) writeNeeds(out *truthWriter) (semblances []semblanceRecord) {
	for n := range s.Truth() {
		if out.err != nil {
			return nil
		}
		for _, x := range n.Semblances {
			semblances = append(semblances, semblanceRecord{"semblance", n.Customer, n.ID, stamp(x.At), x.Kind, x.Cause})
		}
		if n.ID != "" {
			out.line(n.record())
		}
	}
	return semblances
}

// record is a need as the file has it.
func (n *Need) record() needRecord {
	r := needRecord{
		Record: "need", Customer: n.Customer, Need: n.ID, At: stamp(n.At), EndedAt: stamp(max(n.At, n.EndedAt)), Reason: n.Reason,
		Segment: n.Segment, Core: n.Core, Met: n.Met(), Ending: n.Ending, Contacts: n.Contacts, Failures: []failureRecord{},
	}
	for _, f := range n.Failures {
		r.Failures = append(r.Failures, failureRecord{stamp(f.At), f.Kind, f.Cause, f.Silo, f.Unit, f.Channel, f.Hurts, f.Hidden})
	}
	return r
}

// truthWriter writes lines until one fails.
type truthWriter struct {
	out  *bufio.Writer
	body []byte
	err  error
}

func (w *truthWriter) line(record any) {
	if w.err != nil {
		return
	}
	body, err := json.Marshal(record)
	if err == nil {
		_, err = w.out.Write(append(body, '\n'))
	}
	w.err = err
}

// happened writes an event as the file of events writes it, with what the sent copy lacks.
func (w *truthWriter) happened(h *Happened) {
	w.body = append(w.body[:0], `{"record":"event","event":`...)
	w.body = event.AppendLog(w.body, &h.Event)
	w.body = append(w.body, `,"lost":[`...)
	for i, field := range h.Lost {
		if i > 0 {
			w.body = append(w.body, ',')
		}
		w.body = append(append(append(w.body, '"'), field...), '"')
	}
	w.body = append(w.body, `],"unsent":`...)
	if h.Unsent {
		w.body = append(w.body, "true}\n"...)
	} else {
		w.body = append(w.body, "false}\n"...)
	}
	_, w.err = w.out.Write(w.body)
}
