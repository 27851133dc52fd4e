/* proc/resident.c: /proc/self/pagemap, else mincore. See resident.h.
 *
 * An entry of pagemap has eight bytes: bit 63 present, 62 swapped, 61 of a file or shared, 56 mapped once
 * only; where the page is, is told to the superuser alone. Reading memory that was never written maps the one
 * page of zeros, which is present and counted nowhere. It is not "mapped once", as a page that a fork has
 * shared is not; which of the two it is the kernel tells since 6.7 (PAGEMAP_SCAN), and before that only its
 * contents give a hint: a shared page of the heap is seldom all zeros. The large page of zeros says that it
 * is of a file, which nothing of ours is. */
#define _GNU_SOURCE
#include "proc/resident.h"

#include "proc/read.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PRESENT ((uint64_t)1 << 63)
#define SWAPPED ((uint64_t)1 << 62)
#define OF_FILE ((uint64_t)1 << 61)
#define EXCLUSIVE ((uint64_t)1 << 56)

enum { PART = 256 };

/* As the kernel's struct pm_scan_arg and page_region; headers before 6.7 lack them. */
struct scan {
    uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages;
    uint64_t category_inverted, category_mask, category_anyof_mask, return_mask;
};
struct region {
    uint64_t start, end, categories;
};
#define SCAN _IOWR('f', 16, struct scan)
#define IS_ZEROS ((uint64_t)1 << 5)

void husk__resident_open(struct husk__resident *resident, int64_t pid)
{
    struct husk__proc proc;
    resident->page = (size_t)sysconf(_SC_PAGESIZE);
    resident->pagemap = -1;
    resident->ours = pid == 0;
    if (husk__proc_open(pid, &proc) == HUSK_OK) {
        resident->pagemap = openat(proc.dir, "pagemap", O_RDONLY | O_CLOEXEC);
        husk__proc_close(&proc);
    }
    resident->by = resident->pagemap >= 0 ? RESIDENT_BY_PAGEMAP
                   : pid == 0             ? RESIDENT_BY_MINCORE
                                          : RESIDENT_NOT_KNOWN;
}

void husk__resident_close(struct husk__resident *resident)
{
    if (resident->pagemap >= 0)
        close(resident->pagemap);
    resident->pagemap = -1;
}

static bool is_zeros(const struct husk__resident *resident, const char *at)
{
    struct region region;
    struct scan scan = { .size = sizeof scan,
                         .start = (uintptr_t)at,
                         .end = (uintptr_t)at + resident->page,
                         .vec = (uintptr_t)&region,
                         .vec_len = 1,
                         .category_mask = IS_ZEROS,
                         .return_mask = IS_ZEROS };
    long found = syscall(SYS_ioctl, resident->pagemap, SCAN, &scan); /* C libraries disagree on its type */
    if (found >= 0)
        return found > 0;
    return at[0] == 0 && memcmp(at, at + 1, resident->page - 1) == 0;
}

static uint8_t state_of(const struct husk__resident *resident, const char *at, uint64_t entry)
{
    if (entry & SWAPPED)
        return PAGE_SWAPPED;
    if (!(entry & PRESENT) || (entry & OF_FILE))
        return PAGE_ABSENT;
    if (entry & EXCLUSIVE)
        return PAGE_OWN;
    return is_zeros(resident, at) ? PAGE_ABSENT : PAGE_SHARED;
}

static bool by_pagemap(const struct husk__resident *resident, const char *at, size_t count, uint8_t *states)
{
    uint64_t entries[PART];
    for (size_t from = 0; from < count; from += PART) {
        size_t n = count - from < PART ? count - from : PART;
        const char *part = at + from * resident->page;
        off_t offset = (off_t)((uintptr_t)part / resident->page * sizeof *entries);
        if (pread(resident->pagemap, entries, n * sizeof *entries, offset) != (ssize_t)(n * sizeof *entries))
            return false;
        for (size_t i = 0; i < n; i++)
            states[from + i] = state_of(resident, part + i * resident->page, entries[i]);
    }
    return true;
}

static bool by_mincore(const struct husk__resident *resident, const char *at, size_t count, uint8_t *states)
{
    if (mincore((void *)(uintptr_t)at, count * resident->page, states) != 0)
        return false;
    for (size_t i = 0; i < count; i++)
        states[i] = states[i] & 1 ? PAGE_OWN : PAGE_ABSENT;
    return true;
}

void husk__resident_pages(struct husk__resident *resident, const void *at, size_t count, uint8_t *states)
{
    if (resident->by == RESIDENT_BY_PAGEMAP && !by_pagemap(resident, at, count, states))
        resident->by = resident->ours ? RESIDENT_BY_MINCORE : RESIDENT_NOT_KNOWN;
    if (resident->by == RESIDENT_BY_MINCORE && !by_mincore(resident, at, count, states))
        resident->by = RESIDENT_NOT_KNOWN;
    if (resident->by == RESIDENT_NOT_KNOWN)
        memset(states, PAGE_OWN, count);
}
