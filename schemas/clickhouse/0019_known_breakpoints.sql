-- A breakpoint that is taken back keeps what was said of it last, and when it was taken back; and every breakpoint says what is known of it for
-- good: what scores looked at, and what training looks at. Of rows of before, one that stands is known as it reads, one that was taken back is not.

ALTER TABLE {{database}}.breakpoints {{on_cluster}}
    ADD COLUMN IF NOT EXISTS retracted_at Nullable(DateTime64(3, 'UTC')) COMMENT 'Of a retraction, event time of what took it back: of the event that came, or the clock; NULL while it stands.',
    ADD COLUMN IF NOT EXISTS known_of String DEFAULT if(deleted = 1, '', customer_id) COMMENT 'Customer of whom it is known for good: the one in whose home it was found, unless it changed or was taken back within the near time after detected_at; empty when of nobody.' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS known_at DateTime64(3, 'UTC') DEFAULT detected_at COMMENT 'Of a known one, detected_at as it was then: what changes later is not known any more. Says nothing where known_of is empty.' CODEC(Delta, ZSTD(1)),
    ADD COLUMN IF NOT EXISTS known_family LowCardinality(String) DEFAULT reason_family COMMENT 'Of a known one, reason_family as it was then; empty when unknown.',
    ADD COLUMN IF NOT EXISTS known_severity UInt8 DEFAULT severity COMMENT 'Of a known one, severity as it was then.';

ALTER TABLE {{database}}.breakpoints {{on_cluster}}
    COMMENT COLUMN IF EXISTS deleted '1 when this version takes the row back (a retraction): it keeps kind, journey_id, reason_family, detected_at and severity as they were said last, and what is known of it. Else 0.';
