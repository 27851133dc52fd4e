package husk

// #include "calls.h"
import "C"

import (
	"fmt"
	"math"
	"runtime"
	"unsafe"

	"husk.example/husk/internal/raw"
)

// A Kind says which of the ready-made kinds an object is.
type Kind int

// The kinds, each with a handle type of its own. Objects that a C library made of types of its own are KindOther
// and have plain *Obj handles. There is no kind for texts: they are Go strings wherever they appear.
const (
	KindOther        Kind = C.HUSK_KIND_OTHER
	KindRecord       Kind = C.HUSK_KIND_RECORD
	KindList         Kind = C.HUSK_KIND_LIST
	KindMap          Kind = C.HUSK_KIND_MAP
	kindText         Kind = C.HUSK_KIND_TEXT
	KindBox          Kind = C.HUSK_KIND_BOX
	KindWeak         Kind = C.HUSK_KIND_WEAK
	KindWeakKeyMap   Kind = C.HUSK_KIND_WEAKKEYMAP
	KindWeakValueMap Kind = C.HUSK_KIND_WEAKVALUEMAP
	KindWeakSet      Kind = C.HUSK_KIND_WEAKSET
	KindCleanup      Kind = C.HUSK_GO_KIND_CLEANUP
	KindSoft         Kind = C.HUSK_GO_KIND_SOFT
	KindWatch        Kind = C.HUSK_GO_KIND_WATCH
	KindDeadQueue    Kind = C.HUSK_GO_KIND_QUEUE
)

// String returns the kind's name in lower case, as in C: "record", "weakkeymap".
func (k Kind) String() string {
	switch k {
	case KindOther:
		return "other"
	case KindRecord:
		return "record"
	case KindList:
		return "list"
	case KindMap:
		return "map"
	case kindText:
		return "text"
	case KindBox:
		return "box"
	case KindWeak:
		return "weak"
	case KindWeakKeyMap:
		return "weakkeymap"
	case KindWeakValueMap:
		return "weakvaluemap"
	case KindWeakSet:
		return "weakset"
	case KindCleanup:
		return "cleanup"
	case KindSoft:
		return "soft"
	case KindWatch:
		return "watch"
	case KindDeadQueue:
		return "deadqueue"
	}
	return fmt.Sprintf("Kind(%d)", int(k))
}

// An Object is any handle: *Record, *List, *Map, *Box, *Weak, *Cleanup, *Soft, *Watch, *DeadQueue, *WeakKeyMap,
// *WeakValueMap, *WeakSet or *Obj.
type Object interface {
	fmt.Stringer

	Heap() *Heap
	Kind() Kind
	TypeName() string
	ID() uintptr

	Alive() bool
	Retain() error
	Release() error

	StrongCount() (int, error)
	WeakCount() (int, error)
	Size() (int, error)
	IsImmortal() (bool, error)
	MakeImmortal() error
	IsTracked() (bool, error)
	IsFinalized() (bool, error)
	IsFrozen() (bool, error)
	IsDying() (bool, error)
	IsUnique() (bool, error)
	Referents() ([]Edge, error)
	Referrers() ([]Edge, error)
	Weak() (*Weak, error)
	WeakFunc(gone func(*Weak)) (*Weak, error)
	OnDeath(fn func(), atExit bool) (*Cleanup, error)
	Soft() (*Soft, error)
	SoftFunc(gone func(*Soft)) (*Soft, error)

	handle() *Obj
}

// Immortal is the strong count of an object that lives until its heap closes.
const Immortal = math.MaxInt

// An Obj is what all handles have in common. Handles are used by pointer: a copy is refused everywhere.
//
// The handle types are this struct and nothing else, so that a pointer to one can be turned into a pointer to
// another when the kind of the object is known (typed).
type Obj struct {
	_     noCopy
	self  uintptr // its own address: a copy's is another, and nobody would tell when the original is gone
	heap  *Heap
	extra             // of handles_weak.go or handles_final.go
	obj   *C.husk_obj // nil: released
	id    uintptr     // its address, also after that
	typ   *Type       // nil until asked for
	scope *Scope      // nil: the handle is its own
	uses  int32       // Retain
	kind  int32
	slot  uint32
	epoch uint32
}

