-- Where journeys broke. Dashboards filter on occurred_at (the key), on opportunity_at and on detected_at (a minmax index each).

CREATE TABLE IF NOT EXISTS {{database}}.breakpoints {{on_cluster}}
(
    generation     UInt32                 COMMENT 'Which fold of the log found this row. Views show the current one only.',
    occurred_at    DateTime64(3, 'UTC')   COMMENT 'When it broke; part of its id, never changes.' CODEC(Delta, ZSTD(1)),
    breakpoint_id  String                 COMMENT 'Id of the breakpoint, deterministic.' CODEC(ZSTD(1)),
    position       UInt64                 COMMENT 'Position in the log (sequence in EVENTS) as of which this row is right; of one key the highest wins.' CODEC(Delta, ZSTD(1)),
    deleted        UInt8                  COMMENT '1 when this version takes the row back (a retraction), else 0.',
    partition      Int32                  COMMENT 'Partition of the log whose customer it is.',
    kind           LowCardinality(String) COMMENT 'Which of the catalogue, for example repeat_contact.',
    journey_id     String                 COMMENT 'The journey that broke; empty for an incident with a reach.' CODEC(ZSTD(1)),
    customer_id    String                 COMMENT 'Pseudonym of the customer; empty when unidentified, or for an incident with a reach.' CODEC(ZSTD(1)),
    case_id        String                 COMMENT 'First case of the journey; empty when it has none.' CODEC(ZSTD(1)),
    reason_family  LowCardinality(String) COMMENT 'First token of the reason; empty when unknown.',
    reason         LowCardinality(String) COMMENT 'Reason of the journey; empty when none was stated.',
    detected_at    DateTime64(3, 'UTC')   COMMENT 'Event time at which it could be known: when it was due, or the event that completed it.' CODEC(Delta, ZSTD(1)),
    opportunity_at DateTime64(3, 'UTC')   COMMENT 'When the opportunity to do well arose: the date by which rates count it.' CODEC(Delta, ZSTD(1)),
    origin_step    UInt32                 COMMENT 'Step of the journey where the failure began, from 1; 0 when no step is named.',
    origin_event   String                 COMMENT 'Source and id of that step\'s event, a space between them; empty when no step is named.' CODEC(ZSTD(1)),
    silo           LowCardinality(String) COMMENT 'Silo that owns the origin; empty when not known.',
    unit           LowCardinality(String) COMMENT 'Unit that owns the origin; empty when not known. Never a person.',
    channel        LowCardinality(String) COMMENT 'Channel of the origin; empty when not given.',
    severity       UInt8                  COMMENT '1 seen only by us, 2 felt, 3 forced another contact, 4 broke a promise or a core service, 5 legal clock, mediator, authority, court.',
    cost           Float64                COMMENT 'Avoidable cost charged to it, in the currency of the rules; 0 for witnesses and where none was costed.',
    evidence       Array(String)          COMMENT 'Ids of the events that show it.' CODEC(ZSTD(1)),
    rules_version  LowCardinality(String) COMMENT 'Rules it was found under; empty for the built-in defaults before any were published.',
    INDEX by_opportunity_at opportunity_at TYPE minmax GRANULARITY 1,
    INDEX by_detected_at detected_at TYPE minmax GRANULARITY 1,
    INDEX by_journey_id journey_id TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = {{replicated}}ReplacingMergeTree(position, deleted)
PARTITION BY (generation, toYYYYMM(occurred_at))
ORDER BY (generation, occurred_at, breakpoint_id)
COMMENT 'Every version of every breakpoint of every generation. Read breakpoints_v.';

CREATE VIEW IF NOT EXISTS {{database}}.breakpoints_v {{on_cluster}}
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
    position       UInt64                 COMMENT 'Position in the log (sequence in EVENTS) as of which this row is right; of one key the highest wins.'
)
AS SELECT
    breakpoint_id, kind, journey_id, customer_id, case_id, reason_family, reason, occurred_at, detected_at,
    opportunity_at, origin_step, origin_event, silo, unit, channel, severity, cost, evidence, rules_version,
    position
FROM {{database}}.breakpoints FINAL
WHERE generation = (SELECT argMax(generation, (switched_at, generation)) FROM {{database}}.generation)
COMMENT 'Breakpoints that hold now, each once: what was retracted is not here. Rates count by opportunity_at.';
