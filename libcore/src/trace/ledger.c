/* trace/ledger.c: see ledger.h. */
#include "trace/ledger.h"

#include "base/memory.h"
#include "trace/mix.h"
#include "trace/site.h"
#include "trace/unwind.h"

#include <string.h>

/* ---- rows ---- */

size_t husk__ledger_bytes(const struct husk__ledger *ledger)
{
    return sizeof *ledger + ledger->books.rows.committed + ledger->entries.rows.committed +
           ledger->chains.rows.committed + ledger->places.committed +
           ledger->bucket_count * sizeof *ledger->buckets + ledger->death_room * sizeof *ledger->deaths +
           (ledger->tracer ? husk__tracer_bytes(ledger->tracer) - husk__sites_bytes() : 0);
}

/* A number that may be used; 0: the limit, or no memory. The row of one that was free begins with the next free one's
 * number; all others are zero. */
static uint32_t row_new(struct husk__ledger *ledger, struct husk__ledger_pool *pool, size_t size,
                        uint32_t most)
{
    uint32_t number = pool->free;
    if (number) {
        char *row = pool->rows.at + (size_t)number * size;
        memcpy(&pool->free, row, sizeof pool->free);
        memset(row, 0, size);
        pool->in_use++;
        return number;
    }
    if (pool->count == most)
        return 0;
    if (size > pool->rows.committed - pool->rows.used && ledger->max_bytes &&
        husk__ledger_bytes(ledger) >= ledger->max_bytes)
        return 0;
    if (!husk__grow_add(&pool->rows, size))
        return 0;
    pool->in_use++;
    return pool->count++;
}

static void row_free(struct husk__ledger_pool *pool, size_t size, uint32_t number)
{
    char *row = pool->rows.at + (size_t)number * size;
    memset(row, 0, size);
    memcpy(row, &pool->free, sizeof pool->free);
    pool->free = number;
    pool->in_use--;
}

static struct husk__ledger_chain *chain_at(const struct husk__ledger *ledger, uint32_t chain)
{
    return (struct husk__ledger_chain *)(void *)ledger->chains.rows.at + chain;
}

#define BOOK(ledger, number) husk__ledger_book_at(ledger, number)
#define ENTRY(ledger, number) husk__ledger_entry_at(ledger, number)

/* ---- beginning and end ---- */

enum { FIRST_BUCKETS = 1024 };

husk_status husk__ledger_new(uint32_t frames, uint32_t sources, size_t deaths, size_t max_bytes,
                             struct husk__ledger **out)
{
    struct husk__ledger *ledger = husk__raw_new(sizeof *ledger);
    if (!ledger)
        return husk_fail(HUSK_ENOMEM, "a ledger: %s", husk_status_text(HUSK_ENOMEM));
    husk_trace_options options = { HUSK_TRACE_OPTIONS, .frames = frames, .sources = sources };
    husk_status status = husk__tracer_new(&options, &ledger->tracer);
    if (status) {
        husk__ledger_free(ledger);
        return status;
    }
    ledger->buckets = husk__raw_new(FIRST_BUCKETS * sizeof *ledger->buckets);
    ledger->bucket_count = ledger->buckets ? FIRST_BUCKETS : 0;
    ledger->deaths = deaths ? husk__raw_new(deaths * sizeof *ledger->deaths) : NULL;
    ledger->death_room = ledger->deaths ? deaths : 0;
    bool whole = ledger->buckets && (ledger->deaths || !deaths) &&
                 husk__grow_add(&ledger->books.rows, sizeof(struct husk__ledger_book)) &&
                 husk__grow_add(&ledger->entries.rows, sizeof(struct husk__ledger_entry)) &&
                 husk__grow_add(&ledger->chains.rows, sizeof(struct husk__ledger_chain)) &&
                 husk__grow_room(&ledger->places, TRACE_FIRST * sizeof(struct husk__ledger_place));
    if (!whole) {
        husk__ledger_free(ledger);
        return husk_fail(HUSK_ENOMEM, "a ledger: %s", husk_status_text(HUSK_ENOMEM));
    }
    ledger->books.count = ledger->entries.count = ledger->chains.count = 1; /* number 0 is none */
    ledger->max_bytes = max_bytes;
    size_t bytes = husk__ledger_bytes(ledger);
    if (max_bytes && bytes > max_bytes) {
        husk__ledger_free(ledger);
        return husk_fail(HUSK_ELIMIT, "a ledger takes %zu bytes at least, max_bytes is %zu", bytes,
                         max_bytes);
    }
    *out = ledger;
    return HUSK_OK;
}

