/* base/statpage.h: a small file in memory which others read while this process writes it, and nobody waits.
 *
 *   <folder>/husk-gcstat.<pid>: head | slot 0 | slot 1 | ...
 *   slot: a sequence number | words; the first word is 0 while nobody has the slot
 *
 * Each slot is a seqlock: its number is odd while its writer is at work, and a reader that saw the same even number
 * before and after has a consistent slot. The words are atomic, stored with release and loaded with acquire, so that
 * a reader who saw a word of a writer also sees that writer's odd number (Boehm 2012, "Can seqlocks get along with
 * programming language memory models?").
 *
 * The process holds a lock on its file as long as it runs; a file that is not locked has no owner, whatever has become
 * of its number, and is removed by whoever of the same user comes across it. A child of fork lets go of both.
 *
 * Any thread. */
#ifndef HUSK_BASE_STATPAGE_H
#define HUSK_BASE_STATPAGE_H

#include <husk/status.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STATPAGE_MAGIC UINT64_C(0x747374636b737568) /* "huskctst" in memory, where the least byte is first */
enum { STATPAGE_SLOTS = 16, STATPAGE_PATH = 256 };

struct husk__stathead {
    _Atomic uint64_t magic; /* set last */
    uint64_t version, pid, slots, slot_bytes, beyond;
    uint64_t rest[2];
};

/* The layout that both sides must agree on. */
struct husk__statlayout {
    uint64_t version;
    size_t slot_bytes; /* of the words, a multiple of 8 */
};

/* The page of this process is made, if it is not there. The layout is kept, not copied. */
husk_status husk__statpage_start(const struct husk__statlayout *layout);
void husk__statpage_stop(void);

/* There is a page, or a child of fork is to get its own. Cheap. */
extern _Atomic bool husk__statpage_wanted;

/* A place in the page of the moment: pages come and go, by stop and by fork. */
struct husk__statplace {
    uint32_t page; /* 0: none yet */
    int slot;      /* < 0: all were taken */
};

/* Writes the words of its slot, which it gets if it had none. `make`: a child of fork may make its page now. */
void husk__statpage_write(struct husk__statplace *place, const void *words, bool make);
void husk__statpage_give(struct husk__statplace *place);

/* ---- the other side ---- */

/* A page of a running process, mapped. */
struct husk__statread {
    const struct husk__stathead *head;
    size_t bytes;
    size_t slot_bytes; /* of our layout: what the page says may change at any time */
};

/* HUSK_EMISSING: no such process, or it has no page; HUSK_EIO: another user's, or refused; HUSK_EFORMAT: of another
 * layout. */
husk_status husk__statpage_open(int pid, const struct husk__statlayout *layout, struct husk__statread *out);
void husk__statpage_close(struct husk__statread *read);
/* A consistent copy of a slot; *used: somebody has it. HUSK_EBUSY: its writer does not come to an end. */
husk_status husk__statpage_read(const struct husk__statread *read, size_t slot, void *words, bool *used);

/* The numbers of processes that have pages which we may read, in no order; those of the dead are removed. */
husk_status husk__statpage_list(int *pids, size_t room, size_t *count);

#endif
