/* tests/generic/handles.c: the tokens of level 1 from below: made up, used after their end, dropped on other threads.
 * The languages' own tests come by fewer of these ways, and with a runtime around them. */
#define _GNU_SOURCE
#include "story.h"

#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "calls.h"
#include "gcstat.h"
#include "snapshot.h"

static husk_generic_trouble trouble;

/* Memory for the table and the homes is the system's own: these are compiled in its place. */
static size_t until_failure; /* the how-manieth request fails, once; 0: none */

static bool fails(void)
{
    return until_failure && --until_failure == 0;
}

void *handles_malloc(size_t bytes);
void *handles_calloc(size_t count, size_t bytes);
void *handles_realloc(void *block, size_t bytes);

void *handles_malloc(size_t bytes)
{
    return fails() ? NULL : malloc(bytes);
}

void *handles_calloc(size_t count, size_t bytes)
{
    return fails() ? NULL : calloc(count, bytes);
}

void *handles_realloc(void *block, size_t bytes)
{
    return fails() ? NULL : realloc(block, bytes);
}

static void *heap_token(const char *name)
{
    void *token = husk_generic_heap_new(name, &trouble);
    assert_non_null(token);
    return token;
}

static husk_heap *heap_of(const void *token)
{
    const void *pointer = token;
    assert_true(husk_generic_heap(&pointer, "test", 1, &trouble));
    return (husk_heap *)(uintptr_t)pointer;
}

static husk_obj *obj_of(const void *token)
{
    const void *pointer = token;
    return husk_generic_obj(&pointer, "test", 1, &trouble) ? (husk_obj *)(uintptr_t)pointer : NULL;
}

static void *list_token(husk_heap *heap)
{
    husk_obj *list = husk_list_new(heap);
    assert_non_null(list);
    void *token = husk_generic_give(list);
    assert_non_null(token);
    return token;
}

static size_t lists(husk_heap *heap)
{
    husk_generic_leave(heap);
    return husk_generic_census(heap, "list");
}

static void a_token_ends_once(void **state)
{
    (void)state;
    void *home = heap_token("once");
    husk_heap *heap = heap_of(home);
    void *a = list_token(heap), *b = husk_generic_lend(obj_of(a));
    assert_int_equal(husk_obj_strong_count(obj_of(a)), 2);
    husk_generic_drop(a);
    husk_generic_drop(a);
    assert_null(obj_of(a));
    assert_int_equal(trouble.status, HUSK_ESTATE);
    assert_non_null(strstr(trouble.text, "released"));
    assert_int_equal(husk_obj_strong_count(obj_of(b)), 1);
    /* The entry is taken again; the old token stays dead. */
    void *c = list_token(heap);
    assert_ptr_not_equal(a, c);
    assert_null(obj_of(a));
    husk_generic_drop(a);
    assert_non_null(obj_of(c));
    husk_generic_drop(b);
    husk_generic_drop(c);
    assert_int_equal(lists(heap), 0);
    husk_generic_drop(home);
    assert_int_equal(husk_memory_held(), 0);
}

static void made_up_tokens_are_refused(void **state)
{
    (void)state;
    void *home = heap_token("forged");
    void *list = list_token(heap_of(home));
    uint64_t seed = 88172645463325252u;
    for (int i = 0; i < (int)story_size(100000, 2000); i++) {
        seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
        uintptr_t word = (uintptr_t)(i % 4 ? seed : seed & 0xffff);
        if (i % 3 == 0)
            word ^= (uintptr_t)list;
        if (word == (uintptr_t)list || word == (uintptr_t)home)
            continue;
        assert_null(obj_of((void *)word));
        husk_generic_drop((void *)word);
        const void *type = (void *)word;
        (void)husk_generic_type(&type, "test", 1, &trouble);
    }
    assert_null(obj_of(home)); /* of another kind */
    assert_null(obj_of(NULL));
    assert_int_equal(trouble.status, HUSK_EINVAL);
    const void *pointer = list;
    assert_false(husk_generic_weak(&pointer, "test", 1, &trouble));
    assert_int_equal(trouble.status, HUSK_ETYPE);
    assert_true(husk_generic_obj(&pointer, "delete_Obj", 1, &trouble)); /* destructors get the token */
    assert_ptr_equal(pointer, list);
    husk_generic_drop(list);
    husk_generic_drop(home);
    assert_int_equal(husk_memory_held(), 0);
}

