-- How good the foretelling of losses is, who was lost, and what is at risk. docs/churn.md explains it all.

CREATE TABLE IF NOT EXISTS {{database}}.churn_rules {{on_cluster}}
(
    written_at    DateTime64(3, 'UTC') COMMENT 'When it was written; the latest row holds.',
    rules_version String               COMMENT 'Version of the rule book that says so.',
    segments      Array(Tuple(name String, captive Nullable(Bool), product String, annual_margin_from Nullable(Float64), cancelled Bool, value_down Float64, for_s UInt32)) COMMENT 'The first that fits holds; NULL and an empty product fit everybody, and the last one does. Lost is whose contract was cancelled by the customer (where cancelled), or whose value fell by the share value_down of the highest it had and stayed there for for_s seconds.'
)
ENGINE = {{replicated}}ReplacingMergeTree
ORDER BY written_at
COMMENT 'What the rule book counts as lost, copied here whenever it says something else. Read losses_v.';

CREATE TABLE IF NOT EXISTS {{database}}.model_predictions {{on_cluster}}
(
    computed_at DateTime64(3, 'UTC')   COMMENT 'When it was judged: all rows of one judgement have the same.',
    model       LowCardinality(String) COMMENT 'Version of the model that is judged, as in models_v and churn_scores_v; prior for the one that learnt nothing.',
    landmark    Date32                 COMMENT 'The midnight (UTC) as of which it was foretold.',
    customer_id String                 COMMENT 'Pseudonym of the customer.',
    horizon     UInt16                 COMMENT 'Days within which the loss was foretold: 30, 90 or 365.',
    segment     LowCardinality(String) COMMENT 'Of the customer, as of the landmark.',
    p           Float64                COMMENT 'Probability of loss within the horizon, foretold by what was known at the landmark.',
    lost        Bool                   COMMENT 'true when the customer was lost within the horizon.',
    weight      Float64                COMMENT '1; more where it stands for customers whose contract somebody else ended before the horizon: 1 / the share (Kaplan and Meier) of contracts that nobody else had ended by then.'
)
ENGINE = {{replicated}}ReplacingMergeTree
PARTITION BY toYYYYMM(computed_at)
ORDER BY (computed_at, model, horizon, landmark, customer_id)
COMMENT 'What was foretold of customers out of time, and what came of it, as often as a model was judged. Read model_predictions_v.';

CREATE TABLE IF NOT EXISTS {{database}}.model_quality {{on_cluster}}
(
    computed_at   DateTime64(3, 'UTC')   COMMENT 'When it was judged: all rows of one judgement have the same.',
    model         LowCardinality(String) COMMENT 'Version of the model that is judged, as in models_v and churn_scores_v.',
    learnt_until  DateTime64(3, 'UTC')   COMMENT 'What foretold was learnt from nothing later: the predictions are of landmarks after it, and so are all their outcomes.',
    as_of         DateTime64(3, 'UTC')   COMMENT 'Up to when outcomes were known.',
    rules_version LowCardinality(String) COMMENT 'Rule book that says what a loss is.',
    horizon       UInt16                 COMMENT 'Days within which the loss was foretold: 30, 90 or 365.',
    segment       LowCardinality(String) COMMENT 'Segment; empty for all of them.',
    measure       LowCardinality(String) COMMENT 'Which figure: a column of model_quality_v, or of tenths predicted, observed_share and lift.',
    bin           UInt8                  COMMENT 'Tenth of the rows by p, from 1, the highest; 0 for all of them.',
    value         Nullable(Float64)      COMMENT 'The figure; NULL where there is none.',
    low           Nullable(Float64)      COMMENT 'Lower end of its 95 % interval; NULL where it has none.',
    high          Nullable(Float64)      COMMENT 'Upper end.',
    n             UInt64                 COMMENT 'Rows that it is of.'
)
ENGINE = {{replicated}}ReplacingMergeTree
ORDER BY (computed_at, model, horizon, segment, measure, bin)
COMMENT 'How good models were on what came after what they had learnt from, figure by figure, as often as that was judged. Read model_quality_v and model_calibration_v.';

