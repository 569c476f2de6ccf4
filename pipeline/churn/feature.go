package churn

import (
	"math"
	"slices"
	"strconv"
	"sync"

	"parcours/pipeline/journey"
	"parcours/pipeline/rules"
)

// Features are what a model looks at: names in a fixed order, each with the direction in which it may move a risk, and words.
// Segment and product are none of them. A feature is 0 where nothing is known of it.
type Features struct {
	list   []feature
	number map[string]int
	all    asked
}

type feature struct {
	name   string
	group  string
	sign   int
	fr, en string // with one %s for the value
	log    bool   // of 1 more
}

// AllFeatures are all of them, read only.
func AllFeatures() *Features { return allFeatures() }

var allFeatures = sync.OnceValue(func() *Features {
	f := &Features{number: map[string]int{}}
	f.addBreakpoints()
	f.addCounts()
	f.addAnswers()
	f.addContract()
	f.addUse()
	f.addSeason()
	return f
})

// Names are those of the features, in their order.
func (f *Features) Names() []string {
	names := make([]string, len(f.list))
	for i := range f.list {
		names[i] = f.list[i].name
	}
	return names
}

// Len is how many there are.
func (f *Features) Len() int { return len(f.list) }

// Number is that of a name; -1 for none.
func (f *Features) Number(name string) int {
	if i, found := f.number[name]; found {
		return i
	}
	return -1
}

// Sign is +1 where more of it may only raise the risk, -1 where it may only lower it, 0 where it is free.
func (f *Features) Sign(i int) int { return f.list[i].sign }

// Group is the reason that a feature is part of: those of one group (the three decays of one kind of breakpoint, say) are one
// reason. It is the part of the name before the colon, or the whole name.
func (f *Features) Group(i int) string { return f.list[i].group }

// Value is a feature as a person would say it: a number of days or years, an amount, a share of 1. Models look at the
// logarithm of some.
func (f *Features) Value(i int, x float64) float64 {
	if f.list[i].log {
		return math.Round(math.Expm1(x)*1e4) / 1e4
	}
	return x
}

// Words say a feature in French and in English. %s stands for its Value; some need none.
func (f *Features) Words(i int) (fr, en string) { return f.list[i].fr, f.list[i].en }

func (f *Features) add(name string, sign int, fr, en string, of func(*State) float64) {
	f.number[name] = len(f.list)
	if of != nil {
		f.all.direct = append(f.all.direct, direct{len(f.list), of})
	}
	f.list = append(f.list, feature{name: name, group: groupOf(name), sign: sign, fr: fr, en: en})
}

// addLog adds a feature of which models look at the logarithm.
func (f *Features) addLog(name string, sign int, fr, en string, of func(*State) float64) {
	f.add(name, sign, fr, en, func(s *State) float64 { return math.Log1p(max(0, of(s))) })
	f.list[len(f.list)-1].log = true
}

func groupOf(name string) string {
	for i := range len(name) {
		if name[i] == ':' {
			return name[:i]
		}
	}
	return name
}

// Features gives what a model looks at, in the order of the names, to six decimals, so that all machines agree.
func (s *State) Features(names *Features) []float64 {
	return s.AppendFeatures(make([]float64, 0, len(names.list)), names)
}

// AppendFeatures appends them.
func (s *State) AppendFeatures(x []float64, names *Features) []float64 {
	return s.appendAsked(x, names, nil)
}

// appendAsked appends those that are asked for, and 0 for each of the others; all where nothing is said.
func (s *State) appendAsked(x []float64, names *Features, asked *asked) []float64 {
	if asked == nil {
		asked = &names.all
	}
	from := len(x)
	x = slices.Grow(x, len(names.list))[:from+len(names.list)]
	row := x[from:]
	clear(row)
	for i := range asked.direct {
		d := &asked.direct[i]
		if v := d.of(s); v != 0 {
			row[d.at] = math.Round(v*1e6) / 1e6
		}
	}
	for i := range s.core.sums {
		sum := &s.core.sums[i]
		if at := asked.summed[sum.number] - 1; at >= 0 {
			for d, v := range sum.as(s.at) {
				row[at+d] = math.Round(v*1e6) / 1e6
			}
		}
	}
	return x
}

// asked are the features that somebody wants.
type asked struct {
	direct []direct        // those that are no sums
	summed [sumNumbers]int // of each sum, the feature of its first halving, and 1 more; 0 for none
}

// direct is a feature that is no sum: where it stands, and how it is found.
type direct struct {
	at int
	of func(s *State) float64
}

// ask gives the features for which a list says so; of a sum all halvings, where it says so of one.
func (f *Features) ask(list []bool) *asked {
	a := &asked{}
	for _, d := range f.all.direct {
		if list[d.at] {
			a.direct = append(a.direct, d)
		}
	}
	for number, at := range f.all.summed {
		if at > 0 && slices.Contains(list[at-1:][:len(halvings)], true) {
			a.summed[number] = at
		}
	}
	return a
}

