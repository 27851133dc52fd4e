//go:build !husk_noffi

package tests

import (
	"errors"
	"math"
	"runtime"
	"sort"
	"sync"
	"testing"
	"time"
	"unsafe"

	"husk.example/husk"
	"husk.example/husk/ffi"
	"husk.example/tests/foreign"
)

type heardErrors struct {
	mu  sync.Mutex
	all []error
}

// hearing keeps the reports of a test, on a goroutine that stays on its thread.
func hearing(t *testing.T) *heardErrors {
	runtime.LockOSThread()
	h := &heardErrors{}
	ffi.ClearError()
	ffi.OnReport(func(err error) {
		h.mu.Lock()
		h.all = append(h.all, err)
		h.mu.Unlock()
	})
	t.Cleanup(func() {
		ffi.OnReport(nil)
		ffi.ClearError()
	})
	return h
}

func (h *heardErrors) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.all)
}

func compare(args []any) any {
	a, b := *(*int32)(args[0].(unsafe.Pointer)), *(*int32)(args[1].(unsafe.Pointer))
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func TestCallbackSorts(t *testing.T) {
	h := hearing(t)
	numbers := make([]int32, 100)
	for i := range numbers {
		numbers[i] = int32(i * 37 % 101)
	}
	ok(t, ffi.With("int(ptr,ptr)", "compare", compare, func(cb *ffi.Callback) error {
		foreign.Sort(numbers, cb.Address())
		return nil
	}))
	same(t, "sorted", sort.SliceIsSorted(numbers, func(i, j int) bool { return numbers[i] < numbers[j] }), true)
	same(t, "reports", h.count(), 0)
}

func TestCallbackValues(t *testing.T) {
	hearing(t)
	var x int
	ok(t, ffi.With("f64(bool,i8,u64,f32,str,ptr)", "", func(args []any) any {
		same[any](t, "bool", args[0], true)
		same[any](t, "i8", args[1], int8(-3))
		same[any](t, "u64", args[2], uint64(math.MaxUint64))
		same[any](t, "f32", args[3], float32(0.5))
		same[any](t, "str", args[4], "text")
		same[any](t, "ptr", args[5], unsafe.Pointer(&x))
		return 2.5
	}, func(cb *ffi.Callback) error {
		same(t, "result", foreign.Mixed(cb.Address(), unsafe.Pointer(&x)), 2.5)
		return nil
	}))
	ok(t, ffi.With("{x:f64,n:int}({x:f64,n:int})", "", func(args []any) any { return args[0] }, func(cb *ffi.Callback) error {
		same(t, "struct", foreign.Turn(cb.Address()), true)
		return nil
	}))
}

func TestCallbackRefused(t *testing.T) {
	hearing(t)
	for signature, words := range map[string]string{"int(strr)": "^", "int": "function type", "int(str,...)": "variadic",
		"str(int)": "str result", "void(ref)": "ref", "int(int)\x00": "NUL"} {
		_, err := ffi.NewCallback(signature, "", compare)
		wants(t, err, husk.ErrInvalid, words)
	}
	_, err := ffi.NewCallback("int(int)", "", nil)
	wants(t, err, husk.ErrInvalid, "nil")
}

func TestCallbackDead(t *testing.T) {
	h := hearing(t)
	cb, err := ffi.NewCallback("int(int)", "adder", func(args []any) any { return args[0].(int32) + 1 })
	ok(t, err)
	code := cb.Address()
	same(t, "alive", foreign.Call(code, 1), 2)
	cb.Close()
	cb.Close()
	same(t, "closed", cb.Closed(), true)
	same(t, "address", cb.Address(), nil)
	same(t, "dead", foreign.Call(code, 1), 0)
	wants(t, ffi.LastError(), husk.ErrState, "adder", "after its end")
	same(t, "reports", h.count(), 1)
}

func TestCallbackPanics(t *testing.T) {
	h := hearing(t)
	cause := errors.New("no")
	ok(t, ffi.With("int(int)", "thrower", func(args []any) any {
		if args[0].(int32) == 0 {
			panic(cause)
		}
		return 1 << 40
	}, func(cb *ffi.Callback) error {
		same(t, "panic", foreign.Call(cb.Address(), 0), 0)
		wants(t, ffi.LastError(), husk.ErrHook, "thrower", "no")
		same(t, "cause", errors.Is(ffi.LastError(), cause), true)
		same(t, "range", foreign.Call(cb.Address(), 1), 0)
		wants(t, ffi.LastError(), husk.ErrHook, "i32")
		return nil
	}))
	same(t, "reports", h.count(), 2)
}

func TestCallbackOnAnotherThread(t *testing.T) {
	h := hearing(t)
	ok(t, ffi.With("int(int)", "mine", func(args []any) any { return 5 }, func(cb *ffi.Callback) error {
		same(t, "elsewhere", foreign.CallElsewhere(cb.Address(), 1), 0)
		same(t, "heard before the next use of the package", h.count(), 1)
		wants(t, ffi.LastError(), husk.ErrBusy, "mine")
		same(t, "each is heard", foreign.CallElsewhere(cb.Address(), 1)+h.count(), 2)
		same(t, "here", foreign.Call(cb.Address(), 1), 5)
		return nil
	}))
	same(t, "reports", h.count(), 2)
}

func TestCallbackClosedElsewhere(t *testing.T) {
	h := hearing(t)
	cb, err := ffi.NewCallback("int(int)", "left", func(args []any) any { return 5 })
	ok(t, err)
	code, done := cb.Address(), make(chan bool)
	go func() { cb.Close(); close(done) }()
	<-done
	same(t, "dead", foreign.Call(code, 1), 0)
	wants(t, ffi.LastError(), husk.ErrState, "left", "i32(i32)", "after its end")
	// Another one on this thread ends the closure itself.
	ok(t, ffi.With("int(int)", "", compare, func(*ffi.Callback) error { return nil }))
	same(t, "dead", foreign.Call(code, 1), 0)
	wants(t, ffi.LastError(), husk.ErrState, "left", "i32(i32)", "after its end")
	same(t, "dead, elsewhere", foreign.CallElsewhere(code, 1), 0)
	same(t, "reports", h.count(), 3)
}

// The thread of a callback ends, and its home with it, while C still has the code.
func TestCallbackOutlivesItsThread(t *testing.T) {
	h := hearing(t)
	var cb *ffi.Callback
	var err error
	elsewhere(func() { cb, err = ffi.NewCallback("int(int)", "orphan", compare) })
	ok(t, err)
	code := cb.Address()
	same(t, "alive", foreign.Call(code, 1), 0)
	wants(t, ffi.LastError(), husk.ErrBusy, "orphan")
	cb.Close()
	same(t, "dead", foreign.Call(code, 1), 0)
	same(t, "reports", h.count(), 2)
}

// Each request of libhusk-ffi is refused once, on a thread that has made no callback yet.
func TestCallbackWithoutMemory(t *testing.T) {
	h := hearing(t)
	before, made := foreign.Held(), false
	for nth := uint64(1); !made; nth++ {
		elsewhere(func() {
			foreign.FailMemory(nth)
			err := ffi.With("int(ptr,{a:i8,b:f64[3]})", "refused", compare, func(*ffi.Callback) error { return nil })
			foreign.FailMemory(0)
			if made = err == nil; !made {
				wants(t, err, husk.ErrNoMemory)
				ok(t, ffi.With("int(int)", "", compare, func(*ffi.Callback) error { return nil }))
			}
		})
		if nth > 100 {
			t.Fatal("no end of requests")
		}
		if made && nth < 4 {
			t.Fatalf("%d requests were refused", nth-1)
		}
	}
	same(t, "reports", h.count(), 0)
	for i := 0; i < 2000 && foreign.Held() > before; i++ { // threads end when they like
		time.Sleep(time.Millisecond)
	}
	if held := foreign.Held(); held > before {
		t.Errorf("%d bytes more are held than before", held-before)
	}
}

// elsewhere runs a function on a thread that ends with it.
func elsewhere(fn func()) {
	done := make(chan bool)
	go func() {
		defer close(done)
		runtime.LockOSThread()
		fn()
	}()
	<-done
}

func TestCallbackLost(t *testing.T) {
	h := hearing(t)
	func() {
		_, err := ffi.NewCallback("int(int)", "forgotten", func(args []any) any { return 5 })
		ok(t, err)
	}()
	for i := 0; i < 200 && h.count() == 0; i++ {
		runtime.GC()
		time.Sleep(5 * time.Millisecond)
	}
	wants(t, ffi.LastError(), husk.ErrState, "forgotten", "lost without Close")
}

func TestCallbacksDoNotGrow(t *testing.T) {
	h := hearing(t)
	ok(t, ffi.With("int(int)", "", func(args []any) any { return args[0] }, func(cb *ffi.Callback) error {
		for i := 0; i < 100000; i++ {
			if got := foreign.Call(cb.Address(), i); got != i {
				t.Fatalf("%d for %d", got, i)
			}
		}
		return nil
	}))
	for i := 0; i < 10000; i++ {
		ok(t, ffi.With("int(int)", "", compare, func(*ffi.Callback) error { return nil }))
	}
	same(t, "reports", h.count(), 0)
}
