package breakpoint

var channelPingPong = Kind{
	ID:       "channel_ping_pong",
	Severity: 2,
	Rule:     "The customer is sent between assisted channels and back.",
	OutOf:    "journeys with two or more assisted contacts",
	detect:   detectChannelPingPong,
}

func detectChannelPingPong(*scope) {}
