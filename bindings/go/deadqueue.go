package husk

// #include "calls.h"
import "C"

import (
	"os"
	"runtime"
	"syscall"
	"unsafe"
)

// A DeadQueue is a handle of a queue of the dead: what a callback is told at once waits here until it is asked for, in
// the order of death, those of one pass before any callback runs.
type DeadQueue struct{ Obj }

func (q *DeadQueue) handle() *Obj {
	if q == nil {
		return nil
	}
	return &q.Obj
}

// A Watch is a handle of what a queue has of an object. The queue holds it, so this handle need not be kept. It is a weak
// reference to its object, and counts as one.
type Watch struct{ Obj }

func (w *Watch) handle() *Obj {
	if w == nil {
		return nil
	}
	return &w.Obj
}

// DeadQueue makes an empty queue.
func (h *Heap) DeadQueue() (*DeadQueue, error) {
	const op = "Heap.DeadQueue"
	if err := h.enter(op); err != nil {
		return nil, err
	}
	defer h.leave()
	h.willMake()
	obj := C.husk_go_queue_new(h.c.heap)
	if obj == nil {
		return nil, h.failure(op, Code(C.husk_heap_failure(h.c.heap)))
	}
	return (*DeadQueue)(unsafe.Pointer(h.adopt(nil, obj, KindDeadQueue))), nil
}

// Watch registers an object: when it has died, the queue gives the tag. The queue keeps the tag until then: one that leads
// to a handle of the object keeps it alive. ErrHeap: the object is of another heap.
func (q *DeadQueue) Watch(object Object, tag any) (*Watch, error) {
	const op = "DeadQueue.Watch"
	var o *Obj
	if object != nil {
		o = object.handle()
	}
	if o == nil {
		return nil, errorf(op, ErrInvalid, "the object is nil")
	}
	if o.made() && q.made() && o.heap != q.heap {
		return nil, errorf(op, ErrHeap, "the object is of heap %s, the queue of heap %s", o.heap.name, q.heap.name)
	}
	if err := o.enter(op); err != nil {
		return nil, err
	}
	defer runtime.KeepAlive(o)
	defer runtime.KeepAlive(q)
	h := o.heap
	defer h.leave()
	if !q.made() {
		return nil, q.strayError(op)
	}
	if !q.alive() {
		return nil, q.deadError(op)
	}
	token := h.keep(tag, op)
	if token == nil {
		return nil, errorf(op, ErrNoMemory, "%s", ErrNoMemory.Error())
	}
	h.willMake()
	watch := C.husk_go_watch_new(q.obj, o.obj, token)
	if watch == nil {
		return nil, h.failure(op, Code(C.husk_heap_failure(h.c.heap)))
	}
	return (*Watch)(unsafe.Pointer(h.adopt(o.scope, watch, KindWatch))), nil
}

// Poll returns the tag of the one that died first of those that wait. False: none waits, or this handle is dead. It never
// blocks.
func (q *DeadQueue) Poll() (tag any, ok bool) {
	if q.enter("DeadQueue.Poll") != nil {
		return nil, false
	}
	defer runtime.KeepAlive(q)
	h := q.heap
	defer h.leave()
	var number C.uintptr_t
	watch := C.husk_go_queue_poll(q.obj, &number)
	if watch == nil {
		return nil, false
	}
	tag = h.values[uintptr(number)].value
	C.husk_obj_release(watch)
	return tag, true
}

// Len returns how many wait; 0 if the handle is dead.
func (q *DeadQueue) Len() int {
	return q.count("DeadQueue.Len", func(q *C.husk_deadqueue) C.size_t { return C.husk_deadqueue_count(q) })
}

// Watching returns how many watches there are whose objects live; 0 if the handle is dead.
func (q *DeadQueue) Watching() int {
	return q.count("DeadQueue.Watching", func(q *C.husk_deadqueue) C.size_t { return C.husk_deadqueue_watching(q) })
}

func (q *DeadQueue) count(op string, question func(*C.husk_deadqueue) C.size_t) int {
	if q.enter(op) != nil {
		return 0
	}
	n := question(C.husk_deadqueue_of(q.obj))
	q.heap.leave()
	runtime.KeepAlive(q)
	return int(n)
}

// Chan polls for whoever receives: tags come out of the channel as objects die, in order, until done is closed; then the
// channel is closed, too. Nothing waits in the channel; but one tag may have been polled and be given to nobody when done
// is closed meanwhile. The queue stays usable beside it; the goroutine holds the handle until done is closed.
func (q *DeadQueue) Chan(done <-chan struct{}) (<-chan any, error) {
	const op = "DeadQueue.Chan"
	if err := q.enter(op); err != nil {
		return nil, err
	}
	fd := int(C.husk_deadqueue_fd(C.husk_deadqueue_of(q.obj)))
	if fd < 0 {
		err := q.heap.failure(op, Code(C.husk_heap_failure(q.heap.c.heap)))
		q.heap.leave()
		return nil, err
	}
	own, err := syscall.Dup(fd) // the queue closes its own
	q.heap.leave()
	if err != nil {
		return nil, errorf(op, ErrIO, "%s", err.Error())
	}
	syscall.CloseOnExec(own)
	file := os.NewFile(uintptr(own), "queue of the dead")
	ready, err := file.SyscallConn()
	if err != nil {
		file.Close()
		return nil, errorf(op, ErrIO, "%s", err.Error())
	}
	out := make(chan any)
	go func() { // ends the wait below
		<-done
		file.Close()
	}()
	go func() {
		defer close(out)
		// Waits for the descriptor whenever the function is done for now: it is told each time that it becomes readable.
		_ = ready.Read(func(uintptr) bool {
			for {
				select {
				case <-done:
					return true
				default:
				}
				tag, ok := q.Poll()
				if !ok {
					return false
				}
				select {
				case out <- tag:
				case <-done:
					return true
				}
			}
		})
	}()
	return out, nil
}

// Pending reports whether its object lives and it is in its queue.
func (w *Watch) Pending() (bool, error) {
	return w.answer("Watch.Pending", func(o *C.husk_obj) C.bool { return C.husk_watch_is_pending(C.husk_watch_of(o)) })
}

// Get returns its object. False: that is gone or condemned, or this handle is dead.
func (w *Watch) Get() (Object, bool) { return w.lock("Watch.Get", lockWeak) }

// Tag returns what it was made with.
func (w *Watch) Tag() (any, error) {
	if err := w.enter("Watch.Tag"); err != nil {
		return nil, err
	}
	tag := w.heap.values[uintptr(C.husk_go_watch_value(w.obj))].value
	w.heap.leave()
	runtime.KeepAlive(w)
	return tag, nil
}

// Detach takes it out of its queue, whether its object has died or not. True: it was in one.
func (w *Watch) Detach() (bool, error) {
	return w.answer("Watch.Detach", func(o *C.husk_obj) C.bool { return C.husk_watch_detach(C.husk_watch_of(o)) })
}
