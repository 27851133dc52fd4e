// Tracing: who asked for the bytes.
//
// While tracing is on, each object and buffer notes the line that made it. Here a list of a million integers is made, a
// snapshot is taken, and the five lines with the most bytes are printed as
//
//	file:line: size=..., count=..., average=...
//
// The integers stand in the list's one buffer, 16 bytes each; the other lines are there to be compared with.
package main

import (
	"fmt"
	"log"

	"husk.example/husk"
	"husk.example/husk/trace"
)

var point = husk.MustType("Point", "x", "y")

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func main() {
	log.SetFlags(log.Lshortfile)
	heap := husk.Must(husk.New())
	defer heap.Close()
	check(trace.Start(heap))

	numbers := husk.Must(heap.List())
	for i := 1; i <= 1000000; i++ {
		check(numbers.Append(i))
	}

	points := husk.Must(heap.List())
	for i := 1; i <= 1000; i++ {
		check(points.Append(husk.Must(heap.New(point, i, -i))))
	}

	names := husk.Must(heap.Map())
	for i := 1; i <= 100; i++ {
		check(names.Set(fmt.Sprint("name ", i), i))
	}

	snapshot := husk.Must(trace.Take(heap))
	defer snapshot.Close()
	top := husk.Must(snapshot.Statistics(trace.ByLine, trace.Top(5)))
	fmt.Println("Top 5 lines")
	for _, row := range top.Rows {
		fmt.Println(row)
	}

	// The same by type; and what tracing itself has taken.
	fmt.Println("By type")
	types := husk.Must(snapshot.Statistics(trace.ByType, trace.Filter{Kind: trace.KindObject}, trace.Top(3)))
	for _, row := range types.Rows {
		fmt.Println(row)
	}
	usage := husk.Must(trace.Figures(heap))
	if usage.Bytes != uint64(top.Total.Size) {
		log.Fatalf("%d bytes are traced, %d are in the snapshot", usage.Bytes, top.Total.Size)
	}
	fmt.Printf("%d places, %d bytes traced\n", usage.Places, usage.Bytes)
}