func (o *Obj) handle() *Obj { return o }

// noCopy makes go vet speak of copies.
type noCopy struct{}

func (*noCopy) Lock()   {}
func (*noCopy) Unlock() {}

// made reports whether this is a handle that a heap has made, and not a copy of one.
func (o *Obj) made() bool { return o.self == uintptr(unsafe.Pointer(o)) }

// typed returns the handle as what it is.
func (o *Obj) typed() Object {
	switch Kind(o.kind) {
	case KindRecord:
		return (*Record)(unsafe.Pointer(o))
	case KindList:
		return (*List)(unsafe.Pointer(o))
	case KindMap:
		return (*Map)(unsafe.Pointer(o))
	case KindBox:
		return (*Box)(unsafe.Pointer(o))
	case KindWeak:
		return (*Weak)(unsafe.Pointer(o))
	case KindCleanup:
		return (*Cleanup)(unsafe.Pointer(o))
	case KindSoft:
		return (*Soft)(unsafe.Pointer(o))
	case KindWatch:
		return (*Watch)(unsafe.Pointer(o))
	case KindDeadQueue:
		return (*DeadQueue)(unsafe.Pointer(o))
	case KindWeakKeyMap:
		return (*WeakKeyMap)(unsafe.Pointer(o))
	case KindWeakValueMap:
		return (*WeakValueMap)(unsafe.Pointer(o))
	case KindWeakSet:
		return (*WeakSet)(unsafe.Pointer(o))
	}
	return o
}

// ---- making and ending handles, under the lock ----

// wrap returns the handle of an object. owned: a reference of the caller's, which the handle takes over.
func (h *Heap) wrap(s *Scope, obj *C.husk_obj, kind Kind, owned bool) *Obj {
	var known *Obj
	if s != nil {
		known = s.index[obj]
	} else {
		known = h.handles.find(obj)
	}
	if known != nil {
		if owned {
			C.husk_obj_release(obj) // not the last one: the handle has its own
		}
		return known
	}
	if !owned {
		C.husk_obj_retain(obj)
	}
	return h.adopt(s, obj, kind)
}

// adopt makes a handle of a reference to an object that has none yet.
func (h *Heap) adopt(s *Scope, obj *C.husk_obj, kind Kind) *Obj {
	var o *Obj
	if s != nil {
		o = s.room()
	} else {
		o = new(Obj)
	}
	o.self = uintptr(unsafe.Pointer(o))
	o.heap = h
	o.obj = obj
	o.id = uintptr(unsafe.Pointer(obj))
	o.uses = 1
	o.kind = int32(kind)
	o.epoch = h.epoch
	o.scope = s
	if s != nil {
		s.add(o)
	} else {
		h.handles.add(o)
		if h.track {
			h.places[o.slot] = callerPlace()
		}
	}
	if h.hooks > 0 && bool(C.husk_obj_is_dying(obj)) {
		h.passing = append(h.passing, o)
	}
	return o
}

// drop takes the reference out of a handle, which is dead from here on.
func (h *Heap) drop(o *Obj) *C.husk_obj {
	obj := o.obj
	if o.scope != nil {
		o.scope.remove(o)
	} else {
		h.handles.remove(o)
		if h.track {
			delete(h.places, o.slot)
		}
	}
	o.obj = nil
	o.uses = 0
	return obj
}

// alive says whether the handle still has its reference.
func (o *Obj) alive() bool { return o.obj != nil && o.epoch == o.heap.epoch }

// enter takes the heap's lock for a call on this handle. On an error the lock is free.
func (o *Obj) enter(op string) error {
	h := o.heap
	if !o.made() {
		return o.strayError(op)
	}
	h.mu.Lock() // what Heap.enter does, without the second call
	if h.c != nil && h.tracer == nil && !h.handles.stale() && o.obj != nil && o.epoch == h.epoch {
		return nil
	}
	h.mu.Unlock()
	return o.enterSlowly(op)
}

func (o *Obj) strayError(op string) error {
	if o.heap == nil {
		return errorf(op, ErrInvalid, "this handle was not made by a heap")
	}
	return errorf(op, ErrInvalid, "this handle is a copy of one: handles are used by pointer")
}

