/* survey/census.c: objects grouped and listed. See census.h. */
#include "survey/census.h"

#include "object/traced.h"
#include "trace/site.h"
#include "view/sort.h"
#include "view/symbol.h"

#include <stdio.h>
#include <string.h>

void husk__census_begin(struct husk__census *census, bool by_place)
{
    memset(census, 0, sizeof *census);
    census->by_place = by_place;
    census->place_count = 1;
    if (!husk__grow_add(&census->stacks, sizeof(uint32_t))) /* place 0 */
        census->failed = true;
}

static struct husk__census_row *rows_of(const struct husk__census *census)
{
    return (struct husk__census_row *)(void *)census->rows.at;
}

static uint32_t *stacks_of(const struct husk__census *census)
{
    return (uint32_t *)(void *)census->stacks.at;
}

static uint64_t hash_of(uint64_t key)
{
    return (key + 1) * UINT64_C(0x9E3779B97F4A7C15) >> 20;
}

static uint64_t row_key(const struct husk__census_row *row)
{
    return (uint64_t)row->type->id << 32 | row->place;
}

/* A table of numbers at most half full. */
struct table {
    uint32_t **at;
    size_t *room;
    size_t count;
    uint64_t (*key)(const struct husk__census *census, size_t number);
};

static uint64_t key_of_row(const struct husk__census *census, size_t number)
{
    return row_key(&rows_of(census)[number]);
}

static uint64_t key_of_place(const struct husk__census *census, size_t number)
{
    return stacks_of(census)[number];
}

static bool table_grow(const struct husk__census *census, const struct table *table)
{
    size_t room = *table->room ? *table->room * 2 : 64;
    uint32_t *at = husk__raw_new(room * sizeof *at);
    if (!at)
        return false;
    for (size_t n = 0; n < table->count; n++) {
        size_t i = hash_of(table->key(census, n)) & (room - 1);
        while (at[i])
            i = (i + 1) & (room - 1);
        at[i] = (uint32_t)n + 1;
    }
    husk__raw_free(*table->at, *table->room * sizeof **table->at);
    *table->at = at;
    *table->room = room;
    return true;
}

/* Where the number of this key stands, or is to stand; NULL: no memory. */
static uint32_t *table_find(const struct husk__census *census, const struct table *table, uint64_t key)
{
    if (table->count * 2 >= *table->room && !table_grow(census, table))
        return NULL;
    size_t mask = *table->room - 1, i = hash_of(key) & mask;
    while ((*table->at)[i] && table->key(census, (*table->at)[i] - 1) != key)
        i = (i + 1) & mask;
    return &(*table->at)[i];
}

/* The number of the place where obj was made. */
static uint32_t place_of(struct husk__census *census, const husk_obj *obj)
{
    const struct husk__tracer *tracer = husk__heap_of(obj)->tracer;
    uint32_t stack = tracer && obj->site ? tracer->records[obj->site & SITE_RECORD_BITS].stack : 0;
    if (!stack || census->failed)
        return 0;
    struct table table = { &census->place_index, &census->place_room, census->place_count, key_of_place };
    uint32_t *found = table_find(census, &table, stack);
    uint32_t *added = found && !*found ? husk__grow_add(&census->stacks, sizeof *added) : NULL;
    if (!found || (!*found && !added)) {
        census->failed = true;
        return 0;
    }
    if (added) {
        *added = stack;
        *found = (uint32_t)++census->place_count;
    }
    return *found - 1;
}

void husk__census_add(struct husk__census *census, const husk_obj *obj, const husk_type *type, size_t bytes,
                      uint64_t references)
{
    struct husk__census_row key = { .type = type, .place = census->by_place ? place_of(census, obj) : 0 };
    if (census->failed)
        return;
    struct table table = { &census->index, &census->index_room, census->row_count, key_of_row };
    uint32_t *found = table_find(census, &table, row_key(&key));
    struct husk__census_row *row = found && !*found ? husk__grow_add(&census->rows, sizeof *row) : NULL;
    if (!found || (!*found && !row)) {
        census->failed = true;
        return;
    }
    if (row) {
        *row = key;
        *found = (uint32_t)++census->row_count;
    }
    row = &rows_of(census)[*found - 1];
    row->objects++;
    row->bytes += bytes;
    row->references += references;
}

size_t husk__census_list(struct husk__census *census, const husk_obj *obj, const husk_type *type,
                         size_t bytes, int64_t references, bool flag)
{
    struct husk__census_object *at = census->failed ? NULL : husk__grow_add(&census->objects, sizeof *at);
    if (!at) {
        census->failed = true;
        return SIZE_MAX;
    }
    husk__census_replace(census, census->object_count, obj, type, bytes, references, flag);
    return census->object_count++;
}

