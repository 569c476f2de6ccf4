-- Rule books in SQL, rates with their interval and the rules they were judged by, and the figures that are compared with
-- targets and with other months. An opportunity says which of its kind's clocks it is, and by which book it was judged.

ALTER TABLE {{database}}.journeys {{on_cluster}}
    ADD COLUMN IF NOT EXISTS `opportunities.clock` Array(LowCardinality(String)) COMMENT 'Of sla_breach, what was due in each: reply, resolution, acknowledgement or answer; empty for other kinds.' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS `opportunities.rules_version` Array(LowCardinality(String)) COMMENT 'Rules that each was judged by: those in force at its date.' CODEC(ZSTD(1));

CREATE TABLE IF NOT EXISTS {{database}}.rule_books {{on_cluster}}
(
    generation             UInt32                        COMMENT 'Which fold of the log judged by it. The view shows the current one only.',
    position               UInt64                        COMMENT 'Position in the log of its publication; of the first book of a generation, where the log says that history is judged by it, 0 where it does not.',
    version                LowCardinality(String)        COMMENT 'Version of the book, a hash of all it says.',
    effective_from         DateTime64(3, 'UTC')          COMMENT 'From when on it judges; 1900 for always.',
    judges                 LowCardinality(String)        COMMENT 'Hash of all that judges: the book without targets, comparison, alerts, segments, attribution, currency, hourly rates and minutes.',
    costs                  LowCardinality(String)        COMMENT 'Hash of all by which steps cost: currency, hourly rates and minutes.',
    currency               LowCardinality(String)        COMMENT 'Of all amounts (ISO 4217).',
    rates_are_illustrative Bool                          COMMENT 'true until finance has filled the hourly rates: every amount must be shown as illustrative.',
    journeys_mature_s      UInt64                        COMMENT 'Seconds after the end of a journey from which a figure out of journeys may be drawn.',
    months_before          Array(UInt16)                 COMMENT 'Comparison periods: so many months before.',
    `targets.name`         Array(LowCardinality(String)) COMMENT 'What the company wants to reach: names of figures.',
    `targets.value`        Array(Float64)                COMMENT 'The target of each; shares from 0 to 1.',
    document               String                        COMMENT 'The book, as YAML.' CODEC(ZSTD(1))
)
ENGINE = {{replicated}}ReplacingMergeTree()
PARTITION BY generation
ORDER BY (generation, position)
COMMENT 'The rule books of every generation, those that another one has put aside included. A row never changes. Read rule_books_v.';

CREATE VIEW IF NOT EXISTS {{database}}.rule_books_v {{on_cluster}}
(
    version                LowCardinality(String)         COMMENT 'Version of the book, a hash of all it says: rules_version of what it judged.',
    effective_from         DateTime64(3, 'UTC')           COMMENT 'From when on it judges; 1900 for always.',
    effective_until        Nullable(DateTime64(3, 'UTC')) COMMENT 'When the next one takes its place; NULL for the last.',
    position               UInt64                         COMMENT 'Position in the log of its publication; of the first book of a generation, where the log says that history is judged by it, 0 where it does not.',
    judges                 LowCardinality(String)         COMMENT 'Hash of all that judges: two books of one hash find the same breakpoints out of the same opportunities.',
    costs                  LowCardinality(String)         COMMENT 'Hash of all by which steps cost: currency, hourly rates and minutes.',
    currency               LowCardinality(String)         COMMENT 'Of all amounts (ISO 4217).',
    rates_are_illustrative Bool                           COMMENT 'true until finance has filled the hourly rates: every amount must be shown as illustrative.',
    journeys_mature_s      UInt64                         COMMENT 'Seconds after the end of a journey from which a figure out of journeys may be drawn.',
    months_before          Array(UInt16)                  COMMENT 'Comparison periods: so many months before.',
    `targets.name`         Array(LowCardinality(String))  COMMENT 'What the company wants to reach: names of figures. Read targets_v.',
    `targets.value`        Array(Float64)                 COMMENT 'The target of each; shares from 0 to 1.',
    document               String                         COMMENT 'The book, as YAML.'
)
AS SELECT
    version, effective_from, minOrNull(effective_from) OVER (ORDER BY effective_from ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) AS effective_until,
    position, judges, costs, currency, rates_are_illustrative, journeys_mature_s, months_before, `targets.name`, `targets.value`, document
