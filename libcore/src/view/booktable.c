/* view/booktable.c: the groups of several snapshots as one table, see book.h: those of husk/stats.h, told by their names.
 * Rows that do not fit are summed in one. */
#include "view/book.h"
#include "view/export.h"
#include "view/sort.h"

#include <string.h>

struct value {
    uint64_t bytes, count;
};

static struct value *values(const struct husk__grow *grow)
{
    return (struct value *)(void *)grow->at;
}

static uint64_t positive(int64_t value)
{
    return value > 0 ? (uint64_t)value : 0;
}

/* The row of a group, new or known. */
static uint32_t row_of(struct husk__table *table, struct husk__book *book,
                       const struct husk__group_name *name)
{
    bool failed = false;
    const uint64_t key[4] = {
        husk__book_string(book, name->name, name->name_length, &failed),
        husk__book_string(book, name->function, name->function_length, &failed),
        name->line,
        name->offset,
    };
    return failed ? INDEX_NONE : husk__index_add(&table->rows, key);
}

/* Adds the groups of a snapshot to sums, which grow as needed. */
static bool fill(struct husk__table *table, struct husk__book *book, const struct husk_snapshot *snapshot,
                 struct husk__grow *sums)
{
    husk_stats *stats;
    if (husk__export_groups(snapshot, table->by, false, NULL, &stats) != HUSK_OK)
        return false;
    bool ok = true;
    husk_stat stat;
    for (size_t i = 0; ok && husk_stats_row(stats, i, &stat); i++) {
        struct husk__group_name name = husk__group_name(stats, i);
        uint32_t row = row_of(table, book, &name);
        size_t used = (row + (size_t)1) * sizeof(struct value);
        ok = row != INDEX_NONE && (used <= sums->used || husk__grow_add(sums, used - sums->used));
        if (ok) {
            values(sums)[row].bytes += positive(stat.size);
            values(sums)[row].count += positive(stat.count);
        }
    }
    husk_stats_free(stats);
    return ok;
}

bool husk__table_make(struct husk__table *table, struct husk__book *book, int by)
{
    *table = (struct husk__table){ .by = by, .rows = { .words = 4 } };
    struct husk__grow sums = { 0 };
    bool ok = true;
    for (size_t d = 0; ok && d < book->details; d++) {
        if (sums.used)
            memset(sums.at, 0, sums.used);
        ok = fill(table, book, book->snapshots[book->detail[d]], &sums) &&
             (sums.used <= table->most.used || husk__grow_add(&table->most, sums.used - table->most.used));
        for (size_t r = 0; ok && r < sums.used / sizeof(struct value); r++) {
            struct value *most = &values(&table->most)[r], *now = &values(&sums)[r];
            most->bytes = now->bytes > most->bytes ? now->bytes : most->bytes;
            most->count = now->count > most->count ? now->count : most->count;
        }
    }
    husk__grow_free(&sums);
    return ok;
}

static size_t cost_of(const struct husk__table *table, const struct husk__book *book, uint32_t row)
{
    const uint64_t *key = husk__index_key(&table->rows, row);
    const struct value *most = &values(&table->most)[row];
    return (husk__digits(most->bytes) + husk__digits(most->count) + 2) * book->details + 60 +
           husk__book_name_cost(book, (uint32_t)key[0]) + husk__book_name_cost(book, (uint32_t)key[1]);
}

