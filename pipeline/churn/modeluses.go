package churn

import (
	"context"
	"errors"

	"parcours/pipeline/event"
)

// UsesAlone is a model for a company of which nothing can be learnt about who leaves: the prior, with what is to be expected of the
// uses of customers without a contract. Scores of contracts say that they are prior. It fails as LearnUses does.
func UsesAlone(ctx context.Context, uses []Uses, until event.Instant) (*Model, error) {
	m := Prior(AllFeatures())
	m.TrainedUntil = until
	return m, m.LearnUses(ctx, uses)
}

// LearnUses adds what is to be expected of customers without a contract: how often they come (BG/NBD) and what they spend each
// time (gamma-gamma), from their uses up to now, in days. The version changes with it. It fails, and leaves the model as it
// was, where the uses tell nothing (ErrNobodyReturned); where nothing is known of spend only that is missing.
func (m *Model) LearnUses(ctx context.Context, uses []Uses) error {
	comeback, _, err := FitComeback(ctx, uses)
	if err != nil {
		return err
	}
	spend, err := FitGammaGamma(ctx, uses)
	if err != nil && !errors.Is(err, ErrNobodySpent) {
		return err
	}
	m.Comeback, m.Spend = &comeback, nil
	if err == nil {
		m.Spend = &spend.GammaGamma
	}
	m.Version = m.hash()
	return nil
}
