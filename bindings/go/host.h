/* bindings/go/host.h: the C half of the Go package: what cannot be said in Go.
 *
 * A husk_go_host stands beside each heap (husk_heap_data). It names the heap to Go by a number, since C memory
 * never holds a Go pointer, and keeps what the heap said while its lock was held: values that were let go and
 * reports. Go looks at `waiting` before it gives the lock back, and takes both.
 *
 * Hooks come in here from the heap, on the stack of the call that set them off, and go to Go (the huskGo
 * functions, hooks.go), which gives the lock back while the program's function runs. */
#ifndef HUSK_GO_HOST_H
#define HUSK_GO_HOST_H

#include <husk.h>

typedef struct husk_go_host husk_go_host;

/* A Go value that the heap keeps: a box's value, a callback. `value` is its number in the heap's Go table. */
typedef struct husk_go_token {
    struct husk_go_token *next; /* in host->loose */
    husk_go_host *host;
    uintptr_t value;
} husk_go_token;

typedef struct husk_go_report {
    struct husk_go_report *next;
    husk_status status;
    const char *text; /* behind it, in the same block */
} husk_go_report;

/* The tag of a text, which is a string to Go: beside those of husk_tag. */
#define HUSK_GO_TEXT 100u

/* What one slot holds. It comes back to Go through host->slot: as a result of a call it would cost half a call more.
 * Nothing is retained.
 *
 *   meta   bits 0..7 tag (husk_tag, or HUSK_GO_TEXT) | 8..15 husk_go_kind | 16..23 minus the status | 24.. length
 *   word   the number, the boolean, the address of the object, or that of a text's bytes */
typedef struct husk_go_slot {
    uint64_t word, meta;
} husk_go_slot;
/* A frame of Go. `number` is the tracer's (husk_trace_frame), 0 until it was asked for. */
typedef struct husk_go_frame {
    char *texts; /* file, and behind it the function, ended by a NUL */
    size_t file_length;
    uint32_t line, number;
} husk_go_frame;

/* A traceback of Go, newest frame first: rows of host->frames. total: how many there were; 0: not known. */
typedef struct husk_go_stack {
    size_t count, total;
    uint32_t frames[];
} husk_go_stack;

struct husk_go_host {
    husk_heap *heap; /* NULL: closed, or never opened */
    husk_status status;
    uintptr_t id;
    size_t waiting;       /* how many are in the two lists */
    husk_go_token *loose; /* let go by the heap */
    husk_go_report *first, *last;
    husk_go_slot slot; /* what the last call of a get found */

    /* while tracing (tracer.go) */
    husk_go_stack *stack; /* of the call that runs; NULL: huskGoStack finds it */
    husk_go_frame *frames;
    size_t frame_count, frame_room;
    uint64_t round, serial; /* of the frames' numbers; of the tracing, 0: no birth yet */
    bool tagged, domained;  /* one is pushed */
};

/* A heap and its host; NULL: no memory. host->heap NULL: host->status says why. */
husk_go_host *husk_go_host_new(const char *name, size_t max_bytes, bool stress, uintptr_t id);
void husk_go_host_close(husk_go_host *host); /* the heap; the host stays for what waits */
void husk_go_host_free(husk_go_host *host);

/* NULL: no memory. The token is the heap's when it is stored, and comes back through `loose`. */
husk_go_token *husk_go_token_new(husk_go_host *host, uintptr_t value);
void husk_go_token_let_go(void *token); /* a husk_free_fn */

/* What waits, first to last; the caller frees each with free(). */
husk_go_token *husk_go_take_loose(husk_go_host *host);
husk_go_report *husk_go_take_reports(husk_go_host *host);

husk_go_slot husk_go_slot_of(husk_status status, husk_value v);

/* husk_obj_kind, but that weak references that are more are told from others, and queues of the dead. */
#define HUSK_GO_KIND_CLEANUP 100
#define HUSK_GO_KIND_SOFT 101
#define HUSK_GO_KIND_WATCH 102
#define HUSK_GO_KIND_QUEUE 103
int husk_go_kind(const husk_obj *obj);

/* A value on its way in. */
typedef struct husk_go_arg {
    husk_value v;
    const char *bytes;
    size_t length;
} husk_go_arg;

typedef enum husk_go_op {
    HUSK_GO_RECORD_SET,
    HUSK_GO_LIST_SET,
    HUSK_GO_LIST_INSERT,
    HUSK_GO_LIST_APPEND,
    HUSK_GO_MAP_SET,
    HUSK_GO_WEAKVALUEMAP_SET, /* v is an object */
    HUSK_GO_WEAKKEYMAP_SET    /* key is an object */
} husk_go_op;

/* Stores v at index, or under key. Holds self meanwhile: what is let go may run hooks that drop it. */
husk_status husk_go_store(husk_go_op op, husk_obj *self, size_t index, husk_go_arg key, husk_go_arg v);

husk_status husk_go_map_remove(husk_obj *map, husk_go_arg key, bool weak);
husk_go_slot husk_go_map_get(husk_obj *map, husk_go_arg key, bool weak);
husk_status husk_go_list_remove(husk_obj *list, size_t index);
husk_status husk_go_clear(husk_obj *container);