void husk__ledger_free(struct husk__ledger *ledger)
{
    husk__raw_free(ledger->buckets, ledger->bucket_count * sizeof *ledger->buckets);
    husk__raw_free(ledger->deaths, ledger->death_room * sizeof *ledger->deaths);
    husk__grow_free(&ledger->books.rows);
    husk__grow_free(&ledger->entries.rows);
    husk__grow_free(&ledger->chains.rows);
    husk__grow_free(&ledger->places);
    if (ledger->tracer)
        husk__tracer_free(ledger->tracer);
    husk__raw_free(ledger, sizeof *ledger);
}

/* ---- where a place is ---- */

/* The function and module of a record's newest frame. What was said for one call alone stands before the native
 * frame that it was said in: that one tells it better. */
static void look_up(const struct husk__ledger *ledger, uint32_t record, struct husk__ledger_place *out)
{
    *out = (struct husk__ledger_place){ 0, 0, true };
    uint32_t number = record < ledger->tracer->record_count ? ledger->tracer->records[record].stack : 0;
    if (!number)
        return;
    husk__sites_lock();
    const struct husk__site_stack *stack = husk__site_stack_at(number);
    struct husk__site_frame frame = *husk__site_frame_at(stack->frame);
    if (frame.kind == SITE_EXPLICIT && stack->parent) {
        const struct husk__site_frame *next = husk__site_frame_at(husk__site_stack_at(stack->parent)->frame);
        if (next->kind == SITE_NATIVE)
            frame = *next;
    }
    husk__sites_unlock();
    if (frame.kind == SITE_NATIVE) {
        uintptr_t module;
        out->function = husk__unwind_function((uintptr_t)frame.address, &module);
        out->module = module;
    } else if (frame.file) {
        out->module = (uintptr_t)frame.file;
        out->function = *frame.function ? husk__mix((uintptr_t)frame.file, (uintptr_t)frame.function)
                                        : husk__mix((uintptr_t)frame.file, frame.line);
    }
}

static struct husk__ledger_place place_of(struct husk__ledger *ledger, uint32_t record)
{
    struct husk__ledger_place place;
    size_t end = ((size_t)record + 1) * sizeof place;
    if (end > ledger->places.used) {
        if (!husk__grow_add(&ledger->places, end - ledger->places.used)) {
            look_up(ledger, record, &place);
            return place;
        }
    }
    struct husk__ledger_place *row = (struct husk__ledger_place *)(void *)ledger->places.at + record;
    if (!row->known)
        look_up(ledger, record, row);
    return *row;
}

/* ---- chains ---- */

enum { TAG_FUNCTION = 1 << 16, TAG_MODULE = 2 << 16, TAG_NAMED = 3 << 16, TAG_HOLDER = 4 << 16 };

struct key {
    uint64_t id;
    uint32_t tag;
};

static struct key key_of_owner(const struct husk__owner *owner)
{
    return (struct key){ owner->id, owner->kind == LEDGER_NAMED ? (uint32_t)TAG_NAMED
                                                                : (uint32_t)TAG_HOLDER | owner->slot };
}

static uint32_t *bucket_of(const struct husk__ledger *ledger, uint32_t book, struct key key)
{
    uint64_t hash = husk__mix(key.id, (uint64_t)book << 32 | key.tag);
    return &ledger->buckets[hash & (ledger->bucket_count - 1)];
}

static uint32_t find_chain(const struct husk__ledger *ledger, uint32_t book, struct key key)
{
    uint32_t number = *bucket_of(ledger, book, key);
    for (; number; number = chain_at(ledger, number)->next) {
        const struct husk__ledger_chain *chain = chain_at(ledger, number);
        if (chain->id == key.id && chain->tag == key.tag && chain->book == book)
            break;
    }
    return number;
}

/* Longer searches are the price where memory for more buckets is refused. */
static void more_buckets(struct husk__ledger *ledger)
{
    size_t count = ledger->bucket_count * 2, bytes = count * sizeof *ledger->buckets;
    if (ledger->max_bytes && husk__ledger_bytes(ledger) + bytes / 2 > ledger->max_bytes)
        return;
    uint32_t *buckets = husk__raw_new(bytes);
    if (!buckets)
        return;
    husk__raw_free(ledger->buckets, bytes / 2);
    ledger->buckets = buckets;
    ledger->bucket_count = count;
    for (uint32_t i = 1; i < ledger->chains.count; i++) {
        struct husk__ledger_chain *chain = chain_at(ledger, i);
        if (!chain->book)
            continue;
        uint32_t *bucket = bucket_of(ledger, chain->book, (struct key){ chain->id, chain->tag });
        chain->next = *bucket;
        *bucket = i;
    }
}

