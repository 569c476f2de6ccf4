package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"parcours/cmd/internal/service"
	"parcours/pipeline/churn"
	"parcours/pipeline/clickhouse"
	"parcours/pipeline/event"
	"parcours/pipeline/ingest"
)

// ChurnExplainCommand tells one customer, or lists whom to call.
type ChurnExplainCommand struct {
	DirectoryFlags
	Lang     string `help:"Language of the page: en or fr." enum:"en,fr" default:"en" env:"-"`
	Wide     bool   `help:"List with all columns, a customer a line, however wide that is." env:"-"`
	Most     int    `help:"Customers to list, or lines of the timeline." default:"20" env:"-"`
	JSON     bool   `name:"json" help:"Print one JSON object as the last line of standard output." env:"-"`
	Customer string `arg:"" optional:"" help:"Pseudonym, or how it begins (6 characters or more); or - for the first line of standard input, which may be an identifier as KIND=VALUE (customer=4711), where the key of the pseudonyms is in the directory. KIND=VALUE is taken on the command line too, where everybody on the machine can see it."`
}

// Help is shown by --help.
func (*ChurnExplainCommand) Help() string {
	return `Tells who a customer is, how probable it is that they leave and how sure that is, why, what is at risk, and what counted when.
Without a customer it lists whom to call first. Customers who objected are not scored and not listed; captive customers have a
voice risk, and no probability. A score ranks human attention; it never decides price, access or closure.

  parcours churn explain --data DIR
  parcours churn explain --data DIR --wide --most 100
  parcours churn explain --data DIR c41d8f --lang fr
  echo customer=4711 | parcours churn explain --data DIR --json -`
}

// Run tells.
func (c *ChurnExplainCommand) Run(common *service.Common, s *streams) error {
	if c.Most < 1 {
		return misused("--most %d: expected 1 or more", c.Most)
	}
	asked, err := c.asked(s.in)
	if err != nil {
		return err
	}
	return explain(c.DirectoryFlags, common, func(ctx context.Context, x *explainer) error {
		if asked == "" {
			return c.list(ctx, x, s)
		}
		customer, err := c.find(ctx, x, asked)
		if err != nil {
			return err
		}
		shown, err := c.tell(ctx, x, customer)
		if err != nil {
			return err
		}
		if c.JSON {
			return json.NewEncoder(s.out).Encode(shown)
		}
		shown.print(s.out, x, c.Most)
		return nil
	})
}

func (c *ChurnExplainCommand) language() language { return language(c.Lang) }

// onInput asks for standard input: what stands on a command line is seen by everybody on the machine.
const onInput = "-"

// mostIdentifier is how long a line of standard input may be.
const mostIdentifier = 4096

// asked is the customer as asked for, from the command line or the first line of standard input.
func (c *ChurnExplainCommand) asked(in io.Reader) (string, error) {
	if c.Customer != onInput {
		return strings.TrimSpace(c.Customer), nil
	}
	line, err := bufio.NewReader(io.LimitReader(in, mostIdentifier)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read the customer from standard input: %w", err)
	}
	if line = strings.TrimSpace(line); line == "" {
		return "", misused("-: expected a customer on standard input, as KIND=VALUE or a pseudonym")
	}
	return line, nil
}

// find gives the pseudonym that is meant.
func (c *ChurnExplainCommand) find(ctx context.Context, x *explainer, asked string) (string, error) {
	if kind, value, is := strings.Cut(asked, "="); is {
		return c.pseudonym(kind, value)
	}
	if !isPseudonym(asked) || len(asked) < leastPrefix {
		return "", misused("%s: expected a pseudonym (c and 32 of 0-9a-f), or how one begins (%d characters or more, as c41d8f), or KIND=VALUE as events carry it (customer=4711); %s",
			printable(asked), leastPrefix, c.whereCustomers())
	}
	rows, err := x.store.Conn().Query(ctx, "SELECT DISTINCT customer_id FROM "+x.store.Database()+".events_v WHERE startsWith(customer_id, ?) ORDER BY customer_id LIMIT 5", asked)
	if err != nil {
		return "", fmt.Errorf("look for the customer: %w", err)
	}
	defer rows.Close()
	var found []string
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return "", fmt.Errorf("look for the customer: %w", err)
		}
		found = append(found, id)
	}
	switch {
	case rows.Err() != nil:
		return "", fmt.Errorf("look for the customer: %w", rows.Err())
	case len(found) == 0:
		return "", coded{fmt.Errorf("%s: no customer of that name in the tables; %s", printable(asked), c.whereCustomers()), service.Wrong}
	case len(found) > 1:
		return "", misused("%s means more than one customer; give one of\n  %s", printable(asked), strings.Join(found, "\n  "))
	}
	return found[0], nil
}

