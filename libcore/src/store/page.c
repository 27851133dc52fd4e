/* store/page.c: pages of one size: refill, which is the slow path of a birth, and the slow part of a free.
 * Taking and giving whole pages is chunk.c. See store.h for the picture. */
#include "store/walk.h"
#include "store/young.h"

/* Fresh blocks are linked a system page at a time, so that memory is touched as used; a page that is
 * refilled often is given more, so that a refill is paid for by some hundred births (measured: 0.4 ns a
 * birth in a ring of 1000). */
#define CARVE_BYTES 4096
#define HAND_BYTES 16384
#define HANDFUL 16 /* blocks: fewer that came back are no turn of their own */

static void list_add(struct husk__bin *bin, struct husk__page *page)
{
    page->prev = NULL;
    page->next = bin->list;
    if (bin->list)
        bin->list->prev = page;
    bin->list = page;
    page->listed = true;
}

static void list_remove(struct husk__bin *bin, struct husk__page *page)
{
    if (page->prev)
        page->prev->next = page->next;
    else
        bin->list = page->next;
    if (page->next)
        page->next->prev = page->prev;
    page->next = page->prev = NULL;
    page->listed = false;
}

static bool has_room(const struct husk__page *page)
{
    return page->free || page->fresh < page->capacity;
}

static void see(struct husk__store *store, struct husk__page *page)
{
    store->seen_blocks += (size_t)page->used - page->seen;
    store->seen_bytes += ((size_t)page->used - page->seen) * husk__block_bytes(page);
    page->seen = (uint16_t)page->used;
}

static void unsee(struct husk__store *store, struct husk__page *page)
{
    store->seen_blocks -= page->seen;
    store->seen_bytes -= page->seen * husk__block_bytes(page);
    page->seen = 0;
}

ALWAYS_INLINE void link_block(char *at, struct husk__slot *next, size_t bytes)
{
    struct husk__slot *block = (struct husk__slot *)at;
    HUSK__UNPOISON(at, 16);
    HUSK__POISON(at + 16, bytes - 16);
    block->head = 0;
    block->next = next;
}

/* Links up to `most` fresh blocks in address order, and `rest` behind them. */
static struct husk__slot *carve(struct husk__page *page, uint32_t most, struct husk__slot *rest)
{
    const size_t stride = page->block;
    uint32_t left = page->capacity - page->fresh;
    uint32_t n = left < most ? left : most;
    if (n == 0)
        return rest;
    char *first = husk__page_start(page) + page->fresh * stride, *last = first + (n - 1) * stride;
    for (char *at = first, *next; at != last; at = next) {
        next = at + stride;
        link_block(at, (struct husk__slot *)next, stride);
    }
    link_block(last, rest, stride);
    page->fresh += n;
    page->used += n;
    return (struct husk__slot *)first;
}

static struct husk__slot *carve_some(struct husk__page *page, struct husk__slot *rest)
{
    return carve(page, page->block < CARVE_BYTES ? CARVE_BYTES / page->block : 1, rest);
}

/* What is ready on the current page; NULL: it is full. */
static struct husk__slot *hand_of(const struct husk__store *store, struct husk__page *page)
{
    struct husk__slot *hand = page->free;
    if (store->one_by_one) {
        if (!hand)
            return carve(page, 1, NULL);
        page->free = hand->next;
        hand->next = NULL;
        page->used++;
        return hand;
    }
    uint32_t freed = page->fresh - page->used;
    page->free = NULL;
    page->used = page->fresh;
    if (freed * page->block >= HAND_BYTES)
        return hand;
    return carve_some(page, hand);
}

/* The bin is without a current page. */
static void leave(struct husk__bin *bin)
{
    if (bin->page)
        bin->page->back_at = 0;
    bin->page = NULL;
}

static struct husk__page *new_page(struct husk__store *store, unsigned number)
{
    bool dirty;
    struct husk__page *page = husk__pages_take(store, 1, &dirty);
    if (!page)
        return NULL;
    page->block = husk__class_bytes[number % HUSK__CLASSES];
    page->capacity = (uint16_t)(HUSK__PAGE / page->block);
    page->bin = (uint8_t)number;
    page->tracked = number >= HUSK__CLASSES;
    page->state = HUSK__PAGE_BLOCKS;
    return page;
}

/* The first of n blocks, to be given out now. Those behind it go to the hand up to the next birth that is to be
 * looked at; it and all behind it wait aside. */
