package simulate_test

import (
	"cmp"
	"math"
	"slices"
	"sync"
	"testing"
	"time"

	"parcours/pipeline/event"
	"parcours/pipeline/rules"
	"parcours/pipeline/simulate"
)

const oneDay = 24 * time.Hour

// leavers is the company whose customers come and go, and what became of them.
type leavers struct {
	*simulate.Simulator
	parameters *simulate.Parameters
	losses     map[string]simulate.Loss
	risks      []simulate.Risk
}

func leaversOf(p *simulate.Parameters, customers int, seed uint64) *leavers {
	l := &leavers{parameters: p, losses: map[string]simulate.Loss{}}
	l.Simulator = simulate.New(simulate.Config{Customers: customers, Days: 900, Seed: seed, Parameters: p})
	for _, x := range l.Losses() {
		l.losses[x.Customer] = x
	}
	return l
}

// lost says whether a customer leaves of their own will within so many days.
func (l *leavers) lost(customer string, at event.Instant, days int) bool {
	x, ends := l.losses[customer]
	return ends && x.By == "customer" && x.At >= at && x.At < at.Add(time.Duration(days)*oneDay)
}

// many are enough customers to say something of rates; they are played once.
var many = sync.OnceValue(func() *leavers {
	p, err := simulate.Company("leavers")
	if err != nil {
		panic(err)
	}
	l := leaversOf(p, 6000, 5)
	l.risks = slices.Collect(l.Risks())
	return l
})

// some are enough to look at each.
var some = sync.OnceValue(func() *leavers { return leaversOf(many().parameters, 2000, 2) })

// TestBaseRate: customers leave at a rate that a company could have, in each segment; captive ones never do, and some contracts
// are ended by others.
func TestBaseRate(t *testing.T) {
	l := many()
	years, gone, others := map[string]float64{}, map[string]float64{}, 0.0
	for _, r := range l.risks {
		years[r.Segment] += 1.0 / 12
		years[""] += 1.0 / 12
	}
	for _, x := range l.losses {
		switch x.By {
		case "customer":
			gone[x.Segment]++
			gone[""]++
		default:
			others++
		}
	}
	for segment, n := range years {
		rate := gone[segment] / n
		t.Logf("%q: %.1f %% a year, %.0f losses", segment, 100*rate, gone[segment])
		if segment == "" && (rate < 0.04 || rate > 0.06) || rate < 0.02 || rate > 0.10 {
			t.Errorf("%q: %.1f %% leave a year", segment, 100*rate)
		}
	}
	if gone["captive"] != 0 || years["captive"] != 0 || len(years) != 4 {
		t.Errorf("captive customers leave, or have a risk: %v, %v", gone, years)
	}
	if rate := others / years[""]; rate < 0.008 || rate > 0.018 {
		t.Errorf("others end %.1f %% of contracts a year", 100*rate)
	}
}

// TestRisksAreCalibrated: of those with some risk as many leave as that says, overall, in each segment, and in each tenth, as
// far as so many losses can tell. (With three times 20,000 customers: 0.98, 0.99 and 1.01 times as many at the three horizons.)
func TestRisksAreCalibrated(t *testing.T) {
	l, gone := many(), map[string]float64{}
	for _, x := range l.losses {
		if x.By == "customer" {
			gone[x.Segment]++
			gone[""]++
		}
	}
	for h, days := range simulate.Horizons {
		var known []simulate.Risk
		expected, observed := map[string]float64{}, map[string]float64{}
		for _, r := range l.risks {
			if r.At.Add(time.Duration(days)*oneDay) > l.End() {
				continue
			}
			known = append(known, r)
			expected[""] += r.P[h]
			expected[r.Segment] += r.P[h]
			if l.lost(r.Customer, r.At, days) {
				observed[""]++
				observed[r.Segment]++
			}
		}
		for segment, e := range expected {
			within := 0.03 + 2.5/math.Sqrt(gone[segment])
			if ratio := observed[segment] / e; math.Abs(ratio-1) > within {
				t.Errorf("%d days, %q: observed/expected %.3f", days, segment, ratio)
			}
		}
		slices.SortStableFunc(known, func(a, b simulate.Risk) int { return cmp.Compare(a.P[h], b.P[h]) })
		for part := 5; part < 10; part++ { // those of whom enough leave
			e, o := 0.0, 0.0
			for _, r := range known[len(known)*part/10 : len(known)*(part+1)/10] {
				e += r.P[h]
				if l.lost(r.Customer, r.At, days) {
					o++
				}
			}
			if within := 0.1 + 4/math.Sqrt(e); math.Abs(o/e-1) > within {
				t.Errorf("%d days, tenth %d: observed/expected %.3f", days, part+1, o/e)
			}
		}
		t.Logf("%d days: observed/expected %.3f, AUC %.3f", days, observed[""]/expected[""], l.auc(known, h))
	}
	known := slices.DeleteFunc(slices.Clone(l.risks), func(r simulate.Risk) bool { return r.At.Add(90*oneDay) > l.End() })
	if auc := l.auc(known, 1); auc < 0.75 || auc > 0.85 {
		t.Errorf("the best AUC possible at 90 days is %.3f: too easy, or too hard", auc)
	}
}

