package schemas

import (
	"embed"
	"io/fs"
)

// Channel holds channel/*.v1.json, channel/system/*.v1.json (JSON Schema, draft 2020-12, one for each event type) and
// channel/examples/<type>/{valid,invalid}-*.json. It is written by channel/gen.
//
//go:embed channel/*.json channel/system/*.json channel/examples
var Channel embed.FS

// ChannelFor gives the path in Channel of the schema of an event type: the one of activities where the type has none.
func ChannelFor(typ string) string {
	for _, path := range [...]string{"channel/" + typ + ".v1.json", "channel/system/" + typ + ".v1.json"} {
		if info, err := fs.Stat(Channel, path); err == nil && !info.IsDir() && typ != "envelope" && typ != "data" {
			return path
		}
	}
	return "channel/activity.v1.json"
}
