package tests

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"testing"

	"husk.example/husk"
)

// A program may end in the middle of a hook.
func TestExitInHook(t *testing.T) {
	if os.Getenv("HUSK_TEST_EXIT") != "" {
		h := husk.Must(husk.New())
		typ := husk.Must(Node.WithFinalizer(func(*husk.Record) {
			fmt.Println("leaving")
			os.Exit(7)
		}))
		_ = husk.Must(h.New(typ)).Release()
		fmt.Println("never here")
		return
	}
	command := exec.Command(os.Args[0], "-test.run=^TestExitInHook$")
	command.Env = append(os.Environ(), "HUSK_TEST_EXIT=1")
	output, err := command.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 7 || string(output) != "leaving\n" {
		t.Errorf("%v: %s", err, output)
	}
}

// What has no error hook is a line on stderr; what has one that panics, too.
func TestReportsAreNotLost(t *testing.T) {
	if os.Getenv("HUSK_TEST_REPORT") != "" {
		h := husk.Must(husk.New(husk.Options{Name: "loud"}))
		bad := husk.Must(Node.WithFinalizer(func(*husk.Record) { panic("first") }))
		_ = husk.Must(h.New(bad)).Release()
		h.OnError(func(error) { panic("second") })
		_ = husk.Must(h.New(bad)).Release()
		_ = h.Close()
		return
	}
	command := exec.Command(os.Args[0], "-test.run=^TestReportsAreNotLost$")
	command.Env = append(os.Environ(), "HUSK_TEST_REPORT=1")
	output, err := command.CombinedOutput()
	ok(t, err)
	for text, times := range map[string]int{
		"husk: loud: finalizer of Node: panic: first (HUSK_EHOOK)": 2,
		"husk: the error hook of heap 'loud': panic: second":       1,
	} {
		if strings.Count(string(output), text) != times {
			t.Errorf("%q is not there %d times:\n%s", text, times, output)
		}
	}
}

// Functions that are given to Each run without the lock, so that a panic in one passes through and leaves the heap as
// it was.
func TestPanicInEach(t *testing.T) {
	h := newHeap(t)
	m, l, n := husk.Must(h.Map()), husk.Must(h.List(1)), husk.Must(h.New(Node))
	ok(t, m.Set(1, 1))
	for name, run := range map[string]func(){
		"map":    func() { _ = m.Each(func(any, any) bool { panic("out") }) },
		"list":   func() { _ = l.Each(func(int, any) bool { panic("out") }) },
		"record": func() { _ = n.Each(func(string, any) bool { panic("out") }) },
	} {
		func() {
			defer func() {
				if p := recover(); p != "out" {
					t.Errorf("%s: recovered %v", name, p)
				}
			}()
			run()
		}()
		ok(t, h.Verify())
	}
	// The handle may die, and the heap close, under the iteration.
	seen := 0
	wants(t, l.Each(func(int, any) bool { seen++; return l.Release() == nil }), husk.ErrReleased)
	same(t, "seen", seen, 1)
	wants(t, m.Each(func(any, any) bool { return h.Close() == nil }), husk.ErrClosed)
}

// A chain of a million objects ends without recursion, in C and in Go.
func TestDeepChain(t *testing.T) {
	h := newHeap(t)
	s := h.NewScope()
	var last any
	const links = 1000000
	for i := 0; i < links; i++ {
		if i%10000 == 0 && i > 0 { // keep the newest alone
			kept := husk.Must(husk.Keep(last.(*husk.Record)))
			ok(t, s.Close())
			s = h.NewScope()
			last = kept
		}
		last = husk.Must(s.New(Node, i, last))
	}
	ok(t, s.Close())
	for husk.Must(h.Census())["Node"] > 0 {
		_ = husk.Must(h.CollectAll()) // the kept handles go with Go's collector
	}
}

