/* view/snapcheck.c: whether a file's sections are what readers take them for: every index within its table,
 * every order and sum as format.h says. Whatever wrote the file, what passes here can be read without a further
 * check.
 *
 * One pass over each section, from its beginning to its end; no recursion; memory for one table over the types
 * alone, whose rows are there. */
#include "base/memory.h"
#include "base/newfile.h"
#include "view/snapfile.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* What the edges of a type's nodes must keep to. */
struct type_rule {
    uint32_t instances;
    uint16_t fields; /* EDGE_FIELD is below it */
    uint8_t mode;
};
enum { RULE_PLAIN = 0, RULE_ALL_INDEXED = 1, RULE_EACH = 2 };

struct checker {
    const struct husk_snapshot *snapshot;
    const char *name;
    size_t strings;
    struct type_rule *rules; /* one for each type */
};

#define ROWS(checker, section) SNAP((checker)->snapshot, section)
#define COUNT(checker, section) SNAP_COUNT((checker)->snapshot, section)
#define BAD(checker, section, element, ...) bad((checker), SECTION_##section, (element), __VA_ARGS__)

static husk_status bad(const struct checker *checker, unsigned kind, size_t element, const char *format, ...)
    __attribute__((format(printf, 4, 5), cold));
static husk_status bad(const struct checker *checker, unsigned kind, size_t element, const char *format, ...)
{
    char shown[SHOWN_PATH], text[160];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return husk_fail(HUSK_EFORMAT, "%s: damaged: section %s, element %zu: %s",
                     husk__shown_path(checker->name, shown), husk__section_name(kind), element, text);
}

static husk_status bad_count(const struct checker *checker, unsigned kind, const char *why)
{
    char shown[SHOWN_PATH];
    return husk_fail(HUSK_EFORMAT, "%s: damaged: section %s has %zu elements: %s",
                     husk__shown_path(checker->name, shown), husk__section_name(kind),
                     checker->snapshot->sections[kind].count, why);
}

/* ---- what must be there, and how many may be ---- */

static husk_status check_counts(const struct checker *c)
{
    static const struct {
        unsigned kind;
        size_t least, most;
    } limits[] = {
        { SECTION_STRINGS, 1, SIZE_MAX },
        { SECTION_STRING_OFF, 2, UINT32_MAX },
        { SECTION_TYPES, 1, (size_t)1 << NODE_TYPE_BITS },
        { SECTION_FIELDS, 0, UINT32_MAX },
        { SECTION_NODES, 0, UINT32_MAX },
        { SECTION_RECORDS, 1, (size_t)SITE_RECORD + 1 },
        { SECTION_CONTEXTS, 1, UINT32_MAX },
        { SECTION_STACKS, 1, UINT32_MAX },
        { SECTION_FRAMES, 1, UINT32_MAX },
        { SECTION_MODULES, 1, UINT32_MAX },
        { SECTION_THREADS, 1, UINT32_MAX },
        { SECTION_EPOCHS, 0, (size_t)1 << (32 - SITE_EPOCH_SHIFT) },
    };
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        size_t count = c->snapshot->sections[limits[i].kind].count;
        if (count < limits[i].least)
            return bad_count(c, limits[i].kind, "too few");
        if (count > limits[i].most)
            return bad_count(c, limits[i].kind, "more than can be numbered");
    }
    size_t nodes = COUNT(c, NODES), groups = COUNT(c, EDGE_OFF) ? (nodes + 63) / 64 : 0;
    if (COUNT(c, NODE_SITE) && COUNT(c, NODE_SITE) != nodes)
        return bad_count(c, SECTION_NODE_SITE, "not one for each node");
    if (COUNT(c, EDGE_OFF) != groups)
        return bad_count(c, SECTION_EDGE_OFF, "not one for every 64 nodes");
    if (COUNT(c, EDGE_DST) && !groups)
        return bad_count(c, SECTION_EDGE_DST, "and there is no EDGE_OFF");
    if (COUNT(c, EDGE_FIELD) != COUNT(c, EDGE_DST))
        return bad_count(c, SECTION_EDGE_FIELD, "not one for each edge");
    if (COUNT(c, EDGE_INDEX) > COUNT(c, EDGE_DST))
        return bad_count(c, SECTION_EDGE_INDEX, "more than edges");
    if (COUNT(c, EDGE_INDEX_OFF) ? COUNT(c, EDGE_INDEX_OFF) != groups : COUNT(c, EDGE_INDEX) != 0)
        return bad_count(c, SECTION_EDGE_INDEX_OFF, "not one for every 64 nodes");
    return HUSK_OK;
}

