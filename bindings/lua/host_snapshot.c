/* bindings/lua/host_snapshot.c: snapshots as userdata: core.snapshot, a table of functions. husk/snapshot.lua makes
 * of them what scripts see; statistics are host_stats.c, exports host_export.c. */
#include "host_snapshot.h"

#include <stdlib.h>

int husk_lua_fail_message(lua_State *L, husk_status status)
{
    husk_lua_push_error(L, status, "%s", *husk_message() ? husk_message() : husk_status_text(status));
    return lua_error(L);
}

const char *husk_lua_opt_text(lua_State *L, int at, const char *function, const char *what)
{
    if (lua_isnoneornil(L, at))
        return NULL;
    size_t length = 0;
    const char *text = lua_type(L, at) == LUA_TSTRING ? lua_tolstring(L, at, &length) : NULL;
    if (text && strlen(text) == length)
        return text;
    char got[160];
    husk_lua_push_error(L, HUSK_EINVAL, "%s: %s is a string without NUL bytes, not %s", function, what,
                        text ? "another string" : husk_lua_describe(L, at, got, sizeof got));
    lua_error(L);
    return NULL;
}

static const char *check_text(lua_State *L, int at, const char *function, const char *what)
{
    const char *text = husk_lua_opt_text(L, at, function, what);
    if (!text) {
        husk_lua_push_error(L, HUSK_EINVAL, "%s: %s is missing", function, what);
        lua_error(L);
    }
    return text;
}

static husk_lua_snapshot *snapshot_at(lua_State *L, int at)
{
    return luaL_testudata(L, at, HUSK_LUA_SNAPSHOT_META);
}

husk_lua_snapshot *husk_lua_check_snapshot(lua_State *L, int at, const char *function)
{
    husk_lua_barrier(L);
    husk_lua_snapshot *box = snapshot_at(L, at);
    if (!box) {
        husk_lua_push_arg_error(L, function, at, "snapshot");
        lua_error(L);
    } else if (!box->snapshot) {
        husk_lua_push_error(L, HUSK_ESTATE, "%s: the snapshot is closed", function);
        lua_error(L);
    }
    return box;
}

static husk_lua_snapshot *new_box(lua_State *L)
{
    husk_lua_snapshot *box = lua_newuserdatauv(L, sizeof *box, 1);
    *box = (husk_lua_snapshot){ NULL, 0 };
    luaL_setmetatable(L, HUSK_LUA_SNAPSHOT_META);
    return box;
}

static lua_Integer opt_integer(lua_State *L, int at, const char *function, lua_Integer most)
{
    lua_Integer number = 0;
    if (!lua_isnoneornil(L, at) && !husk_lua_arg_integer(L, at, function, 0, most, &number))
        lua_error(L);
    return number;
}

/* The heap at `at`, NULL for false. */
static husk_heap *opt_heap(lua_State *L, int at, const char *function)
{
    if (lua_type(L, at) == LUA_TBOOLEAN && !lua_toboolean(L, at))
        return NULL;
    return husk_lua_check_heap(L, at, function);
}

static husk_snapshot_options options_at(lua_State *L, int at, const char *function)
{
    husk_snapshot_options o = { HUSK_SNAPSHOT_OPTIONS };
    o.flags = (uint32_t)opt_integer(L, at, function, 15);
    o.max_bytes = (size_t)opt_integer(L, at + 1, function, LUA_MAXINTEGER);
    return o;
}

/* new(heap or false, flags, max_bytes) */
static int new_snapshot(lua_State *L)
{
    husk_snapshot_options o = options_at(L, 2, "husk.snapshot.take");
    husk_lua_snapshot *box = new_box(L);
    husk_heap *heap = opt_heap(L, 1, "husk.snapshot.take");
    husk_status status = husk_snapshot_new(heap, &o, &box->snapshot);
    return status ? husk_lua_fail_message(L, status) : 1;
}

