/* proc/read.c: see read.h. */
#define _GNU_SOURCE
#include "proc/read.h"

#include "proc/parse.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *system_root = "";

void husk__system_set_root(const char *root)
{
    system_root = root ? root : "";
}

bool husk__system_is_real(void)
{
    return !system_root[0];
}

static int open_again(int dir, const char *path, int flags)
{
    int fd;
    do
        fd = openat(dir, path, flags | O_CLOEXEC);
    while (fd < 0 && errno == EINTR);
    return fd;
}

static long read_again(int fd, char *buffer, size_t room)
{
    ssize_t n;
    do
        n = read(fd, buffer, room);
    while (n < 0 && errno == EINTR);
    return (long)n;
}

int husk__system_dir(const char *path)
{
    char at[4096];
    int length = snprintf(at, sizeof at, "%s%s", system_root, path);
    if (length < 0 || (size_t)length >= sizeof at) {
        errno = ENAMETOOLONG;
        return -1;
    }
    return open_again(AT_FDCWD, at, O_RDONLY | O_DIRECTORY);
}

/* There is such a process, and the system hides its directory (the option hidepid of /proc). */
static bool is_hidden(int64_t pid)
{
    return husk__system_is_real() && (kill((pid_t)pid, 0) == 0 || errno == EPERM);
}

husk_status husk__proc_open(int64_t pid, struct husk__proc *out)
{
    char path[48];
    *out = (struct husk__proc){ .dir = -1, .pid = pid };
    if (pid < 0 || pid > INT32_MAX)
        return husk_fail(HUSK_EINVAL, "process %lld: no number of a process", (long long)pid);
    if (pid == 0)
        snprintf(out->name, sizeof out->name, "this process");
    else
        snprintf(out->name, sizeof out->name, "process %lld", (long long)pid);
    if (pid == 0)
        snprintf(path, sizeof path, "/proc/self");
    else
        snprintf(path, sizeof path, "/proc/%lld", (long long)pid);
    out->dir = husk__system_dir(path);
    if (out->dir >= 0)
        return HUSK_OK;
    int error = errno;
    if (error != ENOENT)
        return husk_fail(HUSK_EIO, "%s: %s", out->name, strerror(error));
    if (pid == 0)
        return husk_fail(HUSK_EIO, "this process: there is no /proc/self");
    if (is_hidden(pid))
        return husk_fail(HUSK_EIO, "%s: the system hides it", out->name);
    return husk_fail(HUSK_EMISSING, "%s: there is none", out->name);
}

void husk__proc_close(struct husk__proc *proc)
{
    if (proc->dir >= 0)
        close(proc->dir);
    proc->dir = -1;
}

husk_status husk__proc_fail(const struct husk__proc *proc, const char *file, int error)
{
    char stat[16];
    bool gone = error == ESRCH;
    if (error == ENOENT) /* the file, or the process? */
        gone = husk__read_small(proc->dir, "stat", stat, sizeof stat) < 0 && errno != EACCES;
    if (gone)
        return husk_fail(HUSK_EMISSING, "%s: there is none any more", proc->name);
    if (error == ENOENT)
        return husk_fail(HUSK_EMISSING, "%s: the system has no %s", proc->name, file);
    return husk_fail(HUSK_EIO, "%s: %s: %s", proc->name, file, strerror(error));
}

husk_status husk__proc_alive(const struct husk__proc *proc)
{
    char text[1024], word[64];
    if (husk__read_small(proc->dir, "statm", text, sizeof text) < 0)
        return husk__proc_fail(proc, "statm", errno);
    uint64_t pages;
    const char *at = text;
    if (!husk__parse_u64(&at, &pages) || pages)
        return HUSK_OK; /* whoever wants statm's numbers will say if it is no statm */
    if (husk__read_small(proc->dir, "stat", text, sizeof text) < 0)
        return husk__proc_fail(proc, "stat", errno);
    char *open = strchr(text, '('), *close = strrchr(text, ')');
    size_t length = open && close > open ? (size_t)(close - open - 1) : 0;
    if (length >= sizeof word)
        length = sizeof word - 1;
    memcpy(word, open ? open + 1 : "", length);
    word[length] = 0;
    for (char *c = word; *c; c++)
        if ((unsigned char)*c < ' ')
            *c = '?';
    char state = close && close[1] ? close[2] : 0;
    if (state == 'Z' || state == 'X')
        return husk_fail(HUSK_ESTATE, "%s (%s) is a zombie: it has ended and has no memory", proc->name,
                         word);
    return husk_fail(HUSK_ESTATE, "%s (%s) is a part of the kernel: it has no memory of its own", proc->name,
                     word);
}

long husk__read_small(int dir, const char *name, char *buffer, size_t room)
{
    int fd = open_again(dir, name, O_RDONLY);
    if (fd < 0)
        return -1;
    size_t used = 0;
    long n = 0;
    while (used < room - 1 && (n = read_again(fd, buffer + used, room - 1 - used)) > 0)
        used += (size_t)n;
    int error = errno;
    close(fd);
    errno = error;
    buffer[used] = 0;
    return n < 0 ? -1 : (long)used;
}

bool husk__lines_open(struct husk__lines *lines, int dir, const char *name)
{
    lines->fd = open_again(dir, name, O_RDONLY);
    lines->error = 0;
    lines->from = lines->to = 0;
    lines->end = false;
    return lines->fd >= 0;
}

void husk__lines_close(struct husk__lines *lines)
{
    if (lines->fd >= 0)
        close(lines->fd);
    lines->fd = -1;
}

/* More bytes behind those that are there. One byte stays free for the final NUL. */
static void fill(struct husk__lines *lines)
{
    if (lines->from) {
        memmove(lines->buffer, lines->buffer + lines->from, lines->to - lines->from);
        lines->to -= lines->from;
        lines->from = 0;
    }
    long n = read_again(lines->fd, lines->buffer + lines->to, sizeof lines->buffer - 1 - lines->to);
    if (n <= 0) {
        lines->error = n < 0 ? errno : 0;
        lines->end = true;
    } else {
        lines->to += (size_t)n;
    }
}

/* Skips the rest of a line that is longer than the buffer. */
static void skip_line(struct husk__lines *lines)
{
    char *line_end = NULL;
    while (!line_end && !lines->end) {
        lines->from = lines->to = 0;
        fill(lines);
        line_end = memchr(lines->buffer, '\n', lines->to);
    }
    if (line_end)
        lines->from = (size_t)(line_end + 1 - lines->buffer);
}

char *husk__line_next(struct husk__lines *lines)
{
    size_t seen = 0;
    for (;;) {
        char *at = lines->buffer + lines->from;
        size_t there = lines->to - lines->from;
        char *line_end = there > seen ? memchr(at + seen, '\n', there - seen) : NULL;
        if (line_end) {
            *line_end = 0;
            lines->from += (size_t)(line_end + 1 - at);
            return at;
        }
        seen = there;
        if (lines->end) { /* the last line may lack its end */
            lines->from = lines->to;
            lines->buffer[lines->to] = 0;
            return there && !lines->error ? at : NULL;
        }
        if (there == sizeof lines->buffer - 1) {
            skip_line(lines);
            seen = 0;
            continue;
        }
        fill(lines);
    }
}

void husk__line_again(struct husk__lines *lines, char *line)
{
    size_t length = strlen(line);
    lines->from = (size_t)(line - lines->buffer);
    if (lines->from + length < lines->to)
        line[length] = '\n';
}
