/* bindings/lua/ffi/cdata.c: C objects and pointers as Lua values: what memory they may touch, who keeps it, and when it
 * ends. Each ctype has a metatable for its cdata, and a second one with __gc for those that have an end. Reading and writing
 * is member.c, arithmetic pointer.c, ffi.new and ffi.cast new.c. */
#include "cdata.h"

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

husk_lua_cdata *husk_lua_cdata_check(lua_State *L, int at, const char *what)
{
    husk_lua_cdata *cdata = husk_lua_cdata_at(L, at);
    if (!cdata) {
        char room[160];
        husk_lua_ffi_fail(L, husk_lua_ffi_get(L), HUSK_EINVAL, "%s: C data expected, got %s", what,
                          husk_lua_ffi_describe(L, at, room, sizeof room));
    }
    return cdata;
}

int husk_lua_cdata_fail_dead(lua_State *L, const husk_lua_cdata *cdata, const char *what)
{
    return husk_lua_ffi_fail(L, cdata->type->ffi, HUSK_ESTATE, "%s: this %s has ended", what,
                             cdata->type->name);
}

husk_lua_cdata *husk_lua_cdata_check_live(lua_State *L, int at, const char *what)
{
    husk_lua_cdata *cdata = husk_lua_cdata_check(L, at, what);
    if (husk_lua_cdata_is_dead(cdata))
        husk_lua_cdata_fail_dead(L, cdata, what);
    return cdata;
}

/* One that has an end of its own, or may have one. */
static husk_lua_cdata *check_own(lua_State *L, int at, const char *what)
{
    husk_lua_cdata *cdata = husk_lua_cdata_check_live(L, at, what);
    if (cdata->lent)
        husk_lua_ffi_fail(L, cdata->type->ffi, HUSK_EINVAL, "%s: this %s is lent, for the call", what,
                          cdata->type->name);
    return cdata;
}

/* Raises unless `size` bytes at `at` are memory that the cdata may touch. */
void husk_lua_cdata_check_bounds(lua_State *L, const husk_lua_cdata *cdata, const char *at, size_t size,
                                 const char *what)
{
    if (husk_lua_cdata_is_dead(cdata))
        husk_lua_cdata_fail_dead(L, cdata, what);
    if (!cdata->at)
        husk_lua_ffi_fail(L, cdata->type->ffi, HUSK_EINVAL, "%s: a null pointer of type %s", what,
                          cdata->type->name);
    if (cdata->span == SIZE_MAX)
        return;
    ptrdiff_t from = at - cdata->base;
    if (from < 0 || (size_t)from > cdata->span || size > cdata->span - (size_t)from)
        husk_lua_ffi_fail(L, cdata->type->ffi, HUSK_ERANGE, "%s: bytes %I to %I of %s, which has %I", what,
                          (LUAI_UACINT)from, (LUAI_UACINT)from + (LUAI_UACINT)size, cdata->type->name,
                          (LUAI_UACINT)cdata->span);
}

/* ---- metatables ---- */

static int cdata_gc(lua_State *L);

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
void husk_lua_cdata_push_meta(lua_State *L, husk_lua_ctype *type, bool ends)
{
    if (type->metas[ends]) {
        lua_rawgeti(L, LUA_REGISTRYINDEX, type->metas[ends]);
        return;
    }
    lua_newtable(L);
    int meta = lua_gettop(L);
    luaL_setfuncs(L, husk_lua_cdata_operators, 0);
    lua_pushcfunction(L, husk_lua_cdata_close);
    lua_setfield(L, meta, "__close");
    const husk_lua_ctype *fields = type->kind == HUSK_FFI_POINTER ? type->element : type;
    husk_lua_ctype_push(L, fields);
    lua_getiuservalue(L, -1, 3);
    lua_replace(L, -2);
    lua_pushlightuserdata(L, type);
    static const luaL_Reg access[] = { { "__index", husk_lua_cdata_index },
                                       { "__newindex", husk_lua_cdata_newindex },
                                       { NULL, NULL } };
    luaL_setfuncs(L, access, 2);
    if (type->kind == HUSK_FFI_POINTER && type->element->kind == HUSK_FFI_FUNCTION) {
        lua_pushcfunction(L, husk_lua_ffi_call_pointer);
        lua_setfield(L, meta, "__call");
    }
    if (ends) {
        lua_pushcfunction(L, cdata_gc);
        lua_setfield(L, meta, "__gc");
    }
    lua_pushliteral(L, "cdata");
    lua_setfield(L, meta, "__metatable");
    lua_pushstring(L, type->name);
    lua_setfield(L, meta, "__name");
    husk_lua_ffi_table(L, HUSK_LUA_FFI_METAS);
    if (lua_rawgetp(L, -1, HUSK_LUA_METATYPE(fields)) == LUA_TTABLE)
        add_metatype(L, meta, lua_gettop(L));
    lua_settop(L, meta);
    lua_pushvalue(L, meta);
    type->metas[ends] = luaL_ref(L, LUA_REGISTRYINDEX); /* as long as the state, like the type */
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
    husk_lua_cdata_push_meta(L, type, false);
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
            lua_getiuservalue(L, owner_at, HUSK_LUA_CDATA_OWNER);
        } else {
            cdata->owner = lua_touserdata(L, owner_at);
            lua_pushvalue(L, owner_at);
        }
        lua_setiuservalue(L, -2, HUSK_LUA_CDATA_OWNER);
    } else if (owner_at) { /* any other value: it is kept, that is all */
        lua_pushvalue(L, owner_at);
        lua_setiuservalue(L, -2, HUSK_LUA_CDATA_OWNER);
    }
    husk_lua_cdata_push_meta(L, type, false);
    lua_setmetatable(L, -2);
    return cdata;
}

