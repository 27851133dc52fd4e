/* object/soft.c: soft references: making, using, and letting go by the order of use. When memory is short at all is
 * decided in cycle/. See <husk/soft.h>. */
#include "object/soft.h"

#include "object/death.h"
#include "object/hook.h"

#include <husk/bridge.h>
#include <husk/ledger.h>

static _Atomic(const husk_type *) soft_type;

static const husk_type *have_type(void)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static const husk_slot slots[] = {
        { "target", HUSK_SLOT_REF, HUSK_IN_FIELD, offsetof(husk_soft, strong) - HUSK__HEADER, 0, 0, 0 },
    };
    static const husk_type_spec spec = { HUSK_TYPE_SPEC, .name = "soft reference",
                                         .size = sizeof(husk_soft) - HUSK__HEADER, .slots = slots,
                                         .slot_count = 1 };
    const husk_type *type = atomic_load_explicit(&soft_type, memory_order_acquire);
    if (type)
        return type;
    pthread_mutex_lock(&lock);
    type = atomic_load_explicit(&soft_type, memory_order_relaxed);
    if (!type && husk__type_make(&spec, TYPE_WEAK | TYPE_SOFT, &type) == HUSK_OK)
        atomic_store_explicit(&soft_type, type, memory_order_release);
    pthread_mutex_unlock(&lock);
    return type;
}

static void join(struct husk__softs *softs, husk_soft *soft)
{
    soft->newer = NULL;
    soft->older = softs->newest;
    if (soft->older)
        soft->older->newer = soft;
    else
        softs->oldest = soft;
    softs->newest = soft;
    softs->holding++;
}

static void leave(struct husk__softs *softs, husk_soft *soft)
{
    if (soft->newer)
        soft->newer->older = soft->older;
    else
        softs->newest = soft->older;
    if (soft->older)
        soft->older->newer = soft->newer;
    else
        softs->oldest = soft->newer;
    soft->newer = soft->older = NULL;
    softs->holding--;
}

static void hold(husk_heap *heap, husk_soft *soft, husk_obj *target)
{
    husk_ledger_retain_in(target, &soft->weak.head, &soft->strong);
    soft->strong = target;
    join(&heap->softs, soft);
}

husk_soft *husk_soft_new(husk_obj *obj, husk_weak_fn *on_gone, void *data, husk_free_fn *data_free)
{
    husk_soft *soft = (husk_soft *)(void *)husk__weak_make(obj, have_type(), on_gone, data, data_free);
    if (!soft)
        return NULL;
    husk_heap *heap = husk__heap_of(obj);
    heap->softs.references++;
    soft->used = heap->softs.clock;
    hold(heap, soft, obj);
    return soft;
}

husk_obj *husk_soft_lock(husk_soft *soft)
{
    husk_obj *target = soft->weak.target;
    if (UNLIKELY(!target) || UNLIKELY(husk__is_dying(target)))
        return NULL;
    husk_heap *heap = husk__heap_of(soft);
    if (UNLIKELY(!soft->strong)) {
        hold(heap, soft, target);
        heap->softs.regained++;
    } else if (soft->newer) {
        leave(&heap->softs, soft);
        join(&heap->softs, soft);
    }
    soft->used = heap->softs.clock;
    husk_obj_retain(target);
    return target;
}

bool husk_soft_is_holding(const husk_soft *soft)
{
    return soft->strong;
}

void *husk_soft_data(const husk_soft *soft)
{
    return soft->weak.data;
}

husk_soft *husk_soft_of(husk_obj *obj)
{
    return husk__type_of(obj)->flags & TYPE_SOFT ? (husk_soft *)(void *)obj : NULL;
}

void husk__soft_end(husk_heap *heap, husk_soft *soft)
{
    heap->softs.references--;
    if (!soft->strong)
        return;
    leave(&heap->softs, soft);
    if (heap->reclaiming && husk__is_pending(soft->strong))
        soft->strong = NULL;
}

void husk__soft_drop(husk_soft *soft)
{
    husk_obj *strong = soft->strong;
    soft->strong = NULL;
    if (strong)
        husk_ledger_release_in(strong, &soft->weak.head, &soft->strong);
}

static void let_go(husk_heap *heap, husk_soft *soft, enum husk__soft_reason reason)
{
    leave(&heap->softs, soft);
    heap->softs.let_go[reason]++;
    husk__soft_drop(soft);
}

static void serve(husk_heap *heap)
{
    if (!(heap->busy & BUSY_WORK) && husk__waiting(&heap->store))
        heap->on_safe(heap);
}

