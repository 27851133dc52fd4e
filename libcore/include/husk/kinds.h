/* husk/kinds.h: ready-made types, built on type.h alone: record, list, map, text, box.
 *
 * "peek" answers are borrowed: retain them to keep them. "set", "append" and "insert" retain what they
 * store. Objects of another heap are refused (HUSK_EHEAP), objects of another kind too (HUSK_ETYPE), and
 * nothing changes. Threads: the heap's owner. */
#ifndef HUSK_KINDS_H
#define HUSK_KINDS_H

#include <husk/value.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum husk_kind {
    HUSK_KIND_OTHER = 0,
    HUSK_KIND_RECORD,
    HUSK_KIND_LIST,
    HUSK_KIND_MAP,
    HUSK_KIND_TEXT,
    HUSK_KIND_BOX,
    HUSK_KIND_WEAK,       /* husk_cleanup too */
    HUSK_KIND_WEAKKEYMAP, /* husk/weakmap.h */
    HUSK_KIND_WEAKVALUEMAP,
    HUSK_KIND_WEAKSET,
} husk_kind;

/* Which of the kinds obj is. */
HUSK_API husk_kind husk_obj_kind(const husk_obj *obj);

/* ---- record: named fields, declared at run time ---- */

/* A record type. Asking again with the same name, fields, finalize and data gives the same type. Field
 * names are not empty and differ. HUSK_EINVAL (husk_message says which), HUSK_ERANGE: more than 4096
 * fields. */
HUSK_API husk_status husk_record_type(const char *name, const char *const *fields, size_t count,
                                      HUSK_NULLABLE husk_finalize_fn *finalize, void *data,
                                      const husk_type **out);

/* A record with all fields nil. HUSK_ETYPE: type is not a record type. */
HUSK_API HUSK_NEW husk_obj *husk_record_new(husk_heap *heap, const husk_type *type);

/* The index of a field, or -1. */
HUSK_API int husk_record_field(const husk_type *type, const char *name);

/* HUSK_ERANGE: no such field. */
HUSK_API husk_status husk_record_set(husk_obj *record, size_t field, husk_value v);
HUSK_API husk_status husk_record_peek(const husk_obj *record, size_t field, HUSK_BORROWED husk_value *out);

/* ---- list: values by index from 0 ---- */

/* An empty list. NULL: HUSK_ENOMEM, HUSK_ELIMIT. The count of what is no list is 0. */
HUSK_API HUSK_NEW husk_obj *husk_list_new(husk_heap *heap);
HUSK_API size_t husk_list_count(const husk_obj *list);
/* HUSK_ERANGE: index is not below the count (for insert: above it). */
HUSK_API husk_status husk_list_peek(const husk_obj *list, size_t index, HUSK_BORROWED husk_value *out);
HUSK_API husk_status husk_list_set(husk_obj *list, size_t index, husk_value v);
HUSK_API husk_status husk_list_append(husk_obj *list, husk_value v);
HUSK_API husk_status husk_list_insert(husk_obj *list, size_t index, husk_value v);
/* The removed value in *out, its reference the caller's; out NULL: it is released. */
HUSK_API husk_status husk_list_remove(husk_obj *list, size_t index, HUSK_NULLABLE husk_value *out);
HUSK_API husk_status husk_list_clear(husk_obj *list);

/* ---- map: values by key, in the order of insertion ---- */

/* Keys: booleans, integers, doubles but NaN, texts (equal by their bytes), other objects (by identity). A
 * double that has the value of an int64 is the same key as that integer, and becomes it. */
HUSK_API HUSK_NEW husk_obj *husk_map_new(husk_heap *heap);
HUSK_API size_t husk_map_count(const husk_obj *map);
/* HUSK_EMISSING: no such key; HUSK_EINVAL: nil or NaN as key. */
HUSK_API husk_status husk_map_peek(const husk_obj *map, husk_value key, HUSK_BORROWED husk_value *out);
HUSK_API husk_status husk_map_set(husk_obj *map, husk_value key, husk_value v);
HUSK_API husk_status husk_map_remove(husk_obj *map, husk_value key);
HUSK_API husk_status husk_map_clear(husk_obj *map);
/* Iteration: start with *cursor = 0; false at the end. Values may be set and entries removed meanwhile;
 * entries added meanwhile may or may not be seen. */
HUSK_API bool husk_map_next(const husk_obj *map, size_t *cursor, HUSK_BORROWED husk_value *key,
                            HUSK_BORROWED husk_value *v);

/* The same with a text key given as bytes, which need no object. */
HUSK_API husk_status husk_map_peek_text(const husk_obj *map, const char *bytes, size_t length,
                                        HUSK_BORROWED husk_value *out);
HUSK_API husk_status husk_map_remove_text(husk_obj *map, const char *bytes, size_t length);

/* ---- text: bytes that never change, any encoding, NUL allowed ---- */

/* Copies the bytes. NULL: HUSK_ENOMEM, HUSK_ELIMIT, HUSK_ERANGE, HUSK_EINVAL (bytes NULL). */
HUSK_API HUSK_NEW husk_obj *husk_text_new(husk_heap *heap, const char *bytes, size_t length);
/* The bytes, followed by a NUL; NULL if obj is no text. */
HUSK_API HUSK_BORROWED HUSK_NULLABLE const char *husk_text_bytes(const husk_obj *text);
HUSK_API size_t husk_text_length(const husk_obj *text);

/* ---- box: one value of the host program ---- */

/* value_free(value) runs when the box dies: it may give memory back and must not call the heap. If this call
 * fails it has run already. */
HUSK_API HUSK_NEW husk_obj *husk_box_new(husk_heap *heap, void *value,
                                         HUSK_NULLABLE husk_free_fn *value_free);
HUSK_API void *husk_box_value(const husk_obj *box);
/* What it was made with; NULL if nothing, or if obj is no box. */
HUSK_API HUSK_NULLABLE husk_free_fn *husk_box_value_free(const husk_obj *box);
/* Puts another value into the box and gives the old one back; nothing is freed. Runs no hook. NULL if obj is
 * no box. */
HUSK_API void *husk_box_swap(husk_obj *box, void *value);

#ifdef __cplusplus
}
#endif

#endif
