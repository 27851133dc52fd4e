/* bindings/lua/host_stats.c: statistics as userdata. Rows are made into tables when they are asked for. */
#include "host_snapshot.h"

#include <stdlib.h>

#define STATS_META "husk.Statistics"

/* Its user values are the snapshots that it is of, so that they outlive it as userdata; if one of them is closed, it is
 * of no use any more. */
typedef struct husk_lua_stats {
    husk_stats *stats;
    const husk_lua_snapshot *snapshot, *old;
} husk_lua_stats;

static husk_lua_stats *check_stats(lua_State *L, const char *function)
{
    husk_lua_barrier(L);
    husk_lua_stats *box = luaL_testudata(L, 1, STATS_META);
    if (!box || !box->stats) {
        husk_lua_push_arg_error(L, function, 1, "statistics");
        lua_error(L);
    } else if (!box->snapshot->snapshot || (box->old && !box->old->snapshot)) {
        husk_lua_push_error(L, HUSK_ESTATE, "%s: the snapshot of these statistics is closed", function);
        lua_error(L);
    }
    return box;
}

static int free_stats(lua_State *L)
{
    husk_lua_stats *box = luaL_testudata(L, 1, STATS_META);
    if (box) {
        husk_stats_free(box->stats);
        box->stats = NULL;
    }
    return 0;
}

/* A filter while its texts are added: freed by Lua, since adding may raise. */
static int free_filter(lua_State *L)
{
    husk_filter **box = lua_touserdata(L, 1);
    husk_filter_free(*box);
    *box = NULL;
    return 0;
}

/* Pushes a userdata that owns the filter of the texts at `at`: nil (then NULL is the answer), a string, or a list. */
static husk_filter *check_filter(lua_State *L, int at, const char *function)
{
    if (lua_isnoneornil(L, at)) {
        lua_pushnil(L);
        return NULL;
    }
    if (lua_type(L, at) != LUA_TTABLE && lua_type(L, at) != LUA_TSTRING) {
        husk_lua_push_error(L, HUSK_EINVAL, "%s: filter is a string or a list of strings", function);
        lua_error(L);
    }
    husk_filter **box = lua_newuserdatauv(L, sizeof *box, 0);
    *box = NULL;
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, free_filter);
    lua_setfield(L, -2, "__gc");
    lua_setmetatable(L, -2);
    husk_status status = husk_filter_new(box);
    bool one = lua_type(L, at) == LUA_TSTRING;
    lua_Integer count = one ? 1 : luaL_len(L, at);
    for (lua_Integer i = 1; !status && i <= count; i++) {
        if (one)
            lua_pushvalue(L, at);
        else
            lua_rawgeti(L, at, i);
        const char *text = husk_lua_opt_text(L, -1, function, "a filter");
        status = husk_filter_parse(*box, text ? text : "");
        lua_pop(L, 1);
    }
    if (status)
        husk_lua_fail_message(L, status);
    return *box;
}

/* stats(snapshot, old or nil, by, sort or nil, flags, filter, old_filter) */
static int new_stats(lua_State *L)
{
    lua_settop(L, 7);
    bool compare = !lua_isnil(L, 2);
    const char *function = compare ? "snapshot:compare" : "snapshot:statistics";
    husk_stats_options o = { HUSK_STATS_OPTIONS };
    const char *by = husk_lua_opt_text(L, 3, function, "the grouping"),
               *sort = husk_lua_opt_text(L, 4, function, "sort");
    husk_status status = by ? husk_stats_by_find(by, &o.by) : HUSK_OK;
    if (!status && sort)
        status = husk_stats_sort_find(sort, &o.sort);
    if (status)
        return husk_lua_fail_message(L, status);
    lua_Integer flags = 0;
    if (!husk_lua_arg_integer(L, 5, function, 0, 15, &flags))
        return lua_error(L);
    o.flags = (uint32_t)flags;
    o.filter = check_filter(L, 6, function);
    o.old_filter = check_filter(L, 7, function);
    husk_lua_stats *box = lua_newuserdatauv(L, sizeof *box, 2);
    *box = (husk_lua_stats){ NULL, NULL, NULL };
    luaL_setmetatable(L, STATS_META);
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, -2, 1);
    lua_pushvalue(L, 2);
    lua_setiuservalue(L, -2, 2);
    box->snapshot = husk_lua_check_snapshot(L, 1, function);
    box->old = compare ? husk_lua_check_snapshot(L, 2, function) : NULL;
    status = compare ? husk_stats_compare(box->old->snapshot, box->snapshot->snapshot, &o, &box->stats)
                     : husk_stats_new(box->snapshot->snapshot, &o, &box->stats);
    return status ? husk_lua_fail_message(L, status) : 1;
}

