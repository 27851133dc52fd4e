/* survey/dryorder.c: a death thought through. See dryorder.h. */
#include "survey/dryorder.h"

#include "base/memory.h"
#include "object/cleanup.h"
#include "object/traced.h"
#include "object/visit.h"

#include <husk/dryrun.h>
#include <string.h>

/* What is known of an object outside the set, of a weak reference, or of an entry of a weak container. */
struct entry {
    const void *at;
    uint32_t lost; /* references, so far */
    uint32_t held; /* by events */
    uint32_t next; /* in the drain, or among the loose entries */
    bool dying;    /* its count is zero; an entry of a container: out of it */
    bool ended;
};

/* A callback; or the end of a weak reference with data_free, which is put off until then, with what it holds. */
struct event {
    uint32_t weak;      /* its entry */
    const husk_obj *of; /* whose death it is; NULL: of a weak reference that ends */
    const husk_type *of_type;
};

/* Children of a dying object, in slot order. */
struct list {
    struct husk__dryorder *order;
    uint32_t first, last;
};

static struct entry *entry_at(const struct husk__dryorder *order, uint32_t number)
{
    return &((struct entry *)(void *)order->entries.at)[number];
}

static size_t hash_of(const void *at)
{
    return (size_t)((uint64_t)(uintptr_t)at * UINT64_C(0x9E3779B97F4A7C15) >> 24);
}

/* Where an address stands in the index, or is to stand. */
static uint32_t *find(const struct husk__dryorder *order, const void *at)
{
    size_t mask = order->index_room - 1, i = hash_of(at) & mask;
    while (order->index[i] && entry_at(order, order->index[i])->at != at)
        i = (i + 1) & mask;
    return &order->index[i];
}

static bool index_grow(struct husk__dryorder *order)
{
    size_t room = order->index_room ? order->index_room * 2 : 1024;
    uint32_t *old = order->index, *fresh = husk__raw_new(room * sizeof *fresh);
    size_t old_room = order->index_room;
    if (!fresh)
        return false;
    order->index = fresh;
    order->index_room = room;
    for (uint32_t n = 1; n < order->entry_count; n++)
        *find(order, entry_at(order, n)->at) = n;
    husk__raw_free(old, old_room * sizeof *old);
    return true;
}

/* 0: none is known, or no memory for one (failed). */
static uint32_t entry_of(struct husk__dryorder *order, const void *at)
{
    if (order->failed)
        return 0;
    if (order->entry_count >= order->index_room / 2 && !index_grow(order)) {
        order->failed = true;
        return 0;
    }
    uint32_t *found = find(order, at);
    if (!*found) {
        struct entry *entry = husk__grow_add(&order->entries, sizeof *entry);
        if (!entry || order->entry_count == UINT32_MAX) {
            order->failed = true;
            return 0;
        }
        entry->at = at;
        *found = order->entry_count++;
    }
    return *found;
}

static const struct entry *known(const struct husk__dryorder *order, const void *at)
{
    uint32_t number = order->index_room ? *find(order, at) : 0;
    return number ? entry_at(order, number) : NULL;
}

static void add_step(struct husk__dryorder *order, int kind, const husk_obj *hook, const husk_obj *of,
                     const husk_type *of_type)
{
    struct husk__dry_step *step = order->failed ? NULL : husk__grow_add(&order->steps, sizeof *step);
    if (!step) {
        order->failed = true;
        return;
    }
    *step = (struct husk__dry_step){ kind, hook, of, of_type };
    order->step_count++;
}

/* ---- the end of weak references and of entries in weak containers ---- */

/* The callback of weak is to run when everything is over, if somebody still holds it then. */
static void add_event(struct husk__dryorder *order, husk_weak *weak, const husk_obj *of)
{
    uint32_t number = entry_of(order, weak);
    struct event *event = number ? husk__grow_add(&order->events, sizeof *event) : NULL;
    if (!event) {
        order->failed = true;
        return;
    }
    *event = (struct event){ number, of, of ? husk__type_of(of) : NULL };
    entry_at(order, number)->held += of != NULL;
    order->events_last++;
}

/* It ends as an event (object/weak.c, husk__weak_end). */
static bool ends_late(const husk_obj *obj, const husk_type *type)
{
    const husk_weak *weak = (const husk_weak *)obj;
    return (type->flags & TYPE_WEAK) && husk__weak_has_call(weak) && weak->data_free;
}

