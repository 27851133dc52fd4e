/* bindings/lua/ffi/call.c: C functions as Lua functions: a C closure whose upvalue is the prepared call. A call looks
 * nothing up and allocates nothing but what it returns. */
#include "lua_ffi.h"

#include <stdio.h>

/* Of parameters, by number from 0. */
typedef struct set {
    uint64_t words[(HUSK_FFI_MAX_PARAMS + 63) / 64];
} set;

static inline void set_add(set *s, size_t i)
{
    s->words[i / 64] |= UINT64_C(1) << i % 64;
}

static inline bool set_has(const set *s, size_t i)
{
    return s->words[i / 64] >> i % 64 & 1;
}

typedef struct function {
    const void *magic;
    husk_lua_ffi *ffi;
    husk_lua_ctype *type;
    husk_lua_ctype **params;
    size_t count;
    husk_lua_ctype *result;
    husk_ffi_call *call;
    void *address;
    const char *name;    /* user value 1 */
    bool refs;           /* a parameter is an object of a heap */
    bool functions;      /* a parameter is a pointer to a function */
    bool ends;           /* user value 2 ends what it returns */
    set taken;           /* parameters that are refs, of which C takes one */
    bool owned;          /* a ref that it returns is the caller's */
    husk_ffi_call *more; /* for arguments in the place of "...": as the latest call had them */
    const husk_ffi_type *more_types[HUSK_FFI_MAX_PARAMS];
    size_t more_count;
} function;

static const char function_magic;

typedef union slot {
    int32_t small;
    int64_t integer;
    double number;
    void *pointer;
} slot;

static int call_any(lua_State *L);
static int call_few(lua_State *L);

static int fail_argument(lua_State *L, const function *f, int at, const char *why)
{
    bool gone = strstr(why, "ended") || strstr(why, "released") || strstr(why, "is dead");
    husk_status status = strstr(why, "out of range") ? HUSK_ERANGE : gone ? HUSK_ESTATE : HUSK_EINVAL;
    return husk_lua_ffi_fail(L, f->ffi, status, "bad argument #%d to '%s' (%s)", at, f->name, why);
}

static int fail_count(lua_State *L, const function *f, int given)
{
    return husk_lua_ffi_fail(L, f->ffi, HUSK_EINVAL,
                             "wrong number of arguments to '%s' (%d%s expected, got %d)", f->name,
                             (int)f->count, f->type->variadic ? " or more" : "", given);
}

/* ---- arguments ---- */

static function *function_at(lua_State *L, int at)
{
    lua_CFunction c = lua_tocfunction(L, at);
    if (c != call_any && c != call_few)
        return NULL;
    if (!lua_getupvalue(L, at, 1))
        return NULL;
    function *f = lua_touserdata(L, -1);
    lua_pop(L, 1);
    return f && f->magic == &function_magic ? f : NULL;
}

/* Lua functions among the arguments become callbacks for this call, which are noted, and C functions pointers. */
static void make_callbacks(lua_State *L, const function *f, set *made)
{
    for (size_t i = 0; i < f->count; i++) {
        husk_lua_ctype *type = f->params[i];
        int at = (int)i + 1;
        if (type->kind != HUSK_FFI_POINTER || type->element->kind != HUSK_FFI_FUNCTION ||
            lua_type(L, at) != LUA_TFUNCTION)
            continue;
        const function *c = function_at(L, at);
        if (c && c->type->type == type->element->type) {
            husk_lua_cdata_pointer(L, type, c->address, at);
        } else if (c) {
            char why[HUSK_LUA_FFI_WHY];
            (void)snprintf(why, sizeof why, "%s expected, got function '%.100s' of type %.100s", type->name,
                           c->name, c->type->name);
            fail_argument(L, f, at, why);
        } else {
            husk_lua_callback_new(L, f->ffi, type->element, at, f->name);
            set_add(made, i);
        }
        lua_replace(L, at);
    }
}

/* They end with the call. */
static void end_callbacks(lua_State *L, const function *f, const set *made)
{
    for (size_t i = 0; i < f->count; i++)
        if (set_has(made, i))
            husk_lua_callback_end(L, (int)i + 1);
}

