/* husk/base.h: the handles, the words for ownership, the version.
 *
 * Ownership is one of four words at each declaration:
 *   HUSK_NEW       the result is a reference of yours: release it
 *   HUSK_BORROWED  not yours; valid until the next call that may release
 *   HUSK_TAKES(n)  argument n is consumed, whatever is returned
 *   HUSK_NULLABLE  NULL is a legal argument, or an ordinary answer
 * Threads: a heap and everything in it belong to one thread at a time. A function that any thread, or a
 * signal handler, may call says so. */
#ifndef HUSK_BASE_H
#define HUSK_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HUSK_VERSION_MAJOR 0
#define HUSK_VERSION_MINOR 1
#define HUSK_VERSION_PATCH 0

#if defined(__GNUC__)
#define HUSK_API __attribute__((visibility("default")))
#define HUSK_MUST_USE __attribute__((warn_unused_result))
#define HUSK_FORMAT(n) __attribute__((format(printf, n, (n) + 1)))
#else
#define HUSK_API
#define HUSK_MUST_USE
#define HUSK_FORMAT(n)
#endif

#define HUSK_NEW HUSK_MUST_USE
#define HUSK_BORROWED
#define HUSK_TAKES(n)
#define HUSK_NULLABLE

#ifdef __cplusplus
extern "C" {
#endif

typedef struct husk_heap husk_heap; /* a heap; see heap.h */
typedef struct husk_type husk_type; /* a registered type; lives as long as the process */
typedef struct husk_obj husk_obj;   /* a counted object */
typedef struct husk_weak husk_weak; /* a weak reference, itself a counted object */

/* Frees what `data` of a stored callback points to. Called exactly once for each callback that was stored. */
typedef void husk_free_fn(void *data);

/* "0.1.0": the version of the library that is running, which may be newer than the header. */
HUSK_API const char *husk_version(void);

#ifdef __cplusplus
}
#endif

#endif
