package pipeline

import "parcours/pipeline/breakpoint"

// KindRow is one kind of breakpoint, as readers of SQL are told of it.
type KindRow struct {
	Kind     string
	Severity uint8
	Rule     string   // in a sentence
	OutOf    string   // the opportunities that its rate counts
	Clears   []string // event types
	Witness  bool     // carries no cost
}

// Kinds are all kinds, in the order of the catalogue.
func Kinds() []KindRow {
	list := make([]KindRow, 0, len(breakpoint.Catalogue()))
	for _, k := range breakpoint.Catalogue() {
		list = append(list, KindRow{k.ID, k.Severity, k.Rule, k.OutOf, k.Clears, k.Witness})
	}
	return list
}
