package callers

import (
	"runtime"
	"strings"
	"sync"
	"testing"
)

// names returns the functions of addresses, those that are inlined into others left out.
func names(pcs []uintptr) (all []string) {
	for _, pc := range pcs {
		name := runtime.FuncForPC(pc - 1).Name()
		if len(all) == 0 || all[len(all)-1] != name {
			all = append(all, name)
		}
	}
	return all
}

//go:noinline
func deeper(n int, fn func()) {
	if n > 0 {
		deeper(n-1, fn)
		return
	}
	fn()
}

func TestFind(t *testing.T) {
	if runtime.GOARCH == "amd64" && !fast {
		t.Error("the chain of frames is not followed")
	}
	for _, depth := range []int{0, 1, 10, 500} {
		var a, b Key
		var n, m int
		done := make(chan struct{})
		go func() {
			defer close(done)
			deeper(depth, func() {
				n, _ = a.Find()
				m, _ = b.FindSlowly(0)
			})
		}()
		<-done
		got, want := names(a[:n]), names(b[:m])
		if strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("%d deep:\n%v\n%v", depth, got, want)
		}
	}
	deeper(Most, func() {
		if n, _ := new(Key).Find(); n != Most {
			t.Errorf("%d frames", n)
		}
	})
}

func TestSums(t *testing.T) {
	sums := map[uint64]int{}
	for i := 0; i < 300; i++ {
		deeper(i%100, func() {
			_, sum := new(Key).Find()
			sums[sum]++
		})
	}
	if len(sums) != 100 {
		t.Errorf("%d sums of 100 stacks", len(sums))
	}
}

// Stacks that grow, shrink and are collected while they are looked at.
func TestMovingStacks(t *testing.T) {
	stop := make(chan struct{})
	var group, collector sync.WaitGroup
	collector.Add(1)
	go func() {
		defer collector.Done()
		for {
			select {
			case <-stop:
				return
			default:
				runtime.GC()
			}
		}
	}()
	for g := 0; g < 8; g++ {
		group.Add(1)
		go func() {
			defer group.Done()
			for i := 0; i < 2000; i++ {
				deeper(i%700, func() {
					var key [1]Key
					if n, _ := key[0].Find(); n < i%700 || n > i%700+10 {
						t.Errorf("%d frames of %d", n, i%700)
					}
				})
			}
		}()
	}
	group.Wait()
	close(stop)
	collector.Wait()
}

func TestGoroutine(t *testing.T) {
	mine := Goroutine()
	deeper(5, func() {
		if Goroutine() != mine {
			t.Error("the number changes")
		}
	})
	other := make(chan uintptr)
	go func() { other <- Goroutine() }()
	if <-other == mine {
		t.Error("two goroutines have one number")
	}
}

func BenchmarkFind16(b *testing.B) {
	deeper(12, func() {
		var key Key
		for i := 0; i < b.N; i++ {
			key.Find()
		}
	})
}

func BenchmarkFindSlowly16(b *testing.B) {
	deeper(12, func() {
		var key Key
		for i := 0; i < b.N; i++ {
			key.FindSlowly(0)
		}
	})
}
