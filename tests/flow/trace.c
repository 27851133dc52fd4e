/* tests/flow/trace.c: tracing: who made what, exactly and by samples. What a place is made of: trace_frames.c. */
#define _POSIX_C_SOURCE 200809L /* setenv */
#include "random.h"
#include "trace_story.h"

#include <husk/cleanup.h>
#include <husk/kinds.h>
#include <husk/snapshot.h>
#include <stdlib.h>

static void on_and_off(husk_heap *heap)
{
    assert_false(husk_trace_is_on(heap));
    assert_int_equal(husk_trace_limit(heap), 1);
    assert_int_equal(figures(heap).bytes, 0);
    husk_trace_stop(heap);
    husk_trace_clear(heap);
    HOLD before = node_new(heap, type_node, 1);
    TRY(before);
    START(7, 0);
    assert_true(husk_trace_is_on(heap));
    assert_int_equal(husk_trace_limit(heap), 7);
    assert_int_equal(husk_trace_start(heap, NULL), HUSK_ESTATE);
    assert_int_equal(husk_trace_limit(heap), 7);
    husk_heap_clear_failure(heap);
    assert_string_equal(place_of(before), "?");

    HOLD obj = node_new(heap, type_node, 2);
    TRY(obj);
    size_t size = husk_obj_size(obj);
    assert_int_equal(figures(heap).bytes, size);
    assert_int_equal(figures(heap).count, 1);
    husk_obj_drop(&before); /* was not traced: moves nothing */
    assert_int_equal(figures(heap).bytes, size);
    HOLD other = node_new(heap, type_node, 3);
    TRY(other);
    assert_int_equal(figures(heap).peak_bytes, 2 * size);
    husk_obj_drop(&other);
    assert_int_equal(figures(heap).bytes, size);
    assert_int_equal(figures(heap).peak_bytes, 2 * size);
    assert_int_equal(figures(heap).temporary, 1);
    husk_trace_reset_peak(heap);
    assert_int_equal(figures(heap).peak_bytes, size);
    assert_int_equal(figures(heap).born, 2);

    husk_trace_clear(heap);
    assert_int_equal(figures(heap).bytes, 0);
    assert_int_equal(figures(heap).born, 0);
    husk_obj_drop(&obj);
    assert_int_equal(figures(heap).bytes, 0);
    husk_trace_stop(heap);
    husk_trace_stop(heap);
    assert_int_equal(husk_trace_limit(heap), 7);
}

static void wrong_options(husk_heap *heap)
{
    husk_trace_options o = options(65536, 0);
    assert_int_equal(husk_trace_start(heap, &o), HUSK_ERANGE);
    assert_non_null(strstr(husk_heap_message(heap), "65536"));
    o = options(1, 8);
    assert_int_equal(husk_trace_start(heap, &o), HUSK_EINVAL);
    o = options(1, 0);
    o.struct_size = 3;
    assert_int_equal(husk_trace_start(heap, &o), HUSK_EINVAL);
    assert_int_equal(husk_trace_mark(heap, "x"), HUSK_ESTATE);
    assert_int_equal(husk_trace_push_tag(heap, "x"), HUSK_ESTATE);
    assert_int_equal(husk_trace_pop(heap), HUSK_ESTATE);
    assert_int_equal(husk_trace_line(heap, 1), HUSK_ESTATE);
    START(65535, 0);
    assert_int_equal(husk_trace_pop_tag(heap), HUSK_ESTATE);
    assert_int_equal(husk_trace_pop_domain(heap), HUSK_ESTATE);
    assert_int_equal(husk_trace_mark(heap, ""), HUSK_EINVAL);
    int pushed = 0;
    husk_status status;
    while ((status = husk_trace_push_tag(heap, "deep")) == HUSK_OK)
        pushed++;
    if (status == HUSK_ENOMEM)
        story_refused++;
    else
        assert_true(status == HUSK_ERANGE && pushed == 64);
    husk_heap_clear_failure(heap);
}

