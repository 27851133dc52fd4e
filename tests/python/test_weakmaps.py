"""Weak containers and cleanups."""

import collections.abc
import gc

import husk
from support import Case, main


class Node(husk.Record):
    value: object
    next: object

    def __finalize__(self):
        if callable(self.value):
            self.value(self)


class Containers(Case):
    def test_weak_key_map(self):
        m = husk.WeakKeyMap(heap=self.heap)
        self.assertIsInstance(m, collections.abc.MutableMapping)
        a, b = self.heap.new(Node, "a"), self.heap.new(Node, "b")
        m[a], m[b] = 1, "two"
        self.assertEqual((len(m), m[a], m.get(b), m.get(m), m.pop(b), m.pop(b, 9)), (2, 1, "two", None, "two", 9))
        self.assertIn(a, m)
        self.assertNotIn(b, m)
        self.assertNotIn(5, m)
        self.assertEqual(list(m.items()), [(a, 1)])
        self.assertEqual((list(m), list(m.keys()), list(m.values())), ([a], [a], [1]))
        m.update({b: 2})
        self.assertEqual(m.setdefault(b, 3), 2)
        del a
        self.assertEqual((len(m), dict(m)), (1, {b: 2}))
        del b
        self.assertEqual(len(m), 0)
        self.assertRegex(repr(m), "WeakKeyMap of 0")

    def test_ephemerons(self):
        m = husk.WeakKeyMap(heap=self.heap)
        for i in range(10):
            key = self.heap.new(Node)
            m[key] = self.heap.list([key])
        self.assertEqual(len(m), 10)
        del key
        self.heap.collect()
        self.assertEqual(len(m), 0)
        self.assertEqual(self.heap.figures().objects, 1)

    def test_weak_value_map(self):
        m = husk.WeakValueMap(heap=self.heap)
        a = self.heap.new(Node, "a")
        m["a"], m[1], m[a] = a, a, a
        self.assertEqual(dict(m), {"a": a, 1: a, a: a})
        self.assertEqual((m["a"], m.get(2), m.pop(1)), (a, None, a))
        self.assertEqual(sorted(map(repr, m.values())), sorted(map(repr, [a, a])))
        self.raises(husk.MissingError, "no key 'q'", m.__getitem__, "q")
        del m[a]
        del a
        self.assertEqual((len(m), list(m)), (0, []))

    def test_weak_set(self):
        s = husk.WeakSet(heap=self.heap)
        self.assertIsInstance(s, collections.abc.MutableSet)
        a, b = self.heap.new(Node), self.heap.new(Node)
        s.add(a)
        s.add(a)
        s.add(b)
        self.assertEqual((len(s), list(s)), (2, [a, b]))
        self.assertIn(a, s)
        self.assertNotIn(5, s)
        s.discard(a)
        s.discard(a)
        self.raises(KeyError, "no element", s.remove, a)
        self.raises(TypeError, "cannot create weak reference", s.remove, 5)
        self.raises(TypeError, "cannot create weak reference", s.discard, 5)
        self.assertIs(s.pop(), b)
        s.add(b)
        s.add(a)
        del a
        self.assertEqual(list(s), [b])
        s.clear()
        self.assertEqual(len(s), 0)
        self.assertEqual(list(husk.WeakSet([b], heap=self.heap)), [b])

    def test_what_dies_while_it_is_walked(self):
        s = husk.WeakSet(heap=self.heap)
        keep = [self.heap.new(Node, i) for i in range(20)]
        for n in keep:
            s.add(n)
        n = None
        seen = []
        for n in s:
            seen.append(n.value)
            keep.clear()
        self.assertEqual(seen[0], 0)
        self.assertLessEqual(len(seen), 20)
        del n
        self.assertEqual(len(s), 0)
        m = husk.WeakValueMap(heap=self.heap)
        keep = {i: self.heap.new(Node, i) for i in range(20)}
        m.update(keep)
        seen = 0
        for i, n in m.items():
            self.assertEqual(i, n.value)
            keep.pop(19 - seen, None)
            seen += 1
        self.assertEqual(seen, 10)

    def test_refused(self):
        k, v, s = husk.WeakKeyMap(), husk.WeakValueMap(), husk.WeakSet()
        for x in (5, "text", None, []):
            self.raises(TypeError, "cannot create weak reference", k.__setitem__, x, 1)
            self.raises(TypeError, "cannot create weak reference", v.__setitem__, 1, x)
            self.raises(TypeError, "cannot create weak reference", s.add, x)
        other = self.heap.new(Node)
        self.raises(husk.OtherHeapError, "", k.__setitem__, other, 1)
        self.raises(husk.OtherHeapError, "", v.__setitem__, 1, other)
        self.raises(husk.OtherHeapError, "", s.add, other)
        self.assertNotIn(other, k)
        self.assertNotIn(other, s)
        self.raises(TypeError, "keys are", v.__setitem__, (), Node())
        self.raises(TypeError, "1 or 2", k.get)
        self.raises(TypeError, "", husk.WeakSet, 5)
        self.raises(TypeError, "", husk.WeakSet, colour=5)
        heap = husk.Heap("short")
        n = heap.new(Node)
        all = husk.WeakKeyMap({n: 1}, heap=heap), husk.WeakValueMap({1: n}, heap=heap), husk.WeakSet([n], heap=heap)
        walks = [iter(x) for x in all]
        heap.close()
        for x in all:
            for call in (len, list, lambda x: n in x, lambda x: x.clear()):
                self.raises(husk.ClosedError, "short", call, x)
        for x in walks:
            self.raises(husk.ClosedError, "short", next, x)

    def test_stored(self):
        m = husk.WeakKeyMap(heap=self.heap)
        l = self.heap.list([m])
        n = self.heap.new(Node)
        m[n] = 5
        del m
        self.assertEqual(l[0][n], 5)
        self.assertIsInstance(l[0], husk.WeakKeyMap)
        self.assertEqual(self.heap.objects(husk.WeakKeyMap), [l[0]])


