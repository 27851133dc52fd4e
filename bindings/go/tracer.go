package husk

// #include <stdlib.h>
// #include "calls.h"
import "C"

import (
	"runtime"
	"strings"
	"unsafe"

	"husk.example/husk/internal/callers"
)

// A tracer finds the Go frames for a heap that is traced (package trace). It is there only then: a heap that is not
// traced asks for a nil pointer, no more.
//
//	exact      a call that is sure to make something notes its stack before it goes to C (note): the source of frames
//	           (host_trace.c) finds it there and need not call Go
//	otherwise  C calls back when it makes something, or takes a sample (huskGoStack)
//
// Tracing may be started and stopped by others, too: by HUSK_TRACE in the environment, or by request. Then the tracer comes
// when C asks for the first stack, and goes a little late.
//
// What a call has noted holds until the next one begins, or a hook.
//
// Tags belong to goroutines, and the heap has one at a time: it changes when another goroutine comes in (entered).
type tracer struct {
	heap   *Heap
	exact  bool
	most   int // frames of a traceback
	calls  uint
	serial C.uint64_t // of the tracing that inForce is about
	key    callers.Key
	stacks map[uint64]*C.husk_go_stack
	frames map[frame]C.uint32_t // rows of host.frames

	labels map[uintptr][]*label // by goroutine, the innermost last
	inForce
}

type frame struct {
	file, function string
	line           int
}

// A label is a tag, or a domain, that a goroutine has on.
type label struct {
	text   string
	domain bool
}

type inForce struct{ tag, domain *label }

const mostStacks = 1 << 16 // then they are forgotten, and found anew

func (h *Heap) startTracing(op string, options *C.husk_trace_options) error {
	if err := h.enterFor(op, nil); err != nil {
		return err
	}
	defer h.leave()
	if err := h.failure(op, Code(C.husk_trace_start(h.c.heap, options))); err != nil {
		return err
	}
	h.endTracing() // it may have been stopped by others
	h.beginTracing()
	h.tracer.exact = h.tracer.exact && options.sources&C.HUSK_TRACE_LANGUAGE != 0
	return nil
}

func (h *Heap) stopTracing(op string) error {
	if err := h.enter(op); err != nil {
		return err
	}
	C.husk_trace_stop(h.c.heap)
	h.endTracing()
	h.leave()
	return nil
}

// beginTracing is the Go half of the start.
func (h *Heap) beginTracing() {
	var figures C.husk_trace_figures
	C.husk_trace_figures_get(h.c.heap, &figures)
	h.tracer = &tracer{
		heap: h, exact: figures.sample_bytes == 0, most: int(C.husk_trace_limit(h.c.heap)),
		stacks: map[uint64]*C.husk_go_stack{}, frames: map[frame]C.uint32_t{}, labels: map[uintptr][]*label{},
	}
}

// endTracing is the Go half of the end.
func (h *Heap) endTracing() {
	if t := h.tracer; t != nil {
		t.forget()
		C.husk_go_trace_forget(h.c)
		h.tracer = nil
	}
}

// entered begins a call. Under the lock, as everything below.
func (t *tracer) entered() {
	t.heap.c.stack = nil
	if t.calls++; t.calls%1024 == 0 && !bool(C.husk_trace_is_on(t.heap.c.heap)) { // stopped by others
		t.heap.endTracing()
		return
	}
	if serial := t.heap.c.serial; serial != t.serial {
		if t.serial != 0 { // started anew by others: no tag is in force
			t.inForce = inForce{}
		}
		t.serial = serial
	}
	if len(t.labels) > 0 || t.inForce != (inForce{}) {
		t.settle()
	}
}

// ---- stacks ----

// willMake says that the call is going to make something.
func (h *Heap) willMake() {
	if h.tracer != nil && h.tracer.exact && h.c.stack == nil {
		h.tracer.note()
	}
}

func (t *tracer) note() {
	n, sum := t.key.Find()
	t.known(n, sum)
}

// noteSlowly is note on the way back from C.
func (t *tracer) noteSlowly() {
	n, sum := t.key.FindSlowly(0)
	t.known(n, sum)
}