// Closing while others are at work: each call of theirs works or says closed.
func TestCloseMeanwhile(t *testing.T) {
	for round := 0; round < 20; round++ {
		h := newHeap(t)
		typ := finalized(t, func(r *husk.Record) { _, _ = r.Get("next") })
		var group sync.WaitGroup
		for w := 0; w < 4; w++ {
			group.Add(1)
			go func() {
				defer group.Done()
				var last any
				for {
					n, err := h.New(typ, 1, last)
					if err == nil {
						err = n.Set("next", n)
					}
					if err == nil {
						_, err = n.OnDeath(func() { _ = n.Alive() }, true)
					}
					if err == nil {
						_, err = n.Get("next")
					}
					if err != nil {
						if !errors.Is(err, husk.ErrClosed) {
							t.Error(err)
						}
						return
					}
					last = n
				}
			}()
		}
		for {
			runtime.Gosched()
			err := h.Close()
			if err == nil && h.Closed() {
				break
			}
			if err != nil && !errors.Is(err, husk.ErrBusy) {
				t.Fatal(err)
			}
		}
		group.Wait()
		for _, err := range h.taken() { // what they made while it closed is still theirs
			wants(t, err, husk.ErrState, "still held")
		}
	}
}

// Everything works with a pass at every allocation.
func TestStress(t *testing.T) {
	h := newHeap(t, husk.Options{Name: "stress", Stress: true})
	finalizers := 0
	typ := finalized(t, func(*husk.Record) { finalizers++ })
	list := husk.Must(h.List())
	for i := 0; i < 200; i++ {
		n := husk.Must(h.New(typ, i, "text"))
		ok(t, n.Set("next", n))
		if i%2 == 0 {
			ok(t, list.Append(n))
		}
		ok(t, n.Release())
	}
	_ = husk.Must(h.Collect())
	same(t, "finalizers", finalizers, 100)
	same(t, "left", list.Len(), 100)
}

// Sizes that make no sense, and those that are merely large.
func TestSizes(t *testing.T) {
	h := newHeap(t, husk.Options{Name: "sizes", MaxBytes: 64 << 20})
	n := husk.Must(h.New(Node))
	big := strings.Repeat("0123456789abcdef", 1<<20) // 16 MiB
	ok(t, n.Set("value", big))
	if back := husk.Must(husk.Get[string](n, "value")); back != big {
		t.Errorf("%d bytes came back", len(back))
	}
	wants(t, n.Set("next", strings.Repeat(big, 8)), husk.ErrLimit)
	ok(t, h.Verify())
	long := strings.Repeat("name", 1000)
	typ := husk.Must(husk.NewType(long, long))
	same(t, "name", typ.Name(), long)
	_, err := husk.Must(h.New(typ)).Get(long + "!")
	wants(t, err, husk.ErrMissing)
}

// Handles and heaps that were not made, and copies of those that were: errors, whatever becomes of the original.
func TestStrays(t *testing.T) {
	h := newHeap(t)
	n := husk.Must(h.New(Node, 1))
	copied := copyOf(n)
	wants(t, copied.Set("value", 2), husk.ErrInvalid, "copy")
	wants(t, copied.Release(), husk.ErrInvalid, "copy")
	wants(t, husk.Must(h.List()).Append(copied), husk.ErrInvalid, "copy")
	same(t, "alive", copied.Alive(), false)
	same(t, "text", copied.String(), "record (copied)")
	same(t, "equal", husk.Equal(n, copied), false)
	same(t, "value", husk.Must(husk.Get[int](n, "value")), 1)

	var none husk.Record
	wants(t, none.Set("value", 1), husk.ErrInvalid, "not made")
	same(t, "text", none.String(), "no object")
	same(t, "alive", none.Alive(), false)
	wants(t, n.Set("next", &none), husk.ErrInvalid, "not made")

	var empty husk.Heap
	_, err := empty.New(Node)
	wants(t, err, husk.ErrClosed)
	ok(t, empty.Close())
	_, err = empty.NewScope().List()
	wants(t, err, husk.ErrClosed)
	second := copyOf(h.Heap)
	_, err = second.List()
	wants(t, err, husk.ErrClosed)
	ok(t, second.Close())
	ok(t, n.Set("value", 3))

	_, err = h.New(new(husk.Type))
	wants(t, err, husk.ErrInvalid, "NewType")
	_, err = h.Objects(new(husk.Type))
	wants(t, err, husk.ErrInvalid, "NewType")
}

