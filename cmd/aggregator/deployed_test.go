package main

import (
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"parcours/cmd/internal/service"
	"parcours/deploy"
	"parcours/pipeline/embedded"
)

// TestKubernetes: started as in Kubernetes, all its variables are known, its account is that of the Secret, it listens where
// the probes ask and answers each with 200.
func TestKubernetes(t *testing.T) {
	objects, err := deploy.Objects("../../deploy/k8s/base")
	if err != nil {
		t.Fatal(err)
	}
	p, err := deploy.Start(objects, "aggregator", func(secret, key string) string { return secret + "-" + key })
	if err != nil {
		t.Fatal(err)
	}
	cli := parsed(t, p)
	config, err := cli.ClickHouse.Config(nil)
	if err != nil || config.Password != "parcours-clickhouse-password" || config.Username != "parcours" {
		t.Errorf("account %s with %q, %v", config.Username, config.Password, err)
	}
	if cli.NATS.NATS != "nats://parcours:parcours-nats-password@nats:4222" || cli.ClickHouse.ClickHouse != "clickhouse:8123" {
		t.Errorf("NATS at %s, ClickHouse at %s", cli.NATS.NATS, cli.ClickHouse.ClickHouse)
	}
	if ports := deploy.Ports(objects, "aggregator"); cli.Listen != ":"+ports["admin"] {
		t.Errorf("listens at %s, its port is %s", cli.Listen, ports["admin"])
	}
	if grace := deploy.Grace(objects, "aggregator"); cli.Aggregator.StopWithin >= grace {
		t.Errorf("it may take %s to stop, and is killed after %s", cli.Aggregator.StopWithin, grace)
	}
	answers(t, cli, deploy.Probes(objects, "aggregator"))
}

// TestCompose: the same service of deploy/compose.yaml.
func TestCompose(t *testing.T) {
	p, err := deploy.Service("../../deploy/compose.yaml", "aggregator", nil)
	if err != nil {
		t.Fatal(err)
	}
	answers(t, parsed(t, p), []string{"/readyz"})
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
	if p.Command[0] != "/aggregator" {
		t.Fatalf("command %q", p.Command)
	}
	var cli CLI
	if _, _, err := service.Parse(&cli, "aggregator", "", p.Command[1:], io.Discard, io.Discard); err != nil {
		t.Fatal(err)
	}
	return &cli
}

// answers: run against embedded servers, it becomes ready and answers each path with 200; SIGTERM ends it.
func answers(t *testing.T, cli *CLI, paths []string) {
	t.Helper()
	log, err := embedded.StartNATS(embedded.NATSConfig{Dir: t.TempDir()}, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	t.Setenv("TMPDIR", t.TempDir())
	tables, err := embedded.StartClickHouse(t.Context(), embedded.ClickHouseConfig{Dir: filepath.Join(t.TempDir(), "t")}, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tables.Close() }()
	cli.NATS.NATS, cli.ClickHouse.ClickHouse, cli.Listen, cli.Scratch = log.URL(), tables.Addr(), free(t), t.TempDir()
	cli.ClickHouse.User, cli.ClickHouse.PasswordFile = "", "" // the embedded one knows no account
	done := make(chan error, 1)
	go func() { done <- cli.Serve() }()
	if len(paths) == 0 {
		t.Error("no probes")
	}
	for _, path := range append([]string{"/readyz"}, paths...) {
		awaited(t, "http://"+cli.Listen+path)
	}
	if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// free is an address that nobody uses now.
func free(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// awaited asks until the answer is 200.
func awaited(t *testing.T, url string) {
	t.Helper()
	deadline, again := time.After(20*time.Second), time.NewTicker(20*time.Millisecond)
	defer again.Stop()
	for {
		res, err := http.Get(url) //nolint:noctx // a test
		if err == nil {
			res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return
			}
		}
		select {
		case <-deadline:
			t.Fatalf("%s is not answered with 200: %v", url, err)
		case <-again.C:
		}
	}
}
