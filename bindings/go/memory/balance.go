package memory

// #include <stdlib.h>
// #include "host.h"
import "C"

import (
	"runtime"
	"runtime/metrics"
	"sort"
	"sync"
	"time"
	"unsafe"

	"husk.example/husk"
	"husk.example/husk/internal/call"
	"husk.example/husk/internal/door"
)

// A Verdict says what a balance sheet means.
type Verdict int

// The verdicts.
const (
	Fine          Verdict = C.HUSK_VERDICT_FINE
	Leak          Verdict = C.HUSK_VERDICT_LEAK          // live objects have grown since the sheet before: somebody holds them
	Retention     Verdict = C.HUSK_VERDICT_RETENTION     // free memory is kept that could go back
	Fragmentation Verdict = C.HUSK_VERDICT_FRAGMENTATION // pages are held by few objects each: trimming cannot help
)

// String returns "fine", "leak", "retention" or "fragmentation".
func (v Verdict) String() string {
	if name := C.husk_verdict_name(C.husk_verdict(v)); name != nil {
		return C.GoString(name)
	}
	return "unknown"
}

// A Row of a balance sheet.
type Row struct {
	Group, Name string
	Bytes       int64  // resident: all rows together are the resident memory
	Counted     uint64 // what its owner counts, resident or not
	Shared      uint64 // of Bytes: in pages that other processes have too
	Swapped     uint64
	Note        string
}

// A Sheet says where the memory of a process is, from live objects to what is unknown: its rows add up to what is resident.
type Sheet struct {
	Rows     []Row
	Verdict  Verdict
	Evidence string // the numbers behind it, in a line
	RSS      uint64 // the sum of the rows

	Live, Objects             uint64        // live objects and buffers: their bytes, and how many objects
	LiveBefore, ObjectsBefore uint64        // the same, of the sheet before
	Since                     time.Duration // then
	HeldFree                  uint64        // resident and free
	Pages, PagesSparse        uint64        // of the heaps, 64 KiB each; with less than a quarter alive
	SparseFree                uint64        // bytes free in those

	// What Go's runtime has had of the system and not given back, resident or not: part of the row "other anonymous".
	GoRuntime uint64

	// With BalanceOptions.Trim.
	Trimmed       bool
	TrimmedHeaps  uint64 // what the heaps gave back
	TrimmedNative uint64 // by how much resident memory fell when the C library's allocator was asked
	RSSTrimmed    uint64 // resident afterwards

	text string
	mu   sync.Mutex
	c    *C.husk_balance // for the next sheet
}

// BalanceOptions of BalanceWith. The zero value is fine.
type BalanceOptions struct {
	Trim   bool   // afterwards give back what can be, and tell how much it was
	PID    int    // another process, of which the system's rows are known; no heaps then
	Before *Sheet // an earlier sheet of the same heaps: growth since then tells a leak
}

// Balance makes a balance sheet of this process and its heaps. Go's own heap, and the stacks of goroutines, are in the row
// of anonymous memory. ErrBusy: a finalizer or callback of a heap runs.
func Balance(heaps ...*husk.Heap) (*Sheet, error) { return BalanceWith(BalanceOptions{}, heaps...) }

// BalanceWith is Balance with options.
func BalanceWith(o BalanceOptions, heaps ...*husk.Heap) (*Sheet, error) {
	const op = "memory.Balance"
	heaps = append([]*husk.Heap(nil), heaps...)
	for i, h := range heaps {
		if h == nil {
			return nil, call.Fail(op, call.Invalid, "heap %d is nil", i)
		}
	}
	sort.Slice(heaps, func(i, j int) bool { return door.Order(heaps[i]) < door.Order(heaps[j]) })
	all := make([]*C.husk_heap, 0, len(heaps)+1)
	for i, h := range heaps {
		if i > 0 && h == heaps[i-1] {
			return nil, call.Fail(op, call.Invalid, "heap '%s' is there twice", h.Name())
		}
		c, err := door.Lock(h, op)
		if err != nil {
			return nil, err
		}
		defer door.Unlock(h)
		all = append(all, (*C.husk_heap)(c))
	}
	var flags C.uint32_t
	if o.Trim {
		flags |= C.HUSK_BALANCE_TRIM
	}
	var before, c *C.husk_balance
	if o.Before != nil {
		o.Before.mu.Lock()
		defer o.Before.mu.Unlock()
		if before = o.Before.c; before == nil {
			return nil, call.Fail(op, C.HUSK_ESTATE, "the sheet before is closed")
		}
	}
	err := try(op, func() C.husk_status {
		return C.husk_go_balance(&append(all, nil)[0], C.size_t(len(all)), flags, C.int64_t(o.PID), before, &c)
	})
	if err != nil {
		return nil, err
	}
	s := sheetOf(c)
	if o.PID == 0 {
		s.GoRuntime = goRuntime()
	}
	return s, nil
}

