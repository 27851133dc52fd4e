/* store/store.h: one heap's memory: bins of pages, limits, and the figures that pace the collector.
 *
 *   bin (class, tracked?) --> hand: blocks ready to be given out, of the current page
 *                         --> page: the current page          --> list: other pages with room, latest freed first
 *
 * Giving a block out pops the hand: no counter, no lock, no division. What dies on the current page comes back as simply,
 * to be the next hand: until then it counts as used. It does not go into the hand itself, since each birth would then wait
 * for what the death before has stored: the two lists are two chains of loads that run side by side. Everything else
 * happens in refill, when the hand is empty. While births are watched (trace), blocks whose birth is to be seen wait
 * aside, nothing comes back so, and the hand is empty when it is their turn. Figures:
 *   bytes_taken == bytes of struct + chunks * CHUNK_COST + (used + spare pages) * PAGE_COST + own mappings + raw
 *   seen_blocks == sum of page.seen: exact for a page when it is refilled or recounted, late by deaths otherwise */
#ifndef HUSK_STORE_STORE_H
#define HUSK_STORE_STORE_H

#include "store/chunk.h"
#include "store/poison.h"
#include "store/sizes.h"

#include <husk/status.h>
#include <stdatomic.h>

struct husk__carry {
    const void *block;
    uint64_t count;
};

/* What waits for a moment at which user code may run. Any thread may add to it, so one relaxed load tells
 * a release whether there is anything. */
enum {
    HUSK__WAITS_DUE = 1u << 0,      /* dying objects with finalizers, and events */
    HUSK__WAITS_PASS = 1u << 1,     /* a collect asked for inside a hook, or garbage left by a quiet pass */
    HUSK__WAITS_TELL = 1u << 2,     /* the pass callbacks have not heard of a quiet pass */
    HUSK__WAITS_LATER = 1u << 3,    /* husk_obj_release_later; set after the node is in the list */
    HUSK__WAITS_REQUEST = 1u << 4,  /* husk_heap_request; also served by the next refill */
    HUSK__WAITS_SURPLUS = 1u << 5,  /* more pages are spare than are worth keeping */
    HUSK__WAITS_TRACE = 1u << 6,    /* husk_trace_request: on */
    HUSK__WAITS_NO_TRACE = 1u << 7, /* off; the later one takes the other away */
    HUSK__WAITS_DEATH = 1u << 8,    /* what a death budget left in the drain; the next refill goes on too */
    HUSK__WAITS_YOUNG = 1u << 9,    /* garbage with hooks on young pages, left by a quiet run */
    HUSK__WAITS_STEP = 1u << 10,    /* a pass in steps has come to garbage with hooks */
};

enum { HUSK__CARRY_AT = 1 << 11 }; /* references that one entry stands for at least */

struct husk__bin {
    struct husk__slot *hand;
    struct husk__slot *back; /* came back from the current page: the next hand */
    struct husk__page *page;
    struct husk__page *list;
    struct husk__slot *aside; /* of the current page too: next when the hand is empty */
    uint32_t aside_count;
    uint32_t turn; /* bytes dealt lately: while they are few, fresh blocks go with what came back */
    size_t left;   /* WATCH_SAMPLES: bytes to be given out before a birth is looked at */
};

enum { HUSK__MOST_YOUNG = 255 }; /* numbered from 1, in husk__page.young */

/* husk__store.watch */
enum {
    WATCH_NONE = 0,
    WATCH_ALL,     /* every birth comes through refill */
    WATCH_SAMPLES, /* so does one after `left` bytes, and its gap is drawn anew */
};

/* husk__store.picked: by whom */
enum { PICKED_TRACE = 1, PICKED_LEDGER = 2 };

struct husk__store {
    size_t lones; /* objects with a lone weak reference (object/cell.h): <husk/inline.h> counts them here */
    struct husk__bin bins[2 * HUSK__CLASSES + 1]; /* untracked classes, tracked ones, HUSK__NO_BIN */

