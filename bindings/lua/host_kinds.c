/* bindings/lua/host_kinds.c: list, map and box as Lua values. Records are in host_record.c.
 *
 * list: l[i] from 1, l[#l + 1] = v appends, #l, pairs, ipairs, l:append, l:insert, l:remove, l:clear.
 * map:  m.key, m[key], m[key] = nil removes, #m, pairs. It has no methods: every name is a key.
 * box:  b:get(), b.value: any Lua value, kept by the heap. */
#include "host.h"

#include <stdio.h>

int husk_lua_finish(lua_State *L, husk_obj *self, husk_obj *made, husk_status status)
{
    husk_heap *heap = husk_obj_heap(self);
    husk_lua_host *host = husk_heap_data(heap);
    husk_lua_trouble trouble = { .status = status };
    if (status != HUSK_OK) {
        const char *message = husk_heap_message(heap);
        snprintf(trouble.text, sizeof trouble.text, "%s", *message ? message : husk_status_text(status));
    }
    if (made)
        husk_obj_release(made);
    husk_obj_release(self);
    husk_lua_leave(L, host);
    return status == HUSK_OK ? 0 : husk_lua_raise(L, &trouble);
}

int husk_lua_tostring(lua_State *L)
{
    char text[160];
    const husk_lua_proxy *proxy = husk_lua_proxy_at(L, 1);
    const char *name = husk_lua_describe(L, 1, text, sizeof text);
    if (husk_lua_proxy_obj(proxy))
        lua_pushfstring(L, "%s: %p", name, (void *)proxy->hold->obj);
    else
        lua_pushstring(L, name);
    return 1;
}

/* Pushes method `key` (stack 2) of the table in upvalue 1, or raises. */
static int push_method(lua_State *L, const char *what)
{
    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(1)) == LUA_TNIL) {
        char got[160];
        if (lua_type(L, 2) == LUA_TSTRING)
            husk_lua_push_error(L, HUSK_EMISSING, "a %s has no '%s'", what, lua_tostring(L, 2));
        else
            husk_lua_push_error(L, HUSK_EINVAL, "a %s has no entry under a %s", what,
                                husk_lua_describe(L, 2, got, sizeof got));
        return lua_error(L);
    }
    return 1;
}

/* ---- list ---- */

static husk_status peek_list(lua_State *L, husk_obj *self, size_t index, husk_value *out)
{
    (void)L;
    if (husk_obj_kind(self) != HUSK_KIND_LIST || index >= husk_list_count(self))
        return HUSK_ERANGE;
    return husk_list_peek(self, index, out);
}

static husk_obj *check_list(lua_State *L, const char *function)
{
    return husk_lua_check_kind(L, 1, HUSK_KIND_LIST, function, "list");
}

static int list_index(lua_State *L)
{
    if (lua_type(L, 2) != LUA_TNUMBER)
        return push_method(L, "list"); /* also of a dead handle: it may be released again */
    const husk_obj *list = check_list(L, "list[i]");
    int is_integer;
    lua_Integer i = lua_tointegerx(L, 2, &is_integer);
    if (!is_integer || i < 1 || (lua_Unsigned)i > husk_list_count(list) ||
        husk_lua_push_peeked(L, 1, "list[i]", peek_list, (size_t)i - 1) != HUSK_OK)
        lua_pushnil(L);
    return 1;
}

/* The value at `at` becomes *v, for a list whose mutation follows at once: nothing may run in between. */
static void prepare(lua_State *L, husk_obj *self, int at, const char *place, husk_value *v, husk_obj **made)
{
    husk_heap *heap = husk_obj_heap(self);
    husk_lua_trouble trouble;
    husk_lua_enter(L, heap);
    if (!husk_lua_to_value(L, at, heap, place, v, made, &trouble))
        husk_lua_raise(L, &trouble);
    husk_obj_retain(self);
}

static int list_newindex(lua_State *L)
{
    husk_obj *list = check_list(L, "list[i] = v");
    lua_Integer i;
    if (!husk_lua_arg_integer(L, 2, "list[i] = v", 1, LUA_MAXINTEGER, &i))
        return lua_error(L);
    size_t count = husk_list_count(list), index = (size_t)i - 1;
    if (index > count) {
        husk_lua_push_error(L, HUSK_ERANGE, "list[%I] = v: the list has %I items; the next one is number %I",
                            i, (lua_Integer)count, (lua_Integer)count + 1);
        return lua_error(L);
    }
    if (index == count && lua_isnil(L, 3))
        return 0; /* as with a table */
    husk_value v;
    husk_obj *made;
    prepare(L, list, 3, "list[i] = v", &v, &made);
    return husk_lua_finish(L, list, made,
                           index == count ? husk_list_append(list, v) : husk_list_set(list, index, v));
}

