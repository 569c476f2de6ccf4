package embedded

import (
	"errors"
	"fmt"
	"strings"
)

// apply makes a connection that of the request: its database, its settings.
func apply(c *connection, database string, s settings) error {
	if database != "" {
		if err := c.run("USE " + quoteName(database)); err != nil {
			return err
		}
	}
	if len(s) == 0 {
		return nil
	}
	changes := make([]string, len(s))
	for i, setting := range s {
		changes[i] = setting[0] + " = " + quoteText(setting[1])
	}
	return c.run("SET " + strings.Join(changes, ", "))
}

// applied is apply for a connection that lives on: undo gives it back the database and settings it had, since those of
// a URL hold for one request.
func applied(c *connection, database string, s settings) (undo func() error, err error) {
	before, err := current(c, s)
	if err != nil {
		return nil, err
	}
	undo = func() error { return before.restore(c, database != "") }
	if err := apply(c, database, s); err != nil {
		return nil, joinUndo(err, undo)
	}
	return undo, nil
}

func joinUndo(err error, undo func() error) error {
	if failed := undo(); failed != nil {
		return errors.Join(err, failed, errSpoiled)
	}
	return err
}

// state is what a request may have changed of a connection.
type state struct {
	database string
	changed  settings // had a value of their own
	defaults []string // had not
}

func current(c *connection, s settings) (state, error) {
	var before state
	database, err := c.text("SELECT currentDatabase() FORMAT RawBLOB")
	if err != nil || len(s) == 0 {
		return state{database: database}, err
	}
	before.database = database
	for _, setting := range s {
		value, err := c.text(fmt.Sprintf("SELECT changed ? concat('=', value) : '' FROM system.settings WHERE name = %s FORMAT RawBLOB", quoteText(setting[0])))
		if err != nil {
			return state{}, err
		}
		if value, found := strings.CutPrefix(value, "="); found {
			before.changed = append(before.changed, [2]string{setting[0], value})
		} else {
			before.defaults = append(before.defaults, setting[0]+" = DEFAULT")
		}
	}
	return before, nil
}

func (before state) restore(c *connection, database bool) error {
	name := ""
	if database {
		name = before.database
	}
	if err := apply(c, name, before.changed); err != nil {
		return err
	}
	if len(before.defaults) == 0 {
		return nil
	}
	return c.run("SET " + strings.Join(before.defaults, ", "))
}

func quoteText(s string) string { return "'" + escaped(s, "'") + "'" }
func quoteName(s string) string { return "`" + escaped(s, "`") + "`" }

func escaped(s, quote string) string {
	return strings.NewReplacer(`\`, `\\`, quote, `\`+quote).Replace(s)
}
