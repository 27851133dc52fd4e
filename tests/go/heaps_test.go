package tests

import (
	"errors"
	"math"
	"runtime"
	"strings"
	"testing"
	"time"

	"husk.example/husk"
)

func TestClosed(t *testing.T) {
	h := newHeap(t, husk.Options{Name: "shut"})
	n, l, m := husk.Must(h.New(Node, 1)), husk.Must(h.List(1)), husk.Must(h.Map())
	b, w := husk.Must(h.Box(1)), husk.Must(n.Weak())
	c := husk.Must(n.OnDeath(func() {}, false))
	s := h.NewScope()
	inScope := husk.Must(s.List())
	ok(t, h.Close())
	ok(t, h.Close())
	same(t, "closed", h.Closed(), true)
	same(t, "text", h.String(), "heap 'shut' (closed)")
	same(t, "handle", l.String(), "list (heap closed)")
	same(t, "alive", n.Alive(), false)
	same(t, "length", l.Len()+m.Len(), 0)
	var errs []error
	note := func(err error) { errs = append(errs, err) }
	one := func(_ any, err error) { note(err) }
	one(n.Get("value"))
	note(n.Set("value", 1))
	one(n.Type())
	note(n.Each(func(string, any) bool { return true }))
	note(n.Release())
	note(n.Retain())
	one(n.StrongCount())
	one(n.WeakCount())
	one(n.Size())
	one(n.IsDying())
	note(n.MakeImmortal())
	one(n.Weak())
	one(n.WeakFunc(func(*husk.Weak) {}))
	one(n.OnDeath(func() {}, false))
	one(n.Referents())
	one(n.Referrers())
	one(husk.RefCount(n))
	one(husk.Get[int](n, "value"))
	one(husk.Keep(n))
	one(l.At(0))
	note(l.Append(1))
	note(l.Set(0, 1))
	note(l.Remove(0))
	note(l.Clear())
	note(l.Each(func(int, any) bool { return true }))
	one(m.Get(1))
	note(m.Set(1, 1))
	note(m.Remove(1))
	note(m.Each(func(any, any) bool { return true }))
	one(b.Value())
	one(b.SetValue(1))
	one(w.State())
	one(c.Pending())
	one(c.Run())
	one(c.Detach())
	one(c.AtExit())
	note(c.SetAtExit(true))
	note(inScope.Append(1))
	one(s.List())
	one(h.New(Node))
	one(h.List())
	one(h.Map())
	one(h.Box(1))
	one(h.WeakSet())
	one(h.Collect())
	one(h.CollectDry())
	one(h.CollectAll())
	one(h.Figures())
	one(h.Census())
	one(h.Objects())
	one(h.Stats())
	one(h.YoungStats())
	one(h.CollectYoung())
	one(h.Step(time.Second))
	one(h.Steps())
	one(h.Counts())
	one(h.Pacing())
	one(h.PacingState())
	one(h.Bound())
	one(h.SoftLimit())
	one(h.EndNoGC())
	one(h.Idle(time.Second))
	one(h.Stress())
	one(h.Garbage())
	one(h.Trim())
	one(h.Cleanups())
	one(h.RunCleanups())
	one(h.OnPass(func(husk.Phase, husk.Pass) {}))
	note(h.SetPacing(husk.Pacing{Factor: 1, FactorMax: 2}))
	note(h.SetSoftLimit(0))
	note(h.SetYoung(0))
	note(h.SetPause(0))
	note(h.BeginNoGC(husk.Budget{Objects: 1}))
	note(h.SetStress(husk.Stress{}))
	note(h.SetMaxBytes(0))
	note(h.Disable("x"))
	note(h.Enable())
	note(h.Freeze())
	note(h.Unfreeze())
	note(h.Verify())
	note(h.Drain())
	note(h.Safepoint())
	note(h.Request())
	note(h.SetSaveAll(true))
	note(h.ClearGarbage())
	note(h.OffPass(1))
	for i, err := range errs {
		if !errors.Is(err, husk.ErrClosed) || !errors.Is(err, husk.ErrState) || !strings.Contains(err.Error(), "'shut'") {
			t.Errorf("call %d: %v", i, err)
		}
	}
	if _, there := w.Get(); there {
		t.Error("a weak reference of a closed heap gave something")
	}
	ok(t, s.Close())
}

