/* bindings/lua/ffi/cdata.c: C objects and pointers as Lua values: what memory they may touch, who keeps it, and when it
 * ends. Each ctype has a metatable for its cdata, and a second one with __gc for those that have an end. */
#include "lua_ffi.h"

#include <stdio.h>

const char husk_lua_cdata_magic;

/* Keys in the table of metatables beside the ctype's address. */
#define META_GC(ctype) ((const char *)(ctype) + 1)
#define METATYPE(ctype) ((const char *)(ctype) + 2)

enum { OWNER = 1, END, KEPT, DOOR };

husk_lua_cdata *husk_lua_cdata_at(lua_State *L, int at)
{
    husk_lua_cdata *cdata = lua_type(L, at) == LUA_TUSERDATA ? lua_touserdata(L, at) : NULL;
    if (!cdata || lua_rawlen(L, at) < sizeof *cdata || cdata->magic != &husk_lua_cdata_magic)
        return NULL;
    return cdata;
}

static husk_lua_cdata *check(lua_State *L, int at, const char *what)
{
    husk_lua_cdata *cdata = husk_lua_cdata_at(L, at);
    if (!cdata) {
        char room[160];
        husk_lua_ffi_fail(L, husk_lua_ffi_get(L), HUSK_EINVAL, "%s: C data expected, got %s", what,
                          husk_lua_ffi_describe(L, at, room, sizeof room));
    }
    return cdata;
}

static int fail_dead(lua_State *L, const husk_lua_cdata *cdata, const char *what)
{
    return husk_lua_ffi_fail(L, cdata->type->ffi, HUSK_ESTATE, "%s: this %s has ended", what,
                             cdata->type->name);
}

static husk_lua_cdata *check_live(lua_State *L, int at, const char *what)
{
    husk_lua_cdata *cdata = check(L, at, what);
    if (husk_lua_cdata_is_dead(cdata))
        fail_dead(L, cdata, what);
    return cdata;
}

/* One that has an end of its own, or may have one. */
static husk_lua_cdata *check_own(lua_State *L, int at, const char *what)
{
    husk_lua_cdata *cdata = check_live(L, at, what);
    if (cdata->lent)
        husk_lua_ffi_fail(L, cdata->type->ffi, HUSK_EINVAL,
                          "%s: this %s is lent, for the call", what,
                          cdata->type->name);
    return cdata;
}

/* Raises unless `size` bytes at `at` are memory that the cdata may touch. */
static void check_bounds(lua_State *L, const husk_lua_cdata *cdata, const char *at, size_t size,
                         const char *what)
{
    if (husk_lua_cdata_is_dead(cdata))
        fail_dead(L, cdata, what);
    if (!cdata->at)
        husk_lua_ffi_fail(L, cdata->type->ffi, HUSK_EINVAL, "%s: a null pointer of type %s", what,
                          cdata->type->name);
    if (cdata->span == SIZE_MAX)
        return;
    ptrdiff_t from = at - cdata->base;
    if (from < 0 || (size_t)from > cdata->span || size > cdata->span - (size_t)from)
        husk_lua_ffi_fail(L, cdata->type->ffi, HUSK_ERANGE, "%s: bytes %I to %I of %s, which has %I", what,
                          (LUAI_UACINT)from, (LUAI_UACINT)(from + (ptrdiff_t)size), cdata->type->name,
                          (LUAI_UACINT)cdata->span);
}

/* ---- metatables ---- */

static int cdata_index(lua_State *L);
static int cdata_newindex(lua_State *L);
static int cdata_gc(lua_State *L);
static const luaL_Reg cdata_meta[];

static void add_metatype(lua_State *L, int meta, int metatype)
{
    for (lua_pushnil(L); lua_next(L, metatype); lua_pop(L, 1)) {
        const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "";
        if (!strcmp(name, "__index") || !strcmp(name, "__newindex") || !strcmp(name, "__gc") ||
            !strcmp(name, "__close"))
            continue; /* asked for when ours have nothing to say */
        lua_pushvalue(L, -2);
        lua_pushvalue(L, -2);
        lua_rawset(L, meta);
    }
}

