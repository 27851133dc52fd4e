/* cycle/step.c: a pass in steps. See step.h and <husk/step.h>. */
#define _GNU_SOURCE
#include "cycle/step.h"

#include "base/clock.h"
#include "cycle/collect.h"
#include "cycle/ephemeron.h"
#include "cycle/listen.h"
#include "cycle/pace.h"
#include "cycle/passlog.h"
#include "cycle/young.h"
#include "object/death.h"
#include "object/soft.h"
#include "store/young.h"

#include <string.h>

#define BATCH_SHARE 0.6 /* of the time left: what a member costs is known from others */

enum {
    BATCH_LEAST = 128,       /* objects: below that a batch costs more than it ends */
    FIRST_GUESS_MEMBER = 80, /* ns */
    FIRST_GUESS_OBJECT = 30,
    SPARE_SLICES = 8,
    MISTAKEN_PASSES =
        2, /* so many in a row that nominated more living than dead: the next one runs at once */
};

static void begin(husk_heap *heap, husk_reason reason)
{
    struct husk__stepping *stepping = &heap->stepping;
    uint64_t start = husk__now();
    husk__pages_of_heap(&heap->search.pages);
    husk__pace_search(heap);
    husk__search_begin(heap, true);
    stepping->pass = (husk_pass){ .generation = HUSK__OLD, .reason = reason };
    stepping->named = 0;
    stepping->waits = stepping->corrupt = stepping->owed = false;
    stepping->figures.begun++;
    husk__pass_begin(heap, HUSK_STEP, reason, true, start);
    husk__part_end(heap, HUSK_PART_CLEAR);
    heap->passes.timed = false; /* up to its first slice */
    heap->store.in_steps = true;
    husk__young_end(&heap->store); /* young runs would need the table */
    heap->store.look_blocks = heap->store.look_bytes = SIZE_MAX;
}

/* ---- nominating and gathering ---- */

static void name_key(husk_obj *key, void *context)
{
    size_t *named = context;
    uint16_t *entry = husk__side_of(key);
    if (*entry & SIDE_OPEN) {
        *entry = SIDE_NAMED;
        husk__page_of(key)->members++;
        ++*named;
    } else {
        *entry &= SIDE_NAMED;
    }
}

static void name_page(struct husk__stepping *stepping, struct husk__page *page)
{
    uint32_t here = 0;
    if (!husk__takes_part(page))
        return;
    for (HUSK__EACH_BLOCK(page, obj)) {
        uint16_t *entry = husk__side_of(obj);
        bool open = (*entry & SIDE_OPEN) && husk__is_object(obj) && !(obj->tf & TF_QUEUED);
        *entry = open ? SIDE_NAMED : 0;
        here += open;
    }
    page->members = here;
    stepping->named += here;
    if (UNLIKELY(page->keymaps))
        husk__each_bare_key(page, name_key, &stepping->named);
}

/* What was not confirmed in its batch. */
static size_t gather_page(struct husk__page *page)
{
    page->members = 0;
    for (HUSK__EACH_BLOCK(page, obj))
        page->members += (*husk__side_of(obj) & SIDE_NAMED) != 0;
    return page->members;
}

static void close_page(struct husk__page *page)
{
    page->members = 0;
    husk__page_side_zero(page);
}

/* Pages that have served births since the pass began: their objects are not in question, and hold others. Not all of
 * them need be met: what is missed is a nominee more. */
static bool look_again(husk_heap *heap, uint64_t deadline)
{
    struct husk__marker *marker = &heap->search.marker;
    while (heap->stepping.again < heap->store.young_count) {
        struct husk__page *page = heap->store.young[++heap->stepping.again];
        if (husk__takes_part(page))
            for (HUSK__EACH_BLOCK(page, obj))
                if (husk__is_object(obj) && !husk__is_open(obj) && !(obj->tf & TF_QUEUED))
                    husk__mark_known(marker, obj);
        if (deadline && husk__now() >= deadline)
            return false;
    }
    if (deadline)
        return husk__mark_until(marker, deadline);
    husk__mark_run(marker);
    return true;
}

/* ---- confirming ---- */

