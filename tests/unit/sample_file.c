/* tests/unit/sample_file.c: see sample_file.h. */
#include "sample_file.h"

#include "base/crc32c.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool sample_file_read(const char *path, struct sample_file *out)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return false;
    fseek(file, 0, SEEK_END);
    out->length = (size_t)ftell(file);
    rewind(file);
    out->bytes = malloc(out->length ? out->length : 1);
    bool ok = out->bytes && fread(out->bytes, 1, out->length, file) == out->length;
    fclose(file);
    return ok;
}

struct sample_file sample_file_of(const struct husk_snapshot *snapshot)
{
    struct sample_file file = { NULL, 0 };
    char path[64];
    snprintf(path, sizeof path, "sample-%ld.husk", (long)getpid());
    if (husk_snapshot_save(snapshot, path) != HUSK_OK || !sample_file_read(path, &file))
        file.length = 0;
    remove(path);
    return file;
}

struct sample_file sample_file_copy(const struct sample_file *file, size_t length)
{
    struct sample_file copy = { malloc(length ? length : 1), length };
    if (!copy.bytes)
        abort();
    memcpy(copy.bytes, file->bytes, length < file->length ? length : file->length);
    if (length > file->length)
        memset(copy.bytes + file->length, 0, length - file->length);
    return copy;
}

void sample_file_end(struct sample_file *file)
{
    free(file->bytes);
    *file = (struct sample_file){ NULL, 0 };
}

static size_t rows_of(const unsigned char *bytes, size_t length)
{
    const struct husk__file_head *head = (const void *)bytes;
    if (length < sizeof *head)
        return 0;
    size_t room = (length - sizeof *head) / sizeof(struct husk__file_row);
    return head->sections <= room ? head->sections : 0; /* a table that is not there cannot be mended */
}

void *sample_file_section(const struct sample_file *file, unsigned kind, struct husk__file_row **row,
                          size_t *count)
{
    struct husk__file_row *rows = (void *)(file->bytes + sizeof(struct husk__file_head));
    for (size_t r = 0; r < rows_of(file->bytes, file->length); r++)
        if (rows[r].kind == kind) {
            if (row)
                *row = &rows[r];
            if (count)
                *count = (size_t)rows[r].count;
            return file->bytes + rows[r].offset;
        }
    return NULL;
}

void sample_file_repair(unsigned char *bytes, size_t length)
{
    struct husk__file_head *head = (void *)bytes;
    struct husk__file_row *rows = (void *)(bytes + sizeof *head);
    if (length < sizeof *head)
        return;
    size_t count = rows_of(bytes, length);
    for (size_t r = 0; r < count; r++)
        if (rows[r].offset <= length &&
            (!rows[r].item || rows[r].count <= (length - rows[r].offset) / rows[r].item))
            rows[r].crc = husk__crc32c(0, bytes + rows[r].offset, (size_t)rows[r].count * rows[r].item);
    memcpy(head->magic, FILE_MAGIC, sizeof head->magic);
    head->length = length;
    head->table_crc = husk__crc32c(0, rows, count * sizeof *rows);
    head->crc = husk__crc32c(0, head, offsetof(struct husk__file_head, crc));
}

/* ---- reading everything ---- */

static uint64_t mix(uint64_t sum, uint64_t value)
{
    return (sum ^ value) * 0x9E3779B97F4A7C15u + (sum >> 29);
}

static uint64_t mix_text(uint64_t sum, const char *text)
{
    return text ? mix(sum, husk__crc32c(0, text, strlen(text) + 1)) : mix(sum, 1);
}

static uint64_t mix_string(uint64_t sum, const struct husk_snapshot *s, uint32_t string)
{
    size_t length;
    const char *text = husk__snap_text(s, string, &length);
    return mix(sum, husk__crc32c(0, text, length + 1));
}

static uint64_t walk_texts(const struct husk_snapshot *s, uint64_t sum)
{
    const char *key;
    for (size_t i = 0; (key = husk_snapshot_text_key(s, i)); i++)
        sum = mix_text(mix_text(sum, key), husk_snapshot_text(s, key));
    husk_snapshot_figure figure;
    for (size_t i = 0; husk_snapshot_figure_at(s, i, &figure); i++) {
        uint64_t value = 0;
        if (husk_snapshot_number(s, figure.group, figure.name, &value) != HUSK_OK)
            abort();
        sum = mix(mix_text(mix_text(sum, figure.group), figure.name), figure.value + value);
    }
    for (size_t i = 0; i < SNAP_COUNT(s, MAPS); i++)
        sum = mix_string(mix_string(sum, s, SNAP(s, MAPS)[i].path), s, SNAP(s, MAPS)[i].permissions);
    return sum;
}

