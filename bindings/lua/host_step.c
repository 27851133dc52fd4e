/* bindings/lua/host_step.c: collecting in steps (husk/step.h). Times are seconds, as of heap:idle. */
#include "host.h"

#define FIRST_BUDGET 0.001 /* of heap:step() */

/* Seconds at `at` as nanoseconds, whole ones; what no budget can be becomes one that the library would refuse, and is
 * refused here with the number as it was written. zero: it may be 0. */
static uint64_t check_seconds(lua_State *L, int at, const char *function, const char *what, bool zero)
{
    if (lua_type(L, at) != LUA_TNUMBER) {
        husk_lua_push_arg_error(L, function, at, "number");
        lua_error(L);
    }
    double ns = lua_tonumber(L, at) * 1e9 + 0.5;
    if (ns == 0.5 && zero)
        return 0;
    if (!(ns >= HUSK_STEP_LEAST_NS && ns < HUSK_STEP_MOST_NS + 1.0)) { /* NaN, too */
        lua_pushvalue(L, at);
        husk_lua_push_error(L, HUSK_ERANGE, "%s of %s seconds is not %s0.00001 to 10", what,
                            lua_tostring(L, -1), zero ? "0 or " : "");
        lua_error(L);
    }
    return (uint64_t)ns;
}

/* heap:step(seconds): finished, figures */
static int heap_step(lua_State *L)
{
    lua_settop(L, 2);
    if (lua_isnil(L, 2)) {
        lua_pushnumber(L, FIRST_BUDGET);
        lua_replace(L, 2);
    }
    uint64_t budget = check_seconds(L, 2, "heap:step", "step: a budget", false);
    husk_heap *heap = husk_lua_check_heap(L, 1, "heap:step");
    husk_step done;
    husk_lua_host *host = husk_lua_enter(L, heap);
    husk_status status = husk_heap_step(heap, budget, &done);
    if (status != HUSK_OK)
        return husk_lua_fail(L, heap, status);
    husk_lua_leave(L, host);
    lua_pushboolean(L, done.finished);
    husk_lua_push_pass(L, &done.so_far);
    lua_pushnumber(L, (double)done.ns / 1e9);
    lua_setfield(L, -2, "took");
    return 2;
}

/* heap:pause(seconds): the goal in force; with an argument it is set. */
static int heap_pause(lua_State *L)
{
    if (!lua_isnoneornil(L, 2)) {
        uint64_t ns = check_seconds(L, 2, "heap:pause", "pause: a goal", true);
        husk_heap *heap = husk_lua_check_heap(L, 1, "heap:pause");
        husk_status status = husk_heap_set_pause(heap, ns);
        if (status != HUSK_OK)
            return husk_lua_fail(L, heap, status);
    }
    lua_pushnumber(L, (double)husk_heap_pause(husk_lua_check_heap(L, 1, "heap:pause")) / 1e9);
    return 1;
}

void husk_lua_open_step(lua_State *L)
{
    static const luaL_Reg methods[] = { { "step", heap_step }, { "pause", heap_pause }, { NULL, NULL } };
    luaL_setfuncs(L, methods, 0);
}
