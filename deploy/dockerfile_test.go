package deploy

import (
	"go/build"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestDockerfile: what it copies and builds is there, what it builds is what Kubernetes and Compose start, its Go is no older
// than go.mod wants, and it ends as nobody.
func TestDockerfile(t *testing.T) {
	text := strings.ReplaceAll(read(t, "../Dockerfile"), "\\\n", " ")
	for _, line := range regexp.MustCompile(`(?m)^COPY ([^-].*)$`).FindAllStringSubmatch(text, -1) {
		words := strings.Fields(line[1])
		for _, source := range words[:len(words)-1] {
			if _, err := os.Stat(filepath.Join("..", source)); err != nil {
				t.Error(err)
			}
		}
	}
	built := regexp.MustCompile(`\./cmd/([a-z]+)`).FindAllStringSubmatch(text, -1)
	var binaries []string
	for _, b := range built {
		pkg, err := build.ImportDir(filepath.Join("../cmd", b[1]), 0)
		if err != nil || pkg.Name != "main" {
			t.Errorf("%s is no command: %v", b[1], err)
		}
		binaries = append(binaries, "/"+b[1])
	}
	for _, want := range []string{"/ingest", "/aggregator", "/parcours"} {
		if !slices.Contains(binaries, want) || !strings.Contains(text, "/out"+want) {
			t.Errorf("%s is not in the image", want)
		}
	}
	wants := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(read(t, "../go.mod"))
	has := regexp.MustCompile(`(?m)^FROM golang:(\d+\.\d+)\.\d+-`).FindStringSubmatch(text)
	if wants == nil || has == nil || wants[1] != has[1] {
		t.Errorf("Go %v, go.mod wants %v", has, wants)
	}
	user := regexp.MustCompile(`(?m)^USER ([0-9]+):`).FindAllStringSubmatch(text, -1)
	if len(user) != 1 || user[0][1] == "0" || !strings.Contains(text, "CGO_ENABLED=0") {
		t.Errorf("user %v, or built with cgo", user)
	}
}

// copied are the paths that the Dockerfile takes from the repository.
func copied(t *testing.T) (sources []string) {
	for _, line := range regexp.MustCompile(`(?m)^COPY ([^-].*)$`).FindAllStringSubmatch(read(t, "../Dockerfile"), -1) {
		words := strings.Fields(line[1])
		sources = append(sources, words[:len(words)-1]...)
	}
	return sources
}

// TestDockerIgnore: what the Dockerfile copies and what go:embed takes in is not kept from the builder.
func TestDockerIgnore(t *testing.T) {
	sent := strings.Split(read(t, "../.dockerignore"), "\n")
	for _, source := range copied(t) {
		if !slices.Contains(sent, "!"+source) {
			t.Errorf(".dockerignore keeps %s from the builder", source)
		}
		if strings.HasPrefix(source, "go.") {
			continue
		}
		err := filepath.WalkDir(filepath.Join("..", source), func(path string, d os.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			if regexp.MustCompile(`(?m)^//go:embed .*(testdata|_test\.go)`).MatchString(read(t, path)) {
				t.Errorf("%s takes in what .dockerignore keeps out", path)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestImageHasAllItImports: each package of ours that the binaries are made of lies in what is copied.
func TestImageHasAllItImports(t *testing.T) {
	list := exec.CommandContext(t.Context(), "go", "list", "-deps", "./cmd/ingest", "./cmd/aggregator", "./cmd/parcours")
	list.Dir, list.Env = "..", append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux")
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	var ours int
	for pkg := range strings.FieldsSeq(string(out)) {
		path, mine := strings.CutPrefix(pkg, "parcours/")
		if !mine {
			continue
		}
		ours++
		if root, _, _ := strings.Cut(path, "/"); !slices.Contains(copied(t), root) {
			t.Errorf("%s is not copied", pkg)
		}
	}
	if ours < 10 {
		t.Errorf("the binaries are made of %d packages of ours only:\n%s", ours, out)
	}
}
