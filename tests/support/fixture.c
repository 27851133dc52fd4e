/* tests/support/fixture.c: see fixture.h. */
#define _POSIX_C_SOURCE 200809L
#include "fixture.h"

#include <stdio.h>
#include <unistd.h>

enum { ROUNDS = 5 };

static report kept[REPORTS_KEPT];
static size_t kept_count;

static void record(husk_heap *heap, husk_status status, const char *text, void *data)
{
    (void)heap, (void)data;
    if (kept_count < REPORTS_KEPT) {
        kept[kept_count].status = status;
        snprintf(kept[kept_count].text, sizeof kept[0].text, "%s", text);
    }
    kept_count++;
}

size_t report_count(void)
{
    return kept_count;
}

const report *report_at(size_t index)
{
    return index < kept_count && index < REPORTS_KEPT ? &kept[index] : NULL;
}

void report_forget(void)
{
    kept_count = 0;
}

void report_take(husk_status status, size_t count)
{
    for (size_t i = 0; i < kept_count && i < REPORTS_KEPT; i++) {
        if (kept[i].status != status)
            fail_msg("report %zu is %s: %s", i, husk_status_name(kept[i].status), kept[i].text);
    }
    assert_int_equal(kept_count, count);
    kept_count = 0;
}

husk_heap *heap_open(const husk_heap_options *options)
{
    husk_heap *heap = NULL;
    husk_status status = husk_heap_new(options, &heap);
    if (status != HUSK_OK)
        return NULL;
    husk_heap_on_error(heap, record, NULL, NULL);
    return heap;
}

size_t objects_of(const husk_heap *heap)
{
    husk_heap_figures figures;
    husk_heap_figures_get(heap, &figures);
    return figures.objects;
}

void verify(husk_heap *heap)
{
    husk_status status = husk_heap_verify(heap);
    if (status != HUSK_OK)
        fail_msg("%s: %s", husk_status_name(status), husk_heap_message(heap));
}

size_t collect(husk_heap *heap)
{
    husk_pass pass;
    husk_status status = husk_heap_collect(heap, &pass);
    if (status != HUSK_OK)
        fail_msg("collect: %s: %s", husk_status_name(status), husk_heap_message(heap));
    return pass.collected;
}

void heap_close(husk_heap *heap, bool empty)
{
    if (!heap)
        return;
    verify(heap);
    if (empty)
        assert_int_equal(objects_of(heap), 0);
    husk_heap_close(heap);
    if (empty && kept_count > 0)
        fail_msg("%zu reports, the first: %s", kept_count, kept[0].text);
}

int heap_setup(void **state)
{
    report_forget();
    husk_heap *heap = heap_open(NULL);
    assert_non_null(heap);
    *state = heap;
    return 0;
}

int heap_teardown(void **state)
{
    heap_close(*state, true);
    *state = NULL;
    assert_int_equal(husk_memory_held(), 0);
    return 0;
}

int run_rounds(const char *name, const struct CMUnitTest *tests, size_t count)
{
    int failed = 0;
    for (int round = 0; round < ROUNDS && failed == 0; round++)
        failed = _cmocka_run_group_tests(name, tests, count, NULL, NULL);
    return failed;
}

void hold_end(husk_obj **held)
{
    husk_obj_drop(held);
}

void hold_weak_end(husk_weak **held)
{
    husk_weak *weak = *held;
    *held = NULL;
    husk_weak_release(weak);
}

void hold_many_end(hold_many *many)
{
    for (size_t i = 0; i < HOLD_MANY_MAX; i++)
        husk_obj_drop(&many->at[i]);
}

husk_status through_file(husk_snapshot **snapshot)
{
    char path[64];
    snprintf(path, sizeof path, "through-%ld.husk", (long)getpid());
    husk_status status = husk_snapshot_save(*snapshot, path);
    husk_snapshot_free(*snapshot);
    *snapshot = NULL;
    if (status == HUSK_OK)
        status = husk_snapshot_load(path, snapshot);
    if (status != HUSK_OK && status != HUSK_ENOMEM)
        fail_msg("%s: %s", husk_status_name(status), husk_message());
    (void)remove(path);
    return status;
}
