/* cycle/collect.c: a pass in order. See <husk/collect.h> for what users see; find.c searches, set.c ends. */
#define _GNU_SOURCE
#include "cycle/collect.h"

#include "base/clock.h"
#include "cycle/find.h"
#include "cycle/listen.h"
#include "cycle/pace.h"
#include "cycle/set.h"
#include "cycle/softlimit.h"
#include "cycle/passlog.h"
#include "cycle/step.h"
#include "cycle/young.h"
#include "object/death.h"
#include "object/hook.h"
#include "object/ledgered.h"
#include "object/soft.h"
#include "object/traced.h"

static void add_pass(husk_pass *sum, const husk_pass *pass)
{
    sum->generation = pass->generation;
    sum->reason = pass->reason;
    sum->examined += pass->examined;
    sum->collected += pass->collected;
    sum->uncollectable += pass->uncollectable;
    sum->finalized += pass->finalized;
    sum->resurrected += pass->resurrected;
    sum->weak_cleared += pass->weak_cleared;
    sum->deferred += pass->deferred;
    sum->bytes += pass->bytes;
    sum->find_ns += pass->find_ns;
    sum->finalize_ns += pass->finalize_ns;
    sum->reclaim_ns += pass->reclaim_ns;
    sum->mode = pass->mode;
    sum->passes += pass->passes;
    sum->number = pass->number;
}

void husk__collect_note(husk_generation *total, const husk_pass *pass)
{
    uint64_t ns = pass->find_ns + pass->finalize_ns + pass->reclaim_ns;
    total->passes++;
    total->examined += pass->examined;
    total->collected += pass->collected;
    total->uncollectable += pass->uncollectable;
    total->finalized += pass->finalized;
    total->resurrected += pass->resurrected;
    total->weak_cleared += pass->weak_cleared;
    total->bytes += pass->bytes;
    total->find_ns += pass->find_ns;
    total->finalize_ns += pass->finalize_ns;
    total->reclaim_ns += pass->reclaim_ns;
    total->longest_ns = ns > total->longest_ns ? ns : total->longest_ns;
}

void husk__collect_corrupt(husk_heap *heap, const husk_obj *obj, uint64_t seen)
{
    if (!husk__is_object(obj)) {
        husk__report(heap, HUSK_ECORRUPT,
                     "the dead object at %p is still stored in %llu slots; nothing was freed",
                     (const void *)obj, (unsigned long long)seen);
        return;
    }
    husk__report(
        heap, HUSK_ECORRUPT,
        "object of type %s at %p has %zu references, but %llu are stored in slots; nothing was freed",
        husk__type_of(obj)->name, (const void *)obj, husk_obj_strong_count(obj), (unsigned long long)seen);
}

static husk_status fail_corrupt(husk_heap *heap)
{
    return husk_heap_fail(heap, HUSK_ECORRUPT,
                          "heap %s has an object with fewer references than slots that hold it", heap->name);
}

/* Steps 1 and 2: finalizers, then what they let go of, then a second look. */
static void finalize(husk_heap *heap, struct husk__set *set, husk_pass *pass)
{
    pass->finalized += husk__set_finalize(heap, set);
    husk__drain(heap);
    husk__part_end(heap, HUSK_PART_FINALIZE);
    pass->resurrected += husk__set_confirm(heap, set);
    husk__part_end(heap, HUSK_PART_CONFIRM);
}

static void save_member(husk_heap *heap, husk_obj *member)
{
    husk_ledger_retain(member, HUSK__BY_GARBAGE);
    heap->collector.garbage[heap->collector.garbage_count++] = member;
}

/* The set goes onto the garbage list, which has room already, instead of ending. */
static void save(husk_heap *heap, const struct husk__set *set, husk_pass *pass)
{
    husk__set_spare(heap, set, save_member);
    pass->collected += set->members;
    pass->uncollectable += set->members;
}

static void reclaim(husk_heap *heap, const struct husk__set *set, husk_pass *pass)
{
    pass->collected += set->members;
    pass->bytes += set->bytes;
    pass->weak_cleared += husk__set_reclaim(heap, set);
    husk__part_end(heap, HUSK_PART_RECLAIM);
}

