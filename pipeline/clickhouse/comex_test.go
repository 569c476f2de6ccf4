package clickhouse_test

import (
	"fmt"
	"testing"
	"time"

	"parcours/pipeline"
	"parcours/pipeline/alert"
	"parcours/pipeline/event"
	"parcours/pipeline/rules"
)

// month is a first day of 2025.
func month(m int) event.Instant { return on(fmt.Sprintf("2025-%02d-01", m)) }

// rate adds a hundred chances of a kind in a month, so many of them broken, and as breakpoints with a cost.
func (h *history) rate(kind, reason string, m, broken int, cost float64) {
	for i := range 100 {
		at := month(m).Add(time.Duration(i) * 6 * time.Hour)
		customer := fmt.Sprint(kind, " ", reason, " ", m, " ", i)
		journey := h.chance(kind, customer, reason, at, i < broken)
		if i < broken {
			b := h.broke(kind, customer, reason, at, at)
			b.JourneyID, b.Cost = journey, cost
		}
	}
}

// TestComexBreakpoints: the three that cost most, and since when their level stands: since a rise, a fall, the beginning, an alert.
func TestComexBreakpoints(t *testing.T) {
	s, h := store(t), &history{}
	for m := 1; m <= 6; m++ {
		rose, fell := 10, 50
		if m >= 4 {
			rose, fell = 40, 20
		}
		h.rate("long_wait", "billing.dispute", m, rose, 4)
		h.rate("refused_contact", "delivery.late", m, fell, 5)
		h.rate("repeat_contact", "account.access", m, 10+m%2, 3)
		h.rate("sla_breach", "moving.house", m, 5, 1)
	}
	h.settled(on("2025-08-15"))
	insert(t, s, &h.rows)
	equal(t, s, "SELECT month, place, kind, silo, cost, round(share, 3), customers, since, since_by FROM comex_breakpoints_v WHERE month >= '2025-05-01' ORDER BY month, place",
		"2025-05-01\t1\tlong_wait\tit\t160\t0.537\t40\t2025-04-01\trise", "2025-05-01\t2\trefused_contact\tit\t100\t0.336\t20\t2025-04-01\tfall",
		"2025-05-01\t3\trepeat_contact\tit\t33\t0.111\t11\t2025-01-01\tstart",
		"2025-06-01\t1\tlong_wait\tit\t160\t0.542\t40\t2025-04-01\trise", "2025-06-01\t2\trefused_contact\tit\t100\t0.339\t20\t2025-04-01\tfall",
		"2025-06-01\t3\trepeat_contact\tit\t30\t0.102\t10\t2025-01-01\tstart")

	day := func(text string) alert.Date {
		at, err := time.Parse(time.DateOnly, text)
		if err != nil {
			t.Fatal(err)
		}
		return alert.DateOf(event.InstantOf(at))
	}
	raised := func(id, kind, family, since, on, cleared string) pipeline.AlertRow {
		a := pipeline.AlertRow{AlertID: id, Kind: kind, ReasonFamily: family, RaisedOn: day(on), Since: day(since), Observed: 9, Expected: 3.5, Factor: 2.57, Position: h.number()}
		if cleared != "" {
			a.ClearedOn, a.ClearedWhy = day(cleared), "usual_again"
		}
		return a
	}
	insert(t, s, &pipeline.Rows{Alerts: []pipeline.AlertRow{
		raised("a", "long_wait", "billing", "2025-04-12", "2025-04-20", ""), raised("b", "repeat_contact", "moving", "2025-05-02", "2025-05-20", ""),
		raised("c", "refused_contact", "", "2025-05-03", "2025-05-09", "2025-05-30"),
	}, ClosedDays: []pipeline.ClosedDayRow{{Day: day("2025-06-30"), Series: 9, Watched: 4, Position: h.number()}}})
	equal(t, s, "SELECT kind, since, since_by, since_fr, since_en FROM comex_breakpoints_v WHERE month = '2025-06-01' ORDER BY place",
		"long_wait\t2025-04-12\talert\tle 12 avril 2025 (alerte)\t12 April 2025 (alert)", "refused_contact\t2025-04-01\tfall\tavril 2025 (en baisse)\tApril 2025 (lower)",
		"repeat_contact\t2025-01-01\tstart\tle début des données\tthe start of the data")
	equal(t, s, "SELECT place, kind, since, fr, en FROM comex_alerts_v",
		"1\trepeat_contact\t2025-05-02\tRappel pour le même motif (Déménagement) : 2,6 fois l'habitude depuis le 2 mai 2025\tBack for the same reason (Moving): 2.6 times the usual since 2 May 2025",
		"2\tlong_wait\t2025-04-12\tAttente trop longue (Facturation) : 2,6 fois l'habitude depuis le 12 avril 2025\tWaited too long (Billing): 2.6 times the usual since 12 April 2025")
}

