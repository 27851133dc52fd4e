package tests

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"husk.example/husk"
	"husk.example/husk/trace"
)

func TestNodesAndEdges(t *testing.T) {
	h := newHeap(t)
	a, b := husk.Must(h.New(Node, 1)), husk.Must(h.New(Node, 2))
	ok(t, a.Set("next", b))
	l := husk.Must(h.List(a, b, a))
	w := husk.Must(b.Weak())
	s := snapshot(t, h)
	counts := s.Counts()
	same(t, "objects", counts.Objects, 4)
	same(t, "edges", counts.Edges, 4)
	same(t, "weak edges", counts.WeakEdges, 1)
	same(t, "traced", counts.Traced, 0)
	if counts.Bytes == 0 || !strings.Contains(s.String(), "4 objects") {
		t.Error(counts, s)
	}

	at := func(x husk.Object) int {
		i, found := s.Find(uint64(x.ID()))
		same(t, "found", found, true)
		return i
	}
	node := husk.Must(s.Node(at(a)))
	same(t, "type", node.Type, "Node")
	same(t, "size", node.Size, husk.Must(a.Size()))
	same(t, "hidden", node.Hidden, 1) // the handle
	same(t, "edges", node.Edges, 1)
	same(t, "stack", node.Stack, 0)
	same(t, "weakly", husk.Must(s.Node(at(b))).Weakly, true)
	edges := husk.Must(s.Edges(at(a)))
	same(t, "edge", edges[0], trace.Edge{To: at(b), Name: "next", Index: -1})
	edges = husk.Must(s.Edges(at(l)))
	same(t, "edges", len(edges), 3)
	same(t, "edge", edges[2], trace.Edge{To: at(a), Name: "item", Index: 2})
	same(t, "weak", husk.Must(s.Edges(at(w)))[0].Weak, true)

	seen := 0
	s.Nodes()(func(i int, n trace.Node) bool {
		same(t, "node", n, husk.Must(s.Node(i)))
		seen++
		return true
	})
	same(t, "seen", seen, 4)
	s.Nodes()(func(int, trace.Node) bool { seen++; return false })
	same(t, "seen", seen, 5)

	for _, i := range []int{-1, 4} {
		_, err := s.Node(i)
		wants(t, err, husk.ErrRange)
		_, err = s.Edges(i)
		wants(t, err, husk.ErrRange)
	}
	_, found := s.Find(1)
	same(t, "found", found, false)
	same(t, "frames", len(s.Traceback(77).Frames), 0)

	things := 0
	ok(t, s.Things(func(one trace.Thing) bool {
		things++
		same(t, "traced", one.Traced, false)
		same(t, "weight", one.Weight, 1)
		return true
	}, trace.Untraced, trace.Filter{Kind: trace.KindObject}))
	same(t, "things", things, 4)
	ok(t, s.Things(func(trace.Thing) bool { things++; return true }))
	same(t, "things that are traced", things, 4)
	ok(t, s.Things(func(trace.Thing) bool { things++; return true }, trace.Untraced, trace.Top(3)))
	same(t, "things", things, 7)
	wants(t, s.Things(func(trace.Thing) bool { return true }, trace.Top(-1)), husk.ErrRange)
}

// More nodes, edges and frames than go over at once.
func TestManyNodes(t *testing.T) {
	h := traced(t, 1000)
	l := husk.Must(h.List())
	nested(700, func() {
		scope := h.NewScope()
		defer scope.Close()
		for i := 0; i < 1000; i++ {
			ok(t, l.Append(husk.Must(scope.New(Node))))
		}
	})
	s := snapshot(t, h)
	seen, at := 0, 0
	s.Nodes()(func(i int, n trace.Node) bool {
		same(t, "number", i, seen)
		seen++
		if n.Type == "list" {
			at = i
			return true
		}
		if of := s.Traceback(n.Stack); len(of.Frames) != 703 || of.Total != 0 {
			t.Fatalf("%d frames of %d", len(of.Frames), of.Total)
		}
		return true
	})
	same(t, "nodes", seen, 1001)
	edges := husk.Must(s.Edges(at))
	same(t, "edges", len(edges), 1000)
	for i, edge := range edges {
		same(t, "index", edge.Index, i)
	}
	stats := husk.Must(s.Statistics(trace.ByTraceback, trace.Filter{Type: "Node"}))
	same(t, "frames", len(stats.Rows[0].Traceback.Frames), 703)
	same(t, "total", stats.Rows[0].Traceback.Total, 0)

	of := trace.Traceback{Frames: stats.Rows[0].Traceback.Frames[:3]}
	lines := of.Lines(trace.Format{Source: true, Functions: true})
	same(t, "lines", len(lines), 6)
	same(t, "source", strings.TrimSpace(lines[5]), "ok(t, l.Append(husk.Must(scope.New(Node))))")
	if !strings.Contains(lines[0], `nested`) || !strings.HasPrefix(lines[0], `  File "`) {
		t.Error(lines)
	}
	same(t, "newest", of.Lines(trace.Format{Limit: 1})[0], lines[4][:strings.Index(lines[4], ", in")])
	same(t, "oldest", of.Lines(trace.Format{Limit: -1, Functions: true})[0], lines[0])
	same(t, "first", of.Lines(trace.Format{NewestFirst: true, Functions: true})[0], lines[4])
	same(t, "no source", trace.SourceLine("/nowhere.go", 1)+trace.SourceLine("snapshot_test.go", 0)+trace.SourceLine("a\x00", 1), "")
}

