package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rs/zerolog"

	"parcours/cmd/internal/service"
	"parcours/pipeline/event"
	"parcours/pipeline/ingest"
	"parcours/pipeline/nats"
)

// OperatorKeyFlag says where the key lies that opens what was sealed.
type OperatorKeyFlag struct {
	OperatorKey string `name:"operator-key" help:"The operator's private key; without it, operator.key of the data directory." type:"path" placeholder:"FILE"`
}

// opener reads the key; it makes none, for a new one opens nothing.
func (f OperatorKeyFlag) opener(dir string) (*ingest.Opener, error) {
	path := f.OperatorKey
	if path == "" {
		path = filepath.Join(dir, operatorKeyFile)
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, misused("%s: there is no operator key, and without the one it was sealed for no body can be opened (--operator-key FILE)", path)
	}
	return ingest.LoadOrCreateOperatorKey(path)
}

// operatorKeyFile is the name of the operator's private key in a data directory.
const operatorKeyFile = "operator.key"

// RejectedShowCommand shows one rejection.
type RejectedShowCommand struct {
	DirectoryFlags
	OperatorKeyFlag
	JSON   bool   `name:"json" help:"Print one JSON object as the last line of standard output."`
	Number uint64 `arg:"" help:"Its number, as \"parcours rejected list\" gives it."`
}

// Help is shown by --help.
func (*RejectedShowCommand) Help() string {
	return `The body is opened with the operator's key. It may hold raw identifiers of customers: it goes to standard output and nowhere
else. Of a body larger than 64 KiB the beginning is kept. What the fold set aside stands in the log, and has no body here: its
place there is shown, and the type, source and id of what stands there.

  parcours rejected show --data DIR 17`
}

// shownRejection is what show gives.
type shownRejection struct {
	listed
	Meaning    string    `json:"meaning,omitempty"` // of the reason
	Body       *string   `json:"body,omitempty"`    // as it came; binary mode: a line with the attributes, then the data
	BodyBase64 string    `json:"body_base64,omitempty"`
	Truncated  bool      `json:"truncated,omitempty"` // only the beginning of the body was kept
	Note       string    `json:"note,omitempty"`      // why there is no body
	Entry      *logEntry `json:"entry,omitempty"`     // what stands in the log at its position

	body []byte
}

// logEntry names an event of the log.
type logEntry struct {
	Type   string `json:"type"`
	Source string `json:"source,omitempty"`
	ID     string `json:"id,omitempty"`
}

// Run prints it.
func (c *RejectedShowCommand) Run(common *service.Common, s *streams) error {
	ctx, stop := service.Interruptible()
	defer stop()
	d, err := openDirectory(c.DirectoryFlags, common.Logger(zerolog.WarnLevel))
	if err != nil {
		return err
	}
	defer d.close()
	r, found, err := oneRejection(ctx, d.bus, c.Number)
	if err != nil {
		return err
	}
	if !found {
		return coded{fmt.Errorf("REJECTED holds no number %d, or no longer (what it keeps expires)", c.Number), service.Wrong}
	}
	shown, err := c.open(ctx, d.bus, &r)
	if err != nil {
		return err
	}
	if len(shown.body) > 0 {
		fmt.Fprintln(s.err, "The body on standard output may hold raw identifiers of customers: keep it to yourself.")
	}
	if c.JSON {
		return json.NewEncoder(s.out).Encode(shown)
	}
	shown.print(s.out)
	return nil
}

// open finds the body, or what stands in its place.
func (c *RejectedShowCommand) open(ctx context.Context, bus *nats.Bus, r *rejection) (*shownRejection, error) {
	shown := &shownRejection{listed: listedOf(r), Meaning: meaningOf(r.Reason).Meaning}
	if r.Position > 0 || meaningOf(r.Reason).SetAside {
		return shown, shown.find(ctx, bus)
	}
	if r.Bytes == 0 || len(r.Sealed) == 0 {
		shown.Note = noBody(r)
		return shown, nil
	}
	opener, err := c.opener(c.Data)
	if err != nil {
		return nil, err
	}
	if shown.body, err = opener.Open(r.Sealed); err != nil {
		return nil, err
	}
	if shown.Truncated = len(shown.body) < r.Bytes; utf8.Valid(shown.body) {
		text := string(shown.body)
		shown.Body = &text
	} else {
		shown.BodyBase64 = base64.StdEncoding.EncodeToString(shown.body)
	}
	return shown, nil
}

// meaningOf finds a reason in the closed list; an empty one for what an older version wrote.
func meaningOf(name string) event.Reason {
	for _, r := range event.Reasons() {
		if r.Name == name {
			return r
		}
	}
	return event.Reason{}
}

// noBody says why nothing was kept.
func noBody(r *rejection) string {
	if r.Row > 0 {
		return fmt.Sprintf("the mapping made no event of row %d of the imported file, which holds it still", r.Row)
	}
	return "no body was kept"
}

// find looks at the place in the log of what was set aside.
func (s *shownRejection) find(ctx context.Context, bus *nats.Bus) error {
	if s.Position == 0 {
		s.Note = "it stands in the log, and its position was not kept"
		return nil
	}
	s.Note = fmt.Sprintf("it stands in the log at position %d", s.Position)
	m, err := firstMessage(ctx, s.Position, bus.Read)
	if err != nil {
		return err
	}
	if m == nil || m.Position != s.Position {
		s.Note += ", which holds nothing any more"
		return nil
	}
	s.Entry = &logEntry{Type: m.Type}
	if e, err := event.DecodeLog(m.Body); err == nil {
		s.Entry = &logEntry{Type: e.Type, Source: e.Source, ID: e.ID}
	}
	return nil
}

func (s *shownRejection) print(out io.Writer) {
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(out, "%-9s %s\n", name, printable(value))
		}
	}
	line("number", fmt.Sprint(s.Number))
	line("seen at", s.SeenAt)
	line("reason", strings.TrimSpace(s.Reason+"  "+s.Meaning))
	line("source", s.Source)
	line("field", s.Field)
	line("expected", s.Expected)
	line("where", s.where())
	line("bytes", fmt.Sprint(s.Bytes))
	line("sha256", s.SHA256)
	line("note", s.Note)
	if s.Entry != nil {
		line("type", s.Entry.Type)
		line("source", s.Entry.Source)
		line("id", s.Entry.ID)
	}
	if len(s.body) > 0 {
		fmt.Fprintf(out, "\n%s\n", printable(string(s.body)))
	}
	if s.Truncated {
		fmt.Fprintf(out, "\n(truncated: the first %d of %d bytes were kept)\n", len(s.body), s.Bytes)
	}
}

// printable keeps what a terminal would take for a command from it.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || unicode.IsPrint(r) {
			return r
		}
		return utf8.RuneError
	}, text)
}
