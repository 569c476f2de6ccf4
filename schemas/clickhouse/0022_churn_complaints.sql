-- What the dashboards of churn and of complaints read: value at risk by age of the contract, how good the model in force is held
-- against its bounds, and complaints one by one and by month.

CREATE VIEW IF NOT EXISTS {{database}}.value_at_risk_by_tenure_v {{on_cluster}}
(
    segment              LowCardinality(String) COMMENT 'Segment.',
    tenure               String                 COMMENT 'Since the contract in force started, on the last scored day: under 1 year, 1 to 3 years, 3 years and more, unknown; as in landmarks_v.',
    customers            UInt64                 COMMENT 'Customers with a probability of loss.',
    margin_known         UInt64                 COMMENT 'Of them, those whose margin is known: all amounts are of these.',
    annual_margin        Float64                COMMENT 'Their margin.',
    value_at_risk        Float64                COMMENT 'Margin that the next 12 months may take away, summed.',
    value_at_risk_excess Float64                COMMENT 'What of it is beyond that of customers of the same margin with the base rate of their segment.',
    compared             UInt64                 COMMENT 'Customers who had a value at risk 30 days before too: the change is theirs.',
    value_at_risk_before Float64                COMMENT 'What they had then.',
    value_at_risk_change Float64                COMMENT 'What they have now, less that.',
    other_model          UInt64                 COMMENT 'Of those compared, how many another model judged then: their change is partly the model\'s.',
    expected_losses      Float64                COMMENT 'Sum of p365.',
    prior                UInt64                 COMMENT 'Of the customers, those of whom only the prior score is known.'
)
AS SELECT
    r.segment AS segment,
    multiIf(c.started_at IS NULL, 'unknown', addYears(c.started_at, 1) > day, 'under 1 year', addYears(c.started_at, 3) > day, '1 to 3 years', '3 years and more') AS tenure,
    count() AS customers, countIf(r.value_at_risk IS NOT NULL) AS margin_known, sumIf(ifNull(r.annual_margin, 0), r.value_at_risk IS NOT NULL) AS annual_margin,
    sum(ifNull(r.value_at_risk, 0)) AS value_at_risk, sum(ifNull(r.value_at_risk_excess, 0)) AS value_at_risk_excess, countIf(r.value_at_risk_change IS NOT NULL) AS compared,
    sumIf(ifNull(r.value_at_risk_before, 0), r.value_at_risk_change IS NOT NULL) AS value_at_risk_before, sum(ifNull(r.value_at_risk_change, 0)) AS value_at_risk_change,
    countIf(r.value_at_risk_change IS NOT NULL AND r.other_model_before) AS other_model, sum(r.p365) AS expected_losses, countIf(r.prior) AS prior
FROM (SELECT *, (SELECT max(as_of) FROM {{database}}.scored_days_v) AS day FROM {{database}}.at_risk_v) AS r
LEFT JOIN (
    SELECT customer_id, if(empty(here), NULL, here[1].1) AS started_at
    FROM (SELECT customer_id, arrayFilter(s -> empty(ends) OR s.1 >= ends[-1].1, starts) AS here FROM {{database}}.contracts_v)
) AS c ON c.customer_id = r.customer_id
GROUP BY segment, tenure
COMMENT 'Value at risk by segment and by how long the contract has been in force. Cells are apart from each other and add up to all of value_at_risk_v.';

