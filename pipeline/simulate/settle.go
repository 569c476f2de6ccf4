package simulate

import (
	"cmp"
	"slices"
	"time"

	"parcours/pipeline/event"
)

// settle looks back on a need, when all of it has been told: what was said and never answered, what was said in anger, and
// whether it came to nothing.
func (st *story) settle() {
	slices.SortStableFunc(st.bad, func(a, b word) int { return cmp.Compare(a.at, b.at) })
	st.silences()
	st.outbursts()
	st.unresolved()
	slices.SortStableFunc(st.need.Failures, func(a, b Failure) int { return cmp.Compare(a.At, b.At) })
	slices.SortStableFunc(st.need.Semblances, func(a, b Semblance) int { return cmp.Compare(a.At, b.At) })
}

// silences: a detractor to whom the company did not turn.
func (st *story) silences() {
	for _, w := range st.bad {
		if until := w.at.Add(st.silence()); w.detract && !between(st.reached, w.at, until) {
			st.fail(UnansweredDetractor, until, "nobody answered a bad survey", event.Data{Silo: customerService}, false)
		}
	}
}

// outbursts: two bad words within a day are one outburst, and each counts for one.
func (st *story) outbursts() {
	pair := time.Duration(st.parameters.Voice.PairH) * time.Hour
	for i := 1; i < len(st.bad); i++ {
		if !st.bad[i].rude && st.bad[i].at.Sub(st.bad[i-1].at) <= pair {
			st.fail(Tension, st.bad[i].at, "two bad words in a day", event.Data{Channel: st.bad[i].channel}, false)
			i++
		}
	}
}

// unresolved: the customer went away with nothing. The events show it where the last contact or attempt came to nothing, or
// where the customer said so, nothing else is known to be open, and the days are not over too soon.
func (st *story) unresolved() {
	saidNo := st.unsolved && (st.last == nil || st.asked > st.last.began)
	switch {
	case st.need.Met() && st.owing > 0:
		st.seem(UnresolvedEnd, st.need.EndedAt, "nobody has noted that all was done")
	case st.need.Met() && saidNo:
		st.seem(UnresolvedEnd, st.need.EndedAt, "the last answer was about a contact before the one that solved it")
	}
	if st.need.Ending != GivenUp || st.need.Events == 0 {
		return
	}
	settled := st.need.EndedAt.Add(st.parameters.Return.Settled.To) < st.end
	shown := (st.failed || saidNo) && st.owing == 0 && !st.unread && settled
	var by event.Data
	at := st.need.EndedAt
	if c := st.last; c != nil {
		by = c.data
		if c.vain && c.uncoded { // it stands alone, whatever else is open
			at, shown = c.ended, settled
		}
		shown = shown && !c.unknown
	}
	st.fail(UnresolvedEnd, at, "gave up without an answer", by, !shown)
}
