/* bindings/lua/host_weak.c: weak references. w:get() or w() gives the object or nil; w.alive and w.state ask.
 * A callback runs only if the weak reference is still held by somebody: keep what husk.weak returned. */
#include "host.h"

/* core.new_weak(obj, [callback]) */
static int new_weak(lua_State *L)
{
    bool calls = !lua_isnoneornil(L, 2);
    if (calls && lua_type(L, 2) != LUA_TFUNCTION) {
        husk_lua_push_arg_error(L, "husk.weak", 2, "function");
        return lua_error(L);
    }
    lua_settop(L, 2);
    husk_lua_proxy *made = husk_lua_proxy_new(L);
    husk_lua_token *token = calls ? husk_lua_token_new(L, 2) : NULL;
    husk_obj *obj = husk_lua_arg_obj(L, 1, "husk.weak");
    if (!obj) {
        if (token)
            husk_lua_token_loose(token);
        return lua_error(L);
    }
    husk_lua_enter(L, husk_obj_heap(obj));
    husk_weak *weak = token ? husk_weak_new(obj, husk_lua_on_gone, token, husk_lua_token_loose)
                            : husk_weak_new(obj, NULL, NULL, NULL);
    if (!weak)
        return husk_lua_fail(L, husk_obj_heap(obj), husk_heap_failure(husk_obj_heap(obj)));
    husk_lua_push_owned(L, made, husk_weak_obj(weak)); /* without a callback it may be one that is known */
    return 1;
}

static husk_weak *check_weak(lua_State *L, const char *function)
{
    husk_weak *weak = husk_lua_arg_weak(L, 1, function);
    if (!weak)
        lua_error(L);
    return weak;
}

static int weak_get(lua_State *L)
{
    husk_lua_proxy *made = NULL;
    for (;;) {
        husk_obj *obj = husk_weak_lock(check_weak(L, "weak:get"));
        if (!obj) {
            lua_pushnil(L);
            return 1;
        }
        if (made) {
            husk_lua_push_owned(L, made, obj);
            return 1;
        }
        bool known = husk_lua_push_proxy(L, obj);
        husk_obj_release(obj); /* not the last: somebody else held it a moment ago, and nothing ran */
        if (known)
            return 1;
        made = husk_lua_proxy_new(L);
    }
}

static int weak_index(lua_State *L)
{
    static const char *const states[] = { "dead", "dying", "alive" };
    const char *key = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
    if (!strcmp(key, "alive")) {
        lua_pushboolean(L, husk_weak_state_get(check_weak(L, "weak.alive")) == HUSK_ALIVE);
        return 1;
    }
    if (!strcmp(key, "state")) {
        lua_pushstring(L, states[husk_weak_state_get(check_weak(L, "weak.state"))]);
        return 1;
    }
    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(1)) == LUA_TNIL) {
        husk_lua_push_error(L, HUSK_EMISSING, "a weak reference has no '%s'", key);
        return lua_error(L);
    }
    return 1;
}

void husk_lua_open_weaks(lua_State *L)
{
    static const luaL_Reg meta[] = { { "__call", weak_get }, { NULL, NULL } };
    static const luaL_Reg methods[] = { { "get", weak_get }, { NULL, NULL } };
    husk_lua_open_kind(L, HUSK_KIND_WEAK, "husk.Weak", meta, weak_index, methods);
    lua_pushcfunction(L, new_weak);
    lua_setfield(L, -2, "new_weak");
}
