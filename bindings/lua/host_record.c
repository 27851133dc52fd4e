/* bindings/lua/host_record.c: record types and records. Each record type has a metatable of its own, whose
 * functions carry what they need: upvalue 1 is the table of the type's fields (name -> index from 1), 2 the type,
 * 3 the table of proxies, 4 the metatable itself, and for the class's __call 5 the heap where it makes records.
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

/* What is no field, or no live record. */
static int index_other(lua_State *L)
{
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

/* The proxy of obj, if it has one, by the table in upvalue 3. */
static bool push_named(lua_State *L, husk_obj *obj)
{
    if (lua_rawgetp(L, lua_upvalueindex(3), obj) == LUA_TUSERDATA &&
        husk_lua_proxy_obj(lua_touserdata(L, -1)) == obj)
        return true;
    lua_pop(L, 1);
    return false;
}

/* Field `index` of the record at 1 had an object without a proxy; of the record's own type, for which all that
 * a proxy needs is in the upvalues, or else the long way. */
static int push_unnamed(lua_State *L, const husk_lua_proxy *record, size_t index, const husk_obj *seen)
{
    if (husk_obj_type(seen) == record->type) {
        husk_lua_lib *lib = record->hold->host->lib;
        husk_lua_proxy *made = husk_lua_proxy_bare(L, lib); /* may run any code: look again */
        husk_obj *self = husk_lua_proxy_obj(record);
        husk_value v;
        if (self && husk_record_peek(self, index, &v) == HUSK_OK && v.tag == HUSK_OBJ &&
            husk_obj_type(v.as.o) == record->type && !push_named(L, v.as.o)) {
            husk_obj_retain(v.as.o);
            husk_lua_fill(made, record->hold->host, v.as.o);
            lua_pushvalue(L, lua_upvalueindex(4));
            lua_setmetatable(L, -2);
            lua_pushvalue(L, -1);
            lua_rawsetp(L, lua_upvalueindex(3), v.as.o);
            return 1;
        }
        husk_lua_proxy_unused(made, lib);
    }
    if (husk_lua_push_peeked(L, 1, shown_key(L, 2), peek_record, index) != HUSK_OK)
        lua_pushnil(L);
    return 1;
}

/* The straight road is for live records; everything else is sorted out by whom it falls to. */
static int record_index(lua_State *L)
{
    husk_lua_barrier(L);
    const husk_lua_proxy *proxy = husk_lua_proxy_at(L, 1);
    husk_obj *record = husk_lua_proxy_obj(proxy);
    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNUMBER)
        return index_other(L);
    size_t index = (size_t)lua_tointeger(L, -1) - 1;
    if (!record || proxy->type != lua_touserdata(L, lua_upvalueindex(2)))
        check_record(L, "reading a field");
    husk_value v;
    if (husk_record_peek(record, index, &v) != HUSK_OK)
        return no_field(L);
    if (v.tag != HUSK_OBJ) {
        husk_lua_push_plain(L, v);
        return 1;
    }
    return push_named(L, v.as.o) ? 1 : push_unnamed(L, proxy, index, v.as.o);
}

static int record_newindex(lua_State *L)
{
    husk_obj *record = check_record(L, "setting a field");
    lua_Integer index = field_at(L, 2);
    if (index < 0)
        return no_field(L);
    husk_lua_host *host = ((const husk_lua_proxy *)lua_touserdata(L, 1))->hold->host;
    husk_value v;
    husk_obj *made;
    husk_lua_trouble trouble;
    host->L = L;
    if (!husk_lua_to_value(L, 3, host->heap, shown_key(L, 2), &v, &made, &trouble))
        return husk_lua_raise(L, &trouble);
    husk_obj_retain(record);
    husk_status status = husk_record_set(record, (size_t)index, v);
    if (status != HUSK_OK || made)
        return husk_lua_finish(L, record, made, status);
    husk_obj_release(record);
    husk_lua_leave(L, host);
    return 0;
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
void husk_lua_push_fields(lua_State *L, const husk_type *type)
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
    lua_newtable(L);
    luaL_setfuncs(L, husk_lua_ends, 0);
    lua_pushstring(L, husk_type_name(type));
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, "__name");
    lua_setfield(L, -2, "__metatable");
    husk_lua_push_fields(L, type);
    lua_pushlightuserdata(L, (void *)(uintptr_t)type);
    husk_lua_table(L, HUSK_LUA_PROXIES);
    lua_pushvalue(L, -4);
    luaL_setfuncs(L, meta, 4);
}

/* Where a new record's making finds what it needs: stack or upvalue indices. */
typedef struct maker {
    const husk_type *type;
    int door, values, fields, proxies, meta; /* values: a table or nil */
} maker;

static void fill_record(lua_State *L, const maker *make, husk_heap *heap, husk_obj *record)
{
    for (lua_pushnil(L); lua_next(L, make->values); lua_pop(L, 1)) { /* nothing in here runs other code */
        husk_value v;
        husk_obj *text;
        husk_lua_trouble trouble;
        lua_pushvalue(L, -2);
        if (lua_rawget(L, make->fields) != LUA_TNUMBER) {
            husk_lua_push_error(L, HUSK_EMISSING, "%s has no field '%s'", husk_type_name(make->type),
                                shown_key(L, -3));
            lua_error(L);
        }
        size_t index = (size_t)lua_tointeger(L, -1) - 1;
        lua_pop(L, 1);
        if (!husk_lua_to_value(L, -1, heap, shown_key(L, -2), &v, &text, &trouble))
            husk_lua_raise(L, &trouble);
        husk_status status = husk_record_set(record, index, v);
        if (text)
            husk_obj_release(text);
        if (status != HUSK_OK)
            husk_lua_fail(L, heap, status);
    }
}

