/* cycle/marking.h: the marking loop's parts, compiled once for one thread (mark.c) and once for several
 * (parallel.c): `how` is a constant at each use, so that the one-thread loop has nothing of the other in it.
 *
 * What differs with several: OPEN is taken away by one atomic step, so that each object has one finder; pending bits
 * are set and taken atomically; what only the owner's thread may look into is left to it. */
#ifndef HUSK_CYCLE_MARKING_H
#define HUSK_CYCLE_MARKING_H

#include "cycle/side.h"
#include "object/tie.h"
#include "object/visit.h"

struct husk__marking {
    bool shared;                                                /* between threads */
    void (*pend)(struct husk__marker *marker, husk_obj *obj);   /* the ring is full: it waits as a bit */
    bool (*leave)(struct husk__marker *marker, husk_obj *obj);  /* true: it has been left to another thread */
    husk__child_fn *edge;                                       /* husk__edge with this marking */
    void (*other)(struct husk__marker *marker, husk_obj *obj, const husk_type *type); /* husk__scan_other */
    void (*key)(struct husk__marker *marker, husk_obj *obj);    /* husk__scan_key */
    void (*keymap)(struct husk__marker *marker, husk_obj *obj); /* husk__scan_keymap */
};

/* No order between entries is asked for: phases have a barrier between them, and within one only the bits of the same
 * entry matter. */
ALWAYS_INLINE uint16_t husk__entry(const uint16_t *entry, bool shared)
{
    return shared ? __atomic_load_n(entry, __ATOMIC_RELAXED) : *entry;
}

/* In question until now: 1 for exactly one who asks, else 0. */
ALWAYS_INLINE unsigned husk__claim(uint16_t *entry, bool shared)
{
    uint16_t before = husk__entry(entry, shared);
    if (!shared)
        *entry = before & (uint16_t)~SIDE_OPEN;
    else if (before & SIDE_OPEN)
        before = __atomic_fetch_and(entry, (uint16_t)~SIDE_OPEN, __ATOMIC_RELAXED);
    return before & SIDE_OPEN;
}

/* Whether a reference leads to something new is a coin's toss, so nothing branches on it: the ring's next place is
 * written in any case, and counted if it is. `at` is marker->at, or what a loop keeps of it meanwhile. */
ALWAYS_INLINE void husk__consider(const struct husk__marking *how, struct husk__marker *marker,
                                  struct husk__cursor *at, husk_obj *obj)
{
    unsigned is_new = husk__claim(husk__side_of(obj), how->shared);
    at->marked += is_new;
    if (UNLIKELY(at->ring_count == MARK_RING)) {
        if (is_new)
            how->pend(marker, obj);
        return;
    }
    husk_obj **place = &marker->ring[(at->ring_first + at->ring_count) % MARK_RING];
    *place = obj;
    at->ring_count += is_new;
    const char *ahead = is_new ? (const char *)obj : (const char *)place;
    __builtin_prefetch(ahead);
    __builtin_prefetch(ahead + 32);
}

ALWAYS_INLINE void husk__edge(const struct husk__marking *how, struct husk__marker *marker,
                              struct husk__cursor *at, husk_obj *child)
{
    husk_obj **place = &marker->edges[at->edge_at++ % MARK_EDGES];
    husk_obj *ready = *place;
    *place = child;
    __builtin_prefetch(husk__side_of(child), 1);
    if (LIKELY(ready != NULL))
        husk__consider(how, marker, at, ready);
}

ALWAYS_INLINE void husk__flush_edges(const struct husk__marking *how, struct husk__marker *marker,
                                     struct husk__cursor *at)
{
    for (unsigned i = 0; i < MARK_EDGES; i++) {
        husk_obj **place = &marker->edges[at->edge_at++ % MARK_EDGES];
        husk_obj *ready = *place;
        *place = NULL;
        if (ready)
            husk__consider(how, marker, at, ready);
    }
}

ALWAYS_INLINE void husk__add_value(const struct husk__marking *how, struct husk__marker *marker,
                                   const struct husk__tie *tie)
{
    if (tie->other.tag == HUSK_OBJ)
        how->edge(tie->other.as.o, 0, 0, marker);
}

/* Of an ephemeron, whichever of key and map is scanned later finds the other one reached: both are scanned by the same
 * thread (parallel.c leaves them to the owner's), and each was claimed before it was scanned. */