/* Pushes the metatable for cdata of the type. */
static void push_meta(lua_State *L, husk_lua_ctype *type, bool ends)
{
    const void *key = ends ? META_GC(type) : (const void *)type;
    husk_lua_ffi_table(L, HUSK_LUA_FFI_METAS);
    if (lua_rawgetp(L, -1, key) != LUA_TTABLE) {
        lua_pop(L, 1);
        lua_newtable(L);
        int meta = lua_gettop(L);
        luaL_setfuncs(L, cdata_meta, 0);
        const husk_lua_ctype *fields = type->kind == HUSK_FFI_POINTER ? type->element : type;
        husk_lua_ctype_push(L, fields);
        lua_getiuservalue(L, -1, 3);
        lua_replace(L, -2);
        lua_pushlightuserdata(L, type);
        static const luaL_Reg access[] = { { "__index", cdata_index },
                                           { "__newindex", cdata_newindex },
                                           { NULL, NULL } };
        luaL_setfuncs(L, access, 2);
        if (type->kind == HUSK_FFI_POINTER && type->element->kind == HUSK_FFI_FUNCTION) {
            lua_pushcfunction(L, husk_lua_ffi_call_pointer);
            lua_setfield(L, -2, "__call");
        }
        if (ends) {
            lua_pushcfunction(L, cdata_gc);
            lua_setfield(L, -2, "__gc");
        }
        lua_pushliteral(L, "cdata");
        lua_setfield(L, -2, "__metatable");
        lua_pushstring(L, type->name);
        lua_setfield(L, -2, "__name");
        lua_rawgetp(L, meta - 1, METATYPE(fields));
        if (lua_istable(L, -1))
            add_metatype(L, meta, lua_gettop(L));
        lua_pop(L, 1);
        lua_pushvalue(L, -1);
        lua_rawsetp(L, meta - 1, key);
    }
    lua_remove(L, -2);
}

/* ---- making ---- */

husk_lua_cdata *husk_lua_cdata_new(lua_State *L, husk_lua_ctype *type, size_t extra)
{
    if (extra > (size_t)1 << 40)
        luaL_error(L, "not enough memory");
    husk_lua_cdata *cdata = lua_newuserdatauv(L, sizeof *cdata + (extra ? extra + 8 : 0), 4);
    memset(cdata, 0, sizeof *cdata);
    cdata->magic = &husk_lua_cdata_magic;
    cdata->type = type;
    cdata->mine = true;
    uintptr_t behind = (uintptr_t)(cdata + 1);
    cdata->at = cdata->base = (char *)cdata + sizeof *cdata + (extra ? (16 - behind % 16) % 16 : 0);
    cdata->span = extra;
    memset(cdata->at, 0, extra);
    push_meta(L, type, false);
    lua_setmetatable(L, -2);
    return cdata;
}

husk_lua_cdata *husk_lua_cdata_pointer(lua_State *L, husk_lua_ctype *type, void *at, int owner_at)
{
    owner_at = owner_at ? lua_absindex(L, owner_at) : 0;
    husk_lua_cdata *cdata = lua_newuserdatauv(L, sizeof *cdata, 4);
    memset(cdata, 0, sizeof *cdata);
    cdata->magic = &husk_lua_cdata_magic;
    cdata->type = type;
    cdata->at = cdata->base = at;
    cdata->span = SIZE_MAX;
    const husk_lua_cdata *owner = owner_at ? husk_lua_cdata_at(L, owner_at) : NULL;
    if (owner) {
        cdata->constant = owner->constant;
        cdata->base = owner->base;
        cdata->span = owner->span;
        cdata->owner = owner->owner;
        cdata->proxy = owner->proxy;
        if (owner->owner) {
            lua_getiuservalue(L, owner_at, OWNER);
        } else {
            cdata->owner = lua_touserdata(L, owner_at);
            lua_pushvalue(L, owner_at);
        }
        lua_setiuservalue(L, -2, OWNER);
    } else if (owner_at) { /* any other value: it is kept, that is all */
        lua_pushvalue(L, owner_at);
        lua_setiuservalue(L, -2, OWNER);
    }
    push_meta(L, type, false);
    lua_setmetatable(L, -2);
    return cdata;
}

