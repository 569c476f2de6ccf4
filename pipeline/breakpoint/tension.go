package breakpoint

var tension = Kind{
	ID:       "tension",
	Severity: 2,
	Rule:     "Incivility, or two negative signals within a day.",
	OutOf:    "contacts",
	Witness:  true,
	detect:   detectTension,
}

func detectTension(*scope) {}
