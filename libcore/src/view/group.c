/* view/group.c: from counted units (tally.c) to rows in their order.
 *
 *   units of both sides --> keys --> sorted --> equal ones together: rows --> sorted by the columns that decide
 *
 * A record that has a row for itself, of a hundred thousand, is the case to be fast in: units are gone through in
 * their order once, and what the rows need of them is noted beside. */
#include "view/group.h"

#include <string.h>

static husk_status no_memory(void)
{
    return husk_fail(HUSK_ENOMEM, "no memory for statistics");
}

/* ---- amounts ---- */

void husk__add_churn(struct husk__churn *to, const struct husk__churn *from)
{
    husk__add_up(&to->born, from->born);
    husk__add_up(&to->born_bytes, from->born_bytes);
    husk__add_up(&to->died, from->died);
    husk__add_up(&to->died_bytes, from->died_bytes);
    husk__add_up(&to->temporary, from->temporary);
    husk__add_up(&to->peak, from->peak);
    husk__add_up(&to->peak_bytes, from->peak_bytes);
}

struct husk__churn husk__tally_churn(const struct husk__tally *tally, size_t unit)
{
    const struct husk__selection *selection = &tally->selection;
    if (selection->words && !selection->passes[unit])
        return (struct husk__churn){ 0 };
    const struct husk__record_row *row = &SNAP(tally->snapshot, RECORDS)[unit];
    return (struct husk__churn){ row->born_count, row->born_bytes, row->died_count, row->died_bytes,
                                 row->temporary,  row->peak_count, row->peak_bytes };
}

static struct husk__amount unit_amount(const struct husk__grouping *grouping, unsigned side, size_t unit)
{
    return grouping->amounts[side] ? grouping->amounts[side][unit]
                                   : husk__tally_amount(&grouping->tally[side], unit);
}

static struct husk__churn unit_churn(const struct husk__grouping *grouping, unsigned side, size_t unit)
{
    return !grouping->recorded       ? (struct husk__churn){ 0 }
           : grouping->amounts[side] ? grouping->churn[side][unit]
                                     : husk__tally_churn(&grouping->tally[side], unit);
}

static uint64_t sort_churn(int sort, const struct husk__churn *churn)
{
    return sort == HUSK_SORT_BORN        ? churn->born_bytes
           : sort == HUSK_SORT_TEMPORARY ? churn->temporary
           : sort == HUSK_SORT_PEAK      ? churn->peak_bytes
                                         : 0;
}

/* Also what is dead: it may share its row with what is not. */
static bool is_something(const struct husk__grouping *grouping, unsigned side, size_t unit)
{
    struct husk__amount amount = unit_amount(grouping, side, unit);
    if (amount.sum.count || amount.part.count != 0)
        return true;
    if (!grouping->recorded)
        return false;
    static const struct husk__churn none = { 0 };
    struct husk__churn churn = unit_churn(grouping, side, unit);
    return memcmp(&churn, &none, sizeof none) != 0;
}

/* Rounded to the nearest once; estimates of what has no place may fall below nothing, and are nothing then. */
static int64_t whole(uint64_t sum, double part)
{
    int64_t number = sum > INT64_MAX ? INT64_MAX : (int64_t)sum;
    if (part == 0)
        return number;
    double all = (double)number + part;
    if (!(all > 0.5))
        return all == 0.5 ? 1 : 0;
    if (all >= 9.2e18)
        return INT64_MAX;
    double fraction = part - (double)(int64_t)part;
    int64_t rounded = fraction >= 0.5 ? 1 : fraction < -0.5 ? -1 : 0;
    return number + (int64_t)part + rounded;
}

/* ---- rows ---- */

/* What is to become rows. */
struct items {
    struct husk__pair *pairs; /* key, item; sorted */
    uint32_t *names;          /* by item */
    size_t count;
};

static bool collect(struct husk__grouping *grouping, struct items *out)
{
    size_t most = grouping->units[0] + grouping->units[1], item = 0;
    *out = (struct items){ POOL_NEW(grouping->pool, struct husk__pair, most), NULL, 0 };
    out->names = out->pairs ? POOL_NEW(grouping->pool, uint32_t, most) : NULL;
    if (!out->names)
        return false;
    for (unsigned s = 0; s < grouping->sides->count; s++)
        for (size_t u = 0; u < grouping->units[s]; u++, item++) {
            if (!is_something(grouping, s, u))
                continue;
            struct husk__identity identity = husk__identify(grouping, s, u);
            out->pairs[out->count++] = (struct husk__pair){ identity.key, (uint32_t)item };
            out->names[item] = identity.name;
        }
    return husk__sort_pairs(grouping->pool, out->pairs, out->count);
}

