package pipeline_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// layers is the import rule: what a package may import of this module. Imports go one way; a package that is not listed
// is a deliberate act: add it here and say why in ARCHITECTURE.md. Loops never import adapters, adapters never each
// other, and the computing packages do no I/O.
var layers = map[string][]string{
	"pipeline/event":          {},
	"pipeline/rules":          {"pipeline/event"},
	"pipeline/scenario":       {"pipeline/event", "pipeline/rules"},
	"pipeline/journey":        {"pipeline/event", "pipeline/rules"},
	"pipeline/breakpoint":     {"pipeline/event", "pipeline/rules", "pipeline/journey"},
	"pipeline/churn":          {"pipeline/event", "pipeline/rules", "pipeline/journey"},
	"pipeline":                {"pipeline/event", "pipeline/rules", "pipeline/journey", "pipeline/breakpoint", "pipeline/attribution", "pipeline/alert", "pipeline/churn"},
	"pipeline/ingest":         {"pipeline", "pipeline/event"},
	"pipeline/ingest/mapping": {"pipeline/event", "pipeline/rules"},
	"pipeline/simulate":       {"pipeline/event", "pipeline/rules"},
	// The reference judges what breakpoint and journey find: it imports neither, nor anything that does.
	"pipeline/evaluate/reference": {"pipeline/event", "pipeline/rules"},
	"pipeline/alert":              {"pipeline/event", "pipeline/rules"},
	"pipeline/evaluate":           {"pipeline/event", "pipeline/rules", "pipeline/alert", "pipeline/evaluate/reference"},
	"pipeline/aggregate":          {"pipeline", "pipeline/event", "pipeline/journey", "pipeline/rules", "pipeline/attribution", "pipeline/alert", "pipeline/churn"},
	"pipeline/nats":               {"pipeline", "pipeline/event"},
	"pipeline/clickhouse":         {"pipeline", "pipeline/event", "pipeline/rules", "pipeline/attribution", "pipeline/alert", "pipeline/readiness", "pipeline/churn", "schemas"},
	"pipeline/attribution":        {"pipeline/event"},
	"pipeline/embedded":           {},
	"pipeline/embedded/prepared":  {"pipeline/embedded"}, // only tests import it
	"schemas":                     {},
	"schemas/channel/gen":         {"pipeline/event"},
	"pipeline/readiness":          {"pipeline/event", "pipeline/rules"},
	"deploy":                      {}, // only tests import it
}

// computing packages read no clock, no socket, no file, and roll no dice that nobody seeded.
var computing = []string{
	"pipeline", "pipeline/event", "pipeline/rules", "pipeline/scenario", "pipeline/journey", "pipeline/breakpoint",
	"pipeline/simulate", "pipeline/evaluate", "pipeline/evaluate/reference", "pipeline/alert", "pipeline/attribution", "pipeline/readiness",
	"pipeline/churn",
}

// forbidden to the computing packages.
var forbidden = []string{"os", "net", "net/http", "os/exec", "math/rand", "crypto/rand", "database/sql"}

// only lists who may import a client or server.
var only = map[string][]string{
	"github.com/nats-io/":               {"pipeline/nats", "pipeline/embedded", "cmd"},
	"github.com/ClickHouse/":            {"pipeline/clickhouse", "pipeline/embedded"},
	"github.com/grafana/":               {"dashboards"},
	"github.com/ebitengine/purego":      {"pipeline/embedded"},
	"github.com/cockroachdb/datadriven": {},
	"github.com/compose-spec/":          {"deploy"},
	"k8s.io/":                           {"deploy"},
	"sigs.k8s.io/":                      {"deploy"},
}

// TestLayers reads the imports of every file that is not a test.
func TestLayers(t *testing.T) {
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && strings.HasPrefix(d.Name(), ".") && path != root {
			return filepath.SkipDir
		}
		if strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") {
			relative, err := filepath.Rel(root, filepath.Dir(path))
			if err != nil {
				return err
			}
			seen[filepath.ToSlash(relative)] = true
			checkFile(t, path, filepath.ToSlash(relative))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for name := range layers {
		if !seen[name] {
			t.Errorf("package %s is in the import rule but not in the tree", name)
		}
	}
}

func checkFile(t *testing.T, path, name string) {
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	for _, spec := range file.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		checkInternal(t, name, imported)
		checkExternal(t, name, imported)
		if spec.Name != nil && strings.HasPrefix(imported, "parcours/") {
			t.Errorf("%s imports %s under another name: rename one of the packages", path, imported)
		}
	}
}

func checkInternal(t *testing.T, name, imported string) {
	target, ours := strings.CutPrefix(imported, "parcours/")
	if !ours || top(name) == "cmd" || top(name) == "dashboards" {
		return
	}
	allowed, listed := layers[name]
	if !listed {
		t.Errorf("package %s is not in the import rule: add it to layers deliberately", name)
	} else if !slices.Contains(allowed, target) {
		t.Errorf("%s imports %s: imports go one way (see ARCHITECTURE.md)", name, target)
	}
}

func checkExternal(t *testing.T, name, imported string) {
	if slices.Contains(computing, name) && slices.Contains(forbidden, imported) {
		t.Errorf("%s imports %s: it computes only", name, imported)
	}
	for prefix, owners := range only {
		if strings.HasPrefix(imported, prefix) && !slices.ContainsFunc(owners, func(o string) bool { return o == name || o == top(name) }) {
			t.Errorf("%s imports %s: only %v may", name, imported, owners)
		}
	}
}

func top(name string) string {
	first, _, _ := strings.Cut(name, "/")
	return first
}
