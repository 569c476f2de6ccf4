package clickhouse

import (
	"context"
	"fmt"
	"strings"
	"time"

	"parcours/pipeline/rules"
)

// Observed reads what the current generation shows of the company's normal life.
func (s *Store) Observed(ctx context.Context, clearings []rules.Clearing) (o rules.Observed, err error) {
	for _, by := range []string{"''", "reason_family", "reason"} {
		paths, err := s.observedPaths(ctx, by)
		if err != nil {
			return o, err
		}
		o.Paths = append(o.Paths, paths...)
	}
	if o.Gaps, err = s.observedGaps(ctx); err != nil {
		return o, err
	}
	if o.Silences, err = s.observedSilences(ctx); err != nil {
		return o, err
	}
	if o.Containers, err = s.observedCases(ctx); err != nil {
		return o, err
	}
	for _, c := range clearings {
		begun, err := s.observedBeginnings(ctx, c)
		if err != nil {
			return o, err
		}
		o.Begun = append(o.Begun, begun...)
	}
	return o, nil
}

// observedPaths reads the paths of the journeys by reason, by family, or of those without either. A loop is counted as
// process_loop does: runs of one internal step in one silo, among the internal steps of the journey. Contacts are counted as
// repeat_contact does, of which each inbound one with somebody that ended is an opportunity.
func (s *Store) observedPaths(ctx context.Context, by string) ([]rules.ObservedPath, error) {
	where := "reason_family != ''"
	if by == "''" {
		where = "reason_family = ''"
	}
	if by == "reason" {
		where += " AND reason != reason_family" // a family alone is read as such
	}
	sql := fmt.Sprintf(`WITH runs AS (
    SELECT journey_id, arrayCompact(arrayMap(t -> (t.2, t.3), arraySort(groupArray((step, activity, silo))))) AS list
    FROM %[1]s WHERE %[2]s GROUP BY journey_id),
loops AS (SELECT journey_id, arrayMax(arrayMap(r -> countEqual(list, r), arrayDistinct(list))) AS most FROM runs)
SELECT %[3]s AS of_reason, count(), countIf(resolved AND case_id != ''),
    toUInt64(quantileExactHighIf(0.5)(inbound, counts)), toUInt64(quantileExactHighIf(0.5)(silo_handoffs, counts)),
    toUInt64(quantileExactHighIf(0.9)(most, counts)),
    toInt64(ifNotFinite(quantileExactHighIf(0.9)(took, resolved AND case_id != ''), 0))
FROM (
    SELECT *, countEqual("opportunities.kind", 'repeat_contact') AS inbound, outcome = 'resolved' AS resolved, dateDiff('second', started_at, last_event_at) AS took,
        resolved OR max(resolved) OVER (PARTITION BY %[3]s) = 0 AS counts
    FROM %[4]s LEFT JOIN loops USING (journey_id) WHERE %[5]s)
GROUP BY of_reason ORDER BY of_reason`, s.table("journey_steps_v"), internal("type"), by, s.table("journeys_v"), where)
	return all(ctx, s, "read the paths of journeys", sql, func(scan scan) (p rules.ObservedPath, err error) {
		var took int64
		err = scan(&p.Reason, &p.Journeys, &p.Closed, &p.Contacts, &p.Handoffs, &p.Loops, &took)
		p.Took = time.Duration(took) * time.Second
		return p, err
	})
}

// internal is the condition that a type is work inside the company: what product.md names, or an activity from anywhere.
func internal(column string) string {
	return fmt.Sprintf("(%[1]s IN (%[2]s) OR %[1]s NOT IN (%[3]s))", column, quoted(rules.InternalTypes()), quoted(rules.NamedTypes()))
}

func (s *Store) observedGaps(ctx context.Context) (list []rules.ObservedGap, err error) {
	sql := fmt.Sprintf(`WITH contacts AS (
    SELECT customer_id, splitByChar('.', reason)[1] AS family, contact_id, min(time) AS at FROM %s
    WHERE customer_id != '' AND contact_id != '' AND reason NOT IN ('', 'unknown', 'other')
    GROUP BY customer_id, family, contact_id),
gaps AS (
    SELECT family, row_number() OVER w AS nth,
        intDiv(dateDiff('millisecond', lagInFrame(at) OVER w, at), 86400000) AS days
    FROM contacts WINDOW w AS (PARTITION BY customer_id, family ORDER BY at ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW))
SELECT family, toUInt64(days), count() FROM gaps WHERE nth > 1 AND days < %d GROUP BY family, days ORDER BY family, days`,
		s.table("journey_steps_v"), rules.GapDays)
	err = s.each(ctx, "read the gaps between contacts", sql, func(scan scan) error {
		var family string
		var day, n uint64
		if err := scan(&family, &day, &n); err != nil {
			return err
		}
		if len(list) == 0 || list[len(list)-1].Family != family {
			list = append(list, rules.ObservedGap{Family: family})
		}
		list[len(list)-1].Returns[day] = n
		return nil
	})
	return list, err
}

