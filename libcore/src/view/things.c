/* view/things.c: the things that pass, one after the other, for those who want no groups. */
#include "view/tally.h"
#include "trace/sample.h"

struct husk_things {
    const struct husk_snapshot *snapshot;
    uint32_t *numbers; /* of nodes, then SNAP_COUNT(NODES) + of blocks */
    size_t count, room;
    size_t mean[2];
};

static size_t choose(const struct husk_snapshot *snapshot, const struct husk__selection *selection,
                     bool untraced, uint32_t *numbers)
{
    size_t nodes = SNAP_COUNT(snapshot, NODES), count = 0;
    for (size_t n = 0; n < nodes; n++) {
        uint32_t site = husk__node_site(snapshot, n);
        if (((site & SITE_RECORD) || untraced) &&
            husk__selected(selection, site, husk__node_type(&SNAP(snapshot, NODES)[n]),
                           husk__node_size(snapshot, n)))
            numbers[count++] = (uint32_t)n;
    }
    for (size_t b = 0; b < SNAP_COUNT(snapshot, BLOCKS); b++) {
        const struct husk__block *block = &SNAP(snapshot, BLOCKS)[b];
        if (((block->site & SITE_RECORD) || untraced) &&
            husk__selected(selection, block->site, husk__block_type(snapshot, block), block->size))
            numbers[count++] = (uint32_t)(nodes + b);
    }
    return count;
}

husk_status husk_things_new(const husk_snapshot *snapshot, const husk_filter *filter, uint32_t flags,
                            husk_things **out)
{
    if (flags & ~(uint32_t)HUSK_STATS_UNTRACED)
        return husk_fail(HUSK_EINVAL, "things have no flag 0x%x", (unsigned)flags);
    struct husk__pool pool = { .count = 0 };
    struct husk__selection selection;
    size_t most = SNAP_COUNT(snapshot, NODES) + SNAP_COUNT(snapshot, BLOCKS);
    husk_status status = husk__selection_make(&pool, snapshot, filter, &selection);
    husk_things *things = status == HUSK_OK ? husk__raw_new(sizeof *things) : NULL;
    uint32_t *numbers = things && most < UINT32_MAX ? husk__raw_new((most + 1) * sizeof *numbers) : NULL;
    if (status == HUSK_OK && !numbers) {
        husk__raw_free(things, sizeof *things);
        status = husk_fail(HUSK_ENOMEM, "no memory for the list of things");
    }
    if (status == HUSK_OK) {
        *things = (struct husk_things){ .snapshot = snapshot, .numbers = numbers, .room = most + 1 };
        things->count = choose(snapshot, &selection, flags & HUSK_STATS_UNTRACED, numbers);
        husk__sample_means(snapshot, things->mean);
        *out = things;
    }
    husk__pool_free(&pool);
    return status;
}

void husk_things_free(husk_things *things)
{
    if (!things)
        return;
    husk__raw_free(things->numbers, things->room * sizeof *things->numbers);
    husk__raw_free(things, sizeof *things);
}

size_t husk_things_count(const husk_things *things)
{
    return things->count;
}

bool husk_things_at(const husk_things *things, size_t index, husk_thing *out)
{
    if (index >= things->count)
        return false;
    const struct husk_snapshot *snapshot = things->snapshot;
    size_t number = things->numbers[index], nodes = SNAP_COUNT(snapshot, NODES);
    const struct husk__block *block = number >= nodes ? &SNAP(snapshot, BLOCKS)[number - nodes] : NULL;
    uint32_t site = block ? block->site : husk__node_site(snapshot, number);
    uint32_t record_number = site & SITE_RECORD;
    const struct husk__record_row *record = &SNAP(snapshot, RECORDS)[record_number];
    const struct husk__context *context = &SNAP(snapshot, CONTEXTS)[record->context];
    bool foreign = block && block->kind == BLOCK_FOREIGN;
    *out = (husk_thing){
        .kind = foreign ? HUSK_THING_BLOCK
                : block ? HUSK_THING_BUFFER
                        : HUSK_THING_OBJECT,
        .traced = record_number,
        .weight = 1,
        .type = "",
        .tag = husk__snap_text(snapshot, context->tag, NULL),
        .domain = husk__snap_text(snapshot, context->domain, NULL),
        .mark = "",
        .thread = SNAP(snapshot, THREADS)[context->thread].id,
        .stack = record->stack,
        .record = record_number,
    };
    if (block) {
        out->address = block->address;
        out->size = block->size;
    } else {
        const struct husk__node *node = &SNAP(snapshot, NODES)[number];
        out->address = husk__node_address(node);
        out->size = husk__node_size(snapshot, number);
        out->type = husk__snap_text(snapshot, SNAP(snapshot, TYPES)[husk__node_type(node)].name, NULL);
    }
    size_t mean = things->mean[foreign];
    if (record_number && mean)
        out->weight = husk__sample_weight(mean, out->size);
    size_t epoch = site >> SITE_EPOCH_SHIFT;
    if (record_number && epoch < SNAP_COUNT(snapshot, EPOCHS))
        out->mark = husk__snap_text(snapshot, husk__mark_of(snapshot, epoch), NULL);
    return true;
}
