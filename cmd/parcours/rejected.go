package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/rs/zerolog"

	"parcours/cmd/internal/service"
	"parcours/pipeline"
	"parcours/pipeline/event"
	"parcours/pipeline/nats"
)

// RejectedCommand works on what REJECTED keeps: events that were refused, and those the fold set aside.
type RejectedCommand struct {
	List   RejectedListCommand   `cmd:"" help:"List what was refused or set aside, the newest first, and why."`
	Show   RejectedShowCommand   `cmd:"" help:"Show one of them with its body, which may hold raw identifiers."`
	Replay RejectedReplayCommand `cmd:"" help:"Bring what was refused to the door again."`
}

// rejection is one message of REJECTED.
type rejection struct {
	number uint64 // its sequence
	pipeline.Rejection
}

// RejectionFilter says which rejections are meant.
type RejectionFilter struct {
	Reason string `help:"Only those of this reason (docs/rejected.md lists them)." placeholder:"REASON" env:"-"`
	Source string `help:"Only those of this CloudEvents source." placeholder:"SOURCE" env:"-"`
	Since  string `help:"Only those seen since: a date (2026-03-02, UTC), a time (RFC 3339), or a duration back from now (36h, 7d)." placeholder:"WHEN" env:"-"`
}

// filter checks the flags and gives what they let pass.
func (f RejectionFilter) filter(now time.Time) (func(*rejection) bool, error) {
	if f.Reason != "" && !slices.ContainsFunc(event.Reasons(), func(r event.Reason) bool { return r.Name == f.Reason }) {
		return nil, misused("--reason %s: no such reason; there are:\n%s", f.Reason, reasonList())
	}
	since, err := sinceOf(f.Since, now)
	return func(r *rejection) bool {
		return (f.Reason == "" || r.Reason == f.Reason) && (f.Source == "" || r.Source == f.Source) && r.SeenAt >= since
	}, err
}

