package tests

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"

	"husk.example/husk"
	"husk.example/husk/trace"
)

// twoPlaces has ten nodes of one line and five of another, in a list.
func twoPlaces(t *testing.T) (h *fixture, list *husk.List, ten, five int) {
	h = traced(t, 5)
	list = husk.Must(h.List())
	t.Cleanup(func() { runtime.KeepAlive(list) })
	s := h.NewScope()
	defer s.Close()
	for i := 0; i < 10; i++ {
		ok(t, list.Append(husk.Must(s.New(Node, i))))
		ten = line() - 1
	}
	for i := 0; i < 5; i++ {
		ok(t, list.Append(husk.Must(s.New(Node, i))))
		five = line() - 1
	}
	return h, list, ten, five
}

func TestStatistics(t *testing.T) {
	h, list, ten, five := twoPlaces(t)
	s := snapshot(t, h)
	size := int64(husk.Must(husk.Must(husk.At[*husk.Record](list, 0)).Size()))
	nodes := trace.Filter{Type: "Node"}

	stats := husk.Must(s.Statistics(trace.ByLine, nodes))
	same(t, "rows", len(stats.Rows), 2)
	first := stats.Rows[0]
	same(t, "line", first.Line, ten)
	same(t, "count", first.Count, 10)
	same(t, "size", first.Size, 10*size)
	same(t, "average", first.Average(), float64(size))
	same(t, "average of nothing", trace.Statistic{}.Average(), 0)
	same(t, "file", filepath.Base(first.Name), "snapshot_test.go")
	same(t, "text", first.String(), fmt.Sprintf("%s:%d: size=%d B, count=10, average=%d B", first.Name, ten, 10*size, size))
	same(t, "frame", first.Traceback.Frames[0].Line, ten)
	same(t, "total", stats.Total.Count, 15)
	same(t, "others", stats.Others, 0)
	same(t, "text", strings.Count(stats.String(), "\n"), 3)

	stats = husk.Must(s.Statistics(trace.ByLine, nodes, trace.Top(1)))
	same(t, "rows", len(stats.Rows), 1)
	same(t, "others", stats.Others, 1)
	same(t, "rest", stats.Rest.Count, 5)
	text := stats.String()
	if !strings.Contains(text, "\n1 other: size=") || !strings.Contains(text, "\ntotal: size=") {
		t.Error(text)
	}
	same(t, "none", len(husk.Must(s.Statistics(trace.ByLine, trace.Top(0))).Rows), 0)

	for name, one := range map[string]struct {
		count int64
		all   []trace.Option
	}{
		"line":      {5, []trace.Option{trace.Filter{Type: "N?de", Line: five}}},
		"two lines": {15, []trace.Option{trace.Filter{Line: five, Type: "*"}, trace.Filter{Line: ten, Type: "[M-P]ode"}}},
		"not":       {10, []trace.Option{nodes, trace.Filter{Line: five, Exclude: true}}},
		"function":  {15, []trace.Option{trace.Filter{Function: "*.twoPlaces", Type: "Node"}}},
		"newest":    {0, []trace.Option{trace.Filter{Function: "*.TestStatistics", Type: "Node"}}},
		"any":       {15, []trace.Option{trace.Filter{Function: "*.TestStatistics", Type: "Node", AllFrames: true}}},
		"file":      {15, []trace.Option{nodes, trace.And, trace.Filter{File: "*/snapshot_test.go"}}},
		"kind":      {15, []trace.Option{trace.Filter{Kind: trace.KindObject, MinSize: uint64(size)}}},
		"buffers":   {1, []trace.Option{trace.Filter{Kind: trace.KindBuffer}}},
		"blocks":    {0, []trace.Option{trace.Filter{Kind: trace.KindBlock}}},
		"no line":   {0, []trace.Option{trace.Filter{Line: trace.NoLine}}},
		"thread":    {0, []trace.Option{trace.Filter{Thread: "nobody"}}},
		"words":     {5, []trace.Option{trace.Filter{Text: fmt.Sprintf("type=Node,line=%d", five)}}},
		"not words": {10, []trace.Option{trace.Filter{Text: fmt.Sprintf("!line=%d", five)}, trace.And, nodes}},
	} {
		stats, err := s.Statistics(trace.ByLine, one.all...)
		ok(t, err)
		same(t, name, stats.Total.Count, one.count)
	}

	for by := trace.ByLine; by <= trace.ByKind; by++ {
		same(t, "name", husk.Must(trace.ParseBy(by.String())), by)
		stats, err := s.Statistics(by, nodes)
		ok(t, err)
		same(t, by.String(), stats.Total.Count, 15)
	}
	same(t, "name", trace.By(99).String(), "By(99)")
	_, err := trace.ParseBy("colour")
	wants(t, err, husk.ErrInvalid, "colour", "traceback")

	// Each frame gets what was made below it; what the tracer recorded is of places, not of types.
	stats = husk.Must(s.Statistics(trace.ByFunction, trace.Cumulative, trace.SortPeak))
	for _, row := range stats.Rows {
		same(t, row.Function, row.Count, stats.Total.Count)
		if !row.Recorded || row.Born < 17 || row.PeakBytes < uint64(15*size) || !strings.Contains(row.String(), ", peak=") {
			t.Error(row)
		}
	}
	if len(stats.Rows) < 3 {
		t.Error(stats)
	}
	same(t, "recorded", husk.Must(s.Statistics(trace.ByLine)).Rows[0].Recorded, false)
	same(t, "recorded", husk.Must(s.Statistics(trace.ByLine, trace.Records)).Rows[0].Recorded, true)
	_, err = s.Statistics(trace.ByFunction, nodes, trace.SortPeak)
	wants(t, err, husk.ErrInvalid, "peak")
}