static inline bool convert(lua_State *L, int at, const husk_lua_ctype *type, slot *out, void **arg, char *why)
{
    *arg = out;
    switch (type->kind) {
    case HUSK_FFI_I32:
        if (lua_isinteger(L, at)) {
            lua_Integer value = lua_tointeger(L, at);
            if (value == (int32_t)value) {
                out->small = (int32_t)value;
                return true;
            }
        }
        break;
    case HUSK_FFI_I64:
        if (lua_isinteger(L, at)) {
            out->integer = (int64_t)lua_tointeger(L, at);
            return true;
        }
        break;
    case HUSK_FFI_F64:
        if (lua_type(L, at) == LUA_TNUMBER) {
            out->number = lua_tonumber(L, at);
            return true;
        }
        break;
    case HUSK_FFI_STRUCT: {
        const husk_lua_cdata *cdata = husk_lua_cdata_at(L, at);
        if (cdata && husk_lua_ctype_same(cdata->type, type) && !husk_lua_cdata_is_dead(cdata)) {
            *arg = cdata->at;
            return true;
        }
        char room[160];
        (void)snprintf(why, HUSK_LUA_FFI_WHY, "%s expected, got %s", type->name,
                       husk_lua_ffi_describe(L, at, room, sizeof room));
        return false;
    }
    default:
        break;
    }
    return husk_lua_ffi_store(L, at, type, out, true, why);
}

/* The C type of an argument in the place of "...". */
static husk_lua_ctype *type_of_more(lua_State *L, const function *f, int at)
{
    husk_lua_ffi *ffi = f->ffi;
    const char *name;
    const husk_lua_cdata *cdata;
    switch (lua_type(L, at)) {
    case LUA_TNUMBER: /* as wide as can be: C takes the lower half for an int */
        name = lua_isinteger(L, at) ? "i64" : "f64";
        break;
    case LUA_TBOOLEAN:
        name = "i32";
        break;
    case LUA_TSTRING:
        name = "str";
        break;
    case LUA_TNIL:
    case LUA_TLIGHTUSERDATA:
        name = "ptr";
        break;
    case LUA_TUSERDATA:
        cdata = husk_lua_cdata_at(L, at);
        if (cdata && cdata->type->kind != HUSK_FFI_ARRAY && cdata->type->kind != HUSK_FFI_UNION) {
            husk_ffi_kind kind = cdata->type->number;
            if (kind == HUSK_FFI_F32 || (kind >= HUSK_FFI_BOOL && kind <= HUSK_FFI_U16)) {
                char why[HUSK_LUA_FFI_WHY];
                (void)snprintf(why, sizeof why, "in the place of '...' C has no %s; cast it to %s",
                               cdata->type->name, kind == HUSK_FFI_F32 ? "double" : "int");
                fail_argument(L, f, at, why);
            }
            return cdata->type;
        }
        name = "ptr";
        break;
    default: {
        char room[160], why[HUSK_LUA_FFI_WHY];
        (void)snprintf(why, sizeof why, "a %s has no C type; in the place of '...' ffi.cast gives one",
                       husk_lua_ffi_describe(L, at, room, sizeof room));
        fail_argument(L, f, at, why);
        return NULL;
    }
    }
    const husk_ffi_type *type = husk_ffi_space_find(ffi->space, strcmp(name, "ptr") ? name : "void");
    if (!strcmp(name, "ptr") && husk_ffi_pointer(ffi->space, type, &type) != HUSK_OK)
        husk_lua_ffi_fail_message(L, ffi, HUSK_ENOMEM);
    return husk_lua_ctype_of(L, ffi, type);
}

/* The prepared call for the arguments behind the named ones. */
static husk_ffi_call *prepare_more(lua_State *L, function *f, int given, husk_lua_ctype **types)
{
    const husk_ffi_type *plain[HUSK_FFI_MAX_PARAMS];
    size_t more = (size_t)given - f->count;
    bool same = f->more && f->more_count == more;
    for (size_t i = 0; i < more; i++) {
        types[i] = type_of_more(L, f, (int)(f->count + i) + 1);
        plain[i] = types[i]->type;
        same = same && plain[i] == f->more_types[i];
    }
    if (!same) {
        husk_ffi_call *made;
        husk_status status = husk_ffi_call_new(f->ffi->space, f->type->type, f->address, plain, more, &made);
        if (status != HUSK_OK)
            husk_lua_ffi_fail_message(L, f->ffi, status);
        husk_ffi_call_free(f->more);
        f->more = made;
        f->more_count = more;
        memcpy(f->more_types, plain, more * sizeof *plain);
    }
    return f->more;
}

/* ---- the call ---- */

