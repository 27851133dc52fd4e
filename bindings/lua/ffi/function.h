/* bindings/lua/ffi/function.h: a C function made ready to be called from Lua: what stands behind the upvalue of the C
 * closure that a script calls. function.c makes them, call.c and shape.c call them. */
#ifndef HUSK_LUA_FFI_FUNCTION_H
#define HUSK_LUA_FFI_FUNCTION_H

#include "lua_ffi.h"

/* Of parameters, by number from 0. */
typedef struct husk_lua_params {
    uint64_t words[(HUSK_FFI_MAX_PARAMS + 63) / 64];
} husk_lua_params;

static inline void husk_lua_params_add(husk_lua_params *s, size_t i)
{
    s->words[i / 64] |= UINT64_C(1) << i % 64;
}

static inline bool husk_lua_params_has(const husk_lua_params *s, size_t i)
{
    return s->words[i / 64] >> i % 64 & 1;
}

typedef struct husk_lua_function {
    const void *magic;
    husk_lua_ffi *ffi;
    husk_lua_ctype **params;
    size_t count;
    husk_lua_ctype *result;
    husk_ffi_call *call;
    husk_lua_ctype *type;
    void *address;
    const char *name;      /* user value 1 */
    bool refs;             /* a parameter is an object of a heap */
    bool functions;        /* a parameter is a pointer to a function */
    bool ends;             /* user value 2 ends what it returns */
    husk_lua_params taken; /* refs of which C takes one */
    bool owned;            /* a ref that it returns is the caller's */
    husk_ffi_call *more;   /* for arguments in the place of "...": as the latest call had them */
    const husk_ffi_type *more_types[HUSK_FFI_MAX_PARAMS];
    size_t more_count;
} husk_lua_function;

typedef union husk_lua_slot {
    int32_t small;
    int64_t integer;
    double number;
    void *pointer;
} husk_lua_slot;

/* ---- function.c ---- */

/* Of the Lua value at `at`, which is a function; NULL: it is none of these. */
husk_lua_function *husk_lua_function_at(lua_State *L, int at);
/* Argument `at` will not do, or their number; raises. */
int husk_lua_function_fail(lua_State *L, const husk_lua_function *f, int at, const char *why);
int husk_lua_function_fail_count(lua_State *L, const husk_lua_function *f, int given);

/* ---- call.c, shape.c: what a script calls; upvalue 1 is the function ---- */

int husk_lua_ffi_call_any(lua_State *L);
/* Eight arguments at most, none by value, no functions, no objects of heaps, no "...", a number or nothing as the
 * result. */
int husk_lua_ffi_call_few(lua_State *L);
/* The one that fits best; NULL: there is none shorter. */
lua_CFunction husk_lua_ffi_shape(const husk_lua_function *f);

/* Round a call: whose callbacks run on which state. */
static inline lua_State *husk_lua_ffi_enter(lua_State *L, husk_lua_ffi *ffi)
{
    lua_State *before = ffi->L;
    ffi->L = L;
    ffi->depth++;
    return before;
}

static inline void husk_lua_ffi_leave(husk_lua_ffi *ffi, lua_State *before)
{
    ffi->depth--;
    ffi->L = before;
}

#endif
