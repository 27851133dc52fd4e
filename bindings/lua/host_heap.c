/* bindings/lua/host_heap.c: what a heap does that SWIG's flat calls cannot: callbacks, names that Husk keeps,
 * and the questions about objects that stand beside them. */
#include "host.h"

const char *husk_lua_keep_name(lua_State *L, int at, const char *function, const char *otherwise)
{
    if (lua_isnoneornil(L, at))
        return otherwise;
    if (lua_type(L, at) != LUA_TSTRING) {
        husk_lua_push_arg_error(L, function, at, "string");
        lua_error(L);
    }
    husk_lua_table(L, HUSK_LUA_NAMES);
    lua_pushvalue(L, at);
    if (lua_rawget(L, -2) == LUA_TNIL) {
        lua_pushvalue(L, at);
        lua_pushvalue(L, at);
        lua_rawset(L, -4);
        lua_pushvalue(L, at);
    }
    return lua_tostring(L, -1); /* the one that the table has: equal long strings are different objects */
}

/* heap:disable([holder]): Husk keeps the pointer, so the string stays as long as the Lua state. */
static int heap_disable(lua_State *L)
{
    const char *holder = husk_lua_keep_name(L, 2, "heap:disable", "a script");
    husk_heap *heap = husk_lua_check_heap(L, 1, "heap:disable");
    husk_status status = husk_heap_disable(heap, holder);
    return status == HUSK_OK ? 0 : husk_lua_fail(L, heap, status);
}

/* heap:on_error(function or nil): function(code, text, heap_name) for errors of hooks; nil: on stderr. */
static int heap_on_error(lua_State *L)
{
    bool listens = !lua_isnoneornil(L, 2);
    if (listens && lua_type(L, 2) != LUA_TFUNCTION) {
        husk_lua_push_arg_error(L, "heap:on_error", 2, "function");
        return lua_error(L);
    }
    lua_settop(L, 2);
    husk_lua_check_heap(L, 1, "heap:on_error");
    husk_lua_host *host = husk_lua_door_at(L, 1);
    husk_lua_table(L, HUSK_LUA_VALUES);
    lua_pushvalue(L, 2);
    lua_rawsetp(L, -2, host);
    if (listens)
        husk_heap_on_error(host->heap, husk_lua_on_error, host, NULL);
    else
        husk_heap_on_error(host->heap, NULL, NULL, NULL);
    return 0;
}

/* heap:on_pass(function): function("start" or "stop", figures). Returns the number for heap:off_pass. */
static int heap_on_pass(lua_State *L)
{
    if (lua_type(L, 2) != LUA_TFUNCTION) {
        husk_lua_push_arg_error(L, "heap:on_pass", 2, "function");
        return lua_error(L);
    }
    husk_lua_token *token = husk_lua_token_new(L, 2);
    husk_heap *heap = husk_lua_arg_heap(L, 1, "heap:on_pass");
    if (!heap) {
        husk_lua_token_loose(token);
        return lua_error(L);
    }
    uint64_t id;
    husk_status status = husk_heap_on_pass(heap, husk_lua_on_pass, token, husk_lua_token_loose, &id);
    if (status != HUSK_OK)
        return husk_lua_fail(L, heap, status);
    lua_pushinteger(L, (lua_Integer)id);
    return 1;
}

/* heap:report(text): an error that has nowhere else to go, to the error hook. */
static int heap_report(lua_State *L)
{
    if (lua_type(L, 2) != LUA_TSTRING) {
        husk_lua_push_arg_error(L, "heap:report", 2, "string");
        return lua_error(L);
    }
    husk_heap *heap = husk_lua_check_heap(L, 1, "heap:report");
    husk_lua_host *host = husk_lua_enter(L, heap);
    husk_heap_report(heap, HUSK_EHOOK, lua_tostring(L, 2));
    husk_lua_leave(L, host);
    return 0;
}

/* ---- questions about an object ---- */

static size_t count_of(lua_State *L, const char *function)
{
    return husk_obj_strong_count(husk_lua_check_obj(L, 1, function));
}

/* husk.getrefcount(x): all references, the handle that is used to ask included. */
static int getrefcount(lua_State *L)
{
    husk_lua_push_size(L, count_of(L, "husk.getrefcount"));
    return 1;
}

/* husk.refcount(x): that handle left out. */
static int refcount(lua_State *L)
{
    size_t count = count_of(L, "husk.refcount");
    husk_lua_push_size(L, count == SIZE_MAX ? count : count - 1);
    return 1;
}

/* husk.kind(x): "record", "list", "map", "box", "weak", "other", "heap", "type", or nil for anything else. */
static int kind(lua_State *L)
{
    static const char *const kinds[] = { "other", "record", "list",       "map",          "text",
                                         "box",   "weak",   "weakkeymap", "weakvaluemap", "weakset" };
    husk_lua_barrier(L);
    const husk_lua_proxy *proxy = husk_lua_proxy_at(L, 1);
    if (proxy && proxy->type)
        lua_pushstring(L, husk_lua_proxy_obj(proxy) ? kinds[husk_obj_kind(proxy->hold->obj)] : "dead");
    else if (husk_lua_door_at(L, 1))
        lua_pushliteral(L, "heap");
    else
        lua_pushnil(L);
    return 1;
}

static int type_name(lua_State *L)
{
    const husk_lua_proxy *proxy = husk_lua_proxy_at(L, 1);
    lua_pushstring(L, proxy && proxy->type ? husk_type_name(proxy->type) : NULL);
    return 1;
}

/* core.is_alive(x): x is a handle and not a dead one. */
static int is_alive(lua_State *L)
{
    lua_pushboolean(L, husk_lua_proxy_obj(husk_lua_proxy_at(L, 1)) != NULL);
    return 1;
}

static int heap_of(lua_State *L)
{
    husk_lua_push_door(L, husk_lua_host_of(husk_lua_check_obj(L, 1, "husk.heap_of")));
    return 1;
}

static int door_tostring(lua_State *L)
{
    char text[160];
    lua_pushstring(L, husk_lua_describe(L, 1, text, sizeof text));
    return 1;
}

static int bound(lua_State *L)
{
    luaL_checkstack(L, 2, NULL);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_pushvalue(L, lua_upvalueindex(2));
    lua_rotate(L, 1, 2);
    lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
    return lua_gettop(L);
}

/* core.bind(f, x): a function that calls f(x, ...). */
static int bind(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_settop(L, 2);
    lua_pushcclosure(L, bound, 2);
    return 1;
}

/* With the core table on top, which has "heap" already: its functions become the methods of heaps. */
void husk_lua_open_heaps(lua_State *L)
{
    static const luaL_Reg functions[] = {
        { "getrefcount", getrefcount },
        { "refcount", refcount },
        { "kind", kind },
        { "type_name", type_name },
        { "heap_of", heap_of },
        { "is_alive", is_alive },
        { "bind", bind },
        { NULL, NULL },
    };
    static const luaL_Reg methods[] = {
        { "disable", heap_disable },
        { "on_error", heap_on_error },
        { "on_pass", heap_on_pass },
        { "report", heap_report },
        { NULL, NULL },
    };
    luaL_setfuncs(L, functions, 0);
    lua_getfield(L, -1, "heap");
    luaL_setfuncs(L, methods, 0);
    husk_lua_open_pacing(L);
    husk_lua_open_step(L);
    luaL_getmetatable(L, HUSK_LUA_HEAP_META);
    lua_pushvalue(L, -2);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, door_tostring);
    lua_setfield(L, -2, "__tostring");
    lua_pop(L, 2);
}
