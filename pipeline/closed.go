package pipeline

import (
	"slices"
	"strings"

	"github.com/segmentio/encoding/json"

	"parcours/pipeline/alert"
	"parcours/pipeline/event"
)

// closedDays is what the log has said of days that are closed: kept by partition 0, which tells what follows from it.
type closedDays struct {
	any  bool
	last alert.Date  // the last one; without a meaning before the first
	open []openAlert // raised and not cleared, in the order of the log
}

// openAlert is an alert with its row as it was last written.
type openAlert struct {
	alert.Alert
	said
}

func (d closedDays) clone() closedDays {
	d.open = slices.Clone(d.open)
	return d
}

// Closed says up to which day the log has said that days are closed (false: of none), and which alerts it has raised and not
// cleared. Partition 0 alone knows.
func (p *Partition) Closed() (last alert.Date, any bool, open []alert.Alert) {
	for _, o := range p.days.open {
		open = append(open, o.Alert)
	}
	return p.days.last, p.days.any, open
}

// closeDay takes what was decided of a day as it was decided: it is never computed again. The first message about a day
// stands, whatever a later one says; so does what was said of a later day.
func (p *Partition) closeDay(m *Message, e *event.Event, c *Changes) {
	if p.Number != 0 {
		return
	}
	closing, err := alert.ReadClosing(e)
	if err != nil {
		p.report(m, e, "data", "a day that was closed: "+err.Error(), c)
		return
	}
	if p.days.any && closing.Day <= p.days.last {
		return
	}
	p.days.any, p.days.last = true, closing.Day
	w := writer{partition: p, position: m.Position, changes: c}
	row := ClosedDayRow{Day: closing.Day, Series: uint32(closing.Series), Watched: uint32(closing.Watched), Position: m.Position, Partition: p.Number}
	for _, ended := range closing.Cleared {
		row.Cleared += w.clear(ended, closing.Day)
	}
	for i := range closing.Raised {
		row.Raised += w.raise(&closing.Raised[i])
	}
	p.tally.add(tableClosedDays, said{row.Content(), m.Position})
	c.Rows.ClosedDays = append(c.Rows.ClosedDays, row)
}

// raise gives 1, or 0 for an alert that stands already.
func (w *writer) raise(a *alert.Alert) uint32 {
	days := &w.partition.days
	if slices.ContainsFunc(days.open, func(o openAlert) bool { return o.ID == a.ID }) {
		return 0
	}
	row := w.alertRow(a)
	now := said{row.Content(), w.position}
	w.partition.tally.add(tableAlerts, now)
	days.open = append(days.open, openAlert{*a, now})
	w.changes.Rows.Alerts = append(w.changes.Rows.Alerts, row)
	w.tellAlert(AlertRaised, a, raisedAlertData{
		alertData: alertDataOf(a, w.position), Observed: a.Observed, Expected: a.Expected, Factor: a.Factor, Low: a.Low, High: a.High,
		Where: a.Where, Explains: some(row.Explains[:min(len(row.Explains), explainsTold)]),
	}, a.RaisedOn)
	return 1
}

// clear gives 1, or 0 for an alert that does not stand.
func (w *writer) clear(ended alert.Cleared, on alert.Date) uint32 {
	days := &w.partition.days
	i := slices.IndexFunc(days.open, func(o openAlert) bool { return o.ID == ended.ID })
	if i < 0 {
		return 0
	}
	o := days.open[i]
	days.open = slices.Delete(days.open, i, i+1)
	row := w.alertRow(&o.Alert)
	row.ClearedOn, row.ClearedWhy = on, ended.Why
	w.replace(tableAlerts, o.said, said{row.Content(), w.position})
	w.changes.Rows.Alerts = append(w.changes.Rows.Alerts, row)
	w.tellAlert(AlertCleared, &o.Alert, clearedAlertData{alertData: alertDataOf(&o.Alert, w.position), ClearedOn: on.String(), Why: ended.Why}, on)
	return 1
}

func (w *writer) alertRow(a *alert.Alert) AlertRow {
	row := AlertRow{
		AlertID: a.ID, Kind: a.Kind, ReasonFamily: a.ReasonFamily, Silo: a.Silo, Unit: a.Unit, Channel: a.Channel,
		RaisedOn: a.RaisedOn, Since: a.Since, Observed: a.Observed, Expected: a.Expected, Factor: a.Factor, Low: a.Low, High: a.High,
		WhereReasonFamily: a.Where.ReasonFamily, WhereSilo: a.Where.Silo, WhereUnit: a.Where.Unit, WhereChannel: a.Where.Channel,
		Position: w.position, Partition: w.partition.Number,
	}
	for _, k := range a.Explains {
		row.Explains = append(row.Explains, seriesName(k))
	}
	return row
}

// seriesName writes a series on one line: `long_wait reason_family=billing unit=lyon-2`; the kind alone stands for all of it.
func seriesName(k alert.Key) string {
	var b strings.Builder
	b.WriteString(k.Kind)
	for _, part := range [...][2]string{{"reason_family", k.ReasonFamily}, {"silo", k.Silo}, {"unit", k.Unit}, {"channel", k.Channel}} {
		if part[1] != "" {
			b.WriteString(" " + part[0] + "=" + part[1])
		}
	}
	return b.String()
}

// explainsTold bounds the series listed in a message; the table has them all.
const explainsTold = 50

type alertData struct {
	AlertID string `json:"alert_id"`
	alert.Key
	RaisedOn string `json:"raised_on"`
	Since    string `json:"since"`
	Position uint64 `json:"position"`
}

type raisedAlertData struct {
	alertData
	Observed uint64    `json:"observed"`
	Expected float64   `json:"expected"`
	Factor   float64   `json:"factor"`
	Low      float64   `json:"low"`
	High     float64   `json:"high"`
	Where    alert.Key `json:"where"`
	Explains []string  `json:"explains"`
}

type clearedAlertData struct {
	alertData
	ClearedOn string `json:"cleared_on"`
	Why       string `json:"why"`
}

func alertDataOf(a *alert.Alert, position uint64) alertData {
	return alertData{AlertID: a.ID, Key: a.Key, RaisedOn: a.RaisedOn.String(), Since: a.Since.String(), Position: position}
}

// allFamilies is the reason family in the subject of an alert about every reason.
const allFamilies = "all"

// tellAlert tells of an alert at the end of the day that raised or cleared it.
func (w *writer) tellAlert(typ string, a *alert.Alert, data any, on alert.Date) {
	family := allFamilies
	if a.ReasonFamily != "" {
		family = w.partition.Book.FamilyToken(a.ReasonFamily)
	}
	w.tellUnder(family, typ, a.ID, "", []string{a.Kind}, (on + 1).Start(), data)
}

func (d closedDays) write(w *stateWriter) {
	w.p.bit(d.any)
	w.p.int(int64(d.last))
	w.p.uint(uint64(len(d.open)))
	for _, o := range d.open {
		w.p.fixed(o.content)
		w.p.uint(o.position)
		text, err := json.Marshal(o.Alert)
		if err != nil && w.err == nil {
			w.err = err
		}
		w.p.text(string(text))
	}
	w.flush()
}

func readClosedDays(r *stateReader) (d closedDays) {
	d.any, d.last = r.bit(), alert.Date(r.int())
	for n := r.uint(); n > 0 && r.err == nil; n-- {
		o := openAlert{said: said{r.fixed(), r.uint()}}
		text := r.text()
		if r.err == nil {
			r.err = json.Unmarshal([]byte(text), &o.Alert)
		}
		d.open = append(d.open, o)
	}
	return d
}
