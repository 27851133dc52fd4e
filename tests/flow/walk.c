/* tests/flow/walk.c: looking at the heap. */
#include "story.h"
#include "types.h"

typedef struct looker {
    husk_obj *seen[64];
    size_t count, stop_at;
} looker;

static bool look(husk_obj *obj, void *data)
{
    looker *l = data;
    if (l->count < 64)
        l->seen[l->count] = obj;
    l->count++;
    return l->count != l->stop_at;
}

static void every_object_in_address_order(husk_heap *heap)
{
    HOLD_MANY(many);
    for (int i = 0; i < 20; i++) {
        many.at[i] = i % 3 == 0   ? husk_obj_new(heap, type_leaf)
                     : i % 3 == 1 ? husk_obj_new(heap, type_node)
                                  : husk_obj_new_items(heap, type_row, (size_t)i);
        TRY(many.at[i]);
    }
    HOLD big = husk_obj_new(heap, type_vast);
    TRY(big);
    HOLD biggest = husk_obj_new(heap, type_huge);
    TRY(biggest);
    HOLD_WEAK weak = husk_weak_new(many.at[1], NULL, NULL, NULL);
    TRY(weak);
    looker l = { { NULL }, 0, 0 };
    husk_heap_each(heap, look, &l);
    assert_int_equal(l.count, 23);
    for (size_t i = 1; i < l.count; i++)
        assert_true(l.seen[i - 1] < l.seen[i]);
    bool weak_seen = false;
    for (size_t i = 0; i < l.count; i++)
        weak_seen |= l.seen[i] == husk_weak_obj(weak);
    assert_true(weak_seen);
    assert_int_equal(husk_obj_strong_count(many.at[1]), 1);
    looker few = { { NULL }, 0, 5 };
    husk_heap_each(heap, look, &few);
    assert_int_equal(few.count, 5);
    husk_obj_drop(&many.at[4]);
    looker fewer = { { NULL }, 0, 0 };
    husk_heap_each(heap, look, &fewer);
    assert_int_equal(fewer.count, 22);
}

typedef struct edges {
    husk_edge seen[32];
    size_t count, stop_at;
} edges;

static bool edge(const husk_edge *e, void *data)
{
    edges *s = data;
    if (s->count < 32)
        s->seen[s->count] = *e;
    s->count++;
    return s->count != s->stop_at;
}

static void referents_and_referrers(husk_heap *heap)
{
    HOLD hub = husk_obj_new(heap, type_node);
    TRY(hub);
    HOLD other = husk_obj_new(heap, type_node);
    TRY(other);
    HOLD row1 = husk_obj_new_items(heap, type_row, 4);
    TRY(row1);
    HOLD o = husk_obj_new(heap, type_odd);
    TRY(o);
    HOLD tree = husk_obj_new(heap, type_tree);
    TRY(tree);
    HOLD big = husk_obj_new(heap, type_huge);
    TRY(big);
    link_a(hub, other);
    link_b(hub, hub);
    row_item *items = husk_obj_items(row1);
    assert_int_equal(husk_obj_set(row1, &items[1].ref, hub), HUSK_OK);
    assert_int_equal(husk_obj_set(row1, &items[3].ref, hub), HUSK_OK);
    odd *oo = husk_obj_data(o);
    oo->mask = 6;
    assert_int_equal(husk_obj_set(o, &oo->refs[2], hub), HUSK_OK);
    link_b(tree, hub);
    huge *hh = husk_obj_data(big);
    assert_int_equal(husk_obj_set(big, &hh->last, hub), HUSK_OK);

    edges s = { .count = 0 };
    husk_obj_each_referent(hub, edge, &s);
    assert_int_equal(s.count, 2);
    assert_ptr_equal(s.seen[0].from, hub);
    assert_ptr_equal(s.seen[0].to, other);
    assert_string_equal(s.seen[0].name, "a");
    assert_ptr_equal(s.seen[1].to, hub);
    assert_string_equal(s.seen[1].name, "b");
    s.count = 0;
    husk_obj_each_referent(row1, edge, &s);
    assert_int_equal(s.count, 2);
    assert_string_equal(s.seen[0].name, "ref");
    assert_int_equal(s.seen[0].index, 1);
    assert_int_equal(s.seen[1].index, 3);

    s.count = 0;
    husk_obj_each_referrer(hub, edge, &s);
    assert_int_equal(s.count, 6);
    int from_row = 0, from_self = 0, from_odd = 0, from_tree = 0, from_big = 0;
    for (size_t i = 0; i < s.count; i++) {
        assert_ptr_equal(s.seen[i].to, hub);
        from_row += s.seen[i].from == row1;
        from_self += s.seen[i].from == hub;
        from_odd += s.seen[i].from == o;
        from_tree += s.seen[i].from == tree;
        from_big += s.seen[i].from == big;
    }
    assert_int_equal(from_row, 2);
    assert_int_equal(from_self, 1);
    assert_int_equal(from_odd, 1);
    assert_int_equal(from_tree, 1);
    assert_int_equal(from_big, 1);
    s.count = 0;
    s.stop_at = 3;
    husk_obj_each_referrer(hub, edge, &s);
    assert_int_equal(s.count, 3);
    /* Frozen ones are seen too. */
    husk_heap_freeze(heap);
    s.count = 0;
    s.stop_at = 0;
    husk_obj_each_referrer(hub, edge, &s);
    assert_int_equal(s.count, 6);
    husk_heap_unfreeze(heap);
    link_b(hub, NULL);
}

