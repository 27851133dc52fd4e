/* bindings/lua/host_snapshot.c: snapshots: taken, read from a file, written, their texts and numbers.
 *
 * A snapshot is a userdata that owns it; what is made from it (host_stats.c) refers to it, hangs in its ring, and ends
 * with it. Its strings are valid until it is closed, which any Lua call that allocates may do through a __gc: so no
 * pointer into it is used after such a call, each string is looked up again. Objects, edges and tracebacks are
 * host_nodes.c. */
#include "host.h"

static const char snap_magic, child_magic;

#define SNAPSHOT_META "husk.Snapshot"
#define CHILD_META "husk.Child"

/* ---- handles ---- */

int husk_lua_fail_message(lua_State *L, husk_status status)
{
    husk_lua_push_error(L, status, "%s", husk_message());
    return lua_error(L);
}

static husk_lua_snap *snap_at(lua_State *L, int at)
{
    husk_lua_snap *snap = lua_touserdata(L, at);
    if (!snap || lua_type(L, at) != LUA_TUSERDATA || lua_rawlen(L, at) != sizeof *snap)
        return NULL;
    return snap->magic == &snap_magic ? snap : NULL;
}

husk_lua_snap *husk_lua_check_snap(lua_State *L, int at, const char *function)
{
    husk_lua_snap *snap = snap_at(L, at);
    if (snap && snap->snapshot)
        return snap;
    if (snap)
        husk_lua_push_error(L, HUSK_ESTATE, "%s: the snapshot is closed", function);
    else
        husk_lua_push_arg_error(L, function, at, "snapshot");
    lua_error(L);
    return NULL;
}

static husk_lua_snap *push_snap(lua_State *L)
{
    husk_lua_snap *snap = lua_newuserdatauv(L, sizeof *snap, 0);
    *snap = (husk_lua_snap){ .magic = &snap_magic };
    snap->users.prev = snap->users.next = &snap->users;
    luaL_setmetatable(L, SNAPSHOT_META);
    return snap;
}

static void end_snap(husk_lua_snap *snap)
{
    while (snap->users.next != &snap->users)
        husk_lua_user_end(snap->users.next->user);
    husk_snapshot *snapshot = snap->snapshot;
    snap->snapshot = NULL;
    husk_snapshot_free(snapshot);
}

static int snap_gc(lua_State *L)
{
    husk_lua_snap *snap = snap_at(L, 1);
    if (snap)
        end_snap(snap);
    return 0;
}

/* snapshot:close(); also of a closed one. */
static int snap_close(lua_State *L)
{
    husk_lua_snap *snap = snap_at(L, 1);
    if (!snap) {
        husk_lua_push_arg_error(L, "snapshot:close", 1, "snapshot");
        return lua_error(L);
    }
    if (snap->busy) {
        husk_lua_push_error(L, HUSK_EBUSY, "snapshot:close: the snapshot is being exported");
        return lua_error(L);
    }
    end_snap(snap);
    return 0;
}

static int snap_closed(lua_State *L)
{
    const husk_lua_snap *snap = snap_at(L, 1);
    lua_pushboolean(L, !snap || !snap->snapshot);
    return 1;
}

static int snap_tostring(lua_State *L)
{
    const husk_lua_snap *snap = snap_at(L, 1);
    if (!snap || !snap->snapshot) {
        lua_pushliteral(L, "snapshot (closed)");
        return 1;
    }
    husk_snapshot_counts counts;
    husk_snapshot_counts_get(snap->snapshot, &counts);
    const char *heap = husk_snapshot_text(snap->snapshot, "heap");
    if (heap)
        lua_pushfstring(L, "snapshot of heap '%s', %I objects", heap, (lua_Integer)counts.objects);
    else
        lua_pushfstring(L, "snapshot of %I blocks", (lua_Integer)counts.blocks);
    return 1;
}

/* ---- what is made from snapshots ---- */

