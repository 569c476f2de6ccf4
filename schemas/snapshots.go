package schemas

import (
	"regexp"
	"strings"
)

// Snapshots names the views of which a copy is kept, because with millions of journeys each takes seconds and a screen of many
// panels would take a minute: NAME_v is computed when it is read, NAME_latest_v has the same columns as of the last copy (the view itself until there is one), which is taken when
// days have closed and at the end of an import (snapshots_v says when). Figures are of days that are settled, so that a day between two copies
// changes nothing that may be drawn.
var Snapshots = []string{
	"action_rates", "breakpoint_cells", "breakpoint_places", "channel_mix", "channel_rates", "comex_breakpoints", "comex_figures",
	"comex_headline", "comex_listed", "comex_months", "complaint_clocks", "complaints", "contact_load", "customers_to_call", "figures",
	"first_contact_resolution", "inbound_contacts", "incident_reach", "journey_cells", "journey_flows", "load_daily", "ranking",
	"ranking_90d", "rates", "rates_daily", "segment_rates_daily", "unseen", "value_at_risk", "value_at_risk_by_tenure", "variant_cells",
}

var ofSnapshots = regexp.MustCompile(`\b(` + strings.Join(Snapshots, "|") + `)_v\b`)

// Latest makes a query read the last copies in place of the views that have some.
func Latest(sql string) string { return ofSnapshots.ReplaceAllString(sql, "${1}_latest_v") }
