-- One whole for the committee: the share that its target judges stands in large, and the three breakpoints that cost most are out of the very amount
-- beside it. And an action says what was measured before and after it.

CREATE VIEW IF NOT EXISTS {{database}}.comex_costs_v {{on_cluster}}
(
    month             Date32  COMMENT 'First day of the month in which the journeys ended, UTC.',
    place             UInt32  COMMENT 'By avoidable cost, from 1.',
    kind              String  COMMENT 'Kind of breakpoint. Witnesses carry no cost, and only what costs is here.',
    reason_family     String  COMMENT 'First token of the reason; empty when unknown.',
    silo              String  COMMENT 'Silo that owns the origin.',
    cost              Float64 COMMENT 'Avoidable cost, the sum of cost of breakpoints_v. May be added up: all rows of a month are the numerator of avoidable_cost in figures_v, where the month is complete there.',
    share             Float64 COMMENT 'Of the cost of all rows of the month.',
    breakpoints       UInt64  COMMENT 'How many there are, those that cost nothing too.',
    customers         UInt64  COMMENT 'Identified customers touched, each once. Not to be added up: one may be in several rows.',
    captive_customers UInt64  COMMENT 'Of them, those who cannot leave.',
    severity          UInt8   COMMENT 'The highest.'
)
AS SELECT
    month, toUInt32(row_number() OVER (PARTITION BY month ORDER BY cost DESC, breakpoints DESC, kind, reason_family, silo)) AS place, kind, reason_family, silo,
    cost, cost / sum(cost) OVER (PARTITION BY month) AS share, breakpoints, customers, captive_customers, severity
FROM (
    SELECT
        makeDate32(toYear(j.ended_at), toMonth(j.ended_at), 1) AS month, toString(p.kind) AS kind, toString(p.reason_family) AS reason_family, toString(p.silo) AS silo,
        sum(p.cost) AS cost, count() AS breakpoints, uniqExactIf(p.customer_id, p.customer_id != '') AS customers, uniqExactIf(p.customer_id, c.starts[-1].4) AS captive_customers, max(p.severity) AS severity
    FROM {{database}}.breakpoints_v AS p
    INNER JOIN (SELECT journey_id, assumeNotNull(ended_at) AS ended_at FROM {{database}}.journeys_v WHERE outcome != 'open' AND ended_at IS NOT NULL) AS j ON j.journey_id = p.journey_id
    LEFT JOIN {{database}}.contracts_v AS c ON c.customer_id = p.customer_id
    GROUP BY month, p.kind, p.reason_family, p.silo
    HAVING sum(p.cost) > 0
)
COMMENT 'Where the avoidable cost of a month comes from: that of the journeys that ended in it, as in figures_v, by kind, reason family and owning silo. ranking_v counts the same breakpoints in the month of their opportunity.';

CREATE OR REPLACE VIEW {{database}}.comex_figures_v {{on_cluster}}
(
    month         Date32            COMMENT 'One of comex_months_v.',
    place         UInt8             COMMENT 'In which order the figures are shown, from 1.',
    figure        String            COMMENT 'As in figures_v: each month has all five.',
    state         String            COMMENT 'known; too early (its windows have not closed for all of the month); none (nothing to count in the month); not measured (never seen in these data).',
    value         Nullable(Float64) COMMENT 'Of figures_v; NULL unless known.',
    low           Nullable(Float64) COMMENT 'Lower end of its 95 % interval.',
    high          Nullable(Float64) COMMENT 'Upper end.',
    n             UInt64            COMMENT 'Journeys, contacts, answers or complaints that it rests on; 0 unless known.',
    amount        Nullable(Float64) COMMENT 'Of avoidable_cost, the avoidable cost of the journeys that ended in the month, in currency; NULL for other figures.',
    currency      String            COMMENT 'Of amount (ISO 4217).',
    illustrative  Bool              COMMENT 'true until finance has filled the hourly rates: then amount, and its share, are to be shown as illustrative.',
    better        String            COMMENT 'higher or lower; empty where not measured.',
    target        Nullable(Float64) COMMENT 'Of the rule book in force at the end of the month; NULL where it has none.',
    meets_target  Nullable(Bool)    COMMENT 'Whether value is at least as good as target; NULL where one of them is not there.',
    response_rate Nullable(Float64) COMMENT 'Of satisfaction, as in figures_v; NULL for other figures, and where it is not known.',
    year_ago      Nullable(Float64) COMMENT 'Value of the same month a year before; NULL where the comparison is withheld.',
    difference    Nullable(Float64) COMMENT 'value - year_ago.',
    against       String            COMMENT 'better or worse: the difference exceeds noise (its 95 % interval leaves out 0); no clear change; too few to say; no year yet; too early; rules changed; rates changed; not compared (the rules ask for no year).',
    latest_month  Nullable(Date32)  COMMENT 'Where too early, the last month before it of which the figure is known; NULL where there is none.',
    latest_value  Nullable(Float64) COMMENT 'Its value then.',
    latest_n      UInt64            COMMENT 'Its n then.',
    shown_fr      String            COMMENT 'The figure as a committee reads it: the share that the target judges; or why there is none. In French.',
    amount_fr     String            COMMENT 'Of avoidable_cost, the amount that it is; else empty.',
    target_fr     String            COMMENT 'Its target, and whether it is met.',
    year_fr       String            COMMENT 'Against the same month a year before; with an arrow only where the difference exceeds noise.',
    basis_fr      String            COMMENT 'Of how many, and its interval; where too early, the latest month known.',
    note_fr       String            COMMENT 'Of satisfaction its response rate; of avoidable_cost whether amounts are illustrative; else empty.',
    shown_en      String            COMMENT 'shown_fr in English.',
    amount_en     String            COMMENT 'amount_fr in English.',
    target_en     String            COMMENT 'target_fr in English.',
    year_en       String            COMMENT 'year_fr in English.',
    basis_en      String            COMMENT 'basis_fr in English.',
    note_en       String            COMMENT 'note_fr in English.'
)
AS WITH
    m -> concat(['janvier', 'février', 'mars', 'avril', 'mai', 'juin', 'juillet', 'août', 'septembre', 'octobre', 'novembre', 'décembre'][toMonth(m)], ' ', toString(toYear(m))) AS month_fr,
    m -> concat(['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December'][toMonth(m)], ' ', toString(toYear(m))) AS month_en,
    n -> replaceAll(trimBoth(reverse(replaceRegexpAll(reverse(toString(n)), '(\\d\\d\\d)', '\\1 '))), ' ', '\xE2\x80\xAF') AS number_fr,
    n -> replaceAll(trimBoth(reverse(replaceRegexpAll(reverse(toString(n)), '(\\d\\d\\d)', '\\1 '))), ' ', ',') AS number_en,
    (x, d) -> concat(replaceOne(toDecimalString(100 * x, d), '.', ','), '\xC2\xA0%') AS share_fr,
    (x, d) -> concat(toDecimalString(100 * x, d), '%') AS share_en,
    (x, c) -> concat(multiIf(x >= 9999500, concat(replaceOne(toDecimalString(x / 1000000, 1), '.', ','), '\xC2\xA0M'), x >= 99999.5, concat(number_fr(toInt64(round(x / 1000))), '\xC2\xA0k'), concat(number_fr(toInt64(round(x))), '\xC2\xA0')), if(c = 'EUR', '€', c)) AS money_fr,
    (x, c) -> concat(if(c = 'EUR', '€', concat(c, '\xC2\xA0')), multiIf(x >= 9999500, concat(toDecimalString(x / 1000000, 1), 'M'), x >= 99999.5, concat(number_en(toInt64(round(x / 1000))), 'k'), number_en(toInt64(round(x))))) AS money_en
