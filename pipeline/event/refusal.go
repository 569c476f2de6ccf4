package event

// Reasons why an event is refused or set aside: a closed list, since REJECTED has a subject and the ledger a line for each.
// Reasons says what each means.
const (
	ReasonBrokenJSON    = "broken_json"
	ReasonNotCloudEvent = "not_cloudevent"
	ReasonMissingField  = "missing_field"
	ReasonWrongType     = "wrong_type"
	ReasonUnknownValue  = "unknown_value"
	ReasonBadValue      = "bad_value"
	ReasonBadTime       = "bad_time"
	ReasonTooBig        = "too_big"
	ReasonTooDeep       = "too_deep"
	ReasonSystemType    = "system_type"

	// Of a request, at the door.
	ReasonBrokenBatch = "broken_batch"
	ReasonTooMany     = "too_many"

	// Of a file with a mapping.
	ReasonBrokenRow = "broken_row"

	// Of the fold, which sets aside what stands in the log already.
	ReasonUndecodable = "undecodable"
	ReasonIDReused    = "id_reused"
	ReasonPoisonous   = "poisonous"
	ReasonExploded    = "exploded"
)

// Reason is one of the closed list.
type Reason struct {
	Name     string
	Meaning  string // one sentence
	SetAside bool   // by the fold: the event stands in the log, and REJECTED holds no body of it
}

// Reasons lists all of them: those of the door in the order in which it looks, then those of the fold.
func Reasons() []Reason {
	return []Reason{
		{Name: ReasonTooBig, Meaning: "The event is larger than an event may be."},
		{Name: ReasonTooDeep, Meaning: "Its objects and arrays are nested too deeply."},
		{Name: ReasonBrokenJSON, Meaning: "It is not one JSON value in UTF-8."},
		{Name: ReasonNotCloudEvent, Meaning: "It is JSON, but no CloudEvents 1.0 envelope."},
		{Name: ReasonMissingField, Meaning: "A field is missing that the type means nothing without."},
		{Name: ReasonWrongType, Meaning: "A field is of another JSON type than it should be."},
		{Name: ReasonUnknownValue, Meaning: "A field has a value that is not in its closed list."},
		{Name: ReasonBadValue, Meaning: "A field is out of range, too long or malformed."},
		{Name: ReasonBadTime, Meaning: "A time cannot be read, or lies out of range or too far ahead."},
		{Name: ReasonSystemType, Meaning: "Only Parcours or an operator may write the type."},
		{Name: ReasonBrokenBatch, Meaning: "From here on no event could be made out in the request."},
		{Name: ReasonTooMany, Meaning: "This event and all behind it are more than a request may carry."},
		{Name: ReasonBrokenRow, Meaning: "The row of a file has other cells than its header, quotes that do not close, or text in another encoding."},
		{Name: ReasonUndecodable, Meaning: "The message in the log is no event, of a partition that the log does not have, or a rule book that cannot be in force.", SetAside: true},
		{Name: ReasonIDReused, Meaning: "The same source and id came before with another time; the first one stands.", SetAside: true},
		{Name: ReasonPoisonous, Meaning: "The fold failed on the event.", SetAside: true},
		{Name: ReasonExploded, Meaning: "Its home has more events than any customer.", SetAside: true},
	}
}

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
