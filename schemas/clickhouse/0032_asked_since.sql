-- Who asks to leave today is scored at midnight: until then they stood where yesterday's score put them, with the request beside it.

CREATE OR REPLACE VIEW {{database}}.customers_to_call_v {{on_cluster}}
(
    rank                 UInt32                 COMMENT 'Place, from 1: those first who asked to leave since all were scored; then by value at risk beyond that of the segment, and by p365; customers whose margin is not known come last.',
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
    projection365        Bool                   COMMENT 'true where p365 is to be called a projection.',
    asked_at             Nullable(DateTime64(3, 'UTC')) COMMENT 'When the customer asked to cancel, or for their number, after all were scored last: the probabilities do not know of it yet. NULL for all others.'
)
AS SELECT
    toUInt32(row_number() OVER (ORDER BY asked_at IS NULL, value_at_risk_excess DESC NULLS LAST, p365 DESC, customer_id)) AS rank, r.customer_id AS customer_id, segment, p30, p365, base365, annual_margin,
    value_at_risk, value_at_risk_excess, signals, reasons_fr, reasons_en, prior, as_of, projection365, a.asked_at AS asked_at
FROM {{database}}.at_risk_v AS r
LEFT JOIN (
    SELECT customer_id, toNullable(max(raised_at)) AS asked_at
    FROM {{database}}.churn_signals_v
    WHERE kind IN ('cancel_requested', 'portability_requested') AND cleared_at IS NULL AND raised_at > (SELECT max(as_of) FROM {{database}}.scored_days_v)
    GROUP BY customer_id
) AS a ON a.customer_id = r.customer_id
COMMENT 'Whom to call first: who asked to leave since the scores were made, then customers by what they have at risk beyond what their segment has anyway, with what is known of why. It ranks human attention and decides nothing.';
