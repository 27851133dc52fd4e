package husk

// #include "calls.h"
import "C"

import (
	"runtime"
	"unsafe"
)

// A WeakKeyMap is a handle of a map from objects to values that does not keep its keys alive. A value is kept only
// while map and key both live: it may refer to its own key, and the pair is collected all the same. Keys are compared
// by identity.
type WeakKeyMap struct{ Obj }

func (m *WeakKeyMap) handle() *Obj {
	if m == nil {
		return nil
	}
	return &m.Obj
}

// WeakKeyMap makes an empty map.
func (h *Heap) WeakKeyMap() (*WeakKeyMap, error) {
	o, err := h.newKind("Heap.WeakKeyMap", nil, KindWeakKeyMap)
	return (*WeakKeyMap)(unsafe.Pointer(o)), err
}

// Len returns how many entries there are; 0 if the handle is dead.
func (m *WeakKeyMap) Len() int {
	if m.enter("WeakKeyMap.Len") != nil {
		return 0
	}
	n := C.husk_weakkeymap_count(m.obj)
	m.heap.leave()
	runtime.KeepAlive(m)
	return int(n)
}

// withKey enters for a call with an object as argument. On an error the lock is free.
func (o *Obj) withKey(op string, key Object) (*C.husk_obj, error) {
	k := objectOf(key) // may run a method of the program's, and panic: not under the lock
	if err := o.enter(op); err != nil {
		return nil, err
	}
	if err := o.heap.admit(op, k); err != nil {
		o.heap.leave()
		return nil, err
	}
	return k.obj, nil
}

// Get returns the value of a key. ErrMissing: there is no such key.
func (m *WeakKeyMap) Get(key Object) (any, error) {
	k, err := m.withKey("WeakKeyMap.Get", key)
	if err != nil {
		return nil, err
	}
	h := m.heap
	var p plain
	C.husk_go_call_weakkeymap_get(h.host, m.obj, k)
	slot := h.c.slot
	if err = h.failure("WeakKeyMap.Get", statusOf(slot)); err == nil {
		h.lift(m.scope, slot, &p)
	}
	h.leave()
	runtime.KeepAlive(m)
	runtime.KeepAlive(key)
	return p.any(), err
}

// Set stores a value under a key.
func (m *WeakKeyMap) Set(key Object, v any) error {
	k := objectOf(key)
	if k == nil {
		return errorf("WeakKeyMap.Set", ErrInvalid, "the key is nil")
	}
	return m.storeAt("WeakKeyMap.Set", C.HUSK_GO_WEAKKEYMAP_SET, k.typed(), v)
}

// Remove takes an entry out. ErrMissing: there is no such key.
func (m *WeakKeyMap) Remove(key Object) error {
	k, err := m.withKey("WeakKeyMap.Remove", key)
	if err != nil {
		return err
	}
	err = m.heap.failure("WeakKeyMap.Remove", Code(C.husk_go_call_weakkeymap_remove(m.obj, k)))
	m.heap.leave()
	runtime.KeepAlive(m)
	runtime.KeepAlive(key)
	return err
}

// Clear removes all entries.
func (m *WeakKeyMap) Clear() error { return m.clear("WeakKeyMap.Clear") }

// Each calls fn for every entry in the order of insertion until it returns false. Meanwhile anything may be removed,
// die, or be set.
func (m *WeakKeyMap) Each(fn func(key Object, v any) bool) error {
	return m.entries("WeakKeyMap.Each", func(key, v *plain) bool { return fn(key.obj.typed(), v.any()) })
}

// All is Each for range loops of Go 1.23 and later: an iter.Seq2. It ends early if the handle dies.
func (m *WeakKeyMap) All() func(yield func(key Object, v any) bool) {
	return func(yield func(Object, any) bool) { _ = m.Each(yield) }
}

// A WeakValueMap is a handle of a map from keys, as those of a Map, to objects that it does not keep alive.
type WeakValueMap struct{ Obj }

func (m *WeakValueMap) handle() *Obj {
	if m == nil {
		return nil
	}
	return &m.Obj
}

// WeakValueMap makes an empty map.
func (h *Heap) WeakValueMap() (*WeakValueMap, error) {
	o, err := h.newKind("Heap.WeakValueMap", nil, KindWeakValueMap)
	return (*WeakValueMap)(unsafe.Pointer(o)), err
}

