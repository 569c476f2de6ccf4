package churn

import (
	"math"
	"strconv"
	"strings"

	"github.com/segmentio/encoding/json"
)

// What is told of a score is written and read by hand: nearly all that scoring says is of this one shape. toldScore says what it is;
// what is written is, byte for byte, the JSON of that, and what is read is what it gives.

// append writes the score; figures have six significant digits.
func (s *Score) append(b []byte) []byte {
	b = appendText(append(b, `{"model":`...), s.Model)
	if s.Prior {
		b = append(b, `,"prior":true`...)
	}
	b = appendText(append(b, `,"segment":`...), s.Segment)
	if s.Captive {
		b = append(b, `,"captive":true`...)
	}
	b = appendGiven(b, `,"annual_margin":`, s.Margin)
	if s.Scored() {
		b = appendFigures(b, `,"p":[`, &s.P)
		b = appendFigures(b, `,"low":[`, &s.Low)
		b = appendFigures(b, `,"high":[`, &s.High)
		b = appendFigures(b, `,"base":[`, &s.Base)
		b = append(b, `,"projection":`...)
		for i, v := range s.Projection {
			b = strconv.AppendBool(append(b, "[,,"[i]), v)
		}
		b = append(b, ']')
	}
	b = appendGiven(b, `,"value_at_risk":`, s.ValueAtRisk)
	b = appendGiven(b, `,"value_at_risk_base":`, s.ValueAtRiskBase)
	b = appendGiven(b, `,"voice_risk":`, s.VoiceRisk)
	b = appendGiven(b, `,"expected_uses":`, s.ExpectedUses)
	b = strconv.AppendInt(append(b, `,"recent_uses":`...), int64(s.RecentUses), 10)
	return append(appendReasons(b, s.Reasons), '}')
}

func appendReasons(b []byte, reasons []Reason) []byte {
	if len(reasons) == 0 {
		return b
	}
	b = append(b, `,"reasons":[`...)
	for i := range reasons {
		r := &reasons[i]
		if i > 0 {
			b = append(b, ',')
		}
		b = appendText(append(b, `{"feature":`...), r.Feature)
		b = decimalOf(r.Value).append(append(b, `,"value":`...))
		b = append(decimalOf(r.Weight).append(append(b, `,"weight":`...)), '}')
	}
	return append(b, ']')
}

func appendText(b []byte, v string) []byte { return json.AppendEscape(b, v, json.EscapeHTML) }

// appendGiven writes nothing for a figure that is not there.
func appendGiven(b []byte, name string, v float64) []byte {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return b
	}
	return decimalOf(v).append(append(b, name...))
}

func appendFigures(b []byte, name string, list *[3]float64) []byte {
	b = append(b, name...)
	for i, v := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = decimalOf(v).append(b)
	}
	return append(b, ']')
}

// readScore reads what append wrote, and nothing else: false for any other JSON, whatever it says.
func readScore(text string, to *Score) bool {
	r, s := told{s: text}, Score{}
	s.silence()
	r.take(`{"model":`)
	s.Model = r.text()
	s.Prior = r.has(`,"prior":true`)
	r.take(`,"segment":`)
	s.Segment = r.text()
	s.Captive = r.has(`,"captive":true`)
	s.Margin = r.given(`,"annual_margin":`)
	if r.has(`,"p":`) {
		r.figures(&s.P)
		r.take(`,"low":`)
		r.figures(&s.Low)
		r.take(`,"high":`)
		r.figures(&s.High)
		r.take(`,"base":`)
		r.figures(&s.Base)
		r.take(`,"projection":`)
		r.flags(&s.Projection)
	}
	s.ValueAtRisk, s.ValueAtRiskBase = r.given(`,"value_at_risk":`), r.given(`,"value_at_risk_base":`)
	s.VoiceRisk, s.ExpectedUses = r.given(`,"voice_risk":`), r.given(`,"expected_uses":`)
	r.take(`,"recent_uses":`)
	s.RecentUses = r.count()
	s.Reasons = r.reasons()
	r.take(`}`)
	if r.other || r.s != "" {
		return false
	}
	*to = s
	return true
}

// readText reads a plain text, and nothing else.
func readText(raw string) (text string, plain bool) {
	r := told{s: raw}
	if text = r.text(); r.other || r.s != "" {
		return "", false
	}
	return text, true
}

// told reads what a telling says; once something else came it gives nothing any more.
type told struct {
	s     string
	other bool
}

func (r *told) fail() { r.s, r.other = "", true }

func (r *told) has(text string) bool {
	rest, found := strings.CutPrefix(r.s, text)
	if found {
		r.s = rest
	}
	return found
}

func (r *told) take(text string) {
	if !r.has(text) {
		r.fail()
	}
}

// text reads a plain one that is fit for the log: no escapes, none of what may have to be changed, and not too long.
func (r *told) text() string {
	r.take(`"`)
	for i := range min(len(r.s), mostText+1) {
		switch c := r.s[i]; {
		case c == '"':
			text := r.s[:i]
			r.s = r.s[i+1:]
			return text
		case c < ' ' || c > '~' || c == '\\':
			r.fail()
			return ""
		}
	}
	r.fail()
	return ""
}

// given is NaN for a figure that is not there.
func (r *told) given(name string) float64 {
	if r.has(name) {
		return r.figure()
	}
	return math.NaN()
}

// figure reads a number with at most 15 digits and no power of ten.
func (r *told) figure() float64 {
	const most = 15
	d := decimal{negative: r.has("-")}
	n, point := 0, -1
	for n < len(r.s) && (r.s[n]-'0' <= 9 || r.s[n] == '.' && point < 0) {
		if c := r.s[n]; c == '.' {
			point = n
		} else {
			d.digits = 10*d.digits + uint64(c-'0')
		}
		n++
	}
	switch {
	case n == 0 || n > most || point == 0 || point == n-1 || n > 1 && r.s[0] == '0' && point != 1 || n < len(r.s) && r.s[n]|0x20 == 'e':
		r.fail()
		return 0
	case point > 0:
		d.power = point + 1 - n
	}
	r.s = r.s[n:]
	return d.float()
}

// count reads a whole number.
func (r *told) count() int {
	before := r.s
	v := r.figure()
	if strings.IndexByte(before[:len(before)-len(r.s)], '.') >= 0 {
		r.fail()
		return 0
	}
	return int(v)
}

func (r *told) figures(list *[3]float64) {
	for i := range list {
		r.take("[,,"[i : i+1])
		list[i] = r.figure()
	}
	r.take("]")
}

func (r *told) flags(list *[3]bool) {
	for i := range list {
		r.take("[,,"[i : i+1])
		if list[i] = r.has("true"); !list[i] {
			r.take("false")
		}
	}
	r.take("]")
}

func (r *told) reasons() (list []Reason) {
	if !r.has(`,"reasons":[`) {
		return nil
	}
	list = make([]Reason, 0, mostReasons)
	for more := true; more && !r.other; more = r.has(",") {
		r.take(`{"feature":`)
		reason := Reason{Feature: r.text()}
		r.take(`,"value":`)
		reason.Value = r.figure()
		r.take(`,"weight":`)
		reason.Weight = r.figure()
		r.take(`}`)
		list = append(list, reason)
	}
	r.take(`]`)
	return list
}
