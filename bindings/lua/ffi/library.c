/* bindings/lua/ffi/library.c: shared libraries. One that has been loaded stays for the process: what has been taken out of
 * it may be anywhere. husk/ffi.lua decides which names to try. */
#define _GNU_SOURCE
#include "lua_ffi.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
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

/* Whether the symbol at `at`, had through the handle, is one of another library that this one depends on. */
static bool is_others(void *handle, void *at)
{
    struct link_map *own = NULL;
    Dl_info info;
    void *its = NULL;
    return dlinfo(handle, RTLD_DI_LINKMAP, (void *)&own) == 0 && dladdr1(at, &info, &its, RTLD_DL_LINKMAP) &&
           its != own;
}

/* core.symbol(handle, name): its address, or nil. A library's own comes first; but what it would itself get from
 * elsewhere is what the process has, also where something stands before the C library (a sanitizer, a preload). */
static int symbol(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TLIGHTUSERDATA);
    void *handle = lua_touserdata(L, 1);
    const char *name = luaL_checkstring(L, 2);
    void *at = dlsym(handle, name);
    if (at && is_others(handle, at)) {
        void *first = dlsym(RTLD_DEFAULT, name);
        at = first ? first : at;
    }
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
