/* cli/main.c: the program husk: a Lua state with the module in it, and the command line in Lua
 * (lua/husk/cli.lua).
 *
 * Exit codes: 0 ok; 1 a script failed; 2 usage; 3 an input cannot be read; 70 the program itself failed; 130
 * SIGINT. */
#define _GNU_SOURCE
#include "host.h"

#include <errno.h>
#include <locale.h>
#include <lualib.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_SCRIPT = 1, EXIT_INTERNAL = 70 };

typedef struct start {
    int argc;
    char **argv;
    int code;
} start;

/* require("husk.cli").main(argv) gives the exit code. */
static int run(lua_State *L)
{
    start *s = lua_touserdata(L, 1);
    luaL_checkversion(L);
    luaL_openlibs(L);
    husk_cli_preload(L);
    lua_getglobal(L, "require");
    lua_pushliteral(L, "husk.cli");
    lua_call(L, 1, 1);
    lua_getfield(L, -1, "main");
    lua_createtable(L, s->argc, 1);
    for (int i = 0; i < s->argc; i++) {
        lua_pushstring(L, s->argv[i]);
        lua_rawseti(L, -2, i);
    }
    lua_call(L, 1, 1);
    s->code = lua_isinteger(L, -1) ? (int)lua_tointeger(L, -1) : EXIT_INTERNAL;
    return 0;
}

/* What a script printed is lost without a word if nobody looks: a full disk is an error of the run. */
static int flush_output(int code)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return code;
    fprintf(stderr, "husk: cannot write to standard output: %s\n", strerror(errno));
    return code ? code : EXIT_SCRIPT;
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_DFL); /* quiet, whatever the parent ignored */
    setlocale(LC_CTYPE, "");  /* the line editor needs it; numbers stay as in C */
    lua_State *L = luaL_newstate();
    if (!L) {
        fprintf(stderr, "husk: not enough memory to start\n");
        return EXIT_INTERNAL;
    }
    start s = { argc, argv, EXIT_INTERNAL };
    lua_pushcfunction(L, run);
    lua_pushlightuserdata(L, &s);
    if (lua_pcall(L, 1, 0, 0) != LUA_OK) {
        const char *text = luaL_tolstring(L, -1, NULL);
        fprintf(stderr, "husk: %s\n", text);
    }
    lua_close(L);
    return flush_output(s.code);
}
