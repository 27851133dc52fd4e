/* bindings/lua/ffi/value.c: conversions between Lua values and C memory. Nothing here runs code of a script: tables are
 * read raw. */
#include "lua_ffi.h"

#include <math.h>
#include <stdio.h>

#define WHY(...) (void)snprintf(why, HUSK_LUA_FFI_WHY, __VA_ARGS__)

const char *husk_lua_ffi_describe(lua_State *L, int at, char *room, size_t size)
{
    const husk_lua_cdata *cdata = husk_lua_cdata_at(L, at);
    if (cdata) {
        (void)snprintf(room, size, "%s%s", cdata->type->name,
                       husk_lua_cdata_is_dead(cdata) ? " (ended)" : "");
        return room;
    }
    const husk_lua_ctype *ctype = husk_lua_ctype_at(L, at);
    if (ctype) {
        (void)snprintf(room, size, "ctype<%s>", ctype->name);
        return room;
    }
    return husk_lua_ffi_get(L)->husk->describe(L, at, room, size);
}

static bool expected(lua_State *L, int at, const husk_lua_ctype *type, char *why)
{
    char room[160];
    WHY("%s expected, got %s", type->name, husk_lua_ffi_describe(L, at, room, sizeof room));
    return false;
}

/* ---- numbers ---- */

static bool out_of_range(lua_State *L, int at, const husk_lua_ctype *type, char *why)
{
    if (lua_isinteger(L, at))
        WHY("%lld is out of range for %s", (long long)lua_tointeger(L, at), type->name);
    else
        WHY("%.17g is out of range for %s", (double)lua_tonumber(L, at), type->name);
    return false;
}

/* The integer in an object of an integer type, which may be one of 64 bits without a sign. */
static bool is_number(const husk_lua_ctype *type)
{
    return type->number >= HUSK_FFI_BOOL && type->number <= HUSK_FFI_F64;
}

static bool store_integer(lua_State *L, int at, const husk_lua_ctype *type, void *out, char *why)
{
    lua_Integer value;
    int exact = 0;
    const husk_lua_cdata *cdata;
    switch (lua_type(L, at)) {
    case LUA_TNUMBER:
        value = lua_tointegerx(L, at, &exact);
        if (!exact) {
            lua_Number number = lua_tonumber(L, at);
            if (number == floor(number) && husk_ffi_double_write(type->type, out, number) == HUSK_OK)
                return true; /* beyond 2^63, of u64 */
            return number == floor(number)
                       ? out_of_range(L, at, type, why)
                       : (WHY("%s expected, got %.17g, which has a fraction", type->name, number), false);
        }
        break;
    case LUA_TBOOLEAN:
        if (type->kind != HUSK_FFI_BOOL)
            return expected(L, at, type, why);
        value = lua_toboolean(L, at);
        break;
    case LUA_TSTRING: {
        int64_t constant;
        if (type->kind != HUSK_FFI_ENUM)
            return expected(L, at, type, why);
        if (!husk_ffi_type_constant_find(type->type, lua_tostring(L, at), &constant)) {
            WHY("%s has no constant '%.100s'", type->name, lua_tostring(L, at));
            return false;
        }
        value = (lua_Integer)constant;
        break;
    }
    default:
        cdata = husk_lua_cdata_at(L, at);
        if (!cdata || !is_number(cdata->type) || husk_lua_cdata_is_dead(cdata))
            return expected(L, at, type, why);
        int64_t read;
        husk_status status = husk_ffi_integer_read(cdata->type->type, cdata->at, &read);
        if (status == HUSK_ETYPE)
            return expected(L, at, type, why);
        if (status == HUSK_ERANGE) { /* a u64 that has no lua_Integer */
            if (husk_ffi_unsigned_write(type->type, out, (uint64_t)read) == HUSK_OK)
                return true;
            WHY("%llu is out of range for %s", (unsigned long long)read, type->name);
            return false;
        }
        value = (lua_Integer)read;
        if (husk_ffi_integer_write(type->type, out, value) == HUSK_OK)
            return true;
        WHY("%lld is out of range for %s", (long long)value, type->name);
        return false;
    }
    bool fits = false;
#define STORE(ctype, least, most)                                                                            \
    fits = value >= (least) && value <= (most);                                                              \
    if (fits)                                                                                                \
        *(ctype *)out = (ctype)value;                                                                        \
    break
    switch (type->number) {
    case HUSK_FFI_BOOL:
        STORE(bool, 0, 1);
    case HUSK_FFI_CHAR:
        STORE(char, CHAR_MIN, CHAR_MAX);
    case HUSK_FFI_I8:
        STORE(int8_t, INT8_MIN, INT8_MAX);
    case HUSK_FFI_U8:
        STORE(uint8_t, 0, UINT8_MAX);
    case HUSK_FFI_I16:
        STORE(int16_t, INT16_MIN, INT16_MAX);
    case HUSK_FFI_U16:
        STORE(uint16_t, 0, UINT16_MAX);
    case HUSK_FFI_I32:
        STORE(int32_t, INT32_MIN, INT32_MAX);
    case HUSK_FFI_U32:
        STORE(uint32_t, 0, (lua_Integer)UINT32_MAX);
    case HUSK_FFI_U64:
        STORE(uint64_t, 0, INT64_MAX);
    default:
        *(int64_t *)out = (int64_t)value;
        return true;
    }
#undef STORE
    return fits || out_of_range(L, at, type, why);
}

