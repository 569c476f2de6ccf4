package dashboards

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// churn is for whoever keeps customers: what is at risk and where, whom to call, and how far the score may be trusted.
func churn(b *board) {
	b.choose("segment", "SELECT "+option("name")+" AS value, "+b.word("segment", "name")+" AS label FROM (SELECT arrayJoin(arrayDistinct(arrayPushBack(arrayMap(s -> s.1, segments), 'standard'))) AS name FROM ranking_rules_v) ORDER BY label")
	b.add(b.modelInWords())
	b.valueFigures()
	b.add(b.customersToCall())
	b.add(b.valueBy("by_kind", "kind", "kind", b.kindFollowed()))
	b.add(b.valueBy("by_family", "family", "reason_family", b.familyFollowed()))
	b.add(b.valueBySegment())
	b.add(b.valueByTenure())
	b.add(b.captiveCustomers())
	b.add(b.standingSignals())
	b.add(b.modelQuality())
	b.add(b.modelCalibration())
}

// modelInWords says in a sentence what the scores are, whether they are good enough, and at which horizons nobody can tell yet; the table of
// figures says where they are not.
func (b *board) modelInWords() cog.Builder[dashboard.Panel] {
	within := "toString(good), ' / ', toString(judged)"
	listed := func(horizons string) string {
		return "arrayStringConcat(arrayMap(h -> toString(h), " + horizons + "), ', '), ' ', " + b.text("days") + ", '.'"
	}
	verdict := "multiIf(prior, " + b.text("prior") + ", judged = 0, " + b.text("unjudged") + ", empty(watch), concat(" + b.text("good") + ", ' ', " + within + ", '.'), " +
		"concat(" + b.text("watch") + ", ' ', " + within + ", ' ', " + b.text("bounds") + ", ' ', " + listed("arraySort(arrayDistinct(arrayMap(w -> w.2, watch)))") + "))"
	unseen := "if(judged > 0 AND notEmpty(unjudged), concat(' ', " + b.text("unseen_at") + ", ' ', " + listed("unjudged") + "), '')"
	projected := "if(NOT prior AND has(projected, 365), concat(' ', " + b.text("projected") + "), '')"
	sql := "SELECT concat(" + b.text("asof") + ", ' ', " + b.dated("as_of") + ", ', ', toString(scored), ' ', " + b.text("scored") + ", ' ', " + verdict + ", " + unseen + ", " + projected + ") AS said FROM churn_model_v"
	return b.saying("model", 24, 3, 20, sql)
}

// valueFigures are the sums of the segments chosen: they are apart from each other.
func (b *board) valueFigures() {
	for _, f := range []struct {
		key, sum, in string
	}{{"at_risk", "sum(value_at_risk)", b.say("house.units.money")}, {"excess", "sum(value_at_risk_excess)", b.say("house.units.money")},
		{"change", "sum(value_at_risk_change)", b.say("house.units.money")}, {"expected", "sum(expected_losses)", "locale"}} {
		sql := "SELECT " + f.sum + " AS value FROM value_at_risk_v WHERE by = 'segment' AND " + within("name", "segment") + " HAVING count() > 0"
		if f.key == "change" {
			sql += " AND sum(compared) > 0"
		}
		b.add(b.figure(f.key, 6, 4, sql).Unit(f.in).Decimals(0))
	}
}

// amounts are the columns of value at risk.
func (b *board) amounts() []string {
	return []string{b.column("value_at_risk_excess", "excess"), b.column("value_at_risk", "at_risk"),
		b.column("if(compared > 0, value_at_risk_change, NULL)", "change"), b.column("customers", "customers")}
}

// inEuros is how they are shown.
func (b *board) inEuros() []look {
	return []look{{"excess", 150, b.costs(0)}, {"at_risk", 110, b.costs(0)}, {"change", 110, b.costs(0)}, {"customers", 90, counted(0)}}
}

