/* bindings/lua/host_errors.c: what a script gets when a call fails, and the checks of arguments.
 *
 * An error value is a table: code ("HUSK_EHEAP"), status (its number), message (one line that names the
 * thing), where ("script.lua:12: ", the innermost line outside the husk module). tostring and .. make one
 * line of it. */
#define _GNU_SOURCE /* memrchr */
#include "host.h"

#include <stdarg.h>
#include <stdio.h>

bool husk_lua_own_layer(const lua_Debug *at)
{
    static const char *const files[] = { "init",  "heap",     "type",   "gc", "weak",
                                         "trace", "snapshot", "memory", "ffi" };
    const char *file = at->srclen > 10 && at->source[0] == '@' ? memrchr(at->source, '/', at->srclen) : NULL;
    if (file && file - at->source > 8 && !memcmp(file - 8, "husk/ffi", 8))
        return true;
    if (!file || file - at->source < 5 || memcmp(file - 4, "husk", 4) != 0)
        return false;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        size_t length = strlen(files[i]);
        if (!strncmp(file + 1, files[i], length) && !strcmp(file + 1 + length, ".lua"))
            return true;
    }
    return false;
}

static void push_where(lua_State *L)
{
    lua_Debug at;
    for (int level = 1; lua_getstack(L, level, &at); level++) {
        lua_getinfo(L, "Sl", &at);
        if (at.currentline > 0 && !husk_lua_own_layer(&at)) {
            lua_pushfstring(L, "%s:%d: ", at.short_src, at.currentline);
            return;
        }
    }
    lua_pushliteral(L, "");
}

void husk_lua_push_error(lua_State *L, husk_status status, const char *format, ...)
{
    va_list values;
    luaL_checkstack(L, 8, NULL);
    va_start(values, format);
    lua_pushvfstring(L, format, values); /* first: the text may be the heap's */
    va_end(values);
    lua_createtable(L, 0, 4);
    lua_rotate(L, -2, 1);
    lua_setfield(L, -2, "message");
    lua_pushstring(L, husk_status_name(status));
    lua_setfield(L, -2, "code");
    lua_pushinteger(L, status);
    lua_setfield(L, -2, "status");
    push_where(L);
    lua_setfield(L, -2, "where");
    luaL_setmetatable(L, HUSK_LUA_ERROR_META);
}

void husk_lua_push_status(lua_State *L, husk_heap *heap, husk_status status)
{
    const char *text = husk_heap_message(heap);
    husk_lua_push_error(L, status, "%s", text && *text ? text : husk_status_text(status));
}

int husk_lua_fail(lua_State *L, husk_heap *heap, husk_status status)
{
    husk_lua_host *host = husk_heap_data(heap);
    husk_lua_push_status(L, heap, status);
    husk_lua_leave(L, host);
    return lua_error(L);
}

/* What stands at `at`, in words: "nil", "Node", "Node (released)", "heap 'main' (closed)". */
const char *husk_lua_describe(lua_State *L, int at, char *room, size_t size)
{
    const husk_lua_proxy *proxy = husk_lua_proxy_at(L, at);
    if (proxy) {
        const char *name = proxy->type ? husk_type_name(proxy->type) : "husk object";
        const char *state = husk_lua_proxy_obj(proxy) ? "" : proxy->hold ? " (ended)" : " (released)";
        snprintf(room, size, "%s%s", name, state);
        return room;
    }
    const husk_lua_host *host = husk_lua_door_at(L, at);
    if (host) {
        snprintf(room, size, "heap '%s'%s", host->name, host->heap ? "" : " (closed)");
        return room;
    }
    const husk_lua_door *door = lua_touserdata(L, at);
    if (lua_type(L, at) == LUA_TUSERDATA && lua_rawlen(L, at) == sizeof *door &&
        door->magic == &husk_lua_door_magic)
        return "released heap";
    return at > lua_gettop(L) ? "no value" : luaL_typename(L, at);
}

void husk_lua_dead_text(const husk_lua_proxy *proxy, const char *function, char *room, size_t size)
{
    const char *type = proxy->type ? husk_type_name(proxy->type) : "husk object";
    if (!proxy->hold)
        snprintf(room, size, "%s: this handle of %s has been released", function, type);
    else if (!proxy->hold->host || !proxy->hold->host->heap)
        snprintf(room, size, "%s: this handle of %s is dead: heap '%s' is closed", function, type,
                 proxy->hold->host ? proxy->hold->host->name : "");
    else
        snprintf(room, size, "%s: this handle of %s ended with the hook that was given it", function, type);
}

