-- What is listed whatever it costs, counted breakpoint by breakpoint: of a row of ranking_v whose highest severity is 5 others may be milder, and
-- the customers of several rows cannot be added up, since one may be in each.

CREATE VIEW IF NOT EXISTS {{database}}.always_listed_v {{on_cluster}}
(
    month               Date32 COMMENT 'First day of the month of the opportunities, UTC.',
    whole               Bool   COMMENT 'true for the row of the whole month, in which a customer counts once; false for a row of ranking_v.',
    kind                String COMMENT 'Kind of breakpoint; empty for the whole month.',
    reason_family       String COMMENT 'First token of the reason; empty when unknown, and for the whole month.',
    silo                String COMMENT 'Silo that owns the origin; empty for the whole month.',
    captive_breakpoints UInt64 COMMENT 'Breakpoints that touched a customer who cannot leave.',
    captive_customers   UInt64 COMMENT 'These customers, each once. Not to be added up over rows.',
    severe_breakpoints  UInt64 COMMENT 'Breakpoints of severity 5: a legal clock, mediator, authority or court.',
    severe_customers    UInt64 COMMENT 'Identified customers whom these touched, each once, and those whom incidents of severity 5 reached, incident by incident. Not to be added up over rows.'
)
AS SELECT
    month, CAST(w, 'Bool') AS whole, if(w, '', k) AS kind, if(w, '', f) AS reason_family, if(w, '', o) AS silo,
    countIf(captive) AS captive_breakpoints, uniqExactIf(customer, captive) AS captive_customers,
    countIf(severe) AS severe_breakpoints, uniqExactIf(customer, severe AND customer != '') + sumIf(reached, severe) AS severe_customers
FROM (
    SELECT
        makeDate32(toYear(p.opportunity_at), toMonth(p.opportunity_at), 1) AS month, toString(p.kind) AS k, toString(p.reason_family) AS f, toString(p.silo) AS o,
        p.customer_id AS customer, c.starts[-1].4 AS captive, p.severity >= 5 AS severe, i.customers AS reached
    FROM {{database}}.breakpoints_v AS p
    LEFT JOIN {{database}}.contracts_v AS c ON c.customer_id = p.customer_id
    LEFT JOIN (SELECT origin_event, 'core_failure' AS kind, customers FROM {{database}}.incident_reach_v) AS i ON i.origin_event = p.origin_event AND i.kind = p.kind
    WHERE captive OR severe
)
ARRAY JOIN [true, false] AS w
GROUP BY month, w, kind, reason_family, silo
COMMENT 'Breakpoints that are listed whatever they cost: those that touched customers who cannot leave, and those of severity 5. One row a kind, reason family and owning silo, as in ranking_v, and one of each month in which there is any.';

CREATE OR REPLACE VIEW {{database}}.comex_listed_v {{on_cluster}}
(
    month         Date32 COMMENT 'First day of the month of the opportunities, UTC.',
    what          String COMMENT 'captive: it touched customers who cannot leave; severity_5: it touched a legal clock, mediator, authority or court.',
    kind          String COMMENT 'Of the row of always_listed_v that touches most of them: kind of breakpoint.',
    reason_family String COMMENT 'Its reason family; empty when unknown.',
    silo          String COMMENT 'Its owner.',
    customers     UInt64 COMMENT 'Captive customers that it touched, or customers that its breakpoints of severity 5 touched.',
    others        UInt64 COMMENT 'How many further rows of the month there are to list.',
    fr            String COMMENT 'The same in French.',
    en            String COMMENT 'The same in English.'
)
AS WITH
    n -> replaceAll(trimBoth(reverse(replaceRegexpAll(reverse(toString(n)), '(\\d\\d\\d)', '\\1 '))), ' ', '\xE2\x80\xAF') AS number_fr,
    n -> replaceAll(trimBoth(reverse(replaceRegexpAll(reverse(toString(n)), '(\\d\\d\\d)', '\\1 '))), ' ', ',') AS number_en,
    (list, code) -> concat(list, ' ', code) AS key,
    assumeNotNull((SELECT (groupArray(concat(list, ' ', code)), groupArray(fr), groupArray(en)) FROM {{database}}.words_v)) AS words,
    (list, code) -> if(code = '', 'motif non précisé', transform(concat(list, ' ', code), words.1, words.2, replaceAll(code, '_', ' '))) AS word_fr,
    (list, code) -> if(code = '', 'no reason given', transform(concat(list, ' ', code), words.1, words.3, replaceAll(code, '_', ' '))) AS word_en
SELECT
    month, what, top.2 AS kind, top.3 AS reason_family, top.4 AS silo, top.1 AS customers, k - 1 AS others,
    concat(if(what = 'captive', 'Clients sans alternative : ', 'Gravité 5 : '), word_fr('kind', kind), ' (', word_fr('family', reason_family), '), ', number_fr(customers), if(customers > 1, ' clients', ' client'),
        multiIf(others = 0, '', others = 1, ' ; 1 autre point', concat(' ; ', number_fr(others), ' autres points'))) AS fr,
    concat(if(what = 'captive', 'Captive customers: ', 'Severity 5: '), word_en('kind', kind), ' (', word_en('family', reason_family), '), ', number_en(customers), if(customers = 1, ' customer', ' customers'),
        multiIf(others = 0, '', others = 1, '; 1 more', concat('; ', number_en(others), ' more'))) AS en
FROM (
    SELECT month, what, argMax((touched, kind, family, owner), (touched, breakpoints, kind, family, owner)) AS top, count() AS k
    FROM (
        SELECT month, w.1 AS what, w.2 AS touched, w.3 AS breakpoints, r.kind AS kind, r.reason_family AS family, r.silo AS owner
        FROM {{database}}.always_listed_v AS r
        ARRAY JOIN arrayFilter(w -> w.3 > 0, [('captive', captive_customers, captive_breakpoints), ('severity_5', severe_customers, severe_breakpoints)]) AS w
        WHERE NOT whole
    )
    GROUP BY month, what
)
COMMENT 'What is listed whatever it costs (always_listed_v): of each month, the breakpoint that touches most captive customers, and the one of severity 5 that touches most customers. How many customers all of them touch cannot be added up.';
