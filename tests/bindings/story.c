/* tests/bindings/story.c: the story of story.md, told in C. */
#define _POSIX_C_SOURCE 200809L /* mkstemp */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <husk.h>

enum { VALUE, NEXT };

/* What goes wrong where it should not ends the program: the comparison then misses lines. */
#define MUST(condition)                                                                                      \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            fprintf(stderr, "story.c:%d: %s\n", __LINE__, #condition);                                       \
            exit(1);                                                                                         \
        }                                                                                                    \
    } while (0)

static bool count_node(husk_obj *obj, void *data)
{
    size_t *count = data;
    *count += strcmp(husk_type_name(husk_obj_type(obj)), "Node") == 0;
    return true;
}

static size_t nodes(husk_heap *heap)
{
    size_t count = 0;
    husk_heap_each(heap, count_node, &count);
    return count;
}

static husk_obj *node_new(husk_heap *heap, const husk_type *type, int64_t value)
{
    husk_obj *node = husk_record_new(heap, type);
    MUST(node && husk_record_set(node, VALUE, husk_int(value)) == HUSK_OK);
    return node;
}

static void link_to(husk_obj *node, husk_obj *next)
{
    MUST(husk_record_set(node, NEXT, husk_ref(next)) == HUSK_OK);
}

static size_t collect(husk_heap *heap)
{
    husk_pass pass;
    MUST(husk_heap_collect(heap, &pass) == HUSK_OK);
    return pass.collected;
}

static void on_gone(husk_weak *weak, void *data)
{
    (void)weak;
    printf("weak: %s is gone\n", (const char *)data);
}

static void cleanup(husk_heap *heap, void *data)
{
    (void)heap;
    printf("finalizer: %s\n", (const char *)data);
}

static const char *alive(husk_weak *weak)
{
    return husk_weak_state_get(weak) == HUSK_ALIVE ? "alive" : "dead";
}

static void tell_shelf(husk_obj *shelf)
{
    husk_obj *three = husk_text_new(husk_obj_heap(shelf), "three", 5);
    MUST(three);
    const husk_value values[] = { husk_int(1), husk_float(2.5), husk_ref(three), husk_bool(true),
                                  husk_nil() };
    for (size_t i = 0; i < 5; i++)
        MUST(husk_list_append(shelf, values[i]) == HUSK_OK);
    husk_obj_release(three);
    printf("make: the shelf holds %zu values\n", husk_list_count(shelf));
}

static void tell_counts(husk_heap *heap, const husk_type *type, husk_obj *shelf)
{
    husk_obj *a = node_new(heap, type, 1), *b = node_new(heap, type, 2), *c = node_new(heap, type, 3);
    printf("make: %zu nodes\n", nodes(heap));
    tell_shelf(shelf);

    printf("share: a has %zu reference\n", husk_obj_strong_count(a));
    MUST(husk_list_append(shelf, husk_ref(a)) == HUSK_OK);
    printf("share: on the shelf, %zu\n", husk_obj_strong_count(a));
    link_to(b, a);
    printf("share: and in b, %zu\n", husk_obj_strong_count(a));

    MUST(husk_list_remove(shelf, 5, NULL) == HUSK_OK);
    printf("count: a has %zu references\n", husk_obj_strong_count(a));
    husk_obj_release(c);
    printf("count: %zu nodes\n", nodes(heap));

    link_to(a, b);
    husk_weak *weak = husk_weak_new(a, on_gone, (void *)(uintptr_t) "a", NULL);
    MUST(weak);
    husk_obj_release(a);
    husk_obj_release(b);
    printf("cycle: %zu nodes\n", nodes(heap));
    printf("cycle: a is %s\n", alive(weak));

    size_t collected = collect(heap);
    printf("collect: %zu collected\n", collected);
    printf("collect: %zu nodes\n", nodes(heap));
    printf("collect: a is %s\n", alive(weak));
    husk_weak_release(weak);
}

static void tell_finalizers(husk_heap *heap, const husk_type *type)
{
    husk_obj *d = node_new(heap, type, 4);
    husk_cleanup *first = husk_cleanup_new(d, cleanup, (void *)(uintptr_t) "first", NULL, false);
    husk_cleanup *second = husk_cleanup_new(d, cleanup, (void *)(uintptr_t) "second", NULL, false);
    MUST(first && second);
    husk_cleanup_release(first);
    husk_cleanup_release(second);
    printf("finalizer: %zu pending\n", husk_heap_cleanups(heap));
    husk_obj_release(d);
    printf("finalizer: %zu pending\n", husk_heap_cleanups(heap));
}

