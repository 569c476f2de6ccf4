package ingest

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"parcours/pipeline/event"
)

// answer is what every request gets: RFC 9457 members where something is wrong, and always what became of the events.
type answer struct {
	Type   string `json:"type,omitempty"`
	Title  string `json:"title,omitempty"`
	Status int    `json:"status,omitempty"`
	Detail string `json:"detail,omitempty"`

	Accepted   int       `json:"accepted"`
	Duplicates int       `json:"duplicates"`
	Refused    []problem `json:"refused"`
	// RefusedCount is how many were refused: Refused lists the first 1,000.
	RefusedCount int `json:"refused_count"`

	retryAfter int // seconds; 0 for none
}

// problem is one refused event, after RFC 9457.
type problem struct {
	Type     string `json:"type"`
	Title    string `json:"title"`
	Status   int    `json:"status"`
	Detail   string `json:"detail"`
	Index    int    `json:"index"` // in the request, from 0
	ID       string `json:"id,omitempty"`
	Field    string `json:"field,omitempty"`
	Expected string `json:"expected"`
}

const listedRefusals = 1000

// titles say each reason in words, for every event refused for it.
var titles = map[string]string{
	event.ReasonBrokenJSON:    "The event is not JSON",
	event.ReasonNotCloudEvent: "The event is not a CloudEvents 1.0 envelope",
	event.ReasonMissingField:  "A field is missing",
	event.ReasonWrongType:     "A field is of the wrong type",
	event.ReasonUnknownValue:  "A field has a value that is not in its list",
	event.ReasonBadValue:      "A field has a value that is out of its range",
	event.ReasonBadTime:       "A time cannot be read or lies out of range",
	event.ReasonTooBig:        "The event is too big",
	event.ReasonTooDeep:       "The event is nested too deeply",
	event.ReasonSystemType:    "Only an operator may send this type",
	event.ReasonBrokenBatch:   "No event could be made out from here on",
	event.ReasonTooMany:       "The request carries too many events",
	event.ReasonBrokenRow:     "No cells could be made out of a row",
}

func problemType(reason string) string { return "/problems/" + strings.ReplaceAll(reason, "_", "-") }

func problemOf(r Refused) problem {
	p := problem{Type: problemType(r.Reason), Title: titles[r.Reason], Status: http.StatusUnprocessableEntity,
		Index: r.Index, ID: r.ID, Field: r.Field, Expected: r.Expected, Detail: "expected " + r.Expected}
	if r.Field != "" {
		p.Detail = r.Field + ": expected " + r.Expected
	}
	return p
}

// add takes the result of a chunk whose first event is number `from` of the request.
func (a *answer) add(res Result, from int) {
	a.Accepted += res.Accepted
	a.Duplicates += res.Duplicates
	a.RefusedCount += len(res.Refused)
	for _, r := range res.Refused {
		if len(a.Refused) < listedRefusals {
			r.Index += from
			a.Refused = append(a.Refused, problemOf(r))
		}
	}
}

// wrong makes the answer a problem.
func (a *answer) wrong(status int, reason, title, detail string) *answer {
	a.Type, a.Title, a.Status, a.Detail = problemType(reason), title, status, detail
	return a
}

func (a *answer) write(w http.ResponseWriter) {
	if a.Refused == nil {
		a.Refused = []problem{}
	}
	status, content := http.StatusAccepted, "application/json"
	if a.Status != 0 {
		status, content = a.Status, "application/problem+json"
	}
	w.Header().Set("Content-Type", content)
	if a.retryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(a.retryAfter))
	}
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(a) // if the sender is gone, there is nobody to tell
}
