"""What husk.tracemalloc has beyond tracemalloc, and what goes wrong."""

import contextlib
import gc
import io
import json
import os
import pickle
import random
import sys
import tempfile
import threading
import types
import unittest

import husk
from husk import tracemalloc
from support import SMALL, Case, main, run_script


class Node(husk.Record):
    value: object
    next: object


def make(heap, count=1):
    made = []
    for i in range(count):
        made.append(heap.new(Node, i))
    return made


def compiled(source, filename="<compiled>", **names):
    exec(compile(source, filename, "exec"), names)
    return names


NODE = 48  # bytes


class Traced(Case):
    def setUp(self):
        super().setUp()
        self.folder = tempfile.TemporaryDirectory()
        self.path = os.path.join(self.folder.name, "snapshot")

    def tearDown(self):
        husk.tracemalloc.stop()
        tracemalloc.stop(heap=tracemalloc.process)
        self.folder.cleanup()
        super().tearDown()

    def start(self, *args, **named):
        tracemalloc.start(*args, heap=self.heap, **named)

    def take(self, **named):
        return tracemalloc.take_snapshot(heap=self.heap, **named)

    def rows(self, stats):
        return {stat.name: (stat.size, stat.count) for stat in stats}


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


class Statistics(Traced):
    def setUp(self):
        super().setUp()
        self.untraced = make(self.heap, 4)
        self.start(2)
        self.kept = make(self.heap, 6)
        self.kept.append(self.heap.list(self.kept))
        make(self.heap, 10)  # these are gone
        self.snapshot = self.take()

    def tearDown(self):
        self.kept = self.untraced = self.snapshot = None
        super().tearDown()

    def test_all_groupings_have_the_same_total(self):
        total = tracemalloc.get_traced_memory(heap=self.heap)[0]
        every = total + 4 * NODE
        for key in tracemalloc._KEY_TYPES:
            stats = self.snapshot.statistics(key)
            wanted = every if key in ("type", "size", "kind") else total
            self.assertEqual((sum(s.size for s in stats), stats.total.size), (wanted, wanted), key)
            self.assertEqual(self.snapshot.statistics(key, untraced=True).total.size, every, key)
            self.assertEqual([s.size for s in stats], sorted((s.size for s in stats), reverse=True))
            if key != "traceback":
                self.assertEqual(stats.format(len(stats))[:-1], [str(s) for s in stats])
        self.assertEqual(self.rows(self.snapshot.statistics("type"))["Node"], (10 * NODE, 10))

    def test_sums(self):
        stats = self.snapshot.statistics("lineno")
        self.assertGreater(len(stats), 1)
        self.assertEqual(str(stats.total).split(":")[0], "total")
        self.assertEqual(stats.rest(1).size, stats.total.size - stats[0].size)
        self.assertIsNone(stats.rest(len(stats)))
        self.raises(ValueError, "0 or more", stats.rest, -1)
        top = self.snapshot.statistics("lineno", top=1)
        self.assertEqual((len(top), top[0], top.rest(1)), (1, stats[0], stats.rest(1)))
        self.assertEqual(len(self.snapshot.statistics("lineno", top=0)), 0)
        self.assertEqual(len(self.snapshot.statistics("lineno", top=-5)), 0)
        self.assertEqual(len(self.snapshot.statistics("lineno", top=1000)), len(stats))
        self.assertIn("other: size=", stats.format(1)[1])
        again = pickle.loads(pickle.dumps(stats))
        self.assertEqual((type(again), again), (list, list(stats)))

    def test_lifetimes(self):
        born = self.snapshot.statistics("lineno", sort="born")
        self.assertEqual(born[0].lifetimes.born, 16)
        self.assertEqual(born[0].lifetimes.died, 10)
        self.assertEqual(self.snapshot.statistics("lineno", sort="temporary")[0].lifetimes.temporary, 1)
        self.assertGreaterEqual(self.snapshot.statistics("lineno", sort="peak")[0].lifetimes.peak_bytes, 6 * NODE)
        self.assertIsNone(self.snapshot.statistics("type")[0].lifetimes)
        self.raises(ValueError, "", self.snapshot.statistics, "type", sort="born")
        self.raises(ValueError, "", self.snapshot.statistics, "lineno", sort="nonsense")
        self.raises(ValueError, "", self.snapshot.compare_to, self.snapshot, "lineno", sort="born")
        self.raises(TypeError, "", self.snapshot.statistics, "lineno", sort=5)

    def test_other_filters(self):
        def count(*args, **named):
            return len(self.snapshot.filter_traces([tracemalloc.Filter(*args, **named)]).traces)

        things = len(self.snapshot.traces)
        self.assertEqual(count(True, type="Node"), 6)
        self.assertEqual(count(False, type="Node"), things - 6)
        self.assertEqual(count(True, function="make"), 6)
        self.assertEqual(count(True, function="ma[a-z]e", type="N*"), 6)
        self.assertEqual(count(True, function="make", type="list"), 0)
        self.assertEqual(count(True, kind="buffer") + count(True, kind="object"), things)
        self.assertEqual(count(True, min_size=49), sum(t.size > 48 for t in self.snapshot.traces))
        self.assertEqual(count(True, min_size=-5), things)
        self.assertEqual(count(True, thread="*"), things)
        self.assertEqual(count(True, "*test_tracing.py", function="make"), 6)
        self.raises(ValueError, "kind is", lambda: tracemalloc.Filter(True, kind="thing"))
        self.raises(TypeError, "a str expected", count, True, type=5)
        everything = self.snapshot.filter_traces([tracemalloc.Filter(True, type="Node")]).statistics("type")
        self.assertEqual(self.rows(everything), {"Node": (10 * NODE, 10)})

    def test_compare_wrong_things(self):
        for wrong in None, 5, self.snapshot._handle:
            self.raises(TypeError, "a Snapshot expected", self.snapshot.compare_to, wrong, "lineno")
        self.raises(ValueError, "unknown key_type", self.snapshot.compare_to, self.snapshot, "nonsense")

    def test_compare_by_type(self):
        self.kept += make(self.heap, 3)
        diff = self.take().compare_to(self.snapshot, "type")
        self.assertEqual((diff[0].name, diff[0].count_diff, diff[0].size_diff), ("Node", 3, 3 * NODE))
        self.assertEqual(str(diff[0]), "Node: size=624 B (+144 B), count=13 (+3), average=48 B")
        self.assertEqual(diff.total.size_diff, 3 * NODE)

    def test_the_handles_cannot_be_made_or_copied(self):
        stats = self.snapshot.statistics("lineno")
        for handle in self.snapshot._handle, stats._stats, self.snapshot.traces._things():
            self.raises(TypeError, "cannot create", type(handle))
            self.raises(TypeError, "cannot copy or pickle", pickle.dumps, handle)
        self.raises(TypeError, "made by take_snapshot", tracemalloc.Snapshot)
        self.raises(IndexError, "row", stats._stats.row, 1 << 40)
        self.assertIsNone(self.snapshot.traces._things().at(1 << 40))

    def test_they_outlive_heap_and_snapshot(self):
        stats, traces, trace = self.snapshot.statistics("traceback"), self.snapshot.traces, self.snapshot.traces[0]
        texts = [str(s) for s in stats], [str(t) for t in traces]
        self.kept = self.untraced = None
        self.heap.close()
        self.snapshot = None
        gc.collect()
        self.assertEqual(([str(s) for s in stats], [str(t) for t in traces]), texts)
        self.assertEqual(str(trace), texts[1][0])
        self.assertIn("total", str(stats.total))