/* Confirms and ends what is nominated on these pages. Quiet: garbage with hooks stays nominated. */
static husk_status confirm(husk_heap *heap, struct husk__pages *pages, bool quiet)
{
    struct husk__stepping *stepping = &heap->stepping;
    const husk_obj *corrupt = NULL;
    uint64_t seen = 0, start = husk__now();
    struct husk__set set;
    size_t count = husk__set_open(heap, pages);
    if (!count)
        return HUSK_OK;
    husk__marker_begin(&heap->search.marker);
    (void)husk__settle(heap, pages, &corrupt, &seen);
    stepping->corrupt |= corrupt != NULL;
    if (corrupt)
        husk__collect_corrupt(heap, corrupt, seen);
    else if (quiet && husk__find_loud(heap, pages, true))
        stepping->waits = true;
    husk__set_settled(heap, pages, &set);
    husk__part_end(heap, HUSK_PART_CONFIRM);
    if (set.members && corrupt)
        husk__set_spare(heap, &set, NULL);
    else if (set.members)
        husk__collect_end(heap, &set, quiet, &stepping->pass);
    husk__drain(heap);
    husk__part_end(heap, HUSK_PART_CALLBACKS);
    if (set.members) {
        double ns = (double)(husk__now() - start) / (double)count;
        stepping->member_ns = stepping->member_ns * 0.5 + ns * 0.5;
    }
    return corrupt ? HUSK_ECORRUPT : HUSK_OK;
}

/* The next pages with nominees, as many as fit into the time. False: there are none. */
static bool next_batch(husk_heap *heap, size_t most)
{
    struct husk__stepping *stepping = &heap->stepping;
    size_t count = 0;
    stepping->batch.all = false;
    stepping->batch.count = 0;
    while (count < most && stepping->batch.count < HUSK__MOST_YOUNG) {
        struct husk__page *page = husk__pages_next(&heap->search.at);
        if (!page)
            break;
        if (!page->members || !husk__takes_part(page))
            continue;
        stepping->batch.list[stepping->batch.count++] = page;
        count += page->members;
    }
    return stepping->batch.count > 0;
}

/* ---- one step ---- */

static void next_phase(husk_heap *heap, enum husk__search_phase phase)
{
    husk__part_end(heap, husk__part_of(heap->search.phase));
    heap->search.phase = phase;
    heap->search.at = husk__pages_begin(heap, &heap->search.pages);
}

struct slice {
    uint64_t start, deadline; /* 0: no deadline */
    bool quiet;
    husk_status status;
};

static bool is_over(const struct slice *slice)
{
    return slice->deadline && husk__now() >= slice->deadline;
}

/* Every page of a phase that takes one at a time; false: out of time. */
static bool each_page(husk_heap *heap, const struct slice *slice, size_t *sum)
{
    for (struct husk__page *page; (page = husk__pages_next(&heap->search.at));) {
        if (heap->search.phase == SEARCH_NAME)
            name_page(&heap->stepping, page);
        else if (heap->search.phase == SEARCH_GATHER)
            *sum += gather_page(page);
        else
            close_page(page);
        if (is_over(slice))
            return false;
    }
    return true;
}

static bool confirm_batches(husk_heap *heap, struct slice *slice)
{
    const struct husk__stepping *stepping = &heap->stepping;
    for (bool first = true;; first = false) {
        size_t most = SIZE_MAX;
        if (slice->deadline) {
            uint64_t now = husk__now();
            double left = now < slice->deadline ? (double)(slice->deadline - now) : 0;
            most = (size_t)(left * BATCH_SHARE / stepping->member_ns);
            if (most < BATCH_LEAST) {
                if (!first || now - slice->start > (slice->deadline - slice->start) / 2)
                    return false;
                most = BATCH_LEAST; /* or it would never end */
            }
        }
        if (!next_batch(heap, most))
            return true;
        husk_status status = confirm(heap, &heap->stepping.batch, slice->quiet);
        slice->status = slice->status ? slice->status : status;
        if (!heap->search.at.passed)
            return true; /* that was the last one: the next step must not begin at the first again */
    }
}