func TestReleased(t *testing.T) {
	h := newHeap(t)
	n := husk.Must(h.New(Node, 1))
	ok(t, n.Retain())
	ok(t, n.Release())
	ok(t, n.Set("value", 2))
	ok(t, n.Release())
	wants(t, n.Release(), husk.ErrReleased, "record")
	wants(t, n.Set("value", 1), husk.ErrReleased)
	same(t, "alive", n.Alive(), false)
	same(t, "text", n.String(), "record (released)")
	list := husk.Must(h.List())
	wants(t, list.Append(n), husk.ErrReleased, "record")
	var none *husk.Record
	wants(t, list.Append(none), husk.ErrInvalid, "nil pointer")
	wants(t, list.Append(&husk.List{}), husk.ErrInvalid)
	_, err := (&husk.List{}).At(0)
	wants(t, err, husk.ErrInvalid)
	_, err = husk.Get[int](nil, "value")
	wants(t, err, husk.ErrInvalid)
	_, err = husk.RefCount(none)
	wants(t, err, husk.ErrInvalid)
	_, err = husk.RefCount(nil)
	wants(t, err, husk.ErrInvalid)
	same(t, "equal", husk.Equal(n, list), false)
	same(t, "equal nils", husk.Equal(nil, none), true)
	same(t, "objects", husk.Must(h.Census())["Node"], 0)
}

func TestOtherHeaps(t *testing.T) {
	a, b := newHeap(t, husk.Options{Name: "a"}), newHeap(t, husk.Options{Name: "b"})
	x, y := husk.Must(a.New(Node)), husk.Must(b.List())
	wants(t, x.Set("next", y), husk.ErrHeap, "a list of heap 'b'", "'a'")
	wants(t, husk.Must(b.Map()).Set(x, 1), husk.ErrHeap)
	wants(t, husk.Must(b.WeakSet()).Add(x), husk.ErrHeap)
	ok(t, b.Close())
	wants(t, x.Set("next", y), husk.ErrHeap)
	same(t, "refcount", husk.Must(husk.RefCount(x)), 0)
}

func TestLimits(t *testing.T) {
	_, err := husk.New(husk.Options{Name: "tiny", MaxBytes: 1})
	wants(t, err, husk.ErrLimit, "tiny")
	_, err = husk.New(husk.Options{}, husk.Options{})
	wants(t, err, husk.ErrInvalid)
	h := newHeap(t, husk.Options{Name: "small", MaxBytes: 400000})
	list := husk.Must(h.List())
	for err = nil; err == nil; {
		var n *husk.Record
		if n, err = h.New(Node, "some text"); err == nil {
			err = list.Append(n)
		}
	}
	wants(t, err, husk.ErrLimit)
	ok(t, h.Verify())
	figures := husk.Must(h.Figures())
	if figures.BytesPeak > 400000 || figures.MaxBytes != 400000 {
		t.Errorf("figures: %+v", figures)
	}
	wants(t, h.SetMaxBytes(1000), husk.ErrLimit)
	ok(t, h.SetMaxBytes(0))
	ok(t, list.Append("now there is room"))
}

