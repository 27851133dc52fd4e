/* cycle/parallel.c: see parallel.h. */
#define _GNU_SOURCE
#include "cycle/parallel.h"

#include "base/memory.h"
#include "cycle/ephemeron.h"
#include "cycle/glance.h"
#include "cycle/passlog.h"
#include "cycle/searching.h"

#include <husk/parallel.h>
#include <string.h>

_Static_assert(HUSK_PARALLEL_MOST == HUSK__TEAM_MOST + 1, "the owner and its helpers");

enum { SLICE = 8, SLICES = HUSK__PAGES / SLICE }; /* pages; in a chunk */

static struct husk__worker *worker_of(struct husk__marker *marker)
{
    return (struct husk__worker *)marker;
}

/* ---- queues of pages ---- */

static void push(struct husk__parallel_queue *queue, struct husk__page *page)
{
    __atomic_store_n(&page->queued_next, page, __ATOMIC_SEQ_CST);
    if (queue->last)
        __atomic_store_n(&queue->last->queued_next, page, __ATOMIC_SEQ_CST);
    else
        queue->first = page;
    queue->last = page;
}

static struct husk__page *take(struct husk__parallel_queue *queue)
{
    struct husk__page *page = queue->first;
    if (!page)
        return NULL;
    struct husk__page *next = __atomic_load_n(&page->queued_next, __ATOMIC_RELAXED);
    queue->first = next == page ? NULL : next;
    if (!queue->first)
        queue->last = NULL;
    __atomic_store_n(&page->queued_next, NULL, __ATOMIC_SEQ_CST);
    return page;
}

/* The object waits as a bit. That no bit is left behind: here the bit is set, then queued_next read; who takes the page
 * out of its queue clears queued_next, then reads the bits (husk__scan_page); all four in one order for all threads
 * (seq_cst). So if the page still looks queued here, the bit is seen there. */
static void wait_as_bit(struct husk__parallel *parallel, struct husk__parallel_queue *queue, husk_obj *obj)
{
    struct husk__page *page = husk__page_of(obj);
    __atomic_fetch_or(husk__pending_word(obj), (uint64_t)1 << (husk__granule_of(obj) % 64), __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&page->queued_next, __ATOMIC_SEQ_CST))
        return;
    pthread_mutex_lock(&parallel->lock);
    if (!__atomic_load_n(&page->queued_next, __ATOMIC_RELAXED)) {
        push(queue, page);
        if (parallel->asleep)
            pthread_cond_broadcast(&parallel->come);
    }
    pthread_mutex_unlock(&parallel->lock);
}

static void pend(struct husk__marker *marker, husk_obj *obj)
{
    struct husk__parallel *parallel = worker_of(marker)->parallel;
    wait_as_bit(parallel, &parallel->all, obj);
}

/* True: somebody else will do it. False: this is the owner. */
static NEVER_INLINE bool leave_to_owner(struct husk__marker *marker, husk_obj *obj)
{
    struct husk__worker *self = worker_of(marker);
    if (self->is_owner)
        return false;
    wait_as_bit(self->parallel, &self->parallel->owners, obj);
    return true;
}

ALWAYS_INLINE bool leave(struct husk__marker *marker, husk_obj *obj)
{
    const husk_type *type = husk__type_of(obj);
    if (LIKELY(!(type->flags & (TYPE_VARYING | TYPE_EPHEMERON))) && LIKELY(!(obj->tf & TF_KEY)))
        return false;
    return (type->each || (type->flags & TYPE_EPHEMERON) || (obj->tf & TF_KEY)) &&
           leave_to_owner(marker, obj);
}

/* When references are counted, keys and maps are like others. */
ALWAYS_INLINE bool leave_each(struct husk__marker *marker, husk_obj *obj)
{
    const husk_type *type = husk__type_of(obj);
    return UNLIKELY(type->flags & TYPE_VARYING) && type->each && leave_to_owner(marker, obj);
}

/* ---- marking ---- */

