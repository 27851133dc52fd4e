/* system_husk.h: Husk itself, through the public headers only: births and locks with the inline calls, as for those
 * who make many, retain and release are inline anyway; everything else is a call into the library. */
#ifndef BENCH_SYSTEM_HUSK_H
#define BENCH_SYSTEM_HUSK_H

#include <husk.h>

#define SYS_COUNTS 1
#define SYS_COLLECTS 1
#define SYS_WEAK 1
#define SYS_EPHEMERONS 1
#define SYS_TRACES 1
#define SYS_FRAMES 16
#define SYS_NATIVE 1
#define SYS_EXACT 1

typedef husk_obj sys_obj;
typedef husk_weak sys_weak;
typedef husk_obj sys_weakmap;
typedef husk_snapshot sys_snapshot;
typedef husk_stats sys_stats;

typedef struct sys_node {
    husk_obj *ref[2];
    int64_t number;
} sys_node;

extern husk_heap *sys_heap;
extern const husk_type *sys_type;

const char *sys_about(void);
void sys_start(void);
size_t sys_collect(void);

static inline void sys_reclaim(void)
{
}

static inline sys_node *sys_node_of(sys_obj *o)
{
    return husk_obj_data(o);
}

#define sys_number(o) (sys_node_of(o)->number)

static inline sys_obj *sys_new(void)
{
    return husk_obj_new_inline(sys_heap, sys_type);
}

static inline void sys_retain(sys_obj *o)
{
    husk_obj_retain(o);
}

static inline void sys_release(sys_obj *o)
{
    husk_obj_release(o);
}

static inline sys_obj *sys_ref(sys_obj *o, int i)
{
    return sys_node_of(o)->ref[i];
}

static inline void sys_set(sys_obj *o, unsigned i, sys_obj *value)
{
    (void)husk_obj_set_inline(o, &sys_node_of(o)->ref[i], value);
}

static inline void sys_take(sys_obj *o, unsigned i, sys_obj *value)
{
    (void)husk_obj_take_inline(o, &sys_node_of(o)->ref[i], value);
}

static inline void sys_end(sys_obj *o)
{
    husk_obj_release(o);
}

static inline void sys_end_list(sys_obj *o)
{
    husk_obj_release(o);
}

static inline sys_weak *sys_weak_new(sys_obj *o)
{
    return husk_weak_new(o, NULL, NULL, NULL);
}

static inline sys_obj *sys_weak_lock(sys_weak *w)
{
    return husk_weak_lock_inline(w);
}

static inline void sys_weak_end(sys_weak *w)
{
    husk_weak_release(w);
}

static inline sys_weakmap *sys_weakmap_new(void)
{
    return husk_weakkeymap_new(sys_heap);
}

static inline void sys_weakmap_set(sys_weakmap *m, sys_obj *key, sys_obj *value)
{
    (void)husk_weakkeymap_set(m, key, husk_ref(value));
}

static inline size_t sys_weakmap_count(sys_weakmap *m)
{
    return husk_weakkeymap_count(m);
}

static inline void sys_weakmap_end(sys_weakmap *m)
{
    husk_obj_release(m);
}

#endif
