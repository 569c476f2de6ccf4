-- What costs most and whom it touches, what goes with losses, and what the rules do not see. docs/ranking.md explains it all.

CREATE TABLE IF NOT EXISTS {{database}}.ranking_rules {{on_cluster}}
(
    written_at      DateTime64(3, 'UTC') COMMENT 'When it was written; the latest row holds.',
    rules_version   String        COMMENT 'Version of the rule book that says so.',
    currency        String        COMMENT 'Of all amounts (ISO 4217).',
    illustrative    Bool          COMMENT 'true until finance has filled the hourly rates.',
    exposed_s       UInt32        COMMENT 'A customer is exposed to what broke so many seconds before a landmark.',
    lost_s          UInt32        COMMENT 'And lost who left so many seconds after it.',
    before_signal_s UInt32        COMMENT 'How many seconds before a signal a breakpoint may lie to have been seen.',
    too_few         UInt32        COMMENT 'Fewer exposed losses, or answers, say nothing.',
    replicates      UInt32        COMMENT 'Of the bootstrap.',
    leaving_reasons Array(String) COMMENT 'Reasons and families about leaving: they count in nothing.',
    segments        Array(Tuple(name String, captive Nullable(Bool), product String, annual_margin_from Nullable(Float64))) COMMENT 'The first that fits holds; NULL and an empty product fit everybody.'
)
ENGINE = {{replicated}}ReplacingMergeTree
ORDER BY written_at
COMMENT 'What the rule book says of ranking and attribution, copied here whenever it says something else. Read ranking_rules_v.';

CREATE TABLE IF NOT EXISTS {{database}}.associated_loss {{on_cluster}}
(
    computed_at            DateTime64(3, 'UTC') COMMENT 'When it was written: all rows of one estimate have the same.',
    generation             UInt32                 COMMENT 'Fold of the log that it was estimated from.',
    as_of                  Date32                 COMMENT 'Day that all partitions had closed, UTC.',
    last_landmark          Date32                 COMMENT 'The last landmark whose outcome was known.',
    landmarks              UInt32                 COMMENT 'How many landmarks there were.',
    rules_version          LowCardinality(String) COMMENT 'Rule book that was in force.',
    replicates             UInt32                 COMMENT 'Of the bootstrap.',
    kind                   LowCardinality(String) COMMENT 'Kind of breakpoint; empty in the row that says that an estimate was made, whatever it found.',
    reason_family          LowCardinality(String) COMMENT 'Reason family.',
    says                   LowCardinality(String) COMMENT 'estimated, or too few to say: then all ratios are NULL.',
    exposed                UInt64                 COMMENT 'Customers exposed at some landmark.',
    exposed_losses         UInt64                 COMMENT 'Of them, those lost after it.',
    unexposed              UInt64                 COMMENT 'Customers unexposed at some landmark: a contact of the family, without the kind.',
    unexposed_losses       UInt64                 COMMENT 'Of them, those lost after it.',
    compared_losses        UInt64                 COMMENT 'Of exposed_losses, those in a stratum with somebody unexposed.',
    risk_ratio             Nullable(Float64)      COMMENT 'Mantel-Haenszel risk ratio, before shrinking.',
    low                    Nullable(Float64)      COMMENT 'Its 2.5 % percentile of the bootstrap.',
    high                   Nullable(Float64)      COMMENT 'Its 97.5 % percentile.',
    log_variance           Nullable(Float64)      COMMENT 'Variance of ln(risk_ratio), by the bootstrap.',
    shrunk                 Nullable(Float64)      COMMENT 'Risk ratio shrunk towards the mean of the kind: the one to show.',
    shrunk_low             Nullable(Float64)      COMMENT 'Lower end of its interval.',
    shrunk_high            Nullable(Float64)      COMMENT 'Upper end.',
    associated_losses      Nullable(Float64)      COMMENT 'compared_losses x (1 - 1 / shrunk). Never to be added up.',
    associated_losses_low  Nullable(Float64)      COMMENT 'The same at shrunk_low.',
    associated_losses_high Nullable(Float64)      COMMENT 'The same at shrunk_high.'
)
ENGINE = {{replicated}}ReplacingMergeTree(computed_at)
PARTITION BY generation
ORDER BY (generation, as_of, kind, reason_family)
COMMENT 'Losses associated with breakpoints, as often as they were estimated. Read associated_loss_v.';

CREATE VIEW IF NOT EXISTS {{database}}.ranking_rules_v {{on_cluster}}
(
    rules_version   String        COMMENT 'Version of the rule book that says so; empty before any was written: then these are the defaults.',
    currency        String        COMMENT 'Of all amounts (ISO 4217).',
    illustrative    Bool          COMMENT 'true until finance has filled the hourly rates: every amount must be shown as illustrative.',
    exposed_s       UInt32        COMMENT 'A customer is exposed to what broke so many seconds before a landmark.',
    lost_s          UInt32        COMMENT 'And lost who left so many seconds after it.',
    before_signal_s UInt32        COMMENT 'How many seconds before a signal a breakpoint may lie to have been seen.',
    too_few         UInt32        COMMENT 'Fewer exposed losses, or answers, say nothing.',
    replicates      UInt32        COMMENT 'Of the bootstrap.',
    leaving_reasons Array(String) COMMENT 'Reasons and families about leaving: they count in nothing.',
    segments        Array(Tuple(name String, captive Nullable(Bool), product String, annual_margin_from Nullable(Float64))) COMMENT 'The first that fits holds, else the segment is standard; NULL and an empty product fit everybody.'
)
AS SELECT
    rules_version, currency, illustrative, exposed_s, lost_s, before_signal_s, too_few, replicates, leaving_reasons, segments
FROM (
    SELECT written_at, rules_version, currency, illustrative, exposed_s, lost_s, before_signal_s, too_few, replicates, leaving_reasons, segments
    FROM {{database}}.ranking_rules
    UNION ALL
    SELECT toDateTime64(0, 3, 'UTC'), '', 'EUR', true, 7776000, 7776000, 7776000, 30, 1000, ['cancellation'],
        CAST([('captive', true, '', NULL)], 'Array(Tuple(name String, captive Nullable(Bool), product String, annual_margin_from Nullable(Float64)))')
)
ORDER BY written_at DESC
LIMIT 1
COMMENT 'What the rule book says of ranking and attribution (segments and attribution in docs/rules.md), one row: what the views of ranking go by. It follows a change of the rules when associated losses are next estimated, or by parcours rank.';

CREATE VIEW IF NOT EXISTS {{database}}.contracts_v {{on_cluster}}
(
    customer_id String COMMENT 'Pseudonym of the customer.',
    starts      Array(Tuple(at DateTime64(3, 'UTC'), product String, annual_margin Nullable(Float64), captive Bool)) COMMENT 'Each contract.started, in order of time.',
    ends        Array(Tuple(at DateTime64(3, 'UTC'), voluntary Bool)) COMMENT 'Each contract.cancelled; voluntary: initiated by the customer, or nobody said by whom, as in journeys.',
    signals     Array(DateTime64(3, 'UTC')) COMMENT 'Explicit leaving signals: contract.cancel_requested, portability.requested, contract.value_changed to 0 or below the value before (of the same product, since its contract started; the first below annual_margin of contract.started), and the voluntary end itself. A renewal that is due is none: that nobody answers it is known only later.',
    objected    Bool   COMMENT 'true when the customer objected to some purpose, and did not consent to it again: not listed, and in no estimate.'
)
AS SELECT
    customer_id, starts, ends, signals, CAST(arrayExists(o -> o.2 AND NOT arrayExists(c -> c.1 = o.1 AND NOT c.2 AND c.3 > o.3, said), said), 'Bool') AS objected