/* The chain, new if need be; 0: no room. */
static uint32_t need_chain(struct husk__ledger *ledger, uint32_t book, struct key key)
{
    uint32_t number = find_chain(ledger, book, key);
    if (number)
        return number;
    if (ledger->chains.in_use >= ledger->bucket_count)
        more_buckets(ledger);
    number = row_new(ledger, &ledger->chains, sizeof(struct husk__ledger_chain), LEDGER_ENTRIES);
    if (!number)
        return 0;
    uint32_t *bucket = bucket_of(ledger, book, key);
    *chain_at(ledger, number) = (struct husk__ledger_chain){ key.id, key.tag, book, 0, *bucket };
    *bucket = number;
    return number;
}

static void drop_chain_if_empty(struct husk__ledger *ledger, uint32_t number)
{
    const struct husk__ledger_chain *chain = chain_at(ledger, number);
    if (chain->newest)
        return;
    uint32_t *at = bucket_of(ledger, chain->book, (struct key){ chain->id, chain->tag });
    while (*at != number)
        at = &chain_at(ledger, *at)->next;
    *at = chain->next;
    row_free(&ledger->chains, sizeof *chain, number);
}

static void link_in(struct husk__ledger *ledger, uint32_t number, unsigned which, uint32_t chain)
{
    struct husk__ledger_link *link = &ENTRY(ledger, number)->links[which];
    uint32_t *newest = &chain_at(ledger, chain)->newest;
    *link = (struct husk__ledger_link){ chain, *newest, 0 };
    if (*newest)
        ENTRY(ledger, *newest)->links[which].newer = number;
    *newest = number;
}

static void link_out(struct husk__ledger *ledger, const struct husk__ledger_entry *entry, unsigned which)
{
    const struct husk__ledger_link *link = &entry->links[which];
    if (!link->chain)
        return;
    if (link->newer)
        ENTRY(ledger, link->newer)->links[which].older = link->older;
    else
        chain_at(ledger, link->chain)->newest = link->older;
    if (link->older)
        ENTRY(ledger, link->older)->links[which].newer = link->newer;
    drop_chain_if_empty(ledger, link->chain);
}

/* ---- entries ---- */

/* In the book's list, and in the chains of its owner or place. False: no room; nothing has changed. */
static bool add_entry(struct husk__ledger *ledger, uint32_t book, const struct husk__owner *owner,
                      enum husk__ledger_kind kind, uint32_t record)
{
    uint32_t chains[2] = { 0, 0 };
    if (owner->kind == LEDGER_NAMED && !owner->id) /* no memory for the name */
        return false;
    uint32_t number = row_new(ledger, &ledger->entries, sizeof(struct husk__ledger_entry), LEDGER_ENTRIES);
    if (!number)
        return false;
    if (kind != LEDGER_RELEASE && owner->kind != LEDGER_NOBODY) {
        chains[0] = need_chain(ledger, book, key_of_owner(owner));
    } else if (kind != LEDGER_RELEASE) {
        struct husk__ledger_place place = place_of(ledger, record);
        chains[0] = need_chain(ledger, book, (struct key){ place.function, TAG_FUNCTION });
        chains[1] = chains[0] ? need_chain(ledger, book, (struct key){ place.module, TAG_MODULE }) : 0;
        if (chains[0] && !chains[1])
            drop_chain_if_empty(ledger, chains[0]);
    }
    if (kind != LEDGER_RELEASE && (!chains[0] || (owner->kind == LEDGER_NOBODY && !chains[1]))) {
        row_free(&ledger->entries, sizeof(struct husk__ledger_entry), number);
        return false;
    }
    struct husk__ledger_book *b = BOOK(ledger, book);
    uint32_t *list = kind == LEDGER_RELEASE ? &b->releases : &b->newest;
    struct husk__ledger_entry *entry = ENTRY(ledger, number);
    *entry = (struct husk__ledger_entry){
        .owner = *owner,
        .kind = (uint8_t)kind,
        .book = book,
        .record = record,
        .serial = ++ledger->serial,
        .older = *list,
    };
    if (*list)
        ENTRY(ledger, *list)->newer = number;
    *list = number;
    for (unsigned i = 0; i < 2; i++)
        if (chains[i])
            link_in(ledger, number, i, chains[i]);
    if (kind != LEDGER_RELEASE && owner->kind == LEDGER_NOBODY)
        b->nobodys++;
    return true;
}

