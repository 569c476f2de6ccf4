package main

import (
	"context"
	"strings"

	"parcours/pipeline/rules"
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

func (n *node) currency() string { return rules.Default().Currency }
