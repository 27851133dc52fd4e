/* cycle/ephemeron.h: what a pass does for weak-key maps, besides marking (cycle/mark.c).
 *
 * The value of an entry is counted as a reference of its map like any other, and marked only for a living key. So
 * a pass must know of every key whether it is garbage, also of keys that passes do not look at otherwise: those
 * without references of their own (bare keys). Such a key may be held by nothing but the values of its entries. */
#ifndef HUSK_CYCLE_EPHEMERON_H
#define HUSK_CYCLE_EPHEMERON_H

#include "cycle/mark.h"

/* fn(key) for each bare key that is alive and not frozen, of maps that take part; one of several maps more than
 * once. */
ALWAYS_INLINE void husk__each_bare_key(husk_heap *heap, void (*fn)(husk_obj *key, void *context),
                                       void *context)
{
    for (husk_obj *map = heap->keymaps; map; map = husk__keymap_of(map)->next) {
        if (!husk__takes_part(husk__page_of(map)) || (map->tf & TF_QUEUED))
            continue;
        for (HUSK__EACH_TIE(map, tie)) {
            if (!tie->hash || !tie->target)
                continue;
            const struct husk__page *page = husk__page_of(tie->target);
            if (page->tracked || page->frozen) /* asked first: it spares a look at the key itself */
                continue;
            if (!(tie->target->tf & TF_QUEUED))
                fn(tie->target, context);
        }
    }
}

/* Bare keys take part in the search that begins: their side entries count. After the entries were cleared. */
void husk__bare_keys_clear(husk_heap *heap);

/* Marks those that are held from outside. Adds to *examined how many keys there are. False: *corrupt has more
 * references than its count. */
bool husk__bare_keys_seed(husk_heap *heap, struct husk__marker *marker, size_t *examined,
                          const husk_obj **corrupt, uint64_t *seen);

/* In a set that user code has run for: references of outside maps to the values of members count as inside. */
void husk__member_keys_count(husk_obj *member);

#endif