/* What is left after all batches, as a whole: its parts may hold each other. */
static bool confirm_rest(husk_heap *heap, struct slice *slice)
{
    double took = slice->deadline ? (double)(husk__now() - slice->start) : 0;
    if (took * 4 > (double)(slice->deadline - slice->start))
        return false; /* it cannot be divided: the next step has more time */
    husk_status status = confirm(heap, &heap->search.pages, slice->quiet);
    slice->status = slice->status ? slice->status : status;
    return true;
}

/* True: the pass is over. */
static bool run_slice(husk_heap *heap, struct slice *slice)
{
    struct husk__stepping *stepping = &heap->stepping;
    struct husk__search *search = &heap->search;
    const struct husk__page *passed = search->at.passed;
    search->at.walk = husk__walk_from(&heap->store, passed ? husk__page_start(passed) : NULL);
    for (;;) {
        switch (search->phase) {
        case SEARCH_NAME:
            if (!each_page(heap, slice, NULL))
                return false;
            next_phase(heap, SEARCH_CONFIRM);
            break;
        case SEARCH_CONFIRM:
            if (!confirm_batches(heap, slice))
                return false;
            next_phase(heap, SEARCH_GATHER);
            stepping->rest = 0;
            break;
        case SEARCH_GATHER:
            if (!each_page(heap, slice, &stepping->rest))
                return false;
            next_phase(heap, !stepping->rest ? SEARCH_CLOSE : SEARCH_REST);
            break;
        case SEARCH_REST:
            if (stepping->waits && slice->deadline && slice->quiet)
                return false; /* the garbage with hooks first, at a safe point */
            if (stepping->waits && !slice->quiet) {
                stepping->waits = false;
                next_phase(heap, SEARCH_CONFIRM);
                break;
            }
            if (!confirm_rest(heap, slice))
                return false;
            next_phase(heap, SEARCH_CLOSE);
            break;
        case SEARCH_CLOSE:
            if (!each_page(heap, slice, NULL))
                return false;
            search->phase = SEARCH_NONE;
            return true;
        case SEARCH_NONE:
        case SEARCH_OPEN:
        case SEARCH_SUBTRACT:
        case SEARCH_SEED:
        case SEARCH_ROOTS:
        case SEARCH_MARK:
        case SEARCH_FOUND:
            if (!husk__search_run(heap, slice->deadline))
                return false;
            next_phase(heap, SEARCH_AGAIN);
            stepping->again = 0;
            break;
        case SEARCH_AGAIN:
            if (!look_again(heap, slice->deadline))
                return false;
            next_phase(heap, SEARCH_NAME);
            break;
        }
    }
}

/* The pass is over. */
static void finish(husk_heap *heap, bool quiet)
{
    struct husk__stepping *stepping = &heap->stepping;
    husk_pass *pass = &stepping->pass;
    heap->store.in_steps = false;
    size_t alive = stepping->named > pass->collected ? stepping->named - pass->collected : 0;
    stepping->figures.finished++;
    stepping->figures.nominated += stepping->named;
    if (stepping->waits)
        pass->deferred = alive; /* at most */
    else
        stepping->figures.mistaken += alive;
    stepping->mistaken = alive > pass->collected ? stepping->mistaken + 1 : 0;
    if (pass->examined)
        stepping->object_ns =
            0.5 * stepping->object_ns + 0.5 * (double)pass->find_ns / (double)pass->examined;
    husk__collect_note(&heap->collector.totals[HUSK__OLD], pass);
    uint64_t ns = pass->find_ns + pass->finalize_ns + pass->reclaim_ns;
    husk__pace_note(heap, pass, husk__now() - ns, stepping->corrupt);
    husk__pace_restart(heap, pass->examined, pass->collected);
    husk__young_arm(heap);
    heap->search.found.corrupt = NULL; /* of no meaning in steps */
    husk__pass_end(heap, &heap->search.found, pass);
    if (stepping->waits)
        husk__let_wait(&heap->store, HUSK__WAITS_PASS);
    husk__collect_told(heap, quiet, pass);
    husk__softs_age(heap, quiet);
}

/* A step of the pass under way. True: it is over. budget 0: all that is left. goal: how long it should take, which
 * the budget may exceed on purpose; 0: as long as it takes. */
