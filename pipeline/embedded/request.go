package embedded

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"sort"
	"strconv"
	"strings"
	"time"
)

const (
	maxHead      = 1 << 20   // of a body, in which the statement must give way to its rows
	maxText      = 256 << 20 // of a statement with its rows inside, which is held in memory
	maxMultipart = 256 << 20 // of all external tables together
)

// request is what a client asks of the HTTP interface.
type request struct {
	queryID  string
	text     statement
	inURL    string // the statement, or its beginning, as far as the URL holds it
	body     *body  // the rest of it, and rows
	database string
	format   string // for results of statements that name none
	revision uint64 // of the protocol, that Native is written for; 0 if the client names none

	settings settings
	params   parameters
	readonly string // "", "1" or "2"
	session  sessionRequest
	external []externalTable

	compressBlocks bool   // compress=1: results in ClickHouse's own compressed blocks
	blockMethod    string // network_compression_method
	encoding       string // Content-Encoding of results
	wholeResult    bool   // wait_end_of_query=1
}

// settings are names and values in the order of their names.
type settings [][2]string

// sessionRequest is what the client wants of a session.
type sessionRequest struct {
	id      string
	timeout time.Duration
	check   bool // the session must exist
	close   bool // after this request
}

type externalTable struct {
	name, structure, format string
	rows                    []byte
}

// allSettings are the client's, then readonly, which must come last.
func (q *request) allSettings() settings {
	if q.readonly == "" {
		return q.settings
	}
	return append(q.settings[:len(q.settings):len(q.settings)], [2]string{"readonly", q.readonly})
}

// readRequest reads everything but the body.
func readRequest(r *http.Request, compressByDefault bool) (*request, error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, raise(codeBadArguments, "BAD_ARGUMENTS", "The query string of the URL is malformed")
	}
	if err := authenticate(r, values); err != nil {
		return nil, err
	}
	q := &request{
		queryID: orElse(values.Get("query_id"), newQueryID()), inURL: values.Get("query"),
		database: orElse(values.Get("database"), r.Header.Get("X-ClickHouse-Database")),
		format:   orElse(orElse(values.Get("default_format"), r.Header.Get("X-ClickHouse-Format")), "TabSeparated"),
	}
	q.revision, _ = strconv.ParseUint(values.Get("client_protocol_version"), 10, 64)
	if err := q.readSession(values); err != nil {
		return nil, err
	}
	if q.body, err = openBody(r, enabled(values.Get("decompress"))); err != nil {
		return nil, err
	}
	if err := q.readExternal(r, values); err != nil {
		return nil, err
	}
	q.readCompression(r, values, compressByDefault)
	return q, q.readSettings(r.Method, values)
}

func enabled(value string) bool { return value == "1" || strings.EqualFold(value, "true") }

// authenticate lets in the user default without a password, which is all this server has.
func authenticate(r *http.Request, values url.Values) error {
	user, password, basic := r.BasicAuth()
	if !basic {
		user = orElse(r.Header.Get("X-ClickHouse-User"), values.Get("user"))
		password = orElse(r.Header.Get("X-ClickHouse-Key"), values.Get("password"))
	}
	if orElse(user, "default") == "default" && password == "" {
		return nil
	}
	return raise(codeAuthenticationFailed, "AUTHENTICATION_FAILED",
		"%s: Authentication failed: password is incorrect, or there is no user with such name", orElse(user, "default"))
}

const (
	defaultSessionTimeout = 60 * time.Second
	maxSessionTimeout     = 3600 * time.Second
)

func (q *request) readSession(values url.Values) error {
	q.session = sessionRequest{
		id: values.Get("session_id"), timeout: defaultSessionTimeout,
		check: enabled(values.Get("session_check")), close: enabled(values.Get("close_session")),
	}
	text := values.Get("session_timeout")
	if text == "" {
		return nil
	}
	seconds, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		return raise(codeBadArguments, "BAD_ARGUMENTS", "Invalid session timeout: '%s'", text)
	}
	q.session.timeout = min(time.Duration(seconds)*time.Second, maxSessionTimeout)
	if q.session.timeout != time.Duration(seconds)*time.Second {
		return raise(codeBadArguments, "BAD_ARGUMENTS", "Session timeout '%s' is larger than max_session_timeout: %.0f", text, maxSessionTimeout.Seconds())
	}
	return nil
}

func (q *request) readCompression(r *http.Request, values url.Values, byDefault bool) {
	q.compressBlocks = enabled(values.Get("compress"))
	q.blockMethod = values.Get("network_compression_method")
	q.wholeResult = enabled(values.Get("wait_end_of_query"))
	if wanted := values.Get("enable_http_compression"); wanted != "" {
		byDefault = enabled(wanted)
	}
	if byDefault && !q.compressBlocks {
		q.encoding = acceptedEncoding(r.Header.Values("Accept-Encoding"))
	}
}

// notASetting tells the parameters of the HTTP interface from settings.
func notASetting(name string) bool {
	switch name {
	case "query", "query_id", "database", "default_format", "user", "password", "quota_key", "role", "stacktrace",
		"compress", "decompress", "buffer_size", "wait_end_of_query", "client_protocol_version",
		"session_id", "session_timeout", "session_check", "close_session", "readonly":
		return true
	}
	return false
}

