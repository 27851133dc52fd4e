/* bindings/lua/ffi/cdata.h: what the files about cdata share: their checks, which raise, and their metatables. */
#ifndef HUSK_LUA_FFI_CDATA_H
#define HUSK_LUA_FFI_CDATA_H

#include "lua_ffi.h"

/* User values. */
enum { HUSK_LUA_CDATA_OWNER = 1, HUSK_LUA_CDATA_END, HUSK_LUA_CDATA_KEPT, HUSK_LUA_CDATA_DOOR };

/* The key of a script's metatype in the table of metatables, where the ctype's address is that of none. */
#define HUSK_LUA_METATYPE(ctype) ((const char *)(ctype) + 2)

/* ---- cdata.c ---- */

husk_lua_cdata *husk_lua_cdata_check(lua_State *L, int at, const char *what);
husk_lua_cdata *husk_lua_cdata_check_live(lua_State *L, int at, const char *what);
/* Raises unless `size` bytes at `at` are memory that the cdata may touch. */
void husk_lua_cdata_check_bounds(lua_State *L, const husk_lua_cdata *cdata, const char *at, size_t size,
                                 const char *what);
int husk_lua_cdata_fail_dead(lua_State *L, const husk_lua_cdata *cdata, const char *what);
/* Pushes the metatable for cdata of the type. */
void husk_lua_cdata_push_meta(lua_State *L, husk_lua_ctype *type, bool ends);
int husk_lua_cdata_close(lua_State *L); /* x:close() */

static inline bool husk_lua_cdata_is_number(const husk_lua_cdata *cdata)
{
    return cdata->type->number >= HUSK_FFI_BOOL && cdata->type->number <= HUSK_FFI_F64;
}

/* ---- keep.c ---- */

/* Whether pointers are in a value of the type, and what is stored in them within the cdata can be kept. */
bool husk_lua_cdata_keeps(lua_State *L, int cdata_at, const husk_lua_ctype *type);
/* Keeps what the value has for the pointers of a type that is stored at an address within the cdata; size as in
 * husk_lua_ffi_fill. May run any code. */
void husk_lua_cdata_keep(lua_State *L, int cdata_at, int value_at, const husk_lua_ctype *type, size_t size,
                         const char *at);

/* ---- member.c ---- */

int husk_lua_cdata_index(lua_State *L);
int husk_lua_cdata_newindex(lua_State *L);
/* Pushes entry `name` of the metatype of what is, or is pointed to by, the cdata; answers its Lua type. */
int husk_lua_cdata_push_metatype(lua_State *L, const husk_lua_cdata *cdata, const char *name);

/* ---- pointer.c ---- */

extern const luaL_Reg husk_lua_cdata_operators[];

#endif
