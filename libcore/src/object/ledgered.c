/* object/ledgered.c: see ledgered.h: what happens to objects in a ledger. Turning it on and off, choosing types and
 * husk/ledger.h's other calls are ledgeron.c; looking is view/ledgerlist.c. */
#define _GNU_SOURCE
#include "object/ledgered.h"

#include "object/death.h"
#include "object/visit.h"
#include "trace/site.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

static struct husk__ledger *ledger_of(const husk_obj *obj)
{
    return husk__heap_of(obj)->ledgered->ledger;
}

static uint32_t book_of(const husk_obj *obj)
{
    return obj->rc & RC_BOOK;
}

uint32_t husk__ledgered_count(const husk_obj *obj)
{
    return husk__book_of(obj)->count;
}

/* ---- owners ---- */

static const struct husk__owner nobody = { .kind = LEDGER_NOBODY };

static struct husk__owner holder_at(const void *holder, size_t slot)
{
    return (struct husk__owner){
        .id = (uintptr_t)holder,
        .slot = (uint16_t)(slot < LEDGER_ITEM ? slot : LEDGER_ITEM),
        .kind = LEDGER_HOLDER,
    };
}

/* The same of one that is alive: with what it is. */
static struct husk__owner holder_of(const husk_obj *holder, size_t slot)
{
    struct husk__owner owner = holder_at(holder, slot);
    owner.type = holder->tf & TF_TYPE;
    owner.number = husk__is_ledgered(holder) ? husk__book_of(holder)->number : 0;
    return owner;
}

/* The number of the field that a slot is; LEDGER_ITEM: it is none. */
static size_t field_of(const husk_obj *holder, const void *slot)
{
    const husk_type *type = husk__type_of(holder);
    size_t at = (size_t)((const char *)slot - (const char *)holder);
    for (size_t i = 0; i < type->field_count && i < LEDGER_ITEM; i++)
        if ((type->fields[i] & ~1u) == at)
            return i;
    return LEDGER_ITEM;
}

static struct husk__owner owner_at(const husk_obj *holder, const void *slot)
{
    return holder_of(holder, slot ? field_of(holder, slot) : LEDGER_ITEM);
}

/* Without memory for the name id is 0: no entry has such an owner. */
static struct husk__owner named(const char *name)
{
    return name ? (struct husk__owner){ .id = husk__ledger_name(name), .kind = LEDGER_NAMED } : nobody;
}

static struct husk__owner pushed(const struct husk__ledger *ledger)
{
    if (!ledger->owner_depth)
        return nobody;
    return (struct husk__owner){ .id = (uintptr_t)ledger->owners[ledger->owner_depth - 1],
                                 .kind = LEDGER_NAMED };
}

/* ---- places ---- */

static uint32_t place_said(husk_heap *heap, const char *at_file, struct husk__from from)
{
    struct husk__tracer *tracer = heap->ledgered->ledger->tracer;
    husk_status failure = heap->failure;
    char message[sizeof heap->message];
    if (failure)
        memcpy(message, heap->message, sizeof message);
    /* Sources of languages enter their tags anew when the number of the tracing is another one: those are the
     * heap's tracer's. What they fail at is not the program's business. */
    uint64_t serial = tracer->serial;
    if (heap->tracer)
        tracer->serial = heap->tracer->serial;
    heap->said.at_file = at_file;
    uint32_t record = husk__capture_from(tracer, &heap->said, from);
    heap->said.at_file = NULL;
    tracer->serial = serial;
    if (heap->failure != failure)
        heap->message[0] = 0;
    heap->failure = failure;
    if (failure)
        memcpy(heap->message, message, sizeof message);
    return record;
}

/* What was said about the next birth stays for it. */
static uint32_t place(const husk_obj *obj, struct husk__from from)
{
    husk_heap *heap = husk__heap_of(obj);
    const char *at_file = heap->said.at_file;
    uint32_t record = place_said(heap, NULL, from);
    heap->said.at_file = at_file;
    return record;
}

/* ---- one more, one fewer ---- */

static void check_owner(const husk_obj *obj)
{
    const husk_heap *heap = husk__heap_of(obj);
    if (heap->busy & BUSY_OWNER)
        husk__check_owner(heap);
}

static void in(husk_obj *obj, const struct husk__owner *owner, struct husk__from from)
{
    check_owner(obj);
    husk__ledger_in(ledger_of(obj), book_of(obj), owner, LEDGER_RETAIN, place(obj, from));
}

/* True: it was the last. The place is looked up only where it matters. */
static bool out(husk_obj *obj, const struct husk__owner *owner, struct husk__from from)
{
    struct husk__ledger *ledger = ledger_of(obj);
    check_owner(obj);
    if (husk__book_of(obj)->count <= ((obj->tf & TF_QUEUED) != 0)) /* a finalizer that runs has one */
        husk__report_overrelease(obj);
    bool known = husk__ledger_has(ledger, book_of(obj), owner);
    (void)husk__ledger_out(ledger, book_of(obj), owner, known ? 0 : place(obj, from),
                           husk__ledgered_is_stale);
    return husk__book_of(obj)->count == 0;
}

