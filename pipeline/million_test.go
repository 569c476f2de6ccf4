package pipeline_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/s2"

	"parcours/pipeline"
	"parcours/pipeline/event"
	"parcours/pipeline/rules"
)

// BenchmarkMillion holds many customers with five steps each inside the horizon, and says what they cost: heap in use when
// nothing else is, the size of their checkpoint (compressed), and the time to write it and to restore them. The bare
// baseline holds the same events as Go values in a map by customer.
//
//	go test -run '^$' -bench Million/customers=1000000 -benchtime 1x -timeout 30m ./pipeline
func BenchmarkMillion(b *testing.B) {
	for _, customers := range []int{20_000, 1_000_000} {
		b.Run("customers="+strconv.Itoa(customers), func(b *testing.B) {
			for b.Loop() {
				million(b, customers)
			}
		})
		b.Run("bare/customers="+strconv.Itoa(customers), func(b *testing.B) {
			for b.Loop() {
				bareMillion(b, customers)
			}
		})
	}
}

const millionPartitions = 16

func million(b *testing.B, customers int) {
	before := heapInUse()
	partitions := make([]*pipeline.Partition, millionPartitions)
	each(partitions, func(p int) { partitions[p] = foldMany(p, customers/millionPartitions) })
	b.ReportMetric(float64(heapInUse()-before)/(1<<20), "MiB-heap")
	states := make([]*bytes.Buffer, millionPartitions)
	began := time.Now()
	each(partitions, func(p int) { states[p] = write(partitions[p]) })
	b.ReportMetric(time.Since(began).Seconds(), "s-write")
	size := 0
	for p := range states {
		size += states[p].Len()
		partitions[p] = nil
	}
	b.ReportMetric(float64(size)/(1<<20), "MiB-checkpoint")
	began = time.Now()
	homes := 0
	each(partitions, func(p int) {
		var err error
		setup := pipeline.Setup{Number: p, Book: rules.Default()}
		if partitions[p], err = pipeline.Restore(setup, s2.NewReader(states[p])); err != nil {
			panic(err)
		}
	})
	b.ReportMetric(time.Since(began).Seconds(), "s-restore")
	for _, p := range partitions {
		homes += p.Homes()
	}
	if homes != customers/millionPartitions*millionPartitions {
		b.Fatalf("%d homes are held, expected %d", homes, customers)
	}
}

// each works on all partitions, two at a time.
func each(partitions []*pipeline.Partition, do func(p int)) {
	var group sync.WaitGroup
	room := make(chan struct{}, runtime.GOMAXPROCS(0))
	for p := range partitions {
		room <- struct{}{}
		group.Go(func() {
			do(p)
			<-room
		})
	}
	group.Wait()
}

func heapInUse() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse
}

func write(p *pipeline.Partition) *bytes.Buffer {
	var out bytes.Buffer
	w := s2.NewWriter(&out, s2.WriterConcurrency(1))
	if err := p.Snapshot().Write(w); err != nil {
		panic(err)
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return &out
}

// foldMany folds customers who each look at a page, call, are put through, and hang up, all within two months.
func foldMany(partition, customers int) *pipeline.Partition {
	p := pipeline.NewPartition(pipeline.Setup{Number: partition, Book: rules.Default()})
	c := &pipeline.Changes{}
	position := uint64(0)
	manyEvents(partition, customers, func(e *event.Event) {
		position++
		r := &c.Rows
		*c = pipeline.Changes{Rows: pipeline.Rows{Events: r.Events[:0], Journeys: r.Journeys[:0], Steps: r.Steps[:0], Breakpoints: r.Breakpoints[:0]}, Told: c.Told[:0]}
		if err := p.Apply(&pipeline.Message{Position: position, StoredAt: e.At}, e, c); err != nil {
			panic(err)
		}
	})
	return p
}

// manyEvents gives the events in order of time: all customers are there at once, each somewhere in the two months.
func manyEvents(partition, customers int, yield func(*event.Event)) {
	start := event.InstantOf(time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC))
	types := []string{event.PageViewed, event.ContactStarted, event.ContactAnswered, event.ContactTransferred, event.ContactEnded}
	reasons := []string{"billing.dispute", "delivery.late", "technical.outage", "contract.question"}
	gap := event.Instant(60*24*time.Hour/time.Millisecond) / event.Instant(customers)
	for i := range customers {
		sum := sha256.Sum256([]byte(fmt.Sprint(partition, i)))
		home := "c" + hex.EncodeToString(sum[:16])
		for k, typ := range types {
			e := &event.Event{Source: "/telephony", ID: fmt.Sprintf("tel-%09d-%d", i, k), Type: typ, Home: home,
				At: start + event.Instant(i)*gap + event.Instant(k)*60_000}
			e.Data.Customer, e.Data.Contact, e.Data.Channel = home, fmt.Sprintf("call-%09d", i), event.Phone
			e.Data.Reason, e.Data.Silo, e.Data.Unit = reasons[i%len(reasons)], "customer_service", fmt.Sprintf("unit-%d", i%40)
			e.Data.Agent = fmt.Sprintf("a%d", i%500)
			if typ == event.ContactEnded {
				talk, wrap := float64(60+i%600), float64(i%90)
				e.Data.TalkS, e.Data.WrapS = &talk, &wrap
			}
			yield(e)
		}
	}
}

func bareMillion(b *testing.B, customers int) {
	before := heapInUse()
	homes := map[string][]*event.Event{}
	for p := range millionPartitions {
		manyEvents(p, customers/millionPartitions, func(e *event.Event) { homes[e.Home] = append(homes[e.Home], e) })
	}
	b.ReportMetric(float64(heapInUse()-before)/(1<<20), "MiB-heap")
	runtime.KeepAlive(homes)
}
