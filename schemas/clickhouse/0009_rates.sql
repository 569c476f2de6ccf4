-- What journeys took, the opportunities that breakpoints are out of, the catalogue, and the views that make rates of them.
-- An opportunity is kept on the row of its journey: it changes with it, and is retracted with it.

ALTER TABLE {{database}}.journeys {{on_cluster}}
    ADD COLUMN IF NOT EXISTS variant_runs Array(UInt32) COMMENT 'How often each activity of variant_collapsed came in its run: together they give variant.' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS repeats UInt32 COMMENT 'How often an activity came again, not in a row, by the unit that did it last (or by one that is not named).',
    ADD COLUMN IF NOT EXISTS redos UInt32 COMMENT 'How often an activity came again, not in a row, by another unit than did it last.',
    ADD COLUMN IF NOT EXISTS value Float64 COMMENT 'What the customer bought in it: the sum of value of order.placed and transaction.completed, in the currency of the rules; 0 where none.' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS working_s Float64 COMMENT 'Seconds that the company worked on it: talk, hold and wrap or the rules\' minutes.' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS waiting_customer_s Float64 COMMENT 'Elapsed seconds between its steps in which a case waited on the customer. The three waiting times never overlap.' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS waiting_partner_s Float64 COMMENT 'Elapsed seconds between its steps in which a case waited on a partner, and none on the customer.' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS waiting_company_s Float64 COMMENT 'Elapsed seconds between its steps in which the company owed something or the customer was in a queue, and neither customer nor partner was waited for.' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS queue_wait_s Float64 COMMENT 'Seconds that its inbound contacts waited until they were answered or given up, all together.' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS effort Float64 COMMENT 'Effort index, 0 to 100: 100 (1 - exp(-points / 10)); points: 3 an extra inbound contact, 2 a transfer, 2 an information repeated, 1 a channel change, 1 for each 10 minutes waited beyond target.' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS sentiment Nullable(Float64) COMMENT 'Mean of its signals, -1 to 1: scores of survey answers, each on its own scale, praise 1, incivility and complaints -1. Never from texts or voices. NULL where there is no signal.' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS sentiment_signals UInt32 COMMENT 'How many signals sentiment is the mean of.',
    ADD COLUMN IF NOT EXISTS `opportunities.kind` Array(LowCardinality(String)) COMMENT 'Chances of breaking that it had: the kind of each, as in breakpoint_kinds_v. Read opportunities_v.' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS `opportunities.at` Array(DateTime64(3, 'UTC')) COMMENT 'The date at which rates count each.' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS `opportunities.matures_at` Array(DateTime64(3, 'UTC')) COMMENT 'When it is settled whether each broke, late events apart.' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS `opportunities.reason` Array(LowCardinality(String)) COMMENT 'Reason of each; empty when none was stated.' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS `opportunities.silo` Array(LowCardinality(String)) COMMENT 'Silo that answers for each.' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS `opportunities.unit` Array(LowCardinality(String)) COMMENT 'Unit of each; empty when not known.' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS `opportunities.channel` Array(LowCardinality(String)) COMMENT 'Channel of each; empty when not given.' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS `opportunities.broken` Array(Bool) COMMENT 'true for each that broke.' CODEC(ZSTD(1));