/* All ways in which an object can end count it off. */
static void every_death(husk_heap *heap)
{
    START(1, 0);
    HOLD a = node_new(heap, type_node, 1);
    TRY(a);
    for (int i = 0; i < 5; i++) { /* a chain, dropped at once: the short road */
        husk_obj *next = node_new(heap, type_node, i);
        TRY(next);
        link_a(next, a);
        husk_obj_release(a);
        a = next;
    }
    husk_obj_drop(&a);
    assert_int_equal(figures(heap).count, 0);

    HOLD hooked = node_new(heap, type_hooked, 1); /* with a finalizer */
    TRY(hooked);
    HOLD inner = node_new(heap, type_node, 2);
    TRY(inner);
    link_a(hooked, inner);
    husk_obj_drop(&inner);
    husk_obj_drop(&hooked);
    assert_int_equal(figures(heap).count, 0);

    TRY(litter(heap, type_node)); /* by passes, with hooks and without */
    TRY(litter(heap, type_hooked));
    assert_int_equal(figures(heap).count, 2);
    TRY_OK(husk_heap_collect(heap, NULL));
    assert_int_equal(figures(heap).count, 0);

    HOLD target = node_new(heap, type_node, 3); /* weak references are objects too */
    TRY(target);
    husk_weak *weak = husk_weak_new(target, NULL, NULL, NULL);
    TRY(weak);
    assert_int_equal(figures(heap).count, 2);
    husk_obj_drop(&target);
    assert_int_equal(figures(heap).count, 1);
    husk_weak_release(weak);
    assert_int_equal(figures(heap).count, 0);
    assert_int_equal(figures(heap).bytes, 0);

    HOLD runs = husk_obj_new(heap, type_vast); /* large ones */
    TRY(runs);
    HOLD own = husk_obj_new(heap, type_huge);
    TRY(own);
    assert_int_equal(figures(heap).bytes, husk_obj_size(runs) + husk_obj_size(own));
    husk_obj_drop(&runs);
    husk_obj_drop(&own);
    assert_int_equal(figures(heap).bytes, 0);
}

static husk_obj *saved;
static void come_back(node *self)
{
    saved = husk_obj_of(self);
    husk_obj_retain(saved);
}

static void coming_back(husk_heap *heap)
{
    START(1, 0);
    husk_obj *obj = node_new(heap, type_hooked, 1);
    TRY(obj);
    node_of(obj)->hook = come_back;
    saved = NULL;
    husk_obj_release(obj);
    assert_ptr_equal(saved, obj);
    assert_int_equal(figures(heap).count, 1); /* alive, and its place is known as before */
    husk_obj_drop(&saved);
    assert_int_equal(figures(heap).count, 0);
}

static void buffers(husk_heap *heap)
{
    START(1, HUSK_TRACE_GIVEN);
    HOLD list = husk_list_new(heap);
    TRY(list);
    size_t list_bytes = figures(heap).bytes;
    for (int i = 0; i < 1000; i++)
        TRY_OK(husk_list_append(list, husk_int(i)));
    husk_heap_figures whole;
    husk_heap_figures_get(heap, &whole);
    if (!story_failing) {
        assert_int_equal(figures(heap).bytes, list_bytes + whole.buffer_bytes);
        assert_int_equal(figures(heap).count, 2);
        assert_int_equal(figures(heap).temporary, 0); /* one that moves is not one that dies */
    }
    husk_obj_drop(&list);
    assert_int_equal(figures(heap).bytes, 0);

    void *buffer = husk_buffer_new(heap, 100);
    TRY(buffer);
    husk_trace_clear(heap);
    husk_buffer_free(heap, buffer, 100); /* forgotten: moves nothing */
    assert_int_equal(figures(heap).bytes, 0);

    /* Once a thing has died at once there is no latest birth that one which moves could be taken for. */
    HOLD more = husk_list_new(heap);
    TRY(more);
    TRY_OK(husk_list_append(more, husk_int(1)));
    husk_obj *passing = node_new(heap, type_node, 1);
    TRY(passing);
    husk_obj_release(passing);
    for (int i = 0; i < 100; i++)
        TRY_OK(husk_list_append(more, husk_int(i)));
    assert_int_equal(figures(heap).temporary, 1);
    husk_obj_drop(&more);
    assert_int_equal(figures(heap).bytes, 0);
}

static void tags_and_marks(husk_heap *heap)
{
    START(1, 0);
    TRY_OK(husk_trace_push_tag(heap, "load"));
    HOLD a = node_new(heap, type_node, 1);
    TRY(a);
    TRY_OK(husk_trace_push_domain(heap, "net"));
    TRY_OK(husk_trace_push_tag(heap, "parse"));
    HOLD b = node_new(heap, type_node, 2);
    TRY(b);
    TRY_OK(husk_trace_pop_tag(heap));
    TRY_OK(husk_trace_mark(heap, "later"));
    HOLD c = node_new(heap, type_node, 3);
    TRY(c);
    TRY_OK(husk_trace_pop_tag(heap));
    TRY_OK(husk_trace_pop_domain(heap));
    HOLD d = node_new(heap, type_node, 4);
    TRY(d);
    if (!story_failing)
        assert_int_equal(figures(heap).places, 4);
    assert_int_equal(figures(heap).count, 4);
}

