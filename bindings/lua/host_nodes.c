/* bindings/lua/host_nodes.c: what is in a snapshot, one thing at a time: objects, edges, tracebacks. Their numbers count
 * from 1 in Lua. */
#include "host.h"

/* ---- objects and edges ---- */

static void set_flag(lua_State *L, const char *name, bool on)
{
    lua_pushboolean(L, on);
    lua_setfield(L, -2, name);
}

static void set_number(lua_State *L, const char *name, lua_Integer number)
{
    lua_pushinteger(L, number);
    lua_setfield(L, -2, name);
}

static void set_top(lua_State *L, const char *name) /* what is below the table on top */
{
    lua_rotate(L, -2, 1);
    lua_setfield(L, -2, name);
}

/* The number at `at`, from 1, as an index; SIZE_MAX if it is none. */
static size_t index_at(lua_State *L, int at, const char *function)
{
    lua_Integer number;
    if (!husk_lua_entry_integer(L, at, function, "the number", &number))
        lua_error(L);
    return (size_t)number - 1;
}

static void push_node(lua_State *L, size_t index, const husk_node *node)
{
    lua_pushstring(L, node->type); /* first: it is copied before anything can run */
    lua_createtable(L, 0, 14);
    set_top(L, "type");
    set_number(L, "number", (lua_Integer)index + 1);
    set_number(L, "address", (lua_Integer)node->address);
    set_number(L, "size", (lua_Integer)node->size);
    set_number(L, "edges", (lua_Integer)node->edges);
    set_number(L, "hidden", (lua_Integer)node->hidden);
    set_number(L, "stack", node->stack);
    set_number(L, "record", node->record);
    set_flag(L, "tracked", node->tracked);
    set_flag(L, "finalized", node->finalized);
    set_flag(L, "finalizer_pending", node->finalizer_pending);
    set_flag(L, "frozen", node->frozen);
    set_flag(L, "immortal", node->immortal);
    set_flag(L, "weakly", node->weakly);
}

static int snap_node(lua_State *L)
{
    husk_node node;
    size_t index = index_at(L, 2, "snapshot:node");
    if (husk_snapshot_node(husk_lua_check_snap(L, 1, "snapshot:node")->snapshot, index, &node))
        push_node(L, index, &node);
    else
        lua_pushnil(L);
    return 1;
}

/* The iterator of snapshot:nodes(): from its number to the next. */
static int next_node(lua_State *L)
{
    husk_node node;
    size_t index = (size_t)lua_tointeger(L, 2);
    if (!husk_snapshot_node(husk_lua_check_snap(L, 1, "snapshot:nodes")->snapshot, index, &node)) {
        lua_pushnil(L);
        return 1;
    }
    lua_pushinteger(L, (lua_Integer)index + 1);
    push_node(L, index, &node);
    return 2;
}

static int snap_nodes(lua_State *L)
{
    husk_lua_check_snap(L, 1, "snapshot:nodes");
    lua_pushcfunction(L, next_node);
    lua_pushvalue(L, 1);
    lua_pushinteger(L, 0);
    return 3;
}

/* snapshot:find(x): x is an object that is alive, or an address. */
static int snap_find(lua_State *L)
{
    static const char function[] = "snapshot:find";
    uint64_t address;
    if (husk_lua_proxy_at(L, 2))
        address = (uintptr_t)husk_lua_check_obj(L, 2, function);
    else
        address = husk_lua_check_address(L, 2, function);
    size_t found = husk_snapshot_find(husk_lua_check_snap(L, 1, function)->snapshot, address);
    if (found == SIZE_MAX)
        lua_pushnil(L);
    else
        lua_pushinteger(L, (lua_Integer)found + 1);
    return 1;
}

