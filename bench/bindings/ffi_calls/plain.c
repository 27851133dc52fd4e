/* bench/bindings/ffi_calls/plain.c: the measure for husk.ffi: a Lua module by hand for the library of work.c, which
 * checks what a careful author would (types, ranges, the kind of a userdata) and nothing more. A callback's function
 * stands in the registry, and what it raises is answered with zero. */
#include <lauxlib.h>
#include <lua.h>

#include "work.h"

static int l_next(lua_State *L)
{
    lua_Integer x = luaL_checkinteger(L, 1);
    luaL_argcheck(L, x == (int)x, 1, "out of range");
    lua_pushinteger(L, work_next((int)x));
    return 1;
}

static lua_State *calling;
static int function;

static int call_back(int a, int b)
{
    lua_State *L = calling;
    lua_rawgeti(L, LUA_REGISTRYINDEX, function);
    lua_pushinteger(L, a);
    lua_pushinteger(L, b);
    int result = 0;
    if (lua_pcall(L, 2, 1, 0) == LUA_OK)
        result = (int)lua_tointeger(L, -1);
    lua_pop(L, 1);
    return result;
}

static int l_repeat(lua_State *L)
{
    int n = (int)luaL_checkinteger(L, 1);
    luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_settop(L, 2);
    calling = L;
    function = luaL_ref(L, LUA_REGISTRYINDEX);
    int result = work_repeat(n, call_back);
    luaL_unref(L, LUA_REGISTRYINDEX, function);
    lua_pushinteger(L, result);
    return 1;
}

static work_point *new_point(lua_State *L)
{
    work_point *p = lua_newuserdatauv(L, sizeof *p, 0);
    luaL_setmetatable(L, "work.point");
    return p;
}

static int l_point(lua_State *L)
{
    double x = luaL_checknumber(L, 1), y = luaL_checknumber(L, 2);
    *new_point(L) = (work_point){ x, y };
    return 1;
}

static int l_swap(lua_State *L)
{
    const work_point *p = luaL_checkudata(L, 1, "work.point");
    *new_point(L) = work_swap(*p);
    return 1;
}

static int l_length(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)work_length(luaL_checkstring(L, 1)));
    return 1;
}

LUAMOD_API WORK_API int luaopen_work_plain(lua_State *L);

int luaopen_work_plain(lua_State *L)
{
    static const luaL_Reg functions[] = { { "next", l_next }, { "repeat_", l_repeat }, { "point", l_point },
                                          { "swap", l_swap }, { "length", l_length },  { NULL, NULL } };
    luaL_newmetatable(L, "work.point");
    luaL_newlib(L, functions);
    return 1;
}
