/* space.h: the arena and the two tables (shapes, names) of a space, with marks to go back to: a constructor
 * notes where it began and, if it fails, takes back everything made since. */
#ifndef HUSK_FFI_SRC_SPACE_H
#define HUSK_FFI_SRC_SPACE_H

#include "type.h"

#include <pthread.h>
#include <stdatomic.h>

struct husk__ffi_chunk;

struct husk__ffi_name {
    struct husk__ffi_name *bucket;
    struct husk__ffi_name *older;
    const husk_ffi_type *type;
    uint64_t hash;
    char text[];
};

/* A chained table. Newer entries come first in their chain, so taking back the newest is taking off the
 * head. */
struct husk__ffi_table {
    void **buckets;
    size_t size; /* a power of two */
    size_t count;
};

struct husk__ffi_heap_entry {
    struct husk__ffi_heap_entry *older;
    const husk_type *registered;
    const husk_ffi_type *struct_type;
};

struct husk_ffi_space {
    atomic_size_t holders; /* the caller, each call, each closure, each dead closure */
    struct husk__ffi_chunk *chunk;
    husk_ffi_type *newest;
    struct husk__ffi_name *newest_name;
    size_t count;
    struct husk__ffi_table shapes;
    struct husk__ffi_table names;
    struct husk__ffi_heap_entry *heap_types;
    uint64_t owner; /* thread that made it */

    pthread_mutex_t report_lock; /* last: other threads write it too */
    husk_ffi_report last;
    husk_ffi_report_fn *report_fn;
    void *report_data;
    husk_free_fn *report_data_free;
    husk_ffi_report_fn *elsewhere_fn;
    void *elsewhere_data;
};

typedef struct husk__ffi_mark {
    struct husk__ffi_chunk *chunk;
    size_t used;
    husk_ffi_type *newest;
    struct husk__ffi_name *newest_name;
    size_t count;
} husk__ffi_mark;

husk__ffi_mark husk__ffi_mark_set(const husk_ffi_space *space);
void husk__ffi_mark_return(husk_ffi_space *space, const husk__ffi_mark *mark);

/* Zeroed, aligned to 8; as long as the space. NULL: HUSK_ENOMEM is noted. */
void *husk__ffi_space_take(husk_ffi_space *space, size_t bytes);
/* A copy of the text; NULL as above. */
const char *husk__ffi_space_text(husk_ffi_space *space, const char *text);

/* A type of the space, in the table of shapes if hash is not 0. */
husk_ffi_type *husk__ffi_space_type(husk_ffi_space *space, husk_ffi_kind kind, uint64_t hash);

/* The first with the hash, and the next after one. */
husk_ffi_type *husk__ffi_shape_first(const husk_ffi_space *space, uint64_t hash);
husk_ffi_type *husk__ffi_shape_next(const husk_ffi_type *type);

/* Gives a type a name, which must be free. HUSK_ENOMEM. */
husk_status husk__ffi_name_add(husk_ffi_space *space, const char *name, const husk_ffi_type *type);
/* Of the space's own names and the built-in ones. */
const husk_ffi_type *husk__ffi_name_find(const husk_ffi_space *space, const char *name, size_t length);

/* The type is one that the space may build on. */
husk_status husk__ffi_check_own(const husk_ffi_space *space, const husk_ffi_type *type);

void husk__ffi_space_retain(husk_ffi_space *space);
void husk__ffi_space_drop(husk_ffi_space *space);

/* FNV-1a, a word or a text at a time. */
#define HUSK__FFI_HASH UINT64_C(0xcbf29ce484222325)
uint64_t husk__ffi_hash_word(uint64_t hash, uint64_t word);
uint64_t husk__ffi_hash_text(uint64_t hash, const char *text, size_t length);

/* A number of this thread that no other thread ever has. */
extern _Thread_local uint64_t husk__ffi_thread_number
    __attribute__((tls_model("initial-exec"), visibility("hidden")));
uint64_t husk__ffi_thread_first(void);
static inline uint64_t husk__ffi_thread(void)
{
    return husk__ffi_thread_number ? husk__ffi_thread_number : husk__ffi_thread_first();
}

#endif
