/* bindings/lua/host.c: ownership. Proxies and their holds, doors and their hosts, the tokens of Lua values
 * that Husk keeps, and the lib that ends them all. The picture and the rules are in host.h. */
#include "host.h"

#include <stdlib.h>

const char husk_lua_key[HUSK_LUA_KEYS];
const char husk_lua_proxy_magic, husk_lua_door_magic;

husk_lua_lib *husk_lua_lib_get(lua_State *L)
{
    husk_lua_table(L, HUSK_LUA_LIB);
    husk_lua_lib *lib = lua_touserdata(L, -1);
    lua_pop(L, 1);
    if (!lib)
        luaL_error(L, "husk: the library has been taken out of the registry");
    return lib;
}

husk_lua_host *husk_lua_host_of(const husk_obj *obj)
{
    return husk_heap_data(husk_obj_heap(obj));
}

/* ---- holds ---- */

static void ring_link(husk_lua_hold *ring, husk_lua_hold *hold)
{
    hold->prev = ring->prev;
    hold->next = ring;
    hold->prev->next = hold;
    ring->prev = hold;
}

/* Takes the hold's object, and its reference, out of its ring: the hold has ended. */
static husk_obj *hold_end(husk_lua_hold *hold)
{
    husk_obj *obj = hold->obj;
    hold->obj = NULL;
    hold->prev->next = hold->next;
    hold->next->prev = hold->prev;
    return obj;
}

static husk_lua_hold *hold_new(lua_State *L, husk_lua_lib *lib)
{
    if (!lib->free_holds) {
        size_t count = lib->slab;
        husk_lua_hold *slab = lua_newuserdatauv(L, count * sizeof *slab, 0);
        husk_lua_table(L, HUSK_LUA_SLABS);
        lua_rotate(L, -2, 1);
        lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1); /* before use: it may raise */
        lua_pop(L, 1);
        memset(slab, 0, count * sizeof *slab);
        for (size_t i = 0; i < count; i++) {
            slab[i].next = lib->free_holds;
            lib->free_holds = &slab[i];
        }
        lib->slab = count < 16384 ? count * 2 : count;
    }
    husk_lua_hold *hold = lib->free_holds;
    lib->free_holds = hold->next;
    memset(hold, 0, sizeof *hold);
    return hold;
}

static void hold_free(husk_lua_lib *lib, husk_lua_hold *hold)
{
    hold->next = lib->free_holds;
    lib->free_holds = hold;
}

/* ---- hosts ---- */

static void close_host(lua_State *L, husk_lua_host *host)
{
    husk_heap *heap = host->heap;
    host->closing = true;
    host->L = L;
    husk_heap_run_cleanups(heap); /* newest first, before handles go and objects with them */
    host->L = L;
    while (host->ring.next != &host->ring) {
        husk_ledger_release(hold_end(host->ring.next), HUSK_LUA_OWNER); /* hooks run as usual */
        host->L = L;
    }
    husk_heap_close(heap);
    husk_lua_note_ledger(host, false);
    while (host->ring.next != &host->ring)
        (void)hold_end(host->ring.next); /* its object is gone with the heap */
    host->heap = NULL;
    host->closing = false;
    husk_lua_leave_slow(L, host);
    husk_lua_table(L, HUSK_LUA_VALUES);
    lua_pushnil(L);
    lua_rawsetp(L, -2, host);
    lua_pop(L, 1);
}

/* Closes a heap that nobody can reach any more, and forgets a closed one. The host may be gone afterwards. */
static void settle(lua_State *L, husk_lua_host *host)
{
    if (host->doors || host->hooks || host->closing || host->pinned)
        return;
    if (host->lib->bridged) {
        host->unsettled = true;
        return;
    }
    if (host->heap && host->ring.next == &host->ring)
        close_host(L, host);
    if (!host->heap && !host->holds && !host->doors && host->next) {
        host->prev->next = host->next;
        host->next->prev = host->prev;
        host->next = NULL;
        husk_lua_table(L, HUSK_LUA_HOSTS);
        lua_pushnil(L);
        lua_rawsetp(L, -2, host);
        lua_pop(L, 1);
    }
}

/* After bridged mode: what would have been settled in it. */
void husk_lua_settle_all(lua_State *L, husk_lua_lib *lib)
{
    for (husk_lua_host *host = lib->hosts.next; host != &lib->hosts;) {
        bool due = host->unsettled;
        host->unsettled = false;
        if (due)
            settle(L, host);
        host = due ? lib->hosts.next : host->next; /* settling may have taken any of them out */
    }
}

