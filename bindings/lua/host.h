/* bindings/lua/host.h: how objects live in Lua. host.c does the ownership, the other host_*.c stand on it.
 *
 *   proxy (userdata) ---> hold (record in a slab) ---> husk_obj
 *      '--> type            '--> host (userdata, one per heap) ---> husk_heap
 *   door  (userdata) -------------^   what a script knows as the heap
 *
 * Identity: a weak-valued table, keyed by the object's address, finds the one proxy of an object. An entry
 * counts only if the proxy's hold still has that object, so nothing has to be removed from it.
 * Ownership: a proxy owns one reference, through its hold. __gc, __close and husk.release end the hold; the
 * proxy is then a dead handle, which every function refuses by name. Holds lie in memory that Lua frees last
 * and know nothing of their proxy, so a proxy that vanished without __gc (debug.setmetatable) leaves a
 * reference that ends with the heap, never a dangling pointer.
 * A heap closes when its last door and its last hold are gone, when a script closes it, or when the lib ends,
 * which lua_close finalizes after all that was made later.
 *
 * Rules that keep a wrapper whole, whatever a script does:
 *  1. Almost any Lua call that allocates may run a __gc, and that any code: it may release or close what the
 *     wrapper works on. So no husk pointer is kept across such a call, unless the wrapper owns a reference.
 *     Make the proxy first (husk_lua_proxy_new), then ask for the reference and husk_lua_adopt it.
 *  2. No Lua error may pass through Husk's frames: whatever Husk calls back runs under lua_pcall
 *     (host_hooks.c), on the state that made the call (its coroutine is alive, its C stack is counted there).
 *  3. A mutating call holds its receiver, since a hook may drop the last other reference to it.
 *  4. A heap never closes inside a hook of its own.
 *  5. Every wrapper, readers included, begins with husk_lua_barrier (in the arg and check functions): heaps may
 *     be frozen for a collection of Lua's (host_bridge.c). Only __gc does not. */
#ifndef HUSK_LUA_HOST_H
#define HUSK_LUA_HOST_H

#include <limits.h>
#include <stdatomic.h>
#include <string.h>

#include <lauxlib.h>
#include <lua.h>

#include <husk.h>
#include <husk/bridge.h>
#include <husk/cleanup.h>
#include <husk/deadqueue.h>
#include <husk/soft.h>
#include <husk/leaks.h>
#include <husk/ledger.h>
#include <husk/snapshot.h>
#include <husk/trace.h>
#include <husk/weakmap.h>

typedef struct husk_lua_lib husk_lua_lib;
typedef struct husk_lua_host husk_lua_host;
typedef struct husk_lua_hold husk_lua_hold;
typedef struct husk_lua_report husk_lua_report;

struct husk_lua_hold {
    husk_obj *obj; /* one reference, or NULL: the hold has ended and waits for its proxy */
    husk_lua_host *host;
    husk_lua_hold *prev, *next; /* in a ring of the host while obj is there; next: free list */
};

typedef struct husk_lua_proxy {
    const void *magic; /* &husk_lua_proxy_magic: no other library's userdata begins like this */
    husk_lua_hold *hold;
    const husk_type *type; /* for messages, also after death; NULL before adoption */
} husk_lua_proxy;

typedef struct husk_lua_door {
    const void *magic;
    husk_lua_host *host;
} husk_lua_door;

/* A Lua value that Husk keeps: a box's value, a callback. Its address is the key in the table of values. */
typedef struct husk_lua_token {
    husk_lua_lib *lib;
    struct husk_lua_token *next; /* in lib->loose */
    bool unseen;                 /* of a box that weak-key maps make and readers do not see */
    bool at_exit;                /* of a cleanup */
} husk_lua_token;

struct husk_lua_report { /* an error that waits for the script's error hook */
    husk_lua_report *next;
    husk_status status;
    char text[];
};