static struct husk__slot *deal(struct husk__store *store, struct husk__bin *bin, struct husk__slot *first,
                               uint32_t n)
{
    uint32_t unseen = store->ledger ? 1 : n; /* may be given out without a look by the tracer */
    size_t block = bin->page->block;
    bin->page->back_at = 0;
    if (store->watch == WATCH_ALL) {
        unseen = 0;
    } else if (store->watch == WATCH_SAMPLES) {
        if (bin->left / block < unseen)
            unseen = (uint32_t)(bin->left / block);
        bin->left = unseen ? bin->left - unseen * block : store->gap(store);
    }
    HUSK__UNPOISON(first, block);
    store->picked = (uint8_t)((unseen ? 0 : PICKED_TRACE) | (store->ledger ? PICKED_LEDGER : 0));
    if (unseen == n) {
        bin->hand = first->next;
        bin->aside = NULL;
        bin->aside_count = 0;
        if (store->watch == WATCH_NONE && !store->ledger && !store->one_by_one) /* no birth is to be seen */
            bin->page->back_at = (uint32_t)((char *)&bin->back - (char *)store);
        bin->turn = n * (uint32_t)block;
        return first;
    }
    struct husk__slot *last = first;
    for (uint32_t i = 1; i < unseen; i++)
        last = last->next;
    bin->hand = unseen > 1 ? first->next : NULL;
    bin->aside = last->next;
    bin->aside_count = n - (unseen ? unseen : 1);
    last->next = NULL;
    return first;
}

/* Blocks go back to the page that they are of. */
static void take_back(struct husk__page *page, struct husk__slot *list)
{
    while (list) {
        struct husk__slot *block = list;
        list = block->next;
        block->next = page->free;
        page->free = block;
        page->used--;
    }
}

static uint32_t count_up_to(const struct husk__slot *list, uint32_t most)
{
    uint32_t n = 0;
    for (; list && n < most; list = list->next)
        n++;
    return n;
}

/* What came back is dealt once more, with fresh blocks behind it while the hand is small. Births are not watched. How much
 * it is must be known only if the page is not young, and whether it is worth a turn: a handful goes to the page's list,
 * and NULL is the answer. */
static struct husk__slot *deal_again(struct husk__store *store, struct husk__bin *bin)
{
    struct husk__page *page = bin->page;
    struct husk__slot *first = bin->back;
    bool noting = page->tracked && !page->young && store->young_count < HUSK__MOST_YOUNG;
    uint32_t touched = page->fresh, quarter = page->capacity / 4u;
    uint32_t n = count_up_to(first, noting && quarter > HANDFUL ? quarter : HANDFUL);
    bin->back = NULL;
    if (n < HANDFUL) {
        take_back(page, first);
        return NULL;
    }
    if (bin->turn < HAND_BYTES) {
        first = carve_some(page, first);
        bin->turn += (page->fresh - touched) * page->block;
    }
    see(store, page);
    if (noting && (n >= quarter || page->fresh > touched))
        husk__young_note(store, page);
    bin->hand = first->next;
    return first;
}

static struct husk__slot *refill(struct husk__store *store, unsigned number)
{
    struct husk__bin *bin = &store->bins[number];
    if (UNLIKELY(bin->aside != NULL))
        return deal(store, bin, bin->aside, bin->aside_count);
    if (bin->back) {
        struct husk__slot *first = deal_again(store, bin);
        if (first)
            return first;
    }
    for (;;) {
        struct husk__page *page = bin->page;
        uint32_t before = page ? page->used : 0, touched = page ? page->fresh : 0;
        struct husk__slot *hand = page ? hand_of(store, page) : NULL;
        if (hand) {
            see(store, page);
            if (page->tracked && (page->fresh > touched || (page->used - before) * 4 >= page->capacity))
                husk__young_note(store, page);
            return deal(store, bin, hand, page->used - before);
        }
        if (bin->list) {
            leave(bin);
            bin->page = bin->list;
            list_remove(bin, bin->page);
            continue;
        }
        leave(bin);
        if (!(bin->page = new_page(store, number)))
            return NULL;
    }
}

bool husk__store_grown(const struct husk__store *store)
{
    return store->seen_blocks > store->trigger_blocks ||
           store->seen_bytes + store->raw_bytes + store->foreign_bytes > store->trigger_bytes ||
           store->bytes_taken > store->trigger_taken;
}

