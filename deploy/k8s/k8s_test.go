// Package k8s tests the manifests: rendered as kustomize renders them, decoded as the API server decodes them, and held
// against rules that every deployment keeps. No cluster was ever asked (docs/deploy.md).
package k8s

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/goccy/go-yaml"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"

	"parcours/deploy"
)

var rendered = sync.OnceValues(func() ([]runtime.Object, error) { return deploy.Objects("base") })

// base is the kustomization, a copy of its own for each test: tests may spoil it.
func base(t *testing.T) []runtime.Object {
	t.Helper()
	objects, err := rendered()
	if err != nil {
		t.Fatal(err)
	}
	copies := make([]runtime.Object, len(objects))
	for i, object := range objects {
		copies[i] = object.DeepCopyObject()
	}
	return copies
}

// find gives the object of a type and a name; of ConfigMaps the name without its hash.
func find[T interface {
	runtime.Object
	GetName() string
}](t *testing.T, objects []runtime.Object, name string) T {
	t.Helper()
	for _, object := range objects {
		o, ok := object.(T)
		if ok && (o.GetName() == name || regexp.MustCompile("^"+name+"-[a-z0-9]{10}$").MatchString(o.GetName())) {
			return o
		}
	}
	t.Fatalf("no %T %s", *new(T), name)
	return *new(T)
}

// TestBase: everything that is to run is there, and keeps every rule.
func TestBase(t *testing.T) {
	objects := base(t)
	var names []string
	for _, w := range deploy.Workloads(objects) {
		names = append(names, w.Kind+" "+w.Name)
	}
	slices.Sort(names)
	if want := []string{"Deployment aggregator", "Deployment grafana", "Deployment ingest", "StatefulSet clickhouse", "StatefulSet nats"}; !slices.Equal(names, want) {
		t.Errorf("workloads %v, expected %v", names, want)
	}
	for _, fault := range faults(objects) {
		t.Error(fault)
	}
}

