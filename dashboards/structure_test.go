package dashboards

import (
	"bytes"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"parcours/dashboards/internal/filled"
	"parcours/dashboards/words"
)

func TestMain(m *testing.M) { os.Exit(filled.Main(m)) }

// TestJSONIsCurrent: json/ holds what gen writes, no more and no less.
func TestJSONIsCurrent(t *testing.T) {
	dir := t.TempDir()
	if err := Write(dir); err != nil {
		t.Fatal(err)
	}
	for _, pair := range [][2]string{{dir, "json"}, {"json", dir}} {
		names, err := filepath.Glob(filepath.Join(pair[0], "*", "*.json"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			relative, err := filepath.Rel(pair[0], name)
			if err != nil {
				t.Fatal(err)
			}
			a, errA := os.ReadFile(name)
			b, errB := os.ReadFile(filepath.Join(pair[1], relative))
			if errA != nil || errB != nil || !bytes.Equal(a, b) {
				t.Errorf("json/%s is not current: run go generate ./dashboards", relative)
			}
		}
	}
}

// TestEveryPanelExplainsItself: title, description of a sentence at least, one data source, and one documented view a query.
func TestEveryPanelExplainsItself(t *testing.T) {
	for _, s := range screens(t) {
		titles := map[string]bool{}
		for _, p := range s.flat() {
			if strings.TrimSpace(p.Title) == "" || titles[p.Title] {
				problem(t, s, p, "no title, or one that another panel has")
			}
			titles[p.Title] = true
			if len(p.Description) < 40 {
				problem(t, s, p, "%q does not say what it counts", p.Description)
			}
			if p.Type != "text" && (p.Datasource.UID != SourceUID || len(p.Targets) == 0) {
				problem(t, s, p, "no query of the data source %s", SourceUID)
			}
			for _, q := range p.Targets {
				checkQuery(t, s, p, q)
			}
		}
	}
}

func checkQuery(t *testing.T, s screen, p panel, q Query) {
	t.Helper()
	read := views(q.RawSQL)
	if len(read) != 1 || strings.Contains(read[0], ".") {
		problem(t, s, p, "a query reads one documented view, by its bare name: it reads %v", read)
	}
	if strings.Count(q.RawSQL, "{")-strings.Count(q.RawSQL, "}") != 0 || strings.HasSuffix(strings.TrimSpace(q.RawSQL), ";") {
		problem(t, s, p, "braces that do not match, or a semicolon:\n%s", q.RawSQL)
	}
}

// TestNothingOverlaps: panels stand within the 24 columns and on no other; the screen of the executive committee is one screen.
func TestNothingOverlaps(t *testing.T) {
	for _, s := range screens(t) {
		taken := map[[2]int]string{}
		for _, p := range s.Panels {
			g := p.GridPos
			if g.X < 0 || g.X+g.W > 24 || g.W <= 0 || g.H <= 0 {
				problem(t, s, p, "stands at %+v", g)
			}
			if s.name == "comex" && g.Y+g.H > 25 {
				problem(t, s, p, "ends in row %d: 25 are seen without scrolling at 1920x1080", g.Y+g.H)
			}
			for x := g.X; x < g.X+g.W; x++ {
				for y := g.Y; y < g.Y+g.H; y++ {
					if other, is := taken[[2]int{x, y}]; is && other != p.Title {
						problem(t, s, p, "stands on %q", other)
					}
					taken[[2]int{x, y}] = p.Title
				}
			}
		}
	}
}

// TestColoursAreOfTheHouse: no colour but those of style.go.
func TestColoursAreOfTheHouse(t *testing.T) {
	house := []string{Plain, Quiet, Bad, Good, Warm, Light, Pink, "transparent", "text"}
	hex := regexp.MustCompile(`^#[0-9A-Fa-f]{3,8}$`)
	for _, s := range screens(t) {
		s.texts(t, func(key, text string) {
			if (hex.MatchString(text) || key == "fixedColor" || key == "color") && !slices.Contains(house, text) {
				t.Errorf("%s: the colour %s (%s) is not in style.go", s, text, key)
			}
		})
	}
}

// TestLinksLeadSomewhere: each link names a dashboard of its language, and variables that it has.
func TestLinksLeadSomewhere(t *testing.T) {
	all := screens(t)
	for _, s := range all {
		s.texts(t, func(_, text string) {
			for _, link := range addresses.FindAllStringSubmatch(text, -1) {
				checkLink(t, all, s, link[0], link[1])
			}
		})
	}
}

// addresses are links to dashboards: as settings of a column, or in the HTML that a query makes.
var addresses = regexp.MustCompile(`/d/([\w-]+)[^'"]*(?:\["[^'"]*"\][^'"]*)*`)

func checkLink(t *testing.T, all []screen, from screen, link, uid string) {
	t.Helper()
	name, ours := strings.CutPrefix(uid, UID(from.language, ""))
	if !ours {
		t.Errorf("%s: the link %s leaves the language", from, link)
	}
	i := slices.IndexFunc(all, func(o screen) bool { return o.UID == uid })
	if i < 0 {
		t.Errorf("%s: there is no dashboard %s", from, name)
		return
	}
	checkVariables(t, from, all[i], strings.ReplaceAll(link, "&amp;", "&"))
}

// checkVariables finds the variables that a link sets in the dashboard that it leads to.
func checkVariables(t *testing.T, from, to screen, link string) {
	t.Helper()
	_, query, _ := strings.Cut(link, "?")
	for _, part := range strings.Split(query, "&") {
		name, is := strings.CutPrefix(part, "var-")
		name, _, _ = strings.Cut(name, "=")
		if is && !slices.ContainsFunc(to.Templating.List, func(o offer) bool { return o.Name == name }) {
			t.Errorf("%s: %s has no variable %s (%s)", from, to, name, link)
		}
	}
	if _, err := url.Parse(strings.NewReplacer("${", "", "}", "", " ", "").Replace(link)); err != nil {
		t.Errorf("%s: %v", from, err)
	}
}

// TestVariablesAreUsed: what can be chosen changes something, and what is used can be chosen.
func TestVariablesAreUsed(t *testing.T) {
	for _, s := range screens(t) {
		for _, o := range s.Templating.List {
			if o.Label == "" && o.Hide == 0 {
				t.Errorf("%s: the variable %s has no label", s, o.Name)
			}
			if !regexp.MustCompile(`\$\{?` + o.Name + `\b`).MatchString(s.text) {
				t.Errorf("%s: the variable %s changes nothing", s, o.Name)
			}
		}
	}
}

// TestEveryTextIsUsed: no text of a dashboard that it does not show. (One that is missing does not build.)
func TestEveryTextIsUsed(t *testing.T) {
	for _, l := range words.Languages() {
		texts, err := words.In(l)
		if err != nil {
			t.Fatal(err)
		}
		used := map[string]bool{}
		for _, d := range All() {
			b := newBoard(d.Name, texts.Heard(func(key string) { used[key] = true }))
			d.panel(b)
			if _, err := b.builder.Build(); err != nil {
				t.Fatal(err)
			}
		}
		for _, key := range texts.Keys() {
			file, _, _ := strings.Cut(key, ".")
			ours := slices.ContainsFunc(All(), func(d Dashboard) bool { return d.Name == file })
			if !used[key] && (ours || file == "house") {
				t.Errorf("%s: nothing says %s", l, key)
			}
		}
	}
}

// TestSourceIsProvisioned: panels ask the data source that Grafana is provisioned with.
func TestSourceIsProvisioned(t *testing.T) {
	text, err := os.ReadFile("provisioning/datasources/clickhouse.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), "\n    uid: "+SourceUID) || !strings.Contains(string(text), "type: "+sourceType) {
		t.Errorf("the data source provisioned is not %s %s:\n%s", sourceType, SourceUID, text)
	}
	said, err := os.ReadFile("../docs/dashboards.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(said), "(`"+sourceType+"`) under the uid `"+SourceUID+"`") {
		t.Errorf("docs/dashboards.md does not say that the data source is %s under the uid %s", sourceType, SourceUID)
	}
}
