package nats_test

import (
	"bytes"
	"errors"
	"reflect"
	"testing"
	"time"

	"parcours/pipeline"
	"parcours/pipeline/nats"
)

func rejection(reason string) pipeline.Rejection {
	return pipeline.Rejection{Reason: reason, Source: "/crm", Field: "data.channel", Expected: "one of phone", Bytes: 70_000,
		SHA256: "ab", Sealed: bytes.Repeat([]byte{7}, 64<<10), SeenAt: 1_791_018_862_123}
}

func TestReject(t *testing.T) {
	b := newSite(t).provisioned()
	all := []pipeline.Rejection{rejection("unknown_value"), rejection("broken_json"), rejection("broken_json")}
	if err := b.Reject(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	counts, err := b.RejectedCount(t.Context())
	if err != nil || !reflect.DeepEqual(counts, map[string]uint64{"unknown_value": 1, "broken_json": 2}) {
		t.Errorf("%v, %v", counts, err)
	}
	r, err := b.ReadRejected(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for i, m := range collect(t, r, 3) {
		got, err := nats.DecodeRejected(m.Body)
		if err != nil || !reflect.DeepEqual(got, all[i]) || m.Type != all[i].Reason || m.Position != uint64(i+1) {
			t.Errorf("%d: %+v, %v", i, m, err)
		}
	}
}

func TestRejectedFull(t *testing.T) {
	b := newSite(t).provisioned(func(c *nats.Config) { c.RejectedMaxBytes = 200_000 })
	var err error
	for range 10 {
		err = errors.Join(err, b.Reject(t.Context(), []pipeline.Rejection{rejection("too_big")}))
	}
	if !errors.Is(err, pipeline.ErrLogFull) {
		t.Errorf("%v", err)
	}
	if counts, _ := b.RejectedCount(t.Context()); counts["too_big"] != 2 {
		t.Errorf("%v", counts)
	}
}

func TestRejectAway(t *testing.T) {
	s := newSite(t)
	b := s.provisioned()
	s.stop()
	if err := b.Reject(t.Context(), []pipeline.Rejection{rejection("too_big")}); !errors.Is(err, pipeline.ErrLogAway) {
		t.Errorf("%v", err)
	}
}

// What the fold sets aside is kept once, whoever sets it aside again: at once by its message id, later because the last
// position is known.
func TestSetAside(t *testing.T) {
	s := newSite(t)
	b := s.provisioned(func(c *nats.Config) { c.DuplicateWindow = 100 * time.Millisecond })
	reasons := []string{"id_reused", "too late"}
	aside := func(position uint64, reason string) []pipeline.Rejection {
		r := rejection(reason)
		r.Position, r.Row = position, position*10
		return []pipeline.Rejection{r}
	}
	want := func(position uint64, kept int) {
		t.Helper()
		if got, err := b.LastSetAside(t.Context(), reasons); got != position || err != nil {
			t.Errorf("last set aside %d, want %d: %v", got, position, err)
		}
		counts, err := b.RejectedCount(t.Context())
		if err != nil || int(counts["id_reused"]+counts["too_late"]) != kept {
			t.Errorf("%v, want %d: %v", counts, kept, err)
		}
	}
	reject := func(list []pipeline.Rejection) {
		t.Helper()
		if err := b.Reject(t.Context(), list); err != nil {
			t.Fatal(err)
		}
	}
	want(0, 0)
	reject(append(aside(7, "id_reused"), aside(9, "too late")...))
	reject(append(aside(9, "id_reused"), rejection("broken_json"))) // one message, two reasons; another, never in the log
	want(9, 3)
	reject(append(aside(11, "id_reused"), aside(11, "id_reused")...))
	want(11, 4)
	eventually(t, func() bool { // the duplicate window ends
		reject([]pipeline.Rejection{{Reason: "probe", Position: 1, SeenAt: 1}})
		counts, err := b.RejectedCount(t.Context())
		return err == nil && counts["probe"] > 1
	})
	b = s.bus()
	last, err := b.LastSetAside(t.Context(), reasons)
	if err != nil {
		t.Fatal(err)
	}
	for _, position := range []uint64{7, 9, 11, 12} { // a new process, from its checkpoint
		if position > last {
			reject(aside(position, "too late"))
		}
	}
	want(12, 5)
	if got, err := b.LastSetAside(t.Context(), []string{"broken_json", "never"}); got != 0 || err != nil {
		t.Errorf("%d, %v", got, err)
	}
}

func TestRejected(t *testing.T) {
	s := newSite(t)
	b := s.provisioned()
	first, second := rejection("broken_json"), rejection("id_reused")
	second.Position, second.Row = 17, 4
	if err := b.Reject(t.Context(), []pipeline.Rejection{first, second}); err != nil {
		t.Fatal(err)
	}
	r, err := b.ReadRejected(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for i, want := range collect(t, r, 2) {
		got, err := b.Rejected(t.Context(), uint64(i+1))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%+v, %v, want %+v", got, err, want)
		}
		decoded, err := nats.DecodeRejected(got.Body)
		if err != nil || !reflect.DeepEqual(decoded, []pipeline.Rejection{first, second}[i]) {
			t.Errorf("%+v, %v", decoded, err)
		}
		if kept := bytes.Contains(got.Body, []byte(`"position"`)) || bytes.Contains(got.Body, []byte(`"row"`)); kept != (i == 1) {
			t.Errorf("%s", got.Body)
		}
	}
	if err := stream(t, s, "REJECTED").DeleteMsg(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	for _, sequence := range []uint64{0, 1, 3} {
		if _, err := b.Rejected(t.Context(), sequence); !errors.Is(err, pipeline.ErrNoObject) {
			t.Errorf("%d: %v", sequence, err)
		}
	}
	s.stop()
	_, one := b.Rejected(t.Context(), 2)
	_, last := b.LastSetAside(t.Context(), []string{"id_reused"})
	if !errors.Is(one, pipeline.ErrLogAway) || !errors.Is(last, pipeline.ErrLogAway) {
		t.Errorf("%v; %v", one, last)
	}
}
