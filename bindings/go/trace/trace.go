package trace

// #include "host.h"
import "C"

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"runtime/pprof"
	"sort"
	"strings"
	"time"
	"unsafe"

	"husk.example/husk"
	"husk.example/husk/internal/door"
)

// Sources say which frames a traceback is made of.
type Sources uint32

// They can be combined.
const (
	Go     Sources = C.HUSK_TRACE_LANGUAGE // the goroutine's
	Native Sources = C.HUSK_TRACE_NATIVE   // those of C libraries between the program and the heap
	Given  Sources = C.HUSK_TRACE_GIVEN    // what C code has said of itself (husk_trace_at, husk_trace_push)
)

// Options of Start. The zero value is fine.
type Options struct {
	Frames      int           // most frames of a traceback, 1 to 65535; 0: 1
	SampleBytes uint64        // mean gap between samples; 0: everything is traced. 512 KiB costs next to nothing
	Sources     Sources       // 0: Go and Given; of blocks: Native
	Seed        uint64        // of the samples, for runs that can be repeated; 0: by chance
	Epoch       time.Duration // how finely ages are told; 0: a second
}

// Start begins to note where objects of the heap and their buffers are made. ErrState: it is on already, and nothing
// changes; ErrRange: a number is out of range.
func Start(h *husk.Heap, options ...Options) error {
	const op = "trace.Start"
	c, err := startOptions(op, Go|Given, options)
	if err != nil {
		return err
	}
	return door.Start(h, op, unsafe.Pointer(&c))
}

func startOptions(op string, sources Sources, options []Options) (c C.husk_trace_options, err error) {
	var o Options
	switch len(options) {
	case 0:
	case 1:
		o = options[0]
	default:
		return c, fail(op, husk.ErrInvalid, "%d Options, and at most one is possible", len(options))
	}
	if o.Frames < 0 || o.Frames > C.HUSK_TRACE_MOST_FRAMES {
		return c, fail(op, husk.ErrRange, "%d frames: the number of frames must be 1 to %d", o.Frames, C.HUSK_TRACE_MOST_FRAMES)
	}
	if o.Epoch < 0 || o.Epoch > 0 && o.Epoch < time.Millisecond || o.Epoch.Milliseconds() > math.MaxUint32 {
		return c, fail(op, husk.ErrRange, "an epoch of %v: it must be 1ms or more, and less than 50 days", o.Epoch)
	}
	if uint64(C.size_t(o.SampleBytes)) != o.SampleBytes {
		return c, fail(op, husk.ErrRange, "SampleBytes %d is more than this machine can address", o.SampleBytes)
	}
	if o.Sources == 0 {
		o.Sources = sources
	}
	return C.husk_go_trace_options(C.uint32_t(o.Frames), C.uint32_t(o.Sources), C.size_t(o.SampleBytes), C.uint64_t(o.Seed),
		C.uint32_t(o.Epoch.Milliseconds())), nil
}

// Stop ends tracing and forgets what was noted. May be repeated. It looks at all objects.
func Stop(h *husk.Heap) error { return door.Stop(h, "trace.Stop") }

// Clear forgets what was noted so far.
func Clear(h *husk.Heap) error {
	return with(h, "trace.Clear", func(c *C.husk_heap) C.husk_status {
		C.husk_trace_clear(c)
		return 0
	})
}

// with calls C under the heap's lock.
func with(h *husk.Heap, op string, do func(*C.husk_heap) C.husk_status) error {
	c, err := door.Lock(h, op)
	if err != nil {
		return err
	}
	defer door.Unlock(h)
	return door.Failure(h, op, int(do((*C.husk_heap)(c))))
}

// On reports whether the heap is traced; false for a closed heap.
func On(h *husk.Heap) (on bool) {
	_ = with(h, "trace.On", func(c *C.husk_heap) C.husk_status {
		on = bool(C.husk_trace_is_on(c))
		return 0
	})
	return on
}

// Limit returns the most frames of a traceback: in force, or of the next Start that does not say it.
func Limit(h *husk.Heap) (frames int, err error) {
	err = with(h, "trace.Limit", func(c *C.husk_heap) C.husk_status {
		frames = int(C.husk_trace_limit(c))
		return 0
	})
	return frames, err
}

// Usage is what a heap's tracer has seen. When it samples these are estimates.
type Usage struct {
	Bytes, Count         uint64 // traced and alive
	PeakBytes, PeakCount uint64 // when Bytes was highest since Start or ResetPeak
	BornBytes, Born      uint64 // made since Start or Clear
	Temporary            uint64 // of these, died before the next was made
	Unknown              uint64 // whose place could not be had or kept
	Places               int    // different tracebacks, with their tags and domains
	OwnBytes             uint64 // memory of the tracer itself
	SampleBytes          uint64 // 0: everything is traced
}

// String returns the first of them in one line.
func (u Usage) String() string {
	return fmt.Sprintf("%d bytes in %d traced, %d bytes at the peak, %d places", u.Bytes, u.Count, u.PeakBytes, u.Places)
}

