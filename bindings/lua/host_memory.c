/* bindings/lua/host_memory.c: what the system says of memory, and balance sheets: core.memory, a table of
 * functions without objects. husk/memory.lua makes of it what scripts see. Also a heap's memory by size class
 * and by type.
 *
 * Numbers that are not known are not in the tables. Callbacks of Husk's must not touch Lua, which may raise:
 * what they see is kept in C until all of it is there. */
#include "host.h"

#include <husk/balance.h>
#include <husk/classes.h>
#include <husk/process.h>
#include <stdio.h>

#define MAPS_META "husk.memory.maps"
#define SHEET_META "husk.memory.sheet"

static int fail_message(lua_State *L, husk_status status)
{
    husk_lua_push_error(L, status, "%s", husk_message());
    return lua_error(L);
}

/* The number of a process at `at`; nothing: this one. */
static int64_t check_pid(lua_State *L, int at, const char *function)
{
    lua_Integer pid = 0;
    husk_lua_barrier(L);
    if (!lua_isnoneornil(L, at) && !husk_lua_arg_integer(L, at, function, 1, INT32_MAX, &pid))
        lua_error(L);
    return pid;
}

/* Adds the known fields of a struct of <husk/process.h> to the table on top. */
static void set_fields(lua_State *L, const char *group, const void *memory)
{
    husk_memory_field field;
    uint64_t value;
    for (size_t n = 0; husk_memory_field_at(group, n, &field); n++) {
        if (!husk_memory_value(memory, n, &value))
            continue;
        if (field.unit == HUSK_UNIT_PER_10000)
            lua_pushnumber(L, (lua_Number)value / 100);
        else
            husk_lua_push_size(L, value);
        lua_setfield(L, -2, field.name);
    }
}

static int push_memory(lua_State *L, husk_status status, const char *group, const void *memory)
{
    if (status != HUSK_OK)
        return fail_message(L, status);
    lua_createtable(L, 0, 24);
    set_fields(L, group, memory);
    return 1;
}

/* core.memory.process(pid, full) */
static int process(lua_State *L)
{
    husk_process_memory memory;
    bool full = lua_toboolean(L, 2);
    int64_t pid = check_pid(L, 1, full ? "husk.memory.full_info" : "husk.memory.info");
    uint32_t ask = full ? (uint32_t)HUSK_ASK_ALL : HUSK_ASK_BASIC | HUSK_ASK_STATUS;
    return push_memory(L, husk_process_memory_get(pid, ask, &memory), "process", &memory);
}

static int machine(lua_State *L)
{
    husk_system_memory memory;
    husk_lua_barrier(L);
    return push_memory(L, husk_system_memory_get(&memory), "system", &memory);
}

static int cgroup(lua_State *L)
{
    husk_cgroup_memory memory;
    char path[4096];
    int64_t pid = check_pid(L, 1, "husk.memory.cgroup");
    husk_status status = husk_cgroup_path(pid, path, sizeof path);
    if (status == HUSK_OK)
        status = husk_cgroup_memory_get(pid, &memory);
    push_memory(L, status, "cgroup", &memory);
    lua_pushstring(L, path);
    lua_setfield(L, -2, "path");
    return 1;
}

static int native(lua_State *L)
{
    husk_native_memory memory;
    husk_lua_barrier(L);
    return push_memory(L, husk_native_memory_get(&memory), "native", &memory);
}

/* core.memory.native_used() -> bytes, "allocator", "preload" or "sanitizer" */
static int native_used(lua_State *L)
{
    static const char *const tellers[] = { "allocator", "preload", "sanitizer" };
    uint64_t used;
    husk_native_teller teller;
    husk_lua_barrier(L);
    husk_status status = husk_native_used(&used, &teller);
    if (status != HUSK_OK)
        return fail_message(L, status);
    husk_lua_push_size(L, used);
    lua_pushstring(L, tellers[teller]);
    return 2;
}

static int percent(lua_State *L)
{
    double share;
    int64_t pid = check_pid(L, 2, "husk.memory.percent");
    if (lua_type(L, 1) != LUA_TSTRING) {
        husk_lua_push_arg_error(L, "husk.memory.percent", 1, "name of a field");
        return lua_error(L);
    }
    husk_status status = husk_memory_percent(pid, lua_tostring(L, 1), &share);
    if (status != HUSK_OK)
        return fail_message(L, status);
    lua_pushnumber(L, share);
    return 1;
}

