package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"parcours/cmd/internal/service"
	"parcours/pipeline"
	"parcours/pipeline/clickhouse"
	"parcours/pipeline/embedded"
	"parcours/pipeline/event"
	"parcours/pipeline/ingest"
	"parcours/pipeline/nats"
)

// target is where an import sends its rows.
type target interface {
	send(ctx context.Context, rows []row) (sent, error)
	replay(ctx context.Context, body []byte) (fate, error) // one structured event that lies in REJECTED, and stays there
	head(ctx context.Context) (uint64, error)
	log() *nats.Bus
	tables() *clickhouse.Store
	mode() string                                             // of the clock
	caughtUp(ctx context.Context) error                       // returns when what is in the log now is in the tables
	finish(ctx context.Context) error                         // returns when the tables are readable and complete
	adopted(ctx context.Context, g pipeline.Generation) error // returns when a generation that is ready is what views read
	logger() zerolog.Logger
	alone() bool // nobody else can be at work on the log
	close()
}

// sent is what became of some rows.
type sent struct{ accepted, duplicates, refused int }

// ownTarget is the data directory itself.
type ownTarget struct{ node *node }

func (t *ownTarget) close() { t.node.close() }

func (t *ownTarget) head(ctx context.Context) (uint64, error) { return t.node.bus.Head(ctx) }

func (t *ownTarget) adopted(ctx context.Context, g pipeline.Generation) error {
	return t.node.whileFolding(ctx, func(ctx context.Context) error { return inForce(ctx, t.node.bus, t.node.store, g) })
}

func (t *ownTarget) logger() zerolog.Logger { return t.node.log }

func (t *ownTarget) alone() bool { return true }

func (t *ownTarget) log() *nats.Bus { return t.node.bus }

func (t *ownTarget) tables() *clickhouse.Store { return t.node.store }

func (t *ownTarget) mode() string { return t.node.info.Mode }

func (t *ownTarget) caughtUp(ctx context.Context) error {
	return t.node.whileFolding(ctx, func(ctx context.Context) error { return reachHead(ctx, t.node.bus, t.node.store) })
}

func (t *ownTarget) finish(ctx context.Context) error { return t.node.finish(ctx) }

func (t *ownTarget) send(ctx context.Context, rows []row) (sent, error) {
	raws := make([]ingest.Raw, len(rows))
	for i := range rows {
		raws[i] = ingest.Raw{Body: rows[i].body, Row: uint64(rows[i].number)}
		if r := rows[i].refusal; r != nil {
			raws[i].Broken = &ingest.Broken{Refusal: *r}
		}
	}
	res := t.node.door.Accept(ctx, raws, ingest.Origin{Name: "import"})
	return sent{res.Accepted, res.Duplicates, len(res.Refused)}, res.Err
}

func (t *ownTarget) replay(ctx context.Context, body []byte) (fate, error) {
	res := t.node.door.Accept(ctx, []ingest.Raw{{Body: body}}, ingest.Origin{Name: "replay", Replay: true})
	switch {
	case res.Err != nil:
		return fate{}, res.Err
	case len(res.Refused) > 0:
		r := res.Refused[0]
		return refusedAgain(&event.Refusal{Field: r.Field, Expected: r.Expected, Reason: r.Reason}), nil
	}
	return taken(res.Accepted > 0), nil
}

// remoteTarget is the process that holds the directory: events go through its door, so that it knows their homes.
type remoteTarget struct {
	addresses embedded.Addresses
	key       string
	client    *http.Client
	bus       *nats.Bus
	info      nats.LogInfo
	store     *clickhouse.Store
	talk      zerolog.Logger
}

// heldBy says who holds the directory, if that is what the error says.
func heldBy(err error) (embedded.Addresses, bool) {
	var held *embedded.HeldError
	if !errors.As(err, &held) || held.Addresses.Ingest == "" {
		return embedded.Addresses{}, false
	}
	return held.Addresses, true
}

// tablesOf says how to reach the ClickHouse of whoever holds a directory; its password stands in no file.
func tablesOf(a embedded.Addresses) clickhouse.Config {
	c := clickhouse.Config{Addr: a.ClickHouse, Username: a.ClickHouseUser}
	if a.ClickHouseUser != "" {
		c.Password = os.Getenv(service.EnvPrefix + "_CLICKHOUSE_PASSWORD")
	}
	return c
}

func newRemoteTarget(ctx context.Context, a embedded.Addresses, key string, log zerolog.Logger) (*remoteTarget, error) {
	config := guest()
	config.URL = a.NATS
	bus, err := nats.Connect(config, log, prometheus.NewRegistry())
	if err != nil {
		return nil, err
	}
	t := &remoteTarget{addresses: a, key: key, client: &http.Client{Timeout: time.Minute}, bus: bus, talk: log}
	if t.info, err = bus.Provision(ctx, nats.ModeLog); err != nil {
		bus.Close()
		return nil, err
	}
	if t.store, err = clickhouse.Open(ctx, tablesOf(a), log); err != nil {
		bus.Close()
		return nil, err
	}
	return t, nil
}

func (t *remoteTarget) close() {
	_ = t.store.Close()
	t.bus.Close()
}

func (t *remoteTarget) head(ctx context.Context) (uint64, error) { return t.bus.Head(ctx) }