// TestRules: each rule finds what breaks it. Every row spoils one thing, and exactly one line must tell it.
func TestRules(t *testing.T) {
	for _, c := range []struct {
		told  string
		spoil func(*testing.T, []runtime.Object)
	}{
		{"pods: ingest: may run as root", deployment("ingest", func(p *corev1.PodSpec) { p.SecurityContext.RunAsNonRoot = nil })},
		{"pods: nats: its user is not a number above 0", set("nats", func(s *appsv1.StatefulSet) { *s.Spec.Template.Spec.SecurityContext.RunAsUser = 0 })},
		{"pods: grafana: no seccomp profile RuntimeDefault", deployment("grafana", func(p *corev1.PodSpec) { p.SecurityContext.SeccompProfile = nil })},
		{"pods: grafana: the token of a service account is mounted", deployment("grafana", func(p *corev1.PodSpec) { p.AutomountServiceAccountToken = nil })},
		{"pods: aggregator: variables of services are given", deployment("aggregator", func(p *corev1.PodSpec) { *p.EnableServiceLinks = true })},
		{"security: ingest: ingest: its root file system can be written", container("ingest", func(c *corev1.Container) { c.SecurityContext.ReadOnlyRootFilesystem = nil })},
		{"security: ingest: ingest: may gain privileges", container("ingest", func(c *corev1.Container) { *c.SecurityContext.AllowPrivilegeEscalation = true })},
		{"security: ingest: ingest: keeps capabilities", container("ingest", func(c *corev1.Container) { c.SecurityContext.Capabilities.Add = []corev1.Capability{"NET_RAW"} })},
		{"security: ingest: ingest: no security context with capabilities", container("ingest", func(c *corev1.Container) { c.SecurityContext = nil })},
		{"resources: ingest: ingest: memory: requests 256Mi of at most 0", container("ingest", func(c *corev1.Container) { delete(c.Resources.Limits, "memory") })},
		{"resources: ingest: ingest: cpu: requests 0 of at most 2", container("ingest", func(c *corev1.Container) { delete(c.Resources.Requests, "cpu") })},
		{"images: ingest: ingest: image parcours:latest has no exact version", container("ingest", func(c *corev1.Container) { c.Image = "parcours:latest" })},
		{"probes: ingest: ingest: no liveness probe by HTTP", container("ingest", func(c *corev1.Container) { c.LivenessProbe = nil })},
		{"probes: ingest: ingest: startup probe: there is no port named admin", container("ingest", func(c *corev1.Container) { c.StartupProbe.HTTPGet.Port = intstr.FromString("admin") })},
		{"secret variables: ingest: ingest: NATS_PASSWORD holds a value", container("ingest", func(c *corev1.Container) { c.Env[0] = corev1.EnvVar{Name: "NATS_PASSWORD", Value: "x"} })},
		{"secret variables: ingest: ingest: PARCOURS_NATS holds a password", container("ingest", func(c *corev1.Container) { c.Env[1].Value = "nats://parcours:open@nats:4222" })},
		{"secret variables: ingest: ingest: NATS_PASSWORD: a Secret without name or key, or one that may be missing", container("ingest", func(c *corev1.Container) { c.Env[0].ValueFrom.SecretKeyRef.Key = "" })},
		{"mounts: ingest: there is no volume other", container("ingest", func(c *corev1.Container) { c.VolumeMounts[0].Name = "other" })},
		{"config maps: there is no ConfigMap gone", set("nats", func(s *appsv1.StatefulSet) { s.Spec.Template.Spec.Volumes[0].ConfigMap.Name = "gone" })},
		{"services: ingest selects the pods of 0 workloads", func(t *testing.T, o []runtime.Object) {
			find[*corev1.Service](t, o, "ingest").Spec.Selector["app.kubernetes.io/name"] = "door"
		}},
		{"services: nats: no container has a port named other", func(t *testing.T, o []runtime.Object) {
			find[*corev1.Service](t, o, "nats").Spec.Ports[0].TargetPort = intstr.FromString("other")
		}},
		{"services: nats: there is no Service other", set("nats", func(s *appsv1.StatefulSet) { s.Spec.ServiceName = "other" })},
		{"selectors: nats does not select its own pods", set("nats", func(s *appsv1.StatefulSet) { s.Spec.Selector.MatchLabels["x"] = "y" })},
		{"replicas: aggregator may run twice at once", func(t *testing.T, o []runtime.Object) {
			find[*appsv1.Deployment](t, o, "aggregator").Spec.Strategy.Type = "RollingUpdate"
		}},
		{"labels: Service nats lacks app.kubernetes.io/name or part-of", func(t *testing.T, o []runtime.Object) { find[*corev1.Service](t, o, "nats").Labels = nil }},
	} {
		objects := base(t)
		c.spoil(t, objects)
		if found := faults(objects); !slices.Equal(found, []string{c.told}) {
			t.Errorf("found %q, expected %q", found, c.told)
		}
	}
	if found := faults(append(base(t), secret(t))); !slices.Equal(found, []string{"secrets: Secret s with 1 values"}) {
		t.Errorf("found %q", found)
	}
}

func deployment(name string, spoil func(*corev1.PodSpec)) func(*testing.T, []runtime.Object) {
	return func(t *testing.T, objects []runtime.Object) {
		spoil(&find[*appsv1.Deployment](t, objects, name).Spec.Template.Spec)
	}
}

func container(name string, spoil func(*corev1.Container)) func(*testing.T, []runtime.Object) {
	return deployment(name, func(p *corev1.PodSpec) { spoil(&p.Containers[0]) })
}

func set(name string, spoil func(*appsv1.StatefulSet)) func(*testing.T, []runtime.Object) {
	return func(t *testing.T, objects []runtime.Object) { spoil(find[*appsv1.StatefulSet](t, objects, name)) }
}