void husk_lua_sweep(lua_State *L, husk_lua_lib *lib)
{
    husk_lua_table(L, HUSK_LUA_VALUES);
    for (husk_lua_token *token; (token = lib->loose);) {
        lib->loose = token->next;
        lib->swept++;
        lua_pushnil(L);
        lua_rawsetp(L, -2, token); /* an existing key: allocates nothing */
        free(token);
    }
    lua_pop(L, 1);
}

/* Frees what Husk has let go, and hands errors to the script. */
void husk_lua_leave_slow(lua_State *L, husk_lua_host *host)
{
    husk_lua_lib *lib = host->lib;
    if (!lua_checkstack(L, 8))
        return; /* the next call will do it */
    if (lib->loose)
        husk_lua_sweep(L, lib);
    if (!host->hooks && !host->closing)
        husk_lua_deliver(L, host);
}

/* ---- proxies ---- */

husk_lua_proxy *husk_lua_proxy_at(lua_State *L, int at)
{
    husk_lua_proxy *proxy = lua_touserdata(L, at);
    if (!proxy || lua_rawlen(L, at) != sizeof *proxy) /* 0 for light userdata */
        return NULL;
    return proxy->magic == &husk_lua_proxy_magic ? proxy : NULL;
}

husk_lua_proxy *husk_lua_proxy_bare(lua_State *L, husk_lua_lib *lib)
{
    husk_lua_proxy *proxy = lua_newuserdatauv(L, sizeof *proxy, 1); /* the user value: host_bridge.c */
    proxy->magic = &husk_lua_proxy_magic;
    proxy->type = NULL;
    proxy->hold = NULL;
    proxy->hold = hold_new(L, lib);
    return proxy;
}

void husk_lua_proxy_unused(husk_lua_proxy *proxy, husk_lua_lib *lib)
{
    hold_free(lib, proxy->hold);
    proxy->hold = NULL;
}

husk_lua_proxy *husk_lua_proxy_new(lua_State *L)
{
    husk_lua_proxy *proxy = husk_lua_proxy_bare(L, husk_lua_lib_get(L));
    husk_lua_table(L, HUSK_LUA_EMPTY);
    lua_setmetatable(L, -2);
    return proxy;
}

/* The part of adoption that touches no Lua, for walks. */
void husk_lua_fill(husk_lua_proxy *proxy, husk_lua_host *host, husk_obj *obj)
{
    husk_lua_hold *hold = proxy->hold;
    proxy->type = husk_obj_type(obj);
    hold->obj = obj;
    hold->host = host;
    husk_ledger_give(obj, NULL, HUSK_LUA_OWNER);
    /* A handle on a condemned object would bring it back, were it to last until Lua collects it. */
    bool passing = host->hooks && (host->closing || husk_obj_is_dying(obj));
    ring_link(passing ? &host->passing : &host->ring, hold);
    host->holds++;
}

/* The other part: the proxy on top becomes the one of its object. */
void husk_lua_name(lua_State *L, husk_lua_proxy *proxy, husk_obj *obj)
{
    husk_lua_table(L, HUSK_LUA_PROXIES);
    lua_pushvalue(L, -2);
    lua_rawsetp(L, -2, obj);
    lua_pop(L, 1);
    husk_lua_push_meta(L, proxy->type, obj);
    lua_setmetatable(L, -2);
}

void husk_lua_adopt(lua_State *L, husk_lua_proxy *proxy, husk_obj *obj)
{
    husk_lua_fill(proxy, husk_lua_host_of(obj), obj);
    husk_lua_name(L, proxy, obj);
}

bool husk_lua_push_proxy(lua_State *L, husk_obj *obj)
{
    husk_lua_table(L, HUSK_LUA_PROXIES);
    lua_rawgetp(L, -1, obj);
    const husk_lua_proxy *proxy = lua_touserdata(L, -1);
    if (proxy && husk_lua_proxy_obj(proxy) == obj) {
        lua_remove(L, -2);
        return true;
    }
    lua_pop(L, 2);
    return false;
}

