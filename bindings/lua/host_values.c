/* bindings/lua/host_values.c: values between Lua and slots, and figures on their way to tables. */
#include "host.h"

#include "figures.h"

#include <stdio.h>

/* ---- values ---- */

void husk_lua_push_size(lua_State *L, uint64_t size)
{
    lua_pushinteger(L, size > (uint64_t)LUA_MAXINTEGER ? LUA_MAXINTEGER : (lua_Integer)size);
}

void husk_lua_push_plain(lua_State *L, husk_value v)
{
    switch (v.tag) {
    case HUSK_BOOL:
        lua_pushboolean(L, v.as.b != 0);
        break;
    case HUSK_INT:
        lua_pushinteger(L, (lua_Integer)v.as.i);
        break;
    case HUSK_FLOAT:
        lua_pushnumber(L, (lua_Number)v.as.f);
        break;
    default:
        lua_pushnil(L);
    }
}

bool husk_lua_to_value(lua_State *L, int at, husk_heap *heap, const char *place, husk_value *out,
                       husk_obj **made, husk_lua_trouble *trouble)
{
    char got[160];
    const husk_lua_proxy *proxy;
    husk_obj *obj;
    *made = NULL;
    switch (lua_type(L, at)) {
    case LUA_TNIL:
        *out = husk_nil();
        return true;
    case LUA_TBOOLEAN:
        *out = husk_bool(lua_toboolean(L, at) != 0);
        return true;
    case LUA_TNUMBER:
        *out =
            lua_isinteger(L, at) ? husk_int((int64_t)lua_tointeger(L, at)) : husk_float(lua_tonumber(L, at));
        return true;
    case LUA_TSTRING: {
        size_t length;
        const char *bytes = lua_tolstring(L, at, &length);
        *made = husk_text_new(heap, bytes, length);
        if (!*made) {
            trouble->status = husk_heap_failure(heap);
            snprintf(trouble->text, sizeof trouble->text, "%s: %s", place, husk_heap_message(heap));
            return false;
        }
        *out = husk_ref(*made);
        return true;
    }
    default:
        proxy = husk_lua_proxy_at(L, at);
        obj = husk_lua_proxy_obj(proxy);
        if (obj && husk_obj_heap(obj) == heap) {
            *out = husk_ref(obj);
            return true;
        }
        if (obj) {
            trouble->status = HUSK_EHEAP;
            snprintf(trouble->text, sizeof trouble->text,
                     "%s: a %s of heap '%s' cannot be stored in heap '%s'", place,
                     husk_type_name(husk_obj_type(obj)), husk_heap_name(husk_obj_heap(obj)),
                     husk_heap_name(heap));
        } else if (proxy) {
            trouble->status = HUSK_ESTATE;
            husk_lua_dead_text(proxy, place, trouble->text, sizeof trouble->text);
        } else {
            trouble->status = HUSK_ETYPE;
            snprintf(trouble->text, sizeof trouble->text,
                     "%s: a %s cannot be stored in a heap; husk.box keeps any value", place,
                     husk_lua_describe(L, at, got, sizeof got));
        }
        return false;
    }
}

/* Looks, and looks again after the one step that may run other code: making a proxy. */
husk_status husk_lua_push_peeked(lua_State *L, int at, const char *function, husk_lua_peek_fn *peek,
                                 size_t index)
{
    husk_lua_proxy *made = NULL;
    for (;;) {
        husk_value v;
        husk_obj *self = husk_lua_check_obj(L, at, function);
        husk_status status = peek(L, self, index, &v);
        if (status != HUSK_OK)
            return status;
        if (v.tag != HUSK_OBJ) {
            husk_lua_push_plain(L, v);
            return HUSK_OK;
        }
        if (husk_lua_push_known(L, v.as.o))
            return HUSK_OK;
        if (made) {
            husk_obj_retain(v.as.o);
            husk_lua_adopt(L, made, v.as.o);
            return HUSK_OK;
        }
        made = husk_lua_proxy_new(L);
    }
}

/* ---- figures: one table of fields for each struct (bindings/figures.h) ---- */

typedef struct field {
    const char *name;
    size_t offset;
    husk_figure_kind kind;
} field;

#define FIELD(type, name, kind) { #name, offsetof(type, name), HUSK_FIGURE_##kind },

static void push_fields(lua_State *L, const void *from, const field *fields, int count)
{
    lua_createtable(L, 0, count);
    for (int i = 0; i < count; i++) {
        const char *place = (const char *)from + fields[i].offset;
        switch (fields[i].kind) {
        case HUSK_FIGURE_SIZE:
            husk_lua_push_size(L, *(const size_t *)(const void *)place);
            break;
        case HUSK_FIGURE_COUNT:
            husk_lua_push_size(L, *(const uint64_t *)(const void *)place);
            break;
        case HUSK_FIGURE_REAL:
            lua_pushnumber(L, *(const double *)(const void *)place);
            break;
        case HUSK_FIGURE_BOOL:
            lua_pushboolean(L, *(const bool *)(const void *)place);
            break;
        case HUSK_FIGURE_INT:
            lua_pushinteger(L, *(const int *)(const void *)place);
            break;
        case HUSK_FIGURE_REASON:
            lua_pushstring(L, husk_reason_name(*(const husk_reason *)(const void *)place));
            break;
        case HUSK_FIGURE_MODE:
            lua_pushstring(L, husk_mode_name(*(const husk_mode *)(const void *)place));
            break;
        }
        lua_setfield(L, -2, fields[i].name);
    }
}

