/* cycle/glance.c: what each object has and is held by, in one look. See glance.h. */
#include "cycle/glance.h"

#include "cycle/find.h"
#include "cycle/searching.h"

#include <string.h>

/* A larger count would leave an entry no room below. */
#define LARGE_RC ((uint32_t)HUSK__CARRY_AT * RC_ONE)

static void count_child(husk_obj *child, size_t slot, size_t index, void *context)
{
    (void)slot;
    (void)index;
    (void)context;
    husk__side_count(child);
}

/* An entry that has come round already, in a damaged heap, is left as it is, too. */
ALWAYS_INLINE void take_own(uint16_t *entry, uint32_t rc)
{
    uint16_t left;
    if (LIKELY(rc < LARGE_RC) &&
        LIKELY(!__builtin_sub_overflow(*entry, (uint16_t)(rc / RC_ONE * SIDE_ONE), &left)))
        *entry = left;
    else
        *entry |= SIDE_LOOK;
}

/* A block whose references do not lie side by side; true: an object that is no dying one. */
static NEVER_INLINE bool glance_other(husk_obj *obj, struct husk__found *found)
{
    uint16_t *entry = husk__side_of(obj);
    if (UNLIKELY(obj->tf & TF_QUEUED)) { /* it holds what it refers to until it is gone */
        *entry = 0;
        return false;
    }
    if (!husk__is_object(obj)) {
        *entry |= SIDE_LOOK;
        return false;
    }
    const husk_type *type = husk__type_of(obj);
    found->kinds |= type->flags;
    take_own(entry, obj->rc);
    husk__visit(type, obj, count_child, NULL);
    return true;
}

/* Blocks with living objects of one type with n references side by side, the first one among them; returns the first
 * block behind them. With n a constant nothing is left to be looked up or to be guessed. */
ALWAYS_INLINE char *glance_alike(char *at, const char *end, size_t block, const husk_type *type, size_t n)
{
    const size_t refs_at = type->refs_at;
    const uint32_t id = type->id;
    do {
        __builtin_prefetch(at + HUSK__AHEAD);
        const husk_obj *obj = (const husk_obj *)(const void *)at;
        husk_obj *const *ref = (husk_obj *const *)(const void *)(at + refs_at);
        take_own(husk__side_of(obj), obj->rc);
        for (size_t i = 0; i < n; i++)
            if (ref[i])
                husk__side_count(ref[i]);
        at += block;
    } while (at < end && (((const husk_obj *)(const void *)at)->tf & (TF_TYPE | TF_QUEUED)) == id);
    return at;
}

/* Most neighbours are of one type. */
static char *glance_flat(char *at, const char *end, size_t block, const husk_type *type)
{
    size_t n = type->field_count;
    switch (n) {
    case 1:
        return glance_alike(at, end, block, type, 1);
    case 2:
        return glance_alike(at, end, block, type, 2);
    case 3:
        return glance_alike(at, end, block, type, 3);
    case 4:
        return glance_alike(at, end, block, type, 4);
    default:
        return glance_alike(at, end, block, type, n);
    }
}

void husk__glance_page(struct husk__page *page, struct husk__found *found)
{
    const size_t block = page->block;
    char *at = husk__page_start(page), *end = husk__page_end(page);
    uint32_t others = 0;
    while (at < end) {
        husk_obj *obj = (husk_obj *)(void *)at;
        const husk_type *type = husk__type_of(obj);
        if ((type->flags & TYPE_FLAT) && !(obj->tf & TF_QUEUED)) {
            char *from = at;
            found->kinds |= type->flags;
            at = glance_flat(at, end, block, type);
            found->examined += (size_t)(at - from) / block;
        } else {
            others += glance_other(obj, found);
            at += block;
        }
    }
    found->examined += others;
}

/* ---- judging ---- */

enum { LANES = 8 };
typedef uint16_t lanes __attribute__((vector_size(LANES * sizeof(uint16_t)), may_alias));

struct tally {
    size_t held;
    bool odd; /* some entry needs another look */
};

static struct tally look_over(const struct husk__page *page)
{
    const lanes *side = (const lanes *)(const void *)husk__side_of(husk__page_start(page));
    size_t n = (husk__page_side_words(page) * 4 + LANES - 1) / LANES; /* behind them entries are zero */
    lanes held = { 0 }, odd = { 0 };
    for (size_t i = 0; i < n; i++) {
        lanes entry = side[i];
        held -= (lanes)(entry < SIDE_FRESH) & entry & SIDE_OPEN;
        odd |= (entry & (SIDE_CARRY | SIDE_LOOK)) | (lanes)(entry > SIDE_FRESH);
    }
    struct tally sum = { 0, false };
    for (unsigned i = 0; i < LANES; i++) {
        sum.held += (uint16_t)-held[i];
        sum.odd |= odd[i] != 0;
    }
    return sum;
}

/* One for which an entry without flags does not speak. False: the heap is damaged. */
static bool judge(husk_obj *obj, struct husk__found *found)
{
    uint16_t *entry = husk__side_of(obj);
    if (!husk__is_object(obj)) {
        *entry &= (uint16_t)~SIDE_LOOK;
        return husk__seed_none(obj, false, found);
    }
    uint64_t seen = husk__side_total(obj, *entry);
    if (!(*entry & SIDE_LOOK) && seen != SIDE_UNKNOWN)
        seen += obj->rc / RC_ONE;
    enum husk__seed what = husk__seed_rare(obj, seen, false, found);
    *entry = what == SEED_OPEN ? SIDE_FRESH : SIDE_FRESH - SIDE_ONE;
    return what != SEED_CORRUPT;
}

size_t husk__glance_judge(struct husk__page *page, struct husk__found *found)
{
    struct tally sum = look_over(page);
    if (LIKELY(!sum.odd))
        return sum.held;
    for (HUSK__EACH_BLOCK(page, obj)) {
        uint16_t entry = *husk__side_of(obj);
        if ((entry & (SIDE_CARRY | SIDE_LOOK) || entry > SIDE_FRESH) && !judge(obj, found))
            return 0;
    }
    return look_over(page).held;
}

void husk__glance_roots(struct husk__page *page, struct husk__marker *marker)
{
    if (look_over(page).held == 0)
        return;
    for (HUSK__EACH_BLOCK(page, obj)) {
        uint16_t entry = *husk__side_of(obj);
        if (entry < SIDE_FRESH && (entry & SIDE_OPEN))
            husk__mark_root(marker, obj);
    }
}
