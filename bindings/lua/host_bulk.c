/* bindings/lua/host_bulk.c: many stores by one call: a graph of records with its edges (heap:build), the fields of a
 * record or the entries of a map (core.update).
 *
 * Both look at the script's tables first and store afterwards, so that no code of the script's runs while a
 * table of it is traversed. A value that cannot be stored is found before anything is. */
#include "host.h"

#include <stdio.h>

/* ---- update ---- */

typedef struct entry {
    husk_value key, v; /* with references of their own */
    size_t field;      /* of a record */
} entry;

static void drop_entries(entry *entries, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        husk_value_release(entries[i].v);
        husk_value_release(entries[i].key);
    }
}

/* The entry on top of the stack (key, value). Stack 3: a record's table of fields. */
static bool read_entry(lua_State *L, husk_obj *self, bool record, entry *to, husk_lua_trouble *trouble)
{
    husk_heap *heap = husk_obj_heap(self);
    husk_obj *made;
    to->key = husk_nil();
    if (record) {
        lua_pushvalue(L, -2);
        if (lua_rawget(L, 3) != LUA_TNUMBER) {
            trouble->status = HUSK_EMISSING;
            snprintf(trouble->text, sizeof trouble->text, "husk.update: %s has no field '%s'",
                     husk_type_name(husk_obj_type(self)),
                     lua_type(L, -3) == LUA_TSTRING ? lua_tostring(L, -3) : luaL_typename(L, -3));
            return false;
        }
        to->field = (size_t)lua_tointeger(L, -1) - 1;
        lua_pop(L, 1);
    } else {
        if (!husk_lua_to_key(L, -2, heap, "husk.update", &to->key, &made, trouble))
            return false;
        if (!made)
            husk_value_retain(to->key);
    }
    if (!husk_lua_to_value(L, -1, heap, "husk.update", &to->v, &made, trouble)) {
        husk_value_release(to->key);
        return false;
    }
    if (!made)
        husk_value_retain(to->v);
    return true;
}

/* core.update(x, table): x.k = v for each entry. A map that runs out of memory keeps what it has taken. */
static int update(lua_State *L)
{
    static const char name[] = "husk.update";
    lua_settop(L, 2);
    if (lua_type(L, 2) != LUA_TTABLE) {
        husk_lua_push_arg_error(L, name, 2, "table");
        return lua_error(L);
    }
    husk_obj *self = husk_lua_check_obj(L, 1, name);
    husk_kind kind = husk_obj_kind(self);
    if (kind != HUSK_KIND_RECORD && kind != HUSK_KIND_MAP) {
        husk_lua_push_arg_error(L, name, 1, "record or map");
        return lua_error(L);
    }
    bool record = kind == HUSK_KIND_RECORD;
    if (record)
        husk_lua_push_fields(L, husk_obj_type(self));
    else
        lua_pushnil(L);
    size_t room = 0, count;
    entry *entries = NULL;
    for (;;) { /* until the table has not grown while there was made room for it */
        count = 0;
        for (lua_pushnil(L); lua_next(L, 2); lua_pop(L, 1))
            count++;
        if (count <= room)
            break;
        room = count;
        lua_settop(L, 3);
        entries = lua_newuserdatauv(L, room * sizeof *entries, 0);
    }
    self = husk_lua_check_obj(L, 1, name);
    husk_heap *heap = husk_obj_heap(self);
    husk_lua_host *host = husk_lua_enter(L, heap);
    husk_lua_trouble trouble = { .status = HUSK_OK };
    count = 0;
    for (lua_pushnil(L); lua_next(L, 2); lua_pop(L, 1)) {
        if (!read_entry(L, self, record, &entries[count], &trouble))
            break;
        count++;
    }
    husk_obj_retain(self);
    for (size_t i = 0; i < count && trouble.status == HUSK_OK; i++) { /* hooks may run from here on */
        trouble.status = record ? husk_record_set(self, entries[i].field, entries[i].v)
                                : husk_map_set(self, entries[i].key, entries[i].v);
        if (trouble.status != HUSK_OK)
            snprintf(trouble.text, sizeof trouble.text, "husk.update: %s", husk_heap_message(heap));
    }
    drop_entries(entries, count);
    husk_obj_release(self);
    husk_lua_leave(L, host);
    return trouble.status == HUSK_OK ? 0 : husk_lua_raise(L, &trouble);
}

/* ---- build ---- */

typedef struct plan {
    husk_heap *heap;
    husk_obj **objs; /* one reference each */
    size_t count;    /* records */
    husk_lua_trouble trouble;
} plan;

