/* bindings/lua/host_shared.c: what the module husk.ffi.core has from this one, which is another shared object. */
#include "ffi/shared.h"

static void barrier(lua_State *L)
{
    husk_lua_barrier(L);
}

static void leave(lua_State *L, husk_lua_host *host)
{
    husk_lua_leave(L, host);
}

void husk_lua_open_shared(lua_State *L)
{
    static const husk_lua_shared shared = {
        .version = HUSK_LUA_SHARED_VERSION,
        .key = husk_lua_key,
        .proxy_magic = &husk_lua_proxy_magic,
        .push_error = husk_lua_push_error,
        .describe = husk_lua_describe,
        .proxy_at = husk_lua_proxy_at,
        .proxy_new = husk_lua_proxy_new,
        .adopt = husk_lua_adopt,
        .push_known = husk_lua_push_known,
        .push_owned = husk_lua_push_owned,
        .dead_text = husk_lua_dead_text,
        .arg_heap = husk_lua_arg_heap,
        .door_at = husk_lua_door_at,
        .barrier = barrier,
        .leave = leave,
        .fail = husk_lua_fail,
        .to_value = husk_lua_to_value,
        .release = husk_lua_release,
        .tostring = husk_lua_tostring,
        .ends = husk_lua_ends,
    };
    lua_pushlightuserdata(L, (void *)(uintptr_t)&shared);
    lua_setfield(L, -2, "shared");
}