SELECT
    month, place, figure, state, value, low, high, n, amount, currency, illustrative, better, target, meets_target, response_rate, year_ago, difference, against,
    latest_month, latest_value, latest_n,
    multiIf(state = 'known', share_fr(assumeNotNull(value), 1), state = 'too early', 'trop tôt', state = 'none', 'aucun cas', 'non mesuré') AS shown_fr,
    if(amount IS NULL, '', money_fr(assumeNotNull(amount), currency)) AS amount_fr,
    multiIf(target IS NULL, 'sans cible', concat('cible ', if(figure = 'avoidable_cost', concat(share_fr(assumeNotNull(target), 0), ' au plus'), share_fr(assumeNotNull(target), 0)),
        multiIf(meets_target IS NULL, '', assumeNotNull(meets_target), ' : atteinte ✓', ' : non atteinte ✗'))) AS target_fr,
    multiIf(
        against IN ('better', 'worse'), concat(if(difference > 0, '▲ +', '▼ −'), replaceOne(toDecimalString(100 * abs(assumeNotNull(difference)), 1), '.', ','), ' points en un an : ', if(against = 'better', 'mieux', 'moins bien')),
        against = 'no clear change', concat('pas d\'écart net sur un an (', share_fr(assumeNotNull(year_ago), 1), ')'),
        against = 'too few to say', 'trop peu de cas pour comparer à l\'an dernier',
        against = 'no year yet', 'pas encore d\'année de recul',
        against = 'too early', 'comparaison : trop tôt',
        against = 'rules changed', 'comparaison retirée : règles modifiées',
        against = 'rates changed', 'comparaison retirée : coûts horaires modifiés',
        'comparaison annuelle non demandée') AS year_fr,
    multiIf(
        state = 'known', concat('n = ', number_fr(n), ' ', noun_fr, if(low IS NULL OR high IS NULL, '', concat(', entre ', share_fr(assumeNotNull(low), 0), ' et ', share_fr(assumeNotNull(high), 0)))),
        state = 'too early' AND latest_month IS NOT NULL, concat('connu : ', month_fr(assumeNotNull(latest_month)), ', ', share_fr(assumeNotNull(latest_value), 1), ' (n = ', number_fr(latest_n), ')'),
        state = 'too early', 'aucun mois connu à ce jour', state = 'none', concat('pas de ', noun_fr, ' ce mois-ci'), concat('pas de ', noun_fr, ' dans les données reçues')) AS basis_fr,
    multiIf(figure = 'satisfaction' AND state = 'known', if(response_rate IS NULL, 'taux de réponse inconnu', concat('taux de réponse ', share_fr(assumeNotNull(response_rate), 0))),
        figure = 'avoidable_cost' AND state = 'known' AND illustrative, 'montant illustratif', '') AS note_fr,
    multiIf(state = 'known', share_en(assumeNotNull(value), 1), state = 'none', 'none', state) AS shown_en,
    if(amount IS NULL, '', money_en(assumeNotNull(amount), currency)) AS amount_en,
    multiIf(target IS NULL, 'no target', concat('target ', if(figure = 'avoidable_cost', concat(share_en(assumeNotNull(target), 0), ' at most'), share_en(assumeNotNull(target), 0)),
        multiIf(meets_target IS NULL, '', assumeNotNull(meets_target), ': met ✓', ': missed ✗'))) AS target_en,
    multiIf(
        against IN ('better', 'worse'), concat(if(difference > 0, '▲ +', '▼ −'), toDecimalString(100 * abs(assumeNotNull(difference)), 1), ' points in a year: ', against),
        against = 'no clear change', concat('no clear change in a year (', share_en(assumeNotNull(year_ago), 1), ')'),
        against = 'too few to say', 'too few to compare with a year ago',
        against = 'too early', 'comparison: too early',
        against = 'rules changed', 'comparison withheld: rules changed',
        against = 'rates changed', 'comparison withheld: hourly rates changed',
        against = 'not compared', 'no comparison with a year ago asked for', against) AS year_en,
    multiIf(
        state = 'known', concat('n = ', number_en(n), ' ', noun_en, if(low IS NULL OR high IS NULL, '', concat(', ', share_en(assumeNotNull(low), 0), ' to ', share_en(assumeNotNull(high), 0)))),
        state = 'too early' AND latest_month IS NOT NULL, concat('known: ', month_en(assumeNotNull(latest_month)), ', ', share_en(assumeNotNull(latest_value), 1), ' (n = ', number_en(latest_n), ')'),
        state = 'too early', 'no month known yet', state = 'none', concat('no ', noun_en, ' this month'), concat('no ', noun_en, ' in the data received')) AS basis_en,
    multiIf(figure = 'satisfaction' AND state = 'known', if(response_rate IS NULL, 'response rate not known', concat('response rate ', share_en(assumeNotNull(response_rate), 0))),
        figure = 'avoidable_cost' AND state = 'known' AND illustrative, 'illustrative amount', '') AS note_en