CREATE OR REPLACE VIEW {{database}}.journeys_v {{on_cluster}}
(
    journey_id        String                         COMMENT 'Id of the journey; aliases_v tells which id took over one that is gone.',
    customer_id       String                         COMMENT 'Pseudonym of the customer; empty when unidentified.',
    case_id           String                         COMMENT 'The first case of the journey; empty when it has none.',
    cases             Array(String)                  COMMENT 'All its cases, first one first; empty when it has none.',
    reason_family     LowCardinality(String)         COMMENT 'First token of its reason; empty when unknown.',
    reason            LowCardinality(String)         COMMENT 'Why the customer came: the last reason stated; empty when none was.',
    started_at        DateTime64(3, 'UTC')           COMMENT 'Time of its first step.',
    ended_at          Nullable(DateTime64(3, 'UTC')) COMMENT 'When it ended; NULL while it is open.',
    last_event_at     DateTime64(3, 'UTC')           COMMENT 'Time of its last step so far.',
    outcome           LowCardinality(String)         COMMENT 'open, resolved, unresolved or lost.',
    resolution_basis  LowCardinality(String)         COMMENT 'Who says it is resolved: customer, case, agent or silence; empty where it is not.',
    escalated         Bool                           COMMENT 'true when a case or complaint of it was escalated.',
    steps             UInt32                         COMMENT 'How many steps it has.',
    variant           String                         COMMENT 'Its activities in order, as the fold joins them.',
    variant_collapsed String                         COMMENT 'The same with runs of one activity written once.',
    handoffs          UInt32                         COMMENT 'How often the unit changed.',
    silo_handoffs     UInt32                         COMMENT 'How often the silo changed.',
    contacts          UInt32                         COMMENT 'How many contacts it has (calls, chats, visits, mail threads).',
    channels          Array(LowCardinality(String))  COMMENT 'Channels it touched; empty when none was given.',
    silos             Array(LowCardinality(String))  COMMENT 'Silos it touched; empty when none was given.',
    first_unit        LowCardinality(String)         COMMENT 'Unit of its first step that names one; empty when none does.',
    last_unit         LowCardinality(String)         COMMENT 'Unit of its last step that names one; empty when none does.',
    cost              Float64                        COMMENT 'Cost to serve in the currency of the rules; 0 when nothing was costed.',
    breakpoints       UInt32                         COMMENT 'How many breakpoints it has.',
    cut_reason        LowCardinality(String)         COMMENT 'Why it begins where it does: first, gap, reason or case.',
    rules_version     LowCardinality(String)         COMMENT 'Rules it was computed under; empty for the built-in defaults before any were published.',
    variant_runs      Array(UInt32)                  COMMENT 'How often each activity of variant_collapsed came in its run: together they give variant.',
    repeats           UInt32                         COMMENT 'How often an activity came again, not in a row, by the unit that did it last (or by one that is not named).',
    redos             UInt32                         COMMENT 'How often an activity came again, not in a row, by another unit than did it last.',
    value             Float64                        COMMENT 'What the customer bought in it: the sum of value of order.placed and transaction.completed, in the currency of the rules; 0 where none.',
    working_s         Float64                        COMMENT 'Seconds that the company worked on it: talk, hold and wrap or the rules\' minutes.',
    waiting_customer_s Float64                        COMMENT 'Elapsed seconds between its steps in which a case waited on the customer. The three waiting times never overlap.',
    waiting_partner_s Float64                        COMMENT 'Elapsed seconds between its steps in which a case waited on a partner, and none on the customer.',
    waiting_company_s Float64                        COMMENT 'Elapsed seconds between its steps in which the company owed something or the customer was in a queue, and neither customer nor partner was waited for.',
    queue_wait_s      Float64                        COMMENT 'Seconds that its inbound contacts waited until they were answered or given up, all together.',
    effort            Float64                        COMMENT 'Effort index, 0 to 100: 100 (1 - exp(-points / 10)); points: 3 an extra inbound contact, 2 a transfer, 2 an information repeated, 1 a channel change, 1 for each 10 minutes waited beyond target.',
    sentiment         Nullable(Float64)              COMMENT 'Mean of its signals, -1 to 1: scores of survey answers, each on its own scale, praise 1, incivility and complaints -1. Never from texts or voices. NULL where there is no signal.',
    sentiment_signals UInt32                         COMMENT 'How many signals sentiment is the mean of.',
    `opportunities.kind` Array(LowCardinality(String))  COMMENT 'Chances of breaking that it had: the kind of each, as in breakpoint_kinds_v. Read opportunities_v.',
    `opportunities.at` Array(DateTime64(3, 'UTC'))    COMMENT 'The date at which rates count each.',
    `opportunities.matures_at` Array(DateTime64(3, 'UTC'))    COMMENT 'When it is settled whether each broke, late events apart.',
    `opportunities.reason` Array(LowCardinality(String))  COMMENT 'Reason of each; empty when none was stated.',
    `opportunities.silo` Array(LowCardinality(String))  COMMENT 'Silo that answers for each.',
    `opportunities.unit` Array(LowCardinality(String))  COMMENT 'Unit of each; empty when not known.',
    `opportunities.channel` Array(LowCardinality(String))  COMMENT 'Channel of each; empty when not given.',
    `opportunities.broken` Array(Bool)                    COMMENT 'true for each that broke.',
    position          UInt64                         COMMENT 'Position in the log (sequence in EVENTS) as of which this row is right; of one key the highest wins.',
    key_time          DateTime64(3, 'UTC')           COMMENT 'Time that the journey is stored under; never changes for one journey_id. It equals started_at for a journey without a case; for a case it is the time of the first event of it that was folded, close to started_at but before or after it.'
)
AS SELECT
    journey_id, customer_id, case_id, cases, reason_family, reason, started_at, ended_at, last_event_at, outcome,
    resolution_basis, escalated, steps, variant, variant_collapsed, handoffs, silo_handoffs, contacts, channels,
    silos, first_unit, last_unit, cost, breakpoints, cut_reason, rules_version,
    variant_runs, repeats, redos, value, working_s, waiting_customer_s, waiting_partner_s, waiting_company_s, queue_wait_s, effort, sentiment, sentiment_signals,
    `opportunities.kind`, `opportunities.at`, `opportunities.matures_at`, `opportunities.reason`, `opportunities.silo`, `opportunities.unit`, `opportunities.channel`, `opportunities.broken`,
    position, key_time
