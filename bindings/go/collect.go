package husk

// #include "host.h"
import "C"

import (
	"fmt"
	"math"
	"runtime"
	"time"
	"unsafe"

	"husk.example/husk/internal/raw"
)

// A Reason says why a pass ran.
type Reason int

// The reasons.
const (
	ByCall    Reason = C.HUSK_BY_CALL
	ByObjects Reason = C.HUSK_BY_OBJECTS // growth in objects
	ByBytes   Reason = C.HUSK_BY_BYTES   // growth in bytes
	ByLimit   Reason = C.HUSK_BY_LIMIT   // MaxBytes, or the system refused memory
	ByRequest Reason = C.HUSK_BY_REQUEST // Heap.Request
	ByStress  Reason = C.HUSK_BY_STRESS  // Heap.SetStress, Options.Stress
	ByClose   Reason = C.HUSK_BY_CLOSE
	BySoft    Reason = C.HUSK_BY_SOFT // Heap.SetSoftLimit
	ByIdle    Reason = C.HUSK_BY_IDLE // Heap.Idle
)

// String returns "call", "objects" and so on.
func (r Reason) String() string {
	names := [...]string{"call", "objects", "bytes", "limit", "request", "stress", "close", "soft limit", "idle"}
	if r >= 0 && int(r) < len(names) {
		return names[r]
	}
	return fmt.Sprintf("Reason(%d)", int(r))
}

// A Pass is what one pass of the collector did.
type Pass struct {
	Generation    int // 0: all objects; 1: those on pages that served recent births
	Reason        Reason
	Examined      int // objects looked at
	Collected     int // objects reclaimed; those that died in consequence are not counted
	Uncollectable int // put on the garbage list
	Finalized     int // finalizers run
	Resurrected   int // garbage that came back
	WeakCleared   int // weak references that ended
	Deferred      int // garbage left for a safe point
	Bytes         int // of the collected blocks

	Find, Finalize, Reclaim time.Duration

	Mode   Mode
	Passes int    // whose sums these are
	Number uint64 // of the latest of them: Heap.PassRecord
}

// String returns the figures in one line.
func (p Pass) String() string {
	return fmt.Sprintf("pass by %s: %d examined, %d collected, %d finalized, %d resurrected, %d weak references cleared",
		p.Reason, p.Examined, p.Collected, p.Finalized, p.Resurrected, p.WeakCleared)
}

func passOf(p *raw.Pass) Pass {
	return Pass{
		Generation: int(p.Generation), Reason: Reason(p.Reason), Examined: int(p.Examined),
		Collected: int(p.Collected), Uncollectable: int(p.Uncollectable), Finalized: int(p.Finalized),
		Resurrected: int(p.Resurrected), WeakCleared: int(p.WeakCleared), Deferred: int(p.Deferred),
		Bytes: int(p.Bytes), Find: time.Duration(p.FindNs), Finalize: time.Duration(p.FinalizeNs),
		Reclaim: time.Duration(p.ReclaimNs), Mode: Mode(p.Mode), Passes: int(p.Passes), Number: p.Number,
	}
}

// Collect finds and ends all garbage. ErrBusy: a finalizer or callback of the heap runs; the wish is remembered.
// ErrCorrupt: an object has fewer references than are seen; nothing was freed. A handle that is forgotten but not yet
// found by Go's collector is a reference: CollectAll looks for those first.
func (h *Heap) Collect() (Pass, error) {
	if err := h.enter("Heap.Collect"); err != nil {
		return Pass{}, err
	}
	h.release(h.handles.takeLost(-1))
	return h.pass("Heap.Collect", raw.SwigcptrHeap.Collect)
}

// CollectDry reports what Collect would do, and changes nothing. Figures of hooks are 0: none runs.
func (h *Heap) CollectDry() (Pass, error) {
	if err := h.enter("Heap.CollectDry"); err != nil {
		return Pass{}, err
	}
	h.release(h.handles.takeLost(-1))
	return h.pass("Heap.CollectDry", raw.SwigcptrHeap.Collect_dry)
}

func (h *Heap) pass(op string, run func(raw.SwigcptrHeap, *raw.Pass) int) (Pass, error) {
	var figures raw.Pass
	err := h.failure(op, Code(run(h.raw, &figures)))
	h.leave()
	return passOf(&figures), err
}

// CollectAll lets Go's collector find forgotten handles, ends them, and then collects. It takes as long as two
// collections of Go's, before Go 1.24 three.
func (h *Heap) CollectAll() (Pass, error) {
	settleHandles()
	return h.Collect()
}

