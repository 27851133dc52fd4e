package husk

// #include "host.h"
import "C"

import (
	"fmt"
	"math"
	"runtime"
	"strings"
	"time"
)

// A CensusRow stands for objects of one type, or of one type and place.
type CensusRow struct {
	Type       string
	Place      string // where they were made; "": not traced, or rows are by type alone
	Objects    int
	Bytes      uint64 // of their blocks
	References uint64 // hidden ones
}

// A CensusObject is one object. It holds no reference: the address may be that of another one later.
type CensusObject struct {
	Address    uint64
	Type       string
	Place      string
	Bytes      uint64
	References int64 // hidden ones
	Follower   bool  // no garbage itself, but only garbage holds it
}

// listOf returns what at gives, up to where there is no more.
func listOf[Given, Told any](at func(C.size_t, *Given) C.bool, told func(*Given) Told) []Told {
	var all []Told
	var given Given
	for i := C.size_t(0); bool(at(i, &given)); i++ {
		all = append(all, told(&given))
	}
	return all
}

func rowsOf(at func(C.size_t, *C.husk_census_row) C.bool) []CensusRow {
	return listOf(at, func(r *C.husk_census_row) CensusRow {
		return CensusRow{C.GoString(r._type), C.GoString(r.place), int(r.objects), uint64(r.bytes), uint64(r.references)}
	})
}

func objectsOf(at func(C.size_t, *C.husk_census_object) C.bool) []CensusObject {
	return listOf(at, func(o *C.husk_census_object) CensusObject {
		return CensusObject{uint64(o.address), C.GoString(o._type), C.GoString(o.place), uint64(o.bytes), int64(o.references), bool(o.follower)}
	})
}

// survey looks at the heap under its lock, without the references of handles that Go's collector has found.
func (h *Heap) survey(op string, objects int, look func(most C.size_t) C.husk_status) error {
	if objects < 0 {
		return errorf(op, ErrRange, "%d objects: at least 0", objects)
	}
	if err := h.enter(op); err != nil {
		return err
	}
	defer h.leave()
	h.release(h.handles.takeLost(-1))
	return h.failure(op, Code(look(C.size_t(objects))))
}

func linesOf(head string, rows []CensusRow, hidden bool) string {
	var b strings.Builder
	b.WriteString(head)
	for _, r := range rows {
		fmt.Fprintf(&b, "\n%8d %s, ", r.Objects, r.Type)
		if hidden {
			fmt.Fprintf(&b, "%d references, ", r.References)
		}
		fmt.Fprintf(&b, "%d bytes", r.Bytes)
		if r.Place != "" {
			fmt.Fprintf(&b, ", made at %s", r.Place)
		}
	}
	return b.String()
}

// ---- dry runs ----

// A DryStep is a piece of the program's code that would run.
type DryStep struct {
	Kind    string // "finalizer", "callback" or "cleanup"
	Type    string // of the object that dies
	Address uint64 // of the object that dies
	Hook    uint64 // of the object that is finalized, the weak reference, the cleanup
}

// A Basis says where a part of the expected pause comes from.
type Basis string

// The bases.
const (
	BasisNone   Basis = "none"    // nothing is known, and nothing is counted
	BasisPasses Basis = "passes"  // this heap's earlier passes: their time an object
	BasisDry    Basis = "dry run" // the dry run itself
)

// A DryRun is what Collect would do if it were called now, and no finalizer or callback changed anything.
type DryRun struct {
	Examined, Garbage               int // what the search looked at and found
	Objects                         int // all that would die
	Bytes                           uint64
	Followers                       int // of these, no garbage: only garbage holds them
	Finalizers, Callbacks, Cleanups int
	Disposes                        int
	Waiting                         int // dead already; not among the others

	Find, Finalize, Reclaim                time.Duration // the expected pause is their sum
	FindBasis, FinalizeBasis, ReclaimBasis Basis

	Types  []CensusRow    // what would die, most bytes first
	Steps  []DryStep      // in the order in which they would run
	Listed []CensusObject // garbage by address, then followers
}

// Pause returns the expected pause.
func (d *DryRun) Pause() time.Duration { return d.Find + d.Finalize + d.Reclaim }

// String returns the sums and a line for each type.
func (d *DryRun) String() string {
	return linesOf(fmt.Sprintf("would end %d objects, %d bytes, in about %v", d.Objects, d.Bytes, d.Pause()), d.Types, false)
}

