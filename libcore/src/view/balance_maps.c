/* view/balance_maps.c: every mapping of the process goes to a row by what it is: the library's own
 * (base/reserved.h), the C library's allocator's, a stack, a file ...
 *
 * malloc's mappings have no names. glibc's can be recognised by its headers: a further arena begins at a
 * multiple of 64 MiB with a record of its size; a large block has a mapping of its own, which begins with its
 * size and a mark. What is found is held against the sums that malloc itself tells, and never exceeds them.
 * With another C library the named [heap] alone is known. */
#define _GNU_SOURCE
#include "base/reserved.h"
#include "proc/smaps.h"
#include "proc/threads.h"
#include "view/balance.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

enum { STATES = 1024, HEADS = 256 };
#define SCANNED ((uint64_t)4 << 30) /* a mapping so much larger than malloc's blocks is another allocator's */
#define ARENA ((uint64_t)64 << 20)  /* glibc: HEAP_MAX_SIZE, twice the largest threshold for mappings */

struct looking {
    struct husk_balance *balance;
    struct husk__resident *resident;
    const husk_native_memory *native;
    struct husk__maps_sum *sum;
    int memory; /* our own, to read without a fault where another thread unmaps; -1: not to be had */
    uint64_t arenas_left; /* bytes that malloc has in arenas other than the first, as far as not found */
};

static void add_amount(struct husk__amount *to, const struct husk__amount *amount)
{
    to->bytes += amount->bytes;
    to->shared += amount->shared;
    to->swapped += amount->swapped;
}

static void take_amount(struct husk__amount *from, const struct husk__amount *amount)
{
    from->bytes -= amount->bytes < from->bytes ? amount->bytes : from->bytes;
    from->shared -= amount->shared < from->shared ? amount->shared : from->shared;
    from->swapped -= amount->swapped < from->swapped ? amount->swapped : from->swapped;
}

static void add_to_row(struct husk__row *row, const struct husk__amount *amount, uint64_t space)
{
    row->bytes += (int64_t)amount->bytes;
    row->shared += amount->shared;
    row->swapped += amount->swapped;
    row->counted += space;
}

static struct husk__amount amount_of(const husk_map *map)
{
    return (struct husk__amount){ map->memory.rss, map->memory.shared_clean + map->memory.shared_dirty,
                                  map->memory.swap };
}

/* What is there between two addresses of private memory. */
static struct husk__amount amount_between(const struct looking *looking, uint64_t from, uint64_t to)
{
    uint8_t states[STATES];
    struct husk__amount amount = { 0, 0, 0 };
    size_t page = looking->resident->page;
    while (from < to) {
        size_t count = (size_t)((to - from) / page) < STATES ? (size_t)((to - from) / page) : STATES;
        if (count == 0)
            break;
        husk__resident_pages(looking->resident, (const void *)(uintptr_t)from, count, states);
        for (size_t i = 0; i < count; i++) {
            amount.bytes += states[i] == PAGE_OWN || states[i] == PAGE_SHARED ? page : 0;
            amount.shared += states[i] == PAGE_SHARED ? page : 0;
            amount.swapped += states[i] == PAGE_SWAPPED ? page : 0;
        }
        from += count * page;
    }
    return amount;
}

/* ---- the library's ---- */

/* Takes from a mapping what is ours, and from `rest` its amount; what remains of the mapping is other
 * people's: its address space. */
static uint64_t take_ours(const struct looking *looking, const husk_map *map, struct husk__amount *rest)
{
    struct husk__reserved ours;
    uint64_t left = map->bytes;
    for (uint64_t at = map->start; at < map->end && husk__reserved_find((uintptr_t)at, &ours);) {
        uint64_t from = ours.start > at ? ours.start : at, to = ours.end < map->end ? ours.end : map->end;
        if (from >= map->end)
            break;
        bool whole = from == map->start && to == map->end;
        struct husk__amount amount = whole ? *rest : amount_between(looking, from, to);
        if (ours.use == HUSK__FOR_CHUNKS && map->permissions[0] == 'r')
            looking->sum->chunk_space += to - from;
        add_amount(ours.use == HUSK__FOR_CHUNKS ? &looking->sum->chunks : &looking->sum->tables, &amount);
        take_amount(rest, &amount);
        left -= to - from;
        at = to;
    }
    return left;
}

/* ---- malloc's ---- */