CREATE VIEW IF NOT EXISTS {{database}}.model_quality_v {{on_cluster}}
(
    model                  LowCardinality(String) COMMENT 'Version of the model that is judged, as in models_v and churn_scores_v.',
    horizon                UInt16                 COMMENT 'Days within which the loss was foretold: 30, 90 or 365.',
    segment                LowCardinality(String) COMMENT 'Segment; empty for all of them.',
    computed_at            DateTime64(3, 'UTC')   COMMENT 'When it was judged.',
    learnt_until           DateTime64(3, 'UTC')   COMMENT 'What foretold was learnt from nothing later: the predictions are of landmarks after it, and so are all their outcomes.',
    as_of                  DateTime64(3, 'UTC')   COMMENT 'Up to when outcomes were known.',
    rules_version          LowCardinality(String) COMMENT 'Rule book that says what a loss is.',
    rows                   UInt64                 COMMENT 'Predictions judged: one a customer and landmark.',
    customers              UInt64                 COMMENT 'Customers among them.',
    losses                 UInt64                 COMMENT 'Of the rows, lost within the horizon.',
    observed               Nullable(Float64)      COMMENT 'Losses, weighted: who was followed to the end stands for those whom another ending took away.',
    expected               Nullable(Float64)      COMMENT 'Sum of p, weighted.',
    auc                    Nullable(Float64)      COMMENT 'Of one row lost and one not lost, the probability that the lost one had the higher p; ties count half. NULL where nobody was lost.',
    auc_low                Nullable(Float64)      COMMENT 'Lower end of its 95 % interval, over customers.',
    auc_high               Nullable(Float64)      COMMENT 'Upper end.',
    pr_auc                 Nullable(Float64)      COMMENT 'Average precision: what share of those foretold at least as high is lost, mean over the lost; observed / rows for a model that says nothing.',
    pr_auc_low             Nullable(Float64)      COMMENT 'Lower end of its 95 % interval, over customers.',
    pr_auc_high            Nullable(Float64)      COMMENT 'Upper end.',
    brier                  Nullable(Float64)      COMMENT 'Mean of (lost - p) squared. Less is better.',
    brier_low              Nullable(Float64)      COMMENT 'Lower end of its 95 % interval, over customers.',
    brier_high             Nullable(Float64)      COMMENT 'Upper end.',
    brier_base             Nullable(Float64)      COMMENT 'The same of somebody who gives each customer the share lost of its segment, as it came out: what a model must beat.',
    brier_skill            Nullable(Float64)      COMMENT '1 - brier / brier_base.',
    brier_skill_low        Nullable(Float64)      COMMENT 'Lower end of its 95 % interval, over customers.',
    brier_skill_high       Nullable(Float64)      COMMENT 'Upper end.',
    observed_expected      Nullable(Float64)      COMMENT 'observed / expected; 1 is right.',
    observed_expected_low  Nullable(Float64)      COMMENT 'Lower end of its 95 % interval, over customers.',
    observed_expected_high Nullable(Float64)      COMMENT 'Upper end.',
    slope                  Nullable(Float64)      COMMENT 'Calibration slope: of the log odds of the outcome on those foretold (Cox 1958). 1 is right; below 1, extremes are too extreme.',
    slope_low              Nullable(Float64)      COMMENT 'Lower end of its 95 % interval, over customers.',
    slope_high             Nullable(Float64)      COMMENT 'Upper end.',
    intercept              Nullable(Float64)      COMMENT 'Intercept of the same regression.',
    level                  Nullable(Float64)      COMMENT 'The same with a slope of 1: above 0, too little is foretold.',
    level_low              Nullable(Float64)      COMMENT 'Lower end of its 95 % interval, over customers.',
    level_high             Nullable(Float64)      COMMENT 'Upper end.',
    ece                    Nullable(Float64)      COMMENT 'Expected calibration error: mean distance of share lost and mean p over tenths by p.',
    ece_low                Nullable(Float64)      COMMENT 'Lower end of its 95 % interval, over customers.',
    ece_high               Nullable(Float64)      COMMENT 'Upper end.',
    lift                   Nullable(Float64)      COMMENT 'Share lost among the tenth foretold highest, over that of all.',
    lift_low               Nullable(Float64)      COMMENT 'Lower end of its 95 % interval, over customers.',
    lift_high              Nullable(Float64)      COMMENT 'Upper end.',
    psi                    Nullable(Float64)      COMMENT 'Drift: population stability index of the 365-day probabilities foretold against those of the training. Below 0.1 little has changed, above 0.25 much. NULL for other horizons.',
    `projection`           Bool                   COMMENT 'true where no outcome of such a length had been seen when it was learnt: read p as a projection.'
)
AS SELECT
    model, horizon, segment, any(q.computed_at) AS computed_at, any(q.learnt_until) AS learnt_until, any(q.as_of) AS as_of,
    any(q.rules_version) AS rules_version, anyIf(n, measure = 'auc') AS rows, toUInt64(ifNull(anyIf(value, measure = 'customers'), 0)) AS customers,
    toUInt64(ifNull(anyIf(value, measure = 'losses'), 0)) AS losses, anyIf(value, measure = 'observed') AS observed,
    anyIf(value, measure = 'expected') AS expected, anyIf(value, measure = 'auc') AS auc, anyIf(q.low, measure = 'auc') AS auc_low,
    anyIf(q.high, measure = 'auc') AS auc_high, anyIf(value, measure = 'pr_auc') AS pr_auc, anyIf(q.low, measure = 'pr_auc') AS pr_auc_low,
    anyIf(q.high, measure = 'pr_auc') AS pr_auc_high, anyIf(value, measure = 'brier') AS brier, anyIf(q.low, measure = 'brier') AS brier_low,
    anyIf(q.high, measure = 'brier') AS brier_high, anyIf(value, measure = 'brier_base') AS brier_base,
    anyIf(value, measure = 'brier_skill') AS brier_skill, anyIf(q.low, measure = 'brier_skill') AS brier_skill_low,
    anyIf(q.high, measure = 'brier_skill') AS brier_skill_high, anyIf(value, measure = 'observed_expected') AS observed_expected,
    anyIf(q.low, measure = 'observed_expected') AS observed_expected_low, anyIf(q.high, measure = 'observed_expected') AS observed_expected_high,
    anyIf(value, measure = 'slope') AS slope, anyIf(q.low, measure = 'slope') AS slope_low, anyIf(q.high, measure = 'slope') AS slope_high,
    anyIf(value, measure = 'intercept') AS intercept, anyIf(value, measure = 'level') AS level, anyIf(q.low, measure = 'level') AS level_low,
    anyIf(q.high, measure = 'level') AS level_high, anyIf(value, measure = 'ece') AS ece, anyIf(q.low, measure = 'ece') AS ece_low,
    anyIf(q.high, measure = 'ece') AS ece_high, anyIf(value, measure = 'lift' AND bin = 1) AS lift,
    anyIf(q.low, measure = 'lift' AND bin = 1) AS lift_low, anyIf(q.high, measure = 'lift' AND bin = 1) AS lift_high,
    anyIf(value, measure = 'psi') AS psi, CAST(ifNull(anyIf(value, measure = 'projection'), 0) = 1, 'Bool') AS `projection`