/* In a scope: of its owner, or as nobody's. */
static struct husk__owner releaser(const husk_obj *obj)
{
    struct husk__owner owner = pushed(ledger_of(obj));
    return husk__ledger_has(ledger_of(obj), book_of(obj), &owner) ? owner : nobody;
}

void husk__ledgered_birth(husk_heap *heap, husk_obj *obj, const char *at_file, struct husk__from from)
{
    struct husk__ledger *ledger = heap->ledgered->ledger;
    uint32_t book = husk__ledgered_wants(heap, husk__type_of(obj)) ? husk__ledger_open(ledger, obj, 0) : 0;
    if (!book)
        return;
    struct husk__owner owner = pushed(ledger);
    uint32_t record = place_said(heap, at_file, from);
    husk__ledger_in(ledger, book, &owner, LEDGER_BIRTH, record);
    husk__ledger_book_at(ledger, book)->born = record;
    obj->rc = RC_LEDGER | book;
}

void husk__ledgered_retain(husk_obj *obj)
{
    struct husk__owner owner = pushed(ledger_of(obj));
    in(obj, &owner, HUSK__FROM_HERE);
}

void husk__ledgered_release(husk_obj *obj)
{
    struct husk__owner owner = releaser(obj);
    if (out(obj, &owner, HUSK__FROM_HERE))
        husk__release_last(obj);
}

bool husk__ledgered_drop(husk_obj *obj, const husk_obj *holder, size_t slot)
{
    struct husk__owner owner =
        holder_at(holder, slot < husk__type_of(holder)->field_count ? slot : LEDGER_ITEM);
    owner.type = holder->tf & TF_TYPE;
    return out(obj, &owner, HUSK__FROM_HERE);
}

void husk__ledgered_hold(husk_obj *obj)
{
    struct husk__owner owner = named(HUSK__BY_FINALIZER);
    husk__ledger_in(ledger_of(obj), book_of(obj), &owner, LEDGER_RETAIN, TRACE_UNKNOWN);
}

bool husk__ledgered_let_go(husk_obj *obj)
{
    struct husk__owner owner = named(HUSK__BY_FINALIZER);
    (void)husk__ledger_out(ledger_of(obj), book_of(obj), &owner, TRACE_UNKNOWN, NULL);
    return husk__book_of(obj)->count == 0;
}

void husk__ledgered_end(husk_heap *heap, husk_obj *obj)
{
    struct husk__ledger *ledger = heap->ledgered->ledger;
    uint32_t record = ledger->death_room ? place(obj, HUSK__FROM_HERE) : 0;
    husk__ledger_die(ledger, book_of(obj), obj->tf & TF_TYPE, record);
    obj->rc = 0;
}

void husk__ledgered_leave(husk_obj *obj)
{
    uint32_t count = husk__book_of(obj)->count, most = (RC_SLOW - 1) / RC_ONE;
    husk__ledger_close(ledger_of(obj), book_of(obj));
    obj->rc = count <= most ? count * RC_ONE : RC_IMMORTAL;
}

/* ---- owners that say who they are ---- */

void husk__ledger_retain_1(husk_obj *obj, const char *owner, const void *holder, const void *slot)
{
    if (!husk__is_ledgered(obj)) {
        husk__retain_slow_1(obj);
        return;
    }
    struct husk__owner who = holder ? owner_at(holder, slot) : named(owner);
    in(obj, &who, HUSK__FROM_HERE);
}

void husk__ledger_release_1(husk_obj *obj, const char *owner, const void *holder, const void *slot)
{
    if (!husk__is_ledgered(obj)) {
        husk__release_slow_1(obj);
        return;
    }
    struct husk__owner who = holder && slot ? owner_at(holder, slot) /* else it may be gone */
                             : holder       ? holder_at(holder, LEDGER_ITEM)
                                            : named(owner);
    if (out(obj, &who, HUSK__FROM_HERE))
        husk__release_last(obj);
}

/* A reference changes hands: the count stays. */
static void move(husk_obj *obj, const struct husk__owner *from_owner, const struct husk__owner *to,
                 struct husk__from from)
{
    struct husk__ledger *ledger = ledger_of(obj);
    check_owner(obj);
    husk__ledger_move(ledger, book_of(obj), from_owner, to, place(obj, from), husk__ledgered_is_stale);
}

void husk__ledger_give_1(husk_obj *obj, const char *from, const char *to)
{
    if (!husk__is_ledgered(obj))
        return;
    struct husk__owner from_owner = from ? named(from) : releaser(obj);
    struct husk__owner to_owner = to ? named(to) : pushed(ledger_of(obj));
    move(obj, &from_owner, &to_owner, HUSK__FROM_HERE);
}

