package brief

import (
	"fmt"
	"math"
	"strings"
	"time"

	"golang.org/x/text/language"
	"golang.org/x/text/message"
	"golang.org/x/text/number"
	"gonum.org/v1/plot"

	"parcours/dashboards/words"
)

// sayer writes numbers, dates and names as readers of a language do. Texts that are missing are kept: see missing.
type sayer struct {
	texts    *words.Catalogue
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
	return &sayer{texts: texts, printer: message.NewPrinter(tag), currency: currency}, nil
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

// points is a difference of shares, with its sign: +2,1 points.
func (s *sayer) points(v float64) string {
	sign := "+"
	if v < 0 {
		sign = "−"
	}
	return sign + s.printer.Sprint(number.Decimal(100*math.Abs(v), number.MaxFractionDigits(1), number.MinFractionDigits(1)))
}

// count is 12 345 or 12,345.
func (s *sayer) count(n uint64) string { return s.printer.Sprint(number.Decimal(n)) }

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

// day is 3 septembre 2026 or 3 September 2026.
func (s *sayer) day(t time.Time) string {
	if t.IsZero() {
		return "–"
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

// months are the ticks of a series of months: at most seven, always the last.
func (s *sayer) months(history []Point) plot.ConstantTicks {
	every := (len(history) + 6) / 7
	var ticks plot.ConstantTicks
	for i := len(history) - 1; i >= 0; i -= max(every, 1) {
		short := s.say(fmt.Sprintf("brief.short.%d", int(history[i].Month.Month())))
		ticks = append(ticks, plot.Tick{Value: float64(i), Label: short + " " + history[i].Month.Format("06")})
	}
	return ticks
}

// replaceMonth puts the first day of a month in place of $month, and the moment at which it is over in place of $after.
func replaceMonth(statement string, month time.Time) string {
	return strings.NewReplacer("$month", "toDate32('"+month.Format(time.DateOnly)+"')",
		"$after", "toDateTime64('"+month.AddDate(0, 1, 0).Format(time.DateOnly)+"', 3, 'UTC')").Replace(statement)
}