struct husk_lua_host {
    husk_lua_lib *lib;
    husk_heap *heap;           /* NULL: closed */
    lua_State *L;              /* the state that made the call under way: hooks run on it */
    husk_lua_hold ring;        /* holds with an object */
    husk_lua_hold passing;     /* those on condemned objects: they end with the hook that made them */
    size_t holds;              /* all holds of this host, ended ones too: they still point here */
    size_t doors;              /* door userdata that still point here */
    int hooks;                 /* how many hooks of this heap are running */
    bool closing;              /* husk_heap_close is under way */
    bool pinned;               /* closes with the lib, whatever becomes of its doors */
    bool unsettled;            /* something ended while it was bridged */
    bool mixed;                /* had paths to Lua values in the latest collection of Lua's */
    bool due;                  /* for a pass in this round */
    bool ledger;               /* has one: counted in husk_lua_bridged */
    const husk_bridge *bridge; /* not NULL: to be left; host_bridge.c */
    husk_obj **proxied;        /* what was entered with */
    size_t proxied_count;
    husk_lua_report *first_report, *last_report;
    const void *thread;         /* whose births the tracer was told they are; host_frames.c */
    husk_lua_host *prev, *next; /* in lib->hosts */
    char name[64];              /* for messages after closing */
};

typedef struct husk_lua_names husk_lua_names; /* host_names.c */

struct husk_lua_lib {
    husk_lua_host hosts; /* ring */
    husk_lua_hold *free_holds;
    size_t slab;                /* records in the next slab */
    husk_lua_token *loose;      /* tokens that Husk has let go; swept when Lua may be touched */
    const husk_type *text_type; /* learnt from the first text */
    uint64_t swept;             /* tokens freed so far */
    lua_State *worker;          /* a thread for leaving bridged mode, which must not fail */
    husk_lua_names *names;      /* of functions in tracebacks */
    lua_State *base_state;      /* the state whose frames from base on are not the script's */
    const struct CallInfo *base;
    bool bridged;    /* heaps are frozen: host_bridge.c */
    bool given_back; /* values are no longer lent */
    bool ended;
};

/* The registry's tables, by the address of their entry here. */
enum {
    HUSK_LUA_LIB,        /* the lib, a userdata */
    HUSK_LUA_PROXIES,    /* object -> proxy, weak values */
    HUSK_LUA_DOORS,      /* host -> door, weak values */
    HUSK_LUA_HOSTS,      /* host -> its userdata */
    HUSK_LUA_SLABS,      /* sequence of slabs */
    HUSK_LUA_METAS,      /* type -> metatable of its proxies */
    HUSK_LUA_FIELDS,     /* record type -> table: field name -> index from 1 */
    HUSK_LUA_CLASSES,    /* record type -> class table (the script's methods) */
    HUSK_LUA_FINALIZERS, /* record type -> function */
    HUSK_LUA_SERIALS,    /* finalizer function -> number that tells its types apart */
    HUSK_LUA_VALUES,     /* token -> value; host -> error hook */
    HUSK_LUA_NAMES,      /* strings whose address Husk keeps */
    HUSK_LUA_KINDS,      /* class table -> record type, weak keys */
    HUSK_LUA_RELAYS,     /* weak keys: host_bridge.c */
    HUSK_LUA_WORKER,     /* lib->worker */
    HUSK_LUA_EMPTY,      /* the metatable of proxies before adoption, and of those of unknown kinds */
    HUSK_LUA_KEYS
};
extern const char husk_lua_key[HUSK_LUA_KEYS];
extern const char husk_lua_proxy_magic, husk_lua_door_magic;

#define HUSK_LUA_ERROR_META "husk.Error"
#define HUSK_LUA_HEAP_META "husk.Heap"
#define HUSK_LUA_TYPE_META "husk.Type"
#define HUSK_LUA_OBJ_META "husk.Obj"

static inline void husk_lua_table(lua_State *L, int which)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &husk_lua_key[which]);
}

/* ---- host.c: lib, hosts, doors, holds, proxies ---- */

husk_lua_lib *husk_lua_lib_get(lua_State *L);
husk_lua_host *husk_lua_host_of(const husk_obj *obj);

/* What references of handles are called in a ledger. */
#define HUSK_LUA_OWNER "handle of Lua"

/* Libs in bridged mode and hosts with a ledger, of all states of the process: wrappers have more to do then. In a
 * ledger each retain asks where it is made, so host->L is to be right in calls that make nothing, too. */
