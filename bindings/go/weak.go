package husk

// #include "calls.h"
import "C"

import (
	"runtime"
	"unsafe"
)

// A Weak is a handle of a weak reference: it leads to an object without keeping it. It is an object itself, and may be
// stored in slots.
type Weak struct{ Obj }

// A State says whether the object of a weak reference may still be had.
type State int

// The states. A dying object is condemned, and its finalizer may yet bring it back.
const (
	Dead  State = C.HUSK_DEAD
	Dying State = C.HUSK_DYING
	Alive State = C.HUSK_ALIVE
)

// String returns "dead", "dying" or "alive".
func (s State) String() string {
	switch s {
	case Alive:
		return "alive"
	case Dying:
		return "dying"
	}
	return "dead"
}

func (w *Weak) handle() *Obj {
	if w == nil {
		return nil
	}
	return &w.Obj
}

// Weak returns a weak reference to the object. All who ask get the same one.
func (o *Obj) Weak() (*Weak, error) { return o.newWeak("Weak", nil) }

// WeakFunc returns a weak reference of its own that calls gone when the object's memory is back, if the reference is
// still held by then: by its handle, or in a slot. (Cleanups, OnDeath, need not be held.)
func (o *Obj) WeakFunc(gone func(*Weak)) (*Weak, error) {
	if gone == nil {
		return nil, errorf("WeakFunc", ErrInvalid, "the function is nil")
	}
	return o.newWeak("WeakFunc", gone)
}

func (o *Obj) newWeak(op string, gone any) (*Weak, error) {
	w, err := o.newWatcher(op, "WeakFunc", gone, KindWeak, func(obj *C.husk_obj, token *C.husk_go_token) *C.husk_obj {
		weak := C.husk_go_weak_new(obj, token)
		if weak == nil {
			return nil
		}
		return C.husk_go_weak_obj(weak)
	})
	return (*Weak)(unsafe.Pointer(w)), err
}

// Get returns the object. False: it is gone or condemned, or this handle is dead.
func (w *Weak) Get() (Object, bool) { return w.lock("Weak.Get", lockWeak) }

// State returns whether the object may still be had. A container drops an entry when it is Dead, not before.
func (w *Weak) State() (State, error) { return w.state("Weak.State") }

// ---- what weak references, soft ones, cleanups and watches have in common ----

// newWatcher makes one of the object; gone, a function that the heap keeps as what, may be nil.
func (o *Obj) newWatcher(op, what string, gone any, kind Kind,
	make func(*C.husk_obj, *C.husk_go_token) *C.husk_obj) (*Obj, error) {
	if err := o.enter(op); err != nil {
		return nil, err
	}
	defer runtime.KeepAlive(o)
	h := o.heap
	defer h.leave()
	var token *C.husk_go_token
	if gone != nil {
		if token = h.keep(gone, what); token == nil {
			return nil, errorf(op, ErrNoMemory, "%s", ErrNoMemory.Error())
		}
	}
	h.willMake()
	made := make(o.obj, token)
	if made == nil {
		return nil, h.failure(op, Code(C.husk_heap_failure(h.c.heap)))
	}
	return h.wrap(o.scope, made, kind, true), nil
}

func lockWeak(watcher *C.husk_obj) *C.husk_obj { return C.husk_weak_lock(C.husk_go_as_weak(watcher)) }

// lock returns the object that a watcher leads to. False: there is none any more, or this handle is dead.
func (o *Obj) lock(op string, lock func(watcher *C.husk_obj) *C.husk_obj) (Object, bool) {
	if o.enter(op) != nil {
		return nil, false
	}
	defer runtime.KeepAlive(o)
	h := o.heap
	defer h.leave()
	obj := lock(o.obj)
	if obj == nil {
		return nil, false
	}
	return h.wrap(o.scope, obj, Kind(C.husk_go_kind(obj)), true).typed(), true
}

func (o *Obj) state(op string) (State, error) {
	if err := o.enter(op); err != nil {
		return Dead, err
	}
	state := C.husk_weak_state_get(C.husk_go_as_weak(o.obj))
	o.heap.leave()
	runtime.KeepAlive(o)
	return State(state), nil
}

// ---- cleanups ----

// A Cleanup is a handle of a registered cleanup: what is to be done when an object is gone. The registry holds the
// cleanup, so this handle need not be kept. It is a weak reference to its object, and counts as one.
type Cleanup struct{ Obj }

func (c *Cleanup) handle() *Obj {
	if c == nil {
		return nil
	}
	return &c.Obj
}