husk_lua_user *husk_lua_user_new(lua_State *L, const char *meta, const void *magic, void (*end)(void *made))
{
    husk_lua_user *user = lua_newuserdatauv(L, sizeof *user, 2);
    *user = (husk_lua_user){ .magic = magic, .free = end };
    luaL_setmetatable(L, meta);
    return user;
}

void husk_lua_user_hang(lua_State *L, int user_at, int snap_at)
{
    husk_lua_user *user = lua_touserdata(L, user_at);
    husk_lua_snap *snap = lua_touserdata(L, snap_at);
    int number = user->links[0].user ? 1 : 0;
    lua_pushvalue(L, snap_at);
    lua_setiuservalue(L, user_at, number + 1);
    husk_lua_link *link = &user->links[number];
    link->user = user;
    link->prev = snap->users.prev;
    link->next = &snap->users;
    link->prev->next = link;
    snap->users.prev = link;
}

void husk_lua_user_end(husk_lua_user *user)
{
    void *made = user->made;
    user->made = NULL;
    for (int i = 0; i < 2; i++) {
        husk_lua_link *link = &user->links[i];
        if (!link->user)
            continue;
        link->user = NULL;
        link->prev->next = link->next;
        link->next->prev = link->prev;
    }
    if (made)
        user->free(made);
}

static husk_lua_user *user_at(lua_State *L, int at, const void *magic)
{
    husk_lua_user *user = lua_touserdata(L, at);
    if (!user || lua_type(L, at) != LUA_TUSERDATA || lua_rawlen(L, at) != sizeof *user)
        return NULL;
    return user->magic == magic ? user : NULL;
}

int husk_lua_user_close(lua_State *L, const void *magic, const char *what)
{
    husk_lua_user *user = user_at(L, 1, magic);
    if (!user) {
        husk_lua_push_arg_error(L, "close", 1, what);
        return lua_error(L);
    }
    husk_lua_user_end(user);
    return 0;
}

husk_lua_user *husk_lua_check_user(lua_State *L, int at, const void *magic, const char *function,
                                   const char *what)
{
    husk_lua_user *user = user_at(L, at, magic);
    if (user && user->made)
        return user;
    if (user)
        husk_lua_push_error(L, HUSK_ESTATE, "%s: the %s are closed, or their snapshot is", function, what);
    else
        husk_lua_push_arg_error(L, function, at, what);
    lua_error(L);
    return NULL;
}

void husk_lua_open_handle(lua_State *L, const char *name, const luaL_Reg *meta, const luaL_Reg *methods)
{
    husk_lua_base_meta(L, name, meta);
    lua_newtable(L);
    luaL_setfuncs(L, methods, 0);
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, "methods");
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, "__index");
    lua_remove(L, -2);
}

/* ---- making ---- */

/* Stack from `at`: flags, max_bytes. */
static husk_snapshot_options options_at(lua_State *L, int at, const char *function)
{
    lua_Integer max_bytes = 0;
    if (!lua_isnoneornil(L, at + 1) && !husk_lua_entry_integer(L, at + 1, function, "max_bytes", &max_bytes))
        lua_error(L);
    return (husk_snapshot_options){ HUSK_SNAPSHOT_OPTIONS, .flags = (uint32_t)lua_tointeger(L, at),
                                    .max_bytes = (size_t)max_bytes };
}

/* The heap at 1, or NULL for false. */
static husk_heap *heap_or_none(lua_State *L, const char *function)
{
    if (lua_type(L, 1) == LUA_TBOOLEAN && !lua_toboolean(L, 1))
        return NULL;
    return husk_lua_check_heap(L, 1, function);
}

/* core.snapshot.take(heap or false, flags, [max_bytes]) */
static int take(lua_State *L)
{
    static const char function[] = "husk.snapshot.take";
    lua_settop(L, 3);
    husk_snapshot_options options = options_at(L, 2, function);
    husk_lua_snap *snap = push_snap(L);
    husk_heap *heap = heap_or_none(L, function);
    husk_status status = husk_snapshot_new(heap, &options, &snap->snapshot);
    return status == HUSK_OK ? 1 : husk_lua_fail_message(L, status);
}

