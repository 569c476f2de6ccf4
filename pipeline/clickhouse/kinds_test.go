package clickhouse

import (
	"fmt"
	"testing"

	"parcours/pipeline/breakpoint"
)

// TestKindsInSQL: a reader of SQL is told of each kind what the code says.
func TestKindsInSQL(t *testing.T) {
	s, want := migrated(t), ""
	for _, k := range breakpoint.Catalogue() {
		want += fmt.Sprintf("\n%s\t%d\t%s\t%s\t%v\t%t", k.ID, k.Severity, k.Rule, k.OutOf, k.Clears, k.Witness)
	}
	expect(t, s, "SELECT kind, severity, rule, out_of, '[' || arrayStringConcat(clears, ' ') || ']', witness FROM breakpoint_kinds_v FORMAT TSVRaw", want[1:])
}
