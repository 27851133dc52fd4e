/* object/ledgeron.c: a ledger goes on and off, types go in and out; scopes, figures. */
#include "object/hook.h"
#include "object/ledgered.h"
#include "object/traced.h"

#include "base/memory.h"
#include "trace/site.h"

#include <pthread.h>
#include <string.h>

enum { FRAMES = 12, DEATHS = 1024 };
#define MOST_BYTES ((size_t)256 << 20)

static husk_status no_ledger(husk_heap *heap)
{
    return husk_heap_fail(heap, HUSK_ESTATE, "heap %s has no ledger", heap->name);
}

/* ---- which types ---- */

static bool is_named(const struct husk__ledgered *on, const char *name)
{
    size_t length = strlen(name) + 1;
    for (size_t at = 0; at < on->name_bytes; at += strlen(on->names + at) + 1)
        if (on->name_bytes - at >= length && memcmp(on->names + at, name, length) == 0)
            return true;
    return false;
}

/* Room for a type's answer; false: no memory. */
static bool room_for(struct husk__ledgered *on, uint32_t id)
{
    if (id < on->chosen_room)
        return true;
    size_t room = ((size_t)id / 256 + 1) * 256;
    uint8_t *larger = husk__raw_resize(on->chosen, on->chosen_room, room);
    if (!larger)
        return false;
    on->chosen = larger;
    on->chosen_room = room;
    return true;
}

bool husk__ledgered_wants(husk_heap *heap, const husk_type *type)
{
    struct husk__ledgered *on = heap->ledgered;
    if (type->flags & TYPE_WEAK)
        return false;
    if (type->id < on->chosen_room && on->chosen[type->id] != CHOSEN_UNASKED)
        return on->chosen[type->id] == CHOSEN_IN;
    bool in = on->all || is_named(on, type->name);
    if (room_for(on, type->id))
        on->chosen[type->id] = in ? CHOSEN_IN : CHOSEN_OUT;
    return in;
}

/* ---- objects that are there ---- */

/* Takes objects of a type (NULL: of all that are chosen) out; they live on. */
static void take_out(husk_heap *heap, const husk_type *type)
{
    struct husk__ledger *ledger = heap->ledgered->ledger;
    for (uint32_t i = 1; i < ledger->books.count; i++) {
        const struct husk__ledger_book *book = husk__ledger_book_at(ledger, i);
        if (!book->number)
            continue;
        husk_obj *obj = (husk_obj *)(uintptr_t)book->thing;
        if (!type || husk__type_of(obj) == type)
            husk__ledgered_leave(obj);
    }
}

/* Takes those that exist in. HUSK_ENOMEM, HUSK_ELIMIT. */
static husk_status take_in(husk_heap *heap, const husk_type *type)
{
    struct husk__ledger *ledger = heap->ledgered->ledger;
    struct husk__page_walk walk = { &heap->store, 0, NULL, 0 };
    for (struct husk__page *page; (page = husk__next_page(&walk));)
        for (HUSK__EACH_BLOCK(page, obj)) {
            if (!husk__is_object(obj) || husk__is_dying(obj) || (obj->rc & RC_SLOW) ||
                (type && husk__type_of(obj) != type) || !husk__ledgered_wants(heap, husk__type_of(obj)))
                continue;
            uint32_t book = husk__ledger_open(ledger, obj, obj->rc / RC_ONE);
            if (!book) {
                bool limit = ledger->max_bytes && husk__ledger_bytes(ledger) >= ledger->max_bytes;
                ledger->missed--;
                return limit ? HUSK_ELIMIT : HUSK_ENOMEM;
            }
            obj->rc = RC_LEDGER | book;
        }
    return HUSK_OK;
}

static husk_status fail_start(husk_heap *heap, husk_status status, size_t max_bytes)
{
    if (status == HUSK_ELIMIT)
        return husk_heap_fail(heap, status, "the objects of heap %s do not fit into a ledger of %zu bytes",
                              heap->name, max_bytes);
    return husk_heap_fail(heap, status, "a ledger of heap %s: %s", heap->name, husk_status_text(status));
}

/* ---- on and off ---- */

static void free_all(struct husk__ledgered *on)
{
    if (on->ledger)
        husk__ledger_free(on->ledger);
    husk__raw_free(on->chosen, on->chosen_room);
    husk__raw_free(on->names, on->name_bytes);
    husk__raw_free(on, sizeof *on);
}

static husk_status choose_all(struct husk__ledgered *on, const husk_ledger_options *o)
{
    on->all = !o->type_count && !o->name_count;
    for (size_t i = 0; i < o->type_count; i++) {
        if (!room_for(on, o->types[i]->id))
            return HUSK_ENOMEM;
        on->chosen[o->types[i]->id] = CHOSEN_IN;
    }
    size_t bytes = 0;
    for (size_t i = 0; i < o->name_count; i++)
        bytes += strlen(o->names[i]) + 1;
    if (!bytes)
        return HUSK_OK;
    if (!(on->names = husk__raw_new(bytes)))
        return HUSK_ENOMEM;
    on->name_bytes = bytes;
    char *at = on->names;
    for (size_t i = 0; i < o->name_count; i++) {
        size_t length = strlen(o->names[i]) + 1;
        memcpy(at, o->names[i], length);
        at += length;
    }
    return HUSK_OK;
}

static pthread_once_t once = PTHREAD_ONCE_INIT;

