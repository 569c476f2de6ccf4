package clickhouse

import (
	"context"
	"fmt"
	"strings"
	"time"

	"parcours/pipeline/event"
	"parcours/pipeline/readiness"
)

// Profile counts what the events of the tables carry, by source and together: as readiness.Tally does of the same events.
func (s *Store) Profile(ctx context.Context) (*readiness.Profile, error) {
	p := &readiness.Profile{Sources: map[string]*readiness.Counts{}}
	if err := s.profile(ctx, "source", p.Sources); err != nil {
		return nil, err
	}
	all := map[string]*readiness.Counts{}
	if err := s.profile(ctx, "''", all); err != nil {
		return nil, err
	}
	if p.All = all[""]; p.All == nil {
		p.All = readiness.NewCounts()
	}
	return p, nil
}

// profile reads the counts by a key: the source, or nothing.
func (s *Store) profile(ctx context.Context, by string, into map[string]*readiness.Counts) error {
	at := func(name string) *readiness.Counts {
		if into[name] == nil {
			into[name] = readiness.NewCounts()
		}
		return into[name]
	}
	if err := s.profileEvents(ctx, by, at); err != nil {
		return err
	}
	if err := s.profileTotals(ctx, by, at); err != nil {
		return err
	}
	if err := s.profileActivities(ctx, by, at); err != nil {
		return err
	}
	for _, g := range []struct {
		what, key, alone string
		of               func(*readiness.Counts) map[readiness.Group]uint64
	}{
		{"contacts", "contact_id", readinessAlone(), func(c *readiness.Counts) map[readiness.Group]uint64 { return c.Contacts }},
		{"cases", "case_id", "0", func(c *readiness.Counts) map[readiness.Group]uint64 { return c.Cases }},
		{"customers", "customer_id", "0", func(c *readiness.Counts) map[readiness.Group]uint64 { return c.Customers }},
	} {
		if err := s.profileGroups(ctx, by, g.what, g.key, g.alone, func(name string, group readiness.Group, n uint64) {
			g.of(at(name))[group] += n
		}); err != nil {
			return err
		}
	}
	return nil
}

// readinessAlone says which events without a contact are one by themselves.
func readinessAlone() string {
	types := append(readiness.AttemptTypes(), typesIn("contact", "message")...)
	return "contact_id = '' AND type IN (" + quoted(types) + ")"
}

func typesIn(families ...string) (list []string) {
	for i := range event.Specs {
		for _, family := range families {
			if event.Specs[i].Family == family {
				list = append(list, event.Specs[i].Type)
			}
		}
	}
	return list
}

// marked is events_v with the set of its type and that of what it says, as package readiness counts them.
func (s *Store) marked(by string) string {
	return fmt.Sprintf("(SELECT toString(%s) AS name, *, %s AS marks, %s AS says FROM %s)", by, typeMarks(), featureMarks(), s.table("events_v"))
}

// typeMarks is the set of one type in SQL.
func typeMarks() string {
	names, sets := make([]string, len(event.Specs)), make([]string, len(event.Specs))
	for i := range event.Specs {
		names[i] = event.Specs[i].Type
		sets[i] = fmt.Sprintf("toUInt64(%d)", event.TypesOf(event.Specs[i].Type))
	}
	return fmt.Sprintf("transform(toString(type), [%s], [%s], toUInt64(%d))", quoted(names), strings.Join(sets, ", "), event.TypesOf(readiness.OtherTypes))
}

func featureMarks() string {
	terms := make([]string, len(readiness.FeatureNames))
	for i, name := range readiness.FeatureNames {
		terms[i] = fmt.Sprintf("bitShiftLeft(toUInt64(ifNull(%s, 0)), %d)", featureSQL[name], i)
	}
	return strings.Join(terms, " + ")
}

const (
	saysConversation = "family IN ('contact', 'message')"
	saysAttempt      = "type IN ('form.started', 'form.failed', 'form.submitted', 'search.performed', 'transaction.completed', 'bot.answered')"
	saysForm         = "type IN ('form.started', 'form.failed', 'form.submitted')"
	saysSurvey       = "type = 'survey.answered'"
)

