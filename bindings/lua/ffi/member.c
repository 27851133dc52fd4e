/* bindings/lua/ffi/member.c: the places in C objects and behind pointers: what a key of a cdata says, read and written within
 * bounds. */
#include "cdata.h"

void husk_lua_cdata_push_at(lua_State *L, int owner_at, husk_lua_ctype *type, char *at)
{
    const husk_lua_cdata *owner = lua_touserdata(L, owner_at);
    if (husk_lua_ctype_is_object(type)) {
        husk_lua_cdata_check_bounds(L, owner, at, type->size, "reading");
        husk_lua_cdata *inner = husk_lua_cdata_pointer(L, type, at, owner_at);
        if (type->type) {
            inner->base = at;
            inner->span = type->size;
        }
        inner->constant = inner->constant || (owner->type->kind == HUSK_FFI_POINTER && owner->type->constant);
        return;
    }
    if (!type->size)
        husk_lua_ffi_fail(L, type->ffi, HUSK_EINVAL, "reading: %s has no size%s%s", type->name,
                          type->why ? ": " : "", type->why ? type->why : "");
    husk_lua_cdata_check_bounds(L, owner, at, type->size, "reading");
    husk_lua_ffi_push(L, type, at);
}

/* What key 2 of the cdata at 1 is: its type and address. False: no place of it. */
static bool place_of(lua_State *L, const husk_lua_cdata *cdata, husk_lua_ctype **type, char **at)
{
    const husk_lua_ctype *own = cdata->type;
    if (lua_type(L, 2) == LUA_TNUMBER && own->element) {
        int exact;
        lua_Integer i = lua_tointegerx(L, 2, &exact);
        husk_lua_ctype *element = own->element;
        if (!exact || (own->kind != HUSK_FFI_POINTER && own->kind != HUSK_FFI_ARRAY))
            return false;
        if (!element->size) {
            husk_lua_ffi_fail(L, own->ffi, HUSK_EINVAL, "%s points to nothing of a known size%s%s", own->name,
                              element->why ? ": " : "", element->why ? element->why : "");
            return false;
        }
        if (i > PTRDIFF_MAX / (lua_Integer)element->size || i < -(PTRDIFF_MAX / (lua_Integer)element->size))
            husk_lua_ffi_fail(L, own->ffi, HUSK_ERANGE, "element %I of %s", (LUAI_UACINT)i, own->name);
        if (own->kind == HUSK_FFI_ARRAY && (i < 0 || (size_t)i >= cdata->span / element->size))
            husk_lua_ffi_fail(L, own->ffi, HUSK_ERANGE, "element %I of %s, which has %I", (LUAI_UACINT)i,
                              own->name, (LUAI_UACINT)(cdata->span / element->size));
        *type = element;
        *at = (char *)((uintptr_t)cdata->at + (uintptr_t)(i * (lua_Integer)element->size));
        return true;
    }
    lua_pushvalue(L, 2);
    const husk_lua_field *field =
        lua_rawget(L, lua_upvalueindex(1)) == LUA_TUSERDATA ? lua_touserdata(L, -1) : NULL;
    lua_pop(L, 1);
    if (!field)
        return false;
    *type = field->type;
    *at = cdata->at + field->offset;
    return true;
}

static const husk_lua_ctype *pointee(const husk_lua_cdata *cdata)
{
    return cdata->type->kind == HUSK_FFI_POINTER ? cdata->type->element : cdata->type;
}

/* Pushes entry `name` of the metatype of what is, or is pointed to by, the cdata. */
int husk_lua_cdata_push_metatype(lua_State *L, const husk_lua_cdata *cdata, const char *name)
{
    husk_lua_ffi_table(L, HUSK_LUA_FFI_METAS);
    if (lua_rawgetp(L, -1, HUSK_LUA_METATYPE(pointee(cdata))) != LUA_TTABLE)
        return LUA_TNIL;
    return lua_getfield(L, -1, name);
}