FROM (
    SELECT
        month, toUInt8(shape.1) AS place, shape.2 AS figure, shape.3 AS noun_fr, shape.4 AS noun_en,
        multiIf(f.n > 0 AND f.complete, 'known', empty(of_it), 'not measured', f.n = 0 AND addMonths(toDateTime64(month, 3, 'UTC'), 1) <= any_of_it.matured_until, 'none', 'too early') AS state,
        if(state = 'known', f.value, NULL) AS value, if(state = 'known', f.low, NULL) AS low, if(state = 'known', f.high, NULL) AS high, if(state = 'known', f.n, 0) AS n,
        if(state = 'known' AND figure = 'avoidable_cost', toNullable(f.numerator), NULL) AS amount,
        assumeNotNull((SELECT currency FROM {{database}}.ranking_rules_v)) AS currency, assumeNotNull((SELECT illustrative FROM {{database}}.ranking_rules_v)) AS illustrative,
        any_of_it.better AS better, any_of_it.target AS target, if(state = 'known', f.meets_target, NULL) AS meets_target, if(state = 'known', f.response_rate, NULL) AS response_rate,
        indexOf(f.months_before, 12) AS year,
        if(state = 'known' AND year > 0, f.before[year], NULL) AS year_ago, value - year_ago AS difference,
        multiIf(
            state != 'known', 'too early', year = 0, 'not compared', f.withheld[year] = 'no such month', 'no year yet', f.withheld[year] = 'not complete', 'too early', f.withheld[year] != '', f.withheld[year],
            f.exceeds[year] IS NULL, 'too few to say', NOT assumeNotNull(f.exceeds[year]), 'no clear change', (difference > 0) = (better = 'higher'), 'better', 'worse') AS against,
        arrayLast(r -> r.complete AND r.month < month, of_it) AS latest,
        if(state = 'too early' AND latest.n > 0, toNullable(latest.month), NULL) AS latest_month, if(latest_month IS NULL, NULL, latest.value) AS latest_value, if(latest_month IS NULL, 0, latest.n) AS latest_n
    FROM (
        SELECT
            month, shape, arrayFilter(r -> r.figure = shape.2, months) AS of_it, arrayFirst(r -> r.month = month, of_it) AS f,
            if(f.n > 0, f, arrayLast(r -> r.month <= month, of_it)) AS nearest, if(nearest.n > 0, nearest, arrayFirst(r -> true, of_it)) AS any_of_it
        FROM (
            SELECT
                arraySort(r -> r.month, groupArray(CAST((month, toString(figure), numerator, n, value, low, high, toString(better), target, meets_target, complete, matured_until, response_rate,
                    `compared.months_before`, `compared.value`, `compared.exceeds_noise`, `compared.withheld`),
                    'Tuple(month Date32, figure String, numerator Float64, n UInt64, value Nullable(Float64), low Nullable(Float64), high Nullable(Float64), better String, target Nullable(Float64), meets_target Nullable(Bool), complete Bool, matured_until DateTime64(3, \'UTC\'), response_rate Nullable(Float64), months_before Array(UInt16), before Array(Nullable(Float64)), exceeds Array(Nullable(Bool)), withheld Array(String))'))) AS months
            FROM {{database}}.figures_v
        )
        ARRAY JOIN
            arrayMap(r -> r.month, arrayFilter(r -> r.figure = 'journeys_without_serious_breakpoint' AND r.complete, months)) AS month
        ARRAY JOIN [
            (1, 'journeys_without_serious_breakpoint', 'parcours', 'journeys'), (2, 'first_contact_resolution', 'contacts', 'contacts'),
            (3, 'satisfaction', 'réponses', 'answers'), (4, 'complaints_in_time', 'réclamations', 'complaints'), (5, 'avoidable_cost', 'parcours', 'journeys')] AS shape
    )
)
COMMENT 'The five figures of each matured month, with target, comparison with a year before, and the words for both. By figures_v; what is not known is said and never drawn.';

CREATE OR REPLACE VIEW {{database}}.comex_breakpoints_v {{on_cluster}}
(
    month             Date32           COMMENT 'First day of the month in which the journeys ended, UTC.',
    place             UInt32           COMMENT 'By avoidable cost: 1 to 3.',
    kind              String           COMMENT 'Kind of breakpoint.',
    reason_family     String           COMMENT 'First token of the reason; empty when unknown.',
    silo              String           COMMENT 'Silo that owns the origin.',
    cost              Float64          COMMENT 'Avoidable cost, in currency.',
    share             Float64          COMMENT 'Of the avoidable cost of the month: amount of comex_figures_v.',
    currency          String           COMMENT 'Of cost.',
    illustrative      Bool             COMMENT 'true until finance has filled the hourly rates: then cost and share are to be shown as illustrative.',
    breakpoints       UInt64           COMMENT 'How many there are.',
    customers         UInt64           COMMENT 'Identified customers touched, each once.',
    captive_customers UInt64           COMMENT 'Of them, those who cannot leave.',
    severity          UInt8            COMMENT 'The highest.',
    complete          Bool             COMMENT 'true for a month of comex_months_v; else cost may still grow.',
    since             Nullable(Date32) COMMENT 'From when on the present level stands; NULL where the kind has no rate to tell by.',
    since_by          String           COMMENT 'alert: the day of origin of a change alert on kind, family and silo (or a level that holds them) that stood at the end of the month, or became usual; rise, fall: the first month of the run; rules: so the run began as other rules judge from then on; start: no month that is complete differs; empty for no rate.',
    since_fr          String           COMMENT 'The same in French.',
    since_en          String           COMMENT 'The same in English.'
)
AS WITH
    m -> concat(['janvier', 'février', 'mars', 'avril', 'mai', 'juin', 'juillet', 'août', 'septembre', 'octobre', 'novembre', 'décembre'][toMonth(m)], ' ', toString(toYear(m))) AS month_fr,
    m -> concat(['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December'][toMonth(m)], ' ', toString(toYear(m))) AS month_en,
    d -> concat(if(toDayOfMonth(d) = 1, '1er', toString(toDayOfMonth(d))), ' ', month_fr(d)) AS day_fr,
    d -> concat(toString(toDayOfMonth(d)), ' ', month_en(d)) AS day_en,
    arrayFilter(a -> a.1 = kind AND a.2 IN ('', reason_family) AND a.3 IN ('', silo) AND a.5 < addMonths(month, 1) AND (a.6 IS NULL OR assumeNotNull(a.6) >= addMonths(month, 1) OR a.7),
        assumeNotNull((SELECT groupArray((toString(kind), toString(reason_family), toString(silo), since, raised_on, cleared_on, cleared_why = 'new_usual')) FROM {{database}}.alerts_v WHERE unit = '' AND channel = ''))) AS alerted
