package ingest_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"parcours/pipeline"
	"parcours/pipeline/event"
	"parcours/pipeline/ingest"
)

// Raw identifiers, in every place where a careless sender may put them, are nowhere in what is stored, logged or answered.
func TestNoRawIdentifierAnywhere(t *testing.T) {
	s := newSite(t, func(set *setting) { set.ingest.Keep = map[string][]string{"/crm": {"note", "number"}} })
	raws := []string{"CUSTOMER-4711", "jeanne.canary@example.org", "33612345678", "cookie-canary-1", "agent.canary"}
	good := `{"specversion":"1.0","id":"call-CUSTOMER-4711-1","source":"/crm/Jeanne.Canary@example.org","type":"seen CUSTOMER-4711",
		"time":"2026-10-03T09:14:22Z","subject":"case of JEANNE.CANARY@EXAMPLE.ORG","sequence":"CUSTOMER-4711","data":{
		"identifiers":{"customer":" CUSTOMER-4711","email":"Jeanne.Canary@Example.org ","phone":"0033 6 12 34 56 78","cookie":"cookie-canary-1"},
		"agent":"agent.canary","contact":"+33612345678","unit":"desk of agent.canary","product":"p-33612345678","place":"cookie-canary-1",
		"form":"0033 6 12 34 56 78","promise":"x CUSTOMER-4711","products":["jeanne.canary@example.org"],"unknown":"jeanne.canary@example.org",
		"note":"she is jeanne.canary\u0040example.org","number":33612345678,"verbatim":"I am jeanne.canary@example.org"}}`
	good = strings.Replace(good, `"source":"/crm/Jeanne.Canary@example.org"`, `"source":"/crm"`, 1)
	bad := strings.Replace(good, `"agent"`, `"channel":"telex","agent"`, 1)
	worse := strings.Replace(good, `"identifiers":{`, `"identifiers":"jeanne.canary@example.org","x":{`, 1)
	var answers strings.Builder
	for _, body := range []string{good, bad, worse, bad + "{"} {
		r := s.post("application/json", body)
		answers.WriteString(r.raw)
	}
	answers.WriteString(s.post(structured, strings.Replace(bad, "call-CUSTOMER-4711-1", "jeanne.canary@example.org", 1)).raw)
	if stored, kept := len(s.stored()), len(s.rejected()); stored != 1 || kept != 5 {
		t.Errorf("%d stored, %d kept", stored, kept)
	}
	s.stop() // everything is on disk
	plant(t, s.dir, raws)
	found := scan(t, s.dir, raws)
	for _, raw := range raws {
		if len(found[raw]) != 1 || filepath.Base(found[raw][0]) != "planted" {
			t.Errorf("%s stands in %v; the scan must find the planted file and no other", raw, found[raw])
		}
		for name, text := range map[string]string{"an answer": answers.String(), "the log file": s.logged.String()} {
			if strings.Contains(strings.ToLower(text), strings.ToLower(raw)) {
				t.Errorf("%s stands in %s: %s", raw, name, text)
			}
		}
	}
	if pseudonym := ingest.NewPseudonymiser(ingest.KeyFromSeed("test")).Of("customer", "CUSTOMER-4711"); len(scan(t, s.dir, []string{pseudonym})[pseudonym]) == 0 {
		t.Error("not even the pseudonym stands in the store: it is not readable as it is")
	}
}

func plant(t *testing.T, dir string, raws []string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, "planted"), []byte("\x00\x01"+strings.ToUpper(strings.Join(raws, "\x00"))), 0o600); err != nil {
		t.Fatal(err)
	}
}

