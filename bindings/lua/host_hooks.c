/* bindings/lua/host_hooks.c: what Husk calls back. Every body runs under lua_pcall, on the state that made
 * the call; its errors go to the heap's error hook with the name of what failed.
 *
 * A finalizer and a callback on a pass are Husk's hooks. The error hook is called by Husk inside whatever it
 * is doing and must not call the heap, so its reports wait, in C, until the call that caused them ended. */
#include "host.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct hook {
    husk_lua_host *host;
    const char *what, *whose; /* "finalizer", "Node" */
    husk_obj *obj;
    const void *token;
    husk_phase phase;
    const husk_pass *pass;
    const husk_leaks *leaks;
} hook;

static int error_text(lua_State *L)
{
    luaL_tolstring(L, 1, NULL);
    return 1;
}

/* The error value on top becomes a report; it is popped. */
static void report_error(lua_State *L, const hook *one)
{
    char text[512];
    const char *message = NULL;
    if (lua_type(L, -1) == LUA_TSTRING) {
        message = lua_tostring(L, -1);
    } else {
        lua_pushcfunction(L, error_text);
        lua_rotate(L, -2, 1);
        if (lua_pcall(L, 1, 1, 0) == LUA_OK || lua_type(L, -1) == LUA_TSTRING)
            message = lua_tostring(L, -1);
    }
    snprintf(text, sizeof text, "%s of %s: %s", one->what, one->whose,
             message ? message : "an error without a text");
    lua_pop(L, 1);
    husk_heap_report(one->host->heap, HUSK_EHOOK, text);
}

static void run(hook *one, lua_CFunction body)
{
    husk_lua_host *host = one->host;
    lua_State *L = host->L;
    host->hooks++;
    if (lua_checkstack(L, 6)) {
        lua_pushcfunction(L, body);
        lua_pushlightuserdata(L, one);
        if (lua_pcall(L, 1, 0, 0) != LUA_OK)
            report_error(L, one);
    } else {
        husk_heap_report(host->heap, HUSK_EHOOK, "a hook could not run: Lua's stack is full");
    }
    husk_lua_passing_end(host);
    host->hooks--;
    host->L = L; /* calls inside the hook were made by other states perhaps */
}

/* Pushes one->obj as a proxy. */
static void push_subject(lua_State *L, husk_obj *obj)
{
    if (husk_lua_push_proxy(L, obj))
        return;
    husk_lua_proxy *made = husk_lua_proxy_new(L);
    husk_obj_retain(obj);
    husk_lua_push_owned(L, made, obj);
}

static int finalize_body(lua_State *L)
{
    const hook *one = lua_touserdata(L, 1);
    husk_lua_table(L, HUSK_LUA_FINALIZERS);
    if (lua_rawgetp(L, -1, husk_obj_type(one->obj)) != LUA_TFUNCTION)
        return 0; /* a type of another Lua state */
    push_subject(L, one->obj);
    lua_call(L, 1, 0);
    return 0;
}

void husk_lua_on_finalize(husk_obj *self)
{
    hook one = { .host = husk_lua_host_of(self),
                 .what = "finalizer",
                 .whose = husk_type_name(husk_obj_type(self)),
                 .obj = self };
    if (one.host && one.host->L)
        run(&one, finalize_body);
}

static int gone_body(lua_State *L)
{
    const hook *one = lua_touserdata(L, 1);
    husk_lua_table(L, HUSK_LUA_VALUES);
    if (lua_rawgetp(L, -1, one->token) != LUA_TFUNCTION)
        return 0;
    husk_lua_forget(L, one->token);
    push_subject(L, one->obj);
    lua_call(L, 1, 0);
    return 0;
}

void husk_lua_on_gone(husk_weak *weak, void *token)
{
    husk_obj *obj = husk_weak_obj(weak);
    hook one = { .host = husk_lua_host_of(obj),
                 .what = "callback",
                 .whose = "a weak reference",
                 .obj = obj,
                 .token = token };
    run(&one, gone_body);
}

static int cleanup_body(lua_State *L)
{
    const hook *one = lua_touserdata(L, 1);
    lua_settop(L, 0);
    husk_lua_push_work(L, one->token);
    husk_lua_forget(L, one->token);
    if (lua_type(L, 1) == LUA_TFUNCTION)
        lua_call(L, lua_gettop(L) - 1, 0);
    return 0;
}

