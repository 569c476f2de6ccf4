package simulate

import (
	"cmp"
	"iter"
	"math"
	"slices"
	"time"

	"parcours/pipeline/event"
)

// Horizons are the days within which the truth says how probable a loss is.
var Horizons = [3]int{30, 90, 365}

// Risk is the probability that a customer whose contract is in force leaves of their own will within each of Horizons, as
// of the first of a month: that of somebody who knows the parameters and has seen all that happened up to then, and nothing
// of what comes. docs/simulator.md says what it neglects.
type Risk struct {
	Customer string
	Segment  string
	At       event.Instant
	P        [3]float64
}

// outlook is what is the same for all customers about the days to come.
type outlook struct {
	steps  []float64   // days from now to the middle of each step
	width  []float64   // days of each
	fades  [][]float64 // [cause][step]: what is left of an exposure
	gone   [3][]float64
	said   [3]float64          // gone within each horizon, of those who have said so: whatever comes later
	silent [3]float64          // of those who have decided in silence
	kept   [3]float64          // of those who have said so: stays after all
	others float64             // a day
	seen   []float64           // chance that one who used something so many days ago does today
	paths  map[string][]future // by segment: weights add up to 1
}

const (
	othersSeen = 4000 // customers whose failures say what is to come for others
	warmUp     = 100  // days of these which are left out
	futures    = 13   // of each of them, a month apart
)

// newOutlook looks at what happens to other customers of such a company, who never leave.
func newOutlook(s *Simulator) *outlook {
	c := s.parameters.Churn
	o := &outlook{others: c.Others / daysPerYear, paths: map[string][]future{}, seen: habits(c)}
	from := 0.0
	for _, part := range [...]struct{ until, width float64 }{{30, 3}, {90, 6}, {365, 25}} {
		for ; from < part.until; from += part.width {
			o.steps, o.width = append(o.steps, from+part.width/2), append(o.width, part.width)
		}
	}
	for _, cause := range c.Causes {
		var fades []float64
		for _, u := range o.steps {
			fades = append(fades, math.Exp2(-u/cause.Decay))
		}
		o.fades = append(o.fades, fades)
	}
	o.delays(c)
	o.foresee(s)
	return o
}

// delays says how probable it is that who decides, or has decided, is gone within each horizon.
func (o *outlook) delays(c *Churn) {
	ends := func(days, mean float64) float64 { // somebody leaves within days who does so on each day with chance 1/mean
		rate := -math.Log1p(-min(1/mean, 1-1e-9))
		return rate / (rate + o.others) * -math.Expm1(-(rate+o.others)*max(0, days))
	}
	for h, horizon := range Horizons {
		days := float64(horizon)
		resolved := ends(days, c.Notice)
		o.said[h], o.kept[h], o.silent[h] = (1-c.PRetained)*resolved, c.PRetained*resolved, ends(days, c.Quiet)
		for _, u := range o.steps {
			o.gone[h] = append(o.gone[h], c.PAnnounced*(1-c.PRetained)*ends(days-u, c.Notice)+(1-c.PAnnounced)*ends(days-u, c.Quiet))
		}
	}
}

// foresee plays other customers, and sorts their futures, each of which is a factor on the hazard of each step, by segment
// into bunches of like ones.
func (o *outlook) foresee(s *Simulator) {
	p := *s.parameters
	causes := p.Churn.Causes
	days := warmUp + (futures-1)*30 + Horizons[len(Horizons)-1]
	unmoved := *p.Churn
	unmoved.Joins, unmoved.Confound = 0, nil
	p.Churn, p.Shifts = &unmoved, nil
	others := New(Config{Customers: othersSeen, Days: days, Seed: ^s.config.Seed, Start: s.config.Start, Parameters: &p})
	all := map[string][]future{}
	for n := 1; n <= othersSeen; n++ {
		segment := others.customer(n).segment.Name
		blows := others.suffered(n)
		for i := range futures {
			all[segment] = append(all[segment], o.future(blows, causes, others.start.Add(time.Duration(warmUp+30*i)*day)))
		}
	}
	for i := range p.Segments {
		name := p.Segments[i].Name
		o.paths[name] = bunch(all[name])
	}
}