FROM (
    SELECT *, minOrNull(effective_from) OVER (ORDER BY position ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) AS put_aside
    FROM {{database}}.rule_books FINAL
    WHERE generation = (SELECT argMax(generation, (switched_at, generation)) FROM {{database}}.generation)
)
WHERE put_aside IS NULL OR put_aside > effective_from
COMMENT 'The rule books of the current generation, each with the time in which it judges: of those in force at a moment, the one published last. One that a later one put aside before its time is not here. Where the moment of a book had passed already when it was published, it judges from the clock of the first partition on.';

CREATE VIEW IF NOT EXISTS {{database}}.targets_v {{on_cluster}}
(
    name            LowCardinality(String)         COMMENT 'What the company wants to reach: figure of figures_v.',
    value           Float64                        COMMENT 'The target; shares from 0 to 1.',
    version         LowCardinality(String)         COMMENT 'Version of the book that says so.',
    effective_from  DateTime64(3, 'UTC')           COMMENT 'From when on; 1900 for always.',
    effective_until Nullable(DateTime64(3, 'UTC')) COMMENT 'When the next book takes its place; NULL for the last.'
)
AS SELECT name, value, version, effective_from, effective_until
FROM (SELECT version, effective_from, effective_until, `targets.name` AS names, `targets.value` AS amounts FROM {{database}}.rule_books_v)
ARRAY JOIN names AS name, amounts AS value
COMMENT 'The targets of every rule book in force in the current generation, one row a book and name.';

