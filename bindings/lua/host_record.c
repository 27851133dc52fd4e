/* bindings/lua/host_record.c: record types and records. Each record type has a metatable of its own, whose
 * __index and __newindex carry the table of its fields, so that a field costs one table lookup.
 *
 * n.field, n.field = v, pairs(n); what is no field is looked up in the class (the value of husk.type), where
 * a script puts methods, and then among close and release. */
#include "host.h"

#include <stdatomic.h>

static husk_status peek_record(lua_State *L, husk_obj *self, size_t index, husk_value *out)
{
    (void)L;
    return husk_record_peek(self, index, out);
}

/* Stack 1 is a live record of the type in upvalue 2 (a metamethod may be called by hand with anything). */
static husk_obj *check_record(lua_State *L, const char *what)
{
    husk_lua_barrier(L);
    const husk_type *type = lua_touserdata(L, lua_upvalueindex(2));
    const husk_lua_proxy *proxy = husk_lua_proxy_at(L, 1);
    husk_obj *obj = husk_lua_proxy_obj(proxy);
    if (obj && proxy->type == type)
        return obj;
    if (proxy && proxy->type == type) {
        char text[240];
        husk_lua_dead_text(proxy, what, text, sizeof text);
        husk_lua_push_error(L, HUSK_ESTATE, "%s", text);
    } else {
        husk_lua_push_arg_error(L, what, 1, husk_type_name(type));
    }
    lua_error(L);
    return NULL;
}

/* The index of the field that stack `at` names, from 0, or -1. Upvalue 1 is the table of fields. */
static lua_Integer field_at(lua_State *L, int at)
{
    lua_Integer index = -1;
    lua_pushvalue(L, at);
    if (lua_rawget(L, lua_upvalueindex(1)) == LUA_TNUMBER)
        index = lua_tointeger(L, -1) - 1;
    lua_pop(L, 1);
    return index;
}

static const char *shown_key(lua_State *L, int at)
{
    return lua_type(L, at) == LUA_TSTRING ? lua_tostring(L, at) : luaL_typename(L, at);
}

static int no_field(lua_State *L)
{
    const husk_type *type = lua_touserdata(L, lua_upvalueindex(2));
    husk_lua_push_error(L, HUSK_EMISSING, "%s has no field '%s'", husk_type_name(type), shown_key(L, 2));
    return lua_error(L);
}

static int record_index(lua_State *L)
{
    lua_Integer index = field_at(L, 2);
    if (index >= 0) {
        check_record(L, "reading a field");
        if (husk_lua_push_peeked(L, 1, shown_key(L, 2), peek_record, (size_t)index) != HUSK_OK)
            lua_pushnil(L);
        return 1;
    }
    husk_lua_table(L, HUSK_LUA_CLASSES);
    if (lua_rawgetp(L, -1, lua_touserdata(L, lua_upvalueindex(2))) == LUA_TTABLE) {
        lua_pushvalue(L, 2);
        if (lua_rawget(L, -2) != LUA_TNIL)
            return 1;
    }
    const char *name = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
    if (!strcmp(name, "close") || !strcmp(name, "release")) {
        lua_pushcfunction(L, husk_lua_release);
        return 1;
    }
    check_record(L, "reading a field"); /* a dead handle is the better message */
    return no_field(L);
}

static int record_newindex(lua_State *L)
{
    husk_obj *record = check_record(L, "setting a field");
    lua_Integer index = field_at(L, 2);
    if (index < 0)
        return no_field(L);
    husk_heap *heap = husk_obj_heap(record);
    husk_value v;
    husk_obj *made;
    husk_lua_trouble trouble;
    husk_lua_enter(L, heap);
    if (!husk_lua_to_value(L, 3, heap, shown_key(L, 2), &v, &made, &trouble))
        return husk_lua_raise(L, &trouble);
    husk_obj_retain(record);
    return husk_lua_finish(L, record, made, husk_record_set(record, (size_t)index, v));
}

/* The iterator of pairs: fields in their order, nil ones included. */
static int record_next(lua_State *L)
{
    const husk_type *type = lua_touserdata(L, lua_upvalueindex(2));
    check_record(L, "pairs");
    size_t index = lua_isnoneornil(L, 2) ? 0 : (size_t)(field_at(L, 2) + 1);
    if (index >= husk_type_slot_count(type)) {
        lua_pushnil(L);
        return 1;
    }
    lua_settop(L, 2);
    lua_pushstring(L, husk_type_slot_name(type, index));
    if (husk_lua_push_peeked(L, 1, "pairs", peek_record, index) != HUSK_OK)
        lua_pushnil(L);
    lua_pushvalue(L, 3);
    lua_rotate(L, -2, 1);
    return 2;
}

