"""Passes in steps, runs over young pages, and what husk.gc makes of them."""

import math
import random

import husk
from husk import gc
from support import Case, main


class Node(husk.Record):
    value: object
    next: object


class Final(husk.Record):
    value: object
    next: object
    back = []

    def __finalize__(self):
        if self.value % 7 == 0 and len(Final.back) < 50:
            Final.back.append(self)


def litter(heap, count=1):
    for _ in range(count):
        n = heap.new(Node)
        n.next = n
        del n


def finish(heap, seconds):
    count = 1
    while not (done := heap.step(seconds)).finished:
        count += 1
    return count, done.figures


class Steps(Case):
    def quiet(self):
        """The heap, in which nothing starts by itself."""
        self.heap.set_pacing(least_objects=0, least_bytes=0)
        self.heap.set_young(0)
        return self.heap

    def test_slices(self):
        heap = self.quiet()
        kept = heap.list([heap.new(Node, i) for i in range(20000)])
        litter(heap, 20000)
        count, figures = finish(heap, 0.00005)
        self.assertGreater(count, 1)
        self.assertEqual((figures.collected, figures.generation, figures.reason), (20000, 0, "call"))
        self.assertEqual(len(kept), 20000)
        steps = heap.steps()
        self.assertEqual((steps.begun, steps.finished, steps.steps, steps.under_way), (1, 1, count, False))
        self.assertGreaterEqual(steps.nominated, 20000)
        self.assertGreater(steps.longest_ns, 0)
        self.assertEqual((heap.generation(0).passes, heap.generation(1).passes), (1, 0))
        heap.verify()
        done = heap.step()
        self.assertTrue(0 < done.took < 10)

    def test_given_up(self):
        heap = self.quiet()
        kept = heap.list([heap.new(Node, i) for i in range(60000)])
        for number, use in enumerate((heap.collect, heap.verify, heap.collect_dry, heap.freeze)):
            self.assertFalse(heap.step(0.00001).finished)
            self.assertTrue(heap.steps().under_way)
            use()
            self.assertFalse(heap.steps().under_way)
            self.assertEqual(heap.steps().given_up, number + 1)
        heap.unfreeze()
        litter(heap, 5)
        self.assertEqual(finish(heap, 10)[1].collected, 5)
        self.assertEqual(len(kept), 60000)

    def test_refused(self):
        heap = self.quiet()
        for bad in (0, -1, -0.001, math.nan, math.inf, -math.inf, 1e-6, 10.1, 1e300, 2**70, 10**400, -10**400, False):
            text = f"a budget of {bad} seconds is not 0.00001 to 10"
            self.raises(husk.RangeError, text, heap.step, bad)
            self.raises(husk.RangeError, text, lambda: gc.step(bad, heap=heap))
            if bad:
                self.raises(husk.RangeError, f"a goal of {bad} seconds is not 0 or 0.00001 to 10", heap.set_pause, bad)
        for bad in ("0.001", None, [], print):
            self.raises(TypeError, "", heap.step, bad)
            self.raises(TypeError, "", heap.set_pause, bad)
            self.raises(TypeError, "", heap.set_young, bad)
        for bad in (1, 63, -1, (1 << 24) + 1, 2**63, 2**70):
            self.raises(husk.RangeError, "", heap.set_young, bad)
        self.raises(TypeError, "", heap.set_young, 1.5)
        self.assertEqual((heap.pause(), heap.young(), heap.steps().begun), (0.0, 0, 0))
        heap.verify()
        other = husk.Heap("closed")
        other.close()
        for call in (other.step, other.pause, other.steps, other.young, other.collect_young):
            self.raises(husk.ClosedError, "", call)

    def test_parallel(self):
        heap = self.quiet()
        self.assertEqual(heap.parallel(), 1)
        for threads in (8, 2):
            heap.set_parallel(threads)
            self.assertEqual(heap.parallel(), threads)
        litter(heap, 10)
        self.assertEqual(heap.collect().collected, 10)
        latest = gc.get_passes(1, heap=heap)[0]
        self.assertEqual(latest.threads, 1)  # below 10**6 objects they are not woken
        self.assertIn(" threads=1 ", latest.line)
        for bad in (0, 9, 2**32 - 1):
            text = f"parallel: {bad} threads are not within 1 to 8"
            self.raises(husk.RangeError, text, heap.set_parallel, bad)
            self.raises(husk.RangeError, text, lambda: gc.set_parallel(bad, heap=heap))
        for bad in (-1, 2**32, 2**70):
            self.raises(husk.RangeError, "", heap.set_parallel, bad)
        for bad in (1.5, "2", None, []):
            self.raises(TypeError, "", heap.set_parallel, bad)
        self.assertEqual(heap.parallel(), 2)
        heap.verify()
        gc.set_parallel(3, heap=heap)
        self.assertEqual(gc.get_parallel(heap=heap), 3)
        self.assertEqual(gc.get_parallel(), 1)
        other = husk.Heap("closed")
        other.close()
        self.raises(husk.ClosedError, "", other.set_parallel, 2)
        self.raises(husk.ClosedError, "", other.parallel)

    def test_pause(self):
        heap = self.heap
        heap.set_young(0)
        heap.set_pause(0.00002)
        self.assertEqual(heap.pause(), 0.00002)
        heap.set_pacing(least_objects=2000, least_bytes=0)
        litter(heap, 50000)
        steps = heap.steps()
        self.assertGreater(steps.finished, 0)
        self.assertGreater(steps.steps, steps.finished)
        self.assertLess(heap.figures().objects, 20000)
        heap.set_pause(0)
        self.assertEqual(heap.pause(), 0.0)

    def test_young(self):
        heap = self.quiet()
        self.assertEqual(husk.Heap("new").young(), 4096)
        old = heap.list([heap.new(Node, i) for i in range(5000)])
        heap.collect()
        litter(heap, 3000)
        figures = heap.collect_young()
        self.assertEqual(figures.generation, 1)
        self.assertGreater(figures.collected, 1000)
        self.assertLess(figures.examined, 5000)
        self.assertEqual(len(old), 5000)
        self.assertEqual((heap.generation(1).passes, heap.generation(1).collected), (1, figures.collected))
        heap.set_young(64)
        heap.set_pacing(least_objects=1 << 20)
        litter(heap, 10000)
        self.assertGreater(heap.generation(1).passes, 1)

    def test_in_a_hook(self):
        heap = self.quiet()
        seen = []

        class Hooked(husk.Record):
            next: object

            def __finalize__(self):
                for call in (heap.step, heap.collect_young, lambda: gc.step(heap=heap)):
                    try:
                        call()
                    except husk.BusyError:
                        seen.append("busy")
                seen.append(gc.collect(0, heap=heap))

        n = heap.new(Hooked)
        n.next = n
        del n
        finish(heap, 0.001)
        self.assertEqual(seen, ["busy"] * 3 + [0])

    def test_gc(self):
        heap = self.heap
        gc.disable(heap=heap)
        self.assertEqual(gc.get_pause(heap=heap), 0.0)
        gc.set_pause(0.001, heap=heap)
        self.assertEqual((gc.get_pause(heap=heap), heap.pause()), (0.001, 0.001))
        gc.set_young(128, heap=heap)
        self.assertEqual((gc.get_young(heap=heap), heap.young()), (128, 128))
        old = heap.list([heap.new(Node, i) for i in range(5000)])
        gc.collect(heap=heap)
        before = gc.get_stats(heap=heap)
        litter(heap, 3000)
        found = gc.collect(0, heap=heap)
        self.assertGreater(found, 1000)
        after = gc.get_stats(heap=heap)
        self.assertEqual(after[0], {"collections": 1, "collected": found, "uncollectable": 0})
        self.assertEqual(after[1:], before[1:])
        litter(heap, 10)
        while not gc.step(0.0001, heap=heap):
            pass
        self.assertEqual(gc.get_steps(heap=heap).finished, 1)
        self.assertEqual(gc.get_stats(heap=heap)[2]["collections"], before[2]["collections"] + 1)
        for number in (1, 2):
            litter(heap, 10)
            self.assertEqual(gc.collect(number, heap=heap), 10)
        self.assertEqual(len(old), 5000)
        self.assertEqual(gc.get_count(heap=heap)[1:], (0, 0))
        gc.enable(heap=heap)

    def test_callbacks_say_which_generation(self):
        husk.collect()
        seen = []

        def callback(phase, info):
            seen.append((phase, info["generation"]))

        gc.callbacks.append(callback)
        try:
            for number in range(3):
                gc.collect(number)
        finally:
            gc.callbacks.remove(callback)
        self.assertEqual(seen, [(phase, n) for n in (0, 2, 2) for phase in ("start", "stop")])

    def test_random(self):
        """Finalizers that bring back, values of Python that lead back, weak-key maps, with a step or a young run between
        all of it: what is reachable is alive and says what it said, and in the end all is gone."""
        for seed in range(12):
            chance = random.Random(seed)
            heap = husk.Heap(f"random {seed}")
            heap.set_pacing(least_objects=500, least_bytes=0)
            heap.set_young(0 if seed % 3 == 0 else 64)
            heap.set_pause(0.00001 if seed % 2 else 0)
            faults = []
            heap.on_error = lambda *what: faults.append(what)
            roots, cache, made = {}, husk.WeakKeyMap(heap=heap), 0
            for _ in range(1500):
                what, at = chance.randrange(10), chance.randrange(40)
                if what < 4:
                    made += 1
                    roots[at] = (heap.new(chance.choice((Node, Final)), made), made)
                elif what < 7 and at in roots:
                    roots[at][0].next = roots.get(chance.randrange(40), (None, 0))[0]
                elif what == 7 and at in roots:
                    cache[roots[at][0]] = [roots[at][0]]  # a value of Python's that leads back
                elif what == 8:
                    roots.pop(at, None)
                turn = chance.randrange(6)
                if turn < 3:
                    heap.step(0.00001)
                elif turn == 3:
                    heap.collect_young()
                elif turn == 4 and chance.randrange(30) == 0:
                    heap.collect()
                if what == 9:
                    for x, number in roots.values():
                        self.assertEqual(x.value, number)
            heap.verify()
            for x, number in roots.values():
                self.assertEqual(x.value, number)
            del x
            roots.clear()
            del cache
            for _ in range(60):
                Final.back.clear()
                heap.collect()
                if heap.figures().objects == 0:
                    break
            self.assertEqual(heap.figures().objects, 0)
            self.assertEqual(faults, [])
            heap.verify()
            heap.close()


if __name__ == "__main__":
    main()
