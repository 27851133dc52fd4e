/* bindings/generic/generic.i: level 1, for any language that SWIG knows. A language's <lang>.i says %module, brings
 * typemaps for husk_value, and includes this. No language is named here.
 *
 * SWIG's classes hold tokens (handle.h) where the C functions want pointers. The default `in` typemaps of a
 * language give the token, the `check` typemaps below put the object in its place or raise; HUSK_GIVE makes a
 * token of a result. So safety is here once, whatever the language does with its wrappers. */
%include <exception.i>
%include <stdint.i>

%{
#include "calls.h"
#include "figure.h"
#include "gcstat.h"
#include "pacing.h"
#include "snapshot.h"

/* The exception that SWIG has for a status. */
static int husk_generic_code(husk_status status)
{
  switch (status) {
  case HUSK_ENOMEM:
    return SWIG_MemoryError;
  case HUSK_ERANGE:
  case HUSK_EMISSING:
    return SWIG_IndexError;
  case HUSK_EINVAL:
    return SWIG_ValueError;
  case HUSK_ETYPE:
  case HUSK_EHEAP:
    return SWIG_TypeError;
  default:
    return SWIG_RuntimeError;
  }
}
%}

/* ---- how calls fail ---- */

%define HUSK_ENTER(heap)
%enddef
%define HUSK_LEAVE(heap) husk_generic_leave(heap); %enddef
%define HUSK_RAISE(reason, heap)
  { husk_generic_trouble trouble;
    husk_generic_failed(heap, reason, &trouble);
    SWIG_exception(husk_generic_code(trouble.status), trouble.text); }
%enddef
%define HUSK_GIVE(result)
  if (result) {
    husk_heap *giving = husk_obj_heap((husk_obj *)(void *)result);
    result = husk_generic_give((husk_obj *)(void *)result);
    if (!result) HUSK_RAISE(HUSK_ENOMEM, giving)
  }
%enddef

/* Answers, and notes with the heap when it has no answer. */
%define HUSK_ANSWERS(fn, heap)
%exception fn {
  husk_heap_clear_failure(heap);
  $action
  if (husk_heap_failure(heap)) {
    HUSK_RAISE(husk_heap_failure(heap), heap)
  }
}
%enddef

/* Gives a token, or NULL and a trouble in that argument: there is no heap to ask. */
%define HUSK_TOKENS(fn, argument)
%exception fn {
  $action
  if (!result) {
    SWIG_exception(husk_generic_code(argument->status), argument->text);
  }
}
%enddef

/* Answers a number, or leaves a trouble in that argument. */
%define HUSK_NUMBERS(fn, argument)
%exception fn {
  $action
  if (argument->status != HUSK_OK) {
    SWIG_exception(husk_generic_code(argument->status), argument->text);
  }
}
%enddef

/* ---- arguments ---- */

%define HUSK_LOOKED_UP(noun)
%typemap(check) husk_##noun *, struct husk_##noun *, const husk_##noun *, struct husk_##noun const * {
  husk_generic_trouble trouble;
  if (!husk_generic_##noun((void *)&$1, "$symname", $argnum, &trouble)) {
    SWIG_exception(husk_generic_code(trouble.status), trouble.text);
  }
}
%enddef
HUSK_LOOKED_UP(heap)
HUSK_LOOKED_UP(obj)
HUSK_LOOKED_UP(weak)
HUSK_LOOKED_UP(cleanup)
HUSK_LOOKED_UP(type)

/* Not looked up: what is said about the token itself. */
%typemap(check) husk_obj *token, husk_weak *token, husk_cleanup *token ""

/* `cross` is what the language's own `in` typemap has filled. */
%typemap(check) husk_value {
  husk_generic_trouble trouble;
  if (!husk_generic_store(&cross$argnum, arg1, &$1, "$symname", $argnum, &trouble)) {
    SWIG_exception(husk_generic_code(trouble.status), trouble.text);
  }
}

%typemap(check) const char * {
  if (!$1) {
    SWIG_exception(SWIG_ValueError, "$symname: argument $argnum is nothing: a text is due (HUSK_EINVAL)");
  }
}

