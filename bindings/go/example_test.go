package husk_test

import (
	"errors"
	"fmt"
	"log"
	"time"

	"husk.example/husk"
)

func Example() {
	heap, err := husk.New(husk.Options{Name: "example"})
	if err != nil {
		log.Fatal(err)
	}
	defer heap.Close()

	node := husk.MustType("Node", "value", "next")
	one := husk.Must(heap.New(node, 1))
	two := husk.Must(heap.New(node, 2, one))
	_ = one.Set("next", two) // a cycle

	_ = one.Release()
	_ = two.Release()
	pass, err := heap.Collect()
	fmt.Println(pass.Collected, err)
	// Output: 2 <nil>
}

func ExampleHeap_New() {
	heap := husk.Must(husk.New())
	defer heap.Close()

	point := husk.MustType("Point", "x", "y")
	p := husk.Must(heap.New(point, 3, 4))
	x, err := husk.Get[int](p, "x")
	fmt.Println(point, x, err)

	_, err = p.Get("z")
	fmt.Println(errors.Is(err, husk.ErrMissing), err)
	// Output:
	// Point(x, y) 3 <nil>
	// true husk: Record.Get: Point has no field 'z' (HUSK_EMISSING)
}

func ExampleList() {
	heap := husk.Must(husk.New())
	defer heap.Close()

	list := husk.Must(heap.List(1, 2.5, "three", true, nil))
	_ = list.Each(func(i int, v any) bool {
		fmt.Println(i, v)
		return true
	})
	_, err := list.At(5)
	fmt.Println(errors.Is(err, husk.ErrRange))
	// Output:
	// 0 1
	// 1 2.5
	// 2 three
	// 3 true
	// 4 <nil>
	// true
}

func ExampleMap() {
	heap := husk.Must(husk.New())
	defer heap.Close()

	m := husk.Must(heap.Map())
	_ = m.Set("lang", "C")
	_ = m.Set(1.0, "one") // the same key as 1
	fmt.Println(husk.Lookup[string](m, 1))
	_ = m.Each(func(key, v any) bool {
		fmt.Println(key, v)
		return true
	})
	// Output:
	// one <nil>
	// lang C
	// 1 one
}

func ExampleAs() {
	heap := husk.Must(husk.New())
	defer heap.Close()

	list := husk.Must(heap.List(300))
	fmt.Println(husk.As[int](list.At(0)))
	_, err := husk.As[uint8](list.At(0))
	fmt.Println(err)
	// Output:
	// 300 <nil>
	// husk: As: 300 does not fit into uint8 (HUSK_ERANGE)
}

func ExampleBox() {
	heap := husk.Must(husk.New())
	defer heap.Close()

	type colour struct{ r, g, b uint8 }
	box := husk.Must(heap.Box(colour{255, 0, 0}))
	list := husk.Must(heap.List(box))
	back := husk.Must(husk.At[*husk.Box](list, 0))
	fmt.Println(husk.Unbox[colour](back))
	// Output: {255 0 0} <nil>
}

func ExampleType_WithFinalizer() {
	heap := husk.Must(husk.New())
	defer heap.Close()

	file := husk.Must(husk.MustType("File", "name").WithFinalizer(func(f *husk.Record) {
		name, _ := f.Get("name")
		fmt.Println("closing", name)
	}))
	_ = husk.Must(heap.New(file, "notes.txt")).Release()
	// Output: closing notes.txt
}

func ExampleObj_WeakFunc() {
	heap := husk.Must(husk.New())
	defer heap.Close()

	thing := husk.Must(heap.List())
	weak := husk.Must(thing.WeakFunc(func(w *husk.Weak) {
		_, there := w.Get()
		fmt.Println("gone:", !there)
	}))
	_ = thing.Release()
	fmt.Println(weak.State())
	// Output:
	// gone: true
	// dead <nil>
}

func ExampleObj_OnDeath() {
	heap := husk.Must(husk.New())
	defer heap.Close()

	thing := husk.Must(heap.List())
	_ = husk.Must(thing.OnDeath(func() { fmt.Println("first") }, false))
	_ = husk.Must(thing.OnDeath(func() { fmt.Println("second") }, false))
	_ = thing.Release()
	// Output:
	// second
	// first
}

func ExampleHeap_OnError() {
	heap := husk.Must(husk.New(husk.Options{Name: "careful"}))
	defer heap.Close()

	heap.OnError(func(err error) { fmt.Println(errors.Is(err, husk.ErrHook), err) })
	bad := husk.Must(husk.MustType("Bad").WithFinalizer(func(*husk.Record) { panic("oh no") }))
	err := husk.Must(heap.New(bad)).Release()
	fmt.Println(err)
	// Output:
	// true husk: careful: finalizer of Bad: panic: oh no (HUSK_EHOOK)
	// <nil>
}

func ExampleScope() {
	heap := husk.Must(husk.New())
	defer heap.Close()

	sum := func() (total int) {
		s := heap.NewScope()
		defer s.Close()
		list := husk.Must(s.List(1, 2, 3))
		for i := 0; i < list.Len(); i++ {
			total += husk.Must(husk.At[int](list, i))
		}
		return total
	}
	fmt.Println(sum(), husk.Must(heap.Figures()).Objects)
	// Output: 6 0
}

func ExampleWeakKeyMap() {
	heap := husk.Must(husk.New())
	defer heap.Close()

	notes := husk.Must(heap.WeakKeyMap())
	key := husk.Must(heap.List("key"))
	_ = notes.Set(key, "a note")
	fmt.Println(notes.Get(key))
	_ = key.Release()
	fmt.Println(notes.Len())
	// Output:
	// a note <nil>
	// 0
}

func ExampleHeap_Step() {
	h := husk.Must(husk.New(husk.Options{Name: "steps"}))
	defer h.Close()
	for i := 0; i < 1000; i++ { // lists that hold themselves
		l := husk.Must(h.List())
		l.Append(l)
		l.Release()
	}
	for { // between frames, say
		step, err := h.Step(500 * time.Microsecond)
		if err != nil || step.Finished {
			fmt.Println(step.SoFar.Collected, err)
			return
		}
	}
	// Output: 1000 <nil>
}
