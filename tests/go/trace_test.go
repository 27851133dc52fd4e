package tests

import (
	"context"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"strings"
	"sync"
	"testing"
	"time"

	"husk.example/husk"
	"husk.example/husk/trace"
)

// traced is newHeap with tracing on.
func traced(t testing.TB, frames int) *fixture {
	t.Helper()
	h := newHeap(t)
	ok(t, trace.Start(h.Heap, trace.Options{Frames: frames}))
	return h
}

// line is the line that calls it.
func line() int {
	_, _, n, _ := runtime.Caller(1)
	return n
}

// functions are the names in a traceback, without the package.
func functions(of trace.Traceback) string {
	var all []string
	for _, f := range of.Frames {
		all = append(all, f.Function[strings.LastIndex(f.Function, "/")+1:])
	}
	return strings.Join(all, " ")
}

func TestTraceOnAndOff(t *testing.T) {
	h := newHeap(t)
	same(t, "on", trace.On(h.Heap), false)
	same(t, "limit", husk.Must(trace.Limit(h.Heap)), 1)
	before := husk.Must(h.New(Node))
	same(t, "frames of what is not traced", len(husk.Must(trace.Of(before)).Frames), 0)
	ok(t, trace.Stop(h.Heap))

	ok(t, trace.Start(h.Heap, trace.Options{Frames: 7}))
	same(t, "on", trace.On(h.Heap), true)
	same(t, "limit", husk.Must(trace.Limit(h.Heap)), 7)
	wants(t, trace.Start(h.Heap), husk.ErrState, "trace.Start", "traced already")
	n := husk.Must(h.New(Node))
	size := uint64(husk.Must(n.Size()))
	current, peak, err := trace.Memory(h.Heap)
	ok(t, err)
	same(t, "current", current, size)
	same(t, "peak", peak, size)
	ok(t, husk.Must(h.New(Node)).Release())
	usage := husk.Must(trace.Figures(h.Heap))
	same(t, "bytes", usage.Bytes, size)
	same(t, "peak", usage.PeakBytes, 2*size)
	same(t, "born", usage.Born, 2)
	same(t, "temporary", usage.Temporary, 1)
	same(t, "unknown", usage.Unknown, 0)
	same(t, "places", usage.Places, 2)
	if !strings.Contains(usage.String(), "2 places") || usage.OwnBytes == 0 {
		t.Error(usage)
	}
	ok(t, trace.ResetPeak(h.Heap))
	_, peak, _ = trace.Memory(h.Heap)
	same(t, "peak", peak, size)
	ok(t, trace.Clear(h.Heap))
	same(t, "bytes", husk.Must(trace.Figures(h.Heap)).Bytes, 0)
	ok(t, trace.Stop(h.Heap))
	ok(t, trace.Stop(h.Heap))
	same(t, "usage", husk.Must(trace.Figures(h.Heap)), trace.Usage{})
	same(t, "frames after the end", len(husk.Must(trace.Of(n)).Frames), 0)

	for _, o := range []trace.Options{{Frames: -1}, {Frames: 65536}, {Epoch: -1}, {Epoch: time.Nanosecond}, {Epoch: math.MaxInt64},
		{SampleBytes: math.MaxUint64}} {
		wants(t, trace.Start(h.Heap, o), husk.ErrRange, "trace.Start")
	}
	wants(t, trace.Start(h.Heap, trace.Options{Sources: 64}), husk.ErrInvalid)
	wants(t, trace.Start(h.Heap, trace.Options{}, trace.Options{}), husk.ErrInvalid, "at most one")
	same(t, "on", trace.On(h.Heap), false)
}

//go:noinline
func makeNode(h *husk.Heap) (*husk.Record, int) { return husk.Must(h.New(Node)), line() }

//go:noinline
func nested(depth int, fn func()) {
	if depth > 1 {
		nested(depth-1, fn)
		return
	}
	fn()
}

