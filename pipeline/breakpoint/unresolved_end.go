package breakpoint

var unresolvedEnd = Kind{
	ID:       "unresolved_end",
	Severity: 3,
	Rule:     "The journey ended unresolved.",
	OutOf:    "journeys ended",
	Witness:  true,
	detect:   detectUnresolvedEnd,
}

func detectUnresolvedEnd(*scope) {}
