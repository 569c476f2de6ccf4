package embedded

import (
	"strings"
)

// statementKind says where the rows of a statement are.
type statementKind int

const (
	plain        statementKind = iota // no rows, or all of them in the text: SELECT, DDL, INSERT ... SELECT
	insertValues                      // INSERT ... VALUES: the engine reads the rows with the statement
	insertRows                        // INSERT ... FORMAT: the rows follow, and are streamed
)

// statement is one SQL statement, taken apart as far as the front needs.
type statement struct {
	kind   statementKind
	text   string // what the engine runs; of insertRows without FORMAT clause and rows
	format string // the format it names: of the rows given for an INSERT, else of the result; "" if none
	rows   string // the beginning of the rows, of insertRows
	query  string // the text of a plain statement without FORMAT and what follows it
}

// parseStatement takes the first statement apart and refuses text that holds a second, or that reads or writes files
// on the side. It does not check syntax, which is the engine's to judge.
func parseStatement(sql string) (statement, error) {
	s := scanner{sql: sql}
	if s.next().is("INSERT") {
		if st, found, err := s.insert(); found || err != nil {
			return st, err
		}
	}
	s = scanner{sql: sql}
	return s.whole()
}

// insert looks for the place where the rows begin.
func (s *scanner) insert() (st statement, found bool, err error) {
	s.skipTarget()
	previous, selects := token{}, false
	for t := s.next(); !t.end(); t = s.next() {
		switch {
		case selects && previous.is("INPUT") && t.text == "(":
			return st, false, raise(codeNotImplemented, "NOT_IMPLEMENTED", "Table function input() is not supported by the embedded server; insert into a Null table with a materialized view instead")
		case t.depth > 0:
		case t.is("SELECT"), t.is("WITH"), t.is("INFILE"):
			selects = true
		case t.is("VALUES") && !selects:
			return s.rowsAfterValues(t), true, nil
		case t.is("FORMAT") && !selects:
			st, found = s.rowsAfterFormat(t)
			return st, found, nil
		}
		previous = t
	}
	return st, false, nil
}

// rowsAfterValues leaves rows with the statement, whose parameters they may use. Without rows it is an empty stream:
// the engine would read its standard input.
func (s *scanner) rowsAfterValues(keyword token) statement {
	if rest := *s; rest.next().end() {
		return statement{kind: insertRows, text: s.sql[:keyword.at], format: "Values"}
	}
	return statement{kind: insertValues, text: s.sql, format: "Values"}
}

// skipTarget passes INTO, TABLE, FUNCTION and the name, which may look like a keyword.
func (s *scanner) skipTarget() {
	t := s.next()
	for t.is("INTO") || t.is("TABLE") || t.is("FUNCTION") {
		t = s.next()
	}
	for {
		mark := *s
		if s.next().text != "." {
			*s = mark
			return
		}
		s.next()
	}
}

func (s *scanner) rowsAfterFormat(keyword token) (statement, bool) {
	name := s.next()
	if !name.word {
		return statement{}, false
	}
	settings := s.settingsAfterFormat()
	return statement{
		kind: insertRows, format: name.text,
		text: strings.TrimSpace(s.sql[:keyword.at]) + settings, rows: afterLineBreak(s.sql[s.at:]),
	}, true
}

// settingsAfterFormat moves past SETTINGS a = 1, b = 2 and returns it, where it stands between FORMAT and the rows.
func (s *scanner) settingsAfterFormat() string {
	mark := *s
	if !s.next().is("SETTINGS") {
		*s = mark
		return ""
	}
	for {
		s.next() // name
		s.next() // =
		s.next() // value
		after := *s
		if s.next().text != "," {
			*s = after
			return " " + strings.TrimSpace(s.sql[mark.at:s.at])
		}
	}
}

// afterLineBreak drops what ClickHouse drops between a format's name and its rows: blanks up to one line break.
func afterLineBreak(s string) string {
	s = strings.TrimLeft(s, " \t\f")
	s = strings.TrimPrefix(s, "\r")
	return strings.TrimPrefix(s, "\n")
}