static bool step(husk_heap *heap, uint64_t budget, uint64_t goal, bool quiet, husk_status *status)
{
    struct husk__stepping *stepping = &heap->stepping;
    struct slice slice = { .start = husk__now(), .quiet = quiet };
    slice.deadline = budget ? slice.start + budget : 0;
    husk__slice_begin(heap, quiet, slice.start);
    husk__ration(heap);
    husk__collect_enter(heap, quiet);
    bool over = run_slice(heap, &slice);
    husk__part_end(heap, husk__part_of(heap->search.phase));
    if (!over && heap->search.phase <= SEARCH_AGAIN)
        husk__mark_rest(&heap->search.marker);
    stepping->pass.examined = heap->search.found.examined;
    husk__collect_leave(heap);

    uint64_t ns = husk__now() - slice.start;
    husk__slice_end(heap, &stepping->pass);
    husk_steps *figures = &stepping->figures;
    figures->steps++;
    figures->late += goal && ns > goal + goal / 2;
    figures->longest_ns = ns > figures->longest_ns ? ns : figures->longest_ns;
    if (status && !*status)
        *status = slice.status;
    if (over)
        finish(heap, quiet);
    return over;
}

/* ---- automatic steps ---- */

/* Steps that the pass will probably need from now on. */
static double steps_left(const husk_heap *heap)
{
    const struct husk__stepping *stepping = &heap->stepping;
    double done = (double)(stepping->pass.find_ns + stepping->pass.finalize_ns + stepping->pass.reclaim_ns);
    double all = stepping->object_ns * (double)heap->store.seen_blocks * 1.5;
    double left = all - done > done / 2 ? all - done : done / 2; /* it may be dearer than the last one */
    return left / (double)stepping->pause + SPARE_SLICES;
}

static size_t plus(size_t now, size_t more)
{
    return now > SIZE_MAX - more ? SIZE_MAX : now + more;
}

static void arm(husk_heap *heap, size_t blocks, size_t bytes)
{
    struct husk__store *store = &heap->store;
    store->look_blocks = plus(store->seen_blocks, blocks);
    store->look_bytes = plus(store->seen_bytes + store->raw_bytes + store->foreign_bytes, bytes);
}

/* An automatic step. Without growth left to the hard bound the pass is finished at once; with little, steps are longer
 * than they should be: that disturbs less than one very long one. The next one comes after so much growth that all
 * of them fit into half of what is left. */
static void go_on(husk_heap *heap)
{
    struct husk__stepping *stepping = &heap->stepping;
    size_t blocks, bytes;
    husk__pace_room(heap, &blocks, &bytes);
    bool hurry = !blocks || !bytes;
    stepping->figures.hurried += hurry;
    if (!hurry && !stepping->pause) { /* the program takes the steps itself: not until the bound */
        arm(heap, blocks, bytes);
        return;
    }
    bool scarce = blocks < stepping->room_blocks / 4 || bytes < stepping->room_bytes / 4;
    uint64_t goal = hurry ? 0 : stepping->pause;
    if ((hurry || !stepping->waits) && step(heap, scarce ? 4 * goal : goal, goal, true, NULL))
        return;
    if (stepping->waits)
        husk__let_wait(&heap->store, HUSK__WAITS_STEP);
    double parts = 2 * steps_left(heap);
    arm(heap, (size_t)((double)blocks / parts), (size_t)((double)bytes / parts));
}

bool husk__step_begins(husk_heap *heap)
{
    struct husk__stepping *stepping = &heap->stepping;
    husk_reason reason = heap->pace.reason;
    if (!stepping->pause || (reason != HUSK_BY_OBJECTS && reason != HUSK_BY_BYTES))
        return false;
    if (stepping->mistaken >= MISTAKEN_PASSES) {
        stepping->mistaken = 0;
        return false;
    }
    begin(heap, reason);
    husk__pace_room(heap, &stepping->room_blocks, &stepping->room_bytes);
    go_on(heap);
    return true;
}

bool husk__step_goes_on(husk_heap *heap)
{
    if (!heap->store.in_steps)
        return false;
    if (husk__pace_held(heap) || !husk__store_looks(&heap->store))
        return true;
    husk__store_recount(&heap->store);
    if (husk__store_looks(&heap->store))
        go_on(heap);
    return true;
}

