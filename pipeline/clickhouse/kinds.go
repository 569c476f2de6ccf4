package clickhouse

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"parcours/pipeline"
)

// showKinds makes the view that tells readers of SQL what each kind of breakpoint is. Its text is the catalogue of this
// binary and no migration: a kind more is no change of the schema.
func (s *Store) showKinds(ctx context.Context, kinds []pipeline.KindRow) error {
	statements, err := migration{text: kindsView(kinds)}.statements(s.config)
	if err != nil {
		return err
	}
	for _, sql := range statements {
		err := s.retry(ctx, "show the kinds of breakpoint", func(ctx context.Context) error { return s.conn.Exec(ctx, sql) })
		if err != nil {
			return fmt.Errorf("show the kinds of breakpoint: %w", err)
		}
	}
	return nil
}

func kindsView(kinds []pipeline.KindRow) string {
	rows := make([]string, len(kinds))
	for i, k := range kinds {
		rows[i] = fmt.Sprintf("    (%s, %d, %s, %s, [%s], %t)", quote(k.Kind), k.Severity, quote(k.Rule), quote(k.OutOf), quoted(k.Clears), k.Witness)
	}
	return `CREATE OR REPLACE VIEW {{database}}.breakpoint_kinds_v {{on_cluster}}
(
    kind     LowCardinality(String) COMMENT 'Id of the kind, as in breakpoints_v and opportunities_v.',
    severity UInt8                  COMMENT '1 seen only by us, 2 felt, 3 forced another contact, 4 broke a promise or a core service, 5 legal clock, mediator, authority, court. A breakpoint may have another.',
    rule     String                 COMMENT 'When it breaks, in a sentence.',
    out_of   String                 COMMENT 'The opportunities that its rate counts.',
    clears   Array(String)          COMMENT 'Types of the events that clear it. Where a source sends none of them it is not measured.',
    witness  Bool                   COMMENT 'true for a kind that is evidence of failure and carries no cost.'
)
AS SELECT kind, severity, rule, out_of, clears, witness
FROM values('kind String, severity UInt8, rule String, out_of String, clears Array(String), witness Bool',
` + strings.Join(rows, ",\n") + `)
COMMENT ` + quote(strconv.Itoa(len(rows))+" kinds of breakpoint, in the order of the catalogue: each rule in a sentence.") + ";\n"
}
