package tests

import (
	"math"
	"testing"
	"time"

	"husk.example/husk"
)

func litter(t *testing.T, h *fixture, count int) {
	t.Helper()
	s := h.NewScope()
	for i := 0; i < count; i++ {
		n := husk.Must(s.New(Node))
		ok(t, n.Set("next", n))
		ok(t, n.Release())
	}
	ok(t, s.Close())
}

func TestPacingState(t *testing.T) {
	h := newHeap(t, husk.Options{Name: "state"})
	s := husk.Must(h.PacingState())
	same(t, "why", s.Why, "set")
	same(t, "kept", s.TimeKept, true)
	ok(t, h.SetPacing(husk.Pacing{LeastObjects: 200, Factor: 1, FactorMax: 2}))
	litter(t, h, 20000)
	s = husk.Must(h.PacingState())
	if s.Automatic == 0 || s.AutomaticExamined == 0 || s.TimeShare <= 0 || s.TimeShare > 1 || s.Last <= 0 {
		t.Errorf("%+v", s)
	}
}

func TestBound(t *testing.T) {
	h := newHeap(t, husk.Options{Name: "bound"})
	ok(t, h.SetPacing(husk.Pacing{LeastObjects: 500, Factor: 1, FactorMax: 2}))
	for i := 0; i < 100; i++ {
		litter(t, h, 50)
		b := husk.Must(h.Bound())
		f := husk.Must(h.Figures())
		if !b.Kept || b.Why != "kept" || b.Holder != "" || b.Bytes != math.MaxUint64 ||
			b.GarbageObjects > b.Objects || uint64(f.Objects) > b.Objects {
			t.Fatalf("%+v, %d objects", b, f.Objects)
		}
	}
	ok(t, h.Disable("loader"))
	b := husk.Must(h.Bound())
	if b.Kept || b.Why != "disabled" || b.Holder != "loader" || b.Objects != math.MaxUint64 {
		t.Errorf("%+v", b)
	}
	ok(t, h.Enable())
}

func TestSoftLimit(t *testing.T) {
	h := newHeap(t, husk.Options{Name: "soft"})
	ok(t, h.SetPacing(husk.Pacing{Factor: 1, FactorMax: 2}))
	ok(t, h.SetSoftLimit(2<<20))
	for _, bad := range []uint64{1, 1000000, math.MaxUint64} {
		wants(t, h.SetSoftLimit(bad), husk.ErrRange)
	}
	litter(t, h, 60000)
	s := husk.Must(h.SoftLimit())
	if s.Bytes != 2<<20 || s.Passes == 0 || s.Exceeded && s.HeldBackTimes == 0 {
		t.Errorf("%+v", s)
	}
	ok(t, h.SetSoftLimit(0))
	same(t, "off", husk.Must(h.SoftLimit()), husk.SoftLimit{})
}

func TestNoGC(t *testing.T) {
	h := newHeap(t, husk.Options{Name: "region"})
	ok(t, h.SetPacing(husk.Pacing{LeastObjects: 100, Factor: 1, FactorMax: 2}))
	_, begun, err := h.NoGC()
	ok(t, err)
	same(t, "begun", begun, false)
	_, err = h.EndNoGC()
	wants(t, err, husk.ErrState)
	wants(t, h.BeginNoGC(husk.Budget{}), husk.ErrRange)
	wants(t, h.BeginNoGC(husk.Budget{Objects: math.MaxUint64}), husk.ErrRange)
	wants(t, h.BeginNoGC(husk.Budget{Objects: 5, Reserve: true}), husk.ErrRange)
	wants(t, h.BeginNoGC(husk.Budget{Objects: 5, Holder: "a\x00b"}), husk.ErrInvalid)
	before := husk.Must(h.Stats()).Passes
	ok(t, h.BeginNoGC(husk.Budget{Objects: 5000, Bytes: 1 << 20, Reserve: true, Holder: "frame"}))
	wants(t, h.BeginNoGC(husk.Budget{Objects: 5}), husk.ErrState)
	litter(t, h, 3000)
	r, begun, err := h.NoGC()
	ok(t, err)
	if !begun || !r.Active || !r.Kept || r.GrownObjects != 3000 {
		t.Errorf("%v %+v", begun, r)
	}
	r = husk.Must(h.EndNoGC())
	if r.Active || !r.Kept || r.Why != "kept" || r.Holder != "frame" {
		t.Errorf("%+v", r)
	}
	same(t, "passes", husk.Must(h.Stats()).Passes, before)
	ok(t, h.BeginNoGC(husk.Budget{Objects: 1000}))
	litter(t, h, 12000)
	r = husk.Must(h.EndNoGC())
	if r.Kept || r.Why != "budget" {
		t.Errorf("%+v", r)
	}
}

func TestIdle(t *testing.T) {
	h := newHeap(t, husk.Options{Name: "idle"})
	i := husk.Must(h.Idle(time.Second))
	if i.Passed || i.More {
		t.Errorf("%+v", i)
	}
	ok(t, h.SetPacing(husk.Pacing{LeastObjects: 4000, Factor: 1, FactorMax: 2}))
	litter(t, h, 2000)
	i = husk.Must(h.Idle(10 * time.Second))
	if !i.Passed || i.Collected != 2000 || i.More || i.Took <= 0 || i.Expected <= 0 {
		t.Errorf("%+v", i)
	}
	s := h.NewScope()
	keep(t, h, s, 60000)
	same(t, "finished", husk.Must(h.Step(10*time.Microsecond)).Finished, false)
	i = husk.Must(h.Idle(10 * time.Second)) // what is under way is gone on with
	if !i.Stepped || !i.Passed || i.More || husk.Must(h.Steps()).UnderWay {
		t.Errorf("%+v", i)
	}
	ok(t, s.Close())
	for _, bad := range []time.Duration{0, time.Microsecond, 2 * time.Hour, -time.Second} {
		_, err := h.Idle(bad)
		wants(t, err, husk.ErrRange)
	}
}

func TestStressEvery(t *testing.T) {
	h := newHeap(t, husk.Options{Name: "stress"})
	same(t, "off", husk.Must(h.Stress()), husk.Stress{})
	ok(t, h.SetStress(husk.Stress{Every: 3}))
	before := husk.Must(h.Stats()).Passes
	litter(t, h, 30)
	same(t, "passes", husk.Must(h.Stats()).Passes, before+10)
	wants(t, h.SetStress(husk.Stress{Every: 1 << 33}), husk.ErrRange)
	same(t, "kept", husk.Must(h.Stress()), husk.Stress{Every: 3})
	ok(t, h.SetStress(husk.Stress{}))
}
