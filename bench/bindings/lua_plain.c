/* bench/bindings/lua_plain.c: the measure for the module husk: a Lua module by hand for records, with what a
 * careful author would not leave out (one userdata for each object, a counted reference in it, checked
 * receivers) and nothing more: one heap for the process, no hooks, no texts, no other kinds.
 *
 *   local plain = require "lua_plain"
 *   local Node = plain.type("Node", {"value", "next"})   Node([fields])   n.value   n.value = v */
#include <lauxlib.h>
#include <lua.h>

#include <husk.h>

#define MOST_FIELDS 16

static const char proxies; /* registry: object -> userdata, weak values */
static husk_heap *heap;

typedef struct plain {
    husk_obj *obj;
} plain;

/* Upvalues of a type's functions: 1 field name -> index from 0; 2 the type; 3 its metatable; 4 the proxies. */

static husk_obj *check(lua_State *L)
{
    plain *p = lua_touserdata(L, 1);
    if (!p || !lua_getmetatable(L, 1))
        luaL_typeerror(L, 1, "record");
    int ours = lua_rawequal(L, -1, lua_upvalueindex(3));
    lua_pop(L, 1);
    if (!ours || !p->obj)
        luaL_typeerror(L, 1, "record");
    return p->obj;
}

static size_t field(lua_State *L)
{
    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNUMBER)
        luaL_error(L, "no field '%s'", luaL_tolstring(L, 2, NULL));
    size_t index = (size_t)lua_tointeger(L, -1);
    lua_pop(L, 1);
    return index;
}

/* Takes the caller's reference. All records here have one type. */
static void push(lua_State *L, husk_obj *obj)
{
    if (lua_rawgetp(L, lua_upvalueindex(4), obj) == LUA_TUSERDATA) {
        husk_obj_release(obj);
        return;
    }
    lua_pop(L, 1);
    plain *p = lua_newuserdatauv(L, sizeof *p, 0);
    p->obj = obj;
    lua_pushvalue(L, lua_upvalueindex(3));
    lua_setmetatable(L, -2);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, lua_upvalueindex(4), obj);
}

static int record_index(lua_State *L)
{
    husk_obj *record = check(L);
    husk_value v;
    if (husk_record_peek(record, field(L), &v) != HUSK_OK)
        return luaL_error(L, "%s", husk_heap_message(heap));
    switch (v.tag) {
    case HUSK_BOOL:
        lua_pushboolean(L, v.as.b != 0);
        break;
    case HUSK_INT:
        lua_pushinteger(L, (lua_Integer)v.as.i);
        break;
    case HUSK_FLOAT:
        lua_pushnumber(L, v.as.f);
        break;
    case HUSK_OBJ:
        husk_obj_retain(v.as.o);
        push(L, v.as.o);
        break;
    default:
        lua_pushnil(L);
    }
    return 1;
}

static husk_value to_value(lua_State *L, int at)
{
    switch (lua_type(L, at)) {
    case LUA_TNIL:
        return husk_nil();
    case LUA_TBOOLEAN:
        return husk_bool(lua_toboolean(L, at) != 0);
    case LUA_TNUMBER:
        return lua_isinteger(L, at) ? husk_int(lua_tointeger(L, at)) : husk_float(lua_tonumber(L, at));
    case LUA_TUSERDATA: {
        const plain *p = lua_touserdata(L, at);
        if (lua_getmetatable(L, at)) {
            int ours = lua_rawequal(L, -1, lua_upvalueindex(3));
            lua_pop(L, 1);
            if (ours && p->obj)
                return husk_ref(p->obj);
        }
    }
    }
    luaL_typeerror(L, at, "value");
    return husk_nil();
}

static int record_newindex(lua_State *L)
{
    husk_obj *record = check(L);
    if (husk_record_set(record, field(L), to_value(L, 3)) != HUSK_OK)
        return luaL_error(L, "%s", husk_heap_message(heap));
    return 0;
}

static int record_gc(lua_State *L)
{
    plain *p = lua_touserdata(L, 1);
    if (p)
        husk_obj_drop(&p->obj);
    return 0;
}

static int record_new(lua_State *L)
{
    lua_settop(L, 1);
    husk_obj *record = husk_record_new(heap, lua_touserdata(L, lua_upvalueindex(2)));
    if (!record)
        return luaL_error(L, "%s", husk_heap_message(heap));
    push(L, record);
    if (lua_isnil(L, 1))
        return 1;
    luaL_checktype(L, 1, LUA_TTABLE);
    for (lua_pushnil(L); lua_next(L, 1); lua_pop(L, 1)) {
        lua_pushvalue(L, -2);
        if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNUMBER)
            return luaL_error(L, "no such field");
        size_t index = (size_t)lua_tointeger(L, -1);
        lua_pop(L, 1);
        if (husk_record_set(record, index, to_value(L, -1)) != HUSK_OK)
            return luaL_error(L, "%s", husk_heap_message(heap));
    }
    return 1;
}

static int new_type(lua_State *L)
{
    static const luaL_Reg functions[] = {
        { "__index", record_index },
        { "__newindex", record_newindex },
        { "__gc", record_gc },
        { NULL, NULL },
    };
    const char *name = luaL_checkstring(L, 1), *fields[MOST_FIELDS];
    luaL_checktype(L, 2, LUA_TTABLE);
    size_t count = lua_rawlen(L, 2);
    luaL_argcheck(L, count <= MOST_FIELDS, 2, "too many fields");
    lua_newtable(L);
    for (size_t i = 0; i < count; i++) {
        lua_rawgeti(L, 2, (lua_Integer)i + 1);
        fields[i] = luaL_checkstring(L, -1);
        lua_pushinteger(L, (lua_Integer)i);
        lua_rawset(L, 3);
    }
    const husk_type *type;
    if (husk_record_type(name, fields, count, NULL, NULL, &type) != HUSK_OK)
        return luaL_error(L, "%s", husk_message());
    lua_pushlightuserdata(L, (void *)(uintptr_t)type);
    lua_newtable(L); /* 5: the metatable */
    lua_rawgetp(L, LUA_REGISTRYINDEX, &proxies);
    for (const luaL_Reg *f = functions; f->name; f++) {
        for (int i = 3; i <= 6; i++)
            lua_pushvalue(L, i);
        lua_pushcclosure(L, f->func, 4);
        lua_setfield(L, 5, f->name);
    }
    lua_pushcclosure(L, record_new, 4);
    return 1;
}

/* The state ends: this was made before any handle, so it is the last to go. */
static int end_heap(lua_State *L)
{
    (void)L;
    husk_heap_close(heap);
    heap = NULL;
    return 0;
}

LUAMOD_API HUSK_API int luaopen_lua_plain(lua_State *L);

int luaopen_lua_plain(lua_State *L)
{
    if (!heap && husk_heap_new(NULL, &heap) != HUSK_OK)
        return luaL_error(L, "no heap");
    lua_newuserdatauv(L, 1, 0);
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, end_heap);
    lua_setfield(L, -2, "__gc");
    lua_setmetatable(L, -2);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &heap);
    lua_newtable(L);
    lua_createtable(L, 0, 1);
    lua_pushliteral(L, "v");
    lua_setfield(L, -2, "__mode");
    lua_setmetatable(L, -2);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &proxies);
    lua_newtable(L);
    lua_pushcfunction(L, new_type);
    lua_setfield(L, -2, "type");
    return 1;
}