void husk__collect_end(husk_heap *heap, struct husk__set *set, bool quiet, husk_pass *pass)
{
    struct husk__leak_finder *leaks = &heap->collector.leaks;
    if (leaks->on) { /* nothing ends; who is told runs code of the program */
        if (quiet)
            husk__let_wait(&heap->store, HUSK__WAITS_PASS);
        else
            leaks->gather(heap, set);
        husk__set_spare(heap, set, NULL);
        pass->deferred += set->members;
        return;
    }
    bool save_all = heap->collector.save_all; /* as it is now, whatever hooks do */
    /* Before any hook runs: a finalizer may let go of a member for good, and then there is no way back. */
    if (save_all && !husk__garbage_reserve(heap, set->members)) {
        husk__set_spare(heap, set, NULL); /* to be found again */
        pass->deferred += set->members;
        return;
    }
    if (!quiet && set->finalizers)
        finalize(heap, set, pass);
    if (save_all)
        save(heap, set, pass);
    else
        reclaim(heap, set, pass);
}

void husk__collect_enter(husk_heap *heap, bool quiet)
{
    heap->busy |= BUSY_PASS;
    heap->quiet = quiet;
}

void husk__collect_leave(husk_heap *heap)
{
    heap->busy &= ~(uint32_t)BUSY_PASS;
    husk__drain(heap); /* quiet: only what needs no user code */
    heap->quiet = false;
    if (heap->collector.leaks.found || heap->collector.leaks.refused)
        heap->collector.leaks.tell(heap);
}

/* One pass. Quiet: no user code; garbage that needs some, and what it reaches, is left for later. */
static husk_status run(husk_heap *heap, int generation, bool quiet, husk_pass *pass)
{
    struct husk__found found;
    struct husk__set set = { 0 };
    if (generation == HUSK__OLD) {
        husk__softs_age(heap, quiet);
        heap->quiet = quiet;
        (void)husk__drain_rest(heap); /* queued objects hold what they refer to */
    }
    heap->deaths_left = SIZE_MAX;
    uint64_t start = husk__now();
    pass->generation = generation;
    husk__collect_enter(heap, quiet);
    if (generation == HUSK__OLD)
        husk__pace_search(heap);
    husk__pass_begin(heap, generation == HUSK__YOUNG ? HUSK_YOUNG : HUSK_FULL, pass->reason, quiet, start);
    if (generation == HUSK__YOUNG)
        husk__find_young(heap, &found);
    else
        husk__find(heap, &found);
    if (found.corrupt)
        husk__collect_corrupt(heap, found.corrupt, found.seen); /* now, while it is as it was found */
    pass->examined = found.examined;
    if (found.garbage && quiet)
        pass->deferred = husk__find_loud(heap, &heap->search.pages, false);
    bool any = found.garbage > pass->deferred;
    if (any)
        husk__set_make(heap, &set);
    else
        husk__search_end(heap);
    husk__part_end(heap, HUSK_PART_GATHER);
    heap->collector.leaks.whole = generation == HUSK__OLD && !found.corrupt;
    if (any)
        husk__collect_end(heap, &set, quiet, pass);
    else if (heap->collector.leaks.on && heap->collector.leaks.whole)
        heap->collector.leaks.gather(heap, &set);
    heap->collector.leaks.whole = false;
    if (quiet && pass->reason != HUSK_BY_LIMIT)
        husk__ration(heap);
    husk__collect_leave(heap);

    if (pass->reason == HUSK_BY_SOFT && !pass->deferred)
        husk__soft_yield(heap, quiet);
    husk__slice_end(heap, pass);
    husk__collect_note(&heap->collector.totals[generation], pass);
    bool left = quiet && pass->deferred;
    if (generation == HUSK__YOUNG) {
        husk__young_ran(heap, pass->examined, pass->collected + pass->deferred, left);
    } else {
        husk__pace_note(heap, pass, start, found.corrupt != NULL);
        if (heap->collector.leaks.on) /* that it frees nothing says nothing of its worth */
            husk__pace_restart(heap, 1, 1);
        else
            husk__pace_restart(heap, pass->examined, pass->collected);
        husk__young_full(heap);
    }
    husk__pass_end(heap, &found, pass);
    if (left)
        husk__let_wait(&heap->store, generation == HUSK__YOUNG ? HUSK__WAITS_YOUNG : HUSK__WAITS_PASS);
    return found.corrupt ? HUSK_ECORRUPT : HUSK_OK;
}