// readSettings sorts the rest of the URL into parameters and settings. As on a server, GET implies readonly.
func (q *request) readSettings(method string, values url.Values) error {
	for key := range values {
		value := values.Get(key)
		switch {
		case notASetting(key), q.describesExternal(key):
		case strings.HasPrefix(key, "param_"):
			q.params = append(q.params, parameter{name: strings.TrimPrefix(key, "param_"), value: value})
		case !settingName(key):
			return raise(codeUnknownSetting, "UNKNOWN_SETTING", "Unknown setting '%s'", key)
		default:
			q.settings = append(q.settings, [2]string{key, value})
		}
	}
	sort.Slice(q.settings, func(i, j int) bool { return q.settings[i][0] < q.settings[j][0] })
	switch readonly := values.Get("readonly"); {
	case readonly == "1" || readonly == "2":
		q.readonly = readonly
	case readonly != "" && readonly != "0":
		return raise(codeBadArguments, "BAD_ARGUMENTS", "Invalid value of readonly: '%s'", readonly)
	case method != http.MethodPost:
		q.readonly = "2"
	}
	return nil
}

// settingName tells what can be the name of a setting and nothing else in a statement.
func settingName(s string) bool {
	for i := range len(s) {
		if c := s[i]; c >= 0x80 || !wordByte(c) && c != '.' {
			return false
		}
	}
	return s != "" && (s[0] < '0' || s[0] > '9')
}

// readExternal reads the tables a multipart body brings along; its field "query" is the statement.
func (q *request) readExternal(r *http.Request, values url.Values) error {
	kind, options, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if form := err == nil && kind == "multipart/form-data"; !form {
		return nil
	}
	parts := multipart.NewReader(io.LimitReader(q.body, maxMultipart), options["boundary"])
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return raise(codeBadArguments, "BAD_ARGUMENTS", "The multipart body is malformed: %v", err)
		}
		content, err := io.ReadAll(part)
		if err != nil {
			return raise(codeBadArguments, "BAD_ARGUMENTS", "The multipart body is malformed: %v", err)
		}
		q.addPart(part.FormName(), content, values)
	}
}

func (q *request) addPart(name string, content []byte, values url.Values) {
	if name == "query" {
		q.inURL += string(content)
		return
	}
	structure := values.Get(name + "_structure")
	if types := values.Get(name + "_types"); structure == "" && types != "" {
		structure = numbered(types)
	}
	q.external = append(q.external, externalTable{
		name: name, structure: structure, format: orElse(values.Get(name+"_format"), "TabSeparated"), rows: content,
	})
}

// numbered names columns that come without names _1, _2, ... as ClickHouse does.
func numbered(types string) string {
	columns := strings.Split(types, ",")
	for i := range columns {
		columns[i] = fmt.Sprintf("_%d %s", i+1, strings.TrimSpace(columns[i]))
	}
	return strings.Join(columns, ", ")
}

func (q *request) describesExternal(key string) bool {
	for _, table := range q.external {
		if key == table.name+"_structure" || key == table.name+"_format" || key == table.name+"_types" {
			return true
		}
	}
	return false
}

// readStatement finds the statement in URL and body. Where rows follow it they stay in the body, to be streamed.
func readStatement(q *request) (statement, error) {
	head := []byte(q.inURL)
	if len(head) > 0 {
		head = append(head, '\n')
		if st, err := parseStatement(q.inURL); err == nil && st.kind == insertRows {
			return q.rowsFollow(st), nil
		}
	}
	more, err := io.ReadAll(io.LimitReader(q.body, maxHead))
	if err != nil {
		return statement{}, badBody(err)
	}
	head = append(head, more...)
	if len(more) == maxHead {
		if st, err := parseStatement(string(head)); err == nil && st.kind == insertRows {
			return q.rowsFollow(st), nil
		}
		if head, err = q.restOfBody(head); err != nil {
			return statement{}, err
		}
	}
	return q.complete(head)
}

func (q *request) complete(text []byte) (statement, error) {
	if s := (scanner{sql: string(text)}); s.next().end() {
		return statement{}, raise(codeSyntaxError, "SYNTAX_ERROR", "Syntax error: failed at position 1 (end of query): Empty query")
	}
	st, err := parseStatement(string(text))
	if err != nil || st.kind == plain {
		st.text = strings.TrimRight(st.text, " \t\r\n")
		return st, err
	}
	if st.kind == insertRows {
		return q.rowsFollow(st), nil
	}
	return st, nil
}

// rowsFollow puts rows that came with the statement before those still in the body.
func (q *request) rowsFollow(st statement) statement {
	q.body.unread(st.rows)
	st.rows = ""
	return st
}

func (q *request) restOfBody(head []byte) ([]byte, error) {
	rest, err := io.ReadAll(io.LimitReader(q.body, maxText-maxHead+1))
	if err != nil {
		return nil, badBody(err)
	}
	if len(rest) > maxText-maxHead {
		return nil, raise(codeRequestTooLarge, "TOO_MANY_BYTES", "The statement is longer than %d bytes; send rows as INSERT ... FORMAT", maxText)
	}
	return append(head, rest...), nil
}

func badBody(err error) error {
	return raise(codeBadArguments, "BAD_ARGUMENTS", "Cannot read the request body: %v", err)
}
