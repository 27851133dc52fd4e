/* base/statpage.c: the page of this process: made, written, given up. See statpage.h; statread.c is the other side. */
#define _GNU_SOURCE
#include "base/statpage.h"

#include "base/statfile.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

_Atomic bool husk__statpage_wanted;

/* The one page of the process. */
static struct {
    pthread_mutex_t lock;
    const struct husk__statlayout *layout;
    struct husk__stathead *head; /* NULL: there is none */
    size_t bytes;
    int file;
    int pid;         /* whose page it is */
    uint32_t number; /* of this page; places of others are void */
    uint32_t taken;  /* a bit for each slot */
    bool prepared;
    char path[STATPAGE_PATH];
} page = { .lock = PTHREAD_MUTEX_INITIALIZER, .file = -1 };

static _Atomic uint64_t *words_of(int slot)
{
    char *slots = (char *)page.head + sizeof *page.head;
    return (_Atomic uint64_t *)(void *)(slots + (size_t)slot * (page.layout->slot_bytes + sizeof(uint64_t)));
}

/* ---- the end, fork ---- */

static void forget(void)
{
    if (page.head)
        (void)munmap(page.head, page.bytes);
    if (page.file >= 0)
        (void)close(page.file);
    page.head = NULL;
    page.file = -1;
}

/* Under the lock. */
static void end(void)
{
    if (page.head && page.pid == (int)getpid())
        (void)unlink(page.path); /* before the lock on it goes */
    forget();
}

static void at_exit(void)
{
    if (pthread_mutex_trylock(&page.lock) != 0)
        return; /* another thread is at it while the process ends: the file will be found without an owner */
    end();
    pthread_mutex_unlock(&page.lock);
}

static void before_fork(void)
{
    pthread_mutex_lock(&page.lock);
}

static void after_fork(void)
{
    pthread_mutex_unlock(&page.lock);
}

/* The child lets go of its parent's page; the first chance makes its own. */
static void after_fork_child(void)
{
    forget();
    pthread_mutex_unlock(&page.lock);
}

void husk__statpage_stop(void)
{
    pthread_mutex_lock(&page.lock);
    atomic_store_explicit(&husk__statpage_wanted, false, memory_order_relaxed);
    end();
    pthread_mutex_unlock(&page.lock);
}

/* ---- the beginning ---- */

static husk_status fail(const char *what)
{
    return husk_fail(HUSK_EIO, "page of statistics %s: %s: %s", page.path, what, strerror(errno));
}

/* Opens the file, which is ours alone and the one at the path: a sweeper may have come between its making and the
 * lock, which is why it is looked at again. False: errno. */
