"""husk.ref: weak references to objects of a heap."""

import gc

import husk
from husk import weakref
from support import Case, main


class Node(husk.Record):
    value: object
    next: object

    def __finalize__(self):
        if callable(self.value):
            self.value(self)


class Weak(Case):
    def test_ref(self):
        n = self.heap.new(Node, 1)
        r = husk.ref(n)
        self.assertIs(r(), n)
        self.assertIs(husk.ref(n), r)
        self.assertIs(husk.ref(n, None), r)
        self.assertEqual(r.state, "alive")
        self.assertIsNone(r.__callback__)
        self.assertEqual(husk.getweakrefcount(n), 1)
        self.assertEqual(husk.getrefcount(n), 1)
        hash(r)
        del n
        self.assertIsNone(r())
        self.assertEqual(r.state, "dead")
        self.assertIn("dead", repr(r))

    def test_it_is_not_the_handle_that_is_referred_to(self):
        keeper = self.heap.list([self.heap.new(Node, 1)])
        r = husk.ref(keeper[0])  # the handle ends here
        self.assertEqual(r().value, 1)
        keeper.clear()
        self.assertIsNone(r())

    def test_callback(self):
        gone = []
        n = self.heap.new(Node, 1)
        r = husk.ref(n, gone.append)
        self.assertEqual(r.__callback__, gone.append)
        self.assertIsNot(husk.ref(n, gone.append), r)
        self.assertEqual(husk.getweakrefcount(n), 1)
        newest = husk.ref(n, lambda r: gone.append("newest"))
        dropped = husk.ref(n, lambda r: gone.append("dropped"))
        del dropped, n
        self.assertEqual(gone, ["newest", r])
        self.assertIsNone(r.__callback__)
        self.assertIsNone(newest())

    def test_callbacks_of_a_pass(self):
        gone = []
        a, b = self.heap.new(Node), self.heap.new(Node)
        a.next, b.next = b, a
        ra = husk.ref(a, lambda r: gone.append((r(), rb())))
        rb = husk.ref(b, lambda r: gone.append((r(), ra())))
        del a, b
        self.assertEqual(self.heap.collect().weak_cleared, 2)
        self.assertEqual(gone, [(None, None)] * 2)

    def test_errors_of_callbacks(self):
        self.wants_unraisable = True
        seen = []
        n = self.heap.new(Node)
        r = husk.ref(n, seen.append), husk.ref(n, lambda r: 1 / 0), husk.ref(n, seen.append)
        del n
        self.assertEqual(seen, [r[2], r[0]])
        self.assertEqual(self.unraisable, [(ZeroDivisionError, "division by zero")])

    def test_equality_and_hash(self):
        a, b = self.heap.new(Node), self.heap.new(Node)
        r, s, t = husk.ref(a), husk.ref(a, print), husk.ref(b)
        self.assertEqual(r, s)
        self.assertNotEqual(r, t)
        self.assertEqual(hash(r), hash(s))
        never = husk.ref(a, print)
        del a
        self.assertEqual(hash(r), hash(s))
        self.assertNotEqual(r, s)
        self.assertEqual(r, r)
        self.assertFalse(r != r)
        self.raises(TypeError, "weak object has gone away", hash, never)
        self.assertNotEqual(r, 5)
        with self.assertRaises(TypeError):
            r < s

    def test_condemned(self):
        states = []
        n = self.heap.new(Node)
        r = husk.ref(n)
        keep = []
        n.value = lambda self: (states.append((r(), r.state)), keep.append(self))
        del n
        self.assertEqual(states, [(None, "dying")])
        self.assertIs(r(), keep[0])
        self.assertEqual(r.state, "alive")
        keep[0].value = None
        keep.clear()
        self.assertIsNone(r())

    def test_stored(self):
        n = self.heap.new(Node)
        l = self.heap.list()
        r, s = husk.ref(n), husk.ref(n, print)
        l.extend([r, s])
        self.assertIs(l[0], r)
        self.assertIs(l[1], s)
        self.assertEqual(self.heap.census()["weak reference"], 2)
        del r, s
        self.assertIs(l[0](), n)
        self.assertIs(l[0], husk.ref(n))
        self.assertIs(l[1](), n)

    def test_derived(self):
        class Keyed(husk.ref):
            def __new__(cls, obj, callback, key):
                self = super().__new__(cls, obj, callback)
                self.key = key
                return self

            def __init__(self, obj, callback, key):
                super().__init__(obj, callback)

        gone = []
        n = self.heap.new(Node)
        k = Keyed(n, lambda r: gone.append(r.key), "k")
        plain = Keyed(n, None, "p")
        self.assertIsNot(plain, husk.ref(n))
        self.assertIs(k(), n)
        l = self.heap.list([k])
        del k
        gc.collect()
        self.assertEqual(l[0].key, "k")
        self.assertEqual(set(husk.getweakrefs(n)), {l[0], plain, husk.ref(n)})
        del n
        self.assertEqual(gone, ["k"])

    def test_a_cycle_through_the_callback_is_collected(self):
        class Plain:
            pass

        n = self.heap.new(Node)
        p = Plain()
        p.ref = husk.ref(n, lambda r: p)
        count = husk.getweakrefcount(n)
        self.assertEqual(count, 1)
        del p
        gc.collect()
        self.assertEqual(husk.getweakrefcount(n), 0)

    def test_refused(self):
        self.raises(TypeError, "cannot create weak reference to 'int' object", husk.ref, 5)
        self.raises(TypeError, "not a callable", husk.ref, self.heap.new(Node), 5)
        self.raises(TypeError, "", husk.ref)
        self.raises(TypeError, "without arguments", husk.ref(self.heap.new(Node)), 5)
        self.raises(TypeError, "keyword", husk.ref, self.heap.new(Node), callback=print)

    def test_a_ref_that_is_ending_is_not_called(self):
        class Keeper(husk.ref):
            pass

        gone = []
        n = self.heap.new(Node, 1)
        r = Keeper(n, gone.append)
        r.target = n
        del n
        del r  # its attribute goes first, and with it the object
        self.assertEqual(gone, [])

        held = weakref.WeakValueDictionary()
        n = self.heap.new(Node, 2)
        plain = husk.ref(n)
        held[n] = n
        del n
        held.clear()
        self.assertIsNone(plain())

    def test_a_ref_that_is_ending_is_not_found(self):
        class Keeper(husk.ref):
            pass

        class Asks:
            def __del__(self):
                found.append(len(husk.getweakrefs(n)))
                found.append(len(heap.objects(husk.ref)))

        found, heap = [], self.heap
        n = heap.new(Node, 1)
        r = Keeper(n)
        r.asks = Asks()
        del r
        self.assertEqual(found, [0, 0])
        self.assertEqual(husk.getweakrefs(n), [])

    def test_a_ref_that_was_dropped_before_its_turn_is_not_found(self):
        def first(r):
            others.clear()
            found.extend(self.heap.objects(husk.ref))

        gone, found, others = [], [], []
        n = self.heap.new(Node, 1)
        others.append(husk.ref(n, gone.append))
        r = husk.ref(n, first)  # the newest is the first
        del n
        self.assertEqual((gone, found), ([], [r]))

    def test_a_list_of_objects_keeps_the_refs_it_has(self):
        gone, rubbish = [], []
        n, many = self.heap.new(Node, 0), self.heap.list()
        for i in range(3000):
            many.append(self.heap.new(Node, i))
        rubbish.append(husk.ref(n, lambda r, kept=rubbish: gone.append(r)))
        rubbish.append(rubbish)
        del rubbish
        before = gc.get_threshold()
        gc.set_threshold(10, 1000, 1000)  # so that it runs while handles are made
        try:
            found = self.heap.objects()
        finally:
            gc.set_threshold(*before)
        refs = [x for x in found if isinstance(x, husk.ref)]
        self.assertEqual([x.__callback__ is not None for x in refs], [True] * len(refs))
        del found, n
        self.assertEqual(gone, refs)

    def test_closed(self):
        heap = husk.Heap("short")
        gone = []
        n, m = heap.new(Node), heap.new(Node)
        m.next = m
        r = husk.ref(n, lambda r: gone.append(r()))
        s = husk.ref(m, lambda r: gone.append(r()))
        del m
        heap.close()
        self.assertEqual(gone, [None, None])  # the handle ended, then the cycle
        self.raises(husk.ClosedError, "short", s)
        self.assertIn("its heap is closed", repr(r))
        self.raises(husk.ClosedError, "short", r)


if __name__ == "__main__":
    main()
