// Process memory: what the system sees of this program, and where it went.
//
// Prints
//
//	Memory usage: N MB
//
// with N as psutil's memory_info().rss / 1024 ** 2 would give it: the memory that is resident now. Then a list of
// 100,000 boxes is made and dropped. The system's figure rises with it and does not fall at once: the balance sheet says
// what is alive, and what is free and only kept for later; giving it back brings the figure down.
package main

import (
	"fmt"
	"log"
	"runtime/debug"

	"husk.example/husk"
	"husk.example/husk/memory"
)

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func megabytes(bytes int64) string { return fmt.Sprintf("%.2f MB", float64(bytes)/(1<<20)) }

// show says where it is, by rows that add up to the resident memory, to the byte.
func show(heap *husk.Heap, what string) {
	sheet := husk.Must(memory.Balance(heap))
	defer sheet.Close()
	var alive, free, sum int64
	for _, row := range sheet.Rows {
		sum += row.Bytes
		switch row.Name {
		case "live objects", "buffers":
			alive += row.Bytes
		case "free blocks", "spare pages":
			free += row.Bytes
		}
	}
	if sum != int64(sheet.RSS) {
		log.Fatalf("the rows are %d bytes, %d are resident", sum, sheet.RSS)
	}
	fmt.Printf("%-18s resident %9s, alive in the heap %8s, free and kept %8s: %s\n",
		what, megabytes(sum), megabytes(alive), megabytes(free), sheet.Verdict)
}

func boxes(heap *husk.Heap, count int) *husk.List {
	scope := heap.NewScope() // its handles end with it
	defer scope.Close()
	list := husk.Must(heap.List())
	for i := 1; i <= count; i++ {
		check(list.Append(husk.Must(scope.Box(i))))
	}
	return list
}

func main() {
	log.SetFlags(log.Lshortfile)
	heap := husk.Must(husk.New())
	defer heap.Close()

	// The article's line. Nothing is between the question and the answer.
	fmt.Println("Memory usage: " + megabytes(int64(husk.Must(memory.Info(0)).RSS)))

	show(heap, "At the start:")
	list := boxes(heap, 100000)
	show(heap, "With 100000 boxes:")
	check(list.Release())
	show(heap, "Dropped:")
	husk.Must(heap.Trim())
	debug.FreeOSMemory() // what Go itself has freed
	_, _ = memory.Trim() // and the C library, where it can
	show(heap, "Given back:")
}