FROM {{database}}.journeys FINAL
WHERE generation = (SELECT argMax(generation, (switched_at, generation)) FROM {{database}}.generation)
COMMENT 'Journeys as they stand now, each once. Filters on key_time prune by month and key; filters on started_at and last_event_at prune by index.';

ALTER TABLE {{database}}.breakpoints {{on_cluster}}
    ADD COLUMN IF NOT EXISTS witness Bool COMMENT 'true for a kind that is evidence of failure and carries no cost.';

CREATE OR REPLACE VIEW {{database}}.breakpoints_v {{on_cluster}}
(
    breakpoint_id  String                 COMMENT 'Id of the breakpoint, deterministic.',
    kind           LowCardinality(String) COMMENT 'Which of the catalogue, for example repeat_contact.',
    journey_id     String                 COMMENT 'The journey that broke; empty for an incident with a reach.',
    customer_id    String                 COMMENT 'Pseudonym of the customer; empty when unidentified, or for an incident with a reach.',
    case_id        String                 COMMENT 'First case of the journey; empty when it has none.',
    reason_family  LowCardinality(String) COMMENT 'First token of the reason; empty when unknown.',
    reason         LowCardinality(String) COMMENT 'Reason of the journey; empty when none was stated.',
    occurred_at    DateTime64(3, 'UTC')   COMMENT 'When it broke; part of its id, never changes.',
    detected_at    DateTime64(3, 'UTC')   COMMENT 'Event time at which it could be known: when it was due, or the event that completed it.',
    opportunity_at DateTime64(3, 'UTC')   COMMENT 'When the opportunity to do well arose: the date by which rates count it.',
    origin_step    UInt32                 COMMENT 'Step of the journey where the failure began, from 1; 0 when no step is named.',
    origin_event   String                 COMMENT 'Source and id of that step\'s event, a space between them; empty when no step is named.',
    silo           LowCardinality(String) COMMENT 'Silo that owns the origin; empty when not known.',
    unit           LowCardinality(String) COMMENT 'Unit that owns the origin; empty when not known. Never a person.',
    channel        LowCardinality(String) COMMENT 'Channel of the origin; empty when not given.',
    severity       UInt8                  COMMENT '1 seen only by us, 2 felt, 3 forced another contact, 4 broke a promise or a core service, 5 legal clock, mediator, authority, court.',
    cost           Float64                COMMENT 'Avoidable cost charged to it, in the currency of the rules; 0 for witnesses and where none was costed.',
    evidence       Array(String)          COMMENT 'Ids of the events that show it.',
    rules_version  LowCardinality(String) COMMENT 'Rules it was found under; empty for the built-in defaults before any were published.',
    witness        Bool                   COMMENT 'true for a kind that is evidence of failure and carries no cost.',
    position       UInt64                 COMMENT 'Position in the log (sequence in EVENTS) as of which this row is right; of one key the highest wins.'
)
AS SELECT
    breakpoint_id, kind, journey_id, customer_id, case_id, reason_family, reason, occurred_at, detected_at,
    opportunity_at, origin_step, origin_event, silo, unit, channel, severity, cost, evidence, rules_version,
    witness, position
FROM {{database}}.breakpoints FINAL
WHERE generation = (SELECT argMax(generation, (switched_at, generation)) FROM {{database}}.generation)
COMMENT 'Breakpoints that hold now, each once: what was retracted is not here. Rates count by opportunity_at.';

-- Where rates may be drawn up to depends on how late events may come, which the rules say.

ALTER TABLE {{database}}.frontier {{on_cluster}}
    ADD COLUMN IF NOT EXISTS settled DateTime64(3, 'UTC') COMMENT 'No event before it enters journeys any more: the clock less the lateness of the rules. 1970 in rows written before there was this column.';

CREATE OR REPLACE VIEW {{database}}.frontier_v {{on_cluster}}
(
    partition  Int32                COMMENT 'Partition of the log, from 0.',
    position   UInt64               COMMENT 'Every row that follows from the log up to this position is in its table.',
    clock      DateTime64(3, 'UTC') COMMENT 'Clock of the partition there: the largest of its event times and accepted ticks; 1900 when it has seen nothing.',
    generation UInt32               COMMENT 'The current generation, the one all views read.',
    settled    DateTime64(3, 'UTC') COMMENT 'No event before it enters journeys any more: the clock less the lateness of the rules.'
)
AS SELECT
    partition, position, clock, generation, settled
