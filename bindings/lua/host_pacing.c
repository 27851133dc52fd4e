/* bindings/lua/host_pacing.c: how passes are paced and held off, as tables (husk/pacing.h). A result that is not bounded
 * has no field: nil is the word for it in Lua. */
#include "host.h"

static void set_size(lua_State *L, const char *name, uint64_t value)
{
    husk_lua_push_size(L, value);
    lua_setfield(L, -2, name);
}

static void set_bounded(lua_State *L, const char *name, size_t value)
{
    if (value != SIZE_MAX)
        set_size(L, name, value);
}

static void set_real(lua_State *L, const char *name, double value)
{
    lua_pushnumber(L, value);
    lua_setfield(L, -2, name);
}

static void set_bool(lua_State *L, const char *name, bool value)
{
    lua_pushboolean(L, value);
    lua_setfield(L, -2, name);
}

static void set_text(lua_State *L, const char *name, const char *value)
{
    lua_pushstring(L, value); /* nil for NULL */
    lua_setfield(L, -2, name);
}

/* heap:pacing_state() */
static int heap_pacing_state(lua_State *L)
{
    husk_pacing_state state;
    husk_heap_pacing_state(husk_lua_check_heap(L, 1, "heap:pacing_state"), &state);
    lua_createtable(L, 0, 11);
    set_real(L, "factor", state.factor);
    set_text(L, "why", husk_factor_why_name(state.why));
    set_bool(L, "at_most", state.at_most);
    set_bool(L, "time_kept", state.time_kept);
    set_real(L, "time_share", state.time_share);
    set_size(L, "timed", state.timed);
    set_real(L, "yield", state.yield);
    set_real(L, "object_ns", state.object_ns);
    set_size(L, "last_ns", state.last_ns);
    set_size(L, "automatic", state.automatic);
    set_size(L, "automatic_examined", state.automatic_examined);
    return 1;
}

/* heap:bound() */
static int heap_bound(lua_State *L)
{
    husk_bound bound;
    husk_heap_bound(husk_lua_check_heap(L, 1, "heap:bound"), &bound);
    char holder[200]; /* a pointer of the heap's must not be kept across what may collect */
    snprintf(holder, sizeof holder, "%s", bound.holder ? bound.holder : "");
    lua_createtable(L, 0, 9);
    set_bounded(L, "objects", bound.objects);
    set_bounded(L, "bytes", bound.bytes);
    set_size(L, "garbage_objects", bound.garbage_objects);
    set_size(L, "garbage_bytes", bound.garbage_bytes);
    set_size(L, "new_objects", bound.new_objects);
    set_size(L, "deferred_objects", bound.deferred_objects);
    set_bool(L, "kept", bound.kept);
    set_text(L, "why", husk_bound_why_name(bound.why));
    if (bound.holder)
        set_text(L, "holder", holder);
    return 1;
}

/* heap:soft_limit() */
static int heap_soft_limit(lua_State *L)
{
    husk_soft_limit soft;
    husk_heap_soft_limit(husk_lua_check_heap(L, 1, "heap:soft_limit"), &soft);
    lua_createtable(L, 0, 6);
    set_size(L, "bytes", soft.bytes);
    set_bool(L, "exceeded", soft.exceeded);
    set_bool(L, "held_back", soft.held_back);
    set_size(L, "most_over", soft.most_over);
    set_size(L, "passes", soft.passes);
    set_size(L, "held_back_times", soft.held_back_times);
    return 1;
}

static int push_region(lua_State *L, const husk_region *region)
{
    char holder[200];
    snprintf(holder, sizeof holder, "%s", region->holder ? region->holder : "");
    lua_createtable(L, 0, 8);
    set_size(L, "objects", region->objects);
    set_size(L, "bytes", region->bytes);
    set_size(L, "grown_objects", region->grown_objects);
    set_size(L, "grown_bytes", region->grown_bytes);
    set_bool(L, "active", region->active);
    set_bool(L, "kept", region->kept);
    set_text(L, "why", husk_region_why_name(region->why));
    set_text(L, "holder", holder);
    return 1;
}

static size_t entry(lua_State *L, const char *function, const char *name)
{
    lua_Integer number = 0;
    lua_pushstring(L, name);
    if (lua_rawget(L, 2) != LUA_TNIL && !husk_lua_entry_integer(L, lua_gettop(L), function, name, &number))
        lua_error(L);
    lua_pop(L, 1);
    return (size_t)number;
}

static void want_entries(lua_State *L, const char *function, const char *const *names)
{
    for (lua_pushnil(L); lua_next(L, 2); lua_pop(L, 1)) {
        bool known = false;
        for (size_t i = 0; lua_type(L, -2) == LUA_TSTRING && names[i]; i++)
            known = known || strcmp(lua_tostring(L, -2), names[i]) == 0;
        if (!known) {
            char got[160];
            husk_lua_push_error(L, HUSK_EINVAL, "%s: unknown entry %s", function,
                                husk_lua_describe(L, -2, got, sizeof got));
            lua_error(L);
        }
    }
}