extern _Atomic int husk_lua_bridged;
void husk_lua_barrier_slow(lua_State *L);
static inline void husk_lua_barrier(lua_State *L)
{
    if (atomic_load_explicit(&husk_lua_bridged, memory_order_relaxed))
        husk_lua_barrier_slow(L);
}

/* Before a call that may run hooks, make something or fail: hooks run on L, and where things are made is looked for
 * in its stack. After it: leave, which may run Lua code (the script's error hook). */
static inline husk_lua_host *husk_lua_enter(lua_State *L, husk_heap *heap)
{
    husk_lua_host *host = husk_heap_data(heap);
    host->L = L;
    return host;
}
void husk_lua_leave_slow(lua_State *L, husk_lua_host *host);
void husk_lua_sweep(lua_State *L, husk_lua_lib *lib); /* frees the values that Husk has let go */
void husk_lua_settle_all(lua_State *L, husk_lua_lib *lib);
static inline void husk_lua_leave(lua_State *L, husk_lua_host *host)
{
    if (host->lib->loose || host->first_report)
        husk_lua_leave_slow(L, host);
}

/* Pushes an empty proxy with a hold ready. May run any code. */
husk_lua_proxy *husk_lua_proxy_new(lua_State *L);
/* The same without a metatable, where nothing can fail until it is adopted or given up. */
husk_lua_proxy *husk_lua_proxy_bare(lua_State *L, husk_lua_lib *lib);
void husk_lua_proxy_unused(husk_lua_proxy *proxy, husk_lua_lib *lib);
/* Gives obj, and the caller's reference to it, to the empty proxy on top of the stack. */
void husk_lua_adopt(lua_State *L, husk_lua_proxy *proxy, husk_obj *obj);
/* Two halves of it: the first touches no Lua, the second fails for want of memory at most. */
void husk_lua_fill(husk_lua_proxy *proxy, husk_lua_host *host, husk_obj *obj);
void husk_lua_name(lua_State *L, husk_lua_proxy *proxy, husk_obj *obj);
/* Pushes obj if that needs no new proxy: a text as a string, or the proxy it has. */
bool husk_lua_push_known(lua_State *L, husk_obj *obj);
bool husk_lua_push_proxy(lua_State *L, husk_obj *obj); /* the same, but for texts */
bool husk_lua_is_text(husk_obj *obj);
/* Pushes obj, taking the caller's reference; made is the empty proxy on top of the stack. */
void husk_lua_push_owned(lua_State *L, husk_lua_proxy *made, husk_obj *obj);
/* Ends the proxy's hold, if it has one: a dead handle. May run hooks. */
void husk_lua_proxy_end(lua_State *L, husk_lua_proxy *proxy);
void husk_lua_passing_end(husk_lua_host *host);
husk_lua_proxy *husk_lua_proxy_at(lua_State *L, int at); /* NULL: not a proxy */
static inline husk_obj *husk_lua_proxy_obj(const husk_lua_proxy *proxy)
{
    return proxy && proxy->hold ? proxy->hold->obj : NULL;
}
void husk_lua_push_door(lua_State *L, husk_lua_host *host);
husk_lua_host *husk_lua_door_at(lua_State *L, int at); /* NULL: not a heap */

husk_lua_token *husk_lua_token_new(lua_State *L, int value_at);
void husk_lua_token_loose(void *token);                          /* a husk_free_fn */
void husk_lua_forget(lua_State *L, const husk_lua_token *token); /* its value is no longer needed */

int husk_lua_gc(lua_State *L);
int husk_lua_release(lua_State *L);
void husk_lua_open_host(lua_State *L);
void husk_lua_open_heap_ends(lua_State *L);

/* ---- host_errors.c: error values and arguments. The arg functions push an error value on failure. ---- */

