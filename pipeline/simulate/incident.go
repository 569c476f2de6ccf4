package simulate

import (
	"slices"
	"time"

	"parcours/pipeline/event"
)

// Incident is an outage: of a product, in a place.
type Incident struct {
	At        event.Instant
	EndedAt   event.Instant // beyond the end of the simulated days it is still going on
	Products  []string
	Places    []string
	Customers int // who have the product there

	day    int
	number int // from 1
}

// reaches says whether a customer is without the product.
func (i *Incident) reaches(c *customer) bool {
	return slices.Contains(i.Products, c.product) && slices.Contains(i.Places, c.place)
}

// drawIncidents makes the outages of all days; a day has the same ones however many follow.
func (s *Simulator) drawIncidents() (all []Incident) {
	p := &s.parameters.Incidents
	for d := range s.config.Days {
		rng := s.chance(0, ofIncidents+d)
		if len(p.Products) == 0 || rng.Float64() >= p.PerYear/daysPerYear {
			continue
		}
		in := Incident{day: d, number: len(all) + 1, At: s.start.Add(time.Duration(d)*day + time.Duration(rng.Int64N(86400))*time.Second)}
		in.EndedAt = in.At.Add(spanOf(rng, p.Lasts))
		in.Products = []string{p.Products[rng.IntN(len(p.Products))]}
		places := s.parameters.Places
		in.Places = []string{places[pick(rng, len(places), func(i int) float64 { return places[i].Share })].Name}
		all = append(all, in)
	}
	for i := range all {
		for n := 1; n <= s.config.Customers; n++ {
			if c := s.customer(n); all[i].reaches(&c) {
				all[i].Customers++
			}
		}
	}
	return all
}

// outage tells of an incident: of a service, not of a customer.
func (st *story) outage(in *Incident) {
	d := event.Data{Products: in.Products, Places: in.Places, Silo: st.kindOfOutage()}
	st.tell(network, event.IncidentStarted, d)
	st.now = in.EndedAt
	st.tell(network, event.IncidentEnded, d)
}

// kindOfOutage is the silo that answers for outages.
func (st *story) kindOfOutage() string {
	if k := st.outageKind; k >= 0 {
		return st.parameters.Needs[k].Silo
	}
	return ""
}
