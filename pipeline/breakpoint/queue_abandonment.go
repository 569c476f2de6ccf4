package breakpoint

var queueAbandonment = Kind{
	ID:       "queue_abandonment",
	Severity: 3,
	Rule:     "The customer gave up in the queue.",
	OutOf:    "queued contacts",
	detect:   detectQueueAbandonment,
}

func detectQueueAbandonment(*scope) {}