/* ---- strings, and what has little but strings ---- */

static husk_status check_strings(const struct checker *c)
{
    const uint64_t *off = ROWS(c, STRING_OFF);
    const char *bytes = ROWS(c, STRINGS);
    uint64_t end = 0;
    if (off[0] != 0 || off[1] != 1)
        return BAD(c, STRING_OFF, 0, "string number 0 is not empty");
    for (size_t n = 1; n <= c->strings; n++) {
        if (off[n] <= end || off[n] > COUNT(c, STRINGS))
            return BAD(c, STRING_OFF, n, "%llu is not behind %llu, or beyond the end",
                       (unsigned long long)off[n], (unsigned long long)end);
        end = off[n];
        if (bytes[end - 1] != '\0')
            return BAD(c, STRINGS, (size_t)end - 1, "no NUL at the end of string %zu", n - 1);
    }
    return end == COUNT(c, STRINGS) ? HUSK_OK : BAD(c, STRINGS, (size_t)end, "behind the last string");
}

static husk_status bad_string(const struct checker *c, unsigned kind, size_t element, uint32_t string)
{
    return bad(c, kind, element, "there is no string %u", string);
}

static husk_status bad_order(const struct checker *c, unsigned kind, size_t element)
{
    return bad(c, kind, element, "its end is before its start");
}

static husk_status bad_unused(const struct checker *c, unsigned kind, size_t element)
{
    return bad(c, kind, element, "not zero where nothing belongs");
}

