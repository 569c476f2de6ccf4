-- The accounts that an audit compares with the log and with the tables, the events that came too late, and where in the log
-- a rejection belongs.

CREATE TABLE IF NOT EXISTS {{database}}.ledger {{on_cluster}}
(
    generation UInt32 COMMENT 'Which fold of the log counted. The view shows the current one only.',
    partition  Int32  COMMENT 'Partition of the log, from 0.',
    range      UInt64 COMMENT 'Range of positions: it holds range * 65536 + 1 to (range + 1) * 65536.',
    position   UInt64 COMMENT 'Everything of the range up to this position is counted; of one key the highest wins.',
    first      UInt64 COMMENT 'First copies of events, folded.',
    copies     UInt64 COMMENT 'Further copies: the same source, id and time again.',
    late       UInt64 COMMENT 'First copies that came too late for journeys.',
    set_aside  UInt64 COMMENT 'Messages set aside: what rejected_v tells of them.',
    forwarded  UInt64 COMMENT 'Events sent on to another partition.',
    system     UInt64 COMMENT 'Messages of Parcours or an operator for this partition alone.',
    broadcast  UInt64 COMMENT 'Messages that every partition sees, and each counts.',
    digest     UInt64 COMMENT 'Sum of the row digests of its rows in events, first copies and late ones, modulo 2^64.'
)
ENGINE = {{replicated}}ReplacingMergeTree(position)
PARTITION BY generation
ORDER BY (generation, partition, range)
COMMENT 'What became of every message of the log, counted by partition and range of 65,536 positions. Read ledger_v.';

CREATE VIEW IF NOT EXISTS {{database}}.ledger_v {{on_cluster}}
(
    partition Int32  COMMENT 'Partition of the log, from 0.',
    range     UInt64 COMMENT 'Range of positions: it holds range * 65536 + 1 to (range + 1) * 65536.',
    position  UInt64 COMMENT 'Everything of the range up to this position is counted.',
    first     UInt64 COMMENT 'First copies of events, folded.',
    copies    UInt64 COMMENT 'Further copies: the same source, id and time again.',
    late      UInt64 COMMENT 'First copies that came too late for journeys.',
    set_aside UInt64 COMMENT 'Messages set aside: what rejected_v tells of them.',
    forwarded UInt64 COMMENT 'Events sent on to another partition.',
    system    UInt64 COMMENT 'Messages of Parcours or an operator for this partition alone.',
    broadcast UInt64 COMMENT 'Messages that every partition sees, and each counts.',
    digest    UInt64 COMMENT 'Sum of the row digests of its rows in events, first copies and late ones, modulo 2^64.'
)
AS SELECT
    partition, range, position, first, copies, late, set_aside, forwarded, system, broadcast, digest
FROM {{database}}.ledger FINAL
WHERE generation = (SELECT argMax(generation, (switched_at, generation)) FROM {{database}}.generation)
COMMENT 'What became of every message of the log, by partition and range of 65,536 positions, as the current generation has counted. Where nothing was erased, first + copies + late + set_aside + forwarded + system is what the log stored for the partition in the range.';

CREATE TABLE IF NOT EXISTS {{database}}.digests {{on_cluster}}
(
    generation UInt32                 COMMENT 'Which fold of the log found the rows.',
    partition  Int32                  COMMENT 'Partition of the log, from 0.',
    table      LowCardinality(String) COMMENT 'Whose rows: journeys, journey_steps, breakpoints or aliases.',
    position   UInt64                 COMMENT 'Position in the log as of which it is right; of one key the highest wins.',
    rows       UInt64                 COMMENT 'How many rows the partition has there, without those taken back.',
    digest     UInt64                 COMMENT 'Sum of their row digests, modulo 2^64: intHash64(bitXor(XXH64 of the row, position of the row)).'
)
ENGINE = {{replicated}}ReplacingMergeTree(position)
PARTITION BY generation
ORDER BY (generation, partition, table)
COMMENT 'What the fold says that the tables hold, one row a partition, table and generation. An audit compares it with the rows. Read it with FINAL.';

-- An alias belongs to the partition that retracted the journey, as its tombstone does.

ALTER TABLE {{database}}.aliases {{on_cluster}}
    ADD COLUMN IF NOT EXISTS partition Int32 COMMENT 'Partition of the log whose customer it was; 0 in rows written before there was this column.';

