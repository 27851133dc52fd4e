/* swig/kinds.i: the ready-made kinds, in the form that any language can bind with a typemap for husk_value.
 * A language with proxies of its own (index, length, iteration) ignores what it writes by hand. */
HUSK_MAKES(husk_record_new, arg1)
HUSK_MAKES(husk_list_new, arg1)
HUSK_MAKES(husk_map_new, arg1)
HUSK_DOES(husk_record_set, husk_obj_heap(arg1))
HUSK_DOES(husk_record_peek, husk_obj_heap(arg1))
HUSK_DOES(husk_list_peek, husk_obj_heap(arg1))
HUSK_DOES(husk_list_set, husk_obj_heap(arg1))
HUSK_DOES(husk_list_append, husk_obj_heap(arg1))
HUSK_DOES(husk_list_insert, husk_obj_heap(arg1))
HUSK_DOES(husk_list_clear, husk_obj_heap(arg1))
HUSK_DOES(husk_map_peek, husk_obj_heap(arg1))
HUSK_DOES(husk_map_set, husk_obj_heap(arg1))
HUSK_DOES(husk_map_remove, husk_obj_heap(arg1))
HUSK_DOES(husk_map_clear, husk_obj_heap(arg1))

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
