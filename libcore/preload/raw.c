/* preload/raw.c: see raw.h. The library asks seldom, for tables that double, so this is simple: blocks of a power of two
 * come from large pieces and go back to a list of their size; large ones are mappings of their own. */
#define _GNU_SOURCE
#include "preload/raw.h"

#include "base/bits.h"

#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

enum { LEAST_SHIFT = 5, MOST_SHIFT = 16, PAGE = 4096 };
#define PIECE ((size_t)1 << 20)

/* Before each block. */
struct head {
    size_t room; /* bytes with this head */
    struct head *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct head *idle[MOST_SHIFT + 1];
static char *piece;
static size_t piece_left;

static void *map(size_t bytes)
{
    void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return at == MAP_FAILED ? NULL : at;
}

/* The lock is held. */
static struct head *small_new(unsigned shift)
{
    struct head *head = idle[shift];
    size_t room = (size_t)1 << shift;
    if (head) {
        idle[shift] = head->next;
        return head;
    }
    if (piece_left < room) { /* what is left of the old one stays unused */
        piece = map(PIECE);
        piece_left = piece ? PIECE : 0;
        if (!piece)
            return NULL;
    }
    head = (struct head *)(void *)piece;
    piece += room;
    piece_left -= room;
    head->room = room;
    return head;
}

static struct head *head_new(size_t need)
{
    struct head *head;
    if (need > (size_t)1 << MOST_SHIFT) {
        size_t room = husk__round_up(need, PAGE);
        head = map(room);
        if (head)
            head->room = room;
        return head;
    }
    unsigned shift = need > (size_t)1 << LEAST_SHIFT ? husk__highest_bit(need - 1) + 1 : LEAST_SHIFT;
    preload_raw_lock();
    head = small_new(shift);
    preload_raw_unlock();
    return head;
}

static void head_free(struct head *head)
{
    if (head->room > (size_t)1 << MOST_SHIFT) {
        (void)munmap(head, head->room);
        return;
    }
    unsigned shift = husk__highest_bit(head->room);
    preload_raw_lock();
    head->next = idle[shift];
    idle[shift] = head;
    preload_raw_unlock();
}

void *preload_raw(void *old, size_t bytes)
{
    struct head *head = old ? (struct head *)old - 1 : NULL;
    if (bytes == 0) {
        if (head)
            head_free(head);
        return NULL;
    }
    if (bytes > SIZE_MAX / 2)
        return NULL;
    size_t need = bytes + sizeof *head;
    if (head && need <= head->room && need > head->room / 4)
        return old;
    struct head *fresh = head_new(need);
    if (!fresh)
        return NULL;
    if (head) {
        size_t kept = head->room < fresh->room ? head->room : fresh->room;
        memcpy(fresh + 1, head + 1, kept - sizeof *head);
        head_free(head);
    }
    return fresh + 1;
}

void preload_raw_lock(void)
{
    pthread_mutex_lock(&lock);
}

void preload_raw_unlock(void)
{
    pthread_mutex_unlock(&lock);
}