bool husk__store_looks(const struct husk__store *store)
{
    return store->seen_blocks > store->look_blocks ||
           store->seen_bytes + store->raw_bytes + store->foreign_bytes > store->look_bytes;
}

size_t husk__store_ready(const struct husk__store *store, size_t *bytes)
{
    size_t blocks = HUSK__PAGE / HUSK__SMALLEST;
    *bytes = HUSK__PAGE;
    for (unsigned b = 0; b < 2 * HUSK__CLASSES; b++)
        if (store->bins[b].page) {
            blocks += store->bins[b].page->capacity;
            *bytes += HUSK__PAGE;
        }
    return blocks;
}

void husk__store_relieve(struct husk__store *store)
{
    if (UNLIKELY(husk__store_grown(store)) || UNLIKELY(husk__store_looks(store)) ||
        UNLIKELY(store->surplus_since != 0) ||
        UNLIKELY(husk__waiting(store) & (HUSK__WAITS_REQUEST | HUSK__WAITS_DEATH)))
        store->on_pressure(store);
}

struct husk__slot *husk__store_refill(struct husk__store *store, unsigned number)
{
    if (UNLIKELY(store->closed)) {
        store->failure = HUSK_ESTATE;
        return NULL;
    }
    husk__store_relieve(store);
    /* The pass may have filled this very hand's page, but never the hand: only births fill it. */
    struct husk__slot *block = refill(store, number);
    for (bool again = false; UNLIKELY(!block) && store->on_limit(store, again); again = true)
        block = refill(store, number);
    return block;
}

static struct husk__page *take_large(struct husk__store *store, size_t bytes, bool *dirty)
{
    if (bytes <= HUSK__CHUNK / 4) {
        unsigned n = (unsigned)((bytes + HUSK__PAGE - 1) >> HUSK__PAGE_SHIFT);
        struct husk__page *page = husk__pages_take(store, n, dirty);
        if (page) {
            page->run = (uint8_t)n;
            page->block = (uint32_t)(n * HUSK__PAGE);
        }
        return page;
    }
    *dirty = false;
    struct husk__page *page = husk__chunk_take_own(store, bytes);
    if (page)
        page->block = UINT32_MAX; /* its size is husk__chunk.own_bytes */
    return page;
}

struct husk__slot *husk__store_large(struct husk__store *store, size_t bytes, bool tracked, bool *dirty)
{
    if (UNLIKELY(store->closed)) {
        store->failure = HUSK_ESTATE;
        return NULL;
    }
    husk__store_relieve(store);
    struct husk__page *page = take_large(store, bytes, dirty);
    bool hopeless = store->max_bytes && bytes > store->max_bytes;
    for (bool again = false; UNLIKELY(!page) && !hopeless && store->on_limit(store, again); again = true)
        page = take_large(store, bytes, dirty);
    if (!page)
        return NULL;
    bool traced = store->watch == WATCH_ALL;
    if (store->watch == WATCH_SAMPLES) {
        traced = bytes > store->large_left;
        store->large_left = traced ? store->gap(store) : store->large_left - bytes;
    }
    store->picked = (uint8_t)((traced ? PICKED_TRACE : 0) | (store->ledger ? PICKED_LEDGER : 0));
    page->state = HUSK__PAGE_RUN;
    page->capacity = 1;
    page->fresh = page->used = 1;
    page->tracked = tracked;
    see(store, page);
    if (tracked)
        husk__young_note(store, page);
    struct husk__slot *block = (struct husk__slot *)husk__page_start(page);
    HUSK__UNPOISON(block, husk__block_bytes(page));
    return block;
}

size_t husk__block_bytes(const struct husk__page *page)
{
    return page->block == UINT32_MAX ? husk__chunk_of(page)->own_bytes : page->block;
}

void husk__store_free_page(struct husk__page *page)
{
    struct husk__chunk *chunk = husk__chunk_of(page);
    struct husk__store *store = chunk->owner;
    unsee(store, page);
    if (page->young)
        husk__young_forget(store, page);
    if (UNLIKELY(store->in_steps))
        store->on_gone(store, page);
    if (chunk->own_bytes) {
        husk__chunk_give_own(store, chunk);
        return;
    }
    if (page->state == HUSK__PAGE_RUN) {
        husk__pages_give(store, page, page->run);
        return;
    }
    struct husk__bin *bin = &store->bins[page->bin];
    if (page->listed)
        list_remove(bin, page);
    if (bin->page == page)
        leave(bin);
    husk__pages_give(store, page, 1);
}

