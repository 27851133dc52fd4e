/* bindings/lua/host_soft.c: soft references (husk/soft.h).
 *
 *   s = husk.weak.soft(object, [callback])   s() or s:get() is the object or nil, and a use
 *   s:let_go(), s.holding, s.alive, s.state
 * The callback is that of a weak reference: it tells of the death, and runs only if s is still held by somebody. */
#include "host.h"

static husk_soft *check_soft(lua_State *L, const char *function)
{
    husk_soft *soft = husk_soft_of(husk_lua_check_obj(L, 1, function));
    if (!soft) {
        husk_lua_push_arg_error(L, function, 1, "soft reference");
        lua_error(L);
    }
    return soft;
}

/* core.new_soft(obj, [callback]) */
static int new_soft(lua_State *L)
{
    static const char name[] = "husk.weak.soft";
    bool calls = !lua_isnoneornil(L, 2);
    if (calls && lua_type(L, 2) != LUA_TFUNCTION) {
        husk_lua_push_arg_error(L, name, 2, "function");
        return lua_error(L);
    }
    lua_settop(L, 2);
    husk_lua_proxy *made = husk_lua_proxy_new(L);
    husk_lua_token *token = calls ? husk_lua_token_new(L, 2) : NULL;
    husk_obj *obj = husk_lua_arg_obj(L, 1, name);
    if (!obj) {
        if (token)
            husk_lua_token_loose(token);
        return lua_error(L);
    }
    husk_lua_enter(L, husk_obj_heap(obj));
    husk_soft *soft =
        husk_soft_new(obj, token ? husk_lua_on_gone : NULL, token, token ? husk_lua_token_loose : NULL);
    if (!soft)
        return husk_lua_fail(L, husk_obj_heap(obj), husk_heap_failure(husk_obj_heap(obj)));
    husk_lua_adopt(L, made, husk_soft_obj(soft));
    return 1;
}

static int soft_get(lua_State *L)
{
    husk_lua_proxy *made = NULL;
    for (;;) {
        husk_obj *obj = husk_soft_lock(check_soft(L, "soft:get"));
        if (!obj) {
            lua_pushnil(L);
            return 1;
        }
        if (made) {
            husk_lua_push_owned(L, made, obj);
            return 1;
        }
        bool known = husk_lua_push_proxy(L, obj);
        husk_obj_release(obj); /* not the last: the soft reference holds it now, and nothing ran */
        if (known)
            return 1;
        made = husk_lua_proxy_new(L);
    }
}

/* soft:let_go(): whether it was holding. */
static int soft_let_go(lua_State *L)
{
    husk_soft *soft = check_soft(L, "soft:let_go");
    husk_lua_host *host = husk_lua_enter(L, husk_obj_heap(husk_soft_obj(soft)));
    husk_obj_retain(husk_soft_obj(soft)); /* a hook may release the handle */
    bool was = husk_soft_let_go(soft);
    husk_soft_release(soft);
    husk_lua_leave(L, host);
    lua_pushboolean(L, was);
    return 1;
}

static int soft_index(lua_State *L)
{
    static const char *const states[] = { "dead", "dying", "alive" };
    const char *key = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
    if (!strcmp(key, "holding")) {
        lua_pushboolean(L, husk_soft_is_holding(check_soft(L, "soft.holding")));
        return 1;
    }
    if (!strcmp(key, "alive")) {
        husk_weak_state state = husk_weak_state_get(husk_soft_weak(check_soft(L, "soft.alive")));
        lua_pushboolean(L, state == HUSK_ALIVE);
        return 1;
    }
    if (!strcmp(key, "state")) {
        lua_pushstring(L, states[husk_weak_state_get(husk_soft_weak(check_soft(L, "soft.state")))]);
        return 1;
    }
    return husk_lua_push_method(L, "soft reference");
}

