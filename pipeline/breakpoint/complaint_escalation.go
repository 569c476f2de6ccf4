package breakpoint

var complaintEscalation = Kind{
	ID:       "complaint_escalation",
	Severity: 5,
	Rule:     "A complaint came back after its answer, or went to mediator, authority or court.",
	OutOf:    "complaints answered",
	Witness:  true,
	detect:   detectComplaintEscalation,
}

func detectComplaintEscalation(*scope) {}
