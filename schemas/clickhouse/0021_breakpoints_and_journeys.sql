-- What the dashboards of breakpoints and journeys read: breakpoints and rates with the segment of the customer beside them, where in
-- the journey it broke and which silo came next, rates around an action, and journeys by day, path and flow.

CREATE VIEW IF NOT EXISTS {{database}}.customer_segments_v {{on_cluster}}
(
    customer_id String                 COMMENT 'Pseudonym of a customer of whose contracts, or rights, something was said. The segment of all others is that of no_contract_segment_v.',
    segment     LowCardinality(String) COMMENT 'First of the rules\' segments that fits their last contract, as in customers_v; else standard. Never empty.',
    captive     Bool                   COMMENT 'Of the last contract.started: true for a customer who cannot leave.'
)
AS SELECT
    customer_id,
    ifNull(nullIf(arrayFirst(g -> (g.2 IS NULL OR ifNull(g.2 = starts[-1].4, false)) AND (g.3 = '' OR g.3 = starts[-1].2) AND (g.4 IS NULL OR ifNull(starts[-1].3 >= g.4, false)),
        (SELECT segments FROM {{database}}.ranking_rules_v)).1, ''), 'standard') AS segment,
    starts[-1].4 AS captive
FROM {{database}}.contracts_v
COMMENT 'The segment of each customer as their contracts stand now, out of contracts_v alone: the same as in customers_v, which looks through all events.';

CREATE VIEW IF NOT EXISTS {{database}}.no_contract_segment_v {{on_cluster}}
(
    segment LowCardinality(String) COMMENT 'First of the rules\' segments that asks for nothing, or for customers who may leave; else standard.'
)
AS SELECT ifNull(nullIf(arrayFirst(g -> (g.2 IS NULL OR ifNull(g.2 = false, false)) AND g.3 = '' AND g.4 IS NULL, segments).1, ''), 'standard') AS segment
FROM {{database}}.ranking_rules_v
COMMENT 'The segment of identified customers of whose contracts nothing was said. One row.';

CREATE VIEW IF NOT EXISTS {{database}}.breakpoint_cells_v {{on_cluster}}
(
    day                    Date32                 COMMENT 'Day of the opportunities, UTC.',
    kind                   LowCardinality(String) COMMENT 'Kind of breakpoint, as in breakpoint_kinds_v.',
    reason_family          LowCardinality(String) COMMENT 'First token of the reason; empty when unknown.',
    silo                   LowCardinality(String) COMMENT 'Silo that owns the origin.',
    unit                   LowCardinality(String) COMMENT 'Unit that owns the origin; empty when not known.',
    channel                LowCardinality(String) COMMENT 'Channel of the origin; empty when not given.',
    segment                LowCardinality(String) COMMENT 'Segment of the customer as they stand now; empty for the unidentified and for incidents.',
    witness                Bool                   COMMENT 'true for a kind that carries no cost.',
    severity               UInt8                  COMMENT 'The highest, 1 to 5.',
    breakpoints            UInt64                 COMMENT 'How many of them hold. May be added up.',
    charged                UInt64                 COMMENT 'Of these, those with an avoidable cost. May be added up.',
    cost                   Float64                COMMENT 'Their avoidable cost. May be added up.',
    currency               LowCardinality(String) COMMENT 'Of cost (ISO 4217).',
    illustrative           Bool                   COMMENT 'true until finance has filled the hourly rates: cost must be shown as illustrative.',
    customers              Array(String)          COMMENT 'Pseudonyms of the identified customers touched, each once. Of several rows: uniqExactArray(customers).',
    captive_customers      Array(String)          COMMENT 'Of customers, those who cannot leave.',
    unidentified           UInt64                 COMMENT 'Breakpoints of unidentified customers: how many people these are is not known.',
    reached                UInt64                 COMMENT 'Customers whom incidents reached (incident_reach_v), incident by incident; 0 for all else.',
    trend_month            Nullable(Date32)       COMMENT 'The last month of which the kind is complete: the trend is that month against the one before, of all customers. The same in every row of kind and reason family; NULL where they did not break in it.',
    trend_of               LowCardinality(String) COMMENT 'reason: the trend is of kind and reason family; kind: of the kind, because the rate of the family does not count these breakpoints (rate_fits of ranking_v). Empty where there is none.',
    trend                  Nullable(Float64)      COMMENT 'Rate of that month less that of the month before; NULL where withheld.',
    trend_low              Nullable(Float64)      COMMENT 'Lower end of its 95 % interval (Newcombe), as in ranking_v.',
    trend_high             Nullable(Float64)      COMMENT 'Upper end.',
    trend_exceeds_noise    Bool                   COMMENT 'true when that interval leaves out 0: else there is no trend to show.',
    trend_withheld         LowCardinality(String) COMMENT 'Why there is no trend: nothing to compare with, or rules changed; empty where there is one.',
    associated_says        LowCardinality(String) COMMENT 'Of the loss associated with kind and reason family (associated_loss_v, all of history): estimated, too few to say, or empty where there is none.',
    risk_ratio             Nullable(Float64)      COMMENT 'shrunk of associated_loss_v: associated with, never caused by.',
    risk_ratio_low         Nullable(Float64)      COMMENT 'Lower end of its interval.',
    risk_ratio_high        Nullable(Float64)      COMMENT 'Upper end.'
)
AS SELECT
    b.day AS day, b.kind AS kind, b.reason_family AS reason_family, b.silo AS silo, b.unit AS unit, b.channel AS channel, b.segment AS segment,
    b.witness AS witness, b.severity AS severity, b.breakpoints AS breakpoints, b.charged AS charged, b.cost AS cost,
    assumeNotNull((SELECT currency FROM {{database}}.ranking_rules_v)) AS currency, assumeNotNull((SELECT illustrative FROM {{database}}.ranking_rules_v)) AS illustrative,
    b.customers AS customers, b.captive_customers AS captive_customers, b.unidentified AS unidentified, b.reached AS reached,
    t.trend_month AS trend_month, t.of AS trend_of, t.moved.1 AS trend, t.moved.2 AS trend_low, t.moved.3 AS trend_high, t.exceeds AS trend_exceeds_noise, t.why AS trend_withheld,
    a.says AS associated_says, a.shrunk AS risk_ratio, a.shrunk_low AS risk_ratio_low, a.shrunk_high AS risk_ratio_high
