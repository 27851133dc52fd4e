/* bindings/lua/host_weakmap.c: containers that do not keep what they know (husk/weakmap.h).
 *
 * weak-key map:   m[object] = value: any Lua value; one that a heap cannot hold goes into a box that readers do
 *                 not see. m[object] = nil removes, #m, pairs, m:clear.
 * weak-value map: m[key] = object, keys as in maps. No methods: every name is a key.
 * weak set:       s:add(object), s:remove, s:has, s[object], #s, pairs, s:clear. */
#include "host.h"

/* ---- what they share ---- */

/* Pushes what `next` finds after the cursor in upvalue 1, which moves on: an object gets its proxy, whose making
 * may run any code, so it is looked for again. False: the end. */
typedef bool next_fn(husk_obj *self, size_t *cursor, husk_value *shown);

static bool push_next(lua_State *L, husk_kind kind, const char *expected, next_fn *next)
{
    husk_lua_proxy *made = NULL;
    for (;;) {
        husk_obj *self = husk_lua_check_kind(L, 1, kind, "pairs", expected);
        husk_value shown;
        size_t cursor = (size_t)lua_tointeger(L, lua_upvalueindex(1));
        if (!next(self, &cursor, &shown))
            return false;
        bool object = shown.tag == HUSK_OBJ, done = true;
        if (!object) {
            husk_lua_push_plain(L, shown);
        } else if (!husk_lua_push_known(L, shown.as.o)) {
            if (made) {
                husk_obj_retain(shown.as.o);
                husk_lua_adopt(L, made, shown.as.o);
            } else {
                made = husk_lua_proxy_new(L);
                done = false;
            }
        }
        if (done) {
            lua_pushinteger(L, (lua_Integer)cursor);
            lua_replace(L, lua_upvalueindex(1));
            return true;
        }
    }
}

static int start_pairs(lua_State *L, lua_CFunction next)
{
    lua_pushinteger(L, 0);
    lua_pushcclosure(L, next, 1);
    lua_pushvalue(L, 1);
    return 2;
}

/* The live object at `at`, of this heap: only such a one can be in a container. NULL: nothing else is. */
static husk_obj *maybe_obj(lua_State *L, int at, const husk_obj *self)
{
    husk_obj *obj = husk_lua_proxy_obj(husk_lua_proxy_at(L, at));
    return obj && husk_obj_heap(obj) == husk_obj_heap(self) ? obj : NULL;
}

/* The same for storing: an error if it is none. */
static husk_obj *need_obj(lua_State *L, int at, const husk_obj *self, const char *place)
{
    husk_value v;
    husk_obj *made;
    husk_lua_trouble trouble;
    if (lua_type(L, at) != LUA_TUSERDATA) {
        char got[160];
        husk_lua_push_error(L, HUSK_ETYPE, "%s: an object of a heap is held weakly, not a %s", place,
                            husk_lua_describe(L, at, got, sizeof got));
        lua_error(L);
    }
    if (!husk_lua_to_value(L, at, husk_obj_heap(self), place, &v, &made, &trouble))
        husk_lua_raise(L, &trouble);
    return v.as.o;
}

/* ---- weak-key map ---- */

static husk_obj *check_keymap(lua_State *L, const char *function)
{
    return husk_lua_check_kind(L, 1, HUSK_KIND_WEAKKEYMAP, function, "weak-key map");
}

/* The value under the key at stack `at`. */
static husk_status peek_keymap(lua_State *L, husk_obj *self, size_t at, husk_value *out)
{
    husk_obj *key = maybe_obj(L, (int)at, self);
    return key ? husk_weakkeymap_peek(self, key, out) : HUSK_EMISSING;
}

/* Pushes the value under the key at `at`, out of its box if we put it there; nil if there is none. */
static void push_under(lua_State *L, int at)
{
    husk_obj *self = check_keymap(L, "map[k]");
    husk_value v;
    if (peek_keymap(L, self, (size_t)at, &v) != HUSK_OK) {
        lua_pushnil(L);
        return;
    }
    if (v.tag == HUSK_OBJ && husk_box_value_free(v.as.o) == husk_lua_token_loose) {
        const husk_lua_token *token = husk_box_value(v.as.o);
        if (token && token->unseen) {
            husk_lua_push_token(L, token);
            return;
        }
    }
    if (husk_lua_push_peeked(L, 1, "map[k]", peek_keymap, (size_t)at) != HUSK_OK)
        lua_pushnil(L);
}