/* One step of an iteration over a map of any kind or a weak set. */
typedef struct husk_go_entry {
    husk_go_slot key, v;
    size_t cursor;
    bool there;
} husk_go_entry;
husk_go_entry husk_go_next(husk_obj *container, size_t cursor);

/* Containers and boxes; `what` is their husk_kind. NULL: see the heap's failure. */
husk_obj *husk_go_new(husk_heap *heap, int what);
husk_obj *husk_go_box_new(husk_heap *heap, husk_go_token *token);
husk_go_token *husk_go_box_token(const husk_obj *box); /* NULL: no box, or not of this language */

/* For a weak reference to obj; token NULL: the shared one. */
husk_weak *husk_go_weak_new(husk_obj *obj, husk_go_token *token);
husk_cleanup *husk_go_cleanup_new(husk_obj *obj, husk_go_token *token, bool at_exit);
husk_obj *husk_go_soft_new(husk_obj *obj, husk_go_token *token); /* NULL: no callback */
bool husk_go_soft_let_go(husk_obj *soft);
husk_obj *husk_go_queue_new(husk_heap *heap);
husk_obj *husk_go_watch_new(husk_obj *queue, husk_obj *obj, husk_go_token *token);
/* The number of the value of what was polled, and the watch; of one that C code made 0. NULL: none waits. */
husk_obj *husk_go_queue_poll(husk_obj *queue, uintptr_t *value);
uintptr_t husk_go_watch_value(husk_obj *watch);
typedef struct husk_go_pass_id {
    uint64_t id;
    husk_status status;
} husk_go_pass_id;
husk_go_pass_id husk_go_on_pass(husk_heap *heap, husk_go_token *token);

/* Who is told of leaks; token NULL: the error hook. */
void husk_go_on_leaks(husk_heap *heap, husk_go_token *token, size_t most_objects);
/* Reports; NULL: *status says why. */
husk_dryrun *husk_go_dryrun(husk_heap *heap, size_t most_objects, husk_status *status);
husk_hidden *husk_go_hidden(husk_heap *heap, size_t most_objects, bool by_place, husk_status *status);
husk_leaks *husk_go_leaks(husk_heap *heap, size_t most_objects, husk_status *status);

/* A record type; with `finalizer` not 0 its objects end in huskGoFinalize, under this number. */
typedef struct husk_go_type {
    husk_type *type;
    husk_status status;
} husk_go_type;
husk_go_type husk_go_type_new(const char *name, char **fields, size_t count, uintptr_t finalizer);

/* Releases count references. */
void husk_go_release(husk_obj *const *objs, size_t count);

/* Hooks, on the Go side (hooks.go). `id` names the heap; hooks.go says how the program's function runs. */
void huskGoFinalize(uintptr_t id, husk_obj *self, uintptr_t number);
void huskGoGone(uintptr_t id, husk_weak *weak, uintptr_t value);
void huskGoCleanup(uintptr_t id, uintptr_t value);
void huskGoPass(uintptr_t id, int phase, husk_pass *pass, uintptr_t value);
void huskGoLeaks(uintptr_t id, husk_leaks *leaks, uintptr_t value);

/* Makes Go's stacks the source of frames. They are asked for when tracing is on, whoever started it. */
husk_status husk_go_trace_source(husk_go_host *host);
/* Frees what tracing has left; numbers of frames have no meaning any more. */
void husk_go_trace_forget(husk_go_host *host);
/* The tag and the domain of births from now on; NULL: none. */
husk_status husk_go_trace_label(husk_go_host *host, const char *tag, const char *domain);
/* A new row of host->frames; no memory, or too many: HUSK_GO_NO_FRAME. The texts are copied. */
#define HUSK_GO_NO_FRAME UINT32_MAX
uint32_t husk_go_frame_new(husk_go_host *host, const char *file, size_t file_length, const char *function,
                           size_t function_length, uint32_t line);
/* NULL: no memory. The caller frees it with free(). */
husk_go_stack *husk_go_stack_new(const uint32_t *frames, size_t count, size_t total);
/* Sets host->stack, on the Go side (hooks.go). */
void huskGoStack(uintptr_t id);

/* What a walk found: objects, or edges. The walk has a reference to `held`, one of the two. */
typedef struct husk_go_found {
    husk_obj *from, *to, *held;
    const char *name;
    size_t index;
} husk_go_found;
typedef struct husk_go_walk {
    husk_go_found *found; /* the caller frees it */
    size_t count, room;
    const husk_type *type; /* only its objects; NULL: all */
    bool failed;           /* no memory */
} husk_go_walk;
husk_go_walk husk_go_objects(husk_heap *heap, const husk_type *type);
husk_go_walk husk_go_referents(husk_obj *obj);
husk_go_walk husk_go_referrers(husk_obj *obj);

/* How many objects of each type there are, without touching one. */
typedef struct husk_go_tally {
    const husk_type *type;
    size_t count;
} husk_go_tally;
typedef struct husk_go_census {
    husk_go_tally *rows; /* the caller frees it */
    size_t count, room;
    bool failed;
} husk_go_census;
husk_go_census husk_go_count(husk_heap *heap);

#endif
