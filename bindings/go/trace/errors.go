package trace

// #include "host.h"
import "C"

import (
	"io"
	"unsafe"

	"husk.example/husk"
	"husk.example/husk/internal/call"
)

func fail(op string, code husk.Code, format string, args ...any) error {
	return call.Fail(op, int(code), format, args...)
}

// try calls C where there is no heap.
func try(op string, do func() C.husk_status) error {
	return call.Try(op, func() int { return int(do()) })
}

// cString returns a copy for C, and what frees it.
func cString(op, what, text string) (c *C.char, free func(), err error) {
	p, free, err := call.String(op, what, text)
	return (*C.char)(p), free, err
}

// textOf makes a string of what C writes as snprintf does.
func textOf(write func(to *C.char, room C.size_t) C.size_t) string {
	return call.Text(func(to unsafe.Pointer, room int) int { return int(write((*C.char)(to), C.size_t(room))) })
}

// cStrings are several such copies, which end together. The first error stays.
type cStrings struct {
	op  string
	all []func()
	err error
}

func (s *cStrings) of(what, text string) *C.char {
	c, free, err := cString(s.op, what, text)
	if err != nil && s.err == nil {
		s.err = err
	}
	s.all = append(s.all, free)
	return c
}

// unless gives nil for an empty text.
func (s *cStrings) unless(what, text string) *C.char {
	if text == "" {
		return nil
	}
	return s.of(what, text)
}

// file gives the path, and nil if there is a writer instead.
func (s *cStrings) file(w io.Writer, path string) *C.char {
	if w != nil {
		return nil
	}
	return s.of("the path", path)
}

func (s *cStrings) free() {
	for _, free := range s.all {
		free()
	}
}
