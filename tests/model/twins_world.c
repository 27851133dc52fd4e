/* tests/model/twins_world.c: what is reached, and what is there, in both heaps. See twins_parts.h. */
#include "twins_parts.h"

#include <stdio.h>
#include <stdlib.h>

known twins_all[MOST];
int twins_born, twins_maps[MOST / 8], twins_map_count, twins_roots[ROOTS];
husk_heap *twins_heap[2];
const husk_type *twins_types[SORTS];
long *twins_current;

_Noreturn void twins_fail(const char *what, long a, long b)
{
    fprintf(stderr, "model: %s: %ld, %ld (operation %ld)\n", what, a, b, *twins_current);
    abort();
}

husk_obj **twins_place(int n, int slot, int twin)
{
    return &((body *)husk_obj_data(twins_all[n].obj[twin]))->ref[slot];
}

static void on_finalize(husk_obj *self)
{
    known *k = &twins_all[((body *)husk_obj_data(self))->number];
    int twin = husk_obj_heap(self) == twins_heap[1];
    if ((k->obj[twin] && k->obj[twin] != self) ||
        k->finalized[twin]) /* NULL: a walk does not show the dying */
        twins_fail("finalized twice, or long gone", (long)(k - twins_all), twin);
    k->finalized[twin] = true;
    husk_obj *const *refs = ((body *)husk_obj_data(self))->ref;
    for (int i = 0; i < SLOTS; i++) /* all that it refers to is whole */
        if (refs[i] && husk_obj_strong_count(refs[i]) == 0)
            twins_fail("a finalizer sees what has died", (long)(k - twins_all), i);
}

void twins_setup(void)
{
    static const husk_slot slots[] = {
        { "refs", HUSK_SLOT_REF, HUSK_IN_FIELD, offsetof(body, ref), 0, 0, 0 },
        { "refs", HUSK_SLOT_REF, HUSK_IN_FIELD, offsetof(body, ref) + 8, 0, 0, 0 },
        { "refs", HUSK_SLOT_REF, HUSK_IN_FIELD, offsetof(body, ref) + 16, 0, 0, 0 }
    };
    static const size_t sizes[MAP] = {
        [PLAIN] = sizeof(body), [FINAL] = sizeof(body), [ROWS] = sizeof(rows), [WIDE] = 3000,
        [VAST] = 200000,        [HUGE] = 3u << 20,      [LEAF] = 24,
    };
    static const char *const names[MAP] = { "twin-plain", "twin-final", "twin-rows", "twin-wide",
                                            "twin-vast",  "twin-huge",  "twin-leaf" };
    if (twins_types[LEAF])
        return;
    for (int i = 0; i < MAP; i++) {
        husk_type_spec spec = { HUSK_TYPE_SPEC, .name = names[i], .size = sizes[i], .slots = slots,
                                .slot_count = SLOTS };
        if (i == LEAF)
            spec.slots = NULL, spec.slot_count = 0;
        if (i == FINAL)
            spec.finalize = on_finalize;
        if (i == ROWS)
            spec.item_size = 24, spec.item_count_at = offsetof(rows, count);
        if (husk_type_register(&spec, &twins_types[i]) != HUSK_OK)
            twins_fail(husk_message(), i, 0);
    }
}

/* ---- what is reached: slow and obvious ---- */

static int todo[MOST], todo_count;

static void reach(int n)
{
    if (n && !twins_all[n].reached) {
        twins_all[n].reached = true;
        todo[todo_count++] = n;
    }
}

static bool reach_entries(void)
{
    bool news = false;
    for (int n = 1; n <= twins_born; n++)
        for (int i = 0; twins_all[n].reached && i < twins_all[n].entries; i++) {
            entry *e = &twins_all[n].entry[i];
            if (e->counted || !twins_all[e->map].reached)
                continue;
            e->counted = news = true;
            reach(e->value);
        }
    return news;
}

void twins_search(void)
{
    for (int n = 1; n <= twins_born; n++) {
        twins_all[n].reached = false;
        for (int i = 0; i < twins_all[n].entries; i++)
            twins_all[n].entry[i].counted = false;
    }
    for (int i = 0; i < ROOTS; i++)
        reach(twins_roots[i]);
    do {
        while (todo_count) {
            const known *k = &twins_all[todo[--todo_count]];
            for (int i = 0; i < SLOTS; i++)
                reach(k->slot[i]);
        }
    } while (reach_entries());
}

static int number_of(const husk_obj *obj, int twin)
{
    if (husk_obj_kind(obj) != HUSK_KIND_WEAKKEYMAP)
        return (int)((const body *)husk_obj_data((husk_obj *)(uintptr_t)obj))->number;
    for (int i = twins_map_count; i-- > 0;)
        if (twins_all[twins_maps[i]].obj[twin] == obj)
            return twins_maps[i];
    return 0;
}

static bool show(husk_obj *obj, void *data)
{
    int twin = *(int *)data;
    if (husk_obj_kind(obj) == HUSK_KIND_WEAK)
        return true;
    int n = number_of(obj, twin);
    if (n <= 0 || n > twins_born || twins_all[n].obj[twin] != obj || twins_all[n].present[twin])
        twins_fail("a walk shows an unknown object, or one twice", n, twin);
    twins_all[n].present[twin] = true;
    return true;
}

/* Nothing that is reached has died. exact: and nothing else is there. */
long twins_look(int twin, bool exact)
{
    long garbage = 0;
    for (int n = 1; n <= twins_born; n++)
        twins_all[n].present[twin] = false;
    husk_heap_each(twins_heap[twin], show, &twin);
    for (int n = 1; n <= twins_born; n++) {
        known *k = &twins_all[n];
        if (!k->present[twin]) {
            if (k->reached)
                twins_fail("a reachable object is gone", n, twin);
            k->obj[twin] = NULL;
            continue;
        }
        if (k->reached)
            for (int i = 0; i < SLOTS && k->sort < LEAF; i++)
                if (*twins_place(n, i, twin) != (k->slot[i] ? twins_all[k->slot[i]].obj[twin] : NULL))
                    twins_fail("a slot has changed", n, i);
        for (int i = 0; k->reached && i < k->entries; i++) {
            husk_value value;
            const entry *e = &k->entry[i];
            if (twins_all[e->map].reached &&
                (husk_weakkeymap_peek(twins_all[e->map].obj[twin], k->obj[twin], &value) != HUSK_OK ||
                 value.as.o != twins_all[e->value].obj[twin]))
                twins_fail("an entry is gone, or another", n, e->map);
        }
        garbage += !k->reached;
    }
    if (exact && garbage)
        twins_fail("garbage is left", garbage, twin);
    return garbage;
}

void twins_verify(int twin)
{
    if (husk_heap_verify(twins_heap[twin]) != HUSK_OK) {
        fprintf(stderr, "verify: %s\n", husk_heap_message(twins_heap[twin]));
        twins_fail("the heap does not verify", twin, 0);
    }
}

void twins_collect(int twin)
{
    for (int i = 0; i < 3; i++) /* finalizers come first, once */
        if (husk_heap_collect(twins_heap[twin], NULL) != HUSK_OK)
            twins_fail(husk_heap_message(twins_heap[twin]), twin, i);
    twins_search();
    twins_look(twin, true);
}