func (o *Obj) enterSlowly(op string) error {
	h := o.heap
	if err := h.enter(op); err != nil {
		return err
	}
	if o.alive() {
		return nil
	}
	err := o.deadError(op)
	h.leave()
	return err
}

// Under the lock.
func (o *Obj) deadError(op string) error {
	if o.obj != nil {
		return o.heap.closedError(op)
	}
	err := errorf(op, ErrState, "this handle of %s has been released", Kind(o.kind))
	err.cause = ErrReleased
	return err
}

func (o *Obj) raw() raw.SwigcptrObj { return raw.SwigcptrObj(uintptr(unsafe.Pointer(o.obj))) }

// typeOf returns the object's type. Under the lock.
func (o *Obj) typeOf() *Type {
	if o.typ == nil {
		o.typ = typeOf(C.husk_obj_type(o.obj))
	}
	return o.typ
}

// ---- what every handle can do ----

// Heap returns the heap that the object is in.
func (o *Obj) Heap() *Heap { return o.heap }

// Kind returns which of the kinds the object is.
func (o *Obj) Kind() Kind { return Kind(o.kind) }

// TypeName returns the name of the object's type; of a handle without object, that of its kind.
func (o *Obj) TypeName() string {
	if o.enter("TypeName") != nil {
		return Kind(o.kind).String()
	}
	name := o.typeOf().name
	o.heap.leave()
	runtime.KeepAlive(o)
	return name
}

// ID returns a number that no other object alive has. After the object's death another may get it.
func (o *Obj) ID() uintptr { return o.id }

// String returns the type and the address; a dead handle says why it is dead.
func (o *Obj) String() string {
	if o == nil || o.heap == nil {
		return "no object"
	}
	if err := o.enter("String"); err != nil {
		if !o.made() {
			return fmt.Sprintf("%s (copied)", Kind(o.kind))
		}
		if o.heap.Closed() {
			return fmt.Sprintf("%s (heap closed)", Kind(o.kind))
		}
		return fmt.Sprintf("%s (released)", Kind(o.kind))
	}
	name := o.typeOf().name
	o.heap.leave()
	runtime.KeepAlive(o)
	return fmt.Sprintf("%s: %#x", name, o.id)
}

// Alive reports whether the handle still has its object: it was not released, and its heap is open.
func (o *Obj) Alive() bool {
	if o == nil || o.enter("Alive") != nil {
		return false
	}
	o.heap.leave()
	return true
}

// Retain says that one more part of the program uses this handle: Release then has to be called once more. The object
// does not notice: a handle is one reference. Allocates nothing.
func (o *Obj) Retain() error {
	if err := o.enter("Retain"); err != nil {
		return err
	}
	var err error
	if o.uses == math.MaxInt32 {
		err = errorf("Retain", ErrRange, "the handle has been retained %d times", o.uses)
	} else {
		o.uses++
	}
	o.heap.leave()
	return err
}

// Release ends the handle, and with it the object if nothing else refers to it: finalizers and callbacks have run
// when it returns. Further use of the handle is ErrReleased.
func (o *Obj) Release() error {
	if err := o.enter("Release"); err != nil {
		return err
	}
	if o.uses > 1 {
		o.uses--
	} else {
		C.husk_obj_release(o.heap.drop(o))
	}
	o.heap.leave()
	runtime.KeepAlive(o)
	return nil
}

// StrongCount returns how many references the object has, this handle's included; Immortal for an immortal one.
func (o *Obj) StrongCount() (int, error) {
	if err := o.enter("StrongCount"); err != nil {
		return 0, err
	}
	n := o.raw().Strong_count()
	o.heap.leave()
	runtime.KeepAlive(o)
	if n > math.MaxInt {
		return Immortal, nil
	}
	return int(n), nil
}

// WeakCount returns how many weak references there are to the object.
func (o *Obj) WeakCount() (int, error) {
	if err := o.enter("WeakCount"); err != nil {
		return 0, err
	}
	n := o.raw().Weak_count()
	o.heap.leave()
	runtime.KeepAlive(o)
	return int(n), nil
}

