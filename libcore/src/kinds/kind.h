/* kinds/kind.h: what the ready-made kinds share: types registered at first use, checks of arguments,
 * hashing.
 *
 * Three rules hold in every kind, since a release may run any code of the program's (finalizers, weak
 * callbacks) and that code may use the very container it was called from:
 *   - what can fail comes first: a call that fails has changed nothing;
 *   - a new slot is filled before it is counted, as a pass may look at any allocation;
 *   - what is removed or replaced is taken out first and released last; the container, which that release
 *     may even end, is not touched afterwards. */
#ifndef HUSK_KINDS_KIND_H
#define HUSK_KINDS_KIND_H

#include <stdatomic.h>

#include <husk/heap.h>
#include <husk/kinds.h>
#include <husk/ledger.h>
#include <husk/value.h>

/* One of the built-in types. The handle is NULL until an object of the kind is first made; no object can be
 * of the kind before, so a comparison with the handle needs no lock. Any thread. */
typedef struct husk__kind_type {
    _Atomic(const husk_type *) handle;
    const char *wanted; /* in messages: "a list" */
    const husk_type_spec *spec;
    /* How it is registered: NULL is husk_type_register. */
    husk_status (*make)(const husk_type_spec *spec, const husk_type **out);
} husk__kind_type;

extern husk__kind_type husk__list_type;
extern husk__kind_type husk__map_type;
extern husk__kind_type husk__text_type;
extern husk__kind_type husk__box_type;
extern husk__kind_type husk__weakkeymap_type;
extern husk__kind_type husk__weakvaluemap_type;
extern husk__kind_type husk__weakset_type;

/* The handle, registered if need be. NULL: the reason is the heap's failure. */
const husk_type *husk__kind_register(husk__kind_type *kind, husk_heap *heap);

static inline const husk_type *husk__kind_handle(husk__kind_type *kind, husk_heap *heap)
{
    const husk_type *handle = atomic_load_explicit(&kind->handle, memory_order_acquire);
    return handle ? handle : husk__kind_register(kind, heap);
}

static inline bool husk__kind_is(husk__kind_type *kind, const husk_obj *obj)
{
    return husk_obj_type(obj) == atomic_load_explicit(&kind->handle, memory_order_acquire);
}

/* Fails with HUSK_ETYPE and "a list is wanted, this is a map". */
husk_status husk__kind_mismatch(const husk_obj *obj, const char *wanted);

static inline husk_status husk__kind_check(husk__kind_type *kind, const husk_obj *obj)
{
    return husk__kind_is(kind, obj) ? HUSK_OK : husk__kind_mismatch(obj, kind->wanted);
}

/* May v be stored in an object of this heap? HUSK_EINVAL, HUSK_EHEAP. */
husk_status husk__value_check_slow(husk_heap *heap, husk_value v);

static inline husk_status husk__value_check(husk_heap *heap, husk_value v)
{
    if (v.tag == HUSK_NIL || v.tag == HUSK_INT || v.tag == HUSK_FLOAT)
        return HUSK_OK;
    return husk__value_check_slow(heap, v);
}

/* References of a container: the ledger is told whose they are. slot NULL: items that move. */
static inline void husk__item_retain(husk_value v, const husk_obj *holder, const husk_value *slot)
{
    if (v.tag == HUSK_OBJ)
        husk_ledger_retain_in(v.as.o, holder, slot);
}

static inline void husk__item_release(husk_value v, const husk_obj *holder, const husk_value *slot)
{
    if (v.tag == HUSK_OBJ)
        husk_ledger_release_in(v.as.o, holder, slot);
}

/* What is taken out is the caller's. */
static inline void husk__item_give(husk_value v, const husk_obj *holder)
{
    if (v.tag == HUSK_OBJ)
        husk_ledger_move_out(v.as.o, holder, NULL);
}

/* Is this a record type? (record.c) Any thread, no lock. */
bool husk__record_is(const husk_type *type);

/* A value in few words for a message: 7, 0.5, true, "text", a list. Always fits and is NUL-terminated. */
enum { HUSK__WORDS = 80 };
const char *husk__value_words(char words[HUSK__WORDS], husk_value v);
/* The same for the bytes of a text. */
const char *husk__text_words(char words[HUSK__WORDS], const char *bytes, size_t length);

/* The hash of a text object's bytes, computed once; not 0. obj is a text. (text.c) */
uint64_t husk__text_hash(const husk_obj *obj);

/* Any bytes; not 0, so that 0 can say "not yet computed". */
uint64_t husk__hash_bytes(const char *bytes, size_t length);

/* Spreads every bit of x over the whole word: the finisher of MurmurHash3 with the constants that David
 * Stafford found by search (his mix 13), a bijection. Neighbouring integers and addresses end up far apart.
 * */
static inline uint64_t husk__mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

#endif