static int list_append(lua_State *L)
{
    husk_obj *list = check_list(L, "list:append");
    husk_value v;
    husk_obj *made;
    luaL_checkany(L, 2);
    prepare(L, list, 2, "list:append", &v, &made);
    return husk_lua_finish(L, list, made, husk_list_append(list, v));
}

static int list_insert(lua_State *L)
{
    husk_obj *list = check_list(L, "list:insert");
    lua_Integer i;
    if (!husk_lua_arg_integer(L, 2, "list:insert", 1, (lua_Integer)husk_list_count(list) + 1, &i))
        return lua_error(L);
    husk_value v;
    husk_obj *made;
    luaL_checkany(L, 3);
    prepare(L, list, 3, "list:insert", &v, &made);
    return husk_lua_finish(L, list, made, husk_list_insert(list, (size_t)i - 1, v));
}

/* list:remove([i]) takes the item out, the last one by default, and returns it. */
static int list_remove(lua_State *L)
{
    husk_obj *list = check_list(L, "list:remove");
    lua_Integer i = (lua_Integer)husk_list_count(list);
    bool last = lua_isnoneornil(L, 2);
    husk_lua_proxy *made = husk_lua_proxy_new(L);
    list = check_list(L, "list:remove");
    lua_Integer count = (lua_Integer)husk_list_count(list);
    if (last && !count)
        return 0;
    i = count;
    if (!last && !husk_lua_arg_integer(L, 2, "list:remove", 1, count, &i))
        return lua_error(L);
    husk_value v = husk_nil();
    husk_heap *heap = husk_obj_heap(list);
    husk_lua_host *host = husk_lua_enter(L, heap);
    husk_status status = husk_list_remove(list, (size_t)i - 1, &v);
    if (status != HUSK_OK)
        return husk_lua_fail(L, heap, status);
    if (v.tag == HUSK_OBJ)
        husk_lua_push_owned(L, made, v.as.o);
    else
        husk_lua_push_plain(L, v);
    husk_lua_leave(L, host);
    return 1;
}

static int list_len(lua_State *L)
{
    husk_lua_push_size(L, husk_list_count(check_list(L, "#list")));
    return 1;
}

static int list_next(lua_State *L)
{
    const husk_obj *list = check_list(L, "pairs");
    lua_Integer i = lua_tointeger(L, 2);
    if (i < 0 || (lua_Unsigned)i >= husk_list_count(list)) {
        lua_pushnil(L);
        return 1;
    }
    lua_pushinteger(L, i + 1);
    int at = lua_gettop(L);
    if (husk_lua_push_peeked(L, 1, "pairs", peek_list, (size_t)i) != HUSK_OK)
        lua_pushnil(L);
    lua_pushvalue(L, at);
    lua_rotate(L, -2, 1);
    return 2;
}

static int list_pairs(lua_State *L)
{
    check_list(L, "pairs");
    lua_pushcfunction(L, list_next);
    lua_pushvalue(L, 1);
    lua_pushinteger(L, 0);
    return 3;
}

/* husk.clear(x): a list or a map without its entries. */
static int clear(lua_State *L)
{
    husk_obj *self = husk_lua_check_obj(L, 1, "husk.clear");
    husk_kind kind = husk_obj_kind(self);
    if (kind != HUSK_KIND_LIST && kind != HUSK_KIND_MAP) {
        husk_lua_push_arg_error(L, "husk.clear", 1, "list or map");
        return lua_error(L);
    }
    husk_lua_enter(L, husk_obj_heap(self));
    husk_obj_retain(self);
    return husk_lua_finish(L, self, NULL,
                           kind == HUSK_KIND_LIST ? husk_list_clear(self) : husk_map_clear(self));
}

