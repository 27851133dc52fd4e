/* bindings/lua/host_stats.c: filters, statistics and the list of things, as handles; husk/snapshot.lua gives them their
 * shape. Rows count from 1. How handles end is in host_snapshot.c. */
#include "host.h"

#include <stdio.h>

#include <husk/stats.h>

static const char stats_magic, filter_magic, things_magic;

#define STATS_META "husk.Statistics"
#define FILTER_META "husk.Filter"
#define THINGS_META "husk.Things"

/* ---- filters ---- */

static void end_filter(void *made)
{
    husk_filter_free(made);
}

static int filter_close(lua_State *L)
{
    return husk_lua_user_close(L, &filter_magic, "filter");
}

/* core.stats.filter() */
static int new_filter(lua_State *L)
{
    husk_filter *made = NULL;
    husk_lua_user *user = husk_lua_user_new(L, FILTER_META, &filter_magic, end_filter);
    husk_status status = husk_filter_new(&made);
    user->made = made;
    return status == HUSK_OK ? 1 : husk_lua_fail_message(L, status);
}

husk_filter *husk_lua_check_filter(lua_State *L, int at)
{
    return husk_lua_check_user(L, at, &filter_magic, "filter", "filter")->made;
}

/* core.stats.filter_parse(filter, text) */
static int filter_parse(lua_State *L)
{
    const char *text = husk_lua_check_name(L, 2, "filter", "the text");
    husk_status status = husk_filter_parse(husk_lua_check_filter(L, 1), text);
    return status == HUSK_OK ? 0 : husk_lua_fail_message(L, status);
}

/* core.stats.filter_and(filter): what was said so far is one list, what follows another. */
static int filter_and(lua_State *L)
{
    husk_status status = husk_filter_and(husk_lua_check_filter(L, 1));
    return status == HUSK_OK ? 0 : husk_lua_fail_message(L, status);
}

typedef husk_status say_text_fn(husk_filter *filter, const char *text);

/* core.stats.filter_say(filter, name, value): name "new": begins one, value says whether it excludes. */
static int filter_say(lua_State *L)
{
    static const struct {
        const char *name;
        say_text_fn *say;
    } texts[] = { { "file", husk_filter_file },     { "function", husk_filter_function },
                  { "type", husk_filter_type },     { "tag", husk_filter_tag },
                  { "thread", husk_filter_thread }, { "domain", husk_filter_domain },
                  { "since", husk_filter_since } };
    static const char *const kinds[] = { "object", "buffer", "block", NULL };
    lua_settop(L, 3);
    const char *name = husk_lua_check_name(L, 2, "filter", "a name");
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (!strcmp(name, texts[i].name)) {
            const char *text = husk_lua_check_name(L, 3, "filter", name);
            husk_status status = texts[i].say(husk_lua_check_filter(L, 1), text);
            return status == HUSK_OK ? 0 : husk_lua_fail_message(L, status);
        }
    husk_status status = HUSK_OK;
    lua_Integer number;
    if (!strcmp(name, "new")) {
        status = husk_filter_add(husk_lua_check_filter(L, 1), !lua_toboolean(L, 3));
    } else if (!strcmp(name, "all")) {
        status = lua_toboolean(L, 3) ? husk_filter_all_frames(husk_lua_check_filter(L, 1)) : HUSK_OK;
    } else if (!strcmp(name, "line") || !strcmp(name, "min")) {
        if (!husk_lua_entry_integer(L, 3, "filter", name, &number))
            return lua_error(L);
        if (*name == 'm')
            status = husk_filter_min_size(husk_lua_check_filter(L, 1), (uint64_t)number);
        else if (number <= UINT32_MAX)
            status = husk_filter_line(husk_lua_check_filter(L, 1), (uint32_t)number);
        else
            status = husk_fail(HUSK_ERANGE, "filter: line %lld is out of range", (long long)number);
    } else if (!strcmp(name, "kind")) {
        int kind = 0;
        const char *text = husk_lua_check_name(L, 3, "filter", name);
        while (kinds[kind] && strcmp(text, kinds[kind]) != 0)
            kind++;
        status = kinds[kind]
                     ? husk_filter_kind(husk_lua_check_filter(L, 1), kind)
                     : husk_fail(HUSK_EINVAL, "filter: kind is object, buffer or block, not %.80s", text);
    } else {
        status = husk_fail(
            HUSK_EINVAL,
            "filter: unknown entry '%.80s'; there are all, domain, exclude, file, function, kind, line, "
            "min, since, tag, thread, type",
            name);
    }
    return status == HUSK_OK ? 0 : husk_lua_fail_message(L, status);
}

