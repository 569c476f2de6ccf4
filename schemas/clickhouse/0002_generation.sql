-- Which fold of the log the views read, and how far each partition of it has come.
-- One insert into generation switches every view at one moment: the row with the latest switched_at is current.

CREATE TABLE IF NOT EXISTS {{database}}.generation {{on_cluster}}
(
    generation    UInt32               COMMENT 'Number of the fold, from 1.',
    switched_at   DateTime64(3, 'UTC') COMMENT 'When views began to read it; 1970-01-01 for the first generation, which is always there.',
    fold_version  String               COMMENT 'Version of the fold that made it; empty for the first row of generation 1, written before any fold.',
    rules_version String               COMMENT 'Rules in force when it began; empty when the log had none.',
    admitted_late UInt64               COMMENT 'Position up to which late events were admitted by an operator; 0 for none.',
    tzdata        String               COMMENT 'Version of the time-zone database it used; empty when not stated.'
)
ENGINE = {{replicated}}ReplacingMergeTree
ORDER BY (switched_at, generation)
COMMENT 'The folds of the log that views have read, one row for each switch. The current one is argMax(generation, (switched_at, generation)).';

INSERT INTO {{database}}.generation (generation, switched_at, fold_version, rules_version, admitted_late, tzdata)
SELECT 1, toDateTime64(0, 3, 'UTC'), '', '', 0, '';

CREATE TABLE IF NOT EXISTS {{database}}.frontier {{on_cluster}}
(
    generation UInt32               COMMENT 'Which fold of the log found this row. Views show the current one only.',
    partition  Int32                COMMENT 'Partition of the log, from 0.',
    position   UInt64               COMMENT 'Every row that follows from the log up to this position is in its table.',
    clock      DateTime64(3, 'UTC') COMMENT 'Clock of the partition there: the largest of its event times and accepted ticks.'
)
ENGINE = {{replicated}}ReplacingMergeTree(position)
ORDER BY (generation, partition)
COMMENT 'How far each partition\'s rows are in, written after the rows of all other tables.';

CREATE VIEW IF NOT EXISTS {{database}}.frontier_v {{on_cluster}}
(
    partition  Int32                COMMENT 'Partition of the log, from 0.',
    position   UInt64               COMMENT 'Every row that follows from the log up to this position is in its table.',
    clock      DateTime64(3, 'UTC') COMMENT 'Clock of the partition there: the largest of its event times and accepted ticks.',
    generation UInt32               COMMENT 'The current generation, the one all views read.'
)
AS SELECT
    partition, position, clock, generation
FROM {{database}}.frontier FINAL
WHERE generation = (SELECT argMax(generation, (switched_at, generation)) FROM {{database}}.generation)
COMMENT 'How far each partition of the log has come in the current generation: the figures of the other views are right at least up to there. One row a partition; a partition that was never written has none.';