bool husk_lua_is_text(husk_obj *obj)
{
    const husk_type *type = husk_obj_type(obj);
    husk_lua_lib *lib = husk_lua_host_of(obj)->lib;
    if (type == lib->text_type)
        return true;
    if (husk_obj_kind(obj) != HUSK_KIND_TEXT)
        return false;
    lib->text_type = type;
    return true;
}

bool husk_lua_push_known(lua_State *L, husk_obj *obj)
{
    if (husk_lua_push_proxy(L, obj)) /* the question whether it is a text costs more */
        return true;
    if (!husk_lua_is_text(obj))
        return false;
    lua_pushlstring(L, husk_text_bytes(obj), husk_text_length(obj)); /* copies before anything can run */
    return true;
}

void husk_lua_push_owned(lua_State *L, husk_lua_proxy *made, husk_obj *obj)
{
    bool text = husk_lua_is_text(obj);
    if (!text && husk_lua_push_proxy(L, obj)) {
        husk_obj_release(obj); /* the proxy has one */
        return;
    }
    if (!text) {
        husk_lua_adopt(L, made, obj);
        return;
    }
    husk_lua_fill(made, husk_lua_host_of(obj),
                  obj); /* owned by a hold while Lua copies, which may run anything */
    lua_pushlstring(L, husk_text_bytes(obj), husk_text_length(obj));
    husk_lua_proxy_end(L, made);
}

void husk_lua_proxy_end(lua_State *L, husk_lua_proxy *proxy)
{
    husk_lua_hold *hold = proxy->hold;
    if (!hold)
        return;
    proxy->hold = NULL;
    husk_lua_host *host = hold->host;
    if (!host) { /* never adopted */
        hold_free(husk_lua_lib_get(L), hold);
        return;
    }
    husk_obj *obj = hold->obj ? hold_end(hold) : NULL;
    hold_free(host->lib, hold);
    if (obj) {
        host->L = L;
        husk_ledger_release(obj, HUSK_LUA_OWNER);
        husk_lua_leave(L, host);
    }
    host->holds--; /* last: until here the host stays */
    settle(L, host);
}

/* After a hook: the handles on condemned objects that it was shown, its own first of all. */
void husk_lua_passing_end(husk_lua_host *host)
{
    while (host->passing.next != &host->passing)
        husk_ledger_release(hold_end(host->passing.next), HUSK_LUA_OWNER);
}

int husk_lua_gc(lua_State *L)
{
    husk_lua_proxy *proxy = husk_lua_proxy_at(L, 1);
    if (proxy)
        husk_lua_proxy_end(L, proxy);
    return 0;
}

/* husk.release(x), x:close(), x:release(). A dead handle is fine, as for every call that ends something. */
int husk_lua_release(lua_State *L)
{
    husk_lua_barrier(L);
    husk_lua_proxy *proxy = husk_lua_proxy_at(L, 1);
    if (!proxy) {
        husk_lua_push_arg_error(L, "husk.release", 1, "object of a heap");
        return lua_error(L);
    }
    husk_lua_proxy_end(L, proxy);
    return 0;
}

/* ---- tokens ---- */

husk_lua_token *husk_lua_token_new(lua_State *L, int value_at)
{
    value_at = lua_absindex(L, value_at);
    husk_lua_lib *lib = husk_lua_lib_get(L);
    husk_lua_table(L, HUSK_LUA_VALUES);
    lua_pushvalue(L, value_at);
    husk_lua_token *token = malloc(sizeof *token);
    if (!token)
        luaL_error(L, "not enough memory");
    token->lib = lib;
    token->unseen = token->at_exit = false;
    token->next = lib->loose; /* while the next line may raise, it is one to sweep */
    lib->loose = token;
    lua_rawsetp(L, -2, token);
    lib->loose = token->next;
    lua_pop(L, 1);
    return token;
}

void husk_lua_forget(lua_State *L, const husk_lua_token *token)
{
    husk_lua_table(L, HUSK_LUA_VALUES);
    lua_pushboolean(L, 0);
    lua_rawsetp(L, -2, token); /* an existing key: allocates nothing */
    lua_pop(L, 1);
}

void husk_lua_token_loose(void *data)
{
    husk_lua_token *token = data;
    token->next = token->lib->loose;
    token->lib->loose = token;
}

/* ---- doors ---- */

husk_lua_host *husk_lua_door_at(lua_State *L, int at)
{
    const husk_lua_door *door = lua_touserdata(L, at);
    if (!door || lua_rawlen(L, at) != sizeof *door)
        return NULL;
    return door->magic == &husk_lua_door_magic ? door->host : NULL;
}