func (t *remoteTarget) adopted(ctx context.Context, g pipeline.Generation) error {
	return inForce(ctx, t.bus, t.store, g)
}

func (t *remoteTarget) logger() zerolog.Logger { return t.talk }

func (t *remoteTarget) alone() bool { return false }

func (t *remoteTarget) log() *nats.Bus { return t.bus }

func (t *remoteTarget) tables() *clickhouse.Store { return t.store }

func (t *remoteTarget) mode() string { return t.info.Mode }

func (t *remoteTarget) caughtUp(ctx context.Context) error { return reachHead(ctx, t.bus, t.store) }

func (t *remoteTarget) finish(ctx context.Context) error {
	return complete(ctx, t.bus, t.store, t.info)
}

// send posts the events as NDJSON; rows that the mapping refused go to REJECTED from here.
func (t *remoteTarget) send(ctx context.Context, rows []row) (sent, error) {
	var all sent
	var body bytes.Buffer
	var numbers []uint64
	var rejections []pipeline.Rejection
	for i := range rows {
		if r := rows[i].refusal; r != nil {
			rejections = append(rejections, pipeline.Rejection{
				Reason: r.Reason, Source: r.Source, Field: r.Field, Expected: r.Expected, SeenAt: event.InstantOf(time.Now()),
				Row: uint64(rows[i].number),
			})
			continue
		}
		if body.Len() > 0 && body.Len()+len(rows[i].body) > postBytes {
			if err := t.add(ctx, &all, &body, numbers); err != nil {
				return all, err
			}
			numbers = numbers[:0]
		}
		numbers = append(numbers, uint64(rows[i].number))
		body.Write(rows[i].body)
		body.WriteByte('\n')
	}
	if err := t.bus.Reject(ctx, rejections); err != nil {
		return all, err
	}
	all.refused += len(rejections)
	return all, t.add(ctx, &all, &body, numbers)
}

// postBytes is the most of one request, far below what the door takes by default.
const postBytes = 2 << 20

// add posts what has been gathered, saying which rows of the file it is, and counts what became of it.
func (t *remoteTarget) add(ctx context.Context, all *sent, body *bytes.Buffer, rows []uint64) error {
	if body.Len() == 0 {
		return nil
	}
	a, err := t.post(ctx, http.Header{"Content-Type": {"application/x-ndjson"}, ingest.RowsHeader: {ingest.RowsText(rows)}}, body.Bytes())
	all.accepted += a.Accepted
	all.duplicates += a.Duplicates
	all.refused += a.RefusedCount
	body.Reset()
	return err
}

func (t *remoteTarget) replay(ctx context.Context, body []byte) (fate, error) {
	a, err := t.post(ctx, http.Header{"Content-Type": {"application/cloudevents+json"}, ingest.ReplayHeader: {"1"}}, body)
	switch {
	case err != nil:
		return fate{}, err
	case len(a.Refused) > 0:
		r := a.Refused[0]
		reason := strings.ReplaceAll(strings.TrimPrefix(r.Type, "/problems/"), "-", "_")
		return refusedAgain(&event.Refusal{Field: r.Field, Expected: r.Expected, Reason: reason}), nil
	}
	return taken(a.Accepted > 0), nil
}

// doorAnswered is what the door says of a request (docs/http.md).
type doorAnswered struct {
	Accepted     int    `json:"accepted"`
	Duplicates   int    `json:"duplicates"`
	RefusedCount int    `json:"refused_count"`
	Title        string `json:"title"`
	Detail       string `json:"detail"`
	Refused      []struct {
		Type     string `json:"type"`
		Field    string `json:"field"`
		Expected string `json:"expected"`
	} `json:"refused"`
}

// post sends one request, again and again while the door says to come again.
func (t *remoteTarget) post(ctx context.Context, header http.Header, body []byte) (doorAnswered, error) {
	return backoff.Retry(ctx, func() (doorAnswered, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.addresses.Ingest+"/v1/events", bytes.NewReader(body))
		if err != nil {
			return doorAnswered{}, backoff.Permanent(err)
		}
		req.Header = header.Clone()
		if t.key != "" {
			req.Header.Set("Authorization", "Bearer "+t.key)
		}
		res, err := t.client.Do(req)
		if err != nil {
			return doorAnswered{}, err
		}
		defer res.Body.Close()
		return readAnswer(res)
	}, backoff.WithMaxElapsedTime(5*time.Minute))
}

func readAnswer(res *http.Response) (a doorAnswered, err error) {
	err = json.NewDecoder(res.Body).Decode(&a)
	switch {
	case res.StatusCode == http.StatusTooManyRequests || res.StatusCode == http.StatusServiceUnavailable:
		after, _ := strconv.Atoi(res.Header.Get("Retry-After"))
		return doorAnswered{}, backoff.RetryAfter(max(1, after))
	case res.StatusCode != http.StatusAccepted && res.StatusCode != http.StatusUnprocessableEntity:
		return doorAnswered{}, backoff.Permanent(fmt.Errorf("the door answered %d: %s: %s", res.StatusCode, a.Title, a.Detail))
	case err != nil:
		return doorAnswered{}, backoff.Permanent(fmt.Errorf("the door answered %d, and no JSON: %w", res.StatusCode, err))
	}
	return a, nil
}