    struct husk__chunk **chunks; /* by address */
    size_t chunk_count, chunk_room;
    size_t chunk_hint; /* no free page in chunks of a lower index */
    size_t pages_used, pages_spare;
    uint64_t surplus_since; /* coarse ns; 0: no more spare pages than are worth keeping */

    size_t bytes_taken, bytes_peak, max_bytes;
    size_t raw_bytes; /* buffers */
    husk_status failure;

    /* Room for counts that overflow the side table (cycle/side.h), kept in step with the memory that can hold
     * references, since a pass must not ask for any. All zero outside passes. */
    struct husk__carry *carries;
    size_t carry_room;  /* a power of two */
    size_t carry_count; /* entries in use */

    size_t seen_blocks, seen_bytes; /* live blocks, as last seen; raw and foreign bytes not in it */
    size_t foreign_bytes;
    struct husk__page *young[HUSK__MOST_YOUNG + 1]; /* store/young.h; [0] is not used */
    unsigned young_count;
    bool in_steps; /* a search is under way, between two of its steps: on_gone must hear of pages that go */
    size_t trigger_blocks, trigger_bytes; /* on_pressure is called above these; bytes with raw and foreign */
    size_t trigger_taken;                 /* and above this in bytes_taken: the soft limit */
    size_t look_blocks, look_bytes;       /* and above these: a run over young pages, or the next step */
    size_t pages_reserved;                /* spare pages that are no surplus: taken beforehand for a region */
    _Atomic uint32_t attention; /* HUSK__WAITS_...: nonzero means that something waits for a safe point */
    bool closed;                /* no more births: the heap is being taken apart */
    bool one_by_one;            /* refill hands out single blocks, so that each birth is seen */
    uint8_t watch;              /* WATCH_... */
    bool ledger;                /* every birth comes through refill, whatever else is watched */
    uint8_t picked;             /* PICKED_...: the block that refill or large gives out is to be looked at */
    size_t large_left;          /* as husk__bin.left, for large blocks */
    size_t (*gap)(struct husk__store *store); /* WATCH_SAMPLES: bytes to the next sample */

    /* The one arrow that points up: set by heap.c, called before memory is taken in a slow path. It may
     * run a pass over garbage without hooks, and so free blocks, but never runs user code. */
    void (*on_pressure)(struct husk__store *store);
    /* A page is about to be given back. */
    void (*on_gone)(struct husk__store *store, struct husk__page *page);
    /* max_bytes is reached or the system refuses. True: something was freed, try once more; if that was not enough,
     * ask again. */
    bool (*on_limit)(struct husk__store *store, bool again);
};

ALWAYS_INLINE uint32_t husk__waiting(struct husk__store *store)
{
    return atomic_load_explicit(&store->attention, memory_order_relaxed);
}

static inline void husk__let_wait(struct husk__store *store, uint32_t what)
{
    atomic_fetch_or_explicit(&store->attention, what, memory_order_release);
}

/* It waits no longer. Answers whether it did. */
static inline bool husk__take_waiting(struct husk__store *store, uint32_t what)
{
    return (husk__waiting(store) & what) &&
           (atomic_fetch_and_explicit(&store->attention, ~what, memory_order_acquire) & what);
}

/* Counts bytes against max_bytes. False: failure is HUSK_ELIMIT. */
bool husk__store_charge(struct husk__store *store, size_t bytes);
/* What was charged is there: notes the peak, makes room for carries. */
void husk__store_charged(struct husk__store *store);
void husk__store_discharge(struct husk__store *store, size_t bytes);

/* Refills the hand of a bin and gives out one block, or NULL (store->failure). The block's first 16 bytes are
 * undefined, the others may hold old bytes. */
struct husk__slot *husk__store_refill(struct husk__store *store, unsigned bin);

/* A block above HUSK__LARGEST bytes; *dirty as for husk__pages_take. */
struct husk__slot *husk__store_large(struct husk__store *store, size_t bytes, bool tracked, bool *dirty);

