"""Dry runs, hidden references and finding leaks, in husk.gc."""

import husk
from support import Case, main

ended = []


class Node(husk.Record):
    value: object
    next: object

    def __finalize__(self):
        ended.append(self.value)


def cycle(heap, value=0):
    a = heap.new(Node, value)
    a.next = a


class DryRuns(Case):
    def test_says_what_a_collect_then_does(self):
        ended.clear()
        heap = self.heap
        for i in range(3):
            cycle(heap, i)
        ring = heap.list()
        ring.append(ring)
        ring.append("text")
        del ring
        before = heap.figures()
        dry = husk.gc.dry_run(objects=2, heap=heap)
        self.assertEqual(heap.figures(), before)
        self.assertEqual((dry.garbage, dry.objects, dry.followers), (4, 5, 1))
        self.assertEqual((dry.finalizers, dry.callbacks, dry.cleanups, dry.waiting), (3, 0, 0, 0))
        self.assertEqual(len(dry.listed), 2)
        self.assertEqual([step.kind for step in dry.steps], ["finalizer"] * 3)
        self.assertEqual({step.type for step in dry.steps}, {"Node"})
        self.assertEqual(sum(row.bytes for row in dry.types), dry.bytes)
        self.assertEqual(dry.pause_ns, dry.find_ns + dry.finalize_ns + dry.reclaim_ns)
        self.assertEqual(dry.basis, ("dry run", "none", "dry run"))
        self.assertIn("would end 5 objects", str(dry))
        self.assertIn("3 Node, ", str(dry))
        self.assertEqual(ended, [])
        self.assertEqual(heap.collect().collected, dry.garbage)
        self.assertEqual(sorted(ended), [0, 1, 2])
        self.assertEqual(before.objects - heap.figures().objects, dry.objects)

    def test_callbacks_in_order(self):
        heap, log = self.heap, []
        a = heap.list()
        a.append(a)
        kept = husk.ref(a, lambda r: log.append("ref"))
        cleanup = husk.Cleanup(a, lambda: log.append("cleanup"))
        del a
        dry = husk.gc.dry_run(heap=heap)
        self.assertEqual([step.kind for step in dry.steps], ["cleanup", "callback"])
        heap.collect()
        self.assertEqual(log, ["cleanup", "ref"])
        self.assertIsNone(kept())
        del cleanup

    def test_bad_arguments(self):
        self.raises(TypeError, "", husk.gc.dry_run, 1)
        self.raises(TypeError, "", husk.gc.dry_run, objects="x")
        self.raises(husk.RangeError, "-1", husk.gc.dry_run, objects=-1)
        self.raises(TypeError, "a Heap expected", husk.gc.dry_run, heap=5)
        heap = husk.Heap("gone")
        heap.close()
        for call in (husk.gc.dry_run, husk.gc.hidden, husk.gc.leaks):
            self.raises(husk.ClosedError, "", call, heap=heap)
        self.raises(husk.ClosedError, "", husk.gc.find_leaks, True, heap=heap)

    def test_not_in_a_hook(self):
        heap, caught = self.heap, []

        class Odd(husk.Record):
            def __finalize__(self):
                for call in (husk.gc.dry_run, husk.gc.hidden, husk.gc.leaks, lambda heap: husk.gc.hidden_counts([self])):
                    try:
                        call(heap=heap)
                    except husk.BusyError as error:
                        caught.append(error)

        heap.new(Odd)
        self.assertEqual(len(caught), 4)
        caught.clear()