// auc is how often somebody who leaves had the higher risk than somebody who does not.
func (l *leavers) auc(risks []simulate.Risk, h int) float64 {
	risks = slices.Clone(risks)
	slices.SortFunc(risks, func(a, b simulate.Risk) int { return cmp.Compare(a.P[h], b.P[h]) })
	ranks, lost := 0.0, 0.0
	for i := 0; i < len(risks); {
		j := i
		for j < len(risks) && risks[j].P[h] == risks[i].P[h] {
			j++
		}
		for k := i; k < j; k++ {
			if l.lost(risks[k].Customer, risks[k].At, simulate.Horizons[h]) {
				ranks += float64(i+j+1) / 2
				lost++
			}
		}
		i = j
	}
	return (ranks - lost*(lost+1)/2) / (lost * (float64(len(risks)) - lost))
}

// TestNothingComesAfterTheEnd: nor before the contract; and the contract ends once, as the truth says.
func TestNothingComesAfterTheEnd(t *testing.T) {
	l := some()
	began, ended := map[string]event.Instant{}, map[string]int{}
	for h := range l.Happened() {
		e := &h.Event
		who := e.Data.Identifiers.Get("customer")
		if who == "" {
			continue
		}
		x, ends := l.losses[who]
		switch _, has := began[who]; {
		case e.Type == event.ContractStarted && has:
			t.Fatalf("a second contract: %s", e.String())
		case e.Type == event.ContractStarted:
			began[who] = e.At
		case !has:
			t.Fatalf("before the contract: %s", e.String())
		case ends && e.At > x.At, ends && e.At == x.At && e.Type != event.ContractCancelled:
			t.Fatalf("after the end at %s: %s", x.At, e.String())
		}
		if e.Type == event.ContractCancelled {
			if ended[who]++; !ends || e.At != x.At || e.Data.InitiatedBy != x.By || e.Data.Cause != x.Cause {
				t.Errorf("%s: the truth says %+v", e.String(), x)
			}
		}
	}
	for who := range l.losses {
		if ended[who] != 1 {
			t.Errorf("customer %s: %d ends of the contract", who, ended[who])
		}
	}
	cut := 0
	for n := range l.Truth() {
		x, ends := l.losses[n.Customer]
		if n.Ending == simulate.Lost {
			cut++
		}
		for _, f := range n.Failures {
			if ends && f.At >= x.At {
				t.Errorf("a failure after the end: %+v", n)
			}
		}
		if ends && n.EndedAt >= x.At || n.Ending == simulate.Lost && !ends {
			t.Errorf("need %+v, the contract ended %+v", n, x)
		}
	}
	if len(began) != 2000 || len(ended) < 100 || cut < 5 {
		t.Errorf("%d contracts, %d ended, %d needs cut short", len(began), len(ended), cut)
	}
}

// TestContractsAreOfAllAges: most began before the first day, in order of time, and new customers replace those who go.
func TestContractsAreOfAllAges(t *testing.T) {
	l := some()
	start, old, joined := event.Instant(0), 0, 0
	first, _ := l.parameters.FirstDay()
	start = event.InstantOf(first)
	bands := [3]int{}
	for h := range l.Happened() {
		if h.Event.Type != event.ContractStarted {
			continue
		}
		years := start.Sub(h.Event.At).Hours() / 24 / 365
		switch {
		case years < 0:
			joined++
			continue
		case years < 1:
			bands[0]++
		case years < 3:
			bands[1]++
		default:
			bands[2]++
		}
		old++
	}
	if slices.Min(bands[:]) < old/6 || joined < len(l.losses)*3/4 || joined > len(l.losses)*4/3 {
		t.Errorf("contracts by age %v, %d joined, %d ended", bands, joined, len(l.losses))
	}
}