/* core.new_list(heap, [table]): items 1 to #table, without metamethods. */
static int new_list(lua_State *L)
{
    bool filled = !lua_isnoneornil(L, 2);
    if (filled && lua_type(L, 2) != LUA_TTABLE) {
        husk_lua_push_arg_error(L, "husk.list", 1, "table");
        return lua_error(L);
    }
    husk_lua_proxy *made = husk_lua_proxy_new(L);
    int at = lua_gettop(L);
    husk_heap *heap = husk_lua_check_heap(L, 1, "husk.list");
    husk_obj *list = husk_list_new(heap);
    if (!list)
        return husk_lua_fail(L, heap, husk_heap_failure(heap));
    husk_lua_adopt(L, made, list);
    list = husk_lua_check_obj(L, at, "husk.list");
    lua_Integer count = filled ? (lua_Integer)lua_rawlen(L, 2) : 0;
    for (lua_Integer i = 1; i <= count; i++) { /* nothing in here runs other code */
        husk_value v;
        husk_obj *text;
        husk_lua_trouble trouble;
        lua_rawgeti(L, 2, i);
        if (!husk_lua_to_value(L, -1, heap, "husk.list", &v, &text, &trouble))
            return husk_lua_raise(L, &trouble);
        husk_status status = husk_list_append(list, v);
        if (text)
            husk_obj_release(text);
        if (status != HUSK_OK)
            return husk_lua_fail(L, heap, status);
        lua_pop(L, 1);
    }
    return 1;
}

/* ---- map ---- */

/* The key at `at`. A number without a fraction is an integer, as in tables. */
static bool to_key(lua_State *L, int at, husk_heap *heap, const char *place, husk_value *key, husk_obj **made,
                   husk_lua_trouble *trouble)
{
    if (!husk_lua_to_value(L, at, heap, place, key, made, trouble))
        return false;
    lua_Integer whole;
    if (key->tag == HUSK_FLOAT && lua_numbertointeger(key->as.f, &whole) && (lua_Number)whole == key->as.f)
        *key = husk_int(whole);
    return true;
}

static husk_obj *check_map(lua_State *L, const char *function)
{
    return husk_lua_check_kind(L, 1, HUSK_KIND_MAP, function, "map");
}

/* The entry whose key is at stack index `at`. Keys that no map can have are just missing. */
static husk_status peek_map(lua_State *L, husk_obj *self, size_t at, husk_value *out)
{
    if (husk_obj_kind(self) != HUSK_KIND_MAP)
        return HUSK_ETYPE;
    if (lua_type(L, (int)at) == LUA_TSTRING) {
        size_t length;
        const char *bytes = lua_tolstring(L, (int)at, &length);
        return husk_map_peek_text(self, bytes, length, out);
    }
    husk_value key = husk_nil();
    husk_obj *none = NULL;
    husk_lua_trouble trouble;
    switch (lua_type(L, (int)at)) {
    case LUA_TBOOLEAN:
    case LUA_TNUMBER:
        to_key(L, (int)at, husk_obj_heap(self), "map[k]", &key, &none, &trouble);
        break;
    case LUA_TUSERDATA: {
        husk_obj *obj = husk_lua_proxy_obj(husk_lua_proxy_at(L, (int)at));
        if (!obj || husk_obj_heap(obj) != husk_obj_heap(self))
            return HUSK_EMISSING;
        key = husk_ref(obj);
        break;
    }
    default:
        return HUSK_EMISSING;
    }
    return husk_map_peek(self, key, out);
}

static int map_index(lua_State *L)
{
    check_map(L, "map[k]");
    lua_settop(L, 2);
    if (husk_lua_push_peeked(L, 1, "map[k]", peek_map, 2) != HUSK_OK)
        lua_pushnil(L);
    return 1;
}

static int map_newindex(lua_State *L)
{
    husk_obj *map = check_map(L, "map[k] = v");
    husk_heap *heap = husk_obj_heap(map);
    husk_lua_enter(L, heap);
    bool removes = lua_isnil(L, 3);
    husk_value key, v = husk_nil();
    husk_obj *key_made, *made = NULL;
    husk_lua_trouble trouble;
    if (removes && lua_type(L, 2) == LUA_TSTRING) {
        size_t length;
        const char *bytes = lua_tolstring(L, 2, &length);
        husk_obj_retain(map);
        husk_status gone = husk_map_remove_text(map, bytes, length);
        return husk_lua_finish(L, map, NULL, gone == HUSK_EMISSING ? HUSK_OK : gone);
    }
    if (!to_key(L, 2, heap, "map[k] = v", &key, &key_made, &trouble))
        return husk_lua_raise(L, &trouble);
    if (!husk_lua_to_value(L, 3, heap, "map[k] = v", &v, &made, &trouble)) {
        if (key_made)
            husk_obj_release(key_made);
        return husk_lua_raise(L, &trouble);
    }
    husk_obj_retain(map);
    husk_status status = removes ? husk_map_remove(map, key) : husk_map_set(map, key, v);
    if (removes && status == HUSK_EMISSING)
        status = HUSK_OK;
    if (made)
        husk_obj_release(made); /* not the last one, or it was refused: no hook runs */
    return husk_lua_finish(L, map, key_made, status);
}

