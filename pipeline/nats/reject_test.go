package nats_test

import (
	"bytes"
	"errors"
	"reflect"
	"testing"

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