static void end_weak(struct husk__dryorder *order, husk_weak *weak, const husk_obj *obj)
{
    const struct entry *seen = known(order, weak);
    if (husk__weak_has_call(weak) && weak->fn && !husk__is_pending(weak) && !(seen && seen->dying))
        add_event(order, weak, obj);
}

/* The cell of obj ends. Weak references that are members end without a call; those that died first are in no list. */
static void end_cell(struct husk__dryorder *order, const husk_obj *obj)
{
    if (obj->cell & CELL_LONE) {
        end_weak(order, husk__lone_of(obj), obj);
        return;
    }
    const struct husk__cell *cell = husk__cell_at(obj->cell);
    for (husk_weak *weak = cell->weaks; weak; weak = weak->next)
        end_weak(order, weak, obj);
    for (struct husk__tie *tie = cell->ties; tie; tie = tie->next) {
        const struct entry *owner = known(order, tie->owner);
        if (husk__is_pending(tie->owner) || (owner && owner->ended))
            continue; /* the container goes, or has gone, with all its entries */
        uint32_t number = entry_of(order, tie);
        if (!number)
            return;
        entry_at(order, number)->next = order->loose;
        order->loose = number;
    }
}

/* ---- counts ---- */

static void fall(struct list *list, uint32_t number, husk_obj *obj)
{
    struct husk__dryorder *order = list->order;
    entry_at(order, number)->dying = true;
    const husk_type *type = husk__type_of(obj);
    if (obj->cell && !husk__finalizer_pending(type, obj))
        end_cell(order, obj);
    if (ends_late(obj, type)) {
        add_event(order, (husk_weak *)obj, NULL);
        return;
    }
    entry_at(order, number)->next = 0;
    if (list->last)
        entry_at(order, list->last)->next = number;
    else
        list->first = number;
    list->last = number;
}

static uint32_t left_of(const struct entry *entry, const husk_obj *obj)
{
    return husk__count_of(obj) + entry->held - entry->lost;
}

/* One reference fewer. Members have no count any more. */
static void lose(struct list *list, husk_obj *obj)
{
    if (husk__is_pending(obj) || husk__is_immortal(obj) || husk__is_dying(obj))
        return;
    uint32_t number = entry_of(list->order, obj);
    if (!number)
        return;
    struct entry *entry = entry_at(list->order, number);
    if (entry->dying)
        return;
    entry->lost++;
    if (left_of(entry, obj) == 0)
        fall(list, number, obj);
}

static void lose_child(husk_obj *child, size_t slot, size_t index, void *context)
{
    (void)slot;
    (void)index;
    lose(context, child);
}

/* In front of the drain. */
static void splice(struct list *list)
{
    if (!list->last)
        return;
    entry_at(list->order, list->last)->next = list->order->dying;
    list->order->dying = list->first;
}

/* What obj holds is let go of. Rows that have left a container do not count. */
static void let_go(struct husk__dryorder *order, husk_obj *obj, const husk_type *type)
{
    struct list list = { order, 0, 0 };
    if (type->flags & TYPE_TIED) {
        for (HUSK__EACH_TIE(obj, tie)) {
            const struct entry *seen = tie->hash ? known(order, tie) : NULL;
            if (tie->hash && !(seen && seen->dying) && tie->other.tag == HUSK_OBJ)
                lose(&list, tie->other.as.o);
        }
    } else {
        husk__visit(type, obj, lose_child, &list);
    }
    splice(&list);
    order->disposes += (type->flags & TYPE_DISPOSE) != 0;
}

static void forget_loose(struct husk__dryorder *order)
{
    while (order->loose && !order->failed) {
        struct entry *entry = entry_at(order, order->loose);
        const struct husk__tie *tie = entry->at;
        order->loose = entry->next;
        entry->dying = true;
        struct list list = { order, 0, 0 };
        if (tie->other.tag == HUSK_OBJ)
            lose(&list, tie->other.as.o);
        splice(&list);
    }
}

static void tell(struct husk__dryorder *order, const husk_obj *obj, const husk_type *type, bool follower)
{
    order->dies(obj, type, husk__block_bytes(husk__page_of(obj)), follower, order->data);
}

static void end_first(struct husk__dryorder *order)
{
    uint32_t number = order->dying;
    husk_obj *obj = (husk_obj *)(uintptr_t)entry_at(order, number)->at;
    const husk_type *type = husk__type_of(obj);
    order->dying = entry_at(order, number)->next;
    if (husk__finalizer_pending(type, obj)) {
        add_step(order, HUSK_DRY_FINALIZER, obj, obj, type);
        if (obj->cell)
            end_cell(order, obj);
    }
    entry_at(order, number)->ended = true; /* first: entries that come loose while it lets go end with it */
    tell(order, obj, type, true);
    let_go(order, obj, type);
}