static int map_len(lua_State *L)
{
    husk_lua_push_size(L, husk_map_count(check_map(L, "#map")));
    return 1;
}

/* The iterator of pairs: its place is upvalue 1. */
static int map_next(lua_State *L)
{
    husk_lua_proxy *made = NULL;
    size_t cursor;
    lua_settop(L, 1);
    for (;;) {
        const husk_obj *map = check_map(L, "pairs");
        husk_value key, v;
        cursor = (size_t)lua_tointeger(L, lua_upvalueindex(1));
        if (!husk_map_next(map, &cursor, &key, &v)) {
            lua_pushnil(L);
            return 1;
        }
        if (key.tag != HUSK_OBJ) {
            husk_lua_push_plain(L, key);
            break;
        }
        if (husk_lua_push_known(L, key.as.o))
            break;
        if (made) {
            husk_obj_retain(key.as.o);
            husk_lua_adopt(L, made, key.as.o);
            break;
        }
        made = husk_lua_proxy_new(L);
    }
    lua_pushinteger(L, (lua_Integer)cursor);
    lua_replace(L, lua_upvalueindex(1));
    int at = lua_gettop(L);
    if (husk_lua_push_peeked(L, 1, "pairs", peek_map, (size_t)at) != HUSK_OK)
        lua_pushnil(L);
    lua_pushvalue(L, at);
    lua_rotate(L, -2, 1);
    return 2;
}

static int map_pairs(lua_State *L)
{
    check_map(L, "pairs");
    lua_pushinteger(L, 0);
    lua_pushcclosure(L, map_next, 1);
    lua_pushvalue(L, 1);
    return 2;
}

/* core.new_map(heap, [table]): the table's entries, without metamethods. */
static int new_map(lua_State *L)
{
    bool filled = !lua_isnoneornil(L, 2);
    if (filled && lua_type(L, 2) != LUA_TTABLE) {
        husk_lua_push_arg_error(L, "husk.map", 1, "table");
        return lua_error(L);
    }
    husk_lua_proxy *made = husk_lua_proxy_new(L);
    int at = lua_gettop(L);
    husk_heap *heap = husk_lua_check_heap(L, 1, "husk.map");
    husk_obj *map = husk_map_new(heap);
    if (!map)
        return husk_lua_fail(L, heap, husk_heap_failure(heap));
    husk_lua_adopt(L, made, map);
    map = husk_lua_check_obj(L, at, "husk.map");
    if (!filled)
        return 1;
    for (lua_pushnil(L); lua_next(L, 2); lua_pop(L, 1)) { /* nothing in here runs other code */
        husk_value key, v;
        husk_obj *key_text, *text;
        husk_lua_trouble trouble;
        if (!husk_lua_to_value(L, -1, heap, "husk.map", &v, &text, &trouble))
            return husk_lua_raise(L, &trouble);
        if (!to_key(L, -2, heap, "husk.map", &key, &key_text, &trouble)) {
            if (text)
                husk_obj_release(text);
            return husk_lua_raise(L, &trouble);
        }
        husk_status status = husk_map_set(map, key, v);
        if (text)
            husk_obj_release(text);
        if (key_text)
            husk_obj_release(key_text);
        if (status != HUSK_OK)
            return husk_lua_fail(L, heap, status);
    }
    return 1;
}

/* ---- box ---- */

static void push_boxed(lua_State *L, const char *function)
{
    const husk_obj *box = husk_lua_check_kind(L, 1, HUSK_KIND_BOX, function, "box");
    const void *token = husk_box_value(box);
    husk_lua_table(L, HUSK_LUA_VALUES);
    if (token)
        lua_rawgetp(L, -1, token); /* nil for a box that C made */
    else
        lua_pushnil(L);
    if (husk_lua_is_lent(L, -1)) { /* its owner was collected: only a finalizer that came late sees this */
        lua_pop(L, 1);
        lua_pushnil(L);
    }
}

