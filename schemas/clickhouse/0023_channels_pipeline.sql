-- What the dashboards of channels and of the pipeline read: contacts one by one, by hour and by day, how channels share them and
-- how they keep what is out of them; and how far the pipeline has come, what it counted and what it takes.

CREATE VIEW IF NOT EXISTS {{database}}.inbound_contacts_v {{on_cluster}}
(
    contact       String                 COMMENT 'The contact id; of an event without one its source and id, a space between them.',
    began_at      DateTime64(3, 'UTC')   COMMENT 'Its first event.',
    channel       LowCardinality(String) COMMENT 'Channel of the first event that names one; empty when none does.',
    silo          LowCardinality(String) COMMENT 'Silo of the first event that names one; empty when none does.',
    unit          LowCardinality(String) COMMENT 'Unit of the first event that names one; empty when none does. Never a person.',
    reason_family LowCardinality(String) COMMENT 'First token of the reason stated last; empty when none was stated, or when it is unknown or other.',
    answered      Bool                   COMMENT 'true when somebody answered: contact.answered, message.replied, or an end with talk.',
    abandoned     Bool                   COMMENT 'true when the customer gave up (contact.abandoned), after however short a wait.',
    refused       Bool                   COMMENT 'true when it was refused: closed, busy, deflected or cut off.',
    transferred   Bool                   COMMENT 'true when it was transferred.',
    wait_s        Nullable(Float64)      COMMENT 'Seconds until the first contact.answered: as it says, else since the last contact.queued before it, else as contact.ended says of an answered contact. NULL when not known, and for messages.'
)
AS SELECT
    contact, began_at, channel, silo, unit, if(splitByChar('.', last_reason)[1] IN ('unknown', 'other'), '', splitByChar('.', last_reason)[1]) AS reason_family,
    CAST(answered_times > 0 OR replied > 0 OR talked > 0, 'Bool') AS answered, CAST(gave_up > 0, 'Bool') AS abandoned, CAST(refusals > 0, 'Bool') AS refused,
    CAST(moves > 0, 'Bool') AS transferred,
    multiIf(answered_times > 0 AND said_wait IS NOT NULL, said_wait,
        answered_times > 0 AND arrayExists(t -> t <= answered_at, queued), dateDiff('millisecond', arrayMax(arrayFilter(t -> t <= answered_at, queued)), answered_at) / 1000,
        answered_times > 0 OR talked > 0, end_wait, NULL) AS wait_s
FROM (
    SELECT
        if(contact_id != '', contact_id, concat(source, ' ', id)) AS contact, min(e.time) AS began_at,
        argMinIf(channel, (e.time, position), channel != '') AS channel, argMinIf(silo, (e.time, position), silo != '') AS silo, argMinIf(unit, (e.time, position), unit != '') AS unit,
        toString(argMaxIf(reason, (e.time, position), reason != '')) AS last_reason,
        argMinIf(direction, (e.time, position), direction != '') AS stated, argMin(type, (e.time, position)) AS first_type,
        countIf(family IN ('contact', 'message')) AS somebody, countIf(type = 'contact.answered') AS answered_times, countIf(type = 'message.replied') AS replied,
        countIf(type = 'contact.ended' AND talk_s > 0) AS talked, countIf(type = 'contact.abandoned') AS gave_up, countIf(type = 'contact.refused') AS refusals,
        countIf(type = 'contact.transferred') AS moves, minIf(e.time, type = 'contact.answered') AS answered_at, groupArrayIf(e.time, type = 'contact.queued') AS queued,
        tupleElement(argMinIf(tuple(e.wait_s), (e.time, position), type = 'contact.answered'), 1) AS said_wait,
        tupleElement(argMinIf(tuple(e.wait_s), (e.time, position), type = 'contact.ended'), 1) AS end_wait
    FROM (
        SELECT time, source, id, type, family, contact_id, direction, channel, reason, silo, unit, wait_s, talk_s, position
        FROM {{database}}.events_v WHERE family IN ('contact', 'message') OR type = 'outreach.sent' AND contact_id != ''
    ) AS e
    GROUP BY contact
)
WHERE somebody > 0 AND if(stated != '', stated = 'in', first_type NOT IN ('message.replied', 'outreach.sent'))
COMMENT 'Every inbound contact with somebody, once, as it begins: by phone, in a shop, by message. Self-service is not here. Events that came too late for journeys count: the contact was made all the same. A contact is all events of one contact id, an event without one is one by itself.';

