/* tests/unit/audit.c: husk_heap_verify finds each kind of damage, says what it is, and is content again when the
 * damage is undone. */
#include "fixture.h"
#include "types.h"

#include "cycle/side.h"
#include "object/weak.h"

/* A heap with one of everything. */
typedef struct scene {
    husk_heap *heap;
    husk_obj *one, *two, *dead, *tall, *text, *big;
    husk_weak *weak, *call;
} scene;

static void on_gone(husk_weak *weak, void *data)
{
    (void)weak, (void)data;
}

static void set_up(scene *s, husk_heap *heap)
{
    s->heap = heap;
    s->one = husk_obj_new(heap, type_node);
    s->two = husk_obj_new(heap, type_node);
    s->dead = husk_obj_new(heap, type_node);
    s->text = husk_obj_new(heap, type_leaf);
    s->big = husk_obj_new_items(heap, type_row, 10000); /* three pages */
    s->tall = husk_obj_new(heap, type_huge);
    s->weak = husk_weak_new(s->one, NULL, NULL, NULL);
    s->call = husk_weak_new(s->one, on_gone, NULL, NULL);
    link_a(s->one, s->two);
    link_b(s->two, s->text);
    husk_obj_release(s->dead); /* a free block */
}

static void take_down(scene *s)
{
    husk_obj_release(s->one);
    husk_obj_release(s->two);
    husk_obj_release(s->text);
    husk_obj_release(s->big);
    husk_obj_release(s->tall);
    husk_weak_release(s->weak);
    husk_weak_release(s->call);
}

static void expect(scene *s, const char *words)
{
    husk_status status = husk_heap_verify(s->heap);
    if (status != HUSK_ECORRUPT || !strstr(husk_heap_message(s->heap), words))
        fail_msg("wanted damage with the words \"%s\", got %s: %s", words, husk_status_name(status),
                 husk_heap_message(s->heap));
    assert_int_equal(husk_heap_failure(s->heap), HUSK_ECORRUPT);
}

/* With `place` changed to `value`, verify must say `words`. */
#define DAMAGED(place, value, words)                                                                         \
    do {                                                                                                     \
        __typeof__(place) saved_value = (place);                                                             \
        (place) = (value);                                                                                   \
        expect(&s, words);                                                                                   \
        (place) = saved_value;                                                                               \
        verify(s.heap);                                                                                      \
    } while (0)

static void test_counts(void **state)
{
    scene s;
    set_up(&s, *state);
    link_a(s.two, s.two);
    link_b(s.one, s.two);
    DAMAGED(s.two->rc, 2 * RC_ONE, "3 slots hold it, but its count is 2");
    DAMAGED(s.two->rc, 0, "count 0 does not fit its state");
    DAMAGED(s.two->tf, s.two->tf | TF_QUEUED, "does not fit its state");
    DAMAGED(s.two->tf, s.two->tf | TF_CONDEMNED, "condemned outside a pass");
    DAMAGED(s.two->tf, 0xFFFF0u, "not registered");
    DAMAGED(s.two->tf, husk_type_id(type_leaf), "other sort");
    DAMAGED(s.one->tf, husk_type_id(type_huge), "does not fit its block");
    DAMAGED(s.two->cell, 0xFFFFFFFFu, "no side cell");
    link_a(s.two, NULL);
    take_down(&s);
}

static void test_slots(void **state)
{
    scene s;
    set_up(&s, *state);
    node *n = node_of(s.one);
    husk_heap *other = heap_open(NULL);
    husk_obj *stranger = husk_obj_new(other, type_node);
    DAMAGED(n->b, stranger, "slot b");
    DAMAGED(n->b, s.dead, "no object of this heap");
    DAMAGED(n->b, (husk_obj *)(void *)((char *)s.two + 8), "no object of this heap");
    DAMAGED(n->b, (husk_obj *)(void *)((char *)s.big + HUSK__PAGE), "no object of this heap");
    DAMAGED(n->b, (husk_obj *)(void *)husk__chunk_of(s.two), "no object of this heap");
    DAMAGED(n->b, (husk_obj *)(void *)((char *)s.two + 3), "no object of this heap");
    husk_obj_release(stranger);
    heap_close(other, true);
    take_down(&s);
}

