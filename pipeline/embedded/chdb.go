package embedded

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"unsafe"

	"github.com/ebitengine/purego"
)

// library is libchdb's C interface. The functions that end in N take lengths, so that statements and rows may hold
// any byte.
type library struct {
	setSignalHandlers func(enabled int32)
	connect           func(argc int32, argv unsafe.Pointer) unsafe.Pointer
	closeConnection   func(conn unsafe.Pointer)

	query       func(conn, query unsafe.Pointer, queryLen uint64, format unsafe.Pointer, formatLen uint64, names, nameLens, values, valueLens unsafe.Pointer, count uint64) unsafe.Pointer
	stream      func(conn, query unsafe.Pointer, queryLen uint64, format unsafe.Pointer, formatLen uint64, names, nameLens, values, valueLens unsafe.Pointer, count uint64) unsafe.Pointer
	fetch       func(conn, stream unsafe.Pointer) unsafe.Pointer
	cancelQuery func(conn, stream unsafe.Pointer)

	insert        func(conn, query unsafe.Pointer, queryLen uint64, format unsafe.Pointer, formatLen uint64, names, nameLens, values, valueLens unsafe.Pointer, count uint64) unsafe.Pointer
	insertError   func(stream unsafe.Pointer) string
	insertAppend  func(stream, data unsafe.Pointer, length uint64) int32
	insertDone    func(stream unsafe.Pointer) unsafe.Pointer
	insertCancel  func(stream unsafe.Pointer)
	insertDestroy func(stream unsafe.Pointer)

	resultError        func(result unsafe.Pointer) string
	resultBuffer       func(result unsafe.Pointer) unsafe.Pointer
	resultLength       func(result unsafe.Pointer) uint64
	resultRowsRead     func(result unsafe.Pointer) uint64
	resultBytesRead    func(result unsafe.Pointer) uint64
	resultRowsWritten  func(result unsafe.Pointer) uint64
	resultBytesWritten func(result unsafe.Pointer) uint64
	resultDestroy      func(result unsafe.Pointer)

	classify func(conn, query unsafe.Pointer, queryLen uint64, database unsafe.Pointer, databaseLen uint64, analysis unsafe.Pointer) int32
}

func (l *library) symbols() map[string]any {
	return map[string]any{
		"chdb_set_signal_handlers_enabled": &l.setSignalHandlers,
		"chdb_connect":                     &l.connect,
		"chdb_close_conn":                  &l.closeConnection,
		"chdb_query_with_params_n":         &l.query,
		"chdb_stream_query_with_params_n":  &l.stream,
		"chdb_stream_fetch_result":         &l.fetch,
		"chdb_stream_cancel_query":         &l.cancelQuery,
		"chdb_stream_insert_with_params_n": &l.insert,
		"chdb_stream_insert_error":         &l.insertError,
		"chdb_stream_append":               &l.insertAppend,
		"chdb_stream_done":                 &l.insertDone,
		"chdb_stream_cancel_insert":        &l.insertCancel,
		"chdb_destroy_insert_stream":       &l.insertDestroy,
		"chdb_result_error":                &l.resultError,
		"chdb_result_buffer":               &l.resultBuffer,
		"chdb_result_length":               &l.resultLength,
		"chdb_result_storage_rows_read":    &l.resultRowsRead,
		"chdb_result_storage_bytes_read":   &l.resultBytesRead,
		"chdb_result_rows_written":         &l.resultRowsWritten,
		"chdb_result_bytes_written":        &l.resultBytesWritten,
		"chdb_destroy_query_result":        &l.resultDestroy,
		"chdb_classify_query_n":            &l.classify,
	}
}

// loadLibrary loads libchdb and keeps it from installing signal handlers, which are the Go runtime's.
func loadLibrary(path string) (*library, error) {
	if _, err := os.Stat(path); err != nil { // opening "" or a directory succeeds in surprising ways
		return nil, fmt.Errorf("load libchdb: %w", err)
	}
	handle, err := purego.Dlopen(path, purego.RTLD_NOW|purego.RTLD_GLOBAL)
	if err != nil {
		return nil, fmt.Errorf("load libchdb: %w", err)
	}
	l := &library{}
	for name, function := range l.symbols() {
		symbol, err := purego.Dlsym(handle, name)
		if err != nil {
			return nil, fmt.Errorf("load libchdb from %s: it is not release %s or newer: %w", path, libraryVersion, err)
		}
		purego.RegisterFunc(function, symbol)
	}
	l.setSignalHandlers(0)
	return l, nil
}