/* Whether this function (option S) stands in the module's own Lua layer: no script does. */
bool husk_lua_own_layer(const lua_Debug *at);
void husk_lua_push_error(lua_State *L, husk_status status, const char *format, ...); /* as lua_pushfstring */
void husk_lua_push_status(lua_State *L, husk_heap *heap, husk_status status);
int husk_lua_fail(lua_State *L, husk_heap *heap, husk_status status); /* raises; leaves the heap */
void husk_lua_push_arg_error(lua_State *L, const char *function, int at, const char *expected);
void husk_lua_push_arg_count(lua_State *L, const char *function, int least, int most);
const char *husk_lua_describe(lua_State *L, int at, char *room, size_t size);
/* Why the handle is dead, for a message. */
void husk_lua_dead_text(const husk_lua_proxy *proxy, const char *function, char *room, size_t size);
bool husk_lua_arg_integer(lua_State *L, int at, const char *function, lua_Integer least, lua_Integer most,
                          lua_Integer *out);
husk_heap *husk_lua_arg_heap(lua_State *L, int at, const char *function);
husk_obj *husk_lua_arg_obj(lua_State *L, int at, const char *function);
husk_weak *husk_lua_arg_weak(lua_State *L, int at, const char *function);
const husk_type *husk_lua_arg_type(lua_State *L, int at, const char *function);
/* The same, raising. */
husk_heap *husk_lua_check_heap(lua_State *L, int at, const char *function);
husk_obj *husk_lua_check_obj(lua_State *L, int at, const char *function);
husk_obj *husk_lua_check_kind(lua_State *L, int at, husk_kind kind, const char *function,
                              const char *expected);
void husk_lua_check_any(lua_State *L, int at, const char *function); /* an argument, which may be nil */
void husk_lua_open_errors(lua_State *L);
void husk_lua_open_failures(lua_State *L); /* adds to the core table on top: fail */

/* The string at `at`, kept for as long as the Lua state; not a string: `otherwise`. An error if it is anything but
 * a string or nil. */
const char *husk_lua_keep_name(lua_State *L, int at, const char *function, const char *otherwise);

/* ---- host_passes.c ---- */

void husk_lua_open_passes(lua_State *L);

/* ---- host_pacing.c ---- */

/* With the table of methods of heaps on top. */
void husk_lua_open_pacing(lua_State *L);

/* ---- host_step.c ---- */

/* With the table of methods of heaps on top. */
void husk_lua_open_step(lua_State *L);

/* ---- host_values.c: values and figures ---- */

void husk_lua_push_size(lua_State *L, uint64_t size);
void husk_lua_push_pass(lua_State *L, const husk_pass *pass);
void husk_lua_push_counts(lua_State *L, const husk_counts *counts);
void husk_lua_push_pacing(lua_State *L, const husk_pacing *pacing);
void husk_lua_push_soft_figures(lua_State *L, const husk_soft_figures *figures);
void husk_lua_push_generation(lua_State *L, const husk_generation *generation);
void husk_lua_push_steps(lua_State *L, const husk_steps *steps);
void husk_lua_push_figures(lua_State *L, const husk_heap_figures *figures);
void husk_lua_push_traced(lua_State *L, const husk_trace_figures *figures);
void husk_lua_push_snapshot_counts(lua_State *L, const husk_snapshot_counts *counts);
bool husk_lua_entry_integer(lua_State *L, int at, const char *function, const char *name, lua_Integer *out);
bool husk_lua_arg_pacing(lua_State *L, int at, const char *function, husk_pacing *pacing);

/* Why something failed, kept in C until all references are given back: making an error value may run any
 * code, which may close the heap. */
typedef struct husk_lua_trouble {
    husk_status status;
    char text[320];
} husk_lua_trouble;
int husk_lua_raise(lua_State *L, const husk_lua_trouble *trouble);

/* The value at `at` for storing in `heap`. A string becomes a new text, which is also in *made: the caller
 * releases it. False: not a value of Husk. Touches nothing in Lua. `place` names where it should go. */
bool husk_lua_to_value(lua_State *L, int at, husk_heap *heap, const char *place, husk_value *out,
                       husk_obj **made, husk_lua_trouble *trouble);
void husk_lua_push_plain(lua_State *L, husk_value v); /* not an object */

/* Pushes what peek finds in the object whose proxy is at `at`, which may be released meanwhile: then it
 * raises. */
