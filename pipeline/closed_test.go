package pipeline_test

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/segmentio/encoding/json"

	"parcours/pipeline"
	"parcours/pipeline/alert"
	"parcours/pipeline/event"
	"parcours/pipeline/rules"
)

// closings folds messages that every partition sees.
type closings struct {
	t         *testing.T
	partition *pipeline.Partition
	position  uint64
	all       pipeline.Changes // of all messages so far
}

func newClosings(t *testing.T, number int) *closings {
	return &closings{t: t, partition: pipeline.NewPartition(pipeline.Setup{Number: number, Book: rules.Default()})}
}

func (f *closings) apply(e event.Event) (c pipeline.Changes) {
	f.t.Helper()
	f.position++
	m := pipeline.Message{Position: f.position, Partition: pipeline.All, Type: e.Type, StoredAt: e.At}
	if err := f.partition.Apply(&m, &e, &c); err != nil {
		f.t.Fatal(err)
	}
	f.all.Rows.Alerts = append(f.all.Rows.Alerts, c.Rows.Alerts...)
	f.all.Rows.ClosedDays = append(f.all.Rows.ClosedDays, c.Rows.ClosedDays...)
	return c
}

func (f *closings) close(c alert.Closing) pipeline.Changes {
	f.t.Helper()
	return f.apply(c.Event())
}

// digest is that of a table as the fold keeps it.
func (f *closings) digest(table string) (rows, digest uint64) {
	var r pipeline.Rows
	f.partition.Account(&r)
	for _, d := range r.Digests {
		if d.Table == table {
			return d.Rows, d.Digest
		}
	}
	f.t.Fatalf("no digest of %s", table)
	return 0, 0
}

// balanced compares the digests of the fold with the rows that a table would show.
func (f *closings) balanced() {
	f.t.Helper()
	shown := map[string]pipeline.AlertRow{}
	for _, r := range f.all.Rows.Alerts {
		shown[fmt.Sprint(r.RaisedOn, r.AlertID)] = r // the last version
	}
	var sum, days uint64
	for _, r := range shown {
		sum += pipeline.RowDigest(r.Content(), r.Position)
	}
	for _, r := range f.all.Rows.ClosedDays {
		days += pipeline.RowDigest(r.Content(), r.Position)
	}
	if rows, digest := f.digest("alerts"); rows != uint64(len(shown)) || digest != sum {
		f.t.Errorf("alerts: %d rows, %d; the fold says %d, %d", len(shown), sum, rows, digest)
	}
	if rows, digest := f.digest("closed_days"); rows != uint64(len(f.all.Rows.ClosedDays)) || digest != days {
		f.t.Errorf("closed days: %d rows, %d; the fold says %d, %d", len(f.all.Rows.ClosedDays), days, rows, digest)
	}
}

const firstDay = alert.Date(20_500) // 2026-02-16

func raisedOn(day alert.Date, id, family string) alert.Alert {
	return alert.Alert{
		ID: strings.Repeat(id, 16), Key: alert.Key{Kind: "long_wait", ReasonFamily: family}, RaisedOn: day, Since: day - 2, Observed: 40,
		Expected: 20, Factor: 2, Low: 1.4, High: 2.7, Where: alert.Key{Kind: "long_wait", ReasonFamily: family, Channel: "phone"},
		Explains: []alert.Key{{Kind: "long_wait", Unit: "lyon-2"}, {Kind: "long_wait"}},
	}
}