static int record_pairs(lua_State *L)
{
    check_record(L, "pairs");
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_pushvalue(L, lua_upvalueindex(2));
    lua_pushcclosure(L, record_next, 2);
    lua_pushvalue(L, 1);
    return 2;
}

/* Pushes the table of fields of a record type. */
static void push_fields(lua_State *L, const husk_type *type)
{
    husk_lua_table(L, HUSK_LUA_FIELDS);
    if (lua_rawgetp(L, -1, type) != LUA_TTABLE) {
        lua_pop(L, 1);
        size_t count = husk_type_slot_count(type);
        lua_createtable(L, 0, (int)count);
        for (size_t i = 0; i < count; i++) {
            lua_pushinteger(L, (lua_Integer)i + 1);
            lua_setfield(L, -2, husk_type_slot_name(type, i));
        }
        lua_pushvalue(L, -1);
        lua_rawsetp(L, -3, type);
    }
    lua_remove(L, -2);
}

void husk_lua_push_record_meta(lua_State *L, const husk_type *type)
{
    static const luaL_Reg meta[] = {
        { "__index", record_index },
        { "__newindex", record_newindex },
        { "__pairs", record_pairs },
        { NULL, NULL },
    };
    static const luaL_Reg ends[] = {
        { "__gc", husk_lua_gc },
        { "__close", husk_lua_release },
        { "__tostring", husk_lua_tostring },
        { NULL, NULL },
    };
    lua_newtable(L);
    luaL_setfuncs(L, ends, 0);
    lua_pushstring(L, husk_type_name(type));
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, "__name");
    lua_setfield(L, -2, "__metatable");
    push_fields(L, type);
    lua_pushlightuserdata(L, (void *)(uintptr_t)type);
    luaL_setfuncs(L, meta, 2);
}

/* core.new_record(heap, type, [table]) */
static int new_record(lua_State *L)
{
    const husk_type *type = husk_lua_arg_type(L, 2, "husk.new");
    if (!type)
        return lua_error(L);
    bool filled = !lua_isnoneornil(L, 3);
    if (filled && lua_type(L, 3) != LUA_TTABLE) {
        husk_lua_push_arg_error(L, husk_type_name(type), 1, "table");
        return lua_error(L);
    }
    lua_settop(L, 3);
    push_fields(L, type); /* 4 */
    husk_lua_proxy *made = husk_lua_proxy_new(L);
    husk_heap *heap = husk_lua_check_heap(L, 1, husk_type_name(type));
    husk_obj *record = husk_record_new(heap, type);
    if (!record)
        return husk_lua_fail(L, heap, husk_heap_failure(heap));
    husk_lua_adopt(L, made, record);
    if (!filled)
        return 1;
    record = husk_lua_check_obj(L, 5, husk_type_name(type));
    for (lua_pushnil(L); lua_next(L, 3); lua_pop(L, 1)) { /* nothing in here runs other code */
        husk_value v;
        husk_obj *text;
        husk_lua_trouble trouble;
        lua_pushvalue(L, -2);
        if (lua_rawget(L, 4) != LUA_TNUMBER) {
            husk_lua_push_error(L, HUSK_EMISSING, "%s has no field '%s'", husk_type_name(type),
                                shown_key(L, -3));
            return lua_error(L);
        }
        size_t index = (size_t)lua_tointeger(L, -1) - 1;
        lua_pop(L, 1);
        if (!husk_lua_to_value(L, -1, heap, shown_key(L, -2), &v, &text, &trouble))
            return husk_lua_raise(L, &trouble);
        husk_status status = husk_record_set(record, index, v);
        if (text)
            husk_obj_release(text);
        if (status != HUSK_OK)
            return husk_lua_fail(L, heap, status);
    }
    return 1;
}

/* A finalizer is told apart by a number, which is the record type's data: types outlive Lua states, and a
 * function may be at an address that another one had before. */
static void *serial_of(lua_State *L, int at)
{
    static _Atomic uintptr_t last;
    husk_lua_table(L, HUSK_LUA_SERIALS);
    lua_pushvalue(L, at);
    if (lua_rawget(L, -2) == LUA_TNIL) {
        lua_pop(L, 1);
        lua_pushvalue(L, at);
        lua_pushinteger(L, (lua_Integer)(atomic_fetch_add(&last, 1) + 1));
        lua_pushvalue(L, -1);
        lua_insert(L, -3);
        lua_rawset(L, -4);
    }
    void *serial = (void *)(uintptr_t)lua_tointeger(L, -1);
    lua_pop(L, 2);
    return serial;
}

