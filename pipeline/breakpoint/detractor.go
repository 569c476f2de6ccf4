package breakpoint

var detractor = Kind{
	ID:       "detractor",
	Severity: 2,
	Rule:     "A transactional survey says so.",
	OutOf:    "answers",
	Witness:  true,
	detect:   detectDetractor,
}

func detectDetractor(*scope) {}
