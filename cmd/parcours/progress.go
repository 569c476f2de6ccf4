package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/schollz/progressbar/v3"

	"parcours/cmd/internal/service"
)

// progress shows how far long work has come: a bar on a terminal, else a line every ten seconds, also while nothing is
// reported.
type progress struct {
	out   io.Writer
	name  string
	unit  string             // of what is counted; "" where the work only takes time
	file  *fileRead          // of which the work is, if it is of one
	ask   func() (n, of int) // how far it is, where nobody reports it; nil for none
	began time.Time

	mu    sync.Mutex
	n, of int
	bar   *progressbar.ProgressBar
	stop  chan struct{} // nil on a terminal
	ended chan struct{}
}

// progressEvery is how often a line comes where there is no terminal.
const progressEvery = 10 * time.Second

// newProgress begins to show work; done ends it.
func newProgress(out io.Writer, name, unit string) *progress {
	return beginProgress(&progress{out: out, name: name, unit: unit}, progressEvery)
}

// newFileProgress begins to show work on what is read from a file.
func newFileProgress(out io.Writer, name, unit string, file *fileRead) *progress {
	return beginProgress(&progress{out: out, name: name, unit: unit, file: file}, progressEvery)
}

// newWait shows that something is waited for; ask says how far it is.
func newWait(out io.Writer, name, unit string, ask func() (n, of int)) *progress {
	return beginProgress(&progress{out: out, name: name, unit: unit, ask: ask}, progressEvery)
}

func beginProgress(p *progress, every time.Duration) *progress {
	p.began = time.Now()
	if f, ok := p.out.(*os.File); ok && service.Terminal(f) {
		if p.ask != nil {
			fmt.Fprintf(p.out, "%s ...\n", p.name)
		}
		return p
	}
	p.stop, p.ended = make(chan struct{}), make(chan struct{})
	go p.beat(every)
	return p
}

// beat prints how far it is, now and then, until it is stopped.
func (p *progress) beat(every time.Duration) {
	defer close(p.ended)
	ticks := time.NewTicker(every)
	defer ticks.Stop()
	for {
		select {
		case <-p.stop:
			return
		case <-ticks.C:
			fmt.Fprintf(p.out, "%s: %s (%s)\n", p.name, p.howFar(), time.Since(p.began).Round(time.Second))
		}
	}
}

// howFar says it in words.
func (p *progress) howFar() string {
	p.mu.Lock()
	n, of := p.n, p.of
	p.mu.Unlock()
	if p.ask != nil {
		n, of = p.ask()
	}
	words := fmt.Sprintf("%d %s", n, p.unit)
	if of > 0 {
		words = fmt.Sprintf("%d of %d %s", n, of, p.unit)
	}
	if p.file != nil {
		words += fmt.Sprintf(", %.1f of %.1f MB of the file read", megabytes(p.file.read.Load()), megabytes(p.file.size.Load()))
	}
	return words
}

func megabytes(n int64) float64 { return float64(n) / 1e6 }

// at says that n are done, of so many; 0 where that is not known.
func (p *progress) at(n, of int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.n, p.of = n, of
	if p.stop == nil {
		p.draw()
	}
}

// draw moves the bar: along the bytes of the file where the work is of one.
func (p *progress) draw() {
	n, of := int64(p.n), int64(p.of)
	if p.file != nil {
		n, of = p.file.read.Load(), p.file.size.Load()
	}
	if p.bar == nil {
		if of == 0 {
			of = -1
		}
		p.bar = progressbar.NewOptions64(of, progressbar.OptionSetWriter(p.out), progressbar.OptionSetDescription(p.name),
			progressbar.OptionShowCount(), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())
	}
	if p.file != nil {
		p.bar.Describe(fmt.Sprintf("%s, %d %s, bytes", p.name, p.n, p.unit))
		n = min(n, of-1) // a full bar ends, and a file that is sorted is read before its first row is sent
	}
	_ = p.bar.Set64(n) // a bar that cannot be drawn is no reason to stop
}

// done ends it: nothing is printed any more.
func (p *progress) done() {
	if p.stop != nil {
		close(p.stop)
		<-p.ended
	}
	if p.bar != nil {
		_ = p.bar.Finish()
	}
}

// fileRead is how much of a file has been read, as it lies on disk.
type fileRead struct {
	size, read atomic.Int64
}

// count gives a reader that is counted; a file that is read again is counted anew.
func (f *fileRead) count(file *os.File) io.Reader {
	if f == nil {
		return file
	}
	if stat, err := file.Stat(); err == nil {
		f.size.Store(stat.Size())
	}
	f.read.Store(0)
	return io.TeeReader(file, f)
}

// Write counts what went by.
func (f *fileRead) Write(part []byte) (int, error) {
	f.read.Add(int64(len(part)))
	return len(part), nil
}