func TestTracebacks(t *testing.T) {
	h := traced(t, 4)
	n, at := makeNode(h.Heap)
	of := husk.Must(trace.Of(n))
	here := line() - 2
	same(t, "functions", functions(of), "tests.makeNode tests.TestTracebacks testing.tRunner")
	same(t, "line", of.Frames[0].Line, at)
	same(t, "line", of.Frames[1].Line, here)
	same(t, "file", filepath.Base(of.Frames[0].File), "trace_test.go")
	same(t, "text", of.Frames[0].String(), fmt.Sprintf("%s:%d", of.Frames[0].File, at))
	if text := of.String(); !strings.Contains(text, "tests.makeNode\n\t") {
		t.Error(text)
	}

	// The oldest are cut off, and counted; the same stack is known again.
	var deep [3]*husk.Record
	for i := range deep {
		nested(10, func() { deep[i], _ = makeNode(h.Heap) })
	}
	s := snapshot(t, h)
	for _, n := range deep {
		of = tracebackOf(t, s, n)
		same(t, "functions", functions(of), "tests.makeNode tests.TestTracebacks.func1 tests.nested tests.nested")
		same(t, "total", of.Total, 2+10+2)
	}
	same(t, "stacks", len(husk.Must(s.Statistics(trace.ByTraceback, trace.Filter{Type: "Node"})).Rows), 2)

	// Frames of the package do not show, wherever they are.
	l := husk.Must(h.List(1))
	ok(t, l.Each(func(int, any) bool { n, _ = makeNode(h.Heap); return true }))
	same(t, "functions", functions(husk.Must(trace.Of(n))), "tests.makeNode tests.TestTracebacks.func2 tests.TestTracebacks testing.tRunner")
}

func snapshot(t testing.TB, h *fixture) *trace.Snapshot {
	t.Helper()
	s, err := trace.Take(h.Heap)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ok(t, s.Close()) })
	return s
}

func tracebackOf(t testing.TB, s *trace.Snapshot, x husk.Object) trace.Traceback {
	t.Helper()
	i, found := s.Find(uint64(x.ID()))
	if !found {
		t.Fatalf("%v is not in the snapshot", x)
	}
	return s.Traceback(husk.Must(s.Node(i)).Stack)
}

// Whatever makes an object, its place is here; also if it is only a sample, which asks in the other way.
func TestEveryBirth(t *testing.T) {
	for _, o := range []trace.Options{{Frames: 3}, {Frames: 3, SampleBytes: 1}} {
		h := newHeap(t)
		ok(t, trace.Start(h.Heap, o))
		scope := h.NewScope()
		n := husk.Must(h.New(Node, "a text", "another"))
		all := []husk.Object{
			n, husk.Must(h.NewWith(Node, husk.Values{"value": 1})), husk.Must(h.List("x", 1)), husk.Must(h.Map()),
			husk.Must(h.Box(t)), husk.Must(h.WeakKeyMap()), husk.Must(h.WeakValueMap()), husk.Must(h.WeakSet()),
			husk.Must(n.Weak()), husk.Must(n.WeakFunc(func(*husk.Weak) {})), husk.Must(n.OnDeath(func() {}, false)),
			husk.Must(scope.New(Node)), husk.Must(scope.List("y")), husk.Must(scope.Map()), husk.Must(scope.Box(1)),
		}
		m := all[3].(*husk.Map)
		for i := 0; i < 100; i++ {
			ok(t, m.Set(fmt.Sprint(i), "text"))
			ok(t, m.Set(i, i))
			ok(t, all[2].(*husk.List).Append(i, "text"))
		}
		for _, x := range all {
			if got := functions(husk.Must(trace.Of(x))); got != "tests.TestEveryBirth testing.tRunner" {
				t.Errorf("%s, sampled: %v: %q", x.Kind(), o.SampleBytes, got)
			}
		}
		stats := husk.Must(snapshot(t, h).Statistics(trace.ByFunction, trace.Untraced))
		if len(stats.Rows) != 1 || !strings.HasSuffix(stats.Rows[0].Function, "tests.TestEveryBirth") || stats.Total.Count < 300 {
			t.Error(stats)
		}
		ok(t, scope.Close())
	}
}

