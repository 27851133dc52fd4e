/* kinds/table.h: rows in the order of insertion, and an open table of their numbers: what maps and weak containers
 * are made of.
 *
 * The layout is that of Raymond Hettinger's compact dictionary (Python 3.6): dense rows for order and iteration,
 * a sparse table of small numbers for search. Removal leaves a hole in the rows, closed when room is wanted,
 * and none in the table (Knuth, The Art of Computer Programming 3, 6.4, algorithm R).
 *
 *   rows  --> [ hole | row | hole | row | row | unused ]
 *                      '- first                '- used      capacity
 *   index --> [ 0 | 2 | 0 | 5 | 4 | 0 | 0 | 0 ]   slots: a power of two
 *
 *   - an index slot is 0, or 1 + the number of a live row in its low bits (below slots) and the same high bits
 *     as that row's hash above them: most rows that are not the one are passed by without a look at them;
 *   - a row is found from slot hash % slots on, before the next 0; no slot is left from a removed row;
 *   - capacity <= slots / 4 * 3, so that there is always a 0;
 *   - count rows below used are live; the first of them is first, the last is the one before used;
 *   - order rises from row to row, and born - order is in 1..2^32-1.
 *
 * Functions are always inlined, with a constant kind: each use compiles to its own loops. */
#ifndef HUSK_KINDS_TABLE_H
#define HUSK_KINDS_TABLE_H

#include <string.h>

#include <husk/heap.h>

#define HUSK__TABLE_INLINE static inline __attribute__((always_inline))

/* The start of every row; rows of ties know these words by another name, hence may_alias. */
typedef struct __attribute__((may_alias)) husk__row {
    uint32_t hash;  /* 0: a hole */
    uint32_t order; /* the how-manieth row this table ever got, modulo 2^32 */
} husk__row;

typedef struct husk__table {
    void *rows;
    size_t used; /* passes look at that many rows */
    size_t capacity;
    uint32_t *index;
    size_t slots;
    size_t count;
    size_t first;  /* 0 if none is live; so taking rows from the front stays cheap */
    uint32_t born; /* order of the next row; never set back, so that cursors stay good when rows move */
} husk__table;

typedef struct husk__table_kind {
    const char *name; /* in messages: "a map" */
    size_t stride;    /* bytes of a row */
    size_t least;     /* capacity of the first buffer */
    size_t kept;      /* an empty table keeps a buffer of up to that many rows */
    /* Others point at rows: called for each live row that has moved, while its old place is still there. Such
     * rows may also be taken out by a pass, at any request for memory. NULL: neither. */
    void (*moved)(husk__row *it);
} husk__table_kind;

/* Is this the row that is searched for? Its hash is the same. */
typedef bool husk__row_is(const husk__row *it, const void *probe);

_Static_assert(sizeof(size_t) >= 8, "a cursor holds two numbers of 32 bits");

/* What an index slot of 32 bits can number with the table three quarters full. */
#define HUSK__MOST_ROWS (((size_t)1 << 31) / 4 * 3)

HUSK__TABLE_INLINE husk__row *husk__table_row(const husk__table *t, const husk__table_kind *kind, size_t i)
{
    return (husk__row *)(void *)((char *)t->rows + i * kind->stride);
}

/* The row and its place in the index, or NULL. */
HUSK__TABLE_INLINE husk__row *husk__table_find(const husk__table *t, const husk__table_kind *kind,
                                               uint32_t hash, husk__row_is *is, const void *probe,
                                               size_t *place)
{
    if (!t->slots)
        return NULL;
    uint32_t mask = (uint32_t)(t->slots - 1);
    uint32_t slot;
    for (size_t at = hash & mask; (slot = t->index[at]) != 0; at = (at + 1) & mask) {
        if ((slot ^ hash) & ~mask)
            continue;
        husk__row *it = husk__table_row(t, kind, (slot & mask) - 1);
        if (it->hash == hash && is(it, probe)) {
            *place = at;
            return it;
        }
    }
    return NULL;
}

HUSK__TABLE_INLINE void husk__index_add(uint32_t *index, size_t slots, size_t number, uint32_t hash)
{
    uint32_t mask = (uint32_t)(slots - 1);
    size_t at = hash & mask;
    while (index[at])
        at = (at + 1) & mask;
    index[at] = (hash & ~mask) | ((uint32_t)number + 1);
}

