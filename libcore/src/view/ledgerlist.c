/* view/ledgerlist.c: see ledgerlist.h. Entries are collected into rows, native frames named, and all that is shown is
 * kept by the list: texts in the tables of trace/site.h, which it holds. Printing is ledgertext.c. */
#include "view/ledgerlist.h"

#include "object/hook.h"
#include "object/ledgered.h"
#include "trace/site.h"
#include "view/sort.h"
#include "view/symbol.h"

#include <string.h>

/* ---- rows ---- */

struct gather {
    husk_ledger_list *list;
    const struct husk__ledger *ledger;
    struct husk__pool pool;
    uint32_t *index; /* of rows, open addressing; row + 1 */
    size_t room;     /* a power of two */
    uint32_t flags;
};

static uint32_t detail_of(const struct husk__ledger_entry *entry, bool gone)
{
    bool holder = entry->owner.kind == LEDGER_HOLDER;
    return (uint32_t)entry->kind | (uint32_t)entry->owner.kind << 2 | (uint32_t)gone << 4 |
           (holder ? (uint32_t)entry->owner.slot << 8 : 0);
}

static bool is_row(const struct husk__ledger_row *row, const struct husk__ledger_row *want)
{
    return row->stack == want->stack && row->owner == want->owner && row->detail == want->detail &&
           row->type == want->type;
}

static struct husk__ledger_row *row_for(struct gather *gather, const struct husk__ledger_row *want)
{
    uint64_t hash =
        husk__mix(want->owner ^ (uint64_t)want->detail << 32, (uint64_t)want->stack << 32 | want->type);
    size_t at = hash & (gather->room - 1);
    for (; gather->index[at]; at = (at + 1) & (gather->room - 1))
        if (is_row(&gather->list->rows[gather->index[at] - 1], want))
            return &gather->list->rows[gather->index[at] - 1];
    struct husk__ledger_row *row = &gather->list->rows[gather->list->row_count];
    *row = *want;
    gather->index[at] = (uint32_t)++gather->list->row_count;
    return row;
}

static const char *type_name(uint32_t id)
{
    return husk__types[id] ? husk__types[id]->name : "";
}

static void add_owner(struct husk__ledger_row *row, const struct husk__owner *owner)
{
    row->shown.owner = owner->kind;
    row->shown.name = row->shown.holder = "";
    if (owner->kind == LEDGER_NAMED) {
        row->shown.name = (const char *)(uintptr_t)owner->id;
    } else if (owner->kind == LEDGER_HOLDER) {
        const husk_type *type = husk__types[owner->type];
        const char *name = owner->slot != LEDGER_ITEM && type ? husk_type_slot_name(type, owner->slot) : NULL;
        row->shown.name = name ? name : "";
        row->shown.holder = type_name(owner->type);
    }
}

static void add_entry(struct gather *gather, const struct husk__ledger_book *book, uint32_t number,
                      const struct husk__ledger_entry *entry)
{
    bool holder = entry->owner.kind == LEDGER_HOLDER && entry->kind != LEDGER_RELEASE;
    bool gone = holder && husk__ledgered_is_stale(entry, book->thing);
    if (holder && !gone && !(gather->flags & HUSK_LEDGER_HELD))
        return;
    const husk_obj *obj = book->thing;
    struct husk__ledger_row want = {
        .owner = entry->owner.kind == LEDGER_HOLDER ? entry->owner.type : entry->owner.id,
        .detail = detail_of(entry, gone),
        .type = obj->tf & TF_TYPE,
        .stack = entry->record ? gather->ledger->tracer->records[entry->record].stack : 0,
    };
    struct husk__ledger_row *row = row_for(gather, &want);
    if (!row->shown.count) {
        row->shown.type = type_name(want.type);
        row->shown.kind = entry->kind;
        row->shown.gone = gone;
        add_owner(row, &entry->owner);
        row->holder = entry->owner.id;
        row->shown.number = entry->owner.kind == LEDGER_HOLDER ? entry->owner.number : 0;
    }
    if (row->holder != entry->owner.id)
        row->shown.number = 0;
    row->shown.count++;
    row->shown.objects += row->book != number;
    row->book = number;
    if (entry->serial > row->serial)
        row->serial = entry->serial;
    gather->list->total++;
}

static size_t count_book(const struct husk__ledger *ledger, const struct husk__ledger_book *book,
                         uint32_t flags)
{
    size_t count = 0;
    for (uint32_t e = book->newest; e; e = husk__ledger_entry_at(ledger, e)->older)
        count++;
    if (flags & HUSK_LEDGER_RELEASES)
        for (uint32_t e = book->releases; e; e = husk__ledger_entry_at(ledger, e)->older)
            count++;
    return count;
}