void husk_lua_cdata_push_at(lua_State *L, int owner_at, husk_lua_ctype *type, char *at)
{
    const husk_lua_cdata *owner = lua_touserdata(L, owner_at);
    if (husk_lua_ctype_is_object(type)) {
        check_bounds(L, owner, at, type->size, "reading");
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
    check_bounds(L, owner, at, type->size, "reading");
    husk_lua_ffi_push(L, type, at);
}

/* ---- access ---- */

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
        if (!element->size)
            husk_lua_ffi_fail(L, own->ffi, HUSK_EINVAL, "%s points to nothing of a known size%s%s", own->name,
                              element->why ? ": " : "", element->why ? element->why : "");
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
static int push_metatype(lua_State *L, const husk_lua_cdata *cdata, const char *name)
{
    husk_lua_ffi_table(L, HUSK_LUA_FFI_METAS);
    if (lua_rawgetp(L, -1, METATYPE(pointee(cdata))) != LUA_TTABLE)
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

/* x:close() of any cdata: its end, at once. */
static int cdata_close(lua_State *L)
{
    check(L, 1, "close");
    husk_lua_cdata_end(L, 1);
    return 0;
}

static int cdata_index(lua_State *L)
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
    int found = push_metatype(L, cdata, "__index");
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
        lua_pushcfunction(L, cdata_close);
        return 1;
    }
    return fail_member(L, cdata);
}

