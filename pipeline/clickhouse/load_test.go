package clickhouse_test

import (
	"fmt"
	"math"
	"strconv"
	"testing"
	"time"

	"parcours/pipeline"
	"parcours/pipeline/event"
)

// TestInboundContacts: what is a contact, whether it was answered, and how long it waited; hours are those of the rules' calendar.
func TestInboundContacts(t *testing.T) {
	s, h := store(t), &history{}
	long, short := 200.0, 7.0
	talk := 60.0
	at := func(text string) event.Instant { return on("2025-06-" + text + ".000") }
	h.event(event.ContactStarted, "a", at("30 22:29:50"), event.Data{Contact: "queued", Channel: "phone"})
	h.event(event.ContactQueued, "a", at("30 22:30:00"), event.Data{Contact: "queued", Silo: "it", Unit: "u1"})
	h.event(event.ContactAnswered, "a", at("30 22:31:30"), event.Data{Contact: "queued", Reason: "technical.fault"})
	h.event(event.ContactEnded, "a", at("30 22:40:00"), event.Data{Contact: "queued", Reason: "billing.dispute", WaitS: &long})
	h.event(event.ContactStarted, "a", at("02 08:00:00"), event.Data{Contact: "said", Channel: "phone", Direction: "in"})
	h.event(event.ContactAnswered, "a", at("02 08:01:00"), event.Data{Contact: "said", WaitS: &short})
	h.event(event.ContactEnded, "b", at("02 08:20:00"), event.Data{Contact: "ended", Channel: "store", WaitS: &long, TalkS: &talk})
	h.event(event.ContactStarted, "b", at("02 08:30:00"), event.Data{Contact: "gone", Channel: "phone"})
	h.event(event.ContactAbandoned, "b", at("02 08:35:00"), event.Data{Contact: "gone", WaitS: &long})
	h.event(event.ContactRefused, "b", at("02 08:40:00"), event.Data{Channel: "chat", Why: "busy"})
	h.event(event.MessageReceived, "b", at("02 09:00:00"), event.Data{Contact: "mail", Channel: "email", Reason: "unknown"})
	h.event(event.MessageReplied, "b", at("03 09:00:00"), event.Data{Contact: "mail", Channel: "email"})
	h.event(event.ContactStarted, "b", at("04 09:00:00"), event.Data{Contact: "ours", Channel: "phone", Direction: "out"})
	h.event(event.OutreachSent, "b", at("04 10:00:00"), event.Data{Contact: "invited", Channel: "phone"})
	h.event(event.ContactStarted, "b", at("04 11:00:00"), event.Data{Contact: "invited", Channel: "phone"})
	h.event(event.MessageReplied, "b", at("04 12:00:00"), event.Data{Channel: "email"})
	h.event(event.PageViewed, "b", at("04 13:00:00"), event.Data{Contact: "web", Channel: "web"})
	h.rows.Frontier = []pipeline.FrontierRow{{Position: h.number(), Clock: on("2025-06-30 23:00:00.000"), Settled: on("2025-06-27 23:00:00.000")}}
	insert(t, s, &h.rows)
	equal(t, s, "SELECT if(contact LIKE 's e%', 'alone', contact) AS c, channel, silo, unit, reason_family, answered, abandoned, refused, wait_s FROM inbound_contacts_v ORDER BY c",
		"alone\tchat\t\t\t\tfalse\tfalse\ttrue\t\\N", "ended\tstore\t\t\t\ttrue\tfalse\tfalse\t200", "gone\tphone\t\t\t\tfalse\ttrue\tfalse\t\\N", "mail\temail\t\t\t\ttrue\tfalse\tfalse\t\\N",
		"queued\tphone\tit\tu1\tbilling\ttrue\tfalse\tfalse\t90", "said\tphone\t\t\t\ttrue\tfalse\tfalse\t7")
	equal(t, s, "SELECT hour, day, weekday, local_hour, time_zone, sum(contacts), sum(answered), sum(abandoned), sum(refused), complete, settled FROM contact_load_v GROUP BY ALL ORDER BY hour",
		"2025-06-02 08:00:00\t2025-06-02\t1\t10\tEurope/Paris\t4\t2\t1\t1\ttrue\ttrue", "2025-06-02 09:00:00\t2025-06-02\t1\t11\tEurope/Paris\t1\t1\t0\t0\ttrue\ttrue",
		"2025-06-30 22:00:00\t2025-07-01\t2\t0\tEurope/Paris\t1\t1\t0\t0\tfalse\tfalse")
}