// Figures returns them; all are 0 when tracing is off.
func Figures(h *husk.Heap) (Usage, error) {
	var f C.husk_trace_figures
	err := with(h, "trace.Figures", func(c *C.husk_heap) C.husk_status {
		C.husk_trace_figures_get(c, &f)
		return 0
	})
	return usageOf(&f), err
}

func usageOf(f *C.husk_trace_figures) Usage {
	return Usage{
		Bytes: uint64(f.bytes), Count: uint64(f.count), PeakBytes: uint64(f.peak_bytes), PeakCount: uint64(f.peak_count),
		BornBytes: uint64(f.born_bytes), Born: uint64(f.born), Temporary: uint64(f.temporary), Unknown: uint64(f.unknown),
		Places: int(f.places), OwnBytes: uint64(f.own_bytes), SampleBytes: uint64(f.sample_bytes),
	}
}

// Memory returns how many bytes are traced and alive, and how many were at the peak; 0 when tracing is off.
func Memory(h *husk.Heap) (current, peak uint64, err error) {
	u, err := Figures(h)
	return u.Bytes, u.PeakBytes, err
}

// ResetPeak makes what is alive now the peak.
func ResetPeak(h *husk.Heap) error {
	return with(h, "trace.ResetPeak", func(c *C.husk_heap) C.husk_status {
		C.husk_trace_reset_peak(c)
		return 0
	})
}

// Mark begins a new stretch of time: statistics can tell what was made since and is still alive (Filter.Since). ErrState:
// the heap is not traced.
func Mark(h *husk.Heap, name string) error {
	const op = "trace.Mark"
	text, free, err := cString(op, "the name", name)
	if err != nil {
		return err
	}
	defer free()
	return with(h, op, func(c *C.husk_heap) C.husk_status { return C.husk_trace_mark(c, text) })
}

// ---- tags and domains ----

// Tag gives what this goroutine makes in the heap from now on a tag, until the function that it returns is called:
//
//	defer trace.Tag(heap, "load")()
//
// The innermost tag counts. Other goroutines, those that this one starts and those in which finalizers run included, are
// not touched. On a heap that is not traced it does nothing; what is wrong with a tag is said to the heap's error hook.
func Tag(h *husk.Heap, tag string) (end func()) { return door.Label(h, false, tag) }

// Domain is Tag for domains: which part of the program, or which library, the memory is of.
func Domain(h *husk.Heap, domain string) (end func()) { return door.Label(h, true, domain) }

// Do is pprof.Do for a heap too: it calls fn with the labels of the context and these, and what fn makes in the heap has
// them as its tag: "key=value", with commas between several, in the order of the keys.
func Do(ctx context.Context, h *husk.Heap, labels pprof.LabelSet, fn func(context.Context)) {
	pprof.Do(ctx, labels, func(ctx context.Context) {
		var all []string
		pprof.ForLabels(ctx, func(key, value string) bool {
			all = append(all, key+"="+value)
			return true
		})
		sort.Strings(all)
		defer Tag(h, strings.Join(all, ","))()
		fn(ctx)
	})
}

// ---- tracebacks ----

// A Frame is a place in a program.
type Frame struct {
	File     string // "" if not known
	Line     int    // 0: not known
	Function string // with its package, as in "main.load"
	Module   string // path of the program or library, of native frames in a snapshot
	Address  uint64 // of native frames
}

// String returns "load.go:12", the file as it is.
func (f Frame) String() string {
	switch {
	case f.File != "":
		return fmt.Sprintf("%s:%d", f.File, f.Line)
	case f.Module != "":
		return fmt.Sprintf("%s(%#x)", f.Module, f.Address)
	}
	return fmt.Sprintf("%#x", f.Address)
}

// A Traceback is where something was made, the newest frame first.
type Traceback struct {
	Frames []Frame
	Total  int // how many there were before the limit of Start cut the oldest off; 0: it cut none, or that is not known
}

// String returns the frames as Go prints them, two lines each.
func (t Traceback) String() string {
	var b strings.Builder
	for _, f := range t.Frames {
		fmt.Fprintf(&b, "%s\n\t%s\n", f.Function, f)
	}
	if t.Total > len(t.Frames) {
		fmt.Fprintf(&b, "%d more frames\n", t.Total-len(t.Frames))
	}
	return b.String()
}

// Of returns where an object was made. It has no frames if the object is not traced.
func Of(x husk.Object) (Traceback, error) {
	obj, heap, err := door.LockObj(x, "trace.Of")
	if err != nil {
		return Traceback{}, err
	}
	defer runtime.KeepAlive(x)
	defer door.Unlock(heap)
	var t Traceback
	var one C.husk_place_frame
	for i := C.size_t(0); bool(C.husk_trace_of((*C.husk_obj)(obj), i, &one)); i++ {
		t.Frames = append(t.Frames, Frame{
			File: C.GoString(one.file), Line: int(one.line), Function: C.GoString(one.function), Address: uint64(one.address),
		})
	}
	return t, nil
}
