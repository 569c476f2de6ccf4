-- First-contact resolution, three ways, on matured cohorts only. An inbound contact that ended having been handled is kept on
-- the row of its journey, as its opportunities are: it changes with it, and is retracted with it.

ALTER TABLE {{database}}.journeys {{on_cluster}}
    ADD COLUMN IF NOT EXISTS `contacts_ended.at` Array(DateTime64(3, 'UTC')) COMMENT 'Inbound contacts of an identified customer that ended having been handled: when each ended. Read contacts_v.' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS `contacts_ended.matures_at` Array(DateTime64(3, 'UTC')) COMMENT 'When the repeat window of each closes.' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS `contacts_ended.reason` Array(LowCardinality(String)) COMMENT 'Reason of each, the last one stated in it; empty when none was.' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS `contacts_ended.silo` Array(LowCardinality(String)) COMMENT 'Silo that answers for each: that of its last event, else the one that owns its reason.' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS `contacts_ended.unit` Array(LowCardinality(String)) COMMENT 'Unit of the last event of each; empty when not known.' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS `contacts_ended.channel` Array(LowCardinality(String)) COMMENT 'Channel of each; empty when not given.' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS `contacts_ended.first` Array(Bool) COMMENT 'false for each that itself came back, for the same full reason within the window, after another that was handled.' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS `contacts_ended.back_same` Array(Bool) COMMENT 'true for each after which the customer came back uninvited, for the same full reason, within the window.' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS `contacts_ended.back_any` Array(Bool) COMMENT 'true for each after which he came back uninvited, for whatever reason, within the window.' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS `contacts_ended.surveyed` Array(Bool) COMMENT 'true for each about which a survey was sent within the window.' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS `contacts_ended.resolved` Array(Nullable(Bool)) COMMENT 'What the last survey answered about each within the window says; NULL where no answer says it.' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS `contacts_ended.rules_version` Array(LowCardinality(String)) COMMENT 'Rules in force when each ended; empty for the built-in defaults before any were published.' CODEC(ZSTD(1));