// six is a number to six digits, as the server writes it.
func six(x float64) string { return strconv.FormatFloat(math.Round(x*1e6)/1e6, 'f', -1, 64) }

// calls are contacts of one day and channel.
func (h *history) calls(day event.Instant, channel string, n int) {
	for range n {
		h.event(event.ContactStarted, "", day.Add(noon), event.Data{Channel: event.Channel(channel)})
	}
}

// TestUsualLoad: ten calls each Monday, then thirty: more than chance explains. A week earlier nothing is known yet, and a day without a
// call counts as none.
func TestUsualLoad(t *testing.T) {
	s, h := store(t), &history{}
	monday := func(week int) event.Instant { return on("2025-01-06").Add(time.Duration(week) * 7 * 24 * time.Hour) }
	for week := range 8 {
		h.calls(monday(week), "phone", 10)
	}
	h.calls(monday(8), "phone", 30)
	h.calls(monday(8), "chat", 1)
	h.calls(monday(10), "chat", 1)
	h.settled(monday(10).Add(48 * time.Hour))
	insert(t, s, &h.rows)
	half := 2.576 * math.Sqrt(10*(1+1./8))
	equal(t, s, "SELECT day, n, usual, round(low, 6), round(high, 6), unusual, weeks, complete, settled FROM load_daily_v WHERE channel = 'phone' AND measure = 'contacts' AND toDayOfWeek(day) = 1 AND day >= '2025-01-27' AND (n > 10 OR weeks IN (3, 4) OR n = 0) ORDER BY day",
		"2025-01-27\t10\t\\N\t\\N\t\\N\t0\t3\ttrue\ttrue",
		fmt.Sprintf("2025-02-03\t10\t10\t%v\t%v\t0\t4\ttrue\ttrue", six(10-2.576*math.Sqrt(12.5)), six(10+2.576*math.Sqrt(12.5))),
		fmt.Sprintf("2025-03-03\t30\t10\t%v\t%v\t1\t8\ttrue\ttrue", six(10-half), six(10+half)),
		lines(t, s, "SELECT day, n, usual, round(low, 6), round(high, 6), unusual, weeks, complete, settled FROM load_daily_v WHERE channel = 'phone' AND measure = 'contacts' AND day = '2025-03-10'")[0],
		lines(t, s, "SELECT day, n, usual, round(low, 6), round(high, 6), unusual, weeks, complete, settled FROM load_daily_v WHERE channel = 'phone' AND measure = 'contacts' AND day = '2025-03-17'")[0])
	equal(t, s, "SELECT n, usual, unusual FROM load_daily_v WHERE channel = 'phone' AND measure = 'contacts' AND day = '2025-03-10'", "0\t12.5\t0")
	equal(t, s, "SELECT n, usual FROM load_daily_v WHERE whole AND measure = 'contacts' AND day = '2025-03-03'", "31\t10")
}

// TestDaysWithoutContacts: ten calls each Monday in five weeks, then none at all: the sixth Monday, over before the clock of the slowest partition,
// is a day of none where ten were usual; the seventh is not over. In Paris the day of the clock has begun two hours before midnight.
func TestDaysWithoutContacts(t *testing.T) {
	s, h := store(t), &history{}
	monday := func(week int) event.Instant { return on("2025-06-02").Add(time.Duration(week) * 7 * 24 * time.Hour) }
	for week := range 5 {
		h.calls(monday(week), "phone", 10)
	}
	h.rows.Frontier = []pipeline.FrontierRow{
		{Position: h.number(), Clock: monday(6).Add(21 * time.Hour), Settled: monday(5).Add(22 * time.Hour)}, {Partition: 1, Position: 1, Clock: monday(9), Settled: monday(9)}}
	insert(t, s, &h.rows)
	const mondays = " AND measure = 'contacts' AND toDayOfWeek(day) = 1 AND day > '2025-06-30'"
	equal(t, s, "SELECT day, channel, n, usual, unusual, weeks, complete, settled FROM load_daily_v WHERE true"+mondays+" ORDER BY day, channel",
		"2025-07-07\t\t0\t10\t-1\t5\ttrue\ttrue", "2025-07-07\tphone\t0\t10\t-1\t5\ttrue\ttrue")
	equal(t, s, "SELECT max(day), maxIf(day, settled), uniqExact(day), count() FROM load_daily_v", "2025-07-13\t2025-07-07\t42\t252")
	h.rows.Frontier[0].Clock, h.rows.Frontier[0].Position = monday(6).Add(22*time.Hour), h.number()
	insert(t, s, &pipeline.Rows{Generation: 1, Frontier: h.rows.Frontier[:1]})
	equal(t, s, "SELECT day, n, complete, settled FROM load_daily_v WHERE whole"+mondays+" AND NOT settled", "2025-07-14\t0\ttrue\tfalse")
}