static int load(lua_State *L)
{
    const char *path = check_text(L, 1, "husk.snapshot.load", "the path");
    husk_lua_snapshot *box = new_box(L);
    husk_status status = husk_snapshot_load(path, &box->snapshot);
    return status ? husk_lua_fail_message(L, status) : 1;
}

static int save(lua_State *L)
{
    husk_lua_snapshot *box = husk_lua_check_snapshot(L, 1, "snapshot:save");
    husk_status status = husk_snapshot_save(box->snapshot, check_text(L, 2, "snapshot:save", "the path"));
    return status ? husk_lua_fail_message(L, status) : 0;
}

/* fork(heap or false, flags, max_bytes, path): waits for the child, which is another process. */
static int fork_snapshot(lua_State *L)
{
    husk_snapshot_options o = options_at(L, 2, "husk.snapshot.fork");
    const char *path = check_text(L, 4, "husk.snapshot.fork", "the path");
    husk_heap *heap = opt_heap(L, 1, "husk.snapshot.fork");
    int64_t child = 0;
    husk_status status = husk_snapshot_fork(heap, &o, path, &child);
    if (status)
        return husk_lua_fail_message(L, status);
    lua_pushinteger(L, (lua_Integer)child);
    return 1;
}

static int fork_wait(lua_State *L)
{
    lua_Integer child = 0;
    if (!husk_lua_arg_integer(L, 1, "husk.snapshot.wait", 1, LUA_MAXINTEGER, &child))
        return lua_error(L);
    husk_status status = husk_snapshot_fork_wait((int64_t)child);
    return status ? husk_lua_fail_message(L, status) : 0;
}

static int close_snapshot(lua_State *L)
{
    husk_lua_snapshot *box = snapshot_at(L, 1);
    if (box && box->uses) {
        husk_lua_push_error(L, HUSK_EBUSY, "snapshot:close: it is being exported");
        return lua_error(L);
    }
    if (box) {
        husk_snapshot_free(box->snapshot);
        box->snapshot = NULL;
    }
    return 0;
}

static int is_open(lua_State *L)
{
    husk_lua_snapshot *box = snapshot_at(L, 1);
    lua_pushboolean(L, box && box->snapshot);
    return 1;
}

static int tostring(lua_State *L)
{
    husk_lua_snapshot *box = snapshot_at(L, 1);
    if (!box || !box->snapshot) {
        lua_pushliteral(L, "snapshot (closed)");
        return 1;
    }
    husk_snapshot_counts counts;
    husk_snapshot_counts_get(box->snapshot, &counts);
    lua_pushfstring(L, "snapshot (%I objects, %I bytes)", (LUAI_UACINT)counts.objects,
                    (LUAI_UACINT)counts.object_bytes);
    return 1;
}

/* ---- what it says ---- */

static int counts(lua_State *L)
{
    husk_lua_snapshot *box = husk_lua_check_snapshot(L, 1, "snapshot:counts");
    husk_snapshot_counts c;
    husk_snapshot_counts_get(box->snapshot, &c);
    const struct {
        const char *name;
        size_t value;
    } rows[] = {
#define ROW(name) { #name, c.name }
        ROW(objects),      ROW(object_bytes), ROW(edges),       ROW(weak_edges), ROW(buffers),
        ROW(buffer_bytes), ROW(blocks),       ROW(block_bytes), ROW(traced),     ROW(types),
        ROW(records),      ROW(stacks),       ROW(frames),      ROW(bytes),
#undef ROW
    };
    lua_createtable(L, 0, (int)(sizeof rows / sizeof *rows));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        husk_lua_push_size(L, rows[i].value);
        lua_setfield(L, -2, rows[i].name);
    }
    return 1;
}

static int text(lua_State *L)
{
    husk_lua_snapshot *box = husk_lua_check_snapshot(L, 1, "snapshot:text");
    lua_pushstring(L, husk_snapshot_text(box->snapshot, check_text(L, 2, "snapshot:text", "the key")));
    return 1;
}

