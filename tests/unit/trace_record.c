/* tests/unit/trace_record.c: a tracer by itself: records, contexts, peaks by place, epochs; samples; addresses. */
#include "fixture.h"
#include "random.h"
#include "trace/blockmap.h"
#include "trace/record.h"
#include "trace/site.h"

#include <husk/debug.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static struct husk__tracer *tracer_of(uint32_t frames)
{
    husk_trace_options o = { HUSK_TRACE_OPTIONS, .frames = frames };
    struct husk__tracer *tracer;
    assert_int_equal(husk__tracer_new(&o, &tracer), HUSK_OK);
    return tracer;
}

static uint32_t place(struct husk__tracer *tracer, uint64_t number)
{
    uint64_t keys[2] = { 0x1000 + number, 0x9000 };
    struct husk__place p = { number * 0x9E3779B97F4A7C15u + 1, keys, 2, 0 };
    return husk__record_of_slow(tracer, &p);
}

static void places_are_kept_apart(void **state)
{
    (void)state;
    struct husk__tracer *tracer = tracer_of(2);
    enum { N = 3000 };
    static uint32_t record[N];
    for (int i = 0; i < N; i++)
        record[i] = place(tracer, (uint64_t)i);
    for (int i = 0; i < N; i++) {
        assert_int_equal(place(tracer, (uint64_t)i), record[i]);
        assert_true(record[i] >= TRACE_FIRST);
        assert_true(i == 0 || record[i] == record[i - 1] + 1);
    }
    assert_int_equal(husk__tracer_push(tracer, tracer->tags, &tracer->tag_depth, "tag"), HUSK_OK);
    assert_int_equal(place(tracer, 7), record[N - 1] + 1); /* another context, another record */
    tracer->tag_depth--;
    assert_int_equal(husk__tracer_settle_context(tracer), HUSK_OK);
    assert_int_equal(place(tracer, 7), record[7]);
    husk__sites_lock();
    uint32_t stack = tracer->records[record[5]].stack;
    assert_int_equal(husk__site_stack_at(stack)->depth, 2);
    assert_int_equal(husk__site_frame_at(husk__site_stack_at(stack)->frame)->address, 0x1005);
    husk__sites_unlock();
    husk__tracer_clear(tracer);
    assert_int_equal(place(tracer, 2999), TRACE_FIRST);
    husk__tracer_free(tracer);
    assert_int_equal(husk_memory_held(), 0);
}

/* What each record held when the total was highest, against copies made by hand at each new peak. */
static void peaks_by_place(void **state)
{
    (void)state;
    enum { PLACES = 9, MOST = 200 };
    for (uint64_t seed = 1; seed <= 200; seed++) {
        random64 r = random_from(seed);
        struct husk__tracer *tracer = tracer_of(1);
        uint32_t record[PLACES];
        uint64_t live[PLACES] = { 0 }, at_peak[PLACES] = { 0 }, total = 0, peak = 0;
        struct {
            uint32_t site, place;
            uint64_t bytes;
        } things[MOST];
        size_t count = 0;
        for (int p = 0; p < PLACES; p++)
            record[p] = place(tracer, (uint64_t)p);
        for (int step = 0; step < 400; step++) {
            if (count < MOST && random_below(&r, 100) < 52) {
                uint32_t p = random_below(&r, PLACES);
                uint64_t bytes = 1 + random_below(&r, 1000);
                things[count].place = p;
                things[count].bytes = bytes;
                things[count].site = husk__record_birth(tracer, record[p], 1, bytes, &things[count]);
                count++;
                live[p] += bytes;
                total += bytes;
            } else if (count) {
                size_t i = random_below(&r, (uint32_t)count);
                husk__record_death(tracer, things[i].site, 1, things[i].bytes, NULL);
                live[things[i].place] -= things[i].bytes;
                total -= things[i].bytes;
                things[i] = things[--count];
            }
            if (total > peak) {
                peak = total;
                memcpy(at_peak, live, sizeof live);
            }
            if (step == 250) { /* from here on anew */
                husk__tracer_reset_peak(tracer);
                peak = total;
                memcpy(at_peak, live, sizeof live);
            }
            if (step % 50 && step != 399)
                continue;
            assert_int_equal(tracer->peak_bytes, peak);
            for (int p = 0; p < PLACES; p++) {
                uint64_t held_count, held_bytes;
                husk__record_peak(tracer, &tracer->records[record[p]], &held_count, &held_bytes);
                assert_int_equal(held_bytes, at_peak[p]);
            }
        }
        husk__tracer_free(tracer);
    }
}

static uint32_t kept_site[3];
static void renamed(struct husk__tracer *tracer, const uint8_t *map)
{
    (void)tracer;
    for (int i = 0; i < 3; i++)
        kept_site[i] = husk__site_renamed(kept_site[i], map);
}

static void pass_time(struct husk__tracer *tracer)
{
    tracer->epoch_end_ns = 0;
    tracer->start_ns -= 1000000000u;
    husk__tracer_tick(tracer);
}