// TestComexFigures: what is known, too early, none and never measured; better than a year ago beyond noise, and no year yet.
func TestComexFigures(t *testing.T) {
	s, h := store(t), &history{}
	ended := func(at event.Instant, n, serious int, cost float64) {
		for i := range n {
			j := h.journey(fmt.Sprint("c", at, i), "billing.dispute", at.Add(time.Duration(i)*time.Minute))
			j.Cost = cost
			if i < serious {
				b := h.broke("long_wait", j.CustomerID, "billing.dispute", j.StartedAt, j.StartedAt)
				b.JourneyID, b.Cost = j.JourneyID, cost/2
			}
		}
	}
	ended(on("2024-05-10"), 200, 100, 10)
	ended(on("2025-05-10"), 1500, 150, 10000)
	for i, at := range []event.Instant{on("2025-03-03"), on("2025-05-20")} { // complaints: one long settled, one not yet
		j := h.journey(fmt.Sprint("k", i), "billing.dispute", at)
		j.Outcome = "open"
		j.Opportunities = []pipeline.OpportunityRow{{Kind: "sla_breach", Clock: "answer", At: at, MaturesAt: at.Add(60 * 24 * time.Hour), Silo: "it"}}
	}
	h.settled(on("2025-07-10"))
	h.rows.RuleBooks = []pipeline.RuleBookRow{{Position: h.number(), EffectiveFrom: rules.Beginning, Document: "x", Book: rules.Default()}}
	insert(t, s, &h.rows)
	equal(t, s, "SELECT fr, en, last FROM comex_months_v ORDER BY month", "mai 2024\tMay 2024\tfalse", "mai 2025\tMay 2025\ttrue")
	equal(t, s, "SELECT figure, state, against, shown_en, amount_en, target_en, year_en, basis_en, note_en FROM comex_figures_v WHERE month = '2025-05-01' ORDER BY place",
		"journeys_without_serious_breakpoint\tknown\tbetter\t90.0%\t\ttarget 90%: met ✓\t▲ +40.0 points in a year: better\tn = 1,500 journeys, 88% to 91%\t",
		"first_contact_resolution\tnot measured\ttoo early\tnot measured\t\tno target\tcomparison: too early\tno contacts in the data received\t",
		"satisfaction\tnot measured\ttoo early\tnot measured\t\tno target\tcomparison: too early\tno answers in the data received\t",
		"complaints_in_time\ttoo early\ttoo early\ttoo early\t\ttarget 95%\tcomparison: too early\tknown: March 2025, 100.0% (n = 1)\t",
		"avoidable_cost\tknown\tbetter\t5.0%\t€750k\ttarget 10% at most: met ✓\t▼ −20.0 points in a year: better\tn = 1,500 journeys, 4% to 6%\tillustrative amount")
	equal(t, s, "SELECT figure, state, against, shown_fr, amount_fr, year_fr FROM comex_figures_v WHERE month = '2024-05-01' AND figure IN ('journeys_without_serious_breakpoint', 'avoidable_cost') ORDER BY place",
		"journeys_without_serious_breakpoint\tknown\tno year yet\t50,0\u00a0%\t\tpas encore d'année de recul", "avoidable_cost\tknown\tno year yet\t25,0\u00a0%\t500\u00a0€\tpas encore d'année de recul")
	equal(t, s, "SELECT fr, en FROM comex_headline_v WHERE month = '2025-05-01'",
		"En mai 2025, 90\u00a0% des parcours se sont terminés sans rupture grave (cible 90\u00a0%), mieux qu'un an plus tôt ; un point de rupture porte 100\u00a0% du coût évitable (montants illustratifs), à commencer par «\u00a0Attente trop longue\u00a0» (motif\u00a0: Facturation ; responsable\u00a0: Informatique).\t"+
			"In May 2025, 90% of journeys ended without a serious breakpoint (target 90%), better than a year before; one breakpoint carries 100% of the avoidable cost (illustrative amounts), above all “Waited too long” (reason: Billing; owner: IT).")
}

