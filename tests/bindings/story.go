// tests/bindings/story.go: the story of story.md, told in Go.
package main

import (
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"

	"husk.example/husk"
	"husk.example/husk/trace"
)

var node = husk.MustType("Node", "value", "next")

func nodes(heap *husk.Heap) int { return husk.Must(heap.Census())["Node"] }

func alive(weak *husk.Weak) string {
	if husk.Must(weak.State()) == husk.Alive {
		return "alive"
	}
	return "dead"
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// name is what a status is called in C.
func name(err error) string {
	var e *husk.Error
	if errors.As(err, &e) {
		return e.Code.String()
	}
	return fmt.Sprint(err)
}

func counts(heap *husk.Heap, shelf *husk.List) {
	a, b, c := husk.Must(heap.New(node, 1)), husk.Must(heap.New(node, 2)), husk.Must(heap.New(node, 3))
	fmt.Printf("make: %d nodes\n", nodes(heap))
	check(shelf.Append(1, 2.5, "three", true, nil))
	fmt.Printf("make: the shelf holds %d values\n", shelf.Len())

	fmt.Printf("share: a has %d reference\n", husk.Must(a.StrongCount()))
	check(shelf.Append(a))
	fmt.Printf("share: on the shelf, %d\n", husk.Must(a.StrongCount()))
	check(b.Set("next", a))
	fmt.Printf("share: and in b, %d\n", husk.Must(a.StrongCount()))

	check(shelf.Remove(5))
	fmt.Printf("count: a has %d references\n", husk.Must(a.StrongCount()))
	check(c.Release())
	fmt.Printf("count: %d nodes\n", nodes(heap))

	check(a.Set("next", b))
	weak := husk.Must(a.WeakFunc(func(*husk.Weak) { fmt.Println("weak: a is gone") }))
	check(a.Release())
	check(b.Release())
	fmt.Printf("cycle: %d nodes\n", nodes(heap))
	fmt.Printf("cycle: a is %s\n", alive(weak))

	pass := husk.Must(heap.Collect())
	fmt.Printf("collect: %d collected\n", pass.Collected)
	fmt.Printf("collect: %d nodes\n", nodes(heap))
	fmt.Printf("collect: a is %s\n", alive(weak))
}

func finalizers(heap *husk.Heap) {
	d := husk.Must(heap.New(node, 4))
	for _, which := range []string{"first", "second"} {
		which := which
		husk.Must(d.OnDeath(func() { fmt.Println("finalizer:", which) }, false))
	}
	fmt.Printf("finalizer: %d pending\n", husk.Must(heap.Cleanups()))
	check(d.Release())
	fmt.Printf("finalizer: %d pending\n", husk.Must(heap.Cleanups()))
}

func weakMaps(heap *husk.Heap) {
	byKey, byValue := husk.Must(heap.WeakKeyMap()), husk.Must(heap.WeakValueMap())
	k, v := husk.Must(heap.New(node, 5)), husk.Must(heap.New(node, 6))
	check(v.Set("next", k))
	check(byKey.Set(k, v))
	check(byValue.Set("k", k))
	fmt.Printf("weak map: %d by key, %d by value\n", byKey.Len(), byValue.Len())
	check(k.Release())
	check(v.Release())
	fmt.Printf("weak map: %d nodes\n", nodes(heap))
	fmt.Printf("weak map: %d collected\n", husk.Must(heap.Collect()).Collected)
	fmt.Printf("weak map: %d by key, %d by value\n", byKey.Len(), byValue.Len())
}

// chain makes nodes, each the next of the one after it, and returns the last.
func chain(heap *husk.Heap, first, last int) (newest *husk.Record) {
	for i := first; i <= last; i++ {
		newest = follow(newest, husk.Must(heap.New(node, i)))
	}
	return newest
}

func more(heap *husk.Heap, first, last int) (newest *husk.Record) {
	for i := first; i <= last; i++ {
		newest = follow(newest, husk.Must(heap.New(node, i)))
	}
	return newest
}

func follow(older, newer *husk.Record) *husk.Record {
	if older != nil {
		check(newer.Set("next", older))
		check(older.Release())
	}
	return newer
}

// down returns the node that many steps down a chain.
func down(newest *husk.Record, steps int) *husk.Record {
	at := newest
	for ; steps > 0; steps-- {
		next := husk.Must(husk.Get[*husk.Record](at, "next"))
		if at != newest {
			check(at.Release())
		}
		at = next
	}
	return at
}

// short is the last part of a name with dots.
func short(function string) string { return function[strings.LastIndex(function, ".")+1:] }

var onlyNodes = trace.Filter{Type: "Node"}

func tracing(heap *husk.Heap) {
	check(trace.Start(heap, trace.Options{Frames: 4}))
	if trace.On(heap) {
		fmt.Println("trace: on")
	}
	ten := chain(heap, 1, 10)
	made := husk.Must(trace.Of(ten)).Frames[0]
	fmt.Printf("trace: made in %s, by %s\n", strings.TrimSuffix(filepath.Base(made.File), ".go"), short(made.Function))

	first := husk.Must(trace.Take(heap))
	fmt.Printf("snapshot: %d nodes\n", husk.Must(first.Statistics(trace.ByType, onlyNodes)).Rows[0].Count)
	lines := husk.Must(first.Statistics(trace.ByLine, onlyNodes)).Rows
	fmt.Printf("snapshot: %d line made %d\n", len(lines), lines[0].Count)
	folder := husk.Must(os.MkdirTemp("", "story"))
	path := filepath.Join(folder, "first.husk")
	check(first.Save(path))
	check(first.Close())
	file := husk.Must(trace.Load(path))
	check(os.RemoveAll(folder))
	fmt.Printf("snapshot: %d nodes in the file\n", husk.Must(file.Statistics(trace.ByType, onlyNodes)).Rows[0].Count)

	check(trace.Mark(heap, "half"))
	sixth := down(ten, 4)
	check(sixth.Set("next", nil))
	check(sixth.Release())
	eight := more(heap, 11, 18)
	second := husk.Must(trace.Take(heap))
	for _, row := range husk.Must(second.Compare(file, trace.ByFunction, onlyNodes)).Rows {
		fmt.Printf("diff: %s %+d\n", short(row.Function), row.CountDiff)
	}
	since := husk.Must(second.Statistics(trace.ByLine, trace.Filter{Type: "Node", Since: "half"}))
	fmt.Printf("diff: %d since the mark\n", since.Total.Count)
	check(second.Close())
	check(file.Close())
	check(trace.Stop(heap))
	if !trace.On(heap) {
		fmt.Println("trace: off")
	}
	check(ten.Release())
	check(eight.Release())
	fmt.Printf("diff: %d nodes\n", nodes(heap))
}

func mistakes(heap *husk.Heap, shelf *husk.List) {
	d := husk.Must(heap.New(node, 7))
	_, err := d.Get("colour")
	fmt.Println("error:", name(err))

	small := husk.Must(husk.New(husk.Options{Name: "small", MaxBytes: 400000}))
	list := husk.Must(small.List())
	fmt.Println("error:", name(shelf.Append(list)))
	for err = nil; err == nil; {
		err = list.Append(0)
	}
	fmt.Println("error:", name(err))
	check(small.Close())
	check(heap.Verify())
	fmt.Println("error: the heap is whole")
}

func main() {
	log.SetFlags(log.Lshortfile)
	heap := husk.Must(husk.New(husk.Options{Name: "story"}))
	shelf := husk.Must(heap.List())
	counts(heap, shelf)
	finalizers(heap)
	weakMaps(heap)
	tracing(heap)
	mistakes(heap, shelf)

	check(heap.Close())
	if _, err := shelf.At(0); errors.Is(err, husk.ErrClosed) {
		fmt.Println("close: the shelf is gone")
	}
}
