/* husk/ledger.h: who holds references to an object, taken where: a ledger of retains and releases.
 *
 * While it is on, each object of the chosen types has a book: every retain is an entry with its owner and its stack,
 * every release closes one. What is left open are the retains that were never paired with a release. Programs need not
 * be compiled for it, and what is not in a ledger pays nothing: the count word sends the rest to the library.
 *
 * Owners, as exactly as they are known:
 *   a slot     husk_obj_set, take, swap, the built-in kinds: the field and the object it is in
 *   a holder   references in items and buffers: husk_ledger_retain_in says which object has them
 *   a name     husk_ledger_retain (a cache, a handle of a language), or the one that is pushed
 *   nobody     a plain husk_obj_retain, a birth: the stack alone tells
 *
 * Which entry a release closes:
 *   by an owner   the owner's newest. If it has none: of a slot or holder the newest that nobody owns (a plain store
 *                 moved it there); else one from before the ledger, or one that found no room; else none
 *   by nobody     the newest of nobody's taken in the same function; the newest of nobody's in the same module (of
 *                 a script: file); one from before; one that found no room; one of a field that holds the object no
 *                 more (a plain store moved it out); else none
 * A release that closes none is kept as an unpaired release. So of every object at any time
 *   open + before + lost == references + unpaired releases          (husk_heap_verify makes sure of it)
 *
 * Memory that the ledger cannot have, by its max_bytes or from the system, makes entries lost (known by number only)
 * and new objects missed (not in the ledger), never a retain or a birth fail. It does not count for the heap's
 * max_bytes. Weak references and cleanups are not in it.
 * Threads: the heap's owner. Releases by husk_obj_release_later are seen when the owner executes them. */
#ifndef HUSK_LEDGER_H
#define HUSK_LEDGER_H

#include <husk/inline.h>
#include <husk/trace.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { HUSK_LEDGER_NO_DEATHS = 0x7FFFFFFF };

typedef struct husk_ledger_options {
    uint32_t struct_size; /* filled by HUSK_LEDGER_OPTIONS */
    uint32_t abi;
    const husk_type *const *types; /* whose objects; no types and no names: of all */
    size_t type_count;
    const char *const *names; /* the same by the names of types, registered already or later */
    size_t name_count;
    uint32_t frames;  /* most frames of a stack; 0: 12 */
    uint32_t sources; /* of stacks, HUSK_TRACE_...; 0: all */
    uint32_t deaths;  /* so many deaths are remembered, the latest; 0: 1024; HUSK_LEDGER_NO_DEATHS: none */
    size_t max_bytes; /* of the ledger; 0: 256 MiB */
} husk_ledger_options;

#define HUSK_LEDGER_OPTIONS .struct_size = (uint32_t)sizeof(husk_ledger_options), .abi = 1u

/* Starts. Objects of the chosen types that exist already are in it, with all their references as "before". options
 * may be NULL. HUSK_ESTATE: on already; HUSK_ELIMIT: what exists does not fit into max_bytes; HUSK_ERANGE,
 * HUSK_EINVAL, HUSK_ENOMEM: nothing has changed. O(objects). */
HUSK_API husk_status husk_ledger_start(husk_heap *heap, HUSK_NULLABLE const husk_ledger_options *options);
/* Stops and forgets everything; the objects live on as if it had never been. May be repeated. O(objects in it). */
HUSK_API void husk_ledger_stop(husk_heap *heap);
HUSK_API bool husk_ledger_is_on(const husk_heap *heap);
/* Takes a type in, or out with all its objects. HUSK_ESTATE: no ledger; HUSK_ENOMEM, HUSK_ELIMIT: nothing has
 * changed. */
HUSK_API husk_status husk_ledger_choose(husk_heap *heap, const husk_type *type, bool in);
/* Forgets the entries: what is referred to now is "before". */
HUSK_API void husk_ledger_clear(husk_heap *heap);

typedef struct husk_ledger_figures {
    size_t objects;              /* in it */
    size_t entries;              /* open ones, and unpaired releases that are kept */
    uint64_t before, lost;       /* references without an entry */
    uint64_t unpaired;           /* releases */
    uint64_t retains, releases;  /* seen since the start or clear; a birth is a retain */
    uint64_t missed;             /* births of the chosen types that found no room */
    size_t own_bytes, max_bytes; /* its memory, without the texts and stacks that all tracers share */
    uint32_t frames;
} husk_ledger_figures;
/* All 0 when off. */
HUSK_API void husk_ledger_figures_get(const husk_heap *heap, husk_ledger_figures *out);

/* ---- saying who ---- */

