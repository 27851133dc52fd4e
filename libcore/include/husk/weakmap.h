/* husk/weakmap.h: containers that do not keep alive what they know: weak-key map, weak-value map, weak set.
 *
 * An entry goes when the object that it holds weakly dies, by counting or in a pass, before any code of the
 * program runs again: nobody sees an entry of a dead object, and counts never include one. What the entry held
 * strongly is released then.
 *
 * The weak-key map is a map of ephemerons (Hayes 1997): an entry keeps its value alive only while map and key
 * both live. So a value may refer to its own key, directly or through anything, and the pair is collected all
 * the same, at a cost linear in the number of entries.
 *
 * Objects held weakly are compared by identity. Texts and weak containers' other values: as in husk/kinds.h. A
 * text cannot be held weakly (HUSK_ETYPE): it is a value, and two with the same bytes are the same.
 *
 * While a finalizer runs, condemned objects are still in their containers, as they may come back; they can be
 * looked up by whoever has them, but are not handed out: iteration passes them by, a weak-value map says
 * HUSK_EMISSING. Iteration is in the order of insertion and starts with *cursor = 0; meanwhile anything may be
 * removed, die, or be set; entries added may or may not be seen. Threads: the heap's owner. */
#ifndef HUSK_WEAKMAP_H
#define HUSK_WEAKMAP_H

#include <husk/kinds.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- weak-key map: values by object, ephemerons ---- */

/* An empty map. NULL: HUSK_ENOMEM, HUSK_ELIMIT. The count of what is no such map is 0. */
HUSK_API HUSK_NEW husk_obj *husk_weakkeymap_new(husk_heap *heap);
HUSK_API size_t husk_weakkeymap_count(const husk_obj *map);
/* HUSK_EMISSING: no such key; HUSK_ETYPE: a text as key; HUSK_EHEAP: key or v of another heap. */
HUSK_API husk_status husk_weakkeymap_peek(const husk_obj *map, husk_obj *key, HUSK_BORROWED husk_value *out);
HUSK_API husk_status husk_weakkeymap_set(husk_obj *map, husk_obj *key, husk_value v);
HUSK_API husk_status husk_weakkeymap_remove(husk_obj *map, husk_obj *key);
HUSK_API husk_status husk_weakkeymap_clear(husk_obj *map);
HUSK_API bool husk_weakkeymap_next(const husk_obj *map, size_t *cursor, HUSK_BORROWED husk_obj **key,
                                   HUSK_BORROWED husk_value *v);

/* ---- weak-value map: objects by key ---- */

/* Keys are those of husk_map_new, held strongly. */
HUSK_API HUSK_NEW husk_obj *husk_weakvaluemap_new(husk_heap *heap);
HUSK_API size_t husk_weakvaluemap_count(const husk_obj *map);
/* HUSK_EMISSING: no such key, or its object is condemned; HUSK_EINVAL: nil or NaN as key. */
HUSK_API husk_status husk_weakvaluemap_peek(const husk_obj *map, husk_value key,
                                            HUSK_BORROWED husk_obj **out);
/* The old entry of the key, if any, is replaced. HUSK_ETYPE: v is a text. */
HUSK_API husk_status husk_weakvaluemap_set(husk_obj *map, husk_value key, husk_obj *v);
HUSK_API husk_status husk_weakvaluemap_remove(husk_obj *map, husk_value key);
HUSK_API husk_status husk_weakvaluemap_clear(husk_obj *map);
HUSK_API bool husk_weakvaluemap_next(const husk_obj *map, size_t *cursor, HUSK_BORROWED husk_value *key,
                                     HUSK_BORROWED husk_obj **v);
/* The same with a text key given as bytes, which need no object. */
HUSK_API husk_status husk_weakvaluemap_peek_text(const husk_obj *map, const char *bytes, size_t length,
                                                 HUSK_BORROWED husk_obj **out);
HUSK_API husk_status husk_weakvaluemap_remove_text(husk_obj *map, const char *bytes, size_t length);

/* ---- weak set ---- */

HUSK_API HUSK_NEW husk_obj *husk_weakset_new(husk_heap *heap);
HUSK_API size_t husk_weakset_count(const husk_obj *set);
HUSK_API bool husk_weakset_has(const husk_obj *set, const husk_obj *obj);
/* Adding what is there already changes nothing. HUSK_ETYPE: a text; HUSK_EHEAP. */
HUSK_API husk_status husk_weakset_add(husk_obj *set, husk_obj *obj);
/* HUSK_EMISSING: it is not there. */
HUSK_API husk_status husk_weakset_remove(husk_obj *set, husk_obj *obj);
HUSK_API husk_status husk_weakset_clear(husk_obj *set);
HUSK_API bool husk_weakset_next(const husk_obj *set, size_t *cursor, HUSK_BORROWED husk_obj **obj);

#ifdef __cplusplus
}
#endif

#endif