func TestControls(t *testing.T) {
	h := newHeap(t)
	ok(t, h.Disable("a test"))
	ok(t, h.Disable("another"))
	same(t, "who", strings.Join(h.DisabledBy(), ","), "a test,another")
	same(t, "enabled", h.Enabled(), false)
	ok(t, h.Enable())
	ok(t, h.Enable())
	wants(t, h.Enable(), husk.ErrState)
	wants(t, h.Disable("a\x00b"), husk.ErrInvalid, "NUL")
	pacing := husk.Must(h.Pacing())
	same(t, "least", pacing.LeastObjects, uint64(16384))
	pacing.LeastObjects = 1000
	ok(t, h.SetPacing(pacing))
	same(t, "pacing", husk.Must(h.Pacing()), pacing)
	for _, factor := range []float64{-1, 0, 99, math.NaN(), math.Inf(1)} {
		bad := pacing
		bad.Factor = factor
		wants(t, h.SetPacing(bad), husk.ErrRange)
	}
	same(t, "pacing", husk.Must(h.Pacing()), pacing)
	same(t, "limit", husk.Must(h.Counts()).LimitObjects, uint64(1000))

	ok(t, h.SetSaveAll(true))
	same(t, "save all", h.SaveAll(), true)
	n := husk.Must(h.New(Node, 7))
	ok(t, n.Set("next", n))
	ok(t, n.Release())
	_ = husk.Must(h.Collect())
	garbage := husk.Must(h.Garbage())
	same(t, "garbage", len(garbage), 1)
	same(t, "reason", garbage[0].Reason, "save-all")
	same(t, "value", husk.Must(husk.Get[int](garbage[0].Object.(*husk.Record), "value")), 7)
	ok(t, garbage[0].Object.(*husk.Record).Release())
	ok(t, h.SetSaveAll(false))
	ok(t, h.ClearGarbage())
	same(t, "collected", husk.Must(h.Collect()).Collected, 1)
	same(t, "passes", husk.Must(h.Stats()).Passes >= 2, true)

	n = husk.Must(h.New(Node))
	ok(t, h.Freeze())
	same(t, "frozen", husk.Must(n.IsFrozen()), true)
	same(t, "frozen", husk.Must(h.Figures()).FrozenObjects, 1)
	ok(t, h.Unfreeze())
	same(t, "frozen", husk.Must(n.IsFrozen()), false)

	ok(t, h.SetDeathBudget(3))
	same(t, "death budget", h.DeathBudget(), uint64(3))
	l := husk.Must(h.List())
	for i := 0; i < 10; i++ {
		m := husk.Must(h.New(Node, i))
		ok(t, l.Append(m))
		ok(t, m.Release())
	}
	ok(t, l.Release())
	same(t, "waiting", husk.Must(h.Figures()).DyingObjects, 8)
	same(t, "waiting bytes", husk.Must(h.Figures()).DyingBytes > 0, true)
	ok(t, h.Verify())
	same(t, "waiting", husk.Must(h.Figures()).DyingObjects, 0)
	ok(t, h.SetDeathBudget(0))
	ok(t, h.Request())
	before := husk.Must(h.Stats()).Passes
	ok(t, h.Safepoint())
	same(t, "a pass was requested", husk.Must(h.Stats()).Passes, before+1)
	_ = husk.Must(h.Trim())
	ok(t, n.MakeImmortal())
	same(t, "immortal", husk.Must(n.IsImmortal()), true)
	same(t, "count", husk.Must(n.StrongCount()), husk.Immortal)
	same(t, "refcount", husk.Must(husk.RefCount(n)), husk.Immortal)
}

func TestLooking(t *testing.T) {
	h := newHeap(t)
	shop := husk.Must(h.New(Node, "text"))
	list := husk.Must(h.List(shop, shop))
	ok(t, shop.Set("next", list))
	edges := husk.Must(shop.Referents())
	same(t, "referents", len(edges), 2)
	same(t, "text", edges[0].To, any("text"))
	same(t, "name", edges[1].Name, "next")
	same(t, "list", husk.Equal(edges[1].To.(husk.Object), list), true)
	edges = husk.Must(shop.Referrers())
	same(t, "referrers", len(edges), 2)
	for i, edge := range edges {
		same(t, "from", husk.Equal(edge.From, list), true)
		same(t, "to", husk.Equal(edge.To.(husk.Object), shop), true)
		same(t, "index", edge.Index, i)
	}
	same(t, "nodes", len(husk.Must(h.Objects(Node))), 1)
	same(t, "objects", len(husk.Must(h.Objects())), 2)
	census := husk.Must(h.Census())
	same(t, "census", census["Node"]*100+census["list"]*10+census["text"], 111)
	_, err := h.Objects(nil)
	wants(t, err, husk.ErrInvalid)
	same(t, "count", husk.Must(list.StrongCount()) >= 2, true)
	same(t, "tracked", husk.Must(list.IsTracked()), true)
	same(t, "unique", husk.Must(husk.Must(h.Map()).IsUnique()), true)
	if size := husk.Must(list.Size()); size < 32 {
		t.Errorf("a list of %d bytes", size)
	}
	if !strings.HasPrefix(shop.String(), "Node: 0x") || !strings.HasPrefix(h.String(), "heap 'test' (") {
		t.Errorf("texts: %v, %v", shop, h)
	}
	ok(t, husk.Must(husk.Must(h.New(Node)).Weak()).Release())
}

// Handles that Go's collector finds give their references back at a later call.
func TestForgottenHandles(t *testing.T) {
	h := newHeap(t)
	func() {
		for i := 0; i < 1000; i++ {
			n := husk.Must(h.New(Node, i))
			ok(t, n.Set("next", n)) // and through the object to itself
		}
	}()
	kept := husk.Must(h.New(Node))
	same(t, "nodes", husk.Must(h.Census())["Node"], 1001)
	pass := husk.Must(h.CollectAll())
	if pass.Collected < 990 { // the stack may still show one or two
		t.Errorf("%d of 1000 forgotten objects were collected", pass.Collected)
	}
	same(t, "alive", kept.Alive(), true)

	// Without collecting, by ordinary calls alone.
	list := husk.Must(h.List())
	func() {
		for i := 0; i < 1000; i++ {
			_ = husk.Must(h.New(Node, i))
		}
	}()
	for try := 0; husk.Must(h.Census())["Node"] > 15 && try < 200; try++ {
		runtime.GC()
		time.Sleep(time.Millisecond)
		_ = list.Len()
	}
	if nodes := husk.Must(h.Census())["Node"]; nodes > 15 {
		t.Errorf("%d nodes are left", nodes)
	}
	runtime.KeepAlive(kept)
}

