/* bindings/lua/host_export.c: snapshots in the forms that other programs read, to a file or piece by piece to a function.
 *
 * The function is called by the library in the middle of its work: no error may pass through that. It runs under
 * lua_pcall; what went wrong is kept in a slot of our stack and raised when the library has returned. Meanwhile the
 * snapshots are busy: they cannot be closed. */
#include "host.h"

#include <husk/report.h>

/* ---- writers ---- */

typedef struct writer {
    lua_State *L;
    int function; /* its place in the stack */
    int progress; /* and that of who wants to know how far it is */
    int problem;  /* where the error value goes */
    bool failed;
    const void *bytes;
    size_t length;
} writer;

/* function(piece): false, or nil and a text as files give it, ends the writing. */
static int write_body(lua_State *L)
{
    const writer *w = lua_touserdata(L, 1);
    lua_pushlstring(L, w->bytes, w->length);
    lua_rotate(L, 2, 1); /* the piece before the function */
    lua_rotate(L, 2, 1);
    lua_call(L, 1, 2);
    bool stops = lua_type(L, -2) == LUA_TBOOLEAN && !lua_toboolean(L, -2);
    bool fails = lua_isnil(L, -2) && !lua_isnil(L, -1);
    if (stops || fails) {
        const char *why = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "the writer wants no more";
        husk_lua_push_error(L, HUSK_EIO, "export: %s", why);
        return lua_error(L);
    }
    return 0;
}

static bool write_piece(const void *bytes, size_t length, void *data)
{
    writer *w = data;
    lua_State *L = w->L;
    if (!lua_checkstack(L, 4))
        return false;
    w->bytes = bytes;
    w->length = length;
    lua_pushcfunction(L, write_body);
    lua_pushlightuserdata(L, w);
    lua_pushvalue(L, w->function);
    if (lua_pcall(L, 2, 0, 0) == LUA_OK)
        return true;
    lua_replace(L, w->problem);
    w->failed = true;
    return false;
}

/* function(bytes): its answer does not matter. */
static int tell_body(lua_State *L)
{
    const writer *w = lua_touserdata(L, 1);
    lua_pushinteger(L, (lua_Integer)w->length);
    lua_call(L, 1, 0);
    return 0;
}

/* The first failure stays, and is raised in the end. */
static void tell(uint64_t bytes, void *data)
{
    writer *w = data;
    lua_State *L = w->L;
    if (w->failed || !lua_checkstack(L, 4))
        return;
    w->length = (size_t)bytes;
    lua_pushcfunction(L, tell_body);
    lua_pushlightuserdata(L, w);
    lua_pushvalue(L, w->progress);
    if (lua_pcall(L, 2, 0, 0) == LUA_OK)
        return;
    lua_replace(L, w->problem);
    w->failed = true;
}

/* After the library has returned. */
static int finish(lua_State *L, const writer *w, husk_status status)
{
    if (w->failed) {
        lua_pushvalue(L, w->problem);
        return lua_error(L);
    }
    return status == HUSK_OK ? 0 : husk_lua_fail_message(L, status);
}

/* ---- exports ---- */

static const char *text_or_null(lua_State *L, int at, const char *function, const char *what)
{
    return lua_isnoneornil(L, at) ? NULL : husk_lua_check_name(L, at, function, what);
}

static size_t size_or_0(lua_State *L, int at, const char *function, const char *what)
{
    lua_Integer size = 0;
    if (!lua_isnoneornil(L, at) && !husk_lua_entry_integer(L, at, function, what, &size))
        lua_error(L);
    return (size_t)size;
}

/* core.export.snapshot(snapshot, format, path or function, flags, by, top, max_bytes, title, progress,
 * filter or nil) */