static inline void run(lua_State *L, husk_lua_ffi *ffi, const husk_ffi_call *call, void *result,
                       void *const *args)
{
    lua_State *before = ffi->L;
    ffi->L = L;
    ffi->depth++;
    husk_ffi_call_run(call, result, args);
    ffi->depth--;
    ffi->L = before;
}

/* Eight arguments at most, none by value, no functions, no "...", a number or nothing as the result. */
static int call_few(lua_State *L)
{
    function *f = lua_touserdata(L, lua_upvalueindex(1));
    slot slots[8], result;
    void *args[8];
    char why[HUSK_LUA_FFI_WHY];
    int count = (int)f->count;
    if (lua_gettop(L) != count)
        return fail_count(L, f, lua_gettop(L));
    for (int i = 0; i < count; i++)
        if (!convert(L, i + 1, f->params[i], &slots[i], &args[i], why))
            return fail_argument(L, f, i + 1, why);
    run(L, f->ffi, f->call, &result, args);
    if (f->ffi->raised)
        husk_lua_ffi_raise(L, f->ffi);
    if (f->result->kind == HUSK_FFI_I32)
        lua_pushinteger(L, result.small);
    else if (f->result->kind == HUSK_FFI_VOID)
        return 0;
    else
        husk_lua_ffi_push(L, f->result, &result);
    return 1;
}

/* Pushes what has to be there before the arguments are looked at, since making it may run any code: the struct, the pointer
 * with its end, or the empty handle that the result goes into. Answers where C puts the result. */
static void *prepare_result(lua_State *L, const function *f, slot *result)
{
    switch (f->result->kind) {
    case HUSK_FFI_STRUCT:
        return husk_lua_cdata_new(L, f->result, f->result->size)->at;
    case HUSK_FFI_REF:
        (void)f->ffi->husk->proxy_new(L);
        return result;
    case HUSK_FFI_POINTER:
        if (!f->ends)
            return result;
        husk_lua_cdata_pointer(L, f->result, NULL, 0);
        lua_pushvalue(L, lua_upvalueindex(1));
        lua_getiuservalue(L, -1, 2);
        lua_remove(L, -2);
        husk_lua_cdata_arm(L, lua_gettop(L) - 1, lua_gettop(L));
        lua_pop(L, 1);
        return result;
    default:
        return result;
    }
}

static int finish_result(lua_State *L, const function *f, const slot *result)
{
    switch (f->result->kind) {
    case HUSK_FFI_VOID:
        return 0;
    case HUSK_FFI_STRUCT:
        return 1;
    case HUSK_FFI_REF: {
        husk_obj *obj = result->pointer;
        if (!obj) {
            lua_pushnil(L);
            return 1;
        }
        if (!f->owned)
            husk_obj_retain(obj);
        f->ffi->husk->push_owned(L, lua_touserdata(L, -1), obj);
        return 1;
    }
    case HUSK_FFI_POINTER:
        if (f->ends) {
            husk_lua_cdata *cdata = lua_touserdata(L, -1);
            cdata->at = cdata->base = result->pointer;
            if (!result->pointer)
                lua_pushnil(L);
            return 1;
        }
        break;
    default:
        break;
    }
    husk_lua_ffi_push(L, f->result, result);
    return 1;
}

/* Objects stay through the call, whatever it does to their handles; and C has its own reference to what it takes. */
static void hold_refs(const function *f, const slot *slots)
{
    for (size_t i = 0; i < f->count; i++) {
        if (f->params[i]->kind != HUSK_FFI_REF || !slots[i].pointer)
            continue;
        husk_obj_retain(slots[i].pointer);
        if (set_has(&f->taken, i))
            husk_obj_retain(slots[i].pointer);
    }
}

/* References that are the script's: the handle's, if it still has the object, and those held from parameter i on. */
static size_t own_refs(lua_State *L, const function *f, const slot *slots, size_t i)
{
    husk_obj *obj = slots[i].pointer;
    size_t own = husk_lua_proxy_obj(f->ffi->husk->proxy_at(L, (int)i + 1)) == obj;
    for (; i < f->count; i++)
        own += f->params[i]->kind == HUSK_FFI_REF && slots[i].pointer == obj;
    return own;
}

/* Answers the first parameter (from 1) of which C released more than it was given, which is put right; 0: none. */
static int release_refs(lua_State *L, const function *f, const slot *slots)
{
    int lost = 0;
    for (size_t i = 0; i < f->count; i++) {
        husk_obj *obj = slots[i].pointer;
        if (f->params[i]->kind != HUSK_FFI_REF || !obj)
            continue;
        size_t count = husk_obj_strong_count(obj), own = own_refs(L, f, slots, i);
        for (; count < own; count++) {
            husk_obj_retain(obj);
            lost = lost ? lost : (int)i + 1;
        }
        husk_obj_release(obj);
    }
    return lost;
}

