/* husk/path.h: why an object is alive: the shortest ways to it from what is held from outside.
 *
 * A path begins at a root: an object with more references than slots account for (held by a variable, a handle, a
 * leak), an immortal one or, where neither leads to the object, one that husk_heap_freeze has set aside. Each
 * path comes to the object through another reference. Weak references do not count; a value of a weak-key map
 * hangs on its key.
 *
 *   root Session (held from outside by 1) .cache -> map ["k"] -> Node .next -> Node
 *
 * Threads: as for the snapshot, any one at a time. Failures leave their text in husk_message. */
#ifndef HUSK_PATH_H
#define HUSK_PATH_H

#include <husk/obj.h>
#include <husk/snapshot.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct husk_path husk_path;

/* What an item of a container is called, such as ["k"]: written to out, as snprintf. 0: it has no name of its own. */
typedef size_t husk_path_key_fn(uint64_t holder, const char *type, size_t index, char *out, size_t room,
                                void *data);

typedef struct husk_path_options {
    uint32_t struct_size; /* filled by HUSK_PATH_OPTIONS */
    uint32_t abi;
    size_t limit;       /* most paths; 0: 1 */
    size_t known;       /* references to the object that the caller has itself: they are no reason */
    size_t max_bytes;   /* husk_path_of: of the snapshot that it takes; 0: none */
    size_t first_index; /* what texts call the first item of a list: 1 where a language counts so */
    husk_path_key_fn *key;
    void *key_data;
} husk_path_options;

#define HUSK_PATH_OPTIONS .struct_size = (uint32_t)sizeof(husk_path_options), .abi = 1u

/* The paths to object number `node`, the shortest first. *out has none if nothing from outside leads to it. It refers
 * to the snapshot, which must outlive it. options may be NULL. HUSK_ERANGE: no such object; HUSK_EMISSING: the
 * snapshot has no references; HUSK_ENOMEM; HUSK_EINVAL. */
HUSK_API husk_status husk_path_find(const husk_snapshot *snapshot, size_t node,
                                    HUSK_NULLABLE const husk_path_options *options, husk_path **out);

/* The same of an object that is alive: takes a snapshot of its heap, which *out keeps, and knows the keys of maps.
 * HUSK_ELIMIT: it does not fit into max_bytes; HUSK_EBUSY: inside a hook or pass. Threads: the heap's owner. */
HUSK_API husk_status husk_path_of(husk_obj *obj, HUSK_NULLABLE const husk_path_options *options,
                                  husk_path **out);

/* NULL is fine. */
HUSK_API void husk_path_free(HUSK_NULLABLE husk_path *path);

/* The snapshot that it is of. */
HUSK_API HUSK_BORROWED const husk_snapshot *husk_path_snapshot(const husk_path *path);
HUSK_API size_t husk_path_count(const husk_path *path);

enum { HUSK_ROOT_HELD = 0, HUSK_ROOT_IMMORTAL = 1, HUSK_ROOT_FROZEN = 2 };
typedef struct husk_path_root {
    size_t node;  /* number of the object */
    int kind;     /* HUSK_ROOT_... */
    int64_t held; /* by so many references from outside, without known ones */
    size_t steps; /* references from here to the object; 0: it is the root itself */
} husk_path_root;
/* Where path number `index` begins; false beyond the last. */
HUSK_API bool husk_path_root_get(const husk_path *path, size_t index, husk_path_root *out);

typedef struct husk_path_step {
    size_t from, to;  /* numbers of objects */
    const char *name; /* of the slot; NULL: it has none */
    size_t index;     /* item, element or row; SIZE_MAX: a field */
    bool ephemeron;   /* to is the value of an entry whose key is from */
    const char *key;  /* what the key function said; NULL: nothing. Not in the middle of long paths */
} husk_path_step;
/* Reference number `step` of a path; false beyond the last. */
HUSK_API bool husk_path_step_get(const husk_path *path, size_t index, size_t step, husk_path_step *out);

/* A path as one line, the middle of a long one left out, as snprintf: the length, without the final NUL. If the
 * object's place is known, " (made at FILE:LINE)" is at its end. Where there is no path, line 0 says what is known. */
HUSK_API size_t husk_path_text(const husk_path *path, size_t index, HUSK_NULLABLE char *out, size_t room);

#ifdef __cplusplus
}
#endif

#endif