// A hook comes in the middle of a call, and makes something; then the call does.
func TestBirthsInHooks(t *testing.T) {
	h := traced(t, 3)
	var inner *husk.Record
	typ := finalized(t, func(*husk.Record) { inner, _ = makeNode(h.Heap) })
	ok(t, husk.Must(h.New(typ)).Release())
	if got := functions(husk.Must(trace.Of(inner))); !strings.HasPrefix(got, "tests.makeNode tests.TestBirthsInHooks.func1") {
		t.Error(got)
	}
	list := husk.Must(h.List(husk.Must(h.New(typ))))
	_, _ = h.CollectAll()
	ok(t, list.Set(0, "a text")) // the old one ends within
	same(t, "functions", functions(husk.Must(trace.Of(inner)))[:14], "tests.makeNode")
	stats := husk.Must(snapshot(t, h).Statistics(trace.ByFunction))
	for _, row := range stats.Rows {
		if !strings.Contains(row.Function, "tests.TestBirthsInHooks") && !strings.Contains(row.Function, "tests.makeNode") {
			t.Error(row)
		}
	}
}

// From the start of the heap, by the environment.
func TestTraceByEnvironment(t *testing.T) {
	t.Setenv("HUSK_TRACE", "3")
	h := newHeap(t)
	same(t, "on", trace.On(h.Heap), true)
	undo := trace.Tag(h.Heap, "first")
	n, _ := makeNode(h.Heap)
	undo()
	same(t, "functions", functions(husk.Must(trace.Of(n))), "tests.makeNode tests.TestTraceByEnvironment testing.tRunner")
	tags := husk.Must(snapshot(t, h).Statistics(trace.ByTag, trace.Filter{Type: "Node"}))
	same(t, "tags", tags.Rows[0].Name, "first")
	ok(t, trace.Stop(h.Heap))
	ok(t, trace.Start(h.Heap, trace.Options{Frames: 1}))
	n, _ = makeNode(h.Heap)
	same(t, "functions", functions(husk.Must(trace.Of(n))), "tests.makeNode")

	t.Setenv("HUSK_TRACE", "many")
	_, err := husk.New()
	wants(t, err, husk.ErrInvalid, "HUSK_TRACE=many")
}

// Numbers of frames end with the last tracing of the process, and begin anew.
func TestTracingAgain(t *testing.T) {
	h := newHeap(t)
	for i := 0; i < 3; i++ {
		other := newHeap(t)
		ok(t, trace.Start(h.Heap, trace.Options{Frames: 2}))
		if i == 1 { // other places come first
			ok(t, trace.Start(other.Heap))
			nested(3, func() { makeNode(other.Heap) })
		}
		n, at := makeNode(h.Heap)
		of := husk.Must(trace.Of(n))
		same(t, "functions", functions(of), "tests.makeNode tests.TestTracingAgain")
		same(t, "line", of.Frames[0].Line, at)
		ok(t, trace.Stop(h.Heap))
	}
}

// ---- tags, domains, marks ----

func countsOf(t testing.TB, h *fixture, by trace.By, options ...trace.Option) map[string]int64 {
	t.Helper()
	counts := map[string]int64{}
	for _, row := range husk.Must(snapshot(t, h).Statistics(by, append(options, trace.Filter{Type: "Node"})...)).Rows {
		counts[row.Name] += row.Count
	}
	return counts
}

