/* bindings/lua/ffi/shared.h: what husk.ffi.core has from husk.core, which is another shared object: functions by
 * pointer, in the light userdata core.shared. */
#ifndef HUSK_LUA_SHARED_H
#define HUSK_LUA_SHARED_H

#include "host.h"

enum { HUSK_LUA_SHARED_VERSION = 1 };

typedef struct husk_lua_shared {
    unsigned version;
    const char *key; /* husk_lua_key */
    const void *proxy_magic;
    void (*push_error)(lua_State *L, husk_status status, const char *format, ...);
    const char *(*describe)(lua_State *L, int at, char *room, size_t size);
    husk_lua_proxy *(*proxy_at)(lua_State *L, int at);
    husk_lua_proxy *(*proxy_new)(lua_State *L);
    void (*adopt)(lua_State *L, husk_lua_proxy *proxy, husk_obj *obj);
    bool (*push_known)(lua_State *L, husk_obj *obj);
    void (*push_owned)(lua_State *L, husk_lua_proxy *made, husk_obj *obj);
    void (*dead_text)(const husk_lua_proxy *proxy, const char *function, char *room, size_t size);
    husk_heap *(*arg_heap)(lua_State *L, int at, const char *function);
    husk_lua_host *(*door_at)(lua_State *L, int at);
    void (*barrier)(lua_State *L);
    void (*leave)(lua_State *L, husk_lua_host *host);
    int (*fail)(lua_State *L, husk_heap *heap, husk_status status);
    bool (*to_value)(lua_State *L, int at, husk_heap *heap, const char *place, husk_value *out,
                     husk_obj **made, husk_lua_trouble *trouble);
    int (*release)(lua_State *L);
    int (*tostring)(lua_State *L);
    const luaL_Reg *ends;
} husk_lua_shared;

#endif
