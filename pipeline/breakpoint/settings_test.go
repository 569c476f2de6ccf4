package breakpoint_test

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"parcours/pipeline/event"
	"parcours/pipeline/rules"
)

// change changes a book by a line of a script: `long_wait.limit=10m unit=lyon`, the place being optional.
func change(book *rules.Book, line string) error {
	fields := strings.Fields(line)
	if len(fields) == 0 {
		return fmt.Errorf("rules: expected a setting like repeat_contact.within=3d")
	}
	name, value, _ := strings.Cut(fields[0], "=")
	at, err := placeIn(fields[1:])
	if err != nil {
		return err
	}
	switch p := setting(book, name).(type) {
	case *rules.Param[time.Duration]:
		return set(p, at, value, span)
	case *rules.Param[rules.OpenTime]:
		return set(p, at, value, openTime)
	case *rules.Param[int]:
		return set(p, at, value, strconv.Atoi)
	}
	if part, ok := strings.CutPrefix(name, "path."); ok {
		return changePath(book, part, at.Reason, value)
	}
	return fmt.Errorf("rules: %q is no setting that scripts know", name)
}

// setting is the figure of a name; nil for none.
func setting(book *rules.Book, name string) any {
	switch name {
	case "repeat_contact.within":
		return &book.Repeat
	case "channel_failover.within":
		return &book.Failover
	case "channel_ping_pong.switches":
		return &book.Switches
	case "channel_ping_pong.within":
		return &book.SentBack
	case "long_wait.limit":
		return &book.WaitLimit
	case "queue_abandonment.after":
		return &book.ShortAbandon
	case "form_abandonment.within":
		return &book.FormWithin
	case "sla_breach.message":
		return &book.SLA.Message
	case "sla_breach.case":
		return &book.SLA.Case
	case "stalled_case.after":
		return &book.StalledAfter
	}
	return nil
}

// changePath changes the normal path of a reason, or that of all others.
func changePath(book *rules.Book, part, reason, value string) error {
	n, err := strconv.Atoi(value)
	if err != nil {
		return fmt.Errorf("rules: path.%s=%q: expected a number", part, value)
	}
	path := book.PathOf(reason)
	switch part {
	case "contacts":
		path.Contacts = n
	case "handoffs":
		path.Handoffs = n
	case "loops":
		path.Loops = n
	case "days":
		path.Days = n
	default:
		return fmt.Errorf("rules: path.%s: expected contacts, handoffs, loops or days", part)
	}
	book.Paths[reason] = path
	return nil
}

func placeIn(fields []string) (at rules.Where, err error) {
	for _, f := range fields {
		key, value, _ := strings.Cut(f, "=")
		switch key {
		case "reason":
			at.Reason = value
		case "channel":
			at.Channel = event.Channel(value)
		case "unit":
			at.Unit = value
		default:
			return at, fmt.Errorf("rules: %q: expected reason, channel or unit", f)
		}
	}
	return at, nil
}

// set puts an exception before all others, or, where no place is given, another default.
func set[T any](p *rules.Param[T], at rules.Where, text string, read func(string) (T, error)) error {
	v, err := read(text)
	if err != nil {
		return fmt.Errorf("rules: %q: %w", text, err)
	}
	if at == (rules.Where{}) {
		p.Default = v
	} else {
		p.Except = append([]rules.Exception[T]{{Where: at, Value: v}}, p.Except...)
	}
	return nil
}

// span reads elapsed time: 3d, 36h, 10m, 5s.
func span(text string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.Atoi(days)
		return time.Duration(n) * rules.Day, err
	}
	return time.ParseDuration(text)
}

// openTime reads the company's own time: 3d are working days.
func openTime(text string) (rules.OpenTime, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.Atoi(days)
		return rules.OpenTime{Days: n}, err
	}
	t, err := time.ParseDuration(text)
	return rules.OpenTime{Time: t}, err
}

func notMeasured(book *rules.Book, source, kind string) {
	if book.NotMeasured == nil {
		book.NotMeasured = map[string][]string{}
	}
	book.NotMeasured[source] = append(book.NotMeasured[source], kind)
}
