/* bindings/lua/ffi/shape.c: shorter ways to call C functions of common shapes, one chosen when the function is made ready:
 * all integers and pointers, or all doubles. An argument goes into its word as it stands in Lua if it is just what is
 * wanted; all other values, and all that is wrong, go through husk_lua_ffi_store. */
#include "function.h"

/* Reads a word from where husk_lua_ffi_store has put a value. */
static uint64_t word_of(const husk_lua_ctype *type, const void *at)
{
    switch (type->number) {
    case HUSK_FFI_BOOL:
    case HUSK_FFI_U8:
        return *(const uint8_t *)at;
    case HUSK_FFI_CHAR:
        return (uint64_t) * (const char *)at;
    case HUSK_FFI_I8:
        return (uint64_t) * (const int8_t *)at;
    case HUSK_FFI_I16:
        return (uint64_t) * (const int16_t *)at;
    case HUSK_FFI_U16:
        return *(const uint16_t *)at;
    case HUSK_FFI_I32:
        return (uint64_t) * (const int32_t *)at;
    case HUSK_FFI_U32:
        return *(const uint32_t *)at;
    case HUSK_FFI_POINTER:
    case HUSK_FFI_STR:
        return (uint64_t)(uintptr_t) * (void *const *)at;
    default:
        return *(const uint64_t *)at;
    }
}

static bool store_word(lua_State *L, int at, const husk_lua_ctype *type, uint64_t *out, char *why)
{
    husk_lua_slot slot = { 0 };
    if (!husk_lua_ffi_store(L, at, type, &slot, true, why))
        return false;
    *out = word_of(type, &slot);
    return true;
}

/* An integer of that type; no float and no string, as Lua would take them. */
static inline bool is_int(lua_State *L, int at, lua_Integer *out)
{
    if (!lua_isinteger(L, at))
        return false;
    *out = lua_tointeger(L, at);
    return *out == (int32_t)*out;
}

static inline bool word_at(lua_State *L, int at, const husk_lua_ctype *type, uint64_t *out, char *why)
{
    lua_Integer value;
    if (type->kind == HUSK_FFI_I32) {
        if (is_int(L, at, &value)) {
            *out = (uint64_t)value;
            return true;
        }
    } else if (type->kind == HUSK_FFI_I64 || type->kind == HUSK_FFI_U64) {
        if (lua_isinteger(L, at)) {
            value = lua_tointeger(L, at);
            *out = (uint64_t)value;
            if (value >= 0 || type->kind == HUSK_FFI_I64)
                return true;
        }
    } else if (type->kind == HUSK_FFI_POINTER && lua_type(L, at) == LUA_TSTRING) {
        if (type->constant && husk_lua_ctype_is_byte(type->element)) {
            *out = (uint64_t)(uintptr_t)lua_tolstring(L, at, NULL);
            return true;
        }
    } else if (type->kind == HUSK_FFI_POINTER) {
        const husk_lua_cdata *cdata = husk_lua_cdata_at(L, at);
        if (cdata && cdata->type == type && !cdata->constant && !husk_lua_cdata_is_dead(cdata)) {
            *out = (uint64_t)(uintptr_t)cdata->at;
            return true;
        }
    }
    return store_word(L, at, type, out, why);
}

static int push_word(lua_State *L, husk_lua_ctype *type, uint64_t word)
{
    switch (type->number) {
    case HUSK_FFI_VOID:
        return 0;
    case HUSK_FFI_BOOL:
        lua_pushboolean(L, (uint8_t)word != 0);
        return 1;
    case HUSK_FFI_CHAR:
        lua_pushinteger(L, (char)word);
        return 1;
    case HUSK_FFI_I8:
        lua_pushinteger(L, (int8_t)word);
        return 1;
    case HUSK_FFI_U8:
        lua_pushinteger(L, (uint8_t)word);
        return 1;
    case HUSK_FFI_I16:
        lua_pushinteger(L, (int16_t)word);
        return 1;
    case HUSK_FFI_U16:
        lua_pushinteger(L, (uint16_t)word);
        return 1;
    case HUSK_FFI_I32:
        lua_pushinteger(L, (int32_t)word);
        return 1;
    case HUSK_FFI_U32:
        lua_pushinteger(L, (uint32_t)word);
        return 1;
    case HUSK_FFI_POINTER:
    case HUSK_FFI_STR: {
        void *pointer = (void *)(uintptr_t)word;
        husk_lua_ffi_push(L, type, &pointer);
        return 1;
    }
    default:
        lua_pushinteger(L, (lua_Integer)word);
        return 1;
    }
}

