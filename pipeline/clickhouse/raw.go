package clickhouse

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// endpoint is the HTTP interface without the driver.
type endpoint struct {
	url      url.URL
	username string
	password string
	client   *http.Client
}

// newEndpoint is nil when the only address known speaks the native protocol.
func newEndpoint(cfg Config, opts *clickhouse.Options) *endpoint {
	e := &endpoint{url: url.URL{Scheme: "http", Host: cfg.Addr, Path: "/"}, username: opts.Auth.Username, password: opts.Auth.Password}
	e.client = &http.Client{Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: opts.TLS}}
	if opts.Protocol == clickhouse.HTTP {
		e.url.Host = opts.Addr[0]
		if opts.TLS != nil {
			e.url.Scheme = "https"
		}
		if opts.HttpUrlPath != "" {
			e.url.Path = opts.HttpUrlPath
		}
	}
	if e.url.Host == "" {
		return nil
	}
	return e
}

// Query runs one statement in the store's database and copies the answer to w as the server sends it, in any FORMAT
// ("" means TabSeparated; one that the statement names itself wins). readonly refuses whatever changes something. Params
// fill {name:Type} in the statement. An error of the server after the answer began leaves that beginning in w.
func (s *Store) Query(ctx context.Context, sql, format string, w io.Writer, readonly bool, params map[string]string) error {
	if s.http == nil {
		return errors.New("query: raw SQL needs addr, the HTTP interface, beside a native dsn")
	}
	if err := s.http.query(ctx, sql, s.values(format, readonly, params), w); err != nil {
		return fmt.Errorf("query: %w", err)
	}
	return nil
}

func (e *endpoint) query(ctx context.Context, sql string, values url.Values, w io.Writer) error {
	req, err := e.request(ctx, sql, values)
	if err != nil {
		return err
	}
	res, err := e.client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	return stream(w, res)
}

func (s *Store) values(format string, readonly bool, params map[string]string) url.Values {
	values := url.Values{"database": {s.config.Database}}
	if format != "" {
		values.Set("default_format", format)
	}
	if readonly {
		values.Set("readonly", "2") // reads, and settings but this one
	}
	for name, value := range params {
		values.Set("param_"+name, value)
	}
	return values
}

func (e *endpoint) request(ctx context.Context, sql string, values url.Values) (*http.Request, error) {
	u := e.url
	u.RawQuery = values.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), strings.NewReader(sql))
	if err == nil && e.username != "" {
		req.SetBasicAuth(e.username, e.password)
	}
	return req, err
}

const tailBytes = 32 << 10 // an exception in the stream is at most 16 KiB

// stream copies an answer. An exception that came too late for a status stands at the end of the answer, framed.
func stream(w io.Writer, res *http.Response) error {
	if res.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(res.Body, tailBytes))
		return errors.New(strings.TrimSpace(string(text)))
	}
	var end tail
	if _, err := io.Copy(io.MultiWriter(w, &end), res.Body); err != nil {
		return err
	}
	return end.exception(res.Header.Get("X-ClickHouse-Exception-Tag"))
}

// tail keeps the last bytes written to it.
type tail struct{ kept []byte }

func (t *tail) Write(p []byte) (int, error) {
	t.kept = append(t.kept, p...)
	if excess := len(t.kept) - tailBytes; excess > 0 {
		t.kept = append(t.kept[:0], t.kept[excess:]...)
	}
	return len(p), nil
}

// exception finds "__exception__\r\n<tag>\r\n<text>"; the tag, announced in a header, tells it from rows that look alike.
func (t *tail) exception(tag string) error {
	if tag == "" {
		return nil
	}
	_, text, found := bytes.Cut(t.kept, []byte("__exception__\r\n"+tag+"\r\n"))
	if !found {
		return nil
	}
	text, _, _ = bytes.Cut(text, []byte("\n__exception__"))
	return errors.New(strings.TrimSpace(string(text)))
}
