package rules

import (
	"errors"
	"regexp"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// node is a place in the document: a plain value, a list of them, or names with what stands under them.
type node struct {
	line    int
	form    form
	text    string // of a plain value, as written
	list    []*node
	entries []entry
	flow    bool // written on one line
	excepts bool // the entries are the exceptions of a rule: written as a list
}

type form uint8

const (
	plain form = iota
	list
	mapping
	nothing // null: what stands there is to go
)

var formNames = map[form]string{plain: "a plain value", list: "a list", mapping: "keys with values", nothing: "nothing"}

type entry struct {
	key   string
	line  int
	doc   string // printed as a comment
	value *node
}

func plainNode(text string) *node { return &node{text: text} }

func listNode(texts []string) *node {
	n := &node{form: list}
	for _, t := range texts {
		n.list = append(n.list, plainNode(t))
	}
	return n
}

// add appends an entry; one without a value is left out.
func (n *node) add(key, doc string, value *node) {
	if value != nil {
		n.entries = append(n.entries, entry{key: key, doc: doc, value: value})
	}
}

// get finds an entry by its key; nil for none.
func (n *node) get(key string) *node {
	for i := range n.entries {
		if n.entries[i].key == key {
			return n.entries[i].value
		}
	}
	return nil
}

// readDocument reads one document of plain YAML, without anchors and tags: those would let a value stand in another place
// than where it is written.
func readDocument(name string, document []byte) (*node, error) {
	file, err := parser.ParseBytes(document, 0)
	if err != nil {
		return nil, syntaxFault(name, err)
	}
	empty := &node{line: 1, form: mapping}
	switch {
	case len(file.Docs) > 1:
		return nil, Faults{{name, lineOf(file.Docs[1].Body), "", "expected one document"}}
	case len(file.Docs) == 0 || file.Docs[0].Body == nil:
		return empty, nil
	}
	c := converter{name: name}
	n := c.convert(file.Docs[0].Body)
	if c.faults != nil {
		return nil, c.faults
	}
	if n.form == nothing {
		return empty, nil
	}
	return n, nil
}

func syntaxFault(name string, err error) error {
	var theirs yaml.Error
	if errors.As(err, &theirs) && theirs.GetToken() != nil {
		return Faults{{name, theirs.GetToken().Position.Line, "", "this is no YAML: " + theirs.GetMessage()}}
	}
	return Faults{{name, 1, "", "this is no YAML: " + err.Error()}}
}

// converter turns what the YAML library reads into nodes.
type converter struct {
	name   string
	faults Faults
}

func (c *converter) convert(in ast.Node) *node {
	n := &node{line: lineOf(in)}
	switch in := in.(type) {
	case nil:
		n.form = nothing
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode, *ast.MergeKeyNode:
		c.faults = append(c.faults, Fault{c.name, n.line, "", "expected plain YAML, without anchors, aliases and tags"})
	case *ast.NullNode:
		n.form = nothing
	case ast.MapNode:
		n.form = mapping
		for it := in.MapRange(); it.Next(); {
			n.entries = append(n.entries, entry{key: keyText(it.Key()), line: lineOf(it.Key()), value: c.convert(it.Value())})
		}
	case *ast.SequenceNode:
		n.form = list
		for _, v := range in.Values {
			n.list = append(n.list, c.convert(v))
		}
	case ast.ScalarNode:
		n.text = scalarText(in)
	default:
		c.faults = append(c.faults, Fault{c.name, n.line, "", "expected plain YAML"})
	}
	return n
}

// lineOf is where a node begins.
func lineOf(in ast.Node) int {
	switch n := in.(type) {
	case *ast.MappingNode:
		if len(n.Values) > 0 {
			return lineOf(n.Values[0].Key)
		}
	case *ast.MappingValueNode:
		return lineOf(n.Key)
	case nil:
		return 1
	}
	if in.GetToken() == nil {
		return 1
	}
	return in.GetToken().Position.Line
}

func keyText(key ast.MapKeyNode) string {
	if s, ok := key.(*ast.StringNode); ok {
		return s.Value
	}
	return key.GetToken().Value
}

func scalarText(in ast.ScalarNode) string {
	switch n := in.(type) {
	case *ast.StringNode:
		return n.Value
	case *ast.LiteralNode:
		return strings.TrimSpace(n.Value.Value)
	}
	return in.GetToken().Value
}

// printer writes nodes as YAML.
type printer struct{ strings.Builder }

// lineMost is how long a line of a printed book gets, where it can be broken.
const lineMost = 110

// print writes the entries of a mapping, one a line, each with its comment: behind it where there is room, else above.
func (p *printer) print(n *node, indent string) {
	for i := range n.entries {
		e := &n.entries[i]
		line := indent + quoted(e.key) + ":"
		short, oneLine := inline(e.value)
		if oneLine && len(line)+1+len(short) > lineMost {
			oneLine = e.value.form != list || len(e.value.list) < 2
		}
		if oneLine {
			line += " " + short
		}
		behind := oneLine && e.doc != "" && len(line)+4+len(e.doc) <= lineMost
		if e.doc != "" && !behind {
			p.comment(e.doc, indent)
		}
		p.WriteString(line)
		if behind {
			p.WriteString("  # " + e.doc)
		}
		p.WriteByte('\n')
		if !oneLine {
			p.below(e.value, indent+"  ")
		}
		if indent == "" && i < len(n.entries)-1 {
			p.WriteByte('\n')
		}
	}
}

// below writes what does not fit on one line.
func (p *printer) below(n *node, indent string) {
	switch {
	case n.excepts:
		for _, e := range n.entries {
			item, _ := inline(e.value)
			p.WriteString(indent + "- " + item + "\n")
		}
	case n.form == list:
		p.wrap(n, indent)
	default:
		p.print(n, indent)
	}
}

// wrap writes a list in brackets over several lines.
func (p *printer) wrap(n *node, indent string) {
	line := indent + "["
	for i, v := range n.list {
		text, _ := inline(v)
		if i < len(n.list)-1 {
			text += ", "
		}
		if len(line)+len(text) > lineMost {
			p.WriteString(strings.TrimRight(line, " ") + "\n")
			line = indent + " "
		}
		line += text
	}
	p.WriteString(line + "]\n")
}

// comment writes a comment, wrapped.
func (p *printer) comment(text, indent string) {
	for paragraph := range strings.SplitSeq(text, "\n") {
		line := indent + "#"
		for _, word := range strings.Fields(paragraph) {
			if len(line)+1+len(word) > lineMost {
				p.WriteString(line + "\n")
				line = indent + "#"
			}
			line += " " + word
		}
		p.WriteString(line + "\n")
	}
}

// inline gives a node on one line, where that is how it is written.
func inline(n *node) (string, bool) {
	switch {
	case n.form == nothing:
		return "~", true
	case n.form == plain:
		return quoted(n.text), true
	case n.form == list:
		texts := make([]string, len(n.list))
		for i, v := range n.list {
			texts[i], _ = inline(v)
		}
		return "[" + strings.Join(texts, ", ") + "]", true
	case n.excepts && len(n.entries) > 0:
		return "", false
	case n.flow || len(n.entries) == 0:
		texts := make([]string, len(n.entries))
		for i, e := range n.entries {
			text, _ := inline(e.value)
			texts[i] = quoted(e.key) + ": " + text
		}
		return "{" + strings.Join(texts, ", ") + "}", true
	}
	return "", false
}

// safe texts need no quotes in YAML, in brackets or out.
var safe = regexp.MustCompile(`^[A-Za-z0-9_/][A-Za-z0-9_ ./@%+-]*$`)

// quoted writes a text that is no more than a text wherever YAML or a terminal reads it: what cannot be seen is escaped, in a
// way that Go and YAML share.
func quoted(text string) string {
	if safe.MatchString(text) && text != "null" && text != "Null" && text != "NULL" && !strings.HasSuffix(text, " ") {
		return text
	}
	return strconv.Quote(text)
}