static bool read_words(const struct looking *looking, uint64_t at, uint64_t *words, size_t count)
{
    ssize_t bytes = (ssize_t)(count * sizeof *words);
    return pread(looking->memory, words, (size_t)bytes, (off_t)at) == bytes;
}

/* glibc's struct heap_info: the arena, the heap before it, bytes in use, bytes made usable. */
static bool is_arena(const struct looking *looking, uint64_t at, uint64_t end, uint64_t *bytes)
{
    uint64_t words[4], page = looking->resident->page;
    if (!read_words(looking, at, words, 4))
        return false;
    *bytes = words[3];
    bool begins =
        words[1] == 0 && words[0] > at && words[0] < at + page; /* the first of its arena holds it */
    bool goes_on = words[1] != 0 && words[1] % ARENA == 0 && words[0] % 16 == 0 && words[0] != 0;
    return (begins || goes_on) && words[2] <= words[3] && words[2] % page == 0 && words[2] > 0 &&
           words[3] % page == 0 && words[3] <= ARENA && words[3] <= end - at &&
           words[3] <= looking->arenas_left;
}

static uint64_t take_arenas(struct looking *looking, const husk_map *map, struct husk__amount *rest)
{
    uint64_t taken = 0, bytes;
    uint64_t first = (map->start + ARENA - 1) / ARENA * ARENA;
    for (uint64_t at = first; at < map->end && looking->arenas_left; at += ARENA) {
        if (!is_arena(looking, at, map->end, &bytes))
            continue;
        bool whole = at == map->start && bytes == map->bytes;
        struct husk__amount amount = whole ? *rest : amount_between(looking, at, at + bytes);
        add_amount(&looking->sum->small, &amount);
        take_amount(rest, &amount);
        looking->arenas_left -= bytes;
        taken += bytes;
    }
    return taken;
}

/* The first words of several pages; { 1, 0 } where there is nothing to be read. A process has tens of thousands of
 * pages, so not with a call of the system for each, unless it forbids the other (a sandbox may). */
struct heads {
    uint64_t at[HEADS], words[HEADS][2];
    size_t count;
};

static void read_heads(const struct looking *looking, struct heads *heads)
{
    struct iovec from[HEADS];
    bool together = true;
    for (size_t i = 0; i < heads->count; i++)
        from[i] = (struct iovec){ (void *)(uintptr_t)heads->at[i], sizeof heads->words[0] };
    for (size_t done = 0; done < heads->count;) {
        struct iovec to = { heads->words[done], (heads->count - done) * sizeof heads->words[0] };
        ssize_t got = together ? process_vm_readv(getpid(), &to, 1, &from[done], heads->count - done, 0) : -1;
        if (got > 0)
            done += (size_t)got / sizeof heads->words[0];
        else if (got < 0 && errno != EFAULT)
            together = false;
        /* What it stopped at, if anything, is asked for alone. */
        if (done < heads->count && !read_words(looking, heads->at[done], heads->words[done], 2))
            heads->words[done][0] = 1;
        done++;
    }
}

/* A large block begins at a page: a word that is 0 (unless it was aligned), its size with the mark 2. */
static uint64_t large_block(const struct looking *looking, uint64_t at, const uint64_t *words, uint64_t end)
{
    uint64_t page = looking->resident->page;
    if (words[0] != 0 || (words[1] & 7) != 2)
        return 0;
    uint64_t bytes = words[1] & ~(uint64_t)7;
    uint64_t left = looking->native->mapped - looking->sum->large_found_bytes;
    return bytes % page == 0 && bytes <= end - at && bytes <= left ? bytes : 0;
}

/* The first large block that begins from `at` on, below `end`; 0: there is none. */
static uint64_t find_large(const struct looking *looking, uint64_t at, uint64_t end, uint64_t *bytes)
{
    uint8_t states[HEADS];
    struct heads heads;
    size_t page = looking->resident->page;
    while (at < end) {
        uint64_t left = (end - at) / page;
        size_t count = left < HEADS ? (size_t)left : HEADS;
        husk__resident_pages(looking->resident, (const void *)(uintptr_t)at, count, states);
        heads.count = 0;
        for (size_t i = 0; i < count; i++, at += page) /* its first page is there: the size was written */
            if (states[i] == PAGE_OWN || states[i] == PAGE_SHARED)
                heads.at[heads.count++] = at;
        read_heads(looking, &heads);
        for (size_t i = 0; i < heads.count; i++)
            if ((*bytes = large_block(looking, heads.at[i], heads.words[i], end)) != 0)
                return heads.at[i];
    }
    return 0;
}