HUSK_API void husk__ledger_retain_1(husk_obj *obj, HUSK_NULLABLE const char *owner,
                                    HUSK_NULLABLE const void *holder, HUSK_NULLABLE const void *slot);
HUSK_API void husk__ledger_release_1(husk_obj *obj, HUSK_NULLABLE const char *owner,
                                     HUSK_NULLABLE const void *holder, HUSK_NULLABLE const void *slot);
HUSK_API void husk__ledger_move_1(husk_obj *obj, const void *holder, HUSK_NULLABLE const void *slot,
                                  bool into);
HUSK_API void husk__ledger_give_1(husk_obj *obj, HUSK_NULLABLE const char *from,
                                  HUSK_NULLABLE const char *to);
HUSK_API void husk__ledger_here_1(husk_obj *obj, bool retain, const char *file, uint32_t line,
                                  HUSK_NULLABLE const char *function);

/* husk_obj_retain by a named owner. The same cost if obj is in no ledger, here and below. */
static inline void husk_ledger_retain(husk_obj *obj, const char *owner)
{
    uint32_t *count = (uint32_t *)(void *)obj;
    if ((int32_t)*count >= 0)
        *count += HUSK__ONE;
    else
        husk__ledger_retain_1(obj, owner, (const void *)0, (const void *)0);
}

/* husk_obj_release by a named owner. */
static inline void husk_ledger_release(husk_obj *obj, const char *owner)
{
    uint32_t *count = (uint32_t *)(void *)obj;
    if (*count - 2u * HUSK__ONE < 0x80000000u - 2u * HUSK__ONE)
        *count -= HUSK__ONE;
    else
        husk__ledger_release_1(obj, owner, (const void *)0, (const void *)0);
}

/* A reference that `from` has belongs to `to` from now on, taken here; NULL is nobody. */
static inline void husk_ledger_give(husk_obj *obj, HUSK_NULLABLE const char *from,
                                    HUSK_NULLABLE const char *to)
{
    if ((int32_t) * (const uint32_t *)(const void *)obj < 0)
        husk__ledger_give_1(obj, from, to);
}

/* husk_obj_retain and husk_obj_release for what stores references itself. holder is the object they are in, slot the
 * place; NULL for items and elements that move. With slot NULL a holder that releases may be gone: only its address is
 * used. husk_obj_set and the built-in kinds do this themselves. */
static inline void husk_ledger_retain_in(husk_obj *obj, const husk_obj *holder,
                                         HUSK_NULLABLE const void *slot)
{
    uint32_t *count = (uint32_t *)(void *)obj;
    if ((int32_t)*count >= 0)
        *count += HUSK__ONE;
    else
        husk__ledger_retain_1(obj, (const char *)0, holder, slot);
}
static inline void husk_ledger_release_in(husk_obj *obj, const husk_obj *holder,
                                          HUSK_NULLABLE const void *slot)
{
    uint32_t *count = (uint32_t *)(void *)obj;
    if (*count - 2u * HUSK__ONE < 0x80000000u - 2u * HUSK__ONE)
        *count -= HUSK__ONE;
    else
        husk__ledger_release_1(obj, (const char *)0, holder, slot);
}
/* A plain store moved the caller's reference there, or from there to the caller. */
static inline void husk_ledger_move_in(husk_obj *obj, const husk_obj *holder, HUSK_NULLABLE const void *slot)
{
    if ((int32_t) * (const uint32_t *)(const void *)obj < 0)
        husk__ledger_move_1(obj, holder, slot, true);
}
static inline void husk_ledger_move_out(husk_obj *obj, const husk_obj *holder, HUSK_NULLABLE const void *slot)
{
    if ((int32_t) * (const uint32_t *)(const void *)obj < 0)
        husk__ledger_move_1(obj, holder, slot, false);
}

/* The same as husk_obj_retain and husk_obj_release, by the file and line where they stand. */
#define husk_obj_retain_here(obj) husk__ledger_here((obj), true, __FILE__, (uint32_t)__LINE__, __func__)
#define husk_obj_release_here(obj) husk__ledger_here((obj), false, __FILE__, (uint32_t)__LINE__, __func__)
static inline void husk__ledger_here(husk_obj *obj, bool retain, const char *file, uint32_t line,
                                     const char *function)
{
    if ((int32_t) * (const uint32_t *)(const void *)obj < 0)
        husk__ledger_here_1(obj, retain, file, line, function);
    else if (retain)
        husk_obj_retain(obj);
    else
        husk_obj_release(obj);
}

