// Cycle collection: two nodes that hold each other outlive their last name, until a pass finds them.
//
// The list of garbage is empty before and after, as it should be: it holds only what was kept on purpose
// (Heap.SetSaveAll). What happened meanwhile is in the lines below.
package main

import (
	"fmt"
	"log"

	"husk.example/husk"
)

func main() {
	log.SetFlags(0)
	heap := husk.Must(husk.New())
	defer heap.Close()

	finalized := 0
	node := husk.Must(husk.MustType("Node", "value", "next").WithFinalizer(func(*husk.Record) { finalized++ }))

	one, two := husk.Must(heap.New(node, 1)), husk.Must(heap.New(node, 2))
	check(one.Set("next", two))
	check(two.Set("next", one))
	weak := husk.Must(one.Weak())

	check(one.Release()) // the handles go; now each node is held by the other alone
	check(two.Release())

	before := husk.Must(heap.Census())["Node"]
	fmt.Println("Unreachable objects before garbage collection:", len(husk.Must(heap.Garbage())))
	pass := husk.Must(heap.Collect())
	fmt.Println("Unreachable objects after garbage collection:", len(husk.Must(heap.Garbage())))

	fmt.Println("Nodes alive before:", before)
	fmt.Println("Nodes alive after:", husk.Must(heap.Census())["Node"])
	fmt.Println("Objects collected:", pass.Collected)
	fmt.Println("Finalizers run:", finalized)
	fmt.Println("Weak references cleared:", pass.WeakCleared)
	if state := husk.Must(weak.State()); pass.Finalized != finalized || state != husk.Dead {
		log.Fatalf("%d finalizers, and the weak reference is %v", pass.Finalized, state)
	}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
