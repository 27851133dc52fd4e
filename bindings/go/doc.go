// Package husk gives Go programs a heap of counted objects: records, lists and maps that refer to each other, end
// when nothing refers to them any more, and are found by a cycle collector when they only refer to each other.
//
// # Handles
//
// What Go has of an object is a handle: *Record, *List, *Map and so on. A handle is one counted reference. It ends
// with Release, with the Scope it was made in, with its heap, or when Go's collector has found the handle
// unreachable; then the heap notices at its next call, or at Heap.Drain. With Go 1.24 and later there is one handle
// for each object while it lives, so that == says whether two are the same object; Equal says so with every Go.
//
// # Goroutines
//
// Any goroutine may use a heap at any time: every call holds the heap's lock. Finalizers and callbacks run without
// it, each on a goroutine of its own, while the call that set them off waits; they may use the heap. A panic in one
// is recovered and goes to the heap's error hook (Heap.OnError).
//
// # Errors
//
// Every call that can fail returns an *Error; errors.Is compares it with ErrRange, ErrClosed and the others. Methods
// panic only when called on a nil pointer, like those of any Go type.
//
// # What is not collected
//
// A Go value in a Box, and a function that the heap keeps, are roots to Go's collector. If such a value leads to a
// handle of an object that holds the box, neither collector can see the cycle: it stays until it is broken by hand
// or the heap is closed. Options.Track makes Close name handles and values that are still there, and where each was
// made.
//
// # Who made it
//
// The package husk.example/husk/trace tells where objects were made and what of them is there, husk.example/husk/memory where
// the memory of the process is.
package husk

import "husk.example/husk/internal/raw"

// Version returns the version of the library that is running.
func Version() string { return raw.Version() }

// MemoryHeld returns the bytes that the library holds in this process; 0 when every heap is closed.
func MemoryHeld() uint64 { return raw.Memory_held() }
