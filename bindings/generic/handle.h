/* bindings/generic/handle.h: what the generated languages (Ruby, Tcl, Perl, Java) hold instead of pointers.
 *
 *   wrapper of the language ---> token ---> entry of the table ---> husk_obj (one reference)
 *                                                '---> home ---> husk_heap
 *
 * A token is a number in the clothes of a pointer: an index into one table, and the generation of that entry. It
 * is looked up and never followed, so a wrapper that was released, freed twice, forged from a string (Tcl), or
 * outlives its heap is refused with a message; it cannot crash. Each entry owns one reference and keeps its home.
 * A home closes its heap when a script says so, or when the last heap wrapper and the last entry are gone.
 *
 * Threads: a heap is used by the thread that made it; calls from others are refused. Wrappers may end on any
 * thread (Java's finalizer): what they held is queued, and released at the end of the owner's next call.
 * Level 1 has no callbacks, so no script ever runs inside Husk. */
#ifndef HUSK_GENERIC_HANDLE_H
#define HUSK_GENERIC_HANDLE_H

#include <husk.h>

enum { HUSK_GENERIC_ROOM = 320 };

/* Why a call is refused: a status, HUSK_OK if it is not, and a text. */
typedef struct husk_generic_trouble {
    husk_status status;
    char text[HUSK_GENERIC_ROOM];
} husk_generic_trouble;

/* Notes a trouble and returns false. `function` and `at` (from 1) say where; at 0: no argument in particular. */
bool husk_generic_refuse(husk_generic_trouble *trouble, husk_status status, const char *function, int at,
                         const char *format, ...) HUSK_FORMAT(5);

/* ---- heaps ---- */

/* A token for a new heap of the calling thread; NULL and a trouble otherwise. */
void *husk_generic_heap_new(const char *name, husk_generic_trouble *trouble);

/* Ends every handle on the heap, then the heap. Their wrappers stay and are refused from now on. */
void husk_generic_heap_close(husk_heap *heap);

/* ---- tokens ---- */

/* A token that owns the caller's reference to obj. NULL: no memory; the reference has been released. */
void *husk_generic_give(husk_obj *obj);

/* The same with a reference of its own. */
void *husk_generic_lend(husk_obj *obj);

/* Ends a token of any kind; one that has ended, and NULL, are fine. Any thread. */
void husk_generic_drop(const void *token);

/* The token stands for an object or a heap that is still there. */
bool husk_generic_alive(const void *token);

/* What the token in *pointer stands for is put there instead. False and a trouble: NULL, no such token, closed,
 * another thread's. The argument named 1 is the first to be looked up in a call. The destructors that SWIG names
 * delete_... get their token as it is. */
bool husk_generic_heap(void *pointer, const char *function, int at, husk_generic_trouble *trouble);
bool husk_generic_obj(void *pointer, const char *function, int at, husk_generic_trouble *trouble);
bool husk_generic_weak(void *pointer, const char *function, int at, husk_generic_trouble *trouble);
bool husk_generic_cleanup(void *pointer, const char *function, int at, husk_generic_trouble *trouble);

/* Types live as long as the process; their tokens are their ids, of the types that a script was shown. */
void *husk_generic_type_token(const husk_type *type);
bool husk_generic_type(void *pointer, const char *function, int at, husk_generic_trouble *trouble);

/* ---- calls ---- */

/* Keeps a reference of the caller's until the call is over: texts that were made of a script's strings. */
bool husk_generic_keep(husk_heap *heap, husk_obj *obj);

/* After a call: releases what was kept for it, and what ended on other threads. */
void husk_generic_leave(husk_heap *heap);

/* After a failed call: notes the heap's failure, then leaves. */
void husk_generic_failed(husk_heap *heap, husk_status status, husk_generic_trouble *trouble);

/* What the calls keep for each heap. */
struct husk_generic_watch;
typedef struct husk_generic_extra {
    husk_pass pass;                          /* the figures of the latest collect */
    husk_region region;                      /* the latest that was ended */
    husk_idle idle;                          /* the latest */
    struct husk_generic_watch *first, *last; /* those that have ended and were not asked for */
} husk_generic_extra;
husk_generic_extra *husk_generic_extra_of(const husk_heap *heap);

/* Ends what is left there: after the heap. */
void husk_generic_extra_end(husk_generic_extra *extra);

#endif
