/* view/export_json.c: everything that is in the snapshot, as one JSON object. docs/exports.md describes it; what refers to
 * a row of another array has its number. */
#include "view/export.h"

struct dump {
    const struct husk_snapshot *snapshot;
    struct husk__json json;
};

/* ---- pieces ---- */

static void key_string(struct dump *d, const char *key, uint32_t string)
{
    husk__json_key(&d->json, key);
    husk__json_snap(&d->json, d->snapshot, string);
}

static void key_u64(struct dump *d, const char *key, uint64_t value)
{
    husk__json_key(&d->json, key);
    husk__json_u64(&d->json, value);
}

static void key_hex(struct dump *d, const char *key, uint64_t value)
{
    husk__json_key(&d->json, key);
    husk__json_hex(&d->json, value);
}

static void key_flag(struct dump *d, const char *key, bool value)
{
    husk__json_key(&d->json, key);
    husk__json_bool(&d->json, value);
}

static void open_row(struct dump *d)
{
    husk__json_line(&d->json);
    husk__json_open(&d->json, '{');
}

static void close_row(struct dump *d)
{
    husk__json_close(&d->json, '}');
}

static void open_list(struct dump *d, const char *key)
{
    husk__json_line(&d->json);
    husk__json_key(&d->json, key);
    husk__json_open(&d->json, '[');
}

static void close_list(struct dump *d)
{
    husk__json_close(&d->json, ']');
}

