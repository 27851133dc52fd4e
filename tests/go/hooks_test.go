package tests

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"husk.example/husk"
)

// finalized returns a type whose records call fn.
func finalized(t testing.TB, fn func(*husk.Record)) *husk.Type {
	t.Helper()
	typ, err := Node.WithFinalizer(fn)
	if err != nil {
		t.Fatal(err)
	}
	return typ
}

func TestCycle(t *testing.T) {
	h := newHeap(t)
	runs := 0
	typ := finalized(t, func(r *husk.Record) {
		runs++
		same(t, "value in the finalizer", husk.Must(husk.Get[int](r, "value")) > 0, true)
		same(t, "dying", husk.Must(r.IsDying()), true)
		// The fellow garbage is whole; the handle on it ends with this function.
		same(t, "next", husk.Must(husk.Get[*husk.Record](r, "next")) != nil, true)
	})
	one, two := husk.Must(h.New(typ, 1)), husk.Must(h.New(typ, 2))
	ok(t, one.Set("next", two))
	ok(t, two.Set("next", one))
	weak := husk.Must(one.Weak())
	same(t, "count", husk.Must(one.StrongCount()), 2)
	same(t, "refcount", husk.Must(husk.RefCount(one)), 1)
	ok(t, one.Release())
	ok(t, two.Release())
	same(t, "state", husk.Must(weak.State()), husk.Alive)
	dry := husk.Must(h.CollectDry())
	same(t, "dry", dry.Collected, 2)
	pass := husk.Must(h.Collect())
	same(t, "collected", pass.Collected, 2)
	same(t, "finalized", pass.Finalized, 2)
	same(t, "weak cleared", pass.WeakCleared, 1)
	same(t, "runs", runs, 2)
	same(t, "state", husk.Must(weak.State()), husk.Dead)
	_, there := weak.Get()
	same(t, "there", there, false)
	same(t, "reason", pass.Reason.String(), "call")
}

func TestResurrection(t *testing.T) {
	h := newHeap(t)
	saved := husk.Must(h.List())
	var kept *husk.Record
	typ := finalized(t, func(r *husk.Record) {
		kept = r
		ok(t, saved.Append(r))
	})
	bird := husk.Must(h.New(typ, "phoenix"))
	ok(t, bird.Release())
	same(t, "saved", saved.Len(), 1)
	// The handle of the finalizer has ended; the object is back.
	wants(t, kept.Set("value", 1), husk.ErrReleased)
	back := husk.Must(husk.At[*husk.Record](saved, 0))
	same(t, "value", husk.Must(husk.Get[string](back, "value")), "phoenix")
	same(t, "finalized", husk.Must(back.IsFinalized()), true)
	ok(t, back.Release())
	kept = nil
	ok(t, saved.Clear()) // the second end is the last
	same(t, "saved", saved.Len(), 0)

	// Keeping the handle alone does not bring it back.
	typ2 := finalized(t, func(r *husk.Record) { kept = r })
	ok(t, husk.Must(h.New(typ2)).Release())
	same(t, "alive", kept.Alive(), false)
	same(t, "objects", husk.Must(h.Census())["Node"], 0)
}

func TestWeakCallback(t *testing.T) {
	h := newHeap(t)
	var order []string
	n := husk.Must(h.New(Node))
	first := husk.Must(n.WeakFunc(func(w *husk.Weak) {
		_, there := w.Get()
		order = append(order, fmt.Sprint("first ", there))
	}))
	second := husk.Must(n.WeakFunc(func(w *husk.Weak) { order = append(order, "second") }))
	shared := husk.Must(n.Weak())
	if husk.Must(n.Weak()).ID() != shared.ID() {
		t.Error("two plain weak references to one object")
	}
	same(t, "weak count", husk.Must(n.WeakCount()), 3)
	got, there := first.Get()
	same(t, "there", there, true)
	same(t, "equal", husk.Equal(got, n), true)
	ok(t, got.(*husk.Record).Release())
	if !husk.Identity {
		ok(t, n.Release())
	}
	same(t, "order", strings.Join(order, ", "), "second, first false")
	// One that was released first does not call.
	n2 := husk.Must(h.New(Node))
	ok(t, husk.Must(n2.WeakFunc(func(*husk.Weak) { t.Error("called") })).Release())
	ok(t, n2.Release())
	runtime.KeepAlive(first)
	runtime.KeepAlive(second)
}

