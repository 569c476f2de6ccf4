package main

import (
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/rs/zerolog"

	"parcours/cmd/internal/service"
	"parcours/deploy"
	"parcours/pipeline/embedded"
)

// secrets are such as docs/deploy.md tells to make.
func secrets(secret, key string) string {
	return map[string]string{
		"parcours-nats/password": "6a9f", "parcours-ingest/pseudonym.key": strings.Repeat("cd", 32) + "\n",
		"parcours-ingest/operator-public-key": strings.Repeat("ab", 32), "parcours-ingest/keys.yaml": "- name: shop\n  key: a-secret-of-at-least-16\n",
	}[secret+"/"+key]
}

// TestKubernetes: started as in Kubernetes, all its variables are known, it listens where the probes ask, answers them with
// 200, and asks for a key.
func TestKubernetes(t *testing.T) {
	objects, err := deploy.Objects("../../deploy/k8s/base")
	if err != nil {
		t.Fatal(err)
	}
	p, err := deploy.Start(objects, "ingest", secrets)
	if err != nil {
		t.Fatal(err)
	}
	cli := parsed(t, p)
	if cli.NATS.NATS != "nats://parcours:6a9f@nats:4222" {
		t.Errorf("NATS at %s", cli.NATS.NATS)
	}
	if ports := deploy.Ports(objects, "ingest"); cli.Listen != ":"+ports["http"] {
		t.Errorf("listens at %s, its port is %s", cli.Listen, ports["http"])
	}
	addr, probes := served(t, cli), deploy.Probes(objects, "ingest")
	if len(probes) != 3 {
		t.Errorf("%d probes", len(probes))
	}
	for _, path := range probes {
		if status := get(t, addr, path); status != http.StatusOK {
			t.Errorf("%s: %d", path, status)
		}
	}
	res, err := http.Post("http://"+addr+"/v1/events", "application/cloudevents+json", strings.NewReader("{}")) //nolint:noctx // a test
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusUnauthorized {
		t.Errorf("without a key: %d", res.StatusCode)
	}
}

// TestCompose: the same service of deploy/compose.yaml: its variables are known, and its flags parse.
func TestCompose(t *testing.T) {
	p, err := deploy.Service("../../deploy/compose.yaml", "ingest", map[string]string{
		"/keys/keys.yaml": "- name: demo\n  key: a-secret-of-at-least-16\n", "/keys/pseudonym.key": strings.Repeat("cd", 32) + "\n",
	})
	if err != nil {
		t.Fatal(err)
	}
	cli := parsed(t, p)
	if addr := served(t, cli); get(t, addr, "/readyz") != http.StatusOK {
		t.Error("not ready")
	}
}

// parsed is the command line of a process, whose files lie in a directory of the test.
func parsed(t *testing.T, p deploy.Process) *CLI {
	t.Helper()
	p, err := p.Within(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	known, err := service.Variables(&CLI{})
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range p.Env {
		if strings.HasPrefix(name, service.EnvPrefix+"_") && !slices.Contains(known, name) {
			t.Errorf("variable %s: no flag reads it", name)
		}
		t.Setenv(name, value)
	}
	if p.Command[0] != "/ingest" {
		t.Fatalf("command %q", p.Command)
	}
	var cli CLI
	if _, _, err := service.Parse(&cli, "ingest", "", p.Command[1:], io.Discard, io.Discard); err != nil {
		t.Fatal(err)
	}
	return &cli
}

// served runs it against an embedded NATS until the test ends, and gives its address when it is ready.
func served(t *testing.T, cli *CLI) string {
	t.Helper()
	log, err := embedded.StartNATS(embedded.NATSConfig{Dir: t.TempDir()}, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	cli.NATS.NATS, cli.Listen = log.URL(), free(t)
	done := make(chan error, 1)
	go func() { done <- cli.Serve() }()
	t.Cleanup(func() {
		if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
		log.Close()
	})
	ready(t, cli.Listen)
	return cli.Listen
}

func get(t *testing.T, addr, path string) int {
	t.Helper()
	res, err := http.Get("http://" + addr + path) //nolint:noctx // a test
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	return res.StatusCode
}
