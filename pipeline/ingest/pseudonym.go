package ingest

import (
	"cmp"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"parcours/pipeline/event"
)

// Key is the secret that turns identifiers into pseudonyms. Whoever has it and a list of customers can undo them: it is
// kept apart from the log, and never changes (with another key, everybody would be somebody else).
type Key [32]byte

// LoadOrCreateKey reads a key (64 hexadecimal digits) from a file, or makes one at random and writes it, readable by its
// owner only. Two processes that create it at once get the same key.
func LoadOrCreateKey(path string) (Key, error) {
	raw, err := loadOrCreate(path, func() ([]byte, error) {
		var k Key
		_, err := rand.Read(k[:])
		return k[:], err
	})
	if err != nil {
		return Key{}, fmt.Errorf("pseudonym key: %w", err)
	}
	return Key(raw), nil
}

// KeyFromSeed makes the key of a demo or a test: the same seed gives the same pseudonyms. It protects nobody.
func KeyFromSeed(seed string) Key { return sha256.Sum256([]byte("parcours demo key\x00" + seed)) }

// KeepKey writes a key into a file that is not there, so that whoever opens the directory next finds it.
func KeepKey(path string, k Key) error {
	if _, err := loadOrCreate(path, func() ([]byte, error) { return k[:], nil }); err != nil {
		return fmt.Errorf("pseudonym key: %w", err)
	}
	return nil
}

// loadOrCreate reads a file of 32 bytes in hexadecimal, or writes what make gives, whole or not at all.
func loadOrCreate(path string, make func() ([]byte, error)) ([]byte, error) {
	raw, err := loadSecret(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return raw, err
	}
	if raw, err = make(); err != nil {
		return nil, err
	}
	if err := createSecret(path, raw); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	return loadSecret(path)
}

func loadSecret(path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	raw, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(raw) != sha256.Size {
		return nil, fmt.Errorf("%s: expected 64 hexadecimal digits", path)
	}
	return raw, nil
}

// createSecret writes the file beside its place and links it in, so that nobody ever reads half of it.
func createSecret(path string, raw []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".secret-*") // made with mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // linked in or not, the name beside it is of no more use
	_, err = f.WriteString(hex.EncodeToString(raw) + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Link(f.Name(), path)
}

// Pseudonymiser puts pseudonyms in the place of identifiers. A pseudonym is `c` and 32 hexadecimal digits: the first 128
// bits of HMAC-SHA256(key, kind, 0x00, normalised value), whatever the kind. It is safe for concurrent use.
type Pseudonymiser struct{ macs sync.Pool }

// NewPseudonymiser uses one key, for ever.
func NewPseudonymiser(key Key) *Pseudonymiser {
	return &Pseudonymiser{macs: sync.Pool{New: func() any { return hmac.New(sha256.New, key[:]) }}}
}

// kindAgent is the kind under which an agent gets a pseudonym.
const kindAgent = "agent"

// Of is the pseudonym of one identifier, "" for an empty one.
func (p *Pseudonymiser) Of(kind, value string) string {
	value = Normalise(kind, value)
	if value == "" {
		return ""
	}
	mac := p.macs.Get().(hash.Hash)
	defer p.macs.Put(mac)
	mac.Reset()
	mac.Write([]byte(kind + "\x00" + value))
	var sum [sha256.Size]byte
	mac.Sum(sum[:0])
	return "c" + hex.EncodeToString(sum[:16])
}

// Normalise gives the one form of an identifier's value: an e-mail address in lower case, a telephone number as its digits
// with its leading + (00 is +), anything else without the space around it.
func Normalise(kind, value string) string {
	value = strings.TrimSpace(value)
	switch kind {
	case "email":
		return strings.ToLower(value)
	case "phone":
		return normalisePhone(value)
	}
	return value
}

func normalisePhone(value string) string {
	digits := onlyDigits(value)
	switch {
	case digits == "":
		return value
	case strings.HasPrefix(value, "+"):
		return "+" + digits
	case strings.HasPrefix(digits, "00"):
		return "+" + digits[2:]
	}
	return digits
}

