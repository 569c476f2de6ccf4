package evaluate

import (
	"strings"

	"parcours/pipeline/event"
)

// homes groups events as docs/product.md and ARCHITECTURE.md say: an event lives with the customer of the earliest event of
// its case; without a case with its customer, or the one that the first event of its contact named; else its case stands
// for a customer, else its contact, else itself.
type homes struct {
	cases    map[string]string // -> the customer of the earliest event, "" for none
	contacts map[string]string // by source and contact -> the customer that the first event named
}

func newHomes() *homes {
	return &homes{cases: map[string]string{}, contacts: map[string]string{}}
}

// of gives the home of an event; they must come in order of time.
func (h *homes) of(e *event.Event) string {
	d := &e.Data
	customer := d.Customer
	if d.Contact != "" {
		contact := e.Source + "\x00" + d.Contact
		if _, known := h.contacts[contact]; !known {
			h.contacts[contact] = d.Customer
		}
		if customer == "" {
			customer = h.contacts[contact]
		}
	}
	if d.Case != "" {
		if _, known := h.cases[d.Case]; !known {
			h.cases[d.Case] = customer
		}
		if customer = h.cases[d.Case]; customer == "" {
			return "case " + d.Case
		}
	}
	switch {
	case customer != "":
		return "customer " + customer
	case d.Contact != "":
		return "contact " + d.Contact
	}
	return "event " + e.Source + " " + e.ID
}

// strongest lists kinds of identifiers by how surely they name one customer; others come after, by their names.
var strongest = [...]string{"customer", "account", "contract", "loyalty", "email", "phone", "device", "cookie"}

// customerOf is whom identifiers name, in one form for each.
func customerOf(ids event.Identifiers) string {
	for _, kind := range strongest {
		if v := ids.Get(kind); v != "" {
			return kind + ":" + plain(kind, v)
		}
	}
	for _, id := range ids { // sorted by kind
		if id.Value != "" {
			return id.Kind + ":" + plain(id.Kind, id.Value)
		}
	}
	return ""
}

// plain gives one form to what may be written in several: letters of an e-mail address, spaces of a telephone number.
func plain(kind, value string) string {
	value = strings.TrimSpace(value)
	switch kind {
	case "email":
		return strings.ToLower(value)
	case "phone":
		number := strings.NewReplacer(" ", "", ".", "", "-", "", "(", "", ")", "", "/", "").Replace(value)
		if international, ok := strings.CutPrefix(number, "00"); ok {
			return "+" + international
		}
		return number
	}
	return value
}
