package husk

// #include "calls.h"
import "C"

import (
	"math"
	"unsafe"
)

// A Soft is a handle of a soft reference: it keeps its object until memory is short; then the soft references that were
// used longest ago let go first, and are weak from there on. Making one and Get are uses. At max_bytes all let go before
// anything is refused. It is a weak reference to its object, and counts as one.
type Soft struct{ Obj }

func (s *Soft) handle() *Obj {
	if s == nil {
		return nil
	}
	return &s.Obj
}

// Soft returns a soft reference to the object, always another one.
func (o *Obj) Soft() (*Soft, error) { return o.newSoft("Soft", nil) }

// SoftFunc returns one that calls gone when the object's memory is back, if the soft reference is still held by then: by
// its handle, or in a slot. It does not call when it lets go.
func (o *Obj) SoftFunc(gone func(*Soft)) (*Soft, error) {
	if gone == nil {
		return nil, errorf("SoftFunc", ErrInvalid, "the function is nil")
	}
	return o.newSoft("SoftFunc", gone)
}

func (o *Obj) newSoft(op string, gone any) (*Soft, error) {
	s, err := o.newWatcher(op, "SoftFunc", gone, KindSoft, func(obj *C.husk_obj, token *C.husk_go_token) *C.husk_obj {
		return C.husk_go_soft_new(obj, token)
	})
	return (*Soft)(unsafe.Pointer(s)), err
}

// Get returns the object: a use, and the soft reference holds it again if it had let go. False: it is gone or condemned,
// or this handle is dead.
func (s *Soft) Get() (Object, bool) {
	return s.lock("Soft.Get", func(o *C.husk_obj) *C.husk_obj { return C.husk_soft_lock(C.husk_soft_of(o)) })
}

// Holding reports whether it holds its object: it has not let go, or holds it again.
func (s *Soft) Holding() (bool, error) {
	return s.answer("Soft.Holding", func(o *C.husk_obj) C.bool { return C.husk_soft_is_holding(C.husk_soft_of(o)) })
}

// State returns whether the object may still be had, as of weak references.
func (s *Soft) State() (State, error) { return s.state("Soft.State") }

// LetGo lets go now. True: it was holding.
func (s *Soft) LetGo() (bool, error) {
	return s.answer("Soft.LetGo", func(o *C.husk_obj) C.bool { return C.husk_go_soft_let_go(o) })
}

// YieldSofts lets go of all soft references but the keep most recently used. It returns how many.
func (h *Heap) YieldSofts(keep int) (int, error) {
	const op = "Heap.YieldSofts"
	if keep < 0 {
		return 0, errorf(op, ErrRange, "%d is not 0 or more", keep)
	}
	if err := h.enter(op); err != nil {
		return 0, err
	}
	n := C.husk_heap_yield_softs(h.c.heap, C.size_t(keep))
	h.leave()
	return int(n), nil
}

// A SoftPolicy says when soft references let go besides at max_bytes, at the soft limit and when they are told to.
type SoftPolicy struct {
	MaxAge int // in passes: one that was not used during so many lets go at the next; 0: never by age
	Keep   int // so many of the most recently used stay, whatever their age
}

// SoftPolicy returns the present one.
func (h *Heap) SoftPolicy() (SoftPolicy, error) {
	if err := h.enter("Heap.SoftPolicy"); err != nil {
		return SoftPolicy{}, err
	}
	var p C.husk_soft_policy
	C.husk_heap_soft_policy(h.c.heap, &p)
	h.leave()
	keep := uint64(p.keep)
	if keep > math.MaxInt {
		keep = math.MaxInt
	}
	return SoftPolicy{MaxAge: int(p.max_age), Keep: int(keep)}, nil
}

// SetSoftPolicy changes it. ErrRange: a number is out of range, and nothing changes.
func (h *Heap) SetSoftPolicy(p SoftPolicy) error {
	const op = "Heap.SetSoftPolicy"
	if p.MaxAge < 0 || uint64(p.MaxAge) > math.MaxUint32 {
		return errorf(op, ErrRange, "a MaxAge of %d is not 0 to %d", p.MaxAge, uint32(math.MaxUint32))
	}
	if p.Keep < 0 {
		return errorf(op, ErrRange, "a Keep of %d is not 0 or more", p.Keep)
	}
	if err := h.enter(op); err != nil {
		return err
	}
	c := C.husk_soft_policy{max_age: C.uint32_t(p.MaxAge), keep: C.size_t(p.Keep)}
	C.husk_heap_set_soft_policy(h.c.heap, &c)
	h.leave()
	return nil
}

// SoftFigures say how many soft references there are, and how often one let go and why.
type SoftFigures struct {
	References, Holding                uint64
	ByCall, ByAge, ByPressure, ByLimit uint64
	Regained                           uint64 // how often one held its object again
}

// SoftFigures returns them.
func (h *Heap) SoftFigures() (SoftFigures, error) {
	if err := h.enter("Heap.SoftFigures"); err != nil {
		return SoftFigures{}, err
	}
	var f C.husk_soft_figures
	C.husk_heap_soft_figures(h.c.heap, &f)
	h.leave()
	return SoftFigures{
		References: uint64(f.references), Holding: uint64(f.holding), ByCall: uint64(f.by_call), ByAge: uint64(f.by_age),
		ByPressure: uint64(f.by_pressure), ByLimit: uint64(f.by_limit), Regained: uint64(f.regained),
	}, nil
}
