/* cycle/searching.h: what searches share. How an object and a page are glanced at (glance.h) is compiled once for one
 * thread (glance.c) and once for several (parallel.c): `how` is a constant at each use. */
#ifndef HUSK_CYCLE_SEARCHING_H
#define HUSK_CYCLE_SEARCHING_H

#include "cycle/find.h"
#include "cycle/marking.h"

/* Bare keys belong to a search of all the heap only: one of some pages sees them as held, and the values with them. */
ALWAYS_INLINE bool husk__has_keys(const struct husk__search *search, const struct husk__page *page)
{
    return UNLIKELY(page->keymaps) && search->pages.all;
}

/* ---- seeding, the rare cases ---- */

/* A block without a live object; false: found->corrupt, a slot holds what has died. */
bool husk__seed_none(const husk_obj *obj, bool steps, struct husk__found *found);

/* An object whose count is perhaps not what was seen. SEED_CORRUPT: found->corrupt. */
enum husk__seed { SEED_CORRUPT, SEED_OPEN, SEED_HELD };
enum husk__seed husk__seed_rare(husk_obj *obj, uint64_t seen, bool steps, struct husk__found *found);

/* ---- a glance ---- */

struct husk__glancing {
    bool shared;                                               /* between threads */
    bool (*leave)(struct husk__marker *marker, husk_obj *obj); /* as husk__marking.leave */
    husk__child_fn *count;                                     /* one more reference to it has been seen */
};

/* A larger count would leave an entry no room below. */
#define HUSK__LARGE_RC ((uint32_t)HUSK__CARRY_AT * RC_ONE)

/* Nothing is taken: the object is to be asked. */
static NEVER_INLINE void husk__let_look(uint16_t *entry, bool shared)
{
    if (shared)
        __atomic_fetch_or(entry, SIDE_LOOK, __ATOMIC_RELAXED);
    else
        *entry |= SIDE_LOOK;
}

/* An object's own count is taken from its entry. One that has come round already, in a damaged heap, is left as it is. */
ALWAYS_INLINE void husk__take_own(uint16_t *entry, uint32_t rc, bool shared)
{
    uint16_t own = (uint16_t)(rc / RC_ONE * SIDE_ONE);
    if (UNLIKELY(rc >= HUSK__LARGE_RC)) {
        husk__let_look(entry, shared);
    } else if (shared) {
        uint16_t before = __atomic_fetch_sub(entry, own, __ATOMIC_RELAXED);
        if (UNLIKELY(before < own)) {
            __atomic_fetch_add(entry, own, __ATOMIC_RELAXED);
            husk__let_look(entry, true);
        }
    } else if (UNLIKELY(*entry < own)) {
        husk__let_look(entry, false);
    } else {
        *entry = (uint16_t)(*entry - own);
    }
}

/* A block whose references do not lie side by side; true: an object that is no dying one. Dying objects hold what they
 * refer to until they are gone, and as keys the values of their entries: they are known to be held before anything is
 * marked, since marking asks whether a key is. A reference that another thread counts meanwhile may leave a count
 * without OPEN behind, which nobody looks at. */
ALWAYS_INLINE bool husk__glance_other(const struct husk__glancing *how, husk_obj *obj,
                                      struct husk__found *found, struct husk__marker *marker)
{
    uint16_t *entry = husk__side_of(obj);
    if (UNLIKELY(obj->tf & TF_QUEUED)) {
        if (how->shared)
            __atomic_store_n(entry, 0, __ATOMIC_RELAXED);
        else
            *entry = 0;
        return false;
    }
    if (!husk__is_object(obj)) {
        husk__let_look(entry, how->shared);
        return false;
    }
    const husk_type *type = husk__type_of(obj);
    found->kinds |= type->flags;
    husk__take_own(entry, obj->rc, how->shared);
    if (!(how->shared && how->leave(marker, obj)))
        husk__visit(type, obj, how->count, marker);
    return true;
}

/* Blocks with living objects of one type with n references side by side, the first one among them; returns the first
 * block behind them. With n a constant nothing is left to be looked up or to be guessed. */
ALWAYS_INLINE char *husk__glance_alike(const struct husk__glancing *how, char *at, const char *end,
                                       size_t block, const husk_type *type, size_t n,
                                       struct husk__marker *marker)
{
    const size_t refs_at = type->refs_at;
    const uint32_t id = type->id;
    do {
        const husk_obj *obj = (const husk_obj *)(const void *)at;
        husk_obj *const *ref = (husk_obj *const *)(const void *)(at + refs_at);
        __builtin_prefetch(at + HUSK__AHEAD);
        husk__take_own(husk__side_of(obj), obj->rc, how->shared);
        for (size_t i = 0; i < n; i++)
            if (ref[i])
                how->count(ref[i], i, 0, marker);
        at += block;
    } while (at < end && (((const husk_obj *)(const void *)at)->tf & (TF_TYPE | TF_QUEUED)) == id);
    return at;
}

/* Most neighbours are of one type. */
ALWAYS_INLINE char *husk__glance_flat(const struct husk__glancing *how, char *at, const char *end,
                                      size_t block, const husk_type *type, struct husk__marker *marker)
{
    size_t n = type->field_count;
    switch (n) {
    case 1:
        return husk__glance_alike(how, at, end, block, type, 1, marker);
    case 2:
        return husk__glance_alike(how, at, end, block, type, 2, marker);
    case 3:
        return husk__glance_alike(how, at, end, block, type, 3, marker);
    case 4:
        return husk__glance_alike(how, at, end, block, type, 4, marker);
    default:
        return husk__glance_alike(how, at, end, block, type, n, marker);
    }
}

/* husk__glance_other and husk__glance_flat with a `how`, as functions of their own, so that their loops have all registers. */
typedef bool husk__glance_other_fn(husk_obj *obj, struct husk__found *found, struct husk__marker *marker);
typedef char *husk__glance_flat_fn(char *at, const char *end, size_t block, const husk_type *type,
                                   struct husk__marker *marker);

ALWAYS_INLINE void husk__glance_through(struct husk__page *page, struct husk__found *found,
                                        struct husk__marker *marker, husk__glance_other_fn *other,
                                        husk__glance_flat_fn *flat)
{
    const size_t block = page->block;
    char *at = husk__page_start(page), *end = husk__page_end(page);
    while (at < end) {
        husk_obj *obj = (husk_obj *)(void *)at;
        const husk_type *type = husk__type_of(obj);
        if ((type->flags & TYPE_FLAT) && !(obj->tf & TF_QUEUED)) {
            char *from = at;
            found->kinds |= type->flags;
            at = flat(at, end, block, type, marker);
            found->examined += (size_t)(at - from) / block;
        } else {
            found->examined += other(obj, found, marker);
            at += block;
        }
    }
}

#endif
