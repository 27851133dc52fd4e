/* base/newfile.h: a file that appears whole or not at all: written under a temporary name beside it, synced, renamed.
 *
 *   struct husk__newfile file;
 *   status = husk__newfile_open(&file, path)                nothing to undo if it fails
 *   while (...) status = husk__newfile_write(&file, ...)
 *   status = husk__newfile_commit(&file, status)            always: what failed is removed
 *
 * Whatever fails names the path and the reason (husk_message, HUSK_EIO). A link is followed: what it points to is
 * replaced, with the permissions that it had. A pipe or device is no file that could be replaced: it is written to
 * as it is. A limit on the size of files (ulimit -f) is an error as any other and not the end of the process. */
#ifndef HUSK_BASE_NEWFILE_H
#define HUSK_BASE_NEWFILE_H

#include "base/check.h"

#include <husk/status.h>

struct husk__newfile {
    const char *path; /* the caller's, for messages */
    char *target;     /* where links lead to; NULL: written to as it is */
    char *temporary;
    size_t target_bytes, temporary_bytes;
    int fd;
};

/* path must stay valid until commit. HUSK_EIO, HUSK_ENOMEM. */
husk_status husk__newfile_open(struct husk__newfile *file, const char *path);
husk_status husk__newfile_write(struct husk__newfile *file, const void *bytes, size_t length);
/* Ends it: if status is HUSK_OK the file takes its place, otherwise it is as if nothing had been. The answer is
 * status, or what failed here. */
husk_status husk__newfile_commit(struct husk__newfile *file, husk_status status);

/* "path: doing: what the system says", HUSK_EIO; error as in errno. */
husk_status husk__file_refused(const char *path, const char *doing, int error);

/* A path as messages show it: on one line, and if it is long the end of it. */
enum { SHOWN_PATH = 192 };
const char *husk__shown_path(const char *path, char shown[SHOWN_PATH]);

#endif
