package simulate

import (
	"bufio"
	"fmt"
	"io"

	"parcours/pipeline/event"
)

// WriteNDJSON writes Events as structured CloudEvents JSON, one a line, and Config.Broken broken lines among them. Progress,
// if given, is called after each line with the lines written and those there will be; to know these, the story is told twice.
func (s *Simulator) WriteNDJSON(w io.Writer, progress func(done, total int)) error {
	out := bufio.NewWriterSize(w, 1<<16)
	l := lines{out: out, broken: s.config.Broken, progress: progress}
	if progress != nil {
		for range s.Events() {
			l.total++
		}
		l.total += s.config.Broken
	}
	for e := range s.Events() {
		l.body = append(event.AppendLog(l.body[:0], &e), '\n')
		if err := l.write(l.body); err != nil {
			return err
		}
		if l.done%brokenEvery == 0 && l.broken > 0 {
			if err := l.breakOne(&e); err != nil {
				return err
			}
		}
	}
	for l.broken > 0 {
		if err := l.breakOne(&event.Event{ID: "none", Source: "/sim/none", Type: event.StepPerformed, At: s.start}); err != nil {
			return err
		}
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write simulated events: %w", err)
	}
	return nil
}

// brokenEvery is how far apart broken lines stand, until all are written.
const brokenEvery = 20

// lines writes lines and counts them.
type lines struct {
	out         *bufio.Writer
	body        []byte
	broken      int // still to write
	done, total int
	progress    func(done, total int)
}

func (l *lines) write(line []byte) error {
	if _, err := l.out.Write(line); err != nil {
		return fmt.Errorf("write simulated events: %w", err)
	}
	if l.done++; l.progress != nil {
		l.progress(l.done, l.total)
	}
	return nil
}

// breakOne writes an event under another id which no door may let in: each in another way than the one before.
func (l *lines) breakOne(e *event.Event) error {
	bad := *e
	bad.ID = fmt.Sprintf("broken-%09d", l.broken)
	l.broken--
	switch l.broken % 4 {
	case 0:
		bad.Data.Channel = "telepathy"
	case 1:
		bad.Type = ""
	case 2:
		bad.ID = ""
	default:
		body := event.AppendLog(nil, &bad)
		return l.write(append(body[:len(body)/2], '\n'))
	}
	return l.write(append(event.AppendLog(nil, &bad), '\n'))
}
