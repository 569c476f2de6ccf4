-- Where journeys flow: each step with the one before it, the graph that these transitions make, the paths that journeys
-- took, and what was done again. And which steps a breakpoint was charged for.
-- The step before is written by the fold: no view has to put steps in order.

ALTER TABLE {{database}}.journey_steps {{on_cluster}}
    ADD COLUMN IF NOT EXISTS from_activity LowCardinality(String) COMMENT 'Activity of the step before it in the journey; empty for the first one, and outside journeys.',
    ADD COLUMN IF NOT EXISTS from_channel LowCardinality(String) COMMENT 'Channel of the step before; empty where there is none, and when not given.',
    ADD COLUMN IF NOT EXISTS from_silo LowCardinality(String) COMMENT 'Silo of the step before; empty where there is none, and when not known.',
    ADD COLUMN IF NOT EXISTS delay_s Nullable(Float64) COMMENT 'Seconds since the step before; NULL where there is none.' CODEC(ZSTD(1));

ALTER TABLE {{database}}.breakpoints {{on_cluster}}
    ADD COLUMN IF NOT EXISTS charged Array(String) COMMENT 'Source and id, a space between them, of each step whose cost it is, in order of time; empty where nothing is charged.' CODEC(ZSTD(1));

CREATE OR REPLACE VIEW {{database}}.journey_steps_v {{on_cluster}}
(
    journey_id String                 COMMENT 'The journey it is a step of; empty for a visit.',
    step       UInt32                 COMMENT 'Its place in the journey, from 1; 0 for a visit.',
    time       DateTime64(3, 'UTC')   COMMENT 'When the step happened: the time of its event.',
    activity   LowCardinality(String) COMMENT 'Name of the step as in process mining: the activity given, else the type.',
    type       LowCardinality(String) COMMENT 'Type of its event.',
    channel    LowCardinality(String) COMMENT 'Channel; empty when not given.',
    silo       LowCardinality(String) COMMENT 'Silo that held the customer; empty when not known.',
    unit       LowCardinality(String) COMMENT 'Unit inside the silo; empty when not known.',
    contact_id String                 COMMENT 'The contact it belongs to; empty when none.',
    case_id    String                 COMMENT 'The case it belongs to; empty when none.',
    customer_id String                COMMENT 'Pseudonym of the customer; empty when unidentified.',
    reason     LowCardinality(String) COMMENT 'Reason of its contact; empty when none was stated.',
    cost       Float64                COMMENT 'Cost of the step in the currency of the rules; 0 when nothing was costed.',
    source     LowCardinality(String) COMMENT 'Source of its event.',
    event_id   String                 COMMENT 'Id of its event; (source, event_id) finds it in events_v.',
    from_activity LowCardinality(String) COMMENT 'Activity of the step before it in the journey; empty for the first one.',
    from_channel LowCardinality(String) COMMENT 'Channel of the step before; empty for the first one, and when not given.',
    from_silo  LowCardinality(String) COMMENT 'Silo of the step before; empty for the first one, and when not known.',
    delay_s    Nullable(Float64)      COMMENT 'Seconds since the step before; NULL for the first one.',
    position   UInt64                 COMMENT 'Position in the log (sequence in EVENTS) as of which this row is right; of one key the highest wins.'
)
AS SELECT
    journey_id, step, time, activity, type, channel, silo, unit, contact_id, case_id, customer_id, reason, cost, source,
    event_id, from_activity, from_channel, from_silo, delay_s, position
FROM {{database}}.journey_steps FINAL
WHERE generation = (SELECT argMax(generation, (switched_at, generation)) FROM {{database}}.generation) AND placement = 'journey'
COMMENT 'Steps of journeys as they stand now, each event at most once. Order them by (journey_id, step); each names the step before it. A filter on time reads only the months it needs.';

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
    charged        Array(String)          COMMENT 'Source and id, a space between them, of each step whose cost it is, in order of time; empty where nothing is charged. No step is charged twice, so the cost of the steps named adds up to cost.',
    position       UInt64                 COMMENT 'Position in the log (sequence in EVENTS) as of which this row is right; of one key the highest wins.'
)
AS SELECT
    breakpoint_id, kind, journey_id, customer_id, case_id, reason_family, reason, occurred_at, detected_at,
    opportunity_at, origin_step, origin_event, silo, unit, channel, severity, cost, evidence, rules_version,
    witness, charged, position