static bool open_own(void)
{
    struct stat opened, named;
    for (int tries = 0; tries < 8; tries++) {
        page.file = open(page.path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (page.file < 0 &&
            errno == EEXIST) { /* of a process that had our number; or of one in another space */
            int old = open(page.path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
            if (old < 0)
                return false;
            husk__statfile_sweep(page.path, old);
            (void)close(old);
            errno = EEXIST;
            continue;
        }
        if (page.file < 0)
            return false;
        if (husk__statfile_own(page.file) && fstat(page.file, &opened) == 0 &&
            lstat(page.path, &named) == 0 && opened.st_ino == named.st_ino && opened.st_dev == named.st_dev)
            return fchmod(page.file, 0600) == 0; /* whatever the umask takes away */
        (void)close(page.file);
        page.file = -1;
    }
    return false;
}

static void write_head(void)
{
    struct husk__stathead *head = page.head;
    head->version = page.layout->version;
    head->pid = (uint64_t)page.pid;
    head->slots = STATPAGE_SLOTS;
    head->slot_bytes = page.layout->slot_bytes;
    atomic_store_explicit(&head->magic, STATPAGE_MAGIC, memory_order_release);
}

/* Under the lock. */
static husk_status make(void)
{
    char folder[STATPAGE_PATH];
    page.pid = (int)getpid();
    page.bytes = sizeof *page.head + STATPAGE_SLOTS * (page.layout->slot_bytes + sizeof(uint64_t));
    page.taken = 0;
    (void)husk__statfile_folder(0, geteuid(), folder);
    if (!husk__statfile_path(folder, page.pid, page.path))
        return husk_fail(HUSK_ERANGE, "page of statistics: the folder %.100s... has too long a name", folder);
    if (!open_own())
        return fail(errno == EEXIST ? "another process has it" : "open");
    /* The room is taken now: later a page that the system does not have would be a signal. */
    int error = posix_fallocate(page.file, 0, (off_t)page.bytes);
    void *at = error ? MAP_FAILED : mmap(NULL, page.bytes, PROT_READ | PROT_WRITE, MAP_SHARED, page.file, 0);
    if (at == MAP_FAILED) {
        errno = error ? error : errno;
        husk_status status = fail("room for it");
        (void)unlink(page.path);
        forget();
        return status;
    }
    page.head = at;
    page.number++;
    write_head();
    return HUSK_OK;
}

static bool prepare(void)
{
    if (!page.prepared)
        page.prepared =
            pthread_atfork(before_fork, after_fork, after_fork_child) == 0 && atexit(at_exit) == 0;
    return page.prepared;
}

husk_status husk__statpage_start(const struct husk__statlayout *layout)
{
    husk_status status = HUSK_OK;
    int ignored;
    size_t none;
    (void)husk__statpage_list(&ignored, 0, &none); /* those of the dead are removed */
    pthread_mutex_lock(&page.lock);
    page.layout = layout;
    if (!prepare())
        status = husk_fail(HUSK_ENOMEM, "page of statistics: %s", husk_status_text(HUSK_ENOMEM));
    else if (!page.head)
        status = make();
    if (status == HUSK_OK)
        atomic_store_explicit(&husk__statpage_wanted, true, memory_order_relaxed);
    pthread_mutex_unlock(&page.lock);
    return status;
}

/* ---- slots ---- */

/* Even, odd, even: see statpage.h. */
static void store(int slot, const uint64_t *words, size_t count)
{
    _Atomic uint64_t *at = words_of(slot);
    uint64_t sequence = atomic_load_explicit(at, memory_order_relaxed);
    atomic_store_explicit(at, sequence + 1, memory_order_relaxed);
    for (size_t i = 0; i < count; i++)
        atomic_store_explicit(&at[1 + i], words[i], memory_order_release);
    atomic_store_explicit(at, sequence + 2, memory_order_release);
}

/* The place's slot in the present page, or a free one. Under the lock. */
static int settle(struct husk__statplace *place)
{
    if (place->page == page.number && place->slot >= 0)
        return place->slot;
    bool first = place->page != page.number;
    *place = (struct husk__statplace){ page.number, -1 };
    for (int slot = 0; slot < STATPAGE_SLOTS; slot++)
        if (!(page.taken >> slot & 1)) {
            page.taken |= 1u << slot;
            return place->slot = slot;
        }
    page.head->beyond += first;
    return -1;
}

void husk__statpage_write(struct husk__statplace *place, const void *words, bool may_make)
{
    pthread_mutex_lock(&page.lock);
    if (!page.head && may_make && atomic_load_explicit(&husk__statpage_wanted, memory_order_relaxed) &&
        make() != HUSK_OK)
        atomic_store_explicit(&husk__statpage_wanted, false, memory_order_relaxed); /* once is enough */
    int slot = page.head ? settle(place) : -1;
    if (slot >= 0)
        store(slot, words, page.layout->slot_bytes / sizeof(uint64_t));
    pthread_mutex_unlock(&page.lock);
}

void husk__statpage_give(struct husk__statplace *place)
{
    const uint64_t nobody = 0;
    if (!place->page)
        return;
    pthread_mutex_lock(&page.lock);
    if (page.head && place->page == page.number && place->slot >= 0) {
        store(place->slot, &nobody, 1);
        page.taken &= ~(1u << place->slot);
    }
    pthread_mutex_unlock(&page.lock);
    *place = (struct husk__statplace){ 0, -1 };
}