/* ---- rows ---- */

static void set_integer(lua_State *L, const char *name, int64_t value)
{
    lua_pushinteger(L, (lua_Integer)value);
    lua_setfield(L, -2, name);
}

static void push_row(lua_State *L, const husk_stat *row, bool comparison, bool named)
{
    lua_createtable(L, 0, 12);
    set_integer(L, "size", row->size);
    set_integer(L, "count", row->count);
    if (comparison) {
        set_integer(L, "size_diff", row->size_diff);
        set_integer(L, "count_diff", row->count_diff);
    }
    if (row->recorded) {
        set_integer(L, "born", (int64_t)row->born);
        set_integer(L, "born_bytes", (int64_t)row->born_bytes);
        set_integer(L, "died", (int64_t)row->died);
        set_integer(L, "died_bytes", (int64_t)row->died_bytes);
        set_integer(L, "temporary", (int64_t)row->temporary);
        set_integer(L, "peak", (int64_t)row->peak);
        set_integer(L, "peak_bytes", (int64_t)row->peak_bytes);
    }
    if (!named)
        return;
    lua_pushstring(L, row->name);
    lua_setfield(L, -2, "name");
    lua_pushstring(L, row->function);
    lua_setfield(L, -2, "function");
    set_integer(L, "line", row->line);
}

static size_t index_at(lua_State *L, int at, const char *function)
{
    lua_Integer index = 0;
    if (!husk_lua_arg_integer(L, at, function, 1, LUA_MAXINTEGER, &index))
        lua_error(L);
    return (size_t)index - 1;
}

static int count(lua_State *L)
{
    husk_lua_push_size(L, husk_stats_count(check_stats(L, "#statistics")->stats));
    return 1;
}

/* row(stats, number): a table, or nothing */
static int row(lua_State *L)
{
    husk_lua_stats *box = check_stats(L, "statistics[i]");
    husk_stat out;
    if (!husk_stats_row(box->stats, index_at(L, 2, "statistics[i]"), &out))
        return 0;
    push_row(L, &out, husk_stats_is_comparison(box->stats), true);
    return 1;
}

static int total(lua_State *L)
{
    husk_lua_stats *box = check_stats(L, "statistics:total");
    husk_stat out;
    husk_stats_total(box->stats, &out);
    push_row(L, &out, husk_stats_is_comparison(box->stats), false);
    return 1;
}

/* rest(stats, first): a table, or nothing if there is no such row */
static int rest(lua_State *L)
{
    husk_lua_stats *box = check_stats(L, "statistics:rest");
    size_t first = index_at(L, 2, "statistics:rest");
    if (first >= husk_stats_count(box->stats))
        return 0;
    husk_stat out;
    husk_stats_rest(box->stats, first, &out);
    push_row(L, &out, husk_stats_is_comparison(box->stats), false);
    return 1;
}

