/* tests/flow/ledger_model.c: random retains, releases and moves by random owners, against the rules of husk/ledger.h in
 * a few plain loops over an array. */
#include "random.h"
#include "story.h"
#include "types.h"

#include <husk/kinds.h>
#include <husk/ledger.h>
#include <stdio.h>
#include <string.h>

enum { THINGS = 5, HOLDERS = 6, REFS = 400, HANDS = 40 };
enum { BY_NOBODY, BY_NAME, BY_SLOT, BY_LIST };
enum { IN_F0, IN_F1, IN_F2, IN_TAKE, IN_SWAP, IN_NODE_NEW };

static const char *const function_names[] = { "f0", "f1", "f2", "by_take", "by_swap", "node_new" };
static const char *const names[] = { "cache", "index", "session" };

struct ref {
    int by;
    uintptr_t owner; /* number of the name, address of the holder */
    int field;       /* of the slot */
    int function;    /* nobody's: taken there */
};

struct thing {
    husk_obj *obj;
    struct ref refs[REFS]; /* oldest first */
    int count;
    int hands; /* references that are not in slots or lists */
    size_t before, unpaired;
};

static struct thing things[THINGS];
static husk_obj *holders[HOLDERS]; /* not in the ledger */
static husk_obj *list;
static int listed[THINGS]; /* how often it is in the list */
static int scope;          /* number of the pushed name + 1 */

/* ---- the rules ---- */

static void enter(struct thing *t, struct ref ref)
{
    assert_in_range(t->count, 0, REFS - 1);
    t->refs[t->count++] = ref;
}

static bool close_at(struct thing *t, int at)
{
    if (at < 0)
        return false;
    memmove(&t->refs[at], &t->refs[at + 1], (size_t)(t->count - at - 1) * sizeof t->refs[0]);
    t->count--;
    return true;
}

static bool same_owner(struct ref a, struct ref b)
{
    return a.by == b.by && a.owner == b.owner && a.field == b.field;
}

static int newest_of(const struct thing *t, struct ref owner)
{
    int at = t->count - 1;
    while (at >= 0 && !same_owner(t->refs[at], owner))
        at--;
    return at;
}

static int newest_of_nobody(const struct thing *t, int function)
{
    int at = t->count - 1;
    while (at >= 0 && (t->refs[at].by != BY_NOBODY || (function >= 0 && t->refs[at].function != function)))
        at--;
    return at;
}

static husk_obj **slot_of(husk_obj *holder, int field)
{
    return field ? &node_of(holder)->b : &node_of(holder)->a;
}

static bool is_stale(const struct thing *t, struct ref ref)
{
    if (ref.by == BY_LIST)
        return !listed[t - things];
    for (int h = 0; h < HOLDERS; h++)
        if (holders[h] && (uintptr_t)holders[h] == ref.owner)
            return *slot_of(holders[h], ref.field) != t->obj;
    return true;
}

static int newest_stale(const struct thing *t)
{
    int at = t->count - 1;
    while (at >= 0 && !(t->refs[at].by >= BY_SLOT && is_stale(t, t->refs[at])))
        at--;
    return at;
}

/* A release by this owner, made in this function: all functions are of one module. */
static void leave(struct thing *t, struct ref owner)
{
    if (owner.by != BY_NOBODY) {
        if (close_at(t, newest_of(t, owner)))
            return;
        if (owner.by != BY_NAME && close_at(t, newest_of_nobody(t, -1)))
            return;
    } else if (close_at(t, newest_of_nobody(t, owner.function)) || close_at(t, newest_of_nobody(t, -1))) {
        return;
    }
    if (t->before) {
        t->before--;
        return;
    }
    if (owner.by == BY_NOBODY && close_at(t, newest_stale(t)))
        return;
    t->unpaired++;
}

