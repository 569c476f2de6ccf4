package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// job is one import of one file with one mapping, and how far it has come: a file in the data directory, so that an
// interrupted import goes on where it stopped.
type job struct {
	path     string
	Sent     int    `json:"sent"`     // rows sent and answered for, in the order of sending
	Position uint64 `json:"position"` // where the log ended then
	Done     bool   `json:"done"`
	result   imported
}

// openJob finds the job by the content of the file and of the mapping.
func openJob(dir, file, mapping string, sorted bool) (*job, error) {
	sum, err := contentOf(file, mapping)
	if err != nil {
		return nil, err
	}
	if sorted {
		sum += "-sorted"
	}
	folder := filepath.Join(dir, "imports")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	j := &job{path: filepath.Join(folder, sum+".json")}
	raw, err := os.ReadFile(j.path)
	if errors.Is(err, fs.ErrNotExist) {
		return j, nil
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(raw, j); err != nil {
		return nil, fmt.Errorf("%s: %w", j.path, err)
	}
	return j, nil
}

// contentOf is the hash of both files.
func contentOf(names ...string) (string, error) {
	h := sha256.New()
	for _, name := range names {
		if name == "" {
			continue
		}
		file, err := os.Open(name)
		if err != nil {
			return "", err
		}
		_, err = io.Copy(h, file)
		_ = file.Close() // it was only read
		if err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:16]), nil
}

// trust begins again where the log is shorter than it was when rows were answered for: a power cut has cost it some. What is
// still there counts as a copy.
func (j *job) trust(ctx context.Context, to target) error {
	head, err := to.head(ctx)
	if err != nil {
		return err
	}
	if head < j.Position {
		j.Sent, j.Done = 0, false
	}
	return nil
}

// save writes how far the job has come, in one rename.
func (j *job) save() error {
	raw, err := json.Marshal(j)
	if err != nil {
		return err
	}
	if err := os.WriteFile(j.path+".new", raw, 0o600); err != nil {
		return err
	}
	return os.Rename(j.path+".new", j.path)
}

// run sends the rows not sent yet, a batch at a time.
func (j *job) run(ctx context.Context, rows rowSource, to target, bar *progress) error {
	batch := make([]row, 0, sendBatch)
	var failed error
	rows(func(r row, err error) bool {
		if failed = err; err != nil {
			return false
		}
		if j.result.Rows++; j.result.Rows <= j.Sent {
			j.result.Skipped++
			return true
		}
		r.body = append([]byte(nil), r.body...)
		if batch = append(batch, r); len(batch) == sendBatch {
			failed = j.send(ctx, batch, to)
			batch = batch[:0]
			bar.at(j.result.Rows, 0)
		}
		return failed == nil
	})
	if failed == nil {
		failed = j.send(ctx, batch, to)
	}
	if failed != nil {
		return failed
	}
	j.Done = true
	return j.save()
}

// send sends one batch and notes that it is answered for.
func (j *job) send(ctx context.Context, batch []row, to target) error {
	if err := ctx.Err(); err != nil || len(batch) == 0 {
		return err
	}
	sent, err := to.send(ctx, batch)
	if err != nil {
		return err
	}
	j.result.Accepted += sent.accepted
	j.result.Duplicates += sent.duplicates
	j.result.Refused += sent.refused
	if j.Sent == 0 && len(batch) == sendBatch && sent.refused == len(batch) {
		return fmt.Errorf("the first %d rows were all refused: is this the right --format and --mapping? (parcours sql --data DIR "+
			"\"SELECT reason, field, expected, count() FROM cx.rejected_v GROUP BY ALL\" says why)", len(batch))
	}
	j.Sent += len(batch)
	if j.Position, err = to.head(ctx); err != nil {
		return err
	}
	return j.save()
}