/* Ages stay in order, and marks stay, however often epochs are joined. */
static void epochs_are_joined(void **state)
{
    (void)state;
    struct husk__tracer *tracer = tracer_of(1);
    tracer->rename = renamed;
    uint32_t record = place(tracer, 1);
    kept_site[0] = husk__record_birth(tracer, record, 1, 1, NULL);
    char name[32];
    for (int i = 0; i < 100; i++)
        pass_time(tracer);
    kept_site[1] = husk__record_birth(tracer, record, 1, 1, NULL);
    for (int i = 0; i < TRACE_MARKS; i++) {
        snprintf(name, sizeof name, "mark %d", i);
        assert_int_equal(husk__tracer_mark(tracer, name), HUSK_OK);
        pass_time(tracer);
    }
    assert_int_equal(husk__tracer_mark(tracer, "one more"), HUSK_ERANGE);
    kept_site[2] = husk__record_birth(tracer, record, 1, 1, NULL);
    for (int i = 0; i < 3000; i++)
        pass_time(tracer);
    assert_true(tracer->epoch_count <= TRACE_EPOCHS);
    assert_int_equal(tracer->epoch >> SITE_EPOCH_BITS, tracer->epoch_count - 1);
    int marks = 0;
    for (unsigned e = 0; e < tracer->epoch_count; e++) {
        snprintf(name, sizeof name, "mark %d", marks);
        marks += strcmp(tracer->epochs[e].mark, name) == 0;
        assert_true(e == 0 || tracer->epochs[e - 1].start_ns <= tracer->epochs[e].start_ns);
    }
    assert_int_equal(marks, TRACE_MARKS);
    assert_int_equal(kept_site[0] >> SITE_EPOCH_BITS, 0);
    assert_int_equal(kept_site[0] & SITE_RECORD_BITS, record);
    assert_true(kept_site[1] >> SITE_EPOCH_BITS < kept_site[2] >> SITE_EPOCH_BITS);
    assert_true(kept_site[2] >> SITE_EPOCH_BITS < tracer->epoch_count);
    husk__tracer_free(tracer);
}

static void gaps_and_weights(void **state)
{
    (void)state;
    for (size_t mean = 1; mean < (size_t)1 << 40; mean *= 37)
        for (uint64_t bytes = 1; bytes < (uint64_t)1 << 45; bytes *= 13) {
            double want = 1 / -expm1(-(double)bytes / (double)mean);
            double have = husk__sample_weight(mean, bytes);
            assert_true(fabs(have - want) <= 1e-9 * want);
        }
    assert_true(husk__sample_weight(0, 5) == 1);
    struct husk__sampler sampler;
    husk__sampler_begin(&sampler, 1000, 42);
    double sum = 0, above = 0;
    enum { N = 200000 };
    for (int i = 0; i < N; i++) {
        size_t gap = husk__sample_gap(&sampler);
        sum += (double)gap + 0.5; /* the fraction is cut off */
        above += gap >= 2000;
    }
    assert_true(fabs(sum / N - 1000) < 15); /* six deviations */
    assert_true(fabs(above / N - exp(-2)) < 0.005);
}

/* Against a plain array. Addresses collide on purpose. */
static void addresses(void **state)
{
    (void)state;
    enum { MOST = 300 };
    for (uint64_t seed = 1; seed <= 50; seed++) {
        random64 r = random_from(seed);
        struct husk__blockmap map = { 0 };
        struct husk__blockmap_entry have[MOST];
        size_t count = 0;
        for (int step = 0; step < 4000; step++) {
            uint64_t address = (uint64_t)random_below(&r, 400) << (seed % 24);
            uint32_t domain = random_below(&r, 2);
            size_t i = 0;
            while (i < count && (have[i].address != address || have[i].domain != domain))
                i++;
            struct husk__blockmap_entry *found = husk__blockmap_find(&map, domain, address);
            assert_int_equal(found != NULL, i < count);
            if (found) {
                assert_memory_equal(found, &have[i], sizeof *found);
                if (random_below(&r, 3) == 0)
                    continue;
                husk__blockmap_remove(&map, found);
                have[i] = have[--count];
            } else if (count < MOST) {
                assert_true(husk__blockmap_room(&map));
                have[count] =
                    (struct husk__blockmap_entry){ address, (uint64_t)step, (uint32_t)step + 1, domain };
                husk__blockmap_add(&map, have[count++]);
            }
            assert_int_equal(map.count, count);
        }
        husk__blockmap_free(&map);
    }
    assert_int_equal(husk_memory_held(), 0);
}

/* Every request refused in turn: places become unknown, nothing else happens. */
static void without_memory(void **state)
{
    (void)state;
    for (uint64_t nth = 1; nth < 60; nth++)
        for (int on = 0; on < 2; on++) {
            husk_trace_options o = { HUSK_TRACE_OPTIONS, .frames = 2 };
            struct husk__tracer *tracer = NULL;
            husk_memory_fail(nth, on);
            husk_status status = husk__tracer_new(&o, &tracer);
            if (status == HUSK_OK) {
                for (uint64_t i = 0; i < 2000; i++) {
                    uint32_t record = place(tracer, i);
                    assert_true(record >= TRACE_UNKNOWN && record < tracer->record_count);
                    (void)husk__record_birth(tracer, record, 1, 8, NULL);
                }
                (void)husk__tracer_mark(tracer, "mark");
                assert_int_equal(tracer->bytes, 16000);
            } else {
                assert_int_equal(status, HUSK_ENOMEM);
            }
            husk_memory_fail(0, false);
            husk__tracer_free(tracer);
            assert_int_equal(husk_memory_held(), 0);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places_are_kept_apart),
        cmocka_unit_test(peaks_by_place),
        cmocka_unit_test(epochs_are_joined),
        cmocka_unit_test(gaps_and_weights),
        cmocka_unit_test(addresses),
        cmocka_unit_test(without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