CREATE VIEW IF NOT EXISTS {{database}}.contact_load_v {{on_cluster}}
(
    hour          DateTime('UTC')        COMMENT 'Hour in which the contacts began, UTC.',
    day           Date32                 COMMENT 'The same in local time: day.',
    weekday       UInt8                  COMMENT 'Local weekday, 1 Monday to 7 Sunday.',
    local_hour    UInt8                  COMMENT 'Local hour, 0 to 23.',
    time_zone     String                 COMMENT 'Local is what the calendar of the last rule book says: Europe/Paris unless it says otherwise.',
    channel       LowCardinality(String) COMMENT 'Channel; empty when not given.',
    silo          LowCardinality(String) COMMENT 'Silo; empty when not given.',
    unit          LowCardinality(String) COMMENT 'Unit; empty when not given.',
    reason_family LowCardinality(String) COMMENT 'First token of the reason; empty when unknown.',
    contacts      UInt64                 COMMENT 'Inbound contacts that began.',
    answered      UInt64                 COMMENT 'Of them, answered by somebody.',
    abandoned     UInt64                 COMMENT 'Of them, given up by the customer.',
    refused       UInt64                 COMMENT 'Of them, refused.',
    complete      Bool                   COMMENT 'true when the local day ended before the clock of every partition: it has no more to come but what is late.',
    settled       Bool                   COMMENT 'true when no event of the local day enters journeys any more.'
)
AS WITH
    ifNull(nullIf((SELECT extract(argMax(document, effective_from), '\ncalendar:[^\n]*\n(?:[ \t][^\n]*\n|[ \t]*#[^\n]*\n)*?[ \t]+timezone: *"?([A-Za-z0-9_/+-]+)') FROM {{database}}.rule_books_v), ''), 'Europe/Paris') AS zone
SELECT
    toStartOfHour(c.began_at) AS hour, toDate32(toTimeZone(c.began_at, zone)) AS day, toDayOfWeek(c.began_at, 0, zone) AS weekday, toHour(c.began_at, zone) AS local_hour,
    any(zone) AS time_zone, c.channel AS channel, c.silo AS silo, c.unit AS unit, c.reason_family AS reason_family, count() AS contacts, countIf(c.answered) AS answered,
    countIf(c.abandoned) AS abandoned, countIf(c.refused) AS refused,
    CAST(ifNull(toDateTime64(day + 1, 3, zone) <= (SELECT min(clock) FROM {{database}}.frontier_v WHERE clock > '1900-01-01 00:00:00'), false), 'Bool') AS complete,
    CAST(ifNull(toDateTime64(day + 1, 3, zone) <= (SELECT min(settled) FROM {{database}}.frontier_v WHERE clock > '1900-01-01 00:00:00'), false), 'Bool') AS settled
FROM {{database}}.inbound_contacts_v AS c
GROUP BY hour, day, weekday, local_hour, channel, silo, unit, reason_family
COMMENT 'Inbound contacts with somebody by the hour in which they began, and where they went: sums, to be added up.';

CREATE VIEW IF NOT EXISTS {{database}}.load_daily_v {{on_cluster}}
(
    day      Date32                 COMMENT 'Local day (contact_load_v).',
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
            -- Days without one.
            SELECT toDate32(number) AS day, of.1 AS channel, of.2 AS whole, [('contacts', toUInt64(0)), ('abandoned', toUInt64(0)), ('refused', toUInt64(0))], number <= complete_until, number <= settled_until
            FROM (
                SELECT min(l.day) AS first, max(l.day) AS last, toInt32(maxIf(l.day, l.complete)) AS complete_until, toInt32(maxIf(l.day, l.settled)) AS settled_until,
                    arrayPushBack(arrayMap(x -> (x, false), groupUniqArray(toString(l.channel))), ('', true)) AS channels, count() AS cells
                FROM {{database}}.contact_load_v AS l
            )
            ARRAY JOIN range(toInt32(first), toInt32(last) + 1) AS number
            ARRAY JOIN channels AS of
            WHERE cells > 0
        ) AS c
        ARRAY JOIN measures AS m
        GROUP BY day, channel, whole, measure
    )
)
COMMENT 'Inbound contacts, abandons and refusals by local day and channel, beside what the same weekday was in the weeks before. It knows no public holidays, campaigns or seasons: a day that is unusual is to be looked at, and nothing more.';

