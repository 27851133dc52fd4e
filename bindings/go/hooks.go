package husk

// Only declarations may stand here, since this file exports functions to C.

// #include "host.h"
import "C"

import (
	"fmt"
	"unsafe"

	"husk.example/husk/internal/raw"
)

// How hooks run. The heap calls one of the functions below in the middle of a call, with its lock held by the
// goroutine that made the call. The program's function then runs without the lock, on a goroutine of its own, while
// that call waits: so the function may use the heap, and other goroutines may too. To the C heap all they do is what
// the hook itself did. A function that panics, or ends its goroutine, cannot tear the C frames that wait for it.

// within returns the heap that calls, now inside a hook; nil: nobody knows it. Under the lock.
func within(id C.uintptr_t) *Heap {
	h := heaps.get(uintptr(id))
	if h != nil {
		h.hooks++
	}
	return h
}

// hook runs a function of the program, and ends what within began. Under the lock, which is free meanwhile.
func (h *Heap) hook(what string, fn func()) {
	h.mu.Unlock()
	trouble, cause := guarded(fn)
	h.mu.Lock()
	if h.tracer != nil {
		h.tracer.entered()
	}
	if trouble != "" {
		h.reports = append(h.reports, &Error{Op: h.name, Code: ErrHook, Msg: what + ": " + trouble, cause: cause})
	}
	if h.hooks == 1 {
		h.endPassing()
	}
	h.hooks--
}

// endPassing ends the handles on condemned objects, so that none of them brings its object back. To do that a
// finalizer stores the object.
func (h *Heap) endPassing() {
	for len(h.passing) > 0 {
		o := h.passing[len(h.passing)-1]
		h.passing = h.passing[:len(h.passing)-1]
		h.endOne(o)
	}
	h.passing = nil
}

func (h *Heap) endOne(o *Obj) {
	if o.made() && o.alive() { // the program may have written over it
		C.husk_obj_release(h.drop(o))
	}
}

// guarded runs fn on a goroutine of its own and says what went wrong: "" if nothing did.
func guarded(fn func()) (trouble string, cause error) {
	done := make(chan struct{})
	go func() {
		ended := false
		defer close(done)
		defer func() {
			if ended {
				return
			}
			p := recover()
			if p == nil {
				trouble = "it ended its goroutine (runtime.Goexit, or panic(nil))"
				return
			}
			cause, _ = p.(error)
			trouble = fmt.Sprintf("panic: a %T", p) // in case its own text ends the goroutine
			trouble = fmt.Sprintf("panic: %v", p)
		}()
		fn()
		ended = true
	}()
	<-done
	return trouble, cause
}

//export huskGoStack
func huskGoStack(id C.uintptr_t) {
	h := heaps.get(uintptr(id))
	if h == nil || h.c == nil { // it is being made
		return
	}
	if h.tracer == nil {
		h.beginTracing()
	}
	h.tracer.noteSlowly()
}

//export huskGoFinalize
func huskGoFinalize(id C.uintptr_t, self *C.husk_obj, number C.uintptr_t) {
	h := within(id)
	if h == nil {
		return
	}
	finalizers.mu.RLock()
	fn := finalizers.all[number-1]
	finalizers.mu.RUnlock()
	o := h.wrap(nil, self, KindRecord, false)
	h.hook("finalizer of "+o.typeOf().name, func() { fn((*Record)(unsafe.Pointer(o))) })
	h.endOne(o) // endPassing waits for hooks of other goroutines
}

//export huskGoGone
func huskGoGone(id C.uintptr_t, weak *C.husk_weak, number C.uintptr_t) {
	h := within(id)
	if h == nil {
		return
	}
	switch fn := h.values[uintptr(number)].value.(type) {
	case func(*Weak):
		o := h.wrap(nil, (*C.husk_obj)(unsafe.Pointer(weak)), KindWeak, false)
		h.hook("callback of a weak reference", func() { fn((*Weak)(unsafe.Pointer(o))) })
	case func(*Soft):
		o := h.wrap(nil, (*C.husk_obj)(unsafe.Pointer(weak)), KindSoft, false)
		h.hook("callback of a soft reference", func() { fn((*Soft)(unsafe.Pointer(o))) })
	}
}

//export huskGoCleanup
func huskGoCleanup(id, number C.uintptr_t) {
	h := within(id)
	if h == nil {
		return
	}
	h.hook("cleanup", h.values[uintptr(number)].value.(func()))
}

//export huskGoPass
func huskGoPass(id C.uintptr_t, phase C.int, figures *C.husk_pass, number C.uintptr_t) {
	h := within(id)
	if h == nil {
		return
	}
	pass := passOf((*raw.Pass)(unsafe.Pointer(figures)))
	fn := h.values[uintptr(number)].value.(func(Phase, Pass))
	h.hook("callback of a pass", func() { fn(Phase(phase), pass) })
}

//export huskGoLeaks
func huskGoLeaks(id C.uintptr_t, leaks *C.husk_leaks, number C.uintptr_t) {
	h := within(id)
	if h == nil {
		return
	}
	report := leaksOf(leaks)
	fn := h.values[uintptr(number)].value.(func(*Leaks))
	h.hook("callback of finding leaks", func() { fn(report) })
}