%typemap(in, numinputs=0) husk_generic_trouble * (husk_generic_trouble trouble) "$1 = &trouble;"

/* ---- names: husk_list_new is list_new in the language's module ---- */

%rename("%(regex:/^husk_(generic_)?(.+)$/\\2/)s", %$isfunction) "";
%rename("WeakState") husk_weak_state;
%rename("state") husk_weak::state_get;

/* ---- what level 1 has in another form, or not at all ---- */

/* Results through pointers: the get functions and figures below. */
%ignore husk_record_peek;
%ignore husk_record_set;
%ignore husk_record_field;
%ignore husk_list_peek;
%ignore husk_map_peek;
%ignore husk_weakkeymap_peek;
%ignore husk_heap::collect;
%ignore husk_heap::collect_dry;
%ignore husk_heap::collect_young;
%ignore husk_heap::steps;
%ignore husk_heap::counts;
%ignore husk_heap::generation;
%ignore husk_heap::figures_get(husk_heap_figures *) const; /* so spelled, it outdoes the %rename of heap.i */
%ignore husk_heap::get_pacing;
%ignore husk_heap::set_pacing;
%ignore husk_pass;
%ignore husk_counts;
%ignore husk_generation;
%ignore husk_steps;
%ignore husk_pacing;
%ignore husk_heap_figures;
/* Keeps the pointer to its argument. */
%ignore husk_heap::disable;
/* A figure that only C can keep right. */
%ignore husk_heap::foreign;
/* Names a callback, and there are none. */
%ignore husk_heap::off_pass;
/* A text needs a heap. */
%ignore husk_value_equal;

%include "husk.i"
%include "weakmap.i"
%include "cleanup.i"
%include "soft.i"
%include "deadqueue.i"

HUSK_TOKENS(husk_heap::husk_heap, arg2)
HUSK_TOKENS(husk_generic_record_type, arg3)
HUSK_NUMBERS(husk_generic_memory, arg4)
HUSK_NUMBERS(husk_generic_memory_percent, arg3)
HUSK_MAKES(husk_generic_map_keys, husk_obj_heap(arg1))
HUSK_MAKES(husk_generic_weak_new, husk_obj_heap(arg1))
HUSK_MAKES(husk_generic_watch, husk_obj_heap(arg1))
HUSK_ENDS(husk_generic_gone, arg1)
HUSK_DOES(husk_generic_record_set, husk_obj_heap(arg1))
HUSK_ANSWERS(husk_generic_record_get, husk_obj_heap(arg1))
HUSK_ANSWERS(husk_generic_list_get, husk_obj_heap(arg1))
HUSK_ANSWERS(husk_generic_list_remove, husk_obj_heap(arg1))
HUSK_ANSWERS(husk_generic_map_get, husk_obj_heap(arg1))
HUSK_ANSWERS(husk_generic_map_has, husk_obj_heap(arg1))
HUSK_ANSWERS(husk_generic_weakkeymap_get, husk_obj_heap(arg1))
HUSK_ANSWERS(husk_generic_weakvaluemap_get, husk_obj_heap(arg1))
HUSK_ANSWERS(husk_heap::figure, arg1)
HUSK_ANSWERS(husk_heap::collect_now, arg1)
HUSK_ANSWERS(husk_heap::collect_young_now, arg1)
HUSK_ANSWERS(husk_heap::step_now, arg1)
HUSK_ANSWERS(husk_heap::region_end, arg1)
HUSK_ANSWERS(husk_heap::idle_now, arg1)
HUSK_DOES(husk_heap::region_begin, arg1)
HUSK_DOES(husk_heap::stress, arg1)
HUSK_DOES(husk_heap::pace, arg1)
HUSK_DOES(husk_heap::disable_passes, arg1)
HUSK_DOES(husk_heap::trace_start, arg1)
HUSK_DOES(husk_heap::trace_push, arg1)
HUSK_DOES(husk_heap::trace_pop, arg1)
HUSK_DOES(husk_heap::tag_push, arg1)
HUSK_DOES(husk_heap::tag_pop, arg1)
HUSK_DOES(husk_heap::mark, arg1)
HUSK_MAKES(husk_generic_snapshot_take, arg1)
HUSK_MAKES(husk_generic_snapshot_load, arg1)
HUSK_DOES(husk_generic_snapshot_save, husk_obj_heap(arg1))
HUSK_DOES(husk_generic_snapshot_export, husk_obj_heap(arg1))
HUSK_ANSWERS(husk_generic_snapshot_count, husk_obj_heap(arg1))
HUSK_ANSWERS(husk_generic_snapshot_text, husk_obj_heap(arg1))
HUSK_ANSWERS(husk_generic_snapshot_group, husk_obj_heap(arg1))
HUSK_ANSWERS(husk_generic_snapshot_name, husk_obj_heap(arg1))
HUSK_ANSWERS(husk_generic_snapshot_size, husk_obj_heap(arg1))
HUSK_ANSWERS(husk_generic_snapshot_things, husk_obj_heap(arg1))
HUSK_NUMBERS(husk_generic_gcstat_start, arg1)
HUSK_MAKES(husk_generic_gcstat_list, arg1)
HUSK_MAKES(husk_generic_gcstat_read, arg1)
HUSK_ANSWERS(husk_generic_gcstat_count, husk_obj_heap(arg1))
HUSK_ANSWERS(husk_generic_gcstat_figure, husk_obj_heap(arg1))
HUSK_ANSWERS(husk_generic_gcstat_word, husk_obj_heap(arg1))
HUSK_ANSWERS(husk_generic_gcstat_type, husk_obj_heap(arg1))
HUSK_ANSWERS(husk_generic_gcstat_freed, husk_obj_heap(arg1))

