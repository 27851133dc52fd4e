/* bindings/lua/host_passes.c: records of passes and their pauses as tables: core.passes, and core.gcstat for those of other
 * processes. husk/heap.lua and husk/gc.lua make of them what scripts
 * see. */
#define _GNU_SOURCE
#include "host.h"

#include <husk/gcstat.h>
#include <stddef.h>
#include <time.h>

/* ---- tables ---- */

static void set_count(lua_State *L, const char *name, uint64_t value)
{
    husk_lua_push_size(L, value);
    lua_setfield(L, -2, name);
}

static void set_word(lua_State *L, const char *name, const char *word)
{
    lua_pushstring(L, word);
    lua_setfield(L, -2, name);
}

/* A table with the time of each part, as ns. */
static void set_parts(lua_State *L, const uint64_t ns[HUSK_PARTS])
{
    lua_createtable(L, 0, HUSK_PARTS);
    for (int part = 0; part < HUSK_PARTS; part++)
        set_count(L, husk_part_name((husk_part)part), ns[part]);
    lua_setfield(L, -2, "ns");
}

static void push_freed(lua_State *L, const husk_freed *freed, const char *type)
{
    lua_createtable(L, 0, 3);
    if (type)
        set_word(L, "type", type);
    set_count(L, "objects", freed->objects);
    set_count(L, "bytes", freed->bytes);
}

typedef const char *name_fn(const void *names, uint32_t index);

static const char *name_of_type(const void *record, uint32_t index)
{
    return husk_type_name(((const husk_pass_record *)record)->by_type[index].type);
}

static const char *name_of_page(const void *page, uint32_t index)
{
    return ((const husk_gcstat *)page)->types[index];
}

#define FIELD(name)                                                                                          \
    {                                                                                                        \
#name, offsetof(husk_pass_record, name)                                                              \
    }
static const struct {
    const char *name;
    size_t offset;
} counts[] = {
    FIELD(number),     FIELD(start_ns),       FIELD(pauses),       FIELD(pause_ns),      FIELD(longest_ns),
    FIELD(candidates), FIELD(freed),          FIELD(freed_bytes),  FIELD(finalized),     FIELD(weak_cleared),
    FIELD(held),       FIELD(reached),        FIELD(resurrected),  FIELD(deferred),      FIELD(saved),
    FIELD(frozen),     FIELD(objects_before), FIELD(bytes_before), FIELD(objects_after), FIELD(bytes_after),
    FIELD(threads),
};

