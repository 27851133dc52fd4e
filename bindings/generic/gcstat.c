/* bindings/generic/gcstat.c: see gcstat.h. */
#include "gcstat.h"

#include "figure.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

typedef struct page { /* what the box holds */
    size_t count;
    husk_gcstat rows[HUSK_GCSTAT_HEAPS];
} page;

void husk_generic_gcstat_start(husk_generic_trouble *trouble)
{
    trouble->status = husk_gcstat_start();
    if (trouble->status != HUSK_OK)
        husk_generic_refuse(trouble, trouble->status, "gcstat_start", 0, "%s", husk_message());
}

static husk_status no_memory(husk_heap *heap)
{
    return husk_heap_fail(heap, HUSK_ENOMEM, "%s", husk_status_text(HUSK_ENOMEM));
}

/* All of them: there may be more of them with each look. */
static husk_status all_pids(husk_heap *heap, int **pids, size_t *count)
{
    husk_status status = HUSK_OK;
    *pids = NULL;
    for (size_t room = 64; status == HUSK_OK; room = 2 * *count) {
        free(*pids);
        *pids = malloc(room * sizeof **pids);
        if (!*pids)
            return no_memory(heap);
        status = husk_gcstat_list(*pids, room, count);
        if (*count <= room)
            break;
    }
    return husk_generic_noted(heap, status);
}

husk_obj *husk_generic_gcstat_list(husk_heap *heap)
{
    int *pids;
    size_t count = 0;
    husk_obj *list = all_pids(heap, &pids, &count) == HUSK_OK ? husk_list_new(heap) : NULL;
    for (size_t i = 0; list && i < count; i++)
        if (husk_list_append(list, husk_int(pids[i])) != HUSK_OK)
            husk_obj_drop(&list);
    free(pids);
    return list;
}

static void page_free(void *value)
{
    free(value);
}

husk_obj *husk_generic_gcstat_read(husk_heap *heap, int64_t pid)
{
    if (pid < 1 || pid > INT32_MAX) {
        (void)husk_heap_fail(heap, HUSK_ERANGE, "no process has the number %lld", (long long)pid);
        return NULL;
    }
    page *read = calloc(1, sizeof *read);
    if (!read) {
        (void)no_memory(heap);
        return NULL;
    }
    husk_status status = husk_gcstat_read((int)pid, read->rows, HUSK_GCSTAT_HEAPS, &read->count);
    husk_obj *made = husk_generic_noted(heap, status) == HUSK_OK ? husk_box_new(heap, read, page_free) : NULL;
    if (!made)
        page_free(read);
    return made;
}

/* NULL and the failure noted: it is another object. */
static const page *page_of(husk_obj *obj)
{
    if (husk_box_value_free(obj) == page_free)
        return husk_box_value(obj);
    (void)husk_heap_fail(husk_obj_heap(obj), HUSK_ETYPE, "a %s is no page of statistics",
                         husk_type_name(husk_obj_type(obj)));
    return NULL;
}

size_t husk_generic_gcstat_count(husk_obj *obj)
{
    const page *read = page_of(obj);
    return read ? read->count : 0;
}

static const husk_gcstat *row_of(husk_obj *obj, size_t row)
{
    const page *read = page_of(obj);
    if (!read)
        return NULL;
    if (row < read->count)
        return &read->rows[row];
    (void)husk_heap_fail(husk_obj_heap(obj), HUSK_ERANGE, "row %zu of %zu", row, read->count);
    return NULL;
}

/* ---- figures ---- */

#define AT(struct_, field) HUSK_GENERIC_FIELD("", struct_, field)

static const husk_generic_field row_fields[] = {
    AT(husk_gcstat, heap),
    AT(husk_gcstat, written_ns),
};
static const husk_generic_field record_fields[] = {
    AT(husk_pass_record, number),       AT(husk_pass_record, quiet),
    AT(husk_pass_record, threads),      AT(husk_pass_record, start_ns),
    AT(husk_pass_record, pauses),       AT(husk_pass_record, pause_ns),
    AT(husk_pass_record, longest_ns),   AT(husk_pass_record, candidates),
    AT(husk_pass_record, freed),        AT(husk_pass_record, freed_bytes),
    AT(husk_pass_record, finalized),    AT(husk_pass_record, weak_cleared),
    AT(husk_pass_record, held),         AT(husk_pass_record, reached),
    AT(husk_pass_record, resurrected),  AT(husk_pass_record, deferred),
    AT(husk_pass_record, saved),        AT(husk_pass_record, frozen),
    AT(husk_pass_record, bytes_before), AT(husk_pass_record, objects_before),
    AT(husk_pass_record, bytes_after),  AT(husk_pass_record, objects_after),
};
static const husk_generic_field sums_fields[] = {
    AT(husk_pass_sums, passes),       AT(husk_pass_sums, candidates), AT(husk_pass_sums, freed),
    AT(husk_pass_sums, freed_bytes),  AT(husk_pass_sums, finalized),  AT(husk_pass_sums, resurrected),
    AT(husk_pass_sums, weak_cleared),
};
static const husk_generic_field pauses_fields[] = {
    AT(husk_pauses, count),  AT(husk_pauses, total_ns), AT(husk_pauses, max_ns),  AT(husk_pauses, p50_ns),
    AT(husk_pauses, p90_ns), AT(husk_pauses, p99_ns),   AT(husk_pauses, p999_ns),
};
#define IN(list, of, name) husk_generic_find(list, sizeof list / sizeof *list, of, name, out)