// DryRun says what Collect would do, and changes nothing. So many objects are listed one by one.
func (h *Heap) DryRun(objects int) (d *DryRun, err error) {
	err = h.survey("Heap.DryRun", objects, func(most C.size_t) (status C.husk_status) {
		if made := C.husk_go_dryrun(h.c.heap, most, &status); made != nil {
			d = dryRunOf(made)
			C.husk_dryrun_free(made)
		}
		return status
	})
	return d, err
}

func dryRunOf(made *C.husk_dryrun) *DryRun {
	var s C.husk_dryrun_sums
	C.husk_dryrun_sums_get(made, &s)
	bases := [...]Basis{BasisNone, BasisPasses, BasisDry}
	kinds := [...]string{"finalizer", "callback", "cleanup"}
	return &DryRun{
		Examined: int(s.examined), Garbage: int(s.garbage), Objects: int(s.objects), Bytes: uint64(s.bytes),
		Followers: int(s.followers), Finalizers: int(s.finalizers), Callbacks: int(s.callbacks),
		Cleanups: int(s.cleanups), Disposes: int(s.disposes), Waiting: int(s.waiting),
		Find: time.Duration(s.find_ns), Finalize: time.Duration(s.finalize_ns), Reclaim: time.Duration(s.reclaim_ns),
		FindBasis: bases[s.find_basis], FinalizeBasis: bases[s.finalize_basis], ReclaimBasis: bases[s.reclaim_basis],
		Types:  rowsOf(func(i C.size_t, out *C.husk_census_row) C.bool { return C.husk_dryrun_type(made, i, out) }),
		Listed: objectsOf(func(i C.size_t, out *C.husk_census_object) C.bool { return C.husk_dryrun_object(made, i, out) }),
		Steps: listOf(func(i C.size_t, out *C.husk_dryrun_step) C.bool { return C.husk_dryrun_step_at(made, i, out) },
			func(s *C.husk_dryrun_step) DryStep {
				return DryStep{kinds[s.kind], C.GoString(s._type), uint64(s.address), uint64(s.hook)}
			}),
	}
}

// ---- hidden references ----

// HiddenUnknown is the hidden count of an object that nobody counts: an immortal one.
const HiddenUnknown = int64(math.MaxInt64)

// Hidden says who is held from outside the heap: references that no slot accounts for, handles among them.
type Hidden struct {
	Examined   int
	Objects    int // with hidden references
	References uint64
	Unknown    int            // immortal ones
	Types      []CensusRow    // most references first
	Listed     []CensusObject // those with most
	Damaged    []CensusObject // with fewer references than slots that hold them
}

// String returns the sums and a line for each row.
func (d *Hidden) String() string {
	return linesOf(fmt.Sprintf("%d objects, held from outside by %d references", d.Objects, d.References), d.Types, true)
}

// Hidden makes a census of them. So many objects are listed one by one; byPlace: rows by type and place.
func (h *Heap) Hidden(objects int, byPlace bool) (d *Hidden, err error) {
	err = h.survey("Heap.Hidden", objects, func(most C.size_t) (status C.husk_status) {
		if made := C.husk_go_hidden(h.c.heap, most, C.bool(byPlace), &status); made != nil {
			d = hiddenOf(made)
			C.husk_hidden_free(made)
		}
		return status
	})
	return d, err
}

func hiddenOf(made *C.husk_hidden) *Hidden {
	var s C.husk_hidden_sums
	C.husk_hidden_sums_get(made, &s)
	return &Hidden{
		Examined: int(s.examined), Objects: int(s.objects), References: uint64(s.references), Unknown: int(s.unknown),
		Types:   rowsOf(func(i C.size_t, out *C.husk_census_row) C.bool { return C.husk_hidden_row(made, i, out) }),
		Listed:  objectsOf(func(i C.size_t, out *C.husk_census_object) C.bool { return C.husk_hidden_object(made, i, out) }),
		Damaged: objectsOf(func(i C.size_t, out *C.husk_census_object) C.bool { return C.husk_hidden_damaged(made, i, out) }),
	}
}

// HiddenCount returns how many references to the object no slot accounts for, this handle's among them; below 0: the
// heap is damaged. It goes through the whole heap; for several objects there is Heap.HiddenCounts.
func (o *Obj) HiddenCount() (int64, error) {
	if err := o.enter("HiddenCount"); err != nil {
		return 0, err
	}
	var n C.int64_t
	err := o.heap.failure("HiddenCount", Code(C.husk_obj_hidden_count(o.obj, &n)))
	o.heap.leave()
	runtime.KeepAlive(o)
	return int64(n), err
}

