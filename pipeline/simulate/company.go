package simulate

import (
	"embed"
	"errors"
	"fmt"
	"math"
	"path"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"parcours/pipeline/rules"
)

// pages are the companies that ship, a page of YAML each.
//
//go:embed companies/*.yaml rules/*.yaml
var pages embed.FS

// DefaultCompany names the company that is made where none is asked for.
const DefaultCompany = "default"

// Companies names those that ship, in order.
func Companies() []string {
	entries, err := pages.ReadDir("companies")
	if err != nil {
		panic(fmt.Sprintf("simulate: %v", err)) // they are part of the program
	}
	var names []string
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ".yaml"))
	}
	return names
}

// Company gives one that ships; each call makes its own, which may be changed.
func Company(name string) (*Parameters, error) {
	page, err := pages.ReadFile(path.Join("companies", name+".yaml"))
	if err != nil {
		return nil, fmt.Errorf("company %q: expected one of %s, or a file", name, strings.Join(Companies(), ", "))
	}
	return ParseCompany(page)
}

// Rules gives the part of a rule book that goes with a company that ships, a page of YAML: its segments. nil for one whose
// customers the book that ships knows well enough.
func Rules(company string) []byte {
	page, err := pages.ReadFile(path.Join("rules", company+".yaml"))
	if err != nil {
		return nil
	}
	return page
}

// Default is the company of Parcours's own demonstration: a supplier of telephone lines and what goes with them.
func Default() *Parameters {
	p, err := Company(DefaultCompany)
	if err != nil {
		panic(fmt.Sprintf("simulate: the default company: %v", err)) // a programming error: a test holds it
	}
	return p
}

// ParseCompany reads a page of YAML. A key that Parameters do not have is an error, and so is a company that cannot be.
func ParseCompany(page []byte) (*Parameters, error) {
	p := &Parameters{}
	if err := yaml.UnmarshalWithOptions(page, p, yaml.Strict()); err != nil {
		return nil, fmt.Errorf("company: %w", err)
	}
	if err := p.check(); err != nil {
		return nil, fmt.Errorf("company %s: %w", p.Name, err)
	}
	return p, nil
}

// UnmarshalYAML reads `20m..7h`, or `7d`.
func (s *Span) UnmarshalYAML(read func(any) error) error {
	var text string
	if err := read(&text); err != nil {
		return err
	}
	from, to, two := strings.Cut(text, "..")
	if !two {
		to = from
	}
	var errs [2]error
	s.From, errs[0] = length(from)
	s.To, errs[1] = length(to)
	if err := errors.Join(errs[:]...); err != nil {
		return err
	}
	if s.From > s.To {
		return fmt.Errorf("%q: expected the shorter duration first", text)
	}
	return nil
}