/* frames(stats, row): a list, newest first */
static int frames(lua_State *L)
{
    husk_lua_stats *box = check_stats(L, "statistics[i].frames");
    size_t index = index_at(L, 2, "statistics[i].frames");
    husk_frame frame;
    lua_newtable(L);
    for (size_t i = 0; husk_stats_frame(box->stats, index, i, &frame); i++) {
        husk_lua_push_snapshot_frame(L, &frame);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

/* ---- text: asked for its length first ---- */

enum { ROW_TEXT, REST_TEXT, TOTAL_TEXT, TRACEBACK_TEXT };

struct wanted {
    const husk_stats *stats;
    int what;
    size_t index;
    int64_t limit;
    uint32_t flags;
};

static size_t write_text(const struct wanted *w, char *out, size_t room)
{
    switch (w->what) {
    case ROW_TEXT:
        return husk_stats_row_text(w->stats, w->index, out, room);
    case REST_TEXT:
        return husk_stats_rest_text(w->stats, w->index, out, room);
    case TOTAL_TEXT:
        return husk_stats_total_text(w->stats, out, room);
    default:
        return husk_stats_traceback_text(w->stats, w->index, w->limit, w->flags, out, room);
    }
}

static int push_text(lua_State *L, const struct wanted *w)
{
    size_t length = write_text(w, NULL, 0);
    luaL_Buffer buffer;
    char *out = luaL_buffinitsize(L, &buffer, length + 1);
    size_t again = write_text(w, out, length + 1); /* a source file may have changed */
    luaL_pushresultsize(&buffer, again < length ? again : length);
    return 1;
}

static int row_text(lua_State *L)
{
    husk_lua_stats *box = check_stats(L, "tostring(row)");
    return push_text(L, &(struct wanted){ box->stats, ROW_TEXT, index_at(L, 2, "tostring(row)"), 0, 0 });
}

static int rest_text(lua_State *L)
{
    husk_lua_stats *box = check_stats(L, "tostring(rest)");
    return push_text(L, &(struct wanted){ box->stats, REST_TEXT, index_at(L, 2, "tostring(rest)"), 0, 0 });
}

static int total_text(lua_State *L)
{
    husk_lua_stats *box = check_stats(L, "tostring(total)");
    return push_text(L, &(struct wanted){ box->stats, TOTAL_TEXT, 0, 0, 0 });
}

/* traceback(stats, row, limit, flags) */
static int traceback(lua_State *L)
{
    husk_lua_stats *box = check_stats(L, "statistics:traceback");
    lua_Integer limit = 0, flags = 0;
    size_t index = index_at(L, 2, "statistics:traceback");
    if (!husk_lua_arg_integer(L, 3, "statistics:traceback", -HUSK_TRACE_MOST_FRAMES, HUSK_TRACE_MOST_FRAMES,
                              &limit) ||
        !husk_lua_arg_integer(L, 4, "statistics:traceback", 0, 7, &flags))
        return lua_error(L);
    return push_text(L, &(struct wanted){ box->stats, TRACEBACK_TEXT, index, limit, (uint32_t)flags });
}

static void push_names(lua_State *L, const char *(*name_of)(int number))
{
    lua_newtable(L);
    const char *name;
    for (int i = 0; (name = name_of(i)); i++) {
        lua_pushstring(L, name);
        lua_rawseti(L, -2, i + 1);
    }
}

void husk_lua_open_stats(lua_State *L)
{
    static const luaL_Reg functions[] = {
        { "stats", new_stats },
        { "count", count },
        { "row", row },
        { "total", total },
        { "rest", rest },
        { "row_frames", frames },
        { "row_text", row_text },
        { "rest_text", rest_text },
        { "traceback", traceback },
        { "total_text", total_text },
        { NULL, NULL },
    };
    static const luaL_Reg meta[] = { { "__gc", free_stats }, { NULL, NULL } };
    luaL_newmetatable(L, STATS_META);
    luaL_setfuncs(L, meta, 0);
    lua_pop(L, 1);
    luaL_setfuncs(L, functions, 0);
    push_names(L, husk_stats_by_name);
    lua_setfield(L, -2, "groups");
    push_names(L, husk_stats_sort_name);
    lua_setfield(L, -2, "sorts");
}