CREATE OR REPLACE VIEW {{database}}.journeys_v {{on_cluster}}
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
    variant_runs      Array(UInt32)                  COMMENT 'How often each activity of variant_collapsed came in its run: together they give variant.',
    repeats           UInt32                         COMMENT 'How often an activity came again, not in a row, by the unit that did it last (or by one that is not named).',
    redos             UInt32                         COMMENT 'How often an activity came again, not in a row, by another unit than did it last.',
    value             Float64                        COMMENT 'What the customer bought in it: the sum of value of order.placed and transaction.completed, in the currency of the rules; 0 where none.',
    working_s         Float64                        COMMENT 'Seconds that the company worked on it: talk, hold and wrap or the rules\' minutes.',
    waiting_customer_s Float64                        COMMENT 'Elapsed seconds between its steps in which a case waited on the customer. The three waiting times never overlap.',
    waiting_partner_s Float64                        COMMENT 'Elapsed seconds between its steps in which a case waited on a partner, and none on the customer.',
    waiting_company_s Float64                        COMMENT 'Elapsed seconds between its steps in which the company owed something or the customer was in a queue, and neither customer nor partner was waited for.',
    queue_wait_s      Float64                        COMMENT 'Seconds that its inbound contacts waited until they were answered or given up, all together.',
    effort            Float64                        COMMENT 'Effort index, 0 to 100: 100 (1 - exp(-points / 10)); points: 3 an extra inbound contact, 2 a transfer, 2 an information repeated, 1 a channel change, 1 for each 10 minutes waited beyond target.',
    sentiment         Nullable(Float64)              COMMENT 'Mean of its signals, -1 to 1: scores of survey answers, each on its own scale, praise 1, incivility and complaints -1. Never from texts or voices. NULL where there is no signal.',
    sentiment_signals UInt32                         COMMENT 'How many signals sentiment is the mean of.',
    `opportunities.kind` Array(LowCardinality(String))  COMMENT 'Chances of breaking that it had: the kind of each, as in breakpoint_kinds_v. Read opportunities_v.',
    `opportunities.at` Array(DateTime64(3, 'UTC'))    COMMENT 'The date at which rates count each.',
    `opportunities.matures_at` Array(DateTime64(3, 'UTC'))    COMMENT 'When it is settled whether each broke, late events apart.',
    `opportunities.reason` Array(LowCardinality(String))  COMMENT 'Reason of each; empty when none was stated.',
    `opportunities.silo` Array(LowCardinality(String))  COMMENT 'Silo that answers for each.',
    `opportunities.unit` Array(LowCardinality(String))  COMMENT 'Unit of each; empty when not known.',
    `opportunities.channel` Array(LowCardinality(String))  COMMENT 'Channel of each; empty when not given.',
    `opportunities.broken` Array(Bool)                    COMMENT 'true for each that broke.',
    `contacts_ended.at` Array(DateTime64(3, 'UTC')) COMMENT 'Inbound contacts of an identified customer that ended having been handled: when each ended. Read contacts_v.',
    `contacts_ended.matures_at` Array(DateTime64(3, 'UTC')) COMMENT 'When the repeat window of each closes.',
    `contacts_ended.reason` Array(LowCardinality(String)) COMMENT 'Reason of each, the last one stated in it; empty when none was.',
    `contacts_ended.silo` Array(LowCardinality(String)) COMMENT 'Silo that answers for each: that of its last event, else the one that owns its reason.',
    `contacts_ended.unit` Array(LowCardinality(String)) COMMENT 'Unit of the last event of each; empty when not known.',
    `contacts_ended.channel` Array(LowCardinality(String)) COMMENT 'Channel of each; empty when not given.',
    `contacts_ended.first` Array(Bool) COMMENT 'false for each that itself came back, for the same full reason within the window, after another that was handled.',
    `contacts_ended.back_same` Array(Bool) COMMENT 'true for each after which the customer came back uninvited, for the same full reason, within the window.',
    `contacts_ended.back_any` Array(Bool) COMMENT 'true for each after which he came back uninvited, for whatever reason, within the window.',
    `contacts_ended.surveyed` Array(Bool) COMMENT 'true for each about which a survey was sent within the window.',
    `contacts_ended.resolved` Array(Nullable(Bool)) COMMENT 'What the last survey answered about each within the window says; NULL where no answer says it.',
    `contacts_ended.rules_version` Array(LowCardinality(String)) COMMENT 'Rules in force when each ended; empty for the built-in defaults before any were published.',
    position          UInt64                         COMMENT 'Position in the log (sequence in EVENTS) as of which this row is right; of one key the highest wins.',
    key_time          DateTime64(3, 'UTC')           COMMENT 'Time that the journey is stored under; never changes for one journey_id. It equals started_at for a journey without a case; for a case it is the time of the first event of it that was folded, close to started_at but before or after it.'
)
AS SELECT
    journey_id, customer_id, case_id, cases, reason_family, reason, started_at, ended_at, last_event_at, outcome,
    resolution_basis, escalated, steps, variant, variant_collapsed, handoffs, silo_handoffs, contacts, channels,
    silos, first_unit, last_unit, cost, breakpoints, cut_reason, rules_version,
    variant_runs, repeats, redos, value, working_s, waiting_customer_s, waiting_partner_s, waiting_company_s, queue_wait_s, effort, sentiment, sentiment_signals,
    `opportunities.kind`, `opportunities.at`, `opportunities.matures_at`, `opportunities.reason`, `opportunities.silo`, `opportunities.unit`, `opportunities.channel`, `opportunities.broken`,
    `contacts_ended.at`, `contacts_ended.matures_at`, `contacts_ended.reason`, `contacts_ended.silo`, `contacts_ended.unit`, `contacts_ended.channel`, `contacts_ended.first`, `contacts_ended.back_same`, `contacts_ended.back_any`, `contacts_ended.surveyed`, `contacts_ended.resolved`, `contacts_ended.rules_version`,
    position, key_time
FROM {{database}}.journeys FINAL
WHERE generation = (SELECT argMax(generation, (switched_at, generation)) FROM {{database}}.generation)
COMMENT 'Journeys as they stand now, each once. Filters on key_time prune by month and key; filters on started_at and last_event_at prune by index.';

CREATE VIEW IF NOT EXISTS {{database}}.contacts_v {{on_cluster}}
(
    journey_id    String                 COMMENT 'The journey that it is part of.',
    customer_id   String                 COMMENT 'Pseudonym of the customer of the journey.',
    ended_at      DateTime64(3, 'UTC')   COMMENT 'When the contact ended: the date by which first-contact resolution counts it.',
    matures_at    DateTime64(3, 'UTC')   COMMENT 'When its repeat window closes: ended_at and the window in force for its reason, channel and unit.',
    reason_family LowCardinality(String) COMMENT 'First token of its reason; empty when unknown.',
    reason        LowCardinality(String) COMMENT 'The last reason stated in it; empty when none was.',
    silo          LowCardinality(String) COMMENT 'Silo that answers for it: that of its last event, else the one that owns its reason.',
    unit          LowCardinality(String) COMMENT 'Unit of its last event; empty when not known.',
    channel       LowCardinality(String) COMMENT 'Channel; empty when not given.',
    first         Bool                   COMMENT 'false when it itself came back, for the same full reason within the window, after another that was handled. First-contact resolution counts the others.',
    back_same     Nullable(Bool)         COMMENT 'true when the customer came back uninvited, for the same full reason, within the window; NULL where the reason is not known, since it matches nothing.',
    back_any      Bool                   COMMENT 'true when he came back uninvited, for whatever reason, within the window.',
    surveyed      Bool                   COMMENT 'true when a survey about it was sent within the window.',
    survey_resolved Nullable(Bool)       COMMENT 'What the last survey answered about it within the window says; NULL where no answer says it.',
    rules_version LowCardinality(String) COMMENT 'Rules in force when it ended; empty for the built-in defaults before any were published.',
    key_time      DateTime64(3, 'UTC')   COMMENT 'Time that the journey is stored under.'
)
AS SELECT
    journey_id, customer_id, ended_at, matures_at,
    if(splitByChar('.', toString(reason))[1] IN ('unknown', 'other'), '', splitByChar('.', toString(reason))[1]) AS reason_family,
    reason, silo, unit, channel, first, if(reason_family = '', NULL, same) AS back_same, back_any, surveyed, survey_resolved,
    rules_version, key_time