func TestMistakesInOptions(t *testing.T) {
	h, _, _, _ := twoPlaces(t)
	s := snapshot(t, h)
	for name, one := range map[string]struct {
		code husk.Code
		all  []trace.Option
	}{
		"nothing was said": {husk.ErrInvalid, []trace.Option{trace.Filter{}}},
		"is nil":           {husk.ErrInvalid, []trace.Option{nil}},
		"Top(-1)":          {husk.ErrRange, []trace.Option{trace.Top(-1)}},
		"line -2":          {husk.ErrRange, []trace.Option{trace.Filter{Line: -2}}},
		"kind 9":           {husk.ErrRange, []trace.Option{trace.Filter{Kind: 9}}},
		"of domain":        {husk.ErrInvalid, []trace.Option{trace.Filter{Domain: "x", NoDomain: true}}},
		"besides":          {husk.ErrInvalid, []trace.Option{trace.Filter{Text: "line=1", Line: 1}}},
		"colour":           {husk.ErrInvalid, []trace.Option{trace.Filter{Text: "colour=red"}}},
		"NUL":              {husk.ErrInvalid, []trace.Option{trace.Filter{Type: "a\x00"}}},
		"sort":             {husk.ErrInvalid, []trace.Option{trace.Sort(77)}},
	} {
		_, err := s.Statistics(trace.ByLine, one.all...)
		wants(t, err, one.code, "Snapshot.Statistics")
		if err != nil && name != "nothing was said" && name != "sort" && !strings.Contains(err.Error(), name) {
			t.Errorf("%v does not say %q", err, name)
		}
	}
	_, err := s.Statistics(trace.By(99))
	wants(t, err, husk.ErrInvalid)
	_, err = s.Compare(nil, trace.ByLine)
	wants(t, err, husk.ErrInvalid, "Snapshot.Compare", "nil")
	_, err = s.Compare(s, trace.ByLine, trace.SortPeak)
	wants(t, err, husk.ErrInvalid)
}

