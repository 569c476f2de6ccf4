package nats

import (
	"fmt"
	"strconv"
	"strings"

	"parcours/pipeline"
)

// The streams, each spelled once.
const (
	streamEvents   = "EVENTS"
	streamRejected = "REJECTED"
	streamJourneys = "JOURNEYS"
	bucketStates   = "CHECKPOINTS"         // an object store, as other clients see it
	bucketLeases   = "LEASES"              // a key-value store
	streamStates   = "OBJ_" + bucketStates // its stream
	streamLeases   = "KV_" + bucketLeases
)

// The subjects, each spelled once. Their number stays small, since JetStream holds them in memory: tokens come from closed
// lists, and no customer, case or free text is ever one.
const (
	subjectEvents   = "cx.events"
	subjectRejected = "cx.rejected"
	subjectJourneys = "cx.journeys"
	subjectParts    = "$O." + bucketStates + ".C" // the parts of each upload
	subjectObjects  = "$O." + bucketStates + ".M" // what each object is
	subjectLeases   = "$KV." + bucketLeases
	tokenAll        = "all"
	tokenOther      = "other"
)

// The headers, besides JetStream's own.
const (
	headerType        = "Cx-Type"
	headerPosition    = "Cx-Position" // in EVENTS, of what a message in JOURNEYS follows from
	headerOrdinal     = "Cx-Ordinal"  // among those of one position
	headerGeneration  = "Cx-Generation"
	headerContentType = "Content-Type"
	contentCloudEvent = "application/cloudevents+json"
)

func everything(prefix string) string { return prefix + ".>" }

func entrySubject(e *pipeline.Entry) string {
	if e.Partition == pipeline.All {
		return subjectEvents + "." + tokenAll + "." + tokens(strings.Split(e.Family, ".")...)
	}
	return subjectEvents + "." + strconv.Itoa(e.Partition) + "." + tokens(e.Channel, e.Family)
}

// partitionOf reads the partition from a subject of EVENTS or JOURNEYS. What stands on no partition's subject was not put
// there by us; it goes to partition 0, so that it is read, and accounted for, once.
func partitionOf(subject, prefix string) int {
	rest, ok := strings.CutPrefix(subject, prefix+".")
	if !ok {
		return 0
	}
	token, _, _ := strings.Cut(rest, ".")
	if token == tokenAll {
		return pipeline.All
	}
	p, err := strconv.Atoi(token)
	if err != nil || p < 0 {
		return 0
	}
	return p
}

func journeysStream(partition int) string { return fmt.Sprintf("%s_%d", streamJourneys, partition) }

func journeysPrefix(partition int) string { return subjectJourneys + "." + strconv.Itoa(partition) }

func rejectedSubject(reason string) string { return subjectRejected + "." + tokens(reason) }

// tokens joins subject tokens, each made harmless: an empty one becomes `other`, and what is not a lower-case letter, a
// digit, `_` or `-` becomes `_` (a space, a dot or a wildcard in a subject fails as "no response").
func tokens(parts ...string) string {
	clean := make([]string, len(parts))
	for i, p := range parts {
		clean[i] = token(p)
	}
	return strings.Join(clean, ".")
}

func token(s string) string {
	if s == "" {
		return tokenOther
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '_', r == '-':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '_'
	}, s)
}