// connection runs one statement at a time. It is not safe for concurrent use.
type connection struct {
	lib       *library
	arguments []string
	handle    unsafe.Pointer // what connect returned, wanted back by close
	conn      unsafe.Pointer // what it points to, wanted by everything else
}

var errConnect = errors.New("libchdb refused the connection; its own log says why")

// open connects. The first connection of a process starts the engine with these arguments; the engine stops with the
// last.
func (l *library) open(arguments ...string) (*connection, error) {
	var pins runtime.Pinner
	defer pins.Unpin()
	argv := make([]unsafe.Pointer, 0, len(arguments)+1)
	for _, argument := range append([]string{"clickhouse"}, arguments...) {
		text := append([]byte(argument), 0)
		pins.Pin(&text[0])
		argv = append(argv, unsafe.Pointer(&text[0]))
	}
	pins.Pin(&argv[0])
	handle := l.connect(int32(len(argv)), unsafe.Pointer(&argv[0]))
	if handle == nil {
		return nil, errConnect
	}
	return &connection{lib: l, arguments: arguments, handle: handle, conn: *(*unsafe.Pointer)(handle)}, nil
}

// another opens a connection to the same engine that has nothing of this one.
func (c *connection) another() (*connection, error) { return c.lib.open(c.arguments...) }

func (c *connection) close() { c.lib.closeConnection(c.handle) }

// parameters are values for the {name:Type} placeholders of one statement.
type parameters []parameter

type parameter struct{ name, value string }

// call is a statement with its format and parameters as C sees them, valid until release.
type call struct {
	pins                               runtime.Pinner
	query, format                      unsafe.Pointer
	queryLen, formatLen                uint64
	names, nameLens, values, valueLens unsafe.Pointer
	count                              uint64
}

func newCall(query, format string, params parameters) *call {
	c := &call{queryLen: uint64(len(query)), formatLen: uint64(len(format)), count: uint64(len(params))}
	c.query, c.format = c.text(query), c.text(format)
	if len(params) == 0 {
		return c
	}
	names, nameLens := make([]unsafe.Pointer, len(params)), make([]uint64, len(params))
	values, valueLens := make([]unsafe.Pointer, len(params)), make([]uint64, len(params))
	for i, p := range params {
		names[i], nameLens[i] = c.text(p.name), uint64(len(p.name))
		values[i], valueLens[i] = c.text(p.value), uint64(len(p.value))
	}
	c.names, c.values = pinned(&c.pins, names), pinned(&c.pins, values)
	c.nameLens, c.valueLens = pinned(&c.pins, nameLens), pinned(&c.pins, valueLens)
	return c
}

// text is a copy of s with a zero behind it: the library wants a pointer even to nothing.
func (c *call) text(s string) unsafe.Pointer {
	return pinned(&c.pins, append([]byte(s), 0))
}

func pinned[T any](pins *runtime.Pinner, s []T) unsafe.Pointer {
	pins.Pin(&s[0])
	return unsafe.Pointer(&s[0])
}

func (c *call) release() { c.pins.Unpin() }

// result is a whole result, or one chunk of a streamed one.
type result struct {
	lib *library
	ptr unsafe.Pointer
}

// err is the exception the statement ended with.
func (r *result) err() error {
	if message := r.lib.resultError(r.ptr); message != "" {
		return newException(message)
	}
	return nil
}

// bytes is the formatted result, valid until release.
func (r *result) bytes() []byte {
	n := r.lib.resultLength(r.ptr)
	buffer := r.lib.resultBuffer(r.ptr)
	if n == 0 || buffer == nil {
		return nil
	}
	return unsafe.Slice((*byte)(buffer), n)
}

func (r *result) summary() summary {
	return summary{
		readRows: r.lib.resultRowsRead(r.ptr), readBytes: r.lib.resultBytesRead(r.ptr),
		writtenRows: r.lib.resultRowsWritten(r.ptr), writtenBytes: r.lib.resultBytesWritten(r.ptr),
	}
}

func (r *result) release() { r.lib.resultDestroy(r.ptr) }