func TestCompare(t *testing.T) {
	h, list, ten, five := twoPlaces(t)
	old := snapshot(t, h)
	ok(t, list.Remove(0))
	extra := husk.Must(h.New(Node))
	new := line() - 1
	s := snapshot(t, h)
	stats := husk.Must(s.Compare(old, trace.ByLine, trace.Filter{Type: "Node"}))
	diffs := map[int]int64{}
	for _, row := range stats.Rows {
		diffs[row.Line] = row.CountDiff
		if !regexp.MustCompile(`: size=\d+ B \([+-]\d+ B\), count=\d+ \([+-]\d+\)`).MatchString(row.String()) {
			t.Error(row)
		}
	}
	if !reflect.DeepEqual(diffs, map[int]int64{ten: -1, five: 0, new: 1}) {
		t.Error(stats)
	}
	same(t, "total", stats.Total.CountDiff, 0)
	_, err := s.Compare(s, trace.ByLine)
	ok(t, err)
	runtime.KeepAlive(extra)
}

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

// ---- exports ----

func TestExports(t *testing.T) {
	h, _, _, _ := twoPlaces(t)
	s := snapshot(t, h)
	folder := t.TempDir()
	forms := trace.Forms()
	if len(forms) < 8 {
		t.Error(forms)
	}
	for _, form := range forms {
		var b bytes.Buffer
		ok(t, s.Export(&b, form.Name))
		path := filepath.Join(folder, "x."+form.Suffix)
		ok(t, s.ExportFile(path, form.Name))
		if file := husk.Must(os.ReadFile(path)); !bytes.Equal(file, b.Bytes()) || b.Len() == 0 {
			t.Errorf("%s: %d bytes to a writer, %d to a file", form.Name, b.Len(), len(file))
		}
		if form.About == "" {
			t.Error(form)
		}
		if form.Name == "json" || form.Name == "speedscope" || form.Name == "heapsnapshot" {
			same(t, form.Name, json.Valid(b.Bytes()), true)
		}
	}
	same(t, "guess", trace.GuessForm("x.heapsnapshot"), "heapsnapshot")
	same(t, "guess", trace.GuessForm("x.unheard")+trace.GuessForm("\x00"), "")
	ok(t, s.ExportFile(filepath.Join(folder, "y.dot"), ""))
	wants(t, s.ExportFile(filepath.Join(folder, "y.unheard"), ""), husk.ErrMissing, "y.unheard")
	wants(t, s.ExportFile(filepath.Join(folder, "nowhere", "y.dot"), ""), husk.ErrIO, "nowhere")

	var b bytes.Buffer
	ok(t, s.Export(&b, "csv", trace.ExportOptions{By: "function", Top: 1}))
	if !strings.Contains(b.String(), "twoPlaces") {
		t.Error(b.String())
	}
	b.Reset()
	ok(t, s.Export(&b, "collapsed", trace.ExportOptions{Types: true, Count: true}))
	if !regexp.MustCompile(`twoPlaces.*;Node.* 10\n`).MatchString(b.String()) {
		t.Error(b.String())
	}
	b.Reset()
	ok(t, s.Export(&b, "collapsed", trace.ExportOptions{Count: true, Made: true}))
	if !regexp.MustCompile(`twoPlaces.* 1[0-9]\n`).MatchString(b.String()) {
		t.Error(b.String())
	}
	for want, err := range map[husk.Code]error{
		husk.ErrMissing: s.Export(io.Discard, "colour"),
		husk.ErrInvalid: s.Export(nil, "json"),
		husk.ErrRange:   s.Export(io.Discard, "json", trace.ExportOptions{Top: -1}),
	} {
		wants(t, err, want, "Snapshot.Export")
	}
	wants(t, s.Export(io.Discard, "csv", trace.ExportOptions{By: "colour"}), husk.ErrMissing, "colour")
	wants(t, s.Export(io.Discard, "json", trace.ExportOptions{}, trace.ExportOptions{}), husk.ErrInvalid)
	wants(t, s.Export(io.Discard, "html", trace.ExportOptions{Title: "a\x00"}), husk.ErrInvalid)
}

