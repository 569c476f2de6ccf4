package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/rs/zerolog"

	"parcours/cmd/internal/service"
	"parcours/pipeline/event"
	"parcours/pipeline/ingest"
	"parcours/pipeline/nats"
)

// RejectedReplayCommand brings what was refused to the door again.
type RejectedReplayCommand struct {
	DirectoryFlags
	RejectionFilter
	OperatorKeyFlag
	DryRun     bool     `help:"Only say what would stand now by the rules that ship; nothing is sent." env:"-"`
	JSON       bool     `name:"json" help:"Print one JSON object as the last line of standard output, all else on standard error."`
	APIKeyFile string   `name:"api-key-file" help:"File with the API key of the running \"up\" (or PARCOURS_API_KEY), where it asks for one." type:"existingfile" placeholder:"FILE"`
	Numbers    []uint64 `arg:"" optional:"" help:"Their numbers, as \"parcours rejected list\" gives them; without any, all that the flags let pass."`
}

// Help is shown by --help.
func (*RejectedReplayCommand) Help() string {
	return `Opens the bodies with the operator's key and brings each to the door as if it came now: a time that was ahead may have come,
a new version may know the type. What is refused again stays in REJECTED as it was. It is harmless to repeat: (source, id) counts
once, also where an old copy is said to be accepted. What is truncated (over 64 KiB), a piece of a broken request, a row that the
mapping made no event of, or set aside from the log cannot be replayed.

  parcours rejected replay --data DIR --reason bad_time --dry-run
  parcours rejected replay --data DIR 17 18

Exit code 1: something was asked for and none of it stands in the log now.`
}

// What may become of a replayed event.
const (
	outcomeAccepted  = "accepted"
	outcomeDuplicate = "duplicate" // the log had it
	outcomeRefused   = "refused"   // again
	outcomeStands    = "would stand"
	outcomeImpotent  = "cannot be replayed"
)

// fate is what became of one event.
type fate struct {
	Number  uint64 `json:"number"`
	Outcome string `json:"outcome"`
	Why     string `json:"why,omitempty"`
}

func refusedAgain(r *event.Refusal) fate { return fate{Outcome: outcomeRefused, Why: r.Error()} }

func taken(first bool) fate {
	if first {
		return fate{Outcome: outcomeAccepted}
	}
	return fate{Outcome: outcomeDuplicate}
}

func impotent(format string, args ...any) fate {
	return fate{Outcome: outcomeImpotent, Why: fmt.Sprintf(format, args...)}
}

// replayed is what became of all.
type replayed struct {
	DryRun   bool           `json:"dry_run,omitempty"`
	Outcomes map[string]int `json:"outcomes"`
	Events   []fate         `json:"events"`
}

// replay is one under way.
type replay struct {
	opener *ingest.Opener
	bring  func(context.Context, []byte) (fate, error) // to the door, or only to its rules
	text   io.Writer
	result replayed
}

// Run replays, and says of each what became of it.
func (c *RejectedReplayCommand) Run(common *service.Common, s *streams) error {
	matches, err := c.filter(time.Now())
	if err != nil {
		return err
	}
	if len(c.Numbers) > 0 && c.RejectionFilter != (RejectionFilter{}) {
		return misused("give numbers, or --reason, --source and --since, not both")
	}
	opener, err := c.opener(c.Data)
	if err != nil {
		return err
	}
	ctx, stop := service.Interruptible()
	defer stop()
	bus, to, release, err := c.open(ctx, common.Logger(zerolog.WarnLevel))
	if err != nil {
		return err
	}
	defer release()
	r := &replay{opener: opener, bring: tryRules, text: s.out, result: replayed{DryRun: c.DryRun, Outcomes: map[string]int{}, Events: []fate{}}}
	if c.JSON {
		r.text = s.err
	}
	if to != nil {
		r.bring = to.replay
	}
	err = c.each(ctx, bus, matches, r.one)
	if err == nil && to != nil {
		err = to.finish(ctx)
	}
	return errors.Join(r.conclude(c.JSON, s), err)
}

// open finds the log, and where the events go; a dry run goes nowhere.
func (c *RejectedReplayCommand) open(ctx context.Context, log zerolog.Logger) (*nats.Bus, target, func(), error) {
	if c.DryRun {
		d, err := openDirectory(c.DirectoryFlags, log)
		if err != nil {
			return nil, nil, nil, err
		}
		return d.bus, nil, d.close, nil
	}
	if err := hasLog(c.Data); err != nil {
		return nil, nil, nil, err
	}
	to, err := openTarget(ctx, c.DirectoryFlags, nodeConfig{command: "rejected replay"}, c.APIKeyFile, log)
	if err != nil {
		return nil, nil, nil, err
	}
	return to.log(), to, to.close, nil
}

