/* bindings/lua/host_export.c: exports and reports of snapshots: to a file, or to a function of the script that gets the
 * bytes piece by piece. No error of that function passes through Husk's frames: it is kept and raised afterwards. */
#include "host_snapshot.h"

#include <stdlib.h>

struct writing {
    lua_State *L;
    int function; /* where it stands */
    bool failed;  /* its error is on top of the stack */
};

struct piece {
    const void *bytes;
    size_t length;
    bool go_on;
};

/* write_piece(piece, function) */
static int write_piece(lua_State *L)
{
    struct piece *piece = lua_touserdata(L, 1);
    lua_pushlstring(L, piece->bytes, piece->length);
    lua_call(L, 1, 1);
    piece->go_on = !(lua_type(L, -1) == LUA_TBOOLEAN && !lua_toboolean(L, -1));
    return 0;
}

static bool write_to_function(const void *bytes, size_t length, void *data)
{
    struct writing *w = data;
    struct piece piece = { bytes, length, false };
    lua_pushcfunction(w->L, write_piece);
    lua_pushlightuserdata(w->L, &piece);
    lua_pushvalue(w->L, w->function);
    if (lua_pcall(w->L, 2, 0, 0) != LUA_OK) {
        w->failed = true;
        return false;
    }
    return piece.go_on;
}

/* export(snapshot, format, path or function, by, top, flags, title, max_bytes) */
static int export(lua_State *L)
{
    lua_settop(L, 8);
    const char *function = "snapshot:export";
    husk_lua_snapshot *box = husk_lua_check_snapshot(L, 1, function);
    husk_export_options o = { HUSK_EXPORT_OPTIONS };
    const char *format = husk_lua_opt_text(L, 2, function, "the format");
    o.by = husk_lua_opt_text(L, 4, function, "by");
    o.title = husk_lua_opt_text(L, 7, function, "title");
    lua_Integer top = 0, flags = 0, max_bytes = 0;
    if ((!lua_isnil(L, 5) && !husk_lua_arg_integer(L, 5, function, 0, LUA_MAXINTEGER, &top)) ||
        !husk_lua_arg_integer(L, 6, function, 0, 7, &flags) ||
        (!lua_isnil(L, 8) && !husk_lua_arg_integer(L, 8, function, 0, LUA_MAXINTEGER, &max_bytes)))
        return lua_error(L);
    o.top = (size_t)top;
    o.flags = (uint32_t)flags;
    o.max_bytes = (size_t)max_bytes;
    husk_status status;
    struct writing w = { L, 3, false };
    box->uses++;
    if (lua_type(L, 3) == LUA_TFUNCTION)
        status = husk_export(box->snapshot, format ? format : "", &o, write_to_function, &w);
    else
        status = lua_type(L, 3) == LUA_TSTRING
                     ? husk_export_file(box->snapshot, format ? format : "", &o, lua_tostring(L, 3))
                     : husk_fail(HUSK_EINVAL, "%s: a path or a function is wanted", function);
    box->uses--;
    if (w.failed)
        return lua_error(L);
    return status ? husk_lua_fail_message(L, status) : 0;
}

/* report(list of snapshots, path, title, list of names or nil, max_bytes) */
static int report(lua_State *L)
{
    lua_settop(L, 5);
    const char *function = "husk.snapshot.report";
    if (lua_type(L, 1) != LUA_TTABLE) {
        husk_lua_push_arg_error(L, function, 1, "table");
        return lua_error(L);
    }
    const char *path = husk_lua_opt_text(L, 2, function, "the path");
    husk_report_options o = { HUSK_REPORT_OPTIONS };
    o.title = husk_lua_opt_text(L, 3, function, "title");
    lua_Integer max_bytes = 0, count = luaL_len(L, 1);
    if (!lua_isnil(L, 5) && !husk_lua_arg_integer(L, 5, function, 0, LUA_MAXINTEGER, &max_bytes))
        return lua_error(L);
    o.max_bytes = (size_t)max_bytes;
    if (count > 1000)
        return husk_lua_fail_message(
            L, husk_fail(HUSK_ERANGE, "%s: %lld snapshots are too many", function, (long long)count));
    size_t room = count > 0 ? (size_t)count : 1;
    const husk_snapshot **snapshots = lua_newuserdatauv(L, room * sizeof *snapshots, 0);
    const char **names = lua_newuserdatauv(L, room * sizeof *names, 0);
    luaL_checkstack(L, (int)count * 2 + 10, NULL); /* all stay on the stack meanwhile */
    for (lua_Integer i = 0; i < count; i++) {
        lua_rawgeti(L, 1, i + 1);
        snapshots[i] = husk_lua_check_snapshot(L, -1, function)->snapshot;
        if (lua_type(L, 4) == LUA_TTABLE)
            lua_rawgeti(L, 4, i + 1);
        else
            lua_pushnil(L);
        names[i] = husk_lua_opt_text(L, -1, function, "a name");
        if (!names[i])
            names[i] = "";
    }
    if (lua_type(L, 4) == LUA_TTABLE)
        o.names = names;
    husk_status status = husk_report_file(snapshots, (size_t)count, &o, path ? path : "");
    return status ? husk_lua_fail_message(L, status) : 0;
}

static int formats(lua_State *L)
{
    lua_newtable(L);
    const char *name;
    for (size_t i = 0; (name = husk_export_format(i)); i++) {
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

static int guess(lua_State *L)
{
    const char *path = husk_lua_opt_text(L, 1, "husk.snapshot.guess", "the path");
    lua_pushstring(L, path ? husk_export_guess(path) : NULL);
    return 1;
}

void husk_lua_open_exports(lua_State *L)
{
    static const luaL_Reg functions[] = {
        { "export", export }, { "report", report }, { "formats", formats },
        { "guess", guess },   { NULL, NULL },
    };
    luaL_setfuncs(L, functions, 0);
}
