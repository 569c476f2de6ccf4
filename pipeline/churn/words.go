package churn

// Word is what a person reads of a feature; %s in it stands for the value, as SpokenAs says.
type Word struct {
	Feature string
	French  string
	English string
	Spoken  string // of the value v: "" as it is; logarithm: exp(v) - 1; share: in per cent
}

// Words are those of all features, in their order. They make the same sentences as Reason.Sentence.
func Words(columns Columns) []Word {
	names := columns.Names()
	list := make([]Word, len(names))
	for i, name := range names {
		list[i] = Word{Feature: name, Spoken: spokenAs(name)}
		list[i].French, list[i].English = columns.Words(i)
	}
	return list
}

func spokenAs(feature string) string {
	switch {
	case logarithms[feature]:
		return "logarithm"
	case inShares[feature]:
		return "share"
	}
	return ""
}
