/* bindings/lua/host_walk.c: lists of objects: all of them, what one refers to, who refers to one, the garbage
 * list; and how many there are of each type.
 *
 * The callbacks of a walk may not touch Lua, and the proxies have to be there before: a walk counts, empty
 * proxies are made (which may change the heap, so it counts again), and a second walk fills them. */
#include "host.h"

#include <stdlib.h>

typedef struct found {
    husk_lua_proxy **proxies; /* NULL: count only */
    size_t count, room;
    const husk_type *only; /* of this type; NULL: any */
    const husk_obj *last;  /* of a referrer with several slots: shown once */
} found;

typedef void gather_fn(lua_State *L, found *into);

static void found_one(found *into, husk_obj *obj)
{
    if (into->only && husk_obj_type(obj) != into->only)
        return;
    if (into->proxies && into->count < into->room) {
        husk_obj_retain(obj);
        husk_lua_fill(into->proxies[into->count], husk_lua_host_of(obj), obj);
    }
    into->count++;
}

static bool walk_objects(husk_obj *obj, void *into)
{
    found_one(into, obj);
    return true;
}

static bool walk_referents(const husk_edge *edge, void *into)
{
    found_one(into, edge->to);
    return true;
}

static bool walk_referrers(const husk_edge *edge, void *data)
{
    found *into = data;
    if (edge->from != into->last)
        found_one(into, edge->from);
    into->last = edge->from;
    return true;
}

static void gather_objects(lua_State *L, found *into)
{
    husk_heap_each(husk_lua_check_heap(L, 1, "heap:objects"), walk_objects, into);
}

static void gather_referents(lua_State *L, found *into)
{
    husk_obj_each_referent(husk_lua_check_obj(L, 1, "husk.referents"), walk_referents, into);
}

static void gather_referrers(lua_State *L, found *into)
{
    husk_obj_each_referrer(husk_lua_check_obj(L, 1, "husk.referrers"), walk_referrers, into);
}

static void gather_garbage(lua_State *L, found *into)
{
    husk_heap *heap = husk_lua_check_heap(L, 1, "heap:garbage");
    size_t count = husk_heap_garbage_count(heap);
    for (size_t i = 0; i < count; i++) {
        husk_obj *obj = husk_heap_garbage(heap, i);
        if (obj) {
            found_one(into, obj);
            husk_obj_release(obj); /* the list has it, and perhaps a proxy */
        }
    }
}

static void gather_weaks(lua_State *L, found *into)
{
    husk_obj_each_weak(husk_lua_check_obj(L, 1, "husk.weak.list"), walk_objects, into);
}

/* Returns a table with what gather finds, each object as its one proxy, a text as a string. */
static int list_of(lua_State *L, gather_fn *gather, const husk_type *only)
{
    husk_lua_proxy **proxies = NULL;
    size_t room = 0;
    lua_newtable(L); /* keeps the proxies, from 1, and at 0 the array of their addresses */
    int keep = lua_gettop(L);
    for (;;) { /* until the heap has not grown while proxies were made */
        found all = { .only = only };
        gather(L, &all);
        if (all.count <= room)
            break;
        size_t wanted = all.count;
        husk_lua_proxy **more = lua_newuserdatauv(L, wanted * sizeof *more, 0);
        if (room)
            memcpy(more, proxies, room * sizeof *more);
        proxies = more;
        lua_rawseti(L, keep, 0);
        for (; room < wanted; room++) {
            proxies[room] = husk_lua_proxy_new(L);
            lua_rawseti(L, keep, (lua_Integer)room + 1);
        }
    }
    lua_createtable(L, room < INT_MAX ? (int)room : 0, 0);
    found all = { .only = only, .proxies = proxies, .room = room };
    if (room)
        gather(L, &all);
    lua_Integer shown = 0;
    for (size_t i = 0; i < room; i++) {
        husk_obj *obj = husk_lua_proxy_obj(proxies[i]);
        if (!obj)
            continue;                      /* fewer than before, or the heap was closed meanwhile */
        if (husk_lua_push_known(L, obj)) { /* text, or another proxy has it */
            husk_lua_proxy_end(L, proxies[i]);
        } else {
            lua_rawgeti(L, keep, (lua_Integer)i + 1);
            husk_lua_name(L, proxies[i], obj);
        }
        lua_rawseti(L, -2, ++shown);
    }
    return 1;
}

