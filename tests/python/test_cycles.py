"""Cycles that run through Python objects and objects of heaps.

The random part: graphs of Python objects, records, lists, maps and weak-key maps in two heaps, with roots on both
sides, against reachability: after a collection exactly what can be reached is alive, on both sides. A second kind has
finalizers, of Python and of Husk, that read through handles and bring things back; then nothing that is reachable may
be lost, every finalizer sees its object whole, and when all roots are gone nothing may be left.
"""

import gc
import os
import random
import sys
import time
import weakref

import husk
from support import SMALL, Case, main

SEEDS = int(os.environ.get("HUSK_TEST_SEEDS", 300 if SMALL else 10000))


class Plain:
    """An object of Python with references."""


class Node(husk.Record):
    a: object
    b: object
    c: object


class Mixed(Case):
    def collect(self):
        return self.heap.collect()

    def gone(self, *objects):
        return all(r() is None for r in objects)

    def test_two(self):
        p, n = Plain(), self.heap.new(Node)
        p.node, n.a = n, p
        refs = weakref.ref(p), husk.ref(n)
        del p, n
        self.assertFalse(self.gone(*refs))
        self.collect()
        self.assertTrue(self.gone(*refs))
        self.assertEqual(self.heap.figures().objects, 1)  # a weak reference

    def test_what_stood_for_paths_is_kept_and_dropped_by_a_program(self):
        def on_collection(phase, info):
            if phase == "start" and info["generation"] == 2:
                kept.extend(x for x in gc.get_objects() if type(x).__name__ == "relay" and keep)
                if not keep:
                    kept.clear()

        class Ends(husk.Record):
            value: object

            def __finalize__(self):
                pass

        kept, keep = [], True
        records = [self.heap.new(Ends, [i]) for i in range(2000)]
        gc.callbacks.append(on_collection)
        try:
            gc.collect()
            self.assertGreaterEqual(len(kept), 2000)
            del records[1:]
            keep = False
            gc.collect()  # in the midst of it they go
        finally:
            gc.callbacks.remove(on_collection)
        self.assertEqual(kept, [])
        self.assertEqual(records[0].value, [0])
        self.collect()

    def test_live_from_python(self):
        p, n = Plain(), self.heap.new(Node, b=[1, 2])
        p.node, n.a = n, p
        del n
        self.collect()
        self.assertIs(p.node.a, p)
        self.assertEqual(p.node.b, [1, 2])
        p.node.a = None

    def test_live_from_the_heap(self):
        root, p = self.heap.list(), Plain()
        husk.make_immortal(root)
        n = self.heap.new(Node, p)
        p.node = n
        root.append(n)
        gone = weakref.ref(p)
        del p, n, root
        self.collect()
        self.assertIsNotNone(gone())
        self.assertIs(gone().node.a, gone())

    def test_closures_and_containers(self):
        n = self.heap.new(Node)
        l = self.heap.list([{"self": n}, (n, [n])])
        m = self.heap.map(a=lambda: (l, n))
        n.a, n.b = l, m
        gone = husk.ref(n)
        del n, l, m
        self.collect()
        self.assertTrue(self.gone(gone))

    def test_python_collector_finds_them_by_itself(self):
        p, n = Plain(), self.heap.new(Node)
        p.node, n.a = n, p
        refs = weakref.ref(p), husk.ref(n)
        del p, n
        gc.collect(1)
        self.assertFalse(self.gone(*refs))  # only the oldest generation looks at heaps
        gc.collect()
        self.assertTrue(self.gone(*refs))

    def test_without_the_hook(self):
        callbacks = gc.callbacks[:]
        gc.callbacks.clear()
        try:
            p, n = Plain(), self.heap.new(Node)
            p.node, n.a = n, p
            refs = weakref.ref(p), husk.ref(n)
            del p, n
            self.collect()
            self.assertTrue(self.gone(*refs))
        finally:
            gc.callbacks[:] = callbacks

    def test_two_heaps(self):
        with husk.Heap("other") as other:
            p, q, n, o = Plain(), Plain(), self.heap.new(Node), other.new(Node)
            p.node, n.a, q.node, o.a = n, q, o, p
            refs = weakref.ref(p), weakref.ref(q), husk.ref(n), husk.ref(o)
            del p, q, n, o
            self.collect()
            self.assertTrue(self.gone(*refs))

    def test_through_an_ephemeron(self):
        m = husk.WeakKeyMap(heap=self.heap)
        key = self.heap.new(Node)
        p = Plain()
        p.key = key
        m[key] = p
        gone = weakref.ref(p)
        del key, p
        self.collect()
        self.assertIsNone(gone())
        self.assertEqual(len(m), 0)

    def test_only_handles_of_husk(self):
        """Without a single value of Python in a heap nothing is entered."""
        n = self.heap.new(Node)
        n.a = n
        del n
        self.assertEqual(self.collect().collected, 1)

    def test_a_chain_of_many(self):
        count = 2000 if SMALL else 100000
        first = last = self.heap.new(Node)
        for _ in range(count):
            p = Plain()
            p.node = self.heap.new(Node)
            last.a = p
            last = p.node
        last.a = [first]
        gone = husk.ref(first)
        self.collect()
        self.assertIsNotNone(gone())
        self.assertEqual(self.heap.census()["Node"], count + 1)
        del first, last, p
        self.collect()
        self.assertTrue(self.gone(gone))
        self.assertEqual(self.heap.figures().objects, 1)

    def test_a_finalizer_sees_its_values(self):
        log = []

        class Closing(husk.Record):
            data: object
            owner: object

            def __finalize__(self):
                log.append((self.data["name"], self.owner.record is self, husk.is_finalized(self)))

        p = Plain()
        p.record = self.heap.new(Closing, {"name": "x"}, p)
        gone = weakref.ref(p), husk.ref(p.record)
        del p
        self.collect()
        self.assertEqual(log, [("x", True, True)])
        self.assertTrue(self.gone(*gone))
        self.assertEqual(self.heap.figures().objects, 1)  # a weak reference
        p = Plain()
        p.record = self.heap.new(Closing, {"name": "y"}, p)
        del p
        for _ in range(3):  # the same, by Python's collector alone
            gc.collect()
        self.assertEqual(log[1:], [("y", True, True)])
        self.assertEqual(self.heap.figures().objects, 1)

    def test_a_finalizer_in_garbage_that_only_the_heap_knows(self):
        """It leads to a dead cycle through Python, and its heap is not the one that is collected first."""
        seen = []

        class Last(husk.Record):
            to: object
            me: object
            own: object

            def __finalize__(self):
                seen.append(self.to.a)

        p = Plain()
        p.node = self.heap.new(Node, p)
        last = self.heap.new(Last, p.node, own=[1])
        last.me = last
        gone = weakref.ref(p)
        del last, p
        with husk.Heap("other") as other:
            other.collect()
        self.assertEqual([type(x) for x in seen], [Plain])
        seen.clear()
        self.collect()
        self.assertIsNone(gone())

    def test_a_finalizer_that_brings_it_back(self):
        kept = []

        class Phoenix(husk.Record):
            owner: object

            def __finalize__(self):
                kept.append(self)

        p = Plain()
        p.record = self.heap.new(Phoenix, p)
        gone = weakref.ref(p)
        del p
        self.collect()
        self.assertEqual(len(kept), 1)
        self.assertIs(kept[0].owner.record, kept[0])
        self.assertTrue(husk.is_finalized(kept[0]))
        self.collect()
        self.assertEqual(len(kept), 1)
        kept.clear()
        self.collect()
        self.assertEqual(len(kept), 0)  # a finalizer runs once
        self.assertEqual(self.heap.figures().objects, 0)
        self.assertIsNone(gone())

    def test_used_while_python_collects(self):
        """What a __del__ or a callback does with a heap ends bridged mode first."""
        heap, log = self.heap, []

        class Reading:
            def __del__(self):
                log.append((self.node.a is self, self.node.b, len(heap.objects()), self.other.a["k"]))
                heap.list([self.node, 5])

        for _ in range(3):
            p = Reading()
            p.node, p.other = heap.new(Node, p, "text"), heap.new(Node, {"k": 1})
            p.node.c = p.other
            gone = husk.ref(p.node)
            del p
            self.collect()
            self.assertTrue(self.gone(gone))
        self.assertEqual([(a, b, d) for a, b, _, d in log], [(True, "text", 1)] * 3)

    def test_values_of_live_objects_are_never_lost(self):
        """A handle that ends while Python collects leads to values that others still need."""
        heap = self.heap
        shared = heap.new(Node, {"v": 1})

        class Dropping:
            def __del__(self):
                del self.node

        p = Dropping()
        p.node, p.me = heap.new(Node, p, shared), p
        del p
        self.collect()
        self.assertEqual(shared.a, {"v": 1})

    def test_closed_while_python_collects(self):
        heap = husk.Heap("short")

        class Closing:
            def __del__(self):
                heap.close()

        p = Closing()
        p.node = heap.new(Node, p)
        del p
        self.collect()
        self.assertTrue(heap.closed)


