package clickhouse

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"parcours/pipeline/churn"
	"parcours/pipeline/event"
)

// FactsWanted says of whom and up to when facts are read.
type FactsWanted struct {
	Customer string        // a pseudonym; "" for everybody
	Until    event.Instant // what was known later is left out; 0 for all
}

// Facts hands on what is known of each customer, customer after customer in the order of their pseudonyms: the facts that the
// fold has of them, in the order of (At, What, ID); of a contact one for each of its events, of which a Standing makes one. They come out of events that were not late
// and whose home is the customer (a case that another customer opened lies there), and out of the breakpoints that the fold knows
// of them, as they were while that could change: also of one that was taken back, or reads differently, since.
// An objection counts wherever it lies and however late it came: who objects is in nothing. A consent counts wherever it lies, since
// ingest gives both to their customer, whosever case they are said in.
// The list is valid until found returns. Nobody without a fact is handed on.
func (s *Store) Facts(ctx context.Context, wanted FactsWanted, found func(customer string, facts []churn.Fact) error) error {
	g := gathering{found: found, until: wanted.Until}
	err := s.each(ctx, "read facts of customers", s.factsSQL(wanted), g.row)
	if err == nil {
		err = g.hand()
	}
	return err
}

// factsSQL reads events and breakpoints of the customers wanted together, so that the server sorts them, on disk where there
// are too many. The order of the rows of one customer is that of time, which spares Go most of the sorting.
func (s *Store) factsSQL(w FactsWanted) string {
	of := "customer_id != ''"
	if w.Customer != "" {
		of = "customer_id = " + quote(w.Customer)
	}
	events, breakpoints := of+" AND type IN ("+quoteAll(factTypes())+")", of
	if w.Until != 0 {
		events += " AND time <= " + instantSQL(w.Until)
		breakpoints += " AND known_at <= " + instantSQL(w.Until)
	}
	return fmt.Sprintf(`SELECT customer_id, toUnixTimestamp64Milli(at) AS at_ms, source, id, type, contact_id, toString(direction), reason, product, target, kind, initiated_by, captive,
			%[1]s, severity
		FROM (
			SELECT customer_id, time AS at, toString(source) AS source, id, toString(type) AS type, contact_id, direction, toString(reason) AS reason,
				toString(product) AS product, toString(target) AS target, toString(kind) AS kind, toString(initiated_by) AS initiated_by, captive,
				annual_margin, value, nps, csat, csat_scale, ces, ces_scale, toUInt8(0) AS severity
			FROM %[2]s.events_v
			WHERE %[3]s AND (type = '`+event.CustomerObjected+`'
				OR (case_id = '' OR family = 'rights' OR (case_id, customer_id) NOT IN (%[4]s)) AND (time, source, id) NOT IN (SELECT time, source, event_id FROM %[2]s.late_v))
			UNION ALL
			SELECT customer_id, known_at, '', breakpoint_id, '', '', '', toString(reason_family), '', '', toString(kind), '', false,
				NULL, NULL, NULL, NULL, NULL, NULL, NULL, severity
			FROM %[2]s.known_breakpoints_v
			WHERE %[5]s AND (case_id = '' OR (case_id, customer_id) NOT IN (%[4]s))
		)
		ORDER BY customer_id, at, type, source, id
		SETTINGS max_bytes_before_external_sort = 268435456`,
		factNumbers, s.config.Database, events, s.elsewhereSQL(), breakpoints)
}

// factTypes are the types of events that say something of their customer: FactsOf alone knows.
func factTypes() (types []string) {
	for _, spec := range event.Specs {
		one := 1.0
		e := event.Event{Type: spec.Type, Data: event.Data{NPS: &one, CSAT: &one, CES: &one}}
		if len(churn.FactsOf(nil, &e)) > 0 {
			types = append(types, spec.Type)
		}
	}
	return types
}

// factNumbers are the measures of an event, none as NaN: cheaper to read than NULL, row by row.
const factNumbers = "ifNull(annual_margin, nan), ifNull(value, nan), ifNull(nps, nan), ifNull(csat, nan), ifNull(csat_scale, nan), ifNull(ces, nan), ifNull(ces_scale, nan)"