static uint64_t take_large(struct looking *looking, const husk_map *map, struct husk__amount *rest)
{
    struct husk__maps_sum *sum = looking->sum;
    struct husk__reserved ours;
    uint64_t taken = 0, bytes, left = looking->native->mapped - sum->large_found_bytes;
    if (!rest->bytes || map->bytes > SCANNED + left)
        return 0;
    for (uint64_t at = map->start; at < map->end && sum->large_found < looking->native->mapped_blocks;) {
        uint64_t end = map->end;
        if (husk__reserved_find((uintptr_t)at, &ours) && ours.start < end) {
            if (ours.start <= at) { /* none of malloc's */
                at = ours.end;
                continue;
            }
            end = ours.start;
        }
        uint64_t found = find_large(looking, at, end, &bytes);
        at = end;
        if (!found)
            continue;
        struct husk__amount amount = amount_between(looking, found, found + bytes);
        add_amount(&sum->large, &amount);
        take_amount(rest, &amount);
        sum->large_found++;
        sum->large_found_bytes += bytes;
        taken += bytes;
        at = found + bytes;
    }
    return taken;
}

/* ---- all ---- */

static void sort_in(struct looking *looking, struct husk__stacks *stacks, husk_map *map, uint64_t guard_end,
                    bool ours)
{
    static const enum husk__row_number rows[HUSK_MAP_KINDS] = { ROW_FILES,  ROW_NATIVE_USED, ROW_STACKS,
                                                                ROW_SHARED, ROW_ANONYMOUS,   ROW_KERNEL };
    struct husk__amount rest = amount_of(map);
    uint64_t space = map->bytes;
    looking->sum->rss += rest.bytes;
    if (ours)
        space = take_ours(looking, map, &rest);
    bool usable = map->kind == HUSK_MAP_OF_ANONYMOUS && memcmp(map->permissions, "rw", 2) == 0;
    if (usable && space == map->bytes && husk__stacks_thread(stacks, map, guard_end)) {
        map->kind = HUSK_MAP_OF_STACK;
        looking->sum->stacks++;
    } else if (usable && space && ours && looking->native && looking->memory >= 0) {
        space -= take_arenas(looking, map, &rest);
        space -= take_large(looking, map, &rest);
    }
    if (map->kind == HUSK_MAP_OF_HEAP && ours) {
        add_amount(&looking->sum->small, &rest);
        return;
    }
    looking->sum->stacks += strcmp(map->path, "[stack]") == 0;
    add_to_row(&looking->balance->rows[rows[map->kind]], &rest, space);
}

static uint64_t arenas_of(const husk_native_memory *native)
{
    return native ? native->taken - native->mapped : 0; /* the first one's part is not told apart */
}

husk_status husk__balance_maps(struct husk_balance *balance, int64_t pid, bool twin,
                               struct husk__resident *resident, const husk_native_memory *native,
                               struct husk__maps_sum *out)
{
    struct husk__proc proc;
    struct husk__smaps smaps;
    struct husk__stacks stacks;
    husk_map map;
    bool ours = pid == 0 || twin;
    *out = (struct husk__maps_sum){ 0 };
    struct looking looking = { balance, resident, native, out, -1, arenas_of(native) };
    husk_status status = husk__proc_open(pid, &proc);
    if (status)
        return status;
    status = husk__proc_alive(&proc);
    if (!status)
        status = husk__smaps_open(&smaps, &proc, true);
    if (status) {
        husk__proc_close(&proc);
        return status;
    }
    husk__stacks_open(&stacks, &proc);
    int self = ours && native ? husk__system_dir("/proc/self") : -1;
    if (self >= 0) {
        looking.memory = openat(self, "mem", O_RDONLY | O_CLOEXEC);
        close(self);
    }
    while (husk__smaps_next(&smaps, &map))
        sort_in(&looking, &stacks, &map, smaps.guard_end, ours);
    out->threads = stacks.threads + 1;
    husk__stacks_close(&stacks);
    if (looking.memory >= 0)
        close(looking.memory);
    status = husk__smaps_close(&smaps);
    husk__proc_close(&proc);
    return status;
}
