-- What makes screens answer at once with millions of journeys. A month that nothing was written to for an hour becomes one part: reading what
-- holds (FINAL) then costs no more than reading. Events are found by their type and by when they came, and late ones at once, without looking at
-- all of them. And three views that joined everything with everything say the same with less work.

ALTER TABLE {{database}}.events {{on_cluster}} MODIFY SETTING min_age_to_force_merge_seconds = 3600, min_age_to_force_merge_on_partition_only = 1;
ALTER TABLE {{database}}.journeys {{on_cluster}} MODIFY SETTING min_age_to_force_merge_seconds = 3600, min_age_to_force_merge_on_partition_only = 1;
ALTER TABLE {{database}}.journey_steps {{on_cluster}} MODIFY SETTING min_age_to_force_merge_seconds = 3600, min_age_to_force_merge_on_partition_only = 1;
ALTER TABLE {{database}}.breakpoints {{on_cluster}} MODIFY SETTING min_age_to_force_merge_seconds = 3600, min_age_to_force_merge_on_partition_only = 1;
ALTER TABLE {{database}}.aliases {{on_cluster}} MODIFY SETTING min_age_to_force_merge_seconds = 3600, min_age_to_force_merge_on_partition_only = 1;
ALTER TABLE {{database}}.churn_signals {{on_cluster}} MODIFY SETTING min_age_to_force_merge_seconds = 3600, min_age_to_force_merge_on_partition_only = 1;
ALTER TABLE {{database}}.churn_scores {{on_cluster}} MODIFY SETTING min_age_to_force_merge_seconds = 3600, min_age_to_force_merge_on_partition_only = 1;

ALTER TABLE {{database}}.events {{on_cluster}}
    ADD INDEX IF NOT EXISTS by_type type TYPE set(0) GRANULARITY 1,
    ADD INDEX IF NOT EXISTS by_seen_at seen_at TYPE minmax GRANULARITY 1;

ALTER TABLE {{database}}.events {{on_cluster}} MATERIALIZE INDEX by_type;

ALTER TABLE {{database}}.events {{on_cluster}} MATERIALIZE INDEX by_seen_at;

ALTER TABLE {{database}}.journey_steps {{on_cluster}}
    ADD INDEX IF NOT EXISTS by_placement placement TYPE set(0) GRANULARITY 1;

ALTER TABLE {{database}}.journey_steps {{on_cluster}} MATERIALIZE INDEX by_placement;

CREATE VIEW IF NOT EXISTS {{database}}.objectors_v {{on_cluster}}
(
    customer_id String COMMENT 'Pseudonym of a customer who objected to some purpose, and did not consent to it again: in no list and in no estimate.'
)
AS SELECT DISTINCT customer_id
FROM (
    SELECT customer_id, target, argMax(type, (time, type = 'customer.objected')) AS last
    FROM {{database}}.events_v
    WHERE type IN ('customer.objected', 'customer.consented') AND customer_id != ''
    GROUP BY customer_id, target
)
WHERE last = 'customer.objected'
COMMENT 'Who objected, as of now: lists that are read from a copy leave them out from the moment they did.';

-- A contact is held against the incidents of its week, in place of all incidents of its product.

CREATE OR REPLACE VIEW {{database}}.incident_reach_v {{on_cluster}}
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
        time, intDiv(toUnixTimestamp64Milli(time), 604800000) AS week, customer_id, if(type = 'incident.started', '', place) AS place,
        multiIf(type = 'incident.started', '', contact_id != '', concat('contact ', contact_id), concat('event ', source, ' ', id)) AS contact,
        arrayJoin(if(type = 'incident.started', if(empty(products), [''], products), [product])) AS product
    FROM {{database}}.events_v
    WHERE type = 'incident.started'
        OR family IN ('contact', 'message') AND type != 'message.replied' AND direction IN ('', 'in') AND product != ''
) AS c
INNER JOIN (
    SELECT
        time AS started_at, ended_at, origin_event, case_id, silo, unit, products, places,
        arrayJoin(if(empty(products), [''], products)) AS product,
        arrayJoin(range(intDiv(toUnixTimestamp64Milli(time), 604800000), intDiv(toUnixTimestamp64Milli(ifNull(ended_at, (SELECT max(time) FROM {{database}}.events))), 604800000) + 1)) AS week
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
) AS i ON c.product = i.product AND c.week = i.week
WHERE c.time >= i.started_at AND (i.ended_at IS NULL OR c.time <= i.ended_at)
    AND (c.place = '' OR empty(i.places) OR has(i.places, c.place))
