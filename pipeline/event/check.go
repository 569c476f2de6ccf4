package event

import (
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/segmentio/encoding/json"
)

// Times lie in what a ClickHouse DateTime64 can hold.
var (
	earliest = InstantOf(time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC))
	latest   = InstantOf(time.Date(2300, 1, 1, 0, 0, 0, 0, time.UTC))
)

const (
	maxSeconds = 3652.5 * 86400 // of a duration: 10 years
	maxAmount  = 1e12           // of money, either side of zero
	maxWhole   = 1e9

	expectRange = "a time from 1900 to 2299"

	defaultCSATScale = 5.0
	defaultCESScale  = 7.0
)

// Check applies the rules of the door to an event that was not decoded from JSON, and to those that were: one set of rules.
// It puts the event into its normal form (reason in lower case, Data.Case from Subject, identifiers sorted by kind,
// empty lists nil) and returns nil, or the first thing that is wrong. It cannot tell a time that was forgotten from 1970.
func Check(e *Event, lim Limits) *Refusal {
	normalise(e)
	if r := check(e, &lim); r != nil {
		return r.of(e.ID, e.Source)
	}
	return nil
}

// check calls each rule by its name: through a list of functions every event would escape to the heap.
func check(e *Event, lim *Limits) *Refusal {
	spec := SpecOf(e.Type)
	r := checkAttributes(e, spec, lim)
	if r == nil {
		r = checkTime(e, lim)
	}
	if r == nil {
		r = checkTexts(e)
	}
	if r == nil {
		r = checkWords(e)
	}
	if r == nil {
		r = checkIdentifiers(e)
	}
	if r == nil {
		r = checkLists(&e.Data)
	}
	if r == nil {
		r = checkNumbers(&e.Data)
	}
	if r == nil {
		r = checkNeeds(e, spec)
	}
	if r == nil && e.Data.Extra != nil {
		r = checkExtra(e.Data.Extra)
	}
	return r
}

// normalise gives one form to what may be written in several.
func normalise(e *Event) {
	d := &e.Data
	d.Reason = strings.ToLower(d.Reason)
	if d.Case == "" {
		d.Case = e.Subject
	}
	if !slices.IsSortedFunc(d.Identifiers, byKind) {
		slices.SortFunc(d.Identifiers, byKind)
	}
	d.Identifiers, d.Extra = none(d.Identifiers), none(d.Extra)
	d.Products, d.Places = none(d.Products), none(d.Places)
}

// none is nil for a list of nothing.
func none[L ~[]E, E any](list L) L {
	if len(list) == 0 {
		return nil
	}
	return list
}

func checkAttributes(e *Event, spec Spec, lim *Limits) *Refusal {
	switch {
	case e.ID == "":
		return refuse(ReasonMissingField, "id", "an id that is unique for its source")
	case !plain(e.ID, MaxIDBytes):
		return refuse(ReasonBadValue, "id", "at most "+itoa(MaxIDBytes)+" bytes without control characters")
	case e.Source == "":
		return refuse(ReasonMissingField, "source", "the name of the system that sends")
	case e.Type == "":
		return refuse(ReasonMissingField, "type", "what happened, such as contact.ended")
	case !lim.Operator && spec.system():
		return refuse(ReasonSystemType, "type", "a type that is not kept for operators")
	}
	return nil
}

func checkTime(e *Event, lim *Limits) *Refusal {
	switch {
	case e.At < earliest || e.At >= latest:
		return refuse(ReasonBadTime, "time", expectRange)
	case e.At > lim.Now.Add(lim.ahead()):
		return refuse(ReasonBadTime, "time", "at most "+lim.ahead().String()+" ahead of the time of receipt")
	case lim.Age > 0 && e.At < lim.Now.Add(-lim.Age):
		return refuse(ReasonBadTime, "time", "at most "+lim.Age.String()+" before the time of receipt")
	}
	return nil
}

