-- What could not be understood, without a single value of it: those lie sealed in the stream REJECTED.

CREATE TABLE IF NOT EXISTS {{database}}.rejected {{on_cluster}}
(
    seen_at  DateTime64(3, 'UTC')   COMMENT 'When it came, by our clock.' CODEC(Delta, ZSTD(1)),
    position UInt64                 COMMENT 'Its sequence in the stream REJECTED, where the sealed body lies until it expires.' CODEC(Delta, ZSTD(1)),
    reason   LowCardinality(String) COMMENT 'Why it was not understood, from a closed list.',
    source   LowCardinality(String) COMMENT 'CloudEvents source; empty when it could not be read.',
    field    LowCardinality(String) COMMENT 'Field at fault; empty when it was the whole.',
    expected LowCardinality(String) COMMENT 'What was expected there; empty when the reason says it all.',
    bytes    UInt64                 COMMENT 'Size of the whole body in bytes.',
    sha256   String                 COMMENT 'SHA-256 of the whole body, in lower-case hex.' CODEC(ZSTD(1))
)
ENGINE = {{replicated}}ReplacingMergeTree
PARTITION BY toYYYYMM(seen_at)
ORDER BY (seen_at, position)
COMMENT 'What could not be understood. Read rejected_v.';

CREATE VIEW IF NOT EXISTS {{database}}.rejected_v {{on_cluster}}
(
    seen_at  DateTime64(3, 'UTC')   COMMENT 'When it came, by our clock.',
    position UInt64                 COMMENT 'Its sequence in the stream REJECTED, where the sealed body lies until it expires.',
    reason   LowCardinality(String) COMMENT 'Why it was not understood, from a closed list.',
    source   LowCardinality(String) COMMENT 'CloudEvents source; empty when it could not be read.',
    field    LowCardinality(String) COMMENT 'Field at fault; empty when it was the whole.',
    expected LowCardinality(String) COMMENT 'What was expected there; empty when the reason says it all.',
    bytes    UInt64                 COMMENT 'Size of the whole body in bytes.',
    sha256   String                 COMMENT 'SHA-256 of the whole body, in lower-case hex.'
)
AS SELECT
    seen_at, position, reason, source, field, expected, bytes, sha256
FROM {{database}}.rejected FINAL
COMMENT 'What could not be understood, each once, with the reason and no value of it.';