// featureSQL says of an event in events_v whether it has a feature, by the names of package readiness.
var featureSQL = map[string]string{
	"customer":           "customer_id != ''",
	"contact":            "contact_id != ''",
	"case":               "case_id != ''",
	"direction_in":       "direction = 'in'",
	"direction_out":      "direction = 'out'",
	"direction_callback": "direction = 'callback'",
	"reason":             "reason_family != ''",
	"reason_unknown":     "reason != '' AND reason_family = ''",
	"silo":               "silo != ''",
	"unit":               "unit != ''",
	"activity":           "activity != type",
	"place":              "product != '' OR place != '' OR notEmpty(products) OR notEmpty(places)",
	"phone":              "channel = 'phone'",
	"email":              "channel = 'email'",
	"chat":               "channel = 'chat'",
	"messaging":          "channel = 'messaging'",
	"store":              "channel = 'store'",
	"post":               "channel = 'post'",
	"social":             "channel = 'social'",
	"field":              "channel = 'field'",
	"web":                "channel = 'web'",
	"app":                "channel = 'app'",
	"bot":                "channel = 'bot'",
	"ivr":                "channel = 'ivr'",
	"faq":                "channel = 'faq'",
	"other_channel":      "channel = 'other'",
	"assisted":           saysConversation + " AND channel IN ('phone', 'email', 'chat', 'messaging', 'store', 'post', 'social', 'field')",
	"begins_contact":     "(" + saysConversation + " OR type = 'bot.answered') AND type != 'message.replied'",
	"attempt":            saysAttempt,
	"attempt_reason":     saysAttempt + " AND reason_family != ''",
	"answer_wait":        "type = 'contact.answered' AND wait_s IS NOT NULL",
	"end_wait":           "type = 'contact.ended' AND wait_s IS NOT NULL",
	"abandon_wait":       "type = 'contact.abandoned' AND wait_s IS NOT NULL",
	"talked":             "type = 'contact.ended' AND ifNull(talk_s, 0) > 0",
	"worked":             "type IN ('contact.ended', 'message.replied') AND (talk_s IS NOT NULL OR hold_s IS NOT NULL OR wrap_s IS NOT NULL)",
	"said_resolved":      "type = 'contact.ended' AND resolved IS NOT NULL",
	"due":                "due IS NOT NULL",
	"service_form":       saysForm + " AND kind = 'service'",
	"score":              saysSurvey + " AND (nps IS NOT NULL OR csat IS NOT NULL OR ces IS NOT NULL)",
	"transactional":      saysSurvey + " AND (kind = 'transactional' OR kind = '' AND contact_id != '')",
	"survey_contact":     saysSurvey + " AND contact_id != ''",
	"survey_resolved":    saysSurvey + " AND resolved IS NOT NULL",
	"survey_unsolved":    saysSurvey + " AND NOT ifNull(resolved, true)",
	"by_company":         "type IN ('payment.failed', 'appointment.missed') AND caused_by = 'company'",
	"waiting_on":         "type = 'case.waiting' AND waiting_on != ''",
	"to_silo":            "type = 'contact.transferred' AND to_silo != ''",
	"outside":            "type = 'complaint.escalated' AND target IN ('mediator', 'authority', 'court')",
	"act_callback":       "type = 'promise.made' AND act = 'callback'",
	"act_reply":          "type = 'promise.made' AND act = 'reply'",
	"act_delivery":       "type = 'promise.made' AND act = 'delivery'",
	"act_resolution":     "type = 'promise.made' AND act = 'resolution'",
	"initiated_by":       "type = 'contract.cancelled' AND initiated_by != ''",
	"by_customer":        "type = 'contract.cancelled' AND initiated_by IN ('', 'customer')",
	"annual_margin":      "type = 'contract.started' AND annual_margin IS NOT NULL",
	"sales_form":         saysForm + " AND kind = 'sales'",
	"customer_missed":    "type = 'appointment.missed' AND caused_by = 'customer'",
	"in_case":            "case_id != '' AND (family IN ('case', 'work', 'other') OR type = 'message.replied')",
}

func (s *Store) profileEvents(ctx context.Context, by string, at func(string) *readiness.Counts) error {
	type line struct {
		name, typ string
		says, n   uint64
	}
	sql := fmt.Sprintf("SELECT name, if(family = 'other', %s, toString(type)) AS sort, says, count() FROM %s GROUP BY name, sort, says",
		quote(readiness.OtherTypes), s.marked(by))
	lines, err := all(ctx, s, "count events by what they say", sql, func(scan scan) (l line, err error) {
		return l, scan(&l.name, &l.typ, &l.says, &l.n)
	})
	for _, l := range lines {
		at(l.name).Events[readiness.Sort{Type: l.typ, Has: readiness.Features(l.says)}] += l.n
	}
	return err
}