CREATE VIEW IF NOT EXISTS {{database}}.model_verdicts_v {{on_cluster}}
(
    model        LowCardinality(String) COMMENT 'Version of the model that is judged, as in model_quality_v.',
    in_force     Bool                   COMMENT 'true for the model by which all customers were scored last.',
    horizon      UInt16                 COMMENT 'Days within which the loss was foretold: 30, 90 or 365.',
    segment      LowCardinality(String) COMMENT 'Segment; empty for all of them. Segments are held to observed_expected only.',
    measure      LowCardinality(String) COMMENT 'auc, observed_expected, slope, brier, lift (of the tenth foretold highest) or psi: as in model_quality_v.',
    value        Nullable(Float64)      COMMENT 'The figure; NULL where there is none.',
    low          Nullable(Float64)      COMMENT 'Lower end of its 95 % interval; NULL where it has none.',
    high         Nullable(Float64)      COMMENT 'Upper end.',
    at_least     Nullable(Float64)      COMMENT 'Lower bound; NULL for none.',
    at_most      Nullable(Float64)      COMMENT 'Upper bound; of brier that of somebody who gives each customer the share lost of its segment; NULL for none.',
    verdict      LowCardinality(String) COMMENT 'good: within its bound. watch: not, or it could not be computed. none: it has no bound.',
    `projection` Bool                   COMMENT 'true where no outcome of such a length had been seen when it was learnt: read p as a projection.',
    losses       UInt64                 COMMENT 'Losses among the rows judged.',
    learnt_until DateTime64(3, 'UTC')   COMMENT 'What foretold was learnt from nothing later.',
    as_of        DateTime64(3, 'UTC')   COMMENT 'Up to when outcomes were known.'
)
AS SELECT
    model, CAST(model = (SELECT argMax(model, as_of) FROM {{database}}.scored_days_v), 'Bool') AS in_force, horizon, segment, m.1 AS measure, m.2 AS value, m.3 AS low, m.4 AS high,
    m.5 AS at_least, m.6 AS at_most,
    multiIf(
        m.5 IS NULL AND m.6 IS NULL, 'none',
        few, if(ifNull(m.3 <= m.6 AND m.4 >= m.5, false), 'good', 'watch'),
        measure IN ('brier', 'psi'), if(ifNull(m.2 < m.6, false), 'good', 'watch'),
        if(ifNull((m.5 IS NULL OR m.2 >= m.5) AND (m.6 IS NULL OR m.2 <= m.6), false), 'good', 'watch')) AS verdict,
    `projection`, losses, learnt_until, as_of
FROM (
    SELECT
        model, horizon, segment, `projection`, losses, learnt_until, as_of,
        segment != '' AND ifNull(greatest(observed, expected) < 100 AND expected > 0, false) AS few,
        arrayFilter(x -> segment = '' AND (x.1 != 'psi' OR x.2 IS NOT NULL) OR x.1 = 'observed_expected', CAST([
            ('auc', auc, auc_low, auc_high, 0.5, NULL),
            ('observed_expected', observed_expected, observed_expected_low, observed_expected_high, 0.8, 1.25),
            ('slope', slope, slope_low, slope_high, 0.8, 1.2),
            ('brier', brier, brier_low, brier_high, NULL, ifNull(brier_base, 0)),
            ('lift', lift, lift_low, lift_high, NULL, NULL),
            ('psi', psi, NULL, NULL, NULL, 0.1)
        ], 'Array(Tuple(String, Nullable(Float64), Nullable(Float64), Nullable(Float64), Nullable(Float64), Nullable(Float64)))')) AS measures
    FROM {{database}}.model_quality_v
)
ARRAY JOIN measures AS m
COMMENT 'The quality of each model, figure by figure, held against its bounds (docs/churnmodel.md): AUC at least 0.5, observed / expected 0.8 to 1.25 overall and in each segment (one with fewer than 100 losses, observed and foretold, fails only with its whole interval), slope 0.8 to 1.2, Brier below the base, drift (psi) below 0.1.';