static int export(lua_State *L)
{
    static const char function[] = "snapshot:export";
    lua_settop(L, 11); /* 11: for the problem */
    const char *format = husk_lua_check_name(L, 2, function, "the format");
    husk_export_options options = { HUSK_EXPORT_OPTIONS,
                                    .flags = (uint32_t)lua_tointeger(L, 4),
                                    .by = text_or_null(L, 5, function, "by"),
                                    .top = size_or_0(L, 6, function, "top"),
                                    .max_bytes = size_or_0(L, 7, function, "max_bytes"),
                                    .title = text_or_null(L, 8, function, "the title") };
    writer w = { .L = L, .function = 3, .progress = 9, .problem = 11 };
    if (lua_type(L, 9) == LUA_TFUNCTION) {
        options.progress = tell;
        options.progress_data = &w;
    }
    if (!lua_isnil(L, 10))
        options.filter = husk_lua_check_filter(L, 10);
    bool calls = lua_type(L, 3) == LUA_TFUNCTION;
    const char *path = calls ? NULL : husk_lua_check_name(L, 3, function, "the path");
    husk_lua_snap *snap = husk_lua_check_snap(L, 1, function);
    snap->busy++;
    husk_status status = calls ? husk_export(snap->snapshot, format, &options, write_piece, &w)
                               : husk_export_file(snap->snapshot, format, &options, path);
    snap->busy--;
    return finish(L, &w, status);
}

/* core.export.report(snapshots, path or function, title, names, max_bytes): lists. */
static int report(lua_State *L)
{
    static const char function[] = "husk.snapshot.report";
    lua_settop(L, 6); /* 6: for the problem */
    size_t count = lua_rawlen(L, 1);
    husk_report_options options = { HUSK_REPORT_OPTIONS, .title = text_or_null(L, 3, function, "the title"),
                                    .max_bytes = size_or_0(L, 5, function, "max_bytes") };
    writer w = { .L = L, .function = 2, .problem = 6 };
    bool calls = lua_type(L, 2) == LUA_TFUNCTION;
    const char *path = calls ? NULL : husk_lua_check_name(L, 2, function, "the path");
    const husk_snapshot **snapshots = lua_newuserdatauv(L, (count + 1) * sizeof *snapshots, 0);
    husk_lua_snap **snaps = lua_newuserdatauv(L, (count + 1) * sizeof(husk_lua_snap *), 0);
    const char **names = lua_newuserdatauv(L, (count + 1) * sizeof *names, 0);
    luaL_checkstack(L, 4, NULL);
    for (size_t i = 0; i < count; i++) { /* the lists keep all of them; nothing in here runs other code */
        lua_rawgeti(L, 1, (lua_Integer)i + 1);
        snaps[i] = husk_lua_check_snap(L, -1, function);
        snapshots[i] = snaps[i]->snapshot;
        lua_pop(L, 1);
        if (lua_isnil(L, 4))
            continue;
        lua_rawgeti(L, 4, (lua_Integer)i + 1);
        names[i] = husk_lua_check_name(L, -1, function, "a name");
        lua_pop(L, 1);
        options.names = names;
    }
    for (size_t i = 0; i < count; i++)
        snaps[i]->busy++;
    husk_status status = calls ? husk_report(snapshots, count, &options, write_piece, &w)
                               : husk_report_file(snapshots, count, &options, path);
    for (size_t i = 0; i < count; i++)
        snaps[i]->busy--;
    return finish(L, &w, status);
}

/* core.export.formats(): a list of {name =, suffix =, about =}. */
static int formats(lua_State *L)
{
    lua_newtable(L);
    for (size_t i = 0; husk_export_format(i); i++) {
        const char *name = husk_export_format(i);
        lua_createtable(L, 0, 3);
        lua_pushstring(L, name);
        lua_setfield(L, -2, "name");
        lua_pushstring(L, husk_export_suffix(name));
        lua_setfield(L, -2, "suffix");
        lua_pushstring(L, husk_export_about(name));
        lua_setfield(L, -2, "about");
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

/* core.export.guess(path): the format that a file of this name would have, or nil. */
static int guess(lua_State *L)
{
    lua_pushstring(L, husk_export_guess(husk_lua_check_name(L, 1, "snapshot:export", "the path")));
    return 1;
}

/* Adds to the core table on top: export. */
void husk_lua_open_exports(lua_State *L)
{
    static const luaL_Reg functions[] = {
        { "snapshot", export }, { "report", report }, { "formats", formats },
        { "guess", guess },     { NULL, NULL },
    };
    luaL_newlib(L, functions);
    lua_setfield(L, -2, "export");
}
