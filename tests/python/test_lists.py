"""Lists against list: every operation of the protocol gives the same."""

import collections.abc
import random

import husk
from support import SMALL, Case, main


class Cell(husk.Record):
    value: object


class Lists(Case):
    def test_protocol(self):
        self.assertIsInstance(husk.List(), collections.abc.MutableSequence)
        l = husk.List("abc")
        self.assertEqual(len(l), 3)
        self.assertEqual(list(l), ["a", "b", "c"])
        self.assertEqual(list(reversed(l)), ["c", "b", "a"])
        self.assertIn("b", l)
        self.assertNotIn("z", l)
        self.assertEqual((l.index("b"), l.count("b"), l.pop(), l.pop(0)), (1, 1, "c", "a"))
        l.extend(l)
        l += ["x"]
        l.remove("b")
        l.reverse()
        self.assertEqual(list(l), ["x", "b"])
        self.assertTrue(l)
        l.clear()
        self.assertFalse(l)
        self.assertEqual(list(husk.List(heap=self.heap)), [])
        self.assertIs(husk.heap_of(husk.List([1], heap=self.heap)), self.heap)
        first, *rest = husk.List([1, 2, 3])
        self.assertEqual((first, rest), (1, [2, 3]))
        match husk.List([1, 2]):
            case [a, b]:
                self.assertEqual((a, b), (1, 2))

    def test_slices_are_lists(self):
        l = self.heap.list(range(5))
        part = l[1:3]
        self.assertIsInstance(part, husk.List)
        self.assertIs(husk.heap_of(part), self.heap)
        self.assertIsNot(l[:], l)

    def test_like_list(self):
        source = random.Random(7)
        for _ in range(40 if SMALL else 400):
            mine, theirs = self.heap.list(), []
            for step in range(25):
                self.change(source, mine, theirs)
                self.assertEqual(list(mine), theirs)
                self.assertEqual(len(mine), len(theirs))

    def change(self, source, mine, theirs):
        def number():
            return source.randint(-9, 9)

        def part():
            return slice(*(source.choice((None, number())) for _ in range(2)),
                         source.choice((None, None, 1, 2, 3, -1, -2)))

        kind = source.randrange(9)
        if kind == 0:
            call = lambda l, x=number(): l.append(x)
        elif kind == 1:
            call = lambda l, i=number(), x=object(): l.insert(i, x)
        elif kind == 2:
            call = lambda l, i=number(), x=str(number()): l.__setitem__(i, x)
        elif kind == 3:
            call = lambda l, i=number(): l.__delitem__(i)
        elif kind == 4:
            call = lambda l, s=part(), n=[number() for _ in range(source.randrange(6))]: l.__setitem__(s, n)
        elif kind == 5:
            call = lambda l, s=part(): l.__delitem__(s)
        elif kind == 6:
            call = lambda l, s=part(): list(l[s])
        elif kind == 7:
            call = lambda l, n=[number()] * 3: l.extend(iter(n))
        else:
            call = lambda l, i=number(): l[i]
        self.assertEqual(self.outcome(call, mine), self.outcome(call, theirs))

    @staticmethod
    def outcome(call, l):
        try:
            return call(l)
        except (IndexError, ValueError) as error:
            return IndexError if isinstance(error, IndexError) else ValueError

    def test_references_are_counted(self):
        cells = [self.heap.new(Cell, i) for i in range(6)]
        l = self.heap.list(cells)
        self.assertEqual([husk.refcount(c) for c in cells], [1] * 6)
        l[1:4] = [cells[0], cells[5]]
        self.assertEqual([husk.refcount(c) for c in cells], [2, 0, 0, 0, 1, 2])
        del l[::2]
        self.assertEqual([husk.refcount(c) for c in cells], [1, 0, 0, 0, 1, 0])
        l[:] = cells
        l[::2] = cells[1::2]
        self.assertEqual([husk.refcount(c) for c in cells], [0, 2, 0, 2, 0, 2])
        del l
        self.assertEqual([husk.refcount(c) for c in cells], [0] * 6)

    def test_hooks_see_a_whole_list(self):
        seen = []

        class Loud(husk.Record):
            owner: object

            def __finalize__(self):
                seen.append(len(self.owner))
                self.owner.append("late")

        l = self.heap.list()
        l.extend(self.heap.new(Loud, l) for _ in range(4))
        l[1:3] = []
        self.assertEqual(seen, [2, 3])
        self.assertEqual(len(l), 4)
        del l[:]
        self.assertEqual(len(l), 2)  # of the two that died in it
        l.clear()

    def test_errors(self):
        l = self.heap.list([1])
        self.raises(husk.RangeError, "list index 1 is out of range: the list has 1 item", l.__getitem__, 1)
        self.raises(IndexError, "-2", l.__getitem__, -2)
        self.raises(IndexError, "5", l.__setitem__, 5, 0)
        self.raises(IndexError, "", l.__getitem__, 10**30)
        self.raises(TypeError, "ints or slices, not str", l.__getitem__, "0")
        self.raises(TypeError, "not float", l.__setitem__, 1.0, 0)
        self.raises(TypeError, "iterable", l.__setitem__, slice(0, 1), 5)
        self.raises(ValueError, "extended slice", l.__setitem__, slice(None, None, 2), [1, 2])
        self.raises(TypeError, "", l.insert, 1)
        self.raises(TypeError, "", l.insert, "x", 1)
        self.raises(TypeError, "iterable", husk.List, 5)
        self.raises(TypeError, "", husk.List, [], [])
        self.raises(TypeError, "a Heap expected, got int", husk.List, heap=5)
        self.raises(ValueError, "", l.remove, 9)
        self.raises(IndexError, "", self.heap.list().pop)
        self.raises(AttributeError, "colour", setattr, l, "colour", 1)
        self.assertEqual(list(l), [1])

    def test_an_item_that_raises_leaves_what_was_there(self):
        l = self.heap.list([1, 2])
        self.raises(UnicodeEncodeError, "", l.__setitem__, slice(0, 1), ["ok", "\ud800"])
        self.raises(husk.OtherHeapError, "", l.__setitem__, slice(0, 1), [Cell(1)])

        def broken():
            yield 1
            raise LookupError("no more")

        self.raises(LookupError, "no more", l.__setitem__, slice(0, 1), broken())
        self.assertEqual(list(l), [1, 2])
        self.raises(LookupError, "no more", l.extend, broken())
        self.assertEqual(list(l), [1, 2, 1])

    def test_changed_while_it_is_searched(self):
        l = self.heap.list()

        class Evil:
            def __eq__(self, other):
                l.clear()
                return False

        l.extend([1, 2, 3])
        self.assertNotIn(Evil(), l)
        self.assertEqual(len(l), 0)

        class Closing:
            def __eq__(self, other):
                heap.close()
                return False

        heap = husk.Heap("short")
        short = heap.list([1, 2])
        self.raises(husk.ClosedError, "heap 'short' is closed", lambda: Closing() in short)

    def test_iterators(self):
        l = self.heap.list([1, 2])
        it = iter(l)
        self.assertEqual(next(it), 1)
        l.append(3)
        self.assertEqual(list(it), [2, 3])
        l.append(4)
        self.assertEqual(list(it), [])  # one that has ended stays so
        heap = husk.Heap("short")
        it = iter(heap.list([1, 2]))
        next(it)
        heap.close()
        self.raises(husk.ClosedError, "heap 'short' is closed", next, it)

    def test_index_that_closes_the_heap(self):
        heap = husk.Heap("short")
        l = heap.list([1, 2])

        class Closing:
            def __index__(self):
                heap.close()
                return 0

        self.raises(husk.ClosedError, "short", l.__getitem__, Closing())
        self.raises(husk.ClosedError, "short", l.__setitem__, slice(Closing(), None), [1])


if __name__ == "__main__":
    main()
