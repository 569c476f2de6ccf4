package pipeline

import (
	"bytes"
	"testing"

	"parcours/pipeline/churn"
	"parcours/pipeline/event"
	"parcours/pipeline/rules"
)

// ofAnother is a model as another version published it: it looks at a feature that this one does not have.
func ofAnother(t *testing.T) string {
	t.Helper()
	m := churn.Prior(churn.AllFeatures())
	m.Prior, m.Features, m.Least, m.Most = false, append(m.Features, "of another version"), append(m.Least, 0), append(m.Most, 1)
	m.Means[0] = append(m.Means[0], 0)
	for g := range m.Months {
		m.Months[g].Coefficients = append(m.Months[g].Coefficients, 0.5)
	}
	text, err := churn.MarshalModel(m.Versioned())
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestModelOfAnotherVersion: a model in a checkpoint that this version cannot score with makes nothing unreadable. It is kept as it
// was published, and what was in force before it scores on.
func TestModelOfAnotherVersion(t *testing.T) {
	sound := churn.Prior(churn.AllFeatures())
	sound.Prior = false
	text, err := churn.MarshalModel(sound.Versioned())
	if err != nil {
		t.Fatal(err)
	}
	p := NewPartition(Setup{Book: rules.Default()})
	p.models = []publishedModel{{position: 1, from: 10, text: string(text), model: sound}, {position: 2, from: 20, text: ofAnother(t)}}
	restore := func() []byte {
		t.Helper()
		var state bytes.Buffer
		if err := p.Snapshot().Write(&state); err != nil {
			t.Fatal(err)
		}
		written := bytes.Clone(state.Bytes())
		again, err := Restore(Setup{Book: rules.Default()}, &state)
		if err != nil {
			t.Fatalf("the checkpoint cannot be read: %v", err)
		}
		p = again
		return written
	}
	inForce := func(at event.Instant) string {
		if m := p.ModelAt(at); m != nil {
			return m.Version
		}
		return churn.PriorVersion
	}
	before := restore()
	if len(p.models) != 2 || p.models[1].text != ofAnother(t) {
		t.Fatalf("models: %+v", p.models)
	}
	for at, want := range map[event.Instant]string{5: churn.PriorVersion, 15: sound.Version, 25: sound.Version} {
		if got := inForce(at); got != want {
			t.Errorf("at %d %s is in force, not %s", at, got, want)
		}
	}
	if !bytes.Equal(restore(), before) {
		t.Error("written again the state differs")
	}
	p.forgetModels(25)
	if got := inForce(25); got != sound.Version {
		t.Errorf("once a day was scored %s is in force, not %s", got, sound.Version)
	}
}
