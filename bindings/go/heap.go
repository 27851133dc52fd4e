package husk

// #include <stdlib.h>
// #include "calls.h"
import "C"

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"unsafe"

	"husk.example/husk/internal/raw"
)

// Options of a heap. The zero value is fine.
type Options struct {
	Name     string // appears in errors and reports; "heap" if empty
	MaxBytes uint64 // a hard limit on what the heap takes from the system; 0: none
	Stress   bool   // run a pass at every allocation: slow, finds mistakes early
	Track    bool   // note where each handle is made; Close reports those still open. Also HUSK_GO_TRACK=1

	// OnError receives errors of finalizers and callbacks, and what the heap notices by itself. Without it each is
	// a line on os.Stderr. It may use the heap.
	OnError func(error)
}

// A Heap is where objects live. Heaps share nothing: an object refers only to objects of its own heap. All methods
// may be called from any goroutine.
//
//	lock (mu)   everything below, and the C heap; given back while a hook runs
//	c           the C side, nil when closed
//	handles     what Go has of the heap's objects
//	values      what the heap has of Go's: boxed values, callbacks
//	reports     errors that wait for the lock to be free
type Heap struct {
	mu      sync.Mutex
	self    uintptr // its own address; a copy of a heap is a closed one
	c       *C.husk_go_host
	host    C.uintptr_t // c as a number: cgo would look at what a pointer points to
	raw     raw.SwigcptrHeap
	id      uintptr
	name    string
	track   bool
	closing bool
	epoch   uint32 // handles of an earlier one lost their references when the heap began to close

	handles handles
	scopes  map[*Scope]struct{}
	places  map[uint32]place // with track: by slot of the handle
	passing []*Obj           // handles on condemned objects: they end with the hook
	hooks   int              // how many hooks run now
	tracer  *tracer          // while tracing

	values    map[uintptr]held
	lastValue uintptr
	cleanups  map[*C.husk_obj]uintptr // the value of each cleanup

	onError func(error)
	reports []error
}

// A Go value that the heap keeps.
type held struct {
	value any
	what  string // "Box", "WeakFunc", "OnDeath", "OnPass"
	place place
	obj   *C.husk_obj // of a cleanup
}

// New makes a heap. With no options, or one Options. The heap is to be closed: one that is forgotten with all its handles
// is closed in the end and says so, but not before Go 1.24, nor with an open scope, nor if a function that it keeps leads
// back to it.
func New(options ...Options) (*Heap, error) {
	var o Options
	switch len(options) {
	case 0:
	case 1:
		o = options[0]
	default:
		return nil, errorf("New", ErrInvalid, "%d Options, and at most one is possible", len(options))
	}
	if o.Name == "" {
		o.Name = "heap"
	}
	if uint64(C.size_t(o.MaxBytes)) != o.MaxBytes {
		return nil, errorf("New", ErrRange, "MaxBytes %d is more than this machine can address", o.MaxBytes)
	}
	h := &Heap{
		name:    o.Name,
		track:   o.Track || os.Getenv("HUSK_GO_TRACK") == "1",
		scopes:  map[*Scope]struct{}{},
		values:  map[uintptr]held{},
		onError: o.OnError,

		cleanups: map[*C.husk_obj]uintptr{},
	}
	name := C.CString(o.Name)
	defer C.free(unsafe.Pointer(name))
	h.self = uintptr(unsafe.Pointer(h))
	h.id = heaps.add(h)
	runtime.LockOSThread() // the message of a failure belongs to the thread
	defer runtime.UnlockOSThread()
	h.c = C.husk_go_host_new(name, C.size_t(o.MaxBytes), C.bool(o.Stress), C.uintptr_t(h.id))
	if h.c == nil || h.c.heap == nil {
		code, text := ErrNoMemory, ErrNoMemory.Error()
		if h.c != nil {
			code, text = Code(h.c.status), C.GoString(C.husk_message())
			C.husk_go_host_free(h.c)
		}
		heaps.remove(h.id)
		return nil, errorf("New", code, "%s", text)
	}
	h.host = C.uintptr_t(uintptr(unsafe.Pointer(h.c)))
	h.raw = raw.SwigcptrHeap(uintptr(unsafe.Pointer(h.c.heap)))
	h.handles.init()
	if h.track {
		h.places = map[uint32]place{}
	}
	runtime.SetFinalizer(h, (*Heap).abandoned)
	return h, nil
}