FROM (
    SELECT
        toDate32(p.opportunity_at) AS day, toString(p.kind) AS kind, toString(p.reason_family) AS reason_family, toString(p.silo) AS silo, toString(p.unit) AS unit, toString(p.channel) AS channel,
        multiIf(p.customer_id = '', '', c.customer_id = '', assumeNotNull((SELECT toString(segment) FROM {{database}}.no_contract_segment_v)), toString(c.segment)) AS segment,
        any(p.witness) AS witness, max(p.severity) AS severity, count() AS breakpoints, countIf(p.cost > 0) AS charged, sum(p.cost) AS cost,
        arraySort(groupUniqArrayIf(p.customer_id, p.customer_id != '')) AS customers, arraySort(groupUniqArrayIf(p.customer_id, c.captive AND p.customer_id != '')) AS captive_customers,
        countIf(p.customer_id = '' AND p.journey_id != '') AS unidentified, sum(i.customers) AS reached
    FROM {{database}}.breakpoints_v AS p
    LEFT JOIN {{database}}.customer_segments_v AS c ON c.customer_id = p.customer_id
    LEFT JOIN (SELECT origin_event, 'core_failure' AS kind, customers FROM {{database}}.incident_reach_v) AS i ON i.origin_event = p.origin_event AND i.kind = p.kind
    GROUP BY day, kind, reason_family, silo, unit, channel, segment
) AS b
LEFT JOIN (
    SELECT
        kind, reason_family, any(toNullable(month)) AS trend_month, if(any(rate_fits), 'reason', 'kind') AS of,
        if(any(rate_fits), any((change, change_low, change_high)), any((kind_change, kind_change_low, kind_change_high))) AS moved,
        if(any(rate_fits), any(exceeds_noise), any(kind_exceeds_noise)) AS exceeds, if(any(rate_fits), any(withheld), any(kind_withheld)) AS why
    FROM (
        SELECT *, max(month) OVER (PARTITION BY kind) AS last FROM (
            SELECT
                month, toString(kind) AS kind, toString(reason_family) AS reason_family, rate_fits, change, change_low, change_high, exceeds_noise, withheld,
                kind_change, kind_change_low, kind_change_high, kind_exceeds_noise, kind_withheld
            FROM {{database}}.ranking_v
            WHERE complete
        )
    )
    WHERE month = last
    GROUP BY kind, reason_family
) AS t ON t.kind = b.kind AND t.reason_family = b.reason_family
LEFT JOIN {{database}}.associated_loss_v AS a ON a.kind = b.kind AND a.reason_family = b.reason_family
COMMENT 'What broke, by the day of its opportunity and by all that dashboards filter on: one row a day, kind, reason family, owning silo, unit, channel and segment. Counts every breakpoint that holds now, those of days that may not be drawn yet too. breakpoints, charged and cost over all rows are those of breakpoints_v. Beside them, what ranking_v says of the trend of kind and reason family, and associated_loss_v of the losses that go with them.';