static bool store_double(lua_State *L, int at, const husk_lua_ctype *type, void *out, char *why)
{
    double number;
    if (lua_type(L, at) == LUA_TNUMBER) {
        number = lua_tonumber(L, at);
    } else {
        const husk_lua_cdata *cdata = husk_lua_cdata_at(L, at);
        if (!cdata || !is_number(cdata->type) || husk_lua_cdata_is_dead(cdata) ||
            husk_ffi_double_read(cdata->type->type, cdata->at, &number) != HUSK_OK)
            return expected(L, at, type, why);
    }
    if (type->kind == HUSK_FFI_F64) {
        *(double *)out = number;
        return true;
    }
    if (husk_ffi_double_write(type->type, out, number) == HUSK_OK)
        return true;
    WHY("%.17g is out of range for %s", number, type->name);
    return false;
}

/* ---- pointers ---- */

static bool is_void(const husk_lua_ctype *type)
{
    return type->kind == HUSK_FFI_VOID;
}

/* Whether a pointer to `from` may go where one to `to` is wanted; NULL is char. Equal types, void on either side, bytes of any
 * sign, an integer type and its enum. */
static bool goes_to(const husk_lua_ctype *to, const husk_lua_ctype *from)
{
    bool to_byte = !to || husk_lua_ctype_is_byte(to), from_byte = !from || husk_lua_ctype_is_byte(from);
    if ((to && is_void(to)) || (from && is_void(from)) || (to_byte && from_byte))
        return true;
    if (!to || !from)
        return false;
    if (to->kind == HUSK_FFI_POINTER && from->kind == HUSK_FFI_POINTER)
        return goes_to(to->element, from->element) && (to->type == from->type || is_void(to->element));
    if ((to->kind == HUSK_FFI_ENUM || from->kind == HUSK_FFI_ENUM) && to->number == from->number)
        return true;
    return husk_lua_ctype_same(to, from);
}