static void objects_keep_their_heap(void **state)
{
    (void)state;
    void *home = heap_token("kept");
    void *list = list_token(heap_of(home));
    husk_generic_drop(home);
    assert_true(husk_memory_held() > 0);
    assert_int_equal(husk_list_append(obj_of(list), husk_int(1)), HUSK_OK);
    husk_generic_drop(list);
    assert_int_equal(husk_memory_held(), 0);
}

static void a_closed_heap_leaves_dead_tokens(void **state)
{
    (void)state;
    void *home = heap_token("closed");
    husk_heap *heap = heap_of(home);
    void *list = list_token(heap), *other = list_token(heap);
    assert_int_equal(husk_list_append(obj_of(list), husk_ref(obj_of(other))), HUSK_OK);
    assert_int_equal(husk_list_append(obj_of(other), husk_ref(obj_of(list))), HUSK_OK);
    husk_generic_heap_close(heap);
    assert_int_equal(husk_memory_held(), 0);
    assert_null(obj_of(list));
    assert_non_null(strstr(trouble.text, "heap 'closed' is closed"));
    assert_false(husk_generic_alive(list));
    assert_false(husk_generic_alive(home));
    husk_generic_drop(home);
    husk_generic_drop(list);
    husk_generic_drop(other);
    husk_generic_drop(other);
}

static void watches_end_with_whoever_has_them_last(void **state)
{
    (void)state;
    void *home = heap_token("watched");
    husk_heap *heap = heap_of(home);
    void *list = list_token(heap);
    husk_cleanup *held = husk_generic_watch(obj_of(list), 1);
    assert_non_null(held);
    husk_cleanup_release(husk_generic_watch(obj_of(list), 2));
    husk_cleanup_release(husk_generic_watch(obj_of(list), 3));
    husk_cleanup *detached = husk_generic_watch(obj_of(list), 4);
    assert_true(husk_cleanup_detach(detached));
    husk_cleanup_release(detached);
    husk_generic_drop(list);
    assert_int_equal(husk_generic_gone(heap).as.i, 3);
    assert_int_equal(husk_generic_gone(heap).as.i, 2);
    assert_int_equal(husk_generic_gone(heap).as.i, 1);
    assert_int_equal(husk_generic_gone(heap).tag, HUSK_NIL);
    husk_cleanup_release(held); /* asked for before its registration ended */
    list = list_token(heap);
    husk_cleanup_release(husk_generic_watch(obj_of(list), 5)); /* nobody asks */
    husk_generic_drop(list);
    list = list_token(heap);
    husk_cleanup_release(husk_generic_watch(obj_of(list), 6)); /* it never comes to that */
    husk_generic_heap_close(heap);
    assert_int_equal(husk_memory_held(), 0);
    husk_generic_drop(list);
    husk_generic_drop(home);
}

static void without_memory_nothing_is_lost(void **state)
{
    (void)state;
    until_failure = 1;
    assert_null(husk_generic_heap_new("none", &trouble));
    assert_int_equal(trouble.status, HUSK_ENOMEM);
    assert_int_equal(husk_memory_held(), 0);

    /* Another reason is told as what it is. */
    assert_int_equal(setenv("HUSK_STRESS", "often", 1), 0);
    assert_null(husk_generic_heap_new("none", &trouble));
    assert_int_equal(unsetenv("HUSK_STRESS"), 0);
    assert_int_equal(trouble.status, HUSK_EINVAL);
    assert_non_null(strstr(trouble.text, "HUSK_STRESS=often"));
    assert_int_equal(husk_memory_held(), 0);

    void *home = heap_token("poor");
    husk_heap *heap = heap_of(home);
    for (size_t nth = 1; nth <= 2; nth++) {
        until_failure = nth;
        assert_null(husk_generic_record_type("Poor", "a b", &trouble));
        assert_int_equal(trouble.status, HUSK_ENOMEM);
    }
    void *list = list_token(heap);
    until_failure = 1;
    assert_null(husk_generic_watch(obj_of(list), 1));
    assert_int_equal(husk_heap_failure(heap), HUSK_ENOMEM);
    assert_int_equal(husk_heap_cleanups(heap), 0);

    /* Wrappers until the table has to grow, which it never unlearns: the object for which it could not is gone, the
     * others are as they were. */
    static bool grown;
    static void *kept[5000];
    size_t count = 0, refused = 0;
    while (!grown && count < sizeof kept / sizeof *kept) {
        husk_obj *obj = husk_list_new(heap);
        assert_non_null(obj);
        until_failure = refused < 3;
        void *token = husk_generic_give(obj);
        until_failure = 0;
        if (token)
            kept[count++] = token;
        else
            refused++;
    }
    assert_true(grown || refused == 3);
    grown = true;
    assert_int_equal(lists(heap), count + 1);
    for (size_t i = 0; i < count; i++) {
        assert_non_null(obj_of(kept[i]));
        husk_generic_drop(kept[i]);
    }
    husk_generic_drop(list);
    assert_int_equal(lists(heap), 0);
    husk_generic_drop(home);
    assert_int_equal(husk_memory_held(), 0);
}

