/* view/snapshot.h: struct husk_snapshot: sections, wherever they lie; and reading and building them.
 *
 *   taken:  husk__snap_new --> SNAP_ADD ... --> husk__snap_settle      each section an array of its own
 *   loaded: husk_snapshot_load (view/snapfile.c)                       all in one mapped, checked file
 *
 * Afterwards both are the same to readers, and indexes need no check: the builder or the loader made sure. */
#ifndef HUSK_VIEW_SNAPSHOT_H
#define HUSK_VIEW_SNAPSHOT_H

#include "base/grow.h"
#include "view/format.h"

#include <husk/snapshot.h>

struct husk__section {
    const void *at; /* never NULL */
    size_t count;
};

struct husk_snapshot {
    struct husk__section sections[SECTIONS];
    struct husk__grow
        own[SECTIONS]; /* of one that was taken; and META, STRINGS, STRING_OFF once one was noted */
    void *map;         /* of one that was loaded */
    size_t map_bytes;
    struct husk__grow
        outgrown[8]; /* that notes have moved away from: texts that were handed out stay valid */
    unsigned outgrown_count;
    size_t limit; /* bytes that all of it may take, in memory and as a file; 0: none */
    size_t taken; /* so far, what the form of the file costs included */
    bool over;    /* the limit stopped an addition, not the system */
    /* To find strings while building: open addressing, number + 1. */
    uint32_t *string_table;
    size_t string_room;
};

#define HUSK_SECTION_TYPE(name, number, type) typedef type husk__snap_##name;
HUSK_SECTION_LIST(HUSK_SECTION_TYPE)
#undef HUSK_SECTION_TYPE

/* Bytes of an element; 0: no such section. */
size_t husk__section_item(unsigned kind);
const char *husk__section_name(unsigned kind);

/* The elements of a section, and how many. */
#define SNAP(snapshot, name) ((const husk__snap_##name *)(snapshot)->sections[SECTION_##name].at)
#define SNAP_COUNT(snapshot, name) ((snapshot)->sections[SECTION_##name].count)

/* No section has an element. */
void husk__snap_clear(struct husk_snapshot *snapshot);

/* ---- building ---- */

/* Empty, with number 0 of each table that has one. limit as husk_snapshot_options.max_bytes. NULL: no room. */
struct husk_snapshot *husk__snap_new(size_t limit);

/* The next `count` elements of a section, zeroed; NULL: no memory, or the limit (snapshot->over). */
void *husk__snap_add(struct husk_snapshot *snapshot, unsigned kind, size_t count);
/* `count` elements more will be added, about: their memory at once, for speed. Without effect where there
 * is a limit or memory is short. */
void husk__snap_expect(struct husk_snapshot *snapshot, unsigned kind, size_t count);
#define SNAP_ADD(snapshot, name) ((husk__snap_##name *)husk__snap_add((snapshot), SECTION_##name, 1))

/* The number of a string, which is copied once; 0 for "" and when memory is short (then *failed is set). */
uint32_t husk__snap_string(struct husk_snapshot *snapshot, const char *bytes, size_t length, bool *failed);

/* Adds a number; false: no memory. */
bool husk__snap_number(struct husk_snapshot *snapshot, const char *group, const char *name, uint64_t value);

/* Ends building: readers see what was added. */
void husk__snap_settle(struct husk_snapshot *snapshot);

/* Gives up what a section has so far. */
void husk__snap_drop(struct husk_snapshot *snapshot, unsigned kind);

/* ---- reading ---- */

/* NUL-terminated bytes; *length may be NULL. */
const char *husk__snap_text(const struct husk_snapshot *snapshot, uint32_t string, size_t *length);

uint64_t husk__snap_spilled(const struct husk_snapshot *snapshot, size_t node, unsigned column);

/* husk__node.where */
ALWAYS_INLINE uint64_t husk__node_where(uint64_t address, uint32_t type)
{
    return address >> 3 << NODE_TYPE_BITS | type;
}

ALWAYS_INLINE uint64_t husk__node_address(const struct husk__node *node)
{
    return node->where >> NODE_TYPE_BITS << 3;
}

ALWAYS_INLINE uint32_t husk__node_type(const struct husk__node *node)
{
    return (uint32_t)(node->where & (((uint32_t)1 << NODE_TYPE_BITS) - 1));
}

ALWAYS_INLINE uint64_t husk__node_size(const struct husk_snapshot *snapshot, size_t number)
{
    uint32_t size = SNAP(snapshot, NODES)[number].size;
    return UNLIKELY(size == NODE_SIZE_SPILLS) ? husk__snap_spilled(snapshot, number, SPILL_SIZE) : size;
}

ALWAYS_INLINE size_t husk__node_degree(const struct husk_snapshot *snapshot, size_t number)
{
    uint8_t degree = SNAP(snapshot, NODES)[number].degree;
    return UNLIKELY(degree == NODE_DEGREE_SPILLS) ? (size_t)husk__snap_spilled(snapshot, number, SPILL_DEGREE)
                                                  : degree;
}

ALWAYS_INLINE int64_t husk__node_hidden(const struct husk_snapshot *snapshot, size_t number)
{
    uint16_t hidden = SNAP(snapshot, NODES)[number].hidden;
    return UNLIKELY(hidden == NODE_HIDDEN_SPILLS)
               ? (int64_t)husk__snap_spilled(snapshot, number, SPILL_HIDDEN)
               : hidden;
}

/* 0: not traced. */
ALWAYS_INLINE uint32_t husk__node_site(const struct husk_snapshot *snapshot, size_t number)
{
    return SNAP_COUNT(snapshot, NODE_SITE) ? SNAP(snapshot, NODE_SITE)[number] : 0;
}

/* The edges of one node after the other, or of one:
 *   struct husk__edge_walk walk = husk__edges_of(snapshot, node);
 *   while (husk__edge_next(&walk)) ... walk.to, walk.field, walk.index
 * husk__edges_next_node goes on with the next node without looking anything up. */
struct husk__edge_walk {
    const struct husk_snapshot *snapshot;
    size_t node, left;
    size_t edge, indexed;            /* of the next one */
    uint32_t to;                     /* node */
    const struct husk__field *field; /* the name, a further field's too */
    uint32_t index;                  /* UINT32_MAX: none */
};
struct husk__edge_walk husk__edges_of(const struct husk_snapshot *snapshot, size_t node);
bool husk__edge_next(struct husk__edge_walk *walk);
void husk__edges_next_node(struct husk__edge_walk *walk); /* the present one must be used up */

#endif
