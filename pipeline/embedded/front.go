package embedded

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"

	"github.com/google/uuid"
	"github.com/rs/zerolog"
)

const displayName = "parcours"

// front is ClickHouse's HTTP interface on top of an engine.
type front struct {
	engine   *engine
	sessions *sessions
	log      zerolog.Logger
	running  sync.WaitGroup
}

func newFront(engine *engine, maxSessions int, log zerolog.Logger) *front {
	return &front{engine: engine, sessions: newSessions(engine, maxSessions), log: log}
}

// close waits for what runs and stops the engine.
func (f *front) close() {
	f.running.Wait()
	f.sessions.close()
	f.engine.stop()
}

// ServeHTTP answers as ClickHouse does. The same paths exist; of /play and /dashboard there are none.
func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.running.Add(1)
	defer f.running.Done()
	header := w.Header()
	header.Set("X-ClickHouse-Server-Display-Name", displayName)
	header.Set("X-ClickHouse-Timezone", "UTC")
	switch {
	case foreign(r):
		http.Error(w, "requests of web pages from elsewhere are not answered", http.StatusForbidden)
	case r.Method != http.MethodGet && r.Method != http.MethodPost && r.Method != http.MethodHead:
		http.Error(w, "There is no handle "+r.URL.Path+" for this method", http.StatusMethodNotAllowed)
	case r.URL.Path == "/ping", r.URL.Path == "/replicas_status", r.URL.Path == "/" && r.Method != http.MethodPost && !r.URL.Query().Has("query"):
		header.Set("Content-Type", "text/html; charset=UTF-8")
		_, _ = io.WriteString(w, "Ok.\n")
	case r.URL.Path == "/", r.URL.Path == "/query":
		f.query(w, r)
	default:
		http.Error(w, "There is no handle "+r.URL.Path, http.StatusNotFound)
	}
}

func (f *front) query(w http.ResponseWriter, r *http.Request) {
	out := newResponse(w, f.engine.version)
	err := f.answer(out, r)
	if err == nil {
		err = out.finish()
	}
	if err != nil {
		out.fail(asException(err))
	}
}

// answer runs the request's statement into out. Nothing of it has been sent if out has not been committed.
func (f *front) answer(out *response, r *http.Request) error {
	q, err := readRequest(r, f.engine.compressByDefault)
	if err != nil {
		return err
	}
	out.prepare(q)
	defer q.body.close()
	if q.text, err = readStatement(q); err != nil {
		return err
	}
	release, err := f.engine.acquire(r.Context())
	if err != nil {
		return err
	}
	defer release()
	return f.run(r.Context(), out, q)
}

// run gives the statement a connection and runs it there.
func (f *front) run(ctx context.Context, out *response, q *request) error {
	var err error
	f.engine.killable(ctx, func() {
		if q.session.id != "" {
			err = f.sessions.use(q.session, func(c *connection) error { return borrowed(c, q, out) })
			return
		}
		err = f.fresh(q, out)
	})
	return err
}

// fresh runs the statement on a connection of its own, where nothing can stick.
func (f *front) fresh(q *request, out *response) error {
	c, err := f.engine.connect()
	if err != nil {
		return err
	}
	defer c.close()
	if err := externalTables(c, q); err != nil {
		return err
	}
	if err := apply(c, q.database, q.allSettings()); err != nil {
		return err
	}
	return execute(c, q, out)
}

func asException(err error) *exception {
	var e *exception
	if errors.As(err, &e) {
		return e
	}
	return raise(codeUnknown, "UNKNOWN_EXCEPTION", "%v", err)
}

func newQueryID() string { return uuid.NewString() }
