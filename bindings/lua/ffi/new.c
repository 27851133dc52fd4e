/* bindings/lua/ffi/new.c: ffi.new and ffi.cast, and what a cdata is: its type, size and number. */
#include "cdata.h"

/* core.new(ctype, ...): ffi.new */
static int new_cdata(lua_State *L)
{
    husk_lua_ctype *type = husk_lua_ctype_check(L, 1, "ffi.new");
    int first = 2;
    size_t size = type->size;
    if (type->kind == HUSK_FFI_ARRAY && !type->type) {
        lua_Integer count;
        size_t each = type->element->size;
        if (lua_type(L, 2) == LUA_TNUMBER && lua_isinteger(L, 2)) {
            count = lua_tointeger(L, 2);
            first = 3;
        } else if (lua_type(L, 2) == LUA_TSTRING && each == 1) {
            count = (lua_Integer)lua_rawlen(L, 2) + 1;
        } else if (lua_type(L, 2) == LUA_TTABLE) {
            count = (lua_Integer)lua_rawlen(L, 2);
        } else {
            return husk_lua_ffi_fail(L, type->ffi, HUSK_EINVAL, "ffi.new: how many elements has %s?",
                                     type->name);
        }
        if (count < 0 || !each || (size_t)count > HUSK_FFI_MAX_SIZE / each)
            return husk_lua_ffi_fail(L, type->ffi, HUSK_ERANGE, "ffi.new: %s of %I elements", type->name,
                                     (LUAI_UACINT)count);
        size = (size_t)count * each;
    } else if (!size) {
        return husk_lua_ffi_fail(L, type->ffi, HUSK_EINVAL, "ffi.new: %s has no size: %s", type->name,
                                 type->why ? type->why : "it is only declared");
    }
    int given = lua_gettop(L) - first + 1;
    if (husk_lua_ctype_is_pointer(type)) { /* a pointer is its value */
        void *value = NULL;
        char why[HUSK_LUA_FFI_WHY];
        if (given > 0 && !husk_lua_ffi_store(L, first, type, &value, false, why))
            return husk_lua_ffi_fail(L, type->ffi, HUSK_EINVAL, "ffi.new: %s", why);
        husk_lua_cdata_pointer(L, type, value, given > 0 && lua_type(L, first) == LUA_TUSERDATA ? first : 0);
        return 1;
    }
    husk_lua_cdata *cdata = husk_lua_cdata_new(L, type, size ? size : 1);
    cdata->span = size;
    int made = lua_gettop(L);
    char why[HUSK_LUA_FFI_WHY];
    bool stored = true;
    bool whole =
        type->kind == HUSK_FFI_ARRAY || lua_type(L, first) == LUA_TTABLE ||
        (husk_lua_cdata_at(L, first) && husk_lua_ctype_same(husk_lua_cdata_at(L, first)->type, type));
    bool keeps = given >= 1 && husk_lua_ctype_is_object(type) && husk_lua_cdata_keeps(L, made, type);
    if (given == 1 && whole && husk_lua_ctype_is_object(type)) {
        int value = lua_type(L, first);
        if (type->kind == HUSK_FFI_ARRAY && value != LUA_TTABLE && value != LUA_TSTRING &&
            !husk_lua_cdata_at(L, first)) {
            size_t each = type->element->size; /* one value for all */
            for (size_t i = 0; stored && i < size; i += each) {
                stored = husk_lua_ffi_store(L, first, type->element, cdata->at + i, false, why);
                if (stored && keeps)
                    husk_lua_cdata_keep(L, made, first, type->element, each, cdata->at + i);
            }
            keeps = false;
        } else {
            stored = husk_lua_ffi_fill(L, first, type, cdata->at, size, true, why);
            lua_pushvalue(L, first);
        }
    } else if (given == 1 && !husk_lua_ctype_is_object(type)) {
        stored = husk_lua_ffi_store(L, first, type, cdata->at, false, why);
    } else if (given >= 1) { /* as a table of them */
        lua_createtable(L, given, 0);
        for (int i = 0; i < given; i++) {
            lua_pushvalue(L, first + i);
            lua_rawseti(L, -2, i + 1);
        }
        stored = husk_lua_ffi_fill(L, lua_gettop(L), type, cdata->at, size, true, why);
    }
    if (!stored)
        return husk_lua_ffi_fail(L, type->ffi, HUSK_EINVAL, "ffi.new: %s", why);
    if (keeps)
        husk_lua_cdata_keep(L, made, lua_gettop(L), type, size, cdata->at);
    lua_settop(L, made);
    if (type->kind == HUSK_FFI_STRUCT && husk_lua_cdata_push_metatype(L, cdata, "__gc") == LUA_TFUNCTION) {
        husk_lua_cdata_arm(L, made, lua_gettop(L));
    }
    lua_settop(L, made);
    return 1;
}