CREATE VIEW IF NOT EXISTS {{database}}.breakpoint_places_v {{on_cluster}}
(
    breakpoint_id    String                 COMMENT 'Id of the breakpoint.',
    kind             LowCardinality(String) COMMENT 'Which of the catalogue, as in breakpoint_kinds_v.',
    occurred_at      DateTime64(3, 'UTC')   COMMENT 'When it broke.',
    detected_at      DateTime64(3, 'UTC')   COMMENT 'Event time at which it could be known.',
    opportunity_at   DateTime64(3, 'UTC')   COMMENT 'The date by which rates and breakpoint_cells_v count it.',
    reason_family    LowCardinality(String) COMMENT 'First token of the reason; empty when unknown.',
    reason           LowCardinality(String) COMMENT 'Reason; empty when none was stated.',
    segment          LowCardinality(String) COMMENT 'Segment of the customer as they stand now; empty for the unidentified and for incidents.',
    silo             LowCardinality(String) COMMENT 'Silo that owns the origin: where it broke.',
    unit             LowCardinality(String) COMMENT 'Unit that owns the origin; empty when not known.',
    channel          LowCardinality(String) COMMENT 'Channel of the origin; empty when not given.',
    to_silo          LowCardinality(String) COMMENT 'The next other silo that held the customer in the journey after the origin; empty where no other came, and where no step is named.',
    activity         LowCardinality(String) COMMENT 'Activity of the origin step; empty when no step is named.',
    step             UInt32                 COMMENT 'Place of the origin step in the journey, from 1; 0 when no step is named.',
    place            LowCardinality(String) COMMENT 'first: the origin is the first step of the journey; last: its last one so far; middle: one between; empty when no step is named. A journey of one step is first.',
    severity         UInt8                  COMMENT '1 to 5, as in breakpoints_v.',
    witness          Bool                   COMMENT 'true for a kind that carries no cost.',
    cost             Float64                COMMENT 'Avoidable cost charged to it, in the currency of the rules.',
    illustrative     Bool                   COMMENT 'true until finance has filled the hourly rates: cost must be shown as illustrative.',
    evidence         Array(String)          COMMENT 'Ids of the events that show it.',
    rules_version    LowCardinality(String) COMMENT 'Rules it was found under.',
    journey_id       String                 COMMENT 'The journey that broke; empty for an incident with a reach.',
    journey_from     Nullable(DateTime64(3, 'UTC')) COMMENT 'First step of that journey; NULL for an incident.',
    journey_until    Nullable(DateTime64(3, 'UTC')) COMMENT 'Its last step so far.'
)
AS SELECT
    p.breakpoint_id AS breakpoint_id, p.kind AS kind, p.occurred_at AS occurred_at, p.detected_at AS detected_at, p.opportunity_at AS opportunity_at,
    p.reason_family AS reason_family, p.reason AS reason,
    multiIf(p.customer_id = '', '', c.customer_id = '', assumeNotNull((SELECT toString(segment) FROM {{database}}.no_contract_segment_v)), toString(c.segment)) AS segment,
    p.silo AS silo, p.unit AS unit, p.channel AS channel,
    if(p.origin_step = 0, '', arrayFirst(x -> x.1 > p.origin_step AND x.3 != '' AND x.3 != toString(p.silo), j.path).3) AS to_silo,
    if(p.origin_step = 0, '', arrayFirst(x -> x.1 = p.origin_step, j.path).2) AS activity,
    p.origin_step AS step, multiIf(p.origin_step = 0, '', p.origin_step = 1, 'first', p.origin_step = j.path[-1].1, 'last', 'middle') AS place,
    p.severity AS severity, p.witness AS witness, p.cost AS cost,
    assumeNotNull((SELECT illustrative FROM {{database}}.ranking_rules_v)) AS illustrative, p.evidence AS evidence, p.rules_version AS rules_version,
    p.journey_id AS journey_id, if(j.journey_id = '', NULL, j.journey_from) AS journey_from, if(j.journey_id = '', NULL, j.journey_until) AS journey_until
FROM {{database}}.breakpoints_v AS p
LEFT JOIN {{database}}.customer_segments_v AS c ON c.customer_id = p.customer_id
LEFT JOIN (
    SELECT journey_id, min(time) AS journey_from, max(time) AS journey_until, arraySort(groupArray((step, toString(activity), toString(silo)))) AS path
    FROM {{database}}.journey_steps_v
    WHERE journey_id IN (SELECT journey_id FROM {{database}}.breakpoints_v WHERE journey_id != '')
    GROUP BY journey_id
) AS j ON j.journey_id = p.journey_id
COMMENT 'Each breakpoint with its place: the step where it began, the silo that owns it and the one that came next, the segment of the customer and the evidence. One row a breakpoint that holds now: the same that breakpoint_cells_v counts.';

CREATE VIEW IF NOT EXISTS {{database}}.segment_rates_daily_v {{on_cluster}}
(
    day           Date32                 COMMENT 'Day of the opportunities, UTC. Only days that end before matured_until are here.',
    kind          LowCardinality(String) COMMENT 'Which of the catalogue, as in breakpoint_kinds_v.',
    reason_family LowCardinality(String) COMMENT 'First token of the reason; empty when it was not known in time.',
    silo          LowCardinality(String) COMMENT 'Silo that answers for them.',
    unit          LowCardinality(String) COMMENT 'Unit; empty when not known.',
    channel       LowCardinality(String) COMMENT 'Channel; empty when not given.',
    segment       LowCardinality(String) COMMENT 'Segment of the customer as they stand now; empty for the unidentified.',
    opportunities UInt64                 COMMENT 'How many chances of breaking there were: n.',
    broken        UInt64                 COMMENT 'How many of them broke. Add the two up before you divide.',
    matured_until DateTime64(3, 'UTC')   COMMENT 'Up to when the kind may be drawn, as in rates_daily_v: the same for every segment.'
)
AS SELECT day, kind, reason_family, silo, unit, channel, segment, opportunities, broken, matured_until
FROM (
    SELECT *, least(settled, ifNull(min(pending) OVER (PARTITION BY kind), settled)) AS matured_until
    FROM (
        SELECT
            toDate32(o.at) AS day, o.kind AS kind, o.reason_family AS reason_family, o.silo AS silo, o.unit AS unit, o.channel AS channel,
            multiIf(o.customer_id = '', '', c.customer_id = '', assumeNotNull((SELECT toString(segment) FROM {{database}}.no_contract_segment_v)), toString(c.segment)) AS segment,
            count() AS opportunities, countIf(o.broken) AS broken, any(o.settled) AS settled, minIfOrNull(o.at, o.matures_at >= o.settled) AS pending
        FROM (
            SELECT
                at, kind, reason_family, silo, unit, channel, broken, matures_at, customer_id,
                (SELECT min(settled) FROM {{database}}.frontier_v WHERE clock > '1900-01-01 00:00:00') AS settled
            FROM {{database}}.opportunities_v
        ) AS o
        LEFT JOIN {{database}}.customer_segments_v AS c ON c.customer_id = o.customer_id
        GROUP BY day, kind, reason_family, silo, unit, channel, segment
    )
)
WHERE toDateTime64(day + 1, 3, 'UTC') <= matured_until
COMMENT 'The counts of rates_daily_v with the segment of the customer beside them: added up over segments, they are those. No interval: that is of the sums that are shown.';