static void add_edge(husk_obj *child, size_t slot, size_t index, void *context);
static void scan_other(struct husk__marker *marker, husk_obj *obj, const husk_type *type);
static void scan_key(struct husk__marker *marker, husk_obj *obj);
static void scan_keymap(struct husk__marker *marker, husk_obj *obj);

static const struct husk__marking together = {
    .shared = true, .pend = pend, .leave = leave, .edge = add_edge, .other = scan_other, .key = scan_key, .keymap = scan_keymap
};

static void add_edge(husk_obj *child, size_t slot, size_t index, void *context)
{
    (void)slot;
    (void)index;
    struct husk__marker *marker = context;
    husk__edge(&together, marker, &marker->at, child);
}

static NEVER_INLINE void scan_other(struct husk__marker *marker, husk_obj *obj, const husk_type *type)
{
    husk__scan_other(&together, marker, obj, type);
}

static NEVER_INLINE void scan_key(struct husk__marker *marker, husk_obj *obj)
{
    husk__scan_key(&together, marker, obj);
}

static NEVER_INLINE void scan_keymap(struct husk__marker *marker, husk_obj *obj)
{
    husk__scan_keymap(&together, marker, obj);
}

static void scan_ring(struct husk__marker *marker)
{
    while (marker->at.ring_count)
        husk__scan(&together, marker, &marker->at, husk__pop(marker, &marker->at));
}

static void mark_root(struct husk__marker *marker, husk_obj *obj)
{
    marker->roots++;
    husk__consider(&together, marker, &marker->at, obj);
    if (UNLIKELY(marker->at.ring_count >= MARK_RING / 2))
        scan_ring(marker);
}

/* The next page to scan; sleeps until there is one. NULL: all is marked. */
static struct husk__page *next_page(struct husk__worker *self)
{
    struct husk__parallel *parallel = self->parallel;
    struct husk__page *page = NULL;
    pthread_mutex_lock(&parallel->lock);
    for (;;) {
        if (self->is_owner)
            page = take(&parallel->owners);
        if (!page)
            page = take(&parallel->all);
        if (page || parallel->finished)
            break;
        /* A page in the owner's queue: its push has woken the owner, who has not come to it yet. */
        if (++parallel->asleep == parallel->threads && !parallel->owners.first) {
            parallel->finished = true;
            pthread_cond_broadcast(&parallel->come);
            break;
        }
        pthread_cond_wait(&parallel->come, &parallel->lock);
        parallel->asleep--;
    }
    pthread_mutex_unlock(&parallel->lock);
    return page;
}

static void mark(struct husk__worker *self)
{
    struct husk__marker *marker = &self->marker;
    for (;;) {
        scan_ring(marker);
        husk__flush_edges(&together, marker, &marker->at);
        if (marker->at.ring_count)
            continue;
        struct husk__page *page = next_page(self);
        if (!page)
            return;
        husk__scan_page(&together, marker, &marker->at, page);
    }
}

/* ---- the phases ---- */

/* The next page that takes part in the search, of the slice under way or the next one. */
static struct husk__page *next_of_slice(struct husk__worker *self)
{
    struct husk__parallel *parallel = self->parallel;
    const struct husk__store *store = &parallel->heap->store;
    for (;;) {
        while (!self->left) {
            size_t slice = atomic_fetch_add_explicit(&parallel->slice, 1, memory_order_relaxed);
            if (slice >= store->chunk_count * SLICES ||
                atomic_load_explicit(&parallel->damaged, memory_order_relaxed))
                return NULL;
            const struct husk__chunk *chunk = self->chunk = store->chunks[slice / SLICES];
            uint64_t pages =
                chunk->own_bytes ? (uint64_t)1 << HUSK__HEAD_PAGES : HUSK__USABLE & ~chunk->free_pages;
            self->left = pages & (((uint64_t)1 << SLICE) - 1) << (slice % SLICES * SLICE);
        }
        struct husk__page *page = &husk__chunk_pages(self->chunk)[husk__lowest_bit(self->left)];
        self->left &= self->left - 1;
        if (page->state != HUSK__PAGE_REST && husk__takes_part(page))
            return page;
    }
}

