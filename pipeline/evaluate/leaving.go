package evaluate

import (
	"iter"
	"strings"

	"parcours/pipeline/event"
)

// Planted says why the customers of a made-up company leave; without causes nothing was planted.
type Planted struct {
	Causes     []PlantedCause     `json:"causes"`
	Confounded []string           `json:"confounded"` // kinds that meet those more who leave more, and drive nobody away
	Harmless   []string           `json:"harmless"`   // all other kinds
	Tenure     float64            `json:"tenure"`     // the hazard is multiplied by (1 + years)^-Tenure
	Price      float64            `json:"price"`      // and by (margin / median of the segment)^Price
	Season     [12]float64        `json:"season"`     // and by this, from January
	Leaves     map[string]float64 `json:"leaves"`     // segment -> hazard a year of a new contract, nothing else considered
}

// PlantedCause is a kind of failure that drives customers away.
type PlantedCause struct {
	Kind      string  `json:"kind"`
	Strength  float64 `json:"strength"`   // of a fresh one: log of the factor on the hazard
	DecayDays float64 `json:"decay_days"` // after which half of it is forgotten
}

// Loss is the end of a contract.
type Loss struct {
	Customer    string // the number, as in the events that were sent
	Segment     string
	At          event.Instant
	By          string // customer, company or third_party
	Cause       string
	DecidedAt   event.Instant // by the customer; 0 where somebody else ended it
	AnnouncedAt event.Instant // by contract.cancel_requested or portability.requested; 0 for never
}

// Voluntary says whether the customer wanted it.
func (l *Loss) Voluntary() bool { return l.By == "customer" }

// UnmarshalJSON reads a record of the truth file.
func (l *Loss) UnmarshalJSON(text []byte) error {
	var record struct {
		Customer    string `json:"customer"`
		Segment     string `json:"segment"`
		At          moment `json:"at"`
		By          string `json:"by"`
		Cause       string `json:"cause"`
		DecidedAt   moment `json:"decided_at"`
		AnnouncedAt moment `json:"announced_at"`
	}
	if err := parse(text, &record); err != nil {
		return err
	}
	*l = Loss{
		Customer: record.Customer, Segment: record.Segment, At: event.Instant(record.At), By: record.By, Cause: record.Cause,
		DecidedAt: event.Instant(record.DecidedAt), AnnouncedAt: event.Instant(record.AnnouncedAt),
	}
	return nil
}

// Risk is how probable it truly was that a customer leaves: for somebody who knew how the company was made, as of a moment.
type Risk struct {
	Customer string
	Segment  string
	At       event.Instant
	P        [3]float64 // within 30, 90 and 365 days
}

// Planted says why customers leave.
func (t *Truth) Planted() Planted { return t.causes }

// Losses gives the ends of contracts, in the order of the file: by customer.
func (t *Truth) Losses() []Loss { return t.losses }

// Risks gives the true risks, in the order of the file: by time and customer.
func (t *Truth) Risks() iter.Seq[Risk] {
	return func(yield func(Risk) bool) {
		for i := range t.risks.rows {
			r := &t.risks.rows[i]
			risk := Risk{Customer: t.risks.names[r.customer], Segment: t.risks.names[r.segment], At: r.at}
			for h, p := range r.p {
				risk.P[h] = float64(p)
			}
			if !yield(risk) {
				return
			}
		}
	}
}

// risks holds them in 32 bytes each.
type risks struct {
	rows   []riskRow
	names  []string
	number map[string]int32
}

type riskRow struct {
	at                event.Instant
	customer, segment int32
	p                 [3]float32
}

func (r *risks) line(line []byte) error {
	var record struct {
		Customer string `json:"customer"`
		Segment  string `json:"segment"`
		At       moment `json:"at"`
		P        struct {
			D30  float32 `json:"30"`
			D90  float32 `json:"90"`
			D365 float32 `json:"365"`
		} `json:"p"`
	}
	if err := parse(line, &record); err != nil {
		return err
	}
	row := riskRow{at: event.Instant(record.At), customer: r.name(record.Customer), segment: r.name(record.Segment)}
	row.p = [...]float32{record.P.D30, record.P.D90, record.P.D365}
	r.rows = append(r.rows, row)
	return nil
}

// name numbers a customer or a segment. The line it stands in is read over.
func (r *risks) name(text string) int32 {
	if n, known := r.number[text]; known {
		return n
	}
	if r.number == nil {
		r.number = map[string]int32{}
	}
	text = strings.Clone(text)
	n := int32(len(r.names))
	r.number[text] = n
	r.names = append(r.names, text)
	return n
}