CREATE VIEW IF NOT EXISTS {{database}}.action_rates_v {{on_cluster}}
(
    action          String                 COMMENT 'Source and id of the action.launched, a space between them.',
    launched_at     DateTime64(3, 'UTC')   COMMENT 'When it was launched.',
    name            String                 COMMENT 'What it was: its activity, else its subject, else its id.',
    days            UInt16                 COMMENT 'Length of each of the two periods, in days: 14, 28 or 90. The day (UTC) of the action is in neither.',
    scope           LowCardinality(String) COMMENT 'all: the whole company; reason_family, silo, unit or channel: only that which the action itself names.',
    named           LowCardinality(String) COMMENT 'Which family, silo, unit or channel; empty for all.',
    kind            LowCardinality(String) COMMENT 'Kind of breakpoint. Only kinds that had an opportunity in one of the two periods, on a day that may be drawn.',
    before_n        UInt64                 COMMENT 'Opportunities of the days before.',
    before_broken   UInt64                 COMMENT 'How many of them broke.',
    before_rate     Nullable(Float64)      COMMENT 'before_broken / before_n; NULL out of nothing.',
    after_n         UInt64                 COMMENT 'Opportunities of the days after, of those that may be drawn.',
    after_broken    UInt64                 COMMENT 'How many of them broke.',
    after_rate      Nullable(Float64)      COMMENT 'after_broken / after_n; NULL out of nothing.',
    complete        Bool                   COMMENT 'true when all days after may be drawn for the kind.',
    difference      Nullable(Float64)      COMMENT 'after_rate - before_rate; NULL where withheld.',
    difference_low  Nullable(Float64)      COMMENT 'Lower end of its 95 % interval, by Newcombe (1998, method 10): difference - sqrt((after_rate - low)^2 + (high_before - before_rate)^2), of two Wilson intervals.',
    difference_high Nullable(Float64)      COMMENT 'Upper end: difference + sqrt((high - after_rate)^2 + (before_rate - low_before)^2).',
    exceeds_noise   Bool                   COMMENT 'true when that interval leaves out 0. No proof that the action did it.',
    withheld        LowCardinality(String) COMMENT 'Why there is no difference: nothing to compare with (no opportunity in one of the two); not complete; rules changed (other rules judge since a moment within the two periods). Empty where there is one.'
)
AS WITH
    (x, n) -> (x / n + 1.9207294103470385 / n) / (1 + 3.841458820694077 / n) AS middle,
    (x, n) -> 1.959963984540054 * sqrt(x / n * (1 - x / n) / n + 0.9603647051735192 / (n * n)) / (1 + 3.841458820694077 / n) AS half,
    (x, n) -> if(x = 0, 0, middle(x, n) - half(x, n)) AS low_of,
    (x, n) -> if(x = n, 1, middle(x, n) + half(x, n)) AS high_of
SELECT
    action, launched_at, name, days, scope, named, kind, before_n, before_broken, if(before_n > 0, before_broken / before_n, NULL) AS before_rate,
    after_n, after_broken, if(after_n > 0, after_broken / after_n, NULL) AS after_rate, complete,
    if(withheld = '', after_rate - before_rate, NULL) AS difference,
    difference - sqrt(pow(after_rate - low_of(after_broken, after_n), 2) + pow(high_of(before_broken, before_n) - before_rate, 2)) AS difference_low,
    difference + sqrt(pow(high_of(after_broken, after_n) - after_rate, 2) + pow(before_rate - low_of(before_broken, before_n), 2)) AS difference_high,
    CAST(ifNull(difference_low > 0 OR difference_high < 0, false), 'Bool') AS exceeds_noise,
    multiIf(before_n = 0 OR after_n = 0, 'nothing to compare with', NOT complete, 'not complete', rules_changed, 'rules changed', '') AS withheld