// future is a factor for each step.
type future struct {
	factors []float64
	weight  float64 // of one, the sum of them; of a bunch, its share
}

// future is what failures from a moment on do.
func (o *outlook) future(blows []blow, causes []Cause, now event.Instant) future {
	f := future{factors: make([]float64, len(o.steps))}
	for j, u := range o.steps {
		sum := 0.0
		at := now.Add(time.Duration(u * float64(day)))
		for _, x := range blows {
			if x.at >= now && x.at < at {
				c := &causes[x.cause]
				sum += float64(c.Strength * math.Exp2(-at.Sub(x.at).Hours()/24/c.Decay))
			}
		}
		f.factors[j] = math.Exp(sum)
		f.weight += f.factors[j]
	}
	return f
}

// cuts part futures, from the mildest to the worst: of the worst, which are few and weigh most, each part is small.
var cuts = [...]float64{0, 0.3, 0.5, 0.6, 0.7, 0.75, 0.8, 0.84, 0.87, 0.9, 0.92, 0.94, 0.95, 0.96, 0.97, 0.975, 0.98, 0.985, 0.99, 0.995, 1}

// bunch takes the means of like futures.
func bunch(all []future) (means []future) {
	slices.SortStableFunc(all, func(a, b future) int { return cmp.Compare(a.weight, b.weight) })
	for i := 1; i < len(cuts); i++ {
		part := all[int(cuts[i-1]*float64(len(all))):int(cuts[i]*float64(len(all)))]
		if len(part) == 0 {
			continue
		}
		mean := future{weight: float64(len(part)) / float64(len(all)), factors: make([]float64, len(part[0].factors))}
		for _, f := range part {
			for j := range mean.factors {
				mean.factors[j] += f.factors[j] / float64(len(part))
			}
		}
		means = append(means, mean)
	}
	return means
}

// assess notes the risk of a customer as of a moment.
func (l *leaving) assess(at event.Instant) {
	if l.segment.Captive {
		return
	}
	r := risk{at: at}
	stays := l.willDecide(at)
	for h := range Horizons {
		p := l.belief*stays[h] + (1-l.belief)*l.outlook.silent[h]
		if l.state == announced {
			p = l.outlook.said[h] + l.outlook.kept[h]*stays[h]
		}
		r.p[h] = float32(p)
	}
	l.risks = append(l.risks, r)
}

// willDecide is the probability that a customer who has decided nothing is gone within each horizon, over the bunches of
// futures, each as probable as another.
func (l *leaving) willDecide(at event.Instant) (p [3]float64) {
	o := l.outlook
	own := make([]float64, len(o.steps))
	for j, u := range o.steps {
		sum := l.logBase(at.Add(time.Duration(u * float64(day))))
		for i := range l.exposure {
			sum += float64(l.churn.Causes[i].Strength * l.exposure[i] * o.fades[i][j])
		}
		own[j] = math.Exp(sum)
	}
	back := 1 - float64(l.churn.PAnnounced*l.churn.PRetained) // who is kept may decide again
	for _, path := range o.paths[l.segment.Name] {
		there := path.weight
		for j, factor := range path.factors {
			hazard := float64(own[j] * factor * o.width[j])
			leaves := there * chanceOf(hazard)
			there -= leaves * back
			there *= 1 - o.others*o.width[j]
			for h := range Horizons {
				p[h] += leaves * o.gone[h][j]
			}
		}
	}
	return p
}

// chanceOf is 1 - exp(-hazard).
func chanceOf(hazard float64) float64 {
	if hazard < 1e-3 {
		return hazard - hazard*hazard/2
	}
	return -math.Expm1(-hazard)
}