/* ---- statistics ---- */

static void end_stats(void *made)
{
    husk_stats_free(made);
}

static int stats_close(lua_State *L)
{
    return husk_lua_user_close(L, &stats_magic, "statistics");
}

static const husk_stats *check_stats(lua_State *L, int at, const char *function)
{
    return husk_lua_check_user(L, at, &stats_magic, function, "statistics")->made;
}

/* core.stats.new(snapshot, old or nil, by, sort, flags, filter or nil, old_filter or nil) */
static int new_stats(lua_State *L)
{
    static const char function[] = "snapshot:statistics";
    lua_settop(L, 7);
    husk_stats *made = NULL;
    husk_stats_options options = { HUSK_STATS_OPTIONS, .flags = (uint32_t)lua_tointeger(L, 5) };
    const char *by = husk_lua_check_name(L, 3, function, "what to group by");
    husk_status status = husk_stats_by_find(by, &options.by);
    if (status == HUSK_OK && !lua_isnil(L, 4))
        status = husk_stats_sort_find(husk_lua_check_name(L, 4, function, "the sort"), &options.sort);
    if (status != HUSK_OK)
        return husk_lua_fail_message(L, status);
    husk_lua_user *user = husk_lua_user_new(L, STATS_META, &stats_magic, end_stats); /* 8 */
    options.filter = lua_isnil(L, 6) ? NULL : husk_lua_check_filter(L, 6);
    options.old_filter = lua_isnil(L, 7) ? NULL : husk_lua_check_filter(L, 7);
    husk_lua_snap *old = lua_isnil(L, 2) ? NULL : husk_lua_check_snap(L, 2, "snapshot:compare");
    husk_lua_snap *snap = husk_lua_check_snap(L, 1, old ? "snapshot:compare" : function);
    status = old ? husk_stats_compare(old->snapshot, snap->snapshot, &options, &made)
                 : husk_stats_new(snap->snapshot, &options, &made);
    if (status != HUSK_OK)
        return husk_lua_fail_message(L, status);
    user->made = made;
    husk_lua_user_hang(L, 8, 1);
    if (old && old != snap)
        husk_lua_user_hang(L, 8, 2);
    return 1;
}

static void set_size(lua_State *L, const char *name, uint64_t number)
{
    husk_lua_push_size(L, number);
    lua_setfield(L, -2, name);
}

/* Adds the figures to the table on top. */
static void set_figures(lua_State *L, const husk_stat *row, bool compares)
{
    lua_pushinteger(L, row->size);
    lua_setfield(L, -2, "size");
    lua_pushinteger(L, row->count);
    lua_setfield(L, -2, "count");
    if (compares) {
        lua_pushinteger(L, row->size_diff);
        lua_setfield(L, -2, "size_diff");
        lua_pushinteger(L, row->count_diff);
        lua_setfield(L, -2, "count_diff");
    }
    if (row->recorded) {
        set_size(L, "born", row->born);
        set_size(L, "born_bytes", row->born_bytes);
        set_size(L, "died", row->died);
        set_size(L, "died_bytes", row->died_bytes);
        set_size(L, "temporary", row->temporary);
        set_size(L, "peak", row->peak);
        set_size(L, "peak_bytes", row->peak_bytes);
    }
}

/* A text of the library's: asked for its length, then for itself. */
typedef size_t text_fn(const husk_stats *stats, lua_Integer n, uint32_t flags, char *out, size_t room);