FROM (SELECT * FROM {{database}}.model_quality FINAL WHERE (model, computed_at) IN (SELECT model, max(computed_at) FROM {{database}}.model_quality GROUP BY model)) AS q
GROUP BY model, horizon, segment
COMMENT 'How good each model is on what came after what it had learnt from, as judged last: one row a horizon and segment. To be shown wherever its scores are. model_predictions_v has what it follows from, and model_recomputed_v follows it; model_calibration_v shows tenths.';

CREATE VIEW IF NOT EXISTS {{database}}.model_calibration_v {{on_cluster}}
(
    model     LowCardinality(String) COMMENT 'Version of the model that is judged, as in models_v and churn_scores_v.',
    horizon   UInt16                 COMMENT 'Days within which the loss was foretold: 30, 90 or 365.',
    segment   LowCardinality(String) COMMENT 'Segment; empty for all of them.',
    tenth     UInt8                  COMMENT 'From 1, those foretold highest, to 10.',
    rows      UInt64                 COMMENT 'Rows; those of one p on an edge are split.',
    predicted Nullable(Float64)      COMMENT 'Mean of p.',
    observed  Nullable(Float64)      COMMENT 'Share lost.',
    low       Nullable(Float64)      COMMENT 'Lower end of its 95 % interval (Wilson).',
    high      Nullable(Float64)      COMMENT 'Upper end.',
    lift      Nullable(Float64)      COMMENT 'Share lost, over that of all.',
    lift_low  Nullable(Float64)      COMMENT 'Lower end of its 95 % interval, over customers.',
    lift_high Nullable(Float64)      COMMENT 'Upper end.'
)
AS SELECT
    model, horizon, segment, bin AS tenth, anyIf(n, measure = 'predicted') AS rows, anyIf(value, measure = 'predicted') AS predicted, anyIf(value, measure = 'observed_share') AS observed,
    anyIf(q.low, measure = 'observed_share') AS low, anyIf(q.high, measure = 'observed_share') AS high, anyIf(value, measure = 'lift') AS lift,
    anyIf(q.low, measure = 'lift') AS lift_low, anyIf(q.high, measure = 'lift') AS lift_high
