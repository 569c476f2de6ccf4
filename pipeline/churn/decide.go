package churn

import (
	"encoding/binary"
	"math"
	"slices"

	"github.com/cespare/xxhash/v2"

	"parcours/pipeline/event"
	"parcours/pipeline/rules"
)

// Last is what was told last of a customer: as much of it as it takes to decide whether something else is worth telling.
type Last struct {
	Day   int32   // of its midnight, since 1970-01-01
	P     float32 // of loss within 365 days; NaN for none
	Voice float32 // risk; NaN for none
	Uses  float32 // expected; NaN for none
	Says  uint32  // hash of what else it says but for reasons: segment, captivity, prior, margin
	Open  Open    // signals
	Known bool    // it stands: it was no end

	Reasons [mostReasons]uint16 // their families, each as hashed, ascending; 0 for none
}

// Open is a set of signals as known.
type Open uint8

// kindsAsKnown are the signals that scores raise, in the order of their names.
var kindsAsKnown = [...]string{DecayOfUse, Risk, Voice}

func openOf(kind string) Open { return 1 << slices.Index(kindsAsKnown[:], kind) }

// Has says whether a signal of a kind is among them.
func (o Open) Has(kind string) bool { return AsKnown(kind) && o&openOf(kind) != 0 }

// Told says whether anything ever was.
func (l Last) Told() bool { return l.Known || l.Day != 0 }

// After is what is remembered when a telling was told.
func (l Last) After(t *Telling) Last {
	open := l.Open
	for _, c := range t.Cleared {
		if AsKnown(c.Kind) {
			open &^= openOf(c.Kind)
		}
	}
	for _, r := range t.Raised {
		open |= openOf(r.Kind)
	}
	if t.Ended != "" {
		return Last{Day: DayOf(t.AsOf)}
	}
	l = Last{Day: DayOf(t.AsOf), Open: open, Known: true, Says: says(&t.Score), Reasons: familiesOf(t.Reasons)}
	l.P, l.Voice, l.Uses = float32(short(t.P[2])), float32(short(t.VoiceRisk)), float32(short(t.ExpectedUses))
	l.absent(&t.Score)
	return l
}

// absent marks the figures that the score does not have.
func (l *Last) absent(s *Score) {
	none := float32(math.NaN())
	if !s.Scored() {
		l.P = none
	}
	if math.IsNaN(s.VoiceRisk) {
		l.Voice = none
	}
	if math.IsNaN(s.ExpectedUses) {
		l.Uses = none
	}
}

// DayOf is the day that a midnight begins, since 1970-01-01.
func DayOf(midnight event.Instant) int32 {
	const day = 24 * 60 * 60 * 1000
	return int32((midnight - ((midnight%day)+day)%day) / day)
}

// says hashes what is neither figure that moves nor reason.
func says(s *Score) uint32 {
	var room [128]byte
	text := append(append(room[:0], s.Segment...), 0)
	bits := math.Float64bits(short(s.Margin))
	if math.IsNaN(s.Margin) {
		bits = math.MaxUint64
	}
	flags := byte(0)
	if s.Captive {
		flags |= 1
	}
	if s.Prior {
		flags |= 2
	}
	return uint32(xxhash.Sum64(binary.LittleEndian.AppendUint64(append(text, flags), bits)))
}

// familiesOf are the families of reasons, hashed, ascending.
func familiesOf(reasons []Reason) (families [mostReasons]uint16) {
	for i := range min(len(reasons), mostReasons) {
		families[i] = familyHash(FamilyOf(reasons[i].Feature))
	}
	slices.Sort(families[:])
	return families
}

// familyHash is no 0. No two families of features share one (TestFamilyHashes).
func familyHash(family string) uint16 { return uint16(max(1, xxhash.Sum64String(family)>>48)) }

// What a rule book does not say of tellings. Voice risk moves in points of 100; expected uses by the share of probabilities and
// by half a use; a customer with fewer uses in the last 12 months than these has none that could decay.
const (
	movedVoice = 5
	movedUses  = 0.5
	decayUses  = 4
)

// Decide says what is to be told of a score that was just made, given what was told last; false for nothing. (Of one that was read it is not
// known what else weighs in it: its reasons are taken for those that were told, unless it has none.)
func Decide(s *Score, last Last, th *rules.Told) (t Telling, tell bool) {
	t.Score = *s
	t.weights = nil
	t.Raised, t.Cleared, tell = decide(s, last, th)
	return t, tell
}

