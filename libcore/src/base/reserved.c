/* base/reserved.c: a sorted table of address ranges. See reserved.h.
 *
 * Neighbours of one use are one entry, so there are few: one for all heaps, a handful for each snapshot. Where chunks
 * are mapped one by one there may be many: the table ends somewhere, and what is beyond it is not known to be ours. */
#include "base/reserved.h"

#include <pthread.h>
#include <string.h>

enum { MOST = 1024 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct husk__reserved table[MOST]; /* touched as used */
static size_t count, lost;

/* The first entry that ends above `at`. */
static size_t find(uintptr_t at)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (table[middle].end > at)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static bool open_place(size_t i)
{
    if (count == MOST) {
        lost++;
        return false;
    }
    memmove(table + i + 1, table + i, (count - i) * sizeof *table);
    count++;
    return true;
}

static void close_place(size_t i)
{
    count--;
    memmove(table + i, table + i + 1, (count - i) * sizeof *table);
}

void husk__reserved_add(const void *at, size_t bytes, enum husk__use use)
{
    uintptr_t start = (uintptr_t)at, end = start + bytes;
    pthread_mutex_lock(&lock);
    size_t i = find(start);
    bool before = i > 0 && table[i - 1].end == start && table[i - 1].use == use;
    bool behind = i < count && table[i].start == end && table[i].use == use;
    if (before && behind) {
        table[i - 1].end = table[i].end;
        close_place(i);
    } else if (before) {
        table[i - 1].end = end;
    } else if (behind) {
        table[i].start = start;
    } else if (open_place(i)) {
        table[i] = (struct husk__reserved){ start, end, use };
    }
    pthread_mutex_unlock(&lock);
}

void husk__reserved_remove(const void *at, size_t bytes)
{
    uintptr_t start = (uintptr_t)at, end = start + bytes;
    pthread_mutex_lock(&lock);
    for (size_t i = find(start); i < count && table[i].start < end;) {
        struct husk__reserved old = table[i];
        if (old.start < start && old.end > end) {
            table[i].end = start;
            if (open_place(i + 1))
                table[i + 1] = (struct husk__reserved){ end, old.end, old.use };
            break;
        }
        if (old.start < start) {
            table[i++].end = start;
        } else if (old.end > end) {
            table[i++].start = end;
        } else {
            close_place(i);
        }
    }
    pthread_mutex_unlock(&lock);
}

bool husk__reserved_find(uintptr_t at, struct husk__reserved *out)
{
    pthread_mutex_lock(&lock);
    size_t i = find(at);
    bool found = i < count;
    if (found)
        *out = table[i];
    pthread_mutex_unlock(&lock);
    return found;
}

size_t husk__reserved_lost(void)
{
    pthread_mutex_lock(&lock);
    size_t n = lost;
    pthread_mutex_unlock(&lock);
    return n;
}

void husk__reserved_lock(void)
{
    pthread_mutex_lock(&lock);
}

void husk__reserved_unlock(void)
{
    pthread_mutex_unlock(&lock);
}
