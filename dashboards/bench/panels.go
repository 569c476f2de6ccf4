package main

import "strings"

// panels are the views.
func (b *bench) panels(name string) (list []measured, err error) {
	rows, err := b.query("SELECT name FROM system.tables WHERE database = '{db}' AND engine = 'View' ORDER BY name")
	for _, r := range rows {
		if name == "" || strings.Contains(r[0], name) {
			list = append(list, measured{dashboard: "view", panel: r[0], sql: "SELECT count() FROM (SELECT * FROM " + b.store.Database() + "." + r[0] + ")"})
		}
	}
	return list, err
}