FROM (
    SELECT
        customer_id,
        arraySort(s -> s.1, groupArrayIf((time, toString(product), annual_margin, captive), type = 'contract.started')) AS starts,
        arraySort(groupArrayIf((time, CAST(initiated_by IN ('', 'customer'), 'Bool')), type = 'contract.cancelled')) AS ends,
        arraySort(groupArrayIf(time, type IN ('contract.cancel_requested', 'portability.requested')
            OR type = 'contract.cancelled' AND initiated_by IN ('', 'customer')
            OR type = 'contract.value_changed' AND ifNull(worth <= 0 OR worth < before, false))) AS signals,
        groupArrayIf((toString(target), type = 'customer.objected', time), type IN ('customer.objected', 'customer.consented')) AS said
    FROM (
        SELECT
            customer_id, type, time, product, annual_margin, captive, initiated_by, target, if(type = 'contract.started', annual_margin, value) AS worth,
            lagInFrame(worth) OVER (
                PARTITION BY customer_id, product, type = 'contract.started' OR type = 'contract.value_changed' AND value IS NOT NULL
                ORDER BY time, position ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS before
        FROM {{database}}.events_v
        WHERE family IN ('contract', 'rights') AND customer_id != ''
    )
    GROUP BY customer_id
)
COMMENT 'What each customer\'s contracts did, for customers of whom something was said of it. A customer stands for all their contracts: who ends one of two counts as having left.';

CREATE VIEW IF NOT EXISTS {{database}}.customers_v {{on_cluster}}
(
    customer_id             String                         COMMENT 'Pseudonym of the customer. Unidentified ones are not here.',
    first_seen              DateTime64(3, 'UTC')           COMMENT 'Time of the first event.',
    last_seen               DateTime64(3, 'UTC')           COMMENT 'Time of the last event.',
    contract_started_at     Nullable(DateTime64(3, 'UTC')) COMMENT 'First contract.started after the last end of a contract, or ever where none ended; NULL for none.',
    product                 String                         COMMENT 'Of the last contract.started; empty when none was given.',
    annual_margin           Nullable(Float64)              COMMENT 'Of the same, in the currency of the rules; NULL when not given.',
    captive                 Bool                           COMMENT 'Of the same: true for a customer who cannot leave.',
    segment                 String                         COMMENT 'First of the rules\' segments that fits product, annual_margin and captive; else standard.',
    first_leaving_signal_at Nullable(DateTime64(3, 'UTC')) COMMENT 'First explicit leaving signal (contracts_v) since the contract that is in force started; NULL for none.',
    lost_at                 Nullable(DateTime64(3, 'UTC')) COMMENT 'When the customer left of their own will; NULL for one who did not, or came back.',
    ended_at                Nullable(DateTime64(3, 'UTC')) COMMENT 'When the last contract ended, by whomever; NULL where none did, or one started since.',
    objected                Bool                           COMMENT 'true when the customer objected to some purpose: not to be listed.'
)
AS SELECT
    customer_id, first_seen, last_seen, if(empty(here), NULL, here[1].1) AS contract_started_at, starts[-1].2 AS product, starts[-1].3 AS annual_margin,
    starts[-1].4 AS captive, ifNull(nullIf(arrayFirst(g -> (g.2 IS NULL OR ifNull(g.2 = starts[-1].4, false)) AND (g.3 = '' OR g.3 = starts[-1].2) AND (g.4 IS NULL OR ifNull(starts[-1].3 >= g.4, false)),
        (SELECT segments FROM {{database}}.ranking_rules_v)).1, ''), 'standard') AS segment,
    if(notEmpty(here) OR empty(ends), arrayFirstOrNull(t -> t >= if(empty(ends), toDateTime64('1900-01-01 00:00:00', 3, 'UTC'), here[1].1), signals), arrayFirstOrNull(t -> true, signals)) AS first_leaving_signal_at,
    if(ended_at IS NOT NULL AND ends[-1].2, ended_at, NULL) AS lost_at,
    if(notEmpty(ends) AND empty(here), ends[-1].1, NULL) AS ended_at, objected
FROM (
    SELECT customer_id, first_seen, last_seen, starts, ends, signals, objected, arrayFilter(s -> empty(ends) OR s.1 >= ends[-1].1, starts) AS here
    FROM (SELECT customer_id, min(time) AS first_seen, max(time) AS last_seen FROM {{database}}.events_v WHERE customer_id != '' GROUP BY customer_id) AS seen
    LEFT JOIN {{database}}.contracts_v AS c USING (customer_id)
)
COMMENT 'Every identified customer as they stand now: when they were seen, what their contract says, and whether they left.';

CREATE VIEW IF NOT EXISTS {{database}}.incident_customers_v {{on_cluster}}
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
    SELECT time, customer_id, place, toString(product) AS product
    FROM {{database}}.events_v
    WHERE family IN ('contact', 'message') AND type != 'message.replied' AND direction IN ('', 'in') AND product != '' AND customer_id != ''
) AS c
INNER JOIN (
    SELECT origin_event, started_at, ended_at, places, toString(arrayJoin(products)) AS product FROM {{database}}.incident_reach_v
) AS i ON i.product = c.product
INNER JOIN (
    SELECT origin_event, detected_at, toString(reason_family) AS reason_family, toString(reason) AS reason
    FROM {{database}}.breakpoints_v WHERE kind = 'core_failure' AND customer_id = ''
) AS p ON p.origin_event = i.origin_event
WHERE c.time >= i.started_at AND (i.ended_at IS NULL OR c.time <= i.ended_at) AND (c.place = '' OR empty(i.places) OR has(i.places, c.place))
GROUP BY origin_event, customer_id
COMMENT 'The customers whom incidents reached, each once an incident: those that incident_reach_v counts. The breakpoint of an incident has no customer; these are its customers.';