/* heap:yield_softs([keep]): how many let go. */
static int heap_yield_softs(lua_State *L)
{
    lua_Integer keep = 0;
    if (!lua_isnoneornil(L, 2) && !husk_lua_arg_integer(L, 2, "heap:yield_softs", 0, LUA_MAXINTEGER, &keep))
        return lua_error(L);
    husk_heap *heap = husk_lua_check_heap(L, 1, "heap:yield_softs");
    husk_lua_host *host = husk_lua_enter(L, heap);
    size_t count = husk_heap_yield_softs(heap, (size_t)keep);
    husk_lua_leave(L, host);
    husk_lua_push_size(L, count);
    return 1;
}

/* Entry `name` of the table at 2, if it has one; taken off `unknown`. */
static void read_entry(lua_State *L, const char *name, lua_Integer most, lua_Integer *out, int *unknown)
{
    static const char function[] = "heap:soft_policy";
    lua_pushstring(L, name);
    if (lua_rawget(L, 2) != LUA_TNIL) {
        if (!husk_lua_entry_integer(L, lua_gettop(L), function, name, out))
            lua_error(L);
        if (*out > most) {
            husk_lua_push_error(L, HUSK_ERANGE, "%s: %s is at most %I, not %I", function, name, most, *out);
            lua_error(L);
        }
        --*unknown;
    }
    lua_pop(L, 1);
}

/* heap:soft_policy([changes]): the policy, a table. */
static int heap_soft_policy(lua_State *L)
{
    static const char function[] = "heap:soft_policy";
    husk_soft_policy policy;
    lua_settop(L, 2);
    husk_heap_soft_policy(husk_lua_check_heap(L, 1, function), &policy);
    if (!lua_isnil(L, 2)) {
        if (lua_type(L, 2) != LUA_TTABLE) {
            husk_lua_push_arg_error(L, function, 2, "table");
            return lua_error(L);
        }
        int unknown = 0;
        for (lua_pushnil(L); lua_next(L, 2); lua_pop(L, 1))
            unknown++;
        lua_Integer max_age = (lua_Integer)policy.max_age, keep = (lua_Integer)policy.keep;
        read_entry(L, "max_age", UINT32_MAX, &max_age, &unknown);
        read_entry(L, "keep", LUA_MAXINTEGER, &keep, &unknown);
        if (unknown) {
            husk_lua_push_error(L, HUSK_EINVAL, "%s: unknown entry; there are max_age, keep", function);
            return lua_error(L);
        }
        policy = (husk_soft_policy){ .max_age = (uint32_t)max_age, .keep = (size_t)keep };
        husk_heap_set_soft_policy(husk_lua_check_heap(L, 1, function), &policy);
    }
    lua_createtable(L, 0, 2);
    husk_lua_push_size(L, policy.max_age);
    lua_setfield(L, -2, "max_age");
    husk_lua_push_size(L, policy.keep);
    lua_setfield(L, -2, "keep");
    return 1;
}

/* heap:soft_figures() */
static int heap_soft_figures(lua_State *L)
{
    husk_soft_figures f;
    husk_heap_soft_figures(husk_lua_check_heap(L, 1, "heap:soft_figures"), &f);
    husk_lua_push_soft_figures(L, &f);
    return 1;
}

void husk_lua_open_softs(lua_State *L)
{
    static const luaL_Reg meta[] = { { "__call", soft_get }, { NULL, NULL } };
    static const luaL_Reg methods[] = { { "get", soft_get }, { "let_go", soft_let_go }, { NULL, NULL } };
    static const luaL_Reg of_heap[] = { { "yield_softs", heap_yield_softs },
                                        { "soft_policy", heap_soft_policy },
                                        { "soft_figures", heap_soft_figures },
                                        { NULL, NULL } };
    husk_lua_open_kind(L, HUSK_LUA_SOFT, "husk.Soft", meta, soft_index, methods);
    lua_pushcfunction(L, new_soft);
    lua_setfield(L, -2, "new_soft");
    lua_getfield(L, -1, "heap");
    luaL_setfuncs(L, of_heap, 0);
    lua_pop(L, 1);
}
