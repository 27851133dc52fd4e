// Weak references: they lead to an object without keeping it.
//
// The line between the two questions comes from the callback: it runs when the object's memory is back, so it is given
// the weak reference and not the object.
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

	thing := husk.Must(heap.New(husk.MustType("Thing", "name"), "lamp"))
	weak := husk.Must(thing.WeakFunc(func(gone *husk.Weak) {
		if _, there := gone.Get(); there {
			log.Fatal("the object is still there")
		}
		fmt.Println("The object is gone")
	}))

	exists := func() bool { return husk.Must(weak.State()) == husk.Alive }
	fmt.Println("Does the object exist:", exists())
	check(thing.Release()) // the last reference
	fmt.Println("Does the object exist:", exists())
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
