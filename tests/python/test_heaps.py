"""Heaps: life, limits, figures, and everything about one that is closed."""

import gc
import sys
import weakref

import husk
from support import Case, main


class Node(husk.Record):
    value: object
    next: object


class Heaps(Case):
    def test_life(self):
        with husk.Heap("short", max_bytes=4 << 20) as heap:
            self.assertEqual((heap.name, heap.closed), ("short", False))
            self.assertEqual(heap.figures().max_bytes, 4 << 20)
            n = heap.new(Node, 1)
            self.assertEqual(repr(heap), "<Heap 'short', 1 objects>")
        self.assertTrue(heap.closed)
        self.assertEqual(repr(heap), "<Heap 'short', closed>")
        self.assertFalse(husk.is_alive(n))
        self.assertEqual(repr(n), "<Node, its heap is closed>")
        self.assertIs(husk.heap_of(n), heap)
        heap.close()

    def test_everything_on_a_closed_heap(self):
        heap = husk.Heap("short")
        n, l, m = heap.new(Node, 1), heap.list([1]), heap.map(a=1)
        r = husk.ref(n)
        heap.close()
        closed = lambda call, *args: self.assertIsInstance(
            self.raises(husk.ClosedError, "heap 'short' is closed", call, *args), husk.StateError)
        for call in (len, list, lambda x: x[0], lambda x: x.append(1), lambda x: x.clear(), lambda x: x[0:1],
                     lambda x: 1 in x, lambda x: x.insert(0, 1), lambda x: x.__setitem__(0, 1), lambda x: bool(x),
                     lambda x: x.__delitem__(0), lambda x: x.pop(), lambda x: x.__setitem__(slice(0, 1), [2])):
            closed(call, l)
        for call in (len, list, lambda x: x["a"], lambda x: x.get("a"), lambda x: x.clear(), lambda x: "a" in x,
                     lambda x: x.__setitem__("a", 1), lambda x: x.__delitem__("a"), lambda x: x.update(b=1)):
            closed(call, m)
        closed(getattr, n, "value")
        closed(setattr, n, "value", 1)
        closed(r)
        closed(husk.ref, n)
        for function in (husk.getrefcount, husk.refcount, husk.is_tracked, husk.referents, husk.referrers,
                         husk.getweakrefcount, husk.getweakrefs, husk.make_immortal, husk.referring_slots):
            closed(function, n)
        for name in ("figures", "trim", "collect", "collect_dry", "safepoint", "request", "enable", "is_enabled",
                     "pacing", "counts", "save_all", "death_budget", "garbage", "garbage_count", "garbage_clear", "freeze",
                     "unfreeze", "verify", "objects", "census", "disable", "list", "map", "__enter__", "set_pacing", "pacing_state",
                     "bound", "soft_limit", "no_gc_end", "no_gc", "stress", "set_stress"):
            closed(getattr(heap, name))
        for name, arg in (("new", Node), ("set_max_bytes", 1), ("set_death_budget", 1), ("set_soft_limit", 0), ("idle", 1.0), ("generation", 0), ("on_pass", print),
                          ("off_pass", 1), ("set_save_all", True), ("disabled_by", 0), ("garbage_reason", 0)):
            closed(getattr(heap, name), arg)
        closed(setattr, heap, "on_error", print)
        closed(setattr, self.heap.new(Node), "value", n)
        self.assertEqual(hash(n), hash(n))
        self.assertEqual(n, n)

    def test_handles_keep_the_heap(self):
        heap = husk.Heap("short")
        gone = weakref.ref(heap)
        n = heap.new(Node, 1)
        del heap
        gc.collect()
        self.assertEqual(n.value, 1)
        self.assertIs(gone(), husk.heap_of(n))
        del n
        self.assertIsNone(gone())

    def test_closing_runs_finalizers(self):
        log = []

        class Loud(husk.Record):
            value: int

            def __finalize__(self):
                log.append(self.value)

        heap = husk.Heap("short")
        kept = heap.new(Loud, 1)
        inner = heap.list([heap.new(Loud, 2)])
        inner.append(inner)
        heap.close()
        self.assertEqual(sorted(log), [1, 2])
        heap = husk.Heap("short")
        heap.new(Loud, 3)
        kept = heap.new(Loud, 4)
        del kept, heap
        self.assertEqual(sorted(log), [1, 2, 3, 4])

    def test_closed_in_its_own_hook(self):
        heap, errors = self.heap, []

        class Closing(husk.Record):
            def __finalize__(self):
                try:
                    heap.close()
                except husk.BusyError as error:
                    errors.append(str(error))

        heap.new(Closing)
        self.assertEqual(errors, ["heap 'test_closed_in_its_own_hook' cannot be closed inside one of its hooks"])
        self.assertFalse(heap.closed)
        heap.close()

    def test_another_heap_closed_in_a_hook(self):
        other = husk.Heap("other")
        n = other.new(Node)

        class Closing(husk.Record):
            def __finalize__(self):
                other.close()

        self.heap.new(Closing)
        self.assertTrue(other.closed)
        self.assertFalse(husk.is_alive(n))

    def test_made_while_closing(self):
        made = []

        class Busy(husk.Record):
            def __finalize__(self):
                heap = husk.heap_of(self)
                made.append(heap.new(Node, len(made)))
                made.append(self)

        heap = husk.Heap("short")
        keep = heap.new(Busy), heap.new(Busy)
        heap.close()
        self.assertEqual(len(made), 4)
        for x in made:
            self.assertFalse(husk.is_alive(x))
        self.assertEqual(len(keep), 2)
        self.wants_unraisable = True  # the heap says that objects were held; which hooks did

    def test_limit(self):
        heap = husk.Heap("small", max_bytes=1 << 20)
        chain = heap.list()
        error = None
        try:
            while True:
                chain.append(heap.new(Node, chain))
        except husk.LimitError as caught:
            error = caught
        self.assertIsInstance(error, MemoryError)
        self.assertEqual((error.code, error.status), ("HUSK_ELIMIT", -2))
        self.assertLessEqual(heap.figures().bytes_peak, 1 << 20)
        heap.verify()
        self.raises(husk.LimitError, "", heap.set_max_bytes, 1000)
        heap.set_max_bytes(0)
        chain.append(heap.new(Node, chain))
        chain.clear()
        del chain
        heap.collect()
        self.assertEqual(heap.figures().objects, 0)
        self.assertGreaterEqual(heap.trim(), 0)
        heap.close()

    def test_bad_options(self):
        self.raises(TypeError, "", husk.Heap, 5)
        self.raises(TypeError, "", husk.Heap, "x", 5)
        self.raises(TypeError, "", husk.Heap, colour=1)
        self.raises(TypeError, "", husk.Heap, max_bytes="x")
        self.raises(husk.RangeError, "-1", husk.Heap, max_bytes=-1)
        self.raises(husk.RangeError, str(10**30), husk.Heap, max_bytes=10**30)
        self.raises(husk.LimitError, "", husk.Heap, max_bytes=10)
        self.raises(ValueError, "", husk.Heap, "\ud800")
        self.raises(husk.RangeError, "Heap.set_max_bytes(): -1 is out of range", self.heap.set_max_bytes, -1)
        self.raises(TypeError, "Heap.set_max_bytes(): an int expected, got str", self.heap.set_max_bytes, "1")
        self.raises(husk.RangeError, "no generation 7", self.heap.generation, 7)
        self.raises(TypeError, "Heap.generation(): 1 argument expected, got 0", self.heap.generation)
        self.raises(TypeError, "1 argument expected, got 3", self.heap.generation, 1, 2, 3)
        self.raises(TypeError, "Heap expected", type(self.heap).trim, 5)
        self.raises(TypeError, "an object of a heap expected, got int", husk.getrefcount, 5)
        self.raises(TypeError, "", lambda: type("H", (husk.Heap,), {}))

    def test_death_budget(self):
        heap = self.heap
        self.assertEqual(heap.death_budget(), 0)
        heap.set_death_budget(3)
        self.assertEqual(heap.death_budget(), 3)
        l = heap.list(heap.new(Node, i) for i in range(10))
        del l
        self.assertEqual((heap.figures().objects, heap.figures().dying_objects), (0, 8))
        self.assertGreater(heap.figures().dying_bytes, 0)
        heap.safepoint()
        self.assertEqual(heap.figures().dying_objects, 5)
        heap.collect()
        self.assertEqual(heap.figures().dying_objects, 0)
        heap.set_death_budget(0)
        self.raises(husk.RangeError, "Heap.set_death_budget(): -1 is out of range", heap.set_death_budget, -1)
        self.raises(TypeError, "an int expected, got str", heap.set_death_budget, "1")

    def test_stress(self):
        with husk.Heap("stress", stress=True) as heap:
            l = heap.list()
            for i in range(200):
                l.append(heap.new(Node, i, l))
            self.assertEqual([n.value for n in l], list(range(200)))
            self.assertGreater(heap.generation(0).passes, 200)

    def test_figures(self):
        heap = self.heap
        l = heap.list(heap.new(Node, i) for i in range(10))
        f = heap.figures()
        self.assertEqual((f.objects, f[0], f.max_bytes, f.frozen_objects), (11, 11, 0, 0))
        self.assertGreater(f.object_bytes, 0)
        self.assertEqual(heap.census(), {"Node": 10, "list": 1})
        self.assertEqual(len(heap.objects(Node)), 10)
        self.assertEqual(heap.objects(husk.List), [l])
        self.assertEqual(len(heap.objects()), 11)
        self.assertEqual(heap.objects(husk.Map), [])
        self.raises(TypeError, "record class", heap.objects, int)
        self.raises(TypeError, "", heap.objects, Node, Node)

    def test_looking(self):
        heap = self.heap
        n = heap.new(Node, "text", heap.list([1]))
        n.next.append(n)
        self.assertEqual(husk.referents(n), ["text", n.next])
        self.assertEqual(husk.referrers(n), [n.next])
        self.assertEqual(husk.referring_slots(n.next), [(n, "next", 0)])
        self.assertEqual(len(heap.objects()), 3)
        self.assertIs(husk.referents(n)[1], n.next)
        self.assertTrue(husk.is_tracked(n))
        self.assertFalse(husk.is_dying(n))
        self.assertGreater(husk.getsizeof(n), 0)
        before = husk.getrefcount(n)
        heap.objects()
        self.assertEqual(husk.getrefcount(n), before)

    def test_freeze(self):
        n = self.heap.new(Node)
        self.heap.freeze()
        self.assertTrue(husk.is_frozen(n))
        self.assertEqual(self.heap.figures().frozen_objects, 1)
        self.heap.unfreeze()
        self.assertFalse(husk.is_frozen(n))

    def test_disable(self):
        heap = self.heap
        heap.disable("one")
        heap.disable()
        self.assertEqual([heap.disabled_by(i) for i in range(3)], ["one", "Python", None])
        heap.enable()
        self.assertFalse(heap.is_enabled())
        heap.enable()
        self.assertTrue(heap.is_enabled())
        self.raises(husk.StateError, "", heap.enable)
        for i in range(64):
            heap.disable("holder " + str(i))
        self.raises(husk.RangeError, "", heap.disable)
        self.assertEqual(heap.disabled_by(63), "holder 63")
        self.raises(TypeError, "a str expected", heap.disable, 5)
        self.raises(TypeError, "", heap.disable, "a", "b")

    def test_pacing(self):
        heap = self.heap
        heap.set_pacing(least_objects=100, factor=2)
        self.assertEqual(heap.pacing()[:3], (100, 8 << 20, 2.0))
        self.raises(husk.RangeError, "", heap.set_pacing, factor=100.0)
        self.raises(husk.RangeError, "", heap.set_pacing, factor=float("nan"))
        self.raises(husk.RangeError, "least_objects -1", heap.set_pacing, least_objects=-1)
        self.raises(TypeError, "least_bytes", heap.set_pacing, least_bytes="x")
        self.raises(TypeError, "", heap.set_pacing, factor="x")
        self.raises(TypeError, "", heap.set_pacing, colour=1)
        self.raises(TypeError, "", heap.set_pacing, 1)
        self.assertEqual(heap.pacing()[:3], (100, 8 << 20, 2.0))
        heap.set_pacing(least_objects=0, least_bytes=0)
        self.assertEqual(heap.counts().limit_objects, 2**64 - 1)

    def test_passes_start_by_themselves(self):
        self.heap.set_pacing(least_objects=100)
        for _ in range(1000):
            n = self.heap.new(Node)
            n.next = n
        del n
        self.assertGreater(self.heap.generation(0).passes, 1)
        self.assertLess(self.heap.figures().objects, 500)

    def test_every_status_has_an_exception(self):
        classes = {c.status: c for c in vars(husk).values() if isinstance(c, type) and issubclass(c, husk.Error)}
        classes.pop(husk.StateError.status)
        classes[husk.StateError.status] = husk.StateError
        for status in range(-1, -100, -1):
            name = husk.status_name(status)
            if name == "HUSK_UNKNOWN":
                self.assertEqual(len(classes), -status)  # and the base, with status 0
                break
            self.assertEqual(classes[status].code, name)
            self.assertTrue(issubclass(classes[status], husk.Error))
        self.assertEqual(husk.status_text(0), "no error")

    def test_module(self):
        self.assertRegex(husk.__version__, r"^\d+\.\d+\.\d+$")
        self.assertIn(husk.memory_mode(), ("range", "mapped"))
        self.assertGreater(husk.memory_requests(), 0)
        self.raises(TypeError, "husk.memory_fail(): 2 arguments expected, got 1", husk.memory_fail, 1)
        self.raises(TypeError, "an int expected, got str", husk.memory_fail, 0, "x")

    def test_memory_refused(self):
        failures = []
        for nth in range(1, 9):
            husk.memory_fail(nth, False)
            try:
                with husk.Heap("refused") as heap:
                    l = heap.list()
                    for i in range(4000):
                        l.append(heap.new(Node, i, "text" * 300))
            except husk.OutOfMemoryError as error:
                failures.append(nth)
                self.assertIsInstance(error, MemoryError)
            finally:
                husk.memory_fail(0, False)
        self.assertGreater(len(failures), 2)
        husk.memory_fail(1, True)
        try:
            self.raises(husk.OutOfMemoryError, "", husk.Heap)
        finally:
            husk.memory_fail(0, False)


if __name__ == "__main__":
    main()
