package tests

import (
	"fmt"
	"math"
	"math/rand"
	"strings"
	"testing"
	"time"

	"husk.example/husk"
)

// quiet has a heap in which nothing starts by itself.
func quiet(t *testing.T, name string) *fixture {
	t.Helper()
	h := newHeap(t, husk.Options{Name: name})
	ok(t, h.SetPacing(husk.Pacing{Factor: 1, FactorMax: 2}))
	ok(t, h.SetYoung(0))
	return h
}

func finish(t *testing.T, h *fixture, budget time.Duration) (uint64, husk.Pass) {
	t.Helper()
	for count := uint64(1); ; count++ {
		s := husk.Must(h.Step(budget))
		if s.Finished {
			return count, s.SoFar
		}
	}
}

func keep(t *testing.T, h *fixture, s *husk.Scope, count int) {
	t.Helper()
	list := husk.Must(s.List())
	for i := 0; i < count; i++ {
		n := husk.Must(s.New(Node))
		ok(t, list.Append(n))
		ok(t, n.Release())
	}
}

func TestStep(t *testing.T) {
	h := quiet(t, "slices")
	s := h.NewScope()
	keep(t, h, s, 20000)
	litter(t, h, 20000)
	count, p := finish(t, h, 50*time.Microsecond)
	if count < 2 || p.Collected != 20000 || p.Generation != 0 || p.Reason != husk.ByCall {
		t.Errorf("%d steps, %+v", count, p)
	}
	all := husk.Must(h.Steps())
	if all.Begun != 1 || all.Finished != 1 || all.Steps != count || all.UnderWay || all.GivenUp != 0 ||
		all.Nominated < 20000 || all.Longest <= 0 {
		t.Errorf("%+v", all)
	}
	same(t, "passes", husk.Must(h.Stats()).Passes, 1)
	same(t, "young runs", husk.Must(h.YoungStats()).Passes, 0)
	if took := husk.Must(h.Step(10 * time.Second)).Took; took <= 0 || took > 10*time.Second {
		t.Errorf("took %v", took)
	}
	ok(t, h.Verify())
	ok(t, s.Close())
}

func TestStepGivenUp(t *testing.T) {
	h := quiet(t, "given up")
	s := h.NewScope()
	keep(t, h, s, 60000)
	for i, use := range []func() error{
		func() error { _, err := h.Collect(); return err }, h.Verify,
		func() error { _, err := h.CollectDry(); return err }, h.Freeze,
	} {
		same(t, "finished", husk.Must(h.Step(10*time.Microsecond)).Finished, false)
		same(t, "under way", husk.Must(h.Steps()).UnderWay, true)
		ok(t, use())
		all := husk.Must(h.Steps())
		same(t, "under way", all.UnderWay, false)
		same(t, "given up", all.GivenUp, uint64(i+1))
	}
	ok(t, h.Unfreeze())
	litter(t, h, 5)
	_, p := finish(t, h, time.Second)
	same(t, "collected", p.Collected, 5)
	ok(t, s.Close())
}

func TestStepRanges(t *testing.T) {
	h := quiet(t, "ranges")
	for _, bad := range []time.Duration{-1, 1, 9999, 10*time.Second + 1, math.MaxInt64, math.MinInt64} {
		_, err := h.Step(bad)
		wants(t, err, husk.ErrRange)
		wants(t, h.SetPause(bad), husk.ErrRange)
	}
	_, err := h.Step(0)
	wants(t, err, husk.ErrRange)
	for _, bad := range []uint64{1, 63, 1<<24 + 1, math.MaxUint64} {
		wants(t, h.SetYoung(bad), husk.ErrRange)
	}
	same(t, "pause", h.Pause(), 0)
	same(t, "young", h.Young(), 0)
	same(t, "begun", husk.Must(h.Steps()).Begun, 0)
	ok(t, h.Verify())
}