static bool store_string(lua_State *L, int at, const husk_lua_ctype *type, void **out, bool lent, char *why)
{
    bool text = type->kind == HUSK_FFI_STR;
    if (!text && !is_void(type->element) && !husk_lua_ctype_is_byte(type->element))
        return expected(L, at, type, why);
    if (!text && !type->constant) {
        WHY("%s expected, got string, which C must not write to; ffi.new(\"char[?]\", n) makes room",
            type->name);
        return false;
    }
    size_t length;
    const char *bytes = lua_tolstring(L, at, &length);
    if (!lent) {
        WHY("a string lives as long as Lua needs it; ffi.new(\"char[?]\", #s + 1, s) makes bytes to point "
            "to");
        return false;
    }
    if ((text || type->element->kind == HUSK_FFI_CHAR) && text && memchr(bytes, 0, length)) {
        WHY("%s expected, got a string with a zero byte in it", type->name);
        return false;
    }
    *out = (void *)(uintptr_t)bytes;
    return true;
}

static bool store_cdata(lua_State *L, int at, const husk_lua_cdata *cdata, const husk_lua_ctype *type,
                        void **out, char *why)
{
    const husk_lua_ctype *from = cdata->type, *element = from;
    if (husk_lua_cdata_is_dead(cdata)) {
        WHY("this %s has ended", from->name);
        return false;
    }
    bool constant = cdata->constant;
    if (from->kind == HUSK_FFI_POINTER || from->kind == HUSK_FFI_ARRAY) {
        element = from->element;
        constant = constant || from->constant;
    } else if (from->kind == HUSK_FFI_STR) {
        element = NULL;
        constant = true;
    }
    const husk_lua_ctype *wanted = type->kind == HUSK_FFI_STR ? NULL : type->element;
    if (!goes_to(wanted, element))
        return expected(L, at, type, why);
    if (constant && wanted && !type->constant && wanted->kind != HUSK_FFI_FUNCTION) {
        WHY("%s expected, got %s, which is const; ffi.cast says otherwise", type->name, from->name);
        return false;
    }
    *out = cdata->at;
    return true;
}

static bool store_pointer(lua_State *L, int at, const husk_lua_ctype *type, void **out, bool lent, char *why)
{
    switch (lua_type(L, at)) {
    case LUA_TNIL:
        *out = NULL;
        return true;
    case LUA_TSTRING:
        return store_string(L, at, type, out, lent, why);
    case LUA_TLIGHTUSERDATA:
        *out = lua_touserdata(L, at);
        return true;
    case LUA_TUSERDATA:
        break;
    default:
        return expected(L, at, type, why);
    }
    const husk_lua_cdata *cdata = husk_lua_cdata_at(L, at);
    if (cdata)
        return store_cdata(L, at, cdata, type, out, why);
    const husk_lua_ctype *function = NULL;
    bool ended = false;
    void *code = husk_lua_callback_code(L, at, &function, &ended);
    if (function) {
        bool fits = type->kind == HUSK_FFI_POINTER &&
                    (is_void(type->element) || type->element->type == function->type);
        if (ended)
            WHY("this callback has ended");
        else if (!fits)
            WHY("%s expected, got a callback of type %s", type->name, function->name);
        else
            *out = code;
        return fits && !ended;
    }
    husk_lua_host *host = type->ffi->husk->door_at(L, at);
    if (host && host->heap && type->kind == HUSK_FFI_POINTER &&
        !strcmp(type->element->name, "struct husk_heap")) {
        host->L = L;
        *out = host->heap;
        return true;
    }
    const luaL_Stream *stream = luaL_testudata(L, at, LUA_FILEHANDLE);
    if (stream && stream->closef && type->kind == HUSK_FFI_POINTER &&
        (is_void(type->element) || !strcmp(type->element->name, "struct _IO_FILE"))) {
        *out = stream->f;
        return true;
    }
    return expected(L, at, type, why);
}

static bool store_ref(lua_State *L, int at, const husk_lua_ctype *type, void **out, char *why)
{
    if (lua_isnil(L, at)) {
        *out = NULL;
        return true;
    }
    const husk_lua_shared *husk = type->ffi->husk;
    const husk_lua_proxy *proxy = husk->proxy_at(L, at);
    if (!proxy)
        return expected(L, at, type, why);
    husk_obj *obj = husk_lua_proxy_obj(proxy);
    if (obj)
        ((husk_lua_host *)husk_heap_data(husk_obj_heap(obj)))->L = L; /* hooks run on it */
    *out = obj;
    if (!obj)
        husk->dead_text(proxy, type->name, why, HUSK_LUA_FFI_WHY);
    return obj != NULL;
}