CREATE VIEW IF NOT EXISTS {{database}}.channel_mix_v {{on_cluster}}
(
    month         Date32                 COMMENT 'First day of the month in which the contacts began, local.',
    channel       LowCardinality(String) COMMENT 'Channel; empty for contacts that name none.',
    contacts      UInt64                 COMMENT 'Inbound contacts on it.',
    n             UInt64                 COMMENT 'Inbound contacts of the month.',
    share         Float64                COMMENT 'contacts / n.',
    low           Float64                COMMENT 'Lower end of its 95 % interval, by Wilson.',
    high          Float64                COMMENT 'Upper end.',
    complete      Bool                   COMMENT 'true when the whole month is settled; else only what came so far is counted.',
    share_before  Nullable(Float64)      COMMENT 'Share of the month before; NULL where there is none, or one of the two is not complete.',
    change        Nullable(Float64)      COMMENT 'share - share_before.',
    change_low    Nullable(Float64)      COMMENT 'Lower end of its 95 % interval, by Newcombe.',
    change_high   Nullable(Float64)      COMMENT 'Upper end.',
    exceeds_noise Nullable(Bool)         COMMENT 'true when that interval does not hold 0. Contacts count as if each were by itself: where few customers make many, less is noise than is.'
)
AS WITH
    1.959963984540054 AS z,
    (x, of) -> (x / of + z * z / (2 * of)) / (1 + z * z / of) AS middle,
    (x, of) -> z * sqrt(x / of * (1 - x / of) / of + z * z / (4 * of * of)) / (1 + z * z / of) AS half
SELECT
    month, channel, contacts, n, share, low, high, complete, if(comparable, before.2, NULL) AS share_before, share - share_before AS change,
    change - sqrt(pow(share - low, 2) + pow(before.4 - before.2, 2)) AS change_low, change + sqrt(pow(high - share, 2) + pow(before.2 - before.3, 2)) AS change_high,
    CAST(change_low > 0 OR change_high < 0, 'Nullable(Bool)') AS exceeds_noise
