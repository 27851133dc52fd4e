/* bindings/lua/host_trace.c: tracing from scripts: core.trace, a table of functions whose first argument is the heap,
 * or false for the process's tracer of blocks. husk/trace.lua makes of them what scripts see. */
#include "host.h"

#include <husk/snapshot.h>
#include <stdio.h>

enum { OWN_SOURCES = HUSK_TRACE_GIVEN | HUSK_TRACE_LANGUAGE };

/* The heap at 1, or NULL for false: the process. */
static husk_heap *check_traced(lua_State *L, const char *function)
{
    if (lua_type(L, 1) == LUA_TBOOLEAN && !lua_toboolean(L, 1))
        return NULL;
    return husk_lua_check_heap(L, 1, function);
}

static int fail_trace(lua_State *L, husk_heap *heap, husk_status status)
{
    if (heap)
        return husk_lua_fail(L, heap, status);
    husk_lua_push_error(L, status, "%s", husk_message());
    return lua_error(L);
}

/* A string without NUL bytes: Husk would see half of it. */
const char *husk_lua_check_name(lua_State *L, int at, const char *function, const char *what)
{
    size_t length = 0;
    const char *text = lua_type(L, at) == LUA_TSTRING ? lua_tolstring(L, at, &length) : NULL;
    if (text && strlen(text) == length)
        return text;
    char got[160];
    husk_lua_push_error(L, HUSK_EINVAL, "%s: %s is a string without NUL bytes, not %s", function, what,
                        text ? "another string" : husk_lua_describe(L, at, got, sizeof got));
    lua_error(L);
    return NULL;
}

/* An entry of a table of options that the Lua layer has taken apart; nil is 0. */
static lua_Integer option(lua_State *L, int at, const char *name)
{
    lua_Integer number = 0;
    if (!lua_isnoneornil(L, at) && !husk_lua_entry_integer(L, at, "husk.trace.start", name, &number))
        lua_error(L);
    return number;
}

/* core.trace.start(heap, frames, sample, epoch_ms, seed, sources): false if it is on already. */
static int start(lua_State *L)
{
    lua_settop(L, 6);
    lua_Integer frames = option(L, 2, "frames"), epoch_ms = option(L, 4, "epoch_ms");
    lua_Integer sources = option(L, 6, "sources");
    if (frames > HUSK_TRACE_MOST_FRAMES || (frames < 1 && !lua_isnil(L, 2))) {
        husk_lua_push_error(L, HUSK_ERANGE, "husk.trace.start: %I frames; it is a number from 1 to %d",
                            frames, HUSK_TRACE_MOST_FRAMES);
        return lua_error(L);
    }
    if (epoch_ms > UINT32_MAX) {
        husk_lua_push_error(L, HUSK_ERANGE, "husk.trace.start: epoch_ms %I is out of range", epoch_ms);
        return lua_error(L);
    }
    husk_trace_options options = { HUSK_TRACE_OPTIONS,
                                   .frames = (uint32_t)frames,
                                   .sources = (uint32_t)sources,
                                   .sample_bytes = (size_t)option(L, 3, "sample"),
                                   .seed = (uint64_t)option(L, 5, "seed"),
                                   .epoch_ms = (uint32_t)epoch_ms };
    husk_heap *heap = check_traced(L, "husk.trace.start");
    if (!heap)
        options.sources = HUSK_TRACE_NATIVE; /* of blocks there are no others */
    else if (!options.sources)
        options.sources = OWN_SOURCES;
    if (husk_trace_is_on(heap)) {
        lua_pushboolean(L, 0);
        return 1;
    }
    husk_status status = husk_trace_start(heap, &options);
    if (status != HUSK_OK)
        return fail_trace(L, heap, status);
    if (heap)
        husk_lua_door_at(L, 1)->thread = NULL;
    lua_pushboolean(L, 1);
    return 1;
}

/* A heap that the environment started has all sources: it gets those that a script would have asked for. */
void husk_lua_retrace(husk_lua_host *host)
{
    if (!husk_trace_is_on(host->heap))
        return;
    husk_trace_figures now;
    husk_trace_figures_get(host->heap, &now);
    husk_trace_options options = { HUSK_TRACE_OPTIONS, .frames = husk_trace_limit(host->heap),
                                   .sources = OWN_SOURCES, .sample_bytes = now.sample_bytes };
    husk_trace_stop(host->heap);
    (void)husk_trace_start(host->heap, &options); /* no memory: not traced, as after any other loss */
}