#define COUNT(fields) ((int)(sizeof fields / sizeof *fields))

static const field pass_fields[] = { HUSK_PASS_LIST(FIELD) };

static const field counts_fields[] = { HUSK_COUNTS_LIST(FIELD) };

static const field pacing_fields[] = { HUSK_PACING_LIST(FIELD) };

static const field soft_fields[] = { HUSK_SOFT_FIGURES_LIST(FIELD) };

static const field generation_fields[] = { HUSK_GENERATION_LIST(FIELD) };

static const field steps_fields[] = { HUSK_STEPS_LIST(FIELD) };

static const field figures_fields[] = { HUSK_HEAP_FIGURES_LIST(FIELD) };

static const field traced_fields[] = { HUSK_TRACE_FIGURES_LIST(FIELD) };

static const field snapshot_fields[] = { HUSK_SNAPSHOT_COUNTS_LIST(FIELD) };

void husk_lua_push_pass(lua_State *L, const husk_pass *pass)
{
    push_fields(L, pass, pass_fields, COUNT(pass_fields));
}

void husk_lua_push_counts(lua_State *L, const husk_counts *counts)
{
    push_fields(L, counts, counts_fields, COUNT(counts_fields));
}

void husk_lua_push_pacing(lua_State *L, const husk_pacing *pacing)
{
    push_fields(L, pacing, pacing_fields, COUNT(pacing_fields));
}

void husk_lua_push_soft_figures(lua_State *L, const husk_soft_figures *figures)
{
    push_fields(L, figures, soft_fields, COUNT(soft_fields));
}

void husk_lua_push_generation(lua_State *L, const husk_generation *generation)
{
    push_fields(L, generation, generation_fields, COUNT(generation_fields));
}

void husk_lua_push_steps(lua_State *L, const husk_steps *steps)
{
    push_fields(L, steps, steps_fields, COUNT(steps_fields));
}

void husk_lua_push_figures(lua_State *L, const husk_heap_figures *figures)
{
    push_fields(L, figures, figures_fields, COUNT(figures_fields));
}

void husk_lua_push_traced(lua_State *L, const husk_trace_figures *figures)
{
    push_fields(L, figures, traced_fields, COUNT(traced_fields));
}

void husk_lua_push_snapshot_counts(lua_State *L, const husk_snapshot_counts *counts)
{
    push_fields(L, counts, snapshot_fields, COUNT(snapshot_fields));
}

/* The integer at `at`, entry `name` of a table given to `function`. */
bool husk_lua_entry_integer(lua_State *L, int at, const char *function, const char *name, lua_Integer *out)
{
    int is_integer = 0;
    bool number = lua_type(L, at) == LUA_TNUMBER;
    if (number)
        *out = lua_tointegerx(L, at, &is_integer);
    if (is_integer && *out >= 0)
        return true;
    char got[160];
    if (number)
        lua_pushvalue(L, at);
    else
        lua_pushstring(L, husk_lua_describe(L, at, got, sizeof got));
    husk_lua_push_error(L, is_integer ? HUSK_ERANGE : HUSK_EINVAL, "%s: %s is an integer from 0 on, not %s",
                        function, name, lua_tostring(L, -1));
    return false;
}

/* Reads the fields that the table at `at` has into *pacing. */
bool husk_lua_arg_pacing(lua_State *L, int at, const char *function, husk_pacing *pacing)
{
    if (lua_type(L, at) != LUA_TTABLE) {
        husk_lua_push_arg_error(L, function, at, "table");
        return false;
    }
    size_t found = 0;
    for (int i = 0; i < COUNT(pacing_fields); i++) {
        const field *one = &pacing_fields[i];
        char *place = (char *)pacing + one->offset;
        lua_pushstring(L, one->name);
        if (lua_rawget(L, at) != LUA_TNIL) {
            found++;
            if (one->kind == HUSK_FIGURE_REAL && lua_type(L, -1) == LUA_TNUMBER) {
                *(double *)(void *)place = lua_tonumber(L, -1);
            } else {
                lua_Integer number;
                if (!husk_lua_entry_integer(L, lua_gettop(L), "pacing", one->name, &number))
                    return false;
                *(size_t *)(void *)place = (size_t)number;
            }
        }
        lua_pop(L, 1);
    }
    for (lua_pushnil(L); lua_next(L, at); lua_pop(L, 1))
        found--;
    if (found) {
        husk_lua_push_error(
            L, HUSK_EINVAL,
            "pacing: unknown entry; there are least_objects, least_bytes, factor, factor_max");
        return false;
    }
    return true;
}