FROM (
    SELECT
        a.action AS action, a.launched_at AS launched_at, a.name AS name, a.days AS days, a.scope AS scope, a.named AS named, d.kind AS kind,
        sumIf(d.opportunities, d.day < a.day) AS before_n, sumIf(d.broken, d.day < a.day) AS before_broken,
        sumIf(d.opportunities, d.day > a.day) AS after_n, sumIf(d.broken, d.day > a.day) AS after_broken,
        CAST(toDateTime64(addDays(any(a.day), any(a.days) + 1), 3, 'UTC') <= any(d.matured_until), 'Bool') AS complete,
        arrayExists(t -> toDate32(t) > addDays(any(a.day), -toInt32(any(a.days))) AND toDate32(t) <= addDays(any(a.day), any(a.days)),
            (SELECT groupArray(effective_from) FROM {{database}}.rule_changes_v WHERE judges_changed)) AS rules_changed
    FROM (
        SELECT action, launched_at, toDate32(launched_at) AS day, name, days, s.1 AS scope, s.2 AS named
        FROM (
            SELECT
                concat(source, ' ', id) AS action, time AS launched_at, multiIf(activity != type, toString(activity), subject != '', subject, id) AS name,
                [('all', ''), ('reason_family', toString(reason_family)), ('silo', toString(silo)), ('unit', toString(unit)), ('channel', toString(channel))] AS scopes
            FROM {{database}}.events_v
            WHERE type = 'action.launched'
        )
        ARRAY JOIN scopes AS s
        ARRAY JOIN [toUInt16(14), 28, 90] AS days
        WHERE s.1 = 'all' OR s.2 != ''
    ) AS a
    INNER JOIN (
        SELECT day, kind, s.1 AS scope, s.2 AS named, sum(opportunities) AS opportunities, sum(broken) AS broken, any(matured_until) AS matured_until
        FROM (
            SELECT
                day, toString(kind) AS kind, opportunities, broken, matured_until,
                [('all', ''), ('reason_family', toString(reason_family)), ('silo', toString(silo)), ('unit', toString(unit)), ('channel', toString(channel))] AS scopes
            FROM {{database}}.rates_daily_v
        )
        ARRAY JOIN scopes AS s
        GROUP BY day, kind, scope, named
    ) AS d ON d.scope = a.scope AND d.named = a.named
    WHERE d.day >= addDays(a.day, -toInt32(a.days)) AND d.day <= addDays(a.day, a.days) AND d.day != a.day
    GROUP BY action, launched_at, name, days, scope, named, kind
)
COMMENT 'Rates before and after each action that was launched, of the whole company and of what the action names: a comparison, and no proof of cause, since other things change too. Counts are those of rates_daily_v, by the day of the opportunity. Intervals by Wilson (1927) and Newcombe (1998).';

CREATE VIEW IF NOT EXISTS {{database}}.journeys_listed_v {{on_cluster}}
(
    journey_id         String                         COMMENT 'Id of the journey.',
    started_at         DateTime64(3, 'UTC')           COMMENT 'Time of its first step.',
    last_event_at      DateTime64(3, 'UTC')           COMMENT 'Time of its last step so far.',
    ended_at           Nullable(DateTime64(3, 'UTC')) COMMENT 'When it ended; NULL while it is open.',
    reason_family      LowCardinality(String)         COMMENT 'First token of its reason; empty when unknown.',
    reason             LowCardinality(String)         COMMENT 'The last reason stated; empty when none was.',
    segment            LowCardinality(String)         COMMENT 'Segment of the customer as they stand now; empty for the unidentified.',
    channel            LowCardinality(String)         COMMENT 'The first channel that it touched; empty when none was given.',
    silo               LowCardinality(String)         COMMENT 'The first silo that it touched; empty when none was given.',
    unit               LowCardinality(String)         COMMENT 'Unit of its first step that names one; empty when none does.',
    channels           Array(String)                  COMMENT 'All channels it touched, in order.',
    silos              Array(String)                  COMMENT 'All silos it touched, in order.',
    outcome            LowCardinality(String)         COMMENT 'open, resolved, unresolved or lost.',
    variant_collapsed  String                         COMMENT 'Its activities in order, runs of one activity written once.',
    steps              UInt32                         COMMENT 'How many steps it has.',
    contacts           UInt32                         COMMENT 'How many contacts it has.',
    silo_handoffs      UInt32                         COMMENT 'How often the silo changed.',
    breakpoints        UInt32                         COMMENT 'How many breakpoints it has.',
    cost               Float64                        COMMENT 'Cost to serve, in the currency of the rules.',
    illustrative       Bool                           COMMENT 'true until finance has filled the hourly rates: cost must be shown as illustrative.',
    effort             Float64                        COMMENT 'Effort index, 0 to 100.',
    working_s          Float64                        COMMENT 'Seconds that the company worked on it.',
    queue_wait_s       Float64                        COMMENT 'Seconds that its contacts waited in queues; part of waiting_company_s where nobody else was waited for.',
    waiting_customer_s Float64                        COMMENT 'Elapsed seconds in which a case waited on the customer. The three waiting times never overlap.',
    waiting_partner_s  Float64                        COMMENT 'Elapsed seconds in which a case waited on a partner.',
    waiting_company_s  Float64                        COMMENT 'Elapsed seconds in which the company owed something or the customer was in a queue.'
)
AS SELECT
    j.journey_id AS journey_id, j.started_at AS started_at, j.last_event_at AS last_event_at, j.ended_at AS ended_at, j.reason_family AS reason_family, j.reason AS reason,
    multiIf(j.customer_id = '', '', c.customer_id = '', assumeNotNull((SELECT toString(segment) FROM {{database}}.no_contract_segment_v)), toString(c.segment)) AS segment,
    j.channels[1] AS channel, j.silos[1] AS silo, j.first_unit AS unit, j.channels AS channels, j.silos AS silos, j.outcome AS outcome, j.variant_collapsed AS variant_collapsed,
    j.steps AS steps, j.contacts AS contacts, j.silo_handoffs AS silo_handoffs, j.breakpoints AS breakpoints, j.cost AS cost,
    assumeNotNull((SELECT illustrative FROM {{database}}.ranking_rules_v)) AS illustrative, j.effort AS effort, j.working_s AS working_s,
    j.queue_wait_s AS queue_wait_s, j.waiting_customer_s AS waiting_customer_s, j.waiting_partner_s AS waiting_partner_s, j.waiting_company_s AS waiting_company_s
