// Package door is how the other packages of this module reach into a heap of package husk, which fills it in. It knows
// none of their types, so that each can import it. A heap is a *husk.Heap, an object any husk.Object.
package door

import "unsafe"

var (
	// Lock takes the heap's lock for one call, and gives the husk_heap. On an error the lock is free. It is undone by
	// Unlock, which also delivers what the heap said meanwhile.
	Lock   func(heap any, op string) (unsafe.Pointer, error)
	Unlock func(heap any)

	// LockObj is Lock for the heap of an object, which is alive; it gives the husk_obj.
	LockObj func(obj any, op string) (c unsafe.Pointer, heap any, err error)

	// Failure makes an error of a status, with the heap's message. Under the lock.
	Failure func(heap any, op string, status int) error

	// Error makes an error that wraps another.
	Error func(op string, status int, text string, cause error) error

	// Guarded runs a function of the program on a goroutine of its own; "" if nothing went wrong. A panic with an error
	// is the cause.
	Guarded func(fn func()) (trouble string, cause error)

	// Start starts tracing with a husk_trace_options, Stop ends it.
	Start func(heap any, op string, options unsafe.Pointer) error
	Stop  func(heap any, op string) error

	// Label gives what this goroutine makes from now on a tag, or a domain. Trouble goes to the heap's error hook.
	Label func(heap any, domain bool, text string) (undo func())

	// Order numbers heaps: who locks several does it from the smallest number up.
	Order func(heap any) uintptr
)
