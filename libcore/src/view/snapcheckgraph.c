/* view/snapcheckgraph.c: whether types, nodes and edges of a file are what readers take them for (view/snapcheck.h). */
#include "view/snapcheck.h"

#include <string.h>

/* ---- types ---- */

/* The field number 250 that stands for those behind it, and these, which have no number and only a name. */
static husk_status check_further(const struct husk__checker *c, const struct husk__type_row *type)
{
    const struct husk__field *fields = ROWS(c, FIELDS) + type->field_first;
    for (uint32_t f = 0; f < type->field_count; f++) {
        size_t element = (size_t)type->field_first + f;
        bool stands = type->field_count > FIELD_LAST && f == FIELD_LAST;
        if (stands != ((fields[f].flags & FIELD_MORE) != 0))
            return BAD(c, FIELDS, element,
                       stands ? "does not stand for the further fields"
                              : "stands for further fields, and must not");
        if (f > FIELD_LAST && (fields[f].flags || fields[f].kind != fields[FIELD_LAST].kind))
            return BAD(c, FIELDS, element, "not as the field that stands for it");
    }
    if (type->field_count == FIELD_LAST + 1)
        return BAD(c, FIELDS, (size_t)type->field_first + FIELD_LAST,
                   "stands for further fields, and there are none");
    return HUSK_OK;
}

static uint8_t mode_of(const struct husk__field *fields, uint32_t count)
{
    if (count == 1 && fields[0].flags == FIELD_INDEXED)
        return RULE_ALL_INDEXED;
    for (uint32_t f = 0; f < count && f <= FIELD_LAST; f++)
        if (fields[f].flags || fields[f].kind == EDGE_EPHEMERON)
            return RULE_EACH;
    return RULE_PLAIN;
}

/* The types share out the fields among them, one behind the other: so looking at each type's costs no more than
 * looking at all. */
husk_status husk__check_types(const struct husk__checker *c)
{
    const struct husk__field *fields = ROWS(c, FIELDS);
    for (size_t i = 0; i < COUNT(c, FIELDS); i++) {
        STRING(c, FIELDS, i, fields[i].name);
        if (fields[i].kind > EDGE_EPHEMERON || fields[i].flags > (FIELD_INDEXED | FIELD_MORE) ||
            fields[i].unused)
            return BAD(c, FIELDS, i, "unknown kind %u or flags 0x%x", fields[i].kind, fields[i].flags);
        bool indexed = fields[i].flags & FIELD_INDEXED, more = fields[i].flags & FIELD_MORE;
        if ((more && !indexed) || (fields[i].kind == EDGE_EPHEMERON && (more || !indexed)))
            return BAD(c, FIELDS, i, "its edges need a number, and it says they have none");
    }
    size_t next = 0;
    for (size_t t = 0; t < COUNT(c, TYPES); t++) {
        const struct husk__type_row *type = &ROWS(c, TYPES)[t];
        STRING(c, TYPES, t, type->name);
        if (type->flags > (TYPE_ROW_TRACKED | TYPE_ROW_FINALIZE | TYPE_ROW_WEAK))
            return BAD(c, TYPES, t, "unknown flags 0x%x", type->flags);
        if (type->field_count == 0)
            continue;
        if (type->field_first != next || type->field_count > COUNT(c, FIELDS) - next)
            return BAD(c, TYPES, t, "%u fields from %u, and the next one is %zu of %zu", type->field_count,
                       type->field_first, next, COUNT(c, FIELDS));
        next += type->field_count;
        husk_status status = check_further(c, type);
        if (status != HUSK_OK)
            return status;
        uint32_t numbered = type->field_count > FIELD_LAST ? FIELD_LAST + 1 : type->field_count;
        c->rules[t].fields = (uint16_t)numbered;
        c->rules[t].mode = mode_of(fields + type->field_first, type->field_count);
    }
    return next == COUNT(c, FIELDS) ? HUSK_OK : BAD(c, FIELDS, next, "of no type");
}