FROM {{database}}.journeys_v AS j
LEFT JOIN {{database}}.customer_segments_v AS c ON c.customer_id = j.customer_id
COMMENT 'Journeys as they stand now with the segment of their customer, to be listed and filtered: one row a journey, open ones too, and no pseudonym of a customer. A filter on started_at reads only the journeys it needs.';

CREATE VIEW IF NOT EXISTS {{database}}.journey_cells_v {{on_cluster}}
(
    day                Date32                 COMMENT 'Day on which the journeys started, UTC.',
    reason_family      LowCardinality(String) COMMENT 'Reason family of the journeys; empty when unknown.',
    segment            LowCardinality(String) COMMENT 'Segment of the customer as they stand now; empty for the unidentified.',
    channel            LowCardinality(String) COMMENT 'The first channel that they touched; empty when none was given.',
    silo               LowCardinality(String) COMMENT 'The first silo that they touched; empty when none was given.',
    unit               LowCardinality(String) COMMENT 'Unit of the first step that names one; empty when none does.',
    outcome            LowCardinality(String) COMMENT 'open, resolved, unresolved or lost.',
    journeys           UInt64                 COMMENT 'How many journeys. All columns from here on may be added up.',
    broken             UInt64                 COMMENT 'Those with a breakpoint.',
    cost               Float64                COMMENT 'Their cost to serve, in the currency of the rules.',
    effort             Float64                COMMENT 'Sum of their effort, 0 to 100 each: divide by journeys.',
    working_s          Float64                COMMENT 'Seconds that the company worked on them.',
    queue_wait_s       Float64                COMMENT 'Seconds that their contacts waited in queues; part of waiting_company_s where nobody else was waited for.',
    waiting_customer_s Float64                COMMENT 'Seconds in which a case waited on the customer. The three waiting times never overlap.',
    waiting_partner_s  Float64                COMMENT 'Seconds in which a case waited on a partner.',
    waiting_company_s  Float64                COMMENT 'Seconds in which the company owed something or the customer was in a queue.'
)
AS SELECT
    toDate32(l.started_at) AS day, l.reason_family AS reason_family, l.segment AS segment, l.channel AS channel, l.silo AS silo, l.unit AS unit, l.outcome AS outcome,
    count() AS journeys, countIf(l.breakpoints > 0) AS broken, sum(l.cost) AS cost, sum(l.effort) AS effort, sum(l.working_s) AS working_s, sum(l.queue_wait_s) AS queue_wait_s,
    sum(l.waiting_customer_s) AS waiting_customer_s, sum(l.waiting_partner_s) AS waiting_partner_s, sum(l.waiting_company_s) AS waiting_company_s
FROM {{database}}.journeys_listed_v AS l
GROUP BY day, reason_family, segment, channel, silo, unit, outcome
COMMENT 'How journeys ended and what they took, by the day on which they started, where they began and whose they are. Every journey is in one row; open ones as far as they have come.';

CREATE VIEW IF NOT EXISTS {{database}}.variant_cells_v {{on_cluster}}
(
    month             Date32                 COMMENT 'First day of the month in which the journeys started, UTC.',
    reason_family     LowCardinality(String) COMMENT 'Reason family of the journeys; empty when unknown.',
    segment           LowCardinality(String) COMMENT 'Segment of the customer as they stand now; empty for the unidentified.',
    channel           LowCardinality(String) COMMENT 'The first channel that they touched; empty when none was given.',
    silo              LowCardinality(String) COMMENT 'The first silo that they touched; empty when none was given.',
    unit              LowCardinality(String) COMMENT 'Unit of the first step that names one; empty when none does.',
    variant_collapsed String                 COMMENT 'Their activities in order, runs of one activity written once.',
    journeys          UInt64                 COMMENT 'How many journeys took it. This and the next six may be added up.',
    resolved          UInt64                 COMMENT 'Those resolved.',
    ended             UInt64                 COMMENT 'Those that ended, resolved or not: what the share resolved is out of.',
    broken            UInt64                 COMMENT 'Those with a breakpoint.',
    cost              Float64                COMMENT 'Their cost to serve, in the currency of the rules.',
    effort            Float64                COMMENT 'Sum of their effort, 0 to 100 each.',
    illustrative      Bool                   COMMENT 'true until finance has filled the hourly rates: cost must be shown as illustrative.',
    duration_s        Float64                COMMENT 'Sum of the seconds from their first step to their last one so far.',
    example           Tuple(from DateTime64(3, 'UTC'), until DateTime64(3, 'UTC'), journey_id String) COMMENT 'The one of them that started last, and its first and last step. Of several rows: max(example).'
)
AS SELECT
    makeDate32(toYear(l.started_at), toMonth(l.started_at), 1) AS month, l.reason_family AS reason_family, l.segment AS segment, l.channel AS channel, l.silo AS silo, l.unit AS unit,
    l.variant_collapsed AS variant_collapsed, count() AS journeys, countIf(l.outcome = 'resolved') AS resolved, countIf(l.outcome != 'open') AS ended, countIf(l.breakpoints > 0) AS broken,
    sum(l.cost) AS cost, sum(l.effort) AS effort, any(l.illustrative) AS illustrative, sum((toUnixTimestamp64Milli(l.last_event_at) - toUnixTimestamp64Milli(l.started_at)) / 1000) AS duration_s,
    CAST(max((l.started_at, l.last_event_at, l.journey_id)), 'Tuple(from DateTime64(3, \'UTC\'), until DateTime64(3, \'UTC\'), journey_id String)') AS example
