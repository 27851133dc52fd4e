/* tests/unit/bridge.c: random graphs over a heap and a make-believe host with a mark and sweep collector, against
 * plain reachability: what cannot be reached dies on both sides, what can be reached does not.
 *
 * The host has values, which refer to values and to proxies; objects refer to objects, and through boxes to
 * values; a weak-key map, held from outside or by a proxy, has entries. A round is what bindings do: collect,
 * enter, collect the host, leave, collect. */
#include "fixture.h"
#include "random.h"
#include "types.h"

enum { MOST = 12, EDGES = 3 };

typedef struct value {
    bool alive, root, marked;
    int values[EDGES], proxies[EDGES]; /* -1: none */
    int box;                           /* the object that is a box of this value, or -1 */
    bool lent;                         /* owned by a relay for now */
} value;

typedef struct object {
    husk_obj *obj; /* for comparison; NULL: never made */
    husk_weak *weak;
    bool held; /* a reference of the C program's */
    bool proxy, proxy_root, proxy_marked;
    int box_of;       /* the value, or -1 */
    int a, b;         /* slots, -1: none */
    bool live;        /* the oracle's answer */
    size_t relay_tip; /* of its proxy */
} object;

typedef struct entry {
    int key, value;
} entry;

static value values[MOST];
static object objects[MOST];
static entry entries[MOST];
static int value_count, object_count, entry_count, map_at; /* map_at: which object is the map, or -1 */
static husk_heap *heap;
static size_t emptied;

/* A box's value dies with the box: the host has one reference fewer. */
static void value_free(void *data)
{
    value *v = data;
    if (!v)
        return;
    v->box = -1;
    v->lent = false;
    emptied++;
}

static void leave(void *data)
{
    (void)data;
    husk_bridge_leave(heap);
}

/* ---- building ---- */

static int pick(random64 *r, int count)
{
    return random_below(r, 3) ? (int)random_below(r, (uint32_t)count) : -1;
}

static void build(random64 *r)
{
    memset(values, 0, sizeof values);
    memset(objects, 0, sizeof objects);
    value_count = 2 + (int)random_below(r, MOST - 2);
    object_count = 2 + (int)random_below(r, MOST - 2);
    entry_count = 0;
    map_at = random_below(r, 2) ? 0 : -1;
    for (int i = 0; i < value_count; i++) {
        value *v = &values[i];
        v->alive = true;
        v->root = random_below(r, 8) == 0;
        v->box = -1;
        for (int e = 0; e < EDGES; e++) {
            v->values[e] = random_below(r, 3) ? -1 : pick(r, value_count);
            v->proxies[e] = random_below(r, 2) ? -1 : pick(r, object_count);
        }
    }
    for (int i = 0; i < object_count; i++) {
        object *o = &objects[i];
        o->a = o->b = o->box_of = -1;
        if (i == map_at)
            continue;
        int boxed = random_below(r, 3) ? -1 : (int)random_below(r, (uint32_t)value_count);
        if (boxed >= 0 && values[boxed].box < 0) {
            o->box_of = boxed;
            values[boxed].box = i;
        } else {
            o->a = pick(r, object_count);
            o->b = pick(r, object_count);
        }
    }
    for (int i = 0; i < object_count; i++) {
        object *o = &objects[i];
        if (i == map_at)
            o->obj = husk_weakkeymap_new(heap);
        else if (o->box_of >= 0)
            o->obj = husk_box_new(heap, &values[o->box_of], value_free);
        else
            o->obj = node_new(heap, type_node, i);
        assert_non_null(o->obj);
        o->weak = husk_weak_new(o->obj, NULL, NULL, NULL);
        assert_non_null(o->weak);
        o->proxy = random_below(r, 2);
        o->proxy_root = o->proxy && random_below(r, 8) == 0;
        o->held = random_below(r, 10) == 0;
    }
    for (int i = 0; i < object_count; i++) {
        if (objects[i].a >= 0)
            link_a(objects[i].obj, objects[objects[i].a].obj);
        if (objects[i].b >= 0)
            link_b(objects[i].obj, objects[objects[i].b].obj);
    }
    if (map_at >= 0) {
        entry_count = (int)random_below(r, 6);
        objects[map_at].held |= random_below(r, 2) != 0;
        for (int i = 0; i < entry_count; i++) {
            entries[i] = (entry){ (int)random_below(r, (uint32_t)object_count),
                                  (int)random_below(r, (uint32_t)object_count) };
            for (int k = 0; k < i; k++)
                if (entries[k].key == entries[i].key)
                    entries[k].value = entries[i].value; /* replaced: both say the same */
            assert_int_equal(husk_weakkeymap_set(objects[map_at].obj, objects[entries[i].key].obj,
                                                 husk_ref(objects[entries[i].value].obj)),
                             HUSK_OK);
        }
    }
    /* Proxies of objects that no value refers to are roots or garbage of their own; all have a reference. */
    for (int i = 0; i < value_count; i++)
        for (int e = 0; e < EDGES; e++)
            if (values[i].proxies[e] >= 0)
                objects[values[i].proxies[e]].proxy = true;
    for (int i = 0; i < object_count; i++) {
        object *o = &objects[i];
        if (o->proxy)
            husk_obj_retain(o->obj);
        if (!o->held)
            husk_obj_release(o->obj);
    }
}

