package schemas

import (
	"regexp"
	"strings"
)

// Snapshots names the views of which a copy is kept, because with millions of journeys each takes seconds and a screen of many
// panels would take a minute: NAME_v is computed when it is read, NAME_latest_v has the same columns as of the last copy (the view itself until there is one), which is taken when
// days have closed and at the end of an import (snapshots_v says when). Figures are of days that are settled, so that a day between two copies
// changes nothing that may be drawn. Some are read by no screen, only by other views of which copies are taken.
var Snapshots = []string{
	"action_rates", "always_listed", "at_risk", "breakpoint_cells", "breakpoint_places", "channel_mix", "channel_rates", "churn_scores",
	"comex_breakpoints", "comex_costs", "comex_figures", "comex_headline", "comex_listed", "comex_months", "complaint_clocks", "complaints", "contact_load",
	"contracts", "customer_segments", "customers_to_call", "figures", "first_contact_resolution", "hourly_load", "inbound_contacts",
	"incident_customers", "incident_reach", "journey_cells", "journey_flows", "ledger_balance", "load_daily", "ranking", "ranking_90d",
	"rates", "rates_daily", "segment_rates_daily", "unseen", "value_at_risk", "value_at_risk_by_tenure", "variant_cells",
}

// Lists names those of Snapshots that list customers to be called or spoken with: who has objected since the copy is left out of
// NAME_latest_v from that moment on, as of NAME_v.
var Lists = []string{"at_risk", "churn_scores", "customers_to_call"}

// OverSnapshots names views that are quick where they read copies of others: NAME_latest_v is NAME_v itself, as of now, over these
// copies. No copy of it is kept.
var OverSnapshots = []string{"comex_actions", "journeys_listed"}

var ofSnapshots = regexp.MustCompile(`\b(` + strings.Join(append(OverSnapshots, Snapshots...), "|") + `)_v\b`)

// Latest makes a query read the last copies in place of the views that have some.
func Latest(sql string) string { return ofSnapshots.ReplaceAllString(sql, "${1}_latest_v") }

var copied = regexp.MustCompile(`\b(` + strings.Join(Snapshots, "|") + `)_latest_v\b`)

// OfCopy is whether a query reads a copy.
func OfCopy(sql string) bool { return copied.MatchString(sql) }
