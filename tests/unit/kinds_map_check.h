/* tests/unit/kinds_map_check.h: what the tests of maps share: short ways to use one, and the invariants of its table. */
#ifndef TESTS_KINDS_MAP_CHECK_H
#define TESTS_KINDS_MAP_CHECK_H

#include "kinds_check.h"

#include "kinds/kind.h"
#include "kinds/map.h"

static inline husk_obj *map_of(husk_heap *heap)
{
    husk_obj *map = husk_map_new(heap);
    assert_non_null(map);
    return map;
}

static inline void set_int(husk_obj *map, int64_t key, int64_t value)
{
    assert_int_equal(husk_map_set(map, husk_int(key), husk_int(value)), HUSK_OK);
}

static inline int64_t int_at(const husk_obj *map, int64_t key)
{
    husk_value v;
    assert_int_equal(husk_map_peek(map, husk_int(key), &v), HUSK_OK);
    assert_int_equal(v.tag, HUSK_INT);
    return v.as.i;
}

static inline bool has(const husk_obj *map, husk_value key)
{
    husk_value v;
    husk_status status = husk_map_peek(map, key, &v);
    assert_true(status == HUSK_OK || status == HUSK_EMISSING);
    return status == HUSK_OK;
}

static inline husk__entry *entries_of(const husk__map *m)
{
    return m->table.rows;
}

/* The invariants of table.h, from outside its code. */
static inline void check_inside(const husk_obj *obj)
{
    const husk__map *m = husk_obj_data(obj);
    size_t live = 0;
    assert_true(m->table.used <= m->table.capacity && m->table.capacity <= m->table.slots / 4 * 3);
    assert_true((m->table.slots & (m->table.slots - 1)) == 0);
    if (m->table.count == 0) {
        assert_int_equal(m->table.used, 0);
        assert_int_equal(m->table.first, 0);
    } else {
        assert_int_not_equal(entries_of(m)[m->table.used - 1].key.tag, HUSK_NIL);
        assert_int_not_equal(entries_of(m)[m->table.first].key.tag, HUSK_NIL);
    }
    for (size_t i = 0; i < m->table.used; i++) {
        const husk__entry *e = &entries_of(m)[i];
        assert_true((uint32_t)(m->table.born - e->row.order) >= 1);
        if (i)
            assert_true((uint32_t)(m->table.born - e->row.order) <
                        (uint32_t)(m->table.born - e[-1].row.order));
        if (e->key.tag == HUSK_NIL) {
            assert_int_equal(e->row.hash, 0);
            assert_int_equal(e->value.tag, HUSK_NIL);
            continue;
        }
        assert_true(i >= m->table.first);
        live++;
        size_t at = e->row.hash & (m->table.slots - 1);
        while (m->table.index[at] && (m->table.index[at] & (m->table.slots - 1)) != i + 1)
            at = (at + 1) & (m->table.slots - 1);
        assert_true(m->table.index[at] != 0);
        assert_int_equal((m->table.index[at] ^ e->row.hash) & ~(uint32_t)(m->table.slots - 1), 0);
    }
    assert_int_equal(live, m->table.count);
    size_t filled = 0;
    for (size_t i = 0; i < m->table.slots; i++)
        filled += m->table.index[i] != 0;
    assert_int_equal(filled, live);
}

#endif
