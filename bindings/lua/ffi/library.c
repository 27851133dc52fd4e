/* bindings/lua/ffi/library.c: shared libraries. One that has been loaded stays for the process: what has been taken out of
 * it may be anywhere. husk/ffi.lua decides which names to try. */
#define _GNU_SOURCE
#include "lua_ffi.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>

/* core.open(name or nil): a handle, or nil and the system's words. */
static int open_library(lua_State *L)
{
    void *handle =
        dlopen(luaL_optstring(L, 1, NULL), RTLD_LAZY | (lua_toboolean(L, 2) ? RTLD_GLOBAL : RTLD_LOCAL));
    if (!handle) {
        lua_pushnil(L);
        lua_pushstring(L, dlerror());
        return 2;
    }
    lua_pushlightuserdata(L, handle);
    return 1;
}

/* core.symbol(handle, name): its address, or nil. */
static int symbol(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TLIGHTUSERDATA);
    void *at = dlsym(lua_touserdata(L, 1), luaL_checkstring(L, 2));
    if (!at)
        return 0;
    lua_pushlightuserdata(L, at);
    return 1;
}

/* core.path_of(address): the file that it is in, or nil. */
static int path_of(lua_State *L)
{
    Dl_info info;
    if (!dladdr(lua_touserdata(L, 1), &info) || !info.dli_fname)
        return 0;
    lua_pushstring(L, info.dli_fname);
    return 1;
}

/* core.strerror(errno) */
static int text_of(lua_State *L)
{
    lua_pushstring(L, strerror((int)luaL_checkinteger(L, 1)));
    return 1;
}

void husk_lua_ffi_open_libraries(lua_State *L)
{
    static const luaL_Reg functions[] = { { "open", open_library },
                                          { "symbol", symbol },
                                          { "path_of", path_of },
                                          { "strerror", text_of },
                                          { NULL, NULL } };
    luaL_setfuncs(L, functions, 0);
}