/* Who a plain call is by. */
static struct ref plain(const struct thing *t, int function, bool release)
{
    struct ref named = { BY_NAME, (uintptr_t)scope - 1, 0, 0 };
    if (scope && (!release || newest_of(t, named) >= 0))
        return named;
    return (struct ref){ BY_NOBODY, 0, 0, function };
}

static struct ref in_slot(husk_obj *holder, int field)
{
    return (struct ref){ BY_SLOT, (uintptr_t)holder, field, 0 };
}

/* ---- the calls ---- */

#define CALLER(name)                                                                                         \
    static __attribute__((noinline)) void name(husk_obj *obj, bool retain)                                   \
    {                                                                                                        \
        if (retain)                                                                                          \
            husk_obj_retain(obj);                                                                            \
        else                                                                                                 \
            husk_obj_release(obj);                                                                           \
        __asm__ volatile("# " #name ::: "memory"); /* no tail call, and not the same code as another */      \
    }
CALLER(f0)
CALLER(f1)
CALLER(f2)

static __attribute__((noinline)) void by_take(husk_obj *holder, husk_obj **slot, husk_obj *value)
{
    assert_int_equal(husk_obj_take(holder, slot, value), HUSK_OK);
    __asm__ volatile("# take" ::: "memory");
}

static __attribute__((noinline)) void by_swap(husk_obj *holder, husk_obj **slot, husk_obj **value)
{
    assert_int_equal(husk_obj_swap(holder, slot, value), HUSK_OK);
    __asm__ volatile("# swap" ::: "memory");
}

static struct thing *thing_of(const husk_obj *obj)
{
    for (int i = 0; i < THINGS; i++)
        if (things[i].obj == obj)
            return &things[i];
    return NULL;
}

static void with_hands(struct thing *t, random64 *random)
{
    static void (*const callers[])(husk_obj * obj, bool retain) = { f0, f1, f2 };
    int function = (int)random_below(random, 3), name = (int)random_below(random, 3);
    bool more = t->hands < 2 || (t->hands < HANDS && random_below(random, 2));
    struct ref named = { BY_NAME, (uintptr_t)name, 0, 0 };
    switch (random_below(random, 5)) {
    case 0:
    case 1:
        if (more)
            enter(t, plain(t, function, false));
        else
            leave(t, plain(t, function, true));
        callers[function](t->obj, more);
        break;
    case 2:
    case 3:
        if (more) {
            husk_ledger_retain(t->obj, names[name]);
            enter(t, named);
        } else {
            husk_ledger_release(t->obj, names[name]);
            leave(t, named);
        }
        break;
    default: {
        struct ref to = { BY_NAME, (uintptr_t)random_below(random, 3), 0, 0 };
        husk_ledger_give(t->obj, names[name], names[to.owner]);
        leave(t, named);
        enter(t, to);
        return;
    }
    }
    t->hands += more ? 1 : -1;
}

static void with_slot(husk_heap *heap, struct thing *t, random64 *random)
{
    husk_obj **holder = &holders[random_below(random, HOLDERS)];
    int field = (int)random_below(random, 2);
    if (!*holder) {
        *holder = node_new(heap, type_tree, 0);
        assert_non_null(*holder);
    }
    husk_obj **slot = slot_of(*holder, field);
    struct thing *old = *slot ? thing_of(*slot) : NULL;
    struct ref owner = in_slot(*holder, field);
    switch (random_below(random, 6)) {
    case 0: /* set */
        assert_int_equal(husk_obj_set(*holder, slot, random_below(random, 4) ? t->obj : NULL), HUSK_OK);
        if (*slot)
            enter(t, owner);
        if (old)
            leave(old, owner);
        return;
    case 1: /* take */
        if (t->hands < 2)
            return;
        leave(t, plain(t, IN_TAKE, true));
        enter(t, owner);
        t->hands--;
        by_take(*holder, slot, t->obj);
        if (old)
            leave(old, owner);
        return;
    case 2: { /* swap */
        if (t->hands < 2)
            return;
        husk_obj *value = t->obj;
        if (old) {
            leave(old, owner);
            enter(old, plain(old, IN_SWAP, false));
            old->hands++;
        }
        leave(t, plain(t, IN_SWAP, true));
        enter(t, owner);
        t->hands--;
        by_swap(*holder, slot, &value);
        return;
    }
    case 3: /* out by a plain store */
        if (old && old->hands < HANDS) {
            *slot = NULL;
            old->hands++;
        }
        return;
    case 4: /* in by a plain store */
        if (!old && t->hands > 1) {
            *slot = t->obj;
            t->hands--;
        }
        return;
    default: { /* the holder dies */
        husk_obj *a = node_of(*holder)->a, *b = node_of(*holder)->b;
        struct ref owner_a = in_slot(*holder, 0), owner_b = in_slot(*holder, 1);
        husk_obj_drop(holder);
        if (a)
            leave(thing_of(a), owner_a);
        if (b)
            leave(thing_of(b), owner_b);
    }
    }
}

static void with_list(struct thing *t, random64 *random)
{
    struct ref owner = { BY_LIST, 0, 0, 0 };
    if (husk_list_count(list) < 12 && random_below(random, 2)) {
        assert_int_equal(husk_list_append(list, husk_ref(t->obj)), HUSK_OK);
        listed[t - things]++;
        enter(t, owner);
    } else if (husk_list_count(list)) {
        size_t at = random_below(random, (uint32_t)husk_list_count(list));
        husk_value out;
        assert_int_equal(husk_list_peek(list, at, &out), HUSK_OK);
        struct thing *old = thing_of(out.as.o);
        assert_int_equal(husk_list_remove(list, at, NULL), HUSK_OK);
        listed[old - things]--;
        leave(old, owner);
    }
}

static void with_scope(husk_heap *heap, random64 *random)
{
    if (scope) {
        assert_int_equal(husk_ledger_pop(heap), HUSK_OK);
        scope = 0;
    } else {
        scope = 1 + (int)random_below(random, 3);
        assert_int_equal(husk_ledger_push(heap, names[scope - 1]), HUSK_OK);
    }
}

/* ---- comparing ---- */

struct label {
    char text[64];
};

static struct label label_of(const struct thing *t, struct ref ref)
{
    struct label label;
    const char *gone = ref.by >= BY_SLOT && is_stale(t, ref) ? " gone" : "";
    if (ref.by == BY_NOBODY)
        snprintf(label.text, sizeof label.text, "nobody in %s", function_names[ref.function]);
    else if (ref.by == BY_NAME)
        snprintf(label.text, sizeof label.text, "name %s", names[ref.owner]);
    else if (ref.by == BY_LIST)
        snprintf(label.text, sizeof label.text, "list %s", gone);
    else
        snprintf(label.text, sizeof label.text, "field %s%s", ref.field ? "b" : "a", gone);
    return label;
}

static struct label label_of_row(const husk_ledger_list *rows, size_t at, const husk_ledger_entry *line)
{
    struct label label;
    const char *gone = line->gone ? " gone" : "";
    husk_place_frame frame = { "", "", 0, 0 };
    (void)husk_ledger_list_frame(rows, at, 0, &frame);
    if (line->owner == HUSK_LEDGER_NOBODY)
        snprintf(label.text, sizeof label.text, "nobody in %s", frame.function);
    else if (line->owner == HUSK_LEDGER_NAMED)
        snprintf(label.text, sizeof label.text, "name %s", line->name);
    else if (!*line->name)
        snprintf(label.text, sizeof label.text, "list %s", gone);
    else
        snprintf(label.text, sizeof label.text, "field %s%s", line->name, gone);
    return label;
}

static void compare(const struct thing *t, uint64_t seed, int step)
{
    husk_ledger_book book;
    husk_ledger_list *rows;
    assert_true(husk_ledger_book_get(t->obj, &book));
    assert_int_equal(husk_ledger_of(t->obj, HUSK_LEDGER_HELD, &rows), HUSK_OK);
    int seen = 0;
    for (size_t i = 0; i < husk_ledger_list_count(rows); i++) {
        husk_ledger_entry line;
        assert_true(husk_ledger_list_get(rows, i, &line));
        seen += (int)line.count;
    }
    if (seen != t->count || book.unpaired != t->unpaired || book.before != t->before)
        fail_msg("seed %llu, step %d: %d entries, %zu before, %zu unpaired, not %d, %zu, %zu",
                 (unsigned long long)seed, step, seen, book.before, book.unpaired, t->count, t->before,
                 t->unpaired);
    /* Rows of one label are several where stacks differ. */
    for (int r = 0; r < t->count; r++) {
        struct label wanted = label_of(t, t->refs[r]);
        int model = 0, real = 0;
        for (int k = 0; k < t->count; k++)
            model += strcmp(label_of(t, t->refs[k]).text, wanted.text) == 0;
        for (size_t i = 0; i < husk_ledger_list_count(rows); i++) {
            husk_ledger_entry line;
            assert_true(husk_ledger_list_get(rows, i, &line));
            if (strcmp(label_of_row(rows, i, &line).text, wanted.text) == 0)
                real += (int)line.count;
        }
        if (model != real)
            fail_msg("seed %llu, step %d: %d entries \"%s\", not %d", (unsigned long long)seed, step, real,
                     wanted.text, model);
    }
    husk_ledger_list_free(rows);
}

static void begin(husk_heap *heap, struct thing *t, bool before)
{
    *t = (struct thing){ .obj = node_new(heap, type_node, 0), .hands = 1 };
    assert_non_null(t->obj);
    if (before)
        t->before = 1;
    else
        enter(t, plain(t, IN_NODE_NEW, false));
}

static void run(husk_heap *heap, uint64_t seed, int steps)
{
    random64 random = random_from(seed);
    scope = 0;
    memset(listed, 0, sizeof listed);
    list = husk_list_new(heap);
    assert_non_null(list);
    begin(heap, &things[0], true);
    husk_ledger_options options = { HUSK_LEDGER_OPTIONS, .types = &type_node, .type_count = 1 };
    assert_int_equal(husk_ledger_start(heap, &options), HUSK_OK);
    for (int i = 1; i < THINGS; i++)
        begin(heap, &things[i], false);
    for (int step = 0; step < steps; step++) {
        struct thing *t = &things[random_below(&random, THINGS)];
        switch (random_below(&random, 16)) {
        case 0:
            with_scope(heap, &random);
            break;
        case 1:
        case 2:
        case 3:
            with_list(t, &random);
            break;
        case 4:
        case 5:
        case 6:
        case 7:
        case 8:
            with_slot(heap, t, &random);
            break;
        default:
            with_hands(t, &random);
            break;
        }
        if (step % 32 == 0)
            compare(t, seed, step);
        if (step % 256 == 0)
            verify(heap);
    }
    for (int i = 0; i < THINGS; i++)
        compare(&things[i], seed, steps);
    verify(heap);
    if (seed % 2)
        husk_ledger_stop(heap);
    for (int h = 0; h < HOLDERS; h++)
        husk_obj_drop(&holders[h]);
    husk_obj_drop(&list);
    for (int i = 0; i < THINGS; i++)
        for (; things[i].hands; things[i].hands--)
            husk_obj_release(things[i].obj);
    verify(heap);
    husk_ledger_stop(heap);
}

static void random_owners(husk_heap *heap)
{
    size_t runs = story_size(12, 2);
    for (uint64_t seed = 1; seed <= runs; seed++)
        run(heap, seed, (int)story_size(3000, 300));
}

STORIES(STORY(random_owners, STORY_NO_FAULT));
