-- The comments of all of the above, as a view.

CREATE VIEW IF NOT EXISTS {{database}}.data_dictionary_v {{on_cluster}}
(
    table         String COMMENT 'Table or view.',
    kind          String COMMENT 'table or view.',
    column        String COMMENT 'Column.',
    ordinal       UInt64 COMMENT 'Place of the column in its table, from 1.',
    type          String COMMENT 'Type in ClickHouse.',
    meaning       String COMMENT 'What the column holds, its unit, and what empty means.',
    table_meaning String COMMENT 'What a row of the table or view is.'
)
AS SELECT
    c.table AS table, if(t.engine = 'View', 'view', 'table') AS kind, c.name AS column, c.position AS ordinal,
    c.type AS type, c.comment AS meaning, t.comment AS table_meaning
FROM system.columns AS c
INNER JOIN system.tables AS t ON t.database = c.database AND t.name = c.table
WHERE c.database = '{{database}}'
COMMENT 'What every table, view and column of this database means.';