SELECT
    month, place, kind, reason_family, silo, cost, share, currency, illustrative, breakpoints, customers, captive_customers, severity, complete,
    multiIf(notEmpty(alerted), toNullable(arrayMax(arrayMap(a -> a.4, alerted))), run.1 = '', NULL, toNullable(run.2)) AS since,
    if(notEmpty(alerted), 'alert', run.1) AS since_by,
    multiIf(since_by = '', 'non connu', since_by = 'alert', concat('le ', day_fr(assumeNotNull(since)), ' (alerte)'), since_by = 'start', 'le début des données',
        since_by = 'rules', concat(month_fr(assumeNotNull(since)), ' (règles modifiées)'), since_by = 'fall', concat(month_fr(assumeNotNull(since)), ' (en baisse)'), month_fr(assumeNotNull(since))) AS since_fr,
    multiIf(since_by = '', 'not known', since_by = 'alert', concat(day_en(assumeNotNull(since)), ' (alert)'), since_by = 'start', 'the start of the data',
        since_by = 'rules', concat(month_en(assumeNotNull(since)), ' (rules changed)'), since_by = 'fall', concat(month_en(assumeNotNull(since)), ' (lower)'), month_en(assumeNotNull(since))) AS since_en
FROM (
    SELECT
        b.month AS month, b.place AS place, b.kind AS kind, b.reason_family AS reason_family, b.silo AS silo, b.cost AS cost, b.share AS share,
        assumeNotNull((SELECT toString(currency) FROM {{database}}.ranking_rules_v)) AS currency, assumeNotNull((SELECT illustrative FROM {{database}}.ranking_rules_v)) AS illustrative,
        b.breakpoints AS breakpoints, b.customers AS customers, b.captive_customers AS captive_customers, b.severity AS severity,
        CAST(b.month IN (SELECT month FROM {{database}}.comex_months_v), 'Bool') AS complete, r.run AS run
    FROM {{database}}.comex_costs_v AS b
    LEFT JOIN (
        SELECT kind, family, m.1 AS month, if(first = 0, ('', m.1), (multiIf(first = 1, 'start', months[first].7, 'rules', m.4 > months[first - 1].4, 'rise', 'fall'), months[first].1)) AS run
        FROM (
            SELECT
                kind, family, months, m,
                if(m.8, 1 + arrayLastIndex(o -> o.1 < m.1 AND (o.9 OR m.4 - o.4 - sqrt(pow(m.4 - m.5, 2) + pow(o.6 - o.4, 2)) > 0 OR m.4 - o.4 + sqrt(pow(m.6 - m.4, 2) + pow(o.4 - o.5, 2)) < 0), months), 0) AS first
            FROM (
                SELECT kind, family, arrayMap((x, next) -> tupleConcat(x, tuple(next)), sorted, arrayPushBack(arrayMap(x -> x.7, arraySlice(sorted, 2)), false)) AS months
                FROM (
                    SELECT kind, family, arraySort(groupArray((month, n, x, rate, low, high, changed, complete))) AS sorted
                    FROM (
                        WITH 1.959963984540054 AS z, z * z / n AS zz, z * sqrt(rate * (1 - rate) / n + zz / n / 4) AS half
                        SELECT
                            month, kind, family, n, x, x / n AS rate, if(x = 0, 0, (rate + zz / 2 - half) / (1 + zz)) AS low, if(x = n, 1, (rate + zz / 2 + half) / (1 + zz)) AS high,
                            max(changed) OVER (PARTITION BY kind, month) AS changed, CAST(toDateTime64(addMonths(month, 1), 3, 'UTC') <= matured_until, 'Bool') AS complete
                        FROM (
                            SELECT
                                makeDate32(toYear(d.day), toMonth(d.day), 1) AS month, toString(d.kind) AS kind, toString(d.reason_family) AS family, sum(d.opportunities) AS n, sum(d.broken) AS x,
                                CAST(max(d.rules_changed), 'Bool') AS changed, any(d.matured_until) AS matured_until
                            FROM {{database}}.rates_daily_v AS d
                            GROUP BY month, kind, family
                        )
                    )
                    WHERE complete
                    GROUP BY kind, family
                )
            )
            ARRAY JOIN months AS m
        )
    ) AS r ON r.month = b.month AND r.kind = b.kind AND r.family = b.reason_family
    WHERE b.place <= 3
)
COMMENT 'The three breakpoints that cost most of the journeys that ended in each month (comex_costs_v), with their owner and since when. The present level of a rate (of kind and reason family, over all silos, by the month of the opportunity) stands since the first of the months, up to this one, of which none differs from it beyond noise (Newcombe 1998, of two Wilson intervals), and since which no other rules judge; a later change alert is more precise.';

-- Channels have words too, where a sentence names one.