static void push_record(lua_State *L, const husk_pass_record *record, name_fn *name, const void *names)
{
    lua_createtable(L, 0, 32);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        set_count(L, counts[i].name,
                  *(const uint64_t *)(const void *)((const char *)record + counts[i].offset));
    set_word(L, "reason", husk_reason_name(record->reason));
    set_word(L, "mode", husk_mode_name(record->mode));
    set_word(L, "status", husk_status_name(record->status));
    lua_pushboolean(L, record->quiet);
    lua_setfield(L, -2, "quiet");
    set_parts(L, record->ns);
    lua_createtable(L, (int)record->types, 0);
    for (uint32_t i = 0; i < record->types; i++) {
        push_freed(L, &record->by_type[i], name(names, i));
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_setfield(L, -2, "by_type");
    push_freed(L, &record->rest, NULL);
    lua_setfield(L, -2, "rest");
}

static void push_pauses(lua_State *L, const husk_pauses *pauses)
{
    lua_createtable(L, 0, 7);
    set_count(L, "count", pauses->count);
    set_count(L, "total_ns", pauses->total_ns);
    set_count(L, "max_ns", pauses->max_ns);
    set_count(L, "p50_ns", pauses->p50_ns);
    set_count(L, "p90_ns", pauses->p90_ns);
    set_count(L, "p99_ns", pauses->p99_ns);
    set_count(L, "p999_ns", pauses->p999_ns);
}

static void push_sums(lua_State *L, const husk_pass_sums *sums)
{
    lua_createtable(L, 0, 8);
    set_count(L, "passes", sums->passes);
    set_count(L, "candidates", sums->candidates);
    set_count(L, "freed", sums->freed);
    set_count(L, "freed_bytes", sums->freed_bytes);
    set_count(L, "finalized", sums->finalized);
    set_count(L, "resurrected", sums->resurrected);
    set_count(L, "weak_cleared", sums->weak_cleared);
    set_parts(L, sums->ns);
}

/* ---- core.passes ---- */

/* The mode at argument 2, by its name; nil or "any": all together, if the question allows it. */
static husk_mode check_mode(lua_State *L, const char *function, bool any)
{
    char room[100];
    if (any && lua_isnoneornil(L, 2))
        return (husk_mode)HUSK_MODES;
    for (int mode = 0; mode < HUSK_MODES && lua_type(L, 2) == LUA_TSTRING; mode++)
        if (strcmp(lua_tostring(L, 2), husk_mode_name((husk_mode)mode)) == 0)
            return (husk_mode)mode;
    if (any && lua_type(L, 2) == LUA_TSTRING && strcmp(lua_tostring(L, 2), "any") == 0)
        return (husk_mode)HUSK_MODES;
    husk_lua_push_error(
        L, HUSK_ERANGE, "%s: there is no mode %s of passes; there are full, young, step%s", function,
        lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : husk_lua_describe(L, 2, room, sizeof room),
        any ? ", any" : "");
    lua_error(L);
    return HUSK_FULL;
}

/* core.passes.record(heap, number): a table. */
static int record(lua_State *L)
{
    static const char function[] = "heap:pass";
    lua_Integer number = 0;
    char line[4096];
    if (!husk_lua_arg_integer(L, 2, function, 1, LUA_MAXINTEGER, &number))
        return lua_error(L);
    husk_heap *heap = husk_lua_check_heap(L, 1, function);
    husk_pass_record found;
    husk_status status = husk_heap_pass_record(heap, (uint64_t)number, &found);
    if (status != HUSK_OK)
        return husk_lua_fail_message(L, status);
    (void)husk_pass_line(heap, &found, line, sizeof line);
    push_record(L, &found, name_of_type, &found);
    set_word(L, "line", line);
    return 1;
}

static int sums(lua_State *L)
{
    static const char function[] = "heap:pass_sums";
    husk_mode mode = check_mode(L, function, false);
    husk_pass_sums all;
    (void)husk_heap_pass_sums(husk_lua_check_heap(L, 1, function), mode, &all);
    push_sums(L, &all);
    return 1;
}

/* core.passes.pauses(heap, mode, percent): a table, or with percent a number. */
static int pauses(lua_State *L)
{
    static const char function[] = "heap:pauses";
    husk_mode mode = check_mode(L, function, true);
    husk_pauses all;
    uint64_t ns;
    if (lua_isnoneornil(L, 3)) {
        (void)husk_heap_pauses(husk_lua_check_heap(L, 1, function), mode, &all);
        push_pauses(L, &all);
        return 1;
    }
    if (lua_type(L, 3) != LUA_TNUMBER) {
        husk_lua_push_arg_error(L, function, 3, "number");
        return lua_error(L);
    }
    husk_status status =
        husk_heap_pause_percentile(husk_lua_check_heap(L, 1, function), mode, lua_tonumber(L, 3), &ns);
    if (status != HUSK_OK)
        return husk_lua_fail_message(L, status);
    husk_lua_push_size(L, ns);
    return 1;
}

/* core.passes.histogram(heap, mode): the buckets that are not empty. */
static int histogram(lua_State *L)
{
    static const char function[] = "heap:pause_histogram";
    husk_mode mode = check_mode(L, function, true);
    const husk_heap *heap = husk_lua_check_heap(L, 1, function);
    lua_Integer rows = 0;
    lua_newtable(L);
    for (size_t bucket = 0; bucket < HUSK_PAUSE_BUCKETS; bucket++) {
        uint64_t low, high, count = husk_heap_pause_count(heap, mode, bucket);
        if (!count || husk_pause_bucket(bucket, &low, &high) != HUSK_OK)
            continue;
        lua_createtable(L, 0, 3);
        set_count(L, "low_ns", low);
        set_count(L, "high_ns", high);
        set_count(L, "count", count);
        lua_rawseti(L, -2, ++rows);
    }
    return 1;
}

/* ---- core.gcstat ---- */

static int page_start(lua_State *L)
{
    husk_status status = husk_gcstat_start();
    return status == HUSK_OK ? 0 : husk_lua_fail_message(L, status);
}

static int page_stop(lua_State *L)
{
    (void)L;
    husk_gcstat_stop();
    return 0;
}

static int page_is_on(lua_State *L)
{
    lua_pushboolean(L, husk_gcstat_is_on());
    return 1;
}

static uint64_t now(void)
{
    struct timespec time;
    return clock_gettime(CLOCK_MONOTONIC, &time) == 0
               ? (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec
               : 0;
}

static void push_heap(lua_State *L, const husk_gcstat *one)
{
    uint64_t present = now();
    lua_createtable(L, 0, 6);
    set_count(L, "heap", one->heap);
    set_word(L, "name", one->name);
    set_count(L, "age_ns", present > one->written_ns ? present - one->written_ns : 0);
    if (one->latest.number) {
        push_record(L, &one->latest, name_of_page, one);
        lua_setfield(L, -2, "latest");
    }
    lua_createtable(L, 0, HUSK_MODES);
    for (int mode = 0; mode < HUSK_MODES; mode++) {
        push_sums(L, &one->sums[mode]);
        lua_setfield(L, -2, husk_mode_name((husk_mode)mode));
    }
    lua_setfield(L, -2, "sums");
    lua_createtable(L, 0, HUSK_MODES + 1);
    for (int mode = 0; mode < HUSK_MODES; mode++) {
        push_pauses(L, &one->pauses[mode]);
        lua_setfield(L, -2, husk_mode_name((husk_mode)mode));
    }
    push_pauses(L, &one->all_pauses);
    lua_setfield(L, -2, "any");
    lua_setfield(L, -2, "pauses");
}

/* core.gcstat.read(pid): a list of tables, one for each heap. */
static int page_read(lua_State *L)
{
    lua_Integer pid = 0;
    size_t count;
    if (!husk_lua_arg_integer(L, 1, "husk.gc.gcstat_read", 1, INT32_MAX, &pid))
        return lua_error(L);
    husk_gcstat *rows = lua_newuserdatauv(L, HUSK_GCSTAT_HEAPS * sizeof *rows, 0);
    husk_status status = husk_gcstat_read((int)pid, rows, HUSK_GCSTAT_HEAPS, &count);
    if (status != HUSK_OK)
        return husk_lua_fail_message(L, status);
    lua_createtable(L, (int)count, 0);
    for (size_t i = 0; i < count; i++) {
        push_heap(L, &rows[i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

/* core.gcstat.list(): numbers of processes, the lowest first is the script's business. */
static int page_list(lua_State *L)
{
    size_t room = 64, count;
    int *pids = lua_newuserdatauv(L, room * sizeof *pids, 0);
    husk_status status = husk_gcstat_list(pids, room, &count);
    while (status == HUSK_OK && count > room) {
        room = 2 * count;
        pids = lua_newuserdatauv(L, room * sizeof *pids, 0);
        status = husk_gcstat_list(pids, room, &count);
    }
    if (status != HUSK_OK)
        return husk_lua_fail_message(L, status);
    lua_createtable(L, (int)count, 0);
    for (size_t i = 0; i < count; i++) {
        lua_pushinteger(L, pids[i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

/* Adds to the core table on top: passes, gcstat. */
void husk_lua_open_passes(lua_State *L)
{
    static const luaL_Reg passes[] = {
        { "record", record },       { "sums", sums }, { "pauses", pauses },
        { "histogram", histogram }, { NULL, NULL },
    };
    static const luaL_Reg gcstat[] = {
        { "start", page_start }, { "stop", page_stop }, { "is_on", page_is_on },
        { "read", page_read },   { "list", page_list }, { NULL, NULL },
    };
    luaL_newlib(L, passes);
    lua_setfield(L, -2, "passes");
    luaL_newlib(L, gcstat);
    lua_setfield(L, -2, "gcstat");
}