func TestTextsAndNumbers(t *testing.T) {
	h := traced(t, 1)
	s := snapshot(t, h)
	heap, there := s.Text("heap")
	same(t, "heap", heap, "test")
	same(t, "there", there, true)
	_, there = s.Text("colour")
	same(t, "there", there, false)
	_, there = s.Text("a\x00")
	same(t, "there", there, false)
	ok(t, s.Note("colour", "red"))
	ok(t, s.Note("colour", "green"))
	colour, _ := s.Text("colour")
	same(t, "colour", colour, "green")
	keys := s.Keys()
	same(t, "key", keys[len(keys)-1], "colour")
	for _, key := range []string{"husk", "time", "command", "pid", "heap"} {
		if text, there := s.Text(key); !there || text == "" || !strings.Contains(strings.Join(keys, " "), key) {
			t.Errorf("%s: %q", key, text)
		}
	}
	wants(t, s.Note("a\x00", "b"), husk.ErrInvalid)
	wants(t, s.Note("a", "b\x00"), husk.ErrInvalid)

	found := map[string]uint64{}
	for _, f := range s.Figures() {
		found[f.Group+" "+f.Name] = f.Value
	}
	pages, err := s.Number("heap", "objects")
	ok(t, err)
	same(t, "objects", pages, found["heap objects"])
	if found["process rss"] == 0 || found["trace frames"] != 0 && found["trace frames"] != 1 {
		t.Error(found)
	}
	_, err = s.Number("heap", "colour")
	wants(t, err, husk.ErrMissing, "colour")
	_, err = s.Number("heap\x00", "x")
	wants(t, err, husk.ErrInvalid)
}

func TestTakeOptions(t *testing.T) {
	h, _, _, _ := twoPlaces(t)
	plain := husk.Must(trace.Take(h.Heap, trace.SnapshotOptions{NoEdges: true, NoProcess: true, NoBlocks: true}))
	defer plain.Close()
	same(t, "edges", plain.Counts().Edges, 0)
	_, err := plain.Number("process", "rss")
	wants(t, err, husk.ErrMissing)
	_, err = trace.Take(h.Heap, trace.SnapshotOptions{MaxBytes: 10})
	wants(t, err, husk.ErrLimit)
	_, err = trace.Take(h.Heap, trace.SnapshotOptions{}, trace.SnapshotOptions{})
	wants(t, err, husk.ErrInvalid)
	with := husk.Must(trace.Take(h.Heap, trace.SnapshotOptions{Maps: true}))
	defer with.Close()
}

// ---- files ----