void husk__ledger_here_1(husk_obj *obj, bool retain, const char *file, uint32_t line, const char *function)
{
    if (!husk__is_ledgered(obj)) {
        if (retain)
            husk__retain_slow_1(obj);
        else
            husk__release_slow_1(obj);
        return;
    }
    husk_heap *heap = husk__heap_of(obj);
    struct husk__ledger *ledger = ledger_of(obj);
    struct husk__said *said = &heap->said;
    const char *at_file = said->at_file, *at_function = said->at_function;
    uint32_t at_line = said->at_line;
    said->at_line = line;
    said->at_function = function;
    uint32_t record = place_said(heap, file, HUSK__FROM_HERE);
    said->at_file = at_file;
    said->at_line = at_line;
    said->at_function = at_function;
    check_owner(obj);
    struct husk__owner owner = retain ? pushed(ledger) : releaser(obj);
    if (retain) {
        husk__ledger_in(ledger, book_of(obj), &owner, LEDGER_RETAIN, record);
        return;
    }
    if (husk__book_of(obj)->count <= ((obj->tf & TF_QUEUED) != 0))
        husk__report_overrelease(obj);
    (void)husk__ledger_out(ledger, book_of(obj), &owner, record, husk__ledgered_is_stale);
    if (husk__book_of(obj)->count == 0)
        husk__release_last(obj);
}

void husk__ledger_move_1(husk_obj *obj, const void *holder, const void *slot, bool into)
{
    if (!husk__is_ledgered(obj))
        return;
    struct husk__owner who = owner_at(holder, slot), other = into ? releaser(obj) : pushed(ledger_of(obj));
    move(obj, into ? &other : &who, into ? &who : &other, HUSK__FROM_HERE);
}

/* ---- stale entries ---- */

struct held {
    const void *thing;
    size_t count;
};

static void count_held(husk_obj *child, size_t slot, size_t index, void *context)
{
    (void)slot;
    (void)index;
    struct held *held = context;
    held->count += child == held->thing;
}

static void stop_at(husk_obj *child, size_t slot, size_t index, void *context)
{
    (void)index;
    struct held *held = context;
    if (slot == held->count && child == held->thing)
        held->thing = NULL;
}

bool husk__ledgered_is_stale(const struct husk__ledger_entry *entry, const void *thing)
{
    husk_obj *holder = (husk_obj *)(uintptr_t)entry->owner.id;
    if (!husk__is_own_object(husk__heap_of(thing), holder) || (holder->tf & TF_TYPE) != entry->owner.type)
        return true;
    const husk_type *type = husk__type_of(holder);
    if (entry->owner.slot != LEDGER_ITEM) {
        struct held held = { thing, entry->owner.slot };
        husk__visit_fields(type, holder, stop_at, &held);
        return held.thing != NULL;
    }
    struct held held = { thing, 0 };
    husk__visit(type, holder, count_held, &held);
    return held.count == 0;
}

/* ---- the worst case ---- */

static void tell_place(const struct husk__ledger *ledger, const char *what, uint32_t record)
{
    uint32_t stack = record > TRACE_UNKNOWN ? ledger->tracer->records[record].stack : 0;
    fprintf(stderr, "husk:   %s%s\n", what, stack ? ":" : ": place not known");
    husk__sites_lock();
    for (; stack; stack = husk__site_stack_at(stack)->parent) {
        const struct husk__site_frame *frame = husk__site_frame_at(husk__site_stack_at(stack)->frame);
        Dl_info info;
        if (frame->kind != SITE_NATIVE)
            fprintf(stderr, "husk:     %s:%u %s\n", frame->file, frame->line, frame->function);
        else if (dladdr((void *)(uintptr_t)(frame->address - 1), &info) && info.dli_fname)
            fprintf(stderr, "husk:     %s+0x%llx %s\n", info.dli_fname,
                    (unsigned long long)(frame->address - (uintptr_t)info.dli_fbase),
                    info.dli_sname ? info.dli_sname : "");
        else
            fprintf(stderr, "husk:     0x%llx\n", (unsigned long long)frame->address);
    }
    husk__sites_unlock();
}

void husk__ledgered_tell(const husk_obj *obj)
{
    const husk_heap *heap = husk__heap_of(obj);
    const struct husk__ledger *ledger = heap->ledgered ? heap->ledgered->ledger : NULL;
    if (!ledger)
        return;
    if (husk__is_object(obj) && husk__is_ledgered(obj)) {
        const struct husk__ledger_book *book = husk__book_of(obj);
        fprintf(stderr,
                "husk: %s #%u has no reference left to release; %u releases before could not be paired\n",
                husk__type_of(obj)->name, book->number, book->unpaired);
        tell_place(ledger, "born", book->born);
        for (uint32_t e = book->releases; e; e = husk__ledger_entry_at(ledger, e)->older)
            tell_place(ledger, "unpaired release", husk__ledger_entry_at(ledger, e)->record);
        return;
    }
    const struct husk__ledger_death *death = husk__ledger_death_of(ledger, obj);
    if (!death)
        return;
    fprintf(stderr, "husk: what stood at %p was %s #%u\n", (const void *)obj, husk__types[death->type]->name,
            death->number);
    tell_place(ledger, "died", death->record);
    tell_place(ledger, "born", death->born);
}
