package breakpoint

var refusedContact = Kind{
	ID:       "refused_contact",
	Severity: 3,
	Rule:     "The customer found the company closed or busy, was deflected or cut off.",
	OutOf:    "contacts attempted",
	detect:   detectRefusedContact,
}

func detectRefusedContact(*scope) {}