int husk_lua_raise(lua_State *L, const husk_lua_trouble *trouble)
{
    husk_lua_push_error(L, trouble->status, "%s", trouble->text);
    return lua_error(L);
}

/* "husk_heap::collect" and "Heap_collect", as SWIG names them, become "heap:collect", and "Obj_size" "husk.size";
 * some have another name in the Lua layer. */
static const char *shown_name(const char *function, char *room, size_t size)
{
    static const char *const renamed[][2] = {
        { "Heap_generation", "heap:stats" },
        { "Heap_set_pacing", "heap:pacing" },
        { "Heap_set_young", "heap:young" },
        { "Heap_set_parallel", "heap:parallel" },
        { "Heap_set_save_all", "heap:save_all" },
        { "Heap_set_soft_limit", "heap:soft_limit" },
        { "Obj_weak_count", "husk.weakcount" },
    };
    for (size_t i = 0; i < sizeof renamed / sizeof *renamed; i++)
        if (!strcmp(function, renamed[i][0]))
            return renamed[i][1];
    if (!strncmp(function, "Obj_", 4)) {
        snprintf(room, size, "husk.%s", function + 4);
        return room;
    }
    const char *rest = strncmp(function, "husk_", 5) ? function : function + 5;
    const char *mark = strstr(rest, "::");
    if (mark) {
        snprintf(room, size, "%.*s:%s", (int)(mark - rest), rest, mark + 2);
    } else if (*rest >= 'A' && *rest <= 'Z' && (mark = strchr(rest, '_'))) {
        snprintf(room, size, "%c%.*s:%s", *rest - 'A' + 'a', (int)(mark - rest - 1), rest + 1, mark + 1);
    } else {
        return function;
    }
    return room;
}

/* A method's first argument is its receiver; what a script writes in parentheses begins after it. */
void husk_lua_push_arg_error(lua_State *L, const char *function, int at, const char *expected)
{
    char name[80], got[160];
    function = shown_name(function, name, sizeof name);
    const char *what = husk_lua_describe(L, at, got, sizeof got);
    int method = strchr(function, ':') != NULL;
    if (method && at == 1)
        husk_lua_push_error(L, HUSK_EINVAL, "calling '%s' on a bad receiver (%s expected, got %s)", function,
                            expected, what);
    else
        husk_lua_push_error(L, HUSK_EINVAL, "bad argument #%d to '%s' (%s expected, got %s)", at - method,
                            function, expected, what);
}

void husk_lua_push_arg_count(lua_State *L, const char *function, int least, int most)
{
    char name[80];
    function = shown_name(function, name, sizeof name);
    int method = strchr(function, ':') != NULL;
    int got = lua_gettop(L) - method;
    if (got < 0)
        husk_lua_push_error(L, HUSK_EINVAL, "calling '%s' without a receiver", function);
    else if (least == most)
        husk_lua_push_error(L, HUSK_EINVAL, "wrong number of arguments to '%s' (%d expected, got %d)",
                            function, least - method, got);
    else
        husk_lua_push_error(L, HUSK_EINVAL, "wrong number of arguments to '%s' (%d to %d expected, got %d)",
                            function, least - method, most - method, got);
}

void husk_lua_check_any(lua_State *L, int at, const char *function)
{
    if (lua_isnone(L, at)) {
        husk_lua_push_arg_error(L, function, at, "value");
        lua_error(L);
    }
}

bool husk_lua_arg_integer(lua_State *L, int at, const char *function, lua_Integer least, lua_Integer most,
                          lua_Integer *out)
{
    int is_integer = 0;
    if (lua_type(L, at) == LUA_TNUMBER) /* a string is no number here */
        *out = lua_tointegerx(L, at, &is_integer);
    if (!is_integer) {
        husk_lua_push_arg_error(L, function, at, "integer");
        return false;
    }
    if (*out < least || *out > most) {
        char name[80];
        function = shown_name(function, name, sizeof name);
        husk_lua_push_error(L, HUSK_ERANGE, "bad argument #%d to '%s' (%I is out of range)",
                            at - (strchr(function, ':') != NULL), function, *out);
        return false;
    }
    return true;
}

husk_heap *husk_lua_arg_heap(lua_State *L, int at, const char *function)
{
    husk_lua_barrier(L);
    husk_lua_host *host = husk_lua_door_at(L, at);
    char name[80];
    if (!host) {
        husk_lua_push_arg_error(L, function, at, "heap");
        return NULL;
    }
    if (!host->heap) {
        husk_lua_push_error(L, HUSK_ESTATE, "%s: heap '%s' is closed",
                            shown_name(function, name, sizeof name), host->name);
        return NULL;
    }
    host->L = L;
    return host->heap;
}

