//go:build !husk_noffi

package ffi

// #include "host.h"
// #include <stdlib.h>
import "C"

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"unsafe"

	"husk.example/husk"
	"husk.example/husk/internal/door"
)

// A Func is what C calls in the end. Integers arrive as int8 to uint64, as the signature has them, floating point
// numbers as float32 and float64, bool as bool, pointers as unsafe.Pointer, str as string (nil for NULL), structs as
// []byte. The result is the like, any integer that fits included; of a void function it is not looked at.
type Func func(args []any) any

// A Callback is a C function pointer that calls a Go function. Any goroutine may use its methods.
type Callback struct {
	mu    sync.Mutex
	inner *inner // nil: closed
}

// What C leads to. It does not refer to the Callback, so that a lost one is found.
type inner struct {
	id   uintptr
	c    *C.husk_go_callback
	fn   Func
	text string
}

var state struct {
	mu   sync.Mutex
	last error
	hear func(error)
	next uintptr
	all  map[uintptr]*inner
}

// NewCallback makes a callback of a signature, as "int(ptr,ptr)". The goroutine must be locked to its thread (see the
// package). name, for reports, may be "". The error is husk.ErrInvalid, with a caret under the fault, or husk.ErrNoMemory.
func NewCallback(signature, name string, fn Func) (*Callback, error) {
	const op = "ffi.NewCallback"
	if fn == nil {
		return nil, door.Error(op, int(husk.ErrInvalid), "the function is nil", nil)
	}
	if strings.IndexByte(signature, 0) >= 0 || strings.IndexByte(name, 0) >= 0 {
		return nil, door.Error(op, int(husk.ErrInvalid), "a text contains a NUL", nil)
	}
	runtime.LockOSThread() // for the message of a failure
	defer runtime.UnlockOSThread()
	text := C.CString(signature)
	defer C.free(unsafe.Pointer(text))
	var label *C.char
	if name != "" {
		label = C.CString(name)
		defer C.free(unsafe.Pointer(label))
	}
	state.mu.Lock()
	state.next++
	made := &inner{id: state.next, fn: fn, text: fmt.Sprintf("callback %q %s", name, signature)}
	state.mu.Unlock()
	if status := C.husk_go_callback_new(text, label, C.uintptr_t(made.id), &made.c); status != C.HUSK_OK {
		return nil, door.Error(op, int(status), C.GoString(C.husk_message()), nil)
	}
	state.mu.Lock()
	if state.all == nil {
		state.all = map[uintptr]*inner{}
	}
	state.all[made.id] = made
	state.mu.Unlock()
	cb := &Callback{inner: made}
	runtime.SetFinalizer(cb, lost)
	return cb, nil
}

// With makes a callback, gives it to use, and closes it, all on one thread: the goroutine is locked to it meanwhile.
func With(signature, name string, fn Func, use func(cb *Callback) error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cb, err := NewCallback(signature, name, fn)
	if err != nil {
		return err
	}
	defer cb.Close()
	return use(cb)
}

// Address returns the C function pointer, nil when the callback is closed. It keeps nothing alive.
func (cb *Callback) Address() unsafe.Pointer {
	cb.mu.Lock()
	defer cb.mu.Unlock()
	if cb.inner == nil {
		return nil
	}
	return cb.inner.c.code
}

// Closed tells whether the callback has ended.
func (cb *Callback) Closed() bool {
	cb.mu.Lock()
	defer cb.mu.Unlock()
	return cb.inner == nil
}

// Close ends the callback and lets the function go; once more is fine. One that runs meanwhile returns as always.
func (cb *Callback) Close() { cb.end() }

func (cb *Callback) end() (ended *inner) {
	cb.mu.Lock()
	ended, cb.inner = cb.inner, nil
	cb.mu.Unlock()
	if ended == nil {
		return nil
	}
	runtime.SetFinalizer(cb, nil)
	state.mu.Lock()
	delete(state.all, ended.id)
	state.mu.Unlock()
	C.husk_go_callback_end(ended.c)
	return ended
}

func lost(cb *Callback) {
	if ended := cb.end(); ended != nil {
		note(door.Error("ffi", int(husk.ErrState), ended.text+": lost without Close", nil))
	}
}

// OnReport sets who hears of what goes wrong where no caller can be told; nil: each is a line on stderr, as at first. The
// function may be called on any goroutine and on any thread of C, in the middle of a callback; it must not panic.
func OnReport(hear func(error)) {
	state.mu.Lock()
	state.hear = hear
	state.mu.Unlock()
}

// LastError returns the latest report of any callback: a panic (husk.ErrHook, its Unwrap the error that was thrown), a
// call after the end (husk.ErrState), on another thread (husk.ErrBusy). nil: there was none.
func LastError() error {
	state.mu.Lock()
	defer state.mu.Unlock()
	return state.last
}

// ClearError forgets the latest report.
func ClearError() {
	state.mu.Lock()
	state.last = nil
	state.mu.Unlock()
}

func note(err error) {
	state.mu.Lock()
	state.last = err
	hear := state.hear
	state.mu.Unlock()
	if hear != nil {
		hear(err)
	} else {
		fmt.Fprintln(os.Stderr, err)
	}
}
