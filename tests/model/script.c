/* tests/model/script.c: see script.h. */
#include "script.h"

#include "random.h"

const kind_facts facts[KINDS] = {
    [K_NODE] = { "node", 2, true, false, false },
    [K_FIN] = { "fin", 2, true, true, true },
    [K_DISP] = { "disp", 2, true, false, true },
    [K_ITEMS] = { "items", -1, true, false, false },
    [K_BAG] = { "bag", -1, true, false, true },
    [K_ODD] = { "odd", 3, true, false, false },
    [K_VALS] = { "vals", 2, true, false, false },
    [K_LEAF] = { "leaf", 0, false, false, false },
    [K_LEAF_FIN] = { "leaf-fin", 0, false, true, true },
    [K_LEAF_DISP] = { "leaf-disp", 0, false, false, true },
    [K_TREE] = { "tree", 2, false, false, false },
    [K_TREE_FIN] = { "tree-fin", 2, false, true, true },
    [K_LARGE] = { "large", 2, true, false, false },
    [K_KEYMAP] = { "weak-key map", 0, true, false, false },
    [K_VALUEMAP] = { "weak-value map", 0, true, false, false },
    [K_SET] = { "weak set", 0, false, false, false },
    [K_WEAK] = { "weak", 0, false, false, false },
    [K_CALL] = { "call", 0, true, false, false },
    [K_CLEANUP] = { "cleanup", 0, true, false, false },
    [K_SOFT] = { "soft", 0, true, false, false },
    [K_WATCH] = { "watch", 0, true, false, false },
    [K_QUEUE] = { "queue", 0, true, false, false },
};

const char *const op_names[A_END] = {
    "none",      "new",         "set",       "clear",       "take",         "swap",        "get",
    "drop",      "copy",        "weak",      "lock",        "grow",         "tie",         "untie",
    "untie-all", "peek",        "each",      "each-drop",   "loosen",       "ephemeron",   "cleanup",
    "detach",    "run",         "at-exit",   "cleanup-get", "run-cleanups", "collect",     "dry",
    "walk",      "soft",        "soft-lock", "soft-let-go", "soft-yield",   "death-watch", "poll",
    "unwatch",   "safepoint",   "request",   "later",       "freeze",       "unfreeze",    "save-all",
    "saved",     "clear-saved", "disable",   "enable",      "immortal",     "trim",        "trace",
    "foreign",   "watch",       "pair",      "forget",      "parallel",     "budget",      "soft-policy",
    "queue-end",
};
const char *const told_names[] = {
    "?",       "finalize", "dispose",   "call",          "free",      "locked",      "status",  "walked",
    "start",   "stop",     "collected", "uncollectable", "finalized", "resurrected", "cleared", "examined",
    "cleaned", "answer",   "peeked",    "target",        "other",     "held",
};

act next_act(struct random64 *r)
{
    static const struct {
        unsigned char what, weight;
    } table[] = {
        { A_NEW, 90 },        { A_SET, 90 },        { A_CLEAR, 6 },       { A_TAKE, 20 },
        { A_SWAP, 10 },       { A_GET, 14 },        { A_DROP, 14 },       { A_COPY, 10 },
        { A_WEAK_TO, 26 },    { A_LOCK, 16 },       { A_GROW, 10 },       { A_COLLECT, 20 },
        { A_DRY, 2 },         { A_WALK, 1 },        { A_SAFEPOINT, 2 },   { A_REQUEST, 2 },
        { A_LATER, 3 },       { A_FREEZE, 2 },      { A_UNFREEZE, 2 },    { A_SAVE_ALL, 1 },
        { A_SAVED, 2 },       { A_CLEAR_SAVED, 2 }, { A_DISABLE, 1 },     { A_ENABLE, 1 },
        { A_TRIM, 1 },        { A_TRACE, 2 },       { A_FOREIGN, 1 },     { A_WATCH, 1 },
        { A_PAIR, 70 },       { A_FORGET, 10 },     { A_TIE, 80 },        { A_UNTIE, 6 },
        { A_UNTIE_ALL, 2 },   { A_PEEK, 14 },       { A_EACH, 4 },        { A_EACH_DROP, 6 },
        { A_LOOSEN, 10 },     { A_EPHEMERON, 40 },  { A_CLEANUP, 12 },    { A_DETACH, 3 },
        { A_RUN, 3 },         { A_AT_EXIT, 4 },     { A_CLEANUP_GET, 3 }, { A_RUN_CLEANUPS, 1 },
        { A_PARALLEL, 1 },    { A_BUDGET, 5 },      { A_SOFT, 14 },       { A_SOFT_LOCK, 8 },
        { A_SOFT_LET_GO, 4 }, { A_SOFT_YIELD, 5 },  { A_SOFT_POLICY, 2 }, { A_DEATH_WATCH, 12 },
        { A_POLL, 8 },        { A_UNWATCH, 2 },     { A_QUEUE_END, 1 },
    };
    static unsigned total;
    if (total == 0) {
        for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
            total += table[i].weight;
    }
    act a = { A_NONE, (unsigned char)random_below(r, HANDLES), (unsigned char)random_below(r, HANDLES),
              (unsigned char)random_below(r, 256) };
    /* Rare, for it lasts: */
    if (random_below(r, 2000) == 0) {
        a.what = A_IMMORTAL;
        return a;
    }
    unsigned at = random_below(r, total), i = 0;
    while (at >= table[i].weight)
        at -= table[i++].weight;
    a.what = table[i].what;
    return a;
}

