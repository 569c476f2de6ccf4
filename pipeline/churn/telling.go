package churn

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/segmentio/encoding/json"

	"parcours/pipeline/event"
	"parcours/pipeline/journey"
)

// Telling is what the log is told of one customer as of one midnight: decided once, and never computed again.
type Telling struct {
	Score
	Ended   string    // why nothing is said of the customer any more; "" where there is a score
	Raised  []Raising // signals that this score raised, in the order of their kinds
	Cleared []Clearing
}

// Why a score ended.
const (
	EndedNoContract = "no_contract" // it ended, by whomever
	EndedObjected   = "objected"
	EndedNothing    = "nothing" // the model in force says nothing of a customer without a contract
)

// Raising is a signal that a score raised, with what it was held against.
type Raising struct {
	Kind     string   `json:"kind"`
	Value    float64  `json:"value"`
	Limit    float64  `json:"limit"`
	Evidence []string `json:"evidence,omitempty"` // features
}

// Clearing is a signal that a score cleared, or that ended with the score.
type Clearing struct {
	Kind string `json:"kind"`
	Why  string `json:"why"`
}

// Tellings and scored days have one source. Of one midnight the tellings come first also where a log is folded in order of
// time: of events of one time and source those whose id is less.
const (
	tellingSource   = "/parcours/churn"
	customerTelling = "customer."
	dayTelling      = "day."
)

// The members of data, in the order of their names.
const (
	memberAsOf    = "as_of"
	memberCleared = "cleared"
	memberEnded   = "ended"
	memberModel   = "model"
	memberRaised  = "raised"
	memberScore   = "score"
	memberScored  = "scored"
	memberTold    = "told"
)

// toldScore is a score as churn.scored tells it. A figure that is not there is left out.
type toldScore struct {
	Model           string    `json:"model"`
	Prior           bool      `json:"prior,omitempty"`
	Segment         string    `json:"segment"`
	Captive         bool      `json:"captive,omitempty"`
	Margin          *float64  `json:"annual_margin,omitempty"`
	P               []float64 `json:"p,omitempty"` // of each of Horizons, as low, high and base
	Low             []float64 `json:"low,omitempty"`
	High            []float64 `json:"high,omitempty"`
	Base            []float64 `json:"base,omitempty"`
	Projection      []bool    `json:"projection,omitempty"`
	ValueAtRisk     *float64  `json:"value_at_risk,omitempty"`
	ValueAtRiskBase *float64  `json:"value_at_risk_base,omitempty"`
	VoiceRisk       *float64  `json:"voice_risk,omitempty"`
	ExpectedUses    *float64  `json:"expected_uses,omitempty"`
	RecentUses      int       `json:"recent_uses"`
	Reasons         []Reason  `json:"reasons,omitempty"`
}

// Event writes the telling as an event of its customer. Its id follows from the customer and the day alone, so that where two
// owners score a day at once the second message is a copy; its time is that midnight. Figures have six significant digits.
func (t *Telling) Event() event.Event {
	asOf := t.AsOf.String()
	e := event.Event{
		Source: tellingSource, ID: customerTelling + asOf[:len(time.DateOnly)] + "." + journey.ID("score", t.Customer), Type: event.ChurnScored, At: t.AsOf,
		Home: t.Customer, Data: event.Data{Customer: t.Customer},
	}
	e.Data.Extra = make([]event.ExtraField, 0, 3)
	extra(&e, memberAsOf, `"`+asOf+`"`)
	if len(t.Cleared) > 0 {
		member(&e, memberCleared, t.Cleared)
	}
	if t.Ended != "" {
		member(&e, memberEnded, t.Ended)
	}
	if len(t.Raised) > 0 {
		member(&e, memberRaised, shortRaised(t.Raised))
	}
	if t.Ended == "" {
		var room [1024]byte
		extra(&e, memberScore, string(t.append(room[:0])))
	}
	return e
}

