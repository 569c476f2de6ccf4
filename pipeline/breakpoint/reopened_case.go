package breakpoint

var reopenedCase = Kind{
	ID:       "reopened_case",
	Severity: 3,
	Rule:     "A case came back after it was resolved.",
	OutOf:    "cases resolved",
	detect:   detectReopenedCase,
}

func detectReopenedCase(*scope) {}
