"""Soft references and queues of the dead."""

import gc
import selectors
import weakref

import husk
from support import Case, main


class Node(husk.Record):
    value: object
    next: object

    def __finalize__(self):
        if callable(self.value):
            self.value(self)


class Soft(Case):
    def test_holds_until_it_lets_go(self):
        log = []
        s = husk.soft(self.heap.new(Node, 1), log.append)
        self.heap.collect()
        self.assertEqual((s().value, s.holding, s.state), (1, True, "alive"))
        n = s()
        self.assertEqual(husk.getweakrefs(n), [])
        self.assertEqual(husk.getweakrefcount(n), 1)
        self.assertEqual((s.let_go(), s.let_go(), s.holding, s.state), (True, False, False, "alive"))
        self.assertIs(s(), n)
        self.assertTrue(s.holding)  # again
        del n
        self.heap.collect()
        self.assertEqual((s.state, log), ("alive", []))
        self.assertTrue(s.let_go())
        self.assertEqual((s(), s.state, log), (None, "dead", [s]))
        self.assertEqual(self.heap.soft_figures(), (1, 0, 2, 0, 0, 0, 1))
        self.assertEqual(self.heap.soft_figures().by_call, 2)
        self.raises(TypeError, "an object of a heap expected", husk.soft, 5)
        self.raises(TypeError, "not a callable", husk.soft, self.heap.new(Node), 5)
        self.raises(TypeError, "", husk.soft)
        self.raises(TypeError, "without arguments", s, 1)

    def test_not_told_without_a_handle(self):
        log = []
        n = self.heap.new(Node)
        husk.soft(n, log.append)
        del n
        self.assertEqual((log, self.heap.soft_figures().references), ([], 0))

    def test_errors_of_callbacks(self):
        self.wants_unraisable = True
        s = husk.soft(self.heap.new(Node), lambda s: 1 / 0)
        s.let_go()
        self.assertEqual(self.unraisable, [(ZeroDivisionError, "division by zero")])

    def test_the_order_of_use(self):
        softs = [husk.soft(self.heap.list([i])) for i in range(10)]
        self.assertEqual(softs[0]()[0], 0)
        self.assertEqual((self.heap.yield_softs(4), self.heap.yield_softs(keep=4)), (6, 0))
        self.assertEqual([i for i in range(10) if softs[i].holding], [0, 7, 8, 9])
        self.assertEqual([i for i in range(10) if softs[i]() is not None], [0, 7, 8, 9])
        self.raises(husk.RangeError, "keep: -1 is out of range", self.heap.yield_softs, -1)
        self.raises(TypeError, "an int expected", self.heap.yield_softs, "all")
        self.assertEqual(self.heap.yield_softs(), 4)

    def test_age(self):
        self.assertEqual(self.heap.soft_policy(), {"max_age": 0, "keep": 0})
        self.assertEqual(self.heap.soft_policy(max_age=1), {"max_age": 1, "keep": 0})
        s, used = husk.soft(self.heap.list()), husk.soft(self.heap.list())
        for _ in range(3):
            self.heap.collect(python=False)
            self.assertIsNotNone(used())
        self.assertEqual((s.state, used.holding, self.heap.soft_figures().by_age), ("dead", True, 1))
        self.raises(husk.RangeError, "max_age", lambda: self.heap.soft_policy(max_age=1 << 32))
        self.raises(TypeError, "max_age", lambda: self.heap.soft_policy(max_age="old"))
        self.assertEqual(self.heap.soft_policy(keep=3), {"max_age": 1, "keep": 3})

    def test_a_cache_in_a_heap_with_a_limit(self):
        heap = husk.Heap("tight", max_bytes=4 << 20)
        cache = {i: husk.soft(heap.list(range(500))) for i in range(2000)}
        figures = heap.soft_figures()
        self.assertGreater(figures.by_limit, 1000)
        self.assertGreater(figures.holding, 50)
        self.assertIsNone(cache[0]())
        self.assertEqual(len(cache[1999]()), 500)
        heap.verify()
        heap.close()
        self.raises(husk.ClosedError, "tight", cache[0])

    def test_in_its_own_garbage(self):
        n = self.heap.new(Node)
        n.next = husk.soft(n)
        self.assertIsInstance(n.next, husk.soft)
        r = husk.ref(n)
        del n
        self.heap.collect()
        self.assertIsNone(r())
        l = self.heap.list([husk.soft(self.heap.list())])
        self.assertEqual((type(l[0]), type(l[0]())), (husk.soft, husk.List))

    def test_a_callback_that_leads_back_to_it(self):
        gone = []

        class Holder:
            def told(self, s):
                gone.append(self)

        for keep in (False, True):
            holder = Holder()
            holder.soft = husk.soft(self.heap.list(), holder.told)
            r = weakref.ref(holder)
            kept = holder.soft if keep else None
            del holder
            gc.collect()
            self.assertEqual(r() is None, not keep)
        kept.let_go()
        self.assertEqual(gone, [r()])
        gone.clear()
        del kept
        gc.collect()
        self.assertEqual((r(), self.heap.soft_figures().references), (None, 0))


