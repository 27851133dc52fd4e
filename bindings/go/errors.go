package husk

import (
	"errors"
	"fmt"

	"husk.example/husk/internal/raw"
)

// A Code is the reason of a failure, as in husk/status.h. The codes are errors themselves, so
//
//	errors.Is(err, husk.ErrRange)
//
// asks any error of this package for its reason.
type Code int

// The codes. Every *Error carries one.
const (
	ErrNoMemory Code = -1  // the system refused memory
	ErrLimit    Code = -2  // the heap's MaxBytes is reached
	ErrBusy     Code = -3  // not possible while a pass or a hook runs
	ErrInvalid  Code = -4  // an argument is not valid
	ErrRange    Code = -5  // a number is out of range
	ErrType     Code = -6  // the object, or the value, is of another type
	ErrHeap     Code = -7  // the object belongs to another heap
	ErrState    Code = -8  // not possible in the present state
	ErrMissing  Code = -9  // there is no such entry
	ErrCorrupt  Code = -10 // the heap is damaged
	ErrHook     Code = -11 // a finalizer or a callback panicked
	ErrIO       Code = -12 // the system refused a file or a question
	ErrFormat   Code = -13 // a file is not what it should be
)

// Two states that are met often have a name of their own. Errors of both are ErrState too.
var (
	ErrClosed   = errors.New("husk: the heap is closed")
	ErrReleased = errors.New("husk: the handle has been released")
)

// Error returns the code's text.
func (c Code) Error() string { return "husk: " + raw.Status_text(int(c)) }

// String returns the code's name in C, as "HUSK_ERANGE".
func (c Code) String() string { return raw.Status_name(int(c)) }

// An Error is a failed call: what was called, why it failed, and one line that names the thing at fault.
type Error struct {
	Op   string // the method, as "List.Set"; for reports of a heap, its name
	Code Code
	Msg  string

	cause error // ErrClosed, ErrReleased, or what a hook panicked with
}

// Error returns one line with all three.
func (e *Error) Error() string {
	return fmt.Sprintf("husk: %s: %s (%s)", e.Op, e.Msg, e.Code.String())
}

// Is makes errors.Is(err, husk.ErrRange) work.
func (e *Error) Is(target error) bool {
	code, ok := target.(Code)
	return ok && code == e.Code
}

// Unwrap returns ErrClosed or ErrReleased if that is the reason, and the error that a hook panicked with.
func (e *Error) Unwrap() error { return e.cause }

func errorf(op string, code Code, format string, args ...any) *Error {
	return &Error{Op: op, Code: code, Msg: fmt.Sprintf(format, args...)}
}