bool asks_for_memory(op what)
{
    switch (what) {
    case A_NEW:
    case A_WEAK_TO:
    case A_GROW:
    case A_TIE:
    case A_EACH_DROP:
    case A_EPHEMERON:
    case A_CLEANUP:
    case A_SOFT:
    case A_DEATH_WATCH:
        return true;
    default:
        return false;
    }
}

kind kind_of(unsigned char z)
{
    static const kind more[] = { K_FIN, K_FIN, K_FIN, K_FIN, K_NODE, K_NODE, K_KEYMAP, K_KEYMAP, K_LEAF };
    unsigned at = z % (K_MADE + sizeof more / sizeof more[0]);
    return at < K_MADE ? (kind)at : more[at - K_MADE];
}

step_act act_in_step(unsigned char z, int step, unsigned *handle)
{
    random64 r = random_from((uint64_t)z * 64u + (uint64_t)step);
    *handle = random_below(&r, HANDLES);
    return (step_act)random_below(&r, STEP_ACTS);
}

/* Whether an object of this kind in x is what the act is about. */
static bool suits(op what, kind k)
{
    if (what >= A_TIE && what <= A_EPHEMERON)
        return what == A_EPHEMERON ? k == K_KEYMAP : is_container(k);
    if (what == A_SOFT_LOCK || what == A_SOFT_LET_GO)
        return k == K_SOFT;
    return what == A_UNWATCH ? k == K_WATCH : k == K_CLEANUP;
}

void aim(act *a, const kind kinds[HANDLES + 1])
{
    op what = (op)a->what;
    bool entry = what >= A_TIE && what <= A_EPHEMERON, few = (what >= A_DETACH && what <= A_CLEANUP_GET) ||
                                                             what == A_SOFT_LOCK || what == A_SOFT_LET_GO ||
                                                             what == A_UNWATCH;
    for (unsigned i = 0; (entry || few) && i <= HANDLES; i++) {
        unsigned at = (a->x + i) % (HANDLES + 1);
        if (suits(what, kinds[at])) {
            a->x = (unsigned char)at;
            break;
        }
    }
    for (unsigned i = 0; entry && i <= HANDLES && a->z % 16 != 0 && kinds[a->y] == KINDS; i++)
        a->y = (unsigned char)((a->y + 1) % (HANDLES + 1));
}

void hook_acts(uint64_t seed, told told_what, int number, act out[HOOK_ACTS])
{
    random64 r = random_from(seed * 1000003u + (uint64_t)told_what * 7919u + (uint64_t)number);
    /* Most hooks do nothing: too much life among the dead would drown the rest. */
    for (int i = 0; i < HOOK_ACTS; i++) {
        out[i] = (act){ A_NONE, 0, 0, 0 };
        bool again = (i == 2 && told_what == E_FINALIZE) || (i > 0 && out[i - 1].what == A_LOOSEN);
        if (random_below(&r, 3) != 0 && !again)
            continue;
        out[i].what = (unsigned char)random_below(&r, HOOK_ACTS_END);
        if (random_below(&r, 4) == 0) {
            static const unsigned char entries[] = { A_TIE,  A_UNTIE,     A_PEEK,   A_PEEK,   A_PEEK,
                                                     A_EACH, A_EPHEMERON, A_LOOSEN, A_LOOSEN, A_LOOSEN };
            out[i].what = entries[random_below(&r, sizeof entries)];
        }
        out[i].x = (unsigned char)(random_below(&r, 2) ? SELF : random_below(&r, HANDLES));
        out[i].y = (unsigned char)random_below(&r, HANDLES);
        out[i].z = (unsigned char)random_below(&r, 256);
        if (told_what == E_CLEANED && random_below(&r, 3) == 0)
            out[i] = (act){ A_CLEANUP, (unsigned char)random_below(&r, HANDLES), out[i].y,
                            (unsigned char)(out[i].z | 1) };
        /* Acts on a container just after one of its objects has died. */
        if (i > 0 && out[i - 1].what == A_LOOSEN) {
            static const unsigned char after[] = { A_TIE, A_UNTIE, A_PEEK, A_EACH, A_UNTIE_ALL };
            out[i].what = after[random_below(&r, sizeof after)];
            out[i].x = out[i - 1].x;
            continue;
        }
        /* Finalizers that bring back their object, or what it refers to. */
        if (i == 0 && told_what == E_FINALIZE && random_below(&r, 2)) {
            static const unsigned char ways[] = { A_COPY, A_GET, A_SET };
            out[i].what = ways[random_below(&r, 3)];
            out[i].x = SELF;
        }
        /* And that look what containers say of it. */
        if (i == 2 && told_what == E_FINALIZE)
            out[i].what = random_below(&r, 2) ? A_PEEK : A_EACH;
        /* Storing the dying object somewhere, or looking it up: x and y exchanged. */
        bool entry = out[i].what >= A_TIE && out[i].what <= A_EPHEMERON;
        if ((out[i].what == A_SET && random_below(&r, 3) == 0) || (entry && random_below(&r, 2))) {
            out[i].y = SELF;
            out[i].x = (unsigned char)random_below(&r, HANDLES);
        }
    }
}