// TestAlwaysListed: what is listed whatever it costs is counted breakpoint by breakpoint, and a customer once: of a row with severity 5 its
// milder breakpoints are left out, and who is in three rows is one customer of the month.
func TestAlwaysListed(t *testing.T) {
	s, h := store(t), &history{}
	for _, captive := range []string{"c1", "c2"} {
		h.event(event.ContractStarted, captive, on("2024-01-01"), event.Data{Captive: true})
	}
	h.event(event.ContractStarted, "c3", on("2024-01-01"), event.Data{})
	broke := func(kind, reason string, severity uint8, customers ...string) {
		for _, c := range customers {
			h.broke(kind, c, reason, on("2025-05-10"), on("2025-05-11")).Severity = severity
		}
	}
	broke("sla_breach", "billing.dispute", 5, "c1", "c3", "c3")
	broke("sla_breach", "billing.dispute", 3, "c4", "c5")
	broke("complaint_escalation", "delivery.late", 5, "c1", "")
	broke("long_wait", "billing.dispute", 2, "c1", "c2", "c1")
	broke("repeat_contact", "billing.dispute", 3, "c4")
	h.broke("repeat_contact", "c4", "billing.dispute", on("2025-06-10"), on("2025-06-11"))
	h.settled(on("2025-08-15"))
	insert(t, s, &h.rows)
	equal(t, s, "SELECT month, kind, reason_family, silo, captive_breakpoints, captive_customers, severe_breakpoints, severe_customers FROM always_listed_v ORDER BY whole, kind",
		"2025-05-01\tcomplaint_escalation\tdelivery\tit\t1\t1\t2\t1", "2025-05-01\tlong_wait\tbilling\tit\t3\t2\t0\t0", "2025-05-01\tsla_breach\tbilling\tit\t1\t1\t3\t2",
		"2025-05-01\t\t\t\t5\t2\t5\t2")
	equal(t, s, "SELECT DISTINCT month, kind, reason_family, silo FROM ranking_v WHERE always_listed ORDER BY kind",
		"2025-05-01\tcomplaint_escalation\tdelivery\tit", "2025-05-01\tlong_wait\tbilling\tit", "2025-05-01\tsla_breach\tbilling\tit")
	equal(t, s, "SELECT what, kind, customers, others, fr, en FROM comex_listed_v ORDER BY what",
		"captive\tlong_wait\t2\t2\tClients sans alternative : Attente trop longue (Facturation), 2 clients ; 2 autres points\tCaptive customers: Waited too long (Billing), 2 customers; 2 more",
		"severity_5\tsla_breach\t2\t1\tGravité 5 : Délai de réponse dépassé (Facturation), 2 clients ; 1 autre point\tSeverity 5: Answer overdue (Billing), 2 customers; 1 more")
}

// TestComexActions: an action is measured by the kind that broke most, in what it names, before either of the two periods; a direction is said
// beyond noise only, and nothing before the days after it are all in, or where nothing could break.
func TestComexActions(t *testing.T) {
	s, h := store(t), &history{}
	act := func(at string, d event.Data, name string) {
		h.event(event.ActionLaunched, "", on(at), d)
		h.rows.Events[len(h.rows.Events)-1].Event.Data.Activity = name
	}
	spread := func(kind, from string, n, broken int) {
		for i := range n {
			at := on(from).Add(time.Duration(i) * time.Hour)
			h.chance(kind, fmt.Sprint(kind, from, i), "billing.dispute", at, i < broken)
		}
	}
	spread("long_wait", "2025-01-20", 100, 30) // days 90 to 29 before: long_wait broke most
	spread("refused_contact", "2025-01-20", 100, 20)
	spread("long_wait", "2025-03-10", 200, 80)
	spread("refused_contact", "2025-03-10", 200, 160) // more of late, which has no say
	spread("long_wait", "2025-04-03", 200, 20)
	spread("refused_contact", "2025-04-03", 200, 20)
	act("2025-04-01 09:00:00.000", event.Data{Silo: "it"}, "fell")
	act("2025-04-01 10:00:00.000", event.Data{Silo: "it", Unit: "nowhere"}, "by the silo")
	spread("long_wait", "2025-06-10", 20, 5)
	act("2025-06-20 09:00:00.000", event.Data{Silo: "it"}, "too early")
	act("2024-06-20 09:00:00.000", event.Data{Silo: "it"}, "before all data")
	act("2025-04-01 11:00:00.000", event.Data{}, "the whole company")
	h.settled(on("2025-07-01"))
	insert(t, s, &h.rows)
	equal(t, s, "SELECT action, effect, scope, kind, before_n, round(before_rate, 2), after_n, round(after_rate, 2), verdict_fr, measure_fr FROM comex_actions_v WHERE effect = 'measured' ORDER BY action",
		"by the silo\tmeasured\tsilo\tlong_wait\t200\t0.4\t200\t0.1\ttaux en baisse\tAttente trop longue (Informatique) : 40,0\u00a0% avant (n = 200), 10,0\u00a0% après (n = 200), −30,0 points (−37,7 à −21,8)",
		"fell\tmeasured\tsilo\tlong_wait\t200\t0.4\t200\t0.1\ttaux en baisse\tAttente trop longue (Informatique) : 40,0\u00a0% avant (n = 200), 10,0\u00a0% après (n = 200), −30,0 points (−37,7 à −21,8)",
		"the whole company\tmeasured\tall\tlong_wait\t200\t0.4\t200\t0.1\ttaux en baisse\tAttente trop longue (toute l'entreprise) : 40,0\u00a0% avant (n = 200), 10,0\u00a0% après (n = 200), −30,0 points (−37,7 à −21,8)")
	equal(t, s, "SELECT action, effect, verdict_en, measure_en FROM comex_actions_v WHERE effect != 'measured' ORDER BY action",
		"before all data\tnothing to compare with\tcannot be measured\tnothing could break before, or after", "too early\tnot yet measured\tnot yet measured\tthe 28 days after are not all in")
}