// A heap that is forgotten without Close closes itself, and says so.
func TestForgottenHeap(t *testing.T) {
	if !husk.Identity {
		t.Skip("before Go 1.24 a heap must be closed: it is known by the table of heaps")
	}
	heard := make(chan error, 4)
	func() {
		h := husk.Must(husk.New(husk.Options{Name: "forgotten", OnError: func(err error) { heard <- err }}))
		_ = husk.Must(h.New(Node))
	}()
	for i := 0; i < 100; i++ {
		runtime.GC()
		select {
		case err := <-heard:
			wants(t, err, husk.ErrState, "forgotten", "never closed")
			for i := 0; i < 100 && husk.MemoryHeld() > 0; i++ {
				time.Sleep(10 * time.Millisecond)
			}
			return
		case <-time.After(10 * time.Millisecond):
		}
	}
	t.Error("nothing was heard of a forgotten heap")
}

func TestScopes(t *testing.T) {
	h := newHeap(t)
	s := h.NewScope()
	list := husk.Must(s.List())
	for i := 0; i < 100; i++ {
		ok(t, list.Append(husk.Must(s.New(Node, i))))
	}
	a, b := husk.Must(husk.At[*husk.Record](list, 5)), husk.Must(husk.At[*husk.Record](list, 5))
	if a != b {
		t.Error("two handles of one object in a scope")
	}
	same(t, "scope", s.String(), "scope of 101 handles")
	kept := husk.Must(husk.Keep(a))
	if kept == a {
		t.Error("the kept handle is the scope's")
	}
	ok(t, b.Release())
	wants(t, a.Set("value", 1), husk.ErrReleased)
	again := husk.Must(husk.At[*husk.Record](list, 5))
	same(t, "value", husk.Must(husk.Get[int](again, "value")), 5)
	_ = husk.Must(s.NewWith(Node, husk.Values{"value": 1}))
	_, _, _ = husk.Must(s.Map()), husk.Must(s.Box(1)), husk.Must(s.WeakSet())
	_, _ = husk.Must(s.WeakKeyMap()), husk.Must(s.WeakValueMap())
	ok(t, s.Close())
	ok(t, s.Close())
	wants(t, again.Set("value", 1), husk.ErrReleased)
	_, err := s.List()
	wants(t, err, husk.ErrState, "scope")
	same(t, "kept", husk.Must(husk.Get[int](kept, "value")), 5)
	same(t, "nodes", husk.Must(h.Census())["Node"], 1)
	same(t, "lists", husk.Must(h.Census())["list"], 0)
}

// With Track, Close names what is still open and where it was made.
func TestTracking(t *testing.T) {
	h := newHeap(t, husk.Options{Name: "tracked", Track: true})
	left := husk.Must(h.New(Node)) // heaps_test.go, and this line
	box := husk.Must(h.Box(left))
	ok(t, left.Set("value", box)) // a cycle through a Go value: nobody can find it
	ok(t, box.Release())
	_ = h.NewScope()
	gone := husk.Must(h.New(Node))
	ok(t, gone.Release())
	ok(t, h.Close())
	var text []string
	for _, err := range h.taken() {
		wants(t, err, husk.ErrState, "tracked", "heaps_test.go:")
		text = append(text, err.Error())
	}
	all := strings.Join(text, "\n")
	for _, want := range []string{"a Go value (*husk.Record) given to Box at heaps_test.go:", "a handle of Node made at heaps_test.go:", "a scope of 0 handles made at"} {
		if strings.Count(all, want) != 1 {
			t.Errorf("%q is not there once:\n%s", want, all)
		}
	}
	runtime.KeepAlive(left)

	t.Setenv("HUSK_GO_TRACK", "1")
	h = newHeap(t)
	open := husk.Must(h.List())
	ok(t, h.Close())
	same(t, "reports", len(h.taken()), 1)
	runtime.KeepAlive(open)
}
