"""What Husk calls back: finalizers, callbacks of weak references and of passes. Errors in them are reported, never
lost and never fatal; they may do anything."""

import functools
import gc
import sys
import weakref

import husk
from support import Case, main

log = []


class Loud(husk.Record):
    name: object
    next: object
    action: object

    def __finalize__(self):
        log.append(self.name)
        if self.action:
            self.action(self)


class Hooks(Case):
    def setUp(self):
        super().setUp()
        log.clear()

    def test_finalizer(self):
        n = self.heap.new(Loud, "a", self.heap.new(Loud, "b"))
        del n
        self.assertEqual(log, ["a", "b"])
        a, b = self.heap.new(Loud, "c"), self.heap.new(Loud, "d")
        a.next, b.next = b, a
        del a, b
        self.assertEqual(log, ["a", "b"])
        done = self.heap.collect()
        self.assertEqual((done.collected, done.finalized), (2, 2))
        self.assertEqual(sorted(log), ["a", "b", "c", "d"])

    def test_every_slot_is_intact(self):
        seen = []
        a = self.heap.new(Loud, "a", action=lambda self: seen.append((self.name, self.next.name)))
        b = self.heap.new(Loud, "b", a, action=lambda self: seen.append((self.name, self.next.name)))
        a.next = b
        del a, b
        self.heap.collect()
        self.assertEqual(sorted(seen), [("a", "b"), ("b", "a")])

    def test_kept_by_python_it_lives_on(self):
        kept = []
        n = self.heap.new(Loud, "a", action=kept.append)
        del n
        self.assertEqual(log, ["a"])
        self.assertTrue(husk.is_finalized(kept[0]))
        self.assertEqual(kept[0].name, "a")
        self.assertEqual(husk.getrefcount(kept[0]), 1)
        kept.clear()
        self.assertEqual(log, ["a"])  # once in a life
        self.assertEqual(self.heap.figures().objects, 0)

    def test_kept_by_the_heap_it_lives_on(self):
        saved = self.heap.list()
        n = self.heap.new(Loud, "a", action=saved.append)
        n.next = n
        del n
        done = self.heap.collect()
        self.assertEqual((done.finalized, done.resurrected, len(saved)), (1, 2, 1))  # and the box of its action
        self.assertEqual(saved[0].next.name, "a")
        saved[0].action = None
        saved.clear()
        self.heap.collect()
        self.assertEqual(log, ["a"])
        self.assertEqual(self.heap.figures().objects, 1)

    def test_inherited(self):
        class Quiet(Loud):
            extra: int

        class Mixin:
            __slots__ = ()

            def __finalize__(self):
                log.append("mixin")

        class Mixed(Mixin, husk.Record):
            value: int

        self.heap.new(Quiet, "q")
        self.heap.new(Mixed, 1)
        self.assertEqual(log, ["q", "mixin"])
        Quiet.__finalize__ = lambda self: log.append("replaced")
        self.heap.new(Quiet, "q")
        self.assertEqual(log[-1], "replaced")

    def test_errors_are_reported(self):
        self.wants_unraisable = True

        def broken(self):
            raise ZeroDivisionError("in a finalizer")

        for action in (broken, lambda self: sys.exit(3), lambda self: (_ for _ in ()).throw(KeyboardInterrupt("k"))):
            n = self.heap.new(Loud, "a", action=action)
            del n
        self.assertEqual(log, ["a"] * 3)
        self.assertEqual(self.unraisable, [(ZeroDivisionError, "in a finalizer"), (SystemExit, "3"),
                                           (KeyboardInterrupt, "k")])
        self.assertEqual(self.heap.figures().objects, 0)

    def test_on_error(self):
        self.wants_unraisable = True
        errors = []
        self.assertIsNone(self.heap.on_error)
        self.heap.on_error = errors.append
        self.assertEqual(self.heap.on_error, errors.append)
        self.heap.new(Loud, "a", action=lambda self: {}["missing"])
        self.assertEqual(len(errors), 1)
        self.assertIsInstance(errors[0], husk.HookError)
        self.assertEqual(str(errors[0]), "finalizer of Loud: 'missing'")
        self.assertIsInstance(errors[0].__cause__, KeyError)
        self.assertEqual(errors[0].code, "HUSK_EHOOK")
        self.heap.on_error = lambda error: 1 / 0
        self.heap.new(Loud, "a", action=lambda self: {}["missing"])
        self.assertEqual([kind for kind, _ in self.unraisable], [KeyError, ZeroDivisionError, KeyError])
        self.heap.on_error = None
        self.raises(TypeError, "a callable expected", setattr, self.heap, "on_error", 5)

    def test_the_exception_in_flight_is_kept(self):
        def fail():
            n = self.heap.new(Loud, "a", action=lambda self: [1, 2].index(2))
            l = [n]
            raise LookupError("mine")

        self.raises(LookupError, "mine", fail)
        self.assertEqual(log, ["a"])

    def test_hooks_may_do_anything(self):
        heap = self.heap

        def everything(self):
            heap.list([self, "x", {}]).append(1)
            heap.map(a=self)
            self.next = heap.new(Loud, "inner")
            self.next = None
            try:
                heap.collect()
            except husk.BusyError:
                log.append("busy")
            gc.collect()
            heap.objects()
            heap.figures()
            self.action = None

        n = heap.new(Loud, "a", action=everything)
        n.next = n
        del n
        heap.collect()
        self.assertEqual(log[:2], ["a", "busy"])
        self.assertIn("inner", log)
        heap.collect()
        self.assertEqual(heap.figures().objects, 0)

    def test_pass_callbacks(self):
        seen = []
        first = self.heap.on_pass(lambda phase, figures: seen.append((1, phase, figures.collected)))
        second = self.heap.on_pass(lambda phase, figures: seen.append((2, phase, figures.reason)))
        n = self.heap.new(Loud)
        n.next = n
        del n
        self.heap.collect(python=False)
        self.assertEqual(seen, [(1, "start", 0), (2, "start", "call"), (1, "stop", 1), (2, "stop", "call")])
        self.heap.off_pass(first)
        self.heap.collect(python=False)
        self.assertEqual(len(seen), 6)
        self.raises(husk.MissingError, "", self.heap.off_pass, first)
        self.raises(TypeError, "a callable expected", self.heap.on_pass, 5)
        self.raises(TypeError, "an int expected", self.heap.off_pass, "x")
        self.heap.off_pass(second)

    def test_a_pass_callback_that_takes_itself_back(self):
        calls = []

        def once(phase, figures):
            calls.append(phase)
            if len(calls) == 1:
                self.heap.off_pass(number)

        number = self.heap.on_pass(once)
        self.heap.collect()
        self.assertEqual(calls[0], "start")
        before = len(calls)
        self.heap.collect()
        self.assertEqual(len(calls), before)

    def test_a_pass_callback_that_raises(self):
        self.wants_unraisable = True
        seen = []
        self.heap.on_pass(lambda phase, figures: 1 / 0)
        self.heap.on_pass(lambda phase, figures: seen.append(phase))
        self.heap.collect(python=False)
        self.assertEqual(seen, ["start", "stop"])
        self.assertEqual(self.unraisable, [(ZeroDivisionError, "division by zero")] * 2)

    def test_a_heap_in_its_own_callback_is_no_leak(self):
        heap = husk.Heap("short")
        heap.on_pass(functools.partial(lambda heap, phase, figures: None, heap))
        heap.on_error = functools.partial(print, heap)
        gone = weakref.ref(heap)
        del heap
        gc.collect()
        self.assertIsNone(gone())

    def test_save_all(self):
        self.heap.set_save_all(True)
        n = self.heap.new(Loud, "a")
        n.next = n
        del n
        self.heap.collect()
        self.assertEqual([x.name for x in self.heap.garbage()], ["a"])
        self.assertEqual(self.heap.garbage_reason(0), "save-all")
        self.assertEqual(self.heap.garbage_count(), 1)
        self.assertTrue(self.heap.save_all())
        self.heap.set_save_all(False)
        self.heap.garbage_clear()
        self.heap.collect()
        self.assertEqual(self.heap.figures().objects, 0)

    def test_dry(self):
        n = self.heap.new(Loud, "a")
        n.next = n
        del n
        self.assertEqual(self.heap.collect_dry().collected, 1)
        self.assertEqual(log, [])


if __name__ == "__main__":
    main()
