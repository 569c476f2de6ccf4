package rules

import (
	"time"
)

// Churn says when a customer is said to be leaving. docs/churnsignals.md says what each signal means to the letter.
type Churn struct {
	LapseAfter   time.Duration // an explicit signal of which nothing came
	RenewalAfter time.Duration // a renewal due, and no contact
	ValueCutBy   float64       // share of the value before by which it must have fallen at least; 0 for any fall

	Silence    Silence
	Experience Experience
	Told       Told
}

// Silence says when a customer has been silent for longer than their own gaps between days of use explain.
type Silence struct {
	Gaps   int         // known before anything is said
	Share  float64     // of all silences that are as long by chance alone
	Season [12]float64 // by month from January: how much the customers use the service then, against an average month
}

// Experience says when what broke weighs too much.
type Experience struct {
	Limit   float64    // weight of breakpoints, each halved in 30 days
	Weights [5]float64 // of one breakpoint, by severity from 1
}

// Told says when a score is told anew, and which scores are signals.
type Told struct {
	Moved     float64 // the probability of loss within 365 days, by this share of the one told last
	MovedBy   float64 // and by so many points at least (0.001 is a tenth of a point)
	Risk      float64 // a signal from this probability of loss within 365 days
	DecayedTo float64 // a signal where expected uses of the next 12 months are below this share of the last 12
	Voice     float64 // a signal from this voice risk
	RiskTimes float64 // and so many times that of the segment
	Cleared   float64 // a signal is cleared below this share of what raises it
}

func churnGroup() field {
	return group("churn", "When a customer is said to be leaving (docs/churnsignals.md).",
		group("explicit", "Cancel or portability requested, renewal due without contact, value cut.",
			single("lapse_after", "Nothing came of it in so long.", durations, func(b *Book) *time.Duration { return &b.Churn.LapseAfter }),
			single("renewal_after", "A renewal is due, and there was no contact in so long.", durations, func(b *Book) *time.Duration { return &b.Churn.RenewalAfter }),
			single("value_cut_by", "At least this share of the value before; 0 for any cut.", shares, func(b *Book) *float64 { return &b.Churn.ValueCutBy })),
		group("silence", "Silent for longer than the customer's own gaps between days of use explain.",
			single("gaps", "So many gaps must be known; the last 12 count.", gapCounts, func(b *Book) *int { return &b.Churn.Silence.Gaps }),
			single("share", "Of silences that are as long by chance alone. Less is later.", chances, func(b *Book) *float64 { return &b.Churn.Silence.Share }),
			group("season", "How much is used in each month (UTC), against an average one: a silence in a month of 0.5 counts half.", seasonFields()...)),
		group("experience", "What broke weighs too much; cleared at half of the limit.",
			single("limit", "Of the weights of a customer's breakpoints, each halved in 30 days.", weights, func(b *Book) *float64 { return &b.Churn.Experience.Limit }),
			group("weights", "Of one breakpoint, by its severity.", severityFields()...)),
		group("scores", "When a score is told anew, and which scores are signals.",
			single("moved", "The probability of loss within 365 days, by this share of the one told last.", shares, func(b *Book) *float64 { return &b.Churn.Told.Moved }),
			single("moved_by", "And by so many points.", shares, func(b *Book) *float64 { return &b.Churn.Told.MovedBy }),
			single("risk", "A signal from this probability of loss within 365 days.", shares, func(b *Book) *float64 { return &b.Churn.Told.Risk }),
			single("decayed_to", "A signal where the uses expected of the next 12 months are below this share of the last 12.", shares, func(b *Book) *float64 { return &b.Churn.Told.DecayedTo }),
			single("voice", "A signal from this voice risk (0 to 100) of a captive customer.", indices, func(b *Book) *float64 { return &b.Churn.Told.Voice }),
			single("risk_times", "And from so many times that of the customer's segment.", times, func(b *Book) *float64 { return &b.Churn.Told.RiskTimes }),
			single("cleared", "A signal is cleared below this share of what raises it (decay of use: above what raises it divided by this).", stays, func(b *Book) *float64 { return &b.Churn.Told.Cleared })))
}

var (
	gapCounts = whole("a number of gaps, 8 to 12", 8, 12)
	chances   = codec[float64]{expected: "a share, 0.01% to 10%", short: "a share", print: printFigure, parse: func(s string) (float64, bool) {
		v, ok := parseFigure(s)
		return v, ok && v >= 0.0001 && v <= 0.1
	}}
	seasons = number("a factor from 0.1 to 10", 0.1, 10).called("a factor")
	weights = number("a weight, 0.1 to 1000", 0.1, 1000).called("a weight")
	burdens = number("a weight, 0 to 100", 0, 100).called("a weight")
	times   = number("a factor from 1 to 100", 1, 100).called("a factor")
	stays   = codec[float64]{expected: "a share, 10% to 100%", short: "a share", print: printFigure, parse: func(s string) (float64, bool) {
		v, ok := parseFigure(s)
		return v, ok && v >= 0.1 && v <= 1
	}}
	indices = number("an index, 0 to 100", 0, 100).called("an index")
)

func seasonFields() (list []field) {
	for i, month := range [...]string{"january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"} {
		list = append(list, single(month, "", seasons, func(b *Book) *float64 { return &b.Churn.Silence.Season[i] }))
	}
	return list
}

func severityFields() (list []field) {
	for i, name := range [...]string{"seen_by_us", "felt", "another_contact", "promise_or_core", "legal"} {
		list = append(list, single(name, "", burdens, func(b *Book) *float64 { return &b.Churn.Experience.Weights[i] }))
	}
	return list
}
