"""What husk.tracemalloc has beyond tracemalloc: heaps, places, samples, labels, blocks; test_snapshots.py has the rest."""

import contextlib
import gc
import os
import sys
import tempfile
import threading
import types
import unittest

import husk
from husk import tracemalloc
from support import SMALL, main, run_script
from traced import NODE, Node, Traced, compiled, make


class Heaps(Traced):
    def test_each_heap_is_traced_by_itself(self):
        self.start(3)
        self.assertTrue(tracemalloc.is_tracing(heap=self.heap))
        self.assertFalse(tracemalloc.is_tracing())
        self.assertEqual(tracemalloc.get_traceback_limit(heap=self.heap), 3)
        kept = make(self.heap, 5), make(husk.default, 5)
        self.assertEqual(tracemalloc.get_traced_memory(heap=self.heap), (5 * NODE, 5 * NODE))
        self.assertEqual(tracemalloc.get_traced_memory(), (0, 0))
        self.assertIsNotNone(tracemalloc.get_object_traceback(kept[0][0]))
        self.assertIsNone(tracemalloc.get_object_traceback(kept[1][0]))
        figures = tracemalloc.figures(heap=self.heap)
        self.assertEqual((figures.count, figures.born, figures.places, figures.sample_bytes), (5, 5, 1, 0))
        self.assertEqual(figures.own_bytes, tracemalloc.get_tracemalloc_memory(heap=self.heap))
        tracemalloc.clear_traces(heap=self.heap)
        self.assertEqual(tracemalloc.figures(heap=self.heap).count, 0)
        tracemalloc.stop(heap=self.heap)
        self.assertEqual(tracemalloc.figures(heap=self.heap), husk.TraceFigures((0,) * 11))

    def test_wrong_heaps(self):
        self.start()
        self.heap.close()
        calls = [lambda h: tracemalloc.start(heap=h), lambda h: tracemalloc.stop(heap=h),
                 lambda h: tracemalloc.clear_traces(heap=h), lambda h: tracemalloc.is_tracing(heap=h),
                 lambda h: tracemalloc.get_traceback_limit(heap=h), lambda h: tracemalloc.get_traced_memory(heap=h),
                 lambda h: tracemalloc.reset_peak(heap=h), lambda h: tracemalloc.get_tracemalloc_memory(heap=h),
                 lambda h: tracemalloc.figures(heap=h), lambda h: tracemalloc.mark("x", heap=h),
                 lambda h: tracemalloc.take_snapshot(heap=h), lambda h: tracemalloc.take_snapshot(heap=h, traced=False),
                 lambda h: tracemalloc.tag("x", heap=h).__enter__()]
        for call in calls:
            self.raises(husk.ClosedError, "is closed", call, self.heap)
            for wrong in 5, "heap", Node, False:
                self.raises(TypeError, "a Heap expected", call, wrong)

    def test_an_object_of_a_closed_heap(self):
        self.start()
        node = make(self.heap)[0]
        self.heap.close()
        self.raises(husk.ClosedError, "is closed", tracemalloc.get_object_traceback, node)

    def test_wrong_numbers(self):
        for name, wrong in ("sample_bytes", -1), ("seed", 1 << 64), ("epoch_ms", 1 << 32), ("sample_bytes", 1 << 64):
            self.raises(ValueError, "out of range", tracemalloc.start, **{name: wrong}, heap=self.heap)
        self.raises(ValueError, "is none", tracemalloc.start, sample_bytes=1 << 60, heap=self.heap)
        for name in "sample_bytes", "seed", "epoch_ms":
            self.raises(TypeError, "", tracemalloc.start, **{name: 1.5}, heap=self.heap)
        self.assertFalse(tracemalloc.is_tracing(heap=self.heap))
        self.raises(husk.StateError, "must be tracing", self.take)

    def test_a_snapshot_in_a_hook(self):
        seen = []

        class Last(husk.Record):
            def __finalize__(record):
                try:
                    self.take()
                except husk.BusyError as error:
                    seen.append(str(error))

        self.start()
        self.heap.new(Last)
        self.assertEqual(len(seen), 1)