/* core.snapshot.load(path) */
static int load(lua_State *L)
{
    const char *path = husk_lua_check_name(L, 1, "husk.snapshot.load", "the path");
    husk_lua_snap *snap = push_snap(L);
    husk_status status = husk_snapshot_load(path, &snap->snapshot);
    return status == HUSK_OK ? 1 : husk_lua_fail_message(L, status);
}

/* ---- by a child of the process ---- */

typedef struct child {
    const void *magic;
    int64_t pid; /* 0: waited for */
} child;

static child *child_at(lua_State *L, int at)
{
    child *one = lua_touserdata(L, at);
    if (!one || lua_type(L, at) != LUA_TUSERDATA || lua_rawlen(L, at) != sizeof *one)
        return NULL;
    return one->magic == &child_magic ? one : NULL;
}

/* core.snapshot.fork(heap or false, flags, max_bytes, path) */
static int fork_one(lua_State *L)
{
    static const char function[] = "husk.snapshot.fork";
    lua_settop(L, 4);
    husk_snapshot_options options = options_at(L, 2, function);
    const char *path = husk_lua_check_name(L, 4, function, "the path");
    child *one = lua_newuserdatauv(L, sizeof *one, 0);
    *one = (child){ &child_magic, 0 };
    luaL_setmetatable(L, CHILD_META);
    husk_heap *heap = heap_or_none(L, function);
    husk_status status = husk_snapshot_fork(heap, &options, path, &one->pid);
    if (status == HUSK_OK)
        return 1;
    one->pid = 0;
    return husk_lua_fail_message(L, status);
}

static husk_status wait_for(child *one)
{
    int64_t pid = one->pid;
    one->pid = 0;
    return husk_snapshot_fork_wait(pid);
}

/* child:wait(): raises what went wrong in it. Once: later it does nothing. */
static int child_wait(lua_State *L)
{
    child *one = child_at(L, 1);
    if (!one) {
        husk_lua_push_arg_error(L, "child:wait", 1, "child");
        return lua_error(L);
    }
    husk_status status = one->pid ? wait_for(one) : HUSK_OK;
    return status == HUSK_OK ? 0 : husk_lua_fail_message(L, status);
}

static int child_gc(lua_State *L)
{
    child *one = child_at(L, 1);
    if (one && one->pid)
        (void)wait_for(one); /* or it would stay a zombie; nobody is there to hear what went wrong */
    return 0;
}

/* ---- files and texts ---- */

static int snap_save(lua_State *L)
{
    const char *path = husk_lua_check_name(L, 2, "snapshot:save", "the path");
    husk_status status = husk_snapshot_save(husk_lua_check_snap(L, 1, "snapshot:save")->snapshot, path);
    return status == HUSK_OK ? 0 : husk_lua_fail_message(L, status);
}

static int snap_note(lua_State *L)
{
    const char *key = husk_lua_check_name(L, 2, "snapshot:note", "the key");
    const char *text = husk_lua_check_name(L, 3, "snapshot:note", "the text");
    husk_lua_snap *snap = husk_lua_check_snap(L, 1, "snapshot:note");
    if (snap->busy) { /* texts may move */
        husk_lua_push_error(L, HUSK_EBUSY, "snapshot:note: the snapshot is being exported");
        return lua_error(L);
    }
    husk_status status = husk_snapshot_note(snap->snapshot, key, text);
    return status == HUSK_OK ? 0 : husk_lua_fail_message(L, status);
}

static int snap_text(lua_State *L)
{
    const char *key = husk_lua_check_name(L, 2, "snapshot:text", "the key");
    lua_pushstring(L, husk_snapshot_text(husk_lua_check_snap(L, 1, "snapshot:text")->snapshot, key));
    return 1;
}