GROUP BY started_at, origin_event
COMMENT 'Each incident and whom it reached: customers who contacted the company about its products, in its places, while it lasted. Who stayed silent is not seen.';

CREATE OR REPLACE VIEW {{database}}.incident_customers_v {{on_cluster}}
(
    origin_event  String               COMMENT 'Source and id of the incident.started, a space between them, as in incident_reach_v.',
    customer_id   String               COMMENT 'Pseudonym of a customer whom it reached.',
    met_at        DateTime64(3, 'UTC') COMMENT 'The first contact about it: when it broke for this customer.',
    detected_at   DateTime64(3, 'UTC') COMMENT 'When its breakpoint could be known.',
    reason_family String               COMMENT 'Of its breakpoint; empty when unknown.',
    reason        String               COMMENT 'Of its breakpoint; empty when none was stated.'
)
AS SELECT
    i.origin_event AS origin_event, c.customer_id AS customer_id, min(c.time) AS met_at, any(p.detected_at) AS detected_at,
    any(p.reason_family) AS reason_family, any(p.reason) AS reason
FROM (
    SELECT time, intDiv(toUnixTimestamp64Milli(time), 604800000) AS week, customer_id, place, toString(product) AS product
    FROM {{database}}.events_v
    WHERE family IN ('contact', 'message') AND type != 'message.replied' AND direction IN ('', 'in') AND product != '' AND customer_id != ''
) AS c
INNER JOIN (
    SELECT
        origin_event, started_at, ended_at, places, toString(arrayJoin(products)) AS product,
        arrayJoin(range(intDiv(toUnixTimestamp64Milli(started_at), 604800000), intDiv(toUnixTimestamp64Milli(ifNull(ended_at, (SELECT max(time) FROM {{database}}.events))), 604800000) + 1)) AS week
    FROM {{database}}.incident_reach_v
) AS i ON i.product = c.product AND i.week = c.week
INNER JOIN (
    SELECT origin_event, detected_at, toString(reason_family) AS reason_family, toString(reason) AS reason
    FROM {{database}}.breakpoints_v WHERE kind = 'core_failure' AND customer_id = ''
) AS p ON p.origin_event = i.origin_event
WHERE c.time >= i.started_at AND (i.ended_at IS NULL OR c.time <= i.ended_at) AND (c.place = '' OR empty(i.places) OR has(i.places, c.place))
GROUP BY origin_event, customer_id
COMMENT 'The customers whom incidents reached, each once an incident: those that incident_reach_v counts. The breakpoint of an incident has no customer; these are its customers.';

-- The late events are few: they are looked up, in place of looking up every event among them.

CREATE OR REPLACE VIEW {{database}}.lateness_v {{on_cluster}}
(
    day             Date32                 COMMENT 'Day (UTC) on which the log stored them.',
    source          LowCardinality(String) COMMENT 'Source of the events.',
    events          UInt64                 COMMENT 'Events of the source stored on the day.',
    late            UInt64                 COMMENT 'Of them, those too late for journeys.',
    median_days     Nullable(Float64)      COMMENT 'Of the late ones, median days from when they happened until they were stored; NULL for none.',
    longest_days    Nullable(Float64)      COMMENT 'The longest of these.'
)
AS SELECT
    e.day AS day, e.source AS source, e.events AS events, l.late AS late, if(l.late > 0, l.median, NULL) AS median_days, if(l.late > 0, l.longest, NULL) AS longest_days
FROM (
    SELECT toDate32(seen_at) AS day, source, count() AS events FROM {{database}}.events_v GROUP BY day, source
) AS e
LEFT JOIN (
    SELECT
        toDate32(seen_at) AS day, source, count() AS late, quantile(0.5)(dateDiff('second', time, seen_at) / 86400) AS median, max(dateDiff('second', time, seen_at) / 86400) AS longest
    FROM {{database}}.events_v
    WHERE (time, source, id) IN (SELECT time, source, event_id FROM {{database}}.late_v)
    GROUP BY day, source
) AS l ON l.day = e.day AND l.source = e.source
COMMENT 'How much came too late for journeys, from whom and by how much. Late is behind the clock of the partition by more than the rules allow, not behind the time of day.';
