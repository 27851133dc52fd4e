"""How passes are paced and held off; finalizers and callbacks that raise or never let go."""

import math

import husk
from support import Case, main


class Node(husk.Record):
    value: object
    next: object


def litter(heap, count=1):
    for _ in range(count):
        n = heap.new(Node)
        n.next = n
        del n


class Pacing(Case):
    def test_state(self):
        state = self.heap.pacing_state()
        self.assertEqual((state.factor, state.why, state.automatic), (1.0, "set", 0))
        self.assertIs(state.time_kept, True)
        self.heap.set_pacing(least_objects=200, least_bytes=0)
        litter(self.heap, 20000)
        state = self.heap.pacing_state()
        self.assertGreater(state.automatic, 0)
        self.assertGreater(state.automatic_examined, 0)
        self.assertTrue(0 < state.time_share <= 1)
        self.assertTrue(1 <= state.factor <= 2)
        self.assertTrue(state.yield_ > 0 and state.last_ns > 0)

    def test_bound(self):
        heap = self.heap
        heap.set_pacing(least_objects=500, least_bytes=0)
        for _ in range(100):
            litter(heap, 50)
            bound = heap.bound()
            self.assertEqual((bound.kept, bound.why, bound.holder, bound.bytes), (True, "kept", None, None))
            self.assertLessEqual(bound.garbage_objects, bound.objects)
            self.assertLessEqual(heap.figures().objects, bound.objects)
        heap.disable("loader")
        bound = heap.bound()
        self.assertEqual((bound.kept, bound.why, bound.holder, bound.objects), (False, "disabled", "loader", None))
        heap.enable()

    def test_soft_limit(self):
        heap = self.heap
        heap.set_pacing(least_objects=0, least_bytes=0)
        heap.set_soft_limit(2 << 20)
        for bad in (1, 1000000, 2**62):
            self.raises(husk.RangeError, "soft limit", heap.set_soft_limit, bad)
        self.raises(husk.RangeError, "", heap.set_soft_limit, -1)
        self.raises(husk.RangeError, "", heap.set_soft_limit, 2**70)
        self.raises(TypeError, "", heap.set_soft_limit, 1.5)
        self.assertEqual(heap.soft_limit().bytes, 2 << 20)
        litter(heap, 60000)
        soft = heap.soft_limit()
        self.assertGreater(soft.passes, 0)
        self.assertTrue(not soft.exceeded or soft.held_back_times > 0)
        heap.set_soft_limit(0)
        self.assertEqual(heap.soft_limit(), (0, False, False, 0, 0, 0))

    def test_region(self):
        heap = self.heap
        heap.set_pacing(least_objects=100, least_bytes=0)
        self.assertIsNone(heap.no_gc())
        self.raises(husk.StateError, "", heap.no_gc_end)
        self.raises(husk.RangeError, "", heap.no_gc_begin)
        self.raises(husk.RangeError, "0 bytes", heap.no_gc_begin, objects=10, reserve=True)
        self.raises(husk.RangeError, "objects -1", heap.no_gc_begin, objects=-1)
        self.raises(husk.RangeError, "bytes", heap.no_gc_begin, bytes=2**70)
        self.raises(TypeError, "an int", heap.no_gc_begin, objects=1.0)
        self.raises(TypeError, "", heap.no_gc_begin, 10)
        self.raises(TypeError, "", heap.no_gc_begin, objects=10, holder=5)
        before = heap.generation(0).passes
        heap.no_gc_begin(objects=5000, bytes=1 << 20, reserve=True, holder="frame")
        self.raises(husk.StateError, "frame", heap.no_gc_begin, objects=10)
        litter(heap, 3000)
        now = heap.no_gc()
        self.assertEqual((now.active, now.kept, now.grown_objects), (True, True, 3000))
        region = heap.no_gc_end()
        self.assertEqual((region.active, region.kept, region.why, region.holder), (False, True, "kept", "frame"))
        self.assertEqual(heap.generation(0).passes, before)
        heap.no_gc_begin(objects=1000)
        litter(heap, 12000)
        region = heap.no_gc_end()
        self.assertEqual((region.kept, region.why, region.holder), (False, "budget", "Python"))
        self.assertGreater(heap.generation(0).passes, before)

    def test_idle(self):
        heap = self.heap
        self.assertEqual(heap.idle(0.1)[:5], (False,) * 5)
        heap.set_pacing(least_objects=4000, least_bytes=0)
        litter(heap, 2000)
        idle = heap.idle(10)
        self.assertEqual((idle.passed, idle.collected, idle.more), (True, 2000, False))
        self.assertTrue(idle.took > 0 and idle.expected > 0 and not idle.stepped)
        kept = heap.list(range(10))
        for i in range(60000):
            kept.append(heap.list())
        self.assertFalse(heap.step(0.00001).finished)  # what is under way is gone on with
        idle = heap.idle(10)
        self.assertEqual((idle.stepped, idle.passed, idle.more, heap.steps().under_way), (True, True, False, False))
        for bad in (0, 0.0001, 3601, 1e30, -1, math.nan, math.inf):
            self.raises(husk.RangeError, "idle", heap.idle, bad)
        self.raises(TypeError, "", heap.idle, "x")

    def test_stress(self):
        heap = self.heap
        self.assertEqual(heap.stress(), (0, 0))
        heap.set_stress(3)
        before = heap.generation(0).passes
        litter(heap, 30)
        self.assertEqual(heap.generation(0).passes, before + 10)
        heap.set_stress(5, seed=7)
        self.assertEqual(heap.stress(), (5, 7))
        self.raises(husk.RangeError, "stress", heap.set_stress, 2**33)
        self.raises(husk.RangeError, "every -1", heap.set_stress, -1)
        self.raises(TypeError, "an int", heap.set_stress, "x")
        heap.set_stress(0)
        self.assertEqual(husk.Heap("own", stress=True).stress(), (1, 0))


