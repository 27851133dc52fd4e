package husk

// #include "host.h"
import "C"

import (
	"math"
	"strings"
	"sync"
	"time"
	"unsafe"
)

// holders are the texts given to Disable and BeginNoGC: C keeps the pointers, so each is kept as long as the process.
var holders = struct {
	mu  sync.Mutex
	all map[string]*C.char
}{all: map[string]*C.char{}}

func keepHolder(op, holder string) (*C.char, error) {
	if strings.IndexByte(holder, 0) >= 0 {
		return nil, errorf(op, ErrInvalid, "the name %q contains a NUL", holder)
	}
	holders.mu.Lock()
	defer holders.mu.Unlock()
	text := holders.all[holder]
	if text == nil {
		text = C.CString(holder)
		holders.all[holder] = text
	}
	return text, nil
}

func holderOf(text *C.char) string {
	if text == nil {
		return ""
	}
	return C.GoString(text)
}

// PacingState says how passes are paced now, and why.
type PacingState struct {
	Factor            float64       // in force
	Why               string        // "set", "yield" or "time": why it is what it is
	AtMost            bool          // it is FactorMax
	TimeKept          bool          // TimeShare is within its goal, a tenth
	TimeShare         float64       // of the time, over the last automatic passes
	Timed             int           // how many passes these are
	Yield             float64       // of the last pass: collected / examined
	ObjectNs          float64       // what a pass costs for each object it looks at
	Last              time.Duration // of the last pass, hooks included
	Automatic         uint64        // passes that growth or the soft limit started
	AutomaticExamined uint64        // objects that they looked at
}

// PacingState returns it.
func (h *Heap) PacingState() (PacingState, error) {
	if err := h.enter("Heap.PacingState"); err != nil {
		return PacingState{}, err
	}
	var s C.husk_pacing_state
	C.husk_heap_pacing_state(h.c.heap, &s)
	h.leave()
	return PacingState{
		Factor: float64(s.factor), Why: C.GoString(C.husk_factor_why_name(s.why)), AtMost: bool(s.at_most),
		TimeKept: bool(s.time_kept), TimeShare: float64(s.time_share), Timed: int(s.timed), Yield: float64(s.yield),
		ObjectNs: float64(s.object_ns), Last: time.Duration(s.last_ns), Automatic: uint64(s.automatic),
		AutomaticExamined: uint64(s.automatic_examined),
	}, nil
}

// A Bound says what a heap does not grow past without a pass over all of it. math.MaxUint64: not bounded.
type Bound struct {
	Objects, Bytes               uint64
	GarbageObjects, GarbageBytes uint64 // what may be uncollected garbage now, at most
	NewObjects                   uint64 // of these, the growth since the last pass
	DeferredObjects              uint64 // garbage that waits for a safe point
	Kept                         bool   // the bound holds now
	Why                          string // "kept", "disabled", "region", "unpaced", "hook", "save all", "corrupt"
	Holder                       string // who holds passes off
}

// Bound returns it.
func (h *Heap) Bound() (Bound, error) {
	if err := h.enter("Heap.Bound"); err != nil {
		return Bound{}, err
	}
	var b C.husk_bound
	C.husk_heap_bound(h.c.heap, &b)
	bound := Bound{
		size64(uintptr(b.objects)), size64(uintptr(b.bytes)), uint64(b.garbage_objects), uint64(b.garbage_bytes),
		uint64(b.new_objects), uint64(b.deferred_objects), bool(b.kept), C.GoString(C.husk_bound_why_name(b.why)),
		holderOf(b.holder),
	}
	h.leave()
	return bound, nil
}

// SetSoftLimit sets a limit on BytesTaken that fails no allocation: when it is reached pages go back and a pass runs,
// which takes at most half of the time. 1 MiB or more; 0: none. ErrRange: anything else, and nothing changes.
func (h *Heap) SetSoftLimit(n uint64) error {
	const op = "Heap.SetSoftLimit"
	if uint64(uintptr(n)) != n {
		return errorf(op, ErrRange, "%d is more than this machine can address", n)
	}
	if err := h.enter(op); err != nil {
		return err
	}
	err := h.failure(op, Code(h.raw.Set_soft_limit(n)))
	h.leave()
	return err
}

// A SoftLimit says how the limit of SetSoftLimit is kept.
type SoftLimit struct {
	Bytes                 uint64 // 0: none
	Exceeded              bool   // now
	HeldBack              bool   // a pass for it waits: passes have taken too much of the time
	MostOver              uint64
	Passes, HeldBackTimes uint64
}

// SoftLimit returns it.
func (h *Heap) SoftLimit() (SoftLimit, error) {
	if err := h.enter("Heap.SoftLimit"); err != nil {
		return SoftLimit{}, err
	}
	var s C.husk_soft_limit
	C.husk_heap_soft_limit(h.c.heap, &s)
	h.leave()
	return SoftLimit{
		uint64(s.bytes), bool(s.exceeded), bool(s.held_back), uint64(s.most_over), uint64(s.passes),
		uint64(s.held_back_times),
	}, nil
}

// A Budget of a region without passes.
type Budget struct {
	Objects, Bytes uint64 // 0: not limited in this measure
	Reserve        bool   // the pages for the bytes are taken now
	Holder         string // who asks
}

