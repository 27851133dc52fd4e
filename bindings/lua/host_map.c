/* bindings/lua/host_map.c: maps: m.key, m[key], m[key] = nil removes, #m, pairs. A map has no methods: every name
 * is a key. And keys, also those of weak-value maps. */
#include "host.h"

/* The key at `at`. A number without a fraction is an integer, as in tables. */
bool husk_lua_to_key(lua_State *L, int at, husk_heap *heap, const char *place, husk_value *key,
                     husk_obj **made, husk_lua_trouble *trouble)
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
        husk_lua_to_key(L, (int)at, husk_obj_heap(self), "map[k]", &key, &none, &trouble);
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
    if (!husk_lua_to_key(L, 2, heap, "map[k] = v", &key, &key_made, &trouble))
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
        if (!husk_lua_to_key(L, -2, heap, "husk.map", &key, &key_text, &trouble)) {
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

void husk_lua_open_maps(lua_State *L)
{
    static const luaL_Reg meta[] = {
        { "__index", map_index }, { "__newindex", map_newindex },
        { "__len", map_len },     { "__pairs", map_pairs },
        { NULL, NULL },
    };
    husk_lua_open_kind(L, HUSK_KIND_MAP, "husk.Map", meta, NULL, NULL);
    lua_pushcfunction(L, new_map);
    lua_setfield(L, -2, "new_map");
}