static const char *plain_string(lua_State *L, int at, const char *what)
{
    size_t length;
    const char *text = lua_type(L, at) == LUA_TSTRING ? lua_tolstring(L, at, &length) : NULL;
    if (!text || !*text || strlen(text) != length) {
        char got[160];
        husk_lua_push_error(L, HUSK_EINVAL, "husk.type: %s is a non-empty string without NUL bytes (got %s)",
                            what, text ? "another string" : husk_lua_describe(L, at, got, sizeof got));
        lua_error(L);
    }
    return text;
}

/* core.new_type(name, fields, finalize or nil, class): the type's userdata, and the class that it has, which
 * is another one if the same type has been asked for before. */
static int new_type(lua_State *L)
{
    lua_settop(L, 4);
    const char *name = plain_string(L, 1, "the name");
    if (lua_type(L, 2) != LUA_TTABLE) {
        husk_lua_push_arg_error(L, "husk.type", 2, "table of field names");
        return lua_error(L);
    }
    bool finalizes = !lua_isnil(L, 3);
    if (finalizes && lua_type(L, 3) != LUA_TFUNCTION) {
        char got[160];
        husk_lua_push_error(L, HUSK_EINVAL, "husk.type: finalize is a function (got %s)",
                            husk_lua_describe(L, 3, got, sizeof got));
        return lua_error(L);
    }
    luaL_checktype(L, 4, LUA_TTABLE);
    size_t count = lua_rawlen(L, 2);
    if (count > 4096) {
        husk_lua_push_error(L, HUSK_ERANGE, "husk.type: %s has %I fields; there can be 4096", name,
                            (lua_Integer)count);
        return lua_error(L);
    }
    const char **fields = lua_newuserdatauv(L, (count + 1) * sizeof *fields, 0);
    for (size_t i = 0; i < count; i++) {
        lua_rawgeti(L, 2, (lua_Integer)i + 1);
        fields[i] =
            plain_string(L, -1, "a field name"); /* alive: the table has it, and is not changed below */
        lua_pop(L, 1);
    }
    void *serial = finalizes ? serial_of(L, 3) : NULL;
    const husk_type *type;
    husk_status status =
        husk_record_type(name, fields, count, finalizes ? husk_lua_on_finalize : NULL, serial, &type);
    if (status != HUSK_OK) {
        const char *message = husk_type_message();
        husk_lua_push_error(L, status, "husk.type: %s", *message ? message : husk_status_text(status));
        return lua_error(L);
    }
    husk_lua_table(L, HUSK_LUA_CLASSES);
    if (lua_rawgetp(L, -1, type) == LUA_TNIL) {
        if (finalizes) {
            husk_lua_table(L, HUSK_LUA_FINALIZERS);
            lua_pushvalue(L, 3);
            lua_rawsetp(L, -2, type);
            lua_pop(L, 1);
        }
        const void **shown = lua_newuserdatauv(L, 2 * sizeof *shown, 0);
        shown[0] = &husk_lua_type_magic;
        shown[1] = type;
        husk_lua_table(L, HUSK_LUA_TYPES);
        lua_pushvalue(L, -2);
        lua_rawsetp(L, -2, type);
        lua_pop(L, 3);
        lua_pushvalue(L, 4);
        lua_rawsetp(L, -2, type);
        lua_pushvalue(L, 4);
    }
    husk_lua_table(L, HUSK_LUA_TYPES);
    lua_rawgetp(L, -1, type);
    lua_pushvalue(L, -3);
    return 2;
}

/* core.class_of(x): the class of a record that this state's husk.type has made, or nil. */
static int class_of(lua_State *L)
{
    const husk_lua_proxy *proxy = husk_lua_proxy_at(L, 1);
    if (!proxy)
        return 0;
    husk_lua_table(L, HUSK_LUA_CLASSES);
    lua_rawgetp(L, -1, proxy->type);
    return 1;
}

void husk_lua_open_records(lua_State *L)
{
    static const luaL_Reg functions[] = {
        { "new_record", new_record },
        { "new_type", new_type },
        { "class_of", class_of },
        { NULL, NULL },
    };
    luaL_setfuncs(L, functions, 0);
}