// TestCloseDay: a day that was closed raises an alert, a later one clears it; both are rows, and both are told.
func TestCloseDay(t *testing.T) {
	f := newClosings(t, 0)
	c := f.close(alert.Closing{Day: firstDay, Series: 9, Watched: 4, Raised: []alert.Alert{raisedOn(firstDay, "0a", "billing"), raisedOn(firstDay, "0b", "")}})
	if len(c.Rows.Alerts) != 2 || len(c.Told) != 2 || len(c.SetAside) != 0 {
		t.Fatalf("%d rows, %d messages, %+v", len(c.Rows.Alerts), len(c.Told), c.SetAside)
	}
	row := c.Rows.Alerts[0]
	if row.AlertID != strings.Repeat("0a", 16) || row.RaisedOn != firstDay || row.ClearedWhy != "" || row.WhereChannel != "phone" ||
		!reflect.DeepEqual(row.Explains, []string{"long_wait unit=lyon-2", "long_wait"}) {
		t.Errorf("%+v", row)
	}
	if got := strings.Join(c.Told[0].Tokens, "."); got != "alert.raised.long_wait.billing" {
		t.Error(got)
	}
	if got := strings.Join(c.Told[1].Tokens, "."); got != "alert.raised.long_wait.all" {
		t.Error(got)
	}
	if want := (pipeline.ClosedDayRow{Day: firstDay, Series: 9, Watched: 4, Raised: 2, Position: 1}); c.Rows.ClosedDays[0] != want {
		t.Errorf("%+v", c.Rows.ClosedDays[0])
	}
	f.balanced()

	again := raisedOn(firstDay+2, "0a", "billing")
	c = f.close(alert.Closing{Day: firstDay + 2, Raised: []alert.Alert{again},
		Cleared: []alert.Cleared{{ID: strings.Repeat("0b", 16), Why: "usual_again"}, {ID: "nobody's", Why: "rules"}}})
	if len(c.Rows.Alerts) != 1 || len(c.Told) != 1 {
		t.Fatalf("%+v", c)
	}
	if row := c.Rows.Alerts[0]; row.ClearedOn != firstDay+2 || row.ClearedWhy != "usual_again" || row.RaisedOn != firstDay || row.Position != 2 {
		t.Errorf("%+v", row)
	}
	if want := (pipeline.ClosedDayRow{Day: firstDay + 2, Cleared: 1, Position: 2}); c.Rows.ClosedDays[0] != want {
		t.Errorf("%+v", c.Rows.ClosedDays[0])
	}
	f.balanced()
	if last, any, open := f.partition.Closed(); last != firstDay+2 || !any || len(open) != 1 || !reflect.DeepEqual(open[0], raisedOn(firstDay, "0a", "billing")) {
		t.Errorf("%v %v %+v", last, any, open)
	}
}

// TestAlertComesBack: an alert that was cleared may be raised again, on the very day too.
func TestAlertComesBack(t *testing.T) {
	f := newClosings(t, 0)
	f.close(alert.Closing{Day: firstDay, Raised: []alert.Alert{raisedOn(firstDay, "0a", "billing")}})
	c := f.close(alert.Closing{Day: firstDay + 1, Raised: []alert.Alert{raisedOn(firstDay+1, "0a", "billing")},
		Cleared: []alert.Cleared{{ID: strings.Repeat("0a", 16), Why: "rules"}}})
	if len(c.Rows.Alerts) != 2 || c.Told[0].Type != pipeline.AlertCleared || c.Told[1].Type != pipeline.AlertRaised {
		t.Errorf("%+v", c)
	}
	f.balanced()
}

// TestDayClosedOnce: the first message about a day stands, whatever a copy says, and nothing is said of days before it.
func TestDayClosedOnce(t *testing.T) {
	f := newClosings(t, 0)
	f.close(alert.Closing{Day: firstDay, Watched: 1})
	for _, day := range []alert.Date{firstDay, firstDay - 7} {
		c := f.close(alert.Closing{Day: day, Watched: 2, Raised: []alert.Alert{raisedOn(day, "0a", "billing")}})
		if len(c.Rows.Alerts)+len(c.Rows.ClosedDays)+len(c.Told)+len(c.SetAside) != 0 {
			t.Errorf("day %s: %+v", day, c)
		}
	}
	f.balanced()
	if counts := f.partition.Counts(); counts.System != 3 || counts.SetAside != 0 {
		t.Errorf("%+v", counts)
	}
}

// TestDayClosedUnreadable: it is reported by one partition, counts as what the system wrote, and changes nothing.
func TestDayClosedUnreadable(t *testing.T) {
	for number, reports := range map[int]int{0: 1, 3: 0} {
		f := newClosings(t, number)
		c := f.apply(event.Event{ID: "x", Source: "/x", Type: event.DayClosed, At: 5})
		if len(c.SetAside) != reports || len(c.Rows.ClosedDays) != 0 || f.partition.Counts().System != 1 {
			t.Errorf("partition %d: %+v", number, c)
		}
		if reports == 1 && (c.SetAside[0].Reason != event.ReasonUndecodable || c.SetAside[0].Field != "data") {
			t.Errorf("%+v", c.SetAside)
		}
	}
}

