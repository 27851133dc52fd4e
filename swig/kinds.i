/* swig/kinds.i: the ready-made kinds, in the form that any language can bind with a typemap for husk_value.
 * A language with proxies of its own (index, length, iteration) ignores what it writes by hand. */

husk_obj *husk_record_new(husk_heap *heap, const husk_type *type);
int husk_record_field(const husk_type *type, const char *name);
husk_status husk_record_set(husk_obj *record, size_t field, husk_value v);
husk_status husk_record_peek(const husk_obj *record, size_t field, husk_value *out);

husk_obj *husk_list_new(husk_heap *heap);
size_t husk_list_count(const husk_obj *list);
husk_status husk_list_peek(const husk_obj *list, size_t index, husk_value *out);
husk_status husk_list_set(husk_obj *list, size_t index, husk_value v);
husk_status husk_list_append(husk_obj *list, husk_value v);
husk_status husk_list_insert(husk_obj *list, size_t index, husk_value v);
husk_status husk_list_clear(husk_obj *list);

husk_obj *husk_map_new(husk_heap *heap);
size_t husk_map_count(const husk_obj *map);
husk_status husk_map_peek(const husk_obj *map, husk_value key, husk_value *out);
husk_status husk_map_set(husk_obj *map, husk_value key, husk_value v);
husk_status husk_map_remove(husk_obj *map, husk_value key);
husk_status husk_map_clear(husk_obj *map);

/* Decides which proxy an object gets. */
HUSK_HOST(husk_obj_kind)

/* Takes an array of names and a finalizer. */
HUSK_HOST(husk_record_type)

/* The removed value may be the last reference: it is the caller's, unlike what a peek gives. */
HUSK_HOST(husk_list_remove)

/* A cursor, which is an iterator of the language. */
HUSK_HOST(husk_map_next)

/* Bytes without an object, for languages that look up by their own strings. */
HUSK_HOST(husk_map_peek_text)
HUSK_HOST(husk_map_remove_text)

/* A text is a string of the language, a box holds one of its values. */
HUSK_HOST(husk_text_new)
HUSK_HOST(husk_text_bytes)
HUSK_HOST(husk_text_length)
HUSK_HOST(husk_box_new)
HUSK_HOST(husk_box_value)
HUSK_HOST(husk_box_swap)
HUSK_HOST(husk_box_value_free)