FROM (SELECT * FROM {{database}}.model_quality FINAL WHERE bin > 0 AND (model, computed_at) IN (SELECT model, max(computed_at) FROM {{database}}.model_quality GROUP BY model)) AS q
GROUP BY model, horizon, segment, tenth
COMMENT 'What was foretold against what came, by tenths of the rows from the highest p to the lowest, as judged last: the table behind the calibration error and the lift.';

CREATE VIEW IF NOT EXISTS {{database}}.model_predictions_v {{on_cluster}}
(
    model       LowCardinality(String) COMMENT 'Version of the model that is judged, as in models_v and churn_scores_v; prior for the one that learnt nothing.',
    landmark    Date32                 COMMENT 'The midnight (UTC) as of which it was foretold.',
    customer_id String                 COMMENT 'Pseudonym of the customer.',
    horizon     UInt16                 COMMENT 'Days within which the loss was foretold: 30, 90 or 365.',
    segment     LowCardinality(String) COMMENT 'Of the customer, as of the landmark.',
    p           Float64                COMMENT 'Probability of loss within the horizon, foretold by what was known at the landmark.',
    lost        Bool                   COMMENT 'true when the customer was lost within the horizon.',
    weight      Float64                COMMENT '1; more where it stands for customers whose contract somebody else ended before the horizon: 1 / the share (Kaplan and Meier) of contracts that nobody else had ended by then.'
)
AS SELECT
    model, landmark, customer_id, horizon, segment, p, lost, weight
FROM {{database}}.model_predictions FINAL
WHERE (model, computed_at) IN (SELECT model, max(computed_at) FROM {{database}}.model_quality GROUP BY model)
    AND customer_id NOT IN (SELECT customer_id FROM {{database}}.contracts_v WHERE objected)
COMMENT 'What each model foretold out of time, and what came of it: the rows behind model_quality_v, as judged last. Whose contract somebody else ended before the horizon is in none, and others weigh more for it. Customers who objected since are not listed, so figures computed from here then differ a little from those of the day.';

CREATE VIEW IF NOT EXISTS {{database}}.model_recomputed_v {{on_cluster}}
(
    model      LowCardinality(String) COMMENT 'Version of the model that is judged, as in models_v and churn_scores_v; prior for the one that learnt nothing.',
    horizon    UInt16                 COMMENT 'Days within which the loss was foretold: 30, 90 or 365.',
    segment    String                 COMMENT 'Segment; empty for all of them.',
    rows       UInt64                 COMMENT 'Rows of model_predictions_v.',
    losses     UInt64                 COMMENT 'Of them, lost.',
    auc        Nullable(Float64)      COMMENT 'By values of p: the weight not lost x (that of the lost with more + half of the lost with as much), summed, over lost x not lost.',
    pr_auc     Nullable(Float64)      COMMENT 'By values of p: the lost x the share lost among those with as much or more, summed, over lost.',
    brier      Float64                COMMENT 'sum(weight x (lost - p)^2) / sum(weight).',
    brier_base Float64                COMMENT 'By segments: the lost x (1 - share lost), summed, over the weight of all.',
    expected   Float64                COMMENT 'sum(weight x p).',
    oe         Nullable(Float64)      COMMENT 'Lost, weighted, over expected.',
    ece        Float64                COMMENT 'By tenths of the weight, in the order of p: |lost - expected|, summed, over the weight of all; of rows of one p on an edge a part.'
)
AS WITH judged AS (
    SELECT model, horizon, if(whole, '', toString(segment)) AS of, segment, p, lost, weight
    FROM {{database}}.model_predictions_v
    ARRAY JOIN [true, false] AS whole
)
SELECT
    s.model AS model, s.horizon AS horizon, s.of AS segment, s.n AS rows, s.l AS losses, r.auc AS auc, r.pr_auc AS pr_auc, s.brier AS brier, b.brier_base AS brier_base,
    s.expected AS expected, if(s.expected > 0, s.observed / s.expected, NULL) AS oe, e.ece AS ece
