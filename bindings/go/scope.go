package husk

// #include "host.h"
import "C"

import (
	"fmt"
	"runtime"
	"unsafe"
)

// A Scope owns the handles that are made in it, and ends them all when it is closed: those of its own methods, and
// those that are fetched through a handle of the scope. They cost less than other handles, since Go's collector need not
// tell when one is gone. Use it like this:
//
//	s := heap.NewScope()
//	defer s.Close()
//
// Within a scope there is one handle for each object, with every Go. Keep gives a handle that outlives the scope.
type Scope struct {
	_      noCopy
	self   uintptr // its own address: a copy's is another, and would share everything below
	heap   *Heap
	index  map[*C.husk_obj]*Obj
	all    []scoped
	spare  []Obj // the rest of the last block of handles
	closed bool
	place  place
}

// A handle of a scope, whose slot is its place in all, and its reference: what the program may have written over the
// handle does not count.
type scoped struct {
	handle *Obj
	obj    *C.husk_obj
}

const scopeBlock = 32

// NewScope makes a scope. It must be closed, or its handles live as long as the heap.
func (h *Heap) NewScope() *Scope {
	s := &Scope{heap: h, index: map[*C.husk_obj]*Obj{}}
	s.self = uintptr(unsafe.Pointer(s))
	if h.track {
		s.place = callerPlace()
	}
	h.mu.Lock()
	if !h.open() {
		s.closed = true
	} else {
		h.scopes[s] = struct{}{}
	}
	h.mu.Unlock()
	return s
}

// stray says what is wrong with a scope that no NewScope has made; nil: nothing.
func (s *Scope) stray(op string) error {
	switch {
	case s.self == uintptr(unsafe.Pointer(s)):
		return nil
	case s.heap == nil:
		return errorf(op, ErrInvalid, "this scope was not made by Heap.NewScope")
	}
	return errorf(op, ErrInvalid, "this scope is a copy of one: scopes are used by pointer")
}

// Heap returns the heap that the scope's objects are in.
func (s *Scope) Heap() *Heap { return s.heap }

// String returns how many handles the scope has.
func (s *Scope) String() string {
	if s.stray("") != nil {
		return "no scope"
	}
	s.heap.mu.Lock()
	defer s.heap.mu.Unlock()
	if s.closed || s.heap.c == nil {
		return "scope (closed)"
	}
	return fmt.Sprintf("scope of %d handles", len(s.all))
}

// Close ends the scope's handles. Closing again does nothing.
func (s *Scope) Close() error {
	if err := s.stray("Scope.Close"); err != nil {
		return err
	}
	h := s.heap
	if err := h.enter("Scope.Close"); err != nil {
		return nil // the heap's own Close has done it
	}
	if !s.closed {
		s.closed = true
		delete(h.scopes, s)
		h.release(s.takeAll())
	}
	h.leave()
	return nil
}

// ---- under the lock ----

// room returns memory for a handle.
func (s *Scope) room() *Obj {
	if len(s.spare) == 0 {
		s.spare = make([]Obj, scopeBlock)
	}
	o := &s.spare[0]
	s.spare = s.spare[1:]
	return o
}

func (s *Scope) add(o *Obj) {
	o.slot = uint32(len(s.all))
	s.all = append(s.all, scoped{o, o.obj})
	s.index[o.obj] = o
}

func (s *Scope) remove(o *Obj) {
	last := s.all[len(s.all)-1]
	s.all[o.slot], last.handle.slot = last, o.slot
	s.all = s.all[:len(s.all)-1]
	delete(s.index, o.obj)
}

// takeAll ends all handles and returns their references.
func (s *Scope) takeAll() []*C.husk_obj {
	refs := make([]*C.husk_obj, len(s.all))
	for i, one := range s.all {
		refs[i] = one.obj
		one.handle.obj = nil
	}
	s.all, s.spare, s.index = nil, nil, nil
	return refs
}

// ---- births in the scope ----

// New is Heap.New in the scope.
func (s *Scope) New(t *Type, values ...any) (*Record, error) {
	if err := s.stray("Scope.New"); err != nil {
		return nil, err
	}
	return s.heap.newRecord("Scope.New", s, t, values)
}

// NewWith is Heap.NewWith in the scope.
func (s *Scope) NewWith(t *Type, values Values) (*Record, error) {
	if err := s.stray("Scope.NewWith"); err != nil {
		return nil, err
	}
	r, err := s.heap.newRecord("Scope.NewWith", s, t, nil)
	if err != nil {
		return nil, err
	}
	return r.fill(values)
}

// List is Heap.List in the scope.
func (s *Scope) List(values ...any) (*List, error) {
	if err := s.stray("Scope.List"); err != nil {
		return nil, err
	}
	return s.heap.newList("Scope.List", s, values)
}

func (s *Scope) newKind(op string, kind Kind) (*Obj, error) {
	if err := s.stray(op); err != nil {
		return nil, err
	}
	return s.heap.newKind(op, s, kind)
}

// Map is Heap.Map in the scope.
func (s *Scope) Map() (*Map, error) {
	o, err := s.newKind("Scope.Map", KindMap)
	return (*Map)(unsafe.Pointer(o)), err
}

// Box is Heap.Box in the scope.
func (s *Scope) Box(value any) (*Box, error) {
	if err := s.stray("Scope.Box"); err != nil {
		return nil, err
	}
	return s.heap.newBox("Scope.Box", s, value)
}

// WeakKeyMap is Heap.WeakKeyMap in the scope.
func (s *Scope) WeakKeyMap() (*WeakKeyMap, error) {
	o, err := s.newKind("Scope.WeakKeyMap", KindWeakKeyMap)
	return (*WeakKeyMap)(unsafe.Pointer(o)), err
}

// WeakValueMap is Heap.WeakValueMap in the scope.
func (s *Scope) WeakValueMap() (*WeakValueMap, error) {
	o, err := s.newKind("Scope.WeakValueMap", KindWeakValueMap)
	return (*WeakValueMap)(unsafe.Pointer(o)), err
}

// WeakSet is Heap.WeakSet in the scope.
func (s *Scope) WeakSet() (*WeakSet, error) {
	o, err := s.newKind("Scope.WeakSet", KindWeakSet)
	return (*WeakSet)(unsafe.Pointer(o)), err
}

// Keep returns a handle of the object of x that belongs to no scope.
func Keep[T Object](x T) (T, error) {
	var out T
	o := handleOf(x)
	if o == nil {
		if objectOf(x) != nil {
			return out, errorf("Keep", ErrType, "a %T is no handle; the handle in it can be kept", x)
		}
		return out, errorf("Keep", ErrInvalid, "the object is nil")
	}
	if err := o.enter("Keep"); err != nil {
		return out, err
	}
	kept := o.heap.wrap(nil, o.obj, Kind(o.kind), false)
	o.heap.leave()
	runtime.KeepAlive(o)
	out, _ = kept.typed().(T)
	return out, nil
}