/* What follows the word and a dot, or NULL: the name does not begin so. */
static const char *behind(const char *name, const char *word)
{
    size_t length = strlen(word);
    return strncmp(name, word, length) == 0 && name[length] == '.' ? name + length + 1 : NULL;
}

static bool part_of(const uint64_t ns[HUSK_PARTS], const char *name, int64_t *out)
{
    for (int part = 0; part < HUSK_PARTS; part++) {
        if (strcmp(husk_part_name((husk_part)part), name) == 0) {
            *out = (int64_t)ns[part];
            return true;
        }
    }
    return false;
}

static bool in_record(const husk_pass_record *record, const char *name, int64_t *out)
{
    const char *part = behind(name, "ns");
    return part ? part_of(record->ns, part, out) : IN(record_fields, record, name);
}

static bool in_sums(const husk_gcstat *row, const char *name, int64_t *out)
{
    for (int mode = 0; mode < HUSK_MODES; mode++) {
        const char *rest = behind(name, husk_mode_name((husk_mode)mode));
        const char *part = rest ? behind(rest, "ns") : NULL;
        if (rest)
            return part ? part_of(row->sums[mode].ns, part, out) : IN(sums_fields, &row->sums[mode], rest);
    }
    return false;
}

static bool in_pauses(const husk_gcstat *row, const char *name, int64_t *out)
{
    const char *rest = behind(name, "any");
    if (rest)
        return IN(pauses_fields, &row->all_pauses, rest);
    for (int mode = 0; mode < HUSK_MODES; mode++)
        if ((rest = behind(name, husk_mode_name((husk_mode)mode))) != NULL)
            return IN(pauses_fields, &row->pauses[mode], rest);
    return false;
}

static bool in_row(const husk_gcstat *row, const char *name, int64_t *out)
{
    const char *rest;
    if ((rest = behind(name, "latest")) != NULL)
        return in_record(&row->latest, rest, out);
    if ((rest = behind(name, "sums")) != NULL)
        return in_sums(row, rest, out);
    if ((rest = behind(name, "pauses")) != NULL)
        return in_pauses(row, rest, out);
    return IN(row_fields, row, name);
}

int64_t husk_generic_gcstat_figure(husk_obj *obj, size_t row, const char *name)
{
    int64_t found = 0;
    const husk_gcstat *of = row_of(obj, row);
    if (of && !in_row(of, name, &found))
        (void)husk_heap_fail(husk_obj_heap(obj), HUSK_EMISSING, "a page of statistics has no figure '%s'",
                             name);
    return found;
}

/* ---- words ---- */

husk_value husk_generic_gcstat_word(husk_obj *obj, size_t row, const char *name)
{
    const husk_gcstat *of = row_of(obj, row);
    if (!of)
        return husk_nil();
    const struct {
        const char *name, *word;
    } all[] = {
        { "name", of->name },
        { "latest.mode", of->latest.number ? husk_mode_name(of->latest.mode) : NULL },
        { "latest.reason", of->latest.number ? husk_reason_name(of->latest.reason) : NULL },
        { "latest.status", of->latest.number ? husk_status_name(of->latest.status) : NULL },
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (strcmp(all[i].name, name) == 0)
            return all[i].word ? husk_generic_text(husk_obj_heap(obj), all[i].word, strlen(all[i].word))
                               : husk_nil();
    (void)husk_heap_fail(husk_obj_heap(obj), HUSK_EMISSING, "a page of statistics has no word '%s'", name);
    return husk_nil();
}

husk_value husk_generic_gcstat_type(husk_obj *obj, size_t row, size_t place)
{
    const husk_gcstat *of = row_of(obj, row);
    if (!of || place >= of->latest.types)
        return husk_nil();
    return husk_generic_text(husk_obj_heap(obj), of->types[place], strlen(of->types[place]));
}

int64_t husk_generic_gcstat_freed(husk_obj *obj, size_t row, size_t place)
{
    const husk_gcstat *of = row_of(obj, row);
    if (!of)
        return 0;
    if (place < of->latest.types)
        return (int64_t)of->latest.by_type[place].objects;
    (void)husk_heap_fail(husk_obj_heap(obj), HUSK_ERANGE, "type %zu of %u", place, of->latest.types);
    return 0;
}