-- Events that came too late for journeys have a place as well.

ALTER TABLE {{database}}.journey_steps {{on_cluster}}
    COMMENT COLUMN journey_id 'The journey it is a step of; empty for a visit and for a late event.',
    COMMENT COLUMN placement 'journey; visit for a page view or search that led nowhere; late for an event that came too late for journeys.',
    COMMENT COLUMN step 'Its place in the journey, from 1; 0 for a visit and for a late event.',
    MODIFY COMMENT 'Every version of the place of every event, of every generation. Read journey_steps_v, visits_v and late_v.';

CREATE VIEW IF NOT EXISTS {{database}}.late_v {{on_cluster}}
(
    time        DateTime64(3, 'UTC')   COMMENT 'When it happened.',
    activity    LowCardinality(String) COMMENT 'Name of the step as in process mining: the activity given, else the type.',
    type        LowCardinality(String) COMMENT 'Type of the event.',
    channel     LowCardinality(String) COMMENT 'Channel; empty when not given.',
    silo        LowCardinality(String) COMMENT 'Silo that held the customer; empty when not known.',
    unit        LowCardinality(String) COMMENT 'Unit inside the silo; empty when not known.',
    contact_id  String                 COMMENT 'The contact it belongs to; empty when none.',
    case_id     String                 COMMENT 'The case it belongs to; empty when none.',
    customer_id String                 COMMENT 'Pseudonym of the customer; empty when unidentified.',
    reason      LowCardinality(String) COMMENT 'Reason the event states; empty when none.',
    source      LowCardinality(String) COMMENT 'Source of the event.',
    event_id    String                 COMMENT 'Id of the event; (source, event_id) finds it in events_v.',
    position    UInt64                 COMMENT 'Position in the log (sequence in EVENTS) as of which this row is right; of one key the highest wins.'
)
AS SELECT
    time, activity, type, channel, silo, unit, contact_id, case_id, customer_id, reason, source, event_id, position
FROM {{database}}.journey_steps FINAL
WHERE generation = (SELECT argMax(generation, (switched_at, generation)) FROM {{database}}.generation) AND placement = 'late'
COMMENT 'Events that came too late for journeys: they are in events_v and in no journey until an operator admits them by a new generation.';

-- A log that holds another message where the tables have come to is another log.

ALTER TABLE {{database}}.frontier {{on_cluster}}
    ADD COLUMN IF NOT EXISTS message_id String COMMENT 'Id of the message of the log at that position; empty when it was not known.';

-- Where a rejection comes from: a message of the log that the fold set aside, or a row of a file.

ALTER TABLE {{database}}.rejected {{on_cluster}}
    ADD COLUMN IF NOT EXISTS event_position UInt64 COMMENT 'Position in the log (sequence in EVENTS) of what the fold set aside; 0 for what never came so far.' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS row UInt64 COMMENT 'Row of the imported file, from 1; 0 for what was in no file.' CODEC(ZSTD(1));

CREATE OR REPLACE VIEW {{database}}.rejected_v {{on_cluster}}
(
    seen_at        DateTime64(3, 'UTC')   COMMENT 'When it came, by our clock.',
    position       UInt64                 COMMENT 'Its sequence in the stream REJECTED, where the sealed body lies until it expires.',
    reason         LowCardinality(String) COMMENT 'Why it was not understood, from a closed list.',
    source         LowCardinality(String) COMMENT 'CloudEvents source; empty when it could not be read.',
    field          LowCardinality(String) COMMENT 'Field at fault; empty when it was the whole.',
    expected       LowCardinality(String) COMMENT 'What was expected there; empty when the reason says it all.',
    bytes          UInt64                 COMMENT 'Size of the whole body in bytes.',
    sha256         String                 COMMENT 'SHA-256 of the whole body, in lower-case hex.',
    event_position UInt64                 COMMENT 'Position in the log (sequence in EVENTS) of what the fold set aside; 0 for what never came so far.',
    row            UInt64                 COMMENT 'Row of the imported file, from 1; 0 for what was in no file.'
)
AS SELECT
    seen_at, position, reason, source, field, expected, bytes, sha256, event_position, row
FROM {{database}}.rejected FINAL
COMMENT 'What could not be understood or was set aside, each once, with the reason and no value of it.';