bool husk_lua_ffi_store(lua_State *L, int at, const husk_lua_ctype *type, void *out, bool lent, char *why)
{
    switch (type->kind) {
    case HUSK_FFI_F32:
    case HUSK_FFI_F64:
        return store_double(L, at, type, out, why);
    case HUSK_FFI_POINTER:
    case HUSK_FFI_STR:
        return store_pointer(L, at, type, out, lent, why);
    case HUSK_FFI_REF:
        return store_ref(L, at, type, out, why);
    case HUSK_FFI_STRUCT:
    case HUSK_FFI_UNION:
    case HUSK_FFI_ARRAY:
        return husk_lua_ffi_fill(L, at, type, out, type->size, lent, why);
    case HUSK_FFI_VOID:
    case HUSK_FFI_FUNCTION:
        WHY("a value of type %s cannot be stored", type->name);
        return false;
    default:
        return store_integer(L, at, type, out, why);
    }
}

/* ---- aggregates ---- */

static bool fill_array(lua_State *L, int at, const husk_lua_ctype *type, char *out, size_t size, bool lent,
                       char *why)
{
    const husk_lua_ctype *element = type->element;
    size_t count = element->size ? size / element->size : 0;
    if (lua_type(L, at) == LUA_TSTRING) {
        size_t length;
        const char *bytes = lua_tolstring(L, at, &length);
        if (!husk_lua_ctype_is_byte(element))
            return expected(L, at, type, why);
        if (length > size) {
            WHY("%zu bytes do not fit into %zu", length, size);
            return false;
        }
        memcpy(out, bytes, length);
        memset(out + length, 0, size - length);
        return true;
    }
    if (lua_type(L, at) != LUA_TTABLE)
        return expected(L, at, type, why);
    size_t given = lua_rawlen(L, at);
    if (given > count) {
        WHY("%zu values do not fit into %zu", given, count);
        return false;
    }
    for (size_t i = 0; i < given; i++) {
        char inner[HUSK_LUA_FFI_WHY];
        lua_rawgeti(L, at, (lua_Integer)i + 1);
        bool stored = husk_lua_ffi_store(L, lua_gettop(L), element, out + i * element->size, lent, inner);
        lua_pop(L, 1);
        if (!stored) {
            WHY("[%zu]: %.280s", i + 1, inner);
            return false;
        }
    }
    return true;
}

/* The table at `at` into the fields that it names, or that follow each other. */
static bool fill_struct(lua_State *L, int at, const husk_lua_ctype *type, char *out, bool lent, char *why)
{
    bool filled = true;
    husk_lua_ctype_push(L, type);
    lua_getiuservalue(L, -1, 3);
    lua_replace(L, -2);
    int fields = lua_gettop(L);
    for (lua_pushnil(L); filled && lua_next(L, at); lua_pop(L, 1)) {
        char inner[HUSK_LUA_FFI_WHY];
        lua_pushvalue(L, -2);
        const char *name = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : NULL;
        if (!name && lua_rawget(L, fields) == LUA_TSTRING)
            name = lua_tostring(L, -1);
        if (name)
            lua_getfield(L, fields, name);
        else
            lua_pushnil(L);
        const husk_lua_field *field = lua_touserdata(L, -1);
        lua_pop(L, 2);
        if (!field) {
            lua_pushvalue(L, -2);
            WHY("%s has no member '%.100s'", type->name,
                lua_tostring(L, -1) ? lua_tostring(L, -1) : luaL_typename(L, -1));
            lua_pop(L, 1);
            filled = false;
        } else if (!husk_lua_ffi_store(L, lua_gettop(L), field->type, out + field->offset, lent, inner)) {
            WHY("%s: %.240s", name, inner);
            filled = false;
        }
    }
    lua_settop(L, fields - 1);
    return filled;
}

