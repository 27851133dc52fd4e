package husk

// #include "calls.h"
import "C"

import (
	"runtime"
	"unsafe"
)

// A List is a handle of a list: values by index from 0.
type List struct{ Obj }

func (l *List) handle() *Obj {
	if l == nil {
		return nil
	}
	return &l.Obj
}

// List makes a list of the values.
func (h *Heap) List(values ...any) (*List, error) { return h.newList("Heap.List", nil, values) }

func (h *Heap) newList(op string, s *Scope, values []any) (*List, error) {
	o, err := h.newKind(op, s, KindList)
	if err != nil {
		return nil, err
	}
	l := (*List)(unsafe.Pointer(o))
	if len(values) > 0 {
		if err := l.Append(values...); err != nil {
			_ = l.Release()
			return nil, err
		}
	}
	return l, nil
}

// newKind makes an empty container.
func (h *Heap) newKind(op string, s *Scope, kind Kind) (*Obj, error) {
	if err := h.enterFor(op, s); err != nil {
		return nil, err
	}
	h.willMake()
	obj := C.husk_go_new(h.c.heap, C.int(kind))
	if obj == nil {
		err := h.failure(op, Code(C.husk_heap_failure(h.c.heap)))
		h.leave()
		return nil, err
	}
	o := h.adopt(s, obj, kind)
	h.leave()
	return o, nil
}

// Len returns how many values there are; 0 if the handle is dead.
func (l *List) Len() int {
	if l.enter("List.Len") != nil {
		return 0
	}
	n := C.husk_list_count(l.obj)
	l.heap.leave()
	runtime.KeepAlive(l)
	return int(n)
}

func (l *List) fetch(op string, i int, p *plain) error {
	if err := l.enter(op); err != nil {
		return err
	}
	h := l.heap
	var err error
	if i < 0 {
		err = errorf(op, ErrRange, "the index %d is negative", i)
	} else {
		C.husk_go_call_list_get(h.host, C.uintptr_t(l.id), C.size_t(i))
		slot := h.c.slot
		if statusOf(slot) != 0 {
			err = h.failure(op, statusOf(slot))
		} else {
			h.lift(l.scope, slot, p)
		}
	}
	h.leave()
	runtime.KeepAlive(l)
	return err
}

// At returns the value at an index. ErrRange: there is none.
func (l *List) At(i int) (any, error) {
	var p plain
	if err := l.fetch("List.At", i, &p); err != nil {
		return nil, err
	}
	return p.any(), nil
}

// At returns the value at an index as a T: see As. It allocates nothing for numbers.
func At[T any](l *List, i int) (T, error) {
	var out T
	var p plain
	if l == nil {
		return out, errorf("At", ErrInvalid, "the list is a nil pointer")
	}
	if err := l.fetch("At", i, &p); err != nil {
		return out, err
	}
	return out, into("At", &p, &out)
}

func (l *List) put(op string, what C.husk_go_op, i int, v any) error {
	if err := l.enter(op); err != nil {
		return err
	}
	err := l.putLocked(op, what, i, v)
	l.heap.leave()
	runtime.KeepAlive(l)
	return err
}

func (l *List) putLocked(op string, what C.husk_go_op, i int, v any) error {
	if i < 0 {
		return errorf(op, ErrRange, "the index %d is negative", i)
	}
	a, err := l.heap.arg(op, v)
	if err != nil {
		return err
	}
	if a.tag == tagText {
		l.heap.willMake()
	}
	status := C.husk_go_call_store(what, C.uintptr_t(l.id), C.size_t(i), C.uint64_t(a.tag), C.uint64_t(a.bits), a.text)
	if status == 0 {
		return nil
	}
	return l.heap.failure(op, Code(status))
}

// Set stores a value at an index that is there.
func (l *List) Set(i int, v any) error { return l.put("List.Set", C.HUSK_GO_LIST_SET, i, v) }

// Insert puts a value in front of the one at index i; i may be Len.
func (l *List) Insert(i int, v any) error { return l.put("List.Insert", C.HUSK_GO_LIST_INSERT, i, v) }

// Append adds values at the end. If one is refused those before it stay.
func (l *List) Append(values ...any) error {
	if err := l.enter("List.Append"); err != nil {
		return err
	}
	var err error
	for i := 0; i < len(values) && err == nil; i++ {
		if err = l.stillAlive("List.Append"); err == nil {
			err = l.putLocked("List.Append", C.HUSK_GO_LIST_APPEND, 0, values[i])
		}
	}
	l.heap.leave()
	runtime.KeepAlive(l)
	return err
}

// stillAlive looks again at a handle after a call that may have run hooks. Under the lock.
func (o *Obj) stillAlive(op string) error {
	if o.alive() {
		return nil
	}
	return o.deadError(op)
}

// Remove takes out the value at an index.
func (l *List) Remove(i int) error {
	if err := l.enter("List.Remove"); err != nil {
		return err
	}
	var err error
	if i < 0 {
		err = errorf("List.Remove", ErrRange, "the index %d is negative", i)
	} else {
		err = l.heap.failure("List.Remove", Code(C.husk_go_list_remove(l.obj, C.size_t(i))))
	}
	l.heap.leave()
	runtime.KeepAlive(l)
	return err
}

// Clear removes all values.
func (l *List) Clear() error { return l.clear("List.Clear") }

func (o *Obj) clear(op string) error {
	if err := o.enter(op); err != nil {
		return err
	}
	err := o.heap.failure(op, Code(C.husk_go_clear(o.obj)))
	o.heap.leave()
	runtime.KeepAlive(o)
	return err
}

// Each calls fn for every value in order until it returns false. fn may change the list.
func (l *List) Each(fn func(i int, v any) bool) error {
	for i := 0; ; i++ {
		if i >= l.Len() {
			if !l.Alive() {
				return l.fetch("List.Each", i, new(plain))
			}
			return nil
		}
		var p plain
		if err := l.fetch("List.Each", i, &p); err != nil {
			return err
		}
		if !fn(i, p.any()) {
			return nil
		}
	}
}

// All is Each for range loops of Go 1.23 and later: an iter.Seq2. It ends early if the handle dies.
func (l *List) All() func(yield func(i int, v any) bool) {
	return func(yield func(int, any) bool) { _ = l.Each(yield) }
}
