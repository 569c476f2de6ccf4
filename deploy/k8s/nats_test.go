package k8s

import (
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"parcours/deploy"
)

// natsOptions are what the server reads from its ConfigMap and variables, with a password of the place's.
func natsOptions(t *testing.T, password string) *server.Options {
	t.Helper()
	p, err := deploy.Start(base(t), "nats", func(string, string) string { return password })
	if err != nil {
		t.Fatal(err)
	}
	if p, err = p.Within(t.TempDir()); err != nil {
		t.Fatal(err)
	}
	for name, value := range p.Env {
		t.Setenv(name, value)
	}
	if len(p.Command) != 3 || p.Command[0] != "nats-server" || p.Command[1] != "--config" {
		t.Fatalf("command %q", p.Command)
	}
	options, err := server.ProcessConfigFile(p.Command[2])
	if err != nil {
		t.Fatal(err)
	}
	return options
}

// TestNATSConfiguration: the ports are those of the container, the streams fit on the volume, and a password is taken as it is,
// also one that looks like a number.
func TestNATSConfiguration(t *testing.T) {
	s := find[*appsv1.StatefulSet](t, base(t), "nats")
	c := s.Spec.Template.Spec.Containers[0]
	for _, password := range []string{"6a9f", "1234567890", "12e7", "0x1f", "true", "10mb"} {
		o := natsOptions(t, password)
		if o.Username != "parcours" || o.Password != password {
			t.Errorf("account %s with %q, expected %q", o.Username, o.Password, password)
		}
		if o.Port != int(c.Ports[0].ContainerPort) || o.HTTPPort != int(c.Ports[1].ContainerPort) {
			t.Errorf("ports %d and %d", o.Port, o.HTTPPort)
		}
		volume := s.Spec.VolumeClaimTemplates[0].Spec.Resources.Requests[corev1.ResourceStorage]
		if !o.JetStream || o.StoreDir != c.VolumeMounts[0].MountPath || o.JetStreamMaxStore < 1<<30 || o.JetStreamMaxStore >= volume.Value() {
			t.Errorf("JetStream: %d bytes in %s, on a volume of %s", o.JetStreamMaxStore, o.StoreDir, &volume)
		}
	}
}

// TestNATSServes: a server with that configuration answers every probe with 200, lets in who has the password, and nobody else.
func TestNATSServes(t *testing.T) {
	o := natsOptions(t, "6a9f")
	o.StoreDir, o.Host, o.Port, o.HTTPHost, o.HTTPPort, o.NoSigs, o.NoLog = filepath.Join(t.TempDir(), "data"), "127.0.0.1", server.RANDOM_PORT, "127.0.0.1", server.RANDOM_PORT, true, true
	s, err := server.NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	defer func() { s.Shutdown(); s.WaitForShutdown() }()
	if !s.ReadyForConnections(20 * time.Second) {
		t.Fatal("the server does not come up")
	}
	conn, err := nats.Connect(s.ClientURL(), nats.UserInfo("parcours", "6a9f"))
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	if _, err := nats.Connect(s.ClientURL(), nats.UserInfo("parcours", "other")); err == nil {
		t.Error("a wrong password is let in")
	}
	c := find[*appsv1.StatefulSet](t, base(t), "nats").Spec.Template.Spec.Containers[0]
	for _, probe := range []*corev1.Probe{c.StartupProbe, c.LivenessProbe, c.ReadinessProbe} {
		res, err := http.Get("http://" + net.JoinHostPort("127.0.0.1", strconv.Itoa(s.MonitorAddr().Port)) + probe.HTTPGet.Path) //nolint:noctx // a test
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != http.StatusOK {
			t.Errorf("%s: %s", probe.HTTPGet.Path, res.Status)
		}
	}
}