static void test_weak_references(void **state)
{
    scene s;
    set_up(&s, *state);
    struct husk__cell *cell = husk__cell_at(s.one->cell);
    DAMAGED(cell->target, s.two, "belongs to another");
    DAMAGED(cell->count, 1, "more weak references than its 1");
    DAMAGED(cell->weaks, s.weak, "without callback is listed");
    DAMAGED(cell->count, 3, "2 weak references listed, 3 counted");
    DAMAGED(cell->shared, (husk_weak *)(void *)s.two, "what is shared as weak reference is none");
    DAMAGED(cell->shared, s.call, "what is shared as weak reference is none");
    DAMAGED(cell->shared, NULL, "1 weak references listed, 2 counted");
    DAMAGED(s.weak->target, s.two, "weak reference");
    DAMAGED(s.one->cell, 0, "weak reference is not listed");
    DAMAGED(s.heap->cells.in_use, 7, "side cells, 7 noted");
    husk_weak *lone = husk_weak_new(s.two, NULL, NULL, NULL);
    assert_true(s.two->cell & CELL_LONE);
    DAMAGED(s.heap->store.lones, 3, "1 objects with a lone weak reference, 3 noted");
    DAMAGED(s.two->cell, s.two->cell + 1, "no weak reference where");
    DAMAGED(s.one->cell, s.two->cell, "weak reference");
    DAMAGED(lone->target, s.one, "weak reference");
    DAMAGED(lone->target, NULL, "lone weak reference points elsewhere");
    husk_weak_release(lone);
    take_down(&s);
}

static void test_pages(void **state)
{
    scene s;
    set_up(&s, *state);
    struct husk__page *page = husk__page_of(s.two);
    struct husk__slot *free_block = page->free;
    if (!free_block) { /* of the current page: it came back to the bin */
        struct husk__bin *bin = &s.heap->store.bins[page->bin];
        free_block = bin->back;
        assert_non_null(free_block);
        DAMAGED(bin->back, (struct husk__slot *)(void *)s.two, "holds a live object");
        DAMAGED(bin->back, NULL, "in hand are not");
        DAMAGED(free_block->next, free_block, "runs in a circle");
        husk__store_rest(&s.heap->store);
        free_block = page->free;
        DAMAGED(page->back_at, 8, "not the current one");
    }
    assert_non_null(free_block);
    DAMAGED(page->used, page->used + 1, "used");
    DAMAGED(page->used, page->capacity + 1, "used of");
    DAMAGED(page->members, 1, "belongs to a pass");
    DAMAGED(page->queued_next, page, "belongs to a pass");
    DAMAGED(page->free, (struct husk__slot *)(void *)s.two, "holds a live object");
    DAMAGED(page->free, (struct husk__slot *)(void *)s.text, "leaves the page");
    DAMAGED(free_block->next, free_block, "runs in a circle");
    DAMAGED(page->free, NULL, "used");
    DAMAGED(s.two->tf, 0, "objects and");
    DAMAGED(page->bin, 5, "bin 5");
    DAMAGED(page->block, 48, "is in bin");
    DAMAGED(page->listed, !page->listed, "list");
    DAMAGED(*husk__pending_word(s.two), 2, "pending bits");
    take_down(&s);
}

static void test_chunks_and_totals(void **state)
{
    scene s;
    set_up(&s, *state);
    struct husk__store *store = &s.heap->store;
    struct husk__chunk *chunk = husk__chunk_of(s.two);
    unsigned at = husk__page_index(s.two);
    DAMAGED(chunk->index, 9, "does not know its place");
    DAMAGED(chunk->owner, NULL, "does not know its place");
    DAMAGED(chunk->free_pages, chunk->free_pages | 1, "head is marked free");
    DAMAGED(chunk->free_pages, chunk->free_pages | (uint64_t)1 << at, "contradicts the bitmap");
    DAMAGED(chunk->spare_pages, chunk->spare_pages | (uint64_t)1 << at, "spare page is in use");
    DAMAGED(husk__page_of(s.big)->run, 7, "not where its run puts it");
    DAMAGED(husk__page_of(s.tall)->state, HUSK__PAGE_FREE, "one block is gone");
    DAMAGED(store->pages_used, store->pages_used + 1, "noted");
    DAMAGED(store->pages_spare, store->pages_spare + 1, "noted");
    DAMAGED(store->bytes_taken, store->bytes_taken + 8, "are noted");
    DAMAGED(store->max_bytes, 100, "max_bytes is 100");
    DAMAGED(s.heap->dying, s.text, "dying");
    if (store->chunk_count > 1) {
        struct husk__chunk *first = store->chunks[0];
        first->index = 1;
        store->chunks[1]->index = 0;
        store->chunks[0] = store->chunks[1];
        store->chunks[1] = first;
        expect(&s, "out of order");
        store->chunks[1] = store->chunks[0];
        store->chunks[0] = first;
        store->chunks[1]->index = 1;
        first->index = 0;
        verify(s.heap);
    }
    take_down(&s);
}

int main(void)
{
    types_setup();
    const struct CMUnitTest tests[] = { HEAP_TEST(test_counts), HEAP_TEST(test_slots),
                                        HEAP_TEST(test_weak_references), HEAP_TEST(test_pages),
                                        HEAP_TEST(test_chunks_and_totals) };
    return RUN_ROUNDS("audit", tests);
}