FROM (
    SELECT
        *, lagInFrame((month, share, low, high, complete)) OVER (PARTITION BY channel ORDER BY month ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS before,
        addMonths(before.1, 1) = month AND before.5 AND complete AS comparable
    FROM (
        SELECT
            month, channel, contacts, n, contacts / n AS share, if(contacts = 0, 0, middle(contacts, n) - half(contacts, n)) AS low,
            if(contacts = n, 1, middle(contacts, n) + half(contacts, n)) AS high, complete
        FROM (
            SELECT
                d.month AS month, d.channel AS channel, sum(d.n) AS contacts, sum(contacts) OVER (PARTITION BY month) AS n,
                CAST(min(d.settled) AND addMonths(month, 1) <= any(d.until), 'Bool') AS complete
            FROM (
                SELECT makeDate32(toYear(day), toMonth(day), 1) AS month, channel, n, settled, maxIf(day, settled) OVER () + 1 AS until
                FROM {{database}}.load_daily_v WHERE measure = 'contacts' AND NOT whole
            ) AS d
            GROUP BY month, channel
        )
        WHERE n > 0
    )
)
COMMENT 'How channels share the inbound contacts of each month, and whether that has shifted since the month before by more than noise.';

CREATE VIEW IF NOT EXISTS {{database}}.channel_rates_v {{on_cluster}}
(
    month         Date32                 COMMENT 'First day of the month of the opportunities, UTC.',
    kind          LowCardinality(String) COMMENT 'Which of the catalogue, as in breakpoint_kinds_v.',
    channel       LowCardinality(String) COMMENT 'Channel; empty for those that name none, and for all together.',
    whole         Bool                   COMMENT 'true for all channels together.',
    opportunities UInt64                 COMMENT 'How many chances of breaking there were, on the days that may be drawn: n.',
    broken        UInt64                 COMMENT 'How many of them broke.',
    rate          Float64                COMMENT 'broken / opportunities.',
    low           Float64                COMMENT 'Lower end of its 95 % interval, by Wilson.',
    high          Float64                COMMENT 'Upper end.',
    kept          Float64                COMMENT '1 - rate: of channel_failover the containment (attempts that no assisted contact followed), of long_wait the share answered within the limit.',
    complete      Bool                   COMMENT 'true when the whole month ends before matured_until; else only its first days are counted.',
    matured_until DateTime64(3, 'UTC')   COMMENT 'Up to when the kind may be drawn.',
    rate_before   Nullable(Float64)      COMMENT 'Rate of the month before; NULL where there is none, one of the two is not complete, or another rule book began to judge in them.',
    change        Nullable(Float64)      COMMENT 'rate - rate_before.',
    change_low    Nullable(Float64)      COMMENT 'Lower end of its 95 % interval, by Newcombe.',
    change_high   Nullable(Float64)      COMMENT 'Upper end.',
    exceeds_noise Nullable(Bool)         COMMENT 'true when that interval does not hold 0.'
)
AS WITH
    1.959963984540054 AS z,
    (x, of) -> (x / of + z * z / (2 * of)) / (1 + z * z / of) AS middle,
    (x, of) -> z * sqrt(x / of * (1 - x / of) / of + z * z / (4 * of * of)) / (1 + z * z / of) AS half,
    (SELECT groupArray(effective_from) FROM {{database}}.rule_changes_v WHERE judges_changed) AS changes
SELECT
    month, kind, channel, whole, opportunities, broken, rate, low, high, 1 - rate AS kept, complete, matured_until, if(comparable, before.2, NULL) AS rate_before,
    rate - rate_before AS change, change - sqrt(pow(rate - low, 2) + pow(before.4 - before.2, 2)) AS change_low,
    change + sqrt(pow(high - rate, 2) + pow(before.2 - before.3, 2)) AS change_high, CAST(change_low > 0 OR change_high < 0, 'Nullable(Bool)') AS exceeds_noise
FROM (
    SELECT
        *, lagInFrame((month, rate, low, high, complete)) OVER (PARTITION BY kind, channel, whole ORDER BY month ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS before,
        addMonths(before.1, 1) = month AND before.5 AND complete
            AND NOT arrayExists(t -> t > toDateTime64(before.1, 3, 'UTC') AND t < toDateTime64(addMonths(month, 1), 3, 'UTC'), changes) AS comparable
    FROM (
        SELECT
            makeDate32(toYear(d.day), toMonth(d.day), 1) AS month, d.kind AS kind, if(w, '', toString(d.channel)) AS channel, CAST(w, 'Bool') AS whole, sum(d.opportunities) AS opportunities,
            sum(d.broken) AS broken, broken / opportunities AS rate, if(broken = 0, 0, middle(broken, opportunities) - half(broken, opportunities)) AS low,
            if(broken = opportunities, 1, middle(broken, opportunities) + half(broken, opportunities)) AS high, any(d.matured_until) AS matured_until,
            CAST(toDateTime64(addMonths(month, 1), 3, 'UTC') <= matured_until, 'Bool') AS complete
        FROM {{database}}.rates_daily_v AS d
        ARRAY JOIN [false, true] AS w
        GROUP BY month, kind, channel, whole
    )
)
COMMENT 'Rates of breakpoints by month, kind and channel, of the days that rates_daily_v draws, beside the month before.';

CREATE VIEW IF NOT EXISTS {{database}}.pipeline_lag_v {{on_cluster}}
(
    partition       Int32                          COMMENT 'Partition of the log, from 0.',
    generation      UInt32                         COMMENT 'The current generation, the one all views read.',
    position        UInt64                         COMMENT 'Every row that follows from the log up to this position is in its table.',
    clock           Nullable(DateTime64(3, 'UTC')) COMMENT 'Clock of the partition there; NULL while it has seen nothing.',
    settled         Nullable(DateTime64(3, 'UTC')) COMMENT 'No event before it enters journeys any more; NULL while it has seen nothing.',
    behind_s        Nullable(Int64)                COMMENT 'Seconds that its clock is behind that of the partition furthest ahead.',
    behind_now_s    Nullable(Int64)                COMMENT 'Seconds that its clock is behind the server\'s. It says something only where the log keeps wall time (parcours up): a demo or an import stands where its last event is.',
    events          UInt64                         COMMENT 'Events of the partition in the tables.',
    newest_position UInt64                         COMMENT 'Position of the newest of them. Above position: rows that are in before the frontier says so, for a moment.',
    newest_seen_at  Nullable(DateTime64(3, 'UTC')) COMMENT 'When the log stored the newest of them; NULL where there is none.',
    idle_s          Nullable(Int64)                COMMENT 'Seconds since, by the server\'s clock; NULL where there is none.'
)
AS SELECT
    f.partition AS partition, f.generation AS generation, f.position AS position, nullIf(f.clock, toDateTime64('1900-01-01 00:00:00', 3, 'UTC')) AS clock,
    if(f.clock > '1900-01-01 00:00:00', f.settled, NULL) AS settled, dateDiff('second', clock, max(clock) OVER ()) AS behind_s, dateDiff('second', clock, now64(3, 'UTC')) AS behind_now_s,
    e.events AS events, e.newest AS newest_position, if(e.events > 0, e.seen, NULL) AS newest_seen_at, dateDiff('second', newest_seen_at, now64(3, 'UTC')) AS idle_s
FROM {{database}}.frontier_v AS f
LEFT JOIN (
    SELECT partition, count() AS events, max(position) AS newest, max(seen_at) AS seen
    FROM {{database}}.events_v GROUP BY partition
) AS e ON e.partition = f.partition
COMMENT 'How far each partition has come, and when anything came last. What the log holds beyond that is not in the tables: /metrics says it (parcours_aggregator_position, and the head of the log of NATS).';

CREATE VIEW IF NOT EXISTS {{database}}.throughput_v {{on_cluster}}
(
    minute      DateTime('UTC')        COMMENT 'Minute in which the log stored the first copies, UTC.',
    source      LowCardinality(String) COMMENT 'Source of the events.',
    events      UInt64                 COMMENT 'First copies stored; further copies and what was refused are not events.',
    delay_s     Float64                COMMENT 'Median seconds from when they happened until they were stored. Below 0 where a source\'s clock is ahead; large where history is imported.'
)
AS SELECT toStartOfMinute(seen_at) AS minute, source, count() AS events, quantile(0.5)(dateDiff('millisecond', time, seen_at)) / 1000 AS delay_s
FROM {{database}}.events_v
GROUP BY minute, source
COMMENT 'How many events came, by the minute in which the log stored them.';

CREATE VIEW IF NOT EXISTS {{database}}.ledger_balance_v {{on_cluster}}
(
    partition Int32  COMMENT 'Partition of the log, from 0.',
    stored    UInt64 COMMENT 'Messages of the log for it that are counted: first + copies + late + set_aside + forwarded + system.',
    first     UInt64 COMMENT 'First copies of events, folded.',
    copies    UInt64 COMMENT 'Further copies: the same source, id and time again.',
    late      UInt64 COMMENT 'First copies that came too late for journeys.',
    set_aside UInt64 COMMENT 'Messages set aside: rejected_v tells of them.',
    forwarded UInt64 COMMENT 'Events sent on to another partition.',
    system    UInt64 COMMENT 'Messages of Parcours or an operator for this partition alone.',
    broadcast UInt64 COMMENT 'Messages that every partition sees, and each counts.',
    events    UInt64 COMMENT 'Rows of events that the table holds of the positions counted.',
    gap       Int64  COMMENT 'first + late - events: 0. Above 0 rows are missing (an erasure takes rows away, and is none); below 0 there are rows that nobody counted. parcours verify compares with the log itself.'
)
AS SELECT
    l.partition AS partition, l.first + l.copies + l.late + l.set_aside + l.forwarded + l.system AS stored, l.first AS first, l.copies AS copies, l.late AS late, l.set_aside AS set_aside,
    l.forwarded AS forwarded, l.system AS system, l.broadcast AS broadcast, e.events AS events, toInt64(l.first + l.late) - toInt64(e.events) AS gap
FROM (
    SELECT partition, sum(d.first) AS first, sum(d.copies) AS copies, sum(d.late) AS late, sum(d.set_aside) AS set_aside, sum(d.forwarded) AS forwarded, sum(d.system) AS system, sum(d.broadcast) AS broadcast
    FROM {{database}}.ledger_v AS d GROUP BY partition
) AS l
LEFT JOIN (
    SELECT e.partition AS partition, count() AS events
    FROM {{database}}.events_v AS e
    INNER JOIN (SELECT partition, range, position FROM {{database}}.ledger_v) AS r ON r.partition = e.partition AND r.range = toUInt64(intDiv(e.position - 1, 65536))
    WHERE e.position <= r.position
    GROUP BY partition
) AS e ON e.partition = l.partition
COMMENT 'What became of the messages of each partition, as the current generation has counted, beside the rows that the table of events holds.';

CREATE VIEW IF NOT EXISTS {{database}}.lateness_v {{on_cluster}}
(
    day             Date32                 COMMENT 'Day (UTC) on which the log stored them.',
    source          LowCardinality(String) COMMENT 'Source of the events.',
    events          UInt64                 COMMENT 'Events of the source stored on the day.',
    late            UInt64                 COMMENT 'Of them, those too late for journeys.',
    median_days     Nullable(Float64)      COMMENT 'Of the late ones, median days from when they happened until they were stored; NULL for none.',
    longest_days    Nullable(Float64)      COMMENT 'The longest of these.'
)
AS SELECT
    toDate32(e.seen_at) AS day, e.source AS source, count() AS events, countIf(l.is) AS late,
    if(late > 0, quantileIf(0.5)(dateDiff('second', e.time, e.seen_at) / 86400, l.is), NULL) AS median_days,
    if(late > 0, maxIf(dateDiff('second', e.time, e.seen_at) / 86400, l.is), NULL) AS longest_days
FROM (SELECT time, source, id, seen_at FROM {{database}}.events_v) AS e
LEFT JOIN (SELECT time, source, event_id, true AS is FROM {{database}}.late_v) AS l ON l.time = e.time AND l.source = e.source AND l.event_id = e.id
GROUP BY day, source
COMMENT 'How much came too late for journeys, from whom and by how much. Late is behind the clock of the partition by more than the rules allow, not behind the time of day.';

CREATE VIEW IF NOT EXISTS {{database}}.generations_v {{on_cluster}}
(
    generation    UInt32               COMMENT 'Number of the fold, from 1.',
    current       Bool                 COMMENT 'true for the one that all views read.',
    switched_at   DateTime64(3, 'UTC') COMMENT 'When views began to read it; 1970-01-01 for the first generation, which is always there.',
    fold_version  String               COMMENT 'Version of the fold that made it; empty for the first row of generation 1, written before any fold.',
    rules_version String               COMMENT 'Rules in force when it began; empty when the log had none.',
    admitted_late UInt64               COMMENT 'Position up to which late events were admitted by an operator; 0 for none.',
    tzdata        String               COMMENT 'Version of the time-zone database it used; empty when not stated.'
)
AS SELECT
    generation, CAST((g.switched_at, generation) = (SELECT max((switched_at, generation)) FROM {{database}}.generation), 'Bool') AS current, g.switched_at AS switched_at,
    fold_version, rules_version, admitted_late, tzdata
FROM {{database}}.generation AS g FINAL
COMMENT 'The folds of the log that views have read, one row for each switch.';

CREATE VIEW IF NOT EXISTS {{database}}.daily_work_v {{on_cluster}}
(
    task   String                         COMMENT 'alerts (closed_days_v), scores (scored_days_v), associated_loss (the estimate of associated_loss_v) or model_quality (the last judgement).',
    until  Nullable(DateTime64(3, 'UTC')) COMMENT 'Up to which moment of the log it is done; NULL where it never was.',
    behind_days Nullable(Float64)         COMMENT 'Days from there to the clock of the slowest partition that has seen anything.'
)
AS SELECT
    task, until, dateDiff('second', until, (SELECT min(clock) FROM {{database}}.frontier_v WHERE clock > '1900-01-01 00:00:00')) / 86400 AS behind_days
FROM (
    SELECT 'alerts' AS task, toDateTime64(maxOrNull(day) + 1, 3, 'UTC') AS until FROM {{database}}.closed_days_v
    UNION ALL
    SELECT 'scores', maxOrNull(as_of) FROM {{database}}.scored_days_v
    UNION ALL
    SELECT 'associated_loss', toDateTime64(maxOrNull(as_of), 3, 'UTC') FROM {{database}}.associated_loss_v
    UNION ALL
    SELECT 'model_quality', maxOrNull(as_of) FROM {{database}}.model_quality_v
)
COMMENT 'What is done once a day or at an operator\'s word, and up to where in the log it is done.';

CREATE VIEW IF NOT EXISTS {{database}}.table_sizes_v {{on_cluster}}
(
    table              String   COMMENT 'Table of this database.',
    rows               UInt64   COMMENT 'Rows of its active parts, every version and generation, until they merge away.',
    bytes              UInt64   COMMENT 'Bytes on disk, compressed.',
    bytes_uncompressed UInt64   COMMENT 'The same before compression.',
    parts              UInt64   COMMENT 'Active parts.',
    partitions         UInt64   COMMENT 'Partitions of the table that hold some.',
    written_at         DateTime COMMENT 'When a part was last written or merged, by the server\'s clock.'
)
AS SELECT
    table, sum(p.rows) AS rows, sum(bytes_on_disk) AS bytes, sum(data_uncompressed_bytes) AS bytes_uncompressed, count() AS parts, uniqExact(p.partition) AS partitions,
    max(modification_time) AS written_at
FROM system.parts AS p
WHERE database = '{{database}}' AND active
GROUP BY table
COMMENT 'How large the tables are on the server that answers. Who reads it needs SELECT on system.parts (GRANT SELECT ON system.parts TO the user of the data source).';