// member adds a member to the data of an event. They come in the order of their names.
func member(e *event.Event, name string, v any) {
	raw, err := json.Marshal(v)
	if err != nil { // texts and finite numbers: cannot happen, and must not be silent if it does
		panic("write " + e.Type + ": " + err.Error())
	}
	extra(e, name, string(raw))
}

func extra(e *event.Event, name, raw string) {
	e.Data.Extra = append(e.Data.Extra, event.ExtraField{Name: name, JSON: raw})
}

// Scored says whether the score has probabilities of loss.
func (s *Score) Scored() bool { return !math.IsNaN(s.P[len(s.P)-1]) }

func shortRaised(list []Raising) []Raising {
	list = slices.Clone(list)
	for i := range list {
		list[i].Value, list[i].Limit = short(list[i].Value), short(list[i].Limit)
	}
	return list
}

// figure is NaN for what was left out.
func figure(v *float64) float64 {
	if v == nil {
		return math.NaN()
	}
	return *v
}

// ReadTelling reads what Event wrote.
func ReadTelling(e *event.Event) (t Telling, err error) {
	if !readPlain(e, &t) {
		return readTelling(e)
	}
	if unfit(t.Customer) { // the other texts are fit
		return t, errUnfit
	}
	return t, t.checkCaptive()
}

// readPlain reads a telling of a score without signals, or of an end, as Event writes it: false for any other, whatever it says.
func readPlain(e *event.Event, t *Telling) bool {
	var asOf string
	scored := false
	for i := range e.Data.Extra {
		var plain bool
		switch f := &e.Data.Extra[i]; f.Name {
		case memberAsOf:
			asOf, plain = readText(f.JSON)
		case memberEnded:
			t.Ended, plain = readText(f.JSON)
		case memberScore:
			scored = readScore(f.JSON, &t.Score)
			plain = scored
		default:
			plain = false
		}
		if !plain {
			return false
		}
	}
	var err error
	t.Customer = e.Data.Customer
	t.AsOf, err = readMidnight(asOf)
	return err == nil && t.Customer != "" && scored == (t.Ended == "")
}

// readTelling reads any telling.
func readTelling(e *event.Event) (t Telling, err error) {
	t.Customer = e.Data.Customer
	var asOf string
	var s *toldScore
	err = members(e, map[string]any{memberAsOf: &asOf, memberCleared: &t.Cleared, memberEnded: &t.Ended, memberRaised: &t.Raised, memberScore: &s})
	if err != nil {
		return t, err
	}
	if t.AsOf, err = readMidnight(asOf); err != nil {
		return t, err
	}
	switch {
	case t.Customer == "":
		return t, errors.New("data.customer: expected one")
	case (t.Ended == "") != (s != nil):
		return t, errors.New("data.score, data.ended: expected one of them")
	case s != nil:
		if err := s.read(&t.Score); err != nil {
			return t, err
		}
	}
	return t, t.check()
}

func (s *toldScore) read(to *Score) error {
	to.Model, to.Prior, to.Segment, to.Captive, to.Margin = s.Model, s.Prior, s.Segment, s.Captive, figure(s.Margin)
	to.ValueAtRisk, to.ValueAtRiskBase = figure(s.ValueAtRisk), figure(s.ValueAtRiskBase)
	to.VoiceRisk, to.ExpectedUses, to.RecentUses, to.Reasons = figure(s.VoiceRisk), figure(s.ExpectedUses), s.RecentUses, s.Reasons
	for _, list := range [...]struct {
		from []float64
		to   *[3]float64
	}{{s.P, &to.P}, {s.Low, &to.Low}, {s.High, &to.High}, {s.Base, &to.Base}} {
		if len(list.from) != 0 && len(list.from) != len(list.to) || len(list.from) != len(s.P) {
			return errors.New("data.score: expected p, low, high and base with a figure for each horizon, or none of them")
		}
		*list.to = [3]float64{math.NaN(), math.NaN(), math.NaN()}
		copy(list.to[:], list.from)
	}
	copy(to.Projection[:], s.Projection)
	return nil
}

