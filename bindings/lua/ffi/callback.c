/* bindings/lua/ffi/callback.c: Lua functions as C function pointers. The callback (a userdata) owns the closure; the
 * function stands in the registry under a number that the closure's record has (luaL_ref: an array is the quickest to look
 * into), so that C refers to no Lua value.
 *
 * What a callback raises is kept until the call that was made from Lua returns, and raised there: no error passes C's
 * frames. Until then further callbacks of that call answer zero at once. */
#include "lua_ffi.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct callback {
    const void *magic;
    husk_lua_ctype *type;
    husk_ffi_closure *closure; /* NULL: ended */
    husk_lua_record *record;   /* as long as it has not ended */
    void *code;
} callback;

/* C data that is lent to the function in the place of a parameter. */
typedef struct loan {
    husk_lua_cdata *cdata; /* NULL: none */
    int ref;
} loan;

struct husk_lua_record {
    husk_lua_ffi *ffi;
    husk_lua_ctype **params;
    husk_lua_ctype *result;
    size_t count;
    int ref;    /* of the function */
    bool plain; /* all parameters are numbers, or pointers that are lent: pushing them needs no memory */
    bool lends;
    bool busy; /* its loans are out */
    bool ended;
    husk_lua_ctype *type;
    husk_ffi_closure *closure;
    loan loans[]; /* by parameter */
};

static const char callback_magic;

static callback *callback_at(lua_State *L, int at)
{
    callback *made = lua_type(L, at) == LUA_TUSERDATA ? lua_touserdata(L, at) : NULL;
    if (!made || lua_rawlen(L, at) != sizeof *made || made->magic != &callback_magic)
        return NULL;
    return made;
}

void *husk_lua_callback_code(lua_State *L, int at, const husk_lua_ctype **type, bool *ended)
{
    const callback *made = callback_at(L, at);
    if (!made)
        return NULL;
    *type = made->type;
    *ended = !made->closure;
    return made->closure ? made->code : NULL;
}

/* ---- being called ---- */

/* Keeps the error on top, which it pops. */
static void note_error(lua_State *L, husk_lua_ffi *ffi)
{
    lua_rawsetp(L, LUA_REGISTRYINDEX, &husk_lua_ffi_key[HUSK_LUA_FFI_ERROR]); /* there already: no memory */
    ffi->raised = ffi->depth > 0;
}

typedef struct frame {
    husk_lua_record *record;
    void *const *args;
    void *result;
} frame;

/* A number, which needs no memory; false: it is none. */
static inline bool push_number(lua_State *L, const husk_lua_ctype *type, const void *from)
{
    switch (type->number) {
    case HUSK_FFI_I32:
        lua_pushinteger(L, *(const int32_t *)from);
        return true;
    case HUSK_FFI_I64:
        lua_pushinteger(L, (lua_Integer) * (const int64_t *)from);
        return true;
    case HUSK_FFI_F64:
        lua_pushnumber(L, *(const double *)from);
        return true;
    default:
        return false;
    }
}

static void push_args(lua_State *L, const husk_lua_record *record, void *const *args)
{
    for (size_t i = 0; i < record->count; i++) {
        husk_lua_ctype *type = record->params[i];
        if (type->kind == HUSK_FFI_STRUCT)
            memcpy(husk_lua_cdata_new(L, type, type->size)->at, args[i], type->size);
        else if (!push_number(L, type, args[i]))
            husk_lua_ffi_push(L, type, args[i]);
    }
}

/* Of a plain record: the pointers are the same C data each time, alive until the function returns. */
static void push_plain(lua_State *L, const husk_lua_record *record, void *const *args)
{
    for (size_t i = 0; i < record->count; i++) {
        husk_lua_ctype *type = record->params[i];
        if (push_number(L, type, args[i]))
            continue;
        husk_lua_cdata *cdata = record->loans[i].cdata;
        if (!cdata || !*(void *const *)args[i]) {
            husk_lua_ffi_push(L, type, args[i]); /* a number, or nil */
        } else {
            cdata->at = cdata->base = *(char *const *)args[i];
            cdata->dead = false;
            lua_rawgeti(L, LUA_REGISTRYINDEX, record->loans[i].ref);
        }
    }
}

/* Out of the registry; needs no memory. */
static void forget_loans(lua_State *L, const husk_lua_record *record)
{
    for (size_t i = 0; i < record->count; i++)
        if (record->loans[i].cdata)
            luaL_unref(L, LUA_REGISTRYINDEX, record->loans[i].ref);
}

static void end_loans(lua_State *L, husk_lua_record *record)
{
    for (size_t i = 0; i < record->count; i++)
        if (record->loans[i].cdata)
            record->loans[i].cdata->dead = true;
    record->busy = false;
    if (record->ended)
        forget_loans(L, record);
}

/* Under lua_pcall: what may need memory. */
static int body(lua_State *L)
{
    const frame *f = lua_touserdata(L, 1);
    luaL_checkstack(L, (int)f->record->count + 12, NULL);
    lua_rawgeti(L, LUA_REGISTRYINDEX, f->record->ref);
    push_args(L, f->record, f->args);
    lua_call(L, (int)f->record->count, 1);
    return 1;
}

