"""Maps against dict."""

import collections.abc
import math
import random

import husk
from support import SMALL, Case, main


class Cell(husk.Record):
    value: object


class Maps(Case):
    def test_protocol(self):
        self.assertIsInstance(husk.Map(), collections.abc.MutableMapping)
        m = husk.Map({"a": 1, 2: "b"})
        m[2.5] = None
        self.assertEqual(list(m), ["a", 2, 2.5])
        self.assertEqual(dict(m), {"a": 1, 2: "b", 2.5: None})
        self.assertEqual(list(m.values()), [1, "b", None])
        self.assertEqual(list(m.items())[0], ("a", 1))
        self.assertEqual((m.get("a"), m.get("z"), m.get("z", 9), m.pop("a"), m.pop("a", 8)), (1, None, 9, 1, 8))
        self.assertEqual((m.setdefault("q", 4), m.setdefault("q", 5)), (4, 4))
        m.update({"r": 1}, s=2)
        m.update([("t", 3)])
        self.assertEqual(len(m), 6)
        self.assertIn("t", m)
        self.assertIn(2, m.keys())
        self.assertTrue(m)
        m.popitem()
        m.clear()
        self.assertFalse(m)
        self.assertEqual(dict(self.heap.map([(1, 2)], a=3)), {1: 2, "a": 3})
        self.assertEqual(dict(self.heap.map(m)), {})
        self.assertIs(husk.heap_of(husk.Map(heap=self.heap)), self.heap)

    def test_keys(self):
        m = self.heap.map()
        m[1.0] = "one"
        self.assertEqual(m[1], "one")
        m[True] = "yes"
        self.assertEqual((m[1], m[True], len(m)), ("one", "yes", 2))  # two keys, unlike a dict's
        key = self.heap.new(Cell)
        m[key] = 5
        self.assertEqual(m[key], 5)
        self.assertNotIn(self.heap.new(Cell), m)
        self.assertIs(list(m)[-1], key)
        long = "x" * 100
        m[long] = 7
        self.assertEqual(m["x" * 100], 7)
        self.assertEqual(m[type("S", (str,), {})(long)], 7)

    def test_errors(self):
        m = self.heap.map(a=1)
        error = self.raises(husk.MissingError, "the map has no key 'q'", m.__getitem__, "q")
        self.assertIsInstance(error, KeyError)
        self.raises(KeyError, "'q'", m.__delitem__, "q")
        self.raises(KeyError, "7", m.pop, 7)
        self.raises(KeyError, "", self.heap.map().popitem)
        for key in (None, (), [], b"x", object(), self.heap):
            self.raises(TypeError, "keys are", m.__getitem__, key)
            self.raises(TypeError, "keys are", m.__setitem__, key, 1)
            self.raises(TypeError, "keys are", m.__contains__, key)
        self.raises(OverflowError, "beyond 64 bits", m.__setitem__, 2**63, 1)
        self.raises(husk.InvalidError, "", m.__setitem__, math.nan, 1)
        self.raises(husk.OtherHeapError, "default", m.__setitem__, Cell(), 1)
        self.raises(husk.OtherHeapError, "default", m.__setitem__, "k", Cell())
        self.raises(TypeError, "1 or 2", m.get)
        self.raises(TypeError, "", husk.Map, 5)
        self.raises(TypeError, "", husk.Map, {}, {})
        self.assertEqual(dict(m), {"a": 1})

    def test_like_dict(self):
        source = random.Random(11)
        for _ in range(20 if SMALL else 200):
            mine, theirs = self.heap.map(), {}
            for step in range(60):
                key = source.choice(("a", "b", "c", 1, 2, 3, 2.5, "long " * 5))
                kind = source.randrange(5)
                if kind < 2:
                    mine[key] = theirs[key] = step
                elif kind == 2:
                    self.assertEqual(mine.pop(key, None), theirs.pop(key, None))
                elif kind == 3:
                    self.assertEqual(mine.get(key), theirs.get(key))
                    self.assertEqual(key in mine, key in theirs)
                else:
                    self.assertEqual(list(mine.items()), list(theirs.items()))
                self.assertEqual(len(mine), len(theirs))

    def test_changed_while_it_is_walked(self):
        m = self.heap.map({i: i for i in range(20)})
        seen = []
        for key in m:
            seen.append(key)
            m.pop(key)
        self.assertEqual((seen, len(m)), (list(range(20)), 0))
        it = iter(m)
        self.assertEqual(list(it), [])
        heap = husk.Heap("short")
        it = iter(heap.map(a=1))
        heap.close()
        self.raises(husk.ClosedError, "short", next, it)

    def test_references_are_counted(self):
        cell = self.heap.new(Cell)
        m = self.heap.map()
        m[cell] = cell
        self.assertEqual(husk.refcount(cell), 2)
        m[cell] = 1
        self.assertEqual(husk.refcount(cell), 1)
        del m[cell]
        self.assertEqual(husk.refcount(cell), 0)


if __name__ == "__main__":
    main()