// elsewhereSQL lists the cases whose home is not the customer that an event of theirs names, with that customer. The home of
// a case is whom its first event in the log is about (docs of Homes in pipeline/ingest): the customer that it names, else the
// one that the first event of its contact named.
func (s *Store) elsewhereSQL() string {
	return fmt.Sprintf(`
		SELECT case_id, arrayJoin(arrayFilter(c -> c != '' AND c != home, customers)) AS customer_id
		FROM (
			SELECT case_id, groupUniqArray(e.customer_id) AS customers, argMin(if(e.customer_id != '', e.customer_id, k.customer), e.position) AS home
			FROM (
				SELECT case_id, customer_id, source, contact_id, position FROM %[1]s.events_v
				WHERE case_id IN (SELECT case_id FROM %[1]s.events_v WHERE case_id != '' GROUP BY case_id HAVING uniqExact(customer_id) > 1)
			) AS e
			LEFT JOIN (
				SELECT source, contact_id, argMin(customer_id, position) AS customer FROM %[1]s.events_v
				WHERE contact_id != '' AND (source, contact_id) IN (SELECT source, contact_id FROM %[1]s.events_v WHERE case_id != '' AND contact_id != '' AND customer_id = '')
				GROUP BY source, contact_id
			) AS k ON k.source = e.source AND k.contact_id = e.contact_id
			GROUP BY case_id
		)`, s.config.Database)
}

// gathering is the facts of one customer under way.
type gathering struct {
	found    func(string, []churn.Fact) error
	until    event.Instant
	customer string
	facts    []churn.Fact
	texts    map[string]string // types, reasons and products once each: there are few
}

// row reads one row, and hands on the customer before when another begins.
func (g *gathering) row(scan scan) error {
	var r factRow
	if err := r.read(scan); err != nil {
		return err
	}
	if r.customer != g.customer {
		if err := g.hand(); err != nil {
			return err
		}
		g.customer = r.customer
	}
	g.share(&r)
	if r.event.Type == "" {
		g.facts = append(g.facts, r.broken())
		return nil
	}
	g.facts = churn.FactsOf(g.facts, &r.event)
	return nil
}

// share keeps one copy of each text of which there are few.
func (g *gathering) share(r *factRow) {
	if g.texts == nil {
		g.texts = map[string]string{}
	}
	d := &r.event.Data
	for _, text := range [...]*string{&r.event.Type, &r.event.Source, &d.Reason, &d.Product, &d.To, &d.Kind, &d.InitiatedBy} {
		if known, is := g.texts[*text]; is {
			*text = known
		} else {
			g.texts[*text] = *text
		}
	}
}

// hand puts the facts of a customer in order and hands them on.
func (g *gathering) hand() error {
	if len(g.facts) == 0 {
		return nil
	}
	slices.SortFunc(g.facts, compareFacts)
	err := g.found(g.customer, g.facts)
	g.facts = g.facts[:0]
	return err
}

func compareFacts(a, b churn.Fact) int {
	return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.What, b.What), cmp.Compare(a.ID, b.ID))
}

// factRow is a row of the query: an event, as far as facts look at one, or a breakpoint, which has no type.
type factRow struct {
	customer string
	event    event.Event
	severity uint8
}

func (r *factRow) read(scan scan) error {
	e, d := &r.event, &r.event.Data
	var direction string
	var n [7]float64
	err := scan(&r.customer, (*int64)(&e.At), &e.Source, &e.ID, &e.Type, &d.Contact, &direction, &d.Reason, &d.Product, &d.To, &d.Kind, &d.InitiatedBy, &d.Captive,
		&n[0], &n[1], &n[2], &n[3], &n[4], &n[5], &n[6], &r.severity)
	d.Customer, e.Home, d.Direction = r.customer, r.customer, event.Direction(direction)
	for i, to := range [...]**float64{&d.AnnualMargin, &d.Value, &d.NPS, &d.CSAT, &d.CSATScale, &d.CES, &d.CESScale} {
		if v := n[i]; !math.IsNaN(v) {
			*to = &v
		}
	}
	return err
}

// broken is the fact of a breakpoint.
func (r *factRow) broken() churn.Fact {
	return churn.Fact{At: r.event.At, What: churn.Broken, ID: r.event.ID, Name: r.event.Data.Kind, Family: r.event.Data.Reason, Amount: math.NaN(), Weight: r.severity}
}
