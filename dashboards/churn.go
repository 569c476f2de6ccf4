package dashboards

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/table"
)

// churn is for whoever keeps customers: what is at risk and where, whom to call, and how far the score may be trusted.
func churn(b *board) {
	b.choose("segment", "SELECT arrayJoin(arrayDistinct(arrayPushBack(arrayMap(s -> s.1, segments), 'standard'))) AS value, "+b.word("segment", "value")+" AS label FROM ranking_rules_v ORDER BY label")
	b.add(b.modelInWords())
	b.valueFigures()
	b.add(b.customersToCall())
	b.add(b.valueBy("by_kind", 12, "kind"))
	b.add(b.valueBy("by_family", 12, "family"))
	b.add(b.valueBySegment())
	b.add(b.valueByTenure())
	b.add(b.captiveCustomers())
	b.add(b.standingSignals())
	b.add(b.modelQuality())
	b.add(b.modelCalibration())
}

// modelInWords says in a sentence what the scores are and whether they are good enough.
func (b *board) modelInWords() cog.Builder[dashboard.Panel] {
	watched := "arrayStringConcat(arrayMap(w -> concat(" + b.said("measure", "w.1") + ", ' ', toString(w.2), " + quote(" "+b.say("days")) + ", if(w.3 = '', '', concat(' (', " + b.word("segment", "w.3") + ", ')'))), watch), ', ')"
	verdict := "multiIf(prior, " + b.text("prior") + ", judged = 0, " + b.text("unjudged") + ", empty(watch), concat(" + b.text("good") + ", ' ', toString(good), ' / ', toString(judged), '.'), " +
		"concat(" + b.text("watch") + ", ' ', " + watched + ", '.'))"
	projected := "if(NOT prior AND has(projected, 365), concat(' ', " + b.text("projected") + "), '')"
	sql := "SELECT concat(" + b.text("asof") + ", ' ', " + b.dated("as_of") + ", ' : ', toString(scored), ' ', " + b.text("scored") + ", ' ', " + verdict + ", " + projected + ") AS said FROM churn_model_v"
	return b.stat("model", 24, 3, sql).Text(common.NewVizTextDisplayOptionsBuilder().ValueSize(20)).JustifyMode(common.BigValueJustifyModeAuto)
}

// valueFigures are the sums of the segments chosen: they are apart from each other.
func (b *board) valueFigures() {
	for _, f := range []struct {
		key, sum, in string
	}{{"at_risk", "sum(value_at_risk)", Euros}, {"excess", "sum(value_at_risk_excess)", Euros}, {"change", "sum(value_at_risk_change)", Euros}, {"expected", "sum(expected_losses)", Number}} {
		sql := "SELECT " + f.sum + " AS value FROM value_at_risk_v WHERE by = 'segment' AND " + within("name", "segment") + " HAVING count() > 0"
		if f.key == "change" {
			sql += " AND sum(compared) > 0"
		}
		b.add(b.stat(f.key, 6, 4, sql).Unit(f.in).Decimals(0))
	}
}

// amounts are the columns of value at risk.
func (b *board) amounts() []string {
	return []string{b.column("value_at_risk_excess", "excess"), b.column("value_at_risk", "at_risk"),
		b.column("if(compared > 0, value_at_risk_change, NULL)", "change"), b.column("customers", "customers")}
}

// valueBy lists the customers touched by each kind of breakpoint, or for each reason.
func (b *board) valueBy(key string, span uint32, list string) cog.Builder[dashboard.Panel] {
	by := map[string]string{"kind": "kind", "family": "reason_family"}[list]
	sql := selected(append([]string{b.column(b.word(list, "name"), list)}, b.amounts()...), "FROM value_at_risk_v WHERE by = '"+by+"' ORDER BY value_at_risk_excess DESC LIMIT 12")
	return b.inEuros(b.table(key, span, 9, sql))
}

func (b *board) valueBySegment() cog.Builder[dashboard.Panel] {
	sql := selected(append([]string{b.column(b.word("segment", "name"), "segment")}, append(b.amounts(), b.column("expected_losses", "expected"))...),
		"FROM value_at_risk_v WHERE by = 'segment' AND "+within("name", "segment")+" ORDER BY value_at_risk_excess DESC")
	return b.inEuros(b.table("by_segment", 12, 6, sql))
}

func (b *board) valueByTenure() cog.Builder[dashboard.Panel] {
	columns := []string{b.column(b.said("tenure", "tenure"), "tenure"), b.column("sum(value_at_risk_excess)", "excess"), b.column("sum(value_at_risk)", "at_risk"),
		b.column("if(sum(compared) > 0, sum(value_at_risk_change), NULL)", "change"), b.column("sum(customers)", "customers"), b.column("sum(expected_losses)", "expected")}
	return b.inEuros(b.table("by_tenure", 12, 6, selected(columns, "FROM value_at_risk_by_tenure_v WHERE "+within("segment", "segment")+" GROUP BY tenure ORDER BY sum(value_at_risk_excess) DESC")))
}

// inEuros writes the amounts of a table.
func (b *board) inEuros(p *table.PanelBuilder) *table.PanelBuilder {
	for _, key := range []string{"excess", "at_risk", "change"} {
		p = p.OverrideByName(b.heading(key), measured(Euros, 0))
	}
	return p.OverrideByName(b.heading("expected"), measured(Number, 1))
}