static husk_status run_told(husk_heap *heap, int generation, husk_reason reason, husk_pass *sum)
{
    husk_pass pass = { .generation = generation, .reason = reason, .number = heap->passes.count + 1 };
    husk__tell(heap, HUSK_PASS_START, &pass);
    husk_status status = run(heap, generation, false, &pass);
    husk__tell(heap, HUSK_PASS_STOP, &pass);
    add_pass(sum, &pass);
    return status;
}

husk_status husk__collect_full(husk_heap *heap, husk_reason reason, husk_pass *sum)
{
    (void)husk__take_waiting(&heap->store, HUSK__WAITS_PASS | HUSK__WAITS_YOUNG);
    husk_status status = run_told(heap, HUSK__OLD, reason, sum);
    if (husk__take_waiting(&heap->store,
                           HUSK__WAITS_PASS)) { /* a hook asked; no third pass, it would never end */
        husk_status second = run_told(heap, HUSK__OLD, reason, sum);
        status = status ? status : second;
    }
    return status;
}

void husk__collect_told(husk_heap *heap, bool quiet, const husk_pass *pass)
{
    if (!husk__has_listeners(heap))
        return;
    add_pass(&heap->collector.untold, pass);
    if (quiet)
        husk__let_wait(&heap->store, HUSK__WAITS_TELL);
    else
        husk__tell_untold(heap);
}

static void run_quiet(husk_heap *heap, int generation, husk_reason reason)
{
    husk_pass pass = { .reason = reason };
    (void)run(heap, generation, true, &pass);
    husk__collect_told(heap, true, &pass);
}

/* A birth takes its part of what a death budget left. */
static void drain_quietly(husk_heap *heap)
{
    heap->quiet = true;
    husk__ration(heap);
    husk__drain(heap);
    heap->quiet = false;
}

/* A pass is due, and cannot run in steps. One that is under way in steps answers for growth; what does not wait so
 * long is the soft limit and stress. */
static bool is_due(husk_heap *heap)
{
    if (!husk__pace_due(heap))
        return false;
    bool growth = heap->pace.reason == HUSK_BY_OBJECTS || heap->pace.reason == HUSK_BY_BYTES;
    return heap->store.in_steps ? !growth : !husk__step_begins(heap);
}

void husk__collect_pressure(husk_heap *heap)
{
    bool asked = husk__take_waiting(&heap->store, HUSK__WAITS_REQUEST);
    if ((husk__waiting(&heap->store) & HUSK__WAITS_DEATH) && !(heap->busy & BUSY_WORK))
        drain_quietly(heap);
    if (heap->store.surplus_since && !(heap->busy & BUSY_PASS))
        husk__pages_surplus(&heap->store);
    if (!asked && !husk__store_grown(&heap->store) && !husk__store_looks(&heap->store))
        return;
    if (heap->busy & BUSY_WORK) {
        if (asked)
            husk__let_wait(&heap->store, HUSK__WAITS_PASS);
        return;
    }
    /* Saving needs memory for the list, telling of leaks is code of the program: a safe point. */
    if (heap->collector.save_all || heap->collector.leaks.on) {
        if (asked || (husk__store_grown(&heap->store) && husk__pace_due(heap)))
            husk__let_wait(&heap->store, HUSK__WAITS_PASS);
        if (!heap->store.in_steps)
            husk__young_arm(heap);
        return;
    }
    if (asked)
        run_quiet(heap, HUSK__OLD, HUSK_BY_REQUEST);
    else if (husk__store_grown(&heap->store) && is_due(heap))
        run_quiet(heap, HUSK__OLD, heap->pace.reason);
    else if (!husk__step_goes_on(heap) && husk__young_due(heap))
        run_quiet(heap, HUSK__YOUNG, HUSK_BY_OBJECTS);
}

/* Inside a hook nothing can end. All soft references let go nevertheless, so that the next request finds room. */
static bool limit_in_hook(husk_heap *heap)
{
    if (!(heap->busy & BUSY_BRIDGE))
        (void)husk__softs_let_go(heap, SIZE_MAX, SOFT_BY_LIMIT, true);
    if (heap->busy & BUSY_PASS) /* the pass walks the chunks: none may go away under it */
        return false;
    return husk__pages_trim(&heap->store, 0) > 0;
}

