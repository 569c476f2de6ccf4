package churn

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// monthDays is the length of a month of hazard, and monthGroups of them are of one hazard each.
const monthDays = 30

// monthGroups are the first and the last month of each group.
var monthGroups = [3][2]int{{1, 1}, {2, 3}, {4, 12}}

// monthsTo is how many months of each group lie within each horizon: 365 days are 12 months and a sixth.
var monthsTo = [3][3]float64{{1, 0, 0}, {1, 2, 0}, {1, 2, 275. / 30}}

// binding is a model made ready for rows as columns say.
type binding struct {
	place  []int     // of each feature of the model in Row.X
	group  []int     // of each feature: its family, by number
	groups int       // how many families there are
	hashes []uint16  // of each family: its name
	asked  []bool    // of each column: whether a score depends on it
	wanted *asked    // the same of AllFeatures; nil where the columns are others
	said   []saying  // of each feature: when its words are true
	known  []knowing // of each feature: how a row says that its value is known
	voice  []voicePart
	useful []useful     // features that have a coefficient or an error; the others are not looked at
	glance []glance     // of each of these: as much of it as it takes where it is 0
	family [][]int32    // of each family: which of these are in it
	mute   [][]bool     // by segment and family: where all of the family is 0, it raises no score
	slopes [][3]float64 // coefficients by feature, recalibrated
	start  [][3]float64 // log odds by segment, last of everybody, where all features are 0
	base   [][3]float64 // probability of a loss within each of Horizons, by segment
	// pairs holds the covariance in the three hazards of the parameters that are free in any, the ith with the jth, i >= j, at
	// i(i+1)/2 + j, twice where i > j: then a variance is the sum of each once.
	free  []int32 // of a parameter: which of them it is; -1 for none. Parameter 0 is the intercept, then offsets, then coefficients
	pairs [][3]float64
}

// useful is all of a feature that a score is made with, in one place, and less than a line of memory.
type useful struct {
	slopes  [3]float64
	least   float64
	most    float64
	feature int16
	param   int16
	place   int16
	group   int16
	known   knowing
	said    saying
}

// glance is where a feature stands in Row.X, and whether it takes a look even where it is 0 there: that may be unknown, or less than training saw.
type glance struct {
	place int16
	look  bool
}

// bind makes a model ready for rows as columns say.
func (m *Model) bind(columns Columns) error {
	if len(m.Features)+len(m.Segments) >= most {
		return fmt.Errorf("it looks at %d features of %d segments, more than %d", len(m.Features), len(m.Segments), most)
	}
	b := &binding{voice: voiceOf(columns)}
	b.group, b.groups = families(m.Features)
	b.hashes = make([]uint16, b.groups)
	for i, f := range m.Features {
		b.hashes[b.group[i]] = familyHash(FamilyOf(f))
	}
	names := columns.Names()
	for _, f := range m.Features {
		place := slices.Index(names, f)
		if place < 0 {
			return fmt.Errorf("it looks at %.60q, which is no feature", f)
		}
		_, en := columns.Words(place)
		b.place = append(b.place, place)
		b.said = append(b.said, saying{strings.Contains(en, "%s"), int8(columns.Sign(place))})
		b.known = append(b.known, m.knowing(f, names))
	}
	b.recalibrated(m)
	b.covariances(m)
	for i, slopes := range b.slopes {
		if slopes != [3]float64{} || b.free[1+len(m.Segments)+i] >= 0 {
			b.useful = append(b.useful, useful{
				slopes, m.Least[i], m.Most[i], int16(i), int16(1 + len(m.Segments) + i), int16(b.place[i]), int16(b.group[i]), b.known[i], b.said[i],
			})
		}
	}
	b.glances(m)
	b.ask(len(names))
	if all, are := columns.(*Features); are {
		b.wanted = all.ask(b.asked)
	}
	m.bound = b
	return nil
}

