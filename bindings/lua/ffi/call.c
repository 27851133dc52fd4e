/* bindings/lua/ffi/call.c: the call of any C function from Lua. It looks nothing up and allocates nothing but what it
 * returns. Shorter ways for common shapes are in shape.c. */
#include "function.h"

#include <stdio.h>

typedef husk_lua_slot slot;

/* ---- arguments ---- */

/* Lua functions among the arguments become callbacks for this call, which are noted, and C functions pointers. */
static void make_callbacks(lua_State *L, const husk_lua_function *f, husk_lua_params *made)
{
    for (size_t i = 0; i < f->count; i++) {
        husk_lua_ctype *type = f->params[i];
        int at = (int)i + 1;
        if (type->kind != HUSK_FFI_POINTER || type->element->kind != HUSK_FFI_FUNCTION ||
            lua_type(L, at) != LUA_TFUNCTION)
            continue;
        const husk_lua_function *c = husk_lua_function_at(L, at);
        if (c && c->type->type == type->element->type) {
            husk_lua_cdata_pointer(L, type, c->address, at);
        } else if (c) {
            char why[HUSK_LUA_FFI_WHY];
            (void)snprintf(why, sizeof why, "%s expected, got function '%.100s' of type %.100s", type->name,
                           c->name, c->type->name);
            husk_lua_function_fail(L, f, at, why);
        } else {
            husk_lua_callback_new(L, f->ffi, type->element, at, f->name, false);
            husk_lua_params_add(made, i);
        }
        lua_replace(L, at);
    }
}

/* They end with the call. */
static void end_callbacks(lua_State *L, const husk_lua_function *f, const husk_lua_params *made)
{
    for (size_t i = 0; i < f->count; i++)
        if (husk_lua_params_has(made, i))
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
static husk_lua_ctype *type_of_more(lua_State *L, const husk_lua_function *f, int at)
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
                husk_lua_function_fail(L, f, at, why);
            }
            return cdata->type;
        }
        name = "ptr";
        break;
    default: {
        char room[160], why[HUSK_LUA_FFI_WHY];
        (void)snprintf(why, sizeof why, "a %s has no C type; in the place of '...' ffi.cast gives one",
                       husk_lua_ffi_describe(L, at, room, sizeof room));
        husk_lua_function_fail(L, f, at, why);
        return NULL;
    }
    }
    const husk_ffi_type *type = husk_ffi_space_find(ffi->space, strcmp(name, "ptr") ? name : "void");
    if (!strcmp(name, "ptr") && husk_ffi_pointer(ffi->space, type, &type) != HUSK_OK)
        husk_lua_ffi_fail_message(L, ffi, HUSK_ENOMEM);
    return husk_lua_ctype_of(L, ffi, type);
}

/* The prepared call for the arguments behind the named ones. */
static husk_ffi_call *prepare_more(lua_State *L, husk_lua_function *f, int given, husk_lua_ctype **types)
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
    lua_State *before = husk_lua_ffi_enter(L, ffi);
    husk_ffi_call_run(call, result, args);
    husk_lua_ffi_leave(ffi, before);
}

int husk_lua_ffi_call_few(lua_State *L)
{
    husk_lua_function *f = lua_touserdata(L, lua_upvalueindex(1));
    slot slots[8], result;
    void *args[8];
    char why[HUSK_LUA_FFI_WHY];
    int count = (int)f->count;
    if (lua_gettop(L) != count)
        return husk_lua_function_fail_count(L, f, lua_gettop(L));
    for (int i = 0; i < count; i++)
        if (!convert(L, i + 1, f->params[i], &slots[i], &args[i], why))
            return husk_lua_function_fail(L, f, i + 1, why);
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
static void *prepare_result(lua_State *L, const husk_lua_function *f, slot *result)
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

static int finish_result(lua_State *L, const husk_lua_function *f, const slot *result)
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
static void hold_refs(const husk_lua_function *f, const slot *slots)
{
    for (size_t i = 0; i < f->count; i++) {
        if (f->params[i]->kind != HUSK_FFI_REF || !slots[i].pointer)
            continue;
        husk_obj_retain(slots[i].pointer);
        if (husk_lua_params_has(&f->taken, i))
            husk_obj_retain(slots[i].pointer);
    }
}

/* References that are the script's: the handle's, if it still has the object, and those held from parameter i on. */
static size_t own_refs(lua_State *L, const husk_lua_function *f, const slot *slots, size_t i)
{
    husk_obj *obj = slots[i].pointer;
    size_t own = husk_lua_proxy_obj(f->ffi->husk->proxy_at(L, (int)i + 1)) == obj;
    for (; i < f->count; i++)
        own += f->params[i]->kind == HUSK_FFI_REF && slots[i].pointer == obj;
    return own;
}

/* Answers the first parameter (from 1) of which C released more than it was given, which is put right; 0: none. */
static int release_refs(lua_State *L, const husk_lua_function *f, const slot *slots)
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

static int fail_lost(lua_State *L, const husk_lua_function *f, int at)
{
    char room[160];
    const char *type = husk_lua_ffi_describe(L, at, room, sizeof room);
    return husk_lua_ffi_fail(
        L, f->ffi, HUSK_ESTATE,
        "'%s' released argument #%d, a %s, which is not its own (ffi.annotate says \"full\" of what "
        "C takes)",
        f->name, at, type);
}

int husk_lua_ffi_call_any(lua_State *L)
{
    husk_lua_function *f = lua_touserdata(L, lua_upvalueindex(1));
    slot slots[HUSK_FFI_MAX_PARAMS], result = { 0 };
    void *args[HUSK_FFI_MAX_PARAMS];
    husk_lua_ctype *more[HUSK_FFI_MAX_PARAMS];
    char why[HUSK_LUA_FFI_WHY];
    int given = lua_gettop(L);
    husk_lua_params passing = { { 0 } };
    const husk_ffi_call *call = f->call;
    if (f->type->variadic ? given < (int)f->count || given > HUSK_FFI_MAX_PARAMS : given != (int)f->count)
        return husk_lua_function_fail_count(L, f, given);
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
            return husk_lua_function_fail(L, f, i + 1, why);
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
