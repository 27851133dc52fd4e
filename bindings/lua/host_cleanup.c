/* bindings/lua/host_cleanup.c: the finalize registry (husk/cleanup.h): what is to be done when an object is gone.
 *
 *   f = husk.weak.finalize(object, fn, ...)   fn(...) runs once: at the object's death, by f(), or at exit
 *   f(), f:peek(), f:detach(), f.alive, f.atexit
 * The kept value is a table { fn, n = number of arguments, argument, ... }. The registry holds it as long as it is
 * pending: arguments that lead to a handle of the object keep the object alive. */
#include "host.h"

static husk_cleanup *check_cleanup(lua_State *L, const char *function)
{
    husk_obj *obj = husk_lua_check_obj(L, 1, function);
    husk_cleanup *cleanup = husk_cleanup_of(obj);
    if (!cleanup) {
        husk_lua_push_arg_error(L, function, 1, "finalizer handle");
        lua_error(L);
    }
    return cleanup;
}

/* core.new_cleanup(obj, fn, ...) */
static int new_cleanup(lua_State *L)
{
    static const char name[] = "husk.weak.finalize";
    if (lua_type(L, 2) != LUA_TFUNCTION) {
        husk_lua_push_arg_error(L, name, 2, "function");
        return lua_error(L);
    }
    int args = lua_gettop(L) - 2;
    lua_createtable(L, args + 1, 1);
    for (int i = 0; i <= args; i++) {
        lua_pushvalue(L, 2 + i);
        lua_rawseti(L, -2, i + 1);
    }
    lua_pushinteger(L, args);
    lua_setfield(L, -2, "n");
    lua_replace(L, 2);
    lua_settop(L, 2);
    husk_lua_proxy *made = husk_lua_proxy_new(L);
    husk_lua_token *token = husk_lua_token_new(L, 2);
    token->at_exit = true;
    husk_obj *obj = husk_lua_arg_obj(L, 1, name);
    if (!obj) {
        husk_lua_token_loose(token);
        return lua_error(L);
    }
    husk_lua_enter(L, husk_obj_heap(obj));
    husk_cleanup *cleanup = husk_cleanup_new(obj, husk_lua_on_cleanup, token, husk_lua_token_loose, true);
    if (!cleanup)
        return husk_lua_fail(L, husk_obj_heap(obj), husk_heap_failure(husk_obj_heap(obj)));
    husk_lua_adopt(L, made, husk_cleanup_obj(cleanup));
    return 1;
}

void husk_lua_push_work(lua_State *L, const husk_lua_token *token)
{
    husk_lua_push_token(L, token);
    lua_Integer count = 0;
    if (lua_type(L, -1) == LUA_TTABLE) {
        lua_getfield(L, -1, "n");
        count = lua_tointeger(L, -1);
        lua_pop(L, 1);
    }
    int work = lua_gettop(L);
    luaL_checkstack(L, (int)count + 8, "too many arguments of a finalizer");
    for (lua_Integer i = 1; i <= count + 1; i++)
        lua_rawgeti(L, work, i);
    lua_remove(L, work);
}

/* Takes it off the registry: true if it was still to run. Its value is then the caller's, who has pushed it. */
static bool take(lua_State *L, husk_cleanup *cleanup)
{
    husk_lua_host *host = husk_lua_enter(L, husk_obj_heap(husk_cleanup_obj(cleanup)));
    bool was = husk_cleanup_detach(cleanup);
    if (was)
        husk_lua_forget(L, husk_cleanup_data(cleanup));
    husk_lua_leave(L, host);
    return was;
}

/* f(): does the work now and returns its results; nothing if it was done, or taken off, before. */
static int cleanup_call(lua_State *L)
{
    lua_settop(L, 1);
    husk_cleanup *cleanup = check_cleanup(L, "finalizer()");
    if (!husk_cleanup_is_pending(cleanup))
        return 0;
    husk_lua_push_work(L, husk_cleanup_data(cleanup));
    cleanup = check_cleanup(L, "finalizer()");
    if (!take(L, cleanup))
        return 0;
    lua_call(L, lua_gettop(L) - 2, LUA_MULTRET);
    return lua_gettop(L) - 1;
}