static int keymap_index(lua_State *L)
{
    if (lua_type(L, 2) == LUA_TSTRING)
        return husk_lua_push_method(L, "weak-key map");
    lua_settop(L, 2);
    push_under(L, 2);
    return 1;
}

/* Lua values that a heap cannot hold itself. */
static bool needs_box(lua_State *L, int at)
{
    switch (lua_type(L, at)) {
    case LUA_TTABLE:
    case LUA_TFUNCTION:
    case LUA_TTHREAD:
    case LUA_TLIGHTUSERDATA:
        return true;
    case LUA_TUSERDATA:
        return !husk_lua_proxy_at(L, at);
    default:
        return false;
    }
}

static int keymap_newindex(lua_State *L)
{
    static const char place[] = "map[k] = v";
    lua_settop(L, 3);
    husk_lua_token *token = needs_box(L, 3) ? husk_lua_token_new(L, 3) : NULL; /* may run any code */
    husk_lua_barrier(L);
    husk_obj *self = husk_lua_proxy_obj(husk_lua_proxy_at(L, 1)), *made = NULL;
    husk_obj *key = self && husk_obj_kind(self) == HUSK_KIND_WEAKKEYMAP ? maybe_obj(L, 2, self) : NULL;
    if (!key) {
        if (token)
            husk_lua_token_loose(token);
        self = check_keymap(L, place);
        if (!lua_isnil(L, 3))
            need_obj(L, 2, self, place);
        return 0; /* nil under what is no key of any map */
    }
    husk_heap *heap = husk_obj_heap(self);
    husk_lua_enter(L, heap);
    if (lua_isnil(L, 3)) {
        husk_obj_retain(self);
        husk_status gone = husk_weakkeymap_remove(self, key);
        return husk_lua_finish(L, self, NULL, gone == HUSK_EMISSING ? HUSK_OK : gone);
    }
    husk_value v;
    husk_lua_trouble trouble;
    if (token) {
        token->unseen = true;
        made = husk_box_new(heap, token, husk_lua_token_loose);
        if (!made)
            return husk_lua_fail(L, heap, husk_heap_failure(heap));
        v = husk_ref(made);
    } else if (!husk_lua_to_value(L, 3, heap, place, &v, &made, &trouble)) {
        return husk_lua_raise(L, &trouble);
    }
    husk_obj_retain(self);
    return husk_lua_finish(L, self, made, husk_weakkeymap_set(self, key, v));
}

static int keymap_len(lua_State *L)
{
    husk_lua_push_size(L, husk_weakkeymap_count(check_keymap(L, "#map")));
    return 1;
}

static bool next_key(husk_obj *self, size_t *cursor, husk_value *shown)
{
    husk_obj *key;
    husk_value v;
    if (!husk_weakkeymap_next(self, cursor, &key, &v))
        return false;
    *shown = husk_ref(key);
    return true;
}

static int keymap_next(lua_State *L)
{
    do {
        lua_settop(L, 1);
        if (!push_next(L, HUSK_KIND_WEAKKEYMAP, "weak-key map", next_key))
            return 0;
        lua_insert(L, 2);
        lua_settop(L, 2);
        push_under(L, 2);
    } while (lua_isnil(L, -1)); /* removed while its key got a proxy */
    lua_pushvalue(L, 2);
    lua_insert(L, -2);
    return 2;
}

static int keymap_pairs(lua_State *L)
{
    check_keymap(L, "pairs");
    return start_pairs(L, keymap_next);
}

/* ---- weak-value map ---- */

static husk_obj *check_valuemap(lua_State *L, const char *function)
{
    return husk_lua_check_kind(L, 1, HUSK_KIND_WEAKVALUEMAP, function, "weak-value map");
}

