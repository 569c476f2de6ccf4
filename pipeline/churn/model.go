package churn

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	"parcours/pipeline/event"
)

// Horizons are the days within which a loss is foretold.
var Horizons = [3]int{30, 90, 365}

// Row is one customer at risk at one landmark: what a model learns from and what it scores.
type Row struct {
	Customer string
	At       event.Instant // the landmark; X is as of then
	Segment  string
	X        []float64 // by Features.Names
	Margin   float64   // annual, NaN when not known
	Uses     Uses
	Captive  bool // never learnt from, never given a probability: voice risk instead
	Objected bool // never learnt from, never scored

	// The outcome, where it is known. A row to be scored has none.
	Lost     bool    // of their own will, by the loss definition of the segment
	FollowUp float64 // days from the landmark to the loss, to another ending (censored), or to the end of what is known
}

// Uses is what BG/NBD looks at, of one customer, in days: distinct days of use (service.used, transaction.completed,
// order.placed) after the first, time of the last after the first, and age since the first.
type Uses struct {
	Frequency int
	Recency   float64
	Age       float64
	Recent    int     // distinct days of use in the 365 days before
	Spend     float64 // mean value of a repeat use, NaN when none is known
}

// Score is what a model says of one customer as of one day.
type Score struct {
	Customer string
	AsOf     event.Instant // midnight UTC
	Model    string        // version; Prior where nothing was learnt yet
	Prior    bool
	Segment  string
	Captive  bool
	Margin   float64 // annual; NaN when not known

	P    [3]float64 // probability of loss within each of Horizons; NaN for captive customers
	Low  [3]float64 // 95 %: of the coefficients' uncertainty
	High [3]float64
	Base [3]float64 // of the segment

	ValueAtRisk     float64 // over the next 12 months
	ValueAtRiskBase float64 // of somebody with the segment's base rate and the same margin
	VoiceRisk       float64 // 0 to 100, of captive customers; NaN for others
	ExpectedUses    float64 // of the next 12 months (BG/NBD); NaN where the model has none, or the customer a contract
	RecentUses      int     // of the last 12

	Reasons []Reason // the three that weigh most, heaviest first

	Projection [3]bool // of Horizons: no outcomes of such a length were there to learn from

	weights []familyWeight // of all that raises it and can be said, however little; nil of a score that was read
}

// familyWeight is what a family of features adds to the log odds.
type familyWeight struct {
	family uint16 // hashed
	sum    float64
}

// Reason is one thing that raises a score.
type Reason struct {
	Feature string  `json:"feature"` // of Features.Names; of a group of them (all decays of a kind) the one that weighs most
	Value   float64 `json:"value"`   // of that feature
	Weight  float64 `json:"weight"`  // of the group, in log odds, against the mean customer of the segment; of a captive customer in points of voice risk
}

// PriorVersion is the version of the prior score.
const PriorVersion = "prior"

// Before the hash in the version of a model: of one that learnt who leaves, and of one that learnt how often customers without a
// contract come and leaves losses to the prior.
const (
	hazardVersion = "hazard-"
	usesVersion   = "uses-"
)

// Columns says what stands in Row.X.
type Columns interface {
	// Names are unique and in the order of Row.X. Those that agree up to a colon are one reason (all decays of a kind).
	Names() []string
	// Sign of a feature: +1 may only raise the risk, -1 may only lower it, 0 is free.
	Sign(i int) int
	// Words are what a person reads of a feature; %s stands for its value.
	Words(i int) (fr, en string)
}

// Model is what training learnt: three hazards of loss in 30 days, each constant over a group of months, and what it takes
// to say their scores. It is written to the log as JSON; whoever reads it scores as the one who wrote it, to the bit.
type Model struct {
	Version      string        `json:"version"`         // of the content: a hash; PriorVersion of the prior
	Prior        bool          `json:"prior,omitempty"` // its losses are those of the prior: of the uses alone was anything learnt
	TrainedUntil event.Instant `json:"trained_until"`   // nothing later was looked at
	Rows         int           `json:"rows"`
	Customers    int           `json:"customers"`
	Losses       int           `json:"losses"`     // customers lost
	Projection   [3]bool       `json:"projection"` // of Horizons

	Features []string  `json:"features"` // all coefficients by these names
	Least    []float64 `json:"least"`    // of a feature: values are told apart from here on, as ten customers in training reached it (docs/churnmodel.md); one that is not known counts as 0
	Most     []float64 `json:"most"`     // and up to here; a greater one counts as this
	Segments []string  `json:"segments"` // sorted

	Months      [3]Hazard    `json:"months"`      // 1, 2 and 3, 4 to 12
	Correlation [3]float64   `json:"correlation"` // of the errors of months' log odds: of 1 with 2, 1 with 3, 2 with 3
	Spread      float64      `json:"spread"`      // standard deviation of log hazards on top of what coefficients say: of the prior
	Base        [][3]float64 `json:"base"`        // hazard of each segment by group of months; last of everybody
	Means       [][]float64  `json:"means"`       // of each segment by feature; last of everybody
	Scores      Distribution `json:"scores"`      // of the 365-day probability in training

	Comeback *Comeback `json:"comeback,omitempty"` // of uses without a contract, in days; nil where it foretells none

	Spend *GammaGamma `json:"spend,omitempty"` // of one use, without a contract; nil where it is not known

	bound *binding
}