struct room {
    size_t taken, used;
};

static bool came_free(husk_heap *heap, struct room before)
{
    (void)husk__pages_trim(&heap->store, 0);
    return heap->store.bytes_taken < before.taken || heap->store.seen_blocks < before.used;
}

static void pass_at_limit(husk_heap *heap)
{
    husk__store_rest(&heap->store); /* each bin's own empty pages are others' memory */
    if (!heap->collector.save_all && !heap->collector.leaks.on) {
        run_quiet(heap, HUSK__OLD, HUSK_BY_LIMIT);
    } else {
        heap->quiet = true;
        (void)husk__drain_rest(heap);
        heap->quiet = false;
    }
}

/* Shares double, so that there are few passes however many soft references there are. */
static bool soften(husk_heap *heap, struct room before)
{
    struct husk__softs *softs = &heap->softs;
    while (softs->holding) {
        (void)husk__softs_let_go(heap, softs->share, SOFT_BY_LIMIT, true);
        softs->share *= 2;
        husk__store_rest(&heap->store);
        husk__store_recount(&heap->store);
        if (came_free(heap, before))
            return true;
        pass_at_limit(heap);
        if (came_free(heap, before))
            return true;
    }
    return false;
}

bool husk__collect_limit(husk_heap *heap, bool again)
{
    struct husk__softs *softs = &heap->softs;
    if (heap->busy & BUSY_WORK)
        return limit_in_hook(heap);
    struct room before = { heap->store.bytes_taken, heap->store.seen_blocks };
    if (again)
        return soften(heap, before);
    softs->share = softs->holding / 16 > HUSK__SOFT_SHARE ? softs->holding / 16 : HUSK__SOFT_SHARE;
    pass_at_limit(heap);
    return came_free(heap, before) || soften(heap, before);
}

/* Pushed last in first out; executed in the order of pushing. */
static void release_later(husk_heap *heap)
{
    husk_later *list = atomic_exchange_explicit(&heap->later, NULL, memory_order_acquire), *ordered = NULL;
    while (list) {
        husk_later *next = list->next;
        list->next = ordered;
        ordered = list;
        list = next;
    }
    heap->busy |=
        BUSY_DRAIN; /* the releases only queue; each node's object is ended before the next is looked at */
    while (ordered) {
        husk_later node = *ordered; /* `done` may free it */
        ordered = node.next;
        husk_obj_release(node.obj);
        husk__drain(heap);
        if (node.done) {
            struct husk__hook saved;
            husk__hook_enter(heap, &saved);
            node.done(node.data);
            husk__hook_leave(heap, &saved);
        }
    }
    husk__drain(heap);
    heap->busy &= ~(uint32_t)BUSY_DRAIN;
}

bool husk__collect_queues(husk_heap *heap)
{
    enum { DEATHS = HUSK__WAITS_LATER | HUSK__WAITS_DUE | HUSK__WAITS_DEATH };
    bool any = husk__waiting(&heap->store) & DEATHS;
    if (husk__take_waiting(&heap->store, HUSK__WAITS_LATER))
        release_later(heap);
    if (husk__waiting(&heap->store) & (HUSK__WAITS_DUE | HUSK__WAITS_DEATH)) {
        if (!heap->death_budget) /* it has been taken away meanwhile */
            (void)husk__take_waiting(&heap->store, HUSK__WAITS_DEATH);
        husk__drain(heap);
    }
    if (husk__take_waiting(&heap->store, HUSK__WAITS_TELL))
        husk__tell_untold(heap);
    return any;
}

static void serve_surplus(husk_heap *heap)
{
    if (husk__take_waiting(&heap->store, HUSK__WAITS_SURPLUS) || heap->store.surplus_since)
        husk__pages_surplus(&heap->store);
}

void husk__collect_safe(husk_heap *heap)
{
    (void)husk__collect_queues(heap);
    bool young = husk__take_waiting(&heap->store, HUSK__WAITS_YOUNG);
    husk_pass ignored = { 0 };
    if (husk__take_waiting(&heap->store, HUSK__WAITS_REQUEST | HUSK__WAITS_PASS))
        (void)run_told(heap, HUSK__OLD, HUSK_BY_REQUEST, &ignored);
    else if (young)
        (void)run_told(heap, HUSK__YOUNG, HUSK_BY_OBJECTS, &ignored);
    husk__step_safe(heap);
    serve_surplus(heap);
    husk__traced_wish(heap);
}