CREATE VIEW IF NOT EXISTS {{database}}.churn_model_v {{on_cluster}}
(
    as_of          DateTime64(3, 'UTC')           COMMENT 'The midnight (UTC) as of which all customers were scored last.',
    model          LowCardinality(String)         COMMENT 'Version of the model in force then; prior for none.',
    prior          Bool                           COMMENT 'true where nothing was learnt yet: scores are judgement.',
    effective_from Nullable(DateTime64(3, 'UTC')) COMMENT 'From when on it scores; NULL for the prior.',
    scored         UInt32                         COMMENT 'Customers of whom there was something to say.',
    judged         UInt64                         COMMENT 'Figures of its quality that have a bound; 0 where it was never judged.',
    good           UInt64                         COMMENT 'Of them, those within it.',
    watch          Array(Tuple(measure String, horizon UInt16, segment String)) COMMENT 'Those that are not.',
    projected      Array(UInt16)                  COMMENT 'Horizons of which there was no outcome to judge by, or none was learnt from: read p as a projection.',
    judged_until   Nullable(DateTime64(3, 'UTC')) COMMENT 'Up to when outcomes were known when it was judged; NULL where it never was.'
)
AS SELECT
    s.as_of AS as_of, s.model AS model, CAST(s.model = 'prior', 'Bool') AS prior,
    if(s.model = 'prior', NULL, (SELECT maxOrNull(effective_from) FROM {{database}}.models_v WHERE version = (SELECT argMax(model, as_of) FROM {{database}}.scored_days_v))) AS effective_from,
    s.scored AS scored, v.judged AS judged, v.good AS good, v.watch AS watch, arrayFilter(h -> NOT has(v.known, h), CAST([30, 90, 365], 'Array(UInt16)')) AS projected,
    if(v.judged > 0, v.until, NULL) AS judged_until
FROM (SELECT max(d.as_of) AS as_of, argMax(model, d.as_of) AS model, argMax(scored, d.as_of) AS scored, count() AS days FROM {{database}}.scored_days_v AS d) AS s
CROSS JOIN (
    SELECT
        countIf(verdict != 'none') AS judged, countIf(verdict = 'good') AS good, max(q.as_of) AS until, groupUniqArrayIf(horizon, NOT q.`projection`) AS known,
        arraySort(groupArrayIf((toString(measure), horizon, toString(segment)), verdict = 'watch')) AS watch
    FROM {{database}}.model_verdicts_v AS q
    WHERE in_force
) AS v
WHERE s.days > 0
COMMENT 'The model by which all customers were scored last, and whether it is good enough by its bounds: one row, none before anything was scored.';

CREATE OR REPLACE VIEW {{database}}.customers_to_call_v {{on_cluster}}
(
    rank                 UInt32                 COMMENT 'Place, from 1: by value at risk beyond that of the segment, then by p365; customers whose margin is not known come last.',
    customer_id          String                 COMMENT 'Pseudonym of the customer. Who objected, whose contract ended and who is captive is not here.',
    segment              LowCardinality(String) COMMENT 'Segment.',
    p30                  Float64                COMMENT 'Probability of a voluntary loss within 30 days.',
    p365                 Float64                COMMENT 'The same within 365 days.',
    base365              Nullable(Float64)      COMMENT 'The same of the segment.',
    annual_margin        Nullable(Float64)      COMMENT 'Of the contract; NULL when not known.',
    value_at_risk        Nullable(Float64)      COMMENT 'Margin that the next 12 months may take away.',
    value_at_risk_excess Nullable(Float64)      COMMENT 'What of it is beyond that of the segment.',
    signals              Array(String)          COMMENT 'Kinds of the churn signals that stand, the one raised last first.',
    reasons_fr           Array(String)          COMMENT 'What weighs most in the score, in French, heaviest first.',
    reasons_en           Array(String)          COMMENT 'The same in English.',
    prior                Bool                   COMMENT 'true for the prior score: what is thought before anything is learnt.',
    as_of                DateTime64(3, 'UTC')   COMMENT 'As of which midnight the score was told.',
    projection365        Bool                   COMMENT 'true where p365 is to be called a projection.'
)
AS SELECT
    toUInt32(row_number() OVER (ORDER BY value_at_risk_excess DESC NULLS LAST, p365 DESC, customer_id)) AS rank, customer_id, segment, p30, p365, base365, annual_margin,
    value_at_risk, value_at_risk_excess, signals, reasons_fr, reasons_en, prior, as_of, projection365