static husk_lua_door *door_new(lua_State *L)
{
    husk_lua_door *door = lua_newuserdatauv(L, sizeof *door, 0);
    door->magic = &husk_lua_door_magic;
    door->host = NULL;
    luaL_setmetatable(L, HUSK_LUA_HEAP_META);
    return door;
}

static void door_bind(lua_State *L, husk_lua_door *door, husk_lua_host *host)
{
    door->host = host;
    host->doors++;
    husk_lua_table(L, HUSK_LUA_DOORS);
    lua_pushvalue(L, -2);
    lua_rawsetp(L, -2, host);
    lua_pop(L, 1);
}

/* The caller keeps the host alive: a proxy of it is on the stack. */
void husk_lua_push_door(lua_State *L, husk_lua_host *host)
{
    husk_lua_door *made = NULL;
    for (;;) {
        husk_lua_table(L, HUSK_LUA_DOORS);
        lua_rawgetp(L, -1, host);
        lua_remove(L, -2);
        husk_lua_door *door = lua_touserdata(L, -1);
        if (door && door->host == host)
            return;
        lua_pop(L, 1);
        if (made) {
            door_bind(L, made, host);
            return;
        }
        made = door_new(L);
    }
}

static int door_gc(lua_State *L)
{
    husk_lua_host *host = husk_lua_door_at(L, 1);
    if (!host || host->pinned)
        return 0;
    ((husk_lua_door *)lua_touserdata(L, 1))->host = NULL;
    host->doors--;
    settle(L, host);
    return 0;
}

/* heap:close(): all handles die with it, hooks run as at any death. */
static int door_close(lua_State *L)
{
    husk_lua_barrier(L);
    husk_lua_host *host = husk_lua_door_at(L, 1);
    if (!host || !host->heap)
        return 0;
    if (host->hooks || host->closing) {
        husk_lua_push_error(L, HUSK_EBUSY, "heap '%s' cannot close inside a hook of its own", host->name);
        return lua_error(L);
    }
    close_host(L, host);
    return 0;
}

static int door_is_closed(lua_State *L)
{
    const husk_lua_host *host = husk_lua_door_at(L, 1);
    lua_pushboolean(L, !host || !host->heap);
    return 1;
}

/* core.new_heap(name, max_bytes, stress, pinned). A pinned heap closes with the lib and its door never dies:
 * the default heap is there for the last finalizer, in whatever order lua_close goes. */
static int new_heap(lua_State *L)
{
    husk_lua_lib *lib = husk_lua_lib_get(L);
    const char *name = "heap";
    size_t length = strlen(name);
    if (!lua_isnoneornil(L, 1))
        name = lua_type(L, 1) == LUA_TSTRING ? lua_tolstring(L, 1, &length) : NULL;
    if (!name || strlen(name) != length) {
        char got[160];
        husk_lua_push_error(L, HUSK_EINVAL, "husk.heap: name is a string without NUL bytes (got %s)",
                            name ? "another string" : husk_lua_describe(L, 1, got, sizeof got));
        return lua_error(L);
    }
    lua_Integer max_bytes = 0;
    if (!lua_isnoneornil(L, 2) && !husk_lua_entry_integer(L, 2, "husk.heap", "max_bytes", &max_bytes))
        return lua_error(L);
    bool stress = lua_toboolean(L, 3) != 0;
    lua_settop(L, 4);
    if (lib->ended) {
        husk_lua_push_error(L, HUSK_ESTATE, "heap '%s': the Lua state is closing", name);
        return lua_error(L);
    }
    husk_lua_door *door = door_new(L);
    husk_lua_host *host = lua_newuserdatauv(L, sizeof *host, 0);
    memset(host, 0, sizeof *host);
    host->lib = lib;
    host->ring.prev = host->ring.next = &host->ring;
    host->passing.prev = host->passing.next = &host->passing;
    host->L = L;
    host->pinned = lua_toboolean(L, 4) != 0;
    strncpy(host->name, name, sizeof host->name - 1);
    husk_lua_table(L, HUSK_LUA_HOSTS);
    lua_rotate(L, -2, 1);
    lua_rawsetp(L, -2, host);
    lua_pop(L, 1);
    host->next = &lib->hosts;
    host->prev = lib->hosts.prev;
    host->prev->next = host;
    lib->hosts.prev = host;
    door_bind(L, door, host);
    husk_heap_options options = { HUSK_HEAP_OPTIONS, .name = name, .max_bytes = (size_t)max_bytes,
                                  .data = host, .stress = stress };
    husk_status status = husk_heap_new(&options, &host->heap);
    if (status != HUSK_OK) {
        host->heap = NULL;
        husk_lua_push_error(L, status, "%s", husk_message());
        return lua_error(L);
    }
    (void)husk_lua_set_source(host); /* fails for want of memory never: two modules, no data */
    husk_lua_retrace(host);
    return 1;
}