// Scopes too; and what is written over a handle or a scope by its pointer costs no reference.
func TestStrayScopes(t *testing.T) {
	h := newHeap(t)
	s := h.NewScope()
	first := husk.Must(s.New(Node, 1))
	copied := copyOf(s)
	_, err := copied.New(Node)
	wants(t, err, husk.ErrInvalid, "copy")
	_, err = copied.Map()
	wants(t, err, husk.ErrInvalid, "copy")
	wants(t, copied.Close(), husk.ErrInvalid, "copy")
	same(t, "text", copied.String(), "no scope")
	var none husk.Scope
	_, err = none.List()
	wants(t, err, husk.ErrInvalid, "NewScope")
	wants(t, none.Close(), husk.ErrInvalid, "NewScope")
	same(t, "text", none.String(), "no scope")

	second := husk.Must(s.New(Node, 2))
	overwrite(first, second)
	wants(t, first.Set("value", 3), husk.ErrInvalid, "copy")
	same(t, "value", husk.Must(husk.Get[int](second, "value")), 2)
	ok(t, s.Close())
	same(t, "objects", husk.Must(h.Figures()).Objects, 0)

	s, other := h.NewScope(), h.NewScope()
	_ = husk.Must(s.List())
	_ = husk.Must(other.List())
	overwrite(s, other)
	wants(t, s.Close(), husk.ErrInvalid, "copy")
	ok(t, h.Close())
	reports := h.taken() // whose list the first scope had, nobody knows any more
	same(t, "reports", len(reports), 1)
	wants(t, reports[0], husk.ErrState, "1 object of type list still held")
}

// What dies in the middle of a walk is named in the error with the walk.
func TestReleaseInEach(t *testing.T) {
	h := newHeap(t)
	list, n := husk.Must(h.List(1, 2)), husk.Must(h.New(Node))
	wants(t, list.Each(func(int, any) bool { return list.Release() == nil }), husk.ErrReleased, "List.Each")
	wants(t, n.Each(func(string, any) bool { return n.Release() == nil }), husk.ErrReleased, "Record.Each")
}

// A struct that embeds a handle is an Object as well. It is no value, but wherever an Object is asked for the handle counts.
func TestEmbeddedHandles(t *testing.T) {
	type user struct{ *husk.Record }
	h := newHeap(t)
	a, b := user{husk.Must(h.New(Node, 1))}, user{husk.Must(h.New(Node, 2))}
	same(t, "other", husk.Equal(a, b), false)
	same(t, "same", husk.Equal(a, a.Record), true)
	same(t, "nil", husk.Equal(a, nil), false)
	same(t, "none", husk.Equal(user{}, nil), true)
	same(t, "references", husk.Must(husk.RefCount(a)), 0)
	set, keys, values := husk.Must(h.WeakSet()), husk.Must(h.WeakKeyMap()), husk.Must(h.WeakValueMap())
	ok(t, set.Add(a))
	same(t, "has", husk.Must(set.Has(a.Record)), true)
	ok(t, keys.Set(a, "one"))
	same(t, "value", husk.Must(husk.As[string](keys.Get(a.Record))), "one")
	ok(t, values.Set("a", a))
	same(t, "object", husk.Equal(husk.Must(values.Get("a")), a), true)
	wants(t, set.Add(user{}), husk.ErrInvalid, "nil")
	_, err := husk.Keep(a)
	wants(t, err, husk.ErrType, "tests.user is no handle")
	wants(t, a.Set("next", b), husk.ErrType, "tests.user")
}

// copyOf copies what must not be copied, behind the back of go vet.
func copyOf[T any](x *T) *T {
	y := new(T)
	*y = *x
	return y
}

// overwrite writes one struct over another, behind the back of go vet.
func overwrite[T any](to, from *T) { *to = *from }
