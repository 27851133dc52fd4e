/* bindings/lua/host_bridge.c: cycles that run through Lua values and through objects (husk/bridge.h).
 *
 * For one full collection of Lua's, all heaps of the state that have paths from a handle to a kept Lua value
 * are bridged. Each relay is a table { [token] = value, kid... }, the one user value of the proxies that lead
 * to it, and owns the values: their entries in the table of values are `lent` meanwhile. So Lua's collector
 * sees each path that there is, and decides.
 *
 *   lua_collect:  enter (C only) -> build (may fail for want of memory: then nothing was changed) -> lend
 *                 (allocates nothing) -> LUA_GCCOLLECT -> leave
 *   leave:        each relay gives back what it owns; then heap after heap ends what was released meanwhile
 *
 * The table of relays has weak keys: what a finalizer might still see is taken out of weak values before it
 * runs, and out of weak keys only when it is freed. Leaving allocates nothing and uses a Lua thread of its
 * own, so it can be done anywhere: every wrapper begins with husk_lua_barrier. */
#include "host.h"

#include <stdlib.h>

_Atomic int husk_lua_bridged;

static const char lent; /* its address stands for a value that a relay owns */

bool husk_lua_is_lent(lua_State *L, int at)
{
    return lua_touserdata(L, at) == &lent;
}

/* ---- leave ---- */

/* Relays give back what they own, and are empty then: dead proxies may still have them. */
static void give_back(lua_State *W)
{
    husk_lua_table(W, HUSK_LUA_VALUES);
    husk_lua_table(W, HUSK_LUA_RELAYS);
    int values = lua_gettop(W) - 1, relays = lua_gettop(W);
    for (lua_pushnil(W); lua_next(W, relays);) {
        lua_pop(W, 1);
        int relay = lua_gettop(W);
        for (lua_pushnil(W); lua_next(W, relay);) {
            if (lua_islightuserdata(W, -2))
                lua_rawsetp(W, values, lua_touserdata(W, -2)); /* the key is there */
            else
                lua_pop(W, 1);
            lua_pushvalue(W, -1);
            lua_pushnil(W);
            lua_rawset(W, relay);
        }
        lua_pushvalue(W, relay);
        lua_pushnil(W);
        lua_rawset(W, relays);
    }
    lua_pop(W, 2);
}

static void untie(lua_State *W, const husk_lua_host *host)
{
    husk_lua_table(W, HUSK_LUA_PROXIES);
    for (size_t i = 0; i < host->proxied_count; i++) {
        if (host->bridge->tip[i] == HUSK_NO_RELAY)
            continue;
        if (lua_rawgetp(W, -1, host->proxied[i]) == LUA_TUSERDATA) {
            lua_pushnil(W);
            lua_setiuservalue(W, -2, 1);
        }
        lua_pop(W, 1);
    }
    lua_pop(W, 1);
}

static husk_lua_host *next_bridged(const husk_lua_lib *lib)
{
    for (husk_lua_host *host = lib->hosts.next; host != &lib->hosts; host = host->next)
        if (host->bridge)
            return host;
    return NULL;
}

/* Ends bridged mode. What dies then runs hooks, which may come here again: each heap is left once. */
static void leave(lua_State *L, husk_lua_lib *lib)
{
    if (!lib->given_back) {
        lib->given_back = true;
        give_back(lib->worker);
        for (const husk_lua_host *host = lib->hosts.next; host != &lib->hosts; host = host->next)
            if (host->bridge)
                untie(lib->worker, host);
    }
    for (husk_lua_host *host; (host = next_bridged(lib));) {
        husk_obj **proxied = host->proxied;
        host->bridge = NULL;
        host->proxied = NULL;
        host->L = L;
        husk_bridge_leave(host->heap);
        free(proxied);
        husk_lua_leave(L, host);
    }
    if (lib->bridged) {
        lib->bridged = false;
        husk_lua_bridged--;
        husk_lua_settle_all(L, lib);
    }
}

/* The core's way in: somebody who knows no Lua wants to use a heap of ours. */
static void leave_for_core(void *data)
{
    husk_lua_lib *lib = data;
    if (lib->bridged)
        leave(lib->worker, lib);
}

void husk_lua_barrier_slow(lua_State *L)
{
    husk_lua_lib *lib = husk_lua_lib_get(L);
    if (lib->bridged)
        leave(L, lib);
    for (husk_lua_host *host = lib->hosts.next; host != &lib->hosts; host = host->next)
        if (host->ledger)
            host->L = L;
}

/* ---- enter ---- */