// A Region without passes: how it stands, or went.
type Region struct {
	Objects, Bytes           uint64 // the budget
	GrownObjects, GrownBytes uint64 // net growth since its begin
	Active                   bool   // no automatic pass starts
	Kept                     bool   // no pass ran in it, and the budget was enough
	Why                      string // "kept", "budget", "limit", "asked"
	Holder                   string
}

func regionOf(r *C.husk_region) Region {
	return Region{
		uint64(r.objects), uint64(r.bytes), uint64(r.grown_objects), uint64(r.grown_bytes), bool(r.active),
		bool(r.kept), C.GoString(C.husk_region_why_name(r.why)), holderOf(r.holder),
	}
}

// BeginNoGC: no automatic pass until the heap has grown by the budget, or until EndNoGC. ErrState: in a region already;
// ErrRange: no budget, or one out of range; ErrLimit, ErrNoMemory: it could not be reserved.
func (h *Heap) BeginNoGC(b Budget) error {
	const op = "Heap.BeginNoGC"
	for _, n := range []uint64{b.Objects, b.Bytes} {
		if uint64(uintptr(n)) != n {
			return errorf(op, ErrRange, "%d is more than this machine can address", n)
		}
	}
	text, err := keepHolder(op, b.Holder)
	if err != nil {
		return err
	}
	if err := h.enter(op); err != nil {
		return err
	}
	err = h.failure(op, Code(C.husk_heap_no_gc_begin(h.c.heap, C.size_t(b.Objects), C.size_t(b.Bytes),
		C.bool(b.Reserve), text)))
	h.leave()
	return err
}

// EndNoGC ends the region and says how it went. ErrState: there is none.
func (h *Heap) EndNoGC() (Region, error) {
	const op = "Heap.EndNoGC"
	if err := h.enter(op); err != nil {
		return Region{}, err
	}
	var r C.husk_region
	err := h.failure(op, Code(C.husk_heap_no_gc_end(h.c.heap, &r)))
	h.leave()
	if err != nil {
		return Region{}, err
	}
	return regionOf(&r), nil
}

// NoGC returns the region that was begun; false: there is none.
func (h *Heap) NoGC() (Region, bool, error) {
	if err := h.enter("Heap.NoGC"); err != nil {
		return Region{}, false, err
	}
	var r C.husk_region
	begun := bool(C.husk_heap_no_gc(h.c.heap, &r))
	h.leave()
	if !begun {
		return Region{}, false, nil
	}
	return regionOf(&r), true, nil
}

// Idle says what was done in a quiet moment.
type Idle struct {
	Served    bool          // what waited for a safe point
	Passed    bool          // a pass ran, or one in steps ended
	Stepped   bool          // a step of a pass ran; if there is More, the next call goes on with it
	Trimmed   bool          // spare pages went back
	More      bool          // worth calling again
	Expected  time.Duration // of a pass at once
	Collected int
	BytesBack uint64
	Took      time.Duration
}

// Idle does useful work in a quiet moment, for about so long (1 ms to an hour): what waits for a safe point, a pass if
// it is worth one, in steps if it does not fit, spare pages. ErrRange: a budget out of range; ErrBusy in a hook.
func (h *Heap) Idle(budget time.Duration) (Idle, error) {
	const op = "Heap.Idle"
	if budget < 0 {
		return Idle{}, errorf(op, ErrRange, "a budget of %v is not 1ms to 1h", budget)
	}
	if err := h.enter(op); err != nil {
		return Idle{}, err
	}
	h.release(h.handles.takeLost(-1))
	var i C.husk_idle
	err := h.failure(op, Code(C.husk_heap_idle(h.c.heap, C.uint64_t(budget), &i)))
	h.leave()
	return Idle{
		bool(i.served), bool(i.passed), bool(i.stepped), bool(i.trimmed), bool(i.more), duration(uint64(i.expected_ns)),
		int(i.collected), uint64(i.bytes_back), duration(uint64(i.took_ns)),
	}, err
}

func duration(ns uint64) time.Duration {
	if ns > math.MaxInt64 {
		return math.MaxInt64
	}
	return time.Duration(ns)
}

// Stress runs passes at allocations, to find missing references early.
type Stress struct {
	Every uint64 // at each n-th one; 0: off
	Seed  uint64 // not 0: at random ones, every n-th in the mean
}

// SetStress sets it. ErrRange: Every is above 1<<32.
func (h *Heap) SetStress(s Stress) error {
	const op = "Heap.SetStress"
	if err := h.enter(op); err != nil {
		return err
	}
	wanted := C.husk_stress{every: C.uint64_t(s.Every), seed: C.uint64_t(s.Seed)}
	err := h.failure(op, Code(C.husk_heap_set_stress(h.c.heap, (*C.husk_stress)(unsafe.Pointer(&wanted)))))
	h.leave()
	return err
}

// Stress returns it.
func (h *Heap) Stress() (Stress, error) {
	if err := h.enter("Heap.Stress"); err != nil {
		return Stress{}, err
	}
	var s C.husk_stress
	C.husk_heap_get_stress(h.c.heap, &s)
	h.leave()
	return Stress{uint64(s.every), uint64(s.seed)}, nil
}