/* The rest of a free: the page was full, or is empty now, or holds one large block. */
void husk__store_free_slow(struct husk__page *page);

/* All blocks of the page at once; none of them is in a hand. */
void husk__store_free_page(struct husk__page *page);

/* Makes seen_blocks and seen_bytes exact. O(pages). */
void husk__store_recount(struct husk__store *store);
/* The same for young pages alone (store/young.h). */
void husk__store_recount_young(struct husk__store *store);

/* Blocks that no object has but that count as used (in hands, aside, come back), and their bytes. O(these). */
size_t husk__store_in_hand(const struct husk__store *store, size_t *bytes);

/* The triggers are passed. */
bool husk__store_grown(const struct husk__store *store);
bool husk__store_looks(const struct husk__store *store); /* the same of look_... */

/* At most so many blocks, and bytes, are born after the triggers were last looked at: what lies ready in hands, and
 * one page more. O(bins). */
size_t husk__store_ready(const struct husk__store *store, size_t *bytes);

/* Calls on_pressure if they are, or if something else is to be looked at. */
void husk__store_relieve(struct husk__store *store);

/* Each birth comes through refill, or hands are filled again. */
void husk__store_one_by_one(struct husk__store *store, bool on);

/* Births are watched from now on, or not. */
void husk__store_watch(struct husk__store *store, unsigned watch, size_t (*gap)(struct husk__store *store));

/* Every birth is to be seen by the ledger from now on, or not. */
void husk__store_ledger(struct husk__store *store, bool on);

/* Puts all hands, what came back and what is aside into their pages and gives up current pages; those that are empty become spare. */
void husk__store_rest(struct husk__store *store);

/* Closes all pages to births, or opens them again. */
void husk__store_freeze(struct husk__store *store);
void husk__store_unfreeze(struct husk__store *store);

/* Bytes of a live block. */
size_t husk__block_bytes(const struct husk__page *page);

/* Makes room for carries in step with bytes_taken. Where that is refused, a pass treats what finds no room
 * as held from outside (cycle/side.h): late, never wrong. */
void husk__carry_ensure(struct husk__store *store);

/* Raw bytes counted against max_bytes: for the heap's own tables. NULL: store->failure. */
void *husk__charged_resize(struct husk__store *store, void *old, size_t old_bytes, size_t new_bytes);
void husk__charged_free(struct husk__store *store, void *old, size_t bytes);

/* The same as buffers of objects: paced and retried like births. */
void *husk__buffer_resize(struct husk__store *store, void *old, size_t old_bytes, size_t new_bytes);
void husk__buffer_free(struct husk__store *store, void *old, size_t bytes);

/* Gives a block out; the fast path. */
ALWAYS_INLINE struct husk__slot *husk__store_take(struct husk__store *store, unsigned bin)
{
    struct husk__slot *block = store->bins[bin].hand;
    if (UNLIKELY(!block))
        return husk__store_refill(store, bin);
    store->bins[bin].hand = block->next;
    HUSK__UNPOISON(block, husk__page_of(block)->block);
    return block;
}

/* Takes a block back. */
ALWAYS_INLINE void husk__store_free(struct husk__slot *block)
{
    struct husk__page *page = husk__chunk_of(block)->records + husk__page_index(block);
    struct husk__slot *old = page->free;
    HUSK__POISON_FREE(block, page);
    block->head = 0;
    block->next = old;
    page->free = block;
    page->used--;
    if (UNLIKELY(!old) || UNLIKELY(page->used == 0))
        husk__store_free_slow(page);
}

/* The same, in fewer instructions for a block of the current page while births are not watched: it comes back to the bin. */
ALWAYS_INLINE void husk__store_free_back(struct husk__slot *block)
{
    uint32_t at = husk__page_of(block)->back_at;
    if (UNLIKELY(!at)) {
        husk__store_free(block);
        return;
    }
    struct husk__slot **back = (struct husk__slot **)(void *)((char *)husk__chunk_of(block)->owner + at);
    block->head = 0;
    block->next = *back;
    *back = block;
}

#endif