FROM {{database}}.at_risk_v
COMMENT 'Whom to call first: customers by what they have at risk beyond what their segment has anyway, with what is known of why. It ranks human attention and decides nothing.';

CREATE VIEW IF NOT EXISTS {{database}}.calibration_in_force_v {{on_cluster}}
(
    horizon   UInt16                 COMMENT 'Days within which the loss was foretold: 30, 90 or 365.',
    segment   LowCardinality(String) COMMENT 'Segment; empty for all of them.',
    tenth     UInt8                  COMMENT 'From 1, those foretold highest, to 10.',
    rows      UInt64                 COMMENT 'Rows; those of one p on an edge are split.',
    predicted Nullable(Float64)      COMMENT 'Mean of p.',
    observed  Nullable(Float64)      COMMENT 'Share lost.',
    low       Nullable(Float64)      COMMENT 'Lower end of its 95 % interval (Wilson over rows).',
    high      Nullable(Float64)      COMMENT 'Upper end.',
    lift      Nullable(Float64)      COMMENT 'Share lost, over that of all.'
)
AS SELECT horizon, segment, tenth, rows, predicted, observed, low, high, lift
FROM {{database}}.model_calibration_v
WHERE model = (SELECT argMax(model, as_of) FROM {{database}}.scored_days_v)
COMMENT 'model_calibration_v of the model by which all customers were scored last: what it foretold against what came, by tenths.';

