package husk

// #include <husk.h>
import "C"

import (
	"fmt"
	"time"
)

// A Mode says how a pass looked for garbage.
type Mode int

// The modes.
const (
	Full  Mode = C.HUSK_FULL  // all objects, at once
	Young Mode = C.HUSK_YOUNG // pages that served recent births
	Step  Mode = C.HUSK_STEP  // all objects, in slices

	AnyMode Mode = C.HUSK_MODES // all modes together, where pauses are asked for
)

// String returns "full", "young", "step" or "any".
func (m Mode) String() string {
	if m == AnyMode {
		return "any"
	}
	if m < 0 || m > AnyMode {
		return fmt.Sprintf("Mode(%d)", int(m))
	}
	return C.GoString(C.husk_mode_name(C.husk_mode(m)))
}

// Freed objects of one type.
type Freed struct {
	Type    string // "" in PassRecord.Rest
	Objects uint64
	Bytes   uint64 // of blocks
}

// PassTimes is the time of a pass, part by part.
type PassTimes struct {
	Clear, Subtract, Seed, Mark, Gather   time.Duration // the search
	Finalize, Confirm, Reclaim, Callbacks time.Duration
}

// A PassRecord is what one pass did and why. Candidates is the sum of Freed, Saved, Resurrected, Deferred, Held and
// Reached; Freed and FreedBytes are the sums of ByType and Rest; Pause is the sum of Times.
type PassRecord struct {
	Number  uint64 // 1: the heap's first pass
	Reason  Reason
	Mode    Mode
	Corrupt bool // the heap is damaged; nothing was freed
	Quiet   bool // inside an allocation: no user code ran
	Threads int  // that searched together: SetParallel

	Start time.Duration // on the system's monotonic clock
	Pause time.Duration // how long the program waited
	Times PassTimes

	Candidates  uint64 // objects looked at
	Freed       uint64 // of these, ended
	FreedBytes  uint64 // their blocks
	Finalized   uint64 // finalizers run
	WeakCleared uint64

	Held        uint64 // survived: held from outside, or by frozen objects
	Reached     uint64 // from those
	Resurrected uint64 // garbage that finalizers brought back, and what that reaches
	Deferred    uint64 // garbage that waits for a safe point
	Saved       uint64 // garbage kept on the list of SetSaveAll
	Frozen      uint64 // no candidates: set aside by Freeze

	ObjectsBefore, BytesBefore uint64 // the whole heap, with what waits to die
	ObjectsAfter, BytesAfter   uint64

	ByType []Freed // most bytes first, some types
	Rest   Freed   // all others together
	Line   string  // the record as HUSK_GCTRACE prints it
}

// String returns the record as HUSK_GCTRACE prints it.
func (r PassRecord) String() string { return r.Line }

// timesOf: ns is an array of HUSK_PARTS.
func timesOf(ns *[C.HUSK_PARTS]C.uint64_t) PassTimes {
	part := func(p C.husk_part) time.Duration { return time.Duration(ns[p]) }
	return PassTimes{
		Clear: part(C.HUSK_PART_CLEAR), Subtract: part(C.HUSK_PART_SUBTRACT), Seed: part(C.HUSK_PART_SEED),
		Mark: part(C.HUSK_PART_MARK), Gather: part(C.HUSK_PART_GATHER), Finalize: part(C.HUSK_PART_FINALIZE),
		Confirm: part(C.HUSK_PART_CONFIRM), Reclaim: part(C.HUSK_PART_RECLAIM), Callbacks: part(C.HUSK_PART_CALLBACKS),
	}
}

// recordOf leaves the line out; name says what the type of entry i of by_type is called.
func recordOf(r *C.husk_pass_record, name func(i int) string) PassRecord {
	out := PassRecord{
		Number: uint64(r.number), Reason: Reason(r.reason), Mode: Mode(r.mode), Corrupt: r.status != C.HUSK_OK,
		Quiet: bool(r.quiet), Threads: int(r.threads), Start: time.Duration(r.start_ns), Pause: time.Duration(r.pause_ns), Times: timesOf(&r.ns),
		Candidates: uint64(r.candidates), Freed: uint64(r.freed), FreedBytes: uint64(r.freed_bytes),
		Finalized: uint64(r.finalized), WeakCleared: uint64(r.weak_cleared), Held: uint64(r.held),
		Reached: uint64(r.reached), Resurrected: uint64(r.resurrected), Deferred: uint64(r.deferred),
		Saved: uint64(r.saved), Frozen: uint64(r.frozen), ObjectsBefore: uint64(r.objects_before),
		BytesBefore: uint64(r.bytes_before), ObjectsAfter: uint64(r.objects_after), BytesAfter: uint64(r.bytes_after),
		Rest: Freed{"", uint64(r.rest.objects), uint64(r.rest.bytes)},
	}
	for i := 0; i < int(r.types); i++ {
		one := &r.by_type[i]
		out.ByType = append(out.ByType, Freed{name(i), uint64(one.objects), uint64(one.bytes)})
	}
	return out
}

