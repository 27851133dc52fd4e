/* cycle/passlog.c: records of passes: the one under way is kept, the latest are read. See passlog.h. */
#define _GNU_SOURCE
#include "cycle/passlog.h"

#include "base/clock.h"
#include "cycle/pace.h"
#include "cycle/pauses.h"

#include <string.h>

const char *husk_reason_name(husk_reason reason)
{
    static const char *const names[] = {
        [HUSK_BY_CALL] = "call",   [HUSK_BY_OBJECTS] = "objects", [HUSK_BY_BYTES] = "bytes",
        [HUSK_BY_LIMIT] = "limit", [HUSK_BY_REQUEST] = "request", [HUSK_BY_STRESS] = "stress",
        [HUSK_BY_CLOSE] = "close", [HUSK_BY_SOFT] = "soft limit", [HUSK_BY_IDLE] = "idle",
    };
    return (size_t)reason < sizeof names / sizeof *names ? names[reason] : "unknown";
}

const char *husk_mode_name(husk_mode mode)
{
    static const char *const names[HUSK_MODES] = {
        [HUSK_FULL] = "full", [HUSK_YOUNG] = "young", [HUSK_STEP] = "step"
    };
    return (unsigned)mode < HUSK_MODES ? names[mode] : "unknown";
}

const char *husk_part_name(husk_part part)
{
    static const char *const names[HUSK_PARTS] = {
        [HUSK_PART_CLEAR] = "clear",         [HUSK_PART_SUBTRACT] = "subtract",
        [HUSK_PART_SEED] = "seed",           [HUSK_PART_MARK] = "mark",
        [HUSK_PART_GATHER] = "gather",       [HUSK_PART_FINALIZE] = "finalize",
        [HUSK_PART_CONFIRM] = "confirm",     [HUSK_PART_RECLAIM] = "reclaim",
        [HUSK_PART_CALLBACKS] = "callbacks",
    };
    return (unsigned)part < HUSK_PARTS ? names[part] : "unknown";
}

/* ---- the pass under way ---- */

static uint64_t frozen_count(const husk_heap *heap)
{
    uint64_t count = 0;
    struct husk__page_walk walk = { &heap->store, 0, NULL, 0 };
    if (!heap->passes.any_frozen)
        return 0;
    for (struct husk__page *page; (page = husk__next_page(&walk));)
        if (page->frozen)
            count += page->used;
    return count;
}

static void forget_freed(struct husk__freed_table *freed)
{
    if (freed->count)
        memset(freed->index, 0, sizeof freed->index);
    freed->count = 0;
    freed->rest = (husk_freed){ 0 };
}

/* A run over young pages leaves the others as they were seen last. */
static void look(husk_heap *heap, bool recount, uint64_t *objects, uint64_t *bytes)
{
    struct husk__store *store = &heap->store;
    if (recount)
        husk__store_recount(store);
    size_t hand_bytes, hand = husk__store_in_hand(store, &hand_bytes);
    *objects = store->seen_blocks - hand;
    *bytes = store->seen_bytes - hand_bytes + store->raw_bytes + store->foreign_bytes;
}

void husk__pass_begin(husk_heap *heap, husk_mode mode, husk_reason reason, bool quiet, uint64_t start)
{
    struct husk__passes *passes = &heap->passes;
    passes->now = (husk_pass_record){ .reason = reason,
                                      .mode = mode,
                                      .quiet = quiet,
                                      .start_ns = start,
                                      .threads = 1,
                                      .frozen = frozen_count(heap) };
    if (mode == HUSK_YOUNG) {
        look(heap, false, &passes->now.objects_before, &passes->now.bytes_before);
    } else {
        passes->now.objects_before = heap->pace.most_blocks;
        passes->now.bytes_before = heap->pace.most_bytes;
    }
    forget_freed(&passes->freed);
    passes->slice_ns = 0;
    passes->at = start; /* the look at the heap is a part of the wait */
    passes->timed = true;
}

