/* bindings/lua/ffi/bytes.c: ffi.string, ffi.copy, ffi.fill: bytes between Lua and C, within what is known of their extent. */
#include "lua_ffi.h"

/* The memory at `at`, of which `size` bytes are to be touched (SIZE_MAX: as many as are known). Raises. */
static char *bytes_at(lua_State *L, int at, const char *function, bool write, size_t size, size_t *known)
{
    char room[160];
    const husk_lua_cdata *cdata = husk_lua_cdata_at(L, at);
    const husk_lua_ffi *ffi = cdata ? cdata->type->ffi : husk_lua_ffi_get(L);
    if (!cdata && lua_type(L, at) == LUA_TSTRING && !write) {
        const char *bytes = lua_tolstring(L, at, known);
        if (size != SIZE_MAX && size > *known + 1)
            husk_lua_ffi_fail(L, ffi, HUSK_ERANGE, "%s: %I bytes of a string that has %I", function,
                              (LUAI_UACINT)size, (LUAI_UACINT)*known);
        return (char *)(uintptr_t)bytes;
    }
    if (!cdata || (cdata->type->number >= HUSK_FFI_BOOL && cdata->type->number <= HUSK_FFI_F64))
        husk_lua_ffi_fail(L, ffi, HUSK_EINVAL, "bad argument #%d to '%s' (pointer expected, got %s)", at,
                          function, husk_lua_ffi_describe(L, at, room, sizeof room));
    if (husk_lua_cdata_is_dead(cdata))
        husk_lua_ffi_fail(L, ffi, HUSK_ESTATE, "%s: this %s has ended", function, cdata->type->name);
    if (!cdata->at)
        husk_lua_ffi_fail(L, ffi, HUSK_EINVAL, "%s: a null pointer of type %s", function, cdata->type->name);
    if (write && (cdata->constant || cdata->type->constant))
        husk_lua_ffi_fail(L, ffi, HUSK_EINVAL, "%s: %s is const", function, cdata->type->name);
    *known = cdata->span == SIZE_MAX ? SIZE_MAX : (size_t)(cdata->base + cdata->span - cdata->at);
    if (size != SIZE_MAX && size > *known)
        husk_lua_ffi_fail(L, ffi, HUSK_ERANGE, "%s: %I bytes of %s, which has %I", function,
                          (LUAI_UACINT)size, cdata->type->name, (LUAI_UACINT)*known);
    return cdata->at;
}

static size_t check_size(lua_State *L, int at, const char *function)
{
    int exact = 0;
    lua_Integer size = lua_type(L, at) == LUA_TNUMBER ? lua_tointegerx(L, at, &exact) : 0;
    if (!exact || size < 0)
        husk_lua_ffi_fail(L, husk_lua_ffi_get(L), HUSK_EINVAL,
                          "bad argument #%d to '%s' (a number of bytes expected)", at, function);
    return (size_t)size;
}

/* core.string(pointer, [bytes]): up to a zero byte, which must come within what is known. */
static int string(lua_State *L)
{
    size_t known;
    if (!lua_isnoneornil(L, 2)) {
        size_t size = check_size(L, 2, "ffi.string");
        lua_pushlstring(L, bytes_at(L, 1, "ffi.string", false, size, &known), size);
        return 1;
    }
    const husk_lua_cdata *cdata = husk_lua_cdata_at(L, 1);
    const husk_lua_ctype *element = cdata ? cdata->type->element : NULL;
    const char *bytes = bytes_at(L, 1, "ffi.string", false, SIZE_MAX, &known);
    if (element && element->kind != HUSK_FFI_VOID && !husk_lua_ctype_is_byte(element))
        return husk_lua_ffi_fail(L, cdata->type->ffi, HUSK_EINVAL,
                                 "ffi.string: %s points to no characters; how many bytes?",
                                 cdata->type->name);
    const char *end = known == SIZE_MAX ? bytes + strlen(bytes) : memchr(bytes, 0, known);
    lua_pushlstring(L, bytes, end ? (size_t)(end - bytes) : known);
    return 1;
}

/* core.copy(to, from, [bytes]): a string without a count goes with its zero byte. */
static int copy(lua_State *L)
{
    size_t known, size;
    if (!lua_isnoneornil(L, 3))
        size = check_size(L, 3, "ffi.copy");
    else if (lua_type(L, 2) == LUA_TSTRING)
        size = lua_rawlen(L, 2) + 1;
    else
        return husk_lua_ffi_fail(L, husk_lua_ffi_get(L), HUSK_EINVAL, "ffi.copy: how many bytes?");
    char *to = bytes_at(L, 1, "ffi.copy", true, size, &known);
    const char *from = bytes_at(L, 2, "ffi.copy", false, size, &known);
    memmove(to, from, size);
    return 0;
}

/* core.fill(to, bytes, [byte]) */
static int fill(lua_State *L)
{
    size_t known, size = check_size(L, 2, "ffi.fill");
    lua_Integer byte = luaL_optinteger(L, 3, 0);
    if (byte < 0 || byte > 255)
        return husk_lua_ffi_fail(L, husk_lua_ffi_get(L), HUSK_ERANGE, "ffi.fill: %I is no byte",
                                 (LUAI_UACINT)byte);
    memset(bytes_at(L, 1, "ffi.fill", true, size, &known), (int)byte, size);
    return 0;
}

void husk_lua_ffi_open_bytes(lua_State *L)
{
    static const luaL_Reg functions[] = {
        { "string", string }, { "copy", copy }, { "fill", fill }, { NULL, NULL }
    };
    luaL_setfuncs(L, functions, 0);
}
