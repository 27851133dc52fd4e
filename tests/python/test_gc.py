"""husk.gc against gc: the same scenario told to both (same.py). What only husk.gc has: test_gc_heaps.py."""

import contextlib
import io
import unittest

import husk
import same
from support import SMALL, main


def cycle(w, value=None):
    a = w.Node(value)
    a.next = a


def scenario_collect_finds_garbage(w):
    w.gc.collect()
    cycle(w)
    found = w.gc.collect()
    return found > 0, w.gc.collect(), isinstance(found, int)


def scenario_collect_an_object_is_one(w):
    w.gc.collect()
    for _ in range(10):
        cycle(w)
    return w.gc.collect()


def scenario_collect_arguments(w):
    return [w.fails(w.gc.collect, x) for x in (-1, 3, "x", None, 1.5)] + [
        w.says(w.gc.collect, 3), w.fails(w.gc.collect, 0, 1), w.fails(w.gc.collect, generation=2),
        w.fails(w.gc.collect, True) == ("gives", 0)]


def scenario_collect_what_comes_back_is_not_counted(w):
    w.gc.collect()
    keep = []
    a = w.Ending(keep.append)
    a.next = a
    del a
    found = w.gc.collect()
    keep[0].next = None
    return found, w.gc.is_finalized(keep[0])


def scenario_collect_in_a_callback(w):
    seen = []

    def callback(phase, info):
        seen.append((phase, w.gc.collect()))

    cycle(w)
    with same.listening(w, callback):
        w.gc.collect()
    return seen


def scenario_collect_in_a_finalizer_of_a_pass(w):
    seen = []
    a = w.Ending(lambda self: seen.append(w.gc.collect()))
    a.next = a
    del a
    w.gc.collect()
    return seen


def scenario_collect_in_a_finalizer_by_counting(w):
    seen = []
    w.gc.collect()
    cycle(w)
    a = w.Ending(lambda self: seen.append(w.gc.collect()))
    del a
    w.gc.collect()
    return seen


