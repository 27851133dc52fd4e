package husk

// #include "calls.h"
import "C"

import (
	"runtime"
	"unsafe"
)

// A Map is a handle of a map: values by key, in the order of insertion. Keys are booleans, integers, floats but NaN,
// strings, and objects by identity. A float with the value of an int64 is the same key as that integer.
type Map struct{ Obj }

func (m *Map) handle() *Obj {
	if m == nil {
		return nil
	}
	return &m.Obj
}

// Map makes an empty map.
func (h *Heap) Map() (*Map, error) {
	o, err := h.newKind("Heap.Map", nil, KindMap)
	return (*Map)(unsafe.Pointer(o)), err
}

// Len returns how many entries there are; 0 if the handle is dead.
func (m *Map) Len() int {
	if m.enter("Map.Len") != nil {
		return 0
	}
	n := C.husk_map_count(m.obj)
	m.heap.leave()
	runtime.KeepAlive(m)
	return int(n)
}

// lookup is for maps and weak-value maps.
func (o *Obj) lookup(op string, key any, weak bool, p *plain) error {
	if err := o.enter(op); err != nil {
		return err
	}
	h := o.heap
	k, err := h.arg(op, key)
	if err == nil {
		C.husk_go_call_map_get(h.host, C.uintptr_t(o.id), C.uint64_t(k.tag), C.uint64_t(k.bits), k.text, C.bool(weak))
		slot := h.c.slot
		if statusOf(slot) != 0 {
			err = h.failure(op, statusOf(slot))
		} else {
			h.lift(o.scope, slot, p)
		}
	}
	h.leave()
	runtime.KeepAlive(o)
	return err
}

func (o *Obj) storeAt(op string, what C.husk_go_op, key, v any) error {
	if err := o.enter(op); err != nil {
		return err
	}
	h := o.heap
	var a arg
	k, err := h.arg(op, key)
	if err == nil {
		if a, err = h.arg(op, v); err == nil {
			if k.tag == tagText || a.tag == tagText {
				h.willMake()
			}
			status := C.husk_go_call_store_at(what, C.uintptr_t(o.id), C.uint64_t(k.tag), C.uint64_t(k.bits), k.text,
				C.uint64_t(a.tag), C.uint64_t(a.bits), a.text)
			if status != 0 {
				err = h.failure(op, Code(status))
			}
		}
	}
	h.leave()
	runtime.KeepAlive(o)
	return err
}

func (o *Obj) removeAt(op string, key any, weak bool) error {
	if err := o.enter(op); err != nil {
		return err
	}
	h := o.heap
	k, err := h.arg(op, key)
	if err == nil {
		status := C.husk_go_call_map_remove(C.uintptr_t(o.id), C.uint64_t(k.tag), C.uint64_t(k.bits), k.text, C.bool(weak))
		if status != 0 {
			err = h.failure(op, Code(status))
		}
	}
	h.leave()
	runtime.KeepAlive(o)
	return err
}

// entries walks over a container of any kind. fn gets what an entry holds.
func (o *Obj) entries(op string, fn func(key, v *plain) bool) error {
	for cursor := C.size_t(0); ; {
		if err := o.enter(op); err != nil {
			return err
		}
		h := o.heap
		entry := C.husk_go_next(o.obj, cursor)
		var key, v plain
		if entry.there {
			h.lift(o.scope, entry.key, &key)
			h.lift(o.scope, entry.v, &v)
		}
		h.leave()
		runtime.KeepAlive(o)
		if !bool(entry.there) || !fn(&key, &v) {
			return nil
		}
		cursor = entry.cursor
	}
}

// Get returns the value of a key. ErrMissing: there is no such key; ErrInvalid: nil or NaN as key.
func (m *Map) Get(key any) (any, error) {
	var p plain
	if err := m.lookup("Map.Get", key, false, &p); err != nil {
		return nil, err
	}
	return p.any(), nil
}

// Lookup returns the value of a key as a T: see As.
func Lookup[T any](m *Map, key any) (T, error) {
	var out T
	var p plain
	if m == nil {
		return out, errorf("Lookup", ErrInvalid, "the map is a nil pointer")
	}
	if err := m.lookup("Lookup", key, false, &p); err != nil {
		return out, err
	}
	return out, into("Lookup", &p, &out)
}

// Set stores a value under a key.
func (m *Map) Set(key, v any) error { return m.storeAt("Map.Set", C.HUSK_GO_MAP_SET, key, v) }

// Remove takes an entry out. ErrMissing: there is no such key.
func (m *Map) Remove(key any) error { return m.removeAt("Map.Remove", key, false) }

// Clear removes all entries.
func (m *Map) Clear() error { return m.clear("Map.Clear") }

// Each calls fn for every entry in order until it returns false. Meanwhile values may be set and entries removed;
// entries added may or may not be seen.
func (m *Map) Each(fn func(key, v any) bool) error {
	return m.entries("Map.Each", func(key, v *plain) bool { return fn(key.any(), v.any()) })
}

// All is Each for range loops of Go 1.23 and later: an iter.Seq2. It ends early if the handle dies.
func (m *Map) All() func(yield func(key, v any) bool) {
	return func(yield func(any, any) bool) { _ = m.Each(yield) }
}
