/* bindings/lua/host_kinds.c: what handles of all kinds share: their metatables, the end of a mutating call,
 * tostring, clear. And boxes: b:get(), b.value: any Lua value, kept by the heap. Each other kind has a file. */
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
int husk_lua_push_method(lua_State *L, const char *what)
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

/* ---- box ---- */

void husk_lua_push_token(lua_State *L, const husk_lua_token *token)
{
    husk_lua_table(L, HUSK_LUA_VALUES);
    if (token)
        lua_rawgetp(L, -1, token); /* nil for a box that C made */
    else
        lua_pushnil(L);
    lua_remove(L, -2);
    if (husk_lua_is_lent(L, -1)) { /* its owner was collected: only a finalizer that came late sees this */
        lua_pop(L, 1);
        lua_pushnil(L);
    }
}

static void push_boxed(lua_State *L, const char *function)
{
    husk_lua_push_token(L, husk_box_value(husk_lua_check_kind(L, 1, HUSK_KIND_BOX, function, "box")));
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
    return husk_lua_push_method(L, "box");
}

/* core.new_box(heap, value) */
static int new_box(lua_State *L)
{
    lua_settop(L, 2);
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

/* core.clear(x): a container without its entries. */
int husk_lua_clear(lua_State *L)
{
    husk_obj *self = husk_lua_check_obj(L, 1, "husk.clear");
    husk_status (*clear)(husk_obj *) = NULL;
    switch (husk_obj_kind(self)) {
    case HUSK_KIND_LIST:
        clear = husk_list_clear;
        break;
    case HUSK_KIND_MAP:
        clear = husk_map_clear;
        break;
    case HUSK_KIND_WEAKKEYMAP:
        clear = husk_weakkeymap_clear;
        break;
    case HUSK_KIND_WEAKVALUEMAP:
        clear = husk_weakvaluemap_clear;
        break;
    case HUSK_KIND_WEAKSET:
        clear = husk_weakset_clear;
        break;
    default:
        husk_lua_push_arg_error(L, "husk.clear", 1, "container");
        return lua_error(L);
    }
    husk_lua_enter(L, husk_obj_heap(self));
    husk_obj_retain(self);
    return husk_lua_finish(L, self, NULL, clear(self));
}

/* ---- metatables ---- */

static int kind_of(husk_obj *obj)
{
    if (husk_cleanup_of(obj))
        return HUSK_LUA_CLEANUP;
    if (husk_soft_of(obj))
        return HUSK_LUA_SOFT;
    if (husk_watch_of(obj))
        return HUSK_LUA_WATCH;
    return husk_deadqueue_of(obj) ? HUSK_LUA_QUEUE : (int)husk_obj_kind(obj);
}

void husk_lua_push_meta(lua_State *L, const husk_type *type, husk_obj *obj)
{
    husk_lua_table(L, HUSK_LUA_METAS);
    if (lua_rawgetp(L, -1, type) == LUA_TNIL) { /* once for each type */
        lua_pop(L, 1);
        luaL_checkstack(L, 16, NULL);
        int kind = obj ? kind_of(obj) : HUSK_KIND_RECORD;
        if (kind == HUSK_KIND_RECORD) {
            husk_lua_push_record_meta(L, type);
        } else if (lua_rawgeti(L, -1, kind) == LUA_TNIL) {
            lua_pop(L, 1);
            husk_lua_table(L, HUSK_LUA_EMPTY);
        }
        lua_pushvalue(L, -1);
        lua_rawsetp(L, -3, type);
    }
    lua_remove(L, -2);
}

const luaL_Reg husk_lua_ends[] = {
    { "__gc", husk_lua_gc },
    { "__close", husk_lua_release },
    { "__tostring", husk_lua_tostring },
    { NULL, NULL },
};

void husk_lua_open_kind(lua_State *L, int kind, const char *name, const luaL_Reg *meta, lua_CFunction index,
                        const luaL_Reg *methods)
{
    static const luaL_Reg all[] = { { "release", husk_lua_release },
                                    { "close", husk_lua_release },
                                    { NULL, NULL } };
    husk_lua_base_meta(L, name, husk_lua_ends);
    luaL_setfuncs(L, meta, 0);
    if (methods) {
        lua_newtable(L);
        luaL_setfuncs(L, methods, 0);
        luaL_setfuncs(L, all, 0);
        lua_pushvalue(L, -1);
        lua_setfield(L, -3, "methods");
        lua_pushcclosure(L, index, 1);
        lua_setfield(L, -2, "__index");
    }
    husk_lua_table(L, HUSK_LUA_METAS);
    lua_rotate(L, -2, 1);
    lua_rawseti(L, -2, kind);
    lua_pop(L, 1);
}

void husk_lua_open_kinds(lua_State *L)
{
    static const luaL_Reg none[] = { { NULL, NULL } };
    static const luaL_Reg methods[] = { { "get", box_get }, { NULL, NULL } };
    static const luaL_Reg functions[] = { { "new_box", new_box },
                                          { "clear", husk_lua_clear },
                                          { NULL, NULL } };
    husk_lua_open_kind(L, HUSK_KIND_BOX, "husk.Box", none, box_index, methods);
    luaL_setfuncs(L, functions, 0);
}
