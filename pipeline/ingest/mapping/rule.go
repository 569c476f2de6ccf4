package mapping

import (
	"slices"
	"strings"
	"unicode"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
)

// rule says where the value of one field comes from. Written as a plain value it is a constant; else it is
// {column, trim, lower, absent, values, default, split} or {const}.
//
// A cell goes through its rule in this order: trim, lower, absent, values, default. What is empty at the end is absent
// from the event. Before all that, line breaks and other control characters become blanks: no event may hold them.
type rule struct {
	line int
	slot int // of the column among those which the mapping reads
	// Const is the same for every row.
	Const *string `yaml:"const"`
	// Column is the header of the column.
	Column string `yaml:"column"`
	// Trim takes blanks off both ends. Lower makes lower case.
	Trim  bool `yaml:"trim"`
	Lower bool `yaml:"lower"`
	// Absent lists cells that mean nothing, like EMPTY or n/a.
	Absent []string `yaml:"absent"`
	// Values translates; a cell that is not in it stays as it is unless there is a default.
	Values table `yaml:"values"`
	// Default stands where the cell is empty or not in Values.
	Default *string `yaml:"default"`
	// Split cuts a cell into several values, for the fields which are lists.
	Split string `yaml:"split"`
}

func constant(value string) *rule { return &rule{Const: &value} }

// UnmarshalYAML reads a plain value as a constant and keeps the line for later errors.
func (r *rule) UnmarshalYAML(node ast.Node) error {
	line := lineOf(node)
	if scalar, ok := node.(ast.ScalarNode); ok {
		*r = *constant(scalarText(scalar))
		r.line = line
		return nil
	}
	type plain rule
	if err := yaml.NodeToValue(node, (*plain)(r), yaml.Strict()); err != nil {
		return err
	}
	r.line = line
	return nil
}

// check says whether the rule makes sense on its own.
func (r *rule) check(name string) error {
	switch {
	case r.Column == "" && (r.Const == nil || *r.Const == ""):
		return faultf(r.line, "%s: expected a column or a constant", name)
	case r.Const != nil && r.Column != "":
		return faultf(r.line, "%s: expected a column or a constant, not both", name)
	case r.Const != nil && r.shapes():
		return faultf(r.line, "%s: a constant takes no trim, lower, absent, values, default or split", name)
	}
	return nil
}

func (r *rule) shapes() bool {
	return r.Trim || r.Lower || len(r.Absent) > 0 || len(r.Values.pairs) > 0 || r.Default != nil || r.Split != ""
}

// apply gives the value of a cell, and whether it is one that the table of values does not know.
func (r *rule) apply(cell string) (value string, unknown bool) {
	if r.Const != nil {
		return *r.Const, false
	}
	cell = withoutControls(cell)
	if r.Trim {
		cell = strings.TrimSpace(cell)
	}
	if r.Lower {
		cell = strings.ToLower(cell)
	}
	if slices.Contains(r.Absent, cell) {
		cell = ""
	}
	if to, ok := r.Values.find(cell); ok {
		return to, false
	}
	unknown = cell != "" && len(r.Values.pairs) > 0
	if r.Default != nil && (cell == "" || len(r.Values.pairs) > 0) {
		return *r.Default, unknown
	}
	return cell, unknown
}

func withoutControls(cell string) string {
	if strings.IndexFunc(cell, unicode.IsControl) < 0 {
		return cell
	}
	return strings.Map(func(c rune) rune {
		if unicode.IsControl(c) {
			return ' '
		}
		return c
	}, cell)
}

// table translates values. It reads keys and values as they are written: 1, no and 2026-01-01 are text here.
type table struct{ pairs map[string]string }

// UnmarshalYAML reads a mapping of plain values.
func (t *table) UnmarshalYAML(node ast.Node) error {
	t.pairs = map[string]string{}
	return eachEntry("values", node, func(from string, line int, to ast.Node) error {
		scalar, ok := to.(ast.ScalarNode)
		if !ok {
			return faultf(line, "values: expected a plain value")
		}
		t.pairs[from] = scalarText(scalar)
		return nil
	})
}

func (t *table) find(from string) (to string, ok bool) {
	to, ok = t.pairs[from]
	return to, ok
}
