/* cli/host.h: what the command line's Lua code cannot do by itself. The command line stands on the Lua module
 * alone: nothing here knows the C library. */
#ifndef HUSK_CLI_HOST_H
#define HUSK_CLI_HOST_H

#include <lauxlib.h>
#include <lua.h>

typedef struct husk_embedded { /* a Lua file that is part of the program; see embed.cmake */
    const char *name;          /* "husk.cmd.run" */
    const char *chunk;         /* "@husk/cmd/run.lua" */
    const char *text;
    size_t size;
} husk_embedded;
extern const husk_embedded husk_embedded_files[]; /* ends with a name NULL */

/* Puts the embedded modules, husk.core and husk.host into package.preload. */
void husk_cli_preload(lua_State *L);

/* host.call(f, ...): true and f's results, or false, message and traceback, and whether it was SIGINT. */
int husk_cli_call(lua_State *L);

/* Adds the line editor's functions to the table on top (repl.c). */
void husk_cli_open_lines(lua_State *L);
/* And those of waiting (watch.c). */
void husk_cli_open_watch(lua_State *L);

/* Adds what runs other programs (host_run.c). */
void husk_cli_open_run(lua_State *L);

#endif