void husk__census_replace(struct husk__census *census, size_t number, const husk_obj *obj,
                          const husk_type *type, size_t bytes, int64_t references, bool flag)
{
    uint32_t place = place_of(census, obj);
    *husk__census_object_at(census, number) =
        (struct husk__census_object){ obj, type, place, bytes, references, flag };
}

/* ---- texts of places ---- */

static const char *base_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* "name.lua:12 in function", "file.c:7 in function", "function (libx.so)" or an address. */
static int place_text(char *out, size_t room, const husk_place_frame *frame,
                      const struct husk__symbol *symbol, const char *module)
{
    if (!frame->address)
        return snprintf(out, room, *frame->function ? "%s:%u in %s" : "%s:%u",
                        *frame->file ? frame->file : "<unknown>", frame->line, frame->function);
    module = base_of(module);
    if (!symbol || !*symbol->name)
        return snprintf(out, room, *module ? "0x%llx (%s)" : "0x%llx", (unsigned long long)frame->address,
                        module);
    if (symbol->line)
        return snprintf(out, room, "%s:%u in %s", base_of(symbol->file.name), symbol->line, symbol->name);
    return snprintf(out, room, *module ? "%s (%s)" : "%s", symbol->name, module);
}

static bool keep_text(struct husk__census *census, size_t place, const husk_place_frame *frame,
                      const struct husk__symbol *symbol, const char *module)
{
    char text[512];
    int length = place_text(text, sizeof text, frame, symbol, module);
    size_t bytes = length < 0 ? 1 : (size_t)length < sizeof text ? (size_t)length + 1 : sizeof text;
    text[bytes - 1] = 0;
    census->text_at[place] = census->texts.used;
    char *own = husk__grow_add(&census->texts, bytes);
    if (own)
        memcpy(own, text, bytes);
    return own;
}

static husk_place_frame frame_of(uint32_t stack)
{
    husk__sites_lock();
    const struct husk__site_frame *frame = husk__site_frame_at(husk__site_stack_at(stack)->frame);
    husk_place_frame shown = { frame->file, frame->function, frame->line, frame->address };
    husk__sites_unlock();
    return shown;
}

/* Native frames are named together, one file after the other. Without symbols their addresses have to do. */
static bool name_places(struct husk__census *census)
{
    size_t before = census->pool.count, natives = 0;
    census->text_at = POOL_NEW(&census->pool, size_t, census->place_count);
    struct husk__symbol *named = POOL_NEW(&census->pool, struct husk__symbol, census->place_count);
    char *nothing = husk__grow_add(&census->texts, 1);
    if (!census->text_at || !named || !nothing)
        return false;
    for (size_t p = 1; p < census->place_count; p++) {
        husk_place_frame frame = frame_of(stacks_of(census)[p]);
        if (frame.address)
            named[natives++] = (struct husk__symbol){ .address = frame.address - 1, .tag = (uint32_t)p };
        else if (!keep_text(census, p, &frame, NULL, ""))
            return false;
    }
    struct husk__symbols *symbols = natives ? husk__symbols_open() : NULL;
    if (symbols)
        husk__symbols_name(symbols, named, natives);
    bool ok = true;
    for (size_t i = 0; ok && i < natives; i++) {
        husk_place_frame frame = frame_of(stacks_of(census)[named[i].tag]);
        const char *module = symbols && named[i].module != SYMBOL_NONE
                                 ? husk__symbols_module(symbols, named[i].module)->path
                                 : "";
        ok = keep_text(census, named[i].tag, &frame, symbols ? &named[i] : NULL, module);
    }
    if (symbols)
        husk__symbols_close(symbols);
    husk__pool_back(&census->pool, before + 1); /* the texts' places stay */
    return ok;
}

/* ---- order ---- */

const char *husk__census_place(const struct husk__census *census, uint32_t place)
{
    return census->texts.at + census->text_at[place];
}

/* rank[i]: equal for equal texts. */
static bool rank_texts(struct husk__pool *pool, const struct husk__text *texts, uint32_t *rank, size_t count)
{
    uint32_t *items = POOL_NEW(pool, uint32_t, count);
    if (!items)
        return false;
    for (size_t i = 0; i < count; i++)
        items[i] = (uint32_t)i;
    if (!husk__sort_texts(pool, texts, items, count))
        return false;
    for (size_t i = 0; i < count; i++)
        rank[items[i]] = i && husk__text_order(&texts[items[i - 1]], &texts[items[i]]) == 0
                             ? rank[items[i - 1]]
                             : (uint32_t)i;
    return true;
}

struct ranks {
    struct husk__text *texts;
    uint32_t *type, *place; /* of each row; of each place */
    struct husk__pair *pairs;
};

