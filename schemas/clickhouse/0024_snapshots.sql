-- When copies of views were taken. The copies themselves, NAME_kept, and the views that read the last of them, NAME_latest_v, are made beside
-- this, with the columns of NAME_v: they say nothing of their own, and may be thrown away at any time.

CREATE TABLE IF NOT EXISTS {{database}}.snapshots {{on_cluster}}
(
    name     LowCardinality(String) COMMENT 'Of the view, without _v.',
    taken    UInt64                 COMMENT 'Number of the copy: the largest is what readers see.',
    taken_at DateTime64(3, 'UTC')   COMMENT 'When it was begun, by the clock of the process that took it.',
    took_ms  UInt64                 COMMENT 'How long it took, in milliseconds.',
    rows     UInt64                 COMMENT 'How many rows it has.'
)
ENGINE = {{replicated}}ReplacingMergeTree
ORDER BY (name, taken)
COMMENT 'When copies of views were taken.';

CREATE VIEW IF NOT EXISTS {{database}}.snapshots_v {{on_cluster}}
(
    name     LowCardinality(String) COMMENT 'Of the view, without _v; NAME_latest_v has the copy.',
    taken_at DateTime64(3, 'UTC')   COMMENT 'When the last copy was begun, by the clock of the process that took it.',
    took_ms  UInt64                 COMMENT 'How long it took, in milliseconds.',
    rows     UInt64                 COMMENT 'How many rows it has.'
)
AS SELECT name, argMax(s.taken_at, s.taken) AS taken_at, argMax(s.took_ms, s.taken) AS took_ms, argMax(s.rows, s.taken) AS rows
FROM {{database}}.snapshots AS s
GROUP BY name
COMMENT 'Of which views a copy is kept, and when the last was taken: one row a view.';