static int fail_lost(lua_State *L, const function *f, int at)
{
    char room[160];
    const char *type = husk_lua_ffi_describe(L, at, room, sizeof room);
    return husk_lua_ffi_fail(
        L, f->ffi, HUSK_ESTATE,
        "'%s' released argument #%d, a %s, which is not its own (ffi.annotate says \"full\" of what "
        "C takes)",
        f->name, at, type);
}

static int call_any(lua_State *L)
{
    function *f = lua_touserdata(L, lua_upvalueindex(1));
    slot slots[HUSK_FFI_MAX_PARAMS], result = { 0 };
    void *args[HUSK_FFI_MAX_PARAMS];
    husk_lua_ctype *more[HUSK_FFI_MAX_PARAMS];
    char why[HUSK_LUA_FFI_WHY];
    int given = lua_gettop(L);
    set passing = { { 0 } };
    const husk_ffi_call *call = f->call;
    if (f->type->variadic ? given < (int)f->count || given > HUSK_FFI_MAX_PARAMS : given != (int)f->count)
        return fail_count(L, f, given);
    luaL_checkstack(L, 12, NULL);
    f->ffi->husk->barrier(L);
    if (f->functions)
        make_callbacks(L, f, &passing);
    if (f->type->variadic)
        call = prepare_more(L, f, given, more);
    void *to = prepare_result(L, f, &result);
    for (int i = 0; i < given; i++) {
        const husk_lua_ctype *type = i < (int)f->count ? f->params[i] : more[i - (int)f->count];
        if (!convert(L, i + 1, type, &slots[i], &args[i], why))
            return fail_argument(L, f, i + 1, why);
    }
    if (f->refs)
        hold_refs(f, slots);
    run(L, f->ffi, call, to, args);
    int lost = f->refs ? release_refs(L, f, slots) : 0;
    if (f->functions)
        end_callbacks(L, f, &passing);
    int pushed = finish_result(L, f, &result);
    if (f->ffi->raised)
        husk_lua_ffi_raise(L, f->ffi);
    if (lost)
        fail_lost(L, f, lost);
    return pushed;
}

/* ---- making ---- */

static int function_gc(lua_State *L)
{
    function *f = lua_touserdata(L, 1);
    husk_ffi_call_free(f->call);
    husk_ffi_call_free(f->more);
    f->call = f->more = NULL;
    return 0;
}

/* Why a function of this type cannot be called, or NULL. */
static const char *refused(const husk_lua_ctype *type, const char **which)
{
    for (size_t i = 0; i <= type->count; i++) {
        const husk_lua_ctype *part = i < type->count ? type->params[i] : type->element;
        *which = part->name;
        if (part->kind == HUSK_FFI_UNION)
            return "unions are not passed by value";
        if (part->kind == HUSK_FFI_STRUCT && !part->fields)
            return part->why ? part->why : "it is only declared";
    }
    return NULL;
}

static function *push_prepared(lua_State *L, husk_lua_ctype *type, void *address, const char *name,
                               int end_at, bool owned)
{
    function *f = lua_newuserdatauv(L, sizeof *f, 2);
    memset(f, 0, sizeof *f);
    f->magic = &function_magic;
    luaL_setmetatable(L, HUSK_LUA_FFI_FUNCTION_META);
    f->ffi = type->ffi;
    f->type = type;
    f->params = type->params;
    f->count = type->count;
    f->result = type->element;
    f->address = address;
    f->owned = owned;
    f->name = lua_pushstring(L, name);
    lua_setiuservalue(L, -2, 1);
    if (end_at) {
        lua_pushvalue(L, end_at);
        lua_setiuservalue(L, -2, 2);
        f->ends = true;
    }
    const char *which, *why = refused(type, &which);
    if (why)
        husk_lua_ffi_fail(L, type->ffi, HUSK_EINVAL, "%s: %s cannot be passed: %s", name, which, why);
    bool few = !type->variadic && type->count <= 8;
    for (size_t i = 0; i < type->count; i++) {
        const husk_lua_ctype *param = type->params[i];
        f->functions =
            f->functions || (param->kind == HUSK_FFI_POINTER && param->element->kind == HUSK_FFI_FUNCTION);
        f->refs = f->refs || param->kind == HUSK_FFI_REF;
        few = few && param->kind != HUSK_FFI_STRUCT && param->kind != HUSK_FFI_REF;
    }
    few = few && !f->functions && f->result->kind != HUSK_FFI_STRUCT && f->result->kind != HUSK_FFI_REF &&
          !f->ends;
    if (!type->variadic) {
        husk_status status = husk_ffi_call_new(type->ffi->space, type->type, address, NULL, 0, &f->call);
        if (status != HUSK_OK)
            husk_lua_ffi_fail(L, type->ffi, status, "%s: %s", name, husk_message());
    }
    lua_pushcclosure(L, few ? call_few : call_any, 1);
    return f;
}