func onlyDigits(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, s)
}

// strongest lists the kinds of identifiers by how surely they name one customer. Others come after, in alphabetical
// order. A cookie or a device alone makes a pseudonymous visitor, who is nobody's customer until linked with consent.
var strongest = [...]string{"customer", "account", "contract", "loyalty", "email", "phone", "device", "cookie"}

// Apply puts pseudonyms in the place of all identifiers and of the agent, names the customer, and replaces every raw value
// of them that stands in any other text of the event as well.
func (p *Pseudonymiser) Apply(e *event.Event) {
	raws := p.rawsOf(e)
	for i := range e.Data.Identifiers {
		id := &e.Data.Identifiers[i]
		id.Value = p.Of(id.Kind, id.Value)
	}
	e.Data.Agent = p.Of(kindAgent, e.Data.Agent)
	raws.scrub(e)
	if e.Data.Customer == "" {
		e.Data.Customer = customerOf(e.Data.Identifiers)
	}
}

func customerOf(ids event.Identifiers) string {
	for _, kind := range strongest {
		if v := ids.Get(kind); v != "" {
			return v
		}
	}
	for _, id := range ids { // sorted by kind
		if id.Value != "" {
			return id.Value
		}
	}
	return ""
}

// Where a raw value is looked for depends on how likely it stands there by chance. Values that are nobody else's (an
// address, a telephone number, a long number or name) are replaced wherever they stand in any text. Others ("2024",
// "Value 3") may well be the name of a unit or the beginning of somebody's case: they are replaced as a whole word of what
// names things (id, subject, contact, promise), and in a case from leastWord bytes on, below that only when they are all of
// it. An agent's name may even be a silo's: it is no reason to change silos and reasons.
const (
	leastRaw    = 4  // shorter values are looked for nowhere
	leastWord   = 6  // of a case
	leastOwn    = 8  // bytes, of which
	leastDigits = 4  // are digits, make a value somebody's own;
	longOwn     = 12 // as does this length alone
)

// raw is one form of a raw value, and what takes its place.
type raw struct {
	text      string // in lower case where fold
	fold      bool
	own       bool // nobody else's: replaced everywhere
	wholeOnly bool // replaced only where it is the whole text
	kind      string
	pseudonym string
}

// raws are the raw values of an event, the longest first (an account may be a part of an address).
type raws []raw

func (p *Pseudonymiser) rawsOf(e *event.Event) raws {
	var rs raws
	for _, id := range e.Data.Identifiers {
		rs = rs.add(id.Kind, id.Value, p.Of(id.Kind, id.Value))
	}
	rs = rs.add(kindAgent, e.Data.Agent, p.Of(kindAgent, e.Data.Agent))
	slices.SortStableFunc(rs, func(a, b raw) int { return cmp.Compare(len(b.text), len(a.text)) })
	return rs
}

// add takes every form in which a value may stand in a text.
func (rs raws) add(kind, value, pseudonym string) raws {
	forms := [...]string{strings.TrimSpace(value), Normalise(kind, value), ""}
	if kind == "phone" {
		forms[2] = onlyDigits(forms[1])
	}
	for i, text := range forms {
		if len(text) >= leastRaw && !slices.Contains(forms[:i], text) {
			rs = append(rs, newRaw(kind, text, pseudonym))
		}
	}
	return rs
}

func newRaw(kind, text, pseudonym string) raw {
	fold := kind == "email" || strings.Contains(text, "@")
	if fold {
		text = lowered(text)
	}
	digits := len(onlyDigits(text))
	own := fold || len(text) >= longOwn || len(text) >= leastOwn && digits >= leastDigits
	return raw{text: text, fold: fold, own: own, kind: kind, pseudonym: pseudonym}
}

