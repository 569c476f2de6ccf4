-- Churn signals: evidence that a customer is leaving. Those of the fold follow from events, breakpoints and the clock, and are retracted like breakpoints where they
-- no longer hold; decay_of_use, risk and voice_risk are as known: decided once by a model, told to the log, never computed again.

CREATE TABLE IF NOT EXISTS {{database}}.churn_signals {{on_cluster}}
(
    generation    UInt32                         COMMENT 'Which fold of the log found this row. Views show the current one only.',
    raised_at     DateTime64(3, 'UTC')           COMMENT 'When it was raised, in event time; part of its id, never changes.' CODEC(Delta, ZSTD(1)),
    signal_id     String                         COMMENT 'Id of the signal, deterministic: of customer, kind and raised_at.' CODEC(ZSTD(1)),
    position      UInt64                         COMMENT 'Position in the log (sequence in EVENTS) as of which this row is right; of one key the highest wins.' CODEC(Delta, ZSTD(1)),
    deleted       UInt8                          COMMENT '1 when this version takes the row back (a retraction), else 0.',
    partition     Int32                          COMMENT 'Partition of the log whose customer it is.',
    customer_id   String                         COMMENT 'Pseudonym of the customer; empty in a row that is taken back.' CODEC(ZSTD(1)),
    kind          LowCardinality(String)         COMMENT 'Which signal, for example cancel_requested.',
    cleared_at    Nullable(DateTime64(3, 'UTC')) COMMENT 'When it ended, in event time; NULL while it stands.' CODEC(ZSTD(1)),
    cleared_why   LowCardinality(String)         COMMENT 'Why it ended; empty while it stands.',
    evidence      Array(String)                  COMMENT 'What raised it: source and id of events, a space between them, and ids of breakpoints.' CODEC(ZSTD(1)),
    value         Nullable(Float64)              COMMENT 'What was measured when it was raised, in the unit of its kind; NULL where nothing was.' CODEC(ZSTD(1)),
    value_limit   Nullable(Float64)              COMMENT 'What value went beyond; NULL where there is no limit.' CODEC(ZSTD(1)),
    rules_version LowCardinality(String)         COMMENT 'Rules that were in force when it was raised; empty for the built-in defaults before any were published.',
    segment       LowCardinality(String)         COMMENT 'Segment of the customer when it was raised.',
    INDEX by_customer_id customer_id TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = {{replicated}}ReplacingMergeTree(position, deleted)
PARTITION BY (generation, toYYYYMM(raised_at))
ORDER BY (generation, raised_at, signal_id)
COMMENT 'Every version of every churn signal of every generation: raised, then cleared. Read churn_signals_v.';

CREATE VIEW IF NOT EXISTS {{database}}.churn_signals_v {{on_cluster}}
(
    signal_id     String                         COMMENT 'Id of the signal, deterministic: of customer, kind and raised_at.',
    customer_id   String                         COMMENT 'Pseudonym of the customer. Customers who objected are not listed.',
    kind          LowCardinality(String)         COMMENT 'cancel_requested, portability_requested, renewal_without_contact, value_cut, silence (too long since the last use, against the customer\'s own gaps), experience (what broke for them of late); and as known, of a model: decay_of_use, risk, voice_risk.',
    raised_at     DateTime64(3, 'UTC')           COMMENT 'When it was raised, in event time.',
    cleared_at    Nullable(DateTime64(3, 'UTC')) COMMENT 'When it ended, in event time; NULL while it stands.',
    cleared_why   LowCardinality(String)         COMMENT 'Why it ended: retained, lost, returned, faded, lapsed, restored, objected or rescored; empty while it stands.',
    evidence      Array(String)                  COMMENT 'What raised it: source and id of events, a space between them, and ids of breakpoints.',
    value         Nullable(Float64)              COMMENT 'What was measured when it was raised, in the unit of its kind; NULL where nothing was.',
    value_limit   Nullable(Float64)              COMMENT 'What value went beyond; NULL where there is no limit.',
    rules_version LowCardinality(String)         COMMENT 'Rules that were in force when it was raised; empty for the built-in defaults before any were published.',
    segment       LowCardinality(String)         COMMENT 'Segment of the customer when it was raised.',
    position      UInt64                         COMMENT 'Position in the log (sequence in EVENTS) as of which this row is right; of one key the highest wins.'
)
AS SELECT
    signal_id, customer_id, kind, raised_at, cleared_at, cleared_why, evidence, value, value_limit, rules_version, segment, position
FROM {{database}}.churn_signals FINAL
WHERE generation = (SELECT argMax(generation, (switched_at, generation)) FROM {{database}}.generation)
    AND customer_id NOT IN (
        SELECT customer_id
        FROM (
            SELECT customer_id, target, argMax(type, (time, type = 'customer.objected')) AS last
            FROM {{database}}.events_v
            WHERE type IN ('customer.objected', 'customer.consented') AND customer_id != ''
            GROUP BY customer_id, target
        )
        WHERE last = 'customer.objected'
    )
COMMENT 'Churn signals that hold or held, each once: what was retracted is not here. cleared_at is NULL while one stands. A signal says that somebody may be leaving; it never decides price, access or closure. Customers who objected to some purpose, and did not consent to it again, are not listed.';
