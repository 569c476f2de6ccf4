package ingest

import (
	"context"
	"encoding/hex"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/cespare/xxhash/v2"

	"parcours/pipeline"
	"parcours/pipeline/event"
)

// PartitionOf is the partition of a home among so many: the xxHash64 of the home, modulo. It never changes for a log.
func PartitionOf(home string, partitions int) int {
	return int(xxhash.Sum64String(home) % uint64(partitions))
}

// What stands for a customer where there is none.
const (
	homeCase    = "case:"
	homeContact = "contact:"
	homeEvent   = "event:"
)

// Homes knows, for every case, the home of its earliest event in the log: a case is never split over partitions. It is a
// fold of EVENTS, about 40 bytes a case. It is also the one piece that several ingest processes will have to share: today
// each knows what it appended itself and what was in the log when it started, so run one (a second may give a case that
// began at the first another home, if the case's events name different customers).
type Homes struct {
	mu       sync.Mutex
	cases    map[uint64]pseudonym // xxHash64 of the case -> its customer; zero: the case is its own home
	contacts recent               // contacts whose customer is known
	rights   map[uint64]string    // fingerprint of an event of rights that the log holds at the home of its case -> that home; only old logs have any
}

// recent knows whom the first events of the latest contacts named, by (source, contact): many sources name the customer
// in the first event of a contact only. It forgets the older half when it is full; a fold of the same log forgets the same.
type recent struct{ now, before map[uint64]pseudonym }

// recentMost is how many contacts are remembered at least; about 40 bytes each, twice.
const recentMost = 1 << 19

// first gives what the first event of a contact said: its customer, or "" when it named none. What comes later does not
// change it, so that an event sent again finds the same home.
func (r *recent) first(key uint64, customer string) string {
	p, known := r.now[key]
	if !known {
		p, known = r.before[key]
	}
	if known {
		return unpack(p)
	}
	if r.now == nil || len(r.now) >= recentMost {
		r.before, r.now = r.now, map[uint64]pseudonym{}
	}
	r.now[key] = pack(customer)
	return customer
}

// pseudonym holds the 128 bits of a customer.
type pseudonym [16]byte

// NewHomes knows no case: the homes of an empty log.
func NewHomes() *Homes { return &Homes{cases: map[uint64]pseudonym{}, rights: map[uint64]string{}} }

const rebuildWait = time.Second

// RebuildHomes reads the log from its beginning to the head it has now. Accept nothing before it has returned.
func RebuildHomes(ctx context.Context, log pipeline.Log) (*Homes, error) {
	head, err := log.Head(ctx)
	if err != nil {
		return nil, fmt.Errorf("rebuild homes: %w", err)
	}
	h := NewHomes()
	if head == 0 {
		return h, nil
	}
	reader, err := log.Read(ctx, 1)
	if err != nil {
		return nil, fmt.Errorf("rebuild homes: %w", err)
	}
	defer reader.Close()
	return h, h.follow(ctx, reader, head)
}

func (h *Homes) follow(ctx context.Context, reader pipeline.Reader, head uint64) error {
	for position := uint64(0); position < head; {
		messages, err := reader.Next(ctx, rebuildWait)
		if err != nil {
			return fmt.Errorf("rebuild homes behind position %d: %w", position, err)
		}
		for i := range messages {
			position = messages[i].Position
			h.fold(&messages[i])
		}
	}
	return nil
}

// fold takes one message of the log. What no version of Parcours wrote has no case.
func (h *Homes) fold(m *pipeline.Message) {
	if m.Partition == pipeline.All {
		return
	}
	e, err := event.DecodeLog(m.Body)
	if err != nil || e.Home == "" {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.customer(&e)
	if e.Data.Case != "" {
		h.learn(e.Data.Case, e.Home)
	}
	if ofRights(&e) && e.Home != e.Data.Customer {
		h.rights[event.Fingerprint(e.Source, e.ID)] = e.Home
	}
}

// ofRights says whether an event is about the rights of the customer that it names: what they allow, or object to.
func ofRights(e *event.Event) bool {
	return event.SpecOf(e.Type).Family == "rights" && e.Data.Customer != ""
}

// ofRight is the home of an event of rights: the customer that it names, whosever case it lies in, for an objection must be heard
// where that customer is scored. Where an earlier version stored it elsewhere, it stays there when it is sent again. h.mu is held.
func (h *Homes) ofRight(e *event.Event) string {
	if e.Data.Case != "" {
		h.learn(e.Data.Case, e.Data.Customer)
	}
	if home, stored := h.rights[event.Fingerprint(e.Source, e.ID)]; stored {
		return home
	}
	return e.Data.Customer
}

// customer is whom the event is about: the one it names, else the one the first event of its contact named; h.mu is held.
func (h *Homes) customer(e *event.Event) string {
	d := &e.Data
	if d.Contact == "" {
		return d.Customer
	}
	first := h.contacts.first(event.Fingerprint(e.Source, d.Contact), d.Customer)
	if d.Customer != "" {
		return d.Customer
	}
	return first
}

// learn keeps the first home of a case; h.mu is held.
func (h *Homes) learn(caseID, home string) {
	key := xxhash.Sum64String(caseID)
	if _, known := h.cases[key]; !known {
		h.cases[key] = pack(home)
	}
}

// Of gives the home of an event that has its pseudonyms, and remembers it for its case and its contact: of an event of rights the
// customer that it names; of others the first home of the case; else the customer, named by itself or by an earlier event of its
// contact; else its case; else its contact; else itself.
func (h *Homes) Of(e *event.Event) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	d, customer := &e.Data, h.customer(e)
	switch {
	case ofRights(e):
		return h.ofRight(e)
	case d.Case != "":
		return h.ofCase(d.Case, customer)
	case customer != "":
		return customer
	case d.Contact != "":
		return homeContact + d.Contact
	}
	return homeEvent + strconv.FormatUint(event.Fingerprint(e.Source, e.ID), 16)
}

// ofCase is the first home of a case; h.mu is held.
func (h *Homes) ofCase(caseID, customer string) string {
	h.learn(caseID, customer)
	if home := unpack(h.cases[xxhash.Sum64String(caseID)]); home != "" {
		return home
	}
	return homeCase + caseID
}

// Cases is how many cases are known.
func (h *Homes) Cases() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.cases)
}

// pack gives the bits of a customer's pseudonym; zero for a home that is none.
func pack(home string) pseudonym {
	var p pseudonym
	if len(home) == 1+2*len(p) && home[0] == 'c' {
		if _, err := hex.Decode(p[:], []byte(home[1:])); err != nil {
			return pseudonym{}
		}
	}
	return p
}

// unpack gives a pseudonym back; "" for none.
func unpack(p pseudonym) string {
	if p == (pseudonym{}) {
		return ""
	}
	return "c" + hex.EncodeToString(p[:])
}