static void open_part(unsigned member, void *context)
{
    struct husk__worker *self = &((struct husk__parallel *)context)->worker[member];
    for (struct husk__page *page; (page = next_of_slice(self));)
        husk__side_open(page);
}

static NEVER_INLINE void carry(struct husk__parallel *parallel, husk_obj *obj)
{
    uint16_t *entry = husk__side_of(obj), flags = 0;
    pthread_mutex_lock(&parallel->lock);
    husk__side_carry(obj, &flags);
    pthread_mutex_unlock(&parallel->lock);
    __atomic_fetch_or(entry, flags, __ATOMIC_RELAXED);
}

/* As husk__side_count. Exactly one thread sees the count come round. */
static void count_now(struct husk__worker *self, husk_obj *obj)
{
    uint16_t *entry = husk__side_of(obj);
    if (!(__atomic_load_n(entry, __ATOMIC_RELAXED) & SIDE_OPEN))
        return;
    uint16_t next = (uint16_t)(__atomic_fetch_add(entry, SIDE_ONE, __ATOMIC_RELAXED) + SIDE_ONE);
    if (UNLIKELY(!(next & SIDE_COUNT)))
        carry(self->parallel, obj);
}

/* An atomic addition waits for its entry and holds up what follows: the entry is fetched first, in the delay line. */
static void count_child(husk_obj *child, size_t slot, size_t index, void *context)
{
    (void)slot;
    (void)index;
    struct husk__worker *self = context;
    struct husk__marker *marker = &self->marker;
    unsigned at = marker->at.edge_at++ % MARK_EDGES;
    husk_obj *ready = marker->edges[at];
    marker->edges[at] = child;
    __builtin_prefetch(husk__side_of(child), 1);
    if (LIKELY(ready != NULL))
        count_now(self, ready);
}

static void count_delayed(struct husk__worker *self)
{
    for (unsigned i = 0; i < MARK_EDGES; i++) {
        husk_obj *ready = self->marker.edges[i];
        self->marker.edges[i] = NULL;
        if (ready)
            count_now(self, ready);
    }
}

static const struct husk__glancing parts = { .shared = true, .leave = leave_each, .count = count_child };

static NEVER_INLINE bool glance_other(husk_obj *obj, struct husk__found *found, struct husk__marker *marker)
{
    return husk__glance_other(&parts, obj, found, marker);
}

static __attribute__((noinline)) char *glance_flat(char *at, const char *end, size_t block,
                                                   const husk_type *type, struct husk__marker *marker)
{
    return husk__glance_flat(&parts, at, end, block, type, marker);
}

static void subtract_part(unsigned member, void *context)
{
    struct husk__worker *self = &((struct husk__parallel *)context)->worker[member];
    for (struct husk__page *page; (page = next_of_slice(self));)
        husk__glance_through(page, &self->found, &self->marker, glance_other, glance_flat);
    count_delayed(self);
}

static void judge_part(unsigned member, void *context)
{
    struct husk__parallel *parallel = context;
    struct husk__worker *self = &parallel->worker[member];
    for (struct husk__page *page; (page = next_of_slice(self));) {
        self->found.held += husk__glance_judge(page, &self->found);
        if (self->found.corrupt) {
            /* Slices are taken in order, and those begun are ended: the first one that is damaged is found. */
            atomic_store_explicit(&parallel->damaged, true, memory_order_relaxed);
            self->left = 0;
        }
    }
}

static void zero_part(unsigned member, void *context)
{
    struct husk__worker *self = &((struct husk__parallel *)context)->worker[member];
    for (struct husk__page *page; (page = next_of_slice(self));)
        husk__page_side_zero(page);
}