%rename("close") husk_heap::close_now;
%rename("collect") husk_heap::collect_now;
%rename("collect_young") husk_heap::collect_young_now;
%rename("step") husk_heap::step_now;
%rename("set_pacing") husk_heap::pace;
%rename("disable") husk_heap::disable_passes;
%rename("no_gc_begin") husk_heap::region_begin;
%rename("no_gc_end") husk_heap::region_end;
%rename("no_gc") husk_heap::in_region;
%rename("idle") husk_heap::idle_now;
%rename("set_stress") husk_heap::stress;

%extend husk_heap {
  husk_heap(const char *name, husk_generic_trouble *trouble) { return husk_generic_heap_new(name, trouble); }
  ~husk_heap() { husk_generic_drop($self); }
  void close_now() { husk_generic_heap_close($self); }
  size_t collect_now() { return husk_generic_collect($self); }
  size_t collect_young_now() { return husk_generic_collect_young($self); }
  bool step_now(uint64_t budget_ns) { return husk_generic_step($self, budget_ns); }
  int64_t figure(const char *name) { return husk_generic_figure($self, name); }
  size_t census(const char *type_name) { return husk_generic_census($self, type_name); }
  husk_status pace(size_t least_objects, size_t least_bytes, double factor) {
    return husk_generic_set_pacing($self, least_objects, least_bytes, factor); }
  husk_status region_begin(int64_t objects, int64_t bytes, bool reserve) {
    return husk_generic_no_gc_begin($self, objects, bytes, reserve); }
  const char *region_end() { return husk_generic_no_gc_end($self); }
  bool in_region() { return husk_generic_no_gc($self); }
  bool idle_now(int64_t budget_ns) { return husk_generic_idle($self, budget_ns); }
  husk_status stress(int64_t every, int64_t seed) { return husk_generic_set_stress($self, every, seed); }
  husk_status disable_passes() { return husk_heap_disable($self, "a script"); }
  husk_status trace_start(size_t frames) { return husk_generic_trace_start($self, frames); }
  void trace_stop() { husk_trace_stop($self); }
  bool is_traced() { return husk_trace_is_on($self); }
  husk_status trace_push(const char *file, size_t line, const char *function) {
    return husk_generic_trace_push($self, file, line, function); }
  husk_status trace_pop() { return husk_generic_trace_pop($self); }
  husk_status tag_push(const char *tag) { return husk_generic_tag_push($self, tag); }
  husk_status tag_pop() { return husk_generic_tag_pop($self); }
  husk_status mark(const char *name) { return husk_generic_mark($self, name); }
}
%extend husk_obj {
  ~husk_obj() { husk_generic_drop($self); }
}
%extend husk_weak {
  ~husk_weak() { husk_generic_drop($self); }
}
%extend husk_cleanup {
  ~husk_cleanup() { husk_generic_drop($self); }
}