func TestTags(t *testing.T) {
	h := newHeap(t)
	l := husk.Must(h.List())
	add := func() { ok(t, l.Append(husk.Must(h.New(Node)))) }
	trace.Tag(h.Heap, "nothing is traced")()
	ok(t, trace.Start(h.Heap))
	add()
	endLoad := trace.Tag(h.Heap, "load")
	add()
	func() {
		defer trace.Tag(h.Heap, "parse")()
		defer trace.Domain(h.Heap, "net")()
		add()
		add()
	}()
	add()
	endFirst, endSecond := trace.Tag(h.Heap, "first"), trace.Tag(h.Heap, "second")
	endFirst() // not the innermost
	add()
	endSecond()
	endSecond()
	endLoad()
	add()
	pprof.Do(context.Background(), pprof.Labels("user", "kim"), func(ctx context.Context) {
		trace.Do(ctx, h.Heap, pprof.Labels("part", "save"), func(ctx context.Context) {
			value, _ := pprof.Label(ctx, "part")
			same(t, "label", value, "save")
			add()
		})
	})
	same(t, "tags", fmt.Sprint(countsOf(t, h, trace.ByTag)), "map[:2 load:2 parse:2 part=save,user=kim:1 second:1]")
	same(t, "domains", fmt.Sprint(countsOf(t, h, trace.ByDomain)), "map[:6 net:2]")
	same(t, "filter", fmt.Sprint(countsOf(t, h, trace.ByTag, trace.Filter{Domain: "net"}, trace.And)), "map[parse:2]")
	same(t, "filter", fmt.Sprint(countsOf(t, h, trace.ByTag, trace.Filter{NoDomain: true, Tag: "[ps]*"}, trace.And)),
		"map[part=save,user=kim:1 second:1]")

	trace.Tag(h.Heap, "a\x00b")()
	reports := h.taken()
	if len(reports) != 1 {
		t.Fatal(reports)
	}
	wants(t, reports[0], husk.ErrInvalid, "NUL")
}

// Tags are those of the goroutine, whoever else is at work in the same heap.
func TestTagsOfGoroutines(t *testing.T) {
	h := traced(t, 1)
	l := husk.Must(h.List())
	const goroutines, each = 8, 200
	var group sync.WaitGroup
	for g := 0; g < goroutines; g++ {
		group.Add(1)
		go func(g int) {
			defer group.Done()
			add := func() {
				n := husk.Must(h.New(Node))
				ok(t, l.Append(n))
				ok(t, n.Release())
			}
			for i := 0; i < each; i++ {
				func() {
					defer trace.Tag(h.Heap, fmt.Sprint("tag ", g))()
					add()
					runtime.Gosched()
					defer trace.Domain(h.Heap, fmt.Sprint("domain ", g%2))()
					add()
				}()
				add()
			}
		}(g)
	}
	group.Wait()
	counts := countsOf(t, h, trace.ByTag)
	same(t, "tags", len(counts), goroutines+1)
	for tag, count := range counts {
		want := int64(2 * each)
		if tag == "" {
			want = goroutines * each
		}
		same(t, tag, count, want)
	}
	same(t, "domains", fmt.Sprint(countsOf(t, h, trace.ByDomain)),
		fmt.Sprintf("map[:%d domain 0:%d domain 1:%d]", 2*goroutines*each, each*goroutines/2, each*goroutines/2))
}