bool husk_soft_let_go(husk_soft *soft)
{
    husk_heap *heap = husk__heap_of(soft);
    if (!soft->strong)
        return false;
    let_go(heap, soft, SOFT_BY_CALL); /* a release like any other */
    return true;
}

size_t husk__softs_let_go(husk_heap *heap, size_t count, enum husk__soft_reason reason, bool quiet)
{
    uint32_t before = heap->busy;
    size_t done = 0;
    heap->busy |= BUSY_DRAIN; /* all only queue: a callback must not see some gone and some not */
    for (; done < count && heap->softs.oldest; done++)
        let_go(heap, heap->softs.oldest, reason);
    heap->busy = before;
    if (done && !(before & BUSY_WORK)) {
        heap->quiet = quiet;
        heap->deaths_left = SIZE_MAX; /* it is for the memory */
        husk__drain(heap);
        heap->quiet = false;
    }
    return done;
}

/* How many of those that hold the policy does not keep. */
static size_t loose(const struct husk__softs *softs)
{
    return softs->holding > softs->policy.keep ? softs->holding - softs->policy.keep : 0;
}

void husk__softs_age(husk_heap *heap, bool quiet)
{
    struct husk__softs *softs = &heap->softs;
    softs->clock++;
    if (!softs->policy.max_age)
        return;
    size_t most = loose(softs), count = 0;
    for (const husk_soft *s = softs->oldest;
         s && count < most && softs->clock - s->used > softs->policy.max_age; s = s->newer)
        count++;
    (void)husk__softs_let_go(heap, count, SOFT_BY_AGE, quiet);
}

static size_t bytes_now(husk_heap *heap)
{
    husk__store_recount(&heap->store);
    return heap->store.seen_bytes + heap->store.raw_bytes + heap->store.foreign_bytes;
}

size_t husk__softs_yield(husk_heap *heap, size_t bytes, bool quiet)
{
    if ((heap->busy & BUSY_WORK) || !loose(&heap->softs))
        return 0;
    size_t before = bytes_now(heap), now = before, share = loose(&heap->softs) / 16;
    if (share < HUSK__SOFT_SHARE)
        share = HUSK__SOFT_SHARE;
    for (size_t left; (left = loose(&heap->softs)) && (now >= before || before - now < bytes); share *= 2) {
        (void)husk__softs_let_go(heap, share < left ? share : left, SOFT_BY_PRESSURE, quiet);
        now = bytes_now(heap);
    }
    return now < before ? before - now : 0;
}

size_t husk_heap_yield_softs(husk_heap *heap, size_t keep)
{
    husk_heap_unbridge(heap);
    size_t holding = heap->softs.holding;
    size_t done = husk__softs_let_go(heap, holding > keep ? holding - keep : 0, SOFT_BY_CALL, false);
    serve(heap);
    return done;
}

void husk_heap_set_soft_policy(husk_heap *heap, const husk_soft_policy *policy)
{
    heap->softs.policy = *policy;
}

void husk_heap_soft_policy(const husk_heap *heap, husk_soft_policy *out)
{
    *out = heap->softs.policy;
}

void husk_heap_soft_figures(const husk_heap *heap, husk_soft_figures *out)
{
    const struct husk__softs *softs = &heap->softs;
    *out = (husk_soft_figures){
        .references = softs->references,
        .holding = softs->holding,
        .by_call = softs->let_go[SOFT_BY_CALL],
        .by_age = softs->let_go[SOFT_BY_AGE],
        .by_pressure = softs->let_go[SOFT_BY_PRESSURE],
        .by_limit = softs->let_go[SOFT_BY_LIMIT],
        .regained = softs->regained,
    };
}

const char *husk__softs_wrong(const husk_heap *heap, size_t references)
{
    const struct husk__softs *softs = &heap->softs;
    size_t holding = 0;
    const husk_soft *newer = NULL;
    if (references != softs->references)
        return "the number of soft references is not the one noted";
    for (const husk_soft *s = softs->newest; s; newer = s, s = s->older) {
        if (++holding > softs->holding)
            return "more soft references are listed than counted";
        if (!husk__is_own_object(heap, s) || !(husk__type_of(&s->weak.head)->flags & TYPE_SOFT))
            return "what is listed as soft reference is none";
        if (s->newer != newer || !s->strong || s->strong != s->weak.target)
            return "a soft reference is listed that does not hold its object";
        if (s->used > softs->clock || (newer && s->used > newer->used))
            return "soft references are not in the order of use";
    }
    if (holding != softs->holding || softs->oldest != newer)
        return "fewer soft references are listed than counted";
    return NULL;
}
