/* view/alive.c: see alive.h. One pass over the things into a hash table by place and type; neighbours in memory are
 * often alike, so the row of the latest thing is tried first. */
#include "view/alive.h"

#include "trace/sample.h"
#include "view/filter.h"
#include "view/index.h"
#include "view/sort.h"

#include <string.h>

struct counting {
    const struct husk_snapshot *snapshot;
    struct husk__index keys; /* place, type */
    struct husk__grow rows;  /* of the same numbers */
    uint64_t latest[2];
    uint32_t latest_row; /* INDEX_NONE: none yet */
    unsigned how;
    uint64_t object_mean, block_mean; /* sampling: bytes; 0: exact */
    struct husk__selection selection;
    bool failed;
};

uint32_t husk__alive_buffer(const struct husk_snapshot *snapshot)
{
    return (uint32_t)SNAP_COUNT(snapshot, TYPES);
}

uint32_t husk__alive_block(const struct husk_snapshot *snapshot)
{
    return (uint32_t)SNAP_COUNT(snapshot, TYPES) + 1;
}

const char *husk__alive_type(const struct husk_snapshot *snapshot, uint32_t type, size_t *length)
{
    if (type < SNAP_COUNT(snapshot, TYPES))
        return husk__snap_text(snapshot, SNAP(snapshot, TYPES)[type].name, length);
    const char *name = type == husk__alive_buffer(snapshot) ? "(buffer)" : "(block)";
    *length = strlen(name);
    return name;
}

static struct husk__alive_row *rows_of(const struct counting *c)
{
    return (struct husk__alive_row *)(void *)c->rows.at;
}

static size_t count_of(const struct counting *c)
{
    return c->rows.used / sizeof(struct husk__alive_row);
}

static struct husk__alive_row *row_for(struct counting *c, uint32_t place, uint32_t type)
{
    if (c->latest_row == INDEX_NONE || c->latest[0] != place || c->latest[1] != type) {
        const uint64_t key[2] = { place, type };
        uint32_t number = husk__index_add(&c->keys, key);
        if (number == INDEX_NONE || (number == count_of(c) && !husk__grow_add(&c->rows, sizeof *rows_of(c))))
            return NULL;
        c->latest[0] = place;
        c->latest[1] = type;
        c->latest_row = number;
        rows_of(c)[number].place = place;
        rows_of(c)[number].type = type;
    }
    return &rows_of(c)[c->latest_row];
}

/* Sums of a damaged or invented file stay at the greatest number. */
static uint64_t plus(uint64_t sum, uint64_t more)
{
    return more > UINT64_MAX - sum ? UINT64_MAX : sum + more;
}

static uint64_t rounded(double value)
{
    return value < 18446744073709549568.0 ? (uint64_t)(value + 0.5) : UINT64_MAX;
}

static void add(struct counting *c, uint32_t site, uint32_t type, uint64_t size, uint64_t mean)
{
    if (c->failed || (mean && !site))
        return;
    uint32_t place = site & SITE_RECORD;
    if (c->how & ALIVE_STACKS)
        place = SNAP(c->snapshot, RECORDS)[place].stack;
    struct husk__alive_row *row = row_for(c, place, c->how & ALIVE_MERGED ? 0 : type);
    if (!row)
        c->failed = true;
    else if (mean) {
        double weight = husk__sample_weight((size_t)mean, size);
        row->part_count += weight;
        row->part_bytes += weight * (double)size;
    } else {
        row->count++;
        row->bytes = plus(row->bytes, size);
    }
}

static void add_all(struct counting *c)
{
    const struct husk_snapshot *snapshot = c->snapshot;
    const struct husk__node *nodes = SNAP(snapshot, NODES);
    for (size_t n = 0; n < SNAP_COUNT(snapshot, NODES) && !c->failed; n++) {
        uint32_t site = husk__node_site(snapshot, n), type = husk__node_type(&nodes[n]);
        uint64_t size = husk__node_size(snapshot, n);
        if (husk__selected(&c->selection, site, type, size))
            add(c, site, type, size, c->object_mean);
    }
    const struct husk__block *blocks = SNAP(snapshot, BLOCKS);
    for (size_t b = 0; b < SNAP_COUNT(snapshot, BLOCKS) && !c->failed; b++) {
        bool buffer = blocks[b].kind == BLOCK_BUFFER;
        if (!husk__selected(&c->selection, blocks[b].site, husk__block_type(snapshot, &blocks[b]),
                            blocks[b].size))
            continue;
        add(c, blocks[b].site, buffer ? husk__alive_buffer(snapshot) : husk__alive_block(snapshot),
            blocks[b].size, buffer ? c->object_mean : c->block_mean);
    }
}

/* Rounds, sums and orders the rows into an array of their size. */
static bool finish(struct counting *c, struct husk__alive *out)
{
    size_t count = count_of(c);
    struct husk__pool pool = { .count = 0 };
    struct husk__pair *pairs = POOL_NEW(&pool, struct husk__pair, count);
    out->bytes_had = (count ? count : 1) * sizeof *out->rows;
    out->rows = pairs ? husk__raw_new(out->bytes_had) : NULL;
    for (size_t i = 0; out->rows && i < count; i++) {
        const struct husk__alive_row *row = &rows_of(c)[i];
        pairs[i] = (struct husk__pair){ (uint64_t)row->place << 32 | row->type, (uint32_t)i };
    }
    bool ok = out->rows && husk__sort_pairs(&pool, pairs, count);
    for (size_t i = 0; ok && i < count; i++) {
        struct husk__alive_row *row = &out->rows[i];
        *row = rows_of(c)[pairs[i].item];
        row->count = plus(row->count, rounded(row->part_count));
        row->bytes = plus(row->bytes, rounded(row->part_bytes));
        out->things = plus(out->things, row->count);
        out->bytes = plus(out->bytes, row->bytes);
    }
    out->count = ok ? count : 0;
    husk__pool_free(&pool);
    return ok;
}

husk_status husk__alive_make(const struct husk_snapshot *snapshot, unsigned how, const husk_filter *filter,
                             struct husk__alive *out)
{
    struct husk__pool pool = { .count = 0 };
    struct counting c = {
        .snapshot = snapshot, .keys = { .words = 2 }, .latest_row = INDEX_NONE, .how = how
    };
    (void)husk_snapshot_number(snapshot, "trace", "sample_bytes", &c.object_mean);
    (void)husk_snapshot_number(snapshot, "trace", "block_sample_bytes", &c.block_mean);
    *out = (struct husk__alive){ 0 };
    husk_status status = husk__selection_make(&pool, snapshot, filter, &c.selection);
    if (status == HUSK_OK) {
        add_all(&c);
        if (c.failed || !finish(&c, out)) {
            status = husk_fail(HUSK_ENOMEM, "%s", husk_status_text(HUSK_ENOMEM));
            husk__alive_free(out);
        }
    }
    husk__index_free(&c.keys);
    husk__grow_free(&c.rows);
    husk__pool_free(&pool);
    return status;
}

void husk__alive_free(struct husk__alive *alive)
{
    if (alive->rows)
        husk__raw_free(alive->rows, alive->bytes_had);
    *alive = (struct husk__alive){ 0 };
}
