package clickhouse

import (
	"context"
	"fmt"
	"strings"

	"parcours/pipeline/churn"
)

// showFeatures makes the view that tells readers of SQL how each feature of a churn model reads. Like that of the kinds it is of
// this binary, and no migration.
func (s *Store) showFeatures(ctx context.Context, words []churn.Word) error {
	statements, err := migration{text: featuresView(words)}.statements(s.config)
	if err != nil {
		return err
	}
	for _, sql := range statements {
		err := s.retry(ctx, "show the features of churn models", func(ctx context.Context) error { return s.conn.Exec(ctx, sql) })
		if err != nil {
			return fmt.Errorf("show the features of churn models: %w", err)
		}
	}
	return nil
}

func featuresView(words []churn.Word) string {
	rows := make([]string, len(words))
	for i, w := range words {
		rows[i] = fmt.Sprintf("    (%s, %s, %s, %s)", quote(w.Feature), quote(w.French), quote(w.English), quote(w.Spoken))
	}
	return `CREATE OR REPLACE VIEW {{database}}.churn_features_v {{on_cluster}}
(
    feature String COMMENT 'What a model looks at, as in the reasons of churn_scores_v.',
    fr      String COMMENT 'How it reads as a reason in French; %s stands for its value.',
    en      String COMMENT 'How it reads as a reason in English; %s stands for its value.',
    spoken  String COMMENT 'What is said of the value v: logarithm: exp(v) - 1; share: in per cent; empty: v itself.'
)
AS SELECT feature, fr, en, spoken
FROM values('feature String, fr String, en String, spoken String',
` + strings.Join(rows, ",\n") + `)
COMMENT 'What churn models look at, in the order of their features, and how each reads as a reason.';
`
}