// valueBy lists the customers touched by each kind of breakpoint, or for each reason, and leads to what broke.
func (b *board) valueBy(key string, list, column string, to dashboard.DynamicConfigValue) cog.Builder[dashboard.Panel] {
	sql := selected(append([]string{b.column(b.word(list, "name"), list)}, append(b.amounts(), option("name")+" AS code")...), "FROM value_at_risk_v WHERE by = '"+column+"' ORDER BY value_at_risk_excess DESC LIMIT 12")
	return coded(b.listing(key, 12, 9, sql, append(b.inEuros(), look{list, 0, []dashboard.DynamicConfigValue{to}})...))
}

func (b *board) valueBySegment() cog.Builder[dashboard.Panel] {
	sql := selected(append([]string{b.column(b.word("segment", "name"), "segment")}, append(b.amounts(), b.column("expected_losses", "expected"))...),
		"FROM value_at_risk_v WHERE by = 'segment' AND "+within("name", "segment")+" ORDER BY value_at_risk_excess DESC")
	return b.listing("by_segment", 12, 6, sql, append(b.inEuros(), look{"expected", 150, counted(0)})...)
}

func (b *board) valueByTenure() cog.Builder[dashboard.Panel] {
	columns := []string{b.column(b.said("tenure", "tenure"), "tenure"), b.column("sum(value_at_risk_excess)", "excess"), b.column("sum(value_at_risk)", "at_risk"),
		b.column("if(sum(compared) > 0, sum(value_at_risk_change), NULL)", "change"), b.column("sum(customers)", "customers"), b.column("sum(expected_losses)", "expected")}
	sql := selected(columns, "FROM value_at_risk_by_tenure_v WHERE "+within("segment", "segment")+" GROUP BY tenure ORDER BY sum(value_at_risk_excess) DESC")
	return b.listing("by_tenure", 12, 6, sql, append(b.inEuros(), look{"expected", 150, counted(0)})...)
}

// customersToCall are those who asked to leave since they were scored, and then those who lose most beyond their segment, with why.
func (b *board) customersToCall() cog.Builder[dashboard.Panel] {
	columns := []string{
		b.column("rank", "rank"), b.column("customer_id", "customer"), b.column(b.word("segment", "segment"), "segment"), b.column("value_at_risk_excess", "excess"), b.column("value_at_risk", "at_risk"),
		b.column(hundredth("p30"), "p30"), b.column(hundredth("p365"), "p365"), b.column(hundredth("base365"), "base"),
		b.column(b.listed("signal", "signals"), "signals"), b.column("arrayStringConcat(reasons_"+string(b.texts.Language())+", ' · ')", "reasons"),
		b.column("multiIf(asked_at IS NOT NULL, "+b.text("asked")+", prior, "+b.text("judgement")+", projection365, "+b.text("projection")+", '')", "note"),
	}
	return b.listing("call", 24, 11, selected(columns, "FROM customers_to_call_v WHERE "+within("segment", "segment")+" ORDER BY rank LIMIT 50"),
		look{"rank", 60, nil}, look{"customer", 310, nil}, look{"segment", 145, nil}, look{"excess", 150, b.costs(0)}, look{"at_risk", 100, b.costs(0)},
		look{"p30", 100, b.percent(0)}, look{"p365", 80, b.percent(0)}, look{"base", 130, b.percent(0)}, look{"signals", 200, folded()}, look{"reasons", 0, folded()}, look{"note", 115, folded()})
}

// captiveCustomers cannot leave: what they may do is complain, and louder.
func (b *board) captiveCustomers() cog.Builder[dashboard.Panel] {
	columns := []string{b.column("customer_id", "customer"), b.column("voice_risk", "voice"), b.column("arrayStringConcat(reasons_"+string(b.texts.Language())+", ' · ')", "reasons")}
	sql := selected(columns, "FROM churn_scores_v WHERE captive AND voice_risk > 0 AND "+within("segment", "segment")+" ORDER BY voice_risk DESC, customer_id LIMIT 30")
	return b.listing("captive", 14, 8, sql, look{"customer", 310, nil}, look{"voice", 130, counted(0)}, look{"reasons", 0, folded()})
}

