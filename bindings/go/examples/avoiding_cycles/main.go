// Avoiding cycles: the same tree twice, with strong and with weak links from children to parents.
//
// Prints, for each, how many of its nodes died at once when the root was dropped, and how many the collector had to
// find. With strong links every node is part of a cycle; with weak ones counting alone ends them all.
package main

import (
	"fmt"
	"log"

	"husk.example/husk"
)

var treeNode = husk.MustType("TreeNode", "parent", "left", "right")

func main() {
	log.SetFlags(0)
	heap := husk.Must(husk.New())
	defer heap.Close()

	check(heap.Disable("avoiding_cycles")) // no pass by itself in between: the figures are to be exact
	try(heap, "strong", func(node *husk.Record) any { return node })
	try(heap, "weak", func(node *husk.Record) any { return husk.Must(node.Weak()) })
	check(heap.Enable())
}

// grow makes a tree of that depth in the scope; link makes of a node what its children keep of it.
func grow(s *husk.Scope, depth int, link func(*husk.Record) any, parent *husk.Record) *husk.Record {
	node := husk.Must(s.New(treeNode))
	if parent != nil {
		check(node.Set("parent", link(parent)))
	}
	if depth > 1 {
		check(node.Set("left", grow(s, depth-1, link, node)))
		check(node.Set("right", grow(s, depth-1, link, node)))
	}
	return node
}

func try(heap *husk.Heap, title string, link func(*husk.Record) any) {
	nodes := func() int { return husk.Must(heap.Census())["TreeNode"] }
	scope := heap.NewScope()
	root := husk.Must(husk.Keep(grow(scope, 10, link, nil)))
	check(scope.Close()) // the other handles go

	planted := nodes()
	check(root.Release())
	left := nodes()
	pass := husk.Must(heap.Collect())
	if nodes() != 0 {
		log.Fatalf("%d nodes are left", nodes())
	}
	fmt.Printf("%s parent links: %d nodes, %d died at once, %d left for the collector, which collected %d\n",
		title, planted, planted-left, left, pass.Collected)
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