hook = None


class Hooked(husk.Record):
    value: object
    next: object

    def __finalize__(self):
        hook(self)


def drop_cycle(heap, value=None):
    n = heap.new(Hooked, value)
    n.next = n


class Hostile(Case):
    def tearDown(self):
        global hook
        hook = None
        super().tearDown()

    def test_all_raise(self):
        global hook
        self.wants_unraisable = True

        def hook(self):
            raise ValueError(f"no {self.value}")

        for i in range(20):
            drop_cycle(self.heap, i)
        self.assertEqual(self.heap.collect(python=False).collected, 20)
        self.assertEqual(sorted(self.unraisable), sorted((ValueError, f"no {i}") for i in range(20)))
        self.assertEqual(self.heap.figures().objects, 0)

    def test_much_garbage(self):
        global hook
        heap = self.heap
        heap.set_pacing(least_objects=300, least_bytes=0)

        def hook(self):
            litter(heap, 20000)

        drop_cycle(heap)
        heap.collect(python=False)
        heap.verify()
        litter(heap, 5000)
        self.assertLess(heap.figures().objects, 10000)

    def test_until_it_is_refused(self):
        global hook
        self.wants_unraisable = True
        with husk.Heap("greedy", max_bytes=1 << 20) as heap:
            def hook(self):
                while True:
                    litter(heap)

            drop_cycle(heap)
            heap.collect(python=False)
            self.assertEqual([kind for kind, _ in self.unraisable], [husk.LimitError])
            heap.verify()
            heap.collect(python=False)
            litter(heap)
            heap.collect(python=False)
            self.assertEqual(heap.figures().objects, 0)

    def test_resurrection_for_ever(self):
        global hook
        heap, runs, goes_on = self.heap, 0, True

        def hook(self):
            nonlocal runs
            runs += 1
            if goes_on:
                drop_cycle(heap, self)

        drop_cycle(heap)
        for i in range(1, 31):
            figures = heap.collect(python=False)
            self.assertEqual((figures.collected, figures.resurrected), (0, i))
            heap.verify()
        self.assertEqual(runs, 30)
        goes_on = False
        while heap.collect(python=False).collected:
            pass
        self.assertEqual(heap.figures().objects, 0)

    def test_a_callback_that_collects(self):
        self.wants_unraisable = True
        heap, caught = self.heap, []

        def callback(phase, figures):
            try:
                heap.collect(python=False)
            except husk.BusyError as error:
                caught.append(error)
            if phase == "stop":
                raise ValueError("callbacks may raise")

        number = heap.on_pass(callback)
        before = heap.generation(0).passes
        heap.collect(python=False)
        self.assertEqual(heap.generation(0).passes, before + 2)
        self.assertEqual(len(caught), 4)
        self.assertEqual(len(self.unraisable), 2)
        heap.off_pass(number)
        heap.verify()


if __name__ == "__main__":
    main()
