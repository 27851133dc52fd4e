/* bindings/lua/host_frames.c: the frames of the running script, for husk/trace.h: where in Lua something is born.
 *
 * The walk begins at the state that made the call under way (host->L, a coroutine's perhaps). Our own functions,
 * and what of C stands between them and the script, are left out at the newest end; at the oldest end the C
 * function that a host program started Lua with, and everything below a mark (core.trace_base: the command line's
 * own frames). In between all frames are told, C functions as "[C]".
 *
 * It runs inside a birth: it allocates nothing in Lua, so no __gc can run. What functions are called: host_names.c. */
#include "host.h"

enum {
    DEEP = 64, /* levels beyond this are not looked for from the newest */
};

/* ---- from level to level ---- */

typedef struct walk {
    lua_State *L;
    const struct CallInfo *base; /* ends the walk */
    lua_Debug at;
    int level;
    bool fast; /* below() was right */
} walk;

/* lua_getstack looks for a level from the newest, so that a walk over a deep stack would be quadratic. What it
 * gives is opaque; in every Lua 5.4 that thing's third word is the one below it. That is tried at the first deep level
 * of each walk before it is relied on; if it fails, the slow way is taken. */
static struct CallInfo *below(struct CallInfo *call)
{
    void *words[3];
    memcpy(words, call, sizeof words);
    return words[2];
}

static bool step(walk *w)
{
    w->level++;
    if (w->fast) {
        struct CallInfo *call = below(w->at.i_ci);
        if (!call || !below(call)) /* the last one is no function's: where the state began */
            return false;
        w->at.i_ci = call;
        return true;
    }
    const struct CallInfo *guess = w->level == DEEP ? below(w->at.i_ci) : NULL;
    if (!lua_getstack(w->L, w->level, &w->at)) /* leaves w->at as it is */
        return false;
    w->fast = guess == w->at.i_ci;
    return true;
}

static bool next(walk *w)
{
    return step(w) && w->at.i_ci != w->base;
}

static bool is_last(const walk *w)
{
    walk look = *w;
    return !next(&look);
}

static bool is_c(const lua_Debug *at)
{
    return at->what[0] == 'C';
}

static const char *name_of(walk *w, husk_lua_names **names, const void *function)
{
    if (w->at.what[0] == 'm')
        return "main chunk";
    return names && function ? husk_lua_function_name(names, w->L, &w->at, function) : NULL;
}

/* ---- the source ---- */

/* The frame that is looked at; false: no more are wanted. */
static bool tell(walk *w, husk_lua_names **names, const void *function, husk_trace_sink *sink)
{
    const char *file = w->at.source;
    size_t length = w->at.srclen;
    if (is_c(&w->at)) {
        file = "[C]";
        length = 3;
    } else if (*file == '@' || *file == '=') {
        file++;
        length--;
    } else { /* the text of what was loaded: its first line, as error messages have it */
        file = w->at.short_src;
        length = strlen(file);
    }
    uint32_t line = w->at.currentline > 0 ? (uint32_t)w->at.currentline : 0;
    return husk_trace_add(sink, file, length, line, name_of(w, names, function));
}

/* How many are left below the one that is looked at. */
static size_t count_rest(walk *w)
{
    size_t count = 0;
    while (next(w))
        count++;
    if (count) {
        lua_getinfo(w->L, "S", &w->at);
        count -= is_c(&w->at);
    }
    return count;
}

size_t husk_lua_frames(husk_trace_sink *sink, void *data)
{
    static _Thread_local char here;
    husk_lua_host *host = data;
    husk_lua_lib *lib = host->lib;
    walk w = { .L = host->L };
    if (!w.L)
        return 0;
    if (host->thread != &here && husk_trace_is_on(host->heap) && husk_trace_thread(host->heap) == HUSK_OK)
        host->thread = &here;
    w.base = w.L == lib->base_state ? lib->base : NULL;
    /* Level 0 is ours: what was called to make something. */
    if (!lua_checkstack(w.L, 1) || !lua_getstack(w.L, 0, &w.at) || w.at.i_ci == w.base)
        return 0;
    bool inside = true; /* in the binding still */
    while (next(&w)) {
        lua_getinfo(w.L, "Slf", &w.at);
        const void *function = lua_topointer(w.L, -1);
        lua_pop(w.L, 1);
        inside = inside && (is_c(&w.at) || husk_lua_own_layer(&w.at));
        if (inside || (is_c(&w.at) && is_last(&w)))
            continue;
        if (!tell(&w, lib->ended ? NULL : &lib->names, function, sink))
            /* of one line nobody asks how deep it was; each depth would be a place */
            return husk_trace_limit(host->heap) > 1 ? count_rest(&w) : 0;
    }
    return 0;
}

/* core.trace_base(): the function that calls it, and all below, are no part of the script. */
static int trace_base(lua_State *L)
{
    lua_Debug at;
    husk_lua_lib *lib = husk_lua_lib_get(L);
    if (lua_getstack(L, 1, &at)) {
        lib->base_state = L;
        lib->base = at.i_ci;
    }
    return 0;
}

husk_status husk_lua_set_source(husk_lua_host *host)
{
    const void *const code[] = { (const void *)(uintptr_t)husk_lua_frames,
                                 (const void *)(uintptr_t)lua_getstack };
    return husk_trace_set_source(host->heap, husk_lua_frames, host, NULL, code, 2);
}

void husk_lua_open_frames(lua_State *L)
{
    lua_pushcfunction(L, trace_base);
    lua_setfield(L, -2, "trace_base");
}