CREATE VIEW IF NOT EXISTS {{database}}.complaints_v {{on_cluster}}
(
    complaint_id         String                         COMMENT 'Source and id of its complaint.filed, a space between them.',
    journey_id           String                         COMMENT 'The journey that it is in.',
    customer_id          String                         COMMENT 'Pseudonym of the customer; empty when unidentified.',
    case_id              String                         COMMENT 'Case of the complaint; empty when none was given.',
    filed_at             DateTime64(3, 'UTC')           COMMENT 'When it was first told, to anyone.',
    sent_at              Nullable(DateTime64(3, 'UTC')) COMMENT 'When the customer sent it; NULL when not known. Clocks run from there where it is earlier.',
    channel              LowCardinality(String)         COMMENT 'Channel of its first telling; empty when not given.',
    reason_family        LowCardinality(String)         COMMENT 'First token of its reason; empty when unknown.',
    reason               LowCardinality(String)         COMMENT 'Its reason; empty when none was stated.',
    silo                 LowCardinality(String)         COMMENT 'Silo that owns the reason, as the rules say; empty where clocks are not measured. A complaint counts for no unit: recording it worsens nobody\'s figures.',
    regime               LowCardinality(String)         COMMENT 'Legal regime: payment, or empty for the general one.',
    segment              String                         COMMENT 'Segment of the customer as they stand now (customers_v); standard where nothing is known.',
    measured             Bool                           COMMENT 'true when its clocks are measured; false where its source never sends what would stop them.',
    acknowledge_due      Nullable(DateTime64(3, 'UTC')) COMMENT 'By when it must be acknowledged; NULL where not measured.',
    acknowledged_at      Nullable(DateTime64(3, 'UTC')) COMMENT 'When it was acknowledged, or answered if that came first; NULL while it is not.',
    acknowledged_in_time Nullable(Bool)                 COMMENT 'Whether in time; NULL while nobody can say, and where not measured.',
    acknowledge_matured  Bool                           COMMENT 'true where rates may count it: it was filed on a day that ends before the first complaint whose acknowledgement may still come in time.',
    answer_due           Nullable(DateTime64(3, 'UTC')) COMMENT 'By when it must be answered; NULL where not measured.',
    answered_at          Nullable(DateTime64(3, 'UTC')) COMMENT 'When it was answered; NULL while it is not.',
    answered_in_time     Nullable(Bool)                 COMMENT 'Whether in time; NULL while nobody can say, and where not measured.',
    answer_matured       Bool                           COMMENT 'true where rates may count it: it was filed on a day that ends before the first complaint whose answer may still come in time.',
    closed_at            Nullable(DateTime64(3, 'UTC')) COMMENT 'When it was closed; NULL while it is not.',
    open                 Bool                           COMMENT 'true while it is neither answered nor closed.',
    open_days            Nullable(Float64)              COMMENT 'Days since it was filed, up to the clock of the slowest partition; NULL when it is not open.',
    next_clock           LowCardinality(String)         COMMENT 'Of an open one, what is due next, or is overdue longest: acknowledgement or answer; else empty.',
    next_due             Nullable(DateTime64(3, 'UTC')) COMMENT 'Of an open one, by when that is due; else NULL.',
    due_in_days          Nullable(Float64)              COMMENT 'Days from the clock of the slowest partition to next_due; below 0 when overdue; else NULL.',
    escalated_to         Array(String)                  COMMENT 'To whom it went on, each once: management, mediator, authority, court; empty for nobody.',
    came_back            Bool                           COMMENT 'true when it was told again, or went on, after its answer.',
    customer_before      UInt32                         COMMENT 'Complaints of the same customer in the 365 days before; 0 for the unidentified.',
    before               Array(String)                  COMMENT 'Kinds of the breakpoints that came before it, each once: of the same customer in the 30 days before, incidents that reached them included, and all that came before it in the same journey. Witnesses are left out; empty for the unidentified.',
    rules_version        LowCardinality(String)         COMMENT 'Rules that its clocks were judged by; empty where not measured.'
)
AS WITH
    (SELECT min(settled) FROM {{database}}.frontier_v WHERE clock > '1900-01-01 00:00:00') AS all_settled,
    (SELECT min(clock) FROM {{database}}.frontier_v WHERE clock > '1900-01-01 00:00:00') AS now_at,
    told AS (
        SELECT
            journey_id, tupleElement(f, 'at') AS filed_at, tupleElement(f, 'id') AS complaint_id, tupleElement(f, 'customer') AS customer_id, tupleElement(f, 'of') AS case_id,
            tupleElement(f, 'channel') AS channel, tupleElement(f, 'reason') AS own_reason, tupleElement(f, 'regime') AS regime, tupleElement(f, 'sent') AS sent_at,
            arrayFilter(x -> tupleElement(x, 'step') > tupleElement(f, 'step') AND (tupleElement(x, 'of') = case_id OR tupleElement(x, 'of') = '' OR case_id = ''), steps) AS rest,
            arrayExists(x -> tupleElement(x, 'type') IN ('complaint.acknowledged', 'complaint.answered'), rest) AS has_acknowledgement,
            tupleElement(arrayFirst(x -> tupleElement(x, 'type') IN ('complaint.acknowledged', 'complaint.answered'), rest), 'at') AS acknowledgement,
            tupleElement(arrayFirst(x -> tupleElement(x, 'type') = 'complaint.answered', rest), 'at') AS answer,
            arrayExists(x -> tupleElement(x, 'type') = 'complaint.answered', rest) AS has_answer,
            tupleElement(arrayFirst(x -> tupleElement(x, 'type') = 'complaint.closed', rest), 'at') AS closing,
            arrayExists(x -> tupleElement(x, 'type') = 'complaint.closed', rest) AS has_closing,
            NOT arrayExists(x -> tupleElement(x, 'type') = 'complaint.filed' AND tupleElement(x, 'step') < tupleElement(f, 'step') AND tupleElement(x, 'of') = case_id, steps) AS first_of_case,
            tupleElement(f, 'step') AS step
        FROM (
            SELECT
                journey_id,
                arraySort(x -> tupleElement(x, 'step'), groupArray(CAST(
                    (s.step, s.time, s.type, s.case_id, s.customer_id, concat(s.source, ' ', s.event_id), s.channel, s.reason, d.regime, d.target, d.sent_at),
                    'Tuple(step UInt32, at DateTime64(3, \'UTC\'), type String, of String, customer String, id String, channel String, reason String, regime String, target String, sent Nullable(DateTime64(3, \'UTC\')))'))) AS steps
            FROM (
                SELECT journey_id, step, time, type, case_id, customer_id, channel, reason, source, event_id
                FROM {{database}}.journey_steps_v
                WHERE type IN ('complaint.filed', 'complaint.acknowledged', 'complaint.answered', 'complaint.escalated', 'complaint.closed')
            ) AS s
            LEFT JOIN (SELECT time, source, id, regime, target, sent_at FROM {{database}}.events_v WHERE type IN ('complaint.filed', 'complaint.escalated')) AS d
                ON d.time = s.time AND d.source = s.source AND d.id = s.event_id
            GROUP BY journey_id
        )
        ARRAY JOIN arrayFilter(x -> tupleElement(x, 'type') = 'complaint.filed', steps) AS f
    ),
    clocked AS (
        SELECT
            t.journey_id AS journey_id, t.filed_at AS filed_at, t.complaint_id AS complaint_id, t.customer_id AS customer_id, t.case_id AS case_id, t.channel AS channel, t.regime AS regime,
            t.sent_at AS sent_at, c.known AS measured, if(measured, toString(c.reason), t.own_reason) AS reason, c.silo AS silo, c.rules_version AS rules_version,
            if(measured, c.acknowledge_due, NULL) AS acknowledge_due, if(measured, c.answer_due, NULL) AS answer_due, c.acknowledge_broken AS acknowledge_broken, c.answer_broken AS answer_broken,
            if(t.has_acknowledgement, t.acknowledgement, NULL) AS acknowledged_at, if(t.has_answer, t.answer, NULL) AS answered_at, if(t.has_closing, t.closing, NULL) AS closed_at,
            t.rest AS rest,
            t.has_answer AND arrayExists(x -> tupleElement(x, 'type') IN ('complaint.filed', 'complaint.escalated') AND tupleElement(x, 'at') > t.answer, t.rest) AS came_back, t.step AS step, t.first_of_case AS first_of_case
        FROM told AS t
        LEFT JOIN (
            SELECT
                journey_id, at, true AS known, any(reason) AS reason, any(silo) AS silo, any(rules_version) AS rules_version, maxIf(matures_at, clock = 'acknowledgement') AS acknowledge_due,
                maxIf(matures_at, clock = 'answer') AS answer_due, maxIf(broken, clock = 'acknowledgement') AS acknowledge_broken, maxIf(broken, clock = 'answer') AS answer_broken
            FROM {{database}}.opportunities_v
            WHERE kind = 'sla_breach' AND clock IN ('acknowledgement', 'answer')
            GROUP BY journey_id, at
        ) AS c ON c.journey_id = t.journey_id AND c.at = t.filed_at
    ),
    -- A complaint told again before it was answered has no clock of its own. Where nothing of the journey is measured, the first of each case is one.
    counted AS (
        SELECT *
        FROM (SELECT *, max(measured) OVER (PARTITION BY journey_id) AS any_measured FROM clocked)
        WHERE measured OR first_of_case AND NOT any_measured
        ORDER BY journey_id, filed_at, step
        LIMIT 1 BY journey_id, filed_at
    ),
    -- What came before the next complaint of the same case is this one's.
    minOrNull(c.filed_at) OVER (PARTITION BY c.journey_id, c.case_id ORDER BY c.filed_at ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) AS next_at
