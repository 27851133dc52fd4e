//go:build go1.24

package husk

// #include "host.h"
import "C"

import (
	"runtime"
	"sync/atomic"
	"weak"
)

// With weak pointers a heap finds the one handle of an object, and notices by itself which handles are gone: after
// each collection of Go's it looks through its slots, some at each call. A cleanup for each handle would say the same
// at twice the price of the handle; so there is one, which counts Go's collections.

// Identity reports whether there is one handle for each object, so that == compares objects. It is true with Go 1.24
// and later.
const Identity = true

// How many slots one call looks through after a collection of Go's.
const sweepStep = 256

// What the first of Go's collections leaves to be told of, the second one tells.
const settleRounds = 2

// collections counts Go's collections, a little late.
var collections atomic.Uint32

var watching atomic.Bool

type sentinel struct{ _ *int }

func watch() {
	runtime.AddCleanup(&sentinel{}, func(int) {
		collections.Add(1)
		watch()
	}, 0)
}

// What a handle carries for this file: nothing.
type extra struct{}

type slot struct {
	obj    *C.husk_obj // one reference; nil: the slot is free
	handle weak.Pointer[Obj]
}

type handles struct {
	slots []slot
	free  []uint32
	index map[*C.husk_obj]uint32 // the newest handle of an object
	seen  uint32                 // collections, when the slots were last looked through
	left  int                    // slots still to be looked at
}

func (t *handles) init() {
	t.index = map[*C.husk_obj]uint32{}
	t.seen = collections.Load()
	if !watching.Swap(true) {
		watch()
	}
}

// add gives a handle its slot. o.obj is a reference of the handle's.
func (t *handles) add(o *Obj) {
	if n := len(t.free); n > 0 {
		o.slot = t.free[n-1]
		t.free = t.free[:n-1]
	} else {
		o.slot = uint32(len(t.slots))
		t.slots = append(t.slots, slot{})
	}
	t.slots[o.slot] = slot{o.obj, weak.Make(o)}
	t.index[o.obj] = o.slot
}

// find returns the handle of an object, or nil.
func (t *handles) find(obj *C.husk_obj) *Obj {
	at, ok := t.index[obj]
	if !ok {
		return nil
	}
	return t.slots[at].handle.Value()
}

func (t *handles) remove(o *Obj) { t.drop(o.slot) }

func (t *handles) drop(at uint32) {
	obj := t.slots[at].obj
	if t.index[obj] == at {
		delete(t.index, obj)
	}
	t.slots[at] = slot{}
	t.free = append(t.free, at)
}

// stale reports whether takeLost may find something.
func (t *handles) stale() bool { return t.left > 0 || t.seen != collections.Load() }

// takeLost looks at up to n slots and takes out the references of handles that are gone; n < 0: at all.
func (t *handles) takeLost(n int) (lost []*C.husk_obj) {
	if now := collections.Load(); n < 0 || t.left == 0 && t.seen != now { // a round under way is finished first
		t.seen = now
		t.left = len(t.slots)
	}
	if n < 0 || n > t.left {
		n = t.left
	}
	for ; n > 0; n-- {
		t.left--
		one := &t.slots[t.left]
		if one.obj != nil && one.handle.Value() == nil {
			lost = append(lost, one.obj)
			t.drop(uint32(t.left))
		}
	}
	return lost
}

// takeAll takes out the references of all handles.
func (t *handles) takeAll() (all []*C.husk_obj) {
	for at := range t.slots {
		if obj := t.slots[at].obj; obj != nil {
			all = append(all, obj)
			t.drop(uint32(at))
		}
	}
	return all
}

// each calls fn for each open handle's slot and object.
func (t *handles) each(fn func(at uint32, obj *C.husk_obj)) {
	for at := range t.slots {
		if t.slots[at].obj != nil {
			fn(uint32(at), t.slots[at].obj)
		}
	}
}

// heapRef is how the table of heaps knows a heap: weakly, so that a forgotten one can be found out.
type heapRef struct {
	weak   weak.Pointer[Heap]
	strong *Heap
}

func refTo(h *Heap) heapRef { return heapRef{weak: weak.Make(h)} }

func (r heapRef) get() *Heap {
	if r.strong != nil {
		return r.strong
	}
	return r.weak.Value()
}
