/* base/grow.c: see grow.h. */
#include "base/grow.h"

#include "base/memory.h"

#include <string.h>
#include <sys/resource.h>

#define RESERVE_FIRST                                                                                        \
    ((size_t)64 << 20) /* costs address space only; a larger array moves a few times at most */
#define COMMIT_STEP ((size_t)256 << 10)
#define COMMIT_STEP_LARGE ((size_t)8 << 20) /* fewer calls, once it is large */
/* Large system pages for an array that is large, or of which so much is wanted at once: a fault for each
 * small page costs several times what writing to it does. */
#define COMMIT_HUGE ((size_t)2 << 20)
#define PAGE 4096

static size_t round_to(size_t bytes, size_t unit)
{
    return (bytes + unit - 1) / unit * unit;
}

/* Where address space is limited it is not for us alone, and the arrays are many. */
static size_t first_reservation(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur >= (rlim_t)RESERVE_FIRST * 256)
        return RESERVE_FIRST;
    size_t share = round_to((size_t)limit.rlim_cur / 256, PAGE);
    return share > COMMIT_STEP ? share : COMMIT_STEP;
}

static bool commit(struct husk__grow *grow, size_t bytes)
{
    size_t step = grow->committed >= COMMIT_STEP_LARGE ? COMMIT_STEP_LARGE
                  : bytes >= COMMIT_HUGE               ? COMMIT_HUGE
                                                       : COMMIT_STEP;
    size_t more = round_to(bytes, step);
    if (more > grow->reserved - grow->committed)
        more = grow->reserved - grow->committed;
    if (!husk__memory_commit(grow->at + grow->committed, more))
        return false;
    if (step != COMMIT_STEP)
        husk__memory_advise_huge(grow->at + grow->committed, more);
    grow->committed += more;
    husk__memory_note((int64_t)more);
    return true;
}

static bool move(struct husk__grow *grow, size_t bytes)
{
    size_t want = grow->reserved ? grow->reserved * 4 : first_reservation();
    size_t need = round_to(grow->used + bytes, PAGE);
    if (need < bytes)
        return false;
    if (want < need)
        want = need;
    struct husk__grow next = { NULL, grow->used, 0, want };
    while (!(next.at = husk__memory_reserve(next.reserved, HUSK__FOR_TABLES))) {
        if (next.reserved == need)
            return false;
        next.reserved = next.reserved / 4 > need ? round_to(next.reserved / 4, PAGE) : need;
    }
    if (!commit(&next, need)) {
        husk__memory_release(next.at, next.reserved);
        return false;
    }
    if (grow->used)
        memcpy(next.at, grow->at, grow->used);
    husk__grow_free(grow);
    *grow = next;
    return true;
}

bool husk__grow_room(struct husk__grow *grow, size_t bytes)
{
    if (bytes <= grow->committed - grow->used)
        return true;
    if (bytes > grow->reserved - grow->used)
        return move(grow, bytes);
    return commit(grow, bytes - (grow->committed - grow->used));
}

void husk__grow_free(struct husk__grow *grow)
{
    if (grow->at) {
        husk__memory_release(grow->at, grow->reserved);
        husk__memory_note(-(int64_t)grow->committed);
    }
    *grow = (struct husk__grow){ 0 };
}