static husk_status collect(husk_heap *heap, int generation, husk_pass *out)
{
    husk_pass sum = { 0 };
    husk_status status;
    if (heap->busy & BUSY_WORK) {
        husk__let_wait(&heap->store, generation == HUSK__YOUNG ? HUSK__WAITS_YOUNG : HUSK__WAITS_PASS);
        status =
            husk_heap_fail(heap, HUSK_EBUSY, "collect: a pass or a hook of heap %s is running", heap->name);
    } else {
        heap->deaths_left = SIZE_MAX;
        (void)husk__collect_queues(heap);
        if (generation == HUSK__YOUNG) {
            (void)husk__take_waiting(&heap->store, HUSK__WAITS_YOUNG);
            status = run_told(heap, HUSK__YOUNG, HUSK_BY_CALL, &sum);
        } else {
            (void)husk__take_waiting(&heap->store, HUSK__WAITS_REQUEST);
            status = husk__collect_full(heap, HUSK_BY_CALL, &sum);
        }
        if (status == HUSK_ECORRUPT)
            (void)fail_corrupt(heap);
        serve_surplus(heap);
        husk__traced_wish(heap);
    }
    if (out)
        *out = sum;
    return status;
}

husk_status husk_heap_collect(husk_heap *heap, husk_pass *out)
{
    return collect(heap, HUSK__OLD, out);
}

husk_status husk_heap_collect_young(husk_heap *heap, husk_pass *out)
{
    return collect(heap, HUSK__YOUNG, out);
}

husk_status husk__dry_begin(husk_heap *heap, const char *call, struct husk__set *set, husk_pass *out)
{
    *out = (husk_pass){ 0 };
    *set = (struct husk__set){ 0 };
    if (heap->busy & BUSY_WORK)
        return husk_heap_fail(heap, HUSK_EBUSY, "%s: a pass or a hook of heap %s is running", call,
                              heap->name);
    struct husk__found found;
    uint64_t start = husk__now();
    husk__find(heap, &found);
    out->examined = found.examined;
    out->collected = found.garbage;
    if (found.garbage)
        husk__set_make(heap, set);
    else
        husk__search_end(heap);
    out->find_ns = husk__now() - start;
    if (found.garbage)
        out->weak_cleared = husk__set_weaks(heap, set);
    out->bytes = set->bytes;
    out->finalized = set->finalizers;
    if (found.corrupt)
        husk__collect_corrupt(heap, found.corrupt, found.seen);
    return found.corrupt ? fail_corrupt(heap) : HUSK_OK;
}

void husk__dry_end(husk_heap *heap, struct husk__set *set)
{
    if (set->pages)
        husk__set_spare(heap, set, NULL);
}

husk_status husk_heap_collect_dry(husk_heap *heap, husk_pass *out)
{
    struct husk__set set;
    husk_status status = husk__dry_begin(heap, "collect_dry", &set, out);
    husk__dry_end(heap, &set);
    return status;
}

void husk_heap_safepoint(husk_heap *heap)
{
    if (!(heap->busy & BUSY_WORK) && (husk__waiting(&heap->store) || heap->store.surplus_since)) {
        husk__ration(heap);
        husk__collect_safe(heap);
    }
}

void husk_heap_request(husk_heap *heap)
{
    husk__let_wait(&heap->store, HUSK__WAITS_REQUEST);
}

husk_status husk_heap_generation(const husk_heap *heap, int generation, husk_generation *out)
{
    if (generation < 0 ||
        generation >= HUSK_GENERATIONS) /* reading a figure does not change the heap: no message is left */
        return HUSK_ERANGE;
    *out = heap->collector.totals[generation];
    return HUSK_OK;
}

void husk_heap_freeze(husk_heap *heap)
{
    husk__step_drop(heap);
    husk__store_freeze(&heap->store);
    heap->passes.any_frozen = true;
    husk__pace_restart(heap, 1, 1);
}

void husk_heap_unfreeze(husk_heap *heap)
{
    husk__step_drop(heap);
    husk__store_unfreeze(&heap->store);
    heap->passes.any_frozen = false;
}