// settleHandles runs Go's collector and waits until it has told of what it found.
func settleHandles() {
	for i := 0; i < settleRounds; i++ {
		done := make(chan struct{})
		runtime.SetFinalizer(&struct{ _ *int }{}, func(any) { close(done) })
		runtime.GC()
		select {
		case <-done:
		case <-time.After(time.Second):
		}
	}
}

// Drain ends what Go's collector has let go. Every call on the heap does so too, bit by bit; a heap that nobody calls
// needs Drain.
func (h *Heap) Drain() error {
	if err := h.enter("Heap.Drain"); err != nil {
		return err
	}
	h.release(h.handles.takeLost(-1))
	h.raw.Safepoint()
	h.leave()
	return nil
}

// Safepoint does what waits for a moment at which finalizers and callbacks may run: requested and deferred passes.
func (h *Heap) Safepoint() error {
	if err := h.enter("Heap.Safepoint"); err != nil {
		return err
	}
	h.raw.Safepoint()
	h.leave()
	return nil
}

// Request asks for a pass at the next safe point or allocation.
func (h *Heap) Request() error {
	if err := h.enter("Heap.Request"); err != nil {
		return err
	}
	h.raw.Request()
	h.leave()
	return nil
}

// Verify checks the whole heap. ErrCorrupt: it is damaged, and the error says where; ErrBusy in a hook.
func (h *Heap) Verify() error {
	if err := h.enter("Heap.Verify"); err != nil {
		return err
	}
	err := h.failure("Heap.Verify", Code(h.raw.Verify()))
	h.leave()
	return err
}

// ---- automatic passes ----

// Disable stops automatic passes until Enable has been called as often. holder says who asked.
func (h *Heap) Disable(holder string) error {
	text, err := keepHolder("Heap.Disable", holder)
	if err != nil {
		return err
	}
	if err := h.enter("Heap.Disable"); err != nil {
		return err
	}
	err = h.failure("Heap.Disable", Code(C.husk_heap_disable(h.c.heap, text)))
	h.leave()
	return err
}

// Enable undoes one Disable. ErrState: it was not disabled.
func (h *Heap) Enable() error {
	if err := h.enter("Heap.Enable"); err != nil {
		return err
	}
	err := h.failure("Heap.Enable", Code(h.raw.Enable()))
	h.leave()
	return err
}

// Enabled reports whether passes start by themselves; false for a closed heap.
func (h *Heap) Enabled() bool {
	if h.enter("Heap.Enabled") != nil {
		return false
	}
	enabled := h.raw.Is_enabled()
	h.leave()
	return enabled
}

// DisabledBy returns who disabled the heap, the latest last.
func (h *Heap) DisabledBy() []string {
	var all []string
	if h.enter("Heap.DisabledBy") != nil {
		return nil
	}
	for i := C.size_t(0); ; i++ {
		holder := C.husk_heap_disabled_by(h.c.heap, i)
		if holder == nil {
			break
		}
		all = append(all, C.GoString(holder))
	}
	h.leave()
	return all
}

// Pacing says when passes start: when the heap has grown, since the last one, by more than
// max(Least, Factor x survivors). Both Least 0: never.
type Pacing struct {
	LeastObjects, LeastBytes uint64
	Factor, FactorMax        float64
}

// Pacing returns the present pacing.
func (h *Heap) Pacing() (Pacing, error) {
	if err := h.enter("Heap.Pacing"); err != nil {
		return Pacing{}, err
	}
	var p raw.Pacing
	h.raw.Get_pacing(&p)
	h.leave()
	return Pacing{uint64(p.LeastObjects), uint64(p.LeastBytes), p.Factor, p.FactorMax}, nil
}

// SetPacing changes it: get it, change fields, set it. ErrRange: a factor is out of range, and nothing changes.
func (h *Heap) SetPacing(p Pacing) error {
	const op = "Heap.SetPacing"
	for _, n := range []uint64{p.LeastObjects, p.LeastBytes} {
		if uint64(uintptr(n)) != n {
			return errorf(op, ErrRange, "%d is more than this machine can address", n)
		}
	}
	if err := h.enter(op); err != nil {
		return err
	}
	r := raw.Pacing{LeastObjects: uintptr(p.LeastObjects), LeastBytes: uintptr(p.LeastBytes), Factor: p.Factor, FactorMax: p.FactorMax}
	err := h.failure(op, Code(h.raw.Set_pacing(&r)))
	h.leave()
	return err
}

// Counts say where the heap stands between two passes. A limit of math.MaxUint64 means never.
type Counts struct {
	GrownObjects, GrownBytes, LimitObjects, LimitBytes uint64
}