class Places(Traced):
    def where(self, x):
        found = tracemalloc.get_object_traceback(x)
        return [(f.filename, f.lineno, f.function) for f in reversed(found)]

    def test_functions(self):
        self.start(2)
        names = compiled("class A:\n    def m(self, heap):\n        return heap.new(N)\ndef f(heap):\n    return A().m(heap)",
                         "a.py", N=Node)
        where = self.where(names["f"](self.heap))
        name = "A.m" if sys.version_info >= (3, 11) else "m"
        self.assertEqual(where, [("a.py", 3, name), ("a.py", 5, "f")])

    def test_strange_names(self):
        names = ["with\nnewline.py", "\"quotes'.py", "</script>", "a;b", "\udcff\udc80.py", "ü€🐍.py", "", " ", "x" * 5000,
                 "C:\\path", "\x00", "a\x00b", "\ud800"]
        self.start(1)
        things = []
        code = compile("def f(heap, N):\n    return heap.new(N)", "plain", "exec")
        inner = next(c for c in code.co_consts if isinstance(c, types.CodeType))
        for name in names:
            function = types.FunctionType(inner.replace(co_filename=name, co_name=name), {})
            things.append(function(self.heap, Node))
        found = [self.where(x)[0][0] for x in things]
        self.assertEqual(found[:8], [*names[:6], "<unknown>", " "])
        self.assertEqual(found[8], "x" * 4095)
        self.assertEqual(found[9:12], ["C:\\path", "<unknown>", "a"])
        self.assertEqual(found[12], "<unknown>")
        snapshot = self.take()
        snapshot.dump(self.path)
        for one in snapshot, tracemalloc.Snapshot.load(self.path):
            self.assertEqual(sum(s.count for s in one.statistics("lineno")), len(names))
            for key in "traceback", "filename", "function":
                for stat in one.statistics(key):
                    str(stat), repr(stat), stat.traceback.format()
        chosen = snapshot.filter_traces([tracemalloc.Filter(True, "\udcff*")])
        self.assertEqual(len(chosen.traces), 1)
        self.raises(ValueError, "null character", chosen.filter_traces([tracemalloc.Filter(True, "\0")]).statistics, "lineno")
        self.raises(ValueError, "surrogates", chosen.filter_traces([tracemalloc.Filter(True, "\ud800")]).statistics, "lineno")

    def test_deep_recursion(self):
        depth = 500 if SMALL else 5000
        limit = sys.getrecursionlimit()
        sys.setrecursionlimit(depth + 500)
        try:
            for nframe in 1, 16, 65535:
                self.start(nframe)
                names = compiled("def f(n, heap, N):\n    return f(n - 1, heap, N) if n else heap.new(N)", "deep.py")
                x = names["f"](depth, self.heap, Node)
                found = tracemalloc.get_object_traceback(x)
                snapshot = self.take()
                trace = snapshot.traces[0]
                self.assertEqual(trace.traceback, found)
                self.assertEqual(len(found), min(nframe, trace.traceback.total_nframe))
                self.assertGreater(trace.traceback.total_nframe, depth)
                stats = snapshot.statistics("lineno", cumulative=True)
                self.assertEqual({s.count for s in stats}, {1})
                each = snapshot.statistics("lineno", cumulative=True, each_frame=True)
                self.assertEqual(max(s.count for s in each), min(nframe, depth + 1))
                self.assertEqual(each.total.count, 1)
                tracemalloc.stop(heap=self.heap)
        finally:
            sys.setrecursionlimit(limit)

    def test_many_places(self):
        count = 2000 if SMALL else 30_000
        self.start()
        things = []
        compiled("add(new(N))\n" * count, "many.py", add=things.append, new=self.heap.new, N=Node)
        snapshot = self.take()
        stats = snapshot.statistics("lineno")
        self.assertEqual(len(stats), count)
        self.assertEqual(sorted(s.traceback[0].lineno for s in stats), list(range(1, count + 1)))
        some = snapshot.statistics("lineno", top=3)
        self.assertEqual(some, stats[:3])
        self.assertEqual(some.rest(3).count, count - 3)
        things.clear()
        self.assertEqual(len(self.take().compare_to(snapshot, "lineno", top=10)), 10)

    def test_native_frames(self):
        self.start(50, native=True)
        x = max([0], key=lambda n: things.append(self.heap.new(Node)) or 0) if (things := []) is not None else None
        found = tracemalloc.get_object_traceback(things[0])
        python = [f for f in found if f.filename.endswith(".py")]
        self.assertGreaterEqual(len(python), 2)
        self.assertEqual(python[-1].filename, __file__)
        self.assertEqual(x, 0)
        snapshot = self.take()
        for key in "lineno", "traceback", "function":
            for stat in snapshot.statistics(key):
                str(stat), stat.traceback.format()

    def test_collections_during_births(self):
        """Walking the frames makes objects that Python's collector counts: it must not run in the middle of a birth."""
        heap = self.heap

        class Noisy:
            def __del__(self):
                kept.append(heap.new(Node, [1]))
                del kept[:-5]

        kept = []
        self.start(8)
        thresholds = gc.get_threshold()
        gc.set_threshold(1, 1, 1)
        try:
            for i in range(50 if SMALL else 500):
                noisy = Noisy()
                noisy.me = noisy
                del noisy
                (lambda: (lambda: [heap.new(Node, heap.list([i])) for _ in range(3)])())()
        finally:
            gc.set_threshold(*thresholds)
        gc.collect()
        self.heap.verify()
        self.assertEqual(tracemalloc.figures(heap=heap).unknown, 0)

    def test_an_error_in_flight_stays(self):
        self.start(3)
        heap = self.heap

        class Leaving:
            def __exit__(self, kind, error, trace):
                kept.append(heap.new(Node))

            def __enter__(self):
                pass

        kept = []
        with self.assertRaises(KeyError), Leaving():
            raise KeyError("in flight")
        self.assertIsNotNone(tracemalloc.get_object_traceback(kept[0]))

    def test_buffers(self):
        self.start()
        items = self.heap.list()
        for i in range(1000):
            items.append(i)  # here it grows
        rows = {s.traceback[0].lineno: s for s in self.take().statistics("lineno")}
        line = tracemalloc.get_object_traceback(items)[0].lineno
        self.assertEqual(rows[line].count, 1)
        self.assertGreater(rows[line + 2].size, 8000)
        kinds = self.rows(self.take().statistics("kind"))
        self.assertEqual(len(kinds), 2)
        self.assertEqual({t.kind for t in self.take().traces}, {"object", "buffer"})


