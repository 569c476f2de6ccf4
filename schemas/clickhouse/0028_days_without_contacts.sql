-- A day without any contact is a day: an outage of the switchboard is one, and the mean of an hour over its weekdays goes by all of them, whatever
-- is chosen of their contacts.

CREATE OR REPLACE VIEW {{database}}.load_daily_v {{on_cluster}}
(
    day      Date32                 COMMENT 'Local day (contact_load_v): from the first that had a contact to the last that is over, whether it had one or not, or the last that had one.',
    channel  LowCardinality(String) COMMENT 'Channel; empty for contacts that name none, and for all of them together.',
    whole    Bool                   COMMENT 'true for all channels together.',
    measure  LowCardinality(String) COMMENT 'contacts, abandoned or refused.',
    n        UInt64                 COMMENT 'How many on that day; 0 where there was none.',
    usual    Nullable(Float64)      COMMENT 'Mean of the same weekday in the 8 weeks before; NULL where fewer than 4 are known.',
    low      Nullable(Float64)      COMMENT 'Lower end of what one day may be by chance, 99 %: usual less 2.576 sqrt(v (1 + 1/weeks)), v the larger of usual (pure chance) and the variance of those weeks; not below 0.',
    high     Nullable(Float64)      COMMENT 'Upper end.',
    unusual  Int8                   COMMENT '1 above high, -1 below low, else 0.',
    weeks    UInt8                  COMMENT 'Weeks that the usual is the mean of.',
    complete Bool                   COMMENT 'true when the day ended before the clock of every partition.',
    settled  Bool                   COMMENT 'true when no event of it enters journeys any more.'
)
AS WITH
    ifNull(nullIf((SELECT extract(argMax(document, effective_from), '\ncalendar:[^\n]*\n(?:[ \t][^\n]*\n|[ \t]*#[^\n]*\n)*?[ \t]+timezone: *"?([A-Za-z0-9_/+-]+)') FROM {{database}}.rule_books_v), ''), 'Europe/Paris') AS zone,
    (SELECT (min(clock), min(settled)) FROM {{database}}.frontier_v WHERE clock > '1900-01-01 00:00:00') AS reached,
    arrayAvg(past) AS mean,
    if(weeks > 1, arraySum(x -> pow(x - mean, 2), past) / (weeks - 1), 0) AS spread,
    2.576 * sqrt(greatest(mean, spread) * (1 + 1 / weeks)) AS half
SELECT
    day, channel, whole, measure, n, if(weeks >= 4, mean, NULL) AS usual, if(weeks >= 4, greatest(0, mean - half), NULL) AS low, if(weeks >= 4, mean + half, NULL) AS high,
    toInt8(multiIf(ifNull(n > high, false), 1, ifNull(n < low, false), -1, 0)) AS unusual, toUInt8(length(past)) AS weeks, complete, settled
FROM (
    SELECT
        day, channel, whole, measure, n, complete, settled,
        groupArray(n) OVER (PARTITION BY whole, channel, measure, toDayOfWeek(day) ORDER BY day ROWS BETWEEN 8 PRECEDING AND 1 PRECEDING) AS past
    FROM (
        SELECT day, channel, CAST(whole, 'Bool') AS whole, m.1 AS measure, sum(m.2) AS n, CAST(max(c.complete), 'Bool') AS complete, CAST(max(c.settled), 'Bool') AS settled
        FROM (
            SELECT day, if(w, '', toString(l.channel)) AS channel, w AS whole, [('contacts', sum(contacts)), ('abandoned', sum(abandoned)), ('refused', sum(refused))] AS measures,
                max(l.complete) AS complete, max(l.settled) AS settled
            FROM {{database}}.contact_load_v AS l ARRAY JOIN [false, true] AS w
            GROUP BY day, channel, whole
            UNION ALL
            -- Days without one, up to the last that is over: an outage is such a day.
            SELECT toDate32(number) AS day, of.1 AS channel, of.2 AS whole, [('contacts', toUInt64(0)), ('abandoned', toUInt64(0)), ('refused', toUInt64(0))], number <= complete_until, number <= settled_until
            FROM (
                SELECT min(l.day) AS first, toInt32(toDate32(toTimeZone(reached.1, zone))) - 1 AS complete_until, toInt32(toDate32(toTimeZone(reached.2, zone))) - 1 AS settled_until,
                    greatest(toInt32(max(l.day)), complete_until) AS last,
                    arrayPushBack(arrayMap(x -> (x, false), groupUniqArray(toString(l.channel))), ('', true)) AS channels, count() AS cells
                FROM {{database}}.contact_load_v AS l
            )
            ARRAY JOIN range(toInt32(first), last + 1) AS number
            ARRAY JOIN channels AS of
            WHERE cells > 0
        ) AS c
        ARRAY JOIN measures AS m
        GROUP BY day, channel, whole, measure
    )
)
COMMENT 'Inbound contacts, abandons and refusals by local day and channel, beside what the same weekday was in the weeks before. It knows no public holidays, campaigns or seasons: a day that is unusual is to be looked at, and nothing more.';

CREATE VIEW IF NOT EXISTS {{database}}.hourly_load_v {{on_cluster}}
(
    day           Date32                 COMMENT 'Local day (contact_load_v) that is over.',
    weekday       UInt8                  COMMENT 'Its weekday, 1 Monday to 7 Sunday.',
    local_hour    UInt8                  COMMENT 'Local hour, 0 to 23; 0 in the row of the day itself.',
    time_zone     String                 COMMENT 'Local is what the calendar of the last rule book says.',
    channel       LowCardinality(String) COMMENT 'Channel; empty when not given, and in the row of the day itself.',
    silo          LowCardinality(String) COMMENT 'Silo; likewise.',
    unit          LowCardinality(String) COMMENT 'Unit; likewise.',
    reason_family LowCardinality(String) COMMENT 'First token of the reason; likewise.',
    contacts      UInt64                 COMMENT 'Inbound contacts that began; 0 in the row of the day itself.',
    days          UInt8                  COMMENT '1 in the row of the day itself, of which there is one whether anything came or not; else 0.'
)
AS SELECT day, weekday, local_hour, time_zone, channel, silo, unit, reason_family, contacts, 0 AS days
FROM {{database}}.contact_load_v
WHERE complete
UNION ALL
SELECT day, toDayOfWeek(day), 0, (SELECT any(time_zone) FROM {{database}}.contact_load_v), '', '', '', '', 0, 1
FROM {{database}}.load_daily_v
WHERE whole AND complete AND measure = 'contacts'
COMMENT 'Contacts by hour beside the days that they are the mean over: sum(contacts) of whatever is chosen, by sum(days) of all days.';
