package readiness

import (
	"fmt"
	"slices"
	"strings"
)

// Table writes the requirements as a table in Markdown: docs/readiness.md has it, and a test holds the page to it.
func Table(list []Requirement) string {
	var b strings.Builder
	b.WriteString("| what | way | must be there | without it everything breaks | or else only in part |\n| --- | --- | --- | --- | --- |\n")
	for _, r := range list {
		for i := range r.Ways {
			w := &r.Ways[i]
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", r.ID, w.Name, w.written(Hard), w.written(Clears), w.written(Soft))
		}
	}
	return b.String()
}

// written lists the needs of one force.
func (w *Way) written(f Force) string {
	var list []string
	for i := range w.Needs {
		if n := &w.Needs[i]; n.Force == f {
			if text := n.written(); !slices.Contains(list, text) {
				list = append(list, text)
			}
		}
	}
	return strings.Join(list, "; ")
}

// written names the types and the fields of a need: any type, and any field, will do.
func (n *Need) written() string {
	types := families(n.Drop)
	var fields []string
	for _, field := range n.Blank {
		fields = append(fields, "`"+field+"`")
	}
	switch {
	case len(types)+len(fields) == 0:
		return n.Name
	case n.With:
		return strings.Join(types, " or ") + " with " + strings.Join(fields, " or ")
	}
	return strings.Join(append(types, fields...), " or ")
}

// families writes all types of a family as one.
func families(types []string) (names []string) {
	rest := slices.Clone(types)
	for _, family := range []string{"contact", "message", "case"} {
		all := typesOf(family)
		if !slices.ContainsFunc(all, func(t string) bool { return !slices.Contains(rest, t) }) {
			names = append(names, "`"+family+".*`")
			rest = slices.DeleteFunc(rest, func(t string) bool { return slices.Contains(all, t) })
		}
	}
	for _, t := range rest {
		names = append(names, "`"+t+"`")
	}
	return names
}
