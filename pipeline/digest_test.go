package pipeline_test

import (
	"reflect"
	"testing"

	"github.com/cespare/xxhash/v2"

	"parcours/pipeline"
	"parcours/pipeline/event"
)

func TestContentIsTheHashOfTheCanonicalText(t *testing.T) {
	alias := pipeline.AliasRow{OldID: "j0", NewID: "", KeyTime: -5, Position: 9, Partition: 2}
	check := func(got uint64, text string) {
		t.Helper()
		if want := xxhash.Sum64String(text); got != want {
			t.Errorf("got %d, want that of %q, %d", got, text, want)
		}
	}
	check(alias.Content(), "j0\x1f\x1f-5")
	alias.KeyTime = 1 << 62
	check(alias.Content(), "j0\x1f\x1f9214646399999")
	step := pipeline.StepRow{Placement: "visit", Step: 3, Cost: 12.5, EventID: "e"}
	check(step.Content(), "visit\x1f\x1f3\x1f0\x1f\x1f\x1f\x1f\x1f\x1f\x1f\x1f\x1f\x1f4623226492472524800\x1f\x1fe\x1f\x1f\x1f\x1f")
	step.FromActivity, step.DelayS = "a", 12.5
	check(step.Content(), "visit\x1f\x1f3\x1f0\x1f\x1f\x1f\x1f\x1f\x1f\x1f\x1f\x1f\x1f4623226492472524800\x1f\x1fe\x1fa\x1f\x1f\x1f4623226492472524800")
}

// A row that changes in any field but its version, its partition, its being deleted and what no view shows has another content.
func TestContentCoversEveryField(t *testing.T) {
	leave := map[string]bool{"Position": true, "Partition": true, "RetractedAt": true, "Known": true}
	check := func(row interface{ Content() uint64 }) {
		t.Helper()
		v := reflect.ValueOf(row).Elem()
		for i := range v.NumField() {
			name, before := v.Type().Field(i).Name, row.Content()
			if name == "Deleted" {
				continue // such a row shows nothing
			}
			change(v.Field(i))
			if (row.Content() == before) != leave[name] {
				t.Errorf("%s: field %s: content changed: %v", v.Type(), name, row.Content() != before)
			}
			v.Field(i).SetZero()
		}
	}
	check(&pipeline.JourneyRow{Outcome: "lost", SentimentSignals: 1})
	check(&pipeline.StepRow{FromActivity: "a"})
	check(&pipeline.BreakpointRow{})
	check(&pipeline.AliasRow{})
	check(&pipeline.AlertRow{ClearedWhy: "rules"})
	check(&pipeline.ClosedDayRow{})
	check(&pipeline.ChurnScoreRow{})
	check(&pipeline.ScoredDayRow{})
	check(&pipeline.ModelRow{})
	check(&pipeline.ChurnSignalRow{ClearedWhy: "faded"})
}

// An opportunity that changes in any field gives its journey another content, and the two of them never the same.
func TestContentCoversEveryFieldOfAnOpportunity(t *testing.T) {
	row := pipeline.JourneyRow{Opportunities: make([]pipeline.OpportunityRow, 2)}
	seen := map[uint64]string{row.Content(): "none"}
	for _, which := range []int{0, 1} {
		v := reflect.ValueOf(&row.Opportunities[which]).Elem()
		for i := range v.NumField() {
			change(v.Field(i))
			now := row.Content()
			if was, ok := seen[now]; ok {
				t.Errorf("field %s of opportunity %d: the same content as %s", v.Type().Field(i).Name, which, was)
			}
			seen[now] = v.Type().Field(i).Name
			v.Field(i).SetZero()
		}
	}
}

// So does a contact that ended.
func TestContentCoversEveryFieldOfAContactEnded(t *testing.T) {
	row := pipeline.JourneyRow{ContactsEnded: make([]pipeline.ContactEndedRow, 2)}
	seen := map[uint64]string{row.Content(): "none"}
	for _, which := range []int{0, 1} {
		v := reflect.ValueOf(&row.ContactsEnded[which]).Elem()
		for i := range v.NumField() {
			change(v.Field(i))
			now := row.Content()
			if was, ok := seen[now]; ok {
				t.Errorf("field %s of contact %d: the same content as %s", v.Type().Field(i).Name, which, was)
			}
			seen[now] = v.Type().Field(i).Name
			v.Field(i).SetZero()
		}
	}
}

func change(field reflect.Value) {
	switch field.Kind() {
	case reflect.String:
		field.SetString("other")
	case reflect.Bool:
		field.SetBool(!field.Bool())
	case reflect.Float64:
		field.SetFloat(-1.5)
	case reflect.Slice:
		list := reflect.MakeSlice(field.Type(), 2, 2)
		for i := range list.Len() {
			change(list.Index(i))
		}
		field.Set(list)
	case reflect.Array:
		for i := range field.Len() {
			change(field.Index(i))
		}
	case reflect.Struct:
		for i := range field.NumField() {
			change(field.Field(i))
		}
	case reflect.Int, reflect.Int32, reflect.Int64:
		field.SetInt(77)
	default:
		field.SetUint(77)
	}
}

func TestAnOpenJourneyHasNoEndInItsContent(t *testing.T) {
	open, later := pipeline.JourneyRow{Outcome: "open"}, pipeline.JourneyRow{Outcome: "open", EndedAt: 5}
	if open.Content() != later.Content() {
		t.Error("the end of an open journey is part of its content")
	}
}

func TestRowDigest(t *testing.T) {
	if got := pipeline.RowDigest(3, 2); got != 10577349846663553072 { // SELECT intHash64(1)
		t.Errorf("got %d", got)
	}
	if pipeline.RowDigest(7, 1) == pipeline.RowDigest(7, 2) {
		t.Error("the version is not part of the digest")
	}
}

func TestContentOfEventsTellsThemApart(t *testing.T) {
	e := event.Event{ID: "e", Source: "s", Type: "x.happened", At: 5}
	row := pipeline.EventRow{Event: &e}
	before := row.Content()
	row.Position, row.StoredAt, row.Partition = 1, 2, 3
	e.Data.Agent = "a"
	if row.Content() != before {
		t.Error("the position, the time of storing, the partition or the agent is part of the content")
	}
	e.Data.Product = "p"
	if row.Content() == before {
		t.Error("the product is not part of the content")
	}
}
