package breakpoint

var repeatedInformation = Kind{
	ID:       "repeated_information",
	Severity: 2,
	Rule:     "The customer had to say it again.",
	OutOf:    "contacts",
	detect:   detectRepeatedInformation,
}

func detectRepeatedInformation(*scope) {}