static void run_event(struct husk__dryorder *order)
{
    struct event event = ((struct event *)(void *)order->events.at)[order->events_first++];
    husk_weak *weak = (husk_weak *)(uintptr_t)entry_at(order, event.weak)->at;
    struct list list = { order, 0, 0 };
    if (!event.of) {
        const husk_type *type = husk__type_of(&weak->head);
        if (!husk__is_pending(weak))
            tell(order, &weak->head, type, true);
        let_go(order, &weak->head, type);
        return;
    }
    if (left_of(entry_at(order, event.weak), &weak->head) > 1) { /* somebody besides the event */
        husk_cleanup *cleanup = husk_cleanup_of(&weak->head);
        if (!cleanup) {
            add_step(order, HUSK_DRY_CALLBACK, &weak->head, event.of, event.of_type);
        } else if (cleanup->pending) {
            add_step(order, HUSK_DRY_CLEANUP, &weak->head, event.of, event.of_type);
            entry_at(order, event.weak)->lost++; /* the registry's */
        }
    }
    struct entry *entry = entry_at(order, event.weak);
    entry->held--;
    if (!order->failed && !entry->dying && left_of(entry, &weak->head) == 0)
        fall(&list, event.weak, &weak->head);
    splice(&list);
}

static void drain(struct husk__dryorder *order)
{
    while (!order->failed) {
        if (order->loose)
            forget_loose(order);
        else if (order->dying)
            end_first(order);
        else if (order->events_first < order->events_last)
            run_event(order);
        else
            return;
    }
}

/* ---- the set ---- */

void husk__dryorder_each_member(husk_heap *heap, const struct husk__set *set,
                                void (*fn)(const husk_obj *obj, void *data), void *data)
{
    if (!set->pages)
        return;
    struct husk__pages_walk at = husk__pages_begin(heap, set->pages);
    for (struct husk__page *page; (page = husk__pages_member(&at));)
        for (HUSK__EACH_BLOCK(page, obj))
            if (husk__is_pending(obj))
                fn(obj, data);
}

static void finalize(const husk_obj *obj, void *data)
{
    const husk_type *type = husk__type_of(obj);
    if (husk__finalizer_pending(type, obj))
        add_step(data, HUSK_DRY_FINALIZER, obj, obj, type);
}

static void reclaim(const husk_obj *obj, void *data)
{
    struct husk__dryorder *order = data;
    husk_obj *member = (husk_obj *)(uintptr_t)obj;
    const husk_type *type = husk__type_of(obj);
    if (order->failed)
        return;
    if (obj->cell)
        end_cell(order, obj);
    tell(order, obj, type, false);
    if (ends_late(obj, type))
        add_event(order, (husk_weak *)member, NULL);
    else
        let_go(order, member, type);
}

bool husk__dryorder_run(struct husk__dryorder *order, husk_heap *heap, const struct husk__set *set,
                        husk__dry_fn *dies, void *data)
{
    memset(order, 0, sizeof *order);
    order->dies = dies;
    order->data = data;
    order->failed = !husk__grow_add(&order->entries, sizeof(struct entry)); /* number 0 */
    order->entry_count = 1;
    husk__dryorder_each_member(heap, set, finalize, order);
    husk__dryorder_each_member(heap, set, reclaim, order);
    drain(order);
    return !order->failed;
}

void husk__dryorder_each_follower(const struct husk__dryorder *order,
                                  void (*fn)(const husk_obj *obj, void *data), void *data)
{
    for (uint32_t n = 1; n < order->entry_count; n++)
        if (entry_at(order, n)->ended)
            fn(entry_at(order, n)->at, data);
}

const struct husk__dry_step *husk__dryorder_step(const struct husk__dryorder *order, size_t index)
{
    return index < order->step_count ? &((struct husk__dry_step *)(void *)order->steps.at)[index] : NULL;
}

void husk__dryorder_free(struct husk__dryorder *order)
{
    husk__grow_free(&order->entries);
    husk__grow_free(&order->steps);
    husk__grow_free(&order->events);
    husk__raw_free(order->index, order->index_room * sizeof *order->index);
    order->index = NULL;
    order->index_room = 0;
}