// TestMeanOfAnHour: of the four Mondays that are over, one has a call at 10 h about billing, one has one at 10 h and one at 11 h about claims, two have none:
// the mean is over four, whatever is chosen. The fifth is not over.
func TestMeanOfAnHour(t *testing.T) {
	s, h := store(t), &history{}
	for _, c := range []struct{ at, reason, channel string }{
		{"2025-01-06 09:10:00", "billing.dispute", "phone"}, {"2025-01-20 09:00:00", "claim.late", "phone"}, {"2025-01-20 10:59:00", "claim.late", "chat"}, {"2025-01-21 10:00:00", "", ""},
		{"2025-02-03 09:00:00", "billing.dispute", "phone"}} {
		h.event(event.ContactStarted, "a", on(c.at+".000"), event.Data{Reason: c.reason, Channel: event.Channel(c.channel)})
	}
	h.rows.Frontier = []pipeline.FrontierRow{{Position: h.number(), Clock: on("2025-02-03 22:59:59.999"), Settled: on("2025-01-30")}}
	insert(t, s, &h.rows)
	mean := func(chosen string) string {
		return "SELECT weekday, sumIf(contacts, local_hour = 10) / sum(days), sumIf(contacts, local_hour = 11) / sum(days), sum(days), any(time_zone) FROM hourly_load_v WHERE days > 0 OR (" + chosen + ") GROUP BY weekday HAVING weekday < 3 ORDER BY weekday"
	}
	equal(t, s, mean("true"), "1\t0.5\t0.25\t4\tEurope/Paris", "2\t0\t0.25\t4\tEurope/Paris")
	equal(t, s, mean("reason_family = 'billing'"), "1\t0.25\t0\t4\tEurope/Paris", "2\t0\t0\t4\tEurope/Paris")
	equal(t, s, mean("channel = 'chat'"), "1\t0\t0.25\t4\tEurope/Paris", "2\t0\t0\t4\tEurope/Paris")
	equal(t, s, mean("channel = '' AND reason_family = ''"), "1\t0\t0\t4\tEurope/Paris", "2\t0\t0.25\t4\tEurope/Paris")
}

// TestChannelMix: 80 of 100 by phone, then 60 of 100: beyond noise, by Newcombe. A month that is not settled is compared with none.
func TestChannelMix(t *testing.T) {
	s, h := store(t), &history{}
	for _, m := range []struct{ month, phone int }{{3, 80}, {4, 60}, {5, 60}} {
		h.calls(day2025(m.month, 3), "phone", m.phone)
		h.calls(day2025(m.month, 4), "chat", 100-m.phone)
	}
	h.calls(day2025(5, 31), "chat", 1)
	h.settled(day2025(5, 20))
	insert(t, s, &h.rows)
	l1, h1 := wilson(60, 100)
	l2, h2 := wilson(80, 100)
	low, high := newcombe(0.6, l1, h1, 0.8, l2, h2)
	equal(t, s, "SELECT month, contacts, n, complete, round(share_before, 6), round(change, 6), round(change_low, 6), round(change_high, 6), exceeds_noise FROM channel_mix_v WHERE channel = 'phone' ORDER BY month",
		"2025-03-01\t80\t100\ttrue\t\\N\t\\N\t\\N\t\\N\t\\N", fmt.Sprintf("2025-04-01\t60\t100\ttrue\t0.8\t-0.2\t%v\t%v\ttrue", six(low), six(high)),
		"2025-05-01\t60\t101\tfalse\t\\N\t\\N\t\\N\t\\N\t\\N")
}