CREATE OR REPLACE VIEW {{database}}.words_v {{on_cluster}}
(
    list LowCardinality(String) COMMENT 'What it names: kind (of breakpoint), silo, channel, or family (of reasons).',
    code String                 COMMENT 'As the other views write it.',
    fr   String                 COMMENT 'In French.',
    en   String                 COMMENT 'In English.'
)
AS SELECT list, code, fr, en
FROM values('list String, code String, fr String, en String',
    ('kind', 'repeat_contact', 'Rappel pour le même motif', 'Back for the same reason'),
    ('kind', 'channel_failover', 'Libre-service en échec', 'Self-service that failed'),
    ('kind', 'channel_ping_pong', 'Renvoi d\'un canal à l\'autre', 'Sent from channel to channel'),
    ('kind', 'silo_handoff', 'Renvoi entre directions', 'Sent from silo to silo'),
    ('kind', 'long_wait', 'Attente trop longue', 'Waited too long'),
    ('kind', 'refused_contact', 'Contact refusé', 'Contact refused'),
    ('kind', 'queue_abandonment', 'Abandon en file d\'attente', 'Gave up in the queue'),
    ('kind', 'form_abandonment', 'Formulaire abandonné', 'Form given up'),
    ('kind', 'sla_breach', 'Délai de réponse dépassé', 'Answer overdue'),
    ('kind', 'broken_promise', 'Promesse non tenue', 'Broken promise'),
    ('kind', 'stalled_case', 'Dossier à l\'arrêt', 'Stalled case'),
    ('kind', 'reopened_case', 'Dossier rouvert', 'Reopened case'),
    ('kind', 'process_loop', 'Étape interne refaite', 'Internal step redone'),
    ('kind', 'repeated_information', 'Information redemandée', 'Asked for it again'),
    ('kind', 'core_failure', 'Défaut du service dû', 'Failure of what is owed'),
    ('kind', 'complaint_escalation', 'Réclamation aggravée', 'Complaint escalated'),
    ('kind', 'detractor', 'Client détracteur', 'Detractor'),
    ('kind', 'unanswered_detractor', 'Détracteur sans réponse', 'Detractor left unanswered'),
    ('kind', 'tension', 'Tension', 'Tension'),
    ('kind', 'unresolved_end', 'Parcours sans solution', 'Ended unresolved'),
    ('silo', 'customer_service', 'Service client', 'Customer service'),
    ('silo', 'operations', 'Opérations', 'Operations'),
    ('silo', 'it', 'Informatique', 'IT'),
    ('silo', 'marketing', 'Marketing', 'Marketing'),
    ('silo', 'sales', 'Commercial', 'Sales'),
    ('silo', 'branch_network', 'Réseau d\'agences', 'Branch network'),
    ('silo', 'product', 'Produit', 'Product'),
    ('silo', 'risk_compliance', 'Risques et conformité', 'Risk and compliance'),
    ('silo', 'purchasing', 'Achats', 'Purchasing'),
    ('silo', 'logistics', 'Logistique', 'Logistics'),
    ('silo', 'finance', 'Finance', 'Finance'),
    ('silo', 'hr', 'Ressources humaines', 'Human resources'),
    ('silo', 'partner', 'Partenaire', 'Partner'),
    ('channel', 'phone', 'Téléphone', 'Phone'),
    ('channel', 'email', 'E-mail', 'E-mail'),
    ('channel', 'chat', 'Chat', 'Chat'),
    ('channel', 'messaging', 'Messagerie', 'Messaging'),
    ('channel', 'store', 'Boutique', 'Store'),
    ('channel', 'post', 'Courrier', 'Post'),
    ('channel', 'social', 'Réseaux sociaux', 'Social media'),
    ('channel', 'field', 'Terrain', 'Field'),
    ('channel', 'web', 'Site web', 'Web'),
    ('channel', 'app', 'Application', 'App'),
    ('channel', 'bot', 'Robot', 'Bot'),
    ('channel', 'ivr', 'Serveur vocal', 'IVR'),
    ('channel', 'faq', 'FAQ', 'FAQ'),
    ('channel', 'other', 'Autre', 'Other'),
    ('family', 'access', 'Accès', 'Access'),
    ('family', 'account', 'Compte', 'Account'),
    ('family', 'appointment', 'Rendez-vous', 'Appointment'),
    ('family', 'billing', 'Facturation', 'Billing'),
    ('family', 'cancellation', 'Résiliation', 'Cancellation'),
    ('family', 'card', 'Carte', 'Card'),
    ('family', 'claim', 'Sinistre', 'Claim'),
    ('family', 'complaint', 'Réclamation', 'Complaint'),
    ('family', 'contract', 'Contrat', 'Contract'),
    ('family', 'credit', 'Crédit', 'Credit'),
    ('family', 'delivery', 'Livraison', 'Delivery'),
    ('family', 'information', 'Renseignement', 'Information'),
    ('family', 'installation', 'Installation', 'Installation'),
    ('family', 'insurance', 'Assurance', 'Insurance'),
    ('family', 'loyalty', 'Fidélité', 'Loyalty'),
    ('family', 'moving', 'Déménagement', 'Moving'),
    ('family', 'network', 'Réseau', 'Network'),
    ('family', 'order', 'Commande', 'Order'),
    ('family', 'payment', 'Paiement', 'Payment'),
    ('family', 'product', 'Produit', 'Product'),
    ('family', 'return', 'Retour', 'Return'),
    ('family', 'sales', 'Vente', 'Sales'),
    ('family', 'service', 'Service', 'Service'),
    ('family', 'subscription', 'Abonnement', 'Subscription'),
    ('family', 'technical', 'Technique', 'Technical'),
    ('family', 'transfer', 'Virement', 'Transfer'),
    ('family', 'warranty', 'Garantie', 'Warranty'),
    ('family', 'other', 'Autre', 'Other'),
    ('family', 'unknown', 'Inconnu', 'Unknown'))
COMMENT 'Words for codes, in the sentences of other views. What a company named itself has none and is written as it is, with blanks for underscores.';

CREATE OR REPLACE VIEW {{database}}.comex_alerts_v {{on_cluster}}
(
    place         UInt32           COMMENT 'The one raised last first, from 1; 0 for the row that says that none stands.',
    kind          String           COMMENT 'Kind of breakpoint; empty where none stands.',
    reason_family String           COMMENT 'First token of the reason; empty: all of them.',
    silo          String           COMMENT 'Silo that answers; empty: all of them.',
    unit          String           COMMENT 'Unit; empty: all of them.',
    channel       String           COMMENT 'Channel; empty: all of them.',
    since         Nullable(Date32) COMMENT 'Date of origin; NULL where none stands.',
    raised_on     Nullable(Date32) COMMENT 'The day (UTC) whose figures raised it; NULL where none stands.',
    factor        Float64          COMMENT 'Breakpoints observed by expected; 0 where none stands.',
    closed        Nullable(Date32) COMMENT 'The last day (UTC) that was looked at; NULL where nobody looked.',
    watched       UInt32           COMMENT 'Series watched on that day: 0 says that nobody looked, and nothing of alerts.',
    fr            String           COMMENT 'The same in French.',
    en            String           COMMENT 'The same in English.'
)
AS WITH
    m -> concat(['janvier', 'février', 'mars', 'avril', 'mai', 'juin', 'juillet', 'août', 'septembre', 'octobre', 'novembre', 'décembre'][toMonth(m)], ' ', toString(toYear(m))) AS month_fr,
    m -> concat(['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December'][toMonth(m)], ' ', toString(toYear(m))) AS month_en,
    d -> concat(if(toDayOfMonth(d) = 1, '1er', toString(toDayOfMonth(d))), ' ', month_fr(d)) AS day_fr,
    d -> concat(toString(toDayOfMonth(d)), ' ', month_en(d)) AS day_en,
    n -> replaceAll(trimBoth(reverse(replaceRegexpAll(reverse(toString(n)), '(\\d\\d\\d)', '\\1 '))), ' ', '\xE2\x80\xAF') AS number_fr,
    n -> replaceAll(trimBoth(reverse(replaceRegexpAll(reverse(toString(n)), '(\\d\\d\\d)', '\\1 '))), ' ', ',') AS number_en,
    assumeNotNull((SELECT (groupArray(concat(list, ' ', code)), groupArray(fr), groupArray(en)) FROM {{database}}.words_v)) AS words,
    (list, code) -> transform(concat(list, ' ', code), words.1, words.2, replaceAll(code, '_', ' ')) AS word_fr,
    (list, code) -> transform(concat(list, ' ', code), words.1, words.3, replaceAll(code, '_', ' ')) AS word_en
