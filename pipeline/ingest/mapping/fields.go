package mapping

import (
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"parcours/pipeline/event"
)

// setter puts a value, never empty, into an event; it gives what was expected where the value does not fit, else "".
type setter func(d *event.Data, value string, r *rule, c *clock) (expected string)

const identifiersField = "identifiers"

// setters lists the fields of `data` that a mapping can fill, under their names in the event.
var setters = map[string]setter{
	"contact":   text1(func(d *event.Data) *string { return &d.Contact }),
	"direction": setDirection,
	"channel":   setChannel,
	"reason":    text1(func(d *event.Data) *string { return &d.Reason }),
	"silo":      text1(func(d *event.Data) *string { return &d.Silo }),
	"unit":      text1(func(d *event.Data) *string { return &d.Unit }),
	"agent":     text1(func(d *event.Data) *string { return &d.Agent }),
	"case":      text1(func(d *event.Data) *string { return &d.Case }),
	"product":   text1(func(d *event.Data) *string { return &d.Product }),
	"place":     text1(func(d *event.Data) *string { return &d.Place }),
	"activity":  text1(func(d *event.Data) *string { return &d.Activity }),

	"to_silo": text1(func(d *event.Data) *string { return &d.ToSilo }),
	"to_unit": text1(func(d *event.Data) *string { return &d.ToUnit }),
	"why":     text1(func(d *event.Data) *string { return &d.Why }),

	"resolved": setResolved,
	"wait_s":   number(func(d *event.Data) **float64 { return &d.WaitS }),
	"talk_s":   number(func(d *event.Data) **float64 { return &d.TalkS }),
	"hold_s":   number(func(d *event.Data) **float64 { return &d.HoldS }),
	"wrap_s":   number(func(d *event.Data) **float64 { return &d.WrapS }),

	"form":    text1(func(d *event.Data) *string { return &d.Form }),
	"kind":    text1(func(d *event.Data) *string { return &d.Kind }),
	"on":      text1(func(d *event.Data) *string { return &d.On }),
	"regime":  text1(func(d *event.Data) *string { return &d.Regime }),
	"to":      text1(func(d *event.Data) *string { return &d.To }),
	"holding": yesNo(func(d *event.Data) *bool { return &d.Holding }),
	"sent_at": moment(func(d *event.Data) *event.Instant { return &d.SentAt }),
	"promise": text1(func(d *event.Data) *string { return &d.Promise }),
	"due":     moment(func(d *event.Data) *event.Instant { return &d.Due }),
	"act":     text1(func(d *event.Data) *string { return &d.Act }),
	"by":      text1(func(d *event.Data) *string { return &d.By }),

	"products": list(func(d *event.Data) *[]string { return &d.Products }),
	"places":   list(func(d *event.Data) *[]string { return &d.Places }),

	"nps":        number(func(d *event.Data) **float64 { return &d.NPS }),
	"csat":       number(func(d *event.Data) **float64 { return &d.CSAT }),
	"csat_scale": number(func(d *event.Data) **float64 { return &d.CSATScale }),
	"ces":        number(func(d *event.Data) **float64 { return &d.CES }),
	"ces_scale":  number(func(d *event.Data) **float64 { return &d.CESScale }),

	"annual_margin": number(func(d *event.Data) **float64 { return &d.AnnualMargin }),
	"captive":       yesNo(func(d *event.Data) *bool { return &d.Captive }),
	"value":         number(func(d *event.Data) **float64 { return &d.Value }),
	"initiated_by":  text1(func(d *event.Data) *string { return &d.InitiatedBy }),
	"cause":         text1(func(d *event.Data) *string { return &d.Cause }),
}

func knownFields() []string { return slices.Sorted(maps.Keys(setters)) }

func text1(at func(*event.Data) *string) setter {
	return func(d *event.Data, value string, _ *rule, _ *clock) string {
		*at(d) = value
		return ""
	}
}

func number(at func(*event.Data) **float64) setter {
	return func(d *event.Data, value string, _ *rule, _ *clock) string {
		f, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		if err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
			return "a number like 12.5"
		}
		*at(d) = &f
		return ""
	}
}

func yesNo(at func(*event.Data) *bool) setter {
	return func(d *event.Data, value string, _ *rule, _ *clock) string {
		b, expected := readBool(value)
		*at(d) = b
		return expected
	}
}

func setResolved(d *event.Data, value string, _ *rule, _ *clock) string {
	b, expected := readBool(value)
	if expected == "" {
		d.Resolved = &b
	}
	return expected
}

func readBool(value string) (b bool, expected string) {
	switch strings.ToLower(value) {
	case "true", "1":
		return true, ""
	case "false", "0":
		return false, ""
	}
	return false, "true, false, 1 or 0 (translate others with values)"
}

func moment(at func(*event.Data) *event.Instant) setter {
	return func(d *event.Data, value string, _ *rule, c *clock) string {
		t, ok := c.read(strings.TrimSpace(value))
		if !ok {
			return "a time: " + c.names
		}
		*at(d) = t
		return ""
	}
}

func list(at func(*event.Data) *[]string) setter {
	return func(d *event.Data, value string, r *rule, _ *clock) string {
		if r.Split == "" {
			*at(d) = []string{value}
			return ""
		}
		for _, part := range strings.Split(value, r.Split) {
			if part = strings.TrimSpace(part); part != "" {
				*at(d) = append(*at(d), part)
			}
		}
		return ""
	}
}

func setChannel(d *event.Data, value string, _ *rule, _ *clock) string {
	if d.Channel = event.Channel(value); !d.Channel.Known() {
		return "one of the channels (translate others with values)"
	}
	return ""
}

func setDirection(d *event.Data, value string, _ *rule, _ *clock) string {
	switch d.Direction = event.Direction(value); d.Direction {
	case event.In, event.Out, event.Callback:
		return ""
	}
	return "in, out or callback"
}

// identifierSetter relies on fields being in alphabetical order: identifiers are sorted by kind.
func identifierSetter(kind string) setter {
	return func(d *event.Data, value string, _ *rule, _ *clock) string {
		d.Identifiers = append(d.Identifiers, event.Identifier{Kind: kind, Value: value})
		return ""
	}
}