func passRecordOf(heap *C.husk_heap, r *C.husk_pass_record) PassRecord {
	out := recordOf(r, func(i int) string { return C.GoString(C.husk_type_name(r.by_type[i]._type)) })
	var line [4096]C.char
	C.husk_pass_line(heap, r, &line[0], C.size_t(len(line)))
	out.Line = C.GoString(&line[0])
	return out
}

// PassRecords returns the records of the latest passes, the oldest first: as many as the heap keeps, which is 64.
func (h *Heap) PassRecords() ([]PassRecord, error) {
	if err := h.enter("Heap.PassRecords"); err != nil {
		return nil, err
	}
	defer h.leave()
	var all []PassRecord
	last := uint64(C.husk_heap_pass_count(h.c.heap))
	first := uint64(1)
	if last > C.HUSK_RECORDS {
		first = last - C.HUSK_RECORDS + 1
	}
	for n := first; n <= last; n++ {
		var r C.husk_pass_record
		if C.husk_heap_pass_record(h.c.heap, C.uint64_t(n), &r) == C.HUSK_OK {
			all = append(all, passRecordOf(h.c.heap, &r))
		}
	}
	return all, nil
}

// PassRecord returns the record of one pass, by Pass.Number. ErrMissing: it is too old, or has not ended.
func (h *Heap) PassRecord(number uint64) (PassRecord, error) {
	const op = "Heap.PassRecord"
	if err := h.enter(op); err != nil {
		return PassRecord{}, err
	}
	defer h.leave()
	var r C.husk_pass_record
	if C.husk_heap_pass_record(h.c.heap, C.uint64_t(number), &r) != C.HUSK_OK {
		return PassRecord{}, errorf(op, ErrMissing, "heap '%s' has no record of pass %d: its latest is %d, %d are kept", h.name,
			number, uint64(C.husk_heap_pass_count(h.c.heap)), int(C.HUSK_RECORDS))
	}
	return passRecordOf(h.c.heap, &r), nil
}

// Pauses are the waits for passes of one mode. A percentile is never too short, and at most 1/16 too long.
type Pauses struct {
	Count                uint64
	Total, Max           time.Duration
	P50, P90, P99, P99_9 time.Duration
}

// Pauses returns them; AnyMode: of all modes together. ErrRange: no such mode.
func (h *Heap) Pauses(mode Mode) (Pauses, error) {
	const op = "Heap.Pauses"
	if err := h.enter(op); err != nil {
		return Pauses{}, err
	}
	defer h.leave()
	var p C.husk_pauses
	if mode < 0 || mode > AnyMode {
		return Pauses{}, errorf(op, ErrRange, "there is no mode %d of passes", int(mode))
	}
	C.husk_heap_pauses(h.c.heap, C.husk_mode(mode), &p)
	return pausesOf(&p), nil
}

func pausesOf(p *C.husk_pauses) Pauses {
	return Pauses{
		uint64(p.count), time.Duration(p.total_ns), time.Duration(p.max_ns), time.Duration(p.p50_ns),
		time.Duration(p.p90_ns), time.Duration(p.p99_ns), time.Duration(p.p999_ns),
	}
}

// Percentile returns the pause that so many percent of all do not exceed. ErrRange: mode, or percent is not above 0
// and at most 100.
func (h *Heap) Percentile(mode Mode, percent float64) (time.Duration, error) {
	const op = "Heap.Percentile"
	if err := h.enter(op); err != nil {
		return 0, err
	}
	defer h.leave()
	if mode < 0 || mode > AnyMode {
		return 0, errorf(op, ErrRange, "there is no mode %d of passes", int(mode))
	}
	var ns C.uint64_t
	if C.husk_heap_pause_percentile(h.c.heap, C.husk_mode(mode), C.double(percent), &ns) != C.HUSK_OK {
		return 0, errorf(op, ErrRange, "percentile %g of pauses: more than 0, at most 100", percent)
	}
	return time.Duration(ns), nil
}

// A PauseBucket counts pauses from Low to High, both included.
type PauseBucket struct {
	Low, High time.Duration
	Count     uint64
}

// PauseHistogram returns the buckets that are not empty, the shortest pauses first. ErrRange: no such mode.
func (h *Heap) PauseHistogram(mode Mode) ([]PauseBucket, error) {
	const op = "Heap.PauseHistogram"
	if err := h.enter(op); err != nil {
		return nil, err
	}
	defer h.leave()
	if mode < 0 || mode > AnyMode {
		return nil, errorf(op, ErrRange, "there is no mode %d of passes", int(mode))
	}
	var all []PauseBucket
	for b := C.size_t(0); b < C.HUSK_PAUSE_BUCKETS; b++ {
		n := C.husk_heap_pause_count(h.c.heap, C.husk_mode(mode), b)
		if n == 0 {
			continue
		}
		var low, high C.uint64_t
		C.husk_pause_bucket(b, &low, &high)
		if high > 1<<63-1 {
			high = 1<<63 - 1
		}
		all = append(all, PauseBucket{time.Duration(low), time.Duration(high), uint64(n)})
	}
	return all, nil
}