/* What was stored at an address of an object of ours is kept as long as it, or until something else is stored there. */
static void keep(lua_State *L, int cdata_at, int value_at, const char *at)
{
    const husk_lua_cdata *cdata = lua_touserdata(L, cdata_at);
    if (cdata->owner)
        lua_getiuservalue(L, cdata_at, OWNER);
    else
        lua_pushvalue(L, cdata_at);
    const husk_lua_cdata *root = husk_lua_cdata_at(L, -1);
    if (root && root->mine) {
        bool none = lua_isnil(L, value_at);
        if (lua_getiuservalue(L, -1, KEPT) != LUA_TTABLE && !none) {
            lua_pop(L, 1);
            lua_newtable(L);
            lua_pushvalue(L, -1);
            lua_setiuservalue(L, -3, KEPT);
        }
        if (lua_istable(L, -1)) {
            lua_pushvalue(L, value_at);
            lua_rawsetp(L, -2, at);
        }
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
}

static int cdata_newindex(lua_State *L)
{
    husk_lua_cdata *cdata = husk_lua_cdata_at(L, 1);
    if (!cdata || cdata->type != lua_touserdata(L, lua_upvalueindex(2)))
        return luaL_error(L, "not a cdata of this type");
    husk_lua_ctype *type;
    char *at;
    if (!place_of(L, cdata, &type, &at)) {
        if (push_metatype(L, cdata, "__newindex") == LUA_TFUNCTION) {
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
    check_bounds(L, cdata, at, type->size, "writing");
    if (husk_lua_ctype_is_pointer(type))
        keep(L, 1, 3, at); /* before it is there: may run any code */
    check_bounds(L, cdata, at, type->size, "writing");
    char why[HUSK_LUA_FFI_WHY];
    if (!husk_lua_ffi_store(L, 3, type, at, false, why))
        return husk_lua_ffi_fail(L, type->ffi, HUSK_EINVAL, "writing %s: %s",
                                 lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : cdata->type->name, why);
    return 0;
}

/* ---- operators ---- */

/* The address and element of a pointer or array, or raises. */
static husk_lua_cdata *check_pointer(lua_State *L, int at, const char *what)
{
    husk_lua_cdata *cdata = check_live(L, at, what);
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
    check_bounds(L, cdata, at, 0, "pointer arithmetic");
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

static bool is_number(const husk_lua_cdata *cdata)
{
    return cdata->type->number >= HUSK_FFI_BOOL && cdata->type->number <= HUSK_FFI_F64;
}

/* -1, 0, 1 */
static int compare(lua_State *L)
{
    const husk_lua_cdata *a = check(L, 1, "comparison"), *b = check(L, 2, "comparison");
    if (is_number(a) && is_number(b)) {
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
    const husk_lua_cdata *cdata = check_live(L, 1, "#");
    if (cdata->type->kind != HUSK_FFI_ARRAY)
        return husk_lua_ffi_fail(L, cdata->type->ffi, HUSK_EINVAL, "#: an array expected, got %s",
                                 cdata->type->name);
    lua_pushinteger(L, (lua_Integer)(cdata->span / cdata->type->element->size));
    return 1;
}

static int cdata_tostring(lua_State *L)
{
    const husk_lua_cdata *cdata = check(L, 1, "tostring");
    if (husk_lua_cdata_is_dead(cdata)) {
        lua_pushfstring(L, "cdata<%s>: ended", cdata->type->name);
    } else if (is_number(cdata)) {
        husk_lua_ffi_push(L, cdata->type, cdata->at);
        luaL_tolstring(L, -1, NULL);
    } else {
        lua_pushfstring(L, "cdata<%s>: %p", cdata->type->name, (void *)cdata->at);
    }
    return 1;
}

/* ---- ends ---- */

void husk_lua_cdata_set_end(lua_State *L, int at, int end_at)
{
    husk_lua_cdata *cdata = lua_touserdata(L, at);
    cdata->ends = end_at != 0;
    if (end_at)
        lua_pushvalue(L, end_at);
    else
        lua_pushnil(L);
    lua_setiuservalue(L, at, END);
}

void husk_lua_cdata_arm(lua_State *L, int at, int end_at)
{
    const husk_lua_cdata *cdata = lua_touserdata(L, at);
    push_meta(L, cdata->type, true);
    lua_setmetatable(L, at);
    husk_lua_cdata_set_end(L, at, end_at);
}

static void discharge(husk_lua_cdata *cdata)
{
    if (cdata->charged && cdata->charged->heap)
        husk_heap_foreign(cdata->charged->heap, -(int64_t)cdata->charge);
    cdata->charged = NULL;
}

void husk_lua_cdata_end(lua_State *L, int at)
{
    husk_lua_cdata *cdata = lua_touserdata(L, at);
    bool ends = cdata->ends;
    cdata->ends = false;
    if (cdata->dead)
        return;
    int status = LUA_OK;
    if (ends && cdata->at) { /* what never became anything needs no end */
        at = lua_absindex(L, at);
        luaL_checkstack(L, 4, NULL);
        lua_getiuservalue(L, at, END);
        lua_pushvalue(L, at);
        status = lua_pcall(L, 1, 0, 0); /* while it is alive: the function looks at it */
    }
    cdata->dead = true;
    discharge(cdata);
    if (status != LUA_OK)
        lua_error(L);
}

static int cdata_gc(lua_State *L)
{
    if (husk_lua_cdata_at(L, 1))
        husk_lua_cdata_end(L, 1);
    return 0;
}

static const luaL_Reg cdata_meta[] = {
    { "__add", cdata_add },
    { "__sub", cdata_sub },
    { "__eq", cdata_eq },
    { "__lt", cdata_lt },
    { "__le", cdata_le },
    { "__len", cdata_len },
    { "__tostring", cdata_tostring },
    { "__close", cdata_close },
    { NULL, NULL },
};

/* ---- what husk/ffi.lua calls ---- */

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
    if (given == 1 && whole && husk_lua_ctype_is_object(type)) {
        int value = lua_type(L, first);
        if (type->kind == HUSK_FFI_ARRAY && value != LUA_TTABLE && value != LUA_TSTRING &&
            !husk_lua_cdata_at(L, first)) {
            for (size_t i = 0; stored && i < size; i += type->element->size) /* one value for all */
                stored = husk_lua_ffi_store(L, first, type->element, cdata->at + i, false, why);
        } else {
            stored = husk_lua_ffi_fill(L, first, type, cdata->at, size, why);
        }
    } else if (given == 1 && !husk_lua_ctype_is_object(type)) {
        stored = husk_lua_ffi_store(L, first, type, cdata->at, false, why);
    } else if (given >= 1) { /* as a table of them */
        lua_createtable(L, given, 0);
        for (int i = 0; i < given; i++) {
            lua_pushvalue(L, first + i);
            lua_rawseti(L, -2, i + 1);
        }
        stored = husk_lua_ffi_fill(L, lua_gettop(L), type, cdata->at, size, why);
    }
    if (!stored)
        return husk_lua_ffi_fail(L, type->ffi, HUSK_EINVAL, "ffi.new: %s", why);
    if (given >= 1 && husk_lua_ctype_is_object(type)) { /* pointers among the values are kept with them */
        lua_createtable(L, given, 0);
        for (int i = 0; i < given; i++) {
            lua_pushvalue(L, first + i);
            lua_rawseti(L, -2, i + 1);
        }
        lua_createtable(L, 0, 1);
        lua_rotate(L, -2, 1);
        lua_rawsetp(L, -2, &husk_lua_cdata_magic);
        lua_setiuservalue(L, made, KEPT);
    }
    lua_settop(L, made);
    if (type->kind == HUSK_FFI_STRUCT && push_metatype(L, cdata, "__gc") == LUA_TFUNCTION) {
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
        return fail_dead(L, from, "ffi.cast");
    if (husk_lua_ctype_is_pointer(type)) {
        void *at = NULL;
        int owner = 0;
        size_t span = SIZE_MAX;
        const husk_lua_ctype *function = NULL;
        bool ended = false;
        if (from && is_number(from)) {
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
    if (from && !is_number(from))
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

/* core.gc(cdata, function or nil): ffi.gc */
static int gc(lua_State *L)
{
    check_own(L, 1, "ffi.gc");
    if (lua_isnoneornil(L, 2))
        husk_lua_cdata_set_end(L, 1, 0);
    else
        husk_lua_cdata_arm(L, 1, 2);
    lua_settop(L, 1);
    return 1;
}

/* core.metatype(ctype, table): once for a type. */
static int metatype(lua_State *L)
{
    husk_lua_ctype *type = husk_lua_ctype_check(L, 1, "ffi.metatype");
    luaL_checktype(L, 2, LUA_TTABLE);
    husk_lua_ffi_table(L, HUSK_LUA_FFI_METAS);
    int metas = lua_gettop(L);
    if (lua_rawgetp(L, metas, METATYPE(type)) != LUA_TNIL)
        return husk_lua_ffi_fail(L, type->ffi, HUSK_ESTATE, "ffi.metatype: %s has one", type->name);
    lua_pushvalue(L, 2);
    lua_rawsetp(L, metas, METATYPE(type));
    for (int ends = 0; ends < 2; ends++) {
        push_meta(L, type, ends);
        add_metatype(L, lua_gettop(L), 2);
        lua_pop(L, 1);
    }
    lua_settop(L, 1);
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
    const husk_lua_cdata *cdata = check_live(L, 1, "ffi.sizeof");
    bool open = cdata->type->kind == HUSK_FFI_ARRAY && !cdata->type->type;
    lua_pushinteger(L, (lua_Integer)(open ? cdata->span : cdata->type->size));
    return 1;
}

/* core.value(cdata): the number in it, or the address that it is */
static int value(lua_State *L)
{
    husk_lua_cdata *cdata = check_live(L, 1, "ffi.tonumber");
    if (is_number(cdata))
        husk_lua_ffi_push(L, cdata->type, cdata->at);
    else
        lua_pushinteger(L, (lua_Integer)(intptr_t)cdata->at);
    return 1;
}

/* core.charge(cdata, heap, bytes): counts memory against a heap until the cdata ends */
static int charge(lua_State *L)
{
    husk_lua_cdata *cdata = check_own(L, 1, "ffi.charge");
    const husk_lua_ffi *ffi = cdata->type->ffi;
    lua_Integer bytes = luaL_optinteger(L, 3, cdata->span == SIZE_MAX ? -1 : (lua_Integer)cdata->span);
    if (bytes < 0)
        return husk_lua_ffi_fail(L, ffi, HUSK_EINVAL, "ffi.charge: how many bytes are behind this %s?",
                                 cdata->type->name);
    husk_heap *heap = ffi->husk->arg_heap(L, 2, "ffi.charge");
    if (!heap)
        return lua_error(L);
    push_meta(L, cdata->type, true);
    lua_setmetatable(L, 1);
    lua_pushvalue(L, 2);
    lua_setiuservalue(L, 1, DOOR);
    discharge(cdata);
    cdata->charged = ffi->husk->door_at(L, 2);
    cdata->charge = (size_t)bytes;
    husk_heap_foreign(heap, (int64_t)bytes);
    lua_settop(L, 1);
    return 1;
}

/* core.buffer(pointer, bytes, owner): memory of C with bounds, as long as owner lives */
static int buffer(lua_State *L)
{
    husk_lua_ctype *type = husk_lua_ctype_check(L, 1, "ffi.buffer");
    const husk_lua_cdata *cdata = check_live(L, 2, "ffi.buffer");
    lua_Integer bytes = luaL_checkinteger(L, 3);
    if (bytes < 0)
        return husk_lua_ffi_fail(L, type->ffi, HUSK_ERANGE, "ffi.buffer: %I bytes", (LUAI_UACINT)bytes);
    check_bounds(L, cdata, cdata->at, (size_t)bytes, "ffi.buffer");
    char *at = cdata->at;
    const husk_lua_cdata *owner = husk_lua_cdata_at(L, 4);
    if (owner && husk_lua_cdata_is_dead(owner))
        return fail_dead(L, owner, "ffi.buffer");
    husk_lua_cdata *made = husk_lua_cdata_pointer(L, type, at, lua_isnoneornil(L, 4) ? 2 : 4);
    made->base = at;
    made->span = (size_t)bytes;
    made->constant = cdata->constant || (cdata->type->element && cdata->type->constant);
    return 1;
}

/* core.tie(cdata, owner): ends with the owner, and keeps it */
static int tie(lua_State *L)
{
    husk_lua_cdata *cdata = check_live(L, 1, "ffi.annotate");
    husk_lua_cdata *owner = husk_lua_cdata_at(L, 2);
    if (owner && owner->owner) {
        lua_getiuservalue(L, 2, OWNER);
        lua_setiuservalue(L, 1, OWNER);
        cdata->owner = owner->owner;
    } else {
        lua_pushvalue(L, 2);
        lua_setiuservalue(L, 1, OWNER);
        cdata->owner = owner;
    }
    lua_settop(L, 1);
    return 1;
}

/* core.kept(cdata, key, value): keeps a value as long as the cdata */
static int kept(lua_State *L)
{
    check(L, 1, "ffi.annotate");
    if (lua_getiuservalue(L, 1, KEPT) != LUA_TTABLE) {
        lua_pop(L, 1);
        lua_newtable(L);
        lua_pushvalue(L, -1);
        lua_setiuservalue(L, 1, KEPT);
    }
    lua_pushvalue(L, 2);
    lua_pushvalue(L, 3);
    lua_rawset(L, -3);
    return 0;
}

/* core.disown(cdata): C has taken it; it is a dead handle, and nothing is freed */
static int disown(lua_State *L)
{
    check_live(L, 1, "ffi.annotate");
    husk_lua_cdata_set_end(L, 1, 0);
    husk_lua_cdata_end(L, 1);
    return 0;
}

void husk_lua_ffi_open_cdata(lua_State *L)
{
    static const luaL_Reg functions[] = {
        { "new", new_cdata },     { "cast", cast }, { "gc", gc },       { "metatype", metatype },
        { "typeof", type_of },    { "size", size }, { "value", value }, { "charge", charge },
        { "buffer", buffer },     { "tie", tie },   { "kept", kept },   { "disown", disown },
        { "close", cdata_close }, { NULL, NULL },
    };
    luaL_setfuncs(L, functions, 0);
}