/* ---- nodes ---- */

struct spills {
    size_t next;
    uint64_t value;
};

/* The next spill must be this one; its value. */
static bool take_spill(const struct husk__checker *c, struct spills *spills, size_t node, uint32_t column)
{
    const struct husk__spill *row = &ROWS(c, SPILL)[spills->next];
    if (spills->next >= COUNT(c, SPILL) || row->node != node || row->column != column)
        return false;
    spills->value = row->value;
    spills->next++;
    return true;
}

static husk_status bad_spill(const struct husk__checker *c, const struct spills *spills, size_t node,
                             const char *column)
{
    return BAD(c, SPILL, spills->next, "should be the %s of node %zu", column, node);
}

/* A node one of whose columns is full: its size and degree. */
static husk_status check_full(const struct husk__checker *c, struct spills *spills, size_t number,
                              uint64_t *size, uint64_t *degree)
{
    const struct husk__node *node = &ROWS(c, NODES)[number];
    if (node->size == NODE_SIZE_SPILLS) {
        if (!take_spill(c, spills, number, SPILL_SIZE))
            return bad_spill(c, spills, number, "size");
        *size = spills->value;
        if (*size < NODE_SIZE_SPILLS)
            return BAD(c, SPILL, spills->next - 1, "this size needed no place here");
    }
    if (node->hidden == NODE_HIDDEN_SPILLS) {
        if (!take_spill(c, spills, number, SPILL_HIDDEN))
            return bad_spill(c, spills, number, "hidden references");
        if (spills->value < NODE_HIDDEN_SPILLS)
            return BAD(c, SPILL, spills->next - 1, "so many hidden references needed no place here");
    }
    if (node->degree == NODE_DEGREE_SPILLS) {
        if (!take_spill(c, spills, number, SPILL_DEGREE))
            return bad_spill(c, spills, number, "number of edges");
        *degree = spills->value;
        if (*degree < NODE_DEGREE_SPILLS)
            return BAD(c, SPILL, spills->next - 1, "so many edges needed no place here");
    }
    return HUSK_OK;
}

enum { NODE_FLAGS = (NODE_WEAKLY << 1) - 1 };

/* What is wrong with a node by itself and after the one before it, which ends at `free`. */
static husk_status bad_node(const struct husk__checker *c, size_t number, uint64_t size, uint64_t from)
{
    const struct husk__node *node = &ROWS(c, NODES)[number];
    if (husk__node_address(node) < from)
        return BAD(c, NODES, number, "at 0x%llx, before the end of the one before it",
                   (unsigned long long)husk__node_address(node));
    if (husk__node_type(node) >= COUNT(c, TYPES))
        return BAD(c, NODES, number, "there is no type %u", husk__node_type(node));
    if (node->flags > NODE_FLAGS)
        return BAD(c, NODES, number, "unknown flags 0x%x", node->flags);
    if (node->flags & NODE_IMMORTAL && node->hidden)
        return BAD(c, NODES, number, "immortal, and has hidden references");
    return BAD(c, NODES, number, "%llu bytes", (unsigned long long)size);
}

