-- What exposes a customer at a landmark is what was known of breakpoints then, as for training: one that was taken back because of what
-- came months later still counts, one that was found only then does not. Else who came back months later, and so had stayed, would have had fewer.

CREATE VIEW IF NOT EXISTS {{database}}.known_breakpoints_v {{on_cluster}}
(
    breakpoint_id String                 COMMENT 'Id of the breakpoint, as in breakpoints_v where it still stands.',
    kind          LowCardinality(String) COMMENT 'Which of the catalogue.',
    customer_id   String                 COMMENT 'Pseudonym of the customer of whom it is known; empty of nobody.',
    case_id       String                 COMMENT 'First case of the journey; empty when it has none, and of one that was taken back.',
    reason_family LowCardinality(String) COMMENT 'As it was known; empty when unknown.',
    reason        LowCardinality(String) COMMENT 'Reason of the journey now; empty when none was stated, and of one that was taken back.',
    occurred_at   DateTime64(3, 'UTC')   COMMENT 'When it broke.',
    known_at      DateTime64(3, 'UTC')   COMMENT 'From when it was known: detected_at as it was then.',
    severity      UInt8                  COMMENT 'As it was known, 1 to 5.',
    retracted     Bool                   COMMENT 'true when it was taken back since.'
)
AS WITH (SELECT argMax(generation, (switched_at, generation)) FROM {{database}}.generation) AS now
SELECT
    breakpoint_id, kind, known_of AS customer_id, case_id, known_family AS reason_family, reason, occurred_at, known_at, known_severity AS severity, false AS retracted
FROM {{database}}.breakpoints FINAL
WHERE generation = now AND known_of != ''
UNION ALL
SELECT
    breakpoint_id, kind, known_of, '', known_family, '', occurred_at, known_at, known_severity, true
FROM (
    SELECT * FROM {{database}}.breakpoints
    WHERE generation = now AND (occurred_at, breakpoint_id) IN (SELECT occurred_at, breakpoint_id FROM {{database}}.breakpoints WHERE generation = now AND deleted = 1 AND known_of != '')
    ORDER BY position DESC
    LIMIT 1 BY occurred_at, breakpoint_id
)
WHERE deleted = 1
COMMENT 'Breakpoints as scores knew them, and as training and associated losses look at them: a change or a retraction counts that came within the near time (8 days) after one was detected, and none later. Each once.';

CREATE OR REPLACE VIEW {{database}}.landmarks_v {{on_cluster}}
(
    landmark      Date32                         COMMENT 'First of a month, UTC.',
    customer_id   String                         COMMENT 'Pseudonym of a customer at risk there.',
    reason_family String                         COMMENT 'Reason family of the contacts and breakpoints counted. What has none is left out, and so are reasons about leaving.',
    kinds         Array(String)                  COMMENT 'Kinds of breakpoint of the family that occurred in the 90 days before and were known by then (known_breakpoints_v), each once however often: to these the customer is exposed.',
    contacts      UInt32                         COMMENT 'Inbound contacts with somebody, of the family, begun in these days, out of journey_steps_v and events_v: whatever kinds are measured. That of the journey where a contact states none, once it was stated. 0: exposed at most, and compared with nobody.',
    contacts_band UInt32                         COMMENT 'Least number of its band: 0, 1, 2, 3, 4, 5 to 6, 7 to 9, 10 to 14, 15 to 24, 25 and more. Part of the stratum.',
    segment       String                         COMMENT 'By the contract in force at the landmark. Part of the stratum.',
    tenure        String                         COMMENT 'Since the contract started: under 1 year, 1 to 3 years, 3 years and more, unknown. Part of the stratum.',
    lost          Bool                           COMMENT 'true when the customer left of their own will in the 90 days from the landmark on.',
    lost_at       Nullable(DateTime64(3, 'UTC')) COMMENT 'When; NULL for who stayed.'
)
AS SELECT
    landmark, customer_id, reason_family,
    arraySort(arrayDistinct(arrayMap(b -> b.1, arrayFilter(b -> b.2 >= begun, broke)))) AS kinds,
    toUInt32(arrayCount(t -> t >= begun, begins)) AS contacts,
    toUInt32(arrayLast(b -> b <= contacts, [0, 1, 2, 3, 4, 5, 7, 10, 15, 25])) AS contacts_band,
    ifNull(nullIf(arrayFirst(g -> (g.2 IS NULL OR ifNull(g.2 = terms.4, false)) AND (g.3 = '' OR g.3 = terms.2) AND (g.4 IS NULL OR ifNull(terms.3 >= g.4, false)),
        (SELECT segments FROM {{database}}.ranking_rules_v)).1, ''), 'standard') AS segment,
    multiIf(empty(here), 'unknown', addYears(here[1].1, 1) > at, 'under 1 year', addYears(here[1].1, 3) > at, '1 to 3 years', '3 years and more') AS tenure,
    CAST(ending.2, 'Bool') AS lost, if(lost, ending.1, NULL) AS lost_at
