"""husk.gc where gc has nothing of the kind: heaps, hooks, what it prints, forks."""

import contextlib
import io
import os
import sys

import husk
import same
from support import Case, main, run_script


class Node(husk.Record):
    value: object
    next: object


class Own(Case):
    def garbage(self, heap=husk.default, value=None):
        node = heap.new(Node, value)
        node.next = node

    def test_another_heap(self):
        heap, other = self.heap, husk.default
        self.garbage(heap)
        self.garbage(other)
        heap_before = husk.gc.get_stats(heap=heap)[2]
        self.assertEqual((husk.gc.collect(heap=heap), husk.gc.collect(2, heap=heap)), (1, 0))
        self.assertEqual(husk.gc.collect(), 1)
        self.assertEqual(husk.gc.get_stats(heap=heap)[2]["collected"], heap_before["collected"] + 1)
        kept = heap.new(Node)
        self.assertEqual(husk.gc.get_objects(heap=heap), [kept])
        self.assertNotIn(kept, husk.gc.get_objects())
        husk.gc.freeze(heap=heap)
        self.assertEqual((husk.gc.get_freeze_count(heap=heap), husk.gc.get_freeze_count()), (1, 0))
        husk.gc.unfreeze(heap=heap)
        husk.gc.disable(heap=heap)
        self.assertEqual((husk.gc.isenabled(heap=heap), husk.gc.isenabled()), (False, True))
        self.assertEqual(heap.disabled_by(0), "husk.gc")
        husk.gc.enable(heap=heap)
        husk.gc.set_threshold(7, heap=heap)
        self.assertEqual((husk.gc.get_threshold(heap=heap)[0], husk.gc.get_threshold()[0]), (7, 16384))
        self.assertEqual(len(husk.gc.get_count(heap=heap)), 3)

    def test_refused(self):
        for call in (husk.gc.collect, husk.gc.get_stats, husk.gc.get_count, husk.gc.freeze, husk.gc.isenabled):
            self.raises(TypeError, "a Heap expected, got int", call, heap=5)
        heap = husk.Heap("short")
        heap.close()
        for call in (husk.gc.collect, husk.gc.get_stats, husk.gc.get_count, husk.gc.freeze, husk.gc.get_objects,
                     husk.gc.enable, husk.gc.disable, husk.gc.isenabled, husk.gc.get_threshold):
            self.raises(husk.ClosedError, "short", call, heap=heap)
        self.raises(ValueError, "threshold1 is -3: 0 or more expected", husk.gc.set_threshold, 5, -3)
        self.assertEqual(husk.gc.get_threshold(), (16384, 10, 10))
        self.raises(TypeError, "an object of a heap expected, got int", husk.gc.get_referrers, 5)

    def test_threshold_zero_and_back(self):
        before = self.heap.pacing()
        husk.gc.set_threshold(0, heap=self.heap)
        self.assertEqual(self.heap.pacing()[:2], (0, 0))
        self.assertEqual(husk.gc.get_threshold(heap=self.heap), (0, 10, 10))
        husk.gc.set_threshold(before.least_objects, 1, 2, heap=self.heap)
        self.assertEqual(self.heap.pacing(), before)
        self.assertEqual(husk.gc.get_threshold(heap=self.heap), (before.least_objects, 1, 2))

    def test_disable_stands_beside_that_of_the_heap(self):
        husk.gc.disable(heap=self.heap)
        self.heap.disable("somebody else")
        husk.gc.enable(heap=self.heap)
        husk.gc.enable(heap=self.heap)
        self.assertFalse(husk.gc.isenabled(heap=self.heap))
        self.heap.enable()
        self.assertTrue(husk.gc.isenabled(heap=self.heap))

    def test_in_hooks(self):
        seen = []

        class Ending(husk.Record):
            value: object

            def __finalize__(self):
                seen.append(husk.gc.collect())

        Ending()
        r = husk.ref(node := Node(), lambda r: seen.append(husk.gc.collect()))
        del node
        self.assertEqual((seen, r()), ([0, 0], None))

    def test_one_collect_is_one_pass_to_callbacks(self):
        seen = []

        def callback(phase, info):
            seen.append((phase, info["generation"], info["collected"], info["reason"], info["duration"] >= 0))
            self.assertEqual(husk.gc.collect(), 0)

        class Plain:
            pass

        plain = Plain()
        plain.node = Node(plain)  # takes passes in turns with Python's
        del plain
        with same.listening(same.HUSK, callback):
            self.assertEqual(husk.gc.collect(), 0)  # ended with its handle
        self.assertEqual(seen, [("start", 2, 0, "call", True), ("stop", 2, 0, "call", True)])

    def test_passes_that_start_by_themselves(self):
        seen = []
        with same.listening(same.HUSK, lambda phase, info: seen.append((phase, info["reason"]))):
            husk.default.request()
            husk.default.safepoint()
        self.assertEqual(seen, [("start", "request"), ("stop", "request")])

    def test_what_debugging_prints(self):
        self.garbage()
        with contextlib.redirect_stderr(io.StringIO()) as told:
            husk.gc.set_debug(husk.gc.DEBUG_STATS | husk.gc.DEBUG_COLLECTABLE)
            husk.gc.collect()
            husk.gc.set_debug(husk.gc.DEBUG_UNCOLLECTABLE)
            husk.gc.collect()
            husk.gc.set_debug(0)
            husk.gc.collect()
        self.assertRegex(told.getvalue(), r"""(?x)\A gc:\ collecting\ generation\ 2\.\.\.\n
            gc:\ objects\ in\ each\ generation:\ 0\ 0\ \d+\n
            gc:\ collectable:\ 1\ objects,\ \d+\ bytes\n
            gc:\ done,\ 1\ unreachable,\ 0\ uncollectable,\ \d\.\d{4}s\ elapsed\n \Z""")

    def test_nowhere_to_print(self):
        stderr, sys.stderr = sys.stderr, None
        try:
            husk.gc.set_debug(husk.gc.DEBUG_STATS)
            self.assertEqual(husk.gc.collect(), 0)
        finally:
            sys.stderr = stderr
            husk.gc.set_debug(0)

    def test_garbage_of_the_heap_is_its_own(self):
        """Heap.set_save_all has a list of its own."""
        self.garbage(value="mine")
        husk.default.set_save_all(True)
        husk.gc.collect()
        husk.default.set_save_all(False)
        self.assertEqual(([x.value for x in husk.default.garbage()], husk.gc.garbage), (["mine"], []))
        husk.default.garbage_clear()
        self.assertEqual(husk.gc.collect(), 1)

    def test_objects_are_what_passes_look_at(self):
        node = self.heap.new(Node, "text")
        items = self.heap.list(["text", 5, object(), node])
        names = self.heap.map({"a": 1})
        reference = husk.ref(node, lambda r: None)
        node.next = reference
        values = husk.weakref.WeakValueDictionary(x=node)  # its references are of a class derived from ref
        proxy = husk.weakref.proxy(node)
        self.assertEqual((husk.gc.is_tracked(values.valuerefs()[0]), husk.getrefcount(values.valuerefs()[0])), (True, 1))
        found = husk.gc.get_objects(heap=self.heap)
        for x in (node, items, names):
            self.assertEqual([x is y for y in found].count(True), 1)
        self.assertTrue(all(isinstance(x, husk.Obj) for x in found))
        self.assertEqual(len(found), len({id(x) for x in found}))
        self.assertEqual(proxy.value, "text")

    def test_fork_recipe(self):
        code, out, err = run_script("""
import os, husk
from husk import gc
class Node(husk.Record):
    value: object
    next: object
kept = [Node(i) for i in range(1000)]
gc.disable()
gc.freeze()
child = os.fork()
if not child:
    gc.enable()
    a = Node(); a.next = a; del a
    os._exit(gc.collect() == 1 and gc.get_freeze_count() == 1000)
print(os.WEXITSTATUS(os.waitpid(child, 0)[1]))
""") if hasattr(os, "fork") else (0, "1\n", "")
        self.assertEqual((code, out, err), (0, "1\n", ""))


if __name__ == "__main__":
    main()