FROM (
    SELECT
        journey_id, customer_id, key_time, `contacts_ended.at` AS ats, `contacts_ended.matures_at` AS matures,
        `contacts_ended.reason` AS reasons, `contacts_ended.silo` AS silos, `contacts_ended.unit` AS units,
        `contacts_ended.channel` AS channels, `contacts_ended.first` AS firsts, `contacts_ended.back_same` AS sames,
        `contacts_ended.back_any` AS anys, `contacts_ended.surveyed` AS sent, `contacts_ended.resolved` AS answers,
        `contacts_ended.rules_version` AS books
    FROM {{database}}.journeys_v
)
ARRAY JOIN
    ats AS ended_at, matures AS matures_at, reasons AS reason, silos AS silo, units AS unit, channels AS channel, firsts AS first,
    sames AS same, anys AS back_any, sent AS surveyed, answers AS survey_resolved,
    books AS rules_version
COMMENT 'Every inbound contact of an identified customer that ended with somebody having handled it, first or not, and whether the customer came back. Those whose window has not closed are here too: first_contact_resolution_daily_v leaves them out. A filter on key_time reads only the journeys it needs.';

CREATE VIEW IF NOT EXISTS {{database}}.first_contact_resolution_daily_v {{on_cluster}}
(
    day           Date32                 COMMENT 'Day on which the contacts ended, UTC. Only days that end before matured_until are here.',
    reason_family LowCardinality(String) COMMENT 'First token of the reason; empty when unknown.',
    silo          LowCardinality(String) COMMENT 'Silo that answers for them.',
    unit          LowCardinality(String) COMMENT 'Unit; empty when not known.',
    channel       LowCardinality(String) COMMENT 'Channel; empty when not given.',
    contacts      UInt64                 COMMENT 'First contacts that ended on the day.',
    same_reason_n UInt64                 COMMENT 'First contacts whose reason is known.',
    same_reason_resolved UInt64          COMMENT 'Those of them after which the customer did not come back uninvited, for the same full reason, within the window.',
    any_reason_n  UInt64                 COMMENT 'First contacts: the same as contacts.',
    any_reason_resolved UInt64           COMMENT 'Those of them after which he did not come back uninvited, for whatever reason, within the window.',
    survey_n      UInt64                 COMMENT 'First contacts about which a survey answered within the window says whether it was resolved.',
    survey_resolved UInt64               COMMENT 'Those of them that it says were.',
    surveys_sent  UInt64                 COMMENT 'First contacts about which a survey was sent within the window.',
    surveys_answered UInt64              COMMENT 'Those of them whose answer says whether it was resolved.',
    rules_versions Array(LowCardinality(String)) COMMENT 'Versions of the rules that the contacts were judged under, in order.',
    matured_until DateTime64(3, 'UTC')   COMMENT 'Up to when it may be drawn: no event before it can still enter journeys, and the window of every contact that ended before it has closed.'
)
AS SELECT
    day, reason_family, silo, unit, channel, contacts, same_reason_n, same_reason_resolved, any_reason_n, any_reason_resolved,
    survey_n, survey_resolved, surveys_sent, surveys_answered, rules_versions, matured_until
