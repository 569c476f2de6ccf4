package embedded

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/gofrs/flock"
)

const (
	lockFile      = "lock"
	addressesFile = "addresses.json"
	// ElsewhereFile in a data directory says where the servers are that it stands for: addresses that nobody here publishes,
	// in the same words. Such a directory is always held, by those servers.
	ElsewhereFile = "elsewhere.json"
)

// ErrHeld is what a [HeldError] is: another process owns the data directory.
var ErrHeld = errors.New("data directory is in use")

// Addresses says where the owner of a data directory can be reached. An empty field is a server it does not run.
type Addresses struct {
	PID        int    `json:"pid"`        // of the owner
	NATS       string `json:"nats"`       // URL
	ClickHouse string `json:"clickhouse"` // host:port of the HTTP interface
	Ingest     string `json:"ingest"`     // URL of the HTTP door
	Command    string `json:"command"`    // the verb the owner runs
	// ClickHouseUser is the account on ClickHouse, where it asks for one.
	ClickHouseUser string `json:"clickhouse_user,omitempty"`
}

// HeldError says which process holds a data directory, and where it can be reached as far as it has said so.
type HeldError struct {
	Dir       string
	Addresses Addresses
}

// Error is one sentence that says what to do.
func (e *HeldError) Error() string {
	if e.Addresses.Command == elsewhere {
		return fmt.Sprintf("data directory %s stands for servers elsewhere (%s: NATS at %s, ClickHouse at %s): nothing can be run in it",
			e.Dir, ElsewhereFile, named(withoutAccount(e.Addresses.NATS)), named(e.Addresses.ClickHouse))
	}
	if e.Addresses.PID == 0 {
		return fmt.Sprintf("data directory %s is in use by another process that has not published its addresses yet; wait for it or stop it", e.Dir)
	}
	return fmt.Sprintf("data directory %s is in use by process %d (%s); talk to NATS at %s and ClickHouse at %s, or stop it",
		e.Dir, e.Addresses.PID, named(e.Addresses.Command), named(e.Addresses.NATS), named(e.Addresses.ClickHouse))
}

// Is makes errors.Is(err, ErrHeld) true.
func (e *HeldError) Is(target error) bool { return target == ErrHeld }

// elsewhere is the command of a deployment.
const elsewhere = "elsewhere"

// withoutAccount leaves a password out of a URL.
func withoutAccount(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "an address that is no URL"
	}
	return u.Redacted()
}

func named(s string) string {
	if s == "" {
		return "unknown"
	}
	return s
}

// Lock is the ownership of a data directory. It ends with Release or with the process, however that ends.
type Lock struct {
	dir  string
	file *flock.Flock
}

// LockDirectory makes this process the only owner of dir, which it creates (mode 0700) if need be. It does not wait:
// where another process, or another Lock of this one, owns it, or where it stands for servers elsewhere, the error is a
// [HeldError].
func LockDirectory(dir string) (*Lock, error) {
	if _, err := os.Stat(filepath.Join(dir, ElsewhereFile)); err == nil {
		return nil, held(dir)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("create data directory: %w", err)
	}
	l := &Lock{dir: dir, file: flock.New(filepath.Join(dir, lockFile), flock.SetPermissions(0o600))}
	locked, err := l.file.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock data directory %s: %w", dir, err)
	}
	if !locked {
		return nil, held(dir)
	}
	if err := l.forget(); err != nil {
		return nil, errors.Join(err, l.file.Unlock())
	}
	return l, nil
}

func held(dir string) error {
	addresses, err := ReadAddresses(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(&HeldError{Dir: dir}, err)
	}
	return &HeldError{Dir: dir, Addresses: addresses}
}

// Publish tells other processes where this one can be reached, replacing what it told before at once.
func (l *Lock) Publish(a Addresses) error {
	body, err := json.MarshalIndent(a, "", "  ")
	if err != nil {
		return fmt.Errorf("encode addresses: %w", err)
	}
	if err := replaceFile(filepath.Join(l.dir, addressesFile), append(body, '\n')); err != nil {
		return fmt.Errorf("publish addresses: %w", err)
	}
	return nil
}

// Release takes the addresses back and lets the next owner in. A second call does nothing.
func (l *Lock) Release() error {
	if !l.file.Locked() {
		return nil
	}
	err := errors.Join(l.forget(), l.file.Unlock())
	if err != nil {
		return fmt.Errorf("release data directory %s: %w", l.dir, err)
	}
	return nil
}

func (l *Lock) forget() error {
	err := os.Remove(filepath.Join(l.dir, addressesFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove stale addresses: %w", err)
	}
	return nil
}

// ReadAddresses is what the owner of dir published last, or what [ElsewhereFile] says. Only while the directory is held is it
// current.
func ReadAddresses(dir string) (Addresses, error) {
	a, err := readElsewhere(dir)
	if !errors.Is(err, fs.ErrNotExist) {
		return a, err
	}
	body, err := os.ReadFile(filepath.Join(dir, addressesFile))
	if err == nil {
		err = json.Unmarshal(body, &a)
	}
	if err != nil {
		return a, fmt.Errorf("read addresses of %s: %w", dir, err)
	}
	return a, nil
}

// readElsewhere reads what a person wrote: a word that is not known is an error, and none may be missing.
func readElsewhere(dir string) (Addresses, error) {
	file, err := os.Open(filepath.Join(dir, ElsewhereFile))
	if err != nil {
		return Addresses{}, err
	}
	defer file.Close()
	a, strict := Addresses{}, json.NewDecoder(file)
	strict.DisallowUnknownFields()
	if err := strict.Decode(&a); err != nil {
		return Addresses{}, fmt.Errorf("read %s: %w", file.Name(), err)
	}
	if a.NATS == "" || a.ClickHouse == "" || a.Ingest == "" {
		return Addresses{}, fmt.Errorf("read %s: expected nats, clickhouse and ingest", file.Name())
	}
	a.PID, a.Command = 0, elsewhere
	return a, nil
}

// replaceFile writes a file so that a reader sees the old content or the new, never a part.
func replaceFile(path string, body []byte) error {
	temp, err := os.CreateTemp(filepath.Dir(path), "."+strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))+"-*")
	if err != nil {
		return err
	}
	_, err = temp.Write(body)
	if err = errors.Join(err, temp.Close()); err == nil {
		err = os.Rename(temp.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(temp.Name()))
	}
	return nil
}