static bool fail(plan *p, husk_status status, const char *what, size_t number, const char *text)
{
    p->trouble.status = status;
    snprintf(p->trouble.text, sizeof p->trouble.text, "heap:build: %s %zu: %.240s", what, number, text);
    return false;
}

/* The type of the class at `at`, or NULL. Stack 4: class -> type. */
static const husk_type *type_at(lua_State *L, int at)
{
    lua_pushvalue(L, at);
    const husk_type *type = lua_rawget(L, 4) == LUA_TLIGHTUSERDATA ? lua_touserdata(L, -1) : NULL;
    lua_pop(L, 1);
    return type;
}

/* The index of the field named at `at`, from 0, or -1. Stack 5: type -> its table of fields. */
static lua_Integer field_of(lua_State *L, const husk_type *type, int at)
{
    at = lua_absindex(L, at);
    lua_Integer index = -1;
    if (lua_rawgetp(L, 5, type) == LUA_TTABLE) {
        lua_pushvalue(L, at);
        if (lua_rawget(L, -2) == LUA_TNUMBER)
            index = lua_tointeger(L, -1) - 1;
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    return index;
}

/* Record number `at` of the spec (from 1), whose entry is on top of the stack: a class, or { class, field = v }. */
static bool build_record(lua_State *L, plan *p, size_t at)
{
    char text[200];
    const husk_type *type = type_at(L, -1);
    bool filled = !type && lua_type(L, -1) == LUA_TTABLE;
    if (filled) {
        lua_rawgeti(L, -1, 1);
        type = type_at(L, -1);
        lua_pop(L, 1);
    }
    if (!type)
        return fail(p, HUSK_EINVAL, "record", at,
                    "a class, or a table with a class as its item 1, is expected");
    husk_obj *record = husk_record_new(p->heap, type);
    if (!record)
        return fail(p, husk_heap_failure(p->heap), "record", at, husk_heap_message(p->heap));
    p->objs[p->count++] = record;
    if (!filled)
        return true;
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
        if (lua_isinteger(L, -2) && lua_tointeger(L, -2) == 1)
            continue;
        lua_Integer field = field_of(L, type, -2);
        if (field < 0) {
            snprintf(text, sizeof text, "%s has no field '%s'", husk_type_name(type),
                     lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : luaL_typename(L, -2));
            return fail(p, HUSK_EMISSING, "record", at, text);
        }
        husk_value v;
        husk_obj *made;
        husk_lua_trouble trouble;
        if (!husk_lua_to_value(L, -1, p->heap, lua_tostring(L, -2), &v, &made, &trouble))
            return fail(p, trouble.status, "record", at, trouble.text);
        husk_status status = husk_record_set(record, (size_t)field, v);
        if (made)
            husk_obj_release(made);
        if (status != HUSK_OK)
            return fail(p, status, "record", at, husk_heap_message(p->heap));
    }
    return true;
}

/* The number of a record that the item on top of the stack is, or 0. */
static size_t number_at(lua_State *L, const plan *p)
{
    lua_Integer number = lua_isinteger(L, -1) ? lua_tointeger(L, -1) : 0;
    return number < 1 || (lua_Unsigned)number > p->count ? 0 : (size_t)number;
}

/* Stack 6: from, field, to, from, field, to, ... */
static bool build_edges(lua_State *L, plan *p)
{
    lua_Unsigned items = lua_isnil(L, 6) ? 0 : lua_rawlen(L, 6);
    if (items % 3)
        return fail(p, HUSK_EINVAL, "edge", items / 3 + 1, "it takes three items: from, field, to");
    for (lua_Unsigned i = 0; i < items; i += 3) {
        size_t edge = (size_t)i / 3 + 1, ends[2];
        char text[200];
        for (int end = 0; end < 2; end++) {
            lua_rawgeti(L, 6, (lua_Integer)i + (end ? 3 : 1));
            ends[end] = number_at(L, p);
            lua_pop(L, 1);
            if (!ends[end])
                return fail(p, HUSK_ERANGE, "edge", edge,
                            end ? "its end is no record's number" : "its start is no record's number");
        }
        husk_obj *from = p->objs[ends[0] - 1];
        lua_rawgeti(L, 6, (lua_Integer)i + 2);
        lua_Integer field = field_of(L, husk_obj_type(from), -1);
        if (field < 0) {
            snprintf(text, sizeof text, "%s has no field '%s'", husk_type_name(husk_obj_type(from)),
                     lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : luaL_typename(L, -1));
            return fail(p, HUSK_EMISSING, "edge", edge, text);
        }
        lua_pop(L, 1);
        husk_status status = husk_record_set(from, (size_t)field, husk_ref(p->objs[ends[1] - 1]));
        if (status != HUSK_OK)
            return fail(p, status, "edge", edge, husk_heap_message(p->heap));
    }
    return true;
}

