package breakpoint

var stalledCase = Kind{
	ID:       "stalled_case",
	Severity: 2,
	Rule:     "An open case saw no step, and nobody outside was waited on.",
	OutOf:    "cases open",
	detect:   detectStalledCase,
}

func detectStalledCase(*scope) {}