func TestFiles(t *testing.T) {
	h, _, _, _ := twoPlaces(t)
	s := snapshot(t, h)
	folder := t.TempDir()
	path := filepath.Join(folder, "one.husk")
	ok(t, s.Note("about", "a test"))
	ok(t, s.Save(path))
	ok(t, s.Save(path))
	loaded := husk.Must(trace.Load(path))
	defer loaded.Close()
	about, _ := loaded.Text("about")
	same(t, "note", about, "a test")
	for by := trace.ByLine; by <= trace.ByKind; by++ {
		same(t, by.String(), husk.Must(loaded.Statistics(by, trace.Untraced)).String(), husk.Must(s.Statistics(by, trace.Untraced)).String())
	}
	same(t, "counts", loaded.Counts().Edges, s.Counts().Edges)

	child := husk.Must(trace.Fork(h.Heap, filepath.Join(folder, "two.husk"), trace.SnapshotOptions{NoProcess: true}))
	if child.PID() <= 0 {
		t.Error(child.PID())
	}
	ok(t, child.Wait())
	ok(t, child.Wait())
	forked := husk.Must(trace.Load(filepath.Join(folder, "two.husk")))
	defer forked.Close()
	same(t, "lines", husk.Must(forked.Statistics(trace.ByLine)).String(), husk.Must(s.Statistics(trace.ByLine)).String())
	child = husk.Must(trace.Fork(h.Heap, filepath.Join(folder, "nowhere", "x.husk")))
	wants(t, child.Wait(), husk.ErrIO, "nowhere")
	wants(t, child.Wait(), husk.ErrIO, "nowhere")

	wants(t, s.Save(filepath.Join(folder, "nowhere", "x.husk")), husk.ErrIO, "Snapshot.Save", "nowhere")
	wants(t, s.Save("a\x00b"), husk.ErrInvalid, "NUL")
	_, err := trace.Load("a\x00b")
	wants(t, err, husk.ErrInvalid, "NUL")
	_, err = trace.Fork(h.Heap, "a\x00b")
	wants(t, err, husk.ErrInvalid, "NUL")
	_, err = trace.Load(filepath.Join(folder, "nowhere"))
	wants(t, err, husk.ErrIO, "nowhere")
	_, err = trace.Load(folder)
	wants(t, err, husk.ErrIO, folder)

	whole := husk.Must(os.ReadFile(path))
	for _, length := range []int{0, 1, 64, len(whole) / 2, len(whole) - 1} {
		bad := filepath.Join(folder, "bad.husk")
		ok(t, os.WriteFile(bad, whole[:length], 0o600))
		_, err = trace.Load(bad)
		wants(t, err, husk.ErrFormat, bad)
	}
	left := husk.Must(filepath.Glob(filepath.Join(folder, "*")))
	same(t, "files", len(left), 3)
}

// ---- the end ----

func TestClosedSnapshot(t *testing.T) {
	h, _, _, _ := twoPlaces(t)
	s, other := husk.Must(trace.Take(h.Heap)), snapshot(t, h)
	ok(t, s.Close())
	ok(t, s.Close())
	var never trace.Snapshot
	for _, s := range []*trace.Snapshot{s, &never} {
		_, stats := s.Statistics(trace.ByLine)
		_, compare := s.Compare(other, trace.ByLine)
		_, old := other.Compare(s, trace.ByLine)
		_, node := s.Node(0)
		_, edges := s.Edges(0)
		_, number := s.Number("heap", "objects")
		for _, err := range []error{stats, compare, old, node, edges, number, s.Save("x"), s.Note("a", "b"),
			s.Export(io.Discard, "json"), s.ExportFile("x.json", ""), s.Things(func(trace.Thing) bool { return true })} {
			wants(t, err, trace.ErrClosed, "closed")
			wants(t, err, husk.ErrState)
		}
		s.Nodes()(func(int, trace.Node) bool { t.Error("a node"); return true })
		_, found := s.Find(0)
		_, text := s.Text("heap")
		if found || text || s.Keys() != nil || s.Figures() != nil || s.Counts() != (trace.Counts{}) ||
			len(s.Traceback(1).Frames) != 0 || s.String() != "snapshot (closed)" {
			t.Error("a closed snapshot answers")
		}
		ok(t, s.Close())
	}
	// It does not need its heap; a forgotten one is freed by Go's collector.
	forgotten := husk.Must(trace.Take(h.Heap))
	ok(t, h.Close())
	same(t, "nodes", husk.Must(forgotten.Statistics(trace.ByLine, trace.Filter{Type: "Node"})).Total.Count, 15)
	held := husk.MemoryHeld()
	forgotten = nil
	for i := 0; i < 50 && husk.MemoryHeld() >= held; i++ {
		runtime.GC()
		runtime.Gosched()
	}
	if husk.MemoryHeld() >= held {
		t.Error("a forgotten snapshot stays")
	}
}

// Several use one snapshot, and one of them closes it.
func TestSnapshotOfSeveral(t *testing.T) {
	h, _, _, _ := twoPlaces(t)
	for round := 0; round < 20; round++ {
		s, other := husk.Must(trace.Take(h.Heap)), husk.Must(trace.Take(h.Heap))
		var group sync.WaitGroup
		for g := 0; g < 6; g++ {
			group.Add(1)
			go func(g int) {
				defer group.Done()
				for i := 0; ; i++ {
					var err error
					switch (g + i) % 4 {
					case 0:
						_, err = s.Statistics(trace.ByFunction, trace.Cumulative)
					case 1:
						_, err = s.Compare(other, trace.ByLine)
					case 2:
						_, err = other.Compare(s, trace.ByType)
					case 3:
						err = s.Export(io.Discard, "collapsed")
					}
					if errors.Is(err, trace.ErrClosed) {
						return
					}
					ok(t, err)
					if g == 0 && i == 5 {
						ok(t, s.Close())
					}
				}
			}(g)
		}
		group.Wait()
		ok(t, other.Close())
	}
}