/* ---- the oracle ---- */

static bool oracle_object(int i);

static bool oracle_value(int i)
{
    value *v = &values[i];
    if (v->marked || !v->alive)
        return false;
    v->marked = true;
    for (int e = 0; e < EDGES; e++) {
        if (v->values[e] >= 0)
            (void)oracle_value(v->values[e]);
        if (v->proxies[e] >= 0)
            (void)oracle_object(v->proxies[e]);
    }
    return true;
}

static bool oracle_object(int i)
{
    object *o = &objects[i];
    if (o->live)
        return false;
    o->live = true;
    if (o->a >= 0)
        (void)oracle_object(o->a);
    if (o->b >= 0)
        (void)oracle_object(o->b);
    if (o->box_of >= 0)
        (void)oracle_value(o->box_of);
    return true;
}

/* What a proxy or the program holds, and what that reaches; ephemerons until nothing changes. With `generous` an
 * entry leads from its key alone if the map is held by no more than host references: the limit that
 * husk/bridge.h states. */
static void oracle(bool generous)
{
    for (int i = 0; i < value_count; i++)
        values[i].marked = false;
    for (int i = 0; i < object_count; i++)
        objects[i].live = false;
    for (int i = 0; i < value_count; i++)
        if (values[i].root)
            (void)oracle_value(i);
    for (int i = 0; i < object_count; i++)
        if (objects[i].held || objects[i].proxy_root)
            (void)oracle_object(i);
    bool changed = true;
    while (changed) {
        changed = false;
        for (int i = 0; i < entry_count; i++)
            if (objects[entries[i].key].live && (generous || objects[map_at].live))
                changed |= oracle_object(entries[i].value);
    }
}

/* ---- the host's collector ---- */

static const husk_bridge *bridge;
static bool relay_marked[4 * MOST];

static void host_proxy(int i);
static void host_value(int i)
{
    value *v = &values[i];
    if (v->marked)
        return;
    v->marked = true;
    for (int e = 0; e < EDGES; e++) {
        if (v->values[e] >= 0)
            host_value(v->values[e]);
        if (v->proxies[e] >= 0)
            host_proxy(v->proxies[e]);
    }
}

static void host_relay(size_t r)
{
    if (relay_marked[r])
        return;
    relay_marked[r] = true;
    for (size_t i = bridge->own_at[r]; i < bridge->own_at[r + 1]; i++)
        host_value((int)((value *)husk_box_value(bridge->own[i]) - values));
    for (size_t i = bridge->kid_at[r]; i < bridge->kid_at[r + 1]; i++) {
        assert_true(bridge->kid[i] < r);
        host_relay(bridge->kid[i]);
    }
}

static void host_proxy(int i)
{
    object *o = &objects[i];
    if (!o->proxy || o->proxy_marked)
        return;
    o->proxy_marked = true;
    if (bridge && o->relay_tip != HUSK_NO_RELAY)
        host_relay(o->relay_tip);
}