static void add_book(struct gather *gather, uint32_t number)
{
    const struct husk__ledger_book *book = husk__ledger_book_at(gather->ledger, number);
    for (uint32_t e = book->newest; e; e = husk__ledger_entry_at(gather->ledger, e)->older)
        add_entry(gather, book, number, husk__ledger_entry_at(gather->ledger, e));
    if (gather->flags & HUSK_LEDGER_RELEASES)
        for (uint32_t e = book->releases; e; e = husk__ledger_entry_at(gather->ledger, e)->older)
            add_entry(gather, book, number, husk__ledger_entry_at(gather->ledger, e));
}

/* ---- stacks ---- */

static size_t depth_of(uint32_t stack)
{
    return stack ? husk__site_stack_at(stack)->depth : 0;
}

/* The frames of all rows, one stack after the other. */
static void fill_frames(husk_ledger_list *list)
{
    size_t at = 0;
    for (size_t i = 0; i < list->row_count; i++) {
        struct husk__ledger_row *row = &list->rows[i];
        row->frame_at = at;
        for (uint32_t stack = row->stack; stack; stack = husk__site_stack_at(stack)->parent) {
            const struct husk__site_frame *frame = husk__site_frame_at(husk__site_stack_at(stack)->frame);
            list->frames[at++] =
                (husk_place_frame){ frame->file ? frame->file : "", frame->function ? frame->function : "",
                                    frame->line, frame->address };
        }
        row->shown.frames = at - row->frame_at;
    }
}

static const char *kept(const char *text)
{
    const char *own = husk__site_text(text, strlen(text));
    return own ? own : "";
}

/* Functions and modules of native frames, as far as memory and files allow. */
static void name_frames(husk_ledger_list *list, struct husk__pool *pool)
{
    size_t count = 0;
    for (size_t i = 0; i < list->frame_count; i++)
        count += list->frames[i].address != 0;
    struct husk__symbol *named = count ? POOL_NEW(pool, struct husk__symbol, count) : NULL;
    struct husk__symbols *symbols = named ? husk__symbols_open() : NULL;
    if (!symbols)
        return;
    size_t n = 0;
    for (size_t i = 0; i < list->frame_count; i++)
        if (list->frames[i].address)
            named[n++] = (struct husk__symbol){ .address = list->frames[i].address - 1, .tag = (uint32_t)i };
    husk__symbols_name(symbols, named, count);
    husk__sites_lock();
    for (size_t i = 0; i < count; i++) {
        husk_place_frame *frame = &list->frames[named[i].tag];
        frame->function = kept(named[i].name ? named[i].name : "");
        if (named[i].module != SYMBOL_NONE)
            frame->file = kept(husk__symbols_module(symbols, named[i].module)->path);
    }
    husk__sites_unlock();
    husk__symbols_close(symbols);
}

/* ---- beginning and end ---- */

static husk_ledger_list *list_new(size_t entries)
{
    husk_ledger_list *list = husk__raw_new(sizeof *list);
    if (!list)
        return NULL;
    husk__sites_hold();
    list->row_room = entries ? entries : 1;
    list->rows = husk__raw_new(list->row_room * sizeof *list->rows);
    if (!list->rows) {
        list->row_room = 0;
        husk_ledger_list_free(list);
        return NULL;
    }
    return list;
}

void husk_ledger_list_free(husk_ledger_list *list)
{
    if (!list)
        return;
    husk__raw_free(list->rows, list->row_room * sizeof *list->rows);
    husk__raw_free(list->order, list->order_room * sizeof *list->order);
    husk__raw_free(list->frames, list->frame_count * sizeof *list->frames);
    husk__raw_free(list, sizeof *list);
    husk__sites_drop();
}

static bool put_in_order(husk_ledger_list *list, struct husk__pool *pool)
{
    size_t count = list->row_count;
    struct husk__pair *pairs = POOL_NEW(pool, struct husk__pair, count);
    list->order_room = count ? count : 1;
    list->order = husk__raw_new(list->order_room * sizeof *list->order);
    if (!list->order || !pairs)
        return false;
    for (size_t i = 0; i < count; i++) {
        const struct husk__ledger_row *row = &list->rows[i];
        uint64_t many = row->shown.count < UINT32_MAX ? row->shown.count : UINT32_MAX;
        pairs[i] = (struct husk__pair){ ~(many << 32 | row->serial), (uint32_t)i };
    }
    if (!list->deaths && !husk__sort_pairs(pool, pairs, count))
        return false;
    for (size_t i = 0; i < count; i++)
        list->order[i] = pairs[i].item;
    return true;
}