// decide says which signals a score raises and clears, and whether it is told.
func decide(s *Score, last Last, th *rules.Told) (raised []Raising, cleared []Clearing, tell bool) {
	for _, kind := range kindsAsKnown {
		value, limit, state := judge(kind, s, th)
		switch open := last.Open.Has(kind); {
		case !open && state == raises:
			raised = append(raised, Raising{kind, value, limit, featuresOf(kind, s)})
		case open && state == clears:
			cleared = append(cleared, Clearing{kind, Rescored})
		}
	}
	return raised, cleared, !last.Known || len(raised)+len(cleared) > 0 || moved(s, last, th)
}

// End says what is to be told of a customer of whom nothing is said any more; false where nothing was said.
func End(customer string, asOf event.Instant, why string, last Last) (t Telling, tell bool) {
	t.Customer, t.AsOf, t.Ended = customer, asOf, why
	cleared := map[string]string{EndedNoContract: Lost, EndedObjected: Objected, EndedNothing: Rescored}[why]
	for _, kind := range kindsAsKnown {
		if last.Open.Has(kind) {
			t.Cleared = append(t.Cleared, Clearing{kind, cleared})
		}
	}
	return t, last.Known
}

// featuresOf is the evidence of a signal: the reasons of what they are reasons of.
func featuresOf(kind string, s *Score) (list []string) {
	if kind == DecayOfUse {
		return nil
	}
	for _, r := range s.Reasons {
		list = append(list, r.Feature)
	}
	return list
}

type judged uint8

const (
	unmoved judged = iota // as it is
	raises                // if it is not raised
	clears                // if it is
)

// judge holds the figure of a signal against its limit. Where there is no figure, a signal is cleared.
func judge(kind string, s *Score, th *rules.Told) (value, limit float64, j judged) {
	switch kind {
	case Risk:
		value, limit = s.P[2], max(th.RiskTimes*s.Base[2], th.Risk)
	case Voice:
		value, limit = s.VoiceRisk, th.Voice
	case DecayOfUse:
		value, limit = s.ExpectedUses, th.DecayedTo*float64(s.RecentUses)
		switch {
		case math.IsNaN(value) || s.RecentUses < decayUses || value >= limit/th.Cleared:
			return value, limit, clears
		case value < limit:
			return value, limit, raises
		}
		return value, limit, unmoved
	}
	switch {
	case math.IsNaN(value) || value < limit*th.Cleared:
		return value, limit, clears
	case value >= limit:
		return value, limit, raises
	}
	return value, limit, unmoved
}

// moved says whether a score reads otherwise than what was told last.
func moved(s *Score, last Last, th *rules.Told) bool {
	return differs(s.P[2], last.P, th.Moved, th.MovedBy) ||
		differs(s.ExpectedUses, last.Uses, th.Moved, movedUses) ||
		differs(s.VoiceRisk, last.Voice, 0, movedVoice) ||
		says(s) != last.Says || otherReasons(s, last, th.Moved)
}

// otherReasons says whether the reasons that were told are not those that matter any more. One of them holds no more: it raises the score by
// nothing, or its words are not true. Or one that was not told outweighs one that was, or nothing where it would have had a place, by so much
// that this alone moves the odds by more than a share: two that weigh about the same may so take turns unheard. The points of captive
// customers are few, and held against each other as they are.
func otherReasons(s *Score, last Last, share float64) bool {
	if s.Captive {
		return familiesOf(s.Reasons) != last.Reasons
	}
	told, hold, least, most := 0, 0, math.Inf(1), 0.
	for _, family := range last.Reasons {
		if family != 0 {
			told++
		}
	}
	for _, w := range s.weights {
		if slices.Contains(last.Reasons[:], w.family) {
			hold, least = hold+1, min(least, w.sum)
		} else {
			most = max(most, w.sum)
		}
	}
	if told < mostReasons {
		least = 0
	}
	return (hold < told || most-least > math.Log1p(share)) && familiesOf(s.Reasons) != last.Reasons
}

// differs says whether a figure is there now and was not, or not any more, or has changed by more than a share and an amount.
func differs(now float64, before float32, share, amount float64) bool {
	was := float64(before)
	if math.IsNaN(now) || math.IsNaN(was) {
		return math.IsNaN(now) != math.IsNaN(was)
	}
	change := math.Abs(now - was)
	return change > share*was && change > amount
}
