/* bindings/lua/host_ledger.c: the ledger of references from scripts: core.ledger, a table of functions whose first
 * argument is the heap or the object. husk/ledger.lua makes of them what scripts see. */
#include "host.h"

#include <stdio.h>
#include <stdlib.h>

#define LIST_META "husk.core.LedgerList"

/* A list that must be freed whatever Lua does, and the text of a row. */
typedef struct listed {
    husk_ledger_list *list;
    char *text;
} listed;

static int end_listed(lua_State *L)
{
    listed *l = lua_touserdata(L, 1);
    husk_ledger_list_free(l->list);
    free(l->text);
    *l = (listed){ 0 };
    return 0;
}

static listed *push_listed(lua_State *L)
{
    listed *l = lua_newuserdatauv(L, sizeof *l, 0);
    *l = (listed){ 0 };
    luaL_setmetatable(L, LIST_META);
    return l;
}

void husk_lua_note_ledger(husk_lua_host *host, bool on)
{
    if (host->ledger != on)
        husk_lua_bridged += on ? 1 : -1;
    host->ledger = on;
}

/* ---- on and off ---- */

static lua_Integer option(lua_State *L, int at, const char *name, lua_Integer most)
{
    lua_Integer number = 0;
    if (lua_isnoneornil(L, at))
        return 0;
    if (!husk_lua_entry_integer(L, at, "husk.ledger.start", name, &number))
        lua_error(L);
    if (number > most) {
        husk_lua_push_error(L, HUSK_ERANGE, "husk.ledger.start: %s %I; at most %I", name, number, most);
        lua_error(L);
    }
    return number;
}

/* The list at `at`, of classes and names, as both arrays, which lie in a userdata that is pushed. */
static void take_types(lua_State *L, int at, husk_ledger_options *options)
{
    size_t count = lua_rawlen(L, at);
    const void **both = lua_newuserdatauv(L, (count ? count : 1) * 2 * sizeof *both, 0);
    const husk_type **types = (const husk_type **)both;
    const char **names = (const char **)(both + count);
    for (size_t i = 0; i < count; i++) {
        lua_rawgeti(L, at, (lua_Integer)i + 1);
        if (lua_type(L, -1) == LUA_TSTRING) /* it stays in the list */
            names[options->name_count++] = husk_lua_check_name(L, -1, "husk.ledger.start", "a type's name");
        else if ((types[options->type_count] = husk_lua_arg_type(L, lua_gettop(L), "husk.ledger.start")))
            options->type_count++;
        else
            lua_error(L);
        lua_pop(L, 1);
    }
    options->types = types;
    options->names = names;
}

/* core.ledger.start(heap, types, frames, deaths, max_bytes, sources): false if it is on already. */
static int start(lua_State *L)
{
    static const char function[] = "husk.ledger.start";
    lua_settop(L, 6);
    husk_ledger_options options = { HUSK_LEDGER_OPTIONS,
                                    .frames = (uint32_t)option(L, 3, "frames", HUSK_TRACE_MOST_FRAMES),
                                    .deaths = (uint32_t)option(L, 4, "deaths", INT32_MAX),
                                    .max_bytes = (size_t)option(L, 5, "max_bytes", LUA_MAXINTEGER),
                                    .sources = (uint32_t)option(L, 6, "sources", 7) };
    if (!options.sources)
        options.sources = HUSK_TRACE_GIVEN | HUSK_TRACE_LANGUAGE;
    if (!lua_isnil(L, 4) && !options.deaths)
        options.deaths = HUSK_LEDGER_NO_DEATHS;
    if (!lua_isnil(L, 2))
        take_types(L, 2, &options);
    husk_heap *heap = husk_lua_check_heap(L, 1, function);
    if (husk_ledger_is_on(heap)) {
        lua_pushboolean(L, 0);
        return 1;
    }
    husk_status status = husk_ledger_start(heap, &options);
    if (status != HUSK_OK)
        return husk_lua_fail(L, heap, status);
    husk_lua_note_ledger(husk_heap_data(heap), true);
    lua_pushboolean(L, 1);
    return 1;
}

static int stop(lua_State *L)
{
    husk_heap *heap = husk_lua_check_heap(L, 1, "husk.ledger.stop");
    husk_ledger_stop(heap);
    husk_lua_note_ledger(husk_heap_data(heap), false);
    return 0;
}

static int is_on(lua_State *L)
{
    lua_pushboolean(L, husk_ledger_is_on(husk_lua_check_heap(L, 1, "husk.ledger.is_on")));
    return 1;
}