// glances says of what is 0 when it may be passed over, as most of what can befall a customer is.
func (b *binding) glances(m *Model) {
	b.family = make([][]int32, b.groups)
	for i := range b.useful {
		u := &b.useful[i]
		b.glance = append(b.glance, glance{u.place, u.known.place >= 0 || u.least > 0 || u.most < 0})
		b.family[u.group] = append(b.family[u.group], int32(i))
	}
	for _, means := range m.Means {
		mute := make([]bool, b.groups)
		for f, members := range b.family {
			mute[f] = !slices.ContainsFunc(members, func(i int32) bool { return b.useful[i].raisesAt0(means[b.useful[i].feature]) })
		}
		b.mute = append(b.mute, mute)
	}
}

// raisesAt0 says whether a feature that is 0 may raise a score above that of a customer with the mean, however the months share in it:
// no share is below 0.
func (u *useful) raisesAt0(mean float64) bool {
	return slices.ContainsFunc(u.slopes[:], func(slope float64) bool { return slope*-mean > 0 })
}

// ask notes the columns that a score depends on.
func (b *binding) ask(columns int) {
	b.asked = make([]bool, columns)
	for i := range b.useful {
		b.asked[b.useful[i].place] = true
		if known := b.useful[i].known.place; known >= 0 {
			b.asked[known] = true
		}
	}
	for _, part := range b.voice {
		b.asked[part.place] = true
	}
}

// knowing is how a row says that the value of a feature is known: at a place in Row.X, where it stands as 0 when it is not.
type knowing struct {
	place  int16 // -1 where the value is always known
	learnt bool  // the model has seen both, so that its coefficients say what an unknown value means
}

// ofKnown is behind the name of a feature in the name of the one that is 1 where its value is known.
const ofKnown = "_known"

func (m *Model) knowing(feature string, names []string) knowing {
	k := knowing{place: int16(slices.Index(names, feature+ofKnown))}
	if i := slices.Index(m.Features, feature+ofKnown); i >= 0 {
		k.learnt = slices.ContainsFunc(m.Months[:], func(h Hazard) bool { return h.Coefficients[i] != 0 })
	}
	return k
}

// unknown says whether the value of a feature is not known of a row.
func (k knowing) unknown(row *Row) bool { return k.place >= 0 && row.X[k.place] == 0 }

// recalibrated multiplies out what the recalibration does.
func (b *binding) recalibrated(m *Model) {
	b.slopes, b.start = make([][3]float64, len(m.Features)), make([][3]float64, len(m.Segments)+1)
	for g := range m.Months {
		h := &m.Months[g]
		for i, c := range h.Coefficients {
			b.slopes[i][g] = h.Slope * c
		}
		for s := range b.start {
			b.start[s][g] = h.Level + h.Slope*h.Intercept
			if s < len(m.Segments) {
				b.start[s][g] += h.Levels[s] + h.Slope*h.Offsets[s]
			}
		}
	}
	for _, base := range m.Base {
		b.base = append(b.base, probabilities(base))
	}
}

// covariances lays those of the three hazards beside each other.
func (b *binding) covariances(m *Model) {
	b.free = slices.Repeat([]int32{-1}, 1+len(m.Segments)+len(m.Features))
	n := int32(0)
	for p := range b.free {
		if slices.ContainsFunc(m.Months[:], func(h Hazard) bool { _, found := slices.BinarySearch(h.Free, p); return found }) {
			b.free[p] = n
			n++
		}
	}
	b.pairs = make([][3]float64, n*(n+1)/2)
	for g := range m.Months {
		h := &m.Months[g]
		at := 0
		for i, p := range h.Free {
			for j, q := range h.Free[:i+1] {
				v := h.Slope * h.Slope * float64(h.Covariance[at])
				if i != j {
					v *= 2
				}
				b.pairs[b.free[p]*(b.free[p]+1)/2+b.free[q]][g] = v
				at++
			}
		}
	}
}

// segment is the index of a segment, that of everybody for one that training did not know.
func (m *Model) segment(name string) int {
	if i, found := slices.BinarySearch(m.Segments, name); found {
		return i
	}
	return len(m.Segments)
}