/* A heap that closes ends the handles first: what dies by that dies at exit, like the rest. */
void husk_lua_on_cleanup(husk_heap *heap, void *data)
{
    const husk_lua_token *token = data;
    hook one = {
        .host = husk_heap_data(heap), .what = "callback", .whose = "husk.weak.finalize", .token = token
    };
    if (one.host->closing && !token->at_exit)
        return;
    run(&one, cleanup_body);
}

static int pass_body(lua_State *L)
{
    const hook *one = lua_touserdata(L, 1);
    husk_pass pass = *one->pass;
    husk_lua_table(L, HUSK_LUA_VALUES);
    if (lua_rawgetp(L, -1, one->token) != LUA_TFUNCTION)
        return 0;
    lua_pushstring(L, one->phase == HUSK_PASS_START ? "start" : "stop");
    husk_lua_push_pass(L, &pass);
    lua_call(L, 2, 0);
    return 0;
}

void husk_lua_on_pass(husk_heap *heap, husk_phase phase, const husk_pass *pass, void *token)
{
    hook one = { .host = husk_heap_data(heap),
                 .what = "callback",
                 .whose = "a pass",
                 .token = token,
                 .phase = phase,
                 .pass = pass };
    run(&one, pass_body);
}

static int leaks_body(lua_State *L)
{
    const hook *one = lua_touserdata(L, 1);
    husk_lua_table(L, HUSK_LUA_VALUES);
    if (lua_rawgetp(L, -1, one->token) != LUA_TFUNCTION)
        return 0;
    husk_lua_push_leaks(L, one->leaks);
    lua_call(L, 1, 0);
    return 0;
}

void husk_lua_on_leaks(husk_heap *heap, const husk_leaks *leaks, void *token)
{
    hook one = { .host = husk_heap_data(heap),
                 .what = "callback",
                 .whose = "finding leaks",
                 .token = token,
                 .leaks = leaks };
    run(&one, leaks_body);
}

/* ---- the error hook ---- */

static void print_report(const husk_lua_host *host, husk_status status, const char *text)
{
    fprintf(stderr, "husk: heap '%s': %s (%s)\n", host->name, text, husk_status_name(status));
}

void husk_lua_on_error(husk_heap *heap, husk_status status, const char *text, void *data)
{
    husk_lua_host *host = data;
    size_t length = strlen(text);
    husk_lua_report *report = malloc(sizeof *report + length + 1);
    (void)heap;
    if (!report) {
        print_report(host, status, text);
        return;
    }
    report->next = NULL;
    report->status = status;
    memcpy(report->text, text, length + 1);
    if (host->last_report)
        host->last_report->next = report;
    else
        host->first_report = report;
    host->last_report = report;
}

static int deliver_body(lua_State *L)
{
    husk_lua_host *host = lua_touserdata(L, 1);
    const husk_lua_report *report = lua_touserdata(L, 2);
    husk_lua_table(L, HUSK_LUA_VALUES);
    if (lua_rawgetp(L, -1, host) != LUA_TFUNCTION)
        return luaL_error(L, "no error hook");
    lua_pushstring(L, husk_status_name(report->status));
    lua_pushstring(L, report->text);
    lua_pushstring(L, host->name);
    lua_call(L, 3, 0);
    return 0;
}

/* Hands the waiting reports to the script. One that its hook fails on is printed: reports are never lost. */
void husk_lua_deliver(lua_State *L, husk_lua_host *host)
{
    for (husk_lua_report *report; (report = host->first_report);) {
        host->first_report = report->next;
        if (!report->next)
            host->last_report = NULL;
        bool heard = false;
        if (lua_checkstack(L, 6)) {
            lua_pushcfunction(L, deliver_body);
            lua_pushlightuserdata(L, host);
            lua_pushlightuserdata(L, report);
            heard = lua_pcall(L, 2, 0, 0) == LUA_OK;
            if (!heard)
                lua_pop(L, 1);
        }
        if (!heard)
            print_report(host, report->status, report->text);
        free(report);
    }
}