/* What is held from outside goes right into marking. Who finds no slice left goes on with what the others find. */
static void mark_part(unsigned member, void *context)
{
    struct husk__worker *self = &((struct husk__parallel *)context)->worker[member];
    for (struct husk__page *page; (page = next_of_slice(self));)
        for (HUSK__EACH_BLOCK(page, obj)) {
            uint16_t entry = __atomic_load_n(husk__side_of(obj), __ATOMIC_RELAXED);
            if (entry < SIDE_FRESH && (entry & SIDE_OPEN))
                mark_root(&self->marker, obj);
        }
    mark(self);
}

static void run_part(struct husk__parallel *parallel, husk__team_fn *part)
{
    atomic_store_explicit(&parallel->slice, 0, memory_order_relaxed);
    husk__team_run(&parallel->team, part, parallel);
}

/* What the helpers did not count, by the owner alone. */
static void subtract_left(struct husk__parallel *parallel)
{
    struct husk__worker *owner = &parallel->worker[0];
    for (struct husk__page *page; (page = take(&parallel->owners));) {
        char *start = husk__page_start(page);
        uint64_t *words = husk__pending_word(start);
        for (unsigned w = 0; w < (HUSK__PAGE >> HUSK__GRANULE_SHIFT) / 64; w++) {
            uint64_t word = words[w];
            if (!word)
                continue;
            words[w] = 0;
            for (; word; word &= word - 1) {
                size_t offset = ((size_t)w * 64 + husk__lowest_bit(word)) << HUSK__GRANULE_SHIFT;
                husk_obj *obj = husk__object_at(page, start, offset);
                husk__visit(husk__type_of(obj), obj, count_child, owner);
            }
            if (page->state == HUSK__PAGE_RUN)
                break;
        }
    }
    count_delayed(owner);
}

/* fn(page) for pages with weak-key maps: their keys are met once for each map, so one thread does it. */
static void each_keymaps(husk_heap *heap, void (*fn)(husk_heap *heap, struct husk__page *page))
{
    struct husk__page_walk walk = { &heap->store, 0, NULL, 0 };
    for (struct husk__page *page; (page = husk__next_page(&walk));)
        if (UNLIKELY(page->keymaps) && husk__takes_part(page))
            fn(heap, page);
}

static void open_keys(husk_heap *heap, struct husk__page *page)
{
    (void)heap;
    husk__bare_keys_open(page);
}

static void seed_keys(husk_heap *heap, struct husk__page *page)
{
    husk__bare_keys_seed(heap, page, false);
    heap->search.found.kinds = UINT32_MAX;
}

/* Of several damaged objects the one that a single thread would have come to first. */
static void sum_up(struct husk__parallel *parallel, struct husk__found *sum)
{
    for (unsigned i = 0; i < parallel->threads; i++) {
        const struct husk__found *found = &parallel->worker[i].found;
        sum->examined += found->examined;
        sum->held += found->held;
        sum->kinds |= found->kinds;
        if (found->corrupt && (!sum->corrupt || found->corrupt < sum->corrupt)) {
            sum->corrupt = found->corrupt;
            sum->seen = found->seen;
        }
    }
}

/* After judging, and marking the keys that are held, which nobody has looked at yet. As with one thread: where all is held
 * nothing is. */
static void mark_all(struct husk__parallel *parallel, struct husk__search *search)
{
    struct husk__cursor *at = &search->marker.at;
    bool damaged = search->found.corrupt != NULL;
    if (!damaged && search->found.held + at->marked == search->found.examined) {
        run_part(parallel, zero_part);
        search->marker.most = 0; /* what waits is given up */
        husk__mark_run(&search->marker);
        at->marked = search->found.examined;
        search->marker.roots += search->found.held;
        return;
    }
    husk__mark_run(&search->marker); /* what maps that are not in question hold for the keys, before it is divided */
    if (!damaged)
        run_part(parallel, mark_part);
    for (unsigned i = 0; i < parallel->threads; i++) {
        at->marked += parallel->worker[i].marker.at.marked;
        search->marker.roots += parallel->worker[i].marker.roots;
    }
}