/* Also that edges and their offsets add up; and counts the types' instances. */
husk_status husk__check_nodes(const struct husk__checker *c)
{
    const struct husk__node *nodes = ROWS(c, NODES);
    const uint64_t *off = ROWS(c, EDGE_OFF);
    const size_t count = COUNT(c, NODES), types = COUNT(c, TYPES), edges = COUNT(c, EDGE_DST);
    const uint64_t top = (uint64_t)1 << 48; /* no address is beyond it, so no size can be either */
    struct spills spills = { 0, 0 };
    uint64_t from = 0, edge = 0;
    for (size_t n = 0; n < count; n++) {
        const struct husk__node *node = &nodes[n];
        uint64_t size = node->size, degree = node->degree;
        if (n % 64 == 0 && COUNT(c, EDGE_OFF) && off[n / 64] != edge)
            return BAD(c, EDGE_OFF, n / 64, "%llu, and %llu edges are before node %zu",
                       (unsigned long long)off[n / 64], (unsigned long long)edge, n);
        if (UNLIKELY((node->size == NODE_SIZE_SPILLS) | (node->hidden == NODE_HIDDEN_SPILLS) |
                     (degree == NODE_DEGREE_SPILLS))) {
            husk_status status = check_full(c, &spills, n, &size, &degree);
            if (status != HUSK_OK)
                return status;
        }
        uint64_t address = husk__node_address(node);
        uint32_t type = husk__node_type(node);
        if (UNLIKELY((address < from) | (type >= types) | (size - 1 >= top) | (node->flags > NODE_FLAGS) |
                     ((node->flags & NODE_IMMORTAL) && node->hidden)))
            return bad_node(c, n, size, from);
        if (UNLIKELY(degree > edges - edge))
            return BAD(c, NODES, n, "%llu edges, and %llu are left", (unsigned long long)degree,
                       (unsigned long long)(edges - edge));
        from = address + size;
        edge += degree;
        c->rules[type].instances++;
    }
    if (edge != edges)
        return BAD(c, EDGE_DST, (size_t)edge, "of no node");
    if (spills.next != COUNT(c, SPILL))
        return BAD(c, SPILL, spills.next, "not needed");
    for (size_t t = 0; t < types; t++)
        if (c->rules[t].instances != ROWS(c, TYPES)[t].instances)
            return BAD(c, TYPES, t, "%llu instances, and there are %u",
                       (unsigned long long)ROWS(c, TYPES)[t].instances, c->rules[t].instances);
    return HUSK_OK;
}

/* ---- edges ---- */

/* The edges of one node whose fields have numbers; *index: in EDGE_INDEX. */
static husk_status check_indexed(const struct husk__checker *c, size_t node, size_t edge, size_t degree,
                                 size_t *index)
{
    const struct husk__type_row *type = &ROWS(c, TYPES)[husk__node_type(&ROWS(c, NODES)[node])];
    const struct husk__field *fields = ROWS(c, FIELDS) + type->field_first, *before = NULL;
    for (size_t e = edge; e < edge + degree; e++) {
        const struct husk__field *field = &fields[ROWS(c, EDGE_FIELD)[e]];
        if (field->flags & FIELD_INDEXED) {
            if (*index >= COUNT(c, EDGE_INDEX))
                return BAD(c, EDGE_INDEX, *index, "missing, for edge %zu", e);
            uint32_t number = ROWS(c, EDGE_INDEX)[*index];
            if (field->flags & FIELD_MORE && (number < FIELD_LAST || number >= type->field_count - 1))
                return BAD(c, EDGE_INDEX, *index, "%u is no further field of the type of node %zu", number,
                           node);
            if (field->kind == EDGE_EPHEMERON &&
                (!before || before->kind != EDGE_WEAK || before->flags != FIELD_INDEXED ||
                 ROWS(c, EDGE_INDEX)[*index - 1] != number))
                return BAD(c, EDGE_DST, e, "no key before the value of an entry");
            ++*index;
        }
        before = field;
    }
    return HUSK_OK;
}

static husk_status check_targets(const struct husk__checker *c)
{
    const uint32_t *to = ROWS(c, EDGE_DST);
    const size_t nodes = COUNT(c, NODES), edges = COUNT(c, EDGE_DST);
    uint32_t most = 0;
    for (size_t e = 0; e < edges; e++) /* without a branch: several at once */
        most = to[e] > most ? to[e] : most;
    if (edges == 0 || most < nodes)
        return HUSK_OK;
    for (size_t e = 0;; e++)
        if (to[e] >= nodes)
            return BAD(c, EDGE_DST, e, "there is no node %u", to[e]);
}