ALWAYS_INLINE void husk__scan_key(const struct husk__marking *how, struct husk__marker *marker, husk_obj *obj)
{
    for (const struct husk__tie *tie = obj->cell ? husk__cell_at(obj->cell)->ties : NULL; tie;
         tie = tie->next)
        if ((husk__type_of(tie->owner)->flags & TYPE_EPHEMERON) &&
            !(husk__entry(husk__side_of(tie->owner), how->shared) & SIDE_OPEN))
            husk__add_value(how, marker, tie);
}

ALWAYS_INLINE void husk__scan_keymap(const struct husk__marking *how, struct husk__marker *marker,
                                     husk_obj *obj)
{
    for (HUSK__EACH_TIE(obj, tie))
        if (tie->hash && tie->target && !(husk__entry(husk__side_of(tie->target), how->shared) & SIDE_OPEN))
            husk__add_value(how, marker, tie);
}

/* Anything but references side by side. */
ALWAYS_INLINE void husk__scan_other(const struct husk__marking *how, struct husk__marker *marker,
                                    husk_obj *obj, const husk_type *type)
{
    if (UNLIKELY(obj->tf & TF_KEY))
        how->key(marker, obj);
    if (UNLIKELY(type->flags & TYPE_EPHEMERON))
        how->keymap(marker, obj);
    else
        husk__visit(type, obj, how->edge, marker);
}

ALWAYS_INLINE void husk__scan(const struct husk__marking *how, struct husk__marker *marker,
                              struct husk__cursor *at, husk_obj *obj)
{
    /* A dead object that a slot still holds has no slots of its own; seeding reports it (find.c). */
    const husk_type *type = husk__type_of(obj);
    if (how->shared && how->leave(marker, obj))
        return;
    if (UNLIKELY(!(type->flags & TYPE_FLAT)) || UNLIKELY(obj->tf & TF_KEY)) {
        marker->at = *at;
        how->other(marker, obj, type);
        *at = marker->at;
        return;
    }
    const char *ref = (const char *)obj + type->refs_at, *end = (const char *)obj + type->refs_end;
    for (; ref < end; ref += sizeof(husk_obj *)) {
        husk_obj *child = *(husk_obj *const *)(const void *)ref;
        if (child)
            husk__edge(how, marker, at, child);
    }
}

ALWAYS_INLINE husk_obj *husk__pop(struct husk__marker *marker, struct husk__cursor *at)
{
    husk_obj *obj = marker->ring[at->ring_first];
    at->ring_first = (at->ring_first + 1) % MARK_RING;
    at->ring_count--;
    return obj;
}

/* The object that begins in the granule at this offset of the page. */
ALWAYS_INLINE husk_obj *husk__object_at(const struct husk__page *page, char *start, size_t offset)
{
    if (page->state == HUSK__PAGE_RUN)
        return (husk_obj *)(void *)start;
    uint32_t index = ((uint32_t)offset + page->block - 1) / page->block;
    return (husk_obj *)(void *)(start + (size_t)index * page->block);
}

/* Hands out one word of pending bits at a time: objects that become pending behind it are met later. */
ALWAYS_INLINE void husk__scan_page(const struct husk__marking *how, struct husk__marker *marker,
                                   struct husk__cursor *at, struct husk__page *page)
{
    char *start = husk__page_start(page);
    uint64_t *words = husk__pending_word(start);
    unsigned n = page->state == HUSK__PAGE_RUN ? 1 : (unsigned)(HUSK__PAGE >> HUSK__GRANULE_SHIFT) / 64;
    for (unsigned w = 0; w < n; w++) {
        uint64_t word = how->shared ? __atomic_load_n(&words[w], __ATOMIC_SEQ_CST) : words[w];
        if (how->shared)
            word = word ? __atomic_exchange_n(&words[w], 0, __ATOMIC_SEQ_CST) : 0;
        else
            words[w] = 0;
        husk_obj *batch[64];
        unsigned count = 0;
        for (; word; word &= word - 1) {
            size_t offset = ((size_t)w * 64 + husk__lowest_bit(word)) << HUSK__GRANULE_SHIFT;
            batch[count] = husk__object_at(page, start, offset);
            __builtin_prefetch(batch[count]);
            __builtin_prefetch((const char *)batch[count++] + 32);
        }
        for (unsigned i = 0; i < count; i++)
            husk__scan(how, marker, at, batch[i]);
    }
}

#endif