CREATE VIEW IF NOT EXISTS {{database}}.landmarks_v {{on_cluster}}
(
    landmark      Date32                         COMMENT 'First of a month, UTC.',
    customer_id   String                         COMMENT 'Pseudonym of a customer at risk there.',
    reason_family String                         COMMENT 'Reason family of the contacts and breakpoints counted. What has none is left out, and so are reasons about leaving.',
    kinds         Array(String)                  COMMENT 'Kinds of breakpoint of the family that occurred in the 90 days before and were known by then, each once however often: to these the customer is exposed.',
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
                    SELECT customer_id, toString(reason_family), toString(reason), toString(kind), occurred_at, detected_at
                    FROM {{database}}.breakpoints_v
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

CREATE VIEW IF NOT EXISTS {{database}}.associated_loss_v {{on_cluster}}
(
    kind                   LowCardinality(String) COMMENT 'Kind of breakpoint.',
    reason_family          LowCardinality(String) COMMENT 'Reason family.',
    says                   LowCardinality(String) COMMENT 'estimated, or too few to say: then all ratios are NULL.',
    exposed                UInt64                 COMMENT 'Customers exposed at some landmark, each once.',
    exposed_losses         UInt64                 COMMENT 'Of them, those lost in the 90 days after it.',
    unexposed              UInt64                 COMMENT 'Customers unexposed at some landmark: a contact of the family, without the kind. At another one they may be exposed.',
    unexposed_losses       UInt64                 COMMENT 'Of them, those lost after it.',
    compared_losses        UInt64                 COMMENT 'Of exposed_losses, those in a stratum with somebody unexposed; fewer than 30 are too few to say.',
    risk_ratio             Nullable(Float64)      COMMENT 'sum(a (N - n) / N) / sum((d - a) n / N) over strata: n exposed, a of them lost, of N customers with a contact of the family, d lost.',
    low                    Nullable(Float64)      COMMENT '2.5 % percentile over replicates of the bootstrap over customers.',
    high                   Nullable(Float64)      COMMENT '97.5 % percentile.',
    log_variance           Nullable(Float64)      COMMENT 'Variance of ln(risk_ratio) over replicates.',
    shrunk                 Nullable(Float64)      COMMENT 'The ratio to show: exp(w ln(risk_ratio) + (1 - w) m), w = t / (t + log_variance), m the mean of the kind weighted by 1 / (t + log_variance), t the variance between its families (DerSimonian and Laird).',
    shrunk_low             Nullable(Float64)      COMMENT 'Lower end: the lesser of low and low x shrunk / risk_ratio.',
    shrunk_high            Nullable(Float64)      COMMENT 'Upper end: the greater of high and high x shrunk / risk_ratio.',
    associated_losses      Nullable(Float64)      COMMENT 'compared_losses x (1 - 1 / shrunk). One customer can be in several rows: never add it up.',
    associated_losses_low  Nullable(Float64)      COMMENT 'The same at shrunk_low.',
    associated_losses_high Nullable(Float64)      COMMENT 'The same at shrunk_high.',
    landmarks              UInt32                 COMMENT 'How many landmarks there were.',
    last_landmark          Date32                 COMMENT 'The last of them.',
    as_of                  Date32                 COMMENT 'Day that all partitions had closed.',
    replicates             UInt32                 COMMENT 'Of the bootstrap.',
    rules_version          LowCardinality(String) COMMENT 'Rule book that was in force.',
    computed_at            DateTime64(3, 'UTC')   COMMENT 'When it was estimated.'
)
AS SELECT
    kind, reason_family, says, exposed, exposed_losses, unexposed, unexposed_losses, compared_losses, risk_ratio, low, high, log_variance, shrunk,
    shrunk_low, shrunk_high, associated_losses, associated_losses_low, associated_losses_high, landmarks, last_landmark, as_of, replicates, rules_version,
    computed_at
FROM {{database}}.associated_loss FINAL
WHERE kind != '' AND (generation, computed_at) IN (
    SELECT generation, max(computed_at) FROM {{database}}.associated_loss
    WHERE generation = (SELECT argMax(generation, (switched_at, generation)) FROM {{database}}.generation)
    GROUP BY generation)
COMMENT 'Losses associated with each kind of breakpoint and reason family, by the latest estimate from landmarks_v (no row where that found nobody exposed): strata are landmark, segment, tenure and band of contacts. Associated with, never caused by: customers who are badly served may differ in more than the strata hold. Rows overlap, and no sum over them means anything: there is no total. docs/ranking.md recomputes risk_ratio in SQL.';

CREATE VIEW IF NOT EXISTS {{database}}.ranking_v {{on_cluster}}
(
    month                  Date32                 COMMENT 'First day of the month of the opportunities, UTC.',
    kind                   LowCardinality(String) COMMENT 'Kind of breakpoint, as in breakpoint_kinds_v.',
    reason_family          LowCardinality(String) COMMENT 'First token of the reason; empty when unknown.',
    silo                   LowCardinality(String) COMMENT 'Silo that owns the origin.',
    witness                Bool                   COMMENT 'true for a kind that carries no cost: ranked by customers only.',
    breakpoints            UInt64                 COMMENT 'How many of them hold, by the date of their opportunity.',
    charged                UInt64                 COMMENT 'Those with an avoidable cost: contacts or steps that need not have been.',
    cost                   Float64                COMMENT 'Avoidable cost, the sum of cost of breakpoints_v. May be added up.',
    hours                  Float64                COMMENT 'Capacity freed were it avoided, in hours of work: cost x 3600 x sum(working_s) / sum(cost) of journeys_v, an hour of work at its mean cost.',
    currency               String                 COMMENT 'Of cost.',
    illustrative           Bool                   COMMENT 'true until finance has filled the hourly rates: then cost and hours are to be shown as illustrative.',
    customers              UInt64                 COMMENT 'Identified customers touched, each once. Not to be added up: one may be in several rows.',
    unidentified           UInt64                 COMMENT 'Breakpoints of unidentified customers: how many people these are is not known.',
    reached                UInt64                 COMMENT 'Customers whom incidents reached (incident_reach_v), incident by incident; 0 for all else.',
    captive_customers      UInt64                 COMMENT 'Of customers, those who cannot leave.',
    severity               UInt8                  COMMENT 'The highest.',
    opportunities          UInt64                 COMMENT 'Of the kind, of which by maturity the family was known: of all silos, on the days that may be drawn (rates_daily_v).',
    broken                 UInt64                 COMMENT 'How many of them broke. Not always these breakpoints: those of which only later somebody said what they were about count here under no family.',
    rate                   Nullable(Float64)      COMMENT 'broken / opportunities; NULL where there is no opportunity on a day that may be drawn.',
    low                    Nullable(Float64)      COMMENT 'Lower end of its 95 % interval (Wilson).',
    high                   Nullable(Float64)      COMMENT 'Upper end.',
    rate_fits              Bool                   COMMENT 'true when the month is complete and broken counts as many as the breakpoints of kind and family, of all silos: then rate is of them. Else read kind_rate.',
    complete               Bool                   COMMENT 'true when the whole month may be drawn for the kind.',
    rate_before            Nullable(Float64)      COMMENT 'Rate of the month before; NULL where withheld.',
    change                 Nullable(Float64)      COMMENT 'rate - rate_before.',
    change_low             Nullable(Float64)      COMMENT 'Lower end of its 95 % interval: change - sqrt((rate - low)^2 + (high_before - rate_before)^2) (Newcombe 1998, method 10).',
    change_high            Nullable(Float64)      COMMENT 'Upper end: change + sqrt((high - rate)^2 + (rate_before - low_before)^2).',
    exceeds_noise          Bool                   COMMENT 'true when the interval of change leaves out 0.',
    withheld               String                 COMMENT 'Why there is no change: nothing to compare with (no opportunity in one of the two); not complete; rules changed (the two, or one in itself, were judged in two ways). Empty where there is one.',
    rules_versions         Array(String)          COMMENT 'Rules that the opportunities of the kind were judged by, in order of version.',
    kind_opportunities     UInt64                 COMMENT 'Of the kind, of all families and silos, on the days that may be drawn.',
    kind_broken            UInt64                 COMMENT 'How many of them broke: of a complete month, all breakpoints of the kind but incidents.',
    kind_rate              Nullable(Float64)      COMMENT 'kind_broken / kind_opportunities: the same in every row of the kind.',
    kind_low               Nullable(Float64)      COMMENT 'Lower end of its 95 % interval (Wilson).',
    kind_high              Nullable(Float64)      COMMENT 'Upper end.',
    kind_rate_before       Nullable(Float64)      COMMENT 'kind_rate of the month before; NULL where withheld.',
    kind_change            Nullable(Float64)      COMMENT 'kind_rate - kind_rate_before.',
    kind_change_low        Nullable(Float64)      COMMENT 'Lower end of its 95 % interval, as of change.',
    kind_change_high       Nullable(Float64)      COMMENT 'Upper end.',
    kind_exceeds_noise     Bool                   COMMENT 'true when the interval of kind_change leaves out 0.',
    kind_withheld          String                 COMMENT 'Why there is no kind_change, as in withheld.',
    rank_by_cost           Nullable(UInt32)       COMMENT 'Place in the month by cost, then breakpoints, then kind, reason family and silo; NULL for a witness.',
    rank_by_customers      UInt32                 COMMENT 'Place by customers + reached, then breakpoints, then kind, reason family and silo.',
    always_listed          Bool                   COMMENT 'true when captive customers were touched or severity 5 was reached: list it whatever its place.',
    says                   String                 COMMENT 'Of the loss associated with kind and reason family (associated_loss_v, all of history): estimated, too few to say, or empty where there is none.',
    risk_ratio             Nullable(Float64)      COMMENT 'shrunk of associated_loss_v: associated with, never caused by.',
    risk_ratio_low         Nullable(Float64)      COMMENT 'Lower end of its interval.',
    risk_ratio_high        Nullable(Float64)      COMMENT 'Upper end.',
    associated_losses      Nullable(Float64)      COMMENT 'Of associated_loss_v. The same for every silo: never add it up.',
    associated_losses_low  Nullable(Float64)      COMMENT 'Lower end.',
    associated_losses_high Nullable(Float64)      COMMENT 'Upper end.'
)
AS WITH
    (x, n) -> (x / n + 1.9207294103470385 / n) / (1 + 3.841458820694077 / n) AS middle,
    (x, n) -> 1.959963984540054 * sqrt(x / n * (1 - x / n) / n + 0.9603647051735192 / (n * n)) / (1 + 3.841458820694077 / n) AS half,
    (x, n) -> if(n > 0, x / n, NULL) AS rate_of,
    (x, n) -> if(n > 0, if(x = 0, 0, middle(x, n) - half(x, n)), NULL) AS low_of,
    (x, n) -> if(n > 0, if(x = n, 1, middle(x, n) + half(x, n)), NULL) AS high_of,
    arrayFirst(c -> c.1 = b.reason_family, r.families).2 AS f
SELECT
    b.month AS month, b.kind AS kind, b.reason_family AS reason_family, b.silo AS silo, b.witness AS witness, b.breakpoints AS breakpoints,
    b.charged AS charged, b.cost AS cost,
    ifNotFinite(b.cost * assumeNotNull((SELECT sum(working_s) / sum(cost) FROM {{database}}.journeys_v)) / 3600, 0) AS hours,
    assumeNotNull((SELECT currency FROM {{database}}.ranking_rules_v)) AS currency, assumeNotNull((SELECT illustrative FROM {{database}}.ranking_rules_v)) AS illustrative,
    b.customers AS customers, b.unidentified AS unidentified, b.reached AS reached, b.captive_customers AS captive_customers, b.severity AS severity,
    f.n AS opportunities, f.x AS broken, rate_of(f.x, f.n) AS rate, low_of(f.x, f.n) AS low, high_of(f.x, f.n) AS high,
    CAST(r.k.complete AND f.x = sum(b.breakpoints) OVER (PARTITION BY b.month, b.kind, b.reason_family), 'Bool') AS rate_fits, r.k.complete AS complete,
    if(withheld = '', rate_of(f.x0, f.n0), NULL) AS rate_before, rate - rate_before AS change,
    change - sqrt(pow(rate - low, 2) + pow(high_of(f.x0, f.n0) - rate_before, 2)) AS change_low,
    change + sqrt(pow(high - rate, 2) + pow(rate_before - low_of(f.x0, f.n0), 2)) AS change_high,
    CAST(ifNull(change_low > 0 OR change_high < 0, false), 'Bool') AS exceeds_noise, if(f.n > 0, f.withheld, 'nothing to compare with') AS withheld,
    r.k.versions AS rules_versions,
    r.k.n AS kind_opportunities, r.k.x AS kind_broken, rate_of(r.k.x, r.k.n) AS kind_rate, low_of(r.k.x, r.k.n) AS kind_low, high_of(r.k.x, r.k.n) AS kind_high,
    if(kind_withheld = '', rate_of(r.k.x0, r.k.n0), NULL) AS kind_rate_before, kind_rate - kind_rate_before AS kind_change,
    kind_change - sqrt(pow(kind_rate - kind_low, 2) + pow(high_of(r.k.x0, r.k.n0) - kind_rate_before, 2)) AS kind_change_low,
    kind_change + sqrt(pow(kind_high - kind_rate, 2) + pow(kind_rate_before - low_of(r.k.x0, r.k.n0), 2)) AS kind_change_high,
    CAST(ifNull(kind_change_low > 0 OR kind_change_high < 0, false), 'Bool') AS kind_exceeds_noise,
    if(r.k.n > 0, r.k.withheld, 'nothing to compare with') AS kind_withheld,
    if(b.witness, NULL, toUInt32(row_number() OVER (PARTITION BY b.month, b.witness ORDER BY b.cost DESC, b.breakpoints DESC, b.kind, b.reason_family, b.silo))) AS rank_by_cost,
    toUInt32(row_number() OVER (PARTITION BY b.month ORDER BY b.customers + b.reached DESC, b.breakpoints DESC, b.kind, b.reason_family, b.silo)) AS rank_by_customers,
    CAST(b.captive_customers > 0 OR b.severity >= 5, 'Bool') AS always_listed,
    a.says AS says, a.shrunk AS risk_ratio, a.shrunk_low AS risk_ratio_low, a.shrunk_high AS risk_ratio_high,
    a.associated_losses AS associated_losses, a.associated_losses_low AS associated_losses_low, a.associated_losses_high AS associated_losses_high
FROM (
    SELECT
        makeDate32(toYear(p.opportunity_at), toMonth(p.opportunity_at), 1) AS month, toString(p.kind) AS kind, toString(p.reason_family) AS reason_family, toString(p.silo) AS silo, any(p.witness) AS witness,
        count() AS breakpoints, countIf(p.cost > 0) AS charged, sum(p.cost) AS cost, uniqExactIf(p.customer_id, p.customer_id != '') AS customers,
        countIf(p.customer_id = '' AND p.journey_id != '') AS unidentified, sum(i.customers) AS reached, uniqExactIf(p.customer_id, c.starts[-1].4) AS captive_customers,
        max(p.severity) AS severity
    FROM {{database}}.breakpoints_v AS p
    LEFT JOIN {{database}}.contracts_v AS c ON c.customer_id = p.customer_id
    LEFT JOIN (SELECT origin_event, 'core_failure' AS kind, customers FROM {{database}}.incident_reach_v) AS i ON i.origin_event = p.origin_event AND i.kind = p.kind
    GROUP BY month, p.kind, p.reason_family, p.silo
    
) AS b
LEFT JOIN (
    SELECT
        month, kind, anyIf(figures, whole) AS k, groupArrayIf((family, figures), NOT whole) AS families
    FROM (
        SELECT
            month, kind, whole, family,
            CAST((n, x, complete, versions, lagInFrame(n) OVER w, lagInFrame(x) OVER w, multiIf(
                lagInFrame(n) OVER w = 0 OR lagInFrame(toNullable(month)) OVER w != addMonths(month, -1), 'nothing to compare with',
                NOT complete, 'not complete',
                length(arrayDistinct(arrayConcat(judges, lagInFrame(judges) OVER w))) > 1, 'rules changed',
                '')), 'Tuple(n UInt64, x UInt64, complete Bool, versions Array(String), n0 UInt64, x0 UInt64, withheld String)') AS figures
        FROM (
            WITH (
                SELECT (arrayPushBack(groupArray(toString(version)), ''), arrayPushBack(groupArray(toString(judges)), ''))
                FROM {{database}}.rule_books_v
            ) AS known
            SELECT
                makeDate32(toYear(toDateTime64(d.day, 3, 'UTC')), toMonth(toDateTime64(d.day, 3, 'UTC')), 1) AS month, toString(d.kind) AS kind, whole, if(whole, '', toString(d.reason_family)) AS family,
                sum(d.opportunities) AS n, sum(d.broken) AS x, arraySort(groupUniqArrayArray(d.rules_versions)) AS versions,
                arrayDistinct(arrayMap(v -> transform(v, known.1, known.2, v), versions)) AS judges,
                CAST(toDateTime64(addMonths(month, 1), 3, 'UTC') <= any(d.matured_until), 'Bool') AS complete
            FROM {{database}}.rates_daily_v AS d
            ARRAY JOIN [true, false] AS whole
            GROUP BY month, d.kind, whole, family
        )
        WINDOW w AS (PARTITION BY kind, whole, family ORDER BY month ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
    )
    GROUP BY month, kind
) AS r ON r.month = b.month AND r.kind = b.kind
LEFT JOIN {{database}}.associated_loss_v AS a ON a.kind = b.kind AND a.reason_family = b.reason_family
COMMENT 'What broke each month, ranked by avoidable cost and by customers touched: one row a kind, reason family and owning silo. Breakpoints count in the month of their opportunity, so that the sum of cost over all rows is that of breakpoints_v; rates are out of the opportunities of the same month, of all silos: that of kind and family (rate), and that of the kind, which has all its breakpoints (kind_rate). The last month that may be compared is the last with complete.';

CREATE VIEW IF NOT EXISTS {{database}}.ranking_90d_v {{on_cluster}}
(
    since                  Date32                 COMMENT 'First day of the period, UTC: 90 days before the day up to which all partitions are settled.',
    kind                   LowCardinality(String) COMMENT 'Kind of breakpoint, as in breakpoint_kinds_v.',
    reason_family          LowCardinality(String) COMMENT 'First token of the reason; empty when unknown.',
    silo                   LowCardinality(String) COMMENT 'Silo that owns the origin.',
    witness                Bool                   COMMENT 'true for a kind that carries no cost: ranked by customers only.',
    breakpoints            UInt64                 COMMENT 'How many of them hold, by the date of their opportunity.',
    charged                UInt64                 COMMENT 'Those with an avoidable cost: contacts or steps that need not have been.',
    cost                   Float64                COMMENT 'Avoidable cost, the sum of cost of breakpoints_v. May be added up.',
    hours                  Float64                COMMENT 'Capacity freed were it avoided, in hours of work: cost x 3600 x sum(working_s) / sum(cost) of journeys_v, an hour of work at its mean cost.',
    currency               String                 COMMENT 'Of cost.',
    illustrative           Bool                   COMMENT 'true until finance has filled the hourly rates: then cost and hours are to be shown as illustrative.',
    customers              UInt64                 COMMENT 'Identified customers touched, each once. Not to be added up: one may be in several rows.',
    unidentified           UInt64                 COMMENT 'Breakpoints of unidentified customers: how many people these are is not known.',
    reached                UInt64                 COMMENT 'Customers whom incidents reached (incident_reach_v), incident by incident; 0 for all else.',
    captive_customers      UInt64                 COMMENT 'Of customers, those who cannot leave.',
    severity               UInt8                  COMMENT 'The highest.',
    opportunities          UInt64                 COMMENT 'Of the kind, of which by maturity the family was known: of all silos, on the days that may be drawn (rates_daily_v).',
    broken                 UInt64                 COMMENT 'How many of them broke. Not always these breakpoints: those of which only later somebody said what they were about count here under no family.',
    rate                   Nullable(Float64)      COMMENT 'broken / opportunities; NULL where there is no opportunity on a day that may be drawn.',
    low                    Nullable(Float64)      COMMENT 'Lower end of its 95 % interval (Wilson).',
    high                   Nullable(Float64)      COMMENT 'Upper end.',
    rate_fits              Bool                   COMMENT 'true when the period is complete and broken counts as many as the breakpoints of kind and family, of all silos: then rate is of them. Else read kind_rate.',
    complete               Bool                   COMMENT 'true when the whole period may be drawn for the kind.',
    rate_before            Nullable(Float64)      COMMENT 'Rate of the period before; NULL where withheld.',
    change                 Nullable(Float64)      COMMENT 'rate - rate_before.',
    change_low             Nullable(Float64)      COMMENT 'Lower end of its 95 % interval: change - sqrt((rate - low)^2 + (high_before - rate_before)^2) (Newcombe 1998, method 10).',
    change_high            Nullable(Float64)      COMMENT 'Upper end: change + sqrt((high - rate)^2 + (rate_before - low_before)^2).',
    exceeds_noise          Bool                   COMMENT 'true when the interval of change leaves out 0.',
    withheld               String                 COMMENT 'Why there is no change: nothing to compare with (no opportunity in one of the two); not complete; rules changed (the two, or one in itself, were judged in two ways). Empty where there is one.',
    rules_versions         Array(String)          COMMENT 'Rules that the opportunities of the kind were judged by, in order of version.',
    kind_opportunities     UInt64                 COMMENT 'Of the kind, of all families and silos, on the days that may be drawn.',
    kind_broken            UInt64                 COMMENT 'How many of them broke: of a complete period, all breakpoints of the kind but incidents.',
    kind_rate              Nullable(Float64)      COMMENT 'kind_broken / kind_opportunities: the same in every row of the kind.',
    kind_low               Nullable(Float64)      COMMENT 'Lower end of its 95 % interval (Wilson).',
    kind_high              Nullable(Float64)      COMMENT 'Upper end.',
    kind_rate_before       Nullable(Float64)      COMMENT 'kind_rate of the period before; NULL where withheld.',
    kind_change            Nullable(Float64)      COMMENT 'kind_rate - kind_rate_before.',
    kind_change_low        Nullable(Float64)      COMMENT 'Lower end of its 95 % interval, as of change.',
    kind_change_high       Nullable(Float64)      COMMENT 'Upper end.',
    kind_exceeds_noise     Bool                   COMMENT 'true when the interval of kind_change leaves out 0.',
    kind_withheld          String                 COMMENT 'Why there is no kind_change, as in withheld.',
    rank_by_cost           Nullable(UInt32)       COMMENT 'Place in the period by cost, then breakpoints, then kind, reason family and silo; NULL for a witness.',
    rank_by_customers      UInt32                 COMMENT 'Place by customers + reached, then breakpoints, then kind, reason family and silo.',
    always_listed          Bool                   COMMENT 'true when captive customers were touched or severity 5 was reached: list it whatever its place.',
    says                   String                 COMMENT 'Of the loss associated with kind and reason family (associated_loss_v, all of history): estimated, too few to say, or empty where there is none.',
    risk_ratio             Nullable(Float64)      COMMENT 'shrunk of associated_loss_v: associated with, never caused by.',
    risk_ratio_low         Nullable(Float64)      COMMENT 'Lower end of its interval.',
    risk_ratio_high        Nullable(Float64)      COMMENT 'Upper end.',
    associated_losses      Nullable(Float64)      COMMENT 'Of associated_loss_v. The same for every silo: never add it up.',
    associated_losses_low  Nullable(Float64)      COMMENT 'Lower end.',
    associated_losses_high Nullable(Float64)      COMMENT 'Upper end.'
)
AS WITH
    (x, n) -> (x / n + 1.9207294103470385 / n) / (1 + 3.841458820694077 / n) AS middle,
    (x, n) -> 1.959963984540054 * sqrt(x / n * (1 - x / n) / n + 0.9603647051735192 / (n * n)) / (1 + 3.841458820694077 / n) AS half,
    (x, n) -> if(n > 0, x / n, NULL) AS rate_of,
    (x, n) -> if(n > 0, if(x = 0, 0, middle(x, n) - half(x, n)), NULL) AS low_of,
    (x, n) -> if(n > 0, if(x = n, 1, middle(x, n) + half(x, n)), NULL) AS high_of,
    arrayFirst(c -> c.1 = b.reason_family, r.families).2 AS f
SELECT
    b.since AS since, b.kind AS kind, b.reason_family AS reason_family, b.silo AS silo, b.witness AS witness, b.breakpoints AS breakpoints,
    b.charged AS charged, b.cost AS cost,
    ifNotFinite(b.cost * assumeNotNull((SELECT sum(working_s) / sum(cost) FROM {{database}}.journeys_v)) / 3600, 0) AS hours,
    assumeNotNull((SELECT currency FROM {{database}}.ranking_rules_v)) AS currency, assumeNotNull((SELECT illustrative FROM {{database}}.ranking_rules_v)) AS illustrative,
    b.customers AS customers, b.unidentified AS unidentified, b.reached AS reached, b.captive_customers AS captive_customers, b.severity AS severity,
    f.n AS opportunities, f.x AS broken, rate_of(f.x, f.n) AS rate, low_of(f.x, f.n) AS low, high_of(f.x, f.n) AS high,
    CAST(r.k.complete AND f.x = sum(b.breakpoints) OVER (PARTITION BY b.since, b.kind, b.reason_family), 'Bool') AS rate_fits, r.k.complete AS complete,
    if(withheld = '', rate_of(f.x0, f.n0), NULL) AS rate_before, rate - rate_before AS change,
    change - sqrt(pow(rate - low, 2) + pow(high_of(f.x0, f.n0) - rate_before, 2)) AS change_low,
    change + sqrt(pow(high - rate, 2) + pow(rate_before - low_of(f.x0, f.n0), 2)) AS change_high,
    CAST(ifNull(change_low > 0 OR change_high < 0, false), 'Bool') AS exceeds_noise, if(f.n > 0, f.withheld, 'nothing to compare with') AS withheld,
    r.k.versions AS rules_versions,
    r.k.n AS kind_opportunities, r.k.x AS kind_broken, rate_of(r.k.x, r.k.n) AS kind_rate, low_of(r.k.x, r.k.n) AS kind_low, high_of(r.k.x, r.k.n) AS kind_high,
    if(kind_withheld = '', rate_of(r.k.x0, r.k.n0), NULL) AS kind_rate_before, kind_rate - kind_rate_before AS kind_change,
    kind_change - sqrt(pow(kind_rate - kind_low, 2) + pow(high_of(r.k.x0, r.k.n0) - kind_rate_before, 2)) AS kind_change_low,
    kind_change + sqrt(pow(kind_high - kind_rate, 2) + pow(kind_rate_before - low_of(r.k.x0, r.k.n0), 2)) AS kind_change_high,
    CAST(ifNull(kind_change_low > 0 OR kind_change_high < 0, false), 'Bool') AS kind_exceeds_noise,
    if(r.k.n > 0, r.k.withheld, 'nothing to compare with') AS kind_withheld,
    if(b.witness, NULL, toUInt32(row_number() OVER (PARTITION BY b.since, b.witness ORDER BY b.cost DESC, b.breakpoints DESC, b.kind, b.reason_family, b.silo))) AS rank_by_cost,
    toUInt32(row_number() OVER (PARTITION BY b.since ORDER BY b.customers + b.reached DESC, b.breakpoints DESC, b.kind, b.reason_family, b.silo)) AS rank_by_customers,
    CAST(b.captive_customers > 0 OR b.severity >= 5, 'Bool') AS always_listed,
    a.says AS says, a.shrunk AS risk_ratio, a.shrunk_low AS risk_ratio_low, a.shrunk_high AS risk_ratio_high,
    a.associated_losses AS associated_losses, a.associated_losses_low AS associated_losses_low, a.associated_losses_high AS associated_losses_high
FROM (
    SELECT
        addDays(toDate32(assumeNotNull((SELECT min(settled) FROM {{database}}.frontier_v WHERE clock > '1900-01-01 00:00:00'))), -90 * (1 + toInt32(floor((dateDiff('day', toDate32(p.opportunity_at), toDate32(assumeNotNull((SELECT min(settled) FROM {{database}}.frontier_v WHERE clock > '1900-01-01 00:00:00')))) - 1) / 90)))) AS since, toString(p.kind) AS kind, toString(p.reason_family) AS reason_family, toString(p.silo) AS silo, any(p.witness) AS witness,
        count() AS breakpoints, countIf(p.cost > 0) AS charged, sum(p.cost) AS cost, uniqExactIf(p.customer_id, p.customer_id != '') AS customers,
        countIf(p.customer_id = '' AND p.journey_id != '') AS unidentified, sum(i.customers) AS reached, uniqExactIf(p.customer_id, c.starts[-1].4) AS captive_customers,
        max(p.severity) AS severity
    FROM {{database}}.breakpoints_v AS p
    LEFT JOIN {{database}}.contracts_v AS c ON c.customer_id = p.customer_id
    LEFT JOIN (SELECT origin_event, 'core_failure' AS kind, customers FROM {{database}}.incident_reach_v) AS i ON i.origin_event = p.origin_event AND i.kind = p.kind
    GROUP BY since, p.kind, p.reason_family, p.silo
    HAVING since = addDays(toDate32(assumeNotNull((SELECT min(settled) FROM {{database}}.frontier_v WHERE clock > '1900-01-01 00:00:00'))), -90)
) AS b
LEFT JOIN (
    SELECT
        since, kind, anyIf(figures, whole) AS k, groupArrayIf((family, figures), NOT whole) AS families
    FROM (
        SELECT
            since, kind, whole, family,
            CAST((n, x, complete, versions, lagInFrame(n) OVER w, lagInFrame(x) OVER w, multiIf(
                lagInFrame(n) OVER w = 0 OR lagInFrame(toNullable(since)) OVER w != addDays(since, -90), 'nothing to compare with',
                NOT complete, 'not complete',
                length(arrayDistinct(arrayConcat(judges, lagInFrame(judges) OVER w))) > 1, 'rules changed',
                '')), 'Tuple(n UInt64, x UInt64, complete Bool, versions Array(String), n0 UInt64, x0 UInt64, withheld String)') AS figures
        FROM (
            WITH (
                SELECT (arrayPushBack(groupArray(toString(version)), ''), arrayPushBack(groupArray(toString(judges)), ''))
                FROM {{database}}.rule_books_v
            ) AS known
            SELECT
                addDays(toDate32(assumeNotNull((SELECT min(settled) FROM {{database}}.frontier_v WHERE clock > '1900-01-01 00:00:00'))), -90 * (1 + toInt32(floor((dateDiff('day', toDate32(toDateTime64(d.day, 3, 'UTC')), toDate32(assumeNotNull((SELECT min(settled) FROM {{database}}.frontier_v WHERE clock > '1900-01-01 00:00:00')))) - 1) / 90)))) AS since, toString(d.kind) AS kind, whole, if(whole, '', toString(d.reason_family)) AS family,
                sum(d.opportunities) AS n, sum(d.broken) AS x, arraySort(groupUniqArrayArray(d.rules_versions)) AS versions,
                arrayDistinct(arrayMap(v -> transform(v, known.1, known.2, v), versions)) AS judges,
                CAST(toDateTime64(addDays(since, 90), 3, 'UTC') <= any(d.matured_until), 'Bool') AS complete
            FROM {{database}}.rates_daily_v AS d
            ARRAY JOIN [true, false] AS whole
            GROUP BY since, d.kind, whole, family
        )
        WINDOW w AS (PARTITION BY kind, whole, family ORDER BY since ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
    )
    GROUP BY since, kind
) AS r ON r.since = b.since AND r.kind = b.kind
LEFT JOIN {{database}}.associated_loss_v AS a ON a.kind = b.kind AND a.reason_family = b.reason_family
COMMENT 'What broke in the last 90 settled days, ranked as in ranking_v; the period before are the 90 days before them. By the date of the opportunity, so what takes long to break is not all in yet: complete says of which kinds.';

CREATE VIEW IF NOT EXISTS {{database}}.signals_v {{on_cluster}}
(
    signal      String               COMMENT 'detractor: a survey answer that is one (breakpoints_v); complaint: complaint.filed; leaver: contract.cancelled by the customer, or nobody said by whom.',
    at          DateTime64(3, 'UTC') COMMENT 'When.',
    customer_id String               COMMENT 'Pseudonym of the customer; empty when unidentified.',
    journey_id  String               COMMENT 'The journey that it is in; empty for none.',
    before_at   Nullable(DateTime64(3, 'UTC')) COMMENT 'When the last breakpoint before it occurred, of a kind that is no witness, of the same customer or of an incident that reached them; of a leaver, before the first leaving signal of the contract that ended, and not about leaving. NULL for none, and for the unidentified.',
    unseen      Bool                 COMMENT 'true when there was none in the 90 days before (of a leaver, before the first leaving signal): the rules did not see it coming. false for the unidentified, of whom nobody can say.'
)
AS SELECT
    s.signal AS signal, s.at AS at, s.customer_id AS customer_id, s.journey_id AS journey_id, if(b.known, b.occurred_at, NULL) AS before_at,
    CAST(s.customer_id != '' AND ifNull(before_at < s.until - toIntervalSecond((SELECT before_signal_s FROM {{database}}.ranking_rules_v)), true), 'Bool') AS unseen
FROM (
    SELECT 'detractor' AS signal, occurred_at AS at, customer_id, journey_id, false AS leaves, occurred_at AS until FROM {{database}}.breakpoints_v WHERE kind = 'detractor'
    UNION ALL
    SELECT
        if(e.type = 'complaint.filed', 'complaint', 'leaver'), e.time, e.customer_id, j.journey_id, e.type != 'complaint.filed',
        if(e.type = 'complaint.filed' OR e.customer_id = '', e.time, arrayFirst(t -> t > arrayLast(n -> n.1 < e.time, c.ends).1, c.signals))
    FROM (SELECT time, source, id, type, customer_id FROM {{database}}.events_v WHERE type = 'complaint.filed' OR type = 'contract.cancelled' AND initiated_by IN ('', 'customer')) AS e
    LEFT JOIN (SELECT time, source, event_id, journey_id FROM {{database}}.journey_steps_v WHERE type IN ('complaint.filed', 'contract.cancelled')) AS j
        ON j.time = e.time AND j.source = e.source AND j.event_id = e.id
    LEFT JOIN {{database}}.contracts_v AS c ON c.customer_id = e.customer_id
) AS s
ASOF LEFT JOIN (
    SELECT customer_id, occurred_at, leaves, true AS known
    FROM (
        SELECT customer_id, occurred_at, toString(reason) AS reason, toString(reason_family) AS reason_family FROM {{database}}.breakpoints_v WHERE NOT witness AND customer_id != ''
        UNION ALL
        SELECT customer_id, met_at, reason, reason_family FROM {{database}}.incident_customers_v
    )
    ARRAY JOIN [false, true] AS leaves
    WHERE NOT leaves OR NOT hasAny([reason, reason_family], (SELECT leaving_reasons FROM {{database}}.ranking_rules_v))
) AS b
    ON b.customer_id = s.customer_id AND b.leaves = s.leaves AND b.occurred_at < s.until
COMMENT 'Every detractor, complaint and leaver, and the last breakpoint before it: what unseen_v counts.';

CREATE VIEW IF NOT EXISTS {{database}}.unseen_v {{on_cluster}}
(
    month        Date32            COMMENT 'First day of the month of the signals, UTC.',
    signal       String            COMMENT 'detractor, complaint or leaver.',
    total        UInt64            COMMENT 'Signals of identified customers.',
    unseen       UInt64            COMMENT 'Of them, those with no breakpoint (witnesses apart) of the same customer in the 90 days before.',
    share        Nullable(Float64) COMMENT 'unseen / total; NULL where there is none.',
    low          Nullable(Float64) COMMENT 'Lower end of its 95 % interval (Wilson).',
    high         Nullable(Float64) COMMENT 'Upper end.',
    unidentified UInt64            COMMENT 'Signals of unidentified customers: in none of the figures before.',
    complete     Bool              COMMENT 'true when all partitions are settled up to the end of the month.'
)
AS WITH
    (x, n) -> (x / n + 1.9207294103470385 / n) / (1 + 3.841458820694077 / n) AS middle,
    (x, n) -> 1.959963984540054 * sqrt(x / n * (1 - x / n) / n + 0.9603647051735192 / (n * n)) / (1 + 3.841458820694077 / n) AS half
SELECT
    makeDate32(toYear(s.at), toMonth(s.at), 1) AS month, s.signal AS signal, countIf(s.customer_id != '') AS total, countIf(s.unseen) AS unseen,
    if(total > 0, unseen / total, NULL) AS share, if(total > 0, if(unseen = 0, 0, middle(unseen, total) - half(unseen, total)), NULL) AS low,
    if(total > 0, if(unseen = total, 1, middle(unseen, total) + half(unseen, total)), NULL) AS high, countIf(s.customer_id = '') AS unidentified,
    CAST(toDateTime64(addMonths(month, 1), 3, 'UTC') <= (SELECT min(settled) FROM {{database}}.frontier_v WHERE clock > '1900-01-01 00:00:00'), 'Bool') AS complete
FROM {{database}}.signals_v AS s
GROUP BY month, signal
COMMENT 'What our rules do not see: of detractors, complaints and leavers, how many had no earlier breakpoint. unseen_journeys_v has the journeys to read. The first months of a log know little of what was before them.';

CREATE VIEW IF NOT EXISTS {{database}}.unseen_journeys_v {{on_cluster}}
(
    signal      String               COMMENT 'detractor, complaint or leaver.',
    at          DateTime64(3, 'UTC') COMMENT 'When.',
    journey_id  String               COMMENT 'The journey to read (parcours journey show); empty when it is in none.',
    customer_id String               COMMENT 'Pseudonym of the customer.'
)
AS SELECT signal, at, journey_id, customer_id
FROM {{database}}.signals_v
WHERE unseen AND customer_id NOT IN (SELECT customer_id FROM {{database}}.contracts_v WHERE objected)
COMMENT 'The journeys to read where the rules saw nothing: those that unseen_v counts, without customers who objected.';

CREATE VIEW IF NOT EXISTS {{database}}.satisfaction_gap_v {{on_cluster}}
(
    kind          LowCardinality(String) COMMENT 'Kind of breakpoint. Witnesses are left out: some are made of the answers themselves.',
    reason_family String                 COMMENT 'Reason family of the journeys; empty when unknown, and for all of them.',
    all_reasons   Bool                   COMMENT 'true for the row of all reason families of the kind.',
    with_kind     UInt64                 COMMENT 'Journeys with an answer and the kind.',
    without_kind  UInt64                 COMMENT 'Journeys with an answer and without the kind, of the same family.',
    satisfaction_with    Nullable(Float64) COMMENT 'Mean of the journeys with it, -1 to 1; a journey\'s is the mean of its answers.',
    satisfaction_without Nullable(Float64) COMMENT 'Mean of the journeys without it.',
    gap           Nullable(Float64)      COMMENT 'satisfaction_with - satisfaction_without; NULL when too few.',
    low           Nullable(Float64)      COMMENT 'Lower end of its 95 % interval (Welch); NULL where answers do not differ.',
    high          Nullable(Float64)      COMMENT 'Upper end.',
    says          String                 COMMENT 'estimated, or too few to say: fewer than 30 journeys with or without.'
)
AS SELECT
    kind, family AS reason_family, CAST(whole, 'Bool') AS all_reasons, n1 AS with_kind, n0 AS without_kind, if(n1 > 0, mean1, NULL) AS satisfaction_with,
    if(n0 > 0, mean0, NULL) AS satisfaction_without, if(says = 'estimated', mean1 - mean0, NULL) AS gap,
    if(says = 'estimated' AND isFinite(welch.3), welch.3, NULL) AS low, if(says = 'estimated' AND isFinite(welch.4), welch.4, NULL) AS high,
    if(least(n1, n0) >= (SELECT too_few FROM {{database}}.ranking_rules_v), 'estimated', 'too few to say') AS says
FROM (
    SELECT
        kind, whole, if(whole, '', reason_family) AS family, countIf(broke) AS n1, countIf(NOT broke) AS n0, avgIf(score, broke) AS mean1, avgIf(score, NOT broke) AS mean0,
        welchTTest(0.95)(score, if(broke, 0, 1)) AS welch
    FROM (
        SELECT k.kind AS kind, toString(j.reason_family) AS reason_family, a.score AS score, has(f.kinds, toString(k.kind)) AS broke
        FROM (
            SELECT journey_id, avg(score) AS score
            FROM (
                SELECT
                    s.journey_id AS journey_id,
                    arrayAvg(arrayMap(v -> assumeNotNull(v), arrayFilter(v -> v IS NOT NULL, [2 * e.nps / 10 - 1, 2 * (e.csat - 1) / (ifNull(e.csat_scale, 5) - 1) - 1, 2 * (e.ces - 1) / (ifNull(e.ces_scale, 7) - 1) - 1]))) AS score
                FROM {{database}}.events_v AS e
                INNER JOIN {{database}}.journey_steps_v AS s ON s.time = e.time AND s.source = e.source AND s.event_id = e.id
                WHERE e.type = 'survey.answered' AND s.type = 'survey.answered' AND s.journey_id != '' AND (e.nps IS NOT NULL OR e.csat IS NOT NULL OR e.ces IS NOT NULL)
            )
            GROUP BY journey_id
        ) AS a
        INNER JOIN {{database}}.journeys_v AS j ON j.journey_id = a.journey_id
        LEFT JOIN (SELECT journey_id, groupUniqArray(toString(kind)) AS kinds FROM {{database}}.breakpoints_v WHERE journey_id != '' GROUP BY journey_id) AS f ON f.journey_id = a.journey_id
        CROSS JOIN (SELECT DISTINCT kind FROM {{database}}.breakpoints_v WHERE NOT witness) AS k
    )
    ARRAY JOIN [true, false] AS whole
    GROUP BY kind, whole, family
)
WHERE n1 > 0
COMMENT 'How much less satisfied customers are in journeys with a kind of breakpoint than in those without it, among journeys in which a survey was answered: NPS, CSAT and CES each put linearly from their own scale onto -1 to 1. Who answers is not everybody.';
