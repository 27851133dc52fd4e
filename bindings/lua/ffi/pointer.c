/* bindings/lua/ffi/pointer.c: operators of cdata: pointer arithmetic within bounds, comparison, length, text. */
#include "cdata.h"

/* The address and element of a pointer or array, or raises. */
static husk_lua_cdata *check_pointer(lua_State *L, int at, const char *what)
{
    husk_lua_cdata *cdata = husk_lua_cdata_check_live(L, at, what);
    if (!cdata->type->element ||
        (cdata->type->kind != HUSK_FFI_POINTER && cdata->type->kind != HUSK_FFI_ARRAY))
        husk_lua_ffi_fail(L, cdata->type->ffi, HUSK_EINVAL, "%s: a pointer expected, got %s", what,
                          cdata->type->name);
    if (!cdata->type->element->size)
        husk_lua_ffi_fail(L, cdata->type->ffi, HUSK_EINVAL, "%s: %s points to nothing of a known size", what,
                          cdata->type->name);
    return cdata;
}

static int move(lua_State *L, int pointer_at, int number_at, int sign)
{
    husk_lua_cdata *cdata = check_pointer(L, pointer_at, "pointer arithmetic");
    int exact;
    lua_Integer by = lua_tointegerx(L, number_at, &exact), size = (lua_Integer)cdata->type->element->size;
    if (!exact || lua_type(L, number_at) != LUA_TNUMBER)
        return husk_lua_ffi_fail(L, cdata->type->ffi, HUSK_EINVAL,
                                 "pointer arithmetic: integer expected, got %s", luaL_typename(L, number_at));
    if (by > PTRDIFF_MAX / size || by < -(PTRDIFF_MAX / size))
        return husk_lua_ffi_fail(L, cdata->type->ffi, HUSK_ERANGE, "pointer arithmetic: %I elements",
                                 (LUAI_UACINT)by);
    char *at = (char *)((uintptr_t)cdata->at + (uintptr_t)(sign * by * size));
    husk_lua_cdata_check_bounds(L, cdata, at, 0, "pointer arithmetic");
    husk_lua_ctype *type = cdata->type;
    if (type->kind == HUSK_FFI_ARRAY) { /* an array becomes a pointer to its elements */
        lua_getfield(L, LUA_REGISTRYINDEX, "husk.ffi.pointer_to");
        husk_lua_ctype_push(L, type->element);
        lua_pushboolean(L, type->constant);
        lua_call(L, 2, 1);
        type = husk_lua_ctype_at(L, -1);
    }
    husk_lua_cdata_pointer(L, type, at, pointer_at);
    return 1;
}

static int cdata_add(lua_State *L)
{
    return lua_type(L, 1) == LUA_TNUMBER ? move(L, 2, 1, 1) : move(L, 1, 2, 1);
}

static int cdata_sub(lua_State *L)
{
    if (!husk_lua_cdata_at(L, 2))
        return move(L, 1, 2, -1);
    const husk_lua_cdata *a = check_pointer(L, 1, "pointer difference"),
                         *b = check_pointer(L, 2, "pointer difference");
    if (!husk_lua_ctype_same(a->type->element, b->type->element))
        return husk_lua_ffi_fail(L, a->type->ffi, HUSK_EINVAL, "pointer difference: %s and %s", a->type->name,
                                 b->type->name);
    lua_pushinteger(L,
                    (lua_Integer)((intptr_t)a->at - (intptr_t)b->at) / (lua_Integer)a->type->element->size);
    return 1;
}

/* -1, 0, 1 */
static int compare(lua_State *L)
{
    const husk_lua_cdata *a = husk_lua_cdata_check(L, 1, "comparison"),
                         *b = husk_lua_cdata_check(L, 2, "comparison");
    if (husk_lua_cdata_is_number(a) && husk_lua_cdata_is_number(b)) {
        double x = 0, y = 0;
        int64_t i, j;
        if (husk_ffi_integer_read(a->type->type, a->at, &i) == HUSK_OK &&
            husk_ffi_integer_read(b->type->type, b->at, &j) == HUSK_OK)
            return (i > j) - (i < j);
        (void)husk_ffi_double_read(a->type->type, a->at, &x);
        (void)husk_ffi_double_read(b->type->type, b->at, &y);
        return (x > y) - (x < y);
    }
    return ((uintptr_t)a->at > (uintptr_t)b->at) - ((uintptr_t)a->at < (uintptr_t)b->at);
}

static int cdata_eq(lua_State *L)
{
    lua_pushboolean(L, husk_lua_cdata_at(L, 1) && husk_lua_cdata_at(L, 2) && compare(L) == 0);
    return 1;
}

static int cdata_lt(lua_State *L)
{
    lua_pushboolean(L, compare(L) < 0);
    return 1;
}

static int cdata_le(lua_State *L)
{
    lua_pushboolean(L, compare(L) <= 0);
    return 1;
}

static int cdata_len(lua_State *L)
{
    const husk_lua_cdata *cdata = husk_lua_cdata_check_live(L, 1, "#");
    if (cdata->type->kind != HUSK_FFI_ARRAY)
        return husk_lua_ffi_fail(L, cdata->type->ffi, HUSK_EINVAL, "#: an array expected, got %s",
                                 cdata->type->name);
    lua_pushinteger(L, (lua_Integer)(cdata->span / cdata->type->element->size));
    return 1;
}

static int cdata_tostring(lua_State *L)
{
    const husk_lua_cdata *cdata = husk_lua_cdata_check(L, 1, "tostring");
    if (husk_lua_cdata_is_dead(cdata)) {
        lua_pushfstring(L, "cdata<%s>: ended", cdata->type->name);
    } else if (husk_lua_cdata_is_number(cdata)) {
        husk_lua_ffi_push(L, cdata->type, cdata->at);
        luaL_tolstring(L, -1, NULL);
    } else {
        lua_pushfstring(L, "cdata<%s>: %p", cdata->type->name, (void *)cdata->at);
    }
    return 1;
}

const luaL_Reg husk_lua_cdata_operators[] = {
    { "__add", cdata_add },
    { "__sub", cdata_sub },
    { "__eq", cdata_eq },
    { "__lt", cdata_lt },
    { "__le", cdata_le },
    { "__len", cdata_len },
    { "__tostring", cdata_tostring },
    { NULL, NULL },
};