SELECT
    c.complaint_id AS complaint_id, c.journey_id AS journey_id, c.customer_id AS customer_id, c.case_id AS case_id, c.filed_at AS filed_at, c.sent_at AS sent_at, c.channel AS channel,
    if(splitByChar('.', c.reason)[1] IN ('unknown', 'other'), '', splitByChar('.', c.reason)[1]) AS reason_family, c.reason AS reason, c.silo AS silo, c.regime AS regime,
    ifNull(nullIf(arrayFirst(g -> (g.2 IS NULL OR ifNull(g.2 = k.starts[-1].4, false)) AND (g.3 = '' OR g.3 = k.starts[-1].2) AND (g.4 IS NULL OR ifNull(k.starts[-1].3 >= g.4, false)),
        (SELECT segments FROM {{database}}.ranking_rules_v)).1, ''), 'standard') AS segment,
    CAST(c.measured, 'Bool') AS measured, c.acknowledge_due AS acknowledge_due, c.acknowledged_at AS acknowledged_at,
    CAST(multiIf(NOT c.measured, NULL, c.acknowledge_broken, false, c.acknowledged_at IS NOT NULL OR c.acknowledge_due < all_settled, true, NULL), 'Nullable(Bool)') AS acknowledged_in_time,
    CAST(ifNull(c.measured AND toDateTime64(toDate32(c.filed_at) + 1, 3, 'UTC') <= least(all_settled, ifNull(minIfOrNull(c.filed_at, c.acknowledge_due >= all_settled) OVER (), all_settled)), false), 'Bool') AS acknowledge_matured,
    c.answer_due AS answer_due, c.answered_at AS answered_at,
    CAST(multiIf(NOT c.measured, NULL, c.answer_broken, false, c.answered_at IS NOT NULL OR c.answer_due < all_settled, true, NULL), 'Nullable(Bool)') AS answered_in_time,
    CAST(ifNull(c.measured AND toDateTime64(toDate32(c.filed_at) + 1, 3, 'UTC') <= least(all_settled, ifNull(minIfOrNull(c.filed_at, c.answer_due >= all_settled) OVER (), all_settled)), false), 'Bool') AS answer_matured,
    c.closed_at AS closed_at, CAST(c.answered_at IS NULL AND c.closed_at IS NULL, 'Bool') AS open,
    if(open, dateDiff('second', c.filed_at, now_at) / 86400, NULL) AS open_days,
    multiIf(NOT open OR NOT c.measured, '', c.acknowledged_at IS NULL, 'acknowledgement', 'answer') AS next_clock,
    multiIf(next_clock = '', NULL, next_clock = 'acknowledgement', c.acknowledge_due, c.answer_due) AS next_due,
    dateDiff('second', now_at, next_due) / 86400 AS due_in_days,
    arraySort(arrayDistinct(arrayMap(x -> tupleElement(x, 'target'), arrayFilter(x -> tupleElement(x, 'type') = 'complaint.escalated' AND tupleElement(x, 'target') != '' AND ifNull(tupleElement(x, 'at') < next_at, true), c.rest)))) AS escalated_to,
    CAST(c.came_back, 'Bool') AS came_back,
    if(c.customer_id = '', 0, toUInt32(count() OVER (PARTITION BY c.customer_id ORDER BY toUnixTimestamp64Second(c.filed_at) RANGE BETWEEN 31536000 PRECEDING AND 1 PRECEDING))) AS customer_before,
    arraySort(arrayDistinct(arrayMap(x -> x.1, arrayFilter(x -> x.3 < c.filed_at AND (x.3 >= c.filed_at - INTERVAL 30 DAY OR x.2 = c.journey_id), b.broke)))) AS before, c.rules_version AS rules_version
