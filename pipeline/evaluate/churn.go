package evaluate

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"parcours/pipeline/event"
)

// Leaving is what a truth file says of customers who leave: why, and how probable it truly was. Who they are in the tables is
// told by the events in which their contracts began.
type Leaving struct {
	Planted
	risks     risks
	customers map[string]string // "source id" of an event -> number of the customer
}

// ReadLeaving reads what a truth file says of leaving, and no event but those in which contracts start.
func ReadLeaving(in io.Reader) (*Leaving, error) {
	l := &Leaving{customers: map[string]string{}}
	lines := bufio.NewReaderSize(in, 1<<20)
	for n := 1; ; n++ {
		line, err := lines.ReadSlice('\n')
		if len(bytes.TrimSpace(line)) > 0 && (err == nil || errors.Is(err, io.EOF)) {
			if broken := l.line(line); broken != nil {
				return nil, fmt.Errorf("truth, line %d: %w", n, broken)
			}
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("truth, line %d: %w", n, err)
		}
	}
	if len(l.Causes) == 0 || len(l.risks.rows) == 0 {
		return nil, errors.New("truth: no line with \"record\":\"churn\" or \"record\":\"risk\": expected what parcours simulate writes of a company whose customers leave")
	}
	return l, nil
}

var (
	riskLine  = []byte(`{"record":"risk"`)
	churnLine = []byte(`{"record":"churn"`)
	starting  = []byte(`"` + event.ContractStarted + `"`)
)

func (l *Leaving) line(line []byte) error {
	switch {
	case bytes.HasPrefix(line, riskLine):
		return l.risks.line(line)
	case bytes.HasPrefix(line, churnLine):
		return parse(line, &l.Planted)
	case bytes.HasPrefix(line, eventLine) && bytes.Contains(line, starting):
		return l.start(line)
	}
	return nil
}

// start notes whose contract an event starts.
func (l *Leaving) start(line []byte) error {
	var record eventRecord
	if err := parse(line, &record); err != nil {
		return err
	}
	e, _, refusal := event.Decode(record.Event, decoding)
	if refusal != nil {
		return refusal
	}
	if number := e.Data.Identifiers.Get("customer"); e.Type == event.ContractStarted && number != "" {
		l.customers[e.Source+" "+e.ID] = number
	}
	return nil
}

// Truly gives the true risks of customers at landmarks: by the pseudonym that the tables have for them. Starts gives, of each
// event that starts a contract ("source id"), the customer of the tables; known is how many customers of it are in the truth.
func (l *Leaving) Truly(starts map[string]string) (truly map[At][3]float64, known int) {
	pseudonyms := map[string]string{}
	for origin, pseudonym := range starts {
		if number, is := l.customers[origin]; is {
			pseudonyms[number] = pseudonym
		}
	}
	truly = make(map[At][3]float64, len(l.risks.rows))
	for i := range l.risks.rows {
		r := &l.risks.rows[i]
		if customer, is := pseudonyms[l.risks.names[r.customer]]; is {
			truly[At{customer, r.at}] = [3]float64{float64(r.p[0]), float64(r.p[1]), float64(r.p[2])}
		}
	}
	return truly, len(pseudonyms)
}

// At is a customer at a landmark.
type At struct {
	Customer string
	Landmark event.Instant
}

// What a kind of breakpoint was planted as.
const (
	RoleCause      = "cause"
	RoleConfounded = "confounded" // meets those more who leave more, and drives nobody away
	RoleHarmless   = "harmless"
)

// Role says what a kind was planted as, and how strong: the log of the factor of a fresh one on the hazard.
func (p *Planted) Role(kind string) (role string, strength float64) {
	for _, c := range p.Causes {
		if c.Kind == kind {
			return RoleCause, c.Strength
		}
	}
	for _, k := range p.Confounded {
		if k == kind {
			return RoleConfounded, 0
		}
	}
	return RoleHarmless, 0
}
