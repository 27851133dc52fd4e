//go:build !(amd64 || arm64)

package callers

import (
	"runtime"
	"strconv"
	"strings"
)

func follow(*uintptr, int) int { return 0 }

// Goroutine returns a number that no other goroutine has meanwhile: here the one that its traceback begins with.
func Goroutine() uintptr {
	var text [64]byte
	words := strings.Fields(string(text[:runtime.Stack(text[:], false)]))
	if len(words) < 2 {
		return 0
	}
	number, _ := strconv.ParseUint(words[1], 10, 64)
	return uintptr(number)
}
