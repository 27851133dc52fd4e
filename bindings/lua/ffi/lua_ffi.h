/* bindings/lua/ffi/lua_ffi.h: C values, functions and callbacks in Lua: the module husk.ffi.core, on libhusk-ffi.
 *
 *   ctype (userdata, one for each type, lives as long as the state) ---> husk_ffi_type
 *     ^
 *   cdata (userdata) --at--> memory: behind it (ffi.new), C's, or another cdata's (user value 1: who has it)
 *   function (userdata, the upvalue of the C closure that a script calls) ---> husk_ffi_call
 *   callback (userdata) ---> husk_ffi_closure ---> record ---> the Lua function, in the registry
 *
 * A cdata is an object (a struct, union, array or number where `at` is) or a pointer (`at` is its value). It knows the
 * memory it may touch, if anybody does: from base on, span bytes. One that has ended is dead, and with it all that
 * was derived from it, which has it as `owner` and keeps it.
 *
 * Rules:
 *  1. A conversion runs no code and raises nothing: it answers why not (husk_lua_ffi_store). So between the conversion of
 *     the arguments and the call nothing can end what they point to.
 *  2. No Lua error passes C's frames: a callback runs under lua_pcall; what it raised waits until the call that
 *     was made from Lua returns, and later callbacks of that call are not run. */
#ifndef HUSK_LUA_FFI_H
#define HUSK_LUA_FFI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <lauxlib.h>
#include <lua.h>

#include <husk/ffi.h>

#include "shared.h"

typedef struct husk_lua_ffi husk_lua_ffi;
typedef struct husk_lua_ctype husk_lua_ctype;
typedef struct husk_lua_cdata husk_lua_cdata;
typedef struct husk_lua_record husk_lua_record;

struct husk_lua_ffi {
    husk_ffi_space *space;
    const husk_lua_shared *husk;
    lua_State *L;   /* the state that made the call under way, or the main one */
    int depth;      /* calls under way */
    bool raised;    /* a callback's error waits for the end of the call */
    uint64_t heard; /* the number of the latest report that last_callback_error knows */
};

typedef struct husk_lua_field {
    husk_lua_ctype *type;
    size_t offset;
} husk_lua_field;

struct husk_lua_ctype {
    const void *magic;
    husk_lua_ffi *ffi;
    const husk_ffi_type *type; /* NULL: an array whose count is given when it is made */
    husk_ffi_kind kind;
    husk_ffi_kind number;    /* of enums the integer type's kind; else kind */
    bool constant;           /* of pointers and arrays: what they are made of */
    bool variadic;           /* of functions */
    husk_lua_ctype *element; /* of pointers and arrays; of functions the result */
    husk_lua_ctype **params; /* of functions */
    husk_lua_field *fields;  /* of structs and unions that are complete */
    size_t count;            /* elements, parameters or fields */
    size_t size, align;
    const char *name; /* as C spells it */
    const char *why;  /* it stays incomplete, or NULL */
    void *called_at;  /* of a function type: the pointer that was called last, */
    int called; /* and the function made for it, as metas; calls of one pointer after the other are the rule */
    int metas[2]; /* of its cdata, those with an end second, as luaL_ref numbers them; 0: not made yet */
};

struct husk_lua_cdata {
    const void *magic;
    husk_lua_ctype *type;
    char *at;
    char *base;
    size_t span;           /* SIZE_MAX: nobody knows */
    husk_lua_cdata *owner; /* whose end ends this; user value 1 keeps it */
    bool dead;
    bool ends;     /* user value 2 is a function to be called at its end */
    bool constant; /* its memory is not to be written */
    bool lent;     /* to a callback, which gets it each time with another address */
    bool mine;     /* the memory is behind it: what is stored in it can be kept, in user value 3 */
    const husk_lua_proxy *proxy; /* the memory is an object's of a heap, as long as this handle has it */
    husk_lua_host *charged;      /* the heap that counts it; user value 4 is its door */
    size_t charge;
};

/* The registry's tables, by the address of their entry here. */
enum {
    HUSK_LUA_FFI_STATE,
    HUSK_LUA_FFI_TYPES, /* key of a type, or its ctype's address -> ctype */
    HUSK_LUA_FFI_METAS, /* ctype's address -> metatable of its cdata */
    HUSK_LUA_FFI_ERROR, /* what the latest callback raised */
    HUSK_LUA_FFI_HEAPS, /* heap type -> table of its fields */
    HUSK_LUA_FFI_KEYS
};
extern const char husk_lua_ffi_key[HUSK_LUA_FFI_KEYS];
extern const char husk_lua_ctype_magic, husk_lua_cdata_magic;

#define HUSK_LUA_FFI_CTYPE_META "husk.ffi.Type"
#define HUSK_LUA_FFI_CALLBACK_META "husk.ffi.Callback"
#define HUSK_LUA_FFI_FUNCTION_META "husk.ffi.Function"

static inline void husk_lua_ffi_table(lua_State *L, int which)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &husk_lua_ffi_key[which]);
}

/* ---- module.c ---- */

husk_lua_ffi *husk_lua_ffi_get(lua_State *L);
/* Raises a husk error. */
int husk_lua_ffi_fail(lua_State *L, const husk_lua_ffi *ffi, husk_status status, const char *format, ...);
int husk_lua_ffi_fail_message(lua_State *L, const husk_lua_ffi *ffi, husk_status status); /* husk_message */