func (b *board) standingSignals() cog.Builder[dashboard.Panel] {
	columns := []string{b.column(b.word("signal", "kind"), "signal"), b.column("countIf(cleared_at IS NULL)", "standing"), b.column("countIf($__timeFilter(raised_at))", "raised"),
		b.column("countIf(cleared_why = 'lost' AND $__timeFilter(assumeNotNull(cleared_at)))", "lost")}
	return b.listing("signals", 10, 8, selected(columns, "FROM churn_signals_v WHERE "+within("segment", "segment")+" GROUP BY kind ORDER BY countIf(cleared_at IS NULL) DESC, kind"),
		look{"standing", 110, nil}, look{"raised", 110, nil}, look{"lost", 170, nil})
}

// modelQuality holds each figure against its bound, in a word. What no outcome can judge yet is said so.
func (b *board) modelQuality() cog.Builder[dashboard.Panel] {
	// Brier scores of rare losses are close to each other: with two places a bad one would read as its bound.
	round := func(of string) string {
		return "if(measure = 'brier', " + b.decimal(of, 6) + ", " + b.decimal(of, 2) + ")"
	}
	bounds := "multiIf(at_least IS NOT NULL AND at_most IS NOT NULL, concat(" + round("at_least") + ", " + quote(" "+b.say("house.until")+" ") + ", " + round("at_most") + "), at_least IS NOT NULL, concat('≥ ', " + round("at_least") + "), at_most > 0, concat('< ', " + round("at_most") + "), '')"
	columns := []string{
		b.column("horizon", "horizon"), b.column("if(segment = '', "+b.text("house.all")+", "+b.word("segment", "segment")+")", "segment"), b.column(b.said("measure", "measure"), "measure"),
		b.column("if(value IS NULL, "+b.text("unseen")+", "+b.said("verdict", "verdict")+")", "verdict"), b.column(round("value"), "value"), b.column("ifNull("+bounds+", '')", "bound"),
		b.column("ifNull(concat("+round("low")+", "+quote(" "+b.say("house.until")+" ")+", "+round("high")+"), '')", "interval"),
		b.column("losses", "losses"), b.column("if(projection, "+b.text("projection")+", '')", "note"),
	}
	return b.listing("quality", 15, 12, selected(columns, "FROM model_verdicts_v WHERE in_force ORDER BY segment != '', segment, horizon, indexOf(['auc', 'observed_expected', 'slope', 'brier', 'lift', 'psi'], measure)"),
		look{"horizon", 70, nil}, look{"segment", 90, nil}, look{"measure", 0, nil}, look{"value", 80, right()}, look{"interval", 165, nil}, look{"bound", 105, nil}, look{"losses", 75, nil}, look{"note", 95, nil},
		look{"verdict", 165, marked(map[string]string{b.say("words.verdict.good"): Good, b.say("words.verdict.watch"): Bad})})
}

// modelCalibration: what was foretold against what came.
func (b *board) modelCalibration() cog.Builder[dashboard.Panel] {
	columns := []string{b.column("toString(tenth)", "tenth"), b.column(hundredth("predicted"), "predicted"), b.column(hundredth("observed"), "observed")}
	return slim(b.bars("calibration", 9, 12, selected(columns, "FROM calibration_in_force_v WHERE horizon = 90 AND segment = '' ORDER BY tenth"))).
		Orientation(common.VizOrientationVertical).Unit(b.say("house.units.percent")).Min(0).Decimals(1).ShowValue(common.VisibilityModeNever).Legend(beneath()).
		OverrideByName(b.heading("tenth"), []dashboard.DynamicConfigValue{unit("string")}).
		OverrideByName(b.heading("predicted"), []dashboard.DynamicConfigValue{colourOf(Quiet)}).OverrideByName(b.heading("observed"), []dashboard.DynamicConfigValue{colourOf(Plain)})
}