static void drop_entry(struct husk__ledger *ledger, uint32_t number)
{
    struct husk__ledger_entry *entry = ENTRY(ledger, number);
    struct husk__ledger_book *book = BOOK(ledger, entry->book);
    if (entry->newer)
        ENTRY(ledger, entry->newer)->older = entry->older;
    else if (entry->kind == LEDGER_RELEASE)
        book->releases = entry->older;
    else
        book->newest = entry->older;
    if (entry->older)
        ENTRY(ledger, entry->older)->newer = entry->newer;
    link_out(ledger, entry, 0);
    link_out(ledger, entry, 1);
    if (entry->kind != LEDGER_RELEASE && entry->owner.kind == LEDGER_NOBODY)
        book->nobodys--;
    row_free(&ledger->entries, sizeof *entry, number);
}

/* A reference is there: as an entry, or lost. */
static void enter(struct husk__ledger *ledger, uint32_t book, const struct husk__owner *owner,
                  enum husk__ledger_kind kind, uint32_t record)
{
    if (add_entry(ledger, book, owner, kind, record))
        return;
    BOOK(ledger, book)->lost++;
    ledger->lost++;
}

void husk__ledger_in(struct husk__ledger *ledger, uint32_t book, const struct husk__owner *owner,
                     enum husk__ledger_kind kind, uint32_t record)
{
    BOOK(ledger, book)->count++;
    ledger->retains++;
    enter(ledger, book, owner, kind, record);
}

static uint32_t newest_of(const struct husk__ledger *ledger, uint32_t book, struct key key)
{
    uint32_t chain = find_chain(ledger, book, key);
    return chain ? chain_at(ledger, chain)->newest : 0;
}

static uint32_t newest_of_nobody(const struct husk__ledger *ledger, const struct husk__ledger_book *book)
{
    if (!book->nobodys)
        return 0;
    uint32_t number = book->newest;
    while (number && ENTRY(ledger, number)->owner.kind != LEDGER_NOBODY)
        number = ENTRY(ledger, number)->older;
    return number;
}

static uint32_t newest_stale(const struct husk__ledger *ledger, const struct husk__ledger_book *book,
                             husk__ledger_stale_fn *stale)
{
    uint32_t number = stale ? book->newest : 0;
    while (number &&
           !(ENTRY(ledger, number)->owner.kind == LEDGER_HOLDER && stale(ENTRY(ledger, number), book->thing)))
        number = ENTRY(ledger, number)->older;
    return number;
}

static uint32_t match(struct husk__ledger *ledger, uint32_t book, const struct husk__owner *owner,
                      uint32_t record)
{
    if (owner->kind != LEDGER_NOBODY) {
        uint32_t own = newest_of(ledger, book, key_of_owner(owner));
        return own || owner->kind == LEDGER_NAMED ? own : newest_of_nobody(ledger, BOOK(ledger, book));
    }
    struct husk__ledger_place place = place_of(ledger, record);
    if (!place.module) /* it can only be guessed */
        return newest_of_nobody(ledger, BOOK(ledger, book));
    uint32_t found = newest_of(ledger, book, (struct key){ place.function, TAG_FUNCTION });
    return found && place.function ? found
                                   : newest_of(ledger, book, (struct key){ place.module, TAG_MODULE });
}

bool husk__ledger_has(const struct husk__ledger *ledger, uint32_t book, const struct husk__owner *owner)
{
    return owner->kind != LEDGER_NOBODY && newest_of(ledger, book, key_of_owner(owner));
}

/* A reference is gone: what it is paired with. */
static bool leave(struct husk__ledger *ledger, uint32_t book, const struct husk__owner *owner,
                  uint32_t record, husk__ledger_stale_fn *stale)
{
    struct husk__ledger_book *b = BOOK(ledger, book);
    uint32_t number = match(ledger, book, owner, record);
    if (!number && b->before) {
        b->before--;
        ledger->before--;
        return true;
    }
    if (!number && b->lost) {
        b->lost--;
        ledger->lost--;
        return true;
    }
    if (!number && owner->kind == LEDGER_NOBODY)
        number = newest_stale(ledger, b, stale);
    if (number) {
        drop_entry(ledger, number);
        return true;
    }
    b->unpaired++;
    ledger->unpaired++;
    (void)add_entry(ledger, book, owner, LEDGER_RELEASE, record); /* or it is only counted */
    return false;
}

bool husk__ledger_out(struct husk__ledger *ledger, uint32_t book, const struct husk__owner *owner,
                      uint32_t record, husk__ledger_stale_fn *stale)
{
    BOOK(ledger, book)->count--;
    ledger->releases++;
    return leave(ledger, book, owner, record, stale);
}