class Cleanups(Case):
    def test_at_death(self):
        log = []
        n = self.heap.new(Node)
        c = husk.Cleanup(n, lambda: log.append(1))
        husk.Cleanup(n, lambda: log.append(2))  # nobody keeps it
        self.assertEqual((c.alive, c.obj, self.heap.cleanups()), (True, n, 2))
        self.assertEqual(husk.getweakrefs(n), [])
        del n
        self.assertEqual(log, [2, 1])
        self.assertEqual((c.alive, c.obj, c.callback, c.run(), c.detach(), self.heap.cleanups()),
                         (False, None, None, False, False, 0))

    def test_run_and_detach(self):
        log = []
        n = self.heap.new(Node)
        c, d = husk.Cleanup(n, lambda: log.append(1)), husk.Cleanup(n, lambda: log.append(2))
        self.assertTrue(callable(c.callback))
        self.assertEqual((c.run(), c.run(), d.detach(), d.detach(), log), (True, False, True, False, [1]))
        self.assertEqual((d.alive, d.obj, d.callback), (False, None, None))
        del n
        self.assertEqual(log, [1])

    def test_errors(self):
        self.wants_unraisable = True
        log = []
        n = self.heap.new(Node)
        husk.Cleanup(n, lambda: log.append(1))
        husk.Cleanup(n, lambda: 1 / 0)
        del n
        self.assertEqual((log, self.unraisable), ([1], [(ZeroDivisionError, "division by zero")]))
        self.raises(TypeError, "a callable expected", husk.Cleanup, self.heap.new(Node), 5)
        self.raises(TypeError, "an object of a heap expected", husk.Cleanup, 5, print)
        self.raises(TypeError, "", husk.Cleanup)

    def test_at_exit(self):
        log = []
        heap = husk.Heap("short")
        n = heap.new(Node, 5)
        c = husk.Cleanup(n, lambda: log.append(("c", n.value)))
        d = husk.Cleanup(n, lambda: log.append("d"), at_exit=False)
        e = husk.Cleanup(n, lambda: log.append("e"))
        self.assertEqual((c.at_exit, d.at_exit), (True, False))
        d.at_exit = True
        d.at_exit = False
        heap.close()
        self.assertEqual(log, ["e", ("c", 5)])  # the newest first, while the objects are alive
        self.assertFalse(d.alive)
        self.raises(husk.ClosedError, "short", e.run)
        m = self.heap.new(Node)
        husk.Cleanup(m, lambda: log.append("run"))
        self.assertEqual((self.heap.run_cleanups(), log[-1]), (1, "run"))

    def test_it_holds_nothing_afterwards(self):
        class Plain:
            pass

        import weakref
        for way in ("run", "detach"):
            p = Plain()
            p.cleanup = husk.Cleanup(self.heap.new(Node) if way == "run" else self.heap.list(), lambda p=p: None)
            getattr(p.cleanup, way)()
            gone = weakref.ref(p)
            del p
            gc.collect()
            self.assertIsNone(gone())


if __name__ == "__main__":
    main()
