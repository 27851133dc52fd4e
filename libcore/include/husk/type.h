/* husk/type.h: what the objects of one type look like, said once as data.
 *
 * From the list of slots the library counts, marks, lists, finds referrers, reclaims and verifies. A slot
 * that is missing from the list makes a leak; a listed slot whose reference is not counted is noticed by
 * the next pass, which then frees nothing and reports it. A type is registered once and lives as long as
 * the process. Threads: registration from any thread. */
#ifndef HUSK_TYPE_H
#define HUSK_TYPE_H

#include <husk/status.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum husk_slot_kind {
    HUSK_SLOT_REF = 1, /* husk_obj *: a counted reference or NULL */
    HUSK_SLOT_VALUE,   /* husk_value: a counted reference if its tag says so */
} husk_slot_kind;

typedef enum husk_slot_place {
    HUSK_IN_FIELD = 0, /* in the fixed part; offset from its start */
    HUSK_IN_ITEM,      /* in each item of the trailing array; offset from the item's start */
    HUSK_IN_BUFFER, /* in each element of a buffer that a field points to; offset from the element's start */
} husk_slot_place;

typedef struct husk_slot {
    const char *name; /* shown by walks and reports; kept, not copied: a constant */
    uint16_t kind;    /* husk_slot_kind */
    uint16_t place;   /* husk_slot_place */
    uint32_t offset;
    uint32_t buffer; /* IN_BUFFER: offset of the field that points to the buffer (NULL when empty) */
    uint32_t count;  /* IN_BUFFER: offset of the size_t field that counts the elements in use */
    uint32_t stride; /* IN_BUFFER: bytes from one element to the next */
} husk_slot;

/* clang-format off */
#define HUSK_REF(type, field) { #field, HUSK_SLOT_REF, HUSK_IN_FIELD, (uint32_t)offsetof(type, field), 0, 0, 0 }
#define HUSK_VALUE(type, field) { #field, HUSK_SLOT_VALUE, HUSK_IN_FIELD, (uint32_t)offsetof(type, field), 0, 0, 0 }
#define HUSK_ITEM_REF(item, field) { #field, HUSK_SLOT_REF, HUSK_IN_ITEM, (uint32_t)offsetof(item, field), 0, 0, 0 }
#define HUSK_ITEM_VALUE(item, field)                                                                         \
    { #field, HUSK_SLOT_VALUE, HUSK_IN_ITEM, (uint32_t)offsetof(item, field), 0, 0, 0 }
#define HUSK_BUFFER_REF(type, pointer, counter, element, field)                                              \
    { #field, HUSK_SLOT_REF, HUSK_IN_BUFFER, (uint32_t)offsetof(element, field),                             \
      (uint32_t)offsetof(type, pointer), (uint32_t)offsetof(type, counter), (uint32_t)sizeof(element) }
#define HUSK_BUFFER_VALUE(type, pointer, counter, element, field)                                            \
    { #field, HUSK_SLOT_VALUE, HUSK_IN_BUFFER, (uint32_t)offsetof(element, field),                           \
      (uint32_t)offsetof(type, pointer), (uint32_t)offsetof(type, counter), (uint32_t)sizeof(element) }
/* clang-format on */

/* Given the address of each slot that the table cannot describe. */
typedef void husk_visit_fn(husk_obj **slot, void *data);

/* Calls visit(address, data) for each such slot. Runs inside passes, always on the owner's thread: must not allocate,
 * retain, release, lock or call the heap, and gives the same slots in the same order while nothing changes. */
typedef void husk_each_fn(husk_obj *self, husk_visit_fn *visit, void *data);

/* Any code of the program's; runs once in an object's life, with every slot still intact, and may bring the
 * object back by storing a reference to it. Errors: husk_heap_report. Must return normally (no longjmp). */
typedef void husk_finalize_fn(husk_obj *self);

/* Frees raw resources of an object that is certainly dead. May call husk_buffer_free and husk_heap_foreign
 * and nothing else of the heap; must not follow its slots. */
typedef void husk_dispose_fn(husk_obj *self);

enum {
    /* The program promises that no object of this type is ever part of a cycle, entries of weak-key maps
     * included. Passes do not look inside: what such an object holds counts as held until it dies by
     * counting. A broken promise is a leak. */
    HUSK_TYPE_ACYCLIC = 1u << 0,
    /* dispose only gives memory back, so it may run in the middle of an allocation. Without this flag,
     * garbage with a dispose waits for the next safe point. */
    HUSK_TYPE_DISPOSE_ANYWHERE = 1u << 1,
};

typedef struct husk_type_spec {
    uint32_t struct_size; /* filled by HUSK_TYPE_SPEC */
    uint32_t abi;
    const char *name;       /* copied */
    size_t size;            /* bytes of the fixed part, the struct that husk_obj_data points to */
    size_t item_size;       /* bytes of one item of the trailing array; 0: no array */
    size_t item_count_at;   /* with item_size: offset of the size_t field that the library fills at birth */
    const husk_slot *slots; /* copied */
    size_t slot_count;
    husk_each_fn *each;         /* or NULL */
    husk_finalize_fn *finalize; /* or NULL */
    husk_dispose_fn *dispose;   /* or NULL */
    uint32_t flags;             /* HUSK_TYPE_... */
    void *data;                 /* yours: husk_type_data */
} husk_type_spec;

#define HUSK_TYPE_SPEC .struct_size = (uint32_t)sizeof(husk_type_spec), .abi = 1u

/* Registers a type and gives its handle in *out. The fixed part is aligned to 16 bytes if its size is a
 * multiple of 16, else to 8, which is enough for any C struct of that size. HUSK_EINVAL: the spec
 * contradicts itself, with the reason in husk_message; HUSK_ERANGE: a million types, 4096 slots;
 * HUSK_ENOMEM. */
HUSK_API husk_status husk_type_register(const husk_type_spec *spec, const husk_type **out);

/* What the spec said; the id is the library's own, from 1. Names are valid as long as the process; a
 * slot's is NULL beyond the last one. Slots are numbered in visiting order: fields, items, buffers. Any
 * thread. */
HUSK_API const char *husk_type_name(const husk_type *type);
HUSK_API uint32_t husk_type_id(const husk_type *type);
HUSK_API size_t husk_type_size(const husk_type *type);
HUSK_API void *husk_type_data(const husk_type *type);
HUSK_API size_t husk_type_slot_count(const husk_type *type);
HUSK_API HUSK_NULLABLE const char *husk_type_slot_name(const husk_type *type, size_t slot);

/* Objects of this type can hold references and may be part of cycles: passes look at them. */
HUSK_API bool husk_type_is_tracked(const husk_type *type);

#ifdef __cplusplus
}
#endif

#endif
