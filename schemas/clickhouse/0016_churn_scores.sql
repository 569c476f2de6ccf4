-- Scores, as the log told them: said once, as of a midnight, by the model that was in force then, and never computed again. A rebuild
-- reads them from the log, and keeps what was known, whatever model is in force by then.

CREATE TABLE IF NOT EXISTS {{database}}.churn_scores {{on_cluster}}
(
    generation         UInt32                 COMMENT 'Which fold of the log read this row. Views show the current one only.',
    as_of              DateTime64(3, 'UTC')   COMMENT 'The midnight (UTC) as of which it was said; part of its key, never changes.' CODEC(Delta, ZSTD(1)),
    customer_id        String                 COMMENT 'Pseudonym of the customer.' CODEC(ZSTD(1)),
    position           UInt64                 COMMENT 'Position in the log (sequence in EVENTS) of the message that told it.' CODEC(Delta, ZSTD(1)),
    partition          Int32                  COMMENT 'Partition of the log whose customer it is.',
    model              LowCardinality(String) COMMENT 'Version of the model that said it, as in models_v; prior where nothing was learnt yet.',
    prior              Bool                   COMMENT 'true for the prior score: what is thought before anything is learnt.',
    segment            LowCardinality(String) COMMENT 'Segment of the customer as of then.',
    captive            Bool                   COMMENT 'true for a customer who cannot leave: a voice risk, and never a probability.',
    annual_margin      Nullable(Float64)      COMMENT 'Of the contract, in the currency of the rules; NULL when not known.',
    p30                Nullable(Float64)      COMMENT 'Probability of a voluntary loss within 30 days of as_of; NULL for captive customers and those without a contract.' CODEC(ZSTD(1)),
    low30              Nullable(Float64)      COMMENT 'Lower end of its 95 % interval: what is not known of the model\'s coefficients.' CODEC(ZSTD(1)),
    high30             Nullable(Float64)      COMMENT 'Upper end of that interval.' CODEC(ZSTD(1)),
    base30             Nullable(Float64)      COMMENT 'The same probability of the mean customer of the segment.' CODEC(ZSTD(1)),
    projection30       Bool                   COMMENT 'true where the model had no outcomes of 30 days to learn from: to be called a projection.',
    p90                Nullable(Float64)      COMMENT 'Probability of a voluntary loss within 90 days of as_of; NULL for captive customers and those without a contract.' CODEC(ZSTD(1)),
    low90              Nullable(Float64)      COMMENT 'Lower end of its 95 % interval: what is not known of the model\'s coefficients.' CODEC(ZSTD(1)),
    high90             Nullable(Float64)      COMMENT 'Upper end of that interval.' CODEC(ZSTD(1)),
    base90             Nullable(Float64)      COMMENT 'The same probability of the mean customer of the segment.' CODEC(ZSTD(1)),
    projection90       Bool                   COMMENT 'true where the model had no outcomes of 90 days to learn from: to be called a projection.',
    p365               Nullable(Float64)      COMMENT 'Probability of a voluntary loss within 365 days of as_of; NULL for captive customers and those without a contract.' CODEC(ZSTD(1)),
    low365             Nullable(Float64)      COMMENT 'Lower end of its 95 % interval: what is not known of the model\'s coefficients.' CODEC(ZSTD(1)),
    high365            Nullable(Float64)      COMMENT 'Upper end of that interval.' CODEC(ZSTD(1)),
    base365            Nullable(Float64)      COMMENT 'The same probability of the mean customer of the segment.' CODEC(ZSTD(1)),
    projection365      Bool                   COMMENT 'true where the model had no outcomes of 365 days to learn from: to be called a projection.',
    value_at_risk      Nullable(Float64)      COMMENT 'Margin that the next 12 months may take away: sum over them of P(lost that month) x margin of the months left; NULL where the margin is not known.' CODEC(ZSTD(1)),
    value_at_risk_base Nullable(Float64)      COMMENT 'The same of a customer of that margin with the base rate of the segment.' CODEC(ZSTD(1)),
    voice_risk         Nullable(Float64)      COMMENT 'Of a captive customer: 0 to 100, from complaints, escalations, tension, incivility, what is unresolved and the last NPS; NULL for others.' CODEC(ZSTD(1)),
    expected_uses      Nullable(Float64)      COMMENT 'Of a customer without a contract: uses to expect of the next 12 months (BG/NBD); NULL where the model has none.' CODEC(ZSTD(1)),
    recent_uses        UInt32                 COMMENT 'Days with a use in the 12 months before as_of.',
    `reasons.feature`  Array(String)          COMMENT 'What weighs most in it, heaviest first, as in churn_features_v.' CODEC(ZSTD(1)),
    `reasons.value`    Array(Float64)         COMMENT 'The value of each.' CODEC(ZSTD(1)),
    `reasons.weight`   Array(Float64)         COMMENT 'What each adds, in log odds, against the mean customer of the segment; of a captive customer in points of voice risk.' CODEC(ZSTD(1)),
    ended              LowCardinality(String) COMMENT 'Why nothing is said of the customer any more; empty where there is a score.',
    INDEX by_customer_id customer_id TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = {{replicated}}ReplacingMergeTree(position)
PARTITION BY (generation, toYYYYMM(as_of))
ORDER BY (generation, as_of, customer_id)
COMMENT 'What was told of each customer, in every generation. Read churn_scores_v and churn_scores_history_v.';

CREATE TABLE IF NOT EXISTS {{database}}.scored_days {{on_cluster}}
(
    generation UInt32                 COMMENT 'Which fold of the log read this row. The view shows the current one only.',
    as_of      DateTime64(3, 'UTC')   COMMENT 'The midnight (UTC) as of which all customers were scored.',
    position   UInt64                 COMMENT 'Position in the log (sequence in EVENTS) of the message that says so.',
    partition  Int32                  COMMENT 'Partition of the log that keeps scored days: 0.',
    model      LowCardinality(String) COMMENT 'Version of the model that was in force; prior for none.',
    scored     UInt32                 COMMENT 'Customers of whom there was something to say.',
    told       UInt32                 COMMENT 'Of how many of them it was told: it was new, or had changed enough to matter.'
)
ENGINE = {{replicated}}ReplacingMergeTree(position)
PARTITION BY generation
ORDER BY (generation, as_of)
COMMENT 'Midnights as of which all customers were scored, once each. Read scored_days_v.';

CREATE TABLE IF NOT EXISTS {{database}}.models {{on_cluster}}
(
    generation     UInt32                 COMMENT 'Which fold of the log read this row. The view shows the current one only.',
    position       UInt64                 COMMENT 'Position in the log (sequence in EVENTS) of its publication.',
    partition      Int32                  COMMENT 'Partition of the log that keeps models: 0.',
    effective_from DateTime64(3, 'UTC')   COMMENT 'From when on it scores.',
    version        LowCardinality(String) COMMENT 'Of its content.',
    document       String                 COMMENT 'All of it, as JSON.' CODEC(ZSTD(1))
)
ENGINE = {{replicated}}ReplacingMergeTree
PARTITION BY generation
ORDER BY (generation, position)
COMMENT 'Models that were published. Read models_v.';

CREATE VIEW IF NOT EXISTS {{database}}.churn_features_v {{on_cluster}}
(
    feature String COMMENT 'What a model looks at, as in the reasons of churn_scores_v.',
    fr      String COMMENT 'How it reads as a reason in French; %s stands for its value.',
    en      String COMMENT 'How it reads as a reason in English; %s stands for its value.',
    spoken  String COMMENT 'What is said of the value v: logarithm: exp(v) - 1; share: in per cent; empty: v itself.'
)
AS SELECT feature, fr, en, spoken
FROM values('feature String, fr String, en String, spoken String', ('', '', '', ''))
WHERE false
COMMENT 'Filled by each start with the features of that version.';

CREATE VIEW IF NOT EXISTS {{database}}.churn_scores_history_v {{on_cluster}}
(
    customer_id          String                         COMMENT 'Pseudonym of the customer.',
    as_of                DateTime64(3, 'UTC')           COMMENT 'The midnight (UTC) as of which it was said.',
    until                Nullable(DateTime64(3, 'UTC')) COMMENT 'When something else was told: the next as_of of the customer; NULL for what stands.',
    model                LowCardinality(String)         COMMENT 'Version of the model that said it, as in models_v; prior where nothing was learnt yet.',
    prior                Bool                           COMMENT 'true for the prior score: what is thought before anything is learnt.',
    segment              LowCardinality(String)         COMMENT 'Segment of the customer as of then.',
    captive              Bool                           COMMENT 'true for a customer who cannot leave: a voice risk, and never a probability.',
    annual_margin        Nullable(Float64)              COMMENT 'Of the contract, in the currency of the rules; NULL when not known.',
    p30                  Nullable(Float64)              COMMENT 'Probability of a voluntary loss within 30 days of as_of; NULL for captive customers and those without a contract.',
    low30                Nullable(Float64)              COMMENT 'Lower end of its 95 % interval: what is not known of the model\'s coefficients.',
    high30               Nullable(Float64)              COMMENT 'Upper end of that interval.',
    base30               Nullable(Float64)              COMMENT 'The same probability of the mean customer of the segment.',
    projection30         Bool                           COMMENT 'true where the model had no outcomes of 30 days to learn from: to be called a projection.',
    p90                  Nullable(Float64)              COMMENT 'Probability of a voluntary loss within 90 days of as_of; NULL for captive customers and those without a contract.',
    low90                Nullable(Float64)              COMMENT 'Lower end of its 95 % interval: what is not known of the model\'s coefficients.',
    high90               Nullable(Float64)              COMMENT 'Upper end of that interval.',
    base90               Nullable(Float64)              COMMENT 'The same probability of the mean customer of the segment.',
    projection90         Bool                           COMMENT 'true where the model had no outcomes of 90 days to learn from: to be called a projection.',
    p365                 Nullable(Float64)              COMMENT 'Probability of a voluntary loss within 365 days of as_of; NULL for captive customers and those without a contract.',
    low365               Nullable(Float64)              COMMENT 'Lower end of its 95 % interval: what is not known of the model\'s coefficients.',
    high365              Nullable(Float64)              COMMENT 'Upper end of that interval.',
    base365              Nullable(Float64)              COMMENT 'The same probability of the mean customer of the segment.',
    projection365        Bool                           COMMENT 'true where the model had no outcomes of 365 days to learn from: to be called a projection.',
    value_at_risk        Nullable(Float64)              COMMENT 'Margin that the next 12 months may take away: sum over them of P(lost that month) x margin of the months left; NULL where the margin is not known.',
    value_at_risk_base   Nullable(Float64)              COMMENT 'The same of a customer of that margin with the base rate of the segment.',
    value_at_risk_excess Nullable(Float64)              COMMENT 'value_at_risk - value_at_risk_base: what this customer has at risk beyond what the segment has anyway.',
    voice_risk           Nullable(Float64)              COMMENT 'Of a captive customer: 0 to 100, from complaints, escalations, tension, incivility, what is unresolved and the last NPS; NULL for others.',
    expected_uses        Nullable(Float64)              COMMENT 'Of a customer without a contract: uses to expect of the next 12 months (BG/NBD); NULL where the model has none.',
    recent_uses          UInt32                         COMMENT 'Days with a use in the 12 months before as_of.',
    `reasons.feature`    Array(String)                  COMMENT 'What weighs most in it, heaviest first, as in churn_features_v.',
    `reasons.value`      Array(Float64)                 COMMENT 'The value of each.',
    `reasons.weight`     Array(Float64)                 COMMENT 'What each adds, in log odds, against the mean customer of the segment; of a captive customer in points of voice risk.',
    reasons_fr           Array(String)                  COMMENT 'The reasons in French.',
    reasons_en           Array(String)                  COMMENT 'The reasons in English.',
    ended                LowCardinality(String)         COMMENT 'Why nothing is said of the customer any more: no_contract (it ended, by whomever) or objected; empty where there is a score.',
    position             UInt64                         COMMENT 'Position in the log (sequence in EVENTS) of the message that told it.'
)
AS WITH
    (SELECT (groupArray(feature), groupArray(fr), groupArray(en), groupArray(spoken)) FROM {{database}}.churn_features_v) AS words,
    arrayMap(f -> transform(f, words.1, words.4, ''), `reasons.feature`) AS spoken,
    -- A number as a person says it: one decimal below 10, none from there on, digits in threes.
    arrayMap((v, s) -> multiIf(s = 'logarithm', exp(v) - 1, s = 'share', 100 * v, v), `reasons.value`, spoken) AS figures,
    arrayMap(v -> if(abs(v) < 9.95 AND abs(abs(v) - round(abs(v))) >= 0.05, printf('%.1f', abs(v)), printf('%.0f', abs(v))), figures) AS digits,
    arrayMap((t, v, s) -> concat(if(v < 0 AND t != '0', '-', ''),
        replaceRegexpOne(reverse(replaceRegexpAll(reverse(splitByChar('.', t)[1]), '([0-9][0-9][0-9])', '\\1,')), '^,', ''),
        if(position(t, '.') > 0, concat('.', splitByChar('.', t)[2]), ''), if(s = 'share', '%', '')), digits, figures, spoken) AS english,
    arrayMap((t, s) -> concat(replaceOne(replaceAll(replaceOne(replaceOne(t, '%', ''), '.', ';'), ',', ' '), ';', ','), if(s = 'share', ' %', '')), english, spoken) AS french
SELECT
    customer_id, as_of, nullIf(leadInFrame(as_of, 1, toDateTime64('1900-01-01 00:00:00', 3, 'UTC')) OVER (PARTITION BY customer_id ORDER BY as_of ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING),
        toDateTime64('1900-01-01 00:00:00', 3, 'UTC')) AS until,
    model, prior, segment, captive, annual_margin, p30, low30, high30, base30, projection30, p90, low90, high90, base90, projection90, p365, low365,
    high365, base365, projection365, value_at_risk, value_at_risk_base,
    value_at_risk - value_at_risk_base AS value_at_risk_excess, voice_risk, expected_uses, recent_uses,
    `reasons.feature`, `reasons.value`, `reasons.weight`,
    arrayMap((f, t) -> replaceAll(transform(f, words.1, words.2, f), '%s', t), `reasons.feature`, french) AS reasons_fr,
    arrayMap((f, t) -> replaceAll(transform(f, words.1, words.3, f), '%s', t), `reasons.feature`, english) AS reasons_en,
    ended, position
FROM {{database}}.churn_scores FINAL
WHERE generation = (SELECT argMax(generation, (switched_at, generation)) FROM {{database}}.generation)
    AND customer_id NOT IN (SELECT customer_id FROM {{database}}.contracts_v WHERE objected)
COMMENT 'All that was told of customers, as it was known then: told when it was new, when it had changed enough to matter (rules, churn.scores), and when it ended. What was told stands until the next as_of of the customer. It shows those who left since, which is what a model is judged by, and nobody who objected.';

CREATE VIEW IF NOT EXISTS {{database}}.churn_scores_v {{on_cluster}}
(
    customer_id          String                 COMMENT 'Pseudonym of the customer.',
    as_of                DateTime64(3, 'UTC')   COMMENT 'The midnight (UTC) as of which it was said. It stands until another is told.',
    model                LowCardinality(String) COMMENT 'Version of the model that said it, as in models_v; prior where nothing was learnt yet.',
    prior                Bool                   COMMENT 'true for the prior score: what is thought before anything is learnt.',
    segment              LowCardinality(String) COMMENT 'Segment of the customer as of then.',
    captive              Bool                   COMMENT 'true for a customer who cannot leave: a voice risk, and never a probability.',
    annual_margin        Nullable(Float64)      COMMENT 'Of the contract, in the currency of the rules; NULL when not known.',
    p30                  Nullable(Float64)      COMMENT 'Probability of a voluntary loss within 30 days of as_of; NULL for captive customers and those without a contract.',
    low30                Nullable(Float64)      COMMENT 'Lower end of its 95 % interval: what is not known of the model\'s coefficients.',
    high30               Nullable(Float64)      COMMENT 'Upper end of that interval.',
    base30               Nullable(Float64)      COMMENT 'The same probability of the mean customer of the segment.',
    projection30         Bool                   COMMENT 'true where the model had no outcomes of 30 days to learn from: to be called a projection.',
    p90                  Nullable(Float64)      COMMENT 'Probability of a voluntary loss within 90 days of as_of; NULL for captive customers and those without a contract.',
    low90                Nullable(Float64)      COMMENT 'Lower end of its 95 % interval: what is not known of the model\'s coefficients.',
    high90               Nullable(Float64)      COMMENT 'Upper end of that interval.',
    base90               Nullable(Float64)      COMMENT 'The same probability of the mean customer of the segment.',
    projection90         Bool                   COMMENT 'true where the model had no outcomes of 90 days to learn from: to be called a projection.',
    p365                 Nullable(Float64)      COMMENT 'Probability of a voluntary loss within 365 days of as_of; NULL for captive customers and those without a contract.',
    low365               Nullable(Float64)      COMMENT 'Lower end of its 95 % interval: what is not known of the model\'s coefficients.',
    high365              Nullable(Float64)      COMMENT 'Upper end of that interval.',
    base365              Nullable(Float64)      COMMENT 'The same probability of the mean customer of the segment.',
    projection365        Bool                   COMMENT 'true where the model had no outcomes of 365 days to learn from: to be called a projection.',
    value_at_risk        Nullable(Float64)      COMMENT 'Margin that the next 12 months may take away: sum over them of P(lost that month) x margin of the months left; NULL where the margin is not known.',
    value_at_risk_base   Nullable(Float64)      COMMENT 'The same of a customer of that margin with the base rate of the segment.',
    value_at_risk_excess Nullable(Float64)      COMMENT 'value_at_risk - value_at_risk_base: what this customer has at risk beyond what the segment has anyway.',
    voice_risk           Nullable(Float64)      COMMENT 'Of a captive customer: 0 to 100, from complaints, escalations, tension, incivility, what is unresolved and the last NPS; NULL for others.',
    expected_uses        Nullable(Float64)      COMMENT 'Of a customer without a contract: uses to expect of the next 12 months (BG/NBD); NULL where the model has none.',
    recent_uses          UInt32                 COMMENT 'Days with a use in the 12 months before as_of.',
    `reasons.feature`    Array(String)          COMMENT 'What weighs most in it, heaviest first, as in churn_features_v.',
    `reasons.value`      Array(Float64)         COMMENT 'The value of each.',
    `reasons.weight`     Array(Float64)         COMMENT 'What each adds, in log odds, against the mean customer of the segment; of a captive customer in points of voice risk.',
    reasons_fr           Array(String)          COMMENT 'The reasons in French.',
    reasons_en           Array(String)          COMMENT 'The reasons in English.',
    position             UInt64                 COMMENT 'Position in the log (sequence in EVENTS) of the message that told it.'
)
AS SELECT
    customer_id, as_of, model, prior, segment, captive, annual_margin, p30, low30, high30, base30, projection30, p90, low90, high90, base90,
    projection90, p365, low365, high365, base365, projection365, value_at_risk, value_at_risk_base, value_at_risk_excess, voice_risk, expected_uses,
    recent_uses, `reasons.feature`, `reasons.value`, `reasons.weight`, reasons_fr, reasons_en, position
FROM {{database}}.churn_scores_history_v
WHERE until IS NULL AND ended = ''
    AND customer_id NOT IN (SELECT customer_id FROM {{database}}.contracts_v WHERE notEmpty(ends) AND NOT arrayExists(s -> s.1 >= ends[-1].1, starts))
    AND (captive OR customer_id NOT IN (SELECT customer_id FROM {{database}}.contracts_v WHERE starts[-1].4))
COMMENT 'The score of each customer as it was told last, one row a customer: who is leaving, why, and what it is worth. A score ranks human attention; it never decides price, access or closure. Left out: who objected, whose contract has ended, from the moment it did, and who cannot leave any more, until that is scored. A customer without a contract has no probability, a captive one a voice risk instead.';

CREATE VIEW IF NOT EXISTS {{database}}.scored_days_v {{on_cluster}}
(
    as_of    DateTime64(3, 'UTC')   COMMENT 'The midnight (UTC) as of which all customers were scored.',
    model    LowCardinality(String) COMMENT 'Version of the model that was in force; prior for none.',
    scored   UInt32                 COMMENT 'Customers of whom there was something to say.',
    told     UInt32                 COMMENT 'Of how many of them it was told: it was new, or had changed enough to matter.',
    position UInt64                 COMMENT 'Position in the log (sequence in EVENTS) of the message that says so.'
)
AS SELECT
    as_of, model, scored, told, position
FROM {{database}}.scored_days FINAL
WHERE generation = (SELECT argMax(generation, (switched_at, generation)) FROM {{database}}.generation)
COMMENT 'Midnights as of which all customers were scored. A midnight on which no process folded is not here, and is not made up for.';

CREATE VIEW IF NOT EXISTS {{database}}.models_v {{on_cluster}}
(
    version        LowCardinality(String) COMMENT 'Of its content.',
    effective_from DateTime64(3, 'UTC')   COMMENT 'From when on it scores.',
    position       UInt64                 COMMENT 'Position in the log (sequence in EVENTS) of its publication. Of the models in force at a moment the one published last holds.',
    document       String                 COMMENT 'All of it, as JSON.'
)
AS SELECT
    version, effective_from, position, document
FROM {{database}}.models FINAL
WHERE generation = (SELECT argMax(generation, (switched_at, generation)) FROM {{database}}.generation)
COMMENT 'Models of churn that were published to the log.';