#define STRING(checker, section, element, string)                                                            \
    do {                                                                                                     \
        if ((string) >= (checker)->strings)                                                                  \
            return bad_string((checker), SECTION_##section, (element), (string));                            \
    } while (0)

static husk_status check_about(const struct checker *c)
{
    for (size_t i = 0; i < COUNT(c, META); i++) {
        STRING(c, META, i, ROWS(c, META)[i].key);
        STRING(c, META, i, ROWS(c, META)[i].value);
    }
    for (size_t i = 0; i < COUNT(c, NUMBERS); i++) {
        STRING(c, NUMBERS, i, ROWS(c, NUMBERS)[i].group);
        STRING(c, NUMBERS, i, ROWS(c, NUMBERS)[i].name);
    }
    for (size_t i = 0; i < COUNT(c, MAPS); i++) {
        const struct husk__map_row *map = &ROWS(c, MAPS)[i];
        STRING(c, MAPS, i, map->path);
        STRING(c, MAPS, i, map->permissions);
        if (map->end < map->start)
            return bad_order(c, SECTION_MAPS, i);
    }
    for (size_t i = 0; i < COUNT(c, PASSES); i++)
        if (ROWS(c, PASSES)[i].kind > 1)
            return BAD(c, PASSES, i, "unknown kind %u", ROWS(c, PASSES)[i].kind);
    for (size_t i = 0; i < COUNT(c, CLASSES); i++)
        if (ROWS(c, CLASSES)[i].tracked > 1)
            return BAD(c, CLASSES, i, "tracked is %u", ROWS(c, CLASSES)[i].tracked);
    return HUSK_OK;
}

/* ---- places ---- */

static husk_status check_modules_and_threads(const struct checker *c)
{
    for (size_t i = 0; i < COUNT(c, MODULES); i++) {
        const struct husk__module *module = &ROWS(c, MODULES)[i];
        STRING(c, MODULES, i, module->path);
        STRING(c, MODULES, i, module->build_id);
        if (module->end < module->start)
            return bad_order(c, SECTION_MODULES, i);
        if (i == 0 && module->path)
            return BAD(c, MODULES, i, "not the unknown module");
    }
    for (size_t i = 0; i < COUNT(c, THREADS); i++) {
        STRING(c, THREADS, i, ROWS(c, THREADS)[i].name);
        if (ROWS(c, THREADS)[i].unused)
            return bad_unused(c, SECTION_THREADS, i);
    }
    return HUSK_OK;
}

static husk_status check_frames(const struct checker *c)
{
    for (size_t i = 0; i < COUNT(c, FRAMES); i++) {
        const struct husk__frame *frame = &ROWS(c, FRAMES)[i];
        STRING(c, FRAMES, i, frame->file);
        STRING(c, FRAMES, i, frame->function);
        if (frame->kind > FRAME_LANGUAGE)
            return BAD(c, FRAMES, i, "unknown kind %u", frame->kind);
        if (frame->module >= COUNT(c, MODULES))
            return BAD(c, FRAMES, i, "there is no module %u", frame->module);
        if (frame->kind != FRAME_NATIVE && (frame->module || frame->address))
            return BAD(c, FRAMES, i, "has a module or an address and is not native");
        if (frame->unused)
            return bad_unused(c, SECTION_FRAMES, i);
    }
    return HUSK_OK;
}

static husk_status check_stacks(const struct checker *c)
{
    const struct husk__stack *stacks = ROWS(c, STACKS);
    if (stacks[0].parent || stacks[0].frame || stacks[0].depth || stacks[0].total)
        return BAD(c, STACKS, 0, "not the empty traceback");
    for (size_t i = 1; i < COUNT(c, STACKS); i++) {
        const struct husk__stack *stack = &stacks[i];
        if (stack->parent >= i)
            return BAD(c, STACKS, i, "its parent %u is not before it", stack->parent);
        if (stack->frame >= COUNT(c, FRAMES))
            return BAD(c, STACKS, i, "there is no frame %u", stack->frame);
        if (stack->depth != stacks[stack->parent].depth + 1)
            return BAD(c, STACKS, i, "depth %u, and its parent's is %u", stack->depth,
                       stacks[stack->parent].depth);
        if (stack->total && stack->total < stack->depth)
            return BAD(c, STACKS, i, "%u frames of %u", stack->depth, stack->total);
    }
    return HUSK_OK;
}

static husk_status check_records(const struct checker *c)
{
    for (size_t i = 0; i < COUNT(c, CONTEXTS); i++) {
        const struct husk__context *context = &ROWS(c, CONTEXTS)[i];
        STRING(c, CONTEXTS, i, context->tag);
        STRING(c, CONTEXTS, i, context->domain);
        if (context->thread >= COUNT(c, THREADS))
            return BAD(c, CONTEXTS, i, "there is no thread %u", context->thread);
        if (context->unused)
            return bad_unused(c, SECTION_CONTEXTS, i);
        if (i == 0 && (context->tag || context->domain || context->thread))
            return BAD(c, CONTEXTS, i, "not the empty context");
    }
    for (size_t i = 0; i < COUNT(c, RECORDS); i++) {
        const struct husk__record_row *record = &ROWS(c, RECORDS)[i];
        if (record->stack >= COUNT(c, STACKS))
            return BAD(c, RECORDS, i, "there is no traceback %u", record->stack);
        if (record->context >= COUNT(c, CONTEXTS))
            return BAD(c, RECORDS, i, "there is no context %u", record->context);
        if (i == 0 && (record->stack || record->context))
            return BAD(c, RECORDS, i, "not the unknown place");
    }
    for (size_t i = 0; i < COUNT(c, EPOCHS); i++) {
        const struct husk__epoch *epoch = &ROWS(c, EPOCHS)[i];
        STRING(c, EPOCHS, i, epoch->mark);
        if (epoch->unused)
            return bad_unused(c, SECTION_EPOCHS, i);
        if (i && epoch->start_ns < epoch[-1].start_ns)
            return BAD(c, EPOCHS, i, "earlier than the one before it");
    }
    return HUSK_OK;
}

/* No record: no epoch either. */
ALWAYS_INLINE bool is_site(uint32_t site, size_t records, size_t epochs)
{
    uint32_t record = site & SITE_RECORD;
    return record ? (record < records) & (site >> SITE_EPOCH_SHIFT < epochs) : site == 0;
}

static husk_status bad_site(const struct checker *c, unsigned kind, size_t element, uint32_t site)
{
    return bad(c, kind, element, "there is no site of record %u and epoch %u", site & SITE_RECORD,
               site >> SITE_EPOCH_SHIFT);
}

static husk_status check_sites(const struct checker *c)
{
    const uint32_t *sites = ROWS(c, NODE_SITE);
    size_t records = COUNT(c, RECORDS), epochs = COUNT(c, EPOCHS), count = COUNT(c, NODE_SITE);
    for (size_t i = 0; i < count; i++)
        if (UNLIKELY(!is_site(sites[i], records, epochs)))
            return bad_site(c, SECTION_NODE_SITE, i, sites[i]);
    for (size_t i = 0; i < COUNT(c, BLOCKS); i++) {
        const struct husk__block *block = &ROWS(c, BLOCKS)[i];
        if (!is_site(block->site, records, epochs))
            return bad_site(c, SECTION_BLOCKS, i, block->site);
        if (block->kind != BLOCK_BUFFER && block->kind != BLOCK_FOREIGN)
            return BAD(c, BLOCKS, i, "unknown kind %u", block->kind);
    }
    return HUSK_OK;
}

/* ---- types ---- */

/* The field number 250 that stands for those behind it, and these, which have no number and only a name. */
static husk_status check_further(const struct checker *c, const struct husk__type_row *type)
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
static husk_status check_types(const struct checker *c)
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
static bool take_spill(const struct checker *c, struct spills *spills, size_t node, uint32_t column)
{
    const struct husk__spill *row = &ROWS(c, SPILL)[spills->next];
    if (spills->next >= COUNT(c, SPILL) || row->node != node || row->column != column)
        return false;
    spills->value = row->value;
    spills->next++;
    return true;
}

static husk_status bad_spill(const struct checker *c, const struct spills *spills, size_t node,
                             const char *column)
{
    return BAD(c, SPILL, spills->next, "should be the %s of node %zu", column, node);
}

/* A node one of whose columns is full: its size and degree. */
static husk_status check_full(const struct checker *c, struct spills *spills, size_t number, uint64_t *size,
                              uint64_t *degree)
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
static husk_status bad_node(const struct checker *c, size_t number, uint64_t size, uint64_t from)
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
static husk_status check_nodes(const struct checker *c)
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
static husk_status check_indexed(const struct checker *c, size_t node, size_t edge, size_t degree,
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

static husk_status check_targets(const struct checker *c)
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
static husk_status check_each(const struct checker *c, size_t node, size_t end, size_t edge, size_t *index)
{
    const uint8_t *field = ROWS(c, EDGE_FIELD);
    for (size_t n = node; n < end; n++) {
        const struct type_rule *rule = &c->rules[husk__node_type(&ROWS(c, NODES)[n])];
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
static husk_status check_some(const struct checker *c, size_t node, size_t end, size_t *edge, size_t *index)
{
    const struct husk__node *nodes = ROWS(c, NODES);
    const uint8_t *field = ROWS(c, EDGE_FIELD);
    const size_t edges = COUNT(c, EDGE_DST), first = *edge;
    size_t indexed = 0;
    bytes16 wrong = { 0 };
    bool closer = false;
    for (size_t n = node; n < end; n++) {
        const struct type_rule *rule = &c->rules[husk__node_type(&nodes[n])];
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

static husk_status check_edges(const struct checker *c)
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

husk_status husk__snap_check(const struct husk_snapshot *snapshot, const char *name)
{
    static husk_status (*const checks[])(const struct checker *c) = {
        check_strings, check_about,  check_modules_and_threads,
        check_frames,  check_stacks, check_records,
        check_sites,   check_types,  check_nodes,
        check_edges,
    };
    struct checker checker = { snapshot, name, 0, NULL };
    husk_status status = check_counts(&checker);
    if (status != HUSK_OK)
        return status;
    checker.strings = SNAP_COUNT(snapshot, STRING_OFF) - 1;
    size_t rules = SNAP_COUNT(snapshot, TYPES) * sizeof *checker.rules;
    checker.rules = husk__raw_new(rules);
    if (!checker.rules)
        return husk_fail(HUSK_ENOMEM, "%s", husk_status_text(HUSK_ENOMEM));
    for (size_t i = 0; i < sizeof checks / sizeof *checks && status == HUSK_OK; i++)
        status = checks[i](&checker);
    husk__raw_free(checker.rules, rules);
    return status;
}
