package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

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
	head(ctx context.Context) (uint64, error)
	finish(ctx context.Context) error // returns when the tables are readable and complete
	close()
}

// sent is what became of some rows.
type sent struct{ accepted, duplicates, refused int }

// ownTarget is the data directory itself.
type ownTarget struct{ node *node }

func (t *ownTarget) close() { t.node.close() }

func (t *ownTarget) head(ctx context.Context) (uint64, error) { return t.node.bus.Head(ctx) }

func (t *ownTarget) finish(ctx context.Context) error { return t.node.finish(ctx) }

func (t *ownTarget) send(ctx context.Context, rows []row) (sent, error) {
	raws := make([]ingest.Raw, len(rows))
	for i := range rows {
		raws[i] = ingest.Raw{Body: rows[i].body}
		if r := rows[i].refusal; r != nil {
			raws[i].Broken = &ingest.Broken{Refusal: *r}
		}
	}
	res := t.node.door.Accept(ctx, raws, ingest.Origin{Name: "import"})
	return sent{res.Accepted, res.Duplicates, len(res.Refused)}, res.Err
}

// remoteTarget is the process that holds the directory: events go through its door, so that it knows their homes.
type remoteTarget struct {
	addresses embedded.Addresses
	key       string
	client    *http.Client
	bus       *nats.Bus
	info      nats.LogInfo
	store     *clickhouse.Store
}

// heldBy says who holds the directory, if that is what the error says.
func heldBy(err error) (embedded.Addresses, bool) {
	var held *embedded.HeldError
	if !errors.As(err, &held) || held.Addresses.Ingest == "" {
		return embedded.Addresses{}, false
	}
	return held.Addresses, true
}

func newRemoteTarget(ctx context.Context, a embedded.Addresses, key string, log zerolog.Logger) (*remoteTarget, error) {
	config := guest()
	config.URL = a.NATS
	bus, err := nats.Connect(config, log, prometheus.NewRegistry())
	if err != nil {
		return nil, err
	}
	t := &remoteTarget{addresses: a, key: key, client: &http.Client{Timeout: time.Minute}, bus: bus}
	if t.info, err = bus.Provision(ctx, nats.ModeLog); err != nil {
		bus.Close()
		return nil, err
	}
	if t.store, err = clickhouse.Open(ctx, clickhouse.Config{Addr: a.ClickHouse}, log); err != nil {
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

func (t *remoteTarget) finish(ctx context.Context) error {
	return complete(ctx, t.bus, t.store, t.info)
}

// send posts the events as NDJSON; rows that the mapping refused go to REJECTED from here.
func (t *remoteTarget) send(ctx context.Context, rows []row) (sent, error) {
	var all sent
	var body bytes.Buffer
	var rejections []pipeline.Rejection
	for i := range rows {
		if r := rows[i].refusal; r != nil {
			rejections = append(rejections, pipeline.Rejection{
				Reason: r.Reason, Source: r.Source, Field: r.Field, Expected: r.Expected, SeenAt: event.InstantOf(time.Now()),
			})
			continue
		}
		if body.Len() > 0 && body.Len()+len(rows[i].body) > postBytes {
			if err := t.add(ctx, &all, &body); err != nil {
				return all, err
			}
		}
		body.Write(rows[i].body)
		body.WriteByte('\n')
	}
	if err := t.bus.Reject(ctx, rejections); err != nil {
		return all, err
	}
	all.refused += len(rejections)
	return all, t.add(ctx, &all, &body)
}

// postBytes is the most of one request, far below what the door takes by default.
const postBytes = 2 << 20

// add posts what has been gathered, and counts what became of it.
func (t *remoteTarget) add(ctx context.Context, all *sent, body *bytes.Buffer) error {
	answer, err := t.post(ctx, body.Bytes())
	all.accepted += answer.accepted
	all.duplicates += answer.duplicates
	all.refused += answer.refused
	body.Reset()
	return err
}

// post sends one request, again and again while the door says to come again.
func (t *remoteTarget) post(ctx context.Context, body []byte) (sent, error) {
	if len(body) == 0 {
		return sent{}, nil
	}
	return backoff.Retry(ctx, func() (sent, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.addresses.Ingest+"/v1/events", bytes.NewReader(body))
		if err != nil {
			return sent{}, backoff.Permanent(err)
		}
		req.Header.Set("Content-Type", "application/x-ndjson")
		if t.key != "" {
			req.Header.Set("Authorization", "Bearer "+t.key)
		}
		res, err := t.client.Do(req)
		if err != nil {
			return sent{}, err
		}
		defer res.Body.Close()
		return readAnswer(res)
	}, backoff.WithMaxElapsedTime(5*time.Minute))
}

func readAnswer(res *http.Response) (sent, error) {
	var a struct {
		Accepted   int               `json:"accepted"`
		Duplicates int               `json:"duplicates"`
		Refused    []json.RawMessage `json:"refused"`
		Title      string            `json:"title"`
		Detail     string            `json:"detail"`
	}
	err := json.NewDecoder(res.Body).Decode(&a)
	switch {
	case res.StatusCode == http.StatusTooManyRequests || res.StatusCode == http.StatusServiceUnavailable:
		after, _ := strconv.Atoi(res.Header.Get("Retry-After"))
		return sent{}, backoff.RetryAfter(max(1, after))
	case res.StatusCode != http.StatusAccepted && res.StatusCode != http.StatusUnprocessableEntity:
		return sent{}, backoff.Permanent(fmt.Errorf("the door answered %d: %s: %s", res.StatusCode, a.Title, a.Detail))
	case err != nil:
		return sent{}, backoff.Permanent(fmt.Errorf("the door answered %d, and no JSON: %w", res.StatusCode, err))
	}
	return sent{a.Accepted, a.Duplicates, len(a.Refused)}, nil
}
