package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"

	"parcours/cmd/internal/service"
)

// progress shows how far long work has come: a bar on a terminal, else a line every few seconds.
type progress struct {
	out  io.Writer
	name string
	unit string
	bar  *progressbar.ProgressBar
	last time.Time
}

const progressEvery = 5 * time.Second

func newProgress(out io.Writer, name, unit string) *progress {
	return &progress{out: out, name: name, unit: unit, last: time.Now()}
}

// at says that n of total are done; total 0 is not known.
func (p *progress) at(n, total int) {
	if f, ok := p.out.(*os.File); ok && service.Terminal(f) {
		p.draw(n, total)
		return
	}
	if time.Since(p.last) < progressEvery {
		return
	}
	p.last = time.Now()
	if total > 0 {
		fmt.Fprintf(p.out, "%s: %d of %d %s\n", p.name, n, total, p.unit)
		return
	}
	fmt.Fprintf(p.out, "%s: %d %s\n", p.name, n, p.unit)
}

func (p *progress) draw(n, total int) {
	if p.bar == nil {
		if total == 0 {
			total = -1
		}
		p.bar = progressbar.NewOptions(total, progressbar.OptionSetWriter(p.out), progressbar.OptionSetDescription(p.name),
			progressbar.OptionShowCount(), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())
	}
	_ = p.bar.Set(n) // a bar that cannot be drawn is no reason to stop
}

func (p *progress) done() {
	if p.bar != nil {
		_ = p.bar.Finish()
	}
}