/* Pushes it; asks for the statistics at 1 again once the room is there. */
static void push_text(lua_State *L, const char *function, text_fn *text, lua_Integer n, uint32_t flags)
{
    char small[256];
    size_t length = text(check_stats(L, 1, function), n, flags, small, sizeof small);
    if (length < sizeof small) {
        lua_pushlstring(L, small, length);
        return;
    }
    luaL_Buffer buffer;
    char *out = luaL_buffinitsize(L, &buffer, length + 1);
    text(check_stats(L, 1, function), n, flags, out, length + 1);
    luaL_pushresultsize(&buffer, length);
}

static size_t row_text(const husk_stats *stats, lua_Integer n, uint32_t flags, char *out, size_t room)
{
    (void)flags;
    return husk_stats_row_text(stats, (size_t)n, out, room);
}

static size_t key_text(const husk_stats *stats, lua_Integer n, uint32_t flags, char *out, size_t room)
{
    (void)flags;
    return husk_stats_key_text(stats, (size_t)n, out, room);
}

static size_t rest_text(const husk_stats *stats, lua_Integer n, uint32_t flags, char *out, size_t room)
{
    (void)flags;
    return husk_stats_rest_text(stats, (size_t)n, out, room);
}

static size_t total_text(const husk_stats *stats, lua_Integer n, uint32_t flags, char *out, size_t room)
{
    (void)n, (void)flags;
    return husk_stats_total_text(stats, out, room);
}

/* core.stats.row(stats, n): a table, or nil beyond the last. */
static int stats_row(lua_State *L)
{
    static const char function[] = "statistics[i]";
    husk_stat row;
    lua_Integer number = lua_tointeger(L, 2);
    lua_settop(L, 2);
    const husk_stats *stats = check_stats(L, 1, function);
    if (number < 1 || !husk_stats_row(stats, (size_t)number - 1, &row)) {
        lua_pushnil(L);
        return 1;
    }
    bool compares = husk_stats_is_comparison(stats);
    lua_pushstring(L, row.name); /* copied before anything can run */
    lua_createtable(L, 0, 8);
    lua_rotate(L, -2, 1);
    lua_setfield(L, -2, "name");
    set_figures(L, &row, compares);
    if (husk_stats_row(check_stats(L, 1, function), (size_t)number - 1, &row) && *row.function) {
        lua_pushstring(L, row.function);
        lua_setfield(L, -2, "function");
    }
    int by = husk_stats_by(check_stats(L, 1, function));
    if (by == HUSK_BY_LINE || by == HUSK_BY_TRACEBACK) {
        lua_pushinteger(L, row.line);
        lua_setfield(L, -2, "line");
    }
    push_text(L, function, row_text, number - 1, 0);
    lua_setfield(L, -2, "text");
    push_text(L, function, key_text, number - 1, 0);
    lua_setfield(L, -2, "key");
    return 1;
}

/* core.stats.sum(stats, [first]): what the rows from number `first` on have; without it, all things once. nil: there
 * are no such rows. */
static int stats_sum(lua_State *L)
{
    static const char function[] = "statistics:total";
    husk_stat row = { 0 };
    const husk_stats *stats = check_stats(L, 1, function);
    bool rest = !lua_isnoneornil(L, 2);
    lua_Integer first = lua_tointeger(L, 2);
    lua_settop(L, 2);
    if (rest && (first < 1 || (lua_Unsigned)first > husk_stats_count(stats))) {
        lua_pushnil(L);
        return 1;
    }
    if (rest)
        husk_stats_rest(stats, (size_t)first - 1, &row);
    else
        husk_stats_total(stats, &row);
    bool compares = husk_stats_is_comparison(stats);
    lua_createtable(L, 0, 5);
    set_figures(L, &row, compares);
    push_text(L, function, rest ? rest_text : total_text, first - 1, 0);
    lua_setfield(L, -2, "text");
    return 1;
}