static int make_record(lua_State *L, const maker *make)
{
    const char *name = husk_type_name(make->type);
    int filled = lua_type(L, make->values);
    husk_lua_host *host = husk_lua_door_at(L, make->door);
    if (!host || (filled > LUA_TNIL && filled != LUA_TTABLE)) {
        char got[160];
        husk_lua_push_error(L, HUSK_EINVAL, "bad argument #%d to '%s' (%s expected, got %s)", host ? 1 : 2,
                            name, host ? "table" : "heap",
                            husk_lua_describe(L, host ? make->values : make->door, got, sizeof got));
        return lua_error(L);
    }
    husk_lua_lib *lib = host->lib;
    husk_lua_proxy *made = husk_lua_proxy_bare(L, lib); /* may run any code: look again */
    husk_lua_barrier(L);
    host = ((const husk_lua_door *)lua_touserdata(L, make->door))->host;
    if (!host || !host->heap) {
        husk_lua_proxy_unused(made, lib);
        husk_lua_check_heap(L, make->door, name);
    }
    host->L = L;
    husk_obj *record = husk_record_new(host->heap, make->type);
    if (!record) {
        husk_lua_proxy_unused(made, lib);
        return husk_lua_fail(L, host->heap, husk_heap_failure(host->heap));
    }
    husk_lua_fill(made, host, record);
    lua_pushvalue(L, make->meta);
    lua_setmetatable(L, -2);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, make->proxies, record);
    if (filled == LUA_TTABLE)
        fill_record(L, make, host->heap, record);
    return 1;
}

/* Class([values], [heap]): a class is called. */
static int class_call(lua_State *L)
{
    const maker make = { .type = lua_touserdata(L, lua_upvalueindex(2)),
                         .door = lua_isnoneornil(L, 3) ? lua_upvalueindex(5) : 3,
                         .values = 2,
                         .fields = lua_upvalueindex(1),
                         .proxies = lua_upvalueindex(3),
                         .meta = lua_upvalueindex(4) };
    lua_settop(L, 3);
    return make_record(L, &make);
}

/* core.new_record(heap, type, [table]) */
static int new_record(lua_State *L)
{
    maker make = { .type = husk_lua_arg_type(L, 2, "husk.new"),
                   .door = 1,
                   .values = 3,
                   .fields = 4,
                   .proxies = 5,
                   .meta = 6 };
    if (!make.type)
        return lua_error(L);
    lua_settop(L, 3);
    if (luaL_getmetafield(L, 2, "__make") == LUA_TFUNCTION) { /* no record: husk.ffi.heaptype */
        lua_pushvalue(L, 1);
        lua_pushvalue(L, 3);
        lua_call(L, 2, 1);
        return 1;
    }
    lua_settop(L, 3);
    husk_lua_push_fields(L, make.type);
    husk_lua_table(L, HUSK_LUA_PROXIES);
    husk_lua_push_meta(L, make.type, NULL);
    return make_record(L, &make);
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

static int class_tostring(lua_State *L)
{
    lua_pushvalue(L, lua_upvalueindex(1));
    return 1;
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

/* Gives a new class, at `at`, its metatable: calling it makes a record, in the heap at `door` if none is named. */
static void dress_class(lua_State *L, int at, int door, const husk_type *type)
{
    lua_createtable(L, 0, 4);
    husk_lua_push_fields(L, type);
    lua_pushlightuserdata(L, (void *)(uintptr_t)type);
    husk_lua_table(L, HUSK_LUA_PROXIES);
    husk_lua_push_meta(L, type, NULL);
    lua_pushvalue(L, door);
    lua_pushcclosure(L, class_call, 5);
    lua_setfield(L, -2, "__call");
    lua_pushfstring(L, "type %s", husk_type_name(type));
    lua_pushcclosure(L, class_tostring, 1);
    lua_setfield(L, -2, "__tostring");
    lua_pushliteral(L, "husk type");
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, "__name");
    lua_setfield(L, -2, "__metatable");
    lua_setmetatable(L, at);
}

/* core.new_type(name, fields, finalize or nil, class, heap): the class of the type: the empty table `class`,
 * dressed, or another one if the same type has been asked for before. */
static int new_type(lua_State *L)
{
    lua_settop(L, 5);
    luaL_checkstack(L, 24, NULL);
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
        const char *message = husk_message();
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
        lua_pop(L, 1);
        dress_class(L, 4, 5, type);
        husk_lua_table(L, HUSK_LUA_KINDS);
        lua_pushvalue(L, 4);
        lua_pushlightuserdata(L, (void *)(uintptr_t)type);
        lua_rawset(L, -3);
        lua_pop(L, 1);
        lua_pushvalue(L, 4);
        lua_rawsetp(L, -2, type);
        lua_pushvalue(L, 4);
    }
    return 1;
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