static int stop(lua_State *L)
{
    husk_trace_stop(check_traced(L, "husk.trace.stop"));
    return 0;
}

static int clear(lua_State *L)
{
    husk_trace_clear(check_traced(L, "husk.trace.clear"));
    return 0;
}

static int is_tracing(lua_State *L)
{
    lua_pushboolean(L, husk_trace_is_on(check_traced(L, "husk.trace.is_tracing")));
    return 1;
}

static int limit(lua_State *L)
{
    lua_pushinteger(L, husk_trace_limit(check_traced(L, "husk.trace.limit")));
    return 1;
}

static int figures(lua_State *L)
{
    husk_trace_figures now;
    husk_trace_figures_get(check_traced(L, "husk.trace.figures"), &now);
    husk_lua_push_traced(L, &now);
    return 1;
}

/* core.trace.memory(heap): current, peak. */
static int memory(lua_State *L)
{
    husk_trace_figures now;
    husk_trace_figures_get(check_traced(L, "husk.trace.memory"), &now);
    husk_lua_push_size(L, now.bytes);
    husk_lua_push_size(L, now.peak_bytes);
    return 2;
}

static int reset_peak(lua_State *L)
{
    husk_trace_reset_peak(check_traced(L, "husk.trace.reset_peak"));
    return 0;
}

static int mark(lua_State *L)
{
    const char *name = husk_lua_check_name(L, 2, "husk.trace.mark", "the name");
    husk_heap *heap = check_traced(L, "husk.trace.mark");
    husk_status status = husk_trace_mark(heap, name);
    return status == HUSK_OK ? 0 : fail_trace(L, heap, status);
}

/* core.trace.push(heap, is_tag, text) */
static int push(lua_State *L)
{
    bool tag = lua_toboolean(L, 2) != 0;
    const char *function = tag ? "husk.trace.push_tag" : "husk.trace.push_domain";
    const char *text = husk_lua_check_name(L, 3, function, tag ? "the tag" : "the domain");
    husk_heap *heap = check_traced(L, function);
    husk_status status = (tag ? husk_trace_push_tag : husk_trace_push_domain)(heap, text);
    return status == HUSK_OK ? 0 : fail_trace(L, heap, status);
}

static int pop(lua_State *L)
{
    bool tag = lua_toboolean(L, 2) != 0;
    husk_heap *heap = check_traced(L, tag ? "husk.trace.pop_tag" : "husk.trace.pop_domain");
    husk_status status = (tag ? husk_trace_pop_tag : husk_trace_pop_domain)(heap);
    return status == HUSK_OK ? 0 : fail_trace(L, heap, status);
}

/* ---- blocks ---- */

/* The address at `at`: an integer, or whatever of Lua's has an address. */
uint64_t husk_lua_check_address(lua_State *L, int at, const char *function)
{
    if (lua_isinteger(L, at))
        return (uint64_t)lua_tointeger(L, at);
    if (lua_type(L, at) == LUA_TLIGHTUSERDATA)
        return (uintptr_t)lua_touserdata(L, at);
    char got[160];
    husk_lua_push_error(L, HUSK_EINVAL, "%s: the address is an integer or a light userdata, not %s", function,
                        husk_lua_describe(L, at, got, sizeof got));
    lua_error(L);
    return 0;
}

static uint32_t check_domain(lua_State *L, int at, const char *function)
{
    lua_Integer number = 0;
    if (lua_isnoneornil(L, at))
        return 0;
    if (!husk_lua_entry_integer(L, at, function, "the domain", &number))
        lua_error(L);
    if (number > UINT32_MAX) {
        husk_lua_push_error(L, HUSK_ERANGE, "%s: domain %I is out of range", function, number);
        lua_error(L);
    }
    return (uint32_t)number;
}

