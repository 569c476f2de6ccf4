package churn

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// mostReasons are told of one score.
const mostReasons = 3

// families gives each feature the number of its family, in the order of their first features, and how many there are: features whose
// names agree up to a colon are one reason.
func families(features []string) (of []int, n int) {
	number := map[string]int{}
	of = make([]int, len(features))
	for i, name := range features {
		family := FamilyOf(name)
		if _, found := number[family]; !found {
			number[family] = len(number)
		}
		of[i] = number[family]
	}
	return of, len(number)
}

// FamilyOf is the reason that a feature is part of: its name up to a colon (all decays of one kind), or all of it.
func FamilyOf(feature string) string {
	family, _, _ := strings.Cut(feature, ":")
	return family
}

// HalvedEvery is in how many days the count that a feature holds is halved, so that what happened long ago counts less; 0 for a feature
// that is no such count.
func HalvedEvery(feature string) (days int) {
	f := AllFeatures()
	at := f.Number(feature)
	for _, first := range f.all.summed {
		if d := at - (first - 1); first > 0 && d >= 0 && d < len(halvings) {
			return halvings[d]
		}
	}
	return 0
}

// reasons are the families of features that raise a score most against the mean customer of its segment: the sum of
// coefficient x (value - mean), in the log odds of each group of months by how much these move the risk of a year. What is not known is
// no reason. What each family weighs that raises it, and has words that are true, is left in working.
func (m *Model) reasons(row *Row, w *working, room []Reason) []Reason {
	w.weights = w.weights[:0]
	var top [mostReasons]weighed
	n := 0
	mute := m.bound.mute[w.segment]
	for family := range mute {
		if mute[family] && !w.seen.stirred[family] {
			continue
		}
		f := m.weigh(row, w, family)
		if f.sum <= 0 || f.says == 0 {
			continue
		}
		w.weights = append(w.weights, familyWeight{m.bound.hashes[family], f.sum})
		if f.sum > leastReason {
			n = heavier(&top, n, f)
		}
	}
	if n == 0 {
		return nil
	}
	room = slices.Grow(room, n)
	for _, f := range top[:n] {
		said := f.says - 1
		room = append(room, Reason{m.Features[said], row.X[m.bound.place[said]], f.sum})
	}
	return room
}

// weigh says what the features of a family weigh together.
func (m *Model) weigh(row *Row, w *working, family int) (f weighed) {
	means := m.Means[w.segment]
	for _, i := range m.bound.family[family] {
		u := &m.bound.useful[i]
		v, c := w.seen.useful[i], &u.slopes
		weight := (c[0]*w.by[0] + c[1]*w.by[1] + c[2]*w.by[2]) * (v - means[u.feature])
		if weight == 0 || u.known.unknown(row) {
			continue
		}
		f.sum += weight
		if weight > f.largest && u.said.of(v) {
			f.largest, f.says = weight, u.feature+1
		}
	}
	return f
}

// weighed is what the features of a family weigh.
type weighed struct {
	sum     float64
	largest float64 // of one feature
	says    int16   // the feature that is said of it, plus 1
}

// leastReason is a weight below which nothing is a reason: 1 % on the odds.
const leastReason = 0.01

// heavier puts a family among the n heaviest, of equal ones the first first.
func heavier(top *[mostReasons]weighed, n int, f weighed) int {
	at := n
	for at > 0 && f.sum > top[at-1].sum {
		at--
	}
	if at == mostReasons {
		return n
	}
	n = min(n+1, mostReasons)
	copy(top[at+1:n], top[at:n-1])
	top[at] = f
	return n
}

// saying is when the words of a feature are true: words with a value always are; others of a signed feature when it stands on the
// side of its sign, and of a free one when it is not 0.
type saying struct {
	valued bool
	sign   int8
}

func (s saying) of(v float64) bool {
	switch {
	case s.valued:
		return true
	case s.sign != 0:
		return float64(s.sign)*v > 0
	}
	return v != 0
}

// Sentence says a reason in French and English, with its value where the words have a place for it.
func (r Reason) Sentence(columns Columns) (fr, en string) {
	for i, name := range columns.Names() {
		if name == r.Feature {
			fr, en = columns.Words(i)
			value := sayValue(name, r.Value)
			return strings.ReplaceAll(fr, "%s", value.french()), strings.ReplaceAll(en, "%s", value.english())
		}
	}
	return r.Feature, r.Feature // a model of other features than ours; it is told as it was named
}

// spoken is a value as a person says it.
type spoken struct {
	value float64
	share bool // in per cent
}

// logarithms are the features that hold ln(1 + what people speak of), and shares those of a whole.
var (
	logarithms = map[string]bool{"margin": true, "tenure": true, "uses": true, "unused": true}
	inShares   = map[string]bool{"value_lost": true, "silence_share": true}
)

func sayValue(feature string, v float64) spoken {
	switch {
	case logarithms[feature]:
		return spoken{value: math.Expm1(v)}
	case inShares[feature]:
		return spoken{value: 100 * v, share: true}
	}
	return spoken{value: v}
}

// english writes 1,234 and 2.5, and 40%.
func (s spoken) english() string {
	if s.share {
		return s.digits(",", ".") + "%"
	}
	return s.digits(",", ".")
}

// french writes 1 234 and 2,5, and 40 %, with spaces that do not break.
func (s spoken) french() string {
	if s.share {
		return s.digits("\u202f", ",") + "\u202f%"
	}
	return s.digits("\u202f", ",")
}

// digits writes a number with one decimal below 10 (none where it is whole), and none from 10 on.
func (s spoken) digits(thousands, point string) string {
	decimals := 0
	if v := math.Abs(s.value); v < 9.95 && math.Abs(v-math.Round(v)) >= 0.05 {
		decimals = 1
	}
	text := strconv.FormatFloat(math.Abs(s.value), 'f', decimals, 64)
	whole, rest, _ := strings.Cut(text, ".")
	for at := len(whole) - 3; at > 0; at -= 3 {
		whole = whole[:at] + thousands + whole[at:]
	}
	if rest != "" {
		whole += point + rest
	}
	if s.value < 0 && whole != "0" {
		whole = "-" + whole
	}
	return whole
}