class Tag:
    """A tag that leads to what it is given, and says when it goes."""

    def __init__(self, *to, end=None):
        self.to = list(to)
        self.end = end

    def __del__(self):
        if self.end:
            self.end(self)


class TagsThatLeadBack(Case):
    """A queue holds its watches, these their tags: cycles that neither collector sees alone."""

    def made(self, how):
        """A tag in a cycle of its own; nothing else has it, but for what is held."""
        n = self.heap.new(Node)
        q = husk.DeadQueue(heap=self.heap)
        tag = Tag()
        w = q.watch(n, tag)
        r = weakref.ref(tag)
        tag.to = {"queue": [q], "watch": [w], "both": [q, w], "object": [q, n], "list": [self.heap.list([q])],
                  "itself": [tag, q]}[how]
        return r, {"nothing": (), "q": q, "w": w, "n": n}

    def test_goes_with_its_queue(self):
        for how in ("queue", "watch", "both", "object", "list", "itself"):
            r, held = self.made(how)
            n = held["n"]
            held.clear()
            gc.collect()
            self.assertIsNone(r(), how)
            self.assertEqual(husk.getweakrefcount(n), 0)
            del n

    def test_goes_also_if_its_object_has_died(self):
        for how in ("queue", "watch", "both", "list"):
            r, held = self.made(how)
            del held["n"]
            self.assertEqual(len(held["q"]), 1)
            held.clear()
            self.heap.collect()
            self.assertIsNone(r(), how)

    def test_stays_while_anything_leads_to_it(self):
        for how in ("queue", "watch", "both", "object", "list", "itself"):
            for by in ("q", "w"):
                r, held = self.made(how)
                kept = held[by]
                held.clear()
                for _ in range(2):
                    gc.collect()
                    self.heap.collect()
                if by == "w":
                    self.assertIs(kept.tag, r())
                else:
                    self.assertEqual(kept.watching() + len(kept), 1)
                self.assertIsInstance(r(), Tag)
                del kept
                gc.collect()
                self.assertIsNone(r(), (how, by))

    def test_in_a_heap_that_holds_the_queue(self):
        r, held = self.made("queue")
        kept = self.heap.list([held["q"]])
        held.clear()
        gc.collect()
        self.assertEqual((len(kept[0]), kept[0].watching()), (1, 0))  # its object has died
        self.assertIsInstance(r(), Tag)
        del kept
        gc.collect()
        self.assertIsNone(r())

    def test_two_queues_and_a_record(self):
        n, q1, q2 = self.heap.new(Node), husk.DeadQueue(heap=self.heap), husk.DeadQueue(heap=self.heap)
        tags = Tag(q2), Tag(q1)
        record = self.heap.new(Node, tags[0])
        tags[1].to.append(record)
        q1.watch(n, tags[0])
        q2.watch(n, tags[1])
        r = [weakref.ref(tag) for tag in tags]
        kept = q2
        del tags, record, q1, q2
        gc.collect()
        self.assertNotIn(None, [x() for x in r])
        del kept
        gc.collect()
        self.assertEqual([x() for x in r], [None, None])

    def test_code_that_runs_while_they_end(self):
        """Wrappers called in the middle of a collection leave the bridge: what is dead stays dead, the rest is whole."""
        log, n = [], self.heap.new(Node)
        live = husk.DeadQueue(heap=self.heap)
        kept = live.watch(n, "live")

        def ended(tag):
            log.append((live.watching(), kept.tag, tag.to[0].watching(), tag.to[1].tag is tag))

        for _ in range(3):
            q = husk.DeadQueue(heap=self.heap)
            tag = Tag(q, end=ended)
            tag.to.append(q.watch(n, tag))
        del q, tag
        for _ in range(3):
            gc.collect()
        self.assertEqual(log, [(1, "live", 1, True)] * 3)
        self.assertEqual((live.watching(), kept.tag, husk.getweakrefcount(n)), (1, "live", 1))
        log.clear()

    def test_that_come_back(self):
        saved, n = [], self.heap.new(Node)
        q = husk.DeadQueue(heap=self.heap)
        tag = Tag(q, end=saved.append)
        q.watch(n, tag)
        del q, tag
        gc.collect()
        self.assertEqual(len(saved), 1)
        q = saved[0].to[0]
        self.assertEqual(q.watching(), 1)
        del n
        self.assertEqual(q.drain(), saved)
        saved.clear()


