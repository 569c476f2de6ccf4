package event

// Reasons why an event is refused: a closed list, since REJECTED has a subject and the ledger a line for each.
const (
	ReasonBrokenJSON    = "broken_json"    // not one JSON value in UTF-8
	ReasonNotCloudEvent = "not_cloudevent" // JSON, but no CloudEvents 1.0 envelope
	ReasonMissingField  = "missing_field"
	ReasonWrongType     = "wrong_type"    // a number where a string is due, and the like
	ReasonUnknownValue  = "unknown_value" // not in a closed list
	ReasonBadValue      = "bad_value"     // the right type, but out of range, too long or malformed
	ReasonBadTime       = "bad_time"
	ReasonTooBig        = "too_big"
	ReasonTooDeep       = "too_deep"
	ReasonSystemType    = "system_type" // only an operator may write it
)

// Refusal says what is wrong with an event, without quoting any value of it: values may be personal.
type Refusal struct {
	ID       string // the event's id where it could be read and is well formed, else ""
	Source   string // likewise
	Field    string // JSON path, such as "data.channel"; "" for the whole body
	Expected string // plain words: "one of phone, email, ..."
	Reason   string // of the closed list above
}

// Error gives field, reason and what was expected. ID and Source are left to the caller: they come from outside.
func (r *Refusal) Error() string {
	if r.Field == "" {
		return r.Reason + ": expected " + r.Expected
	}
	return r.Field + ": " + r.Reason + ": expected " + r.Expected
}

func refuse(reason, field, expected string) *Refusal {
	return &Refusal{Reason: reason, Field: field, Expected: expected}
}

// of names the event that was refused, as far as its name is fit to be shown.
func (r *Refusal) of(id, source string) *Refusal {
	if plain(id, MaxIDBytes) {
		r.ID = id
	}
	if plain(source, MaxTextBytes) {
		r.Source = source
	}
	return r
}
