-- The database and the account of what was applied to it.
-- The text of these files is a template with three words, each in double braces: database (its name), on_cluster (nothing, or
-- ON CLUSTER and a name) and replicated (nothing, or the prefix Replicated of an engine). A statement ends with a semicolon at
-- the end of a line and may be run again without harm. A file that was released is never changed: its checksum is kept.

CREATE DATABASE IF NOT EXISTS {{database}} {{on_cluster}}
COMMENT 'Parcours: customer journeys, their breakpoints, and the events they are made of.';

CREATE TABLE IF NOT EXISTS {{database}}.schema_migrations {{on_cluster}}
(
    version    UInt32               COMMENT 'Number of the migration, from 1, without gaps.',
    name       String               COMMENT 'File name of the migration.',
    checksum   String               COMMENT 'SHA-256 of its text before the template is filled in, in lower-case hex.',
    applied_at DateTime64(3, 'UTC') COMMENT 'When a process finished applying it, by that process\' clock.'
)
ENGINE = {{replicated}}ReplacingMergeTree
ORDER BY version
COMMENT 'Which migrations this database has had. Read it with FINAL: two processes that start together may both write a row.';