// HiddenCounts returns the hidden count of each object, in their order, as HiddenCount does, and goes through the heap
// once for all of them. ErrHeap: one is of another heap.
func (h *Heap) HiddenCounts(objects ...Object) ([]int64, error) {
	const op = "Heap.HiddenCounts"
	if err := h.enter(op); err != nil {
		return nil, err
	}
	defer runtime.KeepAlive(objects)
	defer h.leave()
	asked := make([]*C.husk_obj, len(objects))
	for i, object := range objects {
		var o *Obj
		if object != nil {
			o = object.handle()
		}
		if o != nil && o.made() && o.heap != h {
			return nil, errorf(op, ErrHeap, "a %s of heap '%s' is not in heap '%s'", Kind(o.kind), o.heap.name, h.name)
		}
		if err := h.admit(op, o); err != nil {
			return nil, err
		}
		asked[i] = o.obj
	}
	counts := make([]int64, len(objects))
	if len(objects) == 0 {
		return counts, nil
	}
	status := C.husk_obj_hidden_counts(&asked[0], C.size_t(len(asked)), (*C.int64_t)(&counts[0]))
	if err := h.failure(op, Code(status)); err != nil {
		return nil, err
	}
	return counts, nil
}

// ---- finding leaks ----

// Leaks are unreachable objects that were told instead of freed.
type Leaks struct {
	Objects     int
	Bytes       uint64
	Followers   int  // held by unreachable ones alone
	Unreachable int  // in the heap, told before or now
	Summary     bool // all that were told: at Close, Heap.Leaks
	Types       []CensusRow
	Listed      []CensusObject
}

// String returns the sums and a line for each row.
func (l *Leaks) String() string {
	head := "leaks"
	if l.Summary {
		head = "leaks in all"
	}
	return linesOf(fmt.Sprintf("%s: %d objects, %d bytes", head, l.Objects, l.Bytes), l.Types, false)
}

func leaksOf(made *C.husk_leaks) *Leaks {
	var s C.husk_leaks_sums
	C.husk_leaks_sums_get(made, &s)
	return &Leaks{
		Objects: int(s.objects), Bytes: uint64(s.bytes), Followers: int(s.followers), Unreachable: int(s.unreachable),
		Summary: bool(s.summary),
		Types:   rowsOf(func(i C.size_t, out *C.husk_census_row) C.bool { return C.husk_leaks_row(made, i, out) }),
		Listed:  objectsOf(func(i C.size_t, out *C.husk_census_object) C.bool { return C.husk_leaks_object(made, i, out) }),
	}
}

// FindLeaks: passes free nothing and tell each unreachable object once, to fn, after a pass that found something new,
// and at Close all that were told; fn nil: as errors of the heap. So many objects are listed one by one. Finalizers do
// not run, counts and weak references stay as they are. Turned off, what was told is garbage again.
func (h *Heap) FindLeaks(on bool, fn func(*Leaks), objects int) error {
	const op = "Heap.FindLeaks"
	if objects < 0 {
		return errorf(op, ErrRange, "%d objects: at least 0", objects)
	}
	if err := h.enterFor(op, nil); err != nil {
		return err
	}
	defer h.leave()
	var token *C.husk_go_token
	if fn != nil && on {
		if token = h.keep(fn, "FindLeaks"); token == nil {
			return errorf(op, ErrNoMemory, "%s", ErrNoMemory.Error())
		}
	}
	C.husk_go_on_leaks(h.c.heap, token, C.size_t(objects))
	h.raw.Set_find_leaks(on)
	return nil
}

// FindsLeaks reports whether it is on.
func (h *Heap) FindsLeaks() bool {
	if h.enter("Heap.FindsLeaks") != nil {
		return false
	}
	on := h.raw.Find_leaks()
	h.leave()
	return on
}

// Leaks returns what was told so far and is unreachable still. So many objects are listed one by one.
func (h *Heap) Leaks(objects int) (l *Leaks, err error) {
	err = h.survey("Heap.Leaks", objects, func(most C.size_t) (status C.husk_status) {
		if made := C.husk_go_leaks(h.c.heap, most, &status); made != nil {
			l = leaksOf(made)
			C.husk_leaks_free(made)
		}
		return status
	})
	return l, err
}