/* heap:no_gc_begin{objects =, bytes =, reserve =, holder =} */
static int heap_no_gc_begin(lua_State *L)
{
    static const char *const names[] = { "objects", "bytes", "reserve", "holder", NULL };
    lua_settop(L, 2);
    if (lua_type(L, 2) != LUA_TTABLE) {
        husk_lua_push_arg_error(L, "heap:no_gc_begin", 2, "table");
        return lua_error(L);
    }
    want_entries(L, "no_gc_begin", names);
    size_t objects = entry(L, "no_gc_begin", "objects"), bytes = entry(L, "no_gc_begin", "bytes");
    lua_pushliteral(L, "reserve");
    lua_rawget(L, 2);
    bool reserve = lua_toboolean(L, -1);
    lua_pushliteral(L, "holder");
    lua_rawget(L, 2);
    const char *holder = husk_lua_keep_name(L, 4, "heap:no_gc_begin", "a script");
    husk_heap *heap = husk_lua_check_heap(L, 1, "heap:no_gc_begin");
    husk_status status = husk_heap_no_gc_begin(heap, objects, bytes, reserve, holder);
    return status == HUSK_OK ? 0 : husk_lua_fail(L, heap, status);
}

/* heap:no_gc_end() */
static int heap_no_gc_end(lua_State *L)
{
    husk_region region;
    husk_heap *heap = husk_lua_check_heap(L, 1, "heap:no_gc_end");
    husk_status status = husk_heap_no_gc_end(heap, &region);
    return status == HUSK_OK ? push_region(L, &region) : husk_lua_fail(L, heap, status);
}

/* heap:no_gc(): nil outside of one. */
static int heap_no_gc(lua_State *L)
{
    husk_region region;
    if (!husk_heap_no_gc(husk_lua_check_heap(L, 1, "heap:no_gc"), &region)) {
        lua_pushnil(L);
        return 1;
    }
    return push_region(L, &region);
}

/* heap:idle(seconds) */
static int heap_idle(lua_State *L)
{
    if (lua_type(L, 2) != LUA_TNUMBER) {
        husk_lua_push_arg_error(L, "heap:idle", 2, "number");
        return lua_error(L);
    }
    double ns = lua_tonumber(L, 2) * 1e9;
    husk_heap *heap = husk_lua_check_heap(L, 1, "heap:idle");
    if (!(ns >= 0 && ns < 1e18)) { /* what no integer can say */
        lua_pushvalue(L, 2);
        husk_lua_push_error(L, HUSK_ERANGE, "idle: a budget of %s seconds is not 0.001 to 3600",
                            lua_tostring(L, -1));
        return lua_error(L);
    }
    husk_idle idle;
    husk_lua_host *host = husk_lua_enter(L, heap);
    husk_status status = husk_heap_idle(heap, (uint64_t)ns, &idle);
    if (status != HUSK_OK)
        return husk_lua_fail(L, heap, status);
    husk_lua_leave(L, host);
    lua_createtable(L, 0, 9);
    set_bool(L, "served", idle.served);
    set_bool(L, "passed", idle.passed);
    set_bool(L, "stepped", idle.stepped);
    set_bool(L, "trimmed", idle.trimmed);
    set_bool(L, "more", idle.more);
    set_real(L, "expected", (double)idle.expected_ns / 1e9);
    set_size(L, "collected", idle.collected);
    set_size(L, "bytes_back", idle.bytes_back);
    set_real(L, "took", (double)idle.took_ns / 1e9);
    return 1;
}

/* heap:stress(): every and seed; heap:stress{every =, seed =} sets them, what is left out is 0. */
static int heap_stress(lua_State *L)
{
    static const char *const names[] = { "every", "seed", NULL };
    lua_settop(L, 2);
    if (!lua_isnil(L, 2)) {
        if (lua_type(L, 2) != LUA_TTABLE) {
            husk_lua_push_arg_error(L, "heap:stress", 2, "table");
            return lua_error(L);
        }
        want_entries(L, "stress", names);
        husk_stress wanted = { entry(L, "stress", "every"), entry(L, "stress", "seed") };
        husk_heap *heap = husk_lua_check_heap(L, 1, "heap:stress");
        husk_status status = husk_heap_set_stress(heap, &wanted);
        if (status != HUSK_OK)
            return husk_lua_fail(L, heap, status);
    }
    husk_stress stress;
    husk_heap_get_stress(husk_lua_check_heap(L, 1, "heap:stress"), &stress);
    lua_createtable(L, 0, 2);
    set_size(L, "every", stress.every);
    set_size(L, "seed", stress.seed);
    return 1;
}

void husk_lua_open_pacing(lua_State *L)
{
    static const luaL_Reg methods[] = {
        { "pacing_state", heap_pacing_state },
        { "bound", heap_bound },
        { "get_soft_limit", heap_soft_limit },
        { "no_gc_begin", heap_no_gc_begin },
        { "no_gc_end", heap_no_gc_end },
        { "no_gc", heap_no_gc },
        { "idle", heap_idle },
        { "stress", heap_stress },
        { NULL, NULL },
    };
    luaL_setfuncs(L, methods, 0);
}