static void fill_row(struct husk__row *row, const struct husk__amount amount[2], bool compared)
{
    row->size = whole(amount[0].sum.size, amount[0].part.size);
    row->count = whole(amount[0].sum.count, amount[0].part.count);
    if (compared) {
        row->size_diff = row->size - whole(amount[1].sum.size, amount[1].part.size);
        row->count_diff = row->count - whole(amount[1].sum.count, amount[1].part.count);
    }
}

/* Nothing is alive, or was, and nothing is in the column that decides: also an estimate that came to nothing. */
static bool is_shown(const struct husk__row *row, uint64_t churn)
{
    return row->count || row->size || row->count_diff || row->size_diff || churn;
}

/* Adds up the items from *i on that have one key: a row. It has the name of the first one, which is of the newer
 * side if that has any. */
static void make_row(const struct husk__grouping *grouping, const struct items *items, size_t *i,
                     struct husk__row *row, struct husk__churn *churn)
{
    size_t first = grouping->units[0];
    uint64_t key = items->pairs[*i].key;
    struct husk__amount amount[2] = { 0 };
    *churn = (struct husk__churn){ 0 };
    *row = (struct husk__row){ .name = items->names[items->pairs[*i].item],
                               .side = items->pairs[*i].item >= first };
    for (; *i < items->count && items->pairs[*i].key == key; ++*i) {
        size_t item = items->pairs[*i].item;
        unsigned side = item >= first;
        struct husk__amount more = unit_amount(grouping, side, side ? item - first : item);
        husk__add_amount(&amount[side], &more);
        if (side == 0 && grouping->recorded) {
            struct husk__churn more_churn = unit_churn(grouping, side, item);
            husk__add_churn(churn, &more_churn);
        }
    }
    fill_row(row, amount, grouping->sides->count == 2);
}

/* Rows by key, ascending. */
static husk_status make_rows(struct husk__grouping *grouping, struct husk__row **rows,
                             struct husk__churn **churn, size_t *row_count)
{
    struct items items;
    if (!collect(grouping, &items))
        return no_memory();
    *rows = POOL_NEW(grouping->pool, struct husk__row, items.count);
    *churn = *rows && grouping->recorded ? POOL_NEW(grouping->pool, struct husk__churn, items.count) : NULL;
    if (!*rows || (grouping->recorded && !*churn))
        return no_memory();
    size_t n = 0;
    for (size_t i = 0; i < items.count;) {
        struct husk__churn sum;
        uint64_t key = items.pairs[i].key;
        make_row(grouping, &items, &i, &(*rows)[n], &sum);
        if (!is_shown(&(*rows)[n], sort_churn(grouping->sort, &sum)))
            continue;
        if (!husk__label(grouping->out, &(*rows)[n], key))
            return no_memory();
        if (*churn)
            (*churn)[n] = sum;
        n++;
    }
    *row_count = n;
    return HUSK_OK;
}

static uint64_t absolute(int64_t number)
{
    return number < 0 ? -(uint64_t)number : (uint64_t)number;
}

/* Columns that decide, the last one first. */
enum column { BY_SIZE, BY_COUNT, BY_SIZE_DIFF, BY_COUNT_DIFF, BY_CHURN };

static uint64_t column_of(const struct husk__grouping *grouping, enum column column,
                          const struct husk__row *row, const struct husk__churn *churn)
{
    switch (column) {
    case BY_SIZE:
        return (uint64_t)row->size;
    case BY_COUNT:
        return (uint64_t)row->count;
    case BY_SIZE_DIFF:
        return absolute(row->size_diff);
    case BY_COUNT_DIFF:
        return absolute(row->count_diff);
    default:
        return sort_churn(grouping->sort, churn);
    }
}

static size_t columns_of(const struct husk__grouping *grouping, enum column columns[4])
{
    static const enum column compare_size[] = { BY_COUNT, BY_COUNT_DIFF, BY_SIZE, BY_SIZE_DIFF };
    static const enum column compare_count[] = { BY_SIZE, BY_SIZE_DIFF, BY_COUNT, BY_COUNT_DIFF };
    static const enum column size[] = { BY_COUNT, BY_SIZE }, count[] = { BY_SIZE, BY_COUNT };
    static const enum column churn[] = { BY_COUNT, BY_SIZE, BY_CHURN };
    bool by_count = grouping->sort == HUSK_SORT_COUNT;
    const enum column *from;
    size_t n;
    if (grouping->sides->count == 2) {
        from = by_count ? compare_count : compare_size;
        n = 4;
    } else if (grouping->sort > HUSK_SORT_COUNT) {
        from = churn;
        n = 3;
    } else {
        from = by_count ? count : size;
        n = 2;
    }
    memcpy(columns, from, n * sizeof *from);
    return n;
}

