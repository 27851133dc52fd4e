/* tests/model/reference_soft.c: soft references: held like a slot, until they let go by age or by the order of use. See
 * reference_parts.h. */
#include "reference_parts.h"

static void take_from_order(ref_heap *h, int n)
{
    for (int i = 0; i < h->soft_count; i++)
        if (h->soft[i] == n) {
            list_cut(h->soft, &h->soft_count, i);
            return;
        }
}

static void use(ref_heap *h, int n)
{
    take_from_order(h, n);
    list_push(h->soft, &h->soft_count, h->soft_count, n);
    h->obj[n].used = h->soft_clock;
}

static void hold(ref_heap *h, int n)
{
    h->obj[n].strong = h->obj[n].target;
    ref_retain(h, h->obj[n].strong);
    use(h, n);
}

static void let_go(ref_heap *h, int n)
{
    int strong = h->obj[n].strong;
    take_from_order(h, n);
    h->obj[n].strong = 0;
    ref_release(h, strong);
}

/* The first ones in order; what dies of it ends when all have let go. */
static void let_some_go(ref_heap *h, int count)
{
    bool before = h->busy;
    h->busy = true;
    for (int i = 0; i < count; i++)
        let_go(h, h->soft[0]);
    h->busy = before;
    if (count > 0 && !before)
        ref_end_waiting(h);
}

void ref_softs_age(ref_heap *h)
{
    int most = h->soft_count - h->keep, count = 0;
    h->soft_clock++;
    while (h->max_age && count < most && h->soft_clock - h->obj[h->soft[count]].used > (long)h->max_age)
        count++;
    h->aged += count;
    h->met[MET_SOFT_AGED] += count;
    let_some_go(h, count);
}

void ref_soft_leaves(ref_heap *h, int n)
{
    ref_obj *o = &h->obj[n];
    take_from_order(h, n);
    if (o->strong && h->obj[o->strong].ending) { /* a member of a set that ends has no count any more */
        o->strong = 0;
        h->met[MET_SOFT_GARBAGE]++;
    }
}

void ref_soft_drop(ref_heap *h, int n)
{
    int strong = h->obj[n].strong;
    h->obj[n].strong = 0;
    ref_release(h, strong);
}

static void lock(ref_heap *h, int n, int y)
{
    ref_obj *o = &h->obj[n];
    int target = o->target && !ref_is_dying(h, o->target) ? o->target : 0;
    if (target && o->strong) {
        use(h, n);
    } else if (target) {
        hold(h, n);
        h->regained++;
        h->met[MET_SOFT_REGAINED]++;
    }
    ref_retain(h, target);
    ref_assign(h, &h->handle[y], target);
}

static void yield(ref_heap *h, int keep)
{
    int count = h->soft_count > keep ? h->soft_count - keep : 0;
    h->met[MET_SOFT_YIELDED] += count;
    let_some_go(h, count);
    if (!h->busy) /* with a budget what callbacks let go of may be left */
        ref_settle(h);
}

void ref_soft_do(ref_heap *h, act a)
{
    int x = h->handle[a.x];
    bool one = x && h->obj[x].kind == K_SOFT;
    switch ((op)a.what) {
    case A_SOFT: {
        int n = x ? ref_weak_make(h, x, (ref_obj){ .kind = K_SOFT, .calls = a.z & 1, .frees = a.z & 2 }) : 0;
        if (n) {
            hold(h, n);
            ref_assign(h, &h->handle[a.y], n);
        }
        break;
    }
    case A_SOFT_LOCK:
        if (one)
            lock(h, x, a.y);
        break;
    case A_SOFT_LET_GO:
        if (one) {
            ref_retain(h, x); /* as the program does, which asks it afterwards */
            let_go(h, x);
            ref_release(h, x);
        }
        break;
    case A_SOFT_YIELD:
        yield(h, softs_kept(a.z));
        break;
    case A_SOFT_POLICY:
        h->max_age = softs_max_age(a.z);
        h->keep = softs_policy_keep(a.z);
        break;
    default:
        break;
    }
}