class World:
    """One random graph, and what must become of it."""

    def __init__(self, seed, heaps, lively=False):
        self.source = source = random.Random(seed)
        self.objects, self.edges, self.lively = [], [], lively
        for _ in range(source.randint(2, 12)):
            self.objects.append(self.make(source, source.choice(heaps)))
        count = len(self.objects)
        for _ in range(source.randint(1, 2 * count)):
            self.link(source.randrange(count), source.randrange(count))
        self.roots = [i for i in range(count) if source.random() < 0.15]
        self.held = [i for i in range(count) if not self.is_plain(i) and source.random() < 0.08]

    def make(self, source, heap):
        kind = source.randrange(8)
        if kind < 3:
            return (Loud if self.lively and source.random() < 0.4 else Plain)()
        if kind < 6:
            return heap.new(Finalized if self.lively and source.random() < 0.4 else Node)
        return heap.list() if kind == 6 else heap.map()

    def is_plain(self, i):
        return isinstance(self.objects[i], Plain)

    def link(self, i, k):
        x, y = self.objects[i], self.objects[k]
        if isinstance(x, Plain):
            x.__dict__.setdefault("refs", []).append(y)
        else:
            if not isinstance(y, Plain) and husk.heap_of(x) is not husk.heap_of(y):
                y = [y]  # from heap to heap: by way of Python
            if isinstance(x, husk.List):
                x.append(y)
            elif isinstance(x, husk.Map):
                x[len(x)] = y
            else:
                field = self.source.choice("abc")
                if getattr(x, field) is not None:
                    return
                setattr(x, field, y)
                if isinstance(x, Finalized):
                    x.told += 1
        self.edges.append((i, k))

    def reachable(self, roots):
        seen, todo = set(), list(roots)
        while todo:
            i = todo.pop()
            if i not in seen:
                seen.add(i)
                todo.extend(k for a, k in self.edges if a == i)
        return seen

    def let_go(self, anchors):
        """Keeps weak references; gives the strong ones of the roots."""
        for i in self.held:
            anchors[husk.heap_of(self.objects[i])].append(self.objects[i])
        self.weak = [weakref.ref(x) if isinstance(x, Plain) else husk.ref(x) for x in self.objects]
        strong = {i: self.objects[i] for i in self.roots}
        del self.objects
        return strong