FROM {{database}}.frontier FINAL
WHERE generation = (SELECT argMax(generation, (switched_at, generation)) FROM {{database}}.generation)
COMMENT 'How far each partition of the log has come in the current generation: the figures of the other views are right at least up to there. One row a partition; a partition that was never written has none.';

CREATE VIEW IF NOT EXISTS {{database}}.opportunities_v {{on_cluster}}
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
    rules_version LowCardinality(String) COMMENT 'Rules it was judged under.',
    started_at    DateTime64(3, 'UTC')   COMMENT 'Time of the first step of the journey.',
    key_time      DateTime64(3, 'UTC')   COMMENT 'Time that the journey is stored under.'
)
AS SELECT
    journey_id, customer_id, kind, at, matures_at,
    if(splitByChar('.', toString(reason))[1] IN ('unknown', 'other'), '', splitByChar('.', toString(reason))[1]) AS reason_family,
    reason, silo, unit, channel, broken, rules_version, started_at, key_time
FROM (
    SELECT
        journey_id, customer_id, rules_version, started_at, key_time, `opportunities.kind` AS kinds, `opportunities.at` AS ats,
        `opportunities.matures_at` AS matures, `opportunities.reason` AS reasons, `opportunities.silo` AS silos,
        `opportunities.unit` AS units, `opportunities.channel` AS channels, `opportunities.broken` AS brokens
    FROM {{database}}.journeys_v
)
ARRAY JOIN
    kinds AS kind, ats AS at, matures AS matures_at, reasons AS reason, silos AS silo, units AS unit, channels AS channel,
    brokens AS broken
COMMENT 'Every chance that a kind of breakpoint had, broken or not: what its rate is out of. Those not yet mature are here too: rates_daily_v leaves them out. A filter on key_time or started_at reads only the journeys it needs.';

CREATE VIEW IF NOT EXISTS {{database}}.rates_daily_v {{on_cluster}}
(
    day           Date32                 COMMENT 'Day of the opportunities, UTC. Only days that end before matured_until are here.',
    kind          LowCardinality(String) COMMENT 'Which of the catalogue, as in breakpoint_kinds_v.',
    reason_family LowCardinality(String) COMMENT 'First token of the reason; empty when unknown.',
    silo          LowCardinality(String) COMMENT 'Silo that answers for them.',
    unit          LowCardinality(String) COMMENT 'Unit; empty when not known.',
    channel       LowCardinality(String) COMMENT 'Channel; empty when not given.',
    opportunities UInt64                 COMMENT 'How many chances of breaking there were.',
    broken        UInt64                 COMMENT 'How many of them broke.',
    rate          Float64                COMMENT 'broken / opportunities. Add the two up before you divide: rates of parts are no rate of the whole.',
    matured_until DateTime64(3, 'UTC')   COMMENT 'Up to when the kind may be drawn: no event before it can still enter journeys, and every opportunity before it is settled.'
)
AS SELECT
    day, kind, reason_family, silo, unit, channel, opportunities, broken, broken / opportunities AS rate, matured_until
FROM (
    SELECT
        day, kind, reason_family, silo, unit, channel, opportunities, broken,
        least(settled, ifNull(min(pending) OVER (PARTITION BY kind), settled)) AS matured_until
    FROM (
        SELECT
            toDate32(o.at) AS day, o.kind AS kind, o.reason_family AS reason_family, o.silo AS silo, o.unit AS unit, o.channel AS channel,
            count() AS opportunities, countIf(o.broken) AS broken, any(o.settled) AS settled,
            minIfOrNull(o.at, o.matures_at >= o.settled) AS pending
        FROM (
            SELECT
                at, kind, reason_family, silo, unit, channel, broken, matures_at,
                (SELECT min(settled) FROM {{database}}.frontier_v WHERE clock > '1900-01-01 00:00:00') AS settled
            FROM {{database}}.opportunities_v
        ) AS o
        GROUP BY day, kind, reason_family, silo, unit, channel
    )
)
WHERE toDateTime64(day + 1, 3, 'UTC') <= matured_until
COMMENT 'Rates of breakpoints out of their opportunities, by the day of the opportunity. Days that end after matured_until are not drawn: the earliest of settled of all partitions that have seen anything, and of the first opportunity of the kind that was not settled by then.';

