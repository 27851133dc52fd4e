/* tests/model/world_types.c: the types of the real heap, their hooks, and their slots. See world.h. */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The number comes first in every type. */
typedef struct two {
    uint64_t number;
    husk_obj *refs[2];
} two;
typedef struct large {
    uint64_t number;
    husk_obj *first;
    char body[9000];
    husk_obj *last;
} large;
typedef struct items {
    uint64_t number;
    size_t count;
} items;
typedef struct item {
    husk_obj *ref;
} item;
typedef struct bag {
    uint64_t number;
    husk_obj **refs;
    size_t count, room;
} bag;
typedef struct odd {
    uint64_t number;
    husk_obj *stranger; /* not a reference */
    husk_obj *refs[3];
} odd;
typedef struct vals {
    uint64_t number, pad;
    husk_value value[2];
} vals;
typedef struct leaf {
    uint64_t number;
} leaf;

const husk_type *world_types[K_TYPES];
world *world_now;

/* ---- from address to number ---- */

enum { BUCKETS = 4096 };
static struct {
    uintptr_t address;
    int number;
} buckets[BUCKETS];

static size_t bucket_of(uintptr_t address)
{
    size_t i = (address >> 5) * 0x9E3779B1u % BUCKETS;
    while (buckets[i].address && buckets[i].address != address)
        i = (i + 1) % BUCKETS;
    return i;
}

int world_enter(world *w, husk_obj *obj, kind k)
{
    uintptr_t address = (uintptr_t)obj;
    size_t i = bucket_of(address);
    int number = ++w->born;
    buckets[i].address = address;
    buckets[i].number = number;
    w->address[number] = address;
    w->kinds[number] = k;
    return number;
}

int world_number(const world *w, const husk_obj *obj)
{
    (void)w;
    return obj ? buckets[bucket_of((uintptr_t)obj)].number : 0;
}

/* ---- types ---- */

void world_hook(told told_what, int number, husk_obj *self)
{
    world *w = world_now;
    tell(w->log, told_what, number);
    if (w->allocating) {
        fprintf(stderr, "hook %d of object %d runs inside an allocation\n", (int)told_what, number);
        abort();
    }
    if (w->closing && told_what == E_FREE)
        return;
    act acts[HOOK_ACTS];
    bool outer = w->in_hook;
    husk_obj *outer_self = w->handle[SELF];
    int outer_number = w->held[SELF];
    w->in_hook = true;
    w->handle[SELF] = self;
    w->held[SELF] = self ? number : 0;
    hook_acts(w->seed, told_what, number, acts);
    for (int i = 0; i < HOOK_ACTS; i++) {
        if (!w->promise || w->promise(acts[i]))
            world_do(w, acts[i]);
    }
    w->handle[SELF] = outer_self;
    w->held[SELF] = outer_number;
    w->in_hook = outer;
}

static void on_finalize(husk_obj *self)
{
    world_hook(E_FINALIZE, (int)((leaf *)husk_obj_data(self))->number, self);
}

static void tell_dispose(husk_obj *self)
{
    tell(world_now->log, E_DISPOSE, (long)((leaf *)husk_obj_data(self))->number);
}

static void on_dispose(husk_obj *self)
{
    tell_dispose(self);
    if (world_now->allocating) {
        fprintf(stderr, "dispose of object %d, which may not run anywhere, runs inside an allocation\n",
                (int)((leaf *)husk_obj_data(self))->number);
        abort();
    }
}

static void bag_dispose(husk_obj *self)
{
    bag *b = husk_obj_data(self);
    tell_dispose(self);
    husk_buffer_free(husk_obj_heap(self), b->refs, b->room * sizeof *b->refs);
}

static void odd_each(husk_obj *self, husk_visit_fn *visit, void *data)
{
    odd *o = husk_obj_data(self);
    for (int i = 0; i < 3; i++)
        visit(&o->refs[i], data);
}

static void nothing(husk_heap *heap, void *data)
{
    (void)heap, (void)data;
}

/* The library makes its own types when they are first asked for. Reports at a close are in the order of types, so
 * this is the order of kinds. */
static void make_all_kinds(void)
{
    husk_heap *heap;
    if (husk_heap_new(NULL, &heap) != HUSK_OK)
        abort();
    husk_obj *made[] = { husk_weakkeymap_new(heap), husk_weakvaluemap_new(heap), husk_weakset_new(heap) };
    husk_weak *weak = husk_weak_new(made[0], NULL, NULL, NULL);
    husk_cleanup *cleanup = husk_cleanup_new(made[0], nothing, NULL, NULL, false);
    husk_soft *soft = husk_soft_new(made[0], NULL, NULL, NULL);
    husk_deadqueue *queue = husk_deadqueue_new(heap);
    if (!weak || !cleanup || !soft || !queue || !husk_cleanup_detach(cleanup))
        abort();
    husk_weak_release(weak);
    husk_cleanup_release(cleanup);
    husk_soft_release(soft);
    husk_deadqueue_release(queue);
    for (int i = 0; i < 3; i++)
        husk_obj_release(made[i]);
    husk_heap_close(heap);
}