/* Empties a place and closes the gap: whatever could no longer be found from its home moves up. */
HUSK__TABLE_INLINE void husk__index_remove(const husk__table *t, const husk__table_kind *kind, size_t place)
{
    size_t mask = t->slots - 1;
    size_t gap = place;
    for (size_t at = (gap + 1) & mask; t->index[at]; at = (at + 1) & mask) {
        size_t home = husk__table_row(t, kind, (t->index[at] & mask) - 1)->hash & mask;
        if (((at - home) & mask) >= ((at - gap) & mask)) {
            t->index[gap] = t->index[at];
            gap = at;
        }
    }
    t->index[gap] = 0;
}

/* The place in the index of a row that is there. */
HUSK__TABLE_INLINE size_t husk__index_place(const husk__table *t, const husk__table_kind *kind,
                                            const husk__row *it)
{
    uint32_t mask = (uint32_t)(t->slots - 1);
    size_t at = it->hash & mask;
    while (husk__table_row(t, kind, (t->index[at] & mask) - 1) != it)
        at = (at + 1) & mask;
    return at;
}

/* A zeroed index of the rows; there are no holes. */
HUSK__TABLE_INLINE void husk__index_fill(const husk__table *t, const husk__table_kind *kind, uint32_t *index,
                                         size_t slots)
{
    for (size_t i = 0; i < t->used; i++)
        husk__index_add(index, slots, i, husk__table_row(t, kind, i)->hash);
}

/* Moves the live rows to the start of `to`, which may be where they are. */
HUSK__TABLE_INLINE void husk__table_pack(husk__table *t, const husk__table_kind *kind, void *to)
{
    char *next = to;
    for (size_t i = t->first; i < t->used; i++) {
        husk__row *it = husk__table_row(t, kind, i);
        if (!it->hash)
            continue;
        if ((void *)next != (void *)it) {
            memcpy(next, it, kind->stride);
            if (kind->moved)
                kind->moved((husk__row *)(void *)next);
        }
        next += kind->stride;
    }
    t->rows = to;
    t->used = (size_t)(next - (char *)to) / kind->stride;
    t->first = 0;
}

/* Closes the holes. Needs no memory, runs no code of the program's, and keeps the order numbers, by which
 * cursors find their way. */
HUSK__TABLE_INLINE void husk__table_compact(husk__table *t, const husk__table_kind *kind)
{
    husk__table_pack(t, kind, t->rows);
    memset(t->index, 0, t->slots * sizeof(uint32_t));
    husk__index_fill(t, kind, t->index, t->slots);
}

HUSK__TABLE_INLINE void husk__table_free(husk_heap *heap, const husk__table_kind *kind, const husk__table *t)
{
    husk_buffer_free(heap, t->rows, t->capacity * kind->stride);
    husk_buffer_free(heap, t->index, t->slots * sizeof(uint32_t));
}

/* Half as much again, or twice as much. Both buffers are there before anything changes; a pass may run at
 * each request, and what it ends may be in this very table: so the table is read again afterwards. */
HUSK__TABLE_INLINE husk_status husk__table_grow(husk_heap *heap, husk__table *t, const husk__table_kind *kind)
{
    if (t->capacity >= HUSK__MOST_ROWS)
        return husk_heap_fail(heap, HUSK_ERANGE, "%s holds at most %zu entries", kind->name, HUSK__MOST_ROWS);
    size_t more = kind->moved ? t->capacity : t->capacity / 2; /* telling the neighbours is the dearer move */
    size_t capacity = t->capacity < kind->least ? kind->least : t->capacity + more;
    if (capacity > HUSK__MOST_ROWS)
        capacity = HUSK__MOST_ROWS;
    size_t slots = t->slots ? t->slots : 8;
    while (capacity > slots / 4 * 3)
        slots *= 2;
    uint32_t *index = NULL;
    if (kind->moved || slots > t->slots) { /* what moves may have holes by then: its index is made anew */
        index = husk_buffer_new(heap, slots * sizeof(uint32_t));
        if (!index)
            return husk_heap_failure(heap);
    }
    void *rows = kind->moved
                     ? husk_buffer_new(heap, capacity * kind->stride)
                     : husk_buffer_resize(heap, t->rows, t->capacity * kind->stride, capacity * kind->stride);
    if (!rows) {
        husk_status status = husk_heap_failure(heap);
        husk_buffer_free(heap, index, slots * sizeof(uint32_t));
        return status;
    }
    if (kind->moved) {
        husk__table old = *t;
        husk__table_pack(t, kind, rows);
        husk_buffer_free(heap, old.rows, old.capacity * kind->stride);
    }
    t->rows = rows;
    t->capacity = capacity;
    if (index) {
        husk__index_fill(t, kind, index, slots);
        husk_buffer_free(heap, t->index, t->slots * sizeof(uint32_t));
        t->index = index;
        t->slots = slots;
    }
    return HUSK_OK;
}

