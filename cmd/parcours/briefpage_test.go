package main

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"parcours/schemas"
)

// oldMonths are tables in which two months are complete and nothing else is; gate, where there is one, holds up each reading until it is closed.
type oldMonths struct {
	gate chan struct{}
	fail error

	mu                 sync.Mutex
	readings, now, top int
	slow               []string // statements that would have computed a view of which there is a copy
}

func (m *oldMonths) query(ctx context.Context, statement string, row func(scan func(...any) error) error) error {
	m.mu.Lock()
	m.now++
	m.top = max(m.top, m.now)
	if schemas.Latest(statement) != statement {
		m.slow = append(m.slow, statement)
	}
	months := strings.Contains(statement, "comex_months_latest_v")
	if months {
		m.readings++
	}
	m.mu.Unlock()
	defer func() { m.mu.Lock(); m.now--; m.mu.Unlock() }()
	if !months {
		return m.fail
	}
	if m.gate != nil {
		select {
		case <-m.gate:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for _, at := range []string{"2026-09-01", "2026-08-01"} {
		if err := row(func(into ...any) (err error) { *into[0].(*time.Time), err = time.Parse(time.DateOnly, at); return err }); err != nil {
			return err
		}
	}
	return nil
}

// livePage is the brief on such tables, and what is logged of it.
func livePage(m *oldMonths) (*briefPage, *bytes.Buffer) {
	var log bytes.Buffer
	status := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("the status")) })
	return newBriefPage(m.query, status, zerolog.New(&log)), &log
}

func visit(ctx context.Context, p http.Handler, address string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	p.ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodGet, address, nil))
	return w
}

// TestBriefPageIsReadOnce: whoever asks for the same page within a minute shares one reading, of copies; different pages are read one after another.
func TestBriefPageIsReadOnce(t *testing.T) {
	m := &oldMonths{gate: make(chan struct{})}
	p, _ := livePage(m)
	var visitors sync.WaitGroup
	for range 10 {
		for _, address := range []string{"/?lang=fr", "/?lang=en", "/?lang=fr&month=2026-08"} {
			visitors.Go(func() {
				if w := visit(t.Context(), p, address); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "<html") {
					t.Errorf("%s: %d %s", address, w.Code, w.Body)
				}
			})
		}
	}
	close(m.gate)
	visitors.Wait()
	if m.readings != 3 || m.top != 1 {
		t.Errorf("three pages for thirty visitors were read %d times, up to %d statements at once", m.readings, m.top)
	}
	if len(m.slow) > 0 {
		t.Errorf("read without copies: %s", m.slow)
	}
	key := briefKey{"2026-08", "fr"}
	if p.keep(key, nil, time.Now()) == nil || p.keep(key, nil, time.Now().Add(briefKept)) != nil || len(p.kept) > 0 {
		t.Errorf("a page is kept for a minute, and no longer: %d are left", len(p.kept))
	}
}

// TestBriefPageOfWhoLeft: a visitor who does not wait is told so, and the page is there for the next.
func TestBriefPageOfWhoLeft(t *testing.T) {
	m := &oldMonths{gate: make(chan struct{})}
	p, _ := livePage(m)
	gone, leave := context.WithCancel(t.Context())
	leave()
	if w := visit(gone, p, "/"); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	close(m.gate)
	for range 2 {
		if w := visit(t.Context(), p, "/"); w.Code != http.StatusOK {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	}
	if m.readings != 1 {
		t.Errorf("read %d times, not once", m.readings)
	}
}

// TestBriefPageRefuses: a month that cannot be told is not found, and why tables cannot be read is for the log.
func TestBriefPageRefuses(t *testing.T) {
	p, log := livePage(&oldMonths{})
	for address, want := range map[string]int{"/?month=1999-01": http.StatusNotFound, "/?month=2026-10": http.StatusNotFound, "/?month=x": http.StatusBadRequest} {
		if w := visit(t.Context(), p, address); w.Code != want || !strings.Contains(w.Body.String(), "month") {
			t.Errorf("%s: %d %s", address, w.Code, w.Body)
		}
	}
	if log.Len() > 0 {
		t.Errorf("logged: %s", log)
	}
	p, log = livePage(&oldMonths{fail: errors.New("code: 60, SELECT secret FROM cx.figures_v")})
	if w := visit(t.Context(), p, "/"); w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "SELECT") || strings.Count(log.String(), "code: 60") != 1 {
		t.Errorf("%d %s, logged %s", w.Code, w.Body, log)
	}
}

// TestPageSaysWhyNoMonth: where no month can be told yet the state of the service stands at /, and says why, and from when on one can, in the
// visitor's language; at /status it says nothing of it.
func TestPageSaysWhyNoMonth(t *testing.T) {
	query := func(_ context.Context, statement string, row func(scan func(...any) error) error) error {
		if strings.Contains(statement, "comex_months") {
			return nil
		}
		return row(func(into ...any) error { // a demo of thirty days
			*into[0].(*time.Time), *into[1].(*int64), *into[2].(*int64), *into[3].(*uint64) = time.Date(2026, 2, 3, 22, 0, 0, 0, time.UTC), 72*3600, 28*86400, 9
			*into[4].(*time.Time) = time.Date(2026, 1, 6, 9, 0, 0, 0, time.UTC)
			return nil
		})
	}
	status := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d := pageData{}
		d.NoMonth, _ = r.Context().Value(noMonthYet{}).(noMonthYet)
		body, err := d.html()
		if err != nil {
			t.Error(err)
		}
		_, _ = w.Write(body)
	})
	p := newBriefPage(query, status, zerolog.Nop())
	for address, says := range map[string]string{
		"/?lang=en": `<p lang="en">No month can be told yet: the figures of a month ripen 31 days after its end (28 for what may still come of its journeys, 3 for late events). ` +
			`The first, January 2026, can be told when the log has come to 4 March 2026; it has come to 3 February 2026.</p>`,
		"/?lang=fr": `<p lang="fr">Aucun mois ne peut encore être raconté : les chiffres d&#39;un mois sont mûrs 31 jours après sa fin (28 pour ce que ses parcours peuvent encore devenir, ` +
			`3 pour les événements en retard). Le premier, janvier 2026, pourra l&#39;être quand le journal en sera au 4 mars 2026 ; il en est au 3 février 2026.</p>`,
	} {
		if w := visit(t.Context(), p, address); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), says) {
			t.Errorf("%s: %d %s", address, w.Code, w.Body)
		}
	}
	if w := visit(t.Context(), status, "/status"); strings.Contains(w.Body.String(), "month") {
		t.Errorf("/status: %s", w.Body)
	}
}
