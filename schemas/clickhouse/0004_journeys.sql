-- Journeys, the place of each event in them, and the ids that gave way to others.
-- A row's key never changes; a newer position replaces it, and one marked deleted takes it back.
-- started_at is not the key time of a case, so it has a minmax index of its own: FINAL reads what the index leaves, plus
-- whatever of other parts overlaps it (use_skip_indexes_if_final_exact_mode, on by default).

CREATE TABLE IF NOT EXISTS {{database}}.journeys {{on_cluster}}
(
    generation        UInt32                         COMMENT 'Which fold of the log found this row. Views show the current one only.',
    key_time          DateTime64(3, 'UTC')           COMMENT 'Time that the journey is stored under; never changes for one journey_id. It equals started_at for a journey without a case; for a case it is the time of the first event of it that was folded, close to started_at but before or after it.' CODEC(Delta, ZSTD(1)),
    journey_id        String                         COMMENT 'Id of the journey; aliases_v tells which id took over one that is gone.' CODEC(ZSTD(1)),
    position          UInt64                         COMMENT 'Position in the log (sequence in EVENTS) as of which this row is right; of one key the highest wins.' CODEC(Delta, ZSTD(1)),
    deleted           UInt8                          COMMENT '1 when this version takes the row back (a retraction), else 0.',
    partition         Int32                          COMMENT 'Partition of the log whose customer it is.',
    customer_id       String                         COMMENT 'Pseudonym of the customer; empty when unidentified.' CODEC(ZSTD(1)),
    case_id           String                         COMMENT 'The first case of the journey; empty when it has none.' CODEC(ZSTD(1)),
    cases             Array(String)                  COMMENT 'All its cases, first one first; empty when it has none.' CODEC(ZSTD(1)),
    contacts          UInt32                         COMMENT 'How many contacts it has (calls, chats, visits, mail threads).',
    reason_family     LowCardinality(String)         COMMENT 'First token of its reason; empty when unknown.',
    reason            LowCardinality(String)         COMMENT 'Why the customer came: the last reason stated; empty when none was.',
    started_at        DateTime64(3, 'UTC')           COMMENT 'Time of its first step.' CODEC(Delta, ZSTD(1)),
    ended_at          Nullable(DateTime64(3, 'UTC')) COMMENT 'When it ended; NULL while it is open.',
    last_event_at     DateTime64(3, 'UTC')           COMMENT 'Time of its last step so far.' CODEC(Delta, ZSTD(1)),
    outcome           LowCardinality(String)         COMMENT 'open, resolved, unresolved or lost.',
    resolution_basis  LowCardinality(String)         COMMENT 'Who says it is resolved: customer, case, agent or silence; empty where it is not.',
    escalated         Bool                           COMMENT 'true when a case or complaint of it was escalated.',
    steps             UInt32                         COMMENT 'How many steps it has.',
    variant           String                         COMMENT 'Its activities in order, as the fold joins them.' CODEC(ZSTD(1)),
    variant_collapsed String                         COMMENT 'The same with runs of one activity written once.' CODEC(ZSTD(1)),
    handoffs          UInt32                         COMMENT 'How often the unit changed.',
    silo_handoffs     UInt32                         COMMENT 'How often the silo changed.',
    channels          Array(LowCardinality(String))  COMMENT 'Channels it touched; empty when none was given.',
    silos             Array(LowCardinality(String))  COMMENT 'Silos it touched; empty when none was given.',
    first_unit        LowCardinality(String)         COMMENT 'Unit of its first step that names one; empty when none does.',
    last_unit         LowCardinality(String)         COMMENT 'Unit of its last step that names one; empty when none does.',
    cost              Float64                        COMMENT 'Cost to serve in the currency of the rules; 0 when nothing was costed.',
    breakpoints       UInt32                         COMMENT 'How many breakpoints it has.',
    cut_reason        LowCardinality(String)         COMMENT 'Why it begins where it does: first, gap, reason or case.',
    rules_version     LowCardinality(String)         COMMENT 'Rules it was computed under; empty for the built-in defaults before any were published.',
    INDEX by_started_at started_at TYPE minmax GRANULARITY 1,
    INDEX by_last_event_at last_event_at TYPE minmax GRANULARITY 1,
    INDEX by_journey_id journey_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_customer_id customer_id TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = {{replicated}}ReplacingMergeTree(position, deleted)
PARTITION BY (generation, toYYYYMM(key_time))
ORDER BY (generation, key_time, journey_id)
COMMENT 'Every version of every journey of every generation. Read journeys_v.';

CREATE VIEW IF NOT EXISTS {{database}}.journeys_v {{on_cluster}}
(
    journey_id        String                         COMMENT 'Id of the journey; aliases_v tells which id took over one that is gone.',
    customer_id       String                         COMMENT 'Pseudonym of the customer; empty when unidentified.',
    case_id           String                         COMMENT 'The first case of the journey; empty when it has none.',
    cases             Array(String)                  COMMENT 'All its cases, first one first; empty when it has none.',
    reason_family     LowCardinality(String)         COMMENT 'First token of its reason; empty when unknown.',
    reason            LowCardinality(String)         COMMENT 'Why the customer came: the last reason stated; empty when none was.',
    started_at        DateTime64(3, 'UTC')           COMMENT 'Time of its first step.',
    ended_at          Nullable(DateTime64(3, 'UTC')) COMMENT 'When it ended; NULL while it is open.',
    last_event_at     DateTime64(3, 'UTC')           COMMENT 'Time of its last step so far.',
    outcome           LowCardinality(String)         COMMENT 'open, resolved, unresolved or lost.',
    resolution_basis  LowCardinality(String)         COMMENT 'Who says it is resolved: customer, case, agent or silence; empty where it is not.',
    escalated         Bool                           COMMENT 'true when a case or complaint of it was escalated.',
    steps             UInt32                         COMMENT 'How many steps it has.',
    variant           String                         COMMENT 'Its activities in order, as the fold joins them.',
    variant_collapsed String                         COMMENT 'The same with runs of one activity written once.',
    handoffs          UInt32                         COMMENT 'How often the unit changed.',
    silo_handoffs     UInt32                         COMMENT 'How often the silo changed.',
    contacts          UInt32                         COMMENT 'How many contacts it has (calls, chats, visits, mail threads).',
    channels          Array(LowCardinality(String))  COMMENT 'Channels it touched; empty when none was given.',
    silos             Array(LowCardinality(String))  COMMENT 'Silos it touched; empty when none was given.',
    first_unit        LowCardinality(String)         COMMENT 'Unit of its first step that names one; empty when none does.',
    last_unit         LowCardinality(String)         COMMENT 'Unit of its last step that names one; empty when none does.',
    cost              Float64                        COMMENT 'Cost to serve in the currency of the rules; 0 when nothing was costed.',
    breakpoints       UInt32                         COMMENT 'How many breakpoints it has.',
    cut_reason        LowCardinality(String)         COMMENT 'Why it begins where it does: first, gap, reason or case.',
    rules_version     LowCardinality(String)         COMMENT 'Rules it was computed under; empty for the built-in defaults before any were published.',
    position          UInt64                         COMMENT 'Position in the log (sequence in EVENTS) as of which this row is right; of one key the highest wins.',
    key_time          DateTime64(3, 'UTC')           COMMENT 'Time that the journey is stored under; never changes for one journey_id. It equals started_at for a journey without a case; for a case it is the time of the first event of it that was folded, close to started_at but before or after it.'
)
AS SELECT
    journey_id, customer_id, case_id, cases, reason_family, reason, started_at, ended_at, last_event_at, outcome,
    resolution_basis, escalated, steps, variant, variant_collapsed, handoffs, silo_handoffs, contacts, channels,
    silos, first_unit, last_unit, cost, breakpoints, cut_reason, rules_version, position, key_time
FROM {{database}}.journeys FINAL
WHERE generation = (SELECT argMax(generation, (switched_at, generation)) FROM {{database}}.generation)
COMMENT 'Journeys as they stand now, each once. Filters on key_time prune by month and key; filters on started_at and last_event_at prune by index.';

CREATE TABLE IF NOT EXISTS {{database}}.journey_steps {{on_cluster}}
(
    generation UInt32                 COMMENT 'Which fold of the log found this row. Views show the current one only.',
    time       DateTime64(3, 'UTC')   COMMENT 'When the step happened: the time of its event.' CODEC(Delta, ZSTD(1)),
    source     LowCardinality(String) COMMENT 'Source of its event.',
    event_id   String                 COMMENT 'Id of its event; (source, event_id) finds it in events_v.' CODEC(ZSTD(1)),
    position   UInt64                 COMMENT 'Position in the log (sequence in EVENTS) as of which this row is right; of one key the highest wins.' CODEC(Delta, ZSTD(1)),
    deleted    UInt8                  COMMENT '1 when this version takes the row back (a retraction), else 0.',
    partition  Int32                  COMMENT 'Partition of the log whose customer it is.',
    journey_id String                 COMMENT 'The journey it is a step of; empty for a visit.' CODEC(ZSTD(1)),
    placement  LowCardinality(String) COMMENT 'journey, or visit for a page view or search that led nowhere.',
    step       UInt32                 COMMENT 'Its place in the journey, from 1; 0 for a visit.',
    activity   LowCardinality(String) COMMENT 'Name of the step as in process mining: the activity given, else the type.',
    type       LowCardinality(String) COMMENT 'Type of its event.',
    channel    LowCardinality(String) COMMENT 'Channel; empty when not given.',
    silo       LowCardinality(String) COMMENT 'Silo that held the customer; empty when not known.',
    unit       LowCardinality(String) COMMENT 'Unit inside the silo; empty when not known.',
    contact_id String                 COMMENT 'The contact it belongs to; empty when none.' CODEC(ZSTD(1)),
    case_id    String                 COMMENT 'The case it belongs to; empty when none.' CODEC(ZSTD(1)),
    customer_id String                COMMENT 'Pseudonym of the customer; empty when unidentified.' CODEC(ZSTD(1)),
    reason     LowCardinality(String) COMMENT 'Reason of its contact; empty when none was stated.',
    cost       Float64                COMMENT 'Cost of the step in the currency of the rules; 0 when nothing was costed.',
    INDEX by_journey_id journey_id TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = {{replicated}}ReplacingMergeTree(position, deleted)
PARTITION BY (generation, toYYYYMM(time))
ORDER BY (generation, time, source, event_id)
COMMENT 'Every version of the place of every event, of every generation. Read journey_steps_v and visits_v.';

CREATE VIEW IF NOT EXISTS {{database}}.journey_steps_v {{on_cluster}}
(
    journey_id String                 COMMENT 'The journey it is a step of; empty for a visit.',
    step       UInt32                 COMMENT 'Its place in the journey, from 1; 0 for a visit.',
    time       DateTime64(3, 'UTC')   COMMENT 'When the step happened: the time of its event.',
    activity   LowCardinality(String) COMMENT 'Name of the step as in process mining: the activity given, else the type.',
    type       LowCardinality(String) COMMENT 'Type of its event.',
    channel    LowCardinality(String) COMMENT 'Channel; empty when not given.',
    silo       LowCardinality(String) COMMENT 'Silo that held the customer; empty when not known.',
    unit       LowCardinality(String) COMMENT 'Unit inside the silo; empty when not known.',
    contact_id String                 COMMENT 'The contact it belongs to; empty when none.',
    case_id    String                 COMMENT 'The case it belongs to; empty when none.',
    customer_id String                COMMENT 'Pseudonym of the customer; empty when unidentified.',
    reason     LowCardinality(String) COMMENT 'Reason of its contact; empty when none was stated.',
    cost       Float64                COMMENT 'Cost of the step in the currency of the rules; 0 when nothing was costed.',
    source     LowCardinality(String) COMMENT 'Source of its event.',
    event_id   String                 COMMENT 'Id of its event; (source, event_id) finds it in events_v.',
    position   UInt64                 COMMENT 'Position in the log (sequence in EVENTS) as of which this row is right; of one key the highest wins.'
)
AS SELECT
    journey_id, step, time, activity, type, channel, silo, unit, contact_id, case_id, customer_id, reason, cost, source,
    event_id, position
FROM {{database}}.journey_steps FINAL
WHERE generation = (SELECT argMax(generation, (switched_at, generation)) FROM {{database}}.generation) AND placement = 'journey'
COMMENT 'Steps of journeys as they stand now, each event at most once. Order them by (journey_id, step). A filter on time reads only the months it needs.';

CREATE VIEW IF NOT EXISTS {{database}}.visits_v {{on_cluster}}
(
    time       DateTime64(3, 'UTC')   COMMENT 'When the step happened: the time of its event.',
    activity   LowCardinality(String) COMMENT 'Name of the step as in process mining: the activity given, else the type.',
    type       LowCardinality(String) COMMENT 'Type of its event.',
    channel    LowCardinality(String) COMMENT 'Channel; empty when not given.',
    silo       LowCardinality(String) COMMENT 'Silo that held the customer; empty when not known.',
    unit       LowCardinality(String) COMMENT 'Unit inside the silo; empty when not known.',
    contact_id String                 COMMENT 'The contact it belongs to; empty when none.',
    case_id    String                 COMMENT 'The case it belongs to; empty when none.',
    customer_id String                COMMENT 'Pseudonym of the customer; empty when unidentified.',
    reason     LowCardinality(String) COMMENT 'Reason of its contact; empty when none was stated.',
    cost       Float64                COMMENT 'Cost of the step in the currency of the rules; 0 when nothing was costed.',
    source     LowCardinality(String) COMMENT 'Source of its event.',
    event_id   String                 COMMENT 'Id of its event; (source, event_id) finds it in events_v.',
    position   UInt64                 COMMENT 'Position in the log (sequence in EVENTS) as of which this row is right; of one key the highest wins.'
)
AS SELECT
    time, activity, type, channel, silo, unit, contact_id, case_id, customer_id, reason, cost, source, event_id, position
FROM {{database}}.journey_steps FINAL
WHERE generation = (SELECT argMax(generation, (switched_at, generation)) FROM {{database}}.generation) AND placement = 'visit'
COMMENT 'Page views and searches that belong to no journey: no form, error or contact stood within 24 hours.';

CREATE TABLE IF NOT EXISTS {{database}}.aliases {{on_cluster}}
(
    generation UInt32               COMMENT 'Which fold of the log found this row. Views show the current one only.',
    key_time   DateTime64(3, 'UTC') COMMENT 'Key time of the journey that is gone.' CODEC(Delta, ZSTD(1)),
    old_id     String               COMMENT 'Id of the journey that is gone.' CODEC(ZSTD(1)),
    new_id     String               COMMENT 'Id of the journey that took over, itself perhaps gone by now; empty when nothing did.' CODEC(ZSTD(1)),
    position   UInt64               COMMENT 'Position in the log (sequence in EVENTS) as of which this row is right; of one key the highest wins.' CODEC(Delta, ZSTD(1))
)
ENGINE = {{replicated}}ReplacingMergeTree(position)
PARTITION BY (generation, toYYYYMM(key_time))
ORDER BY (generation, key_time, old_id)
COMMENT 'Ids of journeys that gave way to others, in every generation. Read aliases_v.';

CREATE VIEW IF NOT EXISTS {{database}}.aliases_v {{on_cluster}}
(
    old_id   String               COMMENT 'Id of the journey that is gone.',
    new_id   String               COMMENT 'Id of the journey that took over, itself perhaps gone by now; empty when nothing did.',
    key_time DateTime64(3, 'UTC') COMMENT 'Key time of the journey that is gone.',
    position UInt64               COMMENT 'Position in the log (sequence in EVENTS) as of which this row is right; of one key the highest wins.'
)
AS SELECT
    old_id, new_id, key_time, position
FROM {{database}}.aliases FINAL
WHERE generation = (SELECT argMax(generation, (switched_at, generation)) FROM {{database}}.generation) AND new_id != old_id
COMMENT 'Ids of journeys that are gone and what took over, one step at a time: follow new_id until it is not an old_id.';
