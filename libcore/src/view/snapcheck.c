/* view/snapcheck.c: whether a file's sections are what readers take them for: every index within its table,
 * every order and sum as format.h says. Whatever wrote the file, what passes here can be read without a further
 * check.
 *
 * One pass over each section, from its beginning to its end; no recursion; memory for one table over the types
 * alone, whose rows are there. Types, nodes and edges are snapcheckgraph.c. */
#include "view/snapcheck.h"

#include "base/memory.h"
#include "base/newfile.h"
#include "view/snapfile.h"

#include <stdarg.h>
#include <stdio.h>

husk_status husk__check_bad(const struct husk__checker *checker, unsigned kind, size_t element,
                            const char *format, ...)
{
    char shown[SHOWN_PATH], text[160];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return husk_fail(HUSK_EFORMAT, "%s: damaged: section %s, element %zu: %s",
                     husk__shown_path(checker->name, shown), husk__section_name(kind), element, text);
}

static husk_status bad_count(const struct husk__checker *checker, unsigned kind, const char *why)
{
    char shown[SHOWN_PATH];
    return husk_fail(HUSK_EFORMAT, "%s: damaged: section %s has %zu elements: %s",
                     husk__shown_path(checker->name, shown), husk__section_name(kind),
                     checker->snapshot->sections[kind].count, why);
}

/* ---- what must be there, and how many may be ---- */

static husk_status check_counts(const struct husk__checker *c)
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

static husk_status check_strings(const struct husk__checker *c)
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

static husk_status bad_order(const struct husk__checker *c, unsigned kind, size_t element)
{
    return husk__check_bad(c, kind, element, "its end is before its start");
}

static husk_status bad_unused(const struct husk__checker *c, unsigned kind, size_t element)
{
    return husk__check_bad(c, kind, element, "not zero where nothing belongs");
}

static husk_status check_about(const struct husk__checker *c)
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

static husk_status check_modules_and_threads(const struct husk__checker *c)
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

static husk_status check_frames(const struct husk__checker *c)
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

static husk_status check_stacks(const struct husk__checker *c)
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

static husk_status check_records(const struct husk__checker *c)
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

static husk_status bad_site(const struct husk__checker *c, unsigned kind, size_t element, uint32_t site)
{
    return husk__check_bad(c, kind, element, "there is no site of record %u and epoch %u", site & SITE_RECORD,
                           site >> SITE_EPOCH_SHIFT);
}

static husk_status check_sites(const struct husk__checker *c)
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

husk_status husk__snap_check(const struct husk_snapshot *snapshot, const char *name)
{
    static husk_status (*const checks[])(const struct husk__checker *c) = {
        check_strings, check_about, check_modules_and_threads, check_frames,      check_stacks,
        check_records, check_sites, husk__check_types,         husk__check_nodes, husk__check_edges,
    };
    struct husk__checker checker = { snapshot, name, 0, NULL };
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