func TestParallel(t *testing.T) {
	h := quiet(t, "parallel")
	same(t, "parallel", h.Parallel(), 1)
	for _, threads := range []int{8, 2} {
		ok(t, h.SetParallel(threads))
		same(t, "parallel", h.Parallel(), threads)
	}
	litter(t, h, 10)
	same(t, "collected", husk.Must(h.Collect()).Collected, 10)
	records := husk.Must(h.PassRecords())
	last := records[len(records)-1]
	same(t, "threads", last.Threads, 1) // below two million objects they are not woken
	if !strings.Contains(last.Line, " threads=1 ") {
		t.Error(last.Line)
	}
	for _, bad := range []int{0, 9, -1, math.MaxInt, math.MinInt} {
		err := h.SetParallel(bad)
		wants(t, err, husk.ErrRange)
		if text := fmt.Sprintf("%d threads are not within 1 to 8", bad); !strings.Contains(err.Error(), text) {
			t.Errorf("%v does not say %q", err, text)
		}
	}
	same(t, "parallel", h.Parallel(), 2)
	ok(t, h.Verify())
}

func TestPause(t *testing.T) {
	h := newHeap(t, husk.Options{Name: "pause"})
	same(t, "young", h.Young(), 4096)
	ok(t, h.SetYoung(0))
	ok(t, h.SetPause(10*time.Microsecond))
	same(t, "pause", h.Pause(), 10*time.Microsecond)
	ok(t, h.SetPacing(husk.Pacing{LeastObjects: 2000, Factor: 1, FactorMax: 2}))
	litter(t, h, 50000)
	all := husk.Must(h.Steps())
	if all.Finished == 0 || all.Steps <= all.Finished || husk.Must(h.Figures()).Objects > 20000 {
		t.Errorf("%+v", all)
	}
	ok(t, h.SetPause(0))
	same(t, "pause", h.Pause(), 0)
}

func TestYoung(t *testing.T) {
	h := quiet(t, "young")
	s := h.NewScope()
	keep(t, h, s, 5000)
	husk.Must(h.Collect())
	litter(t, h, 3000)
	p := husk.Must(h.CollectYoung())
	if p.Generation != 1 || p.Collected < 1000 || p.Examined >= 5000 {
		t.Errorf("%+v", p)
	}
	same(t, "collected", husk.Must(h.YoungStats()).Collected, uint64(p.Collected))
	ok(t, h.SetYoung(64))
	ok(t, h.SetPacing(husk.Pacing{LeastObjects: 1 << 20, Factor: 1, FactorMax: 2}))
	litter(t, h, 10000)
	if runs := husk.Must(h.YoungStats()).Passes; runs < 2 {
		t.Errorf("%d young runs", runs)
	}
	ok(t, s.Close())
}

// Steps and young runs between random operations: what is held is there, and in the end nothing is.
func TestStepsRandom(t *testing.T) {
	for seed := int64(0); seed < 8; seed++ {
		h := newHeap(t, husk.Options{Name: "random"})
		ok(t, h.SetPacing(husk.Pacing{LeastObjects: 500, Factor: 1, FactorMax: 2}))
		ok(t, h.SetYoung([]uint64{0, 64}[seed%2]))
		ok(t, h.SetPause([]time.Duration{0, 0, 10 * time.Microsecond}[seed%3]))
		chance := rand.New(rand.NewSource(seed))
		s := h.NewScope()
		var roots [40]*husk.Record
		var ids [40]int
		for made := 1; made < 3000; made++ {
			at := chance.Intn(len(roots))
			switch what := chance.Intn(9); {
			case what < 4 || roots[at] == nil:
				if roots[at] != nil {
					ok(t, roots[at].Release())
				}
				roots[at], ids[at] = husk.Must(s.New(Node)), made
				ok(t, roots[at].Set("value", made))
			case what < 8:
				if to := roots[chance.Intn(len(roots))]; to != nil {
					ok(t, roots[at].Set("next", to))
				}
			default:
				ok(t, roots[at].Release())
				roots[at] = nil
			}
			switch chance.Intn(6) {
			case 0, 1, 2:
				husk.Must(h.Step(10 * time.Microsecond))
			case 3:
				husk.Must(h.CollectYoung())
			}
		}
		ok(t, h.Verify())
		for i, n := range roots {
			if n != nil {
				same(t, "value", husk.Must(n.Get("value")).(int64), int64(ids[i]))
			}
		}
		ok(t, s.Close())
		husk.Must(h.Collect())
		same(t, "objects", husk.Must(h.Figures()).Objects, 0)
	}
}
