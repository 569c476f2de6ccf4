package deploy

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/nats-io/nats-server/v2/server"
)

func project(t *testing.T) *types.Project {
	t.Helper()
	p, err := Project("compose.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestCompose: what is to run is there; every port is open to this machine only; every image says its version, the one of
// Kubernetes; every file that is mounted is in the repository.
func TestCompose(t *testing.T) {
	p := project(t)
	names := p.ServiceNames()
	slices.Sort(names)
	if want := []string{"aggregator", "clickhouse", "fill", "grafana", "ingest", "keys", "nats", "simulate"}; !slices.Equal(names, want) {
		t.Errorf("services %v, expected %v", names, want)
	}
	images := images(t)
	for name, s := range p.Services {
		for _, port := range s.Ports {
			if port.HostIP != "127.0.0.1" {
				t.Errorf("%s: port %s is open to %q", name, port.Published, port.HostIP)
			}
		}
		if !slices.Contains(images, s.Image) {
			t.Errorf("%s: image %s is not one of %v", name, s.Image, images)
		}
		for _, v := range s.Volumes {
			if _, err := os.Stat(v.Source); v.Type == types.VolumeTypeBind && err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if s.Build != nil {
			if _, err := os.Stat(filepath.Join(s.Build.Context, s.Build.Dockerfile)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// images are those of Kubernetes, with their versions.
func images(t *testing.T) []string {
	t.Helper()
	objects, err := Objects("k8s/base")
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, w := range Workloads(objects) {
		for _, c := range w.Pods.Spec.Containers {
			all = append(all, c.Image)
		}
	}
	return all
}

// TestComposeIsStrict: what Compose does not know is refused, as is a service that is not there.
func TestComposeIsStrict(t *testing.T) {
	raw, err := os.ReadFile("compose.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ old, spoiled string }{
		{"healthcheck:", "health_check:"},
		{"      nats: {condition: service_healthy}", "      natz: {condition: service_healthy}"},
		{`volumes: ["log:/data"]`, `volumes: ["logs:/data"]`},
		{"source: nats.conf", "source: nats.config"},
	} {
		spoiled := strings.Replace(string(raw), c.old, c.spoiled, 1)
		file := filepath.Join(t.TempDir(), "compose.yaml")
		if err := os.WriteFile(file, []byte(spoiled), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Project(file); err == nil || spoiled == string(raw) {
			t.Errorf("%q for %q is not noticed", c.spoiled, c.old)
		}
	}
}

// TestComposeNATS: the server reads its configuration, and the probe asks the port that it opens.
func TestComposeNATS(t *testing.T) {
	p, err := Service("compose.yaml", "nats", nil)
	if err == nil {
		p, err = p.Within(t.TempDir())
	}
	if err != nil {
		t.Fatal(err)
	}
	o, err := server.ProcessConfigFile(p.Command[len(p.Command)-1])
	if err != nil {
		t.Fatal(err)
	}
	if o.Port != 4222 || o.HTTPPort != 8222 || !o.JetStream || o.StoreDir != "/data" {
		t.Errorf("ports %d and %d, JetStream %v in %s", o.Port, o.HTTPPort, o.JetStream, o.StoreDir)
	}
}

// TestComposeKeys runs the script that makes the door's key: ingest and import read the same one, and a second run keeps it.
func TestComposeKeys(t *testing.T) {
	p, err := Service("compose.yaml", "keys", nil)
	if err == nil {
		p, err = p.Within(t.TempDir())
	}
	if err != nil {
		t.Fatal(err)
	}
	dir, before := t.TempDir(), ""
	script := strings.Replace(read(t, p.Command[1]), "chown", ": chown", 1) // only root may
	for range 2 {
		if out, err := exec.Command(p.Command[0], "-c", script, "make-keys", dir).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		key := read(t, filepath.Join(dir, "api.key"))
		if !regexp.MustCompile(`^[0-9a-f]{64}$`).MatchString(key) || before != "" && key != before {
			t.Errorf("key %q, before %q", key, before)
		}
		if got, want := read(t, filepath.Join(dir, "keys.yaml")), "- name: demo\n  key: "+key+"\n"; got != want {
			t.Errorf("keys.yaml %q, expected %q", got, want)
		}
		before = key
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
