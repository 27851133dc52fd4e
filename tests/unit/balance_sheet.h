/* tests/unit/balance_sheet.h: a sheet of this process, its rows, and what holds for each. */
#ifndef TESTS_UNIT_BALANCE_SHEET_H
#define TESTS_UNIT_BALANCE_SHEET_H

#include "store/range.h"
#include "view/balance.h"
#include "view/snapshot.h" /* before "types.h", whose names it uses for its own */

#include "types.h"

#include <stdio.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { NATIVE_TELLS = false }; /* the sanitizer's allocator stands in front */
#else
enum { NATIVE_TELLS = true };
#endif

/* A malloc that no compiler leaves out. */
static void *(*volatile take)(size_t bytes) = malloc;

/* The sum over all mappings, read by other means. */
static inline uint64_t smaps_rss(void)
{
    char line[8192];
    unsigned long long sum = 0, value;
    FILE *file = fopen("/proc/self/smaps", "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file))
        if (sscanf(line, "Rss: %llu kB", &value) == 1)
            sum += value * 1024;
    fclose(file);
    return sum;
}

static inline husk_balance *sheet(husk_heap *heap, uint32_t flags, const husk_balance *before)
{
    husk_balance_options options = { HUSK_BALANCE_OPTIONS, .flags = flags, .before = before };
    husk_balance *balance;
    husk_status status = husk_balance_new(&heap, heap ? 1 : 0, &options, &balance);
    if (status != HUSK_OK)
        fail_msg("balance: %s: %s", husk_status_name(status), husk_message());
    return balance;
}

static inline husk_balance_row row_of(const husk_balance *balance, const char *name)
{
    husk_balance_row entry;
    for (size_t i = 0; husk_balance_row_at(balance, i, &entry); i++)
        if (strcmp(entry.name, name) == 0)
            return entry;
    fail_msg("there is no row \"%s\"", name);
    return entry;
}

static inline husk_balance_sum sum_of(const husk_balance *balance)
{
    husk_balance_sum sum;
    husk_balance_sum_get(balance, &sum);
    return sum;
}

static inline uint64_t counted(const husk_balance *balance, const char *name)
{
    return row_of(balance, name).counted;
}

/* What holds for every sheet of this process. */
static inline void check(const husk_balance *balance, husk_heap *heap)
{
    husk_balance_row entry;
    husk_balance_sum sum = sum_of(balance);
    int64_t bytes = 0;
    uint64_t held = 0;
    for (size_t i = 0; husk_balance_row_at(balance, i, &entry); i++) {
        bytes += entry.bytes;
        assert_true(entry.bytes >= 0);
        assert_true(entry.shared <= (uint64_t)entry.bytes);
        held += strcmp(entry.group, "husk") == 0 ? entry.counted : 0;
    }
    assert_int_equal(bytes, sum.rss);
    assert_int_equal(row_of(balance, "unknown").bytes, 0);
    assert_int_equal(held, husk_memory_held());

    husk_heap_figures figures;
    husk_heap_figures_get(heap, &figures);
    assert_int_equal(counted(balance, "live objects") + counted(balance, "slack"), figures.object_bytes);
    assert_int_equal(counted(balance, "buffers"), figures.buffer_bytes);
    assert_int_equal(counted(balance, "spare pages"), figures.pages_spare * 65536);
    assert_int_equal(sum.objects, figures.objects);
    assert_int_equal(sum.live, figures.object_bytes + figures.buffer_bytes);
    uint64_t of_heap = 0;
    for (size_t i = 0; i <= ROW_TABLES; i++) {
        assert_true(husk_balance_row_at(balance, i, &entry));
        of_heap += entry.counted;
    }
    assert_int_equal(of_heap, figures.bytes_taken);
    assert_true(sum.evidence[0] && !strchr(sum.evidence, '\n'));
}

enum { MANY = 200000 };
static husk_obj *objects[MANY];

static inline void make(husk_heap *heap, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        assert_non_null(objects[i] = husk_obj_new(heap, type_node));
}

static inline void drop(size_t from, size_t to, size_t keep_every)
{
    for (size_t i = from; i < to; i++)
        if (objects[i] && (!keep_every || i % keep_every))
            husk_obj_drop(&objects[i]);
}

#endif