/* core.trace.block(address, size, [domain]) */
static int block(lua_State *L)
{
    static const char function[] = "husk.trace.block";
    lua_Integer size;
    uint64_t address = husk_lua_check_address(L, 1, function);
    if (!husk_lua_entry_integer(L, 2, function, "the size", &size))
        return lua_error(L);
    husk_status status = husk_trace_block(check_domain(L, 3, function), address, (size_t)size);
    return status == HUSK_OK ? 0 : fail_trace(L, NULL, status);
}

static int unblock(lua_State *L)
{
    static const char function[] = "husk.trace.unblock";
    uint64_t address = husk_lua_check_address(L, 1, function);
    husk_status status = husk_trace_unblock(check_domain(L, 2, function), address);
    return status == HUSK_OK ? 0 : fail_trace(L, NULL, status);
}

/* ---- where something was made ---- */

/* Pushes a frame as a table. */
void husk_lua_push_frame(lua_State *L, const char *file, uint32_t line, const char *function,
                         uint64_t address)
{
    lua_createtable(L, 0, 4);
    lua_pushstring(L, file);
    lua_setfield(L, -2, "file");
    lua_pushinteger(L, line);
    lua_setfield(L, -2, "line");
    lua_pushstring(L, function);
    lua_setfield(L, -2, "function");
    if (address) {
        lua_pushinteger(L, (lua_Integer)address);
        lua_setfield(L, -2, "address");
    }
}

/* A frame whose texts are ours: they end with the tracing, which any code may stop that Lua runs meanwhile. */
typedef struct place {
    char file[4096], function[4096]; /* no longer ones are kept */
    uint32_t line;
    uint64_t address;
} place;

static void keep_frame(place *to, const husk_place_frame *frame)
{
    snprintf(to->file, sizeof to->file, "%s", frame->file);
    snprintf(to->function, sizeof to->function, "%s", frame->function);
    to->line = frame->line;
    to->address = frame->address;
}

void husk_lua_push_place(lua_State *L, const husk_place_frame *frame)
{
    place kept;
    keep_frame(&kept, frame);
    husk_lua_push_frame(L, kept.file, kept.line, kept.function, kept.address);
}

static void add_frame(lua_State *L, int at, size_t index, const husk_place_frame *frame)
{
    husk_lua_push_place(L, frame);
    lua_rawseti(L, at, (lua_Integer)index + 1);
}

/* core.trace.of(object): its frames, newest first, or nil. */
static int of(lua_State *L)
{
    static const char function[] = "husk.trace.of";
    husk_place_frame frame;
    lua_settop(L, 1);
    if (!husk_trace_of(husk_lua_check_obj(L, 1, function), 0, &frame)) {
        lua_pushnil(L);
        return 1;
    }
    lua_newtable(L);
    /* Making tables may run any code: the object is looked at again for each frame. */
    for (size_t i = 0; husk_trace_of(husk_lua_check_obj(L, 1, function), i, &frame); i++)
        add_frame(L, 2, i, &frame);
    return 1;
}

/* core.trace.of_block(address, [domain]) */
static int of_block(lua_State *L)
{
    static const char function[] = "husk.trace.of_block";
    husk_place_frame frame;
    uint64_t address = husk_lua_check_address(L, 1, function);
    uint32_t domain = check_domain(L, 2, function);
    lua_settop(L, 0);
    if (!husk_trace_of_block(domain, address, 0, &frame)) {
        lua_pushnil(L);
        return 1;
    }
    lua_newtable(L);
    for (size_t i = 0; husk_trace_of_block(domain, address, i, &frame); i++)
        add_frame(L, 1, i, &frame);
    return 1;
}

/* Adds to the core table on top: trace. */
void husk_lua_open_traces(lua_State *L)
{
    static const luaL_Reg functions[] = {
        { "start", start },       { "stop", stop },
        { "clear", clear },       { "is_tracing", is_tracing },
        { "limit", limit },       { "figures", figures },
        { "memory", memory },     { "reset_peak", reset_peak },
        { "mark", mark },         { "push", push },
        { "pop", pop },           { "block", block },
        { "unblock", unblock },   { "of", of },
        { "of_block", of_block }, { NULL, NULL },
    };
    luaL_newlib(L, functions);
    lua_setfield(L, -2, "trace");
}