static bool rank_all(struct husk__census *census, struct husk__pool *pool, struct ranks *ranks)
{
    size_t rows = census->row_count, places = census->place_count;
    ranks->texts = POOL_NEW(pool, struct husk__text, rows > places ? rows : places);
    ranks->type = POOL_NEW(pool, uint32_t, rows);
    ranks->place = POOL_NEW(pool, uint32_t, places);
    ranks->pairs = POOL_NEW(pool, struct husk__pair, rows);
    if (!ranks->texts || !ranks->type || !ranks->place || !ranks->pairs)
        return false;
    for (size_t p = 0; p < places; p++) {
        const char *text = husk__census_place(census, (uint32_t)p);
        ranks->texts[p] = (struct husk__text){ text, strlen(text) };
    }
    if (!rank_texts(pool, ranks->texts, ranks->place, places))
        return false;
    for (size_t r = 0; r < rows; r++) {
        const char *name = rows_of(census)[r].type->name;
        ranks->texts[r] = (struct husk__text){ name, strlen(name) };
    }
    return rank_texts(pool, ranks->texts, ranks->type, rows);
}

/* By name, then type, then place: rows of one type and text stand together, and become one. */
static bool merge(struct husk__census *census, struct husk__pool *pool, const struct ranks *ranks)
{
    struct husk__census_row *rows = rows_of(census);
    struct husk__pair *pairs = ranks->pairs;
    size_t count = census->row_count;
    for (size_t r = 0; r < count; r++)
        pairs[r] = (struct husk__pair){ ranks->place[rows[r].place], (uint32_t)r };
    if (!husk__sort_pairs(pool, pairs, count))
        return false;
    for (size_t i = 0; i < count; i++)
        pairs[i].key = (uint64_t)ranks->type[pairs[i].item] << 32 | rows[pairs[i].item].type->id;
    if (!husk__sort_pairs(pool, pairs, count))
        return false;
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        struct husk__census_row *row = &rows[pairs[i].item],
                                *last = kept ? &rows[pairs[kept - 1].item] : NULL;
        if (last && last->type == row->type && ranks->place[last->place] == ranks->place[row->place]) {
            last->objects += row->objects;
            last->bytes += row->bytes;
            last->references += row->references;
        } else {
            pairs[kept++] = pairs[i];
        }
    }
    census->order_count = kept;
    return true;
}

static bool sort_rows(struct husk__census *census, struct husk__pool *pool, const struct ranks *ranks)
{
    const struct husk__census_row *rows = rows_of(census);
    for (int round = 0; round < 2; round++) { /* the last one counts most */
        for (size_t i = 0; i < census->order_count; i++) {
            const struct husk__census_row *row = &rows[ranks->pairs[i].item];
            ranks->pairs[i].key = ~(round ? row->references : (uint64_t)row->bytes);
        }
        if (!husk__sort_pairs(pool, ranks->pairs, census->order_count))
            return false;
    }
    for (size_t i = 0; i < census->order_count; i++)
        census->order[i] = ranks->pairs[i].item;
    return true;
}

bool husk__census_end(struct husk__census *census)
{
    struct husk__pool pool = { 0 };
    struct ranks ranks;
    census->failed = census->failed || !name_places(census);
    if (!census->failed)
        census->order = POOL_NEW(&census->pool, uint32_t, census->row_count);
    bool ok = !census->failed && census->order && rank_all(census, &pool, &ranks) &&
              merge(census, &pool, &ranks) && sort_rows(census, &pool, &ranks);
    husk__pool_free(&pool);
    census->failed = !ok;
    return ok;
}

const struct husk__census_row *husk__census_row_at(const struct husk__census *census, size_t index)
{
    return index < census->order_count ? &rows_of(census)[census->order[index]] : NULL;
}

struct husk__census_object *husk__census_object_at(const struct husk__census *census, size_t index)
{
    return &((struct husk__census_object *)(void *)census->objects.at)[index];
}

bool husk__census_show_row(const struct husk__census *census, size_t index, husk_census_row *out)
{
    const struct husk__census_row *row = husk__census_row_at(census, index);
    if (row)
        *out = (husk_census_row){ row->type->name, husk__census_place(census, row->place), row->objects,
                                  row->bytes, row->references };
    return row;
}

bool husk__census_show_object(const struct husk__census *census, size_t index, husk_census_object *out)
{
    if (index >= census->object_count)
        return false;
    const struct husk__census_object *object = husk__census_object_at(census, index);
    *out = (husk_census_object){ (uint64_t)(uintptr_t)object->at,
                                 object->type->name,
                                 husk__census_place(census, object->place),
                                 object->bytes,
                                 object->references,
                                 object->flag };
    return true;
}

void husk__census_free(struct husk__census *census)
{
    husk__grow_free(&census->rows);
    husk__grow_free(&census->objects);
    husk__grow_free(&census->stacks);
    husk__grow_free(&census->texts);
    husk__raw_free(census->index, census->index_room * sizeof *census->index);
    husk__raw_free(census->place_index, census->place_room * sizeof *census->place_index);
    husk__pool_free(&census->pool);
    census->index = census->place_index = NULL;
}