func goRuntime() uint64 {
	some := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(some)
	return some[0].Value.Uint64() - some[1].Value.Uint64()
}

func sheetOf(c *C.husk_balance) *Sheet {
	var sum C.husk_balance_sum
	C.husk_balance_sum_get(c, &sum)
	s := &Sheet{
		Verdict: Verdict(sum.verdict), Evidence: C.GoString(sum.evidence), RSS: uint64(sum.rss), Live: uint64(sum.live),
		Objects: uint64(sum.objects), LiveBefore: uint64(sum.live_before), ObjectsBefore: uint64(sum.objects_before),
		Since: time.Duration(sum.milliseconds) * time.Millisecond, HeldFree: uint64(sum.held_free), Pages: uint64(sum.pages),
		PagesSparse: uint64(sum.pages_sparse), SparseFree: uint64(sum.sparse_free), Trimmed: bool(sum.trimmed),
		TrimmedHeaps: uint64(sum.trimmed_heaps), TrimmedNative: uint64(sum.trimmed_native),
		RSSTrimmed: uint64(sum.rss_trimmed), c: c,
	}
	var row C.husk_balance_row
	for i := C.size_t(0); bool(C.husk_balance_row_at(c, i, &row)); i++ {
		s.Rows = append(s.Rows, Row{
			C.GoString(row.group), C.GoString(row.name), int64(row.bytes), uint64(row.counted), uint64(row.shared),
			uint64(row.swapped), C.GoString(row.note),
		})
	}
	s.text = call.Text(func(to unsafe.Pointer, room int) int {
		return int(C.husk_balance_text(c, (*C.char)(to), C.size_t(room)))
	})
	runtime.SetFinalizer(s, func(s *Sheet) { s.Close() })
	return s
}

// String returns the sheet as a table, with verdict and evidence below it.
func (s *Sheet) String() string { return s.text }

// Close ends what a next sheet needs of this one; the rows stay. A sheet that is forgotten needs no Close.
func (s *Sheet) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	runtime.SetFinalizer(s, nil)
	C.husk_balance_free(s.c)
	s.c = nil
	return nil
}

// ---- by size class and by type ----

// A Class is a size class of a heap.
type Class struct {
	BlockBytes int  // 0: large objects
	Tracked    bool // of objects that can hold references
	Pages      int  // of 64 KiB
	Used       int  // blocks with an object
	Free       int  // blocks that were freed and are kept
	Untouched  int  // blocks that no object has been in yet
	UsedBytes  uint64
	AskedBytes uint64 // of UsedBytes, what the types asked for: the rest is slack
	HeldBytes  uint64 // of the pages
}

// Classes returns the size classes of a heap, those without pages left out. It looks at all objects.
func Classes(h *husk.Heap) ([]Class, error) {
	var all []Class
	err := with(h, "memory.Classes", func(heap *C.husk_heap) C.husk_status {
		var one C.husk_class
		for i := C.size_t(0); bool(C.husk_heap_class_get(heap, i, &one)); i++ {
			if one.pages == 0 && one.used == 0 {
				continue
			}
			all = append(all, Class{
				int(one.block_bytes), bool(one.tracked), int(one.pages), int(one.used), int(one.free), int(one.untouched),
				uint64(one.used_bytes), uint64(one.asked_bytes), uint64(one.held_bytes),
			})
		}
		return 0
	})
	return all, err
}

// ClassesText returns the classes as a table with their sums.
func ClassesText(h *husk.Heap) (text string, err error) {
	err = with(h, "memory.ClassesText", func(heap *C.husk_heap) C.husk_status {
		text = call.Text(func(to unsafe.Pointer, room int) int {
			return int(C.husk_heap_classes_text(heap, (*C.char)(to), C.size_t(room)))
		})
		return 0
	})
	return text, err
}

// A TypeUse says how much the live objects of a type take.
type TypeUse struct {
	Name  string
	Count int
	Bytes uint64 // of their blocks
}

// Types returns the types with live objects, in the order in which they were made. It looks at all objects.
func Types(h *husk.Heap) ([]TypeUse, error) {
	var found C.husk_go_types
	defer func() { C.free(unsafe.Pointer(found.rows)) }()
	err := with(h, "memory.Types", func(heap *C.husk_heap) C.husk_status { return C.husk_go_types_of(heap, &found) })
	if err != nil {
		return nil, err
	}
	all := make([]TypeUse, 0, int(found.count))
	for _, one := range unsafe.Slice(found.rows, int(found.count)) {
		all = append(all, TypeUse{C.GoString(one.name), int(one.count), uint64(one.bytes)})
	}
	return all, nil
}

func with(h *husk.Heap, op string, do func(*C.husk_heap) C.husk_status) error {
	heap, err := door.Lock(h, op)
	if err != nil {
		return err
	}
	defer door.Unlock(h)
	return door.Failure(h, op, int(do((*C.husk_heap)(heap))))
}
