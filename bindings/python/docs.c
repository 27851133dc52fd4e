/* bindings/python/docs.c: what help() says about the generated calls. */
#include "host.h"

static const struct {
    const char *name, *doc;
} docs[] = {
    { "set_max_bytes", "set_max_bytes($self, max_bytes, /)\n--\n\nChanges the limit on bytes_taken; 0: "
                       "none. LimitError, and "
                       "nothing changes, if more is in use." },
    { "figures", "figures($self, /)\n--\n\nWhat the heap has and takes, as Figures." },
    { "set_death_budget",
      "set_death_budget($self, most, /)\n--\n\nHow many objects end, and callbacks run, in one release at "
      "most; 0, the default: all. What is left is dead already; later releases, allocations and safe points "
      "go on, each with the same budget. collect(), verify() and snapshots end all of it first." },
    { "death_budget", "death_budget($self, /)\n--\n\nThe death budget; 0: none." },
    { "trim", "trim($self, /)\n--\n\nGives all empty pages back to the system. Returns the bytes." },
    { "collect_dry",
      "collect_dry($self, /)\n--\n\nWhat a pass would end, as Pass, without changing anything. Cycles "
      "through Python objects are not seen." },
    { "safepoint", "safepoint($self, /)\n--\n\nDoes what waits for a moment at which hooks may run." },
    { "request", "request($self, /)\n--\n\nAsks for a pass at the next safe point or allocation." },
    { "enable", "enable($self, /)\n--\n\nTakes one disable() back. StateError: not disabled." },
    { "is_enabled", "is_enabled($self, /)\n--\n\nWhether passes start by themselves." },
    { "disabled_by",
      "disabled_by($self, index, /)\n--\n\nWho disabled passes, the latest last; None beyond." },
    { "pacing", "pacing($self, /)\n--\n\nWhen passes start by themselves, as Pacing." },
    { "set_soft_limit",
      "set_soft_limit($self, bytes, /)\n--\n\nA limit on bytes_taken that fails no allocation: "
      "when it is reached pages go back and a pass runs, which takes at most half of the time. "
      "1 MiB or more; 0: none." },
    { "counts", "counts($self, /)\n--\n\nWhere the heap stands between two passes, as Counts." },
    { "generation", "generation($self, generation, /)\n--\n\nThe sums over all passes of a generation, as "
                    "Generation. "
                    "0: passes over all objects; 1: runs over young pages." },
    { "collect_young",
      "collect_young($self, /)\n--\n\nThe same as collect() for the objects on pages that have served births since a pass "
      "last looked at them, as Pass: short-lived cycles end at a cost that does not depend on the rest of the "
      "heap. Cycles that lead through older objects or through Python are left to collect()." },
    { "steps", "steps($self, /)\n--\n\nWhat passes in steps did, as Steps." },
    { "set_young",
      "set_young($self, objects, /)\n--\n\nAfter how many births, net of deaths by counting, a run over young pages starts "
      "by itself: 64 to 2^24; 0: never. Where growth starts no passes (set_pacing) there are none of these either." },
    { "young", "young($self, /)\n--\n\nWhat set_young() has set; 4096 at first." },
    { "set_parallel",
      "set_parallel($self, threads, /)\n--\n\nHow many threads a pass over everything may use, the caller's among them: "
      "1 to 8; 1, the default: no others. Only heaps of 2 * 10**6 objects and more use them; the threads run no Python." },
    { "parallel", "parallel($self, /)\n--\n\nWhat set_parallel() has set." },
    { "pass_count", "pass_count($self, /)\n--\n\nThe number of the latest pass; 0: there was none." },
    { "set_find_leaks",
      "set_find_leaks($self, on, /)\n--\n\nWhether passes tell what is unreachable instead of freeing it; "
      "husk.gc.find_leaks says who is told." },
    { "find_leaks", "find_leaks($self, /)\n--\n\nWhether set_find_leaks is on." },
    { "set_save_all", "set_save_all($self, on, /)\n--\n\nWhether passes keep garbage on the garbage list." },
    { "save_all", "save_all($self, /)\n--\n\nWhether set_save_all is on." },
    { "garbage_count", "garbage_count($self, /)\n--\n\nHow many objects the garbage list has." },
    { "garbage_reason",
      "garbage_reason($self, index, /)\n--\n\nWhy an entry is on the garbage list; None beyond the end." },
    { "garbage_clear", "garbage_clear($self, /)\n--\n\nEmpties the garbage list." },
    { "freeze", "freeze($self, /)\n--\n\nSets all present objects aside: passes skip them." },
    { "unfreeze", "unfreeze($self, /)\n--\n\nTakes freeze() back." },
    { "verify", "verify($self, /)\n--\n\nChecks the whole heap. CorruptError names the first damage." },
    { "getrefcount",
      "getrefcount(obj, /)\n--\n\nAll references to obj, the one of Python's handle included." },
    { "weak_count", "weak_count(obj, /)\n--\n\nThe same as getweakrefcount." },
    { "is_unique",
      "is_unique(obj, /)\n--\n\nPython's handle is the only reference, and there is no weak one." },
    { "make_immortal", "make_immortal(obj, /)\n--\n\nFrom now on obj lives until its heap closes." },
    { "is_immortal", "is_immortal(obj, /)\n--\n\nWhether obj has been made immortal." },
    { "getsizeof", "getsizeof(obj, /)\n--\n\nBytes of the object, without growing parts." },
    { "is_tracked", "is_tracked(obj, /)\n--\n\nWhether passes look at objects like obj." },
    { "is_frozen", "is_frozen(obj, /)\n--\n\nSet aside by Heap.freeze()." },
    { "is_dying", "is_dying(obj, /)\n--\n\nCondemned: seen only from finalizers." },
    { "version", "version()\n--\n\nThe version of the library, as in '0.1.0'." },
    { "status_name", "status_name(status, /)\n--\n\nThe name of a status: -2 is 'HUSK_ELIMIT'." },
    { "status_text", "status_text(status, /)\n--\n\nWhat a status means, in one line." },
    { "memory_requests",
      "memory_requests()\n--\n\nRequests for memory that the library has made in this process." },
    { "memory_fail", "memory_fail(nth, on, /)\n--\n\nFor tests: the nth request from here is "
                     "refused, with `on` every "
                     "later one too; 0 ends it." },
    { "memory_held", "memory_held()\n--\n\nBytes that the library holds in this process." },
    { "memory_mode", "memory_mode()\n--\n\nHow chunks are had: 'range' or 'mapped'." },
};

const char *husk_py_doc_of(const char *name)
{
    for (size_t i = 0; i < sizeof docs / sizeof *docs; i++)
        if (!strcmp(docs[i].name, name))
            return docs[i].doc;
    return NULL;
}