// Score is what the model says of a row as of its landmark. Of a customer who objected it says nothing: every figure is
// NaN and there is no reason. A captive customer gets a voice risk, with the reasons for that, and no probability.
func (m *Model) Score(row *Row) (s Score) {
	var w working
	m.decisive(row, &w, nil, &s)
	m.complete(row, &w, &s)
	return s
}

// working is what a score is made with; it needs not be cleared between two.
type working struct {
	seen    seen
	segment int
	odds    [3]float64
	rates   [3]float64 // cumulative hazard of a month in each group
	hazards [3]float64
	by      [3]float64     // how much log odds move the log of the cumulative hazard of a year
	weights []familyWeight // of those families that can be reasons
	judged  bool           // there are probabilities
}

// decisive sets of a score what it takes to decide whether it is worth telling: all but most figures of loss. Its reasons lie in a room.
func (m *Model) decisive(row *Row, w *working, room []Reason, s *Score) {
	*s = Score{Customer: row.Customer, AsOf: row.At, Model: m.Version, Prior: m.Prior, Segment: row.Segment, Captive: row.Captive,
		Margin: row.Margin, RecentUses: row.Uses.Recent, Projection: m.Projection}
	s.silence()
	w.judged = false
	switch {
	case row.Objected:
		s.Margin = math.NaN()
	case row.Captive:
		s.VoiceRisk, s.Reasons = m.voiceRisk(row)
	default:
		w.judged, w.segment = true, m.segment(row.Segment)
		m.look(row, w.segment, &w.seen)
		m.foretell(w, s)
		s.Base = m.bound.base[w.segment]
		s.Reasons = m.reasons(row, w, room)
		s.weights = w.weights
	}
}

// complete sets what decisive has left out.
func (m *Model) complete(row *Row, w *working, s *Score) {
	if !w.judged {
		return
	}
	m.intervals(w, s)
	s.ValueAtRisk, s.ValueAtRiskBase = ValueAtRisk(w.hazards, row.Margin), ValueAtRisk(m.Base[w.segment], row.Margin)
}

// silence makes every figure of a score say that there is none.
func (s *Score) silence() {
	none := math.NaN()
	s.P, s.Low, s.High, s.Base = [3]float64{none, none, none}, [3]float64{none, none, none}, [3]float64{none, none, none}, [3]float64{none, none, none}
	s.ValueAtRisk, s.ValueAtRiskBase, s.VoiceRisk, s.ExpectedUses = none, none, none, none
}

// most is how many features and segments a row can have without the scorer allocating.
const most = 192

// seen is a row as the hazards look at it: every useful feature, and what is not 0 in the order of parameters.
type seen struct {
	useful  [most]float64 // those that have been looked at; of another one it is 0
	stirred [most]bool    // families of which something has been looked at
	param   [most]int16
	value   [most]float64
	n       int // of param and value
}

// look gathers a row, each feature within what training saw of it. A value that is none counts as the least; one that is not known as
// 0, or as the mean of the segment where the model has not learnt what that means.
func (m *Model) look(row *Row, segment int, x *seen) {
	x.param[0], x.value[0], x.n = 0, 1, 1
	if segment < len(m.Segments) {
		x.param[1], x.value[1], x.n = int16(1+segment), 1, 2
	}
	b := m.bound
	clear(x.useful[:len(b.useful)])
	clear(x.stirred[:b.groups])
	for i, g := range b.glance {
		v := row.X[g.place]
		if v == 0 && !g.look {
			continue
		}
		f := &b.useful[i]
		x.stirred[f.group] = true
		unknown := f.known.unknown(row)
		if unknown && !f.known.learnt {
			v = m.Means[segment][f.feature]
		}
		switch {
		case unknown && f.known.learnt:
			v = 0
		case !(v > f.least):
			v = f.least
		case v > f.most:
			v = f.most
		}
		x.useful[i] = v
		if v != 0 {
			x.param[x.n], x.value[x.n] = f.param, v
			x.n++
		}
	}
}

