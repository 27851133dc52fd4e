package husk

// #include <stdlib.h>
// #include "calls.h"
import "C"

import (
	"reflect"
	"runtime"
	"unsafe"
)

// A Box is a handle of an object that keeps one Go value, of any type. The value is let go when the box dies, exactly
// once. As long as the box lives the value is a root to Go's collector: see "What is not collected" above.
type Box struct{ Obj }

func (b *Box) handle() *Obj {
	if b == nil {
		return nil
	}
	return &b.Obj
}

// Box makes a box with the value.
func (h *Heap) Box(value any) (*Box, error) { return h.newBox("Heap.Box", nil, value) }

func (h *Heap) newBox(op string, s *Scope, value any) (*Box, error) {
	if err := h.enterFor(op, s); err != nil {
		return nil, err
	}
	defer h.leave()
	token := h.keep(value, "Box")
	if token == nil {
		return nil, errorf(op, ErrNoMemory, "%s", ErrNoMemory.Error())
	}
	h.willMake()
	obj := C.husk_go_box_new(h.c.heap, token)
	if obj == nil { // the value has been let go
		return nil, h.failure(op, Code(C.husk_heap_failure(h.c.heap)))
	}
	return (*Box)(unsafe.Pointer(h.adopt(s, obj, KindBox))), nil
}

// number returns the number of the value in h.values. Under the lock.
func (b *Box) number(op string) (uintptr, error) {
	token := C.husk_go_box_token(b.obj)
	if token == nil {
		return 0, errorf(op, ErrType, "the box holds no Go value")
	}
	return uintptr(token.value), nil
}

// Value returns what is in the box. ErrType: something else than a Go value, put there by other code.
func (b *Box) Value() (any, error) {
	if err := b.enter("Box.Value"); err != nil {
		return nil, err
	}
	defer runtime.KeepAlive(b)
	defer b.heap.leave()
	number, err := b.number("Box.Value")
	if err != nil {
		return nil, err
	}
	return b.heap.values[number].value, nil
}

// SetValue puts another value into the box and returns the old one.
func (b *Box) SetValue(value any) (old any, err error) {
	if err := b.enter("Box.SetValue"); err != nil {
		return nil, err
	}
	defer runtime.KeepAlive(b)
	defer b.heap.leave()
	number, err := b.number("Box.SetValue")
	if err != nil {
		return nil, err
	}
	one := b.heap.values[number]
	old, one.value = one.value, value
	b.heap.values[number] = one
	return old, nil
}

// Unbox returns the value of a box as a T. ErrType: it is of another type.
func Unbox[T any](b *Box) (T, error) {
	var out T
	if b == nil {
		return out, errorf("Unbox", ErrInvalid, "the box is a nil pointer")
	}
	v, err := b.Value()
	if err != nil {
		return out, err
	}
	out, ok := v.(T)
	if v == nil && reflect.TypeOf(&out).Elem().Kind() == reflect.Interface {
		return out, nil // a nil error is one
	}
	if !ok {
		return out, errorf("Unbox", ErrType, "a %T is in the box, and %s was asked for", v, typeName[T]())
	}
	return out, nil
}