static inline uint64_t run_words(lua_State *L, const husk_lua_function *f, const uint64_t *words)
{
    husk_lua_ffi *ffi = f->ffi;
    lua_State *before = husk_lua_ffi_enter(L, ffi);
    uint64_t result = husk_ffi_call_words(f->call, words);
    husk_lua_ffi_leave(ffi, before);
    if (ffi->raised)
        husk_lua_ffi_raise(L, ffi);
    return result;
}

static int call_words(lua_State *L)
{
    const husk_lua_function *f = lua_touserdata(L, lua_upvalueindex(1));
    uint64_t words[HUSK_FFI_MOST_WORDS] = { 0 };
    char why[HUSK_LUA_FFI_WHY];
    int count = (int)f->count;
    if (lua_gettop(L) != count)
        return husk_lua_function_fail_count(L, f, lua_gettop(L));
    for (int i = 0; i < count; i++)
        if (!word_at(L, i + 1, f->params[i], &words[i], why))
            return husk_lua_function_fail(L, f, i + 1, why);
    return push_word(L, f->result, run_words(L, f, words));
}

/* int(int) */
static int call_int(lua_State *L)
{
    const husk_lua_function *f = lua_touserdata(L, lua_upvalueindex(1));
    lua_Integer value;
    if (lua_gettop(L) != 1 || !is_int(L, 1, &value))
        return call_words(L);
    uint64_t words[HUSK_FFI_MOST_WORDS] = { (uint64_t)value };
    lua_pushinteger(L, (int32_t)run_words(L, f, words));
    return 1;
}

static bool double_at(lua_State *L, int at, const husk_lua_ctype *type, double *out, char *why)
{
    if (lua_type(L, at) != LUA_TNUMBER)
        return husk_lua_ffi_store(L, at, type, out, true, why);
    *out = lua_tonumber(L, at);
    return true;
}

static int call_doubles(lua_State *L)
{
    const husk_lua_function *f = lua_touserdata(L, lua_upvalueindex(1));
    double doubles[HUSK_FFI_MOST_DOUBLES] = { 0 };
    char why[HUSK_LUA_FFI_WHY];
    int count = (int)f->count;
    if (lua_gettop(L) != count)
        return husk_lua_function_fail_count(L, f, lua_gettop(L));
    for (int i = 0; i < count; i++)
        if (!double_at(L, i + 1, f->params[i], &doubles[i], why))
            return husk_lua_function_fail(L, f, i + 1, why);
    husk_lua_ffi *ffi = f->ffi;
    lua_State *before = husk_lua_ffi_enter(L, ffi);
    double result = husk_ffi_call_doubles(f->call, doubles);
    husk_lua_ffi_leave(ffi, before);
    if (ffi->raised)
        husk_lua_ffi_raise(L, ffi);
    lua_pushnumber(L, result);
    return 1;
}

lua_CFunction husk_lua_ffi_shape(const husk_lua_function *f)
{
    switch (husk_ffi_call_shape(f->call)) {
    case HUSK_FFI_WORDS:
        return f->count == 1 && f->params[0]->kind == HUSK_FFI_I32 && f->result->kind == HUSK_FFI_I32
                   ? call_int
                   : call_words;
    case HUSK_FFI_DOUBLES:
        return call_doubles;
    default:
        return NULL;
    }
}