// Size returns the bytes of the object's block, header and slack included, buffers not.
func (o *Obj) Size() (int, error) {
	if err := o.enter("Size"); err != nil {
		return 0, err
	}
	n := o.raw().Size()
	o.heap.leave()
	runtime.KeepAlive(o)
	return int(n), nil
}

// ask returns the answer to a question about the object, which is one of the flat layer.
func (o *Obj) ask(op string, question func(raw.SwigcptrObj) bool) (bool, error) {
	return o.answer(op, func(*C.husk_obj) C.bool { return C.bool(question(o.raw())) })
}

// answer returns what a question about the object says.
func (o *Obj) answer(op string, question func(*C.husk_obj) C.bool) (bool, error) {
	if err := o.enter(op); err != nil {
		return false, err
	}
	answer := question(o.obj)
	o.heap.leave()
	runtime.KeepAlive(o)
	return bool(answer), nil
}

// IsImmortal reports whether the object lives until its heap closes.
func (o *Obj) IsImmortal() (bool, error) { return o.ask("IsImmortal", raw.SwigcptrObj.Is_immortal) }

// IsTracked reports whether the collector looks at the object: it can hold references.
func (o *Obj) IsTracked() (bool, error) { return o.ask("IsTracked", raw.SwigcptrObj.Is_tracked) }

// IsFinalized reports whether the object's finalizer has run; it stays true if the object came back.
func (o *Obj) IsFinalized() (bool, error) { return o.ask("IsFinalized", raw.SwigcptrObj.Is_finalized) }

// IsFrozen reports whether the object was set aside by Heap.Freeze.
func (o *Obj) IsFrozen() (bool, error) { return o.ask("IsFrozen", raw.SwigcptrObj.Is_frozen) }

// IsDying reports whether the object is condemned: seen only in its finalizer and in those of its fellow garbage.
func (o *Obj) IsDying() (bool, error) { return o.ask("IsDying", raw.SwigcptrObj.Is_dying) }

// IsUnique reports whether this handle is the only reference to the object, weak ones included.
func (o *Obj) IsUnique() (bool, error) { return o.ask("IsUnique", raw.SwigcptrObj.Is_unique) }

// MakeImmortal makes the object live until its heap closes.
func (o *Obj) MakeImmortal() error {
	if err := o.enter("MakeImmortal"); err != nil {
		return err
	}
	o.raw().Make_immortal()
	o.heap.leave()
	runtime.KeepAlive(o)
	return nil
}

// RefCount returns how many references an object has, the handle with which this is asked left out; Immortal for an
// immortal object. (Before Go 1.24 an object may have several handles; the others count.)
func RefCount(x Object) (int, error) {
	o := objectOf(x)
	if o == nil {
		return 0, errorf("RefCount", ErrInvalid, "the object is nil")
	}
	n, err := o.StrongCount()
	if err != nil || n == Immortal {
		return n, err
	}
	return n - 1, nil
}

// Equal reports whether two handles are of the same object. Two nils are equal.
func Equal(a, b Object) bool {
	x, y := objectOf(a), objectOf(b)
	if x == nil || y == nil {
		return x == y
	}
	return x == y || x.heap != nil && x.heap == y.heap && x.id == y.id && x.Alive() && y.Alive()
}

// objectOf is handleOf for what is an Object anyway: also a struct of the program's in which a handle is embedded.
func objectOf(x Object) *Obj {
	if o := handleOf(x); o != nil || x == nil {
		return o
	}
	return x.handle()
}

// handleOf returns the handle in x, or nil for nil and for nil pointers. It calls no method through the interface:
// then whatever a caller makes an any of would have to be allocated.
func handleOf(x any) *Obj {
	switch x := x.(type) {
	case *Record:
		return x.handle()
	case *List:
		return x.handle()
	case *Map:
		return x.handle()
	case *Box:
		return x.handle()
	case *Weak:
		return x.handle()
	case *Cleanup:
		return x.handle()
	case *Soft:
		return x.handle()
	case *Watch:
		return x.handle()
	case *DeadQueue:
		return x.handle()
	case *WeakKeyMap:
		return x.handle()
	case *WeakValueMap:
		return x.handle()
	case *WeakSet:
		return x.handle()
	case *Obj:
		return x.handle()
	}
	return nil
}