typedef husk_status husk_lua_peek_fn(lua_State *L, husk_obj *self, size_t index, husk_value *out);
husk_status husk_lua_push_peeked(lua_State *L, int at, const char *function, husk_lua_peek_fn *peek,
                                 size_t index);

/* ---- the kinds: host_kinds.c, host_list.c, host_map.c, host_record.c and so on ---- */

/* Kinds of ours: weak references that are more, and the queue of the dead. */
enum { HUSK_LUA_CLEANUP = 100, HUSK_LUA_SOFT, HUSK_LUA_WATCH, HUSK_LUA_QUEUE };

/* The metatable for proxies of a type, of which obj is one; NULL: a record type. */
void husk_lua_push_meta(lua_State *L, const husk_type *type, husk_obj *obj);
/* Makes the metatable of a kind, with `index` for names and whatever else. Without methods every name is a key. */
void husk_lua_open_kind(lua_State *L, int kind, const char *name, const luaL_Reg *meta, lua_CFunction index,
                        const luaL_Reg *methods);
/* Pushes the method that stack 2 names, from the table in upvalue 1, or raises. */
int husk_lua_push_method(lua_State *L, const char *what);
void husk_lua_push_token(lua_State *L, const husk_lua_token *token); /* the value that Husk keeps */
int husk_lua_clear(lua_State *L);
/* Pushes the function and the arguments that a cleanup keeps; nil if it has none any more. */
void husk_lua_push_work(lua_State *L, const husk_lua_token *token);
/* The key at `at`, as husk_lua_to_value. A number without a fraction is an integer, as in tables. */
bool husk_lua_to_key(lua_State *L, int at, husk_heap *heap, const char *place, husk_value *key,
                     husk_obj **made, husk_lua_trouble *trouble);
void husk_lua_push_fields(lua_State *L, const husk_type *type); /* its table: name -> index from 1 */
void husk_lua_push_record_meta(lua_State *L, const husk_type *type);
/* After a mutating call on self, which was retained: releases both (made may be NULL), leaves the heap,
 * raises if it failed. */
int husk_lua_finish(lua_State *L, husk_obj *self, husk_obj *made, husk_status status);
int husk_lua_tostring(lua_State *L);
void husk_lua_base_meta(lua_State *L, const char *name, const luaL_Reg *functions);
extern const luaL_Reg husk_lua_ends[];  /* what every proxy's metatable has */
void husk_lua_open_kinds(lua_State *L); /* each adds its functions to the table on top */
void husk_lua_open_lists(lua_State *L);
void husk_lua_open_maps(lua_State *L);
void husk_lua_open_weakmaps(lua_State *L);
void husk_lua_open_cleanups(lua_State *L);
void husk_lua_open_softs(lua_State *L);
void husk_lua_open_queues(lua_State *L);
void husk_lua_open_bulk(lua_State *L);
void husk_lua_open_records(lua_State *L);
void husk_lua_open_weaks(lua_State *L);
void husk_lua_open_heaps(lua_State *L);
void husk_lua_open_walks(lua_State *L);

/* ---- host_bridge.c ---- */

bool husk_lua_is_lent(lua_State *L, int at);
void husk_lua_open_bridge(lua_State *L);

/* ---- host_hooks.c: what Husk calls back ---- */

husk_finalize_fn husk_lua_on_finalize;
husk_weak_fn husk_lua_on_gone;
husk_cleanup_fn husk_lua_on_cleanup;
husk_pass_fn husk_lua_on_pass;
husk_leaks_fn husk_lua_on_leaks;
husk_error_fn husk_lua_on_error;
void husk_lua_deliver(lua_State *L, husk_lua_host *host);

/* ---- host_frames.c, host_names.c, host_trace.c: tracing ---- */

size_t husk_lua_frames(husk_trace_sink *sink, void *host); /* a husk_trace_source_fn */
husk_status husk_lua_set_source(husk_lua_host *host);
void husk_lua_open_frames(lua_State *L);
/* What a function is called, always the same for one function; `at` is filled for "S" and belongs to a call of it.
 * Valid until the next call; NULL if memory was refused. Touches nothing in Lua. */