/* core.cast(ctype, value): ffi.cast */
static int cast(lua_State *L)
{
    husk_lua_ctype *type = husk_lua_ctype_check(L, 1, "ffi.cast");
    const husk_lua_cdata *from = husk_lua_cdata_at(L, 2);
    char why[HUSK_LUA_FFI_WHY];
    if (from && husk_lua_cdata_is_dead(from))
        return husk_lua_cdata_fail_dead(L, from, "ffi.cast");
    if (husk_lua_ctype_is_pointer(type)) {
        void *at = NULL;
        int owner = 0;
        size_t span = SIZE_MAX;
        const husk_lua_ctype *function = NULL;
        bool ended = false;
        if (from && husk_lua_cdata_is_number(from)) {
            int64_t address = 0;
            (void)husk_ffi_integer_read(from->type->type, from->at, &address);
            at = (void *)(uintptr_t)address;
        } else if (from) {
            at = from->at;
            owner = 2;
        } else if (lua_isinteger(L, 2)) {
            at = (void *)(uintptr_t)lua_tointeger(L, 2);
        } else if (lua_type(L, 2) == LUA_TSTRING) {
            at = (void *)(uintptr_t)lua_tolstring(L, 2, &span);
            span++;
            owner = 2;
        } else if (lua_islightuserdata(L, 2)) {
            at = lua_touserdata(L, 2);
        } else if ((at = husk_lua_callback_code(L, 2, &function, &ended)) != NULL) {
            owner = 2;
        } else if (!lua_isnil(L, 2)) {
            if (!husk_lua_ffi_store(L, 2, type, &at, false, why))
                return husk_lua_ffi_fail(L, type->ffi, HUSK_EINVAL, "ffi.cast: %s", why);
            owner = 2;
        }
        husk_lua_cdata *made = husk_lua_cdata_pointer(L, type, at, owner);
        if (lua_type(L, 2) == LUA_TSTRING) {
            made->span = span;
            made->constant = true;
        } else if (from && !type->constant) {
            made->constant = false; /* the script says so */
        }
        return 1;
    }
    if (type->number < HUSK_FFI_BOOL || type->number > HUSK_FFI_F64)
        return husk_lua_ffi_fail(L, type->ffi, HUSK_EINVAL, "ffi.cast: to %s", type->name);
    husk_lua_cdata *made = husk_lua_cdata_new(L, type, type->size);
    int64_t value = 0;
    if (type->kind == HUSK_FFI_F32 || type->kind == HUSK_FFI_F64) {
        if (!husk_lua_ffi_store(L, 2, type, made->at, false, why))
            return husk_lua_ffi_fail(L, type->ffi, HUSK_EINVAL, "ffi.cast: %s", why);
        return 1;
    }
    double number;
    if (from && !husk_lua_cdata_is_number(from))
        value = (int64_t)(intptr_t)from->at;
    else if (from && husk_ffi_integer_read(from->type->type, from->at, &value) != HUSK_ETYPE)
        ;
    else if (lua_isinteger(L, 2))
        value = lua_tointeger(L, 2);
    else if (lua_isboolean(L, 2))
        value = lua_toboolean(L, 2);
    else if (lua_islightuserdata(L, 2))
        value = (int64_t)(intptr_t)lua_touserdata(L, 2);
    else if (lua_type(L, 2) == LUA_TNUMBER || from) {
        number = from ? 0 : lua_tonumber(L, 2);
        if (from)
            (void)husk_ffi_double_read(from->type->type, from->at, &number);
        if (!(number > -9223372036854775808.0 && number < 9223372036854775808.0))
            return husk_lua_ffi_fail(L, type->ffi, HUSK_ERANGE, "ffi.cast: a number beyond 64 bits");
        value = (int64_t)number;
    } else {
        if (!husk_lua_ffi_store(L, 2, type, made->at, false, why))
            return husk_lua_ffi_fail(L, type->ffi, HUSK_EINVAL, "ffi.cast: %s", why);
        return 1;
    }
    if (type->number == HUSK_FFI_BOOL)
        *(bool *)made->at = value != 0;
    else
        memcpy(made->at, &value, type->size); /* the low bytes, as C does */
    return 1;
}

/* core.typeof(cdata): its ctype, nil for anything else */
static int type_of(lua_State *L)
{
    const husk_lua_cdata *cdata = husk_lua_cdata_at(L, 1);
    if (!cdata)
        return 0;
    husk_lua_ctype_push(L, cdata->type);
    return 1;
}

/* core.size(cdata): bytes of an object */
static int size(lua_State *L)
{
    const husk_lua_cdata *cdata = husk_lua_cdata_check_live(L, 1, "ffi.sizeof");
    bool open = cdata->type->kind == HUSK_FFI_ARRAY && !cdata->type->type;
    lua_pushinteger(L, (lua_Integer)(open ? cdata->span : cdata->type->size));
    return 1;
}

/* core.value(cdata): the number in it, or the address that it is */
static int value(lua_State *L)
{
    husk_lua_cdata *cdata = husk_lua_cdata_check_live(L, 1, "ffi.tonumber");
    if (husk_lua_cdata_is_number(cdata))
        husk_lua_ffi_push(L, cdata->type, cdata->at);
    else
        lua_pushinteger(L, (lua_Integer)(intptr_t)cdata->at);
    return 1;
}

void husk_lua_ffi_open_new(lua_State *L)
{
    static const luaL_Reg functions[] = {
        { "new", new_cdata }, { "cast", cast },   { "typeof", type_of },
        { "size", size },     { "value", value }, { NULL, NULL },
    };
    luaL_setfuncs(L, functions, 0);
}