// In a process of its own: each of its threads keeps a little memory for the next tracing.
func TestBlocks(t *testing.T) {
	if os.Getenv("HUSK_TEST_BLOCKS") == "" {
		command := exec.Command(os.Args[0], "-test.run=^TestBlocks$")
		command.Env = append(os.Environ(), "HUSK_TEST_BLOCKS=1")
		if output, err := command.CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, output)
		}
		return
	}
	wants(t, trace.Block(1, 0x1000, 10), husk.ErrState, "trace.Block")
	wants(t, trace.Unblock(1, 0x1000), husk.ErrState, "trace.Unblock")
	same(t, "usage", trace.BlockFigures(), trace.Usage{})
	wants(t, trace.StartBlocks(trace.Options{Frames: -1}), husk.ErrRange, "trace.StartBlocks")
	ok(t, trace.StartBlocks())
	defer trace.StopBlocks()
	wants(t, trace.StartBlocks(), husk.ErrState)
	same(t, "on", trace.BlocksOn(), true)
	var group sync.WaitGroup
	for g := uintptr(0); g < 4; g++ {
		group.Add(1)
		go func(g uintptr) {
			defer group.Done()
			for i := uintptr(1); i <= 1000; i++ {
				ok(t, trace.Block(uint32(g), i*64, 32))
				if i%2 == 0 {
					ok(t, trace.Unblock(uint32(g), i*64))
				}
			}
		}(g)
	}
	group.Wait()
	ok(t, trace.Block(0, 64, 64)) // replaces
	ok(t, trace.Unblock(0, 12345))
	same(t, "count", trace.BlockFigures().Count, 2000)
	same(t, "bytes", trace.BlockFigures().Bytes, 2000*32+32)
	s := snapshot(t, newHeap(t))
	same(t, "blocks", s.Counts().Blocks, 2000)
	stats := husk.Must(s.Statistics(trace.ByDomain, trace.Filter{Kind: trace.KindBlock}))
	same(t, "domains", len(stats.Rows), 4)
	same(t, "domain", stats.Rows[0].Name, "0")
	same(t, "size", stats.Rows[0].Size, 500*32+32)
	without := husk.Must(trace.Take(newHeap(t).Heap, trace.SnapshotOptions{NoBlocks: true}))
	same(t, "blocks", without.Counts().Blocks, 0)
	ok(t, without.Close())
	trace.StopBlocks()
	same(t, "on", trace.BlocksOn(), false)
}

// A recursion of more frames than are looked at.
func TestDeepRecursion(t *testing.T) {
	for _, frames := range []int{2, 2000} {
		h := traced(t, frames)
		l := husk.Must(h.List())
		nested(1500, func() {
			for i := 0; i < 20; i++ {
				ok(t, l.Append(husk.Must(h.New(Node))))
			}
		})
		stats := husk.Must(snapshot(t, h).Statistics(trace.ByTraceback, trace.Filter{Type: "Node"}))
		same(t, "rows", len(stats.Rows), 1)
		of := stats.Rows[0].Traceback
		if want := map[int]int{2: 2, 2000: 1503}[frames]; len(of.Frames) != want || of.Total != 0 {
			t.Errorf("%d frames of %d", len(of.Frames), of.Total)
		}
	}
}

func TestMarks(t *testing.T) {
	h := newHeap(t)
	wants(t, trace.Mark(h.Heap, "early"), husk.ErrState, "trace.Mark")
	ok(t, trace.Start(h.Heap))
	wants(t, trace.Mark(h.Heap, ""), husk.ErrInvalid)
	wants(t, trace.Mark(h.Heap, "a\x00"), husk.ErrInvalid, "NUL")
	a := husk.Must(h.New(Node))
	ok(t, trace.Mark(h.Heap, "half"))
	b := husk.Must(h.New(Node))
	ok(t, husk.Must(h.New(Node)).Release())
	s := snapshot(t, h)
	same(t, "since", husk.Must(s.Statistics(trace.ByType, trace.Filter{Since: "half"})).Total.Count, 1)
	_, err := s.Statistics(trace.ByType, trace.Filter{Since: "never"})
	wants(t, err, husk.ErrMissing, "never")
	runtime.KeepAlive([]any{a, b})
}

// ---- hostile ----

