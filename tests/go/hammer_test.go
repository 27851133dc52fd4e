package tests

import (
	"errors"
	"fmt"
	"math/rand"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"husk.example/husk"
)

// Eight goroutines share one heap: they make, link, look, count, forget, release and collect, with finalizers and
// callbacks that use the heap and sometimes panic. All that may fail is that another goroutine released a handle
// first, or that a hook runs. HUSK_HAMMER is the number of operations, 10^6 in all if it is not set.
func TestHammer(t *testing.T) {
	operations := hammerOperations
	if text := os.Getenv("HUSK_HAMMER"); text != "" {
		operations = husk.Must(strconv.Atoi(text))
	}
	if os.Getenv("HUSK_TEST_SMALL") != "" || testing.Short() {
		operations /= 20
	}
	var ended, gone, cleaned, panicked atomic.Int64
	h := newHeap(t)
	log := husk.Must(h.List())
	typ := finalized(t, func(r *husk.Record) {
		n := ended.Add(1)
		if n%64 == 0 {
			_, _ = r.Get("next")
			_ = log.Append(r) // it comes back
		}
		if n%256 == 0 {
			panicked.Add(1)
			panic("a finalizer panics")
		}
	})

	const workers, places = 8, 64
	var shared [places]atomic.Pointer[husk.Record]
	registry, set := husk.Must(h.WeakKeyMap()), husk.Must(h.WeakSet())
	var group sync.WaitGroup
	for w := 0; w < workers; w++ {
		group.Add(1)
		go func(random *rand.Rand) {
			defer group.Done()
			for i := 0; i < operations/workers; i++ {
				if err := hammer(h, random, typ, shared[:], log, registry, set, &gone, &cleaned); err != nil {
					t.Errorf("operation %d: %v", i, err)
					return
				}
			}
		}(rand.New(rand.NewSource(int64(w))))
	}
	group.Wait()

	ok(t, h.Verify())
	for _, err := range h.taken() {
		wants(t, err, husk.ErrHook, "a finalizer panics")
		panicked.Add(-1)
	}
	same(t, "panics that were not reported", panicked.Load(), 0)
	for i := range shared {
		shared[i].Store(nil)
	}
	for i := 0; i < 10 && husk.Must(h.Census())["Node"] > 0; i++ {
		ok(t, log.Clear()) // finalizers put nodes there again
		_ = husk.Must(h.CollectAll())
	}
	same(t, "nodes left", husk.Must(h.Census())["Node"], 0)
	same(t, "entries left", registry.Len()+set.Len(), 0)
	same(t, "cleanups left", husk.Must(h.Cleanups()), 0)
	same(t, "Go values left", husk.Must(h.Figures()).Values, 0)
	h.taken()
	t.Logf("%d operations: %d finalizers, %d callbacks, %d cleanups, %d passes", operations, ended.Load(),
		gone.Load(), cleaned.Load(), husk.Must(h.Stats()).Passes)
	if ended.Load() == 0 || gone.Load() == 0 || cleaned.Load() == 0 {
		t.Error("some hook never ran")
	}
	runtime.KeepAlive(registry)
}

// hammer does one operation.
func hammer(h *fixture, random *rand.Rand, typ *husk.Type, shared []atomic.Pointer[husk.Record], log *husk.List,
	registry *husk.WeakKeyMap, set *husk.WeakSet, gone, cleaned *atomic.Int64) error {
	at := &shared[random.Intn(len(shared))]
	one, two := at.Load(), shared[random.Intn(len(shared))].Load()
	if one == nil || two == nil {
		return put(h, at, typ)
	}
	var err error
	switch what := random.Intn(1000); {
	case what < 200:
		err = put(h, at, typ)
	case what < 350:
		err = one.Set("next", two)
	case what < 500:
		_, err = one.Get("next")
	case what < 550:
		err = one.Set("value", random.Int63())
	case what < 600:
		_, err = husk.RefCount(one)
	case what < 640:
		err = one.Set("value", "some text")
	case what < 680:
		err = one.Release()
	case what < 720:
		var w *husk.Weak
		if w, err = one.Weak(); err == nil {
			_, _ = w.Get()
		}
	case what < 760:
		var w *husk.Weak
		w, err = one.WeakFunc(func(w *husk.Weak) {
			gone.Add(1)
			if _, there := w.Get(); there {
				panic("it is still there")
			}
		})
		if err == nil {
			err = log.Append(w) // held by the heap
		}
	case what < 800:
		_, err = one.OnDeath(func() {
			cleaned.Add(1)
			_ = log.Len()
		}, false)
	case what < 840:
		err = registry.Set(one, two) // an ephemeron, perhaps in a cycle
	case what < 870:
		err = set.Add(one)
	case what < 900:
		s := h.NewScope()
		var l *husk.List
		if l, err = s.List(one, two, 1); err == nil {
			_, err = husk.At[*husk.Record](l, 0)
		}
		if closing := s.Close(); err == nil {
			err = closing
		}
	case what < 940:
		err = one.Set("value", husk.Must(h.Box(fmt.Sprint(what))))
	case what < 960:
		_, err = one.Referents()
	case what < 962:
		_, err = h.Collect()
	case what < 964:
		err = log.Clear()
	case what < 966:
		_, err = h.Census()
	case what < 967:
		runtime.GC()
	default:
		_ = one.String()
	}
	if errors.Is(err, husk.ErrReleased) || errors.Is(err, husk.ErrBusy) {
		return nil
	}
	return err
}

// put makes a record and forgets the one that was there.
func put(h *fixture, at *atomic.Pointer[husk.Record], typ *husk.Type) error {
	r, err := h.New(typ, 1)
	if err == nil {
		at.Store(r)
	}
	return err
}
