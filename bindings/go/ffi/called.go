//go:build !husk_noffi

package ffi

// Only declarations may stand here, since this file exports functions to C.

// #include "host.h"
import "C"

import (
	"fmt"
	"math"
	"reflect"
	"unsafe"

	"husk.example/husk"
	"husk.example/husk/internal/door"
)

//export huskGoFfiReport
func huskGoFfiReport(status C.int, text *C.char) {
	note(door.Error("ffi", int(status), C.GoString(text), nil))
}

//export huskGoFfiCalled
func huskGoFfiCalled(c *C.husk_go_callback, id C.uintptr_t, args *unsafe.Pointer, count C.size_t, result unsafe.Pointer) (runs bool) {
	state.mu.Lock()
	found := state.all[uintptr(id)]
	state.mu.Unlock()
	if found == nil { // closed on another thread, the closure not yet
		return false
	}
	runs = true
	defer func() {
		if p := recover(); p != nil {
			cause, _ := p.(error)
			note(door.Error("ffi", int(husk.ErrHook), fmt.Sprintf("%s: panic: %v", found.text, p), cause))
		}
	}()
	given := make([]any, int(count))
	for i, at := range unsafe.Slice(args, int(count)) {
		given[i] = from(C.husk_ffi_type_param(c._type, C.size_t(i)), at)
	}
	answer := found.fn(given)
	if trouble := to(C.husk_ffi_type_result(c._type), answer, result); trouble != "" {
		note(door.Error("ffi", int(husk.ErrHook), found.text+": "+trouble, nil))
	}
	return
}

func plain(t *C.husk_ffi_type) *C.husk_ffi_type {
	if C.husk_ffi_type_kind(t) == C.HUSK_FFI_ENUM {
		return C.husk_ffi_type_element(t)
	}
	return t
}

func from(t *C.husk_ffi_type, at unsafe.Pointer) any {
	t = plain(t)
	switch C.husk_ffi_type_kind(t) {
	case C.HUSK_FFI_BOOL:
		return *(*bool)(at)
	case C.HUSK_FFI_I8:
		return *(*int8)(at)
	case C.HUSK_FFI_U8:
		return *(*uint8)(at)
	case C.HUSK_FFI_I16:
		return *(*int16)(at)
	case C.HUSK_FFI_U16:
		return *(*uint16)(at)
	case C.HUSK_FFI_I32:
		return *(*int32)(at)
	case C.HUSK_FFI_U32:
		return *(*uint32)(at)
	case C.HUSK_FFI_I64:
		return *(*int64)(at)
	case C.HUSK_FFI_U64:
		return *(*uint64)(at)
	case C.HUSK_FFI_F32:
		return *(*float32)(at)
	case C.HUSK_FFI_F64:
		return *(*float64)(at)
	case C.HUSK_FFI_STR:
		if text := *(**C.char)(at); text != nil {
			return C.GoString(text)
		}
		return nil
	case C.HUSK_FFI_POINTER:
		return *(*unsafe.Pointer)(at)
	case C.HUSK_FFI_STRUCT:
		return C.GoBytes(at, C.int(C.husk_ffi_type_size(t)))
	default: // char
		var whole C.int64_t
		C.husk_ffi_integer_read(t, at, &whole)
		return int64(whole)
	}
}

// to stores a result; what it says is why it could not, and then the result is zero.
func to(t *C.husk_ffi_type, value any, at unsafe.Pointer) string {
	t = plain(t)
	kind := C.husk_ffi_type_kind(t)
	name := C.GoString(C.husk_ffi_kind_name(kind))
	status := C.husk_status(C.HUSK_ETYPE)
	v := reflect.ValueOf(value)
	switch {
	case kind == C.HUSK_FFI_VOID:
		return ""
	case kind == C.HUSK_FFI_STRUCT:
		bytes, _ := value.([]byte)
		if len(bytes) != int(C.husk_ffi_type_size(t)) {
			return fmt.Sprintf("the result is no []byte of %d bytes", int(C.husk_ffi_type_size(t)))
		}
		copy(unsafe.Slice((*byte)(at), len(bytes)), bytes)
		return ""
	case kind == C.HUSK_FFI_POINTER:
		switch p := value.(type) {
		case nil:
			return ""
		case unsafe.Pointer:
			*(*uintptr)(at) = uintptr(p)
			return ""
		case uintptr:
			*(*uintptr)(at) = p
			return ""
		}
	case kind == C.HUSK_FFI_BOOL:
		if truth, ok := value.(bool); ok {
			*(*bool)(at) = truth
			return ""
		}
	case !v.IsValid():
	case kind == C.HUSK_FFI_F32 || kind == C.HUSK_FFI_F64:
		if v.CanFloat() {
			status = C.husk_ffi_double_write(t, at, C.double(v.Float()))
		}
	case v.CanInt():
		status = C.husk_ffi_integer_write(t, at, C.int64_t(v.Int()))
	case v.CanUint() && v.Uint() <= math.MaxInt64:
		status = C.husk_ffi_integer_write(t, at, C.int64_t(v.Uint()))
	case v.CanUint():
		status = C.husk_ffi_unsigned_write(t, at, C.uint64_t(v.Uint()))
	}
	if status == C.HUSK_OK {
		return ""
	}
	return fmt.Sprintf("the result, a %T of %v, is no %s", value, value, name)
}
