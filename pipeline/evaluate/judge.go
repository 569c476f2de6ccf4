package evaluate

import (
	"cmp"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"parcours/pipeline/evaluate/reference"
	"parcours/pipeline/event"
)

// verdict is what the reference finds in all homes.
type verdict struct {
	sent, happened map[key]int
	disagreements  []Disagreement
}

// Disagreement is a breakpoint that only one side found.
type Disagreement struct {
	Kind     string
	Missed   bool // the reference found it and the tables do not; else the other way round
	At       event.Instant
	Origin   string
	Customer string
	Why      string
	Around   []string // the events of its home around it
}

// aroundIt is how far from a disagreement events are shown.
const aroundIt = 8 * 24 * time.Hour

// judge runs the reference over every home, on all processors.
func (t *Truth) judge(judge *reference.Judge, found []Found, o Options) (*verdict, error) {
	v := &verdict{sent: map[key]int{}, happened: map[key]int{}}
	shown := shownOf(found, o.Show)
	var mu sync.Mutex
	var failed error
	var workers sync.WaitGroup
	work := make(chan *bucket)
	done := 0
	for range runtime.NumCPU() {
		workers.Go(func() {
			for b := range work {
				part, err := b.judge(judge, shown, o)
				mu.Lock()
				failed = cmp.Or(failed, err)
				if err == nil {
					v.add(part)
				}
				done++
				o.Progress(done, len(t.buckets))
				mu.Unlock()
			}
		})
	}
	for _, b := range t.buckets {
		work <- b
	}
	close(work)
	workers.Wait()
	slices.SortFunc(v.disagreements, func(a, b Disagreement) int {
		return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Origin, b.Origin))
	})
	return v, failed
}

func (v *verdict) add(part *verdict) {
	for k, n := range part.sent {
		v.sent[k] += n
	}
	for k, n := range part.happened {
		v.happened[k] += n
	}
	v.disagreements = append(v.disagreements, part.disagreements...)
}

// judge asks the reference about each home of a bucket.
func (b *bucket) judge(judge *reference.Judge, shown map[string][]key, o Options) (*verdict, error) {
	homes, err := b.lives()
	if err != nil {
		return nil, err
	}
	v := &verdict{sent: map[key]int{}, happened: map[key]int{}}
	for _, l := range homes {
		sent := judge.Breakpoints(l.sent, o.Clock)
		happened := sent
		if !l.whole {
			happened = judge.Breakpoints(l.happened, o.Clock)
		}
		count(v.sent, sent)
		count(v.happened, happened)
		if o.Show != "" {
			v.disagreements = append(v.disagreements, l.disagreements(sent, shown, o.Show)...)
		}
	}
	return v, nil
}

func count(into map[key]int, list []reference.Breakpoint) {
	for i := range list {
		into[refKey(&list[i])]++
	}
}

// shownOf gives the found breakpoints of a kind by their origin.
func shownOf(found []Found, kind string) map[string][]key {
	shown := map[string][]key{}
	for i := range found {
		if f := &found[i]; f.Kind == kind {
			shown[f.Origin] = append(shown[f.Origin], f.key())
		}
	}
	return shown
}

// disagreements are those of one kind in one home.
func (l *life) disagreements(list []reference.Breakpoint, shown map[string][]key, kind string) (found []Disagreement) {
	truth := map[key]bool{}
	for i := range list {
		b := &list[i]
		if b.Kind != kind {
			continue
		}
		truth[refKey(b)] = true
		if !slices.Contains(shown[b.Source+" "+b.ID], refKey(b)) {
			found = append(found, Disagreement{
				Kind: kind, Missed: true, At: b.At, Origin: b.Source + " " + b.ID, Customer: b.Customer, Why: b.Why, Around: l.around(b.At),
			})
		}
	}
	for _, e := range l.sent {
		for _, k := range shown[e.Source+" "+e.ID] {
			if at := event.Instant(k.second * 1000); !truth[k] {
				found = append(found, Disagreement{Kind: kind, At: at, Origin: k.origin, Customer: e.Data.Customer, Around: l.around(at)})
			}
		}
	}
	return found
}

// around writes the events of a home near a moment, one a line, with the fields that rules read.
func (l *life) around(at event.Instant) (lines []string) {
	for _, e := range l.sent {
		if apart := e.At.Sub(at); -aroundIt <= apart && apart <= aroundIt {
			lines = append(lines, line(e))
		}
	}
	return lines
}

func line(e *event.Event) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s %s %s", e.At, e.Type, e.Source, e.ID)
	d := &e.Data
	for _, f := range [...][2]string{
		{"customer", d.Customer}, {"contact", d.Contact}, {"direction", string(d.Direction)}, {"channel", string(d.Channel)}, {"reason", d.Reason},
		{"silo", d.Silo}, {"unit", d.Unit}, {"to_silo", d.ToSilo}, {"case", d.Case}, {"product", d.Product}, {"promise", d.Promise},
		{"form", d.Form}, {"kind", d.Kind}, {"activity", d.Activity}, {"act", d.Act}, {"by", d.By}, {"on", d.On}, {"to", d.To},
	} {
		if f[1] != "" {
			fmt.Fprintf(&b, " %s=%s", f[0], f[1])
		}
	}
	if d.Due != 0 {
		fmt.Fprintf(&b, " due=%s", d.Due)
	}
	return b.String()
}
