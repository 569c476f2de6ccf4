-- Where nobody was compared, a change of 0 reads as if nothing had moved: it is not known.

CREATE OR REPLACE VIEW {{database}}.value_at_risk_v {{on_cluster}}
(
    by                   LowCardinality(String) COMMENT 'all, segment, reason_family or kind (of breakpoint). Segments are apart from each other and add up to all; reason families and kinds overlap and must never be added up: one customer is touched by several.',
    name                 String                 COMMENT 'Which of them; empty for all.',
    customers            UInt64                 COMMENT 'Customers with a probability of loss: of the segment; of a reason family or kind, those touched by a breakpoint of it that was detected in the 90 days up to the last scored day.',
    margin_known         UInt64                 COMMENT 'Of them, those whose margin is known: all amounts are of these.',
    annual_margin        Float64                COMMENT 'Their margin.',
    value_at_risk        Float64                COMMENT 'Margin that the next 12 months may take away, summed.',
    value_at_risk_excess Float64                COMMENT 'What of it is beyond that of customers of the same margin with the base rate of their segment. Associated with what they went through, not caused by it.',
    compared             UInt64                 COMMENT 'Customers who had a value at risk 30 days before too: the change is theirs.',
    value_at_risk_before Nullable(Float64)      COMMENT 'What they had then; NULL where nobody was compared.',
    value_at_risk_change Nullable(Float64)      COMMENT 'What they have now, less that; NULL where nobody was compared.',
    other_model          UInt64                 COMMENT 'Of those compared, how many another model judged then: their change is partly the model\'s.',
    expected_losses      Float64                COMMENT 'Sum of p365.',
    mean_p365            Float64                COMMENT 'Mean of p365.',
    prior                UInt64                 COMMENT 'Of the customers, those of whom only the prior score is known.'
)
AS SELECT
    d.by AS by, d.name AS name, count() AS customers, countIf(r.value_at_risk IS NOT NULL) AS margin_known, sumIf(ifNull(r.annual_margin, 0), r.value_at_risk IS NOT NULL) AS annual_margin,
    sum(ifNull(r.value_at_risk, 0)) AS value_at_risk, sum(ifNull(r.value_at_risk_excess, 0)) AS value_at_risk_excess, countIf(r.value_at_risk_change IS NOT NULL) AS compared,
    if(compared > 0, sumIf(ifNull(r.value_at_risk_before, 0), r.value_at_risk_change IS NOT NULL), NULL) AS value_at_risk_before, if(compared > 0, sum(ifNull(r.value_at_risk_change, 0)), NULL) AS value_at_risk_change,
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

CREATE OR REPLACE VIEW {{database}}.value_at_risk_by_tenure_v {{on_cluster}}
(
    segment              LowCardinality(String) COMMENT 'Segment.',
    tenure               String                 COMMENT 'Since the contract in force started, on the last scored day: under 1 year, 1 to 3 years, 3 years and more, unknown; as in landmarks_v.',
    customers            UInt64                 COMMENT 'Customers with a probability of loss.',
    margin_known         UInt64                 COMMENT 'Of them, those whose margin is known: all amounts are of these.',
    annual_margin        Float64                COMMENT 'Their margin.',
    value_at_risk        Float64                COMMENT 'Margin that the next 12 months may take away, summed.',
    value_at_risk_excess Float64                COMMENT 'What of it is beyond that of customers of the same margin with the base rate of their segment.',
    compared             UInt64                 COMMENT 'Customers who had a value at risk 30 days before too: the change is theirs.',
    value_at_risk_before Nullable(Float64)      COMMENT 'What they had then; NULL where nobody was compared.',
    value_at_risk_change Nullable(Float64)      COMMENT 'What they have now, less that; NULL where nobody was compared.',
    other_model          UInt64                 COMMENT 'Of those compared, how many another model judged then: their change is partly the model\'s.',
    expected_losses      Float64                COMMENT 'Sum of p365.',
    prior                UInt64                 COMMENT 'Of the customers, those of whom only the prior score is known.'
)
AS SELECT
    r.segment AS segment,
    multiIf(c.started_at IS NULL, 'unknown', addYears(c.started_at, 1) > day, 'under 1 year', addYears(c.started_at, 3) > day, '1 to 3 years', '3 years and more') AS tenure,
    count() AS customers, countIf(r.value_at_risk IS NOT NULL) AS margin_known, sumIf(ifNull(r.annual_margin, 0), r.value_at_risk IS NOT NULL) AS annual_margin,
    sum(ifNull(r.value_at_risk, 0)) AS value_at_risk, sum(ifNull(r.value_at_risk_excess, 0)) AS value_at_risk_excess, countIf(r.value_at_risk_change IS NOT NULL) AS compared,
    if(compared > 0, sumIf(ifNull(r.value_at_risk_before, 0), r.value_at_risk_change IS NOT NULL), NULL) AS value_at_risk_before, if(compared > 0, sum(ifNull(r.value_at_risk_change, 0)), NULL) AS value_at_risk_change,
    countIf(r.value_at_risk_change IS NOT NULL AND r.other_model_before) AS other_model, sum(r.p365) AS expected_losses, countIf(r.prior) AS prior
FROM (SELECT *, (SELECT max(as_of) FROM {{database}}.scored_days_v) AS day FROM {{database}}.at_risk_v) AS r
LEFT JOIN (
    SELECT customer_id, if(empty(here), NULL, here[1].1) AS started_at
    FROM (SELECT customer_id, arrayFilter(s -> empty(ends) OR s.1 >= ends[-1].1, starts) AS here FROM {{database}}.contracts_v)
) AS c ON c.customer_id = r.customer_id
GROUP BY segment, tenure
COMMENT 'Value at risk by segment and by how long the contract has been in force. Cells are apart from each other and add up to all of value_at_risk_v.';
