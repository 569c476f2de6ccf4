package simulate_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"strings"
	"testing"

	"parcours/pipeline/simulate"
)

// TestCompaniesKeepTheirBytes: what a company was made of stays what it is, to the byte, while the simulator learns more.
func TestCompaniesKeepTheirBytes(t *testing.T) {
	for name, want := range map[string][2]string{
		"default": {"f2e4971d9f8e6c6c52e4a54b3dd8169b3fa8e339cff0a45841a3854ed317657f", "eb1dcebf7a92931a735b7498008bdc59fb2ba85d8d546decd95d61f62ef59de8"},
		"bank":    {"39e974cff6753d8e2bb544f87e19256de68210c2b1db072945a808c987e72eec", "eedd5c9d38c9826f316bc8d8e25b4a64ee4776b7bfafb4ea2aeaee5280f2391d"},
	} {
		c := simulate.Config{Customers: 300, Days: 60, Seed: 9, Parameters: company(t, name)}
		truth, _ := truthOf(t, c)
		for i, text := range [...][]byte{written(t, c), truth} {
			sum := sha256.Sum256(text)
			if got := hex.EncodeToString(sum[:]); got != want[i] {
				t.Errorf("%s: the %s have changed: %s", name, [...]string{"events", "records of the truth"}[i], got)
			}
		}
	}
}

// TestLeaversSameSeedSameBytes: also where customers come and go.
func TestLeaversSameSeedSameBytes(t *testing.T) {
	c := simulate.Config{Customers: 120, Days: 200, Seed: 1, Parameters: company(t, "leavers")}
	a, count := written(t, c), 0
	truth, lines := truthOf(t, c)
	if again, _ := truthOf(t, c); !bytes.Equal(a, written(t, c)) || !bytes.Equal(truth, again) {
		t.Error("the same seed gave two histories")
	}
	for _, l := range lines {
		if l.Record == "loss" || l.Record == "risk" || l.Record == "churn" {
			count++
		}
	}
	if count < 120*5 {
		t.Errorf("%d records of who leaves", count)
	}
	c.Seed = 2
	if bytes.Equal(a, written(t, c)) {
		t.Error("another seed gave the same history")
	}
}

// TestChurnIsStrict: what cannot be is refused with its place.
func TestChurnIsStrict(t *testing.T) {
	raw, err := os.ReadFile("companies/leavers.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, old, changed, want string }{
		{"unknown key", "p_announced:", "p_shouted:", "p_shouted"},
		{"kind of a cause", "{kind: broken_promise, strength", "{kind: broken_vow, strength", "broken_vow"},
		{"a cause that is confounded", "{kind: long_wait, dear", "{kind: repeat_contact, dear", "no cause"},
		{"decay", "strength: 1.5, decay: 90", "strength: 1.5, decay: 0", "decay"},
		{"probability", "p_retained: 0.25", "p_retained: 1.25", "p_retained"},
		{"season", "1.05, 1.1] # from January\n  confounded", "1.05, 0] # from January\n  confounded", "churn.season"},
		{"two ways to leave", "core: true, p_case: 0.2, channel", "core: true, leaving: true, p_case: 0.2, channel", "leaving"},
		{"notice", "notice: 12", "notice: 0.5", "notice"},
		{"first day", "start: 2024-01-01", "start: soon", "start"},
	} {
		t.Run(c.name, func(t *testing.T) {
			bad := strings.Replace(string(raw), c.old, c.changed, 1)
			if bad == string(raw) {
				t.Fatalf("the page has no %q", c.old)
			}
			if _, err := simulate.ParseCompany([]byte(bad)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, expected one about %q", err, c.want)
			}
		})
	}
}
