// Command go_calls measures what a call from Go costs: package husk beside plain cgo for the same library, in rounds
// that alternate, so that both meet the same moods of the machine. It prints for each call the least time of both, and
// the least and the median of the rounds' ratios; the median is held against the goal. An argument is the number of
// rounds. With BENCH_QUICK it only shows that it works.
package main

import (
	"fmt"
	"math"
	"os"
	"runtime"
	"sort"
	"strconv"
	"syscall"

	"husk.example/bench/plain"
	"husk.example/husk"
	"husk.example/husk/trace"
)

const goal = 1.4 // for a getter, get and set

// A row is one call, n times: by package husk, and by plain cgo (nil: plain cgo has nothing like it).
type row struct {
	name   string
	goal   bool
	n      int
	husk   func(n int)
	plain  func(n int)
	allocs bool // what it allocates is worth saying
}

var (
	sinkInt int64
	sinkObj any
)

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func rows() []row {
	h := husk.Must(husk.New())
	node := husk.MustType("Node", "value", "next", "other")
	one, two, three := husk.Must(h.New(node, 1)), husk.Must(h.New(node, 2)), husk.Must(h.New(node, 3))
	check(one.Set("next", two))
	scope := h.NewScope()
	list := husk.Must(scope.List(one, two))
	inScope := husk.Must(husk.At[*husk.Record](list, 0))

	p := plain.NewHeap()
	p1, p2, p3 := plain.New(p), plain.New(p), plain.New(p)
	plain.SetInt(p1, 0, 1)
	plain.SetObject(p1, 1, p2)

	const many, few = 200000, 20000
	return []row{
		{name: "getter (references to an object)", goal: true, n: many,
			husk: func(n int) {
				for i := 0; i < n; i++ {
					sinkInt += int64(husk.Must(one.StrongCount()))
				}
			},
			plain: func(n int) {
				for i := 0; i < n; i++ {
					sinkInt += int64(plain.Count(p1))
				}
			}},
		{name: "get (an integer field)", goal: true, n: many,
			husk: func(n int) {
				for i := 0; i < n; i++ {
					sinkInt += husk.Must(husk.Get[int64](one, "value"))
				}
			},
			plain: func(n int) {
				for i := 0; i < n; i++ {
					sinkInt += plain.GetInt(p1, 0)
				}
			}},
		{name: "get (an object that has a handle)", goal: husk.Identity, n: many,
			husk: func(n int) {
				for i := 0; i < n; i++ {
					sinkObj = husk.Must(husk.Get[*husk.Record](one, "next"))
				}
			},
			plain: func(n int) {
				for i := 0; i < n; i++ {
					plain.Release(plain.GetObject(p1, 1))
				}
			}},
		{name: "get (the same in a scope)", goal: true, n: many,
			husk: func(n int) {
				for i := 0; i < n; i++ {
					sinkObj = husk.Must(husk.Get[*husk.Record](inScope, "next"))
				}
			},
			plain: func(n int) {
				for i := 0; i < n; i++ {
					plain.Release(plain.GetObject(p1, 1))
				}
			}},
		{name: "set (an integer)", goal: true, n: many,
			husk: func(n int) {
				for i := 0; i < n; i++ {
					check(one.Set("value", i))
				}
			},
			plain: func(n int) {
				for i := 0; i < n; i++ {
					plain.SetInt(p1, 0, int64(i))
				}
			}},
		{name: "set (an object)", goal: true, n: many,
			husk: func(n int) {
				for i := 0; i < n; i += 2 {
					check(one.Set("other", two))
					check(one.Set("other", three))
				}
			},
			plain: func(n int) {
				for i := 0; i < n; i += 2 {
					plain.SetObject(p1, 2, p2)
					plain.SetObject(p1, 2, p3)
				}
			}},
		{name: "retain and release", n: many, allocs: true,
			husk: func(n int) {
				for i := 0; i < n; i++ {
					check(one.Retain())
					check(one.Release())
				}
			},
			plain: func(n int) {
				for i := 0; i < n; i++ {
					plain.Retain(p1)
					plain.Release(p1)
				}
			}},
		{name: "new, and release", n: few, allocs: true,
			husk: func(n int) {
				for i := 0; i < n; i++ {
					check(husk.Must(h.New(node)).Release())
				}
			},
			plain: func(n int) {
				for i := 0; i < n; i++ {
					plain.Release(plain.New(p))
				}
			}},
		{name: "new, and left to Go's collector", n: few, allocs: true,
			husk: func(n int) {
				for i := 0; i < n; i++ {
					sinkObj = husk.Must(h.New(node))
				}
			},
			plain: func(n int) {
				for i := 0; i < n; i++ {
					plain.Release(plain.New(p))
				}
			}},
		{name: "new in a scope", n: few, allocs: true,
			husk: func(n int) {
				s := h.NewScope()
				for i := 0; i < n; i++ {
					_ = husk.Must(s.New(node))
				}
				check(s.Close())
			},
			plain: func(n int) {
				for i := 0; i < n; i++ {
					plain.Release(plain.New(p))
				}
			}},
		traced("the same, traced, 1 frame of 16", p, few, trace.Options{}),
		traced("the same, traced, 16 frames", p, few, trace.Options{Frames: 16}),
		traced("the same, sampled each 512 KiB", p, few, trace.Options{Frames: 16, SampleBytes: 512 << 10}),
		{name: "append an integer", n: few,
			husk:  func(n int) { appends(husk.Must(husk.New()), n) },
			plain: func(n int) { sets(p1, n) }},
		{name: "the same, traced, 16 frames", n: few,
			husk: func(n int) {
				h := husk.Must(husk.New())
				check(trace.Start(h, trace.Options{Frames: 16}))
				appends(h, n)
			},
			plain: func(n int) { sets(p1, n) }},
	}
}

