/* tests/flow/soft_model.c: random use of soft references against their rules, told with plain arrays: what is alive is
 * what handles reach through slots and through soft references that hold; who lets go is found by sorting. */
#include "random.h"
#include "story.h"
#include "types.h"

#include <stdio.h>

enum { MOST = 60000, HANDLES = 12, SOFTS = 24 };

/* Objects and soft references by number, which grows. */
struct model {
    husk_obj *handle[HANDLES]; /* nodes; the real ones */
    int held[HANDLES];         /* their numbers, 0: none */
    husk_soft *soft[SOFTS];
    int target[SOFTS]; /* numbers; 0: ended */
    bool holds[SOFTS];
    uint64_t used[SOFTS]; /* order of use */
    uint64_t pass[SOFTS]; /* at its last use */
    int a[MOST], b[MOST]; /* slots; > 0: node, < 0: soft reference number -x - 1 */
    bool alive[MOST], told[MOST];
    int born;
    uint64_t uses, passes;
    husk_soft_policy policy;
    husk_soft_figures expected;
};
static struct model m;

static void note(husk_weak *weak, void *data)
{
    (void)weak;
    m.told[(int)(intptr_t)data] = true;
}

static bool reached[MOST], soft_reached[SOFTS];

static void reach_soft(int s);
static void reach(int n)
{
    for (; n > 0 && !reached[n]; n = m.b[n]) {
        reached[n] = true;
        if (m.a[n] < 0)
            reach_soft(-m.a[n] - 1);
        else
            reach(m.a[n]);
    }
}

static void reach_soft(int s)
{
    if (soft_reached[s])
        return;
    soft_reached[s] = true;
    if (m.holds[s])
        reach(m.target[s]);
}

/* The soft references are all handles of the program, unless dropped (target -1): then slots may have them. */
static void settle(bool dropped[SOFTS])
{
    memset(reached, 0, sizeof reached);
    memset(soft_reached, 0, sizeof soft_reached);
    for (int i = 0; i < HANDLES; i++)
        reach(m.held[i]);
    for (int s = 0; s < SOFTS; s++)
        if (m.soft[s] && !dropped[s])
            reach_soft(s);
    for (int n = 1; n <= m.born; n++)
        m.alive[n] = m.alive[n] && reached[n];
    for (int s = 0; s < SOFTS; s++) {
        if (m.soft[s] && !soft_reached[s]) {
            m.soft[s] = NULL;
            dropped[s] = false;
            m.expected.references--;
            m.holds[s] = false;
        }
        if (m.soft[s] && m.target[s] && !m.alive[m.target[s]]) {
            m.target[s] = 0;
            m.holds[s] = false;
        }
    }
}

static void use(int s)
{
    m.used[s] = ++m.uses;
    m.pass[s] = m.passes;
}

static int oldest(void)
{
    int best = -1;
    for (int s = 0; s < SOFTS; s++)
        if (m.soft[s] && m.holds[s] && (best < 0 || m.used[s] < m.used[best]))
            best = s;
    return best;
}

static size_t holding(void)
{
    size_t count = 0;
    for (int s = 0; s < SOFTS; s++)
        count += m.soft[s] && m.holds[s];
    return count;
}

static void plain_pass(husk_heap *heap)
{
    husk_soft_policy none = { 0, 0 };
    husk_heap_set_soft_policy(heap, &none);
    collect(heap);
    m.passes++;
    husk_heap_set_soft_policy(heap, &m.policy);
}

/* A whole pass in steps: its ages are looked at in the end. */
static void stepwise_pass(husk_heap *heap)
{
    husk_step step;
    do
        assert_int_equal(husk_heap_step(heap, HUSK_STEP_LEAST_NS, &step), HUSK_OK);
    while (!step.finished);
    m.passes++;
}

static void collect_by_rules(husk_heap *heap, bool dropped[SOFTS], bool steps)
{
    /* First without ages, so that no garbage is among those whose ages are looked at. */
    plain_pass(heap);
    settle(dropped);
    if (steps) {
        stepwise_pass(heap);
    } else {
        collect(heap);
        m.passes++;
    }
    for (int s; m.policy.max_age && holding() > m.policy.keep && (s = oldest()) >= 0;) {
        if (m.passes - m.pass[s] <= m.policy.max_age)
            break;
        m.holds[s] = false;
        m.expected.by_age++;
    }
    if (steps)
        plain_pass(heap);
    settle(dropped);
}

static void compare(husk_heap *heap, const bool dropped[SOFTS])
{
    size_t alive = 0;
    for (int n = 1; n <= m.born; n++)
        alive += m.alive[n];
    assert_int_equal(objects_of(heap), alive + m.expected.references);
    for (int i = 0; i < HANDLES; i++)
        if (m.held[i])
            assert_int_equal(node_of(m.handle[i])->number, m.held[i]);
    for (int s = 0; s < SOFTS; s++) {
        if (!m.soft[s] || dropped[s])
            continue;
        assert_int_equal(husk_soft_is_holding(m.soft[s]), m.holds[s]);
        assert_int_equal(husk_weak_state_get(husk_soft_weak(m.soft[s])),
                         m.target[s] ? HUSK_ALIVE : HUSK_DEAD);
    }
    m.expected.holding = holding();
    husk_soft_figures got;
    husk_heap_soft_figures(heap, &got);
    assert_memory_equal(&got, &m.expected, sizeof got);
    verify(heap);
}

