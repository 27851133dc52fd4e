/* boehm.h: Boehm's conservative collector, one marker thread, not incremental. Nothing is counted; where
 * the work ends one object by hand, GC_FREE does, which spares the collector that work. */
#ifndef BENCH_PEERS_BOEHM_H
#define BENCH_PEERS_BOEHM_H

#ifndef GC_THREADS
#define GC_THREADS /* declares GC_set_markers_count */
#endif
#include <gc.h>
#include <stdint.h>
#include <stdlib.h>

#define SYS_COUNTS 0
#define SYS_COLLECTS 1
#define SYS_WEAK 0
#define SYS_EPHEMERONS 0
#define SYS_TRACES 0
#define SYS_EXACT 0

typedef struct sys_obj {
    struct sys_obj *ref[2];
    int64_t number;
} sys_obj;

#define sys_number(o) ((o)->number)

const char *sys_about(void);
void sys_start(void);
size_t sys_collect(void);
void sys_reclaim(void);

static inline sys_obj *sys_new(void)
{
    sys_obj *o = GC_MALLOC(sizeof *o); /* zeroed */
    if (!o)
        abort();
    return o;
}

static inline void sys_release(sys_obj *o)
{
    (void)o;
}

static inline sys_obj *sys_ref(sys_obj *o, int i)
{
    return o->ref[i];
}

static inline void sys_set(sys_obj *o, unsigned i, sys_obj *value)
{
    o->ref[i] = value;
}

static inline void sys_take(sys_obj *o, unsigned i, sys_obj *value)
{
    o->ref[i] = value;
}

static inline void sys_end(sys_obj *o)
{
    GC_FREE(o);
}

static inline void sys_end_list(sys_obj *o)
{
    while (o) {
        sys_obj *next = o->ref[0];
        GC_FREE(o);
        o = next;
    }
}

#endif