class Snapshots(Traced):
    def test_what_it_has(self):
        self.start(2)
        one = self.heap.new(Node, "text")
        one.next = items = self.heap.list([one, 5, one])
        weak = husk.ref(items)
        snapshot = self.take(maps=True)
        counts = snapshot.counts
        self.assertEqual((counts.objects, counts.buffers), (4, 1))  # the text, and the weak reference
        self.assertEqual(snapshot.about["heap"], "test_what_it_has")
        self.assertEqual(snapshot.about["pid"], str(os.getpid()))
        self.assertEqual(snapshot.numbers["trace"]["frames"], 2)
        self.assertEqual(snapshot.traceback_limit, 2)
        number = snapshot.find(one)
        info = snapshot.object_at(number)
        self.assertEqual((info.type, info.size, info.references), ("Node", NODE, 2))
        self.assertEqual(info.traceback, tracemalloc.get_object_traceback(one))
        self.assertEqual((info.hidden, info.tracked, info.frozen), (1, True, False))
        self.assertEqual(snapshot.find(info.address), number)
        self.assertEqual([r.name for r in snapshot.references_of(number)], ["value", "next"])
        to = snapshot.references_of(snapshot.find(items))
        self.assertEqual([(r.to, r.index, r.weak) for r in to], [(number, 0, False), (number, 2, False)])
        self.assertTrue(snapshot.object_at(snapshot.find(items)).weakly)
        self.assertIsNotNone(weak())
        self.assertIsNone(snapshot.find(1))
        self.raises(IndexError, "object 4 of 4", snapshot.object_at, 4)
        self.raises(IndexError, "", snapshot.object_at, -1)
        self.raises(IndexError, "", snapshot.references_of, 99)
        self.raises(TypeError, "", snapshot.object_at, "x")
        self.raises(TypeError, "", snapshot.find, "x")
        self.raises(husk.RangeError, "out of range", snapshot.find, -1)
        self.assertIsNone(snapshot.find(make(self.heap)[0]))

    def test_what_is_left_out(self):
        self.start()
        kept = self.heap.list(make(self.heap, 100))
        full, lean = self.take(), self.take(references=False, process_memory=False, blocks=False)
        self.assertEqual((full.counts.edges, lean.counts.edges), (100, 0))
        self.assertEqual(lean.references_of(lean.find(kept)), [])
        self.raises(husk.LimitError, "does not fit", self.take, max_bytes=100)
        more = self.heap.list([kept] * 100_000)
        full = self.take()
        limited = self.take(max_bytes=full.counts.bytes - 100_000)
        self.assertEqual(limited.counts.edges, 0)
        self.raises(husk.RangeError, "", self.take, max_bytes=-1)
        del more
        tracemalloc.stop(heap=self.heap)
        plain = self.take(traced=False)
        self.assertEqual((plain.counts.objects, plain.counts.traced, len(plain.traces)), (101, 0, 0))
        self.assertEqual(plain.statistics("type").total.count, 101)

    def test_notes_and_attributes(self):
        self.start()
        snapshot = self.take()
        snapshot.note("who", "me\nand \udcff")
        snapshot.number, snapshot.deep = 5, {"a": [None, "ü\ud800"]}
        chosen = snapshot.filter_traces([tracemalloc.Filter(True, type="Node")])
        chosen.dump(self.path)
        loaded = tracemalloc.Snapshot.load(self.path)
        self.assertEqual(loaded.about["who"], "me\nand \udcff")
        self.assertFalse(hasattr(loaded, "number"))
        self.assertEqual(loaded._filters, chosen._filters)
        snapshot.dump(self.path)
        loaded = tracemalloc.Snapshot.load(self.path)
        self.assertEqual((loaded.number, loaded.deep), (snapshot.number, snapshot.deep))
        self.raises(ValueError, "is used by", snapshot.note, "python", "x")
        self.raises(TypeError, "a str expected", snapshot.note, "x", 5)
        self.raises(ValueError, "null", snapshot.note, "x\0", "y")
        snapshot.wrong = {1, 2}
        self.raises(TypeError, "attribute 'wrong'", snapshot.dump, self.path)
        snapshot.wrong = snapshot
        self.raises(TypeError, "attribute 'wrong'", snapshot.dump, self.path)
        snapshot.wrong = loop = []
        loop.append(loop)
        self.raises(TypeError, "attribute 'wrong'", snapshot.dump, self.path)
        with self.assertRaises(AttributeError):
            snapshot.traces = 5

    def test_wrong_files(self):
        self.start()
        kept = make(self.heap, 3)
        snapshot = self.take()
        for path in self.folder.name, os.path.join(self.path, "x"), "/proc/nothing/x":
            self.raises(husk.FileError, path, snapshot.dump, path)
        self.raises(husk.FileError, "/no/such", tracemalloc.Snapshot.load, "/no/such")
        self.raises(husk.FileError, "", tracemalloc.Snapshot.load, "")
        for wrong in 5, None, [self.path]:
            self.raises(TypeError, "", snapshot.dump, wrong)
            self.raises(TypeError, "", tracemalloc.Snapshot.load, wrong)
        self.raises(ValueError, "null", tracemalloc.Snapshot.load, "a\0b")
        self.assertEqual(os.listdir(self.folder.name), [])
        snapshot.dump(self.path)
        with open(self.path, "rb") as file:
            good = file.read()
        choices = random.Random(1)
        for i in range(20 if SMALL else 200):
            bad = bytearray(good)
            if i % 2:
                del bad[choices.randrange(len(bad)):]
            else:
                bad[choices.randrange(len(bad))] ^= 1 << choices.randrange(8)
            with open(self.path, "wb") as file:
                file.write(bad)
            self.raises(husk.FormatError, self.path, tracemalloc.Snapshot.load, self.path)
        del kept

    def test_a_damaged_note(self):
        self.start()
        snapshot = self.take()
        term = [True, "*", None, False, None, None, None, None, None, None, None, None]
        good = {"filters": [[term]], "attributes": {"x": 1}}
        for filters in 5, [5], [[5]], [[term[:-1]]], [[[*term[:-1], 5]]], [[["x", *term[1:]]]], None, {"a": 1}, [[term + [1]]]:
            self.wrong_note(snapshot, json.dumps({**good, "filters": filters}))
        for attributes in 5, [], {"statistics": 1}, {"__class__": 1}, {"_handle": 1}, {"traceback_limit": 2}, None:
            self.wrong_note(snapshot, json.dumps({**good, "attributes": attributes}))
        for text in "x", "[]", "5", "{}", '{"filters": []}', "[" * 100_000, "null", '"' + "x" * 100:
            self.wrong_note(snapshot, text)
        snapshot._handle.note("python", json.dumps(good))
        snapshot._handle.save(self.path)
        self.assertEqual(tracemalloc.Snapshot.load(self.path).x, 1)
        snapshot._handle.note("python", "")
        snapshot._handle.save(self.path)
        self.assertEqual(len(tracemalloc.Snapshot.load(self.path).traces), 0)

    def wrong_note(self, snapshot, text):
        snapshot._handle.note("python", text)
        snapshot._handle.save(self.path)
        self.raises(husk.FormatError, f"{self.path}: what Python has noted", tracemalloc.Snapshot.load, self.path)

    def test_files_of_others(self):
        """A file without a note of ours: of the command line, Lua or Go."""
        self.start(4)
        kept = make(self.heap, 3)
        snapshot = self.take()
        snapshot._handle.save(self.path)
        loaded = tracemalloc.Snapshot.load(self.path)
        self.assertEqual((len(loaded.traces), loaded.traceback_limit, vars(loaded)), (len(kept), 4, {}))

    def test_readers_in_threads(self):
        self.start(4)
        kept = make(self.heap, 200 if SMALL else 20_000)
        snapshot = self.take()
        seen, failed = [], []

        def read():
            try:
                for _ in range(20):
                    stats = snapshot.statistics("traceback")
                    seen.append(str(stats.total))
                    snapshot.compare_to(snapshot, "lineno")
                    len(snapshot.filter_traces([tracemalloc.Filter(True, "*test*")]).traces)
                    try:
                        snapshot.note("a", "b")
                    except husk.BusyError:
                        pass
            except BaseException as error:
                failed.append(error)

        threads = [threading.Thread(target=read) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failed, [])
        self.assertEqual(len(set(seen)), 1)
        del kept


