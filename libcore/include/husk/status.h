/* husk/status.h: the one list of errors; codes, names, texts and the exceptions of every binding come from
 * it.
 *
 * Four kinds of function. *Makes* returns a pointer, NULL on failure, and the reason stays with the heap
 * (husk_heap_failure). *Does* returns a status. *Asks* returns the answer and cannot fail. *Ends* returns
 * nothing and accepts NULL. A programmer's mistake in C that memory safety cannot survive (a release too
 * many) is no status: it stops the process with a report. */
#ifndef HUSK_STATUS_H
#define HUSK_STATUS_H

#include <husk/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* clang-format off */
/*  name      code  text */
#define HUSK_STATUS_LIST(X)                                                                                  \
    X(OK,       0, "no error")                                                                               \
    X(ENOMEM,  -1, "the system refused memory")                                                              \
    X(ELIMIT,  -2, "the heap's max_bytes is reached")                                                        \
    X(EBUSY,   -3, "not possible while a pass or a hook runs")                                               \
    X(EINVAL,  -4, "an argument is not valid")                                                               \
    X(ERANGE,  -5, "a number is out of range")                                                               \
    X(ETYPE,   -6, "the object is of another type")                                                          \
    X(EHEAP,   -7, "the object belongs to another heap")                                                     \
    X(ESTATE,  -8, "not possible in the present state")                                                      \
    X(EMISSING,-9, "there is no such entry")                                                                 \
    X(ECORRUPT,-10,"the heap is damaged")                                                                    \
    X(EHOOK,   -11,"a hook of the program failed")                                                           \
    X(EIO,     -12,"the system refused a file or a question")                                                \
    X(EFORMAT, -13,"a file is not what it should be")
/* clang-format on */

typedef enum husk_status {
#define HUSK_STATUS_ENUM(name, code, text) HUSK_##name = (code),
    HUSK_STATUS_LIST(HUSK_STATUS_ENUM)
#undef HUSK_STATUS_ENUM
} husk_status;

/* "HUSK_ENOMEM" and the like; "HUSK_UNKNOWN" for a number that is none of ours. Any thread. */
HUSK_API const char *husk_status_name(husk_status status);

/* One line, impersonal, needs no memory. Any thread. */
HUSK_API const char *husk_status_text(husk_status status);

/* The text of this thread's latest failure of a call that has no heap to keep it (types, snapshots, statistics,
 * the process's memory): one line that names the thing and the value at fault; "" if there was none. Valid
 * until the thread's next call. */
HUSK_API HUSK_BORROWED const char *husk_message(void);

/* Notes such a text, for libraries built on Husk; cut at 511 bytes. Returns status. */
HUSK_API husk_status husk_fail(husk_status status, const char *format, ...) HUSK_FORMAT(2);

#ifdef __cplusplus
}
#endif

#endif