func TestCleanups(t *testing.T) {
	h := newHeap(t)
	var order []string
	note := func(text string) func() { return func() { order = append(order, text) } }
	n := husk.Must(h.New(Node))
	_ = husk.Must(n.OnDeath(note("first"), false))
	second := husk.Must(n.OnDeath(note("second"), false))
	third := husk.Must(n.OnDeath(note("third"), true))
	fourth := husk.Must(n.OnDeath(note("fourth"), false))
	same(t, "pending", husk.Must(h.Cleanups()), 4)
	same(t, "detach", husk.Must(second.Detach()), true)
	same(t, "detach again", husk.Must(second.Detach()), false)
	same(t, "run", husk.Must(fourth.Run()), true)
	same(t, "run again", husk.Must(fourth.Run()), false)
	same(t, "at exit", husk.Must(third.AtExit()), true)
	ok(t, third.SetAtExit(false))
	same(t, "at exit", husk.Must(third.AtExit()), false)
	got, there := third.Get()
	same(t, "get", there && husk.Equal(got, n), true)
	if !husk.Identity {
		ok(t, got.Release())
	}
	ok(t, n.Release())
	same(t, "order", strings.Join(order, ", "), "fourth, third, first")
	same(t, "pending", husk.Must(third.Pending()), false)
	_, there = third.Get()
	same(t, "get", there, false)

	order = nil
	m := husk.Must(h.New(Node))
	_ = husk.Must(m.OnDeath(note("exit one"), true))
	_ = husk.Must(m.OnDeath(note("exit two"), true))
	_ = husk.Must(m.OnDeath(note("never"), false))
	same(t, "run at exit", husk.Must(h.RunCleanups()), 2)
	same(t, "order", strings.Join(order, ", "), "exit two, exit one")
	_ = husk.Must(m.OnDeath(note("closing"), true))
	order = nil
	ok(t, m.MakeImmortal())
	ok(t, h.Close())
	same(t, "order", strings.Join(order, ", "), "closing")
}

// A cleanup that is run inside a hook, by whichever goroutine, may end before that hook or after it: here each waits for
// the other's beginning or end.
func TestCleanupsRunInHooks(t *testing.T) {
	for _, first := range []string{"the hook", "the cleanup"} {
		h := newHeap(t)
		n := husk.Must(h.New(Node))
		inHook, inCleanup, released, ran := make(chan int), make(chan int), make(chan int), make(chan int)
		var watch *husk.Weak
		cleanup := husk.Must(n.OnDeath(func() {
			close(inCleanup)
			if first == "the hook" {
				<-released
				same(t, "state", husk.Must(watch.State()), husk.Dead) // its own handle did not bring it back
			}
		}, false))
		dying := husk.Must(h.New(finalized(t, func(*husk.Record) {
			close(inHook)
			<-inCleanup
			if first == "the cleanup" {
				<-ran
			}
		})))
		watch = husk.Must(dying.Weak())
		done := make(chan error)
		go func() {
			err := dying.Release()
			close(released)
			done <- err
		}()
		<-inHook
		same(t, "run", husk.Must(cleanup.Run()), true)
		close(ran)
		ok(t, <-done)
		same(t, "run again", husk.Must(cleanup.Run()), false)
		_, err := h.Collect()
		ok(t, err)
		ok(t, n.Release())
		same(t, "objects", husk.Must(h.Figures()).Objects, 2) // the cleanup, and watch
		ok(t, cleanup.Release())
		ok(t, h.Close())
	}
}

// Inside a hook no others are run at exit: that says so, and they are still pending.
func TestCleanupsAtExitInHook(t *testing.T) {
	h := newHeap(t)
	n, m := husk.Must(h.New(Node)), husk.Must(h.New(Node))
	ran := false
	_ = husk.Must(m.OnDeath(func() { ran = true }, true))
	_ = husk.Must(n.OnDeath(func() {
		_, err := h.RunCleanups()
		wants(t, err, husk.ErrBusy, "Heap.RunCleanups")
	}, false))
	ok(t, n.Release())
	same(t, "ran", ran, false)
	same(t, "run", husk.Must(h.RunCleanups()), 1)
	same(t, "ran", ran, true)
}

