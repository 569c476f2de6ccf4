package churn

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"parcours/pipeline/event"
)

// TestFactsOf: what each type of event says of its customer.
func TestFactsOf(t *testing.T) {
	v := func(x float64) *float64 { return &x }
	for _, c := range []struct {
		typ  string
		data event.Data
		want string
	}{
		{event.ContractStarted, event.Data{Product: "fibre", AnnualMargin: v(240), Captive: true}, "ContractStarted /s 1 fibre 240 flag"},
		{event.ContractStarted, event.Data{}, "ContractStarted /s 1"},
		{event.ContractRenewalDue, event.Data{}, "ContractRenewal /s 1"},
		{event.ContractValueChanged, event.Data{Product: "fibre", Value: v(0)}, "ContractValued /s 1 fibre 0"},
		{event.ContractCancelRequested, event.Data{Reason: "cancellation"}, "ContractAsked /s 1"},
		{event.PortabilityRequested, event.Data{}, "ContractPorted /s 1"},
		{event.ContractRetained, event.Data{}, "ContractKept /s 1"},
		{event.ContractCancelled, event.Data{}, "ContractEnded /s 1 customer"},
		{event.ContractCancelled, event.Data{InitiatedBy: "third_party"}, "ContractEnded /s 1 third_party"},
		{event.CustomerObjected, event.Data{To: "profiling"}, "RightObjected /s 1 profiling"},
		{event.CustomerConsented, event.Data{To: "profiling"}, "RightConsented /s 1 profiling"},
		{event.ContactStarted, event.Data{Contact: "k1"}, "ContactMade k1"},
		{event.ContactEnded, event.Data{Contact: "k1", Direction: event.Out}, "ContactMade k1 flag"},
		{event.ContactStarted, event.Data{Direction: event.Callback}, "ContactMade /s 1 flag"},
		{event.ContactTransferred, event.Data{Contact: "k1"}, "ContactMoved /s 1; ContactMade k1"},
		{event.MessageReceived, event.Data{}, "ContactMade /s 1"},
		{event.MessageReplied, event.Data{Contact: "k1"}, ""},
		{event.OutreachAnswered, event.Data{}, "ContactMade /s 1 flag"},
		{event.OutreachSent, event.Data{}, ""},
		{event.InformationRepeated, event.Data{Contact: "k1"}, "InformationAgain /s 1"},
		{event.ServiceUsed, event.Data{}, "ServiceUsed /s 1"},
		{event.TransactionCompleted, event.Data{Value: v(9.5)}, "ServiceUsed /s 1 9.5"},
		{event.OrderPlaced, event.Data{Value: v(20)}, "ServiceUsed /s 1 20"},
		{event.SurveyAnswered, event.Data{NPS: v(4), CSAT: v(2), CES: v(7)}, "SurveyNPS /s 1 0.4; SurveyCSAT /s 1 0.25; SurveyCES /s 1 1"},
		{event.SurveyAnswered, event.Data{CSAT: v(6), CSATScale: v(11), CES: v(1), CESScale: v(5)}, "SurveyCSAT /s 1 0.5; SurveyCES /s 1 0"},
		{event.SurveyAnswered, event.Data{CSAT: v(1), CSATScale: v(1)}, ""},
		{event.ComplaintFiled, event.Data{Reason: "billing.dispute"}, "ComplaintFiled /s 1 (billing)"},
		{event.ComplaintEscalated, event.Data{To: "court"}, "ComplaintRaised /s 1 court"},
		{event.IncivilityReported, event.Data{}, "Uncivil /s 1"},
		{event.PageViewed, event.Data{}, ""}, {event.CaseOpened, event.Data{}, ""}, {event.DayClosed, event.Data{}, ""},
		{"contact.imagined", event.Data{}, ""}, {"", event.Data{}, ""},
	} {
		e := event.Event{Type: c.typ, Source: "/s", ID: "1", At: 5, Data: c.data}
		var got []string
		for _, f := range FactsOf(nil, &e) {
			if f.At != 5 {
				t.Errorf("%s: at %v", c.typ, f.At)
			}
			got = append(got, said(&f))
		}
		if text := strings.Join(got, "; "); text != c.want {
			t.Errorf("%s %+v: %q, expected %q", c.typ, c.data, text, c.want)
		}
	}
}

func said(f *Fact) string {
	names := [...]string{"", "ContractStarted", "ContractRenewal", "ContractValued", "ContractAsked", "ContractPorted", "ContractKept", "ContractEnded",
		"RightObjected", "RightConsented", "ContactMade", "ContactMoved", "InformationAgain", "ServiceUsed", "SurveyNPS", "SurveyCSAT", "SurveyCES",
		"ComplaintFiled", "ComplaintRaised", "Uncivil", "Broken"}
	text := names[f.What] + " " + f.ID
	if f.Name != "" {
		text += " " + f.Name
	}
	if !math.IsNaN(f.Amount) {
		text += fmt.Sprintf(" %v", f.Amount)
	}
	if f.Family != "" && f.Family != "cancellation" {
		text += " (" + f.Family + ")"
	}
	if f.Flag {
		text += " flag"
	}
	return text
}
