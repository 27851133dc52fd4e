package husk

// #include <husk.h>
import "C"

import (
	"runtime"
	"sort"
	"time"
)

// PassSums are the sums of all passes of one mode.
type PassSums struct {
	Passes, Candidates, Freed, FreedBytes uint64
	Finalized, Resurrected, WeakCleared   uint64
	Times                                 PassTimes
}

// ModeStat is what the passes of one mode did, and how long the program waited for them.
type ModeStat struct {
	Sums   PassSums
	Pauses Pauses
}

// A HeapStat is one heap of another process, as its latest pass left it.
type HeapStat struct {
	Heap    uint64 // its number among the heaps of the process that were seen; 1 is the first
	Name    string
	Written time.Duration // on the system's monotonic clock

	Latest            *PassRecord // without a Line; nil: there was no pass
	Full, Young, Step ModeStat
	Pauses            Pauses // of all modes together
}

// GCStatStart shows the passes of this process to husk gcstat and to GCStatRead in others of the same user, as
// HUSK_GCSTAT=1 in the environment does, in a small page of memory that nobody waits for; heaps that are there already
// come into it with their next pass. ErrIO: the system refuses the page. Any goroutine may call this, and the
// functions below.
func GCStatStart() error {
	return gcstatTry("GCStatStart", func() C.husk_status { return C.husk_gcstat_start() })
}

// GCStatStop ends that.
func GCStatStop() { C.husk_gcstat_stop() }

// GCStatIsOn tells whether this process shows its passes.
func GCStatIsOn() bool { return bool(C.husk_gcstat_is_on()) }

// GCStatRead returns the heaps of a process that shows its passes. ErrMissing: no such process, or it shows none; ErrRange: pid
// can be no process; ErrIO: it is another user's; ErrFormat: it has another version of the library; ErrBusy: it was stopped while it wrote.
func GCStatRead(pid int) ([]HeapStat, error) {
	const op = "GCStatRead"
	if int(C.int(pid)) != pid {
		return nil, errorf(op, ErrRange, "%d is no number of a process", pid)
	}
	var page [C.HUSK_GCSTAT_HEAPS]C.husk_gcstat
	var count C.size_t
	err := gcstatTry(op, func() C.husk_status {
		return C.husk_gcstat_read(C.int(pid), &page[0], C.size_t(len(page)), &count)
	})
	if err != nil {
		return nil, err
	}
	all := make([]HeapStat, 0, len(page))
	for i := 0; i < int(count); i++ {
		all = append(all, heapStatOf(&page[i]))
	}
	return all, nil
}

// GCStatList returns the numbers of this user's processes that show their passes, in order.
func GCStatList() ([]int, error) {
	pids := make([]C.int, 64)
	for {
		var count C.size_t
		err := gcstatTry("GCStatList", func() C.husk_status {
			return C.husk_gcstat_list(&pids[0], C.size_t(len(pids)), &count)
		})
		if err != nil {
			return nil, err
		}
		if int(count) > len(pids) {
			pids = make([]C.int, 2*int(count))
			continue
		}
		all := make([]int, 0, int(count))
		for _, pid := range pids[:count] {
			all = append(all, int(pid))
		}
		sort.Ints(all)
		return all, nil
	}
}

func heapStatOf(s *C.husk_gcstat) HeapStat {
	mode := func(m C.husk_mode) ModeStat { return ModeStat{passSumsOf(&s.sums[m]), pausesOf(&s.pauses[m])} }
	out := HeapStat{
		Heap: uint64(s.heap), Name: C.GoString(&s.name[0]), Written: time.Duration(s.written_ns),
		Full: mode(C.HUSK_FULL), Young: mode(C.HUSK_YOUNG), Step: mode(C.HUSK_STEP), Pauses: pausesOf(&s.all_pauses),
	}
	if s.latest.number != 0 {
		latest := recordOf(&s.latest, func(i int) string { return C.GoString(&s.types[i][0]) })
		out.Latest = &latest
	}
	return out
}

func passSumsOf(s *C.husk_pass_sums) PassSums {
	return PassSums{
		uint64(s.passes), uint64(s.candidates), uint64(s.freed), uint64(s.freed_bytes), uint64(s.finalized),
		uint64(s.resurrected), uint64(s.weak_cleared), timesOf(&s.ns),
	}
}

// gcstatTry makes an error of a status. There is no heap to ask: the message belongs to the thread.
func gcstatTry(op string, do func() C.husk_status) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if status := do(); status != C.HUSK_OK {
		return errorf(op, Code(status), "%s", C.GoString(C.husk_message()))
	}
	return nil
}

// PassSums returns the sums of all passes of a mode. ErrRange: no such mode.
func (h *Heap) PassSums(mode Mode) (PassSums, error) {
	const op = "Heap.PassSums"
	if err := h.enter(op); err != nil {
		return PassSums{}, err
	}
	defer h.leave()
	if mode < 0 || mode >= AnyMode {
		return PassSums{}, errorf(op, ErrRange, "there is no mode %d of passes", int(mode))
	}
	var sums C.husk_pass_sums
	C.husk_heap_pass_sums(h.c.heap, C.husk_mode(mode), &sums)
	return passSumsOf(&sums), nil
}