FROM counted AS c
LEFT JOIN (
    SELECT customer_id, groupArray((kind, journey_id, occurred_at)) AS broke
    FROM (
        SELECT customer_id, toString(kind) AS kind, journey_id, occurred_at FROM {{database}}.breakpoints_v WHERE NOT witness
        UNION ALL
        SELECT customer_id, 'core_failure', '', met_at FROM {{database}}.incident_customers_v
    )
    WHERE customer_id != '' AND customer_id IN (SELECT customer_id FROM {{database}}.events_v WHERE type = 'complaint.filed')
    GROUP BY customer_id
) AS b ON b.customer_id = c.customer_id
LEFT JOIN {{database}}.contracts_v AS k ON k.customer_id = c.customer_id
COMMENT 'Every complaint that is in a journey, once: told again before it was answered, it is the same one. Clocks are those of the law by its calendar (product.md); what came too late for journeys is not here, and neither is an escalation of a complaint that nobody filed with us.';

CREATE VIEW IF NOT EXISTS {{database}}.complaint_clocks_v {{on_cluster}}
(
    month         Date32                 COMMENT 'First day of the month in which the complaints were filed, UTC.',
    clock         LowCardinality(String) COMMENT 'acknowledgement, answer, or both: in time with the two, as complaints_in_time of figures_v.',
    by            LowCardinality(String) COMMENT 'all, regime, reason_family, silo or segment: cells of one are apart from each other and add up to all.',
    name          String                 COMMENT 'Which of them; empty for all, for the general regime, and where not known.',
    complaints    UInt64                 COMMENT 'Complaints with such a clock, on the days that may be drawn: n.',
    in_time       UInt64                 COMMENT 'Of them, those in time.',
    share         Float64                COMMENT 'in_time / complaints.',
    low           Float64                COMMENT 'Lower end of its 95 % interval, by Wilson.',
    high          Float64                COMMENT 'Upper end.',
    matured_until DateTime64(3, 'UTC')   COMMENT 'Days that end up to then are drawn: no event before it can still enter journeys, and the clock has run out for every complaint before it.',
    complete      Bool                   COMMENT 'true when the whole month ends before matured_until; else only its first days are counted.'
)
AS WITH
    1.959963984540054 AS z,
    z * z / complaints AS zz,
    z * sqrt(share * (1 - share) / complaints + zz / complaints / 4) AS half