/* ---- other threads ---- */

static void *drop_there(void *token)
{
    husk_generic_drop(token);
    return NULL;
}

static void on_another_thread(void *(*body)(void *), void *data)
{
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, body, data), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

static void *use_there(void *token)
{
    return obj_of(token) ? token : NULL;
}

static void a_drop_elsewhere_waits_for_the_owner(void **state)
{
    (void)state;
    void *home = heap_token("waits");
    husk_heap *heap = heap_of(home);
    void *list = list_token(heap);
    pthread_t thread;
    void *used;
    assert_int_equal(pthread_create(&thread, NULL, use_there, list), 0);
    assert_int_equal(pthread_join(thread, &used), 0);
    assert_null(used);
    assert_non_null(strstr(trouble.text, "another thread"));
    on_another_thread(drop_there, list);
    assert_int_equal(husk_generic_census(heap, "list"), 1); /* not touched there */
    assert_null(obj_of(list));
    assert_int_equal(lists(heap), 0);
    /* The very last one closes the heap where it is dropped. */
    list = list_token(heap);
    husk_generic_drop(home);
    on_another_thread(drop_there, list);
    assert_int_equal(husk_memory_held(), 0);
}

enum { THREADS = 8, EACH_MAX = 4000 };
static void *many[THREADS][EACH_MAX];
static size_t each;

static void *drop_many(void *data)
{
    void **mine = data;
    for (size_t i = 0; i < each; i++)
        husk_generic_drop(mine[i]);
    return NULL;
}

static void eight_threads_drop_what_one_makes(void **state)
{
    (void)state;
    void *home = heap_token("many");
    each = story_size(EACH_MAX, 200);
    husk_heap *heap = heap_of(home);
    for (int t = 0; t < THREADS; t++)
        for (size_t i = 0; i < each; i++)
            many[t][i] = list_token(heap);
    pthread_t threads[THREADS];
    for (int t = 0; t < THREADS; t++)
        assert_int_equal(pthread_create(&threads[t], NULL, drop_many, many[t]), 0);
    for (size_t i = 0; i < each; i++) { /* meanwhile */
        void *list = list_token(heap);
        assert_int_equal(husk_list_append(obj_of(list), husk_int((int64_t)i)), HUSK_OK);
        husk_generic_leave(heap);
        husk_generic_drop(list);
    }
    for (int t = 0; t < THREADS; t++)
        assert_int_equal(pthread_join(threads[t], NULL), 0);
    assert_int_equal(lists(heap), 0);
    verify(heap);
    husk_generic_drop(home);
    assert_int_equal(husk_memory_held(), 0);
}

static bool labelled(husk_heap *heap)
{
    return husk_generic_trace_start(heap, 3) == HUSK_OK &&
           husk_generic_trace_push(heap, "a.c", 7, "f") == HUSK_OK &&
           husk_generic_tag_push(heap, "tag") == HUSK_OK && husk_generic_mark(heap, "mark") == HUSK_OK;
}

static bool one_list_at_its_line(husk_obj *snapshot)
{
    if (husk_generic_snapshot_group(snapshot, "line", "type=list") != 1)
        return false;
    husk_value name = husk_generic_snapshot_name(snapshot, 0);
    return name.tag == HUSK_OBJ && strcmp(husk_text_bytes(name.as.o), "a.c:7") == 0 &&
           husk_generic_snapshot_things(snapshot, 0) == 1;
}

