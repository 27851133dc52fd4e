/* bindings/lua/host_survey.c: dry runs, hidden references and leaks from scripts: core.survey, a table of functions whose
 * first argument is the heap. husk/survey.lua makes of them what scripts see. Reports are turned into tables at once. */
#include "host.h"

#include <husk/dryrun.h>
#include <husk/hidden.h>
#include <husk/leaks.h>

#define GUARD_META "husk.core.Survey"

/* A report that must be freed whatever Lua does; one of the three. */
typedef struct guard {
    husk_dryrun *dryrun;
    husk_hidden *hidden;
    husk_leaks *leaks;
} guard;

static int guard_end(lua_State *L)
{
    guard *g = lua_touserdata(L, 1);
    husk_dryrun_free(g->dryrun);
    husk_hidden_free(g->hidden);
    husk_leaks_free(g->leaks);
    *g = (guard){ 0 };
    return 0;
}

static guard *push_guard(lua_State *L)
{
    guard *g = lua_newuserdatauv(L, sizeof *g, 0);
    *g = (guard){ 0 };
    luaL_setmetatable(L, GUARD_META);
    return g;
}

/* The guard at `at` gives its report up now rather than at some time. */
static void close_guard(lua_State *L, int at)
{
    lua_pushcfunction(L, guard_end);
    lua_pushvalue(L, at);
    lua_call(L, 1, 0);
}

static size_t check_most(lua_State *L, int at, const char *function)
{
    lua_Integer most = 0;
    if (!lua_isnoneornil(L, at) && !husk_lua_entry_integer(L, at, function, "objects", &most))
        lua_error(L);
    return (size_t)most;
}

static void set_size(lua_State *L, const char *name, uint64_t value)
{
    husk_lua_push_size(L, value);
    lua_setfield(L, -2, name);
}

static void set_text(lua_State *L, const char *name, const char *text)
{
    if (!*text)
        return;
    lua_pushstring(L, text);
    lua_setfield(L, -2, name);
}

static void push_row(lua_State *L, const husk_census_row *row, bool references)
{
    lua_createtable(L, 0, 5);
    set_text(L, "type", row->type);
    set_text(L, "place", row->place);
    set_size(L, "objects", row->objects);
    set_size(L, "bytes", row->bytes);
    if (references)
        set_size(L, "references", row->references);
}

static void push_object(lua_State *L, const husk_census_object *object, bool references)
{
    lua_createtable(L, 0, 6);
    set_size(L, "address", object->address);
    set_text(L, "type", object->type);
    set_text(L, "place", object->place);
    set_size(L, "bytes", object->bytes);
    if (references) {
        lua_pushinteger(L, (lua_Integer)object->references);
        lua_setfield(L, -2, "references");
    } else {
        lua_pushboolean(L, object->follower);
        lua_setfield(L, -2, "follower");
    }
}

typedef bool row_fn(const void *report, size_t index, husk_census_row *out);
typedef bool object_fn(const void *report, size_t index, husk_census_object *out);

#define ROWS(type, function)                                                                                 \
    static bool function##_of(const void *report, size_t index, husk_census_row *out)                        \
    {                                                                                                        \
        return function((const type *)report, index, out);                                                   \
    }
#define OBJECTS(type, function)                                                                              \
    static bool function##_of(const void *report, size_t index, husk_census_object *out)                     \
    {                                                                                                        \
        return function((const type *)report, index, out);                                                   \
    }
ROWS(husk_dryrun, husk_dryrun_type)
ROWS(husk_hidden, husk_hidden_row)
ROWS(husk_leaks, husk_leaks_row)
OBJECTS(husk_dryrun, husk_dryrun_object)
OBJECTS(husk_hidden, husk_hidden_object)
OBJECTS(husk_hidden, husk_hidden_damaged)
OBJECTS(husk_leaks, husk_leaks_object)

