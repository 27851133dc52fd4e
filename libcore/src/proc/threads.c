/* proc/threads.c: the threads of a process, and which mappings are their stacks.
 *
 * The kernel does not say which mapping is a thread's stack (it did from 3.4 to 4.4). The C libraries do:
 * glibc and musl keep a thread's record at the top of its stack, and in it the thread's number. On x86-64 the
 * record begins with its own address (the ABI of thread-local storage wants it); elsewhere an inaccessible
 * mapping below must do as a second sign. A stack that the program brought itself, or that the kernel has
 * merged with a mapping above it, is not recognised and stays what it was. */
#define _GNU_SOURCE
#include "proc/threads.h"

#include "proc/parse.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    TOP_BYTES = 65536, /* records lie no deeper, but for programs with much thread-local storage */
    PART_BYTES = 4096,
    RECORD_BYTES = 1024, /* the number lies within so much of its record */
};

/* As the kernel's struct linux_dirent64. readdir would ask for memory. */
struct entry {
    uint64_t inode;
    int64_t offset;
    uint16_t bytes;
    uint8_t type;
    char name[];
};

typedef bool each_fn(int64_t id, void *data);

/* Calls fn for each thread. False: errno says why not. */
static bool each_task(const struct husk__proc *proc, each_fn *fn, void *data)
{
    _Alignas(struct entry) char buffer[4096];
    int dir = openat(proc->dir, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return false;
    long n;
    bool more = true;
    while (more && (n = syscall(SYS_getdents64, dir, buffer, sizeof buffer)) > 0)
        for (long at = 0; more && at < n;) {
            const struct entry *entry = (const struct entry *)(const void *)(buffer + at);
            const char *name = entry->name;
            uint64_t id;
            if (husk__parse_u64(&name, &id) && !*name && id <= INT32_MAX)
                more = fn((int64_t)id, data);
            at += entry->bytes;
        }
    int error = errno;
    close(dir);
    errno = error;
    return !more || n == 0;
}

struct telling {
    const struct husk__proc *proc;
    husk_thread_fn *fn;
    void *data;
};

/* "12 (name) S 1 ..." */
static bool parse_thread(char *text, husk_thread *out)
{
    char *open = strchr(text, '('), *close = strrchr(text, ')');
    if (!open || !close || close < open || close[1] != ' ' || !close[2])
        return false;
    size_t length = (size_t)(close - open - 1);
    length = length < sizeof out->name ? length : sizeof out->name - 1;
    memcpy(out->name, open + 1, length);
    out->name[length] = 0;
    out->state = close[2];
    const char *at = close + 2;
    for (int field = 3; at && field <= 12; field++) {
        const char *number = at;
        if (field == 10)
            (void)husk__parse_u64(&number, &out->minor_faults);
        if (field == 12)
            (void)husk__parse_u64(&number, &out->major_faults);
        at = strchr(at, ' ');
        at += at ? 1 : 0;
    }
    return true;
}

static bool tell_thread(int64_t id, void *data)
{
    const struct telling *telling = data;
    husk_thread thread = { .id = id };
    char path[64], text[2048];
    (void)snprintf(path, sizeof path, "task/%lld/stat", (long long)id);
    /* One that has ended meanwhile is none. */
    return husk__read_small(telling->proc->dir, path, text, sizeof text) < 0 ||
           !parse_thread(text, &thread) || telling->fn(&thread, telling->data);
}

husk_status husk_process_each_thread(int64_t pid, husk_thread_fn *fn, void *data)
{
    struct husk__proc proc;
    husk_status status = husk__proc_open(pid, &proc);
    if (status)
        return status;
    struct telling telling = { &proc, fn, data };
    if (!each_task(&proc, tell_thread, &telling))
        status = husk__proc_fail(&proc, "task", errno);
    husk__proc_close(&proc);
    return status;
}

/* ---- stacks ---- */

struct collecting {
    struct husk__stacks *stacks;
    int64_t first; /* the first thread, whose stack the kernel names */
};

static bool collect_id(int64_t id, void *data)
{
    const struct collecting *collecting = data;
    struct husk__stacks *stacks = collecting->stacks;
    if (id == collecting->first)
        return true;
    stacks->threads++;
    if (stacks->count < HUSK__MOST_THREADS)
        stacks->ids[stacks->count++] = (int32_t)id;
    return true;
}

/* The number of the process itself: that of its first thread. */
static int64_t first_thread(const struct husk__proc *proc)
{
    char text[64];
    const char *at = text;
    uint64_t id;
    return husk__read_small(proc->dir, "stat", text, sizeof text) > 0 && husk__parse_u64(&at, &id)
               ? (int64_t)id
               : proc->pid;
}

void husk__stacks_open(struct husk__stacks *stacks, const struct husk__proc *proc)
{
    stacks->count = stacks->threads = 0;
    struct collecting collecting = { stacks, first_thread(proc) };
    (void)each_task(proc, collect_id, &collecting);
    stacks->memory = stacks->count ? openat(proc->dir, "mem", O_RDONLY | O_CLOEXEC) : -1;
}

void husk__stacks_close(struct husk__stacks *stacks)
{
    if (stacks->memory >= 0)
        close(stacks->memory);
    stacks->memory = -1;
}

static bool read_at(const struct husk__stacks *stacks, uint64_t at, void *buffer, size_t bytes)
{
    return pread(stacks->memory, buffer, bytes, (off_t)at) == (ssize_t)bytes;
}

/* A thread whose number is among these words: it is found once. */
static int64_t take_thread(struct husk__stacks *stacks, const int32_t *words, size_t count)
{
    for (size_t w = 0; w < count; w++)
        for (size_t i = 0; words[w] > 0 && i < stacks->count; i++)
            if (stacks->ids[i] == words[w]) {
                stacks->ids[i] = 0;
                return words[w];
            }
    return 0;
}

#if defined(__x86_64__)
/* Looks for a record that knows its own address; part lies at `from`. */
static int64_t find_record(struct husk__stacks *stacks, const uint64_t *part, uint64_t from, uint64_t end)
{
    for (size_t w = 0; w < PART_BYTES / sizeof *part; w++) {
        uint64_t at = from + w * sizeof *part;
        int32_t record[RECORD_BYTES / sizeof(int32_t)];
        uint64_t third, back;
        if (part[w] != at || end - at < sizeof record || !read_at(stacks, at, record, sizeof record))
            continue;
        memcpy(&third, record + 4, sizeof third);
        /* glibc has the address there once more; musl a neighbour in a ring, whose next one is this record. */
        if (third != at && (!read_at(stacks, third + 24, &back, sizeof back) || back != at))
            continue;
        int64_t id = take_thread(stacks, record, RECORD_BYTES / sizeof(int32_t));
        if (id)
            return id;
    }
    return 0;
}
#endif

int64_t husk__stacks_thread(struct husk__stacks *stacks, const husk_map *map, uint64_t guard_end)
{
    _Alignas(8) char part[PART_BYTES];
    bool guarded = guard_end == map->start;
    if (stacks->memory < 0 || map->kind != HUSK_MAP_OF_ANONYMOUS || memcmp(map->permissions, "rw", 2) != 0)
        return 0;
    uint64_t lowest = map->bytes > TOP_BYTES ? map->end - TOP_BYTES : map->start;
    for (uint64_t from = map->end; from > lowest && from - lowest >= PART_BYTES;) {
        from -= PART_BYTES;
        if (!read_at(stacks, from, part, sizeof part))
            return 0;
        int64_t id;
#if defined(__x86_64__)
        (void)guarded;
        id = find_record(stacks, (const uint64_t *)(const void *)part, from, map->end);
#else
        id = guarded ? take_thread(stacks, (const int32_t *)(const void *)part, PART_BYTES / 4) : 0;
#endif
        if (id)
            return id;
    }
    return 0;
}
