/* view/tally.c: see tally.h. One pass over the things into a hash table by place and type; neighbours in memory are
 * often alike, so the row of the latest thing is tried first. */
#include "view/tally.h"

#include "trace/sample.h"
#include "view/sort.h"

#include <string.h>

struct counting {
    const struct husk_snapshot *snapshot;
    struct husk__grow rows;
    uint32_t *table; /* row number + 1; open addressing, a power of two, at most half full */
    size_t room, latest;
    unsigned how;
    uint64_t object_mean, block_mean; /* sampling: bytes; 0: exact */
    bool failed;
};

uint32_t husk__tally_buffer(const struct husk_snapshot *snapshot)
{
    return (uint32_t)SNAP_COUNT(snapshot, TYPES);
}

uint32_t husk__tally_block(const struct husk_snapshot *snapshot)
{
    return (uint32_t)SNAP_COUNT(snapshot, TYPES) + 1;
}

const char *husk__tally_type(const struct husk_snapshot *snapshot, uint32_t type, size_t *length)
{
    if (type < SNAP_COUNT(snapshot, TYPES))
        return husk__snap_text(snapshot, SNAP(snapshot, TYPES)[type].name, length);
    const char *name = type == husk__tally_buffer(snapshot) ? "(buffer)" : "(block)";
    *length = strlen(name);
    return name;
}

static struct husk__tally_row *rows_of(const struct counting *c)
{
    return (struct husk__tally_row *)(void *)c->rows.at;
}

static size_t count_of(const struct counting *c)
{
    return c->rows.used / sizeof(struct husk__tally_row);
}

static size_t slot_of(const struct counting *c, uint32_t place, uint32_t type)
{
    uint64_t hash = ((uint64_t)place << 32 | type) * 0x9E3779B97F4A7C15u;
    size_t at = (size_t)(hash >> 32) & (c->room - 1);
    while (c->table[at]) {
        const struct husk__tally_row *row = &rows_of(c)[c->table[at] - 1];
        if (row->place == place && row->type == type)
            break;
        at = (at + 1) & (c->room - 1);
    }
    return at;
}

static bool more_room(struct counting *c)
{
    size_t room = c->room ? c->room * 2 : 512;
    uint32_t *table = husk__raw_new(room * sizeof *table);
    if (!table)
        return false;
    husk__raw_free(c->table, c->room * sizeof *table);
    c->table = table;
    c->room = room;
    for (size_t i = 0; i < count_of(c); i++)
        table[slot_of(c, rows_of(c)[i].place, rows_of(c)[i].type)] = (uint32_t)i + 1;
    return true;
}

static struct husk__tally_row *row_for(struct counting *c, uint32_t place, uint32_t type)
{
    if (c->latest < count_of(c)) {
        struct husk__tally_row *row = &rows_of(c)[c->latest];
        if (row->place == place && row->type == type)
            return row;
    }
    if (c->room < 2 * (count_of(c) + 1) && !more_room(c))
        return NULL;
    size_t at = slot_of(c, place, type);
    if (!c->table[at]) {
        struct husk__tally_row *row = husk__grow_add(&c->rows, sizeof *row);
        if (!row)
            return NULL;
        *row = (struct husk__tally_row){ .place = place, .type = type };
        c->table[at] = (uint32_t)count_of(c);
    }
    c->latest = c->table[at] - 1;
    return &rows_of(c)[c->latest];
}

static void add(struct counting *c, uint32_t site, uint32_t type, uint64_t size, uint64_t mean)
{
    if (c->failed || (mean && !site))
        return;
    uint32_t place = site & SITE_RECORD;
    if (c->how & TALLY_STACKS)
        place = SNAP(c->snapshot, RECORDS)[place].stack;
    struct husk__tally_row *row = row_for(c, place, c->how & TALLY_MERGED ? 0 : type);
    if (!row)
        c->failed = true;
    else if (mean) {
        double weight = husk__sample_weight((size_t)mean, size);
        row->part_count += weight;
        row->part_bytes += weight * (double)size;
    } else {
        row->count++;
        row->bytes += size;
    }
}

static void add_all(struct counting *c)
{
    const struct husk_snapshot *snapshot = c->snapshot;
    const struct husk__node *nodes = SNAP(snapshot, NODES);
    for (size_t n = 0; n < SNAP_COUNT(snapshot, NODES) && !c->failed; n++)
        add(c, husk__node_site(snapshot, n), husk__node_type(&nodes[n]), husk__node_size(snapshot, n),
            c->object_mean);
    const struct husk__block *blocks = SNAP(snapshot, BLOCKS);
    for (size_t b = 0; b < SNAP_COUNT(snapshot, BLOCKS) && !c->failed; b++) {
        bool buffer = blocks[b].kind == BLOCK_BUFFER;
        add(c, blocks[b].site, buffer ? husk__tally_buffer(snapshot) : husk__tally_block(snapshot),
            blocks[b].size, buffer ? c->object_mean : c->block_mean);
    }
}

/* Rounds, sums and orders the rows into an array of their size. */
static bool finish(struct counting *c, struct husk__tally *out)
{
    size_t count = count_of(c);
    struct husk__pool pool = { .count = 0 };
    struct husk__pair *pairs = POOL_NEW(&pool, struct husk__pair, count);
    out->bytes_had = (count ? count : 1) * sizeof *out->rows;
    out->rows = pairs ? husk__raw_new(out->bytes_had) : NULL;
    for (size_t i = 0; out->rows && i < count; i++) {
        const struct husk__tally_row *row = &rows_of(c)[i];
        pairs[i] = (struct husk__pair){ (uint64_t)row->place << 32 | row->type, (uint32_t)i };
    }
    bool ok = out->rows && husk__sort_pairs(&pool, pairs, count);
    for (size_t i = 0; ok && i < count; i++) {
        struct husk__tally_row *row = &out->rows[i];
        *row = rows_of(c)[pairs[i].item];
        row->count += (uint64_t)(row->part_count + 0.5);
        row->bytes += (uint64_t)(row->part_bytes + 0.5);
        out->things += row->count;
        out->bytes += row->bytes;
    }
    out->count = ok ? count : 0;
    husk__pool_free(&pool);
    return ok;
}

bool husk__tally_make(const struct husk_snapshot *snapshot, unsigned how, struct husk__tally *out)
{
    struct counting c = { .snapshot = snapshot, .how = how };
    (void)husk_snapshot_number(snapshot, "trace", "sample_bytes", &c.object_mean);
    (void)husk_snapshot_number(snapshot, "trace", "block_sample_bytes", &c.block_mean);
    *out = (struct husk__tally){ 0 };
    add_all(&c);
    bool ok = !c.failed && finish(&c, out);
    if (!ok)
        husk__tally_free(out);
    husk__raw_free(c.table, c.room * sizeof *c.table);
    husk__grow_free(&c.rows);
    return ok;
}

void husk__tally_free(struct husk__tally *tally)
{
    if (tally->rows)
        husk__raw_free(tally->rows, tally->bytes_had);
    *tally = (struct husk__tally){ 0 };
}
