package husk

// #include "host.h"
import "C"

import (
	"strings"
	"unsafe"

	"husk.example/husk/internal/door"
)

// What the other packages of this module may do to a heap.
func init() {
	door.Lock = func(heap any, op string) (unsafe.Pointer, error) {
		h, err := heapOf(heap, op)
		if err == nil {
			err = h.enter(op)
		}
		if err != nil {
			return nil, err
		}
		return unsafe.Pointer(h.c.heap), nil
	}
	door.Unlock = func(heap any) { heap.(*Heap).leave() }
	door.LockObj = func(obj any, op string) (unsafe.Pointer, any, error) {
		x, _ := obj.(Object)
		o := objectOf(x)
		if o == nil {
			return nil, nil, errorf(op, ErrInvalid, "the object is nil")
		}
		if err := o.enter(op); err != nil {
			return nil, nil, err
		}
		return unsafe.Pointer(o.obj), o.heap, nil
	}
	door.Failure = func(heap any, op string, status int) error { return heap.(*Heap).failure(op, Code(status)) }
	door.Error = func(op string, status int, text string, cause error) error {
		return &Error{Op: op, Code: Code(status), Msg: text, cause: cause}
	}
	door.Guarded = guarded
	door.Start = func(heap any, op string, options unsafe.Pointer) error {
		h, err := heapOf(heap, op)
		if err != nil {
			return err
		}
		return h.startTracing(op, (*C.husk_trace_options)(options))
	}
	door.Stop = func(heap any, op string) error {
		h, err := heapOf(heap, op)
		if err != nil {
			return err
		}
		return h.stopTracing(op)
	}
	door.Label = func(heap any, domain bool, text string) func() {
		h, _ := heap.(*Heap)
		if h == nil {
			return func() {}
		}
		if strings.IndexByte(text, 0) >= 0 {
			h.deliver([]error{errorf(h.name, ErrInvalid, "the tag or domain %q contains a NUL", text)})
			return func() {}
		}
		return h.label(domain, text)
	}
	door.Order = func(heap any) uintptr { return heap.(*Heap).id }
}

func heapOf(heap any, op string) (*Heap, error) {
	if h, _ := heap.(*Heap); h != nil {
		return h, nil
	}
	return nil, errorf(op, ErrInvalid, "the heap is nil")
}