// Cleanups that run each other take no thread each: Go has 10,000 at most.
func TestCleanupsInCleanups(t *testing.T) {
	h := newHeap(t)
	n := husk.Must(h.New(Node))
	const count = 11000
	cleanups := make([]*husk.Cleanup, count)
	for i := range cleanups {
		i := i
		cleanups[i] = husk.Must(n.OnDeath(func() {
			if i+1 < count {
				same(t, "run", husk.Must(cleanups[i+1].Run()), true)
			} else {
				panic("the end")
			}
		}, false))
	}
	same(t, "run", husk.Must(cleanups[0].Run()), true)
	reports := h.taken()
	same(t, "reports", len(reports), 1)
	wants(t, reports[0], husk.ErrHook, "cleanup: panic: the end")
}

// silent ends the goroutine that asks it for its text.
type silent struct{}

func (silent) Error() string {
	runtime.Goexit()
	return ""
}

// Whatever a function of the program does, the heap goes on and the error hook hears of it.
func TestBadHooks(t *testing.T) {
	cause := errors.New("the cause")
	for name, bad := range map[string]func(){
		"panic: boom":                  func() { panic("boom") },
		"panic: the cause":             func() { panic(cause) },
		"it ended its goroutine":       runtime.Goexit,
		"panic: a tests.silent":        func() { panic(silent{}) },
		"nil pointer dereference":      func() { var n *husk.Record; _ = n.Kind() },
		"index out of range":           func() { var a []int; a[len(a)]++ },
		"panic: Node has no such luck": func() { panic(fmt.Sprintf("Node has no such %s", "luck")) },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHeap(t)
			check := func(what string) {
				t.Helper()
				reports := h.taken()
				if len(reports) != 1 {
					t.Fatalf("%s: %d reports: %v", what, len(reports), reports)
				}
				wants(t, reports[0], husk.ErrHook, what, name)
				if strings.Contains(name, "the cause") && !errors.Is(reports[0], cause) {
					t.Error("the cause is lost")
				}
				ok(t, h.Verify())
			}
			r := husk.Must(h.New(finalized(t, func(*husk.Record) { bad() })))
			ok(t, r.Release())
			check("finalizer of Node")

			n := husk.Must(h.New(Node))
			w := husk.Must(n.WeakFunc(func(*husk.Weak) { bad() }))
			ok(t, n.Release())
			check("callback of a weak reference")
			runtime.KeepAlive(w)

			n = husk.Must(h.New(Node))
			_ = husk.Must(n.OnDeath(bad, false))
			ok(t, n.Release())
			check("cleanup")

			phases := 0
			id := husk.Must(h.OnPass(func(phase husk.Phase, _ husk.Pass) {
				if phases++; phase == husk.PassStop {
					bad()
				}
			}))
			_ = husk.Must(h.Collect())
			same(t, "phases", phases, 2)
			check("callback of a pass")
			ok(t, h.OffPass(id))
			wants(t, h.OffPass(id), husk.ErrMissing)
		})
	}
}

// Inside hooks the heap may be used; collecting and closing say busy.
func TestHooksUseTheHeap(t *testing.T) {
	h := newHeap(t)
	log := husk.Must(h.List())
	typ := finalized(t, func(r *husk.Record) {
		ok(t, log.Append(husk.Must(r.Get("value"))))
		ok(t, log.Append(husk.Must(h.New(Node, "made in a finalizer"))))
		_, err := h.Collect()
		wants(t, err, husk.ErrBusy)
		wants(t, h.Verify(), husk.ErrBusy)
		wants(t, h.Close(), husk.ErrBusy, "test")
	})
	n := husk.Must(h.New(typ, "one"))
	ok(t, n.Release())
	same(t, "log", log.Len(), 2)

	var passes []string
	id := husk.Must(h.OnPass(func(phase husk.Phase, pass husk.Pass) {
		passes = append(passes, fmt.Sprint(phase, pass.Collected))
		_ = husk.Must(h.New(Node))
	}))
	a := husk.Must(h.New(Node))
	ok(t, a.Set("next", a))
	ok(t, a.Release())
	_ = husk.Must(h.Collect())
	same(t, "passes", strings.Join(passes, " "), "start 0 stop 1")
	ok(t, h.OffPass(id))
}