static int box_get(lua_State *L)
{
    push_boxed(L, "box:get");
    return 1;
}

static int box_index(lua_State *L)
{
    if (lua_type(L, 2) == LUA_TSTRING && !strcmp(lua_tostring(L, 2), "value")) {
        push_boxed(L, "box.value");
        return 1;
    }
    return push_method(L, "box");
}

/* core.new_box(heap, value) */
static int new_box(lua_State *L)
{
    luaL_checkany(L, 2);
    husk_lua_proxy *made = husk_lua_proxy_new(L);
    husk_lua_token *token = husk_lua_token_new(L, 2);
    husk_heap *heap = husk_lua_arg_heap(L, 1, "husk.box");
    if (!heap) {
        husk_lua_token_loose(token);
        return lua_error(L);
    }
    husk_obj *box = husk_box_new(heap, token, husk_lua_token_loose);
    if (!box)
        return husk_lua_fail(L, heap, husk_heap_failure(heap));
    husk_lua_adopt(L, made, box);
    return 1;
}

/* ---- metatables ---- */

void husk_lua_push_meta(lua_State *L, const husk_type *type, husk_kind kind)
{
    husk_lua_table(L, HUSK_LUA_METAS);
    if (lua_rawgetp(L, -1, type) == LUA_TNIL) {
        lua_pop(L, 1);
        luaL_checkstack(L, 16, NULL); /* once for each type, and deeper than elsewhere */
        switch (kind) {
        case HUSK_KIND_RECORD:
            husk_lua_push_record_meta(L, type);
            break;
        case HUSK_KIND_LIST:
            luaL_getmetatable(L, HUSK_LUA_LIST_META);
            break;
        case HUSK_KIND_MAP:
            luaL_getmetatable(L, HUSK_LUA_MAP_META);
            break;
        case HUSK_KIND_BOX:
            luaL_getmetatable(L, HUSK_LUA_BOX_META);
            break;
        case HUSK_KIND_WEAK:
            luaL_getmetatable(L, HUSK_LUA_WEAK_META);
            break;
        default:
            luaL_getmetatable(L, HUSK_LUA_OBJ_META);
        }
        lua_pushvalue(L, -1);
        lua_rawsetp(L, -3, type);
    }
    lua_remove(L, -2);
}

void husk_lua_open_kinds(lua_State *L)
{
    static const luaL_Reg ends[] = {
        { "__gc", husk_lua_gc },
        { "__close", husk_lua_release },
        { "__tostring", husk_lua_tostring },
        { NULL, NULL },
    };
    static const luaL_Reg list_meta[] = {
        { "__newindex", list_newindex },
        { "__len", list_len },
        { "__pairs", list_pairs },
        { NULL, NULL },
    };
    static const luaL_Reg map_meta[] = {
        { "__index", map_index }, { "__newindex", map_newindex },
        { "__len", map_len },     { "__pairs", map_pairs },
        { NULL, NULL },
    };
    static const luaL_Reg list_methods[] = {
        { "append", list_append },
        { "insert", list_insert },
        { "remove", list_remove },
        { "clear", clear },
        { "release", husk_lua_release },
        { "close", husk_lua_release },
        { NULL, NULL },
    };
    static const luaL_Reg box_methods[] = {
        { "get", box_get },
        { "release", husk_lua_release },
        { "close", husk_lua_release },
        { NULL, NULL },
    };
    static const luaL_Reg functions[] = {
        { "new_list", new_list }, { "new_map", new_map }, { "new_box", new_box },
        { "clear", clear },       { NULL, NULL },
    };
    husk_lua_base_meta(L, HUSK_LUA_LIST_META, ends);
    luaL_setfuncs(L, list_meta, 0);
    luaL_newlib(L, list_methods);
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, "methods");
    lua_pushcclosure(L, list_index, 1);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
    husk_lua_base_meta(L, HUSK_LUA_MAP_META, ends);
    luaL_setfuncs(L, map_meta, 0);
    lua_pop(L, 1);
    husk_lua_base_meta(L, HUSK_LUA_BOX_META, ends);
    luaL_newlib(L, box_methods);
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, "methods");
    lua_pushcclosure(L, box_index, 1);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
    luaL_setfuncs(L, functions, 0);
}