FROM (
    SELECT
        *, least(settled, ifNull(min(pending) OVER (), settled)) AS matured_until
    FROM (
        SELECT
            toDate32(c.ended_at) AS day, c.reason_family AS reason_family, c.silo AS silo, c.unit AS unit, c.channel AS channel,
            countIf(c.first) AS contacts,
            countIf(c.first AND c.back_same IS NOT NULL) AS same_reason_n,
            countIf(c.first AND ifNull(NOT c.back_same, false)) AS same_reason_resolved,
            countIf(c.first) AS any_reason_n, countIf(c.first AND NOT c.back_any) AS any_reason_resolved,
            countIf(c.first AND c.answer IS NOT NULL) AS survey_n, countIf(c.first AND ifNull(c.answer, false)) AS survey_resolved,
            countIf(c.first AND c.surveyed) AS surveys_sent, countIf(c.first AND c.surveyed AND c.answer IS NOT NULL) AS surveys_answered,
            arraySort(groupUniqArrayIf(c.rules_version, c.first)) AS rules_versions,
            any(c.settled) AS settled, minIfOrNull(c.ended_at, c.matures_at >= c.settled) AS pending
        FROM (
            SELECT
                ended_at, matures_at, reason_family, silo, unit, channel, first, back_same, back_any, surveyed, survey_resolved AS answer,
                rules_version, (SELECT min(settled) FROM {{database}}.frontier_v WHERE clock > '1900-01-01 00:00:00') AS settled
            FROM {{database}}.contacts_v
        ) AS c
        GROUP BY day, reason_family, silo, unit, channel
    )
)
WHERE contacts > 0 AND toDateTime64(day + 1, 3, 'UTC') <= matured_until
COMMENT 'First-contact resolution by the day on which the contact ended: of the first contacts, how many were resolved, three ways. Resolution is resolved / n of one way: add both up before you divide. Days that end after matured_until are not drawn: the earliest of settled of all partitions that have seen anything, and of the first contact whose window had not closed by then.';

CREATE VIEW IF NOT EXISTS {{database}}.first_contact_resolution_v {{on_cluster}}
(
    month         Date32                 COMMENT 'First day of the month in which the contacts ended, UTC.',
    way           LowCardinality(String) COMMENT 'same_reason: he did not come back for the same full reason; any_reason: for whatever reason; survey: he says so himself.',
    n             UInt64                 COMMENT 'First contacts of the month, on the days that may be drawn, that this way can judge: with a known reason; all; with an answer.',
    resolved      UInt64                 COMMENT 'How many of them were resolved.',
    rate          Nullable(Float64)      COMMENT 'resolved / n; NULL of none.',
    low           Nullable(Float64)      COMMENT 'Lower end of the interval of rate at 95 %, Wilson: centre - half, with z = 1.959963984540054, centre = (rate + z²/2n) / (1 + z²/n), half = z / (1 + z²/n) · sqrt(rate (1 - rate) / n + z²/4n²).',
    high          Nullable(Float64)      COMMENT 'Upper end: centre + half.',
    response_rate Nullable(Float64)      COMMENT 'Of survey: of the first contacts about which a survey was sent, the share whose answer says whether it was resolved. NULL for the other ways, and where no survey.sent says that one was.',
    complete      Bool                   COMMENT 'true when the whole month ends before matured_until; else only its first days are counted.',
    matured_until DateTime64(3, 'UTC')   COMMENT 'Up to when it may be drawn.',
    rules_versions Array(LowCardinality(String)) COMMENT 'Versions of the rules that the contacts were judged under, in order; more than one: the rules changed inside.'
)
AS SELECT
    month, way, n, resolved, if(n = 0, NULL, resolved / n) AS rate,
    if(n = 0, NULL, greatest(0, centre - half)) AS low, if(n = 0, NULL, least(1, centre + half)) AS high,
    if(way = 'survey' AND sent > 0, answered / sent, NULL) AS response_rate,
    CAST(toDateTime64(month + INTERVAL 1 MONTH, 3, 'UTC') <= matured_until, 'Bool') AS complete, matured_until, rules_versions
FROM (
    SELECT
        month, matured_until, rules_versions, sent, answered, w.1 AS way, w.2 AS n, w.3 AS resolved,
        3.841458820694124 AS zz, resolved / n AS p, (p + zz / (2 * n)) / (1 + zz / n) AS centre,
        sqrt(zz) / (1 + zz / n) * sqrt(p * (1 - p) / n + zz / (4 * n * n)) AS half
    FROM (
        SELECT
            makeDate32(toYear(d.day), toMonth(d.day), 1) AS month, any(d.matured_until) AS matured_until,
            arraySort(groupUniqArrayArray(d.rules_versions)) AS rules_versions, sum(d.surveys_sent) AS sent, sum(d.surveys_answered) AS answered,
            [('same_reason', sum(d.same_reason_n), sum(d.same_reason_resolved)), ('any_reason', sum(d.any_reason_n), sum(d.any_reason_resolved)),
             ('survey', sum(d.survey_n), sum(d.survey_resolved))] AS ways
        FROM {{database}}.first_contact_resolution_daily_v AS d
        GROUP BY month
    )
    ARRAY JOIN ways AS w
)
COMMENT 'First-contact resolution by month and way, of the days that first_contact_resolution_daily_v draws. The three ways count the same contacts by other evidence, and are never added up.';
