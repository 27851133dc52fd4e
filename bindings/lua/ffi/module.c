/* bindings/lua/ffi/module.c: the module husk.ffi.core: a table of functions, of which husk/ffi.lua makes what scripts
 * see. */
#include "lua_ffi.h"

#include <stdarg.h>

const char husk_lua_ffi_key[HUSK_LUA_FFI_KEYS];

husk_lua_ffi *husk_lua_ffi_get(lua_State *L)
{
    husk_lua_ffi_table(L, HUSK_LUA_FFI_STATE);
    husk_lua_ffi *ffi = lua_touserdata(L, -1);
    lua_pop(L, 1);
    if (!ffi || !ffi->space)
        luaL_error(L, "husk.ffi: its state has been taken out of the registry");
    return ffi;
}

int husk_lua_ffi_fail(lua_State *L, const husk_lua_ffi *ffi, husk_status status, const char *format, ...)
{
    va_list values;
    luaL_checkstack(L, 8, NULL);
    va_start(values, format);
    lua_pushvfstring(L, format, values);
    va_end(values);
    ffi->husk->push_error(L, status, "%s", lua_tostring(L, -1));
    return lua_error(L);
}

int husk_lua_ffi_fail_message(lua_State *L, const husk_lua_ffi *ffi, husk_status status)
{
    const char *message = husk_message();
    return husk_lua_ffi_fail(L, ffi, status, "ffi: %s", *message ? message : husk_status_text(status));
}

/* At the end of the state; whatever was made with the space keeps its memory. */
static int state_gc(lua_State *L)
{
    husk_lua_ffi *ffi = lua_touserdata(L, 1);
    husk_ffi_space *space = ffi->space;
    ffi->space = NULL;
    if (space) {
        husk_ffi_space_on_report(space, NULL, NULL, NULL);
        husk_ffi_space_free(space);
    }
    return 0;
}

static void open_state(lua_State *L)
{
    lua_getglobal(L, "require");
    lua_pushliteral(L, "husk.core");
    lua_call(L, 1, 1);
    lua_getfield(L, -1, "shared");
    const husk_lua_shared *shared = lua_touserdata(L, -1);
    if (!shared || shared->version != HUSK_LUA_SHARED_VERSION)
        luaL_error(L, "husk.ffi: husk.core is of another version");
    lua_pop(L, 2);
    husk_lua_ffi *ffi = lua_newuserdatauv(L, sizeof *ffi, 0);
    memset(ffi, 0, sizeof *ffi);
    ffi->husk = shared;
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, state_gc);
    lua_setfield(L, -2, "__gc");
    lua_setmetatable(L, -2);
    lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_MAINTHREAD);
    ffi->L = lua_tothread(L, -1);
    lua_pop(L, 1);
    husk_status status = husk_ffi_space_new(&ffi->space);
    if (status != HUSK_OK)
        husk_lua_ffi_fail_message(L, ffi, status);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &husk_lua_ffi_key[HUSK_LUA_FFI_STATE]);
}

LUAMOD_API HUSK_API int luaopen_husk_ffi_core(lua_State *L);

int luaopen_husk_ffi_core(lua_State *L)
{
    luaL_checkversion(L);
    husk_lua_ffi_table(L, HUSK_LUA_FFI_STATE);
    if (lua_isnil(L, -1)) {
        for (int i = HUSK_LUA_FFI_TYPES; i < HUSK_LUA_FFI_KEYS; i++) {
            if (i == HUSK_LUA_FFI_ERROR)
                lua_pushboolean(L, 0);
            else
                lua_newtable(L);
            lua_rawsetp(L, LUA_REGISTRYINDEX, &husk_lua_ffi_key[i]);
        }
        open_state(L);
    }
    lua_newtable(L);
    husk_lua_ffi_open_ctypes(L);
    husk_lua_ffi_open_cdata(L);
    husk_lua_ffi_open_new(L);
    husk_lua_ffi_open_calls(L);
    husk_lua_ffi_open_callbacks(L);
    husk_lua_ffi_open_libraries(L);
    husk_lua_ffi_open_bytes(L);
    husk_lua_ffi_open_heaps(L);
    return 1;
}
