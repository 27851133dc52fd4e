/* cycle/adapt.c: the factor in force. Two signals raise it: passes that find next to nothing, and passes that take
 * too much of the time; a good yield brings it back. It never passes factor_max, so the bound on memory holds
 * whatever the time says: of the two goals the share of time is the soft one. */
#define _GNU_SOURCE
#include "cycle/adapt.h"

#include "base/clock.h"

/* A pass whose cost for each object is worth noting: of a small one the fixed part is most. */
enum { ENOUGH_OBJECTS = 256 };

/* Started by growth or by the soft limit, or the rest of such a one: what it left for a safe point. */
static bool is_automatic(const husk_heap *heap, const husk_pass *pass)
{
    return pass->reason == HUSK_BY_OBJECTS || pass->reason == HUSK_BY_BYTES || pass->reason == HUSK_BY_SOFT ||
           (pass->reason == HUSK_BY_REQUEST && heap->pace.deferred);
}

static void note_time(struct husk__times *times, uint64_t start, uint64_t end)
{
    times->pass_ns[times->next] = end - start;
    times->gap_ns[times->next] = start > times->last_end ? start - times->last_end : 0;
    times->next = (times->next + 1) % HUSK_TIME_PASSES;
    times->count += times->count < HUSK_TIME_PASSES;
    times->last_end = end;
}

static double share_of(const struct husk__times *times)
{
    uint64_t passes = 0, all = 0;
    for (unsigned i = 0; i < times->count; i++) {
        passes += times->pass_ns[i];
        all += times->pass_ns[i] + times->gap_ns[i];
    }
    return all ? (double)passes / (double)all : 0;
}

void husk__adapt_note(husk_heap *heap, const husk_pass *pass, uint64_t start)
{
    struct husk__pace *pace = &heap->pace;
    uint64_t end = husk__now(), ns = end - start;
    pace->last_ns = ns;
    pace->yield = pass->examined ? (double)pass->collected / (double)pass->examined : 0;
    if (pass->examined >= ENOUGH_OBJECTS) {
        double cost = (double)ns / (double)pass->examined;
        pace->object_ns = pace->object_ns > 0 ? (3 * pace->object_ns + cost) / 4 : cost;
    }
    if (!is_automatic(heap, pass))
        return;
    pace->automatic++;
    pace->automatic_examined += pass->examined;
    note_time(&pace->times, start, end);
    uint64_t gap = start > pace->soft.since ? start - pace->soft.since : 0;
    pace->soft.owed = (pace->soft.owed > gap ? pace->soft.owed - gap : 0) + ns;
    pace->soft.since = end;
}

static void raise(struct husk__pace *pace, husk_factor_why why)
{
    double more = pace->factor * 1.5;
    pace->factor = more < pace->set.factor_max ? more : pace->set.factor_max;
    if (pace->factor > pace->set.factor)
        pace->why = why;
}

void husk__adapt_factor(struct husk__pace *pace, size_t examined, size_t collected)
{
    double share = pace->times.count >= HUSK_TIME_LEAST ? share_of(&pace->times) : 0;
    bool poor = collected * 50 < examined;
    pace->poor = poor ? pace->poor + 1 : 0;
    if (share > HUSK_TIME_GOAL)
        raise(pace, HUSK_FACTOR_TIME);
    else if (pace->poor >= 2)
        raise(pace, HUSK_FACTOR_YIELD);
    else if (!poor && collected * 4 > examined && share < HUSK_TIME_GOAL / 2) {
        pace->factor = pace->set.factor; /* not at the goal itself: it would go up and down for ever */
        pace->why = HUSK_FACTOR_SET;
    }
}

void husk_heap_pacing_state(const husk_heap *heap, husk_pacing_state *out)
{
    const struct husk__pace *pace = &heap->pace;
    double share = share_of(&pace->times);
    *out = (husk_pacing_state){
        .factor = pace->factor,
        .why = pace->why,
        .at_most = pace->factor >= pace->set.factor_max,
        .time_kept = share <= HUSK_TIME_GOAL,
        .time_share = share,
        .timed = pace->times.count,
        .yield = pace->yield,
        .object_ns = pace->object_ns,
        .last_ns = pace->last_ns,
        .automatic = pace->automatic,
        .automatic_examined = pace->automatic_examined,
    };
}

const char *husk_factor_why_name(husk_factor_why why)
{
    static const char *const names[] = { "set", "yield", "time" };
    return (unsigned)why < sizeof names / sizeof *names ? names[why] : "unknown";
}