// habit draws when a customer uses something, if only as long as they mean to stay.
func (l *leaving) habit() {
	c := l.churn
	if l.rng.Float64() >= c.PUses {
		return
	}
	d := 0
	if l.began > l.start {
		d = int(l.began.Sub(l.start)/day) + 1
	}
	for d += l.rng.IntN(c.Every[1]); d < l.config.Days; {
		l.uses = append(l.uses, l.start.Add(time.Duration(d)*day+time.Duration(6*3600+l.rng.IntN(16*3600))*time.Second))
		for skipped := true; skipped; skipped = l.rng.Float64() < c.PSkips {
			d += c.Every[0] + l.rng.IntN(c.Every[1]-c.Every[0]+1)
		}
	}
}

// habits says, for each number of days since the last use, how probable it is that somebody who means to stay uses something
// today, who has not since.
func habits(c *Churn) []float64 {
	const days = 400
	gap := make([]float64, days) // chance that the next use comes after so many days
	one := 1 / float64(c.Every[1]-c.Every[0]+1)
	for d := range gap {
		for n := c.Every[0]; n <= c.Every[1] && n <= d; n++ {
			after := gap[d-n] * c.PSkips
			if n == d {
				after = 1 - c.PSkips
			}
			gap[d] += float64(one * after)
		}
	}
	left := 1.0
	for d, p := range gap {
		gap[d] = min(1, p/max(left, 1e-300))
		left -= p
	}
	return gap
}

// believe takes in what a day has shown of a customer who said nothing: less and less is known of those who use nothing.
func (l *leaving) believe(at event.Instant, before state, chance float64, cut bool) {
	usual := l.churn.Values / daysPerYear / 2
	stays, silent := l.use(at.Add(day), before)
	if before == announced || before == ended {
		l.belief = 1
		return
	}
	decides := l.churn.PCut
	if !cut {
		usual, decides = 1-usual, 1-decides
	}
	still := l.belief * (1 - chance) * usual * stays
	now := l.belief * chance * (1 - l.churn.PAnnounced) * decides * stays
	then := (1 - l.belief) * (1 - 1/l.churn.Quiet) * usual * silent
	if sum := still + now + then; sum > 0 {
		l.belief = still / sum
	}
}

// use lets the uses of a day pass which ends at a moment, and says how probable what was seen is: of one who means to stay,
// and of one who has decided in silence before.
func (l *leaving) use(until event.Instant, before state) (stays, silent float64) {
	today := l.passed < len(l.uses) && l.uses[l.passed] < until
	if today {
		l.passed++
	}
	today = today && before != quiet
	idle := l.idle
	switch {
	case today:
		l.idle = 1
	case idle > 0:
		l.idle++
	}
	if idle == 0 {
		return 1, 1 // nothing was expected
	}
	p := l.outlook.seen[min(idle, len(l.outlook.seen)-1)]
	if today {
		return p, 0
	}
	return 1 - p, 1
}

// Losses gives the ends of contracts, in order of customers.
func (s *Simulator) Losses() []Loss {
	var all []Loss
	for i := range s.fates() {
		if l := s.fate[i].loss; l.By != "" {
			all = append(all, l)
		}
	}
	return all
}

// Risks gives the risk of each customer at each first of a month on which the contract was in force and who is not captive, in order
// of time and customer.
func (s *Simulator) Risks() iter.Seq[Risk] {
	return func(yield func(Risk) bool) {
		risks := s.risks()
		next := make([]int, len(risks))
		for at := firstOfMonth(s.start); at < s.end; at = firstOfMonth(at + 1) {
			for i, of := range risks {
				if next[i] == len(of) || of[next[i]].at >= at.Add(day) {
					continue
				}
				if !yield(of[next[i]].told(&s.fate[i])) {
					return
				}
				next[i]++
			}
		}
	}
}

// risks gives those of each customer, computed once.
func (s *Simulator) risks() [][]risk {
	fates := s.fates()
	s.assessed.Do(func() {
		if fates == nil {
			return
		}
		o := newOutlook(s)
		for i := range fates {
			s.risk = append(s.risk, slices.Clip(s.goThrough(i+1, fates[i].suffered, o).risks))
		}
	})
	return s.risk
}

func (r *risk) told(f *fate) Risk {
	out := Risk{Customer: f.loss.Customer, Segment: f.loss.Segment, At: r.at}
	for h, p := range r.p {
		out.P[h] = float64(p)
	}
	return out
}
