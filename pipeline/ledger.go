package pipeline

import (
	"encoding/binary"

	"parcours/pipeline/event"
)

// factTable is a table of facts that the fold keeps a digest of.
type factTable int

const (
	tableJourneys factTable = iota
	tableSteps
	tableBreakpoints
	tableAliases
	tableAlerts
	tableClosedDays
	tableChurnSignals
	tableScores
	tableScoredDays
	tableModels
	factTables
)

// FactTables are the names of the tables whose digests the fold keeps, in the order of DigestRow.
var FactTables = [factTables]string{"journeys", "journey_steps", "breakpoints", "aliases", "alerts", "closed_days", "churn_signals", "churn_scores", "scored_days", "models"}

// tally is the additive digest of each table's rows as they stand: what is said is added, what is replaced or retracted is
// taken away again. SQL finds the same sums in the tables, or something is missing, doubled or altered there.
type tally [factTables]struct{ rows, digest uint64 }

func (t *tally) add(table factTable, s said) {
	t[table].rows++
	t[table].digest += RowDigest(s.content, s.position)
}

// remove takes away what was said, if anything was.
func (t *tally) remove(table factTable, s said) {
	if s.nothing() {
		return
	}
	t[table].rows--
	t[table].digest -= RowDigest(s.content, s.position)
}

// ledger accounts for the messages of a partition, by ranges of positions.
type ledger struct {
	partition int
	ranges    []LedgerRow // those that may still be added to, or were not yet written
	touched   map[uint64]bool
}

func newLedger(partition int) ledger {
	return ledger{partition: partition, touched: map[uint64]bool{}}
}

// RangeOf is the range of the ledger that a position lies in.
func RangeOf(position uint64) uint64 { return (max(position, 1) - 1) / LedgerRange }

// of gives the account of the range that a position lies in, to be added to.
func (l *ledger) of(position uint64) *LedgerRow {
	r := RangeOf(position)
	l.touched[r] = true
	for i := len(l.ranges) - 1; i >= 0; i-- {
		if l.ranges[i].Range == r {
			return &l.ranges[i]
		}
	}
	l.ranges = append(l.ranges, LedgerRow{Partition: l.partition, Range: r})
	return &l.ranges[len(l.ranges)-1]
}

// written gives the accounts that changed since the last call, as of a position, and forgets those that are complete.
func (l *ledger) written(position uint64, complete bool) []LedgerRow {
	var rows []LedgerRow
	open := l.ranges[:0]
	for _, row := range l.ranges {
		if l.touched[row.Range] {
			row.Position = position
			rows = append(rows, row)
		}
		if !complete || row.Range >= RangeOf(position+1) {
			open = append(open, row)
		}
	}
	l.ranges = open
	clear(l.touched)
	return rows
}

// Settled is before which no event enters journeys any more: the clock less the lateness of the rules. False says that the
// partition has seen nothing.
func (p *Partition) Settled() (event.Instant, bool) {
	if p.clock == noTime {
		return noTime, false
	}
	return p.clock.Add(-p.Book.Lateness), true
}

// Account adds to rows how far the partition has come and what it has counted up to there: its frontier, its accounts
// since the last call, the digests of its tables, and the rule books where there is another.
func (p *Partition) Account(rows *Rows) {
	settled, _ := p.Settled()
	rows.Frontier = append(rows.Frontier, FrontierRow{Partition: p.Number, Position: p.position, Clock: p.clock, Settled: settled})
	rows.Ledger = append(rows.Ledger, p.ledger.written(p.position, p.position >= p.Admitted)...)
	for t := range factTables {
		rows.Digests = append(rows.Digests, DigestRow{
			Partition: p.Number, Table: FactTables[t], Position: p.position, Rows: p.tally[t].rows, Digest: p.tally[t].digest,
		})
	}
	rows.RuleBooks = append(rows.RuleBooks, p.ruleBooks()...)
}

func putUint64(b []byte, v uint64) { binary.LittleEndian.PutUint64(b, v) }
