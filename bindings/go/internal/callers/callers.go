// Package callers tells who called, and on which goroutine, fast enough for every birth of a traced heap.
//
// runtime.Callers takes about 100 ns a frame: it looks up every function. But functions that call each other leave a
// chain of frame pointers on their goroutine's stack, and following it takes one. The addresses found that way are
// those of machine frames, in which inlined calls do not show: so they are only the key by which a stack is known
// again; what a key means is asked of runtime.Callers, once.
//
// The chain is followed by code in assembly: there Go does not move the stack meanwhile. It never leaves the
// goroutine's own stack, and says whether it has come to the beginning of it. Where there is no such code, or where at
// the start of the program it does not find what runtime.Callers finds, runtime.Callers is asked each time.
package callers

import (
	"math/bits"
	"runtime"
)

// Most is how many frames are looked at.
const Most = 1024

// A Key holds a stack's addresses while they are looked at.
type Key [Most]uintptr

// Find fills the key with the addresses of the stack, from Find's caller on, and returns how many there are and a sum by
// which the stack is known again. Of a stack of more than Most frames these are the newest.
//
//go:noinline
func (k *Key) Find() (n int, sum uint64) {
	if fast {
		if n = follow(&k[0], Most); n == Most || n > 0 && k[n-1] == start {
			return n, sumOf(k[:n])
		}
	}
	return k.FindSlowly(1) // without this function
}

// FindSlowly is Find by runtime.Callers, for stacks that C frames are part of; skip: callers to be left out.
func (k *Key) FindSlowly(skip int) (n int, sum uint64) {
	n = runtime.Callers(skip+2, k[:])
	return n, sumOf(k[:n])
}

func sumOf(pcs []uintptr) uint64 {
	sum := uint64(len(pcs))
	for _, pc := range pcs {
		sum = bits.RotateLeft64((sum^uint64(pc))*0x9E3779B97F4A7C15, 31)
	}
	return sum
}

var (
	fast  bool
	start uintptr // where all chains end: the return address of a goroutine's first function
)

// fast is set if the chain is what runtime.Callers says, in a goroutine whose functions are not inlined.
func init() {
	done := make(chan struct{})
	go func() {
		defer close(done)
		middle()
	}()
	<-done
}

//go:noinline
func middle() { inner() }

//go:noinline
func inner() {
	var chain, said [16]uintptr
	n, m := follow(&chain[0], len(chain)), runtime.Callers(2, said[:])
	if n == m && n == 3 && chain == said { // middle, the goroutine's function, the runtime
		start = chain[n-1]
		fast = true
	}
}
