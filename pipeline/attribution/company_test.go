package attribution_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"parcours/pipeline/attribution"
	"parcours/pipeline/event"
)

// plan is a made-up company whose customers leave at a known hazard, in continuous time.
type plan struct {
	seed            uint64
	customers       int
	families, kinds int
	contactsPerYear float64
	lossPerYear     float64
	activity        float64 // power of a customer's activity in the hazard: contacts and loss have a cause in common
	breaks          float64 // probability of the first kind at a contact; the last one has nearly four times as much
	planted         bool    // the second kind multiplies the hazard by hazardRatio for two windows
	family          int     // in this family; -1 for all
	episodes        int     // how often each breakpoint is told
	blind           bool    // rows say nothing by which customers differ: as if there were one stratum a landmark
}

const hazardRatio = 1.5

const (
	planDays   = 540.0
	windowDays = 90
)

var planStart = time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)

type met struct {
	at     float64 // days
	family int
	kinds  []int
}

// person lives through a plan: contacts until the loss, if it comes.
type person struct {
	segment, name string
	since         float64 // of the contract
	contacts      []met
	lost          float64 // infinite for never
}

func (p plan) person(n int) person {
	r := rand.New(rand.NewPCG(p.seed, uint64(n)))
	who := person{segment: "standard", name: fmt.Sprintf("c%06d", n), since: r.Float64()*(planDays+1500) - 1500}
	activity := (r.ExpFloat64() + r.ExpFloat64()) / 2
	hazard, rate, careless := p.lossPerYear/365, activity*p.contactsPerYear/365, 1.0
	if n%4 == 0 { // business customers: more contacts, worse served, sooner gone (or later, as busy customers are)
		who.segment = "business"
		hazard, rate, careless = hazard*math.Pow(2, math.Copysign(1, p.activity)), rate*1.5, 1.8
	}
	hazard *= math.Pow(activity+0.05, p.activity)
	for at := max(0, who.since) + r.ExpFloat64()/rate; at < planDays; at += r.ExpFloat64() / rate {
		m := met{at: at, family: int(float64(p.families) * math.Pow(r.Float64(), 1.3))}
		for k := range p.kinds {
			if r.Float64() < careless*p.breaks*(1+3*float64(k)/float64(p.kinds)) {
				m.kinds = append(m.kinds, k)
			}
		}
		who.contacts = append(who.contacts, m)
	}
	who.lost = p.leaves(&who, hazard, r.ExpFloat64())
	who.contacts = slices.DeleteFunc(who.contacts, func(m met) bool { return m.at >= who.lost })
	return who
}

// leaves spends patience at the hazard of each moment, young contracts twice as fast, until none is left.
func (p plan) leaves(who *person, hazard, patience float64) float64 {
	edges := []float64{who.since + 365}
	var hurt []float64
	for _, m := range who.contacts {
		if p.planted && slices.Contains(m.kinds, 1) && (p.family < 0 || m.family == p.family) {
			hurt = append(hurt, m.at)
			edges = append(edges, m.at, m.at+2*windowDays)
		}
	}
	edges = append(edges, planDays)
	slices.Sort(edges)
	at := max(0, who.since)
	for _, edge := range edges {
		if edge <= at {
			continue
		}
		now := hazard
		if at < who.since+365 {
			now *= 2
		}
		if slices.ContainsFunc(hurt, func(h float64) bool { return h <= at && at < h+2*windowDays }) {
			now *= hazardRatio
		}
		if patience < now*(edge-at) {
			return at + patience/now
		}
		patience, at = patience-now*(edge-at), edge
	}
	return math.Inf(1)
}

// cohort makes the landmark rows of a plan.
func (p plan) cohort(t testing.TB) *attribution.Cohort {
	c := attribution.NewCohort()
	for n := range p.customers {
		who := p.person(n)
		for month := planStart; ; month = month.AddDate(0, 1, 0) {
			at := month.Sub(planStart).Hours() / 24
			if at+windowDays > planDays || at > who.lost {
				break
			}
			for _, row := range p.rows(&who, at, event.InstantOf(month)) {
				if err := c.Add(row); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	return c
}

func (p plan) rows(who *person, at float64, landmark event.Instant) []attribution.Row {
	rows := map[int]*attribution.Row{}
	for _, m := range who.contacts {
		if m.at < at-windowDays || m.at >= at {
			continue
		}
		row := rows[m.family]
		if row == nil {
			row = &attribution.Row{Landmark: landmark, Customer: who.name, Family: fmt.Sprintf("f%02d", m.family), Segment: who.segment,
				Tenure: tenure(at - who.since), Lost: who.lost < at+windowDays}
			rows[m.family] = row
		}
		row.Contacts++
		for _, k := range m.kinds {
			for range max(1, p.episodes) {
				row.Kinds = append(row.Kinds, fmt.Sprintf("k%02d", k))
			}
		}
	}
	list := make([]attribution.Row, 0, len(rows))
	for _, row := range rows {
		if p.blind {
			row.Contacts, row.Segment, row.Tenure = 1, "", ""
		}
		list = append(list, *row)
	}
	return list
}

func tenure(days float64) string {
	switch {
	case days < 365:
		return "under 1 year"
	case days < 3*365:
		return "1 to 3 years"
	}
	return "3 years and more"
}