// whereCustomers says where there are some to ask for.
func (c *ChurnExplainCommand) whereCustomers() string {
	return fmt.Sprintf("parcours churn explain --data %s lists some, and customer_id of cx.customers_v has them all", c.Data)
}

// pseudonym gives that of an identifier, by the key of the directory. What was asked for is in no message.
func (c *ChurnExplainCommand) pseudonym(kind, value string) (string, error) {
	file := filepath.Join(c.Data, "pseudonym.key")
	if !isFile(file) {
		return "", misused("KIND=VALUE: the key of the pseudonyms is not in %s; give a pseudonym", c.Data)
	}
	key, err := ingest.LoadOrCreateKey(file)
	if err != nil {
		return "", err
	}
	pseudonym := ingest.NewPseudonymiser(key).Of(kind, value)
	if pseudonym == "" {
		return "", misused("KIND=VALUE: expected a kind such as customer, and a value")
	}
	return pseudonym, nil
}

// shownCustomer is the page of a customer.
type shownCustomer struct {
	Customer   string        `json:"customer_id"`
	Objected   bool          `json:"objected"` // then nothing else is said
	Segment    string        `json:"segment,omitempty"`
	InForce    bool          `json:"contract_in_force"`
	Started    string        `json:"contract_started_at,omitempty"`
	TenureDays *float64      `json:"tenure_days,omitempty"`
	Ended      string        `json:"contract_ended_at,omitempty"`
	Lost       bool          `json:"lost,omitempty"` // of their own will, by the definition of the segment
	Product    string        `json:"product,omitempty"`
	Margin     *float64      `json:"annual_margin"`
	Captive    bool          `json:"captive"`
	Currency   string        `json:"currency"`
	Score      *shownScore   `json:"score"`   // null where there is nothing to say
	Quality    []shownJudged `json:"quality"` // of the model, of all and of the segment
	Signals    []shownSignal `json:"signals"`
	Timeline   []shownFact   `json:"timeline"` // newest first
	History    []shownPast   `json:"history"`  // scores that were told, newest first
	Uses       int           `json:"days_of_use"`
	language   language
	awaited    *awaitedModel // of a prior score: what will take its place, if anything
}

// shownScore is a score as it was told, or, where nothing was told yet, as it is now.
type shownScore struct {
	AsOf        string        `json:"as_of"`
	Told        bool          `json:"told"`
	Model       string        `json:"model"`
	Prior       bool          `json:"prior"`
	Within      []shownWithin `json:"within"` // none for captive customers
	ValueAtRisk *float64      `json:"value_at_risk"`
	Excess      *float64      `json:"value_at_risk_excess"`
	VoiceRisk   *float64      `json:"voice_risk"`
	Expected    *float64      `json:"expected_uses"`
	Reasons     []shownReason `json:"reasons"`
	at          event.Instant
}

type shownWithin struct {
	Days       int      `json:"days"`
	P          *float64 `json:"p"`
	Low        *float64 `json:"low"`
	High       *float64 `json:"high"`
	Base       *float64 `json:"base"` // of the segment
	Projection bool     `json:"projection"`
}

type shownReason struct {
	churn.Reason
	Words       string `json:"words"`
	HalvedEvery int    `json:"halved_every_days,omitempty"` // of a count that fades
}