CREATE VIEW IF NOT EXISTS {{database}}.rule_changes_v {{on_cluster}}
(
    effective_from DateTime64(3, 'UTC')   COMMENT 'From when on the newer book judges.',
    from_version   LowCardinality(String) COMMENT 'Version of the book in force until then.',
    to_version     LowCardinality(String) COMMENT 'Version of the book in force from then on.',
    judges_changed Bool                   COMMENT 'true when it judges otherwise: a line on every chart, and no comparison across it. false when it only has other targets, comparison periods, alerts, rates, minutes or currency.',
    costs_changed  Bool                   COMMENT 'true when steps cost otherwise: no comparison of costs across it.'
)
AS SELECT effective_from, from_version, to_version, CAST(from_judges != judges, 'Bool') AS judges_changed, CAST(from_costs != costs, 'Bool') AS costs_changed
FROM (
    SELECT
        effective_from, version AS to_version, judges, costs, row_number() OVER in_time AS n,
        lagInFrame(version) OVER in_time AS from_version, lagInFrame(judges) OVER in_time AS from_judges, lagInFrame(costs) OVER in_time AS from_costs
    FROM {{database}}.rule_books_v
    WINDOW in_time AS (ORDER BY effective_from ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
)
WHERE n > 1
COMMENT 'When another rule book took the place of the one before, in the current generation, and whether it judges otherwise.';

CREATE OR REPLACE VIEW {{database}}.opportunities_v {{on_cluster}}
(
    journey_id    String                 COMMENT 'The journey that had it.',
    customer_id   String                 COMMENT 'Pseudonym of the customer; empty when unidentified.',
    kind          LowCardinality(String) COMMENT 'Which of the catalogue could have broken, as in breakpoint_kinds_v.',
    at            DateTime64(3, 'UTC')   COMMENT 'The date at which rates count it; opportunity_at of the breakpoint, if it broke.',
    matures_at    DateTime64(3, 'UTC')   COMMENT 'When it is settled whether it broke, late events apart.',
    reason_family LowCardinality(String) COMMENT 'First token of the reason; empty when unknown.',
    reason        LowCardinality(String) COMMENT 'Its reason; that of the journey where it states none; empty when none was stated.',
    silo          LowCardinality(String) COMMENT 'Silo that answers for it.',
    unit          LowCardinality(String) COMMENT 'Unit; empty when not known.',
    channel       LowCardinality(String) COMMENT 'Channel; empty when not given.',
    broken        Bool                   COMMENT 'true when it broke.',
    rules_version LowCardinality(String) COMMENT 'Rules it was judged by: those in force at its date.',
    started_at    DateTime64(3, 'UTC')   COMMENT 'Time of the first step of the journey.',
    key_time      DateTime64(3, 'UTC')   COMMENT 'Time that the journey is stored under.',
    clock         LowCardinality(String) COMMENT 'Of sla_breach, what was due: reply (to a message), resolution (of a case), acknowledgement or answer (of a complaint); empty for other kinds.'
)
AS SELECT
    journey_id, customer_id, kind, at, matures_at,
    if(splitByChar('.', toString(reason))[1] IN ('unknown', 'other'), '', splitByChar('.', toString(reason))[1]) AS reason_family,
    reason, silo, unit, channel, broken, rules_version, started_at, key_time, clock
FROM (
    SELECT
        journey_id, customer_id, started_at, key_time, `opportunities.kind` AS kinds, `opportunities.at` AS ats,
        `opportunities.matures_at` AS matures, `opportunities.reason` AS reasons, `opportunities.silo` AS silos,
        `opportunities.unit` AS units, `opportunities.channel` AS channels, `opportunities.broken` AS brokens,
        `opportunities.rules_version` AS versions, `opportunities.clock` AS clocks
    FROM {{database}}.journeys FINAL
    WHERE generation = (SELECT argMax(generation, (switched_at, generation)) FROM {{database}}.generation)
)
ARRAY JOIN
    kinds AS kind, ats AS at, matures AS matures_at, reasons AS reason, silos AS silo, units AS unit, channels AS channel,
    brokens AS broken, versions AS rules_version, clocks AS clock
COMMENT 'Every chance that a kind of breakpoint had, broken or not: what its rate is out of. Those not yet mature are here too: rates_daily_v leaves them out. A filter on key_time or started_at reads only the journeys it needs.';

CREATE OR REPLACE VIEW {{database}}.rates_daily_v {{on_cluster}}
(
    day            Date32                 COMMENT 'Day of the opportunities, UTC. Only days that end before matured_until are here.',
    kind           LowCardinality(String) COMMENT 'Which of the catalogue, as in breakpoint_kinds_v.',
    reason_family  LowCardinality(String) COMMENT 'First token of the reason; empty when unknown.',
    silo           LowCardinality(String) COMMENT 'Silo that answers for them.',
    unit           LowCardinality(String) COMMENT 'Unit; empty when not known.',
    channel        LowCardinality(String) COMMENT 'Channel; empty when not given.',
    opportunities  UInt64                 COMMENT 'How many chances of breaking there were: n.',
    broken         UInt64                 COMMENT 'How many of them broke.',
    rate           Float64                COMMENT 'broken / opportunities. Add the two up before you divide: rates of parts are no rate of the whole.',
    matured_until  DateTime64(3, 'UTC')   COMMENT 'Up to when the kind may be drawn: no event before it can still enter journeys, and every opportunity before it is settled.',
    low            Float64                COMMENT 'Lower end of the interval of the rate, 95 %, by Wilson.',
    high           Float64                COMMENT 'Upper end of the interval of the rate, 95 %, by Wilson.',
    rules_versions Array(String)          COMMENT 'Rules that these opportunities were judged by, in order of version.',
    rules_changed  Bool                   COMMENT 'true when the day has opportunities of the kind, in any cell, that were judged otherwise than those of the last day before that has some, or in two ways: a line on the chart.'
)
AS WITH
    1.959963984540054 AS z,
    z * z / opportunities AS zz,
    z * sqrt(rate * (1 - rate) / opportunities + zz / opportunities / 4) AS half
SELECT
    day, kind, reason_family, silo, unit, channel, opportunities, broken, broken / opportunities AS rate, matured_until,
    if(broken = 0, 0, (rate + zz / 2 - half) / (1 + zz)) AS low, if(broken = opportunities, 1, (rate + zz / 2 + half) / (1 + zz)) AS high,
    arraySort(arrayMap(v -> known.1[v], versions)) AS rules_versions,
    CAST(first_judge != last_judge OR before.1 > 0 AND first_judge NOT IN (before.2, before.3), 'Bool') AS rules_changed
FROM (
    SELECT
        *, max((toInt32(day), first_judge, last_judge)) OVER (
            PARTITION BY kind ORDER BY toInt32(day) RANGE BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
    FROM (
        WITH
            (SELECT (arrayMap(b -> b.1, list), arrayMap(b -> indexOf(arrayMap(c -> c.2, list), b.2), list))
            FROM (SELECT groupArray((toString(version), toString(judges))) AS list FROM (SELECT version, judges FROM {{database}}.rule_books_v ORDER BY effective_from))) AS known
        SELECT
            day, kind, reason_family, silo, unit, channel, opportunities, broken, versions, known,
            least(settled, ifNull(min(pending) OVER (PARTITION BY kind), settled)) AS matured_until,
            min(arrayMin(arrayMap(v -> known.2[v], versions))) OVER (PARTITION BY kind, day) AS first_judge,
            max(arrayMax(arrayMap(v -> known.2[v], versions))) OVER (PARTITION BY kind, day) AS last_judge
        FROM (
            SELECT
                toDate32(o.at) AS day, o.kind AS kind, o.reason_family AS reason_family, o.silo AS silo, o.unit AS unit, o.channel AS channel,
                count() AS opportunities, countIf(o.broken) AS broken, any(o.settled) AS settled,
                minIfOrNull(o.at, o.matures_at >= o.settled) AS pending,
                groupUniqArray(toUInt16(indexOf((SELECT groupArray(version) FROM (SELECT version FROM {{database}}.rule_books_v ORDER BY effective_from)), o.rules_version))) AS versions
            FROM (
                SELECT
                    at, kind, reason_family, silo, unit, channel, broken, matures_at, rules_version,
                    (SELECT min(settled) FROM {{database}}.frontier_v WHERE clock > '1900-01-01 00:00:00') AS settled
                FROM {{database}}.opportunities_v
            ) AS o
            GROUP BY day, kind, reason_family, silo, unit, channel
        )
    )
)
WHERE toDateTime64(day + 1, 3, 'UTC') <= matured_until
COMMENT 'Rates of breakpoints out of their opportunities, by the day of the opportunity. Days that end after matured_until are not drawn: the earliest of settled of all partitions that have seen anything, and of the first opportunity of the kind that was not settled by then. Interval by Wilson (1927), z = 1.959963984540054, n = opportunities: (rate + z²/2n ± z sqrt(rate (1 - rate)/n + z²/4n²)) / (1 + z²/n).';

CREATE OR REPLACE VIEW {{database}}.rates_v {{on_cluster}}
(
    month          Date32                 COMMENT 'First day of the month of the opportunities, UTC.',
    kind           LowCardinality(String) COMMENT 'Which of the catalogue, as in breakpoint_kinds_v.',
    opportunities  UInt64                 COMMENT 'How many chances of breaking there were, on the days that may be drawn: n.',
    broken         UInt64                 COMMENT 'How many of them broke.',
    rate           Float64                COMMENT 'broken / opportunities.',
    complete       Bool                   COMMENT 'true when the whole month ends before matured_until; else only its first days are counted.',
    matured_until  DateTime64(3, 'UTC')   COMMENT 'Up to when the kind may be drawn.',
    low            Float64                COMMENT 'Lower end of the interval of the rate, 95 %, by Wilson.',
    high           Float64                COMMENT 'Upper end of the interval of the rate, 95 %, by Wilson.',
    rules_versions Array(String)          COMMENT 'Rules that these opportunities were judged by, in order of version.',
    rules_changed  Bool                   COMMENT 'true when one of its days has rules_changed: the month was judged otherwise than the one before, or in two ways.'
)
AS WITH
    1.959963984540054 AS z,
    z * z / opportunities AS zz,
    z * sqrt(rate * (1 - rate) / opportunities + zz / opportunities / 4) AS half
SELECT
    month, kind, opportunities, broken, broken / opportunities AS rate,
    CAST(toDateTime64(month + INTERVAL 1 MONTH, 3, 'UTC') <= matured_until, 'Bool') AS complete, matured_until,
    if(broken = 0, 0, (rate + zz / 2 - half) / (1 + zz)) AS low, if(broken = opportunities, 1, (rate + zz / 2 + half) / (1 + zz)) AS high,
    rules_versions, CAST(changed, 'Bool') AS rules_changed
FROM (
    SELECT
        makeDate32(toYear(d.day), toMonth(d.day), 1) AS month, d.kind AS kind, sum(d.opportunities) AS opportunities, sum(d.broken) AS broken,
        any(d.matured_until) AS matured_until, arraySort(groupUniqArrayArray(d.rules_versions)) AS rules_versions, max(d.rules_changed) AS changed
    FROM {{database}}.rates_daily_v AS d
    GROUP BY month, kind
)
COMMENT 'Rates of breakpoints by kind and month of the opportunity, of the days that rates_daily_v draws, with the interval of its formula.';

CREATE VIEW IF NOT EXISTS {{database}}.figures_daily_v {{on_cluster}}
(
    day            Date32                 COMMENT 'Day (UTC) on which the journeys ended, the answers came or the complaints were filed. Only days that end before matured_until are here.',
    figure         LowCardinality(String) COMMENT 'journeys_without_serious_breakpoint, avoidable_cost, satisfaction or complaints_in_time, as in figures_v.',
    n              UInt64                 COMMENT 'How many journeys, answers or complaints there were.',
    numerator      Float64                COMMENT 'How many of them count; of avoidable_cost the cost of the breakpoints of these journeys, in the currency of the rules.',
    denominator    Float64                COMMENT 'Out of what: n; of avoidable_cost the cost to serve of these journeys, in the currency of the rules.',
    numerator_squared   Float64           COMMENT 'Sum over the n of the square of each one''s part of numerator. With the next two, what the interval of avoidable_cost needs.',
    product             Float64           COMMENT 'Sum over the n of each one''s part of numerator times its part of denominator.',
    denominator_squared Float64           COMMENT 'Sum over the n of the square of each one''s part of denominator.',
    surveys_sent   UInt64                 COMMENT 'Of satisfaction, transactional surveys sent on the day; 0 for other figures.',
    matured_until  DateTime64(3, 'UTC')   COMMENT 'Up to when the figure may be drawn: no event before it can still enter journeys, and for all that counts before it the window has closed.',
    rules_versions Array(String)          COMMENT 'Rules that they were judged by, in order of version.'
)
AS SELECT
    day, figure, n, numerator, denominator, numerator_squared, product, denominator_squared, surveys_sent, matured_until, rules_versions
FROM (
    SELECT *, least(settled, ifNull(min(pending) OVER (PARTITION BY figure), settled)) AS matured_until
    FROM (
        SELECT
            toDate32(c.at) AS day, c.figure AS figure, countIf(c.counts) AS n, sum(c.part) AS numerator, sum(c.whole) AS denominator,
            sum(c.part * c.part) AS numerator_squared, sum(c.part * c.whole) AS product, sum(c.whole * c.whole) AS denominator_squared, countIf(NOT c.counts) AS surveys_sent,
            any(c.settled) AS settled, minIfOrNull(c.at, c.matures_at >= c.settled) AS pending,
            arraySort(groupUniqArrayArray(c.versions)) AS rules_versions
        FROM (
            SELECT
                at, matures_at, figure, part, whole, counts, versions,
                (SELECT min(settled) FROM {{database}}.frontier_v WHERE clock > '1900-01-01 00:00:00') AS settled
            FROM (
                SELECT at, matures_at, p.1 AS figure, p.2 AS part, p.3 AS whole, true AS counts, versions
                FROM (
                    WITH (SELECT groupArray((effective_from, journeys_mature_s)) FROM (SELECT * FROM {{database}}.rule_books_v ORDER BY effective_from)) AS books
                    SELECT
                        j.ended_at AS at, j.ended_at + toIntervalSecond(books[arrayLastIndex(b -> b.1 <= j.ended_at, books)].2) AS matures_at,
                        [('journeys_without_serious_breakpoint', if(ifNull(b.serious_at <= matures_at, false), 0., 1.), 1.),
                         ('avoidable_cost', b.avoidable, j.cost)] AS parts, j.versions AS versions
                    FROM (
                        SELECT
                            journey_id, assumeNotNull(ended_at) AS ended_at, cost,
                            arrayDistinct(arrayMap(v -> if(v = '', toString(rules_version), toString(v)), `opportunities.rules_version`)) AS judged,
                            if(empty(judged), [toString(rules_version)], judged) AS versions
                        FROM {{database}}.journeys FINAL
                        WHERE generation = (SELECT argMax(generation, (switched_at, generation)) FROM {{database}}.generation)
                            AND outcome != 'open' AND ended_at IS NOT NULL
                    ) AS j
                    LEFT JOIN (
                        SELECT journey_id, sum(cost) AS avoidable, minIfOrNull(occurred_at, severity >= 3) AS serious_at
                        FROM {{database}}.breakpoints_v GROUP BY journey_id
                    ) AS b ON b.journey_id = j.journey_id
                )
                ARRAY JOIN parts AS p
                UNION ALL
                SELECT at, matures_at, 'satisfaction', if(broken, 0., 1.), 1., true, [toString(rules_version)]
                FROM {{database}}.opportunities_v WHERE kind = 'detractor'
                UNION ALL
                SELECT time, time, 'satisfaction', 0., 0., false, []
                FROM {{database}}.events_v WHERE type = 'survey.sent' AND kind IN ('', 'transactional')
                UNION ALL
                SELECT at, max(matures_at), 'complaints_in_time', if(max(broken), 0., 1.), 1., true, groupUniqArray(toString(rules_version))
                FROM {{database}}.opportunities_v WHERE kind = 'sla_breach' AND clock IN ('acknowledgement', 'answer')
                GROUP BY journey_id, at
            )
        ) AS c
        GROUP BY day, figure
    )
)
WHERE toDateTime64(day + 1, 3, 'UTC') <= matured_until
COMMENT 'Figures for targets by day, as sums: add them up before you divide. journeys_without_serious_breakpoint: journeys that ended, less those with a breakpoint of severity 3 or more, of whatever kind, that occurred before journeys_mature_s of the rules had passed since. avoidable_cost: cost of the breakpoints of the journeys that ended, out of their cost to serve; a breakpoint may be charged a step of another journey of its customer, and counts with its own. satisfaction: answers to transactional surveys that are no detractor''s. complaints_in_time: complaints filed of which no clock broke. first_contact_resolution is in first_contact_resolution_v.';

CREATE VIEW IF NOT EXISTS {{database}}.figures_v {{on_cluster}}
(
    month            Date32                    COMMENT 'First day of the month, UTC.',
    figure           LowCardinality(String)    COMMENT 'journeys_without_serious_breakpoint, first_contact_resolution, satisfaction, complaints_in_time or avoidable_cost: name of its target in targets_v.',
    numerator        Float64                   COMMENT 'What counts of the denominator: journeys, contacts, answers or complaints; of avoidable_cost the avoidable cost, in the currency of the rules.',
    denominator      Float64                   COMMENT 'Out of what: n; of avoidable_cost the cost to serve, in the currency of the rules.',
    n                UInt64                    COMMENT 'How many journeys, contacts, answers or complaints it rests on, on the days that may be drawn.',
    value            Nullable(Float64)         COMMENT 'numerator / denominator; NULL out of nothing.',
    low              Nullable(Float64)         COMMENT 'Lower end of its interval, 95 %: by Wilson, of avoidable_cost that of a ratio; NULL where there is none.',
    high             Nullable(Float64)         COMMENT 'Upper end of its interval, 95 %; NULL where there is none.',
    better           LowCardinality(String)    COMMENT 'higher or lower.',
    target           Nullable(Float64)         COMMENT 'Of the rule book in force at the end of the month; NULL where it has none.',
    meets_target     Nullable(Bool)            COMMENT 'Whether value is at least as good as target; NULL where one of them is not there.',
    complete         Bool                      COMMENT 'true when the whole month ends before matured_until; else only its first days are counted.',
    matured_until    DateTime64(3, 'UTC')      COMMENT 'Up to when the figure may be drawn.',
    rules_versions   Array(String)             COMMENT 'Rules that it was judged by, in order of version.',
    response_rate    Nullable(Float64)         COMMENT 'Of satisfaction, answers out of the surveys sent on the same days; NULL for other figures, and where fewer are known to be sent than were answered.',
    `compared.months_before`   Array(UInt16)             COMMENT 'Comparison periods of the rule book in force at the end of the month: with the month so many months before.',
    `compared.value`           Array(Nullable(Float64))  COMMENT 'value of that month; NULL where withheld.',
    `compared.difference`      Array(Nullable(Float64))  COMMENT 'value less that of that month; NULL where withheld.',
    `compared.difference_low`  Array(Nullable(Float64))  COMMENT 'Lower end of the interval of the difference, 95 %, by Newcombe; NULL where withheld or without an interval.',
    `compared.difference_high` Array(Nullable(Float64))  COMMENT 'Upper end of the interval of the difference, 95 %; NULL where withheld or without an interval.',
    `compared.exceeds_noise`   Array(Nullable(Bool))     COMMENT 'true when the interval of the difference does not hold 0; NULL where there is none.',
    `compared.withheld`        Array(String)             COMMENT 'Why it is withheld: no such month; not complete (one of the two); rules changed (the two, or one in itself, were judged in two ways); rates changed (their steps cost otherwise; of avoidable_cost). Empty where it is not.'
)
AS SELECT
    m.month AS month, figure, m.numerator AS numerator, m.denominator AS denominator, m.n AS n, m.value AS value, m.low AS low, m.high AS high,
    if(figure = 'avoidable_cost', 'lower', 'higher') AS better, target, CAST(if(better = 'lower', value <= target, value >= target), 'Nullable(Bool)') AS meets_target,
    m.complete AS complete, m.matured_until AS matured_until, m.versions AS rules_versions, m.response AS response_rate,
    book.3 AS `compared.months_before`,
    arrayMap((o, why) -> if(why = '', o.value, NULL), others, withheld) AS `compared.value`,
    arrayMap((o, why) -> if(why = '', m.value - o.value, NULL), others, withheld) AS `compared.difference`,
    arrayMap((o, why) -> if(why = '', m.value - o.value - sqrt(pow(m.value - m.low, 2) + pow(o.high - o.value, 2)), NULL), others, withheld) AS `compared.difference_low`,
    arrayMap((o, why) -> if(why = '', m.value - o.value + sqrt(pow(m.high - m.value, 2) + pow(o.value - o.low, 2)), NULL), others, withheld) AS `compared.difference_high`,
    arrayMap((low, high) -> CAST(low > 0 OR high < 0, 'Nullable(Bool)'), `compared.difference_low`, `compared.difference_high`) AS `compared.exceeds_noise`,
    withheld AS `compared.withheld`
FROM (
    SELECT
        figure, m, book, if(mapContains(book.2, figure), toNullable(book.2[figure]), NULL) AS target,
        arrayMap(k -> arrayFirst(o -> o.month = addMonths(m.month, -toInt32(k)), months), book.3) AS others,
        arrayMap(o -> multiIf(
            o.n = 0, 'no such month',
            NOT o.complete OR NOT m.complete, 'not complete',
            length(arrayDistinct(arrayConcat(o.judges, m.judges))) > 1, 'rules changed',
            figure = 'avoidable_cost' AND length(arrayDistinct(arrayConcat(o.costs, m.costs))) > 1, 'rates changed',
            ''), others) AS withheld
    FROM (
        WITH (
            SELECT groupArray((effective_from, CAST((arrayMap(t -> toString(t), `targets.name`), `targets.value`), 'Map(String, Float64)'), months_before))
            FROM (SELECT * FROM {{database}}.rule_books_v ORDER BY effective_from)
        ) AS books
        SELECT toString(f.figure) AS figure, f.months AS months, m, books[arrayLastIndex(b -> b.1 < toDateTime64(m.month + INTERVAL 1 MONTH, 3, 'UTC'), books)] AS book
        FROM (
            SELECT
                figure, groupArray(CAST((month, numerator, denominator, n, value, low, high, complete, matured_until, versions, response,
                    arrayDistinct(arrayMap(v -> transform(v, known.1, known.2, v), versions)),
                    arrayDistinct(arrayMap(v -> transform(v, known.1, known.3, v), versions))),
                    'Tuple(month Date32, numerator Float64, denominator Float64, n UInt64, value Nullable(Float64), low Nullable(Float64), high Nullable(Float64), complete Bool, matured_until DateTime64(3), versions Array(String), response Nullable(Float64), judges Array(String), costs Array(String))')) AS months
            FROM (
                WITH (
                    SELECT (arrayPushBack(groupArray(toString(version)), ''), arrayPushBack(groupArray(toString(judges)), ''), arrayPushBack(groupArray(toString(costs)), ''))
                    FROM {{database}}.rule_books_v
                ) AS known,
                1.959963984540054 AS z, z * z / n AS zz, z * sqrt(value * (1 - value) / n + zz / n / 4) AS half,
                z / denominator * sqrt(n / (n - 1) * greatest(0, yy - 2 * value * xy + value * value * xx)) AS margin
                SELECT
                    month, figure, numerator, denominator, n, if(denominator > 0, numerator / denominator, NULL) AS value,
                    if(figure = 'avoidable_cost', if(n > 1 AND denominator > 0, greatest(0, value - margin), NULL), if(numerator = 0, 0, (value + zz / 2 - half) / (1 + zz))) AS low,
                    if(figure = 'avoidable_cost', if(n > 1 AND denominator > 0, value + margin, NULL), if(numerator = denominator, 1, (value + zz / 2 + half) / (1 + zz))) AS high,
                    toDateTime64(month + INTERVAL 1 MONTH, 3, 'UTC') <= matured_until AS complete, matured_until, versions,
                    if(sent > 0 AND sent >= n, n / sent, NULL) AS response, known
                FROM (
                    SELECT
                        makeDate32(toYear(d.day), toMonth(d.day), 1) AS month, toString(d.figure) AS figure, sum(d.numerator) AS numerator,
                        sum(d.denominator) AS denominator, sum(d.n) AS n, sum(d.numerator_squared) AS yy, sum(d.product) AS xy,
                        sum(d.denominator_squared) AS xx, sum(d.surveys_sent) AS sent,
                        any(d.matured_until) AS matured_until, arraySort(groupUniqArrayArray(d.rules_versions)) AS versions
                    FROM {{database}}.figures_daily_v AS d
                    GROUP BY month, figure
                    HAVING n > 0
                )
                UNION ALL
                SELECT month, 'first_contact_resolution', resolved, n, n, rate, low, high, complete, matured_until, arrayMap(v -> toString(v), rules_versions), NULL, known
                FROM {{database}}.first_contact_resolution_v
                WHERE way = 'same_reason' AND n > 0
            )
            GROUP BY figure
        ) AS f
        ARRAY JOIN f.months AS m
    )
)
COMMENT 'The figures that targets are set for, by month, each with its interval, its target and its comparison with other months. A month that is not complete is here with its first days. By Wilson (1927), z = 1.959963984540054, p = value: (p + z²/2n ± z sqrt(p (1 - p)/n + z²/4n²)) / (1 + z²/n). Of avoidable_cost, a ratio of sums over n journeys (Cochran 1977): value ± z sqrt(n/(n - 1) Σ(avoidable - value cost)²) / Σcost. A difference d = p1 - p2, by Newcombe (1998, method 10): d - sqrt((p1 - low1)² + (high2 - p2)²) to d + sqrt((high1 - p1)² + (p2 - low2)²). Never compared across a change of what judges.';