void world_setup(void)
{
    static const husk_slot two_slots[] = {
        { "first", HUSK_SLOT_REF, HUSK_IN_FIELD, (uint32_t)offsetof(two, refs), 0, 0, 0 },
        { "second", HUSK_SLOT_REF, HUSK_IN_FIELD, (uint32_t)offsetof(two, refs) + 8, 0, 0, 0 },
    };
    static const husk_slot large_slots[] = { HUSK_REF(large, first), HUSK_REF(large, last) };
    static const husk_slot item_slots[] = { HUSK_ITEM_REF(item, ref) };
    static const husk_slot bag_slots[] = { { "refs", HUSK_SLOT_REF, HUSK_IN_BUFFER, 0,
                                             (uint32_t)offsetof(bag, refs), (uint32_t)offsetof(bag, count),
                                             (uint32_t)sizeof(husk_obj *) } };
    static const husk_slot vals_slots[] = {
        { "first", HUSK_SLOT_VALUE, HUSK_IN_FIELD, (uint32_t)offsetof(vals, value), 0, 0, 0 },
        { "second", HUSK_SLOT_VALUE, HUSK_IN_FIELD, (uint32_t)offsetof(vals, value) + 16, 0, 0, 0 },
    };
    for (int k = 0; k < K_TYPES; k++) {
        husk_type_spec spec = { HUSK_TYPE_SPEC, .name = facts[k].name, .size = sizeof(two),
                                .slots = two_slots, .slot_count = 2 };
        if (facts[k].finalize)
            spec.finalize = on_finalize;
        if (facts[k].dispose)
            spec.dispose = on_dispose;
        if (k == K_LEAF || k == K_LEAF_FIN || k == K_LEAF_DISP) {
            spec.size = sizeof(leaf);
            spec.slots = NULL;
            spec.slot_count = 0;
        } else if (k == K_LARGE) {
            spec.size = sizeof(large);
            spec.slots = large_slots;
        } else if (k == K_ITEMS) {
            spec.size = sizeof(items);
            spec.item_size = sizeof(item);
            spec.item_count_at = offsetof(items, count);
            spec.slots = item_slots;
            spec.slot_count = 1;
        } else if (k == K_BAG) {
            spec.size = sizeof(bag);
            spec.slots = bag_slots;
            spec.slot_count = 1;
            spec.dispose = bag_dispose;
            spec.flags = HUSK_TYPE_DISPOSE_ANYWHERE;
        } else if (k == K_ODD) {
            spec.size = sizeof(odd);
            spec.slots = NULL;
            spec.slot_count = 0;
            spec.each = odd_each;
        } else if (k == K_VALS) {
            spec.size = sizeof(vals);
            spec.slots = vals_slots;
        } else if (k == K_TREE || k == K_TREE_FIN) {
            spec.flags = HUSK_TYPE_ACYCLIC;
        }
        if (husk_type_register(&spec, &world_types[k]) != HUSK_OK) {
            fprintf(stderr, "type %s: %s\n", spec.name, husk_message());
            abort();
        }
    }
    make_all_kinds();
}

static void on_error(husk_heap *heap, husk_status status, const char *text, void *data)
{
    (void)heap, (void)data;
    if (status == HUSK_ESTATE) {
        tell(world_now->log, E_HELD, strtol(text + strcspn(text, "0123456789"), NULL, 10));
    } else {
        fprintf(stderr, "the heap reports %s: %s\n", husk_status_name(status), text);
        abort();
    }
}

void world_begin(world *w, uint64_t seed, const husk_heap_options *options, event_log *log)
{
    memset(w, 0, sizeof *w);
    memset(buckets, 0, sizeof buckets);
    w->seed = seed;
    w->log = log;
    if (husk_heap_new(options, &w->heap) != HUSK_OK) {
        fprintf(stderr, "no heap\n");
        abort();
    }
    husk_heap_on_error(w->heap, on_error, NULL, NULL);
    world_now = w;
}

/* ---- slots ---- */

size_t world_slots(const world *w, husk_obj *obj)
{
    if (!obj)
        return 0;
    kind k = w->kinds[world_number(w, obj)];
    if (k == K_ITEMS)
        return husk_obj_item_count(obj);
    if (k == K_BAG)
        return ((bag *)husk_obj_data(obj))->count;
    return (size_t)facts[k].slots;
}

husk_obj **world_place(const world *w, husk_obj *obj, size_t slot)
{
    void *data = husk_obj_data(obj);
    switch (w->kinds[world_number(w, obj)]) {
    case K_ITEMS:
        return &((item *)husk_obj_items(obj))[slot].ref;
    case K_BAG:
        return &((bag *)data)->refs[slot];
    case K_ODD:
        return &((odd *)data)->refs[slot];
    case K_LARGE:
        return slot ? &((large *)data)->last : &((large *)data)->first;
    case K_VALS:
        return NULL;
    default:
        return &((two *)data)->refs[slot];
    }
}

husk_value *world_value_place(husk_obj *obj, size_t slot)
{
    return &((vals *)husk_obj_data(obj))->value[slot];
}

husk_obj *world_slot(const world *w, husk_obj *obj, size_t slot)
{
    husk_obj **ref = world_place(w, obj, slot);
    if (ref)
        return *ref;
    const husk_value *v = world_value_place(obj, slot);
    return v->tag == HUSK_OBJ ? v->as.o : NULL;
}

/* ---- what a birth and a growing bag need to know ---- */

void world_mark_birth(husk_obj *obj, kind k, int number)
{
    if (k < K_TYPES)
        ((leaf *)husk_obj_data(obj))->number = (uint64_t)number;
    if (k == K_ODD)
        ((odd *)husk_obj_data(obj))->stranger = (husk_obj *)(uintptr_t)0x5A5A;
}

bool world_bag_grow(world *w, husk_obj *obj)
{
    bag *b = husk_obj_data(obj);
    if (b->count == b->room) {
        size_t room = b->room ? MOST_SLOTS : 2;
        w->allocating = true;
        husk_obj **refs = husk_buffer_resize(w->heap, b->refs, b->room * sizeof *refs, room * sizeof *refs);
        w->allocating = false;
        if (!refs)
            return false;
        b->refs = refs;
        b->room = room;
    }
    b->count++;
    return true;
}