/* core.memory.fields(group): a list of { name, unit, text }, or nil. */
static int fields(lua_State *L)
{
    static const char *const units[] = { "bytes", "count", "percent", "microseconds" };
    husk_memory_field field;
    const char *group = lua_type(L, 1) == LUA_TSTRING ? lua_tostring(L, 1) : "";
    if (!husk_memory_field_at(group, 0, &field))
        return 0;
    lua_newtable(L);
    for (size_t n = 0; husk_memory_field_at(group, n, &field); n++) {
        lua_createtable(L, 0, 3);
        lua_pushstring(L, field.name);
        lua_setfield(L, -2, "name");
        lua_pushstring(L, units[field.unit]);
        lua_setfield(L, -2, "unit");
        lua_pushstring(L, field.text);
        lua_setfield(L, -2, "text");
        lua_rawseti(L, -2, (lua_Integer)n + 1);
    }
    return 1;
}

static int reset_peak(lua_State *L)
{
    husk_status status = husk_process_reset_peak(check_pid(L, 1, "husk.memory.reset_peak"));
    return status == HUSK_OK ? 0 : fail_message(L, status);
}

static int trim(lua_State *L)
{
    uint64_t given;
    husk_lua_barrier(L);
    husk_status status = husk_native_trim(&given);
    if (status != HUSK_OK)
        return fail_message(L, status);
    husk_lua_push_size(L, given);
    return 1;
}

/* ---- mappings and threads ---- */

static int free_maps(lua_State *L)
{
    husk_maps **maps = lua_touserdata(L, 1);
    husk_maps_free(*maps);
    *maps = NULL;
    return 0;
}

static void push_map(lua_State *L, const husk_map *map)
{
    lua_createtable(L, 0, 24);
    lua_pushlstring(L, map->path, map->path_length);
    lua_setfield(L, -2, "path");
    lua_pushstring(L, map->permissions);
    lua_setfield(L, -2, "permissions");
    lua_pushstring(L, husk_map_kind_name(map->kind));
    lua_setfield(L, -2, "kind");
    lua_pushinteger(L, (lua_Integer)map->start); /* as addresses are written: they may wrap */
    lua_setfield(L, -2, "start");
    lua_pushinteger(L, (lua_Integer)map->end);
    lua_setfield(L, -2, "end");
    husk_lua_push_size(L, map->bytes);
    lua_setfield(L, -2, "bytes");
    husk_lua_push_size(L, map->offset);
    lua_setfield(L, -2, "offset");
    husk_lua_push_size(L, map->inode);
    lua_setfield(L, -2, "inode");
    husk_lua_push_size(L, map->count);
    lua_setfield(L, -2, "count");
    lua_pushboolean(L, map->deleted);
    lua_setfield(L, -2, "deleted");
    if (map->thread) {
        lua_pushinteger(L, (lua_Integer)map->thread);
        lua_setfield(L, -2, "thread");
    }
    set_fields(L, "map", &map->memory);
}