void husk__parallel_search(husk_heap *heap, husk_obj *const *proxied, size_t count)
{
    struct husk__parallel *parallel = heap->parallel;
    struct husk__search *search = &heap->search;
    for (unsigned i = 0; i < parallel->threads; i++) {
        husk__marker_begin(&parallel->worker[i].marker);
        parallel->worker[i].found = (struct husk__found){ 0 };
    }
    parallel->asleep = 0;
    parallel->finished = false;
    parallel->searches++;
    husk__threads_note(heap, parallel->threads);
    atomic_store_explicit(&parallel->damaged, false, memory_order_relaxed);

    run_part(parallel, open_part);
    each_keymaps(heap, open_keys);
    husk__part_end(heap, HUSK_PART_CLEAR);
    run_part(parallel, subtract_part);
    subtract_left(parallel);
    for (size_t i = 0; i < count; i++)
        husk__side_count(proxied[i]);
    husk__part_end(heap, HUSK_PART_SUBTRACT);
    run_part(parallel, judge_part);
    sum_up(parallel, &search->found);
    husk__part_end(heap, HUSK_PART_SEED);
    if (!search->found.corrupt)
        each_keymaps(heap, seed_keys);
    mark_all(parallel, search);
    husk__part_end(heap, HUSK_PART_MARK);
    search->found.held = search->marker.roots;
    search->phase = SEARCH_FOUND;
}

bool husk__parallel_profits(husk_heap *heap)
{
    struct husk__parallel *parallel = heap->parallel;
    return heap->search.pages.all && heap->store.seen_blocks >= parallel->least &&
           !husk__team_is_lost(&parallel->team);
}

/* ---- what programs call ---- */

static void end(husk_heap *heap)
{
    struct husk__parallel *parallel = heap->parallel;
    if (!parallel)
        return;
    heap->parallel = NULL;
    bool lost = husk__team_is_lost(&parallel->team);
    husk__team_end(&parallel->team);
    if (!lost) { /* it may be in use, for ever, in the state that the child has copied */
        pthread_cond_destroy(&parallel->come);
        pthread_mutex_destroy(&parallel->lock);
    }
    husk__raw_free(parallel, sizeof *parallel);
}

husk_status husk_heap_set_parallel(husk_heap *heap, unsigned threads)
{
    if (threads < 1 || threads > HUSK_PARALLEL_MOST)
        return husk_heap_fail(heap, HUSK_ERANGE, "parallel: %u threads are not within 1 to %u", threads,
                              HUSK_PARALLEL_MOST);
    if (threads == husk_heap_parallel(heap))
        return HUSK_OK;
    struct husk__parallel *parallel = NULL;
    if (threads > 1) {
        parallel = husk__raw_new(sizeof *parallel);
        if (!parallel)
            return husk_heap_fail(heap, HUSK_ENOMEM, "parallel: no memory for %u threads", threads);
        int error = husk__team_begin(&parallel->team, threads - 1);
        if (error) {
            husk__raw_free(parallel, sizeof *parallel);
            return husk_heap_fail(heap, HUSK_ENOMEM, "parallel: the system refused a thread: %s",
                                  strerror(error));
        }
        pthread_mutex_init(&parallel->lock, NULL);
        pthread_cond_init(&parallel->come, NULL);
        parallel->heap = heap;
        parallel->threads = threads;
        parallel->least = HUSK_PARALLEL_LEAST;
        for (unsigned i = 0; i < threads; i++) {
            parallel->worker[i].parallel = parallel;
            parallel->worker[i].is_owner = i == 0;
        }
    }
    end(heap);
    heap->parallel = parallel;
    return HUSK_OK;
}

unsigned husk_heap_parallel(const husk_heap *heap)
{
    const struct husk__parallel *parallel = heap->parallel;
    return parallel && !husk__team_is_lost(&parallel->team) ? parallel->threads : 1;
}

void husk__parallel_close(husk_heap *heap)
{
    end(heap);
}
