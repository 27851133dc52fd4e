/* cycle/glance.c: what each object has and is held by, in one look. See glance.h. */
#include "cycle/glance.h"

#include "cycle/find.h"
#include "cycle/searching.h"

static void count_child(husk_obj *child, size_t slot, size_t index, void *context)
{
    (void)slot;
    (void)index;
    (void)context;
    husk__side_count(child);
}

static const struct husk__glancing alone = { .count = count_child };

static NEVER_INLINE bool glance_other(husk_obj *obj, struct husk__found *found, struct husk__marker *marker)
{
    return husk__glance_other(&alone, obj, found, marker);
}

static __attribute__((noinline)) char *glance_flat(char *at, const char *end, size_t block,
                                                   const husk_type *type, struct husk__marker *marker)
{
    return husk__glance_flat(&alone, at, end, block, type, marker);
}

void husk__glance_page(struct husk__page *page, struct husk__found *found)
{
    husk__glance_through(page, found, NULL, glance_other, glance_flat);
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
