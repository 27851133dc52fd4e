/* bindings/lua/ffi/function.c: C functions as Lua functions: a C closure whose upvalue is the prepared call. */
#include "function.h"

static const char function_magic;

int husk_lua_function_fail(lua_State *L, const husk_lua_function *f, int at, const char *why)
{
    bool gone = strstr(why, "ended") || strstr(why, "released") || strstr(why, "is dead");
    husk_status status = strstr(why, "out of range") ? HUSK_ERANGE : gone ? HUSK_ESTATE : HUSK_EINVAL;
    return husk_lua_ffi_fail(L, f->ffi, status, "bad argument #%d to '%s' (%s)", at, f->name, why);
}

int husk_lua_function_fail_count(lua_State *L, const husk_lua_function *f, int given)
{
    return husk_lua_ffi_fail(L, f->ffi, HUSK_EINVAL,
                             "wrong number of arguments to '%s' (%d%s expected, got %d)", f->name,
                             (int)f->count, f->type->variadic ? " or more" : "", given);
}

husk_lua_function *husk_lua_function_at(lua_State *L, int at)
{
    if (!lua_iscfunction(L, at) || !lua_getupvalue(L, at, 1))
        return NULL;
    husk_lua_function *f =
        lua_type(L, -1) == LUA_TUSERDATA && lua_rawlen(L, -1) == sizeof *f ? lua_touserdata(L, -1) : NULL;
    lua_pop(L, 1);
    return f && f->magic == &function_magic ? f : NULL;
}

/* ---- making ---- */

static int function_gc(lua_State *L)
{
    husk_lua_function *f = lua_touserdata(L, 1);
    husk_ffi_call_free(f->call);
    husk_ffi_call_free(f->more);
    f->call = f->more = NULL;
    return 0;
}

/* Why a function of this type cannot be called, or NULL. */
static const char *refused(const husk_lua_ctype *type, const char **which)
{
    for (size_t i = 0; i <= type->count; i++) {
        const husk_lua_ctype *part = i < type->count ? type->params[i] : type->element;
        *which = part->name;
        if (part->kind == HUSK_FFI_UNION)
            return "unions are not passed by value";
        if (part->kind == HUSK_FFI_STRUCT && !part->fields)
            return part->why ? part->why : "it is only declared";
    }
    return NULL;
}

static husk_lua_function *push_prepared(lua_State *L, husk_lua_ctype *type, void *address, const char *name,
                                        int end_at, bool owned)
{
    husk_lua_function *f = lua_newuserdatauv(L, sizeof *f, 2);
    memset(f, 0, sizeof *f);
    f->magic = &function_magic;
    luaL_setmetatable(L, HUSK_LUA_FFI_FUNCTION_META);
    f->ffi = type->ffi;
    f->type = type;
    f->params = type->params;
    f->count = type->count;
    f->result = type->element;
    f->address = address;
    f->owned = owned;
    f->name = lua_pushstring(L, name);
    lua_setiuservalue(L, -2, 1);
    if (end_at) {
        lua_pushvalue(L, end_at);
        lua_setiuservalue(L, -2, 2);
        f->ends = true;
    }
    const char *which, *why = refused(type, &which);
    if (why)
        husk_lua_ffi_fail(L, type->ffi, HUSK_EINVAL, "%s: %s cannot be passed: %s", name, which, why);
    bool few = !type->variadic && type->count <= 8; /* as husk_lua_ffi_call_few has it */
    for (size_t i = 0; i < type->count; i++) {
        const husk_lua_ctype *param = type->params[i];
        f->functions =
            f->functions || (param->kind == HUSK_FFI_POINTER && param->element->kind == HUSK_FFI_FUNCTION);
        f->refs = f->refs || param->kind == HUSK_FFI_REF;
        few = few && param->kind != HUSK_FFI_STRUCT && param->kind != HUSK_FFI_REF;
    }
    few = few && !f->functions && f->result->kind != HUSK_FFI_STRUCT && f->result->kind != HUSK_FFI_REF &&
          !f->ends;
    if (!type->variadic) {
        husk_status status = husk_ffi_call_new(type->ffi->space, type->type, address, NULL, 0, &f->call);
        if (status != HUSK_OK)
            husk_lua_ffi_fail(L, type->ffi, status, "%s: %s", name, husk_message());
    }
    lua_CFunction shape = few ? husk_lua_ffi_shape(f) : husk_lua_ffi_call_any;
    lua_pushcclosure(L, shape ? shape : husk_lua_ffi_call_few, 1);
    return f;
}

