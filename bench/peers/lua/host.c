/* host.c: plain Lua with what its own libraries do not have: a clock of nanoseconds, the time that the thread has run, and
 * the resident memory. peer_lua SCRIPT ARGUMENT... */
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static int clock_of(lua_State *L, clockid_t which)
{
    struct timespec now;
    clock_gettime(which, &now);
    lua_pushinteger(L, (lua_Integer)now.tv_sec * 1000000000 + now.tv_nsec);
    return 1;
}

static int host_now(lua_State *L)
{
    return clock_of(L, CLOCK_MONOTONIC);
}

static int host_thread_time(lua_State *L)
{
    return clock_of(L, CLOCK_THREAD_CPUTIME_ID);
}

int main(int argc, char **argv)
{
    static const luaL_Reg functions[] = { { "now", host_now },
                                          { "thread_time", host_thread_time },
                                          { NULL, NULL } };
    if (argc < 2) {
        fprintf(stderr, "usage: %s SCRIPT ARGUMENT...\n", argv[0]);
        return 2;
    }
    lua_State *L = luaL_newstate();
    if (!L)
        return 1;
    luaL_openlibs(L);
    luaL_newlib(L, functions);
    lua_setglobal(L, "host");
    if (luaL_loadfile(L, argv[1]) != LUA_OK) {
        fprintf(stderr, "%s\n", lua_tostring(L, -1));
        return 1;
    }
    for (int i = 2; i < argc; i++)
        lua_pushstring(L, argv[i]);
    if (lua_pcall(L, argc - 2, 0, 0) != LUA_OK) {
        fprintf(stderr, "%s\n", lua_tostring(L, -1));
        return 1;
    }
    return 0; /* the state goes with the process: its end is no work of ours */
}
