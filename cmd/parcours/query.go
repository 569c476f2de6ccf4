package main

import (
	"context"
	"math"
	"strings"
)

// each runs a query on the node's database ({db}) and hands every row to read.
func (n *node) each(ctx context.Context, query string, read func(scan func(...any) error) error) error {
	rows, err := n.store.Conn().Query(ctx, strings.ReplaceAll(query, "{db}", n.store.Database()))
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

// currency is that of the rule book in force.
func (n *node) currency(ctx context.Context) (string, error) {
	book, err := bookInForce(ctx, n.bus, n.store)
	if err != nil {
		return "", err
	}
	return book.At(math.MaxInt64).Currency, nil
}