/* ---- the lib ---- */

/* lua_close comes here after every proxy and door made after it. What still has holds then (finalizers made
 * them while Lua was closing, or a script took __gc away) ends now. */
static int lib_gc(lua_State *L)
{
    husk_lua_lib *lib = lua_touserdata(L, 1);
    if (!lib || lib->ended)
        return 0;
    husk_lua_barrier(L);
    lib->ended = true;
    husk_lua_names_free(lib->names);
    lib->names = NULL;
    for (husk_lua_host *host = lib->hosts.next; host != &lib->hosts; host = host->next)
        if (host->heap && !host->hooks &&
            !host->closing) /* os.exit(_, true) in a hook: the process ends anyway */
            close_host(L, host);
    return 0;
}

static void make_table(lua_State *L, int which, const char *mode)
{
    lua_newtable(L);
    if (mode) {
        lua_createtable(L, 0, 1);
        lua_pushstring(L, mode);
        lua_setfield(L, -2, "__mode");
        lua_setmetatable(L, -2);
    }
    lua_rawsetp(L, LUA_REGISTRYINDEX, &husk_lua_key[which]);
}

static const luaL_Reg heap_meta[] = {
    { "__gc", door_gc },
    { "__close", door_close },
    { NULL, NULL },
};

/* Metatables are not for scripts: getmetatable gives their name. */
void husk_lua_base_meta(lua_State *L, const char *name, const luaL_Reg *functions)
{
    if (luaL_newmetatable(L, name)) {
        luaL_setfuncs(L, functions, 0);
        lua_pushstring(L, name);
        lua_setfield(L, -2, "__metatable");
    }
}

/* Everything that stays for the life of the state; the module may be opened more than once. */
void husk_lua_open_host(lua_State *L)
{
    husk_lua_table(L, HUSK_LUA_LIB);
    bool there = !lua_isnil(L, -1);
    lua_pop(L, 1);
    if (there)
        return;
    make_table(L, HUSK_LUA_PROXIES, "v");
    make_table(L, HUSK_LUA_DOORS, "v");
    make_table(L, HUSK_LUA_RELAYS, "k");
    make_table(L, HUSK_LUA_KINDS, "k");
    for (int which = HUSK_LUA_HOSTS; which < HUSK_LUA_KINDS; which++)
        make_table(L, which, NULL);
    husk_lua_base_meta(L, HUSK_LUA_HEAP_META, heap_meta);
    lua_pop(L, 1);
    husk_lua_base_meta(L, HUSK_LUA_OBJ_META, husk_lua_ends);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &husk_lua_key[HUSK_LUA_EMPTY]);
    husk_lua_lib *lib = lua_newuserdatauv(L, sizeof *lib, 0);
    memset(lib, 0, sizeof *lib);
    lib->hosts.prev = lib->hosts.next = &lib->hosts;
    lib->slab = 64;
    lib->worker = lua_newthread(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &husk_lua_key[HUSK_LUA_WORKER]);
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, lib_gc);
    lua_setfield(L, -2, "__gc");
    lua_setmetatable(L, -2);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &husk_lua_key[HUSK_LUA_LIB]);
}

/* Adds to the core table on top: new_heap, release; to its heap methods: close, closed. */
void husk_lua_open_heap_ends(lua_State *L)
{
    lua_pushcfunction(L, new_heap);
    lua_setfield(L, -2, "new_heap");
    lua_pushcfunction(L, husk_lua_release);
    lua_setfield(L, -2, "release");
    lua_getfield(L, -1, "heap");
    lua_pushcfunction(L, door_close);
    lua_setfield(L, -2, "close");
    lua_pushcfunction(L, door_is_closed);
    lua_setfield(L, -2, "closed");
    lua_pop(L, 1);
}