FROM {{database}}.breakpoints FINAL
WHERE generation = (SELECT argMax(generation, (switched_at, generation)) FROM {{database}}.generation)
COMMENT 'Breakpoints that hold now, each once: what was retracted is not here. Rates count by opportunity_at.';

CREATE OR REPLACE VIEW {{database}}.journey_transitions_v {{on_cluster}}
(
    journey_id    String                 COMMENT 'The journey.',
    customer_id   String                 COMMENT 'Pseudonym of the customer of the journey; empty when unidentified.',
    step          UInt32                 COMMENT 'Place of the step reached, from 1.',
    time          DateTime64(3, 'UTC')   COMMENT 'When that step happened.',
    month         Date32                 COMMENT 'First day of the month of time, UTC.',
    reason_family LowCardinality(String) COMMENT 'Reason family of the journey; empty when unknown.',
    from_activity LowCardinality(String) COMMENT 'Activity of the step before; empty where the journey starts.',
    from_channel  LowCardinality(String) COMMENT 'Channel of the step before; empty where the journey starts, and when not given.',
    from_silo     LowCardinality(String) COMMENT 'Silo of the step before; empty where the journey starts, and when not known.',
    to_activity   LowCardinality(String) COMMENT 'Activity of the step reached.',
    to_channel    LowCardinality(String) COMMENT 'Channel of the step reached; empty when not given.',
    to_silo       LowCardinality(String) COMMENT 'Silo of the step reached; empty when not known.',
    delay_s       Nullable(Float64)      COMMENT 'Seconds from one to the other; NULL where the journey starts.',
    last          Bool                   COMMENT 'true for the last step of the journey so far.',
    outcome       LowCardinality(String) COMMENT 'Outcome of the journey: open, resolved, unresolved or lost.',
    breakpoints   UInt64                 COMMENT 'How many breakpoints began at the step reached: it is their origin.'
)
AS SELECT
    s.journey_id AS journey_id, j.customer_id AS customer_id, s.step AS step, s.time AS time,
    dateTrunc('month', s.time) AS month, j.reason_family AS reason_family,
    s.from_activity AS from_activity, s.from_channel AS from_channel, s.from_silo AS from_silo,
    s.activity AS to_activity, s.channel AS to_channel, s.silo AS to_silo, s.delay_s AS delay_s,
    CAST(s.step = j.steps, 'Bool') AS last, j.outcome AS outcome, countEqual(j.origins, s.step) AS breakpoints
FROM {{database}}.journey_steps_v AS s
INNER JOIN (
    SELECT
        r.journey_id AS journey_id, r.customer_id AS customer_id, r.reason_family AS reason_family, r.steps AS steps, r.outcome AS outcome,
        b.origins AS origins
    FROM (SELECT journey_id, customer_id, reason_family, steps, outcome FROM {{database}}.journeys_v) AS r
    LEFT JOIN (
        SELECT journey_id, groupArray(origin_step) AS origins FROM {{database}}.breakpoints_v WHERE origin_step > 0 GROUP BY journey_id
    ) AS b ON b.journey_id = r.journey_id
) AS j ON j.journey_id = s.journey_id
COMMENT 'Each step of a journey with the one before it and what became of the journey: one row a step, so a journey of n steps has n - 1 transitions and one start (from_activity is empty). A filter on time reads only the steps of the months it needs.';