SELECT
    place, kind, reason_family, silo, unit, channel, since, raised_on, factor, closed, watched,
    multiIf(
        place > 0, concat(word_fr('kind', kind), if(empty(of_fr), '', concat(' (', arrayStringConcat(of_fr, ', '), ')')), ' : ', replaceOne(toDecimalString(factor, 1), '.', ','), ' fois l\'habitude depuis le ', day_fr(assumeNotNull(since))),
        watched = 0, concat('Aucune série n\'a assez de volume pour être surveillée (au ', day_fr(assumeNotNull(closed)), ')'),
        concat('Aucune alerte en cours : ', number_fr(watched), ' séries surveillées au ', day_fr(assumeNotNull(closed)))) AS fr,
    multiIf(
        place > 0, concat(word_en('kind', kind), if(empty(of_en), '', concat(' (', arrayStringConcat(of_en, ', '), ')')), ': ', toDecimalString(factor, 1), ' times the usual since ', day_en(assumeNotNull(since))),
        watched = 0, concat('No series has enough volume to be watched (on ', day_en(assumeNotNull(closed)), ')'),
        concat('No alert stands: ', number_en(watched), ' series watched on ', day_en(assumeNotNull(closed)))) AS en
FROM (
    SELECT
        a.1 AS place, a.2 AS kind, a.3 AS reason_family, a.4 AS silo, a.5 AS unit, a.6 AS channel, a.7 AS since, a.8 AS raised_on, a.9 AS factor, last.1 AS closed, last.2 AS watched,
        arrayFilter(w -> w != '', [if(reason_family = '', '', word_fr('family', reason_family)), if(silo = '', '', word_fr('silo', silo)), unit, if(channel = '', '', word_fr('channel', channel))]) AS of_fr,
        arrayFilter(w -> w != '', [if(reason_family = '', '', word_en('family', reason_family)), if(silo = '', '', word_en('silo', silo)), unit, if(channel = '', '', word_en('channel', channel))]) AS of_en
    FROM (
        SELECT
            (SELECT (max(toNullable(day)), argMax(watched, day)) FROM {{database}}.closed_days_v) AS last,
            arrayMap((x, i) -> (toUInt32(i), x.3, x.4, x.5, x.6, x.7, x.2, x.8, x.9), sorted, arrayEnumerate(sorted)) AS standing,
            CAST(if(notEmpty(standing) OR last.1 IS NULL, standing, [(0, '', '', '', '', '', NULL, NULL, 0)]),
                'Array(Tuple(UInt32, String, String, String, String, String, Nullable(Date32), Nullable(Date32), Float64))') AS all
        FROM (
            SELECT arraySort(groupArray((-toInt64(toInt32(raised_on)), since, toString(kind), toString(reason_family), toString(silo), toString(unit), toString(channel), raised_on, factor))) AS sorted
            FROM {{database}}.alerts_v WHERE cleared_on IS NULL
        )
    )
    ARRAY JOIN all AS a
)
COMMENT 'The change alerts that stand now, whatever month is looked at, the one raised last first; where none stands, one row that says so, and whether anything is watched at all.';

-- What is still to come is not nothing: the days after an action are incomplete before they are empty.

CREATE OR REPLACE VIEW {{database}}.action_rates_v {{on_cluster}}
(
    action          String                 COMMENT 'Source and id of the action.launched, a space between them.',
    launched_at     DateTime64(3, 'UTC')   COMMENT 'When it was launched.',
    name            String                 COMMENT 'What it was: its activity, else its subject, else its id.',
    days            UInt16                 COMMENT 'Length of each of the two periods, in days: 14, 28 or 90. The day (UTC) of the action is in neither.',
    scope           LowCardinality(String) COMMENT 'all: the whole company; reason_family, silo, unit or channel: only that which the action itself names.',
    named           LowCardinality(String) COMMENT 'Which family, silo, unit or channel; empty for all.',
    kind            LowCardinality(String) COMMENT 'Kind of breakpoint. Only kinds that had an opportunity in one of the two periods, on a day that may be drawn.',
    before_n        UInt64                 COMMENT 'Opportunities of the days before.',
    before_broken   UInt64                 COMMENT 'How many of them broke.',
    before_rate     Nullable(Float64)      COMMENT 'before_broken / before_n; NULL out of nothing.',
    after_n         UInt64                 COMMENT 'Opportunities of the days after, of those that may be drawn.',
    after_broken    UInt64                 COMMENT 'How many of them broke.',
    after_rate      Nullable(Float64)      COMMENT 'after_broken / after_n; NULL out of nothing.',
    complete        Bool                   COMMENT 'true when all days after may be drawn for the kind.',
    difference      Nullable(Float64)      COMMENT 'after_rate - before_rate; NULL where withheld.',
    difference_low  Nullable(Float64)      COMMENT 'Lower end of its 95 % interval, by Newcombe (1998, method 10): difference - sqrt((after_rate - low)^2 + (high_before - before_rate)^2), of two Wilson intervals.',
    difference_high Nullable(Float64)      COMMENT 'Upper end: difference + sqrt((high - after_rate)^2 + (before_rate - low_before)^2).',
    exceeds_noise   Bool                   COMMENT 'true when that interval leaves out 0. No proof that the action did it.',
    withheld        LowCardinality(String) COMMENT 'Why there is no difference: nothing to compare with (no opportunity in one of the two); not complete (there may still be some after it); rules changed (other rules judge since a moment within the two periods). Empty where there is one.'
)
AS WITH
    (x, n) -> (x / n + 1.9207294103470385 / n) / (1 + 3.841458820694077 / n) AS middle,
    (x, n) -> 1.959963984540054 * sqrt(x / n * (1 - x / n) / n + 0.9603647051735192 / (n * n)) / (1 + 3.841458820694077 / n) AS half,
    (x, n) -> if(x = 0, 0, middle(x, n) - half(x, n)) AS low_of,
    (x, n) -> if(x = n, 1, middle(x, n) + half(x, n)) AS high_of
