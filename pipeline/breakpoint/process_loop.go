package breakpoint

var processLoop = Kind{
	ID:       "process_loop",
	Severity: 1,
	Rule:     "The same internal step came again, not in a row, in the same silo, beyond the normal path.",
	OutOf:    "journeys with internal steps",
	detect:   detectProcessLoop,
}

func detectProcessLoop(*scope) {}