func secret(t *testing.T) runtime.Object {
	t.Helper()
	s, err := deploy.Decode([]byte("apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: parcours, labels: {app.kubernetes.io/name: s, app.kubernetes.io/part-of: parcours}}\nstringData: {password: x}\n"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestStrict: what the API does not know is refused, as is what it knows otherwise.
func TestStrict(t *testing.T) {
	raw, err := os.ReadFile("base/aggregator.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := deploy.Decode(raw); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ old, spoiled, told string }{
		{"replicas: 1", "replica: 1", `unknown field "spec.replica"`},
		{"readOnlyRootFilesystem: true", "readOnlyRootFileSystem: true", `unknown field "spec.template.spec.containers[0].securityContext.readOnlyRootFileSystem"`},
		{"replicas: 1", "replicas: one", "cannot unmarshal"},
		{"replicas: 1", "replicas: 1\n  replicas: 2", "already set in map"},
		{"kind: Deployment", "kind: Deploy", "no kind"},
	} {
		spoiled := strings.Replace(string(raw), c.old, c.spoiled, 1)
		if spoiled == string(raw) {
			t.Fatalf("%q is not in the file any more", c.old)
		}
		if _, err := deploy.Decode([]byte(spoiled)); err == nil || !strings.Contains(err.Error(), c.told) {
			t.Errorf("%s: %v, expected %q", c.spoiled, err, c.told)
		}
	}
}

// TestSecretsAreDocumented: docs/deploy.md names every Secret and key that is needed, and no other.
func TestSecretsAreDocumented(t *testing.T) {
	needed := map[string]bool{}
	for _, w := range deploy.Workloads(base(t)) {
		if _, err := deploy.Start(base(t), w.Name, func(secret, key string) string { needed[secret+"/"+key] = true; return "" }); err != nil {
			t.Fatal(err)
		}
	}
	page, err := os.ReadFile("../../docs/deploy.md")
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]bool{}
	for _, row := range regexp.MustCompile("(?m)^\\| `(parcours-[a-z]+)` \\| `([a-z.-]+)` \\|").FindAllStringSubmatch(string(page), -1) {
		told[row[1]+"/"+row[2]] = true
	}
	for key := range needed {
		if !told[key] {
			t.Errorf("docs/deploy.md does not tell of %s", key)
		}
	}
	for key := range told {
		if !needed[key] {
			t.Errorf("docs/deploy.md tells of %s, which nothing needs", key)
		}
	}
}

// TestAddresses: what the pods are told of each other is a Service that has the port.
func TestAddresses(t *testing.T) {
	objects := base(t)
	env := func(workload, name string) string {
		p, err := deploy.Start(objects, workload, func(string, string) string { return "secret" })
		if err != nil || p.Env[name] == "" {
			t.Fatalf("%s of %s: %q, %v", name, workload, p.Env[name], err)
		}
		return p.Env[name]
	}
	for _, address := range []string{
		strings.TrimPrefix(env("ingest", "PARCOURS_NATS"), "nats://parcours:secret@"),
		strings.TrimPrefix(env("aggregator", "PARCOURS_NATS"), "nats://parcours:secret@"),
		env("aggregator", "PARCOURS_CLICKHOUSE"),
		net.JoinHostPort(env("grafana", "PARCOURS_GRAFANA_CLICKHOUSE_HOST"), env("grafana", "PARCOURS_GRAFANA_CLICKHOUSE_PORT")),
	} {
		host, port, err := net.SplitHostPort(address)
		if err != nil {
			t.Fatal(err)
		}
		ports := find[*corev1.Service](t, objects, host).Spec.Ports
		if !slices.ContainsFunc(ports, func(p corev1.ServicePort) bool { p2 := intstr.FromInt32(p.Port); return p2.String() == port }) {
			t.Errorf("%s: the Service has no such port", address)
		}
	}
}

// TestClickHouseAccounts: the accounts that others use are those of users.xml, and each password comes from a variable that
// the container has.
func TestClickHouseAccounts(t *testing.T) {
	objects := base(t)
	p, err := deploy.Start(objects, "clickhouse", func(_, key string) string { return key })
	if err != nil {
		t.Fatal(err)
	}
	wellFormed(t, p.Files["/etc/clickhouse-server/config.d/config.xml"])
	var config struct {
		Default  *account `xml:"users>default"`
		Parcours *account `xml:"users>parcours"`
		Grafana  *account `xml:"users>grafana"`
	}
	if err := xml.Unmarshal([]byte(p.Files["/etc/clickhouse-server/users.d/users.xml"]), &config); err != nil {
		t.Fatal(err)
	}
	if config.Default == nil || config.Default.Remove == "" || config.Parcours == nil || config.Grafana == nil {
		t.Fatalf("accounts %+v", config)
	}
	if p.Env[config.Parcours.Password.From] != "password" || p.Env[config.Grafana.Password.From] != "grafana-password" {
		t.Errorf("passwords from %q and %q, which are %q", config.Parcours.Password.From, config.Grafana.Password.From, p.Env)
	}
}

// account of ClickHouse, as far as it is looked at.
type account struct {
	Remove   string `xml:"remove,attr"`
	Password struct {
		From string `xml:"from_env,attr"`
	} `xml:"password"`
}

func wellFormed(t *testing.T, text string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(text))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if !strings.Contains(text, "<clickhouse>") {
		t.Error("no configuration of ClickHouse")
	}
}

// dashboards of Grafana, as they lie in the repository.
const dashboards = "../../dashboards"

// TestDashboards: every dashboard of a language is in the ConfigMap of that language and is JSON; Grafana looks for them where
// they are mounted, and has every variable that its data source names.
func TestDashboards(t *testing.T) {
	objects := base(t)
	p, err := deploy.Start(objects, "grafana", func(string, string) string { return "secret" })
	if err != nil {
		t.Fatal(err)
	}
	for _, language := range []string{"fr", "en"} {
		written, err := filepath.Glob(filepath.Join(dashboards, "json", language, "*.json"))
		if err != nil {
			t.Fatal(err)
		}
		data := find[*corev1.ConfigMap](t, objects, "parcours-dashboards-"+language).Data
		if len(data) != len(written) {
			t.Errorf("%s: %d dashboards are provisioned, %d written: run make generate", language, len(data), len(written))
		}
		for name, text := range data {
			if !json.Valid([]byte(text)) {
				t.Errorf("%s: not JSON", name)
			}
			if !slices.Contains(written, filepath.Join(dashboards, "json", language, name)) {
				t.Errorf("%s is not a dashboard of %s", name, language)
			}
		}
	}
	lookedFor(t, p, objects)
	source := p.Files["/etc/grafana/provisioning/datasources/clickhouse.yaml"]
	named := regexp.MustCompile(`\$__env\{([A-Z_]+)\}`).FindAllStringSubmatch(source, -1)
	if len(named) != 4 {
		t.Errorf("the data source names %d variables, expected host, port, user and password", len(named))
	}
	for _, n := range named {
		if p.Env[n[1]] == "" {
			t.Errorf("the data source names %s, which the container lacks", n[1])
		}
	}
	written, err := os.ReadFile(filepath.Join(dashboards, "provisioning/alerting/comex.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if p.Files["/etc/grafana/provisioning/alerting/comex.yaml"] != string(written) {
		t.Error("the alert rules are not where Grafana looks for them")
	}
}

// lookedFor: the providers of dashboards read what is mounted from ConfigMaps of dashboards, and change nothing.
func lookedFor(t *testing.T, p deploy.Process, objects []runtime.Object) {
	t.Helper()
	var file struct {
		Providers []struct {
			Name         string
			AllowUpdates *bool `yaml:"allowUiUpdates"`
			Options      struct{ Path string }
		}
	}
	if err := yaml.Unmarshal([]byte(p.Files["/etc/grafana/provisioning/dashboards/parcours.yaml"]), &file); err != nil {
		t.Fatal(err)
	}
	pod := find[*appsv1.Deployment](t, objects, "grafana").Spec.Template.Spec
	for _, provider := range file.Providers {
		mounted := slices.ContainsFunc(pod.Containers[0].VolumeMounts, func(m corev1.VolumeMount) bool {
			return m.MountPath == provider.Options.Path && strings.HasPrefix(m.Name, "dashboards-")
		})
		if !mounted || !is(provider.AllowUpdates, false) {
			t.Errorf("%s: nothing is mounted at %s, or the browser may change it", provider.Name, provider.Options.Path)
		}
	}
	if len(file.Providers) != 2 {
		t.Errorf("%d providers, expected one for each language", len(file.Providers))
	}
}