// Hazard is the hazard of loss in one of 30 days of a group of months: its logit is
// Level + Levels[segment] + Slope x (Intercept + Offsets[segment] + sum of Coefficients x features).
type Hazard struct {
	Intercept    float64   `json:"intercept"`
	Offsets      []float64 `json:"offsets"`      // by segment
	Coefficients []float64 `json:"coefficients"` // by feature, in its units

	Slope  float64   `json:"slope"` // the recalibration; 1 and 0 where there was too little to say
	Level  float64   `json:"level"`
	Levels []float64 `json:"levels"` // by segment

	Free       []int     `json:"free"`       // parameters that are neither constant nor at their bound: 0 the intercept, then offsets, then coefficients
	Covariance []float32 `json:"covariance"` // of these, before the recalibration: rows of the lower triangle

	Strength  float64 `json:"strength"` // of the L2 penalty that was chosen; that of a coefficient may be more (docs/churnmodel.md)
	Losses    int     `json:"losses"`   // what it was learnt from
	Exposure  float64 `json:"exposure"` // in customer-months
	Converged bool    `json:"converged"`
	Steps     int     `json:"steps"`
	Borrowed  bool    `json:"borrowed,omitempty"` // too few losses of its own: learnt from all months together
}

// ReadModel reads a model that MarshalModel wrote, for rows as columns say. It fails on bytes that are no model, on one
// that is not what its version says, and on one that looks at a feature that columns do not have.
func ReadModel(b []byte, columns Columns) (*Model, error) {
	m := &Model{}
	if err := json.Unmarshal(b, m); err != nil {
		return nil, fmt.Errorf("read a churn model: %w", err)
	}
	if err := m.check(); err != nil {
		return nil, fmt.Errorf("read a churn model: %w", err)
	}
	if v := m.hash(); v != m.Version {
		return nil, fmt.Errorf("read churn model %.40q: its content is that of %s", m.Version, v)
	}
	if err := m.bind(columns); err != nil {
		return nil, fmt.Errorf("read churn model %s: %w", m.Version, err)
	}
	return m, nil
}

// MarshalModel writes a model as JSON: the same model gives the same bytes.
func MarshalModel(m *Model) ([]byte, error) { return json.Marshal(m) }

// hash is the version that the content of a model has.
func (m *Model) hash() string {
	kind := hazardVersion
	if m.Prior {
		if kind = usesVersion; m.Comeback == nil {
			return PriorVersion
		}
	}
	content := *m
	content.Version = ""
	b, err := json.Marshal(&content)
	if err != nil {
		return "not a number" // all that Marshal fails on; no model has this version
	}
	sum := sha256.Sum256(b)
	return kind + hex.EncodeToString(sum[:8])
}

// check says whether the lists of a model are as long as they must be, so that scoring never fails.
func (m *Model) check() error {
	features, segments := len(m.Features), len(m.Segments)
	sized := len(m.Least) == features && len(m.Most) == features && len(m.Base) == segments+1 && len(m.Means) == segments+1
	for _, means := range m.Means {
		sized = sized && len(means) == features
	}
	for i := range m.Months {
		h := &m.Months[i]
		free := len(h.Free)
		sized = sized && len(h.Offsets) == segments && len(h.Levels) == segments && len(h.Coefficients) == features &&
			len(h.Covariance) == free*(free+1)/2 && !slices.ContainsFunc(h.Free, func(p int) bool { return p < 0 || p > segments+features }) &&
			slices.IsSorted(h.Free)
	}
	if !sized {
		return fmt.Errorf("lists of %d features and %d segments differ in length", features, segments)
	}
	if !slices.IsSorted(m.Segments) {
		return fmt.Errorf("segments are not sorted")
	}
	return nil
}