static void tell_weak_maps(husk_heap *heap, const husk_type *type)
{
    husk_obj *by_key = husk_weakkeymap_new(heap), *by_value = husk_weakvaluemap_new(heap);
    husk_obj *k = node_new(heap, type, 5), *v = node_new(heap, type, 6);
    husk_obj *name = husk_text_new(heap, "k", 1);
    MUST(by_key && by_value && name);
    link_to(v, k);
    MUST(husk_weakkeymap_set(by_key, k, husk_ref(v)) == HUSK_OK);
    MUST(husk_weakvaluemap_set(by_value, husk_ref(name), k) == HUSK_OK);
    husk_obj_release(name);
    printf("weak map: %zu by key, %zu by value\n", husk_weakkeymap_count(by_key),
           husk_weakvaluemap_count(by_value));
    husk_obj_release(k);
    husk_obj_release(v);
    printf("weak map: %zu nodes\n", nodes(heap));
    printf("weak map: %zu collected\n", collect(heap));
    printf("weak map: %zu by key, %zu by value\n", husk_weakkeymap_count(by_key),
           husk_weakvaluemap_count(by_value));
    husk_obj_release(by_key);
    husk_obj_release(by_value);
}

/* ---- traces and snapshots ---- */

/* Makes nodes in one line: the newest, which leads to all. */
static husk_obj *chain(husk_heap *heap, const husk_type *type, int64_t first, int64_t last)
{
    husk_obj *newest = NULL;
    for (int64_t value = first; value <= last; value++) {
        husk_trace_at(heap, __FILE__, (uint32_t)__LINE__, __func__);
        husk_obj *node = node_new(heap, type, value);
        if (newest)
            link_to(node, newest);
        husk_obj_drop(&newest);
        newest = node;
    }
    return newest;
}

static husk_obj *more(husk_heap *heap, const husk_type *type, int64_t first, int64_t last)
{
    husk_obj *newest = NULL;
    for (int64_t value = first; value <= last; value++) {
        husk_trace_at(heap, __FILE__, (uint32_t)__LINE__, __func__);
        husk_obj *node = node_new(heap, type, value);
        if (newest)
            link_to(node, newest);
        husk_obj_drop(&newest);
        newest = node;
    }
    return newest;
}

/* Of what passes the filter, in the differences to old if there is one. The caller frees it. */
static husk_stats *stats_of(const husk_snapshot *old, const husk_snapshot *snapshot, int by, const char *text)
{
    husk_filter *filter;
    husk_stats *stats;
    MUST(husk_filter_new(&filter) == HUSK_OK && husk_filter_parse(filter, text) == HUSK_OK);
    husk_stats_options options = { HUSK_STATS_OPTIONS, .by = by, .filter = filter };
    MUST((old ? husk_stats_compare(old, snapshot, &options, &stats)
              : husk_stats_new(snapshot, &options, &stats)) == HUSK_OK);
    husk_filter_free(filter);
    return stats;
}

static long long nodes_in(const husk_snapshot *snapshot)
{
    husk_stats *stats = stats_of(NULL, snapshot, HUSK_BY_TYPE, "type=Node");
    husk_stat row;
    MUST(husk_stats_count(stats) == 1 && husk_stats_row(stats, 0, &row));
    husk_stats_free(stats);
    return row.count;
}

static void tell_place(const husk_obj *node)
{
    husk_place_frame frame;
    MUST(husk_trace_of(node, 0, &frame));
    const char *slash = strrchr(frame.file, '/'), *name = slash ? slash + 1 : frame.file;
    printf("trace: made in %.*s, by %s\n", (int)strcspn(name, "."), name, frame.function);
}

static husk_snapshot *saved_and_loaded(const husk_snapshot *snapshot)
{
    char path[] = "/tmp/husk-story-XXXXXX";
    husk_snapshot *loaded;
    int file = mkstemp(path);
    MUST(file >= 0 && close(file) == 0);
    MUST(husk_snapshot_save(snapshot, path) == HUSK_OK);
    MUST(husk_snapshot_load(path, &loaded) == HUSK_OK);
    MUST(remove(path) == 0);
    return loaded;
}

