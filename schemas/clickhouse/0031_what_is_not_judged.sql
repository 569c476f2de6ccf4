-- A figure for which there was no outcome yet counted as one out of its bound, so that a young model was held to have failed where nobody could judge it.

CREATE OR REPLACE VIEW {{database}}.model_verdicts_v {{on_cluster}}
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
    verdict      LowCardinality(String) COMMENT 'good: within its bound. watch: not within, or it could not be computed. unjudged: no outcome of such a length is known yet. none: it has no bound.',
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
        rows = 0 AND m.1 != 'psi', 'unjudged',
        few, if(ifNull(m.3 <= m.6 AND m.4 >= m.5, false), 'good', 'watch'),
        measure IN ('brier', 'psi'), if(ifNull(m.2 < m.6, false), 'good', 'watch'),
        if(ifNull((m.5 IS NULL OR m.2 >= m.5) AND (m.6 IS NULL OR m.2 <= m.6), false), 'good', 'watch')) AS verdict,
    `projection`, losses, learnt_until, as_of
FROM (
    SELECT
        model, horizon, segment, `projection`, rows, losses, learnt_until, as_of,
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

CREATE OR REPLACE VIEW {{database}}.churn_model_v {{on_cluster}}
(
    as_of          DateTime64(3, 'UTC')           COMMENT 'The midnight (UTC) as of which all customers were scored last.',
    model          LowCardinality(String)         COMMENT 'Version of the model in force then; prior for none.',
    prior          Bool                           COMMENT 'true where nothing was learnt yet: scores are judgement.',
    effective_from Nullable(DateTime64(3, 'UTC')) COMMENT 'From when on it scores; NULL for the prior.',
    scored         UInt32                         COMMENT 'Customers of whom there was something to say.',
    judged         UInt64                         COMMENT 'Figures of its quality that have a bound, drift among them; 0 where no outcome has judged it yet.',
    good           UInt64                         COMMENT 'Of them, those within it.',
    watch          Array(Tuple(measure String, horizon UInt16, segment String)) COMMENT 'Those that are not.',
    projected      Array(UInt16)                  COMMENT 'Horizons of which there was no outcome to judge by, or none was learnt from: read p as a projection.',
    unjudged       Array(UInt16)                  COMMENT 'Horizons of which no outcome is known by which it could be judged: what is said of its quality is said of the others.',
    judged_until   Nullable(DateTime64(3, 'UTC')) COMMENT 'Up to when outcomes were known when it was judged; NULL where it never was.'
)
AS SELECT
    s.as_of AS as_of, s.model AS model, CAST(s.model = 'prior', 'Bool') AS prior,
    if(s.model = 'prior', NULL, (SELECT maxOrNull(effective_from) FROM {{database}}.models_v WHERE version = (SELECT argMax(model, as_of) FROM {{database}}.scored_days_v))) AS effective_from,
    s.scored AS scored, v.judged AS judged, v.good AS good, v.watch AS watch, arrayFilter(h -> NOT has(v.known, h), CAST([30, 90, 365], 'Array(UInt16)')) AS projected,
    arrayFilter(h -> NOT has(v.seen, h), CAST([30, 90, 365], 'Array(UInt16)')) AS unjudged, if(v.rows > 0, v.until, NULL) AS judged_until
FROM (SELECT max(d.as_of) AS as_of, argMax(model, d.as_of) AS model, argMax(scored, d.as_of) AS scored, count() AS days FROM {{database}}.scored_days_v AS d) AS s
CROSS JOIN (
    SELECT
        count() AS rows, groupUniqArrayIf(horizon, measure != 'psi' AND verdict IN ('good', 'watch')) AS seen, if(empty(seen), 0, countIf(verdict IN ('good', 'watch'))) AS judged,
        if(empty(seen), 0, countIf(verdict = 'good')) AS good, max(q.as_of) AS until, groupUniqArrayIf(horizon, NOT q.`projection`) AS known,
        arraySort(groupArrayIf((toString(measure), horizon, toString(segment)), verdict = 'watch')) AS watch
    FROM {{database}}.model_verdicts_v AS q
    WHERE in_force
) AS v
WHERE s.days > 0
COMMENT 'The model by which all customers were scored last, and whether it is good enough by its bounds: one row, none before anything was scored.';
