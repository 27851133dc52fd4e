/* system.h: the system that is measured. BENCH_SYSTEM names its header, which gives, inline where it matters:
 *
 *   SYS_COUNTS, SYS_COLLECTS, SYS_WEAK, SYS_EPHEMERONS   1 or 0: which rows make sense
 *   SYS_EXACT                            its collector finds all garbage, and sys_collect says how much
 *   sys_obj                              an object: two references and one 64-bit integer
 *   sys_about()                          its name and version, of the library that runs
 *   sys_start()                          once, first; no collection runs by itself from here on
 *   sys_new()                            an object with empty references and number 0, held by the caller
 *   sys_number(o), sys_ref(o, i)         its integer as an lvalue; one of its references, borrowed
 *   sys_set(o, i, value)                 stores a reference of its own, lets go what was there
 *   sys_take(o, i, value)                stores the caller's reference into an empty slot
 *   sys_end(o)                           the last reference goes: the object ends, and what only it held
 *   sys_end_list(o)                      the same for the head of a long list, without recursion
 * with SYS_COUNTS
 *   sys_retain(o), sys_release(o)        one reference more, one fewer
 * with SYS_COLLECTS (sys_release is empty if nothing is counted)
 *   sys_collect()                        a full collection; the number of objects collected
 *   sys_reclaim()                        after it: does at once what it left for later
 * with SYS_WEAK
 *   sys_weak, sys_weak_new(o), sys_weak_end(w)
 *   sys_weak_lock(w)                     the object, retained, or NULL
 *   sys_weakmap, sys_weakmap_new(), sys_weakmap_end(m)   a weak-key map
 *   sys_weakmap_set(m, key, value), sys_weakmap_count(m)
 * with SYS_EPHEMERONS                    the same, and a value may lead to its key */
#ifndef BENCH_SYSTEM_H
#define BENCH_SYSTEM_H

#include BENCH_SYSTEM

#endif
