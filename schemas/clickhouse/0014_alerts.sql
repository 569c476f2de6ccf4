-- Alerts, as the log told them: decided once, at the end of a day, and never computed again. A rebuild reads them from the log.

CREATE TABLE IF NOT EXISTS {{database}}.alerts {{on_cluster}}
(
    generation          UInt32                 COMMENT 'Which fold of the log read this row. Views show the current one only.',
    raised_on           Date32                 COMMENT 'The day (UTC) whose figures raised it; part of its key, never changes.',
    alert_id            String                 COMMENT 'Id of the alert, deterministic: of the series and since.' CODEC(ZSTD(1)),
    position            UInt64                 COMMENT 'Position in the log (sequence in EVENTS) of the message that raised it, or cleared it; of one key the highest wins.',
    partition           Int32                  COMMENT 'Partition of the log that keeps alerts: 0.',
    kind                LowCardinality(String) COMMENT 'Kind of breakpoint, as in breakpoint_kinds_v.',
    reason_family       LowCardinality(String) COMMENT 'First token of the reason; empty: all of them.',
    silo                LowCardinality(String) COMMENT 'Silo that answers; empty: all of them.',
    unit                LowCardinality(String) COMMENT 'Unit; empty: all of them.',
    channel             LowCardinality(String) COMMENT 'Channel; empty: all of them.',
    since               Date32                 COMMENT 'Date of origin: the day (UTC) of the opportunities with which the change began.',
    observed            UInt64                 COMMENT 'Breakpoints detected from the onset to raised_on.',
    expected            Float64                COMMENT 'Breakpoints that the baseline had led to expect in these days.',
    factor              Float64                COMMENT 'observed / expected.',
    low                 Float64                COMMENT 'Lower end of the 95 % interval of factor.',
    high                Float64                COMMENT 'Upper end of the 95 % interval of factor.',
    where_reason_family LowCardinality(String) COMMENT 'Reason family of the narrowest series in alarm that holds most of the excess; empty: all of them.',
    where_silo          LowCardinality(String) COMMENT 'Silo of that series; empty: all of them.',
    where_unit          LowCardinality(String) COMMENT 'Unit of that series; empty: all of them.',
    where_channel       LowCardinality(String) COMMENT 'Channel of that series; empty: all of them.',
    explains            Array(String)          COMMENT 'Series in alarm that it speaks for, itself left out, one line each.' CODEC(ZSTD(1)),
    cleared_on          Nullable(Date32)       COMMENT 'The day (UTC) that ended it; NULL while it stands.',
    cleared_why         LowCardinality(String) COMMENT 'Why it ended: usual_again, new_usual or rules; empty while it stands.'
)
ENGINE = {{replicated}}ReplacingMergeTree(position)
PARTITION BY generation
ORDER BY (generation, raised_on, alert_id)
COMMENT 'Every version of every alert of every generation: raised, then cleared. Read alerts_v.';

CREATE TABLE IF NOT EXISTS {{database}}.closed_days {{on_cluster}}
(
    generation UInt32 COMMENT 'Which fold of the log read this row. The view shows the current one only.',
    day        Date32 COMMENT 'The day, UTC.',
    position   UInt64 COMMENT 'Position in the log (sequence in EVENTS) of the message that closed it.',
    partition  Int32  COMMENT 'Partition of the log that keeps closed days: 0.',
    series     UInt32 COMMENT 'Series of rates that there were: a kind, by reason family, silo, unit and channel.',
    watched    UInt32 COMMENT 'How many of them had enough volume and history to be watched.',
    raised     UInt32 COMMENT 'Alerts that it raised.',
    cleared    UInt32 COMMENT 'Alerts that it ended.'
)
ENGINE = {{replicated}}ReplacingMergeTree(position)
PARTITION BY generation
ORDER BY (generation, day)
COMMENT 'Days that all partitions had closed, and whose rates were looked at: once each. Read closed_days_v.';