// decays adds three features, one for each halving of a sum.
func (f *Features) decays(name string, number uint8, sign int, fr, en string) {
	f.all.summed[number] = len(f.list) + 1
	for _, days := range halvings {
		f.add(name+":"+strconv.Itoa(days)+"d", sign, fr, en, nil)
	}
}

// addBreakpoints: number of each kind, halved in 7, 30 and 90 days.
func (f *Features) addBreakpoints() {
	for i, kind := range rules.Kinds() {
		w := kindWords[kind]
		f.decays(kind, uint8(i), 1, w.fr, w.en)
	}
}

// addCounts: what the customer went through beside breakpoints, and the effort of it.
func (f *Features) addCounts() {
	f.decays("contacts", sumContacts, 0, "contacts récents\u00a0: %s", "contacts lately: %s")
	f.decays("transfers", sumMoved, 1, "renvois récents vers un autre interlocuteur\u00a0: %s", "transfers lately: %s")
	f.decays("repeated", sumAgain, 1, "informations redemandées récemment\u00a0: %s", "informations asked for again lately: %s")
	f.decays("complaints", sumComplaints, 1, "réclamations récentes\u00a0: %s", "complaints lately: %s")
	f.decays("escalations", sumRaised, 1, "réclamations portées plus haut récemment\u00a0: %s", "complaints taken further lately: %s")
	f.decays("litigation", sumLitigation, 1, "recours récents (médiateur, autorité, tribunal)\u00a0: %s", "recourses lately (mediator, authority, court): %s")
	f.decays("incivility", sumUncivil, 1, "incivilités récentes\u00a0: %s", "incivilities lately: %s")
	f.add("effort", 1, "effort client de %s sur 100 récemment", "customer effort of %s out of 100 lately", func(s *State) float64 {
		const month = 1
		contacts, moved, again := s.core.of(sumContacts, month, s.at), s.core.of(sumMoved, month, s.at), s.core.of(sumAgain, month, s.at)
		return 100 * (1 - math.Exp(-(3*max(0, contacts-1)+2*moved+2*again)/10))
	})
}

// addAnswers: dissatisfaction, from 0 (best) to 1, and that there was an answer at all, both halved in 180 days.
func (f *Features) addAnswers() {
	for i, name := range [...]string{"nps", "csat", "ces"} {
		of := func(s *State) (low, known float64) {
			a := &s.core.answers[i]
			if !a.given {
				return 0, 0
			}
			known = decayed(1, s.at-a.at, 180)
			return float64((1 - a.score) * known), known
		}
		upper := [...]string{"NPS", "CSAT", "CES"}[i]
		f.add(name+":low", 1, "dernière réponse "+upper+" sous la meilleure note", "last "+upper+" answer below the best mark", func(s *State) float64 { low, _ := of(s); return low })
		f.add(name+":known", 0, "a répondu à une enquête "+upper, "answered a survey of "+upper, func(s *State) float64 { _, known := of(s); return known })
	}
}

// addContract: what was asked for, what it is worth, and how long it has lasted.
func (f *Features) addContract() {
	for _, k := range [...]struct{ kind, fr, en string }{
		{CancelRequested, "a demandé la résiliation", "asked to cancel"},
		{PortabilityRequested, "a demandé la portabilité", "asked for portability"},
		{RenewalDue, "échéance annoncée, sans contact depuis", "renewal notice without contact since"},
		{ValueCut, "a réduit son contrat", "cut the contract's value"},
		{Silence, "silencieux au-delà de ses habitudes", "silent beyond their habits"},
	} {
		f.add(k.kind, 1, k.fr, k.en, func(s *State) float64 { return flag(s.core.open(k.kind) != nil) })
	}
	f.add("value_lost", 1, "valeur en baisse de %s", "value down by %s", func(s *State) float64 {
		if c := &s.core.contract; c.high > 0 {
			return knownOr0(max(0, min(1, 1-c.total()/c.high)))
		}
		return 0
	})
	f.addLog("margin", 0, "marge annuelle de %s", "annual margin of %s", func(s *State) float64 { return knownOr0(s.core.contract.total()) })
	f.add("margin_known", 0, "marge annuelle connue", "annual margin known", func(s *State) float64 { return flag(!math.IsNaN(s.core.contract.total())) })
	f.add("contracts", 0, "contrats\u00a0: %s", "contracts: %s", func(s *State) float64 { return float64(len(s.core.contract.values)) })
	f.addLog("tenure", 0, "années comme client\u00a0: %s", "years as a customer: %s", func(s *State) float64 { return s.tenure() / 365 })
	f.add("tenure_known", 0, "début de contrat connu", "start of the contract known", func(s *State) float64 { return flag(s.tenure() >= 0) })
	f.add("first_year", 0, "contrat de moins d'un an", "contract of less than a year", func(s *State) float64 { t := s.tenure(); return flag(t >= 0 && t < 365) })
	f.add("renewal", 0, "échéance annoncée, sans contact encore", "renewal notice, no contact yet", func(s *State) float64 { return flag(s.core.contract.warn != journey.Never) })
}

// tenure is the time since the contract in force started, in days; -1 where none is.
func (s *State) tenure() float64 {
	if c := &s.core.contract; c.started != unset {
		return daysIn(s.at - c.started)
	}
	return -1
}

