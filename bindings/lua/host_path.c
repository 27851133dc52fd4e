/* bindings/lua/host_path.c: why an object is alive, as tables; and what experiments (husk/expect.lua) read of the
 * process: its open files. */
#define _GNU_SOURCE
#include "host.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <husk/path.h>

#define FOUND_META "husk.core.Found"

/* What must be freed whatever Lua does. */
typedef struct found {
    husk_path *path;
    husk_obj *obj; /* a reference of ours: of a weak reference's object */
    char *text;
    DIR *dir;
} found;

static int end_found(lua_State *L)
{
    found *f = lua_touserdata(L, 1);
    husk_path_free(f->path);
    free(f->text);
    if (f->dir)
        closedir(f->dir);
    husk_obj *obj = f->obj;
    *f = (found){ 0 };
    if (obj) {
        husk_lua_host *host = husk_lua_enter(L, husk_obj_heap(obj));
        husk_obj_release(obj);
        husk_lua_leave(L, host);
    }
    return 0;
}

static found *push_found(lua_State *L)
{
    found *f = lua_newuserdatauv(L, sizeof *f, 0);
    *f = (found){ 0 };
    luaL_setmetatable(L, FOUND_META);
    return f;
}

/* Line number `index` of the path. */
static void push_line(lua_State *L, found *f, size_t index)
{
    size_t length = husk_path_text(f->path, index, NULL, 0);
    f->text = malloc(length + 1);
    if (!f->text)
        luaL_error(L, "not enough memory");
    husk_path_text(f->path, index, f->text, length + 1);
    lua_pushlstring(L, f->text, length);
    free(f->text);
    f->text = NULL;
}

static void push_path(lua_State *L, found *f, size_t index)
{
    static const char *const kinds[] = { "held", "immortal", "frozen" };
    husk_path_root root;
    husk_node node;
    lua_createtable(L, 0, 5);
    push_line(L, f, index);
    lua_setfield(L, -2, "text");
    if (!husk_path_root_get(f->path, index, &root) ||
        !husk_snapshot_node(husk_path_snapshot(f->path), root.node, &node))
        return;
    lua_pushstring(L, node.type);
    lua_setfield(L, -2, "root");
    lua_pushstring(L, kinds[root.kind]);
    lua_setfield(L, -2, "kind");
    husk_lua_push_size(L, (uint64_t)root.held);
    lua_setfield(L, -2, "held");
    husk_lua_push_size(L, root.steps);
    lua_setfield(L, -2, "steps");
}

/* core.why(x, limit): a list of paths, and the line to show if there is none. x is a handle, whose own reference is no
 * reason, or a weak reference of any sort (soft, a cleanup, a watch), then of its object; nil if that is gone. */
static int why(lua_State *L)
{
    lua_Integer limit = 1;
    husk_obj *obj = husk_lua_check_obj(L, 1, "husk.why");
    if (!lua_isnoneornil(L, 2) && !husk_lua_arg_integer(L, 2, "husk.why", 1, 64, &limit))
        return lua_error(L);
    lua_settop(L, 2);
    found *f = push_found(L);
    obj = husk_lua_check_obj(L, 1, "husk.why");
    if (husk_obj_kind(obj) == HUSK_KIND_WEAK) {
        f->obj = obj = husk_weak_lock(husk_weak_of(obj));
        if (!obj) {
            lua_pushnil(L);
            return 1;
        }
    }
    husk_path_options options = { HUSK_PATH_OPTIONS, .limit = (size_t)limit, .known = 1, .first_index = 1 };
    husk_status status = husk_path_of(obj, &options, &f->path);
    if (status)
        return husk_lua_fail_message(L, status);
    size_t count = husk_path_count(f->path);
    lua_createtable(L, (int)count, 1);
    for (size_t i = 0; i < count; i++) {
        push_path(L, f, i);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    if (!count)
        push_line(L, f, 0);
    else
        lua_pushnil(L);
    lua_pushvalue(L, 3);
    lua_pushcfunction(L, end_found);
    lua_insert(L, -2);
    lua_call(L, 1, 0);
    return 2;
}

/* core.open_files(): number -> what it is of, of this process's descriptors but the one that reads them; nil, why. */
static int open_files(lua_State *L)
{
    lua_settop(L, 0);
    found *f = push_found(L);
    f->dir = opendir("/proc/self/fd");
    if (!f->dir) {
        lua_pushnil(L);
        lua_pushstring(L, strerror(errno));
        return 2;
    }
    lua_newtable(L);
    for (const struct dirent *entry; (entry = readdir(f->dir));) {
        char *end, target[512];
        long number = strtol(entry->d_name, &end, 10);
        if (*end || end == entry->d_name || number == dirfd(f->dir))
            continue;
        ssize_t length = readlinkat(dirfd(f->dir), entry->d_name, target, sizeof target);
        if (length < 0)
            continue; /* gone meanwhile: another thread's */
        lua_pushlstring(L, target, (size_t)length);
        lua_rawseti(L, 2, number);
    }
    closedir(f->dir);
    f->dir = NULL;
    return 1;
}

/* core.seconds(): of a clock that only goes forward. */
static int seconds(lua_State *L)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    lua_pushnumber(L, (lua_Number)now.tv_sec + (lua_Number)now.tv_nsec * 1e-9);
    return 1;
}

void husk_lua_open_paths(lua_State *L)
{
    static const luaL_Reg functions[] = {
        { "why", why },
        { "open_files", open_files },
        { "seconds", seconds },
        { NULL, NULL },
    };
    luaL_newmetatable(L, FOUND_META);
    lua_pushcfunction(L, end_found);
    lua_setfield(L, -2, "__gc");
    lua_pop(L, 1);
    luaL_setfuncs(L, functions, 0);
}