SELECT
    month, clock, by, name, complaints, in_time, in_time / complaints AS share, if(in_time = 0, 0, (share + zz / 2 - half) / (1 + zz)) AS low,
    if(in_time = complaints, 1, (share + zz / 2 + half) / (1 + zz)) AS high, matured_until, CAST(toDateTime64(addMonths(month, 1), 3, 'UTC') <= matured_until, 'Bool') AS complete
FROM (
    SELECT
        makeDate32(toYear(c.filed_at), toMonth(c.filed_at), 1) AS month, k.1 AS clock, b.1 AS by, b.2 AS name, count() AS complaints, countIf(k.3) AS in_time, any(k.4) AS matured_until
    FROM (
        SELECT
            filed_at,
            [('all', ''), ('regime', toString(regime)), ('reason_family', toString(reason_family)), ('silo', toString(silo)), ('segment', segment)] AS cells,
            least(all_settled, ifNull(minIfOrNull(filed_at, acknowledge_due >= all_settled) OVER (), all_settled)) AS acknowledged_until,
            least(all_settled, ifNull(minIfOrNull(filed_at, answer_due >= all_settled) OVER (), all_settled)) AS answered_until,
            [('acknowledgement', acknowledge_matured, ifNull(acknowledged_in_time, false), acknowledged_until), ('answer', answer_matured, ifNull(answered_in_time, false), answered_until),
             ('both', acknowledge_matured AND answer_matured, ifNull(acknowledged_in_time AND answered_in_time, false), least(acknowledged_until, answered_until))] AS clocks
        FROM (SELECT *, (SELECT min(settled) FROM {{database}}.frontier_v WHERE clock > '1900-01-01 00:00:00') AS all_settled FROM {{database}}.complaints_v WHERE measured)
    ) AS c
    ARRAY JOIN clocks AS k
    ARRAY JOIN cells AS b
    WHERE k.2
    GROUP BY month, clock, by, name
)
COMMENT 'Complaints acknowledged and answered in time, by month of filing, of days for which the clock has run out for all. Where a source never sends what would stop a clock, its complaints are not measured and not here.';