static husk_status peek_valuemap(lua_State *L, husk_obj *self, size_t at, husk_value *out)
{
    husk_obj *found = NULL, *none = NULL;
    husk_value key = husk_nil();
    husk_lua_trouble trouble;
    husk_status status;
    size_t length;
    const char *bytes;
    switch (lua_type(L, (int)at)) {
    case LUA_TSTRING:
        bytes = lua_tolstring(L, (int)at, &length);
        status = husk_weakvaluemap_peek_text(self, bytes, length, &found);
        break;
    case LUA_TBOOLEAN:
    case LUA_TNUMBER:
        husk_lua_to_key(L, (int)at, husk_obj_heap(self), "map[k]", &key, &none, &trouble);
        status = husk_weakvaluemap_peek(self, key, &found);
        break;
    default:
        key = husk_ref(maybe_obj(L, (int)at, self));
        status = key.tag == HUSK_OBJ ? husk_weakvaluemap_peek(self, key, &found) : HUSK_EMISSING;
    }
    *out = husk_ref(found);
    return status;
}

static int valuemap_index(lua_State *L)
{
    check_valuemap(L, "map[k]");
    lua_settop(L, 2);
    if (husk_lua_push_peeked(L, 1, "map[k]", peek_valuemap, 2) != HUSK_OK)
        lua_pushnil(L);
    return 1;
}

static int valuemap_newindex(lua_State *L)
{
    static const char place[] = "map[k] = v";
    husk_obj *self = check_valuemap(L, place);
    lua_settop(L, 3);
    husk_heap *heap = husk_obj_heap(self);
    husk_lua_enter(L, heap);
    bool removes = lua_isnil(L, 3);
    if (removes && lua_type(L, 2) == LUA_TSTRING) {
        size_t length;
        const char *bytes = lua_tolstring(L, 2, &length);
        husk_obj_retain(self);
        husk_status gone = husk_weakvaluemap_remove_text(self, bytes, length);
        return husk_lua_finish(L, self, NULL, gone == HUSK_EMISSING ? HUSK_OK : gone);
    }
    husk_obj *v = removes ? NULL : need_obj(L, 3, self, place), *made;
    husk_value key;
    husk_lua_trouble trouble;
    if (!husk_lua_to_key(L, 2, heap, place, &key, &made, &trouble))
        return husk_lua_raise(L, &trouble);
    husk_obj_retain(self);
    husk_status status = removes ? husk_weakvaluemap_remove(self, key) : husk_weakvaluemap_set(self, key, v);
    return husk_lua_finish(L, self, made, removes && status == HUSK_EMISSING ? HUSK_OK : status);
}

static int valuemap_len(lua_State *L)
{
    husk_lua_push_size(L, husk_weakvaluemap_count(check_valuemap(L, "#map")));
    return 1;
}

static bool next_value(husk_obj *self, size_t *cursor, husk_value *shown)
{
    husk_obj *v;
    return husk_weakvaluemap_next(self, cursor, shown, &v);
}

static int valuemap_next(lua_State *L)
{
    do {
        lua_settop(L, 1);
        if (!push_next(L, HUSK_KIND_WEAKVALUEMAP, "weak-value map", next_value))
            return 0;
        lua_insert(L, 2);
        lua_settop(L, 2);
        if (husk_lua_push_peeked(L, 1, "pairs", peek_valuemap, 2) != HUSK_OK)
            lua_pushnil(L);
    } while (lua_isnil(L, -1)); /* it died while the key got a proxy */
    lua_pushvalue(L, 2);
    lua_insert(L, -2);
    return 2;
}

static int valuemap_pairs(lua_State *L)
{
    check_valuemap(L, "pairs");
    return start_pairs(L, valuemap_next);
}

/* ---- weak set ---- */

static husk_obj *check_set(lua_State *L, const char *function)
{
    return husk_lua_check_kind(L, 1, HUSK_KIND_WEAKSET, function, "weak set");
}

static int set_index(lua_State *L)
{
    if (lua_type(L, 2) == LUA_TSTRING)
        return husk_lua_push_method(L, "weak set");
    const husk_obj *self = check_set(L, "set[x]");
    const husk_obj *obj = maybe_obj(L, 2, self);
    lua_pushboolean(L, obj && husk_weakset_has(self, obj));
    return 1;
}

static int set_has(lua_State *L)
{
    const husk_obj *self = check_set(L, "set:has");
    const husk_obj *obj = maybe_obj(L, 2, self);
    lua_pushboolean(L, obj && husk_weakset_has(self, obj));
    return 1;
}

static int set_add(lua_State *L)
{
    husk_obj *self = check_set(L, "set:add");
    husk_lua_check_any(L, 2, "set:add");
    husk_obj *obj = need_obj(L, 2, self, "set:add");
    husk_lua_enter(L, husk_obj_heap(self));
    husk_obj_retain(self);
    return husk_lua_finish(L, self, NULL, husk_weakset_add(self, obj));
}