// Len returns how many entries there are; 0 if the handle is dead.
func (m *WeakValueMap) Len() int {
	if m.enter("WeakValueMap.Len") != nil {
		return 0
	}
	n := C.husk_weakvaluemap_count(m.obj)
	m.heap.leave()
	runtime.KeepAlive(m)
	return int(n)
}

// Get returns the object of a key. ErrMissing: there is no such key, or its object is condemned.
func (m *WeakValueMap) Get(key any) (Object, error) {
	var p plain
	if err := m.lookup("WeakValueMap.Get", key, true, &p); err != nil {
		return nil, err
	}
	return p.obj.typed(), nil
}

// Set stores an object under a key; the old entry, if any, is replaced.
func (m *WeakValueMap) Set(key any, v Object) error {
	o := objectOf(v)
	if o == nil {
		return errorf("WeakValueMap.Set", ErrInvalid, "the object is nil")
	}
	return m.storeAt("WeakValueMap.Set", C.HUSK_GO_WEAKVALUEMAP_SET, key, o.typed())
}

// Remove takes an entry out. ErrMissing: there is no such key.
func (m *WeakValueMap) Remove(key any) error { return m.removeAt("WeakValueMap.Remove", key, true) }

// Clear removes all entries.
func (m *WeakValueMap) Clear() error { return m.clear("WeakValueMap.Clear") }

// Each calls fn for every entry in the order of insertion until it returns false. Meanwhile anything may be removed,
// die, or be set. Condemned objects are passed by.
func (m *WeakValueMap) Each(fn func(key any, v Object) bool) error {
	return m.entries("WeakValueMap.Each", func(key, v *plain) bool { return fn(key.any(), v.obj.typed()) })
}

// All is Each for range loops of Go 1.23 and later: an iter.Seq2. It ends early if the handle dies.
func (m *WeakValueMap) All() func(yield func(key any, v Object) bool) {
	return func(yield func(any, Object) bool) { _ = m.Each(yield) }
}

// A WeakSet is a handle of a set of objects that it does not keep alive.
type WeakSet struct{ Obj }

func (s *WeakSet) handle() *Obj {
	if s == nil {
		return nil
	}
	return &s.Obj
}

// WeakSet makes an empty set.
func (h *Heap) WeakSet() (*WeakSet, error) {
	o, err := h.newKind("Heap.WeakSet", nil, KindWeakSet)
	return (*WeakSet)(unsafe.Pointer(o)), err
}

// Len returns how many objects are in the set; 0 if the handle is dead.
func (s *WeakSet) Len() int {
	if s.enter("WeakSet.Len") != nil {
		return 0
	}
	n := C.husk_weakset_count(s.obj)
	s.heap.leave()
	runtime.KeepAlive(s)
	return int(n)
}

// Has reports whether the object is in the set.
func (s *WeakSet) Has(x Object) (bool, error) {
	obj, err := s.withKey("WeakSet.Has", x)
	if err != nil {
		return false, err
	}
	has := C.husk_weakset_has(s.obj, obj)
	s.heap.leave()
	runtime.KeepAlive(s)
	runtime.KeepAlive(x)
	return bool(has), nil
}

// Add puts an object in; one that is there already changes nothing.
func (s *WeakSet) Add(x Object) error {
	obj, err := s.withKey("WeakSet.Add", x)
	if err != nil {
		return err
	}
	err = s.heap.failure("WeakSet.Add", Code(C.husk_weakset_add(s.obj, obj)))
	s.heap.leave()
	runtime.KeepAlive(s)
	runtime.KeepAlive(x)
	return err
}

// Remove takes an object out. ErrMissing: it is not there.
func (s *WeakSet) Remove(x Object) error {
	obj, err := s.withKey("WeakSet.Remove", x)
	if err != nil {
		return err
	}
	err = s.heap.failure("WeakSet.Remove", Code(C.husk_weakset_remove(s.obj, obj)))
	s.heap.leave()
	runtime.KeepAlive(s)
	runtime.KeepAlive(x)
	return err
}

// Clear removes all objects.
func (s *WeakSet) Clear() error { return s.clear("WeakSet.Clear") }

// Each calls fn for every object in the order of insertion until it returns false. Meanwhile anything may be removed,
// die, or be added.
func (s *WeakSet) Each(fn func(x Object) bool) error {
	return s.entries("WeakSet.Each", func(key, _ *plain) bool { return fn(key.obj.typed()) })
}

// All is Each for range loops of Go 1.23 and later: an iter.Seq. It ends early if the handle dies.
func (s *WeakSet) All() func(yield func(x Object) bool) {
	return func(yield func(Object) bool) { _ = s.Each(yield) }
}