// Close ends the heap: handles that are still open are released, a last pass runs with its finalizers, cleanups that
// ask for it run, and every byte is given back. Afterwards each call on the heap and its handles says ErrClosed.
// Closing again does nothing. While a finalizer or callback of the heap runs, Close says ErrBusy. Those that run while
// the heap closes may use what is there; making something new says ErrClosed.
//
// With Options.Track, Close first lets Go's collector run, and hands to the error hook one report for each handle
// that is still reachable and not released, and for each Go value that the heap still holds.
func (h *Heap) Close() error {
	if h.track {
		h.reportOpen()
	}
	h.mu.Lock()
	if !h.open() || h.closing {
		h.mu.Unlock()
		return nil
	}
	if h.hooks > 0 {
		h.mu.Unlock()
		return h.busyError("Heap.Close")
	}
	h.closing = true
	h.c.stack = nil
	for all := h.takeAll(); len(all) > 0; all = h.takeAll() {
		h.epoch++
		h.release(all)
	}
	C.husk_go_host_close(h.c)
	h.settleValues()
	h.endTracing()
	h.takeReports()
	reports := h.reports
	h.reports = nil
	C.husk_go_host_free(h.c)
	h.c = nil
	h.handles = handles{}
	h.values = nil
	h.cleanups = nil
	h.places = nil
	h.scopes = nil
	h.mu.Unlock()
	heaps.remove(h.id)
	runtime.SetFinalizer(h, nil)
	h.deliver(reports)
	return nil
}

// takeAll takes out the references of all handles, of scopes too. Under the lock.
func (h *Heap) takeAll() []*C.husk_obj {
	all := h.handles.takeAll()
	for s := range h.scopes {
		if s.stray("") == nil { // else another has been written over it, and would be counted twice
			s.closed = true
			all = append(all, s.takeAll()...)
		}
		delete(h.scopes, s)
	}
	return all
}

// What a forgotten heap comes to: neither it nor any of its handles can be reached.
func (h *Heap) abandoned() {
	heaps.hold(h.id, h)
	go func() {
		h.deliver([]error{errorf(h.name, ErrState, "the heap was never closed; it is closed now")})
		_ = h.Close()
	}()
}

// Closed reports whether the heap has been closed.
func (h *Heap) Closed() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return !h.open()
}

// Name returns the name the heap was made with.
func (h *Heap) Name() string { return h.name }

// String returns the name and what is in the heap.
func (h *Heap) String() string {
	figures, err := h.Figures()
	if err != nil {
		return fmt.Sprintf("heap '%s' (closed)", h.name)
	}
	return fmt.Sprintf("heap '%s' (%d objects, %d bytes)", h.name, figures.Objects, figures.BytesTaken)
}

// ---- the lock ----
//
// What Go's collector has let go ends in enter, under the lock, and nowhere else. So a handle that was looked at under
// the lock keeps its object until the lock is given back, which only hooks do in the middle of a call; and what a call
// needs after its hooks, its C function holds (host.h). Receivers are kept alive all the same, for readers; values are
// not, since runtime.KeepAlive would make each number an allocation.

// open says whether there is a C heap. Under the lock.
func (h *Heap) open() bool { return h.c != nil && h.self == uintptr(unsafe.Pointer(h)) }

// enter takes the lock for one call, and ends first what Go's collector has let go. On an error the lock is free.
func (h *Heap) enter(op string) error {
	h.mu.Lock()
	if !h.open() {
		h.mu.Unlock()
		return h.closedError(op)
	}
	if h.tracer != nil {
		h.tracer.entered()
	}
	if h.handles.stale() {
		h.release(h.handles.takeLost(sweepStep))
	}
	return nil
}

// enterFor is enter for what makes something new, in a scope or (nil) not. While the heap closes nothing is made:
// other goroutines could else keep it open for ever.
func (h *Heap) enterFor(op string, s *Scope) error {
	if err := h.enter(op); err != nil {
		return err
	}
	if h.closing {
		h.leave()
		return h.closedError(op)
	}
	if s != nil && s.closed {
		h.leave()
		return errorf(op, ErrState, "the scope is closed")
	}
	return nil
}