// profileGroups reads what the events of one contact, case or customer say together; alone says which events without one
// stand for themselves.
func (s *Store) profileGroups(ctx context.Context, by, what, key, alone string, add func(name string, g readiness.Group, n uint64)) error {
	type line struct {
		name           string
		types, says, n uint64
	}
	sql := fmt.Sprintf(`SELECT name, types, says, count() FROM (
    SELECT name, groupBitOr(marks) AS types, groupBitOr(says) AS says FROM %[1]s WHERE %[2]s != '' GROUP BY name, %[2]s
    UNION ALL SELECT name, marks, says FROM %[1]s WHERE %[3]s)
GROUP BY name, types, says`, s.marked(by), key, alone)
	lines, err := all(ctx, s, "count "+what+" by what they say", sql, func(scan scan) (l line, err error) {
		return l, scan(&l.name, &l.types, &l.says, &l.n)
	})
	for _, l := range lines {
		add(l.name, readiness.Group{Types: event.Types(l.types), Has: readiness.Features(l.says)}, l.n)
	}
	return err
}

// profileTotals reads when the events were, and how much is distinct.
func (s *Store) profileTotals(ctx context.Context, by string, at func(string) *readiness.Counts) error {
	type line struct {
		name        string
		first, last time.Time
		counts      readiness.Counts
	}
	const belongs = "multiIf(case_id != '', case_id, customer_id != '', customer_id, contact_id)"
	sql := fmt.Sprintf(`SELECT name, min(time), max(time), uniqExact(toDate32(time)),
    uniqExactIf(silo, silo != '' AND family IN ('contact', 'message', 'case')), uniqExactIf(unit, unit != ''),
    uniqExactIf(activity, %[1]s), countIf(%[2]s != '') - uniqExactIf((%[2]s, time), %[2]s != '')
FROM %[3]s GROUP BY name`, internal("type"), belongs, s.marked(by))
	lines, err := all(ctx, s, "count what is distinct", sql, func(scan scan) (l line, err error) {
		c := &l.counts
		var equal int64
		err = scan(&l.name, &l.first, &l.last, &c.Days, &c.Silos, &c.Units, &c.Steps, &equal)
		c.EqualTimes = uint64(equal)
		return l, err
	})
	for i := range lines {
		l := &lines[i]
		c := at(l.name)
		c.First, c.Last, c.Days = event.InstantOf(l.first), event.InstantOf(l.last), l.counts.Days
		c.Silos, c.Units, c.Steps, c.EqualTimes = l.counts.Silos, l.counts.Units, l.counts.Steps, l.counts.EqualTimes
	}
	return err
}

func (s *Store) profileActivities(ctx context.Context, by string, at func(string) *readiness.Counts) error {
	type line struct {
		name, activity string
		n              uint64
	}
	sql := fmt.Sprintf("SELECT name, toString(activity), count() AS n FROM %s WHERE %s GROUP BY name, activity ORDER BY n DESC, activity LIMIT %d BY name",
		s.marked(by), internal("type"), readiness.MostActivities)
	lines, err := all(ctx, s, "count internal steps", sql, func(scan scan) (l line, err error) {
		return l, scan(&l.name, &l.activity, &l.n)
	})
	for _, l := range lines {
		at(l.name).Activities[l.activity] = l.n
	}
	return err
}

// Unfit says what the tables know of what did not become a step: what was refused or set aside, and what came too late.
func (s *Store) Unfit(ctx context.Context) (*readiness.Loaded, error) {
	l := &readiness.Loaded{}
	var err error
	l.Refused, err = all(ctx, s, "count what was refused", "SELECT toString(source), toString(reason), toString(field), toString(expected), count() AS n FROM "+
		s.table("rejected_v")+" GROUP BY source, reason, field, expected ORDER BY n DESC, source, reason, field, expected",
		func(scan scan) (r readiness.Refusal, err error) {
			return r, scan(&r.Source, &r.Reason, &r.Field, &r.Expected, &r.Rows)
		})
	if err != nil {
		return nil, err
	}
	return l, s.scan(ctx, "count what came too late", "SELECT count() FROM "+s.table("late_v"), &l.Late)
}
