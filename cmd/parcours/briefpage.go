package main

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/sync/singleflight"

	"parcours/dashboards/brief"
)

// briefPage serves the brief live; until a month is complete, the page of the service. Whoever finds the address may ask, so that a page is
// read once a minute at most, and one at a time: the tables that it is read from are those that events are folded into.
type briefPage struct {
	query  brief.Query
	status http.Handler
	log    zerolog.Logger

	flight singleflight.Group
	turn   chan struct{} // holds the one that reads
	mu     sync.Mutex
	kept   map[briefKey]keptPage
}

func newBriefPage(query brief.Query, status http.Handler, log zerolog.Logger) *briefPage {
	return &briefPage{query: query, status: status, log: log, turn: make(chan struct{}, 1), kept: map[briefKey]keptPage{}}
}

// briefKey is what a page is of. The zero month is the last complete one.
type briefKey struct {
	month    string
	language brief.Language
}

// keptPage is a page that was read a moment ago.
type keptPage struct {
	body []byte
	at   time.Time
}

const (
	briefWithin  = 20 * time.Second // a visitor waits no longer: the page may be there a moment later
	briefReading = 2 * time.Minute  // then reading it is given up, with the time that it waited for its turn
	briefKept    = time.Minute
)

// ServeHTTP reads ?month=2026-10 and ?lang=fr; a browser that prefers French is given it.
func (p *briefPage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	month, err := parseMonth("month", r.URL.Query().Get("month"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), briefWithin)
	defer cancel()
	body, err := p.page(ctx, month, languageOf(r))
	switch {
	case err == nil:
		writePage(w, body)
	case errors.Is(err, brief.ErrNoMonth):
		p.status.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), noMonthYet{}, noMonthYet{err.Error(), string(languageOf(r))})))
	case errors.Is(err, brief.ErrMonth):
		http.Error(w, err.Error(), http.StatusNotFound)
	case ctx.Err() != nil:
		w.Header().Set("Retry-After", "30")
		http.Error(w, "The brief is still being read. Try again in a moment.", http.StatusServiceUnavailable)
	default:
		http.Error(w, "The brief could not be read; the log of the service says why, and /status how it is.", http.StatusInternalServerError)
	}
}

// noMonthYet is why the state of the service stands where a brief is asked for; it goes with the request, under its own type.
type noMonthYet struct{ Why, Language string }

// page is one that was kept, or read now: visitors who ask for the same wait for one reading, which goes on when they have gone, so that the
// next finds it.
func (p *briefPage) page(ctx context.Context, month time.Time, l brief.Language) ([]byte, error) {
	key := briefKey{month.Format("2006-01"), l}
	if body := p.keep(key, nil, time.Now()); body != nil {
		return body, nil
	}
	read := p.flight.DoChan(key.month+" "+string(l), func() (any, error) {
		body, err := p.read(context.WithoutCancel(ctx), key, month)
		if err != nil && !errors.Is(err, brief.ErrNoMonth) && !errors.Is(err, brief.ErrMonth) {
			p.log.Error().Err(err).Msg("read the brief")
		}
		return body, err
	})
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case got := <-read:
		body, _ := got.Val.([]byte)
		return body, got.Err
	}
}

// read takes its turn, and reads a page that nobody has read meanwhile.
func (p *briefPage) read(ctx context.Context, key briefKey, month time.Time) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, briefReading)
	defer cancel()
	select {
	case p.turn <- struct{}{}:
		defer func() { <-p.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if body := p.keep(key, nil, time.Now()); body != nil {
		return body, nil
	}
	b, err := brief.Read(ctx, p.query, month, key.language)
	if err != nil {
		return nil, err
	}
	body, err := b.HTML(true)
	if err == nil {
		p.keep(key, body, time.Now())
	}
	return body, err
}

// keep puts a page away where there is one, forgets those that are too old, and gives what is left of the key.
func (p *briefPage) keep(key briefKey, body []byte, now time.Time) []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	for k, page := range p.kept {
		if now.Sub(page.at) >= briefKept {
			delete(p.kept, k)
		}
	}
	if body != nil {
		p.kept[key] = keptPage{body, now}
	}
	return p.kept[key].body
}

// languageOf is the one asked for, else the first of the browser's that there is.
func languageOf(r *http.Request) brief.Language {
	return brief.Preferred(r.URL.Query().Get("lang"), r.Header.Get("Accept-Language"))
}

// writePage writes a page that loads nothing and runs nothing.
func writePage(w http.ResponseWriter, body []byte) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'")
	_, _ = w.Write(body) // a reader who has gone needs no page
}