/* The rows are there: their frames, and their order. False: no memory. */
static bool finish(husk_ledger_list *list, struct husk__pool *pool)
{
    husk__sites_lock();
    for (size_t i = 0; i < list->row_count; i++)
        list->frame_count += depth_of(list->rows[i].stack);
    husk__sites_unlock();
    if (list->frame_count) {
        list->frames = husk__raw_new(list->frame_count * sizeof *list->frames);
        if (!list->frames) {
            list->frame_count = 0;
            return false;
        }
        husk__sites_lock();
        fill_frames(list);
        husk__sites_unlock();
        name_frames(list, pool);
    }
    return put_in_order(list, pool);
}

static husk_status fail(husk_heap *heap, husk_status status, const char *why)
{
    return husk_heap_fail(heap, status, "the ledger of heap %s: %s", heap->name, why);
}

/* Books with such a number, or of all objects of a type. */
static husk_status gather(husk_heap *heap, uint32_t only, const husk_type *type, uint32_t flags,
                          husk_ledger_list **out)
{
    const struct husk__ledger *ledger = heap->ledgered->ledger;
    struct gather gather = { .ledger = ledger, .flags = flags, .room = 64 };
    uint32_t first = only ? only : 1, end = only ? only + 1 : ledger->books.count;
    size_t entries = 0;
#define WANTED(b)                                                                                            \
    (husk__ledger_book_at(ledger, b)->number &&                                                              \
     (!type || husk__type_of(husk__ledger_book_at(ledger, b)->thing) == type))
    for (uint32_t b = first; b < end; b++)
        if (WANTED(b))
            entries += count_book(ledger, husk__ledger_book_at(ledger, b), flags);
    while (gather.room < entries * 2)
        gather.room *= 2;
    gather.index = POOL_NEW(&gather.pool, uint32_t, gather.room);
    gather.list = gather.index ? list_new(entries) : NULL;
    bool whole = gather.list;
    if (whole) {
        for (uint32_t b = first; b < end; b++)
            if (WANTED(b))
                add_book(&gather, b);
        whole = finish(gather.list, &gather.pool);
    }
#undef WANTED
    husk__pool_free(&gather.pool);
    if (!whole) {
        husk_ledger_list_free(gather.list);
        return fail(heap, HUSK_ENOMEM, husk_status_text(HUSK_ENOMEM));
    }
    *out = gather.list;
    return HUSK_OK;
}

husk_status husk_ledger_of(const husk_obj *obj, uint32_t flags, husk_ledger_list **out)
{
    husk_heap *heap = husk__heap_of(obj);
    if (!husk__is_ledgered(obj))
        return husk_heap_fail(heap, HUSK_ESTATE, "the object of type %s is in no ledger",
                              husk__type_of(obj)->name);
    return gather(heap, obj->rc & RC_BOOK, NULL, flags, out);
}

husk_status husk_ledger_all(husk_heap *heap, const husk_type *type, uint32_t flags, husk_ledger_list **out)
{
    if (!heap->ledgered)
        return husk_heap_fail(heap, HUSK_ESTATE, "heap %s has no ledger", heap->name);
    return gather(heap, 0, type, flags, out);
}

static void add_moment(husk_ledger_list *list, const struct husk__ledger *ledger, int kind,
                       const struct husk__ledger_death *death, uint32_t record)
{
    list->rows[list->row_count++] = (struct husk__ledger_row){
        .shown = { .count = 1,
                   .objects = 1,
                   .type = type_name(death->type),
                   .kind = kind,
                   .name = "",
                   .holder = "",
                   .number = death->number },
        .stack = record ? ledger->tracer->records[record].stack : 0,
    };
    list->total++;
}

husk_status husk_ledger_death(husk_heap *heap, const void *address, husk_ledger_list **out)
{
    if (!heap->ledgered)
        return husk_heap_fail(heap, HUSK_ESTATE, "heap %s has no ledger", heap->name);
    const struct husk__ledger *ledger = heap->ledgered->ledger;
    const struct husk__ledger_death *death = husk__ledger_death_of(ledger, address);
    if (!death)
        return fail(heap, HUSK_EMISSING, "no death at that address is remembered");
    struct husk__pool pool = { .count = 0 };
    husk_ledger_list *list = list_new(2);
    bool whole = list;
    if (whole) {
        list->deaths = true;
        add_moment(list, ledger, HUSK_LEDGER_DEATH, death, death->record);
        add_moment(list, ledger, HUSK_LEDGER_BIRTH, death, death->born);
        whole = finish(list, &pool);
    }
    husk__pool_free(&pool);
    if (!whole) {
        husk_ledger_list_free(list);
        return fail(heap, HUSK_ENOMEM, husk_status_text(HUSK_ENOMEM));
    }
    *out = list;
    return HUSK_OK;
}