/* A walk in which anything is made, dropped, collected, resized: at each step the figures are those of a list that
 * is kept by hand, and the peak is the highest of them. */
static void random_figures(husk_heap *heap)
{
    enum { MOST = 64 };
    static const uint32_t frames[] = { 1, 3, 16 };
    for (uint64_t seed = 1; seed <= 6; seed++) {
        random64 random = random_from(seed);
        husk_obj *kept[MOST] = { NULL };
        size_t bytes = 0, peak = 0, count = 0;
        husk_trace_options o = options(frames[seed % 3], 0);
        TRY_OK(husk_trace_start(heap, &o));
        bool ok = true;
        for (int step = 0; step < 3000 && ok; step++) {
            size_t i = random_below(&random, MOST);
            if (kept[i]) {
                size_t size = husk_obj_size(kept[i]);
                husk_obj_drop(&kept[i]);
                bytes -= size;
                count--;
            } else {
                const husk_type *types[] = { type_node, type_leaf, type_hooked, type_vast };
                kept[i] = husk_obj_new(heap, types[random_below(&random, 4)]);
                ok = kept[i];
                bytes += ok ? husk_obj_size(kept[i]) : 0;
                count += ok;
            }
            peak = bytes > peak ? bytes : peak;
            assert_int_equal(figures(heap).bytes, bytes);
            assert_int_equal(figures(heap).count, count);
            assert_int_equal(figures(heap).peak_bytes, peak);
        }
        if (ok && !story_failing) { /* what each place held at the peak adds up to it */
            husk_snapshot *snapshot;
            TRY_OK(husk_snapshot_new(heap, NULL, &snapshot));
            TRY_OK(through_file(&snapshot));
            uint64_t said = 0;
            TRY_OK(husk_snapshot_number(snapshot, "trace", "peak_bytes", &said));
            assert_int_equal(said, peak);
            husk_snapshot_free(snapshot);
        }
        assert_int_equal(husk_heap_verify(heap), HUSK_OK);
        for (size_t i = 0; i < MOST; i++)
            if (kept[i])
                husk_obj_drop(&kept[i]);
        assert_int_equal(figures(heap).bytes, 0);
        husk_trace_stop(heap);
        TRY(ok);
    }
}

/* The estimates of samples are right on the average: 40 runs of 2 MB each in two sizes lie around the truth. */
static void samples(husk_heap *heap)
{
    double bytes = 0, count = 0, true_bytes = 0, true_count = 0;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        husk_trace_options o = { HUSK_TRACE_OPTIONS, .sample_bytes = 16384, .seed = seed };
        TRY_OK(husk_trace_start(heap, &o));
        HOLD keep = husk_list_new(heap);
        TRY(keep);
        size_t before = figures(heap).bytes, before_count = figures(heap).count;
        for (int i = 0; i < 20000; i++) {
            husk_obj *obj = husk_obj_new(heap, i % 50 ? type_node : type_vast);
            TRY(obj);
            true_bytes += (double)husk_obj_size(obj);
            true_count++;
            if (i % 50) {
                husk_status status = husk_list_append(keep, husk_ref(obj));
                husk_obj_release(obj);
                TRY_OK(status);
            } else {
                husk_obj_release(obj);
            }
        }
        husk_trace_figures now = figures(heap);
        bytes += (double)now.born_bytes - (double)before;
        count += (double)now.born - (double)before_count;
        assert_int_equal(husk_heap_verify(heap), HUSK_OK);
        husk_obj_drop(&keep);
        assert_int_equal(figures(heap).count, 0);
        husk_trace_stop(heap);
    }
    (void)true_bytes;
    assert_true(count > 0.97 * true_count && count < 1.03 * true_count);
    assert_true(bytes > 0.97 * true_bytes);
}

static void on_when_closed(husk_heap *heap)
{
    TRY_OK(husk_trace_push(heap, "x", 1, "f"));
    START(4, 0);
    HOLD obj = node_new(heap, type_node, 1);
    TRY(obj);
    void *buffer = husk_buffer_new(heap, 64);
    TRY(buffer);
    husk_buffer_free(heap, buffer, 64);
}