/* After 2^32 births the order numbers would come round to those of the oldest rows. Iterations that are under
 * way then may see rows twice; all others notice nothing. */
HUSK__TABLE_INLINE void husk__table_renumber(husk__table *t, const husk__table_kind *kind)
{
    for (size_t i = 0; i < t->used; i++)
        husk__table_row(t, kind, i)->order = (uint32_t)i;
    t->born = (uint32_t)t->used;
}

/* Room for one row more. A full table with holes is compacted first, and grows if that gained less than a
 * quarter: either way the work is paid by the rows that came or left since. Where there is no memory to grow,
 * a hole will do. */
HUSK__TABLE_INLINE husk_status husk__table_reserve(husk_heap *heap, husk__table *t,
                                                   const husk__table_kind *kind)
{
    if (t->used && (uint32_t)(t->born - husk__table_row(t, kind, 0)->order) == UINT32_MAX)
        husk__table_renumber(t, kind);
    if (t->used < t->capacity)
        return HUSK_OK;
    if (t->count < t->used)
        husk__table_compact(t, kind);
    if (t->count < t->capacity / 4 * 3)
        return HUSK_OK;
    husk_status status = husk__table_grow(heap, t, kind);
    return t->used < t->capacity ? HUSK_OK : status;
}

/* The next row, for which there is room; the caller fills in the rest of it. */
HUSK__TABLE_INLINE husk__row *husk__table_add(husk__table *t, const husk__table_kind *kind, uint32_t hash)
{
    husk__row *it = husk__table_row(t, kind, t->used);
    it->hash = hash;
    it->order = t->born++;
    husk__index_add(t->index, t->slots, t->used, hash);
    t->used++;
    t->count++;
    return it;
}

/* Makes a hole of a row, whose other fields the caller has emptied, and tidies up; may free the buffers. */
HUSK__TABLE_INLINE void husk__table_remove(husk_heap *heap, husk__table *t, const husk__table_kind *kind,
                                           husk__row *it, size_t place)
{
    husk__index_remove(t, kind, place);
    it->hash = 0;
    t->count--;
    while (t->used && !husk__table_row(t, kind, t->used - 1)->hash)
        t->used--;
    while (t->first < t->used && !husk__table_row(t, kind, t->first)->hash)
        t->first++;
    if (t->count)
        return;
    t->first = 0;
    if (t->capacity > kind->kept) {
        husk__table_free(heap, kind, t);
        t->rows = NULL;
        t->index = NULL;
        t->capacity = 0;
        t->slots = 0;
    }
}

/* Takes everything out: what was there is the answer, for the caller to release and free. */
HUSK__TABLE_INLINE husk__table husk__table_empty(husk__table *t)
{
    husk__table old = *t;
    memset(t, 0, sizeof *t);
    t->born = old.born;
    return old;
}

/* A cursor is 0, or the number of the row last seen plus one, above its order. Rows move only when holes are
 * closed; then the order tells where the iteration stood. */
HUSK__TABLE_INLINE size_t husk__table_resume(const husk__table *t, const husk__table_kind *kind,
                                             size_t cursor)
{
    if (cursor >> 32 == 0)
        return t->first;
    size_t number = (cursor >> 32) - 1;
    uint32_t order = (uint32_t)cursor;
    if (number < t->used && husk__table_row(t, kind, number)->order == order)
        return number + 1;
    /* The first row that is younger. Ages count back from born, and fall from row to row. */
    uint32_t age = t->born - order;
    size_t low = 0;
    size_t high = t->used;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if ((uint32_t)(t->born - husk__table_row(t, kind, middle)->order) >= age)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The next live row, or NULL at the end. */
HUSK__TABLE_INLINE husk__row *husk__table_next(const husk__table *t, const husk__table_kind *kind,
                                               size_t *cursor)
{
    size_t i = husk__table_resume(t, kind, *cursor);
    while (i < t->used && !husk__table_row(t, kind, i)->hash)
        i++;
    if (i >= t->used)
        return NULL;
    husk__row *it = husk__table_row(t, kind, i);
    *cursor = ((i + 1) << 32) | it->order;
    return it;
}

#endif