/* The objects of all handles whose proxy is still to be found: others count as held by the program. */
static bool gather(lua_State *L, husk_lua_host *host)
{
    size_t count = 0;
    for (const husk_lua_hold *hold = host->ring.next; hold != &host->ring; hold = hold->next)
        count++;
    husk_obj **proxied = count ? malloc(count * sizeof(husk_obj *)) : NULL;
    if (!proxied)
        return false;
    count = 0;
    husk_lua_table(L, HUSK_LUA_PROXIES);
    for (const husk_lua_hold *hold = host->ring.next; hold != &host->ring; hold = hold->next) {
        lua_rawgetp(L, -1, hold->obj);
        const husk_lua_proxy *proxy = lua_touserdata(L, -1);
        if (proxy && proxy->hold == hold)
            proxied[count++] = hold->obj;
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    host->proxied = proxied;
    host->proxied_count = count;
    return true;
}

static void enter_host(lua_State *L, husk_lua_host *host)
{
    host->mixed = false;
    if (!host->heap || host->closing || host->hooks || !gather(L, host))
        return;
    husk_bridge_spec spec = { HUSK_BRIDGE_SPEC,
                              .proxied = host->proxied,
                              .count = host->proxied_count,
                              .value_free = husk_lua_token_loose,
                              .leave = leave_for_core,
                              .data = host->lib };
    host->L = L;
    const husk_bridge *bridge = NULL;
    if (husk_bridge_enter(host->heap, &spec, &bridge) != HUSK_OK || !bridge) {
        free(host->proxied);
        host->proxied = NULL;
        return;
    }
    host->bridge = bridge;
    host->mixed = true;
}

static husk_lua_token *token_of(husk_obj *own)
{
    husk_weak *weak = husk_weak_of(own);
    return weak ? husk_weak_data(weak) : husk_box_value(own);
}

/* Stack 1: values; 2: relays; 3: the new ones, by number, which keeps them. */
static void build_host(lua_State *L, const husk_bridge *bridge, lua_Integer base)
{
    for (size_t r = 0; r < bridge->relays; r++) {
        size_t owns = bridge->own_at[r + 1] - bridge->own_at[r];
        size_t kids = bridge->kid_at[r + 1] - bridge->kid_at[r];
        lua_createtable(L, kids < INT_MAX ? (int)kids : 0, owns < INT_MAX ? (int)owns : 0);
        for (size_t i = 0; i < owns; i++) {
            const husk_lua_token *token = token_of(bridge->own[bridge->own_at[r] + i]);
            int type = lua_rawgetp(L, 1, token);
            /* What refers to nothing stays where it is. */
            if (type == LUA_TTABLE || type == LUA_TFUNCTION || type == LUA_TUSERDATA || type == LUA_TTHREAD)
                lua_rawsetp(L, -2, token);
            else
                lua_pop(L, 1);
        }
        for (size_t i = 0; i < kids; i++) {
            lua_rawgeti(L, 3, base + (lua_Integer)bridge->kid[bridge->kid_at[r] + i]);
            lua_rawseti(L, -2, (lua_Integer)i + 1);
        }
        lua_pushvalue(L, -1);
        lua_pushboolean(L, 1);
        lua_rawset(L, 2);
        lua_rawseti(L, 3, base + (lua_Integer)r);
    }
}

/* The change of owners: every key is there already, so nothing is allocated and nothing can fail. */
static void lend_host(lua_State *L, const husk_lua_host *host, lua_Integer base)
{
    const husk_bridge *bridge = host->bridge;
    husk_lua_table(L, HUSK_LUA_PROXIES);
    for (size_t i = 0; i < host->proxied_count; i++) {
        if (bridge->tip[i] == HUSK_NO_RELAY)
            continue;
        if (lua_rawgetp(L, -1, host->proxied[i]) ==
            LUA_TUSERDATA) { /* else Lua has found it dead meanwhile */
            lua_rawgeti(L, 3, base + (lua_Integer)bridge->tip[i]);
            lua_setiuservalue(L, -2, 1);
        }
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    for (size_t r = 0; r < bridge->relays; r++) {
        lua_rawgeti(L, 3, base + (lua_Integer)r);
        for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
            if (!lua_islightuserdata(L, -2))
                continue;
            lua_pushlightuserdata(L, (void *)(uintptr_t)&lent);
            lua_rawsetp(L, 1, lua_touserdata(L, -3));
        }
        lua_pop(L, 1);
    }
}

static int build(lua_State *L)
{
    const husk_lua_lib *lib = lua_touserdata(L, 1);
    luaL_checkstack(L, 16, NULL);
    lua_settop(L, 0);
    husk_lua_table(L, HUSK_LUA_VALUES);
    husk_lua_table(L, HUSK_LUA_RELAYS);
    lua_newtable(L);
    lua_Integer base = 1;
    for (const husk_lua_host *host = lib->hosts.next; host != &lib->hosts; host = host->next) {
        if (!host->bridge)
            continue;
        build_host(L, host->bridge, base);
        base += (lua_Integer)host->bridge->relays;
    }
    base = 1;
    for (const husk_lua_host *host = lib->hosts.next; host != &lib->hosts; host = host->next) {
        if (!host->bridge)
            continue;
        lend_host(L, host, base);
        base += (lua_Integer)host->bridge->relays;
    }
    return 0;
}

/* ---- a full collection of Lua's, mixed cycles included ---- */

/* False inside a finalizer of Lua's, where its collector cannot run. */
static bool lua_may_collect(lua_State *L)
{
    return lua_gc(L, LUA_GCCOUNT) >= 0;
}

/* True: something that a wrapper did in a finalizer ended bridged mode early, so less may have been found. */
static bool lua_collect(lua_State *L, husk_lua_lib *lib)
{
    luaL_checkstack(L, 12, NULL);
    if (lib->loose)
        husk_lua_sweep(L, lib);
    for (husk_lua_host *host = lib->hosts.next; host != &lib->hosts; host = host->next)
        enter_host(L, host);
    if (!next_bridged(lib)) {
        lua_gc(L, LUA_GCCOLLECT);
        return false;
    }
    lib->bridged = true;
    lib->given_back = false;
    husk_lua_bridged++;
    bool ran = lua_gc(L, LUA_GCISRUNNING) != 0;
    lua_gc(L, LUA_GCSTOP);
    lua_pushcfunction(L, build);
    lua_pushlightuserdata(L, lib);
    bool built = lua_pcall(L, 1, 0, 0) == LUA_OK;
    if (ran)
        lua_gc(L, LUA_GCRESTART);
    if (!built) {
        lua_pop(L, 1);
        leave(L, lib); /* no memory for the paths: an ordinary collection */
        lua_gc(L, LUA_GCCOLLECT);
        return false;
    }
    lua_gc(L, LUA_GCCOLLECT);
    bool early = lib->given_back;
    if (lib->bridged)
        leave(L, lib);
    return early;
}

static void add_pass(husk_pass *sum, const husk_pass *pass)
{
    sum->generation = pass->generation;
    sum->reason = pass->reason;
    sum->examined += pass->examined;
    sum->collected += pass->collected;
    sum->uncollectable += pass->uncollectable;
    sum->finalized += pass->finalized;
    sum->resurrected += pass->resurrected;
    sum->weak_cleared += pass->weak_cleared;
    sum->deferred = pass->deferred;
    sum->bytes += pass->bytes;
    sum->find_ns += pass->find_ns;
    sum->finalize_ns += pass->finalize_ns;
    sum->reclaim_ns += pass->reclaim_ns;
    sum->mode = pass->mode;
    sum->passes += pass->passes;
    sum->number = pass->number;
}

/* Passes over the other heaps that have paths to Lua values: a mixed cycle may run through several. */
static void pass_others(lua_State *L, husk_lua_lib *lib, const husk_heap *heap)
{
    for (husk_lua_host *host = lib->hosts.next; host != &lib->hosts; host = host->next)
        host->due = host->mixed && host->heap != heap;
    for (husk_lua_host *host = lib->hosts.next; host != &lib->hosts;) {
        if (!host->due) {
            host = host->next;
            continue;
        }
        host->due = false;
        if (host->heap && !host->hooks && !host->closing) {
            host->L = L;
            (void)husk_heap_collect(host->heap, NULL); /* damage has been reported */
            husk_lua_leave(L, host);
        }
        host = lib->hosts.next; /* hooks may have changed the ring */
    }
}

/* core.heap.collect(heap): rounds of both collectors until one frees no value of Lua's, which alone can make
 * new garbage for the next; 8 at most, in case finalizers make as much as goes. The sums of its passes. */
static int heap_collect(lua_State *L)
{
    enum { ROUNDS = 8 };
    husk_lua_lib *lib = husk_lua_lib_get(L);
    husk_pass sum = { 0 };
    for (int round = 0; round < ROUNDS; round++) {
        husk_lua_check_heap(L, 1, "heap:collect");
        uint64_t before = lib->swept;
        bool early = lua_may_collect(L) && lua_collect(L, lib);
        husk_heap *heap = husk_lua_check_heap(L, 1, "heap:collect");
        husk_pass pass = { 0 };
        husk_lua_host *host = husk_lua_enter(L, heap);
        husk_status status = husk_heap_collect(heap, &pass);
        if (status != HUSK_OK)
            return husk_lua_fail(L, heap, status);
        add_pass(&sum, &pass);
        husk_lua_leave(L, host);
        pass_others(L, lib, heap);
        if (!early && lib->swept == before)
            break;
    }
    husk_lua_push_pass(L, &sum);
    return 1;
}

/* core.heap.collect_handles(heap): the half that is Lua's. */
static int heap_collect_handles(lua_State *L)
{
    husk_lua_check_heap(L, 1, "heap:collect");
    if (lua_may_collect(L))
        lua_collect(L, husk_lua_lib_get(L));
    return 0;
}

void husk_lua_open_bridge(lua_State *L)
{
    static const luaL_Reg methods[] = {
        { "collect_all", heap_collect },
        { "collect_handles", heap_collect_handles },
        { NULL, NULL },
    };
    lua_getfield(L, -1, "heap");
    luaL_setfuncs(L, methods, 0);
    lua_pop(L, 1);
}