def scenario_collect_from_two_threads(w):
    import threading
    found = []
    w.gc.collect()
    for _ in range(100):
        cycle(w)
    threads = [threading.Thread(target=lambda: found.append(w.gc.collect())) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return sum(found)


def scenario_callbacks(w):
    seen = []

    def callback(phase, info):
        seen.append((phase, info["generation"], info["collected"] > 0, info["uncollectable"]))

    w.gc.collect()
    cycle(w)
    with same.listening(w, callback):
        w.gc.collect()
    w.gc.collect()
    return seen, isinstance(w.gc.callbacks, list)


def scenario_callbacks_keys(w):
    seen = []

    def callback(phase, info):
        seen.append(sorted(info))

    with same.listening(w, callback):
        w.gc.collect()
    return seen


def scenario_callbacks_errors(w):
    seen = []

    def bad(phase, info):
        raise KeyError(phase)

    def good(phase, info):
        seen.append(phase)

    with same.listening(w, bad, good):
        told = w.unraisable(w.gc.collect)
    return told, seen


def scenario_callbacks_that_are_none(w):
    with same.listening(w, 5):
        return w.unraisable(w.gc.collect)


def scenario_callbacks_change_their_list(w):
    seen = []

    def once(phase, info):
        seen.append(phase)
        w.gc.callbacks.append(lambda phase, info: seen.append("added " + phase))
        w.gc.callbacks.remove(once)

    with same.listening(w, once):
        w.gc.collect()
    return seen


def scenario_switch(w):
    seen = [w.gc.isenabled(), w.gc.enable(), w.gc.isenabled(), w.gc.disable(), w.gc.isenabled(), w.gc.disable(),
            w.gc.enable(), w.gc.isenabled()]
    return seen, w.fails(w.gc.enable, 1), w.fails(w.gc.isenabled, 1), w.fails(w.gc.disable, 1)


def scenario_collect_when_disabled(w):
    w.gc.disable()
    w.gc.collect()
    cycle(w)
    found = w.gc.collect()
    w.gc.enable()
    return found


def scenario_threshold(w):
    before = w.gc.get_threshold()
    seen = [len(before), isinstance(before, tuple), w.gc.set_threshold(5), w.gc.get_threshold()[0],
            w.gc.set_threshold(6, 7), w.gc.get_threshold()[:2], w.gc.set_threshold(8, 9, 11), w.gc.get_threshold()[:2]]
    w.gc.set_threshold(*before)
    return seen, w.gc.get_threshold() == before


def scenario_threshold_arguments(w):
    before = w.gc.get_threshold()
    return [w.fails(w.gc.set_threshold, *args) for args in (
        (), ("x",), (1.5,), (None,), (1, "x"), (1, 2, "x"), (1, 2, 3, 4), (10 ** 30,))], w.gc.set_threshold(*before)


def scenario_threshold_negative(w):
    before = w.gc.get_threshold()
    result = w.fails(w.gc.set_threshold, -1)
    w.gc.set_threshold(*before)
    return result


def scenario_threshold_zero_stops_passes(w):
    before, seen = w.gc.get_threshold(), []
    w.gc.set_threshold(0)
    with same.listening(w, lambda phase, info: seen.append(phase)):
        for _ in range(2000 if SMALL else 40000):
            cycle(w)
    w.gc.set_threshold(*before)
    w.gc.collect()
    return seen, w.gc.isenabled()


def scenario_threshold_starts_passes(w):
    before, seen = w.gc.get_threshold(), []
    w.gc.collect()
    w.gc.set_threshold(100, 0, 0)
    with same.listening(w, lambda phase, info: seen.append(phase)):
        for _ in range(5000):
            cycle(w)
            w.Node()  # its end is a moment at which callbacks may run
    w.gc.set_threshold(*before)
    w.gc.collect()
    return len(seen) > 2, set(seen)


def scenario_threshold_defaults(w):
    return w.gc.get_threshold()


def scenario_count(w):
    counts = w.gc.get_count()
    return len(counts), isinstance(counts, tuple), all(isinstance(x, int) for x in counts), w.fails(w.gc.get_count, 1)


def scenario_count_grows(w):
    w.gc.disable()
    w.gc.collect()
    before = w.gc.get_count()[0]
    kept = [w.Node(i) for i in range(200)]
    grown = w.gc.get_count()[0]
    w.gc.collect()
    after = w.gc.get_count()[0]
    w.gc.enable()
    return grown - before >= 200, after < 100, len(kept)


def scenario_count_of_older_generations(w):
    w.gc.collect(0)
    w.gc.collect(0)
    return w.gc.get_count()[1] > 0


def scenario_stats(w):
    before = w.gc.get_stats()
    cycle(w)
    w.gc.collect()
    after = w.gc.get_stats()
    return (len(after), sorted(after[2]), after[2]["collections"] > before[2]["collections"],
            after[2]["collected"] > before[2]["collected"], after[2]["uncollectable"], w.fails(w.gc.get_stats, 1))


def scenario_stats_of_a_young_pass(w):
    before = w.gc.get_stats()[0]["collections"]
    w.gc.collect(0)
    return w.gc.get_stats()[0]["collections"] - before


def scenario_objects(w):
    a = w.Node(1)
    cycle(w, "garbage")
    found = w.gc.get_objects()
    seen = [any(x is a for x in found), isinstance(found, list), any(x is found for x in found)]
    garbage = [x for x in found if isinstance(x, w.Node) and x.value == "garbage"]
    return seen, len(garbage), w.fails(lambda: len(w.gc.get_objects(generation=None)) > 0)


def scenario_objects_arguments(w):
    return [w.fails(w.gc.get_objects, x) for x in (3, -2, "x", 1.5)] + [
        w.says(w.gc.get_objects, -2), w.says(w.gc.get_objects, "x"), w.fails(w.gc.get_objects, 0, 1)]


def scenario_objects_that_lived_through_a_pass(w):
    a = w.Node(1)
    w.gc.collect()
    return [any(x is a for x in w.gc.get_objects(generation=i)) for i in range(3)]


def scenario_objects_that_are_young(w):
    w.gc.collect()
    w.gc.disable()
    a = w.Node(1)
    found = any(x is a for x in w.gc.get_objects(generation=0))
    w.gc.enable()
    return found


def scenario_referrers(w):
    a = w.Node(1)
    b, c = w.Node(a), w.Node(None, a)
    found = [x for x in w.gc.get_referrers(a) if isinstance(x, w.Node)]
    return sorted(x is b for x in found), len(found), w.gc.get_referrers(), w.fails(w.gc.get_referrers, obj=a)


def scenario_referrers_each_once(w):
    a, b = w.Node(1), w.Node(2)
    c = w.Node(a, b)
    return len([x for x in w.gc.get_referrers(a, b) if x is c])


def scenario_referrers_of_variables(w):
    a = w.Node(1)
    holder = [a]
    return any(x is holder for x in w.gc.get_referrers(a))


def scenario_referrers_of_other_things(w):
    return w.fails(lambda: w.gc.get_referrers(object()))


def scenario_referents(w):
    a, b = w.Node(1), w.Node(2)
    c = w.Node(a, b)
    found = [x for x in w.gc.get_referents(c, a) if isinstance(x, w.Node)]
    return sorted(x.value for x in found), w.gc.get_referents(), w.gc.get_referents(5), w.gc.get_referents("x", None)


def scenario_referents_doubles(w):
    a = w.Node(1)
    return len([x for x in w.gc.get_referents(w.Node(a, a)) if x is a])


def scenario_tracked(w):
    a = w.Node(1)
    return [w.gc.is_tracked(x) for x in (a, 5, "x", None, 1.5)], w.fails(w.gc.is_tracked)


def scenario_tracked_things_of_python(w):
    return w.gc.is_tracked([])


def scenario_finalized(w):
    keep = []
    a = w.Ending(keep.append)
    before = w.gc.is_finalized(a)
    del a
    return before, w.gc.is_finalized(keep[0]), w.gc.is_finalized(5), w.fails(w.gc.is_finalized)


def scenario_freeze(w):
    a = w.Node(1)
    before = w.gc.get_freeze_count()
    seen = [w.gc.freeze(), w.gc.get_freeze_count() > before, w.gc.unfreeze(), w.gc.get_freeze_count()]
    return seen, w.fails(w.gc.freeze, 1), a.value


def scenario_freeze_keeps_garbage(w):
    w.gc.collect()
    cycle(w)
    w.gc.freeze()
    frozen = w.gc.collect()
    w.gc.unfreeze()
    return frozen, w.gc.collect()


def scenario_freeze_and_death_by_counting(w):
    a = w.Node(1)
    w.gc.freeze()
    before = w.gc.get_freeze_count()
    r = w.weakref.ref(a)
    del a
    after = w.gc.get_freeze_count()
    w.gc.unfreeze()
    return r(), after <= before


def scenario_freeze_and_lists(w):
    a = w.Node(1)
    w.gc.freeze()
    found = any(x is a for x in w.gc.get_objects())
    w.gc.unfreeze()
    return found


def scenario_freeze_and_referrers(w):
    a = w.Node(1)
    b = w.Node(a)
    w.gc.freeze()
    found = any(x is b for x in w.gc.get_referrers(a))
    w.gc.unfreeze()
    return found


def scenario_debug(w):
    seen = [w.gc.get_debug(), w.gc.set_debug(w.gc.DEBUG_SAVEALL), w.gc.get_debug(), w.gc.set_debug(0)]
    return seen, [w.fails(w.gc.set_debug, x) for x in ("x", None, 1.5)], w.fails(w.gc.set_debug), w.gc.get_debug()


def scenario_debug_constants(w):
    return [w.gc.DEBUG_STATS, w.gc.DEBUG_COLLECTABLE, w.gc.DEBUG_UNCOLLECTABLE, w.gc.DEBUG_SAVEALL, w.gc.DEBUG_LEAK]


def scenario_save_all(w):
    w.gc.collect()
    finalized = []
    a = w.Ending(lambda self: finalized.append(1))
    a.next = a
    del a
    w.gc.set_debug(w.gc.DEBUG_SAVEALL)
    w.gc.collect()
    saved = [x for x in w.gc.garbage if isinstance(x, w.Ending)]
    seen = [len(saved), len(finalized), isinstance(w.gc.garbage, list), w.gc.is_finalized(saved[0])]
    w.gc.set_debug(0)
    w.gc.garbage.clear()
    del saved
    w.gc.collect()
    return seen, len(finalized), w.gc.garbage


def scenario_save_all_repaired(w):
    w.gc.collect()
    a = w.Node("repaired")
    a.next = a
    r = w.weakref.ref(a)
    del a
    w.gc.set_debug(w.gc.DEBUG_SAVEALL)
    w.gc.collect()
    w.gc.set_debug(0)
    for x in w.gc.garbage:
        if isinstance(x, w.Node):
            x.next = None
    del x
    w.gc.garbage.clear()
    return r()


def scenario_save_all_and_weak_references(w):
    w.gc.collect()
    a = w.Node("saved")
    a.next = a
    r = w.weakref.ref(a)
    del a
    w.gc.set_debug(w.gc.DEBUG_SAVEALL)
    w.gc.collect()
    alive = r() is not None
    w.gc.set_debug(0)
    w.gc.garbage.clear()
    w.gc.collect()
    return alive


def scenario_debug_collectable(w):
    w.gc.collect()
    for _ in range(10):
        cycle(w)
    told = io.StringIO()
    with contextlib.redirect_stderr(told):
        w.gc.set_debug(w.gc.DEBUG_COLLECTABLE)
        w.gc.collect()
        w.gc.set_debug(0)
    return sum(line.startswith("gc: collectable") for line in told.getvalue().splitlines()) >= 10


def scenario_debug_stats(w):
    told = io.StringIO()
    with contextlib.redirect_stderr(told):
        w.gc.set_debug(w.gc.DEBUG_STATS)
        w.gc.collect()
        w.gc.set_debug(0)
    lines = told.getvalue().splitlines()
    return lines[0], lines[1].split(":")[:2], lines[-1].split(",")[0].split()[:2]


KNOWN = {
    "collect_in_a_finalizer_by_counting": "In a hook, collect returns 0",
    "debug_collectable": "DEBUG_COLLECTABLE tells how much",
    "callbacks_keys": "The dict of gc.callbacks has more entries",
    "threshold_negative": "A negative threshold is refused",
    "threshold_defaults": "The first threshold is larger",
    "count_of_older_generations": "There are two generations, and the young one is of pages",
    "objects_that_are_young": "There are two generations, and the young one is of pages",
    "referrers_of_variables": "Only objects of heaps are looked at",
    "referrers_of_other_things": "Only objects of heaps are looked at",
    "tracked_things_of_python": "Only objects of heaps are looked at",
    "freeze_and_lists": "Frozen objects are seen",
    "freeze_and_referrers": "Frozen objects are seen",
    "save_all_and_weak_references": "What DEBUG_SAVEALL keeps has its weak references",
}


class Same(unittest.TestCase):
    def test_scenarios(self):
        same.compare(self, same.scenarios(globals()), KNOWN)
        husk.default.verify()

    def test_names(self):
        """Everything that gc offers is there."""
        import gc
        offered = {name for name in vars(gc) if not name.startswith("_")}
        self.assertEqual(offered - set(husk.gc.__all__), set())


if __name__ == "__main__":
    main()