#define EACH(d, name, row)                                                                                   \
    for (const husk__snap_##name *row = SNAP((d)->snapshot, name),                                           \
                                 *row##_end = row ? row + SNAP_COUNT((d)->snapshot, name) : row;             \
         row != row##_end && !(d)->json.out->refused; row++)

/* ---- about ---- */

static void put_about(struct dump *d)
{
    open_list(d, "about");
    EACH(d, META, meta)
    {
        open_row(d);
        key_string(d, "key", meta->key);
        key_string(d, "value", meta->value);
        close_row(d);
    }
    close_list(d);
    open_list(d, "figures");
    EACH(d, NUMBERS, number)
    {
        open_row(d);
        key_string(d, "group", number->group);
        key_string(d, "name", number->name);
        key_u64(d, "value", number->value);
        close_row(d);
    }
    close_list(d);
}

static void put_counts(struct dump *d)
{
    husk_snapshot_counts counts;
    husk_snapshot_counts_get(d->snapshot, &counts);
    husk__json_line(&d->json);
    husk__json_key(&d->json, "counts");
    husk__json_open(&d->json, '{');
    key_u64(d, "objects", counts.objects);
    key_u64(d, "object_bytes", counts.object_bytes);
    key_u64(d, "edges", counts.edges);
    key_u64(d, "weak_edges", counts.weak_edges);
    key_u64(d, "buffers", counts.buffers);
    key_u64(d, "buffer_bytes", counts.buffer_bytes);
    key_u64(d, "blocks", counts.blocks);
    key_u64(d, "block_bytes", counts.block_bytes);
    key_u64(d, "traced", counts.traced);
    husk__json_close(&d->json, '}');
}

/* ---- types ---- */

static void put_types(struct dump *d)
{
    static const char *const kinds[] = { "strong", "weak", "ephemeron" };
    open_list(d, "types");
    EACH(d, TYPES, type)
    {
        open_row(d);
        key_string(d, "name", type->name);
        key_u64(d, "size", type->size);
        key_u64(d, "instances", type->instances);
        key_flag(d, "tracked", type->flags & TYPE_ROW_TRACKED);
        key_flag(d, "finalize", type->flags & TYPE_ROW_FINALIZE);
        key_flag(d, "weak", type->flags & TYPE_ROW_WEAK);
        husk__json_key(&d->json, "fields");
        husk__json_open(&d->json, '[');
        for (uint32_t f = 0; f < type->field_count; f++) {
            const struct husk__field *field = &SNAP(d->snapshot, FIELDS)[type->field_first + f];
            husk__json_open(&d->json, '{');
            key_string(d, "name", field->name);
            key_flag(d, "indexed", field->flags & FIELD_INDEXED);
            husk__json_key(&d->json, "kind");
            husk__json_text(&d->json, kinds[field->kind]);
            husk__json_close(&d->json, '}');
        }
        close_list(d);
        close_row(d);
    }
    close_list(d);
}

/* ---- places ---- */

static void put_records(struct dump *d)
{
    open_list(d, "records");
    EACH(d, RECORDS, record)
    {
        open_row(d);
        key_u64(d, "stack", record->stack);
        key_u64(d, "context", record->context);
        key_u64(d, "born_count", record->born_count);
        key_u64(d, "born_bytes", record->born_bytes);
        key_u64(d, "died_count", record->died_count);
        key_u64(d, "died_bytes", record->died_bytes);
        key_u64(d, "temporary", record->temporary);
        key_u64(d, "peak_count", record->peak_count);
        key_u64(d, "peak_bytes", record->peak_bytes);
        close_row(d);
    }
    close_list(d);
    open_list(d, "contexts");
    EACH(d, CONTEXTS, context)
    {
        open_row(d);
        key_string(d, "tag", context->tag);
        key_string(d, "domain", context->domain);
        key_u64(d, "thread", context->thread);
        close_row(d);
    }
    close_list(d);
    open_list(d, "threads");
    EACH(d, THREADS, thread)
    {
        open_row(d);
        husk__json_key(&d->json, "id");
        husk__json_open(&d->json, '"');
        husk__out_u64(d->json.out, thread->id);
        husk__json_close(&d->json, '"');
        key_string(d, "name", thread->name);
        close_row(d);
    }
    close_list(d);
    open_list(d, "epochs");
    EACH(d, EPOCHS, epoch)
    {
        open_row(d);
        key_u64(d, "start_ns", epoch->start_ns);
        key_string(d, "mark", epoch->mark);
        close_row(d);
    }
    close_list(d);
}

static void put_stacks(struct dump *d)
{
    static const char *const kinds[] = { "explicit", "native", "language" };
    open_list(d, "stacks");
    EACH(d, STACKS, stack)
    {
        open_row(d);
        key_u64(d, "parent", stack->parent);
        key_u64(d, "frame", stack->frame);
        key_u64(d, "depth", stack->depth);
        key_u64(d, "total", stack->total);
        close_row(d);
    }
    close_list(d);
    open_list(d, "frames");
    EACH(d, FRAMES, frame)
    {
        open_row(d);
        key_string(d, "file", frame->file);
        key_u64(d, "line", frame->line);
        key_string(d, "function", frame->function);
        husk__json_key(&d->json, "kind");
        husk__json_text(&d->json, kinds[frame->kind]);
        if (frame->kind == FRAME_NATIVE) {
            key_u64(d, "module", frame->module);
            key_hex(d, "address", frame->address);
        }
        close_row(d);
    }
    close_list(d);
    open_list(d, "modules");
    EACH(d, MODULES, module)
    {
        open_row(d);
        key_string(d, "path", module->path);
        key_string(d, "build_id", module->build_id);
        key_hex(d, "start", module->start);
        key_hex(d, "end", module->end);
        key_hex(d, "offset", module->offset);
        close_row(d);
    }
    close_list(d);
}

/* ---- the heap and the process ---- */

static void put_classes(struct dump *d)
{
    open_list(d, "classes");
    EACH(d, CLASSES, row)
    {
        open_row(d);
        key_u64(d, "block_bytes", row->block_bytes);
        key_flag(d, "tracked", row->tracked);
        key_u64(d, "pages", row->pages);
        key_u64(d, "used", row->used);
        key_u64(d, "free", row->free);
        key_u64(d, "untouched", row->untouched);
        key_u64(d, "used_bytes", row->used_bytes);
        close_row(d);
    }
    close_list(d);
}

static void put_passes(struct dump *d)
{
    open_list(d, "passes");
    EACH(d, PASSES, pass)
    {
        open_row(d);
        husk__json_key(&d->json, "kind");
        husk__json_text(&d->json, pass->kind ? "pass" : "all");
        key_u64(d, "reason", pass->reason);
        key_u64(d, "passes", pass->passes);
        key_u64(d, "examined", pass->examined);
        key_u64(d, "collected", pass->collected);
        key_u64(d, "uncollectable", pass->uncollectable);
        key_u64(d, "finalized", pass->finalized);
        key_u64(d, "resurrected", pass->resurrected);
        key_u64(d, "weak_cleared", pass->weak_cleared);
        key_u64(d, "deferred", pass->deferred);
        key_u64(d, "bytes", pass->bytes);
        key_u64(d, "find_ns", pass->find_ns);
        key_u64(d, "finalize_ns", pass->finalize_ns);
        key_u64(d, "reclaim_ns", pass->reclaim_ns);
        key_u64(d, "longest_ns", pass->longest_ns);
        close_row(d);
    }
    close_list(d);
}

static void put_maps(struct dump *d)
{
    open_list(d, "maps");
    EACH(d, MAPS, map)
    {
        open_row(d);
        key_hex(d, "start", map->start);
        key_hex(d, "end", map->end);
        key_string(d, "path", map->path);
        key_string(d, "permissions", map->permissions);
        key_u64(d, "rss", map->rss);
        key_u64(d, "pss", map->pss);
        key_u64(d, "private_dirty", map->private_dirty);
        key_u64(d, "swap", map->swap);
        close_row(d);
    }
    close_list(d);
}

/* ---- things ---- */

static void key_site(struct dump *d, uint32_t site)
{
    if (!site)
        return;
    key_u64(d, "record", site & SITE_RECORD);
    key_u64(d, "epoch", site >> SITE_EPOCH_SHIFT);
}

static void put_blocks(struct dump *d)
{
    open_list(d, "blocks");
    EACH(d, BLOCKS, block)
    {
        open_row(d);
        husk__json_key(&d->json, "kind");
        husk__json_text(&d->json, block->kind == BLOCK_BUFFER ? "buffer" : "block");
        key_hex(d, "address", block->address);
        key_u64(d, "size", block->size);
        key_site(d, block->site);
        close_row(d);
    }
    close_list(d);
}

static void put_flags(struct dump *d, uint8_t flags)
{
    static const struct {
        uint8_t flag;
        const char *name;
    } names[] = {
        { NODE_TRACKED, "tracked" },   { NODE_FINALIZED, "finalized" }, { NODE_FROZEN, "frozen" },
        { NODE_IMMORTAL, "immortal" }, { NODE_PENDING, "pending" },     { NODE_WEAKLY, "weakly" },
    };
    husk__json_key(&d->json, "flags");
    husk__json_open(&d->json, '[');
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (flags & names[i].flag)
            husk__json_text(&d->json, names[i].name);
    close_list(d);
}

/* [to, field] or [to, field, index]; the field's number is that in its type. */
static void put_edges(struct dump *d, struct husk__edge_walk *walk, const struct husk__field *fields)
{
    husk__json_key(&d->json, "edges");
    husk__json_open(&d->json, '[');
    while (husk__edge_next(walk)) {
        husk__json_open(&d->json, '[');
        husk__json_u64(&d->json, walk->to);
        husk__json_u64(&d->json, (uint64_t)(walk->field - fields));
        if (walk->index != UINT32_MAX)
            husk__json_u64(&d->json, walk->index);
        close_list(d);
    }
    close_list(d);
}

static void put_objects(struct dump *d)
{
    const struct husk_snapshot *snapshot = d->snapshot;
    struct husk__edge_walk walk = husk__edges_of(snapshot, 0);
    open_list(d, "objects");
    for (size_t n = 0; n < SNAP_COUNT(snapshot, NODES) && !d->json.out->refused; n++) {
        const struct husk__node *node = &SNAP(snapshot, NODES)[n];
        open_row(d);
        key_hex(d, "address", husk__node_address(node));
        key_u64(d, "type", husk__node_type(node));
        key_u64(d, "size", husk__node_size(snapshot, n));
        husk__json_key(&d->json, "hidden");
        husk__json_i64(&d->json, husk__node_hidden(snapshot, n));
        put_flags(d, node->flags);
        key_site(d, husk__node_site(snapshot, n));
        put_edges(d, &walk,
                  SNAP(snapshot, FIELDS) + SNAP(snapshot, TYPES)[husk__node_type(node)].field_first);
        close_row(d);
        husk__edges_next_node(&walk);
    }
    close_list(d);
}

husk_status husk__export_json(struct husk__export *export)
{
    struct dump d = { .snapshot = export->snapshot };
    husk__json_begin(&d.json, export->out);
    husk__json_open(&d.json, '{');
    husk__json_key(&d.json, "format");
    husk__json_text(&d.json, "husk-snapshot");
    key_u64(&d, "version", 1);
    put_about(&d);
    put_counts(&d);
    put_types(&d);
    put_records(&d);
    put_stacks(&d);
    put_classes(&d);
    put_passes(&d);
    put_maps(&d);
    put_blocks(&d);
    put_objects(&d);
    husk__json_line(&d.json);
    husk__json_close(&d.json, '}');
    husk__out_char(export->out, '\n');
    return HUSK_OK;
}