CREATE OR REPLACE VIEW {{database}}.journey_edges_v {{on_cluster}}
(
    month            Date32                 COMMENT 'First day of the month of the step reached, UTC.',
    reason_family    LowCardinality(String) COMMENT 'Reason family of the journeys; empty when unknown.',
    from_activity    LowCardinality(String) COMMENT 'Activity of the step before; empty where journeys start.',
    from_channel     LowCardinality(String) COMMENT 'Channel of the step before; empty where journeys start, and when not given.',
    from_silo        LowCardinality(String) COMMENT 'Silo of the step before; empty where journeys start, and when not known.',
    to_activity      LowCardinality(String) COMMENT 'Activity of the step reached.',
    to_channel       LowCardinality(String) COMMENT 'Channel of the step reached; empty when not given.',
    to_silo          LowCardinality(String) COMMENT 'Silo of the step reached; empty when not known.',
    frequency        UInt64                 COMMENT 'How often the one directly followed the other; of a start, how many journeys started so.',
    journeys         UInt64                 COMMENT 'In how many journeys. A journey may take several edges: do not add it up.',
    median_delay_s   Nullable(Float64)      COMMENT 'Median of the seconds from one to the other, linear interpolation (R type 7); NULL for a start.',
    p90_delay_s      Nullable(Float64)      COMMENT 'The 0.9 quantile of them, in the same way; NULL for a start.',
    ended            UInt64                 COMMENT 'How often the step reached was the last one of a journey that has ended.',
    dropped          UInt64                 COMMENT 'How many of these journeys ended unresolved or lost.',
    still_open       UInt64                 COMMENT 'How often the step reached is the last one so far of a journey that is open: it may still go on, and is neither in ended nor in dropped.',
    drop_out         Float64                COMMENT 'dropped / frequency. Add the two up before you divide.',
    low              Float64                COMMENT 'Lower end of its 95 % interval (Wilson), n = frequency.',
    high             Float64                COMMENT 'Upper end of its 95 % interval (Wilson), n = frequency.',
    breakpoints      UInt64                 COMMENT 'How many breakpoints began at the step reached: it is their origin.',
    breakpoint_share Float64                COMMENT 'breakpoints / all breakpoints that began at a step of that month in journeys of that reason family; they add up to 1. 0 where there are none.',
    complete         Bool                   COMMENT 'true when the month ends before matured_until and still_open is 0: drop_out changes only if a journey that has ended is reopened.',
    matured_until    DateTime64(3, 'UTC')   COMMENT 'No event before it enters journeys any more: the earliest of settled of all partitions that have seen anything.'
)
AS SELECT
    month, reason_family, from_activity, from_channel, from_silo, to_activity, to_channel, to_silo, frequency, journeys,
    median_delay_s, p90_delay_s, ended, dropped, still_open, dropped / frequency AS drop_out,
    greatest(0., (drop_out + z * z / (2 * frequency) - z * sqrt(drop_out * (1 - drop_out) / frequency + z * z / (4 * frequency * frequency))) / (1 + z * z / frequency)) AS low,
    least(1., (drop_out + z * z / (2 * frequency) + z * sqrt(drop_out * (1 - drop_out) / frequency + z * z / (4 * frequency * frequency))) / (1 + z * z / frequency)) AS high,
    breakpoints, if(began = 0, 0., breakpoints / began) AS breakpoint_share,
    CAST(still_open = 0 AND toDateTime64(month + INTERVAL 1 MONTH, 3, 'UTC') <= matured_until, 'Bool') AS complete,
    (SELECT min(settled) FROM {{database}}.frontier_v WHERE clock > '1900-01-01 00:00:00') AS matured_until