type shownJudged struct {
	Horizon uint16   `json:"horizon_days" ch:"horizon"`
	Segment string   `json:"segment" ch:"segment"`
	Losses  uint64   `json:"losses" ch:"losses"`
	AUC     *float64 `json:"auc" ch:"auc"`
	Ratio   *float64 `json:"observed_expected" ch:"observed_expected"`
	Slope   *float64 `json:"slope" ch:"slope"`
}

type shownSignal struct {
	Kind     string   `json:"kind"`
	RaisedAt string   `json:"raised_at"`
	Value    *float64 `json:"value"`
	Limit    *float64 `json:"limit"`
	Evidence []string `json:"evidence"`
	Words    string   `json:"words"`
}

type shownPast struct {
	AsOf        string   `json:"as_of"`
	Model       string   `json:"model"`
	P365        *float64 `json:"p365"`
	ValueAtRisk *float64 `json:"value_at_risk"`
	VoiceRisk   *float64 `json:"voice_risk"`
	Ended       string   `json:"ended,omitempty"`
}

// tell reads all that is known of a customer.
func (c *ChurnExplainCommand) tell(ctx context.Context, x *explainer, customer string) (*shownCustomer, error) {
	s := &shownCustomer{Customer: customer, Currency: x.now.Currency, Quality: []shownJudged{}, Signals: []shownSignal{}, Timeline: []shownFact{}, History: []shownPast{}, language: c.language()}
	var facts []churn.Fact
	err := x.store.Facts(ctx, clickhouse.FactsWanted{Customer: customer}, func(_ string, list []churn.Fact) error {
		facts = slices.Clone(list)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(facts) == 0 {
		return nil, coded{fmt.Errorf("nothing is known of customer %s that says whether they leave: no contract, contact, survey, use or breakpoint; %s", customer, c.whereCustomers()), service.Wrong}
	}
	at := facts[len(facts)-1].At
	for _, f := range x.frontier {
		at = max(at, f.Clock)
	}
	parameters := churn.ParametersOf(x.book)
	var standing churn.Standing
	for _, f := range facts {
		standing.Add(f)
	}
	state := standing.State(at, parameters)
	if s.Objected = state.Objected(); s.Objected {
		return s, nil
	}
	s.who(&state, x)
	if err := s.scores(ctx, x, customer); err != nil {
		return nil, err
	}
	if err := s.live(ctx, x, customer, &state, parameters); err != nil {
		return nil, err
	}
	if s.Score != nil && s.Score.Prior {
		if s.awaited, err = x.awaited(ctx); err != nil {
			return nil, err
		}
	}
	s.timeline(facts)
	return s, s.judged(ctx, x)
}

// who says what the contract says.
func (s *shownCustomer) who(state *churn.State, x *explainer) {
	k := state.Contract()
	s.Segment, s.Product, s.Margin, s.Captive, s.InForce = state.Segment(x.now), k.Product, stated(k.Margin), k.Captive, k.InForce
	if k.InForce {
		if k.Started != 0 { // else nobody said when
			days := state.At().Sub(k.Started).Hours() / 24
			s.Started, s.TenureDays = k.Started.String(), &days
		}
	}
	if k.Left {
		s.Ended, s.Lost = k.LeftAt.String(), k.Lost
	}
	s.Uses = state.Uses().Recent
}

// scores reads what was told: the last of it stands.
func (s *shownCustomer) scores(ctx context.Context, x *explainer, customer string) error {
	db := x.store.Database()
	rows, err := x.store.Conn().Query(ctx, "SELECT as_of, model, prior, captive, p30, low30, high30, base30, projection30, p90, low90, high90, base90, projection90, p365, low365, high365, base365, "+
		"projection365, value_at_risk, value_at_risk_excess, voice_risk, expected_uses, `reasons.feature`, `reasons.value`, `reasons.weight`, ended "+
		"FROM "+db+".churn_scores_history_v WHERE customer_id = ? ORDER BY as_of DESC LIMIT 12", customer)
	if err != nil {
		return fmt.Errorf("read what was told of the customer: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var at time.Time
		var one shownScore
		var ended string
		var captive bool
		var features []string
		var values, weights []float64
		var w [3]shownWithin
		dest := []any{&at, &one.Model, &one.Prior, &captive}
		for i, days := range churn.Horizons {
			w[i].Days = days
			dest = append(dest, &w[i].P, &w[i].Low, &w[i].High, &w[i].Base, &w[i].Projection)
		}
		dest = append(dest, &one.ValueAtRisk, &one.Excess, &one.VoiceRisk, &one.Expected, &features, &values, &weights, &ended)
		if err := rows.Scan(dest...); err != nil {
			return fmt.Errorf("read what was told of the customer: %w", err)
		}
		one.at = event.InstantOf(at)
		one.AsOf, one.Told = one.at.String(), true
		if s.Captive { // what was told when they could leave is shown no more
			w[2].P, one.ValueAtRisk = nil, nil
		}
		if w[2].P != nil {
			one.Within = w[:]
		}
		for i := range features {
			one.Reasons = append(one.Reasons, shownReasonOf(churn.Reason{Feature: features[i], Value: values[i], Weight: weights[i]}, s.language))
		}
		stands := s.InForce || s.Ended == "" && one.Expected != nil // what is told of uses wants no contract
		if s.Score == nil && len(s.History) == 0 && ended == "" && stands && captive == s.Captive {
			s.Score = &one
		}
		s.History = append(s.History, shownPast{one.AsOf, one.Model, w[2].P, one.ValueAtRisk, one.VoiceRisk, ended})
	}
	return rows.Err()
}

// live reads the signals that stand, and where nothing was told yet says what the model in force would say now.
func (s *shownCustomer) live(ctx context.Context, x *explainer, customer string, state *churn.State, parameters *churn.Parameters) error {
	rows, err := x.store.Conn().Query(ctx, "SELECT kind, raised_at, value, value_limit, evidence FROM "+x.store.Database()+
		".churn_signals_v WHERE customer_id = ? AND cleared_at IS NULL ORDER BY raised_at DESC, kind", customer)
	if err != nil {
		return fmt.Errorf("read the customer's signals: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var g shownSignal
		var at time.Time
		if err := rows.Scan(&g.Kind, &at, &g.Value, &g.Limit, &g.Evidence); err != nil {
			return fmt.Errorf("read the customer's signals: %w", err)
		}
		g.RaisedAt, g.Words = event.InstantOf(at).String(), signalWords(g.Kind, s.language)
		s.Signals = append(s.Signals, g)
	}
	if rows.Err() != nil || s.Score != nil || !s.InForce {
		return rows.Err()
	}
	model, err := modelInForce(ctx, x.store, state.At())
	if err != nil {
		return err
	}
	row := churn.RowOf(customer, state, parameters, churn.AllFeatures())
	s.Score = s.scoreOf(model.Score(&row))
	return nil
}

// modelInForce is the model that scores as of a moment: of those that hold by then the one published last that this version can score
// with; the prior where there is none.
func modelInForce(ctx context.Context, store *clickhouse.Store, at event.Instant) (*churn.Model, error) {
	rows, err := store.Conn().Query(ctx, "SELECT document FROM "+store.Database()+".models_v WHERE toUnixTimestamp64Milli(effective_from) <= ? ORDER BY position DESC", int64(at))
	if err != nil {
		return nil, fmt.Errorf("read the model in force: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var document string
		if err := rows.Scan(&document); err != nil {
			return nil, fmt.Errorf("read the model in force: %w", err)
		}
		if model, err := churn.ReadModel([]byte(document), churn.AllFeatures()); err == nil {
			return model, nil
		}
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read the model in force: %w", err)
	}
	return churn.Prior(churn.AllFeatures()), nil
}

// judged reads how good the model of the score is.
func (s *shownCustomer) judged(ctx context.Context, x *explainer) error {
	if s.Score == nil {
		return nil
	}
	err := x.store.Conn().Select(ctx, &s.Quality, "SELECT horizon, segment, losses, auc, observed_expected, slope FROM "+x.store.Database()+
		".model_quality_v WHERE model = ? AND segment IN ('', ?) ORDER BY horizon, segment", s.Score.Model, s.Segment)
	if err != nil {
		return fmt.Errorf("read how good the model is: %w", err)
	}
	return nil
}
