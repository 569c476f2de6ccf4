package deploy

import (
	"go/build"
	"os"
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

// TestDockerIgnore: what go:embed takes in is not kept from the builder.
func TestDockerIgnore(t *testing.T) {
	var copied []string
	for _, line := range strings.Split(read(t, "../.dockerignore"), "\n") {
		if kept, ok := strings.CutPrefix(line, "!"); ok {
			copied = append(copied, kept)
		}
	}
	for _, line := range regexp.MustCompile(`(?m)^COPY ([^-].*)$`).FindAllStringSubmatch(read(t, "../Dockerfile"), -1) {
		words := strings.Fields(line[1])
		for _, source := range words[:len(words)-1] {
			if !slices.Contains(copied, source) {
				t.Errorf(".dockerignore keeps %s from the builder", source)
			}
		}
	}
	for _, root := range []string{"../cmd", "../pipeline", "../schemas"} {
		err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
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