/* object, fn, arguments ...; or nothing if it is no longer to run. */
static int show(lua_State *L, const char *function, bool takes)
{
    lua_settop(L, 1);
    husk_lua_proxy *made = husk_lua_proxy_new(L);
    husk_cleanup *cleanup = check_cleanup(L, function);
    husk_obj *obj = husk_cleanup_get(cleanup);
    if (!obj)
        return 0; /* dying objects too: their work is about to be done */
    husk_lua_push_owned(L, made, obj);
    lua_replace(L, 2);
    lua_settop(L, 2);
    cleanup = check_cleanup(L, function);
    husk_lua_push_work(L, husk_cleanup_data(cleanup));
    cleanup = check_cleanup(L, function);
    if (takes && !take(L, cleanup))
        return 0;
    return lua_gettop(L) - 1;
}

static int cleanup_peek(lua_State *L)
{
    return show(L, "finalizer:peek", false);
}

static int cleanup_detach(lua_State *L)
{
    return show(L, "finalizer:detach", true);
}

static int cleanup_index(lua_State *L)
{
    const char *key = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
    if (!strcmp(key, "alive")) {
        lua_pushboolean(L, husk_cleanup_is_pending(check_cleanup(L, "finalizer.alive")));
        return 1;
    }
    if (!strcmp(key, "atexit")) {
        const husk_cleanup *cleanup = check_cleanup(L, "finalizer.atexit");
        lua_pushboolean(L, husk_cleanup_is_pending(cleanup) && husk_cleanup_at_exit(cleanup));
        return 1;
    }
    return husk_lua_push_method(L, "finalizer");
}

static int cleanup_newindex(lua_State *L)
{
    if (lua_type(L, 2) != LUA_TSTRING || strcmp(lua_tostring(L, 2), "atexit") != 0) {
        husk_lua_push_error(L, HUSK_EMISSING, "of a finalizer only 'atexit' can be set");
        return lua_error(L);
    }
    if (lua_type(L, 3) != LUA_TBOOLEAN) {
        char got[160];
        husk_lua_push_error(L, HUSK_EINVAL, "finalizer.atexit: a boolean is expected, got %s",
                            husk_lua_describe(L, 3, got, sizeof got));
        return lua_error(L);
    }
    husk_cleanup *cleanup = check_cleanup(L, "finalizer.atexit");
    if (husk_cleanup_is_pending(cleanup)) {
        husk_lua_token *token = husk_cleanup_data(cleanup);
        token->at_exit = lua_toboolean(L, 3) != 0;
        husk_cleanup_set_at_exit(cleanup, token->at_exit);
    }
    return 0;
}

/* heap:cleanups(): how many are still to run. */
static int heap_cleanups(lua_State *L)
{
    husk_lua_push_size(L, husk_heap_cleanups(husk_lua_check_heap(L, 1, "heap:cleanups")));
    return 1;
}

void husk_lua_open_cleanups(lua_State *L)
{
    static const luaL_Reg meta[] = {
        { "__call", cleanup_call },
        { "__newindex", cleanup_newindex },
        { NULL, NULL },
    };
    static const luaL_Reg methods[] = {
        { "peek", cleanup_peek },
        { "detach", cleanup_detach },
        { NULL, NULL },
    };
    husk_lua_open_kind(L, HUSK_LUA_CLEANUP, "husk.Finalizer", meta, cleanup_index, methods);
    lua_pushcfunction(L, new_cleanup);
    lua_setfield(L, -2, "new_cleanup");
    lua_getfield(L, -1, "heap");
    lua_pushcfunction(L, heap_cleanups);
    lua_setfield(L, -2, "cleanups");
    lua_pop(L, 1);
}
