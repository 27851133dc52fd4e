/* object/object.c: birth, and what can be asked of an object. Death is death.c. */
#include "object/hook.h"
#include "object/ledgered.h"
#include "object/state.h"
#include "object/traced.h"

#include <string.h>

void husk__check_owner(const husk_heap *heap)
{
    ALWAYS(heap->attached && pthread_equal(heap->owner, pthread_self()),
           "heap %s is used by a thread that does not own it", heap->name);
}

bool husk__is_own_object(const husk_heap *heap, const void *at)
{
    const struct husk__chunk *chunk = husk__chunk_of(at);
    size_t low = 0, high = heap->store.chunk_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (heap->store.chunks[middle] < chunk)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == heap->store.chunk_count || heap->store.chunks[low] != chunk ||
        husk__page_index(at) < HUSK__HEAD_PAGES)
        return false;
    return husk__is_block(husk__page_of(at), at) && husk__is_object(at);
}

ALWAYS_INLINE husk_obj *begin(struct husk__slot *block, const husk_type *type)
{
    husk_obj *obj = (husk_obj *)block;
    block->head = type->birth.head;
    obj->cell = obj->site = 0;
    return obj;
}

static NEVER_INLINE husk_obj *fail(husk_heap *heap, const husk_type *type, size_t bytes)
{
    husk_status status = heap->store.failure ? heap->store.failure : HUSK_ENOMEM;
    heap->store.failure = HUSK_OK;
    if (status == HUSK_ELIMIT)
        (void)husk_heap_fail(heap, status,
                             "object of type %s (%zu bytes): max_bytes %zu is reached, %zu are taken",
                             type->name, bytes, heap->store.max_bytes, heap->store.bytes_taken);
    else
        (void)husk_heap_fail(heap, status, "object of type %s (%zu bytes): %s", type->name, bytes,
                             husk_status_text(status));
    return NULL;
}

/* A zeroed block of any size. */
static __attribute__((noinline)) husk_obj *birth(husk_heap *heap, const husk_type *type, size_t bytes,
                                                 struct husk__from from)
{
    if (heap->busy & BUSY_OWNER)
        husk__check_owner(heap);
    bool tracked = type->flags & TYPE_TRACKED, dirty = true;
    struct husk__slot *block;
    if (bytes <= HUSK__LARGEST)
        block = husk__store_take(&heap->store, husk__class_of(bytes) + (tracked ? HUSK__CLASSES : 0));
    else
        block = husk__store_large(&heap->store, bytes, tracked, &dirty);
    if (!block)
        return fail(heap, type, bytes);
    HUSK__UNPOISON(block, bytes);
    if (dirty)
        memset((char *)block + HUSK__HEADER, 0, bytes - HUSK__HEADER);
    husk_obj *obj = begin(block, type);
    if (UNLIKELY(heap->store.picked)) {
        unsigned picked = heap->store.picked;
        const char *at_file = heap->said.at_file;
        heap->store.picked = 0;
        if (picked & PICKED_TRACE)
            husk__traced_birth(heap, obj, husk__block_bytes(husk__page_of(obj)), from);
        if (picked & PICKED_LEDGER)
            husk__ledgered_birth(heap, obj, at_file, from);
    }
    return obj;
}

static __attribute__((noinline)) husk_obj *birth_of_type(husk_heap *heap, const husk_type *type,
                                                         struct husk__from from)
{
    if (type->flags & TYPE_ITEMS) {
        (void)husk_heap_fail(heap, HUSK_EINVAL, "type %s has items: use husk_obj_new_items", type->name);
        return NULL;
    }
    return birth(heap, type, type->block, from);
}

/* The usual birth while every one is traced: a block waits aside, its place is one native frame and was met before.
 * A leaf function: whatever else is the matter, a tail call does it. */
