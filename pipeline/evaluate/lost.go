package evaluate

import (
	"fmt"

	"parcours/pipeline/event"
)

// forget takes a field away from an event, by its name in the channel contract: the copy that was sent lacks it.
func forget(e *event.Event, field string) error {
	d := &e.Data
	if text := textOf(e, field); text != nil {
		*text = ""
		return nil
	}
	if number := numberOf(d, field); number != nil {
		*number = nil
		return nil
	}
	switch field {
	case "customer", "identifiers": // whatever names the customer
		d.Identifiers, d.Customer = nil, ""
	case "channel":
		d.Channel = ""
	case "direction":
		d.Direction = ""
	case "case":
		d.Case, e.Subject = "", ""
	case "resolved":
		d.Resolved = nil
	case "due":
		d.Due = 0
	case "sent_at":
		d.SentAt = 0
	case "holding":
		d.Holding = false
	case "products":
		d.Products = nil
	case "places":
		d.Places = nil
	default:
		return fmt.Errorf("lost field %q: expected the name of a field of data", field)
	}
	return nil
}

func textOf(e *event.Event, field string) *string {
	d := &e.Data
	texts := map[string]*string{
		"contact": &d.Contact, "reason": &d.Reason, "silo": &d.Silo, "unit": &d.Unit, "agent": &d.Agent, "product": &d.Product,
		"place": &d.Place, "activity": &d.Activity, "to_silo": &d.ToSilo, "to_unit": &d.ToUnit, "why": &d.Why, "form": &d.Form,
		"kind": &d.Kind, "on": &d.On, "regime": &d.Regime, "to": &d.To, "promise": &d.Promise, "act": &d.Act, "by": &d.By,
		"initiated_by": &d.InitiatedBy, "cause": &d.Cause, "sequence": &e.Sequence,
	}
	return texts[field]
}

func numberOf(d *event.Data, field string) **float64 {
	numbers := map[string]**float64{
		"wait_s": &d.WaitS, "talk_s": &d.TalkS, "hold_s": &d.HoldS, "wrap_s": &d.WrapS, "nps": &d.NPS, "csat": &d.CSAT,
		"csat_scale": &d.CSATScale, "ces": &d.CES, "ces_scale": &d.CESScale, "annual_margin": &d.AnnualMargin, "value": &d.Value,
	}
	return numbers[field]
}