func sets(o plain.Object, n int) {
	for i := 0; i < n; i++ {
		plain.SetInt(o, 0, int64(i))
	}
}

// traced is "new in a scope" with tracing on, below 13 more calls.
func traced(name string, p plain.Heap, n int, o trace.Options) row {
	h := husk.Must(husk.New())
	node := husk.MustType("Node", "value", "next", "other")
	check(trace.Start(h, o))
	return row{name: name, n: n, husk: func(n int) {
		below(12, func() {
			s := h.NewScope()
			for i := 0; i < n; i++ {
				_ = husk.Must(s.New(node))
			}
			check(s.Close())
		})
	}, plain: func(n int) {
		for i := 0; i < n; i++ {
			plain.Release(plain.New(p))
		}
	}}
}

//go:noinline
func below(depth int, fn func()) {
	if depth > 0 {
		below(depth-1, fn)
		return
	}
	fn()
}

func appends(h *husk.Heap, n int) {
	below(12, func() {
		l := husk.Must(h.List())
		for i := 0; i < n; i++ {
			check(l.Append(i))
		}
	})
	check(h.Close())
}

// measure returns nanoseconds of processor time a call, those of Go's collector included.
func measure(run func(int), n int) float64 {
	start := cpu()
	run(n)
	return float64(cpu()-start) / float64(n)
}

func cpu() int64 {
	var u syscall.Rusage
	check(syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return u.Utime.Nano() + u.Stime.Nano()
}

func allocations(run func(int), n int) float64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	run(n)
	runtime.ReadMemStats(&after)
	return float64(after.Mallocs-before.Mallocs) / float64(n)
}

func main() {
	rounds, share := 41, 1
	if os.Getenv("BENCH_QUICK") != "" {
		rounds, share = 1, 100
	}
	if len(os.Args) > 1 {
		n, err := strconv.Atoi(os.Args[1])
		if err != nil || n < 1 {
			fmt.Fprintf(os.Stderr, "go_calls: %q is no number of rounds\n", os.Args[1])
			os.Exit(2)
		}
		rounds = n
	}
	fmt.Printf("%s, nanoseconds of processor time a call; goal: %.1f times plain cgo\n", runtime.Version(), goal)
	fmt.Printf("%-36s %8s %8s %7s %7s\n", "", "husk", "plain", "least", "median")
	missed := 0
	for _, r := range rows() {
		n := r.n / share
		r.husk(n / 10)
		r.plain(n / 10)
		ours, theirs := math.Inf(1), math.Inf(1)
		ratios := make([]float64, rounds)
		for i := range ratios {
			var a, b float64
			if i%2 == 0 {
				a, b = measure(r.husk, n), measure(r.plain, n)
			} else {
				b, a = measure(r.plain, n), measure(r.husk, n)
			}
			ours, theirs = math.Min(ours, a), math.Min(theirs, b)
			ratios[i] = a / b
		}
		sort.Float64s(ratios)
		note := ""
		if r.goal && share == 1 && ratios[rounds/2] > goal {
			note = "  goal missed"
			missed++
		}
		if r.allocs {
			note += fmt.Sprintf("  %.1f allocations", allocations(r.husk, n))
		}
		fmt.Printf("%-36s %8.1f %8.1f %7.2f %7.2f%s\n", r.name, ours, theirs, ratios[0], ratios[rounds/2], note)
	}
	if missed > 0 {
		fmt.Printf("%d goals missed\n", missed)
	}
}