/* core.memory.maps(pid, sizes, grouped, stacks) */
static int maps(lua_State *L)
{
    int64_t pid = check_pid(L, 1, "husk.memory.maps");
    uint32_t flags = (lua_toboolean(L, 2) ? (uint32_t)HUSK_MAPS_SIZES : 0) |
                     (lua_toboolean(L, 3) ? (uint32_t)HUSK_MAPS_GROUPED : 0) |
                     (lua_toboolean(L, 4) ? (uint32_t)HUSK_MAPS_STACKS : 0);
    husk_map map;
    husk_maps **all = lua_newuserdatauv(L, sizeof *all, 0);
    *all = NULL;
    luaL_setmetatable(L, MAPS_META);
    husk_status status = husk_maps_read(pid, flags, all);
    if (status != HUSK_OK)
        return fail_message(L, status);
    lua_createtable(L, (int)husk_maps_count(*all), 0);
    for (size_t i = 0; husk_maps_at(*all, i, &map); i++) {
        push_map(L, &map);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    husk_maps_free(*all);
    *all = NULL;
    return 1;
}

struct threads {
    husk_thread *at;
    size_t room, count;
};

static bool keep_thread(const husk_thread *thread, void *data)
{
    struct threads *threads = data;
    if (threads->count < threads->room)
        threads->at[threads->count] = *thread;
    threads->count++;
    return true;
}

static int list_threads(lua_State *L)
{
    int64_t pid = check_pid(L, 1, "husk.memory.threads");
    struct threads threads = { NULL, 16, 0 };
    for (;;) { /* until there is room for all: they come and go */
        threads.count = 0;
        threads.at = lua_newuserdatauv(L, threads.room * sizeof *threads.at, 0);
        husk_status status = husk_process_each_thread(pid, keep_thread, &threads);
        if (status != HUSK_OK)
            return fail_message(L, status);
        if (threads.count <= threads.room)
            break;
        threads.room = threads.count * 2;
        lua_pop(L, 1);
    }
    lua_createtable(L, (int)threads.count, 0);
    for (size_t i = 0; i < threads.count; i++) {
        const husk_thread *thread = &threads.at[i];
        lua_createtable(L, 0, 5);
        lua_pushinteger(L, (lua_Integer)thread->id);
        lua_setfield(L, -2, "id");
        lua_pushstring(L, thread->name);
        lua_setfield(L, -2, "name");
        lua_pushlstring(L, &thread->state, 1);
        lua_setfield(L, -2, "state");
        husk_lua_push_size(L, thread->minor_faults);
        lua_setfield(L, -2, "minor_faults");
        husk_lua_push_size(L, thread->major_faults);
        lua_setfield(L, -2, "major_faults");
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

/* ---- the balance sheet ---- */

static int free_sheet(lua_State *L)
{
    husk_balance **sheet = lua_touserdata(L, 1);
    husk_balance_free(*sheet);
    *sheet = NULL;
    return 0;
}

static void push_row(lua_State *L, const husk_balance_row *row)
{
    lua_createtable(L, 0, 7);
    lua_pushstring(L, row->group);
    lua_setfield(L, -2, "group");
    lua_pushstring(L, row->name);
    lua_setfield(L, -2, "name");
    lua_pushinteger(L, (lua_Integer)row->bytes);
    lua_setfield(L, -2, "bytes");
    husk_lua_push_size(L, row->counted);
    lua_setfield(L, -2, "counted");
    husk_lua_push_size(L, row->shared);
    lua_setfield(L, -2, "shared");
    husk_lua_push_size(L, row->swapped);
    lua_setfield(L, -2, "swapped");
    lua_pushstring(L, row->note);
    lua_setfield(L, -2, "note");
}

/* Adds the sums of a sheet to the table on top. */
static void set_sum(lua_State *L, const husk_balance_sum *sum)
{
    const struct {
        const char *name;
        uint64_t value;
        bool there;
    } sums[] = {
        { "rss", sum->rss, true },
        { "rss_statm", sum->rss_statm, sum->rss_statm != 0 },
        { "live", sum->live, true },
        { "objects", sum->objects, true },
        { "live_before", sum->live_before, sum->milliseconds || sum->live_before },
        { "objects_before", sum->objects_before, sum->milliseconds || sum->live_before },
        { "milliseconds", sum->milliseconds, sum->milliseconds || sum->live_before },
        { "held_free", sum->held_free, true },
        { "pages", sum->pages, true },
        { "pages_sparse", sum->pages_sparse, true },
        { "sparse_free", sum->sparse_free, true },
        { "trimmed_heaps", sum->trimmed_heaps, sum->trimmed },
        { "trimmed_native", sum->trimmed_native, sum->trimmed },
        { "rss_trimmed", sum->rss_trimmed, sum->trimmed },
    };
    for (size_t i = 0; i < sizeof sums / sizeof *sums; i++)
        if (sums[i].there) {
            husk_lua_push_size(L, sums[i].value);
            lua_setfield(L, -2, sums[i].name);
        }
    lua_pushstring(L, husk_verdict_name(sum->verdict));
    lua_setfield(L, -2, "verdict");
    lua_pushstring(L, sum->evidence);
    lua_setfield(L, -2, "evidence");
}

static void push_text(lua_State *L, const husk_balance *sheet)
{
    luaL_Buffer buffer;
    size_t length = husk_balance_text(sheet, NULL, 0);
    char *text = luaL_buffinitsize(L, &buffer, length + 1);
    (void)husk_balance_text(sheet, text, length + 1);
    luaL_pushresultsize(&buffer, length);
}

/* core.memory.balance(pid, trim, before, heap ...): a table with the sheet itself, for a later `before`, as
 * `sheet`. */
static int balance(lua_State *L)
{
    enum { FIRST = 4 };
    static const char function[] = "husk.memory.balance";
    int count = lua_gettop(L) - FIRST + 1;
    husk_balance_options options = { HUSK_BALANCE_OPTIONS, .pid = check_pid(L, 1, function) };
    options.flags = lua_toboolean(L, 2) ? HUSK_BALANCE_TRIM : 0;
    husk_balance **before = luaL_testudata(L, 3, SHEET_META);
    options.before = before ? *before : NULL;
    /* First all that may run other code; then heaps are asked for. */
    husk_heap **heaps = lua_newuserdatauv(L, (size_t)(count > 0 ? count : 1) * sizeof *heaps, 0);
    husk_balance **sheet = lua_newuserdatauv(L, sizeof *sheet, 0);
    *sheet = NULL;
    luaL_setmetatable(L, SHEET_META);
    for (int i = 0; i < count; i++)
        heaps[i] = husk_lua_check_heap(L, FIRST + i, function);
    husk_status status = husk_balance_new(heaps, count > 0 ? (size_t)count : 0, &options, sheet);
    if (status != HUSK_OK)
        return fail_message(L, status);
    husk_balance_sum sum;
    husk_balance_row row;
    husk_balance_sum_get(*sheet, &sum);
    lua_createtable(L, 0, 20);
    lua_insert(L, -2);
    lua_setfield(L, -2, "sheet");
    set_sum(L, &sum);
    push_text(L, *sheet);
    lua_setfield(L, -2, "text");
    lua_newtable(L);
    for (size_t i = 0; husk_balance_row_at(*sheet, i, &row); i++) {
        push_row(L, &row);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_setfield(L, -2, "rows");
    return 1;
}

/* ---- a heap by size class and by type ---- */

static void push_class(lua_State *L, const husk_class *class)
{
    const struct {
        const char *name;
        size_t value;
    } sizes[] = { { "block_bytes", class->block_bytes },
                  { "pages", class->pages },
                  { "used", class->used },
                  { "free", class->free },
                  { "untouched", class->untouched },
                  { "used_bytes", class->used_bytes },
                  { "asked_bytes", class->asked_bytes },
                  { "held_bytes", class->held_bytes } };
    lua_createtable(L, 0, 9);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        husk_lua_push_size(L, sizes[i].value);
        lua_setfield(L, -2, sizes[i].name);
    }
    lua_pushboolean(L, class->tracked);
    lua_setfield(L, -2, "tracked");
}

/* core.memory.classes(heap): those with pages, and the text of the table. */
static int classes(lua_State *L)
{
    husk_class class;
    husk_heap *heap = husk_lua_check_heap(L, 1, "heap:classes");
    size_t length = husk_heap_classes_text(heap, NULL, 0) + 1024; /* it may grow while memory for it is had */
    luaL_Buffer buffer;
    char *text = luaL_buffinitsize(L, &buffer, length);
    size_t wanted = husk_heap_classes_text(husk_lua_check_heap(L, 1, "heap:classes"), text, length);
    luaL_pushresultsize(&buffer, wanted < length ? wanted : length - 1);
    lua_newtable(L);
    lua_Integer found = 0;
    for (size_t c = 0; husk_heap_class_get(husk_lua_check_heap(L, 1, "heap:classes"), c, &class); c++) {
        if (!class.held_bytes)
            continue;
        push_class(L, &class);
        lua_rawseti(L, -2, ++found);
    }
    lua_insert(L, -2);
    return 2;
}

struct types {
    struct type_count {
        const husk_type *type;
        size_t count, bytes;
    } * at;
    size_t room, count;
};

static bool keep_type(const husk_type *type, size_t count, size_t bytes, void *data)
{
    struct types *types = data;
    if (types->count < types->room)
        types->at[types->count] = (struct type_count){ type, count, bytes };
    types->count++;
    return true;
}

/* heap:types() */
static int list_types(lua_State *L)
{
    struct types types = { NULL, 32, 0 };
    for (;;) {
        types.count = 0;
        types.at = lua_newuserdatauv(L, types.room * sizeof *types.at, 0);
        husk_heap *heap = husk_lua_check_heap(L, 1, "heap:types");
        husk_status status = husk_heap_each_type(heap, keep_type, &types);
        if (status != HUSK_OK)
            return husk_lua_fail(L, heap, status);
        if (types.count <= types.room)
            break;
        types.room = types.count * 2;
        lua_pop(L, 1);
    }
    lua_createtable(L, (int)types.count, 0);
    for (size_t i = 0; i < types.count; i++) {
        lua_createtable(L, 0, 3);
        lua_pushstring(L, husk_type_name(types.at[i].type));
        lua_setfield(L, -2, "type");
        husk_lua_push_size(L, types.at[i].count);
        lua_setfield(L, -2, "count");
        husk_lua_push_size(L, types.at[i].bytes);
        lua_setfield(L, -2, "bytes");
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

static void make_meta(lua_State *L, const char *name, lua_CFunction gc)
{
    luaL_newmetatable(L, name);
    lua_pushcfunction(L, gc);
    lua_setfield(L, -2, "__gc");
    lua_pushboolean(L, 0); /* nobody gets at it: a freed sheet must not be freed again */
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 1);
}

/* With the core table on top. */
void husk_lua_open_memory(lua_State *L)
{
    static const luaL_Reg functions[] = {
        { "process", process },
        { "system", machine },
        { "cgroup", cgroup },
        { "native", native },
        { "native_used", native_used },
        { "percent", percent },
        { "fields", fields },
        { "reset_peak", reset_peak },
        { "trim", trim },
        { "maps", maps },
        { "threads", list_threads },
        { "balance", balance },
        { "classes", classes },
        { NULL, NULL },
    };
    make_meta(L, MAPS_META, free_maps);
    make_meta(L, SHEET_META, free_sheet);
    luaL_newlib(L, functions);
    lua_setfield(L, -2, "memory");
    lua_getfield(L, -1, "heap");
    lua_pushcfunction(L, list_types);
    lua_setfield(L, -2, "types");
    lua_pop(L, 1);
}
