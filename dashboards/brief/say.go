package brief

import (
	"fmt"
	"math"
	"strings"
	"time"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
	"golang.org/x/text/number"
	"gonum.org/v1/plot"

	"parcours/dashboards/words"
)

// sayer writes numbers, dates and names as readers of a language do. Texts that are missing are kept: see missing.
type sayer struct {
	texts    *words.Catalogue
	tag      language.Tag
	printer  *message.Printer
	currency string
	missing  []string
}

func newSayer(l words.Language, currency string) (*sayer, error) {
	texts, err := words.In(l)
	if err != nil {
		return nil, err
	}
	tag, err := language.Parse(string(l))
	if err != nil {
		return nil, err
	}
	return &sayer{texts: texts, tag: tag, printer: message.NewPrinter(tag), currency: currency}, nil
}

// say is the text of a key.
func (s *sayer) say(key string) string {
	text, is := s.texts.Say(key)
	if !is {
		s.missing = append(s.missing, key)
	}
	return text
}

// sayf is say with values put in.
func (s *sayer) sayf(key string, values ...any) string { return fmt.Sprintf(s.say(key), values...) }

// share is 71,2 % or 71.2%.
func (s *sayer) share(v float64) string {
	if math.IsNaN(v) {
		return "–"
	}
	return s.printer.Sprint(number.Percent(v, number.MaxFractionDigits(1), number.MinFractionDigits(1)))
}

// points is a difference of shares, with its sign: +2,1 points, −0,8 point.
func (s *sayer) points(v float64) string {
	sign := "+"
	if v < 0 {
		sign = "−"
	}
	tenths := int(math.Round(1000 * math.Abs(v)))
	form := plural.Cardinal.MatchPlural(s.tag, tenths/10%1_000_000, 1, 1, tenths%10, tenths%10)
	return sign + s.sayf("brief.points."+formName(form), s.decimal(100*math.Abs(v)))
}

// count is 12 345 or 12,345.
func (s *sayer) count(n uint64) string { return s.printer.Sprint(number.Decimal(n)) }

// counted is a text with a number in front, in the form that the number asks for: 1 client, 2 clients. More are values put in after it.
func (s *sayer) counted(key string, n uint64, more ...any) string {
	form := plural.Cardinal.MatchPlural(s.tag, int(min(n, 1_000_000)), 0, 0, 0, 0) //nolint:gosec // no more than a million
	return s.sayf(key+"."+formName(form), append([]any{s.count(n)}, more...)...)
}

// joined are the parts of a sentence, as the language sets them apart.
func (s *sayer) joined(list []string) string {
	text := list[0]
	for _, part := range list[1:] {
		text = s.sayf("brief.between", text, part)
	}
	return text
}

// formName is how texts name a form; both languages have two.
func formName(f plural.Form) string {
	if f == plural.One {
		return "one"
	}
	return "other"
}

// decimal has one place.
func (s *sayer) decimal(v float64) string {
	return s.printer.Sprint(number.Decimal(v, number.MaxFractionDigits(1), number.MinFractionDigits(1)))
}

// symbols of currencies that have one everybody knows.
var symbols = map[string]string{"EUR": "€", "GBP": "£", "USD": "$"}

// money is 12 345 € or €12,345; from ten thousand on in thousands, from ten million on in millions.
func (s *sayer) money(v float64) string {
	scale, places := "", 0
	switch a := math.Abs(v); {
	case a >= 999_500:
		v, scale, places = v/1e6, "M", 1
	case a >= 9_950:
		v, scale = v/1e3, "k"
	}
	figure := s.printer.Sprint(number.Decimal(v, number.MaxFractionDigits(places)))
	symbol, short := symbols[s.currency]
	if !short {
		symbol = s.currency
	}
	if s.texts.Language() == words.English && short {
		return symbol + figure + scale
	}
	return figure + "\u00a0" + scale + symbol
}

// month is septembre 2026.
func (s *sayer) month(t time.Time) string {
	return s.say(fmt.Sprintf("brief.months.%d", int(t.Month()))) + " " + t.Format("2006")
}

// day is 1er septembre 2026, 3 septembre 2026 or 3 September 2026.
func (s *sayer) day(t time.Time) string {
	switch {
	case t.IsZero():
		return "–"
	case t.Day() == 1:
		return s.say("brief.first_day") + " " + s.month(t)
	}
	return t.Format("2") + " " + s.month(t)
}

// Title begins with a capital.
func (s *sayer) capital(text string) string {
	for i, r := range text {
		return strings.ToUpper(string(r)) + text[i+len(string(r)):]
	}
	return text
}

// where is a breakpoint in words: Rappel pour le même motif · Facturation.
func (s *sayer) where(kind, family string) string {
	name := s.texts.Name("kind", kind)
	if family == "" {
		return name
	}
	return name + " · " + s.texts.Name("family", family)
}

// shares are the ticks of an axis: four or so, without decimals where they need none.
func (s *sayer) shares(low, high float64) plot.ConstantTicks {
	step := 0.005
	for _, next := range []float64{0.01, 0.02, 0.05, 0.1, 0.2, 0.5} {
		if (high-low)/step > 4 {
			step = next
		}
	}
	places := 0
	if step < 0.01 {
		places = 1
	}
	var ticks plot.ConstantTicks
	for k := math.Ceil(low / step); k*step <= high; k++ {
		label := s.printer.Sprint(number.Percent(k*step, number.MaxFractionDigits(places), number.MinFractionDigits(places)))
		ticks = append(ticks, plot.Tick{Value: k * step, Label: label})
	}
	return ticks
}

// months are the ticks of an axis of months, from the first to the last: at most seven, always the last.
func (s *sayer) months(first, last time.Time) plot.ConstantTicks {
	n := monthsBetween(first, last)
	var ticks plot.ConstantTicks
	for i := n; i >= 0; i -= n/7 + 1 {
		month := first.AddDate(0, i, 0)
		short := s.say(fmt.Sprintf("brief.short.%d", int(month.Month())))
		ticks = append(ticks, plot.Tick{Value: float64(i), Label: short + " " + month.Format("06")})
	}
	return ticks
}

// monthsBetween is how many months the first day of one lies after that of another.
func monthsBetween(first, last time.Time) int {
	return 12*(last.Year()-first.Year()) + int(last.Month()) - int(first.Month())
}

// series is that of an alert in words: Rappel pour le même motif · Facturation, service client, Lyon.
func (s *sayer) series(a *Alert) string {
	name := s.where(a.Kind, a.Family)
	for _, level := range []struct{ list, code string }{{"silo", a.Silo}, {"unit", a.Unit}, {"channel", a.Channel}} {
		if level.code != "" {
			name += ", " + s.texts.Name(level.list, level.code)
		}
	}
	return name
}

// replaceMonth puts the first day of a month in place of $month, its last in place of $last, and the moment at which it is over in place of $after.
func replaceMonth(statement string, month time.Time) string {
	return strings.NewReplacer("$month", "toDate32('"+month.Format(time.DateOnly)+"')",
		"$last", "toDate32('"+month.AddDate(0, 1, -1).Format(time.DateOnly)+"')",
		"$after", "toDateTime64('"+month.AddDate(0, 1, 0).Format(time.DateOnly)+"', 3, 'UTC')").Replace(statement)
}
