package simulate

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// ParseShifts reads changes of a rate as a command line says them: `none`, or a list with commas of
// DAY:KIND[:unit=UNIT][:reason=REASON]:FACTOR, such as 60:long_wait:unit=service-lyon:1.5.
func ParseShifts(text string) ([]Shift, error) {
	if text == "none" {
		return nil, nil
	}
	var all []Shift
	for one := range strings.SplitSeq(text, ",") {
		s, err := parseShift(strings.Split(strings.TrimSpace(one), ":"))
		if err != nil {
			return nil, fmt.Errorf("%q: %w", one, err)
		}
		all = append(all, s)
	}
	return all, nil
}

func parseShift(parts []string) (s Shift, err error) {
	const expected = "expected DAY:KIND[:unit=UNIT][:reason=REASON]:FACTOR, such as 60:long_wait:unit=service-lyon:1.5"
	last := len(parts) - 1
	if last < 2 {
		return s, errors.New(expected)
	}
	s.Kind = parts[1]
	if s.Day, err = strconv.Atoi(parts[0]); err != nil || s.Day < 0 {
		return s, fmt.Errorf("day %q: "+expected, parts[0])
	}
	if s.Factor, err = strconv.ParseFloat(parts[last], 64); err != nil {
		return s, fmt.Errorf("factor %q: "+expected, parts[last])
	}
	for _, part := range parts[2:last] {
		name, value, _ := strings.Cut(part, "=")
		switch name {
		case "unit":
			s.Unit = value
		case "reason":
			s.Reason = value
		default:
			return s, fmt.Errorf("%q: "+expected, part)
		}
	}
	return s, nil
}

// Plant puts other changes of a rate in the place of the company's own; they name kinds, units and reasons that it has.
func (p *Parameters) Plant(shifts []Shift) error {
	p.Shifts = shifts
	return p.check()
}