/* ---- ends ---- */

/* x:close() of any cdata: its end, at once. */
int husk_lua_cdata_close(lua_State *L)
{
    husk_lua_cdata_check(L, 1, "close");
    husk_lua_cdata_end(L, 1);
    return 0;
}

void husk_lua_cdata_set_end(lua_State *L, int at, int end_at)
{
    husk_lua_cdata *cdata = lua_touserdata(L, at);
    cdata->ends = end_at != 0;
    if (end_at)
        lua_pushvalue(L, end_at);
    else
        lua_pushnil(L);
    lua_setiuservalue(L, at, HUSK_LUA_CDATA_END);
}

void husk_lua_cdata_arm(lua_State *L, int at, int end_at)
{
    const husk_lua_cdata *cdata = lua_touserdata(L, at);
    husk_lua_cdata_push_meta(L, cdata->type, true);
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
        lua_getiuservalue(L, at, HUSK_LUA_CDATA_END);
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

/* ---- what husk/ffi.lua calls ---- */

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
    if (lua_rawgetp(L, metas, HUSK_LUA_METATYPE(type)) != LUA_TNIL)
        return husk_lua_ffi_fail(L, type->ffi, HUSK_ESTATE, "ffi.metatype: %s has one", type->name);
    lua_pushvalue(L, 2);
    lua_rawsetp(L, metas, HUSK_LUA_METATYPE(type));
    for (int ends = 0; ends < 2; ends++) {
        husk_lua_cdata_push_meta(L, type, ends);
        add_metatype(L, lua_gettop(L), 2);
        lua_pop(L, 1);
    }
    lua_settop(L, 1);
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
    husk_lua_cdata_push_meta(L, cdata->type, true);
    lua_setmetatable(L, 1);
    lua_pushvalue(L, 2);
    lua_setiuservalue(L, 1, HUSK_LUA_CDATA_DOOR);
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
    const husk_lua_cdata *cdata = husk_lua_cdata_check_live(L, 2, "ffi.buffer");
    lua_Integer bytes = luaL_checkinteger(L, 3);
    if (bytes < 0)
        return husk_lua_ffi_fail(L, type->ffi, HUSK_ERANGE, "ffi.buffer: %I bytes", (LUAI_UACINT)bytes);
    husk_lua_cdata_check_bounds(L, cdata, cdata->at, (size_t)bytes, "ffi.buffer");
    char *at = cdata->at;
    const husk_lua_cdata *owner = husk_lua_cdata_at(L, 4);
    if (owner && husk_lua_cdata_is_dead(owner))
        return husk_lua_cdata_fail_dead(L, owner, "ffi.buffer");
    husk_lua_cdata *made = husk_lua_cdata_pointer(L, type, at, lua_isnoneornil(L, 4) ? 2 : 4);
    made->base = at;
    made->span = (size_t)bytes;
    made->constant = cdata->constant || (cdata->type->element && cdata->type->constant);
    return 1;
}

/* core.tie(cdata, owner): ends with the owner, and keeps it */
static int tie(lua_State *L)
{
    husk_lua_cdata *cdata = husk_lua_cdata_check_live(L, 1, "ffi.annotate");
    husk_lua_cdata *owner = husk_lua_cdata_at(L, 2);
    if (owner && owner->owner) {
        lua_getiuservalue(L, 2, HUSK_LUA_CDATA_OWNER);
        lua_setiuservalue(L, 1, HUSK_LUA_CDATA_OWNER);
        cdata->owner = owner->owner;
    } else {
        lua_pushvalue(L, 2);
        lua_setiuservalue(L, 1, HUSK_LUA_CDATA_OWNER);
        cdata->owner = owner;
    }
    lua_settop(L, 1);
    return 1;
}

/* core.kept(cdata, key, value): keeps a value as long as the cdata */
static int kept(lua_State *L)
{
    husk_lua_cdata_check(L, 1, "ffi.annotate");
    if (lua_getiuservalue(L, 1, HUSK_LUA_CDATA_KEPT) != LUA_TTABLE) {
        lua_pop(L, 1);
        lua_newtable(L);
        lua_pushvalue(L, -1);
        lua_setiuservalue(L, 1, HUSK_LUA_CDATA_KEPT);
    }
    lua_pushvalue(L, 2);
    lua_pushvalue(L, 3);
    lua_rawset(L, -3);
    return 0;
}

/* core.disown(cdata): C has taken it; it is a dead handle, and nothing is freed */
static int disown(lua_State *L)
{
    husk_lua_cdata_check_live(L, 1, "ffi.annotate");
    husk_lua_cdata_set_end(L, 1, 0);
    husk_lua_cdata_end(L, 1);
    return 0;
}

void husk_lua_ffi_open_cdata(lua_State *L)
{
    static const luaL_Reg functions[] = {
        { "gc", gc },   { "metatype", metatype }, { "charge", charge }, { "buffer", buffer },
        { "tie", tie }, { "kept", kept },         { "disown", disown }, { "close", husk_lua_cdata_close },
        { NULL, NULL },
    };
    luaL_setfuncs(L, functions, 0);
}