husk_obj *husk_lua_arg_obj(lua_State *L, int at, const char *function)
{
    husk_lua_barrier(L);
    const husk_lua_proxy *proxy = husk_lua_proxy_at(L, at);
    husk_obj *obj = husk_lua_proxy_obj(proxy);
    if (obj)
        return obj;
    if (!proxy || !proxy->type) {
        husk_lua_push_arg_error(L, function, at, "object of a heap");
        return NULL;
    }
    char name[80], text[240];
    husk_lua_dead_text(proxy, shown_name(function, name, sizeof name), text, sizeof text);
    husk_lua_push_error(L, HUSK_ESTATE, "%s", text);
    return NULL;
}

husk_weak *husk_lua_arg_weak(lua_State *L, int at, const char *function)
{
    const husk_lua_proxy *proxy = husk_lua_proxy_at(L, at);
    if (!proxy || !proxy->type) {
        husk_lua_push_arg_error(L, function, at, "weak reference");
        return NULL;
    }
    husk_obj *obj = husk_lua_arg_obj(L, at, function);
    husk_weak *weak = obj ? husk_weak_of(obj) : NULL;
    if (obj && !weak)
        husk_lua_push_arg_error(L, function, at, "weak reference");
    return weak;
}

const husk_type *husk_lua_arg_type(lua_State *L, int at, const char *function)
{
    husk_lua_table(L, HUSK_LUA_KINDS);
    lua_pushvalue(L, at);
    const husk_type *type = lua_rawget(L, -2) == LUA_TLIGHTUSERDATA ? lua_touserdata(L, -1) : NULL;
    lua_pop(L, 2);
    if (!type)
        husk_lua_push_arg_error(L, function, at, "type of husk.type");
    return type;
}

husk_heap *husk_lua_check_heap(lua_State *L, int at, const char *function)
{
    husk_heap *heap = husk_lua_arg_heap(L, at, function);
    if (!heap)
        lua_error(L);
    return heap;
}

husk_obj *husk_lua_check_obj(lua_State *L, int at, const char *function)
{
    husk_obj *obj = husk_lua_arg_obj(L, at, function);
    if (!obj)
        lua_error(L);
    return obj;
}

husk_obj *husk_lua_check_kind(lua_State *L, int at, husk_kind kind, const char *function,
                              const char *expected)
{
    husk_lua_barrier(L);
    const husk_lua_proxy *proxy = husk_lua_proxy_at(L, at);
    husk_obj *obj = husk_lua_proxy_obj(proxy);
    if (obj && husk_obj_kind(obj) == kind)
        return obj;
    if (obj || !proxy)
        husk_lua_push_arg_error(L, function, at, expected);
    else
        husk_lua_arg_obj(L, at, function);
    lua_error(L);
    return NULL;
}

static int error_tostring(lua_State *L)
{
    if (lua_type(L, 1) != LUA_TTABLE) {
        luaL_tolstring(L, 1, NULL);
        return 1;
    }
    static const char *const parts[] = { "where", "message", "code" };
    for (int i = 0; i < 3; i++) {
        lua_pushstring(L, parts[i]);
        lua_rawget(L, 1);
        if (lua_type(L, -1) != LUA_TSTRING) {
            lua_pop(L, 1);
            lua_pushliteral(L, "?");
        }
    }
    lua_pushfstring(L, "%s%s (%s)", lua_tostring(L, -3), lua_tostring(L, -2), lua_tostring(L, -1));
    return 1;
}

static int error_concat(lua_State *L)
{
    luaL_tolstring(L, 1, NULL);
    luaL_tolstring(L, 2, NULL);
    lua_concat(L, 2);
    return 1;
}

/* core.fail(text, [status]): what the Lua layer raises. */
static int fail(lua_State *L)
{
    husk_lua_push_error(L, (husk_status)luaL_optinteger(L, 2, HUSK_EINVAL), "%s", luaL_checkstring(L, 1));
    return lua_error(L);
}

void husk_lua_open_failures(lua_State *L)
{
    lua_pushcfunction(L, fail);
    lua_setfield(L, -2, "fail");
}

void husk_lua_open_errors(lua_State *L)
{
    static const luaL_Reg meta[] = {
        { "__tostring", error_tostring },
        { "__concat", error_concat },
        { NULL, NULL },
    };
    if (luaL_newmetatable(L, HUSK_LUA_ERROR_META)) {
        luaL_setfuncs(L, meta, 0);
        lua_pushstring(L, HUSK_LUA_ERROR_META);
        lua_setfield(L, -2, "__name");
    }
    lua_pop(L, 1);
}
