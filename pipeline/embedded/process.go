package embedded

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"
)

// process is one life of the child, seen from the parent.
type process struct {
	command *exec.Cmd
	input   io.WriteCloser // the child ends when this does
	status  *os.File       // where it says that it is ready, or why not
	output  *logWriter
	exited  chan struct{}
	err     error // of the exit, once exited is closed
}

// startProcess runs this binary again as the ClickHouse child. What it needs goes over its standard input, which stays
// open as long as the parent lives.
func startProcess(cfg childConfig, listener *os.File, log zerolog.Logger) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this binary: %w", err)
	}
	status, statusChild, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("open a pipe to the child: %w", err)
	}
	defer statusChild.Close()
	p := &process{command: exec.Command(self, childArgument), status: status, output: &logWriter{log: log}, exited: make(chan struct{})}
	p.command.Dir = filepath.Dir(cfg.Path)
	p.command.ExtraFiles = []*os.File{listener, statusChild}
	p.command.Stdout, p.command.Stderr = p.output, p.output
	if p.input, err = p.command.StdinPipe(); err != nil {
		return nil, fmt.Errorf("open a pipe to the child: %w", err)
	}
	if err := p.command.Start(); err != nil {
		return nil, fmt.Errorf("start the child: %w", err)
	}
	go p.reap()
	if err := json.NewEncoder(p.input).Encode(cfg); err != nil {
		p.kill()
		return nil, fmt.Errorf("configure the child: %w", err)
	}
	return p, nil
}

func (p *process) reap() {
	p.err = p.command.Wait()
	p.output.flush()
	close(p.exited)
}

func (p *process) pid() int { return p.command.Process.Pid }

func (p *process) ended() bool {
	select {
	case <-p.exited:
		return true
	default:
		return false
	}
}

// ready waits until the child serves. If it does not, the error is what the child said, or what the engine printed.
func (p *process) ready(ctx context.Context) error {
	defer p.status.Close()
	said := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(p.status).ReadString('\n')
		said <- strings.TrimSpace(line)
	}()
	select {
	case line := <-said:
		return p.judge(line)
	case <-ctx.Done():
		return fmt.Errorf("wait for the child: %w", ctx.Err())
	}
}

func (p *process) judge(line string) error {
	switch line {
	case childReady:
		return nil
	case "":
		<-p.exited
		return fmt.Errorf("the child ended before it was ready (%w); does main call embedded.RunChild first? It printed: %q", p.err, p.output.tail())
	}
	if printed := p.output.tail(); printed != "" {
		return fmt.Errorf("%s; it printed: %s", line, printed)
	}
	return errors.New(line)
}

// wait returns when the child has ended.
func (p *process) wait() error {
	<-p.exited
	if p.err == nil {
		return errors.New("the child ended by itself")
	}
	return p.err
}

// stop asks the child to end and kills it if it has not after a while.
func (p *process) stop(patience time.Duration) {
	_ = p.input.Close()
	select {
	case <-p.exited:
	case <-time.After(patience):
		p.kill()
	}
}

func (p *process) kill() {
	_ = p.command.Process.Kill()
	_ = p.input.Close()
	<-p.exited
}

// logWriter passes lines the child prints on to the log. The child's own come as JSON; what the engine prints on its
// way down is text.
type logWriter struct {
	log zerolog.Logger

	mu   sync.Mutex
	rest []byte
	last []string
}

const tailLines = 5

// Write never fails: losing a line of log must not end the child.
func (w *logWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rest = append(w.rest, p...)
	for {
		line, rest, found := bytes.Cut(w.rest, []byte("\n"))
		if !found {
			return len(p), nil
		}
		w.line(string(line))
		w.rest = rest
	}
}

func (w *logWriter) flush() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.rest) > 0 {
		w.line(string(w.rest))
		w.rest = nil
	}
}

func (w *logWriter) line(line string) {
	var entry struct{ Level, Message, Error string }
	if json.Unmarshal([]byte(line), &entry) == nil && entry.Message != "" {
		level, _ := zerolog.ParseLevel(entry.Level)
		w.log.WithLevel(level).Str("error", entry.Error).Msg(entry.Message)
		return
	}
	if line = strings.TrimSpace(line); line == "" {
		return
	}
	w.last = append(w.last, line)
	if len(w.last) > tailLines {
		w.last = w.last[1:]
	}
	w.log.Warn().Msg(line)
}

// tail is the last the engine printed.
func (w *logWriter) tail() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(w.last, " | ")
}