static int stats_count(lua_State *L)
{
    husk_lua_push_size(L, husk_stats_count(check_stats(L, 1, "#statistics")));
    return 1;
}

/* core.stats.by(stats): the grouping, and whether it is a comparison. */
static int stats_by(lua_State *L)
{
    const husk_stats *stats = check_stats(L, 1, "statistics");
    lua_pushstring(L, husk_stats_by_name(husk_stats_by(stats)));
    lua_pushboolean(L, husk_stats_is_comparison(stats));
    return 2;
}

typedef struct row_place {
    size_t row, index;
} row_place;

static void frame_of_row(lua_State *L, void *data, husk_frame *out)
{
    const row_place *at = data;
    husk_stats_frame(check_stats(L, 1, "statistics:traceback"), at->row, at->index, out);
}

/* core.stats.traceback(stats, n): the frames of a row, newest first; nil beyond the last row, and for groups without. */
static int stats_traceback(lua_State *L)
{
    static const char function[] = "statistics:traceback";
    lua_Integer number = lua_tointeger(L, 2);
    husk_frame frame;
    row_place at = { (size_t)number - 1, 0 };
    lua_settop(L, 1);
    const husk_stats *stats = check_stats(L, 1, function);
    if (number < 1 || !husk_stats_frame(stats, at.row, 0, &frame)) {
        lua_pushnil(L);
        return 1;
    }
    size_t total = husk_stats_total_frames(stats, at.row);
    lua_newtable(L);
    for (; husk_stats_frame(check_stats(L, 1, function), at.row, at.index, &frame); at.index++) {
        husk_lua_push_shot_frame(L, frame_of_row, &at);
        lua_rawseti(L, 2, (lua_Integer)at.index + 1);
    }
    if (total > at.index) {
        husk_lua_push_size(L, total);
        lua_setfield(L, 2, "total");
    }
    return 1;
}

typedef struct lines_wanted {
    size_t row;
    int64_t limit;
} lines_wanted;

/* core.stats.lines(stats, n, limit, flags): its traceback as text, a line and its source line each. */
static int stats_lines(lua_State *L)
{
    static const char function[] = "statistics:format";
    lua_Integer row = lua_tointeger(L, 2) - 1, limit = lua_tointeger(L, 3);
    uint32_t flags = (uint32_t)lua_tointeger(L, 4);
    size_t length =
        husk_stats_traceback_text(check_stats(L, 1, function), (size_t)row, limit, flags, NULL, 0);
    luaL_Buffer buffer;
    char *out = luaL_buffinitsize(L, &buffer, length + 1);
    /* The source may have changed meanwhile: what does not fit is cut. */
    size_t now =
        husk_stats_traceback_text(check_stats(L, 1, function), (size_t)row, limit, flags, out, length + 1);
    luaL_pushresultsize(&buffer, now < length ? now : length);
    return 1;
}

/* ---- things ---- */

static void end_things(void *made)
{
    husk_things_free(made);
}

static int things_close(lua_State *L)
{
    return husk_lua_user_close(L, &things_magic, "list of things");
}

static const husk_things *check_things(lua_State *L, int at)
{
    return husk_lua_check_user(L, at, &things_magic, "snapshot:things", "list of things")->made;
}

/* core.stats.things(snapshot, filter or nil, flags) */
static int new_things(lua_State *L)
{
    lua_settop(L, 3);
    husk_things *made = NULL;
    husk_lua_user *user = husk_lua_user_new(L, THINGS_META, &things_magic, end_things); /* 4 */
    const husk_filter *filter = lua_isnil(L, 2) ? NULL : husk_lua_check_filter(L, 2);
    husk_lua_snap *snap = husk_lua_check_snap(L, 1, "snapshot:things");
    husk_status status = husk_things_new(snap->snapshot, filter, (uint32_t)lua_tointeger(L, 3), &made);
    if (status != HUSK_OK)
        return husk_lua_fail_message(L, status);
    user->made = made;
    husk_lua_user_hang(L, 4, 1);
    return 1;
}