// whole scans to the end of a statement that carries no rows.
func (s *scanner) whole() (statement, error) {
	st := statement{kind: plain, text: s.sql, query: s.sql}
	previous, ended := token{}, false
	for t := s.next(); !t.end(); t = s.next() {
		switch {
		case t.text == ";":
			st.query, ended = st.query[:min(t.at, len(st.query))], true
			continue
		case ended:
			return st, raise(codeSyntaxError, "SYNTAX_ERROR", "Syntax error (Multi-statements are not allowed): failed at position %d (%s)", t.at+1, t.text)
		case t.text == "(" && reachesOutside(previous.text):
			return st, raise(codeAccessDenied, "ACCESS_DENIED", "%s is not allowed here: it reaches files or other machines", previous.text)
		case t.is("OUTFILE") && previous.is("INTO"):
			return st, raise(codeNotImplemented, "NOT_IMPLEMENTED", "INTO OUTFILE is not allowed")
		case t.is("INFILE") && previous.is("FROM"):
			return st, raise(codeNotImplemented, "NOT_IMPLEMENTED", "FROM INFILE is not allowed")
		case previous.is("FORMAT") && t.word && t.depth == 0 && !t.is("SETTINGS"):
			st.format, st.query = t.text, s.sql[:previous.at]
		case previous.text == st.format && !t.is("SETTINGS"):
			st.format, st.query = "", s.sql // a column called format, not the clause, which is last but for SETTINGS
		}
		previous = t
	}
	return st, nil
}

// mentions says whether a word stands outside strings, comments and quoted names.
func mentions(sql, word string) bool {
	s := scanner{sql: sql}
	for t := s.next(); !t.end(); t = s.next() {
		if t.is(word) {
			return true
		}
	}
	return false
}

// scanner splits SQL into tokens as ClickHouse's lexer does, as far as finding keywords needs.
type scanner struct {
	sql   string
	at    int
	depth int
}

type token struct {
	text  string
	at    int
	depth int  // parentheses around it
	word  bool // a bare identifier, keyword or number
}

func (t token) is(keyword string) bool { return t.word && strings.EqualFold(t.text, keyword) }
func (t token) end() bool              { return t.text == "" }

func (s *scanner) next() token {
	s.skipBlank()
	if s.at >= len(s.sql) {
		return token{at: s.at}
	}
	start, depth := s.at, s.depth
	word := s.advance()
	return token{text: s.sql[start:s.at], at: start, depth: depth, word: word}
}

// advance moves over one token.
func (s *scanner) advance() (word bool) {
	switch c := s.sql[s.at]; {
	case c == '\'' || c == '"' || c == '`':
		s.quoted(c)
	case c == '$' && s.heredoc():
	case wordByte(c):
		for s.at < len(s.sql) && wordByte(s.sql[s.at]) {
			s.at++
		}
		return true
	default:
		s.depth += nesting(c)
		s.at++
	}
	return false
}

func nesting(c byte) int {
	switch c {
	case '(', '[', '{':
		return 1
	case ')', ']', '}':
		return -1
	}
	return 0
}

func wordByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

// quoted moves over a string or a quoted name: a backslash escapes, a doubled quote is one quote.
func (s *scanner) quoted(quote byte) {
	for s.at++; s.at < len(s.sql); s.at++ {
		switch c := s.sql[s.at]; {
		case c == '\\':
			s.at++
		case c == quote:
			s.at++
			if s.at >= len(s.sql) || s.sql[s.at] != quote {
				return
			}
		}
	}
	s.at = len(s.sql)
}

// heredoc moves over $tag$ ... $tag$.
func (s *scanner) heredoc() bool {
	rest := s.sql[s.at:]
	end := strings.IndexByte(rest[1:], '$')
	if end < 0 || strings.ContainsFunc(rest[1:end+1], func(r rune) bool { return r > 0x7f || !wordByte(byte(r)) }) {
		return false
	}
	tag := rest[:end+2]
	closing := strings.Index(rest[len(tag):], tag)
	if closing < 0 {
		return false
	}
	s.at += 2*len(tag) + closing
	return true
}

// skipBlank moves over white space and comments.
func (s *scanner) skipBlank() {
	for s.at < len(s.sql) {
		rest := s.sql[s.at:]
		switch {
		case strings.IndexByte(" \t\r\n\f\v\x00", rest[0]) >= 0:
			s.at++
		case strings.HasPrefix(rest, "--"), strings.HasPrefix(rest, "# "), strings.HasPrefix(rest, "#!"):
			s.skipTo(rest, "\n")
		case strings.HasPrefix(rest, "/*"):
			s.skipTo(rest, "*/")
		default:
			return
		}
	}
}

func (s *scanner) skipTo(rest, mark string) {
	end := strings.Index(rest[2:], mark)
	if end < 0 {
		s.at = len(s.sql)
		return
	}
	s.at += 2 + end + len(mark)
}