/* text_key(snapshot, number from 0) */
static int text_key(lua_State *L)
{
    husk_lua_snapshot *box = husk_lua_check_snapshot(L, 1, "snapshot:texts");
    lua_pushstring(L, husk_snapshot_text_key(box->snapshot,
                                             (size_t)opt_integer(L, 2, "snapshot:texts", LUA_MAXINTEGER)));
    return 1;
}

static int note(lua_State *L)
{
    husk_lua_snapshot *box = husk_lua_check_snapshot(L, 1, "snapshot:note");
    const char *key = check_text(L, 2, "snapshot:note", "the key");
    husk_status status =
        husk_snapshot_note(box->snapshot, key, check_text(L, 3, "snapshot:note", "the text"));
    return status ? husk_lua_fail_message(L, status) : 0;
}

static int number(lua_State *L)
{
    husk_lua_snapshot *box = husk_lua_check_snapshot(L, 1, "snapshot:number");
    const char *group = check_text(L, 2, "snapshot:number", "the group");
    uint64_t value;
    if (husk_snapshot_number(box->snapshot, group, check_text(L, 3, "snapshot:number", "the name"), &value) ==
        HUSK_OK)
        husk_lua_push_size(L, value);
    else
        lua_pushnil(L);
    return 1;
}

/* figure(snapshot, number from 0): group, name, value */
static int figure(lua_State *L)
{
    husk_lua_snapshot *box = husk_lua_check_snapshot(L, 1, "snapshot:figures");
    husk_snapshot_figure f;
    if (!husk_snapshot_figure_at(box->snapshot, (size_t)opt_integer(L, 2, "snapshot:figures", LUA_MAXINTEGER),
                                 &f))
        return 0;
    lua_pushstring(L, f.group);
    lua_pushstring(L, f.name);
    husk_lua_push_size(L, f.value);
    return 3;
}

/* ---- the graph: numbers from 1, as in Lua ---- */

static void set_flag(lua_State *L, const char *name, bool on)
{
    lua_pushboolean(L, on);
    lua_setfield(L, -2, name);
}

static int node(lua_State *L)
{
    husk_lua_snapshot *box = husk_lua_check_snapshot(L, 1, "snapshot:node");
    lua_Integer index = opt_integer(L, 2, "snapshot:node", LUA_MAXINTEGER);
    husk_node n;
    if (index < 1 || !husk_snapshot_node(box->snapshot, (size_t)index - 1, &n))
        return 0;
    lua_createtable(L, 0, 14);
    lua_pushinteger(L, index);
    lua_setfield(L, -2, "number");
    lua_pushinteger(L, (lua_Integer)n.address);
    lua_setfield(L, -2, "address");
    lua_pushstring(L, n.type);
    lua_setfield(L, -2, "type");
    husk_lua_push_size(L, n.size);
    lua_setfield(L, -2, "size");
    husk_lua_push_size(L, n.edges);
    lua_setfield(L, -2, "edges");
    lua_pushinteger(L, (lua_Integer)n.hidden);
    lua_setfield(L, -2, "hidden");
    lua_pushinteger(L, (lua_Integer)n.stack);
    lua_setfield(L, -2, "stack");
    set_flag(L, "tracked", n.tracked);
    set_flag(L, "finalized", n.finalized);
    set_flag(L, "finalizer_pending", n.finalizer_pending);
    set_flag(L, "frozen", n.frozen);
    set_flag(L, "immortal", n.immortal);
    set_flag(L, "weakly", n.weakly);
    return 1;
}

static int find(lua_State *L)
{
    husk_lua_snapshot *box = husk_lua_check_snapshot(L, 1, "snapshot:find");
    lua_Integer address = 0;
    if (!husk_lua_arg_integer(L, 2, "snapshot:find", LUA_MININTEGER, LUA_MAXINTEGER, &address))
        return lua_error(L);
    size_t found = husk_snapshot_find(box->snapshot, (uint64_t)address);
    if (found == SIZE_MAX)
        return 0;
    lua_pushinteger(L, (lua_Integer)found + 1);
    return 1;
}