/* core.prepare(type, address, name, [end], [owned], [taken]): the function at an address, to be called; taken: a table
 * of the refs that it takes. */
static int prepare(lua_State *L)
{
    husk_lua_ctype *type = husk_lua_ctype_check(L, 1, "ffi.fn");
    luaL_checktype(L, 2, LUA_TLIGHTUSERDATA);
    function *f = push_prepared(L, type, lua_touserdata(L, 2), luaL_checkstring(L, 3),
                                lua_isnoneornil(L, 4) ? 0 : 4, lua_toboolean(L, 5) != 0);
    int made = lua_gettop(L);
    for (lua_Integer i = 1; lua_istable(L, 6) && lua_rawgeti(L, 6, i) == LUA_TNUMBER; i++, lua_pop(L, 1)) {
        lua_Integer at = lua_tointeger(L, -1);
        if (at >= 1 && at <= HUSK_FFI_MAX_PARAMS)
            set_add(&f->taken, (size_t)at - 1);
    }
    lua_settop(L, made);
    return 1;
}

/* core.signature(type): the result, a table of the parameters, whether it is variadic. */
static int signature(lua_State *L)
{
    const husk_lua_ctype *type = husk_lua_ctype_check(L, 1, "signature");
    luaL_argcheck(L, type->kind == HUSK_FFI_FUNCTION, 1, "no function");
    husk_lua_ctype_push(L, type->element);
    lua_createtable(L, (int)type->count, 0);
    for (size_t i = 0; i < type->count; i++) {
        husk_lua_ctype_push(L, type->params[i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_pushboolean(L, type->variadic);
    return 3;
}

/* core.address(function): of what it calls, and its type; nothing if it is none of ours. */
static int address(lua_State *L)
{
    const function *f = lua_type(L, 1) == LUA_TFUNCTION ? function_at(L, 1) : NULL;
    if (!f)
        return 0;
    lua_pushlightuserdata(L, f->address);
    husk_lua_ctype_push(L, f->type);
    return 2;
}

int husk_lua_ffi_call_pointer(lua_State *L)
{
    husk_lua_cdata *cdata = husk_lua_cdata_at(L, 1);
    if (!cdata || cdata->type->kind != HUSK_FFI_POINTER || cdata->type->element->kind != HUSK_FFI_FUNCTION)
        return luaL_error(L, "a pointer to a function expected");
    if (husk_lua_cdata_is_dead(cdata) || !cdata->at)
        return husk_lua_ffi_fail(L, cdata->type->ffi, HUSK_ESTATE, "calling %s, which %s", cdata->type->name,
                                 cdata->at ? "has ended" : "is null");
    push_prepared(L, cdata->type->element, cdata->at, cdata->type->name, 0, false);
    lua_replace(L, 1); /* the caller keeps the cdata */
    lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
    return lua_gettop(L);
}

/* core.errno([new]): as the latest call left it. */
static int error_number(lua_State *L)
{
    lua_pushinteger(L, husk_ffi_errno());
    if (!lua_isnoneornil(L, 1))
        husk_ffi_errno_set((int)luaL_checkinteger(L, 1));
    return 1;
}

void husk_lua_ffi_open_calls(lua_State *L)
{
    static const luaL_Reg functions[] = { { "prepare", prepare },
                                          { "signature", signature },
                                          { "address", address },
                                          { "errno", error_number },
                                          { NULL, NULL } };
    luaL_setfuncs(L, functions, 0);
    if (luaL_newmetatable(L, HUSK_LUA_FFI_FUNCTION_META)) {
        lua_pushcfunction(L, function_gc);
        lua_setfield(L, -2, "__gc");
    }
    lua_pop(L, 1);
}
