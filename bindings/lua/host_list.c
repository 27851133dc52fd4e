/* bindings/lua/host_list.c: lists: l[i] from 1, l[#l + 1] = v appends, #l, pairs, ipairs, l:append, l:insert,
 * l:remove, l:clear, l:extend. */
#include "host.h"

#include <stdio.h>

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
        return husk_lua_push_method(L, "list"); /* also of a dead handle: it may be released again */
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
    husk_lua_check_any(L, 2, "list:append");
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
    husk_lua_check_any(L, 3, "list:insert");
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

/* list:extend(table): items 1 to #table at the end; all of them, or none if one cannot be stored. */
static int list_extend(lua_State *L)
{
    husk_obj *list = check_list(L, "list:extend");
    if (lua_type(L, 2) != LUA_TTABLE) {
        husk_lua_push_arg_error(L, "list:extend", 2, "table");
        return lua_error(L);
    }
    husk_heap *heap = husk_obj_heap(list);
    husk_lua_enter(L, heap);
    size_t before = husk_list_count(list);
    husk_lua_trouble trouble;
    lua_Integer count = (lua_Integer)lua_rawlen(L, 2);
    for (lua_Integer i = 1; i <= count; i++) { /* nothing in here runs other code */
        husk_value v;
        husk_obj *text;
        lua_rawgeti(L, 2, i);
        bool fine = husk_lua_to_value(L, -1, heap, "list:extend", &v, &text, &trouble);
        if (fine) {
            trouble.status = husk_list_append(list, v);
            fine = trouble.status == HUSK_OK;
            if (!fine)
                snprintf(trouble.text, sizeof trouble.text, "list:extend: %s", husk_heap_message(heap));
            if (text)
                husk_obj_release(text);
        }
        if (!fine) {
            while (husk_list_count(list) >
                   before) /* the table has them all, so nothing ends here but texts */
                (void)husk_list_remove(list, husk_list_count(list) - 1, NULL);
            return husk_lua_raise(L, &trouble);
        }
        lua_pop(L, 1);
    }
    return 0;
}

void husk_lua_open_lists(lua_State *L)
{
    static const luaL_Reg meta[] = {
        { "__newindex", list_newindex },
        { "__len", list_len },
        { "__pairs", list_pairs },
        { NULL, NULL },
    };
    static const luaL_Reg methods[] = {
        { "append", list_append }, { "extend", list_extend },   { "insert", list_insert },
        { "remove", list_remove }, { "clear", husk_lua_clear }, { NULL, NULL },
    };
    husk_lua_open_kind(L, HUSK_KIND_LIST, "husk.List", meta, list_index, methods);
    lua_pushcfunction(L, new_list);
    lua_setfield(L, -2, "new_list");
}