// TestChannelRates: 2 of 10 attempts, then 9 of 10: what was kept, by channel and in all, against the month before.
func TestChannelRates(t *testing.T) {
	s, h := store(t), &history{}
	for month, broke := range []int{2, 9} {
		for i := range 10 {
			h.chance("channel_failover", "c", "billing.dispute", day2025(month+1, 10), i < broke)
			o := &h.rows.Journeys[len(h.rows.Journeys)-1].Opportunities[0]
			o.Channel = []string{"web", "app"}[i%2]
		}
	}
	h.settled(day2025(3, 5))
	insert(t, s, &h.rows)
	l1, h1 := wilson(9, 10)
	l2, h2 := wilson(2, 10)
	low, high := newcombe(0.9, l1, h1, 0.2, l2, h2)
	equal(t, s, "SELECT month, opportunities, broken, round(kept, 6), round(low, 6), round(high, 6), complete, round(change, 6), round(change_low, 6), round(change_high, 6), exceeds_noise FROM channel_rates_v WHERE whole ORDER BY month",
		fmt.Sprintf("2025-01-01\t10\t2\t0.8\t%v\t%v\ttrue\t\\N\t\\N\t\\N\t\\N", six(l2), six(h2)),
		fmt.Sprintf("2025-02-01\t10\t9\t0.1\t%v\t%v\ttrue\t0.7\t%v\t%v\ttrue", six(l1), six(h1), six(low), six(high)))
	equal(t, s, "SELECT channel, opportunities, broken FROM channel_rates_v WHERE NOT whole AND month = '2025-02-01' ORDER BY channel", "app\t5\t4", "web\t5\t5")
}

// TestPipelineViews: the ledger against the rows of events, what was late, how far partitions are, what is done, what it takes.
func TestPipelineViews(t *testing.T) {
	s, h := store(t), &history{}
	h.event(event.ContactStarted, "a", on("2025-06-01"), event.Data{})
	h.event(event.ContactStarted, "a", on("2025-06-10"), event.Data{})
	late := h.event(event.ContactStarted, "a", on("2025-06-02"), event.Data{})
	h.rows.Events[2].StoredAt = on("2025-06-10")
	h.rows.Steps = append(h.rows.Steps, pipeline.StepRow{At: on("2025-06-02"), Source: "s", EventID: late, Position: 3, Placement: "late", Type: event.ContactStarted, CustomerID: "a"})
	h.rows.Ledger = []pipeline.LedgerRow{{Position: 3, First: 3, Copies: 2, Late: 1, SetAside: 1, System: 4}}
	h.rows.Frontier = []pipeline.FrontierRow{{Partition: 0, Position: 3, Clock: on("2025-06-10"), Settled: on("2025-06-07")}, {Partition: 1, Position: 3, Clock: on("2025-06-09"), Settled: on("2025-06-06")}}
	h.rows.ScoredDays = []pipeline.ScoredDayRow{scoredOn("2025-06-07", 4)}
	insert(t, s, &h.rows)
	equal(t, s, "SELECT partition, stored, first, copies, late, set_aside, system, events, gap FROM ledger_balance_v", "0\t11\t3\t2\t1\t1\t4\t3\t1")
	equal(t, s, "SELECT day, source, events, late, median_days, longest_days FROM lateness_v ORDER BY day", "2025-06-01\ts\t1\t0\t\\N\t\\N", "2025-06-10\ts\t2\t1\t8\t8")
	equal(t, s, "SELECT minute, source, events, delay_s FROM throughput_v ORDER BY minute", "2025-06-01 00:00:00\ts\t1\t0", fmt.Sprint("2025-06-10 00:00:00\ts\t2\t", 4*86400))
	equal(t, s, "SELECT partition, position, behind_s, events, newest_position, newest_seen_at IS NULL, idle_s > 0 FROM pipeline_lag_v ORDER BY partition",
		"0\t3\t0\t3\t3\t0\t1", "1\t3\t86400\t0\t0\t1\t\\N")
	equal(t, s, "SELECT task, behind_days FROM daily_work_v WHERE until IS NOT NULL", "scores\t2")
	equal(t, s, "SELECT generation, current FROM generations_v", "1\ttrue")
	equal(t, s, "SELECT rows, parts, bytes > 0 FROM table_sizes_v WHERE table = 'events'", "3\t1\t1")
}
