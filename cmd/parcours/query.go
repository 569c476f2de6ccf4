package main

import (
	"context"
	"strings"

	"parcours/dashboards/brief"
	"parcours/pipeline/clickhouse"
	"parcours/pipeline/rules"
)

// each runs a query on the node's database ({db}) and hands every row to read.
func (n *node) each(ctx context.Context, query string, read func(scan func(...any) error) error) error {
	return queryOf(n.store)(ctx, query, read)
}

// queryOf runs queries on tables that are no node's.
func queryOf(store *clickhouse.Store) brief.Query {
	return func(ctx context.Context, query string, read func(scan func(...any) error) error) error {
		rows, err := store.Conn().Query(ctx, strings.ReplaceAll(query, "{db}", store.Database()))
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			if err := read(rows.Scan); err != nil {
				return err
			}
		}
		return rows.Err()
	}
}

// money is in which currency amounts of all of history stand, and whether they are illustrative.
type money struct {
	currency     string // ISO 4217; "several currencies" where the rule books of a history differ in it
	illustrative bool   // the rates of one of them
}

func moneyOf(book *rules.Book) money {
	m := money{book.Currency, book.RatesIllustrative}
	for _, p := range book.Later() {
		m.illustrative = m.illustrative || p.Book.RatesIllustrative
		if p.Book.Currency != m.currency {
			m.currency = "several currencies"
		}
	}
	return m
}

// note is what stands beside amounts.
func (m money) note() string {
	if m.illustrative {
		return ", illustrative"
	}
	return ""
}

func (n *node) money(ctx context.Context) (money, error) {
	book, err := bookInForce(ctx, n.bus, n.store)
	if err != nil {
		return money{}, err
	}
	return moneyOf(book), nil
}