/* Sixteen fields at once: nodes seldom have more edges. Vectors of gcc and clang, for any processor. */
typedef uint8_t bytes16 __attribute__((vector_size(16)));
enum { AT_ONCE = sizeof(bytes16) };

/* Not zero: one of the first `degree` bytes at `field` is not below the limit. */
ALWAYS_INLINE bytes16 beyond(const uint8_t *field, size_t degree, uint16_t limit)
{
    static const bytes16 places = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };
    bytes16 have;
    memcpy(&have, field, sizeof have);
    return (bytes16)(have >= (uint8_t)limit) & (bytes16)(places < (uint8_t)degree);
}

/* The edges of some nodes, one after the other. */
static husk_status check_each(const struct husk__checker *c, size_t node, size_t end, size_t edge,
                              size_t *index)
{
    const uint8_t *field = ROWS(c, EDGE_FIELD);
    for (size_t n = node; n < end; n++) {
        const struct husk__type_rule *rule = &c->rules[husk__node_type(&ROWS(c, NODES)[n])];
        size_t degree = husk__node_degree(c->snapshot, n);
        for (size_t e = edge; e < edge + degree; e++)
            if (UNLIKELY(field[e] >= rule->fields))
                return BAD(c, EDGE_FIELD, e, "the type of node %zu has no field %u", n, field[e]);
        if (rule->mode == RULE_ALL_INDEXED) {
            *index += degree;
        } else if (rule->mode == RULE_EACH) {
            husk_status status = check_indexed(c, n, edge, degree, index);
            if (status != HUSK_OK)
                return status;
        }
        edge += degree;
    }
    return HUSK_OK;
}

/* The edges of some nodes without a branch for each: if anything may be wrong, or needs a closer look, all of
 * them get it. *edge, *index: where they begin, and then end. */
static husk_status check_some(const struct husk__checker *c, size_t node, size_t end, size_t *edge,
                              size_t *index)
{
    const struct husk__node *nodes = ROWS(c, NODES);
    const uint8_t *field = ROWS(c, EDGE_FIELD);
    const size_t edges = COUNT(c, EDGE_DST), first = *edge;
    size_t indexed = 0;
    bytes16 wrong = { 0 };
    bool closer = false;
    for (size_t n = node; n < end; n++) {
        const struct husk__type_rule *rule = &c->rules[husk__node_type(&nodes[n])];
        size_t degree = husk__node_degree(c->snapshot, n);
        if (LIKELY((degree <= AT_ONCE) & (edges - *edge >= AT_ONCE)))
            wrong |= beyond(field + *edge, degree, rule->fields);
        else
            closer |= degree != 0;
        closer |= (rule->mode == RULE_EACH) & (degree != 0);
        indexed += rule->mode == RULE_ALL_INDEXED ? degree : 0;
        *edge += degree;
    }
    uint64_t halves[2];
    memcpy(halves, &wrong, sizeof halves);
    if (UNLIKELY(closer || (halves[0] | halves[1])))
        return check_each(c, node, end, first, index);
    *index += indexed;
    return HUSK_OK;
}

husk_status husk__check_edges(const struct husk__checker *c)
{
    const uint64_t *index_off = ROWS(c, EDGE_INDEX_OFF);
    const size_t count = COUNT(c, EDGE_OFF) ? COUNT(c, NODES) : 0;
    size_t edge = 0, index = 0;
    for (size_t n = 0; n < count; n += 64) {
        if (COUNT(c, EDGE_INDEX_OFF) && index_off[n / 64] != index)
            return BAD(c, EDGE_INDEX_OFF, n / 64, "%llu, and it should be %zu",
                       (unsigned long long)index_off[n / 64], index);
        husk_status status = check_some(c, n, count - n < 64 ? count : n + 64, &edge, &index);
        if (status != HUSK_OK)
            return status;
    }
    if (index != COUNT(c, EDGE_INDEX))
        return BAD(c, EDGE_INDEX, index, "missing, or of no edge");
    return check_targets(c);
}