func TestTraceOfWhatIsGone(t *testing.T) {
	var none *husk.Heap
	h := traced(t, 1)
	n := husk.Must(h.New(Node))
	end := trace.Tag(h.Heap, "x")
	ok(t, h.Close())
	end()
	trace.Tag(h.Heap, "x")()
	trace.Tag(none, "x")()
	for _, heap := range []*husk.Heap{h.Heap, none} {
		want := error(husk.ErrClosed)
		if heap == nil {
			want = husk.ErrInvalid
		}
		_, err := trace.Take(heap)
		wants(t, err, want)
		_, err = trace.Fork(heap, "x")
		wants(t, err, want)
		_, err = trace.Figures(heap)
		wants(t, err, want)
		_, err = trace.Limit(heap)
		wants(t, err, want)
		for _, err := range []error{trace.Start(heap), trace.Stop(heap), trace.Clear(heap), trace.ResetPeak(heap),
			trace.Mark(heap, "x")} {
			wants(t, err, want, "trace.")
		}
		same(t, "on", trace.On(heap), false)
	}
	_, err := trace.Of(n)
	wants(t, err, husk.ErrClosed)
	_, err = trace.Of(nil)
	wants(t, err, husk.ErrInvalid)
	_, err = trace.Of((*husk.List)(nil))
	wants(t, err, husk.ErrInvalid)
}

// Tracing is started, stopped, asked and cleared while others make things.
func TestTraceMeanwhile(t *testing.T) {
	h := newHeap(t)
	stop := make(chan struct{})
	var group sync.WaitGroup
	for g := 0; g < 4; g++ {
		group.Add(1)
		go func() {
			defer group.Done()
			for {
				select {
				case <-stop:
					return
				default:
				}
				s := h.NewScope()
				end := trace.Tag(h.Heap, "busy")
				n := husk.Must(s.New(Node, "text"))
				ok(t, husk.Must(s.List(n)).Append(1, 2, "x"))
				_, err := trace.Of(n)
				ok(t, err)
				end()
				ok(t, s.Close())
			}
		}()
	}
	for i := 0; i < 60; i++ {
		ok(t, trace.Start(h.Heap, trace.Options{Frames: 1 + i%20, SampleBytes: uint64(i%2) * 64}))
		ok(t, trace.Clear(h.Heap))
		s := snapshot(t, h)
		_, err := s.Statistics(trace.ByTraceback)
		ok(t, err)
		ok(t, h.Verify())
		ok(t, trace.Stop(h.Heap))
	}
	close(stop)
	group.Wait()
}

func TestTakeInHook(t *testing.T) {
	h := traced(t, 1)
	var taken, forked error
	typ := finalized(t, func(*husk.Record) {
		_, taken = trace.Take(h.Heap)
		var child *trace.Child
		if child, forked = trace.Fork(h.Heap, filepath.Join(t.TempDir(), "x.husk")); forked == nil {
			forked = child.Wait()
		}
	})
	ok(t, husk.Must(h.New(typ)).Release())
	wants(t, taken, husk.ErrBusy)
	wants(t, forked, husk.ErrBusy)
}

// More stacks than are remembered.
func TestManyStacks(t *testing.T) {
	if os.Getenv("HUSK_TEST_SMALL") != "" || testing.Short() {
		t.Skip("70000 stacks")
	}
	h := traced(t, 2)
	l := husk.Must(h.List())
	turns := make([]byte, 17)
	for i := 0; i < 70000; i++ {
		for bit := range turns {
			turns[bit] = byte(i >> bit & 1)
		}
		turn(turns, func() {
			n, _ := makeNode(h.Heap)
			if i%1000 == 0 {
				ok(t, l.Append(n))
			}
			ok(t, n.Release())
		})
	}
	stats := husk.Must(snapshot(t, h).Statistics(trace.ByFunction, trace.Filter{Type: "Node"}))
	same(t, "rows", len(stats.Rows), 1)
	same(t, "count", stats.Total.Count, 70)
}

//go:noinline
func turn(turns []byte, fn func()) {
	switch {
	case len(turns) == 0:
		fn()
	case turns[0] == 0:
		turn(turns[1:], fn)
	default:
		turn(turns[1:], fn)
	}
}