husk_part husk__part_of(enum husk__search_phase phase)
{
    switch (phase) {
    case SEARCH_NONE:
    case SEARCH_OPEN:
        return HUSK_PART_CLEAR;
    case SEARCH_SUBTRACT:
        return HUSK_PART_SUBTRACT;
    case SEARCH_SEED:
    case SEARCH_ROOTS:
        return HUSK_PART_SEED;
    case SEARCH_MARK:
    case SEARCH_FOUND:
    case SEARCH_AGAIN:
        return HUSK_PART_MARK;
    case SEARCH_CONFIRM:
    case SEARCH_REST:
        return HUSK_PART_CONFIRM;
    case SEARCH_NAME:
    case SEARCH_GATHER:
    case SEARCH_CLOSE:
        break;
    }
    return HUSK_PART_GATHER;
}

void husk__part_end(husk_heap *heap, husk_part part)
{
    struct husk__passes *passes = &heap->passes;
    if (!passes->timed)
        return;
    uint64_t now = husk__now();
    passes->now.ns[part] += now - passes->at;
    passes->slice_ns += now - passes->at;
    passes->at = now;
}

void husk__threads_note(husk_heap *heap, unsigned threads)
{
    if (heap->passes.timed)
        heap->passes.now.threads = threads;
}

void husk__slice_begin(husk_heap *heap, bool quiet, uint64_t start)
{
    struct husk__passes *passes = &heap->passes;
    passes->at = start;
    passes->timed = true;
    passes->now.quiet = passes->now.quiet && quiet;
}

/* In steps all but finalizers and the end of members counts as search: what a step is planned by. */
static void tell_times(const husk_pass_record *record, husk_pass *pass)
{
    const uint64_t *ns = record->ns;
    uint64_t confirm = ns[HUSK_PART_CONFIRM], rest = ns[HUSK_PART_CALLBACKS];
    bool steps = record->mode == HUSK_STEP;
    pass->find_ns = ns[HUSK_PART_CLEAR] + ns[HUSK_PART_SUBTRACT] + ns[HUSK_PART_SEED] + ns[HUSK_PART_MARK] +
                    ns[HUSK_PART_GATHER] + (steps ? confirm + rest : 0);
    pass->finalize_ns = ns[HUSK_PART_FINALIZE] + (steps ? 0 : confirm);
    pass->reclaim_ns = ns[HUSK_PART_RECLAIM];
}

void husk__slice_end(husk_heap *heap, husk_pass *pass)
{
    struct husk__passes *passes = &heap->passes;
    husk_pass_record *record = &passes->now;
    husk__part_end(heap, HUSK_PART_CALLBACKS);
    passes->timed = false;
    husk__pause_add(&passes->pauses[record->mode], passes->slice_ns);
    record->pauses++;
    record->pause_ns += passes->slice_ns;
    record->longest_ns = passes->slice_ns > record->longest_ns ? passes->slice_ns : record->longest_ns;
    passes->slice_ns = 0;
    tell_times(record, pass);
}

/* The type's entry; the rest if the table is full. */
static husk_freed *freed_entry(struct husk__freed_table *freed, const husk_type *type)
{
    for (uint32_t at = type->id;; at++) {
        uint8_t *place = &freed->index[at % FREED_INDEX];
        if (*place && freed->at[*place - 1].type == type)
            return &freed->at[*place - 1];
        if (*place)
            continue;
        if (freed->count == FREED_TYPES)
            return &freed->rest;
        freed->at[freed->count] = (husk_freed){ .type = type };
        *place = (uint8_t)(freed->count + 1);
        return &freed->at[freed->count++];
    }
}

void husk__freed_add(husk_heap *heap, const husk_type *type, uint32_t objects, size_t block_bytes)
{
    husk_freed *entry = freed_entry(&heap->passes.freed, type);
    entry->objects += objects;
    entry->bytes += objects * block_bytes;
}

/* ---- its end ---- */

static bool goes_before(const husk_freed *a, const husk_freed *b)
{
    return a->bytes != b->bytes ? a->bytes > b->bytes : a->type->id < b->type->id;
}