// logOdds are those of a loss in a month of each group, recalibrated.
func (m *Model) logOdds(segment int, x *seen) (odds [3]float64) {
	odds = m.bound.start[segment]
	first := int16(1 + len(m.Segments))
	for n, p := range x.param[:x.n] {
		if p >= first {
			v, c := x.value[n], &m.bound.slopes[p-first]
			odds[0] += c[0] * v
			odds[1] += c[1] * v
			odds[2] += c[2] * v
		}
	}
	return odds
}

// variances are those of the log odds: each pair of parameters that are free in any hazard once.
func (m *Model) variances(x *seen) (variance [3]float64) {
	var free [most]int32
	var value [most]float64
	n := 0
	for i, p := range x.param[:x.n] {
		at := m.bound.free[p]
		if at < 0 {
			continue
		}
		v := x.value[i]
		free[n], value[n] = at, v
		n++
		row := m.bound.pairs[at*(at+1)/2:][:at+1]
		var a, b, c float64
		for k, j := range free[:n] {
			pair, w := &row[j], value[k]
			a += pair[0] * w
			b += pair[1] * w
			c += pair[2] * w
		}
		variance[0] += a * v
		variance[1] += b * v
		variance[2] += c * v
	}
	return variance
}

// foretell sets the probability of a loss within the last of Horizons, and notes what it comes from.
func (m *Model) foretell(w *working, s *Score) {
	w.odds = m.logOdds(w.segment, &w.seen)
	for g := range w.odds {
		w.rates[g], w.hazards[g] = rateOf(w.odds[g]), logistic(w.odds[g])
	}
	const year = len(Horizons) - 1
	cumulative := w.cumulative(year)
	s.P[year] = -math.Expm1(-cumulative)
	for g := range w.by {
		w.by[g] = monthsTo[year][g] * w.hazards[g] / cumulative
	}
}

// cumulative hazard within one of Horizons.
func (w *working) cumulative(horizon int) (sum float64) {
	for g := range w.rates {
		sum += monthsTo[horizon][g] * w.rates[g]
	}
	return sum
}

// intervals sets all probabilities and their intervals. An interval is that of the logarithm of the cumulative hazard, by the delta
// method, so that it stays between 0 and 1.
func (m *Model) intervals(w *working, s *Score) {
	variance := m.variances(&w.seen)
	var spread [3]float64 // standard error of the log odds
	for g := range spread {
		spread[g] = math.Sqrt(max(0, variance[g]))
	}
	for h := range Horizons {
		cumulative := w.cumulative(h)
		var square float64
		var d [3]float64
		for g := range d {
			d[g] = monthsTo[h][g] * w.hazards[g] * spread[g]
			square += d[g] * d[g]
		}
		square += 2 * (m.Correlation[0]*d[0]*d[1] + m.Correlation[1]*d[0]*d[2] + m.Correlation[2]*d[1]*d[2])
		deviation := math.Sqrt(max(0, square)/(cumulative*cumulative) + m.Spread*m.Spread)
		wide := math.Exp(normal95 * deviation)
		s.P[h], s.Low[h], s.High[h] = -math.Expm1(-cumulative), -math.Expm1(-cumulative/wide), -math.Expm1(-cumulative*wide)
	}
}

// probabilities are those of a loss within each of Horizons under constant hazards.
func probabilities(hazards [3]float64) (p [3]float64) {
	for h := range Horizons {
		var cumulative float64
		for g, months := range monthsTo[h] {
			cumulative -= months * math.Log1p(-hazards[g])
		}
		p[h] = -math.Expm1(-cumulative)
	}
	return p
}

// logistic is 1 / (1 + e^-v).
func logistic(v float64) float64 { return 1 / (1 + math.Exp(-v)) }

// rateOf is the cumulative hazard of a month, -ln(1-h), whose hazard has these log odds.
func rateOf(odds float64) float64 {
	if odds > 0 {
		return odds + math.Log1p(math.Exp(-odds))
	}
	return math.Log1p(math.Exp(odds))
}
