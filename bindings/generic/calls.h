/* bindings/generic/calls.h: what the shared description leaves to a language, in a form that every language can
 * have: no callbacks, no cursors, no results through pointers. `get` gives the value itself: SWIG's typemaps copy
 * texts and make wrappers. Failures are in the heap (husk_heap_failure) or, where there is none, in a trouble. */
#ifndef HUSK_GENERIC_CALLS_H
#define HUSK_GENERIC_CALLS_H

#include "value.h"

/* A record type; `fields` are names between blanks or commas. The token of the type, or NULL. */
void *husk_generic_record_type(const char *name, const char *fields, husk_generic_trouble *trouble);

/* Fields by name. */
husk_value husk_generic_record_get(husk_obj *record, const char *field);
husk_status husk_generic_record_set(husk_obj *record, const char *field, husk_value v);

husk_value husk_generic_list_get(husk_obj *list, size_t index);
/* What was removed; it ends at the next call unless a wrapper has it. */
husk_value husk_generic_list_remove(husk_obj *list, size_t index);

husk_value husk_generic_map_get(husk_obj *map, husk_value key);
bool husk_generic_map_has(husk_obj *map, husk_value key);
/* A new list of the keys, in order. */
husk_obj *husk_generic_map_keys(husk_obj *map);

husk_value husk_generic_weakkeymap_get(husk_obj *map, husk_obj *key);
husk_value husk_generic_weakvaluemap_get(husk_obj *map, husk_value key);

husk_weak *husk_generic_weak_new(husk_obj *obj);

/* A cleanup without a callback: when obj is gone, its number waits for whoever asks. */
husk_cleanup *husk_generic_watch(husk_obj *obj, int64_t number);
/* The number of the next cleanup that has run, in the order in which they ran; nil if there is none. */
husk_value husk_generic_gone(husk_heap *heap);

/* "list", the name of a record's type, ... */
const char *husk_generic_typename(husk_obj *obj);

/* The same object behind two wrappers. */
bool husk_generic_same(husk_obj *a, husk_obj *b);

/* Live objects whose type has that name. */
size_t husk_generic_census(husk_heap *heap, const char *name);

/* A pass, of which the figures are kept; how many objects it collected. */
size_t husk_generic_collect(husk_heap *heap);
size_t husk_generic_collect_young(husk_heap *heap);
/* True: the pass is over. Its figures so far are those of the latest collect. */
bool husk_generic_step(husk_heap *heap, uint64_t budget_ns);

/* A number of the system's by the names of <husk/process.h>: "process", "rss". pid 0: this process. */
int64_t husk_generic_memory(int64_t pid, const char *group, const char *field, husk_generic_trouble *trouble);
/* A field of a process as a share of physical memory. */
double husk_generic_memory_percent(int64_t pid, const char *field, husk_generic_trouble *trouble);

#endif