static int fail_member(lua_State *L, const husk_lua_cdata *cdata)
{
    char room[160];
    const husk_lua_ctype *type = pointee(cdata);
    const char *key =
        lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : husk_lua_ffi_describe(L, 2, room, sizeof room);
    if ((type->kind == HUSK_FFI_STRUCT || type->kind == HUSK_FFI_UNION) && !type->fields)
        return husk_lua_ffi_fail(L, type->ffi, HUSK_ESTATE, "%s.%s: it is only declared%s%s", type->name, key,
                                 type->why ? ": " : "", type->why ? type->why : "");
    return husk_lua_ffi_fail(L, type->ffi, HUSK_EMISSING, "%s has no member '%s'", type->name, key);
}

int husk_lua_cdata_index(lua_State *L)
{
    husk_lua_cdata *cdata = husk_lua_cdata_at(L, 1);
    if (!cdata || cdata->type != lua_touserdata(L, lua_upvalueindex(2)))
        return luaL_error(L, "not a cdata of this type");
    husk_lua_ctype *type;
    char *at;
    if (place_of(L, cdata, &type, &at)) {
        husk_lua_cdata_push_at(L, 1, type, at);
        return 1;
    }
    int found = husk_lua_cdata_push_metatype(L, cdata, "__index");
    if (found == LUA_TFUNCTION) {
        lua_pushvalue(L, 1);
        lua_pushvalue(L, 2);
        lua_call(L, 2, 1);
        return 1;
    }
    if (found != LUA_TNIL) {
        lua_pushvalue(L, 2);
        if (lua_gettable(L, -2) != LUA_TNIL)
            return 1;
    }
    if (lua_type(L, 2) == LUA_TSTRING && !strcmp(lua_tostring(L, 2), "close")) {
        lua_pushcfunction(L, husk_lua_cdata_close);
        return 1;
    }
    return fail_member(L, cdata);
}

static int fail_writing(lua_State *L, const husk_lua_cdata *cdata, const char *why)
{
    return husk_lua_ffi_fail(L, cdata->type->ffi, HUSK_EINVAL, "writing %s: %s",
                             lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : cdata->type->name, why);
}

/* Value 3 into the object at 1, which keeps what it points to: first the value, then what keeps it, then the object. So an error
 * leaves all as it was. */
static void write_kept(lua_State *L, const husk_lua_cdata *cdata, const husk_lua_ctype *type, char *at)
{
    char why[HUSK_LUA_FFI_WHY];
    void *copy = lua_newuserdatauv(L, type->size, 0);
    memcpy(copy, at, type->size); /* a table need not name all fields */
    if (!husk_lua_ffi_store(L, 3, type, copy, true, why))
        fail_writing(L, cdata, why);
    husk_lua_cdata_keep(L, 1, 3, type, type->size, at);
    husk_lua_cdata_check_bounds(L, cdata, at, type->size, "writing");
    memcpy(at, copy, type->size);
}

int husk_lua_cdata_newindex(lua_State *L)
{
    husk_lua_cdata *cdata = husk_lua_cdata_at(L, 1);
    if (!cdata || cdata->type != lua_touserdata(L, lua_upvalueindex(2)))
        return luaL_error(L, "not a cdata of this type");
    husk_lua_ctype *type;
    char *at;
    if (!place_of(L, cdata, &type, &at)) {
        if (husk_lua_cdata_push_metatype(L, cdata, "__newindex") == LUA_TFUNCTION) {
            lua_pushvalue(L, 1);
            lua_pushvalue(L, 2);
            lua_pushvalue(L, 3);
            lua_call(L, 3, 0);
            return 0;
        }
        return fail_member(L, cdata);
    }
    if (cdata->constant || ((cdata->type->kind == HUSK_FFI_POINTER || cdata->type->kind == HUSK_FFI_ARRAY) &&
                            cdata->type->constant))
        return husk_lua_ffi_fail(L, type->ffi, HUSK_EINVAL, "writing: %s is const", cdata->type->name);
    if (type->kind == HUSK_FFI_REF)
        return husk_lua_ffi_fail(L, type->ffi, HUSK_EINVAL,
                                 "writing: a ref is counted, which only objects of a heap do");
    husk_lua_cdata_check_bounds(L, cdata, at, type->size, "writing");
    char why[HUSK_LUA_FFI_WHY];
    if (husk_lua_cdata_keeps(L, 1, type))
        write_kept(L, cdata, type, at);
    else if (!husk_lua_ffi_store(L, 3, type, at, false, why))
        return fail_writing(L, cdata, why);
    return 0;
}
