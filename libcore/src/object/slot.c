/* object/slot.c: storing references. Old references are let go last, when the new state is complete: a
 * release may run finalizers that look. */
#include "object/hook.h"
#include "object/state.h"

#include <husk/ledger.h>
#include <husk/value.h>

/* A value of another heap would let two threads work on one object's count. */
static bool same_heap(const husk_obj *self, const husk_obj *value)
{
    const struct husk__chunk *mine = husk__chunk_of(self), *its = husk__chunk_of(value);
    if (LIKELY(!value) || LIKELY(mine == its) || LIKELY(mine->owner == its->owner))
        return true;
    (void)husk_heap_fail(husk__heap_of(self), HUSK_EHEAP,
                         "object of type %s belongs to heap %s, not to heap %s", husk__type_of(value)->name,
                         husk__heap_of(value)->name, husk__heap_of(self)->name);
    return false;
}

/* The rare ends of the calls below, apart so that these need no stack: a call there is their last. */
static __attribute__((noinline)) husk_status let_go(husk_obj *old, const husk_obj *self, husk_obj **slot)
{
    husk_ledger_release_in(old, self, slot);
    return HUSK_OK;
}

static NEVER_INLINE husk_status set_in_ledger(husk_obj *self, husk_obj **slot, husk_obj *value)
{
    husk_obj *old = *slot;
    husk_ledger_retain_in(value, self, slot);
    *slot = value;
    if (old)
        husk_ledger_release_in(old, self, slot);
    return HUSK_OK;
}

static NEVER_INLINE husk_status take_in_ledger(husk_obj *self, husk_obj **slot, husk_obj *value)
{
    husk_obj *old = *slot;
    husk_ledger_move_in(value, self, slot);
    *slot = value;
    if (old)
        husk_ledger_release_in(old, self, slot);
    return HUSK_OK;
}

static NEVER_INLINE husk_status swap_in_ledger(husk_obj *self, husk_obj **slot, husk_obj **value)
{
    husk_obj *old = *slot;
    if (old)
        husk_ledger_move_out(old, self, slot);
    if (*value)
        husk_ledger_move_in(*value, self, slot);
    *slot = *value;
    *value = old;
    return HUSK_OK;
}

ALWAYS_INLINE bool is_slow(const husk_obj *obj)
{
    return (int32_t)obj->rc < 0;
}

/* One reference fewer; the last one, or one in a ledger, elsewhere. */
ALWAYS_INLINE husk_status drop_old(husk_obj *old, const husk_obj *self, husk_obj **slot)
{
    if (!old)
        return HUSK_OK;
    if (UNLIKELY(old->rc - 2 * RC_ONE >= RC_SLOW - 2 * RC_ONE))
        return let_go(old, self, slot);
    old->rc -= RC_ONE;
    return HUSK_OK;
}

husk_status husk__obj_set_slow_1(husk_obj *self, husk_obj **slot, husk_obj *value)
{
    if (UNLIKELY(!same_heap(self, value)))
        return HUSK_EHEAP;
    if (value) {
        if (UNLIKELY(is_slow(value)))
            return set_in_ledger(self, slot, value);
        value->rc += RC_ONE;
    }
    husk_obj *old = *slot;
    *slot = value;
    return drop_old(old, self, slot);
}

husk_status husk__obj_take_slow_1(husk_obj *self, husk_obj **slot, husk_obj *value)
{
    if (UNLIKELY(!same_heap(self, value))) {
        husk_obj_release(value);
        return HUSK_EHEAP;
    }
    if (value && UNLIKELY(is_slow(value)))
        return take_in_ledger(self, slot, value);
    husk_obj *old = *slot;
    *slot = value;
    return drop_old(old, self, slot);
}

husk_status husk_obj_set(husk_obj *self, husk_obj **slot, husk_obj *value)
{
    return husk_obj_set_inline(self, slot, value);
}

husk_status husk_obj_take(husk_obj *self, husk_obj **slot, husk_obj *value)
{
    return husk_obj_take_inline(self, slot, value);
}

husk_status husk_obj_swap(husk_obj *self, husk_obj **slot, husk_obj **value)
{
    if (UNLIKELY(!same_heap(self, *value)))
        return HUSK_EHEAP;
    husk_obj *old = *slot;
    if ((old && UNLIKELY(is_slow(old))) || (*value && UNLIKELY(is_slow(*value))))
        return swap_in_ledger(self, slot, value);
    *slot = *value;
    *value = old;
    return HUSK_OK;
}
