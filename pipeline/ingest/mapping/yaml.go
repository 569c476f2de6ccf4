package mapping

import (
	"errors"
	"fmt"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// readPage reads one document of plain YAML: without anchors and tags, which nobody needs here and which would let a value
// stand in another place than where it is written.
func readPage(document []byte) (*page, error) {
	file, err := parser.ParseBytes(document, 0)
	if err != nil {
		return nil, err
	}
	if len(file.Docs) > 1 {
		return nil, faultf(docLine(file.Docs[1]), "expected one document")
	}
	p := &page{}
	if len(file.Docs) == 0 || file.Docs[0].Body == nil {
		return p, nil
	}
	var w plainOnly
	if ast.Walk(&w, file.Docs[0].Body); w.bad != nil {
		return nil, w.bad
	}
	return p, yaml.NodeToValue(file.Docs[0].Body, p, yaml.Strict())
}

func docLine(d *ast.DocumentNode) int {
	if d.Start != nil {
		return d.Start.Position.Line
	}
	return lineOf(d.Body)
}

// plainOnly looks for what is more than plain YAML.
type plainOnly struct{ bad error }

// Visit is for package ast.
func (w *plainOnly) Visit(node ast.Node) ast.Visitor {
	switch node.(type) {
	case *ast.AnchorNode, *ast.AliasNode, *ast.MergeKeyNode, *ast.TagNode:
		w.bad = errors.Join(w.bad, faultf(lineOf(node), "expected plain YAML, without anchors, aliases and tags"))
		return nil
	}
	return w
}

// eachEntry goes through a mapping node in its order; an empty one has no entries.
func eachEntry(name string, node ast.Node, read func(key string, line int, value ast.Node) error) error {
	if _, empty := node.(*ast.NullNode); empty || node == nil {
		return nil
	}
	entries, ok := node.(ast.MapNode)
	if !ok {
		return faultf(lineOf(node), "%s: expected names and values", name)
	}
	for it := entries.MapRange(); it.Next(); {
		if err := read(keyText(it.Key()), lineOf(it.Key()), it.Value()); err != nil {
			return err
		}
	}
	return nil
}

// fault is an error of a mapping at a line.
type fault struct {
	line    int
	message string
}

// Error gives the line and the message.
func (f *fault) Error() string { return fmt.Sprintf("mapping line %d: %s", f.line, f.message) }

func faultf(line int, format string, args ...any) error {
	return &fault{line: line, message: fmt.Sprintf(format, args...)}
}

// faultOf gives an error of the YAML reader the same shape as our own.
func faultOf(err error) error {
	var ours *fault
	if errors.As(err, &ours) {
		return ours
	}
	var theirs yaml.Error
	if errors.As(err, &theirs) && theirs.GetToken() != nil {
		return faultf(theirs.GetToken().Position.Line, "%s", theirs.GetMessage())
	}
	return fmt.Errorf("read mapping: %w", err)
}

// lineOf is where a node begins.
func lineOf(node ast.Node) int {
	switch n := node.(type) {
	case *ast.MappingNode:
		if len(n.Values) > 0 {
			return lineOf(n.Values[0].Key)
		}
	case *ast.MappingValueNode:
		return lineOf(n.Key)
	case nil:
		return 1
	}
	if node.GetToken() == nil {
		return 1
	}
	return node.GetToken().Position.Line
}

// keyText gives a key without its quotes, as written.
func keyText(key ast.MapKeyNode) string {
	if s, ok := key.(*ast.StringNode); ok {
		return s.Value
	}
	return key.GetToken().Value
}

// scalarText gives a plain value as written; null is empty.
func scalarText(node ast.ScalarNode) string {
	switch n := node.(type) {
	case *ast.NullNode:
		return ""
	case *ast.StringNode:
		return n.Value
	case *ast.LiteralNode:
		return n.Value.Value
	}
	return node.GetToken().Value
}

// text is a plain value with its line.
type text struct {
	line  int
	value string
}

// UnmarshalYAML reads a plain value as written.
func (t *text) UnmarshalYAML(node ast.Node) error {
	scalar, ok := node.(ast.ScalarNode)
	if !ok {
		return faultf(lineOf(node), "expected a plain value")
	}
	t.line, t.value = lineOf(node), scalarText(scalar)
	return nil
}