class Queues(Case):
    def test_in_the_order_of_death(self):
        q = husk.DeadQueue(heap=self.heap)
        self.assertEqual((len(q), q.poll(), q.poll(5), q.drain(), list(q)), (0, None, 5, [], []))
        a, b, c = (self.heap.new(Node, i) for i in range(3))
        tag = object()
        w = q.watch(a, tag)
        q.watch(b, "b")
        q.watch(c, None)
        self.assertEqual((q.watching(), w.alive, w.tag, w.obj), (3, True, tag, a))
        self.assertEqual(husk.getweakrefs(a), [])
        del b
        del a
        self.assertEqual((len(q), q.watching(), w.alive, w.obj, w.tag), (2, 1, False, None, tag))
        self.assertEqual((q.poll(), q.poll(), q.poll()), ("b", tag, None))
        del c
        self.assertEqual((len(q), q.poll(5), q.poll(5)), (1, None, 5))
        self.assertIsInstance(self.heap.list([q])[0], husk.DeadQueue)
        self.assertIsInstance(self.heap.list([w])[0], husk.Watch)

    def test_cycles_and_iteration(self):
        q = husk.DeadQueue(heap=self.heap)
        for i in range(20):
            n = self.heap.new(Node)
            n.next = n
            q.watch(n, i)
            w = q.watch(n, "never")
            self.assertEqual((w.detach(), w.detach()), (True, False))
        del n
        self.heap.collect()
        self.assertEqual(sorted(q), list(range(20)))
        self.assertEqual(len(q), 0)

    def test_refused(self):
        q = husk.DeadQueue(heap=self.heap)
        self.raises(TypeError, "an object of a heap expected", q.watch, 5, 1)
        self.raises(TypeError, "", q.watch, self.heap.new(Node))
        self.raises(TypeError, "Heap", lambda: husk.DeadQueue(heap=5))
        self.raises(TypeError, "cannot create", husk.Watch)
        other = husk.Heap("other")
        n = other.new(Node)
        self.raises(husk.OtherHeapError, "other", q.watch, n, 1)
        w = husk.DeadQueue(heap=other).watch(n, 1)
        del n
        other.close()
        self.raises(husk.ClosedError, "other", w.detach)

    def test_the_end_of_a_queue(self):
        q = husk.DeadQueue(heap=self.heap)
        n, tag = self.heap.new(Node), Tag()
        gone = weakref.ref(tag)
        q.watch(n, tag)
        del tag
        self.assertIsNotNone(gone())
        del q
        gc.collect()
        self.assertIsNone(gone())
        self.assertEqual(husk.getweakrefcount(n), 0)

    def test_before_callbacks(self):
        q = husk.DeadQueue(heap=self.heap)
        seen = []
        refs = []
        for i in range(5):
            n = self.heap.new(Node)
            n.next = n
            q.watch(n, i)
            refs.append(husk.ref(n, lambda r: seen.append(len(q))))
        del n
        self.heap.collect()
        self.assertEqual(seen, [5] * 5)

    def test_the_descriptor(self):
        q = husk.DeadQueue(heap=self.heap)
        with selectors.DefaultSelector() as selector:
            selector.register(q, selectors.EVENT_READ)
            n = self.heap.new(Node)
            q.watch(n, 1)
            self.assertEqual(selector.select(0), [])
            del n
            self.assertEqual(len(selector.select(0)), 1)
            self.assertEqual(q.drain(), [1])
            self.assertEqual(selector.select(0), [])


if __name__ == "__main__":
    main()