// TestLeavingIsAnnounced: by some, days before; some of them are kept.
func TestLeavingIsAnnounced(t *testing.T) {
	l := some()
	said, asked, kept := map[string]event.Instant{}, 0, 0
	for h := range l.Happened() {
		e := &h.Event
		who := e.Data.Identifiers.Get("customer")
		switch e.Type {
		case event.ContractCancelRequested, event.PortabilityRequested:
			if asked++; said[who] != 0 {
				t.Errorf("asked again: %s", e.String())
			}
			said[who] = e.At
		case event.ContractRetained:
			if kept++; said[who] == 0 {
				t.Errorf("kept without having asked: %s", e.String())
			}
			delete(said, who)
		case event.ContractCancelled:
			if x := l.losses[who]; e.Data.InitiatedBy == "customer" && x.AnnouncedAt != said[who] {
				t.Errorf("%s: announced %s, the truth says %s", e.String(), said[who], x.AnnouncedAt)
			}
		}
	}
	announced, waited, silent, quiet := 0.0, 0.0, 0.0, 0.0
	for _, x := range l.losses {
		switch days := x.At.Sub(x.DecidedAt).Hours() / 24; {
		case x.By != "customer":
			if x.DecidedAt != 0 {
				t.Errorf("somebody else decided: %+v", x)
			}
		case x.DecidedAt == 0 || days < 0 || x.AnnouncedAt != 0 && x.AnnouncedAt != x.DecidedAt:
			t.Errorf("loss %+v", x)
		case x.AnnouncedAt != 0:
			announced, waited = announced+1, waited+days
		default:
			silent, quiet = silent+1, quiet+days
		}
	}
	c := l.parameters.Churn
	share, want := announced/(announced+silent), c.PAnnounced*(1-c.PRetained)/(1-c.PAnnounced*c.PRetained)
	t.Logf("%d asked, %d kept; %.0f announced %.1f days before, %.0f silent for %.1f days", asked, kept, announced, waited/announced, silent, quiet/silent)
	if math.Abs(share-want) > 0.1 || math.Abs(float64(kept)/float64(asked)-c.PRetained) > 0.1 {
		t.Errorf("announced %.2f, want %.2f; kept %d of %d", share, want, kept, asked)
	}
	if math.Abs(waited/announced-c.Notice) > 3 || math.Abs(quiet/silent-c.Quiet) > 6 {
		t.Errorf("announced %.1f days before, silent for %.1f", waited/announced, quiet/silent)
	}
}

// TestUsesStop: who uses the service every few days does so no more after having decided to leave in silence.
func TestUsesStop(t *testing.T) {
	l := some()
	last, count, gaps, n := map[string]event.Instant{}, map[string]int{}, 0.0, 0.0
	for h := range l.Happened() {
		if e := &h.Event; e.Source == "/sim/app" && e.Type == event.ServiceUsed {
			who := e.Data.Identifiers.Get("customer")
			if before := last[who]; before != 0 {
				gaps, n = gaps+e.At.Sub(before).Hours()/24, n+1
			}
			last[who] = e.At
			count[who]++
		}
	}
	c := l.parameters.Churn
	if mean, want := gaps/n, float64(c.Every[0]+c.Every[1])/2/(1-c.PSkips); math.Abs(mean-want) > 0.5 {
		t.Errorf("%.1f days between uses, want %.1f", mean, want)
	}
	if share := float64(len(count)) / 2000; math.Abs(share-c.PUses) > 0.05 {
		t.Errorf("%.2f use something", share)
	}
	stopped := 0
	for who, at := range last {
		if x, ends := l.losses[who]; ends && x.DecidedAt != 0 && x.AnnouncedAt == 0 {
			if stopped++; at.Sub(x.DecidedAt) > oneDay {
				t.Errorf("customer %s used something at %s and had decided at %s", who, at, x.DecidedAt)
			}
		}
	}
	if stopped < 20 {
		t.Errorf("only %d who use something left in silence", stopped)
	}
}

// TestSmallerIsTheSameCompanyOfLeavers: who leaves, and how probable it was, does not depend on how many others there are.
func TestSmallerIsTheSameCompanyOfLeavers(t *testing.T) {
	p := company(t, "leavers")
	small, big := leaversOf(p, 60, 7), leaversOf(p, 300, 7)
	small.risks, big.risks = slices.Collect(small.Risks()), slices.Collect(big.Risks())
	others := func(r simulate.Risk) bool { return r.Customer > "10000060" }
	if a, b := small.risks, slices.DeleteFunc(slices.Clone(big.risks), others); len(a) == 0 || !slices.Equal(a, b) {
		t.Errorf("%d risks of 60 customers, %d of the same ones among 300", len(a), len(b))
	}
	for who, x := range big.losses {
		if who <= "10000060" && small.losses[who] != x {
			t.Errorf("customer %s: %+v among 60, %+v among 300", who, small.losses[who], x)
		}
	}
}

// TestRulesOfLeavers: the rules that go with the company know its segments by what a contract says.
func TestRulesOfLeavers(t *testing.T) {
	book, err := rules.Parse("leavers.yaml", simulate.Rules("leavers"))
	if err != nil {
		t.Fatal(err)
	}
	l, seen := some(), map[string]bool{}
	segments := map[string]string{}
	for n := range l.Truth() {
		segments[n.Customer] = n.Segment
	}
	for h := range l.Happened() {
		d := &h.Event.Data
		if h.Event.Type != event.ContractStarted || segments[d.Identifiers.Get("customer")] == "" {
			continue
		}
		i := slices.IndexFunc(book.Segments, func(x rules.Segment) bool {
			return (x.Captive == nil || *x.Captive == d.Captive) && (x.Product == "" || x.Product == d.Product)
		})
		want := segments[d.Identifiers.Get("customer")]
		if i < 0 || book.Segments[i].Name != want {
			t.Fatalf("%s: the rules say segment %d, the company %s", h.Event.String(), i, want)
		}
		seen[want] = true
	}
	if len(seen) != 4 || simulate.Rules("default") != nil {
		t.Errorf("segments %v; the default company has rules %q", seen, simulate.Rules("default"))
	}
}
