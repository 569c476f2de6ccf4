package main

import (
	"fmt"
	"path/filepath"
	"slices"

	"parcours/dashboards"
)

// DashboardsCommand writes the Grafana dashboards.
type DashboardsCommand struct {
	Lang string `help:"Language: fr or en; both where none is given." enum:",fr,en" default:"" placeholder:"fr|en"`
	Out  string `help:"Directory, dashboards where none is given; each language gets one of its own in it. JSON files there that are no dashboard of this version are removed." type:"path" default:"dashboards" placeholder:"DIR" env:"-"`
}

// Help says what to do with them.
func (DashboardsCommand) Help() string {
	return `Grafana imports them as they are, or reads them from the directory (provisioning). They ask a data source of the ClickHouse
plug-in with the uid "` + dashboards.SourceUID + `", whose default database is that of the tables. docs/dashboards.md says how.`
}

// Run writes them, and says where.
func (c *DashboardsCommand) Run(s *streams) error {
	languages := dashboards.Languages()
	if i := slices.IndexFunc(languages, func(l dashboards.Language) bool { return string(l) == c.Lang }); i >= 0 {
		languages = languages[i : i+1]
	}
	if err := dashboards.Write(c.Out, languages...); err != nil {
		return fmt.Errorf("write the dashboards: %w", err)
	}
	for _, l := range languages {
		for _, d := range dashboards.All() {
			fmt.Fprintln(s.out, filepath.Join(c.Out, string(l), d.Name+".json"))
		}
	}
	return nil
}