/* ---- ctype.c ---- */

husk_lua_ctype *husk_lua_ctype_at(lua_State *L, int at); /* NULL: none */
husk_lua_ctype *husk_lua_ctype_check(lua_State *L, int at, const char *function);
void husk_lua_ctype_push(lua_State *L, const husk_lua_ctype *ctype);
husk_lua_ctype *husk_lua_ctype_of(lua_State *L, husk_lua_ffi *ffi, const husk_ffi_type *type);
bool husk_lua_ctype_same(const husk_lua_ctype *a, const husk_lua_ctype *b);
void husk_lua_ffi_open_ctypes(lua_State *L);

static inline bool husk_lua_ctype_is_pointer(const husk_lua_ctype *t)
{
    return t->kind == HUSK_FFI_POINTER || t->kind == HUSK_FFI_STR;
}
static inline bool husk_lua_ctype_is_object(const husk_lua_ctype *t)
{
    return t->kind == HUSK_FFI_STRUCT || t->kind == HUSK_FFI_UNION || t->kind == HUSK_FFI_ARRAY;
}
static inline bool husk_lua_ctype_is_byte(const husk_lua_ctype *t)
{
    return t->kind == HUSK_FFI_CHAR || t->kind == HUSK_FFI_I8 || t->kind == HUSK_FFI_U8;
}

/* ---- value.c: conversions ---- */

enum { HUSK_LUA_FFI_WHY = 320 };

/* The value at `at` as a `type` at out, which is aligned. False: why, a text of HUSK_LUA_FFI_WHY bytes: "int expected, got
 * nil". lent: out does not outlive the call, or the value is kept as long as out, so a string's own bytes will do. */
bool husk_lua_ffi_store(lua_State *L, int at, const husk_lua_ctype *type, void *out, bool lent, char *why);
/* Pushes the number, boolean or pointer at `from`; pointers of unknown extent, NULL as nil. */
void husk_lua_ffi_push(lua_State *L, husk_lua_ctype *type, const void *from);
/* Aggregates from tables and strings. */
bool husk_lua_ffi_fill(lua_State *L, int at, const husk_lua_ctype *type, void *out, size_t size, bool lent,
                       char *why);
const char *husk_lua_ffi_describe(lua_State *L, int at, char *room, size_t size);

/* ---- cdata.c ---- */

husk_lua_cdata *husk_lua_cdata_at(lua_State *L, int at);
/* Pushes a cdata with `extra` zeroed bytes behind it, where it points to. */
husk_lua_cdata *husk_lua_cdata_new(lua_State *L, husk_lua_ctype *type, size_t extra);
/* Pushes a pointer. owner_at: the cdata in whose memory it points, or 0. */
husk_lua_cdata *husk_lua_cdata_pointer(lua_State *L, husk_lua_ctype *type, void *at, int owner_at);
/* Pushes the value of a type at an address in the memory of the cdata at owner_at. Raises what is out of bounds. */
void husk_lua_cdata_push_at(lua_State *L, int owner_at, husk_lua_ctype *type, char *at);
/* Runs the end of the cdata at `at`, once. */
void husk_lua_cdata_end(lua_State *L, int at);
/* Sets function `end_at` as the end of the cdata at `at`; 0: it has none. Needs no memory. */
void husk_lua_cdata_set_end(lua_State *L, int at, int end_at);
void husk_lua_cdata_arm(lua_State *L, int at, int end_at); /* the same of one that was not to have an end */
static inline bool husk_lua_cdata_is_dead(const husk_lua_cdata *cdata)
{
    return cdata->dead || (cdata->owner && cdata->owner->dead) ||
           (cdata->proxy && !husk_lua_proxy_obj(cdata->proxy));
}
/* What C gets for it where a pointer is wanted. */
static inline void *husk_lua_cdata_address(const husk_lua_cdata *cdata)
{
    return cdata->at;
}
void husk_lua_ffi_open_cdata(lua_State *L);
void husk_lua_ffi_open_new(lua_State *L); /* new.c */

/* ---- function.c ---- */

void husk_lua_ffi_open_calls(lua_State *L);
int husk_lua_ffi_call_pointer(lua_State *L); /* __call of pointers to functions */

/* ---- callback.c ---- */

/* The code of the callback at `at`, NULL: it is none, or it has ended. */
void *husk_lua_callback_code(lua_State *L, int at, const husk_lua_ctype **type, bool *ended);
/* Pushes a callback for the Lua function at `at`. lends: its pointers are the same C data each time. */
void husk_lua_callback_new(lua_State *L, husk_lua_ffi *ffi, husk_lua_ctype *function, int at,
                           const char *name, bool lends);
void husk_lua_callback_end(lua_State *L, int at);
/* After a call from Lua: raises what a callback raised. */
void husk_lua_ffi_raise(lua_State *L, husk_lua_ffi *ffi);
void husk_lua_ffi_open_callbacks(lua_State *L);

/* ---- library.c, bytes.c, heaps.c ---- */

void husk_lua_ffi_open_libraries(lua_State *L);
void husk_lua_ffi_open_bytes(lua_State *L);
void husk_lua_ffi_open_heaps(lua_State *L);

#endif
