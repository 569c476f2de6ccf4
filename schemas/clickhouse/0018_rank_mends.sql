-- A month is held against its target when it is complete: its first days alone say nothing of that.

CREATE OR REPLACE VIEW {{database}}.figures_v {{on_cluster}}
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
    meets_target     Nullable(Bool)            COMMENT 'Whether value is at least as good as target; NULL where one of them is not there, and until the month is complete.',
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
    if(figure = 'avoidable_cost', 'lower', 'higher') AS better, target, CAST(if(m.complete, if(better = 'lower', value <= target, value >= target), NULL), 'Nullable(Bool)') AS meets_target,
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