class HiddenReferences(Case):
    def test_census(self):
        heap = self.heap
        inner = heap.list()
        outer = heap.list([inner, inner])
        self.assertEqual(husk.gc.hidden_count(outer), 1)
        self.assertEqual(husk.gc.hidden_count(inner), 1)
        del inner
        census = husk.gc.hidden(objects=5, heap=heap)
        self.assertEqual((census.examined, census.objects, census.references, census.unknown), (2, 1, 1, 0))
        self.assertEqual([(row.type, row.objects, row.references) for row in census.types], [("list", 1, 1)])
        self.assertEqual([x.references for x in census.listed], [1])
        self.assertEqual(census.damaged, [])
        self.assertIn("1 object, held from outside by 1 reference", str(census))
        husk.make_immortal(outer)
        self.assertIsNone(husk.gc.hidden_count(outer))
        self.raises(TypeError, "", husk.gc.hidden_count, 5)

    def test_of_many(self):
        heap = self.heap
        lists = [heap.list() for _ in range(50)]
        holder = heap.list(lists[:10] * 2)
        asked = [*lists, holder, lists[0]]
        before = heap.figures()
        self.assertEqual(husk.gc.hidden_counts(asked), [1] * 52)
        self.assertEqual(husk.gc.hidden_counts(iter(asked)), [husk.gc.hidden_count(x) for x in asked])
        self.assertEqual(heap.figures(), before)
        self.assertEqual(husk.gc.hidden_counts([]), [])
        husk.make_immortal(holder)
        self.assertEqual(husk.gc.hidden_counts((lists[0], holder)), [1, None])
        other = husk.Heap("other")
        one = other.list()
        error = self.raises(ValueError, "object 1 is of heap other", husk.gc.hidden_counts, [lists[0], one])
        self.assertEqual(error.code, "HUSK_EINVAL")
        self.raises(TypeError, "an object of a heap expected, got int", husk.gc.hidden_counts, [lists[0], 5])
        self.raises(TypeError, "", husk.gc.hidden_counts, 5)
        self.raises(ZeroDivisionError, "", husk.gc.hidden_counts, (1 / 0 for _ in lists))

        def closing():
            yield one
            other.close()

        self.raises(husk.ClosedError, "other", husk.gc.hidden_counts, closing())

    def test_by_place(self):
        heap = self.heap
        husk.tracemalloc.start(heap=heap)
        kept = [heap.list(), heap.list()]
        rows = husk.gc.hidden(by_place=True, heap=heap).types
        self.assertEqual([row.objects for row in rows], [2])
        self.assertRegex(rows[0].place, r"test_survey\.py:\d+")
        self.assertIsNone(husk.gc.hidden(heap=heap).types[0].place)
        husk.tracemalloc.stop(heap=heap)
        del kept


class FindingLeaks(Case):
    def test_told_once(self):
        ended.clear()
        heap, told = self.heap, []
        self.assertFalse(heap.find_leaks())
        husk.gc.find_leaks(told.append, objects=1, heap=heap)
        self.assertTrue(heap.find_leaks())
        for i in range(3):
            cycle(heap, i)
        done = heap.collect()
        self.assertEqual((done.collected, ended), (0, []))
        self.assertEqual(len(told), 1)
        self.assertEqual((told[0].objects, told[0].summary, told[0].types[0].type), (3, False, "Node"))
        self.assertEqual(len(told[0].listed), 1)
        self.assertTrue(str(told[0]).startswith("leaks: 3 objects"))
        heap.collect()
        self.assertEqual(len(told), 1)
        everything = husk.gc.leaks(objects=10, heap=heap)
        self.assertEqual((everything.summary, everything.objects, len(everything.listed)), (True, 3, 3))
        husk.gc.find_leaks(False, heap=heap)
        self.assertEqual(heap.collect().collected, 3)
        self.assertEqual(sorted(ended), [0, 1, 2])

    def test_at_close(self):
        ended.clear()
        told = []
        heap = husk.Heap("leaky")
        husk.gc.find_leaks(told.append, heap=heap)
        cycle(heap)
        heap.collect()
        heap.close()
        self.assertEqual([(report.objects, report.summary) for report in told], [(1, False), (1, True)])
        self.assertEqual(ended, [])

    def test_for_on_error(self):
        errors = []
        heap = husk.Heap("leaky")
        heap.on_error = errors.append
        husk.gc.find_leaks(True, heap=heap)
        cycle(heap)
        heap.collect()
        husk.gc.find_leaks(False, heap=heap)
        heap.close()
        self.assertRegex(str(errors[0]), "leak: 1 object of type Node")

    def test_bad_arguments(self):
        self.raises(TypeError, "True, False or a callable", husk.gc.find_leaks, 5)
        self.raises(TypeError, "", husk.gc.find_leaks, True, objects="x")


if __name__ == "__main__":
    main()