/* set:remove(x): whether it was there. */
static int set_remove(lua_State *L)
{
    husk_obj *self = check_set(L, "set:remove");
    husk_obj *obj = maybe_obj(L, 2, self);
    bool was = obj && husk_weakset_has(self, obj);
    if (was) {
        husk_lua_enter(L, husk_obj_heap(self));
        husk_obj_retain(self);
        husk_lua_finish(L, self, NULL, husk_weakset_remove(self, obj));
    }
    lua_pushboolean(L, was);
    return 1;
}

/* set[x] = true adds, false and nil remove. */
static int set_newindex(lua_State *L)
{
    bool adds = lua_toboolean(L, 3) != 0;
    lua_settop(L, 2);
    return adds ? set_add(L) : (set_remove(L), 0);
}

static int set_len(lua_State *L)
{
    husk_lua_push_size(L, husk_weakset_count(check_set(L, "#set")));
    return 1;
}

static bool next_member(husk_obj *self, size_t *cursor, husk_value *shown)
{
    husk_obj *obj;
    if (!husk_weakset_next(self, cursor, &obj))
        return false;
    *shown = husk_ref(obj);
    return true;
}

static int set_next(lua_State *L)
{
    lua_settop(L, 1);
    if (!push_next(L, HUSK_KIND_WEAKSET, "weak set", next_member))
        return 0;
    lua_pushboolean(L, 1);
    return 2;
}

static int set_pairs(lua_State *L)
{
    check_set(L, "pairs");
    return start_pairs(L, set_next);
}

/* ---- making them ---- */

static int make(lua_State *L, const char *name, husk_obj *(*new)(husk_heap *))
{
    husk_lua_proxy *made = husk_lua_proxy_new(L);
    husk_heap *heap = husk_lua_check_heap(L, 1, name);
    husk_obj *obj = new (heap);
    if (!obj)
        return husk_lua_fail(L, heap, husk_heap_failure(heap));
    husk_lua_adopt(L, made, obj);
    return 1;
}

static int new_weak_keys(lua_State *L)
{
    return make(L, "husk.weak.keys", husk_weakkeymap_new);
}

static int new_weak_values(lua_State *L)
{
    return make(L, "husk.weak.values", husk_weakvaluemap_new);
}

static int new_weak_set(lua_State *L)
{
    return make(L, "husk.weak.set", husk_weakset_new);
}

void husk_lua_open_weakmaps(lua_State *L)
{
    static const luaL_Reg keymap_meta[] = {
        { "__newindex", keymap_newindex },
        { "__len", keymap_len },
        { "__pairs", keymap_pairs },
        { NULL, NULL },
    };
    static const luaL_Reg keymap_methods[] = { { "clear", husk_lua_clear }, { NULL, NULL } };
    static const luaL_Reg valuemap_meta[] = {
        { "__index", valuemap_index },
        { "__newindex", valuemap_newindex },
        { "__len", valuemap_len },
        { "__pairs", valuemap_pairs },
        { NULL, NULL },
    };
    static const luaL_Reg set_meta[] = {
        { "__newindex", set_newindex },
        { "__len", set_len },
        { "__pairs", set_pairs },
        { NULL, NULL },
    };
    static const luaL_Reg set_methods[] = {
        { "add", set_add },          { "remove", set_remove }, { "has", set_has },
        { "clear", husk_lua_clear }, { NULL, NULL },
    };
    static const luaL_Reg functions[] = {
        { "new_weak_keys", new_weak_keys },
        { "new_weak_values", new_weak_values },
        { "new_weak_set", new_weak_set },
        { NULL, NULL },
    };
    husk_lua_open_kind(L, HUSK_KIND_WEAKKEYMAP, "husk.WeakKeyMap", keymap_meta, keymap_index, keymap_methods);
    husk_lua_open_kind(L, HUSK_KIND_WEAKVALUEMAP, "husk.WeakValueMap", valuemap_meta, NULL, NULL);
    husk_lua_open_kind(L, HUSK_KIND_WEAKSET, "husk.WeakSet", set_meta, set_index, set_methods);
    luaL_setfuncs(L, functions, 0);
}