husk_status husk_ledger_start(husk_heap *heap, const husk_ledger_options *options)
{
    static const husk_ledger_options plain = { HUSK_LEDGER_OPTIONS };
    const husk_ledger_options *o = options ? options : &plain;
    pthread_once(&once, husk__know_own_code);
    if (o->struct_size != sizeof *o || o->abi != 1u)
        return husk_heap_fail(heap, HUSK_EINVAL,
                              "ledger options of %u bytes, abi %u: this library knows %zu bytes, abi 1",
                              o->struct_size, o->abi, sizeof *o);
    if (heap->ledgered)
        return husk_heap_fail(heap, HUSK_ESTATE, "heap %s has a ledger already", heap->name);
    struct husk__ledgered *on = husk__raw_new(sizeof *on);
    if (!on)
        return fail_start(heap, HUSK_ENOMEM, 0);
    size_t deaths = o->deaths == HUSK_LEDGER_NO_DEATHS ? 0 : o->deaths ? o->deaths : DEATHS;
    size_t max_bytes = o->max_bytes ? o->max_bytes : MOST_BYTES;
    husk_status status =
        husk__ledger_new(o->frames ? o->frames : FRAMES, o->sources, deaths, max_bytes, &on->ledger);
    if (status) {
        free_all(on);
        return husk_heap_fail(heap, status, "%s", husk_message());
    }
    heap->ledgered = on;
    /* Said where memory must not be asked for. */
    bool own_names = husk__ledger_name(HUSK__BY_FINALIZER) && husk__ledger_name(HUSK__BY_GARBAGE);
    status = own_names ? choose_all(on, o) : HUSK_ENOMEM;
    if (!status)
        status = take_in(heap, NULL);
    if (status) {
        take_out(heap, NULL);
        heap->ledgered = NULL;
        free_all(on);
        return fail_start(heap, status, max_bytes);
    }
    husk__store_ledger(&heap->store, true);
    return HUSK_OK;
}

void husk_ledger_stop(husk_heap *heap)
{
    if (!heap->ledgered)
        return;
    husk__store_ledger(&heap->store, false);
    take_out(heap, NULL);
    free_all(heap->ledgered);
    heap->ledgered = NULL;
}

void husk__ledgered_close(husk_heap *heap)
{
    if (!heap->ledgered)
        return;
    free_all(heap->ledgered);
    heap->ledgered = NULL;
}

bool husk_ledger_is_on(const husk_heap *heap)
{
    return heap->ledgered;
}

husk_status husk_ledger_choose(husk_heap *heap, const husk_type *type, bool in)
{
    struct husk__ledgered *on = heap->ledgered;
    if (!on)
        return no_ledger(heap);
    if (!room_for(on, type->id))
        return fail_start(heap, HUSK_ENOMEM, 0);
    if (!in) {
        on->chosen[type->id] = CHOSEN_OUT;
        take_out(heap, type);
        return HUSK_OK;
    }
    uint8_t before = on->chosen[type->id];
    on->chosen[type->id] = CHOSEN_IN;
    husk_status status = before == CHOSEN_IN ? HUSK_OK : take_in(heap, type);
    if (!status)
        return HUSK_OK;
    take_out(heap, type);
    on->chosen[type->id] = before;
    return fail_start(heap, status, on->ledger->max_bytes);
}

void husk_ledger_clear(husk_heap *heap)
{
    if (heap->ledgered)
        husk__ledger_clear(heap->ledgered->ledger);
}

void husk_ledger_figures_get(const husk_heap *heap, husk_ledger_figures *out)
{
    *out = (husk_ledger_figures){ 0 };
    if (!heap->ledgered)
        return;
    const struct husk__ledger *ledger = heap->ledgered->ledger;
    *out = (husk_ledger_figures){
        .objects = ledger->books.in_use,
        .entries = ledger->entries.in_use,
        .before = ledger->before,
        .lost = ledger->lost,
        .unpaired = ledger->unpaired,
        .retains = ledger->retains,
        .releases = ledger->releases,
        .missed = ledger->missed,
        .own_bytes = husk__ledger_bytes(ledger),
        .max_bytes = ledger->max_bytes,
        .frames = ledger->tracer->most_frames,
    };
}

/* ---- scopes ---- */

husk_status husk_ledger_push(husk_heap *heap, const char *owner)
{
    if (!heap->ledgered)
        return no_ledger(heap);
    struct husk__ledger *ledger = heap->ledgered->ledger;
    uint64_t id = ledger->owner_depth < LEDGER_NESTING ? husk__ledger_name(owner) : 0;
    if (!id) {
        bool deep = ledger->owner_depth == LEDGER_NESTING;
        return husk_heap_fail(heap, deep ? HUSK_ERANGE : HUSK_ENOMEM, "owner %s: %s", owner,
                              deep ? "nested more than 64 deep" : husk_status_text(HUSK_ENOMEM));
    }
    ledger->owners[ledger->owner_depth++] = (const char *)(uintptr_t)id;
    return HUSK_OK;
}

husk_status husk_ledger_pop(husk_heap *heap)
{
    if (!heap->ledgered)
        return no_ledger(heap);
    if (!heap->ledgered->ledger->owner_depth)
        return husk_heap_fail(heap, HUSK_ESTATE, "no owner is pushed");
    heap->ledgered->ledger->owner_depth--;
    return HUSK_OK;
}
