/* cli/host.c: the embedded modules, and calls that SIGINT can stop. */
#define _GNU_SOURCE
#include "host.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

extern int luaopen_husk_core(lua_State *L);
#ifdef HUSK_HAVE_FFI
extern int luaopen_husk_ffi_core(lua_State *L);
#endif

/* ---- modules ---- */

static int load_embedded(lua_State *L)
{
    const husk_embedded *file = lua_touserdata(L, lua_upvalueindex(1));
    if (luaL_loadbufferx(L, file->text, file->size, file->chunk, "t") != LUA_OK)
        return lua_error(L);
    lua_insert(L, 1);
    lua_call(L, lua_gettop(L) - 1, 1);
    return 1;
}

/* ---- calls that SIGINT can stop ---- */

static lua_State *running; /* the state whose code a SIGINT stops */
static volatile sig_atomic_t interrupted;

/* Not taken away when it has fired: a script that catches every error must stop too. */
static void stop(lua_State *L, lua_Debug *at)
{
    (void)at;
    luaL_error(L, "interrupted");
}

/* Seconds since some point in time; a signal handler may ask. */
static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* lua_sethook is the one function of Lua that a signal handler may call. A SIGINT that comes while an earlier one
 * has had no effect ends the process; not one of the same moment, as timeout(1) sends to process and group. */
static void on_interrupt(int number)
{
    static double first;
    if (interrupted && now() - first > 0.3) {
        signal(number, SIG_DFL);
        raise(number);
        return;
    }
    if (!interrupted)
        first = now();
    interrupted = 1;
    if (running)
        lua_sethook(running, stop, LUA_MASKCOUNT, 1);
}

/* The message for a failed script: the error's own text and where it came from, without our own frames. */
static int add_traceback(lua_State *L)
{
    if (lua_type(L, 1) != LUA_TSTRING) {
        if (luaL_getmetafield(L, 1, "__tostring") == LUA_TNIL)
            lua_pushfstring(L, "(error object is a %s value)", luaL_typename(L, 1));
        else
            luaL_tolstring(L, 1, NULL);
        lua_replace(L, 1);
    }
    luaL_traceback(L, L, lua_tostring(L, 1), 1);
    const char *text = lua_tostring(L, -1);
    const char *ours = strstr(text, "\n\t[C]: in function 'husk.host.call'");
    if (ours)
        lua_pushlstring(L, text, (size_t)(ours - text));
    return 1;
}

int husk_cli_call(lua_State *L)
{
    luaL_checkany(L, 1);
    lua_pushcfunction(L, add_traceback);
    lua_insert(L, 1);
    struct sigaction ours = { .sa_handler = on_interrupt }, before;
    sigemptyset(&ours.sa_mask);
    lua_State *outer = running;
    interrupted = 0;
    running = L;
    sigaction(SIGINT, &ours, &before);
    int status = lua_pcall(L, lua_gettop(L) - 2, LUA_MULTRET, 1);
    sigaction(SIGINT, &before, NULL);
    running = outer;
    lua_sethook(L, NULL, 0, 0);
    bool stopped = interrupted;
    interrupted = 0;
    lua_pushboolean(L, status == LUA_OK);
    lua_replace(L, 1);
    if (status == LUA_OK)
        return lua_gettop(L);
    lua_pushboolean(L, stopped);
    return 3;
}

/* Coroutines run on states of their own: SIGINT has to find the one that runs. Upvalue 1 is Lua's own
 * function, which gets all arguments under lua_pcall, so that the note is taken back whatever happens. */
static int noted(lua_State *L, lua_State *thread)
{
    lua_State *outer = running;
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    if (thread && outer)
        running = thread;
    int status = lua_pcall(L, lua_gettop(L) - 1, LUA_MULTRET, 0);
    running = outer;
    if (outer && interrupted)
        lua_sethook(outer, stop, LUA_MASKCOUNT, 1);
    return status == LUA_OK ? lua_gettop(L) : lua_error(L);
}

static int resume(lua_State *L)
{
    return noted(L, lua_tothread(L, 1));
}

static int wrapped(lua_State *L)
{
    return noted(L, lua_tothread(L, lua_upvalueindex(2)));
}

/* The thread is the one upvalue of what Lua's wrap returns. */
static int wrap(lua_State *L)
{
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, lua_gettop(L) - 1, 1);
    if (!lua_getupvalue(L, -1, 1))
        return 1;
    lua_pushcclosure(L, wrapped, 2);
    return 1;
}

/* ---- the rest ---- */

static int host_isatty(lua_State *L)
{
    lua_pushboolean(L, isatty((int)luaL_checkinteger(L, 1)));
    return 1;
}

/* host.nanoseconds(cpu): since some point in time, never backwards; of what this thread has run if cpu is true. */
static int host_nanoseconds(lua_State *L)
{
    struct timespec t;
    clock_gettime(lua_toboolean(L, 1) ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &t);
    lua_pushinteger(L, (lua_Integer)t.tv_sec * 1000000000 + (lua_Integer)t.tv_nsec);
    return 1;
}

static int host_mkdir(lua_State *L)
{
    const char *path = luaL_checkstring(L, 1);
    if (mkdir(path, 0700) == 0 || errno == EEXIST)
        lua_pushboolean(L, 1);
    else
        return luaL_fileresult(L, 0, path);
    return 1;
}

static int open_host(lua_State *L)
{
    static const luaL_Reg functions[] = {
        { "call", husk_cli_call },
        { "isatty", host_isatty },
        { "mkdir", host_mkdir },
        { "nanoseconds", host_nanoseconds },
        { NULL, NULL },
    };
    luaL_newlib(L, functions);
    husk_cli_open_lines(L);
    husk_cli_open_run(L);
    husk_cli_open_watch(L);
    lua_getglobal(L, "coroutine");
    lua_getfield(L, -1, "resume");
    lua_pushcclosure(L, resume, 1);
    lua_setfield(L, -2, "resume");
    lua_getfield(L, -1, "wrap");
    lua_pushcclosure(L, wrap, 1);
    lua_setfield(L, -2, "wrap");
    lua_pop(L, 1);
    return 1;
}

void husk_cli_preload(lua_State *L)
{
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
    for (const husk_embedded *file = husk_embedded_files; file->name; file++) {
        lua_pushlightuserdata(L, (void *)(size_t)file);
        lua_pushcclosure(L, load_embedded, 1);
        lua_setfield(L, -2, file->name);
    }
    lua_pushcfunction(L, luaopen_husk_core);
    lua_setfield(L, -2, "husk.core");
#ifdef HUSK_HAVE_FFI
    lua_pushcfunction(L, luaopen_husk_ffi_core);
    lua_setfield(L, -2, "husk.ffi.core");
#endif
    lua_pushcfunction(L, open_host);
    lua_setfield(L, -2, "husk.host");
    lua_pop(L, 1);
}
