/* bindings/lua/host_snapshot.h: what a script knows as a snapshot: a userdata that owns one, until it is closed or
 * collected. Statistics refer to theirs and keep it alive as a userdata, not open. */
#ifndef HUSK_LUA_HOST_SNAPSHOT_H
#define HUSK_LUA_HOST_SNAPSHOT_H

#include "host.h"

#include <husk/report.h>
#include <husk/snapshot.h>
#include <husk/stats.h>

typedef struct husk_lua_snapshot {
    husk_snapshot *snapshot; /* NULL: closed */
    int uses;                /* a function of the script gets its export: it must not be closed */
} husk_lua_snapshot;

#define HUSK_LUA_SNAPSHOT_META "husk.Snapshot"

/* The snapshot at `at`, open; raises. */
husk_lua_snapshot *husk_lua_check_snapshot(lua_State *L, int at, const char *function);
/* Raises the error of a call that has no heap. */
int husk_lua_fail_message(lua_State *L, husk_status status);
/* A string without NUL bytes, or NULL for nil; raises. */
const char *husk_lua_opt_text(lua_State *L, int at, const char *function, const char *what);
/* Pushes {file=, line=, ["function"]=, module=, address=}. */
void husk_lua_push_snapshot_frame(lua_State *L, const husk_frame *frame);

void husk_lua_open_stats(lua_State *L); /* each adds to the table core.snapshot on top */
void husk_lua_open_exports(lua_State *L);

#endif
