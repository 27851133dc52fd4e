/* base/newfile.c: see newfile.h. The order sync, rename, sync of the folder is what makes it hold after a power cut:
 * a rename that arrives before the bytes would leave an empty file under the final name. */
#define _GNU_SOURCE
#include "base/newfile.h"

#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { TRIES = 100, SUFFIX_ROOM = 48 };

const char *husk__shown_path(const char *path, char shown[SHOWN_PATH])
{
    size_t length = strlen(path), room = SHOWN_PATH - 1, dots = 0;
    if (length > room) {
        dots = 3;
        path += length - (room - dots);
        length = room - dots;
    }
    memcpy(shown, "...", dots);
    for (size_t i = 0; i < length; i++)
        shown[dots + i] = (unsigned char)path[i] < ' ' || path[i] == 0x7F ? '?' : path[i];
    shown[dots + length] = '\0';
    return shown;
}

husk_status husk__file_refused(const char *path, const char *doing, int error)
{
    char shown[SHOWN_PATH];
    return husk_fail(HUSK_EIO, "%s: %s: %s", husk__shown_path(path, shown), doing, strerror(error));
}

static husk_status refuse(const struct husk__newfile *file, const char *doing)
{
    return husk__file_refused(file->path, doing, errno);
}

static void forget(struct husk__newfile *file)
{
    if (file->fd >= 0)
        close(file->fd);
    husk__raw_free(file->target, file->target_bytes);
    husk__raw_free(file->temporary, file->temporary_bytes);
    *file = (struct husk__newfile){ .path = file->path, .fd = -1 };
}

/* Opens the temporary file beside the target. */
static husk_status open_beside(struct husk__newfile *file, mode_t mode, bool keep_mode)
{
    const char *slash = strrchr(file->target, '/');
    int folder = slash ? (int)(slash + 1 - file->target) : 0;
    for (unsigned n = 0; n < TRIES; n++) {
        /* The name itself may be as long as names can be: the temporary one does not grow with it. */
        snprintf(file->temporary, file->temporary_bytes, "%.*s.husk-%ld-%u.tmp", folder, file->target,
                 (long)getpid(), n);
        file->fd = open(file->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
        if (file->fd >= 0 || errno != EEXIST)
            break;
    }
    if (file->fd < 0)
        return refuse(file, "cannot be written");
    if (keep_mode && fchmod(file->fd, mode) != 0) {
        husk_status status = refuse(file, "cannot be given its permissions");
        unlink(file->temporary);
        return status;
    }
    return HUSK_OK;
}

husk_status husk__newfile_open(struct husk__newfile *file, const char *path)
{
    *file = (struct husk__newfile){ .path = path, .fd = -1 };
    struct stat now;
    bool exists = stat(path, &now) == 0;
    if (!exists && errno != ENOENT)
        return refuse(file, "cannot be written");
    if (exists && S_ISDIR(now.st_mode)) {
        errno = EISDIR;
        return refuse(file, "cannot be written");
    }
    if (exists && !S_ISREG(now.st_mode)) {
        file->fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
        return file->fd >= 0 ? HUSK_OK : refuse(file, "cannot be written");
    }
    /* A link that leads nowhere is replaced itself: there is nothing to find out where it would lead to. */
    char real[PATH_MAX];
    if (exists && !realpath(path, real))
        return refuse(file, "cannot be written");
    const char *target = exists ? real : path;
    file->target_bytes = strlen(target) + 1;
    file->temporary_bytes = file->target_bytes + SUFFIX_ROOM;
    file->target = husk__raw_new(file->target_bytes);
    file->temporary = file->target ? husk__raw_new(file->temporary_bytes) : NULL;
    if (file->temporary)
        memcpy(file->target, target, file->target_bytes);
    husk_status status = HUSK_OK;
    if (!file->temporary)
        status = husk_fail(HUSK_ENOMEM, "%s", husk_status_text(HUSK_ENOMEM));
    /* Replacing would get round a file's own protection, which a writer in place would meet. */
    else if (exists && access(file->target, W_OK) != 0)
        status = refuse(file, "cannot be written");
    else
        status = open_beside(file, exists ? now.st_mode & 07777 : 0666, exists);
    if (status != HUSK_OK)
        forget(file);
    return status;
}

/* False: errno says why. */
static bool write_all(int fd, const char *at, size_t length)
{
    while (length) {
        ssize_t n = write(fd, at, length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            errno = n ? errno : ENOSPC;
            return false;
        }
        at += n;
        length -= (size_t)n;
    }
    return true;
}

/* Beyond the limit on the size of files the system sends a signal that would end the process. It is kept from this
 * thread while it writes, and taken away if our writing brought it. */
husk_status husk__newfile_write(struct husk__newfile *file, const void *bytes, size_t length)
{
    static const struct timespec at_once = { 0, 0 };
    sigset_t limit, pending, before;
    sigemptyset(&limit);
    sigaddset(&limit, SIGXFSZ);
    sigpending(&pending);
    (void)pthread_sigmask(SIG_BLOCK, &limit, &before);
    bool ok = write_all(file->fd, bytes, length);
    int error = errno;
    if (!ok && error == EFBIG && !sigismember(&pending, SIGXFSZ))
        (void)sigtimedwait(&limit, NULL, &at_once);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return ok ? HUSK_OK : husk__file_refused(file->path, "cannot be written", error);
}

/* What has nothing to sync is no failure. */
static bool sync_file(int fd)
{
    return fsync(fd) == 0 || errno == EINVAL || errno == ENOTSUP;
}

/* The new name is in the folder, and the folder on the disk. Not every file system can sync one. */
static void sync_folder(const char *target)
{
    const char *slash = strrchr(target, '/');
    int fd;
    if (!slash)
        fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    else if (slash == target)
        fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    else {
        size_t length = (size_t)(slash - target);
        char *folder = husk__raw_new(length + 1);
        if (!folder)
            return;
        memcpy(folder, target, length);
        fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        husk__raw_free(folder, length + 1);
    }
    if (fd >= 0) {
        (void)!fsync(fd);
        close(fd);
    }
}

husk_status husk__newfile_commit(struct husk__newfile *file, husk_status status)
{
    bool replaces = file->target;
    if (status == HUSK_OK && replaces && !sync_file(file->fd))
        status = refuse(file, "cannot be written");
    if (file->fd >= 0 && close(file->fd) != 0 && status == HUSK_OK)
        status = refuse(file, "cannot be written");
    file->fd = -1;
    if (status == HUSK_OK && replaces && rename(file->temporary, file->target) != 0)
        status = refuse(file, "cannot be put in its place");
    if (status == HUSK_OK && replaces)
        sync_folder(file->target);
    else if (replaces)
        unlink(file->temporary);
    forget(file);
    return status;
}