back = []  # what finalizers brought back
problems = []


class Loud(Plain):
    def __del__(self):
        look(self, "__del__")


class Finalized(Node):
    told: int = 0  # how many fields have been set

    def __finalize__(self):
        if len(values(self)) != self.told:
            problems.append("a finalizer saw %d of %d values" % (len(values(self)), self.told))
        look(self, "__finalize__")


def values(x):
    """What x refers to, without the empty."""
    if isinstance(x, Plain):
        return list(x.__dict__.get("refs", ()))
    if isinstance(x, Node):
        return [v for v in (x.a, x.b, x.c) if v is not None]
    return list(x.values() if isinstance(x, husk.Map) else x)


def type_or_none(x):
    return x if x is None else type(x)


def look(x, where="a reader"):
    """Reads all that x refers to, two steps deep, and sometimes brings something back."""
    refs = values(x)
    for y in refs[:]:
        refs.extend(values(y))
    if None in map(type_or_none, refs):
        problems.append("%s of a %s: a value is lost" % (where, type(x).__name__))
        return
    if refs and random.random() < 0.2:
        back.append(random.choice(refs))
    if random.random() < 0.1:
        back.append(x)


class Random(Case):
    def setUp(self):
        super().setUp()
        self.heaps = [self.heap, husk.Heap("second")]
        self.anchors = {heap: heap.list() for heap in self.heaps}
        for anchor in self.anchors.values():
            husk.make_immortal(anchor)
        gc.collect()
        gc.freeze()  # the collections below look at the graphs alone
        gc.disable()

    def tearDown(self):
        gc.enable()
        gc.unfreeze()
        self.anchors = None
        self.heaps.pop().close()
        super().tearDown()

    def collect(self):
        """What only one heap holds is that one's to find; the rest, any of them finds."""
        for heap in self.heaps:
            heap.collect()

    def clean(self):
        """Everything is let go, and nothing may be left."""
        for anchor in self.anchors.values():
            anchor.clear()
        self.collect()
        for heap in self.heaps:
            self.assertEqual(heap.figures().objects, 1)

    def test_exact(self):
        for seed in range(SEEDS):
            world = World(seed, self.heaps)
            strong = world.let_go(self.anchors)
            self.collect()
            wanted = world.reachable(world.roots + world.held)
            alive = {i for i, r in enumerate(world.weak) if r() is not None}
            self.assertEqual(alive, wanted, "seed %d" % seed)
            world.weak.clear()
            strong.clear()
            if seed % 16 == 0:
                self.clean()
                for heap in self.heaps:
                    heap.verify()
            else:
                for anchor in self.anchors.values():
                    anchor.clear()

    def test_finalizers(self):
        problems.clear()
        for seed in range(SEEDS):
            random.seed(seed)
            world = World(seed, self.heaps, lively=True)
            strong = world.let_go(self.anchors)
            self.collect()
            wanted = world.reachable(world.roots + world.held)
            lost = {i for i in wanted if world.weak[i]() is None}
            self.assertEqual(lost, set(), "seed %d" % seed)
            for x in strong.values():  # all that is reachable is whole
                look(x)
            for x in list(back):
                look(x)
            self.assertEqual(problems, [], "seed %d" % seed)
            world.weak.clear()
            x = None
            strong.clear()
            while True:
                back.clear()
                for anchor in self.anchors.values():
                    anchor.clear()
                self.collect()
                self.assertEqual(problems, [], "seed %d" % seed)
                if not back:
                    break
            if seed % 16 == 0:
                self.clean()
                for heap in self.heaps:
                    heap.verify()


if __name__ == "__main__":
    main()