static void drop_handle(int i)
{
    m.held[i] = 0;
    husk_obj_drop(&m.handle[i]);
}

static void step(husk_heap *heap, random64 *r, bool dropped[SOFTS])
{
    int i = (int)random_below(r, HANDLES), k = (int)random_below(r, HANDLES), s = (int)random_below(r, SOFTS);
    husk_soft *soft = m.soft[s] && !dropped[s] ? m.soft[s] : NULL;
    switch (random_below(r, 12)) {
    case 0:
    case 1: /* a new object */
        drop_handle(i);
        if (m.born + 1 == MOST)
            break;
        m.handle[i] = node_new(heap, random_below(r, 2) ? type_node : type_hooked, m.born + 1);
        assert_non_null(m.handle[i]);
        m.alive[m.held[i] = ++m.born] = true;
        break;
    case 2:
        drop_handle(i);
        break;
    case 3: /* a slot */
        if (!m.held[i])
            break;
        m.b[m.held[i]] = m.held[k];
        link_b(m.handle[i], m.handle[k]);
        break;
    case 4: /* a slot for a soft reference, often in its own garbage */
        if (!m.held[i])
            break;
        m.a[m.held[i]] = soft ? -s - 1 : m.held[k];
        link_a(m.handle[i], soft ? husk_soft_obj(soft) : m.handle[k]);
        break;
    case 5:
    case 6: /* a new soft reference */
        if (m.soft[s] || !m.held[i])
            break;
        m.soft[s] =
            husk_soft_new(m.handle[i], random_below(r, 2) ? note : NULL, (void *)(intptr_t)m.held[i], NULL);
        assert_non_null(m.soft[s]);
        m.target[s] = m.held[i];
        m.holds[s] = true;
        use(s);
        m.expected.references++;
        break;
    case 7:
    case 8: { /* a use */
        if (!soft)
            break;
        husk_obj *got = husk_soft_lock(soft);
        drop_handle(i);
        assert_int_equal(got != NULL, m.target[s] != 0);
        if (!got)
            break;
        m.handle[i] = got;
        m.held[i] = m.target[s];
        m.expected.regained += !m.holds[s];
        m.holds[s] = true;
        use(s);
        break;
    }
    case 9: /* the program drops a soft reference; slots may have it */
        if (!soft)
            break;
        dropped[s] = true;
        husk_soft_release(soft);
        break;
    case 10:
        if (random_below(r, 2)) {
            if (!soft)
                break;
            assert_int_equal(husk_soft_let_go(soft), m.holds[s]);
            m.expected.by_call += m.holds[s];
            m.holds[s] = false;
            break;
        }
        for (size_t keep = random_below(r, SOFTS), done = husk_heap_yield_softs(heap, keep); done > 0;
             done--) {
            int o = oldest();
            assert_true(o >= 0 && holding() > keep);
            m.holds[o] = false;
            m.expected.by_call++;
        }
        break;
    default:
        m.policy = (husk_soft_policy){ random_below(r, 4) * 16, random_below(r, 8) };
        break;
    }
}

static void random_use(husk_heap *unused)
{
    (void)unused;
    size_t rounds = story_size(60, 4);
    husk_soft_figures sum = { 0 };
    for (uint64_t seed = 1; seed <= rounds; seed++) {
        memset(&m, 0, sizeof m);
        bool dropped[SOFTS] = { false };
        random64 r = random_from(seed);
        husk_heap *heap = heap_open(NULL);
        assert_non_null(heap);
        husk_pacing pacing = { 0, 0, 1, 2 };
        assert_int_equal(husk_heap_set_pacing(heap, &pacing), HUSK_OK);
        for (int i = 0; i < 800; i++) {
            fprintf(stderr, "\rseed %llu step %d ", (unsigned long long)seed,
                    i); /* where an assertion jumps out */
            step(heap, &r, dropped);
            collect_by_rules(heap, dropped, random_below(&r, 4) == 0);
            compare(heap, dropped);
        }
        for (int i = 0; i < HANDLES; i++)
            drop_handle(i);
        for (int s = 0; s < SOFTS; s++)
            if (m.soft[s] && !dropped[s]) {
                dropped[s] = true;
                husk_soft_release(m.soft[s]);
            }
        collect(heap);
        sum.by_age += m.expected.by_age;
        sum.by_call += m.expected.by_call;
        sum.regained += m.expected.regained;
        heap_close(heap, true);
    }
    fprintf(stderr, "\n%llu let go by age, %llu by call, %llu held again\n", (unsigned long long)sum.by_age,
            (unsigned long long)sum.by_call, (unsigned long long)sum.regained);
    assert_true(sum.by_age > rounds && sum.by_call > 5 * rounds && sum.regained > rounds);
}

STORIES(STORY(random_use, STORY_NO_FAULT));