SELECT
    action, launched_at, name, days, scope, named, kind, before_n, before_broken, if(before_n > 0, before_broken / before_n, NULL) AS before_rate,
    after_n, after_broken, if(after_n > 0, after_broken / after_n, NULL) AS after_rate, complete,
    if(withheld = '', after_rate - before_rate, NULL) AS difference,
    difference - sqrt(pow(after_rate - low_of(after_broken, after_n), 2) + pow(high_of(before_broken, before_n) - before_rate, 2)) AS difference_low,
    difference + sqrt(pow(high_of(after_broken, after_n) - after_rate, 2) + pow(before_rate - low_of(before_broken, before_n), 2)) AS difference_high,
    CAST(ifNull(difference_low > 0 OR difference_high < 0, false), 'Bool') AS exceeds_noise,
    multiIf(before_n = 0 OR after_n = 0 AND complete, 'nothing to compare with', NOT complete, 'not complete', rules_changed, 'rules changed', '') AS withheld
FROM (
    SELECT
        a.action AS action, a.launched_at AS launched_at, a.name AS name, a.days AS days, a.scope AS scope, a.named AS named, d.kind AS kind,
        sumIf(d.opportunities, d.day < a.day) AS before_n, sumIf(d.broken, d.day < a.day) AS before_broken,
        sumIf(d.opportunities, d.day > a.day) AS after_n, sumIf(d.broken, d.day > a.day) AS after_broken,
        CAST(toDateTime64(addDays(any(a.day), any(a.days) + 1), 3, 'UTC') <= any(d.matured_until), 'Bool') AS complete,
        arrayExists(t -> toDate32(t) > addDays(any(a.day), -toInt32(any(a.days))) AND toDate32(t) <= addDays(any(a.day), any(a.days)),
            (SELECT groupArray(effective_from) FROM {{database}}.rule_changes_v WHERE judges_changed)) AS rules_changed
    FROM (
        SELECT action, launched_at, toDate32(launched_at) AS day, name, days, s.1 AS scope, s.2 AS named
        FROM (
            SELECT
                concat(source, ' ', id) AS action, time AS launched_at, multiIf(activity != type, toString(activity), subject != '', subject, id) AS name,
                [('all', ''), ('reason_family', toString(reason_family)), ('silo', toString(silo)), ('unit', toString(unit)), ('channel', toString(channel))] AS scopes
            FROM {{database}}.events_v
            WHERE type = 'action.launched'
        )
        ARRAY JOIN scopes AS s
        ARRAY JOIN [toUInt16(14), 28, 90] AS days
        WHERE s.1 = 'all' OR s.2 != ''
    ) AS a
    INNER JOIN (
        SELECT day, kind, s.1 AS scope, s.2 AS named, sum(opportunities) AS opportunities, sum(broken) AS broken, any(matured_until) AS matured_until
        FROM (
            SELECT
                day, toString(kind) AS kind, opportunities, broken, matured_until,
                [('all', ''), ('reason_family', toString(reason_family)), ('silo', toString(silo)), ('unit', toString(unit)), ('channel', toString(channel))] AS scopes
            FROM {{database}}.rates_daily_v
        )
        ARRAY JOIN scopes AS s
        GROUP BY day, kind, scope, named
    ) AS d ON d.scope = a.scope AND d.named = a.named
    WHERE d.day >= addDays(a.day, -toInt32(a.days)) AND d.day <= addDays(a.day, a.days) AND d.day != a.day
    GROUP BY action, launched_at, name, days, scope, named, kind
)
COMMENT 'Rates before and after each action that was launched, of the whole company and of what the action names: a comparison, and no proof of cause, since other things change too. Counts are those of rates_daily_v, by the day of the opportunity. Intervals by Wilson (1927) and Newcombe (1998).';

CREATE OR REPLACE VIEW {{database}}.comex_actions_v {{on_cluster}}
(
    launched_at     DateTime64(3, 'UTC')   COMMENT 'When the company began it.',
    action          String                 COMMENT 'What: the activity of action.launched, else its subject or its reason; empty when none was given.',
    silo            LowCardinality(String) COMMENT 'Silo that acts; empty when not given.',
    unit            LowCardinality(String) COMMENT 'Unit that acts; empty when not given.',
    reason          LowCardinality(String) COMMENT 'Reason that it is about; empty when not given.',
    effect          String                 COMMENT 'measured; not yet measured (the 28 days after are not all in); rules changed (other rules judge since a moment within the two periods); nothing to compare with (nothing of what it names could break in one of the two).',
    scope           String                 COMMENT 'By what it is measured: the narrowest of what the action names in which anything could break (unit, then reason_family, channel, silo), else all; empty where nothing could break at all.',
    named           String                 COMMENT 'Which unit, family, channel or silo; empty for all.',
    kind            String                 COMMENT 'The kind of breakpoint that it is measured by, witnesses left out: the one that broke most there in the days 90 to 29 before the action. Neither of the two periods has a say in that.',
    before_n        UInt64                 COMMENT 'Opportunities of the 28 days before (action_rates_v).',
    before_rate     Nullable(Float64)      COMMENT 'How many of them broke, as a share; NULL out of nothing.',
    after_n         UInt64                 COMMENT 'Opportunities of the 28 days after, of those that may be drawn.',
    after_rate      Nullable(Float64)      COMMENT 'How many of them broke, as a share; NULL out of nothing.',
    difference      Nullable(Float64)      COMMENT 'after_rate - before_rate; NULL unless measured.',
    difference_low  Nullable(Float64)      COMMENT 'Lower end of its 95 % interval (Newcombe).',
    difference_high Nullable(Float64)      COMMENT 'Upper end.',
    exceeds_noise   Bool                   COMMENT 'true when that interval leaves out 0. No proof that the action did it.',
    verdict_fr      String                 COMMENT 'What came of it, in French: a direction only where the difference exceeds noise.',
    measure_fr      String                 COMMENT 'The rate before and after with n, and their difference with its interval; or why there is none. In French.',
    verdict_en      String                 COMMENT 'verdict_fr in English.',
    measure_en      String                 COMMENT 'measure_fr in English.'
)
AS WITH
    n -> replaceAll(trimBoth(reverse(replaceRegexpAll(reverse(toString(n)), '(\\d\\d\\d)', '\\1 '))), ' ', '\xE2\x80\xAF') AS number_fr,
    n -> replaceAll(trimBoth(reverse(replaceRegexpAll(reverse(toString(n)), '(\\d\\d\\d)', '\\1 '))), ' ', ',') AS number_en,
    x -> concat(replaceOne(toDecimalString(100 * x, 1), '.', ','), '\xC2\xA0%') AS share_fr,
    x -> concat(toDecimalString(100 * x, 1), '%') AS share_en,
    x -> concat(multiIf(round(100 * x, 1) < 0, '−', round(100 * x, 1) > 0, '+', ''), toDecimalString(100 * abs(x), 1)) AS points_en,
    x -> replaceOne(points_en(x), '.', ',') AS points_fr,
    assumeNotNull((SELECT (groupArray(concat(list, ' ', code)), groupArray(fr), groupArray(en)) FROM {{database}}.words_v)) AS words,
    (list, code) -> transform(concat(list, ' ', code), words.1, words.2, replaceAll(code, '_', ' ')) AS word_fr,
    (list, code) -> transform(concat(list, ' ', code), words.1, words.3, replaceAll(code, '_', ' ')) AS word_en,
    transform(scope, ['reason_family', 'silo', 'channel'], ['family', 'silo', 'channel'], '') AS list
