/* tests/flow/threads.c: what may come from elsewhere, and handing a heap over. */
#define _POSIX_C_SOURCE 200809L
#include "story.h"
#include "types.h"

#include <pthread.h>
#include <stdatomic.h>

enum { THREADS = 4, EACH = 250 };

typedef struct giver {
    husk_obj *objects[EACH];
    husk_later nodes[EACH];
    husk_heap *heap;
} giver;

static int done_count;

static void done(void *data)
{
    (void)data;
    done_count++;
}

static void *give(void *data)
{
    giver *g = data;
    for (int i = 0; i < EACH; i++) {
        g->nodes[i].done = done;
        husk_obj_release_later(g->objects[i], &g->nodes[i]);
        if (i % 50 == 0)
            husk_heap_request(g->heap);
    }
    return NULL;
}

static void later_releases_from_threads(husk_heap *heap)
{
    static giver givers[THREADS];
    done_count = 0;
    int made = 0;
    for (int t = 0; t < THREADS; t++) {
        givers[t].heap = heap;
        for (int i = 0; i < EACH; i++) {
            givers[t].objects[i] = husk_obj_new(heap, type_closed);
            if (!givers[t].objects[i]) {
                while (i-- > 0)
                    husk_obj_release(givers[t].objects[i]);
                for (int k = 0; k < t; k++) {
                    for (int m = 0; m < EACH; m++)
                        husk_obj_release(givers[k].objects[m]);
                }
                TRY(false);
            }
            made++;
        }
    }
    tally_reset();
    pthread_t threads[THREADS];
    for (int t = 0; t < THREADS; t++)
        assert_int_equal(pthread_create(&threads[t], NULL, give, &givers[t]), 0);
    /* The owner works on meanwhile. */
    for (int i = 0; i < 2000; i++) {
        husk_obj *obj = husk_obj_new(heap, type_node);
        if (obj) {
            link_a(obj, obj);
            husk_obj_release(obj);
        }
        if (i % 64 == 0)
            husk_heap_safepoint(heap);
    }
    for (int t = 0; t < THREADS; t++)
        pthread_join(threads[t], NULL);
    husk_heap_safepoint(heap);
    assert_int_equal(done_count, THREADS * EACH);
    assert_int_equal(tally.disposed, made);
    collect(heap);
    assert_int_equal(objects_of(heap), 0);
}

/* The node may lie in the object itself. */
typedef struct parcel {
    husk_later node;
} parcel;

static void a_node_inside_the_object(husk_heap *heap)
{
    static const husk_type *type;
    if (!type) {
        husk_type_spec spec = { HUSK_TYPE_SPEC, .name = "parcel", .size = sizeof(parcel) };
        TRY_OK(husk_type_register(&spec, &type));
    }
    HOLD obj = husk_obj_new(heap, type);
    TRY(obj);
    husk_obj_retain(obj);
    husk_obj_release_later(obj, &((parcel *)husk_obj_data(obj))->node);
    husk_heap_safepoint(heap);
    assert_int_equal(husk_obj_strong_count(obj), 1);
    husk_obj *last = obj;
    obj = NULL;
    husk_obj_release_later(last, &((parcel *)husk_obj_data(last))->node);
    assert_int_equal(objects_of(heap), 1);
    husk_heap_safepoint(heap);
    assert_int_equal(objects_of(heap), 0);
}

/* What waits at the end is executed by the close; a collect executes it too. */
static void later_releases_and_collect(husk_heap *heap)
{
    husk_later first = { NULL, NULL, NULL, NULL };
    husk_obj *obj = husk_obj_new(heap, type_closed);
    TRY(obj);
    husk_obj_release_later(obj, &first);
    collect(heap);
    assert_int_equal(tally.disposed, 1);
    husk_heap *other = heap_open(NULL);
    if (!other) {
        story_refuse(NULL, HUSK_ENOMEM, "husk_heap_new", __FILE__, __LINE__);
        return;
    }
    husk_later last = { NULL, NULL, NULL, NULL };
    obj = husk_obj_new(other, type_closed);
    if (obj)
        husk_obj_release_later(obj, &last);
    husk_heap_close(other);
    assert_int_equal(tally.disposed, obj ? 2 : 1);
    assert_int_equal(report_count(), 0);
}

typedef struct handed {
    husk_heap *heap;
    husk_obj *obj;
    husk_status status, second;
    size_t collected;
} handed;

static void *receive(void *data)
{
    handed *h = data;
    h->status = husk_heap_attach(h->heap);
    h->second = husk_heap_attach(h->heap);
    husk_obj_drop(&h->obj);
    husk_pass pass;
    husk_heap_collect(h->heap, &pass);
    h->collected = pass.collected;
    husk_heap_detach(h->heap);
    return NULL;
}

static void handing_a_heap_over(husk_heap *other)
{
    (void)other;
    husk_heap_options options = { HUSK_HEAP_OPTIONS, .check_owner = true };
    husk_heap *heap = heap_open(&options);
    if (!heap) {
        story_refuse(NULL, HUSK_ENOMEM, "husk_heap_new", __FILE__, __LINE__);
        return;
    }
    handed h = { heap, husk_obj_new(heap, type_node), HUSK_OK, HUSK_OK, 0 };
    bool made = h.obj != NULL;
    if (made)
        link_a(h.obj, h.obj);
    assert_int_equal(husk_heap_attach(heap), HUSK_ESTATE);
    husk_heap_detach(heap);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, receive, &h), 0);
    pthread_join(thread, NULL);
    assert_int_equal(h.status, HUSK_OK);
    assert_int_equal(h.second, HUSK_ESTATE);
    assert_int_equal(h.collected, made ? 1 : 0);
    assert_int_equal(husk_heap_attach(heap), HUSK_OK);
    husk_obj *obj = husk_obj_new(heap, type_node);
    husk_obj_drop(&obj);
    heap_close(heap, true);
}

/* A heap on each thread: nothing is shared but the address range and the types. */
static void *work(void *data)
{
    atomic_int *failures = data;
    for (int round = 0; round < 5; round++) {
        husk_heap *heap = NULL;
        if (husk_heap_new(NULL, &heap) != HUSK_OK) {
            atomic_fetch_add(failures, 1);
            return NULL;
        }
        husk_obj *before = NULL;
        for (int i = 0; i < 3000; i++) {
            husk_obj *obj = husk_obj_new(heap, type_node);
            if (!obj)
                break;
            husk_obj_set(obj, &node_of(obj)->a, obj);
            husk_obj_set(obj, &node_of(obj)->b, i % 10 ? before : NULL);
            husk_obj_drop(&before);
            before = obj;
        }
        husk_obj_drop(&before);
        husk_heap_collect(heap, NULL);
        if (husk_heap_verify(heap) != HUSK_OK || objects_of(heap) != 0)
            atomic_fetch_add(failures, 100);
        husk_heap_close(heap);
    }
    return NULL;
}

static void a_heap_on_each_thread(husk_heap *heap)
{
    atomic_int failures = 0;
    pthread_t threads[THREADS];
    for (int t = 0; t < THREADS; t++)
        assert_int_equal(pthread_create(&threads[t], NULL, work, &failures), 0);
    for (int t = 0; t < THREADS; t++)
        pthread_join(threads[t], NULL);
    if (story_failing)
        assert_true(failures < 100);
    else
        assert_int_equal(failures, 0);
    verify(heap);
}

STORIES(STORY(later_releases_from_threads, 0), STORY(a_node_inside_the_object, 0),
        STORY(later_releases_and_collect, 0), STORY(handing_a_heap_over, 0), STORY(a_heap_on_each_thread, 0));
