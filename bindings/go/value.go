package husk

// #include "calls.h"
import "C"

import (
	"fmt"
	"math"
	"reflect"
	"unsafe"
)

// Values are what slots hold. On their way in they are any of
//
//	nil, bool, all integer types, float32, float64, string, and handles of the same heap
//
// and come back as nil, bool, int64, float64, string and handles. Strings are bytes: NUL and invalid UTF-8 come back
// as they went in. As, Get, At and Lookup give them the type that is wanted. Any other Go value goes into a Box.
type Values = map[string]any

// An arg is a value on its way into the heap.
type arg struct {
	tag, bits uint64
	text      string
}

const (
	tagNil   = C.HUSK_NIL
	tagBool  = C.HUSK_BOOL
	tagInt   = C.HUSK_INT
	tagFloat = C.HUSK_FLOAT
	tagObj   = C.HUSK_OBJ
	tagText  = C.HUSK_GO_TEXT
)

func intArg(i int64) arg { return arg{tag: tagInt, bits: uint64(i)} }

// arg turns v into what crosses. Under the lock.
func (h *Heap) arg(op string, v any) (arg, error) {
	var o *Obj
	switch v := v.(type) {
	case nil:
		return arg{}, nil
	case int:
		return intArg(int64(v)), nil
	case string:
		return arg{tag: tagText, text: v}, nil
	case *Record:
		o = v.handle()
	case *List:
		o = v.handle()
	case *Map:
		o = v.handle()
	case *Box, *Weak, *Cleanup, *Soft, *Watch, *DeadQueue, *WeakKeyMap, *WeakValueMap, *WeakSet, *Obj:
		o = handleOf(v)
	case bool:
		if v {
			return arg{tag: tagBool, bits: 1}, nil
		}
		return arg{tag: tagBool}, nil
	case float64:
		return arg{tag: tagFloat, bits: math.Float64bits(v)}, nil
	case float32:
		return arg{tag: tagFloat, bits: math.Float64bits(float64(v))}, nil
	case int64:
		return intArg(v), nil
	case int32:
		return intArg(int64(v)), nil
	case int16:
		return intArg(int64(v)), nil
	case int8:
		return intArg(int64(v)), nil
	case uint32:
		return intArg(int64(v)), nil
	case uint16:
		return intArg(int64(v)), nil
	case uint8:
		return intArg(int64(v)), nil
	case uint64:
		return unsignedArg(op, v)
	case uint:
		return unsignedArg(op, uint64(v))
	case uintptr:
		return unsignedArg(op, uint64(v))
	default:
		return arg{}, errorf(op, ErrType, "a %s cannot be stored in a heap; Heap.Box keeps any value",
			reflect.TypeOf(v))
	}
	if err := h.admit(op, o); err != nil {
		return arg{}, err
	}
	return arg{tag: tagObj, bits: uint64(o.id)}, nil
}

func unsignedArg(op string, u uint64) (arg, error) {
	if u > math.MaxInt64 {
		return arg{}, errorf(op, ErrRange, "%d is above the largest integer of a heap, %d", u, int64(math.MaxInt64))
	}
	return intArg(int64(u)), nil
}

// admit says whether the heap may refer to the object of a handle. Under the lock.
func (h *Heap) admit(op string, o *Obj) error {
	switch {
	case o == nil:
		return errorf(op, ErrInvalid, "the object is a nil pointer")
	case !o.made():
		return o.strayError(op)
	case o.heap != h:
		return errorf(op, ErrHeap, "a %s of heap '%s' cannot be stored in heap '%s'", Kind(o.kind), o.heap.name, h.name)
	case !o.alive():
		return o.deadError(op)
	}
	return nil
}

// What a slot held, before it becomes a Go value of some type.
type plain struct {
	tag, bits uint64
	text      string
	obj       *Obj
}

// statusOf returns the status that came with a slot: see host.h.
func statusOf(slot C.husk_go_slot) Code { return -Code(uint8(slot.meta >> 16)) }

// textOf copies the bytes of a text. C.GoStringN would end at 2 GiB.
func textOf(bytes *byte, length int) string { return string(unsafe.Slice(bytes, length)) }

// lift brings a slot's value over, with a handle in scope s if it is an object. Under the lock.
func (h *Heap) lift(s *Scope, slot C.husk_go_slot, p *plain) {
	p.tag = uint64(uint8(slot.meta))
	p.bits = uint64(slot.word)
	switch p.tag {
	case tagText:
		p.text = textOf(*(**byte)(unsafe.Pointer(&slot.word)), int(slot.meta>>24))
	case tagObj:
		p.obj = h.wrap(s, *(**C.husk_obj)(unsafe.Pointer(&slot.word)), Kind(uint8(slot.meta>>8)), false)
	}
}

func (p *plain) any() any {
	switch p.tag {
	case tagBool:
		return p.bits != 0
	case tagInt:
		return int64(p.bits)
	case tagFloat:
		return math.Float64frombits(p.bits)
	case tagText:
		return p.text
	case tagObj:
		return p.obj.typed()
	}
	return nil
}