/* The first HUSK_RECORD_TYPES by bytes, the others in one sum. */
static void list_freed(const struct husk__freed_table *freed, husk_pass_record *record)
{
    record->rest = freed->rest;
    for (uint32_t i = 0; i < freed->count; i++) {
        husk_freed one = freed->at[i];
        for (uint32_t k = 0; k < record->types; k++)
            if (goes_before(&one, &record->by_type[k])) {
                husk_freed other = record->by_type[k];
                record->by_type[k] = one;
                one = other;
            }
        if (record->types < HUSK_RECORD_TYPES) {
            record->by_type[record->types++] = one;
            continue;
        }
        record->rest.objects += one.objects;
        record->rest.bytes += one.bytes;
    }
}

static void add_sums(husk_pass_sums *sums, const husk_pass_record *record)
{
    sums->passes++;
    sums->candidates += record->candidates;
    sums->freed += record->freed;
    sums->freed_bytes += record->freed_bytes;
    sums->finalized += record->finalized;
    sums->resurrected += record->resurrected;
    sums->weak_cleared += record->weak_cleared;
    for (unsigned p = 0; p < HUSK_PARTS; p++)
        sums->ns[p] += record->ns[p];
}

/* In steps the program runs meanwhile: objects that were counted may have died by counting, and others be born in their
 * places. What no other reason explains is taken as reached. */
static void take_figures(husk_pass_record *record, const struct husk__found *found, const husk_pass *pass)
{
    record->status = found->corrupt ? HUSK_ECORRUPT : HUSK_OK;
    record->held = found->held;
    record->saved = pass->uncollectable;
    record->freed = pass->collected - pass->uncollectable;
    record->freed_bytes = pass->bytes;
    record->finalized = pass->finalized;
    record->resurrected = pass->resurrected;
    record->deferred = pass->deferred;
    record->weak_cleared = pass->weak_cleared;
    uint64_t told = record->held + record->saved + record->freed + record->resurrected + record->deferred;
    record->reached = found->examined > told ? found->examined - told : 0;
    record->candidates = told + record->reached;
}

void husk__pass_end(husk_heap *heap, const struct husk__found *found, husk_pass *pass)
{
    struct husk__passes *passes = &heap->passes;
    husk_pass_record *record = &passes->now;
    take_figures(record, found, pass);
    list_freed(&passes->freed, record);
    look(heap, record->mode != HUSK_YOUNG, &record->objects_after, &record->bytes_after);
    pass->mode = record->mode;
    pass->number = record->number = ++passes->count;
    pass->passes = 1;
    add_sums(&passes->sums[record->mode], record);
    passes->ring[record->number % HUSK_RECORDS] = *record;
    if (passes->printed)
        husk__gctrace_print(heap, record);
    husk__gcstat_write(heap, !record->quiet);
}

/* ---- reading ---- */

uint64_t husk_heap_pass_count(const husk_heap *heap)
{
    return heap->passes.count;
}

husk_status husk_heap_pass_record(const husk_heap *heap, uint64_t number, husk_pass_record *out)
{
    const husk_pass_record *record = &heap->passes.ring[number % HUSK_RECORDS];
    if (number == 0 || record->number != number)
        return husk_fail(HUSK_EMISSING, "heap %s has no record of pass %llu: its latest is %llu, %d are kept",
                         heap->name, (unsigned long long)number,
                         (unsigned long long)husk_heap_pass_count(heap), HUSK_RECORDS);
    *out = *record;
    return HUSK_OK;
}

husk_status husk_heap_pass_sums(const husk_heap *heap, husk_mode mode, husk_pass_sums *out)
{
    *out = (husk_pass_sums){ 0 };
    if ((unsigned)mode >= HUSK_MODES)
        return husk_fail(HUSK_ERANGE, "there is no mode %d of passes: they are below %d", (int)mode,
                         HUSK_MODES);
    *out = heap->passes.sums[mode];
    return HUSK_OK;
}