/* Sorting is stable and begins with the order of the keys; the result is read from its end. */
static husk_status order_rows(struct husk__grouping *grouping, const struct husk__row *rows,
                              const struct husk__churn *churn, size_t count)
{
    static const struct husk__churn none = { 0 };
    struct husk__pool *pool = grouping->pool;
    husk_stats *out = grouping->out;
    enum column columns[4];
    size_t column_count = columns_of(grouping, columns);
    struct husk__pair *pairs = POOL_NEW(pool, struct husk__pair, count);
    struct husk__row *sorted = pairs ? POOL_NEW(pool, struct husk__row, count) : NULL;
    struct husk__churn *sorted_churn = sorted && churn ? POOL_NEW(pool, struct husk__churn, count) : NULL;
    if (!sorted || (churn && !sorted_churn))
        return no_memory();
    for (size_t i = 0; i < count; i++)
        pairs[i].item = (uint32_t)i;
    for (size_t c = 0; c < column_count; c++) {
        for (size_t i = 0; i < count; i++) {
            uint32_t item = pairs[i].item;
            pairs[i].key = column_of(grouping, columns[c], &rows[item], churn ? &churn[item] : &none);
        }
        if (!husk__sort_pairs(pool, pairs, count))
            return no_memory();
    }
    for (size_t i = 0; i < count; i++) {
        sorted[count - 1 - i] = rows[pairs[i].item];
        if (churn)
            sorted_churn[count - 1 - i] = churn[pairs[i].item];
    }
    out->count = count;
    out->rows = sorted;
    husk__pool_keep(pool, sorted, &out->row_bytes);
    if (churn) {
        out->churn = sorted_churn;
        husk__pool_keep(pool, sorted_churn, &out->churn_bytes);
    }
    return HUSK_OK;
}

/* What all things come to, each once. */
static void make_total(const struct husk__grouping *grouping)
{
    struct husk__amount total[2] = { 0 };
    struct husk__churn *churn = &grouping->out->total_churn;
    for (unsigned s = 0; s < grouping->sides->count; s++)
        for (size_t u = 0; u < grouping->tally[s].units; u++) {
            struct husk__amount amount = husk__tally_amount(&grouping->tally[s], u);
            husk__add_amount(&total[s], &amount);
            if (s == 0 && grouping->recorded) {
                struct husk__churn more = husk__tally_churn(&grouping->tally[s], u);
                husk__add_churn(churn, &more);
            }
        }
    fill_row(&grouping->out->total, total, grouping->sides->count == 2);
}

static husk_status run(struct husk__grouping *grouping, const husk_stats_options *options)
{
    bool cumulative = options->flags & HUSK_STATS_CUMULATIVE;
    for (unsigned s = 0; s < grouping->sides->count; s++) {
        const husk_filter *filter = s && options->old_filter ? options->old_filter : options->filter;
        husk_status status =
            husk__tally_make(grouping->pool, grouping->sides->at[s], grouping->by,
                             options->flags & HUSK_STATS_UNTRACED, filter, &grouping->tally[s]);
        if (status != HUSK_OK)
            return status;
        grouping->units[s] = grouping->tally[s].units;
    }
    bool of_places = grouping->by <= HUSK_BY_THREAD && grouping->by != HUSK_BY_TYPE &&
                     grouping->tally[0].selection.of_places;
    grouping->recorded =
        of_places && ((options->flags & HUSK_STATS_RECORDS) || grouping->sort > HUSK_SORT_COUNT);
    if (grouping->sort > HUSK_SORT_COUNT && !of_places)
        return husk_fail(HUSK_EINVAL, "%s is known of places only: not by %s%s",
                         husk_stats_sort_name(grouping->sort), husk_stats_by_name(grouping->by),
                         grouping->tally[0].selection.of_places ? "" : " with a filter of single things");
    if (!husk__identify_make(grouping))
        return no_memory();
    for (unsigned s = 0; cumulative && s < grouping->sides->count; s++)
        if (!husk__cumulate(grouping, s, options->flags & HUSK_STATS_EACH_FRAME))
            return no_memory();
    if (grouping->units[0] + grouping->units[1] > UINT32_MAX)
        return no_memory();
    make_total(grouping);
    struct husk__row *rows = NULL;
    struct husk__churn *churn = NULL;
    size_t count = 0;
    husk_status status = make_rows(grouping, &rows, &churn, &count);
    return status == HUSK_OK ? order_rows(grouping, rows, churn, count) : status;
}

husk_status husk__group(const struct husk__sides *sides, const husk_stats_options *options, husk_stats *out)
{
    struct husk__pool pool = { .count = 0 };
    struct husk__grouping grouping = {
        .pool = &pool, .sides = sides, .by = options->by, .sort = options->sort, .out = out
    };
    husk_status status = run(&grouping, options);
    husk__pool_free(&pool);
    return status;
}