FROM (
    SELECT
        landmark, at, customer_id, reason_family, broke, begins, here, here[-1] AS terms, signals,
        if(empty(gone), toDateTime64('1900-01-01 00:00:00', 3, 'UTC'), here[1].1) AS begun,
        if(arrayExists(e -> e.1 >= at AND e.1 < at + toIntervalSecond((SELECT lost_s FROM {{database}}.ranking_rules_v)), ends), arrayFirst(e -> e.1 >= at, ends), (at, false)) AS ending,
        arrayExists(e -> e.1 >= at AND e.1 < at + toIntervalSecond((SELECT lost_s FROM {{database}}.ranking_rules_v)), ends) AS ended
    FROM (
        SELECT
            landmark, at, m.customer_id AS customer_id, reason_family, broke, begins, ends, signals,
            arrayFilter(e -> e.1 < at, ends) AS gone, arrayFilter(s -> s.1 < at AND (empty(gone) OR s.1 >= gone[-1].1), starts) AS here
        FROM (
            SELECT
                landmark, toDateTime64(landmark, 3, 'UTC') AS at, customer_id, reason_family,
                groupArrayIf((kind, happened), kind != '') AS broke, groupArrayIf(happened, kind = '') AS begins
            FROM (
                SELECT
                    customer_id, reason_family, kind, happened, known,
                    arrayJoin(arrayMap(i -> addMonths(makeDate32(toYear(happened), toMonth(happened), 1), i),
                        range(1, 2 + intDiv((SELECT exposed_s FROM {{database}}.ranking_rules_v), 2419200)))) AS landmark
                FROM (
                    SELECT
                        j.customer_id AS customer_id, if(splitByChar('.', reason)[1] IN ('unknown', 'other'), '', splitByChar('.', reason)[1]) AS reason_family,
                        if(v.stated != '', v.stated, toString(j.reason)) AS reason, '' AS kind, v.begun AS happened, if(v.stated != '', v.begun, greatest(v.begun, f.said)) AS known
                    FROM (
                        SELECT
                            journey_id, customer_id, if(contact_id != '', concat('contact ', contact_id), concat('event ', source, ' ', event_id)) AS contact,
                            min(time) AS begun, toString(max(reason)) AS stated
                        FROM {{database}}.journey_steps_v
                        WHERE contact_id != '' OR startsWith(type, 'contact.') OR startsWith(type, 'message.')
                        GROUP BY journey_id, customer_id, contact
                        HAVING countIf(type = 'bot.answered' OR startsWith(type, 'contact.') OR startsWith(type, 'message.')) > 0
                    ) AS v
                    INNER JOIN (SELECT journey_id, customer_id, reason, toString(reason_family) AS family FROM {{database}}.journeys_v WHERE customer_id != '') AS j ON j.journey_id = v.journey_id
                    LEFT JOIN (
                        SELECT journey_id, splitByChar('.', toString(reason))[1] AS family, min(time) AS said
                        FROM {{database}}.journey_steps_v WHERE reason != '' GROUP BY journey_id, family
                    ) AS f ON f.journey_id = j.journey_id AND f.family = j.family
                    WHERE (v.customer_id, v.contact) NOT IN (
                        SELECT
                            customer_id, if(contact_id != '', concat('contact ', contact_id), concat('event ', source, ' ', id)) AS contact
                        FROM {{database}}.events_v
                        WHERE contact_id != '' OR family IN ('contact', 'message')
                        GROUP BY customer_id, contact
                        HAVING if(countIf(direction != '') > 0, argMinIf(direction, (time, position), direction != '') != 'in', argMin(type, (time, position)) IN ('message.replied', 'outreach.sent')))
                    UNION ALL
                    SELECT customer_id, toString(reason_family), toString(reason), toString(kind), occurred_at, known_at
                    FROM {{database}}.known_breakpoints_v
                    WHERE NOT retracted OR NOT arrayExists(r -> startsWith(r, concat(toString(reason_family), '.')), (SELECT leaving_reasons FROM {{database}}.ranking_rules_v))
                    UNION ALL
                    SELECT customer_id, reason_family, reason, 'core_failure', met_at, greatest(detected_at, met_at)
                    FROM {{database}}.incident_customers_v
                )
                WHERE customer_id != '' AND reason_family != ''
                    AND NOT hasAny([reason, reason_family], (SELECT leaving_reasons FROM {{database}}.ranking_rules_v))
            )
            WHERE toDateTime64(landmark, 3, 'UTC') <= happened + toIntervalSecond((SELECT exposed_s FROM {{database}}.ranking_rules_v)) AND known < toDateTime64(landmark, 3, 'UTC')
                AND toDateTime64(landmark, 3, 'UTC') + toIntervalSecond((SELECT lost_s FROM {{database}}.ranking_rules_v))
                    <= (SELECT min(settled) FROM {{database}}.frontier_v WHERE clock > '1900-01-01 00:00:00')
            GROUP BY landmark, customer_id, reason_family
        ) AS m
        LEFT JOIN {{database}}.contracts_v AS c ON c.customer_id = m.customer_id
        WHERE NOT c.objected
    )
    WHERE empty(gone) OR notEmpty(here)
)
WHERE NOT terms.4 AND NOT arrayExists(t -> t >= begun AND t < at, signals) AND (NOT ended OR ending.2) AND (notEmpty(kinds) OR contacts > 0)
COMMENT 'Customers at risk on the first of a month, one row for each reason family of which they had a contact or a breakpoint in the 90 days before: what associated losses are estimated from. At risk: seen before; no contract ended, or one started again since; no explicit leaving signal yet since the contract started; can leave (not captive); did not object. Whose contract is ended in the 90 days after by somebody else than the customer is censored: left out. Only landmarks whose 90 days after are settled in all partitions.';
