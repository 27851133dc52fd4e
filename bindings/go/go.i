/* bindings/go/go.i: what SWIG generates for Go: internal/raw, flat calls that take and return numbers, strings,
 * statuses, structs of figures and one receiver. Everything that hands out objects, or calls back, is written by
 * hand in the public package, because it needs the lock, the handles and Go's collector. */
%module raw

%include "errors.i"
%include "typemaps.i"

%ignore husk_heap::foreign;         /* a figure that only C can keep right */
%ignore husk_heap::disable;         /* keeps the pointer to its argument */
%ignore husk_heap::garbage;         /* hand out objects */
%ignore husk_weak::lock;
%ignore husk_cleanup::get;
%ignore husk_value_equal;           /* and the kinds, whose values cross by hand */
%rename("$ignore", regextarget=1) "^husk_(record|list|map|weakkeymap|weakvaluemap|weakset)_";

/* Results, for which the structs below stand. */
%ignore husk_heap_figures;
%ignore husk_pass;
%ignore husk_pacing;
%ignore husk_counts;
%ignore husk_generation;
%ignore husk_steps;

%include "husk.i"

/* A heap without the public package, for the tests of this layer. */
%rename("Open") husk_go_raw_open;
%rename("Close") husk_go_raw_close;
%inline %{
static husk_heap *husk_go_raw_open(const char *name)
{
  husk_heap_options options = { HUSK_HEAP_OPTIONS, .name = name };
  husk_heap *heap = NULL;
  return husk_heap_new(&options, &heap) == HUSK_OK ? heap : NULL;
}
static void husk_go_raw_close(husk_heap *heap)
{
  husk_heap_close(heap);
}
%}

%insert(cgo_comment_typedefs) %{
#include <husk.h>
%}

%insert(go_wrapper) %{
// Pass is struct husk_pass.
type Pass struct {
	Generation, Reason                                    int32
	Examined, Collected, Uncollectable                    uintptr
	Finalized, Resurrected, WeakCleared, Deferred, Bytes uintptr
	FindNs, FinalizeNs, ReclaimNs                         uint64
	Mode                                                  int32
	Passes                                                uintptr
	Number                                                uint64
}

// Pacing is struct husk_pacing.
type Pacing struct {
	LeastObjects, LeastBytes uintptr
	Factor, FactorMax        float64
}

// Counts is struct husk_counts.
type Counts struct {
	GrownObjects, GrownBytes, LimitObjects, LimitBytes uintptr
}

// Generation is struct husk_generation.
type Generation struct {
	Passes, Examined, Collected, Uncollectable  uint64
	Finalized, Resurrected, WeakCleared, Bytes uint64
	FindNs, FinalizeNs, ReclaimNs, LongestNs    uint64
}

// Steps is struct husk_steps.
type Steps struct {
	Begun, Finished, GivenUp, Hurried uint64
	Steps, Late, LongestNs            uint64
	Nominated, Mistaken               uint64
	UnderWay                          bool
	_                                 [7]byte // as C pads it; go vet before 1.21 does not
}

// Figures is struct husk_heap_figures.
type Figures struct {
	Objects, ObjectBytes, BufferBytes, ForeignBytes uintptr
	BytesTaken, BytesPeak, MaxBytes                 uintptr
	Pages, PagesSpare, Chunks                       uintptr
	WeakCells, FrozenObjects                        uintptr
	DyingObjects, DyingBytes                        uintptr
}

// Each line fails to compile when a struct above and its original differ.
var (
	_ = [1]struct{}{}[unsafe.Sizeof(Pass{})-unsafe.Sizeof(C.husk_pass{})]
	_ = [1]struct{}{}[unsafe.Offsetof(Pass{}.Examined)-unsafe.Offsetof(C.husk_pass{}.examined)]
	_ = [1]struct{}{}[unsafe.Offsetof(Pass{}.WeakCleared)-unsafe.Offsetof(C.husk_pass{}.weak_cleared)]
	_ = [1]struct{}{}[unsafe.Offsetof(Pass{}.Bytes)-unsafe.Offsetof(C.husk_pass{}.bytes)]
	_ = [1]struct{}{}[unsafe.Offsetof(Pass{}.ReclaimNs)-unsafe.Offsetof(C.husk_pass{}.reclaim_ns)]
	_ = [1]struct{}{}[unsafe.Offsetof(Pass{}.Number)-unsafe.Offsetof(C.husk_pass{}.number)]
	_ = [1]struct{}{}[unsafe.Sizeof(Pacing{})-unsafe.Sizeof(C.husk_pacing{})]
	_ = [1]struct{}{}[unsafe.Offsetof(Pacing{}.FactorMax)-unsafe.Offsetof(C.husk_pacing{}.factor_max)]
	_ = [1]struct{}{}[unsafe.Sizeof(Counts{})-unsafe.Sizeof(C.husk_counts{})]
	_ = [1]struct{}{}[unsafe.Offsetof(Counts{}.LimitBytes)-unsafe.Offsetof(C.husk_counts{}.limit_bytes)]
	_ = [1]struct{}{}[unsafe.Sizeof(Generation{})-unsafe.Sizeof(C.husk_generation{})]
	_ = [1]struct{}{}[unsafe.Offsetof(Generation{}.WeakCleared)-unsafe.Offsetof(C.husk_generation{}.weak_cleared)]
	_ = [1]struct{}{}[unsafe.Offsetof(Generation{}.LongestNs)-unsafe.Offsetof(C.husk_generation{}.longest_ns)]
	_ = [1]struct{}{}[unsafe.Sizeof(Steps{})-unsafe.Sizeof(C.husk_steps{})]
	_ = [1]struct{}{}[unsafe.Offsetof(Steps{}.LongestNs)-unsafe.Offsetof(C.husk_steps{}.longest_ns)]
	_ = [1]struct{}{}[unsafe.Offsetof(Steps{}.UnderWay)-unsafe.Offsetof(C.husk_steps{}.under_way)]
	_ = [1]struct{}{}[unsafe.Sizeof(Figures{})-unsafe.Sizeof(C.husk_heap_figures{})]
	_ = [1]struct{}{}[unsafe.Offsetof(Figures{}.BytesPeak)-unsafe.Offsetof(C.husk_heap_figures{}.bytes_peak)]
	_ = [1]struct{}{}[unsafe.Offsetof(Figures{}.FrozenObjects)-unsafe.Offsetof(C.husk_heap_figures{}.frozen_objects)]
	_ = [1]struct{}{}[unsafe.Offsetof(Figures{}.DyingBytes)-unsafe.Offsetof(C.husk_heap_figures{}.dying_bytes)]
)
%}