// each gives the rejections that are meant, one after the other; with nil those that are not there.
func (c *RejectedReplayCommand) each(ctx context.Context, bus *nats.Bus, matches func(*rejection) bool, do func(context.Context, uint64, *rejection) error) error {
	if len(c.Numbers) == 0 {
		return eachRejection(ctx, bus, func(r rejection) error {
			if !matches(&r) {
				return ctx.Err()
			}
			return do(ctx, r.number, &r)
		})
	}
	for _, number := range c.Numbers {
		r, found, err := oneRejection(ctx, bus, number)
		given := &r
		if !found {
			given = nil
		}
		if err == nil {
			err = do(ctx, number, given)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// one replays one, and says what became of it.
func (r *replay) one(ctx context.Context, number uint64, rejected *rejection) error {
	f, err := r.fate(ctx, rejected)
	if err != nil {
		return fmt.Errorf("replay %d: %w", number, err)
	}
	f.Number = number
	r.result.Outcomes[f.Outcome]++
	r.result.Events = append(r.result.Events, f)
	why := ""
	if f.Why != "" {
		why = ": " + f.Why
	}
	fmt.Fprintf(r.text, "%d %s%s\n", f.Number, f.Outcome, why)
	return nil
}

func (r *replay) fate(ctx context.Context, rejected *rejection) (fate, error) {
	if rejected == nil {
		return impotent("REJECTED does not hold it, or no longer"), nil
	}
	body, why := r.body(rejected)
	if why != "" {
		return impotent("%s", why), nil
	}
	if len(bytes.TrimSpace(body)) == 0 {
		return impotent("its body is empty"), nil
	}
	return r.bring(ctx, body)
}

// body opens what can be sent again; else it says why there is none.
func (r *replay) body(rejected *rejection) (body []byte, why string) {
	switch {
	case rejected.Position > 0:
		return nil, fmt.Sprintf("it stands in the log, at position %d", rejected.Position)
	case meaningOf(rejected.Reason).SetAside:
		return nil, "it stands in the log"
	case rejected.Reason == event.ReasonBrokenBatch || rejected.Reason == event.ReasonTooMany:
		return nil, "it is a piece of a broken request: send the request again"
	case rejected.Bytes == 0 || len(rejected.Sealed) == 0:
		return nil, noBody(rejected) + ": import the file again"
	}
	opened, err := r.opener.Open(rejected.Sealed)
	switch {
	case err != nil:
		return nil, err.Error()
	case len(opened) < rejected.Bytes:
		return nil, fmt.Sprintf("it is truncated: %d of %d bytes were kept", len(opened), rejected.Bytes)
	}
	return ingest.Structured(opened), ""
}

// tryRules says what the door would, by the rules that ship.
func tryRules(_ context.Context, body []byte) (fate, error) {
	if refusal := ingest.Try(body, time.Now()); refusal != nil {
		return refusedAgain(refusal), nil
	}
	return fate{Outcome: outcomeStands}, nil
}

// conclude prints the counts, and finds it wrong when nothing that was asked for stands.
func (r *replay) conclude(asJSON bool, s *streams) error {
	o := r.result.Outcomes
	if r.result.DryRun {
		fmt.Fprintf(r.text, "Of %d, %d would stand, %d would be refused again, %d cannot be replayed.\n",
			len(r.result.Events), o[outcomeStands], o[outcomeRefused], o[outcomeImpotent])
	} else {
		fmt.Fprintf(r.text, "Of %d, %d accepted, %d duplicates, %d refused again, %d cannot be replayed.\n",
			len(r.result.Events), o[outcomeAccepted], o[outcomeDuplicate], o[outcomeRefused], o[outcomeImpotent])
	}
	if asJSON {
		if err := json.NewEncoder(s.out).Encode(r.result); err != nil {
			return err
		}
	}
	if len(r.result.Events) > 0 && o[outcomeAccepted]+o[outcomeDuplicate]+o[outcomeStands] == 0 {
		return coded{errors.New("nothing of what was asked for could be taken"), service.Wrong}
	}
	return nil
}