static int heap_objects(lua_State *L)
{
    const husk_type *only = NULL;
    if (!lua_isnoneornil(L, 2) && !(only = husk_lua_arg_type(L, 2, "heap:objects")))
        return lua_error(L);
    lua_settop(L, 2);
    return list_of(L, gather_objects, only);
}

static int heap_garbage(lua_State *L)
{
    lua_settop(L, 1);
    return list_of(L, gather_garbage, NULL);
}

static int referents(lua_State *L)
{
    lua_settop(L, 1);
    return list_of(L, gather_referents, NULL);
}

static int referrers(lua_State *L)
{
    lua_settop(L, 1);
    return list_of(L, gather_referrers, NULL);
}

static int weaks(lua_State *L)
{
    lua_settop(L, 1);
    return list_of(L, gather_weaks, NULL);
}

/* ---- census ---- */

typedef struct census {
    const husk_type **types; /* by type id */
    size_t *counts;
    size_t room;
    bool failed;
} census;

static bool count_type(husk_obj *obj, void *data)
{
    census *all = data;
    const husk_type *type = husk_obj_type(obj);
    size_t id = husk_type_id(type);
    if (id >= all->room) {
        size_t room = id + 64;
        const husk_type **types = realloc(all->types, room * sizeof *types);
        if (types)
            all->types = types;
        size_t *counts = realloc(all->counts, room * sizeof *counts);
        if (counts)
            all->counts = counts;
        if (!types || !counts) {
            all->failed = true;
            return false;
        }
        memset(types + all->room, 0, (room - all->room) * sizeof *types);
        memset(counts + all->room, 0, (room - all->room) * sizeof *counts);
        all->room = room;
    }
    all->types[id] = type;
    all->counts[id]++;
    return true;
}

static int push_census(lua_State *L)
{
    const census *all = lua_touserdata(L, 1);
    lua_newtable(L);
    for (size_t id = 0; id < all->room; id++) {
        if (!all->counts[id])
            continue;
        const char *name = husk_type_name(all->types[id]);
        lua_getfield(L, -1, name); /* types of one name are counted together */
        husk_lua_push_size(L, all->counts[id] + (size_t)lua_tointeger(L, -1));
        lua_setfield(L, -3, name);
        lua_pop(L, 1);
    }
    return 1;
}

/* heap:census(): how many objects of each type there are, by its name. */
static int heap_census(lua_State *L)
{
    census all = { 0 };
    husk_heap_each(husk_lua_check_heap(L, 1, "heap:census"), count_type, &all);
    lua_pushcfunction(L, push_census);
    lua_pushlightuserdata(L, &all);
    int status = all.failed ? LUA_ERRMEM : lua_pcall(L, 1, 1, 0);
    free(all.types);
    free(all.counts);
    if (all.failed)
        return luaL_error(L, "not enough memory");
    return status == LUA_OK ? 1 : lua_error(L);
}

void husk_lua_open_walks(lua_State *L)
{
    static const luaL_Reg functions[] = {
        { "referents", referents },
        { "referrers", referrers },
        { "weaks", weaks },
        { NULL, NULL },
    };
    static const luaL_Reg methods[] = {
        { "objects", heap_objects },
        { "garbage", heap_garbage },
        { "census", heap_census },
        { NULL, NULL },
    };
    luaL_setfuncs(L, functions, 0);
    lua_getfield(L, -1, "heap");
    luaL_setfuncs(L, methods, 0);
    lua_pop(L, 1);
}
