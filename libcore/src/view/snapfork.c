/* view/snapfork.c: a snapshot taken and saved by a child of the process: the caller stops for the fork alone,
 * and what it changes afterwards does not reach the child.
 *
 *   parent                        child
 *   fork ------------------------ take, save
 *   wait: its end, then the pipe  one struct said, which fits into the pipe whoever reads; _exit
 *
 * The caller keeps a process id, as children are called everywhere, and gives no more than that back. So which
 * pipe belongs to it is noted in a list, the only one of the process beside those of ranges and types. */
#define _GNU_SOURCE
#include "base/memory.h"
#include "trace/foreign.h"
#include "view/take.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the child says. Less than PIPE_BUF: it arrives whole. */
struct said {
    husk_status status;
    char text[508];
};

struct child {
    struct child *next;
    pid_t pid;
    int pipe; /* to be read */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct child *children;

static void note(struct child *child)
{
    (void)pthread_mutex_lock(&lock);
    child->next = children;
    children = child;
    (void)pthread_mutex_unlock(&lock);
}

/* Takes it off the list; NULL: there is none, or it was waited for before. */
static struct child *forget(int64_t pid)
{
    (void)pthread_mutex_lock(&lock);
    struct child **at = &children;
    while (*at && (*at)->pid != pid)
        at = &(*at)->next;
    struct child *child = *at;
    if (child)
        *at = child->next;
    (void)pthread_mutex_unlock(&lock);
    return child;
}

/* In the child. */
static _Noreturn void take_and_say(husk_heap *heap, const husk_snapshot_options *options, const char *path,
                                   pid_t parent, int pipe)
{
    husk_snapshot *snapshot = NULL;
    struct said said = { .status = husk__take(heap, options, parent, &snapshot) };
    if (said.status == HUSK_OK)
        said.status = husk_snapshot_save(snapshot, path);
    if (said.status != HUSK_OK)
        strncpy(said.text, husk_message(), sizeof said.text - 1);
    ssize_t written;
    do
        written = write(pipe, &said, sizeof said);
    while (written < 0 && errno == EINTR);
    _exit(0);
}

husk_status husk_snapshot_fork(husk_heap *heap, const husk_snapshot_options *options, const char *path,
                               int64_t *child)
{
    struct child *made = husk__foreign_may_fork() ? husk__raw_new(sizeof *made) : NULL;
    if (!made)
        return husk_fail(HUSK_ENOMEM, "%s", husk_status_text(HUSK_ENOMEM));
    pid_t parent = getpid();
    int ends[2] = { -1, -1 };
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0)
        made->pid = fork();
    else
        made->pid = -1;
    if (made->pid == 0)
        take_and_say(heap, options, path, parent, ends[1]);
    int error = errno;
    if (ends[1] >= 0)
        (void)close(ends[1]);
    if (made->pid < 0) {
        if (ends[0] >= 0)
            (void)close(ends[0]);
        husk__raw_free(made, sizeof *made);
        if (error == ENOMEM)
            return husk_fail(HUSK_ENOMEM, "%s", husk_status_text(HUSK_ENOMEM));
        return husk_fail(HUSK_EIO, "no process for a snapshot can be started: %s", strerror(error));
    }
    made->pipe = ends[0];
    *child = made->pid;
    note(made);
    return HUSK_OK;
}

/* Its end first: by then what it said is in the pipe, and a stranger who inherited the other end of that cannot
 * make us wait. How it ended is only asked if it said nothing; somebody else may have waited for it, too. */
static husk_status await(const struct child *child, struct said *said)
{
    int ended = 0;
    pid_t found;
    do
        found = waitpid(child->pid, &ended, 0);
    while (found < 0 && errno == EINTR);
    ssize_t got;
    do
        got = read(child->pipe, said, sizeof *said);
    while (got < 0 && errno == EINTR);
    if (got == (ssize_t)sizeof *said) {
        said->text[sizeof said->text - 1] = '\0';
        return said->status == HUSK_OK ? HUSK_OK : husk_fail(said->status, "%s", said->text);
    }
    if (found > 0 && WIFSIGNALED(ended))
        return husk_fail(HUSK_EIO, "the process that took the snapshot was ended by signal %d (%s)",
                         WTERMSIG(ended), strsignal(WTERMSIG(ended)));
    return husk_fail(HUSK_EIO, "the process that took the snapshot ended without a word");
}

husk_status husk_snapshot_fork_wait(int64_t child)
{
    struct child *known = forget(child);
    if (!known)
        return husk_fail(HUSK_EINVAL, "process %lld takes no snapshot, or was waited for before",
                         (long long)child);
    struct said said;
    husk_status status = await(known, &said);
    (void)close(known->pipe);
    husk__raw_free(known, sizeof *known);
    return status;
}