CREATE VIEW IF NOT EXISTS {{database}}.alerts_v {{on_cluster}}
(
    alert_id            String                 COMMENT 'Id of the alert, deterministic: of the series and since.',
    kind                LowCardinality(String) COMMENT 'Kind of breakpoint, as in breakpoint_kinds_v.',
    reason_family       LowCardinality(String) COMMENT 'First token of the reason; empty: all of them.',
    silo                LowCardinality(String) COMMENT 'Silo that answers; empty: all of them.',
    unit                LowCardinality(String) COMMENT 'Unit; empty: all of them.',
    channel             LowCardinality(String) COMMENT 'Channel; empty: all of them.',
    raised_on           Date32                 COMMENT 'The day (UTC) whose figures raised it.',
    raised_at           DateTime64(3, 'UTC')   COMMENT 'The end of that day, in event time. It was told when all partitions had closed it: the lateness of the rules later.',
    since               Date32                 COMMENT 'Date of origin: the day (UTC) of the opportunities with which the change began.',
    observed            UInt64                 COMMENT 'Breakpoints detected from the onset to raised_on.',
    expected            Float64                COMMENT 'Breakpoints that the baseline had led to expect in these days.',
    factor              Float64                COMMENT 'observed / expected.',
    low                 Float64                COMMENT 'Lower end of the 95 % interval of factor.',
    high                Float64                COMMENT 'Upper end of the 95 % interval of factor.',
    where_reason_family LowCardinality(String) COMMENT 'Reason family of the narrowest series in alarm that holds most of the excess; empty: all of them.',
    where_silo          LowCardinality(String) COMMENT 'Silo of that series; empty: all of them.',
    where_unit          LowCardinality(String) COMMENT 'Unit of that series; empty: all of them.',
    where_channel       LowCardinality(String) COMMENT 'Channel of that series; empty: all of them.',
    explains            Array(String)          COMMENT 'Series in alarm that it speaks for, itself left out, one line each.',
    cleared_on          Nullable(Date32)       COMMENT 'The day (UTC) that ended it; NULL while it stands.',
    cleared_why         LowCardinality(String) COMMENT 'Why it ended: usual_again (the rate is back), new_usual (it has stood so long that it is the baseline now), rules (other rules judge or watch since); empty while it stands.',
    position            UInt64                 COMMENT 'Position in the log (sequence in EVENTS) of the message that raised it, or cleared it.'
)
AS SELECT
    alert_id, kind, reason_family, silo, unit, channel, raised_on, toDateTime64(raised_on + 1, 3, 'UTC') AS raised_at, since, observed,
    expected, factor, low, high, where_reason_family, where_silo, where_unit, where_channel, explains, cleared_on, cleared_why, position
FROM {{database}}.alerts FINAL
WHERE generation = (SELECT argMax(generation, (switched_at, generation)) FROM {{database}}.generation)
COMMENT 'Changes of rates: where more journeys broke than the days before had led to expect. One row an alert, at the highest level that explains the others; cleared_on is NULL while it stands. As known: what was said on the day stands, whatever arrived later. Alerts are counted by the date of detection, rates_daily_v by the date of the opportunity.';

CREATE VIEW IF NOT EXISTS {{database}}.closed_days_v {{on_cluster}}
(
    day      Date32 COMMENT 'The day, UTC.',
    series   UInt32 COMMENT 'Series of rates that there were: a kind, by reason family, silo, unit and channel.',
    watched  UInt32 COMMENT 'How many of them had enough volume and history to be watched. 0: nobody looked, which is not the same as no alert.',
    raised   UInt32 COMMENT 'Alerts that it raised.',
    cleared  UInt32 COMMENT 'Alerts that it ended.',
    position UInt64 COMMENT 'Position in the log (sequence in EVENTS) of the message that closed it.'
)
AS SELECT
    day, series, watched, raised, cleared, position
FROM {{database}}.closed_days FINAL
WHERE generation = (SELECT argMax(generation, (switched_at, generation)) FROM {{database}}.generation)
COMMENT 'Days that all partitions have closed, and whose rates were looked at for alerts. Days before the first on which anything was watched are left out, but for the last of those that were closed with them.';
