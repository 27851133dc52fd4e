package trace_test

import (
	"context"
	"fmt"
	"log"
	"path/filepath"
	"runtime/pprof"
	"strings"

	"husk.example/husk"
	"husk.example/husk/trace"
)

var Node = husk.MustType("Node", "value", "next")

func load(heap *husk.Heap, n int) *husk.List {
	list := husk.Must(heap.List())
	for i := 0; i < n; i++ {
		_ = list.Append(husk.Must(heap.New(Node, i)))
	}
	return list
}

func Example() {
	heap := husk.Must(husk.New())
	defer heap.Close()
	if err := trace.Start(heap, trace.Options{Frames: 8}); err != nil {
		log.Fatal(err)
	}
	list := load(heap, 100)

	before := husk.Must(trace.Take(heap))
	defer before.Close()
	stats := husk.Must(before.Statistics(trace.ByType, trace.Filter{Kind: trace.KindObject}))
	for _, row := range stats.Rows {
		fmt.Println(row)
	}

	more := load(heap, 20)
	after := husk.Must(trace.Take(heap))
	defer after.Close()
	diff := husk.Must(after.Compare(before, trace.ByFunction, trace.Filter{Type: "Node"}))
	fmt.Println(filepath.Ext(diff.Rows[0].Function), diff.Rows[0].CountDiff)
	fmt.Println(list.Len() + more.Len())
	// Output:
	// Node: size=4800 B, count=100, average=48 B
	// list: size=40 B, count=1, average=40 B
	// .load 20
	// 120
}

func ExampleOf() {
	heap := husk.Must(husk.New())
	defer heap.Close()
	_ = trace.Start(heap, trace.Options{Frames: 2})
	list := load(heap, 1)
	place := husk.Must(trace.Of(husk.Must(husk.At[*husk.Record](list, 0))))
	for _, frame := range place.Frames {
		fmt.Println(filepath.Base(frame.File), frame.Line, filepath.Ext(frame.Function))
	}
	// Output:
	// example_test.go 20 .load
	// example_test.go 57 .ExampleOf
}

func ExampleTag() {
	heap := husk.Must(husk.New())
	defer heap.Close()
	_ = trace.Start(heap)
	read := func() *husk.Record {
		defer trace.Tag(heap, "read")()
		return husk.Must(heap.New(Node))
	}
	a, b := read(), read()
	c := husk.Must(heap.New(Node))

	snapshot := husk.Must(trace.Take(heap))
	defer snapshot.Close()
	fmt.Print(husk.Must(snapshot.Statistics(trace.ByTag)))
	fmt.Println(a.Alive() && b.Alive() && c.Alive())
	// Output:
	// read: size=96 B, count=2, average=48 B
	// (none): size=48 B, count=1, average=48 B
	// total: size=144 B, count=3, average=48 B
	// true
}

func ExampleDo() {
	heap := husk.Must(husk.New())
	defer heap.Close()
	_ = trace.Start(heap)
	var kept *husk.Record
	trace.Do(context.Background(), heap, pprof.Labels("request", "home"), func(context.Context) {
		kept = husk.Must(heap.New(Node)) // CPU profiles have the label, too
	})
	snapshot := husk.Must(trace.Take(heap))
	defer snapshot.Close()
	fmt.Println(husk.Must(snapshot.Statistics(trace.ByTag)).Rows[0].Name, kept.Alive())
	// Output:
	// request=home true
}

func ExampleSnapshot_Export() {
	heap := husk.Must(husk.New())
	defer heap.Close()
	kept := husk.Must(heap.New(Node))
	snapshot := husk.Must(trace.Take(heap))
	defer snapshot.Close()
	var text strings.Builder
	err := snapshot.Export(&text, "csv", trace.ExportOptions{By: trace.ByType.String()})
	fmt.Print(strings.ReplaceAll(text.String(), "\r\n", "\n"))
	fmt.Println(err, kept.Alive())
	// Output:
	// name,function,line,count,size
	// "Node","",0,1,48
	// <nil> true
}
