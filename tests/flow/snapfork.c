/* tests/flow/snapfork.c: snapshots that a child of the process takes and saves. */
#define _POSIX_C_SOURCE 200809L
#include "story.h"
#include "types.h"

#include <husk/trace.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char *path_of(const char *name)
{
    static char path[64];
    snprintf(path, sizeof path, "%s-%ld.husk", name, (long)getpid());
    return path;
}

static void said(husk_status status, husk_status expected, const char *part)
{
    if (status != expected || !strstr(husk_message(), part))
        fail_msg("%s: \"%s\" has no \"%s\"", husk_status_name(status), husk_message(), part);
}

/* What the heap was at the fork is in the file, whatever is done meanwhile. */
static void as_it_was(husk_heap *heap)
{
    HOLD list = husk_list_new(heap);
    TRY(list);
    for (int i = 0; i < 1000; i++) {
        HOLD obj = husk_obj_new(heap, type_node);
        TRY(obj);
        TRY_OK(husk_list_append(list, husk_ref(obj)));
    }
    const char *path = path_of("was");
    int64_t child = 0;
    TRY_OK(husk_snapshot_fork(heap, NULL, path, &child));
    assert_true(child > 0 && child != getpid());
    husk_list_clear(list);
    TRY_OK(husk_snapshot_fork_wait(child));
    husk_snapshot *snapshot;
    TRY_OK(husk_snapshot_load(path, &snapshot));
    (void)remove(path);
    husk_snapshot_counts counts;
    husk_snapshot_counts_get(snapshot, &counts);
    assert_int_equal(counts.objects, 1001);
    assert_int_equal(counts.edges, 1000);
    char pid[32];
    snprintf(pid, sizeof pid, "%ld", (long)getpid());
    assert_string_equal(husk_snapshot_text(snapshot, "pid"),
                        pid); /* it is of this process, not of the child */
    uint64_t rss = 0;
    TRY_OK(husk_snapshot_number(snapshot, "process", "rss", &rss));
    assert_true(rss > 0);
    husk_snapshot_free(snapshot);
    said(husk_snapshot_fork_wait(child), HUSK_EINVAL, "waited for before");
}

/* Any number of children, waited for in any order; their failures are told by their own words. */
static void several(husk_heap *heap)
{
    HOLD obj = husk_obj_new(heap, type_node);
    TRY(obj);
    husk_snapshot_options small = { HUSK_SNAPSHOT_OPTIONS, .max_bytes = 100 };
    husk_snapshot_options other = { HUSK_SNAPSHOT_OPTIONS };
    other.abi = 7;
    int64_t good, nowhere, limited, strange;
    const char *path = path_of("several");
    TRY_OK(husk_snapshot_fork(heap, NULL, path, &good));
    TRY_OK(husk_snapshot_fork(heap, NULL, "no/such/folder/x.husk", &nowhere));
    TRY_OK(husk_snapshot_fork(heap, &small, path, &limited));
    TRY_OK(husk_snapshot_fork(NULL, &other, path, &strange));
    said(husk_snapshot_fork_wait(strange), HUSK_EINVAL, "abi 7");
    said(husk_snapshot_fork_wait(nowhere), HUSK_EIO,
         "no/such/folder/x.husk: cannot be written: No such file");
    TRY_OK(husk_snapshot_fork_wait(good));
    said(husk_snapshot_fork_wait(limited), HUSK_ELIMIT, "100 bytes");
    said(husk_snapshot_fork_wait(getpid()), HUSK_EINVAL, "takes no snapshot");
    said(husk_snapshot_fork_wait(-1), HUSK_EINVAL, "takes no snapshot");
    assert_int_equal(remove(path), 0);
}

/* A child that is ended from outside, here while it waits for a reader of a pipe; and one that somebody else
 * waited for, so that only its words are left. */
static void ended(husk_heap *heap)
{
    const char *path = path_of("pipe");
    int64_t child;
    assert_int_equal(mkfifo(path, 0666), 0);
    TRY_OK(husk_snapshot_fork(heap, NULL, path, &child));
    assert_int_equal(kill((pid_t)child, SIGKILL), 0);
    said(husk_snapshot_fork_wait(child), HUSK_EIO, "ended by signal 9 (Killed)");
    TRY_OK(husk_snapshot_fork(heap, NULL, path, &child));
    assert_int_equal(kill((pid_t)child, SIGKILL), 0);
    assert_int_equal(waitpid((pid_t)child, NULL, 0), child);
    said(husk_snapshot_fork_wait(child), HUSK_EIO, "without a word");
    (void)remove(path);
    TRY_OK(husk_snapshot_fork(heap, NULL, path, &child));
    assert_int_equal(waitpid((pid_t)child, NULL, 0), child);
    TRY_OK(husk_snapshot_fork_wait(child));
    (void)remove(path);
}

/* ---- while others are in the library ---- */

enum { OTHERS = 3 };
static atomic_bool enough;
static atomic_uint rounds;

/* Goes through the locks that a child needs: those of the places of births, and of reserved memory. */
static void *be_busy(void *data)
{
    (void)data;
    while (!atomic_load(&enough)) {
        husk_heap *heap;
        husk_snapshot *snapshot;
        assert_int_equal(husk_heap_new(NULL, &heap), HUSK_OK);
        assert_int_equal(husk_trace_start(heap, NULL), HUSK_OK);
        for (int i = 0; i < 10; i++)
            assert_true(litter(heap, type_node));
        assert_int_equal(husk_snapshot_new(heap, NULL, &snapshot), HUSK_OK);
        husk_snapshot_free(snapshot);
        husk_heap_close(heap);
        atomic_fetch_add(&rounds, 1);
    }
    return NULL;
}

/* False: it does not end. */
static bool ends(int64_t child)
{
    for (int i = 0; i < 20000; i++) {
        siginfo_t info = { 0 };
        assert_int_equal(waitid(P_PID, (id_t)child, &info, WEXITED | WNOHANG | WNOWAIT), 0);
        if (info.si_pid)
            return true;
        struct timespec ms = { .tv_nsec = 1000000 };
        (void)nanosleep(&ms, NULL);
    }
    (void)kill((pid_t)child, SIGKILL);
    return false;
}

static void while_others_work(husk_heap *heap)
{
    const char *path = path_of("busy");
    pthread_t others[OTHERS];
    HOLD obj = husk_obj_new(heap, type_node);
    TRY(obj);
    TRY_OK(husk_trace_start(heap, NULL));
    atomic_store(&enough, false);
    atomic_store(&rounds, 0);
    for (int i = 0; i < OTHERS; i++)
        assert_int_equal(pthread_create(&others[i], NULL, be_busy, NULL), 0);
    bool ended = true;
    for (size_t i = 0; ended && (i < story_size(60, 10) || atomic_load(&rounds) < OTHERS); i++) {
        int64_t child;
        assert_int_equal(husk_snapshot_fork(heap, NULL, path, &child), HUSK_OK);
        ended = ends(child);
        husk_status status = husk_snapshot_fork_wait(child);
        assert_true(!ended || status == HUSK_OK);
    }
    atomic_store(&enough, true);
    for (int i = 0; i < OTHERS; i++)
        assert_int_equal(pthread_join(others[i], NULL), 0);
    (void)remove(path);
    husk_trace_stop(heap);
    if (!ended)
        fail_msg("a child waits for what nobody will give back");
}

STORIES(STORY(as_it_was, STORY_NO_FAULT), STORY(several, STORY_NO_FAULT), STORY(ended, STORY_NO_FAULT),
        STORY(while_others_work, STORY_NO_FAULT));