static int clear(lua_State *L)
{
    husk_ledger_clear(husk_lua_check_heap(L, 1, "husk.ledger.clear"));
    return 0;
}

/* core.ledger.choose(heap, class, in) */
static int choose(lua_State *L)
{
    static const char function[] = "husk.ledger.choose";
    lua_settop(L, 3);
    const husk_type *type = husk_lua_arg_type(L, 2, function);
    if (!type)
        return lua_error(L);
    husk_heap *heap = husk_lua_check_heap(L, 1, function);
    husk_status status = husk_ledger_choose(heap, type, lua_toboolean(L, 3));
    return status == HUSK_OK ? 0 : husk_lua_fail(L, heap, status);
}

static void set_size(lua_State *L, const char *name, uint64_t value)
{
    husk_lua_push_size(L, value);
    lua_setfield(L, -2, name);
}

static int figures(lua_State *L)
{
    husk_ledger_figures now;
    husk_ledger_figures_get(husk_lua_check_heap(L, 1, "husk.ledger.figures"), &now);
    lua_createtable(L, 0, 11);
    set_size(L, "objects", now.objects);
    set_size(L, "entries", now.entries);
    set_size(L, "before", now.before);
    set_size(L, "lost", now.lost);
    set_size(L, "unpaired", now.unpaired);
    set_size(L, "retains", now.retains);
    set_size(L, "releases", now.releases);
    set_size(L, "missed", now.missed);
    set_size(L, "own_bytes", now.own_bytes);
    set_size(L, "max_bytes", now.max_bytes);
    set_size(L, "frames", now.frames);
    return 1;
}

static int push(lua_State *L)
{
    const char *owner = husk_lua_check_name(L, 2, "husk.ledger.owner", "the owner");
    husk_heap *heap = husk_lua_check_heap(L, 1, "husk.ledger.owner");
    husk_status status = husk_ledger_push(heap, owner);
    return status == HUSK_OK ? 0 : husk_lua_fail(L, heap, status);
}

static int pop(lua_State *L)
{
    husk_heap *heap = husk_lua_check_heap(L, 1, "husk.ledger.owner");
    husk_status status = husk_ledger_pop(heap);
    return status == HUSK_OK ? 0 : husk_lua_fail(L, heap, status);
}

/* ---- looking ---- */

static void set_text(lua_State *L, const char *name, const char *text)
{
    if (!*text)
        return;
    lua_pushstring(L, text);
    lua_setfield(L, -2, name);
}