FROM (
    SELECT *, sum(breakpoints) OVER (PARTITION BY month, reason_family) AS began, 1.959963984540054 AS z
    FROM (
        SELECT
            t.month AS month, t.reason_family AS reason_family, t.from_activity AS from_activity, t.from_channel AS from_channel,
            t.from_silo AS from_silo, t.to_activity AS to_activity, t.to_channel AS to_channel, t.to_silo AS to_silo,
            count() AS frequency, uniqExact(t.journey_id) AS journeys,
            quantileExactInclusive(0.5)(t.delay_s) AS median_delay_s, quantileExactInclusive(0.9)(t.delay_s) AS p90_delay_s,
            countIf(t.last AND t.outcome != 'open') AS ended, countIf(t.last AND t.outcome IN ('unresolved', 'lost')) AS dropped,
            countIf(t.last AND t.outcome = 'open') AS still_open, sum(t.breakpoints) AS breakpoints
        FROM {{database}}.journey_transitions_v AS t
        GROUP BY month, reason_family, from_activity, from_channel, from_silo, to_activity, to_channel, to_silo
    )
)
COMMENT 'The directly-follows graph by month of the step reached, reason family, channel and silo: how often one step directly followed another in a journey, how long that took, and how often the journey failed there. Where from_activity is empty journeys start; frequency of all other rows adds up to the directly-follows transitions. Out of: every step of every journey, ended or not, nothing is left out; complete and matured_until say what may still change. Interval of drop_out, p = drop_out, n = frequency, z = 1.959963984540054: (p + z*z/2n ± z*sqrt(p(1-p)/n + z*z/4n*n)) / (1 + z*z/n).';

CREATE OR REPLACE VIEW {{database}}.variants_v {{on_cluster}}
(
    reason_family     LowCardinality(String) COMMENT 'Reason family of the journeys; empty when unknown.',
    variant           String                 COMMENT 'Their activities in order, each as often as it came.',
    journeys          UInt64                 COMMENT 'How many journeys took it.',
    share             Float64                COMMENT 'journeys / all journeys of the reason family.',
    variant_collapsed String                 COMMENT 'The same with runs of one activity written once.',
    steps             UInt32                 COMMENT 'How many steps it has.',
    rework            Nullable(UInt32)       COMMENT 'Rework events in each of these journeys: steps less distinct activities. NULL where an activity has the separator " > " in its name; rework_v counts those too.',
    median_duration_s Float64                COMMENT 'Median of the seconds from the first step to the last one so far, linear interpolation (R type 7).',
    mean_cost         Float64                COMMENT 'Mean cost to serve, in the currency of the rules.',
    mean_effort       Float64                COMMENT 'Mean effort, 0 to 100.',
    resolved          UInt64                 COMMENT 'How many of the journeys are resolved.',
    unresolved        UInt64                 COMMENT 'How many ended unresolved.',
    lost              UInt64                 COMMENT 'How many are lost.',
    still_open        UInt64                 COMMENT 'How many are open: they may still go on, and end as another variant.',
    breakpoints       UInt64                 COMMENT 'Breakpoints of all of them.',
    first_seen        DateTime64(3, 'UTC')   COMMENT 'When the first of them started.',
    last_seen         DateTime64(3, 'UTC')   COMMENT 'When the last of them started.'
)
AS SELECT
    reason_family, variant, journeys, journeys / sum(journeys) OVER (PARTITION BY reason_family) AS share, variant_collapsed, steps,
    if(length(splitByString(' > ', variant)) = steps, toNullable(toUInt32(steps - length(arrayDistinct(splitByString(' > ', variant))))), NULL) AS rework,
    median_duration_s, mean_cost, mean_effort, resolved, unresolved, lost, still_open, breakpoints, first_seen, last_seen
FROM (
    SELECT
        j.reason_family AS reason_family, j.variant AS variant, j.variant_collapsed AS variant_collapsed, j.steps AS steps, count() AS journeys,
        quantileExactInclusive(0.5)((toUnixTimestamp64Milli(j.last_event_at) - toUnixTimestamp64Milli(j.started_at)) / 1000) AS median_duration_s,
        avg(j.cost) AS mean_cost, avg(j.effort) AS mean_effort, countIf(j.outcome = 'resolved') AS resolved,
        countIf(j.outcome = 'unresolved') AS unresolved, countIf(j.outcome = 'lost') AS lost, countIf(j.outcome = 'open') AS still_open,
        sum(j.breakpoints) AS breakpoints, min(j.started_at) AS first_seen, max(j.started_at) AS last_seen
    FROM {{database}}.journeys_v AS j
    GROUP BY reason_family, variant, variant_collapsed, steps
)
COMMENT 'The paths that journeys took, by reason family: one row a variant (activities with multiplicity, in order). Every journey is in one row, open ones as far as they have come. ORDER BY journeys DESC for the most frequent.';

