package husk

import (
	"fmt"
	"path/filepath"
	"runtime"
	"sort"
	"strings"
)

// #include "host.h"
import "C"

// A place is where in the program a handle was made: the first caller outside of this package.
type place uintptr

const packagePath = "husk.example/husk."

// callerPlace finds it.
func callerPlace() place {
	var pcs [16]uintptr
	n := runtime.Callers(3, pcs[:])
	frames := runtime.CallersFrames(pcs[:n])
	for i := 0; ; i++ {
		frame, more := frames.Next()
		if frame.PC != 0 && !inside(frame.Function) {
			return place(frame.PC)
		}
		if !more {
			return 0
		}
	}
}

// inside reports whether a function is this package's own. Its tests, examples and benchmarks count as outside.
func inside(function string) bool {
	return strings.HasPrefix(function, packagePath) && !strings.HasPrefix(function, packagePath+"Test") &&
		!strings.HasPrefix(function, packagePath+"Example") && !strings.HasPrefix(function, packagePath+"Benchmark")
}

// String returns "file.go:12", the file by its last name.
func (p place) String() string {
	if p == 0 {
		return "an unknown place"
	}
	frame, _ := runtime.CallersFrames([]uintptr{uintptr(p) + 1}).Next()
	return fmt.Sprintf("%s:%d", filepath.Base(frame.File), frame.Line)
}

// reportOpen hands to the error hook what Close finds still open. Only with Track.
func (h *Heap) reportOpen() {
	settleHandles()
	if h.enter("Heap.Close") != nil {
		return
	}
	h.release(h.handles.takeLost(-1))
	var lines []string
	h.handles.each(func(at uint32, obj *C.husk_obj) {
		lines = append(lines, fmt.Sprintf("a handle of %s made at %s was not released",
			typeOf(C.husk_obj_type(obj)).name, h.places[at]))
	})
	for s := range h.scopes {
		lines = append(lines, fmt.Sprintf("a scope of %d handles made at %s was not closed", len(s.all), s.place))
	}
	for _, one := range h.values {
		lines = append(lines, fmt.Sprintf("a Go value (%T) given to %s at %s is still held", one.value, one.what, one.place))
	}
	sort.Strings(lines)
	for _, line := range lines {
		h.reports = append(h.reports, errorf(h.name, ErrState, "%s", line))
	}
	h.leave()
}
