/* tests/flow/classes.c: a heap's memory by size class and by type. */
#include "random.h"
#include "story.h"
#include "types.h"

#include <stdio.h>

/* The sums over all classes are the heap's own figures. */
static husk_class check_classes(husk_heap *heap)
{
    husk_class class, sum = { 0 };
    size_t count = husk_heap_class_count(heap);
    for (size_t c = 0; c < count; c++) {
        assert_true(husk_heap_class_get(heap, c, &class));
        if (class.block_bytes) {
            size_t blocks = class.used + class.free + class.untouched;
            assert_int_equal(class.held_bytes, class.pages * 65536);
            assert_int_equal(blocks, class.pages * (65536 / class.block_bytes));
            assert_int_equal(class.used_bytes, class.used * class.block_bytes);
        } else {
            assert_int_equal(class.free + class.untouched, 0);
            assert_int_equal(class.used_bytes, class.held_bytes);
            assert_true(c >= count - 2);
        }
        assert_true(class.asked_bytes <= class.used_bytes);
        sum.pages += class.pages;
        sum.used += class.used;
        sum.used_bytes += class.used_bytes;
        sum.asked_bytes += class.asked_bytes;
        sum.held_bytes += class.held_bytes;
    }
    assert_false(husk_heap_class_get(heap, count, &class));
    husk_heap_figures figures;
    husk_heap_figures_get(heap, &figures);
    assert_int_equal(sum.used, figures.objects);
    assert_int_equal(sum.used_bytes, figures.object_bytes);
    return sum;
}

/* The class of objects of 16 + 40 bytes with references. */
static husk_class class_of_nodes(husk_heap *heap)
{
    husk_class class = { 0 };
    for (size_t c = 0; husk_heap_class_get(heap, c, &class); c++)
        if (class.block_bytes == 16 + sizeof(node) && class.tracked)
            break;
    return class;
}

static void classes_count_every_block(husk_heap *heap)
{
    HOLD_MANY(many);
    husk_class before = class_of_nodes(heap);
    assert_int_equal(before.pages + before.used + before.free + before.untouched, 0);
    check_classes(heap);
    for (int i = 0; i < 100; i++)
        TRY(many.at[i] = husk_obj_new(heap, type_node));
    husk_class nodes = class_of_nodes(heap);
    assert_int_equal(nodes.used, 100);
    assert_int_equal(nodes.pages, 1);
    assert_int_equal(nodes.asked_bytes, 100 * (16 + sizeof(node)));
    for (int i = 0; i < 100; i += 2)
        husk_obj_drop(&many.at[i]);
    husk_class half = class_of_nodes(heap);
    assert_int_equal(half.used, 50);
    assert_int_equal(half.free, nodes.free + 50);
    assert_int_equal(half.untouched, nodes.untouched);

    HOLD long_one = husk_obj_new_items(heap, type_row, 100); /* 16 + 16 + 1600: into a block of 1664 */
    TRY(long_one);
    HOLD large = husk_obj_new(heap, type_vast);
    TRY(large);
    HOLD largest = husk_obj_new(heap, type_huge);
    TRY(largest);
    husk_class sum = check_classes(heap);
    assert_int_equal(sum.used, 53);
    size_t asked = 50 * (16 + sizeof(node)) + 16 + sizeof(row_item) * 100 + 16 + 16 + sizeof(vast) +
                   16 + sizeof(huge);
    assert_int_equal(sum.asked_bytes, asked);
}

static void any_mixture_adds_up(husk_heap *heap)
{
    HOLD_MANY(many);
    random64 r = random_from(17);
    size_t rounds = story_size(20000, 400);
    for (size_t i = 0; i < rounds; i++) {
        size_t at = random_below(&r, HOLD_MANY_MAX);
        if (many.at[at])
            husk_obj_drop(&many.at[at]);
        else if (i % 500 == 0)
            TRY(many.at[at] = husk_obj_new(heap, type_huge));
        else
            TRY(many.at[at] = husk_obj_new_items(heap, type_row, random_below(&r, i % 3 ? 40 : 9000)));
        if (i % (rounds / 40) == 0)
            check_classes(heap);
    }
}