/* core.prepare(type, address, name, [end], [owned], [taken]): the function at an address, to be called; taken: a table
 * of the refs that it takes. */
static int prepare(lua_State *L)
{
    husk_lua_ctype *type = husk_lua_ctype_check(L, 1, "ffi.fn");
    luaL_checktype(L, 2, LUA_TLIGHTUSERDATA);
    husk_lua_function *f = push_prepared(L, type, lua_touserdata(L, 2), luaL_checkstring(L, 3),
                                         lua_isnoneornil(L, 4) ? 0 : 4, lua_toboolean(L, 5) != 0);
    int made = lua_gettop(L);
    for (lua_Integer i = 1; lua_istable(L, 6) && lua_rawgeti(L, 6, i) == LUA_TNUMBER; i++, lua_pop(L, 1)) {
        lua_Integer at = lua_tointeger(L, -1);
        if (at >= 1 && at <= HUSK_FFI_MAX_PARAMS)
            husk_lua_params_add(&f->taken, (size_t)at - 1);
    }
    lua_settop(L, made);
    return 1;
}

/* core.signature(type): the result, a table of the parameters, whether it is variadic. */
static int signature(lua_State *L)
{
    const husk_lua_ctype *type = husk_lua_ctype_check(L, 1, "signature");
    luaL_argcheck(L, type->kind == HUSK_FFI_FUNCTION, 1, "no function");
    husk_lua_ctype_push(L, type->element);
    lua_createtable(L, (int)type->count, 0);
    for (size_t i = 0; i < type->count; i++) {
        husk_lua_ctype_push(L, type->params[i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_pushboolean(L, type->variadic);
    return 3;
}

/* core.address(function): of what it calls, and its type; nothing if it is none of ours. */
static int address(lua_State *L)
{
    const husk_lua_function *f = lua_type(L, 1) == LUA_TFUNCTION ? husk_lua_function_at(L, 1) : NULL;
    if (!f)
        return 0;
    lua_pushlightuserdata(L, f->address);
    husk_lua_ctype_push(L, f->type);
    return 2;
}

int husk_lua_ffi_call_pointer(lua_State *L)
{
    husk_lua_cdata *cdata = husk_lua_cdata_at(L, 1);
    if (!cdata || cdata->type->kind != HUSK_FFI_POINTER || cdata->type->element->kind != HUSK_FFI_FUNCTION)
        return luaL_error(L, "a pointer to a function expected");
    if (husk_lua_cdata_is_dead(cdata) || !cdata->at)
        return husk_lua_ffi_fail(L, cdata->type->ffi, HUSK_ESTATE, "calling %s, which %s", cdata->type->name,
                                 cdata->at ? "has ended" : "is null");
    husk_lua_ctype *type = cdata->type->element;
    if (!type->called || type->called_at != cdata->at) {
        push_prepared(L, type, cdata->at, cdata->type->name, 0, false);
        int made = luaL_ref(L, LUA_REGISTRYINDEX);
        luaL_unref(L, LUA_REGISTRYINDEX, type->called ? type->called : LUA_NOREF);
        type->called = made;
        type->called_at = cdata->at;
    }
    lua_rawgeti(L, LUA_REGISTRYINDEX, type->called);
    lua_replace(L, 1); /* the caller keeps the cdata */
    lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
    return lua_gettop(L);
}

/* core.errno([new]): as the latest call left it. */
static int error_number(lua_State *L)
{
    lua_pushinteger(L, husk_ffi_errno());
    if (!lua_isnoneornil(L, 1))
        husk_ffi_errno_set((int)luaL_checkinteger(L, 1));
    return 1;
}

void husk_lua_ffi_open_calls(lua_State *L)
{
    static const luaL_Reg functions[] = { { "prepare", prepare },
                                          { "signature", signature },
                                          { "address", address },
                                          { "errno", error_number },
                                          { NULL, NULL } };
    luaL_setfuncs(L, functions, 0);
    if (luaL_newmetatable(L, HUSK_LUA_FFI_FUNCTION_META)) {
        lua_pushcfunction(L, function_gc);
        lua_setfield(L, -2, "__gc");
    }
    lua_pop(L, 1);
}