/* Under lua_pcall: a husk error of a status and a text. */
static int make_error(lua_State *L)
{
    const husk_lua_ffi *ffi = lua_touserdata(L, 1);
    ffi->husk->push_error(L, (husk_status)lua_tointeger(L, 2), "%s", (const char *)lua_touserdata(L, 3));
    return 1;
}

static void note_text(lua_State *L, husk_lua_ffi *ffi, husk_status status, const char *text)
{
    lua_pushcfunction(L, make_error);
    lua_pushlightuserdata(L, ffi);
    lua_pushinteger(L, status);
    lua_pushlightuserdata(L, (void *)(uintptr_t)text);
    (void)lua_pcall(L, 3, 1, 0);
    note_error(L, ffi);
}

/* The result on top, which it pops, to C. */
static void take_result(lua_State *L, const husk_lua_record *record, void *result)
{
    const husk_lua_ctype *type = record->result;
    char why[HUSK_LUA_FFI_WHY];
    bool stored = true;
    if (type->kind == HUSK_FFI_I32 && lua_isinteger(L, -1)) {
        lua_Integer value = lua_tointeger(L, -1);
        *(int32_t *)result = (int32_t)value;
        stored = value == (int32_t)value;
    } else if (type->kind != HUSK_FFI_VOID) {
        stored = false;
    }
    stored = stored || husk_lua_ffi_store(L, lua_gettop(L), type, result, false, why);
    lua_pop(L, 1);
    if (stored)
        return;
    if (type->kind != HUSK_FFI_VOID)
        memset(result, 0, type->size);
    char text[HUSK_LUA_FFI_WHY * 2];
    (void)snprintf(text, sizeof text, "the result of a callback of type %.200s: %s", record->type->name, why);
    note_text(L, record->ffi, HUSK_EINVAL, text);
}

static void called(void *data, void *const *args, size_t count, void *result)
{
    husk_lua_record *record = data;
    husk_lua_ffi *ffi = record->ffi;
    lua_State *L = ffi->L;
    if (ffi->raised)
        return;
    if (!lua_checkstack(L, (int)count + 10)) {
        husk_ffi_closure_report(record->closure, HUSK_ENOMEM, "no room on Lua's stack");
        return;
    }
    int status;
    if (record->plain && !record->busy) {
        lua_rawgeti(L, LUA_REGISTRYINDEX, record->ref);
        record->busy = record->lends;
        push_plain(L, record, args);
        status = lua_pcall(L, (int)count, 1, 0);
        if (record->lends)
            end_loans(L, record);
    } else {
        frame f = { record, args, result };
        lua_pushcfunction(L, body);
        lua_pushlightuserdata(L, &f);
        status = lua_pcall(L, 1, 1, 0);
    }
    if (status == LUA_OK)
        take_result(L, record, result);
    else
        note_error(L, ffi);
}

void husk_lua_ffi_raise(lua_State *L, husk_lua_ffi *ffi)
{
    if (ffi->depth > 0)
        return; /* the outermost call of Lua does */
    ffi->raised = false;
    luaL_checkstack(L, 4, NULL);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &husk_lua_ffi_key[HUSK_LUA_FFI_ERROR]);
    lua_error(L);
}

/* ---- reports: a dead callback, another thread ---- */

static void heard(const husk_ffi_report *report, void *data)
{
    husk_lua_ffi *ffi = data;
    lua_State *L = ffi->L;
    ffi->heard = report->number;
    if (ffi->raised || !lua_checkstack(L, 12))
        return;
    note_text(L, ffi, report->status, report->text);
}

/* core.last_error(): what the latest callback raised, or was reported of another thread; nil. */
static int last_error(lua_State *L)
{
    husk_lua_ffi *ffi = husk_lua_ffi_get(L);
    husk_ffi_report report;
    if (husk_ffi_last_report(ffi->space, &report) && report.number > ffi->heard) {
        ffi->heard = report.number;
        ffi->husk->push_error(L, report.status, "%s", report.text);
        lua_rawsetp(L, LUA_REGISTRYINDEX, &husk_lua_ffi_key[HUSK_LUA_FFI_ERROR]);
    }
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &husk_lua_ffi_key[HUSK_LUA_FFI_ERROR]) == LUA_TBOOLEAN &&
        !lua_toboolean(L, -1))
        lua_pushnil(L);
    return 1;
}

/* core.clear_error() */
static int clear_error(lua_State *L)
{
    lua_pushboolean(L, 0);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &husk_lua_ffi_key[HUSK_LUA_FFI_ERROR]);
    return 0;
}

/* ---- lives ---- */

/* Whether a parameter is one that can be lent: a pointer that a callback gets as C data. */
static bool is_lent(const husk_lua_ctype *type)
{
    return type->kind == HUSK_FFI_POINTER;
}

static void make_loans(lua_State *L, husk_lua_record *record)
{
    for (size_t i = 0; i < record->count; i++) {
        if (!is_lent(record->params[i]))
            continue;
        husk_lua_cdata *made = husk_lua_cdata_pointer(L, record->params[i], NULL, 0);
        made->lent = made->dead = true;
        record->loans[i].ref = luaL_ref(L, LUA_REGISTRYINDEX);
        record->loans[i].cdata = made;
    }
}