static void types_say_what_they_are(husk_heap *heap)
{
    (void)heap;
    assert_string_equal(husk_type_name(type_node), "node");
    assert_int_equal(husk_type_size(type_node), sizeof(node));
    assert_int_equal(husk_type_slot_count(type_node), 2);
    assert_string_equal(husk_type_slot_name(type_node, 0), "a");
    assert_string_equal(husk_type_slot_name(type_node, 1), "b");
    assert_null(husk_type_slot_name(type_node, 2));
    assert_true(husk_type_is_tracked(type_node));
    assert_true(husk_type_is_tracked(type_odd));
    assert_false(husk_type_is_tracked(type_leaf));
    assert_false(husk_type_is_tracked(type_tree));
    assert_true(husk_type_id(type_node) != husk_type_id(type_leaf));
}

/* Specs that contradict themselves are refused with a reason that names the type. */
static void bad_types_are_refused(husk_heap *heap)
{
    static const husk_slot outside[] = { { "late", HUSK_SLOT_REF, HUSK_IN_FIELD, 16, 0, 0, 0 } };
    static const husk_slot crooked[] = { { "odd", HUSK_SLOT_REF, HUSK_IN_FIELD, 3, 0, 0, 0 } };
    static const husk_slot kindless[] = { { "none", 9, HUSK_IN_FIELD, 0, 0, 0, 0 } };
    static const husk_slot placeless[] = { { "nowhere", HUSK_SLOT_REF, 7, 0, 0, 0, 0 } };
    static const husk_slot itemless[] = { { "item", HUSK_SLOT_REF, HUSK_IN_ITEM, 0, 0, 0, 0 } };
    static const husk_slot wide[] = { { "value", HUSK_SLOT_VALUE, HUSK_IN_FIELD, 8, 0, 0, 0 } };
    static const husk_slot stride[] = { { "element", HUSK_SLOT_REF, HUSK_IN_BUFFER, 0, 0, 8, 4 } };
    static const husk_slot count[] = { { "element", HUSK_SLOT_REF, HUSK_IN_BUFFER, 0, 0, 16, 8 } };
    static const struct {
        const husk_slot *slots;
        size_t slot_count;
    } bad[] = { { outside, 1 }, { crooked, 1 }, { kindless, 1 }, { placeless, 1 }, { itemless, 1 },
                { wide, 1 },    { stride, 1 },  { count, 1 },    { NULL, 1 } };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        husk_type_spec spec = { HUSK_TYPE_SPEC, .name = "strange", .size = 16, .slots = bad[i].slots,
                                .slot_count = bad[i].slot_count };
        const husk_type *type = NULL;
        husk_status status = husk_type_register(&spec, &type);
        if (status != HUSK_EINVAL)
            fail_msg("spec %zu: %s", i, husk_status_name(status));
        assert_null(type);
        assert_non_null(strstr(husk_message(), "strange"));
    }
    const husk_type *type = NULL;
    husk_type_spec spec = { HUSK_TYPE_SPEC, .name = NULL, .size = 16 };
    assert_int_equal(husk_type_register(&spec, &type), HUSK_EINVAL);
    static const husk_slot items[] = { { "item", HUSK_SLOT_REF, HUSK_IN_ITEM, 0, 0, 0, 0 } };
    spec = (husk_type_spec){ HUSK_TYPE_SPEC,  .name = "crooked items", .size = 16,
                             .item_size = 12, .slots = items,          .slot_count = 1 };
    assert_int_equal(husk_type_register(&spec, &type), HUSK_EINVAL);
    spec = (husk_type_spec){ HUSK_TYPE_SPEC, .name = "count outside", .size = 16, .item_size = 8,
                             .item_count_at = 16 };
    assert_int_equal(husk_type_register(&spec, &type), HUSK_EINVAL);
    spec = (husk_type_spec){ HUSK_TYPE_SPEC, .name = "too large", .size = SIZE_MAX / 2 };
    assert_int_equal(husk_type_register(&spec, &type), HUSK_ERANGE);
    spec = (husk_type_spec){ HUSK_TYPE_SPEC, .name = "too many", .size = 16, .slots = items,
                             .slot_count = 70000 };
    assert_int_equal(husk_type_register(&spec, &type), HUSK_ERANGE);
    spec = (husk_type_spec){ HUSK_TYPE_SPEC, .size = 16 };
    spec.name = "of another time";
    spec.struct_size = 4;
    assert_int_equal(husk_type_register(&spec, &type), HUSK_EINVAL);
    spec = (husk_type_spec){ HUSK_TYPE_SPEC, .name = "of another layout", .size = 16 };
    spec.abi = 99;
    assert_int_equal(husk_type_register(&spec, &type), HUSK_EINVAL);
    verify(heap);
}