// observedSilences looks at what stalled_case looks at: the time from one step of an open case to the next, unless it waits
// on a customer or a partner; what waits on the company lies still.
func (s *Store) observedSilences(ctx context.Context) ([]rules.ObservedSilence, error) {
	outside := fmt.Sprintf("(type = 'case.waiting' AND (source, event_id) IN (SELECT source, id FROM %s WHERE type = 'case.waiting' AND waiting_on IN ('customer', 'partner')))",
		s.table("events_v"))
	sql := fmt.Sprintf(`WITH steps AS (
    SELECT journey_id, case_id, type, time, %[4]s AS outside, leadInFrame(toNullable(time)) OVER w AS next
    FROM %[1]s WHERE case_id != '' AND (type LIKE 'case.%%' OR type = 'message.replied' OR %[2]s)
    WINDOW w AS (PARTITION BY case_id ORDER BY time, step ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING)),
cases AS (
    SELECT any(journey_id) AS journey_id, case_id, max(type IN ('case.resolved', 'case.closed')) AS closed,
        maxIf(dateDiff('second', time, next), next IS NOT NULL AND type NOT IN ('case.resolved', 'case.closed') AND NOT outside) AS longest
    FROM steps GROUP BY case_id)
SELECT reason_family, count(), toInt64(ifNull(quantileExactHigh(0.9)(longest), 0))
FROM cases JOIN (SELECT journey_id, reason_family FROM %[3]s) AS j USING (journey_id)
WHERE closed GROUP BY reason_family ORDER BY reason_family`, s.table("journey_steps_v"), internal("type"), s.table("journeys_v"), outside)
	return all(ctx, s, "look how long cases lie still", sql, func(scan scan) (o rules.ObservedSilence, err error) {
		var longest int64
		err = scan(&o.Family, &o.Cases, &longest)
		o.Longest = time.Duration(longest) * time.Second
		return o, err
	})
}

// What a case must be to look like a customer file: it lives for over a year, and holds contacts about several things.
const (
	containerDays     = 365
	containerFamilies = 3
	containersShown   = 100
)

func (s *Store) observedCases(ctx context.Context) ([]rules.ObservedCase, error) {
	sql := fmt.Sprintf(`SELECT case_id, dateDiff('second', min(time), max(time)) AS lived,
    uniqExactIf(splitByChar('.', reason)[1], reason NOT IN ('', 'unknown', 'other')) AS families,
    uniqExactIf(contact_id, contact_id != '') AS contacts
FROM %s WHERE case_id != '' GROUP BY case_id
HAVING lived > %d AND families >= %d ORDER BY families DESC, lived DESC, case_id LIMIT %d`,
		s.table("journey_steps_v"), containerDays*24*3600, containerFamilies, containersShown)
	return all(ctx, s, "look for container cases", sql, func(scan scan) (c rules.ObservedCase, err error) {
		var lived int64
		err = scan(&c.Case, &lived, &c.Families, &c.Contacts)
		c.Lived = time.Duration(lived) * time.Second
		return c, err
	})
}

func (s *Store) observedBeginnings(ctx context.Context, c rules.Clearing) ([]rules.ObservedBeginning, error) {
	begins := "type IN (" + quoted(c.Begins) + ")"
	if len(c.Begins) == 0 {
		begins = internal("type")
	}
	if c.OfCase {
		begins += " AND case_id != ''"
	}
	sql := fmt.Sprintf(`SELECT source, uniqExact(journey_id), uniqExactIf(journey_id, cleared) FROM %[1]s
JOIN (SELECT journey_id, max(type IN (%[2]s)) AS cleared FROM %[1]s GROUP BY journey_id) AS ends USING (journey_id)
WHERE %[3]s GROUP BY source ORDER BY source`, s.table("journey_steps_v"), quoted(c.Clears), begins)
	return all(ctx, s, "look whether "+c.Kind+" is ever cleared", sql, func(scan scan) (o rules.ObservedBeginning, err error) {
		o.Clearing = c
		err = scan(&o.Source, &o.Journeys, &o.Cleared)
		return o, err
	})
}

// quoted is a list of texts for IN.
func quoted(list []string) string {
	texts := make([]string, len(list))
	for i, v := range list {
		texts[i] = quote(v)
	}
	return strings.Join(texts, ", ")
}
