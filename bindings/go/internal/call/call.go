// Package call calls C where there is no heap that would have the message of a failure.
package call

// #include <stdlib.h>
// #include <husk.h>
import "C"

import (
	"fmt"
	"runtime"
	"strings"
	"unsafe"

	"husk.example/husk/internal/door"
	"husk.example/husk/internal/raw"
)

// Invalid is HUSK_EINVAL.
const Invalid = C.HUSK_EINVAL

// Fail makes an error.
func Fail(op string, status int, format string, args ...any) error {
	return door.Error(op, status, fmt.Sprintf(format, args...), nil)
}

// Try makes an error of a status that is not 0. What went wrong is said to the thread.
func Try(op string, do func() int) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	status := do()
	if status == 0 {
		return nil
	}
	text := C.GoString(C.husk_message())
	if text == "" {
		text = raw.Status_text(status)
	}
	return Fail(op, status, "%s", text)
}

// String returns a copy for C, and what frees it. C cannot hold a NUL in a text.
func String(op, what, text string) (c unsafe.Pointer, free func(), err error) {
	if strings.IndexByte(text, 0) >= 0 {
		return nil, func() {}, Fail(op, Invalid, "%s %q contains a NUL", what, text)
	}
	c = unsafe.Pointer(C.CString(text))
	return c, func() { C.free(c) }, nil
}

// Text makes a string of what C writes as snprintf does.
func Text(write func(to unsafe.Pointer, room int) int) string {
	var short [512]byte
	n := write(unsafe.Pointer(&short[0]), len(short))
	if n < len(short) {
		return string(short[:n])
	}
	long := make([]byte, n+1)
	write(unsafe.Pointer(&long[0]), len(long))
	return string(long[:n])
}