CREATE OR REPLACE VIEW {{database}}.rework_v {{on_cluster}}
(
    reason_family  LowCardinality(String) COMMENT 'Reason family of the journeys; empty when unknown.',
    activity       LowCardinality(String) COMMENT 'The activity.',
    silo           LowCardinality(String) COMMENT 'Silo of the steps counted; empty when not known.',
    events         UInt64                 COMMENT 'How many steps are that activity in that silo.',
    journeys       UInt64                 COMMENT 'How many journeys have one. One with the activity in two silos is in two rows: do not add it up.',
    journeys_again UInt64                 COMMENT 'In how many of these it came again in that silo, having been there before in any. Do not add it up.',
    share_again    Float64                COMMENT 'journeys_again / journeys.',
    low            Float64                COMMENT 'Lower end of its 95 % interval (Wilson), n = journeys.',
    high           Float64                COMMENT 'Upper end of its 95 % interval (Wilson), n = journeys.',
    rework         UInt64                 COMMENT 'Rework events: steps whose activity the journey had before, in a row or not. It is in_a_row + repeats + redos.',
    in_a_row       UInt64                 COMMENT 'How many of them directly follow a step of the same activity.',
    repeats        UInt64                 COMMENT 'How many of the others are by the unit that did it last (or by one that is not named), as in journeys_v.',
    redos          UInt64                 COMMENT 'How many of the others are by another unit than did it last, as in journeys_v.'
)
AS SELECT
    reason_family, activity, silo, events, journeys, journeys_again, journeys_again / journeys AS share_again,
    greatest(0., (share_again + z * z / (2 * journeys) - z * sqrt(share_again * (1 - share_again) / journeys + z * z / (4 * journeys * journeys))) / (1 + z * z / journeys)) AS low,
    least(1., (share_again + z * z / (2 * journeys) + z * sqrt(share_again * (1 - share_again) / journeys + z * z / (4 * journeys * journeys))) / (1 + z * z / journeys)) AS high,
    rework, in_a_row, rework - in_a_row - redos AS repeats, redos
FROM (
    SELECT
        j.reason_family AS reason_family, s.activity AS activity, s.silo AS silo, count() AS events, uniqExact(s.journey_id) AS journeys,
        uniqExactIf(s.journey_id, s.again) AS journeys_again, countIf(s.again) AS rework, countIf(s.again AND s.in_a_row) AS in_a_row,
        countIf(s.again AND NOT s.in_a_row AND s.unit != '' AND s.did_last != '' AND s.unit != s.did_last) AS redos,
        1.959963984540054 AS z
    FROM (
        SELECT
            journey_id, activity, silo, toString(unit) AS unit, from_activity = activity AS in_a_row, row_number() OVER before > 1 AS again,
            anyLastIf(toString(unit), unit != '') OVER (PARTITION BY journey_id, activity ORDER BY step ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS did_last
        FROM {{database}}.journey_steps_v
        WINDOW before AS (PARTITION BY journey_id, activity ORDER BY step)
    ) AS s
    INNER JOIN (SELECT journey_id, reason_family FROM {{database}}.journeys_v) AS j ON j.journey_id = s.journey_id
    GROUP BY reason_family, activity, silo
)
COMMENT 'What was done again, by reason family, activity and silo. A rework event is a step whose activity the journey had before, whether in a row or not: steps less distinct activities, journey by journey. Out of all steps of all journeys, open ones too. Interval as in journey_edges_v, p = share_again, n = journeys.';