/* core.stats.next_thing(things, n): n + 1 and the thing, a table. */
static int next_thing(lua_State *L)
{
    static const char *const kinds[] = { "object", "buffer", "block" };
    static const char *const names[] = { "type", "tag", "domain", "mark" };
    husk_thing thing;
    lua_Integer at = lua_tointeger(L, 2);
    lua_settop(L, 2);
    if (!husk_things_at(check_things(L, 1), (size_t)at, &thing)) {
        lua_pushnil(L);
        return 1;
    }
    lua_pushinteger(L, at + 1);
    lua_createtable(L, 0, 10);
    for (int i = 0; i < 4; i++) {
        husk_things_at(check_things(L, 1), (size_t)at, &thing);
        const char *text = i == 0 ? thing.type : i == 1 ? thing.tag : i == 2 ? thing.domain : thing.mark;
        if (*text) {
            lua_pushstring(L, text);
            lua_setfield(L, -2, names[i]);
        }
    }
    lua_pushstring(L, kinds[thing.kind]);
    lua_setfield(L, -2, "kind");
    lua_pushinteger(L, (lua_Integer)thing.address);
    lua_setfield(L, -2, "address");
    set_size(L, "size", thing.size);
    lua_pushnumber(L, thing.weight);
    lua_setfield(L, -2, "weight");
    set_size(L, "thread", thing.thread);
    lua_pushinteger(L, thing.stack);
    lua_setfield(L, -2, "stack");
    lua_pushboolean(L, thing.traced);
    lua_setfield(L, -2, "traced");
    return 2;
}

/* ---- names and sizes ---- */

static void push_names(lua_State *L, const char *(*name)(int))
{
    lua_newtable(L);
    for (int i = 0; name(i); i++) {
        lua_pushstring(L, name(i));
        lua_rawseti(L, -2, i + 1);
    }
}

/* core.stats.groups(), core.stats.sorts(): what statistics can be by, and sorted by. */
static int groups(lua_State *L)
{
    push_names(L, husk_stats_by_name);
    return 1;
}

static int sorts(lua_State *L)
{
    push_names(L, husk_stats_sort_name);
    return 1;
}

/* core.stats.size(bytes, [sign]): "1.2 MiB". */
static int size_text(lua_State *L)
{
    char text[64];
    size_t length = husk_size_text(luaL_checknumber(L, 1), lua_toboolean(L, 2) != 0, text, sizeof text);
    lua_pushlstring(L, text, length < sizeof text ? length : sizeof text - 1);
    return 1;
}

/* Adds to the core table on top: stats, with the metatable of statistics' methods in stats.methods. */
void husk_lua_open_stats(lua_State *L)
{
    static const luaL_Reg functions[] = {
        { "filter", new_filter },     { "filter_parse", filter_parse },
        { "filter_say", filter_say }, { "filter_and", filter_and },
        { "new", new_stats },         { "row", stats_row },
        { "sum", stats_sum },         { "count", stats_count },
        { "by", stats_by },           { "traceback", stats_traceback },
        { "lines", stats_lines },     { "close", stats_close },
        { "things", new_things },     { "next_thing", next_thing },
        { "groups", groups },         { "sorts", sorts },
        { "size", size_text },        { NULL, NULL },
    };
    static const luaL_Reg none[] = { { NULL, NULL } };
    static const luaL_Reg filter_meta[] = { { "__gc", filter_close }, { NULL, NULL } };
    static const luaL_Reg stats_meta[] = { { "__gc", stats_close }, { NULL, NULL } };
    static const luaL_Reg things_meta[] = { { "__gc", things_close },
                                            { "__close", things_close },
                                            { NULL, NULL } };
    husk_lua_open_handle(L, FILTER_META, filter_meta, none);
    husk_lua_open_handle(L, STATS_META, stats_meta, none);
    husk_lua_open_handle(L, THINGS_META, things_meta, none);
    lua_pop(L, 3);
    luaL_newlib(L, functions);
    lua_setfield(L, -2, "stats");
}