/* The iterator of snapshot:edges(n): upvalues are the snapshot, n, and how many edges there were. */
static int next_edge(lua_State *L)
{
    husk_snapshot_edge edge;
    size_t node = (size_t)lua_tointeger(L, lua_upvalueindex(2)) - 1,
           at = (size_t)lua_tointeger(L, lua_upvalueindex(3));
    const husk_lua_snap *snap = husk_lua_check_snap(L, lua_upvalueindex(1), "snapshot:edges");
    if (!husk_snapshot_edge_at(snap->snapshot, node, at, &edge)) {
        lua_pushnil(L);
        return 1;
    }
    lua_pushinteger(L, (lua_Integer)at + 1);
    lua_replace(L, lua_upvalueindex(3));
    lua_pushinteger(L, (lua_Integer)edge.to + 1);
    lua_pushstring(L, edge.name); /* or nil; copied before anything can run */
    lua_pushstring(L, edge.weak ? "weak" : edge.ephemeron ? "ephemeron" : "strong");
    if (edge.index == SIZE_MAX)
        lua_pushnil(L);
    else
        lua_pushinteger(L, (lua_Integer)edge.index + 1);
    return 4;
}

static int snap_edges(lua_State *L)
{
    static const char function[] = "snapshot:edges";
    husk_node node;
    size_t index = index_at(L, 2, function);
    if (!husk_snapshot_node(husk_lua_check_snap(L, 1, function)->snapshot, index, &node)) {
        husk_lua_push_error(L, HUSK_ERANGE, "%s: there is no object number %I", function,
                            lua_tointeger(L, 2));
        return lua_error(L);
    }
    lua_pushvalue(L, 1);
    lua_pushinteger(L, (lua_Integer)index + 1);
    lua_pushinteger(L, 0);
    lua_pushcclosure(L, next_edge, 3);
    return 1;
}

/* ---- tracebacks ---- */

/* Pushes a frame; `again` gets it anew for each of its strings. */
void husk_lua_push_shot_frame(lua_State *L, husk_lua_frame_fn *again, void *data)
{
    husk_frame frame;
    static const char *const names[] = { "file", "function", "module" };
    lua_createtable(L, 0, 5);
    for (int i = 0; i < 3; i++) {
        again(L, data, &frame);
        const char *text = i == 0 ? frame.file : i == 1 ? frame.function : frame.module;
        if (i == 2 && !*text)
            break;
        lua_pushstring(L, text);
        lua_setfield(L, -2, names[i]);
    }
    set_number(L, "line", frame.line);
    if (frame.address)
        set_number(L, "address", (lua_Integer)frame.address);
}

typedef struct stack_place {
    const char *function;
    uint32_t stack;
} stack_place;

static void frame_of_stack(lua_State *L, void *data, husk_frame *out)
{
    const stack_place *at = data;
    husk_snapshot_frame(husk_lua_check_snap(L, 1, at->function)->snapshot, at->stack, 0, out);
}

/* core.snapshot.traceback(snapshot, stack): the frames, newest first, with `total` if the limit cut some; or nil. */
static int traceback(lua_State *L)
{
    static const char function[] = "snapshot:traceback";
    lua_Integer number;
    husk_frame frame;
    if (!husk_lua_entry_integer(L, 2, function, "the traceback", &number))
        return lua_error(L);
    stack_place at = { function, number > UINT32_MAX ? UINT32_MAX : (uint32_t)number };
    const husk_snapshot *snapshot = husk_lua_check_snap(L, 1, function)->snapshot;
    if (!husk_snapshot_frame(snapshot, at.stack, 0, &frame)) {
        lua_pushnil(L);
        return 1;
    }
    size_t depth = husk_snapshot_depth(snapshot, at.stack),
           total = husk_snapshot_total_depth(snapshot, at.stack);
    lua_settop(L, 1);
    lua_createtable(L, depth < INT_MAX ? (int)depth : 0, 1);
    if (total > depth)
        set_number(L, "total", (lua_Integer)total);
    for (lua_Integer i = 1; at.stack; i++) {
        husk_lua_push_shot_frame(L, frame_of_stack, &at);
        lua_rawseti(L, 2, i);
        at.stack = husk_snapshot_caller(husk_lua_check_snap(L, 1, function)->snapshot, at.stack);
    }
    return 1;
}

/* ---- opening ---- */

void husk_lua_add_nodes(lua_State *L)
{
    static const luaL_Reg methods[] = {
        { "node", snap_node },   { "nodes", snap_nodes }, { "find", snap_find },
        { "edges", snap_edges }, { NULL, NULL },
    };
    luaL_setfuncs(L, methods, 0);
}

void husk_lua_add_traceback(lua_State *L)
{
    lua_pushcfunction(L, traceback);
    lua_setfield(L, -2, "traceback");
}
