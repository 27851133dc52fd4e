"""Values: what a slot holds, natively or in a box, and comes back as."""

import enum
import math
import sys

import husk
from support import Case, main


class Cell(husk.Record):
    value: object


class Colour(enum.IntEnum):
    RED = 1


class Values(Case):
    def round_trip(self, x):
        cell = self.heap.new(Cell, x)
        return cell.value

    def boxes(self):
        return self.heap.census().get("box", 0)

    def test_plain(self):
        for x in (None, True, False, 0, 1, -1, 2**63 - 1, -(2**63), 0.5, -0.0, math.inf, "", "x", "ä€😀", "a\0b"):
            y = self.round_trip(x)
            self.assertEqual(y, x)
            self.assertIs(type(y), type(x))
            self.assertEqual(self.boxes(), 0)
        self.assertTrue(math.isnan(self.round_trip(math.nan)))
        self.assertEqual(math.copysign(1, self.round_trip(-0.0)), -1)

    def test_boxes_give_the_same_object(self):
        for x in ([], {}, (1,), b"bytes", 2**63, -(2**63) - 1, 10**100, Colour.RED, object(), int, print, self,
                  type("S", (str,), {})("s"), 1j, self.heap, Cell, NotImplemented, ...):
            self.assertIs(self.round_trip(x), x)

    def test_a_box_keeps_its_value_exactly_as_long_as_it_lives(self):
        x = [1]
        before = sys.getrefcount(x)
        cell = self.heap.new(Cell, x)
        self.assertEqual(sys.getrefcount(x), before + 1)
        other = self.heap.new(Cell, x)
        self.assertEqual(sys.getrefcount(x), before + 2)
        cell.value = 1
        self.assertEqual(sys.getrefcount(x), before + 1)
        del other
        self.assertEqual(sys.getrefcount(x), before)
        husk.collect()

    def test_boxes_end_with_the_heap(self):
        x = object()
        before = sys.getrefcount(x)
        heap = husk.Heap("short")
        kept = heap.list([x, x, x])
        self.assertEqual(sys.getrefcount(x), before + 3)
        heap.close()
        self.assertEqual(sys.getrefcount(x), before)
        self.assertFalse(husk.is_alive(kept))

    def test_a_value_is_dropped_outside_of_the_heap(self):
        """Its end may use the heap, which is whole by then."""
        heap, log = self.heap, []

        class Noisy:
            def __del__(self):
                log.append(len(heap.objects()))
                heap.list([1, 2, 3])
                heap.collect()
                heap.verify()

        cell = heap.new(Cell, Noisy())
        cell.value = None
        self.assertEqual(len(log), 1)
        cell.value = Noisy()
        del cell
        self.assertEqual(len(log), 2)
        cells = heap.list(heap.new(Cell, Noisy()) for _ in range(10))
        cells.clear()
        self.assertEqual(len(log), 12)

    def test_surrogates(self):
        self.raises(UnicodeEncodeError, "surrogates not allowed", self.round_trip, "a\ud800")
        self.assertEqual(self.round_trip("a\udcff"), "a\udcff")  # a byte that is no UTF-8, as os.fsdecode says it
        self.raises(UnicodeEncodeError, "surrogates not allowed", self.round_trip, "\udcc3\udca9")  # would be an e
        m = self.heap.map()
        self.raises(UnicodeEncodeError, "surrogates not allowed", m.__setitem__, "\ud800", 1)
        m["\udcff"] = 1
        self.assertEqual(m["\udcff"], 1)
        self.raises(UnicodeEncodeError, "surrogates not allowed", m.__getitem__, "\ud800")

    def test_recycled_handles(self):
        """Handles come from a list of free blocks: none may keep what the one before had."""
        for _ in range(50):
            cells = [self.heap.new(Cell, i) for i in range(400)]
            self.assertEqual([c.value for c in cells], list(range(400)))
            self.assertEqual(len({id(c) for c in cells}), 400)
            del cells
        self.assertEqual(self.heap.figures().objects, 0)


if __name__ == "__main__":
    main()