/* All texts in their order: a list of {key, text}. */
static int snap_texts(lua_State *L)
{
    static const char function[] = "snapshot:texts";
    lua_settop(L, 1);
    husk_lua_check_snap(L, 1, function);
    lua_newtable(L);
    for (size_t i = 0;; i++) {
        const char *key = husk_snapshot_text_key(husk_lua_check_snap(L, 1, function)->snapshot, i);
        if (!key)
            return 1;
        lua_pushstring(L, key);
        lua_pushstring(
            L, husk_snapshot_text(husk_lua_check_snap(L, 1, function)->snapshot, lua_tostring(L, -1)));
        lua_createtable(L, 2, 0);
        lua_rotate(L, -3, 1);
        lua_rawseti(L, -3, 2);
        lua_rawseti(L, -2, 1);
        lua_rawseti(L, 2, (lua_Integer)i + 1);
    }
}

static int snap_number(lua_State *L)
{
    const char *group = husk_lua_check_name(L, 2, "snapshot:number", "the group");
    const char *name = husk_lua_check_name(L, 3, "snapshot:number", "the name");
    uint64_t number;
    const husk_lua_snap *snap = husk_lua_check_snap(L, 1, "snapshot:number");
    if (husk_snapshot_number(snap->snapshot, group, name, &number) == HUSK_OK)
        husk_lua_push_size(L, number);
    else
        lua_pushnil(L);
    return 1;
}

/* All numbers in their order: a list of {group =, name =, value =}. */
static int snap_figures(lua_State *L)
{
    static const char function[] = "snapshot:figures";
    husk_snapshot_figure figure;
    lua_settop(L, 1);
    husk_lua_check_snap(L, 1, function);
    lua_newtable(L);
    for (size_t i = 0; husk_snapshot_figure_at(husk_lua_check_snap(L, 1, function)->snapshot, i, &figure);
         i++) {
        lua_pushstring(L, figure.group);
        lua_createtable(L, 0, 3);
        lua_rotate(L, -2, 1);
        lua_setfield(L, -2, "group");
        husk_lua_push_size(L, figure.value);
        lua_setfield(L, -2, "value");
        husk_snapshot_figure_at(husk_lua_check_snap(L, 1, function)->snapshot, i, &figure);
        lua_pushstring(L, figure.name);
        lua_setfield(L, -2, "name");
        lua_rawseti(L, 2, (lua_Integer)i + 1);
    }
    return 1;
}

static int snap_counts(lua_State *L)
{
    husk_snapshot_counts counts;
    husk_snapshot_counts_get(husk_lua_check_snap(L, 1, "snapshot:counts")->snapshot, &counts);
    husk_lua_push_snapshot_counts(L, &counts);
    return 1;
}

/* ---- opening ---- */

/* Adds to the core table on top: snapshot, with the methods of snapshots in snapshot.methods and
 * snapshot.child_methods. */
void husk_lua_open_snapshots(lua_State *L)
{
    static const luaL_Reg functions[] = {
        { "take", take },
        { "load", load },
        { "fork", fork_one },
        { NULL, NULL },
    };
    static const luaL_Reg methods[] = {
        { "close", snap_close },   { "closed", snap_closed },
        { "save", snap_save },     { "note", snap_note },
        { "text", snap_text },     { "texts", snap_texts },
        { "number", snap_number }, { "figures", snap_figures },
        { "counts", snap_counts }, { NULL, NULL },
    };
    static const luaL_Reg meta[] = {
        { "__gc", snap_gc },
        { "__close", snap_close },
        { "__tostring", snap_tostring },
        { NULL, NULL },
    };
    static const luaL_Reg child_methods[] = { { "wait", child_wait }, { NULL, NULL } };
    static const luaL_Reg child_meta[] = { { "__gc", child_gc }, { "__close", child_wait }, { NULL, NULL } };
    luaL_newlib(L, functions);
    husk_lua_add_traceback(L);
    husk_lua_open_handle(L, SNAPSHOT_META, meta, methods);
    husk_lua_add_nodes(L);
    lua_setfield(L, -2, "methods");
    husk_lua_open_handle(L, CHILD_META, child_meta, child_methods);
    lua_setfield(L, -2, "child_methods");
    lua_setfield(L, -2, "snapshot");
}