// reasonList is the closed list, one a line.
func reasonList() string {
	var b strings.Builder
	for _, r := range event.Reasons() {
		fmt.Fprintf(&b, "  %-15s %s\n", r.Name, r.Meaning)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// sinceOf reads --since.
func sinceOf(text string, now time.Time) (event.Instant, error) {
	if text == "" {
		return math.MinInt64, nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, text); err == nil {
			return event.InstantOf(t), nil
		}
	}
	if back, err := time.ParseDuration(text); err == nil {
		return event.InstantOf(now.Add(-back)), nil
	}
	var days int
	if n, err := fmt.Sscanf(text, "%dd", &days); n == 1 && err == nil && fmt.Sprintf("%dd", days) == text {
		return event.InstantOf(now.AddDate(0, 0, -days)), nil
	}
	return 0, misused("--since %s: expected a date like 2026-03-02, a time like 2026-03-02T09:00:00Z, or a duration like 36h or 7d", text)
}

// rejectedWait is how long an answer of REJECTED may take before it is asked again what it holds.
const rejectedWait = 2 * time.Second

// eachRejection reads what REJECTED holds now, the oldest first. What expires meanwhile is left out.
func eachRejection(ctx context.Context, bus *nats.Bus, read func(rejection) error) error {
	left, err := rejectedNow(ctx, bus)
	if err != nil || left == 0 {
		return err
	}
	reader, err := bus.ReadRejected(ctx, 1)
	if err != nil {
		return err
	}
	defer reader.Close()
	for done := uint64(0); done < left; {
		messages, err := reader.Next(ctx, rejectedWait)
		if err != nil {
			return err
		}
		if len(messages) == 0 {
			now, err := rejectedNow(ctx, bus)
			if err != nil {
				return err
			}
			left = min(left, now) // some have expired, or they are slow to come
		}
		for i := range messages[:min(uint64(len(messages)), left-min(left, done))] {
			r, err := rejectionOf(&messages[i])
			if err == nil {
				err = read(r)
			}
			if err != nil {
				return err
			}
			done++
		}
	}
	return nil
}

// rejectedNow is how many rejections are kept.
func rejectedNow(ctx context.Context, bus *nats.Bus) (n uint64, err error) {
	counts, err := bus.RejectedCount(ctx)
	for _, count := range counts {
		n += count
	}
	return n, err
}

func rejectionOf(m *pipeline.Message) (rejection, error) {
	r, err := nats.DecodeRejected(m.Body)
	if err != nil {
		return rejection{}, fmt.Errorf("message %d of REJECTED: %w", m.Position, err)
	}
	return rejection{m.Position, r}, nil
}

// oneRejection finds a rejection by its number; found is false where REJECTED does not hold it, or no longer.
func oneRejection(ctx context.Context, bus *nats.Bus, number uint64) (r rejection, found bool, err error) {
	m, err := bus.Rejected(ctx, number)
	if errors.Is(err, pipeline.ErrNoObject) {
		return rejection{}, false, nil
	}
	if err != nil {
		return rejection{}, false, err
	}
	r, err = rejectionOf(&m)
	return r, err == nil, err
}

// firstMessage gives the first message that a stream holds from a sequence on; nil for none.
func firstMessage(ctx context.Context, from uint64, open func(context.Context, uint64) (pipeline.Reader, error)) (*pipeline.Message, error) {
	reader, err := open(ctx, from)
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	messages, err := reader.Next(ctx, rejectedWait)
	if err != nil || len(messages) == 0 {
		return nil, err
	}
	m := messages[0]
	m.Body = append([]byte(nil), m.Body...)
	return &m, nil
}

// RejectedListCommand lists them.
type RejectedListCommand struct {
	DirectoryFlags
	RejectionFilter
	Limit int  `help:"Most lines; the counts are of all." default:"50" env:"-"`
	JSON  bool `name:"json" help:"Print one JSON object as the last line of standard output."`
}

// Help is shown by --help.
func (*RejectedListCommand) Help() string {
	return `What could not be understood is kept for 30 days, with its reason and no value of it in clear. The numbers are those that
show and replay take.

  parcours rejected list --data DIR
  parcours rejected list --data DIR --reason bad_time --since 7d`
}

// listed is a rejection as list and show give it.
type listed struct {
	Number   uint64 `json:"number"`
	SeenAt   string `json:"seen_at"`
	Reason   string `json:"reason"`
	Source   string `json:"source,omitempty"`
	Field    string `json:"field,omitempty"`
	Expected string `json:"expected,omitempty"`
	Bytes    int    `json:"bytes"`
	SHA256   string `json:"sha256,omitempty"`
	Row      uint64 `json:"row,omitempty"`      // of the imported file
	Position uint64 `json:"position,omitempty"` // in EVENTS, of what the fold set aside
}

func listedOf(r *rejection) listed {
	return listed{Number: r.number, SeenAt: r.SeenAt.String(), Reason: r.Reason, Source: r.Source, Field: r.Field, Expected: r.Expected,
		Bytes: r.Bytes, SHA256: r.SHA256, Row: r.Row, Position: r.Position}
}

// where it comes from, as far as that is known.
func (l *listed) where() string {
	switch {
	case l.Row > 0:
		return fmt.Sprintf("row %d", l.Row)
	case l.Position > 0:
		return fmt.Sprintf("position %d", l.Position)
	}
	return ""
}

// rejectionList is what list gives: all that match counted, the newest listed.
type rejectionList struct {
	Counts   map[string]uint64 `json:"counts"` // by reason
	Rejected []listed          `json:"rejected"`
}

// Run prints the list.
func (c *RejectedListCommand) Run(common *service.Common, s *streams) error {
	if c.Limit < 0 {
		return misused("--limit %d: expected 0 or more", c.Limit)
	}
	matches, err := c.filter(time.Now())
	if err != nil {
		return err
	}
	ctx, stop := service.Interruptible()
	defer stop()
	d, err := openDirectory(c.DirectoryFlags, common.Logger(zerolog.WarnLevel))
	if err != nil {
		return err
	}
	defer d.close()
	list := rejectionList{Counts: map[string]uint64{}, Rejected: []listed{}}
	err = eachRejection(ctx, d.bus, func(r rejection) error {
		if matches(&r) {
			list.add(listedOf(&r), c.Limit)
		}
		return nil
	})
	if err != nil {
		return err
	}
	slices.Reverse(list.Rejected)
	if c.JSON {
		return json.NewEncoder(s.out).Encode(list)
	}
	list.print(s.out)
	return nil
}

// add counts one, and forgets the oldest where there are more than the limit.
func (list *rejectionList) add(l listed, limit int) {
	list.Counts[l.Reason]++
	if list.Rejected = append(list.Rejected, l); len(list.Rejected) > limit {
		list.Rejected = list.Rejected[1:]
	}
}

func (list *rejectionList) print(out io.Writer) {
	if len(list.Rejected) > 0 {
		t := newTable(out, "Rejected", "number", "seen at", "reason", "source", "field", "expected", "bytes", "where")
		for _, l := range list.Rejected {
			t.AppendRow(table.Row{l.Number, l.SeenAt, l.Reason, l.Source, l.Field, l.Expected, l.Bytes, l.where()})
		}
		t.Render()
	}
	total := uint64(0)
	var counts []string
	for _, reason := range sortedKeys(list.Counts) {
		total += list.Counts[reason]
		counts = append(counts, fmt.Sprintf("%s %d", reason, list.Counts[reason]))
	}
	fmt.Fprintln(out, strings.TrimSpace(fmt.Sprintf("%d in all, %d shown. %s", total, len(list.Rejected), strings.Join(counts, ", "))))
}