/* Takes what the record has in the registry out of it. What stands on the stack, since it runs, stays for so long; loans
 * that are out are written to when they come back. */
static void forget(lua_State *L, husk_lua_record *record)
{
    luaL_unref(L, LUA_REGISTRYINDEX, record->ref);
    record->ended = true;
    if (!record->busy)
        forget_loans(L, record);
}

void husk_lua_callback_new(lua_State *L, husk_lua_ffi *ffi, husk_lua_ctype *function, int at,
                           const char *name, bool lends)
{
    at = lua_absindex(L, at);
    callback *made = lua_newuserdatauv(L, sizeof *made, 0);
    memset(made, 0, sizeof *made);
    made->magic = &callback_magic;
    made->type = function;
    luaL_setmetatable(L, HUSK_LUA_FFI_CALLBACK_META);
    husk_lua_record *record = calloc(1, sizeof *record + function->count * sizeof(loan));
    if (!record)
        luaL_error(L, "not enough memory");
    *record = (struct husk_lua_record){ .ffi = ffi,
                                        .type = function,
                                        .params = function->params,
                                        .result = function->element,
                                        .count = function->count,
                                        .ref = LUA_NOREF,
                                        .lends = lends,
                                        .plain = true };
    for (size_t i = 0; i < function->count; i++) {
        const husk_lua_ctype *param = function->params[i];
        bool number = param->number >= HUSK_FFI_BOOL && param->number <= HUSK_FFI_F64;
        record->plain = record->plain && (number || (lends && is_lent(param)));
    }
    husk_status status = husk_ffi_closure_new(ffi->space, function->type, name, called, record, free,
                                              &made->closure, &made->code);
    if (status != HUSK_OK) {
        free(record);
        husk_lua_ffi_fail_message(L, ffi, status);
        return;
    }
    record->closure = made->closure;
    made->record = record;
    lua_pushvalue(L, at);
    record->ref =
        luaL_ref(L, LUA_REGISTRYINDEX); /* may fail, as what follows: then the callback is collected */
    if (lends)
        make_loans(L, record);
}

void husk_lua_callback_end(lua_State *L, int at)
{
    callback *made = callback_at(L, at);
    husk_ffi_closure *closure = made ? made->closure : NULL;
    if (!closure)
        return;
    made->closure = NULL;
    luaL_checkstack(L, 4, NULL);
    forget(L, made->record);
    husk_ffi_closure_end(closure);
}

static int callback_close(lua_State *L)
{
    husk_lua_callback_end(L, 1);
    return 0;
}

static int callback_tostring(lua_State *L)
{
    const callback *made = callback_at(L, 1);
    if (!made)
        return luaL_error(L, "a callback expected");
    lua_pushfstring(L, "callback<%s>: %s", made->type->name, made->closure ? "alive" : "ended");
    return 1;
}

/* core.callback(type, function, [name], [lends]) */
static int new_callback(lua_State *L)
{
    husk_lua_ctype *type = husk_lua_ctype_check(L, 1, "ffi.callback");
    if (type->kind == HUSK_FFI_POINTER)
        type = type->element;
    if (type->kind != HUSK_FFI_FUNCTION)
        return husk_lua_ffi_fail(L, type->ffi, HUSK_EINVAL, "ffi.callback: a function type expected, got %s",
                                 type->name);
    char room[160];
    if (lua_type(L, 2) != LUA_TFUNCTION)
        return husk_lua_ffi_fail(L, type->ffi, HUSK_EINVAL,
                                 "bad argument #2 to 'ffi.callback' (function expected, got %s)",
                                 husk_lua_ffi_describe(L, 2, room, sizeof room));
    husk_lua_callback_new(L, type->ffi, type, 2, lua_tostring(L, 3), lua_toboolean(L, 4) != 0);
    return 1;
}

void husk_lua_ffi_open_callbacks(lua_State *L)
{
    static const luaL_Reg functions[] = { { "callback", new_callback },
                                          { "last_error", last_error },
                                          { "clear_error", clear_error },
                                          { NULL, NULL } };
    static const luaL_Reg meta[] = { { "__gc", callback_close },
                                     { "__close", callback_close },
                                     { "__tostring", callback_tostring },
                                     { NULL, NULL } };
    luaL_setfuncs(L, functions, 0);
    if (luaL_newmetatable(L, HUSK_LUA_FFI_CALLBACK_META)) {
        luaL_setfuncs(L, meta, 0);
        lua_createtable(L, 0, 1);
        lua_pushcfunction(L, callback_close);
        lua_setfield(L, -2, "close");
        lua_setfield(L, -2, "__index");
        lua_pushliteral(L, "callback");
        lua_setfield(L, -2, "__metatable");
    }
    lua_pop(L, 1);
    husk_lua_ffi *ffi = husk_lua_ffi_get(L);
    husk_ffi_space_on_report(ffi->space, heard, ffi, NULL);
}