/* Returns how many values and proxies died. */
static size_t collect_host(void)
{
    size_t dead = 0;
    memset(relay_marked, 0, sizeof relay_marked);
    for (int i = 0; i < value_count; i++)
        values[i].marked = false;
    for (int i = 0; i < object_count; i++)
        objects[i].proxy_marked = false;
    for (int i = 0; i < value_count; i++)
        if (values[i].alive && (values[i].root || (values[i].box >= 0 && !values[i].lent)))
            host_value(i);
    for (int i = 0; i < object_count; i++)
        if (objects[i].proxy_root)
            host_proxy(i);
    if (bridge)
        for (size_t r = 0; r < bridge->relays; r++)
            for (size_t i = bridge->own_at[r]; i < bridge->own_at[r + 1] && !relay_marked[r]; i++) {
                value *v = husk_box_swap(bridge->own[i], NULL);
                v->box = -1;
            }
    for (int i = 0; i < value_count; i++)
        if (values[i].alive && !values[i].marked) {
            assert_int_equal(values[i].box, -1);
            values[i].alive = false;
            dead++;
        }
    for (int i = 0; i < object_count; i++) {
        object *o = &objects[i];
        if (!o->proxy || o->proxy_marked)
            continue;
        o->proxy = false;
        husk_obj_release(o->obj);
        dead++;
    }
    return dead;
}

static size_t round_of(void)
{
    husk_obj *proxied[MOST];
    int whose[MOST];
    size_t count = 0, dead = collect(heap);
    for (int i = 0; i < object_count; i++)
        if (objects[i].proxy) {
            proxied[count] = objects[i].obj;
            whose[count++] = i;
        }
    husk_bridge_spec spec = { HUSK_BRIDGE_SPEC, .proxied = proxied, .count = count, .value_free = value_free,
                              .leave = leave };
    assert_int_equal(husk_bridge_enter(heap, &spec, &bridge), HUSK_OK);
    assert_true((bridge != NULL) == husk_heap_is_bridged(heap));
    if (bridge) {
        assert_int_equal(husk_heap_collect(heap, NULL), HUSK_EBUSY);
        for (size_t i = 0; i < count; i++)
            objects[whose[i]].relay_tip = bridge->tip[i];
        for (size_t i = 0; i < bridge->own_at[bridge->relays]; i++)
            ((value *)husk_box_value(bridge->own[i]))->lent = true;
    }
    dead += collect_host();
    if (bridge) {
        for (int i = 0; i < value_count; i++)
            values[i].lent = false;
        husk_heap_unbridge(heap);
        bridge = NULL;
    }
    assert_false(husk_heap_is_bridged(heap));
    return dead + collect(heap);
}

/* ---- the test ---- */

static size_t graphs, died, lived, generous;

static void run(uint64_t seed)
{
    random64 r = random_from(seed);
    build(&r);
    oracle(false);
    bool live[MOST], mark[MOST];
    for (int i = 0; i < object_count; i++)
        live[i] = objects[i].live;
    for (int i = 0; i < value_count; i++)
        mark[i] = values[i].marked;
    int rounds = 0;
    while (round_of())
        assert_true(++rounds < 30);
    bool map_is_held = map_at >= 0 && live[map_at];
    oracle(map_at >= 0 && !map_is_held); /* what may be kept besides */
    bool exact = true;
    for (int i = 0; i < object_count; i++) {
        bool there = husk_weak_state_get(objects[i].weak) == HUSK_ALIVE;
        if (live[i] && !there)
            fail_msg("seed %llu: object %d was live and is gone", (unsigned long long)seed, i);
        exact &= live[i] == there;
        if (there && !objects[i].live)
            fail_msg("seed %llu: object %d is dead and still there", (unsigned long long)seed, i);
        died += !there;
        lived += there;
    }
    for (int i = 0; i < value_count; i++) {
        if (mark[i] && !values[i].alive)
            fail_msg("seed %llu: value %d was live and is gone", (unsigned long long)seed, i);
        exact &= mark[i] == values[i].alive;
    }
    generous += !exact;
    graphs++;
    verify(heap);
    /* Everything lets go. */
    for (int i = 0; i < object_count; i++) {
        husk_weak_release(objects[i].weak);
        if (objects[i].proxy)
            husk_obj_release(objects[i].obj);
        if (objects[i].held)
            husk_obj_release(objects[i].obj);
    }
    collect(heap);
}

#if defined(__SANITIZE_THREAD__)
enum { SEEDS = 1500 };
#else
enum { SEEDS = 10000 };
#endif

static void test_random_graphs(void **state)
{
    heap = *state;
    graphs = died = lived = generous = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        run(seed);
        assert_int_equal(objects_of(heap), 0);
    }
    assert_true(died > 2 * SEEDS);
    assert_true(lived > SEEDS / 2);
    assert_true(generous < graphs / 20);
}