bool husk_lua_ffi_fill(lua_State *L, int at, const husk_lua_ctype *type, void *out, size_t size, bool lent,
                       char *why)
{
    const husk_lua_cdata *cdata = husk_lua_cdata_at(L, at);
    if (!lua_checkstack(L, 12)) {
        WHY("nested too deeply");
        return false;
    }
    if (cdata) {
        const husk_lua_ctype *from = cdata->type;
        bool same = from == type || (from->type && from->type == type->type) ||
                    (from->kind == HUSK_FFI_ARRAY && type->kind == HUSK_FFI_ARRAY && cdata->span == size &&
                     husk_lua_ctype_same(from->element, type->element));
        if (!same)
            return expected(L, at, type, why);
        if (husk_lua_cdata_is_dead(cdata)) {
            WHY("this %s has ended", from->name);
            return false;
        }
        memmove(out, cdata->at, size);
        return true;
    }
    if (type->kind == HUSK_FFI_ARRAY)
        return fill_array(L, at, type, out, size, lent, why);
    if (lua_type(L, at) != LUA_TTABLE)
        return expected(L, at, type, why);
    return fill_struct(L, at, type, out, lent, why);
}

/* ---- out of C ---- */

void husk_lua_ffi_push(lua_State *L, husk_lua_ctype *type, const void *from)
{
    switch (type->number) {
    case HUSK_FFI_VOID:
        lua_pushnil(L);
        break;
    case HUSK_FFI_BOOL:
        lua_pushboolean(L, *(const unsigned char *)from != 0);
        break;
    case HUSK_FFI_CHAR:
        lua_pushinteger(L, *(const char *)from);
        break;
    case HUSK_FFI_I8:
        lua_pushinteger(L, *(const int8_t *)from);
        break;
    case HUSK_FFI_U8:
        lua_pushinteger(L, *(const uint8_t *)from);
        break;
    case HUSK_FFI_I16:
        lua_pushinteger(L, *(const int16_t *)from);
        break;
    case HUSK_FFI_U16:
        lua_pushinteger(L, *(const uint16_t *)from);
        break;
    case HUSK_FFI_I32:
        lua_pushinteger(L, *(const int32_t *)from);
        break;
    case HUSK_FFI_U32:
        lua_pushinteger(L, *(const uint32_t *)from);
        break;
    case HUSK_FFI_I64:
    case HUSK_FFI_U64: /* the same bits, as Lua itself does */
        lua_pushinteger(L, (lua_Integer) * (const int64_t *)from);
        break;
    case HUSK_FFI_F32:
        lua_pushnumber(L, (lua_Number) * (const float *)from);
        break;
    case HUSK_FFI_F64:
        lua_pushnumber(L, *(const double *)from);
        break;
    case HUSK_FFI_STR:
        lua_pushstring(L, *(const char *const *)from);
        break;
    case HUSK_FFI_POINTER: {
        void *at = *(void *const *)from;
        if (at)
            husk_lua_cdata_pointer(L, type, at, 0);
        else
            lua_pushnil(L);
        break;
    }
    case HUSK_FFI_REF: {
        const husk_lua_shared *husk = type->ffi->husk;
        husk_obj *obj = *(husk_obj *const *)from;
        if (!obj) {
            lua_pushnil(L);
        } else if (!husk->push_known(L, obj)) {
            husk_lua_proxy *made = husk->proxy_new(L); /* may run any code: look again */
            obj = *(husk_obj *const *)from;
            if (obj)
                husk_obj_retain(obj), husk->push_owned(L, made, obj);
            else
                lua_pushnil(L);
            lua_remove(L, -2);
        }
        break;
    }
    default:
        lua_pushnil(L);
    }
}