// While one goroutine runs a hook, others use the heap; none runs under the lock.
func TestHooksLeaveTheHeapFree(t *testing.T) {
	h := newHeap(t)
	inside, goOn := make(chan int), make(chan int)
	typ := finalized(t, func(*husk.Record) {
		inside <- 1
		<-goOn
	})
	n := husk.Must(h.New(typ))
	done := make(chan error)
	go func() { done <- n.Release() }()
	<-inside
	list := husk.Must(h.List(1, 2, 3))
	same(t, "length", list.Len(), 3)
	wants(t, h.Close(), husk.ErrBusy)
	ok(t, list.Release())
	close(goOn)
	ok(t, <-done)
}

// The error hook itself may panic, and use the heap: the report is then printed, not lost.
func TestErrorHook(t *testing.T) {
	h := newHeap(t)
	heard := 0
	h.OnError(func(err error) {
		heard++
		wants(t, err, husk.ErrHook, "test")
		_ = husk.Must(h.New(Node))
	})
	ok(t, husk.Must(h.New(finalized(t, func(*husk.Record) { panic(1) }))).Release())
	same(t, "heard", heard, 1)
	h.OnError(h.report)
}

func TestWeakContainers(t *testing.T) {
	h := newHeap(t)
	keys := husk.Must(h.WeakKeyMap())
	key := husk.Must(h.New(Node, "key"))
	value := husk.Must(h.New(Node, "value"))
	ok(t, value.Set("next", key)) // the value refers to its key: an ephemeron all the same
	ok(t, keys.Set(key, value))
	same(t, "found", husk.Equal(husk.Must(keys.Get(key)).(husk.Object), value), true)
	same(t, "length", keys.Len(), 1)
	seen := 0
	ok(t, keys.Each(func(k husk.Object, v any) bool { seen++; return husk.Equal(k, key) }))
	same(t, "seen", seen, 1)
	_, err := keys.Get(value)
	wants(t, err, husk.ErrMissing)
	wants(t, keys.Set(nil, 1), husk.ErrInvalid)
	wants(t, keys.Remove(value), husk.ErrMissing)
	_, err = keys.Get(nil)
	wants(t, err, husk.ErrInvalid)

	values := husk.Must(h.WeakValueMap())
	ok(t, values.Set("lamp", key))
	ok(t, values.Set(1, value))
	same(t, "found", husk.Equal(husk.Must(values.Get("lamp")), key), true)
	ok(t, values.Remove(1))
	wants(t, values.Remove("none"), husk.ErrMissing)
	wants(t, values.Set("x", nil), husk.ErrInvalid)
	wants(t, values.Set("x", (*husk.Record)(nil)), husk.ErrInvalid)

	set := husk.Must(h.WeakSet())
	ok(t, set.Add(key))
	ok(t, set.Add(key))
	same(t, "has", husk.Must(set.Has(key)), true)
	same(t, "has", husk.Must(set.Has(value)), false)
	same(t, "length", set.Len(), 1)
	wants(t, set.Remove(value), husk.ErrMissing)
	ok(t, set.Each(func(x husk.Object) bool { return husk.Equal(x, key) }))

	ok(t, value.Release())
	ok(t, key.Release())
	_ = husk.Must(h.CollectAll()) // other handles on the two may wait for Go's collector
	same(t, "keys", keys.Len(), 0)
	same(t, "values", values.Len(), 0)
	same(t, "set", set.Len(), 0)
	_, err = values.Get("lamp")
	wants(t, err, husk.ErrMissing)
	for _, c := range []interface{ Clear() error }{keys, values, set} {
		ok(t, c.Clear())
	}
}