/* edge(snapshot, node, number): to, name, kind, index */
static int edge(lua_State *L)
{
    husk_lua_snapshot *box = husk_lua_check_snapshot(L, 1, "snapshot:edges");
    lua_Integer from = opt_integer(L, 2, "snapshot:edges", LUA_MAXINTEGER);
    lua_Integer index = opt_integer(L, 3, "snapshot:edges", LUA_MAXINTEGER);
    husk_snapshot_edge e;
    if (from < 1 || index < 1 ||
        !husk_snapshot_edge_at(box->snapshot, (size_t)from - 1, (size_t)index - 1, &e))
        return 0;
    lua_pushinteger(L, (lua_Integer)e.to + 1);
    lua_pushstring(L, e.name);
    lua_pushstring(L, e.weak ? "weak" : e.ephemeron ? "ephemeron" : "strong");
    if (e.index == SIZE_MAX)
        lua_pushnil(L);
    else
        lua_pushinteger(L, (lua_Integer)e.index + 1);
    return 4;
}

void husk_lua_push_snapshot_frame(lua_State *L, const husk_frame *frame)
{
    lua_createtable(L, 0, 5);
    lua_pushstring(L, frame->file);
    lua_setfield(L, -2, "file");
    lua_pushinteger(L, (lua_Integer)frame->line);
    lua_setfield(L, -2, "line");
    lua_pushstring(L, frame->function);
    lua_setfield(L, -2, "function");
    if (frame->address) {
        lua_pushstring(L, frame->module);
        lua_setfield(L, -2, "module");
        lua_pushinteger(L, (lua_Integer)frame->address);
        lua_setfield(L, -2, "address");
    }
}

/* frames(snapshot, stack): a list, newest first */
static int frames(lua_State *L)
{
    husk_lua_snapshot *box = husk_lua_check_snapshot(L, 1, "snapshot:traceback");
    uint32_t stack = (uint32_t)opt_integer(L, 2, "snapshot:traceback", UINT32_MAX);
    size_t depth = husk_snapshot_depth(box->snapshot, stack);
    lua_createtable(L, (int)(depth < 1000 ? depth : 1000), 0);
    husk_frame frame;
    for (size_t i = 0; i < depth && husk_snapshot_frame(box->snapshot, stack, i, &frame); i++) {
        husk_lua_push_snapshot_frame(L, &frame);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    size_t total = husk_snapshot_total_depth(box->snapshot, stack);
    if (total) {
        husk_lua_push_size(L, total);
        lua_setfield(L, -2, "total");
    }
    return 1;
}

void husk_lua_open_snapshots(lua_State *L)
{
    static const luaL_Reg functions[] = {
        { "new", new_snapshot },   { "load", load },      { "save", save },
        { "fork", fork_snapshot }, { "wait", fork_wait }, { "close", close_snapshot },
        { "is_open", is_open },    { "counts", counts },  { "text", text },
        { "text_key", text_key },  { "note", note },      { "number", number },
        { "figure", figure },      { "node", node },      { "find", find },
        { "edge", edge },          { "frames", frames },  { NULL, NULL },
    };
    static const luaL_Reg meta[] = {
        { "__gc", close_snapshot },
        { "__close", close_snapshot },
        { "__tostring", tostring },
        { NULL, NULL },
    };
    luaL_newmetatable(L, HUSK_LUA_SNAPSHOT_META);
    luaL_setfuncs(L, meta, 0);
    luaL_newlib(L, functions);
    lua_pushvalue(L, -2); /* the metatable, whose __index the Lua layer sets */
    lua_setfield(L, -2, "meta");
    lua_remove(L, -2);
    husk_lua_open_stats(L);
    husk_lua_open_exports(L);
    lua_setfield(L, -2, "snapshot");
}
