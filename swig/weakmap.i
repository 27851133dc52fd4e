/* swig/weakmap.i: weak containers, in the form that any language can bind with a typemap for husk_value, as in
 * kinds.i. A call that removes or replaces an entry may end objects, and so run hooks. */
husk_obj *husk_weakkeymap_new(husk_heap *heap);
size_t husk_weakkeymap_count(const husk_obj *map);
husk_status husk_weakkeymap_peek(const husk_obj *map, husk_obj *key, husk_value *out);
husk_status husk_weakkeymap_set(husk_obj *map, husk_obj *key, husk_value v);
husk_status husk_weakkeymap_remove(husk_obj *map, husk_obj *key);
husk_status husk_weakkeymap_clear(husk_obj *map);

husk_obj *husk_weakvaluemap_new(husk_heap *heap);
size_t husk_weakvaluemap_count(const husk_obj *map);
husk_status husk_weakvaluemap_set(husk_obj *map, husk_value key, husk_obj *v);
husk_status husk_weakvaluemap_remove(husk_obj *map, husk_value key);
husk_status husk_weakvaluemap_clear(husk_obj *map);

husk_obj *husk_weakset_new(husk_heap *heap);
size_t husk_weakset_count(const husk_obj *set);
bool husk_weakset_has(const husk_obj *set, const husk_obj *obj);
husk_status husk_weakset_add(husk_obj *set, husk_obj *obj);
husk_status husk_weakset_remove(husk_obj *set, husk_obj *obj);
husk_status husk_weakset_clear(husk_obj *set);

/* Lends a handle through its last argument, which host code retains. */
HUSK_HOST(husk_weakvaluemap_peek)

/* Cursors, which are iterators of the language. */
HUSK_HOST(husk_weakkeymap_next)
HUSK_HOST(husk_weakvaluemap_next)
HUSK_HOST(husk_weakset_next)

/* Bytes without an object, for languages that look up by their own strings. */
HUSK_HOST(husk_weakvaluemap_peek_text)
HUSK_HOST(husk_weakvaluemap_remove_text)