// known sets the stack of n machine frames and this sum. If that are not all, the frames that are wanted have to be among them.
func (t *tracer) known(n int, sum uint64) {
	stack := t.stacks[sum]
	if stack == nil || n == callers.Most && t.most > callers.Most/4 {
		stack = t.look(n < callers.Most)
		if old := t.stacks[sum]; old != nil {
			C.free(unsafe.Pointer(old))
		} else if len(t.stacks) >= mostStacks {
			t.forget()
		}
		if stack == nil {
			delete(t.stacks, sum)
		} else {
			t.stacks[sum] = stack
		}
	}
	t.heap.c.stack = stack
}

func (t *tracer) forget() {
	t.heap.c.stack = nil
	for sum, stack := range t.stacks {
		C.free(unsafe.Pointer(stack))
		delete(t.stacks, sum)
	}
}

// look finds out what a stack is made of: without the frames of this package and the runtime's way to it. countable: it is
// wanted, and possible, to say how many there are.
func (t *tracer) look(countable bool) *C.husk_go_stack {
	var pcs [2 * callers.Most]uintptr
	n := runtime.Callers(2, pcs[:])
	all := runtime.CallersFrames(pcs[:n])
	var rows []C.uint32_t
	total := 0
	for more := n > 0; more; {
		var one runtime.Frame
		if one, more = all.Next(); leftOut(one.Function, total == 0) {
			continue
		}
		total++
		if len(rows) < t.most {
			row, known := t.frames[frame{one.File, one.Function, one.Line}]
			if !known {
				row = C.husk_go_call_frame_new(t.heap.c, one.File, one.Function, C.uint32_t(one.Line))
				if row == C.HUSK_GO_NO_FRAME {
					return nil
				}
				t.frames[frame{one.File, one.Function, one.Line}] = row
			}
			rows = append(rows, row)
		}
	}
	if n == len(pcs) || !countable {
		total = 0
	}
	return C.husk_go_stack_new(&append(rows, 0)[0], C.size_t(len(rows)), C.size_t(total))
}

// leftOut says which functions are none of the program's; newest: none of its was met yet.
func leftOut(function string, newest bool) bool {
	return inside(function) || strings.HasPrefix(function, packagePath[:len(packagePath)-1]+"/internal/") ||
		strings.HasPrefix(function, "_cgoexp_") || strings.HasPrefix(function, "runtime.cgo") ||
		function == "runtime.goexit" || function == "runtime.main" ||
		newest && strings.HasPrefix(function, "runtime.")
}

// ---- tags and domains ----

// label begins a tag or domain of this goroutine, which undo ends. A heap that is not traced does nothing.
func (h *Heap) label(domain bool, text string) (undo func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.tracer == nil && h.open() && bool(C.husk_trace_is_on(h.c.heap)) { // started by others
		h.beginTracing()
	}
	t := h.tracer
	if t == nil {
		return func() {}
	}
	one, goroutine := &label{text, domain}, callers.Goroutine()
	t.labels[goroutine] = append(t.labels[goroutine], one)
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		t.drop(goroutine, one)
	}
}

// drop ends a label, also one that is not the innermost.
func (t *tracer) drop(goroutine uintptr, one *label) {
	all := t.labels[goroutine]
	for i := len(all) - 1; i >= 0; i-- {
		if all[i] == one {
			all = append(all[:i], all[i+1:]...)
			break
		}
	}
	if len(all) == 0 {
		delete(t.labels, goroutine)
	} else {
		t.labels[goroutine] = all
	}
}

// settle makes the heap's tag and domain those of this goroutine.
func (t *tracer) settle() {
	var want inForce
	for _, one := range t.labels[callers.Goroutine()] {
		if one.domain {
			want.domain = one
		} else {
			want.tag = one
		}
	}
	if want == t.inForce {
		return
	}
	t.inForce = want
	var tag, domain *C.char
	if want.tag != nil {
		tag = C.CString(want.tag.text)
	}
	if want.domain != nil {
		domain = C.CString(want.domain.text)
	}
	status := Code(C.husk_go_trace_label(t.heap.c, tag, domain))
	if status == ErrState { // stopped by others
		t.heap.endTracing()
	} else if status != 0 {
		t.heap.reports = append(t.heap.reports, t.heap.failure("trace.Tag", status))
	}
	C.free(unsafe.Pointer(tag))
	C.free(unsafe.Pointer(domain))
}
