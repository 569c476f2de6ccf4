package main

import (
	"bytes"
	"context"
	_ "embed" // the page
	"html/template"
	"net/http"
	"time"
)

// page is the first look: what is where, what has come in, what was refused.
type page struct {
	node *node
	url  string
}

//go:embed page.html
var pageText string

// pageData is what the page shows.
type pageData struct {
	URL, NATS, ClickHouse, Database, Data string
	Mode                                  string
	Partitions                            int
	NoKey                                 bool
	Ready                                 string // why not, "" when ready
	Counts                                pageCounts
	Kinds                                 []pageKind
	Currency, Note                        string // of amounts
	Refusals                              []pageRefusal
	Trouble                               bool // some of it could not be read
	NoMonth                               noMonthYet
	Now                                   string
}

type pageCounts struct{ Events, Customers, Journeys, Open, Breakpoints, Refused uint64 }

type pageKind struct {
	Kind             string
	Found, Customers uint64
	Cost             float64
}

type pageRefusal struct {
	At                              time.Time
	Reason, Source, Field, Expected string
}

const pageWithin = 3 * time.Second

// ServeHTTP writes the page. It reads the documented views, as anybody can.
func (p *page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), pageWithin)
	defer cancel()
	d := p.data(ctx)
	d.NoMonth, _ = r.Context().Value(noMonthYet{}).(noMonthYet)
	body, err := d.html()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	writePage(w, body)
}

func (d *pageData) html() ([]byte, error) {
	t, err := template.New("page").Parse(pageText)
	if err != nil {
		return nil, err
	}
	var body bytes.Buffer
	err = t.Execute(&body, d)
	return body.Bytes(), err
}

func (p *page) data(ctx context.Context) pageData {
	n := p.node
	d := pageData{
		URL: p.url, NATS: n.natsURL(), ClickHouse: n.config.clickhouse.Addr, Database: n.store.Database(), Data: n.config.dir,
		Mode: n.info.Mode, Partitions: n.info.Partitions, NoKey: len(n.config.door.Keys) == 0, Now: time.Now().UTC().Format(time.DateTime),
	}
	if err := n.ready(ctx); err != nil {
		d.Ready = err.Error()
	}
	for _, read := range []func(context.Context, *pageData) error{n.pageCounts, n.pageKinds, n.pageMoney, n.pageRefusals} {
		if err := read(ctx, &d); err != nil {
			n.log.Error().Err(err).Msg("read the page of the service")
			d.Trouble = true
		}
	}
	return d
}

func (n *node) pageCounts(ctx context.Context, d *pageData) error {
	c := &d.Counts
	return n.each(ctx, `SELECT count(), uniqExactIf(customer_id, customer_id != ''), (SELECT count() FROM {db}.journeys_v),
		(SELECT countIf(outcome = 'open') FROM {db}.journeys_v), (SELECT count() FROM {db}.breakpoints_v),
		(SELECT count() FROM {db}.rejected_v) FROM {db}.events_v`, func(scan func(...any) error) error {
		return scan(&c.Events, &c.Customers, &c.Journeys, &c.Open, &c.Breakpoints, &c.Refused)
	})
}

func (n *node) pageKinds(ctx context.Context, d *pageData) error {
	return n.each(ctx, `SELECT kind, count() AS found, uniqExact(customer_id), sum(cost) FROM {db}.breakpoints_v GROUP BY kind
		ORDER BY found DESC, kind`, func(scan func(...any) error) error {
		var k pageKind
		err := scan(&k.Kind, &k.Found, &k.Customers, &k.Cost)
		d.Kinds = append(d.Kinds, k)
		return err
	})
}

func (n *node) pageMoney(ctx context.Context, d *pageData) error {
	m, err := n.money(ctx)
	d.Currency, d.Note = m.currency, m.note()
	return err
}

func (n *node) pageRefusals(ctx context.Context, d *pageData) error {
	return n.each(ctx, `SELECT seen_at, reason, source, field, expected FROM {db}.rejected_v ORDER BY position DESC LIMIT 10`,
		func(scan func(...any) error) error {
			var r pageRefusal
			err := scan(&r.At, &r.Reason, &r.Source, &r.Field, &r.Expected)
			d.Refusals = append(d.Refusals, r)
			return err
		})
}