class Exports(Traced):
    def setUp(self):
        super().setUp()
        self.start(4)
        self.kept = make(self.heap, 100)
        self.snapshot = self.take()

    def tearDown(self):
        self.kept = self.snapshot = None
        super().tearDown()

    def test_each_form_into_a_file_and_piece_by_piece(self):
        formats = tracemalloc.export_formats()
        self.assertGreaterEqual({f.name for f in formats}, {"json", "collapsed", "pprof", "heapsnapshot", "speedscope"})
        for one in formats:
            self.assertTrue(one.about)
            path = self.path + "." + one.suffix
            self.snapshot.export(path, one.name)
            with open(path, "rb") as file:
                written = file.read()
            pieces = io.BytesIO()
            self.snapshot.export(pieces, one.name)
            self.assertEqual(len(pieces.getvalue()), len(written), one.name)
            self.assertGreater(len(written), 50)

    def test_json_says_what_is_there(self):
        self.snapshot.export(self.path + ".json")
        with open(self.path + ".json", encoding="utf-8") as file:
            found = json.load(file)
        self.assertIn("Node", json.dumps(found))
        out = io.BytesIO()
        self.snapshot.export(out, "collapsed", count=True)
        self.assertEqual(sum(int(line.rsplit(b" ", 1)[1]) for line in out.getvalue().splitlines()), 100)
        out = io.BytesIO()
        self.snapshot.export(out, "csv", by="lineno", top=1)
        self.assertIn(b"test_tracing.py", out.getvalue())

    def test_a_report(self):
        second = self.take()
        tracemalloc.report([self.snapshot, second], self.path, title="Two </script>", names=["one", "two"])
        with open(self.path, encoding="utf-8") as file:
            page = file.read()
        self.assertTrue(page.startswith("<!DOCTYPE html>"))
        self.assertNotIn("Two </script>", page)
        out = io.BytesIO()
        tracemalloc.report(iter([second]), out, max_bytes=200_000)
        self.assertLessEqual(len(out.getvalue()), 200_000)
        for wrong in [], [second] * 1001:
            self.raises(husk.RangeError, "", tracemalloc.report, wrong, self.path)
        self.raises(husk.RangeError, "", tracemalloc.report, [second], self.path, max_bytes=5)
        self.raises(ValueError, "1 names for 2", tracemalloc.report, [second, second], self.path, names=["a"])
        self.raises(TypeError, "a str expected", tracemalloc.report, [second], self.path, names=[5])
        self.raises(TypeError, "a Snapshot expected", tracemalloc.report, [5], self.path)
        self.raises(TypeError, "", tracemalloc.report, 5, self.path)

    def test_what_goes_wrong(self):
        export = self.snapshot.export
        self.raises(husk.MissingError, "nonsense", export, self.path, "nonsense")
        self.raises(ValueError, "has to be said", export, self.path)
        self.raises(ValueError, "has to be said", export, io.BytesIO())
        self.raises(ValueError, "unknown key_type", export, self.path, "csv", by="nonsense")
        self.raises(husk.FileError, "/no/such", export, "/no/such/x", "json")
        self.raises(TypeError, "", export, 5, "json")
        self.raises(TypeError, "a str expected", export, self.path, 5)
        self.raises(TypeError, "", export, io.StringIO(), "json")
        self.raises(husk.RangeError, "", export, self.path, "csv", top=-1)
        chosen = self.snapshot.filter_traces([tracemalloc.Filter(True, type="Node")])
        self.raises(ValueError, "filtered", chosen.export, self.path, "json")
        self.raises(ValueError, "filtered", tracemalloc.report, [chosen], self.path)
        seen = []

        class Refusing:
            def write(self, piece):
                seen.append(len(piece))
                raise KeyError("no more")

        with self.assertRaises(KeyError):
            export(Refusing(), "json")
        self.assertEqual(len(seen), 1)
        self.assertEqual(os.listdir(self.folder.name), [])

        class Curious:
            def write(writer, piece):
                self.raises(husk.BusyError, "is being read", self.snapshot.note, "a", "b")

        export(Curious(), "json")
        self.snapshot.note("a", "b")


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
        self.raises(TypeError, "3 arguments", tracemalloc._core._track, 1)
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
                         lambda: tracemalloc._core._stats_new(1, 2, 3, 4, 5, 6, 7),
                         lambda: tracemalloc._core._stats_new(snapshot._handle, ((1,),), None, (), "line", "size", 0)):
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