/* As many places as objects: each is kept, and a snapshot has them all. */
static void a_million_places(husk_heap *heap)
{
    uint32_t count = (uint32_t)story_size(1000000, 2000);
    START(1, 0);
    HOLD list = husk_list_new(heap);
    TRY(list);
    for (uint32_t i = 0; i < count; i++) {
        husk_trace_at(heap, "generated.c", i + 1, "f");
        husk_obj *obj = node_new(heap, type_node, i);
        TRY(obj);
        husk_status status = husk_list_append(list, husk_ref(obj));
        husk_obj_release(obj);
        TRY_OK(status);
    }
    assert_int_equal(figures(heap).unknown, 0);
    assert_true(figures(heap).places >= count);
    assert_true(figures(heap).own_bytes < (size_t)count * 256 + (4u << 20));
    husk_snapshot *snapshot;
    TRY_OK(husk_snapshot_new(heap, NULL, &snapshot));
    husk_snapshot_counts counts;
    husk_snapshot_counts_get(snapshot, &counts);
    assert_true(counts.records >= count && counts.frames >= count);
    husk_snapshot_free(snapshot);
    assert_int_equal(husk_heap_verify(heap), HUSK_OK);
}

/* ---- started from outside ---- */

static husk_status new_heap_with(const char *trace, husk_heap **out)
{
    setenv("HUSK_TRACE", trace, 1);
    husk_status status = husk_heap_new(NULL, out);
    unsetenv("HUSK_TRACE");
    return status;
}

static void asked_by_environment(husk_heap *heap)
{
    static const struct {
        const char *text;
        uint32_t frames; /* 0: off */
        size_t sample;
    } fine[] = {
        { "", 0, 0 },           { "0", 0, 0 },           { "0:512k", 0, 0 },         { "1", 1, 0 },
        { "65535", 65535, 0 },  { "16:4096", 16, 4096 }, { "8:512k", 8, 512 << 10 }, { "2:1m", 2, 1 << 20 },
        { "3:1g", 3, 1 << 30 }, { "4:0", 4, 0 }
    };
    static const char *const wrong[] = { "x",
                                         "-1",
                                         "+1",
                                         " 8",
                                         "8 ",
                                         "1.5",
                                         "65536",
                                         "8:",
                                         "8:x",
                                         "8:1q",
                                         "8:1kk",
                                         "8k",
                                         "8:-1",
                                         "99999999999999999999",
                                         "8:99999999999999999999",
                                         "8:9999999g",
                                         "8,512k",
                                         "\n" };
    for (size_t i = 0; i < sizeof fine / sizeof *fine; i++) {
        husk_heap *other = NULL;
        TRY_OK(new_heap_with(fine[i].text, &other));
        assert_int_equal(husk_trace_is_on(other), fine[i].frames > 0);
        if (fine[i].frames) {
            assert_int_equal(husk_trace_limit(other), fine[i].frames);
            assert_int_equal(figures(other).sample_bytes, fine[i].sample);
        }
        husk_heap_close(other);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        husk_heap *other = NULL;
        assert_int_equal(new_heap_with(wrong[i], &other), HUSK_EINVAL);
        assert_null(other);
        assert_non_null(strstr(husk_message(), wrong[i]));
    }
    assert_false(husk_trace_is_on(heap));
}

static void asked_by_request(husk_heap *heap)
{
    husk_trace_request(heap, true);
    assert_false(husk_trace_is_on(heap));
    husk_trace_request(heap, false); /* the later wish counts */
    husk_heap_safepoint(heap);
    assert_false(husk_trace_is_on(heap));
    START(5, 0);
    husk_trace_stop(heap);
    HOLD obj = node_new(heap, type_node, 1);
    TRY(obj);
    husk_trace_request(heap, true);
    husk_obj_drop(&obj); /* a release that ends an object is a safe point */
    if (!story_failing)
        assert_true(husk_trace_is_on(heap));
    if (!husk_trace_is_on(heap)) {
        report_take(HUSK_ENOMEM, 1); /* the error hook has heard of it */
        return;
    }
    assert_int_equal(husk_trace_limit(heap), 5);
    HOLD traced = node_new(heap, type_node, 2);
    TRY(traced);
    husk_trace_request(heap, true); /* is on already: nothing changes */
    husk_heap_safepoint(heap);
    if (!story_failing)
        assert_int_equal(figures(heap).count, 1);
    husk_trace_request(heap, false);
    TRY_OK(husk_heap_collect(heap, NULL));
    assert_false(husk_trace_is_on(heap));
    assert_string_equal(place_of(traced), "?");
}

STORIES(STORY(on_and_off, 0), STORY(asked_by_environment, 0), STORY(asked_by_request, 0),
        STORY(wrong_options, 0), STORY(every_death, 0), STORY(coming_back, 0), STORY(buffers, 0),
        STORY(tags_and_marks, 0), STORY(random_figures, STORY_NO_FAULT), STORY(samples, STORY_NO_FAULT),
        STORY(a_million_places, STORY_NO_FAULT), STORY(on_when_closed, 0));
