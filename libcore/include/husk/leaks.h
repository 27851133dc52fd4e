/* husk/leaks.h: finding leaks: unreachable objects are told instead of freed.
 *
 * For programs that mean to release by hand all they make, cycles included (Boehm's collector calls this mode
 * find-leak). While it is on, a pass frees nothing: every object that it finds unreachable is told once, with its
 * type and, where traced, the place where it was made; so are followers, which only unreachable objects hold.
 * Deaths by counting go on as ever.
 *
 *                  normal          save-all                       finding leaks
 *   finalizers     run             run                            do not run
 *   the objects    are freed       come onto the garbage list,    stay as they are, with the same counts; no
 *                                  which holds them               reference is added anywhere
 *   weak refs      end             stay                           stay, and can be locked: one that is locked and held
 *                                                                 is no leak any more, and is told anew if it
 *                                                                 becomes one again
 *   found again    -               no: they are held              yes, but told once
 *
 * husk_pass: collected 0, deferred says how many are unreachable. Automatic passes wait for a safe point, since who
 * is told may be code of the program. At max_bytes nothing is freed. When it is turned off, the next pass frees what was
 * told like any garbage. A heap that is closed while it is on tells a summary and then disposes of what is unreachable,
 * like what is still held, without finalizers. Threads: the heap's owner. */
#ifndef HUSK_LEAKS_H
#define HUSK_LEAKS_H

#include <husk/census.h>
#include <husk/collect.h>

#ifdef __cplusplus
extern "C" {
#endif

/* It is off at first. Turning it on wins over save-all. */
HUSK_API void husk_heap_set_find_leaks(husk_heap *heap, bool on);
HUSK_API bool husk_heap_find_leaks(const husk_heap *heap);

/* A report. */
typedef struct husk_leaks husk_leaks;

typedef struct husk_leaks_sums {
    size_t objects, bytes; /* told here; bytes of their blocks */
    size_t followers;      /* of these, held by unreachable ones alone */
    size_t unreachable;    /* in the heap at this moment, told before or now, followers not counted */
    bool summary;          /* all that were told and are still there: at close, husk_leaks_new */
} husk_leaks_sums;
HUSK_API void husk_leaks_sums_get(const husk_leaks *leaks, husk_leaks_sums *out);

/* By type and place, most bytes first. False beyond the last one. */
HUSK_API bool husk_leaks_row(const husk_leaks *leaks, size_t index, husk_census_row *out);
/* One by one, as many as were asked for; what is unreachable first, by address. False beyond the last one. */
HUSK_API bool husk_leaks_object(const husk_leaks *leaks, size_t index, husk_census_object *out);
/* A row in words: "3 objects of type node, 144 bytes, made at shop.c:12 in buy". As snprintf. */
HUSK_API size_t husk_leaks_text(const husk_leaks *leaks, size_t index, char *out, size_t room);

/* Called after a pass that found something new, as a hook, and at close with a summary. The report is valid during
 * the call. Objects may be looked at by their addresses until it returns. */
typedef void husk_leaks_fn(husk_heap *heap, const husk_leaks *leaks, void *data);

/* Who is told; most_objects are listed one by one. fn NULL, as at first: the error hook, a line for each type and place
 * (HUSK_ESTATE). data_free(data) when another one is set or the heap is closed. */
HUSK_API void husk_heap_on_leaks(husk_heap *heap, HUSK_NULLABLE husk_leaks_fn *fn, void *data,
                                 HUSK_NULLABLE husk_free_fn *data_free, size_t most_objects);

/* A summary at any time: what was told so far and is unreachable still, by a search of its own; nothing new is told.
 * Free it with husk_leaks_free. HUSK_EBUSY inside a hook; HUSK_ECORRUPT as husk_heap_collect; HUSK_ENOMEM. */
HUSK_API husk_status husk_leaks_new(husk_heap *heap, size_t most_objects, husk_leaks **out);
HUSK_API void husk_leaks_free(HUSK_NULLABLE husk_leaks *leaks);

#ifdef __cplusplus
}
#endif

#endif
