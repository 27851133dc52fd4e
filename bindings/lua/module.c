/* bindings/lua/module.c: the module husk.core: a plain table of functions, nothing else.
 *
 *   core.heap, core.obj, core.weak, core.type, core.lib   tables of flat functions, SWIG's and ours
 *   core.new_heap, core.new_list, ...                     what makes handles
 * The idiom layer (husk/init.lua) makes of it what scripts see. */
#include "host.h"

extern void luaopen_husk_raw_user(lua_State *L); /* the generated file's own part, lua.i %init */

void husk_lua_raw(lua_State *L)
{
    luaopen_husk_raw_user(L);
}

LUAMOD_API HUSK_API int luaopen_husk_core(lua_State *L);

#ifdef HUSK_LUA_WITH_FFI
extern int luaopen_husk_ffi_core(lua_State *L);

/* husk.ffi.core lies in this module, where require would not look for it. */
static void announce_ffi(lua_State *L)
{
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
    lua_pushcfunction(L, luaopen_husk_ffi_core);
    lua_setfield(L, -2, "husk.ffi.core");
    lua_pop(L, 1);
}
#endif

int luaopen_husk_core(lua_State *L)
{
    luaL_checkversion(L);
    husk_lua_open_host(L);
    husk_lua_open_errors(L);
    lua_newtable(L);
    husk_lua_raw(L);
    husk_lua_open_failures(L);
    husk_lua_open_kinds(L);
    husk_lua_open_lists(L);
    husk_lua_open_maps(L);
    husk_lua_open_weakmaps(L);
    husk_lua_open_cleanups(L);
    husk_lua_open_softs(L);
    husk_lua_open_queues(L);
    husk_lua_open_bulk(L);
    husk_lua_open_records(L);
    husk_lua_open_weaks(L);
    husk_lua_open_heap_ends(L);
    husk_lua_open_heaps(L);
    husk_lua_open_walks(L);
    husk_lua_open_snapshots(L);
    husk_lua_open_bridge(L);
    husk_lua_open_frames(L);
    husk_lua_open_traces(L);
    husk_lua_open_stats(L);
    husk_lua_open_exports(L);
    husk_lua_open_memory(L);
    husk_lua_open_shared(L);
    husk_lua_open_paths(L);
    husk_lua_open_ledgers(L);
    husk_lua_open_passes(L);
    husk_lua_open_surveys(L);
#ifdef HUSK_LUA_WITH_FFI
    announce_ffi(L);
#endif
    return 1;
}