husk_obj *husk__obj_new_slow_1(husk_heap *heap, const husk_type *type)
{
    struct husk__from from = HUSK__FROM_HERE;
    struct husk__bin *bin = husk__bin_of(&heap->store, type);
    struct husk__slot *block = bin->aside; /* there is none of types with items */
    struct husk__tracer *tracer = heap->tracer;
    if (!block || !tracer || heap->ledgered)
        return birth_of_type(heap, type, from);
    uint32_t record = husk__capture_quick(tracer, &heap->said, from);
    if (UNLIKELY(!record) || UNLIKELY(tracer->sampler.mean != 0) || UNLIKELY(tracer->until_clock == 1) ||
        UNLIKELY(heap->busy & BUSY_OWNER) || husk__zero_bytes(type) > 56)
        return birth_of_type(heap, type, from);
    size_t bytes = bin->page->block;
    bin->aside = block->next;
    bin->aside_count--;
    HUSK__UNPOISON(block, bytes);
    husk_obj *obj = husk__birth_fill((char *)block, &type->birth, husk__zero_bytes(type));
    obj->site = husk__record_birth(tracer, record, 1, bytes, obj);
    return obj;
}

husk_obj *husk_obj_new(husk_heap *heap, const husk_type *type)
{
    return husk_obj_new_inline(heap, type);
}

husk_obj *husk_obj_new_items(husk_heap *heap, const husk_type *type, size_t count)
{
    if (!(type->flags & TYPE_ITEMS)) {
        (void)husk_heap_fail(heap, HUSK_EINVAL, "type %s has no items", type->name);
        return NULL;
    }
    if (count > (SIZE_MAX / 4 - type->block) / type->item_size) {
        (void)husk_heap_fail(heap, HUSK_ERANGE, "type %s: %zu items of %zu bytes are too many", type->name,
                             count, type->item_size);
        return NULL;
    }
    size_t unit = type->block % 16 == 0 ? 16 : 8;
    size_t bytes = husk__round_up(type->items_at + count * type->item_size, unit);
    husk_obj *obj = birth(heap, type, bytes < type->block ? type->block : bytes, HUSK__FROM_HERE);
    if (obj)
        *(size_t *)(void *)((char *)obj + type->item_count_at) = count;
    return obj;
}

void *husk_obj_items(husk_obj *obj)
{
    const husk_type *type = husk__type_of(obj);
    return type->flags & TYPE_ITEMS ? (char *)obj + type->items_at : NULL;
}

size_t husk_obj_item_count(const husk_obj *obj)
{
    const husk_type *type = husk__type_of(obj);
    return type->flags & TYPE_ITEMS ? *(const size_t *)(const void *)((const char *)obj + type->item_count_at)
                                    : 0;
}

size_t husk_obj_strong_count(const husk_obj *obj)
{
    return husk__is_immortal(obj) ? SIZE_MAX : husk__count_of(obj);
}

bool husk_obj_is_unique(const husk_obj *obj)
{
    return husk__count_of(obj) == 1 && husk_obj_weak_count(obj) == 0 &&
           (!obj->cell || !husk__cell_at(obj->cell)->ties);
}

void husk_obj_make_immortal(husk_obj *obj)
{
    if (husk__is_ledgered(obj))
        husk__ledgered_leave(obj);
    obj->rc = RC_IMMORTAL;
}

bool husk_obj_is_immortal(const husk_obj *obj)
{
    return husk__is_immortal(obj);
}

husk_heap *husk_obj_heap(const husk_obj *obj)
{
    return husk__heap_of(obj);
}

const husk_type *husk_obj_type(const husk_obj *obj)
{
    return husk__type_of(obj);
}

size_t husk_obj_size(const husk_obj *obj)
{
    return husk__block_bytes(husk__page_of(obj));
}

bool husk_obj_is_tracked(const husk_obj *obj)
{
    return husk__type_of(obj)->flags & TYPE_TRACKED;
}

bool husk_obj_is_finalized(const husk_obj *obj)
{
    return obj->tf & TF_FINALIZED;
}

bool husk_obj_is_frozen(const husk_obj *obj)
{
    return husk__page_of(obj)->frozen;
}

bool husk_obj_is_dying(const husk_obj *obj)
{
    return husk__is_dying(obj);
}

void husk_obj_release_later(husk_obj *obj, husk_later *node)
{
    husk_heap *heap = husk__heap_of(obj);
    node->obj = obj;
    node->next = atomic_load_explicit(&heap->later, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(&heap->later, &node->next, node, memory_order_release,
                                                  memory_order_relaxed)) {
    }
    husk__let_wait(&heap->store, HUSK__WAITS_LATER);
}