func (p *plain) describe() string {
	switch p.tag {
	case tagBool:
		return "a boolean"
	case tagInt:
		return "an integer"
	case tagFloat:
		return "a float"
	case tagText:
		return "a text"
	case tagObj:
		return "a " + Kind(p.obj.kind).String()
	}
	return "nil"
}

// into converts to *T for the types that values have.
func into[T any](op string, p *plain, out *T) error {
	switch out := any(out).(type) {
	case *any:
		*out = p.any()
		return nil
	case *int64:
		if p.tag == tagInt {
			*out = int64(p.bits)
			return nil
		}
	case *int:
		if i := int64(p.bits); p.tag == tagInt && int64(int(i)) == i {
			*out = int(i)
			return nil
		}
		return intoInt(op, p, out)
	case *int32:
		return intoInt(op, p, out)
	case *int16:
		return intoInt(op, p, out)
	case *int8:
		return intoInt(op, p, out)
	case *uint:
		return intoInt(op, p, out)
	case *uint64:
		return intoInt(op, p, out)
	case *uint32:
		return intoInt(op, p, out)
	case *uint16:
		return intoInt(op, p, out)
	case *uint8:
		return intoInt(op, p, out)
	case *bool:
		if p.tag == tagBool {
			*out = p.bits != 0
			return nil
		}
	case *float64:
		if p.tag == tagFloat {
			*out = math.Float64frombits(p.bits)
			return nil
		}
	case *string:
		if p.tag == tagText {
			*out = p.text
			return nil
		}
	case *Object:
		if p.tag == tagObj || p.tag == tagNil {
			if p.tag == tagObj {
				*out = p.obj.typed()
			}
			return nil
		}
	case **Record:
		return intoHandle(op, p, KindRecord, out)
	case **List:
		return intoHandle(op, p, KindList, out)
	case **Map:
		return intoHandle(op, p, KindMap, out)
	case **Box:
		return intoHandle(op, p, KindBox, out)
	case **Weak:
		return intoHandle(op, p, KindWeak, out)
	case **Cleanup:
		return intoHandle(op, p, KindCleanup, out)
	case **Soft:
		return intoHandle(op, p, KindSoft, out)
	case **Watch:
		return intoHandle(op, p, KindWatch, out)
	case **DeadQueue:
		return intoHandle(op, p, KindDeadQueue, out)
	case **WeakKeyMap:
		return intoHandle(op, p, KindWeakKeyMap, out)
	case **WeakValueMap:
		return intoHandle(op, p, KindWeakValueMap, out)
	case **WeakSet:
		return intoHandle(op, p, KindWeakSet, out)
	case **Obj:
		if p.tag == tagObj || p.tag == tagNil {
			*out = p.obj
			return nil
		}
	}
	return errorf(op, ErrType, "%s, and %s was asked for", p.describe(), typeName[T]())
}

func typeName[T any]() string { return reflect.TypeOf((*T)(nil)).Elem().String() }

type integer interface {
	int | int64 | int32 | int16 | int8 | uint | uint64 | uint32 | uint16 | uint8
}

func intoInt[I integer](op string, p *plain, out *I) error {
	if p.tag != tagInt {
		return errorf(op, ErrType, "%s, and %s was asked for", p.describe(), typeName[I]())
	}
	i := int64(p.bits)
	if int64(I(i)) != i || (i < 0) != (I(i) < 0) {
		return errorf(op, ErrRange, "%d does not fit into %s", i, typeName[I]())
	}
	*out = I(i)
	return nil
}

// A nil value gives a nil pointer.
func intoHandle[H any](op string, p *plain, kind Kind, out **H) error {
	switch {
	case p.tag == tagNil:
		*out = nil
	case p.tag == tagObj && Kind(p.obj.kind) == kind:
		*out = (*H)(unsafe.Pointer(p.obj))
	default:
		return errorf(op, ErrType, "%s, and %s was asked for", p.describe(), typeName[*H]())
	}
	return nil
}

// As gives a value the type that is wanted. It takes the two results of a call:
//
//	n, err := husk.As[int](list.At(0))
//
// T is bool, an integer or float64, string, a pointer to a handle type, Object or any. ErrType: the value is of
// another type; ErrRange: the integer does not fit. Nil becomes a nil pointer, but no number.
func As[T any](v any, err error) (T, error) {
	var out T
	if err != nil {
		return out, err
	}
	var p plain
	switch v := v.(type) {
	case nil:
	case bool:
		p.tag = tagBool
		if v {
			p.bits = 1
		}
	case int64:
		p.tag, p.bits = tagInt, uint64(v)
	case float64:
		p.tag, p.bits = tagFloat, math.Float64bits(v)
	case string:
		p.tag, p.text = tagText, v
	case Object:
		if o := v.handle(); o != nil {
			p.tag, p.obj = tagObj, o
		}
	default:
		return out, errorf("As", ErrType, "a %T is no value of a heap", v)
	}
	return out, into("As", &p, &out)
}

// Must returns v, and panics if err is not nil: for programs and tests in which it cannot be.
func Must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

var _ fmt.Stringer = (*Obj)(nil)