// customersToCall are those who lose most beyond their segment, with why.
func (b *board) customersToCall() cog.Builder[dashboard.Panel] {
	columns := []string{
		b.column("rank", "rank"), b.column("customer_id", "customer"), b.column(b.word("segment", "segment"), "segment"), b.column("value_at_risk_excess", "excess"), b.column("value_at_risk", "at_risk"),
		b.column("p30", "p30"), b.column("p365", "p365"), b.column("base365", "base"),
		b.column("if(prior, "+b.text("judgement")+", if(projection365, "+b.text("projection")+", ''))", "note"),
		b.column(b.listed("signal", "signals"), "signals"), b.column("arrayStringConcat(reasons_"+string(b.texts.Language())+", ' · ')", "reasons"),
	}
	p := b.table("call", 24, 11, selected(columns, "FROM customers_to_call_v WHERE "+within("segment", "segment")+" ORDER BY rank LIMIT 50"))
	for _, c := range []struct {
		key    string
		pixels int
		in     string
	}{{"excess", 120, Euros}, {"at_risk", 110, Euros}, {"p30", 90, Share}, {"p365", 90, Share}, {"base", 90, Share}} {
		p = p.OverrideByName(b.heading(c.key), append(measured(c.in, 0), width(c.pixels)))
	}
	for _, c := range []struct {
		key    string
		pixels int
	}{{"rank", 60}, {"customer", 150}, {"segment", 110}, {"note", 110}, {"signals", 250}} {
		p = p.OverrideByName(b.heading(c.key), []dashboard.DynamicConfigValue{width(c.pixels)})
	}
	return p
}

// captiveCustomers cannot leave: what they may do is complain, and louder.
func (b *board) captiveCustomers() cog.Builder[dashboard.Panel] {
	columns := []string{b.column("customer_id", "customer"), b.column(b.word("segment", "segment"), "segment"), b.column("voice_risk", "voice"),
		b.column("arrayStringConcat(reasons_"+string(b.texts.Language())+", ' · ')", "reasons")}
	return b.table("captive", 14, 8, selected(columns, "FROM churn_scores_v WHERE captive AND voice_risk > 0 AND "+within("segment", "segment")+" ORDER BY voice_risk DESC, customer_id LIMIT 30")).
		OverrideByName(b.heading("customer"), []dashboard.DynamicConfigValue{width(150)}).OverrideByName(b.heading("segment"), []dashboard.DynamicConfigValue{width(110)}).
		OverrideByName(b.heading("voice"), append(measured(Points, 0), width(110)))
}

func (b *board) standingSignals() cog.Builder[dashboard.Panel] {
	columns := []string{b.column(b.word("signal", "kind"), "signal"), b.column("countIf(cleared_at IS NULL)", "standing"), b.column("countIf($__timeFilter(raised_at))", "raised"),
		b.column("countIf(cleared_why = 'lost' AND $__timeFilter(assumeNotNull(cleared_at)))", "lost")}
	return b.table("signals", 10, 8, selected(columns, "FROM churn_signals_v WHERE "+within("segment", "segment")+" GROUP BY kind ORDER BY countIf(cleared_at IS NULL) DESC, kind"))
}

// modelQuality holds each figure against its bound, in a word.
func (b *board) modelQuality() cog.Builder[dashboard.Panel] {
	round := func(of string) string { return "toString(round(" + of + ", 4))" }
	bounds := "multiIf(at_least IS NOT NULL AND at_most IS NOT NULL, concat(" + round("at_least") + ", " + quote(" "+b.say("house.until")+" ") + ", " + round("at_most") + "), at_least IS NOT NULL, concat('≥ ', " + round("at_least") + "), at_most IS NOT NULL, concat('< ', " + round("at_most") + "), '')"
	columns := []string{
		b.column("horizon", "horizon"), b.column("if(segment = '', "+b.text("house.all")+", "+b.word("segment", "segment")+")", "segment"), b.column(b.said("measure", "measure"), "measure"), b.column("value", "value"),
		b.column("ifNull(concat("+round("low")+", "+quote(" "+b.say("house.until")+" ")+", "+round("high")+"), '')", "interval"), b.column("ifNull("+bounds+", '')", "bound"),
		b.column(b.said("verdict", "verdict"), "verdict"), b.column("losses", "losses"), b.column("if(projection, "+b.text("projection")+", '')", "note"),
	}
	return b.table("quality", 14, 11, selected(columns, "FROM model_verdicts_v WHERE in_force ORDER BY segment != '', segment, horizon, indexOf(['auc', 'observed_expected', 'slope', 'brier', 'lift', 'psi'], measure)")).
		OverrideByName(b.heading("value"), measured(Points, 4)).OverrideByName(b.heading("horizon"), []dashboard.DynamicConfigValue{width(80)}).
		OverrideByName(b.heading("verdict"), mapped(map[string]string{b.say("words.verdict.good"): Good, b.say("words.verdict.watch"): Bad}))
}

// modelCalibration: what was foretold against what came.
func (b *board) modelCalibration() cog.Builder[dashboard.Panel] {
	columns := []string{b.column("toString(tenth)", "tenth"), b.column("predicted", "predicted"), b.column("observed", "observed")}
	return b.bars("calibration", 10, 11, selected(columns, "FROM calibration_in_force_v WHERE horizon = 90 AND segment = '' ORDER BY tenth")).
		Orientation(common.VizOrientationVertical).Unit(Share).Decimals(0).Legend(beneath()).
		OverrideByName(b.heading("predicted"), []dashboard.DynamicConfigValue{colourOf(Quiet)}).OverrideByName(b.heading("observed"), []dashboard.DynamicConfigValue{colourOf(Plain)})
}
