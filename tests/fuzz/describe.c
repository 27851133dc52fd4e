/* tests/fuzz/describe.c: all that is in a snapshot's file, one fact a line, as the library reads it.
 * read_by_page.lua prints the same of the same file, from docs/snapshot-file.md alone. */
#include "view/snapshot.h"

#include <inttypes.h>
#include <stdio.h>

static const struct husk_snapshot *s;

/* A string as one word: what is not a plain character, and %, in hexadecimal. */
static void word(uint32_t string)
{
    size_t length;
    const char *at = husk__snap_text(s, string, &length);
    putchar(' ');
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)at[i];
        if (c > ' ' && c < 0x7F && c != '%')
            putchar(c);
        else
            printf("%%%02X", c);
    }
    if (!length)
        putchar('-');
}

static void number(uint64_t value)
{
    printf(" %" PRIu64, value);
}

static void about(void)
{
    for (size_t i = 0; i < SNAP_COUNT(s, META); i++)
        printf("meta"), word(SNAP(s, META)[i].key), word(SNAP(s, META)[i].value), putchar('\n');
    for (size_t i = 0; i < SNAP_COUNT(s, NUMBERS); i++) {
        const struct husk__number *row = &SNAP(s, NUMBERS)[i];
        printf("number"), word(row->group), word(row->name), number(row->value), putchar('\n');
    }
    for (size_t i = 0; i < SNAP_COUNT(s, CLASSES); i++) {
        const struct husk__class_row *row = &SNAP(s, CLASSES)[i];
        printf("class %u %u", row->block_bytes, row->tracked);
        number(row->pages), number(row->used), number(row->free), number(row->untouched),
            number(row->used_bytes);
        putchar('\n');
    }
    for (size_t i = 0; i < SNAP_COUNT(s, PASSES); i++) {
        const struct husk__pass_row *row = &SNAP(s, PASSES)[i];
        printf("pass %u %u", row->kind, row->reason);
        number(row->passes), number(row->examined), number(row->collected), number(row->uncollectable);
        number(row->finalized), number(row->resurrected), number(row->weak_cleared), number(row->deferred);
        number(row->bytes), number(row->find_ns), number(row->finalize_ns), number(row->reclaim_ns);
        number(row->longest_ns), putchar('\n');
    }
    for (size_t i = 0; i < SNAP_COUNT(s, MAPS); i++) {
        const struct husk__map_row *row = &SNAP(s, MAPS)[i];
        printf("map"), number(row->start), number(row->end), number(row->rss), number(row->pss);
        number(row->private_dirty), number(row->swap), word(row->path), word(row->permissions), putchar('\n');
    }
}

static void types(void)
{
    for (size_t t = 0; t < SNAP_COUNT(s, TYPES); t++) {
        const struct husk__type_row *row = &SNAP(s, TYPES)[t];
        printf("type %zu", t), word(row->name), number(row->flags), number(row->size), number(row->instances);
        putchar('\n');
        for (uint32_t f = 0; f < row->field_count; f++) {
            const struct husk__field *field = &SNAP(s, FIELDS)[row->field_first + f];
            printf("field %zu %u", t, f), word(field->name), number(field->kind), number(field->flags);
            putchar('\n');
        }
    }
}

static void site(uint32_t of)
{
    printf(" R%u E%u", of & SITE_RECORD, of >> SITE_EPOCH_SHIFT);
}

static void nodes(void)
{
    for (size_t n = 0; n < SNAP_COUNT(s, NODES); n++) {
        const struct husk__node *row = &SNAP(s, NODES)[n];
        printf("node %zu", n), number(husk__node_address(row)), number(husk__node_type(row));
        number(husk__node_size(s, n)), printf(" %" PRId64, husk__node_hidden(s, n));
        number(husk__node_degree(s, n)), number(row->flags), site(husk__node_site(s, n)), putchar('\n');
        struct husk__edge_walk walk = husk__edges_of(s, n);
        while (husk__edge_next(&walk)) {
            printf("edge %u", walk.to), word(walk.field->name), number(walk.field->kind);
            if (walk.index != UINT32_MAX)
                printf(" [%u]", walk.index);
            putchar('\n');
        }
    }
    for (size_t b = 0; b < SNAP_COUNT(s, BLOCKS); b++) {
        const struct husk__block *row = &SNAP(s, BLOCKS)[b];
        printf("block"), number(row->address), number(row->size), number(row->kind), site(row->site);
        putchar('\n');
    }
}

static void frames(uint32_t stack)
{
    for (; stack; stack = SNAP(s, STACKS)[stack].parent) {
        const struct husk__frame *row = &SNAP(s, FRAMES)[SNAP(s, STACKS)[stack].frame];
        printf("frame"), word(row->file), word(row->function), number(row->line), number(row->kind);
        number(row->module), number(row->address), putchar('\n');
    }
}

static void places(void)
{
    for (size_t r = 0; r < SNAP_COUNT(s, RECORDS); r++) {
        const struct husk__record_row *row = &SNAP(s, RECORDS)[r];
        printf("record %zu", r), number(row->context), number(row->born_count), number(row->born_bytes);
        number(row->died_count), number(row->died_bytes), number(row->temporary), number(row->peak_count);
        number(row->peak_bytes), number(SNAP(s, STACKS)[row->stack].depth);
        number(SNAP(s, STACKS)[row->stack].total), putchar('\n');
        frames(row->stack);
    }
    for (size_t c = 0; c < SNAP_COUNT(s, CONTEXTS); c++) {
        const struct husk__context *row = &SNAP(s, CONTEXTS)[c];
        printf("context %zu", c), word(row->tag), word(row->domain), number(row->thread), putchar('\n');
    }
    for (size_t m = 0; m < SNAP_COUNT(s, MODULES); m++) {
        const struct husk__module *row = &SNAP(s, MODULES)[m];
        printf("module %zu", m), word(row->path), word(row->build_id), number(row->start), number(row->end);
        number(row->offset), putchar('\n');
    }
    for (size_t t = 0; t < SNAP_COUNT(s, THREADS); t++)
        printf("thread"), number(SNAP(s, THREADS)[t].id), word(SNAP(s, THREADS)[t].name), putchar('\n');
    for (size_t e = 0; e < SNAP_COUNT(s, EPOCHS); e++)
        printf("epoch"), number(SNAP(s, EPOCHS)[e].start_ns), word(SNAP(s, EPOCHS)[e].mark), putchar('\n');
}

int main(int count, char **words)
{
    if (count != 2) {
        fprintf(stderr, "usage: %s FILE\n", words[0]);
        return 2;
    }
    husk_snapshot *snapshot;
    if (husk_snapshot_load(words[1], &snapshot) != HUSK_OK) {
        fprintf(stderr, "%s\n", husk_message());
        return 3;
    }
    s = snapshot;
    about();
    types();
    nodes();
    places();
    husk_snapshot_free(snapshot);
    return 0;
}
