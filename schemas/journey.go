package schemas

import (
	"embed"
	"io/fs"
	"strings"
)

// Journey holds journey/*.v1.json (JSON Schema, draft 2020-12): one for each type of message on JOURNEYS, under the $id that
// `dataschema` of a message names. Each stands alone, so that any validator, generator or AsyncAPI tool can read it; what
// they share (the envelope, a journey) is the same word for word in the $defs of each, which a test holds.
// journey/examples has <type>.json, which is valid, and <type>.invalid-*.json, which are not.
//
//go:embed journey/*.json journey/examples
var Journey embed.FS

// AsyncAPI describes JOURNEYS (AsyncAPI 3.0, YAML): subjects, messages, and what a consumer must know. It refers to the
// schemas in Journey by path.
//
//go:embed asyncapi.yaml
var AsyncAPI []byte

// JourneyFor gives the path in Journey of the schema of a message type, such as breakpoint.detected; "" where the type is
// none of JOURNEYS.
func JourneyFor(typ string) string {
	path := "journey/" + typ + ".v1.json"
	if info, err := fs.Stat(Journey, path); err != nil || info.IsDir() || !strings.Contains(typ, ".") {
		return ""
	}
	return path
}
