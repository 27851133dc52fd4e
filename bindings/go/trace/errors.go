package trace

// #include <stdlib.h>
// #include "host.h"
import "C"

import (
	"fmt"
	"io"
	"runtime"
	"strings"
	"unsafe"

	"husk.example/husk"
	"husk.example/husk/internal/door"
	"husk.example/husk/internal/raw"
)

func fail(op string, code husk.Code, format string, args ...any) error {
	return door.Error(op, int(code), fmt.Sprintf(format, args...), nil)
}

// try calls C where there is no heap: what went wrong is said to the thread.
func try(op string, do func() C.husk_status) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	status := do()
	if status == 0 {
		return nil
	}
	text := C.GoString(C.husk_message())
	if text == "" {
		text = raw.Status_text(int(status))
	}
	return fail(op, husk.Code(status), "%s", text)
}

// cString returns a copy for C, and what frees it. C cannot hold a NUL in a text.
func cString(op, what, text string) (c *C.char, free func(), err error) {
	if strings.IndexByte(text, 0) >= 0 {
		return nil, func() {}, fail(op, husk.ErrInvalid, "%s %q contains a NUL", what, text)
	}
	c = C.CString(text)
	return c, func() { C.free(unsafe.Pointer(c)) }, nil
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
