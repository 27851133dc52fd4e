/* cycle/gcstat.c: a heap's passes in the page of the process, and the page of another. See <husk/gcstat.h>; the page
 * itself is base/statpage.c. */
#define _GNU_SOURCE
#include "cycle/passlog.h"

#include "base/asked.h"
#include "base/clock.h"
#include "object/hook.h"

#include <husk/gcstat.h>
#include <string.h>

/* A slot is a husk_gcstat as it lies in memory: of one machine and one version, which a reader asks for. Whoever
 * changes the struct raises the version. */
_Static_assert(sizeof(husk_gcstat) % sizeof(uint64_t) == 0, "a slot is made of words");
_Static_assert(offsetof(husk_gcstat, heap) == 0, "the first word says whether a slot is in use");
_Static_assert((int)HUSK_GCSTAT_HEAPS == (int)STATPAGE_SLOTS, "one slot for each heap");

static const struct husk__statlayout layout = { .version = 2, .slot_bytes = sizeof(husk_gcstat) };

/* ---- writing ---- */

static void copy_name(char to[HUSK_GCSTAT_NAME], const char *from)
{
    size_t length = strnlen(from, HUSK_GCSTAT_NAME - 1);
    memcpy(to, from, length);
}

static void fill(const husk_heap *heap, husk_gcstat *out)
{
    const struct husk__passes *passes = &heap->passes;
    memset(out, 0, sizeof *out);
    out->heap = passes->heap_number;
    copy_name(out->name, heap->name);
    out->written_ns = husk__now();
    out->latest = passes->now;
    for (uint32_t i = 0; i < out->latest.types; i++) {
        copy_name(out->types[i], out->latest.by_type[i].type->name);
        out->latest.by_type[i].type = NULL;
    }
    memcpy(out->sums, passes->sums, sizeof out->sums);
    for (unsigned m = 0; m < HUSK_MODES; m++)
        (void)husk_heap_pauses(heap, (husk_mode)m, &out->pauses[m]);
    (void)husk_heap_pauses(heap, (husk_mode)HUSK_MODES, &out->all_pauses);
}

void husk__gcstat_write(husk_heap *heap, bool make)
{
    static _Atomic uint64_t heaps;
    husk_gcstat now;
    if (!atomic_load_explicit(&husk__statpage_wanted, memory_order_relaxed))
        return;
    if (!heap->passes.heap_number)
        heap->passes.heap_number = 1 + atomic_fetch_add_explicit(&heaps, 1, memory_order_relaxed);
    fill(heap, &now);
    husk__statpage_write(&heap->passes.place, &now, make);
}

husk_status husk__gcstat_asked(bool *asked)
{
    return husk__asked_switch("HUSK_GCSTAT", asked);
}

void husk__gcstat_begin(husk_heap *heap, bool asked)
{
    if (asked && husk_gcstat_start() != HUSK_OK)
        husk__report(heap, HUSK_EIO, "HUSK_GCSTAT=1: %s", husk_message());
    husk__gcstat_write(heap, true);
}

void husk__gcstat_end(husk_heap *heap)
{
    husk__statpage_give(&heap->passes.place);
}

husk_status husk_gcstat_start(void)
{
    return husk__statpage_start(&layout);
}

void husk_gcstat_stop(void)
{
    husk__statpage_stop();
}

bool husk_gcstat_is_on(void)
{
    return atomic_load_explicit(&husk__statpage_wanted, memory_order_relaxed);
}

/* ---- reading ---- */

/* What a page says is used as numbers of ours: it may say anything. */
static void make_sound(husk_gcstat *one)
{
    one->name[HUSK_GCSTAT_NAME - 1] = 0;
    for (unsigned i = 0; i < HUSK_RECORD_TYPES; i++) {
        one->types[i][HUSK_GCSTAT_NAME - 1] = 0;
        one->latest.by_type[i].type = NULL;
    }
    one->latest.rest.type = NULL;
    if (one->latest.types > HUSK_RECORD_TYPES)
        one->latest.types = HUSK_RECORD_TYPES;
}

husk_status husk_gcstat_read(int pid, husk_gcstat *out, size_t room, size_t *count)
{
    struct husk__statread read;
    *count = 0;
    husk_status status = husk__statpage_open(pid, &layout, &read);
    for (size_t slot = 0; status == HUSK_OK && slot < HUSK_GCSTAT_HEAPS; slot++) {
        husk_gcstat one;
        bool used;
        status = husk__statpage_read(&read, slot, &one, &used);
        if (status || !used)
            continue;
        make_sound(&one);
        if (*count < room)
            out[*count] = one;
        ++*count;
    }
    husk__statpage_close(&read);
    return status;
}

husk_status husk_gcstat_list(int *pids, size_t room, size_t *count)
{
    return husk__statpage_list(pids, room, count);
}
