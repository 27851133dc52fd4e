//go:build !go1.24

package husk

// #include "host.h"
import "C"

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// Before Go 1.24 there are no weak pointers: asking twice for an object gives two handles, each a reference. A
// finalizer tells when one is gone. It sits on a leaf, which leads nowhere, so that handles may be part of cycles.

// Identity reports whether there is one handle for each object, so that == compares objects. It is true with Go 1.24
// and later.
const Identity = false

const sweepStep = 0 // all that is lost is at hand: there is nothing to look through

// Go's finalizer goroutine takes all that is queued at once and runs the latest first: that one of the second collection has
// run does not say that all of the first have, but when one of the third has, that batch is over.
const settleRounds = 3

// What a handle carries for this file.
type extra struct{ leaf *leaf }

type leaf struct {
	lost *lostSlots
	slot uint32
}

// lostSlots is filled by Go's finalizer goroutine.
type lostSlots struct {
	mu    sync.Mutex
	count atomic.Int32
	slots []uint32
}

func (l *leaf) gone() {
	l.lost.mu.Lock()
	l.lost.slots = append(l.lost.slots, l.slot)
	l.lost.count.Store(int32(len(l.lost.slots)))
	l.lost.mu.Unlock()
}

type handles struct {
	slots []*C.husk_obj // one reference each; nil: the slot is free
	free  []uint32
	lost  *lostSlots
}

func (t *handles) init() { t.lost = &lostSlots{} }

func (t *handles) add(o *Obj) {
	if n := len(t.free); n > 0 {
		o.slot = t.free[n-1]
		t.free = t.free[:n-1]
	} else {
		o.slot = uint32(len(t.slots))
		t.slots = append(t.slots, nil)
	}
	t.slots[o.slot] = o.obj
	o.leaf = &leaf{t.lost, o.slot}
	runtime.SetFinalizer(o.leaf, (*leaf).gone)
}

func (t *handles) find(*C.husk_obj) *Obj { return nil }

func (t *handles) remove(o *Obj) {
	runtime.SetFinalizer(o.leaf, nil)
	o.leaf = nil
	t.drop(o.slot)
}

func (t *handles) drop(at uint32) {
	t.slots[at] = nil
	t.free = append(t.free, at)
}

func (t *handles) stale() bool { return t.lost.count.Load() > 0 }

func (t *handles) takeLost(int) (lost []*C.husk_obj) {
	t.lost.mu.Lock()
	slots := t.lost.slots
	t.lost.slots = nil
	t.lost.count.Store(0)
	t.lost.mu.Unlock()
	for _, at := range slots {
		lost = append(lost, t.slots[at])
		t.drop(at)
	}
	return lost
}

// takeAll takes out the references of all handles. The heap is about to close: their finalizers find nobody.
func (t *handles) takeAll() (all []*C.husk_obj) {
	t.lost = &lostSlots{}
	for at, obj := range t.slots {
		if obj != nil {
			all = append(all, obj)
			t.slots[at] = nil
		}
	}
	t.slots, t.free = nil, nil
	return all
}

func (t *handles) each(fn func(at uint32, obj *C.husk_obj)) {
	for at, obj := range t.slots {
		if obj != nil {
			fn(uint32(at), obj)
		}
	}
}

// heapRef is how the table of heaps knows a heap.
type heapRef struct{ strong *Heap }

func refTo(h *Heap) heapRef { return heapRef{strong: h} }

func (r heapRef) get() *Heap { return r.strong }