// scrub replaces raw values in every text of the event that the log keeps.
func (rs raws) scrub(e *event.Event) {
	if len(rs) == 0 {
		return
	}
	d := &e.Data
	for _, field := range [...]*string{&e.ID, &e.Subject, &d.Contact, &d.Promise} {
		*field = rs.replace(*field)
	}
	d.Case = rs.longer(leastWord).replace(d.Case)
	own := rs.own()
	for _, field := range [...]*string{&d.Reason, &d.Silo, &d.ToSilo} {
		*field = own.ofCustomer().replace(*field)
	}
	for _, field := range [...]*string{
		&e.Source, &e.Type, &e.Sequence, &d.Unit, &d.Product, &d.Place, &d.Activity, &d.ToUnit, &d.Form, &d.Regime, &d.To, &d.Act, &d.Cause,
	} {
		*field = own.replace(*field)
	}
	for _, list := range [...][]string{d.Products, d.Places} {
		for i := range list {
			list[i] = own.replace(list[i])
		}
	}
	for i := range d.Extra {
		d.Extra[i] = rs.extra(d.Extra[i])
	}
}

// longer are the values of at least n bytes, and those of fewer that are the whole of a text: half of somebody's year must
// not tear a case apart.
func (rs raws) longer(n int) raws {
	list := slices.Clone(rs)
	for i := range list {
		list[i].wholeOnly = len(list[i].text) < n
	}
	return list
}

// ofCustomer are the values without the agent's, who may be called as a silo is.
func (rs raws) ofCustomer() (list raws) {
	for _, r := range rs {
		if r.kind != kindAgent {
			list = append(list, r)
		}
	}
	return list
}

// own are the values that are replaced everywhere.
func (rs raws) own() (list raws) {
	for _, r := range rs {
		if r.own {
			list = append(list, r)
		}
	}
	return list
}

// replace puts pseudonyms in the place of raw values, in one pass: what it put in is not looked at again.
func (rs raws) replace(s string) string {
	if len(s) < leastRaw || !rs.in(s) {
		return s
	}
	lower := lowered(s)
	var b strings.Builder
	for i := 0; i < len(s); {
		if r := rs.at(s, lower, i); r != nil {
			b.WriteString(r.pseudonym)
			i += len(r.text)
			continue
		}
		b.WriteByte(s[i])
		i++
	}
	return b.String()
}

// lowered puts the letters of ASCII in lower case: the length never changes, and a place in one is the same in the other.
func lowered(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

// in says whether any raw value stands in s.
func (rs raws) in(s string) bool {
	if len(rs) == 0 {
		return false
	}
	lower := lowered(s)
	for i := range len(s) {
		if rs.at(s, lower, i) != nil {
			return true
		}
	}
	return false
}

// at finds the raw value that stands at i.
func (rs raws) at(s, lower string, i int) *raw {
	for k := range rs {
		if rs[k].standsAt(s, lower, i) {
			return &rs[k]
		}
	}
	return nil
}

func (r *raw) standsAt(s, lower string, i int) bool {
	if !strings.HasPrefix(s[i:], r.text) && (!r.fold || !strings.HasPrefix(lower[i:], r.text)) {
		return false
	}
	end := i + len(r.text)
	whole := i == 0 && end == len(s)
	word := (i == 0 || !wordy(s[i-1])) && (end == len(s) || !wordy(s[end]))
	return whole || !r.wholeOnly && (r.own || word)
}

// wordy bytes go on with a word: letters, digits, and all beyond ASCII.
func wordy(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

// extra replaces raw values in a field that an allow-list keeps, whose value is any JSON: written without escapes first,
// so that none hides in one; a number with a raw value in it becomes the pseudonym.
func (rs raws) extra(f event.ExtraField) event.ExtraField {
	f.Name = rs.replace(f.Name)
	f.JSON = unescaped(f.JSON)
	if !rs.in(f.JSON) {
		return f
	}
	if f.JSON = rs.replace(f.JSON); !json.Valid([]byte(f.JSON)) {
		f.JSON = `"` + rs[0].pseudonym + `"`
	}
	return f
}

func unescaped(text string) string {
	if !strings.Contains(text, `\`) {
		return text
	}
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var v any
	if decoder.Decode(&v) != nil {
		return text
	}
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if encoder.Encode(v) != nil {
		return text
	}
	return strings.TrimSuffix(b.String(), "\n")
}
