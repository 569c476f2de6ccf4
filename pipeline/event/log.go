package event

import (
	"math"
	"slices"
	"strconv"

	"github.com/segmentio/encoding/json"
)

// AppendLog writes the event as structured CloudEvents JSON, as it stands in EVENTS, at the end of b: fields in a fixed order,
// identifiers sorted by kind, times with TimeLayout, shortest numbers, nothing for a zero field. The same event gives the
// same bytes. DecodeLog reads every event that Check accepts back as it was.
func AppendLog(b []byte, e *Event) []byte {
	b = append(slices.Grow(b, roomFor(e)), `{"specversion":"1.0"`...)
	b = appendText(b, `,"id":`, e.ID)
	b = appendText(b, `,"source":`, e.Source)
	b = appendText(b, `,"type":`, e.Type)
	b = append(b, `,"time":"`...)
	b = e.At.Append(b)
	b = append(b, '"')
	b = appendText(b, `,"subject":`, e.Subject)
	b = appendText(b, `,"sequence":`, e.Sequence)
	b = appendText(b, `,"home":`, e.Home)
	b = appendData(b, &e.Data)
	return append(b, '}')
}

// roomFor is about what an event takes: most take less.
func roomFor(e *Event) int {
	const usual = 384
	n := usual
	for i := range e.Data.Extra {
		n += len(e.Data.Extra[i].Name) + len(e.Data.Extra[i].JSON)
	}
	return n
}

// appendData writes data, or nothing where it holds nothing. Each field ends in a comma; the last comma becomes the brace.
func appendData(b []byte, d *Data) []byte {
	start := len(b)
	b = append(b, `,"datacontenttype":"application/json","data":{`...)
	empty := len(b)
	b = appendCommon(b, d)
	b = appendDetail(b, d)
	b = appendFigures(b, d)
	for _, f := range d.Extra {
		b = append(json.AppendEscape(b, f.Name, 0), ':')
		b = append(append(b, f.JSON...), ',')
	}
	if len(b) == empty {
		return b[:start]
	}
	b[len(b)-1] = '}'
	return b
}

func appendCommon(b []byte, d *Data) []byte {
	b = appendIdentifiers(b, d.Identifiers)
	b = appendField(b, `"customer":`, d.Customer)
	b = appendField(b, `"contact":`, d.Contact)
	b = appendField(b, `"direction":`, string(d.Direction))
	b = appendField(b, `"channel":`, string(d.Channel))
	b = appendField(b, `"reason":`, d.Reason)
	b = appendField(b, `"silo":`, d.Silo)
	b = appendField(b, `"unit":`, d.Unit)
	b = appendField(b, `"agent":`, d.Agent)
	b = appendField(b, `"case":`, d.Case)
	b = appendField(b, `"product":`, d.Product)
	b = appendField(b, `"place":`, d.Place)
	return appendField(b, `"activity":`, d.Activity)
}

func appendDetail(b []byte, d *Data) []byte {
	b = appendField(b, `"to_silo":`, d.ToSilo)
	b = appendField(b, `"to_unit":`, d.ToUnit)
	b = appendField(b, `"why":`, d.Why)
	b = appendFlag(b, `"resolved":`, d.Resolved)
	b = appendNumber(b, `"wait_s":`, d.WaitS)
	b = appendNumber(b, `"talk_s":`, d.TalkS)
	b = appendNumber(b, `"hold_s":`, d.HoldS)
	b = appendNumber(b, `"wrap_s":`, d.WrapS)
	b = appendField(b, `"form":`, d.Form)
	b = appendField(b, `"kind":`, d.Kind)
	b = appendField(b, `"on":`, d.On)
	b = appendField(b, `"regime":`, d.Regime)
	b = appendField(b, `"to":`, d.To)
	b = appendYes(b, `"holding":`, d.Holding)
	b = appendInstant(b, `"sent_at":`, d.SentAt)
	b = appendField(b, `"promise":`, d.Promise)
	b = appendInstant(b, `"due":`, d.Due)
	b = appendField(b, `"act":`, d.Act)
	b = appendField(b, `"by":`, d.By)
	b = appendTexts(b, `"products":`, d.Products)
	return appendTexts(b, `"places":`, d.Places)
}

func appendFigures(b []byte, d *Data) []byte {
	b = appendNumber(b, `"nps":`, d.NPS)
	b = appendNumber(b, `"csat":`, d.CSAT)
	b = appendNumber(b, `"csat_scale":`, d.CSATScale)
	b = appendNumber(b, `"ces":`, d.CES)
	b = appendNumber(b, `"ces_scale":`, d.CESScale)
	b = appendNumber(b, `"annual_margin":`, d.AnnualMargin)
	b = appendYes(b, `"captive":`, d.Captive)
	b = appendNumber(b, `"value":`, d.Value)
	b = appendField(b, `"initiated_by":`, d.InitiatedBy)
	b = appendField(b, `"cause":`, d.Cause)
	b = appendField(b, `"mode":`, d.Mode)
	if d.Partitions != 0 {
		b = append(b, `"partitions":`...)
		b = append(strconv.AppendInt(b, int64(d.Partitions), 10), ',')
	}
	return b
}

func appendText(b []byte, name, v string) []byte {
	if v == "" {
		return b
	}
	return json.AppendEscape(append(b, name...), v, 0)
}

func appendField(b []byte, name, v string) []byte {
	if v == "" {
		return b
	}
	return append(json.AppendEscape(append(b, name...), v, 0), ',')
}

func appendIdentifiers(b []byte, ids Identifiers) []byte {
	if len(ids) == 0 {
		return b
	}
	b = append(b, `"identifiers":{`...)
	for _, id := range ids {
		b = append(json.AppendEscape(b, id.Kind, 0), ':')
		b = append(json.AppendEscape(b, id.Value, 0), ',')
	}
	b[len(b)-1] = '}'
	return append(b, ',')
}

func appendTexts(b []byte, name string, all []string) []byte {
	if len(all) == 0 {
		return b
	}
	b = append(append(b, name...), '[')
	for _, v := range all {
		b = append(json.AppendEscape(b, v, 0), ',')
	}
	b[len(b)-1] = ']'
	return append(b, ',')
}

func appendFlag(b []byte, name string, v *bool) []byte {
	if v == nil {
		return b
	}
	return append(strconv.AppendBool(append(b, name...), *v), ',')
}

func appendYes(b []byte, name string, v bool) []byte {
	if !v {
		return b
	}
	return appendFlag(b, name, &v)
}

func appendInstant(b []byte, name string, v Instant) []byte {
	if v == 0 {
		return b
	}
	b = append(append(b, name...), '"')
	return append(v.Append(b), '"', ',')
}

// appendNumber writes the shortest decimal that reads back as v, in the form of encoding/json.
func appendNumber(b []byte, name string, v *float64) []byte {
	if v == nil {
		return b
	}
	b = append(b, name...)
	form := byte('f')
	if size := math.Abs(*v); size != 0 && (size < 1e-6 || size >= 1e21) {
		form = 'e'
	}
	return append(strconv.AppendFloat(b, *v, form, -1, 64), ',')
}