// length reads a duration like 20s, 5m, 7h or 3d.
func length(text string) (time.Duration, error) {
	text = strings.TrimSpace(text)
	if number, days := strings.CutSuffix(text, "d"); days {
		n, err := strconv.Atoi(number)
		if err != nil || n < 0 {
			return 0, fmt.Errorf("%q: expected days like 3d", text)
		}
		return time.Duration(n) * day, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 || d%time.Second != 0 {
		return 0, fmt.Errorf("%q: expected a duration like 20s, 5m, 7h or 3d", text)
	}
	return d, nil
}

// check says what is wrong with a company.
func (p *Parameters) check() error {
	if p.Name == "" || len(p.Needs) == 0 || len(p.Segments) == 0 || len(p.Products) == 0 || len(p.Places) == 0 {
		return errors.New("expected name, needs, segments, products and places")
	}
	if _, err := rules.LoadLocation(p.Timezone); err != nil {
		return err
	}
	if err := checkNumbers("", reflect.ValueOf(*p)); err != nil {
		return err
	}
	if p.openDay() == 0 || p.Awake[0] >= p.Awake[1] || p.Awake[1] > 24 {
		return errors.New("open, awake: expected hours in which something can happen")
	}
	for _, text := range p.Closed {
		if _, ok := holidayOf(text); !ok {
			return fmt.Errorf("closed: %q: expected a day like 05-01 or 2026-04-06", text)
		}
	}
	if _, err := p.FirstDay(); err != nil {
		return err
	}
	if err := p.Churn.check(p); err != nil {
		return err
	}
	return p.checkNames()
}

// checkNumbers goes through every field: a probability lies between 0 and 1, no number is negative.
func checkNumbers(name string, v reflect.Value) error {
	switch v.Kind() {
	case reflect.Float64:
		f := v.Float()
		if math.IsNaN(f) || f < 0 || strings.Contains(name, "p_") && f > 1 {
			return fmt.Errorf("%s: %v is out of range", name, f)
		}
	case reflect.Int, reflect.Int64:
		if v.Int() < 0 {
			return fmt.Errorf("%s: %d is negative", name, v.Int())
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			if err := checkNumbers(fmt.Sprintf("%s[%d]", name, i), v.Index(i)); err != nil {
				return err
			}
		}
	case reflect.Pointer:
		if !v.IsNil() {
			return checkNumbers(name, v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if err := checkNumbers(name+"."+v.Type().Field(i).Tag.Get("yaml"), v.Field(i)); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkNames: what one part of the page names, another has.
func (p *Parameters) checkNames() error {
	for _, name := range []string{customerService, branches, logistics, sales} {
		if !p.has(name) {
			return fmt.Errorf("silos: %s is missing", name)
		}
	}
	for _, name := range p.Moves.Through {
		if !p.has(name) {
			return fmt.Errorf("moves.through: no silo %s", name)
		}
	}
	for _, k := range p.Needs {
		if err := p.checkNeed(&k); err != nil {
			return fmt.Errorf("needs: %s: %w", k.Reason, err)
		}
	}
	for _, s := range p.Systems {
		if _, ok := systems[s.Name]; !ok {
			return fmt.Errorf("systems: no system %s", s.Name)
		}
	}
	for _, s := range p.Shifts {
		if s.Kind == Detractor || s.Kind == UnresolvedEnd {
			return fmt.Errorf("shifts: %s follows from other failures: it has no chance of its own that could shift", s.Kind)
		}
		if !slices.Contains(Kinds[:], s.Kind) || s.Unit != "" && p.siloOf(s.Unit) == "" {
			return fmt.Errorf("shifts: %s of unit %q: no such kind, or no such unit", s.Kind, s.Unit)
		}
	}
	return nil
}

func (p *Parameters) checkNeed(k *NeedKind) error {
	switch k.Begins {
	case BeginsAlone, BeginsOrder, BeginsLateOrder, BeginsPayment, BeginsAppointment, BeginsIncident:
	default:
		return fmt.Errorf("begins: %q", k.Begins)
	}
	switch {
	case !p.has(k.Silo):
		return fmt.Errorf("no silo %s", k.Silo)
	case k.System != "" && systems[k.System].name == "":
		return fmt.Errorf("no system %s", k.System)
	case k.Channel == Mix{}:
		return errors.New("no channel")
	case k.Regime != "" && k.Regime != paymentRegime:
		return fmt.Errorf("regime: %q", k.Regime)
	}
	return nil
}

// has says whether there is a silo, with units.
func (p *Parameters) has(silo string) bool { return len(p.unitsOf(silo)) > 0 }

// unitsOf lists the units of a silo.
func (p *Parameters) unitsOf(silo string) []Unit {
	for i := range p.Silos {
		if p.Silos[i].Name == silo {
			return p.Silos[i].Units
		}
	}
	return nil
}

// siloOf names the silo of a unit, "" for none.
func (p *Parameters) siloOf(unit string) string {
	for _, s := range p.Silos {
		if slices.ContainsFunc(s.Units, func(u Unit) bool { return u.Name == unit }) {
			return s.Name
		}
	}
	return ""
}

// never says whether a system keeps an event type to itself.
func (p *Parameters) never(system, typ string) bool {
	for i := range p.Systems {
		if p.Systems[i].Name == system {
			return slices.Contains(p.Systems[i].Never, typ)
		}
	}
	return false
}

// without says whether the events of a system lack a field.
func (p *Parameters) without(system, field string) bool {
	for i := range p.Systems {
		if p.Systems[i].Name == system {
			return slices.Contains(p.Systems[i].Without, field)
		}
	}
	return false
}

// The silos that every company has.
const (
	customerService = "customer_service"
	branches        = "branch_network"
	logistics       = "logistics"
	sales           = "sales"
)

// openDay is the open time of the longest day.
func (p *Parameters) openDay() time.Duration {
	longest := 0
	for _, hours := range p.Open {
		longest = max(longest, hours[1]-hours[0])
	}
	return time.Duration(longest) * time.Hour
}

// FirstDay is the start of a company where none is asked for.
func (p *Parameters) FirstDay() (time.Time, error) {
	if p.Start == "" {
		return DefaultStart, nil
	}
	start, err := time.Parse(time.DateOnly, p.Start)
	if err != nil {
		return start, fmt.Errorf("start: %q: expected a date like 2024-01-01", p.Start)
	}
	return start, nil
}