// OnDeath registers fn for the death of the object, or, with atExit, for the closing of the heap if that comes first.
// It runs at most once; of one object the newest runs first. fn does not get the object, so it cannot bring it back;
// if fn leads to a handle of the object, it keeps it alive.
func (o *Obj) OnDeath(fn func(), atExit bool) (*Cleanup, error) {
	if fn == nil {
		return nil, errorf("OnDeath", ErrInvalid, "the function is nil")
	}
	if err := o.enter("OnDeath"); err != nil {
		return nil, err
	}
	defer runtime.KeepAlive(o)
	h := o.heap
	defer h.leave()
	if h.closing { // it would be next to run, and so for ever
		return nil, h.closedError("OnDeath")
	}
	token := h.keep(fn, "OnDeath")
	if token == nil {
		return nil, errorf("OnDeath", ErrNoMemory, "%s", ErrNoMemory.Error())
	}
	h.willMake()
	cleanup := C.husk_go_cleanup_new(o.obj, token, C.bool(atExit))
	if cleanup == nil {
		return nil, h.failure("OnDeath", Code(C.husk_heap_failure(h.c.heap)))
	}
	obj := C.husk_go_cleanup_obj(cleanup)
	one := h.values[h.lastValue]
	one.obj = obj
	h.values[h.lastValue] = one
	h.cleanups[obj] = h.lastValue
	return (*Cleanup)(unsafe.Pointer(h.wrap(o.scope, obj, KindCleanup, true))), nil
}

// Pending reports whether it is still to run: its object lives and it was not detached.
func (c *Cleanup) Pending() (bool, error) {
	return c.answer("Cleanup.Pending", func(o *C.husk_obj) C.bool { return C.husk_cleanup_is_pending(C.husk_go_as_cleanup(o)) })
}

// Get returns its object. False: that is gone or condemned, or the cleanup is not pending, or this handle is dead.
func (c *Cleanup) Get() (Object, bool) {
	return c.lock("Cleanup.Get", func(o *C.husk_obj) *C.husk_obj { return C.husk_cleanup_get(C.husk_go_as_cleanup(o)) })
}

// Detach takes it off the registry: it will not run. True: it was pending.
func (c *Cleanup) Detach() (bool, error) {
	return c.answer("Cleanup.Detach", func(o *C.husk_obj) C.bool { return C.husk_cleanup_detach(C.husk_go_as_cleanup(o)) })
}

// Run runs it now if it is pending. True: it has run in this call. ErrBusy: it is one of C code, and a hook runs.
func (c *Cleanup) Run() (bool, error) {
	if err := c.enter("Cleanup.Run"); err != nil {
		return false, err
	}
	defer runtime.KeepAlive(c)
	h := c.heap
	defer h.leave()
	cleanup := C.husk_go_as_cleanup(c.obj)
	if h.hooks == 0 {
		return bool(C.husk_cleanup_run(cleanup)), nil
	}
	// Hooks of C have to end in the reverse order, which nobody can ask of two goroutines: inside one there is no other.
	number, ours := h.cleanups[c.obj]
	if !ours && bool(C.husk_cleanup_is_pending(cleanup)) {
		return false, h.busyError("Cleanup.Run")
	}
	fn, _ := h.values[number].value.(func())
	if !bool(C.husk_cleanup_detach(cleanup)) {
		return false, nil
	}
	h.hooks++
	h.hook("cleanup", fn)
	return true, nil
}

// AtExit reports whether it runs when the heap closes.
func (c *Cleanup) AtExit() (bool, error) {
	return c.answer("Cleanup.AtExit", func(o *C.husk_obj) C.bool { return C.husk_cleanup_at_exit(C.husk_go_as_cleanup(o)) })
}

// SetAtExit says whether it is to run when the heap closes.
func (c *Cleanup) SetAtExit(atExit bool) error {
	if err := c.enter("Cleanup.SetAtExit"); err != nil {
		return err
	}
	C.husk_cleanup_set_at_exit(C.husk_go_as_cleanup(c.obj), C.bool(atExit))
	c.heap.leave()
	runtime.KeepAlive(c)
	return nil
}

// RunCleanups runs all pending cleanups that ask for it at exit, the newest first, as Close does. It returns how many.
// ErrBusy: a finalizer or callback of the heap runs.
func (h *Heap) RunCleanups() (int, error) {
	if err := h.enter("Heap.RunCleanups"); err != nil {
		return 0, err
	}
	if h.hooks > 0 {
		h.leave()
		return 0, h.busyError("Heap.RunCleanups")
	}
	n := C.husk_heap_run_cleanups(h.c.heap)
	h.leave()
	return int(n), nil
}

// Cleanups returns how many cleanups are registered and pending.
func (h *Heap) Cleanups() (int, error) {
	if err := h.enter("Heap.Cleanups"); err != nil {
		return 0, err
	}
	n := C.husk_heap_cleanups(h.c.heap)
	h.leave()
	return int(n), nil
}