/* Plain retains, releases and births are by this owner until it is popped; the innermost one counts. A release in it
 * that finds no entry of the owner is one by nobody. Copied. HUSK_ESTATE: no ledger; HUSK_ENOMEM; HUSK_ERANGE: nested
 * more than 64 deep. */
HUSK_API husk_status husk_ledger_push(husk_heap *heap, const char *owner);
/* HUSK_ESTATE: none is pushed. */
HUSK_API husk_status husk_ledger_pop(husk_heap *heap);

/* ---- looking ---- */

typedef struct husk_ledger_book {
    uint64_t
        number;   /* of the object: in the order in which they came into the ledger, from 1 on; never twice */
    size_t count; /* references */
    size_t before, lost;
    size_t unpaired; /* releases */
} husk_ledger_book;
/* False: obj is in no ledger. */
HUSK_API bool husk_ledger_book_get(const husk_obj *obj, husk_ledger_book *out);
/* Frame number `index` of where obj was born, as husk_trace_of; false also if that was before the ledger. */
HUSK_API bool husk_ledger_born(const husk_obj *obj, size_t index, husk_place_frame *out);
/* The object with this number, or NULL. O(objects in it). */
HUSK_API HUSK_BORROWED HUSK_NULLABLE husk_obj *husk_ledger_find(const husk_heap *heap, uint64_t number);

/* What a list is to have. */
enum {
    HUSK_LEDGER_HELD = 1u << 0, /* retains of slots that hold the object now, too: paths show these as well */
    HUSK_LEDGER_RELEASES = 1u << 1, /* unpaired releases, too */
};

typedef struct husk_ledger_list husk_ledger_list;
/* The open entries of obj, those alike together, as a copy that later changes do not touch. HUSK_ESTATE: obj is in
 * no ledger; HUSK_ENOMEM. */
HUSK_API husk_status husk_ledger_of(const husk_obj *obj, uint32_t flags, husk_ledger_list **out);
/* Of all objects of a type (NULL: of all types), those alike together. HUSK_ESTATE: no ledger; HUSK_ENOMEM. */
HUSK_API husk_status husk_ledger_all(husk_heap *heap, HUSK_NULLABLE const husk_type *type, uint32_t flags,
                                     husk_ledger_list **out);
/* Where and of what the latest object that stood at this address died, and where it was born: two entries, the death
 * first. HUSK_EMISSING: not remembered; HUSK_ESTATE: no ledger; HUSK_ENOMEM. */
HUSK_API husk_status husk_ledger_death(husk_heap *heap, const void *address, husk_ledger_list **out);
/* NULL is fine. */
HUSK_API void husk_ledger_list_free(HUSK_NULLABLE husk_ledger_list *list);

enum { HUSK_LEDGER_NOBODY = 0, HUSK_LEDGER_SLOT = 1, HUSK_LEDGER_NAMED = 2 };
enum { HUSK_LEDGER_RETAIN = 0, HUSK_LEDGER_BIRTH = 1, HUSK_LEDGER_RELEASE = 2, HUSK_LEDGER_DEATH = 3 };
typedef struct husk_ledger_entry {
    size_t count;       /* so many alike: same kind, owner and stack */
    size_t objects;     /* of so many objects */
    const char *type;   /* of these */
    int kind;           /* HUSK_LEDGER_RETAIN ... */
    int owner;          /* HUSK_LEDGER_NOBODY ... */
    const char *name;   /* of the owner, or of the holder's field; "": none */
    const char *holder; /* type of the holder; "": there is none */
    uint64_t number;    /* of the holder, if there is one only and it is in the ledger; else 0 */
    bool gone;          /* the holder does not have the reference any more: a plain store moved it out */
    size_t frames;      /* of the stack */
} husk_ledger_entry;

/* Rows, the most entries first, then the newest. */
HUSK_API size_t husk_ledger_list_count(const husk_ledger_list *list);
/* Entries in all rows. */
HUSK_API size_t husk_ledger_list_total(const husk_ledger_list *list);
/* Valid as long as the list. False beyond the last. */
HUSK_API bool husk_ledger_list_get(const husk_ledger_list *list, size_t index, husk_ledger_entry *out);
/* Frame number `frame` of a row's stack, newest first; of native ones the function, if its name is known, and the
 * module as file. */
HUSK_API bool husk_ledger_list_frame(const husk_ledger_list *list, size_t index, size_t frame,
                                     husk_place_frame *out);
/* A row as text, as snprintf: a line, and for each frame (at most `frames` of them) one more. */
HUSK_API size_t husk_ledger_list_text(const husk_ledger_list *list, size_t index, size_t frames,
                                      HUSK_NULLABLE char *out, size_t room);

#ifdef __cplusplus
}
#endif

#endif