static void status_names_and_texts(husk_heap *heap)
{
    (void)heap;
    assert_string_equal(husk_status_name(HUSK_ENOMEM), "HUSK_ENOMEM");
    assert_string_equal(husk_status_text(HUSK_ELIMIT), "the heap's max_bytes is reached");
    assert_string_equal(husk_status_name((husk_status)-999), "HUSK_UNKNOWN");
    assert_non_null(husk_status_text((husk_status)77));
    assert_string_equal(husk_version(), "0.1.0");
}

static void free_nothing(void *data)
{
    (void)data;
}

static size_t weaks_seen;
static const husk_obj *weaks_at[8];

static bool note_weak(husk_obj *obj, void *data)
{
    (void)data;
    weaks_at[weaks_seen++] = obj;
    return weaks_seen < 3;
}

static void weak_references(husk_heap *heap)
{
    HOLD obj = husk_obj_new(heap, type_node);
    TRY(obj);
    weaks_seen = 0;
    husk_obj_each_weak(obj, note_weak, NULL);
    assert_int_equal(weaks_seen, 0);
    static int number;
    HOLD_WEAK old = husk_weak_new(obj, NULL, &number, free_nothing);
    TRY(old);
    HOLD_WEAK shared = husk_weak_new(obj, NULL, NULL, NULL);
    TRY(shared);
    HOLD_WEAK young = husk_weak_new(obj, NULL, &number, free_nothing);
    TRY(young);
    HOLD_WEAK last = husk_weak_new(obj, NULL, &number, free_nothing);
    TRY(last);
    husk_obj_each_weak(obj, note_weak, NULL);
    assert_int_equal(weaks_seen, 3); /* it said no more */
    assert_ptr_equal(weaks_at[0], husk_weak_obj(shared));
    assert_ptr_equal(weaks_at[1], husk_weak_obj(last));
    assert_ptr_equal(weaks_at[2], husk_weak_obj(young));
}

STORIES(STORY(weak_references, 0), STORY(every_object_in_address_order, 0), STORY(referents_and_referrers, 0),
        STORY(types_say_what_they_are, 0), STORY(bad_types_are_refused, 0), STORY(status_names_and_texts, 0));