func TestReport(t *testing.T) {
	h, _, _, _ := twoPlaces(t)
	one, two := snapshot(t, h), snapshot(t, h)
	var b bytes.Buffer
	ok(t, trace.Report(&b, []*trace.Snapshot{one, two}, trace.ReportOptions{Title: "A <report>", Names: []string{"before", "after"}}))
	for _, text := range []string{"<html", "A <report>", "before", "after", "twoPlaces"} {
		if !strings.Contains(b.String(), text) {
			t.Errorf("%q is not in the page", text)
		}
	}
	path := filepath.Join(t.TempDir(), "x.html")
	ok(t, trace.ReportFile(path, []*trace.Snapshot{one}))
	if page := husk.Must(os.ReadFile(path)); len(page) < 10000 {
		t.Errorf("a page of %d bytes", len(page))
	}
	all := []*trace.Snapshot{one}
	wants(t, trace.Report(nil, all), husk.ErrInvalid, "nil")
	wants(t, trace.Report(&b, nil), husk.ErrRange)
	wants(t, trace.Report(&b, []*trace.Snapshot{one, nil}), husk.ErrInvalid, "snapshot 1")
	wants(t, trace.Report(&b, all, trace.ReportOptions{MaxBytes: 10}), husk.ErrRange)
	wants(t, trace.Report(&b, all, trace.ReportOptions{Names: []string{}}), husk.ErrInvalid, "0 names")
	wants(t, trace.Report(&b, all, trace.ReportOptions{Names: []string{"a\x00"}}), husk.ErrInvalid)
	wants(t, trace.Report(&b, all, trace.ReportOptions{}, trace.ReportOptions{}), husk.ErrInvalid)
	wants(t, trace.ReportFile("/nowhere/x.html", all), husk.ErrIO, "/nowhere")
	gone := husk.Must(trace.Take(h.Heap))
	ok(t, gone.Close())
	wants(t, trace.Report(&b, []*trace.Snapshot{one, gone}), trace.ErrClosed)
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestWritersThatFail(t *testing.T) {
	h := newHeap(t)
	scope := h.NewScope()
	for i := 0; i < 3000; i++ {
		_ = husk.Must(scope.New(Node))
	}
	s := snapshot(t, h)
	full := errors.New("the writer is full")
	pieces := 0
	err := s.Export(writerFunc(func(p []byte) (int, error) {
		if pieces++; pieces == 2 {
			return 0, full
		}
		return len(p), nil
	}), "json")
	if err != full || pieces != 2 {
		t.Error(err, pieces)
	}
	err = s.Export(writerFunc(func(p []byte) (int, error) { return len(p) - 1, nil }), "json")
	if err != io.ErrShortWrite {
		t.Error(err)
	}
	err = s.Export(writerFunc(func([]byte) (int, error) { panic(full) }), "json")
	wants(t, err, husk.ErrHook, "Snapshot.Export", "the writer is full")
	wants(t, err, full)
	err = s.Export(writerFunc(func([]byte) (int, error) { runtime.Goexit(); return 0, nil }), "json")
	wants(t, err, husk.ErrHook)
	err = trace.Report(writerFunc(func([]byte) (int, error) { panic("out") }), []*trace.Snapshot{s})
	wants(t, err, husk.ErrHook, "trace.Report", "out")

	// It may use the snapshot, and even close it; and keep what it got.
	var kept [][]byte
	ok(t, s.Export(writerFunc(func(p []byte) (int, error) {
		kept = append(kept, p)
		_, err := s.Statistics(trace.ByType)
		if len(kept) == 1 {
			ok(t, err)
			wants(t, s.Note("a", "b"), husk.ErrBusy)
			ok(t, s.Close())
		} else {
			wants(t, err, trace.ErrClosed)
		}
		return len(p), nil
	}), "json"))
	if !json.Valid(bytes.Join(kept, nil)) || len(kept) < 2 {
		t.Error("the pieces are no JSON")
	}
	ok(t, scope.Close())
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
