package embedded

import (
	"errors"
	"sync"
	"time"
)

// sessions are connections that outlive a request, each with what its client made stick to it: temporary tables, SET,
// USE. A session ends when nobody used it for its timeout.
type sessions struct {
	engine *engine
	limit  int

	mu   sync.Mutex
	byID map[string]*session
}

type session struct {
	conn  *connection
	busy  bool
	timer *time.Timer
}

func newSessions(engine *engine, limit int) *sessions {
	return &sessions{engine: engine, limit: limit, byID: map[string]*session{}}
}

// use runs f on the connection of a session, which nobody else may use meanwhile.
func (s *sessions) use(request sessionRequest, f func(*connection) error) (err error) {
	one, err := s.take(request)
	if err != nil {
		return err
	}
	defer func() {
		request.close = request.close || errors.Is(err, errSpoiled)
		s.put(request, one)
	}()
	return f(one.conn)
}

// errSpoiled marks a failure after which the connection of a session is no longer what its client made of it. Such a
// session ends: a lost session is noticed, a wrong setting is not.
var errSpoiled = errors.New("the session could not be restored and has ended")

func (s *sessions) take(request sessionRequest) (*session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	one, found := s.byID[request.id]
	switch {
	case found && one.busy:
		return nil, raise(codeSessionLocked, "SESSION_IS_LOCKED", "Session %s is locked by a concurrent client", request.id)
	case found:
		one.timer.Stop()
		one.busy = true
		return one, nil
	case request.check:
		return nil, raise(codeSessionNotFound, "SESSION_NOT_FOUND", "Session %s not found", request.id)
	case len(s.byID) >= s.limit:
		return nil, raise(codeTooManySessions, "TOO_MANY_SESSIONS", "There are %d sessions already; close one with close_session=1 or let it expire", s.limit)
	}
	return s.open(request.id)
}

func (s *sessions) open(id string) (*session, error) {
	conn, err := s.engine.connect()
	if err != nil {
		return nil, err
	}
	one := &session{conn: conn, busy: true}
	s.byID[id] = one
	return one, nil
}

func (s *sessions) put(request sessionRequest, one *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	one.busy = false
	if request.close || request.timeout == 0 {
		s.end(request.id, one)
		return
	}
	one.timer = time.AfterFunc(request.timeout, func() { s.expire(request.id, one) })
}

func (s *sessions) expire(id string, one *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !one.busy && s.byID[id] == one {
		s.end(id, one)
	}
}

func (s *sessions) end(id string, one *session) {
	delete(s.byID, id)
	one.conn.close()
}

// close ends all sessions. None may be in use.
func (s *sessions) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, one := range s.byID {
		if one.timer != nil {
			one.timer.Stop()
		}
		s.end(id, one)
	}
}

// borrowed runs a request on the connection of a session and gives that back as it was, but for what the statement
// itself did. A session's connection cannot be made readonly for a while: nothing may lift that again. So the engine's
// parser says whether the statement would write.
func borrowed(c *connection, q *request, out *response) (err error) {
	if a := c.analyse(q.text.text); q.readonly != "" && a.class != classReadOnly && a.statements > 0 && !sessionOnly(q.text.text) {
		return raise(codeReadonly, "READONLY", "default: Cannot execute query in readonly mode. For queries over HTTP, method GET implies readonly. You should use method POST for modifying queries")
	}
	if err := externalTables(c, q); err != nil {
		return err
	}
	undo, err := applied(c, q.database, q.settings)
	if err != nil {
		return err
	}
	defer func() {
		if failed := undo(); failed != nil {
			err = errors.Join(err, failed, errSpoiled)
		}
	}()
	return execute(c, q, out)
}

// sessionOnly tells statements that change nothing but the session.
func sessionOnly(sql string) bool {
	s := scanner{sql: sql}
	first := s.next()
	return first.is("SET") || first.is("USE")
}