// addUse: how much the service is used, against before.
func (f *Features) addUse() {
	f.addLog("uses", 0, "jours d'usage sur un an\u00a0: %s", "days of use in a year: %s", func(s *State) float64 { return float64(s.core.use.within(dayOf(s.at), yearDays)) })
	f.add("use_trend", -1, "usage en baisse", "use is going down", func(s *State) float64 {
		const quarter = 91
		u, today := &s.core.use, dayOf(s.at)
		if u.count == 0 || today-u.first < 2*quarter {
			return 0
		}
		span := float64(min(yearDays, int(today-u.first)+1))
		return math.Log((float64(u.within(today, quarter)) + 1) / (float64(u.within(today, yearDays))*quarter/span + 1))
	})
	f.addLog("unused", 1, "jours sans usage\u00a0: %s", "days without use: %s", func(s *State) float64 {
		if u := &s.core.use; u.count > 0 {
			return float64(min(yearDays, dayOf(s.at)-u.last))
		}
		return 0
	})
	f.add("silence_share", 1, "silence à %s de ce que ses habitudes expliquent", "silence at %s of what their habits explain", func(s *State) float64 {
		u := &s.core.use
		if u.limit == 0 {
			return 0
		}
		return min(2, s.p.elapsed(u.last, dayOf(s.at))/u.limit)
	})
}

// addSeason: the time of the year, and that of the contract's year.
func (f *Features) addSeason() {
	const year = 365.25
	turn := func(days float64, of func(float64) float64) float64 { return of(2 * math.Pi * days / year) }
	f.add("season:cos", 0, "période de l'année", "time of the year", func(s *State) float64 { return turn(float64(dayOf(s.at)), math.Cos) })
	f.add("season:sin", 0, "période de l'année", "time of the year", func(s *State) float64 { return turn(float64(dayOf(s.at)), math.Sin) })
	anniversary := func(s *State, of func(float64) float64) float64 {
		if t := s.tenure(); t >= 0 {
			return turn(t, of)
		}
		return 0
	}
	f.add("anniversary:cos", 0, "proximité de la date anniversaire", "time in the contract's year", func(s *State) float64 { return anniversary(s, math.Cos) })
	f.add("anniversary:sin", 0, "proximité de la date anniversaire", "time in the contract's year", func(s *State) float64 { return anniversary(s, math.Sin) })
}

func flag(v bool) float64 {
	if v {
		return 1
	}
	return 0
}

func knownOr0(v float64) float64 {
	if math.IsNaN(v) {
		return 0
	}
	return v
}

// kindWords say the kinds of breakpoint.
var kindWords = map[string]struct{ fr, en string }{
	"core_failure":         {"défaillances récentes d'un service dû\u00a0: %s", "recent failures of a service that is owed: %s"},
	"broken_promise":       {"promesses non tenues récemment\u00a0: %s", "promises broken lately: %s"},
	"sla_breach":           {"délais de réponse dépassés récemment\u00a0: %s", "answers overdue lately: %s"},
	"stalled_case":         {"dossiers à l'arrêt récemment\u00a0: %s", "cases stalled lately: %s"},
	"reopened_case":        {"dossiers rouverts récemment\u00a0: %s", "cases reopened lately: %s"},
	"silo_handoff":         {"renvois de service en service récents\u00a0: %s", "moves across departments lately: %s"},
	"channel_ping_pong":    {"allers-retours entre canaux récents\u00a0: %s", "times sent back and forth between channels lately: %s"},
	"channel_failover":     {"échecs du libre-service récents\u00a0: %s", "failures of self-service lately: %s"},
	"form_abandonment":     {"formulaires abandonnés récemment\u00a0: %s", "forms abandoned lately: %s"},
	"refused_contact":      {"contacts refusés récemment\u00a0: %s", "contacts refused lately: %s"},
	"queue_abandonment":    {"attentes abandonnées récemment\u00a0: %s", "queues given up lately: %s"},
	"repeat_contact":       {"rappels pour le même motif récemment\u00a0: %s", "times back for the same reason lately: %s"},
	"process_loop":         {"boucles de traitement récentes\u00a0: %s", "loops in the process lately: %s"},
	"repeated_information": {"informations répétées récemment\u00a0: %s", "times having to say it again lately: %s"},
	"long_wait":            {"attentes trop longues récentes\u00a0: %s", "long waits lately: %s"},
	"complaint_escalation": {"réclamations revenues ou portées plus haut récemment\u00a0: %s", "complaints back or taken further lately: %s"},
	"detractor":            {"réponses de détracteur récentes\u00a0: %s", "detractor's answers lately: %s"},
	"unanswered_detractor": {"réponses de détracteur laissées sans suite récemment\u00a0: %s", "detractor's answers met with silence lately: %s"},
	"tension":              {"moments de tension récents\u00a0: %s", "moments of tension lately: %s"},
	"unresolved_end":       {"parcours terminés sans solution récemment\u00a0: %s", "journeys ended unresolved lately: %s"},
}
