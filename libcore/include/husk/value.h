/* husk/value.h: what a slot of the ready-made kinds holds: nil, boolean, integer, double or a reference.
 *
 * 16 bytes; all zero is nil. A value does not own its reference by itself: functions say whether they retain.
 * Threads: as for the object in it. */
#ifndef HUSK_VALUE_H
#define HUSK_VALUE_H

#include <husk/inline.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum husk_tag { HUSK_NIL = 0, HUSK_BOOL, HUSK_INT, HUSK_FLOAT, HUSK_OBJ } husk_tag;

typedef struct husk_value {
    uint64_t tag; /* husk_tag */
    union {
        uint64_t b; /* 0 or 1 */
        int64_t i;
        double f;
        husk_obj *o; /* not NULL */
    } as;
} husk_value;

static inline husk_value husk_nil(void)
{
    husk_value v;
    v.tag = HUSK_NIL;
    v.as.i = 0;
    return v;
}

static inline husk_value husk_bool(bool b)
{
    husk_value v;
    v.tag = HUSK_BOOL;
    v.as.b = b ? 1u : 0u;
    return v;
}

static inline husk_value husk_int(int64_t i)
{
    husk_value v;
    v.tag = HUSK_INT;
    v.as.i = i;
    return v;
}

static inline husk_value husk_float(double f)
{
    husk_value v;
    v.tag = HUSK_FLOAT;
    v.as.f = f;
    return v;
}

/* A borrowed reference; NULL becomes nil. */
static inline husk_value husk_ref(HUSK_NULLABLE husk_obj *o)
{
    husk_value v = husk_nil();
    if (o) {
        v.tag = HUSK_OBJ;
        v.as.o = o;
    }
    return v;
}

/* As husk_obj_retain and husk_obj_release, if v is a reference; else nothing. */
static inline void husk_value_retain(husk_value v)
{
    if (v.tag == HUSK_OBJ)
        husk_obj_retain(v.as.o);
}

static inline void husk_value_release(husk_value v)
{
    if (v.tag == HUSK_OBJ)
        husk_obj_release(v.as.o);
}

/* Same tag and same number, or the same object, or two texts with the same bytes. NaN equals nothing. */
HUSK_API bool husk_value_equal(husk_value a, husk_value b);

/* Stores v in a value slot of self with a reference of its own; releases what was there. HUSK_EHEAP: v is an
 * object of another heap; HUSK_EINVAL: no such tag; nothing changes. */
HUSK_API husk_status husk_value_set(husk_obj *self, husk_value *slot, husk_value v);

#ifdef __cplusplus
}
#endif

#endif