static uint64_t walk_types(const struct husk_snapshot *s, uint64_t sum)
{
    for (size_t t = 0; t < SNAP_COUNT(s, TYPES); t++) {
        const struct husk__type_row *type = &SNAP(s, TYPES)[t];
        sum = mix_string(mix(sum, type->size + type->instances), s, type->name);
        for (uint32_t f = 0; f < type->field_count; f++)
            sum = mix_string(sum, s, SNAP(s, FIELDS)[type->field_first + f].name);
    }
    return sum;
}

static uint64_t walk_places(const struct husk_snapshot *s, uint64_t sum)
{
    for (uint32_t i = 0; i < SNAP_COUNT(s, STACKS); i++) {
        size_t depth = husk_snapshot_depth(s, i), seen = 0;
        husk_frame frame;
        /* Each look-up goes from the newest on: of very deep ones only the ends. */
        uint32_t here = i;
        for (size_t f = 0; f < 20 && husk_snapshot_frame(s, here, 0, &frame); f++) {
            sum = mix(mix_text(sum, frame.file), here);
            here = husk_snapshot_caller(s, here);
        }
        for (size_t f = 0; husk_snapshot_frame(s, i, f, &frame); f++) {
            sum = mix_text(mix_text(mix_text(sum, frame.file), frame.function), frame.module);
            sum = mix(sum, frame.line + frame.address);
            seen++;
            if (depth > 100 && f == 20) {
                f = depth - 20;
                seen += f - 20;
            }
        }
        if (seen != depth)
            abort();
        sum = mix(sum, husk_snapshot_total_depth(s, i));
    }
    for (size_t i = 0; i < SNAP_COUNT(s, RECORDS); i++) {
        const struct husk__record_row *record = &SNAP(s, RECORDS)[i];
        const struct husk__context *context = &SNAP(s, CONTEXTS)[record->context];
        sum = mix(sum, SNAP(s, STACKS)[record->stack].depth + record->born_bytes);
        sum = mix_string(mix_string(sum, s, context->tag), s, context->domain);
        sum = mix_string(sum, s, SNAP(s, THREADS)[context->thread].name);
    }
    for (size_t i = 0; i < SNAP_COUNT(s, EPOCHS); i++)
        sum = mix_string(mix(sum, SNAP(s, EPOCHS)[i].start_ns), s, SNAP(s, EPOCHS)[i].mark);
    return sum;
}

static uint64_t walk_site(const struct husk_snapshot *s, uint64_t sum, uint32_t site)
{
    if (!site)
        return mix(sum, 0);
    sum = mix(sum, SNAP(s, RECORDS)[site & SITE_RECORD].born_count);
    return mix(sum, SNAP(s, EPOCHS)[site >> SITE_EPOCH_SHIFT].start_ns);
}

/* Edges in one go, and those of each node looked up by itself: the same. */
static uint64_t walk_nodes(const struct husk_snapshot *s, uint64_t sum)
{
    struct husk__edge_walk walk = husk__edges_of(s, 0);
    husk_node node;
    for (size_t n = 0; husk_snapshot_node(s, n, &node); n++) {
        sum = mix_text(mix(sum, node.address + node.size + (uint64_t)node.hidden), node.type);
        sum = walk_site(s, sum, husk__node_site(s, n));
        if (husk_snapshot_find(s, node.address) != n)
            abort();
        struct husk__edge_walk again = husk__edges_of(s, n);
        if (node.edges != walk.left || again.left != walk.left || again.edge != walk.edge)
            abort();
        for (size_t e = 0; husk__edge_next(&walk); e++) {
            if (!husk__edge_next(&again) || again.to != walk.to || again.field != walk.field ||
                again.index != walk.index)
                abort();
            sum = mix(sum, walk.to + SNAP(s, NODES)[walk.to].where + walk.index);
            sum = mix_string(sum, s, walk.field->name);
            husk_snapshot_edge edge;
            if (e < 20 && (!husk_snapshot_edge_at(s, n, e, &edge) || edge.to != walk.to))
                abort();
        }
        husk__edges_next_node(&walk);
    }
    return sum;
}

uint64_t sample_snapshot_walk(const struct husk_snapshot *s)
{
    husk_snapshot_counts counts;
    husk_snapshot_counts_get(s, &counts);
    uint64_t sum = mix(counts.object_bytes + counts.traced, counts.edges + counts.weak_edges);
    sum = walk_texts(s, sum);
    sum = walk_types(s, sum);
    sum = walk_places(s, sum);
    sum = walk_nodes(s, sum);
    for (size_t b = 0; b < SNAP_COUNT(s, BLOCKS); b++)
        sum = walk_site(s, mix(sum, SNAP(s, BLOCKS)[b].size), SNAP(s, BLOCKS)[b].site);
    return sum;
}
