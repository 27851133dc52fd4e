/* base/statread.c: the page of another process, read without trust and without making it wait. See statpage.h. */
#define _GNU_SOURCE
#include "base/statfile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Whose process it is. */
static husk_status user_of(int pid, uid_t *user)
{
    char path[32];
    struct stat about;
    if (pid < 1)
        return husk_fail(HUSK_ERANGE, "%d is no number of a process", pid);
    (void)snprintf(path, sizeof path, "/proc/%d", pid);
    if (stat(path, &about) != 0)
        return husk_fail(HUSK_EMISSING, "there is no process %d", pid);
    *user = about.st_uid;
    return HUSK_OK;
}

/* The file at this path, if it is one that its process keeps: -1 if not. */
static int open_owned(const char *path, uid_t user)
{
    struct stat about;
    int file = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (file < 0)
        return -1;
    if (fstat(file, &about) == 0 && S_ISREG(about.st_mode) && about.st_uid == user) {
        if (husk__statfile_is_owned(file))
            return file;
        husk__statfile_sweep(path, file);
    }
    (void)close(file);
    errno = ENOENT;
    return -1;
}

static husk_status map(int file, const char *path, int pid, const struct husk__statlayout *layout,
                       struct husk__statread *out)
{
    struct stat about;
    size_t bytes = sizeof(struct husk__stathead) + STATPAGE_SLOTS * (layout->slot_bytes + sizeof(uint64_t));
    if (fstat(file, &about) != 0 || about.st_size < (off_t)sizeof(struct husk__stathead))
        return husk_fail(HUSK_EFORMAT, "%s is no page of statistics: it has %lld bytes", path,
                         (long long)about.st_size);
    void *at = mmap(NULL, (size_t)about.st_size, PROT_READ, MAP_SHARED, file, 0);
    if (at == MAP_FAILED)
        return husk_fail(HUSK_EIO, "%s: %s", path, strerror(errno));
    *out = (struct husk__statread){ at, (size_t)about.st_size, layout->slot_bytes };
    const struct husk__stathead *head = at;
    husk_status status = HUSK_OK;
    if (atomic_load_explicit(&head->magic, memory_order_acquire) != STATPAGE_MAGIC)
        status = husk_fail(HUSK_EFORMAT, "%s is no page of statistics", path);
    else if (head->version != layout->version || head->slots != STATPAGE_SLOTS ||
             head->slot_bytes != layout->slot_bytes || out->bytes != bytes)
        status = husk_fail(
            HUSK_EFORMAT,
            "the page of process %d has layout %llu of %zu bytes; this library reads layout %llu of "
            "%zu bytes",
            pid, (unsigned long long)head->version, out->bytes, (unsigned long long)layout->version, bytes);
    else if (head->pid != (uint64_t)pid)
        status = husk_fail(HUSK_EFORMAT, "%s says that it is of process %llu", path,
                           (unsigned long long)head->pid);
    if (status)
        husk__statpage_close(out);
    return status;
}

husk_status husk__statpage_open(int pid, const struct husk__statlayout *layout, struct husk__statread *out)
{
    char folder[STATPAGE_PATH], path[STATPAGE_PATH];
    uid_t user = 0;
    *out = (struct husk__statread){ NULL, 0, 0 };
    husk_status status = user_of(pid, &user);
    if (status)
        return status;
    if (user != geteuid() && geteuid() != 0)
        return husk_fail(HUSK_EIO,
                         "process %d belongs to user %lu, and we are user %lu: its page is not for us", pid,
                         (unsigned long)user, (unsigned long)geteuid());
    for (unsigned i = 0; husk__statfile_folder(i, user, folder); i++) {
        int file = husk__statfile_path(folder, pid, path) ? open_owned(path, user) : -1;
        if (file >= 0) {
            status = map(file, path, pid, layout, out);
            (void)close(file);
            return status;
        }
        if (errno != ENOENT)
            return husk_fail(HUSK_EIO, "%s: %s", path, strerror(errno));
    }
    return husk_fail(HUSK_EMISSING, "process %d has no page of statistics (start it with HUSK_GCSTAT=1)",
                     pid);
}

void husk__statpage_close(struct husk__statread *read)
{
    if (read->head)
        (void)munmap((void *)(uintptr_t)read->head, read->bytes);
    *read = (struct husk__statread){ NULL, 0, 0 };
}

husk_status husk__statpage_read(const struct husk__statread *read, size_t slot, void *words, bool *used)
{
    enum { TRIES = 2000 };
    const char *slots = (const char *)read->head + sizeof *read->head;
    size_t count = read->slot_bytes / sizeof(uint64_t);
    _Atomic uint64_t *at =
        (_Atomic uint64_t *)(uintptr_t)(slots + slot * (read->slot_bytes + sizeof(uint64_t)));
    uint64_t *out = words;
    *used = false;
    for (int tries = 0; tries < TRIES; tries++) {
        uint64_t before = atomic_load_explicit(at, memory_order_acquire);
        for (size_t i = 0; i < count && !(before & 1); i++)
            out[i] = atomic_load_explicit(&at[1 + i], memory_order_acquire);
        if (!(before & 1) && atomic_load_explicit(at, memory_order_relaxed) == before) {
            *used = out[0] != 0;
            return HUSK_OK;
        }
        /* Its thread may not be running: on a busy machine not for tenths of a second. */
        if (tries >= TRIES / 2) {
            const struct timespec moment = { 0, tries < TRIES / 4 * 3 ? 100000 : 2000000 };
            (void)nanosleep(&moment, NULL);
        }
    }
    return husk_fail(HUSK_EBUSY, "process %llu is stopped in the middle of writing its page",
                     (unsigned long long)read->head->pid);
}

/* ---- all of them ---- */

static void list_folder(const char *folder, int *pids, size_t room, size_t *count)
{
    char path[STATPAGE_PATH];
    DIR *open_folder = opendir(folder);
    if (!open_folder)
        return;
    for (struct dirent *entry; (entry = readdir(open_folder));) {
        size_t prefix = sizeof STATFILE_NAME - 1;
        char *rest;
        if (strncmp(entry->d_name, STATFILE_NAME, prefix) != 0 || entry->d_name[prefix] < '1' ||
            entry->d_name[prefix] > '9')
            continue;
        errno = 0;
        long pid = strtol(entry->d_name + prefix, &rest, 10);
        if (*rest || errno || pid > INT_MAX || !husk__statfile_path(folder, (int)pid, path))
            continue;
        int file = open_owned(path, geteuid());
        if (file < 0)
            continue;
        (void)close(file);
        if (*count < room)
            pids[*count] = (int)pid;
        ++*count;
    }
    (void)closedir(open_folder);
}

husk_status husk__statpage_list(int *pids, size_t room, size_t *count)
{
    char folder[STATPAGE_PATH];
    *count = 0;
    for (unsigned i = 0; husk__statfile_folder(i, geteuid(), folder); i++)
        list_folder(folder, pids, room, count);
    return HUSK_OK;
}