const char *husk_lua_function_name(husk_lua_names **names, lua_State *L, lua_Debug *at, const void *function);
void husk_lua_names_free(husk_lua_names *names); /* or NULL */
void husk_lua_retrace(husk_lua_host *host);      /* a new heap that the environment may have started */
/* A string without NUL bytes, or it raises: `what` of `function`. */
const char *husk_lua_check_name(lua_State *L, int at, const char *function, const char *what);
uint64_t husk_lua_check_address(lua_State *L, int at, const char *function);
void husk_lua_push_frame(lua_State *L, const char *file, uint32_t line, const char *function,
                         uint64_t address);
/* The same of a place whose texts may end with the tracing, which Lua code that runs meanwhile may stop. */
void husk_lua_push_place(lua_State *L, const husk_place_frame *frame);
void husk_lua_open_traces(lua_State *L);

/* ---- host_memory.c ---- */

void husk_lua_open_memory(lua_State *L);
void husk_lua_open_paths(lua_State *L); /* host_path.c */

/* ---- host_ledger.c ---- */

void husk_lua_note_ledger(husk_lua_host *host, bool on);
void husk_lua_open_ledgers(lua_State *L);

/* ---- host_survey.c ---- */

void husk_lua_push_leaks(lua_State *L, const husk_leaks *leaks);
void husk_lua_open_surveys(lua_State *L);

/* ---- host_shared.c: for husk.ffi.core ---- */

void husk_lua_open_shared(lua_State *L);

/* ---- host_snapshot.c, host_nodes.c, host_stats.c, host_export.c: snapshots and what is made from them ---- */

typedef struct husk_lua_user husk_lua_user;
typedef struct husk_lua_link { /* in the ring of a snapshot */
    struct husk_lua_link *prev, *next;
    husk_lua_user *user;
} husk_lua_link;

typedef struct husk_lua_snap {
    const void *magic;
    husk_snapshot *snapshot; /* NULL: closed */
    husk_lua_link users;     /* ring: they end with it */
    int busy;                /* exports under way, whose writers may run anything */
} husk_lua_snap;

/* What is made from one snapshot, or of two: a userdata begins with this. */
struct husk_lua_user {
    const void *magic;
    void *made;               /* NULL: closed */
    void (*free)(void *made); /* takes NULL */
    husk_lua_link links[2];
};

int husk_lua_fail_message(lua_State *L, husk_status status); /* raises husk_message */
husk_lua_snap *husk_lua_check_snap(lua_State *L, int at, const char *function);
/* The filter of a handle of core.stats.filter, or it raises. */
husk_filter *husk_lua_check_filter(lua_State *L, int at);
/* Pushes an empty user; husk_lua_user_hang enters it in a snapshot's ring and keeps that alive, once or twice. */
husk_lua_user *husk_lua_user_new(lua_State *L, const char *meta, const void *magic, void (*end)(void *made));
void husk_lua_user_hang(lua_State *L, int user_at, int snap_at);
void husk_lua_user_end(husk_lua_user *user);
/* What __gc, __close and close do, of one with that magic. */
int husk_lua_user_close(lua_State *L, const void *magic, const char *what);
/* Of that magic, and open; or it raises. */
husk_lua_user *husk_lua_check_user(lua_State *L, int at, const void *magic, const char *function,
                                   const char *what);
/* Pushes a frame: again gets it anew for each of its texts, or raises. */
typedef void husk_lua_frame_fn(lua_State *L, void *data, husk_frame *out);
void husk_lua_push_shot_frame(lua_State *L, husk_lua_frame_fn *again, void *data);
/* Makes a metatable of these functions with an __index of these methods, and pushes the methods. */
void husk_lua_open_handle(lua_State *L, const char *name, const luaL_Reg *meta, const luaL_Reg *methods);
void husk_lua_add_nodes(lua_State *L);     /* to the methods of snapshots on top: those of host_nodes.c */
void husk_lua_add_traceback(lua_State *L); /* to the functions on top */
void husk_lua_open_snapshots(lua_State *L);
void husk_lua_open_stats(lua_State *L);
void husk_lua_open_exports(lua_State *L);

/* The generated functions: fills the table on top. */
void husk_lua_raw(lua_State *L);

#endif