FROM {{database}}.journeys_listed_v AS l
GROUP BY month, reason_family, segment, channel, silo, unit, variant_collapsed
COMMENT 'The paths that journeys took, by the month in which they started, where they began and whose they are. Every journey is in one row; an open one may still go on, and end as another path.';

CREATE VIEW IF NOT EXISTS {{database}}.journey_flows_v {{on_cluster}}
(
    month         Date32                 COMMENT 'First day of the month of the step reached, UTC.',
    reason_family LowCardinality(String) COMMENT 'Reason family of the journeys; empty when unknown.',
    segment       LowCardinality(String) COMMENT 'Segment of the customer as they stand now; empty for the unidentified.',
    from_node     String                 COMMENT 'Activity, channel and silo of the step before, a bar between them; empty where journeys start.',
    to_node       String                 COMMENT 'Activity, channel and silo of the step reached.',
    to_activity   LowCardinality(String) COMMENT 'Activity of the step reached.',
    to_channel    LowCardinality(String) COMMENT 'Channel of the step reached; empty when not given.',
    to_silo       LowCardinality(String) COMMENT 'Silo of the step reached; empty when not known.',
    frequency     UInt64                 COMMENT 'How often the one directly followed the other; of a start, how many journeys started so. This and the next four may be added up.',
    dropped       UInt64                 COMMENT 'How often the step reached was the last one of a journey that ended unresolved or lost.',
    broke         UInt64                 COMMENT 'How often a breakpoint began at the step reached, and the journey was not dropped there.',
    breakpoints   UInt64                 COMMENT 'How many breakpoints began at the step reached.',
    still_open    UInt64                 COMMENT 'How often it is the last one so far of a journey that is open: it may still go on.',
    delays        AggregateFunction(quantileTDigest, Float64) COMMENT 'Seconds from one to the other, of which quantileTDigestMerge(0.5)(delays) is the median to about 1 %, of any rows together; of no start.'
)
AS SELECT
    t.month AS month, t.reason_family AS reason_family,
    multiIf(t.customer_id = '', '', c.customer_id = '', assumeNotNull((SELECT toString(segment) FROM {{database}}.no_contract_segment_v)), toString(c.segment)) AS segment,
    if(t.from_activity = '', '', concat(t.from_activity, '|', t.from_channel, '|', t.from_silo)) AS from_node, concat(t.to_activity, '|', t.to_channel, '|', t.to_silo) AS to_node,
    t.to_activity AS to_activity, t.to_channel AS to_channel, t.to_silo AS to_silo, count() AS frequency,
    countIf(t.last AND t.outcome IN ('unresolved', 'lost')) AS dropped, countIf(t.breakpoints > 0 AND NOT (t.last AND t.outcome IN ('unresolved', 'lost'))) AS broke,
    sum(t.breakpoints) AS breakpoints, countIf(t.last AND t.outcome = 'open') AS still_open,
    quantileTDigestStateIf(assumeNotNull(t.delay_s), t.delay_s IS NOT NULL) AS delays
FROM {{database}}.journey_transitions_v AS t
LEFT JOIN {{database}}.customer_segments_v AS c ON c.customer_id = t.customer_id
GROUP BY month, reason_family, segment, from_node, to_node, to_activity, to_channel, to_silo
COMMENT 'The directly-follows graph as nodes and arcs, by month of the step reached, reason family and segment: journey_edges_v without its intervals, and with delays that may be put together. A node is activity, channel and silo; all rows that reach it are its visits. Where from_node is empty journeys start. Out of every step of every journey, ended or not.';

CREATE VIEW IF NOT EXISTS {{database}}.journey_heads_v {{on_cluster}}
(
    journey_id    String                         COMMENT 'Id of the journey.',
    customer_id   String                         COMMENT 'Pseudonym of the customer; empty when unidentified.',
    reason        LowCardinality(String)         COMMENT 'The last reason stated; empty when none was.',
    outcome       LowCardinality(String)         COMMENT 'open, resolved, unresolved or lost.',
    escalated     Bool                           COMMENT 'true when a case or complaint of it was escalated.',
    started_at    DateTime64(3, 'UTC')           COMMENT 'Time of its first step.',
    last_event_at DateTime64(3, 'UTC')           COMMENT 'Time of its last step so far.',
    steps         UInt32                         COMMENT 'How many steps it has.',
    contacts      UInt32                         COMMENT 'How many contacts it has.',
    breakpoints   UInt32                         COMMENT 'How many breakpoints it has.',
    effort        Float64                        COMMENT 'Effort index, 0 to 100.',
    cost          Float64                        COMMENT 'Cost to serve.',
    currency      LowCardinality(String)         COMMENT 'Of cost (ISO 4217).',
    illustrative  Bool                           COMMENT 'true until finance has filled the hourly rates: cost must be shown as illustrative.'
)
AS SELECT
    journey_id, customer_id, reason, outcome, escalated, started_at, last_event_at, steps, contacts, breakpoints, effort, cost,
    assumeNotNull((SELECT currency FROM {{database}}.ranking_rules_v)) AS currency, assumeNotNull((SELECT illustrative FROM {{database}}.ranking_rules_v)) AS illustrative
