// Reference counting: how many references an object has, and that asking is one of them.
//
// The map names is the namespace: its entries a and b are counted references in the heap, as the names of a program
// are. The second reference of the first line is the handle with which this program asks; husk.RefCount leaves it out.
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

	names := husk.Must(heap.Map())
	list := husk.Must(heap.List(1, 2, 3))
	set := func(name string, v any) {
		if err := names.Set(name, v); err != nil {
			log.Fatal(err)
		}
	}

	set("a", list)
	fmt.Println("Initial reference count:", husk.Must(list.StrongCount()))

	set("b", list)
	fmt.Println("Reference count after increasing:", husk.Must(list.StrongCount()))

	if err := names.Remove("b"); err != nil {
		log.Fatal(err)
	}
	fmt.Println("Reference count after deletion:", husk.Must(list.StrongCount()))
}