// scan finds texts, in any case, in all files of a directory.
func scan(t *testing.T, dir string, texts []string) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := os.ReadFile(path)
		for _, text := range texts {
			if bytes.Contains(bytes.ToLower(body), []byte(strings.ToLower(text))) {
				found[text] = append(found[text], path)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestPseudonyms(t *testing.T) {
	p := ingest.NewPseudonymiser(ingest.KeyFromSeed("a"))
	same := [][3]string{
		{"email", " Jo@Example.ORG", "jo@example.org"}, {"phone", "0033 6 12 34 56 78", "+33612345678"},
		{"phone", "+33 (6) 12-34-56-78", "+33612345678"}, {"phone", "06 12 34 56 78", "0612345678"}, {"customer", " 42 ", "42"},
	}
	for _, c := range same {
		if p.Of(c[0], c[1]) != p.Of(c[0], c[2]) {
			t.Errorf("%s: %q and %q are two", c[0], c[1], c[2])
		}
	}
	differ := []string{p.Of("customer", "42"), p.Of("account", "42"), p.Of("customer", "a"), p.Of("customer", "A"),
		ingest.NewPseudonymiser(ingest.KeyFromSeed("b")).Of("customer", "42"), p.Of("phone", "no number"), p.Of("phone", "none")}
	seen := map[string]bool{}
	for _, d := range differ {
		if seen[d] || len(d) != 33 || d[0] != 'c' {
			t.Errorf("%q", d)
		}
		seen[d] = true
	}
	if p.Of("customer", "  ") != "" {
		t.Error("a pseudonym of nothing")
	}
}

func TestCustomerIsTheStrongest(t *testing.T) {
	p := ingest.NewPseudonymiser(ingest.KeyFromSeed("a"))
	order := []string{"customer", "account", "contract", "loyalty", "email", "phone", "device", "cookie", "aardvark", "badge"}
	for i, want := range order {
		var e event.Event
		for _, kind := range order[i:] {
			e.Data.Identifiers = append(e.Data.Identifiers, event.Identifier{Kind: kind, Value: "v"})
		}
		if p.Apply(&e); e.Data.Customer != p.Of(want, "v") {
			t.Errorf("of %v not %s", order[i:], want)
		}
	}
	var e event.Event
	if p.Apply(&e); e.Data.Customer != "" || e.Data.Agent != "" {
		t.Errorf("%+v", e)
	}
}

func TestKeyFiles(t *testing.T) {
	path := t.TempDir() + "/pseudonym.key"
	keys := make(chan ingest.Key, 8)
	for range cap(keys) {
		go func() {
			k, err := ingest.LoadOrCreateKey(path)
			if err != nil {
				t.Error(err)
			}
			keys <- k
		}()
	}
	first := <-keys
	for range cap(keys) - 1 {
		if <-keys != first {
			t.Error("two keys")
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 || first == (ingest.Key{}) {
		t.Errorf("%v, %v", info, err)
	}
	if left, _ := filepath.Glob(filepath.Dir(path) + "/.secret*"); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
	os.WriteFile(path, []byte("short"), 0o600)
	if _, err := ingest.LoadOrCreateKey(path); err == nil || strings.Contains(err.Error(), "short") {
		t.Errorf("%v", err)
	}
}

func TestSeal(t *testing.T) {
	dir := t.TempDir()
	opener, err := ingest.LoadOrCreateOperatorKey(dir + "/operator.key")
	if err != nil {
		t.Fatal(err)
	}
	again, err := ingest.LoadOrCreateOperatorKey(dir + "/operator.key")
	if err != nil || again.PublicKey() != opener.PublicKey() {
		t.Fatal(err)
	}
	sealer, err := ingest.NewSealer(opener.PublicKey())
	if err != nil {
		t.Fatal(err)
	}
	body := bytes.Repeat([]byte("secret "), 20_000)
	sealed, err := sealer.Seal(body)
	if err != nil || bytes.Contains(sealed, []byte("secret")) {
		t.Fatal("not sealed", err)
	}
	if got, err := again.Open(sealed); err != nil || !bytes.Equal(got, body[:64<<10]) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	other, _ := ingest.LoadOrCreateOperatorKey(dir + "/other.key")
	if _, err := other.Open(sealed); err == nil {
		t.Error("opened with another key")
	}
	if _, err := ingest.NewSealer("zz"); err == nil {
		t.Error("sealed for nobody")
	}
}

// The home of an event, and the same homes from the log alone.
func TestHomes(t *testing.T) {
	s := newSite(t)
	p := ingest.NewPseudonymiser(ingest.KeyFromSeed("test"))
	inCase := func(id, customer, c string) string {
		return ev(id, customer, fmt.Sprintf(`,"case":%q,"contact":"k1"`, c))
	}
	nobody := func(id, more string) string {
		return fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"/crm","type":"step","time":"2026-10-03T09:14:22Z","data":{"unit":"u"%s}}`, id, more)
	}
	first, other := p.Of("customer", "9001"), p.Of("customer", "9002")
	rounds := []struct{ body, want string }{
		{inCase("1", "9001", "A"), first}, {inCase("2", "9002", "A"), first}, {nobody("3", `,"case":"A"`), first},
		{nobody("4", `,"case":"B"`), "case:B"}, {inCase("5", "9002", "B"), "case:B"}, {inCase("6", "9002", "C"), other},
		{ev("7", "9002", ""), other}, {nobody("8", `,"contact":"k9"`), "contact:k9"},
		{nobody("9", ""), fmt.Sprintf("event:%x", event.Fingerprint("/crm", "9"))},
		{ev("10", "9001", `,"contact":"k7"`), first}, {nobody("11", `,"contact":"k7"`), first},
		{nobody("12", `,"contact":"k7","case":"D"`), first},
		{nobody("13", `,"contact":"k8"`), "contact:k8"}, {ev("14", "9001", `,"contact":"k8"`), first}, {nobody("15", `,"contact":"k8"`), "contact:k8"},
	}
	for _, r := range rounds {
		if got := s.post(structured, r.body); got.Accepted != 1 {
			t.Fatal(got.raw)
		}
	}
	for i, e := range s.stored() {
		if e.Home != rounds[i].want {
			t.Errorf("event %s: home %s, want %s", e.ID, e.Home, rounds[i].want)
		}
	}
	rebuilt, err := ingest.RebuildHomes(t.Context(), s.bus)
	if err != nil || rebuilt.Cases() != 4 || s.homes.Cases() != 4 {
		t.Fatalf("%d cases rebuilt, %v", rebuilt.Cases(), err)
	}
	for c, want := range map[string]string{"A": first, "B": "case:B", "C": other} {
		e := event.Event{Data: event.Data{Case: c, Customer: "c00000000000000000000000000000000"}}
		if got := rebuilt.Of(&e); got != want {
			t.Errorf("case %s: %s, want %s", c, got, want)
		}
	}
}

// TestHomesOfRights: what a customer allows or objects to is at home with them, whosever case it is said in; the case stays where it
// is. What an earlier version stored with the case is found there when it is sent again, and nothing else is.
func TestHomesOfRights(t *testing.T) {
	s := newSite(t)
	p := ingest.NewPseudonymiser(ingest.KeyFromSeed("test"))
	first, other := p.Of("customer", "9001"), p.Of("customer", "9002")
	of := func(h *ingest.Homes, typ, id, customer, inCase string) string {
		return h.Of(&event.Event{Source: "/crm", ID: id, Type: typ, Data: event.Data{Case: inCase, Customer: customer}})
	}
	earlier := event.Event{Source: "/crm", ID: "old", Type: event.CustomerObjected, Home: first, Data: event.Data{Case: "A", Customer: other}}
	opened := event.Event{Source: "/crm", ID: "1", Type: event.CaseOpened, Home: first, Data: event.Data{Case: "A", Customer: first}}
	for _, e := range []event.Event{opened, earlier} {
		entry := pipeline.Entry{MsgID: event.MessageID(e.Source, e.ID), Channel: "web", Family: event.SpecOf(e.Type).Family, Type: e.Type, Body: event.AppendLog(nil, &e)}
		if out := s.bus.Append(t.Context(), []pipeline.Entry{entry}); out[0].Err != nil {
			t.Fatal(out[0].Err)
		}
	}
	rebuilt, err := ingest.RebuildHomes(t.Context(), s.bus)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ typ, id, customer, inCase, want string }{
		{event.CustomerObjected, "new", other, "A", other}, {event.CustomerConsented, "new2", other, "A", other}, {event.CustomerObjected, "old", other, "A", first},
		{event.ComplaintFiled, "2", other, "A", first}, {event.CustomerObjected, "3", "", "A", first}, {event.CustomerObjected, "4", other, "", other},
		{event.CustomerObjected, "5", other, "B", other}, {event.ComplaintFiled, "6", first, "B", other},
	} {
		if got := of(rebuilt, c.typ, c.id, c.customer, c.inCase); got != c.want {
			t.Errorf("%s %s: home %s, want %s", c.typ, c.id, got, c.want)
		}
	}
}

// TestScrub: what is somebody's own is replaced wherever it stands; what may stand there by chance is left alone; and two
// texts that differ beside it stay two.
func TestScrub(t *testing.T) {
	p := ingest.NewPseudonymiser(ingest.KeyFromSeed("test"))
	apply := func(kind, value string, e event.Event) event.Event {
		e.Data.Identifiers = event.Identifiers{{Kind: kind, Value: value}}
		p.Apply(&e)
		return e
	}
	long, short, mail := p.Of("customer", "10000042"), p.Of("customer", "4711"), p.Of("email", "jean.dupont@example.com")
	one := apply("customer", "10000042", event.Event{ID: "İZMİR-10000042-call-1"})
	two := apply("customer", "10000042", event.Event{ID: "İZMİR-10000042-call-2"})
	if one.ID != "İZMİR-"+long+"-call-1" || two.ID != "İZMİR-"+long+"-call-2" {
		t.Errorf("ids %q and %q", one.ID, two.ID)
	}
	for _, c := range []struct{ name, kind, value, text, inID, inCase, inUnit string }{
		{"long, inside a word", "customer", "10000042", "C10000042x1", "C" + long + "x1", "C" + long + "x1", "C" + long + "x1"},
		{"short, a word", "customer", "4711", "cust-4711-1", "cust-" + short + "-1", "cust-4711-1", "cust-4711-1"},
		{"short, the whole", "customer", "4711", "4711", short, short, "4711"},
		{"short, by chance", "customer", "4711", "x47110", "x47110", "x47110", "x47110"},
		{"address, in capitals", "email", "jean.dupont@example.com", "for JEAN.DUPONT@example.com", "for " + mail, "for " + mail, "for " + mail},
	} {
		e := apply(c.kind, c.value, event.Event{ID: c.text, Data: event.Data{Case: c.text, Unit: c.text}})
		if e.ID != c.inID || e.Data.Case != c.inCase || e.Data.Unit != c.inUnit {
			t.Errorf("%s: id %q, case %q, unit %q", c.name, e.ID, e.Data.Case, e.Data.Unit)
		}
	}
	e := apply("email", "jean.dupont@example.com", event.Event{Data: event.Data{Silo: "jean.dupont@example.com", Agent: "customer_service"}})
	if e.Data.Silo != mail {
		t.Errorf("silo %q", e.Data.Silo)
	}
	e = apply("customer", "1", event.Event{Data: event.Data{Silo: "customer_service", Agent: "customer_service"}})
	if e.Data.Silo != "customer_service" {
		t.Errorf("a silo called like an agent became %q", e.Data.Silo)
	}
}