husk_type *husk_generic_record_type(const char *name, const char *fields, husk_generic_trouble *trouble);
husk_value husk_generic_record_get(husk_obj *record, const char *field);
husk_status husk_generic_record_set(husk_obj *record, const char *field, husk_value v);
husk_value husk_generic_list_get(husk_obj *list, size_t index);
husk_value husk_generic_list_remove(husk_obj *list, size_t index);
husk_value husk_generic_map_get(husk_obj *map, husk_value key);
bool husk_generic_map_has(husk_obj *map, husk_value key);
husk_obj *husk_generic_map_keys(husk_obj *map);
husk_value husk_generic_weakkeymap_get(husk_obj *map, husk_obj *key);
husk_value husk_generic_weakvaluemap_get(husk_obj *map, husk_value key);
husk_weak *husk_generic_weak_new(husk_obj *obj);
husk_cleanup *husk_generic_watch(husk_obj *obj, int64_t number);
husk_value husk_generic_gone(husk_heap *heap);
const char *husk_generic_typename(husk_obj *obj);
bool husk_generic_same(husk_obj *a, husk_obj *b);
int64_t husk_generic_memory(int64_t pid, const char *group, const char *field, husk_generic_trouble *trouble);
double husk_generic_memory_percent(int64_t pid, const char *field, husk_generic_trouble *trouble);
husk_obj *husk_generic_snapshot_take(husk_heap *heap);
husk_obj *husk_generic_snapshot_load(husk_heap *heap, const char *path);
husk_status husk_generic_snapshot_save(husk_obj *snapshot, const char *path);
husk_status husk_generic_snapshot_export(husk_obj *snapshot, const char *path, const char *form);
int64_t husk_generic_snapshot_count(husk_obj *snapshot, const char *name);
husk_value husk_generic_snapshot_text(husk_obj *snapshot, const char *key);
size_t husk_generic_snapshot_group(husk_obj *snapshot, const char *by, const char *filter);
husk_value husk_generic_snapshot_name(husk_obj *snapshot, size_t row);
int64_t husk_generic_snapshot_size(husk_obj *snapshot, size_t row);
int64_t husk_generic_snapshot_things(husk_obj *snapshot, size_t row);
void husk_generic_gcstat_start(husk_generic_trouble *trouble);
void husk_gcstat_stop(void);
bool husk_gcstat_is_on(void);
husk_obj *husk_generic_gcstat_list(husk_heap *heap);
husk_obj *husk_generic_gcstat_read(husk_heap *heap, int64_t pid);
size_t husk_generic_gcstat_count(husk_obj *page);
int64_t husk_generic_gcstat_figure(husk_obj *page, size_t row, const char *name);
husk_value husk_generic_gcstat_word(husk_obj *page, size_t row, const char *name);
husk_value husk_generic_gcstat_type(husk_obj *page, size_t row, size_t place);
int64_t husk_generic_gcstat_freed(husk_obj *page, size_t row, size_t place);

/* Ends a wrapper's hold at once; it is dead from then on. */
%rename("release") husk_generic_release;
%rename("release_weak") husk_generic_release_weak;
%rename("release_cleanup") husk_generic_release_cleanup;
%rename("alive") husk_generic_is_alive;
%inline %{
static void husk_generic_release(husk_obj *token) { husk_generic_drop(token); }
static void husk_generic_release_weak(husk_weak *token) { husk_generic_drop(token); }
static void husk_generic_release_cleanup(husk_cleanup *token) { husk_generic_drop(token); }
static bool husk_generic_is_alive(husk_obj *token) { return husk_generic_alive(token); }
%}