void husk__store_free_slow(struct husk__page *page)
{
    struct husk__store *store = husk__chunk_of(page)->owner;
    if (page->state == HUSK__PAGE_RUN) {
        husk__store_free_page(page);
        return;
    }
    struct husk__bin *bin = &store->bins[page->bin];
    if (bin->page == page)
        return; /* the current page stays, even empty: the next birth wants it */
    if (page->used == 0)
        husk__store_free_page(page);
    else if (!page->listed && !page->frozen)
        list_add(bin, page);
}

/* What came back counts as free from now on: `used` would tell of it at its next turn only, and then of births as well. */
static void settle(struct husk__store *store)
{
    for (unsigned b = 0; b < 2 * HUSK__CLASSES; b++)
        if (store->bins[b].back) {
            take_back(store->bins[b].page, store->bins[b].back);
            store->bins[b].back = NULL;
            see(store, store->bins[b].page);
        }
}

void husk__store_recount(struct husk__store *store)
{
    settle(store);
    struct husk__page_walk walk = { store, 0, NULL, 0 };
    for (struct husk__page *page; (page = husk__next_page(&walk));)
        see(store, page);
}

void husk__store_recount_young(struct husk__store *store)
{
    settle(store);
    for (unsigned i = 1; i <= store->young_count; i++)
        see(store, store->young[i]);
}

size_t husk__store_in_hand(const struct husk__store *store, size_t *bytes)
{
    size_t blocks = 0;
    *bytes = 0;
    for (unsigned b = 0; b < 2 * HUSK__CLASSES; b++) {
        size_t here = store->bins[b].aside_count;
        for (const struct husk__slot *s = store->bins[b].hand; s; s = s->next)
            here++;
        for (const struct husk__slot *s = store->bins[b].back; s; s = s->next)
            here++;
        blocks += here;
        *bytes += here * husk__class_bytes[b % HUSK__CLASSES];
    }
    return blocks;
}

void husk__store_one_by_one(struct husk__store *store, bool on)
{
    husk__store_rest(store);
    store->one_by_one = on;
}

void husk__store_watch(struct husk__store *store, unsigned watch, size_t (*gap)(struct husk__store *store))
{
    husk__store_rest(store);
    store->watch = (uint8_t)watch;
    store->picked = 0;
    store->gap = gap;
    if (watch != WATCH_SAMPLES)
        return;
    store->large_left = gap(store);
    for (unsigned b = 0; b < 2 * HUSK__CLASSES; b++)
        store->bins[b].left = gap(store);
}

void husk__store_ledger(struct husk__store *store, bool on)
{
    husk__store_rest(store);
    store->ledger = on;
    store->picked = 0;
}

void husk__store_rest(struct husk__store *store)
{
    for (unsigned b = 0; b < 2 * HUSK__CLASSES; b++) {
        struct husk__bin *bin = &store->bins[b];
        struct husk__page *page = bin->page;
        if (!page)
            continue;
        take_back(page, bin->hand);
        take_back(page, bin->back);
        take_back(page, bin->aside);
        bin->hand = bin->back = bin->aside = NULL;
        bin->aside_count = 0;
        leave(bin);
        if (page->used == 0)
            husk__store_free_page(page);
        else if (has_room(page))
            list_add(bin, page);
    }
}

void husk__store_freeze(struct husk__store *store)
{
    husk__store_rest(store);
    husk__young_end(store);
    for (unsigned b = 0; b < 2 * HUSK__CLASSES; b++)
        while (store->bins[b].list)
            list_remove(&store->bins[b], store->bins[b].list);
    for (size_t c = 0; c < store->chunk_count; c++)
        for (unsigned p = HUSK__HEAD_PAGES; p < HUSK__PAGES; p++)
            husk__chunk_pages(store->chunks[c])[p].frozen = true; /* free records are reset when taken */
}

void husk__store_unfreeze(struct husk__store *store)
{
    for (size_t c = 0; c < store->chunk_count; c++)
        for (unsigned p = HUSK__HEAD_PAGES; p < HUSK__PAGES; p++) {
            struct husk__page *page = &husk__chunk_pages(store->chunks[c])[p];
            bool was = page->frozen;
            page->frozen = false;
            if (was && page->state == HUSK__PAGE_BLOCKS && has_room(page))
                list_add(&store->bins[page->bin], page);
        }
}