static void the_text_says_the_sums(husk_heap *heap)
{
    HOLD_MANY(many);
    for (int i = 0; i < 40; i++)
        TRY(many.at[i] = husk_obj_new(heap, i % 2 ? type_node : type_leaf));
    HOLD large = husk_obj_new(heap, type_vast);
    TRY(large);
    char text[4000], part[50];
    size_t length = husk_heap_classes_text(heap, text, sizeof text);
    assert_int_equal(length, strlen(text));
    assert_non_null(strstr(text, "   block tracked   pages      used"));
    assert_non_null(strstr(text, "\n      56     yes       1        20"));
    assert_non_null(strstr(text, "\n      32      no       1        20"));
    assert_non_null(strstr(text, "\n   large     yes       1         1"));
    husk_heap_figures figures;
    husk_heap_figures_get(heap, &figures);
    char sums[100];
    snprintf(sums, sizeof sums, "\nObjects: 41 in %zu bytes; asked for: ", figures.object_bytes);
    assert_non_null(strstr(text, sums));
    assert_int_equal(husk_heap_classes_text(heap, part, sizeof part), length);
    assert_int_equal(strlen(part), sizeof part - 1);
    assert_memory_equal(part, text, sizeof part - 1);
    assert_int_equal(husk_heap_classes_text(heap, NULL, 0), length);
}

typedef struct tally_types {
    const husk_type *last;
    size_t calls, nodes, node_bytes, leaves, weaks, objects, bytes, stop_at;
} tally_types;

static bool count_types(const husk_type *type, size_t count, size_t bytes, void *data)
{
    tally_types *t = data;
    assert_true(count > 0 && bytes >= count * 32);
    assert_true(!t->last || husk_type_id(type) > husk_type_id(t->last));
    t->last = type;
    if (type == type_node)
        t->nodes = count, t->node_bytes = bytes;
    if (type == type_leaf)
        t->leaves = count;
    t->objects += count;
    t->bytes += bytes;
    return ++t->calls != t->stop_at;
}

static void types_are_counted_exactly(husk_heap *heap)
{
    HOLD_MANY(many);
    for (int i = 0; i < 90; i++)
        TRY(many.at[i] = husk_obj_new(heap, i % 3 ? type_node : type_leaf));
    HOLD_WEAK weak = husk_weak_new(many.at[1], NULL, NULL, NULL);
    TRY(weak);
    husk_obj_drop(&many.at[4]);
    tally_types t = { 0 };
    TRY_OK(husk_heap_each_type(heap, count_types, &t));
    assert_int_equal(t.nodes, 59);
    assert_int_equal(t.leaves, 30);
    assert_int_equal(t.calls, 3); /* and the weak reference */
    husk_heap_figures figures;
    husk_heap_figures_get(heap, &figures);
    assert_int_equal(t.objects, figures.objects);
    assert_int_equal(t.bytes, figures.object_bytes);

    size_t bytes;
    assert_int_equal(husk_heap_count_type(heap, type_node, &bytes), 59);
    assert_int_equal(bytes, t.node_bytes);
    assert_int_equal(husk_heap_count_type(heap, type_leaf, NULL), 30);
    assert_int_equal(husk_heap_count_type(heap, type_bag, &bytes), 0);
    assert_int_equal(bytes, 0);
    tally_types few = { .stop_at = 1 };
    TRY_OK(husk_heap_each_type(heap, count_types, &few));
    assert_int_equal(few.calls, 1);
}

static husk_heap *asked;
static size_t asked_nodes, asked_objects, asked_dying;

/* Inside a finalizer: the dying object is in a block and no object. */
static void ask_while_dying(node *self)
{
    (void)self;
    husk_heap_figures figures;
    husk_heap_figures_get(asked, &figures);
    asked_nodes = husk_heap_count_type(asked, type_hooked, NULL);
    asked_objects = figures.objects;
    husk_class class, sum = { 0 };
    for (size_t c = 0; husk_heap_class_get(asked, c, &class); c++)
        sum.used += class.used;
    asked_dying = sum.used - figures.objects;
}

static void the_dying_are_no_objects(husk_heap *heap)
{
    asked = heap;
    asked_dying = 99;
    HOLD other = node_new(heap, type_hooked, 1);
    TRY(other);
    husk_obj *obj = node_new(heap, type_hooked, 2);
    TRY(obj);
    node_of(obj)->hook = ask_while_dying;
    husk_obj_release(obj);
    assert_int_equal(asked_nodes, 1);
    assert_int_equal(asked_objects, 1);
    assert_int_equal(asked_dying, 1);
}

STORIES(STORY(classes_count_every_block, 0), STORY(any_mixture_adds_up, 0), STORY(the_text_says_the_sums, 0),
        STORY(types_are_counted_exactly, 0), STORY(the_dying_are_no_objects, 0));
