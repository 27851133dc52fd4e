//go:build amd64 || arm64

package callers

// follow writes the return addresses of the chain of frames that leads to its caller, newest first. The last one is
// start if the chain is whole.
//
//go:noescape
func follow(pcs *uintptr, most int) int

func goroutine() uintptr

// Goroutine returns a number that no other goroutine has meanwhile.
func Goroutine() uintptr { return goroutine() }