class Samples(Traced):
    def test_estimates(self):
        count, mean = (3000, 512) if SMALL else (50_000, 4096)
        self.start(1, sample_bytes=mean, seed=12345)
        things = make(self.heap, count)
        figures = tracemalloc.figures(heap=self.heap)
        self.assertEqual(figures.sample_bytes, mean)
        self.assertLess(abs(figures.count / count - 1), 0.25)
        snapshot = self.take()
        self.assertLess(len(snapshot.traces), count // 4)
        self.assertGreater(min(t.weight for t in snapshot.traces), 1)
        stat = snapshot.statistics("lineno")[0]
        self.assertLess(abs(stat.count / count - 1), 0.25)
        self.assertLess(abs(stat.size / stat.count / NODE - 1), 0.01)
        del things
        self.assertEqual(tracemalloc.figures(heap=self.heap).count, 0)


class Scopes(Traced):
    def test_tags_and_domains(self):
        with tracemalloc.tag("early", heap=self.heap):
            self.start(1)
            kept = make(self.heap)
            with tracemalloc.domain(7, heap=self.heap), tracemalloc.tag("inner", heap=self.heap):
                kept += make(self.heap, 2)
            with tracemalloc.domain("net", heap=self.heap):
                kept += make(self.heap, 3)
        kept += make(self.heap, 4)
        snapshot = self.take()
        self.assertEqual(self.rows(snapshot.statistics("tag")), {"early": (4 * NODE, 4), "inner": (2 * NODE, 2),
                                                                 "(none)": (4 * NODE, 4)})
        self.assertEqual(self.rows(snapshot.statistics("domain")), {"7": (2 * NODE, 2), "net": (3 * NODE, 3),
                                                                    "(none)": (5 * NODE, 5)})
        self.assertEqual(sorted({str(t.domain) for t in snapshot.traces}), ["0", "7", "net"])
        for wanted, count in (0, 5), (7, 2), ("net", 3), ("7", 2), (8, 0), ("", 5):
            for inclusive in True, False:
                chosen = snapshot.filter_traces([tracemalloc.DomainFilter(inclusive, wanted)])
                self.assertEqual(len(chosen.traces), count if inclusive else 10 - count)
        self.assertEqual(len(snapshot.filter_traces([tracemalloc.Filter(True, tag="e*")]).traces), 4)

    def test_a_tag_is_of_its_thread(self):
        self.start(1)
        heap, kept, turns = self.heap, [], [threading.Event() for _ in range(6)]

        def other():
            with tracemalloc.tag("other", heap=heap):
                turns[0].wait(60)
                kept.extend(make(heap, 2))
                turns[1].set()
                turns[2].wait(60)
                kept.extend(make(heap, 2))
            kept.extend(make(heap, 5))

        thread = threading.Thread(target=other)
        thread.start()
        with tracemalloc.tag("main", heap=heap):
            kept += make(heap, 1)
            turns[0].set()
            turns[1].wait(60)
            kept += make(heap, 1)
            turns[2].set()
            thread.join()
            kept += make(heap, 1)
        snapshot = self.take()
        self.assertEqual({name: count for name, (_, count) in self.rows(snapshot.statistics("tag")).items()},
                         {"main": 3, "other": 4, "(none)": 5})
        self.assertEqual(sorted(s.count for s in snapshot.statistics("thread")), [3, 9])
        self.assertEqual(len({t.thread for t in snapshot.traces}), 2)
        self.assertIn(threading.get_native_id(), {t.thread for t in snapshot.traces})

    def test_starting_and_stopping_inside(self):
        heap = self.heap
        with tracemalloc.tag("a", heap=heap), tracemalloc.tag("b", heap=heap):
            for _ in range(3):
                self.start()
                kept = make(heap)
                self.assertEqual(self.rows(self.take().statistics("tag")), {"b": (NODE, 1)})
                tracemalloc.clear_traces(heap=heap)
                kept = make(heap)
                self.assertEqual(self.rows(self.take().statistics("tag")), {"b": (NODE, 1)})
                tracemalloc.stop(heap=heap)
                del kept
        self.start()
        kept = make(heap)
        self.assertEqual(self.rows(self.take().statistics("tag")), {"(none)": (NODE, 1)})

    def test_a_decorator(self):
        @tracemalloc.tag("decorated", heap=self.heap)
        def f(n):
            return make(self.heap, 1) + (f(n - 1) if n else [])

        self.start()
        kept = f(5)
        self.assertEqual(self.rows(self.take().statistics("tag")), {"decorated": (len(kept) * NODE, 6)})

    def test_crossed_ends(self):
        a, b = tracemalloc.tag("a", heap=self.heap), tracemalloc.domain("b", heap=self.heap)
        a.__enter__()
        b.__enter__()
        a.__exit__(None, None, None)
        self.start()
        kept = make(self.heap)
        self.assertEqual([(t.tag, t.domain) for t in self.take().traces], [("", "b")])
        b.__exit__(None, None, None)
        self.raises(husk.StateError, "this thread has begun no domain", b.__exit__, None, None, None)
        del kept

    def test_nested_too_deep(self):
        for when in "before", "while tracing":
            with contextlib.ExitStack() as stack:
                for i in range(64):
                    stack.enter_context(tracemalloc.tag(str(i), heap=self.heap))
                self.raises(husk.RangeError, "at most 64 deep", tracemalloc.tag("65", heap=self.heap).__enter__)
                stack.enter_context(tracemalloc.domain("d", heap=self.heap))
                self.start()
                kept = make(self.heap)
                self.assertIn("63", self.rows(self.take().statistics("tag")), when)
            tracemalloc.clear_traces(heap=self.heap)
            kept = make(self.heap)
            self.assertIn("(none)", self.rows(self.take().statistics("tag")), when)
            del kept

    def test_a_heap_that_closes_inside(self):
        with tracemalloc.tag("a", heap=self.heap), tracemalloc.domain("a", heap=self.heap):
            self.start()
            make(self.heap)
            self.heap.close()
        self.raises(husk.ClosedError, "is closed", tracemalloc.tag("b", heap=self.heap).__enter__)

    def test_wrong_names(self):
        for wrong in 5, None, b"x":
            self.raises(TypeError, "a str expected", tracemalloc.tag(wrong, heap=self.heap).__enter__)
            self.raises(TypeError, "a str expected", tracemalloc.mark, wrong, heap=self.heap)
        self.raises(ValueError, "null character", tracemalloc.tag("a\0b", heap=self.heap).__enter__)
        self.raises(TypeError, "", tracemalloc.domain, 1.5, heap=self.heap)
        self.raises(UnicodeEncodeError, "surrogates", tracemalloc.tag("\ud800", heap=self.heap).__enter__)

    def test_marks(self):
        self.raises(husk.StateError, "is not traced", tracemalloc.mark, "x", heap=self.heap)
        self.start()
        kept = make(self.heap, 2)
        tracemalloc.mark("one", heap=self.heap)
        kept += make(self.heap, 3)
        tracemalloc.mark("two", heap=self.heap)
        kept += make(self.heap, 5)
        snapshot = self.take()

        def since(mark):
            return len(snapshot.filter_traces([tracemalloc.Filter(True, since=mark)]).traces)

        self.assertEqual([since("one"), since("two")], [8, 5])
        self.raises(husk.MissingError, "three", since, "three")
        self.assertEqual(self.rows(snapshot.statistics("mark")), {"(before any mark)": (2 * NODE, 2), "one": (3 * NODE, 3),
                                                                  "two": (5 * NODE, 5)})
        self.assertEqual([t.mark for t in snapshot.traces].count("two"), 5)
        self.raises(ValueError, "needs a name", tracemalloc.mark, "", heap=self.heap)
        for i in range(126):
            tracemalloc.mark(str(i), heap=self.heap)
        self.raises(husk.RangeError, "128 marks", tracemalloc.mark, "more", heap=self.heap)
        del kept


class Blocks(Traced):
    def test_blocks_of_the_process(self):
        process = tracemalloc.process
        self.assertEqual(repr(process), "husk.tracemalloc.process")
        self.raises(husk.StateError, "", tracemalloc.track, 0, 4096, 10)
        self.raises(husk.StateError, "", tracemalloc.untrack, 0, 4096)
        tracemalloc.start(5, heap=process)
        tracemalloc.track(0, 4096, 100)
        tracemalloc.track(9, 4096, 50)
        with tracemalloc.tag("tagged", heap=process), tracemalloc.domain("named", heap=process):
            tracemalloc.track(9, 8192, 7)
        self.assertEqual(tracemalloc.get_traced_memory(heap=process)[0], 157)
        self.assertIsNotNone(tracemalloc.get_block_traceback(9, 4096))
        self.assertIsNone(tracemalloc.get_block_traceback(8, 4096))
        snapshot = tracemalloc.take_snapshot(heap=process)
        self.assertEqual(sorted((str(t.domain), t.size, t.tag, t.kind) for t in snapshot.traces),
                         [("0", 100, "", "block"), ("9", 50, "", "block"), ("named", 7, "tagged", "block")])
        for wanted, count in (0, 1), (9, 1), ("named", 1), ("0", 1), (1, 0):
            self.assertEqual(len(snapshot.filter_traces([tracemalloc.DomainFilter(True, wanted)]).traces), count)
            self.assertEqual(len(snapshot.filter_traces([tracemalloc.DomainFilter(False, wanted)]).traces), 3 - count)
        tracemalloc.untrack(9, 4096)
        tracemalloc.untrack(9, 4096)
        self.assertEqual(tracemalloc.figures(heap=process).count, 2)
        self.start()
        kept = make(self.heap)
        both = self.take()
        self.assertEqual({t.kind for t in both.traces}, {"object", "block"})
        self.assertEqual({t.kind for t in self.take(blocks=False).traces}, {"object"})
        for wrong in (-1, 0, 0), (1 << 32, 0, 0), (0, 1 << 64, 0), (0, 0, -1):
            self.raises(husk.RangeError, "out of range", tracemalloc.track, *wrong)
        self.raises(TypeError, "an int expected", tracemalloc.track, "x", 0, 0)
        self.raises(TypeError, "3 arguments", husk._core._track, 1)
        del kept


class Loops(Traced):
    def test_nothing_is_left(self):
        def turn():
            self.start(5)
            with tracemalloc.tag("t", heap=self.heap):
                kept = make(self.heap, 3)
                tracemalloc.mark("m", heap=self.heap)
            snapshot = self.take()
            for key in "lineno", "traceback", "tag", "type":
                stats = snapshot.statistics(key)
                stats.total, stats.rest(0), list(snapshot.traces)
                snapshot.compare_to(snapshot, key)
            snapshot.object_at(0), snapshot.references_of(0), snapshot.about, snapshot.numbers, snapshot.counts
            snapshot.dump(self.path)
            loaded = tracemalloc.Snapshot.load(self.path)
            loaded.filter_traces([tracemalloc.Filter(True, "*", domain=0)]).statistics("lineno")
            for call in (lambda: snapshot.filter_traces([tracemalloc.Filter(True, since="no")]).statistics("lineno"),
                         lambda: snapshot.filter_traces([tracemalloc.Filter(True, "\0")]).statistics("lineno"),
                         lambda: snapshot.statistics("lineno", sort="x"), lambda: tracemalloc.Snapshot.load("/no/such"),
                         lambda: tracemalloc.mark("", heap=self.heap), lambda: snapshot.dump("/no/such/x"),
                         lambda: tracemalloc.tag("\ud800", heap=self.heap).__enter__(),
                         lambda: husk._core._stats_new(1, 2, 3, 4, 5, 6, 7),
                         lambda: husk._core._stats_new(snapshot._handle, ((1,),), None, (), "line", "size", 0)):
                with contextlib.suppress(Exception):
                    call()
            tracemalloc.get_object_traceback(kept[0])
            code = compiled("def f(new, N):\n    return new(N)")["f"]
            code(self.heap.new, Node)
            tracemalloc.stop(heap=self.heap)

        for _ in range(20):
            turn()
        gc.collect()
        blocks, held = sys.getallocatedblocks(), husk.memory_held()
        for _ in range(20 if SMALL else 200):
            turn()
        gc.collect()
        self.assertLess(sys.getallocatedblocks() - blocks, 100)
        self.assertLessEqual(husk.memory_held(), held + 65536)


SHUTDOWN = """
import atexit, sys, threading, time
import husk
from husk import tracemalloc

class Node(husk.Record):
    value: object
    next: object
    def __finalize__(self):
        kept.append(husk.tracemalloc.get_object_traceback(self))
        if len(kept) < 10:
            Node()

kept = []
tracemalloc.start(10)
scope = tracemalloc.tag("open")
scope.__enter__()
node = Node(Node())
node.next = node
snapshot = tracemalloc.take_snapshot()
stats = snapshot.statistics("lineno")
snapshot.cycle = [snapshot, stats]
def work():
    while True:
        Node(husk.List([1, 2]))
        tracemalloc.take_snapshot().statistics("traceback")
thread = threading.Thread(target=work, daemon=True)
thread.start()
time.sleep(0.05)
print("ends")
"""

FORK = """
import os, sys, threading
import husk
from husk import tracemalloc

class Node(husk.Record):
    value: object

tracemalloc.start(3)
with tracemalloc.tag("both"):
    before = [Node(i) for i in range(5)]
    child = os.fork()
    mine = [Node(i) for i in range(3)]
    snapshot = tracemalloc.take_snapshot()
    assert len(snapshot.traces) == 8, len(snapshot.traces)
    assert [s.count for s in snapshot.statistics("tag")] == [8]
    assert len(snapshot.statistics("lineno")) == 2
    threads = {t.thread for t in snapshot.traces}
    assert threading.get_native_id() in threads, threads
    if child == 0:
        assert len(threads) == 2
        assert snapshot.about["pid"] == str(os.getpid())
        snapshot.dump(sys.argv[1])
        sys.exit(5)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 5
loaded = tracemalloc.Snapshot.load(sys.argv[1])
assert loaded.about["pid"] == str(child)
assert sum(s.count_diff for s in snapshot.compare_to(loaded, "lineno")) == 0
"""

FROM_OUTSIDE = """
import husk
from husk import tracemalloc
print(tracemalloc.is_tracing(), tracemalloc.get_traceback_limit(), tracemalloc.figures().sample_bytes)
def f():
    return husk.List()
x = f()
found = tracemalloc.get_object_traceback(x)
print([frame.function for frame in found if frame.filename == "<string>"])
tracemalloc.stop()
tracemalloc.start(1)
y = f()
print(tracemalloc.get_object_traceback(y)[0].function, tracemalloc.get_object_traceback(x))
"""


class Processes(unittest.TestCase):
    def test_the_end_while_tracing(self):
        for _ in range(2 if SMALL else 5):
            code, out, err = run_script(SHUTDOWN)
            self.assertEqual((code, out), (0, "ends\n"), err)
            self.assertNotIn("Fatal", err)

    @unittest.skipUnless(hasattr(os, "fork"), "no fork here")
    def test_fork_while_tracing(self):
        with tempfile.TemporaryDirectory() as folder:
            code, out, err = run_script(FORK, os.path.join(folder, "x"))
        self.assertEqual((code, out), (0, ""), err)

    def test_started_from_outside(self):
        code, out, err = run_script(FROM_OUTSIDE, HUSK_TRACE="4")
        self.assertEqual((code, out), (0, "True 4 0\n['<module>', 'f']\nf None\n"), err)
        code, out, err = run_script(FROM_OUTSIDE, HUSK_TRACE="nonsense")
        self.assertEqual(code, 1)
        self.assertIn("husk.InvalidError: Heap(): HUSK_TRACE=nonsense", err)


if __name__ == "__main__":
    main()