// TestOtherPartitionsTellNoAlerts: what every partition sees, one keeps.
func TestOtherPartitionsTellNoAlerts(t *testing.T) {
	f := newClosings(t, 1)
	c := f.close(alert.Closing{Day: firstDay, Raised: []alert.Alert{raisedOn(firstDay, "0a", "billing")}})
	if len(c.Rows.Alerts)+len(c.Rows.ClosedDays)+len(c.Told) != 0 {
		t.Errorf("%+v", c)
	}
}

// TestClosedDaysSurvive: what partition 0 keeps of closed days is in its state.
func TestClosedDaysSurvive(t *testing.T) {
	f := newClosings(t, 0)
	f.close(alert.Closing{Day: firstDay, Raised: []alert.Alert{raisedOn(firstDay, "0a", "billing"), raisedOn(firstDay, "0b", "")}})
	f.close(alert.Closing{Day: firstDay + 1, Cleared: []alert.Cleared{{ID: strings.Repeat("0b", 16), Why: "new_usual"}}})
	var state bytes.Buffer
	if err := f.partition.Snapshot().Write(&state); err != nil {
		t.Fatal(err)
	}
	restored, err := pipeline.Restore(pipeline.Setup{Number: 0, Book: rules.Default()}, &state)
	if err != nil {
		t.Fatal(err)
	}
	before, beforeAny, open := f.partition.Closed()
	after, afterAny, openAfter := restored.Closed()
	if before != after || beforeAny != afterAny || !reflect.DeepEqual(open, openAfter) || len(open) != 1 {
		t.Errorf("%v %v %+v\n%v %v %+v", before, beforeAny, open, after, afterAny, openAfter)
	}
	last := alert.Closing{Day: firstDay + 2, Cleared: []alert.Cleared{{ID: strings.Repeat("0a", 16), Why: "usual_again"}}}
	want := f.close(last)
	f.partition = restored
	f.position--
	f.all.Rows.Alerts = f.all.Rows.Alerts[:len(f.all.Rows.Alerts)-1]
	f.all.Rows.ClosedDays = f.all.Rows.ClosedDays[:len(f.all.Rows.ClosedDays)-1]
	got := f.close(last)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	f.balanced()
}

// TestAlertsAreToldWhole: the body says what the row says, at the end of the day that raised it.
func TestAlertsAreToldWhole(t *testing.T) {
	f := newClosings(t, 0)
	a := raisedOn(firstDay, "0a", "billing")
	for i := range 70 {
		a.Explains = append(a.Explains, alert.Key{Kind: "long_wait", Unit: fmt.Sprint("u", i)})
	}
	c := f.close(alert.Closing{Day: firstDay, Raised: []alert.Alert{a}})
	var body struct {
		ID      string `json:"id"`
		Time    string `json:"time"`
		Subject string `json:"subject"`
		Data    struct {
			AlertID  string   `json:"alert_id"`
			Family   string   `json:"reason_family"`
			RaisedOn string   `json:"raised_on"`
			Factor   float64  `json:"factor"`
			Explains []string `json:"explains"`
			Position uint64   `json:"position"`
		} `json:"data"`
	}
	if err := json.Unmarshal(c.Told[0].Body, &body); err != nil {
		t.Fatal(err)
	}
	d := body.Data
	if body.ID != c.Told[0].ID || body.Time != "2026-02-17T00:00:00.000Z" || body.Subject != a.ID || d.AlertID != a.ID || d.Family != "billing" ||
		d.RaisedOn != "2026-02-16" || d.Factor != 2 || len(d.Explains) != 50 || d.Position != 1 {
		t.Errorf("%s", c.Told[0].Body)
	}
}

// toldOfAlerts are the messages of alerts that are raised and cleared, about one reason and about all.
func toldOfAlerts(t *testing.T) []pipeline.Told {
	t.Helper()
	f := newClosings(t, 0)
	one, all := raisedOn(firstDay, "0a", "billing"), raisedOn(firstDay, "0b", "")
	one.Silo, one.Unit, one.Channel = "customer_service", "lyon-2", "phone"
	told := f.close(alert.Closing{Day: firstDay, Raised: []alert.Alert{one, all}}).Told
	return append(told, f.close(alert.Closing{Day: firstDay + 20, Cleared: []alert.Cleared{{ID: one.ID, Why: "usual_again"}, {ID: all.ID, Why: "rules"}}}).Told...)
}
