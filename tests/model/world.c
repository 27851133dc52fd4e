/* tests/model/world.c: see world.h. Every operation goes through the public interface. */
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

static const husk_type *types[K_TYPES];
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

static void on_pass(husk_heap *heap, husk_phase phase, const husk_pass *pass, void *data)
{
    world *w = data;
    (void)heap, (void)pass;
    world_hook(phase == HUSK_PASS_START ? E_START : E_STOP, ++w->watch_calls, NULL);
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
    if (!weak || !cleanup || !husk_cleanup_detach(cleanup))
        abort();
    husk_weak_release(weak);
    husk_cleanup_release(cleanup);
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
        if (husk_type_register(&spec, &types[k]) != HUSK_OK) {
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

static husk_obj **place(const world *w, husk_obj *obj, size_t slot)
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

static husk_value *value_place(husk_obj *obj, size_t slot)
{
    return &((vals *)husk_obj_data(obj))->value[slot];
}

husk_obj *world_slot(const world *w, husk_obj *obj, size_t slot)
{
    husk_obj **ref = place(w, obj, slot);
    if (ref)
        return *ref;
    const husk_value *v = value_place(obj, slot);
    return v->tag == HUSK_OBJ ? v->as.o : NULL;
}

/* ---- operations ---- */

static void check(husk_status status, const char *call)
{
    if (status != HUSK_OK) {
        fprintf(stderr, "%s: %s: %s\n", call, husk_status_name(status), husk_heap_message(world_now->heap));
        abort();
    }
}

void world_give(world *w, unsigned handle, husk_obj *obj, int number)
{
    husk_obj *old = w->handle[handle];
    w->handle[handle] = obj;
    w->held[handle] = obj ? number : 0;
    if (old)
        husk_obj_release(old);
}

static void store(world *w, husk_obj *self, size_t slot, husk_obj *value, int number)
{
    husk_obj **ref = place(w, self, slot);
    w->slot[world_number(w, self)][slot] = number;
    if (ref)
        check(husk_obj_set(self, ref, value), "set");
    else
        check(husk_value_set(self, value_place(self, slot), value ? husk_ref(value) : husk_int(-7)),
              "value_set");
}

static void make(world *w, act a)
{
    kind k = kind_of(a.z);
    husk_heap_figures figures;
    husk_heap_figures_get(w->heap, &figures);
    if (w->born + 1 >= MOST_IDS || figures.objects >= MOST_LIVE) {
        world_give(w, a.y, NULL, 0);
        return;
    }
    w->allocating = true;
    husk_obj *obj = k == K_KEYMAP     ? husk_weakkeymap_new(w->heap)
                    : k == K_VALUEMAP ? husk_weakvaluemap_new(w->heap)
                    : k == K_SET      ? husk_weakset_new(w->heap)
                    : k == K_ITEMS    ? husk_obj_new_items(w->heap, types[k], a.z / K_MADE % MOST_SLOTS)
                                      : husk_obj_new(w->heap, types[k]);
    w->allocating = false;
    if (obj) {
        int number = world_enter(w, obj, k);
        if (k < K_TYPES)
            ((leaf *)husk_obj_data(obj))->number = (uint64_t)number;
        if (k == K_ODD)
            ((odd *)husk_obj_data(obj))->stranger = (husk_obj *)(uintptr_t)0x5A5A;
    }
    world_give(w, a.y, obj, w->born);
}

static void grow(world *w, husk_obj *obj, husk_obj *value, int number)
{
    bag *b = husk_obj_data(obj);
    if (b->count == b->room) {
        size_t room = b->room ? MOST_SLOTS : 2;
        w->allocating = true;
        husk_obj **refs = husk_buffer_resize(w->heap, b->refs, b->room * sizeof *refs, room * sizeof *refs);
        w->allocating = false;
        if (!refs)
            return;
        b->refs = refs;
        b->room = room;
    }
    b->count++;
    store(w, obj, b->count - 1, value, number);
}

static void tell_pass(world *w, const husk_pass *p)
{
    tell(w->log, E_COLLECTED, (long)p->collected);
    tell(w->log, E_UNCOLLECTABLE, (long)p->uncollectable);
    tell(w->log, E_FINALIZED, (long)p->finalized);
    tell(w->log, E_RESURRECTED, (long)p->resurrected);
    tell(w->log, E_CLEARED, (long)p->weak_cleared);
    tell(w->log, E_EXAMINED, (long)p->examined);
}

/* The record of the latest pass says what the pass said, each candidate has one fate, and the sums are exact. */
static void look_at_record(world *w, const husk_pass *p)
{
    husk_pass_record r;
    if (husk_heap_pass_record(w->heap, p->number, &r) != HUSK_OK || r.number != husk_heap_pass_count(w->heap))
        abort();
    uint64_t objects = r.rest.objects, bytes = r.rest.bytes;
    for (uint32_t i = 0; i < r.types; i++) {
        objects += r.by_type[i].objects;
        bytes += r.by_type[i].bytes;
    }
    if (objects != r.freed || bytes != r.freed_bytes || r.status != HUSK_OK ||
        r.candidates != r.freed + r.saved + r.resurrected + r.deferred + r.held + r.reached)
        abort();
    if (p->passes == 1 && (r.candidates != p->examined || r.freed + r.saved != p->collected ||
                           r.resurrected != p->resurrected || r.finalized != p->finalized))
        abort();
}

static void collect(world *w)
{
    husk_pass p;
    husk_status status = husk_heap_collect(w->heap, &p);
    tell(w->log, E_STATUS, status);
    if (status == HUSK_OK)
        look_at_record(w, &p);
    if (status == HUSK_OK)
        tell_pass(w, &p);
}

static bool count(husk_obj *obj, void *data)
{
    (void)obj;
    ++*(long *)data;
    return true;
}

static husk_later later_node;

void world_do(world *w, act a)
{
    kind kinds[HANDLES + 1];
    for (int i = 0; i <= HANDLES; i++)
        kinds[i] = w->handle[i] ? w->kinds[w->held[i]] : KINDS;
    aim(&a, kinds);
    husk_obj *x = w->handle[a.x], *y = w->handle[a.y];
    size_t slots = world_slots(w, x), at = slots ? a.z % slots : 0;
    husk_obj **slot = slots ? place(w, x, at) : NULL;
    switch ((op)a.what) {
    case A_NEW:
        make(w, a);
        break;
    case A_SET:
        if (slots)
            store(w, x, at, y, w->held[a.y]);
        break;
    case A_CLEAR:
        if (slots)
            store(w, x, at, NULL, 0);
        break;
    case A_TAKE:
        if (slot && a.y != SELF) {
            w->slot[w->held[a.x]][at] = w->held[a.y];
            w->handle[a.y] = NULL;
            w->held[a.y] = 0;
            check(husk_obj_take(x, slot, y), "take");
        }
        break;
    case A_SWAP:
        if (slot && a.y != SELF) {
            int *number = &w->slot[w->held[a.x]][at], old = *number;
            *number = w->held[a.y];
            w->held[a.y] = old;
            check(husk_obj_swap(x, slot, &w->handle[a.y]), "swap");
        }
        break;
    case A_GET:
        if (slots) {
            husk_obj *obj = world_slot(w, x, at);
            if (obj)
                husk_obj_retain(obj);
            world_give(w, a.y, obj, w->slot[w->held[a.x]][at]);
        }
        break;
    case A_DROP:
        world_give(w, a.y, NULL, 0);
        break;
    case A_COPY:
        if (x)
            husk_obj_retain(x);
        world_give(w, a.y, x, w->held[a.x]);
        break;
    case A_WEAK_TO:
        if (x)
            world_weak_to(w, a);
        break;
    case A_LOCK:
        if (x && husk_weak_of(x)) {
            husk_obj *obj = husk_weak_lock(husk_weak_of(x));
            tell(w->log, E_LOCKED, world_number(w, obj));
            world_give(w, a.y, obj, w->target[w->held[a.x]]);
        }
        break;
    case A_GROW:
        if (x && w->kinds[world_number(w, x)] == K_BAG && slots < MOST_SLOTS)
            grow(w, x, y, w->held[a.y]);
        break;
    case A_TIE:
    case A_UNTIE:
    case A_UNTIE_ALL:
    case A_PEEK:
    case A_EACH:
    case A_EACH_DROP:
    case A_LOOSEN:
    case A_EPHEMERON:
        if (x && is_container(kinds[a.x]))
            world_container_do(w, a);
        break;
    case A_CLEANUP:
    case A_DETACH:
    case A_RUN:
    case A_AT_EXIT:
    case A_CLEANUP_GET:
        if (x && (a.what == A_CLEANUP || kinds[a.x] == K_CLEANUP))
            world_cleanup_do(w, a);
        break;
    case A_RUN_CLEANUPS:
        tell(w->log, E_ANSWER, (long)husk_heap_run_cleanups(w->heap));
        break;
    case A_COLLECT:
        collect(w);
        break;
    case A_PAIR:
        world_do(w, (act){ A_SET, a.x, a.y, a.z });
        world_do(w, (act){ A_SET, a.y, a.x, a.z });
        break;
    case A_FORGET:
        for (unsigned i = a.y; i < HANDLES; i++)
            world_give(w, i, NULL, 0);
        collect(w);
        break;
    case A_DRY: {
        husk_pass p;
        husk_status status = husk_heap_collect_dry(w->heap, &p);
        tell(w->log, E_STATUS, status);
        if (status == HUSK_OK)
            tell(w->log, E_COLLECTED, (long)p.collected);
        break;
    }
    case A_WALK: {
        long shown = 0;
        husk_heap_each(w->heap, count, &shown);
        tell(w->log, E_WALKED, shown);
        break;
    }
    case A_SAFEPOINT:
        husk_heap_safepoint(w->heap);
        break;
    case A_REQUEST:
        husk_heap_request(w->heap);
        husk_heap_safepoint(w->heap);
        break;
    case A_LATER:
        w->handle[a.y] = NULL;
        w->held[a.y] = 0;
        if (y)
            husk_obj_release_later(y, &later_node);
        husk_heap_safepoint(w->heap);
        break;
    case A_FREEZE:
        husk_heap_freeze(w->heap);
        break;
    case A_UNFREEZE:
        husk_heap_unfreeze(w->heap);
        break;
    case A_SAVE_ALL:
        husk_heap_set_save_all(w->heap, a.z % 2);
        break;
    case A_SAVED: {
        size_t saved = husk_heap_garbage_count(w->heap);
        husk_obj *obj = husk_heap_garbage(w->heap, a.z % (saved + 1));
        world_give(w, a.y, obj, world_number(w, obj));
        break;
    }
    case A_CLEAR_SAVED:
        husk_heap_garbage_clear(w->heap);
        break;
    case A_DISABLE: {
        if (!husk_heap_disabled_by(w->heap, 7))
            check(husk_heap_disable(w->heap, "model"), "disable");
        break;
    }
    case A_ENABLE:
        tell(w->log, E_STATUS, husk_heap_enable(w->heap));
        break;
    case A_IMMORTAL:
        if (y)
            husk_obj_make_immortal(y);
        break;
    case A_TRIM:
        husk_heap_trim(w->heap);
        break;
    case A_TRACE: {
        static const uint32_t frames[] = { 1, 4, 32 };
        husk_trace_options o = { HUSK_TRACE_OPTIONS, .frames = frames[a.x % 3], .seed = 1 };
        if (a.z % 4 == 3) {
            husk_trace_clear(w->heap);
            break;
        }
        husk_trace_stop(w->heap);
        o.sample_bytes = a.z % 4 == 2 ? 256 : 0;
        if (a.z % 4) {
            husk_status status = husk_trace_start(w->heap, &o);
            if (status != HUSK_ENOMEM) /* where memory is made to fail */
                check(status, "trace");
        }
        break;
    }
    case A_FOREIGN:
        husk_heap_foreign(w->heap, a.z);
        break;
    case A_WATCH:
        if (w->watch) {
            check(husk_heap_off_pass(w->heap, w->watch), "off_pass");
            w->watch = 0;
        } else {
            husk_status status = husk_heap_on_pass(w->heap, on_pass, w, NULL, &w->watch);
            if (!w->may_fail)
                check(status, "on_pass");
        }
        break;
    case A_NONE:
    case A_END:
        break;
    }
}
