/* counted.h: hand counting over an allocator: mimalloc with BENCH_MIMALLOC, else whoever gives malloc: jemalloc,
 * tcmalloc (BENCH_JEMALLOC, BENCH_TCMALLOC) or glibc. What a careful C programmer writes: a count in the object, and a loop instead
 * of recursion when the last reference goes. */
#ifndef BENCH_PEERS_COUNTED_H
#define BENCH_PEERS_COUNTED_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef BENCH_MIMALLOC
#include <mimalloc.h>
#define sys_malloc mi_malloc
#define sys_free mi_free
#else
#if defined BENCH_JEMALLOC
#include <jemalloc/jemalloc.h>
#elif defined BENCH_TCMALLOC
#include <gperftools/tcmalloc.h>
#else
#include <gnu/libc-version.h>
#endif
#define sys_malloc malloc
#define sys_free free
#endif

#define SYS_COUNTS 1
#define SYS_COLLECTS 0
#define SYS_WEAK 0
#define SYS_EPHEMERONS 0
#define SYS_TRACES 0
#define SYS_EXACT 0

typedef struct sys_obj {
    size_t count;
    struct sys_obj *ref[2];
    union {
        int64_t number;
        struct sys_obj *next_dead; /* once the count is zero */
    } as;
} sys_obj;

#define sys_number(o) ((o)->as.number)

static inline const char *sys_about(void)
{
    static char text[40];
#ifdef BENCH_MIMALLOC
    snprintf(text, sizeof text, "mimalloc %d.%d.%d", mi_version() / 100, mi_version() / 10 % 10,
             mi_version() % 10);
#elif defined BENCH_JEMALLOC
    const char *version = "?";
    size_t length = sizeof version;
    (void)mallctl("version", &version, &length, NULL, 0);
    snprintf(text, sizeof text, "jemalloc %.*s", (int)strcspn(version, "-"), version);
#elif defined BENCH_TCMALLOC
    snprintf(text, sizeof text, "tcmalloc %s", tc_version(NULL, NULL, NULL));
#else
    snprintf(text, sizeof text, "glibc %s", gnu_get_libc_version());
#endif
    return text;
}

static inline void sys_start(void)
{
}

static inline sys_obj *sys_new(void)
{
    sys_obj *o = sys_malloc(sizeof *o);
    if (!o)
        abort();
    o->count = 1;
    o->ref[0] = o->ref[1] = NULL;
    o->as.number = 0;
    return o;
}

static inline void sys_retain(sys_obj *o)
{
    o->count++;
}

/* The object's count is zero: ends it, and what only it held. */
static inline void sys_drain(sys_obj *dead)
{
    dead->as.next_dead = NULL;
    do {
        sys_obj *o = dead;
        dead = o->as.next_dead;
        for (int i = 0; i < 2; i++) {
            sys_obj *to = o->ref[i];
            if (to && --to->count == 0) {
                to->as.next_dead = dead;
                dead = to;
            }
        }
        sys_free(o);
    } while (dead);
}

static inline void sys_release(sys_obj *o)
{
    if (--o->count == 0)
        sys_drain(o);
}

static inline sys_obj *sys_ref(sys_obj *o, int i)
{
    return o->ref[i];
}

static inline void sys_set(sys_obj *o, unsigned i, sys_obj *value)
{
    sys_obj *old = o->ref[i];
    sys_retain(value);
    o->ref[i] = value;
    if (old)
        sys_release(old);
}

static inline void sys_take(sys_obj *o, unsigned i, sys_obj *value)
{
    o->ref[i] = value;
}

static inline void sys_end(sys_obj *o)
{
    sys_release(o);
}

static inline void sys_end_list(sys_obj *o)
{
    sys_release(o);
}

#endif