func (t *Telling) check() error {
	if t.unfit() {
		return errUnfit
	}
	if err := t.checkCaptive(); err != nil {
		return err
	}
	for _, r := range t.Raised {
		if !AsKnown(r.Kind) {
			return errors.New("data.raised: expected kinds of signals that a score raises")
		}
	}
	return nil
}

var errUnfit = errors.New("data: expected texts without control characters")

func (t *Telling) checkCaptive() error {
	if t.Captive && t.Ended == "" && t.Scored() {
		return errors.New("data.score: expected no probability of a captive customer")
	}
	return nil
}

// unfit says whether a text is one that no text of the log can be.
func (t *Telling) unfit() bool {
	if unfit(t.Customer) || unfit(t.Model) || unfit(t.Segment) || unfit(t.Ended) {
		return true
	}
	for i := range t.Reasons {
		if unfit(t.Reasons[i].Feature) {
			return true
		}
	}
	for i := range t.Raised {
		if r := &t.Raised[i]; unfit(r.Kind) || slices.ContainsFunc(r.Evidence, unfit) {
			return true
		}
	}
	return slices.ContainsFunc(t.Cleared, func(c Clearing) bool { return unfit(c.Kind) || unfit(c.Why) })
}

// AsKnown says whether signals of a kind are raised by a score, and told.
func AsKnown(kind string) bool { return kind == Risk || kind == DecayOfUse || kind == Voice }

// members reads those members of data that have a place to go.
func members(e *event.Event, to map[string]any) error {
	for _, f := range e.Data.Extra {
		if at := to[f.Name]; at != nil && json.Unmarshal([]byte(f.JSON), at) != nil {
			return fmt.Errorf("data.%s: not of the type that it should be", f.Name)
		}
	}
	return nil
}

// readMidnight reads a midnight that the tables can hold.
func readMidnight(text string) (event.Instant, error) {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil || t.Year() < 1900 || t.Year() > 2260 || !t.Equal(t.Truncate(24*time.Hour)) {
		return 0, errors.New("data.as_of: expected a midnight such as 2026-03-01T00:00:00Z")
	}
	return event.InstantOf(t), nil
}

// mostText is the length of a text of the log, in bytes.
const mostText = 1024

// unfit says whether a text cannot be one of the log's: too long, or with a control character.
func unfit(s string) bool {
	if len(s) > mostText || !utf8.ValidString(s) {
		return true
	}
	for _, r := range s {
		if unicode.IsControl(r) {
			return true
		}
	}
	return false
}

// ScoredDay says that all customers have been scored as of one midnight: nothing more is said as of it, or before.
type ScoredDay struct {
	AsOf   event.Instant
	Model  string // version
	Scored int    // customers of whom there was something to say, and those not looked at whose score stands
	Told   int    // of how many of them it was told
}

// Event writes the day as an event; its id follows from the day alone.
func (d *ScoredDay) Event() event.Event {
	e := event.Event{Source: tellingSource, ID: dayTelling + d.AsOf.Time().Format(time.DateOnly), Type: event.DayScored, At: d.AsOf}
	member(&e, memberAsOf, d.AsOf.String())
	member(&e, memberModel, d.Model)
	member(&e, memberScored, d.Scored)
	member(&e, memberTold, d.Told)
	return e
}

// ReadScoredDay reads what Event wrote.
func ReadScoredDay(e *event.Event) (d ScoredDay, err error) {
	var asOf string
	if err = members(e, map[string]any{memberAsOf: &asOf, memberModel: &d.Model, memberScored: &d.Scored, memberTold: &d.Told}); err != nil {
		return d, err
	}
	d.AsOf, err = readMidnight(asOf)
	if err == nil && (d.Scored < 0 || d.Told < 0 || unfit(d.Model)) {
		err = errors.New("data.model, data.scored, data.told: expected a version and counts")
	}
	return d, err
}