// leave gives the lock back, and then delivers what the heap said meanwhile.
func (h *Heap) leave() {
	if h.c.waiting == 0 && h.reports == nil {
		h.mu.Unlock()
	} else {
		h.leaveTelling()
	}
}

func (h *Heap) leaveTelling() {
	h.settleValues()
	h.takeReports()
	reports := h.reports
	h.reports = nil
	h.mu.Unlock()
	h.deliver(reports)
}

func (h *Heap) busyError(op string) error {
	return errorf(op, ErrBusy, "heap '%s': a finalizer or callback of it is running", h.name)
}

func (h *Heap) closedError(op string) error {
	err := errorf(op, ErrState, "heap '%s' is closed", h.name)
	err.cause = ErrClosed
	return err
}

// failure makes an error of a status, with the heap's message. Under the lock.
func (h *Heap) failure(op string, status Code) error {
	if status == 0 {
		return nil
	}
	text := C.GoString(C.husk_heap_message(h.c.heap))
	if text == "" || Code(C.husk_heap_failure(h.c.heap)) != status {
		text = raw.Status_text(int(status))
	}
	return &Error{Op: op, Code: status, Msg: text}
}

// release gives references back. Runs hooks, so that the lock may be free meanwhile. Under the lock.
func (h *Heap) release(lost []*C.husk_obj) {
	if len(lost) > 0 {
		C.husk_go_release(&lost[0], C.size_t(len(lost)))
	}
}

// ---- Go values that the heap keeps ----

// keep gives v a number and a token that the heap can store; nil: no memory. Under the lock.
func (h *Heap) keep(v any, what string) *C.husk_go_token {
	h.lastValue++
	token := C.husk_go_token_new(h.c, C.uintptr_t(h.lastValue))
	if token == nil {
		return nil
	}
	one := held{value: v, what: what}
	if h.track {
		one.place = callerPlace()
	}
	h.values[h.lastValue] = one
	return token
}

// settleValues forgets what the heap has let go. Under the lock.
func (h *Heap) settleValues() {
	for token := C.husk_go_take_loose(h.c); token != nil; {
		next := token.next
		number := uintptr(token.value)
		if obj := h.values[number].obj; obj != nil && h.cleanups[obj] == number { // else the address has a new one
			delete(h.cleanups, obj)
		}
		delete(h.values, number)
		C.free(unsafe.Pointer(token))
		token = next
	}
}

// ---- reports ----

// takeReports moves what the heap has said to h.reports. Under the lock.
func (h *Heap) takeReports() {
	for report := C.husk_go_take_reports(h.c); report != nil; {
		next := report.next
		h.reports = append(h.reports, &Error{Op: h.name, Code: Code(report.status), Msg: C.GoString(report.text)})
		C.free(unsafe.Pointer(report))
		report = next
	}
}

// OnError sets the function that receives errors of finalizers and callbacks, and what the heap notices by itself;
// nil: a line on os.Stderr each. It is called without the lock, on a goroutine of its own, while the call that it came
// from waits.
func (h *Heap) OnError(fn func(error)) {
	h.mu.Lock()
	h.onError = fn
	h.mu.Unlock()
}

// deliver hands reports to the error hook. Without the lock. One that its hook fails on is printed: none is lost.
func (h *Heap) deliver(reports []error) {
	for _, err := range reports {
		h.mu.Lock()
		hook := h.onError
		h.mu.Unlock()
		trouble := "no error hook"
		if hook != nil {
			trouble, _ = guarded(func() { hook(err) })
		}
		if trouble != "" {
			fmt.Fprintln(os.Stderr, err)
		}
		if trouble != "" && hook != nil {
			fmt.Fprintf(os.Stderr, "husk: the error hook of heap '%s': %s\n", h.name, trouble)
		}
	}
}

// ---- the table by which hooks find their heap ----

type heapTable struct {
	mu   sync.Mutex
	last uintptr
	all  map[uintptr]heapRef
}

var heaps = heapTable{all: map[uintptr]heapRef{}}

func (t *heapTable) add(h *Heap) uintptr {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last++
	t.all[t.last] = refTo(h)
	return t.last
}

func (t *heapTable) hold(id uintptr, h *Heap) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.all[id] = heapRef{strong: h}
}

func (t *heapTable) get(id uintptr) *Heap {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.all[id].get()
}

func (t *heapTable) remove(id uintptr) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.all, id)
}
