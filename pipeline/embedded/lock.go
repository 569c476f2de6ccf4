package embedded

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/gofrs/flock"
)

const (
	lockFile      = "lock"
	addressesFile = "addresses.json"
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
}

// HeldError says which process holds a data directory, and where it can be reached as far as it has said so.
type HeldError struct {
	Dir       string
	Addresses Addresses
}

// Error is one sentence that says what to do.
func (e *HeldError) Error() string {
	if e.Addresses.PID == 0 {
		return fmt.Sprintf("data directory %s is in use by another process that has not published its addresses yet; wait for it or stop it", e.Dir)
	}
	return fmt.Sprintf("data directory %s is in use by process %d (%s); talk to NATS at %s and ClickHouse at %s, or stop it",
		e.Dir, e.Addresses.PID, named(e.Addresses.Command), named(e.Addresses.NATS), named(e.Addresses.ClickHouse))
}

// Is makes errors.Is(err, ErrHeld) true.
func (e *HeldError) Is(target error) bool { return target == ErrHeld }

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
// where another process, or another Lock of this one, owns it the error is a [HeldError].
func LockDirectory(dir string) (*Lock, error) {
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

// ReadAddresses is what the owner of dir published last. Only while the directory is held is it current.
func ReadAddresses(dir string) (Addresses, error) {
	var a Addresses
	body, err := os.ReadFile(filepath.Join(dir, addressesFile))
	if err != nil {
		return a, fmt.Errorf("read addresses of %s: %w", dir, err)
	}
	if err := json.Unmarshal(body, &a); err != nil {
		return a, fmt.Errorf("read addresses of %s: %w", dir, err)
	}
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