static void tell_diff(const husk_snapshot *old, const husk_snapshot *snapshot)
{
    husk_stats *stats = stats_of(old, snapshot, HUSK_BY_FUNCTION, "type=Node");
    husk_stat row;
    for (size_t i = 0; husk_stats_row(stats, i, &row); i++)
        printf("diff: %s %+lld\n", row.function, (long long)row.count_diff);
    husk_stats_free(stats);
    stats = stats_of(NULL, snapshot, HUSK_BY_TYPE, "type=Node,since=half");
    husk_stats_total(stats, &row);
    printf("diff: %lld since the mark\n", (long long)row.count);
    husk_stats_free(stats);
}

static void tell_traces(husk_heap *heap, const husk_type *type)
{
    husk_trace_options options = { HUSK_TRACE_OPTIONS, .frames = 4 };
    husk_snapshot *first, *second;
    MUST(husk_trace_start(heap, &options) == HUSK_OK);
    printf("trace: %s\n", husk_trace_is_on(heap) ? "on" : "off");
    husk_obj *ten = chain(heap, type, 1, 10);
    tell_place(ten);

    MUST(husk_snapshot_new(heap, NULL, &first) == HUSK_OK);
    printf("snapshot: %lld nodes\n", nodes_in(first));
    husk_stats *lines = stats_of(NULL, first, HUSK_BY_LINE, "type=Node");
    husk_stat row;
    MUST(husk_stats_row(lines, 0, &row));
    printf("snapshot: %zu line made %lld\n", husk_stats_count(lines), (long long)row.count);
    husk_stats_free(lines);
    husk_snapshot *loaded = saved_and_loaded(first);
    printf("snapshot: %lld nodes in the file\n", nodes_in(loaded));

    MUST(husk_trace_mark(heap, "half") == HUSK_OK);
    husk_obj *sixth = ten; /* the chain holds them all */
    for (int steps = 0; steps < 4; steps++) {
        husk_value next;
        MUST(husk_record_peek(sixth, NEXT, &next) == HUSK_OK);
        sixth = next.as.o;
    }
    MUST(husk_record_set(sixth, NEXT, husk_nil()) == HUSK_OK);
    husk_obj *eight = more(heap, type, 11, 18);
    MUST(husk_snapshot_new(heap, NULL, &second) == HUSK_OK);
    tell_diff(loaded, second);
    husk_trace_stop(heap);
    printf("trace: %s\n", husk_trace_is_on(heap) ? "on" : "off");
    husk_obj_release(ten);
    husk_obj_release(eight);
    printf("diff: %zu nodes\n", nodes(heap));
    husk_snapshot_free(first);
    husk_snapshot_free(second);
    husk_snapshot_free(loaded);
}

static void tell_errors(husk_heap *heap, const husk_type *type, husk_obj *shelf)
{
    /* C asks for a field by its index, and gets it from the name: -1 is the answer to a name that is none. */
    printf("error: %s\n", husk_record_field(type, "colour") < 0 ? "HUSK_EMISSING" : "none");

    husk_heap_options options = { HUSK_HEAP_OPTIONS, .name = "small", .max_bytes = 400000 };
    husk_heap *small;
    MUST(husk_heap_new(&options, &small) == HUSK_OK);
    husk_obj *list = husk_list_new(small);
    MUST(list);
    printf("error: %s\n", husk_status_name(husk_list_append(shelf, husk_ref(list))));
    husk_status status = HUSK_OK;
    while (status == HUSK_OK)
        status = husk_list_append(list, husk_int(0));
    printf("error: %s\n", husk_status_name(status));
    husk_obj_release(list);
    husk_heap_close(small);

    MUST(husk_heap_verify(heap) == HUSK_OK);
    printf("error: the heap is whole\n");
}

int main(void)
{
    husk_heap_options options = { HUSK_HEAP_OPTIONS, .name = "story" };
    static const char *const fields[] = { "value", "next" };
    husk_heap *heap;
    const husk_type *type;
    MUST(husk_heap_new(&options, &heap) == HUSK_OK);
    MUST(husk_record_type("Node", fields, 2, NULL, NULL, &type) == HUSK_OK);
    husk_obj *shelf = husk_list_new(heap);
    MUST(shelf);

    tell_counts(heap, type, shelf);
    tell_finalizers(heap, type);
    tell_weak_maps(heap, type);
    tell_traces(heap, type);
    tell_errors(heap, type, shelf);

    /* In C a handle must end before its heap does: then nothing of it is left. */
    husk_obj_drop(&shelf);
    husk_heap_close(heap);
    MUST(husk_memory_held() == 0);
    printf("close: the shelf is %s\n", shelf ? "there" : "gone");
    return 0;
}