static void push_row(lua_State *L, listed *l, size_t index)
{
    static const char *const kinds[] = { "retain", "birth", "release", "death" };
    static const char *const owners[] = { "nobody", "slot", "name" };
    husk_ledger_entry entry;
    husk_place_frame frame;
    (void)husk_ledger_list_get(l->list, index, &entry);
    lua_createtable(L, 0, 10);
    set_size(L, "count", entry.count);
    set_size(L, "objects", entry.objects);
    set_text(L, "type", entry.type);
    set_text(L, "kind", kinds[entry.kind]);
    set_text(L, "owner", owners[entry.owner]);
    set_text(L, "name", entry.name);
    set_text(L, "holder", entry.holder);
    if (entry.number)
        set_size(L, "number", entry.number);
    lua_pushboolean(L, entry.gone);
    lua_setfield(L, -2, "gone");
    size_t length = husk_ledger_list_text(l->list, index, 0, NULL, 0);
    l->text = malloc(length + 1);
    if (!l->text)
        luaL_error(L, "not enough memory");
    (void)husk_ledger_list_text(l->list, index, 0, l->text, length + 1);
    set_text(L, "text", l->text);
    free(l->text);
    l->text = NULL;
    lua_createtable(L, (int)entry.frames, 0);
    for (size_t i = 0; husk_ledger_list_frame(l->list, index, i, &frame); i++) {
        husk_lua_push_frame(L, frame.file, frame.line, frame.function, frame.address);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_setfield(L, -2, "traceback");
}

/* The rows as a list; l, on top, is given up. */
static void push_rows(lua_State *L, listed *l)
{
    int at = lua_gettop(L);
    size_t count = husk_ledger_list_count(l->list);
    lua_createtable(L, (int)count, 0);
    for (size_t i = 0; i < count; i++) {
        push_row(L, l, i);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_pushcfunction(L, end_listed);
    lua_pushvalue(L, at);
    lua_call(L, 1, 0);
    lua_remove(L, at);
}

/* x, or what a weak reference refers to; NULL: gone. Nothing runs until the next call of Lua. */
static husk_obj *subject(lua_State *L, const char *function)
{
    husk_obj *obj = husk_lua_check_obj(L, 1, function);
    if (husk_obj_kind(obj) != HUSK_KIND_WEAK)
        return obj;
    obj = husk_weak_lock(husk_weak_of(obj));
    if (!obj)
        return NULL;
    bool others = husk_obj_strong_count(obj) > 1;
    husk_obj_release(obj); /* a reference of ours is no news */
    return others ? obj : NULL;
}

/* core.ledger.of(x, flags): rows, and a table of figures; nil: gone, or in no ledger. */
static int of(lua_State *L)
{
    static const char function[] = "husk.ledger.of";
    lua_settop(L, 2);
    listed *l = push_listed(L);
    husk_obj *obj = subject(L, function);
    husk_ledger_book book;
    if (!obj || !husk_ledger_book_get(obj, &book)) {
        lua_pushnil(L);
        return 1;
    }
    husk_status status = husk_ledger_of(obj, (uint32_t)lua_tointeger(L, 2), &l->list);
    if (status != HUSK_OK)
        return husk_lua_fail(L, husk_obj_heap(obj), status);
    push_rows(L, l);
    lua_createtable(L, 0, 5);
    set_size(L, "number", book.number);
    set_size(L, "count", book.count);
    set_size(L, "before", book.before);
    set_size(L, "lost", book.lost);
    set_size(L, "unpaired", book.unpaired);
    return 2;
}

/* core.ledger.born(x): frames, newest first, or nil. */
static int born(lua_State *L)
{
    static const char function[] = "husk.ledger.of";
    husk_place_frame frame;
    lua_settop(L, 1);
    if (!husk_ledger_born(husk_lua_check_obj(L, 1, function), 0, &frame)) {
        lua_pushnil(L);
        return 1;
    }
    lua_newtable(L);
    /* Making tables may run any code: the object is looked at again for each frame. */
    for (size_t i = 0; husk_ledger_born(husk_lua_check_obj(L, 1, function), i, &frame); i++) {
        husk_lua_push_place(L, &frame);
        lua_rawseti(L, 2, (lua_Integer)i + 1);
    }
    return 1;
}

/* core.ledger.number(x): its number, or nil. */
static int number(lua_State *L)
{
    husk_ledger_book book;
    if (husk_ledger_book_get(husk_lua_check_obj(L, 1, "husk.ledger.of"), &book))
        husk_lua_push_size(L, book.number);
    else
        lua_pushnil(L);
    return 1;
}

/* core.ledger.all(heap, class or nil, flags): rows. */
static int all(lua_State *L)
{
    static const char function[] = "husk.ledger.all";
    lua_settop(L, 3);
    const husk_type *type = lua_isnil(L, 2) ? NULL : husk_lua_arg_type(L, 2, function);
    if (!type && !lua_isnil(L, 2))
        return lua_error(L);
    listed *l = push_listed(L);
    husk_heap *heap = husk_lua_check_heap(L, 1, function);
    husk_status status = husk_ledger_all(heap, type, (uint32_t)lua_tointeger(L, 3), &l->list);
    if (status != HUSK_OK)
        return husk_lua_fail(L, heap, status);
    push_rows(L, l);
    return 1;
}

/* core.ledger.find(heap, number): a handle, or nil. */
static int find(lua_State *L)
{
    static const char function[] = "husk.ledger.find";
    lua_Integer number = 0;
    if (!husk_lua_arg_integer(L, 2, function, 1, LUA_MAXINTEGER, &number))
        return lua_error(L);
    lua_settop(L, 2);
    husk_lua_proxy *made = husk_lua_proxy_new(L);
    husk_obj *obj = husk_ledger_find(husk_lua_check_heap(L, 1, function), (uint64_t)number);
    if (!obj) {
        lua_pushnil(L);
        return 1;
    }
    husk_obj_retain(obj);
    husk_lua_push_owned(L, made, obj);
    return 1;
}

/* Adds to the core table on top: ledger. */
void husk_lua_open_ledgers(lua_State *L)
{
    static const luaL_Reg functions[] = {
        { "start", start },   { "stop", stop },       { "is_on", is_on }, { "clear", clear },
        { "choose", choose }, { "figures", figures }, { "push", push },   { "pop", pop },
        { "of", of },         { "all", all },         { "find", find },   { "number", number },
        { "born", born },     { NULL, NULL },
    };
    luaL_newmetatable(L, LIST_META);
    lua_pushcfunction(L, end_listed);
    lua_setfield(L, -2, "__gc");
    lua_pop(L, 1);
    luaL_newlib(L, functions);
    lua_setfield(L, -2, "ledger");
}