/* A chain of objects with a value at its end is one relay; with a value at each link, one for each. */
static void test_chain(void **state)
{
    heap = *state;
    enum { LINKS = 2000 };
    static husk_obj *proxied[LINKS];
    static value all[LINKS];
    for (int every = 0; every < 2; every++) {
        HOLD next = NULL;
        for (int i = LINKS - 1; i >= 0; i--) {
            HOLD link = node_new(heap, type_node, i);
            assert_non_null(link);
            if (next)
                link_a(link, next);
            if (every || i == LINKS - 1) {
                HOLD box = husk_box_new(heap, &all[i], value_free);
                assert_non_null(box);
                link_b(link, box);
            }
            proxied[i] = link;
            if (next)
                husk_obj_drop(&next);
            next = link;
            link = NULL;
        }
        for (int i = 1; i < LINKS; i++)
            husk_obj_retain(proxied[i]); /* the first has the one of `next` */
        husk_bridge_spec spec = { HUSK_BRIDGE_SPEC, .proxied = proxied, .count = LINKS,
                                  .value_free = value_free, .leave = leave };
        const husk_bridge *b;
        assert_int_equal(husk_bridge_enter(heap, &spec, &b), HUSK_OK);
        assert_int_equal(b->relays, every ? 2 * LINKS - 1 : 1); /* a box alone is one too */
        assert_int_equal(b->own_at[b->relays], every ? LINKS : 1);
        husk_bridge_leave(heap);
        for (int i = 1; i < LINKS; i++)
            husk_obj_release(proxied[i]);
        next = proxied[0];
        husk_obj_drop(&next);
        assert_int_equal(objects_of(heap), 0);
    }
}

/* Releases of a bridged heap end nothing until it is left; a refusal of memory enters nothing. */
static void test_states(void **state)
{
    heap = *state;
    value one = { .box = 0 };
    HOLD one_node = node_new(heap, type_hooked, 1);
    HOLD box = husk_box_new(heap, &one, value_free);
    assert_non_null(one_node);
    assert_non_null(box);
    link_a(one_node, box);
    husk_obj_drop(&box);
    husk_obj *proxied[1] = { one_node };
    husk_bridge_spec spec = { HUSK_BRIDGE_SPEC, .proxied = proxied, .count = 1, .value_free = value_free,
                              .leave = leave };
    const husk_bridge *b;
    size_t refused = 0;
    for (uint64_t nth = 1;; nth++) {
        husk_memory_fail(nth, true);
        husk_status status = husk_bridge_enter(heap, &spec, &b);
        husk_memory_fail(0, false);
        if (status == HUSK_OK)
            break;
        assert_int_equal(status, HUSK_ENOMEM);
        assert_null(b);
        assert_false(husk_heap_is_bridged(heap));
        refused++;
        verify(heap);
    }
    assert_true(refused > 5);
    assert_int_equal(husk_heap_verify(heap), HUSK_EBUSY);
    const husk_bridge *second;
    assert_int_equal(husk_bridge_enter(heap, &spec, &second), HUSK_EBUSY);
    tally_reset();
    emptied = 0;
    husk_obj *released = one_node;
    one_node = NULL;
    husk_obj_release(released);
    assert_int_equal(tally.finalized, 0);
    assert_int_equal(emptied, 0);
    husk_heap_unbridge(heap);
    assert_int_equal(tally.finalized, 1);
    assert_int_equal(emptied, 1);
    husk_heap_unbridge(heap);
    husk_bridge_leave(heap); /* without effect */

    /* A proxy that owns no reference is a damaged heap, and nothing is entered. */
    HOLD bare = node_new(heap, type_node, 1);
    assert_non_null(bare);
    husk_obj *twice[2] = { bare, bare };
    spec.proxied = twice;
    spec.count = 2;
    assert_int_equal(husk_bridge_enter(heap, &spec, &b), HUSK_ECORRUPT);
    report_take(HUSK_ECORRUPT, 1);
    spec.struct_size = 1;
    assert_int_equal(husk_bridge_enter(heap, &spec, &b), HUSK_EINVAL);
}

int main(void)
{
    types_setup();
    const struct CMUnitTest tests[] = {
        HEAP_TEST(test_random_graphs),
        HEAP_TEST(test_chain),
        HEAP_TEST(test_states),
    };
    return RUN_ROUNDS("bridge", tests);
}