void husk__ledger_move(struct husk__ledger *ledger, uint32_t book, const struct husk__owner *from,
                       const struct husk__owner *to, uint32_t record, husk__ledger_stale_fn *stale)
{
    (void)leave(ledger, book, from, record, stale);
    enter(ledger, book, to, LEDGER_RETAIN, record);
}

/* ---- books ---- */

uint32_t husk__ledger_open(struct husk__ledger *ledger, const void *thing, uint32_t before)
{
    uint32_t number = row_new(ledger, &ledger->books, sizeof(struct husk__ledger_book), LEDGER_BOOKS);
    if (!number) {
        ledger->missed++;
        return 0;
    }
    *BOOK(ledger, number) = (struct husk__ledger_book){
        .thing = thing, .count = before, .before = before, .number = ++ledger->numbers
    };
    ledger->before += before;
    return number;
}

static void drop_entries(struct husk__ledger *ledger, struct husk__ledger_book *book)
{
    while (book->newest)
        drop_entry(ledger, book->newest);
    while (book->releases)
        drop_entry(ledger, book->releases);
    ledger->before -= book->before;
    ledger->lost -= book->lost;
    ledger->unpaired -= book->unpaired;
    book->before = book->lost = book->unpaired = 0;
}

void husk__ledger_close(struct husk__ledger *ledger, uint32_t number)
{
    drop_entries(ledger, BOOK(ledger, number));
    row_free(&ledger->books, sizeof(struct husk__ledger_book), number);
}

void husk__ledger_die(struct husk__ledger *ledger, uint32_t number, uint32_t type, uint32_t record)
{
    const struct husk__ledger_book *book = BOOK(ledger, number);
    if (ledger->death_room) {
        ledger->deaths[ledger->death_next] =
            (struct husk__ledger_death){ book->thing, book->number, type, book->born, record };
        ledger->death_next = (ledger->death_next + 1) % ledger->death_room;
    }
    husk__ledger_close(ledger, number);
}

const struct husk__ledger_death *husk__ledger_death_of(const struct husk__ledger *ledger, const void *thing)
{
    for (size_t i = 1; i <= ledger->death_room; i++) {
        const struct husk__ledger_death *death =
            &ledger->deaths[(ledger->death_next + ledger->death_room - i) % ledger->death_room];
        if (death->thing == thing)
            return death;
    }
    return NULL;
}

void husk__ledger_clear(struct husk__ledger *ledger)
{
    for (uint32_t i = 1; i < ledger->books.count; i++) {
        struct husk__ledger_book *book = BOOK(ledger, i);
        if (!book->number)
            continue;
        drop_entries(ledger, book);
        book->before = book->count;
        ledger->before += book->count;
    }
    ledger->missed = ledger->retains = ledger->releases = 0;
}

uint64_t husk__ledger_name(const char *name)
{
    husk__sites_lock();
    uint64_t id = (uintptr_t)husk__site_text(name, strlen(name));
    husk__sites_unlock();
    return id;
}

/* ---- is it whole? ---- */

static bool is_linked(const struct husk__ledger *ledger, uint32_t number, unsigned which)
{
    const struct husk__ledger_link *link = &ENTRY(ledger, number)->links[which];
    if (!link->chain)
        return true;
    return link->newer ? ENTRY(ledger, link->newer)->links[which].older == number
                       : chain_at(ledger, link->chain)->newest == number &&
                             chain_at(ledger, link->chain)->book == ENTRY(ledger, number)->book;
}

const char *husk__ledger_check(const struct husk__ledger *ledger, uint32_t number)
{
    if (!number || number >= ledger->books.count || !BOOK(ledger, number)->number)
        return "its book is not open";
    const struct husk__ledger_book *book = BOOK(ledger, number);
    uint64_t open = 0, nobodys = 0, releases = 0;
    uint32_t newer = 0;
    for (uint32_t e = book->newest; e; newer = e, e = ENTRY(ledger, e)->older, open++) {
        const struct husk__ledger_entry *entry = ENTRY(ledger, e);
        if (entry->book != number || entry->newer != newer || entry->kind == LEDGER_RELEASE)
            return "an entry is listed where it does not belong";
        if (!entry->links[0].chain || !is_linked(ledger, e, 0) || !is_linked(ledger, e, 1))
            return "an entry is not in its chain";
        nobodys += entry->owner.kind == LEDGER_NOBODY;
    }
    for (uint32_t e = book->releases; e; e = ENTRY(ledger, e)->older)
        releases++;
    if (nobodys != book->nobodys || releases > book->unpaired)
        return "its entries are not as many as noted";
    if (open + book->before + book->lost != (uint64_t)book->count + book->unpaired)
        return "open entries and those before do not make up its count";
    return NULL;
}
