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
    [K_WEAK] = { "weak", 0, false, false, false },
    [K_CALL] = { "call", 0, true, false, false },
};

const char *const op_names[A_END] = {
    "none",    "new",      "set",    "clear",    "take",     "swap",  "get",         "drop",
    "copy",    "weak",     "lock",   "grow",     "collect",  "dry",   "walk",        "safepoint",
    "request", "later",    "freeze", "unfreeze", "save-all", "saved", "clear-saved", "disable",
    "enable",  "immortal", "trim",   "foreign",  "watch",    "pair",  "forget",
};
const char *const told_names[] = {
    "?",         "finalize",    "dispose", "call",     "free",      "locked",
    "status",    "walked",      "start",   "stop",     "collected", "uncollectable",
    "finalized", "resurrected", "cleared", "examined", "held",
};

act next_act(struct random64 *r)
{
    static const struct {
        unsigned char what, weight;
    } table[] = {
        { A_NEW, 60 },    { A_SET, 80 },        { A_CLEAR, 6 },   { A_TAKE, 20 },    { A_SWAP, 10 },
        { A_GET, 14 },    { A_DROP, 14 },       { A_COPY, 10 },   { A_WEAK_TO, 16 }, { A_LOCK, 12 },
        { A_GROW, 10 },   { A_COLLECT, 12 },    { A_DRY, 2 },     { A_WALK, 1 },     { A_SAFEPOINT, 2 },
        { A_REQUEST, 2 }, { A_LATER, 3 },       { A_FREEZE, 1 },  { A_UNFREEZE, 2 }, { A_SAVE_ALL, 1 },
        { A_SAVED, 2 },   { A_CLEAR_SAVED, 2 }, { A_DISABLE, 1 }, { A_ENABLE, 1 },   { A_TRIM, 1 },
        { A_FOREIGN, 1 }, { A_WATCH, 1 },       { A_PAIR, 40 },   { A_FORGET, 5 },
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

kind kind_of(unsigned char z)
{
    unsigned at = z % (K_MADE + 6);
    return at < K_MADE ? (kind)at : at < K_MADE + 4 ? K_FIN : K_NODE;
}

void hook_acts(uint64_t seed, told told_what, int number, act out[HOOK_ACTS])
{
    random64 r = random_from(seed * 1000003u + (uint64_t)told_what * 7919u + (uint64_t)number);
    /* Most hooks do nothing: too much life among the dead would drown the rest. */
    for (int i = 0; i < HOOK_ACTS; i++) {
        out[i] = (act){ A_NONE, 0, 0, 0 };
        if (random_below(&r, 3) != 0)
            continue;
        out[i].what = (unsigned char)random_below(&r, HOOK_ACTS_END);
        out[i].x = (unsigned char)(random_below(&r, 2) ? SELF : random_below(&r, HANDLES));
        out[i].y = (unsigned char)random_below(&r, HANDLES);
        out[i].z = (unsigned char)random_below(&r, 256);
        /* Finalizers that bring back their object, or what it refers to. */
        if (i == 0 && told_what == E_FINALIZE && random_below(&r, 2)) {
            static const unsigned char ways[] = { A_COPY, A_GET, A_SET };
            out[i].what = ways[random_below(&r, 3)];
            out[i].x = SELF;
        }
        /* Storing the dying object somewhere: SET with x and y exchanged. */
        if (out[i].what == A_SET && random_below(&r, 3) == 0) {
            out[i].y = SELF;
            out[i].x = (unsigned char)random_below(&r, HANDLES);
        }
    }
}
