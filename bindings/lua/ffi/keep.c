/* bindings/lua/ffi/keep.c: what the pointers in an object of ours point to. The object has a table (user value KEPT) by the
 * address of each pointer in it: the C data, string or callback that was stored there is kept until something else is, or
 * as long as the object. */
#include "cdata.h"

static bool holds_pointers(const husk_lua_ctype *type)
{
    if (type->kind == HUSK_FFI_ARRAY)
        return holds_pointers(type->element);
    for (size_t i = 0; husk_lua_ctype_is_object(type) && type->fields && i < type->count; i++)
        if (holds_pointers(type->fields[i].type))
            return true;
    return husk_lua_ctype_is_pointer(type);
}

bool husk_lua_cdata_keeps(lua_State *L, int cdata_at, const husk_lua_ctype *type)
{
    const husk_lua_cdata *cdata = lua_touserdata(L, cdata_at), *root = cdata->owner ? cdata->owner : cdata;
    return root->mine && holds_pointers(type);
}

/* Of an object that was copied: what it keeps between these addresses, at the addresses of the copy. */
static void keep_copied(lua_State *L, int kept, int value, size_t size, const char *at)
{
    const husk_lua_cdata *from = husk_lua_cdata_at(L, value);
    if (!from)
        return;
    if (from->owner)
        lua_getiuservalue(L, value, HUSK_LUA_CDATA_OWNER);
    else
        lua_pushvalue(L, value);
    if (husk_lua_cdata_at(L, -1) && lua_getiuservalue(L, -1, HUSK_LUA_CDATA_KEPT) == LUA_TTABLE) {
        int source = lua_gettop(L);
        lua_newtable(L); /* first by themselves: the source may be the table that is added to */
        for (lua_pushnil(L); lua_next(L, source); lua_pop(L, 1)) {
            const char *key = lua_islightuserdata(L, -2) ? lua_touserdata(L, -2) : NULL;
            if ((uintptr_t)key < (uintptr_t)from->at || (uintptr_t)key >= (uintptr_t)from->at + size)
                continue;
            lua_pushvalue(L, -1);
            lua_rawsetp(L, source + 1, at + (key - from->at));
        }
        for (lua_pushnil(L); lua_next(L, source + 1); lua_pop(L, 1)) {
            lua_pushvalue(L, -1);
            lua_rawsetp(L, kept, lua_touserdata(L, -3));
        }
        lua_settop(L, source - 1);
    }
}

/* The field that the key on top of the stack, which it pops, says in a table of a struct's values. */
static const husk_lua_field *field_of(lua_State *L, int fields)
{
    if (lua_type(L, -1) != LUA_TSTRING)
        lua_rawget(L, fields);
    if (lua_type(L, -1) == LUA_TSTRING)
        lua_rawget(L, fields);
    const husk_lua_field *field = lua_type(L, -1) == LUA_TUSERDATA ? lua_touserdata(L, -1) : NULL;
    lua_pop(L, 1);
    return field;
}

static void keep_values(lua_State *L, int kept, int value, const husk_lua_ctype *type, size_t size,
                        const char *at)
{
    luaL_checkstack(L, 12, NULL);
    if (husk_lua_ctype_is_pointer(type)) {
        lua_pushvalue(L, value);
        lua_rawsetp(L, kept, at);
    } else if (!holds_pointers(type)) {
        return;
    } else if (lua_type(L, value) != LUA_TTABLE) {
        keep_copied(L, kept, value, size, at);
    } else if (type->kind == HUSK_FFI_ARRAY) {
        for (size_t i = 0; i < size / type->element->size && i < lua_rawlen(L, value); i++) {
            lua_rawgeti(L, value, (lua_Integer)i + 1);
            keep_values(L, kept, lua_gettop(L), type->element, type->element->size,
                        at + i * type->element->size);
            lua_pop(L, 1);
        }
    } else {
        husk_lua_ctype_push(L, type);
        lua_getiuservalue(L, -1, 3);
        int fields = lua_gettop(L);
        for (lua_pushnil(L); lua_next(L, value); lua_pop(L, 1)) {
            lua_pushvalue(L, -2);
            const husk_lua_field *field = field_of(L, fields);
            if (field)
                keep_values(L, kept, lua_gettop(L), field->type, field->type->size, at + field->offset);
        }
        lua_settop(L, fields - 2);
    }
}

void husk_lua_cdata_keep(lua_State *L, int cdata_at, int value_at, const husk_lua_ctype *type, size_t size,
                         const char *at)
{
    const husk_lua_cdata *cdata = lua_touserdata(L, cdata_at);
    if (cdata->owner)
        lua_getiuservalue(L, cdata_at, HUSK_LUA_CDATA_OWNER);
    else
        lua_pushvalue(L, cdata_at);
    int root = lua_gettop(L);
    if (lua_getiuservalue(L, root, HUSK_LUA_CDATA_KEPT) != LUA_TTABLE) {
        lua_pop(L, 1);
        lua_newtable(L);
        lua_pushvalue(L, -1);
        lua_setiuservalue(L, root, HUSK_LUA_CDATA_KEPT);
    }
    keep_values(L, root + 1, value_at, type, size, at);
    lua_settop(L, root - 1);
}
