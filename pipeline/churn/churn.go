// Package churn says who is leaving, why, and how sure that is: signals out of what is known of one customer, the models
// behind them, and how good these are. It computes only.
//
// What is known of a customer is a list of facts, each from the moment at which it was known. A Standing holds them for the
// fold of a partition, and for whoever reads them back out of the tables: it gives the customer's signals as of now, and
// what a model looks at as of any moment, from facts known by then and nothing else.
package churn

// Signal kinds. The first six follow from the facts and the clock alone and are the fold's; the others are as known: found
// by a model at a daily tick, and told to the log.
const (
	CancelRequested      = "cancel_requested"
	PortabilityRequested = "portability_requested"
	RenewalDue           = "renewal_without_contact"
	ValueCut             = "value_cut"
	Silence              = "silence"
	Experience           = "experience"

	DecayOfUse = "decay_of_use" // BG/NBD: the next 12 months against the last 12
	Risk       = "risk"         // probability of loss
	Voice      = "voice_risk"   // of a captive customer
)

// Kinds are all kinds of signals, those of the fold first.
func Kinds() []string {
	return []string{CancelRequested, PortabilityRequested, RenewalDue, ValueCut, Silence, Experience, DecayOfUse, Risk, Voice}
}

// Why a signal was cleared.
const (
	Retained = "retained" // contract.retained, or a contract started anew
	Lost     = "lost"     // the contract ended, by whomever
	Returned = "returned" // the customer was there again, or came into contact
	Faded    = "faded"    // what raised it no longer weighs enough
	Lapsed   = "lapsed"   // nothing came of it for long
	Restored = "restored" // the value is back where it was
	Objected = "objected" // the customer objected to being watched
	Rescored = "rescored" // as known: the model of that day says less
)
