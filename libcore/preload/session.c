/* preload/session.c: see session.h. */
#define _GNU_SOURCE
#include "preload/session.h"

#include "base/memory.h"
#include "preload/next.h"
#include "preload/options.h"
#include "preload/raw.h"
#include "trace/capture.h"

#include <husk/snapshot.h>
#include <husk/trace.h>

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

_Atomic enum preload_state preload_state;
atomic_bool preload_asked, preload_passed;
_Thread_local unsigned preload_inside;

static struct preload_options options;
static pid_t process; /* whose session it is: a child of vfork borrows it */
static atomic_bool finished;
static _Atomic unsigned answers;

/* ---- snapshots ---- */

static void write_snapshot(const char *path, const char *why)
{
    husk_snapshot *snapshot = NULL;
    husk_status status = husk_snapshot_new(NULL, NULL, &snapshot);
    if (!status)
        status = husk_snapshot_note(snapshot, "preload", why);
    if (!status)
        status = husk_snapshot_save(snapshot, path);
    if (status)
        preload_complain("no snapshot: %s", husk_message());
    husk_snapshot_free(snapshot);
}

/* A signal handler that ends the process may have interrupted an allocation: its locks will not be given back. */
void preload_finish(void)
{
    if (atomic_load(&preload_state) != PRELOAD_ON || getpid() != process || atomic_exchange(&finished, true))
        return;
    if (preload_inside) {
        preload_complain("no snapshot: the process ended inside of an allocation");
        return;
    }
    int kept = errno;
    preload_inside++;
    char path[PRELOAD_PATH_MOST];
    preload_options_path(&options, process, 0, path);
    write_snapshot(path, "at exit");
    preload_inside--;
    errno = kept;
}

static void at_exit(int status, void *data)
{
    (void)status;
    (void)data;
    preload_finish();
}

void preload_answer(void)
{
    if (!atomic_exchange(&preload_asked, false) || getpid() != process || atomic_load(&finished))
        return;
    int kept = errno;
    preload_inside++;
    char path[PRELOAD_PATH_MOST];
    preload_options_path(&options, process, ++answers, path);
    write_snapshot(path, "by signal");
    preload_inside--;
    errno = kept;
}

/* Outside of allocations this thread holds no lock that a snapshot needs; others give theirs back. */
static void on_signal(int number)
{
    (void)number;
    atomic_store(&preload_asked, true);
    if (!preload_inside)
        preload_answer();
}

bool husk_preload_used(uint64_t *bytes)
{
    if (atomic_load(&preload_state) != PRELOAD_ON || options.sample || getpid() != process)
        return false;
    husk_trace_figures figures;
    preload_inside++;
    husk_trace_figures_get(NULL, &figures);
    preload_inside--;
    *bytes = figures.bytes;
    return true;
}

/* ---- fork: two handlers, one on either side of the tracer's own ---- */

static void before_fork(void)
{
    preload_inside++;
}

static void after_fork(void)
{
    preload_inside--;
}

static void after_fork_child(void)
{
    preload_inside--;
    if (!options.follow) {
        preload_state = PRELOAD_OFF;
        return;
    }
    process = getpid();
    finished = false;
    answers = 0;
}

/* ---- beginning ---- */

/* Takes ourselves out of LD_PRELOAD, in place: the children of a process that is not followed have no use for us. */
static void leave_environment(void)
{
    static const char ours[] = "libhusk-preload.so";
    char *list = getenv("LD_PRELOAD");
    char *at = list ? strstr(list, ours) : NULL;
    if (!at)
        return;
    char *start = at, *end = at + strlen(ours);
    while (start > list && start[-1] != ':' && start[-1] != ' ')
        start--;
    if (*end == ':' || *end == ' ')
        end++;
    else if (*end)
        return; /* another library with a longer name */
    memmove(start, end, strlen(end) + 1);
}

static bool start(void)
{
    if (!preload_options_read(&options))
        return false;
    process = getpid();
    if (options.root && options.root != process && !options.follow) {
        leave_environment();
        return false;
    }
    if (!options.root)
        options.root = process;
    static struct husk__gates gates;
    gates = husk__system_gates;
    gates.raw = preload_raw;
    husk__memory_set_gates(&gates);
    const void *own[] = { (const void *)(uintptr_t)preload_begin };
    husk__capture_own(own, 1);
    husk_trace_options trace = { HUSK_TRACE_OPTIONS, .frames = options.frames,
                                 .sample_bytes = options.sample };
    /* The order of these three: what comes last is called first before a fork, and last behind it. */
    husk_status status = pthread_atfork(preload_raw_lock, preload_raw_unlock, preload_raw_unlock) == 0
                             ? husk_trace_start(NULL, &trace)
                             : husk_fail(HUSK_ENOMEM, "%s", husk_status_text(HUSK_ENOMEM));
    if (!status && pthread_atfork(before_fork, after_fork, after_fork_child) != 0)
        status = husk_fail(HUSK_ENOMEM, "%s", husk_status_text(HUSK_ENOMEM));
    if (status)
        preload_complain("nothing is traced: %s", husk_message());
    return status == HUSK_OK;
}

void preload_begin(void)
{
    enum preload_state waits = PRELOAD_WAITS;
    if (!environ || !preload_next_find() ||
        !atomic_compare_exchange_strong(&preload_state, &waits, PRELOAD_OFF))
        return;
    int kept = errno;
    preload_inside++;
    if (start())
        preload_state = PRELOAD_ON;
    preload_inside--;
    errno = kept;
}

/* A program with a malloc of its own gets that one, as do its libraries: it comes before us. The name that the loader
 * finds may be a mere stub in the program that leads to us, so it is called. */
static void look_for_other(void)
{
    void *at[2] = { dlsym(RTLD_DEFAULT, "malloc"), dlsym(RTLD_DEFAULT, "free") };
    void *(*get)(size_t);
    void (*give)(void *);
    memcpy(&get, &at[0], sizeof get);
    memcpy(&give, &at[1], sizeof give);
    Dl_info info;
    atomic_store(&preload_passed, false);
    void *block = get ? get(1) : NULL;
    if (block && give)
        give(block);
    if (block && !atomic_load(&preload_passed) && dladdr(at[0], &info))
        preload_complain("%s has a malloc of its own, which cannot be traced", info.dli_fname);
}

/* What may take locks that an allocation is made under, and so has no place in preload_begin. */
__attribute__((constructor)) static void construct(void)
{
    (void)preload_next_find();
    preload_begin();
    if (preload_state != PRELOAD_ON)
        return;
    preload_inside++;
    /* The functions of on_exit run in the reverse order of their registration. The loader registers what runs all
     * destructors after the constructors, so this one comes last. */
    if (on_exit(at_exit, NULL) != 0)
        preload_complain("no snapshot will be written: the process takes no more functions for its end");
    (void)at_quick_exit(preload_finish);
    static char root[64];
    (void)snprintf(root, sizeof root, "HUSK_PRELOAD_ROOT=%ld", (long)options.root);
    (void)putenv(root);
    if (options.signal) {
        struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
        if (sigaction(options.signal, &action, NULL) != 0)
            preload_complain("signal %d cannot be caught: %s", options.signal, strerror(errno));
    }
    look_for_other();
    preload_inside--;
}