bool husk__table_choose(struct husk__table *table, struct husk__pool *pool, struct husk__book *book,
                        struct husk__budget *budget)
{
    size_t rows = husk__index_count(&table->rows);
    struct husk__pair *pairs = POOL_NEW(pool, struct husk__pair, rows);
    table->place = pairs ? POOL_NEW(pool, uint32_t, rows) : NULL;
    if (!table->place)
        return false;
    memset(table->place, 0xFF, rows * sizeof *table->place);
    for (size_t r = 0; r < rows; r++)
        pairs[r] = (struct husk__pair){ ~values(&table->most)[r].bytes, (uint32_t)r };
    if (!husk__sort_pairs(pool, pairs, rows))
        return false;
    for (size_t i = 0; i < rows && husk__budget_take(budget, cost_of(table, book, pairs[i].item)); i++) {
        uint32_t row = pairs[i].item, *at = husk__grow_add(&table->shown, sizeof row);
        const uint64_t *key = husk__index_key(&table->rows, row);
        if (!at || !husk__book_name_use(book, (uint32_t)key[0]) ||
            !husk__book_name_use(book, (uint32_t)key[1]))
            return false;
        table->place[row] = (uint32_t)i;
        *at = row;
    }
    return true;
}

/* Shown rows in their order, then the sum of the others, if there are any. */
static void write_values(const struct husk__table *table, const struct husk__grow *sums,
                         struct husk__json *json, bool bytes)
{
    const struct value *now = values(sums);
    const uint32_t *shown = (const uint32_t *)(const void *)table->shown.at;
    size_t count = table->shown.used / sizeof *shown, filled = sums->used / sizeof *now;
    uint64_t rest = 0;
    husk__json_open(json, '[');
    for (size_t i = 0; i < count; i++)
        husk__json_u64(json, shown[i] >= filled ? 0 : bytes ? now[shown[i]].bytes : now[shown[i]].count);
    for (size_t r = 0; r < filled; r++)
        if (table->place[r] == INDEX_NONE)
            rest += bytes ? now[r].bytes : now[r].count;
    if (count < husk__index_count(&table->rows))
        husk__json_u64(json, rest);
    husk__json_close(json, ']');
}

/* Groups and names are all there since table_make: filling finds them and adds none. */
static bool write_snapshot(struct husk__table *table, struct husk__book *book,
                           const struct husk_snapshot *snapshot, struct husk__json *json)
{
    struct husk__grow sums = { 0 };
    bool ok = fill(table, book, snapshot, &sums);
    if (ok) {
        husk__json_line(json);
        husk__json_open(json, '{');
        husk__json_key(json, "bytes");
        write_values(table, &sums, json, true);
        husk__json_key(json, "count");
        write_values(table, &sums, json, false);
        husk__json_close(json, '}');
    }
    husk__grow_free(&sums);
    return ok;
}

bool husk__table_write(struct husk__table *table, struct husk__book *book, struct husk__json *json)
{
    const uint32_t *shown = (const uint32_t *)(const void *)table->shown.at;
    size_t count = table->shown.used / sizeof *shown;
    husk__json_line(json);
    husk__json_open(json, '{');
    husk__json_key(json, "by");
    husk__json_text(json, husk_stats_by_name(table->by));
    husk__json_key(json, "rows");
    husk__json_open(json, '[');
    for (size_t i = 0; i < count; i++) {
        const uint64_t *key = husk__index_key(&table->rows, shown[i]);
        husk__json_open(json, '[');
        husk__json_u64(json, husk__book_name(book, (uint32_t)key[0]));
        husk__json_u64(json, husk__book_name(book, (uint32_t)key[1]));
        husk__json_u64(json, key[2]);
        if (key[3])
            husk__json_hex(json, key[3] - 1);
        husk__json_close(json, ']');
    }
    husk__json_close(json, ']');
    husk__json_key(json, "smaller");
    husk__json_u64(json, husk__index_count(&table->rows) - count);
    husk__json_key(json, "values");
    husk__json_open(json, '[');
    bool ok = true;
    for (size_t d = 0; ok && d < book->details; d++)
        ok = write_snapshot(table, book, book->snapshots[book->detail[d]], json);
    husk__json_close(json, ']');
    husk__json_close(json, '}');
    return ok;
}

void husk__table_free(struct husk__table *table)
{
    husk__index_free(&table->rows);
    husk__grow_free(&table->most);
    husk__grow_free(&table->shown);
}