/* All records and edges, and the proxies filled. Touches Lua only by looking into tables. */
static bool build_all(lua_State *L, plan *p, size_t records, husk_lua_proxy **proxies, size_t wanted)
{
    husk_lua_host *host = husk_heap_data(p->heap);
    for (size_t i = 1; i <= records; i++) {
        int top = lua_gettop(L);
        lua_rawgeti(L, 2, (lua_Integer)i);
        if (!build_record(L, p, i))
            return false;
        lua_settop(L, top);
    }
    if (!build_edges(L, p))
        return false;
    for (size_t i = 0; i < wanted; i++) {
        size_t number = i + 1;
        if (!lua_isnil(L, 7)) {
            lua_rawgeti(L, 7, (lua_Integer)i + 1);
            number = number_at(L, p);
            lua_pop(L, 1);
            if (!number)
                return fail(p, HUSK_ERANGE, "handle", i + 1, "it is no record's number");
        }
        husk_obj_retain(p->objs[number - 1]);
        husk_lua_fill(proxies[i], host, p->objs[number - 1]);
    }
    return true;
}

/* Pushes the list `name` of the spec: a table, or nil. */
static void push_list(lua_State *L, const char *name)
{
    lua_pushstring(L, name);
    int type = lua_rawget(L, 2);
    if (type != LUA_TNIL && type != LUA_TTABLE) {
        husk_lua_push_error(L, HUSK_EINVAL, "heap:build: '%s' is a table of numbers, not a %s", name,
                            luaL_typename(L, -1));
        lua_error(L);
    }
}

/* heap:build{ class or {class, field = v, ...}, ..., edges = {from, field, to, ...}, handles = {numbers} }: makes
 * the records, sets edges between them, and returns a table of handles: of those in `handles`, or of all. */
static int heap_build(lua_State *L)
{
    static const char name[] = "heap:build";
    lua_settop(L, 2);
    luaL_checkstack(L, 24, NULL);
    if (lua_type(L, 2) != LUA_TTABLE) {
        husk_lua_push_arg_error(L, name, 2, "table");
        return lua_error(L);
    }
    size_t records = lua_rawlen(L, 2);
    husk_obj **objs = lua_newuserdatauv(L, (records + 1) * sizeof(husk_obj *), 0); /* 3 */
    husk_lua_table(L, HUSK_LUA_KINDS);
    husk_lua_table(L, HUSK_LUA_FIELDS);
    push_list(L, "edges");
    push_list(L, "handles");
    size_t wanted = lua_isnil(L, 7) ? records : lua_rawlen(L, 7);
    husk_lua_proxy **proxies = lua_newuserdatauv(L, (wanted + 1) * sizeof *proxies, 0); /* 8 */
    lua_createtable(L, wanted < INT_MAX ? (int)wanted : 0, 0);                          /* 9: the result */
    for (size_t i = 0; i < wanted; i++) {
        proxies[i] = husk_lua_proxy_new(L);
        lua_rawseti(L, 9, (lua_Integer)i + 1);
    }
    plan p = { .heap = husk_lua_check_heap(L, 1, name), .objs = objs };
    husk_lua_host *host = husk_lua_enter(L, p.heap);
    bool fine = build_all(L, &p, records, proxies, wanted);
    lua_settop(L, 9);
    for (size_t i = 0; i < p.count; i++)
        husk_obj_release(p.objs[i]); /* those that nothing holds end here, and hooks run */
    husk_lua_leave(L, host);
    if (!fine)
        return husk_lua_raise(L, &p.trouble);
    for (size_t i = 0; i < wanted; i++) {
        husk_obj *obj = husk_lua_proxy_obj(proxies[i]);
        if (!obj)
            continue; /* a hook closed the heap meanwhile */
        if (husk_lua_push_proxy(L, obj)) {
            husk_lua_proxy_end(L, proxies[i]); /* asked for twice, or a hook has found it */
        } else {
            lua_rawgeti(L, 9, (lua_Integer)i + 1);
            husk_lua_name(L, proxies[i], obj);
        }
        lua_rawseti(L, 9, (lua_Integer)i + 1);
    }
    return 1;
}

void husk_lua_open_bulk(lua_State *L)
{
    lua_pushcfunction(L, update);
    lua_setfield(L, -2, "update");
    lua_getfield(L, -1, "heap");
    lua_pushcfunction(L, heap_build);
    lua_setfield(L, -2, "build");
    lua_pop(L, 1);
}