FROM (
    SELECT model, horizon, of, count() AS n, countIf(lost) AS l, sumIf(weight, lost) AS observed, sum(weight * p) AS expected, sum(weight * pow(lost - p, 2)) / sum(weight) AS brier
    FROM judged GROUP BY model, horizon, of
) AS s
INNER JOIN (
    SELECT model, horizon, of, sum(l * (1 - l / w)) / sum(w) AS brier_base
    FROM (SELECT model, horizon, of, segment, sum(weight) AS w, sumIf(weight, lost) AS l FROM judged GROUP BY model, horizon, of, segment)
    GROUP BY model, horizon, of
) AS b ON b.model = s.model AND b.horizon = s.horizon AND b.of = s.of
INNER JOIN (
    SELECT
        model, horizon, of, if(sum(l) > 0 AND sum(w - l) > 0, sum((w - l) * (lost_above + l / 2)) / (sum(l) * sum(w - l)), NULL) AS auc,
        if(sum(l) > 0, sum(l * (lost_above + l) / (above + w)) / sum(l), NULL) AS pr_auc
    FROM (
        SELECT
            model, horizon, of, w, l, sum(w) OVER higher - w AS above, sum(l) OVER higher - l AS lost_above
        FROM (SELECT model, horizon, of, p, sum(weight) AS w, sumIf(weight, lost) AS l FROM judged GROUP BY model, horizon, of, p)
        WINDOW higher AS (PARTITION BY model, horizon, of ORDER BY p DESC ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
    )
    GROUP BY model, horizon, of
) AS r ON r.model = s.model AND r.horizon = s.horizon AND r.of = s.of
INNER JOIN (
    SELECT model, horizon, of, sum(abs(apart)) / any(everything) AS ece
    FROM (
        SELECT
            model, horizon, of, tenth, any(whole) AS everything, sum((e - l) * greatest(0, least(above + w, (tenth + 1) * whole / 10) - greatest(above, tenth * whole / 10)) / w) AS apart
        FROM (
            SELECT model, horizon, of, w, l, e, sum(w) OVER higher - w AS above, sum(w) OVER (PARTITION BY model, horizon, of) AS whole
            FROM (SELECT model, horizon, of, p, sum(weight) AS w, sumIf(weight, lost) AS l, sum(weight * p) AS e FROM judged GROUP BY model, horizon, of, p)
            WINDOW higher AS (PARTITION BY model, horizon, of ORDER BY p DESC ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
        )
        ARRAY JOIN range(10) AS tenth
        GROUP BY model, horizon, of, tenth
    )
    GROUP BY model, horizon, of
) AS e ON e.model = s.model AND e.horizon = s.horizon AND e.of = s.of
COMMENT 'Figures of model_quality_v computed anew from model_predictions_v, one row a model, horizon and segment: they agree to six digits.';

CREATE VIEW IF NOT EXISTS {{database}}.losses_v {{on_cluster}}
(
    customer_id   String                         COMMENT 'Pseudonym of the customer. Customers who objected are not listed.',
    at            DateTime64(3, 'UTC')           COMMENT 'When the customer was lost: the end of the contract, or when its value had been down for so long.',
    why           LowCardinality(String)         COMMENT 'cancelled, value_down; other for an end that is no loss: by the company or somebody else, or of a segment in which a cancellation is none.',
    lost          Bool                           COMMENT 'true for a loss by the definition of the segment; false for another end, which only censors.',
    segment       String                         COMMENT 'Of the customer then: the first that fits the contract.',
    captive       Bool                           COMMENT 'true for a customer who could not leave.',
    product       String                         COMMENT 'Of the contract that started last.',
    annual_margin Nullable(Float64)              COMMENT 'Of the same; NULL when not given.',
    started_at    Nullable(DateTime64(3, 'UTC')) COMMENT 'When the customer became one: the first contract since the last end, or when its value came back; NULL where that is not known.'
)
AS WITH
    toInt64(9223372036854775807) AS never,
    (
        SELECT segments
        FROM (
            SELECT written_at, segments FROM {{database}}.churn_rules
            UNION ALL
            SELECT toDateTime64(0, 3, 'UTC'), CAST([('captive', true, '', NULL, true, 0.8, 7776000), ('standard', NULL, '', NULL, true, 0.8, 7776000)],
                'Array(Tuple(name String, captive Nullable(Bool), product String, annual_margin_from Nullable(Float64), cancelled Bool, value_down Float64, for_s UInt32))')
        )
        ORDER BY written_at DESC
        LIMIT 1
    ) AS book,
    w -> arrayFirst(g -> (g.2 IS NULL OR ifNull(g.2 = (w.5 = 1), false)) AND (g.3 = '' OR g.3 = w.3) AND (g.4 IS NULL OR ifNull(w.4 >= g.4, false)), book) AS rules_of,
    (w, at, why) -> (toUInt8(1), never, w.3, w.4, w.5, w.6, w.7, never, arrayPushBack(w.9, (at, why, rules_of(w).1, w.5, w.3, w.4, w.2))) AS left,
    (w, now) -> if(w.8 <= now, left(w, w.8, 'value_down'), w) AS lapsed,
    (w, at) -> arrayMap(total -> arrayMap(high -> arrayMap(down -> if(w.1 = 1 AND NOT down, (toUInt8(0), at, w.3, w.4, w.5, w.6, high, w.8, w.9),
            (w.1, w.2, w.3, w.4, w.5, w.6, high, multiIf(NOT down, never, w.8 = never AND w.1 = 0, at + 1000 * toInt64(rules_of(w).7), w.8), w.9)),
        [rules_of(w).6 > 0 AND high > 0 AND total <= high - high * rules_of(w).6])[1], [if(isNaN(w.7) OR total > w.7, total, w.7)])[1],
        [if(arrayExists(v -> NOT isNaN(v.2), w.6), arraySum(v -> if(isNaN(v.2), 0, v.2), w.6), nan)])[1] AS weighed,
    (w, f) -> weighed((toUInt8(0), if(w.1 = 1 OR w.2 = never, f.1, w.2), f.4, f.5, f.6, arrayPushBack(arrayFilter(v -> w.1 = 0 AND v.1 != f.4, w.6), (f.4, f.5)),
        if(w.1 = 1, nan, w.7), if(w.1 = 1, never, w.8), w.9), f.1) AS started,
    (w, f) -> if(isNaN(f.5) OR w.1 = 1 AND empty(w.6), w, weighed((w.1, w.2, w.3, w.4, w.5, arrayPushBack(arrayFilter(v -> v.1 != if(f.4 = '', w.3, f.4), w.6), (if(f.4 = '', w.3, f.4), f.5)), w.7, w.8, w.9), f.1)) AS valued,
    w -> (w.1, w.2, w.3, w.4, w.5, CAST([], 'Array(Tuple(String, Float64))'), nan, w.8, w.9) AS emptied,
    (w, f) -> emptied(if(w.1 = 1, w, left(w, f.1, if(f.6 = 1 AND rules_of(w).5, 'cancelled', 'other')))) AS ended
SELECT
    customer_id, fromUnixTimestamp64Milli(e.1, 'UTC') AS at, e.2 AS why, CAST(e.2 != 'other', 'Bool') AS lost, e.3 AS segment, CAST(e.4 = 1, 'Bool') AS captive, e.5 AS product,
    if(isNaN(e.6), NULL, e.6) AS annual_margin, if(e.7 = never, NULL, fromUnixTimestamp64Milli(least(e.7, toInt64(9000000000000)), 'UTC')) AS started_at
FROM (
    SELECT
        customer_id,
        arrayJoin(arrayFold(
            (acc, f) -> arrayMap(w -> multiIf(f.2 = 1, ended(w, f), f.2 = 2, started(w, f), f.2 = 3, valued(w, f), w), [lapsed(acc, if(f.2 = 0, f.1, f.1 - 1))])[1],
            arrayPushBack(arraySort(groupArray(fact)), (ifNull((SELECT toInt64(toUnixTimestamp64Milli(min(settled))) FROM {{database}}.frontier_v WHERE clock > '1900-01-01 00:00:00'), toInt64(0)), toUInt8(0), '', '', nan, toUInt8(0))),
            (toUInt8(0), never, '', nan, toUInt8(0), CAST([], 'Array(Tuple(String, Float64))'), nan, never, CAST([], 'Array(Tuple(Int64, String, String, UInt8, String, Float64, Int64))'))
        ).9) AS e
    FROM (
        SELECT
            customer_id, (toUnixTimestamp64Milli(time), toUInt8(transform(toString(type), ['contract.cancelled', 'contract.started', 'contract.value_changed'], [1, 2, 3], 0)), concat(source, ' ', id), toString(product),
                ifNull(if(type = 'contract.started', annual_margin, value), nan), toUInt8(if(type = 'contract.started', captive, initiated_by IN ('', 'customer')))) AS fact
        FROM {{database}}.events_v
        WHERE type IN ('contract.cancelled', 'contract.started', 'contract.value_changed') AND customer_id != ''
            AND (time, source, id) NOT IN (SELECT time, source, event_id FROM {{database}}.late_v)
            AND time <= (SELECT min(settled) FROM {{database}}.frontier_v WHERE clock > '1900-01-01 00:00:00')
            AND customer_id NOT IN (SELECT customer_id FROM {{database}}.contracts_v WHERE objected)
    )
    GROUP BY customer_id
)
COMMENT 'When contracts ended, up to where everything is settled, and which of that were losses, by what the rule book says of the segment. One row an end; a customer stands for all their contracts, and may be lost again after coming back: with a new contract, or one that is worth something again. Late events are not looked at.';

CREATE VIEW IF NOT EXISTS {{database}}.at_risk_v {{on_cluster}}
(
    customer_id          String                         COMMENT 'Pseudonym of the customer. Who objected, whose contract ended and who is captive is not here.',
    segment              LowCardinality(String)         COMMENT 'Segment.',
    as_of                DateTime64(3, 'UTC')           COMMENT 'The midnight (UTC) as of which the score was told: it stands.',
    model                LowCardinality(String)         COMMENT 'Version of the model that said it; model_quality_v says how good that is.',
    prior                Bool                           COMMENT 'true for the prior score: what is thought before anything is learnt.',
    p30                  Float64                        COMMENT 'Probability of a voluntary loss within 30 days.',
    p90                  Float64                        COMMENT 'The same within 90 days.',
    p365                 Float64                        COMMENT 'The same within 365 days.',
    low365               Nullable(Float64)              COMMENT 'Lower end of its 95 % interval.',
    high365              Nullable(Float64)              COMMENT 'Upper end.',
    base365              Nullable(Float64)              COMMENT 'The same probability of the segment.',
    projection365        Bool                           COMMENT 'true where p365 is to be called a projection.',
    annual_margin        Nullable(Float64)              COMMENT 'Of the contract, in the currency of the rules; NULL when not known.',
    value_at_risk        Nullable(Float64)              COMMENT 'Margin that the next 12 months may take away: sum over them of P(lost that month) x margin of the months left; NULL where the margin is not known.',
    value_at_risk_excess Nullable(Float64)              COMMENT 'What of it is beyond that of somebody with the base rate of the segment and the same margin.',
    before_as_of         Nullable(DateTime64(3, 'UTC')) COMMENT 'As of which midnight the score was told that stood 30 days before the last scored day; NULL for none.',
    p365_before          Nullable(Float64)              COMMENT 'That score\'s probability within 365 days.',
    value_at_risk_before Nullable(Float64)              COMMENT 'That score\'s value at risk.',
    value_at_risk_change Nullable(Float64)              COMMENT 'value_at_risk - value_at_risk_before; NULL where one of them is not known.',
    other_model_before   Bool                           COMMENT 'true where another model said it then: the change is partly the model\'s.',
    signals              Array(String)                  COMMENT 'Kinds of the churn signals that stand, the one raised last first.',
    reasons_fr           Array(String)                  COMMENT 'What weighs most in the score, in French, heaviest first.',
    reasons_en           Array(String)                  COMMENT 'The same in English.'
)
AS SELECT
    s.customer_id AS customer_id, s.segment AS segment, s.as_of AS as_of, s.model AS model, s.prior AS prior, assumeNotNull(s.p30) AS p30, assumeNotNull(s.p90) AS p90, assumeNotNull(s.p365) AS p365,
    s.low365 AS low365, s.high365 AS high365, s.base365 AS base365, s.projection365 AS projection365, s.annual_margin AS annual_margin, s.value_at_risk AS value_at_risk,
    s.value_at_risk_excess AS value_at_risk_excess, if(b.known, b.as_of, NULL) AS before_as_of, b.p365 AS p365_before, b.value_at_risk AS value_at_risk_before,
    s.value_at_risk - b.value_at_risk AS value_at_risk_change, CAST(b.known AND b.model != s.model, 'Bool') AS other_model_before, g.signals AS signals,
    s.reasons_fr AS reasons_fr, s.reasons_en AS reasons_en
FROM {{database}}.churn_scores_v AS s
LEFT JOIN (
    SELECT customer_id, as_of, model, p365, value_at_risk, true AS known
    FROM {{database}}.churn_scores_history_v
    WHERE ended = '' AND as_of <= (SELECT max(as_of) FROM {{database}}.scored_days_v) - INTERVAL 30 DAY AND ifNull(until > (SELECT max(as_of) FROM {{database}}.scored_days_v) - INTERVAL 30 DAY, true)
) AS b ON b.customer_id = s.customer_id
LEFT JOIN (
    SELECT customer_id, arrayMap(x -> x.2, arrayReverseSort(groupArray((raised_at, toString(kind))))) AS signals
    FROM {{database}}.churn_signals_v WHERE cleared_at IS NULL GROUP BY customer_id
) AS g ON g.customer_id = s.customer_id
WHERE s.p365 IS NOT NULL
COMMENT 'Every customer with a probability of loss, as told last, beside what was told 30 days before: what value at risk is added up from. A score ranks human attention; it never decides price, access or closure.';

CREATE VIEW IF NOT EXISTS {{database}}.customers_to_call_v {{on_cluster}}
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
    as_of                DateTime64(3, 'UTC')   COMMENT 'As of which midnight the score was told.'
)
AS SELECT
    toUInt32(row_number() OVER (ORDER BY value_at_risk_excess DESC NULLS LAST, p365 DESC, customer_id)) AS rank, customer_id, segment, p30, p365, base365, annual_margin,
    value_at_risk, value_at_risk_excess, signals, reasons_fr, reasons_en, prior, as_of
FROM {{database}}.at_risk_v
COMMENT 'Whom to call first: customers by what they have at risk beyond what their segment has anyway, with what is known of why. It ranks human attention and decides nothing.';

CREATE VIEW IF NOT EXISTS {{database}}.value_at_risk_v {{on_cluster}}
(
    by                   LowCardinality(String) COMMENT 'all, segment, reason_family or kind (of breakpoint). Segments are apart from each other and add up to all; reason families and kinds overlap and must never be added up: one customer is touched by several.',
    name                 String                 COMMENT 'Which of them; empty for all.',
    customers            UInt64                 COMMENT 'Customers with a probability of loss: of the segment; of a reason family or kind, those touched by a breakpoint of it that was detected in the 90 days up to the last scored day.',
    margin_known         UInt64                 COMMENT 'Of them, those whose margin is known: all amounts are of these.',
    annual_margin        Float64                COMMENT 'Their margin.',
    value_at_risk        Float64                COMMENT 'Margin that the next 12 months may take away, summed.',
    value_at_risk_excess Float64                COMMENT 'What of it is beyond that of customers of the same margin with the base rate of their segment. Associated with what they went through, not caused by it.',
    compared             UInt64                 COMMENT 'Customers who had a value at risk 30 days before too: the change is theirs.',
    value_at_risk_before Float64                COMMENT 'What they had then.',
    value_at_risk_change Float64                COMMENT 'What they have now, less that.',
    other_model          UInt64                 COMMENT 'Of those compared, how many another model judged then: their change is partly the model\'s.',
    expected_losses      Float64                COMMENT 'Sum of p365.',
    mean_p365            Float64                COMMENT 'Mean of p365.',
    prior                UInt64                 COMMENT 'Of the customers, those of whom only the prior score is known.'
)
AS SELECT
    d.by AS by, d.name AS name, count() AS customers, countIf(r.value_at_risk IS NOT NULL) AS margin_known, sumIf(ifNull(r.annual_margin, 0), r.value_at_risk IS NOT NULL) AS annual_margin,
    sum(ifNull(r.value_at_risk, 0)) AS value_at_risk, sum(ifNull(r.value_at_risk_excess, 0)) AS value_at_risk_excess, countIf(r.value_at_risk_change IS NOT NULL) AS compared,
    sumIf(ifNull(r.value_at_risk_before, 0), r.value_at_risk_change IS NOT NULL) AS value_at_risk_before, sum(ifNull(r.value_at_risk_change, 0)) AS value_at_risk_change,
    countIf(r.value_at_risk_change IS NOT NULL AND r.other_model_before) AS other_model, sum(r.p365) AS expected_losses, avg(r.p365) AS mean_p365, countIf(r.prior) AS prior
FROM {{database}}.at_risk_v AS r
INNER JOIN (
    SELECT customer_id, 'all' AS by, '' AS name FROM {{database}}.at_risk_v
    UNION ALL
    SELECT customer_id, 'segment', toString(segment) FROM {{database}}.at_risk_v
    UNION ALL
    SELECT DISTINCT customer_id, tupleElement(d, 1), tupleElement(d, 2)
    FROM (
        SELECT customer_id, arrayJoin([('kind', toString(kind)), ('reason_family', toString(reason_family))]) AS d
        FROM (
            SELECT customer_id, kind, reason_family, detected_at FROM {{database}}.breakpoints_v WHERE customer_id != ''
            UNION ALL
            SELECT customer_id, 'core_failure', reason_family, greatest(detected_at, met_at) FROM {{database}}.incident_customers_v
        )
        WHERE detected_at > (SELECT max(as_of) FROM {{database}}.scored_days_v) - INTERVAL 90 DAY AND detected_at <= (SELECT max(as_of) FROM {{database}}.scored_days_v)
    )
    WHERE tupleElement(d, 2) != ''
) AS d ON d.customer_id = r.customer_id
GROUP BY by, name
COMMENT 'Value at risk of the customers of each segment, and of those whom each reason family and each kind of breakpoint touched in the last 90 days: what there is, what is beyond the segment\'s base, and how it has changed in 30 days. Margins are those of contract.started, as the company states them.';