void husk__step_safe(husk_heap *heap)
{
    uint64_t pause = heap->stepping.pause;
    if (husk__take_waiting(&heap->store, HUSK__WAITS_STEP) && heap->store.in_steps && pause &&
        !step(heap, pause, pause, false, NULL))
        husk__let_wait(&heap->store, HUSK__WAITS_STEP);
}

/* ---- giving up ---- */

void husk__step_drop(husk_heap *heap)
{
    if (!heap->store.in_steps)
        return;
    struct husk__pages_walk at = husk__pages_begin(heap, &heap->search.pages);
    for (struct husk__page *page; (page = husk__pages_next(&at));) {
        husk__mark_clear(page);
        close_page(page);
    }
    husk__carries_end(&heap->store);
    heap->search.phase = SEARCH_NONE;
    heap->store.in_steps = false;
    heap->stepping.waits = false;
    heap->stepping.figures.given_up++;
    if (heap->stepping.owed)
        husk__let_wait(&heap->store, HUSK__WAITS_REQUEST);
    heap->stepping.owed = false;
    husk__young_arm(heap);
}

void husk__step_gone(husk_heap *heap, struct husk__page *page)
{
    husk__page_side_zero(page);
    if (heap->search.phase <= SEARCH_AGAIN)
        husk__mark_gone(&heap->search.marker, page);
}

/* ---- what programs call ---- */

static bool is_budget(uint64_t ns)
{
    return ns >= HUSK_STEP_LEAST_NS && ns <= HUSK_STEP_MOST_NS;
}

husk_status husk__step_run(husk_heap *heap, husk_reason reason, uint64_t budget_ns, husk_step *out)
{
    husk_status status = HUSK_OK;
    uint64_t start = husk__now();
    if (!heap->store.in_steps) {
        begin(heap, reason);
        heap->stepping.owed = reason == HUSK_BY_IDLE &&
                              husk__take_waiting(&heap->store, HUSK__WAITS_REQUEST | HUSK__WAITS_PASS);
    }
    out->finished = step(heap, budget_ns, budget_ns, false, &status);
    out->so_far = heap->stepping.pass;
    out->ns = husk__now() - start;
    return status;
}

husk_status husk_heap_step(husk_heap *heap, uint64_t budget_ns, husk_step *out)
{
    husk_step done = { 0 };
    husk_status status = HUSK_OK;
    if (!is_budget(budget_ns)) {
        status = husk_heap_fail(heap, HUSK_ERANGE, "step: a budget of %llu ns is not within %u to %llu",
                                (unsigned long long)budget_ns, HUSK_STEP_LEAST_NS,
                                (unsigned long long)HUSK_STEP_MOST_NS);
    } else if (heap->busy & BUSY_WORK) {
        status = husk_heap_fail(heap, HUSK_EBUSY, "step: a pass or a hook of heap %s is running", heap->name);
    } else {
        uint64_t start = husk__now();
        (void)husk__collect_queues(heap);
        status = husk__step_run(heap, HUSK_BY_CALL, budget_ns, &done);
        done.ns = husk__now() - start;
        if (status)
            (void)husk_heap_fail(heap, status,
                                 "step: heap %s has an object with fewer references than slots "
                                 "that hold it",
                                 heap->name);
    }
    if (out)
        *out = done;
    return status;
}

husk_status husk_heap_set_pause(husk_heap *heap, uint64_t ns)
{
    if (ns && !is_budget(ns))
        return husk_heap_fail(heap, HUSK_ERANGE, "pause: %llu ns are neither 0 nor within %u to %llu",
                              (unsigned long long)ns, HUSK_STEP_LEAST_NS,
                              (unsigned long long)HUSK_STEP_MOST_NS);
    heap->stepping.pause = ns;
    husk__pace_set(heap);
    return HUSK_OK;
}

uint64_t husk_heap_pause(const husk_heap *heap)
{
    return heap->stepping.pause;
}

void husk_heap_steps(const husk_heap *heap, husk_steps *out)
{
    *out = heap->stepping.figures;
    out->under_way = heap->store.in_steps;
}

void husk__step_begin(husk_heap *heap)
{
    heap->stepping.member_ns = FIRST_GUESS_MEMBER;
    heap->stepping.object_ns = FIRST_GUESS_OBJECT;
}
