package simulate

import (
	"fmt"
	"math"

	"parcours/pipeline/event"
)

// customer is one of the company's customers: the same in a company of any size.
type customer struct {
	number  int
	segment *Segment
	product string
	place   string
	margin  float64       // a year
	began   event.Instant // of the contract, where customers come and go
}

// ordinals of customer 0 and of what a customer is, beside the numbers of occasions.
const ofProfile, ofIncidents = 1 << 20, 1 << 21

// customer draws who a customer is.
func (s *Simulator) customer(number int) customer {
	p, rng := s.parameters, s.chance(number, ofProfile)
	c := customer{number: number}
	c.segment = &p.Segments[pick(rng, len(p.Segments), func(i int) float64 { return p.Segments[i].Share })]
	c.product = p.Products[pick(rng, len(p.Products), func(i int) float64 { return p.Products[i].Share })].Name
	c.place = p.Places[pick(rng, len(p.Places), func(i int) float64 { return p.Places[i].Share })].Name
	share := rng.Float64()
	low, high := c.segment.Margin[0], c.segment.Margin[1]
	c.margin = math.Round(low + float64((high-low)*share*share))
	if c.segment.Product != "" {
		c.product = c.segment.Product
	}
	s.sign(&c)
	return c
}

// id is the customer number, as in the events.
func (c *customer) id() string { return fmt.Sprintf("%08d", 10_000_000+c.number) }

// names are the identifiers of a customer: the number, and with it the telephone number or the e-mail address.
func (c *customer) names() (who, phone, mail event.Identifiers) {
	number := event.Identifier{Kind: "customer", Value: c.id()}
	// +999 is no country: the numbers are nobody's. example.org is kept for examples.
	return event.Identifiers{number},
		event.Identifiers{number, {Kind: "phone", Value: fmt.Sprintf("+999%08d", c.number)}},
		event.Identifiers{number, {Kind: "email", Value: fmt.Sprintf("customer.%d@example.org", c.number)}}
}