// Counts returns them.
func (h *Heap) Counts() (Counts, error) {
	if err := h.enter("Heap.Counts"); err != nil {
		return Counts{}, err
	}
	var c raw.Counts
	h.raw.Counts(&c)
	h.leave()
	return Counts{size64(c.GrownObjects), size64(c.GrownBytes), size64(c.LimitObjects), size64(c.LimitBytes)}, nil
}

func size64(n uintptr) uint64 {
	if n == math.MaxUint {
		return math.MaxUint64
	}
	return uint64(n)
}

// Stats are the sums of passes since the heap was made.
type Stats struct {
	Passes, Examined, Collected, Uncollectable uint64
	Finalized, Resurrected, WeakCleared, Bytes uint64
	Find, Finalize, Reclaim, Longest           time.Duration
}

// Stats returns those of the passes over all objects, in steps or at once.
func (h *Heap) Stats() (Stats, error) {
	return h.stats("Heap.Stats", 0)
}

// YoungStats returns those of the runs over young pages.
func (h *Heap) YoungStats() (Stats, error) {
	return h.stats("Heap.YoungStats", 1)
}

func (h *Heap) stats(op string, generation int) (Stats, error) {
	if err := h.enter(op); err != nil {
		return Stats{}, err
	}
	var g raw.Generation
	err := h.failure(op, Code(h.raw.Generation(generation, &g)))
	h.leave()
	return Stats{
		g.Passes, g.Examined, g.Collected, g.Uncollectable, g.Finalized, g.Resurrected, g.WeakCleared, g.Bytes,
		time.Duration(g.FindNs), time.Duration(g.FinalizeNs), time.Duration(g.ReclaimNs), time.Duration(g.LongestNs),
	}, err
}

// ---- callbacks of passes ----

// A Phase of a pass.
type Phase int

// OnPass functions are called at both.
const (
	PassStart Phase = C.HUSK_PASS_START
	PassStop  Phase = C.HUSK_PASS_STOP
)

// String returns "start" or "stop".
func (p Phase) String() string {
	if p == PassStart {
		return "start"
	}
	return "stop"
}

// OnPass has fn called before and after each pass that may run hooks; at the start the figures are 0. The functions
// run in the order in which they were added. The number is for OffPass.
func (h *Heap) OnPass(fn func(Phase, Pass)) (id uint64, err error) {
	const op = "Heap.OnPass"
	if fn == nil {
		return 0, errorf(op, ErrInvalid, "the function is nil")
	}
	if err := h.enterFor(op, nil); err != nil {
		return 0, err
	}
	defer h.leave()
	token := h.keep(fn, "OnPass")
	if token == nil {
		return 0, errorf(op, ErrNoMemory, "%s", ErrNoMemory.Error())
	}
	made := C.husk_go_on_pass(h.c.heap, token)
	return uint64(made.id), h.failure(op, Code(made.status))
}

// OffPass takes a function off. ErrMissing: there is none of that number.
func (h *Heap) OffPass(id uint64) error {
	if err := h.enter("Heap.OffPass"); err != nil {
		return err
	}
	err := h.failure("Heap.OffPass", Code(h.raw.Off_pass(id)))
	h.leave()
	return err
}

// ---- the garbage list ----

// SetSaveAll: garbage is finalized but kept, on the garbage list, with its weak references.
func (h *Heap) SetSaveAll(on bool) error {
	if err := h.enter("Heap.SetSaveAll"); err != nil {
		return err
	}
	h.raw.Set_save_all(on)
	h.leave()
	return nil
}

// SaveAll reports whether it is on.
func (h *Heap) SaveAll() bool {
	if h.enter("Heap.SaveAll") != nil {
		return false
	}
	on := h.raw.Save_all()
	h.leave()
	return on
}

// A Saved is an entry of the garbage list, and why it is there.
type Saved struct {
	Object any // a handle, or a string
	Reason string
}

// Garbage returns the garbage list.
func (h *Heap) Garbage() ([]Saved, error) {
	if err := h.enter("Heap.Garbage"); err != nil {
		return nil, err
	}
	defer h.leave()
	var all []Saved
	for i := uint64(0); i < h.raw.Garbage_count(); i++ {
		obj := C.husk_heap_garbage(h.c.heap, C.size_t(i))
		if obj == nil {
			break
		}
		all = append(all, Saved{h.owned(nil, obj), h.raw.Garbage_reason(i)})
	}
	return all, nil
}

// ClearGarbage empties the list.
func (h *Heap) ClearGarbage() error {
	if err := h.enter("Heap.ClearGarbage"); err != nil {
		return err
	}
	h.raw.Garbage_clear()
	h.leave()
	return nil
}

