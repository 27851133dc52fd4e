/* cycle/stress.c: see stress.h. While it is on every birth takes the slow road, which is where it is counted. */
#include "cycle/stress.h"

#include "cycle/pace.h"
#include "object/hook.h"

#include <stdlib.h>

#define MOST_EVERY ((uint64_t)1 << 32)

/* splitmix64 (Steele, Lea, Flood 2014): any seed will do. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static void draw(struct husk__stress *stress)
{
    uint64_t every = stress->set.every;
    stress->left = stress->set.seed ? 1 + next_random(&stress->state) % (2 * every - 1) : every;
}

bool husk__stress_due(husk_heap *heap)
{
    struct husk__stress *stress = &heap->pace.stress;
    if (!stress->set.every || --stress->left)
        return false;
    draw(stress);
    return true;
}

husk_status husk_heap_set_stress(husk_heap *heap, const husk_stress *stress)
{
    if (stress->every > MOST_EVERY)
        return husk_heap_fail(heap, HUSK_ERANGE, "stress: every %llu is not 0 (off) to %llu",
                              (unsigned long long)stress->every, (unsigned long long)MOST_EVERY);
    heap->pace.stress.set = *stress;
    heap->pace.stress.state = stress->seed;
    if (stress->every)
        draw(&heap->pace.stress);
    bool one_by_one = stress->every || (heap->busy & BUSY_OWNER) || HUSK__POISONED;
    if (one_by_one != heap->store.one_by_one)
        husk__store_one_by_one(&heap->store, one_by_one);
    husk__pace_set(heap);
    return HUSK_OK;
}

void husk_heap_get_stress(const husk_heap *heap, husk_stress *out)
{
    *out = heap->pace.stress.set;
}

/* Digits alone: a sign, a blank or too much is not understood. */
static bool number(const char **text, uint64_t most, uint64_t *out)
{
    const char *at = *text;
    uint64_t n = 0;
    for (; *at >= '0' && *at <= '9'; at++) {
        unsigned digit = (unsigned)(*at - '0');
        if (n > (most - digit) / 10)
            return false;
        n = n * 10 + digit;
    }
    bool any = at != *text;
    *text = at;
    *out = n;
    return any;
}

bool husk__stress_asked(husk_stress *out)
{
    const char *text = getenv("HUSK_STRESS"), *at = text;
    *out = (husk_stress){ 0 };
    if (!text || !*text)
        return true;
    bool fine = number(&at, MOST_EVERY, &out->every);
    if (fine && *at == ':') {
        at++;
        fine = number(&at, UINT64_MAX, &out->seed);
    }
    if (fine && !*at)
        return true;
    (void)husk_fail(
        HUSK_EINVAL,
        "HUSK_STRESS=%.100s: it is a number of allocations from one pass to the next, up to %llu, or "
        "number:seed (100:7); 0 is off",
        text, (unsigned long long)MOST_EVERY);
    return false;
}