/* One of everything; false: something was refused, and the heap says HUSK_ENOMEM. */
static bool snapshots(husk_heap *heap, const char *path)
{
    husk_heap_clear_failure(heap);
    husk_obj *list = labelled(heap) ? husk_list_new(heap) : NULL;
    husk_obj *taken = list ? husk_generic_snapshot_take(heap) : NULL;
    bool saved = taken && husk_generic_snapshot_save(taken, path) == HUSK_OK;
    husk_obj *loaded = saved ? husk_generic_snapshot_load(heap, path) : NULL;
    bool done = loaded && one_list_at_its_line(loaded);
    if (!done)
        assert_int_equal(husk_heap_failure(heap), HUSK_ENOMEM);
    husk_generic_leave(heap);
    husk_obj_drop(&list);
    husk_obj_drop(&taken);
    husk_obj_drop(&loaded);
    while (husk_generic_tag_pop(heap) == HUSK_OK) {
    }
    while (husk_generic_trace_pop(heap) == HUSK_OK) {
    }
    husk_trace_stop(heap);
    return done;
}

static void snapshots_without_memory(void **state)
{
    (void)state;
    char path[100];
    snprintf(path, sizeof path, "/tmp/husk-handles-%ld.husk", (long)getpid());
    for (int ours = 0; ours < 2; ours++) {
        bool done = false;
        for (size_t nth = 1; !done; nth++) {
            void *home = heap_token("poor");
            husk_heap *heap = heap_of(home);
            if (ours)
                until_failure = nth;
            else
                husk_memory_fail(nth, false);
            done = snapshots(heap, path);
            until_failure = 0;
            husk_memory_fail(0, false);
            verify(heap);
            husk_generic_drop(home);
            assert_int_equal(husk_memory_held(), 0);
            assert_true(nth < 1000);
            assert_true(!done || nth > 2);
        }
    }
    (void)unlink(path);
}

/* The page of this process; false: something was refused, and the heap says HUSK_ENOMEM. */
static bool pages(husk_heap *heap)
{
    husk_heap_clear_failure(heap);
    husk_obj *pids = husk_generic_gcstat_list(heap);
    husk_obj *page = pids ? husk_generic_gcstat_read(heap, getpid()) : NULL;
    bool done = page && husk_generic_gcstat_word(page, 0, "name").tag == HUSK_OBJ;
    if (!done)
        assert_int_equal(husk_heap_failure(heap), HUSK_ENOMEM);
    else
        assert_int_equal(husk_generic_gcstat_figure(page, 0, "latest.number"), 1);
    husk_generic_leave(heap);
    husk_obj_drop(&pids);
    husk_obj_drop(&page);
    return done;
}

static void pages_without_memory(void **state)
{
    (void)state;
    husk_generic_gcstat_start(&trouble);
    assert_int_equal(trouble.status, HUSK_OK);
    for (int ours = 0; ours < 2; ours++) {
        bool done = false;
        for (size_t nth = 1; !done; nth++) {
            void *home = heap_token("poor");
            husk_heap *heap = heap_of(home);
            assert_int_equal(husk_heap_collect(heap, NULL), HUSK_OK);
            if (ours)
                until_failure = nth;
            else
                husk_memory_fail(nth, false);
            done = pages(heap);
            until_failure = 0;
            husk_memory_fail(0, false);
            verify(heap);
            husk_generic_drop(home);
            assert_int_equal(husk_memory_held(), 0);
            assert_true(nth < 1000);
            assert_true(!done || nth > 1); /* one request at least was refused */
        }
    }
    husk_gcstat_stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            without_memory_nothing_is_lost), /* first: in the first round the table has to grow */
        cmocka_unit_test(a_token_ends_once),
        cmocka_unit_test(snapshots_without_memory),
        cmocka_unit_test(pages_without_memory),
        cmocka_unit_test(made_up_tokens_are_refused),
        cmocka_unit_test(objects_keep_their_heap),
        cmocka_unit_test(a_closed_heap_leaves_dead_tokens),
        cmocka_unit_test(watches_end_with_whoever_has_them_last),
        cmocka_unit_test(a_drop_elsewhere_waits_for_the_owner),
        cmocka_unit_test(eight_threads_drop_what_one_makes),
    };
    return RUN_ROUNDS("generic_handles", tests);
}
