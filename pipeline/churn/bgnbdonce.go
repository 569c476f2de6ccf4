package churn

import (
	"context"
	"fmt"
)

// Comeback foretells uses or purchases for everybody: by the BG/NBD for those who came back, and for those seen once by the
// rate of their cohort.
//
// The cohort of somebody seen once is everybody seen once whose first time was as long ago. P(alive) says nothing of it: by
// the BG/NBD it is 1 at any age. So its rate is that of whichever model the table speaks for, by its likelihood: the BG/NBD,
// by which those seen once are slow, or the MBG/NBD, by which some of them have left. (The rate of all whose first time was as
// long ago, ExpectedOfCohort, is no rate of theirs: most of it is made by those who came back. docs/churnfit.md has figures.)
type Comeback struct {
	Again BGNBD `json:"again"`
	Once  BGNBD `json:"once"`
}

// Expected is how many times somebody is expected to come in the t after now.
func (c Comeback) Expected(u Uses, t float64) float64 {
	if u.Frequency == 0 {
		return c.Once.Expected(u, t)
	}
	return c.Again.Expected(u, t)
}

// FitComeback fits both models and chooses for those seen once; it gives the fits as well, that of the BG/NBD first. It fails
// as FitBGNBD does.
func FitComeback(ctx context.Context, uses []Uses) (Comeback, [2]*BGNBDFit, error) {
	var fits [2]*BGNBDFit
	for i, modified := range []bool{false, true} {
		var err error
		if fits[i], err = FitBGNBD(ctx, uses, modified); err != nil {
			return Comeback{}, fits, fmt.Errorf("fit repeat uses: %w", err)
		}
	}
	c := Comeback{Again: fits[0].BGNBD, Once: fits[0].BGNBD}
	if fits[1].Convergence.Converged && fits[1].LogLikelihood > fits[0].LogLikelihood {
		c.Once = fits[1].BGNBD
	}
	return c, fits, nil
}