// checkTexts bounds every text. It is written out, and not a table of names and values, since each event passes here.
func checkTexts(e *Event) *Refusal {
	d := &e.Data
	switch {
	case !plain(e.Source, MaxTextBytes):
		return badText("source")
	case !plain(e.Type, MaxTextBytes):
		return badText("type")
	case !plain(e.Subject, MaxTextBytes):
		return badText("subject")
	case !plain(e.Sequence, MaxTextBytes):
		return badText("sequence")
	case !plain(e.Home, MaxTextBytes):
		return badText("home")
	case !plain(d.Customer, MaxTextBytes):
		return badText("data.customer")
	case !plain(d.Contact, MaxTextBytes):
		return badText("data.contact")
	case !plain(d.Reason, MaxTextBytes):
		return badText("data.reason")
	case !plain(d.Silo, MaxTextBytes):
		return badText("data.silo")
	case !plain(d.Unit, MaxTextBytes):
		return badText("data.unit")
	case !plain(d.Agent, MaxTextBytes):
		return badText("data.agent")
	case !plain(d.Case, MaxTextBytes):
		return badText("data.case")
	case !plain(d.Product, MaxTextBytes):
		return badText("data.product")
	case !plain(d.Place, MaxTextBytes):
		return badText("data.place")
	case !plain(d.Activity, MaxTextBytes):
		return badText("data.activity")
	}
	return checkDetailTexts(d)
}

func checkDetailTexts(d *Data) *Refusal {
	switch {
	case !plain(d.ToSilo, MaxTextBytes):
		return badText("data.to_silo")
	case !plain(d.ToUnit, MaxTextBytes):
		return badText("data.to_unit")
	case !plain(d.Form, MaxTextBytes):
		return badText("data.form")
	case !plain(d.Regime, MaxTextBytes):
		return badText("data.regime")
	case !plain(d.To, MaxTextBytes):
		return badText("data.to")
	case !plain(d.Promise, MaxTextBytes):
		return badText("data.promise")
	case !plain(d.Act, MaxTextBytes):
		return badText("data.act")
	case !plain(d.Cause, MaxTextBytes):
		return badText("data.cause")
	}
	return nil
}

func badText(field string) *Refusal {
	return refuse(ReasonBadValue, field, "at most "+itoa(MaxTextBytes)+" bytes without control characters")
}

// words are the closed lists of product.md, in its order. A text that is not given is in every list.
var (
	directions     = []string{"in", "out", "callback"}
	whys           = []string{"closed", "busy", "deflected", "cut_off"}
	ons            = []string{"customer", "partner", "company"}
	formKinds      = []string{"service", "sales"}
	surveyKinds    = []string{"transactional", "relational"}
	anyKinds       = []string{"service", "sales", "transactional", "relational"}
	escalatedTo    = []string{"management", "mediator", "authority", "court"}
	bys            = []string{"customer", "company"}
	initiators     = []string{"customer", "company", "third_party"}
	modes          = []string{"wall", "log"}
	expectChannels = "one of phone, email, chat, messaging, store, post, social, field, web, app, bot, ivr, faq, other"
)

func checkWords(e *Event) *Refusal {
	d := &e.Data
	switch {
	case d.Channel != "" && !d.Channel.Known():
		return refuse(ReasonUnknownValue, "data.channel", expectChannels)
	case !listed(string(d.Direction), directions):
		return unlisted("data.direction", directions)
	case !listed(d.Why, whys):
		return unlisted("data.why", whys)
	case !listed(d.On, ons):
		return unlisted("data.on", ons)
	case !listed(d.Kind, kindsOf(e.Type)):
		return unlisted("data.kind", kindsOf(e.Type))
	case e.Type == ComplaintEscalated && !listed(d.To, escalatedTo):
		return unlisted("data.to", escalatedTo)
	case !listed(d.By, bys):
		return unlisted("data.by", bys)
	case !listed(d.InitiatedBy, initiators):
		return unlisted("data.initiated_by", initiators)
	case !listed(d.Mode, modes):
		return unlisted("data.mode", modes)
	case d.Reason != "" && !dotted(d.Reason):
		return refuse(ReasonBadValue, "data.reason", "letters, digits, _ and - with dots between, such as billing.dispute")
	}
	return nil
}

