package clickhouse

import (
	"context"
	"regexp"
	"slices"
	"strings"
)

// taking is one run that takes copies of views.
type taking struct {
	texts  map[string]string // the SELECT of each view of the database, as the server writes it
	prefix string            // the database and a dot, as it stands before each name in them
	fresh  map[string]string // where the copy of a view is read, of those that this run has taken
}

// viewTexts are the SELECTs of all views.
func (s *Store) viewTexts(ctx context.Context) (texts map[string]string, err error) {
	err = s.retry(ctx, "read the texts of views", func(ctx context.Context) error {
		texts = map[string]string{}
		rows, err := s.conn.Query(ctx, "SELECT name, as_select FROM system.tables WHERE database = $1 AND engine = 'View'", s.config.Database)
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			var name, text string
			if err := rows.Scan(&name, &text); err != nil {
				return err
			}
			texts[name] = text
		}
		return rows.Err()
	})
	return texts, err
}

var viewName = regexp.MustCompile(`\b\w+\.\w+_v\b`)

// read are the views that a view reads itself.
func (t *taking) read(view string) (views []string) {
	for _, found := range viewName.FindAllString(t.texts[view], -1) {
		if name, is := strings.CutPrefix(found, t.prefix); is && t.texts[name] != "" && !slices.Contains(views, name) {
			views = append(views, name)
		}
	}
	return views
}

// order puts names of views such that each comes after those that it reads, be it through others.
func (t *taking) order(names []string) (ordered []string) {
	seen := map[string]bool{}
	var visit func(view string)
	visit = func(view string) {
		if seen[view] {
			return
		}
		seen[view] = true
		for _, v := range t.read(view) {
			visit(v)
		}
		if name := strings.TrimSuffix(view, "_v"); slices.Contains(names, name) {
			ordered = append(ordered, name)
		}
	}
	for _, name := range names {
		visit(name + "_v")
	}
	return ordered
}

// text is the SELECT of a view with the copies that were just taken in place of their views.
func (t *taking) text(view string) string {
	return viewName.ReplaceAllStringFunc(t.texts[view], func(found string) string {
		name, is := strings.CutPrefix(found, t.prefix)
		switch {
		case !is || t.texts[name] == "":
			return found
		case t.fresh[name] != "":
			return t.fresh[name]
		case t.fromFresh(name):
			return "(" + t.text(name) + ")"
		}
		return found
	})
}

// fromFresh is whether a view reads what was just copied, be it through others.
func (t *taking) fromFresh(view string) bool {
	return slices.ContainsFunc(t.read(view), func(v string) bool { return t.fresh[v] != "" || t.fromFresh(v) })
}
