/* bindings/lua/ffi/heaps.c: run-time types in the heap. */
#include "lua_ffi.h"

void husk_lua_ffi_open_heaps(lua_State *L)
{
    (void)L;
}
