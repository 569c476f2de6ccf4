package rules

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"parcours/pipeline/event"
)

// defaultReason stands for every reason that says nothing of its own.
const defaultReason = "default"

// reasonsField is the taxonomy: reasons and families, whose they are, whether they are owed, and what is normal for them.
func reasonsField() field {
	return field{
		key: "reasons",
		doc: "Why customers come: families, and full reasons below them. silo: answers where a step names none (families). " +
			"core: the service is owed (false: periphery, whose failures are no debt). normal_path: what is not yet too much: inbound contacts, " +
			"moves across silos, how often one internal step comes, working days of a case (0: the deadline for cases holds). " +
			"What a reason leaves out is its family's, else the default's; a family written ~ leaves the taxonomy.",
		expected: "silo, core, normal_path, under a reason or default",
		read:     readReasons,
		show:     showReasons,
	}
}

// readReasons reads the default first, then families, then full reasons, since each begins from the one before.
func readReasons(r *reader, at string, n *node, b *Book) {
	if !r.expect(at, n, mapping) {
		return
	}
	b.Paths, b.OwnerSilo = maps.Clone(b.Paths), maps.Clone(b.OwnerSilo)
	order := slices.Clone(n.entries)
	slices.SortStableFunc(order, func(a, b entry) int { return cmp.Compare(depth(a.key), depth(b.key)) })
	for _, e := range order {
		name := e.key
		r.keyedEntry(join(at, name), e, reasons.expected+", or "+defaultReason, func() bool { return name == defaultReason || isReason(name) }, func() {
			if name == defaultReason {
				r.group(join(at, name), e.value, []field{pathGroup("")}, b)
				return
			}
			r.reason(join(at, name), name, e.value, b)
		})
	}
}

func depth(reason string) int {
	if reason == defaultReason {
		return 0
	}
	return 1 + strings.Count(reason, ".")
}

// reason reads one reason of the taxonomy.
func (r *reader) reason(at, name string, n *node, b *Book) {
	known := &b.Families
	if isFull(name) {
		known = &b.Reasons
	}
	*known = slices.DeleteFunc(slices.Clone(*known), func(s string) bool { return s == name })
	if n.form == nothing {
		b.forget(name)
		return
	}
	*known = append(*known, name)
	slices.Sort(*known)
	r.group(at, n, reasonFields(name), b)
}

// forget takes all that is said of a reason.
func (b *Book) forget(name string) {
	delete(b.Paths, name)
	delete(b.OwnerSilo, name)
	gone := func(s string) bool { return s == name }
	b.Periphery = slices.DeleteFunc(slices.Clone(b.Periphery), gone)
	b.CoreReasons = slices.DeleteFunc(slices.Clone(b.CoreReasons), gone)
}

func reasonFields(name string) []field {
	core := field{key: "core", read: func(r *reader, at string, n *node, b *Book) {
		if owed, ok := value(r, at, n, yesNo); ok {
			b.setCore(name, owed)
		}
	}, show: func(b *Book) *node {
		switch {
		case slices.Contains(b.Periphery, name):
			return plainNode("false")
		case slices.Contains(b.CoreReasons, name):
			return plainNode("true")
		}
		return nil
	}}
	fields := []field{core, pathGroup(name)}
	if isFull(name) {
		return fields
	}
	silo := field{key: "silo", read: func(r *reader, at string, n *node, b *Book) {
		if v, ok := value(r, at, n, siloNames); ok {
			b.OwnerSilo[name] = v
		}
	}, show: func(b *Book) *node {
		if s, ok := b.OwnerSilo[name]; ok {
			return plainNode(s)
		}
		return nil
	}}
	return append([]field{silo}, fields...)
}

// setCore notes whether a reason is owed; of a family, true is what it is anyway.
func (b *Book) setCore(name string, owed bool) {
	gone := func(s string) bool { return s == name }
	b.Periphery = slices.DeleteFunc(slices.Clone(b.Periphery), gone)
	b.CoreReasons = slices.DeleteFunc(slices.Clone(b.CoreReasons), gone)
	switch {
	case !owed:
		b.Periphery = append(b.Periphery, name)
		slices.Sort(b.Periphery)
	case isFull(name):
		b.CoreReasons = append(b.CoreReasons, name)
		slices.Sort(b.CoreReasons)
	}
}

// pathGroup is the normal path of a reason.
func pathGroup(name string) field {
	step := func(key, doc string, c codec[int], in func(*Path) *int) field {
		return field{key: key, doc: doc, expected: c.expected, read: func(r *reader, at string, n *node, b *Book) {
			if v, ok := value(r, at, n, c); ok {
				path := b.PathOf(name)
				*in(&path) = v
				b.Paths[name] = path
			}
		}}
	}
	return field{
		key: "normal_path",
		read: func(r *reader, at string, n *node, b *Book) {
			r.group(at, n, []field{
				step("contacts", "", atLeastOne, func(p *Path) *int { return &p.Contacts }),
				step("handoffs", "", counts, func(p *Path) *int { return &p.Handoffs }),
				step("loops", "", counts, func(p *Path) *int { return &p.Loops }),
				step("days", "", counts, func(p *Path) *int { return &p.Days }),
			}, b)
		},
		show: func(b *Book) *node {
			p, ok := b.Paths[name]
			if !ok {
				return nil
			}
			n := &node{form: mapping, flow: true}
			for _, s := range []struct {
				key string
				v   int
			}{{"contacts", p.Contacts}, {"handoffs", p.Handoffs}, {"loops", p.Loops}, {"days", p.Days}} {
				n.add(s.key, "", plainNode(counts.print(s.v)))
			}
			return n
		},
	}
}

// taxonomy is every reason of which the book says something.
func (b *Book) taxonomy() []string {
	list := slices.Concat(b.Families, b.Reasons, b.Periphery, b.CoreReasons, slices.Collect(maps.Keys(b.Paths)), slices.Collect(maps.Keys(b.OwnerSilo)))
	slices.Sort(list)
	return slices.DeleteFunc(slices.Compact(list), func(s string) bool { return s == "" })
}

// showReasons gives each family with the full reasons below it.
func showReasons(b *Book) *node {
	n := &node{form: mapping}
	first := &node{form: mapping, flow: true}
	first.add("normal_path", "", pathGroup("").show(b))
	n.add(defaultReason, "", first)
	for _, name := range b.taxonomy() {
		item := showFields(reasonFields(name), b)
		item.flow = true
		n.add(name, "", item)
	}
	return n
}

// isFull says whether a reason is more than a family.
func isFull(reason string) bool { return reason != event.ReasonFamily(reason) }
