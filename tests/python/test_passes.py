"""What husk.gc says of passes: records, pauses, the page that other processes read."""

import os
import unittest

import husk
from support import Case, main

gc = husk.gc


def litter(heap, n):
    for _ in range(n):
        one = husk.List(heap=heap)
        one.append(one)


class Passes(Case):
    def setUp(self):
        super().setUp()
        self.heap = husk.Heap("of passes")

    def tearDown(self):
        self.heap.close()
        super().tearDown()

    def check(self, r):
        self.assertEqual(r.candidates, r.freed + r.saved + r.resurrected + r.deferred + r.held + r.reached)
        self.assertEqual(r.pause_ns, sum(r.ns.values()))
        self.assertEqual(r.freed, sum(row.objects for row in r.by_type) + r.rest.objects)
        self.assertEqual(r.freed_bytes, sum(row.bytes for row in r.by_type) + r.rest.bytes)

    def test_records(self):
        self.assertEqual(gc.get_passes(heap=self.heap), [])
        kept = husk.List([husk.List(heap=self.heap)], heap=self.heap)
        litter(self.heap, 10)
        figures = self.heap.collect()
        passes = gc.get_passes(heap=self.heap)
        for r in passes:
            self.check(r)
        r = passes[-1]
        self.assertEqual(r.number, figures.number)
        self.assertEqual((r.mode, r.status), ("full", "HUSK_OK"))
        self.assertEqual(sum(one.freed for one in passes), 10)
        self.assertEqual(gc.get_pass_sums(heap=self.heap).freed + gc.get_pass_sums("young", heap=self.heap).freed, 10)
        self.assertEqual([row.type for one in passes for row in one.by_type][:1], ["list"])
        self.assertTrue(r.line.startswith(f"husk-gc pass={r.number} heap=of%20passes mode=full "), r.line)
        del kept

    def test_the_latest_are_kept(self):
        for _ in range(70):
            self.heap.collect()
        last = self.heap.pass_count()
        self.assertEqual([r.number for r in gc.get_passes(heap=self.heap)], list(range(last - 63, last + 1)))
        self.assertEqual([r.number for r in gc.get_passes(2, heap=self.heap)], [last - 1, last])
        self.assertEqual(gc.get_passes(0, heap=self.heap), [])
        self.assertRaises(ValueError, gc.get_passes, -1)
        self.assertRaises(TypeError, gc.get_passes, "x")

    def test_pauses(self):
        for i in range(20):
            litter(self.heap, 10 * i)
            self.heap.collect()
        passes = gc.get_passes(heap=self.heap)
        pauses = gc.get_pauses(heap=self.heap)
        self.assertEqual(pauses.pauses, len(passes))
        self.assertEqual(pauses.total_ns, sum(r.pause_ns for r in passes))
        self.assertEqual(pauses.max_ns, max(r.pause_ns for r in passes))
        self.assertEqual(gc.get_pauses("any", 50, heap=self.heap), pauses.p50_ns)
        for bucket in gc.get_pause_histogram(heap=self.heap):
            self.assertEqual(bucket.pauses, sum(bucket.low_ns <= r.pause_ns <= bucket.high_ns for r in passes))
        self.assertRaises(ValueError, gc.get_pauses, "old")
        self.assertRaises(ValueError, gc.get_pass_sums, "any")
        self.assertRaises(TypeError, gc.get_pause_histogram, 1)
        for percent in (0, 101, float("nan")):
            self.assertRaises(husk.RangeError, gc.get_pauses, "full", percent, heap=self.heap)

    def test_closed(self):
        heap = husk.Heap()
        heap.close()
        for call in (gc.get_passes, gc.get_pauses, gc.get_pause_histogram, gc.get_pass_sums):
            self.assertRaises(husk.ClosedError, call, heap=heap)

    def test_the_page(self):
        self.assertIs(gc.gcstat(), False)
        self.assertRaises(husk.MissingError, gc.gcstat_read, os.getpid())
        self.assertIs(gc.gcstat(True), True)
        litter(self.heap, 7)
        figures = self.heap.collect()
        row, = (one for one in gc.gcstat_read(os.getpid()) if one.name == "of passes")
        self.assertEqual(row.latest.number, figures.number)
        self.assertEqual(sum(one.freed for one in row.sums.values()), 7)
        self.assertEqual(row.pauses["any"], gc.get_pauses(heap=self.heap))
        self.check(row.latest)
        self.assertIn(os.getpid(), gc.gcstat_list())
        self.assertIs(gc.gcstat(False), False)
        self.assertRaises(husk.MissingError, gc.gcstat_read, 0x7ffffff0)
        self.assertRaises(TypeError, gc.gcstat, 1)
        self.assertRaises(TypeError, gc.gcstat_read, "1")


if __name__ == "__main__":
    main()
