package memory_test

import (
	"fmt"

	"husk.example/husk"
	"husk.example/husk/memory"
)

func ExampleInfo() {
	p := husk.Must(memory.Info(0))
	fmt.Println(p.RSS > 0, p.PeakRSS >= p.RSS, p.Known("rss"))
	_, err := memory.Info(1 << 30)
	fmt.Println(err)
	// Output:
	// true true true
	// husk: memory.Info: process 1073741824: there is none (HUSK_EMISSING)
}

func ExampleBalance() {
	heap := husk.Must(husk.New())
	defer heap.Close()
	sheet := husk.Must(memory.Balance(heap))
	defer sheet.Close()
	var sum int64
	for _, row := range sheet.Rows {
		sum += row.Bytes
	}
	fmt.Println(uint64(sum) == sheet.RSS, sheet.Verdict)
	// Output:
	// true fine
}