// owned turns a reference of ours into a handle, or into a string if it is a text. Under the lock.
func (h *Heap) owned(s *Scope, obj *C.husk_obj) any {
	kind := Kind(C.husk_go_kind(obj))
	if kind == kindText {
		text := textOf((*byte)(unsafe.Pointer(C.husk_text_bytes(obj))), int(C.husk_text_length(obj)))
		C.husk_obj_release(obj)
		return text
	}
	return h.wrap(s, obj, kind, true).typed()
}

// ---- freezing, memory, figures ----

// Freeze sets all present objects aside: passes skip them. They still die by counting.
func (h *Heap) Freeze() error {
	if err := h.enter("Heap.Freeze"); err != nil {
		return err
	}
	h.raw.Freeze()
	h.leave()
	return nil
}

// Unfreeze undoes it.
func (h *Heap) Unfreeze() error {
	if err := h.enter("Heap.Unfreeze"); err != nil {
		return err
	}
	h.raw.Unfreeze()
	h.leave()
	return nil
}

// Trim gives all empty pages back to the system. It returns how many bytes.
func (h *Heap) Trim() (uint64, error) {
	if err := h.enter("Heap.Trim"); err != nil {
		return 0, err
	}
	n := h.raw.Trim()
	h.leave()
	return n, nil
}

// SetMaxBytes changes the limit; 0: none. ErrLimit: more is in use already.
func (h *Heap) SetMaxBytes(n uint64) error {
	const op = "Heap.SetMaxBytes"
	if uint64(uintptr(n)) != n {
		return errorf(op, ErrRange, "%d is more than this machine can address", n)
	}
	if err := h.enter(op); err != nil {
		return err
	}
	err := h.failure(op, Code(h.raw.Set_max_bytes(n)))
	h.leave()
	return err
}

// SetDeathBudget: at most so many objects end, and callbacks run, in one release; 0: all, the default. What is left is
// dead already, and later calls that end something, allocations and Safepoint go on, each with the same budget.
// Collect, Verify, snapshots and Close end all of it first. ErrBusy in a hook.
func (h *Heap) SetDeathBudget(most uint64) error {
	const op = "Heap.SetDeathBudget"
	if uint64(uintptr(most)) != most {
		return errorf(op, ErrRange, "%d is more than this machine can address", most)
	}
	if err := h.enter(op); err != nil {
		return err
	}
	err := h.failure(op, Code(h.raw.Set_death_budget(most)))
	h.leave()
	return err
}

// DeathBudget returns it.
func (h *Heap) DeathBudget() uint64 {
	if h.enter("Heap.DeathBudget") != nil {
		return 0
	}
	most := h.raw.Death_budget()
	h.leave()
	return most
}

// Figures of a heap, exact at the moment they were asked for.
type Figures struct {
	Objects       int    // alive, dying ones not counted
	ObjectBytes   uint64 // their blocks, headers included
	BufferBytes   uint64 // the growing parts of lists and maps
	ForeignBytes  uint64 // declared by C code
	BytesTaken    uint64 // all that the heap took from the system: what MaxBytes limits
	BytesPeak     uint64
	MaxBytes      uint64 // 0: none
	Pages         int    // of 64 KiB, in use
	PagesSpare    int    // empty, kept for reuse
	Chunks        int
	WeakCells     int // objects that have been referenced weakly and still carry the record
	FrozenObjects int
	DyingObjects  int    // dead, but for a death budget or a safe point that they wait for
	DyingBytes    uint64 // their blocks

	Handles int // of Go: references that handles own, those not yet found by Go's collector included
	Values  int // of Go: boxed values and callbacks that the heap keeps
}

// String returns the first of them in one line.
func (f Figures) String() string {
	return fmt.Sprintf("%d objects, %d bytes taken, %d handles, %d Go values", f.Objects, f.BytesTaken, f.Handles, f.Values)
}

// Figures returns them.
func (h *Heap) Figures() (Figures, error) {
	if err := h.enter("Heap.Figures"); err != nil {
		return Figures{}, err
	}
	var f raw.Figures
	h.raw.Figures(&f)
	out := Figures{
		Objects: int(f.Objects), ObjectBytes: uint64(f.ObjectBytes), BufferBytes: uint64(f.BufferBytes),
		ForeignBytes: uint64(f.ForeignBytes), BytesTaken: uint64(f.BytesTaken), BytesPeak: uint64(f.BytesPeak),
		MaxBytes: uint64(f.MaxBytes), Pages: int(f.Pages), PagesSpare: int(f.PagesSpare), Chunks: int(f.Chunks),
		WeakCells: int(f.WeakCells), FrozenObjects: int(f.FrozenObjects),
		DyingObjects: int(f.DyingObjects), DyingBytes: uint64(f.DyingBytes), Values: len(h.values),
	}
	h.handles.each(func(uint32, *C.husk_obj) { out.Handles++ })
	h.leave()
	return out, nil
}
