package embedded

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
)

// execute runs the statement of a request on a connection that is ready for it.
func execute(c *connection, q *request, out *response) error {
	if q.text.kind == insertRows {
		return insertBody(c, q, out)
	}
	a := c.analyse(q.text.text)
	if a.statements > 1 && !mentions(q.text.text, "PARALLEL") {
		return raise(codeSyntaxError, "SYNTAX_ERROR", "Syntax error (Multi-statements are not allowed)")
	}
	if q.text.kind == plain && a.class == classReadOnly {
		return answerRows(c, q, out)
	}
	return runWhole(c, q, out)
}

// insertBody streams the rows of an INSERT from the request into the engine.
func insertBody(c *connection, q *request, out *response) error {
	rows, err := c.insert(q.text.text, q.text.format, q.params)
	if err != nil {
		return err
	}
	defer rows.close()
	if err := copyRows(rows, q.body); err != nil {
		return err
	}
	if out.summary, err = rows.done(); err != nil {
		return err
	}
	return nil
}

const insertPiece = 1 << 20

// copyRows feeds the rows. A body that breaks off cancels the insert: half of it must not count as all.
func copyRows(rows *insertStream, body io.Reader) error {
	_, err := io.CopyBuffer(rows, struct{ io.Reader }{body}, make([]byte, insertPiece))
	if errors.Is(err, errInsertStopped) {
		return nil // done says why
	}
	if err != nil {
		rows.cancel()
		return badBody(err)
	}
	return nil
}

// answerRows sends the rows of a statement, streamed where the format can be.
func answerRows(c *connection, q *request, out *response) error {
	format := orElse(q.text.format, q.format)
	join := jointOf(format)
	if join == whole {
		return runWhole(c, q, out)
	}
	rows, err := c.stream(q.text.text, format, q.params)
	if err != nil {
		if asException(err).streamingUnsupported() {
			return runWhole(c, q, out)
		}
		return err
	}
	defer rows.close()
	out.setFormat(format)
	return sendChunks(rows, join, rowsWriter(c, out, q, format), out)
}

func sendChunks(rows *resultStream, join joint, to chunkWriter, out *response) error {
	for first := true; ; first = false {
		chunk, err := rows.next()
		if err != nil || chunk == nil {
			return err
		}
		out.summary = out.summary.add(chunk.summary())
		part := chunk.bytes()
		if !first {
			part = join.withoutHeader(part)
		}
		err = to(part)
		chunk.release()
		if err != nil {
			return err
		}
	}
}

// runWhole runs a statement to its end before anything is answered: one that returns no rows, or whose format has a
// frame around all of them.
func runWhole(c *connection, q *request, out *response) error {
	format := orElse(q.text.format, q.format)
	if q.text.kind != plain {
		format = q.format
	}
	r, err := c.query(q.text.text, format, q.params)
	if err != nil {
		return err
	}
	defer r.release()
	out.summary = r.summary()
	content := r.bytes()
	if len(content) == 0 {
		return nil
	}
	out.setFormat(format)
	return rowsWriter(c, out, q, format)(content)
}

// chunkWriter sends one document of the format.
type chunkWriter func([]byte) error

// rowsWriter rewrites Native for the client's revision of the protocol and passes all else on.
func rowsWriter(c *connection, out io.Writer, q *request, format string) chunkWriter {
	if q.revision > 0 && strings.EqualFold(format, "Native") {
		return newNativeRewriter(out, q.revision, func() []string { return describe(c, q) }).write
	}
	return func(p []byte) error {
		_, err := out.Write(p)
		return err
	}
}

// externalTables creates the temporary tables a request brought along.
func externalTables(c *connection, q *request) error {
	for _, table := range q.external {
		if table.structure == "" {
			return raise(codeBadArguments, "BAD_ARGUMENTS", "Neither structure nor types have not been provided for external table %s. Use fields %s_structure or %s_types to do so",
				table.name, table.name, table.name)
		}
		name := quoteName(table.name)
		if err := c.run("CREATE OR REPLACE TEMPORARY TABLE " + name + " (" + table.structure + ") ENGINE = Memory"); err != nil {
			return err
		}
		if err := fill(c, name, table); err != nil {
			return err
		}
	}
	return nil
}

func fill(c *connection, name string, table externalTable) error {
	if len(table.rows) == 0 {
		return nil
	}
	rows, err := c.insert("INSERT INTO "+name, table.format, nil)
	if err != nil {
		return err
	}
	defer rows.close()
	if _, err := rows.Write(table.rows); err != nil && !errors.Is(err, errInsertStopped) {
		return err
	}
	_, err = rows.done()
	return err
}

// describe is the types of a query's columns, or nothing where the engine cannot say. It asks on a connection of its
// own, since that of the query is busy, and so does not know what a session or an external table would.
func describe(c *connection, q *request) []string {
	other, err := c.another()
	if err != nil {
		return nil
	}
	defer other.close()
	if err := apply(other, q.database, q.settings); err != nil {
		return nil
	}
	r, err := other.query("DESCRIBE TABLE ("+q.text.query+"\n)", "JSONCompactEachRow", q.params)
	if err != nil {
		return nil
	}
	defer r.release()
	return secondColumn(r.bytes())
}

func secondColumn(rows []byte) []string {
	var types []string
	for decoder := json.NewDecoder(bytes.NewReader(rows)); ; {
		var row []any
		if err := decoder.Decode(&row); err != nil || len(row) < 2 {
			return types
		}
		text, _ := row[1].(string)
		types = append(types, text)
	}
}
