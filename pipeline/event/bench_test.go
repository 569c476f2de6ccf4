package event_test

import (
	"testing"

	"github.com/segmentio/encoding/json"

	"parcours/pipeline/event"
)

const typical = `{"specversion":"1.0","id":"01JD8Z6W3K9V5Q2M7T4R8X1C0B","source":"/telephony/genesys","type":"contact.ended","time":"2026-10-03T09:14:22.123Z","subject":"CASE-884213","data":{"identifiers":{"customer":"c_9f3a77b21c04","phone":"p_77aa10be93d1"},"channel":"phone","reason":"billing.dispute","silo":"customer_service","unit":"lyon-2","agent":"a_17","case":"CASE-884213","resolved":true,"wait_s":95}}`

// plainEvent is the least that any decoder must do: the baseline.
type plainEvent struct {
	SpecVersion string `json:"specversion"`
	ID          string `json:"id"`
	Source      string `json:"source"`
	Type        string `json:"type"`
	Time        string `json:"time"`
	Subject     string `json:"subject"`
	Data        struct {
		Identifiers struct {
			Customer string `json:"customer"`
			Email    string `json:"email"`
			Phone    string `json:"phone"`
			Cookie   string `json:"cookie"`
		} `json:"identifiers"`
		Channel  string  `json:"channel"`
		Reason   string  `json:"reason"`
		Silo     string  `json:"silo"`
		Unit     string  `json:"unit"`
		Agent    string  `json:"agent"`
		Case     string  `json:"case"`
		Resolved *bool   `json:"resolved"`
		WaitS    float64 `json:"wait_s"`
	} `json:"data"`
}

// BenchmarkDecode sets the decoders beside a bare segmentio Unmarshal of the same body into a plain struct.
func BenchmarkDecode(b *testing.B) {
	body := []byte(typical)
	measure := func(name string, decode func() error) {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				if err := decode(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	lim := event.Limits{Now: now}
	first, _, r := event.Decode(body, lim)
	if r != nil {
		b.Fatal(r)
	}
	logged := event.AppendLog(nil, &first)
	measure("baseline", func() error {
		var e plainEvent
		return json.Unmarshal(body, &e)
	})
	measure("door", func() error {
		if _, _, r := event.Decode(body, lim); r != nil {
			return r
		}
		return nil
	})
	measure("log", func() error {
		_, err := event.DecodeLog(logged)
		return err
	})
	room := make([]byte, 0, 1024)
	measure("append", func() error {
		room = event.AppendLog(room[:0], &first)
		return nil
	})
}

// BenchmarkName is what every event costs for its two names.
func BenchmarkName(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		event.MessageID("/telephony/genesys", "01JD8Z6W3K9V5Q2M7T4R8X1C0B")
		event.Fingerprint("/telephony/genesys", "01JD8Z6W3K9V5Q2M7T4R8X1C0B")
	}
}
