package husk

// #include "host.h"
import "C"

import (
	"time"
	"unsafe"

	"husk.example/husk/internal/raw"
)

// CollectYoung does what Collect does for the objects on pages that have served births since a pass last looked at
// them: short-lived cycles end at a cost that does not depend on the rest of the heap. A cycle that leads through older
// objects is left to Collect. Such runs also start by themselves: SetYoung.
func (h *Heap) CollectYoung() (Pass, error) {
	if err := h.enter("Heap.CollectYoung"); err != nil {
		return Pass{}, err
	}
	h.release(h.handles.takeLost(-1))
	return h.pass("Heap.CollectYoung", raw.SwigcptrHeap.Collect_young)
}

// SetYoung: a run over young pages starts after so many births, net of deaths by counting; 0: never; 4096 at first. Where
// growth starts no passes (SetPacing) there are none of these either. ErrRange: not 0, and below 64 or above 1<<24.
func (h *Heap) SetYoung(objects uint64) error {
	const op = "Heap.SetYoung"
	if uint64(uintptr(objects)) != objects {
		return errorf(op, ErrRange, "%d is more than this machine can address", objects)
	}
	if err := h.enter(op); err != nil {
		return err
	}
	err := h.failure(op, Code(h.raw.Set_young(objects)))
	h.leave()
	return err
}

// Young returns what SetYoung has set; 0 for a closed heap.
func (h *Heap) Young() uint64 {
	if h.enter("Heap.Young") != nil {
		return 0
	}
	objects := h.raw.Young()
	h.leave()
	return objects
}

// SetParallel: how many threads a pass over all objects may use, the caller's among them, 1 to 8; 1, the default: no
// others. Only heaps of two million objects and more use them; the threads run no Go. ErrRange: out of range; ErrNoMemory:
// a thread is refused.
func (h *Heap) SetParallel(threads int) error {
	const op = "Heap.SetParallel"
	if threads < 1 || threads > C.HUSK_PARALLEL_MOST {
		return errorf(op, ErrRange, "%d threads are not within 1 to %d", threads, int(C.HUSK_PARALLEL_MOST))
	}
	if err := h.enter(op); err != nil {
		return err
	}
	err := h.failure(op, Code(h.raw.Set_parallel(uint(threads))))
	h.leave()
	return err
}

// Parallel returns what SetParallel has set; 0 for a closed heap.
func (h *Heap) Parallel() int {
	if h.enter("Heap.Parallel") != nil {
		return 0
	}
	threads := int(h.raw.Parallel())
	h.leave()
	return threads
}

// Stepped is what one step of a pass did.
type Stepped struct {
	Finished bool          // the pass is over; the next step begins another
	Took     time.Duration // finalizers included
	SoFar    Pass          // of this pass: when it is finished, what Collect would have said
}

// Step goes on with a pass in steps, or begins one, for about so long (10 µs to 10 s). The pass ends what Collect would
// end; what needs its tables meanwhile, such as Collect, Verify and snapshots, gives it up, and the next step begins anew.
// ErrRange: a budget out of range; ErrBusy in a hook; ErrCorrupt as of Collect.
func (h *Heap) Step(budget time.Duration) (Stepped, error) {
	const op = "Heap.Step"
	if err := stepRange(op, budget, ""); err != nil {
		return Stepped{}, err
	}
	if err := h.enter(op); err != nil {
		return Stepped{}, err
	}
	h.release(h.handles.takeLost(-1))
	var s C.husk_step
	err := h.failure(op, Code(C.husk_heap_step(h.c.heap, C.uint64_t(budget), &s)))
	h.leave()
	return Stepped{bool(s.finished), duration(uint64(s.ns)), passOf((*raw.Pass)(unsafe.Pointer(&s.so_far)))}, err
}

// SetPause: automatic passes run in steps of about so long, 10 µs to 10 s; 0, the default: at once. The bound on memory
// is kept all the same: a pass that does not end in time is finished at once. ErrRange: out of range.
func (h *Heap) SetPause(goal time.Duration) error {
	const op = "Heap.SetPause"
	if goal != 0 {
		if err := stepRange(op, goal, "0 or "); err != nil {
			return err
		}
	}
	if err := h.enter(op); err != nil {
		return err
	}
	err := h.failure(op, Code(h.raw.Set_pause(uint64(goal))))
	h.leave()
	return err
}

func stepRange(op string, budget time.Duration, or string) error {
	const least, most = C.HUSK_STEP_LEAST_NS, C.HUSK_STEP_MOST_NS
	if budget < least || budget > most {
		return errorf(op, ErrRange, "%v is not %s%v to %v", budget, or, time.Duration(least), time.Duration(most))
	}
	return nil
}

// Pause returns what SetPause has set; 0 for a closed heap.
func (h *Heap) Pause() time.Duration {
	if h.enter("Heap.Pause") != nil {
		return 0
	}
	goal := h.raw.Pause()
	h.leave()
	return duration(goal)
}

// Steps are the sums over all passes in steps since the heap was made.
type Steps struct {
	Begun, Finished uint64        // passes
	GivenUp         uint64        // passes: something else needed their tables
	Hurried         uint64        // passes finished at once because the bound on memory was reached
	Steps           uint64        // taken
	Late            uint64        // steps that took more than one and a half times their budget
	Longest         time.Duration // step
	Nominated       uint64        // objects
	Mistaken        uint64        // of these, those that were alive after all
	UnderWay        bool
}

// Steps returns them.
func (h *Heap) Steps() (Steps, error) {
	if err := h.enter("Heap.Steps"); err != nil {
		return Steps{}, err
	}
	var s raw.Steps
	h.raw.Steps(&s)
	h.leave()
	return Steps{
		s.Begun, s.Finished, s.GivenUp, s.Hurried, s.Steps, s.Late, duration(s.LongestNs), s.Nominated, s.Mistaken,
		s.UnderWay,
	}, nil
}