func kindsOf(typ string) []string {
	switch typ {
	case FormStarted, FormFailed, FormSubmitted:
		return formKinds
	case SurveySent, SurveyAnswered:
		return surveyKinds
	}
	return anyKinds
}

func listed(word string, list []string) bool { return word == "" || slices.Contains(list, word) }

func unlisted(field string, list []string) *Refusal {
	return refuse(ReasonUnknownValue, field, "one of "+strings.Join(list, ", "))
}

func checkIdentifiers(e *Event) *Refusal {
	ids := e.Data.Identifiers
	if len(ids) > MaxIdentifiers {
		return refuse(ReasonBadValue, "data.identifiers", "at most "+itoa(MaxIdentifiers)+" identifiers")
	}
	for i, id := range ids {
		switch {
		case !kindToken(id.Kind):
			return refuse(ReasonBadValue, "data.identifiers", expectIDs)
		case i > 0 && ids[i-1].Kind == id.Kind:
			return refuse(ReasonBadValue, "data.identifiers", "one identifier of a kind")
		case id.Value == "":
			return refuse(ReasonBadValue, kindField(id.Kind), expectIDs)
		case !plain(id.Value, MaxTextBytes):
			return badText(kindField(id.Kind))
		}
	}
	return nil
}

func checkLists(d *Data) *Refusal {
	switch bad := func(s string) bool { return s == "" || !plain(s, MaxTextBytes) }; {
	case slices.ContainsFunc(d.Products, bad):
		return refuse(ReasonBadValue, "data.products", expectTexts)
	case slices.ContainsFunc(d.Places, bad):
		return refuse(ReasonBadValue, "data.places", expectTexts)
	}
	return nil
}

// checkNumbers bounds durations, scores, amounts and times.
func checkNumbers(d *Data) *Refusal {
	r := checkDurations(d)
	if r == nil {
		r = checkScores(d)
	}
	if r == nil {
		r = checkAmounts(d)
	}
	return r
}

func checkDurations(d *Data) *Refusal {
	switch {
	case !within(d.WaitS, 0, maxSeconds):
		return refuse(ReasonBadValue, "data.wait_s", expectSeconds)
	case !within(d.TalkS, 0, maxSeconds):
		return refuse(ReasonBadValue, "data.talk_s", expectSeconds)
	case !within(d.HoldS, 0, maxSeconds):
		return refuse(ReasonBadValue, "data.hold_s", expectSeconds)
	case !within(d.WrapS, 0, maxSeconds):
		return refuse(ReasonBadValue, "data.wrap_s", expectSeconds)
	}
	return nil
}

func checkScores(d *Data) *Refusal {
	switch {
	case !within(d.NPS, 0, 10):
		return refuse(ReasonBadValue, "data.nps", "a number from 0 to 10")
	case !within(d.CSATScale, 2, 100):
		return refuse(ReasonBadValue, "data.csat_scale", "a number from 2 to 100")
	case !within(d.CSAT, 1, or(d.CSATScale, defaultCSATScale)):
		return refuse(ReasonBadValue, "data.csat", "a number from 1 to data.csat_scale, which is 5 where it is not given")
	case !within(d.CESScale, 2, 100):
		return refuse(ReasonBadValue, "data.ces_scale", "a number from 2 to 100")
	case !within(d.CES, 1, or(d.CESScale, defaultCESScale)):
		return refuse(ReasonBadValue, "data.ces", "a number from 1 to data.ces_scale, which is 7 where it is not given")
	}
	return nil
}

func checkAmounts(d *Data) *Refusal {
	switch {
	case !within(d.AnnualMargin, -maxAmount, maxAmount):
		return refuse(ReasonBadValue, "data.annual_margin", "an amount of at most 1e12")
	case !within(d.Value, -maxAmount, maxAmount):
		return refuse(ReasonBadValue, "data.value", "an amount of at most 1e12")
	case d.Partitions < 0 || d.Partitions > maxWhole:
		return refuse(ReasonBadValue, "data.partitions", expectInteger)
	case d.Due < earliest || d.Due >= latest:
		return refuse(ReasonBadTime, "data.due", expectRange)
	case d.SentAt < earliest || d.SentAt >= latest:
		return refuse(ReasonBadTime, "data.sent_at", expectRange)
	}
	return nil
}

