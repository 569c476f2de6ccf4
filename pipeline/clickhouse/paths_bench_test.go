package clickhouse

import "testing"

// BenchmarkEdges reads journey_edges_v of five million made-up steps of 800,000 journeys over two years, and of one month of
// them, beside the bare work of grouping the steps as the fold wrote them, without their journeys.
func BenchmarkEdges(b *testing.B) {
	s := migrated(b)
	madeUpSteps(b, s)
	const figures = "count(), sum(frequency), sum(journeys), sum(median_delay_s), sum(p90_delay_s), sum(high), sum(breakpoint_share)"
	for _, c := range []struct{ name, sql string }{
		{"bare", `SELECT count(), sum(n), sum(m) FROM (SELECT count() AS n, quantileExactInclusive(0.5)(delay_s) AS m FROM cx.journey_steps FINAL
			GROUP BY toYYYYMM(time), from_activity, from_channel, from_silo, activity, channel, silo)`},
		{"edges", "SELECT " + figures + " FROM cx.journey_edges_v"},
		{"month", "SELECT " + figures + " FROM cx.journey_edges_v WHERE month = '2025-03-01'"},
		{"variants", "SELECT variant, journeys, median_duration_s FROM cx.variants_v ORDER BY journeys DESC LIMIT 10"},
		{"rework", "SELECT sum(rework), sum(events), sum(redos), sum(high) FROM cx.rework_v"},
	} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				read(b, s, c.sql)
			}
		})
	}
}

// madeUpSteps inserts 800,000 journeys of 1 to 12 steps, and a breakpoint of every fourth.
func madeUpSteps(b *testing.B, s *Store) {
	for _, sql := range []string{
		`CREATE TABLE cx.made_up ENGINE = Memory AS SELECT lower(hex(MD5(toString(number)))) AS journey_id,
			toDateTime64('2024-01-01 00:00:00', 3, 'UTC') + (number * 79) AS start, 1 + number % 12 + (number % 7 = 0) AS steps, number AS n,
			['billing', 'delivery', 'technical', 'account', 'contract', ''][1 + number % 6] AS family,
			['resolved', 'resolved', 'unresolved', 'lost', 'open'][1 + number % 5] AS outcome FROM numbers(800000)`,
		`INSERT INTO cx.journeys (generation, key_time, journey_id, position, reason_family, started_at, last_event_at, outcome, steps, variant)
			SELECT 1, start, journey_id, 1, family, start, start + steps * 600, outcome, steps, toString(n % 3000) FROM cx.made_up`,
		`INSERT INTO cx.journey_steps (generation, time, source, event_id, position, journey_id, placement, step, activity, channel, silo, unit,
			from_activity, from_channel, from_silo, delay_s)
			SELECT 1, start + k * 600, '/made-up', concat(toString(n), '-', toString(k)), 1, journey_id, 'journey', k,
				concat('activity ', toString((n + k * k) % 30)), ['phone', 'email', 'chat', 'web'][1 + (n + k) % 4], concat('silo ', toString((n + k) % 5)), 'unit',
				if(k = 1, '', concat('activity ', toString((n + (k - 1) * (k - 1)) % 30))), if(k = 1, '', ['phone', 'email', 'chat', 'web'][1 + (n + k - 1) % 4]),
				if(k = 1, '', concat('silo ', toString((n + k - 1) % 5))), if(k = 1, NULL, 600. + n % 1000)
			FROM cx.made_up ARRAY JOIN range(1, steps + 1) AS k`,
		`INSERT INTO cx.breakpoints (generation, occurred_at, breakpoint_id, position, kind, journey_id, origin_step)
			SELECT 1, start, toString(n), 1, 'repeat_contact', journey_id, 1 + n % steps FROM cx.made_up WHERE n % 4 = 0`,
		"DROP TABLE cx.made_up",
	} {
		exec(b, s, sql)
	}
}