FROM {{database}}.journeys_v
COMMENT 'What stands at the head of one journey. To be read with a filter on journey_id; journeys_v has all columns.';

CREATE VIEW IF NOT EXISTS {{database}}.journey_path_v {{on_cluster}}
(
    journey_id   String                 COMMENT 'The journey.',
    step         UInt32                 COMMENT 'Place of the step, from 1.',
    time         DateTime64(3, 'UTC')   COMMENT 'When it happened.',
    delay_s      Nullable(Float64)      COMMENT 'Seconds since the step before; NULL for the first one.',
    activity     LowCardinality(String) COMMENT 'Activity of the step.',
    channel      LowCardinality(String) COMMENT 'Channel; empty when not given.',
    silo         LowCardinality(String) COMMENT 'Silo that held the customer; empty when not known.',
    unit         LowCardinality(String) COMMENT 'Unit inside the silo; empty when not known.',
    case_id      String                 COMMENT 'The case it belongs to; empty when none.',
    source       LowCardinality(String) COMMENT 'Source of its event.',
    event_id     String                 COMMENT 'Id of its event.',
    cost         Float64                COMMENT 'Cost of the step.',
    currency     LowCardinality(String) COMMENT 'Of cost (ISO 4217).',
    illustrative Bool                   COMMENT 'true until finance has filled the hourly rates: cost must be shown as illustrative.',
    broke        Array(String)          COMMENT 'Kinds of breakpoint that began at the step, in order of name, each as often as it did; empty where none did.'
)
AS SELECT
    s.journey_id AS journey_id, s.step AS step, s.time AS time, s.delay_s AS delay_s, s.activity AS activity, s.channel AS channel, s.silo AS silo, s.unit AS unit,
    s.case_id AS case_id, s.source AS source, s.event_id AS event_id, s.cost AS cost,
    assumeNotNull((SELECT currency FROM {{database}}.ranking_rules_v)) AS currency, assumeNotNull((SELECT illustrative FROM {{database}}.ranking_rules_v)) AS illustrative,
    b.kinds AS broke
FROM {{database}}.journey_steps_v AS s
LEFT JOIN (
    SELECT journey_id, origin_step, arraySort(groupArray(toString(kind))) AS kinds FROM {{database}}.breakpoints_v WHERE origin_step > 0 GROUP BY journey_id, origin_step
) AS b ON b.journey_id = s.journey_id AND b.origin_step = s.step
COMMENT 'The steps of journeys with the breakpoints that began at each. To be read with a filter on journey_id, in order of step.';

CREATE VIEW IF NOT EXISTS {{database}}.journey_breakpoints_v {{on_cluster}}
(
    journey_id   String                 COMMENT 'The journey that broke; empty for an incident.',
    kind         LowCardinality(String) COMMENT 'Which of the catalogue, as in breakpoint_kinds_v.',
    occurred_at  DateTime64(3, 'UTC')   COMMENT 'When it broke.',
    detected_at  DateTime64(3, 'UTC')   COMMENT 'Event time at which it could be known.',
    origin_step  UInt32                 COMMENT 'Step of the journey where the failure began, from 1; 0 when no step is named.',
    silo         LowCardinality(String) COMMENT 'Silo that owns the origin.',
    unit         LowCardinality(String) COMMENT 'Unit that owns the origin; empty when not known.',
    severity     UInt8                  COMMENT '1 to 5, as in breakpoints_v.',
    witness      Bool                   COMMENT 'true for a kind that carries no cost.',
    cost         Float64                COMMENT 'Avoidable cost charged to it.',
    currency     LowCardinality(String) COMMENT 'Of cost (ISO 4217).',
    illustrative Bool                   COMMENT 'true until finance has filled the hourly rates: cost must be shown as illustrative.',
    evidence     Array(String)          COMMENT 'Ids of the events that show it.',
    charged      Array(String)          COMMENT 'Source and id of each step whose cost it is.',
    rules_version LowCardinality(String) COMMENT 'Rules it was found under.'
)
AS SELECT
    journey_id, kind, occurred_at, detected_at, origin_step, silo, unit, severity, witness, cost,
    assumeNotNull((SELECT currency FROM {{database}}.ranking_rules_v)) AS currency, assumeNotNull((SELECT illustrative FROM {{database}}.ranking_rules_v)) AS illustrative,
    evidence, charged, rules_version
FROM {{database}}.breakpoints_v
COMMENT 'The breakpoints of one journey, and whether their cost is illustrative. To be read with a filter on journey_id.';