// checkNeeds asks for what an event means nothing without.
func checkNeeds(e *Event, spec Spec) *Refusal {
	d := &e.Data
	switch {
	case spec.Family == "case" && d.Case == "":
		return refuse(ReasonMissingField, "data.case", "the case, here or in subject")
	case (e.Type == PromiseMade || e.Type == PromiseKept) && d.Promise == "":
		return refuse(ReasonMissingField, "data.promise", "what names the promise, the same when made and when kept")
	case e.Type == PromiseMade && d.Due == 0:
		return refuse(ReasonMissingField, "data.due", "when the promise falls due, RFC 3339")
	case e.Type == ContactTransferred && d.ToSilo == "" && d.ToUnit == "":
		return refuse(ReasonMissingField, "data.to_unit", "where to: to_silo, to_unit or both")
	case e.Type == SurveyAnswered && d.NPS == nil && d.CSAT == nil && d.CES == nil && d.Resolved == nil:
		return refuse(ReasonMissingField, "data", "an answer: at least one of nps, csat, ces, resolved")
	case (e.Type == LogOpened || e.Type == ClockModeChanged) && d.Mode == "":
		return refuse(ReasonMissingField, "data.mode", "one of wall, log")
	case e.Type == LogOpened && d.Partitions < 1:
		return refuse(ReasonMissingField, "data.partitions", "how many partitions the log has, 1 or more")
	}
	return nil
}

// checkExtra makes sure that what is kept can be written among the fields that Parcours knows, and read back.
func checkExtra(extra []ExtraField) *Refusal {
	for i, f := range extra {
		switch {
		case i > 0 && extra[i-1].Name >= f.Name:
			return refuse(ReasonBadValue, "data", "extra fields sorted by name, one of a name")
		case !utf8.ValidString(f.Name) || knownField(f.Name):
			return refuse(ReasonBadValue, "data", "extra fields under names that Parcours does not use")
		case f.JSON == "null" || !json.Valid([]byte(f.JSON)):
			return refuse(ReasonBadValue, "data", "extra fields whose values are JSON and not null")
		}
	}
	return nil
}

// plain says whether s is UTF-8 of at most max bytes without control characters; "" is.
func plain(s string, max int) bool { return s == "" || len(s) <= max && printable(s) }

// printable goes as far as printable ASCII does: nearly always to the end.
func printable(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i]-' ' > '~'-' ' {
			return plainRunes(s[i:])
		}
	}
	return true
}

// plainRunes goes on where printable met what is not printable ASCII.
func plainRunes(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < ' ' || s[i] == 0x7f {
			return false
		}
	}
	return utf8.ValidString(s)
}

// plainName says whether a field's name may be shown: one that could be a value in the wrong place may not.
func plainName(name []byte) bool {
	for _, c := range name {
		if !word(c) {
			return false
		}
	}
	return 0 < len(name) && len(name) <= 64 && name[0] >= 'A'
}

// dotted says whether s is tokens with dots between.
func dotted(s string) bool {
	after := false // a character of a token
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case word(c):
			after = true
		case c == '.' && after:
			after = false
		default:
			return false
		}
	}
	return after
}

func word(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' || c == '-'
}

// kindToken says whether s can name a kind of identifier: [a-z][a-z0-9_]*, at most 64 bytes.
func kindToken(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if !('a' <= c && c <= 'z' || i > 0 && ('0' <= c && c <= '9' || c == '_')) {
			return false
		}
	}
	return 0 < len(s) && len(s) <= 64
}

// within says whether a number, if given, lies in [low, high]; one that is no number does not.
func within(v *float64, low, high float64) bool {
	return v == nil || !math.IsNaN(*v) && low <= *v && *v <= high
}

func or(v *float64, otherwise float64) float64 {
	if v == nil {
		return otherwise
	}
	return *v
}