/* Sets `name` of the table on top to a list of rows, or of objects. */
static void set_rows(lua_State *L, const char *name, const void *report, row_fn *row_at, bool references)
{
    husk_census_row row;
    lua_newtable(L);
    for (size_t i = 0; row_at(report, i, &row); i++) {
        push_row(L, &row, references);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_setfield(L, -2, name);
}

static void set_objects(lua_State *L, const char *name, const void *report, object_fn *object_at,
                        bool references)
{
    husk_census_object object;
    lua_newtable(L);
    for (size_t i = 0; object_at(report, i, &object); i++) {
        push_object(L, &object, references);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_setfield(L, -2, name);
}

/* ---- dry runs ---- */

static void set_steps(lua_State *L, const husk_dryrun *dryrun)
{
    static const char *const kinds[] = { "finalizer", "callback", "cleanup" };
    husk_dryrun_step step;
    lua_newtable(L);
    for (size_t i = 0; husk_dryrun_step_at(dryrun, i, &step); i++) {
        lua_createtable(L, 0, 4);
        set_text(L, "kind", kinds[step.kind]);
        set_text(L, "type", step.type);
        set_size(L, "address", step.address);
        set_size(L, "hook", step.hook);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_setfield(L, -2, "steps");
}

static void set_basis(lua_State *L, const char *name, husk_basis basis)
{
    static const char *const names[] = { "none", "passes", "dry run" };
    set_text(L, name, names[basis]);
}

static void push_dryrun(lua_State *L, const husk_dryrun *dryrun)
{
    husk_dryrun_sums sums;
    husk_dryrun_sums_get(dryrun, &sums);
    lua_createtable(L, 0, 18);
    set_size(L, "examined", sums.examined);
    set_size(L, "garbage", sums.garbage);
    set_size(L, "objects", sums.objects);
    set_size(L, "bytes", sums.bytes);
    set_size(L, "followers", sums.followers);
    set_size(L, "finalizers", sums.finalizers);
    set_size(L, "callbacks", sums.callbacks);
    set_size(L, "cleanups", sums.cleanups);
    set_size(L, "disposes", sums.disposes);
    set_size(L, "waiting", sums.waiting);
    set_size(L, "find_ns", sums.find_ns);
    set_size(L, "finalize_ns", sums.finalize_ns);
    set_size(L, "reclaim_ns", sums.reclaim_ns);
    set_size(L, "pause_ns", sums.find_ns + sums.finalize_ns + sums.reclaim_ns);
    lua_createtable(L, 0, 3);
    set_basis(L, "find", sums.find_basis);
    set_basis(L, "finalize", sums.finalize_basis);
    set_basis(L, "reclaim", sums.reclaim_basis);
    lua_setfield(L, -2, "basis");
    set_rows(L, "types", dryrun, husk_dryrun_type_of, false);
    set_steps(L, dryrun);
    set_objects(L, "listed", dryrun, husk_dryrun_object_of, false);
}

/* core.survey.dry_run(heap, most) */
static int dry_run(lua_State *L)
{
    static const char function[] = "heap:dry_run";
    lua_settop(L, 2);
    husk_dryrun_options options = { HUSK_DRYRUN_OPTIONS, .most_objects = check_most(L, 2, function) };
    guard *g = push_guard(L);
    husk_heap *heap = husk_lua_check_heap(L, 1, function);
    husk_status status = husk_dryrun_new(heap, &options, &g->dryrun);
    if (status != HUSK_OK)
        return husk_lua_fail(L, heap, status);
    push_dryrun(L, g->dryrun);
    close_guard(L, 3);
    return 1;
}

/* ---- hidden references ---- */

static void push_hidden(lua_State *L, const husk_hidden *hidden)
{
    husk_hidden_sums sums;
    husk_hidden_sums_get(hidden, &sums);
    lua_createtable(L, 0, 7);
    set_size(L, "examined", sums.examined);
    set_size(L, "objects", sums.objects);
    set_size(L, "references", sums.references);
    set_size(L, "unknown", sums.unknown);
    set_rows(L, "types", hidden, husk_hidden_row_of, true);
    set_objects(L, "listed", hidden, husk_hidden_object_of, true);
    set_objects(L, "damaged", hidden, husk_hidden_damaged_of, true);
}

/* core.survey.hidden(heap, most, by place) */
static int hidden(lua_State *L)
{
    static const char function[] = "heap:hidden";
    lua_settop(L, 3);
    husk_hidden_options options = { HUSK_HIDDEN_OPTIONS, .most_objects = check_most(L, 2, function),
                                    .by_place = lua_toboolean(L, 3) };
    guard *g = push_guard(L);
    husk_heap *heap = husk_lua_check_heap(L, 1, function);
    husk_status status = husk_hidden_new(heap, &options, &g->hidden);
    if (status != HUSK_OK)
        return husk_lua_fail(L, heap, status);
    push_hidden(L, g->hidden);
    close_guard(L, 4);
    return 1;
}

/* core.survey.hidden_of(x, ...): how many, the handle's own included, a result for each; nil: not known (an immortal
 * object). */
static int hidden_of(lua_State *L)
{
    if (!lua_gettop(L))
        lua_settop(L, 1); /* the first is missing, and the error says so */
    int count = lua_gettop(L);
    luaL_checkstack(L, count + 2, "too many objects");
    /* First: making them may run finalizers, which may close the heap. */
    husk_obj **asked = lua_newuserdatauv(L, (size_t)count * sizeof *asked, 0);
    int64_t *found = lua_newuserdatauv(L, (size_t)count * sizeof *found, 0);
    for (int i = 0; i < count; i++)
        asked[i] = husk_lua_check_obj(L, i + 1, "husk.gc.hidden_of");
    husk_status status = husk_obj_hidden_counts(asked, (size_t)count, found);
    if (status != HUSK_OK)
        return husk_lua_fail(L, husk_obj_heap(asked[0]), status);
    for (int i = 0; i < count; i++) {
        if (found[i] == HUSK_HIDDEN_UNKNOWN)
            lua_pushnil(L);
        else
            lua_pushinteger(L, (lua_Integer)found[i]);
    }
    return count;
}

/* ---- leaks ---- */

void husk_lua_push_leaks(lua_State *L, const husk_leaks *leaks)
{
    husk_leaks_sums sums;
    husk_leaks_sums_get(leaks, &sums);
    lua_createtable(L, 0, 7);
    set_size(L, "objects", sums.objects);
    set_size(L, "bytes", sums.bytes);
    set_size(L, "followers", sums.followers);
    set_size(L, "unreachable", sums.unreachable);
    lua_pushboolean(L, sums.summary);
    lua_setfield(L, -2, "summary");
    set_rows(L, "types", leaks, husk_leaks_row_of, false);
    set_objects(L, "listed", leaks, husk_leaks_object_of, false);
}

/* core.survey.leaks(heap, most): all that were told so far and are unreachable still. */
static int leaks(lua_State *L)
{
    static const char function[] = "heap:leaks";
    lua_settop(L, 2);
    size_t most = check_most(L, 2, function);
    guard *g = push_guard(L);
    husk_heap *heap = husk_lua_check_heap(L, 1, function);
    husk_status status = husk_leaks_new(heap, most, &g->leaks);
    if (status != HUSK_OK)
        return husk_lua_fail(L, heap, status);
    husk_lua_push_leaks(L, g->leaks);
    close_guard(L, 3);
    return 1;
}

/* core.survey.find_leaks(heap, on, function or nil, most): without a function the heap's error hook is told. */
static int find_leaks(lua_State *L)
{
    static const char function[] = "heap:find_leaks";
    lua_settop(L, 4);
    size_t most = check_most(L, 4, function);
    bool on = lua_toboolean(L, 2);
    husk_lua_token *token = lua_isnil(L, 3) ? NULL : husk_lua_token_new(L, 3);
    husk_heap *heap = husk_lua_arg_heap(L, 1, function);
    if (!heap) {
        if (token)
            husk_lua_token_loose(token);
        return lua_error(L);
    }
    husk_heap_on_leaks(heap, token ? husk_lua_on_leaks : NULL, token, token ? husk_lua_token_loose : NULL,
                       most);
    husk_heap_set_find_leaks(heap, on);
    return 0;
}

static int is_finding_leaks(lua_State *L)
{
    lua_pushboolean(L, husk_heap_find_leaks(husk_lua_check_heap(L, 1, "heap:find_leaks")));
    return 1;
}

/* Adds to the core table on top: survey. */
void husk_lua_open_surveys(lua_State *L)
{
    static const luaL_Reg functions[] = {
        { "dry_run", dry_run }, { "hidden", hidden },         { "hidden_of", hidden_of },
        { "leaks", leaks },     { "find_leaks", find_leaks }, { "is_finding_leaks", is_finding_leaks },
        { NULL, NULL },
    };
    luaL_newmetatable(L, GUARD_META);
    lua_pushcfunction(L, guard_end);
    lua_setfield(L, -2, "__gc");
    lua_pop(L, 1);
    luaL_newlib(L, functions);
    lua_setfield(L, -2, "survey");
}