SELECT
    e.time AS launched_at, multiIf(e.activity != e.type, toString(e.activity), e.subject != '', e.subject, toString(e.reason)) AS action, e.silo AS silo, e.unit AS unit, e.reason AS reason,
    multiIf(m.it.1 = '' OR m.it.11 = 'nothing to compare with', 'nothing to compare with', m.it.11 = '', 'measured', m.it.11 = 'not complete', 'not yet measured', m.it.11) AS effect,
    m.it.1 AS scope, m.it.2 AS named, m.it.3 AS kind, m.it.4 AS before_n, m.it.5 AS before_rate, m.it.6 AS after_n, m.it.7 AS after_rate,
    m.it.8 AS difference, m.it.9 AS difference_low, m.it.10 AS difference_high, CAST(m.it.12, 'Bool') AS exceeds_noise,
    multiIf(effect = 'not yet measured', 'pas encore mesuré', effect = 'rules changed', 'non mesuré', effect != 'measured', 'non mesurable', NOT exceeds_noise, 'pas d\'écart net', difference < 0, 'taux en baisse', 'taux en hausse') AS verdict_fr,
    multiIf(
        effect = 'measured', concat(word_fr('kind', kind), ' (', if(scope = 'all', 'toute l\'entreprise', if(list = '', named, word_fr(list, named))), ') : ', share_fr(assumeNotNull(before_rate)), ' avant (n = ', number_fr(before_n), '), ',
            share_fr(assumeNotNull(after_rate)), ' après (n = ', number_fr(after_n), '), ', points_fr(assumeNotNull(difference)), if(abs(round(100 * assumeNotNull(difference), 1)) < 2, ' point', ' points'), ' (', points_fr(assumeNotNull(difference_low)), ' à ', points_fr(assumeNotNull(difference_high)), ')'),
        effect = 'not yet measured', 'les 28 jours qui suivent ne sont pas tous connus', effect = 'rules changed', 'd\'autres règles jugent depuis', 'rien ne pouvait rompre avant, ou après') AS measure_fr,
    multiIf(effect = 'not yet measured', effect, effect = 'rules changed', 'not measured', effect != 'measured', 'cannot be measured', NOT exceeds_noise, 'no clear change', difference < 0, 'lower rate', 'higher rate') AS verdict_en,
    multiIf(
        effect = 'measured', concat(word_en('kind', kind), ' (', if(scope = 'all', 'the whole company', if(list = '', named, word_en(list, named))), '): ', share_en(assumeNotNull(before_rate)), ' before (n = ', number_en(before_n), '), ',
            share_en(assumeNotNull(after_rate)), ' after (n = ', number_en(after_n), '), ', points_en(assumeNotNull(difference)), ' points (', points_en(assumeNotNull(difference_low)), ' to ', points_en(assumeNotNull(difference_high)), ')'),
        effect = 'not yet measured', 'the 28 days after are not all in', effect = 'rules changed', 'other rules judge since', 'nothing could break before, or after') AS measure_en
FROM (
    SELECT time, activity, type, subject, reason, silo, unit, concat(source, ' ', id) AS key FROM {{database}}.events_v WHERE type = 'action.launched'
) AS e
LEFT JOIN (
    SELECT action, argMax(told, rank) AS it
    FROM (
        SELECT
            r.action AS action,
            CAST((any(r.scope), any(r.named), any(r.kind), anyIf(r.before_n, r.days = 28), anyIf(r.before_rate, r.days = 28), anyIf(r.after_n, r.days = 28), anyIf(r.after_rate, r.days = 28),
                anyIf(r.difference, r.days = 28), anyIf(r.difference_low, r.days = 28), anyIf(r.difference_high, r.days = 28),
                if(countIf(r.days = 28) = 0, 'nothing to compare with', anyIf(r.withheld, r.days = 28)), anyIf(r.exceeds_noise, r.days = 28)),
                'Tuple(String, String, String, UInt64, Nullable(Float64), UInt64, Nullable(Float64), Nullable(Float64), Nullable(Float64), Nullable(Float64), String, Bool)') AS told,
            (indexOf(['all', 'silo', 'channel', 'reason_family', 'unit'], any(r.scope)), sumIf(r.before_broken, r.days = 90) - sumIf(r.before_broken, r.days = 28), sumIf(r.before_n, r.days = 90), any(r.kind)) AS rank
        FROM {{database}}.action_rates_v AS r
        WHERE r.days IN (28, 90) AND r.kind NOT IN (SELECT kind FROM {{database}}.breakpoint_kinds_v WHERE witness)
        GROUP BY r.action, r.scope, r.named, r.kind
    )
    GROUP BY action
) AS m ON m.action = e.key
COMMENT 'What the company did about it, as channels told (action.launched), and one rate before and after it: 28 days on each side, of what the action itself names. A comparison, and no proof of cause, since other things change too; action_rates_v has all kinds and other periods.';