// query runs a statement to its end. The caller releases the result unless there is an error.
func (c *connection) query(query, format string, params parameters) (*result, error) {
	call := newCall(query, format, params)
	defer call.release()
	r := &result{lib: c.lib, ptr: c.lib.query(c.conn, call.query, call.queryLen, call.format, call.formatLen,
		call.names, call.nameLens, call.values, call.valueLens, call.count)}
	if err := r.err(); err != nil {
		r.release()
		return nil, err
	}
	return r, nil
}

// run is a query whose result does not matter.
func (c *connection) run(query string) error {
	r, err := c.query(query, "Null", nil)
	if err != nil {
		return err
	}
	r.release()
	return nil
}

// text is the result of a query as TabSeparated.
func (c *connection) text(query string) (string, error) {
	r, err := c.query(query, "TabSeparated", nil)
	if err != nil {
		return "", err
	}
	defer r.release()
	return string(r.bytes()), nil
}

// resultStream is a result in chunks, each a document of its own in the format asked for.
type resultStream struct {
	conn   *connection
	stream result
}

// stream starts a statement that returns rows. Statements that return none fail with streamingUnsupported and have
// done nothing.
func (c *connection) stream(query, format string, params parameters) (*resultStream, error) {
	call := newCall(query, format, params)
	defer call.release()
	s := &resultStream{conn: c, stream: result{lib: c.lib, ptr: c.lib.stream(c.conn, call.query, call.queryLen, call.format, call.formatLen,
		call.names, call.nameLens, call.values, call.valueLens, call.count)}}
	if err := s.stream.err(); err != nil {
		s.stream.release()
		return nil, err
	}
	return s, nil
}

// next is the next chunk, which the caller releases, or nil at the end.
func (s *resultStream) next() (*result, error) {
	r := &result{lib: s.conn.lib, ptr: s.conn.lib.fetch(s.conn.conn, s.stream.ptr)}
	if err := r.err(); err != nil {
		r.release()
		return nil, err
	}
	if len(r.bytes()) == 0 {
		r.release()
		return nil, nil
	}
	return r, nil
}

// close stops the statement if it still runs.
func (s *resultStream) close() {
	s.conn.lib.cancelQuery(s.conn.conn, s.stream.ptr)
	s.stream.release()
}

// insertStream takes rows in pieces cut anywhere.
type insertStream struct {
	conn   *connection
	stream unsafe.Pointer
}

// insert starts an INSERT given without its rows and its FORMAT clause.
func (c *connection) insert(query, format string, params parameters) (*insertStream, error) {
	call := newCall(query, format, params)
	defer call.release()
	s := &insertStream{conn: c, stream: c.lib.insert(c.conn, call.query, call.queryLen, call.format, call.formatLen,
		call.names, call.nameLens, call.values, call.valueLens, call.count)}
	if message := c.lib.insertError(s.stream); message != "" {
		s.close()
		return nil, newException(message)
	}
	return s, nil
}

// Write appends rows, and waits while the engine is behind. A failure says so only at done.
func (s *insertStream) Write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	var pins runtime.Pinner
	defer pins.Unpin()
	if s.conn.lib.insertAppend(s.stream, pinned(&pins, p), uint64(len(p))) != 0 {
		return 0, errInsertStopped
	}
	return len(p), nil
}

var errInsertStopped = errors.New("the engine stopped taking rows")

// done ends the rows and waits until they are in.
func (s *insertStream) done() (summary, error) {
	r := &result{lib: s.conn.lib, ptr: s.conn.lib.insertDone(s.stream)}
	defer r.release()
	if err := r.err(); err != nil {
		return summary{}, err
	}
	return r.summary(), nil
}

// cancel gives up: rows the engine has already written stay, as on a server.
func (s *insertStream) cancel() { s.conn.lib.insertCancel(s.stream) }

func (s *insertStream) close() { s.conn.lib.insertDestroy(s.stream) }

// analysis is what a statement would do, said by the engine's own parser. A statement that does not parse has none.
type analysis struct {
	size       uint32
	statements uint32
	flags      uint32
	class      uint32
}

// classReadOnly is the class of statements that leave no trace.
const classReadOnly = 0

func (c *connection) analyse(query string) analysis {
	call := newCall(query, "", nil)
	defer call.release()
	a := analysis{size: uint32(unsafe.Sizeof(analysis{})), class: ^uint32(0)}
	call.pins.Pin(&a)
	c.lib.classify(c.conn, call.query, call.queryLen, nil, 0, unsafe.Pointer(&a))
	return a
}