CREATE VIEW IF NOT EXISTS {{database}}.rates_v {{on_cluster}}
(
    month         Date32                 COMMENT 'First day of the month of the opportunities, UTC.',
    kind          LowCardinality(String) COMMENT 'Which of the catalogue, as in breakpoint_kinds_v.',
    opportunities UInt64                 COMMENT 'How many chances of breaking there were, on the days that may be drawn.',
    broken        UInt64                 COMMENT 'How many of them broke.',
    rate          Float64                COMMENT 'broken / opportunities.',
    complete      Bool                   COMMENT 'true when the whole month ends before matured_until; else only its first days are counted.',
    matured_until DateTime64(3, 'UTC')   COMMENT 'Up to when the kind may be drawn.'
)
AS SELECT
    makeDate32(toYear(d.day), toMonth(d.day), 1) AS month, d.kind AS kind, sum(d.opportunities) AS opportunities, sum(d.broken) AS broken,
    broken / opportunities AS rate, CAST(toDateTime64(month + INTERVAL 1 MONTH, 3, 'UTC') <= matured_until, 'Bool') AS complete,
    any(d.matured_until) AS matured_until
FROM {{database}}.rates_daily_v AS d
GROUP BY month, kind
COMMENT 'Rates of breakpoints by kind and month of the opportunity, of the days that rates_daily_v draws.';

CREATE VIEW IF NOT EXISTS {{database}}.incident_reach_v {{on_cluster}}
(
    started_at   DateTime64(3, 'UTC')           COMMENT 'When the incident started.',
    ended_at     Nullable(DateTime64(3, 'UTC')) COMMENT 'When it ended: the next incident.ended of its case, or, where it names none, of its products; NULL while none came.',
    origin_event String                         COMMENT 'Source and id of its incident.started, a space between them: origin_event of its breakpoint in breakpoints_v.',
    case_id      String                         COMMENT 'Case of the incident; empty when none was given.',
    silo         LowCardinality(String)         COMMENT 'Silo that reported it; empty when not given.',
    unit         LowCardinality(String)         COMMENT 'Unit that reported it; empty when not given.',
    products     Array(LowCardinality(String))  COMMENT 'Products concerned. An incident that names none reaches nobody here.',
    places       Array(LowCardinality(String))  COMMENT 'Places concerned; empty for none named: then every place is.',
    customers    UInt64                         COMMENT 'Customers who made such a contact, unidentified ones left out.',
    contacts     UInt64                         COMMENT 'Inbound contacts with an event, while it lasted, that names one of the products and, where both name places, one of the places.'
)
AS SELECT
    i.started_at AS started_at, any(i.ended_at) AS ended_at, i.origin_event AS origin_event, any(i.case_id) AS case_id, any(i.silo) AS silo,
    any(i.unit) AS unit, any(i.products) AS products, any(i.places) AS places,
    uniqExactIf(c.customer_id, c.customer_id != '' AND c.contact != '') AS customers, uniqExactIf(c.contact, c.contact != '') AS contacts
FROM (
    SELECT
        time, customer_id, if(type = 'incident.started', '', place) AS place,
        multiIf(type = 'incident.started', '', contact_id != '', concat('contact ', contact_id), concat('event ', source, ' ', id)) AS contact,
        arrayJoin(if(type = 'incident.started', if(empty(products), [''], products), [product])) AS product
    FROM {{database}}.events_v
    WHERE type = 'incident.started'
        OR family IN ('contact', 'message') AND type != 'message.replied' AND direction IN ('', 'in') AND product != ''
) AS c
INNER JOIN (
    SELECT
        time AS started_at, ended_at, origin_event, case_id, silo, unit, products, places,
        arrayJoin(if(empty(products), [''], products)) AS product
    FROM (
        SELECT
            time, concat(source, ' ', id) AS origin_event, case_id, silo, unit, products, places, type,
            minIfOrNull(time, type = 'incident.ended') OVER (
                PARTITION BY if(case_id != '', concat('case ', case_id), concat('products ', arrayStringConcat(arraySort(products), ' ')))
                ORDER BY time, position ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) AS ended_at
        FROM {{database}}.events_v
        WHERE type IN ('incident.started', 'incident.ended')
    )
    WHERE type = 'incident.started'
) AS i ON c.product = i.product
WHERE c.time >= i.started_at AND (i.ended_at IS NULL OR c.time <= i.ended_at)
    AND (c.place = '' OR empty(i.places) OR has(i.places, c.place))
GROUP BY started_at, origin_event
COMMENT 'Each incident and whom it reached: customers who contacted the company about its products, in its places, while it lasted. Who stayed silent is not seen.';
