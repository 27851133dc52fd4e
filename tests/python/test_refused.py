"""Python's memory failing at every request in turn: what fails raises MemoryError, nothing crashes, and the heaps are
whole. Needs _testcapi, which not every interpreter has: then the requests of the library alone are refused."""

import gc
import os
import sys
import tempfile
import unittest
import weakref

import husk
from support import SMALL, Case, main

FOLDER = tempfile.TemporaryDirectory()
PATH = os.path.join(FOLDER.name, "snapshot")

try:
    import _testcapi
except ImportError:
    _testcapi = None


# The module json makes functions: see story().
MAKES_FUNCTIONS = sys.version_info < (3, 12)


class Node(husk.Record):
    value: object
    next: object

    def __finalize__(self):
        self.value


def nothing(*args):
    pass


def traced(heap, path):
    """One of everything of husk.tracemalloc."""
    t = husk.tracemalloc
    t.start(3, heap=heap)
    try:
        with t.tag("tag", heap=heap), t.domain(5, heap=heap):
            n = heap.new(Node, heap.list(["x"]))
        t.mark("mark", heap=heap)
        t.get_object_traceback(n)
        s = t.take_snapshot(heap=heap)
        stats = s.statistics("traceback", sort="born")
        stats.total, stats.rest(0), str(stats[0])
        s.statistics("type")
        s.compare_to(s, "lineno")[0].traceback.total_nframe
        f = s.filter_traces([t.Filter(True, "*", 0, True, 5, type="N*", since="mark"), t.DomainFilter(False, 0)])
        list(f.traces), s.traces[0].tag
        s.object_at(0), s.references_of(0), s.find(n), s.counts, s.numbers, s.about
        s.mine = [1]
        if MAKES_FUNCTIONS:
            s.dump(path)
        else:
            s._handle.save(path)
        t.Snapshot.load(path).traces[0]
        t.figures(heap=heap)
    finally:
        t.stop(heap=heap)


def story(heap):
    """One of everything. No function is made in it: CPython 3.12 and 3.13 cannot bear the failure of that."""
    n = heap.new(Node, 1, next=heap.new(Node, {"a": 1}))
    n.value = "text"
    n.value = [n]
    l = heap.list([1, "two", n, 2.5])
    l[1:2] = [n, "x", (1,)]
    l[::2]
    del l[::2]
    l.insert(0, object())
    list(l)
    m = heap.map([("k", n), (1, "v")])
    m["other"] = l
    dict(m)
    r = husk.ref(n, nothing)
    husk.ref(n)()
    w = husk.WeakKeyMap({n: [n]}, heap=heap)
    list(w.items())
    husk.WeakValueMap({"n": n}, heap=heap).get("n")
    husk.WeakSet([n], heap=heap).add(n)
    husk.Cleanup(n, list)
    s = husk.soft(n, nothing)
    s()
    husk.soft(heap.list(), nothing).let_go()
    q = husk.DeadQueue(heap=heap)
    q.watch(n, "n").detach()
    q.watch(heap.list(), [1])
    q.drain()
    heap.soft_policy(keep=1)
    heap.soft_figures()
    heap.yield_softs()
    heap.objects()
    heap.census()
    husk.referrers(n)
    husk.referring_slots(n)
    repr([n, l, m, r])
    heap.collect()
    heap.on_pass(nothing)
    heap.figures()
    traced(heap, PATH)


class Refused(Case):
    def setUp(self):
        super().setUp()
        self.wants_unraisable = True  # a hook that fails for want of memory is reported

    def attempt(self, heap):
        try:
            story(heap)
            return True
        except (MemoryError, husk.OutOfMemoryError):
            return False

    def test_memory_of_the_library(self):
        # Heaps ask rarely, in large pieces; each request of a story is refused once, and for good.
        for on in False, True:
            for nth in range(1, 400):
                husk.memory_fail(nth, on)
                try:
                    with husk.Heap("refused") as heap:
                        done = self.attempt(heap)
                except MemoryError:
                    done = False
                finally:
                    husk.memory_fail(0, False)
                if done:
                    break
            self.assertTrue(done)
            self.assertGreater(nth, 2)

    @unittest.skipUnless(hasattr(_testcapi, "set_nomemory"), "this interpreter has no _testcapi.set_nomemory")
    def test_memory_of_python(self):
        story(self.heap)  # what is made once is there
        gc.collect()
        gc.disable()
        hook, sys.unraisablehook = sys.unraisablehook, lambda args: None
        refused = streak = 0
        try:
            for nth in range(1, 400 if SMALL else 3000):
                if streak > 40:  # beyond the last request
                    break
                heap = husk.Heap("refused")
                _testcapi.set_nomemory(nth, nth + 1)
                try:
                    done = self.attempt(heap)
                finally:
                    _testcapi.remove_mem_hooks()
                refused += not done
                streak = streak + 1 if done else 0
                heap.verify()
                heap.close()
        finally:
            sys.unraisablehook = hook
            gc.enable()
        self.assertGreater(refused, 50)


if __name__ == "__main__":
    main()
